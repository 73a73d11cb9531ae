"""Preparation of networks: load, freeze, move to the device and hook every block, once for all sessions."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from nonlocal_core.ancestors.filters import AnyFilter, filter_id, filter_title, is_filter, parse_filter
from nonlocal_core.ancestors.network import MatchedBlocks, PixelAffinity, PixelNetwork
from nonlocal_core.capture import BlockSite, Reader, attach
from nonlocal_core.capture.own import NonlocalBlockReader, ProbeReader
from nonlocal_core.errors import CaptureError
from nonlocal_core.media import Frames, Selection
from nonlocal_core.media.samples import sample_of
from nonlocal_core.models import (
    InsertedBlock,
    Lite0Network,
    MarkNetwork,
    NonlocalBlock,
    NormalisedProbe,
    ParameterFreeGaussian,
)
from nonlocal_core.models.resnet import ResNet
from nonlocal_core.models.resnet_config import ResNetConfig
from nonlocal_core.running.foreign import ForeignNetwork
from nonlocal_core.running.forward import Device, DeviceChoice, pick_device
from nonlocal_core.vocabulary import Progress, WeightStatus
from nonlocal_core.weights import DEFAULT, build_model, find_card, models_for, shipped_ids
from nonlocal_core.weights.cache import cache_folder, find_pin
from nonlocal_core.weights.cards import PublishedCard, list_published
from nonlocal_core.weights.conversion import load_published
from nonlocal_core.weights.describe import load_checkpoint
from nonlocal_core.weights.download import file_digest
from nonlocal_core.weights.published import find_published

Network = Lite0Network | MarkNetwork | PixelNetwork | ResNet | ForeignNetwork
"""Networks that a session can run: each states its input and the memory of a run."""

KEPT_MODELS = 6
"""Number of networks held at once, the least recently used first out: all shipped ones, or all that are compared. A
published one takes hundreds of megabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkCard:
    """Name and description of a network, and the files that its weights came from."""

    id: str
    title: str
    description: str
    """Meaning of the maps, and the claims that they allow."""
    status: WeightStatus
    weights: Mapping[str, str] = field(default_factory=dict)
    """The name of each weights file and its SHA-256."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedModel:
    """A frozen, hooked network on its device, shared by all sessions and changed by none."""

    network: Network
    card: NetworkCard
    device: Device
    selection: Selection | None = None
    """Selection of frames that it was trained on; None leaves the choice to the clip."""


_kept: OrderedDict[tuple[str, Device], PreparedModel] = OrderedDict()
_keeping = threading.Lock()


def prepare_model(
    model: str = DEFAULT, device: DeviceChoice = "auto", *, progress: Progress | None = None
) -> PreparedModel:
    """Return the network of that id, ready to record; the same object for the same arguments.

    >>> model = prepare_model("lite0-gaussian", "cpu")
    >>> model.card.status, model is prepare_model("lite0-gaussian", "cpu")
    ('trained', True)

    ``model``: an id of ``list_models``, of a published checkpoint, which is fetched the first time, or of a filter over
    pixels (``filter_id``), which is made at each call since it has no weights.
    Raises UnknownNameError for an id or a device that does not exist, WeightsError for weights that cannot be used,
    SelectionError for a setting of a filter that is out of its bounds.
    """
    chosen = pick_device(device)
    if is_filter(model):
        return _filter(parse_filter(model), chosen)
    published = {card.id: card for card in list_published()}
    key = model if model in published else find_card(model).id, chosen
    with _keeping:
        found = _kept.get(key)
    if found is None:  # made outside the lock: a download takes minutes, and others go on meanwhile
        found = _published(published[model], chosen, progress) if model in published else _shipped(model, chosen)
    with _keeping:
        found = _kept.setdefault(key, found)
        _kept.move_to_end(key)
        while len(_kept) > KEPT_MODELS:
            _kept.popitem(last=False)
    return found


def is_shipped(model: str) -> bool:
    """Return whether the id names a network of this library, which is loaded at once and takes any frames."""
    return is_filter(model) or model in shipped_ids()


def network_for(media: object, model: str | PreparedModel | AnyFilter) -> str | PreparedModel:
    """Return the network that a sample was made for if none was chosen, else the one that was.

    >>> network_for("sample:marked", "default"), network_for("sample:coffee", "default")
    ('lite0-mark', 'default')
    """
    if isinstance(model, AnyFilter):
        return filter_id(model)
    sample = sample_of(media) if model == DEFAULT else None
    made = () if sample is None else models_for(sample.id)
    return made[0].id if made else model


def trained_on(model: str | PreparedModel) -> Selection | None:
    """Return the frames that a network was trained on, without loading it; None leaves the choice to the clip.

    >>> trained_on("default"), trained_on("caffe2/i3d_nonlocal_32x2_IN_pretrain_400k")
    (None, Selection(frames=32, stride=2, start_seconds=None, frame_indices=None))
    """
    if isinstance(model, PreparedModel):
        return model.selection
    arch = next((card.arch for card in list_published() if card.id == model), None)
    return None if arch is None else _training_selection(find_published(arch).config)


def network_and_frames(
    model: str | PreparedModel, device: DeviceChoice, read: Callable[[Selection | None], Frames], tell: Progress
) -> tuple[PreparedModel, Frames]:
    """Return the network and its frames. A shipped network is loaded while the frames are read.

    ``read``: returns the frames, called with the selection that the network was trained on.
    Raises the errors of ``prepare_model`` and ``read``.
    """
    if isinstance(model, PreparedModel):
        return model, read(model.selection)
    tell("Loading the network", 0, 1)
    if is_shipped(model):
        with ThreadPoolExecutor(max_workers=1) as beside:
            loading = beside.submit(prepare_model, model, device)
            shown = read(None)
            return loading.result(), shown
    prepared = prepare_model(model, device, progress=tell)
    return prepared, read(prepared.selection)


def prepare_checkpoint(
    path: Path,
    arch: str | None = None,
    device: DeviceChoice = "auto",
    *,
    weights: str | None = None,
    name: str = "",
) -> PreparedModel:
    """Return the network ``arch`` (`weights.published`) filled from a user's file, ready to record.

    ``arch``: None for the only one that the file fills. ``weights``: the key of one of several sets of weights in the
    file, or "ema" for their running average. ``name``: the name of the file if its path does not tell it. A
    classifier of other classes is left out, which the card says. Raises WeightsError if the file is refused, does not
    fill the rest of the network completely, or fills several that no name and no shape tells apart; UnknownNameError.
    """
    chosen = pick_device(device)
    filled = load_checkpoint(path, arch, weights=weights)
    network = filled.network
    shown, digest = name or path.name, file_digest(path)
    said = filled.said or "They fill this network completely."
    card = NetworkCard(
        id=f"{filled.known.arch}@{digest[:12]}" + (f"-{weights}" if weights else ""),
        title=f"{network.config.title} · {shown}",
        description=f"Weights of your own. {said} Nothing more is known about them here.",
        status="trained",
        weights={shown: digest},
    )
    return _prepared(network, card, chosen, _training_selection(network.config))


def class_names(network: Network, count: int) -> tuple[str, ...]:
    """Return the names of a network's ``count`` classes, or numbers if it does not name them."""
    return network.classes if len(network.classes) == count else tuple(f"class {index}" for index in range(count))


def _shipped(model: str, device: Device) -> PreparedModel:
    network, card = build_model(model)
    filled_from = [source for source in (card.weights, card.block) if source is not None]
    identity = NetworkCard(
        id=card.id,
        title=card.title,
        description=card.description,
        status=card.status,
        weights={Path(source.file).name: source.sha256 for source in filled_from},
    )
    return _prepared(network, identity, device)


def _filter(chosen: AnyFilter, device: Device) -> PreparedModel:
    model = filter_id(chosen)
    identity = NetworkCard(id=model, title=filter_title(model), description=chosen.description, status="parameter_free")
    return _prepared(PixelNetwork(chosen).eval(), identity, device)


def _published(card: PublishedCard, device: Device, progress: Progress | None) -> PreparedModel:
    tell = progress or (lambda stage, done, total: None)
    network = load_published(
        card, progress=lambda done, total: tell(f"Fetching {card.file_name}", done, total or max(done, 1))
    )
    pin = find_pin(cache_folder(), card.id)
    identity = NetworkCard(
        id=card.id,
        title=card.title,
        description=f"Published by {card.repository}. Licence: {card.licence}. {card.note}".strip(),
        status="trained",
        weights={card.file_name: pin.sha256} if pin else {},
    )
    return _prepared(network, identity, device, _training_selection(network.config))


def _training_selection(config: ResNetConfig) -> Selection:
    return Selection(frames=config.clip_frames, stride=config.frame_stride, of_network=True)


def _prepared(network: Network, card: NetworkCard, device: Device, selection: Selection | None = None) -> PreparedModel:
    network.to(device.torch_name)
    attach(tuple(_site(inserted) for inserted in network.inserted))
    return PreparedModel(network=network, card=card, device=device, selection=selection)


def _site(inserted: InsertedBlock) -> BlockSite:
    match inserted.module:
        case ParameterFreeGaussian() | NormalisedProbe() | PixelAffinity() | MatchedBlocks() as probe:
            reader: Reader = ProbeReader(probe)
        case NonlocalBlock() as block:
            reader = NonlocalBlockReader(block)
        case other:
            raise CaptureError(f"Block {inserted.name!r} is a {type(other).__name__}, which has no reader.")
    return BlockSite(
        name=inserted.name,
        title=inserted.title,
        module=inserted.module,
        reader=reader,
        status=inserted.status,
        note=inserted.note,
    )
