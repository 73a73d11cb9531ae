"""Files that people train themselves, read by several modules: other classifiers, wrappers, averages, runners."""

import re
import sys
import types
from dataclasses import replace

import numpy as np
import pytest
import torch
from short_networks import short

from nonlocal_core.errors import WeightsError
from nonlocal_core.models.resnet import ResNet
from nonlocal_core.running import prepared
from nonlocal_core.weights import describe, identify
from nonlocal_core.weights.describe import describe_checkpoint, load_checkpoint
from nonlocal_core.weights.layouts import PYSLOWFAST

PARTS = (("reduce", "a"), ("spatial", "b"), ("expand", "c"))
WORDS = (
    (r"stem\.norm", "s1.pathway0_stem.bn"),
    (r"stem", "s1.pathway0_stem"),
    (r"res(\d)\.(\d)\.nonlocal_block\.norm", r"s\1.pathway0_nonlocal\2.bn"),
    (r"res(\d)\.(\d)\.nonlocal_block", r"s\1.pathway0_nonlocal\2.conv"),
    (r"res(\d)\.(\d)\.shortcut\.conv", r"s\1.pathway0_res\2.branch1"),
    (r"res(\d)\.(\d)\.shortcut\.norm", r"s\1.pathway0_res\2.branch1_bn"),
    *((rf"res(\d)\.(\d)\.{o}\.conv", rf"s\1.pathway0_res\2.branch2.{t}") for o, t in PARTS),
    *((rf"res(\d)\.(\d)\.{o}\.norm", rf"s\1.pathway0_res\2.branch2.{t}_bn") for o, t in PARTS),
    (r"head", "head.projection"),
)


def theirs(ours):
    """PySlowFast's name of one of our tensors."""
    for pattern, name in WORDS:
        if re.match(pattern + r"\.", ours):
            return (
                re.sub(pattern, name, ours, count=1)
                .replace(".conv.theta", ".conv_theta")
                .replace(".conv.phi", ".conv_phi")
                .replace(".conv.g", ".conv_g")
                .replace(".conv.out", ".conv_out")
            )
    raise AssertionError(ours)


KNOWN = replace(short("pyslowfast-i3d-r50-nl5-8x8"), layout=PYSLOWFAST)


def random_state(seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        state = ResNet(KNOWN.config).state_dict()
        return {theirs(name): torch.rand_like(value) for name, value in state.items() if value.is_floating_point()}


STATE = random_state(3)
TRUNK = {name: tensor for name, tensor in STATE.items() if not name.startswith("head.")}
ANSWERS = {"head.projection.weight": torch.ones(174, 2048), "head.projection.bias": torch.zeros(174)}


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setattr(identify, "published_networks", lambda: (KNOWN,))
    monkeypatch.setattr(describe, "find_published", {KNOWN.arch: KNOWN}.__getitem__)


def assert_trunk(network, state=STATE):
    found = network.state_dict()
    for ours, tensor in found.items():
        if tensor.is_floating_point() and not ours.startswith("head."):
            assert torch.equal(tensor, state[theirs(ours)].reshape(tensor.shape)), ours


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (ANSWERS, "The classifier is left out: the file has 174 answers, this network 400 answers."),
        ({}, "The classifier is left out: the file has none, this network 400 answers."),
        ({"head.mlp.0.weight": torch.ones(7, 5)}, "left out: the file has layers of another kind, this network 400"),
    ],
)
def test_another_classifier_is_left_out_and_said(written, head, said):
    path = written({"model_state": TRUNK | head})
    for arch in (None, KNOWN.arch):
        made = load_checkpoint(path, arch)
        assert_trunk(made.network)
        assert made.network.head is None
        assert said in made.said
        report = describe_checkpoint(path, arch)
        assert "but for its classifier" in report.sentence
        assert said in report.sentence


def test_the_card_says_what_was_left_out_and_the_network_answers_nothing(written):
    made = prepared.prepare_checkpoint(written(TRUNK | ANSWERS), KNOWN.arch, "cpu")
    assert "The classifier is left out: the file has 174 answers" in made.card.description
    assert made.network.classes == ()
    assert made.network(torch.rand(1, 3, 4, 32, 48)).shape[-1] == 0


def test_its_own_classifier_is_kept_and_a_missing_trunk_is_no_classifier(written):
    made = load_checkpoint(written({"model_state": STATE}))
    assert made.said == ""
    assert made.network.head.weight.shape == (400, 2048)
    less = {name: tensor for name, tensor in (TRUNK | ANSWERS).items() if "nonlocal0.conv_phi" not in name}
    with pytest.raises(WeightsError, match=r"left empty: .*phi.*Session\.from_model"):
        load_checkpoint(written(less))


@pytest.mark.parametrize(
    "before", ["module.", "model.", "_orig_mod.", "backbone.", "module.model._orig_mod.", "model.backbone."]
)
def test_wrappers_before_the_names_are_taken_off(written, before):
    path = written({"state_dict": {before + name: tensor for name, tensor in STATE.items()}})
    assert_trunk(load_checkpoint(path).network)


def test_a_network_of_ours_may_be_wrapped_and_keep_a_loss(written):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        state = ResNet(KNOWN.config).state_dict()
    kept = {f"network.{name}": tensor for name, tensor in state.items()} | {"criterion.weight": torch.ones(400)}
    made = load_checkpoint(written({"state_dict": kept}))
    assert all(torch.equal(tensor, state[name]) for name, tensor in made.network.state_dict().items())


def test_a_classifier_may_stand_outside_of_the_wrapper_and_nothing_else_may(written):
    state = {f"backbone.{name}": tensor for name, tensor in TRUNK.items()}
    made = load_checkpoint(written(state | {"fc.weight": torch.ones(9, 2048), "fc.bias": torch.ones(9)}))
    assert_trunk(made.network)
    assert "layers of another kind" in made.said
    with pytest.raises(WeightsError, match="no source that is known here"):
        load_checkpoint(written(state | {"other.weight": torch.ones(9)}))


def test_a_part_that_was_compiled_alone(written):
    state = {re.sub(r"^(s3\.pathway0_res0)", r"\1._orig_mod", name): tensor for name, tensor in STATE.items()}
    assert_trunk(load_checkpoint(written(state)).network)


def averaged(state):
    return {f"module.{name}": tensor * 3 for name, tensor in state.items()} | {"n_averaged": torch.tensor(9)}


def test_a_running_average_beside_the_weights_is_a_choice(written):
    path = written({"model": STATE, "model_ema": averaged(STATE), "epoch": 3})
    plain = load_checkpoint(path)
    assert_trunk(plain.network)
    assert plain.said == "The weights are those of 'model'; the file also holds 'model_ema'."
    made = load_checkpoint(path, weights="ema")
    assert_trunk(made.network, {name: tensor * 3 for name, tensor in STATE.items()})
    assert made.said == "The weights are those of 'model_ema', the running average; the file also holds 'model'."


class HistoryBuffer:
    """Stands for mmengine's: arrays, and its statistics by name, which are methods."""

    def __init__(self):
        self.max_length, self._log_history = 1000, np.arange(5.0)
        self.statistics_methods = {"min": HistoryBuffer.min}

    def min(self):
        return self._log_history.min()


@pytest.fixture
def runner_file(monkeypatch):
    """What mmengine's runner saves: the average under the usual key, and objects of its own beside."""
    module = types.ModuleType("mmengine.logging.history_buffer")
    module.HistoryBuffer = HistoryBuffer
    monkeypatch.setitem(sys.modules, "mmengine", types.ModuleType("mmengine"))
    monkeypatch.setitem(sys.modules, "mmengine.logging", types.ModuleType("mmengine.logging"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(HistoryBuffer, "__module__", module.__name__)
    return {
        "meta": {"epoch": 3, "mmengine_version": "0.10.7", "classes": ("a", "b"), "lr": np.float64(0.1)},
        "state_dict": STATE,
        "ema_state_dict": averaged(STATE) | {"steps": torch.tensor(4)},
        "message_hub": {"log_scalars": {"train/loss": HistoryBuffer()}, "runtime_info": {"iter": 7}},
    }


def test_files_of_a_runner_open_without_its_program(written, runner_file):
    path = written(runner_file)
    assert "__builtin__" in path.read_bytes().decode("latin-1")  # the method is named by getattr
    del sys.modules["mmengine.logging.history_buffer"]
    made = load_checkpoint(path)
    assert_trunk(made.network)
    assert (
        made.said == "The weights are those of 'state_dict', the running average; the file also holds 'ema_state_dict'."
    )
    assert load_checkpoint(path, weights="ema").said == made.said
    trained = load_checkpoint(path, weights="ema_state_dict")
    assert_trunk(trained.network, {name: tensor * 3 for name, tensor in STATE.items()})
    assert "running average" not in trained.said


def test_an_unknown_file_is_pointed_to_python(written):
    with pytest.raises(WeightsError, match=r"no source that is known here\. .* Session\.from_model"):
        describe_checkpoint(written({"vit.encoder.weight": torch.ones(3)}))
