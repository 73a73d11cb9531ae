"""Measure long clips: eight frames out of an hour of 1080p beside decord, and 256 frames from file to answer.

    pip install -e '.[peers]'
    python benchmarks/long_clips.py [seconds of the film]

The hour is ten seconds of a moving test picture, encoded once (H.264, a key frame every two seconds) and joined to
itself without encoding again, so it costs half a minute to make. Both readers return the frames nearest to the same
times, each in a process of its own; ours also hashes the whole file, turns the colours into sRGB and scales to
1,024 pixels. torchcodec finds its libraries with few builds of torch only, so decord stands for both. Prints Markdown.
"""

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from figures import ratio

FILM_SECONDS, PART_SECONDS, RATE = 3_600, 10, 25
FRAMES, ROUNDS = 8, 3
MANY = 256
PART = f"testsrc2=size=1920x1080:rate={RATE}:duration={PART_SECONDS}"
OURS = f"""
from nonlocal_core.media import Limits, Selection, read_frames
frames = read_frames(path, Selection(frames={FRAMES}), limits=Limits(max_decoded_pixels=10**12))
print(frames.rgb.shape)
"""
DECORD = f"""
import decord
film = decord.VideoReader(str(path))
last = len(film) - 1
print(film.get_batch([round(i * last / ({FRAMES} - 1)) for i in range({FRAMES})]).asnumpy().shape)
"""
ANSWER = f"""
from nonlocal_core import Limits, Session
session = Session.open(path, "lite0-parameter-free", frames={MANY}, limits=Limits(max_frames={MANY}))
row = session.query(frame={MANY // 2}, x=0.5, y=0.5)
print(session.frames.rgb.shape, row.heat.shape)
"""


def main() -> None:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else FILM_SECONDS
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        part, film = Path(folder) / "part.mp4", Path(folder) / "film.mp4"
        options = ("-c:v", "libx264", "-preset", "ultrafast", "-g", str(2 * RATE), "-pix_fmt", "yuv420p", "-b:v", "3M")
        ffmpeg("-f", "lavfi", "-i", PART, *options, part)
        ffmpeg("-stream_loop", str(seconds // PART_SECONDS - 1), "-i", part, "-c", "copy", film)
        rows = [(run(OURS, film), run(DECORD, film)) for _ in range(ROUNDS)]
        ours, theirs = ([each[side] for each in rows] for side in (0, 1))
        print(f"### {FRAMES} frames of {seconds} s of 1080p, {film.stat().st_size / 1e6:.0f} MB\n")
        print("| reader | seconds | peak MB | peer / ours |\n|---|---|---|---|")
        took = [[each.seconds for each in runs] for runs in (ours, theirs)]
        print(f"| ours | {median(took[0]):.2f} | {median(each.peak_mb for each in ours):.0f} | |")
        peak = median(each.peak_mb for each in theirs)
        print(f"| decord | {median(took[1]):.2f} | {peak:.0f} | {ratio(took[1], took[0])} |\n")
        print(f"### {MANY} frames from file to answer\n\n| clip | seconds | peak MB |\n|---|---|---|")
        small = Path(folder) / "small.mp4"
        ffmpeg("-f", "lavfi", "-i", f"testsrc2=size=640x360:rate={RATE}:duration=12", *options, small)
        whole = run(ANSWER, small)
        print(f"| 640 x 360, `lite0-parameter-free`, start included | {whole.seconds:.1f} | {whole.peak_mb:.0f} |")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One process: its seconds, the start of Python included, and the most memory that it held."""

    seconds: float
    peak_mb: float


def run(script: str, clip: Path) -> Run:
    """Run a script with ``path`` set in a process of its own."""
    begun = time.perf_counter()
    code = f"from pathlib import Path\npath = Path({str(clip)!r})\n{script}\nimport resource\n" + (
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return Run(seconds=time.perf_counter() - begun, peak_mb=int(done.stdout.split()[-1]) / 1024)


def ffmpeg(*arguments: str | Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True)


if __name__ == "__main__":
    main()
