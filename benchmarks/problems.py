"""What the rows compute: functions written for scalars of any make, and the numbers that every peer starts from."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks import workloads
from benchmarks.engines import Engine
from benchmarks.rows import Network, Row

Layers = list[list[list[Any]]]  # of each layer the rows of its neurons; the last number of a row is the bias

NAME = "quentin"  # seven letters: with the symbols around it eight positions


class Scalars(Engine):
    """Numbers of any make. Starts from the same parameters as every other engine."""

    def __init__(self, leaf: Callable[[float], Any], weighted_sum: Callable[[Any, Any], Any] | None = None):
        self.leaf = leaf
        if weighted_sum is not None:
            self.weighted_sum = weighted_sum  # type: ignore[method-assign]


# ---- networks ---------------------------------------------------------------------------------------------------------------


def layers_of(network: Network, engine: Engine) -> Layers:
    """The parameters; those of 2-16-16-1 are those of ``workloads.Moons``."""
    rng = random.Random(3)
    return [workloads.matrix(engine, rng, n_out, n_in + 1, n_in**-0.5) for n_in, n_out in pairwise(network.widths)]


def arrays_of(network: Network) -> list[np.ndarray]:
    return [np.array(layer) for layer in layers_of(network, Scalars(float))]


def outputs(layers: Layers, xs: Sequence[Any], activation: str, weighted_sum: Callable[[Any, Any], Any]) -> list[Any]:
    """What the network makes of one sample."""
    found = list(xs)
    for layer in layers:
        sums = [weighted_sum(row[:-1], found) + row[-1] for row in layer]
        found = sums if layer is layers[-1] else [getattr(x, activation)() for x in sums]
    return found


def samples_of(network: Network) -> tuple[np.ndarray, np.ndarray]:
    """The points, and labels: 1 and −1 for the max-margin loss, indices for the cross-entropy."""
    n, inputs = network.samples, network.widths[0]
    if inputs == 2:  # the same hundred points again and again
        points, labels = workloads.two_moons()
        return np.resize(np.array(points), (n, 2)), np.resize(np.array(labels), n)
    rng = np.random.default_rng(0)
    points = rng.uniform(0.0, 1.0, (n, inputs))
    return points, rng.integers(0, network.widths[-1], n) if network.loss == "cross-entropy" else rng.choice([-1.0, 1.0], n)


# ---- the GPT ----------------------------------------------------------------------------------------------------------------


def symbols() -> list[int]:
    return [workloads.GPT.end, *(ord(letter) - ord("a") for letter in NAME), workloads.GPT.end]


def plain_softmax(xs: list[Any]) -> list[Any]:
    """Without a shift: the logits are small."""
    powers = [x.exp() for x in xs]
    total = sum(powers)
    return [power / total for power in powers]


def gpt_loss(engine: Engine, softmax: Any = None) -> tuple[workloads.GPT, Callable[[], Any]]:
    """The character GPT, and its loss on one name of seven letters."""
    network = workloads.GPT(engine)
    if softmax is not None:
        network.softmax = softmax  # type: ignore[method-assign]

    def loss() -> Any:
        keys: Any = []
        values: Any = []
        losses = [
            -network.softmax(network.logits(symbol, position, keys, values))[target].log()
            for position, (symbol, target) in enumerate(pairwise(symbols()))
        ]
        return sum(losses) / len(losses)

    return network, loss


def gpt_weights() -> dict[str, np.ndarray]:
    return {name: np.array(rows) for name, rows in workloads.GPT(Scalars(float)).weights.items()}


def gpt(xs: Sequence[Any]) -> Any:
    """The loss as a function of the parameters, row by row."""
    each = iter(xs)
    return gpt_loss(Scalars(lambda _: next(each)), plain_softmax)[1]()


# ---- functions of one list of numbers ---------------------------------------------------------------------------------------


STEP = 0.01


def steps(xs: Sequence[Any], n: int, h: float = STEP) -> tuple[Any, Any]:
    """Prey and predators after n steps of RK4, 58 operations each; their equations are those of Lotka and Volterra."""
    x, y, a, b, c, d = xs

    def slope(x: Any, y: Any) -> tuple[Any, Any]:
        return a * x - b * x * y, d * x * y - c * y

    for _ in range(n):
        k1, l1 = slope(x, y)
        k2, l2 = slope(x + h / 2 * k1, y + h / 2 * l1)
        k3, l3 = slope(x + h / 2 * k2, y + h / 2 * l2)
        k4, l4 = slope(x + h * k3, y + h * l3)
        x = x + h / 6 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
        y = y + h / 6 * (l1 + 2.0 * l2 + 2.0 * l3 + l4)
    return x, y


def ode(xs: Sequence[Any], n: int) -> Any:
    x, y = steps(xs, n)
    return x * x + y * y


def rosenbrock(x: Sequence[Any]) -> Any:
    return sum(100.0 * (x[i + 1] - x[i] * x[i]) ** 2 + (1.0 - x[i]) ** 2 for i in range(len(x) - 1))


def drawn(size: int) -> list[int]:
    """Which inputs the leaves of a tree are."""
    return random.Random(4).choices(range(workloads.TREE_INPUTS), k=size)


def tree(xs: Sequence[Any], size: int, alternating: bool) -> Any:
    """Products of two inputs each, added up in pairs; or the levels multiply and add in turns."""
    level = [xs[i] for i in drawn(size)]
    multiply = True
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        pairs = zip(level[::2], level[1::2], strict=False)
        level = ([a * b for a, b in pairs] if multiply else [a + b for a, b in pairs]) + odd
        multiply = alternating and not multiply
    return level[0]


SMALL = Network((3, 8, 2), "tanh", 4)  # 50 parameters


def small_network(xs: Sequence[Any]) -> Any:
    """The squares of the outputs' errors over four samples."""
    each = iter(xs)
    layers = layers_of(SMALL, Scalars(lambda _: next(each)))
    multiplied = Scalars(float).weighted_sum
    total: Any = 0.0
    for point, label in zip(*samples_of(SMALL), strict=True):
        for output in outputs(layers, [float(x) for x in point], SMALL.activation, multiplied):
            total = total + (output - float(label)) ** 2
    return total


def neighbours(xs: Sequence[Any]) -> list[Any]:
    """As many functions as inputs, each of three that follow each other, in a ring."""
    n = len(xs)
    return [xs[i] * xs[(i + 1) % n] + xs[(i + 2) % n].exp() * xs[i] for i in range(n)]


FUNCTIONS: dict[str, Callable[[Row], Callable[[Sequence[Any]], Any]]] = {
    "gpt": lambda row: gpt,
    "ode": lambda row: lambda xs: ode(xs, row.size),
    "rosenbrock": lambda row: rosenbrock,
    "products": lambda row: lambda xs: tree(xs, row.size, alternating=False),
    "alternating": lambda row: lambda xs: tree(xs, row.size, alternating=True),
    "hessian": lambda row: small_network,
    "sparse": lambda row: neighbours,
}


def function(row: Row) -> Callable[[Sequence[Any]], Any]:
    """What the row computes, of one sequence of scalars. It returns one, or for the Jacobian a list."""
    return FUNCTIONS[row.kind](row)


def point(row: Row) -> np.ndarray:
    """Where it is computed."""
    if row.kind == "gpt":
        return np.concatenate([rows.ravel() for rows in gpt_weights().values()])
    if row.kind == "ode":
        return np.array([1.0, 1.0, 1.1, 0.4, 0.4, 0.1])
    if row.kind == "hessian":
        return np.concatenate([layer.ravel() for layer in arrays_of(SMALL)])
    if row.kind in ("rosenbrock", "sparse"):
        return np.linspace(0.5, 1.5, row.size)
    rng = random.Random(5)
    # around ½ products and sums in turns stay where they are: 2 · ½ · ½ = ½
    low, high = (0.4, 0.6) if row.kind == "alternating" else (-1.0, 1.0)
    found = np.array([rng.uniform(low, high) for _ in range(workloads.TREE_INPUTS)])
    return found / found[drawn(row.size)].mean() / 2 if row.kind == "alternating" else found


# ---- what every peer makes of a row -----------------------------------------------------------------------------------------

Answer = tuple[float, np.ndarray]  # the value, and the derivatives in a row
Run = Callable[[], Any]
Prepared = tuple[Run, Callable[[Any], Answer]]  # what is timed, and what turns its result into an answer


def flat(arrays: Any) -> np.ndarray:
    """Arrays of any library, in a list or by name, in a row."""
    parts = arrays.values() if isinstance(arrays, dict) else arrays if isinstance(arrays, list | tuple) else [arrays]
    return np.concatenate([np.asarray(part).ravel() for part in parts])


def pair(found: Any) -> Answer:
    """Of a value and its derivatives as one array."""
    return float(found[0]), flat(found[1])
