"""Makes the media files that the tests read: each frame carries its number, so that any swap shows."""

import io
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
from av.packet import Packet
from av.video.stream import VideoStream

BITS = (3, 5)
"""Rows and columns of the blocks that spell a frame's number: 15 bits."""

STAMP_HW = (48, 80)
"""Size of a stamped frame: blocks of 16 x 16 pixels, the macroblocks of the codecs."""


def stamped(number: int, hw: tuple[int, int] = STAMP_HW) -> np.ndarray:
    """Return an RGB picture that spells a number in black and white blocks."""
    bits = [(number >> bit) & 1 for bit in range(BITS[0] * BITS[1])]
    grid = np.array(bits, dtype=np.uint8).reshape(BITS) * 255
    rows = np.arange(hw[0]) * BITS[0] // hw[0]
    cols = np.arange(hw[1]) * BITS[1] // hw[1]
    return np.repeat(grid[rows][:, cols, None], 3, axis=2)


def number_of(rgb: np.ndarray) -> int:
    """Read the number back from the centres of the blocks."""
    height, width = rgb.shape[:2]
    rows = (np.arange(BITS[0]) * 2 + 1) * height // (2 * BITS[0])
    cols = (np.arange(BITS[1]) * 2 + 1) * width // (2 * BITS[1])
    blocks = rgb[rows][:, cols].mean(axis=2).reshape(-1)
    return sum(1 << bit for bit, block in enumerate(blocks) if block > 127)


def video(
    pictures: Iterable[np.ndarray],
    *,
    container: str = "mp4",
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rate: int = 10,
    pts: Sequence[int] | None = None,
    options: dict[str, str] | None = None,
    aspect: Fraction | None = None,
    rotation: tuple[float, bool, bool] | None = None,
    container_options: dict[str, str] | None = None,
) -> bytes:
    """Encode RGB or RGBA pictures; ``pts`` counts hundredths of a second, else frames come at ``rate``."""
    tick = Fraction(1, rate) if pts is None else Fraction(1, 100)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "made"  # no buffer: to move its index to the front, libav opens the file again
        with av.open(path, "w", format=container, options=container_options or {}) as out:
            stream: VideoStream | None = None
            for index, picture in enumerate(pictures):
                if stream is None:
                    stream = out.add_stream(codec, rate=rate)
                    stream.height, stream.width = picture.shape[:2]
                    stream.pix_fmt = pix_fmt
                    stream.options = {"g": "6", **(options or {})}
                    stream.codec_context.time_base = tick
                    if aspect is not None:
                        stream.codec_context.sample_aspect_ratio = aspect
                    if rotation is not None:
                        stream.set_display_rotation(rotation[0], hflip=rotation[1], vflip=rotation[2])
                frame = av.VideoFrame.from_ndarray(picture, format="rgba" if picture.shape[2] == 4 else "rgb24")
                frame.pts, frame.time_base = index if pts is None else pts[index], tick
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        return path.read_bytes()


def stamps(count: int, hw: tuple[int, int] = STAMP_HW, **how: object) -> bytes:
    """Encode a video of ``count`` stamped frames, numbered from 0."""
    return video((stamped(n, hw) for n in range(count)), **how)


def packets_of(data: bytes) -> list[Packet]:
    """Return the video packets of a file, with their places in it."""
    with av.open(io.BytesIO(data)) as container:
        return [packet for packet in container.demux(video=0) if packet.size]


def with_damage(data: bytes, packet_index: int) -> bytes:
    """Return the file with the inside of one packet overwritten."""
    packet = packets_of(data)[packet_index]
    spoilt = bytearray(data)
    start = packet.pos + 4
    spoilt[start : packet.pos + packet.size] = bytes(255 for _ in range(packet.size - 4))
    return bytes(spoilt)


def repeated(data: bytes, times: int) -> bytes:
    """Return a long MP4 cheaply: the packets of a short one without B-frames, over and over."""
    file = io.BytesIO()
    with av.open(io.BytesIO(data)) as short, av.open(file, "w", format="mp4") as out:
        template = short.streams.video[0]
        stream = out.add_stream_from_template(template)
        packets = [packet for packet in short.demux(template) if packet.size]
        ticks = packets[-1].pts + packets[-1].duration
        for turn in range(times):
            for packet in packets:
                copy = Packet(bytes(packet))  # muxing takes the data away
                copy.stream, copy.time_base, copy.duration = stream, template.time_base, packet.duration
                copy.pts, copy.dts = packet.pts + turn * ticks, packet.dts + turn * ticks
                copy.is_keyframe = packet.is_keyframe
                out.mux(copy)
    return file.getvalue()


def part(first: int, start_seconds: int, count: int = 12) -> bytes:
    """Return a recording of ten frames a second whose clock starts late, numbered from ``first``."""
    pts = [100 * start_seconds + 10 * n for n in range(count)]
    return video((stamped(first + n) for n in range(count)), container="mpegts", options={"bf": "2"}, pts=pts)


def spoilt(data: bytes) -> bytes:
    """Return a file of which no frame can be decoded."""
    whole = bytearray(data)
    for packet in packets_of(data):
        whole[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    return bytes(whole)
