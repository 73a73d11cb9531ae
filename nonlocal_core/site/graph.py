"""Construction of an ONNX graph, one operation at a time, with values by name in place of tensors."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from nonlocal_core.site import onnx_file
from nonlocal_core.site.onnx_file import Attribute


class Graph:
    """Graph under construction.

    >>> graph = Graph()
    >>> x = graph.input("x", "float32", ("n", 3))
    >>> graph.output("y", graph.op("Relu", x), ("n", 3))
    >>> graph.file()[:2].hex()
    '0808'
    """

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []
        self._count = 0
        self._known: dict[bytes, str] = {}

    def input(self, name: str, dtype: str, sides: Sequence[int | str]) -> str:
        """Add an input and return its name."""
        self._inputs.append(onnx_file.place(name, dtype, sides))
        return name

    def output(self, name: str, value: str, sides: Sequence[int | str]) -> None:
        """Declare a value as an output, in float32."""
        self._nodes.append(onnx_file.node("Identity", [value], [name], {}))
        self._outputs.append(onnx_file.place(name, "float32", sides))

    def op(self, kind: str, *inputs: str, **attributes: Attribute) -> str:
        """Add an operation of one output and return its name."""
        return self.split(kind, *inputs, count=1, **attributes)[0]

    def split(self, kind: str, *inputs: str, count: int, **attributes: Attribute) -> list[str]:
        """Add an operation of ``count`` outputs and return their names."""
        names = [self._name() for _ in range(count)]
        self._nodes.append(onnx_file.node(kind, inputs, names, attributes))
        return names

    def constant(self, values: Tensor | np.ndarray | float | Sequence[int]) -> str:
        """Add constants: a float or a tensor as float32, integers as int64; equal ones are stored once."""
        if isinstance(values, Tensor):
            values = values.detach().float().cpu().numpy()
        elif isinstance(values, float):
            values = np.array(values, np.float32)
        elif not isinstance(values, np.ndarray):
            values = np.array(values, np.int64)
        key = onnx_file.tensor(values)
        if key not in self._known:
            self._known[key] = self._name()
            self._constants.append(onnx_file.tensor(values, self._known[key]))
        return self._known[key]

    def file(self) -> bytes:
        """Return the graph as the bytes of an ONNX file."""
        return onnx_file.model(onnx_file.graph(self._nodes, self._constants, self._inputs, self._outputs))

    def _name(self) -> str:
        self._count += 1
        return f"v{self._count}"
