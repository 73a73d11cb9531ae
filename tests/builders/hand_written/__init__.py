"""Attention as strangers write it, by kind.

A form takes tokens of frames (B, N, C); the forms of `maps` take maps (B, C, H, W) or a clip (1, C, T, H, W).
Each file lists the forms that are read, and those that are refused with the words of the reason.
"""

from hand_written import (
    called,
    formulas,
    kernels,
    keys,
    layers,
    maps,
    masked,
    projections,
    recent,
    softmaxes,
    strangers,
)

_OF_TOKENS = (projections, softmaxes, keys, kernels, layers, formulas, recent, called, strangers, masked)

READ = {
    "tokens": tuple(form for kind in _OF_TOKENS for form in kind.READ),
    "maps": maps.READ,
    "clip": maps.READ_ON_CLIPS,
}
REFUSED = {
    "tokens": {form: why for kind in _OF_TOKENS for form, why in getattr(kind, "REFUSED", {}).items()},
    "maps": maps.REFUSED,
    "clip": maps.REFUSED_ON_CLIPS,
}
"""Forms, by what they are fed."""
