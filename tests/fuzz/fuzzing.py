"""Damage files and links at random, and see that nothing comes but an answer or an error of our own.

    python tests/fuzz/fuzzing.py media 20000          # so many cases, from the first
    python tests/fuzz/fuzzing.py links 5000 --first 7000
    python tests/fuzz/fuzzing.py media 1 --first 4711  # one case again, with its traceback

Case N is the same on every machine with the same packages: its number seeds what is damaged and how. The cases run in
processes of their own, so that a decoder that crashes is a case with a number, too. `test_fuzzing.py` runs a share.
"""

import argparse
import faulthandler
import io
import json
import random
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl

from nonlocal_core.errors import NonlocalError

sys.path[:0] = [str(Path(__file__).parents[1] / "builders")]  # what is damaged is made there

BATCH = 2000
"""Cases of one process, which takes seconds to start."""
TOUR = [{"frame": 1, "x": 0.5, "y": 0.25, "caption": "here", "block": "one", "direction": "row"}] * 2
LINKS = (
    "clip=sample:bunny&model=lite0-gaussian&frames=8&stride=2&start_seconds=1.5&short_side=224&at=3,0.4000,0.3800"
    "&direction=column&block=stride8&also=1,0.1,0.2;2,0.3,0.4&minus=1,0.5,0.5&beside=2,0.3,0.4|1,0.2,0.2"
    "&temperature=0.5&view=each-over3",
    "clip=upload:0123&exactly=0,4,9,17&at=0,0,0",
    "clip=file:clip.mp4&model=pixels-nl-means&frames=64",
)
NUMBERS = (
    b"inf",
    b"nan",
    b"-1",
    b"1e999",
    b"9" * 400,
    b"0x10",
    "١٢".encode(),
    b"",
    b",",
    b";",
    b"|",
    b"%00",
    b"[]",
    b"{}",
)


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return the bytes with one to four faults: flipped, cut, doubled, moved, or with numbers at their ends."""
    made = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(made) + 1)
        length = chance.choice((1, 2, 4, 4, 8, 64, 1024))
        match chance.randrange(7):
            case 0 | 1 if at < len(made):
                made[at] ^= 1 << chance.randrange(8)
            case 2:
                made[at : at + 4] = chance.choice((b"\xff" * 4, b"\x7f\xff\xff\xff", bytes(4), b"\x80" + bytes(3)))
            case 3:
                del made[at : at + length]
            case 4:
                made[at:at] = made[at : at + length] * chance.choice((1, 1, 50))
            case 5:
                made[at:at] = chance.choice(NUMBERS)
            case 6 if chance.random() < 0.3:
                del made[at:]
    return bytes(made)


def try_media(data: bytes) -> None:
    """Read two frames of it."""
    from nonlocal_core.media import Selection, read_frames

    frames = read_frames(data, Selection(frames=2), name="damaged", max_side=64)
    assert len(frames.rgb) in (1, 2)
    assert max(frames.rgb.shape[1:3]) <= 64


def try_checkpoint(data: bytes) -> None:
    """Read it as a checkpoint."""
    from nonlocal_core.weights.checkpoint import read_checkpoint

    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        file.write(data)
        file.flush()
        assert read_checkpoint(Path(file.name)).tensors


def try_bundle(data: bytes) -> None:
    """Decode it."""
    from nonlocal_core.bundle import decode_bundle

    assert decode_bundle(data).blocks


def try_tour(data: bytes) -> None:
    """Open it as a tour of a clip of five frames."""
    from nonlocal_core.bundle import open_tour

    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(data)
        file.flush()
        stops = open_tour(Path(file.name), frame_count=5, blocks=["one"])
    assert all(0 <= stop.question.frame < 5 and 0 <= stop.question.x <= 1 for stop in stops)


def try_link(data: bytes) -> None:
    """Read it as the app reads a link, and write what was understood: that must be read as the same."""
    from nonlocal_core.app.server.visit import MOST_FRAMES, from_link, to_link

    params = dict(parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True))
    choices = from_link(params)
    assert from_link(to_link(choices)) == from_link(to_link(from_link(to_link(choices))))
    assert (choices.frames or 1) <= MOST_FRAMES
    assert choices.pin is None or (0 <= choices.pin.x <= 1 and 0 <= choices.pin.y <= 1)


def _pictures() -> list[bytes]:
    from media_files import stamped
    from PIL import Image

    frames = [Image.fromarray(stamped(number)) for number in range(3)]
    made = []
    for kind in ("PNG", "GIF", "WEBP", "AVIF", "TIFF", "JPEG", "BMP"):
        file = io.BytesIO()
        moves = {} if kind in ("JPEG", "BMP") else {"save_all": True, "append_images": frames[1:]}
        frames[0].save(file, kind, **moves)
        made.append(file.getvalue())
    return made


def _videos() -> list[bytes]:
    from media_files import stamps

    h264 = ("mp4", "mov", "matroska", "mpegts", "flv")
    return [stamps(5, container=kind) for kind in h264] + [
        stamps(5, container="avi", codec="mpeg4"),
        stamps(5, container="webm", codec="libvpx"),
        stamps(5, container="mpeg", codec="mpeg1video", rate=25),
        stamps(5, container="avi", codec="mjpeg", pix_fmt="yuvj420p"),
    ]


def _checkpoints() -> list[bytes]:
    import torch
    from checkpoint_bytes import caffe2_bytes, torch_bytes
    from safetensors.torch import save

    weights = {"theta.weight": torch.arange(21.0).reshape(3, 7), "phi.bias": torch.zeros(5, dtype=torch.float16)}
    return [caffe2_bytes(), torch_bytes(weights), torch_bytes(weights, legacy=True), save(weights)]


def _bundles() -> list[bytes]:
    from bundles import full_bundle

    return [full_bundle()]


Kind = tuple[Callable[[], list[bytes]], Callable[[bytes], None]]
KINDS: dict[str, Kind] = {
    "media": (lambda: _pictures() + _videos(), try_media),
    "checkpoints": (_checkpoints, try_checkpoint),
    "bundles": (_bundles, try_bundle),
    "tours": (lambda: [json.dumps(TOUR).encode()], try_tour),
    "links": (lambda: [link.encode() for link in LINKS], try_link),
}
"""What is damaged, and what is done with it."""


@cache
def whole(kind: str) -> Sequence[bytes]:
    """Return the undamaged files of a kind."""
    return KINDS[kind][0]()


def run_case(kind: str, number: int) -> bool:
    """Try one case, and return whether it was answered; else it was refused with an error of ours."""
    chance = random.Random(f"{kind} {number}")
    data = damaged(chance.choice(whole(kind)), chance)
    try:
        KINDS[kind][1](data)
    except NonlocalError as error:
        sentence = str(error)
    else:
        return True
    assert sentence.isprintable(), f"an error with control characters: {sentence!r}"
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0, help="number of the first case (0)")
    parser.add_argument("--here", metavar="FILE", help=argparse.SUPPRESS)  # in this process; the case in FILE
    options = parser.parse_args()
    if options.here or options.count == 1:
        faulthandler.enable()
        warnings.simplefilter("error")
        _run_here(options.kind, range(options.first, options.first + options.count), options.here)
        return
    began, failed, answered = time.monotonic(), [], 0
    with tempfile.NamedTemporaryFile() as note:
        first, stop = options.first, options.first + options.count
        while first < stop:
            count = min(BATCH, stop - first)
            command = [sys.executable, __file__, options.kind, str(count), "--first", str(first), "--here", note.name]
            done = subprocess.run(command, capture_output=True, text=True)
            at, right = map(int, Path(note.name).read_text().split())
            answered += right
            if done.returncode:
                failed.append(at)
                print(f"{options.kind} {at} ended with {done.returncode}:\n{done.stderr[-1500:]}", flush=True)
            first = at + 1
    print(
        f"{options.kind}: {options.count} cases from {options.first} in {time.monotonic() - began:.0f} s: {answered} "
        f"answered, {options.count - answered - len(failed)} refused, {len(failed)} failed{failed or ''}"
    )
    sys.exit(bool(failed))


def _run_here(kind: str, numbers: range, note: str | None) -> None:
    answered = 0
    for number in numbers:
        if note:
            Path(note).write_text(f"{number} {answered}")
        answered += run_case(kind, number)
        if note:
            Path(note).write_text(f"{number} {answered}")


if __name__ == "__main__":
    main()
