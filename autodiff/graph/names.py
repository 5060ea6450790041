"""What Values are called: by their own name, or by the assignment that made them, where ``record_source()`` noted it."""

from __future__ import annotations

from collections.abc import Iterable

from autodiff.engine.sources import Source, assigned
from autodiff.engine.value import Value

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class Names:
    """The names of the Values of one graph, which are given operands first.

    ``z = w * x + b`` makes a z; of the Values that one line has made in a loop the first is z₁. What an index or a
    comprehension stands for is not known afterwards: ``h[i]`` and ``ws[…]`` are called so. A call may make many Values; the
    name is that of the last, which none of the others uses.
    """

    def __init__(self, nodes: Iterable[Value]):
        self.automatic: dict[int, str] = {}
        sourced = [(node, source) for node in nodes if (source := node.source) is not None]
        if sourced:
            self._name(sourced)

    def of(self, node: Value) -> str:
        """The name of a Value; empty if it has none."""
        return node.name or self.automatic.get(id(node), "")

    def _name(self, nodes: list[tuple[Value, Source]]) -> None:
        inside = {
            id(operand)
            for node, source in nodes
            for operand in node.operands
            if operand.source is not None and operand.source.place == source.place
        }
        made: dict[str, list[Value]] = {}
        for node, source in nodes:
            found = None if node.name else assigned(source)
            if found and (found.called is None or id(node) not in inside or found.called == node.op):
                made.setdefault(found.name, []).append(node)
        for name, values in made.items():
            numbered = len(values) > 1 and name.isidentifier()
            for number, value in enumerate(values, start=1):
                self.automatic[id(value)] = name + str(number).translate(SUBSCRIPTS) if numbered else name
