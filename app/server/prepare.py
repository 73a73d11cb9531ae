"""Preparation of the first picture, so that the first start of the server shows it at once: run this module."""

import sys

from nonlocal_core import NonlocalError

from .resources import first_session


def main() -> str | None:
    """Make the picture, and return the reason if that failed."""
    try:
        first_session(lambda stage, done, total: print(f"{stage} {done}/{total}"))  # noqa: T201 -- a command's output
    except NonlocalError as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main())
