"""Sentences for files that are not read here: their format, and the remedy."""

import re

from nonlocal_core.errors import MediaError

_UNREAD: tuple[tuple[bytes, str, str], ...] = (
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "a JPEG XL picture", "JPEG or PNG"),
    (b"\xff\x0a", "a JPEG XL picture", "JPEG or PNG"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000 picture", "JPEG or PNG"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture", "JPEG or PNG"),
    (b"\xff\xd8\xff\xf7", "a JPEG-LS picture", "JPEG or PNG"),
    (b"8BPS", "a Photoshop document", "JPEG or PNG"),
    (b"gimp xcf", "a GIMP document", "JPEG or PNG"),
    (b"%PDF-", "a PDF document", "PNG, one page as a picture"),
    (b"%!PS", "a PostScript document", "PNG, one page as a picture"),
    (b"v/1\x01", "an OpenEXR picture", "JPEG or PNG"),
    (b"#?RADIANCE", "a Radiance HDR picture", "JPEG or PNG"),
    (b"#?RGBE", "a Radiance HDR picture", "JPEG or PNG"),
    (b"SIMPLE  =", "a FITS picture", "TIFF or PNG"),
    (b"DDS ", "a DDS texture", "JPEG or PNG"),
    (b"BPG\xfb", "a BPG picture", "JPEG or PNG"),
    (b"qoif", "a QOI picture", "PNG"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "TIFF, or pass the array itself to Session.open"),
    (b"\x93NUMPY", "a NumPy array", "PNG or TIFF, or pass the array itself to Session.open"),
    (b"\x00\x00\x01\x00", "an icon", "PNG"),
    (b"IIU\x00", "a camera's raw file (Panasonic RW2)", "JPEG or PNG with the camera's software"),
    (b"IIRO", "a camera's raw file (Olympus ORF)", "JPEG or PNG with the camera's software"),
    (b"IIRS", "a camera's raw file (Olympus ORF)", "JPEG or PNG with the camera's software"),
    (b"MMOR", "a camera's raw file (Olympus ORF)", "JPEG or PNG with the camera's software"),
    (b"FUJIFILMCCD-RAW", "a camera's raw file (Fujifilm RAF)", "JPEG or PNG with the camera's software"),
    (b"II*\x00\x10\x00\x00\x00CR\x02", "a camera's raw file (Canon CR2)", "JPEG or PNG with the camera's software"),
    (b"FOVb", "a camera's raw file (Sigma X3F)", "JPEG or PNG with the camera's software"),
)
_ARCHIVES = (b"PK\x03\x04", b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")
_SOUNDS = (b"ID3", b"fLaC", b"\xff\xfb", b"\xff\xf3", b"\xff\xf1", b"\xff\xf9")
_HEIF_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))
_ENCRYPTED = (b"Salted__", b"age-encryption.org/", b"-----BEGIN PGP MESSAGE", b"\x8c\x0d\x04", b"U2FsdGVkX1")
_SVG = re.compile(rb"<svg[\s>]", re.IGNORECASE)


def check_is_read_here(head: bytes, name: str) -> None:
    """Refuse a sound file of a kind that is not read here. Raises MediaError with the remedy."""
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        raise MediaError(f"{name} is a HEIC photo, which is not read here. Save it as JPEG or PNG.")
    if head[4:12] == b"ftypcrx ":
        raise MediaError(f"{name} is a camera's raw file (Canon CR3), which is not read here. Save it as JPEG or PNG.")
    for prefix, what, remedy in _UNREAD:
        if head.startswith(prefix):
            raise MediaError(f"{name} is {what}, which is not read here. Save it as {remedy}.")
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<") and _SVG.search(head):
        raise MediaError(f"{name} is an SVG drawing, which is not read here. Export it as PNG.")
    if head.startswith(_ARCHIVES):
        raise MediaError(f"{name} is an archive. Unpack it and open a picture, a video or a folder of pictures.")
    if head.startswith(_ENCRYPTED):
        raise MediaError(f"{name} is encrypted. Decrypt it and open the picture or the video itself.")
    if head.startswith(_SOUNDS) or (head[:4] == b"RIFF" and head[8:12] == b"WAVE"):
        raise MediaError(f"{name} is a sound recording, which has no picture.")


def unreadable(name: str, reason: str) -> MediaError:
    """Return the error for a picture that its decoder could not read."""
    told = reason.strip().rstrip(".")
    return MediaError(f"{name} cannot be read as a picture: {told}. If it is damaged or cut short, save it again.")
