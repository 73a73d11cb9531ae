"""Files that people train themselves: other classifiers, wrappers, averages, what programs keep beside, and damage."""

import argparse
import io
import pathlib
import pickle
import re
import struct
import sys
import types
import zipfile
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
import torch
from checkpoint_bytes import Runs, torch_bytes

from nonlocal_core.errors import WeightsError
from nonlocal_core.models.resnet import ResNet
from nonlocal_core.running import prepared
from nonlocal_core.weights import describe, identify
from nonlocal_core.weights.checkpoint import read_checkpoint
from nonlocal_core.weights.describe import describe_checkpoint, load_checkpoint
from nonlocal_core.weights.layouts import MMACTION2, PYSLOWFAST
from nonlocal_core.weights.published import find_published
from nonlocal_core.weights.wrappers import unwrapped

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


def short(arch):
    full = find_published(arch)
    stages = tuple(
        replace(stage, temporal_kernels=stage.temporal_kernels[:1], nonlocal_after=(0,) if index == 1 else ())
        for index, stage in enumerate(full.config.stages)
    )
    return replace(full, config=replace(full.config, stages=stages))


KNOWN = short("pyslowfast-i3d-r50-nl5-8x8")


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


@pytest.fixture
def file(tmp_path):
    def write(content, **kind):
        path = tmp_path / "mine.pth"
        path.write_bytes(content if isinstance(content, bytes) else torch_bytes(content, **kind))
        return path

    return write


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
def test_another_classifier_is_left_out_and_said(file, head, said):
    path = file({"model_state": TRUNK | head})
    for arch in (None, KNOWN.arch):
        made = load_checkpoint(path, arch)
        assert_trunk(made.network)
        assert made.network.head is None
        assert said in made.said
        report = describe_checkpoint(path, arch)
        assert "but for its classifier" in report.sentence
        assert said in report.sentence


def test_the_card_says_what_was_left_out_and_the_network_answers_nothing(file):
    made = prepared.prepare_checkpoint(file(TRUNK | ANSWERS), KNOWN.arch, "cpu")
    assert "The classifier is left out: the file has 174 answers" in made.card.description
    assert made.network.classes == ()
    assert made.network(torch.rand(1, 3, 4, 32, 48)).shape[-1] == 0


def test_its_own_classifier_is_kept_and_a_missing_trunk_is_no_classifier(file):
    made = load_checkpoint(file({"model_state": STATE}))
    assert made.said == ""
    assert made.network.head.weight.shape == (400, 2048)
    less = {name: tensor for name, tensor in (TRUNK | ANSWERS).items() if "nonlocal0.conv_phi" not in name}
    with pytest.raises(WeightsError, match=r"left empty: .*phi.*Session\.from_model"):
        load_checkpoint(file(less))


@pytest.mark.parametrize(
    "before", ["module.", "model.", "_orig_mod.", "backbone.", "module.model._orig_mod.", "model.backbone."]
)
def test_wrappers_before_the_names_are_taken_off(file, before):
    path = file({"state_dict": {before + name: tensor for name, tensor in STATE.items()}})
    assert_trunk(load_checkpoint(path).network)


def test_a_classifier_may_stand_outside_of_the_wrapper_and_nothing_else_may(file):
    state = {f"backbone.{name}": tensor for name, tensor in TRUNK.items()}
    made = load_checkpoint(file(state | {"fc.weight": torch.ones(9, 2048), "fc.bias": torch.ones(9)}))
    assert_trunk(made.network)
    assert "layers of another kind" in made.said
    with pytest.raises(WeightsError, match="no source that is known here"):
        load_checkpoint(file(state | {"other.weight": torch.ones(9)}))


def test_a_part_that_was_compiled_alone(file):
    state = {re.sub(r"^(s3\.pathway0_res0)", r"\1._orig_mod", name): tensor for name, tensor in STATE.items()}
    assert_trunk(load_checkpoint(file(state)).network)


def test_a_prefix_that_a_source_itself_writes_is_kept():
    names = {name: torch.ones(1) for name in ("backbone.conv1.conv.weight", "backbone.layer1.0.conv1.conv.weight")}
    known = lambda name: MMACTION2.our_name(name) is not None  # noqa: E731
    assert unwrapped(names, known, stands_beside=MMACTION2.classifies).keys() == names.keys()
    more = {f"module.{name}": value for name, value in names.items()}
    assert unwrapped(more, known, stands_beside=MMACTION2.classifies).keys() == names.keys()
    assert PYSLOWFAST.classifies("head.projection.weight")
    assert not PYSLOWFAST.classifies("s5.pathway0_res0.branch1.weight")


def averaged(state):
    return {f"module.{name}": tensor * 3 for name, tensor in state.items()} | {"n_averaged": torch.tensor(9)}


def test_a_running_average_beside_the_weights_is_a_choice(file):
    path = file({"model": STATE, "model_ema": averaged(STATE), "epoch": 3})
    plain = load_checkpoint(path)
    assert_trunk(plain.network)
    assert plain.said == "The weights are those of 'model'; the file also holds model_ema."
    made = load_checkpoint(path, weights="ema")
    assert_trunk(made.network, {name: tensor * 3 for name, tensor in STATE.items()})
    assert made.said == "The weights are those of 'model_ema', the running average; the file also holds model."


@pytest.mark.parametrize(("own", "average"), [("state_dict", "state_dict_ema"), ("model_state", "ema")])
def test_an_average_is_found_under_its_usual_names(file, own, average):
    path = file({own: {"w": torch.ones(3)}, average: {"w": torch.zeros(3)}})
    chosen = {
        choice: read_checkpoint(path, weights=choice).tensors["w"].sum() for choice in (None, own, average, "ema")
    }
    assert chosen == {None: 3, own: 3, average: 0, "ema": 0}
    with pytest.raises(WeightsError, match=rf"it holds {own}, {average}, and not 'swa'"):
        read_checkpoint(path, weights="swa")
    with pytest.raises(WeightsError, match="no set of weights under a name of its own, and not 'ema'"):
        read_checkpoint(file({"w": torch.ones(3)}), weights="ema")


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


def test_files_of_a_runner_open_without_its_program(file, runner_file):
    path = file(runner_file)
    assert "__builtin__" in path.read_bytes().decode("latin-1")  # the method is named by getattr
    del sys.modules["mmengine.logging.history_buffer"]
    made = load_checkpoint(path)
    assert_trunk(made.network)
    assert (
        made.said == "The weights are those of 'state_dict', the running average; the file also holds ema_state_dict."
    )
    assert load_checkpoint(path, weights="ema").said == made.said
    trained = load_checkpoint(path, weights="ema_state_dict")
    assert_trunk(trained.network, {name: tensor * 3 for name, tensor in STATE.items()})
    assert "running average" not in trained.said


def test_what_training_programs_keep_beside_the_weights(file):
    beside = {
        "args": argparse.Namespace(lr=0.1, out=pathlib.PurePosixPath("a/b"), nested=argparse.Namespace(on=True)),
        "best": defaultdict(list, {"top1": [np.float32(0.3)]}),
        "device": torch.device("cpu"),
        "dtype": torch.bfloat16,
        "seen": {1, 2},
        "size": torch.Size([3, 7]),
    }
    for legacy in (False, True):
        raw = read_checkpoint(file({"model": {"w": torch.arange(6.0).reshape(2, 3)}} | beside, legacy=legacy))
        assert torch.equal(raw.tensors["w"], torch.arange(6.0).reshape(2, 3))
    raw = read_checkpoint(file(pickle.dumps({"blobs": {"w": np.ones(3)}, **beside}, 4)))
    assert raw.tensors["w"].tolist() == [1, 1, 1]
    with pytest.raises(WeightsError, match=r"where a tensor belongs, 'args' holds argparse\.Namespace"):
        read_checkpoint(file({"w": torch.ones(3), "args": beside["args"]}))


def test_records_are_never_built_and_other_names_stay_refused(file, monkeypatch):
    def fail(*_args, **_kwargs):
        raise AssertionError("it was built")

    content = torch_bytes({"model": {"w": torch.ones(3)}, "args": argparse.Namespace(lr=0.1)})
    monkeypatch.setattr(argparse.Namespace, "__init__", fail)
    monkeypatch.setattr(argparse.Namespace, "__setattr__", fail)
    monkeypatch.setattr(torch, "load", fail)
    assert read_checkpoint(file(content)).tensors["w"].sum() == 3
    monkeypatch.undo()
    with pytest.raises(WeightsError, match=r"asks for '(__builtin__|builtins)\.getattr'"):
        read_checkpoint(file({"model": {"w": torch.ones(3)}, "x": Runs(getattr, "", "join")}))
    for name in (b"cargparse\nArgumentParser\n", b"cargparse.Namespace\n__init__.__globals__\n"):
        program = b"\x80\x02}(X\x01\x00\x00\x00w" + name + b"u."
        with pytest.raises(WeightsError, match="which no weights file needs"):
            read_checkpoint(file(program))


def test_every_flipped_bit_of_a_value_is_found(file):
    whole = torch_bytes({"model": {"w": torch.arange(40.0), "v": torch.ones(3)}, "optimizer": {"m": torch.rand(9)}})
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        spans = []
        for entry in archive.infolist():
            names, extra = struct.unpack("<HH", whole[entry.header_offset + 26 : entry.header_offset + 30])
            start = entry.header_offset + 30 + names + extra
            spans.append((start, start + entry.file_size, entry.filename))
    for start, stop, name in spans:
        for at in {start, (start + stop) // 2, stop - 1}:
            damaged = bytearray(whole)
            damaged[at] ^= 4
            with pytest.raises(WeightsError, match=rf"its entry '{re.escape(name)}' differs from its checksum"):
                read_checkpoint(file(bytes(damaged)))


def test_files_that_were_written_without_checksums_open(file):
    torch.serialization.set_crc32_options(False)
    try:
        content = torch_bytes({"w": torch.arange(5.0)})
    finally:
        torch.serialization.set_crc32_options(True)
    assert read_checkpoint(file(content)).tensors["w"].tolist() == [0, 1, 2, 3, 4]


def test_a_view_beyond_its_values_is_refused(file):
    whole = torch_bytes({"w": torch.arange(6.0).reshape(2, 3)})
    sizes = b"K\x02K\x03\x86"
    assert whole.count(sizes) == 1
    longer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(longer, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(sizes, b"K\x03K\x03\x86"))
    with pytest.raises(WeightsError, match=r"'w' of \[3, 3\] reaches beyond its 6 values"):
        read_checkpoint(file(longer.getvalue()))


def test_an_unknown_file_is_pointed_to_python(file):
    with pytest.raises(WeightsError, match=r"no source that is known here\. .* Session\.from_model"):
        describe_checkpoint(file({"vit.encoder.weight": torch.ones(3)}))
