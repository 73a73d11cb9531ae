"""Measure what recording costs: one forward pass with and without it, interleaved, and the time of one question.

    python benchmarks/capture.py [rounds]

Prints Markdown tables of medians; ratios are of pairs from the same round. The block that joins both layers is shown
and gives nothing to the network, whose forward pass therefore never computes its theta and phi: the last column has
the recording without them.
"""

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date

import numpy as np
import torch
from figures import ratio

from nonlocal_core import Session, list_models, prepare_model
from nonlocal_core.capture import recording
from nonlocal_core.geometry import ViewTransform

ROUNDS = 15
FRAMES, SIDE = 8, 224
QUESTIONS = 50


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    print(f"torch {torch.__version__}, {platform.machine()}, {os.cpu_count()} cores, {date.today()}.\n")
    print("### Recording over the forward pass of each shipped network\n")
    print(
        f"| network, {FRAMES} x {SIDE} x {SIDE} | forward | forward, recorded | recorded / forward | without `joint` |"
    )
    print("|---|---|---|---|---|")
    for card in list_models():
        plain, recorded, joint = _passes(card.id, rounds)
        medians = f"{statistics.median(plain):.2f} s | {statistics.median(recorded):.2f} s"
        alone = [whole - part for whole, part in zip(recorded, joint, strict=True)]
        print(f"| {card.id} | {medians} | {ratio(recorded, plain)} | {ratio(alone, plain)} |", flush=True)
    session = Session.open("sample:bunny")
    keys, channels = session.block().phi.shape
    p50, p95 = np.percentile([_seconds(lambda i=i: _ask(session, i)) for i in range(QUESTIONS)], [50, 95])
    print("\n### One question\n\n| keys | channels | p50 | p95 |\n|---|---|---|---|")
    print(f"| {keys} | {channels} | {1000 * p50:.1f} ms | {1000 * p95:.1f} ms |")


def _passes(model: str, rounds: int) -> tuple[list[float], list[float], list[float]]:
    """Return the seconds of forward passes, of recorded ones, and of the joining block's theta and phi alone."""
    network = prepare_model(model).network
    clip = torch.randn(1, 3, FRAMES, SIDE, SIDE)
    view = ViewTransform(shown_hw=(SIDE, SIDE), input_hw=(SIDE, SIDE))
    seen: list[torch.Tensor] = []
    hook = network.joint.register_forward_hook(lambda _module, args, _output: seen.append(args[0]))

    def forward() -> None:
        with torch.inference_mode():
            network(clip)

    def recorded() -> None:
        with recording(view=view, clip_frames=FRAMES):
            forward()

    def joint() -> None:
        with torch.inference_mode():
            network.joint.embed(seen[0])

    forward()
    hook.remove()
    recorded()  # proves every query, once for all runs of this size
    rows = [(_seconds(forward), _seconds(recorded), _seconds(joint)) for _ in range(rounds)]
    plain, whole, part = (list(column) for column in zip(*rows, strict=True))
    return plain, whole, part


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _ask(session: Session, number: int) -> None:
    session.query(frame=number % FRAMES, x=0.3, y=number / QUESTIONS)


if __name__ == "__main__":
    main()
