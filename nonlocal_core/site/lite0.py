"""The default networks as two ONNX graphs: the trunk over one frame, and the blocks over the whole clip.

The trunk's graph is shared by all of them, so that switching networks in the page does not run it again. Both sides of
the input are multiples of 32, as in `InputSpec`.
"""

import numpy as np
from torch import nn

from nonlocal_core.models import Lite0Network, NormalisedProbe
from nonlocal_core.models.lite0 import (
    CHANNELS_STRIDE8,
    CHANNELS_STRIDE16,
    STRIDE8_BLOCKS,
    STRIDE16_BLOCKS,
    InvertedResidual,
    Lite0,
    SameConv2d,
)
from nonlocal_core.models.lite0_networks import INPUT
from nonlocal_core.models.normalised import NormalisedBlock
from nonlocal_core.models.parameter_free import ROUNDING, ParameterFreeGaussian
from nonlocal_core.site.graph import Graph
from nonlocal_core.vocabulary import SOFTMAX, Pairwise

PIECES = 4
"""Number of parts of the queries whose scores are computed one after the other, to bound the memory of a long clip. The
cells of a frame are a multiple of four, so the parts are equal."""
_TINY = float(np.finfo(np.float32).tiny)
_END = 2**31


def trunk_graph(trunk: Lite0) -> bytes:
    """Return the graph from one frame, bytes (1, h, w, 3), to ``stride8`` and ``stride16``."""
    graph = Graph()
    frame = graph.op("Cast", graph.input("frame", "uint8", (1, "h", "w", 3)), to=1)
    x = graph.op("Div", frame, graph.constant(255.0))
    x = graph.op("Sub", x, graph.constant(INPUT.mean[0]))
    x = graph.op("Transpose", graph.op("Div", x, graph.constant(INPUT.std[0])), perm=(0, 3, 1, 2))
    x = _relu6(graph, _convolved(graph, trunk.stem, x))
    for index, block in enumerate(trunk.blocks):
        assert isinstance(block, InvertedResidual)
        x = _inverted_residual(graph, block, x)
        if index + 1 == STRIDE8_BLOCKS:
            graph.output("stride8", x, (1, CHANNELS_STRIDE8, "h8", "w8"))
        if index + 1 == STRIDE16_BLOCKS:
            graph.output("stride16", x, (1, CHANNELS_STRIDE16, "h16", "w16"))
            break
    return graph.file()


def blocks_graph(network: Lite0Network) -> bytes:
    """Return the graph from the features of a clip to theta, phi and effect of each block.

    Inputs: ``stride8`` (T, 40, h, w) and ``stride16`` (T, 112, y, x). Outputs: ``theta:NAME`` and ``phi:NAME``
    (positions, channels), the latter only if it differs, and ``effect:NAME`` for a block that changes its input.
    """
    graph = Graph()
    fine = graph.input("stride8", "float32", ("T", CHANNELS_STRIDE8, "h", "w"))
    coarse = graph.input("stride16", "float32", ("T", CHANNELS_STRIDE16, "y", "x"))
    rows = {"stride8": _rows(graph, fine), "stride16": _rows(graph, coarse)}
    joint = [fine, coarse]
    if isinstance(network.stride16, NormalisedBlock) and network.joint is not None:
        joint.append(_described(graph, network.stride16, rows["stride16"], like=coarse))
    for block in network.inserted:
        match block.module:
            case ParameterFreeGaussian() | NormalisedProbe() as probe:
                seen = rows.get(block.name) or _rows(graph, _joined(graph, *joint))
                _compared(graph, probe, block.name, seen)
            case NormalisedBlock() as module:  # each reads what the one before it made
                rows["stride16"] = _passed(graph, module, block.name, rows["stride16"])
    return graph.file()


def normaliser_graph() -> bytes:
    """Return the graph from some rows of theta and all of phi to the logarithm of each row's sum, for columns."""
    graph = Graph()
    theta, phi = (graph.input(name, "float32", (count, "C")) for name, count in (("theta", "n"), ("phi", "N")))
    scale = graph.input("scale", "float32", ())
    scores = graph.op("MatMul", graph.op("Mul", theta, scale), graph.op("Transpose", phi, perm=(1, 0)))
    graph.output("log_normaliser", graph.op("ReduceLogSumExp", scores, graph.constant([1]), keepdims=0), ("n",))
    return graph.file()


def _inverted_residual(graph: Graph, block: InvertedResidual, x: str) -> str:
    wide = x if block.expand is None else _relu6(graph, _convolved(graph, block.expand, x))
    narrow = _convolved(graph, block.project, _relu6(graph, _convolved(graph, block.depthwise, wide)))
    return graph.op("Add", narrow, x) if block.adds_input else narrow


def _convolved(graph: Graph, layer: SameConv2d, x: str) -> str:
    assert layer.bias is not None
    weight, bias = graph.constant(layer.weight), graph.constant(layer.bias)
    return graph.op("Conv", x, weight, bias, strides=layer.stride, group=layer.groups, auto_pad="SAME_UPPER")


def _relu6(graph: Graph, x: str) -> str:
    return graph.op("Clip", x, graph.constant(0.0), graph.constant(6.0))


def _rows(graph: Graph, features: str) -> str:
    """(T, C, h, w) -> (T*h*w, C)."""
    moved = graph.op("Transpose", features, perm=(0, 2, 3, 1))
    last = graph.op("Shape", moved, start=3, end=4)
    return graph.op("Reshape", moved, graph.op("Concat", graph.constant([-1]), last, axis=0))


def _joined(graph: Graph, fine: str, *coarse: str) -> str:
    """Return all layers on the grid of the finest one, which has twice the rows and columns of the others."""
    scales = graph.constant(np.array([1, 1, 2, 2], np.float32))
    enlarged = [graph.op("Resize", layer, "", scales, mode="linear") for layer in coarse]
    return graph.op("Concat", fine, *enlarged, axis=1)


def _standardised(graph: Graph, rows: str) -> str:
    """Return rows with each channel at mean 0 and deviation 1; constant channels are zero."""
    mean = graph.op("ReduceMean", rows, graph.constant([0]), keepdims=1)
    centred = graph.op("Sub", rows, mean)
    spread = graph.op("Sqrt", graph.op("ReduceMean", graph.op("Mul", centred, centred), graph.constant([0])))
    least = graph.op("Mul", graph.op("Abs", mean), graph.constant(ROUNDING))
    varies = graph.op("Cast", graph.op("Greater", spread, least), to=1)
    return graph.op("Mul", graph.op("Div", centred, graph.op("Max", spread, graph.constant(_TINY))), varies)


def _unit(graph: Graph, rows: str) -> str:
    length = graph.op("ReduceL2", rows, graph.constant([1]), keepdims=1)
    return graph.op("Div", rows, graph.op("Max", length, graph.constant(_TINY)))


def _normalised(graph: Graph, block: NormalisedBlock, rows: str) -> str:
    """Return u at length 1."""
    return _unit(graph, graph.op("Mul", _standardised(graph, rows), graph.constant(block.gain)))


def _tables(graph: Graph, block: NormalisedBlock, rows: str) -> tuple[str, str]:
    unit = graph.op("Mul", _normalised(graph, block, rows), graph.constant(block.length))
    if block.theta is None or block.phi is None:
        return unit, unit
    theta, phi = _linear(graph, block.theta, unit), _linear(graph, block.phi, unit)
    if block.w_theta is not None and block.w_phi is not None:
        return _linear(graph, block.w_theta, theta), _linear(graph, block.w_phi, phi)
    return theta, phi


def _linear(graph: Graph, layer: nn.Linear, rows: str) -> str:
    product = graph.op("MatMul", rows, graph.constant(layer.weight.T))
    return product if layer.bias is None else graph.op("Add", product, graph.constant(layer.bias))


def _summed(graph: Graph, pairwise: Pairwise, theta: str, phi: str, values: str) -> str:
    """Return the name of the sum of ``values`` over each query's row."""
    turned = graph.op("Transpose", phi, perm=(1, 0))
    count = graph.op("Cast", graph.op("Shape", phi, start=0, end=1), to=1)
    if pairwise == "dot_product":
        return graph.op("MatMul", theta, graph.op("Div", graph.op("MatMul", turned, values), count))
    parts = []
    for some in graph.split("Split", theta, count=PIECES, num_outputs=PIECES):
        if pairwise in SOFTMAX:
            weights = graph.op("Softmax", graph.op("MatMul", some, turned), axis=1)
        else:
            weights = graph.op("Div", graph.op("Relu", graph.op("Add", some, turned)), count)
        parts.append(graph.op("MatMul", weights, values))
    return graph.op("Concat", *parts, axis=0)


def _described(graph: Graph, block: NormalisedBlock, rows: str, *, like: str) -> str:
    """Return the name of the sum over each position's row, as features of the shape of ``like``."""
    summed = _summed(graph, block.pairwise, *_tables(graph, block, rows), _normalised(graph, block, rows))
    steps, channels, height, width = (graph.op("Shape", like, start=i, end=i + 1) for i in range(4))
    shape = graph.op("Concat", steps, height, width, channels, axis=0)
    return graph.op("Transpose", graph.op("Reshape", summed, shape), perm=(0, 3, 1, 2))


def _compared(graph: Graph, probe: ParameterFreeGaussian | NormalisedProbe, name: str, rows: str) -> None:
    if isinstance(probe, ParameterFreeGaussian):
        unit = _unit(graph, _standardised(graph, rows))
        _give(graph, name, unit, unit)
    else:
        _give(graph, name, *_tables(graph, probe.affinity, rows))


def _passed(graph: Graph, block: NormalisedBlock, name: str, rows: str) -> str:
    """Output a block's tables and effect, and return its output as rows."""
    theta, phi = _tables(graph, block, rows)
    _give(graph, name, theta, phi)
    g = _linear(graph, block.g, rows)
    if block.pairwise in SOFTMAX:  # its weights sum to 1
        y = graph.op("Sub", _summed(graph, block.pairwise, theta, phi, g), g)
    else:
        summed = _summed(
            graph, block.pairwise, theta, phi, graph.op("Pad", g, graph.constant([0, 0, 0, 1]), graph.constant(1.0))
        )
        parts = (graph.op("Slice", summed, *map(graph.constant, ([a], [b], [1]))) for a, b in ((0, -1), (-1, _END)))
        y, total = parts
        y = graph.op("Sub", y, graph.op("Mul", total, g))
    added = _linear(graph, block.out, y)
    z = graph.op("Add", rows, added)
    before, change = (graph.op("ReduceL2", each, graph.constant([1]), keepdims=0) for each in (rows, added))
    graph.output(f"effect:{name}", graph.op("Div", change, graph.op("Max", before, graph.constant(_TINY))), ("N",))
    return z


def _give(graph: Graph, name: str, theta: str, phi: str) -> None:
    graph.output(f"theta:{name}", theta, ("N", "C"))
    if phi != theta:
        graph.output(f"phi:{name}", phi, ("N", "C"))
