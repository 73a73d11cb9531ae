"""From decoded frames to the picture that players show: palettes, alpha, colours, and sizes that change."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest
from media_files import STAMP_HW, number_of, stamped, stamps, video
from PIL import Image

from nonlocal_core.media import Frames, Selection, probe, read_frames

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


def test_facts_are_known_before_any_frame_is_read() -> None:
    assert "whose alpha is 0" in probe(video([drawn(0)] * 2, pix_fmt="bgra", **LOSSLESS)).remarks[0]
    assert (probe(stamps(2)).warnings, probe(stamps(2)).remarks) == ((), ())
