"""A recording as flat lists: what everything that looks at a graph walks over, from its leaves to its loss or back."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from autodiff.engine.value import Value, topological_order


def has_more_than(most: int, root: Value) -> bool:
    """Whether ``root`` was computed from more than so many Values, itself included; no more than those are looked at."""
    waiting, seen = [root], {root}
    while waiting and len(seen) <= most:
        new = [operand for operand in waiting.pop().operands if operand not in seen]
        seen.update(new)
        waiting += new
    return len(seen) > most


class Walk:
    """Everything that ``root`` was computed from, operands first, root last; Values are places in the list ``nodes``.

    The uses of operands, which are the edges of the graph, are numbered in the order of ``nodes`` and of their arguments:
    those of ``nodes[i]`` from ``starts[i]`` up to ``starts[i + 1]``. Edge e comes from ``nodes[operands[e]]`` and carries the
    local derivative ``partials[e]``. A Value used twice by one operation has two edges there.
    """

    __slots__ = ("nodes", "operands", "partials", "places", "starts")

    def __init__(self, root: Value):
        self.nodes = topological_order(root)
        self.places = places = {id(node): place for place, node in enumerate(self.nodes)}
        self.operands, self.partials, self.starts = array("q"), array("d"), array("q", [0])
        for node in self.nodes:
            found = node.operands
            if found:
                self.operands.extend([places[id(operand)] for operand in found])
                self.partials.extend(node.partials)
            self.starts.append(len(self.operands))

    def edges(self, place: int) -> range:
        """The edges into an operation."""
        return range(self.starts[place], self.starts[place + 1])

    def results(self) -> list[int]:
        """The operation that each edge goes into."""
        results: list[int] = []
        for place in range(len(self.nodes)):
            if self.starts[place + 1] > self.starts[place]:
                results += [place] * (self.starts[place + 1] - self.starts[place])
        return results

    def restricted(self, nodes: bytearray, edges: bytearray) -> tuple[Walk, list[int]]:
        """A walk over the marked nodes and the marked edges between them, and the places here of its nodes."""
        origin = [place for place in range(len(nodes)) if nodes[place]]
        part = Walk.__new__(Walk)
        part.nodes = [self.nodes[place] for place in origin]
        part.places = {id(node): place for place, node in enumerate(part.nodes)}
        part.operands, part.partials, part.starts = array("q"), array("d"), array("q", [0])
        for place in origin:
            for edge in self.edges(place):
                operand = self.operands[edge]
                if edges[edge] and nodes[operand]:
                    part.operands.append(part.places[id(self.nodes[operand])])
                    part.partials.append(self.partials[edge])
            part.starts.append(len(part.operands))
        return part, origin

    def gradients(self, seed: float = 1.0) -> list[float]:
        """The derivative of the root with respect to each node, by the chain rule; nothing is written into the nodes."""
        adjoints = [0.0] * len(self.nodes)
        adjoints[-1] = seed
        operands, partials, starts = self.operands, self.partials, self.starts
        for place in range(len(adjoints) - 1, -1, -1):
            upstream = adjoints[place]
            for edge in range(starts[place], starts[place + 1]):
                adjoints[operands[edge]] += upstream * partials[edge]
        return adjoints

    def depending_on(self, values: Iterable[Value]) -> bytearray:
        """For each node 1 if it is one of these Values or was computed from one, else 0."""
        marked = bytearray(len(self.nodes))
        for value in values:
            place = self.places.get(id(value))
            if place is not None:
                marked[place] = 1
        operands, starts = self.operands, self.starts
        for place in range(len(marked)):
            if not marked[place] and any(marked[operands[edge]] for edge in range(starts[place], starts[place + 1])):
                marked[place] = 1
        return marked
