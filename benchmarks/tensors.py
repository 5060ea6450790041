"""The rows on arrays: jax, torch, and NumPy by hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks import problems, workloads
from benchmarks.problems import Prepared, flat, pair
from benchmarks.rows import Network, Row

# ---- the functions, for both ------------------------------------------------------------------------------------------------


def gpt_tensors(m: Any, weights: dict[str, Any], stack: Any) -> Any:
    """The loss of the GPT on tensors of the module m."""
    symbols = problems.symbols()
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


def network_tensors(m: Any, network: Network, layers: list[Any], points: Any, labels: Any) -> Any:
    """The mean loss of a network; of each layer the last column is the bias."""
    xs = points
    for i, layer in enumerate(layers):
        xs = xs @ layer[:, :-1].T + layer[:, -1]
        if i < len(layers) - 1:
            xs = m.tanh(xs) if network.activation == "tanh" else m.where(xs > 0, xs, 0.0)
    if network.loss == "hinge":
        margins = 1.0 - labels * xs[:, 0]
        return m.where(margins > 0, margins, 0.0).mean()
    shifted = xs - m.amax(xs, -1)[:, None]
    return (m.log(m.exp(shifted).sum(-1)) - shifted[m.arange(len(points)), labels]).mean()


# ---- jax --------------------------------------------------------------------------------------------------------------------


def rk4_in_jax(steps: int, h: float = 0.01) -> Callable[[Any], Any]:
    import jax
    import jax.numpy as jnp

    def value(p: Any) -> Any:
        a, b, c, d = p[2:]

        def slope(s: Any) -> Any:
            return jnp.stack([a * s[0] - b * s[0] * s[1], d * s[0] * s[1] - c * s[1]])

        def step(s: Any, _: Any) -> Any:
            k1 = slope(s)
            k2 = slope(s + h / 2 * k1)
            k3 = slope(s + h / 2 * k2)
            k4 = slope(s + h * k3)
            return s + h / 6 * (k1 + 2.0 * k2 + 2.0 * k3 + k4), None

        return (jax.lax.scan(step, p[:2], None, length=steps)[0] ** 2).sum()

    return value


def tree_in_jax(row: Row) -> Callable[[Any], Any]:
    drawn = np.array(problems.drawn(row.size))
    if row.kind == "products":
        return lambda x: x[drawn[::2]] @ x[drawn[1::2]]

    def value(x: Any) -> Any:
        level, multiply = x[drawn], True
        while len(level) > 1:
            level = level[::2] * level[1::2] if multiply else level[::2] + level[1::2]
            multiply = not multiply
        return level[0]

    return value


def small_network_in_jax(p: Any) -> Any:
    import jax.numpy as jnp

    points, labels = problems.samples_of(problems.SMALL)
    first, last = p[:32].reshape(8, 4), p[32:].reshape(2, 9)
    found = jnp.tanh(points @ first[:, :-1].T + first[:, -1]) @ last[:, :-1].T + last[:, -1]
    return ((found - labels[:, None]) ** 2).sum()


def jax(row: Row) -> Prepared:
    """Jitted, on arrays that have been placed."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    if row.network is not None:
        inputs: list[Any] = [list(map(jnp.asarray, problems.arrays_of(row.network)))]
        inputs += map(jnp.asarray, problems.samples_of(row.network))
        loss: Any = partial(network_tensors, jnp, row.network)
    elif row.kind == "gpt":
        inputs = [{name: jnp.asarray(x) for name, x in problems.gpt_weights().items()}]
        loss = lambda w: gpt_tensors(jnp, w, jnp.asarray)  # noqa: E731
    else:
        inputs = [jnp.asarray(problems.point(row))]
        loss = {
            "ode": lambda: rk4_in_jax(row.size),
            "rosenbrock": lambda: lambda x: (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum(),
            "products": lambda: tree_in_jax(row),
            "alternating": lambda: tree_in_jax(row),
            "hessian": lambda: small_network_in_jax,
            "sparse": lambda: lambda x: x * jnp.roll(x, -1) + jnp.exp(jnp.roll(x, -2)) * x,
        }[row.kind]()
    if row.kind in ("hessian", "sparse"):
        f = jax.jit((jax.hessian if row.kind == "hessian" else jax.jacfwd)(loss))
        return lambda: jax.block_until_ready(f(*inputs)), lambda found: (0.0, flat(found))
    f = jax.jit(jax.value_and_grad(loss))
    # jax sorts the names
    names = list(inputs[0]) if row.kind == "gpt" else []
    return lambda: jax.block_until_ready(f(*inputs)), lambda found: (
        float(found[0]),
        flat([found[1][name] for name in names] if names else found[1]),
    )


def jax_with_arrays(row: Row) -> Prepared:
    """Arrays of NumPy in and out, as scipy calls it."""
    import jax

    jax.config.update("jax_enable_x64", True)
    f = jax.jit(jax.value_and_grad(lambda x: (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum()))
    point = problems.point(row)

    def run() -> Any:
        value, gradient = f(point)
        return float(value), np.asarray(gradient)

    return run, pair


def jax_sparse(row: Row) -> Prepared:
    """The three entries of each row, the pattern found by hand."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    n = row.size
    columns = (np.arange(n)[:, None] + np.arange(3)) % n
    one = jax.grad(lambda x: x[0] * x[1] + jnp.exp(x[2]) * x[0])
    f, point = jax.jit(lambda x: jax.vmap(one)(x[columns])), jnp.asarray(problems.point(row))

    def answer(found: Any) -> Any:
        whole = np.zeros((n, n))
        whole[np.arange(n)[:, None], columns] = found
        return 0.0, whole.ravel()

    return lambda: jax.block_until_ready(f(point)), answer


# ---- torch ------------------------------------------------------------------------------------------------------------------


def torch(row: Row) -> Prepared:
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    given = problems.gpt_weights() if row.network is None else dict(enumerate(problems.arrays_of(row.network)))
    inputs = {name: torch.tensor(x, requires_grad=True) for name, x in given.items()}
    data = () if row.network is None else tuple(map(torch.tensor, problems.samples_of(row.network)))

    def run() -> Any:
        for tensor in inputs.values():
            tensor.grad = None
        if row.network is None:
            loss = gpt_tensors(torch, inputs, torch.tensor)
        else:
            loss = network_tensors(torch, row.network, list(inputs.values()), *data)
        loss.backward()
        return loss

    return run, lambda loss: (float(loss.detach()), flat([tensor.grad for tensor in inputs.values()]))


# ---- NumPy, and SciPy's own -------------------------------------------------------------------------------------------------


def numpy(row: Row) -> Prepared:
    """The passes as somebody writes them by hand."""
    if row.network is not None:
        return network_in_numpy(row.network), pair_of_layers
    x = problems.point(row)
    if row.kind == "rosenbrock":

        def rosenbrock() -> Any:
            inner, t, u = x[:-1], x[1:] - x[:-1] ** 2, 1.0 - x[:-1]
            gradient = np.zeros_like(x)
            gradient[:-1] = -400.0 * t * inner - 2.0 * u
            gradient[1:] += 200.0 * t
            return 100.0 * (t @ t) + u @ u, gradient

        return rosenbrock, pair
    drawn = np.array(problems.drawn(row.size))

    def alternating() -> Any:
        levels, multiply = [x[drawn]], True
        while len(levels[-1]) > 1:
            below = levels[-1]
            levels.append(below[::2] * below[1::2] if multiply else below[::2] + below[1::2])
            multiply = not multiply
        above = np.ones(1)
        for below in levels[-2::-1]:
            multiply = not multiply
            back = np.empty_like(below)
            back[::2] = above * below[1::2] if multiply else above
            back[1::2] = above * below[::2] if multiply else above
            above = back
        return levels[-1][0], np.bincount(drawn, above, workloads.TREE_INPUTS)

    return alternating, pair


def network_in_numpy(network: Network) -> Callable[[], Any]:
    layers = [(layer[:, :-1].copy(), layer[:, -1].copy()) for layer in problems.arrays_of(network)]
    points, labels = problems.samples_of(network)
    n, tanh = len(points), network.activation == "tanh"

    def run() -> Any:
        inputs = [points]
        for w, b in layers[:-1]:
            x = inputs[-1] @ w.T + b
            inputs.append(np.tanh(x) if tanh else np.maximum(x, 0.0))
        outputs = inputs[-1] @ layers[-1][0].T + layers[-1][1]
        if network.loss == "hinge":
            margins = np.maximum(1.0 - labels * outputs[:, 0], 0.0)
            loss, delta = margins.mean(), np.where(margins > 0, -labels / n, 0.0)[:, None]
        else:
            loss, delta = cross_entropy(outputs, labels)
        gradients = []
        for i in range(len(layers) - 1, -1, -1):
            x = inputs[i]
            gradients.append((delta.T @ x, delta.sum(axis=0)))
            if i:
                delta = (delta @ layers[i][0]) * (1.0 - x * x if tanh else x > 0)
        return loss, gradients

    return run


def pair_of_layers(found: Any) -> problems.Answer:
    return float(found[0]), flat([np.column_stack(layer) for layer in found[1][::-1]])


def scipy(row: Row) -> Prepared:
    from scipy.optimize import rosen, rosen_der

    x = problems.point(row)
    return lambda: (rosen(x), rosen_der(x)), pair


def cross_entropy(outputs: Any, labels: Any) -> tuple[Any, Any]:
    """The mean cross entropy of a batch with NumPy, and its derivatives by the outputs."""
    rows = np.arange(len(outputs))
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    totals = powers.sum(axis=1, keepdims=True)
    loss, delta = (np.log(totals[:, 0]) - shifted[rows, labels]).mean(), powers / totals
    delta[rows, labels] -= 1.0
    delta /= len(outputs)
    return loss, delta
