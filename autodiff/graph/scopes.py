"""Which cluster a Value belongs to: that of the ``scope()`` it was recorded in, that of the module whose parameters it uses.

Modules name their parameters by path, ``layers.0.neurons.3.w.1``, and that is enough: an operation on parameters of a neuron is
that neuron's, a function of one operand such as an activation is where its operand is. So modules need not say anything while
they compute. The parameters of a module that is part of no other have its class for a scope, ``perceptron``.
"""

from __future__ import annotations

from itertools import takewhile

from autodiff.engine import rules
from autodiff.engine.value import Value
from autodiff.errors import UnknownNameError
from autodiff.graph.names import Calls
from autodiff.graph.symbols import Symbol, encloses
from autodiff.graph.walk import Walk

LONGEST_DRAWN = 20  # characters of an operand in a picture


def module_of(name: str | None) -> str:
    """The module in a parameter's path, ``layers.0.neurons.3`` in ``layers.0.neurons.3.w.1``; empty for any other name."""
    parts = name.split(".") if name else []
    if len(parts) < 2 or not parts[0].isidentifier() or not all(part.isidentifier() or part.isdigit() for part in parts):
        return ""
    while parts[-1].isdigit():
        parts.pop()
    return ".".join(parts[:-1])


def scopes_of(walk: Walk) -> list[str]:
    """The scope of each Value, from the outermost in, with dots between; empty where there is none."""
    modules: list[str] = []
    for place, node in enumerate(walk.nodes):
        if not node.op:
            modules.append(node.scope or module_of(node.name))
            continue
        operands = walk.operands[walk.starts[place] : walk.starts[place + 1]]
        used = {modules[operand] for operand in operands if modules[operand] and not walk.nodes[operand].op}
        if used:
            modules.append(_common(used))
        elif len(operands) == 1 and encloses(rules.TABLE[node.op]):
            modules.append(modules[operands[0]] if walk.nodes[operands[0]].op else "")
        else:
            modules.append("")
    around = [node.scope if node.op else None for node in walk.nodes]
    return [".".join(filter(None, pair)) for pair in zip(around, modules, strict=True)]


def _common(modules: set[str]) -> str:
    """The innermost module around all of them."""
    if len(modules) == 1:
        return next(iter(modules))
    shared = takewhile(lambda parts: len(set(parts)) == 1, zip(*map(scope_parts, modules), strict=False))
    return ".".join(parts[0] for parts in shared)


def scope_parts(scope: str | None) -> tuple[str, ...]:
    """A scope from the outermost in; a number belongs to what it counts: ``layers.0.neurons.3`` has two parts."""
    parts: list[str] = []
    for part in scope.split(".") if scope else ():
        if part.isdigit() and parts and not parts[-1].rpartition(".")[2].isdigit():
            parts[-1] += f".{part}"
        else:
            parts.append(part)
    return tuple(parts)


def scope_holds(scope: str, inner: str) -> bool:
    """Whether ``inner`` is the scope, or inside it; ``layer1`` also stands for ``model.layer1``."""
    return f".{scope}." in f".{inner}."


def scope_contains(scope: str, inner: str) -> bool:
    """Whether ``inner`` is the scope of this whole path, or inside it."""
    return inner == scope or inner.startswith(f"{scope}.")


def scope_around(scope: str) -> str:
    """The scope that this one is directly in; empty for an outermost one."""
    return scope.rpartition(".")[0]


def within(walk: Walk, scopes: list[str], scope: str) -> tuple[Walk, list[int]]:
    """The operations inside a scope with what they were given, and their places in the whole walk.

    Raises ``UnknownNameError`` if there are none.
    """
    nodes, edges = bytearray(len(walk.nodes)), bytearray(len(walk.operands))
    for place, node in enumerate(walk.nodes):
        if node.op and scope_holds(scope, scopes[place]):
            nodes[place] = 1
            for edge in walk.edges(place):
                edges[edge] = nodes[walk.operands[edge]] = 1
    if not any(nodes):
        known = ", ".join(sorted({*filter(None, scopes)})) or "none"
        raise UnknownNameError(f"the graph has no operation in a scope {scope!r}; the scopes are: {known}")
    return walk.restricted(nodes, edges)


class Labels(Calls):
    """Names as they are drawn, where a box tells by itself which Value it is: a name stands as it was given.

    Inside the cluster of its module a parameter is w.1, and in an operation no operand is long.
    """

    def name(self, place: int) -> str:
        node = self.walk.nodes[place]
        name = self.of(node)
        module = module_of(name) if not node.op else ""
        return name[len(module) + 1 :] if module else name or super().name(place)

    def word(self, argument: Value | float) -> Symbol | float:
        word = super().word(argument)
        if not isinstance(word, Symbol):
            return word
        text = " ".join(word.text.split())
        return Symbol(text if len(text) <= LONGEST_DRAWN else f"{text[: LONGEST_DRAWN - 1]}…", word.precedence)
