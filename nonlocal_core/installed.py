"""Files that come inside installed packages, found without importing the package."""

from importlib.util import find_spec
from pathlib import Path


def find_installed(package: str, path: str) -> Path | None:
    """Return where a file of a package lies; None when the package or the file is not there."""
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        found = Path(folder) / path
        if found.is_file():
            return found
    return None
