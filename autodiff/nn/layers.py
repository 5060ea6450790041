"""Perceptron, neuron, layer and multi-layer perceptron."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from autodiff import functions
from autodiff.errors import ShapeError, UnknownNameError
from autodiff.nn.module import Module
from autodiff.value import Value

Activation = str | Callable[[Any], Any]
Seed = int | random.Random | None

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "linear": lambda z: z,
    "elu": functions.elu,
    "gelu": functions.gelu,
    "leaky_relu": functions.leaky_relu,
    "mish": functions.mish,
    "relu": functions.relu,
    "selu": functions.selu,
    "sigmoid": functions.sigmoid,
    "silu": functions.silu,
    "softplus": functions.softplus,
    "softsign": functions.softsign,
    "step": functions.step,
    "tanh": functions.tanh,
}


def activation_function(activation: Activation) -> Callable[[Any], Any]:
    """An activation by its name, or the function itself. Raises ``UnknownNameError``, which lists the names."""
    if callable(activation):
        return activation
    if activation not in ACTIVATIONS:
        raise UnknownNameError(f"there is no activation {activation!r}; there are {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[activation]


class Perceptron(Module):
    """activation(w · x + b): a weighted sum, a bias, an activation.

    ``w`` holds ``n_in`` weights named w1, w2, ..., drawn evenly from −1 to 1; ``b`` is the bias, 0 at first. ``seed`` makes the
    draw repeatable; without it the weights come from Python's ``random``.
    """

    def __init__(self, n_in: int, activation: Activation = "sigmoid", *, seed: Seed = None):
        self._activation = activation_function(activation)
        self._activation_name = activation if isinstance(activation, str) else getattr(activation, "__name__", "function")
        self.w = [Value(weight, f"w{i}") for i, weight in enumerate(_uniform(n_in, _generator(seed)), start=1)]
        self.b = Value(0.0, "b")

    def __call__(self, inputs: Sequence[Any]) -> Any:
        """The output for ``n_in`` inputs, Values or numbers: a Value. Raises ``ShapeError`` for another number of them."""
        if len(inputs) != len(self.w):
            raise ShapeError(f"{self!r} takes {_count(len(self.w), 'input')} and was given {len(inputs)}")
        return self._activation(functions.dot(self.w, inputs) + self.b)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.w)}, {self._activation_name!r})"


class Neuron(Perceptron):
    """A perceptron with relu, as in micrograd; ``nonlin=False`` makes it linear."""

    def __init__(self, n_in: int, activation: Activation = "relu", *, nonlin: bool = True, seed: Seed = None):
        super().__init__(n_in, activation if nonlin else "linear", seed=seed)


class Layer(Module):
    """``n_out`` neurons side by side, each over the same ``n_in`` inputs."""

    def __init__(
        self,
        n_in: int,
        n_out: int,
        activation: Activation = "relu",
        *,
        nonlin: bool = True,
        seed: Seed = None,
    ):
        generator = _generator(seed)
        self.neurons = [Neuron(n_in, activation, nonlin=nonlin, seed=generator) for _ in range(n_out)]

    def __call__(self, inputs: Sequence[Any]) -> Any:
        """The outputs as a list, a single one as itself. Raises ``ShapeError`` for another number of inputs than ``n_in``."""
        outputs = [neuron(inputs) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else outputs

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(repr, self.neurons))}]"


class MLP(Module):
    """A multi-layer perceptron: layers of the given sizes one after the other, the last one linear."""

    def __init__(self, n_in: int, n_outs: Sequence[int], activation: Activation = "relu", *, seed: Seed = None):
        generator = _generator(seed)
        sizes = [n_in, *n_outs]
        self.layers = [
            Layer(n, m, activation if i < len(n_outs) else "linear", seed=generator)
            for i, (n, m) in enumerate(pairwise(sizes), start=1)
        ]

    def __call__(self, inputs: Sequence[Any]) -> Any:
        """The outputs as a list, a single one as itself. Raises ``ShapeError`` for another number of inputs than ``n_in``."""
        outputs: Any = inputs
        for layer in self.layers:
            outputs = layer(outputs if hasattr(outputs, "__len__") else [outputs])
        return outputs

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(repr, self.layers))}]"


def _generator(seed: Seed) -> random.Random | None:
    """A generator of its own for a whole number; None is Python's shared one."""
    return random.Random(seed) if isinstance(seed, int) else seed


def _uniform(n: int, generator: random.Random | None) -> list[float]:
    uniform = random.uniform if generator is None else generator.uniform
    return [uniform(-1.0, 1.0) for _ in range(n)]


def _count(n: int, thing: str) -> str:
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"
