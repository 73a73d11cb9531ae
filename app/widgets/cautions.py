"""Cautions shown with an answer: on its block, on the clip, on parts of the network that could not be shown."""

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING
from unicodedata import combining, east_asian_width

import streamlit as st

from nonlocal_core import BlockCapture, Frames, Session
from nonlocal_core.look import unbroken

if TYPE_CHECKING:  # Compare has no charts to wait for
    import plotly.graph_objects as go

CHART_WIDTH = 320
"""Width in pixels of a line over a chart that fits a phone; Plotly itself breaks no lines."""
MOST_LINES = 2
"""Maximum number of lines of cautions over a chart."""
CHART_TYPE, CHART_LINE, CHART_GAP = 11, 14, 8
"""Heights in pixels of a letter of the cautions, of a line, and of the gap between the last line and the chart."""
BUTTONS = 36
"""Height in pixels of the buttons that Plotly draws over a chart, beside its title if it has one."""
WIDE, CAPITAL, COMMON = 0.95, 0.7, 0.55
"""Widths of Latin letters in units of their height, estimated generously; ideographs are as wide as high."""


def sentences(frames: Frames, notes: Iterable[str]) -> list[str]:
    """Return the notes of answers, then the warnings of their clip, without repetitions and empty ones."""
    return [sentence for sentence in dict.fromkeys((*notes, *frames.warnings)) if sentence]


def remark(frames: Frames) -> None:
    """Draw, folded, the assumptions about a file that players make too."""
    if frames.info.remarks:
        said = "".join(f"<p>{escape(sentence)}</p>" for sentence in frames.info.remarks)
        st.html(f"<details class='nlv-remark'><summary>About the file</summary>{said}</details>")


def tell(session: Session, block: BlockCapture) -> None:
    """Draw the cautions of a clip and a block below the choice of the block, and the proof of its reading."""
    draw([*sentences(session.frames, [block.warning]), *session.not_shown, block.proof])


def draw(said: Iterable[str]) -> None:
    """Draw sentences as plain text, so that a file's name in them is never read as markup."""
    st.html("".join(f"<p class='nlv-caution'>{escape(unbroken(sentence))}</p>" for sentence in said))


def oversize(most_mb: int, remedy: str) -> None:
    """Draw the maximum size of a file and the alternative, once the browser has refused a file above.

    Streamlit shows the reason only if a pointer rests on the file's name, and not the server's answer.
    """
    said = f"A file that is uploaded here has at most {most_mb} MB. {remedy}"
    busy = "A smaller file is refused only while too many are being uploaded at once: try again in a minute."
    st.html(f"<p class='nlv-oversize' role='alert'>{escape(unbroken(said))}<br>{busy}</p>")


def folded(said: Iterable[str]) -> None:
    """Draw, folded, the sentences for which charts above had no room."""
    said = list(said)
    if len(broken(" ".join(said))) > MOST_LINES:
        whole = "".join(f"<p>{escape(unbroken(sentence))}</p>" for sentence in said)
        st.html(f"<details class='nlv-remark'><summary>What to know of these charts</summary>{whole}</details>")


def written_on(figure: "go.Figure", said: Iterable[str], *, lead: str = "") -> "go.Figure":
    """Write sentences over a chart, so that a visitor's picture of the chart has them; return the chart.

    If there is no room for all, they are shortened; they show in full under a resting pointer, and on the page.
    ``lead`` as for `brief`.
    """
    said = list(said)
    whole = broken(" ".join(said))
    if not whole:
        return figure
    lines = whole if len(whole) <= MOST_LINES else broken(brief(said, lead))
    figure.add_annotation(
        text="<br>".join(map(escape, lines)),
        hovertext=None if lines is whole else "<br>".join(map(escape, whole)),
        font={"size": CHART_TYPE},
        align="left",
        showarrow=False,
        yshift=CHART_GAP,
        **{"xref": "paper", "x": 0, "xanchor": "left", "yref": "paper", "y": 1, "yanchor": "bottom"},
    )
    above = CHART_TYPE if figure.layout.title.text else BUTTONS
    room = CHART_LINE * len(lines) + above + CHART_GAP
    return figure.update_layout(
        title={"y": 1, "yref": "container", "yanchor": "top", "pad": {"t": CHART_TYPE}},
        margin={"t": figure.layout.margin.t + room},
        height=figure.layout.height + room,
    )


def brief(said: Sequence[str], lead: str = "") -> str:
    """Return the beginnings of as many sentences as fit over a chart, and the number of the others.

    ``lead``: a short form of the first sentence, which is kept longest.

    >>> brief(["Untrained: it shows nothing that was learned.", "A clip is cut short; it was long.", "Stretched. " * 9])
    'Untrained: it shows nothing that was learned. A clip is cut short. Stretched. In full on the page.'
    """
    sentences = [lead or said[0], *said[1:]]
    tried = [(count, ".;") for count in range(len(said), 0, -1)] + [(1, ".;:"), (1, ".;:,")]
    for count, ends in tried:
        heads = [re.split(rf"[{ends}](?:\s|$)", sentence, maxsplit=1)[0] for sentence in sentences[:count]]
        more = f"{len(said) - count} more: in full" if count < len(said) else "In full"
        text = f"{'. '.join(heads)}. {more} on the page."
        if len(broken(text)) <= MOST_LINES:
            return text
    return f"{'One caution' if len(said) == 1 else f'{len(said)} cautions'}: in full on the page."


def broken(text: str) -> list[str]:
    """Return the lines of a text over a chart; a word that is wider than a line is broken too.

    >>> [len(line) for line in broken("W" * 70 + " " + "\u5e83" * 40)]
    [30, 30, 10, 29, 11]
    """
    lines: list[str] = []
    line = ""
    for word in unbroken(" ".join(text.split())).split(" "):
        if line and _width(f"{line} {word}") <= CHART_WIDTH:
            line = f"{line} {word}"
            continue
        if line:
            lines.append(line)
        line = word
        while _width(line) > CHART_WIDTH:
            fits = next(count for count in range(len(line), 0, -1) if _width(line[:count]) <= CHART_WIDTH)
            lines.append(line[:fits])
            line = line[fits:]
    return [*lines, line] if line else lines


def _width(text: str) -> float:
    """Return the maximum width of a text in pixels, estimated from its letters."""
    return CHART_TYPE * sum(map(_ems, text))


def _ems(letter: str) -> float:
    if combining(letter):
        return 0
    if east_asian_width(letter) in "WF":
        return 1
    if letter in "MWmw@%&—…":
        return WIDE
    return CAPITAL if letter.isupper() else COMMON
