"""Which cluster a Value belongs to: that of the ``scope()`` it was recorded in, that of the module whose parameters it uses.

Modules name their parameters by path, ``layers.0.neurons.3.w.1``, and that is enough: an operation on parameters of a neuron is
that neuron's, a function of one operand such as an activation is where its operand is. So modules need not say anything while
they compute. The parameters of a module that is part of no other have its class for a scope, ``perceptron``.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

from autodiff.engine import rules
from autodiff.engine.value import Value
from autodiff.graph.names import Names
from autodiff.graph.walk import Walk


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
        elif len(operands) == 1 and rules.TABLE[node.op].precedence == rules.TABLE["tanh"].precedence:
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


class Labels(Names):
    """Names as they are drawn: inside the cluster of its module a parameter is w.1."""

    def __init__(self, nodes: Iterable[Value]):
        super().__init__(nodes)
        self.short: dict[str, str] = {}

    def of(self, node: Value) -> str:
        name = super().of(node)
        if "." not in name or node.op:
            return name
        if name not in self.short:
            module = module_of(name)
            self.short[name] = name[len(module) + 1 :] if module else name
        return self.short[name]
