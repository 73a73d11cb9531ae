"""PySlowFast's single-pathway networks.

Source: facebookresearch/SlowFast@728d8f7, slowfast/models/resnet_helper.py, nonlocal_helper.py, head_helper.py.
"""

from nonlocal_core.weights.layouts.rules import TABLE, Layout, Rule

_WORDS = {
    "conv": {"a": "reduce", "b": "spatial", "c": "expand"},
    "role": {"conv_theta": "theta", "conv_phi": "phi", "conv_g": "g", "conv_out": "out"},
}
_ROLE = "(?P<role>conv_(?:theta|phi|g|out))"
_BOTTLENECK = r"s(?P<stage>[2-5])[.]pathway0_res(?P<block>\d+)"
_NONLOCAL = r"s(?P<stage>[2-5])[.]pathway0_nonlocal(?P<block>\d+)"

PYSLOWFAST = Layout(
    name="pyslowfast",
    title="PySlowFast (C2D, I3D, slow)",
    rules=(
        Rule(r"s1[.]pathway0_stem[.]conv[.]weight", "stem.conv.weight"),
        Rule(rf"s1[.]pathway0_stem[.]bn[.]{TABLE}", "stem.norm.{table}"),
        Rule(rf"{_BOTTLENECK}[.]branch1[.]weight", "res{stage}.{block}.shortcut.conv.weight"),
        Rule(rf"{_BOTTLENECK}[.]branch1_bn[.]{TABLE}", "res{stage}.{block}.shortcut.norm.{table}"),
        Rule(rf"{_BOTTLENECK}[.]branch2[.](?P<conv>[abc])[.]weight", "res{stage}.{block}.{conv}.conv.weight", _WORDS),
        Rule(
            rf"{_BOTTLENECK}[.]branch2[.](?P<conv>[abc])_bn[.]{TABLE}", "res{stage}.{block}.{conv}.norm.{table}", _WORDS
        ),
        Rule(rf"{_NONLOCAL}[.]{_ROLE}[.]{TABLE}", "res{stage}.{block}.nonlocal_block.{role}.{table}", _WORDS),
        Rule(rf"{_NONLOCAL}[.]bn[.]{TABLE}", "res{stage}.{block}.nonlocal_block.norm.{table}"),
        Rule(rf"head[.]projection[.]{TABLE}", "head.{table}"),
    ),
)
