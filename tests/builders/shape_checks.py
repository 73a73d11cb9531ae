"""Checks of every call's types and shapes while the tests run: beartype for types, jaxtyping for shapes.

``jaxtyping.install_import_hook`` would do, but it binds the arguments of every call and checks them twice, which was
half of the time of the unit tests. Here a call is checked once, and axes are compared only where a shape is named.
"""

import ast
import functools
import inspect
import sys
from collections.abc import Iterable
from dataclasses import is_dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder, SourceFileLoader
from typing import Any, get_args

from beartype import BeartypeConf, beartype
from jaxtyping import AbstractArray, jaxtyped

CHECKER = "shape_checks"
"""The name of this module, under which the checked modules import it."""
ONE_CALL = jaxtyped("context")
"""Within it an axis has one size."""
switch = {"on": True}
"""Set ``on`` to False to run as users do."""
CALLS = 20
"""Calls of one function that one test checks: a loop over all cells is no better proved by all of them."""
turn = {"test": 0}
"""Number of the test that runs; a function is checked anew in each."""

AS_TYPED = BeartypeConf(is_pep484_tower=True)
"""A whole number is a float too, as type checkers have it."""


def checked(made: Any) -> Any:
    """Return a function that checks every call, or a class; a dataclass checks what it is made of."""
    if inspect.isclass(made):
        if is_dataclass(made) and "__init__" in vars(made):
            made.__init__ = checked(made.__init__)
        return made
    typed = beartype(made, conf=AS_TYPED)
    if typed is made:
        return made
    one_call = _names_shapes(made.__annotations__.values())
    test, left = -1, 0

    @functools.wraps(made)
    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal test, left
        __tracebackhide__ = True
        if test != turn["test"]:
            test, left = turn["test"], CALLS
        left -= 1
        if left < 0 or not switch["on"]:
            return made(*args, **kwargs)
        if not one_call:
            return typed(*args, **kwargs)
        with ONE_CALL:
            return typed(*args, **kwargs)

    return call


def _names_shapes(hints: Iterable[Any]) -> bool:
    """Return whether a hint holds an array type with axes; one that is text may."""
    return any(
        isinstance(hint, str)
        or (inspect.isclass(hint) and issubclass(hint, AbstractArray))
        or _names_shapes(hint if isinstance(hint, list) else get_args(hint))
        for hint in hints
    )


class _Loader(SourceFileLoader):
    """Loader of a module whose functions and classes are ``checked``; its bytecode has a name of its own."""

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> Any:
        tree = ast.parse(data, path)
        for node in [*ast.walk(tree)]:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                node.decorator_list.append(_decorator(node))  # before all others
            elif isinstance(node, ast.ClassDef):
                node.decorator_list.insert(0, _decorator(node))  # after `dataclass`
        return compile(tree, path, "exec", dont_inherit=True, optimize=_optimize)

    def get_data(self, path: str) -> bytes:
        return super().get_data(_own(path))

    def set_data(self, path: str, data: Any, **how: Any) -> None:
        super().set_data(_own(path), data, **how)


def _own(path: str) -> str:
    return f"{path.removesuffix('.pyc')}.{CHECKER}.pyc" if path.endswith(".pyc") else path


def _decorator(node: ast.stmt) -> ast.expr:
    decorator = ast.parse(f"__import__({CHECKER!r}).checked", mode="eval").body
    for part in ast.walk(decorator):
        ast.copy_location(part, node)
    return decorator


class _Finder(MetaPathFinder):
    def __init__(self, packages: tuple[str, ...]) -> None:
        self._packages = packages

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if (
            not fullname.startswith(tuple(f"{package}." for package in self._packages))
            and fullname not in self._packages
        ):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


def check_packages(packages: Iterable[str]) -> None:
    """Check the calls of packages that are imported from now on."""
    sys.modules.setdefault(CHECKER, sys.modules[__name__])
    sys.meta_path.insert(0, _Finder(tuple(packages)))
