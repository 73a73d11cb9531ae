"""A docstring begins with what a thing is or does: a noun, or a verb in the imperative."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("app", "benchmarks", "nonlocal_core", "pretrained", "tools")
NEITHER = re.compile(r"(What|Whether|How|Who|Whose|Where|Which|When|Why)\b")


def first_lines(source):
    """The name and the first line of each docstring of a module, those under its constants and fields too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, "name", "module"), text.splitlines()[0]
            for said, below in pairwise(node.body):
                match said, below:
                    case ast.Assign() | ast.AnnAssign(), ast.Expr(value=ast.Constant(value=str(text))):
                        yield ast.unparse(said).partition(" ")[0].rstrip(":"), text.splitlines()[0]


@pytest.mark.parametrize("room", ROOMS)
def test_no_docstring_begins_with_a_question_word(room):
    begun = [
        f"{path.relative_to(ROOT)}, {name}: {line}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for name, line in first_lines(path.read_text(encoding="utf-8"))
        if NEITHER.match(line)
    ]
    assert begun == []


def test_the_check_can_fail():
    for source in ('class A:\n    """What a thing is."""', 'A = 1\n"""Whether."""', 'A: int\n"""How many."""'):
        ((name, line),) = first_lines(source)
        assert name == "A"
        assert NEITHER.match(line)
