"""The first picture outlives the server that made it, and is never another one than the program would make."""

import subprocess
import sys

import numpy as np
import pytest

from nonlocal_core import Session
from nonlocal_core.app.server import first_picture, prepare, resources
from nonlocal_core.app.server.budget import Budget
from nonlocal_core.app.server.first_picture import FirstPicture, keep_picture, kept_picture
from nonlocal_core.app.server.opened import ClipNotes, notes_on
from nonlocal_core.app.server.visit import Choices
from nonlocal_core.bundle import decode_bundle
from nonlocal_core.weights.cache import ENVIRONMENT

PICTURE = FirstPicture(
    notes=ClipNotes(name="clip", summary="a clip", key="abc 0,1", frame_count=2), bundle=b"heat\nand more"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of the pictures, and nothing remembered of an earlier one."""
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))
    kept_picture.cache_clear()
    yield tmp_path / "first-picture"
    kept_picture.cache_clear()


def test_a_picture_comes_back_as_it_was_kept(folder):
    assert kept_picture() is None
    keep_picture(PICTURE)
    kept_picture.cache_clear()
    assert kept_picture() == PICTURE


@pytest.mark.parametrize(
    "damage", ["cut", "changed", "emptied", "foreign", "a number", "nothing", "nested", "of other types"]
)
def test_a_damaged_file_is_no_picture(folder, damage):
    keep_picture(PICTURE)
    (file,) = folder.iterdir()
    content = file.read_bytes()
    file.write_bytes(
        {
            "cut": content[:-1],
            "changed": content[:-1] + b"?",
            "emptied": b"",
            "foreign": b'{"sha256": 5}\n' + PICTURE.bundle,
            "a number": b"3\n" + PICTURE.bundle,
            "nothing": b"null\n" + PICTURE.bundle,
            "nested": b"[" * 100_000 + b"\n" + PICTURE.bundle,
            "of other types": content.replace(b'"frame_count": 2', b'"frame_count": "2"'),
        }[damage]
    )
    kept_picture.cache_clear()
    assert kept_picture() is None


def test_another_program_makes_its_own_and_leaves_no_older_one(folder, monkeypatch):
    keep_picture(PICTURE)
    monkeypatch.setattr(first_picture, "version", lambda name: "another")
    first_picture._key.cache_clear()
    try:
        assert kept_picture() is None
        keep_picture(PICTURE)
        assert len(list(folder.iterdir())) == 1
    finally:
        first_picture._key.cache_clear()


def test_every_source_that_the_picture_follows_from_changes_its_name(tmp_path, monkeypatch):
    sources = [(tmp_path / folder.name, pattern) for folder, pattern in first_picture._SOURCES]
    monkeypatch.setattr(first_picture, "_SOURCES", sources)
    names = set()
    for package, file in (("nonlocal_core", "ops/lean.py"), ("pretrained", "catalog.json"), ("app", "server/visit.py")):
        for content in ("one", "two"):
            (tmp_path / package / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / package / file).write_text(content)
            first_picture._key.cache_clear()
            names.add(first_picture._key())
    first_picture._key.cache_clear()
    assert len(names) == 6


def test_two_runs_make_the_same_picture():
    first, second = (Session.open("sample:bunny", frames=2, short_side=64) for _ in range(2))
    assert notes_on(first.frames) == notes_on(second.frames)
    one, other = (decode_bundle(session.bundle(columns=False)) for session in (first, second))
    for block, again in zip(one.blocks, other.blocks, strict=True):
        assert np.array_equal(block.capture.theta, again.capture.theta)
        assert np.array_equal(block.capture.phi, again.capture.phi)


def test_the_first_page_is_drawn_without_torch_or_a_decoder():
    script = (
        "import sys; import nonlocal_core.app.views.explore; "
        "from nonlocal_core.app.server import known_networks; known_networks.menu(); "
        "print([name for name in ('torch', 'av', 'numpy') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_preparing_keeps_the_picture_that_a_start_would_make(folder, monkeypatch):
    monkeypatch.setattr(resources, "HELD", Budget(10**9))
    assert prepare.main() is None
    kept_picture.cache_clear()
    picture = kept_picture()
    session = resources.first_session()
    assert picture == FirstPicture(notes=notes_on(session.frames), bundle=session.bundle(columns=False))


def test_what_cannot_be_prepared_is_said_in_a_sentence(folder, monkeypatch):
    monkeypatch.setattr(resources, "HELD", Budget(10**9))
    monkeypatch.setattr(resources, "FIRST", Choices(clip="sample:nothing"))
    assert "nothing" in prepare.main()


def test_a_folder_that_cannot_be_written_keeps_nothing_and_the_start_goes_on(folder, monkeypatch, capsys):
    monkeypatch.setattr(resources, "HELD", Budget(10**9))
    folder.parent.joinpath("first-picture").write_text("a file where the folder should be")
    assert prepare.main() is None
    assert "could not be kept" in capsys.readouterr().out
    assert resources._kept(resources.FIRST) is not None
