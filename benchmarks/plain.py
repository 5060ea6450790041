"""The yardstick: a Value and optimisers in plain Python, as a short script has them.

The Value has slots, stored local gradients, what the workloads need and nothing else. Like the scripts it stands for, it
writes a − b as a + (−b) and a / b as a · b⁻¹, and finds its topological order by recursion. Its graph is acyclic, so that
its release is timed too.
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


# ---- optimisers: the step as a loop, the state as lists ---------------------------------------------------------------


class SGD:
    def __init__(self, parameters: list[Value], lr: float = 0.01, momentum: float = 0.0):
        self.parameters, self.lr, self.momentum = parameters, lr, momentum
        self.velocity = [0.0] * len(parameters)

    def step(self) -> None:
        if not self.momentum:
            for p in self.parameters:
                p.data -= self.lr * p.grad
            return
        for i, p in enumerate(self.parameters):
            self.velocity[i] = self.momentum * self.velocity[i] + p.grad
            p.data -= self.lr * self.velocity[i]


class Adam:
    def __init__(self, parameters: list[Value], lr: float = 0.001, weight_decay: float = 0.0):
        self.parameters, self.lr, self.decay, self.steps = parameters, lr, weight_decay, 0
        self.m, self.v = [0.0] * len(parameters), [0.0] * len(parameters)

    def step(self) -> None:
        self.steps += 1
        shrink = 1 - self.lr * self.decay
        rate, correction = self.lr / (1 - 0.9**self.steps), math.sqrt(1 - 0.999**self.steps)
        for i, p in enumerate(self.parameters):
            p.data *= shrink
            self.m[i] = 0.9 * self.m[i] + (1 - 0.9) * p.grad
            self.v[i] = 0.999 * self.v[i] + (1 - 0.999) * p.grad * p.grad
            p.data -= rate * self.m[i] / (math.sqrt(self.v[i]) / correction + 1e-8)


class AdamW(Adam):
    def __init__(self, parameters: list[Value]):
        super().__init__(parameters, weight_decay=0.01)


class RMSprop:
    def __init__(self, parameters: list[Value], lr: float = 0.01):
        self.parameters, self.lr = parameters, lr
        self.v = [0.0] * len(parameters)

    def step(self) -> None:
        for i, p in enumerate(self.parameters):
            self.v[i] = 0.99 * self.v[i] + (1 - 0.99) * p.grad * p.grad
            p.data -= self.lr * p.grad / (math.sqrt(self.v[i]) + 1e-8)
