"""Records of one forward pass: small tables from which every row of every affinity follows exactly."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Context
from types import MappingProxyType

import numpy as np
from jaxtyping import Float32, Int32

from nonlocal_core.errors import CaptureError, SelectionError, UnknownNameError
from nonlocal_core.geometry import KeyGrid, QueryGrid
from nonlocal_core.vocabulary import SOFTMAX, SUMMED, Rule, Scope, WeightStatus

UNTRAINED = "Untrained: the weights are at their initial values, so this map shows nothing that was learned."
WALLED = "It attends within windows: whatever lies outside of a position's own window has weight 0."
ASKED = "Asked by {asker}, not by a position: the answer is the same {where}."
MEAN_OF_HEADS = "Mean over {count} heads: no head has these weights."
LOOKED_AT = (
    "{asker} is one of {count} keys that are not positions; the weights of one position on all of them sum to 1."
)
MEAN_ENDING = ".mean"
"""Ending of the name of a layer's mean over its heads."""
_NAMED = 6
_ONE_DIGIT_UP = Context(prec=1, rounding=ROUND_CEILING)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockCapture:
    """Theta and phi of one block for one clip, with all that is needed to compute a row from them.

    The affinity of query i and key j is, by ``pairwise``::

        gaussian, embedded_gaussian   softmax over j of scale * theta_i . phi_j
        dot_product                   theta_i . phi_j / Nk
        concatenation                 relu(theta_i + phi_j) / Nk, from two tables of one channel
        matched                       1 / n_i where theta_i . phi_j >= 0, for n_i keys, else 0 (`ancestors.matching`)

    where j runs over the Nk keys that ``scope`` and ``temporal_groups`` leave to the query. A block that has ``heads``
    is their mean (`mean_of_heads`), and has no channels of its own.
    """

    name: str
    """Stable id within its network, e.g. ``stride16``."""
    title: str
    pairwise: Rule
    scale: float
    theta: Float32[np.ndarray, "Nq Ci"]
    phi: Float32[np.ndarray, "Nk_all Ci"]
    """Keys of the grid first, then the off-grid ones."""
    query_grid: QueryGrid
    key_grid: KeyGrid
    subsample: tuple[int, int, int] = (1, 1, 1)
    """(T, H, W) cells of the query grid that were pooled into one key."""
    scope: Scope = "spacetime"
    temporal_groups: int = 1
    status: WeightStatus = "trained"
    note: str = ""
    """All that a person must know before believing the maps, in sentences; empty if nothing."""
    effect: Float32[np.ndarray, " Nq"] | None = None
    """``|W_z y| / |x|`` at each position: what the block adds, all heads together, against what it is added to. None if
    the block adds nothing by design, or if the network around an attention layer mixes it with other things first."""
    rebuild_error: float | None = None
    """Worst difference between the block's real output and the one rebuilt from these tables, each channel measured by
    its variation over the queries (`capture.rebuild`); that of a copy in float32 if the block ran in half precision."""
    rebuilt_queries: int | None = None
    """The number of queries at which the output was rebuilt; all of them, or some drawn for this clip."""
    is_half: bool = False
    """True if the block computed in half precision."""
    head: int | None = None
    head_count: int | None = None
    """Number of heads of the layer, including this one; None for a block that is not a head."""
    step: str = ""
    """Step in which the block ran, such as "timestep 900", for a network with several. The title says it too."""
    heads: tuple["BlockCapture", ...] = ()
    """Heads whose weights this block averages; empty for a block of the network itself."""
    off_grid_keys: tuple[str, ...] = ()
    """Names of the last rows of phi, which are not positions, such as a class token. Under scope ``space`` every
    temporal cell has its own: phi then ends with these keys of cell 0, of cell 1, and so on."""
    is_walled: bool = False
    """True if positions attend within windows, whose walls the viewer draws."""
    windows: Int32[np.ndarray, " Nk_all"] | None = None
    """Number of the window of each key, -1 for one that all windows see; a position is in the window of its own key.
    Beyond theta and phi, which hold the walls too, it only tells which sums need not be computed. None: not known."""
    askers: tuple[str, ...] = ()
    """Names of the queries beside the positions or instead of them, such as a class token or those of a decoder."""
    asker_theta: Float32[np.ndarray, "Na Ci"] | None = None
    """Theta of the askers, or None if there are none. Under scope ``space`` every temporal cell has its own, in the
    order of ``off_grid_keys``."""
    before: str | None = None
    """The layer that ran before this one in the same network, which a further hop goes through; None for the first, and
    for blocks that run in parallel."""
    asker: str | None = None
    """Name of the asker whose theta is at every position (`asked_by`), or None if the positions ask."""
    has_key_grid: bool = True
    """False if all keys are off-grid ones, such as the words of a text; ``key_grid`` then says nothing."""
    askers_are_keys: bool = False
    """True if the askers are the layer's keys, and phi the positions that look at them (`turned`): a weight is
    exp(scale * theta_i . phi_j), without a sum over positions."""

    def __post_init__(self) -> None:
        keys = self.key_grid.size * self.has_key_grid + len(self.off_grid_keys) * self.off_grid_copies
        channels = self.theta.shape[-1]
        if self.theta.shape != (self.query_grid.size, channels) or self.phi.shape != (keys, channels):
            raise CaptureError(
                f"Block {self.name!r} needs theta ({self.query_grid.size}, Ci) and phi ({keys}, Ci); "
                f"got {self.theta.shape} and {self.phi.shape}."
            )
        asking = 0 if self.asker_theta is None else len(self.asker_theta)
        if asking != len(self.askers) * self.asker_copies:
            raise CaptureError(
                f"Block {self.name!r} needs theta for {len(self.askers)} askers in {self.asker_copies} steps; "
                f"got {asking} rows."
            )
        pooled = tuple(n // k for n, k in zip(self.query_grid.shape, self.subsample, strict=True))
        if pooled != self.key_grid.shape:
            raise CaptureError(
                f"Block {self.name!r} pools {self.query_grid.shape} cells by {self.subsample} into {pooled}; "
                f"its key grid has {self.key_grid.shape}."
            )
        if not (np.isfinite(self.theta).all() and np.isfinite(self.phi).all()):
            raise CaptureError(
                f"Block {self.name!r} produced values that are not finite. "
                "Look for NaN in the weights, or run in float32 instead of half precision."
            )

    def __repr__(self) -> str:
        q, k = ("x".join(map(str, grid.shape)) for grid in (self.query_grid, self.key_grid))
        k = f"a list of {len(self.askers)}" if self.askers_are_keys else k
        made_of = f"mean of {len(self.heads)} heads" if self.heads else f"{self.theta.shape[1]} channels"
        return f"BlockCapture({self.name!r}, {self.pairwise}, queries {q}, keys {k}, {made_of})"

    @property
    def layer(self) -> str:
        """The name without the head; for a mean, that of its heads."""
        if self.heads:
            return self.heads[0].layer
        return self.name if self.head is None else self.name.removesuffix(f".head{self.head}")

    @property
    def is_softmax(self) -> bool:
        """True if a row is a softmax, so that it sums to 1."""
        return self.pairwise in SOFTMAX and not self.askers_are_keys

    @property
    def is_summed(self) -> bool:
        """True if a row is divided by its own sum, so that a column needs those sums."""
        return self.pairwise in SUMMED and not self.askers_are_keys

    @property
    def layer_title(self) -> str:
        """The title without the head; for a mean, that of its heads."""
        if self.heads:
            return self.heads[0].layer_title
        return self.title if self.head is None else self.title.removesuffix(f" · head {self.head + 1}")

    @property
    def off_grid_copies(self) -> int:
        """Number of copies of the off-grid keys in phi: one for each temporal cell under scope ``space``, else one."""
        return self.key_grid.steps if self.scope == "space" else 1

    @property
    def asker_copies(self) -> int:
        """Number of copies of each asker: one for each temporal cell under scope ``space``, else one."""
        return self.query_grid.steps if self.scope == "space" else 1

    @property
    def key_count(self) -> int:
        """Nk, the number of keys that one query may attend to."""
        t, h, w = self.key_grid.shape
        on_grid = {"spacetime": t * h * w, "space": h * w, "time": t}[self.scope] * self.has_key_grid
        return on_grid // (self.temporal_groups if self.scope != "space" else 1) + len(self.off_grid_keys)

    @property
    def adds_nothing(self) -> bool:
        """True for a block that leaves its input alone by design, so that there was no output to rebuild."""
        return self.effect is None and self.rebuild_error is None

    @property
    def is_of_heads(self) -> bool:
        """True for one of several heads of a layer, and for the mean over them."""
        return bool(self.heads) or (self.head_count or 1) > 1

    @property
    def mean_effect(self) -> float | None:
        """Mean of ``|W_z y| / |x|`` over all positions."""
        return None if self.effect is None else float(self.effect.mean())

    @property
    def proof(self) -> str:
        """The sentence on how well the reading was proved; no other place puts it into words."""
        if self.rebuild_error is None:
            return "The block adds nothing to its input, so there is no output to rebuild."
        bound = float(_ONE_DIGIT_UP.create_decimal(repr(float(self.rebuild_error))))
        everywhere = self.rebuilt_queries in (None, self.query_grid.size)
        where = "every query" if everywhere else f"{self.rebuilt_queries} queries drawn for this clip"
        earlier = "" if everywhere else " All queries were checked when the network first met this size."
        whose = "that of the layer, repeated in float32," if self.is_half else "the layer's own"
        return (
            f"Reading proved: at {where}, the output rebuilt from it equals {whose} to {bound:g} of its range.{earlier}"
        )

    @property
    def warning(self) -> str:
        """Sentences shown with every picture and number of this block.

        They say that it is untrained, that it attends within windows, who asks if no position does, and its note.
        """
        asked = "" if self.asker is None else self._who(self.asker)
        return f"{self.warning_of_any_asker} {asked}".strip()

    @property
    def warning_of_any_asker(self) -> str:
        """Warning without the sentence on the asker, which the viewer chooses and adds itself."""
        is_said = self.status != "untrained" or "untrained" in self.note.lower()
        untrained, walled = "" if is_said else UNTRAINED, WALLED if self.is_walled else ""
        return " ".join(filter(None, (untrained, walled, self.note)))

    def _who(self, asker: str) -> str:
        """Return the sentence on the asker, or on the key that is looked at."""
        if self.askers_are_keys:
            named = asker_words(asker, is_key=True)
            return LOOKED_AT.format(asker=f"{named[0].upper()}{named[1:]}", count=len(self.askers))
        return ASKED.format(asker=asker_words(asker), where="within a frame" if self.asker_copies > 1 else "anywhere")


def in_a_chain(
    blocks: Iterable[BlockCapture], step_of: Mapping[str, int] = MappingProxyType({})
) -> tuple[BlockCapture, ...]:
    """Return the blocks of one run, each with the name of the layer that ran before its own in the same step.

    ``step_of``: the number of the step in which a layer ran, by its name; empty for a single step.
    """
    found: list[BlockCapture] = []
    before, layer = None, None
    for block in blocks:
        if block.layer != layer:
            is_same = layer is not None and step_of.get(layer) == step_of.get(block.layer)
            before, layer = layer if is_same else None, block.layer
        found.append(replace(block, before=before))
    return tuple(found)


def mean_of_heads(heads: Sequence[BlockCapture]) -> BlockCapture:
    """Return the mean over the heads of one layer: a block with the layer's name and ``.mean``.

    It costs no memory: its tables have no channels, and its rows are computed from those of the heads.
    """
    first = heads[0]
    return replace(
        first,
        name=f"{first.layer}{MEAN_ENDING}",
        title=f"{first.layer_title} · mean of {len(heads)} heads",
        theta=first.theta[:, :0],
        phi=first.phi[:, :0],
        asker_theta=None if first.asker_theta is None else first.asker_theta[:, :0],
        note=f"{MEAN_OF_HEADS.format(count=len(heads))} {first.note}".strip(),
        head=None,
        head_count=None,
        heads=tuple(heads),
    )


def asker_words(asker: str, *, is_key: bool = False) -> str:
    """Return an asker's name in a sentence; ``is_key``: a key that is looked at, such as a word.

    >>> asker_words("class token"), asker_words("query 3"), asker_words("dog", is_key=True)
    ('the class token', 'query 3', '"dog"')
    """
    if asker[-1:].isdigit():
        return asker
    return f'"{asker}"' if is_key else f"the {asker}"


def asked_by(block: BlockCapture, asker: str | None) -> BlockCapture:
    """Return the block with an asker's theta at every position, so that every position gives that asker's answer.

    None leaves the block as it was captured. Raises UnknownNameError listing the askers.
    """
    if asker is None or asker == block.asker:
        return block
    if block.asker_theta is None or asker not in block.askers:
        raise UnknownNameError("asker", asker, block.askers)
    if block.heads:
        return replace(block, heads=tuple(asked_by(head, asker) for head in block.heads), effect=None, asker=asker)
    rows = block.asker_theta.reshape(block.asker_copies, len(block.askers), -1)[:, block.askers.index(asker)]
    return replace(block, theta=np.repeat(rows, block.query_grid.size // len(rows), axis=0), effect=None, asker=asker)


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class of the network's answer and its probability in [0, 1]."""

    name: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Capture:
    """All blocks of one forward pass, in the order in which they ran, and the network's own answer."""

    blocks: tuple[BlockCapture, ...]
    classes: tuple[ClassScore, ...] = ()
    """Best first; empty for a network without a classifier."""
    shown: str | None = None
    """The block to show if none is named; None for the last that positions ask."""

    def __repr__(self) -> str:
        return f"Capture({self.blocks_in_words})"

    @property
    def blocks_in_words(self) -> str:
        """The number of blocks, and the first of their names."""
        names = [block.name for block in self.blocks]
        more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
        return f"{len(names)} block{'s' * (len(names) != 1)}: {', '.join(names[:_NAMED] + more) or 'none'}"

    def route(self, block: BlockCapture, hops: int) -> tuple[tuple[BlockCapture, ...], ...]:
        """Return the layers that hops beyond the first go through, all heads of each: the one before, and so on.

        The first layer is followed by itself. Raises SelectionError if rows do not sum to 1, or no position asks.
        """
        layers: list[tuple[BlockCapture, ...]] = [(block,)]
        at = block
        for _ in range(hops - 1):
            before = tuple(each for each in self.blocks if each.layer == at.before)
            layers.append(before or tuple(each for each in self.blocks if each.layer == at.layer))
            at = layers[-1][0]
        for number, heads in enumerate(layers):
            for each in heads if hops > 1 else ():
                if not each.is_summed or (number and each.asker is not None):
                    raise SelectionError(
                        f"Further hops pass weight on along rows that sum to 1 and that positions ask; those of "
                        f"{each.title!r} are not. Ask for one hop."
                    )
        return tuple(layers[1:])

    @property
    def means(self) -> tuple[BlockCapture, ...]:
        """Mean over the heads of each layer that has all of its heads here (`mean_of_heads`), in order."""
        layers: dict[str, list[BlockCapture]] = {}
        for block in self.blocks:
            if block.head_count is not None:
                layers.setdefault(block.layer, []).append(block)
        return tuple(mean_of_heads(heads) for heads in layers.values() if len(heads) == heads[0].head_count)

    @property
    def named(self) -> tuple[BlockCapture, ...]:
        """Blocks, and means over the heads of their layers, by the names that ``block`` takes."""
        return (*self.blocks, *self.means)

    def block(self, name: str | None = None) -> BlockCapture:
        """Return the block or mean of that name, or the one to show. Raises UnknownNameError listing the names."""
        if not self.blocks:
            raise CaptureError("This network ran no block that could be captured.")
        last = next((block for block in reversed(self.blocks) if block.asker is None), self.blocks[-1])
        name = name or self.shown or last.name
        for blocks in (self.blocks, self.means if name.endswith(MEAN_ENDING) else ()):
            for block in blocks:
                if block.name == name:
                    return block
        raise UnknownNameError("block", name, [block.name for block in self.named])
