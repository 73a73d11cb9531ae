"""Survey: networks run on every clip of a data set, with one row of figures for each clip, network and block.

>>> from nonlocal_core.survey import clip_list
>>> clip_list(["sample:coffee", "sample:chelsea"])
('sample:coffee', 'sample:chelsea')
"""

from importlib.util import find_spec

from nonlocal_core.errors import SurveyError

if find_spec("pyarrow") is None:
    raise SurveyError(
        "A survey is written by pyarrow, which this environment does not have. "
        "Install it: pip install 'nonlocal-viewer[survey]'."
    )

from nonlocal_core.survey.chosen_tables import Choice, choose, keep_tables, open_tables
from nonlocal_core.survey.local import LocalEngine
from nonlocal_core.survey.on_ray import RayEngine
from nonlocal_core.survey.other_clips import ClipsAsked, RankedClip, ask
from nonlocal_core.survey.reading_list import clip_list
from nonlocal_core.survey.records import SCHEMA
from nonlocal_core.survey.result import ResultFolder, read_rows
from nonlocal_core.survey.run import Pace, survey

__all__ = [
    "SCHEMA",
    "Choice",
    "ClipsAsked",
    "LocalEngine",
    "Pace",
    "RankedClip",
    "RayEngine",
    "ResultFolder",
    "ask",
    "choose",
    "clip_list",
    "keep_tables",
    "open_tables",
    "read_rows",
    "survey",
]
