"""A closed class: the pages stay shut until a provider of OpenID Connect, one that runs beside, has let somebody in."""

import subprocess
import sys

import pytest
import serving
from patience import PATIENCE_MS
from playwright.sync_api import expect
from serving import ROOT, app_server

pytestmark = pytest.mark.browser

SECRETS = """
[auth]
redirect_uri = "http://localhost:{app}/oauth2callback"
cookie_secret = "a long random text of nobody's own"
client_id = "viewer"
client_secret = "as the provider says"
server_metadata_url = "{provider}/.well-known/openid-configuration"
"""


@pytest.fixture
def provider():
    port = serving._free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)], stderr=subprocess.DEVNULL
    )
    yield f"http://localhost:{port}"
    process.terminate()
    process.wait()


def test_a_visitor_signs_in_at_a_provider_and_is_shown_the_viewer(page, provider, tmp_path, monkeypatch):
    port = serving._free_port()
    monkeypatch.setattr(serving, "_free_port", lambda: port)  # the provider is told the way back before the start
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text(SECRETS.format(app=port, provider=provider))
    script = str(ROOT / "app" / "start.py")
    with app_server(tmp_path / "log.txt", script, cwd=tmp_path, NONLOCAL_LOGIN="1") as address:
        page.goto(address)
        expect(page.get_by_role("heading", name="Sign in first")).to_be_visible()
        expect(page.locator(".nlv")).to_have_count(0)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{provider}/**")
        page.locator("input[name=sub]").fill("ann@school.example")
        page.get_by_role("button", name="Authorize").click()
        page.wait_for_url(f"{address}/**")
        page.wait_for_selector(".nlv[data-q]", timeout=PATIENCE_MS)
