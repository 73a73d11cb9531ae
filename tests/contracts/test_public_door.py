"""nonlocal_core has one public door, and every name behind it is documented."""

import ast
import inspect
from pathlib import Path

import nonlocal_core


def test_all_is_what_is_public():
    source = ast.parse(Path(nonlocal_core.__file__).read_text())
    imports = [line for line in source.body if isinstance(line, ast.ImportFrom)]
    imported = [alias.asname or alias.name for line in imports for alias in line.names]
    assert set(nonlocal_core.__all__) == set(imported)


def test_every_public_function_and_class_says_what_it_does():
    silent = [
        name
        for name in nonlocal_core.__all__
        if inspect.isroutine(value := getattr(nonlocal_core, name)) or inspect.isclass(value)
        if not inspect.getdoc(value)
    ]
    assert not silent


def test_every_error_has_the_one_root():
    errors = [
        value
        for value in vars(nonlocal_core.errors).values()
        if inspect.isclass(value) and issubclass(value, Exception)
    ]
    assert len(errors) > 5
    assert all(issubclass(error, nonlocal_core.NonlocalError) for error in errors)
