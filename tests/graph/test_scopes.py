"""Clusters: from scope() blocks, and from the paths by which modules name their parameters."""

import pytest

from autodiff.drawing.model import graph_of
from autodiff.engine import functions
from autodiff.engine.recording import scope
from autodiff.engine.value import Value
from autodiff.graph.scopes import module_of
from autodiff.nn import MLP, Perceptron, mse


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("layers.0.neurons.3.w.1", "layers.0.neurons.3"),
        ("layers.0.b", "layers.0"),
        ("model.0.1.w", "model.0.1"),
        ("w.1", ""),
        ("w", ""),
        ("", ""),
        (None, ""),
        ("1.5", ""),
        ("a.b c", ""),
        ("...", ""),
        ("0.w", ""),
        ("x.1.2.3", ""),
    ],
)
def test_a_path_names_its_module(name, module):
    assert module_of(name) == module


def test_a_network_is_drawn_in_the_clusters_of_its_modules():
    model = MLP(2, [2, 1], seed=1)
    loss = mse(model([Value(1.0, "x1"), Value(2.0, "x2")]), 0.5)
    boxes = graph_of(loss).boxes
    clusters = {}
    for box in boxes:
        clusters.setdefault(box.scope, []).append(box.operation or box.name)
    assert [box.name for box in boxes if box.operation] == [*(f"v{place}" for place in range(11, 20)), "loss"]
    assert clusters == {
        "": ["x1", "x2", "0.5 − v18", "v19²"],
        "layers.0.neurons.0": ["w.0", "w.1", "b", "(w.0, w.1) · (x1, x2)", "v11 + b", "relu(v12)"],
        "layers.0.neurons.1": ["w.0", "w.1", "b", "(w.0, w.1) · (x1, x2)", "v14 + b", "relu(v15)"],
        "layers.1.neurons.0": ["w.0", "w.1", "b", "(w.0, w.1) · (v13, v16)", "v17 + b"],
    }
    assert {box.kind for box in boxes if box.scope and not box.operation} == {"parameter"}
    assert {box.kind for box in boxes if box.name in ("x1", "x2")} == {"input"}


def test_a_scope_is_around_the_modules_that_compute_in_it():
    model = MLP(1, [1], seed=1)
    with scope("generator"):
        loss = model([1.0]) * 2
    scopes = [box.scope for box in graph_of(loss).boxes if box.operation]
    assert scopes == ["generator.layers.0.neurons.0"] * 2 + ["generator"]


def test_what_uses_two_modules_is_in_the_one_around_both():
    left, right = Value(1.0, "net.left.w"), Value(2.0, "net.right.w")
    assert graph_of(left * right).boxes[-1].scope == "net"
    other = Value(2.0, "other.w")
    assert graph_of(left * other).boxes[-1].scope == ""
    assert graph_of(functions.tanh(left * 2) + 1).boxes[-2].scope == "net.left"


def test_a_perceptron_by_itself_is_a_cluster_with_its_parameters_and_all_it_computes():
    x, y = [Value(1.0, "x1"), Value(0.5, "x2")], Value(1.0, "y")
    boxes = graph_of(mse(Perceptron(2, seed=1)(x), y)).boxes
    inside = [box for box in boxes if box.scope == "perceptron"]
    assert [box.operation or box.name for box in inside] == ["w.0", "w.1", "b", "(w.0, w.1) · (x1, x2)", "v6 + b", "σ(v7)"]
    assert [box.kind for box in inside[:3]] == ["parameter"] * 3
    assert {box.scope for box in boxes} == {"perceptron", ""}
