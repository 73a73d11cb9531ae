"""GluonCV's I3D in PyTorch. Its state dict holds the last layers twice, alone and inside a sequence.

Source: dmlc/gluon-cv@7c1094a, gluoncv/torch/model_zoo/action_recognition/{i3d_resnet,non_local}.py.
"""

from nonlocal_core.weights.layouts.rules import TABLE, Layout, Rule

_WORDS = {
    "stage": {"0": "2", "1": "3", "2": "4", "3": "5"},
    "number": {"1": "reduce", "2": "spatial", "3": "expand"},
    "part": {"0": "conv", "1": "norm"},
    "role": {"W": "out", "bn": "norm"},
    "first": {"0": "W", "1": "bn"},
}
_BOTTLENECK = r"res_layers[.](?P<stage>[0-3])[.](?P<block>\d+)"

GLUONCV = Layout(
    name="gluoncv",
    title="GluonCV, PyTorch (I3D)",
    rules=(
        Rule(rf"first_stage[.](?P<part>[01])[.]{TABLE}", "stem.{part}.{table}", _WORDS),
        Rule(rf"{_BOTTLENECK}[.]conv(?P<number>[123])[.]weight", "res{stage}.{block}.{number}.conv.weight", _WORDS),
        Rule(rf"{_BOTTLENECK}[.]bn(?P<number>[123])[.]{TABLE}", "res{stage}.{block}.{number}.norm.{table}", _WORDS),
        Rule(
            rf"{_BOTTLENECK}[.]downsample[.](?P<part>[01])[.]{TABLE}",
            "res{stage}.{block}.shortcut.{part}.{table}",
            _WORDS,
        ),
        Rule(
            rf"{_BOTTLENECK}[.]nonlocal_block[.](?P<role>theta|phi|g|W|bn)[.]{TABLE}",
            "res{stage}.{block}.nonlocal_block.{role}.{table}",
            _WORDS,
        ),
        Rule(rf"fc[.]{TABLE}", "head.{table}"),
    ),
    duplicates=(
        Rule(r"(?P<block>.+)[.]W_bn[.](?P<first>[01])[.](?P<table>.+)", "{block}.{first}.{table}", _WORDS),
        Rule(r"head[.]1[.](?P<table>.+)", "fc.{table}"),
    ),
)
