"""The rows in which compiled functions stand beside their peers: what each computes, and of what size."""

from __future__ import annotations

from typing import NamedTuple


class Network(NamedTuple):
    """A fully connected network by its widths; ``loss`` is the max-margin loss or the cross-entropy."""

    widths: tuple[int, ...]
    activation: str
    samples: int
    loss: str = "hinge"


class Row(NamedTuple):
    """``kind`` is what is computed, ``size`` how many parameters, steps or operations it has."""

    kind: str
    title: str
    size: int = 0
    network: Network | None = None
    threads: int = 1


def moons(activation: str, samples: int, threads: int = 1) -> Row:
    kind = "ReLU" if activation == "relu" else activation
    title = f"MLP 2-16-16-1 with {kind}, {samples:,} samples: loss and all 337 gradients"
    if threads > 1:
        title += f"; one core, and {threads}"
    return Row("network", title, network=Network((2, 16, 16, 1), activation, samples), threads=threads)


ROWS = {
    **{
        f"moons-{activation}-{samples}": moons(activation, samples)
        for samples in (100, 1_000, 10_000)
        for activation in ("relu", "tanh")
    },
    "threads-relu": moons("relu", 10_000, threads=2),
    "threads-tanh": moons("tanh", 10_000, threads=2),
    **{
        f"digits-{activation}": Row(
            "network",
            f"MLP 64-32-10 with {name}, cross-entropy of 256 digits: loss and all 2,410 gradients",
            network=Network((64, 32, 10), activation, 256, "cross-entropy"),
        )
        for activation, name in (("relu", "ReLU"), ("tanh", "tanh"))
    },
    "wide": Row(
        "network",
        "MLP 16-256-256-1 with ReLU, 128 samples: loss and all 70,401 gradients",
        network=Network((16, 256, 256, 1), "relu", 128),
    ),
    "gpt-8": Row("gpt", "A character GPT of one layer, 8 positions: loss and all 4,192 gradients"),
    "rk4-1000": Row("ode", "Lotka-Volterra, 1,000 steps of RK4: value and gradient by start and rates", 1_000),
    "rk4-10000": Row("ode", "Lotka-Volterra, 10,000 steps of RK4: value and gradient by start and rates", 10_000),
    "rosenbrock-10": Row("rosenbrock", "Rosenbrock in 10 dimensions: value and gradient", 10),
    "rosenbrock-10000": Row("rosenbrock", "Rosenbrock in 10,000 dimensions: value and gradient", 10_000),
    "products": Row("products", "A million operations: half a million products of 1,000 inputs, added up in pairs", 1_000_000),
    "alternating": Row("alternating", "A million operations: products and sums in turns, a tree over 1,000 inputs", 1 << 20),
    "hessian-50": Row("hessian", "Hessian by the 50 parameters of an MLP 3-8-2 with tanh, 4 samples"),
    "sparse-1000": Row("sparse", "Jacobian of 1,000 functions by 1,000 inputs, three inputs a row", 1_000),
}
COMPILE_TIMES = "compile-times"  # a table of its own
