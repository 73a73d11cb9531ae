"""Measure from a pointer's event to the painted answer: a hover here, a click on Plotly and on an image component.

    pip install -e '.[peers]'
    python benchmarks/picking.py [events]

All three ask the same clip and network. The peers are what a page of Streamlit would otherwise be made of: a picture
with a marker in each cell as a Plotly chart (clicks on heatmaps are not delivered), and `streamlit-image-coordinates`.
Their clicks run the page again, which asks the session and draws the heat over the frame; a hover of theirs never
reaches the page. Prints a Markdown table.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as NotHeardError
from serving import CHROMIUM, FLAGS, HOVER, app_server

EVENTS = 30
PATIENCE_MS = 300_000
HEARD_MS = 10_000
"""A click that is not answered by then was not delivered, and does not count."""
START = """
import numpy as np
import streamlit as st
from nonlocal_core import Session
from nonlocal_core.pin import Pin
session = st.cache_resource(lambda: Session.open("sample:bunny"))()
frame = session.frames.rgb[0]
height, width = frame.shape[:2]
def answer(x, y):
    row = session.query(frame=0, x=x, y=y)
    heat = np.repeat(np.repeat(row.heat[0], -(-height // row.heat.shape[1]), 0), -(-width // row.heat.shape[2]), 1)
    shown = frame * (1 - 0.6 * np.clip(heat / heat.max(), 0, 1)[:height, :width, None])
    st.image(shown.astype(np.uint8))
    st.html(f"<p class='asked'>{x:.4f} {y:.4f}</p>")
"""
PLOTLY = (
    START
    + """
import plotly.graph_objects as go
from PIL import Image
rows, cols = 28, 50
x, y = (v.reshape(-1) for v in np.meshgrid((np.arange(cols) + .5) / cols, (np.arange(rows) + .5) / rows))
figure = go.Figure(go.Scatter(x=x, y=y, mode="markers", marker={"opacity": 0.01, "size": 14}))
figure.add_layout_image(source=Image.fromarray(frame), x=0, y=0, sizex=1, sizey=1, xref="x", yref="y",
                        sizing="stretch", layer="below")
figure.update_layout(xaxis={"range": [0, 1]}, yaxis={"range": [1, 0]}, height=420, margin=dict(l=0, r=0, t=0, b=0))
event = st.plotly_chart(figure, on_select="rerun", selection_mode="points", key="chart")
for point in event.selection.points[:1]:
    answer(point["x"], point["y"])
st.html("<p class='ready'></p>")
"""
)
COORDINATES = (
    START
    + """
from streamlit_image_coordinates import streamlit_image_coordinates
asked = streamlit_image_coordinates(frame, key="picture", width=700)
if asked:
    answer(asked["x"] / asked["width"], asked["y"] / asked["height"])
st.html("<p class='ready'></p>")
"""
)


def main() -> None:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    print("### From the pointer to the painted answer\n\n| what | p50 | p95 | peer / ours |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder, browser = Path(name), playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        ours = _hovers(browser, folder, events)
        print(f"| hover, here | {_spread(ours)} | |", flush=True)
        for title, script, place in (
            ("click, Plotly chart", PLOTLY, ".js-plotly-plot .nsewdrag"),
            ("click, streamlit-image-coordinates", COORDINATES, "iframe"),
        ):
            theirs = _clicks(browser, folder, script, place, events)
            print(f"| {title} | {_spread(theirs)} | {np.median(theirs) / np.median(ours):.0f} |", flush=True)
        browser.close()


def _hovers(browser: Browser, folder: Path, events: int) -> list[float]:
    with app_server(folder / "log.txt") as address:
        page = _page(browser, f"{address}/?clip=sample:bunny")
        page.wait_for_selector(".nlv[data-q]")
        picture = page.locator(".nlv-asks .nlv-picture").first
        return [float(picture.evaluate(HOVER, list(at))) for at in _places(events)]


def _clicks(browser: Browser, folder: Path, script: str, place: str, events: int) -> list[float]:
    file = folder / "page.py"
    file.write_text(script, encoding="utf-8")
    with app_server(folder / "log.txt", str(file)) as address:
        page = _page(browser, address)
        page.wait_for_selector("p.ready", state="attached")
        page.locator(place).first.wait_for()
        page.wait_for_timeout(2_000)  # the chart or the picture inside
        took = []
        for x, y in _places(events + 1):
            box = page.locator(place).first.bounding_box()
            assert box is not None
            page.evaluate("document.querySelectorAll('p.asked').forEach((each) => each.classList.add('old'))")
            began = time.perf_counter()
            page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
            try:
                page.wait_for_function(NEW, timeout=HEARD_MS)
            except NotHeardError:  # a click between two markers, or on the one that is chosen already
                continue
            took.append(1000 * (time.perf_counter() - began))
        return took[1:]  # the first one opens the session


NEW = "() => document.querySelector('p.asked:not(.old)')"


def _page(browser: Browser, address: str) -> Page:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    return page


def _places(count: int) -> list[tuple[float, float]]:
    rng = np.random.default_rng(1)
    cells = zip(rng.integers(5, 45, count), rng.integers(5, 23, count), strict=True)
    return [((x + 0.5) / 50, (y + 0.5) / 28) for x, y in cells]


def _spread(milliseconds: list[float]) -> str:
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return f"{p50:.0f} ms | {p95:.0f} ms"


if __name__ == "__main__":
    main()
