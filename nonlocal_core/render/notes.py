"""The words under a figure: what its colours, cells, bars and arrows mean."""

from dataclasses import dataclass

from nonlocal_core.look import LOOK, Answer, Curve, Heat
from nonlocal_core.render.text import number
from nonlocal_core.vocabulary import PAIRWISE_TITLES

_CURVES: dict[Curve, str] = {"log": "logarithmic", "root": "square-root", "linear": "linear"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """The words of a figure. ``warning`` is about the clip; the answer carries the note about the block."""

    clip: str
    model: str
    block: str
    warning: str = ""


def cautions(caption: Caption, answer: Answer) -> str:
    """Return the cautions: the note of the answer, then the warning of the clip."""
    return f"{answer.note} {caption.warning}".strip()


def network_words(caption: Caption, answer: Answer) -> str:
    """Return the names of network, block and pairwise function."""
    return " · ".join((caption.model, caption.block, PAIRWISE_TITLES[answer.pairwise]))


def notes(answer: Answer, heat: Heat, *, arrows: int) -> list[str]:
    """Return the sentences of a figure with so many arrows."""
    return [_colours(answer, heat), _cells(answer, heat), *_bars_and_arrows(answer, heat, arrows)]


def _colours(answer: Answer, heat: Heat) -> str:
    look = heat.look
    if not heat.largest:
        return "No cell has any weight, so no frame has heat."
    if heat.is_flat:
        return f"Nearly even: no cell has more than {number(heat.largest)} times an even share."
    top = "each frame's own strongest cell" if look.scale == "each" else f"{number(heat.tops[0])} times an even share"
    said = f"No heat up to an even share, full heat at {top}, {_CURVES[look.curve]} between."
    if look.threshold > LOOK.threshold:
        said += f" Cells under {look.threshold} times an even share are left out."
    if heat.beyond:
        said += f" The asked place itself goes up to {number(heat.beyond)} times."
    if answer.is_signed:
        drawn = look.negatives or answer.minus
        said += " Cold colours: negative weight." if drawn else " Negative weight is not drawn."
    return said


def _cells(answer: Answer, heat: Heat) -> str:
    grid, kind = answer.grid, "keys" if answer.direction == "row" else "queries"
    drawn = "Blended between the centres" if heat.look.smooth else "Cells as they are"
    photographs = "" if heat.look.plain else " Photographs in muted colours, as bright as they are."
    return f"{drawn}: {grid.steps}x{grid.rows}x{grid.cols} {kind} (TxHxW).{photographs}"


def _bars_and_arrows(answer: Answer, heat: Heat, arrows: int) -> list[str]:
    sentences, positive = [], "positive " if answer.is_signed else ""
    if answer.grid.end_frame > 1:
        sentences.append(f"Bars: each frame's part of all {positive}weight; a broken bar is taller still.")
    if arrows:
        which = f"the {arrows} strongest peaks" if arrows > 1 else "the strongest peak"
        where = "other frames" if answer.grid.steps > 1 else "other places"
        way = (
            f"Arrows lead to {which} in {where}"
            if answer.direction == "row"
            else f"Arrows come from {which} in {where}"
        )
        sentences.append(f"{way}.")
    return sentences
