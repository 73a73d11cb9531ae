"""Contents of a page: its networks with the words of their blocks, and its clips with their pictures."""

from collections.abc import Callable
from dataclasses import replace

from nonlocal_core.bundle import ClipWords, ModelLabel, Question, Storage, TourStop, View, encode_bundle
from nonlocal_core.bundle.container import ContainerReader
from nonlocal_core.capture import Capture
from nonlocal_core.errors import SiteError
from nonlocal_core.models import Lite0Network
from nonlocal_core.running.prepared import prepare_model
from nonlocal_core.session import Session
from nonlocal_core.site.lite0 import blocks_graph
from nonlocal_core.weights import list_models

PROOF = (
    "Computed in this browser by the exported network. Python proves each reading by the block's own output; the page "
    "does not, and rests on tests that compare its rows with Python's."
)
_WORDS = (
    "name",
    "title",
    "pairwise",
    "pairwise_title",
    "scale",
    "status",
    "note",
    "warning",
    "scope",
    "temporal_groups",
    "subsample",
    "head",
    "off_grid_keys",
)
"""Fields of a block's entry in a bundle that do not depend on the clip."""
_TRIED_ON = "sample:chelsea"
_TRIED_SIDE = 64


def page_networks() -> tuple[str, ...]:
    """Return the ids of the networks that can run in a page: those on the shared trunk.

    >>> page_networks()[0]
    'lite0-embedded-gaussian'
    """
    return tuple(card.id for card in list_models() if card.network in ("lite0_trained", "lite0_parameter_free"))


def network_entry(model: str, add: Callable[[str, bytes], str]) -> dict[str, object]:
    """Return what the page knows of a network; ``add`` stores its graph and returns its address.

    The words of its blocks are those that a run in Python puts into a bundle.
    """
    network = prepare_model(model, "cpu").network
    if not isinstance(network, Lite0Network):
        raise SiteError(
            f"A page runs the networks on the shared trunk: {', '.join(page_networks())}; got {model}. "
            "Save an answer of it as a live page instead: nonlocal-viewer render --out page.html."
        )
    session = Session.open(_TRIED_ON, model, short_side=_TRIED_SIDE, device="cpu")
    header = ContainerReader(session.bundle(columns=False)).header.as_dict()
    blocks = header["blocks"]
    assert isinstance(blocks, list)
    return {
        "model": header["model"],
        "weights": dict(session.model.card.weights),
        "shown": session.block().name,
        "file": add(f"{model}.onnx", blocks_graph(network)),
        "blocks": [{**{word: block[word] for word in _WORDS}, "proof": PROOF} for block in blocks],
    }


def clip_bundle(session: Session) -> bytes:
    """Return a bundle of a session's clip, its first question and tour, without a block: the page computes those."""
    frames, card, sample, first = session.frames, session.model.card, session.sample, session.first_question()
    stops = sample.tour if sample else ()
    return encode_bundle(
        frames,
        Capture(blocks=()),
        model=ModelLabel(id=card.id, title=card.title, status=card.status),
        view=View(
            question=Question(frame=first.frame, x=first.x, y=first.y),
            tour=tuple(
                TourStop(question=Question(frame=stop.frame, x=stop.x, y=stop.y), caption=stop.caption)
                for stop in stops
                if stop.frame < len(frames.rgb)
            ),
        ),
        words=ClipWords(caption=sample.caption if sample else "", licence=sample.licence if sample else ""),
        storage=replace(Storage(), columns=False),
    )
