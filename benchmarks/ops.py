"""Time and memory of the non-local block and of the operation alone, against mmcv and PyTorchVideo.

    pip install -e '.[peers]'
    python benchmarks/ops.py            # prints Markdown; about ten minutes on two cores
    python benchmarks/ops.py --quick    # the same code on small maps, in seconds

Ours and each peer carry the same weights and run in turn within each round, so that a busy machine slows all
alike; a ratio is the median over rounds of peer time / our time. Memory is the growth of the peak resident set
during one forward pass, in a fresh process for each number (Linux only).
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from itertools import product
from pathlib import Path
from statistics import median

import peers
import torch
from figures import ratio
from torch import Tensor, nn

from nonlocal_core.models.block import NonlocalBlock
from nonlocal_core.ops import affinity, respond
from nonlocal_core.vocabulary import PAIRWISE, RULE_TITLES, Pairwise

CHANNELS = 512
HEIGHT_WIDTH = (28, 28)
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

    def tables(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return theta, phi and g as the block would, without the block."""
        torch.manual_seed(0)
        width = {"gaussian": CHANNELS, "concatenation": 1}.get(self.pairwise, CHANNELS // 2)
        theta, phi = torch.randn(1, self.queries, width), torch.randn(1, self.keys, width)
        g = torch.randn(1, self.keys, CHANNELS // 2)
        one_table = self.pairwise == "gaussian" and not self.pooled
        return theta, theta if one_table else phi, g

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
    """Return every comparison that the peers can run."""
    runs: list[tuple[Pairwise, str, float]] = [
        ("gaussian", "mmcv", 0.25),
        ("embedded_gaussian", "mmcv", 1.0),
        ("embedded_gaussian", "PyTorchVideo", 1.0),
        ("dot_product", "mmcv", 1.0),
        ("dot_product", "PyTorchVideo", 1.0),
    ]
    large = Case(pairwise="gaussian", frames=frames[0], pooled=True, peer="mmcv")
    return [large] + [
        Case(pairwise=pairwise, frames=count, pooled=pooled, peer=peer, spread=spread)
        for count in frames
        for pooled in (True, False)
        for pairwise, peer, spread in runs
    ]


def interleaved(runs: dict[str, Callable[[], object]], seconds: float) -> dict[str, list[float]]:
    """Time every function once per round, in turn, for about this long and at least five rounds."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    begun = time.perf_counter()
    while len(next(iter(times.values()))) < 5 or time.perf_counter() - begun < seconds:
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return times


def peak_growth(run: Callable[[], object]) -> float:
    """Return by how many MB the peak resident set rises above what is resident now."""
    Path("/proc/self/clear_refs").write_text("5")  # sets the recorded peak back to what is resident
    before = _status("VmRSS")
    run()
    return (_status("VmHWM") - before) / 1024


def _status(field: str) -> int:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1])


def memory_of(case: Case, who: str) -> float:
    """Measure one forward pass in a fresh process."""
    request = json.dumps({**asdict(case), "who": who})
    out = subprocess.run([sys.executable, __file__, "--memory", request], check=True, capture_output=True, text=True)
    return float(out.stdout)


def measure_memory(request: str) -> None:
    fields = json.loads(request)
    who = fields.pop("who")
    case = Case(**fields)
    if who == "ours" and case.peer == "none":
        block: nn.Module = NonlocalBlock(CHANNELS, case.pairwise).eval()
    else:
        block = case.pair()[0 if who == "ours" else 1]
    x = case.clip()
    with torch.no_grad():
        block(
            torch.ones(1, CHANNELS, 1, 4, 4)
        )  # what a library sets up on first use is not the price of a forward pass
        print(peak_growth(lambda: block(x)))


def report_blocks(frames: tuple[int, ...], seconds: float) -> None:
    print(f"\n### Whole block, C = {CHANNELS}, C' = {CHANNELS // 2}, batch 1\n")
    print(
        "| queries x keys | function | peer | ours, ms | peer, ms | peer / ours | ours, MB | peer, MB | ours / peer |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for case in block_cases(frames):
        block, peer = case.pair()
        x = case.clip()
        error = peers.branch_error(block, peer, x)
        if error > WORST_ERROR:
            raise SystemExit(f"{case}: the outputs differ by {error:.1e}; the times would compare different things.")
        with torch.no_grad():
            times = interleaved({"ours": partial(block, x), "peer": partial(peer, x)}, seconds)
        ours, theirs = times["ours"], times["peer"]
        mb, peer_mb = memory_of(case, "ours"), memory_of(case, "peer")
        print(
            f"| {case.size} | {case.title} | {case.peer} | {median(ours) * 1e3:.0f} "
            f"| {median(theirs) * 1e3:.0f} | {ratio(theirs, ours)} | {mb:.0f} | {peer_mb:.0f} "
            f"| {mb / peer_mb:.0%} |",
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
            times = interleaved({name: partial(block, x) for name, block in blocks.items()}, seconds)
        slow, fast = times["concatenation"], times["dot_product"]
        print(
            f"| {case.size} | {median(slow) * 1e3:.0f} | {median(fast) * 1e3:.0f} | {ratio(slow, fast)} "
            f"| {memory_of(case, 'ours'):.0f} |",
            flush=True,
        )


def report_operation(frames: tuple[int, ...], seconds: float) -> None:
    print(f"\n### The operation alone (theta, phi, g given), C' = {CHANNELS // 2}, against the matrix built whole\n")
    print(
        "| queries x keys | function | lean, ms | explicit, ms | explicit / lean | largest difference / largest value |"
    )
    print("|---|---|---|---|---|---|")
    for count, pooled, pairwise in product(frames, (True, False), PAIRWISE):
        case = Case(pairwise=pairwise, frames=count, pooled=pooled, peer="none")
        theta, phi, g = case.tables()
        lean = partial(respond, theta, phi, g, pairwise=pairwise, scale=theta.shape[2] ** -0.5)
        matrix = partial(affinity, theta, phi, pairwise=pairwise, scale=theta.shape[2] ** -0.5)
        with torch.no_grad():
            expected = matrix() @ g
            error = float((lean() - expected).abs().max() / expected.abs().max())
            times = interleaved({"lean": lean, "explicit": lambda: matrix() @ g}, seconds)  # noqa: B023
        print(
            f"| {case.size} | {RULE_TITLES[pairwise]} | {median(times['lean']) * 1e3:.0f} "
            f"| {median(times['explicit']) * 1e3:.0f} | {ratio(times['explicit'], times['lean'], 1)} | {error:.0e} |",
            flush=True,
        )


def machine() -> str:
    names = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "mmcv-lite", "pytorchvideo"))
    return (
        f"{names[0]}, {torch.get_num_threads()} threads, Python {platform.python_version()}, {packages}, "
        f"{datetime.now(tz=UTC):%Y-%m-%d}."
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
    frames, seconds = ((1,), 0.1) if arguments.quick else ((4, 16), 12.0)
    print(f"{machine()}")
    report_blocks(frames, seconds)
    report_concatenation(frames, seconds)
    report_operation(frames, seconds)


if __name__ == "__main__":
    main()
