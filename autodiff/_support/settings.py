"""Checks of what a user sets: numbers within a range, whole numbers, switches."""

from __future__ import annotations

import math
import operator
from typing import Any

from autodiff._support.numbers import as_float
from autodiff.errors import SettingError


def within(least: float, below: float, x: Any, what: str) -> float:
    """x as a float, which must be finite and least ≤ x < below. Raises ``SettingError`` that says ``what`` it is."""
    value = as_float(x, what)
    if math.isfinite(value) and least <= value < below:
        return value
    bounds = [f"at least {least:g}"] if least > -math.inf else []
    bounds.append(f"below {below:g}" if below < math.inf else "finite")
    raise SettingError(f"{what} is {value!r}: it must be {' and '.join(bounds)}")


def whole(least: int, x: Any, what: str, error: type[ValueError] = SettingError) -> int:
    """x as an int, which must be a whole number of any kind and at least that. Raises ``error`` for a smaller one."""
    if isinstance(x, bool) or not hasattr(x, "__index__"):
        raise TypeError(f"{what} takes a whole number, not {type(x).__name__} {x!r}")
    number = operator.index(x)
    if number < least:
        raise error(f"{what} is {number}: it must be at least {least}")
    return number


def switch(x: Any, what: str) -> bool:
    """x, which must be True or False."""
    if not isinstance(x, bool):
        raise TypeError(f"{what} takes True or False, not {type(x).__name__} {x!r}")
    return x
