"""Published networks: a peer's own module with random weights, its state dict, our reader, the same answers.

mmaction2, GluonCV and PyTorchVideo do not import as they are beside a CPU build of torch; only the files that
hold their networks are used.
"""

from dataclasses import replace

import pytest
import torch
from peer_modules import peer_module
from torch import nn

from nonlocal_core.models import presets
from nonlocal_core.vocabulary import PAIRWISE
from nonlocal_core.weights.filling import load_network
from nonlocal_core.weights.layouts import GLUONCV, MMACTION2, PYTORCHVIDEO, PYTORCHVIDEO_SLOW

HEIGHT, WIDTH = 48, 80
AGREEMENT = 1e-4  # of the largest value; worst seen 1.5e-5
AFTER_ODD_BLOCKS = ((0, 0, 0), (0, 1, 0, 1), (0, 1, 0, 1, 0, 1), (0, 0, 0))
AFTER_EVEN_BLOCKS = ((0, 0, 0), (1, 0, 1, 0), (1, 0, 1, 0, 1, 0), (0, 0, 0))
INFLATE = ((1, 1, 1), (1, 0, 1, 0), (1, 0, 1, 0, 1, 0), (0, 1, 0))


def randomise(network):
    """Draw weights that neither die out nor blow up, and statistics that are not those of a new network."""
    torch.manual_seed(4)
    for module in network.modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
            nn.init.kaiming_normal_(module.weight, mode="fan_in")
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            nn.init.uniform_(module.weight, 0.3, 0.7)
            nn.init.normal_(module.bias, std=0.2)
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
    for name, parameter in network.named_parameters():
        if "theta" in name or "phi" in name:  # neither uniform nor a single key per query
            nn.init.normal_(parameter, std=0.5 * parameter[0].numel() ** -0.5)


def answers(network, names, x):
    """Return the network's output, and what each named block adds to its input."""
    seen = {}
    handles = [
        network.get_submodule(module).register_forward_hook(
            lambda _module, inputs, output, name=name: seen.update({name: output - inputs[0]})
        )
        for name, module in names.items()
    ]
    with torch.inference_mode():
        answer = network(x)
    for handle in handles:
        handle.remove()
    return answer, seen


def assert_agree(peer, block_of, *, layout, config, frames, peer_input=lambda clip: clip):
    """Compare logits and what every non-local block adds, ours read from the peer's state dict."""
    randomise(peer)
    ours = load_network(peer.state_dict(), layout=layout, config=config)
    torch.manual_seed(5)
    clip = torch.randn(1, 3, frames, HEIGHT, WIDTH)
    names = config.block_names
    expected, peer_blocks = answers(peer.eval(), {name: block_of(name) for name in names}, peer_input(clip))
    found, our_blocks = answers(ours, {name: f"{name}.nonlocal_block" for name in names}, clip)
    for name in names:
        assert relative_error(our_blocks[name], peer_blocks[name]) < AGREEMENT, name
    assert relative_error(found.mean(dim=1), expected) < AGREEMENT
    assert found.std() > 0.01  # the answers depend on something


def relative_error(found, expected):
    assert found.shape == expected.shape
    return float((found - expected).abs().max() / expected.abs().max())


class Recogniser(nn.Module):
    """mmaction2's own backbone and head under the names of its recognisers."""

    def __init__(self, backbone, cls_head, **head_arguments):
        super().__init__()
        self.backbone, self.cls_head, self.head_arguments = backbone, cls_head, head_arguments

    def forward(self, x):
        return self.cls_head(self.backbone(x), **self.head_arguments)


def mmaction2(name):
    """Return a module of mmaction2."""
    pytest.importorskip("mmcv", reason="mmcv-lite is not installed")
    return peer_module(
        f"mmaction.models.{name}", replaced={"mmaction.utils": {"get_str_type": str}, "mmaction.evaluation": {}}
    )


def as_segments(clip):
    """(1, 3, T, H, W) -> (T, 3, H, W)."""
    return clip[0].transpose(0, 1)


def mmcv_settings(pairwise, *, scaled):
    return {"sub_sample": True, "use_scale": scaled, "norm_cfg": {"type": "BN3d"}, "mode": pairwise}


def mmaction2_block(name):
    stage, index = name.removeprefix("res").split(".")
    return f"backbone.layer{int(stage) - 1}.{index}.non_local_block"


@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_mmaction2_i3d(pairwise):
    peer = Recogniser(
        mmaction2("backbones.resnet3d").ResNet3d(
            depth=50,
            conv1_kernel=(5, 7, 7),
            conv1_stride_t=2,
            pool1_stride_t=2,
            inflate=INFLATE,
            non_local=AFTER_ODD_BLOCKS,
            non_local_cfg=mmcv_settings(pairwise, scaled=False),
        ),
        mmaction2("heads.i3d_head").I3DHead(num_classes=400, in_channels=2048),
    )
    config = presets.mmaction2_i3d(pairwise=pairwise)
    assert_agree(peer, mmaction2_block, layout=MMACTION2, config=config, frames=16)


def test_mmaction2_slowonly():
    peer = Recogniser(
        mmaction2("backbones.resnet3d_slowonly").ResNet3dSlowOnly(
            depth=50,
            non_local=AFTER_EVEN_BLOCKS,
            non_local_cfg=mmcv_settings("embedded_gaussian", scaled=True),
        ),
        mmaction2("heads.i3d_head").I3DHead(num_classes=400, in_channels=2048),
    )
    config = presets.mmaction2_slowonly(clip="4x16")
    assert_agree(peer, mmaction2_block, layout=MMACTION2, config=config, frames=4)


def test_mmaction2_tsm():
    peer = Recogniser(
        mmaction2("backbones.resnet_tsm").ResNetTSM(
            depth=50,
            norm_cfg={"type": "BN2d"},
            non_local=AFTER_EVEN_BLOCKS,
            non_local_cfg=mmcv_settings("embedded_gaussian", scaled=False),
        ),
        mmaction2("heads.tsm_head").TSMHead(num_classes=400, in_channels=2048),
        num_segs=8,
    )
    config = presets.mmaction2_tsm()
    assert_agree(
        peer,
        mmaction2_block,
        layout=MMACTION2,
        config=config,
        frames=8,
        peer_input=lambda clip: clip[0].transpose(0, 1),
    )


def test_gluoncv_i3d():
    peer = peer_module("gluoncv.torch.model_zoo.action_recognition.i3d_resnet").I3D_ResNetV1(
        num_classes=400,
        depth=50,
        pretrained=True,  # it would fetch weights of ImageNet otherwise
        inflate_freq=INFLATE,
        nonlocal_stages=(1, 2),
        nonlocal_cfg={"nonlocal_type": "gaussian"},
        nonlocal_freq=AFTER_ODD_BLOCKS,
    )
    config = presets.gluoncv_i3d()
    assert_agree(peer, gluoncv_block, layout=GLUONCV, config=config, frames=16)


def gluoncv_block(name):
    stage, index = name.removeprefix("res").split(".")
    return f"res_layers.{int(stage) - 2}.{index}.nonlocal_block"


@pytest.mark.parametrize(("family", "layout"), [("i3d", PYTORCHVIDEO), ("slow", PYTORCHVIDEO_SLOW)])
def test_pytorchvideo(family, layout):
    pytest.importorskip("fvcore", reason="pytorchvideo is not installed")
    window = (3, 2, 2)  # of a map of 4 or 8 x 2 x 3, so that several positions are averaged
    hub = peer_module("pytorchvideo.models.hub.resnet", replaced={"torchvision.ops": {}})
    peer = getattr(hub, f"{family}_r50")()
    peer.blocks[-1].pool = nn.AvgPool3d(window, stride=1)  # that of 224 pixels is larger than this map
    config = presets.pytorchvideo_8x8(family=family)
    config = replace(config, head=replace(config.head, window=window))
    assert_agree(peer, None, layout=layout, config=config, frames=8)
