"""The sentence of an answer: the weight that stays, and the place that gets most of the rest, on screen and in files.

Its meaning is fixed, whatever scale, curve or frame is drawn. Frames, rows and columns are counted from 1.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from nonlocal_core.geometry import Cell, Grid
from nonlocal_core.look.answer import Answer
from nonlocal_core.look.quantities import percent

LETTERS = "ABC"


def lettered(sentences: Sequence[str]) -> tuple[str, ...]:
    """Return the sentences of several pins, each after its letter, or the sentence of a single one unchanged.

    >>> lettered(["Looks nowhere.", "Looks here."])
    ('A: Looks nowhere.', 'B: Looks here.')
    """
    if len(sentences) == 1:
        return tuple(sentences)
    return tuple(f"{letter}: {said}" for letter, said in zip(LETTERS, sentences, strict=False))


def frame_words(grid: Grid, t: int) -> str:
    """Return the frames of a step: "frame 3", or "frames 3 to 4"."""
    start, stop = grid.span(t)
    return f"frame {stop}" if stop - start == 1 else f"frames {start + 1} to {stop}"


def place_words(cell: Cell) -> str:
    """Return a place in its frame: "row 2, column 5"."""
    return f"row {cell.y + 1}, column {cell.x + 1}"


def question_words(answer: Answer, *, frames: int, seconds: float) -> str:
    """Return the question in words. ``seconds``: the time of the asked step's first frame."""
    cell, grid = answer.asked, answer.asked_grid
    if answer.asker_words is not None:
        named = answer.asker_words
        return f"Where {named} looks" if answer.direction == "row" else f"Who looks at {named}"
    where = f"{place_words(cell)} of {grid.rows} x {grid.cols}"
    if len(answer.asked_cells) > 1:
        where = f"the mean of {len(answer.asked_cells)} cells"
        steps = sorted({cell.t for cell in answer.asked_cells})
        if frames > 1:
            where += f" of {frame_words(grid, steps[0])}" if len(steps) == 1 else f" of {len(steps)} frames"
    elif frames > 1:
        where = f"{frame_words(grid, cell.t)} of {frames} at {seconds:.2f} s, {where}"
    if answer.minus:
        where = f"A, {where}, less B, {len(answer.minus)} {'cells' if len(answer.minus) > 1 else 'cell'},"
    return f"Where {where} looks" if answer.direction == "row" else f"Who looks at {where}".rstrip(",")


def answer_words(answer: Answer) -> str:
    """Return the sentence: the weight that stays on the spot and in its frame, and the place with most of the rest."""
    looks, shares = answer.direction == "row", answer.cell_share
    of_positive = ""
    if answer.is_signed:
        part = percent(answer.positive_part)
        of_positive = "Of A's surplus over B, " if answer.minus else f"Of the positive weight ({part} of all), "
    if not shares.any():
        if answer.minus:
            return f"{'A looks nowhere' if looks else 'Nobody looks at A'} more than {'B' if looks else 'at B'}."
        none = "no weight is positive" if answer.is_signed else "every weight is zero"
        return f"{'Looks nowhere' if looks else 'Nobody looks here'}: {none}."
    if answer.asker_words is not None:
        most = "most" if of_positive else "Most"
        return f"{of_positive}{most}, {_mostly(answer.grid, shares, 'goes to' if looks else 'comes from')}."
    own, own_steps = answer.own_cells, answer.own_cells.any(axis=(1, 2))
    on_itself = percent(float(shares[own].sum()))
    alone = len(answer.asked_cells) == 1
    spot, its = ("the spot itself", "its frame") if alone else ("the asked cells", "their frames")
    stays, goes = (f"stays on {spot}", "goes to") if looks else (f"comes from {spot}", "comes from")
    by_step = shares.sum(axis=(1, 2))
    others = np.where(own_steps, 0, by_step)
    if others.any():
        best = int(others.argmax())
        its_frame = percent(float(by_step[own_steps].sum()))
        return (
            f"{of_positive}{on_itself} {stays}, {its_frame} {'in' if looks else 'from'} {its}; "
            f"the most elsewhere, {percent(float(others[best]))}, {goes} {frame_words(answer.grid, best)}."
        )
    elsewhere = np.where(own, 0, shares)
    where = "" if len(shares) == 1 else f" in {its}"
    if not elsewhere.any():
        return f"{of_positive}{on_itself} {stays}; nothing {goes} other places{where}."
    strongest = answer.grid.cell(int(elsewhere.argmax()))
    share = percent(float(elsewhere.max()))
    return f"{of_positive}{on_itself} {stays}; the most elsewhere, {share}, {goes} {place_words(strongest)}{where}."


def _mostly(grid: Grid, shares: Float[np.ndarray, "T H W"], goes: str) -> str:
    """Return words for the frame that gets most of an answer that no position asked, or the place in the only frame."""
    by_step = shares.sum(axis=(1, 2))
    best = int(by_step.argmax())
    if np.count_nonzero(by_step) > 1:
        return f"{percent(float(by_step[best]))}, {goes} {frame_words(grid, best)}"
    strongest = grid.cell(int(shares.argmax()))
    where = "" if len(shares) == 1 else f" of {frame_words(grid, best)}"
    return f"{percent(float(shares.max()))}, {goes} {place_words(strongest)}{where}"
