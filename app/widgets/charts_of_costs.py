"""Chart of the cost of the non-local sum, with its matrix and without."""

from collections.abc import Mapping

import plotly.graph_objects as go

from nonlocal_core.measures.costs import Cost
from nonlocal_core.vocabulary import Pairwise

from .charts import styled

_TITLES: dict[Pairwise, str] = {
    "embedded_gaussian": "Gaussians",
    "dot_product": "dot product",
    "concatenation": "concatenation",
}
_INKS: dict[Pairwise, str] = {"embedded_gaussian": "#d9480f", "dot_product": "#1c7ed6", "concatenation": "#2b8a3e"}


def chart(costs: Mapping[tuple[Pairwise, int], Cost]) -> go.Figure:
    """Return a chart of the times by the number of positions, with dotted lines if the matrix is built."""
    figure = go.Figure()
    for pairwise, title in _TITLES.items():
        own = [cost for (function, _), cost in costs.items() if function == pairwise]
        counts = [cost.positions for cost in own]
        for name, dash, times in (
            (f"{title}, short way", "solid", [1000 * cost.short_seconds for cost in own]),
            (f"{title}, with the matrix", "dot", [1000 * cost.explicit_seconds for cost in own]),
        ):
            figure.add_scatter(
                x=counts, y=times, name=name, mode="lines+markers", line={"color": _INKS[pairwise], "dash": dash}
            )
    figure.update_layout(
        title="Time of one sum over all pairs",
        xaxis={"title": "positions", "type": "log", "tickvals": sorted({cost.positions for cost in costs.values()})},
        yaxis={"title": "ms", "type": "log"},
    )
    return styled(figure).update_layout(height=380)
