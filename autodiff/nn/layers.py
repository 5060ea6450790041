"""Perceptron, neuron, layer and multi-layer perceptron; and Sequential, one thing after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from autodiff._support.settings import whole
from autodiff.engine import functions
from autodiff.engine.rules import rule_of
from autodiff.engine.value import Value
from autodiff.errors import ShapeError, UnknownNameError
from autodiff.nn.initializers import Generator, Initializer, Seed, initializer_function, random_generator, starting
from autodiff.nn.module import Module
from autodiff.nn.shapes import counted, is_list, listed

ActivationLike = str | Callable[[Any], Any]


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


def activation_function(activation: ActivationLike) -> Callable[[Any], Any]:
    """An activation by its name, or the function itself. Raises ``UnknownNameError``, which lists the names."""
    if callable(activation):
        return activation
    if activation not in ACTIVATIONS:
        raise UnknownNameError(f"there is no activation {activation!r}; there are {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[activation]


class Activation(Module):
    """A function of one number as a module: it goes over each number of a list, and of lists in it.

    ``function`` is made of Values' arithmetic and of this package's functions, or the name of an activation::

        nn.Sequential(nn.Layer(2, 8, "linear"), nn.Activation(lambda z: z * ad.sigmoid(1.7 * z)), nn.Layer(8, 1))

    Raises ``TypeError`` for what cannot be called, ``UnknownNameError`` for a name that is none.
    """

    def __init__(self, function: ActivationLike):
        if not isinstance(function, str) and not callable(function):
            raise TypeError(f"Activation() takes a function of one number, not {type(function).__name__} {function!r}")
        self.function = activation_function(function)

    def __call__(self, inputs: Any) -> Any:
        """The function of each number, in the form of ``inputs``."""
        return over_each(self.function, inputs)

    def __repr__(self) -> str:
        return f"Activation({_called(self.function)})"


class Perceptron(Module):
    """activation(w · x + b): a weighted sum, a bias, an activation.

    ``w`` holds ``n_in`` weights named w.0, w.1, ..., drawn by ``init`` (evenly from −1 to 1 unless it says otherwise); ``b`` is
    the bias, 0 at first; ``activation`` is the name of the activation. ``seed`` makes the draw repeatable; without it the
    weights come from Python's ``random``.

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
        activation: ActivationLike = "sigmoid",
        *,
        init: str | Initializer = "uniform",
        seed: Seed = None,
    ):
        n_in = whole(1, n_in, f"{type(self).__name__}(n_in)", ShapeError)
        self._activation = activation_function(activation)
        self.activation: str = activation if isinstance(activation, str) else getattr(activation, "__name__", "function")
        draw, generator = initializer_function(init), random_generator(seed)
        self.w = [Value(draw(n_in, 1, generator)) for _ in range(n_in)]
        self.b = Value(0.0)

    def __call__(self, inputs: Any) -> Value:
        """The output for ``n_in`` inputs, Values or numbers: a Value. One input may stand alone.

        Raises ``ShapeError`` for another number of them, and for rows of them, which ``predict`` goes over.
        """
        given = listed(inputs)
        if len(given) != len(self.w):
            if len(given) and is_list(given[0]):
                raise self._of_rows(given)
            raise ShapeError(f"{self!r} takes {counted(len(self.w), 'input')} and was given {len(given)}")
        try:
            weighted = functions.dot(self.w, given)
        except TypeError:
            if is_list(given[0]):
                raise self._of_rows(given) from None
            raise
        output: Value = self._activation(weighted + self.b)
        return output

    def _of_rows(self, rows: Any) -> ShapeError:
        return ShapeError(
            f"{self!r} takes one row of {counted(len(self.w), 'input')} at a time and was given {counted(len(rows), 'row')}: "
            "model.predict(X) goes over rows, and [model(x) for x in X] does so for training"
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.w)}, {self.activation!r})"


class Neuron(Perceptron):
    """A perceptron with relu, as in micrograd; ``nonlin=False`` makes it linear."""

    def __init__(
        self,
        n_in: int,
        activation: ActivationLike = "relu",
        *,
        nonlin: bool = True,
        init: str | Initializer = "uniform",
        seed: Seed = None,
    ):
        super().__init__(n_in, activation if nonlin else "linear", init=init, seed=seed)


class Layer(Module):
    """``n_out`` neurons side by side, each over the same ``n_in`` inputs; errors as for ``Perceptron``.

    Without ``init`` the weights are drawn as suits the activation: by ``he`` for relu and its kin, else by ``xavier``.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        activation: ActivationLike = "relu",
        *,
        nonlin: bool = True,
        init: str | Initializer | None = None,
        seed: Seed = None,
    ):
        n_out = whole(1, n_out, f"{type(self).__name__}(n_out)", ShapeError)
        if init is None:
            init = starting(getattr(activation_function(activation), "__name__", "") if nonlin else "linear")
        draw, generator = initializer_function(init), random_generator(seed)

        def of_this_layer(n_in: int, _: int, generator: Generator) -> float:
            return draw(n_in, n_out, generator)

        self.neurons = [Neuron(n_in, activation, nonlin=nonlin, init=of_this_layer, seed=generator) for _ in range(n_out)]

    def __call__(self, inputs: Any) -> Any:
        """The outputs as a list, a single one as itself. Raises ``ShapeError`` for another number of inputs than ``n_in``."""
        outputs = [neuron(inputs) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else outputs

    def __repr__(self) -> str:
        return f"{type(self).__name__} of [{', '.join(map(repr, self.neurons))}]"


class Linear(Layer):
    """A layer without activation; weights by ``xavier`` unless ``init`` says otherwise."""

    def __init__(self, n_in: int, n_out: int, *, init: str | Initializer | None = None, seed: Seed = None):
        super().__init__(n_in, n_out, "linear", init=init, seed=seed)


class Sequential(Module):
    """Modules and functions one after the other, each given what the one before returned; they are in ``layers``.

    An activation, by name, as one of this package's functions of one number (``ad.tanh``) or of ``ad.operation``, or as
    ``nn.Activation(f)``, goes over each number of a list. Any other function is given the whole (``ad.softmax``).

    Raises ``ShapeError`` for nothing, ``TypeError`` for what cannot be called, ``UnknownNameError`` for a name that is none.
    """

    def __init__(self, *layers: ActivationLike):
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
            rule = rule_of(layer)
            of_each = rule is not None and rule.of_one_number
            outputs = over_each(layer, outputs) if of_each else _over_all(layer, outputs)
        return outputs

    def __repr__(self) -> str:
        return f"{type(self).__name__} of [{', '.join(map(_called, self.layers))}]"


class MLP(Sequential):
    """A multi-layer perceptron: layers of the given sizes one after the other, the last one linear. ``init`` as for ``Layer``.

    Raises ``ShapeError`` if there are no sizes or one is below 1, ``TypeError`` if one is no whole number.
    """

    def __init__(
        self,
        n_in: int,
        n_outs: Sequence[int],
        activation: ActivationLike = "relu",
        *,
        init: str | Initializer | None = None,
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


def over_each(function: Callable[[Any], Any], xs: Any) -> Any:
    """The function of one number, of each number of a list or of lists; of a number by itself."""
    return [over_each(function, x) for x in xs] if is_list(xs) else function(xs)


def _over_all(function: Callable[[Any], Any], xs: Any) -> Any:
    """The function of a whole list. Raises ``TypeError``, which speaks of ``Activation``, for one that cannot take a list."""
    try:
        return function(xs)
    except (TypeError, AttributeError) as error:
        if (
            isinstance(function, Module)
            or not is_list(xs)
            or not any(word in str(error) for word in (type(xs).__name__, "sequence"))
        ):
            raise
        name = _called(function)
        raise TypeError(
            f"{name} was given the whole {type(xs).__name__} of {counted(len(xs), 'number')} before it, and failed: {error}. "
            f"A function of one number goes over each of them as nn.Activation({name})"
        ) from error


def _called(layer: Any) -> str:
    return repr(layer) if isinstance(layer, Module) else getattr(layer, "__name__", repr(layer))
