"""Explore in a real Chromium: what a person does with the mouse, the keyboard and a file."""

import io
import re
from contextlib import contextmanager
from urllib.parse import parse_qs, quote, urlparse

import av
import numpy as np
import pytest
from patience import PATIENCE_MS, rest, settled
from PIL import Image
from playwright.sync_api import expect

from nonlocal_core import Session
from nonlocal_core.bundle import decode_bundle
from nonlocal_core.media.extensions import KNOWN

pytestmark = pytest.mark.browser

ANSWERED = "[data-ready]"


@pytest.fixture
def visit(chromium, address):
    """Return a function that opens the page in a fresh browser profile and waits for the first answer."""
    contexts = []

    def open_page(query="", *, width=1280, density=1, dark=False):
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            device_scale_factor=density,
            color_scheme="dark" if dark else "light",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.complaints, page.requested = [], []
        page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: page.complaints.append(str(e)))
        page.on("request", lambda r: page.requested.append(r.url))
        page.goto(f"{address}/{query}")
        page.wait_for_selector(ANSWERED)
        return page

    yield open_page
    for context in contexts:
        context.close()


def viewer(page):
    return page.locator(ANSWERED)


def asked_picture(page):
    return page.locator(".nlv-asks .nlv-picture").first


def point(page, picture, x, y, *, click=False):
    """Move to real pixels of a picture, and press there if asked."""
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    at = (box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.mouse.move(*at, steps=3)
    if click:
        page.mouse.click(*at)


def upload(page, name, content):
    uploader = page.locator("[data-testid=stFileUploaderDropzoneInput]")
    expect(uploader).to_have_count(0)  # a dialog before has left
    page.get_by_role("button", name="Open image or video").click()
    expect(uploader).to_have_count(1)
    settled(page)  # until then it may be that of the run before
    uploader.set_input_files({"name": name, "mimeType": "application/octet-stream", "buffer": content})


@contextmanager
def another_clip(page):
    """Wait, after what is done inside, until the viewer of the clip before has left and the new one has answered."""
    before = viewer(page).get_attribute("data-ready")
    yield
    expect(page.locator(f'[data-ready]:not([data-ready="{before}"])')).to_be_visible()
    expect(page.locator(f'[data-ready="{before}"]')).to_have_count(0)


def moving_square(width, height, frames=12):
    """An MP4 of a bright square on noise, moving to the right: a real file, made here."""
    rng = np.random.default_rng(5)
    ground = rng.integers(0, 90, (height, width, 3), np.uint8)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=6)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(frames):
            picture = ground.copy()
            left = 10 + index * (width - 60) // frames
            picture[height // 2 : height // 2 + 40, left : left + 40] = (250, 210, 40)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def test_the_first_visit_is_answered_and_asks_nothing_of_the_internet(visit, address):
    page = visit()
    expect(page.get_by_role("heading", name="Where does this position look?")).to_be_visible()
    expect(page.get_by_text("the most elsewhere").first).to_be_visible()  # the spoken line comes later
    assert viewer(page).get_attribute("data-pinned") == "false"
    assert {urlparse(url).netloc for url in page.requested if url.startswith("http")} == {urlparse(address).netloc}
    assert page.complaints == []


def test_a_click_selects_the_cell_under_it(visit):
    page = visit("?clip=sample:coins", width=390, density=2)  # all other tests here have one pixel for each
    for name, size, (rows, cols), width in (
        ("wide.mp4", (320, 192), (28, 48), 390),
        ("tall.mp4", (160, 288), (52, 28), 820),
        ("square.mp4", (224, 224), (28, 28), 1440),
    ):
        with another_clip(page):
            upload(page, name, moving_square(*size))
        expect(page.get_by_text(f"{name} · 8 of 12 frames · {size[0]} × {size[1]}")).to_be_visible()
        page.set_viewport_size({"width": width, "height": 900})
        rest(page, 200)  # for the layout
        for x, y in ((0.03, 0.97), (0.61, 0.27)):
            point(page, asked_picture(page), x, y, click=True)
            frame = viewer(page).get_attribute("data-cell").split(",")[0]
            expect(viewer(page)).to_have_attribute("data-cell", f"{frame},{int(y * rows)},{int(x * cols)}")
            expect(viewer(page)).to_have_attribute("data-pinned", "true")
            page.keyboard.press("Escape")


def test_hovering_sends_nothing_to_the_server(visit):
    page = visit("?clip=sample:chelsea")
    sent = []
    page.reload()
    page.on("websocket", lambda socket: socket.on("framesent", lambda _: sent.append("frame")))
    page.reload()
    page.wait_for_selector(ANSWERED)
    page.wait_for_load_state("networkidle")
    settled(page)
    rest(page, 500)  # the page's own first messages
    page.requested.clear()
    sent.clear()
    seen = set()
    for step in range(30):
        point(page, asked_picture(page), 0.1 + 0.8 * step / 30, 0.2 + 0.6 * step / 30)
        seen.add(viewer(page).get_attribute("data-q"))
    assert len(seen) > 10
    rest(page, 500)
    assert [url for url in page.requested if not url.startswith(("data:", "blob:"))] == []
    assert sent == []


def test_a_pin_reaches_python_and_its_link_restores_it_in_another_browser(visit, address):
    page = visit("?clip=sample:coffee")
    point(page, asked_picture(page), 0.3, 0.4, click=True)
    expect(page.get_by_text("Where it looks: row")).to_be_visible()  # of a picture no frame is named
    expect(page.get_by_text("How concentrated it is")).to_be_visible()
    expect(page.get_by_text("Share of each frame")).to_have_count(0)
    page.keyboard.press("s")
    page.wait_for_url("**at=0*view=each*")
    cell = viewer(page).get_attribute("data-cell")
    asked = parse_qs(urlparse(page.url).query)
    assert asked["clip"] == ["sample:coffee"]
    page.get_by_role("link", name="Networks", exact=True).click()
    expect(page.get_by_role("heading", name="Which network looks?")).to_be_visible()
    page.get_by_role("link", name="Explore", exact=True).click()
    page.wait_for_url("**at=0*view=each*")
    assert parse_qs(urlparse(page.url).query) == asked, "the address leads back to what is on screen from any way here"
    second = visit("?" + urlparse(page.url).query)
    expect(viewer(second)).to_have_attribute("data-pinned", "true")
    expect(viewer(second)).to_have_attribute("data-cell", cell)
    expect(second.get_by_label("Scale", exact=True)).to_have_js_property("selectedIndex", 1)  # each frame by itself
    expect(second.get_by_text("Where it looks: row")).to_be_visible()
    assert page.complaints == second.complaints == []


def test_letting_go_of_a_pin_takes_its_numbers_away(visit):
    page = visit("?clip=sample:coffee")
    point(page, asked_picture(page), 0.3, 0.4, click=True)
    expect(page.get_by_text("Where it looks: row")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Click a position to pin it")).to_be_visible()
    expect(page).not_to_have_url(re.compile("at="))


def test_the_weights_on_screen_are_those_of_the_api(visit):
    page = visit("?clip=sample:bunny")
    session = Session.open("sample:bunny")
    first = session.first_question()
    row = session.query(frame=first.frame, x=first.x, y=first.y)
    assert viewer(page).get_attribute("data-cell") == ",".join(map(str, row.query))
    shares = page.locator(".nlv-share").all_inner_texts()
    expected = [100 * share for share in row.per_step_share]
    shown = [float(text.rstrip(" %").replace("\N{MINUS SIGN}", "-").lstrip("<")) for text in shares]
    np.testing.assert_allclose(shown, expected, atol=0.51)


def test_a_real_clip_can_be_opened_and_a_corrupt_one_is_refused_with_a_sentence(visit):
    page = visit("?clip=sample:coins")
    upload(page, "holiday.mp4", b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 40)
    refusal = page.get_by_role("alert").filter(has_text="holiday.mp4")
    expect(refusal).to_be_visible()
    page.keyboard.press("Escape")
    point(page, asked_picture(page), 0.9, 0.6)
    answered = viewer(page).get_attribute("data-q")
    point(page, asked_picture(page), 0.1, 0.2)
    expect(viewer(page)).not_to_have_attribute("data-q", answered)
    upload(page, "square.mp4", moving_square(256, 192))
    expect(page.get_by_text("square.mp4 · 8 of 12 frames · 256 × 192")).to_be_visible()


def test_what_the_library_reads_the_upload_takes_whatever_its_name(visit):
    page = visit("?clip=sample:coins")
    first, second = (Image.new("RGB", (128, 96), colour) for colour in ("teal", "orange"))
    buffer = io.BytesIO()
    first.save(buffer, "AVIF", save_all=True, append_images=[second], duration=100)
    page.get_by_role("button", name="Open image or video").click()
    expect(page.get_by_role("dialog").get_by_text(KNOWN)).to_be_visible()
    page.keyboard.press("Escape")
    for name in ("moving.avif", "moving.jfif", "moving.unheard-of", "moving"):
        upload(page, name, buffer.getvalue())
        expect(page.get_by_text(f"{name} · 2 of 2 frames · 128 × 96")).to_be_visible()


def test_a_hostile_file_name_is_only_a_name(visit):
    page = visit("?clip=sample:coins")
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (96, 130, 3), np.uint8)).save(buffer, "PNG")
    upload(page, "<img src=x onerror=document.title='owned'>.png", buffer.getvalue())
    expect(page.get_by_text("<img src=x onerror=document.title='owned'>.png · 130 × 96")).to_be_visible()
    assert page.title() == "Non-local viewer"


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("?clip=sample:nothing", "There is no sample called 'nothing'"),
        ("?clip=upload:0123", "This upload is no longer held by the server"),
        ("?clip=/etc/passwd", "A link may name a sample or an upload"),
        ("?clip=sample:coins&start_seconds=900", "900"),
    ],
)
def test_a_link_that_cannot_be_followed_says_why_and_offers_a_way_back(chromium, address, query, sentence):
    context = chromium.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/{query}")
    expect(page.get_by_role("alert")).to_contain_text(sentence)
    page.get_by_role("button", name="Back to the first sample").click()
    page.wait_for_selector(ANSWERED)
    context.close()


def test_a_link_is_no_markup_in_the_sentence_that_refuses_it(chromium, address):
    named = "sample:![x](http://elsewhere.test/x) *a* _b_ :red[c] $d$ <b>e</b> http://elsewhere"
    context = chromium.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/?clip={quote(named)}")
    expect(page.get_by_role("alert")).to_contain_text(repr(named.removeprefix("sample:")))
    assert page.get_by_role("alert").locator("img, em, b, a, .katex").count() == 0
    assert not [url for url in asked if url.startswith(("http://elsewhere", "https://elsewhere"))]
    context.close()


def test_the_keyboard_does_everything(visit):
    page = visit("?clip=sample:bunny&model=lite0-parameter-free")
    page.locator("[role=application]").focus()
    t, y, x = map(int, viewer(page).get_attribute("data-cell").split(","))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(viewer(page)).to_have_attribute("data-cell", f"{t},{y + 1},{x + 1}")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Where it looks: frame {t + 1}, row {y + 2}, column {x + 2}")).to_be_visible()
    page.keyboard.press("d")
    expect(viewer(page)).to_have_attribute("data-direction", "column")
    page.keyboard.press("b")
    expect(viewer(page)).to_have_attribute("data-block", "stride8")
    page.keyboard.press("Escape")
    expect(viewer(page)).to_have_attribute("data-pinned", "false")


def test_sampling_can_be_changed(visit):
    page = visit("?clip=sample:bunny&model=lite0-parameter-free&frames=3&short_side=128")
    expect(page.get_by_text("3 of 132 frames")).to_be_visible()
    assert page.locator(".nlv-share").count() == 3
    address = next(url for url in page.requested if "/api/bundle/" in url)
    bundle = decode_bundle(page.request.get(address).body())
    assert bundle.media.frame_indices[0] == 0
    assert bundle.media.frame_indices[-1] == 131
    assert bundle.blocks[0].capture.query_grid.shape == (3, 16, 28)
