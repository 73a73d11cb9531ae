"""Keys taken away from one row: against slow sums, where the cause is known, and null on an untrained block."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from loud_networks import OPEN, clip, loud_session, trunk

from nonlocal_core import CaptureError, SelectionError, Session, prepare_model
from nonlocal_core.capture import BlockSite, attach
from nonlocal_core.capture.own import NonlocalBlockReader
from nonlocal_core.capture.rows import row_weights
from nonlocal_core.geometry import Cell
from nonlocal_core.measures.ablation import answer, moved
from nonlocal_core.measures.faithfulness import CUTS, Faithfulness, Interval, _above_even, faithfulness_curve
from nonlocal_core.models import InsertedBlock, Lite0Network, NonlocalBlock
from nonlocal_core.vocabulary import PAIRWISE

POINT = {"frame": 1, "x": 0.4, "y": 0.6}
PRECISION = 1e-3
"""Of a change, in float32 against float64; worst seen 2e-5."""


def input_of(session, name):
    """What a block of the session's network reads."""
    seen = []
    module = next(block.module for block in session.model.network.inserted if block.name == name)
    handle = module.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    answer(session)
    handle.remove()
    return module, seen[0]


def change_by_sums(module, x, query, cut):
    """|change of W_z y| / |W_z y| without some keys, in float64, from the rows of the explicit matrix."""
    module = module.double()
    pieces = module.embed(x.double())
    theta, phi, g = pieces.theta[0, query], pieces.phi[0], pieces.g[0]

    def added(keys):
        if module.pairwise in ("gaussian", "embedded_gaussian"):
            weights = (phi[keys] @ theta).softmax(0)
        else:
            f = torch.relu(theta + phi[keys])[:, 0] if module.pairwise == "concatenation" else phi[keys] @ theta
            weights = f / len(keys)
        return module.project((weights[:, None] * g[keys]).sum(0)[None, None])[0, 0]

    everything = torch.arange(len(phi))
    whole, rest = added(everything), added(everything[~torch.isin(everything, cut)])
    module.float()
    return float((rest - whole).norm() / whole.norm())


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_the_strongest_keys_are_cut_from_this_row_alone(pairwise):
    session = loud_session(pairwise, subsample=(1, 2, 2))
    found = session.faithfulness(**POINT, block="stride8", keys=7, draws=5)
    block = session.block("stride8")
    cell = block.query_grid.cell_at(**POINT)
    query, row = block.query_grid.index(cell), row_weights(block, cell)  # in float64, which a sharp row needs
    strongest = torch.from_numpy(np.argsort(-np.abs(row), kind="stable")[:7].copy())
    expected = change_by_sums(*input_of(session, "stride8"), query, strongest)
    assert found.added["strongest"].mean == pytest.approx(expected, rel=PRECISION)
    assert found.keys == 7
    assert set(found.added) == set(CUTS)
    assert found.answer == {}


def test_the_answer_is_that_of_the_network_without_these_keys():
    session = loud_session()
    found = session.faithfulness(**POINT, block="stride16", keys=5, draws=2, runs=1)
    row = session.query(**POINT, block="stride16").values
    mask = np.zeros(len(row), bool)
    mask[np.argsort(-row, kind="stable")[:5]] = True
    expected = moved(answer(session), answer(session, cut_keys={"stride16": mask}))
    assert found.answer["strongest"].mean == pytest.approx(expected, abs=1e-6)
    again = session.faithfulness(**POINT, block="stride16", keys=5, draws=2)
    assert again.added == found.added, "the draws are the same"


def test_keys_of_the_nearest_colour_are_those_of_the_clip():
    """A red square on green: as many keys as it has are cut by colour, and all of them lie in it."""
    rgb = np.full((2, 64, 96, 3), (30, 140, 50), np.uint8)
    rgb[:, 16:32, 32:64] = (200, 30, 30)  # 2 x 4 cells of stride 8, in both frames
    loud = loud_session()
    session = Session.open(rgb, loud.model, short_side=64)
    found = session.faithfulness(frame=0, x=0.5, y=0.4, block="stride8", keys=16, draws=3)
    square = torch.from_numpy(np.flatnonzero((session.frames.rgb[:, ::8, ::8, 0] == 200).reshape(-1)))
    assert len(square) == 16
    query = session.block("stride8").query_grid.index(Cell(0, 3, 6))
    assert found.added["colour"].mean == pytest.approx(
        change_by_sums(*input_of(session, "stride8"), query, square), rel=PRECISION
    )


def test_where_only_a_look_elsewhere_can_answer_the_strongest_keys_carry_the_answer():
    """Who wore the mark: nothing at the position tells, so without the keys that it looks at the answer is lost."""
    session = Session.open("sample:marked")
    first = session.sample.query
    found = session.faithfulness(frame=first.frame, x=first.x, y=first.y, draws=20, runs=3)
    assert found.moves_answer
    assert found.answer["strongest"].mean > 0.3
    assert found.answer["random"].high < 0.1
    assert found.stands_out
    assert found.words.startswith(f"Cutting its {found.keys} strongest keys changes what the block adds here by ")
    assert f"Cutting its {found.keys} strongest keys changes the answer by" in found.words


def test_an_untrained_block_says_that_its_map_does_not_matter():
    block = InsertedBlock(name="new", title="New", module=NonlocalBlock(112), status="untrained", note="")
    network = (
        Lite0Network(trunk(), stride16=block, block_bytes_per_pixel=20.0).eval().requires_grad_(requires_grad=False)
    )
    reader = NonlocalBlockReader(block.module)
    attach((BlockSite(name="new", title="New", module=block.module, reader=reader, status="untrained"),))
    session = Session.open(clip(), replace(prepare_model(), network=network), **OPEN)
    found = session.faithfulness(**POINT, draws=4, runs=2)
    assert {effect.mean for effect in (*found.added.values(), *found.answer.values())} == {0.0}
    assert not found.stands_out
    assert found.moves_answer is False
    assert found.words.count("matter no more than random ones") == 2


def test_the_words_follow_the_interval_of_random_draws():
    def at(strongest, *random):
        chance = Interval.over(list(random))
        return Faithfulness(keys=3, added={"strongest": Interval.over([strongest]), "random": chance}, answer={})

    assert at(0.5, 0.1, 0.2).stands_out
    assert not at(0.15, 0.1, 0.2).stands_out
    assert at(0.15, 0.1, 0.2).words == (
        "To what the block adds here its 3 strongest keys matter no more than random ones: cut, they change it by "
        "15 %, 3 random ones 15 % (10 % to 20 %)."
    )
    assert Interval.over([0.0] * 2 + [1.0] * 2) == Interval(mean=0.5, low=0.0, high=1.0)


def test_what_cannot_be_cut_is_refused():
    session = loud_session()
    size = session.block("stride16").key_count
    for keys in (0, size):
        with pytest.raises(SelectionError, match=f"from 1 to {size - 1} of the {size} keys of this query; got {keys}"):
            session.faithfulness(**POINT, keys=keys)
    for keys in (1, size - 1):
        assert session.faithfulness(**POINT, keys=keys, draws=1).keys == keys
    for draws, runs in ((0, 0), (1, -1)):
        with pytest.raises(SelectionError, match=f"got {draws} and {runs}"):
            session.faithfulness(**POINT, draws=draws, runs=runs)
    with pytest.raises(CaptureError, match=r"'patches of pixels' is none. Ask one of: none in this network"):
        Session.open(np.zeros((1, 8, 9, 3), np.uint8), "pixels-nl-means", short_side=8).faithfulness(frame=0, x=0, y=0)


def test_a_curve_ends_with_all_keys_above_an_even_share_and_runs_once_for_all_counts():
    session = loud_session("dot_product")
    block = session.block("stride16")
    cell = block.query_grid.cell_at(**POINT)
    told = []
    curve = faithfulness_curve(session, block, cell, draws=3, runs=1, progress=lambda done, of: told.append((done, of)))
    whole = session.faithfulness(**POINT, block="stride16", draws=3)
    assert [found.keys for found in curve] == [*(1 << n for n in range(len(curve) - 1)), whole.keys]
    assert curve[-1].added == whole.added
    assert set(curve[-1].answer) == set(CUTS)
    assert all(found.answer == {} for found in curve[:-1])
    for keys, found in zip((1, 2), curve, strict=False):
        assert (
            found.added["strongest"]
            == session.faithfulness(**POINT, block="stride16", keys=keys, draws=3).added["strongest"]
        )
    assert told[-1] == (5, 5)


@pytest.mark.parametrize(
    ("weights", "count"),
    [
        ([0.3, 0.3, 0.3, 0.1], 3),
        ([0.7, 0.1, 0.1, 0.1], 1),
        ([0.25, 0.25, 0.25, 0.25], 1),  # none has more than the others
        ([0.0, 0.0, 0.0, 0.0], 1),
        ([-5.0, 0.1, 1.0, 1.0], 2),  # of the positive weight an even share is 0.525
    ],
)
def test_the_keys_above_an_even_share_are_at_least_one(weights, count):
    allowed = np.array([0, 2, 3, 5])
    row = np.full(7, 9.0)  # which others do not see
    row[allowed] = weights
    assert _above_even(row, allowed) == count
