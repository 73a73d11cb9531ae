"""Torchvision's names of a ResNet, which several video networks use."""

from nonlocal_core.weights.layouts.rules import TABLE, Rule, Words

BOTTLENECK = r"layer(?P<stage>[1-4])[.](?P<block>\d+)"

WORDS: Words = {
    "stage": {"1": "2", "2": "3", "3": "4", "4": "5"},
    "number": {"1": "reduce", "2": "spatial", "3": "expand"},
    "part": {"0": "conv", "1": "norm"},
    "role": {"bn": "norm"},
}


def backbone_rules(*, prefix: str = "", inside: str = "", first_conv: str = "") -> tuple[Rule, ...]:
    """Return the rules of all layers except the classifier and the non-local blocks.

    ``prefix``: pattern before every name. ``inside``: pattern after the number of a wrapped bottleneck. ``first_conv``:
    pattern after the name of a wrapped first convolution.
    """
    bottleneck = prefix + BOTTLENECK + inside
    return (
        Rule(rf"{prefix}conv1[.]weight", "stem.conv.weight"),
        Rule(rf"{prefix}bn1[.]{TABLE}", "stem.norm.{table}"),
        Rule(rf"{bottleneck}[.]conv1{first_conv}[.]weight", "res{stage}.{block}.reduce.conv.weight", WORDS),
        Rule(rf"{bottleneck}[.]conv(?P<number>[23])[.]weight", "res{stage}.{block}.{number}.conv.weight", WORDS),
        Rule(rf"{bottleneck}[.]bn(?P<number>[123])[.]{TABLE}", "res{stage}.{block}.{number}.norm.{table}", WORDS),
        Rule(
            rf"{bottleneck}[.]downsample[.](?P<part>[01])[.]{TABLE}",
            "res{stage}.{block}.shortcut.{part}.{table}",
            WORDS,
        ),
    )
