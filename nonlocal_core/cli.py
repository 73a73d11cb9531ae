"""The facade in a shell: ``python -m nonlocal_core query | render | samples | models | fetch | verify``."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from nonlocal_core.bundle import PRECISIONS, open_tour
from nonlocal_core.errors import NonlocalError
from nonlocal_core.media import list_samples
from nonlocal_core.media.intake import SAMPLE_PREFIX
from nonlocal_core.prepared import PreparedModel, prepare_checkpoint
from nonlocal_core.query import AffinityColumn, AffinityRow
from nonlocal_core.saving import FORMATS
from nonlocal_core.session import Session
from nonlocal_core.weights import list_models
from nonlocal_core.weights.cards import find_published_card, list_published
from nonlocal_core.weights.describe import describe_checkpoint
from nonlocal_core.weights.download import download

OK, REFUSED, INTERRUPTED = 0, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status: 0 done, 2 refused with a sentence, 130 interrupted."""
    options = _parser().parse_args(arguments)
    try:
        options.verb(options)
    except NonlocalError as error:
        print(f"nonlocal-viewer: {error}", file=sys.stderr)
        return REFUSED
    except BrokenPipeError:  # the reader, such as `head`, had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
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
    render.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="float16",
        help="of an .html: int8 is smaller and rounds more; the page says by how much",
    )
    render.add_argument(
        "--tour",
        type=Path,
        metavar="FILE",
        help="of an .html: its stops, as a JSON list of {frame, x, y, caption, block?, direction?}",
    )
    render.set_defaults(verb=_render)

    models = verbs.add_parser("models", help="networks: those that can be opened by name, and published checkpoints")
    models.add_argument("--json", action="store_true", help="print every card whole, as JSON")
    models.set_defaults(verb=_models)

    fetch = verbs.add_parser("fetch", help="download a published checkpoint, or go on where a download stopped")
    fetch.add_argument("id", help="of a published checkpoint, from `models`")
    fetch.set_defaults(verb=_fetch)

    verify = verbs.add_parser("verify", help="what a checkpoint file is, and whether it fills a network wholly")
    verify.add_argument("file", type=Path)
    verify.add_argument("--arch", help="the network that it should fill; left out, all are tried")
    verify.set_defaults(verb=_verify)

    samples = verbs.add_parser("samples", help="the clips that came with the installation")
    samples.set_defaults(verb=_samples)
    return parser


def _add_clip(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("clip", help=f"an image, a video, a folder of frames, or {SAMPLE_PREFIX}ID")
    network = parser.add_mutually_exclusive_group()
    network.add_argument(
        "--model", default="default", help="an id from `models`; a published checkpoint is fetched the first time"
    )
    network.add_argument("--weights", type=Path, metavar="FILE", help="a checkpoint file of your own")
    parser.add_argument("--arch", help="the network that the file of --weights fills; left out, all are tried")
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


def _network(options: argparse.Namespace) -> str | PreparedModel:
    model: str = options.model
    return model if options.weights is None else prepare_checkpoint(options.weights, options.arch, options.device)


def _open(options: argparse.Namespace) -> Session:
    return Session.open(
        options.clip,
        _network(options),
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
    return (
        first.frame if options.frame is None else options.frame,
        first.x if options.x is None else options.x,
        first.y if options.y is None else options.y,
    )


def _query(options: argparse.Namespace) -> None:
    session = _open(options)
    frame, x, y = _point(session, options)
    ask = session.query if options.direction == "row" else session.column
    answer = ask(frame=frame, x=x, y=y, block=options.block)
    if options.json:
        print(json.dumps(_as_json(session, answer, options.top), indent=2))
    else:
        print(_as_text(session, answer, options.top))


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
    shares = "  ".join(f"{100 * share:.0f}%" for share in answer.per_frame_share)
    cautions = (answer.note, *session.frames.warnings, *session.not_shown)
    said = (*cautions, *session.frames.info.remarks, session.block(answer.block).proof)
    lines = [f"Block {answer.block}, {answer.pairwise}.", *filter(None, said)]
    lines += [f"Share of each frame: {shares}", "Strongest cells:"]
    lines += [
        f"  frame cell {ranked.cell.t}, row {ranked.cell.y}, column {ranked.cell.x}: "
        f"{ranked.value:.4g}, {ranked.times_uniform:.1f} times uniform"
        for ranked in answer.top(count)
    ]
    return "\n".join(lines)


def _render(options: argparse.Namespace) -> None:
    session = _open(options)
    frame, x, y = _point(session, options)
    blocks = [block.name for block in session.capture.blocks]
    target = session.save(
        options.out,
        frame=frame,
        x=x,
        y=y,
        block=options.block,
        tour=options.tour and open_tour(options.tour, frame_count=len(session.frames.rgb), blocks=blocks),
        precision=options.precision,
        progress=_progress,
    )
    print(target)


def _models(options: argparse.Namespace) -> None:
    if options.json:
        shipped = [{"kind": "shipped", **asdict(card)} for card in list_models()]
        published = [
            {"kind": "published", **asdict(card), "licence": card.licence, "estimated_bytes": card.estimated_bytes}
            for card in list_published()
        ]
        print(json.dumps(shipped + published, indent=2))
        return
    print("Networks that can be opened by name:")
    for model in list_models():
        print(f"  {model.id:36} {model.status.replace('_', '-'):15} {model.title}")
    print("Published checkpoints that `fetch` downloads, about so large, under these licences:")
    for card in list_published():
        size = f"{card.estimated_bytes / 1e6:.0f} MB" if card.estimated_bytes else "?"
        print(f"  {card.id:60} {size:>7}  {card.licence}")


def _fetch(options: argparse.Namespace) -> None:
    print(download(find_published_card(options.id), progress=lambda done, total: _progress("Bytes", done, total or 0)))


def _verify(options: argparse.Namespace) -> None:
    print(describe_checkpoint(options.file, options.arch).sentence)


def _samples(_options: argparse.Namespace) -> None:
    for sample in list_samples():
        print(f"{SAMPLE_PREFIX}{sample.id:20} {sample.kind:6} {sample.title}: {sample.caption}")


def _progress(stage: str, done: int, total: int) -> None:
    """Rewrite one line on a terminal; stay silent in a pipe."""
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r{stage}: {done}/{total} ", end=end, file=sys.stderr, flush=True)
