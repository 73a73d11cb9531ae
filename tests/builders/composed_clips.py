"""Clips whose answers are known: ellipses cut from photographs that move over another photograph."""

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

FRAMES, HEIGHT, WIDTH = 4, 160, 224

OBJECTS = {
    "cat": ("chelsea.png", (115, 30, 335, 250)),
    "cup": ("coffee.png", (150, 60, 450, 320)),
    "face": ("astronaut.png", (150, 15, 300, 205)),
    "wheel": ("motorcycle_left.png", (70, 220, 290, 440)),
    "engine": ("motorcycle_left.png", (300, 200, 480, 380)),
    "retina": ("retina.jpg", (100, 100, 1300, 1300)),
    "star": ("hubble_deep_field.jpg", (380, 280, 620, 520)),
    "tissue": ("ihc.png", (100, 100, 400, 400)),
}
"""(left, top, right, bottom) of each cut in its photograph, all inside scikit-image."""
BACKGROUNDS = ("rocket.jpg", "brick.png", "gravel.png", "grass.png", "coffee.png")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposedClip:
    """Pixels (T, H, W, 3) uint8 and, for each, the object that shows there: 0 for none, else 1, 2, 3."""

    pixels: np.ndarray
    objects: np.ndarray


def compose(seed: int) -> ComposedClip:
    """Return a clip of three objects; the same one for the same seed."""
    rng = np.random.default_rng(seed)
    ground = _opened(str(rng.choice(BACKGROUNDS))).resize((WIDTH + 32, HEIGHT + 32), Image.Resampling.BICUBIC)
    cuts = [OBJECTS[name] for name in rng.choice(list(OBJECTS), 3, replace=False)]
    places = rng.uniform((30, 30), (HEIGHT - 30, WIDTH - 30), (3, 2))
    steps = rng.uniform(-16, 16, (3, 2))
    sides = rng.uniform(30, 46, 3)
    pixels = np.empty((FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)
    objects = np.zeros((FRAMES, HEIGHT, WIDTH), dtype=np.uint8)
    for t in range(FRAMES):
        pixels[t] = np.asarray(ground)[4 * t : 4 * t + HEIGHT, 6 * t : 6 * t + WIDTH]
        for k, (name, box) in enumerate(cuts):
            side = round(sides[k] * 1.04**t)
            cut = np.asarray(_opened(name).crop(box).resize((side, side), Image.Resampling.BICUBIC))
            lit = np.clip(cut * rng.uniform(0.85, 1.15), 0, 255).astype(np.uint8)
            top, left = np.clip(places[k] + steps[k] * t - side / 2, 0, (HEIGHT - side, WIDTH - side)).astype(int)
            _paste(pixels[t], objects[t], lit, top, left, label=k + 1)
    return ComposedClip(pixels=pixels, objects=objects)


def _paste(frame: np.ndarray, objects: np.ndarray, cut: np.ndarray, top: int, left: int, *, label: int) -> None:
    side = len(cut)
    y, x = (np.mgrid[:side, :side] + 0.5) / side * 2 - 1
    inside = x**2 + y**2 <= 1
    frame[top : top + side, left : left + side][inside] = cut[inside]
    objects[top : top + side, left : left + side][inside] = label


@cache
def _opened(name: str) -> Image.Image:
    spec = importlib.util.find_spec("skimage")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    with Image.open(Path(spec.submodule_search_locations[0]) / "data" / name) as image:
        return image.convert("RGB")
