"""Makes pictures and animations of less than a megabyte that cost their reader far more than they weigh."""

import io
import struct
import zlib
from collections.abc import Callable, Sequence

from picture_bytes import chunk
from PIL import Image

SIDE = 8900
"""Pixels of a side; a square of them stays just under ``max_pixels``."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"

Tag = tuple[int, str, Sequence[int]]
"""Number of a tag of TIFF, the letter of its type in `struct`, and its values."""
_TIFF_TYPES = {"B": 1, "H": 3, "I": 4}


def zeros(count: int) -> bytes:
    """Return so many zeros, compressed by zlib, without having them all at once."""
    packer = zlib.compressobj(9)
    part = bytes(1 << 20)
    pieces = [packer.compress(part) for _ in range(count >> 20)]
    return b"".join((*pieces, packer.compress(bytes(count & (1 << 20) - 1)), packer.flush()))


def png_head(width: int, height: int, bits: int, colour: int, interlaced: int = 0) -> bytes:
    return SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced))


def black_png(width: int, height: int, *, bits: int = 8, samples: int = 1, interlaced: int = 0, more: int = 0) -> bytes:
    """Return a black picture of 1, 3 or 4 samples, with ``more`` zeros behind its last row."""
    colour = {1: 0, 3: 2, 4: 6}[samples]
    rows = zeros(height * (1 + (width * bits * samples + 7) // 8) + more)
    return png_head(width, height, bits, colour, interlaced) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def black_apng(side: int, count: int, frame: int | None = None) -> bytes:
    """Return an animation of frames without colour, one bit for each pixel; ``frame``: their side, the canvas's."""
    size = frame or side
    rows = zeros(size * (1 + (size + 7) // 8))
    pieces = [png_head(side, side, 1, 3), chunk(b"acTL", struct.pack(">II", count, 0)), chunk(b"PLTE", bytes(6))]
    if size != side:
        pieces.append(chunk(b"IDAT", zeros(side * (1 + (side + 7) // 8))))
    for number in range(count):
        control = struct.pack(">IIIIIHHBB", 2 * number, size, size, 0, 0, 1, 10, 0, 0)
        data = chunk(b"fdAT", struct.pack(">I", 2 * number + 1) + rows)
        pieces += [chunk(b"fcTL", control), chunk(b"IDAT", rows) if number == 0 and size == side else data]
    return b"".join((*pieces, chunk(b"IEND", b"")))


def gif(side: int, count: int) -> bytes:
    """Return frames of one pixel on a canvas."""
    frame = b"\x21\xf9\x04\x00\x05\x00\x00\x00\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + bytes(6) + count * frame + b"\x3b"


def full_gif(side: int, count: int) -> bytes:
    """Return black frames that fill a canvas, as small as they get."""
    file = io.BytesIO()
    Image.new("P", (side, side)).save(file, "GIF")
    data = file.getvalue()
    start = data.index(b"\x2c", 13 + 3 * 2 ** ((data[10] & 7) + 1) if data[10] & 0x80 else 13)
    control = b"\x21\xf9\x04\x00\x05\x00\x00\x00"
    return data[:start] + count * (control + data[start:-1]) + b"\x3b"


def webp(side: int) -> bytes:
    """Return the head of a picture without loss that declares its sides."""
    body = b"\x2f" + struct.pack("<I", (side - 1) | (side - 1) << 14) + bytes(13)
    return b"RIFF" + struct.pack("<I", 12 + len(body)) + b"WEBPVP8L" + struct.pack("<I", len(body)) + body


def moving_webp(side: int, count: int, frame: int = 8, **how: object) -> bytes:
    """Return frames of side ``frame`` on a canvas."""
    packed = saved("WEBP", frame, **({"lossless": True} | how))[12:]
    control = _number24(0, 0, frame - 1, frame - 1, 50) + b"\0"
    shown = _riff(b"VP8X", b"\x02\0\0\0" + _number24(side - 1, side - 1)) + _riff(b"ANIM", bytes(6))
    return _riff(b"RIFF", b"WEBP" + shown + count * _riff(b"ANMF", control + packed))


def _number24(*numbers: int) -> bytes:
    return b"".join(struct.pack("<I", number)[:3] for number in numbers)


def _riff(tag: bytes, body: bytes) -> bytes:
    return tag + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def avif(side: int) -> bytes:
    """Return a small picture that declares other sides."""
    sides = b"ispe" + bytes(4)
    return saved("AVIF", 64).replace(sides + struct.pack(">II", 64, 64), sides + struct.pack(">II", side, side))


def moving_avif(side: int, count: int) -> bytes:
    file = io.BytesIO()
    frame = Image.new("RGB", (side, side))
    frame.save(file, "AVIF", save_all=True, append_images=[frame] * (count - 1), speed=10)
    return file.getvalue()


def saved(kind: str, side: int, mode: str = "RGB", **how: object) -> bytes:
    """Return a black square."""
    file = io.BytesIO()
    Image.new(mode, (side, side)).save(file, kind, **how)
    return file.getvalue()


def jpeg(side: int, scans: int, mode: str = "L") -> bytes:
    """Return a progressive JPEG of one shade whose last scan comes again and again."""
    data = saved("JPEG", side, mode, progressive=True)
    at = data.rindex(b"\xff\xda")
    return data[:at] + scans * data[at:-2] + data[-2:]


def filled_jpeg(count: int) -> bytes:
    """Return a JPEG with so many of the bytes that may fill the place before a marker, and none behind them."""
    return saved("JPEG", 64)[:-2] + b"\xff" * count


def jpeg_stream(side: int, count: int) -> bytes:
    return count * saved("JPEG", side, "L", optimize=True)


def bmp(side: int, bits: int = 32) -> bytes:
    """Return the head of a picture whose rows are all missing."""
    head = struct.pack("<IiiHHIIiiII", 40, side, side, 1, bits, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + head + b"\0"


def run_length_bmp(side: int) -> bytes:
    """Return a picture of runs of one pixel, one after the other."""
    head = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, 0, 0, 0, 256, 0)
    body = b"\x01\x00" * 480_000
    return b"BM" + struct.pack("<IHHI", 54 + 1024 + len(body), 0, 0, 54 + 1024) + head + bytes(1024) + body


def exif(entries: int, length: int) -> bytes:
    """Return tags that all name the same bytes."""
    at = 8 + 2 + 12 * entries + 4
    tags = b"".join(struct.pack("<HHII", 40_000 + n, 7, length, at) for n in range(entries))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", entries) + tags + bytes(4 + length)


def png_with_exif() -> bytes:
    tags = chunk(b"eXIf", exif(3_000, 200_000))
    return png_head(8, 8, 8, 2) + tags + chunk(b"IDAT", zlib.compress(bytes(8 * 25))) + chunk(b"IEND", b"")


def png_with_profile(megabytes: int) -> bytes:
    profile = chunk(b"iCCP", b"p\0\0" + zeros(megabytes << 20))
    return png_head(8, 8, 8, 2) + profile + chunk(b"IDAT", zlib.compress(bytes(8 * 25))) + chunk(b"IEND", b"")


def tiff(stored: bytes, pages: int, *tags: Tag) -> bytes:
    """Return a TIFF of pages that all have these tags and share what is stored.

    The values of the tags for the place and the number of stored bytes (273 and 279, or 324 and 325) are set here.
    """
    at = 8 + len(stored) + len(stored) % 2
    pieces, links = [b"II*\0" + struct.pack("<I", at), stored, bytes(len(stored) % 2)], at
    for page in range(pages):
        filled = [
            (number, kind, {273: [8], 324: [8], 279: [len(stored)], 325: [len(stored)]}.get(number, values))
            for number, kind, values in sorted(tags)
        ]
        room = links + 2 + 12 * len(filled) + 4
        entries, behind = b"", b""
        for number, kind, values in filled:
            packed = struct.pack(f"<{len(values)}{kind}", *values)
            if len(packed) > 4:
                packed, behind = struct.pack("<I", room + len(behind)), behind + packed + bytes(len(packed) % 2)
            entries += struct.pack("<HHI", number, _TIFF_TYPES[kind], len(values)) + packed.ljust(4, b"\0")
        links = room + len(behind)
        following = links if page + 1 < pages else 0
        pieces += [struct.pack("<H", len(filled)), entries, struct.pack("<I", following), behind]
    return b"".join(pieces)


def grey_tiff(
    width: int, height: int, stored: bytes, *tags: Tag, pages: int = 1, bits: int = 8, samples: int = 1
) -> bytes:
    """Return pages compressed by zlib; ``tags``: further ones, or others in place of these."""
    usual: list[Tag] = [
        *((256, "I", [width]), (257, "I", [height]), (258, "H", [bits] * samples), (259, "H", [8])),
        *((262, "H", [2 if samples > 2 else 1]), (273, "I", [0]), (277, "H", [samples])),
        *((278, "I", [height]), (279, "I", [0])),
    ]
    others = {number for number, _, _ in tags}
    tiled = {273, 278, 279} if 324 in others else set()
    return tiff(stored, pages, *(tag for tag in usual if tag[0] not in others | tiled), *tags)


PICTURES: dict[str, Callable[[], bytes]] = {
    "GIF, 240 frames of one pixel on 79 MP": lambda: gif(SIDE, 240),
    "GIF, 19,900 frames of one pixel": lambda: gif(1, 19_900),
    "GIF, 2,000 frames of one pixel on 1 MP": lambda: gif(1_000, 2_000),
    "GIF, 230 full frames of 1 MP": lambda: full_gif(1_000, 230),
    "GIF, 8 full frames of 1 MP, which is no bomb": lambda: full_gif(1_000, 8),
    "GIF, 8 full frames of 25 MP": lambda: full_gif(5_000, 8),
    "PNG, 79 MP of 8 bits": lambda: black_png(SIDE, SIDE),
    "PNG, 70 MP with alpha": lambda: black_png(8_350, 8_350, samples=4),
    "PNG, 34 MP of 16 bits and 3 samples": lambda: black_png(5_800, 5_800, bits=16, samples=3),
    "PNG, 64 MP of 16 bits, grey": lambda: black_png(8_000, 8_000, bits=16),
    "PNG, 64 MP, interlaced": lambda: black_png(8_000, 8_000, interlaced=1),
    "PNG, one column of 79 MP": lambda: black_png(1, 79_000_000),
    "PNG, 900 MB behind the last row": lambda: black_png(64, 64, more=900 << 20),
    "PNG, profile of 900 MB": lambda: png_with_profile(900),
    "PNG, EXIF that names the same bytes": png_with_exif,
    "APNG, 40 full frames of 16 MP": lambda: black_apng(4_000, 40),
    "APNG, 12 full frames of 16 MP": lambda: black_apng(4_000, 12),
    "APNG, 7,000 frames of one pixel on 1 MP": lambda: black_apng(1_000, 7_000, 1),
    "JPEG, 79 MP": lambda: saved("JPEG", SIDE, "L", optimize=True),
    "JPEG, progressive, 40 MP in CMYK": lambda: saved("JPEG", 6_300, "CMYK", progressive=True),
    "JPEG, 6,000 scans of 1 MP": lambda: jpeg(1_000, 6_000),
    "JPEG, 240 scans of 16 MP": lambda: jpeg(4_000, 240),
    "JPEG, 900,000 bytes of filling": lambda: filled_jpeg(900_000),
    "JPEG, a stream of 25 frames of 9 MP": lambda: jpeg_stream(3_000, 25),
    "JPEG, a stream of 1,200 frames of 4,096 pixels": lambda: jpeg_stream(64, 1_200),
    "WebP, head of 79 MP": lambda: webp(SIDE),
    "WebP, 36 MP without loss": lambda: saved("WEBP", 6_000, lossless=True),
    "WebP, 36 MP with loss": lambda: saved("WEBP", 6_000),
    "WebP, 10,000 frames on 6 MP": lambda: moving_webp(2_500, 10_000),
    "WebP, 31 full frames of 6 MP": lambda: moving_webp(2_500, 31, 2_500),
    "WebP, 9,000 frames on 0.01 MP": lambda: moving_webp(100, 9_000),
    "AVIF, 64 MP declared": lambda: avif(8_000),
    "AVIF, 46 MP": lambda: saved("AVIF", 6_800, speed=10),
    "AVIF, 21 frames of 9 MP": lambda: moving_avif(3_000, 21),
    "AVIF, 3,000 frames of 4,096 pixels": lambda: moving_avif(64, 3_000),
    "BMP, 79 MP that are missing": lambda: bmp(SIDE),
    "BMP, 480,000 runs of one pixel": lambda: run_length_bmp(800),
    "BMP, 480,000 runs on 79 MP": lambda: run_length_bmp(SIDE),
    "TIFF, 79 MP": lambda: grey_tiff(SIDE, SIDE, zeros(SIDE * SIDE)),
    "TIFF, 64 pages of 25 MP": lambda: grey_tiff(5_000, 5_000, zeros(25_000_000), pages=64),
    "TIFF, 7,000 pages of one pixel": lambda: grey_tiff(1, 1, zeros(1), pages=7_000),
    "TIFF, 25 MP of 16 bits and 3 samples": lambda: grey_tiff(
        5_000, 5_000, zeros(5_000 * 5_000 * 6), bits=16, samples=3
    ),
    "TIFF, 900 MB in a strip of 16 MP": lambda: grey_tiff(4_000, 4_000, zeros(900 << 20)),
    "TIFF, 900 MB in a strip of 16 bits and 3 samples": lambda: grey_tiff(
        1_000, 1_000, zeros(900 << 20), bits=16, samples=3
    ),
    "TIFF, a tile of 900 MP on one pixel": lambda: grey_tiff(
        16, 16, zeros(900 << 20), (322, "I", [30_000]), (323, "I", [30_000]), (324, "I", [0]), (325, "I", [0])
    ),
    "TIFF, 60,000 samples": lambda: grey_tiff(64, 64, zeros(64 * 64 * 60_000), samples=60_000),
    "TIFF, tags that name the same bytes": lambda: exif(3_000, 200_000),
}
