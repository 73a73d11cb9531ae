"""Networks: the published ones with size and licence, and the visitor's own checkpoint file."""

from functools import partial

import streamlit as st

from nonlocal_core import NonlocalError
from nonlocal_core.weights.cache import fetched_ids
from nonlocal_core.weights.cards import PublishedCard, list_published
from nonlocal_core.weights.published import published_networks

from ..server import known_networks, visit
from ..server.known_networks import MAX_CHECKPOINT_MB
from ..server.uploading import let_go
from ..server.visitors import here
from ..widgets import cautions, unmarked

CHECKPOINT_TYPES = ["pkl", "pyth", "pth", "pt", "safetensors"]
"""Suffixes that the file dialog offers; the content of a file decides its kind."""
_ANY = "Find out from the file"

_IN_PYTHON = """\
from nonlocal_core import Session

session = Session.from_model(model.eval(), "clip.mp4", frames=8)
session                                   # in a notebook: the viewer
session.save("page.html", frame=3, x=0.5, y=0.4)
"""


def draw() -> None:
    """Draw the page."""
    visit.current()
    st.html(
        "<div class='nlv-heading'><h1>Which network looks?</h1>"
        "<p>The networks of the paper with their published weights, or a checkpoint of your own.</p></div>"
    )
    published, own, python = st.tabs(["Published networks", "A checkpoint file", "A model in Python"])
    with published:
        _published()
    with own:
        _own()
    with python:
        st.markdown(
            "Any `torch` network with non-local blocks or self-attention opens from Python: its blocks are found, and "
            "each is proved by rebuilding its output. A browser never hands code to this server."
        )
        st.code(_IN_PYTHON, language="python")


def _published() -> None:
    st.caption(
        "Nothing is fetched before you press the button. A fetched network is checked, converted once to safetensors "
        "and kept on this machine."
    )
    every = st.toggle("Also those without non-local blocks, and those that cannot be opened here")
    cards = [card for card in list_published() if every or _can_open(card)]
    try:
        here = fetched_ids()
    except NonlocalError as error:
        unmarked.failure(error)
        return
    by_id = {card.id: card for card in cards if _can_open(card)}
    table = f"published-{len(cards)}"

    def take_over() -> None:
        chosen = st.session_state[table]["selection"]
        lines = [*chosen["rows"], *(line for line, _column in chosen["cells"])]
        if lines and cards[lines[-1]].id in by_id:
            st.session_state["published-network"] = cards[lines[-1]].id

    st.dataframe(
        [_line(card, here=card.id in here) for card in cards],
        hide_index=True,
        key=table,
        on_select=take_over,
        selection_mode=["single-row", "single-cell"],
        height=320,
        column_config={"licence of the weights": st.column_config.Column(width="large")},
    )
    picked = by_id[
        st.selectbox(
            "Network, chosen here or by a click in the table",
            by_id,
            format_func=lambda name: f"{by_id[name].title} · {name}",
            key="published-network",
        )
    ]
    st.markdown(
        f"**{picked.title}**, from [{picked.repository.removeprefix('https://')}]({picked.repository}), "
        f"{_size(picked)}. Licence: {picked.licence}. {picked.note}"
    )
    verb = "Open" if picked.id in here else "Fetch and open"
    if st.button(verb, type="primary", key="fetch"):
        slot = st.empty()
        try:
            model = known_networks.fetch(picked, partial(_tell, slot))
        except NonlocalError as error:
            slot.html(unmarked.alert(error))
        else:
            _show(model)


def _own() -> None:
    st.caption(
        "Caffe2 .pkl, PySlowFast .pyth, MMAction2, GluonCV and other .pth files, or safetensors, of a network whose "
        "architecture is known here. A file is read as numbers only: one that tries to run code is refused."
    )
    file = st.file_uploader(
        "Checkpoint file", type=CHECKPOINT_TYPES, max_upload_size=MAX_CHECKPOINT_MB, key="checkpoint"
    )
    cautions.oversize(MAX_CHECKPOINT_MB, "Open a larger one in a shell: nonlocal-viewer query CLIP --weights FILE")
    titles = {network.arch: network.config.title for network in published_networks()}
    arch = st.selectbox(
        "Architecture",
        [_ANY, *titles],
        format_func=lambda name: f"{titles[name]} · {name}" if name in titles else name,
        help="Strides, paddings and the softmax scale leave no trace in a file. Where several networks fit, say which.",
    )
    weights = st.text_input(
        "Set of weights",
        placeholder="the usual one",
        help="Where a file holds several, such as a student and a teacher, the name of one; ema: the running average.",
        max_chars=80,
        key="set-of-weights",
    ).strip()
    if not st.button("Open the checkpoint", type="primary", disabled=file is None, key="open-checkpoint") or not file:
        return
    with st.spinner("Reading the checkpoint"):
        try:
            model = known_networks.open_file(
                file.getvalue(), file.name, None if arch == _ANY else arch, weights=weights or None
            )
        except NonlocalError as error:
            unmarked.failure(error)
            return
    let_go(here(), file)
    _show(model)


def _tell(slot: st.delta_generator.DeltaGenerator, stage: str, done: int, total: int) -> None:
    slot.progress(min(done / total, 1.0), text=f"{stage}: {done / 1e6:.0f} of {total / 1e6:.0f} MB")


def _show(model: str) -> None:
    """Open the current clip with the network, sampled as in the network's training."""
    visit.update(model=model, frames=None, stride=None, frame_indices=None, short_side=None)
    visit.go_to("explore")


def _can_open(card: PublishedCard) -> bool:
    return card.arch is not None and card.url is not None and card.blocks > 0


def _line(card: PublishedCard, *, here: bool) -> dict[str, object]:
    return {
        "network": card.title,
        "source": card.id.split("/")[0],
        "blocks": card.blocks,
        "function": (card.pairwise or "").replace("_", " "),
        "frames": card.frames,
        "top-1 as published, %": card.accuracy.get("top-1 %"),
        "size": _size(card),
        "licence of the weights": card.licence,
        "on this machine": "yes" if here else "",
    }


def _size(card: PublishedCard) -> str:
    return "of unknown size" if card.estimated_bytes is None else f"{card.estimated_bytes / 1e6:.0f} MB"
