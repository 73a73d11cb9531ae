"""The bundle: the one file that the viewer reads. It holds a clip, the tables of its blocks and the first view.

It stores theta and phi instead of affinities: a few MB, from which the browser computes any row exactly.
"""

from nonlocal_core.bundle.contents import (
    MAX_CAPTION_LENGTH,
    MAX_TOUR_STOPS,
    Bundle,
    BundledBlock,
    ClipWords,
    MediaLabel,
    ModelLabel,
    Question,
    TourStop,
    View,
)
from nonlocal_core.bundle.decode import decode_bundle
from nonlocal_core.bundle.encode import as_stored, encode_bundle, encode_columns
from nonlocal_core.bundle.fitting import blocks_within
from nonlocal_core.bundle.storage import PRECISIONS, PictureStorage, Precision, Storage
from nonlocal_core.bundle.tour import open_tour, read_tour, tour_as_json

__all__ = [
    "MAX_CAPTION_LENGTH",
    "MAX_TOUR_STOPS",
    "PRECISIONS",
    "Bundle",
    "BundledBlock",
    "ClipWords",
    "MediaLabel",
    "ModelLabel",
    "PictureStorage",
    "Precision",
    "Question",
    "Storage",
    "TourStop",
    "View",
    "as_stored",
    "blocks_within",
    "decode_bundle",
    "encode_bundle",
    "encode_columns",
    "open_tour",
    "read_tour",
    "tour_as_json",
]
