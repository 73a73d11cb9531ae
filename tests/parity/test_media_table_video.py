"""Containers x codecs x pixel formats x clocks: the reader's pictures and times against those of ffmpeg's program.

ffmpeg writes each file from the same six pictures and decodes it again; where the reader differs on purpose, it must
say so in a note.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from nonlocal_core.media import Frames, Selection, read_frames

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")

COUNT, HW = 6, (32, 48)
GREY = 128

LEVELS = 0.05  # mean of a file, of 255; measured worst 0.00: the two agree in every pixel
LEVELS_BLENDED = 0.4  # over grey; measured worst 0.25, from rounding the blend
LEVELS_WIDENED = 0.6  # narrow greys; measured worst 0.28, from rounding before they are made wide
SECONDS = 1e-5  # measured worst 4e-7: the program prints six digits

BLENDED = "is transparent in places; what lies behind is shown grey"
UNUSED = "whose alpha is 0 everywhere are shown without it"
UNTIMED = "does not say when its frames appear"
UNTAGGED = "does not say how it codes its colours; BT.709 is assumed"
HDR = "is HDR and shown without tone mapping"
WIDE = "has a wide range of colours that is not converted"
UNKNOWN = "codes its colours in a way not known here"
JOINED = "jumps, as where recordings are joined"

Alpha = Literal["full", "some", "none"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A file to make, and the ways in which the reader may differ from ffmpeg's program.

    ``is_left``: the codec places the colours of halved rows at the left, and the program must be told.
    """

    name: str
    container: str
    options: str
    alpha: Alpha = "full"
    rate: str = "10"
    note: str | None = None
    is_left: bool = False
    decoder: str = ""
    matrix: str = ""
    levels: float = LEVELS
    copies_times: bool = True


X265 = "-x265-params log-level=none:keyint=3 -vf scale=96:64"  # x265 crashes at 48 x 32 in more than 8 bits

# containers, codec, pixel formats, options
CODECS = (
    ("mp4 mkv mov", "libx264", "yuv420p yuv422p yuv444p yuvj420p yuv420p10le gray", "-bf 2 -g 3"),
    ("mp4 ts", "libx264", "yuv422p10le yuv444p10le gray10le", "-bf 2"),
    ("mp4", "libx264rgb", "rgb24 bgr0", ""),
    ("flv ts 3gp", "libx264", "yuv420p", "-bf 2"),
    ("mp4", "libx265", "yuv420p yuv444p gbrp yuv420p10le yuv422p10le yuv444p12le gray gray12le", X265),
    ("ts", "libx265", "yuv420p10le", X265),
    ("mp4 avi", "mpeg4", "yuv420p", "-bf 2 -g 3"),
    ("mpg ts mkv", "mpeg2video", "yuv420p", "-r 25 -bf 2"),
    ("mpg", "mpeg1video", "yuv420p", "-r 25"),
    ("webm mp4", "libvpx-vp9", "yuv420p yuv444p yuv420p10le gbrp", ""),
    ("webm ogg", "libvpx", "yuv420p", ""),
    ("mkv", "libaom-av1", "yuv420p gray", "-cpu-used 8 -usage realtime"),
    ("ogg", "libtheora", "yuv420p yuv444p", ""),
    ("mov", "prores_ks", "yuv422p10le yuv444p10le", ""),
    ("mov", "qtrle", "rgb24 rgb555be gray", ""),
    ("mov", "png", "rgb24 pal8 gray gray16be rgb48be monob", ""),
    ("avi", "png", "pal8", ""),
    ("mov", "smc", "pal8", ""),
    ("mov", "gif", "rgb8", ""),
    ("mov avi", "cinepak", "rgb24 gray", ""),
    ("mov avi", "v210", "yuv422p10le", ""),
    ("mov", "r210", "gbrp10le", ""),
    ("mov", "v410", "yuv444p10le", ""),
    ("mov", "y41p", "yuv411p", ""),
    ("mov", "cfhd", "yuv422p10le gbrp12le", ""),
    ("mov", "tiff", "pal8 gray16le monow", ""),
    ("mov avi", "jpeg2000", "rgb24", ""),
    ("mov", "mjpeg", "yuvj420p yuvj422p yuvj444p", ""),
    ("avi", "mjpeg", "yuvj420p", ""),
    ("avi", "msvideo1", "rgb555le", ""),
    ("avi", "huffyuv", "yuv422p rgb24", ""),
    ("avi", "ffvhuff", "yuv444p10le gray16le", ""),
    ("avi", "utvideo", "yuv420p gbrp", ""),
    ("avi", "magicyuv", "gbrp gray", ""),
    ("avi", "zmbv", "pal8 rgb565le bgr0", ""),
    ("avi", "zlib", "bgr24", ""),
    ("avi", "snow", "yuv410p", ""),
    ("avi mov", "rawvideo", "pal8 gray gray16be rgb24 rgb555le uyvy422 monow bgr0", ""),
    ("mov", "rawvideo", "rgb555be", ""),
    ("wmv", "wmv2", "yuv420p", ""),
    ("asf", "msmpeg4", "yuv420p", ""),
    ("flv", "flv", "yuv420p", ""),
    ("flv", "flashsv", "bgr24", ""),
    ("y4m", "wrapped_avframe", "yuv420p yuv444p gray yuv420p10le gray10le", "-strict -1"),
    ("mkv", "ffv1", "yuv410p yuv411p yuv422p yuv444p yuv420p9le yuv422p12le yuv444p16le", ""),
    ("mkv", "ffv1", "gray gray10le gray12le gray16le bgr0 gbrp10le gbrp12le gbrp16le rgb48le", ""),
)
WITH_ALPHA = (
    ("mkv", "ffv1", "bgra ya8 yuva420p yuva444p10le gbrap12le rgba64le", ""),
    ("mov", "prores_ks", "yuva444p10le", "-profile:v 4"),
    ("mov", "qtrle", "argb", ""),
    ("mov", "png", "rgba", ""),
    ("avi", "utvideo", "gbrap", ""),
    ("avi mov", "rawvideo", "bgra", ""),
)
STREAMS = (
    ("h264", "libx264", "yuv420p yuv444p10le", "-bf 2"),
    ("hevc", "libx265", "yuv420p", X265),
    ("mjpeg", "mjpeg", "yuvj420p yuvj444p", ""),
    ("m2v", "mpeg2video", "yuv420p", "-bf 2"),
    ("mpeg4", "mpeg4", "yuv420p", "-f m4v -bf 2"),
)
LEFT = frozenset(("libx264", "libx265", "mpeg4", "mpeg2video"))

H264 = "-c:v libx264 -pix_fmt yuv420p -g 4"
FFV1 = "-c:v ffv1 -pix_fmt yuv420p"
UNEVEN = "-vf settb=1/1000,setpts='100*(N*N+N)' -vsync vfr"
EACH_ITS_PALETTE = "-filter_complex split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1"

OTHERS = (
    *(Row(name=f"turned by {n}", container="mp4", options=f"{H264} -metadata:s:v rotate={n}") for n in (90, 180, 270)),
    *(Row(name=f"pixels {a}", container="mp4", options=f"{H264} -vf setsar={a}") for a in ("2/1", "1/2", "16/11")),
    Row(name="turned, pixels 2/1", container="mp4", options=f"{H264} -vf setsar=2/1 -metadata:s:v rotate=90"),
    *(Row(name=f"{rate} a second", container="mp4", options=H264, rate=rate) for rate in ("24000/1001", "60", "1/2")),
    *(Row(name=f"uneven {kind}", container=kind, options=f"{UNEVEN} {H264} -bf 2") for kind in ("mp4", "mkv", "ts")),
    Row(name="uneven avi", container="avi", options=f"{UNEVEN} {H264} -bf 0"),
    Row(name="slides", container="mp4", options=f"{H264}", rate="1/20"),
    Row(name="in fragments", container="mp4", options=f"{H264} -movflags frag_keyframe+empty_moov"),
    Row(name="one frame", container="mp4", options=f"{H264} -frames:v 1"),
    Row(name="late start", container="ts", options=f"{H264} -output_ts_offset 3000"),
    Row(name="clock that wraps", container="ts", options=f"{H264} -output_ts_offset 95442.2"),
    Row(name="open groups", container="mkv", options=f"{H264} -bf 2 -x264-params open-gop=1:keyint=3:min-keyint=3"),
    Row(name="odd size", container="mkv", options=f"{FFV1} -vf scale=47:31"),
    Row(name="BT.709", container="mp4", options=f"{H264} -colorspace bt709"),
    Row(name="full range", container="mp4", options=f"{H264} -color_range pc -colorspace bt709"),
    Row(name="BT.2020", container="mkv", options=f"{FFV1} -colorspace bt2020nc"),
    Row(name="wide", container="mp4", options=f"{H264} -color_primaries smpte432", note=WIDE),
    Row(name="PQ", container="mp4", options=f"{H264} -colorspace bt2020nc -color_trc smpte2084", note=HDR),
    Row(name="YCgCo", container="mkv", options=f"{FFV1} -colorspace ycgco", note=UNKNOWN),
    Row(name="HD", container="mp4", options=f"{H264} -frames:v 2 -vf scale=960:720", note=UNTAGGED, matrix="bt709"),
    Row(name="HD of JPEGs", container="mov", options="-c:v mjpeg -pix_fmt yuvj420p -frames:v 2 -vf scale=960:720"),
    Row(name="HD in RGB", container="mkv", options="-c:v ffv1 -pix_fmt bgr0 -frames:v 2 -vf scale=960:720"),
    *(
        Row(name=f"palettes {kind} {codec}", container=kind, options=f"{EACH_ITS_PALETTE} -c:v {codec} -pix_fmt pal8")
        for kind, codec in (("avi", "rawvideo"), ("mov", "rawvideo"), ("mov", "qtrle"), ("avi", "zmbv"))
    ),
    *(
        Row(
            name=f"{codec} alpha",
            container="webm",
            options=f"-c:v {codec} -pix_fmt yuva420p -auto-alt-ref 0",
            alpha="some",
            note=BLENDED,
            decoder=codec,
            levels=LEVELS_BLENDED,
        )
        for codec in ("libvpx", "libvpx-vp9")
    ),
    *(
        Row(
            name=f"narrow {pix_fmt}",
            container="mkv",
            options=f"-c:v ffv1 -pix_fmt {pix_fmt} -color_range tv",
            levels=LEVELS_WIDENED,
        )
        for pix_fmt in ("gray", "gray10le", "gray16le", "ya8")
    ),
)


def rows() -> list[Row]:
    """Return the whole table."""
    table = [*_rows_of(CODECS)]
    for alpha, note in (("full", None), ("some", BLENDED), ("none", UNUSED)):
        told = {"alpha": alpha, "note": note, "levels": LEVELS_BLENDED}
        table += [replace(row, name=f"{row.name} {alpha}", **told) for row in _rows_of(WITH_ALPHA)]
    table += [replace(row, rate="25", note=UNTIMED) for row in _rows_of(STREAMS)]
    for row in OTHERS:
        table.append(replace(row, is_left="libx264" in row.options))
    return table


def _rows_of(lines: tuple[tuple[str, str, str, str], ...]) -> list[Row]:
    return [
        Row(
            name=f"{container} {codec} {pix_fmt}",
            container=container,
            options=f"-c:v {codec} -pix_fmt {pix_fmt} {options}",
            is_left=codec in LEFT and (codec, pix_fmt) != ("libx265", "yuv422p10le"),  # HEVC tells it for 4:2:0 only
        )
        for containers, codec, pix_fmts, options in lines
        for container in containers.split()
        for pix_fmt in pix_fmts.split()
    ]


def pictures(alpha: Alpha) -> np.ndarray:
    """Return the six pictures: slopes of all colours, and a square that moves."""
    y, x = np.mgrid[0 : HW[0], 0 : HW[1]]
    made = np.empty((COUNT, *HW, 4))
    for n, picture in enumerate(made):
        picture[..., 0], picture[..., 1], picture[..., 2] = x * 255 / (HW[1] - 1), y * 255 / (HW[0] - 1), 40 * n + 20
        picture[8:20, 4 + 6 * n : 12 + 6 * n, :3] = (230, 60, 30)
        picture[..., 3] = {"full": 255, "some": y * 255 // (HW[0] - 1), "none": 0}[alpha]
    return np.round(made).astype(np.uint8)


def run(*command: str, given: bytes = b"") -> tuple[bytes, str]:
    done = subprocess.run(["ffmpeg", "-hide_banner", "-y", *command], input=given, capture_output=True, timeout=60)
    told = done.stderr.decode("utf-8", "replace")
    assert done.returncode == 0, told[-500:]
    return done.stdout, told


def make(row: Row, path: Path) -> None:
    size = f"{HW[1]}x{HW[0]}"
    taken = ("-f", "rawvideo", "-pix_fmt", "rgba", "-s", size, "-r", row.rate, "-i", "-")
    run(*taken, *row.options.split(), "-threads", "1", str(path), given=pictures(row.alpha).tobytes())


def decoded(row: Row, path: Path, hw: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the pictures and the times of ffmpeg's program, over grey where there is alpha."""
    filters = f"showinfo,scale={hw[1]}:{hw[0]}:flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
    filters += ":in_h_chr_pos=0" if row.is_left else ""
    filters += f":in_color_matrix={row.matrix}" if row.matrix else ""
    before = (*(("-c:v", row.decoder) if row.decoder else ()), *(("-copyts",) if row.copies_times else ()))
    into = ("-map", "0:v:0", "-vsync", "passthrough", "-vf", filters, "-f", "rawvideo", "-pix_fmt")
    blends = row.alpha == "some"
    raw, told = run("-threads", "1", *before, "-i", str(path), *into, "rgba" if blends else "rgb24", "-")
    shown = np.frombuffer(raw, np.uint8).reshape(-1, *hw, 4 if blends else 3).astype(float)
    if blends:
        alpha = shown[..., 3:] / 255
        shown = shown[..., :3] * alpha + GREY * (1 - alpha)
    return shown, np.array([float(seconds) for seconds in re.findall(r"pts_time:\s*(-?[\d.]+)", told)])


def check(row: Row, path: Path) -> Frames:
    """Compare all frames, and two that are read alone; return what was read."""
    frames = read_frames(path, Selection(stride=1, frames=128))
    shown, times = decoded(row, path, frames.rgb.shape[1:3])
    assert len(frames.rgb) == len(shown)
    assert np.abs(frames.rgb - shown).mean() < row.levels
    assert frames.pts_seconds == pytest.approx(times - times[0], abs=SECONDS)
    for index in {len(shown) // 2, len(shown) - 1}:
        alone = read_frames(path, Selection(frame_indices=(index,)))
        assert (alone.rgb[0] == frames.rgb[index]).all()
    about_file = [said for said in (*frames.warnings, *frames.info.remarks) if path.name in said]
    assert [row.note in warning for warning in about_file] == ([] if row.note is None else [True])
    return frames


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_pictures_and_times_are_those_of_ffmpeg(row: Row, tmp_path: Path) -> None:
    path = tmp_path / f"clip.{row.container}"
    make(row, path)
    check(row, path)


def test_the_table_is_of_the_size_that_it_claims() -> None:
    names = [row.name for row in rows()]
    assert len(set(names)) == len(names) >= 200


@pytest.mark.parametrize("starts", [(0, 18_000), (0, 20), (20, 0), (0, 0), (3600, 0)])
@pytest.mark.parametrize(("container", "codec"), [("ts", "libx264"), ("vob", "mpeg2video")])
def test_joined_recordings_run_on(starts: tuple[int, int], container: str, codec: str, tmp_path: Path) -> None:
    joined = tmp_path / f"joined.{container}"
    with joined.open("wb") as file:
        for start in starts:
            options = f"-r 25 -c:v {codec} -pix_fmt yuv420p -bf 2 -output_ts_offset {start}"
            row = Row(name="part", container=container, options=options, rate="25")
            make(row, tmp_path / f"part.{container}")
            file.write((tmp_path / f"part.{container}").read_bytes())
    row = Row(name="joined", container=container, options="", note=JOINED, is_left=True, copies_times=False)
    frames = check(row, joined)
    assert frames.pts_seconds == pytest.approx(np.arange(2 * COUNT) / 25, abs=SECONDS)


def test_a_long_gap_that_is_no_jump_stays(tmp_path: Path) -> None:
    path = tmp_path / "slides.ts"
    make(Row(name="slides", container="ts", options=H264, rate="1/20"), path)
    frames = read_frames(path, Selection(stride=1))
    assert frames.pts_seconds == pytest.approx(np.arange(COUNT) * 20.0)
    assert not [said for said in (*frames.warnings, *frames.info.remarks) if path.name in said]
