"""No widget of the pages has the name of a state that a page keeps: it would begin with that state as its value."""

import ast
from collections.abc import Iterator
from pathlib import Path

APP = Path(__file__).parents[2] / "app"
MODULES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in APP.rglob("*.py")}


def is_state(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "session_state"


def asked_of_state(module: ast.Module) -> Iterator[ast.expr]:
    """Yield what a module asks of the state: state[NAME], state.get(NAME), NAME in state."""
    for node in ast.walk(module):
        if isinstance(node, ast.Subscript) and is_state(node.value):
            yield node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and is_state(node.func.value):
            yield from node.args[:1]
        elif isinstance(node, ast.Compare) and any(map(is_state, node.comparators)):
            yield node.left


def constants(module: ast.Module) -> dict[str, str]:
    """Return the texts that have names in a module."""
    found = {}
    for statement in module.body:
        if isinstance(statement, ast.Assign):
            names, values = statement.targets[0], statement.value
            pairs = (
                zip(names.elts, values.elts, strict=True)
                if isinstance(values, ast.Tuple) and isinstance(names, ast.Tuple)
                else [(names, values)]
            )
            found |= {
                name.id: value.value
                for name, value in pairs
                if isinstance(name, ast.Name) and isinstance(value, ast.Constant)
            }
    return found


def kept_states() -> set[str]:
    """The names under which pages keep a state of their own."""
    found = set()
    for module in MODULES.values():
        named = constants(module)
        for node in asked_of_state(module):
            if isinstance(node, ast.Name) and node.id in named:
                found.add(named[node.id])
    return found


def widget_keys() -> set[str]:
    """The keys that widgets are given as a text of their own."""
    return {
        str(keyword.value.value)
        for module in MODULES.values()
        for call in ast.walk(module)
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg == "key" and isinstance(keyword.value, ast.Constant)
    }


def test_no_widget_begins_with_what_a_page_keeps():
    assert "learn-shown" in kept_states(), "states are found"
    assert "learn-clip" in widget_keys(), "widgets are found"
    assert widget_keys() & kept_states() == set()
