"""The gate refuses foreign names, and every answer carries the policy of the pages."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.responses import PlainTextResponse
from streamlit import config
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from nonlocal_core.app.server import gate
from nonlocal_core.app.server.gate import FRAMED_BY, Gate, is_ours, policy


def answer_to(host, kind="http", path="/", origin=None):
    """Return the messages that the gate sends to a request under a name."""
    sent = []

    async def keep(message):
        sent.append(message)

    async def ask():
        headers = {"host": host} | ({} if origin is None else {"origin": origin})
        named = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": kind, "method": "GET", "path": path, "headers": named}
        await Gate(PlainTextResponse("the page"))(scope, None, keep)

    with ThreadPoolExecutor(1) as thread:  # this one may have a loop, of a browser that is driven from it
        thread.submit(asyncio.run, ask()).result()
    return sent


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1", "[::1]:8501", "192.168.1.7:80", "nlv.localhost", ""])
def test_this_machine_and_addresses_in_numbers_are_answered(host):
    start, body = answer_to(host)
    assert (start["status"], body["body"]) == (200, b"the page")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil.example@127.0.0.1x", "["]
)
def test_a_foreign_name_is_refused_with_what_to_do(host):
    start, body = answer_to(host)
    assert start["status"] == 421
    assert "--server.allowedHosts" in body["body"].decode()
    assert (b"content-type", b"text/plain; charset=utf-8") in start["headers"]
    assert answer_to(host, "websocket") == [{"type": "websocket.close", "code": 1008}]


REFUSED = [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize(
    ("origin", "enters"),
    [
        (None, True),
        ("https://viewer.school.org", True),
        ("https://lms.school.org", True),
        ("https://shown.school.org", True),
        ("http://localhost:3000", True),
        ("http://192.0.2.7", True),
        ("https://viewer.school.org:444", False),
        ("https://evil.example", False),
        ("null", False),
        ("https://[", False),
    ],
)
def test_a_foreign_page_does_not_connect_and_nobody_outside_is_asked_about_it(origin, enters, monkeypatch):
    """Streamlit asks a service for the number of this machine before it refuses, and all visitors wait meanwhile."""
    options = {
        "server.allowedHosts": ["viewer.school.org"],
        "server.enableCORS": True,
        "server.corsAllowedOrigins": ["https://lms.school.org"],
        "browser.serverAddress": "shown.school.org",
    }
    monkeypatch.setattr(gate.st, "get_option", options.__getitem__)
    monkeypatch.setattr(gate.net_util, "get_internal_ip", lambda: "192.0.2.7")  # behind a proxy that says another host
    assert (answer_to("viewer.school.org", "websocket", origin=origin) != REFUSED) is enters
    assert answer_to("viewer.school.org", origin=origin)[0]["status"] == 200, "a page is no connection"
    options["server.enableCORS"] = False
    assert (answer_to("viewer.school.org", "websocket", origin=origin) != REFUSED) is (enters or origin != "https://[")


def test_names_are_allowed_one_by_one_and_below_a_name():
    allowed = ("viewer.school.org", "*.lab.org")
    hosts = {
        "viewer.school.org:443": True,
        "Viewer.School.org.": True,
        "a.lab.org": True,
        "lab.org": False,
        "evillab.org": False,
    }
    assert {host: is_ours(host, allowed) for host in hosts} == hosts
    assert is_ours("anything.example", ("*",))


@pytest.mark.parametrize(
    "host", ["viewer.school.org", "a.lab.org:8501", "localhost:8501", "192.168.1.7", "evil.example"]
)
def test_a_page_is_shown_under_the_names_alone_that_streamlit_connects_to(host, monkeypatch):
    """Else it would stay empty without a word: Streamlit refuses the connection of a page that was served."""
    allowed = ["viewer.school.org", "*.lab.org"]
    monkeypatch.setattr(gate.st, "get_option", {"server.allowedHosts": allowed}.__getitem__)
    monkeypatch.setattr(config, "get_option", {"server.allowedHosts": allowed}.__getitem__)
    (start, body), connects = answer_to(host), is_host_allowed(host)
    assert (start["status"] == 200) == connects
    assert connects or f"name {host!r}. Use a name that it was given" in body["body"].decode()


def test_whoever_watches_over_the_server_asks_under_its_own_name(monkeypatch):
    monkeypatch.setattr(gate.st, "get_option", lambda _: ["viewer.school.org"])
    health = "/nlv/_stcore/health"
    asked = {host: answer_to(host, path=health)[0]["status"] for host in ("localhost:8501", "evil.example")}
    assert asked == {"localhost:8501": 200, "evil.example": 421}


def test_every_answer_carries_the_policy(monkeypatch):
    headers = dict(answer_to("localhost:8501")[0]["headers"])
    said = headers[b"content-security-policy"].decode()
    rules = dict(rule.split(" ", 1) for rule in said.split("; "))
    assert rules["default-src"] == rules["form-action"] == rules["frame-ancestors"] == "'self'"
    assert "unsafe" not in rules["script-src"]
    assert "ws://localhost:8501" in rules["connect-src"]
    assert headers[b"x-content-type-options"] == b"nosniff"
    foreign = [word for word in said.split() if word.startswith(("http", "*", "ws"))]
    assert foreign == ["ws://localhost:8501", "wss://localhost:8501;"]
    monkeypatch.setenv(FRAMED_BY, "https://lms.school.org")
    assert policy("").endswith("frame-ancestors 'self' https://lms.school.org")


def test_a_name_cannot_write_into_the_policy():
    assert "evil" not in policy("localhost; script-src evil.example")
