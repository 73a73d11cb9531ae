"""Cautions over charts: two lines at most, and nothing lost."""

import html

import plotly.graph_objects as go

from nonlocal_core.app.widgets import cautions, charts

SHORT = ["Untrained: this map shows nothing that was learned."]
LONG = [
    *SHORT,
    f"{'W' * 90}.png is transparent; what lies behind is grey.",
    "Asked by the class token, not by a position.",
]


def annotation(said):
    (found,) = cautions.written_on(charts.styled(go.Figure()), said).layout.annotations
    return found


def test_few_words_stand_whole_over_a_chart():
    assert annotation(SHORT).text.replace("<br>", " ") == SHORT[0]
    assert annotation(SHORT).hovertext is None
    assert not cautions.written_on(charts.styled(go.Figure()), []).layout.annotations


def test_many_words_are_two_lines_that_say_where_the_rest_is():
    found = annotation(LONG)
    lines = found.text.split("<br>")
    assert len(lines) == 2
    assert " ".join(lines).startswith("Untrained: this map shows nothing that was learned. 2 more")
    assert " ".join(lines).endswith("in full on the page.")
    whole = html.unescape(found.hovertext.replace("<br>", ""))
    assert whole.replace(" ", "") == "".join(LONG).replace(" ", "")


def test_where_no_beginning_fits_their_number_is_said():
    assert cautions.brief(LONG[1:2]) == "One caution: in full on the page."
    assert cautions.brief(LONG[1:]) == "2 cautions: in full on the page."
