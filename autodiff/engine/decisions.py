"""The comparisons that Python decided while ``record_source()`` was on, and a recording computed again with other numbers.

``if x > 0:`` records the branch that was taken and nothing else. What was compared is noted beside the Values, which it keeps
alive no longer; a page, or ``refresh``, can then say that another number belongs to the other branch.
"""

from __future__ import annotations

import operator
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from weakref import ref

from autodiff.engine import rules
from autodiff.engine.sources import Source
from autodiff.engine.value import Value, made_in, rewrite, topological_order
from autodiff.errors import DecisionWarning

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
Altered = Callable[[Value, list[float]], tuple[rules.Rule, list[float]]]
MOST = 10_000  # that are noted of one Value


class Decision(NamedTuple):
    """A comparison that was decided: ``left op right`` was ``outcome``; the operands are Values and numbers."""

    op: str
    left: Value
    right: Value | float
    outcome: bool
    source: Source | None

    def now(self) -> bool:
        """Its outcome for the numbers that the Values have now."""
        return COMPARISONS[self.op](self.left.data, self.right.data if isinstance(self.right, Value) else self.right)


class _Noted(NamedTuple):
    """What was decided about one Value, under what was compared and where: the last outcome of each."""

    value: ref[Value]
    decisions: dict[Any, tuple[str, ref[Value] | float, bool, Source | None]]


_noted: dict[int, _Noted] = {}
_lock = threading.Lock()


def note(op: str, left: Value, right: Any, outcome: bool) -> None:
    """Note a comparison; called by Values while ``record_source()`` is on."""
    about = made_in(sys._getframe(1))
    source = about.source if about is not None else None
    other: Any = ref(right) if isinstance(right, Value) else float(right)
    place = None if source is None else (source.code, source.offset)
    key = (op, id(right) if isinstance(right, Value) else other, place)
    with _lock:
        there = _noted.get(id(left))
        if there is None or there.value() is not left:
            number = id(left)
            there = _noted[number] = _Noted(ref(left, lambda gone: _forget(number, gone)), {})
        if len(there.decisions) < MOST or key in there.decisions:
            there.decisions[key] = (op, other, outcome, source)


def _forget(number: int, gone: ref[Value]) -> None:
    there = _noted.get(number)
    if there is not None and there.value is gone:
        del _noted[number]


def decisions_about(nodes: Iterable[Value]) -> list[Decision]:
    """What was decided about these Values, in their order."""
    found = []
    for node in nodes:
        there = _noted.get(id(node))
        if there is None or there.value() is not node:
            continue
        for op, other, outcome, source in list(there.decisions.values()):
            right = other() if isinstance(other, ref) else other
            if right is not None:
                found.append(Decision(op, node, right, outcome, source))
    return found


def refresh(loss: Value) -> None:
    """Compute a recorded graph again from what its leaves hold now: every number and every partial derivative, in order.

    ``w.data = 0.59`` changes a leaf and nothing that was computed from it; ``refresh(loss)`` brings all of that up to date, so
    that ``loss.data`` and the next ``loss.backward()`` are those of the new numbers, as if the code had run again. What was
    written into the ``data`` of an operation is lost; gradients stay until ``backward()``.

    Python's own branches are not taken again: the operations are those that were recorded. Comparisons that it decided are
    noted while ``record_source()`` is on, and one that would now be decided otherwise is a ``DecisionWarning``.

    Raises ``TypeError`` for anything but a Value. A call that raises leaves every Value as it was.
    """
    if not isinstance(loss, Value):
        raise TypeError(f"refresh() takes the Value to compute again, not {type(loss).__name__}")
    order = topological_order(loss)
    for node, out, partials in computed_again(order):
        rewrite(node, out, partials)
    for decision in decisions_about(order):
        if decision.now() != decision.outcome:
            warnings.warn(DecisionWarning(otherwise(decision)), stacklevel=2)


def computed_again(
    order: Iterable[Value], leaves: Mapping[int, float] | None = None, altered: Altered | None = None
) -> list[tuple[Value, float, list[float]]]:
    """The operations in a forward order, each with its number and its partials by all arguments; nothing is written.

    ``leaves`` has other numbers for leaves, by their ids; ``altered`` another row or other numbers for an operation.
    """
    numbers: dict[int, float] = {}
    found: list[tuple[Value, float, list[float]]] = []
    others = leaves or {}
    for node in order:
        if not node.op:
            numbers[id(node)] = others.get(id(node), node.data)
            continue
        given = [numbers[id(x)] if isinstance(x, Value) else x for x in node.arguments]
        rule, given = altered(node, given) if altered else (rules.TABLE[node.op], given)
        out = rule.value(*given)
        numbers[id(node)] = out
        found.append((node, out, rule.partials(*given, out=out)))
    return found


def otherwise(decision: Decision) -> str:
    """That a comparison would now be decided otherwise, in words."""
    left, right = (x.name or "a Value" if isinstance(x, Value) else f"{x:g}" for x in (decision.left, decision.right))
    numbers = [x.data if isinstance(x, Value) else x for x in (decision.left, decision.right)]
    at = f", at {decision.source}" if decision.source is not None else ""
    return (
        f"{left} {decision.op} {right} was {decision.outcome} when the graph was recorded{at}; now it is {numbers[0]:g} and "
        f"{numbers[1]:g}, and the operations are still those of the branch that was taken: record the graph again"
    )
