"""Conditions on the rows of a survey, such as ``own_frame_share < 0.3 and block == 'stride16'``.

Python's parser reads them, and no part of them is run: names, numbers, strings and comparisons become an Arrow
expression, and all else is refused.
"""

import ast
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from nonlocal_core.errors import SurveyError
from nonlocal_core.survey.records import SCHEMA

LONGEST = 1_000
"""Maximum length of a condition in characters."""
_KINDS = {pa.int64(): "a number", pa.float64(): "a number", pa.string(): "a text", pa.bool_(): "true or false"}
_COLUMNS = {field.name: _KINDS[field.type] for field in SCHEMA if field.type in _KINDS}
_CONSTANTS = {int: "a number", float: "a number", str: "a text", bool: "true or false"}
_COMPARED = {
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
}
_EXAMPLE = "Write such as: own_frame_share < 0.3 and block == 'stride16'."


def condition(text: str) -> Any:
    """Return the Arrow expression for a condition on the columns of a row that hold one value.

    It may have comparisons (``< <= > >= == !=``), ``and``, ``or``, ``not`` and brackets. A row without the figure
    fulfils no comparison with it. Raises SurveyError, which names the invalid part.

    >>> condition("0.1 < effect < 0.5 and not is_shown_first")
    <pyarrow.compute.Expression (((0.1 < effect) and (effect < 0.5)) and invert(is_shown_first))>
    """
    try:
        if len(text) > LONGEST:
            raise SurveyError(f"A condition has at most {LONGEST:,} characters; this one has {len(text):,}.")
        made, kind = _made(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as fault:
        raise SurveyError(f"{text[:80]!r} is no condition: {fault}. {_EXAMPLE}") from fault
    if kind != "true or false":
        raise SurveyError(f"{text!r} is {kind}, and no condition. {_EXAMPLE}")
    return made


def _made(node: ast.expr) -> tuple[Any, str]:
    """Return the expression of a part, and the kind of its values."""
    match node:
        case ast.Name(id=name):
            if name not in _COLUMNS:
                raise SurveyError(f"A row has no {name!r} to compare; it has {', '.join(_COLUMNS)}.")
            return pc.field(name), _COLUMNS[name]
        case ast.Constant(value=value) if type(value) in _CONSTANTS:
            return pc.scalar(value), _CONSTANTS[type(value)]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return pc.scalar(-value), "a number"
        case ast.UnaryOp(op=ast.Not(), operand=part):
            return ~_truth(part), "true or false"
        case ast.BoolOp(op=op, values=parts):
            first, *rest = map(_truth, parts)
            for part in rest:
                first = first & part if isinstance(op, ast.And) else first | part
            return first, "true or false"
        case ast.Compare():
            return _comparison(node), "true or false"
    raise SurveyError(f"{ast.unparse(node)!r} is no part of a condition. {_EXAMPLE}")


def _truth(node: ast.expr) -> Any:
    made, kind = _made(node)
    if kind != "true or false":
        raise SurveyError(f"{ast.unparse(node)!r} is {kind}, where a comparison was expected. {_EXAMPLE}")
    return made


def _comparison(node: ast.Compare) -> Any:
    parts = [_made(part) for part in (node.left, *node.comparators)]
    found = None
    for (left, kind), (right, other), op in zip(parts, parts[1:], node.ops, strict=False):
        if type(op) not in _COMPARED or kind != other:
            raise SurveyError(f"{ast.unparse(node)!r} does not compare {kind} with {kind}. {_EXAMPLE}")
        compared = getattr(pc, _COMPARED[type(op)])(left, right)
        found = compared if found is None else found & compared
    return found
