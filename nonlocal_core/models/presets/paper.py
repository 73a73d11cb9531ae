"""The network of the paper itself.

Source: arXiv 1711.07971v3, table 1 and section 3.
"""

from nonlocal_core.models.presets.common import (
    ALEXHEX7_BLOCKS,
    ONE_GREY,
    PLACEMENTS,
    BlockCount,
    Depth,
    Family,
    softmax_first,
    stages,
    stem_kernel,
    title,
)
from nonlocal_core.models.resnet_config import Pooling, ResNetConfig
from nonlocal_core.vocabulary import Pairwise


def paper_resnet(
    *, family: Family = "c2d", depth: Depth = 50, blocks: BlockCount = 5, pairwise: Pairwise = "embedded_gaussian"
) -> ResNetConfig:
    """Return the network as the paper's table 1 and section 3 describe it; no weights of it were published.

    Differs from all released code: pool1 3x3x3, pool2 3x1x1, no softmax scale, keys pooled after phi and g.
    """
    return ResNetConfig(
        title=title("Paper, table 1", family, depth, blocks, pairwise),
        stem_temporal_kernel=stem_kernel(family),
        stem_temporal_stride=2,
        pool1=Pooling(kernel=(3, 3, 3), stride=(2, 2, 2), padding=(1, 1, 1)),
        pool2=Pooling(kernel=(3, 1, 1), stride=(2, 1, 1), padding=(1, 0, 0)),
        stages=stages(family, depth, PLACEMENTS[depth, blocks]),
        norm="batch",
        pairwise=pairwise,
        nonlocal_config=ALEXHEX7_BLOCKS,
        head=softmax_first((4, 7, 7)),
        input_spec=ONE_GREY,
        clip_frames=32,
        frame_stride=2,
    )
