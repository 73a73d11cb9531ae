"""Options for drawing an answer, and the words for them in a link, a pin and the shell."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from nonlocal_core.errors import UnknownNameError

Curve = Literal["log", "root", "linear"]
"""Transfer curve from multiples of an even share to tone."""
Scale = Literal["all", "each"]
"""One scale for all frames, or one for each frame."""
MOST_ARROWS = 40
ARROWS, ARROWS_ON_A_STILL = 12, 6
"""Default maximum number of arrows, with fewer if all end in one frame."""
MOST_THRESHOLD = 999
_NUMBERED = re.compile(r"(over|strength|arrows)(\d{1,3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Options for drawing one answer.

    >>> Look.parse("each-smooth-over3").words
    'each-smooth-over3'
    """

    scale: Scale = "all"
    curve: Curve = "log"
    smooth: bool = False
    """Blend between the centres of cells; the numbers stay those of the cells."""
    strength: int = 85
    """Opacity of the strongest heat, in percent."""
    threshold: int = 1
    """Weight below which a cell has no heat, in multiples of an even share; 1 or more."""
    plain: bool = False
    """Photographs in their own colours instead of muted ones."""
    negatives: bool = False
    """Draw negative weights too, in cold colours; only a dot product has them."""
    arrows: int | None = None
    """Arrows to the strongest cells, 0 for none; None: as many as suit the clip."""
    apart: bool = False
    """Answers side by side, each on its own scale instead of one for all."""

    def __post_init__(self) -> None:
        """Validate the fields beyond their types."""
        if not 5 <= self.strength <= 100:
            raise UnknownNameError("strength in percent", str(self.strength), ("5 to 100",))
        if not 1 <= self.threshold <= MOST_THRESHOLD:
            raise UnknownNameError("threshold in times an even share", str(self.threshold), (f"1 to {MOST_THRESHOLD}",))
        if self.arrows is not None and not 0 <= self.arrows <= MOST_ARROWS:
            raise UnknownNameError("number of arrows", str(self.arrows), (f"0 to {MOST_ARROWS}",))

    @classmethod
    def parse(cls, words: str) -> "Look":
        """Return the look named by words joined by dashes; no words name the usual one.

        Raises UnknownNameError for an unknown word, or a number out of its range.
        """
        chosen: dict[str, Any] = {}
        for word in filter(None, words.split("-")):
            numbered = _NUMBERED.fullmatch(word)
            if numbered:
                name = numbered[1].replace("over", "threshold")
                chosen[name] = int(numbered[2])
            elif word in _WORDS:
                chosen |= _WORDS[word]
            else:
                raise UnknownNameError("word of a view", word, (*_WORDS, "over2 …", "strength50 …", "arrows8 …"))
        return cls(**chosen)

    @property
    def words(self) -> str:
        """The words that `parse` reads back; empty for the usual look."""
        said = [word for word, values in _WORDS.items() if all(getattr(self, n) == v for n, v in values.items())]
        said += [f"over{self.threshold}"] if self.threshold != LOOK.threshold else []
        said += [f"strength{self.strength}"] if self.strength != LOOK.strength else []
        said += [f"arrows{self.arrows}"] if self.arrows else []
        return "-".join(said)

    def arrow_count(self, frames: int) -> int:
        """Return the largest number of arrows for a clip of ``frames`` frames."""
        return self.arrows if self.arrows is not None else ARROWS if frames > 1 else ARROWS_ON_A_STILL


_WORDS: dict[str, dict[str, str | int]] = {
    "each": {"scale": "each"},
    "root": {"curve": "root"},
    "linear": {"curve": "linear"},
    "smooth": {"smooth": True},
    "plain": {"plain": True},
    "negatives": {"negatives": True},
    "bare": {"arrows": 0},
    "apart": {"apart": True},
}
LOOK = Look()
"""The usual look."""
