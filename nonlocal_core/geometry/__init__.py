"""Geometry: the only place where pixels, cells and frames meet."""

from nonlocal_core.geometry.grid import WHOLE_FRAME, Box, Cell, Grid, KeyGrid, QueryGrid, Span, ViewTransform

__all__ = ["WHOLE_FRAME", "Box", "Cell", "Grid", "KeyGrid", "QueryGrid", "Span", "ViewTransform"]
