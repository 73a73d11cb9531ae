"""Networks of published checkpoints, by id: downloaded, converted once, and kept under our names.

A conversion is a safetensors file with our names, so that opening it again interprets no foreign format. Its metadata
holds its origin and a hash over names, shapes and values.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from nonlocal_core.errors import WeightsError
from nonlocal_core.models.resnet import ResNet
from nonlocal_core.weights.cache import (
    CONVERSION,
    Pin,
    cache_folder,
    converted_path,
    find_pin,
    locked,
    write_pin,
    writing,
)
from nonlocal_core.weights.cards import PublishedCard
from nonlocal_core.weights.checkpoint import read_checkpoint
from nonlocal_core.weights.download import Progress, download, file_digest
from nonlocal_core.weights.filling import load_network
from nonlocal_core.weights.layouts import OURS
from nonlocal_core.weights.partial import PartialDownload
from nonlocal_core.weights.published import PublishedNetwork, find_published


def load_published(card: PublishedCard, *, progress: Progress | None = None, cache_dir: Path | None = None) -> ResNet:
    """Return the network of a published checkpoint, filled completely, frozen and in eval mode.

    The first call downloads and converts it, and pins the hash of a file that loaded completely.
    Raises WeightsError if the download fails, the file differs from the pinned one, or does not fill the network.
    """
    if card.arch is None:
        raise WeightsError(f"The network of {card.id} is not rebuilt here. {card.note}")
    network = find_published(card.arch)
    cache = cache_folder(cache_dir)
    pin = find_pin(cache, card.id)
    if pin is not None and (kept := converted_path(cache, network.arch, pin.sha256)).is_file():
        return load_network(read_converted(kept, network, source_sha256=pin.sha256), layout=OURS, config=network.config)
    path = download(card, progress=progress, cache_dir=cache_dir)
    try:
        filled = load_network(read_checkpoint(path).tensors, layout=network.layout, config=network.config)
        source_sha256 = file_digest(path)
        write_pin(cache, card.id, Pin(sha256=source_sha256, arch=network.arch))
    except WeightsError:
        PartialDownload(path).discard()  # a refused file is not kept
        raise
    write_converted(cache, network, filled.state_dict(), source_sha256=source_sha256)
    return filled


def write_converted(
    cache: Path, network: PublishedNetwork, tensors: Mapping[str, Tensor], *, source_sha256: str
) -> Path:
    """Save the tensors of a filled network and return the path. Raises WeightsError if the disk refuses them."""
    path = converted_path(cache, network.arch, source_sha256)
    metadata = _metadata(network, source_sha256) | {"tensors_sha256": _tensors_digest(tensors)}
    with locked(cache, path.name), writing(cache):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        save_file({name: tensor.clone() for name, tensor in tensors.items()}, fresh, metadata=metadata)  # no views
        fresh.replace(path)
    return path


def read_converted(path: Path, network: PublishedNetwork, *, source_sha256: str) -> dict[str, Tensor]:
    """Return the tensors of a conversion under our names.

    Raises WeightsError, and removes the file, if it is damaged or was made from another file, for another network or
    by another version. Opening the checkpoint again converts it anew.
    """
    try:
        raw = read_checkpoint(path)
        wanted = _metadata(network, source_sha256) | {"tensors_sha256": _tensors_digest(raw.tensors)}
        wrong = [name for name, value in wanted.items() if raw.extra.get(name) != value]
        if wrong:
            raise WeightsError(f"{path} is not the conversion that it should be: {', '.join(wrong)} disagree.")
    except WeightsError as fault:
        path.unlink(missing_ok=True)
        raise WeightsError(f"{fault} It was removed; open the checkpoint again to convert it anew.") from fault
    return raw.tensors


def _metadata(network: PublishedNetwork, source_sha256: str) -> dict[str, str]:
    return {
        "conversion": CONVERSION,
        "source_sha256": source_sha256,
        "source_layout": network.layout.name,
        "arch": network.arch,
    }


def _tensors_digest(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
