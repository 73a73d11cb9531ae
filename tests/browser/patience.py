"""How long the browser tests wait: the machine may be busy, and nothing in them measures time."""

PATIENCE_MS = 240_000
"""Longest wait: at a load of 21 on two cores the first run of a new server took more than two minutes."""


def settled(page):
    """Wait until the page's script has run to its end: until then, elements of the run before may still stand there."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def rest(page, milliseconds):
    """Wait by the page's own clock, from its next drawing on: its shorter timers are over then, however busy it is."""
    page.evaluate(
        """(milliseconds) => new Promise((done) =>
            requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, milliseconds))))""",
        milliseconds,
    )
