"""Paths through a recording: how many lead from a Value to the loss, what each contributes to the gradient, the strongest.

A path's contribution is the product of the local derivatives along it, and the gradient is the sum of the contributions of all
paths. There may be 2⁴⁰ of them, so they are counted node by node, and the strongest are found by a search that always
knows the best that can still come of a beginning.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Any, NamedTuple

from autodiff.engine.value import Value
from autodiff.graph.walk import Walk


class Path(NamedTuple):
    """A way back from the loss: its nodes, the loss first; the edges between them; and the product of their derivatives."""

    nodes: list[Value]
    edges: list[int]
    contribution: float


def count(walk: Walk, start: Value) -> int:
    """The number of paths from ``start`` to the root."""
    goal = walk.places.get(id(start))
    if goal is None:
        return 0
    waiting = {len(walk.nodes) - 1: 1}  # those that were not come to yet, so that few large numbers are held at once
    for place in range(len(walk.nodes) - 1, goal, -1):
        paths = waiting.pop(place, 0)
        if paths:
            for edge in walk.edges(place):
                operand = walk.operands[edge]
                waiting[operand] = waiting.get(operand, 0) + paths
    return waiting.get(goal, 0)


def strongest(walk: Walk, most: int, starts: Iterable[Value] | None = None) -> list[Path]:
    """Up to ``most`` paths from any of ``starts`` (any leaf, if not given) to the root, largest |contribution| first.

    A contribution that is nan counts as the largest.
    """
    goals = _goals(walk, starts)
    best = _best(walk, goals)
    root = len(walk.nodes) - 1
    found: list[Path] = []
    if best[root] is None:
        return found
    waiting = [_Beginning(-(best[root] or 0.0), 0, 0.0, root, None, False)]
    number = 0
    while waiting and len(found) < most:
        _, _, weight, place, trail, complete = heappop(waiting)
        if complete:
            found.append(_path(walk, trail))
            continue
        if goals[place]:
            number -= 1
            heappush(waiting, _Beginning(-weight, number, weight, place, trail, True))
        for edge in reversed(walk.edges(place)):
            operand = walk.operands[edge]
            onward = best[operand]
            if onward is not None:
                number -= 1
                so_far = _joined(weight, _weight(walk.partials[edge]))
                heappush(waiting, _Beginning(-_joined(so_far, onward), number, so_far, operand, (edge, trail), False))
        if len(waiting) > 64 + 2 * most:
            waiting = sorted(waiting)[:most]  # each of these ends in a path at least as strong as any that the others end in
    return found


class _Beginning(NamedTuple):
    """The part of a path next to the loss. The search takes the smallest first: the one that can end strongest."""

    negative_best: float  # the weight, negative, of the strongest path that begins so
    number: int  # settles ties: those met last go on first
    weight: float
    place: int
    trail: Any  # the edges so far, a linked list: (edge, those before) or None
    complete: bool


def _weight(partial: float) -> float:
    """log |∂|, so that products of many neither overflow nor vanish; nan counts as inf."""
    size = abs(partial)
    return math.log(size) if 0.0 < size < math.inf else -math.inf if size == 0.0 else math.inf


def _joined(first: float, second: float) -> float:
    total = first + second
    return total if total == total else math.inf  # 0 · inf is nan


def _goals(walk: Walk, starts: Iterable[Value] | None) -> bytearray:
    if starts is None:
        return bytearray(walk.starts[place] == walk.starts[place + 1] for place in range(len(walk.nodes)))
    goals = bytearray(len(walk.nodes))
    for start in starts:
        place = walk.places.get(id(start))
        if place is not None:
            goals[place] = 1
    return goals


def _best(walk: Walk, goals: bytearray) -> list[float | None]:
    """For each node the weight of the strongest path from a goal to it; None where there is none."""
    best: list[float | None] = []
    for place in range(len(walk.nodes)):
        strongest_here = 0.0 if goals[place] else None
        for edge in walk.edges(place):
            onward = best[walk.operands[edge]]
            if onward is not None:
                weight = _joined(_weight(walk.partials[edge]), onward)
                if strongest_here is None or weight > strongest_here:
                    strongest_here = weight
        best.append(strongest_here)
    return best


def _path(walk: Walk, trail: Any) -> Path:
    edges: list[int] = []
    while trail is not None:
        edge, trail = trail
        edges.append(edge)
    edges.reverse()
    nodes = [walk.nodes[-1], *(walk.nodes[walk.operands[edge]] for edge in edges)]
    contribution = 1.0
    for edge in edges:
        contribution *= walk.partials[edge]
    return Path(nodes, edges, contribution)
