"""Files of kinds that are not read here, told by their first bytes; one byte off, and they are not that kind."""

import pytest

from nonlocal_core.errors import MediaError
from nonlocal_core.media.refusal import check_is_read_here, unreadable

REST = bytes(range(128, 256))
KINDS = {
    "a JPEG XL picture": [bytes.fromhex("0000000c4a584c200d0a870a"), b"\xff\x0a"],
    "a JPEG 2000 picture": [bytes.fromhex("0000000c6a5020200d0a870a"), bytes.fromhex("ff4fff51")],
    "a JPEG-LS picture": [bytes.fromhex("ffd8fff7")],
    "a Photoshop document": [b"8BPS"],
    "a GIMP document": [b"gimp xcf"],
    "a PDF document": [b"%PDF-"],
    "a PostScript document": [b"%!PS"],
    "an OpenEXR picture": [b"v/1\1"],
    "a Radiance HDR picture": [b"#?RADIANCE", b"#?RGBE"],
    "a FITS picture": [b"SIMPLE  ="],
    "an HDF5 file": [bytes.fromhex("894844460d0a1a0a")],
    "a NumPy array": [b"\x93NUMPY"],
    "an icon": [b"\0\0\1\0"],
    "a HEIC photo": [b"\0\0\0\x18ftyp" + brand for brand in (b"heic", b"heix", b"mif1", b"msf1", b"hevc")],
    "raw file (Canon CR3)": [b"\0\0\0\x18ftypcrx "],
    "raw file (Canon CR2)": [b"II*\0\x10\0\0\0CR\2"],
    "an archive": [b"PK\3\4", b"Rar!\x1a\7", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"],
    "encrypted": [b"Salted__", b"age-encryption.org/", b"-----BEGIN PGP MESSAGE"],
    "a sound recording": [b"ID3", b"fLaC", b"RIFF\1\2\3\4WAVE"],
    "an SVG drawing": [b"<svg ", b"<?xml?><SVG>", b"\xef\xbb\xbf  <svg\n"],
}


def told(head: bytes) -> str:
    try:
        check_is_read_here(head, "it")
    except MediaError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(("kind", "head"), [(kind, head) for kind, heads in KINDS.items() for head in heads])
def test_a_kind_is_told_by_its_signature_and_by_nothing_less(kind: str, head: bytes) -> None:
    assert kind in told(head + REST)
    length = range(4) if head[4:8] == b"ftyp" else range(4, 8) if head[:4] == b"RIFF" else ()
    for at in range(len(head)) if kind != "an SVG drawing" else ():
        spoilt = head[:at] + bytes((head[at] ^ 0x80,)) + head[at + 1 :]
        assert (kind in told(spoilt + REST)) == (at in length)


@pytest.mark.parametrize(
    "head", [b"", b"text <svg>", b"<svgx>", b"<html></html>", b"\0\0\0\x18ftypisom", b"RIFF\1\2\3\4WEBP"]
)
def test_others_are_left_to_their_readers(head: bytes) -> None:
    assert told(head + REST) == ""


def test_a_reason_ends_in_one_full_stop() -> None:
    for reason in ("no end", " no end. ", "no end.\n"):
        expected = "it cannot be read as a picture: no end. If it is damaged or cut short, save it again."
        assert str(unreadable("it", reason)) == expected
