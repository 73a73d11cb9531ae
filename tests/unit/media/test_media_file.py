"""Files by their names, their lengths and their hashes."""

import hashlib
import os
from pathlib import Path

import pytest

from nonlocal_core.errors import MediaError, MediaLimitError
from nonlocal_core.media.limits import Limits
from nonlocal_core.media.media_file import as_media_file, display_name

LETTERS = "".join(chr(97 + n % 26) for n in range(200))


def test_a_name_of_eighty_characters_stays_and_a_longer_one_loses_its_middle() -> None:
    assert display_name(LETTERS[:80]) == LETTERS[:80]
    assert display_name(LETTERS[:81]) == LETTERS[:59] + "…" + LETTERS[61:81]
    assert len(display_name(LETTERS)) == 80


def test_bytes_and_files_are_known_by_name_length_and_hash(tmp_path: Path) -> None:
    data = b"some bytes" * 900
    path = tmp_path / "it.bin"
    path.write_bytes(data)
    there, here = (as_media_file(given, name=None, limits=Limits()) for given in (path, data))
    assert (there.name, here.name) == ("it.bin", "untitled")
    for file in (there, here):
        assert file.byte_count == 9_000
        assert file.head() == data[:4_096]
        assert file.sha256() == hashlib.sha256(data).hexdigest()
        with file.open() as opened:
            assert opened.read() == data
    assert as_media_file(path, name="another", limits=Limits()).name == "another"


def test_a_file_is_held_to_its_length(tmp_path: Path) -> None:
    path = tmp_path / "it.bin"
    path.write_bytes(bytes(9))
    for given in (path, bytes(9)):
        assert as_media_file(given, name="it", limits=Limits(max_bytes=9)).byte_count == 9
        with pytest.raises(MediaLimitError, match="it has 9 bytes; files up to 8"):
            as_media_file(given, name="it", limits=Limits(max_bytes=8))
    path.write_bytes(b"")
    for given in (path, b""):
        with pytest.raises(MediaError, match="it is empty"):
            as_media_file(given, name="it", limits=Limits())


def test_a_file_that_changes_is_another(tmp_path: Path) -> None:
    path = tmp_path / "it.bin"
    path.write_bytes(b"before")
    file = as_media_file(path, name=None, limits=Limits())
    file.sha256()
    os.utime(path, ns=(1, file.version[2] + 1))
    with pytest.raises(MediaError, match=r"it\.bin was changed while it was read"):
        file.sha256()


def test_a_file_that_is_gone_or_may_not_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "it.bin"
    path.write_bytes(b"before")
    file = as_media_file(path, name=None, limits=Limits())
    path.unlink()
    with pytest.raises(MediaError, match=r"it\.bin cannot be opened: No such file"):
        file.open()
    with pytest.raises(MediaError, match="there is no such file"):
        as_media_file(path, name=None, limits=Limits())
    with pytest.raises(MediaError, match="is a device or a pipe"):
        as_media_file(tmp_path, name=None, limits=Limits())
