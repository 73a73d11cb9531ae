"""The text under a figure: the meaning of its colours, cells, bars and arrows."""

from collections.abc import Sequence
from dataclasses import dataclass

from nonlocal_core.look import LETTERS, LOOK, PIN_NAMES, Answer, Curve, Heat
from nonlocal_core.render.text import number
from nonlocal_core.vocabulary import RULE_TITLES

_CURVES: dict[Curve, str] = {"log": "logarithmic", "root": "square-root", "linear": "linear"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """The text of a figure. ``warning`` is about the clip; the answer carries the note about the block."""

    clip: str
    model: str
    block: str
    warning: str = ""


def cautions(caption: Caption, answer: Answer) -> str:
    """Return the cautions: the note of the answer, then the warning of the clip."""
    return f"{answer.note} {caption.warning}".strip()


def network_words(caption: Caption, answer: Answer) -> str:
    """Return the names of network, block and pairwise function."""
    return " · ".join((caption.model, caption.block, RULE_TITLES[answer.pairwise]))


def notes(answers: Sequence[Answer], heats: Sequence[Heat], *, arrows: int) -> list[str]:
    """Return the sentences of a figure with ``arrows`` arrows."""
    answer, heat = max(zip(answers, heats, strict=True), key=lambda drawn: drawn[1].largest)
    return [*_pins(answers), _colours(answer, heat), _cells(answer, heat), *_bars_and_arrows(answers, arrows)]


def _pins(answers: Sequence[Answer]) -> list[str]:
    """Return the note that explains the colours of several pins, or none for a single pin."""
    if len(answers) == 1:
        return []
    named = [f"{letter} {colour}" for letter, colour in zip(LETTERS, PIN_NAMES, strict=True)][: len(answers)]
    return [f"{', '.join(named[:-1])} and {named[-1]}: each cell in the colour of the pin that looks there most."]


def _colours(answer: Answer, heat: Heat) -> str:
    look = heat.look
    if not heat.largest:
        return "No cell has any weight, so no frame has heat."
    if heat.is_flat:
        return f"Nearly even: no cell has more than {number(heat.largest)} times an even share."
    top = "each frame's own strongest cell" if look.scale == "each" else f"{number(heat.tops[0])} times an even share"
    said = "No heat up to an even share, that of each cell if all were alike; "
    said += f"full heat at {top}, {_CURVES[look.curve]} between."
    if look.threshold > LOOK.threshold:
        said += f" Cells under {look.threshold} times an even share are left out."
    if heat.beyond:
        said += f" The asked place itself goes up to {number(heat.beyond)} times."
    if answer.is_signed:
        cold = "B has more" if answer.minus else "negative weight"
        said += f" Cold colours: {cold}." if heat.is_signed else " Negative weight is not drawn."
    if answer.minus and answer.pairwise == "dot_product":
        said += " Positive weight alone is compared."
    return said


def _cells(answer: Answer, heat: Heat) -> str:
    grid, kind = answer.grid, "keys" if answer.direction == "row" else "queries"
    drawn = "Blended between the centres" if heat.look.smooth else "Cells as they are"
    photographs = "" if heat.look.plain else " Photographs in muted colours, as bright as they are."
    return f"{drawn}: {grid.steps}x{grid.rows}x{grid.cols} {kind} (TxHxW).{photographs}"


def _bars_and_arrows(answers: Sequence[Answer], arrows: int) -> list[str]:
    answer = answers[-1]
    sentences: list[str] = []
    if answer.grid.end_frame > 1:
        hatched = "; hatched: the asked frame" if len(answers) == 1 and answer.own_cells.any() else ""
        whole = "A's surplus" if answer.minus else f"all {'positive ' * answer.is_signed}weight"
        sentences.append(f"Bars: each frame's part of {whole}{hatched}; a broken bar is taller still.")
    if arrows:
        which = f"the {arrows} strongest peaks" if arrows > 1 else "the strongest peak"
        which += " of each" * (len(answers) > 1)
        where = "other frames" if answer.grid.steps > 1 else "other places"
        way = (
            f"Arrows lead to {which} in {where}"
            if answer.direction == "row"
            else f"Arrows come from {which} in {where}"
        )
        cold = f"; cold ones {'begin' if answer.direction == 'row' else 'end'} at B" if answer.minus else ""
        sentences.append(f"{way}{cold}.")
    return sentences
