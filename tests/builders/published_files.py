"""Files of published networks, made by plain rules: which tensors there are, and what each source calls them.

Nothing here uses a layout of the library; the listings that were taken from the sources agree with it
(``weights/layouts/test_listings.py``).
"""

from dataclasses import dataclass

import torch

RES4 = {50: 6, 101: 23}
CYCLES = {"c2d": (1, [(1,), (1,), (1,), (1,)]), "i3d": (5, [(3,), (3, 1), (3, 1), (1, 3)])}
CYCLES["slow"] = (1, [(1,), (1,), (3,), (3,)])
NORM_TABLES = ("weight", "bias", "running_mean", "running_var")

ODD, EVEN, R101 = ((1, 3), (1, 3, 5)), ((0, 2), (0, 2, 4)), ((1, 3), (6, 13, 20))
"""Places of the blocks in res3 and res4: of most files, of TSM and slow-only, of Caffe2's R101."""

WRAPPED = [(3, 0), (3, 2), (4, 0), (4, 2), (4, 4)]
"""Stage and block of the bottlenecks that TSM wraps with a non-local block."""


@dataclass(frozen=True)
class Tensor:
    """One tensor of a network: where it belongs, and its shape in three dimensions."""

    stage: int  # 1 is the stem, 6 the classifier
    block: int
    part: str  # conv, a, b, c, shortcut, theta, phi, g, out, norm, concat, fc
    table: str  # weight, bias, running_mean, running_var
    shape: tuple
    of: str = ""  # what a norm follows: conv, a, b, c, shortcut, nonlocal


def tensors_of(
    family, *, depth=50, after=((), ()), affine=False, nonlocal_norm=True, out_bias=True, pairwise="embedded_gaussian"
):
    """Every tensor of a network with non-local blocks after the given blocks of res3 and res4."""
    tables = NORM_TABLES[:2] if affine else NORM_TABLES
    stem, cycles = CYCLES[family]
    found = [Tensor(1, 0, "conv", "weight", (64, 3, stem, 7, 7)), *_norm(1, 0, "conv", 64, tables)]
    channels = 64
    for stage, count in zip((2, 3, 4, 5), (3, 4, RES4[depth], 3), strict=True):
        inner = 2 ** (stage + 4)
        for block in range(count):
            cycle = cycles[stage - 2]
            kernels = {"a": (inner, channels, cycle[block % len(cycle)], 1, 1), "b": (inner, inner, 1, 3, 3)}
            kernels["c"] = (4 * inner, inner, 1, 1, 1)
            if block == 0:
                kernels["shortcut"] = (4 * inner, channels, 1, 1, 1)
            for part, shape in kernels.items():
                found += [Tensor(stage, block, part, "weight", shape), *_norm(stage, block, part, shape[0], tables)]
            channels = 4 * inner
            if stage in (3, 4) and block in after[stage - 3]:
                found += _nonlocal(stage, block, channels, pairwise, out_bias)
                if nonlocal_norm:
                    found += _norm(stage, block, "nonlocal", channels, tables)
    return [*found, Tensor(6, 0, "fc", "weight", (400, 2048)), Tensor(6, 0, "fc", "bias", (400,))]


def _norm(stage, block, of, channels, tables):
    return [Tensor(stage, block, "norm", table, (channels,), of) for table in tables]


def _nonlocal(stage, block, channels, pairwise, out_bias):
    half = channels // 2
    roles = ("g",) if pairwise == "gaussian" else ("theta", "phi", "g")
    found = [Tensor(stage, block, role, "weight", (half, channels, 1, 1, 1)) for role in roles]
    found += [Tensor(stage, block, role, "bias", (half,)) for role in roles]
    found.append(Tensor(stage, block, "out", "weight", (channels, half, 1, 1, 1)))
    if out_bias:
        found.append(Tensor(stage, block, "out", "bias", (channels,)))
    if pairwise == "concatenation":
        found.append(Tensor(stage, block, "concat", "weight", (1, channels, 1, 1)))
    return found


def random_values(tensors, *, seed=6):
    """Values that neither die out nor blow up in a network of this depth, none of them trivial."""
    generator = torch.Generator().manual_seed(seed)
    values = {}
    for tensor in tensors:
        drawn = torch.randn(tensor.shape, generator=generator)
        if tensor.part == "norm":
            scale, least = {"weight": (0.1, 0.4), "running_var": (0.3, 0.9)}.get(tensor.table, (0.2, 0.0))
            drawn = least + scale * (drawn.abs() if least else drawn)
        elif tensor.table == "bias":
            drawn *= 0.2
        else:
            fan_in = drawn[0].numel()
            drawn *= (0.3 if tensor.part in ("theta", "phi") else 2**0.5) * fan_in**-0.5
        values[tensor] = drawn
    return values


def numbered_values(tensors):
    """One number per tensor, which tells where it went; costs no memory."""
    return {tensor: torch.tensor(float(number)).expand(tensor.shape) for number, tensor in enumerate(tensors, start=1)}


def caffe2_name(tensor):
    """video-nonlocal-net's blobs."""
    suffix = {"weight": "w", "bias": "b"}
    if tensor.part == "norm":
        suffix = {"weight": "bn_s", "bias": "bn_b", "running_mean": "bn_rm", "running_var": "bn_riv"}
    last = suffix[tensor.table]
    place = tensor.of or tensor.part
    if tensor.stage == 1:
        return f"res_conv1_{last}" if tensor.of else "conv1_w"
    if tensor.stage == 6:
        return f"pred_{last}"
    if place in ("a", "b", "c"):
        return f"res{tensor.stage}_{tensor.block}_branch2{place}_{last}"
    if place == "shortcut":
        return f"res{tensor.stage}_{tensor.block}_branch1_{last}"
    role = "" if tensor.of else f"{tensor.part}_"
    return f"nonlocal_conv{tensor.stage}_{tensor.block}_{role}{last}"


def pyslowfast_name(tensor):
    """PySlowFast's modules."""
    place, table = tensor.of or tensor.part, tensor.table
    if tensor.stage == 1:
        return f"s1.pathway0_stem.{'bn' if tensor.of else 'conv'}.{table}"
    if tensor.stage == 6:
        return f"head.projection.{table}"
    bottleneck = f"s{tensor.stage}.pathway0_res{tensor.block}"
    if place == "shortcut":
        return f"{bottleneck}.branch1{'_bn' if tensor.of else ''}.{table}"
    if place in ("a", "b", "c"):
        return f"{bottleneck}.branch2.{place}{'_bn' if tensor.of else ''}.{table}"
    return f"s{tensor.stage}.pathway0_nonlocal{tensor.block}.{'bn' if tensor.of else 'conv_' + tensor.part}.{table}"


def pytorchvideo_name(tensor, *, pooled):
    """PyTorchVideo's modules: counted, and a pool after res2 counts too."""
    place, table = tensor.of or tensor.part, tensor.table
    if tensor.stage == 1:
        return f"blocks.0.{'norm' if tensor.of else 'conv'}.{table}"
    if tensor.stage == 6:
        return f"blocks.{6 if pooled else 5}.proj.{table}"
    number = tensor.stage - 1 if tensor.stage == 2 or not pooled else tensor.stage
    bottleneck, kind = f"blocks.{number}.res_blocks.{tensor.block}", "norm" if tensor.of else "conv"
    return (
        f"{bottleneck}.branch1_{kind}.{table}"
        if place == "shortcut"
        else f"{bottleneck}.branch2.{kind}_{place}.{table}"
    )


def mmaction2_name(tensor, *, shifted=False, wrapped=()):
    """mmaction2's modules; ``shifted``: TSM, where the given (stage, block) are wrapped by a non-local block."""
    place, table = tensor.of or tensor.part, tensor.table
    kind = "bn" if tensor.of else "conv"
    if tensor.stage == 1:
        return f"backbone.conv1.{kind}.{table}"
    if tensor.stage == 6:
        return f"cls_head.fc_cls.{table}"
    bottleneck = f"backbone.layer{tensor.stage - 1}.{tensor.block}"
    names = {"a": "conv1", "b": "conv2", "c": "conv3", "shortcut": "downsample"}
    if place in names:
        inside = ".block" if (tensor.stage, tensor.block) in wrapped else ""
        net = ".net" if shifted and tensor.part == "a" else ""
        return f"{bottleneck}{inside}.{names[place]}.{kind}{net}.{table}"
    inner = {"theta": "theta.conv", "phi": "phi.0.conv", "g": "g.0.conv", "concat": "concat_project.conv"}
    return f"{bottleneck}.non_local_block.{inner.get(tensor.part, f'conv_out.{kind}')}.{table}"


def gluoncv_names(tensor):
    """GluonCV's modules: some tensors have two names."""
    place, table = tensor.of or tensor.part, tensor.table
    if tensor.stage == 1:
        return [f"first_stage.{1 if tensor.of else 0}.{table}"]
    if tensor.stage == 6:
        return [f"fc.{table}", f"head.1.{table}"]
    bottleneck = f"res_layers.{tensor.stage - 2}.{tensor.block}"
    if place == "shortcut":
        return [f"{bottleneck}.downsample.{1 if tensor.of else 0}.{table}"]
    if place in ("a", "b", "c"):
        return [f"{bottleneck}.{'bn' if tensor.of else 'conv'}{'abc'.index(place) + 1}.{table}"]
    block = f"{bottleneck}.nonlocal_block"
    if tensor.of:
        return [f"{block}.bn.{table}", f"{block}.W_bn.1.{table}"]
    if tensor.part == "out":
        return [f"{block}.W.{table}", f"{block}.W_bn.0.{table}"]
    return [f"{block}.{tensor.part}.{table}"]


def tushar_name(tensor):
    """Tushar-N's modules."""
    name = _torchvision_name(tensor)
    return name or f"layer{tensor.stage - 1}.{tensor.block}.nl.{'bn' if tensor.of else tensor.part}.{tensor.table}"


def mit_tsm_name(tensor, *, wrapped):
    """MIT's TSM, as a file trained on several GPUs; the given (stage, block) are wrapped by a non-local block."""
    if tensor.stage == 6:
        return f"module.new_fc.{tensor.table}"
    name = _torchvision_name(tensor)
    at = f"layer{tensor.stage - 1}.{tensor.block}"
    if name is None:
        parts = {"theta": "theta", "phi": "phi.0", "g": "g.0", "out": "W.0", "norm": "W.1"}
        return f"module.base_model.{at}.nl.{parts[tensor.part]}.{tensor.table}"
    if tensor.part == "a":
        name = name.replace("conv1", "conv1.net")
    if (tensor.stage, tensor.block) in wrapped:
        name = name.replace(at, f"{at}.block")
    return f"module.base_model.{name}"


def _torchvision_name(tensor):
    place, table = tensor.of or tensor.part, tensor.table
    if tensor.stage == 1:
        return f"{'bn1' if tensor.of else 'conv1'}.{table}"
    if tensor.stage == 6:
        return f"fc.{table}"
    at = f"layer{tensor.stage - 1}.{tensor.block}"
    if place == "shortcut":
        return f"{at}.downsample.{1 if tensor.of else 0}.{table}"
    if place in ("a", "b", "c"):
        return f"{at}.{'bn' if tensor.of else 'conv'}{'abc'.index(place) + 1}.{table}"
    return None


def with_counters(state):
    """Add the counter that PyTorch keeps beside every running variance."""
    counters = {
        name.replace("running_var", "num_batches_tracked"): torch.tensor(3) for name in state if "running_var" in name
    }
    return state | counters


def file_of(naming, family="i3d", **settings):
    return with_counters({naming(t): value for t, value in numbered_values(tensors_of(family, **settings)).items()})


def caffe2_file(family="i3d", **settings):
    return {caffe2_name(t): value for t, value in numbered_values(tensors_of(family, **settings)).items()}
