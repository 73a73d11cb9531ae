"""Findings: the paper's tables measured again in small, and what the shipped networks were found to do."""

import plotly.graph_objects as go
import streamlit as st

from nonlocal_core import list_models
from nonlocal_core.weights.findings import Findings, PaperTable, TableLine, read_findings

from ..server import visit

COLUMNS = {
    "own_cell": "on its own cell",
    "places": "places",
    "covered": "of the object",
    "on_object": "weight on the object",
    "average_precision": "AP",
    "auc": "AUC",
    "auc_object": "AUC, objects only",
    "damaged_covered": "damaged: of the object",
    "damaged_average_precision": "damaged: AP",
    "damaged_auc_object": "damaged: AUC, objects only",
    "real_own_cell": "real clips: on its own cell",
    "real_places": "real clips: places",
    "real_covered": "real clips: of the object",
    "real_on_object": "real clips: weight on the object",
    "real_average_precision": "real clips: AP",
    "real_auc": "real clips: AUC",
    "real_hit_rate": "real clips: frames hit",
    "stills_own_cell": "pictures: on its own cell",
    "top1_kept": "real clips: answer kept",
}
"""What the table of networks shows, in its order."""
WHOLE_NUMBERS = ("places", "real_places")


def draw() -> None:
    """Draw the page."""
    visit.current()
    st.html(
        "<div class='nlv-heading'><h1>Which of the paper's findings hold in small?</h1>"
        "<p>Measured on composed clips, on one thread of a CPU.</p></div>"
    )
    found = read_findings()
    tables, networks = st.tabs(["The paper's tables", "The shipped networks"])
    with tables:
        _tables(found)
    with networks:
        _networks(found)


def _tables(found: Findings) -> None:
    st.markdown(
        "The paper trained on Kinetics for days on eight GPUs. Here each variant sits in a frozen ImageNet classifier "
        f"and learns, in {found.steps} steps, to bring the classifier's answer for blurred, grey or damaged frames "
        "back to that for the clean ones. It is another task: compare the order within a chart, not the figures. Bars "
        f"are means of {found.seeds} seeds on {found.clips} held-out clips, lines their 95 % intervals over clips."
    )
    columns = st.columns(2)
    for position, table in enumerate(found.tables):
        with columns[position % 2].container(border=True):
            _table(table)


def _table(table: PaperTable) -> None:
    number = f" (table {table.number})" if table.number else ""
    st.markdown(f"**{table.title}{number}**  \nThe paper: {table.finding}")
    st.plotly_chart(_bars(table.lines), key=f"table-{table.id}", config={"displayModeBar": False})
    gap = table.difference
    st.markdown(f"**{table.verdict[0].upper()}{table.verdict[1:]}.**")
    st.caption(f"Difference that decides it: {gap.mean:+.1f} [{gap.low:+.1f}, {gap.high:+.1f}] percentage points.")


def _bars(lines: tuple[TableLine, ...]) -> go.Figure:
    titles = [f"{line.title}<br><sub>{_paper(line)}</sub>" for line in lines]
    means = [line.brought_back.mean for line in lines]
    figure = go.Figure(
        go.Bar(
            x=means,
            y=titles,
            orientation="h",
            marker={"color": "#d9480f"},
            error_x={
                "array": [line.brought_back.high - line.brought_back.mean for line in lines],
                "arrayminus": [line.brought_back.mean - line.brought_back.low for line in lines],
                "color": "#888",
            },
            customdata=[line.parameters for line in lines],
            hovertemplate="%{x:.1f} % brought back, %{customdata:,} parameters<extra></extra>",
        )
    )
    figure.update_layout(
        height=90 + 52 * len(lines),
        margin={"l": 0, "r": 10, "t": 6, "b": 0},
        xaxis={"title": "answer brought back, %", "zeroline": True},
        yaxis={"autorange": "reversed", "automargin": True},
    )
    return figure


def _paper(line: TableLine) -> str:
    if line.paper is None:
        return line.paper_words or "not in the paper"
    words = f", {line.paper_words}" if line.paper_words else ""
    return f"the paper: {line.paper:.1f} % top-1{words}"


def _networks(found: Findings) -> None:
    st.markdown(
        "What the rows of each shipped network do with all of their weight, on the map that is shown first. A row that "
        "stays on the cell that asks has all its weight on the object and shows nothing: so see how much of the object "
        "it covers. AP and AUC rank the cells of other frames. The composed clips are held out; the real ones were "
        "looked at while the recipe was chosen. Each network's card says more."
    )
    formats = {words: "%.0f" if name in WHOLE_NUMBERS else "%.3f" for name, words in COLUMNS.items()}
    st.dataframe(
        [
            {"network": network.title} | {words: network.figures.get(name) for name, words in COLUMNS.items()}
            for network in found.networks
        ],
        hide_index=True,
        column_config={words: st.column_config.NumberColumn(format=form) for words, form in formats.items()},
        key="networks",
    )
    default = list_models()[0]
    best = max(found.networks, key=lambda network: network.figures["real_average_precision"])
    widest = max(found.networks, key=lambda network: network.figures["real_covered"])
    st.markdown(
        f"On real clips **{best.title}** tells the object's cells best from all others (AP "
        f"{best.figures['real_average_precision']:.3f}); the app opens with {default.title}. Most of the object is "
        f"covered by {widest.title} ({widest.figures['real_covered']:.3f}, with "
        f"{widest.figures['real_on_object']:.3f} of its weight there). These are a dozen clips with one question each: "
        "enough to choose a default by, and no more."
    )
