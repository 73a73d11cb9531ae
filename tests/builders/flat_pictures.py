"""Pictures of one colour each to write into films, and their times."""

import numpy as np

TIMES = np.array([0.0, 0.5, 0.75, 1.75, 2.0])
COLOURS = np.array([[200, 40, 40], [40, 180, 60], [50, 70, 210], [230, 200, 60], [120, 120, 120]], np.uint8)


def pictures(count=5, height=46, width=82):
    """One flat colour each, with a bright square that tells left from right and up from down."""
    made = np.repeat(np.repeat(COLOURS[:count, None, None], height, 1), width, 2).copy()
    made[:, 8:16, 60:76] = 250
    made.setflags(write=False)
    return made


class CancelledError(Exception):
    pass
