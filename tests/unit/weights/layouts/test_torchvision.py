"""Torchvision's names of a ResNet: each convolution and norm of every bottleneck has its place."""

from nonlocal_core.weights.layouts.rules import Layout
from nonlocal_core.weights.layouts.torchvision import backbone_rules

BLOCKS = (3, 4, 6, 3)
ROLES = ("reduce", "spatial", "expand")
TABLES = ("weight", "bias", "running_mean", "running_var")


def expected_names():
    """Names of a ResNet-50 as torchvision counts them, and ours: three layers a bottleneck, one shortcut a stage."""
    names = {"conv1.weight": "stem.conv.weight"} | {f"bn1.{table}": f"stem.norm.{table}" for table in TABLES}
    for stage, count in enumerate(BLOCKS):
        for block in range(count):
            theirs, ours = f"layer{stage + 1}.{block}", f"res{stage + 2}.{block}"
            for number, role in enumerate(ROLES):
                names[f"{theirs}.conv{number + 1}.weight"] = f"{ours}.{role}.conv.weight"
                names |= {f"{theirs}.bn{number + 1}.{table}": f"{ours}.{role}.norm.{table}" for table in TABLES}
        names[f"layer{stage + 1}.0.downsample.0.weight"] = f"res{stage + 2}.0.shortcut.conv.weight"
        names |= {
            f"layer{stage + 1}.0.downsample.1.{table}": f"res{stage + 2}.0.shortcut.norm.{table}" for table in TABLES
        }
    return names


def test_every_layer_but_the_classifier_is_named():
    layout = Layout(name="plain", title="Plain", rules=backbone_rules())
    assert {name: layout.our_name(name) for name in expected_names()} == expected_names()
    assert layout.our_name("fc.weight") is None


def test_wrapped_layers_are_named_where_they_are_wrapped_alone():
    rules = backbone_rules(prefix="base[.]", inside="(?:[.]block)?", first_conv="[.]net")
    layout = Layout(name="wrapped", title="Wrapped", rules=rules)
    named = {
        "base.layer2.1.block.conv1.net.weight": "res3.1.reduce.conv.weight",
        "base.layer2.1.conv1.net.weight": "res3.1.reduce.conv.weight",
        "base.layer2.1.block.conv2.weight": "res3.1.spatial.conv.weight",
        "base.layer2.1.conv1.weight": None,
        "base.layer2.1.conv2.net.weight": None,
        "layer2.1.conv1.net.weight": None,
    }
    assert {name: layout.our_name(name) for name in named} == named
