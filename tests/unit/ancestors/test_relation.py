"""The pair MLP and the concatenation against loops, and what the one can rank that the other cannot."""

import numpy as np
import pytest
import torch

from nonlocal_core import ShapeError
from nonlocal_core.ancestors.relation import PairMlp, concatenation, disagreement, likeness
from nonlocal_core.ops import affinity

CHANNELS, QUERIES, KEYS, HIDDEN = 3, 5, 7, 4


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def tables():
    return normal(QUERIES, CHANNELS), normal(KEYS, CHANNELS, seed=1)


def test_the_mlp_is_that_of_loops_over_concatenated_pairs():
    theta, phi = tables()
    mlp = PairMlp(
        first=normal(HIDDEN, CHANNELS, seed=2),
        second=normal(HIDDEN, CHANNELS, seed=3),
        bias=normal(HIDDEN, seed=4),
        out=normal(HIDDEN, seed=5),
    )
    weights, bias, out = torch.cat([mlp.first, mlp.second], dim=1).numpy(), mlp.bias.numpy(), mlp.out.numpy()
    found = mlp.scores(theta, phi)
    for i in range(QUERIES):
        for j in range(KEYS):
            pair = np.concatenate([theta[i].numpy(), phi[j].numpy()]).astype(float)
            hidden = [max(0.0, float(row @ pair) + float(b)) for row, b in zip(weights, bias, strict=True)]
            assert float(found[i, j]) == pytest.approx(float(np.dot(out, hidden)), abs=1e-5)


def test_the_concatenation_is_the_separable_one_of_the_operation():
    theta, phi = tables()
    weight = normal(2 * CHANNELS, seed=2)
    a, b = theta @ weight[:CHANNELS], phi @ weight[CHANNELS:]
    separable = affinity(a[None, :, None], b[None, :, None], pairwise="concatenation")[0] * KEYS
    torch.testing.assert_close(concatenation(theta, phi, weight), separable)


@pytest.mark.parametrize("seed", range(5))
def test_no_two_queries_of_a_concatenation_disagree(seed):
    theta, phi = tables()
    assert disagreement(concatenation(theta, phi, 3 * normal(2 * CHANNELS, seed=seed))) == 0


def test_likeness_ranks_the_like_first_for_every_query():
    _, phi = tables()
    scores = likeness(CHANNELS).scores(phi, phi)
    assert scores.argmax(dim=1).tolist() == list(range(KEYS))
    torch.testing.assert_close(scores, -torch.cdist(phi, phi, p=1))
    assert disagreement(scores) > 0.2


def test_disagreement_counts_pairs():
    assert disagreement(torch.tensor([[1.0, 2.0], [2.0, 1.0]])) == 1
    scores = torch.tensor([[1.0, 2.0, 3.0], [1.0, 3.0, 2.0], [0.0, 0.0, 0.0]])
    assert disagreement(scores) == pytest.approx(1 / 9)  # one of three pairs of keys, for one of three pairs of queries
    assert disagreement(torch.zeros(1, 4)) == 0


def test_tables_of_other_widths_are_refused():
    theta, phi = tables()
    with pytest.raises(ShapeError, match="w_f has 6 numbers for theta and phi; got 5"):
        concatenation(theta, phi, torch.zeros(5))
    with pytest.raises(ShapeError, match="got 3, 3 and 2"):
        likeness(2).scores(theta, phi)
