"""A checkpoint that somebody brought: what the server cannot take is a sentence."""

import tempfile

import pytest

from nonlocal_core import WeightsError
from nonlocal_core.app.server import known_networks


def test_no_room_for_a_checkpoint_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(WeightsError, match=r"The server has no room for mine\.pth \(No such file or directory\)\. Try"):
        known_networks.open_file(b"any", "mine.pth", None)
