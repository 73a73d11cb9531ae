"""Export of a bundle and the viewer as one HTML file that opens from a disk, offline, with live hover."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from nonlocal_core.bundle import Bundle, decode_bundle
from nonlocal_core.errors import BundleError
from nonlocal_core.viewer.scripts import compared_css, compared_js, course_css, course_js, page_css, page_js


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseFile:
    """Contents of a course in one file. ``course``: JSON that ``entry/course.js`` reads, with ``bundles`` by number."""

    title: str
    course: str
    bundles: tuple[bytes, ...]
    provenance: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedPane:
    """One of the bundles of a comparison, and the block of it that answers."""

    title: str
    block: str
    bundle: bytes


_BUNDLE = re.compile(rb'<script type="application/octet-stream" id="bundle">([A-Za-z0-9+/=]*)</script>')
MARKS = ("title", "caption", "credits", "provenance", "bundle")
"""Names of the parts that differ from page to page, in the order of the page."""


def export_html(bundle_bytes: bytes, *, title: str, provenance: str = "") -> str:
    """Return one self-contained HTML page with the live viewer: it makes no request, and its policy forbids any.

    ``provenance``: JSON for the head, to be read with an editor or a script.
    Raises BundleError if the bytes are not a bundle.
    """
    bundle = decode_bundle(bundle_bytes)
    return _document(
        title=title,
        caption=_caption(bundle),
        credit=_credits(bundle),
        provenance=provenance,
        data=_binary("bundle", base64.b64encode(bundle_bytes).decode("ascii")),
        looks=(page_css(), page_js()),
    )


def export_frame() -> str:
    """Return the same page with ``@@NAME@@`` for each of ``MARKS``, for a browser to fill in."""
    title, caption, credit, provenance, bundle = (f"@@{name}@@" for name in MARKS)
    return _document(
        title=title,
        caption=caption,
        credit=credit,
        provenance=provenance,
        data=_binary("bundle", bundle),
        looks=(page_css(), page_js()),
    )


def export_course(course: CourseFile) -> str:
    """Return a course, or a step of it, as one page of the same kind, which names the first bundle's clip.

    Raises BundleError if some bytes are not a bundle.
    """
    first, *_ = (decode_bundle(each) for each in course.bundles)
    packed = (base64.b64encode(each).decode("ascii") for each in course.bundles)
    data = [_binary(f"bundle-{index}", each) for index, each in enumerate(packed)]
    return _document(
        title=course.title,
        caption=first.media.name,
        credit=" · ".join(part for part in (first.media.name, first.media.licence) if part),
        provenance=course.provenance,
        data="\n".join([f'<script type="application/json" id="course">{inert(course.course)}</script>', *data]),
        looks=(course_css(), course_js()),
    )


def export_comparison(panes: Sequence[ComparedPane], *, asked: str) -> str:
    """Return several bundles under one pointer as one page of the same kind.

    ``asked``: JSON of the question on arrival, or ``null``. Raises BundleError if some bytes are not a bundle.
    """
    opened = [decode_bundle(pane.bundle) for pane in panes]
    packed = (base64.b64encode(pane.bundle).decode("ascii") for pane in panes)
    data = [_binary(f"bundle-{index}", each) for index, each in enumerate(packed)]
    named = [
        {"title": pane.title, "block": pane.block, "clip": bundle.clip}
        for pane, bundle in zip(panes, opened, strict=True)
    ]
    shown = inert(f'{{"panes": {json.dumps(named)}, "asked": {asked}}}')
    return _document(
        title=" beside ".join(pane.title for pane in panes),
        caption="Point at any place: every pane answers the same question.",
        credit=" · ".join(dict.fromkeys(_credits(bundle) for bundle in opened)),
        provenance="",
        data="\n".join([f'<script type="application/json" id="panes">{shown}</script>', *data]),
        looks=(compared_css(), compared_js()),
    )


def bundle_of_page(page: bytes) -> bytes:
    """Return the bundle in a live page written by ``export_html``. Raises BundleError for any other file."""
    found = _BUNDLE.search(page)
    try:
        return base64.b64decode(found[1] if found else b"?", validate=True)
    except binascii.Error as error:
        raise BundleError(
            "This is no live page of the viewer: no bundle stands in it. Save one with session.save('page.html', ...), "
            "or with Keep, as a live page."
        ) from error


def _document(*, title: str, caption: str, credit: str, provenance: str, data: str, looks: tuple[str, str]) -> str:
    """Return the page. ``data``: the elements that the script reads. ``looks``: its style sheet and its script."""
    css, script = looks
    policy = (
        f"default-src 'none'; script-src '{digest(script)}'; style-src '{digest(css)}'; img-src blob: data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{css}</style>
<script type="application/json" id="provenance">{inert(provenance)}</script>
</head>
<body>
<header>
<h1>{escape(title)}</h1>
<p>{escape(caption)}</p>
</header>
<main id="viewer"><p role="status">Opening the picture.</p></main>
<noscript><p>This page computes attention while you point, so it needs JavaScript. It sends nothing.</p></noscript>
<footer>{escape(credit)}</footer>
{data}
<script type="module">{script}</script>
</body>
</html>
"""


def _binary(name: str, base64_text: str) -> str:
    return f'<script type="application/octet-stream" id="{name}">{base64_text}</script>'


def digest(text: str) -> str:
    """Return the CSP source expression that allows exactly this inline text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"


def inert(json_text: str) -> str:
    """Return the JSON with the one character escaped that could end its element; its meaning is the same."""
    return json_text.replace("<", "\\u003c")


def _caption(bundle: Bundle) -> str:
    return bundle.media.caption or "Point at any place of any frame."


def _credits(bundle: Bundle) -> str:
    parts = (bundle.media.name, bundle.media.licence, bundle.model.title, _storage(bundle), f"bundle {bundle.id[:12]}")
    return " · ".join(part for part in parts if part)


def _storage(bundle: Bundle) -> str:
    """Return the note on the error of tables stored as bytes, empty if none are."""
    worst = max((block.row_error for block in bundle.blocks if block.dtype == "int8"), default=0.0)
    return f"stored in 8 bits: weights within {100 * worst:.1f} % of the largest of their row" if worst else ""
