"""Training in two parts: the affinity from exact masks, then the output path through the frozen rest of the network."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import kl_div, mse_loss

from nonlocal_core.models.block import Pieces
from nonlocal_core.models.lite0 import CHANNELS_STRIDE16, Lite0
from nonlocal_core.models.lite0_networks import JOINT_CHANNELS, MENDING
from nonlocal_core.models.normalised import NormalisedBlock, NormalisedProbe
from nonlocal_core.models.parameter_free import TEMPERATURE
from nonlocal_core.ops import respond
from nonlocal_core.vocabulary import Pairwise
from pretrained.recipe.damage import Version, wanted
from pretrained.recipe.features import Clips
from pretrained.recipe.losses import (
    GROUND_QUERIES,
    TERMS,
    Task,
    draw_mending,
    draw_whole,
    log_weights,
    mend_terms,
    weighed,
    whole_terms,
)
from pretrained.recipe.shown import Shown

Tell = Callable[[str], None]

Trained = NormalisedBlock | NormalisedProbe

VERSION_SHARES: dict[Task, dict[Version, float]] = {
    "find": {"clean": 0.4, "damaged": 0.2, "blur_cue": 0.2, "grey_cue": 0.2},
    "refine": {"clean": 0.4, "damaged": 0.2, "blur_cue": 0.2, "grey_cue": 0.2},
    "mend": {"clean": 0.1, "natural": 0.2, "damaged": 0.15, "blur_cue": 0.25, "grey_cue": 0.3},
}
"""Share of each version of a clip among those that the affinity sees."""
OUTPUT_SHARES: dict[Task, dict[Version, float]] = {
    "find": {"clean": 0.25, "damaged": 0.1, "blur_cue": 0.3, "grey_cue": 0.35},
    "mend": {"clean": 0.1, "natural": 0.25, "damaged": 0.05, "blur_cue": 0.25, "grey_cue": 0.35},
}
"""Share of each version among those that the output path sees. A block that refines has none."""
STILLS = 0.25
"""Share of the clips of a step that are a single frame, so that rows also leave their place in a picture."""
START_NOISE = 0.002
"""Noise on theta and phi at the start, so that two seeds differ from the first step on."""
DOT_THRESHOLD = 2.5
"""Offset that is subtracted from the dot product at the start, so that its positive part starts at a cosine of 0.18."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that a run depends on besides the data."""

    pairwise: Pairwise
    seed: int
    task: Task = "find"
    temperature: float = TEMPERATURE
    """Temperature at the start of the affinity, or, for a block that mends, of the clean rows that it is taught."""
    sharper: float = 1.0
    """Factor of the learned logits of a block that mends. One that finds is unchanged: sharper rows put more weight on
    the object, and show less of it."""
    affinity_steps: int
    affinity_clips: int = 3
    output_steps: int = 300
    output_clips: int = 4
    output_frames: int = 2
    """Number of frames of a clip that go through the rest of the network in a step."""
    learning_rate: float = 2e-3
    """Learning rate of theta and phi."""
    gain_rate: float = 5e-3
    bias_rate: float = 2e-3
    """Learning rate of the biases of theta and phi."""
    output_rate: float = 1e-3
    keep_weight: float = 400.0
    """Cost of a changed answer on an unchanged frame, over that of a wrong answer on a changed frame."""
    restore_weight: float = 0.05
    """Weight of the squared error of the features themselves."""


def usual_settings(pairwise: Pairwise, seed: int, task: Task = "find") -> Settings:
    """Return the settings of the shipped runs; those with fewer parameters, or that stop learning, end sooner."""
    steps = {"gaussian": 480, "embedded_gaussian": 720, "dot_product": 360, "concatenation": 120}
    own: dict[str, Any] = {"affinity_steps": steps[pairwise]}
    if task == "refine":
        steps = {"gaussian": 360, "embedded_gaussian": 360, "dot_product": 144, "concatenation": 72}
        own = {"affinity_steps": steps[pairwise], "affinity_clips": 2}  # each has four times the cells
    if task == "find" and pairwise not in MENDING:
        own["output_steps"] = 60 if pairwise == "concatenation" else 150  # little comes back: no block behind it mends
    if pairwise == "gaussian":
        own["gain_rate"] = 2e-2  # gain and length are all that it has, and it starts as a row that stays at home
    if task == "mend":
        own = {"affinity_steps": 2400, "temperature": 0.02, "sharper": 3.0, "output_steps": 1200, "bias_rate": 2e-2}
    if pairwise in ("dot_product", "concatenation"):
        own["output_rate"] = 3e-5  # their rows sum to ten and more, and y with them
    return Settings(pairwise=pairwise, seed=seed, task=task, **own)


@dataclass(slots=True, kw_only=True)
class Log:
    """Log of a training: settings, seconds of each part, and the mean of every loss over each tenth of a part."""

    settings: Settings
    seconds: dict[str, float] = field(default_factory=dict)
    losses: dict[str, list[dict[str, float]]] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Return the log as plain containers."""
        return asdict(self)


def new_block(settings: Settings) -> Trained:
    """Return the block that training starts from. For a block that mends, W_z is the identity."""
    if settings.task == "refine":
        probe = NormalisedProbe(JOINT_CHANNELS, settings.pairwise)
        _start_affinity(probe.affinity, settings.seed)
        return probe
    block = as_parameter_free(NormalisedBlock(CHANNELS_STRIDE16, settings.pairwise), settings.seed)
    if settings.task == "mend":
        with torch.no_grad():
            torch.nn.init.eye_(block.out.weight)
            block.length.fill_(settings.temperature**-0.5)
    return block


def as_parameter_free(block: NormalisedBlock, seed: int) -> NormalisedBlock:
    """Fill a block with its initial weights and return it: theta = phi = 1, the parameter-free Gaussian.

    Concatenation has no such start: the halves of its weight are random.
    """
    with torch.no_grad():
        torch.nn.init.eye_(block.g.weight)
        torch.nn.init.zeros_(block.out.weight)
    _start_affinity(block, seed)
    return block


def _start_affinity(block: NormalisedBlock, seed: int) -> None:
    torch.manual_seed(seed)
    with torch.no_grad():
        if block.theta is not None and block.phi is not None:
            for layer in (block.theta, block.phi):
                torch.nn.init.eye_(layer.weight)
                layer.weight += START_NOISE * torch.randn_like(layer.weight)
            if block.pairwise == "dot_product":
                for layer, sign in ((block.theta, 1.0), (block.phi, -1.0)):
                    layer.weight[-1] = 0
                    layer.bias[-1] = sign * DOT_THRESHOLD**0.5
        if block.w_theta is not None and block.w_phi is not None:
            torch.nn.init.normal_(block.w_theta.weight, std=0.3)
            torch.nn.init.normal_(block.w_phi.weight, std=0.3)


def train_affinity(trained: Trained, shown: Shown, settings: Settings, log: Log, tell: Tell) -> None:
    """Train theta, phi, their biases, gain and length."""
    block = trained.affinity if isinstance(trained, NormalisedProbe) else trained
    rng = np.random.default_rng([settings.seed, 10])
    layers = [layer for layer in (block.theta, block.phi, block.w_theta, block.w_phi) if layer is not None]
    groups: list[tuple[Sequence[Tensor], float]] = [
        ([block.gain, block.length], settings.gain_rate),
        ([layer.weight for layer in layers], settings.learning_rate),
        ([layer.bias for layer in layers if layer.bias is not None], settings.bias_rate),
    ]
    optimiser, schedule = one_cycle([group for group in groups if group[0]], settings.affinity_steps)
    record = _Record("affinity", settings.affinity_steps, log, tell)
    for _step in range(settings.affinity_steps):
        optimiser.zero_grad()
        drawn = []
        for index in rng.choice(len(shown.labels), settings.affinity_clips, replace=False):
            terms = _terms(block, shown, int(index), settings, rng)
            (weighed(terms, TERMS[settings.task]) / settings.affinity_clips).backward()  # type: ignore[no-untyped-call]
            drawn.append({name: float(term.detach()) for name, term in terms.items()})
        optimiser.step()
        schedule.step()
        record.add({name: float(np.mean([one[name] for one in drawn])) for name in drawn[0]})
    _sharpen(block, settings.sharper)


def _sharpen(block: NormalisedBlock, times: float) -> None:
    with torch.no_grad():
        if block.pairwise == "gaussian":
            block.length.mul_(times**0.5)
        elif block.pairwise == "embedded_gaussian" and block.theta is not None:
            block.theta.weight.mul_(times)
            block.theta.bias.mul_(times)


def _terms(
    block: NormalisedBlock, shown: Shown, index: int, settings: Settings, rng: np.random.Generator
) -> dict[str, Tensor]:
    """Return the terms of one clip, in a randomly drawn version."""
    version = drawn_version(VERSION_SHARES[settings.task], rng)
    clips, labels = shown.clips, shown.labels[index]
    if settings.task == "mend":
        clean = shown.clip(wanted(version), index)
        hit = clips.hit[version][index]
        targets = draw_mending(labels, hit, clean=clean, temperature=settings.temperature, rng=rng)
        return mend_terms(_logs(block, shown.clip(version, index), targets.queries), targets)
    frames = [int(rng.integers(len(labels)))] if rng.random() < STILLS else list(range(len(labels)))
    # One map for all queries cannot serve objects and background: it is asked for what stands out.
    ground = 0 if settings.pairwise == "concatenation" else GROUND_QUERIES
    whole = draw_whole(labels[frames], clips.window[index][frames], rng, ground_queries=ground)
    return whole_terms(_logs(block, shown.clip(version, index, frames), whole.queries), whole)


def _logs(block: NormalisedBlock, x: Float[Tensor, "1 K T h w"], queries: Tensor) -> Float[Tensor, "Q N"]:
    pieces = block.embed(x)
    return log_weights(block.pairwise, pieces.theta[0, queries], pieces.phi[0])


def train_output(
    block: NormalisedBlock, trunk: Lite0, clips: Clips, settings: Settings, log: Log, tell: Tell, row: str = "learned"
) -> None:
    """Train g and W_z to restore the answer of changed frames, with theta and phi frozen.

    ``row``: the rows that the output path learns to use, ``learned`` or those of a rival, ``self`` or ``place``: see
    ``gather``.
    """
    rng = np.random.default_rng([settings.seed, 20])
    groups = [([*block.g.parameters(), *block.out.parameters()], settings.output_rate)]
    optimiser, schedule = one_cycle(groups, settings.output_steps)
    record = _Record("output", settings.output_steps, log, tell)
    for _step in range(settings.output_steps):
        rows, answers, targets, changed = [], [], [], []
        for index in rng.choice(len(clips.labels), settings.output_clips, replace=False):
            version = drawn_version(OUTPUT_SHARES[settings.task], rng)
            frames = rng.choice(len(clips.labels[index]), settings.output_frames, replace=False)
            rows.append(_repaired(block, clips.clip(version, index), frames, row, settings.seed))
            features, logits = _wanted(clips, trunk, version, index, frames)
            targets.append(features)
            answers.append(logits)
            changed.append(torch.from_numpy(clips.hit[version][index][frames]))
        repaired, hit = torch.cat(rows), torch.cat(changed)
        wanted = torch.cat(answers).log_softmax(-1)
        given = trunk.to_logits(repaired).log_softmax(-1)
        off = kl_div(given, wanted, log_target=True, reduction="none").sum(-1)
        restored = mse_loss(repaired, torch.cat(targets))
        share = torch.where(hit, 1.0, settings.keep_weight)
        optimiser.zero_grad()
        ((off * share).mean() + settings.restore_weight * restored).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        record.add({
            "kl_changed": float(off.detach()[hit].mean()) if hit.any() else 0.0,
            "kl_unchanged": float(off.detach()[~hit].mean()) if (~hit).any() else 0.0,
            "restore": float(restored.detach()),
        })  # fmt: skip


def _wanted(
    clips: Clips, trunk: Lite0, version: Version, index: int, frames: np.ndarray
) -> tuple[Float[Tensor, "f C h w"], Float[Tensor, "f 1000"]]:
    """Return the targets for frames of a version: the features, and the answer that follows from them."""
    aim = wanted(version)
    features = torch.from_numpy(clips.features[aim][index][frames]).float()
    if aim == "clean":
        return features, clips.clean_answers(index, torch.from_numpy(frames))
    with torch.no_grad():
        return features, trunk.to_logits(features)


def gather(
    block: NormalisedBlock, pieces: Pieces, row: str, seed: int, queries: Tensor | slice = slice(None)
) -> Float[Tensor, "1 n Cg"]:
    """Return y of some positions from the learned rows, from a control, or from a rival.

    ``row``: ``learned``. Controls keep each row's total weight: ``identity``, all of it on the position itself, which
    then gathers nothing; ``uniform``, the same on every position; ``wrong``, the row of another position of the clip,
    drawn at random. Rivals, for which the output path is trained again: ``self``, g of the position, without a
    subtraction; ``place``, the mean over all frames at the same place, less g of the position.
    """
    g = pieces.g
    own = g[:, queries]
    match row:
        case "learned":
            return block.gather(pieces, queries)
        case "identity":
            return torch.zeros_like(own)
        case "uniform":
            ones = torch.ones_like(g[..., :1])
            theta = pieces.theta[:, queries]
            total = respond(theta, pieces.phi, ones, pairwise=block.pairwise, scale=block.scale_value)
            return total * (g.mean(dim=1, keepdim=True) - own)
        case "wrong":
            order = torch.randperm(g.shape[1], generator=torch.Generator().manual_seed(seed))
            return block.gather(replace(pieces, theta=pieces.theta[:, order]), queries)
        case "self":
            return own
        case "place":
            frames = g.view(1, pieces.key_thw[0], -1, g.shape[2])
            return frames.mean(dim=1, keepdim=True).expand_as(frames).reshape(g.shape)[:, queries] - own
    raise ValueError(f"No row is called {row}.")


def passed_through(block: NormalisedBlock, clips: Clips, row: str = "learned", seed: int = 0) -> Clips:
    """Return the clips as input of the next block. ``row``, ``seed``: see ``gather``."""
    with torch.inference_mode():
        features = {
            version: np.stack([
                answered(block, clips.clip(version, index), row, seed)[0].transpose(0, 1).half().numpy()
                for index in range(len(clips.labels))
            ])
            for version in clips.features
        }  # fmt: skip
    return replace(clips, features=features)


def answered(block: NormalisedBlock, x: Float[Tensor, "1 C T h w"], row: str, seed: int) -> Float[Tensor, "1 C T h w"]:
    """Return z of a clip with the rows of that name: see ``gather``."""
    added = block.project(gather(block, block.embed(x), row, seed))
    return x + added.transpose(1, 2).view_as(x)


def _repaired(
    block: NormalisedBlock, x: Float[Tensor, "1 C T h w"], frames: np.ndarray, row: str, seed: int
) -> Float[Tensor, "f C h w"]:
    """Return z of some frames, with gradients only to g and W_z."""
    with torch.no_grad():
        pieces = block.embed(x)
    rows, chosen = x.flatten(2).mT, torch.from_numpy(frames)
    queries = torch.arange(rows.shape[1]).view(x.shape[2], -1)[chosen].flatten()
    y = gather(block, replace(pieces, g=block.g(rows)), row, seed, queries)
    added = block.project(y)[0].view(len(frames), *x.shape[3:], -1).permute(0, 3, 1, 2)
    return x[0].transpose(0, 1)[chosen] + added


def one_cycle(
    groups: Sequence[tuple[Sequence[Tensor], float]], steps: int
) -> tuple[torch.optim.AdamW, torch.optim.lr_scheduler.OneCycleLR]:
    """Return the optimiser of groups of parameters with their rates, and the schedule of those over all steps."""
    optimiser = torch.optim.AdamW([{"params": parameters, "lr": rate} for parameters, rate in groups], weight_decay=0.0)
    rates = [rate for _, rate in groups]
    return optimiser, torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, total_steps=steps, pct_start=0.15)


class _Record:
    """Means of the losses over each tenth of a part, reported as they come."""

    def __init__(self, part: str, steps: int, log: Log, tell: Tell) -> None:
        self._part, self._steps, self._log, self._tell = part, steps, log, tell
        self._started, self._recent, self._done = time.monotonic(), list[dict[str, float]](), 0
        log.losses[part] = []

    def add(self, losses: dict[str, float]) -> None:
        self._recent.append(losses)
        self._done += 1
        if self._done % max(1, self._steps // 10) and self._done != self._steps:
            return
        mean = {name: round(float(np.mean([entry[name] for entry in self._recent])), 4) for name in losses}
        self._recent.clear()
        self._log.losses[self._part].append({"step": self._done, **mean})
        self._log.seconds[self._part] = round(time.monotonic() - self._started, 1)
        words = ", ".join(f"{name} {value:.3f}" for name, value in mean.items())
        self._tell(f"{self._part} {self._done}/{self._steps}: {words}")


def drawn_version(shares: dict[Version, float], rng: np.random.Generator) -> Version:
    """Return a version, drawn with the given shares."""
    names = list(shares)
    return names[int(rng.choice(len(names), p=list(shares.values())))]
