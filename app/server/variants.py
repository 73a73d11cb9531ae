"""Sessions made from an opened one, such as its block with another sum, and held like sessions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from .budget import HELD
from .byte_store import BUNDLES, LazyBytes
from .opened import OpenedClip
from .resources import session_bytes

if TYPE_CHECKING:
    from nonlocal_core import Session


@dataclass(frozen=True, slots=True)
class _Variant:
    session: "Session"
    bundle: bytes
    columns: LazyBytes


def open_variant(opened: OpenedClip, name: str, make: "Callable[[Session], Session]") -> OpenedClip:
    """Return the clip with the session that ``make`` makes from its own; ``name`` identifies the variant.

    Raises NonlocalError if it cannot be made from this session.
    """
    variant = _variant(opened, name, make)
    token = BUNDLES.put(variant.bundle, later=variant.columns)
    return OpenedClip(token=token, notes=opened.notes, awaited=lambda: _variant(opened, name, make).session)


def _variant(opened: OpenedClip, name: str, make: "Callable[[Session], Session]") -> _Variant:
    key = ("variant", opened.token, name)
    kept = cast(_Variant | None, HELD.get(("session", key)))
    if kept is None:
        session = make(opened.session)
        kept = _Variant(session, session.bundle(columns=False), LazyBytes(session.columns_bundle))
        HELD.put(("session", key), kept, session_bytes(session) + len(kept.bundle))
    return kept
