"""Modules with parts of given names, for tests of what a reader looks for."""

from torch import nn


def module_of(**parts):
    """Return a module that has these attributes and nothing else."""
    made = nn.Module()
    for name, part in parts.items():
        setattr(made, name, part)
    return made
