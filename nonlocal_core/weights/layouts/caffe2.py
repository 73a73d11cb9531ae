"""Blobs of video-nonlocal-net, of long-term feature banks, and of PySlowFast's Caffe2 files.

Source: facebookresearch/video-nonlocal-net@4b5d2dd, lib/models/resnet_helper.py, nonlocal_helper.py,
lib/utils/checkpoints.py. Despite its name, ``_riv`` is the running variance: every converter takes the root of riv +
eps.
"""

from nonlocal_core.weights.layouts.rules import Layout, Rule

_WORDS = {
    "conv": {"1": "shortcut", "2a": "reduce", "2b": "spatial", "2c": "expand"},
    "table": {"s": "weight", "b": "bias", "rm": "running_mean", "riv": "running_var", "w": "weight"},
}
_NORM = "(?P<table>s|b|rm|riv)"
_BOTTLENECK = r"res(?P<stage>[2-5])_(?P<block>\d+)_branch(?P<conv>1|2[abc])"
_NONLOCAL = r"nonlocal_conv(?P<stage>[2-5])_(?P<block>\d+)"

CAFFE2 = Layout(
    name="caffe2",
    title="Caffe2 blobs (video-nonlocal-net, long-term feature banks, PySlowFast)",
    rules=(
        Rule("conv1_w", "stem.conv.weight"),
        Rule(f"res_conv1_bn_{_NORM}", "stem.norm.{table}", _WORDS),
        Rule(f"{_BOTTLENECK}_w", "res{stage}.{block}.{conv}.conv.weight", _WORDS),
        Rule(f"{_BOTTLENECK}_bn_{_NORM}", "res{stage}.{block}.{conv}.norm.{table}", _WORDS),
        Rule(
            f"{_NONLOCAL}_(?P<role>theta|phi|g|out)_(?P<table>w|b)",
            "res{stage}.{block}.nonlocal_block.{role}.{table}",
            _WORDS,
        ),
        Rule(f"{_NONLOCAL}_bn_{_NORM}", "res{stage}.{block}.nonlocal_block.norm.{table}", _WORDS),
        Rule("pred_(?P<table>w|b)", "head.{table}", _WORDS),
    ),
    dropped=(".*_momentum", "lr", "model_iter", "epoch"),
)
