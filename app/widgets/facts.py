"""Facts below the pictures of a step (`nonlocal_core.course.facts`), and pictures with a ring."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from nonlocal_core.look import unbroken

if TYPE_CHECKING:  # with torch, which the picture does not wait for
    from nonlocal_core.course.facts import Fact, Pictures


def draw(found: "tuple[Fact, ...]") -> None:
    """Draw the tables, sentences and pictures of these facts."""
    for fact in found:
        match fact.kind:
            case "table":
                _table(fact.head, fact.rows)
            case "said":
                st.html(f"<p class='nlv-said'>{escape(unbroken(fact.text))}</p>")
            case "pictures":
                st.html(_pictures(fact))


def _table(head: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
    top = "".join(f"<th scope='col'>{escape(cell)}</th>" if cell else "<td></td>" for cell in head)
    body = "".join(
        f"<tr><th scope='row'>{escape(first)}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in rest)}</tr>"
        for first, *rest in rows
    )
    st.html(f"<table class='nlv-figures-of'><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>")


def _pictures(fact: "Pictures") -> str:
    figures = "".join(figure(picture.address, picture.words, picture.ring) for picture in fact.pictures)
    return f"<section class='nlv-filtered'><h2>{escape(fact.title)}</h2><div>{figures}</div></section>"


def figure(address: str, words: str, ring_xy: tuple[float, float] | None = None) -> str:
    """Return a picture with words under it, as HTML. ``ring_xy``: the centre of a ring, in units of the picture."""
    ring = "" if ring_xy is None else f"<i style='left:{100 * ring_xy[0]:.2f}%;top:{100 * ring_xy[1]:.2f}%'></i>"
    return (
        f"<figure><div><img src='{address}' alt='{escape(words)}'>{ring}</div>"
        f"<figcaption>{escape(words)}</figcaption></figure>"
    )
