"""Progress of a verb, on a terminal."""

import sys


def tell(stage: str, done: int, total: int) -> None:
    """Rewrite one line on a terminal; stay silent in a pipe."""
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r{stage}: {done}/{total} ", end=end, file=sys.stderr, flush=True)
