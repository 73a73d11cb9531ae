"""Progress of a forward pass, step by step, for a listener in the current context.

A network reports its progress; nothing is stored on it, so two sessions that share it never interfere.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from nonlocal_core.vocabulary import Progress


class _Cancelled(BaseException):
    """Carrier of a listener's exception past code that turns a network's errors into sentences."""

    def __init__(self, stop: Exception) -> None:
        super().__init__()
        self.stop = stop


@contextmanager
def cancellable(tell: Progress) -> Iterator[Progress]:
    """Yield a reporter whose exceptions end the work inside the ``with``, whatever catches errors there."""

    def report(stage: str, done: int, total: int) -> None:
        try:
            tell(stage, done, total)
        except Exception as stop:
            raise _Cancelled(stop) from stop

    try:
        yield report
    except _Cancelled as cancelled:
        raise cancelled.stop from None


Listener = Callable[[int, int], None]
"""Listener of progress, called with the number of steps done and the total."""

_listener: ContextVar[Listener | None] = ContextVar("forward_progress", default=None)


@contextmanager
def forward_progress(listener: Listener) -> Iterator[None]:
    """Call ``listener(done, total)`` after every step of the networks that run inside the ``with``.

    An exception raised by the listener ends the forward pass, which is how a run is cancelled.
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def report_step(done: int, total: int) -> None:
    """Report to the listener of this context, if any, that ``done`` of ``total`` steps are done."""
    listener = _listener.get()
    if listener is not None:
        listener(done, total)
