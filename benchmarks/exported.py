"""The text of arrays beside tensors written by hand: loss and all gradients, under NumPy, JAX and torch, on one core."""

from __future__ import annotations

import importlib.util
import os
import random
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from types import ModuleType
from typing import Any

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"}

import numpy as np

import autodiff as ad
from autodiff import nn
from benchmarks import problems, workloads
from benchmarks.engines import Autodiff
from benchmarks.report import Table, machine, number
from benchmarks.tensors import cross_entropy, gpt_tensors

Run = Callable[[], Any]
Gradients = dict[str, np.ndarray]

ROUNDS, CALLS = 15, 10
GOALS = {"numpy": 1.5, "jax": 1.1, "torch": 1.2}
LINES = {"moons": (200, 20), "gpt": (200, 100)}  # in all, and of those that compute
SECONDS = 3.0  # of processor to trace and compile
LEAVE = """\
When to leave the machine ("our machine" above): on one core for wide layers in large batches, where a BLAS or XLA is ahead;
for a GPU, for many devices or hosts; and where the model must run without this package. Small networks and irregular code
are faster in it."""

# ---- the functions ----------------------------------------------------------------------------------------------------------


def moons() -> tuple[Any, tuple[np.ndarray, ...]]:
    model, network = nn.MLP(2, [16, 16, 1], seed=3), workloads.Moons(Autodiff())
    return ad.compile(lambda x, y: ad.relu(1.0 - y * model(x))), (np.array(network.points), np.array(network.labels))


def digits() -> tuple[Any, tuple[np.ndarray, ...]]:
    model, rng = nn.MLP(64, [32, 10], seed=3), np.random.default_rng(0)
    f = ad.compile(lambda x, label: nn.cross_entropy([model(x)], [label]))
    return f, (rng.uniform(0.0, 1.0, (256, 64)), rng.integers(0, 10, 256))


def gpt() -> tuple[Any, tuple[np.ndarray, ...]]:
    _, loss = problems.gpt_loss(Autodiff(), ad.softmax)
    return ad.compile(loss), ()


WORKLOADS = {"moons": moons, "digits": digits, "gpt": gpt}

# ---- by hand ----------------------------------------------------------------------------------------------------------------


def network(m: Any, p: Any, x: Any, where: Any) -> Any:
    """The outputs of a network with ReLU within, by the names of its arrays."""
    last = len(p) // 2 - 1
    for i in range(last + 1):
        x = x @ p[f"layers.{i}.w"].T + p[f"layers.{i}.b"]
        x = where(x > 0, x, 0.0) if i < last else x
    return x


def tensor_loss(workload: str, m: Any, p: Any, data: Any) -> Any:
    """The loss on tensors, whose derivatives JAX and torch find."""
    if workload == "moons":
        margins = 1.0 - data[1][:, None] * network(m, p, data[0], m.where)
        return m.where(margins > 0, margins, 0.0).mean()
    logits = network(m, p, data[0], m.where)
    largest = m.amax(logits, -1)[:, None] if hasattr(m, "amax") else logits.max(-1)[:, None]
    shifted = logits - largest
    return (m.log(m.exp(shifted).sum(-1)) - shifted[m.arange(len(logits)), data[1]]).mean()


def by_hand(workload: str, p: Gradients, x: np.ndarray, y: np.ndarray) -> tuple[float, Gradients]:
    """Forward and backward in NumPy, as a textbook writes them."""
    inputs = [x]
    last = len(p) // 2 - 1
    for i in range(last + 1):
        z = inputs[-1] @ p[f"layers.{i}.w"].T + p[f"layers.{i}.b"]
        inputs.append(np.maximum(z, 0.0) if i < last else z)
    outputs, n = inputs.pop(), len(x)
    if workload == "moons":
        margins = 1.0 - y[:, None] * outputs
        loss, delta = np.maximum(margins, 0.0).mean(), (margins > 0) * (-y[:, None] / n)
    else:
        loss, delta = cross_entropy(outputs, y)
    gradients: Gradients = {}
    for i in range(last, -1, -1):
        gradients |= {f"layers.{i}.w": delta.T @ inputs[i], f"layers.{i}.b": delta.sum(axis=0)}
        if i:
            delta = (delta @ p[f"layers.{i}.w"]) * (inputs[i] > 0)
    return float(loss), gradients


# ---- ours and theirs --------------------------------------------------------------------------------------------------------


def module_of(f: Any) -> ModuleType:
    with tempfile.TemporaryDirectory() as folder:
        f.export(Path(folder, "step.py"))
        spec = importlib.util.spec_from_file_location("step", Path(folder, "step.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def pairs(workload: str, f: Any, data: tuple[np.ndarray, ...]) -> Iterator[tuple[str, float, Run, Run, Run]]:
    """Of each namespace that is installed: the seconds to trace and compile, ours, by hand, and ours as numbers."""
    params = f.params()
    if workload != "gpt":
        step = module_of(f).loss_and_gradients
        ours = lambda: step(np, params, *data)  # noqa: E731
        yield "numpy", 0.0, ours, lambda: by_hand(workload, params, *data), ours
    yield from jax_pair(workload, f, data)
    yield from torch_pair(workload, f, data)


def jax_pair(workload: str, f: Any, data: tuple[np.ndarray, ...]) -> Iterator[tuple[str, float, Run, Run, Run]]:
    try:
        import jax
    except ImportError:
        return
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    params, batch = f.params(jnp), tuple(map(jnp.asarray, data))
    compiled = jax.jit(f.to_jax())
    start = process_time()
    jax.block_until_ready(compiled(params, *batch))
    seconds = process_time() - start
    if workload == "gpt":
        given = {name: jnp.asarray(x) for name, x in problems.gpt_weights().items()}
        hand = jax.jit(jax.value_and_grad(lambda w: gpt_tensors(jnp, w, jnp.asarray)))
        theirs = lambda: jax.block_until_ready(hand(given))  # noqa: E731
    else:
        hand = jax.jit(jax.value_and_grad(lambda p, *data: tensor_loss(workload, jnp, p, data)))
        theirs = lambda: jax.block_until_ready(hand(params, *batch))  # noqa: E731
    ours = lambda: jax.block_until_ready(compiled(params, *batch))  # noqa: E731
    yield "jax", seconds, ours, theirs, ours


def torch_pair(workload: str, f: Any, data: tuple[np.ndarray, ...]) -> Iterator[tuple[str, float, Run, Run, Run]]:
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(1)
    step, batch = f.to_torch(), tuple(map(torch.as_tensor, data))
    import array_api_compat.torch as namespace

    params = f.params(namespace)
    if workload == "gpt":
        weights = {name: torch.tensor(x) for name, x in problems.gpt_weights().items()}
    else:
        weights = {key: torch.clone(x) for key, x in params.items()}
    for tensor in weights.values():
        tensor.requires_grad_()

    def by_tensors() -> Any:
        for tensor in weights.values():
            tensor.grad = None
        loss = gpt_tensors(torch, weights, torch.tensor) if workload == "gpt" else tensor_loss(workload, torch, weights, batch)
        loss.backward()
        return loss

    ours = lambda: step(params, *batch)  # noqa: E731
    yield "torch", 0.0, ours, by_tensors, ours


# ---- the table --------------------------------------------------------------------------------------------------------------


def timed(runs: list[Run]) -> list[float]:
    """The medians in µs, the runs taking turns."""
    times: list[list[float]] = [[] for _ in runs]
    for run in runs:
        run()
    for _ in range(ROUNDS):
        for run, found in zip(runs, times, strict=True):
            for _ in range(CALLS):
                start = perf_counter()
                run()
                found.append(perf_counter() - start)
    return [1e6 * median(found) for found in times]


def lines_of(text: str) -> tuple[int, int]:
    """How many lines the function's body has, and how many of them compute."""
    body = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    return len(body), sum(bool(re.match(r"v\d+ = ", line)) for line in body)


def in_goal(text: str, met: bool) -> str:
    return text if met else f"{text} NOT MET"


def rows(workload: str) -> Iterator[list[str]]:
    random.seed(0)
    f, data = WORKLOADS[workload]()
    expected = f.backward(*data)
    on_machine = timed([lambda: f.backward(*data)])[0]
    total, computing = lines_of(f.source)
    for namespace, seconds, ours, theirs, answer in pairs(workload, f, data):
        mine, hand = timed([ours, theirs])
        most, most_computing = LINES.get(workload, (total, computing))
        agrees = abs(float(answer()[0]) - expected) <= 1e-9 * max(1.0, abs(expected))
        verdict = "met" if mine <= GOALS[namespace] * hand else "NOT MET"
        yield [
            f"{workload}, {namespace}", number(mine, 1), number(hand, 1), number(mine / hand, 2),
            f"{GOALS[namespace]} {verdict}" if agrees else "DISAGREES", number(on_machine, 1),
            in_goal(number(seconds, 1), seconds <= SECONDS),
            in_goal(f"{total} ({computing})", total <= most and computing <= most_computing),
        ]  # fmt: skip


def main(names: Sequence[str] = ()) -> None:
    headings = [
        "µs a step",
        "text",
        "by hand",
        "ratio",
        "goal",
        "our machine",
        "CPU s to trace and compile",
        "lines (computing)",
    ]
    found = [row for workload in names or WORKLOADS for row in rows(workload)]
    print(machine())
    print(Table("Exported arrays beside tensors by hand, one core: loss and all gradients", headings, found).text(False))
    print(LEAVE)


if __name__ == "__main__":
    main(sys.argv[1:])
