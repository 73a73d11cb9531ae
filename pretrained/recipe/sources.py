"""Pictures for composed clips: cut-outs and photographs of Debian packages, downloaded and never shipped.

Files are split before any clip is composed, and after near-duplicates are removed.
"""

import hashlib
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from nonlocal_core.errors import MediaError
from nonlocal_core.media.packaged import picture

Split = Literal["train", "choose", "test"]
"""Splits for training, for choices about the recipe, and for the report."""

SPLIT_SHARES: dict[Split, float] = {"train": 0.7, "choose": 0.1, "test": 0.2}
SPLIT_SEED = 20180
DEBIAN_PACKAGES = ("tuxpaint-stamps-default", "lomiri-wallpapers-16.04", "mate-backgrounds")
INSTALLED_PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")
"""Photographs of scikit-image, from which the smoke run composes its clips."""

STAMP_SIDE = 200
"""Largest side of a stored cut-out, in pixels."""
PHOTO_SIDE = 900
"""Largest short side of a stored photograph, in pixels."""
MIN_STAMP_SIDE = 80
MIN_COLOURS = 0.08
"""Minimum share of distinct colours (32 levels per channel) at 96 x 96 pixels, which drawings do not reach."""
DUPLICATE_BITS = 6
"""Maximum number of bits by which the 64-bit difference hashes of two duplicates differ."""

_NOT_PHOTOS = ("cartoon", "symbols", "_mirror", "_flip", "roadsigns", "flags", "abstract", "desktop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Pictures of one split: ``stamps`` (H, W, 4) with opacity, ``photos`` (H, W, 3), uint8, with their names."""

    stamps: tuple[np.ndarray, ...]
    photos: tuple[np.ndarray, ...]
    names: tuple[str, ...]


def download(folder: Path) -> None:
    """Download and unpack the Debian packages into ``folder``, unless they exist already.

    Raises MediaError with the remedy if apt is missing or the packages cannot be reached.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for package in DEBIAN_PACKAGES:
        unpacked = folder / package
        if unpacked.is_dir():
            continue
        try:
            _run("apt-get", "download", package, folder=folder)
            (archive,) = folder.glob(f"{package}_*.deb")
            _run("dpkg-deb", "-x", archive.name, unpacked.name, folder=folder)
        except (OSError, subprocess.CalledProcessError, ValueError) as error:
            raise MediaError(
                f"The Debian package {package} could not be downloaded and unpacked. Run this on Debian or in its "
                f"container, after apt-get update, or unpack the package yourself into {unpacked}."
            ) from error


def _run(*command: str, folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)  # noqa: S603 fixed words, none of them a user's


def load_sources(folder: Path, split: Split) -> Sources:
    """Return the pictures of one split. Raises MediaError if ``download`` was not run."""
    if not all((folder / package).is_dir() for package in DEBIAN_PACKAGES):
        raise MediaError(f"{folder} holds no unpacked Debian packages. Run first: python -m pretrained.recipe data")
    paths = sorted(path for package in DEBIAN_PACKAGES for path in (folder / package / "usr/share").rglob("*"))
    candidates = [path for path in paths if not any(word in str(path).lower() for word in _NOT_PHOTOS)]
    stamps = _distinct(path for path in candidates if path.suffix == ".png" and _is_photo_stamp(path))
    photos = _distinct(path for path in candidates if path.suffix == ".jpg")
    chosen_stamps, chosen_photos = _of_split(stamps, split), _of_split(photos, split)
    return Sources(
        stamps=tuple(_shrunk(path, "RGBA", STAMP_SIDE) for path in chosen_stamps),
        photos=tuple(_shrunk(path, "RGB", PHOTO_SIDE) for path in chosen_photos),
        names=tuple(path.name for path in chosen_stamps + chosen_photos),
    )


def installed_sources() -> Sources:
    """Return the photographs of scikit-image without cut-outs, enough for a smoke run but not for training."""
    photos = tuple(_shrunk(picture(name).locate(), "RGB", 256) for name in INSTALLED_PHOTOS)
    return Sources(stamps=(), photos=photos, names=INSTALLED_PHOTOS)


def _of_split(paths: list[Path], split: Split) -> list[Path]:
    order = np.random.default_rng(SPLIT_SEED).permutation(len(paths))
    edges = np.rint(np.cumsum([0.0, *SPLIT_SHARES.values()]) * len(paths)).astype(int)
    place = list(SPLIT_SHARES).index(split)
    return [paths[i] for i in sorted(order[edges[place] : edges[place + 1]])]


def _distinct(paths: Iterable[Path]) -> list[Path]:
    """Return the paths without near-duplicates of an earlier one, mirrored ones included."""
    kept: list[Path] = []
    hashes: list[np.ndarray] = []
    for path in paths:
        code, mirrored = _difference_hash(path)
        if all(min((code != other).sum(), (mirrored != other).sum()) > DUPLICATE_BITS for other in hashes):
            kept.append(path)
            hashes.append(code)
    return kept


def _difference_hash(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the difference hash of the 8 x 9 picture (pixels darker than their right neighbour) and of its mirror."""
    with Image.open(path) as image:
        image.draft("RGB", (64, 64))  # a JPEG file at an eighth of its size decodes in an eighth of the time
        ground = Image.new("RGBA", image.size, "white")
        ground.alpha_composite(image.convert("RGBA"))
    grey = np.asarray(ground.convert("L").resize((9, 8), Image.Resampling.BOX), np.int16)
    return grey[:, 1:] > grey[:, :-1], grey[:, -2::-1] > grey[:, :0:-1]


def _is_photo_stamp(path: Path) -> bool:
    with Image.open(path) as image:
        if max(image.size) < MIN_STAMP_SIDE:
            return False
        small = np.asarray(image.convert("RGBA").resize((96, 96)))
    opaque = small[..., 3] > 200
    if not 0.12 < opaque.mean() < 0.97:
        return False
    return bool(len(np.unique(small[opaque][:, :3] // 8, axis=0)) > MIN_COLOURS * opaque.sum())


def _shrunk(path: Path, mode: str, side: int) -> np.ndarray:
    with Image.open(path) as image:
        image.draft("RGB", (2 * side, 2 * side))
        whole = image.convert(mode)
    reference = max(whole.size) if mode == "RGBA" else min(whole.size)
    ratio = min(1.0, side / reference)
    size = (max(1, round(whole.width * ratio)), max(1, round(whole.height * ratio)))
    return np.asarray(whole.resize(size, Image.Resampling.LANCZOS))


def digest(names: Iterable[str]) -> str:
    """Return a short hash of file names, which shows whether two runs used the same pictures."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
