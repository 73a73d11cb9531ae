"""Attention on maps under other names: every row is what the block multiplied its values by, or the reason is true."""

import numpy as np
import pytest
import torch
from named_otherwise import READ, REFUSED, WEIGHTS, C, Nameless
from torch import nn

from nonlocal_core import CaptureError, InputSpec, ModelSpec, Session

CLIP = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), np.uint8)
SPEC = ModelSpec(
    status="untrained", input_spec=InputSpec(short_side=64, multiple_of=32, mean=(0.5,) * 3, std=(0.25,) * 3)
)


class Around(nn.Module):
    """A stem that makes 8 x 12 cells, and the block."""

    def __init__(self, block):
        super().__init__()
        self.stem, self.block = nn.Conv2d(3, C, 8, 8), block

    def forward(self, x):
        return self.block(self.stem(x))


def with_random_weights(network):
    torch.manual_seed(6)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.3)
    return network.eval()


@pytest.mark.parametrize("kind", READ)
def test_every_row_is_the_blocks_own(kind):
    WEIGHTS.clear()
    session = Session.from_model(with_random_weights(Around(kind())), CLIP, spec=SPEC)
    own = next(each for each in WEIGHTS if len(each) == len(CLIP)).double()  # a proof ran on four frames before
    blocks = session.capture.blocks
    assert session.unreadable == ()
    assert len(blocks) == own.shape[1]
    for head, block in enumerate(blocks):
        assert block.query_grid.shape == (2, 8, 12)
        assert block.key_grid.shape[1:] in ((8, 12), (4, 6))
        theta, phi = (torch.as_tensor(table).double().unflatten(0, (2, -1)) for table in (block.theta, block.phi))
        rows = (block.scale * theta @ phi.mT).softmax(-1)
        torch.testing.assert_close(rows, own[:, head], atol=1e-4, rtol=0)
        grid = block.query_grid
        x, y = grid.center(grid.cell(96 + 31))
        row = session.query(frame=1, x=x, y=y, block=block.name)
        np.testing.assert_allclose(row.heat[1].reshape(-1), own[1, head, 31], atol=1e-4)
        assert not row.heat[0].any()


@pytest.mark.parametrize("kind", REFUSED)
def test_what_compares_no_places_is_refused_with_the_reason(kind):
    with pytest.raises(CaptureError) as refused:
        Session.from_model(with_random_weights(Around(kind())), CLIP, spec=SPEC)
    assert f"block {REFUSED[kind]}" in str(refused.value) or f"is a {kind.__name__}, {REFUSED[kind]}" in str(
        refused.value
    )


def test_pooled_keys_at_other_places_are_refused():
    class Mirrored(Nameless):
        def forward(self, x):
            one = self.one(x).flatten(2)
            two, three = (nn.functional.avg_pool2d(part(x), 2).flip(-1).flatten(2) for part in (self.two, self.three))
            return x + (three @ (one.mT @ two).softmax(-1).mT).view_as(x)

    with pytest.raises(CaptureError, match="block cannot be placed: a change of the clip at cell"):
        Session.from_model(with_random_weights(Around(Mirrored())), CLIP, spec=SPEC)
