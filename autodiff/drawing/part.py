"""Which part of a graph is drawn: all, the paths from some Values, the strongest paths, the neighbourhood of the loss."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from autodiff.engine.value import Value
from autodiff.errors import NotInGraphError
from autodiff.graph import paths
from autodiff.graph.scopes import Labels
from autodiff.graph.symbols import counted, number_text
from autodiff.graph.walk import Walk

MOST_TERMS = 10  # of a gradient's sum that a tooltip spells out
LONGEST_TITLE = 80


class Part:
    """Some of the Values and edges of a graph, with the gradients that were computed."""

    def __init__(self, full: Full, walk: Walk, origin: list[int], notes: list[str]):
        self.full, self.walk, self.origin, self.notes = full, walk, origin, notes
        self.grads: list[float | None] = [full.grads[place] for place in origin]

    @property
    def complete(self) -> bool:
        """Whether nothing is left out."""
        return self.walk is self.full.walk

    def flow(self, edge: int, result: int) -> float | None:
        """What an edge contributes to the gradient of its operand; None if that of its result was not computed."""
        upstream = self.grads[result]
        return None if upstream is None else upstream * self.walk.partials[edge]

    def find_uses(self, places: Iterable[int]) -> None:
        """Prepare the tooltips of these Values."""
        self.full.find_uses([self.origin[place] for place in places])

    def tooltip(self, place: int) -> str:
        """What a Value is, its whole gradient as a sum over its uses, and where it was made."""
        return self.full.tooltip(self.origin[place])

    def selected(self, depth: int | None, only: Value | Iterable[Value] | None, top: int | None) -> Part:
        """Of this, which must be complete, what is asked for."""
        walk, notes = self.walk, []
        nodes, edges = bytearray(b"\1") * len(walk.nodes), bytearray(b"\1") * len(walk.operands)
        if only is not None:
            starts = [only] if isinstance(only, Value) else list(only)
            for start in starts:
                if id(start) not in walk.places:
                    raise NotInGraphError(f"the loss was not computed from {start!r}: only= takes Values that it depends on")
            nodes = both(nodes, walk.depending_on(starts))
            named = [title(walk.places[id(start)], self.full.names) for start in starts[:5]]
            notes.append(f"only the paths from {', '.join(named)}{', …' * (len(starts) > 5)}")
        if top is not None:
            if top < 1:
                raise ValueError(f"top={top!r}: the number of paths is at least 1")
            found = paths.strongest(walk, top, None if only is None else starts)
            nodes, edges = bytearray(len(nodes)), bytearray(len(edges))
            for path in found:
                nodes[len(nodes) - 1] = 1
                for edge in path.edges:
                    edges[edge] = nodes[walk.operands[edge]] = 1
            notes.append("only the strongest path" if top == 1 else f"only the {counted(len(found), 'strongest path')}")
        if depth is not None:
            if depth < 0:
                raise ValueError(f"depth={depth!r}: the number of operations from the loss is at least 0")
            nodes = both(nodes, near(walk, depth))
            notes.append(f"only what is at most {counted(depth, 'operation')} from the loss")
        if not notes:
            return self
        part, origin = walk.restricted(nodes, edges)
        left_out = len(walk.nodes) - len(origin)
        return Part(self.full, part, origin, [f"{'; '.join(notes)}: {counted(left_out, 'Value')} not drawn"])


class Full:
    """The whole graph: its gradients, and the sum behind each of them."""

    def __init__(self, walk: Walk):
        self.walk = walk
        self.grads = gradients(walk)
        self.names = Labels(walk)
        self.uses: dict[int, list[tuple[int, int]]] = {}

    def tooltip(self, place: int) -> str:
        node, grad = self.walk.nodes[place], self.grads[place]
        lines = [f"{title(place, self.names)} is {number_text(node.data)}"]
        if grad is None:
            lines.append("gradient not computed: no backward() went through it")
        else:
            lines.append(f"grad {self.sum_of(place)}{number_text(grad)}")
        if node.source is not None:
            lines.append(str(node.source))
        return "\n".join(lines)

    def sum_of(self, place: int) -> str:
        """``0.5 · 1.4 + 2 · 0.3 = ``: local · upstream for each use."""
        uses = self.uses.get(place, [])
        upstream = [self.grads[result] for _, result in uses]
        if not uses or any(grad is None for grad in upstream):
            return ""
        terms = [
            f"{number_text(self.walk.partials[edge])} · {number_text(grad or 0.0)}"
            for (edge, _), grad in zip(uses[:MOST_TERMS], upstream, strict=False)
        ]
        more = [f"{len(uses) - MOST_TERMS:,} more"] if len(uses) > MOST_TERMS else []
        total = sum(self.walk.partials[edge] * (grad or 0.0) for (edge, _), grad in zip(uses, upstream, strict=True))
        text = " + ".join(terms + more)
        held = number_text(self.grads[place] or 0.0)
        return f"{text} = " if number_text(total) == held else f"{text} = {number_text(total)}; it holds "

    def find_uses(self, places: Iterable[int]) -> None:
        """Find for these Values the edges from them, and the operations that use them there."""
        self.uses = {place: [] for place in places}
        for result in range(len(self.walk.nodes)):
            for edge in self.walk.edges(result):
                operand = self.walk.operands[edge]
                if operand in self.uses:
                    self.uses[operand].append((edge, result))


def complete(walk: Walk) -> Part:
    """All of the graph."""
    full = Full(walk)
    return Part(full, full.walk, list(range(len(full.walk.nodes))), [])


def gradients(walk: Walk) -> list[float | None]:
    """The gradient of each Value; None where none was computed.

    That is where it is 0 and no ``backward()`` went through the operation or, for a leaf, through any that uses it here.
    """
    swept = bytearray(node.swept for node in walk.nodes)
    for place in range(len(swept)):
        if swept[place]:
            for edge in walk.edges(place):
                swept[walk.operands[edge]] = 1
    return [node.grad if reached or node.grad != 0.0 else None for node, reached in zip(walk.nodes, swept, strict=True)]


def title(place: int, names: Labels) -> str:
    """A Value in a few words, a parameter by its whole path."""
    node = names.walk.nodes[place]
    name, operation = node.name or names.name(place), names.operation(node)
    text = f"{name} = {operation}" if operation else name
    return text if len(text) <= LONGEST_TITLE else text[: LONGEST_TITLE - 1] + "…"


def both(first: bytearray, second: bytearray) -> bytearray:
    return bytearray(a & b for a, b in zip(first, second, strict=True))


def near(walk: Walk, depth: int) -> bytearray:
    """For each Value 1 if no more than ``depth`` operations lie between it and the loss, on the shortest way."""
    marked = bytearray(len(walk.nodes))
    waiting: deque[tuple[int, int]] = deque([(len(walk.nodes) - 1, 0)])
    marked[-1] = 1
    while waiting:
        place, distance = waiting.popleft()
        if distance < depth:
            for edge in walk.edges(place):
                operand = walk.operands[edge]
                if not marked[operand]:
                    marked[operand] = 1
                    waiting.append((operand, distance + 1))
    return marked
