"""The engine of a page: the tested bytes or a sentence."""

import hashlib

import pytest

from nonlocal_core.errors import SiteError
from nonlocal_core.site import runtime


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A folder with files whose hashes are the expected ones."""
    (tmp_path / "dist").mkdir()
    for name in runtime.SHA256:
        content = f"the bytes of {name}".encode()
        (tmp_path / "dist" / name).write_bytes(content)
        monkeypatch.setitem(runtime.SHA256, name, hashlib.sha256(content).hexdigest())
    return tmp_path


def test_the_files_are_found_in_the_package_and_in_its_dist(package):
    found = runtime.runtime_files(package)
    assert found == runtime.runtime_files(package / "dist")
    assert found.keys() == runtime.SHA256.keys()
    assert found[runtime.WASM] == f"the bytes of {runtime.WASM}".encode()


@pytest.mark.parametrize("absent", [runtime.GPU_SCRIPT, runtime.GPU_WASM])
def test_a_folder_without_a_file_for_webgpu_gives_the_engine_without_it(package, absent):
    (package / "dist" / absent).unlink()
    assert runtime.runtime_files(package).keys() == {runtime.SCRIPT, runtime.WASM}


@pytest.mark.parametrize("changed", [runtime.WASM, runtime.GPU_WASM])
def test_other_bytes_are_refused(package, changed):
    with (package / "dist" / changed).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(SiteError, match=r"whose SHA-256 begins with \w{12}; that of the file at hand begins with"):
        runtime.runtime_files(package)


def test_a_folder_without_a_file_is_refused_by_its_name(package):
    (package / "dist" / runtime.SCRIPT).unlink()
    with pytest.raises(SiteError, match=f"has no {runtime.SCRIPT}, nor has its folder dist"):
        runtime.runtime_files(package)


def test_without_npm_a_folder_is_asked_for(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SiteError, match=r"Install Node\.js\. Or give a folder .* --runtime FOLDER\."):
        runtime.runtime_files()


def test_what_npm_says_is_told(tmp_path, monkeypatch):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'no network here' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(SiteError, match=r"did not fetch .*: no network here Or give a folder"):
        runtime.runtime_files()
