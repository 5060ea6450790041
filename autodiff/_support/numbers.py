"""The door: what becomes a float, and what is refused."""

from __future__ import annotations

import sys
from numbers import Complex, Real
from typing import Any


def as_float(x: Any, taker: str) -> float:
    """x as a float: any number with ``__float__``, no string, no complex number. ``taker`` is who wants it, for the error."""
    if isinstance(x, (float, int)):
        return float(x)
    not_real = isinstance(x, (str, bytes, bytearray)) or (isinstance(x, Complex) and not isinstance(x, Real))
    if not_real or not hasattr(x, "__float__") or getattr(x, "ndim", 0) != 0 or is_masked(x):
        raise TypeError(f"{taker} takes a real number, not {type(x).__name__} {_short(x)}")
    return float(x)


def is_masked(x: Any) -> bool:
    """Whether x is an entry of a masked array that is masked, such as ``np.ma.masked``: no number."""
    masked = sys.modules.get("numpy.ma")
    return masked is not None and isinstance(x, masked.MaskedArray) and bool(x.mask)


def as_operand(x: Any, taker: str) -> Any:
    """x as an operand: a Value, or whatever else records, as it is, and anything else as a float."""
    if type(x) is float or hasattr(x, "_record"):
        return x
    x = unboxed(x)
    return x if hasattr(x, "_record") else as_float(x, taker)


def unboxed(x: Any) -> Any:
    """What is in an array of objects without axes, which NumPy makes of a lone Value; anything else as it is."""
    while getattr(x, "ndim", None) == 0 and hasattr(x, "item") and getattr(x.dtype, "hasobject", False):
        x = x.item()
    return x


def _short(x: object) -> str:
    try:
        text = repr(x)
    except RecursionError:
        return "that is nested too deeply to be shown"
    return text if len(text) <= 60 else text[:57] + "..."
