"""Networks besides those shipped: published ones that were fetched, and checkpoint files that visitors opened."""

import re
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import nonlocal_core
from nonlocal_core import NonlocalError, Progress, WeightsError, list_models
from nonlocal_core.ancestors.filters import FILTERS, filter_name, filter_title, is_filter
from nonlocal_core.vocabulary import SAMPLE_PREFIX
from nonlocal_core.weights import ModelCard, models_for
from nonlocal_core.weights.cache import fetched_ids
from nonlocal_core.weights.cards import PublishedCard, list_published

if TYPE_CHECKING:
    from nonlocal_core import PreparedModel

MAX_CHECKPOINT_MB = 512
"""Maximum size in megabytes of an uploaded checkpoint file; larger ones open in the shell."""
MAX_OWN = 2
"""Maximum number of networks from files held for all visitors together, the least recently used first out."""
_OWN = "own:"

_held: OrderedDict[str, "PreparedModel"] = OrderedDict()
_lock = threading.Lock()


def menu(clip: str = "") -> dict[str, str]:
    """Return the titles of the networks that can be opened now, by id, starting with those made for the clip.

    Each filter is listed once, without settings.
    """
    shipped = {card.id: card.title for card in (*made_for(clip), *list_models())}
    with _lock:
        own = {token: prepared.card.title for token, prepared in _held.items()}
    try:
        here = fetched_ids()
    except WeightsError:  # the Networks page says what is wrong with them; those that are shipped need none of it
        here = frozenset()
    filters = {known.name: known.title for known in FILTERS}
    return shipped | filters | {card.id: card.title for card in list_published() if card.id in here} | own


def in_menu(model: str) -> str:
    """Return the id under which a menu lists a network, which has no settings for a filter."""
    return filter_name(model) if is_filter(model) else model


def filter_titles(models: Iterable[str]) -> dict[str, str]:
    """Return the titles of the filters among the ids, with their settings, except for invalid settings."""
    titles = {}
    for model in filter(is_filter, models):
        with suppress(NonlocalError):
            titles[model] = filter_title(model)
    return titles


def made_for(clip: str) -> tuple[ModelCard, ...]:
    """Return the networks that a sample was made for, the one to open first; empty for any other clip."""
    return models_for(clip.removeprefix(SAMPLE_PREFIX))


def find_network(model: str) -> "str | PreparedModel":
    """Return the network that a session opens for an id in a link; following a link fetches nothing.

    Raises WeightsError for a checkpoint that is no longer held, or a published network that is not here.
    """
    if model.startswith(_OWN):
        with _lock:
            if model not in _held:
                raise WeightsError(
                    "This checkpoint is no longer held by the server. Open the file again on the Networks page."
                )
            _held.move_to_end(model)
            return _held[model]
    if any(card.id == model for card in list_published()) and model not in fetched_ids():
        raise WeightsError(
            f"{model} is not on this machine yet. The Networks page shows its size and its licence, and fetches it."
        )
    return model


def open_file(content: bytes, name: str, arch: str | None, *, weights: str | None = None) -> str:
    """Store the network that a checkpoint file fills, and return its id. The file itself is not kept.

    ``arch``: None for the only network that it fills. ``weights``: the name of one of several sets of weights in it, or
    "ema" for their running average. Raises WeightsError if the file is refused.
    """
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", Path(name).name)[-80:].lstrip(".") or "checkpoint"
    try:
        with tempfile.TemporaryDirectory(prefix="nonlocal-") as folder:
            path = Path(folder) / safe
            path.write_bytes(content)
            prepared = nonlocal_core.prepare_checkpoint(path, arch, weights=weights, name=name)
    except OSError as fault:
        raise WeightsError(f"The server has no room for {name} ({fault.strerror}). Try again later.") from fault
    token = _OWN + prepared.card.id
    with _lock:
        _held[token] = prepared
        _held.move_to_end(token)
        while len(_held) > MAX_OWN:
            _held.popitem(last=False)
    return token


def fetch(card: PublishedCard, progress: Progress) -> str:
    """Fetch a published network and return its id. Raises WeightsError with the reason and the remedy."""
    nonlocal_core.prepare_model(card.id, progress=progress)
    return card.id
