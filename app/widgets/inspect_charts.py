"""Charts of the Inspect page; the numbers come from nonlocal_core."""

import numpy as np
import plotly.graph_objects as go

from nonlocal_core import BlockCapture, Cell, Session
from nonlocal_core.look import COLD, WARM, heat_of_parts
from nonlocal_core.measures import AffinityMatrix, Bins, BlockMeasures
from nonlocal_core.measures.ablation import ClassChange
from nonlocal_core.render import paint

MOST_PICTURES = 8
"""Maximum number of frames of the effect map, spread evenly over a longer clip."""
CLIPPED_AT = 99.5
"""Percentage of the matrix's entries below full colour; otherwise a few large ones would hide all others."""


def profile(measured: BlockMeasures, block: BlockCapture) -> go.Figure:
    """Return a chart of the weight between frames: a row for each frame that looks, a column for each looked at."""
    asking, asked = ([_frames(span) for span in grid.frame_spans] for grid in (block.query_grid, block.key_grid))
    figure = go.Figure(
        go.Heatmap(
            z=100 * measured.temporal_profile,
            x=asked,
            y=asking,
            colorscale=_scale(signed=False),
            zmin=0,
            zmax=100 * float(np.nanmax(measured.temporal_profile, initial=0.01)),
            colorbar={"title": "%", "thickness": 12},
            hovertemplate="frame %{y} gives %{z:.1f} % to frame %{x}<extra></extra>",
        )
    )
    figure.update_layout(
        xaxis={"title": "frame that is looked at", "type": "category"},
        yaxis={"title": "frame that looks", "type": "category", "autorange": "reversed"},
    )
    return _styled(figure)


def matrix(found: AffinityMatrix, block: BlockCapture) -> go.Figure:
    """Return a zoomable chart of the affinity matrix, in which every entry is named by its two cells."""
    signed = block.pairwise == "dot_product"
    limit = float(np.percentile(np.abs(found.values), CLIPPED_AT)) or 1.0
    asking, asked = _places(found.query_bins), _places(found.key_bins)
    figure = go.Figure(
        go.Heatmap(
            z=found.values,
            x=asked,
            y=asking,
            colorscale=_scale(signed),
            zmin=-limit if signed else 0,
            zmax=limit,
            colorbar={"title": "weight", "thickness": 12, "exponentformat": "power"},
            hovertemplate="%{y}<br>looks at %{x}<br>weight %{z:.3g}<extra></extra>",
        )
    )
    # A strip beside it, one point for each row: Streamlit tells of clicks on points, not on heatmaps.
    figure.add_scatter(
        x=[0] * len(asking),
        y=asking,
        xaxis="x2",
        mode="markers",
        marker={"symbol": "square", "size": 11, "color": "#d9480f"},
        hovertemplate="%{y}<br>click: where does it look?<extra></extra>",
        showlegend=False,
    )
    figure.update_layout(
        xaxis={"title": "frame that is looked at", "domain": [0.05, 1], **_frame_ticks(found.key_bins, asked)},
        xaxis2={"domain": [0, 0.04], "range": [-1, 1], "visible": False, "fixedrange": True},
        yaxis={
            "title": "frame that looks",
            "anchor": "free",
            "position": 0,
            "range": [len(asking) - 0.5, -0.5],
            **_frame_ticks(found.query_bins, asking),
        },
    )
    return _styled(figure).update_layout(dragmode="zoom")


def question(found: AffinityMatrix, line: int) -> tuple[int, float, float]:
    """Return the (frame, x, y) at the centre of the box of queries that a row of the matrix stands for."""
    bins = found.query_bins
    t, y, x = ((start + stop - 1) // 2 for start, stop in bins.box(line))
    return (bins.grid.span(t)[0], *bins.grid.center(Cell(t, y, x)))


def classes(changes: tuple[ClassChange, ...]) -> go.Figure:
    """Return a chart of the probabilities of the best classes, before and after the change."""
    names = [change.name for change in changes]
    figure = go.Figure()
    for title, values, colour in (
        ("as it is", [change.before for change in changes], "#8a8f98"),
        ("without", [change.after for change in changes], "#d9480f"),
    ):
        figure.add_bar(y=names, x=[100 * value for value in values], name=title, orientation="h", marker_color=colour)
    figure.update_layout(
        xaxis={"title": "probability, %", "rangemode": "tozero"},
        yaxis={"autorange": "reversed", "automargin": True},
        legend={"orientation": "h", "y": 1.12},
        barmode="group",
    )
    return _styled(figure, height=90 + 44 * len(changes))


def effect_pictures(session: Session, block: BlockCapture, effect: np.ndarray) -> dict[int, np.ndarray]:
    """Return frames with the effect of a block drawn over them, (T, H, W) on its query grid, by frame index."""
    count = len(session.frames.rgb)
    shown = np.unique(np.linspace(0, count - 1, min(count, MOST_PICTURES)).astype(int)).tolist()
    heat, grid = heat_of_parts(effect / max(float(effect.max()), np.finfo(float).tiny)), block.query_grid
    return {
        frame: paint(session.frames.rgb[frame], heat, grid.t_of_frame(frame), grid, seen=session.view.crop)
        for frame in shown
        if grid.find_t(frame) is not None
    }


def _places(bins: Bins) -> list[str]:
    """Return the name of each line of the matrix: its frames, rows and columns."""
    names = []
    for index in range(bins.size):
        (t, t_stop), (y, y_stop), (x, x_stop) = bins.box(index)
        frames = _frames((bins.grid.span(t)[0], bins.grid.span(t_stop - 1)[1]))
        names.append(f"frame {frames}, row {_frames((y, y_stop))}, column {_frames((x, x_stop))}")
    return names


def _frame_ticks(bins: Bins, places: list[str]) -> dict[str, object]:
    """Return ticks at the starts of steps, as many as are readable."""
    times, rows, cols = bins.shape
    shown = range(0, times, -(-times // 8))
    return {
        "type": "category",
        "tickmode": "array",
        "tickvals": [places[t * rows * cols] for t in shown],
        "ticktext": [str(bins.grid.span(bins.edges[0][t])[0] + 1) for t in shown],
    }


def _frames(span: tuple[int, int]) -> str:
    """Return a range [start, stop) in words, counted from 1."""
    start, stop = span
    return str(start + 1) if stop - start == 1 else f"{start + 1}–{stop}"


def _scale(signed: bool) -> list[list[object]]:
    """Return one of our colour maps in Plotly's form."""
    table = np.concatenate([COLD[::-17], WARM[::17]]) if signed else WARM[:: 255 // 15]
    return [[i / (len(table) - 1), f"rgb({r},{g},{b})"] for i, (r, g, b) in enumerate(table.tolist())]


def _styled(figure: go.Figure, *, height: int = 340) -> go.Figure:
    return figure.update_layout(dragmode=False, height=height, margin={"l": 0, "r": 0, "t": 10, "b": 0})
