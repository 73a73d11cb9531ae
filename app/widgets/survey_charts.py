"""Charts of the Survey page: the distribution of a figure over clips, and two networks against each other."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

BARS = 24
HEIGHT = 300
FEW = 8
"""Height of the highest bar from which the axis has no tick for every row."""


def edges_of(values: Sequence[float]) -> np.ndarray:
    """Return the edges (BARS + 1,) of bars of equal width from the smallest value to the largest."""
    low, high = min(values), max(values)
    return np.linspace(low, high if high > low else low + 1, BARS + 1)


def histogram(values: Sequence[float], edges: np.ndarray, title: str) -> go.Figure:
    """Return a histogram of the rows; a drag selects bars."""
    counts, _ = np.histogram(values, edges)
    figure = go.Figure(
        go.Bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts,
            width=np.diff(edges),
            customdata=np.stack([edges[:-1], edges[1:]], 1),
            hovertemplate="%{customdata[0]:.3g} to %{customdata[1]:.3g}: %{y}<extra></extra>",
        )
    )
    upwards = {"tickformat": ",d", "dtick": 1} if counts.max() < FEW else {"tickformat": ",d"}
    return _styled(figure, title, "rows").update_layout(selectdirection="h", yaxis=upwards)


def within(values: Sequence[float], edges: np.ndarray, bars: Sequence[int] | None) -> list[int]:
    """Return the indices of the values in the selected bars, or of all values if nothing was selected.

    >>> within([0.0, 0.5, 1.0], np.array([0.0, 0.4, 0.8, 1.0]), [0, 2])
    [0, 2]
    """
    if bars is None:
        return list(range(len(values)))
    places = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    return np.flatnonzero(np.isin(places, list(bars))).tolist()


def against(
    pairs: Sequence[tuple[float, float]], names: Sequence[str], titles: tuple[str, str], figure_title: str
) -> go.Figure:
    """Return a scatter chart of the clips, one network on each axis, with the line of equality."""
    both = np.array(pairs).reshape(-1, 2)
    low, high = float(both.min()), float(both.max())
    figure = go.Figure(
        go.Scatter(
            x=both[:, 0],
            y=both[:, 1],
            mode="markers",
            text=[name.replace("<", "&lt;") for name in names],
            hovertemplate="%{text}<br>%{x:.3g} and %{y:.3g}<extra></extra>",
        )
    )
    figure.add_scatter(
        x=[low, high], y=[low, high], mode="lines", line={"dash": "dot", "color": "#888"}, hoverinfo="skip"
    )
    return _styled(figure, f"{figure_title}: {titles[0]}", titles[1]).update_layout(showlegend=False)


def _styled(figure: go.Figure, across: str, upwards: str) -> go.Figure:
    return figure.update_layout(
        height=HEIGHT,
        margin={"l": 48, "r": 16, "t": 12, "b": 44},
        bargap=0.04,
        dragmode="select",
        xaxis={"title": {"text": across}},
        yaxis={"title": {"text": upwards}},
    )
