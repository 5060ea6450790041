"""The rows by this package: compiled, and eager."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import nn
from benchmarks import problems
from benchmarks.engines import Autodiff, AutodiffDot
from benchmarks.problems import Answer, Prepared, Run
from benchmarks.rows import Row
from benchmarks.runners import resident_bytes

TREES = ("products", "alternating")


def compiled(row: Row, threads: int = 1) -> Prepared:
    if row.kind == "hessian":
        return partial(ad.hessian(problems.function(row), compile=True), problems.point(row)), matrix
    if row.kind == "sparse":
        return partial(ad.jacobian(problems.function(row), compile=True, sparse=True), problems.point(row)), matrix
    if row.kind in ("ode", "rosenbrock"):  # array in and array out, as scipy calls it
        return partial(ad.value_and_grad(problems.function(row), compile=True), problems.point(row)), problems.pair
    leaves, loss, data = captured(row)
    run = partial(ad.compile(loss, threads=threads).backward, *data)
    return run, lambda value: with_gradients(run, leaves)


def compiled_in_threads(row: Row) -> Prepared:
    return compiled(row, row.threads)


def eager(row: Row) -> Prepared:
    """The same without compiling."""
    if row.kind == "hessian":
        return partial(ad.hessian(problems.function(row)), problems.point(row)), matrix
    if row.kind in ("ode", "rosenbrock"):
        return partial(ad.value_and_grad(problems.function(row)), problems.point(row)), problems.pair
    leaves, loss, data = captured(row)

    def run() -> float:
        losses = [loss(x, y.item()) for x, y in zip(*data, strict=True)] if data else [loss()]
        mean = losses[0] if len(losses) == 1 else sum(losses) / len(losses)
        mean.backward()
        return mean.data

    return run, lambda value: with_gradients(run, leaves)


def captured(row: Row) -> tuple[list[ad.Value], Any, tuple[Any, ...]]:
    """The parameters, the loss that uses them, and the samples that it is to be given."""
    if row.kind in TREES:
        leaves = [ad.Value(x) for x in problems.point(row)]
        return leaves, lambda: problems.function(row)(leaves), ()
    if row.kind == "gpt":
        model, loss = problems.gpt_loss(Autodiff(), ad.softmax)
        return [leaf for weights in model.rows for leaf in weights], loss, ()
    network = row.network
    assert network is not None
    # the moons are written as micrograd's are, with sums of products
    engine = Autodiff() if network.widths[0] == 2 else AutodiffDot()
    layers = problems.layers_of(network, engine)

    def sample_loss(x: Any, y: Any) -> Any:
        found = problems.outputs(layers, x, network.activation, engine.weighted_sum)
        return nn.cross_entropy([found], [y]) if network.loss == "cross-entropy" else (1.0 - y * found[0]).relu()

    return [leaf for layer in layers for neuron in layer for leaf in neuron], sample_loss, problems.samples_of(network)


def with_gradients(run: Run, leaves: list[ad.Value]) -> Answer:
    for leaf in leaves:
        leaf.grad = 0.0
    value = run()
    return value, np.array([leaf.grad for leaf in leaves])


def matrix(found: Any) -> Answer:
    return 0.0, (found.toarray() if hasattr(found, "toarray") else np.asarray(found)).ravel()


# ---- memory -----------------------------------------------------------------------------------------------------------------


def peak_bytes() -> int:
    """The most that this process has held of the machine's memory, as Linux tells it."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def growth(row: Row, compiling: bool) -> tuple[int, int]:
    """The bytes by which a process has grown, and had grown at most, when the row's function is recorded or also compiled.

    The process must have done nothing else. Raises ``OSError`` where the system is not Linux.
    """
    f = problems.function(row)
    leaves = [ad.Value(x) for x in problems.point(row)]
    ad.compile(lambda: leaves[0] * leaves[1]).backward()  # what the compiler itself loads
    before = resident_bytes()
    if not compiling:
        kept: Any = f(leaves)
    elif row.kind in TREES:
        kept = ad.compile(lambda: f(leaves))
        kept.backward()
    else:
        kept = ad.value_and_grad(f, compile=True)
        kept(problems.point(row))
    found = resident_bytes() - before, peak_bytes() - before
    del kept
    return found
