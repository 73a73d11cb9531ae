"""A condition keeps the rows that Python's own reading of it keeps, and whatever is no comparison is refused."""

import itertools

import pyarrow as pa
import pytest

from nonlocal_core.errors import SurveyError
from nonlocal_core.survey.condition import condition

ROWS = [
    {"effect": effect, "block": block, "is_shown_first": first, "place": place}
    for place, (effect, block, first) in enumerate(
        itertools.product((0.05, 0.3, 0.5, -2.0), ("stride16", "mend"), (True, False))
    )
]
TABLE = pa.Table.from_pylist(ROWS)


@pytest.mark.parametrize(
    "text",
    [
        "effect < 0.3",
        "effect<=0.3 and block == 'stride16'",
        "0.05 < effect <= 0.5",
        "not (block != 'mend' or effect > -1)",
        "is_shown_first and place >= 7",
        "effect > -2 and effect < 1e-1 or place == 3",
        " not is_shown_first",
        "0.3 == effect",
    ],
)
def test_rows_that_fulfil_it(text):
    kept = TABLE.filter(condition(text)).to_pylist()
    true = [row for row in ROWS if eval(text.strip(), {"__builtins__": {}}, row)]
    assert kept == true
    assert 0 < len(kept) < len(ROWS)


def test_a_row_without_the_figure_fulfils_no_comparison():
    table = pa.table({"effect": pa.array([None, 0.2, float("nan")], pa.float64())})
    assert table.filter(condition("effect < 1")).num_rows == 1
    assert table.filter(condition("not effect < 0.1")).num_rows == 2  # no number is not below it either


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("on_objekt > 0.5", "A row has no 'on_objekt' to compare; it has place, clip"),
        ("picture == 'a'", "no 'picture'"),
        ("asked == 1", "no 'asked'"),
        ("effect > 'a'", "does not compare a number with a number"),
        ("block < 1", "does not compare a text with a text"),
        ("effect in (1, 2)", "no part of a condition"),
        ("effect is 1", "does not compare"),
        ("effect + 1 > 2", "'effect \\+ 1' is no part"),
        ("__import__('os').system('true')", "no part of a condition"),
        ("effect.real > 1", "no part of a condition"),
        ("[effect for effect in (1,)] == 1", "no part of a condition"),
        ("(effect := 3) > 1", "no part of a condition"),
        ("effect", "is a number, and no condition"),
        ("effect and place", "'effect' is a number, where a comparison was expected"),
        ("not effect", "where a comparison was expected"),
        ("effect >", "is no condition: invalid syntax"),
        ("effect > 1; place", "is no condition"),
        ("effect > 1\0", "is no condition"),
        ("", "is no condition"),
        ("(" * 500 + "effect" + ")" * 500 + " > 1", "has at most|no condition"),
        ("place > 1" + "0" * 990, "is no condition|has at most"),
        ("effect > 1 and " * 80 + "effect > 1", "at most 1,000 characters"),
    ],
)
def test_what_is_no_condition_is_refused(text, words):
    with pytest.raises(SurveyError, match=words):
        condition(text)
