"""Steps of the recipe and their files: clips, runs, evaluations. An interrupted step continues where it stopped."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from nonlocal_core.models.lite0 import CHANNELS_STRIDE16, Lite0
from nonlocal_core.models.lite0_networks import JOINT_CHANNELS, MENDING
from nonlocal_core.models.normalised import NormalisedBlock, NormalisedProbe
from nonlocal_core.models.parameter_free import ParameterFreeGaussian
from nonlocal_core.vocabulary import PAIRWISE, Pairwise
from nonlocal_core.weights import find_card
from nonlocal_core.weights.lite0 import load_lite0
from pretrained.recipe.damage import JUDGED, TAUGHT
from pretrained.recipe.evaluate import Judged, PerClip, evaluate_answers, evaluate_real, evaluate_rows, summary
from pretrained.recipe.features import CLIPS, COARSE, FINE, read_shards, write_shards
from pretrained.recipe.losses import Task
from pretrained.recipe.real import load_real_clips
from pretrained.recipe.shown import Shown
from pretrained.recipe.sources import SPLIT_SHARES, digest, download, load_sources
from pretrained.recipe.train import (
    Log,
    Settings,
    Tell,
    new_block,
    passed_through,
    train_affinity,
    train_output,
    usual_settings,
)

OUTLINES = Path(__file__).parents[2] / "tests" / "data" / "real_clips.json"
BASELINE = "parameter_free"
TASKS: dict[Pairwise, tuple[Task, ...]] = {
    pairwise: ("find", "mend", "refine") if pairwise in MENDING else ("find", "refine") for pairwise in PAIRWISE
}
"""Tasks of the blocks of a network, in the order in which they run."""
RIVALS = ("self", "place")
"""Fixed rows for which the output path is trained again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Folder of everything that the recipe makes, which may be deleted, and the function that reports progress."""

    folder: Path
    tell: Tell

    @property
    def clips(self) -> Path:
        """Folder of the shards of features."""
        return self.folder / "clips"

    def run(self, pairwise: Pairwise, seed: int, task: Task = "find") -> Path:
        """Return the folder of one block's run."""
        return self.folder / "runs" / f"{pairwise}-{seed}" / task

    def evaluation(self, pairwise: Pairwise, seed: int) -> Path:
        """Return the file of one network's evaluation."""
        return self.folder / "runs" / f"{pairwise}-{seed}" / "evaluation.json"


def trunk() -> Lite0:
    """Return the frozen network that the blocks are trained in."""
    return load_lite0(find_card().weights)


def make_data(workshop: Workshop) -> None:
    """Download the pictures and write the clips of all splits. Raises MediaError if the download fails."""
    sources = workshop.folder / "sources"
    workshop.tell("Downloading pictures")
    download(sources)
    counts: dict[str, Any] = {}
    for split in SPLIT_SHARES:
        loaded = load_sources(sources, split)
        counts[split] = {"stamps": len(loaded.stamps), "photos": len(loaded.photos), "names": digest(loaded.names)}
        versions = TAUGHT if split == "train" else JUDGED
        write_shards(workshop.clips, loaded, trunk(), split, CLIPS[split], workshop.tell, versions=versions)
    _write_json(workshop.folder / "data.json", counts | {"clips": dict(CLIPS)})


def train(workshop: Workshop, settings: Settings) -> Path:
    """Train one block and return its folder; parts that are finished already are read from there.

    The input of a block that mends is the output of the block of the same seed that finds. A block that refines is also
    given the features that the rows of that block gather.
    """
    if not (workshop.folder / "data.json").exists():
        make_data(workshop)
    folder = workshop.run(settings.pairwise, settings.seed, settings.task)
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "block.safetensors").exists():
        return folder
    shown = _shown_to(workshop, settings)
    block, log = new_block(settings), Log(settings=settings)
    halfway = folder / "affinity.safetensors"
    if halfway.exists():
        block.load_state_dict(load_file(halfway))
        earlier = json.loads((folder / "log.json").read_text(encoding="utf-8"))
        log = Log(settings=settings, seconds=earlier["seconds"], losses=earlier["losses"])
    else:
        train_affinity(block, shown, settings, log, workshop.tell)
        _write_json(folder / "log.json", log.as_json())
        save_file(block.state_dict(), halfway)
    if isinstance(block, NormalisedBlock):
        train_output(block, trunk(), shown.clips, settings, log, workshop.tell)
        _write_json(folder / "log.json", log.as_json())
    save_file(block.state_dict(), folder / "block.safetensors")
    return folder


def _shown_to(workshop: Workshop, settings: Settings) -> Shown:
    clips = read_shards(workshop.clips, "train")
    if settings.task == "find":
        return Shown(clips=clips)
    before = train(workshop, usual_settings(settings.pairwise, settings.seed))
    first = load_block(before / "block.safetensors", settings.pairwise)
    return Shown(clips=clips, first=first) if settings.task == "refine" else Shown(clips=passed_through(first, clips))


def load_network(workshop: Workshop, pairwise: Pairwise, seed: int) -> list[NormalisedBlock]:
    """Return the trained blocks that change the answer of one network, in the order in which they run."""
    folders = [workshop.run(pairwise, seed, task) for task in TASKS[pairwise] if task != "refine"]
    return [load_block(folder / "block.safetensors", pairwise) for folder in folders]


def load_block(path: Path, pairwise: Pairwise) -> NormalisedBlock:
    """Return the trained block at stride 16, frozen and in eval mode."""
    block = NormalisedBlock(CHANNELS_STRIDE16, pairwise)
    block.load_state_dict(load_file(path))
    return block.eval().requires_grad_(requires_grad=False)


def load_probe(path: Path, pairwise: Pairwise) -> NormalisedProbe:
    """Return the trained block at stride 8, frozen and in eval mode."""
    probe = NormalisedProbe(JOINT_CHANNELS, pairwise)
    probe.load_state_dict(load_file(path))
    return probe.eval().requires_grad_(requires_grad=False)


def evaluate(workshop: Workshop, names: Sequence[tuple[Pairwise, int]], real_clips: Path | None) -> None:
    """Write ``evaluation.json`` for every network. The baseline is the parameter-free Gaussian of the input."""
    clips, network = read_shards(workshop.clips, "test"), trunk()
    free = ParameterFreeGaussian()
    both = Shown(clips=clips, first=free)
    rows, fine_rows = evaluate_rows(free, Shown(clips=clips)), evaluate_rows(free, both)
    pooled = evaluate_rows(free, both, pooled=True)
    real = load_real_clips(OUTLINES, real_clips)
    baseline = {"rows": summary(rows), "fine_rows": summary(fine_rows), "pooled_rows": summary(pooled)}
    _write_json(workshop.folder / "baseline.json", baseline)
    for pairwise, seed in names:
        blocks = load_network(workshop, pairwise, seed)
        first, later = blocks[0], blocks[1:]
        probe = load_probe(workshop.run(pairwise, seed, "refine") / "block.safetensors", pairwise)
        judged = {
            BASELINE: Judged(block=free, first=free, stride=FINE),
            "stride16": Judged(block=first, first=None, stride=COARSE),
            "trained": Judged(block=probe, first=first, stride=FINE),
        }
        answers = evaluate_answers(blocks, network, clips)
        found = {
            "fine_rows": summary(evaluate_rows(probe, Shown(clips=clips, first=first)), fine_rows),
            "pooled_rows": summary(evaluate_rows(probe, Shown(clips=clips, first=first), pooled=True), pooled),
            "rows": summary(evaluate_rows(first, Shown(clips=clips)), rows),
            "answers": summary(answers),
            "answer_gains": summary(_gains(answers)),
            "real": evaluate_real(judged, blocks, network, real),
        }
        if later:
            shown = Shown(clips=passed_through(first, clips))
            found["later_rows"] = summary(evaluate_rows(later[0], shown), evaluate_rows(free, shown))
        _write_json(workshop.evaluation(pairwise, seed), found)
        workshop.tell(f"evaluated {pairwise}, seed {seed}")


def retrain_controls(workshop: Workshop, pairwise: Pairwise, seed: int) -> None:
    """Train the output paths again for fixed rows, which ignore the content: fair rivals of the learned rows.

    Writes ``controls.json`` with the KL divergence of the network with the rows ``self`` and ``place`` (``gather``),
    for each version.
    """
    test, network = read_shards(workshop.clips, "test"), trunk()
    found = {}
    for row in RIVALS:
        clips, blocks = read_shards(workshop.clips, "train"), list[NormalisedBlock]()
        for task in TASKS[pairwise]:
            if task == "refine":
                continue  # has no output path
            settings = usual_settings(pairwise, seed, task)
            block = new_block(settings)
            assert isinstance(block, NormalisedBlock)
            block.load_state_dict(load_file(workshop.run(pairwise, seed, task) / "affinity.safetensors"))
            torch.nn.init.zeros_(block.out.weight)  # the learned W_z is a bad start for such rows
            train_output(block, network, clips, settings, Log(settings=settings), workshop.tell, row=row)
            blocks.append(block.eval().requires_grad_(requires_grad=False))
            clips = passed_through(block, clips, row)
        found[row] = summary(evaluate_answers(blocks, network, test, (row,)))
    _write_json(workshop.evaluation(pairwise, seed).with_name("controls.json"), found)


def _gains(answers: PerClip) -> PerClip:
    """Return the KL divergence of each control minus that of the learned rows, per clip."""
    return {
        version: {
            f"kl.{control}-learned": values[f"kl.{control}"] - values["kl.learned"]
            for control in ("none", "identity", "uniform", "wrong")
        }
        for version, values in answers.items()
    }


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def use_one_thread() -> None:
    """Compute on one thread, so that machines of one kind give the same numbers."""
    torch.set_num_threads(1)
