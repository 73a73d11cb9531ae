"""Time of the operation alone, forward and with its gradient, against the paper's formula: from N = 784 to 50,176.

    python benchmarks/ops.py            # prints Markdown; about three minutes on two cores
    python benchmarks/ops.py --quick    # the same code on small maps, in seconds

theta, phi and g are given. The formula builds its N x N matrix, of 0.6 GB at 12,544 positions and 10 GB at 50,176, so
it is left out there; a softmax with its gradient takes minutes there and is left out too. Exponents are fitted over
all sizes of a line.
"""

import argparse
from collections.abc import Callable
from statistics import median

import torch
from figures import exponent, interleaved, ratio, timed
from torch import Tensor

from nonlocal_core.ops import affinity, respond
from nonlocal_core.vocabulary import PAIRWISE, RULE_TITLES, SOFTMAX, Pairwise

CHANNELS = 256
"""C' of theta, phi and g; the Gaussian compares the features themselves, of 512."""
SIZES = (784, 3_136, 12_544, 50_176)
QUICK_SIZES = (49, 196)
LARGEST_MATRIX = 12_544
Tables = tuple[Tensor, Tensor, Tensor]


def tables(count: int, pairwise: Pairwise) -> Tables:
    """Return theta, phi and g of ``count`` positions, which ask for gradients."""
    torch.manual_seed(0)
    width = {"gaussian": 2 * CHANNELS, "concatenation": 1}.get(pairwise, CHANNELS)
    theta, phi = torch.randn(1, count, width), torch.randn(1, count, width)
    g = torch.randn(1, count, CHANNELS)
    return theta.requires_grad_(), phi.requires_grad_(), g.requires_grad_()


def lean(given: Tables, pairwise: Pairwise) -> Tensor:
    theta, phi, g = given
    return respond(theta, phi, g, pairwise=pairwise, scale=theta.shape[2] ** -0.5)


def explicit(given: Tables, pairwise: Pairwise) -> Tensor:
    theta, phi, g = given
    return affinity(theta, phi, pairwise=pairwise, scale=theta.shape[2] ** -0.5) @ g


def run_of(operation: Callable[[Tables, Pairwise], Tensor], given: Tables, pairwise: Pairwise, *, backward: bool):
    """Return the function to time: the operation, with or without the gradients of its three tables."""

    def run() -> Tensor:
        with torch.set_grad_enabled(backward):
            y = operation(given, pairwise)
        if backward:
            torch.autograd.grad(y.sum(), given)
        return y

    return run


def report(sizes: tuple[int, ...], seconds: float) -> None:
    print("### The operation alone against the formula\n")
    print("| N | function | with gradient | lean, ms | formula, ms | formula / lean | largest difference |")
    print("|---|---|---|---|---|---|---|")
    grown: dict[tuple[Pairwise, bool, str], dict[int, float]] = {}
    for pairwise in PAIRWISE:
        for backward in (False, True):
            for count in sizes:
                if count > LARGEST_MATRIX and backward and pairwise in SOFTMAX:
                    continue
                given = tables(count, pairwise)
                ours = run_of(lean, given, pairwise, backward=backward)
                word = "yes" if backward else "no"
                line = f"| {count} | {RULE_TITLES[pairwise]} | {word} |"
                if count > LARGEST_MATRIX:
                    grown[pairwise, backward, "lean"][count] = took = timed(ours)
                    print(f"{line} {took * 1e3:.0f} | – | – | – |", flush=True)
                    continue
                theirs = run_of(explicit, given, pairwise, backward=backward)
                expected = theirs().detach()
                error = float((ours().detach() - expected).abs().max() / expected.abs().max())
                rounds = 1 if backward and count == LARGEST_MATRIX else 3  # half a minute each
                times = interleaved({"lean": ours, "formula": theirs}, seconds, rounds)
                for name, measured in times.items():
                    grown.setdefault((pairwise, backward, name), {})[count] = median(measured)
                print(
                    f"{line} {median(times['lean']) * 1e3:.1f} | {median(times['formula']) * 1e3:.1f} "
                    f"| {ratio(times['formula'], times['lean'], 1)} | {error:.0e} |",
                    flush=True,
                )
    print("\n### How time grows with N: fitted exponents\n")
    print("| function | with gradient | lean, up to N | exponent | formula, up to N | exponent of the formula |")
    print("|---|---|---|---|---|---|")
    for pairwise in PAIRWISE:
        for backward in (False, True):
            ours, theirs = (grown[pairwise, backward, name] for name in ("lean", "formula"))
            print(
                f"| {RULE_TITLES[pairwise]} | {'yes' if backward else 'no'} | {max(ours)} | {exponent(ours):.2f} "
                f"| {max(theirs)} | {exponent(theirs):.2f} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small maps, few rounds: a smoke run")
    report(*((QUICK_SIZES, 0.01) if parser.parse_args().quick else (SIZES, 1.0)))


if __name__ == "__main__":
    main()
