"""Networks whose blocks matter, and a clip for them."""

from dataclasses import replace
from functools import cache
from io import BytesIO

import numpy as np
import torch
from PIL import Image

from nonlocal_core import Session, prepare_model
from nonlocal_core.capture import BlockSite, attach
from nonlocal_core.capture.own import NonlocalBlockReader
from nonlocal_core.models import InsertedBlock, Lite0Network, NonlocalBlock, NonlocalConfig
from nonlocal_core.weights import build_model

OPEN = {"frames": 3, "short_side": 64}


@cache
def clip():
    """Three frames of noise, which no two frames or places share, as an animation."""
    first, *rest = (
        Image.fromarray(frame) for frame in np.random.default_rng(9).integers(0, 256, (3, 64, 96, 3), np.uint8)
    )
    file = BytesIO()
    first.save(file, format="PNG", save_all=True, append_images=rest, duration=100)
    return file.getvalue()


@cache
def trunk():
    return build_model()[0].trunk


def loud_block(channels, pairwise, seed, **settings):
    """A block that adds to its input about as much as there is: its last scale is not the zero it starts at."""
    torch.manual_seed(seed)
    block = NonlocalBlock(channels, pairwise, NonlocalConfig(norm="affine", **settings))
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.08)
    torch.nn.init.normal_(block.norm.weight, std=0.8)
    return block


def loud_session(pairwise="embedded_gaussian", **settings):
    """A session of a network with two blocks that matter, both of them recorded."""
    stride8, stride16 = (
        InsertedBlock(name=name, title=name, module=module, status="trained", note="")
        for name, module in (
            ("stride8", loud_block(40, pairwise, 1, **settings)),
            ("stride16", loud_block(112, pairwise, 2)),
        )
    )
    network = Lite0Network(trunk(), stride8=stride8, stride16=stride16, block_bytes_per_pixel=20.0)
    network.eval().requires_grad_(requires_grad=False)
    sites = (
        BlockSite(
            name=inserted.name,
            title=inserted.title,
            module=inserted.module,
            reader=NonlocalBlockReader(inserted.module),
            status=inserted.status,
        )
        for inserted in (stride8, stride16)
    )
    attach(tuple(sites))
    return Session.open(clip(), replace(prepare_model(), network=network), **OPEN)
