"""Compiled functions beside other compilers: value and all gradients of one function, again and again."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np

import autodiff as ad
from benchmarks import workloads
from benchmarks.engines import Autodiff, Engine
from benchmarks.report import Table, number, ratio

Answer = tuple[float, np.ndarray]  # the value, and the gradients
Run = Callable[[], Any]
Prepared = tuple[Run, Callable[[Any], Answer]]  # what is timed, and what turns its result into an answer

NAME = "quentin"  # seven letters: with the symbols around it eight positions

# ---- functions that are written for scalars ---------------------------------------------------------------------------------


class Scalars(Engine):
    """Numbers of any make. Starts from the same parameters as every other engine."""

    def __init__(self, leaf: Callable[[float], Any], softmax: Callable[[list[Any]], list[Any]] | None = None):
        self.leaf = leaf
        self.softmax = softmax or workloads.GPT.softmax


def gpt_loss(engine: Engine, softmax: Any = None) -> tuple[workloads.GPT, Callable[[], Any]]:
    """The character GPT, and its loss on one name of seven letters."""
    network = workloads.GPT(engine)
    if softmax is not None:
        network.softmax = softmax  # type: ignore[method-assign]

    def loss() -> Any:
        symbols = [network.end, *(ord(letter) - ord("a") for letter in NAME), network.end]
        keys: Any = []
        values: Any = []
        losses = [
            -network.softmax(network.logits(symbol, position, keys, values))[target].log()
            for position, (symbol, target) in enumerate(pairwise(symbols))
        ]
        return sum(losses) / len(losses)

    return network, loss


def plain_softmax(xs: list[Any]) -> list[Any]:
    """Without a shift: the logits are small."""
    powers = [x.exp() for x in xs]
    total = sum(powers)
    return [power / total for power in powers]


def rosenbrock(x: Any, n: int = 10) -> Any:
    return sum(100.0 * (x[i + 1] - x[i] * x[i]) ** 2 + (1.0 - x[i]) ** 2 for i in range(n - 1))


def tree(xs: Any) -> Any:
    """Half a million products of two of a thousand inputs, added up in pairs."""
    drawn = [xs[i] for i in drawn_indices()]
    level = [a * b for a, b in zip(drawn[::2], drawn[1::2], strict=True)]
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        level = [a + b for a, b in zip(level[::2], level[1::2], strict=False)] + odd
    return level[0]


def drawn_indices() -> list[int]:
    return random.Random(4).choices(range(workloads.TREE_INPUTS), k=workloads.TREE)


def tree_point() -> np.ndarray:
    rng = random.Random(5)
    return np.array([rng.uniform(-1.0, 1.0) for _ in range(workloads.TREE_INPUTS)])


ROSENBROCK_POINT = np.linspace(0.5, 1.5, 10)


def numbers(rows: Any) -> np.ndarray:
    return np.array([float(leaf) for row in rows for leaf in row])


# the activation and the number of samples: the same hundred points again and again
MOONS = {
    f"moons{'-tanh' * (activation == 'tanh')}{f'-{samples}' * (samples > 100)}": (activation, samples)
    for samples in (100, 1_000, 10_000)
    for activation in ("relu", "tanh")
}


def moons(workload: str) -> tuple[list[Any], np.ndarray, np.ndarray]:
    """The layers of the two-moons network as rows of floats, the points and the labels."""
    network = workloads.Moons(Scalars(float))
    samples = MOONS[workload][1]
    return network.layers, np.resize(np.array(network.points), (samples, 2)), np.resize(np.array(network.labels), samples)


# ---- autodiff ---------------------------------------------------------------------------------------------------------------


def autodiff(workload: str) -> Prepared:
    if workload == "rosenbrock":
        f = ad.value_and_grad(rosenbrock, compile=True)
        f(ROSENBROCK_POINT)
        return lambda: f(ROSENBROCK_POINT), lambda found: found
    engine = Autodiff()
    if workload == "tree":
        rows = [[ad.Value(x) for x in tree_point()]]
        compiled, data = ad.compile(lambda: tree(rows[0])), ()
    elif workload == "gpt":
        network, loss = gpt_loss(engine, ad.softmax)
        rows, compiled, data = network.rows, ad.compile(loss), ()
    else:
        network = workloads.Moons(engine, MOONS[workload][0])
        rows = network.rows
        compiled = ad.compile(lambda x, y: (1.0 - y * network.score(x)).relu())
        data = moons(workload)[1:]
    leaves = [leaf for row in rows for leaf in row]

    def answer(value: float) -> Answer:
        for leaf in leaves:
            leaf.grad = 0.0
        value = compiled.backward(*data)
        return value, np.array([leaf.grad for leaf in leaves])

    compiled.backward(*data)
    return lambda: compiled.backward(*data), answer


def eager(workload: str) -> Prepared:
    """The same without compiling."""
    if workload == "rosenbrock":
        f = ad.value_and_grad(rosenbrock)
        return lambda: f(ROSENBROCK_POINT), lambda found: found
    engine = Autodiff()
    if workload == "gpt":
        network, loss = gpt_loss(engine, ad.softmax)
        rows = network.rows
    elif workload in MOONS:
        if MOONS[workload][1] > 100:
            raise ImportError("left out here")
        network = workloads.Moons(engine, MOONS[workload][0])
        rows, loss = network.rows, network.loss
    else:
        rows = [[ad.Value(x) for x in tree_point()]]
        loss = lambda: tree(rows[0])  # noqa: E731
    leaves = [leaf for row in rows for leaf in row]

    def run() -> float:
        found = loss()
        found.backward()
        return found.data

    def answer(value: float) -> Answer:
        for leaf in leaves:
            leaf.grad = 0.0
        return run(), np.array([leaf.grad for leaf in leaves])

    return run, answer


# ---- peers ------------------------------------------------------------------------------------------------------------------


def gpt_tensors(m: Any, weights: dict[str, Any], stack: Any) -> Any:
    """The same GPT on tensors, for jax and torch."""
    symbols = [26, *(ord(letter) - ord("a") for letter in NAME), 26]
    n, heads, size = len(symbols) - 1, 4, 4

    def norm(x: Any) -> Any:
        return x * ((x * x).mean(-1)[:, None] + 1e-5) ** -0.5

    def softmax(x: Any) -> Any:
        powers = m.exp(x)
        return powers / powers.sum(-1)[..., None]

    w = weights
    stream = norm(w["symbols"][np.array(symbols[:-1])] + w["positions"][:n])
    normed = norm(stream)
    query, key, value = [(normed @ w[name].T).reshape(n, heads, size) for name in ("query", "key", "value")]
    mask = np.triu(np.full((n, n), -np.inf), 1)
    scores = m.einsum("qhd,khd->hqk", query, key) / size**0.5 + stack(mask)
    found = m.einsum("hqk,khd->qhd", softmax(scores), value).reshape(n, heads * size)
    stream = stream + found @ w["project"].T
    hidden = norm(stream) @ w["expand"].T
    stream = stream + (hidden * (hidden > 0)) @ w["contract"].T
    shares = softmax(stream @ w["head"].T)
    return -m.log(shares[np.arange(n), np.array(symbols[1:])]).mean()


def moons_tensors(m: Any, layers: list[Any], points: Any, labels: Any, activation: str) -> Any:
    xs = points
    for i, layer in enumerate(layers):
        xs = xs @ layer[:, :-1].T + layer[:, -1]
        if i < 2:
            xs = m.tanh(xs) if activation == "tanh" else xs * (xs > 0)
    margins = 1.0 - labels * xs[:, 0]
    return (margins * (margins > 0)).mean()


def tensor_inputs(workload: str) -> Any:
    if workload == "gpt":
        return {name: np.array(rows) for name, rows in workloads.GPT(Scalars(float)).weights.items()}
    if workload in MOONS:
        return [np.array(layer) for layer in moons(workload)[0]]
    return tree_point() if workload == "tree" else ROSENBROCK_POINT


def flat(gradients: Any) -> np.ndarray:
    parts = gradients.values() if isinstance(gradients, dict) else gradients if isinstance(gradients, list) else [gradients]
    return np.concatenate([np.asarray(part).ravel() for part in parts])


def jax(workload: str) -> Prepared:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    given = tensor_inputs(workload)
    inputs = (
        {name: jnp.asarray(x) for name, x in given.items()} if isinstance(given, dict) else jax.tree.map(jnp.asarray, given)
    )
    if workload == "gpt":
        loss = lambda w: gpt_tensors(jnp, w, jnp.asarray)  # noqa: E731
    elif workload in MOONS:
        _, points, labels = moons(workload)
        loss = lambda layers: moons_tensors(jnp, layers, points, labels, MOONS[workload][0])  # noqa: E731
    elif workload == "tree":
        drawn = np.array(drawn_indices())
        loss = lambda x: x[drawn[::2]] @ x[drawn[1::2]]  # noqa: E731
    else:
        loss = lambda x: (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum()  # noqa: E731
    f = jax.jit(jax.value_and_grad(loss))
    if workload == "rosenbrock":  # array in and out, as scipy calls it

        def run() -> Any:
            value, gradient = f(ROSENBROCK_POINT)
            return float(value), np.asarray(gradient)
    else:

        def run() -> Any:
            return jax.block_until_ready(f(inputs))

    run()
    names = list(inputs) if isinstance(inputs, dict) else []  # jax sorts them
    return run, lambda found: (float(found[0]), flat({name: found[1][name] for name in names} if names else found[1]))


def torch(workload: str) -> Prepared:
    import torch

    torch.set_num_threads(1)
    found = tensor_inputs(workload)
    if workload in ("tree", "rosenbrock"):
        raise ImportError("left out here")
    names = list(found) if isinstance(found, dict) else range(len(found))
    inputs = {name: torch.tensor(found[name], requires_grad=True) for name in names}
    points, labels = map(torch.tensor, moons(workload)[1:] if workload in MOONS else ((), ()))

    def run() -> Any:
        for tensor in inputs.values():
            tensor.grad = None
        if workload == "gpt":
            loss = gpt_tensors(torch, inputs, torch.tensor)
        else:
            loss = moons_tensors(torch, [inputs[name] for name in names], points, labels, MOONS[workload][0])
        loss.backward()
        return loss

    run()
    return run, lambda loss: (float(loss.detach()), flat([tensor.grad for tensor in inputs.values()]))


def casadi(workload: str) -> Prepared:
    import casadi as ca

    if workload in MOONS and workload != "moons":
        raise ImportError("left out here")
    ca.SX.relu = lambda x: ca.fmax(x, 0.0)
    if workload == "rosenbrock":
        x = ca.SX.sym("x", 10)
        value = rosenbrock(x)
        f = ca.Function("f", [x], [value, ca.gradient(value, x)])
        return lambda: f(ROSENBROCK_POINT), lambda found: (float(found[0]), np.array(found[1]).ravel())
    if workload == "tree":
        x, point = ca.SX.sym("x", workloads.TREE_INPUTS), tree_point()
        value = tree(ca.vertsplit(x))
    else:
        symbols: list[Any] = []
        start: list[float] = []

        def leaf(number: float) -> Any:
            start.append(number)
            symbols.append(ca.SX.sym(f"p{len(symbols)}"))
            return symbols[-1]

        if workload == "gpt":
            _, loss = gpt_loss(Scalars(leaf), plain_softmax)
            value = loss()
        else:
            network = workloads.Moons(Scalars(leaf))
            point_and_label = ca.SX.sym("x", 3)
            xs = ca.vertsplit(point_and_label)
            value = (1.0 - xs[2] * network.score(xs[:2])).relu()
        x, point = ca.vertcat(*symbols), np.array(start)
    if workload != "moons":
        f = ca.Function("f", [x], [value, ca.gradient(value, x)])
        return buffered(f, [point])
    one = ca.Function("f", [x, point_and_label], [value, ca.gradient(value, x)])
    _, points, labels = moons(workload)
    data = np.ascontiguousarray(np.column_stack([points, labels]))
    run, answer = buffered(one.map(100, "serial"), [np.tile(point, (100, 1)), data])

    def mean(_: Any) -> Answer:
        value, gradient = answer(None)
        return value.mean(), gradient.reshape(100, -1).mean(axis=0)  # type: ignore[attr-defined]

    return run, mean


def buffered(f: Any, inputs: list[np.ndarray]) -> Prepared:
    """A casadi function on arrays that stay where they are."""
    call, run = f.buffer()
    outputs = [np.zeros(f.nnz_out(i)) for i in range(2)]
    for i, array in enumerate(inputs):
        call.set_arg(i, memoryview(array))
    for i, array in enumerate(outputs):
        call.set_res(i, memoryview(array))
    run()
    held = (call, inputs)  # they must live as long as the function

    def answer(_: Any) -> Any:
        assert held
        return outputs[0] if len(outputs[0]) > 1 else float(outputs[0][0]), outputs[1]

    return run, answer


def ddx(workload: str) -> Prepared:
    import ddx

    if workload in MOONS and workload != "moons":
        raise ImportError("left out here")
    ddx.Expression.relu = lambda x: ddx.max(x, 0.0)
    ddx.Expression.exp = lambda x: ddx.exp(x)
    ddx.Expression.log = lambda x: ddx.log(x)
    start: list[float] = []

    def leaf(number: float) -> Any:
        start.append(number)
        return ddx.var(f"p{len(start)}")

    def model() -> Any:
        if workload == "rosenbrock":
            return rosenbrock([leaf(x) for x in ROSENBROCK_POINT])
        if workload == "tree":
            return tree([leaf(x) for x in tree_point()])
        if workload == "gpt":
            return gpt_loss(Scalars(leaf), plain_softmax)[1]()
        network = workloads.Moons(Scalars(leaf))
        x, y, label = ddx.param("x"), ddx.param("y"), ddx.param("label")
        return (1.0 - label * network.score([x, y])).relu()

    f = ddx.equation(model)
    if workload != "moons":
        call = f.buffer(np.array(start))
        call()

        def run() -> Any:
            call()
            return call.value, call.jacobian

        if workload == "rosenbrock":  # array in and out
            return lambda: f.jacobian(ROSENBROCK_POINT), lambda found: (float(found[0]), np.array(found[1]))
        return run, lambda found: (float(found[0]), np.array(found[1]).ravel())
    _, points, labels = moons(workload)
    batch = np.vstack([np.tile(np.array(start)[:, None], (1, 100)), points.T, labels[None]])
    if ddx.has_jit:
        f.compile(points=100)
    call = f.buffer(batch)

    def run_batch() -> Any:
        call()
        return call.value.mean(), call.jacobian.mean(axis=-1)

    run_batch()
    return run_batch, lambda found: (float(found[0]), np.array(found[1]).ravel())


def by_hand(workload: str) -> Prepared:
    """The passes of the network as somebody writes them with NumPy."""
    if workload not in MOONS:
        raise ImportError("has the network alone")
    layers, points, labels = moons(workload)
    (w, b), (v, c), (u, d) = [(np.array(layer)[:, :-1], np.array(layer)[:, -1]) for layer in layers]
    n, tanh = len(points), MOONS[workload][0] == "tanh"

    def run() -> Any:
        first = points @ w.T + b
        first = np.tanh(first) if tanh else np.maximum(first, 0.0)
        second = first @ v.T + c
        second = np.tanh(second) if tanh else np.maximum(second, 0.0)
        margins = np.maximum(1.0 - labels * (second @ u.T + d)[:, 0], 0.0)
        top = np.where(margins > 0, -labels / n, 0.0)[:, None]
        middle = (top @ u) * (1.0 - second * second if tanh else second > 0)
        bottom = (middle @ v) * (1.0 - first * first if tanh else first > 0)
        return margins.mean(), [
            np.column_stack([below.T @ x, below.sum(0)]) for below, x in ((bottom, points), (middle, first), (top, second))
        ]

    return run, lambda found: (float(found[0]), flat(found[1]))


def scipy(workload: str) -> Prepared:
    from scipy.optimize import rosen, rosen_der

    if workload != "rosenbrock":
        raise ImportError("has the Rosenbrock function alone")
    return lambda: (rosen(ROSENBROCK_POINT), rosen_der(ROSENBROCK_POINT)), lambda found: found


ENGINES: dict[str, Callable[[str], Prepared]] = {
    "autodiff.compile": autodiff,
    "autodiff, eager": eager,
    "jax.jit, tensors": jax,
    "ddx-ad": ddx,
    "casadi": casadi,
    "torch, tensors": torch,
    "numpy by hand": by_hand,
    "scipy's own": scipy,
}
TITLES = {
    **{
        workload: f"Two-moons MLP(2, 16, 16, 1) with {activation}, {samples:,} samples: loss and all 337 gradients"
        for workload, (activation, samples) in MOONS.items()
    },
    "gpt": "A character GPT of one layer, 8 positions: loss and all 4,192 gradients",
    "rosenbrock": "Rosenbrock in 10 dimensions, array in and array out",
    "tree": "A million operations over 1,000 inputs",
}
REPEATS = {"gpt": 200, "rosenbrock": 4000, "tree": 15}
REPEATS |= {name: max(40, 40_000 // samples) for name, (_, samples) in MOONS.items()}
GOALS = {"moons": 40e-6, "gpt": 150e-6, "rosenbrock": 1.5e-6, "tree": 10e-3}
TO_COMPILE = {"gpt": 1.0, "tree": 10.0}


def prepared(workload: str) -> Iterator[tuple[str, float, Run, Callable[[Any], Answer]]]:
    """Each engine that is installed and takes this workload, with the processor's seconds until its first result."""
    for name, engine in ENGINES.items():
        start = process_time()
        try:
            run, answer = engine(workload)
        except ImportError:
            continue
        yield name, process_time() - start, run, answer


def table(workload: str, repeats: int | None = None) -> str:
    """The medians of one workload, the engines taking turns, with a word on whether they agree and on the goals."""
    engines = list(prepared(workload))
    times: dict[str, list[float]] = {name: [] for name, *_ in engines}
    rounds = repeats or REPEATS[workload]
    for _ in range(max(1, rounds // 20)):
        for name, _, run, _ in engines:
            for _ in range(1 if name == "autodiff, eager" else min(20, rounds)):
                start = perf_counter()
                run()
                times[name].append(perf_counter() - start)
    medians = {name: median(some) for name, some in times.items()}
    ours = medians["autodiff.compile"]
    rows = [
        [name, number(1e6 * medians[name], 2), number(first, 2), number(ratio(medians[name], ours), 2)]
        for name, first, *_ in engines
    ]
    text = Table(TITLES[workload], ["µs a run", "median", "CPU s to the first", "× ours"], rows).text(False)
    return "\n".join([text, agreement(engines), *goals(workload, ours, engines[0][1]), ""])


def agreement(engines: list[Any]) -> str:
    reference = engines[0][3](engines[0][2]())
    apart = 0.0
    for _, _, run, answer in engines[1:]:
        value, gradient = answer(run())
        differences = np.abs(np.array(gradient) - reference[1]) / max(1.0, np.abs(reference[1]).max())
        apart = max(apart, abs(value - reference[0]) / max(1.0, abs(reference[0])), differences.max())
    verdict = "they agree to 1e-9" if apart <= 1e-9 else "THEY DISAGREE"
    return f"value {reference[0]:.6g}; values and gradients at most {apart:.0e} apart: {verdict}"


def goals(workload: str, seconds: float, first: float) -> Iterator[str]:
    limits = [("a run", seconds, GOALS[workload])] if workload in GOALS else []
    if workload in TO_COMPILE:
        limits.append(("to compile", first, TO_COMPILE[workload]))
    for what, measured, limit in limits:
        verdict = "met" if measured <= limit else "NOT MET"
        yield f"goal, {what}: {1e6 * measured:,.2f} µs of at most {1e6 * limit:,.1f}: {verdict}"


def compile_times() -> str:
    """The seconds to compile the tree of products grow as its size does."""
    rows = []
    for n in (10_000, 30_000, 100_000, 300_000):
        leaves = [ad.Value(x) for x in tree_point()]
        drawn = drawn_indices()[:n]

        def loss(drawn: list[int] = drawn, leaves: list[Any] = leaves) -> Any:
            level = [ad.tanh(leaves[i] * leaves[j]) for i, j in zip(drawn[::2], drawn[1::2], strict=True)]
            while len(level) > 1:
                odd = level[-1:] if len(level) % 2 else []
                level = [a + b for a, b in zip(level[::2], level[1::2], strict=False)] + odd
            return level[0]

        compiled = ad.compile(loss)
        start = process_time()
        compiled.backward()
        seconds = process_time() - start
        nodes = next(iter(compiled.program.counts.values()))
        rows.append([f"{nodes:,} nodes", number(seconds, 2), number(1e6 * seconds / nodes, 2)])
    return Table("Compile time of a graph with its adjoint", ["size", "CPU s", "µs a node"], rows).text(False)


def main(chosen: list[str], repeats: int | None = None) -> None:
    """Prints the tables of these workloads, all if none is given."""
    for workload in chosen or TITLES:
        print(table(workload, repeats), flush=True)
    if not chosen:
        print(compile_times(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
