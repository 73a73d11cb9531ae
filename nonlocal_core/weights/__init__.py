"""Weights: the catalog of models, and reading that verifies before it trusts."""

from nonlocal_core.weights.catalog import DEFAULT, ModelCard, build_model, find_card, list_models
from nonlocal_core.weights.lite0 import WheelFile

__all__ = ["DEFAULT", "ModelCard", "WheelFile", "build_model", "find_card", "list_models"]
