"""summary(): what a graph or a model is made of."""

import sys

import pytest

from autodiff import nn
from autodiff.engine import functions
from autodiff.engine.value import Value
from autodiff.graph.summary import _bytes, summary


def test_a_graph_in_numbers():
    x, y = Value(1.0), Value(2.0)
    found = summary(functions.tanh(x * y + x) + functions.sum([x, y, 1.0]))
    assert found.operations == {"add": 2, "mul": 1, "tanh": 1, "sum": 1}
    assert (found.leaves, found.edges, found.depth) == (2, 9, 4)
    assert found.memory > 7 * sys.getsizeof(x)
    lines = str(found).splitlines()
    assert [line.split() for line in lines[1:4]] == [["operations", "5"], ["add", "2"], ["mul", "1"]]
    assert ["depth", "4"] in [line.split() for line in lines]


def test_a_graph_of_any_depth():
    x = Value(1.0)
    y = x
    for _ in range(100_000):
        y = y + x
    found = summary(y)
    assert (found.depth, found.operations) == (100_000, {"add": 100_000})
    assert found.memory >= 100_000 * sys.getsizeof(x)


def test_a_leaf_alone():
    found = summary(Value(1.0))
    assert (found.operations, found.leaves, found.edges, found.depth) == ({}, 1, 0, 0)


def test_a_model_in_numbers():
    found = summary(nn.MLP(2, [16, 16, 1]))
    assert found.parameters == {"layers.0": 48, "layers.1": 272, "layers.2": 17}
    assert [line.split() for line in str(found).splitlines()[:2]] == [["MLP"], ["parameters", "337"]]


def test_a_model_of_another_kind():
    class Two:
        def parameters(self):
            return [Value(1.0), Value(2.0)]

    assert sum(summary(Two()).parameters.values()) == 2


@pytest.mark.parametrize("thing", [1.0, None, "loss", [Value(1.0)]])
def test_anything_else_is_refused(thing):
    with pytest.raises(TypeError, match="a Value or a model"):
        summary(thing)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 KB"), (2.5e6, "2.5 MB"), (1e9, "1.0 GB"), (7e12, "7,000.0 GB")],
)
def test_sizes_have_units(number, text):
    assert _bytes(number) == text
