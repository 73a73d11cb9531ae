"""Take the README's picture from the running app: ``make picture``."""

import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from serving import CHROMIUM, FLAGS, app_server

ROOT = Path(__file__).resolve().parents[1]

OUT = ROOT / "pretrained" / "explore.png"


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        app_server(Path(folder) / "log.txt") as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 880})
        page.goto(address)
        page.wait_for_selector("[data-q]", timeout=120_000)
        page.wait_for_selector("[data-test-script-state=notRunning]", timeout=120_000)
        page.screenshot(path=OUT)
        browser.close()
    Image.open(OUT).convert("RGB").save(OUT, optimize=True)
    print(f"{OUT.relative_to(ROOT)}: {OUT.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
