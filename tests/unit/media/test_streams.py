"""Streams without a container, clocks that jump, and videos that are locked: told apart by their content."""

import io
import re
from collections.abc import Iterator

import numpy as np
import pytest
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from media_files import number_of, packets_of, stamped, stamps, video
from PIL import Image, ImageCms

from nonlocal_core.errors import MediaError
from nonlocal_core.media import Selection, probe, read_frames
from nonlocal_core.media.stream import VideoPass

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


def jpeg(number: int, hw: tuple[int, int] = (48, 80), **how: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(stamped(number, hw)).save(file, "JPEG", quality=95, **how)
    return file.getvalue()


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def with_view_inside(picture: bytes, view: bytes) -> bytes:
    """Return a JPEG that carries another one in a segment, as EXIF does with thumbnails."""
    segment = b"\xff\xe1" + (len(view) + 8).to_bytes(2, "big") + b"Exif\0\0" + view
    return picture[:2] + segment + picture[2:]


def multi_picture() -> bytes:
    file = io.BytesIO()
    first, second = (Image.fromarray(stamped(n)) for n in (1, 2))
    first.save(file, "MPO", save_all=True, append_images=[second])
    return file.getvalue()


ONE_PICTURE = {
    "one": jpeg(1),
    "progressive": jpeg(1, progressive=True),
    "with a thumbnail": with_view_inside(jpeg(1), jpeg(2)),
    "of two views": multi_picture(),
    "with a preview behind it": jpeg(1) + jpeg(2, (24, 40)),
    "with a video behind it": jpeg(1) + stamps(3),
    "with a cut one behind it": jpeg(1) + jpeg(2)[:20],
}


@pytest.mark.parametrize("data", ONE_PICTURE.values(), ids=ONE_PICTURE.keys())
def test_one_jpeg_is_a_picture_whatever_it_carries(data: bytes) -> None:
    frames = read_frames(data, Selection())
    assert frames.info.kind == "image"
    assert [number_of(picture) for picture in frames.rgb] == [1]


@pytest.mark.parametrize("padding", [b"", b"\0\0\0", b"\xff\xff", b"\r\n"])
@pytest.mark.parametrize(
    "how",
    [{}, {"progressive": True}, {"restart_marker_blocks": 1}, {"icc_profile": SRGB}],
    ids=["plain", "progressive", "restarts", "a profile, in APP2 as a second view would be"],
)
def test_jpegs_one_behind_the_other_are_a_video(padding: bytes, how: dict[str, object]) -> None:
    data = padding.join(with_view_inside(jpeg(n, **how), jpeg(99)) for n in range(5))
    frames = read_frames(data, Selection(stride=1))
    assert (frames.info.kind, frames.info.codec) == ("video", "mjpeg")
    assert [number_of(picture) for picture in frames.rgb] == [0, 1, 2, 3, 4]


def part(first: int, start_seconds: int, count: int = 12) -> bytes:
    """Return a recording of ten frames a second whose clock starts late, numbered from ``first``."""
    pts = [100 * start_seconds + 10 * n for n in range(count)]
    return video((stamped(first + n) for n in range(count)), container="mpegts", options={"bf": "2"}, pts=pts)


@pytest.mark.parametrize("starts", [(0, 18_000), (0, 15), (15, 0), (0, 0), (1, 0), (3600, 0, 7200)])
def test_the_clock_of_joined_recordings_runs_on(starts: tuple[int, ...]) -> None:
    data = b"".join(part(12 * place, start) for place, start in enumerate(starts))
    total = 12 * len(starts)
    frames = read_frames(data, Selection(stride=1, frames=total))
    assert [number_of(picture) for picture in frames.rgb] == list(range(total))
    assert frames.pts_seconds == pytest.approx(np.arange(total) / 10)
    assert frames.info.duration_seconds == pytest.approx(total / 10, abs=0.1)
    often = "" if len(starts) == 2 else f" {len(starts) - 1} times"
    note = f"The clock of untitled jumps{often}, as where recordings are joined; the gap is closed."
    assert frames.warnings == (note,)
    for index in (3, 12, total - 1):
        one = read_frames(data, Selection(frame_indices=(index,)))
        assert number_of(one.rgb[0]) == index
        assert one.pts_seconds == pytest.approx([index / 10])


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


@pytest.mark.parametrize("container", ["mpegts", "mp4", "matroska"])
@pytest.mark.parametrize(
    "hundredths", [[0, 1500, 3000, 6000, 7500], [0, 10, 20, 900, 910, 920]], ids=["slides", "a pause"]
)
def test_a_long_frame_is_no_jump(container: str, hundredths: list[int]) -> None:
    data = stamps(len(hundredths), container=container, pts=hundredths, options={"bf": "0"})
    frames = read_frames(data, Selection(stride=1))
    assert frames.pts_seconds == pytest.approx(np.array(hundredths) / 100)
    assert not any("clock" in warning for warning in frames.warnings)


def test_only_joined_streams_have_their_gaps_closed() -> None:
    frames = read_frames(stamps(4, container="matroska", pts=[0, 10, 20, 360_000]), Selection(stride=1, frames=4))
    assert frames.pts_seconds == pytest.approx([0.0, 0.1, 0.2, 3600.0])


KEY = {"encryption_key": "76a6c65c5ea762046bd749a2e632ccbb", "encryption_kid": "a7e61c373e219033c21091fa607bf3b8"}


def spoilt(data: bytes) -> bytes:
    """Return a file of which no frame can be decoded."""
    whole = bytearray(data)
    for packet in packets_of(data):
        whole[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    return bytes(whole)


def scrambled(data: bytes) -> bytes:
    """Return a transport stream whose video is scrambled, and says so in the header of each packet."""
    whole = bytearray(data)
    for at in range(0, len(whole), 188):
        if int.from_bytes(whole[at + 1 : at + 3], "big") & 0x1FFF == 0x100:
            whole[at + 3] |= 0x80
            whole[at + 12 : at + 188] = bytes(176)
    return bytes(whole)


def locked_matroska() -> bytes:
    """Return a Matroska whose track tells of a key: in the place of the codec's own data, padded to its length."""
    data = stamps(3, container="matroska", codec="mpeg4")
    at = data.index(b"\x63\xa2")
    length = 3 + (data[at + 2] & 0x7F)
    key = bytes.fromhex("6d8092 62408f 5033 8101 503588 47e18105 47e281aa")
    padding = b"\xec" + bytes([0x80 | (length - len(key) - 2)]) + bytes(length - len(key) - 2)
    return data[:at] + key + padding + data[at + length :]


DRM_OF_ASF = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e")

LOCKED = {
    "mp4": video((stamped(n) for n in range(3)), container_options={"encryption_scheme": "cenc-aes-ctr", **KEY}),
    "a shop's mp4": stamps(3).replace(b"avc1", b"drmi"),
    "matroska": locked_matroska(),
    "asf": spoilt(stamps(3, container="asf", codec="wmv2")) + DRM_OF_ASF,
    "ts": scrambled(stamps(6, container="mpegts")),
    "mp4 with its index between": video(
        (stamped(n) for n in range(30)), container_options={"encryption_scheme": "cenc-aes-ctr", **KEY}
    )
    + (2**16).to_bytes(4, "big")
    + b"free"
    + bytes(2**16 - 8),
}


@pytest.mark.parametrize("data", LOCKED.values(), ids=LOCKED.keys())
def test_an_encrypted_video_is_called_so(data: bytes) -> None:
    for ask in (probe, lambda given, name: read_frames(given, Selection(), name=name)):
        with pytest.raises(MediaError, match=r"^mine is encrypted\. Open a copy without copy protection\.$"):
            ask(data, name="mine")


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
