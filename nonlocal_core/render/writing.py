"""Files of figures (PNG) and numbers (NPZ, CSV), written completely or not at all."""

import csv
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from nonlocal_core.errors import RenderError
from nonlocal_core.geometry import Grid
from nonlocal_core.look import LETTERS, Answer

PRINT_DPI = 300
LEFT_OVER_SECONDS = 3600.0
"""Seconds without a new byte after which the writer of a part counts as killed; the slowest film writes more often."""
_PART = re.compile(r"\..+\.[0-9a-f]{32}\.part")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``. Rename it to ``path`` when the block ends, remove it if it fails.

    Leftovers of killed writers in the folder are removed first. Raises RenderError if the folder does not exist, if
    ``path`` is a folder, and if the disk refuses the file.
    """
    if not path.parent.is_dir():
        raise RenderError(f"The folder {path.parent} does not exist. Create it, or choose another place.")
    if path.is_dir():
        raise RenderError(f"{path} is a folder. Give the name of a file in it.")
    _remove_left_over(path.parent)
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        yield part
        part.replace(path)
    except OSError as fault:
        raise RenderError(
            f"{path} cannot be written: {fault.strerror or fault}. Make room, or give the right to write there, or "
            "choose another place."
        ) from fault
    finally:
        part.unlink(missing_ok=True)


def _remove_left_over(folder: Path) -> None:
    """Remove parts that have not been written to for long."""
    for part in folder.glob(".*.part"):
        try:
            if _PART.fullmatch(part.name) and time.time() - part.stat().st_mtime > LEFT_OVER_SECONDS:
                part.unlink()
        except OSError:  # another writer's, in a folder that many write to: not ours to remove
            continue


def write_png(path: Path, picture: UInt8[np.ndarray, "h w 3"], *, provenance: str = "") -> None:
    """Write a picture as PNG with the resolution of print. Its text ``provenance`` holds its origin."""
    notes = PngInfo()
    if provenance:
        notes.add_text("provenance", provenance)
    with replacing(path) as part:
        Image.fromarray(picture).save(part, format="PNG", dpi=(PRINT_DPI, PRINT_DPI), pnginfo=notes)


def write_npz(
    path: Path,
    answer: Answer,
    *,
    pts_seconds: Float[np.ndarray, " T"],
    about: str = "",
    provenance: str = "",
    beside: Sequence[Answer] = (),
) -> None:
    """Write one answer with everything needed to draw it again; ``numpy.load`` reads it without pickle.

    ``heat`` (T, H, W) in affinity units, and ``times_uniform_per_unit`` of it, ``direction``, ``asked_cell`` (t, y, x);
    ``asked_`` and ``grid_`` each ``shape`` (T, H, W), ``box`` (x0, y0, x1, y1) of the shown frame and ``frame_spans``
    (T, 2) half-open; ``pts_seconds``, and the texts ``note`` and ``provenance``. ``about`` is appended to the answer's
    own note. ``beside``: answers of other pins; then there are ``beside_heat`` (P, T, H, W), with
    ``beside_times_uniform_per_unit`` (P,) and ``beside_asked_cell`` (P, 3), the pin A first.
    """
    with replacing(path) as part, part.open("wb") as file:
        np.savez_compressed(
            file,
            heat=answer.heat,
            times_uniform_per_unit=np.array(answer.times_uniform_per_unit),
            step_share=answer.cell_share.sum(axis=(1, 2)),
            pairwise=np.array(answer.pairwise),
            direction=np.array(answer.direction),
            asked_cell=np.array(answer.asked),
            **_grid_arrays("asked", answer.asked_grid),
            **_grid_arrays("grid", answer.grid),
            **_pins(beside),
            pts_seconds=pts_seconds,
            note=np.array(f"{answer.note} {about}".strip()),
            provenance=np.array(provenance),
        )


def _pins(answers: Sequence[Answer]) -> dict[str, Any]:
    if not answers:
        return {}
    return {
        "beside_heat": np.stack([answer.heat for answer in answers]),
        "beside_times_uniform_per_unit": np.array([answer.times_uniform_per_unit for answer in answers]),
        "beside_asked_cell": np.array([answer.asked for answer in answers]),
    }


def _grid_arrays(name: str, grid: Grid) -> dict[str, Any]:
    return {
        f"{name}_shape": np.array(grid.shape),
        f"{name}_box": np.array(grid.box),
        f"{name}_frame_spans": np.array(grid.frame_spans),
    }


def write_csv(path: Path, answer: Answer, *, about: str = "", beside: Sequence[Answer] = ()) -> None:
    """Write one line for each position, in grid order, under the names frame,row,column,weight,times_uniform,note.

    ``beside``: answers of other pins; then a first column ``pin`` has their letters, A first, this one last.

    All are counted from 0; ``frame`` is the first frame of the clip that the position's step stands for.
    Weights are written so that float32 reads them back exactly. The note of the answer, and after it the sentences
    ``about`` it, appear once, in the first line, after a word: a cell that began with a file's name could be a formula.
    """
    answers, told = (*beside, answer), f"{answer.note} {about}".strip()
    pin = ("pin",) if beside else ()
    note = f"Note: {told}" if told else ""
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow((*pin, "frame", "row", "column", "weight", "times_uniform", "note"))
        for letter, one in zip(LETTERS, answers, strict=False):
            for index, weight in enumerate(one.heat.reshape(-1)):
                cell, times = one.grid.cell(index), float(weight) * one.times_uniform_per_unit
                frame = one.grid.span(cell.t)[0]
                lines.writerow((*(letter for _ in pin), frame, cell.y, cell.x, str(weight), f"{times:.6g}", note))
                note = ""
