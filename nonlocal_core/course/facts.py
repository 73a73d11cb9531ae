"""Facts below the pictures of a step, as data: tables, sentences, bars, small pictures, and choices among them.

Pages draw them: ``app/widgets/lesson_panels.py`` in the app, ``viewer/controls/facts.js`` in a file.
"""

from dataclasses import asdict, dataclass
from typing import Literal

from nonlocal_core.geometry import Cell
from nonlocal_core.measures.costs import Cost
from nonlocal_core.measures.variants import moved_by_pooling
from nonlocal_core.pin import Pin
from nonlocal_core.session import Session
from nonlocal_core.vocabulary import Pairwise
from nonlocal_core.weights.findings import read_findings

FUNCTIONS: dict[Pairwise, str] = {
    "embedded_gaussian": "softmax, in pieces",
    "dot_product": "(θφᵀ)g as θ(φᵀg)",
    "concatenation": "sorted, running sums",
}
"""Description of the exact method without a matrix, for each function."""
COUNTS = (256, 512, 1024, 2048)
"""Numbers of positions at which costs are measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A sentence."""

    text: str
    failing: bool = False
    """True if the fact says that something does not hold."""
    kind: Literal["said"] = "said"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; the first cell of each row names it."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    kind: Literal["table"] = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A share in [0, 1] with its name, and the words after the bar."""

    name: str
    share: float
    words: str
    colour: str = ""
    """Colour of the bar, #rrggbb; empty for that of the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Shares under a title."""

    title: str
    bars: tuple[Bar, ...]
    note: str = ""
    kind: Literal["bars"] = "bars"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A small picture by its data address, with the words under it, and a ring at (x, y) in [0, 1], or None."""

    address: str
    words: str
    ring: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Small pictures under a title. ``small``: shown as they are cut, a few pixels each."""

    title: str
    pictures: tuple[Picture, ...]
    small: bool = False
    kind: Literal["pictures"] = "pictures"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Sets of facts of which one is shown, by its name; ``first`` is shown first."""

    title: str
    names: tuple[str, ...]
    sets: "tuple[tuple[Fact, ...], ...]"
    first: int = 0
    kind: Literal["choice"] = "choice"


Fact = Said | Table | Bars | Pictures | Choice


def as_json(facts: tuple[Fact, ...]) -> list[dict[str, object]]:
    """Return facts as plain data, each with its kind."""
    return [asdict(fact) for fact in facts]


def pooling(session: Session, pin: Pin) -> tuple[Fact, ...]:
    """Return the saving and the effect of pooled keys, for a session with the pooled block first and the full one next.

    Raises OutsideGridError for a pin that the network did not see.
    """
    coarse, fine = session.capture.blocks
    cell: Cell = fine.query_grid.cell_at(frame=pin.frame, x=pin.x, y=pin.y)
    rows = tuple(
        (
            name,
            f"{block.query_grid.size:,}",
            f"{block.key_grid.size:,}",
            f"{block.query_grid.size * block.key_grid.size:,}",
        )
        for name, block in (("all keys", fine), ("pooled", coarse))
    )
    moved = 100 * moved_by_pooling(fine, cell)
    return (
        Table(head=("", "positions that ask", "positions that are looked at", "pairs"), rows=rows),
        Said(text=f"By pooling, {moved:.1f} % of the weight of this position moves to other cells."),
    )


def scopes(session: Session) -> tuple[Fact, ...]:
    """Return the number of positions that each block of a session sums over."""
    rows = tuple(
        (block.title, f"{block.key_count:,}", f"{block.query_grid.size * block.key_count:,}")
        for block in session.capture.blocks
    )
    return (Table(head=("sum over", "positions that each looks at", "pairs in all"), rows=rows),)


def sizes(session: Session) -> tuple[Fact, ...]:
    """Return the size of each block's matrix, and of the tables that are kept in its place."""
    rows = []
    for block in session.capture.blocks:
        pairs = block.query_grid.size * block.key_count
        kept = block.theta.size + (0 if block.phi is block.theta else block.phi.size)
        rows.append((block.title, f"{pairs:,}", _megabytes(pairs), f"{kept:,}", _megabytes(kept)))
    head = ("block on this clip", "numbers of the matrix", "", "numbers of θ and φ, which are kept", "")
    return (Table(head=head, rows=tuple(rows)),)


def costs(found: dict[tuple[Pairwise, int], Cost]) -> tuple[Fact, ...]:
    """Return measured times as a table, by function and number of positions."""
    rows = tuple(
        (
            f"{FUNCTIONS[pairwise]}, {count:,} positions",
            f"{1000 * cost.explicit_seconds:.1f} ms",
            f"{1000 * cost.short_seconds:.1f} ms",
        )
        for (pairwise, count), cost in found.items()
    )
    return (Table(head=("the short way", "with the matrix", "in the short way"), rows=rows),)


def claims() -> tuple[Fact, ...]:
    """Return the paper's claims beside the measurements on the small task of this tool."""
    rows = tuple(
        (f"Table {chart.number}", claim.words, claim.verdict, claim.reason)
        for chart in read_findings().charts
        for claim in chart.claims
    )
    return (Table(head=("paper", "claim", "here", "reason, where it was measured"), rows=rows),)


def _megabytes(numbers: int) -> str:
    return f"{4 * numbers / 1e6:,.1f} MB"
