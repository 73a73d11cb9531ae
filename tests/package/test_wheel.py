"""The wheel, in a fresh environment that knows the checkout's packages but not the checkout."""

import json
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from ends import build_wheel
from PIL import Image
from serving import ROOT, app_server
from websockets.sync.client import connect


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def commands(wheel, tmp_path_factory):
    """The folder of the commands of an environment that the wheel is installed in."""
    environment = tmp_path_factory.mktemp("fresh") / "environment"
    venv.create(environment, with_pip=False)
    (site,) = environment.glob("lib/python*/site-packages")
    beside = tmp_path_factory.mktemp("beside") / "site-packages"  # Streamlit asks for the name
    beside.mkdir()
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if "nonlocal" not in package.name and package.suffix != ".pth":
            (beside / package.name).symlink_to(package)
    (site / "packages.pth").write_text(f"{beside}\n")
    pip = [sys.executable, "-m", "pip", "--python", str(environment)]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True, cwd=beside)
    return environment / "bin"


def test_the_wheel_puts_one_name_into_site_packages(wheel):
    names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert names == {"nonlocal_core", f"{wheel.name.removesuffix('-py3-none-any.whl')}.dist-info"}


def test_the_wheel_holds_every_file_of_the_checkout_that_runs(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode != 0:
        pytest.skip("This is no checkout of git, which would say what belongs here.")
    wanted = {
        name if name.startswith("nonlocal_core/") else f"nonlocal_core/{name}"
        for name in tracked.stdout.splitlines()
        if name.startswith(("nonlocal_core/", "app/", "pretrained/"))
        and not name.startswith("pretrained/recipe/")
        and name
        not in (
            "nonlocal_core/viewer/package.json",
            "pretrained/README.md",
            "pretrained/ABLATIONS.md",
            "pretrained/explore.png",
            "pretrained/mark_runs.jsonl",  # of the recipe
        )
    }
    assert wanted - inside == set()


def test_the_shell_answers_without_the_checkout(commands, tmp_path):
    told = [str(commands / "python"), "-c", "import nonlocal_core; print(nonlocal_core.__file__)"]
    where = subprocess.run(told, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert where.startswith(str(commands.parent))
    asked = ["query", "sample:coins", "--short-side", "64", "--x", "0.5", "--y", "0.5", "--json"]
    done = subprocess.run([commands / "nonlocal-viewer", *asked], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["clip"]["name"] == "Coins"


def test_the_viewer_opens_on_a_clip_without_the_checkout(commands, tmp_path):
    """One run of the first page, as a browser asks for it: the name of the clip, and no error."""
    picture = tmp_path / "two halves.png"
    image = Image.new("RGB", (96, 64), "white")
    image.paste("black", (0, 0, 48, 64))
    image.save(picture)
    command = [commands / "nonlocal-viewer", picture, "--short-side", "64"]
    cache = {"NONLOCAL_CACHE": str(tmp_path / "cache")}
    with app_server(tmp_path / "log.txt", command=command, cwd=tmp_path, **cache) as address:
        page = first_page(address)
    assert "two halves.png" in page
    assert "nonlocal_viewer" in page


def first_page(address: str) -> str:
    """Return all that the server sends until the first run of the page is over, its text as it stands in it."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    said = []
    with connect(f"{address.replace('http', 'ws')}/_stcore/stream", max_size=None) as socket:
        asked = BackMsg()
        asked.rerun_script.query_string = ""
        socket.send(asked.SerializeToString())
        while True:
            message = ForwardMsg.FromString(socket.recv(timeout=120))
            said.append(str(message))
            if message.WhichOneof("type") == "script_finished":
                return "\n".join(said)
