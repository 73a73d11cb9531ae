# What can be imported from nonlocal_core.weights, and from where; __init__.py reads this file.

from .building import build_model
from .catalog import DEFAULT, ModelCard, find_card, list_models, models_for, shipped_ids
from .locations import WheelFile

__all__ = [
    "DEFAULT",
    "ModelCard",
    "WheelFile",
    "build_model",
    "find_card",
    "list_models",
    "models_for",
    "shipped_ids",
]
