"""What a ``state_dict`` is made of: plain numbers, lists and strings that JSON carries without loss, checked when read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from autodiff.errors import StateError

EXACT = 2**53  # up to here every whole number is a float
NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


def plain(x: float) -> float | str:
    """x for JSON, which has no word for inf and nan: those are the strings ``"inf"``, ``"-inf"`` and ``"nan"``."""
    return x if math.isfinite(x) else repr(x)


def number(x: Any, where: str) -> float:
    """The inverse of ``plain``. Raises ``StateError``, saying ``where`` it was found, for anything else."""
    if isinstance(x, float) or (isinstance(x, int) and not isinstance(x, bool) and abs(x) <= EXACT):
        return float(x)
    if isinstance(x, str) and x in NOT_FINITE:
        return NOT_FINITE[x]
    raise StateError(f"{where} is {x!r}: it must be a float, 'inf', '-inf' or 'nan'")


def count(x: Any, where: str) -> int:
    """x, if it is a whole number that counts something. Raises ``StateError`` otherwise."""
    if isinstance(x, bool) or not isinstance(x, int) or not 0 <= x <= EXACT:
        raise StateError(f"{where} is {x!r}: it must be a whole number from 0 to 2⁵³")
    return x


def require_keys(found: Any, expected: Iterable[str], where: str) -> None:
    """Raise ``StateError``, naming every missing and every unexpected key, unless ``found`` is a dict with just these keys."""
    if not isinstance(found, Mapping):
        raise StateError(f"{where} is of type {type(found).__name__}: it must be a dict")
    wanted = list(expected)
    differences = {
        "misses": [key for key in wanted if key not in found],
        "has the unexpected": [key for key in found if key not in wanted],
    }
    words = [f"{verb} {', '.join(map(repr, keys))}" for verb, keys in differences.items() if keys]
    if words:
        raise StateError(f"{where} {' and '.join(words)}")
