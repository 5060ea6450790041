"""The engines that are compared, each behind the same few methods; their operators are used as they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

Rows = list[list[Any]]  # the parameters of a network, row by row


class Engine:
    """An engine whose numbers have ``data``, ``grad`` and ``backward()``; one that does otherwise overrides."""

    name: str
    collector = False  # whether Python's cyclic garbage collector runs meanwhile
    leaves_cycles = False  # whether what is deleted stays until that collector comes
    leaf: Callable[[float], Any]
    optimizers: Any  # the module that has its optimisers

    def begin(self, rows: Rows) -> None:
        """Called before anything is computed from these leaves."""

    def backward(self, loss: Any) -> None:
        loss.backward()

    def gradient(self, leaf: Any) -> float:
        return float(leaf.grad)

    def release(self) -> None:
        """Called once the last reference to a result is gone: gives back what the engine itself still holds."""

    def descend(self, rows: Rows, rate: float) -> None:
        """One step of stochastic gradient descent; leaves the gradients at zero."""
        for row in rows:
            for parameter in row:
                parameter.data -= rate * parameter.grad
                parameter.grad = 0.0

    def optimizer(self, kind: str, settings: dict[str, float], data: list[float], gradients: list[float]) -> Any:
        """An optimiser of its own on parameters with these numbers, whose ``parameters`` has them."""
        parameters = [self.leaf(x) for x in data]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        return getattr(self.optimizers, kind)(parameters, **settings)

    def weighted_sum(self, weights: Sequence[Any], xs: Iterable[Any]) -> Any:
        """Σ wᵢ · xᵢ, spelled as micrograd's neuron spells it."""
        return sum(w * x for w, x in zip(weights, xs))  # noqa: B905  strict= would cost each of them time


class Autodiff(Engine):
    """This package, compiled or interpreted as ``AUTODIFF_PURE`` had it when the process began."""

    def __init__(self) -> None:
        import autodiff as ad

        self.name = {"compiled": "autodiff", "python": "autodiff, interpreted"}[ad.implementation]
        self.leaf = ad.Value
        self.optimizers = ad.optim


class AutodiffDot(Autodiff):
    """The same with sums of products as one node each."""

    def __init__(self) -> None:
        import autodiff as ad

        super().__init__()
        self.name += ", dot"
        self.weighted_sum = ad.dot


class Plain(Engine):
    name = "plain-Python class"

    def __init__(self, collector: bool = False) -> None:
        from benchmarks import plain

        self.leaf = plain.Value
        self.optimizers = plain
        self.collector = collector
        if collector:
            self.name += " + collector"


class Micrograd(Engine):
    name = "micrograd"
    leaves_cycles = True  # its nodes and their closures refer to each other

    def __init__(self, collector: bool = False) -> None:
        from micrograd.engine import Value

        self.leaf = Value
        self.collector = collector
        if collector:
            self.name += " + collector"
        # it has neither function: both are added as it has its own relu()
        Value.exp = lambda x: with_closure(Value, x, math.exp(x.data), lambda out: out, "exp")
        Value.log = lambda x: with_closure(Value, x, math.log(x.data), lambda out: 1.0 / x.data, "log")


def with_closure(kind: Any, x: Any, data: float, local: Callable[[float], float], op: str) -> Any:
    """A node of micrograd's with one operand."""
    out = kind(data, (x,), op)

    def propagate() -> None:
        x.grad += local(out.data) * out.grad

    out._backward = propagate
    return out


class Torch(Engine):
    name = "torch, 0-dim tensors"

    def __init__(self) -> None:
        import torch

        torch.set_num_threads(1)
        self.torch = torch

    def leaf(self, x: Any) -> Any:
        return self.torch.tensor(x, dtype=self.torch.float64, requires_grad=True)

    def gradient(self, leaf: Any) -> float:
        return 0.0 if leaf.grad is None else float(leaf.grad)

    def descend(self, rows: Rows, rate: float) -> None:
        with self.torch.no_grad():
            for row in rows:
                for parameter in row:
                    if parameter.grad is not None:
                        parameter -= rate * parameter.grad
                        parameter.grad = None


class TorchTensor(Torch):
    """Torch as it is meant to be used: all parameters in one tensor."""

    name = "torch, one tensor"

    def optimizer(self, kind: str, settings: dict[str, float], data: list[float], gradients: list[float]) -> Any:
        parameter = self.leaf(data)
        parameter.grad = self.torch.tensor(gradients, dtype=self.torch.float64)
        optimizer = getattr(self.torch.optim, kind)([parameter], **settings)
        optimizer.parameters = parameter.detach()
        return optimizer


class Xad(Engine):
    """Its operations go onto a tape of C++; its numbers cannot be written, so a step makes new ones."""

    name = "xad"

    def __init__(self) -> None:
        from xad import math as xad_math
        from xad.adj_1st import Real, Tape

        self.leaf = Real
        self.tape = Tape()
        self.tape.activate()
        # the spelling of all the others
        Real.data = Real.value
        Real.exp = lambda x: xad_math.exp(x)
        Real.log = lambda x: xad_math.log(x)
        Real.relu = lambda x: xad_math.max(x, 0.0)

    def begin(self, rows: Rows) -> None:
        for row in rows:
            self.tape.registerInputs(row)
        self.tape.newRecording()

    def gradient(self, leaf: Any) -> float:
        return leaf.derivative

    def backward(self, loss: Any) -> None:
        self.tape.registerOutput(loss)
        loss.derivative = 1.0
        self.tape.computeAdjoints()

    def release(self) -> None:
        self.tape.newRecording()

    def descend(self, rows: Rows, rate: float) -> None:
        for row in rows:
            row[:] = [self.leaf(parameter.value - rate * parameter.derivative) for parameter in row]


# In the order of the table. The interpreted form of ours needs a process of its own: see runners.py.
ENGINES: dict[str, Callable[[], Engine]] = {
    "autodiff": Autodiff,
    "dot": AutodiffDot,
    "interpreted": Autodiff,
    "plain": Plain,
    "plain-gc": lambda: Plain(collector=True),
    "micrograd": Micrograd,
    "micrograd-gc": lambda: Micrograd(collector=True),
    "torch": Torch,
    "tensor": TorchTensor,
    "xad": Xad,
}
OURS = ("autodiff", "dot", "interpreted")
