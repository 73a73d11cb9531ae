"""The proved records of a network's blocks for one clip."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nonlocal_core.ancestors.network import PixelNetwork
from nonlocal_core.capture import (
    BlockCapture,
    Capture,
    ClassScore,
    PlaceTrial,
    Recording,
    drawn_points,
    nudged,
    placing,
    points_for,
    recording,
    run_count,
    watch_steps,
)
from nonlocal_core.capture.record import in_a_chain
from nonlocal_core.capture.steps import in_steps, stepping_part
from nonlocal_core.capture.untouched import same_random_numbers
from nonlocal_core.errors import SelectionError
from nonlocal_core.geometry import ViewTransform
from nonlocal_core.media import Frames, InputSpec, network_input
from nonlocal_core.models import MarkNetwork, clip_probabilities
from nonlocal_core.models.progress import cancellable, forward_progress
from nonlocal_core.running.foreign import ForeignNetwork
from nonlocal_core.running.forward import run
from nonlocal_core.running.prepared import Network, PreparedModel, class_names
from nonlocal_core.vocabulary import Progress

MAX_CLASSES = 5
"""Number of best classes that are kept."""

_Verdicts = dict[Hashable, str | None]
"""Reasons why the cells of a layer lie elsewhere than stated, by layer, or None if their places are proved."""

_places: WeakKeyDictionary[nn.Module, dict[Hashable, _Verdicts]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecordedRun:
    """One run of a network on a clip; arguments of a session."""

    view: ViewTransform
    capture: Capture
    forecast_bytes: int | None
    """Forecast in bytes of the device's peak memory in the run, without weights and input. None: unknown."""
    unreadable: tuple[tuple[str, str], ...]
    """Name and reason of each layer that ran and cannot be shown."""
    behind: Mapping[str, int] = field(default_factory=dict)
    """Number of tokens after the positions, for layers that cannot be shown because none were assumed there."""


def record_run(
    prepared: PreparedModel,
    frames: Frames,
    tell: Progress,
    *,
    short_side: int | None = None,
    check: Callable[[], None] | None = None,
    forecast_bytes: int | None = None,
    identity: tuple[Hashable, ...] = (),
) -> RecordedRun:
    """Run a network on frames and return the records of its blocks.

    ``short_side``: pixels of the network's input; None: its own choice. ``check``: called after the first run of a
    user's network, before any place is proved; its errors end the work. ``forecast_bytes``: the peak memory of such a
    run, which was checked already. ``identity``: everything that the places of a user's network depend on. When it
    first meets a size, it runs a few more times to prove that its cells lie where they are said to; for the networks of
    this library that is known (``test_places.py``).

    Raises SelectionError for an impossible short side, CaptureError, DeviceMemoryError, and whatever ``tell`` raises to
    end the work.
    """
    network = prepared.network
    spec = network.input_spec if short_side is None else _of_side(network.input_spec, short_side)
    pixels, view = network_input(frames, spec)
    clip = torch.from_numpy(pixels)
    needed = None if isinstance(network, ForeignNetwork) else network.forward_bytes(tuple(clip.shape))
    with cancellable(tell) as report:

        def once(*, keep_calls: bool) -> tuple[Recording, Tensor]:
            with (
                forward_progress(lambda done, total: report("Running the network", done, total)),
                recording(
                    view=view,
                    clip_frames=len(frames.rgb),
                    progress=report,
                    keep_calls=keep_calls,
                    leaves_sums=isinstance(network, ForeignNetwork),
                ) as record,
                watch_steps(stepping_part(network.model)) if isinstance(network, ForeignNetwork) else nullcontext(),
                same_random_numbers(),
            ):
                return record, run(network, clip, device=prepared.device, forecast_bytes=needed)

        behind: dict[str, int] = {}
        reasons: dict[str, str] = {}
        if isinstance(network, ForeignNetwork):
            verdicts = _verdicts(network, identity, clip)
            record, logits = once(keep_calls=not verdicts)
            if check is not None:
                check()
            if not verdicts.keys() >= set(map(_place, record.blocks)):
                if record.first is None:  # a layer that did not run, or not on this grid, when the others were placed
                    record, logits = once(keep_calls=True)
                trial, reasons = _placed(prepared, clip, record, report)
                behind = {layer: count for layer in reasons if (count := trial.behind(layer))}
                verdicts.update(
                    {_place(block): reasons.get(block.layer) for block in record.blocks if block.layer not in behind}
                )
            known = {block.layer: verdicts.get(_place(block)) for block in record.blocks}
            record.drop(reasons | {layer: reason for layer, reason in known.items() if reason})
        else:
            record, logits = once(keep_calls=False)
    if not bool(torch.isfinite(logits).all()):
        record.unreadable.append(("the network's answer", "is not finite. Look for NaN in its weights"))
        logits = logits[..., :0]
    return RecordedRun(
        view=view,
        capture=Capture(blocks=_blocks(record, network), classes=_best_classes(logits, network), shown=network.shown),
        forecast_bytes=forecast_bytes if needed is None else needed,
        unreadable=tuple(record.unreadable),
        behind=behind,
    )


def _blocks(record: Recording, network: Network) -> tuple[BlockCapture, ...]:
    """Return the captured blocks: in a chain, except for the affinities of a filter, which all see the same pixels."""
    if isinstance(network, PixelNetwork):
        return tuple(record.blocks)
    return in_a_chain(in_steps(record.blocks, record.steps, record.step_of), record.step_of)


def _of_side(spec: InputSpec, short_side: int) -> InputSpec:
    least, most = spec.multiple_of, spec.max_long_side
    if not isinstance(short_side, int) or not least <= short_side <= most:
        raise SelectionError(
            f"short_side counts pixels of the network's input, from {least} to {most}; got {short_side!r}."
        )
    return replace(spec, short_side=short_side)


def _verdicts(network: ForeignNetwork, identity: tuple[Hashable, ...], clip: Tensor) -> _Verdicts:
    """Return the verdicts known for the places of a network with the same identity and input shape."""
    return _places.setdefault(network.model, {}).setdefault((*identity, tuple(clip.shape)), {})


def _place(block: BlockCapture) -> Hashable:
    return block.layer, block.query_grid, block.subsample


def _placed(
    prepared: PreparedModel, clip: Tensor, record: Recording, tell: Progress
) -> tuple[PlaceTrial, dict[str, str]]:
    """Return the trial of places, and the layers whose places are not proved, each with the reason."""
    first = record.first or {}
    grids = [each.grid for each in first.values()]
    if not grids:
        return PlaceTrial(first=first, points=()), {}

    def tried(trial: PlaceTrial, runs: Sequence[int | None]) -> PlaceTrial:
        """Run the network on the clips of a trial: each changes some of its points, or all (None)."""
        for index, which in enumerate(runs):
            tell("Checking where the cells lie", index, len(runs))
            with placing(trial), same_random_numbers():  # the same random numbers as in the first run
                run(prepared.network, nudged(clip, trial.points, grids, which), device=prepared.device)
        tell("Checking where the cells lie", len(runs), len(runs))
        return trial

    trial = PlaceTrial(first=first, points=drawn_points(grids))
    if trial.may_be_one_run and tried(trial, [None]).is_proved_by_one():
        return trial, {}
    points = points_for(grids)
    trial = tried(PlaceTrial(first=first, points=points), range(run_count(points)))
    reasons = trial.misplaced()
    undecided = trial.undecided(reasons)
    if undecided:
        points = points_for(grids, at_first=True)
        carrying = PlaceTrial(first=first, points=points, carries=True)
        again = tried(carrying, range(run_count(points))).misplaced()
        reasons = {layer: reason for layer, reason in reasons.items() if layer not in undecided}
        reasons |= {layer: again[layer] for layer in undecided & again.keys()}
    return trial, reasons


def _best_classes(logits: Float[Tensor, "1 P K"], network: Network) -> tuple[ClassScore, ...]:
    count = logits.shape[-1]
    if count == 0 or isinstance(network, MarkNetwork):  # which answers at a position, not for the clip
        return ()
    names, best = class_names(network, count), clip_probabilities(logits)[0].topk(min(MAX_CLASSES, count))
    return tuple(
        ClassScore(names[int(index)], float(score)) for score, index in zip(best.values, best.indices, strict=True)
    )
