"""Keys that are not positions, such as the words of a text: blocks that show the positions looking at one of them.

The weight of position i on key k is exp(scale * theta_i . phi_k) / Z_i. Its logarithm is also a product, of phi_k with
1 appended and theta_i with -log Z_i appended. So a column of the layer is a row of tables no larger than its own.
"""

from dataclasses import replace

import numpy as np

from nonlocal_core.capture.record import BlockCapture, asked_by
from nonlocal_core.capture.rows import log_normaliser


def turned(block: BlockCapture) -> BlockCapture:
    """Return the block with its off-grid keys as askers, each weighted by the positions; the first one asks.

    It is for blocks whose keys all lie off the grid.
    """
    behind = np.full((len(block.phi), 1), 1 / block.scale, np.float32)
    looking = np.append(block.theta, -log_normaliser(block)[:, None].astype(np.float32), axis=1)
    shown = replace(
        block,
        theta=np.zeros_like(looking),
        phi=looking,
        off_grid_keys=(),
        has_key_grid=True,
        askers=block.off_grid_keys,
        asker_theta=np.append(block.phi, behind, axis=1),
        askers_are_keys=True,
    )
    return asked_by(shown, shown.askers[0])
