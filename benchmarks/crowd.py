"""Visit one server as many people do at once, without browsers, which take far more of a machine than the server does.

    python benchmarks/crowd.py --visitors 50 --uploading 10 --minutes 3
    python benchmarks/crowd.py --visitors 3 --uploading 1 --minutes 0.5   # a smoke run

Each visitor speaks Streamlit's own messages over a websocket: opens links with clips, networks and frames drawn by a
seed, and fetches the bundle of the answer. Those who upload bring a picture of their own. A bundle names its clip, so
an answer that was meant for somebody else is seen. One more has a browser, on the same machine, and points at places
all the time. Nothing is asserted.
"""

import argparse
import asyncio
import io
import random
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import httpx
import numpy as np
import psutil
from load import AFTER_SECONDS, CLIPS, NETWORKS, SETTLE_SECONDS, Seen, drive, memory_of, report, watch
from PIL import Image
from playwright.async_api import async_playwright
from serving import CHROMIUM, FLAGS, HOVER
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs, UploadedFileInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin, Subprotocol

from nonlocal_core import BundleError
from nonlocal_core.bundle import Bundle, decode_bundle

PATIENCE_SECONDS = 300.0
POINT_SECONDS = 0.2
"""Pause of the one who points, between an answer and the next place."""
BUNDLE = re.compile(rb"api/bundle/[\w.-]+\.bin")
WAITING = b"Waiting for "
OPEN_BUTTON = "Open image or video"


@dataclass
class Visitor:
    """One websocket, and what of the page matters here."""

    socket: ClientConnection
    http: httpx.AsyncClient
    session: str = ""
    buttons: dict[str, str] = field(default_factory=dict)
    """Label and id."""
    uploader: str = ""
    dialog: str = ""
    """Id of the part of the page that holds the uploader."""
    bundle: str = ""
    """Address of the bundle on the page."""
    waited: bool = False
    alerts: list[str] = field(default_factory=list)

    async def run(self, link: str, *used: WidgetState, part: str = "") -> None:
        """Run the page of a link, or a part of it, with widgets that were used."""
        message = BackMsg()
        message.rerun_script.fragment_id = part
        message.rerun_script.query_string = link
        message.rerun_script.widget_states.widgets.extend(used)
        await self.socket.send(message.SerializeToString())

    async def hear(self, until: str) -> ForwardMsg:
        """Listen until a message of that kind comes."""
        while True:
            raw = await asyncio.wait_for(self.socket.recv(), PATIENCE_SECONDS)
            assert isinstance(raw, bytes)
            message = ForwardMsg.FromString(raw)
            self._note(message, raw)
            if message.WhichOneof("type") == until:
                return cast(ForwardMsg, message)

    def _note(self, message: ForwardMsg, raw: bytes) -> None:
        if message.WhichOneof("type") == "new_session":
            self.session = message.new_session.initialize.session_id or self.session
        self.waited = self.waited or WAITING in raw
        if found := BUNDLE.findall(raw):
            self.bundle = found[-1].decode()
        element = message.delta.new_element
        match element.WhichOneof("type"):
            case "button":
                self.buttons[element.button.label] = element.button.id
            case "file_uploader":
                self.uploader, self.dialog = element.file_uploader.id, message.delta.fragment_id
            case "alert":
                self.alerts.append(element.alert.body)

    async def answer(self, before: str) -> Bundle:
        """Return the answer that comes after another one."""
        while self.bundle in ("", before):
            await self.hear("delta")
        reply = await self.http.get(f"/{self.bundle}")
        reply.raise_for_status()
        return decode_bundle(reply.content)


@asynccontextmanager
async def arriving(address: str) -> AsyncIterator[Visitor]:
    """Connect as a browser does."""
    stream = f"{address.replace('http', 'ws', 1)}/_stcore/stream"
    async with (
        httpx.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as http,
        connect(
            stream,
            subprotocols=[Subprotocol("streamlit")],
            origin=Origin(address),
            max_size=None,
            open_timeout=PATIENCE_SECONDS,
        ) as socket,
    ):
        await http.get("/_stcore/health")  # which gives the token that uploads show
        http.headers["X-Xsrftoken"] = http.cookies["_streamlit_xsrf"]
        yield Visitor(socket, http)


async def open_link(visitor: Visitor, chance: random.Random, seen: Seen, who: str) -> str:
    """Open a link that was drawn, and return it."""
    clip, model = chance.choice(CLIPS), chance.choice(NETWORKS[1:])
    link = f"clip={clip}&model={model}&frames={chance.choice((2, 4, 8))}&short_side={chance.choice((128, 160, 224))}"
    began = time.monotonic()
    await visitor.run(link)
    found = await visitor.answer("")
    seen.heat_seconds.append(time.monotonic() - began)
    if found.model.id != model:
        seen.faults.append(f"{who} asked for {model} and got {found.model.id}")
    return link


async def upload(visitor: Visitor, link: str, number: int, seen: Seen) -> None:
    """Open a picture of one's own."""
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(number).integers(0, 256, (240, 320, 3), dtype=np.uint8)).save(file, "PNG")
    name, before = f"visitor-{number}.png", visitor.bundle
    began = await send_clip(visitor, link, name, file.getvalue())
    found = await visitor.answer(before)
    seen.upload_seconds.append(time.monotonic() - began)
    if found.media.name != name:
        seen.faults.append(f"visitor {number} sent {name} and sees {found.media.name}")


async def send_clip(visitor: Visitor, link: str, name: str, content: bytes) -> float:
    """Send a file through the dialog of clips, on the page of a link, and return the moment at which it began."""
    while OPEN_BUTTON not in visitor.buttons:
        await visitor.hear("delta")
    visitor.uploader = ""
    await visitor.run(link, WidgetState(id=visitor.buttons[OPEN_BUTTON], trigger_value=True))
    while not visitor.uploader:
        await visitor.hear("delta")
    began = time.monotonic()
    place = await _place_for(visitor, name)
    reply = await visitor.http.put(place.upload_url, files={"file": (name, content, "application/octet-stream")})
    reply.raise_for_status()
    told = UploadedFileInfo(name=name, size=len(content), file_id=place.file_id, file_urls=place)
    state = WidgetState(id=visitor.uploader)
    state.file_uploader_state_value.uploaded_file_info.append(told)
    await visitor.run(link, state, part=visitor.dialog)
    return began


async def _place_for(visitor: Visitor, name: str) -> FileURLs:
    """Return the addresses to which a file of that name is sent."""
    message = BackMsg()
    message.file_urls_request.request_id = name
    message.file_urls_request.file_names.append(name)
    message.file_urls_request.session_id = visitor.session
    await visitor.socket.send(message.SerializeToString())
    return cast(FileURLs, (await visitor.hear("file_urls_response")).file_urls_response.file_urls[0])


async def stay(address: str, number: int, options: argparse.Namespace, seen: Seen) -> None:
    """Act as one visitor until the time is over."""
    chance, who = random.Random(f"{options.seed} {number}"), f"visitor {number}"
    until = time.monotonic() + 60 * options.minutes
    await asyncio.sleep(chance.uniform(0, 5))
    try:
        while time.monotonic() < until:
            async with arriving(address) as visitor:
                link = await open_link(visitor, chance, seen, who)
                if number < options.uploading:
                    await upload(visitor, link, number, seen)
                await asyncio.sleep(chance.uniform(1, 5))
            seen.places += visitor.waited
            seen.faults += [f"{who}: {alert}" for alert in visitor.alerts]
    except (OSError, TimeoutError, httpx.HTTPError, WebSocketException, BundleError) as fault:
        seen.faults.append(f"{who}: {type(fault).__name__} {fault}")


async def point(address: str, options: argparse.Namespace, seen: Seen) -> None:
    """Open the first picture in a browser, and point at places until the time is over."""
    chance, until = random.Random(options.seed), time.monotonic() + 60 * options.minutes
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        page.on("pageerror", lambda error: seen.faults.append(f"the one who points: {error}"))
        await page.goto(address)
        await page.wait_for_selector(".nlv[data-q]", timeout=1e3 * PATIENCE_SECONDS)
        picture = page.locator(".nlv-asks .nlv-picture").first
        while time.monotonic() < until:
            seen.hover_ms.append(await picture.evaluate(HOVER, [chance.random(), chance.random()]))
            await asyncio.sleep(POINT_SECONDS)
        await browser.close()


async def run(address: str, server: psutil.Process, options: argparse.Namespace) -> None:
    seen = Seen()
    async with arriving(address) as first:
        await first.run("")
        await first.answer("")
    await asyncio.sleep(SETTLE_SECONDS)
    before = memory_of(server)
    watching = asyncio.ensure_future(watch(server, seen))
    visits = (stay(address, number, options, seen) for number in range(options.visitors))
    await asyncio.gather(point(address, options, seen), *visits)
    watching.cancel()
    await asyncio.sleep(AFTER_SECONDS)
    report(options, seen, before, memory_of(server))


if __name__ == "__main__":
    drive(run, __doc__)
