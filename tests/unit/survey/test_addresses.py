"""Addresses that are no paths: told apart, and read by fsspec or refused with a sentence."""

import fsspec
import pytest

from nonlocal_core.errors import MediaError, MediaLimitError, SurveyError
from nonlocal_core.media import Limits
from nonlocal_core.survey import addresses
from nonlocal_core.survey.addresses import files_below, is_remote, read_bytes


def test_paths_and_addresses_are_told_apart():
    told = {"s3://bucket/a.mp4": True, "sample:coffee": True, "/a/b.mp4": False, "my sample:x.mp4": False, "a:b": False}
    assert {address: is_remote(address) for address in told} == told


def test_bytes_at_an_address_are_those_that_lie_there_up_to_the_limit():
    fsspec.filesystem("memory").pipe_file("/read/b.mp4", b"12345")
    assert read_bytes("memory:///read/b.mp4", Limits(max_bytes=5)) == b"12345"
    with pytest.raises(MediaLimitError, match="max_bytes"):
        read_bytes("memory:///read/b.mp4", Limits(max_bytes=4))
    with pytest.raises(MediaError, match=r"memory:///read/c\.mp4 cannot be read"):
        read_bytes("memory:///read/c.mp4", Limits())


def test_files_below_a_folder_are_sorted_addresses():
    system = fsspec.filesystem("memory")
    for name in ("/below/z.mp4", "/below/a/m.mp4", "/other/b.mp4"):
        system.pipe_file(name, b"")
    assert files_below("memory://below") == ("memory:///below/a/m.mp4", "memory:///below/z.mp4")


def test_without_fsspec_a_sentence_says_what_to_install(monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(addresses, "import_module", absent)
    with pytest.raises(SurveyError, match=r"pip install 'nonlocal-viewer\[survey\]'"):
        read_bytes("memory:///read/b.mp4", Limits())
