"""Snapshots of two networks during training on who wore the mark: from the identity, and from the paper's start."""

from pathlib import Path

from safetensors.torch import save_file

from pretrained.recipe.mark.blocks import Answerer
from pretrained.recipe.mark.clips import CLIPS, read_shards
from pretrained.recipe.mark.task import cells_of
from pretrained.recipe.mark.training import Asked, clips_folder, make_data, run
from pretrained.recipe.mark.variants import VARIANTS
from pretrained.recipe.runs import Workshop
from pretrained.recipe.sources import Split

SEED = 1
STEPS: dict[str, tuple[int, ...]] = {
    "embedded_gaussian": (1, 50, 75, 100, 150, 300),
    "paper_start": (0, 1000, 1500, 2000, 2500),
}
"""Steps kept of each variant, besides the last. Before the first step from the identity W_z is zero, and nothing proves
the reading of a row. The paper's start stays on a plateau for the first thousand."""


def film(workshop: Workshop) -> None:
    """Train both networks of the first seed once more and store their snapshots, unless they exist already."""
    make_data(workshop)
    folder = film_folder(workshop)
    folder.mkdir(parents=True, exist_ok=True)
    for name, steps in STEPS.items():
        if (folder / f"{name}-end.safetensors").exists():
            continue
        variant = VARIANTS[name]
        shown = {split: _asked(workshop, split, variant.stride) for split in CLIPS}

        def keep(step: int, network: Answerer, name: str = name, steps: tuple[int, ...] = steps) -> None:
            if step in steps:
                save_file(network.state_dict(), folder / f"{name}-{step}.safetensors")

        network, found = run(variant, SEED, shown, keep=keep)
        (folder / f"{name}.txt").write_text(f"{found['steps']}\n", encoding="utf-8")
        save_file(network.state_dict(), folder / f"{name}-end.safetensors")
        workshop.tell(f"film, {name}: {found['won']:.3f} after {found['steps']} steps")


def film_folder(workshop: Workshop) -> Path:
    """Return the folder of the snapshots."""
    return workshop.folder / "mark" / "film"


def _asked(workshop: Workshop, split: Split, stride: int) -> Asked:
    clips = read_shards(clips_folder(workshop), split, stride)
    return Asked(clips=clips, cells=cells_of(clips.owners))
