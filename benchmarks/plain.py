"""The yardstick: a Value in plain Python, with slots and stored local gradients, as a short script has it.

It has what the workloads need and nothing else. Like the scripts it stands for, it writes a − b as a + (−b) and
a / b as a · b⁻¹, and finds its topological order by recursion. Its graph is acyclic, so that its release is timed too.
"""

from __future__ import annotations

import math


class Value:
    """A number, what it was computed from, and its derivative with respect to each of those."""

    __slots__ = ("children", "data", "grad", "local_grads")

    def __init__(self, data: float, children: tuple[Value, ...] = (), local_grads: tuple[float, ...] = ()):
        self.data = data
        self.grad = 0.0
        self.children = children
        self.local_grads = local_grads

    def __add__(self, other: Value | float) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: Value | float) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, exponent: float) -> Value:
        return Value(self.data**exponent, (self,), (exponent * self.data ** (exponent - 1),))

    def exp(self) -> Value:
        out = math.exp(self.data)
        return Value(out, (self,), (out,))

    def log(self) -> Value:
        return Value(math.log(self.data), (self,), (1.0 / self.data,))

    def relu(self) -> Value:
        return Value(max(self.data, 0.0), (self,), (float(self.data > 0.0),))

    def __neg__(self) -> Value:
        return self * -1.0

    def __radd__(self, other: float) -> Value:
        return self + other

    def __sub__(self, other: Value | float) -> Value:
        return self + (-other)

    def __rsub__(self, other: float) -> Value:
        return other + (-self)

    def __rmul__(self, other: float) -> Value:
        return self * other

    def __truediv__(self, other: Value | float) -> Value:
        return self * other**-1.0

    def __rtruediv__(self, other: float) -> Value:
        return other * self**-1.0

    def backward(self) -> None:
        order: list[Value] = []
        visited: set[Value] = set()
        visit(self, order, visited)
        self.grad = 1.0
        for node in reversed(order):
            for child, local_grad in zip(node.children, node.local_grads):  # noqa: B905  strict= would cost it time
                child.grad += node.grad * local_grad


def visit(node: Value, order: list[Value], visited: set[Value]) -> None:
    """Add what a node depends on, then the node. A closure that calls itself would be a cycle, and keep the graph."""
    if node not in visited:
        visited.add(node)
        for child in node.children:
            visit(child, order, visited)
        order.append(node)
