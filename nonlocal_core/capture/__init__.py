"""Capture: hooks that record theta and phi of every block, and the rows that follow from them."""

from nonlocal_core.capture.hooks import Recording, attach, placing, recording, watch_steps
from nonlocal_core.capture.places import PlaceTrial
from nonlocal_core.capture.points import drawn_points, nudged, points_for, run_count
from nonlocal_core.capture.reading import BlockReading, BlockSite, NotReadable, Reader
from nonlocal_core.capture.record import BlockCapture, Capture, ClassScore, asked_by, asker_words
from nonlocal_core.capture.rows import (
    allowed_keys,
    allowed_queries,
    is_restricted,
    log_normaliser,
    many_row_weights,
)

__all__ = [
    "BlockCapture",
    "BlockReading",
    "BlockSite",
    "Capture",
    "ClassScore",
    "NotReadable",
    "PlaceTrial",
    "Reader",
    "Recording",
    "allowed_keys",
    "allowed_queries",
    "asked_by",
    "asker_words",
    "attach",
    "drawn_points",
    "is_restricted",
    "log_normaliser",
    "many_row_weights",
    "nudged",
    "placing",
    "points_for",
    "recording",
    "run_count",
    "watch_steps",
]
