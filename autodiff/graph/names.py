"""What Values are called, in every view alike.

A Value has its own name, or that of the assignment that made it, where ``record_source()`` noted it. Where several have one
name each has its scope before it, ``layer1.w1``, or its place behind, ``w1@v7``: how many Values come before it in forward
order. One without a name is called by that place alone, ``v7``, and a loss without one ``loss``.

In an operation a Value without a name is written out where that is short, ``C = (a − y)²``. In a picture a box tells by itself
which Value it is, so that a name stands there as it was given, and inside the cluster of its module a parameter is ``w.1``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from autodiff._support.frames import variables
from autodiff.engine import rules
from autodiff.engine.sources import Source, assigned
from autodiff.engine.value import Value
from autodiff.graph.symbols import MOST_SPELLED, Symbol, shown_of, spelled, tidy
from autodiff.graph.walk import Walk

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
RETURN_NO_VALUE = {"fit"}  # calls whose assignment says nothing about the Values that they make
LONGEST_NAME = 60
LONGEST_WORD = 12  # characters of an operation that is written out where its result is used


class Names:
    """The names of the Values of one graph, which are given operands first.

    ``z = w * x + b`` makes a z; of the Values that one line has made in a loop the first is z₁. What an index or a
    comprehension stands for is not known afterwards: ``h[i]`` and ``ws[…]`` are called so. A call may make many Values; the
    name is that of the last, which none of the others uses. One that a function of the user's returned, ``a = forward(w)``,
    is called as the variable that holds it where the names are asked for.
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
            if (
                found
                and found.called not in RETURN_NO_VALUE
                and (found.called is None or id(node) not in inside or found.called == node.op)
            ):
                made.setdefault(found.name, []).append(node)
        for name, values in made.items():
            numbered = len(values) > 1 and name.isidentifier()
            for number, value in enumerate(values, start=1):
                self.automatic[id(value)] = name + str(number).translate(SUBSCRIPTS) if numbered else name
        held = {id(thing): name for name, thing in reversed(variables(sys._getframe()).items()) if isinstance(thing, Value)}
        for node, _ in nodes:
            name = held.get(id(node), "_")
            if name.isidentifier() and name[0] != "_" and name not in made and not self.of(node):
                self.automatic[id(node)] = name


class Calls(Names):
    """What each Value of a walk is called, no two alike, and how operations on them are written.

    ``places`` are those behind each name, with the scope before it and without. The loss is the last Value unless it is given;
    in a part of a graph it may be none of them.
    """

    def __init__(self, walk: Walk, loss: Value | None = None):
        super().__init__(walk.nodes)
        self.walk = walk
        self.loss = walk.nodes[-1] if loss is None else loss
        self.places: dict[str, list[int]] = {}
        for place, node in enumerate(walk.nodes):
            for key in self._keys(node, self.of(node)):
                self.places.setdefault(key, []).append(place)
        last = len(walk.nodes) - 1
        self.unnamed_loss = walk.nodes[last] is self.loss and not self.of(self.loss) and "loss" not in self.places
        if self.unnamed_loss:
            self.places |= {key: [last] for key in self._keys(self.loss, "loss")}

    def called(self, node: Value) -> str:
        """What it is called beside its place: by its name, and a loss without one ``loss``; empty for others without one."""
        return self.of(node) or "loss" * (self.unnamed_loss and node is self.loss)

    def _keys(self, node: Value, name: str) -> Iterator[str]:
        if name:
            yield name
            if node.scope:
                yield f"{node.scope}.{name}"

    def name(self, place: int) -> str:
        """What to call the Value at a place, fit to be printed: without control characters and not too long."""
        node = self.walk.nodes[place]
        keys = [*self._keys(node, self.called(node))]
        if not keys:
            return f"@v{place}" if f"v{place}" in self.places else f"v{place}"
        own = next((key for key in keys if len(self.places[key]) == 1), None)
        shown = printable(own or keys[0])
        shown = shown if len(shown) <= LONGEST_NAME else shown[: LONGEST_NAME - 1] + "…"
        return shown if own else f"{shown}@v{place}"

    def word(self, argument: Value | float) -> Symbol | float:
        """An operand where it is used: a number, the name of a Value, or a short operation on such."""
        if not isinstance(argument, Value):
            return argument
        place = self.walk.places[id(argument)]
        if argument.op and not self.of(argument) and self._is_short(argument.arguments):
            written = spelled(rules.TABLE[argument.op], [self._leaf(x) for x in argument.arguments])
            if len(written.text) <= LONGEST_WORD:
                return written
        return Symbol(self.name(place))

    def operation(self, node: Value) -> str:
        """The operation that made a Value, over its operands: ``w1 · x1``, ``(a − y)²``; empty for a leaf."""
        if not node.op:
            return ""
        rule = rules.TABLE[node.op]
        return tidy(spelled(rule, [x if isinstance(x, Symbol) else self.word(x) for x in shown_of(rule, node.arguments)]).text)

    def _is_short(self, arguments: tuple[Value | float, ...]) -> bool:
        """Whether an operation on them may be short: a few numbers, and Values with names."""
        return len(arguments) <= MOST_SPELLED and all(
            not isinstance(x, Value) or (id(x) in self.walk.places and 0 < len(self.of(x)) <= LONGEST_NAME) for x in arguments
        )

    def _leaf(self, argument: Value | float) -> Symbol | float:
        return Symbol(self.name(self.walk.places[id(argument)])) if isinstance(argument, Value) else argument


def printable(text: str) -> str:
    """The text with whatever would move a cursor, change a colour or hide itself written as an escape."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )
