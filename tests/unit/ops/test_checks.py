"""Sentences for tables that do not fit together, and for another pairwise function."""

import pytest
import torch
from unchecked_shapes import unchecked  # noqa: F401, a fixture

from nonlocal_core.errors import ShapeError, UnknownNameError
from nonlocal_core.ops import Reach, affinity, respond

TABLES = {"theta": (2, 30, 7), "phi": (2, 12, 7), "g": (2, 12, 5)}


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("changed", "pairwise", "sentence"),
    [
        ({"phi": (3, 12, 7)}, "gaussian", "with one B"),
        ({"phi": (2, 12, 8)}, "gaussian", "same number of channels"),
        ({"g": (2, 13, 5)}, "gaussian", "one row for each key"),
        ({}, "concatenation", "one channel, w_theta"),
        ({"theta": (2, 31, 7)}, "dot_product", "needs tables of 30 and 30 rows"),
    ],
)
def test_tables_that_do_not_fit(changed, pairwise, sentence):
    theta, phi, g = (torch.zeros(shape) for shape in {**TABLES, **changed}.values())
    reach = Reach(query_thw=(5, 2, 3)) if pairwise == "dot_product" else None
    with pytest.raises(ShapeError, match=sentence):
        respond(theta, phi, g, pairwise=pairwise, reach=reach)


@pytest.mark.usefixtures("unchecked")
def test_the_pairwise_functions_are_listed():
    theta, phi, _ = (torch.zeros(shape) for shape in TABLES.values())
    with pytest.raises(UnknownNameError, match="gaussian, embedded_gaussian, dot_product, concatenation"):
        affinity(theta, phi, pairwise="cosine")
