"""Questions to a capture: where a point looks, who looks at it, and what no single head answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64

from nonlocal_core.answers import AffinityColumn, AffinityRow, AnyAnswer
from nonlocal_core.bundle import as_stored
from nonlocal_core.capture import BlockCapture, Capture, asked_by, log_normaliser
from nonlocal_core.capture.hops import STAYS
from nonlocal_core.errors import SelectionError, UnknownNameError
from nonlocal_core.over_layers import layers_of, mean_over_heads, rollout
from nonlocal_core.pin import FrameBox, Pin, Point
from nonlocal_core.query import asked_cells, column, followed, key_column, looked, point_of_asker, points_of, row
from nonlocal_core.vocabulary import Progress


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Questions:
    """A capture that is asked; `nonlocal_core.Session` knows its clip and its network as well.

    ``unreadable`` are names and reasons of what looks like a block or an attention layer and cannot be shown.
    """

    capture: Capture
    unreadable: tuple[tuple[str, str], ...] = ()
    _normalisers: dict[str, Float64[np.ndarray, "*heads Nq"]] = field(default_factory=dict)

    def block(self, name: str | None = None) -> BlockCapture:
        """Return the captured block of that name, or the one that is shown first."""
        return self.capture.block(name)

    def query(
        self,
        *,
        frame: int | None = None,
        x: float | None = None,
        y: float | None = None,
        points: Sequence[Point] = (),
        boxes: Sequence[FrameBox] = (),
        minus: Sequence[Point] = (),
        block: str | None = None,
    ) -> AffinityRow:
        """Return where a point looks: ``frame`` of the clip, x and y in [0, 1] of the shown frame, y downwards.

        ``points``, (frame, x, y), and ``boxes``, (frame, x0, y0, x1, y1), ask several at once: the answer is the mean
        of their rows, each cell of the boxes counted once. ``minus``: points whose mean row is taken away.
        ``block``: a name from ``capture.blocks``, a layer's with ``.mean`` for the mean over its heads, or None for the
        one that is shown first. In a notebook the row shows itself as the figure that ``save`` draws, as text where
        more than ``MOST_POINTS`` cells are asked.
        Raises SelectionError where nothing is asked, OutsideGridError when the network did not see a point,
        UnknownNameError for another block.
        """
        captured = self.block(block)
        first, also, less = asked_cells(captured.query_grid, points_of(frame, x, y, points), boxes, minus)
        return self._with_figure(row(captured, first, also=also, minus=less))

    def asked_by(self, asker: str, *, frame: int | None = None, block: str | None = None) -> AffinityRow:
        """Return where something looks that is no position: one of a block's ``askers``, such as "class token".

        ``frame``: of which one, where each frame has its own; None for the first. ``block``: as for ``query``.
        Raises UnknownNameError for another asker or block, OutsideGridError for a frame that the network did not see.
        """
        captured = asked_by(self.block(block), asker)
        frame, x, y = point_of_asker(captured.query_grid, frame)
        return self._with_figure(row(captured, captured.query_grid.cell_at(frame=frame, x=x, y=y)))

    def mean_over_heads(
        self, layer: str, *, frame: int, x: float = 0.5, y: float = 0.5, asker: str | None = None
    ) -> AffinityRow:
        """Return the mean of the rows of a layer's heads at a point, or of an asker: the row of the block LAYER.mean.

        ``layer``: a block's name without its head. Raises UnknownNameError for another layer or asker, and
        OutsideGridError when the network did not see the point.
        """
        (heads,) = layers_of(self.capture.blocks, [layer]).values()
        cell = heads[0].query_grid.cell_at(frame=frame, x=x, y=y)
        return self._with_figure(mean_over_heads(heads, cell, asker))

    def rollout(
        self,
        *,
        frame: int,
        x: float = 0.5,
        y: float = 0.5,
        asker: str | None = None,
        layers: Sequence[str] | None = None,
        residual: float = 0.5,
    ) -> AffinityRow:
        """Return where a point or an asker looks through several layers, by attention rollout; no layer's own weights.

        The product over the layers of (1 - residual) A + residual I, A the mean over a layer's heads (Abnar and
        Zuidema, 2020); in numbers, without files. ``layers``: names without a head, None for all that were captured.
        Raises SelectionError for layers that do not pass on one set of tokens, UnknownNameError, OutsideGridError.
        """
        self.block()  # refuses a capture without any
        followed = layers_of(self.capture.blocks, layers)
        grid = [*followed.values()][-1][0].query_grid
        cell = grid.cell_at(frame=frame, x=x, y=y)
        return rollout(followed, cell, asker, residual=residual, left_out=len(self.unreadable) if layers is None else 0)

    def looking_at(self, key: str, *, frame: int | None = None, block: str | None = None) -> AffinityColumn:
        """Return who looks at a key that is no position, such as a word of the text that a diffusion model is given.

        ``key``: one of the ``askers`` of a block whose keys they are. ``frame``: of which one, where each frame has its
        own keys; None for the first. ``block``: a name, or None for the last that has such a key.
        Raises UnknownNameError for another key or block, OutsideGridError for a frame that the network did not see.
        """
        turned = [each for each in self.capture.blocks if each.askers_are_keys]
        named = turned if block is None else [each for each in turned if each.name == self.block(block).name]
        captured = next((each for each in reversed(named) if key in each.askers), None)
        if captured is None:
            raise UnknownNameError("key", key, tuple(dict.fromkeys(name for each in named for name in each.askers)))
        at = point_of_asker(captured.query_grid, frame)
        return self._with_figure(key_column(asked_by(captured, key), asked_cells(captured.query_grid, [at], (), ())[0]))

    def column(
        self,
        *,
        frame: int | None = None,
        x: float | None = None,
        y: float | None = None,
        points: Sequence[Point] = (),
        boxes: Sequence[FrameBox] = (),
        minus: Sequence[Point] = (),
        block: str | None = None,
    ) -> AffinityColumn:
        """Return who looks at a point, or at several; arguments and errors as for ``query``.

        The first column of a block adds up all of its rows, which the block remembers; ``sum_rows`` tells how far.
        """
        captured = self.block(block)
        first, also, less = asked_cells(captured.key_grid, points_of(frame, x, y, points), boxes, minus)
        self.sum_rows(captured.name)
        normaliser = self._normalisers.get(captured.name)
        return self._with_figure(column(captured, first, normaliser, also=also, minus=less))

    def sum_rows(self, block: str | None = None, *, progress: Progress | None = None) -> None:
        """Add up all rows of a block, which its columns divide by; at once where that was done or none is needed."""
        captured = self.block(block)
        if not captured.is_summed or captured.name in self._normalisers:
            return
        for head in captured.heads:
            self.sum_rows(head.name, progress=progress)
        of_heads = [self._normalisers[head.name] for head in captured.heads]
        self._normalisers[captured.name] = np.stack(of_heads) if of_heads else log_normaliser(captured, progress)

    def answer(self, pin: Pin, *, progress: Progress | None = None) -> AffinityRow | AffinityColumn:
        """Return the answer to a pinned question: ``query`` or ``column``, with the pin's temperature and hops.

        ``progress`` is called with the sums that the first column of a block needs. The pins beside it are questions of
        their own. Raises the errors of these two, and SelectionError for a temperature without a softmax.
        """
        if pin.direction == "column":
            self.sum_rows(pin.block, progress=progress)
            return self.column(frame=pin.frame, x=pin.x, y=pin.y, points=pin.also, minus=pin.minus, block=pin.block)
        answer = looked(asked_by(self.block(pin.block), pin.asker), pin)
        return self._with_figure(followed(answer, self.capture.route(self.block(pin.block), pin.hops)))

    def follow(
        self, *, frame: int, x: float, y: float, hops: int = 2, block: str | None = None, stays: float = STAYS
    ) -> AffinityRow:
        """Return where a point looks after several hops: its row, passed on along the rows of the layers before.

        Each further hop leaves ``stays`` of the weight where it is, as the residual does, and passes the rest on
        (attention rollout, with a half). Through the layer before, and so on; the first one is gone through again. The
        rest as for ``query``. Raises SelectionError where rows do not sum to 1, for fewer hops than one, or for a part
        that is none.
        """
        if hops < 1 or not 0 <= stays <= 1:
            raise SelectionError(f"hops is 1 or more, stays from 0 to 1; got {hops} and {stays}.")
        captured = self.block(block)
        found = row(captured, captured.query_grid.cell_at(frame=frame, x=x, y=y))
        return self._with_figure(followed(found, self.capture.route(captured, hops), stays=stays))

    def shown(self, pin: Pin) -> AffinityRow | AffinityColumn:
        """Return the answer as the viewer computes it, from the tables as they are stored."""
        stored = asked_by(as_stored(self.block(pin.block)), pin.asker)
        if pin.direction == "row":
            route = self.capture.route(self.block(pin.block), pin.hops)
            return followed(looked(stored, pin), [tuple(as_stored(head) for head in heads) for heads in route])
        normaliser = log_normaliser(stored).astype(np.float32).astype(np.float64) if stored.is_summed else None
        first, also, less = asked_cells(stored.key_grid, pin.points, (), pin.minus)
        return column(stored, first, normaliser, also=also, minus=less)

    def _with_figure(self, answer: AnyAnswer) -> AnyAnswer:
        """Return the answer as it leaves: without a figure here, where no clip is known."""
        return answer
