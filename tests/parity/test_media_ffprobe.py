"""The media room against another program: ffprobe's sizes, times and counts, and ffmpeg's pixels.

The files are extra cases that lie beside the product; the proof is in tests/unit/test_media_*.py.
"""

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from nonlocal_core.errors import MediaError
from nonlocal_core.media import MediaInfo, Selection, probe, read_frames

MEDIA = Path(__file__).parents[2].parent / "shared" / "media"

needs_media = pytest.mark.skipif(not MEDIA.is_dir(), reason=f"the folder of extra media, {MEDIA.name}, is not here")
needs_ffmpeg = pytest.mark.skipif(
    not (shutil.which("ffprobe") and shutil.which("ffmpeg")), reason="ffmpeg is not installed"
)

ROBUST: dict[str, tuple[str, str, tuple[int, int], int]] = {  # kind, codec, shown (H, W), frames
    "anim.gif": ("animation", "gif", (96, 128), 16),
    "anim.png": ("animation", "png", (72, 96), 10),
    "anim.webp": ("animation", "webp", (120, 160), 16),
    "decord_corrupted.mp4": ("video", "h264", (720, 1280), 49),
    "decord_video_180.mov": ("video", "h264", (320, 568), 3),
    "decord_video_270.mov": ("video", "h264", (568, 320), 3),
    "decord_video_90.mov": ("video", "h264", (568, 320), 3),
    "gray.mp4": ("video", "h264", (240, 320), 60),
    "mjpeg.avi": ("video", "mjpeg", (120, 160), 20),
    "mpeg2_interlaced.mpg": ("video", "mpeg2video", (240, 320), 60),
    "mpy_no_duration.webm": ("video", "vp9", (720, 1280), 74),
    "mpy_transparent.webm": ("video", "vp9", (200, 200), 150),
    "odd_161x121.mkv": ("video", "h264", (121, 161), 60),
    "one_frame.mp4": ("video", "h264", (240, 320), 1),
    "sar_anamorphic.mp4": ("video", "h264", (240, 320), 60),
    "tc_av1_video.mkv": ("video", "av1", (360, 640), 125),
    "tc_h264_10bits.mp4": ("video", "h264", (200, 200), 30),
    "tc_h265_10bits.mp4": ("video", "hevc", (200, 200), 30),
    "tenbit_vp9.webm": ("video", "vp9", (120, 160), 60),
    "truncated_60kB.mp4": ("video", "h264", (240, 320), 15),
    "truncated_faststart.mp4": ("video", "h264", (240, 320), 27),
    "vfr.mp4": ("video", "h264", (240, 320), 40),
}
REFUSED = {
    "audio_only.m4a": "holds no video",
    "empty.mp4": "is empty: it has 0 bytes",
    "not_a_video.mp4": "is text, not a picture or a video",
    "truncated_no_moov.mp4": "cannot be opened as a video",
}
WARNED = {
    "decord_corrupted.mp4": ("does not say how it codes its colours", "is damaged"),
    "mpy_transparent.webm": ("is transparent in places",),
    "truncated_60kB.mp4": ("is cut short",),
    "truncated_faststart.mp4": ("is cut short", "is damaged"),
}
SPOILT = ("decord_corrupted.mp4", "truncated_60kB.mp4", "truncated_faststart.mp4")
SOUND = [name for name, facts in ROBUST.items() if facts[0] == "video" and name not in SPOILT]
LUMA = np.array([0.299, 0.587, 0.114])
MEAN_LEVELS = 0.5  # of 255; measured worst 0.34, of a test card in 10 bits

CLIPS = (
    "iio_cockatoo.mp4",
    "intel_asl_book.mkv",
    "intel_bottle.mp4",
    "intel_car.mp4",
    "mdn_rabbit320.webm",
    "ocv_cup_6s.mp4",
    "sam2_01_dog.mp4",
    "skv_carphone_pristine.mp4",
    "tc_nasa_13013.mp4",
)


def ffprobe(path: Path, what: Literal["frame", "packet"]) -> dict[str, list[dict[str, str]]]:
    """Return what ffprobe says of the first video stream, and of each decoded frame or each packet."""
    entries = f"stream=avg_frame_rate:{what}=best_effort_timestamp_time,pts_time"
    command = ["ffprobe", "-v", "quiet", "-select_streams", "v:0", "-show_entries", entries, "-of", "json", str(path)]
    return json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)


def frame_times(path: Path) -> np.ndarray:
    """Return the time of each frame that ffprobe decodes; NaN where it finds none (the first of an MPEG stream)."""
    frames = ffprobe(path, "frame")["frames"]
    return np.array([float(frame.get("best_effort_timestamp_time", "nan")) for frame in frames])


def packet_times(path: Path) -> np.ndarray:
    """Return the times of the packets in the order of showing: faster than decoding, and as good for whole files."""
    return np.sort([float(packet["pts_time"]) for packet in ffprobe(path, "packet")["packets"]])


def ffmpeg_frames(path: Path, hw: tuple[int, int], indices: list[int]) -> np.ndarray:
    """Return frames as ffmpeg shows them: turned by itself, with square pixels."""
    chosen = "+".join(f"eq(n\\,{index})" for index in indices)
    scale = f"scale={hw[1]}:{hw[0]}:flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
    command = ["ffmpeg", "-v", "quiet", "-i", str(path), "-map", "0:v:0", "-vf", f"select={chosen},{scale}"]
    command += ["-vsync", "0", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, *hw, 3)


def check_against_ffprobe(path: Path, times: np.ndarray) -> None:
    info = probe(path)
    assert info.frame_count == len(times)
    assert info.rate == Fraction(ffprobe(path, "packet")["streams"][0]["avg_frame_rate"])
    indices = np.linspace(0, len(times) - 1, min(9, len(times))).astype(int)
    frames = read_frames(path, Selection(frame_indices=tuple(indices.tolist())))
    apart = (times - times[0] if np.isfinite(times[0]) else times - times[1] + 1 / float(info.rate))[indices]
    known = np.isfinite(apart)
    assert known.sum() >= len(apart) - 1
    assert frames.pts_seconds[known] == pytest.approx(apart[known], abs=2e-6)


@needs_media
@pytest.mark.parametrize("name", ROBUST)
def test_every_robust_file_opens_rightly(name: str) -> None:
    kind, codec, shown_hw, count = ROBUST[name]
    path = MEDIA / "robust" / name
    info = probe(path)
    assert isinstance(info, MediaInfo)
    assert (info.kind, info.codec, info.shown_hw) == (kind, codec, shown_hw)
    assert info.byte_count == path.stat().st_size
    frames = read_frames(path, Selection(stride=1, frames=128))
    assert frames.info.frame_count == count
    assert len(frames.rgb) == min(count, 128)
    warned = [said for said in (*frames.info.warnings, *frames.info.remarks) if name in said]
    assert [any(part in warning for warning in warned) for part in WARNED.get(name, ())] == [True] * len(warned)


@needs_media
@pytest.mark.parametrize("name", REFUSED)
def test_every_other_robust_file_is_refused_rightly(name: str) -> None:
    for ask in (probe, lambda path: read_frames(path, Selection())):
        with pytest.raises(MediaError, match=f"{name} {REFUSED[name]}"):
            ask(MEDIA / "robust" / name)


@needs_media
def test_the_tables_name_every_robust_file() -> None:
    assert {path.name for path in (MEDIA / "robust").iterdir()} == {*ROBUST, *REFUSED}


@needs_media
@needs_ffmpeg
@pytest.mark.parametrize("name", SOUND)
def test_robust_times_and_counts_are_those_of_ffprobe(name: str) -> None:
    check_against_ffprobe(MEDIA / "robust" / name, frame_times(MEDIA / "robust" / name))


@needs_media
@needs_ffmpeg
@pytest.mark.parametrize("name", CLIPS)
def test_times_and_counts_of_the_clips_are_those_of_ffprobe(name: str) -> None:
    check_against_ffprobe(MEDIA / name, packet_times(MEDIA / name))


@needs_media
@needs_ffmpeg
@pytest.mark.parametrize("name", [name for name in SOUND if name != "mpy_transparent.webm"])
def test_pixels_are_those_of_ffmpeg(name: str) -> None:
    path = MEDIA / "robust" / name
    last = ROBUST[name][3] - 1
    indices = sorted({0, last // 3, last})
    frames = read_frames(path, Selection(frame_indices=tuple(indices)), max_side=2000)
    oracle = ffmpeg_frames(path, ROBUST[name][2], indices)
    # In brightness: two versions of libswscale place colour differently along sharp edges.
    difference = np.abs((frames.rgb - oracle.astype(float)) @ LUMA)
    assert difference.mean() < MEAN_LEVELS


@needs_media
@needs_ffmpeg
def test_animations_of_gif_have_the_times_of_ffprobe() -> None:
    for path in (MEDIA / "robust" / "anim.gif", MEDIA / "iio_newtonscradle.gif"):
        times = frame_times(path)
        frames = read_frames(path, Selection(stride=1, frames=128))
        assert frames.pts_seconds == pytest.approx(times - times[0], abs=1e-6)
