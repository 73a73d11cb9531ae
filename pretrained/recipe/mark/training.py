"""Training of the mark's variants to a plateau, one JSON file for each variant and seed.

The rule: the rates rise for 20 steps and then stay constant. Every 50 steps the network answers questions on clips of
pictures that it does not learn from. Once its share won has not grown by more than .01 for 300 steps (for 1,000 steps
while it is below .1, since some learn nothing for long and then all at once), the rates fall to zero within 150 steps,
and the network is judged on the test clips.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import cross_entropy

from nonlocal_core.ops import THW
from pretrained.recipe.mark.blocks import Answerer, AskedBlock
from pretrained.recipe.mark.clips import CLIPS, MarkClips, read_shards, write_shards
from pretrained.recipe.mark.scenes import sources_by_split
from pretrained.recipe.mark.task import Hops, Questions, cells_of, draw, share_won
from pretrained.recipe.mark.variants import VARIANTS, Variant, parameter_count
from pretrained.recipe.runs import Workshop, trunk
from pretrained.recipe.sources import Split, download

STEP_CLIPS = 8
RATE, BIAS_RATE, GAIN_RATE, DECAY = 2e-3, 1e-2, 5e-3, 1e-2
"""Rates of weights, of biases, and of gain and length, each times the variant's ``rate``; and AdamW's weight decay."""
WARM, LOOK_EVERY, PATIENCE, LONG_PATIENCE, COOL = 20, 50, 300, 1000, 150
GROWN, STARTED, MOST = 0.01, 0.1, 3000
"""Minimum growth, minimum share that counts as learning, and number of steps after which a run cools in any case."""
DRAWS: dict[Split, dict[Hops, int]] = {"choose": {1: 1, 2: 3}, "test": {1: 2, 2: 4}}
"""Number of questions about each clip, each with new marks."""
JUDGED_AT_ONCE = 20

Keep = Callable[[int, Answerer], None]
"""Listener of training, called with the number of steps done and the network; it may keep a snapshot."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """Clips with their cells, from which questions are drawn."""

    clips: MarkClips
    cells: list[list[list[np.ndarray]]]

    @property
    def thw(self) -> THW:
        """Grid of a clip."""
        frames, height, width = self.clips.owners.shape[1:]
        return frames, height, width

    def questions(self, chosen: np.ndarray, hops: Hops, rng: np.random.Generator) -> Questions:
        """Return new questions on some clips."""
        return draw(hops, [self.cells[clip] for clip in chosen], int(np.prod(self.thw)), rng)

    def rows(self, chosen: np.ndarray, marks: Tensor) -> Tensor:
        """Return features followed by marks, (B, N, C), of some clips."""
        features = self.clips.features[torch.from_numpy(chosen)].float().flatten(1, 3)
        return torch.cat([features, marks], -1)


def make_data(workshop: Workshop) -> None:
    """Download the pictures, compose the clips and run the trunk on them, unless that was done already."""
    download(workshop.folder / "sources")
    write_shards(clips_folder(workshop), sources_by_split(workshop.folder / "sources"), trunk(), workshop.tell)


def train(workshop: Workshop, seeds: list[int], names: list[str] | None = None) -> None:
    """Train and judge the missing runs. Every existing file is a finished run."""
    make_data(workshop)
    folder = runs_folder(workshop)
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [variant for variant in VARIANTS.values() if names is None or variant.id in names]
    missing = [(v, seed) for seed in seeds for v in chosen if not (folder / f"{v.id}-{seed}.json").exists()]
    read: dict[tuple[Split, int], Asked] = {}
    for variant, seed in missing:
        for split in CLIPS:
            if (split, variant.stride) not in read:
                clips = read_shards(clips_folder(workshop), split, variant.stride)
                read[split, variant.stride] = Asked(clips=clips, cells=cells_of(clips.owners))
        shown = {split: read[split, variant.stride] for split in CLIPS}
        network, found = run(variant, seed, shown)
        save_file(network.state_dict(), folder / f"{variant.id}-{seed}.safetensors")
        (folder / f"{variant.id}-{seed}.json").write_text(json.dumps(found) + "\n", encoding="utf-8")
        workshop.tell(f"mark, {variant.id}, seed {seed}: {found['won']:.3f} after {found['steps']} steps")


def runs_folder(workshop: Workshop) -> Path:
    """Return the folder of the runs."""
    return workshop.folder / "mark" / "runs"


def clips_folder(workshop: Workshop) -> Path:
    """Return the folder of the clips."""
    return workshop.folder / "mark" / "clips"


def run(
    variant: Variant, seed: int, shown: dict[Split, Asked], most: int = MOST, keep: Keep | None = None
) -> tuple[Answerer, dict[str, Any]]:
    """Train one variant with one seed and return it with its log: steps, processor seconds, course, test answers.

    ``right``: for each test clip, a string of 1 and 0, one for each question. ``apart``: the frames between.
    ``keep``: called before the first step, with 0, and after every one.
    """
    network, started = variant.build(seed), time.process_time()
    curve = _fit(network, variant, seed, shown, most, keep or _keep_nothing)
    seconds = time.process_time() - started
    right, apart = judge(network, variant.hops, shown["test"], "test")
    return network, {
        "variant": variant.id,
        "seed": seed,
        "parameters": parameter_count(network),
        "steps": curve[-1][0],
        "seconds": round(seconds, 1),
        "course": curve,
        "won": round(share_won(float(right.mean()), variant.hops), 4),
        "looks": looks(network, variant.hops, shown["test"]),
        "right": ["".join(map(str, row)) for row in right.astype(int)],
        "apart": ["".join(map(str, row)) for row in apart],
    }


def _keep_nothing(_step: int, _network: Answerer) -> None:
    """Keep no snapshot."""


def _fit(
    network: Answerer, variant: Variant, seed: int, shown: dict[Split, Asked], most: int, keep: Keep
) -> list[list[float]]:
    """Train to the plateau and through the cooling; return [step, share won on the choosing clips] in order."""
    rng, learned = np.random.default_rng([seed, 40]), shown["train"]
    torch.manual_seed(seed)
    optimiser = _optimiser(network, variant)
    rates = [group["lr"] for group in optimiser.param_groups]
    course, cooling, step = list[list[float]](), 0, 0
    keep(0, network)
    while cooling < COOL:
        step += 1
        factor = min(1.0, step / WARM) * (1 - cooling / COOL)
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * factor
        chosen = rng.choice(len(learned.clips), min(STEP_CLIPS, len(learned.clips)), replace=False)
        network.train()
        loss = _loss(network, learned, chosen, learned.questions(chosen, variant.hops, rng))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        keep(step, network)
        cooling += cooling > 0
        if step % LOOK_EVERY == 0 and not cooling:
            course.append([step, round(_watched(network, variant.hops, shown["choose"]), 4)])
            cooling = int(stands_still(course, variant.patience) or step >= most * variant.patience)
    return [*course, [step, round(_watched(network, variant.hops, shown["choose"]), 4)]]


def _loss(network: Answerer, asked: Asked, chosen: np.ndarray, questions: Questions) -> Tensor:
    rows = asked.rows(chosen, questions.marks)
    given, own = network(rows, questions.queries, questions.own_queries, asked.thw)
    loss = cross_entropy(given.flatten(0, 1), questions.answers.flatten())
    if own is not None and questions.own_answers is not None:
        loss = loss + cross_entropy(own.flatten(0, 1), questions.own_answers.flatten())
    return loss


def _optimiser(network: Answerer, variant: Variant) -> torch.optim.AdamW:
    groups: dict[float, list[Tensor]] = {}
    for name, parameter in network.named_parameters():
        last = name.rsplit(".", 1)[-1]
        if last == "bias":
            rate = BIAS_RATE * variant.rate
        elif last in ("gain", "length"):
            rate = GAIN_RATE * variant.rate
        else:
            rate = RATE * variant.rate
        groups.setdefault(rate, []).append(parameter)
    return torch.optim.AdamW([{"params": part, "lr": rate} for rate, part in groups.items()], weight_decay=DECAY)


def stands_still(course: list[list[float]], times: int = 1) -> bool:
    """Return whether the plateau is reached, by the rule at the head of this file.

    ``times``: the factor of the patience with a run that has learned nothing.
    """
    mark = course[0]
    for step, won in course:
        if won > mark[1] + GROWN:
            mark = [step, won]
    patience = PATIENCE if mark[1] >= STARTED else LONG_PATIENCE * times
    return course[-1][0] - mark[0] >= patience


def _watched(network: Answerer, hops: Hops, asked: Asked) -> float:
    return share_won(float(judge(network, hops, asked, "choose")[0].mean()), hops)


def judge(network: Answerer, hops: Hops, asked: Asked, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Return whether each answer is right, (clips, questions), and the number of frames between question and marks.

    The questions of a split are the same for all variants and seeds at one stride.
    """
    network.eval()
    torch.manual_seed(0)
    right, apart = [], []
    with torch.inference_mode():
        for chosen, questions in _examined(hops, asked, split):
            given, _ = network(asked.rows(chosen, questions.marks), questions.queries, None, asked.thw)
            right.append((given.argmax(-1) == questions.answers).numpy())
            apart.append(questions.apart.numpy())
    return tuple(np.concatenate(part).reshape(len(asked.clips), -1) for part in (right, apart))  # type: ignore[return-value]


def _examined(hops: Hops, asked: Asked, split: Split) -> list[tuple[np.ndarray, Questions]]:
    """Return the questions of a split, with those of all draws of a clip side by side."""
    rng = np.random.default_rng([41, hops])
    batches = np.split(np.arange(len(asked.clips)), range(JUDGED_AT_ONCE, len(asked.clips), JUDGED_AT_ONCE))
    found = []
    for batch in batches:
        chosen = batch.repeat(DRAWS[split][hops])
        found.append((chosen, asked.questions(chosen, hops, rng)))
    return found


def looks(network: Answerer, hops: Hops, asked: Asked) -> dict[str, float]:
    """Return figures of where a single block's rows put weight, over the first test questions; {} for other networks.

    ``marked``: weight on the object in the frame of marks; ``others``: on the other two there; ``object``: on it
    in all frames; ``own_cell``; ``places``: exp of the entropy. Weights are absolute values divided by their sum.
    """
    body = network.bodies[0]
    if hops != 1 or len(network.bodies) > 1 or not isinstance(body, AskedBlock):
        return {}
    figures: dict[str, list[Tensor]] = {}
    torch.manual_seed(0)
    with torch.inference_mode():
        for chosen, questions in _examined(hops, asked, "test")[:5]:
            rows = asked.rows(chosen, questions.marks)
            weight = body.weights(rows, questions.queries, asked.thw).abs()
            weight = weight / weight.sum(-1, keepdim=True).clamp_min(1e-12)
            owners = torch.from_numpy(asked.clips.owners[chosen].reshape(len(chosen), -1)).long()
            same = owners[:, None] == owners.gather(1, questions.queries)[..., None]
            marked = (questions.marks > 0).any(-1)[:, None]
            for name, part in (("marked", same & marked), ("others", marked & ~same), ("object", same)):
                figures.setdefault(name, []).append((weight * part).sum(-1).flatten())
            figures.setdefault("own_cell", []).append(weight.gather(-1, questions.queries[..., None]).flatten())
            entropy = -(weight * weight.clamp_min(1e-12).log()).sum(-1)
            figures.setdefault("places", []).append(entropy.exp().flatten())
    return {name: round(float(torch.cat(values).mean()), 3) for name, values in figures.items()}
