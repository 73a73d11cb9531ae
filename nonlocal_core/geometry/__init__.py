"""Geometry: the only place where pixels, cells and frames meet."""

from nonlocal_core.geometry.grid import (
    THW,
    WHOLE_FRAME,
    Box,
    Cell,
    Grid,
    KeyGrid,
    QueryGrid,
    Span,
    ViewTransform,
    own_keys_along,
)
from nonlocal_core.geometry.masks import (
    Smoothing,
    box_mask,
    cells_in_box,
    cells_mask,
    coverage,
    pixel_at,
    resized,
    spread,
)
from nonlocal_core.geometry.overlap import carried

__all__ = [
    "THW",
    "WHOLE_FRAME",
    "Box",
    "Cell",
    "Grid",
    "KeyGrid",
    "QueryGrid",
    "Smoothing",
    "Span",
    "ViewTransform",
    "box_mask",
    "carried",
    "cells_in_box",
    "cells_mask",
    "coverage",
    "own_keys_along",
    "pixel_at",
    "resized",
    "spread",
]
