"""Files of figures (PNG) and numbers (NPZ, CSV), written completely or not at all."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from nonlocal_core.errors import RenderError
from nonlocal_core.render.affinity import AffinityLike, times_uniform_per_unit
from nonlocal_core.render.scale import Scale

PRINT_DPI = 300


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``. Rename it to ``path`` when the block ends, remove it when it fails.

    Raises RenderError when the folder does not exist.
    """
    if not path.parent.is_dir():
        raise RenderError(f"The folder {path.parent} does not exist. Create it, or choose another place.")
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_png(path: Path, picture: UInt8[np.ndarray, "h w 3"], *, provenance: str = "") -> None:
    """Write a picture as PNG with the resolution of print. Its text ``provenance`` holds its origin."""
    notes = PngInfo()
    if provenance:
        notes.add_text("provenance", provenance)
    with replacing(path) as part:
        Image.fromarray(picture).save(part, format="PNG", dpi=(PRINT_DPI, PRINT_DPI), pnginfo=notes)


def write_npz(
    path: Path,
    row: AffinityLike,
    scale: Scale,
    *,
    pts_seconds: Float[np.ndarray, " T"],
    about: str = "",
    provenance: str = "",
) -> None:
    """Write one row with everything needed to draw it again; ``numpy.load`` reads it without pickle.

    ``values`` (N,) in affinity units, ``heat`` (T, H, W), ``query_cell`` (t, y, x), ``*_grid`` (T, H, W), ``*_box``
    (x0, y0, x1, y1) of the shown frame, ``*_frame_spans`` (T, 2) half-open, ``scale_limit``, ``pts_seconds``,
    and the texts ``note`` and ``provenance``. ``about`` is put after the row's own note.
    """
    with replacing(path) as part, part.open("wb") as file:
        np.savez_compressed(
            file,
            values=row.values,
            heat=row.heat,
            pairwise=np.array(row.pairwise),
            uniform=np.array(row.uniform),
            per_step_share=row.per_step_share,
            query_cell=np.array(row.query),
            query_grid=np.array(row.query_grid.shape),
            query_box=np.array(row.query_grid.box),
            query_frame_spans=np.array(row.query_grid.frame_spans),
            key_grid=np.array(row.key_grid.shape),
            key_box=np.array(row.key_grid.box),
            key_frame_spans=np.array(row.key_grid.frame_spans),
            scale_limit=np.array(scale.limit),
            scale_signed=np.array(scale.signed),
            pts_seconds=pts_seconds,
            note=np.array(f"{row.note} {about}".strip()),
            provenance=np.array(provenance),
        )


def write_csv(path: Path, row: AffinityLike, *, about: str = "") -> None:
    """Write one line for each key position, in grid order, under the names frame,row,column,weight,times_uniform,note.

    All are counted from 0; ``frame`` is the first frame of the clip that the key's step stands for.
    Weights are written so that float32 reads them back exactly. The note of the row, and after it the sentences
    ``about`` it, stand once, in the first line, behind a word: a cell that began with a file's name could be a formula.
    """
    per_unit, told = times_uniform_per_unit(row), f"{row.note} {about}".strip()
    note = f"Note: {told}" if told else ""
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(("frame", "row", "column", "weight", "times_uniform", "note"))
        for index, weight in enumerate(row.values):
            cell = row.key_grid.cell(index)
            times = abs(float(weight)) * per_unit
            lines.writerow(
                (row.key_grid.span(cell.t)[0], cell.y, cell.x, str(weight), f"{times:.6g}", "" if index else note)
            )
