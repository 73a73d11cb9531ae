"""Measure what recording costs: one forward pass with and without it, interleaved, and the time of one question.

    python benchmarks/capture.py [rounds]

Prints a Markdown table of medians; ratios are of pairs from the same round.
"""

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date

import torch
from figures import ratio

from nonlocal_core import Session, list_models, prepare_model
from nonlocal_core.capture import recording
from nonlocal_core.geometry import ViewTransform

ROUNDS = 7
FRAMES, SIDE = 8, 224
QUESTIONS = 50


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    print(f"torch {torch.__version__}, {platform.machine()}, {os.cpu_count()} cores, {date.today()}.\n")
    print(f"| network, {FRAMES} x {SIDE} x {SIDE} | forward | forward, recorded | ratio |")
    print("|---|---|---|---|")
    for card in list_models():
        plain, recorded = _passes(card.id, rounds)
        medians = f"{statistics.median(plain):.2f} s | {statistics.median(recorded):.2f} s"
        print(f"| {card.id} | {medians} | {ratio(recorded, plain)} |", flush=True)
    session = Session.open("sample:bunny")
    keys, channels = session.block().phi.shape
    print(
        f"\nOne row, {keys} keys of {channels} channels: {1000 * _row_seconds(session):.1f} ms, median of {QUESTIONS}."
    )


def _passes(model: str, rounds: int) -> tuple[list[float], list[float]]:
    network = prepare_model(model).network
    clip = torch.randn(1, 3, FRAMES, SIDE, SIDE)
    view = ViewTransform(shown_hw=(SIDE, SIDE), input_hw=(SIDE, SIDE))

    def forward() -> None:
        with torch.inference_mode():
            network(clip)

    def recorded() -> None:
        with recording(view=view, clip_frames=FRAMES):
            forward()

    forward()
    pairs = [(_seconds(forward), _seconds(recorded)) for _ in range(rounds)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _row_seconds(session: Session) -> float:
    def ask(i: int) -> None:
        session.query(frame=i % FRAMES, x=0.3, y=i / QUESTIONS)

    return statistics.median(_seconds(lambda i=i: ask(i)) for i in range(QUESTIONS))


if __name__ == "__main__":
    main()
