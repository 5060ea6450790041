"""What a graph or a model is made of, in numbers: ``summary(loss)``, ``summary(model)``."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autodiff._support.tables import table
from autodiff.engine.value import Value
from autodiff.graph.walk import Walk

FLOAT, REFERENCE, ARRAY, TUPLE = sys.getsizeof(0.0), 8, 80, 56


@dataclass(frozen=True)
class Summary:
    """The numbers; as text, a table.

    ``operations``: how many of each, by name. ``leaves``: how many Values were made by hand. ``edges``: uses of Values.
    ``depth``: operations one after the other, on the longest way. ``parameters``: how many, and how many in each part of a
    model. ``memory``: bytes that all of it takes, estimated.
    """

    title: str
    operations: Mapping[str, int] = field(default_factory=dict)
    leaves: int = 0
    edges: int = 0
    depth: int = 0
    parameters: Mapping[str, int] = field(default_factory=dict)
    memory: int = 0

    def _rows(self) -> list[tuple[str, str]]:
        rows: list[tuple[str, str]] = []
        if self.operations:
            rows += [("operations", f"{sum(self.operations.values()):,}")]
            rows += [(f"  {name}", f"{number:,}") for name, number in self.operations.items()]
        if self.edges or self.leaves:
            rows += [("leaves", f"{self.leaves:,}"), ("edges", f"{self.edges:,}"), ("depth", f"{self.depth:,}")]
        if self.parameters:
            rows += [("parameters", f"{sum(self.parameters.values()):,}")]
            rows += [(f"  {name}", f"{number:,}") for name, number in self.parameters.items() if name]
        return [*rows, ("memory", _bytes(self.memory))]

    def __str__(self) -> str:
        rows = self._rows()
        left, right = (max(len(row[side]) for row in rows) for side in (0, 1))
        return "\n".join([self.title, *(f"{name:{left}}  {number:>{right}}" for name, number in rows)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return table(self.title, (), self._rows())


def summary(thing: Any) -> Summary:
    """Counts by operation, depth, parameters and memory of the graph below a Value, or of a model.

    A model is anything with ``parameters()``, as modules have it. Raises ``TypeError`` for anything else.
    """
    if isinstance(thing, Value):
        return _of_graph(thing)
    if callable(getattr(thing, "parameters", None)):
        return _of_model(thing)
    raise TypeError(f"summary() takes a Value or a model, not {type(thing).__name__}")


def _of_graph(loss: Value) -> Summary:
    walk = Walk(loss)
    depths: list[int] = []
    for place in range(len(walk.nodes)):
        depths.append(1 + max([depths[walk.operands[edge]] for edge in walk.edges(place)], default=-1))
    operations = Counter(node.op for node in walk.nodes if node.op)
    return Summary(
        f"the graph of {loss!r}",
        operations=dict(operations.most_common()),
        leaves=len(walk.nodes) - operations.total(),
        edges=len(walk.operands),
        depth=depths[-1],
        parameters={"": found} if (found := sum(1 for node in walk.nodes if not node.op and node.scope)) else {},
        memory=sum(map(_size, walk.nodes)),
    )


def _of_model(model: Any) -> Summary:
    parameters: dict[str, int] = {}
    named = getattr(model, "named_parameters", None)
    values = dict(named()) if callable(named) else {str(place): value for place, value in enumerate(model.parameters())}
    for path in values:
        part = ".".join(path.split(".")[:2]) if "." in path else path
        parameters[part] = parameters.get(part, 0) + 1
    return Summary(type(model).__name__, parameters=parameters, memory=sum(map(_size, values.values())))


def _size(node: Value) -> int:
    """Bytes of a Value with what is its own; floats that it may share with others count in full."""
    size = sys.getsizeof(node)
    arguments = node.arguments
    if len(arguments) > 2:
        size += TUPLE + ARRAY + len(arguments) * (REFERENCE + FLOAT // 3)
    return size + FLOAT * (len(arguments) - len(node.operands))


def _bytes(number: int) -> str:
    size = float(number)
    for unit in ("bytes", "KB", "MB"):
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} GB"
