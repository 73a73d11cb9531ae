"""The trunk answers as published: against another program's logits, and on photographs with known answers."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nonlocal_core.models.imagenet import imagenet_classes
from nonlocal_core.models.lite0 import Lite0
from nonlocal_core.weights.catalog import find_card
from nonlocal_core.weights.lite0 import load_lite0

PEER_TOLERANCE = 5e-5
"""Worst measured 1.3e-5 on logits up to 19: two float32 programs that add in another order."""
PROBABILITY_TOLERANCE = 0.01
"""The known answers are written with two digits."""

GOLDEN = np.load(Path(__file__).parents[1] / "data" / "lite0_peer_logits.npz")
"""Written by tools/make_lite0_peer_logits.py, which also defines the crops."""
CROPS = {"coffee.png": (188, 88, 412, 312), "chelsea.png": (100, 40, 260, 136), "rocket.jpg": (210, 51, 435, 248)}
SHARED_IMAGES = Path(__file__).parents[3] / "shared" / "media" / "images"


@pytest.fixture(scope="module")
def trunk() -> Lite0:
    return load_lite0(find_card().weights)


def photograph(name: str) -> Image.Image:
    """Open an image of the installed scikit-image; its own loader is not imported."""
    spec = importlib.util.find_spec("skimage")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    with Image.open(Path(spec.submodule_search_locations[0]) / "data" / name) as image:
        return image.convert("RGB")


def normalised(image: Image.Image) -> torch.Tensor:
    pixels = np.asarray(image, dtype=np.float32)
    return torch.from_numpy((pixels - 127) / 128).permute(2, 0, 1)[None]


def central_crop(image: Image.Image) -> Image.Image:
    """The evaluation protocol of the weights: short side to 256, then the central 224 x 224."""
    shrink = 256 / min(image.size)
    width, height = (round(side * shrink) for side in image.size)
    left, top = (width - 224) // 2, (height - 224) // 2
    resized = image.resize((width, height), Image.Resampling.BICUBIC)
    return resized.crop((left, top, left + 224, top + 224))


def answers(trunk: Lite0, image: Image.Image) -> dict[str, float]:
    probabilities = trunk(normalised(central_crop(image)))[0].softmax(-1)
    best = probabilities.topk(3)
    return {imagenet_classes()[i]: p for i, p in zip(best.indices.tolist(), best.values.tolist(), strict=True)}


@pytest.mark.parametrize("name", CROPS)
def test_logits_equal_those_of_another_program(trunk, name):
    logits = trunk(normalised(photograph(name).crop(CROPS[name])))[0]
    assert np.abs(logits.numpy() - GOLDEN[name]).max() < PEER_TOLERANCE


def test_the_comparison_would_notice_the_usual_imagenet_normalisation(trunk):
    x = normalised(photograph("coffee.png").crop(CROPS["coffee.png"])) * 128 / 255 + 127 / 255
    mean, std = (torch.tensor(v)[:, None, None] for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    logits = trunk((x - mean) / std)[0]
    assert np.abs(logits.numpy() - GOLDEN["coffee.png"]).max() > 0.1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("coffee.png", {"espresso": 0.95}),
        ("chelsea.png", {"tiger cat": 0.39, "Egyptian cat": 0.36, "tabby": 0.17}),
        ("rocket.jpg", {"missile": 0.30}),
        ("motorcycle_left.png", {"moped": 0.48}),
    ],
)
def test_photographs_get_their_known_answers(trunk, name, expected):
    found = answers(trunk, photograph(name))
    assert list(found)[: len(expected)] == list(expected)
    for label, probability in expected.items():
        assert found[label] == pytest.approx(probability, abs=PROBABILITY_TOLERANCE)


@pytest.mark.skipif(not SHARED_IMAGES.is_dir(), reason="the shared media folder is not beside this checkout")
@pytest.mark.parametrize(("name", "label"), [("fruits.jpg", "lemon"), ("sam_truck.jpg", "pickup")])
def test_more_photographs_get_a_sensible_answer(trunk, name, label):
    with Image.open(SHARED_IMAGES / name) as image:
        assert next(iter(answers(trunk, image.convert("RGB")))) == label
