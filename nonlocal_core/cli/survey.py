"""``survey``: every clip of a data set, as rows of figures."""

import argparse
import sys
from pathlib import Path
from typing import Any

from nonlocal_core.media import Selection


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument(
        "clips", help="a folder, a text file with an address in each line, or a Parquet file; also at an fsspec address"
    )
    parser.add_argument("--column", default="path", help="of a Parquet file, that holds the addresses (path)")
    parser.add_argument(
        "--model", action="append", help="an id from `models`; repeatable: all see the same decoded frames"
    )
    parser.add_argument("--frames", type=int, help="how many frames of each clip (8)")
    parser.add_argument("--stride", type=int, help="take every n-th frame; left out, they are spread over the clip")
    parser.add_argument("--start", type=float, metavar="SECONDS", help="where to begin")
    parser.add_argument("--short-side", type=int, metavar="PIXELS", help="of the network's input")
    parser.add_argument(
        "--index", metavar="BLOCK", help="keep the keys of this block, for `ask`; first: the block that is shown first"
    )
    parser.add_argument(
        "--tables",
        metavar="CONDITION",
        help='keep theta and phi of the clips whose row fulfils it, such as "own_frame_share < 0.3 and places > 50"',
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="a new folder, or that of the same survey, which then goes on"
    )
    parser.add_argument("--engine", choices=["local", "ray"], help="local: processes of this machine, without Ray")
    parser.add_argument(
        "--ray-address", metavar="ADDRESS", help="of a Ray cluster; auto: the one that this machine belongs to"
    )
    parser.add_argument("--workers", type=int, help="that run networks at once; left out, one on each core or GPU")


def run(options: argparse.Namespace) -> None:
    """Survey, keep the tables that are wanted, and print the folder and the failures."""
    from nonlocal_core.survey import LocalEngine, RayEngine, choose, clip_list, keep_tables, read_rows, survey
    from nonlocal_core.survey.condition import condition

    on_ray = options.engine == "ray" or (options.engine is None and options.ray_address is not None)
    workers = options.workers
    engine = RayEngine(address=options.ray_address, workers=workers) if on_ray else LocalEngine(workers=workers)
    if options.tables is not None:
        condition(options.tables)  # a slip is told before the survey, not after it
    folder = survey(
        clip_list(options.clips, column=options.column),
        options.out,
        models=options.model or ["default"],
        frames=Selection(frames=options.frames, stride=options.stride, start_seconds=options.start),
        short_side=options.short_side,
        index=options.index,
        engine=engine,
        progress=_tell,
    )
    failed = sorted({(row["clip"], row["reason"]) for row in _failed(read_rows(folder.path, ["clip", "reason"]))})
    for clip, reason in failed:
        print(f"{clip}: {reason}")
    print(f"{folder.count - len({clip for clip, _ in failed}):,} of {folder.count:,} clips have figures: {folder.path}")
    if options.tables is not None:
        choice = choose(folder.path, options.tables)
        print(choice.sentence, flush=True)
        for clip, reason in keep_tables(choice, engine=engine, progress=_tell).items():
            print(f"{clip}: {reason}")


def _failed(table: Any) -> list[dict[str, str]]:
    return [row for row in table.to_pylist() if row["reason"] is not None]


def _tell(pace: Any) -> None:
    """Rewrite one line on a terminal; stay silent in a pipe."""
    if sys.stderr.isatty():
        end = "\n" if pace.done == pace.count else ""
        print(f"\r{pace.sentence:78}", end=end, file=sys.stderr, flush=True)
