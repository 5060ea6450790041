"""Perceptron, neuron, layer and multi-layer perceptron; and Sequential, one thing after the other."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise
from typing import Any

from autodiff._support.settings import whole
from autodiff.engine import functions
from autodiff.engine.value import Value
from autodiff.errors import ShapeError, UnknownNameError
from autodiff.nn.initializers import Generator, Initializer, Seed, initializer_function, random_generator
from autodiff.nn.module import Module
from autodiff.nn.shapes import counted, is_list, listed

Activation = str | Callable[[Any], Any]


def linear(z: Any) -> Any:
    """z itself: no activation."""
    return z


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "linear": linear,
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

    ``w`` holds ``n_in`` weights named w.0, w.1, ..., drawn by ``init`` (evenly from −1 to 1 unless it says otherwise); ``b`` is
    the bias, 0 at first. ``seed`` makes the draw repeatable; without it the weights come from Python's ``random``.

    The activation of the first perceptron (Rosenblatt 1958) was ``"step"``. A step has no useful gradient: its derivative is 0
    wherever it has one, so ``backward()`` gives every weight the gradient 0 and trains nothing through it. That perceptron was
    trained by the perceptron learning rule instead: after every mistake add ``rate · (y − a) · x`` to w and ``rate · (y − a)``
    to b. ``examples/perceptron_rule.py`` does so.

    Raises ``ShapeError`` if ``n_in`` is below 1, ``TypeError`` if it is no whole number, ``UnknownNameError`` for an activation
    or initialiser that does not exist.
    """

    def __init__(
        self,
        n_in: int,
        activation: Activation = "sigmoid",
        *,
        init: str | Initializer = "uniform",
        seed: Seed = None,
    ):
        n_in = whole(1, n_in, f"{type(self).__name__}(n_in)", ShapeError)
        self._activation = activation_function(activation)
        self._activation_name = activation if isinstance(activation, str) else getattr(activation, "__name__", "function")
        draw, generator = initializer_function(init), random_generator(seed)
        self.w = [Value(draw(n_in, 1, generator)) for _ in range(n_in)]
        self.b = Value(0.0)

    def __call__(self, inputs: Any) -> Any:
        """The output for ``n_in`` inputs, Values or numbers: a Value. One input may stand alone.

        Raises ``ShapeError`` for another number of them.
        """
        given = listed(inputs)
        if len(given) != len(self.w):
            raise ShapeError(f"{self!r} takes {counted(len(self.w), 'input')} and was given {len(given)}")
        return self._activation(functions.dot(self.w, given) + self.b)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.w)}, {self._activation_name!r})"


class Neuron(Perceptron):
    """A perceptron with relu, as in micrograd; ``nonlin=False`` makes it linear."""

    def __init__(
        self,
        n_in: int,
        activation: Activation = "relu",
        *,
        nonlin: bool = True,
        init: str | Initializer = "uniform",
        seed: Seed = None,
    ):
        super().__init__(n_in, activation if nonlin else "linear", init=init, seed=seed)


class Layer(Module):
    """``n_out`` neurons side by side, each over the same ``n_in`` inputs; errors as for ``Perceptron``."""

    def __init__(
        self,
        n_in: int,
        n_out: int,
        activation: Activation = "relu",
        *,
        nonlin: bool = True,
        init: str | Initializer = "uniform",
        seed: Seed = None,
    ):
        n_out = whole(1, n_out, "Layer(n_out)", ShapeError)
        draw, generator = initializer_function(init), random_generator(seed)

        def of_this_layer(n_in: int, _: int, generator: Generator) -> float:
            return draw(n_in, n_out, generator)

        self.neurons = [Neuron(n_in, activation, nonlin=nonlin, init=of_this_layer, seed=generator) for _ in range(n_out)]

    def __call__(self, inputs: Any) -> Any:
        """The outputs as a list, a single one as itself. Raises ``ShapeError`` for another number of inputs than ``n_in``."""
        outputs = [neuron(inputs) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else outputs

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(repr, self.neurons))}]"


class Sequential(Module):
    """Modules and functions one after the other, each given what the one before returned; they are in ``layers``.

    An activation, by name or as one of this package's functions of one number (``ad.tanh``), goes over each number of a list.
    Any other function is given the whole (``ad.softmax``).

    Raises ``ShapeError`` for nothing, ``TypeError`` for what cannot be called, ``UnknownNameError`` for a name that is none.
    """

    def __init__(self, *layers: Activation):
        if not layers:
            raise ShapeError(f"{type(self).__name__}() of nothing: it takes at least one module or function")
        for place, layer in enumerate(layers):
            if not isinstance(layer, str) and not callable(layer):
                raise TypeError(f"{type(self).__name__}() takes modules and functions; number {place} is {layer!r}")
        self.layers: list[Any] = [activation_function(layer) for layer in layers]

    def __call__(self, inputs: Any) -> Any:
        """What the last one returns. Raises ``ShapeError`` where a number of inputs does not fit."""
        outputs = inputs
        for layer in self.layers:
            one_by_one = is_list(outputs) and isinstance(layer, Hashable) and layer in OF_ONE_NUMBER
            outputs = [layer(x) for x in outputs] if one_by_one else layer(outputs)
        return outputs

    def __repr__(self) -> str:
        return f"{type(self).__name__} of [{', '.join(map(_called, self.layers))}]"


class MLP(Sequential):
    """A multi-layer perceptron: layers of the given sizes one after the other, the last one linear.

    Raises ``ShapeError`` if there are no sizes or one is below 1, ``TypeError`` if one is no whole number.
    """

    def __init__(
        self,
        n_in: int,
        n_outs: Sequence[int],
        activation: Activation = "relu",
        *,
        init: str | Initializer = "uniform",
        seed: Seed = None,
    ):
        if not hasattr(n_outs, "__len__") or isinstance(n_outs, str):
            raise TypeError(f"MLP() takes n_outs, a list of layer sizes, not {n_outs!r}")
        if not len(n_outs):
            raise ShapeError("MLP() of no layers: n_outs needs at least one size")
        generator = random_generator(seed)
        activations = [activation] * (len(n_outs) - 1) + ["linear"]
        sizes = zip(pairwise([n_in, *n_outs]), activations, strict=False)
        super().__init__(*[Layer(n, m, function, init=init, seed=generator) for (n, m), function in sizes])


def _called(layer: Any) -> str:
    return repr(layer) if isinstance(layer, Module) else getattr(layer, "__name__", repr(layer))
