"""A small labelling by the reader's scribbles: a frame made small, and the kernels that carry its labels."""

from base64 import b64encode

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from nonlocal_core.ancestors.filters import DenseCrf
from nonlocal_core.ancestors.mean_field import APPEARANCE, SMOOTHNESS, SURE
from nonlocal_core.course.words import learn
from nonlocal_core.errors import CaptureError
from nonlocal_core.render import jpeg_address
from nonlocal_core.session import Session

SIDE = 32
"""Pixels of the shorter side: every pixel gathers from every other, in a fraction of a second for all steps."""
LONGEST = 4 * SIDE
SHOWN = (0, 1, 2, 5)
"""Numbers of the steps that are shown."""


def small_frame(frame: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """Return a frame with ``SIDE`` pixels on its shorter side, and at most ``LONGEST`` on the other."""
    height, width = frame.shape[:2]
    scale = min(SIDE / min(height, width), LONGEST / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BOX))


def shown(session: Session, frame: int) -> dict[str, object]:
    """Return the data for ``viewer/controls/scribbles.js``: a frame to scribble on, and the kernels that carry labels.

    ``session``: a session of the dense CRF, whose kernels carry the labels. Raises CaptureError for any other network.
    """
    kernels = getattr(session.model.network, "filter", None)
    if not isinstance(kernels, DenseCrf):
        raise CaptureError(
            f"Labels are passed on by the kernels of the dense CRF; {session.model.card.title} has none."
        )
    small = small_frame(session.frames.rgb[frame])
    return {
        "id": f"{session.frames.info.sha256} {session.frames.frame_indices[frame]}",
        "picture": jpeg_address(session.frames.rgb[frame]),
        "pixels": b64encode(small.tobytes()).decode("ascii"),
        "rows": small.shape[0],
        "cols": small.shape[1],
        "kernels": {
            "space": kernels.space,
            "colour": kernels.colour,
            "near": kernels.near,
            "appearance": APPEARANCE,
            "smoothness": SMOOTHNESS,
            "sure": SURE,
        },
        "steps": SHOWN,
        "words": learn().scribbles,
    }
