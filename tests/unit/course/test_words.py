"""Words of the course: short, cited, plain, and each with a step that shows them."""

import re

import pytest

from app.views.frame import _TITLES
from nonlocal_core.course.words import learn

MOST_WORDS = 70
PARTS = {"query", "key", "pair", "keys"}
STEPS = learn().steps
SIDES = r"\bon the (left|right)\b|\b(left|right)[- ](hand|picture|side)\b"


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.id)
def test_a_step_is_short_cited_and_plain(step):
    assert len(step.words.split()) <= MOST_WORDS
    assert re.search(r"section|Table|\d{4}|Findings", step.cites), "where it comes from"
    assert step.question.endswith("?")
    assert not step.title.endswith(".")
    for said in (step.title, step.words, step.cites, step.attempt, step.question, step.answer, step.still, step.alone):
        assert not re.search(r"[<>&`*]|https?:", said), "text, never markup"
        assert "  " not in said
    for said in filter(None, (step.words, step.attempt, step.alone, step.question, step.answer)):
        assert said == said.strip()
        assert said.endswith((".", "?"))


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.id)
def test_every_formula_names_parts_of_the_picture(step):
    parts = re.findall(r"\[[^\]|]+\|(\w+)\]", step.formula)
    assert set(parts) <= PARTS
    assert len(parts) >= 2, "something to point at"
    left = re.sub(r"\[[^\]|]+\|\w+\]", "", step.formula)
    assert "]" not in left
    assert not re.search(r"[_^](?![{\w−])", step.formula), "nothing is set low or high that is no letter"


def test_no_word_depends_on_the_width_of_the_screen():
    """On a phone the pictures stand one below the other."""
    steps = [
        getattr(step, part) for step in STEPS for part in ("words", "attempt", "question", "answer", "still", "alone")
    ]
    said = [*filter(None, steps), *learn().help.values()]
    assert len(said) > 4 * len(STEPS)
    assert [text for text in said if re.search(SIDES, text)] == []
    assert re.search(SIDES, "Point at the right picture."), "it can fail"


def test_every_page_has_words_of_what_is_seen():
    assert {title.lower() for title in _TITLES} - {"explore", "learn"} <= set(learn().help)


def test_a_count_of_words_can_fail():
    assert len((" word" * 71).split()) > MOST_WORDS
