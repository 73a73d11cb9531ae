"""Marks of encryption: at either end of a file, or in the heads of a transport stream's packets."""

from pathlib import Path

import pytest
from media_files import spoilt, stamped, stamps, video

from nonlocal_core.errors import MediaError
from nonlocal_core.media import Selection, probe, read_frames
from nonlocal_core.media.encryption import marks_encryption
from nonlocal_core.media.limits import Limits
from nonlocal_core.media.media_file import as_media_file

ENTRY = b"stsd" + bytes(12)
CONTENT = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e")
EXTENDED = bytes.fromhex("14e68a292226174cb935dae07ee9289c")
"""Object ids of the ASF specification: content encryption, and its extended form."""


def is_marked(data: bytes | Path, demuxer: str) -> bool:
    return marks_encryption(as_media_file(data, name="it", limits=Limits()), demuxer)


@pytest.mark.parametrize(
    ("demuxer", "mark"), [("mov", ENTRY + b"encv"), ("mov", ENTRY + b"drmi"), ("asf", CONTENT), ("asf", EXTENDED)]
)
def test_a_mark_is_that_of_its_container_and_found_whole(demuxer: str, mark: bytes) -> None:
    assert is_marked(b"ab" + mark + b"cd", demuxer)
    assert is_marked(mark, demuxer)
    assert not is_marked(mark[:-1], demuxer)
    assert not is_marked(mark[1:], demuxer)
    assert not is_marked(mark, "asf" if demuxer == "mov" else "mov")
    assert not is_marked(mark, "matroska")


def test_a_sample_entry_lies_twelve_bytes_behind_its_box() -> None:
    assert not is_marked(b"stsd" + bytes(11) + b"encv", "mov")
    assert not is_marked(b"stsd" + bytes(13) + b"encv", "mov")


def test_both_ends_of_a_file_are_searched_four_megabytes_deep(tmp_path: Path) -> None:
    deep, mark, path = 4 * 2**20, ENTRY + b"encv", tmp_path / "it.mp4"
    for at, is_found in (
        (deep - 20, True),
        (deep - 19, False),
        (deep, False),
        (2 * deep + 80, True),
        (2 * deep + 79, False),
    ):
        with path.open("wb") as file:
            file.seek(at)
            file.write(mark)
            file.truncate(3 * deep + 80)
        assert is_marked(path, "mov") is is_found


def packets(scrambled: int, plain: int, stride: int = 188, bits: int = 0x80) -> bytes:
    """Return packets of a transport stream, the first of them scrambled; in 192 bytes each has its time in front."""
    heads = [bits] * scrambled + [0x1F] * plain
    return b"".join(bytes(stride - 188) + bytes((0x47, 0x40, 0, head)) + bytes(184) for head in heads)


@pytest.mark.parametrize("stride", [188, 192])
@pytest.mark.parametrize("bits", [0x40, 0x80, 0xC0])
def test_a_stream_is_scrambled_where_more_than_a_tenth_of_its_packets_are(bits: int, stride: int) -> None:
    assert is_marked(packets(2, 17, stride, bits), "mpegts")
    assert not is_marked(packets(2, 18, stride, bits), "mpegts")
    assert not is_marked(packets(0, 10, stride), "mpegts")


def test_what_is_no_packet_is_not_scrambled() -> None:
    assert not is_marked(bytes(188) + b"\x47" + b"\xff" * 187 * 9, "mpegts")
    assert not is_marked(b"\x47\0\0", "mpegts")
    assert is_marked(packets(2, 0)[:192], "mpegts")  # the head of the second packet is four bytes
    one = packets(1, 5) + packets(1, 0)[:3]
    assert is_marked(one, "mpegts")


KEY = {"encryption_key": "76a6c65c5ea762046bd749a2e632ccbb", "encryption_kid": "a7e61c373e219033c21091fa607bf3b8"}


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
