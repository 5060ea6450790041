"""Functions of floats with the results that IEEE 754 and C99 give, where Python's own raise or turn complex.

``1 / 0`` is inf, ``log(0)`` −inf, ``log(-1)`` nan, ``exp(710)`` inf. The names are those of C's ``math.h``: interpreted, this
module is what ``value.py`` calls ``libm``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from math import copysign, erf, erfc, fabs, inf, isinf, nan
from typing import Any

__all__ = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "compare",
    "copysign",
    "cos",
    "cosh",
    "cosquare",
    "div0",
    "divide",
    "erf",
    "erfc",
    "exp",
    "expm1",
    "fabs",
    "floor",
    "greatest",
    "hypot",
    "least",
    "log",
    "log1p",
    "log2",
    "log10",
    "logsumexp",
    "mul0",
    "nonnegative",
    "pow",
    "power_log",
    "power_poly",
    "power_slope",
    "quotient",
    "remainder",
    "sech2",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "softplus",
    "softsign",
    "sqrt",
    "step",
    "take",
    "tan",
    "tanh",
]  # fmt: skip


def _total(
    function: Callable[[float], float],
    poles: Mapping[float, float] | None = None,
    overflow: Callable[[float], float] = lambda x: inf,
) -> Callable[[float], float]:
    """``function`` on every float: its limit at a pole, nan outside its domain, ``overflow(x)`` where it is too large."""
    limits = poles or {}

    def total(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return overflow(x)
        except ValueError:
            return limits.get(x, nan)

    return total


exp = _total(math.exp)
expm1 = _total(math.expm1)
log = _total(math.log, {0.0: -inf})
log2 = _total(math.log2, {0.0: -inf})
log10 = _total(math.log10, {0.0: -inf})
log1p = _total(math.log1p, {-1.0: -inf})
sqrt = _total(math.sqrt)
sin = _total(math.sin)
cos = _total(math.cos)
tan = _total(math.tan)
asin = _total(math.asin)
acos = _total(math.acos)
sinh = _total(math.sinh, overflow=lambda x: copysign(inf, x))
cosh = _total(math.cosh)
acosh = _total(math.acosh)
atanh = _total(math.atanh, {1.0: inf, -1.0: -inf})
atan, atan2, asinh, tanh, cbrt, hypot = math.atan, math.atan2, math.asinh, math.tanh, math.cbrt, math.hypot


def divide(x: float, y: float) -> float:
    """x / y."""
    try:
        return x / y
    except ZeroDivisionError:
        return nan if x == 0 or x != x else copysign(inf, x) * copysign(1.0, y)


def pow(x: float, y: float) -> float:
    """x to the power y; nan, never complex, for a negative x and a y that is not whole. A square is x · x."""
    if y == 2.0:
        return x * x
    try:
        return math.pow(x, y)
    except (OverflowError, ValueError):
        if x < 0 and not float(y).is_integer():
            return nan
        return copysign(inf, x) if y % 2 == 1 else inf


def remainder(x: float, y: float) -> float:
    """Python's x % y, with the sign of y; nan for y = 0 and for an infinite x."""
    try:
        return x % y
    except ZeroDivisionError:
        return nan


def floor(x: float) -> float:
    """The largest whole number that is not above x, as a float; ±inf and nan themselves."""
    return float(math.floor(x)) if math.isfinite(x) else x


def mul0(x: float, y: float) -> float:
    """x · y, and 0 for 0 · ±inf: the limit where x vanishes faster than y grows."""
    product = x * y
    return 0.0 if product != product and 0.0 in (x, y) and x == x and y == y else product


def div0(x: float, y: float) -> float:
    """x / y, and 0 for 0 / 0: the limit where x vanishes faster than y."""
    return 0.0 if x == 0 and y == 0 else divide(x, y)


def nonnegative(x: float) -> float:
    """x itself, −0 as 0, and nan below 0."""
    return x + 0.0 if x >= 0 else nan


def compare(x: float, y: float) -> float:
    """1 for x > y, 0 for x = y, −1 for x < y, nan where one is nan."""
    return float((x > y) - (x < y)) if x == x and y == y else nan


def sign(x: float) -> float:
    """1, 0 or −1; nan for nan."""
    return compare(x, 0.0)


def step(x: float) -> float:
    """1 for x > 0, else 0; nan for nan."""
    return float(x > 0) if x == x else nan


def greatest(*xs: float) -> float:
    """The largest, and nan where one is nan."""
    return nan if any(x != x for x in xs) else max(xs)


def least(*xs: float) -> float:
    """The smallest, and nan where one is nan."""
    return nan if any(x != x for x in xs) else min(xs)


def take(index: float, *xs: float) -> float:
    """The x at a place, a whole number from 0; nan where there is none."""
    return xs[int(index)] if 0 <= index < len(xs) and index == int(index) else nan


def sigmoid(x: float) -> float:
    """1 / (1 + e⁻ˣ), without overflow and without loss for large negative x."""
    e = exp(-fabs(x))
    return 1 / (1 + e) if x >= 0 else e / (1 + e)


def softplus(x: float) -> float:
    """log(1 + eˣ), without overflow."""
    return greatest(x, 0.0) + log1p(exp(-fabs(x)))


def softsign(x: float) -> float:
    """x / (1 + |x|), and its limit ±1 at ±inf."""
    return copysign(1.0, x) if isinf(x) else x / (1 + fabs(x))


def logsumexp(*xs: float) -> float:
    """log(Σ eˣ), shifted by the largest x so that nothing overflows."""
    largest = greatest(*xs)
    return largest if isinf(largest) else largest + log(math.fsum(exp(x - largest) for x in xs))


def quotient(x: float, y: float) -> float:
    """⌊x / y⌋ as ``remainder`` has it: the whole number of y in x − x % y, which x / y rounded may miss by one."""
    return floor(divide(x - remainder(x, y), y) + 0.5)


def sech2(x: float) -> float:
    """tanh′(x) = 1 / cosh(x)², as 4·σ(2x)·σ(−2x): without overflow."""
    e = exp(-fabs(2 * x))
    return 4 * (1 / (1 + e)) * (e / (1 + e))


def cosquare(x: float) -> float:
    """1 − x², accurate near ±1."""
    return (1 - x) * (1 + x)


def power_slope(x: float, y: float) -> float:
    """∂(x^y)/∂x = y · x^(y − 1), and 0 for y = 0."""
    return 0.0 if y == 0 else mul0(y, pow(x, y - 1))


def power_log(x: float, y: float) -> float:
    """∂(x^y)/∂y = x^y · log(x), and 0 where x^y is 0."""
    return mul0(pow(x, y), log(x))


def power_poly(x: float, y: float, *coefficients: float) -> float:
    """x^y · Σ cₖ log(x)ᵏ, with its limit at x = 0, where a power is stronger than any logarithm."""
    total = coefficients[-1]  # without its logarithm if it is the only one, so that x may be negative
    for coefficient in reversed(coefficients[:-1]):
        total = mul0(total, log(x)) + coefficient
    return mul0(pow(x, y), total)


class Real(float):
    """A float whose ``/`` and ``**`` follow IEEE 754, and whose results do again: for formulas that Python would refuse."""

    def _record(self, rule: Any, operands: tuple[float, ...]) -> Real:
        """The functions of the table on Reals give Reals too."""
        return Real(rule.value(*map(float, operands)))

    def __add__(self, other: float) -> Real:
        return Real(float(self) + other)

    def __sub__(self, other: float) -> Real:
        return Real(float(self) - other)

    def __rsub__(self, other: float) -> Real:
        return Real(other - float(self))

    def __mul__(self, other: float) -> Real:
        return Real(float(self) * other)

    def __truediv__(self, other: float) -> Real:
        return Real(divide(float(self), other))

    def __rtruediv__(self, other: float) -> Real:
        return Real(divide(other, float(self)))

    def __pow__(self, other: float) -> Real:  # type: ignore[override]
        return Real(pow(float(self), other))

    def __rpow__(self, other: float) -> Real:  # type: ignore[override]
        return Real(pow(other, float(self)))

    def __neg__(self) -> Real:
        return Real(-float(self))

    __radd__ = __add__
    __rmul__ = __mul__
