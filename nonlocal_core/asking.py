"""Questions to a capture: rows and columns of points, and answers over several heads or layers."""

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
    """Questions to a capture without its clip and its network, which `nonlocal_core.Session` adds.

    ``unreadable``: names and reasons of modules that look like a block or an attention layer and cannot be shown.
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
        """Return the row of a point: the weight that it gives to every position.

        ``frame`` counts the frames of the clip; ``x`` and ``y`` are in [0, 1] of the shown frame, y downwards.
        ``points``, (frame, x, y), and ``boxes``, (frame, x0, y0, x1, y1), ask several at once: the answer is the mean
        of their rows, with each cell of the boxes counted once. ``minus``: points whose mean row is subtracted.
        ``block``: a name from ``capture.blocks``, a layer's with ``.mean`` for the mean over its heads, or None for the
        block that is shown first. In a notebook the row displays as the figure that ``save`` draws, or as text if more
        than ``MOST_POINTS`` cells are asked.
        Raises SelectionError if nothing is asked, OutsideGridError if the network did not see a point,
        UnknownNameError for an unknown block.
        """
        captured = self.block(block)
        first, also, less = asked_cells(captured.query_grid, points_of(frame, x, y, points), boxes, minus)
        return self._with_figure(row(captured, first, also=also, minus=less))

    def asked_by(self, asker: str, *, frame: int | None = None, block: str | None = None) -> AffinityRow:
        """Return the row of one of a block's ``askers``, a token such as "class token" that is not a position.

        ``frame``: the frame of the asker if each frame has its own; None for the first. ``block``: as for ``query``.
        Raises UnknownNameError for an unknown asker or block, OutsideGridError for a frame that was not seen.
        """
        captured = asked_by(self.block(block), asker)
        frame, x, y = point_of_asker(captured.query_grid, frame)
        return self._with_figure(row(captured, captured.query_grid.cell_at(frame=frame, x=x, y=y)))

    def mean_over_heads(
        self, layer: str, *, frame: int, x: float = 0.5, y: float = 0.5, asker: str | None = None
    ) -> AffinityRow:
        """Return the mean of the rows of a layer's heads at a point, or of an asker: the row of the block LAYER.mean.

        ``layer``: a block's name without its head. Raises UnknownNameError for an unknown layer or asker, and
        OutsideGridError if the network did not see the point.
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
        """Return the row of a point or an asker through several layers, by attention rollout.

        It is the product over the layers of (1 - residual) A + residual I, with A the mean over a layer's heads (Abnar
        and Zuidema, 2020), and no layer's own weights; it cannot be saved to a file. ``layers``: layer names without a
        head, or None for all captured layers.
        Raises SelectionError for layers that do not pass on one set of tokens, UnknownNameError, OutsideGridError.
        """
        self.block()  # refuses a capture without any
        followed = layers_of(self.capture.blocks, layers)
        grid = [*followed.values()][-1][0].query_grid
        cell = grid.cell_at(frame=frame, x=x, y=y)
        return rollout(followed, cell, asker, residual=residual, left_out=len(self.unreadable) if layers is None else 0)

    def looking_at(self, key: str, *, frame: int | None = None, block: str | None = None) -> AffinityColumn:
        """Return the column of a key that is not a position, such as a word of a diffusion model's prompt.

        ``key``: one of the ``askers`` of a block in which they are keys. ``frame``: the frame of the key if each frame
        has its own; None for the first. ``block``: a name, or None for the last block with such a key.
        Raises UnknownNameError for an unknown key or block, OutsideGridError for a frame that the network did not see.
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
        """Return the column of a point, or the mean over several: the weight that every position gives it.

        Arguments and errors are those of ``query``. The first column of a block sums all of its rows, and the sums are
        kept; ``sum_rows`` computes them with progress.
        """
        captured = self.block(block)
        first, also, less = asked_cells(captured.key_grid, points_of(frame, x, y, points), boxes, minus)
        self.sum_rows(captured.name)
        normaliser = self._normalisers.get(captured.name)
        return self._with_figure(column(captured, first, normaliser, also=also, minus=less))

    def sum_rows(self, block: str | None = None, *, progress: Progress | None = None) -> None:
        """Sum all rows of a block, by which its columns are divided; immediate if that was done or is not needed."""
        captured = self.block(block)
        if not captured.is_summed or captured.name in self._normalisers:
            return
        for head in captured.heads:
            self.sum_rows(head.name, progress=progress)
        of_heads = [self._normalisers[head.name] for head in captured.heads]
        self._normalisers[captured.name] = np.stack(of_heads) if of_heads else log_normaliser(captured, progress)

    def answer(self, pin: Pin, *, progress: Progress | None = None) -> AffinityRow | AffinityColumn:
        """Return the answer to a pinned question: ``query`` or ``column``, with the pin's temperature and hops.

        ``progress`` is called with the sums that the first column of a block needs. The pins beside it are separate
        questions. Raises the errors of ``query`` and ``column``, and SelectionError for a temperature without softmax.
        """
        if pin.direction == "column":
            self.sum_rows(pin.block, progress=progress)
            return self.column(frame=pin.frame, x=pin.x, y=pin.y, points=pin.also, minus=pin.minus, block=pin.block)
        answer = looked(asked_by(self.block(pin.block), pin.asker), pin)
        return self._with_figure(followed(answer, self.capture.route(self.block(pin.block), pin.hops)))

    def follow(
        self, *, frame: int, x: float, y: float, hops: int = 2, block: str | None = None, stays: float = STAYS
    ) -> AffinityRow:
        """Return the row of a point after several hops, passed on along the rows of the earlier layers.

        Each further hop leaves the share ``stays`` of the weight in place, as the residual does, and passes the rest on
        (attention rollout if it is a half). Each hop goes through the layer before; the first layer is used again.
        Other arguments are as for ``query``. Raises SelectionError if rows do not sum to 1, for fewer than one hop, or
        for ``stays`` outside [0, 1].
        """
        if hops < 1 or not 0 <= stays <= 1:
            raise SelectionError(f"hops is 1 or more, stays from 0 to 1; got {hops} and {stays}.")
        captured = self.block(block)
        found = row(captured, captured.query_grid.cell_at(frame=frame, x=x, y=y))
        return self._with_figure(followed(found, self.capture.route(captured, hops), stays=stays))

    def shown(self, pin: Pin) -> AffinityRow | AffinityColumn:
        """Return the answer as the viewer computes it, from the stored tables."""
        stored = asked_by(as_stored(self.block(pin.block)), pin.asker)
        if pin.direction == "row":
            route = self.capture.route(self.block(pin.block), pin.hops)
            return followed(looked(stored, pin), [tuple(as_stored(head) for head in heads) for heads in route])
        normaliser = log_normaliser(stored).astype(np.float32).astype(np.float64) if stored.is_summed else None
        first, also, less = asked_cells(stored.key_grid, pin.points, (), pin.minus)
        return column(stored, first, normaliser, also=also, minus=less)

    def _with_figure(self, answer: AnyAnswer) -> AnyAnswer:
        """Return the answer unchanged; subclasses that know the clip add its figure."""
        return answer
