"""Strict loading of verified weights: no file is read before its hash is known, no tensor is lost or left over."""

import hashlib
import io
import pickle
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from nonlocal_core.errors import WeightsError


def read_verified(path: Path, *, sha256: str) -> dict[str, Tensor]:
    """Return the tensors of a ``torch.save`` file with the given hash. Code inside the file never runs.

    Raises WeightsError if the hash differs, before anything is interpreted, or if the file holds more than tensors.
    """
    content = path.read_bytes()
    check_hash(content, sha256=sha256, name=path.name)
    # Read the bytes that were hashed, not the path again: the file could change in between.
    try:
        tensors: dict[str, Tensor] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"The weights file {path.name} holds something else than tensors; it was not read. "
            "Save the state dict of the network alone."
        ) from error
    return tensors


def check_hash(content: bytes, *, sha256: str, name: str) -> None:
    """Raise WeightsError if the content of a weights file differs from the pinned one."""
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise WeightsError(
            f"The weights file {name} should have sha256 {sha256}; this one has {found}. "
            "It is damaged or another version: install the pinned one again."
        )


def fill(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Assign ``tensors`` to the parameters and buffers of the network, each once, without a copy.

    Raises WeightsError that names the unmatched tensors of either side, or those of another shape.
    """
    check_fits(network, tensors)
    network.load_state_dict(tensors, assign=True)


def check_fits(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Raise WeightsError that names unmatched tensors of either side, or those of another shape."""
    wanted = network.state_dict()
    check_accounted(missing=wanted.keys() - tensors.keys(), unused=tensors.keys() - wanted.keys())
    wrong = [
        f"{name} is {tuple(tensors[name].shape)} instead of {tuple(slot.shape)}"
        for name, slot in wanted.items()
        if tensors[name].shape != slot.shape
    ]
    if wrong:
        raise WeightsError(f"These weights belong to another network: {'; '.join(wrong)}.")


def check_accounted(*, missing: Iterable[str], unused: Iterable[str]) -> None:
    """Raise WeightsError, naming all of them, if parameters stay unfilled or tensors unused."""
    empty, spare = sorted(missing), sorted(unused)
    if empty or spare:
        raise WeightsError(
            f"These weights belong to another network. Parameters left empty: {', '.join(empty) or 'none'}. "
            f"Tensors left unused: {', '.join(spare) or 'none'}."
        )
