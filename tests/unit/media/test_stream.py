"""One stream of a container: which one, its packets and frames, and what no decoder reads; also without a container."""

import io
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream
from media_files import number_of, part, spoilt, stamped, stamps

from nonlocal_core.errors import MediaError
from nonlocal_core.media import Selection, probe, read_frames
from nonlocal_core.media.stream import VideoPass, open_nothing

COUNT = 13
RAW = {
    "h264": {"container": "h264", "options": {"bf": "2"}},
    "h264 with delimiters": {"container": "h264", "options": {"x264-params": "aud=1"}},
    "hevc": {"container": "hevc", "codec": "libx265", "options": {"x265-params": "log-level=none:bframes=2"}},
    "mpeg2": {"container": "mpeg2video", "codec": "mpeg2video", "rate": 25, "options": {"bf": "2"}},
    "mpeg1": {"container": "mpeg1video", "codec": "mpeg1video", "rate": 25},
    "mpeg4": {"container": "m4v", "codec": "mpeg4", "options": {"bf": "2"}},
    "mjpeg": {"container": "mjpeg", "codec": "mjpeg", "pix_fmt": "yuvj420p", "rate": 25},
}


@pytest.mark.parametrize("how", RAW.values(), ids=RAW.keys())
def test_a_stream_without_a_container_is_read_in_order(how: dict[str, object]) -> None:
    data = stamps(COUNT, **how)
    rate = how.get("rate", 10)  # which the coded frames tell, but for JPEG
    frames = read_frames(data, Selection(stride=1, frames=COUNT))
    assert [number_of(picture) for picture in frames.rgb] == list(range(COUNT))
    assert frames.pts_seconds == pytest.approx(np.arange(COUNT) / rate)
    note = f"untitled does not say when its frames appear; {rate} per second is assumed."
    assert frames.warnings == (note,)
    assert (frames.info.kind, frames.info.frame_count) == ("video", COUNT)
    for index in (COUNT // 2, COUNT - 1):
        assert number_of(read_frames(data, Selection(frame_indices=(index,))).rgb[0]) == index


def test_a_stream_that_begins_with_more_zeros_is_read() -> None:
    assert probe(b"\0\0\0" + stamps(3, container="h264")).codec == "h264"


def test_a_demuxer_that_stumbles_at_the_end_has_given_all(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stumbling:
        """Ends as PyAV may where a stream appeared that was not there at first."""

        def __init__(self, container: InputContainer) -> None:
            self._container = container

        def __getattr__(self, name: str) -> object:
            return getattr(self._container, name)

        def demux(self, stream: VideoStream) -> Iterator[Packet]:
            yield from (packet for packet in self._container.demux(stream) if packet.size)
            raise IndexError("list index out of range")

    opened = VideoPass._opened
    monkeypatch.setattr(VideoPass, "_opened", lambda self, demuxer: Stumbling(opened(self, demuxer)))
    frames = read_frames(part(0, 0), Selection(stride=1, frames=12))
    assert [number_of(picture) for picture in frames.rgb] == list(range(12))
    assert frames.warnings == ()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            stamps(3, container="avi", codec="rawvideo", pix_fmt="gray10le"),
            "No decoder here reads this kind of rawvideo",
        ),
        (stamps(3).replace(b"avc1", b"zzz9"), "No decoder here reads the video"),
    ],
    ids=["a kind of a codec", "a codec"],
)
def test_what_no_decoder_reads_is_not_called_damaged(data: bytes, message: str) -> None:
    with pytest.raises(MediaError, match=re.escape(message) + r".*Save it as H\.264, VP9 or AV1\.$"):
        probe(data)


def test_damage_is_still_called_damage() -> None:
    with pytest.raises(MediaError, match="It is damaged"):
        probe(spoilt(stamps(3, container="asf", codec="wmv2")))


def numbers(data: bytes, selection: Selection) -> list[int]:
    return [number_of(picture) for picture in read_frames(data, selection).rgb]


def two_tracks() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as out:
        for disposition in (Disposition.original, Disposition.default):
            stream = out.add_stream("ffv1", rate=10)
            stream.height, stream.width, stream.pix_fmt = 48, 80, "yuv420p"
            stream.disposition = disposition
        for stream, number in zip(out.streams.video, (1, 2), strict=True):
            for pts in range(4):
                frame = av.VideoFrame.from_ndarray(stamped(number), format="rgb24")
                frame.pts, frame.time_base = pts, Fraction(1, 10)
                out.mux(stream.encode(frame))
    return file.getvalue()


def test_of_several_videos_the_default_one_is_read_and_told() -> None:
    frames = read_frames(two_tracks(), Selection(frames=2))
    assert [number_of(picture) for picture in frames.rgb] == [2, 2]
    assert "holds 2 videos" in frames.warnings[0]


def with_cover(data: bytes) -> bytes:
    """Return the MP4 with a picture of its own, as music has, before the video."""
    file = io.BytesIO()
    with av.open(io.BytesIO(data)) as given, av.open(file, "w", format="mp4") as out:
        cover = out.add_stream("png")
        cover.height, cover.width, cover.pix_fmt, cover.disposition = 60, 70, "rgb24", Disposition.attached_pic
        stream = out.add_stream_from_template(given.streams.video[0])
        out.mux(cover.encode(av.VideoFrame.from_ndarray(stamped(77, (60, 70)), format="rgb24")))
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    return file.getvalue()


def test_cover_art_is_no_video() -> None:
    data = with_cover(stamps(6))
    with av.open(io.BytesIO(data)) as container:
        assert sum(bool(s.disposition & Disposition.attached_pic) for s in container.streams.video) == 1
    frames = read_frames(data, Selection(frames=2))
    assert [number_of(picture) for picture in frames.rgb] == [0, 5]
    assert frames.warnings == ()


def with_sound(data: bytes, *, picture: bool) -> bytes:
    file = io.BytesIO()
    with av.open(io.BytesIO(data)) as given, av.open(file, "w", format="mp4") as out:
        sound = out.add_stream("aac", rate=8000)
        template = given.streams.video[0]
        stream = out.add_stream_from_template(template) if picture else None
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
        samples.sample_rate, samples.pts = 8000, 0
        out.mux(sound.encode(samples))
        out.mux(sound.encode(None))
        for packet in given.demux(template):
            if stream is not None and packet.size:
                packet.stream = stream
                out.mux(packet)
    return file.getvalue()


def test_sound_is_passed_over_and_sound_alone_is_refused() -> None:
    data = stamps(12)
    assert numbers(with_sound(data, picture=True), Selection(frame_indices=(5, 11))) == [5, 11]
    with pytest.raises(MediaError, match="holds no video"):
        probe(with_sound(data, picture=False))


def empty_packets_between(data: bytes) -> bytes:
    """Return an AVI in which every fourth frame is left out by an empty packet, as capture programs do."""
    file = io.BytesIO()
    with av.open(io.BytesIO(data)) as given, av.open(file, "w", format="avi") as out:
        template = given.streams.video[0]
        stream = out.add_stream_from_template(template)
        packets = [packet for packet in given.demux(template) if packet.size]
        for index, packet in enumerate(packets):
            copy = Packet(b"" if index % 4 == 3 else bytes(packet))
            copy.stream, copy.time_base, copy.pts, copy.dts = stream, Fraction(1, 10), index, index
            copy.is_keyframe = packet.is_keyframe
            out.mux(copy)
    return file.getvalue()


def test_empty_packets_are_frames_left_out() -> None:
    data = empty_packets_between(stamps(20, container="avi", codec="mjpeg", pix_fmt="yuvj420p"))
    frames = read_frames(data, Selection(stride=1, frames=20))
    assert [number_of(picture) for picture in frames.rgb] == [n for n in range(20) if n % 4 != 3]


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{path}\n#EXT-X-ENDLIST\n"


def test_a_demuxer_that_reaches_for_a_file_is_refused_it(tmp_path: Path) -> None:
    target = tmp_path / "private.ts"
    target.write_bytes(stamps(3, container="mpegts"))
    playlist = PLAYLIST.format(path=target).encode()
    options = {"allowed_extensions": "ALL", "extension_picky": "0"}
    with av.open(io.BytesIO(playlist), format="hls", options=options) as reached:
        assert reached.streams.video  # so the playlist does reach it
    with pytest.raises(PermissionError):
        av.open(io.BytesIO(playlist), format="hls", options=options, io_open=open_nothing)
