"""Fixtures of the tests of checkpoints."""

from checkpoint_server import server

__all__ = ["server"]
