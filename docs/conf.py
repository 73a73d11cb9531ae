"""Settings of Sphinx: the guide is Markdown, the reference is made from the docstrings, and nothing is fetched."""

from importlib import metadata
from typing import Any

from sphinx.application import Sphinx

project = "Non-local viewer"
author = "the authors of nonlocal-viewer"
copyright = "the authors of nonlocal-viewer, Apache-2.0"  # noqa: A001 -- the name that Sphinx reads
release = metadata.version("nonlocal-viewer")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
default_role = "code"  # our docstrings write names in single backticks too
nitpicky = False  # types of torch and NumPy have no page here
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"{project} {release}"
html_show_sphinx = False


def setup(app: Sphinx) -> None:
    """Hide the constructors of records that only the library makes."""
    app.connect("autodoc-process-signature", _without_factories)


def _without_factories(
    _app: Sphinx, _what: str, _name: str, _obj: object, _options: Any, signature: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    return ("" if signature and "<factory>" in signature else signature), returned
