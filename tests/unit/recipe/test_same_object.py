"""Do the parameter-free maps find the same object in other frames? Measured on clips whose answers are known."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from composed_clips import ComposedClip, compose
from torch.nn.functional import avg_pool2d

from nonlocal_core.models.parameter_free import ParameterFreeGaussian
from nonlocal_core.weights import build_model

SEEDS = range(4)
QUERIES = 6
"""Per object, drawn from the cells that it covers by nine tenths."""
README_TOLERANCE = 0.01
"""Figures are written with two digits; a library that resizes pictures a little differently stays within."""


def rows_of(table: torch.Tensor, clip: ComposedClip, stride: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield, for queries on each object, the cosines with all cells of other frames and whether each is the object."""
    frames = len(clip.pixels)
    cover = [
        avg_pool2d(torch.from_numpy(clip.objects == label).float()[:, None], stride).flatten().numpy()
        for label in (1, 2, 3)
    ]
    frame = np.repeat(np.arange(frames), len(table) // frames)
    for k, covered in enumerate(cover):
        whole = np.flatnonzero(covered > 0.9)
        for query in np.random.default_rng(k).permutation(whole)[:QUERIES]:
            other = frame != frame[query]
            yield (table[other] @ table[query]).numpy(), covered[other] > 0.5


def figures(table: torch.Tensor, clip: ComposedClip, stride: int) -> np.ndarray:
    """Return the means of AUC, softmax weight on the object, and its share of as many strongest cells as it has."""
    found = []
    for cosines, same in rows_of(table, clip, stride):
        rank = np.argsort(np.argsort(cosines)) + 1
        positives, negatives = same.sum(), (~same).sum()
        auc = (rank[same].sum() - positives * (positives + 1) / 2) / (positives * negatives)
        weight = np.exp(cosines / 0.07)
        found.append((auc, weight[same].sum() / weight.sum(), same[np.argsort(-cosines)[:positives]].mean()))
    return np.mean(found, axis=0)


@pytest.fixture(scope="module")
def measured() -> dict[str, np.ndarray]:
    network, _ = build_model("lite0-parameter-free")
    tables: dict[str, torch.Tensor] = {}
    for block in network.inserted:
        block.module.register_forward_hook(
            lambda module, inputs, _output, name=block.name: tables.update({name: module.embed(inputs[0]).theta[0]})
        )
    found: dict[str, list[np.ndarray]] = {"colour": [], **{block.name: [] for block in network.inserted}}
    for seed in SEEDS:
        clip = compose(seed)
        x = torch.from_numpy((clip.pixels.astype(np.float32) - 127) / 128).permute(3, 0, 1, 2)[None]
        network(x)
        colour = avg_pool2d(x[0].transpose(0, 1), 8).transpose(0, 1)[None]
        tables["colour"] = ParameterFreeGaussian().embed(colour).theta[0]
        for name, table in tables.items():
            found[name].append(figures(table, clip, stride=16 if name == "stride16" else 8))
    return {name: np.mean(rows, axis=0) for name, rows in found.items()}


def test_both_layers_together_find_the_object_best(measured):
    joint = measured["stride8+16"]
    for name in ("colour", "stride8", "stride16"):
        assert joint[0] > measured[name][0], name
        assert joint[2] > measured[name][2], name


def test_the_readme_of_the_models_says_what_is_measured_here(measured):
    readme = (Path(__file__).parents[3] / "pretrained" / "README.md").read_text(encoding="utf-8")
    for name, found in measured.items():
        (line,) = re.findall(rf"^\| `{re.escape(name)}` .*$", readme, flags=re.MULTILINE)
        written = [float(number) for number in line.split("|")[3:6]]
        np.testing.assert_allclose(found, written, rtol=0, atol=README_TOLERANCE, err_msg=name)
