# What can be imported from nonlocal_core.look, and from where; __init__.py reads this file.

from .answer import Answer
from .bars import bar_heights
from .choices import LOOK, Curve, Look, Scale
from .heat import ARROW_TONE, Heat, arrow_cells, heat_of, heat_of_parts, heats_of, strongest_layer, ticks
from .palette import COLD, LEVELS, PIN_NAMES, PIN_TONE, PINS, WARM
from .photograph import muted, shaded
from .quantities import percent, unbroken
from .recipe import recipe
from .sentence import LETTERS, answer_words, frame_words, lettered, question_words
from .walls import Segment, walls_of

__all__ = [
    "ARROW_TONE",
    "COLD",
    "LETTERS",
    "LEVELS",
    "LOOK",
    "PINS",
    "PIN_NAMES",
    "PIN_TONE",
    "WARM",
    "Answer",
    "Curve",
    "Heat",
    "Look",
    "Scale",
    "Segment",
    "answer_words",
    "arrow_cells",
    "bar_heights",
    "frame_words",
    "heat_of",
    "heat_of_parts",
    "heats_of",
    "lettered",
    "muted",
    "percent",
    "question_words",
    "recipe",
    "shaded",
    "strongest_layer",
    "ticks",
    "unbroken",
    "walls_of",
]
