"""Write a bundle and the viewer as one HTML file that opens from a disk, offline, with live hover."""

import base64
import hashlib
from html import escape

from nonlocal_core.bundle import Bundle, decode_bundle
from nonlocal_core.viewer.scripts import page_css, page_js

MARKS = ("title", "caption", "credits", "provenance", "bundle")
"""Names of what differs from page to page, in the order in which ``_page`` takes it."""


def export_html(bundle_bytes: bytes, *, title: str, provenance: str = "") -> str:
    """Return one self-contained HTML page with the live viewer: no request leaves it, and its policy forbids any.

    ``provenance``: JSON that stands in the head, for whoever opens the page with an editor or a script.
    Raises BundleError when the bytes are not a bundle.
    """
    bundle = decode_bundle(bundle_bytes)
    packed = base64.b64encode(bundle_bytes).decode("ascii")
    return _page(escape(title), escape(_caption(bundle)), escape(_credits(bundle)), inert(provenance), packed)


def export_frame() -> str:
    """Return the same page with ``@@NAME@@`` for each of ``MARKS``, for a browser that fills it by itself."""
    return _page(*(f"@@{name}@@" for name in MARKS))


def _page(title: str, caption: str, footer: str, provenance: str, bundle: str) -> str:
    css, script = page_css(), page_js()
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
<title>{title}</title>
<style>{css}</style>
<script type="application/json" id="provenance">{provenance}</script>
</head>
<body>
<header>
<h1>{title}</h1>
<p>{caption}</p>
</header>
<main id="viewer"><p role="status">Opening the picture.</p></main>
<noscript><p>This page computes attention while you point, so it needs JavaScript. It sends nothing.</p></noscript>
<footer>{footer}</footer>
<script type="application/octet-stream" id="bundle">{bundle}</script>
<script type="module">{script}</script>
</body>
</html>
"""


def digest(text: str) -> str:
    """Return the source expression that lets exactly this inline text run."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"


def inert(json_text: str) -> str:
    """Return the JSON with the one letter escaped that could end its element; it still means the same."""
    return json_text.replace("<", "\\u003c")


def _caption(bundle: Bundle) -> str:
    return bundle.media.caption or "Point at any place of any frame."


def _credits(bundle: Bundle) -> str:
    parts = (bundle.media.name, bundle.media.licence, bundle.model.title, _storage(bundle), f"bundle {bundle.id[:12]}")
    return " · ".join(part for part in parts if part)


def _storage(bundle: Bundle) -> str:
    """Return what storing the tables as bytes cost, where that was asked for."""
    worst = max((block.row_error for block in bundle.blocks if block.dtype == "int8"), default=0.0)
    return f"stored in 8 bits: weights within {100 * worst:.1f} % of the largest of their row" if worst else ""
