"""Makes videos of less than a megabyte that cost their reader far more than they weigh."""

import io
import struct
from collections.abc import Callable

import av
import numpy as np
from av.packet import Packet
from media_files import repeated, stamps, video

FULL = (2304, 4096)
"""Largest frame of a video of few bytes."""
QUICK = {"preset": "ultrafast", "bf": "0", "g": "600"}


def black(hw: tuple[int, int], count: int, **how: object) -> bytes:
    """Return so many black frames."""
    picture = np.zeros((*hw, 3), np.uint8)
    return video((picture for _ in range(count)), **how)


def h264(hw: tuple[int, int], coded: int, times: int, **options: str) -> bytes:
    """Return an MP4 of H.264 with few keyframes: so many coded frames, again and again."""
    return repeated(black(hw, coded, options=QUICK | options), times)


def _box(data: bytes, name: bytes) -> int:
    """Return where the fields of a box begin, behind its version and flags."""
    return data.index(name) + 8


def counted(samples: int) -> bytes:
    """Return an MP4 of five frames that claims to hold many more, all of one byte."""
    made = bytearray(stamps(5, options={"bf": "0"}))
    struct.pack_into(">II", made, _box(made, b"stsz"), 1, samples)
    struct.pack_into(">III", made, _box(made, b"stts"), 1, samples, 1)
    struct.pack_into(">IIII", made, _box(made, b"stsc"), 1, 1, samples, 1)
    return bytes(made)


def fragmented(samples: int) -> bytes:
    """Return an MP4 whose fragment claims to hold many frames, without a word on any."""
    flags = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    made = bytearray(stamps(5, options={"bf": "0"}, container_options=flags))
    at = made.index(b"trun") + 4
    struct.pack_into(">II", made, at, 1, samples)
    return bytes(made)


def many_streams(data: bytes, count: int) -> bytes:
    """Return a Matroska file with the first packet of a video in each of many streams."""
    file = io.BytesIO()
    with av.open(io.BytesIO(data)) as one, av.open(file, "w", format="matroska") as out:
        template = one.streams.video[0]
        first = next(packet for packet in one.demux(template) if packet.size)
        for stream in [out.add_stream_from_template(template) for _ in range(count)]:
            copy = Packet(bytes(first))
            copy.stream, copy.time_base, copy.pts, copy.dts = stream, template.time_base, 0, 0
            copy.is_keyframe = True
            out.mux(copy)
    return file.getvalue()


def many_packets(data: bytes, count: int) -> bytes:
    """Return a Matroska file of so many copies of the last packet of a video behind its first."""
    file = io.BytesIO()
    with av.open(io.BytesIO(data)) as one, av.open(file, "w", format="matroska") as out:
        template = one.streams.video[0]
        packets = [packet for packet in one.demux(template) if packet.size]
        stream = out.add_stream_from_template(template)
        for number in range(count):
            source = packets[0] if number == 0 else packets[-1]
            copy = Packet(bytes(source))
            copy.stream, copy.time_base, copy.pts, copy.dts = stream, template.time_base, number, number
            copy.is_keyframe = number == 0
            out.mux(copy)
    return file.getvalue()


def y4m(width: int, height: int, frames: int, size: int) -> bytes:
    head = f"YUV4MPEG2 W{width} H{height} F25:1 C420jpeg\n".encode()
    return head + frames * (b"FRAME\n" + bytes(size))


VIDEOS: dict[str, Callable[[], bytes]] = {
    "Matroska, 600 frames of 9 MP in H.264, one of them a keyframe": lambda: many_packets(
        black(FULL, 20, options=QUICK), 600
    ),
    "Matroska, 2,600 frames of 2 MP in H.264, one of them a keyframe": lambda: many_packets(
        black((1080, 1920), 20, options=QUICK), 2_600
    ),
    "MP4, 200 frames of 9 MP in H.264, 16 references": lambda: h264(FULL, 20, 10, refs="16", preset="veryfast"),
    "MP4, 4,000 frames of 1 MP in H.264": lambda: h264((1024, 1024), 200, 20),
    "MP4, 60 frames of 9 MP in H.264, 4:4:4 of 10 bits": lambda: repeated(
        black(FULL, 12, options=QUICK | {"refs": "16"}, pix_fmt="yuv444p10le"), 5
    ),
    "MP4, 120 frames of 9 MP in HEVC": lambda: repeated(black(FULL, 12, codec="libx265", options=QUICK), 10),
    "MP4, 60 frames of 9 MP in VP9": lambda: repeated(
        black(FULL, 6, codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"}), 10
    ),
    "WebM, 60 frames of 9 MP in VP8": lambda: many_packets(
        black(FULL, 4, codec="libvpx", container="webm", options={"deadline": "realtime", "cpu-used": "8"}), 60
    ),
    "Matroska, 4 frames of 9 MP in FFV1 of 16 bits": lambda: black(
        FULL, 4, container="matroska", codec="ffv1", pix_fmt="gbrp16le", options={"level": "3", "slices": "4"}
    ),
    "Matroska, 30 streams of 9 MP": lambda: many_streams(black(FULL, 2, options=QUICK), 30),
    "Matroska, 19,000 frames of 4,000 pixels": lambda: many_packets(stamps(5, options={"bf": "0", "g": "600"}), 19_000),
    "AVI, 25 frames of 9 MP in PNG": lambda: black(FULL, 25, container="avi", codec="png", pix_fmt="rgb24"),
    "MOV, 18 frames of 9 MP in runs": lambda: black(FULL, 18, container="mov", codec="qtrle", pix_fmt="rgb24"),
    "MP4 that claims 50,000,000 frames": lambda: counted(50_000_000),
    "MP4 whose fragment claims 200,000,000 frames": lambda: fragmented(200_000_000),
    "Y4M, 130,000 frames of one pixel": lambda: y4m(1, 1, 100_000, 3),
    "Y4M, frames of 36 MP": lambda: y4m(8000, 4500, 1, 5000),
    "MPEG-1, 400 frames of 4 MP": lambda: black(
        (2304, 1792), 150, container="mpeg1video", codec="mpeg1video", rate=25, options={"g": "600"}
    ),
}
