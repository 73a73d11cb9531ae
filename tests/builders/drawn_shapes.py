"""One drawing with every kind of shape, for tests of the formats."""

import numpy as np
from render_rows import make_frames

from nonlocal_core.render.drawing import Drawing, Outline, Picture, Words, box, disc

LAYER = np.zeros((4, 6, 4), np.uint8)
LAYER[1, 2] = (200, 100, 50, 255)
LAYER[3, 5] = (0, 0, 250, 102)
SHAPES = Drawing(
    size_hw=(120, 240),
    per_inch=60,
    title="Ünder <b>\u65e5",
    shapes=(
        Picture(box=(10, 20, 60, 40), rgb=make_frames()[0]),
        Picture(box=(10, 20, 60, 40), rgb=LAYER[..., :3], opacity=LAYER[..., 3]),
        box(80, 20, 30, 10, fill=(255, 0, 0)),
        Outline(start=(5, 5), steps=(((1, 2), (3, 4), (50.5, 60.25)),), stroke=(0, 0, 255), width=2.5, opacity=0.25),
        disc((150, 60), 12, fill=(255, 255, 255), stroke=(0, 0, 0), pen=1),
        Words(at=(100, 90), text="a <b> & \u65e5\x00", size=12, colour=(1, 2, 3), anchor="middle"),
    ),
)
