"""Process that reads files for ``apart``, one after the other, until its input ends; its output is the answers."""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from nonlocal_core.errors import NonlocalError
from nonlocal_core.media.frames import Frames
from nonlocal_core.media.limits import Limits
from nonlocal_core.media.reading import read_frames
from nonlocal_core.media.selection import Selection
from nonlocal_core.media.wire import info_as_json


def main(asked: IO[bytes], told: IO[bytes]) -> None:
    """Answer every question."""
    for line in iter(asked.readline, b""):
        _answer_one(json.loads(line), asked, told)


def _answer_one(question: dict[str, Any], asked: IO[bytes], told: IO[bytes]) -> None:
    source = asked.read(question["byte_count"]) if question["path"] is None else Path(question["path"])

    def say(**head: object) -> None:
        told.write(json.dumps(head).encode() + b"\n")
        told.flush()

    try:
        _answer(question, source, say, told)
    except NonlocalError as error:
        say(error=type(error).__name__, message=str(error))
    except MemoryError:
        say(error="MediaLimitError", message="Reading this file takes more memory than there is. Make it smaller.")


def _answer(question: dict[str, Any], source: Path | bytes, say: Callable[..., None], told: IO[bytes]) -> None:
    limits, name = Limits(**question["limits"]), question["name"]
    chosen = question["selection"]
    indices = chosen.pop("frame_indices")
    frames = read_frames(
        source,
        Selection(**chosen, frame_indices=None if indices is None else tuple(indices)),
        name=name,
        limits=limits,
        max_side=question["max_side"],
        progress=lambda done, total: say(progress=[done, total]),
    )
    _send(frames, say, told)


def _send(frames: Frames, say: Callable[..., None], told: IO[bytes]) -> None:
    say(
        shape=frames.rgb.shape,
        pts_seconds=frames.pts_seconds.tolist(),
        frame_indices=frames.frame_indices.tolist(),
        info=info_as_json(frames.info),
        warnings=frames.warnings,
    )
    told.write(frames.rgb.data.cast("B"))
    told.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints shall not stand among the answers
    main(sys.stdin.buffer, answers)
