"""Several captures under one question: networks, epochs or blocks side by side, in a page, in a notebook, in numbers.

A side is a session, or a live page that was saved from one; either has the tables to answer.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Unpack

import numpy as np
from jaxtyping import Float64

from nonlocal_core.answers import AffinityColumn, AffinityRow
from nonlocal_core.asking import Questions
from nonlocal_core.bundle import Precision, decode_bundle
from nonlocal_core.capture import BlockCapture, Capture
from nonlocal_core.errors import SelectionError
from nonlocal_core.pin import Pin, PinFields
from nonlocal_core.render.writing import replacing
from nonlocal_core.session import Session
from nonlocal_core.viewer import ComparedPane, bundle_of_page, export_comparison, framed
from nonlocal_core.vocabulary import MOST_SIDES

Side = Session | str | Path | bytes
"""A session, or the path or the bytes of a live page that was saved from one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Side:
    title: str
    questions: Questions
    block: BlockCapture
    packed: Callable[[Precision], bytes]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SideBySide:
    """Sides of a comparison, which answer one question together; a notebook shows them as a cell's last value."""

    sides: tuple[_Side, ...]

    def __repr__(self) -> str:
        return f"SideBySide({', '.join(f'{side.title!r}: {side.block.name}' for side in self.sides)})"

    def answers(self, **pin: Unpack[PinFields]) -> dict[str, AffinityRow | AffinityColumn]:
        """Return each side's answer to a question, the fields of a ``Pin``, by its title.

        Raises the errors of ``Session.query``.
        """
        return {side.title: side.questions.answer(replace(Pin(**pin), block=side.block.name)) for side in self.sides}

    def difference(self, **pin: Unpack[PinFields]) -> Float64[np.ndarray, "T H W"]:
        """Return the heat of the first side less that of the second, each in multiples of its own even share.

        Negative weights count as zero. Raises SelectionError if the grids differ, and the errors of ``answers``.
        """
        first, second = [*self.answers(**pin).values()][:2]
        if first.grid != second.grid:
            raise SelectionError(
                f"Answers are subtracted cell by cell; these lie on {first.grid.shape} and {second.grid.shape} cells. "
                "Compare blocks of one size on the same frames."
            )
        looked_at = [
            np.maximum(each.heat.astype(np.float64), 0) * each.times_uniform_per_unit for each in (first, second)
        ]
        return np.asarray(looked_at[0] - looked_at[1])

    def save(self, path: str | Path, *, precision: Precision = "float16", **pin: Unpack[PinFields]) -> Path:
        """Write the live comparison as one page that opens from a disk and asks ``pin`` on arrival; return its path.

        Raises SelectionError for a suffix that is not ``.html``.
        """
        target = Path(path)
        if target.suffix != ".html":
            raise SelectionError(
                f"A comparison is saved as .html; got {target.name!r}. Of one side, session.save has more."
            )
        page = self._page(precision, Pin(**pin))
        with replacing(target) as part:
            part.write_text(page, encoding="utf-8")
        return target

    def _repr_html_(self) -> str:
        """Return the live comparison for the cell of a notebook, its tables in 8 bits."""
        return framed(self._page("int8", None))

    def _page(self, precision: Precision, asked: Pin | None) -> str:
        panes = [
            ComparedPane(title=side.title, block=side.block.name, bundle=side.packed(precision)) for side in self.sides
        ]
        return export_comparison(panes, asked=json.dumps(None if asked is None else asdict(asked)))


def compare(sides: Mapping[str, Side], *, block: str | None = None) -> SideBySide:
    """Return several sessions or saved live pages side by side under one question.

    ``sides``: by their titles, such as ``{"epoch 1": early, "epoch 90": "late.html"}``. ``block``: the name of the
    block to compare, or None for the one that each side shows first.
    Raises SelectionError for fewer than two sides or more than ``MOST_SIDES``, UnknownNameError for a block that a side
    lacks, BundleError for a file that is not a live page.
    """
    if not 2 <= len(sides) <= MOST_SIDES:
        raise SelectionError(f"Two to {MOST_SIDES} sides are compared; got {len(sides)}.")
    return SideBySide(sides=tuple(_side(title, side, block) for title, side in sides.items()))


def _side(title: str, side: Side, name: str | None) -> _Side:
    if isinstance(side, Session):
        block = side.block(name)
        alone = replace(side.capture, blocks=block.heads or (block,), shown=block.name)
        only = replace(side, capture=alone)
        return _Side(
            title=title,
            questions=side,
            block=block,
            packed=lambda precision: only.bundle(side.first_question(), precision=precision),
        )
    packed = bundle_of_page(side if isinstance(side, bytes) else Path(side).read_bytes())
    bundle = decode_bundle(packed)
    capture = Capture(blocks=tuple(each.capture for each in bundle.blocks), shown=bundle.view.block)
    return _Side(
        title=title, questions=Questions(capture=capture), block=capture.block(name), packed=lambda _precision: packed
    )
