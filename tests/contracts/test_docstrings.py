"""A docstring begins with what a thing is or does: a noun, or a verb in the imperative."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("app", "benchmarks", "nonlocal_core", "pretrained", "tools")
QUESTIONS = {"What", "Whether", "How", "Who", "Whose", "Where", "Which", "When", "Why"}
ANSWER = re.compile(rf"(Return|Yield) ({'|'.join(sorted(QUESTIONS - {'Whether'})).lower()})\b")
"""Verb with a question in the place of a noun: "Return how many frames" for "Return the number of frames"."""
PRONOUNS = {"It", "Its", "That", "Their", "These", "They", "This", "Those", "Whatever"}
PREPOSITIONS = {"After", "At", "Before", "Beside", "By", "For", "From", "In", "Of", "On", "Over", "Under", "With"}
IRREGULAR = re.compile(
    "(Be(come|gun)|Bought|Bound|Broken|Brought|Built|Caught|Chosen|Done|Drawn|Driven|Fed|Forgotten|Found|Given|Got|Held"
    "|Hidden|Kept|Known|Laid|Left|Lost|Made|Meant|Met|Paid|Said|Seen|Sent|Shown|Sought|Spent|Split|Stood|Taken|Taught"
    "|Thrown|Told|Woken|Worn|Written)"
)
NOUNS_AND_VERBS = {
    *("Beginning", "Drawing", "Ending", "Learning", "Matching", "Meaning", "Opening", "Packing", "Padding", "Pooling"),
    *("Reading", "Recording", "Rounding", "Setting", "Shipping", "Threading", "Training", "Warning"),
    *("Bring", "Embed", "Everything", "Feed", "Need", "Nothing", "Seed", "Speed", "String", "Thing"),
}
"""Words that end as participles do, and are none."""
BEFORE_A_NOUN = {
    *(
        "Asked cells",
        "Coded frames",
        "Fixed rows",
        "Inverted residuals",
        "Leading axes",
        "Moving pictures",
        "Repeated measurements",
    ),
    *("Sampled queries", "Standardised features", "Weighted sums"),
}
"""Participles that say which things a noun means; each was looked at."""


THIRD_PERSON = re.compile(r"[A-Z][a-z]+[^s\W]s (a|an|the|its)\b")
UNENGLISH = re.compile(r"\bfrom which on\b|(?<!there )\b(is|are) no (?!longer|more|larger|less)", re.IGNORECASE)
"""Word order of another language: "tokens that are no positions" for tokens that are not positions."""


def is_neither(line):
    """Whether a first line begins with no noun and no verb in the imperative."""
    first, second = re.match(r"([\w-]*)\W*([\w-]*)", line).groups()
    if first in QUESTIONS | PRONOUNS | PREPOSITIONS or THIRD_PERSON.match(line) or ANSWER.match(line):
        return True
    is_participle = re.fullmatch("[A-Z][a-z]+(ing|ed)", first) or IRREGULAR.fullmatch(first)
    return bool(is_participle) and first not in NOUNS_AND_VERBS and f"{first} {second}" not in BEFORE_A_NOUN


def docstrings(source):
    """The name and the text of each docstring of a module, those under its constants and fields too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, "name", "module"), text
            for said, below in pairwise(node.body):
                match said, below:
                    case ast.Assign() | ast.AnnAssign(), ast.Expr(value=ast.Constant(value=str(text))):
                        yield ast.unparse(said).partition(" ")[0].rstrip(":"), text


def docstrings_of(room):
    for path in sorted((ROOT / room).rglob("*.py")):
        for name, text in docstrings(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(ROOT)}, {name}", text


@pytest.mark.parametrize("room", ROOMS)
def test_every_docstring_begins_with_a_noun_or_a_verb(room):
    first_lines = ((place, text.splitlines()[0]) for place, text in docstrings_of(room))
    assert [f"{place}: {line}" for place, line in first_lines if is_neither(line)] == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_docstring_has_the_word_order_of_another_language(room):
    found = ((place, UNENGLISH.search(" ".join(text.split()))) for place, text in docstrings_of(room))
    assert [f"{place}: {odd[0]}" for place, odd in found if odd] == []


def test_the_check_can_fail():
    for source in ('class A:\n    """What a thing is."""', 'A = 1\n"""Whether."""', 'A: int\n"""How many."""'):
        ((name, line),) = docstrings(source)
        assert name == "A"
        assert is_neither(line)
    for line in ("Of a frame.", "Those that are shown.", "Kept for a visitor.", "Cutting a box.", "Inverted: rows."):
        assert is_neither(line)
    for line in ("Counts the frames.", "Ends a run.", "Pools its input."):
        assert is_neither(line)
    for line in ("Return what is read.", "Return how many frames.", "Yield which cells.", "Return where it lies."):
        assert is_neither(line)
    for text in ("Share from which on it counts.", "Keys that are no positions.", "This is no clip."):
        assert UNENGLISH.search(text)
    for line in (
        "Reading of a file.",
        "Bring order.",
        "Inverted residuals of one width.",
        "Row of a block.",
        "Return whether it is read.",
        "Return the rows, which sum to 1.",
        "Pass the row.",
        "Ends of the range.",
        "(x, y).",
    ):
        assert not is_neither(line)
    for text in ("Zeros where there are no pixels.", "There is no block.", "The matrix is no larger."):
        assert not UNENGLISH.search(text)
