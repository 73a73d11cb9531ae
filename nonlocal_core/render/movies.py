"""Moving pictures as files: GIF and MP4, one picture per frame of the clip, at the clip's times."""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av import VideoStream
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from jaxtyping import Float, Int32, UInt8
from PIL import Image

from nonlocal_core.errors import RenderError
from nonlocal_core.render.writing import replacing

Progress = Callable[[int, int], None]
"""Listener of progress, called with (done, total) after each picture. If it raises, no file is left."""

STILL_SECONDS = 1.0  # duration of a single picture, in seconds
GIF_TICK = 0.01  # seconds; the time unit of GIF
GIF_LEAST_TICKS = 2  # browsers show anything faster for a tenth of a second
GIF_MOST_TICKS = 2**16 - 1  # eleven minutes, the largest delay of the format
PALETTE_PIXELS = 800_000  # looked at in all
COMMON, MOST_COMMON = 2000, 200
"""Largest ratio of all pixels to those of a colour that is kept unchanged, and the maximum number of such colours."""
PALETTE_DRAWS = 60_000  # given to the median cut
MP4_CLOCK = Fraction(1, 60_000)  # exact for 24, 25, 30 and 29.97 per second; MPEG-4 part 2 allows no finer than 65535
X264_QUALITY = {"crf": "16", "preset": "medium", "bf": "0"}  # no B-frames: they hide the last picture's duration
MPEG4_QUALITY = {"qmin": "2", "qmax": "3"}
INDEX_FIRST = {"movflags": "+faststart"}


def durations(pts_seconds: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
    """Return the duration of each picture in seconds: until the next one's time, or for the last the others' median.

    Raises RenderError for times that do not increase.
    """
    steps = np.diff(pts_seconds)
    if not (steps > 0).all():
        raise RenderError(f"Times must increase from picture to picture; got {pts_seconds.tolist()}.")
    return np.append(steps, np.median(steps) if len(steps) else STILL_SECONDS)


def write_gif(
    path: Path,
    pictures: Iterable[UInt8[np.ndarray, "h w 3"]],
    seconds: Float[np.ndarray, " T"],
    progress: Progress | None = None,
    *,
    provenance: str = "",
) -> None:
    """Write an endless GIF. ``seconds`` holds the duration of each picture (``durations``).

    Rounding errors of hundredths of a second do not accumulate, and no picture stays longer than eleven minutes. Equal
    neighbours are stored as one longer picture. ``provenance`` becomes the comment of the file. Raises RenderError if
    the numbers of pictures and times differ.
    """
    edges = np.rint(np.append(0, np.cumsum(seconds)) / GIF_TICK).astype(int)
    ticks = np.clip(np.diff(edges), GIF_LEAST_TICKS, GIF_MOST_TICKS)
    with replacing(path) as part:
        drawn = list(_counted(pictures, len(seconds), progress))
        palette = _shared_palette(drawn)
        frames = [_indexed(picture, palette) for picture in drawn]
        delays = (ticks * round(1000 * GIF_TICK)).tolist()
        frames[0].save(
            part,
            format="GIF",
            save_all=True,
            append_images=frames[1:],
            duration=delays,
            loop=0,
            disposal=1,
            comment=provenance.encode(),
        )


def _shared_palette(pictures: list[UInt8[np.ndarray, "h w 3"]]) -> Image.Image:
    """Return 256 colours for all pictures, so that the same heat has the same colour in each.

    Colours of many pixels, such as those of cells over a flat ground, are kept unchanged. Pixels of other colours are
    weighted by the square of their chroma, since a plain median cut would spend the palette on the grey frames instead
    of the small, colourful heat.
    """
    step = max(1, len(pictures) * pictures[0][..., 0].size // PALETTE_PIXELS)
    pixels = np.concatenate([picture.reshape(-1, 3)[::step] for picture in pictures])
    _, first, counts = np.unique(_codes(pixels), return_index=True, return_counts=True)
    common = np.argsort(-counts, kind="stable")[:MOST_COMMON]
    kept = pixels[first[common[counts[common] * COMMON >= len(pixels)]]]
    others = pixels[~np.isin(_codes(pixels), _codes(kept))]
    palette = Image.new("P", (1, 1))
    palette.putpalette([*kept.reshape(-1).tolist(), *_median_cut(others, 256 - len(kept))])
    return palette


def _median_cut(pixels: UInt8[np.ndarray, "n 3"], count: int) -> list[int]:
    """Return ``count`` colours, red, green and blue of each in turn; none if there are no pixels."""
    if not len(pixels):
        return []
    weight = np.cumsum((np.ptp(pixels, axis=1) + 10.0) ** 2)
    chosen = np.searchsorted(weight, (np.arange(PALETTE_DRAWS) + 0.5) / PALETTE_DRAWS * weight[-1])
    return Image.fromarray(pixels[chosen][None]).quantize(count, method=Image.Quantize.MEDIANCUT).getpalette() or []


def _indexed(picture: UInt8[np.ndarray, "h w 3"], palette: Image.Image) -> Image.Image:
    """Return a picture in the colours of a palette, dithered if it has others.

    Pillow looks up the nearest on a coarser grid, so a colour of the palette may become its neighbour.
    """
    drawn = Image.fromarray(picture).quantize(palette=palette)
    known, at = np.unique(_codes(np.array(palette.getpalette(), np.uint8).reshape(-1, 3)), return_index=True)
    codes = _codes(picture)
    place = np.minimum(np.searchsorted(known, codes), len(known) - 1)
    indices = np.where(known[place] == codes, at[place], np.asarray(drawn)).astype(np.uint8)
    drawn.putdata(indices.reshape(-1))
    return drawn


def _codes(rgb: UInt8[np.ndarray, "*shape 3"]) -> Int32[np.ndarray, "*shape"]:
    """Return each colour as one number."""
    return np.asarray(rgb.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32))


def write_mp4(
    path: Path,
    pictures: Iterable[UInt8[np.ndarray, "h w 3"]],
    seconds: Float[np.ndarray, " T"],
    progress: Progress | None = None,
    *,
    provenance: str = "",
) -> None:
    """Write an MP4 (H.264, or MPEG-4 part 2 if libx264 is missing) that plays in a browser and seeks at once.

    ``seconds`` holds the duration of each picture (``durations``). Odd sizes gain one repeated row or column, because
    the pixel format halves the resolution of colour. ``provenance`` becomes the comment of the file. Raises RenderError
    if the numbers of pictures and times differ.
    """
    starts = np.append(0, np.cumsum(seconds))
    ticks = np.rint(starts / float(MP4_CLOCK)).astype(int)
    with replacing(path) as part, av.open(part, "w", format="mp4", options=INDEX_FIRST) as container:
        container.metadata["comment"] = provenance
        stream: VideoStream | None = None
        for index, picture in enumerate(_counted(pictures, len(seconds), progress)):
            stream = stream or _video_stream(container, picture, rate=1 / float(np.median(seconds)))
            frame = _frame(picture, Colorspace(stream.codec_context.colorspace))
            frame.time_base, frame.pts = MP4_CLOCK, int(ticks[index])
            frame.duration = int(ticks[index + 1] - ticks[index])
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode(None))


def _video_stream(
    container: av.container.OutputContainer, picture: UInt8[np.ndarray, "h w 3"], *, rate: float
) -> VideoStream:
    has_x264 = "libx264" in av.codec.codecs_available
    per_second = max(Fraction(rate).limit_denominator(1001), Fraction(1))  # a hint; frames carry their own times
    if has_x264:
        stream = container.add_stream("libx264", rate=per_second, options=X264_QUALITY)
    else:
        stream = container.add_stream("mpeg4", rate=per_second, options=MPEG4_QUALITY)
    stream.height, stream.width = (n + n % 2 for n in picture.shape[:2])
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = MP4_CLOCK
    # MPEG-4 part 2 cannot say which matrix it uses, and players take the old one.
    stream.codec_context.colorspace = Colorspace.ITU709 if has_x264 else Colorspace.ITU601
    stream.codec_context.color_range = ColorRange.MPEG
    return stream


def _frame(picture: UInt8[np.ndarray, "h w 3"], colorspace: Colorspace) -> VideoFrame:
    height, width = picture.shape[:2]
    even = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
    return frame.reformat(format="yuv420p", dst_colorspace=colorspace, dst_color_range=ColorRange.MPEG)


def _counted(
    pictures: Iterable[UInt8[np.ndarray, "h w 3"]], total: int, progress: Progress | None
) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """Yield the pictures, report each after its use, and check their number."""
    done = 0
    for picture in pictures:
        done += 1
        if done > total:
            break
        yield picture
        if progress is not None:
            progress(done, total)
    if done != total or total == 0:
        raise RenderError(f"As many pictures as times are needed, and at least one; got {done} for {total} times.")
