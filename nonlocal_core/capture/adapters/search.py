"""Search for every readable block and attention layer of a network, with the reasons why others cannot be read."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn

from nonlocal_core.capture.adapters.by_hand import Attending, ByHand
from nonlocal_core.capture.adapters.maps.gluoncv import is_gluoncv, read_gluoncv
from nonlocal_core.capture.adapters.maps.mmcv import is_mmcv, read_mmcv
from nonlocal_core.capture.adapters.maps.proof import NotAsItsParts, Recipe, prove
from nonlocal_core.capture.adapters.maps.pyslowfast import groups_of, is_pyslowfast, read_pyslowfast
from nonlocal_core.capture.adapters.maps.query_conv import is_query_conv, read_query_conv
from nonlocal_core.capture.adapters.maps.reader import MapReader, says_nonlocal
from nonlocal_core.capture.adapters.maps.theta_phi_g import is_theta_phi_g, read_theta_phi_g
from nonlocal_core.capture.adapters.maps.timm_nonlocal import is_timm_nonlocal, read_timm_nonlocal
from nonlocal_core.capture.adapters.seen.decomposed import decomposed
from nonlocal_core.capture.adapters.seen.places import SeenPlaces
from nonlocal_core.capture.adapters.seen.reader import SeenReader
from nonlocal_core.capture.adapters.seen.windows import Around
from nonlocal_core.capture.adapters.tokens.family import SelfAttention
from nonlocal_core.capture.adapters.tokens.fused_qkv import fused_attention
from nonlocal_core.capture.adapters.tokens.grids import given_layout, layout_of
from nonlocal_core.capture.adapters.tokens.nesting import Nesting, nesting_of
from nonlocal_core.capture.adapters.tokens.places import Fed, TokenLayout
from nonlocal_core.capture.adapters.tokens.reader import TokenReader
from nonlocal_core.capture.adapters.tokens.separate_qkv import separate_attention
from nonlocal_core.capture.adapters.tokens.shapes import ShapeLayout
from nonlocal_core.capture.adapters.tokens.torch_attention import torch_attention
from nonlocal_core.capture.hooks import attach
from nonlocal_core.capture.own import NonlocalBlockReader, ProbeReader
from nonlocal_core.capture.reading import BlockSite, DoesMore, NotReadable, Reader, first_input, first_line
from nonlocal_core.errors import CaptureError, NonlocalError
from nonlocal_core.models.block import NonlocalBlock
from nonlocal_core.models.normalised import NormalisedProbe
from nonlocal_core.models.parameter_free import ParameterFreeGaussian
from nonlocal_core.vocabulary import WeightStatus

_RECIPES: tuple[tuple[Callable[[nn.Module], bool], Recipe], ...] = (
    (is_mmcv, read_mmcv),
    (is_gluoncv, read_gluoncv),
    (is_timm_nonlocal, read_timm_nonlocal),
    (is_theta_phi_g, read_theta_phi_g),
    (is_query_conv, read_query_conv),
)
"""Recipes for blocks on maps, the most specific first."""

_ATTENTIONS: tuple[Callable[[nn.Module], SelfAttention | NotReadable | None], ...] = (
    torch_attention,
    fused_attention,
    separate_attention,
)

_NO_GRID = NotReadable(
    "has tokens, and nothing around it says which grid they are. Give token_grid=(T, H, W), the cells of the clip, and "
    "class_tokens, the number of tokens before them"
)

_FLEX = NotReadable(
    "attends by torch's FlexAttention, which runs as one compiled piece whose scores nothing sees. Hand theta and phi "
    "over with by_hand, or let it call scaled_dot_product_attention"
)
_JIT = NotReadable(
    "attends by what torch.jit compiled, which runs in one piece whose products nothing sees. Give the network with "
    "the module or the function that it was made from, or hand theta and phi over with by_hand"
)

_SAMPLES = NotReadable(
    "weighs a few points, whose places it computes between the cells of its maps, as deformable attention does (Zhu et "
    "al., ICLR 2021). This viewer shows weights on cells"
)

_COMPARES = (("query_conv", "key_conv"), ("q_proj", "k_proj"), ("to_q", "to_k"), ("theta", "phi"), ("t", "p", "g", "z"))
"""Names of parts that only attention layers have."""

_NEAR = 4
"""Number of enclosing modules in which to look for the map that a layer's windows are cut from."""

_SAMPLING = ("sampling_offsets", "attention_weights")
"""Parts of multi-scale deformable attention (fundamentalvision/Deformable-DETR@11169a6; transformers 5.23.0; mmcv)."""

_MAY_COMPARE = (("q", "k"), ("q", "kv"), ("to_q", "to_kv"), ("query", "key"), ("in_proj_weight",))
_MAY_SAY = ("qkv", "quer", "c_attn")
"""Parts, and words in the names of parts, that confirm attention in a module whose name suggests it."""


_BySizes = dict[tuple[int, ...], Any]

_learned: WeakKeyDictionary[nn.Module, dict[Hashable, _BySizes]] = WeakKeyDictionary()
"""Findings of earlier runs about the tokens of a layer, by their kind and the sizes of the input."""


@dataclass(frozen=True, slots=True)
class FoundSites:
    """Blocks and attention layers of a network."""

    sites: tuple[BlockSite, ...]
    """Sites that can be read, in the order in which the network lists its modules."""
    unreadable: tuple[tuple[str, str], ...]
    """Name and reason of each module that looks like a block or an attention layer but cannot be shown."""


@dataclass(frozen=True, slots=True)
class AttachedModel:
    """A network whose blocks are hooked."""

    found: FoundSites
    detach: Callable[[], None]
    """Function that removes the hooks."""


def find_sites(
    model: nn.Module,
    *,
    status: WeightStatus = "trained",
    token_grid: tuple[int, int, int] | None = None,
    class_tokens: int = 0,
    fed: Fed | None = None,
    attending: Attending | None = None,
    token_names: tuple[str, ...] = (),
) -> FoundSites:
    """Return every non-local block and self-attention layer of any network, with a reader each; nothing is changed.

    >>> found = find_sites(nn.Sequential(nn.Conv2d(3, 14, 3), NonlocalBlock(14)))
    >>> [site.name for site in found.sites], found.unreadable
    (['1'], ())

    Blocks on feature maps are proved on a random copy of themselves; every reading is checked again when it is
    recorded. ``status``: status of the weights, which no module tells. ``token_grid``: the cells (T, H, W) of the clip
    that a transformer's tokens stand for, in place of its own attributes; frame after frame, row after row,
    in one sequence or in one for each frame or each place. ``class_tokens``: the number of tokens before them.
    ``fed``: the frames and pixels that the network will be given, from which a layer's grid follows if nothing
    states it. ``attending``: names of modules that attend, whatever their names suggest, each with the function that
    states its tables, or None if it was seen to attend (`discovery`). ``token_names``: names for a list of as many
    queries or keys, such as the words of a text.

    Raises CaptureError if nothing can be read for lack of a token grid, or if no layer has a name given by hand.
    """
    given = given_layout(token_grid, class_tokens) if token_grid else None

    def after(name: str) -> int:
        return fed.behind.get(name or type(model).__name__, 0) if fed else 0

    def nesting(name: str) -> Nesting:
        return nesting_of(model.get_submodule(name), _modules_around(model, name))

    def layout(name: str) -> TokenLayout | None:
        found = given or layout_of(model, name, fed.hw if fed else None)
        if found is None:
            return None
        behind = after(name) if 0 < after(name) <= len(found.extra) else found.behind
        return replace(found, behind=behind, nesting=nesting(name))

    fed = fed and _with_first_step(fed, model)

    def reading_layout(name: str) -> TokenLayout | ShapeLayout | None:
        made = None if fed is None else ShapeLayout(fed=fed, behind=after(name), nesting=nesting(name))
        return layout(name) or made

    look = partial(_looked_at, model, layout_of_layer=reading_layout, fed=fed, token_names=token_names)
    attending = attending or {}
    by_hand = _told({name: say for name, say in attending.items() if say is not None}, model)
    readers = {name: None if name in by_hand else look(name, module) for name, module in model.named_modules()}
    if (
        fed is None
        and _NO_GRID in readers.values()
        and not any(isinstance(reader, Reader) for reader in readers.values())
    ):
        name = next(name for name, reader in readers.items() if reader is _NO_GRID)
        raise CaptureError(f"Layer {name!r} {_NO_GRID.reason}.")
    known = {part for name, reader in readers.items() if reader for part in _around(name)}
    for name, module in model.named_modules():
        is_known = name in known or name in by_hand
        readers[name] = readers[name] or (None if is_known else _suspect(module, is_seen=name in attending))
    outer = {part for name, reader in readers.items() if reader for part in _around(name)}
    sites, unreadable = [], []
    for name, module in model.named_modules():
        reader, shown = readers[name], name or type(module).__name__
        is_told = name in by_hand
        if not is_told and (reader is None or (isinstance(reader, _Unknown) and name in outer)):
            continue
        places = SeenPlaces(
            layout=layout(name),
            is_given=given is not None,
            fed=fed,
            around=Around(_modules_around(model, name)),
            token_names=token_names,
            behind=after(name),
            nesting=nesting(name),
            learned=_remembered(module, "windows", fed, layout(name)),
        )
        by_products = SeenReader(
            module=module,
            places=places,
            say=by_hand.get(name),
            learned=_remembered(module, "arrangements", fed, layout(name)),
        )
        seen = _site(shown, module, by_products, status) if places.is_possible else None
        if reader is None:
            assert is_told
            if seen is None:
                raise CaptureError(f"Layer {name!r} {_NO_GRID.reason}.")
            sites.append(seen)
        elif isinstance(reader, NotReadable):
            is_open = isinstance(reader, _Unknown | DoesMore | NotAsItsParts) or reader is _NO_GRID
            if is_open and seen is not None:
                seen = replace(seen, because=reader.reason) if isinstance(reader, DoesMore) else seen
                stated = decomposed(module)
                if stated is not None:
                    by_parts = replace(by_products, say=stated, learned={})
                    seen = replace(_site(shown, module, by_parts, status), second=replace(seen, watch=None))
                sites.append(seen)
            else:
                unreadable.append((shown, reader.reason))
        else:
            second = seen if isinstance(reader, TokenReader) else None
            sites.append(replace(_site(shown, module, reader, status), second=second))
    return FoundSites(tuple(sites), tuple(unreadable))


def attach_model(
    model: nn.Module,
    *,
    status: WeightStatus = "trained",
    token_grid: tuple[int, int, int] | None = None,
    class_tokens: int = 0,
    fed: Fed | None = None,
    attending: Attending | None = None,
    token_names: tuple[str, ...] = (),
) -> AttachedModel:
    """Hook every block of any network that can be read; arguments and errors as for ``find_sites`` and ``attach``.

    >>> attached = attach_model(nn.Sequential(nn.Conv2d(3, 14, 3), NonlocalBlock(14)))
    >>> [site.name for site in attached.found.sites]
    ['1']
    >>> attached.detach()

    The network's output stays the same. Its blocks are recorded when it runs inside ``recording``.
    """
    try:
        found = find_sites(
            model,
            status=status,
            token_grid=token_grid,
            class_tokens=class_tokens,
            fed=fed,
            attending=attending,
            token_names=token_names,
        )
    except (NonlocalError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as fault:  # whatever a module of somebody's own raises where its parts are looked at
        raise CaptureError(
            f"{type(model).__name__} could not be looked at: {first_line(fault)}. Give the part of it that attends, as "
            "a module of its own."
        ) from fault
    return AttachedModel(found, attach(found.sites))


def _remembered(
    module: nn.Module, kind: str, fed: Fed | None, layout: TokenLayout | None
) -> dict[tuple[int, ...], Any]:
    """Return the findings of earlier runs about a layer for the same input, by the sizes of a call.

    What was not found is looked for again: weights that are still zero show nothing, and may be trained by now.
    """
    size = None if fed is None else (fed.frames, fed.hw)
    found = _learned.setdefault(module, {}).setdefault((kind, size, layout), {})
    for sizes in [sizes for sizes, made in found.items() if made is None or isinstance(made, NotReadable)]:
        del found[sizes]
    return found


def _told(by_hand: ByHand, model: nn.Module) -> ByHand:
    """Return ``by_hand`` unchanged. Raises CaptureError for a name that no layer has."""
    names = dict(model.named_modules())
    for name in by_hand:
        if name not in names:
            raise CaptureError(
                f"by_hand names a layer {name!r}, which {type(model).__name__} has not. Its named_modules() lists them."
            )
    return by_hand


def _site(name: str, module: nn.Module, reader: Reader, status: WeightStatus) -> BlockSite:
    inputs = reader.inputs if isinstance(reader, TokenReader | MapReader | SeenReader) else first_input
    watch = None
    if isinstance(reader, SeenReader):
        watch = reader.places.around.watch
    elif isinstance(reader, TokenReader) and reader.attention.projected is not None:
        watch = reader.attention.projected.watch
    return BlockSite(name=name, title=name, module=module, reader=reader, status=status, inputs=inputs, watch=watch)


def _modules_around(model: nn.Module, name: str) -> tuple[nn.Module, ...]:
    """Return the modules that enclose a module and are called themselves, nearest first."""
    enclosing = (model.get_submodule(part) for part in reversed(_around(name)))
    return tuple(each for each in enclosing if not isinstance(each, nn.ModuleList | nn.ModuleDict))[:_NEAR]


def _with_first_step(fed: Fed, model: nn.Module) -> Fed:
    """Return the sizes with the temporal stride of a network's first convolution, and whether its fields overlap."""
    first = next((module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Conv3d)), None)
    if first is None:
        return fed
    overlaps = any(size > step for size, step in zip(first.kernel_size[-2:], first.stride[-2:], strict=True))
    return replace(fed, tubelet=first.stride[0] if isinstance(first, nn.Conv3d) else 1, overlaps=overlaps)


def _looked_at(
    model: nn.Module,
    name: str,
    module: nn.Module,
    layout_of_layer: Callable[[str], TokenLayout | ShapeLayout | None],
    fed: Fed | None,
    token_names: tuple[str, ...],
) -> Reader | NotReadable | None:
    """Return the result of ``_reader``, or NotReadable if the module raises while its parts are inspected."""
    try:
        return _reader(model, name, module, layout_of_layer, fed, token_names)
    except (NonlocalError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as fault:  # whatever a property of somebody's own raises
        return NotReadable(f"could not be looked at: {first_line(fault)}")


def _reader(
    model: nn.Module,
    name: str,
    module: nn.Module,
    layout_of_layer: Callable[[str], TokenLayout | ShapeLayout | None],
    fed: Fed | None,
    token_names: tuple[str, ...],
) -> Reader | NotReadable | None:
    """Return a reader of a module, the reason why it cannot be read, or None if it is not a block."""
    if isinstance(module, torch.jit.ScriptModule):
        is_part = bool(name) and isinstance(model.get_submodule(name.rpartition(".")[0]), torch.jit.ScriptModule)
        return _JIT if not is_part and _attends(module) else None
    if isinstance(module, NonlocalBlock):
        return NonlocalBlockReader(module)
    if isinstance(module, ParameterFreeGaussian | NormalisedProbe):
        return ProbeReader(module)
    if is_pyslowfast(module):
        parent, _, last = name.rpartition(".")
        groups = groups_of(model.get_submodule(parent), last)
        return prove(module, partial(read_pyslowfast, temporal_groups=groups))
    for matches, recipe in _RECIPES:
        if matches(module):
            return prove(module, recipe)
    for attention_of in _ATTENTIONS:
        attention = attention_of(module)
        if isinstance(attention, NotReadable):
            return attention
        if attention is not None:
            layout, overlaps = layout_of_layer(name), fed is not None and fed.overlaps
            if layout is None:
                return _NO_GRID
            return TokenReader(attention=attention, layout=layout, overlaps=overlaps, token_names=token_names)
    samples = all(isinstance(getattr(module, part, None), nn.Linear) for part in _SAMPLING)
    return _SAMPLES if samples else _compiled(module)


def _compiled(module: nn.Module) -> NotReadable | None:
    """Return the reason why a module's attention cannot be seen (FlexAttention, torch.jit), or None for any other."""
    forward = type(module).forward
    named = getattr(getattr(forward, "__code__", None), "co_names", ())
    if "flex_attention" in named:
        return _FLEX
    parts = (getattr(forward, "__globals__", {}).get(name) for name in named)
    return _JIT if any(isinstance(part, torch.jit.ScriptFunction) and _attends(part) for part in parts) else None


def _attends(compiled: Any) -> bool:
    """Return whether a module or function of torch.jit takes a softmax, or calls torch's own attention."""
    graph = str(compiled.inlined_graph)
    return "aten::softmax" in graph or "aten::scaled_dot_product_attention" in graph


def _around(name: str) -> list[str]:
    """Return the names of the modules that enclose a module."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(len(parts))] if name else []


def _suspect(module: nn.Module, *, is_seen: bool) -> NotReadable | None:
    """Return the reason for a module that looks like a block but is of no known kind, else None.

    ``is_seen``: whether it was seen to attend.
    """
    named = type(module).__name__.lower()
    attends = "attention" in named or "attn" in named
    parts = (*_COMPARES, *_MAY_COMPARE) if attends else _COMPARES
    compares = any(all(getattr(module, name, None) is not None for name in names) for names in parts)
    says = attends and any(word in name for name, _ in module.named_children() for word in _MAY_SAY)
    if is_seen or compares or says or says_nonlocal(module):
        return _Unknown(f"is a {type(module).__name__}, of a kind that this viewer cannot read")
    return None


class _Unknown(NotReadable):
    """Reason for a module that only looks like a block."""
