"""`lean`, `explicit` and a float64 loop agree for every pairwise function, scope, group and pooling."""

from functools import partial

import loop_oracle
import numpy as np
import pytest
import torch
from position_tables import COMPARED, SCALE, SUMMED, tables

from nonlocal_core.ops import Reach, affinity, respond
from nonlocal_core.vocabulary import PAIRWISE, SCOPES

QUERY_THW = (4, 5, 7)
SOFTMAX = ("gaussian", "embedded_gaussian")

EXACT = 1e-12  # float64 against float64; worst seen 5e-15
SINGLE = 2e-5  # float32 against float64, values of about 3; worst seen 1.5e-6


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("kernel", [(1, 1, 1), (1, 2, 2), (2, 2, 2)])
@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_forms_agree_with_the_loop(pairwise, kernel, scope, groups):
    reach = Reach(query_thw=QUERY_THW, kernel=kernel, scope=scope, temporal_groups=groups)
    theta, phi, g = tables(pairwise, reach.query_count, reach.key_count)
    loop = partial(
        loop_oracle.affinity,
        pairwise=pairwise,
        scale=SCALE if pairwise in SOFTMAX else 1.0,
        query_thw=QUERY_THW,
        kernel=kernel,
        scope=scope,
        groups=groups,
    )
    expected = np.stack([loop(*pair) for pair in zip(theta.numpy(), phi.numpy(), strict=True)])
    assert (np.count_nonzero(expected, axis=2) <= reach.keys_per_query).all()

    matrix = affinity(theta, phi, pairwise=pairwise, scale=SCALE, reach=reach)
    np.testing.assert_allclose(matrix.numpy(), expected, rtol=0, atol=EXACT)

    y = respond(theta, phi, g, pairwise=pairwise, scale=SCALE, reach=reach)
    np.testing.assert_allclose(y.numpy(), expected @ g.numpy(), rtol=0, atol=EXACT)

    single = respond(theta.float(), phi.float(), g.float(), pairwise=pairwise, scale=SCALE, reach=reach)
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single.numpy(), expected @ g.numpy(), rtol=0, atol=SINGLE)


@pytest.mark.parametrize("pairwise", PAIRWISE)
@pytest.mark.parametrize("summed", [COMPARED, SUMMED], ids=["one width", "two widths"])
def test_without_a_reach_every_query_attends_to_every_key(pairwise, summed):
    theta, phi, g = tables(pairwise, 31, 13, summed=summed)
    y = respond(theta, phi, g, pairwise=pairwise, scale=SCALE)
    matrix = affinity(theta, phi, pairwise=pairwise, scale=SCALE)
    assert matrix.count_nonzero() > matrix.numel() / 3
    torch.testing.assert_close(y, matrix @ g, rtol=0, atol=EXACT)
