"""Predict, then reveal: the reader marks where a position will look, then sees, with a score."""

from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from nonlocal_core import BlockCapture, Cell, NonlocalError, Session
from nonlocal_core.capture.rows import row_weights
from nonlocal_core.measures.prediction import Prediction, scored

from ..server.opened import OpenedClip
from ..words import learn
from . import cautions, unmarked
from .boxes import jpeg_url

_here = Path(__file__)
_component = st.components.v2.component(
    "nonlocal_predict",
    html=(
        "<div class='pair'><figure><figcaption></figcaption><div><img><i></i></div></figure><figure><figcaption>"
        "</figcaption><div><img><canvas tabindex='0' role='application'></canvas></div></figure></div>"
        "<button type='button' class='reveal'></button><button type='button' class='clear'></button>"
    ),
    js=_here.with_suffix(".js").read_text(encoding="utf-8"),
    css=_here.with_suffix(".css").read_text(encoding="utf-8"),
)
_TURN, _MARKS = "predict-turn", "predict-marks"


def tell(opened: OpenedClip, block_name: str) -> None:
    """Draw a question without its answer, and, once marks were made, the answer with the score."""
    session = opened.session
    block = session.block(block_name)
    turn = st.session_state.setdefault(_TURN, 0)
    key = f"{opened.token}-{turn}"
    query, step = _question(block, turn)
    words = learn().predict
    st.html(f"<h2 class='nlv-predict'>{escape(words['title'])}</h2><p>{escape(words['words'])}</p>")
    marks = st.session_state.get(_MARKS, {}).get(key)
    try:
        found = None if marks is None else scored(session, block, query, step=step, marked=_mask(block, marks))
    except NonlocalError as error:
        unmarked.hint(error)
        found = marks = None
    answer = _component(
        key=f"predict-{key}",
        data=_data(session, block, query, step)
        | {"marks": marks, "heat": _heat(block, query, step) if found else None},
        on_revealed_change=lambda: None,
    )
    sent = _cells(answer.revealed, block)
    if sent and marks is None:
        st.session_state[_MARKS] = {key: sent}
        st.rerun(scope="fragment")
    if found is not None:
        st.html(_scores(found))
        cautions.draw(cautions.sentences(session.frames, [block.warning]))
    if st.button(words["another"], key="predict-another"):
        st.session_state[_TURN] = turn + 1
        st.rerun(scope="fragment")


def _question(block: BlockCapture, turn: int) -> tuple[Cell, int]:
    """Return the cell that asks at this turn, not at the rim, and the step of the keys where marks are made."""
    steps, rows, cols = block.query_grid.shape
    rng = np.random.default_rng(turn)
    rim = [min(1, (size - 1) // 2) for size in (rows, cols)]
    at = Cell(int(rng.integers(steps)), *(int(rng.integers(r, s - r)) for r, s in zip(rim, (rows, cols), strict=True)))
    own = block.query_grid.own_key(at, block.subsample).t
    return at, (own + max(block.key_grid.steps // 2, 1)) % block.key_grid.steps


def _data(session: Session, block: BlockCapture, query: Cell, step: int) -> dict[str, Any]:
    keys, frames = block.key_grid, session.frames.rgb
    asked, target = block.query_grid.frame_spans[query.t][0], keys.frame_spans[step][0]
    words = learn().predict
    place = (query.x / block.query_grid.cols, query.y / block.query_grid.rows)
    return {
        "asked": jpeg_url(_seen(frames[asked], block)),
        "target": jpeg_url(_seen(frames[target], block)),
        "cell": place,
        "rows": keys.rows,
        "cols": keys.cols,
        "words": {
            "asked": words["asked"].format(frame=asked + 1),
            "target": words["target"].format(frame=target + 1),
            "reveal": words["reveal"],
            "clear": words["clear"],
            "keys": words["keys"],
        },
    }


def _seen(frame: np.ndarray, block: BlockCapture) -> np.ndarray:
    """Return the part of a frame that the cells tile, so that each cell is an even part of the picture."""
    height, width = frame.shape[:2]
    x0, y0, x1, y1 = block.key_grid.box
    return frame[round(max(y0, 0) * height) : round(y1 * height), round(max(x0, 0) * width) : round(x1 * width)]


def _heat(block: BlockCapture, query: Cell, step: int) -> list[float]:
    """Return the weight of each cell of the frame as a part of the largest there, the asked cell's as 0."""
    count = block.key_grid.rows * block.key_grid.cols
    weights = np.maximum(row_weights(block, query)[step * count : (step + 1) * count], 0)
    own = block.query_grid.own_key(query, block.subsample)
    if own.t == step:
        weights[own.y * block.key_grid.cols + own.x] = 0
    largest = float(weights.max())
    return [float(weight) for weight in np.round(weights / (largest or 1.0), 3)]


def _mask(block: BlockCapture, marks: list[int]) -> np.ndarray:
    mask = np.zeros((block.key_grid.rows, block.key_grid.cols), bool)
    mask.flat[marks] = True
    return mask


def _cells(sent: object, block: BlockCapture) -> list[int]:
    """Read what the browser sent. It may be anything, so nothing in it is trusted."""
    count = block.key_grid.rows * block.key_grid.cols
    listed = sent if isinstance(sent, list) else []
    return sorted({index for index in listed[:count] if type(index) is int and 0 <= index < count})


def _scores(found: Prediction) -> str:
    words = learn().predict
    shares = {"you": found.guess, "colour": found.colour, "blob": found.blob, "even": found.even, "best": found.best}
    rows = "".join(
        f"<tr><th scope='row'>{escape(words[name])}</th><td><i style='width:{100 * share:.1f}%'></i></td>"
        f"<td>{100 * share:.0f} %</td></tr>"
        for name, share in shares.items()
    )
    return (
        f"<section class='nlv-score' role='status'><p>{escape(words['score'].format(cells=found.cells))}</p>"
        f"<table><tbody>{rows}</tbody></table></section>"
    )
