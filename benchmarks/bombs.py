"""Measure what small files made to be expensive cost, and how long another visitor waits meanwhile for a first heat.

    python benchmarks/bombs.py                # processor time, memory and answer of each
    python benchmarks/bombs.py MP4 TIFF       # of those with such names
    python benchmarks/bombs.py --beside 6 JPEG   # six visits to a server, each alone and beside each of these

Every file weighs less than a megabyte. It is opened as the app opens an upload: a clip in the process that reads for
visitors, a checkpoint and a saved page in the server, for which a new process stands here. Each is measured from
outside, in a process of its own. Prints Markdown.

Where a file is read in the end, its visitor's network run comes before or after that of the visit beside it, as that of
any visitor does: one run is what the visit then waits for.
"""

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from figures import peak_growth, ratio
from serving import app_server

from nonlocal_core.errors import NonlocalError

sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / "builders")]  # where the files are made

MOST_BYTES, MOST_SECONDS, MOST_MEGABYTES, MOST_DELAY = 1_000_000, 10.0, 700.0, 1.0
"""Bar for a small file: its bytes, and its cost in processor time, memory and the waiting of another visitor."""
HEAD_START_SECONDS = 0.4
"""Seconds from the moment that a file was sent to the visit beside it: its process has begun to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Cost of opening one file, and the answer."""

    cpu_seconds: float
    wall_seconds: float
    megabytes: float
    answer: str


def open_clip(data: bytes) -> str:
    """Read frames in the process for uploads."""
    from nonlocal_core.app.server.clips import read
    from nonlocal_core.media import Selection

    return f"frames {read(data, Selection(frames=8), name='it').rgb.shape}"


def open_checkpoint(data: bytes) -> str:
    """Open a network."""
    from nonlocal_core.app.server.known_networks import open_file

    return open_file(data, "it.pth", None)


def open_page(data: bytes) -> str:
    """Open the bundle of a saved page."""
    from nonlocal_core.bundle import decode_bundle
    from nonlocal_core.viewer import bundle_of_page

    return f"{len(decode_bundle(bundle_of_page(data)).blocks)} blocks"


DOORS: dict[str, Callable[[bytes], str]] = {"clip": open_clip, "checkpoint": open_checkpoint, "page": open_page}
"""Ways in which a file of a visitor is opened; a clip's is a process of its own."""


@cache
def files() -> Mapping[str, tuple[str, Callable[[], bytes]]]:
    """Return the door and the maker of every file, by its name."""
    from bomb_pictures import PICTURES
    from bomb_videos import VIDEOS
    from bomb_weights import CHECKPOINTS, PAGES

    doors = {"clip": {**PICTURES, **VIDEOS}, "checkpoint": CHECKPOINTS, "page": PAGES}
    return {title: (door, make) for door, makers in doors.items() for title, make in makers.items()}


def measure_here(door: str) -> None:
    """Open what comes in, and print its cost as JSON."""
    whose = resource.RUSAGE_CHILDREN if door == "clip" else resource.RUSAGE_SELF
    answers = [answer_of(door, b"no file of any kind")]  # loads what every file needs
    data, before = sys.stdin.buffer.read(), _seconds(resource.getrusage(whose))
    began = time.perf_counter()
    grown = peak_growth(lambda: answers.append(answer_of(door, data)))
    wall, usage = time.perf_counter() - began, resource.getrusage(whose)
    megabytes = usage.ru_maxrss * 1024 / 1e6 if door == "clip" else grown
    print(json.dumps({"cpu": _seconds(usage) - before, "wall": wall, "megabytes": megabytes, "answer": answers[-1]}))


def answer_of(door: str, data: bytes) -> str:
    """Return the answer to a file, or the sentence that refuses it."""
    try:
        return DOORS[door](data)
    except NonlocalError as error:
        return str(error)


def _seconds(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


def measured(door: str, data: bytes) -> Cost:
    """Return the cost of one file, measured in a process of its own."""
    done = subprocess.run([sys.executable, __file__, "--here", door], input=data, capture_output=True, check=True)
    told = json.loads(done.stdout)
    return Cost(
        cpu_seconds=told["cpu"], wall_seconds=told["wall"], megabytes=told["megabytes"], answer=str(told["answer"])
    )


def costs_of(titles: Sequence[str]) -> bool:
    """Print the cost of each file; return whether all stay within the bar."""
    print("| file | bytes | processor, s | memory, MB | seconds | answer |\n|---|---|---|---|---|---|")
    good = True
    for title in titles:
        door, make = files()[title]
        data = make()
        cost = measured(door, data)
        is_over = len(data) > MOST_BYTES or cost.cpu_seconds > MOST_SECONDS or cost.megabytes > MOST_MEGABYTES
        good = good and not is_over
        print(
            f"| {title} | {len(data):,} | {cost.cpu_seconds:.1f} | {cost.megabytes:.0f} | {cost.wall_seconds:.1f} "
            f"| {'**over** ' if is_over else ''}{cost.answer[:110]} |",
            flush=True,
        )
    return good


async def first_heat(address: str, number: int) -> float:
    """Return the seconds that a visitor waits for the first heat of a clip that nobody asked for before."""
    from crowd import arriving  # not above: what a process weighs when it starts another one is counted with it

    began = time.perf_counter()
    async with arriving(address) as visitor:
        await visitor.run(f"clip=sample:bunny&start_seconds={number / 100:.2f}")
        await visitor.answer("")
        return time.perf_counter() - began


async def delays(address: str, titles: Sequence[str], times: int) -> None:
    """Print how long a visitor waits for a first heat, alone and while another's file is opened, in turn."""
    from crowd import arriving, send_clip

    number = 0
    await first_heat(address, number)
    print("| beside | alone, s | beside it, s | longer by, s | ratio |\n|---|---|---|---|---|")
    for title in titles:
        data = files()[title][1]()
        alone, beside = [], []
        for turn in range(times):
            alone.append(await first_heat(address, number := number + 1))
            async with arriving(address) as sender:
                await sender.run("")
                await sender.answer("")
                await send_clip(sender, "", f"bomb-{turn}", data + bytes(turn))  # other bytes: nothing is remembered
                await asyncio.sleep(HEAD_START_SECONDS)
                beside.append(await first_heat(address, number := number + 1))
        longer = statistics.median(b - a for a, b in zip(alone, beside, strict=True))
        print(
            f"| {title} | {statistics.median(alone):.2f} | {statistics.median(beside):.2f} "
            f"| {'**over** ' if longer > MOST_DELAY else ''}{longer:.2f} | {ratio(beside, alone)} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="letters that a file's name begins with (all)")
    parser.add_argument("--beside", type=int, metavar="TIMES", help="measure another visitor's first heat")
    parser.add_argument("--here", choices=DOORS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        measure_here(options.here)
        return
    titles = [title for title in files() if not options.names or title.startswith(tuple(options.names))]
    if not options.beside:
        sys.exit(not costs_of(titles))
    clips = [title for title in titles if files()[title][0] == "clip"]
    command = [Path(sys.executable).with_name("nonlocal-viewer")]
    with tempfile.TemporaryDirectory() as folder, app_server(Path(folder) / "log.txt", command=command) as address:
        asyncio.run(delays(address, clips, options.beside))


if __name__ == "__main__":
    main()
