"""Rows of one clip after its run through a network: figures, answers and picture, all from its session."""

from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from io import BytesIO

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from nonlocal_core.answers import AffinityRow
from nonlocal_core.capture import BlockCapture
from nonlocal_core.geometry import Cell, QueryGrid
from nonlocal_core.look import Look
from nonlocal_core.measures import measure_block
from nonlocal_core.pin import Point
from nonlocal_core.render import paint_clip
from nonlocal_core.saving.provenance import PACKAGES
from nonlocal_core.session import Session
from nonlocal_core.survey.masks import NO_MASKS, KnownMasks
from nonlocal_core.survey.records import Asked, Fact, Row, Score, Seen

DRAWN = 4
"""Number of questions beside the first one."""
SEED = 2018
TOP = 5
"""Number of cells kept of an answer."""
PICTURE_SIDE = 160
"""Longer side of each half of the picture, in pixels."""
JPEG_QUALITY = 80


def clip_rows(session: Session, *, place: int, clip: str, known: KnownMasks = NO_MASKS) -> tuple[Row, ...]:
    """Return one row for each block, in the order in which the blocks ran.

    ``place`` and ``clip``: the clip's place in the reading list, and its address. ``known``: masks of an object in it.
    """
    rows = (_row(session, block, place, clip) for block in session.capture.blocks)
    scores = (known.propagation(block) for block in session.capture.blocks)
    return tuple(
        replace(row, propagation=score, propagation_reason=reason)
        for row, (score, reason) in zip(rows, scores, strict=True)
    )


def questions(session: Session, block: BlockCapture) -> Iterator[tuple[str, Point]]:
    """Yield the fixed set of questions: the session's first one, then ``DRAWN`` cells by ``SEED``.

    The draws are fractions of the clip's length, height and width, so that clips of all sizes are asked at the same
    places.
    """
    grid, first = block.query_grid, session.first_question()
    cell = grid.nearest_cell(frame=min(max(first.frame, grid.span(0)[0]), grid.end_frame - 1), x=first.x, y=first.y)
    yield "first", _point(grid, cell)
    for t, y, x in np.random.default_rng(SEED).random((DRAWN, 3)):
        yield "drawn", _point(grid, Cell(int(t * grid.steps), int(y * grid.rows), int(x * grid.cols)))


def _point(grid: QueryGrid, cell: Cell) -> Point:
    return grid.span(cell.t)[0], *grid.center(cell)


def _row(session: Session, block: BlockCapture, place: int, clip: str) -> Row:
    frames, info, card = session.frames, session.frames.info, session.model.card
    found = measure_block(block, shown_hw=info.shown_hw, pts_seconds=frames.pts_seconds)
    answers = [
        (why, point, session.query(frame=point[0], x=point[1], y=point[2], block=block.name))
        for why, point in questions(session, block)
    ]
    return Row(
        place=place,
        clip=clip,
        model=card.id,
        name=info.name,
        sha256=info.sha256,
        kind=info.kind,
        shown_hw=info.shown_hw,
        duration_seconds=info.duration_seconds,
        frame_indices=tuple(frames.frame_indices.tolist()),
        pts_seconds=tuple(frames.pts_seconds.tolist()),
        warnings=frames.warnings,
        remarks=info.remarks,
        title=card.title,
        status=block.status,
        weights=tuple(Fact(name=name, value=digest) for name, digest in card.weights.items()),
        device=session.model.device.title,
        input_hw=session.view.input_hw,
        input_crop=session.view.crop,
        answer=tuple(Score(name=score.name, score=score.score) for score in session.capture.classes),
        unreadable=tuple(Fact(name=name, value=reason) for name, reason in session.unreadable),
        versions=tuple(Fact(name=name, value=version(name)) for name in PACKAGES),
        block=block.name,
        block_title=block.title,
        is_shown_first=block is session.block(),
        pairwise=block.pairwise,
        query_grid=block.query_grid.shape,
        key_grid=block.key_grid.shape,
        note=block.warning,
        proof=block.proof,
        rebuild_error=block.rebuild_error,
        rebuilt_queries=block.rebuilt_queries,
        effect=block.mean_effect,
        query_dependence=found.query_dependence,
        entropy=found.entropy,
        places=found.effective_keys,
        own_cell_share=found.own_cell_share,
        own_frame_share=found.own_step_share,
        distance=found.distance,
        frames_away=found.frames_away,
        seconds_away=found.seconds_away,
        top_times_uniform=found.top_times_uniform,
        query_count=found.query_count,
        silent_count=found.silent_count,
        key_count=found.key_count,
        table_bytes=2 * (block.theta.size + block.phi.size),
        temporal_profile=tuple(tuple(line) for line in found.temporal_profile.tolist()),
        asked=tuple(_asked(why, point, answer) for why, point, answer in answers),
        picture=_picture(frames.rgb, answers[0][2]),
    )


def _asked(why: str, point: Point, answer: AffinityRow) -> Asked:
    grid = answer.key_grid
    top = []
    for ranked in answer.top(TOP):
        x, y = grid.center(ranked.cell)
        frame = grid.span(ranked.cell.t)[0]
        top.append(Seen(frame=frame, x=x, y=y, weight=ranked.value, times_uniform=ranked.times_uniform))
    frame, x, y = point
    return Asked(why=why, frame=frame, x=x, y=y, top=tuple(top))


def _picture(frames: UInt8[np.ndarray, "frames height width 3"], answer: AffinityRow) -> bytes:
    """Return the asked frame under its heat, and the other frame with the most weight if there is one."""
    asked = answer.query_grid.span(answer.query.t)[0]
    small = [Image.fromarray(frame) for frame in frames]
    for picture in small:
        picture.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
    painted = list(paint_clip(np.stack([np.asarray(picture) for picture in small]), answer, Look()))
    shares = answer.per_step_share.copy()
    own = answer.key_grid.find_t(asked)
    if own is not None:
        shares[own] = 0
    shown = [painted[asked]]
    if shares.any():
        shown.append(painted[answer.key_grid.span(int(shares.argmax()))[0]])
    file = BytesIO()
    Image.fromarray(np.concatenate(shown, axis=1)).save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()
