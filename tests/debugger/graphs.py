"""Graphs to step through, with sharing, names, scopes, numbers and edges that are not finite."""

import random

from autodiff import functions
from autodiff.recording import scope
from autodiff.value import Value


def perceptron():
    """Its loss and its named leaves: σ(w1·x1 + w2·x2 + b), the square of its distance from 1."""
    leaves = {name: Value(x, name) for name, x in {"w1": 0.8, "x1": 1.5, "w2": -0.4, "x2": 2.0, "b": 0.1}.items()}
    w1, x1, w2, x2, b = leaves.values()
    with scope("perceptron"):
        z = w1 * x1 + w2 * x2 + b
        a = functions.sigmoid(z)
    z.name, a.name = "z", "a"
    return (a - 1.0) ** 2, leaves


def random_graph(seed, operations=30):
    """Operations of one, two and many operands on what there is so far; many Values are used several times."""
    rng = random.Random(seed)
    nodes = [Value(rng.uniform(-2, 2), name) for name in ("w", "w", "x", None)]
    for number in range(operations):
        x, y, z = rng.choices(nodes, k=3)
        c = rng.uniform(-2, 2)
        kinds = [
            lambda: x + y,
            lambda: x * y,
            lambda: x * x,
            lambda: x - c,
            lambda: c / x,
            lambda: x**2,
            lambda: functions.tanh(x),
            lambda: functions.sum([x, c, y, z, x]),
            lambda: functions.dot([x, 2.0], [y, z]),
            lambda: functions.max(x, c, y),
        ]
        with scope(f"layer{number % 3}"):
            node = rng.choice(kinds)()
        node.name = rng.choice([None, f"n{number}", "w"])
        nodes.append(node)
    return functions.sum(nodes)
