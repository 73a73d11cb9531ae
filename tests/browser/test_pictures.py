"""Pictures and animations are what Chromium shows, pixel by pixel and frame by frame, or carry a note."""

import io
import struct
import zlib
from typing import NamedTuple

import numpy as np
import pytest
from picture_bytes import apng, bmp, chunk, gif, png, webp
from PIL import Image, ImageCms
from shown_by_chromium import shown_by_chromium

from nonlocal_core.media import Selection, read_frames
from nonlocal_core.media.colours import coded_profile, measured_profile
from nonlocal_core.media.pixels import GREY, transparent_note

pytestmark = pytest.mark.browser

EXACT = 1
"""Levels: Chromium blends with colours that are multiplied by alpha, in eight bits. Measured: 1."""
LOSSY = 4
"""Levels in the mean of a frame whose colours have half the resolution: each decoder enlarges them in its own way."""
HW = (22, 34)
ROWS, COLS = np.indices(HW)


ADOBE_RGB = measured_profile(256 / 563, (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06))


class Case(NamedTuple):
    data: bytes
    media_type: str
    levels: int = EXACT
    note: str = ""
    """Words of the warning that a difference carries; then pixels are not compared."""
    truth: list[np.ndarray] | None = None
    """What was encoded, where Chromium shows something else: it takes an AVIF that moves or is transparent for another
    range. ffmpeg agrees with what was encoded."""


def colours(bits: int = 8) -> np.ndarray:
    """Return smooth colours (H, W, 3) of that many bits."""
    most = 2**bits - 1
    shares = (ROWS / (HW[0] - 1), COLS / (HW[1] - 1), (ROWS + COLS) / (sum(HW) - 2))
    return np.stack([np.round(share * most).astype(int) for share in shares], axis=-1)


def with_alpha(bits: int = 8) -> np.ndarray:
    most = 2**bits - 1
    return np.concatenate([colours(bits), np.round(COLS[..., None] / (HW[1] - 1) * most).astype(int)], axis=-1)


def rgba(colour: tuple[int, ...], hw: tuple[int, int] = HW) -> np.ndarray:
    return np.full((*hw, 4), colour, np.uint8)


def saved(picture: Image.Image, kind: str, **how: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


def stills_png() -> dict[str, Case]:
    palette = np.random.default_rng(1).integers(0, 256, (256, 3), dtype=np.uint8)
    made: dict[str, bytes] = {}
    for lace in (False, True):
        end = " interlaced" if lace else ""
        for bits in (1, 2, 4, 8, 16):
            grey = colours(bits)[..., 2:]
            made[f"grey {bits}{end}"] = png(grey, bits=bits, colour=0, interlaced=lace)
            key = chunk(b"tRNS", struct.pack(">H", int(grey[5, 9, 0])))
            made[f"grey {bits} keyed{end}"] = png(grey, bits=bits, colour=0, interlaced=lace, chunks=key)
        for bits in (1, 2, 4, 8):
            table = chunk(b"PLTE", palette[: 2**bits].tobytes())
            indices = colours(bits)[..., 2:]
            made[f"palette {bits}{end}"] = png(indices, bits=bits, colour=3, interlaced=lace, chunks=table)
            faint = table + chunk(b"tRNS", bytes((0, 100)))
            made[f"palette {bits} faint{end}"] = png(indices, bits=bits, colour=3, interlaced=lace, chunks=faint)
        for bits in (8, 16):
            made[f"colour {bits}{end}"] = png(colours(bits), bits=bits, colour=2, interlaced=lace)
            key = chunk(b"tRNS", struct.pack(">3H", *colours(bits)[5, 9].tolist()))
            made[f"colour {bits} keyed{end}"] = png(colours(bits), bits=bits, colour=2, interlaced=lace, chunks=key)
            made[f"grey alpha {bits}{end}"] = png(with_alpha(bits)[..., 2:], bits=bits, colour=4, interlaced=lace)
            made[f"colour alpha {bits}{end}"] = png(with_alpha(bits), bits=bits, colour=6, interlaced=lace)
    return {f"png {name}": Case(data, "image/png") for name, data in made.items()}


def coloured_png() -> dict[str, Case]:
    plain = {"bits": 8, "colour": 2}
    p3 = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
    made = {
        "gamma 1": chunk(b"gAMA", struct.pack(">I", 100_000)),
        "gamma of sRGB": chunk(b"gAMA", struct.pack(">I", 45_455)),
        "gamma and primaries": chunk(b"cHRM", p3) + chunk(b"gAMA", struct.pack(">I", 45_455)),
        "sRGB before gamma": chunk(b"sRGB", b"\0") + chunk(b"gAMA", struct.pack(">I", 100_000)),
        "coded P3": chunk(b"cICP", bytes((12, 13, 0, 1))),
        "long text": chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(3_000_000))),
        "text with a wrong checksum": chunk(b"tEXt", b"Title\0A picture")[:-4] + b"oops",
        "turned": chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"),
        "unknown": chunk(b"prVt", b"private"),
    }
    cases = {name: Case(png(colours(), chunks=chunks, **plain), "image/png") for name, chunks in made.items()}
    linear, grey, smooth = made["gamma 1"], {"bits": 8, "colour": 0}, colours()[..., 2:]
    cases["grey of gamma 1"] = Case(png(smooth, chunks=linear, **grey), "image/png")
    deep = png(colours(16)[..., 2:], bits=16, colour=0, chunks=linear)
    cases["deep grey of gamma 1"] = Case(deep, "image/png", 4)  # the curve comes after eight bits, steep in the dark
    clear = png(with_alpha()[..., 2:], bits=8, colour=4, chunks=linear)
    cases["grey and alpha of gamma 1"] = Case(clear, "image/png", 2)
    no_primaries = chunk(b"cHRM", bytes(32)) + chunk(b"gAMA", struct.pack(">I", 50_000))
    cases["primaries that are none"] = Case(png(colours(), chunks=no_primaries, **plain), "image/png", note="profile")
    adobe = chunk(b"iCCP", b"x\0\0" + zlib.compress(ADOBE_RGB))
    cases["grey by Adobe RGB"] = Case(png(smooth, chunks=adobe, **grey), "image/png")
    cases["Adobe RGB"] = Case(png(colours(), chunks=adobe, **plain), "image/png")
    # Pale, so that it stays within sRGB: Chromium blends what lies beyond it before it is clipped.
    pale = with_alpha() // (4, 4, 4, 1) + (100, 100, 100, 0)
    cases["Adobe RGB and alpha"] = Case(png(pale, bits=8, colour=6, chunks=adobe), "image/png", 2)
    table = chunk(b"PLTE", (np.arange(256)[:, None] * (1, 3, 5) % 256).astype(np.uint8).tobytes())
    cases["Adobe RGB palette"] = Case(png(colours()[..., 2:], bits=8, colour=3, chunks=adobe + table), "image/png")
    pq = png(colours(), chunks=chunk(b"cICP", bytes((9, 16, 0, 1))), **plain)
    spoilt = chunk(b"iCCP", b"x\0\0" + zlib.compress(b"no profile" * 30))
    cases["HDR"] = Case(pq, "image/png", note="HDR")
    cases["damaged profile"] = Case(png(colours(), chunks=spoilt, **plain), "image/png", note="colour profile")
    twelve = png(colours(12)[..., 2:], bits=16, colour=0)
    declared = png(colours(12)[..., 2:], bits=16, colour=0, chunks=chunk(b"sBIT", b"\x0c"))
    cases["12 bits inside 16"] = Case(twelve, "image/png", note="stretched")
    cases["12 bits inside 16, declared"] = Case(declared, "image/png", note="declares 12 of 16 bits")
    whole = png(np.random.default_rng(2).integers(0, 256, (*HW, 3)), **plain)
    cases["cut short"] = Case(whole[: len(whole) * 2 // 3], "image/png", note="rows are shown")
    return {f"png {name}": case for name, case in cases.items()}


def animated_png() -> dict[str, Case]:
    ground = np.dstack([colours().astype(np.uint8), np.full(HW, 255, np.uint8)])
    see_through = rgba((0, 0, 0, 0))
    made: dict[str, bytes] = {}
    for dispose in range(3):
        for blend in range(2):
            for opaque in (True, False):
                parts = [{"rgba": ground if opaque else see_through, "dispose": 0, "blend": 0}]
                for step, alpha in enumerate((255, 120, 0, 200)):
                    spot = rgba((200, 40 * step, 90, alpha), (9, 11))
                    parts.append({"rgba": spot, "at": (2 + 2 * step, 6 * step), "dispose": dispose, "blend": blend})
                end = "over a photo" if opaque else "over nothing"
                made[f"dispose {dispose} blend {blend} {end}"] = apng(HW, parts)
    spots = [{"rgba": rgba((9, 200, 30, 255)), "dispose": 2}, {"rgba": rgba((200, 0, 0, 90), (5, 7)), "blend": 1}]
    made["first frame restores"] = apng(HW, spots)
    made["default image apart"] = apng(HW, [{"rgba": rgba((0, 200, 0, 255))}, {"rgba": ground}], default=ground)
    made["default image and one frame"] = apng(HW, [{"rgba": rgba((0, 200, 0, 255))}], default=ground)
    made["60 a second"] = apng(HW, [{"rgba": rgba((n, 0, 0, 255)), "delay": (1, 60)} for n in range(6)])
    made["without a unit"] = apng(HW, [{"rgba": rgba((n, 0, 0, 255)), "delay": (7, 0)} for n in range(3)])
    return {f"apng {name}": Case(data, "image/png") for name, data in made.items()}


def gifs() -> dict[str, Case]:
    rng = np.random.default_rng(3)
    palette, other = rng.integers(0, 256, (2, 256, 3))
    ground = (ROWS * 7 + COLS * 3) % 256
    made: dict[str, bytes] = {}
    for dispose in range(4):
        for clear in (None, 5):
            frames = [{"pixels": ground, "clear": clear}]
            for step in range(3):
                spot = np.full((8, 9), 40 * step + 11)
                spot[2:5, 3:6] = 5
                frames.append({"pixels": spot, "at": (2 * step, 9 * step), "dispose": dispose, "clear": clear})
            made[f"dispose {dispose} clear {clear}"] = gif(HW, palette, frames, background=77)
    first = {"pixels": ground[:10, :12], "at": (4, 6), "dispose": 2}
    made["small first frame"] = gif(HW, palette, [first, {"pixels": ground[:5, :5]}], background=77)
    made["own palettes"] = gif(HW, palette, [{"pixels": ground}, {"pixels": ground, "palette": other}])
    made["interlaced"] = gif(HW, palette, [{"pixels": ground, "interlaced": True}])
    made["a part that leaves the canvas"] = gif(HW, palette, [{"pixels": ground}, {"pixels": ground, "at": (9, 20)}])
    made["no canvas declared"] = gif((0, 0), palette, [{"pixels": ground}])
    made["one transparent colour"] = gif(HW, palette, [{"pixels": ground, "clear": int(ground[3, 3])}])
    return {f"gif {name}": Case(data, "image/gif") for name, data in made.items()}


def webps() -> dict[str, Case]:
    made: dict[str, Case] = {}
    ground = np.dstack([colours().astype(np.uint8), np.full(HW, 255, np.uint8)])
    for clear in (False, True):
        for replace in (False, True):
            frames = [{"rgba": ground, "milliseconds": 70}]
            for step, alpha in enumerate((255, 120, 0)):
                spot = rgba((200, 40 * step, 90, alpha), (8, 10))
                frames.append({"rgba": spot, "at": (2 * step, 8 * step), "milliseconds": 37 + step})
                frames[-1] |= {"clear": clear, "replace": replace}
            made[f"clear {clear} replace {replace}"] = Case(webp(HW, frames), "image/webp")
    lossy = [
        {"rgba": ground, "milliseconds": 90, "lossless": False},
        {"rgba": rgba((9, 90, 9, 255)), "milliseconds": 30},
    ]
    made["lossy"] = Case(webp(HW, lossy), "image/webp", LOSSY)
    picture = Image.fromarray(with_alpha().astype(np.uint8))
    wide = saved(picture.convert("RGB"), "WEBP", lossless=True, icc_profile=ADOBE_RGB)
    made["Adobe RGB"] = Case(wide, "image/webp")
    made["lossless still"] = Case(saved(picture, "WEBP", lossless=True), "image/webp")
    made["lossy still"] = Case(saved(picture, "WEBP", quality=90), "image/webp", LOSSY)
    return {f"webp {name}": case for name, case in made.items()}


def jpegs() -> dict[str, Case]:
    smooth = Image.fromarray(colours().astype(np.uint8))
    fine = {"quality": 95, "subsampling": 0}
    made = {
        "grey": Case(saved(smooth.convert("L"), "JPEG", **fine), "image/jpeg"),
        "colour": Case(saved(smooth, "JPEG", **fine), "image/jpeg", 2),
        "progressive": Case(saved(smooth, "JPEG", progressive=True, **fine), "image/jpeg", 2),
        "half colours": Case(saved(smooth, "JPEG", quality=95, subsampling=2), "image/jpeg", LOSSY),
        "restarts": Case(saved(smooth, "JPEG", restart_marker_rows=1, **fine), "image/jpeg", 2),
        "inks": Case(saved(smooth.convert("CMYK"), "JPEG", quality=95), "image/jpeg", note=""),
    }
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made["sRGB profile"] = Case(saved(smooth, "JPEG", icc_profile=srgb, **fine), "image/jpeg", 2)
    made["Adobe RGB"] = Case(saved(smooth, "JPEG", icc_profile=ADOBE_RGB, **fine), "image/jpeg", 2)
    made["Display P3"] = Case(saved(smooth, "JPEG", icc_profile=coded_profile(12), **fine), "image/jpeg", 2)
    made["spoilt profile"] = Case(saved(smooth, "JPEG", icc_profile=b"\0" * 300), "image/jpeg", note="profile")
    noise = Image.fromarray(np.random.default_rng(4).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    for name, cut in (("without an end", -2), ("cut short", -2000)):
        made[name] = Case(saved(noise, "JPEG")[:cut], "image/jpeg", note="cut short")
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        made[f"orientation {orientation}"] = Case(saved(smooth, "JPEG", exif=exif, **fine), "image/jpeg", 2)
    return {f"jpeg {name}": case for name, case in made.items()}


def bmps() -> dict[str, Case]:
    smooth = Image.fromarray(colours().astype(np.uint8))
    made = {mode: saved(smooth.convert(mode), "BMP") for mode in ("1", "L", "P", "RGB")}
    palette = np.random.default_rng(5).integers(0, 256, (256, 4), dtype=np.uint8).tobytes()
    run = b"".join(bytes((20, row, 14, row + 100, 0, 0)) for row in range(HW[0])) + b"\0\x01"
    made["runs"] = bmp(run, HW, 8, packing=1, palette=palette)
    five = colours(5)
    words = (five[..., 0] << 10 | five[..., 1] << 5 | five[..., 2]).astype("<u2")
    made["15 bits"] = bmp(words.tobytes(), HW, 16)
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    words = (five[..., 0] << 11 | colours(6)[..., 1] << 5 | five[..., 2]).astype("<u2")
    made["16 bits"] = bmp(words.tobytes(), HW, 16, packing=3, masks=masks)
    wide = np.dstack([colours(), np.zeros(HW, int)])[..., [2, 1, 0, 3]].astype(np.uint8)
    made["32 bits"] = bmp(wide.tobytes(), HW, 32)
    made["from the top"] = bmp(wide.tobytes(), (-HW[0], HW[1]), 32)
    return {f"bmp {name}": Case(data, "image/bmp") for name, data in made.items()}


def avifs() -> dict[str, Case]:
    smooth = Image.fromarray(colours().astype(np.uint8))
    fine = {"quality": 100, "subsampling": "4:4:4"}
    clear = with_alpha()
    share = clear[..., 3:] / 255
    turned = smooth.transpose(Image.Transpose.ROTATE_180)
    moving = saved(smooth, "AVIF", **fine, save_all=True, append_images=[turned], duration=[40, 90])
    alpha = saved(Image.fromarray(clear.astype(np.uint8)), "AVIF", **fine)
    made = {
        "still": Case(saved(smooth, "AVIF", **fine), "image/avif", 3),
        "alpha": Case(alpha, "image/avif", 3, truth=[clear[..., :3] * share + GREY * (1 - share)]),
        "moving": Case(moving, "image/avif", 3, truth=[np.asarray(smooth), np.asarray(turned)]),
    }
    still = bytearray(saved(smooth, "AVIF", **fine))
    at = still.index(b"colrnclx") + 8
    still[at : at + 4] = struct.pack(">HH", 9, 16)
    made["HDR"] = Case(bytes(still), "image/avif", note="HDR")
    return {f"avif {name}": case for name, case in made.items()}


CASES = {
    **stills_png(),
    **coloured_png(),
    **animated_png(),
    **gifs(),
    **webps(),
    **jpegs(),
    **bmps(),
    **avifs(),
}


@pytest.fixture(scope="module")
def shown(chromium):
    """Return the frames of every case as Chromium shows them over our grey, and over white, which shines through."""
    page = chromium.new_page()
    compared = [name for name, case in CASES.items() if not case.note]
    files = [(CASES[name].data, CASES[name].media_type) for name in compared]
    frames = zip(shown_by_chromium(page, files, GREY), shown_by_chromium(page, files, 255), strict=True)
    page.close()
    return dict(zip(compared, frames, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_a_picture_is_what_chromium_shows_or_carries_a_note(name, shown):
    case = CASES[name]
    ours = read_frames(case.data, Selection(frames=20, stride=1), name="it")
    if case.note:
        assert any(case.note in warning for warning in ours.info.warnings), ours.info.warnings
        return
    over_grey, over_white = shown[name]
    is_transparent = any((a.rgb != b.rgb).any() for a, b in zip(over_grey, over_white, strict=True))
    assert ours.info.warnings == ((transparent_note("it"),) if is_transparent else ())
    assert len(ours.rgb) == len(over_grey)
    for index, (frame, theirs) in enumerate(zip(ours.rgb, over_grey, strict=True)):
        right = theirs.rgb if case.truth is None else case.truth[index]
        difference = np.abs(frame.astype(int) - right)
        assert (difference.mean() if case.levels == LOSSY else difference.max()) <= case.levels, f"frame {index}"
        alone = read_frames(case.data, Selection(frame_indices=(index,)), name="it")
        assert (alone.rgb[0] == frame).all(), f"frame {index} depends on which others are read"
    if len(ours.rgb) > 1:
        lasts = np.diff([*ours.pts_seconds, ours.info.duration_seconds])
        assert lasts == pytest.approx([frame.seconds for frame in over_grey], abs=0.001)
