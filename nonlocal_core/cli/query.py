"""``query``: one answer, as words or as JSON."""

import argparse
import json
from pathlib import Path

import numpy as np

from nonlocal_core.answers import AffinityColumn, AffinityRow
from nonlocal_core.cli.clip import add_clip, add_point, open_session, pin_of
from nonlocal_core.cli.progress import tell
from nonlocal_core.geometry import cells_mask
from nonlocal_core.look import answer_words, percent
from nonlocal_core.look.sentence import frame_words, place_words
from nonlocal_core.render import replacing
from nonlocal_core.session import Session


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    add_clip(parser)
    add_point(parser)
    parser.add_argument("--top", type=int, default=10, metavar="K", help="strongest cells to list (10)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--mask-out",
        type=Path,
        metavar="FILE.npz",
        help="write which cells have --times an even share, as masks",
    )
    parser.add_argument("--times", type=float, default=1.0, help="times an even share, for --mask-out (1)")


def run(options: argparse.Namespace) -> None:
    """Print the answer."""
    session = open_session(options)
    pin = pin_of(session, options)
    answer = session.answer(pin, progress=tell)
    if options.mask_out is not None:
        _write_mask(options.mask_out, session, answer, options.times)
    if options.json:
        print(json.dumps(_as_json(session, answer, options.top), indent=2))
    else:
        print(_as_text(session, answer, options.top))


def _write_mask(path: Path, session: Session, answer: AffinityRow | AffinityColumn, times: float) -> None:
    """Write ``cells`` (T, H, W) and ``pixels`` (frames, h, w), both bool; frames without cells are empty."""
    cells, size_hw = answer.mask(times), session.frames.info.shown_hw
    pixels = np.zeros((len(session.frames.rgb), *size_hw), bool)
    for index, frame in enumerate(pixels):
        t = answer.grid.find_t(index)
        if t is not None:
            frame[:] = cells_mask(cells[t], answer.grid, size_hw)
    with replacing(path) as part, part.open("wb") as file:
        np.savez_compressed(file, cells=cells, pixels=pixels, times_uniform=np.array(times))


def _as_json(session: Session, answer: AffinityRow | AffinityColumn, count: int) -> dict[str, object]:
    block = session.block(answer.block)
    return {
        "clip": {"name": session.frames.info.name, "sha256": session.frames.info.sha256},
        "model": session.model.card.id,
        "device": session.model.device.title,
        "block": answer.block,
        "pairwise": answer.pairwise,
        "status": block.status,
        "direction": answer.direction,
        "words": answer_words(answer),
        "cell": answer.asked._asdict(),
        "grid": answer.grid.shape,
        "per_step_share": answer.per_step_share.tolist(),
        "effect": block.mean_effect,
        "rebuild_error": block.rebuild_error,
        "proof": block.proof,
        "note": answer.note,
        "warnings": session.frames.warnings,
        "remarks": session.frames.info.remarks,
        "unreadable": [{"name": name, "reason": reason} for name, reason in session.unreadable],
        "top": [
            {"cell": ranked.cell._asdict(), "value": ranked.value, "times_uniform": ranked.times_uniform}
            for ranked in answer.top(count)
        ],
        "classes": [{"name": score.name, "score": score.score} for score in session.capture.classes],
    }


def _as_text(session: Session, answer: AffinityRow | AffinityColumn, count: int) -> str:
    shares = "  ".join(percent(share) for share in answer.per_step_share)
    cautions = (answer.note, *session.frames.warnings, *session.not_shown)
    said = (*cautions, *session.frames.info.remarks, session.block(answer.block).proof)
    lines = [answer_words(answer), f"Block {answer.block}, {answer.pairwise}.", *filter(None, said)]
    lines += [f"Share of each step of time: {shares}", "Strongest cells:"]
    lines += [
        f"  {frame_words(answer.grid, ranked.cell.t)}, {place_words(ranked.cell)}: "
        f"{ranked.value:.4g}, {ranked.times_uniform:.1f} times an even share"
        for ranked in answer.top(count)
    ]
    return "\n".join(lines)
