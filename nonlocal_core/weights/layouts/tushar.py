"""Tushar-N's port of video-nonlocal-net's I3D.

Source: Tushar-N/pytorch-resnet3d@e997fc6, models/resnet.py, utils/convert_weights.py.
"""

from nonlocal_core.weights.layouts.rules import TABLE, Layout, Rule
from nonlocal_core.weights.layouts.torchvision import BOTTLENECK, WORDS, backbone_rules

TUSHAR = Layout(
    name="tushar",
    title="Tushar-N, pytorch-resnet3d (I3D)",
    rules=(
        *backbone_rules(),
        Rule(
            rf"{BOTTLENECK}[.]nl[.](?P<role>theta|phi|g|out|bn)[.]{TABLE}",
            "res{stage}.{block}.nonlocal_block.{role}.{table}",
            WORDS,
        ),
        Rule(rf"fc[.]{TABLE}", "head.{table}"),
    ),
)
