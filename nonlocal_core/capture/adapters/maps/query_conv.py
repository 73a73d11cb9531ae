"""Self-attention on maps with convolutions for query, key and value and a learned gain, as in SAGAN, DANet and fastai.

Sources: junfu1115/DANet@766c34e, encoding/nn/da_att.py; fastai/fastai@aed484f, fastai/layers.py. It is a non-local
block under other names: an embedded Gaussian without a scale, and a gain in the place of W_z. fastai's takes its
softmax over the other axis, which makes its keys the queries. What the parts leave open, the proof on a random copy
decides: speedinghzl/CCNet@00af149, cc_attention/functions.py, has blocks of the same parts that fail it.
"""

from typing import Any

from torch import Tensor, nn

from nonlocal_core.capture.adapters.maps.reader import Conv, MapReader, convolution

_PARTS = (("query_conv", "key_conv", "value_conv"), ("query", "key", "value"))
_GAINS = ("gamma", "alpha")


def is_query_conv(block: nn.Module) -> bool:
    """Return whether a module has the three convolutions and the gain."""
    return _parts(block) is not None and any(_is_gain(getattr(block, name, None)) for name in _GAINS)


def read_query_conv(block: Any) -> tuple[MapReader, ...]:
    """Return every reading that the parts allow, SAGAN's first."""
    names = _parts(block)
    assert names is not None
    query, key, value = (getattr(block, name) for name in names)
    inner = convolution(query).out_channels
    return tuple(
        MapReader(
            block=block,
            theta=theta,
            phi=phi,
            g=value,
            out=(_Gain(block, next(name for name in _GAINS if hasattr(block, name))),),
            pairwise="embedded_gaussian",
            scale=scale,
        )
        for theta, phi, scale in ((query, key, 1.0), (query, key, inner**-0.5), (key, query, 1.0))
    )


class _Gain:
    """Current gain of a block, read at each use, since training changes it."""

    def __init__(self, block: nn.Module, name: str) -> None:
        self._block, self._name = block, name

    def __call__(self, y: Tensor) -> Tensor:
        gain: Any = getattr(self._block, self._name)
        made: Tensor = gain(y) if isinstance(gain, nn.Module) else gain * y
        return made


def _is_gain(part: Any) -> bool:
    """Return whether a part is one number, or a module that holds only one."""
    if isinstance(part, nn.Module):
        return sum(parameter.numel() for parameter in part.parameters()) == 1
    return isinstance(part, Tensor) and part.numel() == 1


def _parts(block: nn.Module) -> tuple[str, str, str] | None:
    for names in _PARTS:
        parts = [getattr(block, name, None) for name in names]
        if all(isinstance(part, nn.Module) and _is_convolution(part) for part in parts):
            return names
    return None


def _is_convolution(part: nn.Module) -> bool:
    return sum(isinstance(layer, Conv) for layer in part.modules()) == 1
