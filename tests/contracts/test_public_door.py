"""nonlocal_core has one public door, and every name behind it is documented."""

import ast
import inspect
from pathlib import Path

import nonlocal_core
from nonlocal_core import errors as declared_errors


def test_all_is_what_the_stub_lists():
    stub = ast.parse(Path(nonlocal_core.__file__).with_suffix(".pyi").read_text())
    (listed,) = [ast.literal_eval(line.value) for line in stub.body if isinstance(line, ast.Assign)]
    assert nonlocal_core.__all__ == sorted(listed)


def test_every_name_can_be_imported():
    for name in nonlocal_core.__all__:
        assert getattr(nonlocal_core, name) is not None


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
        value for value in vars(declared_errors).values() if inspect.isclass(value) and issubclass(value, Exception)
    ]
    assert len(errors) > 5
    assert all(issubclass(error, nonlocal_core.NonlocalError) for error in errors)
