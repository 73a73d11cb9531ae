"""The block against a float64 loop for every setting, and what inserting, saving and training one must mean."""

import loop_oracle
import numpy as np
import pytest
import torch
from torch.nn.functional import linear
from unchecked_shapes import unchecked  # noqa: F401, a fixture

from nonlocal_core.errors import ShapeError, UnknownNameError
from nonlocal_core.models.block import NonlocalBlock, NonlocalConfig
from nonlocal_core.ops import Reach, respond
from nonlocal_core.vocabulary import PAIRWISE, SCOPES

CHANNELS = 18  # so that C' = 9
EXACT = 1e-11  # float64 against float64, outputs of about 10; worst seen 6e-14
SINGLE = 3e-5  # float32 against float64; worst seen 6e-6

AS_PUBLISHED = NonlocalConfig()
KERNELS = (None, (1, 2, 2), (2, 2, 2))
ORDERS = ("pool_then_embed", "embed_then_pool")


def random_block(pairwise, config=AS_PUBLISHED, *, seed=0):
    """A block in which nothing is zero or one: every parameter and statistic shows in the output."""
    block = NonlocalBlock(CHANNELS, pairwise, config)
    generator = torch.Generator().manual_seed(seed)
    for name, value in block.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 2.0, generator=generator)
        elif value.is_floating_point():
            value.normal_(std=0.5, generator=generator)
    return block.eval()


def random_input(*sizes, seed=1):
    return torch.randn(2, CHANNELS, *sizes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def check_against_the_loop(pairwise, config, sizes):
    block, x = random_block(pairwise, config), random_input(*sizes)
    lacking = 3 - len(sizes)
    kernel = (1,) * lacking + (config.subsample or (1, 1, 1))[lacking:]
    compared = CHANNELS if pairwise == "gaussian" else CHANNELS // 2
    expected = np.stack(
        [
            loop_oracle.block_output(
                clip.reshape(CHANNELS, *[1] * lacking, *sizes),
                {name: value.double().numpy() for name, value in block.state_dict().items()},
                pairwise=pairwise,
                scale=compared**-0.5 if config.scale == "inner" else 1.0,
                kernel=kernel,
                pool_first=config.order == "pool_then_embed",
                scope=config.scope,
                groups=config.temporal_groups,
            ).reshape(clip.shape)
            for clip in x.numpy()
        ]
    )
    with torch.no_grad():
        single = block(x.float()).double()
        double = block.double()(x)
    np.testing.assert_allclose(double.numpy(), expected, rtol=0, atol=EXACT)
    np.testing.assert_allclose(single.numpy(), expected, rtol=0, atol=SINGLE * np.abs(expected).max())
    assert np.abs(expected - x.numpy()).max() > 0.5


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("subsample", KERNELS)
@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_clips(pairwise, subsample, order, scope, groups):
    config = NonlocalConfig(subsample=subsample, order=order, scope=scope, temporal_groups=groups)
    check_against_the_loop(pairwise, config, (4, 3, 5))


@pytest.mark.parametrize("sizes", [(5, 7), (11,)], ids=["image", "sequence"])
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("subsample", KERNELS)
@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_images_and_sequences(pairwise, subsample, order, scope, sizes):
    check_against_the_loop(pairwise, NonlocalConfig(subsample=subsample, order=order, scope=scope), sizes)


@pytest.mark.parametrize("norm", ["batch", "affine", "none"])
@pytest.mark.parametrize("out_bias", [True, False])
def test_what_follows_the_last_convolution(norm, out_bias):
    check_against_the_loop("dot_product", NonlocalConfig(norm=norm, out_bias=out_bias), (4, 3, 5))


@pytest.mark.parametrize("order", ORDERS)
def test_the_bias_of_concatenation(order):
    config = NonlocalConfig(concat_bias=True, subsample=(1, 2, 2), order=order)
    check_against_the_loop("concatenation", config, (4, 3, 5))


@pytest.mark.parametrize("pairwise", ["gaussian", "embedded_gaussian"])
def test_the_scale_is_by_the_width_that_is_compared(pairwise):
    block = random_block(pairwise, NonlocalConfig(scale="inner"))
    assert block.scale_value == block.embed(random_input(4, 3, 5).float()).theta.shape[2] ** -0.5
    check_against_the_loop(pairwise, NonlocalConfig(scale="inner"), (4, 3, 5))


@pytest.mark.parametrize("norm", ["batch", "affine", "none"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_a_new_block_changes_nothing(pairwise, training, norm):
    block = NonlocalBlock(CHANNELS, pairwise, NonlocalConfig(norm=norm)).train(training)
    x = random_input(4, 3, 5).float()
    assert torch.equal(block(x), x)
    assert block.g.weight.abs().max() > 0  # it is the last scale that is zero, so the block can learn


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("subsample", KERNELS)
@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_the_pieces_rebuild_the_output(pairwise, subsample, order):
    block = random_block(pairwise, NonlocalConfig(subsample=subsample, order=order, scope="space"))
    x = random_input(4, 3, 5).float()
    with torch.no_grad():
        pieces = block.embed(x)
        y = respond(
            pieces.theta,
            pieces.phi,
            pieces.g,
            pairwise=block.pairwise,
            scale=block.scale_value,
            reach=Reach(query_thw=pieces.query_thw, kernel=block.subsample or (1, 1, 1), scope=block.scope),
        )
        rebuilt = x + block.project(y).mT.reshape(x.shape)
        torch.testing.assert_close(rebuilt, block(x), rtol=0, atol=2e-5)
    assert pieces.query_thw == (4, 3, 5)
    assert pieces.key_thw == {None: (4, 3, 5), (1, 2, 2): (4, 1, 2), (2, 2, 2): (2, 1, 2)}[subsample]
    compared = {"gaussian": CHANNELS, "concatenation": 1}.get(pairwise, CHANNELS // 2)
    assert (pieces.theta.shape, pieces.g.shape[2]) == ((2, 60, compared), CHANNELS // 2)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_the_memory_layout_of_the_input_does_not_matter(pairwise, order):
    block = random_block(pairwise, NonlocalConfig(subsample=(1, 2, 2), order=order))
    x = random_input(4, 3, 5).float()
    with torch.no_grad():
        channels_last = block(x.contiguous(memory_format=torch.channels_last_3d))
        torch.testing.assert_close(channels_last, block(x), rtol=0, atol=2e-5)


def test_training_normalises_by_the_batch_and_learns():
    block = random_block("embedded_gaussian").train()
    x = random_input(4, 3, 5).float()
    before = block.norm.running_mean.clone()
    y = block(x)
    added = (y - x).flatten(2)
    torch.testing.assert_close(added.mean(dim=(0, 2)), block.norm.bias, rtol=0, atol=1e-5)
    torch.testing.assert_close(added.std(dim=(0, 2), unbiased=False), block.norm.weight.abs(), rtol=1e-3, atol=1e-5)
    assert not torch.equal(block.norm.running_mean, before)
    y.square().sum().backward()
    idle = {"out.bias", "g.bias", "phi.bias"}  # the norm takes away any constant, the softmax what all keys share
    for name, parameter in block.named_parameters():
        assert parameter.grad.isfinite().all()
        assert (parameter.grad.abs().max() > 1e-4) == (name not in idle), name


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_gradients_reach_every_parameter_in_evaluation_mode(pairwise, order):
    config = NonlocalConfig(subsample=(1, 2, 2), order=order, concat_bias=True)
    block = random_block(pairwise, config).double()
    x = random_input(4, 3, 5).requires_grad_()
    parameters = dict(block.named_parameters())

    def loss(*values):
        state = dict(zip(parameters, values[1:], strict=True))
        return torch.func.functional_call(block, state, (values[0],))

    assert torch.autograd.gradcheck(loss, (x, *parameters.values()), fast_mode=True)


@pytest.mark.parametrize(
    ("pairwise", "config", "expected"),
    [
        (
            "embedded_gaussian",
            NonlocalConfig(norm="none", out_bias=False),
            "theta.weight theta.bias phi.weight phi.bias g.weight g.bias out.weight",
        ),
        (
            "gaussian",
            NonlocalConfig(),
            "g.weight g.bias out.weight out.bias norm.weight norm.bias norm.running_mean norm.running_var "
            "norm.num_batches_tracked",
        ),
        (
            "concatenation",
            NonlocalConfig(norm="affine", concat_bias=True),
            "theta.weight theta.bias phi.weight phi.bias g.weight g.bias w_theta.weight w_theta.bias w_phi.weight "
            "out.weight out.bias norm.weight norm.bias",
        ),
    ],
)
def test_names_of_the_state_dict(pairwise, config, expected):
    assert list(NonlocalBlock(CHANNELS, pairwise, config).state_dict()) == expected.split()


def test_weights_are_matrices_of_channels_out_by_channels_in():
    block = random_block("dot_product", NonlocalConfig(inner_channels=5))
    assert (block.theta.weight.shape, block.out.weight.shape) == ((5, CHANNELS), (CHANNELS, 5))
    x = random_input(4, 3, 5).float()
    rows = x.permute(0, 2, 3, 4, 1).reshape(2, 60, CHANNELS)
    torch.testing.assert_close(block.embed(x).theta, linear(rows, block.theta.weight, block.theta.bias))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"scale": "outer"}, "no scale called 'outer'. Choose one of: none, inner"),
        ({"order": "never"}, "Choose one of: pool_then_embed, embed_then_pool"),
        ({"norm": "layer"}, "Choose one of: batch, affine, none"),
        ({"scope": "nearby"}, "Choose one of: spacetime, space, time"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_choices_that_do_not_exist(fields, sentence):
    with pytest.raises(UnknownNameError, match=sentence):
        NonlocalConfig(**fields)


@pytest.mark.usefixtures("unchecked")
def test_a_pairwise_function_that_does_not_exist():
    with pytest.raises(UnknownNameError, match="Choose one of: gaussian"):
        NonlocalBlock(CHANNELS, "cosine")


def test_a_scale_without_a_softmax_is_refused():
    with pytest.raises(UnknownNameError, match="scale of dot_product, which has no softmax, called 'inner'"):
        NonlocalBlock(CHANNELS, "dot_product", NonlocalConfig(scale="inner"))


@pytest.mark.parametrize("shape", [(2, CHANNELS), (2, CHANNELS + 1, 4, 3, 5), (2, CHANNELS, 1, 4, 3, 5)])
def test_inputs_that_do_not_fit(shape):
    with pytest.raises(ShapeError, match=r"takes \(B, 18, W\), \(B, 18, H, W\) or \(B, 18, T, H, W\); got"):
        NonlocalBlock(CHANNELS)(torch.zeros(shape))


def test_groups_that_do_not_divide_the_clip():
    block = NonlocalBlock(CHANNELS, config=NonlocalConfig(temporal_groups=4))
    with pytest.raises(ShapeError, match="divisible by 4; got 6"):
        block(torch.zeros(2, CHANNELS, 6, 3, 5))
