"""Findings: the paper's tables measured again by the mark task, on one page for the wall, and the shipped networks."""

from html import escape

import streamlit as st

from nonlocal_core import list_models
from nonlocal_core.look import unbroken
from nonlocal_core.weights.findings import Bar, Chart, Claim, Findings, read_findings

from ..server import visit

COLUMNS = {
    "own_cell": "stays on its own cell",
    "places": "places looked at",
    "covered": "object covered",
    "on_object": "weight on the object",
    "average_precision": "AP",
    "auc": "AUC",
    "auc_object": "AUC, objects only",
    "damaged_covered": "damaged: object covered",
    "damaged_average_precision": "damaged: AP",
    "damaged_auc_object": "damaged: AUC, objects only",
    "real_own_cell": "real clips: stays on its own cell",
    "real_places": "real clips: places looked at",
    "real_covered": "real clips: object covered",
    "real_on_object": "real clips: weight on the object",
    "real_average_precision": "real clips: AP",
    "real_auc": "real clips: AUC",
    "real_hit_rate": "real clips: frames hit",
    "stills_own_cell": "pictures: stays on its own cell",
    "top1_kept": "real clips: answer kept",
}
"""Columns of the table of networks, in order."""
WHOLE_NUMBERS = ("places", "real_places")
ENOUGH_SEEDS = 5
"""Minimum number of seeds for a bar without a note on their number."""
PAPER_AXIS = (71.0, 76.0)
"""Percent top-1 at both ends of the paper's scale."""


def draw() -> None:
    """Draw the page."""
    visit.current()
    st.html(
        "<div class='nlv-heading'><h1>What can a look elsewhere do?</h1>"
        "<p>The paper's findings, measured again by a task that takes one.</p></div>"
    )
    found = read_findings()
    tables, networks = st.tabs(["The paper's tables", "The shipped networks"])
    with tables:
        cards = [_task(found), *(_chart(chart) for chart in found.charts), _beyond(found)]
        st.html(f"<div class='nlv-wall'>{''.join(cards)}</div>")
    with networks:
        _networks(found)


def _task(found: Findings) -> str:
    """Return the card on the method of measurement."""
    seeds = sorted({bar.seeds for chart in found.charts for bar in chart.bars})
    return (
        "<article class='nlv-finding'><h2>Who wore the mark?</h2>"
        "<p>Three objects move over four frames. In one frame each wears one of three marks. Asked at the object in "
        "another frame: <b>which mark did it wear?</b> Nothing at that place tells; only a look elsewhere does.</p>"
        "<p>Each variant reads the features of a frozen ImageNet classifier and learns until it stands still. "
        "<b>Won</b>: how much of what can be won, in percent; 0 is chance, 100 is always right.</p>"
        f"<p class='nlv-says'>Means of {_range(seeds)} seeds on {found.clips} test clips of pictures "
        "that were not seen "
        "before. Lines: 95 % intervals over seeds and clips. It measures fetching by likeness on composed clips, not "
        "video recognition: compare the order within a chart with the paper's, not the figures.</p>"
        "</article>"
    )


def _range(numbers: list[int]) -> str:
    return str(numbers[0]) if numbers[0] == numbers[-1] else f"{numbers[0]} to {numbers[-1]}"


def _chart(chart: Chart) -> str:
    start, stop = PAPER_AXIS
    rows = "".join(_row(bar) for bar in chart.bars)
    claims = "".join(_claim(claim) for claim in chart.claims)
    return (
        f"<article class='nlv-finding'><h2><small>Table {chart.number}</small> {escape(chart.title)}</h2>"
        "<table><thead><tr><td></td>"
        f"<th scope='col'>The paper: top-1,\u00a0%<br>from {start:.0f} to {stop:.0f}</th>"
        "<th scope='col'>Here: won,\u00a0%<br>from 0 to 100</th></tr></thead>"
        f"<tbody>{rows}</tbody></table><ul>{claims}</ul>"
        f"<p class='nlv-says'>{escape(unbroken(chart.says))}</p></article>"
    )


def _beyond(found: Findings) -> str:
    """Return the card on results that the paper has no table for: controls, another start, longer clips."""
    bodies = _group("Other rows, another start", found.controls)
    says = (
        "An even row, and the row of another position, gather as much and find nothing. Marks that θ and φ cannot see "
        "are fetched all the same, by the likeness of the objects. From the paper's start a seed sits at chance for "
        "hundreds of steps, and the rule stops some before they leave it."
    )
    if found.longer:
        bodies += _group(f"Taught on 4 frames, asked about {found.longer.frames}", found.longer.bars)
        says += f" The {found.longer.clips} longer clips were asked about without learning anything new."
    return (
        "<article class='nlv-finding nlv-beyond'><h2>Beyond the paper</h2>"
        "<table><thead><tr><td></td><th scope='col'>Here: won,\u00a0%<br>from 0 to 100</th></tr></thead>"
        f"{bodies}</table><p class='nlv-says'>{says}</p></article>"
    )


def _group(title: str, bars: tuple[Bar, ...]) -> str:
    rows = "".join(_row(bar, in_paper=False) for bar in bars)
    return f"<tbody><tr><th scope='rowgroup' colspan='2'><small>{escape(title)}</small></th></tr>{rows}</tbody>"


def _row(bar: Bar, *, in_paper: bool = True) -> str:
    paper = f"<td>{_paper(bar)}</td>" if in_paper else ""
    words = f"{bar.seeds} seeds, {bar.parameters:,} weights, {bar.seconds} s of training"
    return f"<tr title='{words}'><th scope='row'>{escape(bar.title)}</th>{paper}<td>{_won(bar)}</td></tr>"


def _paper(bar: Bar) -> str:
    """Return a dot on the paper's scale, which does not begin at zero, and its figure."""
    if bar.paper is None:
        return "<span class='nlv-none'>not in the paper</span>"
    start, stop = PAPER_AXIS
    words = f"<small>{escape(bar.paper_words)}</small>" if bar.paper_words else ""
    place = 100 * (bar.paper - start) / (stop - start)
    return f"<div class='nlv-scale'><i style='left:{place:.1f}%'></i></div><b>{bar.paper:.1f}</b>{words}"


def _won(bar: Bar) -> str:
    """Return a bar that starts at chance, with its interval, and the figure."""
    low, mean, high = (min(max(value, 0.0), 100.0) for value in (bar.won.low, bar.won.mean, bar.won.high))
    few = f", {bar.seeds} seed{'s' * (bar.seeds > 1)}" if bar.seeds < ENOUGH_SEEDS else ""
    interval = f"{_whole(bar.won.low)} to {_whole(bar.won.high)}{few}"
    drawn = f"<i style='width:{mean:.1f}%'></i><u style='left:{low:.1f}%;width:{high - low:.1f}%'></u>"
    return f"<div class='nlv-bar'>{drawn}</div><b>{_whole(bar.won.mean)}</b><small>{interval}</small>"


def _whole(value: float) -> str:
    """Return a number without decimals and with a true minus sign; one that rounds to zero has no sign."""
    return str(round(value)).replace("-", "−")


def _signed(value: float) -> str:
    """Return a difference without decimals; one that rounds to zero has no sign."""
    return f"{round(value):+}".replace("-", "−") if round(value) else "0"


def _claim(claim: Claim) -> str:
    gap = claim.difference
    kind = "holds" if claim.verdict.startswith("holds") else "open" if "not told" in claim.verdict else "fails"
    reason = f" {escape(unbroken(claim.reason))}" if claim.reason else ""
    return (
        f"<li class='nlv-{kind}'><b>{escape(unbroken(claim.words))}</b> "
        f"<em>{escape(claim.verdict[0].upper() + claim.verdict[1:])}"
        f"</em> <span>({_signed(gap.mean)} points, {_signed(gap.low)} to {_signed(gap.high)})</span>{reason}</li>"
    )


def _networks(found: Findings) -> None:
    st.markdown(
        "What the rows of each shipped network do with all of their weight, on the map that is shown first. A row that "
        "stays on the cell that asks has all its weight on the object and shows nothing: so see how much of the object "
        "it covers. Shares are parts of 1. AP and AUC say how well the weight ranks the object's cells of other frames "
        "before all others: 1 is perfect, for AUC 0.5 is chance. The composed clips are held out; the real ones were "
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
