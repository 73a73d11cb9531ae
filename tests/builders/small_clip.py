"""A clip of two small frames, as the shell is asked for it and as the API opens it."""

from nonlocal_core import Session

SMALL = ["--frames", "2", "--short-side", "64"]


def small_session():
    return Session.open("sample:bunny", frames=2, short_side=64)
