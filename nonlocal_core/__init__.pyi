# What can be imported from nonlocal_core, and from where; __init__.py reads this file.

from .ancestors.filters import Bilateral, Bm3d, DenseCrf, NlMeans, filter_id, parse_filter
from .answers import AffinityColumn, AffinityRow, RankedCell
from .bundle import Question, TourStop
from .capture import BlockCapture, Capture, ClassScore
from .capture.adapters import Tables, attach
from .comparing import compare
from .errors import (
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
    SurveyError,
    UnknownNameError,
    WeightsError,
)
from .geometry import Cell, KeyGrid, QueryGrid, ViewTransform
from .look import Look
from .media import (
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
from .models import NonlocalBlock
from .pin import Pin
from .running.foreign import ModelSpec
from .running.prepared import NetworkCard, PreparedModel, prepare_checkpoint, prepare_model
from .session import Session
from .vocabulary import PAIRWISE, Pairwise, Progress, Scope, WeightStatus
from .weights import ModelCard, list_models

__version__: str

__all__ = [
    "PAIRWISE",
    "AffinityColumn",
    "AffinityRow",
    "Bilateral",
    "BlockCapture",
    "Bm3d",
    "BundleError",
    "Capture",
    "CaptureError",
    "Cell",
    "ClassScore",
    "DenseCrf",
    "DeviceMemoryError",
    "Frames",
    "GeometryError",
    "InputSpec",
    "KeyGrid",
    "Limits",
    "Look",
    "MediaError",
    "MediaInfo",
    "MediaLimitError",
    "ModelCard",
    "ModelSpec",
    "NetworkCard",
    "NlMeans",
    "NonlocalBlock",
    "NonlocalError",
    "OutsideGridError",
    "Pairwise",
    "Pin",
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
    "SurveyError",
    "Tables",
    "TourStop",
    "UnknownNameError",
    "ViewTransform",
    "WeightStatus",
    "WeightsError",
    "attach",
    "compare",
    "filter_id",
    "find_sample",
    "list_models",
    "list_samples",
    "parse_filter",
    "prepare_checkpoint",
    "prepare_model",
    "probe",
    "read_frames",
]
