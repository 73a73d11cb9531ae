"""Gallery of a survey: static files that any host serves and that open from a disk, without a network connection."""

import json
import math
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import Any

from nonlocal_core.errors import NonlocalError, SurveyError
from nonlocal_core.media import Limits, Selection, read_frames
from nonlocal_core.render.writing import replacing
from nonlocal_core.session import Session
from nonlocal_core.survey.addresses import is_remote, read_bytes
from nonlocal_core.survey.gallery_answers import gallery_answers, write_stills
from nonlocal_core.survey.other_clips import RANKED_BY
from nonlocal_core.survey.records import FIGURES
from nonlocal_core.survey.result import ResultFolder, stem_of
from nonlocal_core.viewer.export import digest, inert
from nonlocal_core.vocabulary import SAMPLE_PREFIX

TITLES: dict[str, tuple[str, str]] = {
    "effect": (
        "Change of its input",
        "Size of what the block adds, against what it is added to.",
    ),
    "query_dependence": ("Each looks elsewhere", "0: all positions look at the same places. 0.5: no two share any."),
    "places": ("Places looked at", "As many places, each with the same weight, would be as spread out."),
    "entropy": ("Entropy", "Of a position's weights, in nats."),
    "own_cell_share": ("Stays on itself", "Weight on the very place that asks."),
    "own_frame_share": ("Stays in its own frame", "Weight in the frame that asks; a picture has no other."),
    "distance": ("Reach in the picture", "Mean distance to what is looked at, in parts of the frame's diagonal."),
    "frames_away": ("Reach in frames", "Mean distance in time, in frames that were read."),
    "seconds_away": ("Reach in seconds", "Mean distance in time."),
    "top_times_uniform": ("Strongest weight", "Times an even share, mean over positions."),
    "propagation": (
        "Finds the object again",
        "J of an object's mask, carried from one frame to the others; clips with masks beside them alone.",
    ),
    "rebuild_error": ("Rebuild error", "How far the output, rebuilt from the tables, is from the block's own."),
}
"""Title and meaning of each of ``FIGURES``."""
SHARES = ("effect", "own_cell_share", "own_frame_share", "distance")
"""Figures that are written in percent."""
_SITE = Path(__file__).with_name("site")
_COLUMNS = ("place", "clip", "model", "reason", "name", "answer", "block", "is_shown_first", "picture", *FIGURES)

Tell = Callable[[str, int, int], None]


def gallery(
    result: str | Path, out: str | Path, *, viewers: int | None = None, progress: Tell = lambda stage, done, total: None
) -> Path:
    """Write the pages of a survey into a folder and return its ``index.html``.

    ``viewers``: the number of clips, from the first in the list, that get a live viewer for each network, and, if keys
    were kept, the answer of their first question in other clips; None for all. That runs the networks again, and takes
    some megabytes each; existing viewers are not made again. A clip that has changed since, or is gone, has its figures
    and no viewer. Raises SurveyError if no clip has figures.
    """
    folder, out = ResultFolder(result), Path(out)
    most = folder.count if viewers is None else viewers
    answers = gallery_answers(folder, most)
    for name in ("pictures", "viewers"):
        (out / name).mkdir(parents=True, exist_ok=True)
    columns: dict[str, list[Any]] = {name: [] for name in ("clip", "model", "name", "answer", "block", "first")}
    columns |= {name: [] for name in ("picture", "viewer", "elsewhere", *FIGURES)}
    failed: dict[tuple[str, str], None] = {}
    for row in _rows(folder):
        if row["reason"] is not None:
            failed[row["clip"], row["reason"]] = None
            continue
        picture = f"pictures/{row['place']:08d}-{len(columns['clip'])}.jpg"
        (out / picture).write_bytes(row["picture"])
        columns["picture"].append(picture)
        columns["first"].append(row["is_shown_first"])
        columns["answer"].append(row["answer"][0]["name"] if row["answer"] else "")
        for name in ("clip", "model", "name", "block"):
            columns[name].append(row[name])
        for name in FIGURES:
            value = row[name]
            columns[name].append(value if value is not None and math.isfinite(value) else None)
        columns["viewer"].append(_viewer(row["place"], row["model"]))
        columns["elsewhere"].append(answers.of_row(row["place"], row["model"], row["block"]))
    if not columns["clip"]:
        raise SurveyError(f"No clip of {folder.path} has figures yet. Survey clips first.")
    stills = write_stills(folder, answers.shown, out)
    _make_viewers(folder, out, most, progress)
    columns["viewer"] = [name if (out / name).exists() else "" for name in columns["viewer"]]
    with replacing(out / "index.html") as part:
        part.write_text(_page(folder, {"rows": columns, "stills": stills, "failed": list(failed)}), "utf-8")
    return out / "index.html"


def _rows(folder: ResultFolder, columns: tuple[str, ...] = _COLUMNS) -> Iterator[dict[str, Any]]:
    for table in folder.tables(columns):
        yield from table.to_pylist()


def _viewer(place: int, model: str) -> str:
    """Return the address of a viewer in the site."""
    return f"viewers/{stem_of(place, model)}.html"


def _make_viewers(folder: ResultFolder, out: Path, count: int, tell: Tell) -> None:
    most = min(count, folder.count)
    for row in _rows(folder, ("place", "clip", "model", "sha256", "frame_indices", "block", "is_shown_first", "asked")):
        if row["place"] >= most or not row["is_shown_first"]:
            continue
        path = out / _viewer(row["place"], row["model"])
        if not path.exists():
            _make_viewer(folder, row, path)
        tell("Making viewers", row["place"] + 1, most)


def _make_viewer(folder: ResultFolder, row: dict[str, Any], path: Path) -> None:
    """Write the viewer of exactly the frames that were surveyed, or nothing if they are no longer available."""
    clip, first = row["clip"], row["asked"][0]
    is_path = not is_remote(clip)
    try:
        source = clip if is_path or clip.startswith(SAMPLE_PREFIX) else read_bytes(clip, Limits())
        name = clip.rpartition("/")[2] if isinstance(source, bytes) else None
        frames = read_frames(source, Selection(frame_indices=tuple(row["frame_indices"])), name=name)
        if frames.info.sha256 != row["sha256"]:
            return
        session = Session.open(frames, row["model"], short_side=folder.plan.short_side)
        session.save(path, frame=first["frame"], x=first["x"], y=first["y"], block=row["block"])
    except NonlocalError:  # gone or changed since: its card has no link
        return


def _page(folder: ResultFolder, shown: dict[str, Any]) -> str:
    css, script = ((_SITE / f"gallery.{kind}").read_text("utf-8") for kind in ("css", "js"))
    figures = [
        {"name": name, "title": TITLES[name][0], "meaning": TITLES[name][1], "share": name in SHARES}
        for name in FIGURES
    ]
    data = inert(json.dumps({**shown, "figures": figures}, separators=(",", ":")))
    policy = (
        f"default-src 'none'; script-src '{digest(script)}'; style-src '{digest(css)}'; "
        "img-src 'self' file:; base-uri 'none'; form-action 'none'"
    )
    models = ", ".join(dict.fromkeys(shown["rows"]["model"]))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Survey of {folder.count:,} clips</title>
<style>{css}</style>
</head>
<body>
<header>
<h1>Where do {folder.count:,} clips look?</h1>
<p>{escape(models)}. Each card: the frame that was asked, its place framed, and beside it the frame that it looks at
most. Click a bar to see its clips, a card to point at the clip yourself.</p>
</header>
<main>
<div class="controls">
<label>Figure <select id="figure"></select></label>
<label>Order <select id="order"></select></label>
<label>Network <select id="model"></select></label>
<label>Block <select id="block"></select></label>
<label>Name or answer <input id="words" type="search"></label>
<button id="csv" type="button">Save selection as CSV</button>
</div>
<div id="chart"><div id="bars"></div><div id="ends"></div><p id="meaning"></p></div>
<details id="failures"><summary></summary><ul id="failed"></ul></details>
<div id="count" role="status"></div>
<div id="field"></div>
</main>
<dialog id="elsewhere" aria-labelledby="asked">
<form method="dialog"><h2 id="asked"></h2><button>Close</button></form>
<p>{RANKED_BY}</p>
<div id="stills"></div>
</dialog>
<noscript><p>This page filters while you click, so it needs JavaScript. It sends nothing.</p></noscript>
<script type="application/json" id="survey">{data}</script>
<script type="module">{script}</script>
</body>
</html>
"""
