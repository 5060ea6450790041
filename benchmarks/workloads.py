"""What is timed: the same lines for every engine. A workload returns seconds by what took them, and its results."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.engines import Engine, Rows

Times = dict[str, float]
RUN = ("build", "backward", "release")


def between(marks: list[float]) -> list[float]:
    """The seconds from each mark to the next."""
    return [end - start for start, end in pairwise(marks)]


def fingerprint(engine: Engine, rows: Rows) -> float:
    """One number for all the gradients, each with a weight of its own: engines that differ anywhere differ here."""
    gradients = [engine.gradient(leaf) for row in rows for leaf in row]
    return sum(math.sin(i + 1.0) * gradient for i, gradient in enumerate(gradients))


# ---- a chain of operations -------------------------------------------------------------------------------------------

CHAIN = 100_000
BODIES = {"chain": "v = v * w", "chain2": "v = v * w + x"}


def top_level(body: str, rounds: int) -> Callable[[dict[str, Any]], None]:
    """The loop as it runs at the top level of a script, where names are looked up in a dictionary.

    Compiled anew for each run, for Python specialises code to the types it meets.
    """
    code = compile(f"for _ in range({rounds}):\n    {body}", "chain", "exec")
    return lambda names: exec(code, names)


def in_function(body: str, rounds: int) -> Callable[..., Any]:
    """The same loop inside a function."""
    names: dict[str, Any] = {}
    exec(f"def loop(v, w, x):\n    for _ in range({rounds}):\n        {body}\n    return v", names)
    return names["loop"]


def rounds_of(body: str) -> int:
    return CHAIN // sum(body.count(operator) for operator in "*+")


def float_chain(body: str) -> Times:
    """The limit: the same loops on plain floats."""
    names = {"v": 1.0, "w": 1.0000001, "x": 1e-7}
    run, loop = top_level(body, rounds_of(body)), in_function(body, rounds_of(body))
    start = perf_counter()
    run(names)
    middle = perf_counter()
    loop(1.0, 1.0000001, 1e-7)
    return {"build": middle - start, "build_fn": perf_counter() - middle}


def chain(engine: Engine, body: str) -> Times:
    """Build at the top level, go back, release; then build once more in a function."""
    leaves = [engine.leaf(x) for x in (1.0, 1.0000001, 1e-7)]
    run, loop = top_level(body, rounds_of(body)), in_function(body, rounds_of(body))
    names = dict(zip("vwx", leaves, strict=True))
    engine.begin([leaves])
    marks = [perf_counter()]
    run(names)
    marks.append(perf_counter())
    engine.backward(names["v"])
    marks.append(perf_counter())
    checks = {"value": float(names["v"].data), "gradients": fingerprint(engine, [leaves[1:]])}
    start = perf_counter()
    del names["v"]
    engine.release()
    release = perf_counter() - start
    times = dict(zip(RUN, [*between(marks), release], strict=True)) | checks
    engine.begin([leaves])
    start = perf_counter()
    result = loop(*leaves)
    times["build_fn"] = perf_counter() - start
    del result
    engine.release()
    return times


# ---- a tree of a million operations ----------------------------------------------------------------------------------

TREE = 1_000_000
TREE_INPUTS = 1_000


def tree(engine: Engine) -> Times:
    """Half a million products of two inputs drawn from a thousand, added up in pairs."""
    rng = random.Random(4)
    leaves = [engine.leaf(rng.uniform(-1.0, 1.0)) for _ in range(TREE_INPUTS)]
    drawn = [leaves[i] for i in rng.choices(range(TREE_INPUTS), k=TREE)]
    engine.begin([leaves])
    marks = [perf_counter()]
    level = [a * b for a, b in zip(drawn[::2], drawn[1::2], strict=True)]
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        level = [a + b for a, b in zip(level[::2], level[1::2], strict=False)] + odd
    marks.append(perf_counter())
    engine.backward(level[0])
    marks.append(perf_counter())
    checks = {"value": float(level[0].data), "gradients": fingerprint(engine, [leaves])}
    start = perf_counter()
    level.clear()
    engine.release()
    release = perf_counter() - start
    return dict(zip(RUN, [*between(marks), release], strict=True)) | checks


# ---- networks --------------------------------------------------------------------------------------------------------


def matrix(engine: Engine, rng: random.Random, n_out: int, n_in: int, deviation: float) -> Rows:
    return [[engine.leaf(rng.gauss(0.0, deviation)) for _ in range(n_in)] for _ in range(n_out)]


def two_moons() -> tuple[list[list[float]], list[float]]:
    """A hundred points on two half circles that reach into each other, with a little noise; labels 1 and −1."""
    rng = random.Random(2)
    points, labels = [], []
    for i in range(50):
        angle = math.pi * i / 49
        for x, y, label in (
            (math.cos(angle), math.sin(angle), -1.0),
            (1 - math.cos(angle), 0.5 - math.sin(angle), 1.0),
        ):
            points.append([x + rng.gauss(0.0, 0.1), y + rng.gauss(0.0, 0.1)])
            labels.append(label)
    return points, labels


class Moons:
    """MLP(2, 16, 16, 1) with ReLU or another activation, on the two moons, with the max-margin loss."""

    rate = 0.05

    def __init__(self, engine: Engine, activation: str = "relu"):
        rng = random.Random(3)
        self.engine = engine
        self.activation = activation
        # the last weight of each neuron is its bias
        self.layers = [matrix(engine, rng, n_out, n_in + 1, n_in**-0.5) for n_in, n_out in ((2, 16), (16, 16), (16, 1))]
        self.rows = [row for layer in self.layers for row in layer]
        self.points, self.labels = two_moons()

    def score(self, xs: list[Any]) -> Any:
        for layer in self.layers:
            outputs = [self.engine.weighted_sum(row[:-1], xs) + row[-1] for row in layer]
            xs = outputs if layer is self.layers[-1] else [getattr(output, self.activation)() for output in outputs]
        return xs[0]

    def loss(self) -> Any:
        margins = [(1.0 - label * self.score(point)).relu() for point, label in zip(self.points, self.labels, strict=True)]
        return sum(margins) / len(margins)


NAMES = """
adela alma anouk ansel arlo beatrix benno bodil carine cosmo dalia darius delphi edda elio emeric fenna florin
gisela hanno ilse ivo jorin juna kasimir keziah lando leonie linnea maren matteo melina nilo nuria odile orla
pascal petra quirin ramona rosalind salome silvan tamsin tibor ulrike valeria wanda xenia yorick
""".split()  # noqa: SIM905  easier to read than a list


class GPT:
    """A character GPT of one layer with 4,192 parameters that learns names, one name a step."""

    rate = 0.1
    width, heads, block = 16, 4, 16
    end = 26  # the symbol before and after a name

    def __init__(self, engine: Engine):
        rng = random.Random(1)
        self.engine = engine
        self.step = 0
        shapes = {
            "symbols": (27, 16), "positions": (16, 16), "query": (16, 16), "key": (16, 16), "value": (16, 16),
            "project": (16, 16), "expand": (64, 16), "contract": (16, 64), "head": (27, 16),
        }  # fmt: skip
        self.weights = {name: matrix(engine, rng, *shape, 0.08) for name, shape in shapes.items()}
        self.rows = [row for rows in self.weights.values() for row in rows]

    def linear(self, name: str, xs: list[Any]) -> list[Any]:
        return [self.engine.weighted_sum(row, xs) for row in self.weights[name]]

    def norm(self, xs: list[Any]) -> list[Any]:
        """Divided by the root of the mean square."""
        scale = (self.engine.weighted_sum(xs, xs) / len(xs) + 1e-5) ** -0.5
        return [x * scale for x in xs]

    @staticmethod
    def softmax(xs: list[Any]) -> list[Any]:
        shift = max(x.data for x in xs)
        powers = [(x - shift).exp() for x in xs]
        total = sum(powers)
        return [power / total for power in powers]

    def attend(self, query: list[Any], keys: Rows, values: Rows) -> list[Any]:
        """What each head finds at the positions so far, side by side."""
        size = self.width // self.heads
        found = []
        for start in range(0, self.width, size):
            part = slice(start, start + size)
            scores = [self.engine.weighted_sum(query[part], key[part]) / size**0.5 for key in keys]
            shares = self.softmax(scores)
            found += [
                self.engine.weighted_sum(shares, column) for column in zip(*(value[part] for value in values), strict=True)
            ]
        return found

    def logits(self, symbol: int, position: int, keys: Rows, values: Rows) -> list[Any]:
        """The scores of the next symbol; adds this position's key and value to the lists."""
        embedding = zip(self.weights["symbols"][symbol], self.weights["positions"][position], strict=True)
        stream = self.norm([s + p for s, p in embedding])
        normed = self.norm(stream)
        keys.append(self.linear("key", normed))
        values.append(self.linear("value", normed))
        found = self.linear("project", self.attend(self.linear("query", normed), keys, values))
        stream = [x + y for x, y in zip(stream, found, strict=True)]
        hidden = [x.relu() for x in self.linear("expand", self.norm(stream))]
        stream = [x + y for x, y in zip(stream, self.linear("contract", hidden), strict=True)]
        return self.linear("head", stream)

    def loss(self) -> Any:
        """The mean of −log p(next symbol) over the next name; names are shorter than the block."""
        symbols = [self.end, *(ord(letter) - ord("a") for letter in NAMES[self.step % len(NAMES)]), self.end]
        self.step += 1
        keys: Rows = []
        values: Rows = []
        losses = []
        for position, (symbol, target) in enumerate(pairwise(symbols)):
            losses.append(-self.softmax(self.logits(symbol, position, keys, values))[target].log())
        return sum(losses) / len(losses)


def train_step(engine: Engine, network: Any) -> Times:
    """Forward, backward, a step down the gradient, release. The clock stops while results are noted."""
    marks = [perf_counter()]
    engine.begin(network.rows)
    loss = network.loss()
    marks.append(perf_counter())
    engine.backward(loss)
    marks.append(perf_counter())
    checks = {"value": float(loss.data), "gradients": fingerprint(engine, network.rows)}
    start = perf_counter()
    engine.descend(network.rows, network.rate)
    update = perf_counter() - start
    del loss
    engine.release()
    times = [*between(marks), update, perf_counter() - start - update]
    return dict(zip(("forward", "backward", "update", "release"), times, strict=True)) | checks


NETWORKS: dict[str, Callable[[Engine], Any]] = {"moons": Moons, "gpt": GPT}


# ---- steps of optimisers ---------------------------------------------------------------------------------------------

PARAMETERS = 10_000
STEPS = 11
OPTIMIZERS: dict[str, tuple[str, dict[str, float]]] = {
    "SGD": ("SGD", {"lr": 0.01}),
    "momentum": ("SGD", {"lr": 0.01, "momentum": 0.9}),
    "Adam": ("Adam", {}),
    "AdamW": ("AdamW", {}),
    "RMSprop": ("RMSprop", {}),
}


def optimizers(engine: Engine) -> Times:
    """The median seconds a step of each optimiser, after a first one, and where all of them have come to."""
    rng = random.Random(5)
    data, gradients = ([rng.gauss(0.0, 1.0) for _ in range(PARAMETERS)] for _ in range(2))
    times: Times = {}
    value = 0.0
    for name, (kind, settings) in OPTIMIZERS.items():
        optimizer = engine.optimizer(kind, settings, data, gradients)
        optimizer.step()
        marks = [perf_counter()]
        for _ in range(STEPS):
            optimizer.step()
            marks.append(perf_counter())
        times[name] = median(between(marks))
        value += sum(math.sin(i + 1.0) * float(x.data) for i, x in enumerate(optimizer.parameters))
    return times | {"value": value}
