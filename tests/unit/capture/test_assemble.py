"""A reading becomes one record for each head, each with its own tables and the facts of the reading."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from faulty_readings import site_of
from torch import nn

from nonlocal_core.capture.assemble import assemble, table_of
from nonlocal_core.capture.reading import BlockReading
from nonlocal_core.errors import CaptureError, GeometryError
from nonlocal_core.geometry import ViewTransform

T, H, W, D = 2, 3, 4, 5
N = T * H * W
VIEW = ViewTransform(shown_hw=(H * 8, W * 8), input_hw=(H * 8, W * 8))
FACTS = {"query_thw": (T, H, W), "pairwise": "embedded_gaussian", "scale": 0.25, "project": lambda y: y}


def numbers(heads, rows):
    return torch.arange(heads * rows * D, dtype=torch.float32).reshape(heads, rows, D)


def assembled(name="attn", *, heads=1, title="Attention", **facts):
    site = replace(site_of(nn.Identity()), name="attn", title=title, status="untrained", note="Mind.")
    tables = {"theta": numbers(heads, N), "phi": numbers(heads, N) + 0.5, "g": numbers(heads, N)}
    return assemble(site, BlockReading(**FACTS | tables | facts), name=name, view=VIEW, clip_frames=4)


def test_one_head_has_the_name_of_its_layer_and_many_have_their_own():
    (one,) = assembled()
    assert (one.name, one.title, one.head, one.head_count) == ("attn", "Attention", None, None)
    found = assembled(heads=3)
    assert [(each.head, each.head_count) for each in found] == [(0, 3), (1, 3), (2, 3)]
    assert [each.name for each in found] == ["attn.head0", "attn.head1", "attn.head2"]
    assert [each.title for each in found] == [f"Attention · head {number}" for number in (1, 2, 3)]
    for number, each in enumerate(found):
        np.testing.assert_array_equal(each.theta, numbers(3, N)[number])
        np.testing.assert_array_equal(each.phi, numbers(3, N)[number] + 0.5)


def test_a_later_run_of_a_layer_says_which():
    assert assembled("attn@2")[0].title == "Attention · run 2"
    assert assembled("attn@2", heads=2)[1].title == "Attention · run 2 · head 2"


def test_a_record_keeps_what_the_reading_says():
    pooled = {"subsample": (1, 1, 2), "phi": numbers(1, N // 2 + T), "g": numbers(1, N // 2 + T)}
    (one,) = assembled(**pooled, scope="space", off_grid_keys=("class token",), is_walled=True)
    assert (one.scale, one.pairwise, one.scope, one.is_walled) == (0.25, "embedded_gaussian", "space", True)
    assert (one.status, one.note, one.off_grid_keys) == ("untrained", "Mind.", ("class token",))
    assert one.query_grid.shape == (T, H, W)
    assert one.query_grid.frame_spans == ((0, 2), (2, 4))
    assert one.key_grid.shape == (T, H, W // 2)
    assert assembled(temporal_groups=2)[0].temporal_groups == 2


def test_where_no_position_asks_the_first_asker_stands_in():
    asking = numbers(2, 3) + 100
    found = assembled(heads=2, theta=numbers(2, N)[:, :0], askers=("query 1", "query 2", "query 3"), asker_theta=asking)
    for head, each in enumerate(found):
        assert each.asker == "query 1"
        np.testing.assert_array_equal(each.theta, np.tile(asking[head, 0], (N, 1)))
        np.testing.assert_array_equal(each.asker_theta, asking[head])


def test_grids_and_tables_that_do_not_fit_are_refused():
    with pytest.raises(GeometryError):
        assembled(query_thw=(8, H, W), theta=numbers(1, 8 * H * W))
    with pytest.raises(CaptureError, match="needs theta"):
        assembled(theta=numbers(1, N - 1))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_tables_are_float32_and_lie_in_order(dtype):
    values = torch.arange(6.0).reshape(2, 3).to(dtype)
    table = table_of(values.T)
    assert table.dtype == np.float32
    assert table.flags["C_CONTIGUOUS"]
    np.testing.assert_array_equal(table, [[0, 3], [1, 4], [2, 5]])
