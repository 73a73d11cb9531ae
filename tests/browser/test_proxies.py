"""The app behind proxies that put a path before its addresses: shown, asked, uploaded to and left as without one."""

import io

import pytest
from patience import PATIENCE_MS, settled
from PIL import Image
from playwright.sync_api import expect
from proxies import proxy
from serving import app_server

pytestmark = pytest.mark.browser

SMALL = "clip=sample:composed&frames=2&short_side=128&model=lite0-parameter-free"


@pytest.fixture(scope="module")
def behind_nginx(tmp_path_factory):
    with (
        app_server(tmp_path_factory.mktemp("based") / "log.txt", base="/nlv") as address,
        proxy(address, "/nlv", keeps_prefix=True) as outside,
    ):
        yield outside


@pytest.fixture(scope="module")
def behind_a_hub(address):
    with proxy(address, "/user/ann/proxy/8501", keeps_prefix=False) as outside:
        yield outside


@pytest.mark.parametrize("where", ["behind_nginx", "behind_a_hub"])
def test_everything_works_below_the_path_of_a_proxy(where, page, request):
    outside = request.getfixturevalue(where)
    requested, complaints = [], []
    page.on("request", lambda asked: requested.append(asked.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(f"{outside}/compare?{SMALL}")
    page.wait_for_selector(".nlv[data-ready]")
    settled(page)
    bundle = next(url for url in requested if "/api/bundle/" in url)
    assert bundle.startswith(f"{outside}/api/bundle/")

    page.get_by_role("link", name="Explore").click()
    page.wait_for_url(f"{outside}/?**")
    page.wait_for_selector(".nlv[data-q]")
    settled(page)

    page.get_by_role("button", name="Open image or video").click()
    picture = io.BytesIO()
    Image.effect_noise((96, 64), 60).save(picture, "PNG")
    uploader = page.locator("[data-testid=stFileUploaderDropzoneInput]")
    uploader.set_input_files({"name": "mine.png", "mimeType": "image/png", "buffer": picture.getvalue()})
    expect(page.get_by_text("mine.png · 96 × 64").first).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_selector(".nlv[data-ready]")

    own = [url for url in requested if not url.startswith(("blob:", "data:"))]
    elsewhere = [url for url in own if not url.startswith(outside)]
    assert not elsewhere
    assert not [text for text in complaints if "Content Security Policy" in text], complaints
