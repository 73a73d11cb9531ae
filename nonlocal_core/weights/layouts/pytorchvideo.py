"""PyTorchVideo's networks with numbered modules. A temporal pool after res2 shifts the later stages by one.

Source: facebookresearch/pytorchvideo, release 0.1.5, pytorchvideo/models/resnet.py. PySlowFast can
wrap them as ``model.``.
"""

from nonlocal_core.weights.layouts.rules import TABLE, Layout, Rule, Words

_CONV = {"a": "reduce", "b": "spatial", "c": "expand"}
_BOTTLENECK = r"blocks[.](?P<place>[1-5])[.]res_blocks[.](?P<block>\d+)"


def _rules(places: dict[str, str], head: int) -> tuple[Rule, ...]:
    words: Words = {"place": places, "conv": _CONV}
    return (
        Rule(r"blocks[.]0[.]conv[.]weight", "stem.conv.weight"),
        Rule(rf"blocks[.]0[.]norm[.]{TABLE}", "stem.norm.{table}"),
        Rule(rf"{_BOTTLENECK}[.]branch1_conv[.]weight", "res{place}.{block}.shortcut.conv.weight", words),
        Rule(rf"{_BOTTLENECK}[.]branch1_norm[.]{TABLE}", "res{place}.{block}.shortcut.norm.{table}", words),
        Rule(
            rf"{_BOTTLENECK}[.]branch2[.]conv_(?P<conv>[abc])[.]weight", "res{place}.{block}.{conv}.conv.weight", words
        ),
        Rule(
            rf"{_BOTTLENECK}[.]branch2[.]norm_(?P<conv>[abc])[.]{TABLE}",
            "res{place}.{block}.{conv}.norm.{table}",
            words,
        ),
        Rule(rf"blocks[.]{head}[.]proj[.]{TABLE}", "head.{table}"),
    )


PYTORCHVIDEO = Layout(
    name="pytorchvideo",
    title="PyTorchVideo (C2D, I3D)",
    rules=_rules({"1": "2", "3": "3", "4": "4", "5": "5"}, head=6),
)

PYTORCHVIDEO_SLOW = Layout(
    name="pytorchvideo_slow",
    title="PyTorchVideo (slow)",
    rules=_rules({"1": "2", "2": "3", "3": "4", "4": "5"}, head=5),
)
