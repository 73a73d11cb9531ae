"""Files that lie, break, or reach for others, through the whole room: refused with a sentence, never a hang."""

import hashlib
import io
import os
import struct
import tracemalloc
from functools import cache
from pathlib import Path
from typing import get_args

import av
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from media_files import number_of, packets_of, stamped, stamps, video
from PIL import Image

from nonlocal_core.errors import MediaError, MediaLimitError, NonlocalError
from nonlocal_core.media import Limits, Selection, probe, read_frames
from nonlocal_core.media.formats import VideoFormat
from nonlocal_core.media.media_file import NAME_LENGTH, as_media_file, display_name

PLAYLISTS = {
    "m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{path}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{path}'\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=file:{path}\n",
    "dash": '<?xml version="1.0"?><MPD><BaseURL>{path}</BaseURL></MPD>',
    "asx": '<asx version="3.0"><entry><ref href="{path}"/></entry></asx>',
    "pls": "[playlist]\nFile1={path}\n",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="{path}"/></svg>',
    "utf-8 with a mark": "\ufeff#EXTM3U\n{path}\n",
}


@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_text_that_names_a_video_never_opens_it(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "private.mp4"
    target.write_bytes(stamps(3))
    listed = tmp_path / "clip.mp4"
    listed.write_text(PLAYLISTS[kind].format(path=target))

    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("libav was asked to open it")

    monkeypatch.setattr(av, "open", never)
    for ask in (probe, lambda path: read_frames(path, Selection())):
        with pytest.raises(MediaError, match=r"clip\.mp4 is (text.*names other files|an SVG drawing)"):
            ask(listed)


def test_the_list_of_demuxers_holds_none_that_opens_files() -> None:
    reaching = {"hls", "concat", "concatf", "dash", "sdp", "rtsp", "image2", "lavfi", "webm_dash_manifest", "imf"}
    assert not reaching & set(get_args(VideoFormat))


@pytest.mark.parametrize("magic", [b"\x1aE\xdf\xa3", b"OggS", b"FLV\x01", b"YUV4MPEG2 ", b"\0\0\0\x14ftypisom"])
def test_a_playlist_behind_a_magic_number_is_refused(magic: bytes, tmp_path: Path) -> None:
    target = tmp_path / "private.ts"
    target.write_bytes(stamps(3, container="mpegts"))
    with pytest.raises(MediaError):
        probe(magic + b"\n" + PLAYLISTS["m3u8"].format(path=target).encode())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty: it has 0 bytes"),
        (b"Dear diary,\n" * 50, "is text"),
        ("Привет, мир. ".encode() * 700, "is text"),  # its first bytes end within a letter
        (b"\x00" * 5000, "begins like no picture or video"),
        (bytes(range(256)) * 20, "begins like no picture or video"),
        (b"%PDF-1.7\n\x00\xff", "is a PDF document"),
        (b"PK\x03\x04" + b"\x00" * 60, "is an archive"),
        (b"ID3\x03" + b"\x00" * 60, "is a sound recording"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt " + b"\x00" * 60, "is a sound recording"),
        (b"\xff\x0a" + b"\x00" * 60, "is a JPEG XL picture"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n" + b"\x00" * 60, "is a JPEG 2000 picture"),
        (b"8BPS\x00\x01" + b"\x00" * 60, "is a Photoshop document"),
        (b"II*\x00\x10\x00\x00\x00CR\x02\x00" + b"\x00" * 60, "raw file .Canon CR2"),
        (b"FUJIFILMCCD-RAW 0201" + b"\x00" * 60, "raw file .Fujifilm"),
        (b"Salted__" + bytes(range(200)), "is encrypted. Decrypt it"),
        (b"<?xml version='1.0'?><svg xmlns='x'/>", "is an SVG drawing"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x00" * 60, "HEIC photo"),
        (b"\x89PNG\r\n\x1a\n", "cannot be read as a picture"),
        (b"\xff\xd8\xff\xe0", "cannot be read as a picture"),
        (b"GIF89a", "cannot be read as a picture"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "cannot be read as a picture"),
        (b"\x00\x00\x00\x10ftypavif\x00\x00\x00\x00", "cannot be read as a picture"),
        (b"\x00\x00\x00\x08ftyp", "cannot be opened as a video"),
        (b"\x1aE\xdf\xa3", "cannot be opened as a video"),
        (b"RIFF\x10\x00\x00\x00AVI LIST", "cannot be opened as a video|holds no video"),
        (b"G" + b"\x00" * 187 + b"G" + b"\x00" * 187 + b"G" + b"\x00" * 187, "cannot be opened|holds no video"),
    ],
)
def test_what_is_no_clip_is_refused_by_name(data: bytes, message: str) -> None:
    with pytest.raises(MediaError, match=message) as caught:
        probe(data, name="C:\\clips\\mine.mp4")
    assert str(caught.value).startswith("mine.mp4 ")


def test_what_is_no_ordinary_file_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)  # reading one would wait for ever
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(MediaError, match="is a device or a pipe"):
            probe(path)
    for path in (tmp_path / "none.mp4", tmp_path / "a\0b.mp4", tmp_path / ("x" * 3000)):
        with pytest.raises(MediaError, match="there is no such file, or it may not be read"):
            probe(path)


@settings(deadline=None)
@given(st.text(max_size=300))
def test_display_names_are_one_short_line_without_a_path(name: str) -> None:
    shown = display_name(name)
    assert 1 <= len(shown) <= NAME_LENGTH
    assert shown.isprintable()
    assert "/" not in shown
    assert "\\" not in shown
    assert display_name(shown) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("/home/ada/clip.mp4", "clip.mp4"),
        ("C:\\Users\\ada\\clip.mp4", "clip.mp4"),
        ("../../etc/passwd", "passwd"),
        ("folder/", "folder"),
        ("a\nb\x00c\x1b[31m.mp4", "abc[31m.mp4"),
        ("invoice\u202egpj.mp4", "invoicegpj.mp4"),
        ("Screenshot\u202f3.png", "Screenshot 3.png"),
        ("", "untitled"),
        ("\n", "untitled"),
        ("x" * 100 + ".mp4", "x" * 59 + "…" + "x" * 16 + ".mp4"),
        ("Ünïcödé 猫.mp4", "Ünïcödé 猫.mp4"),
    ],
)
def test_display_names(name: str, shown: str) -> None:
    assert display_name(name) == shown
    assert probe(stamps(1), name=name).name == shown


def test_hashing_does_not_hold_the_file(tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(48 * 1024**2)
    source = as_media_file(path, name=None, limits=Limits())
    tracemalloc.start()
    found = source.sha256()
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == hashlib.sha256(bytes(48 * 1024**2)).hexdigest()
    assert peak_bytes < 2 * 1024**2
    assert probe(stamps(2)).sha256 == hashlib.sha256(stamps(2)).hexdigest()


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_bytes": 100}, r"has [\d,]+ bytes; files up to 100 bytes are read \(limit max_bytes\)"),
        ({"max_video_pixels": 48 * 80 - 1}, r"video of 80 × 48 pixels; up to 3,839 .*limit max_video_pixels"),
        ({"max_seconds": 2.8}, r"lasts 3 s; clips up to 3 s are read \(limit max_seconds\)"),
        ({"max_listed_frames": 28}, r"more than 28 frames.*limit max_listed_frames"),
        ({"max_decoded_frames": 20}, r"more than 20 decoded frames \(limit max_decoded_frames\)"),
        ({"max_decoded_pixels": 10_000}, r"more than 10,000 decoded pixels \(limit max_decoded_pixels\)"),
        ({"max_frames": 28}, r"29 frames of mine\.mp4 .*up to 28 are read at once \(limit max_frames\)"),
    ],
)
def test_each_limit_has_its_name(limits: dict[str, float], message: str) -> None:
    data = stamps(29, options={"bf": "0"})
    everything = Selection(frame_indices=tuple(range(29)))
    assert len(read_frames(data, everything, name="mine.mp4").rgb) == 29
    with pytest.raises(MediaLimitError, match=message):
        read_frames(data, everything, name="mine.mp4", limits=Limits(**limits))


@pytest.mark.parametrize("sides", [b"W8000 H8000", b"H60000 F25:1 W60000", b"W2147483647 H2", b"W9999999999 H1"])
def test_declared_sizes_are_refused_before_any_frame_is_made(sides: bytes) -> None:
    """Of sides whose product libav cannot count it says that a device is busy."""
    with pytest.raises(MediaLimitError, match="max_video_pixels"):
        probe(b"YUV4MPEG2 " + sides + b" Ip\nFRAME\n" + b"\x80" * 5000)


def test_frames_without_pixels_are_refused_as_what_they_are() -> None:
    with pytest.raises(MediaError, match=r"clip\.y4m declares frames of 0 × 5 pixels"):
        probe(b"YUV4MPEG2 W0 H5 F25:1\nFRAME\n" + b"\x80" * 5000, name="clip.y4m")


def test_a_frame_that_declares_more_than_its_file_is_left_out() -> None:
    data = bytearray(stamps(12, codec="mjpeg", pix_fmt="yuvj420p", container="mov"))
    packet = packets_of(bytes(data))[4]
    at = data.index(b"\xff\xc0", packet.pos)  # the frame header of the fifth JPEG: height and width
    struct.pack_into(">HH", data, at + 5, 65_500, 65_500)
    frames = read_frames(bytes(data), Selection(frame_indices=(3, 4)))
    assert [number_of(picture) for picture in frames.rgb] == [3, 5]
    assert any("is damaged" in warning for warning in frames.warnings)


def test_a_video_that_changes_size_keeps_its_first() -> None:
    small = stamps(6, container="mpegts", options={"bf": "0"})
    large = video((stamped(n, (96, 160)) for n in range(6, 12)), container="mpegts", options={"bf": "0"})
    frames = read_frames(small + large, Selection(frame_indices=tuple(range(12))))
    assert frames.rgb.shape == (12, 48, 80, 3)
    assert [number_of(picture) for picture in frames.rgb] == list(range(12))


@cache
def specimens() -> tuple[bytes, ...]:
    made = [
        stamps(8, options={"bf": "2"}),
        stamps(8, container="matroska"),
        stamps(8, container="webm", codec="libvpx"),
        stamps(8, container="avi", codec="mjpeg", pix_fmt="yuvj420p"),
        stamps(8, container="mpegts"),
        stamps(8, container="flv"),
        stamps(8, container="h264"),
        stamps(8, container="mjpeg", codec="mjpeg", pix_fmt="yuvj420p"),
        stamps(8, container="mpeg2video", codec="mpeg2video", rate=25),
        stamps(4, container="mpegts") + stamps(4, container="mpegts"),
        stamps(8, container="avi", codec="png", pix_fmt="rgba"),
    ]
    pictures = [Image.fromarray(stamped(n)) for n in (1, 2, 3)]
    for kind in ("PNG", "GIF", "WEBP", "AVIF", "TIFF", "JPEG", "BMP"):
        file = io.BytesIO()
        moves = {"save_all": True, "append_images": pictures[1:], "duration": 40}
        pictures[0].save(file, kind, **({} if kind in ("TIFF", "JPEG", "BMP") else moves))
        made.append(file.getvalue())
    deep = ((np.ones((3, 20, 30)), "minisblack"), (np.full((20, 30, 3), 9, np.uint16), "rgb"))
    for values, photometric in deep:
        file = io.BytesIO()
        tifffile.imwrite(file, values, bigtiff=True, byteorder=">", photometric=photometric)
        made.append(file.getvalue())
    return tuple(made)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # damaged pictures are warned of, and then refused or shown
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_raises_anything_but_our_errors(data: st.DataObject) -> None:
    spoilt = bytearray(data.draw(st.sampled_from(specimens())))
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, min(len(spoilt) - 1, data.draw(st.sampled_from([60, 400, 100_000])))))
        spoilt[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([len(spoilt), len(spoilt) // 2, len(spoilt) * 9 // 10]))
    small = Limits(max_pixels=1_000_000, max_video_pixels=1_000_000, max_decoded_frames=500, max_listed_frames=500)
    try:
        frames = read_frames(bytes(spoilt[:cut]), Selection(frames=3), limits=small, max_side=100)
    except NonlocalError:
        return
    assert np.isfinite(frames.pts_seconds).all()
    assert (np.diff(frames.pts_seconds) > 0).all()


def _box(kind: bytes, *parts: bytes) -> bytes:
    return struct.pack(">I", 8 + sum(map(len, parts))) + kind + b"".join(parts)


def test_a_movie_that_only_refers_to_another_file_opens_none(tmp_path: Path) -> None:
    target = tmp_path / "private.mp4"
    target.write_bytes(stamps(3))
    address = str(target).encode() + b"\0"
    reference = _box(b"rdrf", bytes(4), b"url ", struct.pack(">I", len(address)), address)
    movie = _box(b"ftyp", b"qt  ", bytes(4), b"qt  ") + _box(b"moov", _box(b"rmra", _box(b"rmda", reference)))
    with pytest.raises(MediaError, match=r"clip\.mov holds no video"):
        probe(movie, name="clip.mov")


def test_pages_that_follow_each_other_in_a_ring_end() -> None:
    file = io.BytesIO()
    page = Image.new("L", (21, 13))
    page.save(file, "TIFF", save_all=True, append_images=[page])
    ring = bytearray(file.getvalue())
    (first,) = struct.unpack_from("<I", ring, 4)
    (tags,) = struct.unpack_from("<H", ring, first)
    struct.pack_into("<I", ring, first + 2 + 12 * tags, first)
    assert len(read_frames(file.getvalue(), Selection()).rgb) == 2
    assert len(read_frames(bytes(ring), Selection()).rgb) == 1
