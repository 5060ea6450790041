"""The rows by compilers of scalar graphs: casadi, interpreted and in C, and ddx with its kernels."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import problems
from benchmarks.handwritten import compiler
from benchmarks.problems import Answer, Prepared
from benchmarks.rows import Row

# ---- casadi -----------------------------------------------------------------------------------------------------------------


def casadi(row: Row, in_c: bool = False) -> Prepared:
    """On arrays that stay where they are."""
    import casadi as ca

    ca.SX.relu = lambda x: ca.fmax(x, 0.0)
    if row.network is not None:
        return casadi_network(ca, row, in_c)
    point = problems.point(row)
    if row.kind == "ode":
        return buffered(translated(casadi_ode(ca, row), in_c), [point], pair)
    if row.kind == "rosenbrock" and row.size > 100:  # by vectors, for C compilers want minutes for long texts
        x = ca.MX.sym("x", row.size)
        t, u = x[1:] - x[:-1] ** 2, 1 - x[:-1]
        value = 100 * ca.dot(t, t) + ca.dot(u, u)
    else:
        x = ca.SX.sym("x", len(point))
        value = problems.function(row)(ca.vertsplit(x))
    if row.kind == "sparse":
        f = ca.Function("f", [x], [ca.jacobian(ca.vertcat(*value), x)])
    elif row.kind == "hessian":
        f = ca.Function("f", [x], [ca.hessian(value, x)[0]])
    else:
        f = ca.Function("f", [x], [value, ca.gradient(value, x)])
        return buffered(translated(f, in_c), [point], pair)
    rows, columns = f.sparsity_out(0).get_triplet()

    def matrix(outputs: list[np.ndarray]) -> Answer:
        whole = np.zeros(f.size_out(0))
        whole[rows, columns] = outputs[0]
        return 0.0, whole.ravel()

    return buffered(translated(f, in_c), [point], matrix)


def casadi_in_c(row: Row) -> Prepared:
    return casadi(row, in_c=True)


def casadi_ode(ca: Any, row: Row) -> Any:
    """One step as a function, and that function as often as there are steps, as its manual has it."""
    s = ca.SX.sym("s", 6)
    end = problems.steps(ca.vertsplit(s), 1)
    step = ca.Function("step", [s], [ca.vertcat(*end, s[2:])])
    x = ca.MX.sym("x", 6)
    last = step.fold(row.size)(x)
    value = last[0] ** 2 + last[1] ** 2
    return ca.Function("f", [x], [value, ca.gradient(value, x)])


def casadi_network(ca: Any, row: Row, in_c: bool) -> Prepared:
    network = row.network
    assert network is not None
    symbols: list[Any] = []
    start: list[float] = []

    def leaf(number: float) -> Any:
        start.append(number)
        symbols.append(ca.SX.sym(f"p{len(symbols)}"))
        return symbols[-1]

    scalars = problems.Scalars(leaf)
    layers = problems.layers_of(network, scalars)
    sample = ca.SX.sym("x", 3)
    *xs, label = ca.vertsplit(sample)
    value = (1.0 - label * problems.outputs(layers, xs, network.activation, scalars.weighted_sum)[0]).relu()
    x, n = ca.vertcat(*symbols), network.samples
    one = ca.Function("f", [x, sample], [value, ca.gradient(value, x)])
    data = np.ascontiguousarray(np.column_stack(problems.samples_of(network)))
    return buffered(
        translated(one.map(n, "serial"), in_c),
        [np.tile(np.array(start), (n, 1)), data],
        lambda outputs: (outputs[0].mean(), outputs[1].reshape(n, -1).mean(axis=0)),
    )


def translated(f: Any, in_c: bool) -> Any:
    """The function itself, or its C code, compiled. Raises ``ImportError`` where there is no compiler."""
    if not in_c:
        return f
    import casadi as ca

    with tempfile.TemporaryDirectory() as folder:
        writer = ca.CodeGenerator("f.c")
        writer.add(f)
        writer.generate(folder + "/")
        library = Path(folder, "f.so")
        # straight-line code as long as this takes the compiler minutes with all that it knows
        subprocess.run([compiler(), "-O1", "-march=native", "-shared", "-fPIC", "-o", library, Path(folder, "f.c")], check=True)
        return ca.external(f.name(), str(library))


def buffered(f: Any, inputs: list[np.ndarray], answer: Any) -> Prepared:
    call, run = f.buffer()
    outputs = [np.zeros(f.nnz_out(i)) for i in range(f.n_out())]
    for i, array in enumerate(inputs):
        call.set_arg(i, memoryview(array))
    for i, array in enumerate(outputs):
        call.set_res(i, memoryview(array))
    held = (call, inputs, f)  # they must live as long as what runs

    def answer_of(_: Any) -> Answer:
        assert held
        found: Answer = answer(outputs)
        return found

    return run, answer_of


def pair(outputs: list[np.ndarray]) -> Answer:
    return float(outputs[0][0]), outputs[1].copy()


# ---- ddx --------------------------------------------------------------------------------------------------------------------


def ddx(row: Row, kernels: bool = False) -> Prepared:
    import ddx

    if kernels and not ddx.has_jit:
        raise ImportError("this ddx has no kernels")
    ddx.Expression.relu = lambda x: ddx.max(x, 0.0)
    ddx.Expression.exp = lambda x: ddx.exp(x)
    ddx.Expression.log = lambda x: ddx.log(x)
    ddx.Expression.tanh = lambda x: ddx.tanh(x)
    if row.network is not None:
        return ddx_network(ddx, row, kernels)
    point = problems.point(row)
    model = problems.function(row)
    f = ddx.equation(lambda: model([ddx.var(f"p{i}") for i in range(len(point))]))
    second = row.kind == "hessian"
    if kernels:
        f.compile(points=1, cache_dir="")
    call = f.buffer(point, want=ddx.Want.HESSIAN if second else ddx.Want.JACOBIAN)
    if second:
        return call, lambda _: (0.0, np.array(call.hessian).ravel())
    return call, lambda _: (float(call.value), np.array(call.jacobian).ravel())


def ddx_kernels(row: Row) -> Prepared:
    return ddx(row, kernels=True)


def ddx_network(ddx: Any, row: Row, kernels: bool) -> Prepared:
    network = row.network
    assert network is not None
    start: list[float] = []

    def leaf(number: float) -> Any:
        start.append(number)
        return ddx.var(f"p{len(start)}")

    def model() -> Any:
        scalars = problems.Scalars(leaf)
        layers = problems.layers_of(network, scalars)
        x, y, label = ddx.param("x"), ddx.param("y"), ddx.param("label")
        return (1.0 - label * problems.outputs(layers, [x, y], network.activation, scalars.weighted_sum)[0]).relu()

    f = ddx.equation(model)
    points, labels = problems.samples_of(network)
    batch = np.vstack([np.tile(np.array(start)[:, None], (1, len(points))), points.T, labels[None]])
    if kernels:
        f.compile(points=len(points), cache_dir="")
    call = f.buffer(batch)

    def run() -> Any:
        call()
        return call.value.mean(), call.jacobian.mean(axis=-1)

    return run, problems.pair
