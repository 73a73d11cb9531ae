"""Description of a checkpoint file for users: its format, the source of its names, the network that it fills."""

from dataclasses import dataclass
from pathlib import Path

from nonlocal_core.errors import WeightsError
from nonlocal_core.models.resnet import ResNet
from nonlocal_core.weights.cards import PublishedCard, list_published
from nonlocal_core.weights.checkpoint import CheckpointFormat, RawCheckpoint, read_checkpoint
from nonlocal_core.weights.download import file_digest
from nonlocal_core.weights.filling import load_network, without_classifier, without_prefix
from nonlocal_core.weights.identify import identify
from nonlocal_core.weights.layouts import OURS, Layout
from nonlocal_core.weights.published import PublishedNetwork, find_published

FORMAT_TITLES: dict[CheckpointFormat, str] = {
    "caffe2": "Caffe2 pickle",
    "torch_zip": "torch.save file",
    "torch_legacy": "torch.save file from before torch 1.6",
    "safetensors": "safetensors file",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointReport:
    """Description of a checkpoint file that fills a network completely."""

    name: str
    byte_count: int
    sha256: str
    format: CheckpointFormat
    tensor_count: int
    value_count: int
    layout: str
    """Layout whose names the tensors have."""
    fits: tuple[str, ...]
    """Every published network that it fills completely; names and shapes cannot tell them apart."""
    published_as: tuple[str, ...]
    """Ids of the cards whose published hash is that of the file."""
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledNetwork:
    """Network of a user's file, frozen and in evaluation mode."""

    known: PublishedNetwork
    network: ResNet
    said: str
    """Sentences on the parts of the file that were chosen or left out; empty for most."""


def describe_checkpoint(path: Path, arch: str | None = None, *, weights: str | None = None) -> CheckpointReport:
    """Return a report of a file's format and the networks that it fills, or of ``arch`` alone (`weights.published`).

    ``weights``: as in ``read_checkpoint``. A network counts as filled if at most its classifier is missing or differs,
    which the report says. Raises WeightsError if the file is refused, fills no known network or does not fill the one
    asked for; UnknownNameError if there is no such network.
    """
    wanted = None if arch is None else find_published(arch)
    raw = read_checkpoint(path, weights=weights)
    if wanted is None:
        identity = identify(raw.tensors)
        if identity.layout is None or not identity.fits:
            raise WeightsError(f"{path.name} holds {_counted(raw)}. {identity.sentence}")
        fits, layout, sentence = identity.fits, identity.layout, identity.sentence
    else:
        layout = _layout(raw, wanted)
        config, classifier = without_classifier(raw.tensors, layout, wanted.config)
        load_network(raw.tensors, layout=layout, config=config)
        fits = (wanted,)
        how = "but for its classifier" if classifier else "completely"
        sentence = f"It fills {wanted.config.title} ({wanted.arch}) {how}. {classifier}".strip()
    digests = {algorithm: file_digest(path, algorithm) for algorithm in ("sha256", "sha1")}
    said = f" {raw.note}" if raw.note else ""
    return CheckpointReport(
        name=path.name,
        byte_count=path.stat().st_size,
        sha256=digests["sha256"],
        format=raw.format,
        tensor_count=len(raw.tensors),
        value_count=_values(raw),
        layout=layout.title,
        fits=tuple(network.arch for network in fits),
        published_as=tuple(card.id for card in list_published() if _published_as(card, digests)),
        sentence=f"{path.name} is a {FORMAT_TITLES[raw.format]} of {_counted(raw)}. {sentence}{said}",
    )


def load_checkpoint(path: Path, arch: str | None = None, *, weights: str | None = None) -> FilledNetwork:
    """Return the network that a user's file fills, frozen and in evaluation mode, with its published entry.

    ``arch``: None for the only one that it fills. ``weights``: as in ``read_checkpoint``. A classifier of other classes
    is left out. Raises WeightsError if the file is refused, does not fill the rest of the network completely, or fills
    several networks that a file cannot tell apart; UnknownNameError.
    """
    wanted = None if arch is None else find_published(arch)
    raw = read_checkpoint(path, weights=weights)
    known = wanted or _only_fit(raw, path.name)
    layout = _layout(raw, known)
    config, classifier = without_classifier(raw.tensors, layout, known.config)
    network = load_network(raw.tensors, layout=layout, config=config)
    return FilledNetwork(known=known, network=network, said=" ".join(filter(None, (classifier, raw.note))))


def _only_fit(raw: RawCheckpoint, name: str) -> PublishedNetwork:
    identity = identify(raw.tensors)
    if len(identity.fits) != 1:
        raise WeightsError(f"{name} holds {_counted(raw)}. {identity.sentence}")
    return identity.fits[0]


def _layout(raw: RawCheckpoint, network: PublishedNetwork) -> Layout:
    """Return the source of a file's names: that of the network, or this library."""
    is_ours = all(OURS.our_name(name) or OURS.drops(name) for name in without_prefix(raw.tensors, OURS))
    return OURS if is_ours else network.layout


def _values(raw: RawCheckpoint) -> int:
    return sum(tensor.numel() for tensor in raw.tensors.values())


def _counted(raw: RawCheckpoint) -> str:
    count = len(raw.tensors)
    return f"{count:,} tensor{'s' * (count != 1)}, {_values(raw):,} values"


def _published_as(card: PublishedCard, digests: dict[str, str]) -> bool:
    return card.digest is not None and digests[card.digest.algorithm].startswith(card.digest.hex)
