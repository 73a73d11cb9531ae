"""What training programs keep beside the weights is passed over, and never built."""

import argparse
import datetime
import pathlib
import pickle
from collections import Counter, defaultdict

import numpy as np
import pytest
import torch
from checkpoint_bytes import Runs, torch_bytes

from nonlocal_core.errors import WeightsError
from nonlocal_core.weights.checkpoint import read_checkpoint


def test_what_training_programs_keep_beside_the_weights(written):
    beside = {
        "args": argparse.Namespace(lr=0.1, out=pathlib.PurePosixPath("a/b"), nested=argparse.Namespace(on=True)),
        "best": defaultdict(list, {"top1": [np.float32(0.3)]}),
        "device": torch.device("cpu"),
        "dtype": torch.bfloat16,
        "seen": {1, 2},
        "size": torch.Size([3, 7]),
        "started": datetime.datetime(2026, 12, 1, tzinfo=datetime.UTC),
        "count": Counter("aab"),
        "steps": range(3),
    }
    for legacy in (False, True):
        raw = read_checkpoint(written({"model": {"w": torch.arange(6.0).reshape(2, 3)}} | beside, legacy=legacy))
        assert torch.equal(raw.tensors["w"], torch.arange(6.0).reshape(2, 3))
    raw = read_checkpoint(written(pickle.dumps({"blobs": {"w": np.ones(3)}, **beside}, 4)))
    assert raw.tensors["w"].tolist() == [1, 1, 1]
    with pytest.raises(WeightsError, match=r"where a tensor belongs, 'args' holds argparse\.Namespace"):
        read_checkpoint(written({"w": torch.ones(3), "args": beside["args"]}))


def test_records_are_never_built_and_other_names_stay_refused(written, monkeypatch):
    def fail(*_args, **_kwargs):
        raise AssertionError("it was built")

    content = torch_bytes({"model": {"w": torch.ones(3)}, "args": argparse.Namespace(lr=0.1)})
    monkeypatch.setattr(argparse.Namespace, "__init__", fail)
    monkeypatch.setattr(argparse.Namespace, "__setattr__", fail)
    monkeypatch.setattr(torch, "load", fail)
    assert read_checkpoint(written(content)).tensors["w"].sum() == 3
    monkeypatch.undo()
    with pytest.raises(WeightsError, match=r"asks for '(__builtin__|builtins)\.getattr'"):
        read_checkpoint(written({"model": {"w": torch.ones(3)}, "x": Runs(getattr, "", "join")}))
    for name in (b"cargparse\nArgumentParser\n", b"cargparse.Namespace\n__init__.__globals__\n"):
        program = b"\x80\x02}(X\x01\x00\x00\x00w" + name + b"u."
        with pytest.raises(WeightsError, match="which no weights file needs"):
            read_checkpoint(written(program))
