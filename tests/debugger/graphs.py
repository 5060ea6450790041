"""Graphs to step through, with sharing, names, scopes, numbers and edges that are not finite."""

import random

from autodiff.engine import functions
from autodiff.engine.recording import scope
from autodiff.engine.value import Value


def perceptron():
    """Its loss and its named leaves: σ(w1·x1 + w2·x2 + b), the square of its distance from 1."""
    leaves = {name: Value(x, name) for name, x in {"w1": 0.8, "x1": 1.5, "w2": -0.4, "x2": 2.0, "b": 0.1}.items()}
    w1, x1, w2, x2, b = leaves.values()
    with scope("perceptron"):
        z = w1 * x1 + w2 * x2 + b
        a = functions.sigmoid(z)
    z.name, a.name = "z", "a"
    return (a - 1.0) ** 2, leaves


KINDS = [
    lambda x, y, z, c: x + y,
    lambda x, y, z, c: x * y,
    lambda x, y, z, c: x * x,
    lambda x, y, z, c: x - c,
    lambda x, y, z, c: c / x,
    lambda x, y, z, c: x**2,
    lambda x, y, z, c: functions.tanh(x),
    lambda x, y, z, c: functions.sum([x, c, y, z, x]),
    lambda x, y, z, c: functions.dot([x, 2.0], [y, z]),
    lambda x, y, z, c: functions.max(x, c, y),
]


def random_graph(seed, operations=30):
    """Operations of one, two and many operands on what there is so far; many Values are used several times."""
    rng = random.Random(seed)
    nodes = [Value(rng.uniform(-2, 2), name) for name in ("w", "w", "x", None)]
    for number in range(operations):
        with scope(f"layer{number % 3}"):
            node = rng.choice(KINDS)(*rng.choices(nodes, k=3), rng.uniform(-2, 2))
        node.name = rng.choice([None, f"n{number}", "w"])
        nodes.append(node)
    return functions.sum(nodes)
