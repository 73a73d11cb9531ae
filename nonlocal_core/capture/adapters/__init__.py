"""Adapters that find, read and prove the blocks and attention layers of third-party networks.

No third-party package is imported; a block is recognised by its parts and attributes. One module for each family.
"""

from nonlocal_core.capture.adapters.by_hand import Tables
from nonlocal_core.capture.adapters.search import AttachedModel, FoundSites, find_sites
from nonlocal_core.capture.adapters.search import attach_model as attach
from nonlocal_core.capture.adapters.tokens.places import Fed

__all__ = ["AttachedModel", "Fed", "FoundSites", "Tables", "attach", "find_sites"]
