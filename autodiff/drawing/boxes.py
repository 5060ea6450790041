"""The parts of a picture: boxes and edges, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["leaf", "parameter", "input", "constant", "operation", "loss", "folded"]


class Span(NamedTuple):
    """From the smallest to the largest of some numbers; ``odd`` of them are nan or infinite, and not among those two."""

    low: float
    high: float
    odd: int

    def largest(self) -> float:
        """The one that is larger in size."""
        return max(self.low, self.high, key=abs)


@dataclass(frozen=True, slots=True)
class Box:
    """One Value, one plain number, or ``count`` Values folded together with the ``inner`` edges between them.

    ``operation`` is empty for a leaf. ``grad`` is None where no gradient was computed, and for a plain number, which has none.
    """

    id: str
    kind: Kind
    name: str
    operation: str
    data: float | Span
    grad: float | Span | None
    scope: str
    tooltip: str = ""
    count: int = 1
    inner: int = 0


@dataclass(frozen=True, slots=True)
class Edge:
    """One use of an operand, or ``count`` uses where Values are folded.

    ``derivative`` is ∂result/∂operand, ``flow`` that times the gradient of the result: what this use contributes to the
    gradient of the operand. None for a plain number, for a flow not computed, and a bundle has no derivative; its flow is the
    one that is largest in size.
    """

    id: str
    operand: str
    result: str
    derivative: float | None
    flow: float | None = None
    count: int = 1
