"""Branches: in what order ``backward()`` adds up gradients, whatever the conditions of a trace turn out to be.

Eagerly ``where`` records the operand taken, ``take`` nothing at all: the entry itself goes on. In a trace all operands are
recorded and the conditions are open. So the graph that ``backward()`` walks is another one for each way to decide, and with it
the order in which contributions come to a gradient; floating-point sums show that. Here the walk of value.py is done once for
each way. The orders are merged into one: a contribution that comes early in one way and late in another stands there twice,
each time under the condition that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from autodiff.engine import rules
from autodiff.engine.rules import equal, select
from autodiff.engine.value import Value

BRANCHING = frozenset({"select", "taken"})
MOST_WAYS = 64
MOST_STEPS = 50_000  # of all walks together; with more steps, or more ways, the orders are not told apart

Edge = tuple[int, int]  # the id of an operation, for Values compare as numbers; which of those that it passes something to


class TooMany(Exception):
    """There are more ways to decide, or more orders, than are told apart."""


@dataclass
class Fork:
    """A decision: what decides, and what there is for each outcome, another fork or the number of a way."""

    decides: Any
    op: str
    after: list[Any]


def question(node: Value) -> Hashable:
    """What an operation that branches asks: alike for those that are decided alike, out of as many."""
    choice: Any = node.arguments[0]
    operands = choice.arguments if choice.op in rules.CONSTANT else (choice,)
    return (node.op, len(node.arguments), choice.op, *[id(x) if isinstance(x, Value) else repr(x) for x in operands])


class Ways:
    """The walks backward from ``root``: for each way to decide, which edges come to each Value, in their order.

    ``past`` gives the Values that an operation passes something to where these are not its operands, else None. An edge from
    ``root`` with the number −1 is the 1.0 that the walk begins with. Raises ``TooMany``.
    """

    def __init__(self, root: Value, past: Callable[[Value], Sequence[Value] | None]):
        self.root = root
        self.past = past
        self.steps = 0
        self.met: list[dict[Value, list[Edge]]] = []  # for each way
        self.begin: Any = None  # the first fork, or the only way
        self.conditions: dict[Any, Any] = {}
        waiting: list[tuple[dict[Hashable, int], Fork | None]] = [({}, None)]
        while waiting:
            decided, fork = waiting.pop()
            found = self._walked(decided)
            after: Any = len(self.met)
            if isinstance(found, Value):
                after = Fork(found.arguments[0], found.op, [])
                outcomes = range(len(found.arguments) - 1)
                waiting += [({**decided, question(found): i}, after) for i in reversed(outcomes)]
            else:
                self.met.append(found)
            if fork is None:
                self.begin = after
            else:
                fork.after.append(after)
            if len(self.met) + len(waiting) > MOST_WAYS:
                raise TooMany
        self.all = (1 << len(self.met)) - 1

    def _walked(self, decided: dict[Hashable, int]) -> Any:
        """The edges that come to each Value, in their order; or an operation that asks what is not decided."""
        uses: dict[Value, int] = {}
        below: dict[Value, list[Any]] = {}
        root, asks = entry(self.root, decided)
        if asks is not None:
            return asks
        if root is None:
            return {}
        waiting = [root]
        while waiting:
            node = waiting.pop()
            found = below[node] = []
            self.steps += 1
            if self.steps > MOST_STEPS:
                raise TooMany
            for x in taking_part(node, decided):
                operand, asks = (None, x) if x is node else entry(x, decided)
                if asks is not None:
                    return asks
                found.append(operand)
                if operand is not None and operand.op:
                    uses[operand] = uses.get(operand, 0) + 1
                    if uses[operand] == 1:
                        waiting.append(operand)
        met: dict[Value, list[Edge]] = {root: [(id(self.root), -1)]}
        waiting = [root]
        while waiting:
            node = waiting.pop()
            past = self.past(node)
            for k, operand in enumerate(below[node] if past is None else [entry(x, decided)[0] for x in past]):
                if operand is not None:
                    met.setdefault(operand, []).append((id(node), k))
            for operand in below[node]:
                if operand is not None and operand.op:
                    uses[operand] -= 1
                    if not uses[operand]:
                        waiting.append(operand)
        return met

    def merged(self, x: Value) -> list[tuple[Edge, int]]:
        """The edges that come to a Value, each with the ways, bit by bit, in which it comes there and then."""
        orders: dict[tuple[Edge, ...], int] = {}
        for i, met in enumerate(self.met):
            if x in met:
                order = tuple(met[x])
                orders[order] = orders.get(order, 0) | 1 << i
        if len(orders) == 1:
            ((order, ways),) = orders.items()
            return [(edge, ways) for edge in order]
        left = {ways: dict.fromkeys(order) for order, ways in orders.items()}
        found = []
        while left:
            heads: dict[Edge, int] = {}
            for ways, edges in left.items():
                head = next(iter(edges))
                heads[head] = heads.get(head, 0) | ways
            # one that no order has later, or that which most have now
            free = [
                head for head, some in heads.items() if all(ways & some or head not in edges for ways, edges in left.items())
            ]
            edge = free[0] if free else max(heads, key=lambda head: heads[head].bit_count())
            found.append((edge, heads[edge]))
            for ways in [ways for ways in left if ways & heads[edge]]:
                del left[ways][edge]
                if not left[ways]:
                    del left[ways]
        return found

    def orders(self, nodes: list[Value]) -> list[list[tuple[Edge, int]]]:
        """``merged`` of each. Raises ``TooMany`` where to add up so would be much more work."""
        found = [self.merged(x) for x in nodes]
        if sum(map(len, found)) > 2 * sum(len({edge for edge, _ in order}) for order in found) + 64:
            raise TooMany
        return found

    def where(self, x: Value) -> int:
        """The ways in which a Value takes part in the result."""
        return sum(1 << i for i, met in enumerate(self.met) if x in met)

    def selected(self, term: Any, ways: int, among: int) -> Any:
        """The term in these ways, 0.0 in the others of ``among``, anything else."""
        if ways == among:
            return term
        if (ways, among) not in self.conditions:
            self.conditions[ways, among] = self._condition(self.begin, ways, among)
        condition = self.conditions[ways, among]
        if isinstance(condition, Value) and condition.op == "select":
            decides, *both = condition.arguments
            if not any(isinstance(x, Value) for x in both):
                return select(decides, *[term if x else 0.0 for x in both])
        return select(condition, term, 0.0)

    def _condition(self, fork: Any, ways: int, among: int) -> Any:
        """1.0 or 0.0, from a fork on; None where it does not matter. The forks are at most MOST_WAYS deep."""
        if not isinstance(fork, Fork):
            return float(ways >> fork & 1) if among >> fork & 1 else None
        after = [self._condition(x, ways, among) for x in fork.after]
        told = [x for x in after if x is not None]
        if not told or (not any(isinstance(x, Value) for x in told) and len({*told}) == 1):
            return told[0] if told else None
        if fork.op == "select":
            return told[0] if len(told) == 1 else select(fork.decides, *after)
        found: Any = 0.0
        for i, condition in enumerate(after):
            if isinstance(condition, Value) or condition:
                found = select(equal(fork.decides, float(i)), condition, found)
        return found


def taking_part(node: Value, decided: dict[Hashable, int]) -> Sequence[Value]:
    """The operands that the operation eagerly has; itself, if that is not decided. What decides takes no part."""
    if node.op in rules.CONSTANT:
        return ()
    if node.op != "select":
        return node.operands
    outcome = outcome_of(node, decided)
    if outcome is None:
        return (node,)
    operand = node.arguments[1 + outcome]
    return (operand,) if isinstance(operand, Value) else ()


def entry(x: Any, decided: dict[Hashable, int]) -> tuple[Value | None, Value | None]:
    """The Value itself, or what is taken instead of it, None if that is a plain number; and what asks the undecided."""
    while isinstance(x, Value) and x.op == "taken":
        outcome = outcome_of(x, decided)
        if outcome is None:
            return None, x
        x = x.arguments[1 + outcome]
    return (x if isinstance(x, Value) else None), None


def outcome_of(node: Value, decided: dict[Hashable, int]) -> int | None:
    """Which of its alternatives an operation that branches takes; None if that is open."""
    return decided.get(question(node))
