"""A graph that is built one operation at a time computes what its operations say, and keeps equal numbers once."""

import numpy as np
import onnxruntime
import torch

from nonlocal_core.site.graph import Graph


def run(graph, **inputs):
    session = onnxruntime.InferenceSession(graph.file(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, inputs), strict=True))


def test_a_graph_computes_its_formula_for_every_length():
    graph, weight = Graph(), torch.linspace(-1, 1, 15, dtype=torch.float64).reshape(3, 5)
    x = graph.input("x", "float32", ("n", 3))
    scaled = graph.op("Mul", graph.op("MatMul", x, graph.constant(weight)), graph.constant(0.5))
    graph.output("y", graph.op("Relu", scaled), ("n", 5))
    for count in (1, 4):
        given = np.random.default_rng(count).standard_normal((count, 3)).astype(np.float32)
        expected = np.maximum(given.astype(np.float64) @ weight.numpy() / 2, 0)
        np.testing.assert_allclose(run(graph, x=given)["y"], expected, rtol=1e-5, atol=1e-6)


def test_parts_of_a_split_are_values_of_their_own():
    graph = Graph()
    x = graph.input("x", "float32", (7, 2))
    first, second = graph.split("Split", x, graph.constant([3, 4]), count=2, axis=0)
    graph.output("first", first, (3, 2))
    graph.output("second", second, (4, 2))
    given = np.arange(14, dtype=np.float32).reshape(7, 2)
    found = run(graph, x=given)
    np.testing.assert_array_equal(found["first"], given[:3])
    np.testing.assert_array_equal(found["second"], given[3:])


def test_equal_numbers_are_kept_once_and_those_of_another_kind_are_others():
    graph = Graph()
    names = [
        graph.constant(value)
        for value in (1.0, torch.tensor(1.0, dtype=torch.float16), np.array(1, np.float32), [1], np.array([1.0]) > 0)
    ]
    assert names[0] == names[1] == names[2]
    assert len(set(names)) == 3
