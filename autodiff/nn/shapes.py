"""Lists of numbers, lists of lists of them, and single numbers: what models and losses are given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from autodiff._support.numbers import as_operand
from autodiff.engine.trees import not_too_deep
from autodiff.errors import ShapeError


def is_list(x: Any) -> bool:
    """Whether x has elements: a list, a tuple or an array, but no text and no array of no dimensions."""
    return hasattr(x, "__len__") and not isinstance(x, (str, bytes)) and getattr(x, "ndim", 1) != 0


def listed(x: Any) -> Any:
    """x itself, or one number as a list of one."""
    return x if is_list(x) else [x]


def counted(n: int, thing: str) -> str:
    """So many of them, in words: ``1 input``, ``4,192 inputs``."""
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"


def pairs(outputs: Any, targets: Any, taker: str) -> list[tuple[Any, Any]]:
    """Each output with its target, from lists nested in the same way; one number and a list of that one are the same.

    Both come as Values and floats. Raises ``ShapeError`` for lists that are not alike, and for no numbers at all. ``taker`` is
    who wants them, for the error.
    """
    with not_too_deep:
        found = list(_pairs(outputs, targets, taker, ""))
    if not found:
        raise ShapeError(f"{taker} of no outputs: a mean needs at least one")
    return found


def _pairs(outputs: Any, targets: Any, taker: str, place: str) -> Iterator[tuple[Any, Any]]:
    if not is_list(outputs) and not is_list(targets):
        yield as_operand(outputs, taker), as_operand(targets, taker)
        return
    left, right = listed(outputs), listed(targets)
    if len(left) != len(right):
        raise ShapeError(
            f"{taker} of {len(left)} outputs and {len(right)} targets{place and f' at {place}'}: there must be as many of both"
        )
    for i, (output, target) in enumerate(zip(left, right, strict=True)):
        if not is_list(output) and not is_list(target):  # nearly always
            yield as_operand(output, taker), as_operand(target, taker)
        else:
            yield from _pairs(output, target, taker, f"{place}[{i}]")
