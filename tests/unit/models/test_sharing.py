"""Features that networks of one trunk share, and tables that a run and its reader do: for as long as the with."""

import pytest
import torch

from nonlocal_core.capture import recording
from nonlocal_core.geometry import ViewTransform
from nonlocal_core.models.lite0 import Lite0
from nonlocal_core.models.normalised import NormalisedBlock
from nonlocal_core.models.sharing import computed_once, key_of, last_tables_kept, shared_features
from nonlocal_core.running.prepared import prepare_model
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


def test_the_address_of_a_trunk_is_not_used_again_as_long_as_its_features_are_kept(clip):
    kept, weight = {}, torch.randn(64, 3, 3, 3)
    with torch.inference_mode(), shared_features(kept):
        computed_once(key_of(clip, weight), "stride8", lambda: clip)
    assert {each.data_ptr() for each in kept.values()} == {clip.data_ptr(), weight.data_ptr()}


def test_a_recorded_block_computes_its_tables_once(clip, monkeypatch):
    network = prepare_model("lite0-embedded-gaussian").network
    computed = []
    tables = NormalisedBlock._tables
    monkeypatch.setattr(NormalisedBlock, "_tables", lambda self, *args: (computed.append(self), tables(self, *args))[1])
    view = ViewTransform(shown_hw=(96, 160), input_hw=(96, 160))
    with torch.inference_mode():
        with recording(view=view, clip_frames=3) as record:
            network(clip[:1])
        assert computed == [network.stride16, network.mend, network.joint.affinity]
        network(clip[:1])
    assert len(computed) == 6, "unrecorded, the first block's tables are computed for its description and for its run"
    assert not record.unreadable


def test_tables_are_of_the_same_tensor_and_block_until_another_comes(clip):
    one, other = NormalisedBlock(3), NormalisedBlock(3)
    x, same_numbers = clip[:1], clip[:1].clone()
    assert one.embed(x) is not one.embed(x), "nothing is kept where nobody asked for it"
    with last_tables_kept():
        first = one.embed(x)
        assert one.embed(x) is first
        assert one.embed(same_numbers) is not first
        again = one.embed(x)
        other.embed(x)
        assert one.embed(x) is not again
    assert one.embed(x) is not one.embed(x)
