"""Compare: one question, live over several blocks, networks or clips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

import streamlit as st

from nonlocal_core import Session, list_models, list_samples
from nonlocal_core.ancestors.filters import is_filter
from nonlocal_core.vocabulary import MOST_SIDES

from ..server import known_networks, tours, visit
from ..server.opened import OpenedClip
from ..server.visit import Choices
from ..widgets import address, cautions, open_button, saved_pages
from ..widgets.menus import block_titles, menu
from ..widgets.opening import open_page, open_with_progress
from ..widgets.viewer_component import Pane, side_by_side

Subject = Literal["blocks", "networks", "clips", "pages"]
SUBJECTS: dict[Subject, str] = {
    "blocks": "Blocks",
    "networks": "Networks",
    "clips": "Two clips",
    "pages": "Saved pages",
}
FIRST_BLOCKS = 4
"""Number of blocks compared on arrival, if there are that many."""
_KEY = "comparison"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Choice of the answers side by side; empty fields are chosen for the open clip and network."""

    subject: Subject = "blocks"
    blocks: tuple[str, ...] = ()
    """Names of the open network's blocks."""
    block: str = ""
    """Name of the block by which networks or clips are compared."""
    models: tuple[str, ...] = ()
    other: str = ""
    """The second clip."""


def draw() -> None:
    """Draw the page."""
    page = open_page("One question, several answers")
    if page is not None:
        _compare(*page)


def _compare(first: OpenedClip, choices: Choices) -> None:
    compared = _current()
    with st.container(horizontal=True, vertical_alignment="top", gap="small"):
        subject = st.segmented_control(
            "Compare",
            list(SUBJECTS),
            default=compared.subject,
            required=True,
            format_func=SUBJECTS.__getitem__,
            key="compare-subject",
            label_visibility="collapsed",
        )
        if subject != "pages":
            compared = _MENUS[subject](replace(compared, subject=subject), first)
    if subject == "pages":
        saved_pages.draw()
        address.keep(choices, {"compare": subject})
        return
    st.session_state[_KEY] = compared
    panes = _panes(compared, first, choices)
    if first.session.not_shown:
        cautions.draw(first.session.not_shown)
    if panes:
        _answer(tuple(panes), choices, compared, tours.kept(first.notes))
    else:
        address.keep(choices, to_link(compared))


@st.fragment
def _answer(panes: tuple[Pane, ...], choices: Choices, compared: Comparison, tour: tours.KeptTour) -> None:
    open_button.keep_wish()
    pin = side_by_side(panes, first=choices.pin, tour=tour)
    if pin != visit.current().pin:  # not `choices`: a fragment keeps those of the last whole run
        visit.update(pin=pin)
    address.keep(visit.current(), to_link(compared))


def _blocks_menu(compared: Comparison, first: OpenedClip) -> Comparison:
    titles = block_titles(first.session)
    known = [name for name in compared.blocks if name in titles]
    picked = st.multiselect(
        "Blocks",
        titles,
        default=known[:MOST_SIDES] or spread(list(titles)),
        format_func=titles.__getitem__,
        max_selections=MOST_SIDES,
        key=f"compare-blocks-{first.token}",
        label_visibility="collapsed",
        placeholder="Choose blocks",
    )
    return replace(compared, blocks=tuple(picked))


def _networks_menu(compared: Comparison, first: OpenedClip) -> Comparison:
    card = first.session.model.card
    titles = {card.id: card.title} | known_networks.menu() | known_networks.filter_titles(compared.models)
    networks = [name for name in titles if not is_filter(name)]  # a filter's title has no word that they share
    short = titles | dict(zip(networks, apart([titles[name] for name in networks]), strict=True))
    known = [name for name in compared.models if name in titles]
    shipped = dict.fromkeys([card.id, *(other.id for other in list_models())])
    picked = st.multiselect(
        "Networks",
        titles,
        default=(known or list(shipped))[:MOST_SIDES],
        format_func=short.__getitem__,
        max_selections=MOST_SIDES,
        key=f"compare-networks-{card.id}",
        label_visibility="collapsed",
        placeholder="Choose networks",
    )
    everywhere = [set(other.blocks) for other in list_models() if other.id in picked]
    return replace(compared, models=tuple(picked), block=_block_menu(compared, first, everywhere))


def _clips_menu(compared: Comparison, first: OpenedClip) -> Comparison:
    clips = {f"sample:{sample.id}": sample.title for sample in list_samples()}
    if compared.other:
        clips.setdefault(compared.other, "The clip that was kept")
    open_clip = visit.current().clip
    other = compared.other or next(clip for clip in clips if clip != open_clip)
    picked = menu("Second clip", clips, first=other, key=f"compare-clip-{other}", width=260)
    if st.button("Keep the open clip as the second", help="Then open another one as the first"):
        picked = open_clip
    return replace(compared, other=picked, block=_block_menu(compared, first))


def _block_menu(compared: Comparison, first: OpenedClip, everywhere: Sequence[set[str]] = ()) -> str:
    """Draw the menu of blocks; unless one was chosen, start with the last block that each of ``everywhere`` has."""
    titles = block_titles(first.session)
    common = [name for name in titles if all(name in names for names in everywhere)]
    known = compared.block if compared.block in titles else [*titles, *common][-1]
    return menu("Block", titles, first=known, key=f"compare-block-{first.token}", width=296)


_MENUS = {"blocks": _blocks_menu, "networks": _networks_menu, "clips": _clips_menu}


def _panes(compared: Comparison, first: OpenedClip, choices: Choices) -> list[Pane]:
    """Return the panes to show side by side, or none if a network or a clip could not be opened, which is reported."""
    if compared.subject == "blocks":
        titles = block_titles(first.session)
        return [_pane(first, choices, name, titles[name]) for name in compared.blocks]
    if compared.subject == "clips":
        exactly = choices.frame_indices  # of the first clip; as many of the other
        model = first.session.model.card.id if choices.model == "default" else choices.model  # not a sample's own
        other = replace(choices, clip=compared.other, frame_indices=None, model=model)
        wanted = [choices, replace(other, frames=len(exactly)) if exactly else other]
    else:
        wanted = [replace(choices, model=model) for model in compared.models]
    answers = []
    for one in wanted:
        opened = open_with_progress(replace(one, pin=None))
        if opened is None:
            return []
        answers.append(opened)
    if compared.subject == "clips":
        names = [opened.session.frames.info.name for opened in answers]
    else:
        names = apart([opened.session.model.card.title for opened in answers])
    return [
        _pane(opened, one, _there(opened.session, compared.block), name)
        for opened, one, name in zip(answers, wanted, names, strict=True)
    ]


def _pane(opened: OpenedClip, choices: Choices, block: str, title: str) -> Pane:
    clip = f"{choices.clip} {choices.frames} {choices.stride} {choices.start_seconds} {choices.frame_indices}"
    return Pane(token=opened.token, block=block, title=title, clip=clip)


def _there(session: Session, block: str) -> str:
    """Return the block of that name, or the one that is shown first if this network has no such block."""
    names = [captured.name for captured in session.capture.named]
    return block if block in names else session.block().name


def spread(names: Sequence[str]) -> list[str]:
    """Return a few of the names, evenly spaced from the first, since distant blocks of a deep network differ most."""
    count = min(len(names), FIRST_BLOCKS)
    return [names[position * len(names) // count] for position in range(count)]


def apart(titles: Sequence[str]) -> list[str]:
    """Return titles without their common first words, so that the differences are read first."""
    if len(set(titles)) < 2:
        return list(titles)
    words = [title.replace(",", "").split() for title in titles]
    shared = 0
    while min(len(line) for line in words) > shared + 1 and len({line[shared] for line in words}) == 1:
        shared += 1
    shortened = [" ".join(title.split()[shared:]) for title in titles]
    return [title[:1].upper() + title[1:] for title in shortened]


def _current() -> Comparison:
    if _KEY not in st.session_state:
        st.session_state[_KEY] = from_link(st.query_params.to_dict())
    return cast(Comparison, st.session_state[_KEY])


def to_link(compared: Comparison) -> dict[str, str]:
    """Return the query parameters that restore the comparison."""
    blocks = compared.blocks if compared.subject == "blocks" else (compared.block,)
    link = {"compare": compared.subject, "blocks": ",".join(blocks)}
    if compared.subject == "networks":
        link["networks"] = ",".join(compared.models)
    if compared.subject == "clips":
        link["with"] = compared.other
    return link


def from_link(params: Mapping[str, str]) -> Comparison:
    """Return the comparison that a link states. Parts that are not understood are left out, as everywhere."""
    named = params.get("compare")
    subject: Subject = next((subject for subject in SUBJECTS if subject == named), "blocks")
    blocks, models = (tuple(filter(None, params.get(key, "").split(","))) for key in ("blocks", "networks"))
    other = params.get("with", "")
    if subject == "blocks":
        return Comparison(blocks=blocks)
    return Comparison(subject=subject, block=next(iter(blocks), ""), models=models, other=other)
