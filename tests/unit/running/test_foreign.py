"""Networks of other people through the facade: found, run as they are, left as they were, and honest about the rest."""

import subprocess
import sys
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from foreign_attention import SeparateLayer
from torch import nn

from nonlocal_core import CaptureError, DeviceMemoryError, InputSpec, ModelSpec, NonlocalBlock, Session
from nonlocal_core.bundle import decode_bundle
from nonlocal_core.capture import rebuild
from nonlocal_core.capture.gate import REBUILD_TOLERANCE
from nonlocal_core.running.foreign import ForeignNetwork, SpecFields, takes_of
from nonlocal_core.running.own_input import input_spec_of

SMALL = InputSpec(short_side=48, multiple_of=16, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
CHANNELS, CLASSES = 12, 7


class Clips(nn.Module):
    """A network of clips with one block that does change its input."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.stem = nn.Conv3d(3, CHANNELS, (1, 8, 8), (1, 8, 8))
        self.attend = NonlocalBlock(CHANNELS)
        nn.init.normal_(self.attend.norm.weight)
        self.head = nn.Linear(CHANNELS, CLASSES)

    def forward(self, clip):
        return self.head(self.attend(self.stem(clip)).mean(dim=(2, 3, 4)))


class Frames(nn.Module):
    """A network of single frames with one attention layer over an 8 x 8 patch grid and a class token."""

    image_size, patch_size = 32, 8

    def __init__(self):
        super().__init__()
        torch.manual_seed(4)
        self.patches = nn.Conv2d(3, CHANNELS, 8, 8)
        self.class_token = nn.Parameter(torch.randn(1, 1, CHANNELS))
        self.attention = nn.MultiheadAttention(CHANNELS, 3, batch_first=True)

    def forward(self, frames):
        tokens = self.patches(frames).flatten(2).mT
        tokens = torch.cat([self.class_token.expand(len(tokens), -1, -1), tokens], dim=1)
        return self.attention(tokens, tokens, tokens)[0]


def test_a_network_of_clips_answers_as_it_does_alone():
    model = Clips().eval()
    seen = []
    handle = model.register_forward_hook(lambda _model, args, output: seen.append((args[0], output)))
    session = Session.from_model(
        model, "sample:bunny", spec=ModelSpec(input_spec=SMALL, classes=tuple("abcdefg")), frames=3
    )
    handle.remove()
    (clip, logits), *further = seen  # which prove where the cells lie
    assert len(further) == 4
    assert all(0 < int((nudged != clip).sum()) < clip.numel() / 10 for nudged, _ in further)
    assert clip.shape == (1, 3, 3, 48, 80)
    with torch.no_grad():
        np.testing.assert_array_equal(logits, model(clip))
    best = int(logits.argmax())
    assert session.capture.classes[0].name == "abcdefg"[best]
    assert session.capture.classes[0].score == pytest.approx(float(logits.softmax(-1)[0, best]))
    assert session.block().query_grid.shape == (3, 6, 10)
    assert session.block().rebuild_error < REBUILD_TOLERANCE
    assert session.unreadable == ()
    assert session.forecast_bytes is None


def test_the_network_is_left_as_it_was():
    model = Clips().eval()
    before = {name: (module.training, len(module._forward_hooks)) for name, module in model.named_modules()}
    for _ in range(2):  # a second time would refuse blocks that are still hooked
        Session.from_model(model, "sample:bunny", spec=ModelSpec(input_spec=SMALL), frames=2)
    assert {name: (m.training, len(m._forward_hooks)) for name, m in model.named_modules()} == before


def test_a_failing_run_leaves_no_hooks():
    model = Clips().eval()
    model.head = nn.Linear(CHANNELS + 1, CLASSES)
    with pytest.raises(CaptureError, match=r"Clips failed on an input of \(1, 3, 2, 48, 80\): .*shapes cannot be mult"):
        Session.from_model(model, "sample:bunny", spec=ModelSpec(input_spec=SMALL), frames=2)
    assert not any(module._forward_hooks for module in model.modules())


class FixedFrames(Clips):
    """Takes as many frames as its configuration says, frames before channels."""

    def __init__(self):
        super().__init__()
        self.config = SimpleNamespace(num_frames=5)

    def forward(self, clip):
        if clip.shape[1] != 5:
            raise ValueError("5 frames expected")
        return super().forward(clip.transpose(1, 2))


def test_a_network_that_says_how_many_frames_it_takes_is_given_as_many():
    session = Session.from_model(FixedFrames().eval(), "sample:bunny", spec=ModelSpec(input_spec=SMALL))
    assert len(session.frames.rgb) == 5
    said = r"FixedFrames failed on an input of \(1, 4, 3, 48, 80\): 5 frames expected\. It says that it takes 5 frames"
    with pytest.raises(CaptureError, match=said):
        Session.from_model(FixedFrames().eval(), "sample:bunny", spec=ModelSpec(input_spec=SMALL), frames=4)


def test_what_is_no_network_and_a_way_that_does_not_exist_are_refused():
    code = """
from torch import nn
from nonlocal_core import InputSpec, ModelSpec, NonlocalError, Session
for model, takes in ((len, None), (None, None), (nn.Conv2d(3, 4, 2).eval(), "video")):
    try:
        Session.from_model(model, "sample:coins", spec=ModelSpec(takes=takes))
    except NonlocalError as error:
        print(error)
seen = InputSpec(short_side=48, multiple_of=16, mean=(0.5,), std=(0.5,))
try:
    Session.from_model(nn.Conv2d(3, 4, 2).eval(), "sample:coins", spec=seen)
except NonlocalError as error:
    print(error)
"""  # in a process of its own, since the test run checks types before the library does
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == [
        "A network is a torch.nn.Module; got a builtin_function_or_method. Give the module inside it.",
        "A network is a torch.nn.Module; got a NoneType. Give the module inside it. A model.eval() of this class "
        "returns nothing: call it first, then give the model.",
        "There is no way to take a clip called 'video'. Choose one of: clip, frames_first, frames.",
        "Facts about a network come as a ModelSpec; got a InputSpec. Give an InputSpec by its name, input_spec=...",
    ]


def test_a_network_that_was_compiled_is_read_in_its_own_modules():
    model = Clips().eval()
    for wrapped in (torch.compile(model, backend="eager"), nn.DataParallel(model)):
        session = Session.from_model(wrapped, "sample:bunny", frames=4)
        assert session.capture.blocks[0].name == "attend"
        assert session.model.card.title == "Clips"
    with pytest.deprecated_call():
        scripted = torch.jit.trace(nn.Conv3d(3, 4, 1).eval(), torch.zeros(1, 3, 1, 4, 4))
    with pytest.raises(CaptureError, match="Give the network that it was made from"):
        Session.from_model(scripted, "sample:bunny", frames=4)


def test_a_network_with_a_part_that_was_compiled_runs_it_as_it_was_written():
    inside, whole = Frames().eval(), Frames().eval()
    inside.attention = torch.compile(inside.attention, backend="eager")
    whole.compile(backend="eager")
    for model, layer in ((inside, "attention._orig_mod"), (whole, "attention")):
        session = Session.from_model(model, "sample:bunny", frames=2)
        assert session.unreadable == ()
        assert {block.layer for block in session.capture.blocks} == {layer}


class Secretive(Clips):
    """A network with a part whose property raises where nobody should look."""

    def __init__(self):
        super().__init__()
        self.part = SecretivePart()


class SecretivePart(nn.Identity):
    @property
    def qkv(self):
        raise RuntimeError("call prepare() first")


def test_a_part_that_raises_where_it_is_looked_at_is_listed_beside_the_others():
    session = Session.from_model(Secretive().eval(), "sample:bunny", frames=4)
    assert session.capture.blocks
    assert ("part", "could not be looked at: call prepare() first") in session.unreadable


def test_memory_that_runs_out_is_no_fault_of_the_network():
    class Large(Clips):
        def forward(self, clip):
            raise MemoryError

    with pytest.raises(DeviceMemoryError, match=r"Choose fewer frames or a smaller short side\.$"):
        Session.from_model(Large().eval(), "sample:bunny", spec=ModelSpec(input_spec=SMALL), frames=2)


def test_a_network_of_frames_sees_the_frames_as_a_batch():
    session = Session.from_model(Frames().eval(), "sample:bunny", frames=3)
    assert session.view.input_hw == (32, 32)
    assert [block.name for block in session.capture.blocks] == [f"attention.head{head}" for head in range(3)]
    row = session.query(frame=1, x=0.5, y=0.5)
    assert row.heat.shape == (3, 4, 4)
    assert row.per_step_share[1] + row.off_grid["class token"] == pytest.approx(1)
    assert row.per_step_share[[0, 2]].max() == 0
    assert session.capture.classes == ()


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16, torch.float64], ids=str)
def test_a_network_runs_in_its_own_precision_and_is_proved(precision):
    session = Session.from_model(Frames().eval().to(precision), "sample:bunny", frames=2)
    assert session.unreadable == ()
    assert session.block().is_half == (precision != torch.float64)
    assert ("repeated in float32" in session.block().proof) == session.block().is_half
    exact = Session.from_model(Frames().eval(), "sample:bunny", frames=2)
    asked = {"frame": 1, "x": 0.4, "y": 0.6}
    np.testing.assert_allclose(session.query(**asked).values, exact.query(**asked).values, atol=0.02)


@pytest.mark.parametrize("stage", ["Running the network", "Checking where the cells lie"])
def test_what_progress_raises_ends_the_run(stage, monkeypatch):
    def tell(step, done, total):
        if step == stage or step.startswith("Checking every row"):
            raise ZeroDivisionError

    monkeypatch.setattr(rebuild, "PROGRESS_SECONDS", -1.0)
    with pytest.raises(ZeroDivisionError):
        Session.from_model(Clips().eval(), "sample:bunny", spec=ModelSpec(input_spec=SMALL), frames=2, progress=tell)


@pytest.mark.parametrize("flag", ["gate", "rope", "rel_pos", "temperature", "sr"])
@pytest.mark.parametrize("value", [False, 0, 1.0])
def test_a_flag_or_a_plain_number_is_no_reason_to_refuse_a_layer(flag, value):
    model = Frames().eval()
    model.attention = SeparateLayer(old=False).eval()
    setattr(model.attention, flag, value)
    model.forward = lambda frames: model.attention(model.patches(frames).flatten(2).mT)
    model.class_token = None
    assert Session.from_model(model, "sample:bunny", frames=2).unreadable == ()


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("config", SimpleNamespace(id2label=["a", "b"])),
        ("config", SimpleNamespace(id2label={0: "a", "x": "b"})),
        ("pretrained_cfg", SimpleNamespace(mean=1)),
        ("patch_size", 0),
    ],
)
def test_odd_statements_of_a_network_are_no_raw_errors(attribute, value):
    model = Clips().eval()
    setattr(model, attribute, value)
    assert Session.from_model(model, "sample:bunny", spec=ModelSpec(input_spec=SMALL), frames=2).capture.blocks


@pytest.mark.parametrize("grid", [(0, 4, 4), (2, -4, 4)])
def test_a_token_grid_is_three_whole_numbers(grid):
    with pytest.raises(CaptureError, match=r"token_grid is \(T, H, W\)"):
        Session.from_model(Frames().eval(), "sample:bunny", frames=2, spec=ModelSpec(token_grid=grid))


def test_a_clip_shorter_than_the_default_is_told_only_to_who_asked():
    clip = np.zeros((3, 48, 80, 3), np.uint8) + np.arange(3, dtype=np.uint8)[:, None, None, None]
    model = Clips().eval()
    quiet = Session.from_model(model, clip, spec=ModelSpec(input_spec=SMALL))
    assert not any("were asked for" in warning for warning in quiet.frames.warnings)
    asked = Session.from_model(model, clip, spec=ModelSpec(input_spec=SMALL), frames=5)
    assert any("5 frames were asked for, 3 can be given" in warning for warning in asked.frames.warnings)


class WithoutAnAnswer(Clips):
    def forward(self, clip):
        return super().forward(clip) * torch.nan


def test_an_answer_that_is_not_finite_is_left_out_and_said(tmp_path):
    session = Session.from_model(WithoutAnAnswer().eval(), "sample:bunny", spec=ModelSpec(input_spec=SMALL), frames=2)
    assert session.capture.classes == ()
    assert session.not_shown == ["Not shown: the network's answer is not finite. Look for NaN in its weights."]
    assert decode_bundle(session.bundle()).classes == ()
    assert "is not finite" in session._repr_html_()
    session.save(tmp_path / "a.html", frame=0, x=0.5, y=0.5)


def test_a_block_whose_own_weights_are_not_finite_is_no_map():
    model = Clips().eval()
    nn.init.constant_(model.attend.theta.weight, torch.nan)
    with pytest.raises(CaptureError, match=r"attend computed values that are not finite \(output, theta\)"):
        Session.from_model(model, "sample:bunny", spec=ModelSpec(input_spec=SMALL), frames=2)


class SelfAttentionOfAnotherKind(nn.Module):
    """Looks like attention by its name and its parts, and computes something else."""

    def __init__(self):
        super().__init__()
        self.query, self.key = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        return x


def test_what_cannot_be_shown_is_said_with_the_viewer():
    model = Clips()
    model.strange = SelfAttentionOfAnotherKind()
    model.stem.register_forward_hook(lambda _stem, _args, made: model.strange(made))
    session = Session.from_model(model.eval(), "sample:coins", spec=ModelSpec(input_spec=SMALL))
    assert [name for name, _reason in session.unreadable] == ["strange"]
    caption = decode_bundle(session.bundle()).media.caption
    assert "Not shown: strange is a SelfAttentionOfAnotherKind" in caption
    assert session.sample.caption in caption


def test_a_network_without_attention_is_refused_with_the_reasons():
    with pytest.raises(CaptureError, match=r"Sequential ran no non-local block.*None was found"):
        Session.from_model(nn.Sequential(nn.Conv2d(3, 4, 3)).eval(), "sample:coins")


def test_a_network_in_training_mode_is_refused():
    with pytest.raises(CaptureError, match=r"model\.eval\(\)"):
        Session.from_model(Clips().train(), "sample:coins")


def test_how_a_clip_is_taken_is_read_off_the_network():
    assert takes_of(Clips()) == "clip"
    assert takes_of(Frames()) == "frames"
    with pytest.raises(CaptureError, match=r"ModelSpec\(takes=\.\.\.\): 'clip' for"):
        takes_of(nn.Linear(3, 4))


def test_a_size_that_a_network_was_built_for_is_kept():
    assert input_spec_of(Frames()).view_of((90, 160)).input_hw == (32, 32)
    assert input_spec_of(Clips()).view_of((90, 160)).input_hw == (224, 384)


@pytest.mark.parametrize(
    ("takes", "shape"), [("clip", (1, 3, 5, 6, 8)), ("frames_first", (1, 5, 3, 6, 8)), ("frames", (5, 3, 6, 8))]
)
def test_each_way_of_taking_a_clip(takes, shape):
    class Seen(nn.Module):
        def forward(self, x):
            self.x = x
            return x

    model = Seen().eval()
    clip = torch.randn(1, 3, 5, 6, 8)
    ForeignNetwork(model, ModelSpec(takes=takes))(clip)
    assert model.x.shape == shape
    picked = model.x[2] if takes == "frames" else model.x[0, 2] if takes == "frames_first" else model.x[0, :, 2]
    torch.testing.assert_close(picked, clip[0, :, 2])


def test_a_network_that_wants_something_else_than_frames_is_called_as_its_user_says():
    class Wants(Clips):
        def forward(self, paths, *, scale):
            return {"logits": super().forward(paths["fast"][0] * scale)}

    spec = ModelSpec(status="untrained", input_spec=SMALL, call=lambda model, clip: model({"fast": [clip]}, scale=2.0))
    network = Wants().eval()
    session = Session.from_model(network, "sample:bunny", spec=spec, frames=2)
    assert session.unreadable == ()
    assert len(session.capture.classes) == 5
    with pytest.raises(CaptureError, match=r"call=lambda model, frames"):
        Session.from_model(network, "sample:bunny", spec=ModelSpec(input_spec=SMALL), frames=2)


class TwoPaths(nn.Module):
    """Two paths as SlowFast has them: every second frame with many channels, all of them with few."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.slow, self.fast = (nn.Conv3d(3, width, (1, 8, 8), (1, 8, 8)) for width in (12, 6))
        self.slow_block, self.fast_block = NonlocalBlock(12), NonlocalBlock(6)
        for block in (self.slow_block, self.fast_block):
            nn.init.normal_(block.norm.weight)

    def forward(self, paths, *, gain=1.0):
        slow, fast = paths
        return self.slow_block(self.slow(slow * gain)), self.fast_block(self.fast(fast))


@pytest.mark.parametrize(
    "inputs",
    [
        lambda clip: [clip[:, :, ::2], clip],
        lambda clip: ([clip[:, :, ::2], clip],),
        lambda clip: {"paths": [clip[:, :, ::2], clip], "gain": 1.0},
    ],
)
def test_both_paths_of_a_network_are_read_on_their_own_frames(inputs):
    network = TwoPaths().eval()
    session = Session.from_model(network, "sample:bunny", spec=ModelSpec(input_spec=SMALL, inputs=inputs), frames=4)
    assert session.unreadable == ()
    assert {block.name: block.query_grid.shape for block in session.capture.blocks} == {
        "slow_block": (2, 6, 10),
        "fast_block": (4, 6, 10),
    }
    assert session.capture.block("slow_block").query_grid.frame_spans == ((0, 2), (2, 4))
    with pytest.raises(CaptureError, match=r"inputs=lambda frames"):
        Session.from_model(network, "sample:bunny", spec=ModelSpec(input_spec=SMALL), frames=4)


def test_what_inputs_makes_goes_to_the_call_where_both_are_given():
    spec = ModelSpec(
        input_spec=SMALL, inputs=lambda clip: [clip[:, :, ::2], clip], call=lambda model, both: model(both, gain=0.5)
    )
    session = Session.from_model(TwoPaths().eval(), "sample:bunny", spec=spec, frames=4)
    assert len(session.capture.blocks) == 2


def test_colours_that_a_network_states_are_those_of_its_input():
    visual = nn.Conv2d(3, 4, 8)
    network = nn.ModuleDict({"visual": visual})
    assert input_spec_of(network).mean == (0.485, 0.456, 0.406)
    visual.image_mean, visual.image_std = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)
    spec = input_spec_of(network)
    assert (spec.mean, spec.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    visual.image_std = 3
    assert input_spec_of(network).std == (0.229, 0.224, 0.225)


def test_a_notebook_shows_the_viewer_in_a_frame_of_its_own():
    html = Session.from_model(Clips().eval(), "sample:coins", spec=ModelSpec(input_spec=SMALL))._repr_html_()
    assert html.startswith("<iframe ")
    assert 'sandbox="allow-scripts"' in html
    assert "<script" not in html  # escaped: the notebook itself runs nothing


def test_what_a_spec_states_may_be_given_by_name():
    assert SpecFields.__annotations__.keys() == {field.name for field in fields(ModelSpec)}
    network = nn.Sequential(nn.Conv3d(3, 8, (1, 8, 8), stride=(1, 8, 8)), NonlocalBlock(8)).eval()
    clip = np.random.default_rng(0).integers(0, 256, (2, 32, 48, 3), np.uint8)
    named = Session.from_model(network, clip, status="untrained", title="Ours")
    assert (named.model.card.title, named.model.card.status) == ("Ours", "untrained")
    both = Session.from_model(network, clip, spec=ModelSpec(status="untrained", title="A"), title="B")
    assert (both.model.card.title, both.model.card.status) == ("B", "untrained")


class Halved(nn.Module):
    """Cells of two frames each, of which a last odd frame is in none, and a layer that attends over all of them."""

    def __init__(self, *, padding=0, kernel=2):
        super().__init__()
        torch.manual_seed(3)
        self.stem = nn.Conv3d(3, CHANNELS, (kernel, 8, 8), (2, 8, 8), padding=(padding, 0, 0))
        self.attention = nn.MultiheadAttention(CHANNELS, 3, batch_first=True)

    def forward(self, clip):
        tokens = self.stem(clip).flatten(2).mT
        return self.attention(tokens, tokens, tokens)[0]


@pytest.mark.parametrize(("given", "fed"), [(1, 2), (2, 2), (3, 4), (5, 6)])
def test_no_frame_is_shown_that_the_network_drops(given, fed):
    clip = np.random.default_rng(1).integers(0, 256, (given, 48, 80, 3), np.uint8)
    session = Session.from_model(Halved().eval(), clip, spec=ModelSpec(input_spec=SMALL), frames=given)
    assert len(session.frames.rgb) == fed
    assert session.block().query_grid.frame_spans == tuple((start, start + 2) for start in range(0, fed, 2))
    said = [warning for warning in session.frames.warnings if "frames are repeated" in warning]
    assert len(said) == (fed > given)


@pytest.mark.parametrize(
    ("kernel", "padding", "count", "whole"),
    [
        (2, 0, 4, 4),
        (2, 0, 5, 6),
        (3, 1, 4, 4),
        (3, 1, 5, 5),
        (3, 0, 4, 5),
        (3, 0, 1, 3),
        (5, 2, 1, 1),
        (5, 2, 8, 8),
        (1, 0, 8, 8),
    ],
)
def test_frames_are_whole_if_the_first_convolution_drops_none(kernel, padding, count, whole):
    network = ForeignNetwork(Halved(kernel=kernel, padding=padding).eval(), ModelSpec(input_spec=SMALL))
    assert network.whole_frames(count) == whole


class Unhashable:
    """A way to call a network that equals others and so has no hash."""

    def __call__(self, model, frames):
        return model(frames)

    def __eq__(self, other):
        return isinstance(other, Unhashable)


def test_a_call_without_a_hash_is_proved_once():
    model, runs = Clips().eval(), []
    spec = ModelSpec(input_spec=SMALL, call=Unhashable(), takes="clip")
    model.register_forward_hook(lambda *call: runs.append(len(call)))
    for expected in (5, 1):
        runs.clear()
        assert Session.from_model(model, "sample:bunny", spec=spec, frames=3).unreadable == ()
        assert len(runs) == expected
