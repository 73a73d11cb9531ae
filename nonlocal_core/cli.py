"""The facade in a shell: ``python -m nonlocal_core query | models | samples | render``."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from nonlocal_core.errors import NonlocalError
from nonlocal_core.media import list_samples
from nonlocal_core.query import AffinityColumn, AffinityRow
from nonlocal_core.session import FORMATS, SAMPLE_PREFIX, Session
from nonlocal_core.weights import list_models

OK, REFUSED, INTERRUPTED = 0, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status: 0 done, 2 refused with a sentence, 130 interrupted."""
    options = _parser().parse_args(arguments)
    try:
        options.verb(options)
    except NonlocalError as error:
        print(f"nonlocal-viewer: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print("nonlocal-viewer: interrupted; nothing was left half-written.", file=sys.stderr)
        return INTERRUPTED
    return OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nonlocal-viewer", description="Where does this position look?")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    query = verbs.add_parser("query", help="where one position of a clip looks, as numbers")
    _add_clip(query)
    _add_point(query)
    query.add_argument("--direction", choices=["row", "column"], default="row", help="column: who looks at it")
    query.add_argument("--top", type=int, default=10, metavar="K", help="strongest cells to list (10)")
    query.add_argument("--json", action="store_true", help="print JSON")
    query.set_defaults(verb=_query)

    render = verbs.add_parser("render", help="write the answer to one question as a file")
    _add_clip(render)
    _add_point(render)
    render.add_argument("--out", type=Path, required=True, help=f"a path ending in {', '.join(FORMATS)}")
    render.set_defaults(verb=_render)

    models = verbs.add_parser("models", help="the networks that can be opened by name")
    models.add_argument("--json", action="store_true", help="print JSON")
    models.set_defaults(verb=_models)

    samples = verbs.add_parser("samples", help="the clips that came with the installation")
    samples.set_defaults(verb=_samples)
    return parser


def _add_clip(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("clip", help=f"an image or a video, or {SAMPLE_PREFIX}ID")
    parser.add_argument("--model", default="default", help="an id from `models`")
    parser.add_argument("--frames", type=int, help="how many frames (8)")
    parser.add_argument("--stride", type=int, help="take every n-th frame; left out, they are spread over the clip")
    parser.add_argument("--start", type=float, metavar="SECONDS", help="where to begin")
    parser.add_argument("--frame-indices", type=int, nargs="+", metavar="I", help="exactly these frames of the file")
    parser.add_argument("--short-side", type=int, metavar="PIXELS", help="of the network's input")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")


def _add_point(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--frame", type=int, help="of the frames that were read, from 0")
    parser.add_argument("--x", type=float, help="0 left to 1 right")
    parser.add_argument("--y", type=float, help="0 top to 1 bottom")
    parser.add_argument("--block", help="a block of the network; left out, the one that is shown first")


def _open(options: argparse.Namespace) -> Session:
    return Session.open(
        options.clip,
        options.model,
        frames=options.frames,
        stride=options.stride,
        start_seconds=options.start,
        frame_indices=tuple(options.frame_indices) if options.frame_indices else None,
        short_side=options.short_side,
        device=options.device,
        progress=_progress,
    )


def _point(session: Session, options: argparse.Namespace) -> tuple[int, float, float]:
    """Return the point asked for; what was left out is the clip's own first question."""
    first = session.first_question()
    given = (options.frame, options.x, options.y)
    frame, x, y = (own if value is None else value for value, own in zip(given, (first.frame, first.x, first.y)))
    return frame, x, y


def _query(options: argparse.Namespace) -> None:
    session = _open(options)
    frame, x, y = _point(session, options)
    ask = session.query if options.direction == "row" else session.column
    answer = ask(frame=frame, x=x, y=y, block=options.block)
    print(json.dumps(_as_json(session, answer, options.top), indent=2) if options.json else _as_text(answer, options.top))


def _as_json(session: Session, answer: AffinityRow | AffinityColumn, count: int) -> dict[str, object]:
    block = session.block(answer.block)
    asked = answer.query if isinstance(answer, AffinityRow) else answer.key
    return {
        "clip": {"name": session.frames.info.name, "sha256": session.frames.info.sha256},
        "model": session.model.card.id,
        "device": session.model.device.title,
        "block": answer.block,
        "pairwise": answer.pairwise,
        "status": block.status,
        "direction": "row" if isinstance(answer, AffinityRow) else "column",
        "cell": asked._asdict(),
        "grid": answer.grid.shape,
        "per_frame_share": answer.per_frame_share.tolist(),
        "effect": block.mean_effect,
        "rebuild_error": block.rebuild_error,
        "top": [
            {"cell": ranked.cell._asdict(), "value": ranked.value, "times_uniform": ranked.times_uniform}
            for ranked in answer.top(count)
        ],
        "classes": [{"name": score.name, "score": score.score} for score in session.capture.classes],
    }


def _as_text(answer: AffinityRow | AffinityColumn, count: int) -> str:
    shares = "  ".join(f"{100 * share:.0f}%" for share in answer.per_frame_share)
    lines = [f"Block {answer.block}, {answer.pairwise}.", f"Share of each frame: {shares}", "Strongest cells:"]
    lines += [
        f"  frame cell {ranked.cell.t}, row {ranked.cell.y}, column {ranked.cell.x}: "
        f"{ranked.value:.4g}, {ranked.times_uniform:.1f} times uniform"
        for ranked in answer.top(count)
    ]
    return "\n".join(lines)


def _render(options: argparse.Namespace) -> None:
    session = _open(options)
    frame, x, y = _point(session, options)
    print(session.save(options.out, frame=frame, x=x, y=y, block=options.block, progress=_progress))


def _models(options: argparse.Namespace) -> None:
    cards = list_models()
    if options.json:
        print(json.dumps([_card_as_json(card) for card in cards], indent=2))
        return
    for card in cards:
        print(f"{card.id:26} {card.status.replace('_', '-'):15} {card.title}")


def _samples(_options: argparse.Namespace) -> None:
    for sample in list_samples():
        print(f"{SAMPLE_PREFIX}{sample.id:20} {sample.kind:6} {sample.title}: {sample.caption}")


def _progress(stage: str, done: int, total: int) -> None:
    """Rewrite one line on a terminal; stay silent in a pipe."""
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r{stage}: {done}/{total} ", end=end, file=sys.stderr, flush=True)
