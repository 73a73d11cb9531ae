"""The shell, whatever the verb: every refusal is one sentence and a status, and nothing half-written stays."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from small_clip import SMALL

import nonlocal_core
from nonlocal_core import RenderError
from nonlocal_core.bundle import open_tour
from nonlocal_core.cli import INTERRUPTED, REFUSED, main, samples
from nonlocal_core.errors import BundleError
from nonlocal_core.render import replacing


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["query", "no-such-file.mp4"], "no-such-file.mp4"),
        (["query", "sample:bunny", "--model", "resnet"], "There is no model called 'resnet'"),
        (["query", "sample:bunny", *SMALL, "--frame", "9"], "Frame 9"),
        (["query", "sample:bunny", *SMALL, "--x", "1.5"], "x=1.5"),
        (["query", "sample:bunny", *SMALL, "--temperature", "99"], "A temperature is from 0.1 to 10.0; got 99.0"),
        (["query", "sample:bunny", *SMALL, "--temperature", "2", "--direction", "column"], "Only where a point looks"),
        (["query", "sample:bunny", *SMALL, "--block", "res4"], "There is no block called 'res4'"),
        (["render", "sample:coins", "--out", "heat.bmp"], "There is no file format called '.bmp'"),
        (["render", "sample:coins", "--out", "nowhere/heat.png"], "does not exist"),
        (["render", "sample:coins", *SMALL, "--out", "."], "There is no file format called ''"),
        (["query", "sample:coins", *SMALL, "--mask-out", "."], "is a folder. Give the name of a file in it"),
        (["fetch", "nothing"], "nothing"),
        (["verify", "no-such-file.pth"], "no-such-file.pth"),
    ],
)
def test_a_refusal_is_one_sentence_and_a_status(capsys, tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == REFUSED
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert printed.err.startswith("nonlocal-viewer: ")
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_is_a_sentence(capsys):
    command = f"{sys.executable} -m nonlocal_core models > /dev/full"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.returncode == REFUSED
    assert done.stderr.startswith("nonlocal-viewer: The system refused to read or write: No space left on device")
    assert done.stderr.count("\n") == 1


def test_a_file_that_the_disk_does_not_take_is_a_sentence_and_leaves_nothing(session, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(RenderError, match=r"heat\.npz cannot be written: No space left on device"):
        session.save(tmp_path / "heat.npz", frame=0, x=0.5, y=0.5)
    assert list(tmp_path.iterdir()) == []


def test_a_verb_that_is_ended_leaves_nothing_half_written(tmp_path, monkeypatch):
    def run(_options):
        with replacing(tmp_path / "a.txt") as part:
            part.write_text("half")
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(samples, "run", run)
    monkeypatch.setattr(sys, "argv", ["nonlocal-viewer", "samples"])
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert main() == INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)
    assert list(tmp_path.iterdir()) == []


def test_a_tour_with_a_number_without_end_is_a_sentence(tmp_path):
    tour = tmp_path / "tour.json"
    tour.write_text(f'[{{"frame": {"9" * 5000}, "x": 0.5, "y": 0.5, "caption": ""}}]')
    with pytest.raises(BundleError, match="A tour is a list in JSON"):
        open_tour(tour, frame_count=8, blocks=["stride8"])


def test_a_tour_without_end_is_a_sentence():
    with pytest.raises(BundleError, match="has up to 1,000,000 bytes"):
        open_tour(Path("/dev/zero"), frame_count=8, blocks=["stride8"])


def test_addresses_that_do_not_suffice_are_a_sentence():
    command = f"ulimit -v 600000; {sys.executable} -m nonlocal_core query sample:coins --frame 0 --x 0.5 --y 0.5"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (REFUSED, 1)
    assert "needs 1,000 MB to load torch. Raise the limit." in done.stderr


def test_a_memory_that_torch_finds_too_small_is_a_sentence(capsys, monkeypatch):
    def run(_options):
        torch.empty(2**55, dtype=torch.uint8)

    monkeypatch.setattr(samples, "run", run)
    assert main(["samples"]) == REFUSED
    assert capsys.readouterr().err.startswith("nonlocal-viewer: The memory does not suffice.")


def test_a_folder_that_is_gone_is_a_sentence(tmp_path):
    command = f"mkdir gone; cd gone; rmdir ../gone; {sys.executable} -m nonlocal_core samples"
    environment = os.environ | {"PYTHONPATH": str(Path(nonlocal_core.__file__).parents[1])}
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert (done.returncode, done.stderr.count("\n")) == (REFUSED, 1)
    assert "The system refused to read or write: No such file or directory" in done.stderr


def test_a_reader_that_had_enough_is_no_error():
    command = f"{sys.executable} -m nonlocal_core models --json | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.stdout == "[\n"
    assert done.stderr == ""


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as done:
        main(["--version"])
    assert done.value.code == 0
    assert capsys.readouterr().out == f"nonlocal-viewer {nonlocal_core.__version__}\n"
