"""Optimisers, which change parameters along their gradients.

Names, defaults and formulas are those of PyTorch 2. Each step is one loop over typed numbers: this file is plain Python, and
Cython compiles it as it stands (``optimizers.pxd`` has its C types). Only the loops take their annotations for C types; the
rest has them for people and type checkers.
"""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple

from autodiff._support import frames, states
from autodiff._support.settings import switch, within
from autodiff.engine.recording import is_strict
from autodiff.engine.value import Value
from autodiff.errors import NonFiniteError, NonFiniteWarning, SettingError, StateError
from autodiff.optim.clipping import trainable

try:
    import cython
except ImportError:
    from autodiff.engine import _cython as cython

if not cython.compiled:
    from autodiff.engine import ieee as libm
    from autodiff.engine.ieee import divide

    def doubles(numbers: Any) -> Any:
        """The numbers themselves, where compiled code takes a pointer to them."""
        return numbers


# Where each number may lie: at least the one, and below the other.
RANGES = {
    "lr": (0.0, math.inf),
    "momentum": (0.0, math.inf),
    "dampening": (-math.inf, math.inf),
    "weight_decay": (0.0, math.inf),
    "eps": (0.0, math.inf),
    "alpha": (0.0, 1.0),
    "betas": (0.0, 1.0),
}
NO_NUMBERS = array("d")
INFINITY = cython.declare(cython.double, math.inf)


class Moment(NamedTuple):
    """What a step depends on besides parameters and gradients."""

    steps: int
    hyperparameters: dict[str, Any]
    buffers: dict[str, Any]


class Optimizer:
    """What all optimisers share: parameters, hyperparameters, and a state that can be saved and loaded.

    ``parameters`` is any iterable of Values. Of the hyperparameters ``lr`` may be written between steps, as schedules do.

    Raises ``TypeError`` for parameters that are no Values and settings that are no numbers, ``SettingError`` for no parameters,
    one given twice, one that is not a leaf, and for a setting outside of its range.
    """

    # the names of the hyperparameters, in the order of the constructor's arguments
    _names: ClassVar[tuple[str, ...]] = ()

    def __init__(self, parameters: Iterable[Value], **hyperparameters: Any):
        kind = type(self).__name__
        self._parameters = trainable(parameters, f"{kind}()")
        if not self._parameters:
            raise SettingError(f"{kind}() was given no parameters: there is nothing to train")
        self._hyperparameters = self._checked(hyperparameters)
        self._steps = 0
        self._buffers = {name: zeros(len(self._parameters)) for name in self._buffer_names(self._hyperparameters)}

    def __setattr__(self, name: str, thing: Any) -> None:
        if name in (*self._names, "learning_rate", "params") and not hasattr(type(self), name):
            raise AttributeError(
                f"{type(self).__name__} has no {name} to be written: the learning rate is lr, and {', '.join(self._names)} "
                "are what the constructor takes"
            )
        object.__setattr__(self, name, thing)

    @property
    def parameters(self) -> list[Value]:
        """The parameters, in the order in which they were given."""
        return list(self._parameters)

    @property
    def lr(self) -> float:
        """The learning rate. It may be written; 0 moves no parameter."""
        return self._hyperparameters["lr"]  # type: ignore[no-any-return]

    @lr.setter
    def lr(self, rate: float) -> None:
        self._hyperparameters = {**self._hyperparameters, "lr": checked("lr", rate, type(self).__name__)}

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """All that the constructor was given besides the parameters, by name."""
        return dict(self._hyperparameters)

    @property
    def steps(self) -> int:
        """How many steps have been made."""
        return self._steps

    def __repr__(self) -> str:
        settings = "".join(f", {name}={value!r}" for name, value in self._hyperparameters.items())
        return f"{type(self).__name__}(<{len(self._parameters)} parameters>{settings})"

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        clear(self._parameters)

    def step(self) -> None:
        """Move every parameter by its gradient. A step that is interrupted leaves parameters and state as they were.

        Warns with ``NonFiniteWarning``, and steps all the same, where a gradient is nan or infinite; under ``strict()`` it
        raises ``NonFiniteError`` and nothing has moved.
        """
        if not all_finite(self._parameters):
            self._say_what_is_not_finite()
        steps = self._steps + 1
        if cython.compiled:
            self._move(steps)  # once its loop has begun, neither raises nor looks for signals
            self._steps = steps
            return
        data = [parameter.primal for parameter in self._parameters]
        buffers = {name: array("d", numbers) for name, numbers in self._buffers.items()}
        try:
            self._move(steps)
            self._steps = steps
        except BaseException:
            self._steps, self._buffers = steps - 1, buffers
            for parameter, number in zip(self._parameters, data, strict=True):
                parameter.primal = number
            raise

    def _say_what_is_not_finite(self) -> None:
        wrong = [(i, parameter) for i, parameter in enumerate(self._parameters) if not math.isfinite(parameter.grad)]
        i, parameter = wrong[0]
        others = f" ({len(wrong)} of {len(self._parameters)} are not finite)" if len(wrong) > 1 else ""
        frame = frames.users(sys._getframe())
        found = f"the gradient of {parameter.name or f'parameter {i}'} is {parameter.grad}{others}"
        if is_strict():
            raise NonFiniteError(f"{type(self).__name__}.step(): {found}{frames.line_of(frame)}")
        remedy = "with ad.strict() around backward() the edge that made it is named"
        frames.warn(
            f"{type(self).__name__}.step() with a gradient that is no number: {found}; {remedy}", NonFiniteWarning, frame
        )

    def state_dict(self) -> dict[str, Any]:
        """Everything a step depends on besides the parameters, as numbers, strings, lists and dicts of them.

        It can go through JSON without loss: floats are exact to the last bit, and those that JSON has no word for are the
        strings ``"inf"``, ``"-inf"`` and ``"nan"``. The keys are ``optimizer`` (the class), ``parameters`` (how many),
        ``hyperparameters``, ``steps``, and ``buffers``, which has a list for each running average, one number a parameter.
        """
        return {
            "optimizer": type(self).__name__,
            "parameters": len(self._parameters),
            "hyperparameters": {
                name: list(value) if isinstance(value, tuple) else value for name, value in self._hyperparameters.items()
            },
            "steps": self._steps,
            "buffers": {name: [states.plain(x) for x in numbers] for name, numbers in self._buffers.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a ``state_dict()``: with the same parameters and gradients, the next steps are the same to the last bit.

        The hyperparameters are loaded too. Everything is checked before anything changes. Raises ``StateError`` for the state
        of another class or another number of parameters, missing or unexpected keys, and values of a wrong type or range.
        """
        kind = type(self).__name__
        where = f"the state_dict for {kind}"
        states.require_keys(state, ("optimizer", "parameters", "hyperparameters", "steps", "buffers"), where)
        if state["optimizer"] != kind:
            raise StateError(f"{where} is that of {state['optimizer']!r}: each class goes on from its own")
        n = states.count(state["parameters"], f"'parameters' in {where}")
        if n != len(self._parameters):
            raise StateError(f"{where} is that of {n} parameters: this optimizer has {len(self._parameters)}")
        states.require_keys(state["hyperparameters"], self._names, f"'hyperparameters' in {where}")
        try:
            hyperparameters = self._checked(state["hyperparameters"])
        except (TypeError, ValueError, OverflowError) as error:
            raise StateError(f"'hyperparameters' in {where}: {error}") from error
        steps = states.count(state["steps"], f"'steps' in {where}")
        states.require_keys(state["buffers"], self._buffer_names(hyperparameters), f"'buffers' in {where}")
        buffers = {name: numbers_in(found, n, f"{name!r} in {where}") for name, found in state["buffers"].items()}
        self._hyperparameters, self._steps, self._buffers = hyperparameters, steps, buffers

    def moment(self) -> Moment:
        """What the next step depends on besides parameters and gradients, as it is now."""
        return Moment(self._steps, self._hyperparameters, {name: array("d", held) for name, held in self._buffers.items()})

    def mark(self) -> tuple[Any, ...]:
        """What ``unchanged_since`` compares, made of nothing new: it may be asked for at every step."""
        return self._buffers, self._steps, self._hyperparameters

    def unchanged_since(self, mark: tuple[Any, ...]) -> bool:
        """Whether neither a step nor somebody's hand has changed anything but ``lr``."""
        buffers, steps, before = mark
        now = self._hyperparameters
        return self._buffers is buffers and self._steps == steps and (now is before or {**before, "lr": now["lr"]} == now)

    def resume(self, moment: Moment) -> None:
        """Be as in that moment."""
        self._steps, self._hyperparameters, buffers = moment
        self._buffers = {name: array("d", numbers) for name, numbers in buffers.items()}

    def _checked(self, given: dict[str, Any]) -> dict[str, Any]:
        """The hyperparameters, each within its range."""
        return {name: checked(name, given[name], type(self).__name__) for name in self._names}

    def _buffer_names(self, hyperparameters: dict[str, Any]) -> list[str]:
        """The running averages that an optimiser with these hyperparameters keeps for each parameter."""
        raise NotImplementedError

    def _move(self, steps: int) -> None:
        """Make the step of that number, from 1: all that can raise, then the loop."""
        raise NotImplementedError


class SGD(Optimizer):
    """Gradient descent: each step takes ``lr`` · g off every parameter θ, where g is its gradient + ``weight_decay`` · θ.

    With ``momentum`` μ, v ← μ·v + (1 − ``dampening``)·g takes the place of g, where v starts as the first g; with ``nesterov``
    g + μ·v does, which needs a momentum and no dampening.
    """

    _names = ("lr", "momentum", "dampening", "weight_decay", "nesterov")

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float = 0.01,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ):
        super().__init__(
            parameters, lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov
        )

    def _checked(self, given: dict[str, Any]) -> dict[str, Any]:
        settings = super()._checked(given)
        if settings["nesterov"] and (settings["momentum"] == 0.0 or settings["dampening"] != 0.0):
            raise SettingError(
                f"{type(self).__name__}(nesterov=True) needs momentum above 0 and dampening 0, "
                f"not momentum={settings['momentum']!r} and dampening={settings['dampening']!r}"
            )
        return settings

    def _buffer_names(self, hyperparameters: dict[str, Any]) -> list[str]:
        return ["momentum_buffer"] if hyperparameters["momentum"] else []

    @cython.annotation_typing(True)
    def _move(self, steps: int) -> None:
        settings = self._hyperparameters
        lr: cython.double = settings["lr"]
        momentum: cython.double = settings["momentum"]
        share: cython.double = 1.0 - settings["dampening"]
        weight_decay: cython.double = settings["weight_decay"]
        nesterov: cython.bint = settings["nesterov"]
        first: cython.bint = steps == 1
        velocity: cython.p_double = doubles(self._buffers.get("momentum_buffer", NO_NUMBERS))
        parameters: tuple[Value, ...] = self._parameters
        parameter: Value
        g: cython.double
        i: cython.Py_ssize_t
        for i in range(len(parameters)):
            parameter = parameters[i]
            g = parameter.adjoint
            if weight_decay != 0.0:
                g = g + weight_decay * parameter.primal
            if momentum != 0.0:
                velocity[i] = g if first else momentum * velocity[i] + share * g
                g = g + momentum * velocity[i] if nesterov else velocity[i]
            parameter.primal = parameter.primal - lr * g


class Adam(Optimizer):
    """Steps of about ``lr``, whatever the size of the gradients (Kingma and Ba 2015, algorithm 1).

    At step t, with g the gradient + ``weight_decay`` · θ: m ← β₁·m + (1 − β₁)·g; v ← β₂·v + (1 − β₂)·g²;
    θ ← θ − lr/(1 − β₁ᵗ) · m/(√v/√(1 − β₂ᵗ) + ``eps``). With ``amsgrad`` the largest v so far takes the place of v (Reddi, Kale
    and Kumar 2018).
    """

    _names = ("lr", "betas", "eps", "weight_decay", "amsgrad")
    _decoupled: ClassVar[bool] = False  # whether the weights decay by themselves, not through the gradient

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
    ):
        super().__init__(parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad)

    def _buffer_names(self, hyperparameters: dict[str, Any]) -> list[str]:
        return ["exp_avg", "exp_avg_sq"] + (["max_exp_avg_sq"] if hyperparameters["amsgrad"] else [])

    @cython.annotation_typing(True)
    def _move(self, steps: int) -> None:
        settings = self._hyperparameters
        lr: cython.double = settings["lr"]
        beta1: cython.double = settings["betas"][0]
        beta2: cython.double = settings["betas"][1]
        eps: cython.double = settings["eps"]
        weight_decay: cython.double = settings["weight_decay"]
        amsgrad: cython.bint = settings["amsgrad"]
        decoupled: cython.bint = self._decoupled
        step_size: cython.double = lr / (1.0 - math.pow(settings["betas"][0], steps))
        correction: cython.double = math.sqrt(1.0 - math.pow(settings["betas"][1], steps))
        mean: cython.p_double = doubles(self._buffers["exp_avg"])
        square: cython.p_double = doubles(self._buffers["exp_avg_sq"])
        largest: cython.p_double = doubles(self._buffers.get("max_exp_avg_sq", NO_NUMBERS))
        parameters: tuple[Value, ...] = self._parameters
        parameter: Value
        g: cython.double
        v: cython.double
        i: cython.Py_ssize_t
        for i in range(len(parameters)):
            parameter = parameters[i]
            g = parameter.adjoint
            if weight_decay != 0.0 and decoupled:
                parameter.primal = parameter.primal * (1.0 - lr * weight_decay)
            elif weight_decay != 0.0:
                g = g + weight_decay * parameter.primal
            mean[i] = between(mean[i], g, 1.0 - beta1)
            square[i] = v = beta2 * square[i] + (1.0 - beta2) * g * g
            if amsgrad:
                if v > largest[i] or v != v:  # a nan stays
                    largest[i] = v
                v = largest[i]
            parameter.primal = parameter.primal - step_size * divide(mean[i], divide(libm.sqrt(v), correction) + eps)


class AdamW(Adam):
    """Adam whose weights decay by themselves: θ ← θ·(1 − lr · ``weight_decay``), then a step without decay in the gradient.

    Loshchilov and Hutter 2019, "Decoupled weight decay regularization", algorithm 2.
    """

    _decoupled = True

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        amsgrad: bool = False,
    ):
        super().__init__(parameters, lr, betas, eps, weight_decay, amsgrad)


class RMSprop(Optimizer):
    """Steps of gradients divided by their root mean square (Tieleman and Hinton 2012, lecture 6.5).

    With g the gradient + ``weight_decay`` · θ: v ← α·v + (1 − α)·g²; θ ← θ − lr · g/(√v + ``eps``). ``centered`` subtracts the
    square of the running mean of g from v under the root (Graves 2013); with ``momentum`` μ, b ← μ·b + g/(√v + eps) and
    θ ← θ − lr·b.
    """

    _names = ("lr", "alpha", "eps", "weight_decay", "momentum", "centered")

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ):
        super().__init__(
            parameters, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum, centered=centered
        )

    def _buffer_names(self, hyperparameters: dict[str, Any]) -> list[str]:
        optional = {"momentum_buffer": hyperparameters["momentum"], "grad_avg": hyperparameters["centered"]}
        return ["square_avg", *[name for name, needed in optional.items() if needed]]

    @cython.annotation_typing(True)
    def _move(self, steps: int) -> None:
        settings = self._hyperparameters
        lr: cython.double = settings["lr"]
        alpha: cython.double = settings["alpha"]
        eps: cython.double = settings["eps"]
        weight_decay: cython.double = settings["weight_decay"]
        momentum: cython.double = settings["momentum"]
        centered: cython.bint = settings["centered"]
        square: cython.p_double = doubles(self._buffers["square_avg"])
        mean: cython.p_double = doubles(self._buffers.get("grad_avg", NO_NUMBERS))
        velocity: cython.p_double = doubles(self._buffers.get("momentum_buffer", NO_NUMBERS))
        parameters: tuple[Value, ...] = self._parameters
        parameter: Value
        g: cython.double
        v: cython.double
        i: cython.Py_ssize_t
        for i in range(len(parameters)):
            parameter = parameters[i]
            g = parameter.adjoint
            if weight_decay != 0.0:
                g = g + weight_decay * parameter.primal
            square[i] = v = alpha * square[i] + (1.0 - alpha) * g * g
            if centered:
                mean[i] = between(mean[i], g, 1.0 - alpha)
                if v < INFINITY:  # beyond, the square of the mean is as infinite
                    v = v - mean[i] * mean[i]
                    if v < 0.0:  # by rounding
                        v = 0.0
            g = divide(g, libm.sqrt(v) + eps)
            if momentum != 0.0:
                velocity[i] = g = momentum * velocity[i] + g
            parameter.primal = parameter.primal - lr * g


# ---- what the loops are made of ---------------------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
@cython.annotation_typing(True)
def between(x: cython.double, y: cython.double, weight: cython.double) -> cython.double:
    """(1 − weight)·x + weight·y, in the form that is exact at the nearer end."""
    return x + weight * (y - x) if weight < 0.5 else y - (1.0 - weight) * (y - x)


@cython.cfunc
@cython.exceptval(check=False)
@cython.annotation_typing(True)
def all_finite(values: tuple[Value, ...]) -> cython.bint:
    """Whether every gradient is finite: 0 times it is then 0."""
    value: Value
    total: cython.double = 0.0
    for value in values:
        total += 0.0 * value.adjoint
    return total == 0.0


@cython.cfunc
@cython.annotation_typing(True)
def clear(values: tuple[Value, ...]) -> None:
    """Set every gradient to 0."""
    value: Value
    for value in values:
        value.adjoint = 0.0


@cython.annotation_typing(True)
def numbers_of(values: tuple[Value, ...], gradients: cython.bint) -> array[float]:
    """The data of each Value, or its gradient, as C holds them."""
    value: Value
    i: cython.Py_ssize_t
    numbers: array[float] = zeros(len(values))
    found: cython.p_double = doubles(numbers)
    for i in range(len(values)):
        value = values[i]
        found[i] = value.adjoint if gradients else value.primal
    return numbers


@cython.annotation_typing(True)
def read_into(numbers: array[float], values: tuple[Value, ...]) -> None:
    """Copy the data of each Value to where the array has it."""
    value: Value
    i: cython.Py_ssize_t
    found: cython.p_double = doubles(numbers)
    for i in range(len(values)):
        value = values[i]
        found[i] = value.primal


@cython.annotation_typing(True)
def differ(values: tuple[Value, ...], numbers: array[float]) -> bool:
    """Whether the data of a Value have other bits than the array has for it; one nan is as good as another."""
    value: Value
    i: cython.Py_ssize_t
    found: cython.p_double = doubles(numbers)
    x: cython.double
    y: cython.double
    for i in range(len(values)):
        value = values[i]
        x = value.primal
        y = found[i]
        if x != y and (x == x or y == y):
            return True
        if x == 0.0 and divide(1.0, x) != divide(1.0, y):
            return True
    return False


@cython.annotation_typing(True)
def put_numbers(values: tuple[Value, ...], numbers: array[float], gradients: cython.bint) -> None:
    """The inverse of ``numbers_of``: write the data of each Value, or its gradient."""
    value: Value
    i: cython.Py_ssize_t
    found: cython.p_double = doubles(numbers)
    for i in range(len(values)):
        value = values[i]
        if gradients:
            value.adjoint = found[i]
        else:
            value.primal = found[i]


@cython.annotation_typing(True)
def measured(numbers: array[float]) -> tuple[float, float, float]:
    """The Euclidean norm, the least and the largest of numbers; each is nan if one of them is, or if there are none."""
    n: cython.Py_ssize_t = len(numbers)
    found: cython.p_double = doubles(numbers)
    i: cython.Py_ssize_t
    squares: cython.double = 0.0
    least: cython.double = math.inf
    largest: cython.double = -math.inf
    x: cython.double
    for i in range(n):
        x = found[i]
        squares += x * x
        if x < least:
            least = x
        if x > largest:
            largest = x
    if n == 0 or squares != squares:
        return math.nan, math.nan, math.nan
    if least == 0.0 and largest == 0.0:
        return 0.0, least, largest
    # where squares overflow or lose digits
    norm: cython.double = libm.sqrt(squares) if 1e-270 < squares < 1e300 else math.hypot(*numbers)
    return norm, least, largest


# ---- checks -----------------------------------------------------------------------------------------------------------------


def checked(name: str, given: Any, kind: str) -> Any:
    """A hyperparameter as the number, pair of numbers or switch that it is, within its range."""
    what = f"{kind}({name})"
    if name not in RANGES:
        return switch(given, what)
    if name != "betas":
        return within(*RANGES[name], given, what)
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise TypeError(f"{what} takes a pair of numbers, not {given!r}")
    return tuple([within(*RANGES[name], beta, what) for beta in given])


def zeros(n: int) -> Any:
    """n zeros as C holds them."""
    return array("d", bytes(8 * n))


def numbers_in(found: Any, n: int, where: str) -> Any:
    """A list of n numbers from a ``state_dict``, as C holds them. Raises ``StateError`` for anything else."""
    if not isinstance(found, list):
        raise StateError(f"{where} is of type {type(found).__name__}: it must be a list of numbers")
    if len(found) != n:
        raise StateError(f"{where} has {len(found)} numbers: there are {n} parameters")
    return array("d", [states.number(x, f"number {i} of {where}") for i, x in enumerate(found)])
