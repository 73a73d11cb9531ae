"""A network of forms beside each other, its session on a small clip, and the rows of each form by its own weights."""

from dataclasses import replace

import numpy as np
import torch
from foreign_attention import randomise
from torch import nn

from hand_written.parts import COLS, ROWS, TOKENS, WEIGHTS, C
from nonlocal_core import InputSpec, ModelSpec, Session
from nonlocal_core.media import network_input

FRAMES = 2
CLIP = np.random.default_rng(0).integers(0, 256, (FRAMES, 8 * ROWS, 8 * COLS, 3), np.uint8)
SEEN = InputSpec(short_side=8 * ROWS, multiple_of=8, mean=(0.5,) * 3, std=(0.25,) * 3)
SPEC = ModelSpec(status="untrained", input_spec=SEEN)
ROW_PRECISION = 1e-4  # what a row may differ by from the form's own; worst seen 3e-7


class Around(nn.Module):
    """A stem that makes 4 x 6 cells of each frame, as tokens, as maps or as a clip, and forms beside each other."""

    def __init__(self, fed, *forms):
        super().__init__()
        self.fed = fed
        self.stem = nn.Conv3d(3, C, (1, 8, 8), (1, 8, 8)) if fed == "clip" else nn.Conv2d(3, C, 8, 8)
        for form in forms:
            self.add_module(form.__name__, form())

    def forward(self, x):
        made = self.stem(x)
        made = made.flatten(2).mT if self.fed == "tokens" else made
        return [part(made) for name, part in self.named_children() if name != "stem"]


def opened(fed, *forms, **more):
    model = randomise(Around(fed, *forms)).eval()
    return model, Session.from_model(model, CLIP, spec=replace(SPEC, **more))


def own_rows(model, session, name):
    """Return what a form weighs its values with on the clip of a session, (B, heads, queries, keys)."""
    clip = torch.from_numpy(network_input(session.frames, SEEN)[0])
    with torch.no_grad():
        made = model.stem(clip if model.fed == "clip" else clip[0].transpose(0, 1))
        WEIGHTS.clear()
        getattr(model, name)(made.flatten(2).mT if model.fed == "tokens" else made)
    return WEIGHTS[0].double().numpy()


def expected(block, own):
    """Return the rows (Nq, Nk) of one head over the clip, from the form's weights (B, queries, keys)."""
    if block.scope == "spacetime":
        return own[0]
    steps, each = block.query_grid.steps, block.key_grid.rows * block.key_grid.cols
    rows = np.zeros((block.query_grid.size, block.key_grid.size))
    for t in range(steps):
        for cell in range(TOKENS):
            if block.scope == "time":
                rows[t * TOKENS + cell, cell::TOKENS] = own[cell, t]
            else:
                rows[t * TOKENS + cell, t * each : (t + 1) * each] = own[t, -TOKENS + cell, -each:]
    return rows
