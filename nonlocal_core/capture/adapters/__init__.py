"""Adapters: how the blocks and attention layers of other people's networks are found, read and proved.

No package of theirs is imported; a block is known by its parts and attributes. One module for each family.
"""

from nonlocal_core.capture.adapters.by_hand import Tables
from nonlocal_core.capture.adapters.search import AttachedModel, FoundSites, find_sites
from nonlocal_core.capture.adapters.search import attach_model as attach
from nonlocal_core.capture.adapters.tokens.places import Fed

__all__ = ["AttachedModel", "Fed", "FoundSites", "Tables", "attach", "find_sites"]
