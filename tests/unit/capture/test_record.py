"""Records of a pass: tables that do not fit are refused, counts follow from the grids, sentences from the facts."""

from dataclasses import replace

import numpy as np
import pytest

from nonlocal_core.capture.record import BlockCapture, Capture, ClassScore, asked_by, asker_words, in_a_chain
from nonlocal_core.errors import CaptureError, SelectionError, UnknownNameError
from nonlocal_core.geometry import QueryGrid

STEPS, ROWS, COLS, CHANNELS = 4, 3, 5, 2
QUERIES = STEPS * ROWS * COLS
GRID = QueryGrid.over_clip(clip_frames=8, steps=STEPS, rows=ROWS, cols=COLS)
POOL = (2, 1, 2)  # of 5 columns one is dropped: 2 x 3 x 2 keys
POOLED = 2 * 3 * 2


def table(rows, seed=0):
    return np.random.default_rng(seed).standard_normal((rows, CHANNELS)).astype(np.float32)


def block(name="a", **facts):
    known = {"title": name, "pairwise": "embedded_gaussian", "scale": 1.0, "query_grid": GRID}
    known |= {"key_grid": GRID.pooled((1, 1, 1)), "theta": table(QUERIES), "phi": table(QUERIES, 1)}
    return BlockCapture(name=name, **known | facts)


def pooled(**facts):
    return block(key_grid=GRID.pooled(POOL), subsample=POOL, **{"phi": table(POOLED)} | facts)


@pytest.mark.parametrize(
    "facts",
    [
        {"theta": table(QUERIES - 1)},
        {"phi": table(QUERIES + 1)},
        {"off_grid_keys": ("class token",)},
        {"askers": ("class token",)},
        {"askers": ("class token",), "asker_theta": table(2)},
        {"subsample": POOL},
    ],
)
def test_tables_that_do_not_fit_their_grids_are_refused(facts):
    with pytest.raises(CaptureError, match="Block 'a'"):
        block(**facts)


@pytest.mark.parametrize("name", ["theta", "phi"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(name, value):
    spoilt = table(QUERIES)
    spoilt[-1, -1] = value
    with pytest.raises(CaptureError, match="not finite"):
        block(**{name: spoilt})


@pytest.mark.parametrize(
    ("facts", "count"),
    [
        ({}, QUERIES),
        ({"scope": "space"}, ROWS * COLS),
        ({"scope": "time"}, STEPS),
        ({"temporal_groups": 2}, QUERIES // 2),
        ({"temporal_groups": 2, "scope": "time"}, STEPS // 2),
        ({"scope": "space", "temporal_groups": 2}, ROWS * COLS),
        ({"off_grid_keys": ("class token",), "phi": table(QUERIES + 1)}, QUERIES + 1),
        ({"off_grid_keys": ("a", "b"), "scope": "space", "phi": table(QUERIES + 2 * STEPS)}, ROWS * COLS + 2),
        ({"off_grid_keys": ("a", "b", "c"), "has_key_grid": False, "phi": table(3)}, 3),
    ],
)
def test_keys_of_one_query_are_those_that_scope_and_groups_leave_to_it(facts, count):
    assert block(**facts).key_count == count


def test_pooled_keys_are_counted_after_the_pooling():
    assert pooled().key_count == POOLED
    assert pooled(scope="space").key_count == 3 * 2
    assert pooled(scope="time").key_count == 2


def test_off_grid_keys_and_askers_come_once_or_for_each_step():
    assert (block().off_grid_copies, block().asker_copies) == (1, 1)
    assert (pooled(scope="space").off_grid_copies, pooled(scope="space").asker_copies) == (2, STEPS)


@pytest.mark.parametrize(
    ("facts", "is_softmax", "is_summed"),
    [
        ({"pairwise": "gaussian"}, True, True),
        ({"pairwise": "embedded_gaussian"}, True, True),
        ({"pairwise": "dot_product"}, False, False),
        ({"pairwise": "concatenation"}, False, False),
        ({"pairwise": "matched"}, False, True),
        ({"pairwise": "gaussian", "askers_are_keys": True}, False, False),
    ],
)
def test_rows_that_sum_to_one_are_told_from_others(facts, is_softmax, is_summed):
    assert (block(**facts).is_softmax, block(**facts).is_summed) == (is_softmax, is_summed)


def test_a_head_has_the_names_of_its_layer():
    head = block("attn.head10", head=10, title="Attention · head 11")
    assert (head.layer, head.layer_title) == ("attn", "Attention")
    assert (block("attn.head10").layer, block(title="x · head 11").layer_title) == ("attn.head10", "x · head 11")


def test_an_asker_asks_at_every_position_of_its_step():
    names, own = ("class token", "register 1"), table(2 * STEPS, 7)
    asked = asked_by(block(scope="space", askers=names, asker_theta=own, effect=np.ones(QUERIES, np.float32)), names[1])
    assert asked.asker == "register 1"
    assert asked.effect is None
    for query in range(QUERIES):
        np.testing.assert_array_equal(asked.theta[query], own[2 * GRID.cell(query).t + 1])
    everywhere = asked_by(block(askers=names, asker_theta=own[:2]), names[0])
    np.testing.assert_array_equal(everywhere.theta, np.tile(own[0], (QUERIES, 1)))


def test_who_is_no_asker_is_refused_and_nobody_changes_nothing():
    one = block(askers=("class token",), asker_theta=table(1))
    assert asked_by(one, None) is one
    asked = asked_by(one, "class token")
    assert asked_by(asked, "class token") is asked
    with pytest.raises(UnknownNameError, match="class token"):
        asked_by(one, "register 1")
    with pytest.raises(UnknownNameError):
        asked_by(block(), "class token")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, "adds nothing to its input"),
        ({"rebuild_error": 1.2e-6}, "at every query, the output rebuilt from it equals the layer's own to 2e-06 of"),
        ({"rebuild_error": 0.0}, "to 0 of"),
        ({"rebuild_error": 1e-3, "rebuilt_queries": QUERIES}, "at every query"),
        ({"rebuild_error": 1e-3, "rebuilt_queries": 9}, "at 9 queries drawn for this clip"),
        ({"rebuild_error": 1e-3, "is_half": True}, "equals that of the layer, repeated in float32, to 0.001"),
    ],
)
def test_the_proof_says_where_it_was_taken_and_never_less_than_its_error(facts, said):
    assert said in block(**facts).proof
    assert ("when the network first met" in block(**facts).proof) == (facts.get("rebuilt_queries") == 9)


def test_a_block_without_output_of_its_own_is_told_from_one_without_residual():
    assert block().adds_nothing
    assert not block(rebuild_error=0.0).adds_nothing
    assert not block(effect=np.zeros(QUERIES, np.float32)).adds_nothing
    assert block().mean_effect is None
    assert block(effect=np.arange(QUERIES, dtype=np.float32)).mean_effect == (QUERIES - 1) / 2


def test_the_warning_names_initial_weights_once_windows_the_asker_and_the_note():
    assert block().warning == ""
    assert block(status="untrained").warning.startswith("Untrained: ")
    assert block(status="untrained", note="Untrained.").warning == "Untrained."
    assert block(is_walled=True, note="Mind.").warning.endswith("has weight 0. Mind.")
    one = asked_by(block(askers=("class token",), asker_theta=table(1), note="Mind."), "class token")
    assert one.warning == "Mind. Asked by the class token, not by a position: the answer is the same anywhere."
    assert one.warning_of_any_asker == "Mind."
    space = block(scope="space", askers=("query 3",), asker_theta=table(STEPS))
    assert asked_by(space, "query 3").warning.endswith(
        "by query 3, not by a position: the answer is the same within a frame."
    )
    word = replace(block(askers=("dog", "cat"), asker_theta=table(2), askers_are_keys=True), asker="dog")
    assert word.warning.startswith('"dog" is one of 2 keys')
    assert replace(word, asker="query 1").warning.startswith("Query 1 is one of 2 keys")


def test_askers_are_named_as_a_sentence_names_them():
    assert asker_words("query 3", is_key=True) == "query 3"
    assert asker_words("dog") == "the dog"


def test_blocks_are_chained_layer_by_layer_whatever_heads_they_have():
    heads = [block(f"{layer}.head{head}", head=head) for layer in "ab" for head in range(2)]
    chained = in_a_chain([*heads, block("c")])
    assert [each.before for each in chained] == [None, None, "a", "a", "b"]


def test_further_hops_go_through_the_layer_before_and_the_first_one_again():
    chained = in_a_chain([*(block(f"a.head{head}", head=head) for head in range(2)), block("b"), block("c")])
    capture = Capture(blocks=chained)
    assert capture.route(chained[-1], 1) == ()
    names = [[each.name for each in layer] for layer in capture.route(chained[-1], 4)]
    assert names == [["b"], ["a.head0", "a.head1"], ["a.head0", "a.head1"]]


@pytest.mark.parametrize("at", [0, 1])
def test_hops_through_rows_that_sum_to_nothing_are_refused(at):
    rules = ["gaussian", "gaussian"]
    rules[at] = "dot_product"
    chained = in_a_chain([block("a", pairwise=rules[0]), block("b", pairwise=rules[1])])
    capture = Capture(blocks=chained)
    assert capture.route(chained[1], 1) == ()
    with pytest.raises(SelectionError, match=f"of '{'ab'[at]}' are not"):
        capture.route(chained[1], 2)


def test_the_first_hop_may_be_asked_by_a_class_token_and_no_later_one():
    token = {"askers": ("class token",), "asker_theta": table(1)}
    chained = in_a_chain([block("a", **token), block("b", **token)])
    capture = Capture(blocks=tuple(asked_by(each, "class token") for each in chained))
    assert len(Capture(blocks=(chained[0], capture.blocks[1])).route(capture.blocks[1], 2)) == 1
    with pytest.raises(SelectionError):
        capture.route(chained[1], 2)


def test_a_capture_shows_the_last_block_that_positions_ask_or_the_named_one():
    token = asked_by(block("c", askers=("class token",), asker_theta=table(1)), "class token")
    capture = Capture(blocks=(block("a"), block("b"), token), classes=(ClassScore("cat", 0.5),))
    assert (capture.block().name, capture.block("a").name) == ("b", "a")
    assert replace(capture, shown="a").block().name == "a"
    assert Capture(blocks=(token,)).block().name == "c"
    with pytest.raises(UnknownNameError, match="a, b, c"):
        capture.block("d")
    with pytest.raises(CaptureError, match="no block"):
        Capture(blocks=()).block()


def test_a_long_capture_names_its_first_blocks():
    many = Capture(blocks=tuple(block(str(number)) for number in range(9)))
    assert many.blocks_in_words == "9 blocks: 0, 1, 2, 3, 4, 5, 3 more"
    assert Capture(blocks=(block("a"),)).blocks_in_words == "1 block: a"
    assert repr(Capture(blocks=())) == "Capture(0 blocks: none)"
    assert repr(pooled()) == "BlockCapture('a', embedded_gaussian, queries 4x3x5, keys 2x3x2, 2 channels)"
