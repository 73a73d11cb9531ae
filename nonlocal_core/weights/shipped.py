"""Weights of this repository: safetensors beside the catalog, read only with the expected hash."""

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from nonlocal_core.errors import WeightsError
from nonlocal_core.installed import folder_of
from nonlocal_core.weights.loading import check_hash
from nonlocal_core.weights.locations import ShippedFile


def read_shipped(source: ShippedFile) -> dict[str, Tensor]:
    """Return the tensors of the file. Raises WeightsError if it is missing, damaged or replaced."""
    try:
        content = (folder_of("pretrained") / source.file).read_bytes()
    except OSError as error:
        raise WeightsError(
            f"The weights file pretrained/{source.file} is not there ({error}). Install this package again."
        ) from error
    check_hash(content, sha256=source.sha256, name=source.file)
    try:
        return load(content)
    except SafetensorError as error:
        raise WeightsError(f"The weights file {source.file} is no safetensors file ({error}).") from error
