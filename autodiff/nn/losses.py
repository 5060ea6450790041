"""Losses: how far outputs are from targets, as one Value.

Outputs and targets are single numbers, lists, or lists of lists nested in the same way, such as a batch of samples with several
outputs each; a loss is the mean over all the numbers in them (``cross_entropy``: over the samples). Each raises ``ShapeError``,
which names both shapes, where outputs and targets do not fit, and where there are none.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Sequence
from typing import Any, overload

from autodiff._support.numbers import as_operand
from autodiff.engine import functions
from autodiff.engine.rules import equal, mul0, select, xlog1py
from autodiff.engine.value import Value, primal_of, traced
from autodiff.errors import SettingError, ShapeError, TargetError, UnknownNameError
from autodiff.nn.shapes import is_list, listed, pairs

Loss = Callable[[Any, Any], Any]
Numbers = float | Sequence[float] | Sequence[Sequence[float]]  # targets, and outputs that are no Values
Outputs = Value | Sequence[Value | float] | Sequence[Sequence[Value | float]]


@overload
def mse(outputs: Numbers, targets: Numbers) -> float: ...  # type: ignore[overload-overlap]
@overload
def mse(outputs: Outputs | Numbers, targets: Outputs | Numbers) -> Value: ...
def mse(outputs: Any, targets: Any) -> Any:
    """The mean squared error (1/n) Σ (y − a)² over n outputs a and targets y."""
    return _mean([(y - a) ** 2 for a, y in pairs(outputs, targets, "mse()")])


@overload
def mae(outputs: Numbers, targets: Numbers) -> float: ...  # type: ignore[overload-overlap]
@overload
def mae(outputs: Outputs | Numbers, targets: Outputs | Numbers) -> Value: ...
def mae(outputs: Any, targets: Any) -> Any:
    """The mean absolute error (1/n) Σ |y − a|; its derivative at y = a is 0."""
    return _mean([abs(y - a) for a, y in pairs(outputs, targets, "mae()")])


@overload
def huber(outputs: Numbers, targets: Numbers, *, delta: float = ...) -> float: ...  # type: ignore[overload-overlap]
@overload
def huber(outputs: Outputs | Numbers, targets: Outputs | Numbers, *, delta: float = ...) -> Value: ...
def huber(outputs: Any, targets: Any, *, delta: float = 1.0) -> Any:
    """The mean of ½d² for |d| ≤ δ, else δ(|d| − ½δ), where d = y − a (Huber 1964): squares near 0, straight lines beyond δ.

    Raises ``SettingError`` unless ``delta`` is above 0.
    """
    if not delta > 0:
        raise SettingError(f"huber() takes a delta above 0, not {delta!r}")
    # both branches in one, without a condition: c(|d| − ½c) with c = min(|d|, δ)
    sizes = [abs(y - a) for a, y in pairs(outputs, targets, "huber()")]
    curved = [functions.min(size, delta) for size in sizes]
    return _mean([c * (size - 0.5 * c) for size, c in zip(sizes, curved, strict=True)])


@overload
def hinge(outputs: Numbers, targets: Numbers) -> float: ...  # type: ignore[overload-overlap]
@overload
def hinge(outputs: Outputs | Numbers, targets: Outputs | Numbers) -> Value: ...
def hinge(outputs: Any, targets: Any) -> Any:
    """The mean of max(0, 1 − y·a) for labels y = ±1: the max-margin loss of support-vector machines (Cortes and Vapnik 1995).

    Raises ``TargetError`` for a label that is neither 1 nor −1.
    """
    found = pairs(outputs, targets, "hinge()")
    for _, y in found:
        if not isinstance(y, Value) and y not in (1, -1):
            raise TargetError(f"hinge() takes the labels 1 and -1, not {y!r}")
    return _mean([functions.relu(1 - y * a) for a, y in found])


@overload
def binary_cross_entropy(outputs: Numbers, targets: Numbers, *, from_logits: bool = ...) -> float: ...  # type: ignore[overload-overlap]
@overload
def binary_cross_entropy(outputs: Outputs | Numbers, targets: Outputs | Numbers, *, from_logits: bool = ...) -> Value: ...
def binary_cross_entropy(outputs: Any, targets: Any, *, from_logits: bool = False) -> Any:
    """The mean of −y·log(p) − (1 − y)·log(1 − p) for targets y from 0 to 1 (Bishop 2006, equation 4.90).

    The outputs are probabilities p: a certain right answer costs 0, a certain wrong one inf. With ``from_logits=True`` they
    are logits z with p = σ(z), and the cost is y·softplus(−z) + (1 − y)·softplus(z), which is accurate where p would be
    rounded to 0 or 1.

    Raises ``TargetError`` for a target outside of 0 to 1, ``SettingError`` for a probability there (compiled, it costs nan).
    """
    found = pairs(outputs, targets, "binary_cross_entropy()")
    for _, y in found:
        if not isinstance(y, Value) and not 0 <= y <= 1:
            raise TargetError(f"binary_cross_entropy() takes targets from 0 to 1, not {y!r}")
    if not from_logits and not traced():
        outside = [p for p, _ in found if p < 0 or p > 1]
        if outside:
            raise SettingError(
                f"binary_cross_entropy() takes probabilities from 0 to 1, and an output is {primal_of(outside[0])!r}: for the "
                "raw outputs of a model without a sigmoid at its end pass from_logits=True"
            )
    if from_logits:
        return _mean([mul0(y, functions.softplus(-z)) + mul0(1 - y, functions.softplus(z)) for z, y in found])
    return _mean([-functions.xlogy(y, p) - xlog1py(1 - y, -p) for p, y in found])


@overload
def cross_entropy(logits: Numbers, index: int | Sequence[int]) -> float: ...  # type: ignore[overload-overlap]
@overload
def cross_entropy(logits: Outputs | Numbers, index: Value | int | Sequence[int]) -> Value: ...
def cross_entropy(logits: Any, index: Any) -> Any:
    """−log softmax(z)ᵢ for the logits z of one sample and the index i of its class; the mean over a batch of both.

    One sample is a list of numbers and an int, a batch a list of such lists and a list of ints. It is computed as
    softplus(logsumexp of the other logits − zᵢ), the same as logsumexp(z) − zᵢ, which stays accurate where zᵢ is far the
    largest and that difference would be rounded to 0.

    Raises ``TypeError`` for an index that is no whole number, ``TargetError`` for one that is no class.
    """
    if not is_list(logits) or not len(logits):
        raise ShapeError(
            "cross_entropy() takes the logits of one sample, a list of at least one number, or a list of such lists"
        )
    if not is_list(logits[0]):
        return _surprise(logits, index, "")
    indices = listed(index)
    if len(indices) != len(logits):
        raise ShapeError(f"cross_entropy() of {len(logits)} samples and {len(indices)} indices: there must be as many of both")
    return _mean([_surprise(z, i, f" of sample {n}") for n, (z, i) in enumerate(zip(logits, indices, strict=True))])


def _surprise(logits: Any, index: Any, where: str) -> Any:
    """−log softmax(z)ᵢ of one sample."""
    if not is_list(logits) or not len(logits):
        raise ShapeError(f"cross_entropy(): the logits{where} are {logits!r}, not a list of at least one number")
    logits = [as_operand(z, "cross_entropy()") for z in logits]
    if isinstance(index, Value) and traced():
        chosen = [equal(index, float(j)) for j in range(len(logits))]
        z, wanted = _shifted(logits, functions.take(logits, index))
        return _surprise_among([select(c, -math.inf, x) for c, x in zip(chosen, z, strict=True)], wanted)
    if is_list(index):
        raise ShapeError(
            f"cross_entropy() of the logits{where or ' of one sample'} and {len(index)} indices: there must be one"
        )
    if isinstance(index, bool) or not hasattr(index, "__index__"):
        raise TypeError(f"cross_entropy(): the index{where} is a whole number, not {type(index).__name__} {index!r}")
    i = operator.index(index)
    if not 0 <= i < len(logits):
        raise TargetError(f"cross_entropy(): the index{where} is {i}; there are {len(logits)} classes, 0 to {len(logits) - 1}")
    z, wanted = _shifted(logits, logits[i])
    del z[i]
    return _surprise_among(z, wanted)


def _surprise_among(others: list[Any], wanted: Any) -> Any:
    """softplus(logsumexp(others) − wanted); it is certain, 0, where all others are ruled out or not there."""
    if not others:
        return wanted * (wanted * 0.0)  # whose gradient is nan too where the logit is no number
    if not traced():
        certain = wanted > -math.inf and all(x == -math.inf for x in others)
        return mul0(0.0, wanted) if certain else functions.softplus(functions.logsumexp(others) - wanted)
    # Nobody can look whether all others are −inf while a function is traced. One more, e⁻⁸⁰⁰ as likely as the one that is
    # wanted, is nothing in a float, and keeps their sum above 0; a condition would lie on all that the logits come from.
    return functions.softplus(functions.logsumexp([*others, functions.min(wanted - 800.0, LARGEST)]) - wanted)


def _shifted(logits: list[Any], wanted: Any) -> tuple[list[Any], Any]:
    """All logits, and that of the class, less the largest: what is lost of them otherwise at 1e15 is the cost itself."""
    shift = functions.largest_of(logits)
    return [z - shift for z in logits], wanted - shift


LARGEST = sys.float_info.max

LOSSES: dict[str, Loss] = {
    "mse": mse,
    "mae": mae,
    "huber": huber,
    "hinge": hinge,
    "binary_cross_entropy": binary_cross_entropy,
    "cross_entropy": cross_entropy,
}


def loss_function(loss: str | Loss) -> Loss:
    """A loss by its name, or the function itself. Raises ``UnknownNameError``, which lists the names."""
    if callable(loss):
        return loss
    if loss not in LOSSES:
        raise UnknownNameError(
            f"there is no loss {loss!r}; there are {', '.join(LOSSES)}, and any function of outputs and targets"
        )
    return LOSSES[loss]


def _mean(costs: list[Any]) -> Any:
    return costs[0] if len(costs) == 1 else functions.mean(costs)
