"""Measure what a survey costs: a clip's processor time, memory and disk, against a plain loop over sessions.

    python benchmarks/survey.py [clips]

The default network, and it with a second one beside it, on samples that are listed again and again. Processor time is
counted, not time on the wall, so a busy machine says nearly the same; the first clip, which pays for the start and
for the first run of its size, is left out. Prints a Markdown table, and what a million clips come to.
"""

import subprocess
import sys
import tempfile
import time
from datetime import date
from itertools import cycle, islice
from pathlib import Path

import psutil
import torch

from nonlocal_core import Session, prepare_model
from nonlocal_core.survey import LocalEngine, survey
from nonlocal_core.survey.clip_rows import clip_rows

CLIPS = 12
SAMPLES = ("sample:bikes", "sample:bunny")
MODELS = ("lite0-embedded-gaussian", "lite0-dot-product")
MILLION = 1_000_000


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else CLIPS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = copies(folder, count)
        print(f"{date.today()}, {torch.get_num_threads()} threads offered, 1 taken a process, {count} clips\n")
        print(
            "| networks | core s a clip | in a plain loop | peak MB of a worker | of its decoder | kB of rows a clip |"
        )
        print("|---|---|---|---|---|---|")
        for models in (MODELS[:1], MODELS):
            seconds, worker, decoder, size = surveyed(folder / f"out{len(models)}", clips, models)
            loop = plain(clips, models)
            print(
                f"| {len(models)} | {seconds:.2f} | {loop:.2f} | {worker / 1e6:.0f} | {decoder / 1e6:.0f} | "
                f"{size / 1e3:.0f} |"
            )
            sys.stdout.flush()
            hours, disk = MILLION * seconds / 3600, MILLION * size / 1e9
            print(f"\nA million clips: {hours:,.0f} hours of one core, {disk:,.0f} GB of rows.\n")


def copies(folder: Path, count: int) -> list[str]:
    """Files of the samples under names of their own, so that they are decoded as files are."""
    from nonlocal_core import find_sample

    paths = [find_sample(sample.partition(":")[2]).open() for sample in SAMPLES]
    made = []
    for place, source in enumerate(islice(cycle(paths), count)):
        assert isinstance(source, Path)
        copy = folder / f"{place}{source.suffix}"
        copy.write_bytes(source.read_bytes())
        made.append(str(copy))
    return made


def surveyed(out: Path, clips: list[str], models: tuple[str, ...]) -> tuple[float, int, int, float]:
    """Processor seconds a clip of a worker and its decoder, the peaks of both, bytes of rows a clip."""
    taken, peaks = [], [0, 0]

    def look(_pace: object) -> None:
        total = 0.0
        for process in psutil.Process().children(recursive=True):
            times, place = process.cpu_times(), int("apart_child" in " ".join(process.cmdline()))
            total += times.user + times.system
            peaks[place] = max(peaks[place], process.memory_info().rss)
        taken.append(total)

    survey(clips, out, models=models, engine=LocalEngine(workers=1), progress=look)
    size = sum(file.stat().st_size for file in (out / "rows").iterdir())
    return (taken[-1] - taken[1]) / (len(clips) - 2), *peaks, size / len(clips)


def plain(clips: list[str], models: tuple[str, ...]) -> float:
    """Processor seconds a clip of a loop over sessions in one process."""
    command = [sys.executable, __file__, "--loop", ",".join(models), *clips]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def loop(models: list[str], clips: list[str]) -> None:
    torch.set_num_threads(1)
    networks, started = [prepare_model(model) for model in models], 0.0
    for place, clip in enumerate(clips):
        for network in networks:
            clip_rows(Session.open(clip, network), place=place, clip=clip)
        if place == 1:
            started = time.process_time()
    print((time.process_time() - started) / (len(clips) - 2))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--loop"]:
        loop(sys.argv[2].split(","), sys.argv[3:])
    else:
        main()
