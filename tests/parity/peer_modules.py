"""Installed peers, one module file at a time: their packages want libraries that are not needed for a network."""

import importlib
import sys
import warnings
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest


class _Replaced(ModuleType):
    """Stands for a module that is missing or too large: whatever is imported from it is only a name."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return object


class _Registry:
    """Stands for a registry that is only used to register, and to build losses that nobody computes."""

    def register_module(self):
        return lambda registered: registered

    def build(self, _config):
        return None


def peer_module(name, *, replaced=None):
    """Import a module of an installed package without running the package's own ``__init__`` files.

    ``replaced``: modules that it imports and that are not needed, each with what is used of it all the same.
    Skips the test where the package is missing.
    """
    package = name.split(".")[0]
    spec = find_spec(package)
    if spec is None:
        pytest.skip(f"{package} is not installed")
    parents = [name.rsplit(".", count)[0] for count in range(1, name.count(".") + 1)]
    stand_ins = {parent: _package(parent, Path(spec.submodule_search_locations[0])) for parent in parents}
    for missing, attributes in ({f"{package}.registry": {"MODELS": _Registry()}} | (replaced or {})).items():
        stand_ins[missing] = _Replaced(missing)
        vars(stand_ins[missing]).update(attributes)
    with _in_place_of(stand_ins), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what peers warn about at import is theirs
        return importlib.import_module(name)


def _package(name, root):
    module = ModuleType(name)
    module.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
    return module


@contextmanager
def _in_place_of(stand_ins):
    """Put modules where imports find them, and take them and all that was imported through them away again."""
    before = dict(sys.modules)
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        roots = {name.split(".")[0] for name in stand_ins}
        for name in [name for name in sys.modules if name.split(".")[0] in roots and name not in before]:
            del sys.modules[name]
        sys.modules.update({name: module for name, module in before.items() if name in stand_ins})
