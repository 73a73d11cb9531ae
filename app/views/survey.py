"""Survey: the figures of a whole data set, two networks compared, and each clip a click away."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from nonlocal_core import NonlocalError, Pin

from ..server import surveyed, visit
from ..server.visit import SURVEY_PREFIX, Choices
from ..widgets import unmarked

MOST_FAILURES = 1_000
"""Maximum number of clips without figures that the page lists."""


def draw() -> None:
    """Draw the page."""
    visit.current()
    from nonlocal_core.survey.gallery import TITLES  # with pyarrow
    from nonlocal_core.survey.records import FIGURES

    try:
        count = surveyed.folder().count
        read = surveyed.rows(["place", "clip", "name", "model", "block", "block_title", "reason", "answer", *FIGURES])
    except (NonlocalError, OSError) as error:
        unmarked.failure(error)
        return
    rows = [row for row in read if row["reason"] is None]
    st.html(
        f"<div class='nlv-heading'><h1>Where do {count:,} clips look?</h1>"
        "<p>One row of figures for each clip, network and block. Drag over the chart to select, then choose a clip."
        "</p></div>"
    )
    if not rows:
        unmarked.hint("No clip has figures yet. Reload this page once the survey has done some.")
        _failures(read)
        return
    left, middle, right = st.columns(3)
    figure = left.selectbox("Figure", FIGURES, format_func=lambda name: TITLES[name][0], key="survey-figure")
    sources = list(dict.fromkeys((row["model"], row["block"]) for row in rows))
    first = middle.selectbox("Network and block", sources, format_func=" · ".join, key="survey-first")
    others = [source for source in sources if source != first]
    other = right.selectbox(
        "Against",
        [None, *others],
        format_func=lambda source: " · ".join(source) if source else "nothing: one network alone",
        key="survey-other",
        disabled=not others,
    )
    st.caption(TITLES[figure][1])
    own = _by_place(rows, first, figure)
    if not own:
        unmarked.hint("No clip has this figure: a picture has no other frame, and a block may add or look at nothing.")
    elif other is None:
        _one(own, figure, TITLES[figure][0])
    else:
        _two(own, _by_place(rows, other, figure), figure, TITLES[figure][0])
    _failures(read)


def _by_place(rows: Sequence[dict[str, Any]], source: tuple[str, str], figure: str) -> dict[int, dict[str, Any]]:
    """Return the rows of a network and a block that have a figure, by the place of their clip."""
    return {
        row["place"]: row
        for row in rows
        if (row["model"], row["block"]) == source and row[figure] is not None and math.isfinite(row[figure])
    }


def _one(own: dict[int, dict[str, Any]], figure: str, title: str) -> None:
    """Draw the distribution of a figure, and the clips selected in it, largest first."""
    from ..widgets import survey_charts

    rows = list(own.values())
    values = [row[figure] for row in rows]
    edges = survey_charts.edges_of(values)
    chosen = st.plotly_chart(
        survey_charts.histogram(values, edges, title),
        key=f"survey-bars-{figure}-{rows[0]['model']}-{rows[0]['block']}",
        on_select="rerun",
        selection_mode="box",
    )
    inside = survey_charts.within(values, edges, _drawn_round(chosen["selection"]))
    ordered = sorted((rows[n] for n in inside), key=lambda row: -row[figure])
    _table(ordered, [{"clip": row["name"], title: row[figure], "answer": _answer(row)} for row in ordered])


def _two(own: dict[int, dict[str, Any]], other: dict[int, dict[str, Any]], figure: str, title: str) -> None:
    """Draw a figure of two networks against each other, and the clips, largest difference first."""
    from ..widgets import survey_charts

    places = [place for place in own if place in other]
    if not places:
        unmarked.hint("No clip has this figure of both.")
        return
    names = tuple(" · ".join((rows[places[0]]["model"], rows[places[0]]["block"])) for rows in (own, other))
    pairs = [(own[place][figure], other[place][figure]) for place in places]
    chosen = st.plotly_chart(
        survey_charts.against(pairs, [own[place]["name"] for place in places], (names[0], names[1]), title),
        key=f"survey-pairs-{figure}-{names[0]}-{names[1]}",
        on_select="rerun",
        selection_mode=("box", "lasso"),
    )
    selected = _drawn_round(chosen["selection"])
    inside = places if selected is None else [places[n] for n in selected]
    ordered = sorted(inside, key=lambda place: -abs(other[place][figure] - own[place][figure]))
    lines = [
        {
            "clip": own[place]["name"],
            names[0]: own[place][figure],
            names[1]: other[place][figure],
            "difference": other[place][figure] - own[place][figure],
        }
        for place in ordered
    ]
    _table([own[place] for place in ordered], lines)


def _drawn_round(selection: Mapping[str, Any]) -> list[int] | None:
    """Return the points inside a drawn box or loop, or None if none was drawn."""
    return list(selection["point_indices"]) if selection["box"] or selection["lasso"] else None


def _table(rows: list[dict[str, Any]], lines: list[dict[str, Any]]) -> None:
    """Draw the clips of a selection, and the chosen one with links to its viewer and its answers."""
    from ..widgets import survey_answers

    st.caption(f"{len(rows):,} of the survey's rows")
    list_of_clips, shown = st.columns((3, 2))
    chosen = list_of_clips.dataframe(
        lines, hide_index=True, on_select="rerun", selection_mode=["single-row", "single-cell"], key="survey-clips"
    )
    list_of_clips.download_button(
        "Save selection as CSV",
        as_csv(rows),
        file_name="selection.csv",
        mime="text/csv",
        help="Its column filepath has the clips; FiftyOne reads it as a CSVDataset with media_field='filepath'.",
    )
    marked = [*chosen["selection"]["rows"], *(line for line, _ in chosen["selection"]["cells"])]
    if not marked or marked[-1] >= len(rows):
        with shown:
            unmarked.hint("Choose a clip in the table to see where its first question looks.")
        return
    row = rows[marked[-1]]
    found = surveyed.row_of(row["place"], row["model"], row["block"], ["picture", "asked", "frame_indices"])
    with shown:
        if found["picture"]:
            st.image(found["picture"], width="stretch")
            st.caption("Left the asked frame, its place framed; right the other frame that it looks at most.")
        if st.button("Open it and point", type="primary", key="survey-open"):
            visit.choose(_choices(row, found))
            visit.go_to("explore")
    survey_answers.draw(row, surveyed.folder().plan.short_side)


def _choices(row: dict[str, Any], found: dict[str, Any]) -> Choices:
    """Return the choices that open exactly the surveyed frames, with the first question pinned."""
    asked = found["asked"][0] if found["asked"] else None
    return Choices(
        clip=f"{SURVEY_PREFIX}{row['place']}",
        model=row["model"],
        frame_indices=tuple(found["frame_indices"]),
        short_side=surveyed.folder().plan.short_side,
        pin=Pin(frame=asked["frame"], x=asked["x"], y=asked["y"], block=row["block"]) if asked else None,
    )


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Return the figures of rows as CSV, with a clip's address under ``filepath``."""
    from nonlocal_core.survey.records import FIGURES

    text = io.StringIO()
    names = ("model", "block", *FIGURES)
    out = csv.writer(text)
    out.writerow(("filepath", "answer", *names))
    out.writerows((_inert(row["clip"]), _inert(_answer(row)), *(row[name] for name in names)) for row in rows)
    return text.getvalue()


def _inert(text: str) -> str:
    """Return a cell that no spreadsheet interprets as a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _answer(row: dict[str, Any]) -> str:
    return row["answer"][0]["name"] if row["answer"] else ""


def _failures(rows: Sequence[dict[str, Any]]) -> None:
    failed = {(row["clip"], row["reason"]): None for row in rows if row["reason"] is not None}
    if failed:
        with st.expander(f"Clips without figures: {len(failed):,}"):
            listed = list(failed)[:MOST_FAILURES]
            st.dataframe([{"clip": clip, "reason": reason} for clip, reason in listed], hide_index=True)
