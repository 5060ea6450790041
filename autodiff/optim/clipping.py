"""The parameters that are trained: which Values can be, and the clipping of their gradients."""

from __future__ import annotations

import math
from collections.abc import Iterable

from autodiff._support.numbers import as_float
from autodiff._support.settings import switch, within
from autodiff.engine.value import Value
from autodiff.errors import NonFiniteError, SettingError


def trainable(parameters: Iterable[Value], taker: str) -> tuple[Value, ...]:
    """The parameters, which must be Values that nothing computed, each there once."""
    if isinstance(parameters, Value) or not isinstance(parameters, Iterable):
        raise TypeError(f"{taker} takes parameters, such as model.parameters(), not one {type(parameters).__name__}")
    values = tuple(parameters)
    for place, parameter in enumerate(values):
        if not isinstance(parameter, Value):
            raise TypeError(f"{taker} takes parameters, an iterable of Values; number {place} is {type(parameter).__name__}")
        if parameter.op:
            raise SettingError(f"{taker} takes leaves; parameter {place} was computed, by {parameter.op}: {parameter!r}")
    if len(set(map(id, values))) < len(values):
        places: dict[Value, int] = {}
        place, parameter = next((i, x) for i, x in enumerate(values) if places.setdefault(x, i) != i)
        raise SettingError(f"{taker}: parameters {places[parameter]} and {place} are one and the same, {parameter!r}")
    return values


def clip_grad_norm(parameters: Iterable[Value], max_norm: float, error_if_nonfinite: bool = False) -> float:
    """Scale the gradients down so that their Euclidean norm is at most ``max_norm``; returns the norm before.

    Each gradient is multiplied by min(1, max_norm / (norm + 1e-6)), as in torch; ``max_norm=math.inf`` only measures. Squares
    of large gradients do not overflow. A nan among the gradients makes the norm and every gradient nan; without one, an inf
    makes the norm inf, the infinite gradients nan and the others 0, as in torch. With ``error_if_nonfinite`` both raise
    ``NonFiniteError`` instead, which names the first such parameter, and nothing changes.

    Raises ``TypeError`` for what is no Value, ``SettingError`` for a ``max_norm`` that is negative or nan, and for parameters
    that an optimiser would refuse; no parameters at all have the norm 0.
    """
    limit = nonnegative(max_norm, "clip_grad_norm(max_norm)")
    values = trainable(parameters, "clip_grad_norm()")
    gradients = [value.grad for value in values]
    # hypot hides a nan behind an inf
    norm = math.nan if any(map(math.isnan, gradients)) else math.hypot(*gradients)
    if switch(error_if_nonfinite, "clip_grad_norm(error_if_nonfinite)") and not math.isfinite(norm):
        culprits = (value for value in values if not math.isfinite(value.grad))
        raise NonFiniteError(f"the norm of the gradients is {norm}: the first that is not finite is that of {next(culprits)!r}")
    coefficient = coefficient_of(norm, limit)
    if coefficient != 1.0:
        for value in values:
            value.grad *= coefficient
    return norm


def coefficient_of(norm: float, limit: float) -> float:
    """What gradients of this norm are multiplied by, so that it is at most the limit; nan if it is nan."""
    coefficient = 1.0 if math.isinf(limit) else limit / (norm + 1e-6)
    return 1.0 if coefficient >= 1.0 else coefficient


def clip_grad_value(parameters: Iterable[Value], clip_value: float) -> None:
    """Bring every gradient into the range from −``clip_value`` to ``clip_value``; a nan stays one.

    Raises as ``clip_grad_norm`` does.
    """
    limit = nonnegative(clip_value, "clip_grad_value(clip_value)")
    for value in trainable(parameters, "clip_grad_value()"):
        if abs(value.grad) > limit:
            value.grad = math.copysign(limit, value.grad)


def nonnegative(x: float, what: str) -> float:
    """x as a float of at least 0, which may be inf. Raises ``SettingError`` for another."""
    return math.inf if as_float(x, what) == math.inf else within(0.0, math.inf, x, what)
