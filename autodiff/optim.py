# cython: language_level=3, boundscheck=False, wraparound=False
"""Optimisers: what changes parameters along their gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autodiff.value import Value

try:
    import cython
except ImportError:
    from autodiff import _cython as cython


class SGD:
    """Gradient descent: each step takes ``lr`` · gradient off every parameter."""

    def __init__(self, parameters: Iterable[Value], lr: float = 0.01):
        self.parameters = list(parameters)
        for parameter in self.parameters:
            if not isinstance(parameter, Value):
                raise TypeError(f"SGD() takes parameters, a list of Values, not {type(parameter).__name__}")
        self.lr = float(lr)

    def step(self) -> None:
        """Move every parameter down its gradient."""
        rate: cython.double = self.lr
        parameters: list[Any] = self.parameters
        parameter: Value
        for parameter in parameters:
            parameter.primal -= rate * parameter.adjoint

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        parameters: list[Any] = self.parameters
        parameter: Value
        for parameter in parameters:
            parameter.adjoint = 0.0
