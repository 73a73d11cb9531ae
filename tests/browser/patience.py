"""How long the browser tests wait: the machine may be busy, and nothing in them measures time."""

PATIENCE_MS = 90_000
