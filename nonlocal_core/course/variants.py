"""Variants of a step: the session to show, made from the one that was opened. Kept apart, since they need torch."""

from dataclasses import replace

from nonlocal_core.course.stages import Variant
from nonlocal_core.measures.variants import pooled, scopes_of, with_blocks
from nonlocal_core.session import Session


def varied(session: Session, variant: Variant) -> Session:
    """Return the session with the variants of its block ``stride16`` in place of its blocks.

    Raises ShapeError if they cannot be made from it.
    """
    block = session.block("stride16")
    if variant == "scopes":
        return with_blocks(session, scopes_of(block))
    return with_blocks(session, (pooled(block), replace(block, title="all keys")))
