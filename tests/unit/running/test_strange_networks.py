"""Networks that do what nobody expects of one: each is read, or refused by a sentence that says what to do."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from nonlocal_core import CaptureError, ModelSpec, Session
from nonlocal_core.running.foreign import ForeignNetwork

CLIP = np.random.default_rng(3).integers(0, 256, (3, 60, 84, 3), np.uint8)
WIDTH = 12


class Pictures(nn.Module):
    """Patches of a picture and one attention layer over them."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(8)
        self.patches, self.attention = nn.Conv2d(3, WIDTH, 32, 32), nn.MultiheadAttention(WIDTH, 3, batch_first=True)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).mT
        return self.attention(tokens, tokens, tokens)[0]


def opened(network):
    return Session.from_model(network.eval(), CLIP, status="untrained")


def assert_same_rows(session, other):
    asked = {"frame": 1, "x": 0.3, "y": 0.6}
    assert session.unreadable == ()
    assert len(session.capture.blocks) == 3
    np.testing.assert_array_equal(session.query(**asked).values, other.query(**asked).values)


class WritesBefore(Pictures):
    def forward(self, x):
        return super().forward(x.sub_(0.5).mul_(2.0))


class WritesAfter(Pictures):
    def forward(self, x):
        made = super().forward(x)
        x.zero_()
        return made


class Scaled(Pictures):
    def forward(self, x):
        return super().forward((x - 0.5) * 2.0)


@pytest.mark.parametrize(("writes", "as_if"), [(WritesBefore, Scaled), (WritesAfter, Pictures)])
def test_a_network_that_writes_into_its_input_sees_the_same_clip_in_every_run(writes, as_if):
    assert_same_rows(opened(writes()), opened(as_if()))


def test_a_network_that_was_made_under_inference_mode_is_read_outside_of_it():
    with torch.inference_mode():
        network = Pictures()
    assert_same_rows(opened(network), opened(Pictures()))
    assert all(part.is_inference() for part in network.parameters())


def test_a_network_that_cannot_describe_itself_is_read():
    class Shy(Pictures):
        def extra_repr(self):
            raise RuntimeError

        def __repr__(self):
            raise RuntimeError

    assert_same_rows(opened(Shy()), opened(Pictures()))


def test_a_default_device_that_holds_nothing_is_none_of_the_librarys():
    network, other = Pictures(), opened(Pictures())
    with torch.device("meta"):
        session = opened(network)
    assert_same_rows(session, other)


def test_a_network_that_returns_a_generator_is_told_to_take_its_values():
    class Yields(Pictures):
        def forward(self, x):
            yield super().forward(x)

    with pytest.raises(CaptureError, match=r"Yields returned a generator, .*call=lambda model, frames: list\(model"):
        opened(Yields())
    spec = ModelSpec(status="untrained", call=lambda model, frames: list(model(frames)))
    assert_same_rows(Session.from_model(Yields().eval(), CLIP, spec=spec), opened(Pictures()))


def test_layers_that_a_call_leaves_out_are_said_not_to_have_run():
    spec = ModelSpec(status="untrained", call=lambda _model, _frames: None)
    with pytest.raises(CaptureError, match=r"attention did not run when the network was called"):
        Session.from_model(Pictures().eval(), CLIP, spec=spec)


class NoWordsError(Exception):
    def __str__(self):
        raise ValueError


def test_an_error_without_words_is_told_by_the_line_that_raised_it():
    class Asserts(Pictures):
        def forward(self, x):
            torch._assert(x.shape[-1] % 9 == 0, "")

    class Speechless(Pictures):
        def forward(self, _x):
            raise NoWordsError

    with pytest.raises(CaptureError, match=r"AssertionError at `torch\._assert\(x\.shape\[-1\] % 9 == 0, \"\"\)`\. "):
        ForeignNetwork(Asserts().eval(), ModelSpec())(torch.zeros(1, 3, 2, 64, 64))
    with pytest.raises(CaptureError, match=r"NoWordsError at `raise NoWordsError`\. Choose"):
        opened(Speechless())


def test_a_network_that_was_exported_is_not_told_to_call_what_it_has_not():
    exported = torch.export.export(Pictures().eval(), (torch.zeros(2, 3, 64, 96),)).module()
    with pytest.raises(CaptureError, match=r"torch\.export wrote out .* Give the network that it was made from"):
        Session.from_model(exported, CLIP, status="untrained")


class Features(Pictures):
    """A trunk whose head was taken off, as in DINO's and timm's networks of features."""

    def __init__(self, head, classes=None):
        super().__init__()
        self.head = head
        if classes is not None:
            self.num_classes = classes

    def forward(self, x):
        return self.head(super().forward(x).mean(dim=1))


def test_features_are_no_answer_where_a_network_says_that_it_has_no_classes():
    assert opened(Features(nn.Identity())).capture.classes == ()
    assert opened(Features(nn.Linear(WIDTH, WIDTH), classes=0)).capture.classes == ()
    assert len(opened(Features(nn.Linear(WIDTH, 7), classes=7)).capture.classes) == 5
    named = Session.from_model(Features(nn.Identity()).eval(), CLIP, classes=tuple(f"kind {n}" for n in range(WIDTH)))
    assert named.capture.classes[0].name.startswith("kind ")


def test_a_fact_of_another_kind_is_refused_in_words():
    code = """
from torch import nn
from nonlocal_core import ModelSpec, NonlocalError, Session
network = nn.Conv2d(3, 4, 2).eval()
facts = {"status": "bad", "token_grid": 3, "class_tokens": -1, "call": 3, "inputs": [1], "by_hand": ["a"], "side": 224}
for name, value in (*facts.items(), ("input_spec", {"short_side": 224}), ("classes", "cats")):
    try:
        Session.from_model(network, "sample:coins", **{name: value})
    except NonlocalError as error:
        print(error)
print(ModelSpec(token_grid=[2, 3, 4], classes=["a"]).token_grid)
"""  # in a process of its own, since the test run checks types before the library does
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    fields = "title, status, classes, takes, input_spec, processor, token_grid, class_tokens, token_names, by_hand, "
    assert said.splitlines() == [
        "There is no status of weights called 'bad'. Choose one of: trained, untrained, parameter_free.",
        "A ModelSpec has token_grid as a tuple (T, H, W); got a int.",
        "The number of class_tokens is 0 or more; got -1.",
        "A ModelSpec has call as a function of the network and its frames; got a int.",
        "A ModelSpec has inputs as a function of the frames; got a list.",
        "A ModelSpec has by_hand as a dictionary from the name of a layer to a function; got a list.",
        f"There is no fact about a network called 'side'. Choose one of: {fields}call, inputs.",
        "A ModelSpec has input_spec as an InputSpec; got a dict.",
        "A ModelSpec has classes as a tuple of names; got a str.",
        "(2, 3, 4)",
    ]


class Scripted(Pictures):
    """A part that torch.jit compiled, beside the layer."""

    def __init__(self):
        super().__init__()
        self.head = torch.jit.script(nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU()).eval())

    def forward(self, x):
        return self.head(super().forward(x))


@pytest.mark.filterwarnings("ignore:.*torch.jit.script. is deprecated:DeprecationWarning")
def test_a_part_that_was_compiled_by_torch_jit_is_left_as_it_is():
    assert_same_rows(opened(Scripted()), opened(Pictures()))


class PooledInTime(nn.Module):
    """A non-local block whose keys are pooled over two frames, of which an odd clip leaves one out."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.stem = nn.Conv3d(3, WIDTH, (1, 8, 8), (1, 8, 8))
        self.theta, self.phi, self.g = (nn.Conv3d(WIDTH, 6, 1) for _ in range(3))
        self.out, self.pool = nn.Conv3d(6, WIDTH, 1), nn.MaxPool3d((2, 1, 1))

    def forward(self, clip):
        x = self.stem(clip)
        theta, phi, g = self.theta(x).flatten(2).mT, self.pool(self.phi(x)).flatten(2), self.pool(self.g(x)).flatten(2)
        y = (theta @ phi).softmax(-1) @ g.mT
        return x + self.out(y.mT.reshape(1, 6, *x.shape[2:]))


@pytest.mark.parametrize(("frames", "steps"), [(2, 1), (3, 1)])
def test_keys_pooled_over_an_odd_number_of_frames_lie_on_those_that_are_left(frames, steps):
    session = Session.from_model(PooledInTime().eval(), CLIP[:frames], status="untrained")
    (block,) = session.capture.blocks
    assert session.unreadable == ()
    assert (block.query_grid.steps, block.key_grid.steps, block.key_grid.end_frame) == (frames, steps, 2)
