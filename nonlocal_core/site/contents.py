"""Contents of a page: its networks with the texts of their blocks, and its clips with their pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

from nonlocal_core.ancestors.network import INPUT, PixelNetwork
from nonlocal_core.bundle import ClipWords, ModelLabel, Question, Storage, TourStop, View, encode_bundle
from nonlocal_core.bundle.container import ContainerReader
from nonlocal_core.capture import Capture
from nonlocal_core.errors import SiteError
from nonlocal_core.media import InputSpec
from nonlocal_core.models import Lite0Network
from nonlocal_core.pin import Pin
from nonlocal_core.running.prepared import prepare_model
from nonlocal_core.session import Session
from nonlocal_core.site.lite0 import blocks_graph
from nonlocal_core.site.networks import page_networks
from nonlocal_core.site.pixels import page_filter

PROOF = (
    "Computed in this browser by the exported network. Python proves each reading by the block's own output; the page "
    "does not, and rests on tests that compare its rows with Python's."
)
PROOF_OF_FILTER = (
    "Computed in this browser by the filter's formula. Python proves each reading by the block's own output; the page "
    "does not, and rests on tests that compare its tables with Python's."
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
    "before",
    "off_grid_keys",
)
"""Fields of a block's entry in a bundle that do not depend on the clip."""
_TRIED_ON = "sample:chelsea"
_TRIED_SIDE = 64


def network_entry(model: str, add: Callable[[str, bytes], str]) -> dict[str, object]:
    """Return the page's entry for a network; ``add`` stores its graph and returns its address.

    The texts of its blocks are those that a run in Python puts into a bundle.
    """
    network = prepare_model(model, "cpu").network
    if isinstance(network, PixelNetwork):
        made: dict[str, object] = {"file": model, "filter": page_filter(network.filter), "input": input_json(INPUT)}
    elif isinstance(network, Lite0Network):
        made = {"file": add(f"{model}.onnx", blocks_graph(network))}
    else:
        raise SiteError(
            f"A page runs the networks on the shared trunk and filters: {', '.join(page_networks())}; got {model}. "
            "Save an answer of it as a live page instead: nonlocal-viewer render --out page.html."
        )
    session = Session.open(_TRIED_ON, model, short_side=_TRIED_SIDE, device="cpu")
    header = ContainerReader(session.bundle(columns=False)).header.as_dict()
    blocks = header["blocks"]
    assert isinstance(blocks, list)
    proof = PROOF_OF_FILTER if "filter" in made else PROOF
    return {
        "model": header["model"],
        "weights": dict(session.model.card.weights),
        "shown": session.block().name,
        **made,
        "blocks": [{**{word: block[word] for word in _WORDS}, "proof": proof} for block in blocks],
    }


def input_json(spec: InputSpec) -> dict[str, int]:
    """Return the limits on the size of a network's input, for ``viewer/model/scaling.js``."""
    return {"short_side": spec.short_side, "multiple_of": spec.multiple_of, "max_long_side": spec.max_long_side}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PageClip:
    """Clip of a page that is open already, with its first question."""

    session: Session
    pin: Pin | None = None
    """Question to pin; None for the clip's own first question, which is not pinned."""
    tour: Sequence[TourStop] | None = None
    """Tour; None for the sample's own."""


def clip_bundle(clip: PageClip) -> bytes:
    """Return a bundle of a clip, its first question and tour, without blocks, which the page computes.

    A stop of the tour asks the block on screen.
    """
    session, frames, card = clip.session, clip.session.frames, clip.session.model.card
    sample, first = session.sample, session.first_question()
    curated = [
        TourStop(question=Question(frame=stop.frame, x=stop.x, y=stop.y), caption=stop.caption)
        for stop in (sample.tour if sample else ())
    ]
    return encode_bundle(
        frames,
        Capture(blocks=()),
        model=ModelLabel(id=card.id, title=card.title, status=card.status),
        view=View(
            question=Question(frame=first.frame, x=first.x, y=first.y),
            tour=tuple(
                replace(stop, block=None)
                for stop in (curated if clip.tour is None else clip.tour)
                if stop.question.frame < len(frames.rgb)
            ),
        ),
        words=ClipWords(caption=sample.caption if sample else "", licence=sample.licence if sample else ""),
        storage=replace(Storage(), columns=False),
    )


def pinned_json(pin: Pin) -> dict[str, object]:
    """Return a pin in the viewer's form, in which missing fields have their defaults."""
    return {field.name: getattr(pin, field.name) for field in fields(pin) if getattr(pin, field.name) != field.default}
