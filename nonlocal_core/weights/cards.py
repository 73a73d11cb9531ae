"""Cards of the published checkpoints: network, source and licence of each. Reading them downloads nothing."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import urlsplit

from nonlocal_core.errors import UnknownNameError, WeightsError
from nonlocal_core.installed import folder_of
from nonlocal_core.vocabulary import Pairwise

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_HEX_DIGITS = {"sha256": 64, "sha1": 40}
_FLOAT_BYTES = 4
Container = Literal["caffe2", "torch", "mxnet", "archive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Hash that the source publishes for a file. open-mmlab gives the first 8 digits only."""

    algorithm: Literal["sha256", "sha1"]
    hex: str

    def __post_init__(self) -> None:
        if not re.fullmatch(rf"[0-9a-f]{{8,{_HEX_DIGITS[self.algorithm]}}}", self.hex):
            raise WeightsError(f"{self.hex!r} is not the beginning of a {self.algorithm}, 8 digits or more.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """Normalisation of colours in training: RGB in 0..value_range, minus the mean, over the standard deviation."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    value_range: Literal[1, 255]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedCard:
    """Entry of pretrained/published.json for a checkpoint, as its source publishes it."""

    id: str
    title: str
    repository: str
    url: str | None
    """Address of the file, or None if it is not hosted."""
    container: Container
    """Format of the file; the last two are not read here."""
    arch: str | None
    """Name of the network that it fills (`weights.published`), or None for networks that are not rebuilt here."""
    task: str
    pairwise: Pairwise | None
    blocks: int
    """Number of non-local blocks."""
    frames: int | None
    frame_stride: int | None
    """Stride of the clip in frames of the video. None: spread evenly, or not a video."""
    colours: Colours | None
    accuracy: dict[str, float]
    parameters: int | None
    """Number of parameters of the network, including the classifier."""
    digest: Digest | None
    code_licence: str | None
    weights_licence: str | None
    """Licence of the weights, or None if the source states none."""
    note: str

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise WeightsError(f"{self.id!r} is not an id: words of letters, digits, dots and dashes between slashes.")
        if self.url is not None and (urlsplit(self.url).scheme != "https" or not self.file_name):
            raise WeightsError(f"The address of {self.id} is {self.url}; it must be https and name a file.")
        if (self.pairwise is None) != (self.blocks == 0) and self.container != "archive":
            raise WeightsError(f"{self.id} has {self.blocks} blocks of the kind {self.pairwise}.")

    @property
    def file_name(self) -> str:
        """The last part of the address."""
        return PurePosixPath(urlsplit(self.url or "").path).name

    @property
    def non_commercial(self) -> bool:
        """True if a licence forbids commercial use."""
        return any("-NC" in licence for licence in (self.code_licence, self.weights_licence) if licence)

    @property
    def licence(self) -> str:
        """The licence of the weights, in words."""
        if self.weights_licence is not None:
            return self.weights_licence + (", no commercial use" if self.non_commercial else "")
        return f"not stated for the weights; the code is {self.code_licence or 'without a licence as well'}"

    @property
    def estimated_bytes(self) -> int | None:
        """Size of the file, estimated from its number of parameters, since no source publishes it.

        Caffe2 stores the momentum of every parameter beside it, which doubles the file.
        """
        if self.parameters is None:
            return None
        return self.parameters * _FLOAT_BYTES * (2 if self.container == "caffe2" else 1)


def list_published() -> tuple[PublishedCard, ...]:
    """Return the cards of all published checkpoints, grouped by source."""
    return tuple(_cards().values())


def find_published_card(name: str) -> PublishedCard:
    """Return the card of a checkpoint. Raises UnknownNameError, listing the ids."""
    cards = _cards()
    if name not in cards:
        raise UnknownNameError("published checkpoint", name, cards)
    return cards[name]


@cache
def _cards() -> dict[str, PublishedCard]:
    catalog = json.loads((folder_of("pretrained") / "published.json").read_text(encoding="utf-8"))
    cards = [_card(entry, catalog["sources"]) for entry in catalog["checkpoints"]]
    by_id = {card.id: card for card in cards}
    if len(by_id) != len(cards):
        raise WeightsError("pretrained/published.json gives an id twice.")
    return by_id


def _card(entry: dict[str, Any], sources: dict[str, dict[str, Any]]) -> PublishedCard:
    """Return a card from its own entry and the fields that all checkpoints of its source share."""
    merged = sources[entry["source"]] | {name: value for name, value in entry.items() if name != "source"}
    colours, digest = merged["colours"], merged["digest"]
    return PublishedCard(
        **merged
        | {
            "digest": digest and Digest(**digest),
            "colours": colours and Colours(**colours | {"mean": tuple(colours["mean"]), "std": tuple(colours["std"])}),
        }
    )
