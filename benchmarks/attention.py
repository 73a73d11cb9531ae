"""Measure what recording a vision transformer of somebody else's costs, over its forward pass alone.

    python benchmarks/attention.py [rounds]

Needs the peers (`make peers`): ViT-B with random weights on 8 frames of 224 x 224 pixels. The first clip of a size also
proves, at every query and by a few more runs, that each cell lies where it is said to; later clips do not. Memory is
by how much the resident set of a process grows at its peak once network and clip are there (Linux).
"""

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from statistics import median

import numpy as np
import torch
from figures import peak_growth, ratio

from nonlocal_core import ModelSpec, Session
from nonlocal_core.media import InputSpec
from nonlocal_core.running.forecast import kept_bytes

ROUNDS = 7
FRAMES, SIDE = 8, 224
SEEN = InputSpec(short_side=SIDE, multiple_of=SIDE, mean=(0.5,) * 3, std=(0.5,) * 3)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {date.today()}.\n")
    print(f"| ViT-B, {FRAMES} x {SIDE} x {SIDE} | forward | recorded | ratio |")
    print("|---|---|---|---|")
    network, clip = _network(), _clip()
    plain, recorded = [], []
    first = _seconds(lambda: _session(network, clip))
    forward = _forward(network, clip)
    forward()
    for _ in range(rounds):
        plain.append(_seconds(forward))
        recorded.append(_seconds(lambda: _session(network, clip)))
    print(f"| first clip of a size | {median(plain):.2f} s | {first:.2f} s | {ratio([first], [median(plain)])} |")
    print(f"| later clips | {median(plain):.2f} s | {median(recorded):.2f} s | {ratio(recorded, plain)} |")
    session = _session(network, clip)
    held, alone, both = kept_bytes(session.capture.blocks), *(_peak(what) for what in ("forward", "record"))
    assert session.forecast_bytes is not None
    print(
        f"\nTables of the capture: {held / 1e6:.1f} MB, forecast {session.forecast_bytes / 1e6:.1f} MB. The process "
        f"grows by {alone:.0f} MB in the forward pass, and by {both:.0f} MB in the first recording of a "
        "size, which holds what the proofs need beside the tables."
    )


def _network() -> torch.nn.Module:
    from transformers import ViTConfig, ViTModel

    torch.manual_seed(0)
    return ViTModel(ViTConfig(), add_pooling_layer=False).eval()


def _clip() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (FRAMES, SIDE, SIDE, 3), np.uint8)


def _session(network: torch.nn.Module, clip: np.ndarray) -> Session:
    session = Session.from_model(network, clip, spec=ModelSpec(status="untrained", input_spec=SEEN), frames=FRAMES)
    assert len(session.capture.blocks) == 144, session.unreadable
    return session


def _forward(network: torch.nn.Module, clip: np.ndarray) -> Callable[[], object]:
    frames = torch.randn(FRAMES, 3, SIDE, SIDE)

    def forward() -> object:
        with torch.no_grad():
            return network(frames)

    return forward


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _peak(what: str) -> float:
    """Return by how many MB a process grows at its peak that runs the network alone, or records it too."""
    done = subprocess.run([sys.executable, __file__, what], capture_output=True, text=True, check=True)
    return float(done.stdout)


def _alone(what: str) -> None:
    network, clip = _network(), _clip()
    print(peak_growth(_forward(network, clip) if what == "forward" else lambda: _session(network, clip)))


if __name__ == "__main__":
    _alone(sys.argv[1]) if sys.argv[1:2] in (["forward"], ["record"]) else main()
