"""Interactive attention of non-local neural networks: open a clip with a network, then ask where any position looks.

>>> from nonlocal_core import Session
>>> session = Session.open("sample:chelsea")
>>> session.query(frame=0, x=0.45, y=0.4).top(1)[0].times_uniform > 1
True
"""

from nonlocal_core.bundle import Question, TourStop
from nonlocal_core.capture import BlockCapture, Capture, ClassScore
from nonlocal_core.capture.adapters import attach_model as attach
from nonlocal_core.errors import (
    BundleError,
    CaptureError,
    DeviceMemoryError,
    GeometryError,
    MediaError,
    MediaLimitError,
    NonlocalError,
    OutsideGridError,
    RenderError,
    SelectionError,
    ShapeError,
    UnknownNameError,
    WeightsError,
)
from nonlocal_core.geometry import Cell, KeyGrid, QueryGrid, ViewTransform
from nonlocal_core.media import (
    Frames,
    InputSpec,
    Limits,
    MediaInfo,
    Sample,
    Selection,
    find_sample,
    list_samples,
    probe,
    read_frames,
)
from nonlocal_core.models import NonlocalBlock
from nonlocal_core.prepared import NetworkCard, PreparedModel, Progress, prepare_checkpoint, prepare_model
from nonlocal_core.query import AffinityColumn, AffinityRow, RankedCell
from nonlocal_core.session import Session
from nonlocal_core.vocabulary import PAIRWISE, Pairwise, Scope, WeightStatus
from nonlocal_core.weights import ModelCard, list_models

__all__ = [
    "PAIRWISE",
    "AffinityColumn",
    "AffinityRow",
    "BlockCapture",
    "BundleError",
    "Capture",
    "CaptureError",
    "Cell",
    "ClassScore",
    "DeviceMemoryError",
    "Frames",
    "GeometryError",
    "InputSpec",
    "KeyGrid",
    "Limits",
    "MediaError",
    "MediaInfo",
    "MediaLimitError",
    "ModelCard",
    "NetworkCard",
    "NonlocalBlock",
    "NonlocalError",
    "OutsideGridError",
    "Pairwise",
    "PreparedModel",
    "Progress",
    "QueryGrid",
    "Question",
    "RankedCell",
    "RenderError",
    "Sample",
    "Scope",
    "Selection",
    "SelectionError",
    "Session",
    "ShapeError",
    "TourStop",
    "UnknownNameError",
    "ViewTransform",
    "WeightStatus",
    "WeightsError",
    "attach",
    "find_sample",
    "list_models",
    "list_samples",
    "prepare_checkpoint",
    "prepare_model",
    "probe",
    "read_frames",
]
