"""Grid of tokens by their number alone: the one of the input's proportions with that many cells."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from nonlocal_core.capture.adapters.tokens.nesting import BY_ROWS, Nesting
from nonlocal_core.capture.adapters.tokens.places import Fed, TokenPlacement
from nonlocal_core.capture.reading import NotReadable
from nonlocal_core.vocabulary import Scope

MOST_EXTRA = 16
"""Maximum number of tokens to try before those of the grid if nothing states them."""

LEAST_CELLS = 4
"""Minimum number of cells of a frame that counts as a grid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeLayout:
    """Layout of tokens that nothing states; the proof of place decides whether it is right."""

    fed: Fed
    extra: tuple[str, ...] = ()
    """Names of the tokens before those of the grid, if they are known."""
    behind: int = 0
    """Number of tokens after those of the grid."""
    nesting: Nesting = BY_ROWS
    """Order of the cells of a frame."""

    def placed(self, batch: int, tokens: int) -> TokenPlacement | NotReadable:
        """Return the place of every token of a call, with as few others beside them as possible."""
        known = len(self.extra) + self.behind
        for count in sorted(range(self.behind, MOST_EXTRA + 1), key=lambda count: count != known):
            for frames, per_frame, scope in _shares(self.fed, batch, tokens - count, alone=count == 0):
                grid = _grid(per_frame, self.fed.hw)
                if grid is not None:
                    names = tuple(f"token {i + 1}" for i in range(count))
                    names = (*self.extra, *names[len(self.extra) :]) if count == known else names
                    made = TokenPlacement(
                        thw=(frames, *grid),
                        scope=scope,
                        extra=names,
                        order="thw",
                        behind=self.behind,
                        nesting=BY_ROWS if scope == "time" else self.nesting,
                    )
                    return made if made.holds(batch, tokens) else nowhere(self.fed, batch, tokens)
        return nowhere(self.fed, batch, tokens)


def nowhere(fed: Fed | None, batch: int, queries: int) -> NotReadable:
    """Return the refusal of tokens that are not a grid over the input, with the numbers and the remedy."""
    over = "" if fed is None else f" over an input of {fed.frames} frames of {fed.hw[0]} x {fed.hw[1]} pixels"
    each = 0 if fed is None or batch > 1 or fed.frames == 1 or queries % fed.frames else queries // fed.frames
    if fed is not None and any(_grid(each - count, fed.hw) for count in range(1, MOST_EXTRA + 1)):
        return NotReadable(
            f"has {batch} sequences of {queries} queries, which are no grid{over}: {each} for each frame, so that "
            "class tokens or padding may stand within. Let the network see its frames as a batch, each a sequence, or "
            "give token_grid=(T, H, W) and class_tokens, where they are a grid"
        )
    return NotReadable(
        f"has {batch} sequences of {queries} queries, which are no grid{over}. Give token_grid=(T, H, W) and "
        "class_tokens, where they are one"
    )


def _shares(fed: Fed, batch: int, cells: int, *, alone: bool) -> Iterator[tuple[int, int, Scope]]:
    """Yield steps and cells of each, for every way in which sequences may share out a clip.

    ``alone``: whether there are no tokens beside those of the grid; sequences along time have none.
    """
    if batch in fed.steps:
        yield batch, cells, "space"
    if batch == 1:
        steps = [n for n in range(fed.frames, 0, -1) if fed.frames % n == 0 and cells % n == 0]
        for step in sorted(steps, key=lambda n: n * fed.tubelet != fed.frames):
            yield step, cells // step, "spacetime"
    if alone and cells == fed.frames // fed.tubelet > 1 and batch > 1:
        yield cells, batch, "time"


def _grid(cells: int, hw: tuple[int, int]) -> tuple[int, int] | None:
    """Return rows and columns of ``cells`` square cells over an input, or None if no grid has that number."""
    if cells < LEAST_CELLS:
        return None
    side = math.sqrt(hw[0] * hw[1] / cells)
    shapes = ((-(-hw[0] // s), -(-hw[1] // s)) for s in range(max(1, int(side)), int(side) + 3))
    return next((shape for shape in shapes if shape[0] * shape[1] == cells), None)
