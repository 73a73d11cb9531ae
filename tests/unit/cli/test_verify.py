"""``verify`` says which network a file fills, and with which of its sets of weights."""

import pytest
from checkpoint_bytes import torch_bytes
from short_networks import NETWORK, SHORT, STATE

from nonlocal_core.cli import OK, REFUSED, main
from nonlocal_core.weights import describe


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(describe, "find_published", SHORT.__getitem__)
    path = tmp_path / "mine.pth"
    path.write_bytes(torch_bytes({"model": {"w": STATE["head.bias"]}, "ema": STATE}))
    return path


def test_the_set_that_is_named_fills_the_network(file, capsys):
    assert main(["verify", str(file), "--arch", NETWORK.arch, "--set", "ema"]) == OK
    printed = capsys.readouterr().out
    assert printed.startswith(f"mine.pth is a torch.save file of {len(STATE)} tensors, ")
    assert f"It fills {NETWORK.config.title} ({NETWORK.arch}) completely." in printed
    assert printed.endswith("The weights are those of 'ema', the running average; the file also holds model.\n")


def test_a_set_that_fills_nothing_is_refused(file, capsys):
    assert main(["verify", str(file), "--arch", NETWORK.arch]) == REFUSED
    assert "left unused: w; parameters left empty: " in capsys.readouterr().err
