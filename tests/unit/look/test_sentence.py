"""The sentence of an answer, and the numbers in it."""

import numpy as np
import pytest
from render_rows import make_column, make_row

from nonlocal_core.look import answer_words, percent, question_words


def test_percent_rounds_as_people_do_and_never_calls_something_nothing():
    said = {0.0: "0 %", 0.0004: "<0.1 %", 0.0312: "3.1 %", 0.0996: "10 %", 0.43: "43 %", 1.0: "100 %", 0.0625: "6.3 %"}
    assert {share: percent(share) for share in said} == said


def put(shape=(3, 6, 8), query=(1, 2, 3), pairwise="embedded_gaussian", **weights):
    """A row with the given weights by cell, "t_y_x"."""
    values = np.zeros(shape)
    for name, weight in weights.items():
        values[tuple(map(int, name.strip("c").split("_")))] = weight
    return make_row(values, grid=shape, query=query, pairwise=pairwise)


def test_it_says_what_stays_and_where_most_of_the_rest_goes():
    row = put(c1_2_3=0.1, c1_5_5=0.2, c0_0_0=0.25, c2_1_1=0.3, c2_4_4=0.15)
    expected = "10 % stays on the spot itself, 30 % in its frame; the most elsewhere, 45 %, goes to frame 3."
    assert answer_words(row) == expected


def test_without_other_frames_it_names_the_place():
    still = put((1, 6, 8), (0, 2, 3), c0_2_3=0.25, c0_5_5=0.75)
    assert answer_words(still) == "25 % stays on the spot itself; the most elsewhere, 75 %, goes to row 6, column 6."
    within = put(c1_2_3=0.25, c1_5_5=0.75)
    assert answer_words(within).endswith("75 %, goes to row 6, column 6 in its frame.")
    alone = put(c1_2_3=1.0)
    assert answer_words(alone) == "100 % stays on the spot itself; nothing goes to other places in its frame."
    assert answer_words(put()) == "Looks nowhere: every weight is zero."


def test_steps_of_several_frames_are_named_whole():
    values = np.zeros((2, 6, 8))
    values[0, 0, 0], values[1, 1, 1] = 0.25, 0.75
    row = make_row(values, grid=(4, 6, 8), subsample=(2, 1, 1), query=(0, 0, 0))
    assert answer_words(row).endswith("the most elsewhere, 75 %, goes to frames 3 to 4.")


def test_negative_weight_does_not_count():
    row = put(pairwise="dot_product", c1_2_3=0.1, c0_0_0=-5.0, c2_1_1=0.3)
    assert answer_words(row).startswith("Of the positive weight (7.4 % of all), 25 % stays")
    assert answer_words(row).endswith("75 %, goes to frame 3.")
    negative = put(pairwise="dot_product", c0_0_0=-5.0)
    assert answer_words(negative) == "Looks nowhere: no weight is positive."


def test_a_column_says_where_the_looks_come_from():
    values = np.zeros((4, 6, 8))
    values[1, 3, 3], values[0, 0, 0], values[3, 1, 1] = 0.2, 0.2, 0.6
    column = make_column(values, key=(0, 1, 1), subsample=(2, 2, 2), grid=(4, 6, 8))
    expected = "20 % comes from the spot itself, 40 % from its frame; the most elsewhere, 60 %, comes from frame 4."
    assert answer_words(column) == expected
    assert answer_words(make_column(np.zeros((4, 6, 8)), key=(0, 1, 1), subsample=(2, 2, 2), grid=(4, 6, 8))) == (
        "Nobody looks here: every weight is zero."
    )


def test_the_question_is_said_with_frame_and_time():
    row = put(c1_2_3=1.0)
    assert question_words(row, frames=3, seconds=0.4) == (
        "Where frame 2 of 3 at 0.40 s, row 3, column 4 of 6 x 8 looks"
    )
    still = put((1, 6, 8), (0, 2, 3), c0_2_3=0.25)
    assert question_words(still, frames=1, seconds=0.0) == "Where row 3, column 4 of 6 x 8 looks"
    column = make_column(np.ones((4, 6, 8)), key=(0, 1, 1), subsample=(1, 2, 2), grid=(4, 6, 8))
    assert question_words(column, frames=4, seconds=0.0) == (
        "Who looks at frame 1 of 4 at 0.00 s, row 2, column 2 of 3 x 4"
    )


@pytest.mark.parametrize("share", [0.00099999, 0.0994999, 0.0995001, 0.2549999, 0.255])
def test_a_percent_is_the_nearest_one(share):
    said = percent(share)
    assert said == "<0.1 %" or abs(float(said.removesuffix(" %")) - 100 * share) <= (
        0.5 if 100 * share >= 9.95 else 0.05
    )
