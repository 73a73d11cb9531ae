"""Writes pictures byte by byte: the kinds of PNG, GIF, WebP and BMP that Pillow can read and not write."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""Row, column, row step, column step of each pass (PNG, section 8.2)."""


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def packed_rows(samples: np.ndarray, bits: int) -> bytes:
    """Return rows (H, W, C) as PNG stores them, without a filter."""
    if bits == 16:
        return b"".join(b"\x00" + row.astype(">u2").tobytes() for row in samples)
    places = np.arange(bits - 1, -1, -1)
    lines = (np.packbits((row.reshape(-1, 1) >> places & 1).astype(np.uint8).reshape(-1)) for row in samples)
    return b"".join(b"\x00" + line.tobytes() for line in lines)


def png(samples: np.ndarray, *, bits: int, colour: int, interlaced: bool = False, chunks: bytes = b"") -> bytes:
    """Return a PNG of samples (H, W, C); ``chunks``: written before the pixels."""
    height, width = samples.shape[:2]
    passes = [samples[r::dr, c::dc] for r, c, dr, dc in ADAM7] if interlaced else [samples]
    rows = b"".join(packed_rows(part, bits) for part in passes if part.size)
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlaced))
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunks + pixels + chunk(b"IEND", b"")


def apng(hw: tuple[int, int], frames: list[dict], default: np.ndarray | None = None) -> bytes:
    """Return an APNG of frames {rgba, at, delay, dispose, blend}; ``default``: an image that is no frame."""
    out = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", struct.pack(">IIBBBBB", hw[1], hw[0], 8, 6, 0, 0, 0))]
    out.append(chunk(b"acTL", struct.pack(">II", len(frames), 0)))
    if default is not None:
        out.append(chunk(b"IDAT", zlib.compress(packed_rows(default, 8))))
    number = 0
    for index, frame in enumerate(frames):
        pixels, at = frame["rgba"], frame.get("at", (0, 0))
        size = (pixels.shape[1], pixels.shape[0], at[1], at[0])
        tail = (*frame.get("delay", (1, 5)), frame.get("dispose", 0), frame.get("blend", 0))
        out.append(chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, *size, *tail)))
        number += 1
        data = zlib.compress(packed_rows(pixels, 8))
        if index == 0 and default is None:
            out.append(chunk(b"IDAT", data))
        else:
            out.append(chunk(b"fdAT", struct.pack(">I", number) + data))
            number += 1
    return b"".join((*out, chunk(b"IEND", b"")))


def gif(hw: tuple[int, int], palette: np.ndarray, frames: list[dict], background: int = 0) -> bytes:
    """Return a GIF of frames {pixels, at, delay, dispose, clear, palette, interlaced}; palettes (256, 3)."""
    out = [b"GIF89a", struct.pack("<HHBBB", hw[1], hw[0], 0xF7, background, 0), palette.astype(np.uint8).tobytes()]
    for frame in frames:
        pixels, at, clear = frame["pixels"], frame.get("at", (0, 0)), frame.get("clear")
        flags = frame.get("dispose", 0) << 2 | (clear is not None)
        out.append(b"\x21\xf9\x04" + struct.pack("<BHBB", flags, frame.get("delay", 20), clear or 0, 0))
        own, interlaced = frame.get("palette"), frame.get("interlaced", False)
        look = (0x87 if own is not None else 0) | (0x40 if interlaced else 0)
        out.append(b"\x2c" + struct.pack("<HHHHB", at[1], at[0], pixels.shape[1], pixels.shape[0], look))
        if own is not None:
            out.append(own.astype(np.uint8).tobytes())
        rows = [r for start, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for r in range(start, len(pixels), step)]
        out.append(_lzw(pixels[rows] if interlaced else pixels))
    return b"".join((*out, b";"))


def _lzw(pixels: np.ndarray) -> bytes:
    """Return pixels as LZW without compression: codes of nine bits, the table cleared before it grows."""
    codes: list[int] = []
    for index, value in enumerate(pixels.reshape(-1).tolist()):
        codes += [256] * (index % 200 == 0) + [value]
    bits = "".join(format(code, "09b")[::-1] for code in [*codes, 257])
    data = bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8))
    blocks = (data[at : at + 255] for at in range(0, len(data), 255))
    return b"\x08" + b"".join(bytes((len(block),)) + block for block in blocks) + b"\x00"


def webp(hw: tuple[int, int], frames: list[dict]) -> bytes:
    """Return an animated WebP of frames {rgba, at, milliseconds, clear, replace, lossless}; places are even."""
    body = b"VP8X" + struct.pack("<IB3x", 10, 0x12) + _three(hw[1] - 1) + _three(hw[0] - 1)
    body += b"ANIM" + struct.pack("<IIH", 6, 0xFF2040C0, 0)
    for frame in frames:
        file = io.BytesIO()
        Image.fromarray(frame["rgba"]).save(file, "WEBP", lossless=frame.get("lossless", True), quality=95, exact=True)
        still = file.getvalue()[12:]
        if still[:4] == b"VP8X":
            still = still[18:]
        (height, width), at = frame["rgba"].shape[:2], frame.get("at", (0, 0))
        flags = 2 * frame.get("replace", False) | frame.get("clear", False)
        head = b"".join(_three(n) for n in (at[1] // 2, at[0] // 2, width - 1, height - 1, frame["milliseconds"]))
        body += b"ANMF" + struct.pack("<I", 16 + len(still)) + head + bytes((flags,)) + still
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")


def bmp(
    rows: bytes, hw: tuple[int, int], bits: int, *, packing: int = 0, palette: bytes = b"", masks: bytes = b""
) -> bytes:
    """Return a BMP with a header of 40 bytes; a negative height runs from the top."""
    offset = 54 + len(masks) + len(palette)
    head = struct.pack("<2sIII", b"BM", offset + len(rows), 0, offset)
    head += struct.pack("<IiiHHIIiiII", 40, hw[1], hw[0], 1, bits, packing, len(rows), 2835, 2835, len(palette) // 4, 0)
    return head + masks + palette + rows
