"""The viewer's modules, joined into one script.

A Streamlit component is imported from a blob and an exported page has no files beside it, so neither can import.
"""

import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import resources
from importlib.resources.abc import Traversable
from posixpath import dirname, join, normpath

from nonlocal_core.errors import ScriptError

_FOLDER = resources.files("nonlocal_core.viewer")
_IMPORT = re.compile(r"^import\s[^;]*;\n", re.MULTILINE)
_NAMED = re.compile(r'import \{\s*\w+(?:,\s*\w+)*,?\s*\} from "(\.{1,2}/[\w./]+\.js)";\n')
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)
_SHEETS = (
    "drawing/base.css",
    "drawing/pictures.css",
    "drawing/film.css",
    "controls/controls.css",
    "controls/tour.css",
    "controls/presenting.css",
)
"""Style sheets in the order of the cascade: of two rules that are equally specific, the later one holds."""


@cache
def viewer_js() -> str:
    """Return the Streamlit component: an ES module that imports nothing and whose default export mounts the viewer."""
    return join_scripts(_FOLDER, "entry/streamlit.js")


@cache
def page_js() -> str:
    """Return the script of the exported page, which opens the bundle in the page."""
    return join_scripts(_FOLDER, "entry/page.js")


@cache
def course_js() -> str:
    """Return the script of the exported course."""
    return join_scripts(_FOLDER, "entry/course.js")


@cache
def compared_js() -> str:
    """Return the script of the exported comparison."""
    return join_scripts(_FOLDER, "entry/compared.js")


@cache
def guess_js() -> str:
    """Return the Streamlit component of a question to predict."""
    return join_scripts(_FOLDER, "entry/guess.js")


@cache
def scribbles_js() -> str:
    """Return the Streamlit component of scribbled labels."""
    return join_scripts(_FOLDER, "entry/scribbles.js")


@cache
def site_js() -> str:
    """Return the script of the page without a server."""
    return join_scripts(_FOLDER, "entry/site.js")


@cache
def worker_js() -> str:
    """Return the script of that page's worker, which runs the network."""
    return join_scripts(_FOLDER, "entry/site_worker.js")


@cache
def offline_js() -> str:
    """Return the script of that page's service worker, which keeps its files."""
    return join_scripts(_FOLDER, "entry/site_offline.js")


@cache
def viewer_css() -> str:
    """Return the style sheet of the viewer, for a page or for a component's shadow root."""
    return _joined_sheets(*_SHEETS, "controls/lesson.css", "entry/comparison.css")


@cache
def page_css() -> str:
    """Return the style sheet of the exported page."""
    return _joined_sheets(*_SHEETS, "entry/page.css")


@cache
def compared_css() -> str:
    """Return the style sheet of the exported comparison."""
    return _joined_sheets(*_SHEETS, "entry/comparison.css", "entry/page.css")


@cache
def course_css() -> str:
    """Return the style sheet of the exported course."""
    return _joined_sheets(*_SHEETS, "controls/lesson.css", "controls/guess.css", "controls/facts.css", "entry/page.css")


@cache
def guess_css() -> str:
    """Return the style sheet of a question to predict and of scribbles, for a component's shadow root."""
    return _joined_sheets("drawing/base.css", "controls/controls.css", "controls/guess.css")


@cache
def site_css() -> str:
    """Return the style sheet of the page without a server."""
    return _joined_sheets(*_SHEETS, "entry/comparison.css", "entry/page.css", "entry/site.css")


def join_scripts(folder: Traversable, entry: str) -> str:
    """Return one module equivalent to ``entry``: all modules that it needs, each after those that it imports.

    Raises ScriptError for a missing file, for circular imports, and for an import that cannot be joined: names keep
    their spelling, so ``as``, ``*`` and default imports have no meaning in one script.
    """
    texts: dict[str, str] = {}
    imported: dict[str, tuple[str, ...]] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        if name in texts:
            continue
        texts[name] = _read(folder, name, importer=next((by for by, named in imported.items() if name in named), None))
        imported[name] = tuple(_imports(name, texts[name]))
        waiting += imported[name]
    try:
        order = list(TopologicalSorter(imported).static_order())
    except CycleError as error:
        circle = " imports ".join(reversed(error.args[1]))
        raise ScriptError(
            f"Scripts that are joined into one must not import in a circle; {circle}. "
            "Move what both need into a module of its own."
        ) from error
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", texts[name])) for name in order)


def _joined_sheets(*names: str) -> str:
    return "\n".join(_read(_FOLDER, name, importer=None) for name in names)


def _imports(name: str, text: str) -> Iterator[str]:
    """Yield the modules that a module imports, as paths in the viewer's folder."""
    for statement in _IMPORT.findall(text):
        named = _NAMED.fullmatch(statement)
        if not named:
            raise ScriptError(
                'A script that is joined imports by name, as in import { one } from "./file.js"; '
                f"{name} has {statement.strip()} Import the names as they are."
            )
        yield normpath(join(dirname(name), named[1]))


def _read(folder: Traversable, name: str, *, importer: str | None) -> str:
    try:
        return folder.joinpath(name).read_text("utf-8")
    except FileNotFoundError as error:
        asked = f"{importer} imports {name}" if importer else f"{name} was asked for"
        raise ScriptError(
            f"Every script that is joined is a file of the viewer; {asked}, which is not there. "
            "Correct the path, or install nonlocal-viewer again."
        ) from error
