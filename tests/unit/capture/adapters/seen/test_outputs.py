"""Outputs of a layer: the one that holds its tokens."""

import pytest
import torch

from nonlocal_core.capture.adapters.seen.laid import Laid
from nonlocal_core.capture.adapters.seen.outputs import layer_order, main_output
from nonlocal_core.capture.adapters.seen.places import Placed
from nonlocal_core.capture.adapters.seen.products import Unclear
from nonlocal_core.capture.adapters.seen.sources import Arranged
from nonlocal_core.capture.adapters.seen.windows import divided

B, N, C = 2, 5, 4
Z = torch.randn(B, N, C, generator=torch.Generator().manual_seed(0))


def lay(part):
    return Laid(part, (B, N), "space")


def test_the_first_output_of_tokens_that_hangs_on_y_is_taken():
    at, laid = main_output((None, Z), lambda: None, lay)
    assert at == 1
    assert (laid.rows(Z) == Z).all()
    resting = torch.ones(B, N, C)
    both = {"memory": resting, "out": Z, "again": Z + 1}
    without = {"memory": resting, "out": Z * 0, "again": Z * 0 + 1}
    assert main_output(both, lambda: without, lay)[0] == "out"
    assert main_output(both, lambda: both, lay)[0] == "memory", "none hangs on y: a layer that still adds nothing"


def test_outputs_without_tokens_are_refused_with_what_they_are():
    with pytest.raises(Unclear, match=r"returns \(2, 6, 4\) for 2 sequences of 5 queries"):
        main_output((torch.zeros(B, N + 1, C), torch.zeros(3)), lambda: None, lay)
    with pytest.raises(Unclear, match="returns a str, which holds no tensor of tokens"):
        main_output("nothing", lambda: None, lay)


def placed(askers=()):
    return Placed(
        rows=lambda z: z.flatten(0, 1), keys=lambda z: z.flatten(0, 1), thw=(B, 1, N), scope="space", askers=askers
    )


def test_the_order_is_that_of_the_queries():
    assert (layer_order(None, placed(), (B, N))(Z).rows(Z) == Z).all()
    dropped = layer_order(None, placed(("class token",)), (B, N + 1))(Z)
    assert (dropped.dropped, dropped.rows(Z)[:, 1:].equal(Z)) == (1, True)
    order = torch.tensor([2, 0, 4, 1, 3])
    arranged = Arranged(queries=order, keys=order, inner_queries=1, inner_keys=1)
    assert (layer_order(arranged, placed(), (B, N))(Z).rows(Z) == Z[:, order]).all()
    windows = divided(torch.arange(B * N).reshape(N, B).T.contiguous(), (1, N, B), within=True)
    assert layer_order(windows, placed(), (B, N))(Z).rows(Z).equal(Z.flatten(0, 1)[windows.cells])
