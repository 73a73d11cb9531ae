"""Features that networks of one trunk share: computed once for each clip, and for as long as the with."""

import pytest
import torch

from nonlocal_core.models.lite0 import Lite0
from nonlocal_core.models.sharing import shared_features
from nonlocal_core.weights import build_model, list_models

IDS = [card.id for card in list_models()]


@pytest.fixture(scope="module")
def clip() -> torch.Tensor:
    torch.manual_seed(7)
    return torch.randn(2, 3, 3, 96, 160)


def test_networks_of_one_trunk_run_it_once_for_each_clip(clip, monkeypatch):
    runs = []
    for layer in ("to_stride8", "to_stride16"):
        compute = getattr(Lite0, layer)
        monkeypatch.setattr(
            Lite0, layer, lambda trunk, x, layer=layer, compute=compute: (runs.append(layer), compute(trunk, x))[1]
        )
    models = [build_model(name)[0] for name in IDS]
    with torch.inference_mode():
        alone = [network(clip[:1]) for network in models]
        assert len(runs) == 2 * len(models)
        runs.clear()
        with shared_features():
            together = [network(clip[:1]) for network in models]
            assert runs == ["to_stride8", "to_stride16"]
            another = models[0](clip[1:])
        assert runs == ["to_stride8", "to_stride16"] * 2
        assert torch.equal(another, models[0](clip[1:]))
        assert len(runs) == 6, "nothing is kept after the with"
    assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))
