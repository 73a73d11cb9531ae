"""Count how often the first question of a clip falls on an object that was outlined by hand.

    python -m benchmarks.first_question [folder]

The clips are those of tests/data/real_clips.json: the samples of the installation, and what lies in the folder. Every
one is opened with the default network as if nobody had curated it. Prints a Markdown table.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

from nonlocal_core import Selection, Session, find_sample
from nonlocal_core.look import percent
from pretrained.recipe.real import outlined
from pretrained.recipe.runs import OUTLINES


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    print("| clip | asked | on the object | stays on its own cell |")
    print("|---|---|---|---|")
    hits = clips = 0
    for entry in json.loads(OUTLINES.read_text(encoding="utf-8")):
        path = _locate(entry, folder)
        if path is None:
            continue
        found = Session.open(path, frames=Selection(frame_indices=tuple(entry["frame_indices"])))
        pin = replace(found, sample=None).first_question()
        height, width = found.frames.info.shown_hw
        masks = outlined(entry["shapes"][pin.frame], (height, width), is_round=entry.get("round", False))
        hit = bool(masks[int(pin.y * height), int(pin.x * width)])
        row = found.answer(pin)
        own = percent(float(row.cell_share[row.own_cells].sum()))
        print(
            f"| {entry['id']} | frame {pin.frame}, {pin.x:.2f}, {pin.y:.2f} | {'yes' if hit else 'no'} | {own} |",
            flush=True,
        )
        hits, clips = hits + hit, clips + 1
    print(f"\nOn the object in {hits} of {clips}.")


def _locate(entry: dict[str, object], folder: Path | None) -> Path | None:
    if folder is not None and (folder / str(entry["file"])).is_file():
        return folder / str(entry["file"])
    source = find_sample(str(entry["sample"])).open() if "sample" in entry else None
    return source if isinstance(source, Path) else None


if __name__ == "__main__":
    main()
