"""From decoded frames to the picture that players show: palettes, alpha, colours, and sizes that change."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest
from media_files import STAMP_HW, number_of, stamped, stamps, video
from PIL import Image

from nonlocal_core.media import Frames, Selection, probe, read_frames
from nonlocal_core.media.frame_view import FrameView

GREY = (128, 128, 128)


def alone(data: bytes, index: int) -> np.ndarray:
    return read_frames(data, Selection(frame_indices=(index,))).rgb[0]


def every(data: bytes, count: int) -> Frames:
    """Read all frames, and check that each is the same when it is read alone."""
    frames = read_frames(data, Selection(frame_indices=tuple(range(count))))
    for index in range(count):
        assert (alone(data, index) == frames.rgb[index]).all()
    return frames


def with_palettes(count: int, container: str, *, change: bool) -> bytes:
    """Encode stamps of 8 bits; with ``change``, every third has black and white exchanged, and in its palette."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream("rawvideo", rate=10)
        stream.height, stream.width, stream.pix_fmt = *STAMP_HW, "pal8"
        for n in range(count):
            swaps = change and n % 3 == 2
            palette = np.full((256, 4), 255, np.uint8)  # alpha, red, green, blue
            palette[0 if not swaps else 1, 1:] = 0
            indices = (stamped(n)[..., 0] > 127).astype(np.uint8) ^ np.uint8(swaps)
            frame = av.VideoFrame.from_ndarray((indices, palette), format="pal8")
            frame.pts, frame.time_base = n, Fraction(1, 10)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize(("container", "change"), [("avi", False), ("avi", True), ("mov", False)])
def test_each_frame_has_the_palette_that_holds_there(container: str, change: bool) -> None:
    frames = every(with_palettes(11, container, change=change), 11)
    assert [number_of(picture) for picture in frames.rgb] == list(range(11))
    assert frames.warnings == ()


def drawn(alpha: int, number: int = 5) -> np.ndarray:
    return np.concatenate((stamped(number), np.full((*STAMP_HW, 1), alpha, np.uint8)), axis=2)


LOSSLESS = {"codec": "ffv1", "container": "matroska"}


@pytest.mark.parametrize("pix_fmt", ["bgra", "yuva444p", "gbrap10le", "gbrap12le"])
def test_an_alpha_of_0_everywhere_hides_nothing(pix_fmt: str) -> None:
    frames = every(video((drawn(0, n) for n in range(4)), pix_fmt=pix_fmt, **LOSSLESS), 4)
    assert [number_of(picture) for picture in frames.rgb] == [0, 1, 2, 3]
    assert frames.warnings == ()
    assert len(frames.info.remarks) == 1
    assert "whose alpha is 0 everywhere are shown without it, as players do" in frames.info.remarks[0]


def test_a_blank_frame_of_a_file_with_alpha_stays_blank() -> None:
    shaded = drawn(255)
    shaded[:, 40:, 3] = 0
    frames = every(video([shaded, drawn(0), drawn(255)], pix_fmt="bgra", **LOSSLESS), 3)
    assert (frames.rgb[0, :, 40:] == 128).all()
    assert (frames.rgb[1] == 128).all()
    assert number_of(frames.rgb[2]) == 5
    assert frames.warnings == ("untitled is transparent in places; what lies behind is shown grey.",)


def test_an_alpha_that_the_container_tells_is_true_even_where_it_is_0_everywhere() -> None:
    data = video(
        [drawn(0), drawn(0), drawn(255)],
        codec="libvpx-vp9",
        container="webm",
        pix_fmt="yuva420p",
        options={"auto-alt-ref": "0", "lossless": "1"},
    )
    frames = every(data, 3)
    assert np.abs(frames.rgb[:2].astype(int) - 128).max() <= 1
    assert number_of(frames.rgb[2]) == 5


def test_opaque_alpha_is_not_worth_a_note() -> None:
    frames = read_frames(video([drawn(255)] * 2, pix_fmt="bgra", **LOSSLESS), Selection(frames=2))
    assert number_of(frames.rgb[0]) == 5
    assert frames.warnings == ()


def of_sizes(*sizes: tuple[int, int], aspects: tuple[Fraction | None, ...] | None = None) -> bytes:
    """Return a recording of four frames of each size, joined so that their times run on."""
    parts = []
    for place, (hw, aspect) in enumerate(zip(sizes, aspects or (None,) * len(sizes), strict=True)):
        numbers = range(4 * place, 4 * place + 4)
        pictures = (stamped(n, hw) for n in numbers)
        pts = [10 * n for n in numbers]
        parts.append(video(pictures, container="mpegts", options={"bf": "0"}, pts=pts, aspect=aspect))
    return b"".join(parts)


def test_a_video_that_turns_is_shown_between_margins_and_not_squeezed() -> None:
    data = of_sizes((48, 80), (80, 48), (48, 80))
    frames = every(data, 12)
    assert frames.rgb.shape == (12, 48, 80, 3)
    assert [number_of(picture) for picture in frames.rgb[:4]] == [0, 1, 2, 3]
    assert [number_of(picture) for picture in frames.rgb[8:]] == [8, 9, 10, 11]
    left = (80 - 29) // 2  # 80 x 48 fits 48 rows as 48 x 28.8
    inside = frames.rgb[4:8, :, left : left + 29]
    assert [number_of(picture) for picture in inside] == [4, 5, 6, 7]
    assert (frames.rgb[4:8, :, :left] == 0).all()
    assert (frames.rgb[4:8, :, left + 29 :] == 0).all()
    assert any("changes its shape" in warning for warning in frames.warnings)
    before = read_frames(data, Selection(frame_indices=(0, 1)))
    assert not any("changes its shape" in warning for warning in before.warnings)


@pytest.mark.parametrize(
    ("hw", "aspect"),
    [((96, 160), None), ((24, 40), None), ((48, 40), Fraction(2)), ((96, 80), Fraction(2))],
    ids=["larger", "smaller", "wide pixels", "larger with wide pixels"],
)
def test_another_size_of_the_same_shape_fills_the_frame(hw: tuple[int, int], aspect: Fraction | None) -> None:
    frames = every(of_sizes((48, 80), hw, aspects=(None, aspect)), 8)
    assert [number_of(picture) for picture in frames.rgb] == list(range(8))
    assert not any("changes its shape" in warning for warning in frames.warnings)


@pytest.mark.parametrize(
    ("hw", "green", "told"),
    [((720, 64), (173, 42, 26), True), ((718, 64), (145, 54, 34), False)],  # in BT.709, and in BT.601
    ids=["HD", "SD"],
)
@pytest.mark.parametrize("alpha", [False, True])
def test_hd_that_tells_no_matrix_is_bt_709_and_told(
    hw: tuple[int, int], green: tuple[int, int, int], told: bool, alpha: bool
) -> None:
    planes = [np.full(hw, level, np.uint8) for level in (*green, *((255,) if alpha else ()))]
    pix_fmt = "yuva444p" if alpha else "yuv444p"
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as out:
        stream = out.add_stream("ffv1", rate=10)
        (stream.height, stream.width), stream.pix_fmt = hw, pix_fmt
        frame = av.VideoFrame(hw[1], hw[0], pix_fmt)
        for plane, level in zip(frame.planes, planes, strict=True):
            plane.update(np.ascontiguousarray(np.pad(level, ((0, 0), (0, plane.line_size - hw[1])))).tobytes())
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    frames = read_frames(file.getvalue(), Selection(frames=1))
    assert np.abs(frames.rgb.astype(int) - (0, 255, 0)).max() <= 2
    assert frames.warnings == ()
    assert ["does not say how it codes its colours; BT.709" in said for said in frames.info.remarks] == [True] * told


@pytest.mark.parametrize("pix_fmt", ["gray10le", "gray16le", "ya8"])
def test_narrow_grey_reaches_black_and_white(pix_fmt: str) -> None:
    shades = np.repeat(np.uint8([[0, 16, 126, 235, 255]]), 8, axis=0)
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as out:
        stream = out.add_stream("ffv1", rate=10)
        (stream.height, stream.width), stream.pix_fmt = shades.shape, pix_fmt
        stream.codec_context.color_range = 1  # narrow
        frame = av.VideoFrame.from_ndarray(np.repeat(shades[..., None], 3, axis=2), format="rgb24")
        out.mux(stream.encode(frame.reformat(format=pix_fmt)))
        out.mux(stream.encode(None))
    shown = read_frames(file.getvalue(), Selection(frames=1)).rgb[0, 4, :, 0].astype(int)
    assert np.abs(shown - (0, 0, 128, 255, 255)).max() <= 1


def test_jpegs_with_exif_are_shown() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a camera's words"
    file = io.BytesIO()
    for n in range(3):
        Image.fromarray(stamped(n)).save(file, "JPEG", exif=exif)
    frames = read_frames(file.getvalue(), Selection(frames=3))
    assert [number_of(picture) for picture in frames.rgb] == [0, 1, 2]


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_jpegs_stand_as_their_exif_turns_one_of_them(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.fromarray(stamped(5)).save(file, "JPEG", exif=exif, quality=95)
    stream, still = (read_frames(file.getvalue() * count, Selection(frames=count)) for count in (2, 1))
    assert (stream.info.kind, still.info.kind) == ("video", "image")
    assert (stream.rgb == still.rgb).all()


def test_facts_are_known_before_any_frame_is_read() -> None:
    assert "whose alpha is 0" in probe(video([drawn(0)] * 2, pix_fmt="bgra", **LOSSLESS)).remarks[0]
    assert (probe(stamps(2)).warnings, probe(stamps(2)).remarks) == ((), ())


def plain(hw: tuple[int, int], level: int = 200, pix_fmt: str = "rgb24") -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(np.full((*hw, 3), level, np.uint8), format="rgb24").reformat(format=pix_fmt)


def view_of(first: av.VideoFrame, aspect: Fraction = Fraction(1)) -> tuple[FrameView, list[str], list[str]]:
    notes, remarks = [], []
    return FrameView("it", first, aspect, alpha_is_told=False, notes=notes, remarks=remarks), notes, remarks


def box_of(picture: np.ndarray) -> tuple[int, int, int, int]:
    """Return the first and the last row and column that are not black."""
    rows, columns = (np.flatnonzero((picture > 100).any(axis=(axis, 2))) for axis in (1, 0))
    return rows[0], rows[-1], columns[0], columns[-1]


@pytest.mark.parametrize(
    ("hw", "box"),
    [
        ((40, 60), (0, 39, 0, 59)),
        ((80, 120), (0, 39, 0, 59)),
        ((40, 59), (0, 39, 0, 59)),  # a pixel of rounding is no other shape
        ((39, 60), (0, 39, 0, 59)),
        ((40, 58), (0, 39, 1, 58)),
        ((38, 60), (1, 38, 0, 59)),
        ((40, 57), (0, 39, 1, 57)),
        ((60, 40), (0, 39, 16, 42)),  # 26.7 columns
        ((4000, 4), (0, 39, 29, 29)),  # a hundredth of a column is one
        ((4, 6000), (19, 19, 0, 59)),
        ((8, 8), (0, 39, 10, 49)),
    ],
)
def test_a_frame_of_another_shape_stands_in_the_middle(hw: tuple[int, int], box: tuple[int, int, int, int]) -> None:
    view, notes, _ = view_of(plain((40, 60)))
    picture = view.picture(plain(hw), None, (40, 60))
    assert picture.shape == (40, 60, 3)
    assert box_of(picture) == box
    assert len(notes) == (box != (0, 39, 0, 59))


def test_frames_of_the_first_shape_fill_whatever_size_is_asked_for() -> None:
    view, notes, _ = view_of(plain((40, 60)))
    assert box_of(view.picture(plain((40, 60)), None, (7, 9))) == (0, 6, 0, 8)
    assert notes == []


@pytest.mark.parametrize(
    ("aspect", "shown_hw"),
    [
        (Fraction(10), (40, 600)),
        (Fraction(101, 10), (40, 60)),
        (Fraction(1, 10), (400, 60)),
        (Fraction(9, 100), (40, 60)),
        (Fraction(3, 2), (40, 90)),
        (Fraction(2, 3), (60, 60)),
    ],
)
def test_pixels_become_square_and_never_fewer(aspect: Fraction, shown_hw: tuple[int, int]) -> None:
    assert view_of(plain((40, 60)), aspect)[0].shown_hw == shown_hw


def test_the_shape_of_pixels_that_the_coded_video_tells_counts_for_frames_of_another_size() -> None:
    view, _, _ = view_of(plain((40, 60)), Fraction(2))
    assert box_of(view.picture(plain((40, 60)), Fraction(1), (40, 120))) == (0, 39, 0, 119)
    assert box_of(view.picture(plain((20, 60)), Fraction(1), (40, 120))) == (0, 39, 0, 119)
    assert box_of(view.picture(plain((40, 120)), None, (40, 120))) == (10, 29, 0, 119)


NARROW = [0, 15, 16, 17, 126, 234, 235, 236, 255]


@pytest.mark.parametrize(
    ("pix_fmt", "color_range", "is_widened"), [("ya8", 1, True), ("ya8", 2, False), ("gray", 1, False)]
)
def test_greys_of_the_narrow_range_are_widened(pix_fmt: str, color_range: int, is_widened: bool) -> None:
    planes = np.array([NARROW], np.uint8)
    frame = av.VideoFrame(len(NARROW), 1, pix_fmt)
    stored = np.stack([planes[0], np.full_like(planes[0], 255)], axis=-1) if pix_fmt == "ya8" else planes[0]
    frame.planes[0].update(np.pad(stored.reshape(-1), (0, frame.planes[0].line_size - stored.size)).tobytes())
    frame.color_range = color_range
    seen = view_of(frame)[0].picture(frame, None, (1, len(NARROW)))[0, :, 0]
    expected = np.clip(np.round((np.array(NARROW) - 16) * 255 / 219), 0, 255) if is_widened else NARROW
    assert seen.tolist() == list(expected)


@pytest.mark.parametrize(("alpha", "is_padding"), [(0, True), (1, True), (2, False), (254, False)])
def test_an_alpha_of_a_level_at_most_is_padding(alpha: int, is_padding: bool) -> None:
    rgba = np.full((6, 8, 4), 200, np.uint8)
    rgba[..., 3] = alpha
    frame = av.VideoFrame.from_ndarray(rgba, format="rgba")
    view, notes, remarks = view_of(frame)
    assert (len(notes), len(remarks)) == ((0, 1) if is_padding else (1, 0))
    seen = view.picture(frame, None, (6, 8))
    assert np.abs(seen.astype(int) - (200 if is_padding else 128 + 72 * alpha / 255)).max() <= 1


@pytest.mark.parametrize(
    ("height", "pix_fmt", "told"),
    [
        (720, "yuv420p", True),
        (719, "yuv420p", False),
        (720, "rgb24", False),
        (720, "gray", False),
        (720, "yuv444p", True),
    ],
)
def test_hd_without_a_matrix_is_remarked(height: int, pix_fmt: str, told: bool) -> None:
    assert bool(view_of(plain((height, 16), pix_fmt=pix_fmt))[2]) is told


WITHOUT_TONE = "it is HDR and shown without tone mapping: colours look flat."
PALE = "it has a wide range of colours that is not converted: they look pale."
UNKNOWN = "it codes its colours in a way not known here; they may look wrong."


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("colorspace", dict.fromkeys((3, 8, 10, 11, 12, 13, 14), UNKNOWN)),
        ("color_trc", dict.fromkeys((16, 18), WITHOUT_TONE)),
        ("color_primaries", dict.fromkeys((9, 11, 12), PALE)),
    ],
)
def test_codes_of_colours_that_are_not_shown_truly_are_told(name: str, told: dict[int, str]) -> None:
    """Numbers of ITU-T H.273: matrices that are not converted, curves of HDR, primaries wider than those of HD."""
    for code in {*range(15), *told}:
        frame = plain((6, 8), pix_fmt="yuv444p")
        setattr(frame, name, code)
        assert view_of(frame)[1] == ([told[code]] if code in told else [])
