"""A public function or method takes at most seven arguments; more belong into a record."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST = 7


def longer_than(most, module, source):
    """The public functions and methods of a module that take more arguments, keyword arguments counted."""
    tree = ast.parse(source)
    for owner in (tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))):
        for node in (node for node in owner.body if isinstance(node, ast.FunctionDef)):
            is_public = node.name == "__init__" or not node.name.startswith("_")
            taken = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            if is_public and len(taken) - (taken[:1] in (["self"], ["cls"])) > most:
                yield f"{module}: {f'{owner.name}.' if isinstance(owner, ast.ClassDef) else ''}{node.name}"


def test_no_public_function_takes_more_than_seven_arguments():
    core = ROOT / "nonlocal_core"
    found = {
        name
        for path in core.rglob("*.py")
        for name in longer_than(MOST, path.relative_to(core).as_posix(), path.read_text())
    }
    assert found == set()


def test_the_count_can_fail():
    source = "class A:\n def b(self, c, *, d): ...\n def _e(self, f, g, h): ...\ndef i(j, k): ...\ndef l(): ..."
    assert set(longer_than(1, "m.py", source)) == {"m.py: A.b", "m.py: i"}
    assert set(longer_than(2, "m.py", source)) == set()
