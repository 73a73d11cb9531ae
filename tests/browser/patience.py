"""How long the browser tests wait: the machine may be busy, and nothing in them measures time."""

PATIENCE_MS = 60_000


def settled(page):
    """Wait until the page's script has run to its end: until then, elements of the run before may still stand there."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
