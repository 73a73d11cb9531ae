"""``verify`` says of a file what the library says of the same set of weights and the same network."""

from types import SimpleNamespace

import torch
from checkpoint_bytes import torch_bytes

from nonlocal_core.cli import OK, REFUSED, main, verify


def test_the_file_the_network_and_the_set_that_are_named(monkeypatch, capsys, tmp_path):
    asked = []

    def describe(path, arch, *, weights):
        asked.append((path, arch, weights))
        return SimpleNamespace(sentence="It is a file.")

    monkeypatch.setattr(verify, "describe_checkpoint", describe)
    assert main(["verify", str(tmp_path / "a.pth")]) == OK
    assert main(["verify", str(tmp_path / "a.pth"), "--arch", "net", "--set", "ema"]) == OK
    assert asked == [(tmp_path / "a.pth", None, None), (tmp_path / "a.pth", "net", "ema")]
    assert capsys.readouterr().out == 2 * "It is a file.\n"


def test_a_file_that_fills_nothing_is_refused(tmp_path, capsys):
    (tmp_path / "a.pth").write_bytes(torch_bytes({"model": {"w": torch.ones(3)}, "ema": {"v": torch.ones(5)}}))
    assert main(["verify", str(tmp_path / "a.pth"), "--set", "ema"]) == REFUSED
    assert capsys.readouterr().err.startswith("nonlocal-viewer: a.pth holds 1 tensor, 5 values. The names ")
