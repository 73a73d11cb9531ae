"""Time and memory of the whole non-local block, forward and with its gradient, against mmcv and PyTorchVideo.

    pip install -e '.[peers]'
    python benchmarks/blocks.py            # prints Markdown; about seven minutes on two cores
    python benchmarks/blocks.py --quick    # the same code on small maps, in seconds

Ours and each peer carry the same weights and run in turn within each round, so that a busy machine slows all
alike; a ratio is the median over rounds of peer time / our time. Memory is the growth of the peak resident set
during one pass, in a fresh process for each number (Linux only), in which freed tables go back to the system at once:
as installed, glibc kept 90 MB of ours.

With gradients, a floor is printed too: the products alone that a pass without the matrix needs, timed on a panel,
beside the whole of mmcv's pass. mmcv keeps the weights; where they are not kept, the scores are made again.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median

import peers
import torch
from figures import interleaved, peak_growth, ratio
from torch import Tensor, nn

from nonlocal_core.models.block import NonlocalBlock
from nonlocal_core.vocabulary import RULE_TITLES, Pairwise

CHANNELS = 512
HEIGHT_WIDTH = (28, 28)
PANEL_ROWS = 512
PRODUCTS = {"gaussian": (7, 9), "embedded_gaussian": (7, 6)}
"""Products of a whole matrix and C' = 256 channels that a pass with gradients needs, ours and mmcv's. Raw features have
2 C' channels, and their scores are symmetric, so that ours go through half of them (``ops/panel_gradients.py``)."""
WORST_ERROR = 1e-4
"""Largest difference at which two blocks still count as the same, relative to what the block adds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One comparison: a pairwise function at one size, with or without pooled keys, against one peer.

    ``spread``: standard deviation of the features. The raw Gaussian gets small ones. With large ones a fifth of a
    peer's weights are denormal numbers, on which processors crawl; one row of the table shows that.
    """

    pairwise: Pairwise
    frames: int
    pooled: bool
    peer: str
    spread: float = 1.0
    backward: bool = False
    """True where the gradients of the features and of all weights are computed too."""

    def pair(self) -> tuple[NonlocalBlock, nn.Module]:
        torch.manual_seed(0)
        if self.peer == "PyTorchVideo":
            kernel = (1, 2, 2) if self.pooled else None
            return peers.pytorchvideo_pair(CHANNELS, self.pairwise, kernel=kernel)
        return peers.mmcv_pair(CHANNELS, self.pairwise, pooled=self.pooled)

    def clip(self) -> Tensor:
        return self.spread * torch.randn(1, CHANNELS, self.frames, *HEIGHT_WIDTH)

    @property
    def title(self) -> str:
        title = RULE_TITLES[self.pairwise]
        return f"{title}, large features" if self.pairwise == "gaussian" and self.spread >= 1 else title

    @property
    def queries(self) -> int:
        height, width = HEIGHT_WIDTH
        return self.frames * height * width

    @property
    def keys(self) -> int:
        height, width = HEIGHT_WIDTH
        return self.frames * (height // 2) * (width // 2) if self.pooled else self.queries

    @property
    def size(self) -> str:
        return f"{self.queries} x {self.keys}"


def block_cases(frames: tuple[int, ...]) -> list[Case]:
    """Return every comparison that the peers can run; gradients on the largest maps only, against mmcv."""
    runs: list[tuple[Pairwise, str, float]] = [
        ("gaussian", "mmcv", 0.25),
        ("embedded_gaussian", "mmcv", 1.0),
        ("embedded_gaussian", "PyTorchVideo", 1.0),
        ("dot_product", "mmcv", 1.0),
    ]
    large = Case(pairwise="gaussian", frames=frames[0], pooled=True, peer="mmcv")
    forward = [
        Case(pairwise=pairwise, frames=count, pooled=pooled, peer=peer, spread=spread)
        for count in frames
        for pooled in (True, False)
        for pairwise, peer, spread in runs
    ]
    return [large, *forward] + [
        Case(pairwise=pairwise, frames=frames[-1], pooled=False, peer=peer, spread=spread, backward=True)
        for pairwise, peer, spread in runs
        if peer == "mmcv"
    ]


def pass_of(block: nn.Module, x: Tensor, *, backward: bool) -> Callable[[], object]:
    """Return one pass of a block, with the gradients of the features and all weights where that is asked."""

    def forward() -> None:
        with torch.no_grad():
            block(x)

    def both() -> None:
        torch.autograd.grad(block(seen).sum(), [seen, *block.parameters()])

    seen = x.clone().requires_grad_()
    return both if backward else forward


def memory_of(case: Case, who: str) -> float:
    """Measure one pass in a fresh process."""
    request = json.dumps({**asdict(case), "who": who})
    command = [sys.executable, __file__, "--memory", request]
    at_once = os.environ | {"MALLOC_MMAP_THRESHOLD_": str(1 << 20)}
    out = subprocess.run(command, check=True, capture_output=True, text=True, env=at_once)
    return float(out.stdout)


def measure_memory(request: str) -> None:
    fields = json.loads(request)
    who = fields.pop("who")
    case = Case(**fields)
    if case.peer == "none":
        block: nn.Module = NonlocalBlock(CHANNELS, case.pairwise).eval()
    else:
        block = case.pair()[0 if who == "ours" else 1]
    run = pass_of(block, case.clip(), backward=case.backward)
    # What a library sets up on first use is not the price of a pass.
    pass_of(block, torch.ones(1, CHANNELS, 1, 4, 4), backward=case.backward)()
    print(peak_growth(run))


def report_blocks(frames: tuple[int, ...], seconds: float) -> None:
    print(f"### Whole block, C = {CHANNELS}, C' = {CHANNELS // 2}, batch 1\n")
    print(
        "| queries x keys | function | peer | with gradient | ours, ms | peer, ms | peer / ours | ours, MB | peer, MB "
        "| ours / peer |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for case in block_cases(frames):
        block, peer = case.pair()
        x = case.clip()
        error = peers.branch_error(block, peer, x)
        if error > WORST_ERROR:
            raise SystemExit(f"{case}: the outputs differ by {error:.1e}; the times would compare different things.")
        for each in (block, peer):
            pass_of(each, torch.ones(1, CHANNELS, 1, 4, 4), backward=case.backward)()
        passes = {"ours": pass_of(block, x, backward=case.backward), "peer": pass_of(peer, x, backward=case.backward)}
        times = interleaved(passes, seconds, rounds=2 if case.backward else 3)
        ours, theirs = times["ours"], times["peer"]
        weighed = "– | – | –"
        if case.frames == frames[-1] and not case.pooled:
            mb, peer_mb = memory_of(case, "ours"), memory_of(case, "peer")
            weighed = f"{mb:.0f} | {peer_mb:.0f} | {mb / peer_mb:.0%}"
        print(
            f"| {case.size} | {case.title} | {case.peer} | {'yes' if case.backward else 'no'} "
            f"| {median(ours) * 1e3:.0f} | {median(theirs) * 1e3:.0f} | {ratio(theirs, ours)} | {weighed} |",
            flush=True,
        )


def report_floor(frames: int, seconds: float) -> None:
    print("\n### Whole block with its gradient: the products alone\n")
    print("| queries x keys | function | products, ours | products, mmcv | ours alone, ms | mmcv whole / ours alone |")
    print("|---|---|---|---|---|---|")
    for case in block_cases((frames,)):
        if not case.backward or case.pairwise not in PRODUCTS:
            continue
        ours, theirs = PRODUCTS[case.pairwise]
        _, peer = case.pair()
        rows, keys = (torch.randn(count, CHANNELS // 2) for count in (min(PANEL_ROWS, case.queries), case.keys))
        panel = torch.empty(len(rows), case.keys)
        product: Callable[[], object] = partial(torch.mm, rows, keys.T, out=panel)
        product()
        times = interleaved({"peer": pass_of(peer, case.clip(), backward=True), "panel": product}, seconds, rounds=2)
        alone = [ours * case.queries / len(rows) * each for each in times["panel"]]
        print(
            f"| {case.size} | {case.title} | {ours} | {theirs} | {median(alone) * 1e3:.0f} "
            f"| {ratio(times['peer'], alone)} |",
            flush=True,
        )


def report_concatenation(frames: tuple[int, ...], seconds: float) -> None:
    print("\n### Whole block, concatenation against our own dot product (no peer runs at these sizes)\n")
    print("| queries x keys | concatenation, ms | dot product, ms | ratio | concatenation, MB |")
    print("|---|---|---|---|---|")
    for count in frames:
        torch.manual_seed(0)
        names: tuple[Pairwise, ...] = ("concatenation", "dot_product")
        blocks = {name: NonlocalBlock(CHANNELS, name).eval() for name in names}
        case = Case(pairwise="concatenation", frames=count, pooled=False, peer="none")
        x = case.clip()
        for block in blocks.values():
            peers.randomise(block)
        with torch.no_grad():
            for block in blocks.values():
                block(x)
            times = interleaved({name: partial(block, x) for name, block in blocks.items()}, seconds)
        slow, fast = times["concatenation"], times["dot_product"]
        print(
            f"| {case.size} | {median(slow) * 1e3:.0f} | {median(fast) * 1e3:.0f} | {ratio(slow, fast)} "
            f"| {memory_of(case, 'ours'):.0f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small maps, few rounds: a smoke run")
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not peers.INSTALLED:
        raise SystemExit(peers.HOW_TO_INSTALL)
    if arguments.memory:
        measure_memory(arguments.memory)
        return
    frames, seconds = ((1,), 0.1) if arguments.quick else ((4, 16), 1.0)
    report_blocks(frames, seconds)
    report_floor(frames[-1], seconds)
    report_concatenation(frames, seconds)


if __name__ == "__main__":
    main()
