"""Changes to frames of a clip: damage that queries must survive, cues in one frame only, effects of a camera."""

import io
from typing import Literal

import numpy as np
from PIL import Image, ImageFilter

Version = Literal["clean", "damaged", "blur_cue", "grey_cue", "natural"]
"""Versions of a clip: as composed; two frames in five damaged; one frame sharp and the others blurred; one frame in
colour and the others grey; every frame with the effects of camera and codec, none of which counts as changed.
"""

JUDGED: tuple[Version, ...] = ("clean", "damaged", "blur_cue", "grey_cue")
"""Versions that blocks are judged on."""
TAUGHT: tuple[Version, ...] = (*JUDGED, "natural")
"""Versions that blocks learn from."""

DAMAGED_SHARE = 0.4
CUE_BLUR_PX = (3.0, 6.0)
"""Radius of the blur of the cue task, at 224 pixels."""
CUE_NOISE = 0.04
FILMED_EXPOSURE, FILMED_SATURATION, FILMED_BLUR_PX = (0.5, 2.0), 0.7, 1.5
"""Ranges for a whole clip: exposure, change of saturation, largest blur at 224 pixels."""
FRAME_BLUR_PX, FRAME_GAIN, FRAME_NOISE, FRAME_QUALITY = 0.7, 0.1, 0.02, (95, 35)
"""Ranges for one frame: additional blur, change of brightness, noise, and quality of its JPEG."""


def wanted(version: Version) -> Version:
    """Return the version that a block should turn this one into. Natural frames are unchanged."""
    return "natural" if version == "natural" else "clean"


def damaged(rgb: np.ndarray, version: Version, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the changed clip (T, H, W, 3) uint8 and the mask (T,) of changed frames. The input is not modified."""
    frames = len(rgb)
    match version:
        case "clean":
            return rgb, np.zeros(frames, bool)
        case "damaged":
            hit = rng.random(frames) < DAMAGED_SHARE
            changed = [_one_damage(frame, rng) if bad else frame for frame, bad in zip(rgb, hit, strict=True)]
        case "blur_cue":
            hit = np.arange(frames) != rng.integers(frames)
            radius = rng.uniform(*CUE_BLUR_PX) * rgb.shape[1] / 224
            changed = [
                _noisy(_blurred(frame, radius), CUE_NOISE, rng) if bad else frame
                for frame, bad in zip(rgb, hit, strict=True)
            ]
        case "grey_cue":
            hit = np.arange(frames) != rng.integers(frames)
            changed = [_grey(frame) if bad else frame for frame, bad in zip(rgb, hit, strict=True)]
        case "natural":
            hit, changed = np.zeros(frames, bool), _filmed(rgb, rng)
    return np.stack(changed), hit


def _one_damage(frame: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    scale = frame.shape[0] / 224
    match int(rng.integers(5)):
        case 0:
            return _noisy(frame, rng.uniform(0.1, 0.35), rng)
        case 1:
            return _blurred(frame, rng.uniform(3, 9) * scale)
        case 2:
            return _noisy((frame * rng.uniform(0.12, 0.4)).astype(np.uint8), 0.02, rng)
        case 3:
            return _with_squares(frame, rng, grey=True)
        case _:
            return _with_squares(frame, rng, grey=False)


def _filmed(rgb: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the clip after camera and codec: one exposure, saturation and blur, with small changes per frame."""
    strength, scale = rng.random(), rgb.shape[1] / 224
    exposure = np.exp(strength * rng.uniform(*np.log(FILMED_EXPOSURE)))
    saturation = 1 + strength * rng.uniform(-FILMED_SATURATION, FILMED_SATURATION)
    blur = strength * rng.uniform(0, FILMED_BLUR_PX)
    changed = []
    for frame in rgb:
        soft = _blurred(frame, (blur + strength * rng.uniform(0, FRAME_BLUR_PX)) * scale)
        grey = soft.mean(axis=2, keepdims=True)
        gain = exposure * (1 + strength * rng.uniform(-FRAME_GAIN, FRAME_GAIN))
        relit = np.clip((grey + (soft - grey) * saturation) * gain, 0, 255).astype(np.uint8)
        changed.append(_compressed(_noisy(relit, strength * rng.uniform(0, FRAME_NOISE), rng), strength * rng.random()))
    return changed


def _compressed(frame: np.ndarray, strength: float) -> np.ndarray:
    best, worst = FRAME_QUALITY
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "JPEG", quality=round(best - strength * (best - worst)))
    return np.asarray(Image.open(file))


def _with_squares(frame: np.ndarray, rng: np.random.Generator, *, grey: bool) -> np.ndarray:
    """Return the frame with a third of it under squares, grey or in bands of random colours."""
    side = frame.shape[0]
    changed = frame.copy()
    for _square in range(int(rng.integers(6, 14))):
        length = int(rng.uniform(0.1, 0.25) * side)
        top, left = rng.integers(side - length, size=2)
        colour = 127 if grey else rng.integers(0, 256, (length, 1, 3))
        changed[top : top + length, left : left + length] = colour
    return changed


def _blurred(frame: np.ndarray, radius: float) -> np.ndarray:
    return np.asarray(Image.fromarray(frame).filter(ImageFilter.GaussianBlur(radius)))


def _noisy(frame: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    noise = rng.standard_normal(frame.shape, np.float32) * (255 * share)
    noisy: np.ndarray = np.clip(frame + noise, 0, 255).astype(np.uint8)
    return noisy


def _grey(frame: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(frame).convert("L").convert("RGB"))
