"""What a published network's record says, in the tuples of the tables that hold it against its sources."""

from nonlocal_core.weights.published import published_networks

CONFIGS = {network.arch: network.config for network in published_networks()}

PADDED = ((1, 3, 3), (1, 2, 2), (0, 1, 1))
UNPADDED = ((1, 3, 3), (1, 2, 2), (0, 0, 0))
HALVING = ((2, 3, 3), (2, 2, 2), (0, 0, 0))
DROPPING = ((1, 3, 3), (2, 2, 2), (0, 1, 1))
POOL2 = ((2, 1, 1), (2, 1, 1), (0, 0, 0))
"""Kernel, stride and padding of pool1 and pool2."""

BEFORE, AFTER = "pool_then_embed", "embed_then_pool"

ODD = ("res3.1", "res3.3", "res4.1", "res4.3", "res4.5")
EVEN = ("res3.0", "res3.2", "res4.0", "res4.2", "res4.4")
SEVENTH = ("res3.1", "res3.3", "res4.6", "res4.13", "res4.20")
"""After which bottleneck blocks a non-local block comes."""

GREY = ((114.75, 114.75, 114.75), (57.375, 57.375, 57.375), 255)
BYTES = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), 255)
UNIT = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 1)
"""Mean and std, and on which scale."""
WHOLE = (None, None, None)


def pooling(pool):
    """Return kernel, stride and padding, or None."""
    return None if pool is None else (pool.kernel, pool.stride, pool.padding)


def geometry(arch):
    """Return stem kernel and stride in time, pool1, pool2, frames and stride of the clip."""
    config = CONFIGS[arch]
    found = (config.stem_temporal_kernel, config.stem_temporal_stride, pooling(config.pool1), pooling(config.pool2))
    return (*found, config.clip_frames, config.frame_stride)


def block_facts(arch):
    """Return pairwise, scale, key pooling, order, bias of the last convolution, its norm."""
    config, block = CONFIGS[arch], CONFIGS[arch].nonlocal_config
    assert block.inner_channels is None  # half of the channels, everywhere
    pooled = (1, 2, 2) if block.subsample == (1, 2, 2) else None
    return (config.pairwise, block.scale, pooled, block.order, block.out_bias, block.norm)


def places(arch):
    """Return after which blocks of res3 and res4 a non-local block comes, and the groups in time of res3."""
    config = CONFIGS[arch]
    assert [stage.temporal_groups for stage in config.stages[2:]] == [1, 1]
    return (config.block_names, config.stages[1].temporal_groups)


def input_and_head(arch):
    """Return short side, mean and std on which scale, window, and whether the softmax comes first."""
    config = CONFIGS[arch]
    spec, head = config.input_spec, config.head
    assert (len(head.classes), head.classes[0], head.classes[-1]) == (400, "abseiling", "zumba")
    return (spec.short_side, spec.mean, spec.std, spec.value_range, head.window, head.softmax_first)
