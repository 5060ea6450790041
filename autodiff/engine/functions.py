"""The functions of Values and numbers: every public row of the table under its own name, and those composed of rows.

With a Value among the operands the result is a Value; with numbers alone it is a float, with the same IEEE 754 edges.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from autodiff._support.numbers import as_operand, unboxed
from autodiff.engine import rules, value
from autodiff.engine.rules import *  # noqa: F403
from autodiff.engine.rules import apply, at_least, at_most, exp, logsumexp
from autodiff.engine.value import Value
from autodiff.errors import ShapeError

if not TYPE_CHECKING:  # type checkers see the names as they stand
    COMPOSED = [
        "clip",
        "dot",
        "hypot",
        "log_softmax",
        "max",
        "maximum",
        "maxout",
        "mean",
        "min",
        "minimum",
        "softmax",
        "sum",
        "take",
        "where",
    ]
    __all__ = sorted({*rules.__all__, *COMPOSED})


def _some(xs: Iterable[Any], taker: str) -> list[Any]:
    operands = [as_operand(x, taker) for x in xs]
    if not operands:
        raise ValueError(f"{taker}() of nothing: it needs at least one operand")
    return operands


def _extreme(rule: rules.Rule, against_number: rules.Binary, operands: list[Any]) -> Any:
    """The rule over the Values, then against the plain numbers, which take no share of the derivative."""
    values = [x for x in operands if isinstance(x, Value)]
    numbers = [x for x in operands if not isinstance(x, Value)]
    if not values or not numbers:
        return apply(rule, tuple(operands))
    best = values[0] if len(values) == 1 else apply(rule, tuple(values))
    return against_number(best, apply(rule, tuple(numbers)))


F = TypeVar("F", bound=Callable[..., Any])


def goes_over_arrays(function: F) -> F:
    """The function, which goes over NumPy arrays among its operands as the rows do."""

    @functools.wraps(function)
    def over(*operands: Any, **named: Any) -> Any:
        if not any(map(rules.has_axes, (*operands, *named.values()))):
            return function(*operands, **named)
        n = len(operands)
        return rules.over_arrays(
            lambda *xs: function(*xs[:n], **dict(zip(named, xs[n:], strict=True))), *operands, *named.values()
        )

    return over  # type: ignore[return-value]


T = TypeVar("T")
Number = Value | float  # what a function of Values takes; where all are floats, it gives a float


# fmt: off
@overload
def max(*operands: float) -> float: ...  # type: ignore[overload-overlap]
@overload
def max(operands: Iterable[float], /) -> float: ...  # type: ignore[overload-overlap]
@overload
def max(*operands: Number) -> Value: ...
@overload
def max(operands: Iterable[Number], /) -> Value: ...
# fmt: on
def max(*operands: Any) -> Any:
    """The largest of the operands, given one by one or as one iterable.

    Values that tie share the derivative (½ and ½); against a plain number a tie has derivative 0; a nan gives nan. Raises
    ``ValueError`` for nothing.
    """
    return _extreme(rules.TABLE["max"], at_least, _some(rules.flat(operands), "max"))


# fmt: off
@overload
def min(*operands: float) -> float: ...  # type: ignore[overload-overlap]
@overload
def min(operands: Iterable[float], /) -> float: ...  # type: ignore[overload-overlap]
@overload
def min(*operands: Number) -> Value: ...
@overload
def min(operands: Iterable[Number], /) -> Value: ...
# fmt: on
def min(*operands: Any) -> Any:
    """The smallest of the operands, given one by one or as one iterable; ties as in ``max``."""
    return _extreme(rules.TABLE["min"], at_most, _some(rules.flat(operands), "min"))


@overload
def maximum(x: float, y: float) -> float: ...  # type: ignore[overload-overlap]
@overload
def maximum(x: Number, y: Number) -> Value: ...
@goes_over_arrays
def maximum(x: Number, y: Number) -> Value | float:
    """The larger of two; ties as in ``max``."""
    return max(x, y)


@overload
def minimum(x: float, y: float) -> float: ...  # type: ignore[overload-overlap]
@overload
def minimum(x: Number, y: Number) -> Value: ...
@goes_over_arrays
def minimum(x: Number, y: Number) -> Value | float:
    """The smaller of two; ties as in ``max``."""
    return min(x, y)


# fmt: off
@overload
def maxout(*pieces: float) -> float: ...  # type: ignore[overload-overlap]
@overload
def maxout(pieces: Iterable[float], /) -> float: ...  # type: ignore[overload-overlap]
@overload
def maxout(*pieces: Number) -> Value: ...
@overload
def maxout(pieces: Iterable[Number], /) -> Value: ...
# fmt: on
def maxout(*pieces: Any) -> Any:
    """The largest of several linear pieces, as an activation (Goodfellow et al. 2013): ``max`` under its name in networks."""
    return max(*pieces)


@overload
def hypot(*operands: float) -> float: ...  # type: ignore[overload-overlap]
@overload
def hypot(*operands: Number) -> Value: ...
@goes_over_arrays
def hypot(*operands: Any, **named: Any) -> Any:
    """√(Σ x²) of two operands or more, without overflow, as ``math.hypot``; its derivatives at 0 are 0."""
    if named or len(operands) < 3:
        return rules._hypot(*operands, **named)
    return rules.norm(*operands)


@overload
def clip(x: float, low: float, high: float) -> float: ...  # type: ignore[overload-overlap]
@overload
def clip(x: Number, low: Number, high: Number) -> Value: ...
@goes_over_arrays
def clip(x: Number, low: Number, high: Number) -> Value | float:
    """x kept between ``low`` and ``high``: min(max(x, low), high)."""
    return min(max(x, low), high)


@overload
def where(condition: float, x: float, y: float) -> float: ...
@overload
def where(condition: Any, x: Number, y: Number) -> Value: ...
@goes_over_arrays
def where(condition: Any, x: Number, y: Number) -> Any:
    """x if the condition is true, else y; a Value if any of the three is one. Records the operand taken and nothing else.

    While ``ad.compile`` traces, a comparison of Values gives a condition that stays open: both operands are recorded, and each
    call selects.
    """
    condition, x, y = unboxed(condition), as_operand(x, "where"), as_operand(y, "where")
    if hasattr(condition, "_record") and (not isinstance(condition, Value) or value.traced()):
        return rules.select(condition, x, y)
    number = x if condition else y
    if isinstance(number, Value):
        return rules._where(number)
    return Value(number) if isinstance(x, Value) or isinstance(y, Value) or isinstance(condition, Value) else number


@overload
def take(table: Sequence[T], index: float) -> T: ...  # type: ignore[overload-overlap]
@overload
def take(table: Sequence[Number], index: Number) -> Value: ...
@overload
def take(table: Sequence[Sequence[Number]], index: Number) -> list[Value]: ...
def take(table: Sequence[Any], index: Number) -> Any:
    """``table[index]`` where the index is data, such as a token: a number of a list of numbers, a row of a list of rows.

    A row comes as a list. The index is a number or a Value; no gradient flows to it. Compiled, each call looks up the
    index that it is given.

    Raises ``IndexError`` for an index that is not among 0 … len(table) − 1 or not whole, ``ShapeError`` if the rows differ in
    length.
    """
    entries = list(table)
    index = unboxed(index)
    if not isinstance(index, Value) or not value.traced():
        place = value.primal_of(index)
        if not (0 <= place < len(entries) and place == int(place)):
            raise no_place(len(entries), place)
        entry = entries[int(place)]
        return [as_operand(x, "take") for x in entry] if _is_row(entry) else as_operand(entry, "take")
    if not entries or not _is_row(entries[0]):
        return rules.taken(index, *entries)
    lengths = {len(row) if _is_row(row) else 0 for row in entries}
    if len(lengths) > 1:
        raise ShapeError(f"take() takes rows of one length, not of {sorted(lengths)}")
    return [take(column, index) for column in zip(*entries, strict=True)]


def no_place(n: int, index: float) -> IndexError:
    """The error of an index that is no place of a table of n."""
    return IndexError(f"take() from a table of {n} takes a whole number from 0 to {n - 1}, not {index}")


def _is_row(entry: Any) -> bool:
    return hasattr(entry, "__len__") and hasattr(entry, "__getitem__") and getattr(entry, "ndim", 1) != 0


@overload
def sum(xs: Iterable[float]) -> float: ...  # type: ignore[overload-overlap]
@overload
def sum(xs: Iterable[Number]) -> Value: ...
def sum(xs: Iterable[Any]) -> Any:
    """Σ xᵢ from left to right, as one node; 0.0 for nothing.

    A generator of products, ``ad.sum(w * x for w, x in zip(ws, xs))``, is recorded as one ``dot``: the same number to the last
    bit, without a node for each product. So is any other iterable but a tuple or list whose items are products of two that
    nobody else holds or has given a name, all of one ``scope()``. Whoever means to look at the products passes a list.
    """
    return value.total(xs)


@overload
def mean(xs: Iterable[float]) -> float: ...  # type: ignore[overload-overlap]
@overload
def mean(xs: Iterable[Number]) -> Value: ...
def mean(xs: Iterable[Any]) -> Any:
    """(1/n) Σ xᵢ. Raises ``ValueError`` for nothing."""
    operands = _some(xs, "mean")
    return sum(operands) / len(operands)


@overload
def dot(xs: Iterable[float], ys: Iterable[float]) -> float: ...  # type: ignore[overload-overlap]
@overload
def dot(xs: Iterable[Number], ys: Iterable[Number]) -> Value: ...
def dot(xs: Iterable[Any], ys: Iterable[Any]) -> Any:
    """Σ xᵢ · yᵢ from left to right, as one node. Raises ``ShapeError`` if there are not as many of one as of the other."""
    return value.dot(xs, ys)


@overload
def softmax(xs: Iterable[float]) -> list[float]: ...  # type: ignore[overload-overlap]
@overload
def softmax(xs: Iterable[Number]) -> list[Value]: ...
def softmax(xs: Iterable[Any]) -> list[Any]:
    """exp(xᵢ) / Σ exp(xⱼ), shifted by the largest x so that nothing overflows. Raises ``ValueError`` for nothing."""
    operands = _some(xs, "softmax")
    shift = largest_of(operands)
    powers = [exp(x - shift) for x in operands]
    total = sum(powers)
    return [power / total for power in powers]


@overload
def log_softmax(xs: Iterable[float]) -> list[float]: ...  # type: ignore[overload-overlap]
@overload
def log_softmax(xs: Iterable[Number]) -> list[Value]: ...
def log_softmax(xs: Iterable[Any]) -> list[Any]:
    """xᵢ − log Σ exp(xⱼ), without overflow. Raises ``ValueError`` for nothing."""
    operands = _some(xs, "log_softmax")
    shift = largest_of(operands)
    shifted = [x - shift for x in operands]
    total = logsumexp(shifted)
    return [x - total for x in shifted]


def largest_of(operands: Sequence[Any]) -> Any:
    """The largest number, by which others are shifted that do not depend on that: no gradient flows to it. It is never inf."""
    largest = max(operands) if value.traced() else rules.TABLE["max"].value(*map(value.primal_of, operands))
    return rules.held(at_least(at_most(largest, rules.LARGEST), -rules.LARGEST))
