"""The look of heat, defined once: palettes, curves, opacity, photographs, words. Screen and files read it from here."""

from nonlocal_core.look.answer import Answer
from nonlocal_core.look.bars import bar_heights
from nonlocal_core.look.choices import CURVES, LOOK, SCALES, Curve, Look, Scale
from nonlocal_core.look.heat import ARROW_TONE, NEARLY_EVEN, Heat, arrow_cells, heat_of, heat_of_parts, ticks
from nonlocal_core.look.palette import COLD, LEVELS, WARM
from nonlocal_core.look.photograph import muted
from nonlocal_core.look.recipe import recipe
from nonlocal_core.look.sentence import answer_words, frame_words, percent, place_words, question_words

__all__ = [
    "ARROW_TONE",
    "COLD",
    "CURVES",
    "LEVELS",
    "LOOK",
    "NEARLY_EVEN",
    "SCALES",
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
    "place_words",
    "question_words",
    "recipe",
    "ticks",
]
