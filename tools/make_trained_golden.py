"""Write trained_golden.npz: what every trained network answers to one clip, and one row of each block.

    python tools/make_trained_golden.py    # prints how far the new numbers are from the stored ones, then writes

The clip is two crops of a photograph of scikit-image, never resized.
"""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from nonlocal_core import list_models
from nonlocal_core.media.packaged import picture
from nonlocal_core.models.normalised import NormalisedBlock
from nonlocal_core.ops import affinity
from nonlocal_core.weights import build_model

GOLDEN = Path(__file__).parents[1] / "tests" / "data" / "trained_golden.npz"
CROPS = ((100, 40, 260, 136), (112, 46, 272, 142))
"""(left, top, right, bottom) of the two frames: the face of a cat, moved by less than a cell."""
QUERY = 24
"""Row 2, column 4 of the first frame's 6 x 10 cells."""


def clip() -> torch.Tensor:
    """Return the clip (1, 3, 2, 96, 160) as the networks take it."""
    with Image.open(picture("chelsea.png").locate()) as image:
        frames = np.stack([np.asarray(image.convert("RGB").crop(box), np.float32) for box in CROPS])
    return torch.from_numpy((frames - 127) / 128).permute(3, 0, 1, 2)[None]


def answers(name: str) -> dict[str, np.ndarray]:
    """Return the logits (2, 1000), and by its name the row (120,) of the query in every block."""
    network, _ = build_model(name)
    found = {}

    def look(block: str, module: NormalisedBlock, x: torch.Tensor) -> None:
        pieces = module.embed(x)
        theta = pieces.theta[:, QUERY : QUERY + 1]
        found[block] = affinity(theta, pieces.phi, pairwise=module.pairwise)[0, 0].numpy()

    for block, module in network.blocks().items():
        module.register_forward_hook(lambda module, inputs, _output, block=block: look(block, module, inputs[0]))
    with torch.inference_mode():
        return {"logits": network(clip())[0].numpy()} | found


def main() -> None:
    """Compare with what is stored, then store."""
    stored = np.load(GOLDEN) if GOLDEN.exists() else {}
    found = {}
    for card in list_models():
        if card.status == "trained":
            found |= {f"{card.id}.{part}": values for part, values in answers(card.id).items()}
    for name, values in found.items():
        print(name, float(np.abs(values - stored[name]).max()) if name in stored else "new")
    np.savez_compressed(GOLDEN, **found)


if __name__ == "__main__":
    main()
