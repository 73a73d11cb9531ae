"""Sessions that visitors share: what networks of one trunk compute alike is computed once for each clip."""

import pytest

from nonlocal_core import list_models
from nonlocal_core.app.server import clips, resources
from nonlocal_core.app.server.budget import Budget
from nonlocal_core.app.server.visit import Choices
from nonlocal_core.models.lite0 import Lite0

ONE, OTHER = (card.id for card in list_models()[:2])


@pytest.fixture
def held(monkeypatch) -> Budget:
    """A budget with nothing in it."""
    made = Budget(10**9)
    monkeypatch.setattr(resources, "HELD", made)
    monkeypatch.setattr(clips, "HELD", made)
    return made


@pytest.fixture
def runs(monkeypatch) -> list[tuple[int, ...]]:
    """Shapes of what went through the trunk."""
    seen, compute = [], Lite0.to_stride8
    monkeypatch.setattr(Lite0, "to_stride8", lambda trunk, x: (seen.append(tuple(x.shape)), compute(trunk, x))[1])
    return seen


def opened(model: str, clip: str = "sample:coins", short_side: int = 96) -> bytes:
    return resources._kept_for(Choices(clip=clip, model=model, short_side=short_side), resources._silent).bundle


def test_another_network_does_not_run_the_trunk_again(held, runs, monkeypatch):
    alone = opened(OTHER)
    held.sweep(lambda _visitor: False)
    monkeypatch.setattr(resources, "HELD", Budget(10**9))
    opened(ONE)
    assert len(runs) == 2
    assert opened(OTHER) == alone
    assert len(runs) == 2
    opened(OTHER, short_side=128)
    opened(OTHER, clip="sample:chelsea")
    assert len(runs) == 4


def test_features_are_counted_in_the_budget_and_go_with_it(held, runs):
    opened(ONE)
    (kept,) = (holding.value for key, holding in held._held.items() if key[0] == "features")
    sizes = [features.nbytes for features in kept.values()]
    assert len(sizes) == 3  # of two layers, and a weight of the trunk
    session = next(holding for key, holding in held._held.items() if key[0] == "session")
    assert held.held_bytes == session.size + sum(sizes)
    held.drop(next(key for key in held._held if key[0] == "features"))
    opened(OTHER)
    assert len(runs) == 2
