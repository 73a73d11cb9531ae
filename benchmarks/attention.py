"""Measure what recording a vision transformer of somebody else's costs, over its forward pass alone.

    python benchmarks/attention.py [rounds]

Needs the peers (`make peers`): ViT-B with random weights on 8 frames of 224 x 224 pixels. The first clip of a size also
proves, at every query and by a few more runs, that each cell lies where it is said to; later clips do not. Memory, of
it and of others, is by how much the resident set of a process grows at its peak once network and clip are there
(Linux), beside the forecast.
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
MEASURED = (("ViT-B", 4), ("ViT-B", 8), ("ViT-S", 16), ("DINOv2-S", 8), ("Swin-T", 8))
"""Networks and numbers of frames whose memory is measured."""
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
    held = kept_bytes(_session(network, clip).capture.blocks)
    print(f"\nThe capture keeps {held / 1e6:.0f} MB of tables.\n")
    print(
        "| first recording of a size | frames | forecast, MB | growth, MB | forecast / growth |\n|---|---|---|---|---|"
    )
    for name, frames in MEASURED:
        said, grown = _memory(name, frames)
        print(f"| {name} | {frames} | {said:.0f} | {grown:.0f} | {said / grown:.2f} |")


def _network(name: str = "ViT-B") -> torch.nn.Module:
    import transformers as library

    small = {"hidden_size": 384, "num_attention_heads": 6}
    torch.manual_seed(0)
    match name:
        case "ViT-B":
            made = library.ViTModel(library.ViTConfig(), add_pooling_layer=False)
        case "ViT-S":
            made = library.ViTModel(library.ViTConfig(**small, intermediate_size=1536), add_pooling_layer=False)
        case "DINOv2-S":
            made = library.Dinov2Model(library.Dinov2Config(**small))
        case _:
            made = library.SwinModel(library.SwinConfig())
    return made.eval()


def _clip(frames: int = FRAMES) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (frames, SIDE, SIDE, 3), np.uint8)


def _session(network: torch.nn.Module, clip: np.ndarray) -> Session:
    spec = ModelSpec(status="untrained", input_spec=SEEN)
    session = Session.from_model(network, clip, spec=spec, frames=len(clip))
    assert session.capture.blocks
    assert not session.unreadable, session.unreadable
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


def _memory(name: str, frames: int) -> tuple[float, float]:
    """Return forecast and growth, in MB, of a process that records a network: the middle one of three.

    The heap of the C library keeps holes that differ from run to run.
    """
    command, found = [sys.executable, __file__, name, str(frames)], []
    for _ in range(3):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        said, grown = map(float, done.stdout.split())
        found.append((grown, said))
    grown, said = sorted(found)[1]
    return said, grown


def _alone(name: str, frames: int) -> None:
    network, clip = _network(name), _clip(frames)
    made: list[Session] = []
    grown = peak_growth(lambda: made.append(_session(network, clip)))
    print((made[0].forecast_bytes or 0) / 1e6, grown)


if __name__ == "__main__":
    _alone(sys.argv[1], int(sys.argv[2])) if len(sys.argv) == 3 else main()
