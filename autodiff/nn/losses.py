"""Losses: how far outputs are from targets, as one Value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autodiff import functions
from autodiff.errors import ShapeError
from autodiff.value import Value


def mse(outputs: Sequence[Any] | Value, targets: Sequence[Any] | Value | float) -> Any:
    """The mean squared error (1/n) Σ (y − a)² over n outputs a and targets y; one output and one target may stand alone.

    Raises ``ShapeError`` for lists of different length, or empty ones.
    """
    predicted, wanted = _listed(outputs), _listed(targets)
    if len(predicted) != len(wanted):
        raise ShapeError(f"mse() of {len(predicted)} outputs and {len(wanted)} targets: there must be as many of both")
    if not predicted:
        raise ShapeError("mse() of no outputs: a mean needs at least one")
    squares = [(y - a) ** 2 for a, y in zip(predicted, wanted, strict=True)]
    return squares[0] if len(squares) == 1 else functions.mean(squares)


def _listed(x: Any) -> Sequence[Any]:
    return x if hasattr(x, "__len__") else [x]
