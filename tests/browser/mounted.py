"""The Streamlit component's script in a shadow root, with Streamlit's side of the contract played by the tests."""

from pages import Watched
from patience import rest

from nonlocal_core.viewer import viewer_css, viewer_js

SITE = "http://viewer.test"
PAGE = """<!doctype html><body style="margin:0; --st-text-color: #111; --st-background-color: #fff">
<div id="mount"></div><script type="module">
import component from "/viewer.js";
const root = document.getElementById("mount").attachShadow({ mode: "open" });
root.append(Object.assign(document.createElement("style"), { textContent: await (await fetch("/viewer.css")).text() }));
window.sent = [];
window.call = (data) => {
  window.cleanup = component({ data, parentElement: root, key: "viewer", name: "viewer",
    setStateValue: (name, value) => window.sent.push([name, value]), setTriggerValue: () => {} });
};
window.ready = true;
</script>"""


class Mounted(Watched):
    """A page with the component in a shadow root, as Streamlit mounts it; nothing leaves the machine."""

    def __init__(self, page, served):
        """``served`` is the bundle behind every address, or a bundle for each path."""
        super().__init__(page)
        self.fetches, self.served, self.status = 0, served, 200
        page.route(f"{SITE}/**", self._answer)
        page.goto(f"{SITE}/")
        page.wait_for_function("window.ready")

    def _answer(self, route):
        path = route.request.url.removeprefix(SITE)
        bodies = {
            "/": (PAGE, "text/html"),
            "/viewer.js": (viewer_js(), "text/javascript"),
            "/viewer.css": (viewer_css(), "text/css"),
        }
        if path in bodies:
            body, kind = bodies[path]
            return route.fulfill(body=body, content_type=f"{kind}; charset=utf-8")
        if not path.startswith("/bundle"):
            return route.fulfill(status=404, body="")
        self.fetches += 1
        body = self.served[path] if isinstance(self.served, dict) else self.served
        return route.fulfill(status=self.status, body=body, content_type="application/octet-stream")

    def call(self, data):
        self.page.evaluate("(data) => window.call(data)", data)

    def call_ready(self, data):
        self.call(data)
        self.page.wait_for_selector(".nlv[data-ready]")
        self.settle()

    def sent(self):
        """What Python has heard of, once the viewer's patience with moving pins is over."""
        rest(self.page, 350)
        return self.page.evaluate("window.sent")
