"""Measure what a survey costs, and whether its workers keep pace with a plain loop over sessions.

    python benchmarks/survey.py [clips]

The default network, and it with a second one beside it, on samples that are listed again and again. Prints Markdown
tables. First, time on the wall of 1 and 2 workers, against as many processes that loop over sessions, measured in
turn: it wants a quiet machine of two cores or more. Then processor time, memory and disk, with what a million clips
come to; a busy machine says nearly the same. What comes before the first clips are done, the start and the first run
of a size, is left out everywhere.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from itertools import cycle, islice, pairwise
from pathlib import Path

import psutil
import torch

from nonlocal_core import Session, prepare_model
from nonlocal_core.survey import LocalEngine, Pace, survey
from nonlocal_core.survey.clip_rows import clip_rows
from nonlocal_core.survey.local import ONE_THREAD

CLIPS = 16
ROUNDS = 3
WORKERS = (1, 2)
WARM = 2
"""Clips of each process that are left out."""
SAMPLES = ("sample:bikes", "sample:bunny")
MODELS = ("lite0-embedded-gaussian", "lite0-dot-product")
MILLION = 1_000_000


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else CLIPS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = copies(folder, max(count, WORKERS[-1] * (WARM + 1)))
        print(f"{date.today()}, {torch.get_num_threads()} threads offered, 1 taken a process, {len(clips)} clips\n")
        pace(folder, clips, ROUNDS if count >= CLIPS else 1)
        costs(folder, clips)


def pace(folder: Path, clips: list[str], rounds: int) -> None:
    """Print clips a second on the wall: workers against processes, and two workers against one."""
    found: dict[tuple[str, int], list[float]] = {}
    for turn in range(rounds):
        for workers in WORKERS:
            out = folder / f"pace{turn}-{workers}"
            ways = {
                "survey": partial(surveyed_pace, out, clips, workers),
                "loop": partial(loop_pace, clips, workers),
            }
            for way in list(ways)[:: -1 if turn % 2 else 1]:  # whoever comes second finds files in memory
                found.setdefault((way, workers), []).append(ways[way]())
    print("### A survey against a plain loop, time on the wall\n")
    print("| what | survey, seconds a clip | the other, seconds a clip | ratio |")
    print("|---|---|---|---|")
    for workers in WORKERS:
        title = f"{workers} worker{'s' * (workers > 1)} against as many processes in a loop"
        print(ratio_line(title, found["survey", workers], found["loop", workers]))
    print(
        ratio_line(
            f"{WORKERS[1]} workers against {WORKERS[0]}", found["survey", WORKERS[1]], found["survey", WORKERS[0]]
        )
    )
    print()


def ratio_line(title: str, ours: list[float], other: list[float]) -> str:
    """Row of a table from clips a second of turns: medians as seconds, and the median of the ratios."""
    ratios = sorted(a / b for a, b in zip(ours, other, strict=True))
    seconds = [f"{1 / statistics.median(of):.2f}" for of in (ours, other)]
    return (
        f"| {title} | {seconds[0]} | {seconds[1]} | "
        f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) |"
    )


def surveyed_pace(out: Path, clips: list[str], workers: int) -> float:
    """Clips per second of a survey by ``workers`` workers."""
    ends: list[float] = []
    look: Callable[[Pace], None] = lambda pace: ends.append(pace.seconds)  # noqa: E731
    survey(clips, out, models=MODELS[:1], engine=LocalEngine(workers=workers), progress=look)
    return steady(ends, workers)


def loop_pace(clips: list[str], processes: int) -> float:
    """Clips per second of ``processes`` processes that each loop over their part of the clips."""
    started = time.time()
    ends = [len(clips) * n // processes for n in range(processes + 1)]  # every n-th would be one sample each
    parts = [clips[start:end] for start, end in pairwise(ends)]
    commands = [[sys.executable, __file__, "--loop", MODELS[0], *part] for part in parts]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | ONE_THREAD)
        for command in commands
    ]
    told = [process.communicate()[0].split() for process in running]
    return steady(sorted(float(moment) - started for _, *moments in told for moment in moments), processes)


def steady(ends: list[float], processes: int) -> float:
    """Clips per second from the moments at which clips ended, behind those that each process began with."""
    left_out = WARM * processes - 1
    return (len(ends) - 1 - left_out) / (ends[-1] - ends[left_out])


def costs(folder: Path, clips: list[str]) -> None:
    """Print what a clip takes of the processor, the memory and the disk."""
    print("### What a clip costs\n")
    head = (
        "networks",
        "core s a clip",
        "in a plain loop",
        "peak MB of a worker",
        "of its decoder",
        "kB of rows a clip",
    )
    print(f"| {' | '.join(head)} |")
    print("|---|---|---|---|---|---|")
    found = []
    for models in (MODELS[:1], MODELS):
        seconds, worker, decoder, size = surveyed(folder / f"out{len(models)}", clips, models)
        found.append((len(models), seconds, size))
        cells = (f"{seconds:.2f}", f"{plain(clips, models):.2f}", *(f"{of / 1e6:.0f}" for of in (worker, decoder)))
        print(f"| {len(models)} | {' | '.join(cells)} | {size / 1e3:.0f} |")
        sys.stdout.flush()
    for networks, seconds, size in found:
        hours, disk = MILLION * seconds / 3600, MILLION * size / 1e9
        print(f"\nA million clips and {networks} network(s): {hours:,.0f} hours of one core, {disk:,.0f} GB of rows.")


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
    return (taken[-1] - taken[WARM - 1]) / (len(clips) - WARM), *peaks, size / len(clips)


def plain(clips: list[str], models: tuple[str, ...]) -> float:
    """Processor seconds a clip of a loop over sessions in one process."""
    command = [sys.executable, __file__, "--loop", ",".join(models), *clips]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | ONE_THREAD)
    return float(done.stdout.split()[0])


def loop(models: list[str], clips: list[str]) -> None:
    """Print processor seconds a clip, and the moments at which the clips ended."""
    torch.set_num_threads(1)
    networks, started, ends = [prepare_model(model) for model in models], 0.0, []
    for place, clip in enumerate(clips):
        for network in networks:
            clip_rows(Session.open(clip, network), place=place, clip=clip)
        ends.append(time.time())
        if place == WARM - 1:
            started = time.process_time()
    print((time.process_time() - started) / max(len(clips) - WARM, 1), *ends)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--loop"]:
        loop(sys.argv[2].split(","), sys.argv[3:])
    else:
        main()
