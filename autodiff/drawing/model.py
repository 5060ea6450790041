"""What there is to draw: the boxes and edges of the graph below a Value, as plain data that knows nothing of DOT.

One box is one Value with the operation that made it; one edge is one use of an operand, so x · x has two. A plain number is
written into an operation of one or two operands (``w · 1.5``, ``x²``), and is a box of its own in an operation of many.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from autodiff import rules
from autodiff.errors import GraphTooLarge
from autodiff.value import Value, topological_order

Kind = Literal["leaf", "parameter", "input", "constant", "operation", "loss"]

MOST_BOXES = 2_000
MOST_EDGES = 5_000

ANYTHING = "…"  # an operand without a name that would fit
MOST_SPELLED = 4  # operands of one operation that are spelled one by one
LONGEST_WORD = 12  # characters of an operand's name or spelling that is repeated where it is used
ATOM = 9  # the precedence of what needs no brackets

SUPERSCRIPTS = str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@dataclass(frozen=True, slots=True)
class Box:
    """One Value, or one plain number. ``operation`` is empty for a leaf; ``grad`` is None where there is no gradient."""

    id: str
    kind: Kind
    name: str
    operation: str
    data: float
    grad: float | None
    scope: str


@dataclass(frozen=True, slots=True)
class Edge:
    """One use of an operand; ``derivative`` is ∂result/∂operand, None for a plain number."""

    id: str
    operand: str
    result: str
    derivative: float | None


@dataclass(frozen=True, slots=True)
class Graph:
    """Boxes, operands before what uses them, and the edges between them."""

    boxes: list[Box]
    edges: list[Edge]


def graph_of(loss: Value, parameters: Iterable[Value] = ()) -> Graph:
    """The graph of everything that ``loss`` depends on.

    A leaf is a parameter if it is among ``parameters`` or belongs to a scope, as those of a module do. Where there are
    parameters the other leaves are inputs. Raises ``GraphTooLarge`` if there is too much to lay out.
    """
    order = topological_order(loss)
    refuse_too_large(order)
    ids = {id(node): f"v{number}" for number, node in enumerate(order)}
    kinds = kinds_of(order, {id(parameter) for parameter in parameters})
    spellings = spellings_of(order)
    boxes: list[Box] = []
    edges: list[Edge] = []
    for node in order:
        result, partials, scope = ids[id(node)], iter(node.partials), node.scope or ""
        for place, argument in enumerate(node.arguments):
            if isinstance(argument, Value):
                edges.append(Edge(f"e{len(edges)}", ids[id(argument)], result, float(next(partials))))
            elif has_boxes_for_numbers(node):
                constant = f"{result}_{place}"
                boxes.append(Box(constant, "constant", "", "", argument, None, scope))
                edges.append(Edge(f"e{len(edges)}", constant, result, None))
        name, operation, kind = node.name or "", spellings.get(id(node), ""), kinds[id(node)]
        boxes.append(Box(result, kind, name, operation, float(node.data), float(node.grad), scope))
    return Graph(boxes, edges)


def refuse_too_large(order: list[Value]) -> None:
    """Raise ``GraphTooLarge`` if the graph has more boxes or edges than can be laid out and read."""
    boxes, edges = len(order), 0
    if boxes <= MOST_BOXES:  # else there is no need to look at each of them
        for node in order:
            arguments, operands = len(node.arguments), len(node.operands)
            numbers = arguments - operands if has_boxes_for_numbers(node) else 0
            boxes += numbers
            edges += operands + numbers
    if boxes > MOST_BOXES:
        raise GraphTooLarge(f"the graph has {boxes:,} boxes, and no more than {MOST_BOXES:,} can be drawn; draw a part of it")
    if edges > MOST_EDGES:
        raise GraphTooLarge(f"the graph has {edges:,} edges, and no more than {MOST_EDGES:,} can be drawn; draw a part of it")


def kinds_of(order: list[Value], parameters: set[int]) -> dict[int, Kind]:
    """The kind of each Value, by its ``id()``; the last in the order is the loss."""
    kinds: dict[int, Kind] = {}
    for node in order:
        is_parameter = id(node) in parameters or node.scope
        kinds[id(node)] = "operation" if node.op else "parameter" if is_parameter else "leaf"
    if "parameter" in kinds.values():
        kinds = {key: "input" if kind == "leaf" else kind for key, kind in kinds.items()}
    if order[-1].op:
        kinds[id(order[-1])] = "loss"
    return kinds


def has_boxes_for_numbers(node: Value) -> bool:
    """Whether plain numbers among its arguments are boxes of their own."""
    return bool(node.op) and rules.TABLE[node.op].arity is None


# ---- operations and numbers in words ----------------------------------------------------------------------------------------


def spellings_of(order: list[Value]) -> dict[int, str]:
    """Each operation as its row of the table spells it, by the ``id()`` of its Value: ``σ(z)``, ``(y − a)²``, ``… · 1.5``.

    Operands are written by name, or spelled if that is short; ``…`` stands for the others.
    """
    spellings: dict[int, str] = {}
    for node in order:
        if node.op:
            spellings[id(node)] = spelled(node, spellings)
    return spellings


def spelled(node: Value, spellings: dict[int, str]) -> str:
    rule, arguments = rules.TABLE[node.op], node.arguments
    if rule.arity is None:
        words = [word_for(argument, spellings)[0] for argument in arguments[: MOST_SPELLED + 1]]
        if len(words) > MOST_SPELLED or set(words) == {ANYTHING}:
            words = [ANYTHING] * (2 if "{<}" in rule.spelling else 1)
        return rule.written(words)
    words = []
    for place, argument in enumerate(arguments):
        word, precedence = word_for(argument, spellings)
        # as strong as its surroundings is strong enough on the left, but for powers
        strong = precedence >= rule.precedence + (place > 0 or rule.name == "pow")
        words.append(word if strong or rule.precedence == ATOM else f"({word})")
    if rule.spelling == "{0}":  # passes its operand on, so that the spelling alone says nothing
        return f"{rule.name}({words[0]})"
    exponent = arguments[-1]
    if rule.name == "pow" and isinstance(exponent, float) and exponent.is_integer():
        return words[0] + number_text(exponent).translate(SUPERSCRIPTS)
    return rule.written(words)


def word_for(argument: Value | float, spellings: dict[int, str]) -> tuple[str, int]:
    """What to write for an operand, and its precedence: a number, a short name, a short spelling, or ``…``."""
    if not isinstance(argument, Value):
        return number_text(argument), 0 if math.copysign(1.0, argument) < 0 else ATOM
    name = argument.name
    if name:
        return (name if len(name) <= LONGEST_WORD and not any(map(str.isspace, name)) else ANYTHING), ATOM
    spelling = spellings.get(id(argument), ANYTHING)
    if ANYTHING in spelling or len(spelling) > LONGEST_WORD:
        return ANYTHING, ATOM
    return spelling, rules.TABLE[argument.op].precedence


def number_text(number: float) -> str:
    """The number in at most five significant digits, with a real minus sign: ``−0.1235``, ``6.022e23``, ``nan``."""
    mantissa, e, exponent = f"{number:.5g}".partition("e")
    return (f"{mantissa}e{int(exponent)}" if e else mantissa).replace("-", "−")
