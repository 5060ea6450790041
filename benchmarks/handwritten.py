"""The rows as somebody writes them by hand, derivatives and all: in C, called through ctypes, and in Python for numba."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import problems
from benchmarks.problems import Prepared
from benchmarks.rows import Network, Row

SOURCES = Path(__file__).parent / "c"
FLAGS = ("-O3", "-march=native", "-ffast-math")

# ---- C ----------------------------------------------------------------------------------------------------------------------


def compiler() -> str:
    """Raises ``ImportError`` where there is none, as for a peer that is not installed."""
    found = shutil.which("cc")
    if found is None:
        raise ImportError("there is no C compiler")
    return found


def function_in_c(file: str, name: str, *options: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        compiled, library = Path(folder, "by_hand.o"), Path(folder, "by_hand.so")
        subprocess.run([compiler(), *FLAGS, *options, "-fPIC", "-c", "-o", compiled, SOURCES / file], check=True)
        # linked without -ffast-math, which would have whoever loads it lose his subnormal numbers
        subprocess.run([compiler(), "-shared", "-o", library, compiled, "-lm"], check=True)
        f = ctypes.CDLL(str(library))[name]
    f.restype = ctypes.c_double
    return f


def sizes(network: Network) -> list[str]:
    inputs, *hidden, outputs = network.widths
    first, second = (*hidden, 0)[:2]
    macros = {
        "IN": inputs, "FIRST": first, "SECOND": second, "OUT": outputs,
        "TANH": network.activation == "tanh", "CROSS_ENTROPY": network.loss == "cross-entropy",
    }  # fmt: skip
    return [f"-D{name}={value:d}" for name, value in macros.items()]


def c(row: Row) -> Prepared:
    if row.network is not None:
        points, labels = (np.ascontiguousarray(x, dtype=float) for x in problems.samples_of(row.network))
        parameters = problems.flat(problems.arrays_of(row.network))
        f = function_in_c("network.c", "value_and_gradient", *sizes(row.network))
        return called(f, [parameters, points, labels, ctypes.c_long(len(points))], len(parameters))
    x, size = problems.point(row), ctypes.c_long(row.size)
    if row.kind == "gpt":
        symbols = np.array(problems.symbols(), dtype=np.int32)
        return called(function_in_c("gpt.c", "value_and_gradient"), [x, symbols, ctypes.c_long(len(symbols) - 1)], len(x))
    if row.kind == "ode":
        f = function_in_c("ode.c", "value_and_gradient")
        return called(f, [x, ctypes.c_double(problems.STEP), np.zeros((row.size, 2)), size], len(x))
    if row.kind == "rosenbrock":
        return called(function_in_c("rosenbrock.c", "value_and_gradient"), [x, size], len(x))
    drawn, levels = np.array(problems.drawn(row.size), dtype=np.int32), np.zeros(2 * row.size)
    return called(function_in_c("tree.c", row.kind), [x, drawn, levels, size, ctypes.c_long(len(x))], len(x))


def called(f: Any, arguments: list[Any], size: int) -> Prepared:
    """A call with these arguments and an array for the gradient, all of which stay where they are."""
    gradient = np.zeros(size)
    held = [*arguments, gradient]
    run: Any = partial(f, *(ctypes.c_void_p(x.ctypes.data) if isinstance(x, np.ndarray) else x for x in held))
    run.held = held  # the arrays live as long as what reads them
    return run, lambda value: (value, gradient.copy())


# ---- numba ------------------------------------------------------------------------------------------------------------------


def numba(row: Row) -> Prepared:
    from numba import njit

    jit = njit(fastmath=True)
    x = problems.point(row) if row.network is None else np.zeros(0)
    if row.network is not None:
        layers = tuple(problems.arrays_of(row.network))
        data = problems.samples_of(row.network)
        f = network_for_numba(jit, row.network.activation == "tanh")
        gradients = tuple(map(np.zeros_like, layers))
        return lambda: f(layers, gradients, *data), lambda value: (value, problems.flat(gradients))
    if row.kind == "ode":
        f, states = jit(ode), np.zeros((row.size, 2))
        return lambda: f(x, problems.STEP, states), problems.pair
    f = jit(rosenbrock)
    return lambda: f(x), problems.pair


def network_for_numba(jit: Callable[[Any], Any], tanh: bool) -> Any:
    """Two hidden layers and the max-margin loss, one sample after the other."""

    @jit
    def forward(w: Any, x: Any, out: Any, hidden: bool) -> None:
        for j in range(w.shape[0]):
            total = w[j, w.shape[1] - 1]
            for i in range(w.shape[1] - 1):
                total += w[j, i] * x[i]
            if hidden:
                total = np.tanh(total) if tanh else max(total, 0.0)
            out[j] = total

    @jit
    def backward(w: Any, x: Any, delta: Any, g: Any, below: Any) -> None:
        n = w.shape[1] - 1
        below[:] = 0.0
        for j in range(w.shape[0]):
            for i in range(n):
                g[j, i] += delta[j] * x[i]
                below[i] += delta[j] * w[j, i]
            g[j, n] += delta[j]
        for i in range(n):
            below[i] *= 1.0 - x[i] * x[i] if tanh else (1.0 if x[i] > 0.0 else 0.0)

    @jit
    def value_and_gradient(layers: Any, gradients: Any, points: Any, labels: Any) -> float:
        w1, w2, w3 = layers
        g1, g2, g3 = gradients
        x1, x2, out = np.empty(w1.shape[0]), np.empty(w2.shape[0]), np.empty(1)
        d0, d1, d2 = np.empty(points.shape[1]), np.empty(w1.shape[0]), np.empty(w2.shape[0])
        g1[:], g2[:], g3[:] = 0.0, 0.0, 0.0
        n, loss = len(points), 0.0
        for s in range(n):
            forward(w1, points[s], x1, True)
            forward(w2, x1, x2, True)
            forward(w3, x2, out, False)
            margin = 1.0 - labels[s] * out[0]
            if margin > 0.0:
                loss += margin
                out[0] = -labels[s] / n
                backward(w3, x2, out, g3, d2)
                backward(w2, x1, d2, g2, d1)
                backward(w1, points[s], d1, g1, d0)
        return loss / n

    return value_and_gradient


def ode(p: Any, h: float, states: Any) -> tuple[float, Any]:
    """The adjoint goes back over the states that were kept, and works out the stages of a step again."""
    x, y, a, b, c, d = p
    g = np.zeros(6)
    for i in range(len(states)):
        states[i, 0], states[i, 1] = x, y
        k1, l1 = a * x - b * x * y, d * x * y - c * y
        x2, y2 = x + h / 2 * k1, y + h / 2 * l1
        k2, l2 = a * x2 - b * x2 * y2, d * x2 * y2 - c * y2
        x3, y3 = x + h / 2 * k2, y + h / 2 * l2
        k3, l3 = a * x3 - b * x3 * y3, d * x3 * y3 - c * y3
        x4, y4 = x + h * k3, y + h * l3
        k4, l4 = a * x4 - b * x4 * y4, d * x4 * y4 - c * y4
        x += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        y += h / 6 * (l1 + 2 * l2 + 2 * l3 + l4)
    value, gx, gy = x * x + y * y, 2 * x, 2 * y
    for i in range(len(states) - 1, -1, -1):
        x, y = states[i, 0], states[i, 1]
        k1, l1 = a * x - b * x * y, d * x * y - c * y
        x2, y2 = x + h / 2 * k1, y + h / 2 * l1
        k2, l2 = a * x2 - b * x2 * y2, d * x2 * y2 - c * y2
        x3, y3 = x + h / 2 * k2, y + h / 2 * l2
        k3, l3 = a * x3 - b * x3 * y3, d * x3 * y3 - c * y3
        sk, sl = h / 6 * gx, h / 6 * gy
        dk, dl = sk, sl
        for u, v, weight, back in ((x + h * k3, y + h * l3, 2, h), (x3, y3, 2, h / 2), (x2, y2, 1, h / 2), (x, y, 0, 0.0)):
            bx, by = dk * (a - b * v) + dl * d * v, dl * (d * u - c) - dk * b * u
            g[2] += dk * u
            g[3] -= dk * u * v
            g[4] -= dl * v
            g[5] += dl * u * v
            gx += bx
            gy += by
            dk, dl = weight * sk + back * bx, weight * sl + back * by
    g[0], g[1] = gx, gy
    return value, g


def rosenbrock(x: Any) -> tuple[float, Any]:
    g, value = np.zeros_like(x), 0.0
    for i in range(len(x) - 1):
        t, u = x[i + 1] - x[i] * x[i], 1.0 - x[i]
        value += 100.0 * t * t + u * u
        g[i] -= 400.0 * t * x[i] + 2.0 * u
        g[i + 1] += 200.0 * t
    return value, g
