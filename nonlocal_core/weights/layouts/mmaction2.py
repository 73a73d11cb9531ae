"""mmaction2's recognisers and detectors on ResNet3d, ResNet3dSlowOnly and ResNetTSM, with mmcv's NonLocal3d.

Sources: open-mmlab/mmaction2, release 1.2.0, mmaction/models/backbones/{resnet3d,resnet_tsm}.py; open-mmlab/mmcv,
release 2.2.0, mmcv/cnn/bricks/non_local.py. TSM wraps the first convolution as ``.net``, and as ``.block``
every bottleneck that a non-local block follows; if keys are pooled, phi and g are the first of two modules.
"""

from nonlocal_core.weights.layouts.rules import TABLE, Layout, Rule

_WORDS = {
    "stage": {"1": "2", "2": "3", "3": "4", "4": "5"},
    "conv": {"conv1": "reduce", "conv2": "spatial", "conv3": "expand", "downsample": "shortcut"},
    "part": {"conv": "out", "bn": "norm"},
}
_BOTTLENECK = r"backbone[.]layer(?P<stage>[1-4])[.](?P<block>\d+)"
_CONV = r"(?:[.]block)?[.](?P<conv>conv[123]|downsample)"
_NONLOCAL = rf"{_BOTTLENECK}[.]non_local_block"

_BACKBONE = (
    Rule(r"backbone[.]conv1[.]conv[.]weight", "stem.conv.weight"),
    Rule(rf"backbone[.]conv1[.]bn[.]{TABLE}", "stem.norm.{table}"),
    Rule(rf"{_BOTTLENECK}{_CONV}[.]conv(?:[.]net)?[.]weight", "res{stage}.{block}.{conv}.conv.weight", _WORDS),
    Rule(rf"{_BOTTLENECK}{_CONV}[.]bn[.]{TABLE}", "res{stage}.{block}.{conv}.norm.{table}", _WORDS),
    Rule(
        rf"{_NONLOCAL}[.](?P<role>theta|phi|g)(?:[.]0)?[.]conv[.]{TABLE}",
        "res{stage}.{block}.nonlocal_block.{role}.{table}",
        _WORDS,
    ),
    Rule(
        rf"{_NONLOCAL}[.]conv_out[.](?P<part>conv|bn)[.]{TABLE}",
        "res{stage}.{block}.nonlocal_block.{part}.{table}",
        _WORDS,
    ),
    Rule(
        rf"{_NONLOCAL}[.]concat_project[.]conv[.]weight",
        "res{stage}.{block}.nonlocal_block.w_theta.weight+res{stage}.{block}.nonlocal_block.w_phi.weight",
        _WORDS,
    ),
)


MMACTION2 = Layout(
    name="mmaction2",
    title="mmaction2 (I3D, slow-only, TSM)",
    rules=(*_BACKBONE, Rule(rf"cls_head[.]fc_cls[.]{TABLE}", "head.{table}")),
)

MMACTION2_DETECTOR = Layout(
    name="mmaction2_detector",
    title="mmaction2, detector (slow-only)",
    rules=(*_BACKBONE, Rule(rf"roi_head[.]bbox_head[.]fc_cls[.]{TABLE}", "head.{table}")),
)
