"""Inspect: the effect of a block over the whole clip, in numbers and maps, and the answer without it."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from nonlocal_core import BlockCapture, NonlocalError, Pin, Session
from nonlocal_core.ancestors.filters import is_filter
from nonlocal_core.geometry import cells_in_box
from nonlocal_core.look import unbroken
from nonlocal_core.measures import BlockMeasures, affinity_matrix, effect_map, measure_block
from nonlocal_core.measures.ablation import Answer, answer, changeable_blocks, class_changes, moved

from ..server import visit
from ..server.memory import remembered
from ..server.opened import OpenedClip
from ..server.visit import Choices
from ..widgets import address, block_figures, cautions, open_button, unmarked
from ..widgets import inspect_charts as charts
from ..widgets.boxes import around, pick_box
from ..widgets.menus import chosen_block
from ..widgets.opening import open_page

PICTURE_WIDTH = 290
_WHOLE, _REGION = "The whole block", "What a region says"


def draw() -> None:
    """Draw the page."""
    page = open_page("What does this block do?")
    if page is not None:
        _inspect(*page)


@st.fragment
def _inspect(opened: OpenedClip, choices: Choices) -> None:
    open_button.keep_wish()
    session = opened.session
    block = chosen_block(session, choices, key="inspect-block")
    address.keep(choices, {"block": block.name})
    cautions.tell(session, block)
    measured = remembered(
        (opened.token, block.name, "measures"),
        "Asking a sample of positions",
        lambda tell: measure_block(
            block,
            shown_hw=session.frames.info.shown_hw,
            pts_seconds=session.frames.pts_seconds,
            progress=tell,
        ),
    )
    block_figures.draw(block, measured, adds=not is_filter(session.model.card.id))
    _over_time(opened, block, measured)
    _effect(session, block)
    _without(opened, block)
    cautions.remark(session.frames)


def _over_time(opened: OpenedClip, block: BlockCapture, measured: BlockMeasures) -> None:
    if block.key_grid.steps == 1:
        _matrix(opened, block)
        return
    left, right = st.columns(2)
    with left:
        st.header("From frame to frame", anchor=False)
        chart = _noted(opened, block, charts.profile(measured, block))
        st.plotly_chart(chart, key="profile", alt="Share of weight from frame to frame")
        st.caption(
            "Each row: how the weight of one frame's positions is shared over all frames. A bright diagonal means that "
            "frames look at themselves; it does not say at what in them."
        )
    with right:
        _matrix(opened, block)


def _matrix(opened: OpenedClip, block: BlockCapture) -> None:
    st.header("From every position to every other", anchor=False)
    found = remembered(
        (opened.token, block.name, "matrix"),
        "Computing the affinity matrix",
        lambda tell: affinity_matrix(block, progress=tell),
    )
    clicked = st.plotly_chart(
        _noted(opened, block, charts.matrix(found, block)),
        key=f"matrix-{opened.token}-{block.name}",
        on_select="rerun",
        selection_mode="points",
        alt="The affinity matrix",
    )
    points = clicked["selection"]["points"]
    if points:
        frame, x, y = charts.question(found, points[0]["point_index"])
        visit.update(pin=Pin(frame=frame, x=x, y=y, block=block.name))
        visit.go_to("explore")
    if found.is_whole:
        kind = "The affinity matrix itself, position by position."
    else:
        few = f", {found.queries_per_box} positions of each asked" if found.is_sampled else ""
        kind = f"Means over {found.query_bins.size} boxes of neighbouring positions{few}."
    st.caption(
        unbroken(
            f"{kind} Slanted lines: positions look at the same place of other frames. Upright lines: all look at one "
            f"place. The largest {100 - charts.CLIPPED_AT:.1g} % share the last colour. It shows who weighs whom, not "
            "what is passed on. Drag to zoom; click the strip on the left to see a position's row on the frames."
        )
    )


def _why_no_effect(block: BlockCapture) -> str:
    if block.adds_nothing:
        return (
            "Nowhere: this block only shows what its positions look at. It has no output of its own, "
            "so nothing in the network's answer rests on it."
        )
    if block.asker is not None:
        return "Known only where the positions of the picture ask."
    return (
        "Not known: the sum of what this layer gathers with its input was not seen. The network may mix it with other "
        "things first, or the layer may scale or norm that sum inside."
    )


def _noted(opened: OpenedClip, block: BlockCapture, chart: go.Figure) -> go.Figure:
    return cautions.written_on(chart, cautions.sentences(opened.session.frames, [block.warning]))


def _effect(session: Session, block: BlockCapture) -> None:
    st.header("Where it changes the features", anchor=False)
    effect = effect_map(block)
    if is_filter(session.model.card.id):
        st.info(
            "Everywhere: a filter puts the mean in the place of the pixel and does not add the pixel itself. "
            "Explore shows the pixels before and after."
        )
        return
    if effect is None:
        st.info(_why_no_effect(block))
        return
    if not effect.any():
        st.info(
            "Nowhere: the block's last layer is zero, as it is before training. Its maps can be drawn, "
            "but the network's answer would be the same without them."
        )
        return
    with st.container(horizontal=True, gap="small", key="frames-of-effect"):
        for frame, picture in charts.effect_pictures(session, block, effect).items():
            alt = f"Frame {frame + 1}, coloured where the block changes the features"
            st.image(picture, caption=f"frame {frame + 1}", alt=alt, width=PICTURE_WIDTH, output_format="JPEG")
    together = ", all heads together," if block.is_of_heads else ""
    said = (
        f"Size of what the block adds{together} at each position, measured against what it is added to "
        f"(|W_z y| / |x|). Full colour is {100 * float(effect.max()):.2g} %, one scale for all frames. Bright means "
        "that much was added there, not that it was useful."
    )
    st.caption(unbroken(said))


@st.fragment
def _without(opened: OpenedClip, block: BlockCapture) -> None:
    """Draw the answer without the block, or without the keys of a region."""
    st.header("What the answer is without it", anchor=False)
    session = opened.session
    if is_filter(session.model.card.id):
        st.info("There is no answer to compare: a filter makes pixels of pixels and names no classes.")
        return
    if block.name not in changeable_blocks(session):
        st.info(
            "There is nothing to switch off: this block adds nothing to the network's features, so the answer is the "
            "same without it. Choose a network whose non-local blocks take part in the answer."
            if block.adds_nothing
            else "This network is run as it came; only the blocks of networks that are built here can be taken away."
        )
        return
    modes = [_WHOLE, _REGION]
    how = st.segmented_control("Take away", modes, default=_WHOLE, required=True, key="inspect-how")
    cut = _region(session, block) if how == _REGION else None
    try:
        before = remembered(
            (opened.token, "answer"), "Running the network as it is", lambda tell: answer(session, progress=tell)
        )
        after = remembered(
            (opened.token, block.name, "answer without", None if cut is None else cut.tobytes()),
            "Running the network without",
            lambda tell: answer(
                session,
                switched_off=() if cut is not None else (block.name,),
                cut_keys={} if cut is None else {block.name: cut},
                progress=tell,
            ),
        )
    except NonlocalError as error:
        unmarked.failure(error)
        return
    _compared(before, after)


def _region(session: Session, block: BlockCapture) -> np.ndarray:
    """Draw the choice of a region and return the keys in it."""
    frames = session.frames.rgb
    left, right = st.columns([3, 2])
    with right:
        count = len(frames)
        frame = st.slider("Frame", 1, count, 1, key=f"inspect-frame-of-{count}") - 1 if count > 1 else 0
        everywhere = count > 1 and st.toggle("The same place in all frames", value=True, key="inspect-all")
    with left:
        box = pick_box(
            frames[frame],
            key=f"inspect-{session.frames.info.sha256}",
            first=around(session),
            note="Draw a box, or use the sliders: no position may look into it any more.",
        )
    cut = cells_in_box(block.key_grid, box, None if everywhere else (frame, frame + 1))
    with right:
        st.metric("Taken away", f"{int(cut.sum()):,} of {cut.size:,} places")
        rule = "share the whole weight" if block.is_softmax else "are divided by their own number"
        st.caption(f"In every row, the places that are left {rule}.")
    return cut


def _compared(before: Answer, after: Answer) -> None:
    changes = class_changes(before, after)
    left, right = st.columns([2, 3])
    with left:
        st.metric("Probability that changed hands", f"{100 * moved(before, after):.2f} %")
        st.caption(
            "Half the sum of all differences. A small figure: this answer hardly rests on what was taken away; that "
            "of another clip may. A large one shows an influence, not that it is a good one."
        )
        st.table(
            [
                {
                    "class": change.name,
                    "as it is": f"{100 * change.before:.2f} %",
                    "without": f"{100 * change.after:.2f} %",
                    "difference": f"{100 * (change.after - change.before):+.2f}",
                }
                for change in changes
            ]
        )
    right.plotly_chart(charts.classes(changes), key="classes", alt="Class probabilities as they are and without")
