"""The exported page in a real browser asks no other host, runs no text that it shows, and says where it is damaged."""

import pytest
from pages import clip_bytes, mapped_block, opened

from nonlocal_core.bundle import decode_bundle
from nonlocal_core.errors import BundleError
from nonlocal_core.viewer import export_html

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror=alert(1)>"
EVIL_SCRIPT = "</script><script>window.pwned = 1; alert(2)</script><!--"


def test_one_file_no_request_no_complaint(chromium, tmp_path):
    with opened(chromium, tmp_path, clip_bytes()) as viewer:
        viewer.point(viewer.asks, 0.3, 0.3)
        assert len(viewer.requests) == 1
        assert viewer.requests[0].startswith("file:")
        assert viewer.complaints == []
        blocked = viewer.page.evaluate("fetch('https://example.org').then(() => 'went out', (error) => error.name)")
        assert blocked == "TypeError"
        assert any("Content Security Policy" in text for text in viewer.complaints)


def test_hostile_names_are_shown_and_not_run(chromium, tmp_path):
    data = clip_bytes(
        name=f"{EVIL}.mp4",
        texts=EVIL + EVIL_SCRIPT,
        blocks=lambda grid: (
            mapped_block(grid, name="a", note=EVIL),
            mapped_block(grid, name="b", title=EVIL + EVIL_SCRIPT),
        ),
    )
    with opened(chromium, tmp_path, data, title=f"{EVIL}{EVIL_SCRIPT}") as viewer:
        viewer.page.get_by_role("button", name="Tour", exact=True).click()
        viewer.page.get_by_text("Numbers", exact=True).click()
        viewer.settle()
        assert viewer.page.evaluate("window.pwned") is None
        assert viewer.dialogs == []
        assert viewer.page.locator("main img, header img, footer img").count() == 0
        assert viewer.page.title() == f"{EVIL}{EVIL_SCRIPT}"
        assert EVIL in viewer.page.get_by_role("note").inner_text()
        assert f"{EVIL}.mp4" in viewer.page.locator("footer").inner_text()
        assert len(viewer.requests) == 1


def test_a_damaged_page_says_so(chromium, tmp_path):
    text = export_html(clip_bytes(), title="Damaged")
    start = text.index('id="bundle">') + len('id="bundle">')
    (tmp_path / "damaged.html").write_text(text[:start] + "UEsDBA==" + text[text.index("</script>", start) :])
    page = chromium.new_page()
    page.goto((tmp_path / "damaged.html").as_uri())
    page.wait_for_selector("[role=alert]")
    assert "not a bundle" in page.locator("[role=alert]").inner_text()
    page.close()


def test_a_bundle_without_blocks_is_a_sentence(chromium, tmp_path):
    with opened(chromium, tmp_path, clip_bytes(blocks=lambda _: ())) as viewer:
        assert "no block" in viewer.page.locator(".nlv").inner_text()
        assert viewer.complaints == []


def test_bytes_that_are_no_bundle_are_not_exported():
    with pytest.raises(BundleError):
        export_html(b"PK\x03\x04", title="Nothing")
    assert decode_bundle(clip_bytes()).media.name == "clip.mp4"
