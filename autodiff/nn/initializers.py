"""Initialisers: how the weights of a layer are drawn before training."""

from __future__ import annotations

import math
import operator
import random
from collections.abc import Callable
from typing import Any, Protocol

from autodiff.errors import UnknownNameError


class Generator(Protocol):
    """Where random numbers come from: a ``random.Random``, or Python's module ``random`` itself."""

    def uniform(self, a: float, b: float) -> float: ...
    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float: ...
    def shuffle(self, x: Any) -> None: ...


Seed = int | Generator | None

# One weight of a layer of n_in inputs and n_out outputs.
Initializer = Callable[[int, int, Generator], float]


def zeros(n_in: int, n_out: int, generator: Generator) -> float:
    """0. Neurons that begin alike stay alike: for a single layer only."""
    return 0.0


def uniform(n_in: int, n_out: int, generator: Generator) -> float:
    """Evenly from −1 to 1, as in micrograd."""
    return generator.uniform(-1.0, 1.0)


def xavier(n_in: int, n_out: int, generator: Generator) -> float:
    """Evenly from −a to a with a = √(6 / (n_in + n_out)), for tanh and the like (Glorot and Bengio 2010, equation 16)."""
    limit = math.sqrt(6.0 / (n_in + n_out))
    return generator.uniform(-limit, limit)


def he(n_in: int, n_out: int, generator: Generator) -> float:
    """From the normal distribution with variance 2 / n_in, for relu and the like (He et al. 2015, equation 10)."""
    return generator.gauss(0.0, math.sqrt(2.0 / n_in))


INITIALIZERS: dict[str, Initializer] = {"zeros": zeros, "uniform": uniform, "xavier": xavier, "he": he}


def initializer_function(init: str | Initializer) -> Initializer:
    """An initialiser by its name, or the function itself. Raises ``UnknownNameError``, which lists the names."""
    if callable(init):
        return init
    if init not in INITIALIZERS:
        raise UnknownNameError(f"there is no initialiser {init!r}; there are {', '.join(INITIALIZERS)}")
    return INITIALIZERS[init]


def starting(activation: str) -> str:
    """The initialiser that lets a layer with this activation train."""
    return "he" if activation in ("relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish") else "xavier"


def resumed(state: Any) -> random.Random:
    """A generator that goes on from the state of another."""
    generator = random.Random()
    generator.setstate(state)
    return generator


def state_of(generator: Any) -> Any:
    """The state of a generator, for ``resumed``; None for one that does not tell."""
    try:
        return generator.getstate()
    except (AttributeError, NotImplementedError):
        return None


def random_generator(seed: Seed) -> Generator:
    """A generator of its own for a whole number, a ``random.Random`` itself; Python's shared one for None."""
    if seed is None or seed is random:
        return random
    if isinstance(seed, random.Random):
        return seed
    try:
        return random.Random(operator.index(seed))  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"a seed is a whole number, a random.Random or None, not {type(seed).__name__} {seed!r}") from None
