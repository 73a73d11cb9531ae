"""Track: mark an object in one frame, and see where and how well the block finds it in all others."""

from collections.abc import Mapping
from hashlib import sha256

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from nonlocal_core import NonlocalError, Session
from nonlocal_core.measures.tracking import (
    TOP_K,
    CarriedMask,
    carry,
    known_masks,
    pointing_hits,
    read_boxes,
    region_similarity,
)
from nonlocal_core.render import paint_mask

from ..server.masks import read_masks
from ..server.memory import remembered
from ..server.opened import OpenedClip
from ..server.visit import Choices
from ..widgets import address, cautions, kept_track, open_button, unmarked
from ..widgets.kept_track import Found
from ..widgets.marks import Mark, linked, mark, what_to_find
from ..widgets.menus import chosen_block
from ..widgets.opening import open_page

MOST_KEYS = 50
PICTURE_WIDTH = 290
MAX_MASK_MB = 8
MASK_TYPES = ["png", "gif", "bmp", "webp", "csv"]


def draw() -> None:
    """Draw the page."""
    page = open_page("Is the same object found again?")
    if page is not None:
        _track(*page)


@st.fragment
def _track(opened: OpenedClip, choices: Choices) -> None:
    open_button.keep_wish()
    session = opened.session
    if len(session.frames.rgb) == 1:
        address.keep(choices)
        st.info("One picture has no other frames to find the object in. Open a video, an animation or another sample.")
        return
    block = chosen_block(session, choices, key="track-block")
    cautions.tell(session, block)
    truths = remembered(
        (session.frames.info.sha256, session.frames.frame_indices.tobytes(), "truths"),
        "Composing the exact masks",
        lambda _tell: known_masks(session.sample, session.frames.frame_indices),
    )
    left, right = st.columns(2)
    with right:
        way = what_to_find(session, truths)
        count, first = len(session.frames.rgb), session.first_question().frame
        asked = linked("marked", 1, range(1, count + 1))
        frame = st.slider("Marked frame", 1, count, asked[0] if asked else first + 1, key=f"track-frame-of-{count}") - 1
        k = st.slider(
            "Places that each position asks",
            1,
            MOST_KEYS,
            TOP_K,
            key="track-k",
            help="Each position of the other frames asks the places of the marked frame that it weighs most whether "
            "they belong to the object, and goes by the mean of their answers, stronger places counting more. Few: "
            "sharper, and easily misled. Many: smoother.",
        )
    try:
        with left:
            marked = mark(opened, block, truths, way, frame)
        with right:
            truth = _truth(session, truths, marked)
        address.keep(choices, {"block": block.name, "find": way, "marked": str(frame + 1)} | marked.link)
        carried = remembered(
            (opened.token, block.name, frame, k, marked.mask.tobytes()),
            "Looking for it in every frame",
            lambda tell: carry(block, marked.mask, frame=frame, k=k, progress=tell),
        )
    except NonlocalError as error:
        unmarked.hint(error)
        return
    _answer(Found(session=session, block=block, carried=carried, truth=truth))
    cautions.remark(session.frames)


def _truth(session: Session, truths: Mapping[str, np.ndarray], marked: Mark) -> np.ndarray | None:
    """Return the object's true masks, if they are known or given."""
    if marked.truth is not None:
        return truths[marked.truth]
    if truths:
        name = st.selectbox("Score against", ["nothing", *truths], key="track-truth")
        return truths.get(name)
    files = st.file_uploader(
        "True masks, one picture for each shown frame; or a table of boxes: frame, x0, y0, x1, y1 (0 to 1)",
        type=MASK_TYPES,
        accept_multiple_files=True,
        max_upload_size=MAX_MASK_MB,
        key="track-masks",
    )
    cautions.oversize(MAX_MASK_MB, "Save the masks as PNG with few colours, or as a table of boxes.")
    if not files:
        return None
    count, size_hw = len(session.frames.rgb), session.frames.rgb.shape[1:3]
    contents = [file.getvalue() for file in sorted(files, key=lambda file: file.name)]
    boxes = files[0].name.lower().endswith(".csv") and len(files) == 1
    if not boxes and len(files) != count:
        st.info(f"The clip shows {count} frames; {len(files)} masks were given. Give one for each, named in order.")
        return None
    try:
        return remembered(
            (sha256(b"".join(contents)).hexdigest(), session.frames.rgb.shape),
            "Reading masks",
            lambda tell: read_boxes(contents[0], count, size_hw) if boxes else read_masks(contents, size_hw, tell),
        )
    except NonlocalError as error:
        unmarked.failure(error)
        return None


def _answer(answer: Found) -> None:
    """Draw the result, and its score if the truth is known."""
    session, carried, truth = answer.session, answer.carried, answer.truth
    frames = session.frames.rgb
    found = carried.masks(frames.shape[1:3])
    similarity = None if truth is None else region_similarity(found, truth)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header("Where it is found", anchor=False, width="content")
        kept_track.offer(answer)
    if truth is not None and similarity is not None:
        _score(carried, truth, similarity, cautions.sentences(session.frames, [carried.note]))
    with st.container(horizontal=True, gap="small", key="frames-of-track"):
        for index, (frame, mask) in enumerate(zip(frames, found, strict=True)):
            if index == carried.frame:
                said = " · marked"
            else:
                said = "" if similarity is None else f" · J {similarity[index]:.2f}"
            words = f"frame {index + 1}{said}"
            st.image(
                paint_mask(frame, mask),
                caption=words,
                alt=f"F{words[1:]}, outlined where the object is found",
                width=PICTURE_WIDTH,
                output_format="JPEG",
            )
    st.caption(
        "Coloured is each position whose strongest places in the marked frame lie on the object, by more than half of "
        "their weight. No other frame, no motion and no shape helps: this is the block's map alone. "
        "After Jabri, Owens and Efros (2020). Finding the object again does not mean that the answer rests on it."
    )


def _score(carried: CarriedMask, truth: np.ndarray, similarity: np.ndarray, said: list[str]) -> None:
    others = np.arange(len(truth)) != carried.frame
    hits = pointing_hits(carried, truth)[others]
    seen = np.isfinite(hits)
    left, middle, right = st.columns([1, 1, 2])
    left.metric("Overlap with the truth, J", f"{similarity[others].mean():.3f}")
    left.caption(
        "Pixels that found and true object share, over all that either has; mean over the other frames. 1 is perfect."
    )
    middle.metric("Pointing hits", f"{int(hits[seen].sum())} of {int(seen.sum())}")
    middle.caption("Frames in which the most certain cell lies on the object, where it is to be seen.")
    figure = go.Figure(
        go.Bar(
            x=[str(index + 1) for index in range(len(truth))],
            y=np.where(others, similarity, np.nan),
            marker_color="#d9480f",
            hovertemplate="frame %{x}: J %{y:.3f}<extra></extra>",
        )
    )
    figure.update_layout(
        dragmode=False,
        height=170,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        xaxis={"title": "frame", "type": "category"},
        yaxis={"title": "overlap, J", "range": [0, 1]},
    )
    right.plotly_chart(
        cautions.written_on(figure, said), key="similarity", alt="Overlap with the true object in every frame"
    )
