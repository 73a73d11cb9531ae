"""The shell starts the viewer: on what is asked for, on no more than that, and with a sentence where it cannot."""

import json
import os
import runpy
import subprocess
import sys
from ipaddress import ip_address

import pytest

import nonlocal_core
from nonlocal_core import MediaError
from nonlocal_core.app.server import resources, visit
from nonlocal_core.app.server.visit import Choices, first_choices, from_link, served
from nonlocal_core.cli import OK, REFUSED, main
from nonlocal_core.installed import folder_of
from nonlocal_core.vocabulary import FIRST_VISIT
from nonlocal_core.weights.cards import list_published


@pytest.fixture
def started(monkeypatch):
    """What Streamlit is asked to run, instead of running it."""
    asked = []
    monkeypatch.setattr(runpy, "run_module", lambda name, **_options: asked.append([name, *sys.argv[1:]]))
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setenv(FIRST_VISIT, "{}")
    return asked


def test_threads_share_one_heap_before_the_first_of_them_starts(started, monkeypatch):
    monkeypatch.setattr("nonlocal_core.cli.open.use_one_heap", lambda: started.append("one heap"))
    assert main([]) == OK
    assert [step if isinstance(step, str) else step[0] for step in started] == ["one heap", "streamlit"]


@pytest.fixture
def visits(monkeypatch):
    """Set what the server was started on."""

    def start(**asked):
        monkeypatch.setenv(FIRST_VISIT, json.dumps(asked))
        served.cache_clear()
        first_choices.cache_clear()

    yield start
    served.cache_clear()
    first_choices.cache_clear()


def test_without_a_verb_the_viewer_starts_on_the_first_sample(started):
    assert main([]) == OK
    assert started == [["streamlit", "run", str(folder_of("app") / "start.py")]]
    assert json.loads(os.environ[FIRST_VISIT]) == {}


def test_a_clip_and_how_to_show_it_reach_the_server_and_not_its_address(started, tmp_path, monkeypatch):
    (tmp_path / "cat.gif").write_bytes(b"GIF89a")
    monkeypatch.chdir(tmp_path)
    assert main(["cat.gif", "--model", "lite0-gaussian", "--frames", "4", "--port", "8600", "--no-browser"]) == OK
    ((_, _, _, *flags),) = started
    assert flags == ["--server.port=8600", "--server.headless=true"]
    asked = json.loads(os.environ[FIRST_VISIT])
    assert asked == {"clip": str(tmp_path / "cat.gif"), "model": "lite0-gaussian", "frames": 4}
    assert main(["cat.gif", "--model", "pixels-nl-means:patch=7:h=0.2", "--no-browser"]) == OK
    assert json.loads(os.environ[FIRST_VISIT])["model"] == "pixels-nl-means:h=0.2:patch=7"


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_a_server_for_a_room_knows_its_number_without_asking_outside(address, started):
    """Streamlit asks a service for it otherwise, and where there is no way out nobody is served meanwhile."""
    assert main(["--address", address]) == OK
    assert main(["--address", "127.0.0.1"]) == OK
    (_, _, _, *to_all), (_, _, _, *to_one) = started
    (number,) = (flag.removeprefix("--browser.serverAddress=") for flag in to_all if "browser" in flag)
    assert number == "localhost" or ip_address(number).version == 4
    assert to_one == ["--server.address=127.0.0.1"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["no-such-clip.mp4"], "There is no file or folder 'no-such-clip.mp4', and no verb"),
        (["sample:nothing"], "There is no sample called 'nothing'"),
        (["--model", "resnet"], "There is no model called 'resnet'"),
    ],
)
def test_what_cannot_be_opened_is_said_before_a_server_starts(started, capsys, arguments, sentence):
    assert main(arguments) == REFUSED
    assert sentence in capsys.readouterr().err
    assert started == []


def test_without_streamlit_one_sentence_says_how_to_get_it(started, capsys, monkeypatch):
    monkeypatch.setattr("nonlocal_core.cli.open.find_spec", lambda name: None)
    assert main([]) == REFUSED
    assert "streamlit and plotly" in (said := capsys.readouterr().err)
    assert "pip install 'nonlocal-viewer[app]'" in said
    assert started == []


def test_a_published_network_is_fetched_before_the_start(started, monkeypatch):
    fetched = []
    card = next(card for card in list_published() if card.url)
    monkeypatch.setattr("nonlocal_core.cli.open.fetched_ids", set)
    monkeypatch.setattr("nonlocal_core.weights.download.download", lambda card, **_more: fetched.append(card.id))
    assert main(["--model", card.id]) == OK
    assert fetched == [card.id]
    assert len(started) == 1


def test_an_address_that_says_nothing_leads_to_what_the_server_was_started_on(visits, tmp_path):
    visits(clip=str(tmp_path / "my cat.gif"), model="lite0-gaussian", frames=4)
    expected = Choices(clip="file:my cat.gif", model="lite0-gaussian", frames=4)
    assert from_link({}) == first_choices() == expected
    assert from_link(visit.to_link(expected)) == expected
    assert from_link({"clip": "sample:chelsea"}) == Choices(clip="sample:chelsea")


def test_no_link_reads_another_file_of_the_server(visits, tmp_path):
    own, other = tmp_path / "own.gif", tmp_path / "other.gif"
    other.write_bytes(b"GIF89a")
    for started_on in ({"clip": str(own)}, {}):
        visits(**started_on)
        for clip in (f"file:{other}", "file:other.gif", f"file:../{tmp_path.name}/other.gif", str(other), "file:"):
            with pytest.raises(MediaError, match="A link may name"):
                resources._open(Choices(clip=clip), lambda *_: None)


def test_the_file_of_the_server_opens(visits, tmp_path, monkeypatch):
    sample = nonlocal_core.find_sample("chelsea").open()
    picture = tmp_path / "cat.png"
    picture.write_bytes(sample if isinstance(sample, bytes) else sample.read_bytes())
    visits(clip=str(picture))
    kept = resources._open(first_choices(), lambda *_: None)
    assert kept.session.frames.info.name == "cat.png"


def test_the_viewer_is_started_without_waiting_for_torch():
    script = (
        "import sys; import nonlocal_core.cli.open; print([n for n in ('torch', 'av', 'numpy') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_core_answers_and_draws_without_streamlit_or_plotly(tmp_path):
    """As after `pip install nonlocal-viewer` without the extra."""
    script = (
        "import sys; sys.modules['streamlit'] = sys.modules['plotly'] = None\n"
        "from nonlocal_core import Session\n"
        "session = Session.open('sample:coins', short_side=64)\n"
        "row = session.query(frame=0, x=0.5, y=0.5)\n"
        "session.save('heat.png', frame=0, x=0.5, y=0.5); session.save('page.html', frame=0, x=0.5, y=0.5)\n"
        "print(round(float(row.values.sum()), 4))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "1.0\n", done.stderr
    assert (tmp_path / "heat.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "page.html").stat().st_size > 100_000
