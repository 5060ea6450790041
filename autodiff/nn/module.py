"""Module: something with parameters, the Values that training changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from autodiff.value import Value


class Module:
    """Base class of neurons, layers and networks.

    The parameters of a module are the Values among its attributes, and those in the lists, dicts and modules there, in the
    order in which the attributes were set. An attribute whose name begins with ``_`` holds none.
    """

    def parameters(self) -> list[Value]:
        """Each parameter once, in order."""
        return [parameter for _, parameter in self.named_parameters()]

    def named_parameters(self) -> list[tuple[str, Value]]:
        """Each parameter once, in order, with its path, such as ``layers.0.neurons.3.w.1``."""
        found: dict[Value, str] = {}
        for path, value in _values(self):
            found.setdefault(value, path)
        return [(path, value) for value, path in found.items()]

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for parameter in self.parameters():
            parameter.grad = 0.0


def _values(module: Module) -> Iterator[tuple[str, Value]]:
    """The Values below a module with their paths, in order; one that is in two places comes twice."""
    waiting: list[tuple[str, Any]] = [("", module)]
    seen: set[int] = set()
    while waiting:
        path, thing = waiting.pop()
        if isinstance(thing, Value):
            yield path, thing
            continue
        members = _members(thing)
        if not members or id(thing) in seen:
            continue
        seen.add(id(thing))
        waiting += [(f"{path}.{key}" if path else str(key), member) for key, member in reversed(members)]


def _members(thing: Any) -> list[tuple[Any, Any]]:
    if isinstance(thing, Module):
        return [(key, member) for key, member in vars(thing).items() if not key.startswith("_")]
    if isinstance(thing, dict):
        return list(thing.items())
    if isinstance(thing, (list, tuple)):
        return list(enumerate(thing))
    return []
