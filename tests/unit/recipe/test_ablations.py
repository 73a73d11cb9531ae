"""The paper's tables in small: what is compared is what it says, and the figures follow from the runs."""

import json
from pathlib import Path

import loop_oracle
import numpy as np
import pytest
import torch

from nonlocal_core.models.normalised import NormalisedBlock
from nonlocal_core.weights.findings import read_findings
from pretrained.recipe.ablate import ablate, judge, read_runs, run_variant
from pretrained.recipe.runs import Workshop
from pretrained.recipe.tables import TABLES, figures_of, report
from pretrained.recipe.variants import CHANNELS, VARIANTS, ConvolutionBlock, RestrictedBlock, parameter_count

PRETRAINED = Path(__file__).parents[3] / "pretrained"
EXACT = 1e-5  # float32 sums of a hundred products against float64 loops


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=lambda variant: variant.id)
def test_every_variant_changes_nothing_before_it_is_trained(variant):
    module = variant.build(3)
    x = torch.randn(1, CHANNELS[variant.stride], 3, 4, 5, generator=torch.Generator().manual_seed(1))
    assert torch.equal(module(x), x)
    assert any(parameter.requires_grad for parameter in module.parameters())


@pytest.mark.parametrize(
    ("scope", "pooling"), [("space", None), ("time", None), ("spacetime", (1, 2, 2)), ("spacetime", None)]
)
def test_a_restricted_block_equals_loops(scope, pooling):
    block = RestrictedBlock(14, scope=scope, pooling=pooling)
    with torch.no_grad():
        for value in block.state_dict().values():
            value.normal_(std=0.4, generator=torch.Generator().manual_seed(2))
        x = torch.randn(1, 14, 3, 4, 6, generator=torch.Generator().manual_seed(3))
        given, pieces = block(x), block.embed(x)
    kernel = pooling or (1, 1, 1)
    theta, phi, g = (table[0].double().numpy() for table in (pieces.theta, pieces.phi, pieces.g))
    pooled = [
        loop_oracle.max_pool(table.T.reshape(-1, 3, 4, 6), kernel).reshape(table.shape[1], -1).T for table in (phi, g)
    ]
    weights = loop_oracle.affinity(
        theta,
        pooled[0],
        pairwise="embedded_gaussian",
        scale=1.0,
        query_thw=(3, 4, 6),
        kernel=kernel,
        scope=scope,
        groups=1,
    )
    added = (
        weights @ pooled[1] - g
    ) @ block.out.weight.detach().double().numpy().T + block.out.bias.detach().double().numpy()
    np.testing.assert_allclose(given[0].numpy(), x[0].numpy() + added.T.reshape(14, 3, 4, 6), rtol=0, atol=EXACT)


def test_the_convolution_is_as_large_as_the_block_and_no_larger_and_sees_the_next_frame():
    budget = parameter_count(NormalisedBlock(112))
    convolution = ConvolutionBlock(112, parameters=budget)
    assert 0.97 * budget < parameter_count(convolution) <= budget
    torch.nn.init.normal_(convolution.up.weight)
    x = torch.randn(1, 112, 3, 2, 2, generator=torch.Generator().manual_seed(4))
    other = x.clone()
    other[:, :, 0] += torch.randn(112, 2, 2, generator=torch.Generator().manual_seed(5))
    assert not torch.allclose(convolution(other)[:, :, 1], convolution(x)[:, :, 1])


@pytest.mark.parametrize("name", ["blocks2", "stride32"])
def test_a_run_learns_and_is_judged_on_every_clip(name, trunk, clips):
    found = run_variant(VARIANTS[name], 1, trunk, clips, clips, steps=2)
    assert found["parameters"] == parameter_count(VARIANTS[name].build(1))
    none, variant = judge(torch.nn.Identity(), VARIANTS[name].stride, trunk, clips), found["with"]
    assert [len(values) for values in none.values()] == [4, 4, 4, 4]
    assert np.nanmax(none["clean"]) < 1e-3  # float16 features and answers
    assert np.nanmin(none["blur_cue"]) > 0.01
    assert not np.allclose(none["blur_cue"], variant["blur_cue"])


def test_what_was_run_is_not_run_again_and_no_clip_is_read_for_it(tmp_path, trunk, clips, monkeypatch):
    monkeypatch.setattr("pretrained.recipe.ablate.STEPS", 1)
    read = []
    monkeypatch.setattr("pretrained.recipe.ablate.read_shards", lambda _folder, split: read.append(split) or clips)
    told = []
    for _again in range(2):
        ablate(Workshop(folder=tmp_path, tell=told.append), [1], ["stride32"])
    assert read == ["train", "test"]
    assert len(told) == 1
    (run,) = read_runs(tmp_path / "ablations")["stride32"]
    assert set(run) == {"parameters", "seconds", "with", "without"}


def run_with(share, clean=0.01):
    """A run that brought back that part of every answer, on five clips."""
    before = {"clean": [0.0] * 5} | {v: [1.0, 2.0, 0.5, 1.5, float("nan")] for v in ("damaged", "blur_cue", "grey_cue")}
    after = {v: [value * (1 - share) for value in values] for v, values in before.items()} | {"clean": [clean] * 5}
    return {"parameters": 7, "seconds": 2.0, "without": before, "with": after}


def test_figures_follow_from_the_runs():
    shares = dict.fromkeys(VARIANTS, 0.5) | {"stride32": 0.25, "blocks5": 0.25, "convolution": 0.625, "pooled": 0.375}
    runs = {name: [run_with(share), run_with(share + 0.125)] for name, share in shares.items()}
    figures = figures_of(runs)
    assert figures["variants"]["embedded_gaussian"]["share"] == [56.2, 56.2, 56.2]
    assert figures["variants"]["stride32"]["by_seed"] == [25.0, 37.5]
    verdicts = {table["id"]: table["verdict"] for table in figures["tables"]}
    assert verdicts["2a"] == verdicts["2b"] == "holds here"
    assert verdicts["2c"] == verdicts["2e"] == "does not hold here: the other way round"
    assert verdicts["2d-time"] == "not told apart here"
    assert verdicts["2a-alike"] == "holds here, as far as can be told"
    assert verdicts["pooled"] == "does not hold here: Embedded Gaussian is better than pooled keys"
    text = report(figures)
    assert "| stride 32 | 31.2 [31.2, 31.2] | 25.0, 37.5 | 0.010 | 7 | 72.3 res5 |" in text
    assert "**does not hold here: the other way round** (difference -25.0 [-25.0, -25.0])." in text


def test_what_is_shipped_is_what_the_page_and_the_report_show():
    figures = json.loads((PRETRAINED / "ablations.json").read_text(encoding="utf-8"))
    assert (PRETRAINED / "ABLATIONS.md").read_text(encoding="utf-8") == report(figures)
    assert set(figures["variants"]) == set(VARIANTS)
    assert figures["seeds"] >= 3
    assert all(len(found["by_seed"]) == figures["seeds"] for found in figures["variants"].values())
    found = read_findings()
    assert [table.id for table in found.tables] == [table.id for table in TABLES]
    for table, shown in zip(TABLES, found.tables, strict=True):
        assert [line.paper for line in shown.lines] == [row.paper for row in table.rows]
        assert shown.difference.low <= shown.difference.mean <= shown.difference.high
