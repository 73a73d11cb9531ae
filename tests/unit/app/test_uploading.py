"""What is on its way to Streamlit's uploader is bounded for each visitor and in all, before a byte of it is read."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.responses import PlainTextResponse

from nonlocal_core.app.server.uploading import Uploading


class Server:
    """Stands for Streamlit: takes uploads, and holds what it was given until it is told to forget."""

    def __init__(self, **most):
        self.held, self.meanwhile, self.status = set(), None, 204
        self.gate = Uploading(self.take, lambda *file: file in self.held, **most)

    async def take(self, scope, receive, send):
        visitor, file = scope["path"].split("/")[-2:]
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        if self.status < 300:
            self.held.add((visitor, file))
        await PlainTextResponse("", self.status)(scope, receive, send)

    async def ask(self, visitor, file, size, method="PUT", base=""):
        sent = []

        async def keep(message):
            sent.append(message)

        headers = [] if size is None else [(b"content-length", str(size).encode())]
        path = f"{base}/_stcore/upload_file/{visitor}/{file}"
        await self.gate({"type": "http", "method": method, "path": path, "headers": headers}, None, keep)
        return sent[0]["status"]

    def put(self, *arguments, **named):
        with ThreadPoolExecutor(1) as thread:  # this one may have a loop, of a browser that is driven from it
            return thread.submit(asyncio.run, self.ask(*arguments, **named)).result()


@pytest.fixture
def server():
    return Server(most_of_one=100, most_of_all=150)


def test_a_visitor_has_a_bound_and_so_have_all_together(server):
    assert [server.put("ann", "a", 60), server.put("ann", "b", 41), server.put("ann", "b", 40)] == [204, 413, 204]
    assert [server.put("ben", "c", 51), server.put("ben", "c", 50, base="/nlv")] == [413, 204]
    assert server.put("cleo", "d", 1) == 413


def test_what_was_read_or_refused_makes_room(server):
    assert server.put("ann", "a", 100) == 204
    server.held.clear()
    assert server.put("ann", "b", 100) == 204
    server.held.clear()
    server.status = 400
    assert server.put("ann", "c", 100) == 400
    server.status = 204
    assert server.put("ann", "d", 100) == 204
    assert server.put("ann", "d", 90) == 204, "a file takes its own place again"


def test_what_is_on_its_way_counts(server):
    async def meanwhile():
        answers.append(await server.ask("ann", "b", 41))
        answers.append(await server.ask("ann", "a", 1))

    answers, server.meanwhile = [], meanwhile
    assert server.put("ann", "a", 60) == 204
    assert answers == [413, 413]


@pytest.mark.parametrize("size", [None, "", "-1", "x", "9" * 5000])
def test_an_upload_says_how_large_it_is(server, size):
    assert server.put("ann", "a", size) == 411
    assert server.put("ann", "a", size, method="DELETE") == 204
