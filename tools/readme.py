"""Write the model table and the measured figures into README.md. `make readme` runs this; a test compares.

Networks come from the catalog, figures from ``benchmarks/RESULTS.md``, which `make bench` writes.
"""

import re
import sys
from dataclasses import dataclass

from lock import ROOT

from nonlocal_core import list_models

sys.path.append(str(ROOT / "benchmarks"))
from results import Table, tables_in

README = ROOT / "README.md"
RESULTS = ROOT / "benchmarks" / "RESULTS.md"
_MODELS = re.compile(r"(<!-- models:.*?-->\n).*?(<!-- /models -->)", re.DOTALL)
_FIGURES = re.compile(r"(<!-- figures:.*?-->\n).*?(<!-- /figures -->)", re.DOTALL)
_LARGEST = {"queries x keys": "12544 x 12544", "peer": "mmcv"}
_BLOCK, _FASTER = "Whole block", "{} times as fast, in {} of the memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A line of the README: which row of which table it quotes, and how."""

    what: str
    heading: str
    """Beginning of the table's heading."""
    row: dict[str, str]
    """Cells that tell the row, by their columns."""
    columns: tuple[str, ...]
    says: str

    def read(self, tables: list[Table]) -> str:
        """Return the line. Raises LookupError for a page that does not have the row."""
        for table in tables:
            if not table.heading.startswith(self.heading):
                continue
            for cells in table.rows:
                named = dict(zip(table.columns, cells, strict=True))
                if self.row.items() <= named.items() and set(self.columns) <= named.keys():
                    figures = (named[column].split(" (")[0].replace("%", " %") for column in self.columns)
                    return f"| {self.what} | {self.says.format(*figures)} |"
        raise LookupError(f"{RESULTS.name} has no row for {self.what!r}: run `make bench`.")


def _block(function: str, gradient: str) -> Quote:
    with_it = ", forward and backward" if gradient == "yes" else ""
    return Quote(
        what=f"{function} block at 12,544 x 12,544 against mmcv{with_it}",
        heading=_BLOCK,
        row=_LARGEST | {"function": function, "with gradient": gradient},
        columns=("peer / ours", "ours / peer"),
        says=_FASTER,
    )


QUOTES = (
    *(_block(function, "no") for function in ("Gaussian", "Embedded Gaussian", "Dot product")),
    *(_block(function, "yes") for function in ("Gaussian", "Embedded Gaussian", "Dot product")),
    Quote(
        what="Recording the default network, over its forward pass",
        heading="Recording over",
        row={"network, 8 x 224 x 224": "lite0-embedded-gaussian"},
        columns=("recorded / forward",),
        says="{} times",
    ),
    Quote(
        what="Hover to painted answer, median and 95 of 100",
        heading="From the pointer",
        row={"what": "hover, here"},
        columns=("p50", "p95"),
        says="{}, {}",
    ),
)


def with_table(readme: str) -> str:
    """Return the README with the table of the networks that can be opened by name."""
    lines = ["| id | function | blocks | weights |", "|---|---|---|---|"]
    lines += [
        f"| `{card.id}` | {card.pairwise.replace('_', ' ')} | {', '.join(f'`{name}`' for name in card.blocks)} "
        f"| {card.status.replace('_', '-')} |"
        for card in list_models()
    ]
    return _MODELS.sub(lambda found: found[1] + "\n".join(lines) + "\n" + found[2], readme)


def with_figures(readme: str, results: str) -> str:
    """Return the README with the figures of a page of results; without any where there is none."""
    tables = list(tables_in(results, ""))
    lines = ["| measured | figure |", "|---|---|", *(quote.read(tables) for quote in QUOTES), ""] if results else []
    return _FIGURES.sub(lambda found: found[1] + "\n".join(lines) + found[2], readme)


def measured() -> str:
    """Return the page of results, empty where `make bench` was not run."""
    return RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""


if __name__ == "__main__":
    README.write_text(with_figures(with_table(README.read_text()), measured()))
