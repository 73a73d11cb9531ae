# What can be imported from nonlocal_core.look, and from where; __init__.py reads this file.

from .answer import Answer
from .bars import bar_heights
from .choices import LOOK, Curve, Look, Scale
from .heat import ARROW_TONE, Heat, arrow_cells, heat_of, heat_of_parts, ticks
from .palette import COLD, LEVELS, WARM
from .photograph import muted
from .recipe import recipe
from .sentence import answer_words, frame_words, percent, question_words

__all__ = [
    "ARROW_TONE",
    "COLD",
    "LEVELS",
    "LOOK",
    "WARM",
    "Answer",
    "Curve",
    "Heat",
    "Look",
    "Scale",
    "answer_words",
    "arrow_cells",
    "bar_heights",
    "frame_words",
    "heat_of",
    "heat_of_parts",
    "muted",
    "percent",
    "question_words",
    "recipe",
    "ticks",
]
