"""Files that come inside installed packages, found without importing the package."""

from importlib.util import find_spec
from pathlib import Path
from typing import Literal


def find_installed(package: str, path: str) -> Path | None:
    """Return the path of a package's file, or None if the package or the file is missing."""
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        found = Path(folder) / path
        if found.is_file():
            return found
    return None


def folder_of(part: Literal["app", "pretrained"]) -> Path:
    """Return the folder of a part: inside this package if it was installed, beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / part
    return inside if inside.is_dir() else package.parent / part
