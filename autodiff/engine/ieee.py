"""Functions of floats with the results that IEEE 754 and C99 give, where Python's own raise or turn complex.

``1 / 0`` is inf, ``log(0)`` −inf, ``log(-1)`` nan, ``exp(710)`` inf. The names are those of C's ``math.h``: interpreted, this
module is what the kernels have in its place.
"""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import copysign, inf, isinf, nan
from typing import Any


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
exp2 = _total(math.exp2)
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
erf, erfc, fabs = math.erf, math.erfc, math.fabs


def bits_of(x: float) -> int:
    """The whole number, from 0 to 2^64 − 1, that has the bits of x."""
    return int.from_bytes(struct.pack("<d", x), "little")


def number_of(bits: int) -> float:
    """The float that has these bits, or the last 64 of them."""
    found: float = struct.unpack("<d", (bits & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "little"))[0]
    return found


def fma(x: float, y: float, z: float) -> float:
    """x · y + z, rounded once."""
    if not (math.isfinite(x) and math.isfinite(y)):
        return x * y + z
    if not math.isfinite(z):
        return z
    exact = Fraction(x) * Fraction(y) + Fraction(z)
    try:
        return float(exact) if exact else x * y + z  # a zero with its sign
    except OverflowError:
        return inf if exact > 0 else -inf


def divide(x: float, y: float) -> float:
    """x / y."""
    try:
        return x / y
    except ZeroDivisionError:
        return nan if x == 0 or x != x else copysign(inf, x) * copysign(1.0, y)


def pow(x: float, y: float) -> float:
    """x to the power y; nan, never complex, for a negative x and a y that is not whole."""
    try:
        return math.pow(x, y)
    except (OverflowError, ValueError):
        if x < 0 and not float(y).is_integer():
            return nan
        return copysign(inf, x) if y % 2 == 1 else inf


def fmod(x: float, y: float) -> float:
    """What is left of x / y, with the sign of x; nan for y = 0 and for an infinite x."""
    try:
        return math.fmod(x, y)
    except ValueError:
        return nan


def floor(x: float) -> float:
    """The largest whole number that is not above x, as a float; ±0, ±inf and nan themselves."""
    return copysign(float(math.floor(x)), x) if math.isfinite(x) else x


def ceil(x: float) -> float:
    """The smallest whole number that is not below x."""
    return -floor(-x)


def nearest(x: float) -> float:
    """The whole number nearest to x, of two the even one; ±0, ±inf and nan themselves."""
    return copysign(float(round(x)), x) if math.isfinite(x) else x


def logaddexp(x: float, y: float) -> float:
    """log(eˣ + eʸ) without overflow."""
    larger, smaller = (x, y) if x >= y else (y, x)
    if x != x or y != y or isinf(larger):
        return x + y if x != x or y != y else larger
    found = larger + log1p(exp(smaller - larger))
    if larger < 0 and smaller > -100 and fabs(found) < 0.5:  # that has subtracted
        return log1p((_fixed_exp(x) + _fixed_exp(y) - (1 << BITS)) / (1 << BITS))
    return found


def logit(x: float) -> float:
    """log(x / (1 − x)), accurate where it passes through zero."""
    return 2 * atanh(2 * x - 1) if 0.25 <= x <= 0.75 else log(divide(x, 1 - x))


def erfinv(x: float) -> float:
    """The y with erf(y) = x: Newton's steps from Winitzki's approximation (2008), on erfc where erf is near 1."""
    size = fabs(x)
    if not size < 1:
        return copysign(inf, x) if size == 1 else nan
    if size < 1e-8:
        return x * sqrt(math.pi) / 2
    logarithm = log1p(-size) + log1p(size)
    half = 2 / (math.pi * 0.147) + logarithm / 2
    y = sqrt(-logarithm / 0.147 / (half + sqrt(half * half - logarithm / 0.147)))
    for _ in range(4):
        missed = erf(y) - size if size < 0.5 else (1 - size) - erfc(y)
        y -= missed * sqrt(math.pi) / 2 * exp(y * y)
    return copysign(y, x)


def sinc_order(x: float, n: float) -> float:
    """The n-th derivative of sin(πx) / (πx), for n from 0 to 60, of which the whole part counts; else nan.

    Dⁿ(sin u / u) = (Dⁿ sin u − n · Dⁿ⁻¹(sin u / u)) / u, and its Taylor series where that would subtract what is nearly equal.
    """
    if x != x or not 0 <= n <= 60:
        return nan
    order, u = int(n), math.pi * x
    if isinf(u):
        return 0.0
    if fabs(x) <= 0.5 or (order and fabs(u) < order + 10):
        return _sinc_series(x, order)
    turns = nearest(x)
    sign, rest = (-1.0 if turns % 2 else 1.0), x - turns
    found = sign * _sinc_series(rest, 0) * (rest / x)
    waves = (sign * sin(math.pi * rest), sign * cos(math.pi * rest))
    for k in range(1, order + 1):
        wave = waves[k % 2]
        found = ((-wave if k // 2 % 2 else wave) - k * found) / u
    return float(found * math.pi**order)


BITS, PI = 160, 0x3243F6A8885A308D313198A2E03707344A4093822  # π · 2¹⁶⁰


def _fixed_exp(x: float) -> int:
    """eˣ in whole numbers of 2⁻¹⁶⁰, x < 1: the Taylor series of x / 256, and eight squares."""
    numerator, denominator = x.as_integer_ratio()
    part, n = (numerator << BITS) // (denominator << 8), 1
    found = term = 1 << BITS
    while term not in (0, -1):
        term = (term * part >> BITS) // n
        found, n = found + term, n + 1
    for _ in range(8):
        found = found * found >> BITS
    return found


def _sinc_series(x: float, order: int) -> float:
    """Its Taylor series, in whole numbers of 2⁻¹⁶⁰, so that all that cancels is there to cancel."""
    if fabs(x) < 1e-9:  # its first term alone
        k = (order + 1) // 2
        return (-1.0 if k % 2 else 1.0) * math.pi ** (2 * k) / (2 * k + 1) * (x if order % 2 else 1.0)
    numerator, denominator = x.as_integer_ratio()
    u = (numerator * PI) // denominator
    power, degree, found = (u, 1, 0) if order % 2 else (1 << BITS, 0, 0)
    while power:
        k = (order + degree) // 2
        found += (-power if k % 2 else power) // (2 * k + 1)
        power = (power * u >> BITS) * u // ((degree + 1) * (degree + 2)) >> BITS
        power += power < 0  # towards 0
        degree += 2
    return float(found * PI**order / (1 << BITS * (order + 1)))


def polynomial(coefficients: Sequence[float], x: float) -> float:
    """By Horner's rule, the lowest power first."""
    found = 0.0
    for coefficient in reversed(coefficients):
        found = found * x + coefficient
    return found


def greatest(*xs: float) -> float:
    """The largest, and nan where one is nan."""
    return nan if any(x != x for x in xs) else max(xs)


def least(*xs: float) -> float:
    """The smallest, and nan where one is nan."""
    return nan if any(x != x for x in xs) else min(xs)


def take(index: float, *xs: float) -> float:
    """The x at a place, a whole number from 0; nan where there is none."""
    return xs[int(index)] if 0 <= index < len(xs) and index == int(index) else nan


def logsumexp(*xs: float) -> float:
    """log(Σ eˣ), shifted by the largest x so that nothing overflows."""
    largest = greatest(*xs)
    return largest if isinf(largest) else largest + log(math.fsum(exp(x - largest) for x in xs))


_zero: Any = None  # NumPy's, as soon as there is a NumPy


def lower_flags() -> None:
    """Clear the processor's floating-point flags, which NumPy's own scalars do before they add; without NumPy nobody asks."""
    global _zero
    if _zero is not None:
        _zero + _zero
    elif (numpy := sys.modules.get("numpy")) is not None:
        _zero = numpy.float64(0.0)
        _zero + _zero


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
