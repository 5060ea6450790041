"""Folding: which Values share one box, so that a graph of any size stays small enough to be laid out and read.

A plan says what is folded; plans are tried from the mildest to the coarsest until one fits. Folded are scopes, the deepest
first; long sums with their products; Values that are alike, those of the same operation on operands that are alike (all
samples of a batch then share the boxes of one); and, where nothing else helps, all operations of a stretch of the graph.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator
from itertools import pairwise
from typing import Literal, NamedTuple

from autodiff.graph.scopes import scope_contains, scope_parts
from autodiff.graph.walk import Walk


class Budget(NamedTuple):
    """How many boxes and edges there may be, and stretches so few that even edges between all of them fit.

    ``page`` are the width and the height in points that the picture has to fit in, unless it is of no more than ``FEW`` boxes.
    """

    boxes: int
    edges: int
    stretches: int
    page: tuple[int, int] | None = None


FEW = 40  # boxes that are read one by one, however wide the picture
PICTURE = Budget(500, 1_000, 40, (1_600, 1_000))  # is laid out in a second, and read without searching

Likeness = Literal["none", "exact", "loose"]
SUMS, PRODUCTS = frozenset({"add", "sub"}), frozenset({"mul"})
DIGITS = re.compile(r"\d+")


class Plan(NamedTuple):
    """What is folded: scopes of this depth and deeper, or by name; sums; Values alike; and all else by its level."""

    depth: int | None = None
    names: frozenset[str] = frozenset()
    sums: bool = True
    likeness: Likeness = "none"
    levels: bool = False
    stretches: int = 0

    @property
    def coarse(self) -> bool:
        """Whether it folds what has nothing in common but its place."""
        return self.levels or self.stretches > 0

    def words(self) -> str:
        """What was folded, for the picture."""
        parts = ["scopes"] if self.depth is not None or self.names else []
        parts += ["long sums"] if self.sums else []
        parts += ["what is alike"] if self.likeness != "none" else []
        parts += ["operations of one level"] if self.levels else []
        parts += ["stretches of the graph"] if self.stretches else []
        return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


class Folding(NamedTuple):
    """The group of each Value, and what kind of thing each group is: its key, whose first word says how it came about."""

    plan: Plan
    groups: list[int]
    keys: list[tuple[Hashable, ...]]


class Features:
    """What folding looks at, for each Value: its operation and operands, its name, its scope, and what kind of leaf it is."""

    def __init__(self, walk: Walk, kinds: list[str], scopes: list[str]):
        self.walk, self.kinds, self.scopes = walk, kinds, scopes
        self.ops = [node.op for node in walk.nodes]
        self.names = [node.name for node in walk.nodes]
        edges = walk.operands.tolist()
        self.operands = [edges[start:end] for start, end in pairwise(walk.starts)]  # every plan looks at them
        self.uses = [0] * len(walk.nodes)
        for operand in walk.operands:
            self.uses[operand] += 1
        self.heads = _heads_of_sums(self)
        self.parts = {scope: scope_parts(scope) for scope in set(self.scopes)}


def automatic(features: Features, budget: Budget) -> Iterator[Folding]:
    """What has few enough boxes and edges, from the mildest plan to the coarsest; stretches always have."""
    for plan in plans(max(map(len, features.parts.values())), budget.stretches):
        folding = folded(features, plan, budget)
        if folding is not None and (plan.stretches or not _too_many_edges(features, folding.groups, budget.edges)):
            yield folding


def plans(deepest: int, stretches: int) -> Iterator[Plan]:
    """From the mildest to the coarsest."""
    yield Plan(sums=False)
    yield Plan()
    for depth in range(deepest, 0, -1):
        yield Plan(depth, likeness="exact")
    if not deepest:
        yield Plan(likeness="exact")
    yield Plan(1 if deepest else None, likeness="loose")
    yield Plan(levels=True, sums=False)
    yield from (Plan(stretches=stretches // fewer, sums=False) for fewer in (1, 2, 4, 6, 8, 10))


def by_name(features: Features, names: Iterable[str]) -> Folding:
    """The scopes of these names folded and nothing else."""
    folding = folded(features, Plan(names=frozenset(names), sums=False), Budget(len(features.ops), 0, 1))
    assert folding is not None
    return folding


def folded(features: Features, plan: Plan, budget: Budget) -> Folding | None:
    """The groups under a plan; None as soon as there are too many."""
    ops, operands = features.ops, features.operands
    size, last = len(ops), len(ops) - 1
    heads = features.heads if plan.sums else range(size)
    levels = _levels(features) if plan.levels or plan.stretches else []
    stretch = max(levels, default=0) // max(plan.stretches, 1) + 1
    scopes = {scope: _folded_scope(scope, parts, plan) for scope, parts in features.parts.items()}
    keys: dict[tuple[Hashable, ...], int] = {}
    groups = [0] * size
    outside: dict[int, set[int]] = {}  # the groups of what a long sum adds up
    leaves = 0  # the groups of leaves so far, which come first
    for place in range(size):
        head, scope = heads[place], features.scopes[place]
        if heads[place] != place or (plan.sums and place in outside):
            outside.setdefault(head, set()).update(groups[operand] for operand in operands[place] if heads[operand] != head)
        if heads[place] != place:
            continue
        key: tuple[Hashable, ...]
        if place == last:
            key = ("sum" if place in outside else "one", place)
        elif scopes[scope] is not None:
            key = ("scope", scopes[scope])
        elif plan.levels:
            key = ("level", levels[place], ops[place] or features.kinds[place])
        elif plan.stretches:
            key = ("stretch", levels[place] // stretch) if ops[place] else ("leaves", features.kinds[place])
        elif plan.likeness != "none":
            key = _role(features, plan, place, groups, outside.get(place))
        else:
            key = ("sum" if place in outside else "one", place)
        groups[place] = keys.setdefault(key, len(keys))
        leaves = leaves if ops[place] else len(keys)
        if len(keys) - (leaves if plan.likeness != "none" else 0) > budget.boxes:
            return None
    if plan.sums:
        groups = [groups[head] for head in heads]
    folding = Folding(plan, groups, list(keys))
    if plan.likeness != "none":
        folding = _with_leaves_of_one_use(features, folding)
    return folding if len(folding.keys) <= budget.boxes else None


def _folded_scope(scope: str, parts: tuple[str, ...], plan: Plan) -> tuple[str, ...] | None:
    """The scope that this one is folded into."""
    if not scope:
        return None
    if plan.depth is not None:
        return parts[: plan.depth] if len(parts) >= plan.depth else None
    for name in plan.names:
        if scope_contains(name, scope):
            return scope_parts(name)
    return None


def _role(features: Features, plan: Plan, place: int, groups: list[int], summed: set[int] | None) -> tuple[Hashable, ...]:
    """What a Value has in common with those that are like it."""
    op, name, scope, kind = features.ops[place], features.names[place], features.scopes[place], features.kinds[place]
    if not op and kind == "parameter" and plan.likeness == "exact":
        return ("one", place)
    if plan.likeness == "loose":
        name, scope = name and DIGITS.sub("", name), DIGITS.sub("", scope)
    if not op:
        return ("alike", "", kind, name, scope)
    if summed is not None:
        return ("alike", "long sum", frozenset(summed), name, scope)
    operands = [groups[operand] for operand in features.operands[place]]
    return ("alike", op, tuple(operands) if len(operands) <= 2 else frozenset(operands), name, scope)


def _with_leaves_of_one_use(features: Features, folding: Folding) -> Folding:
    """The same with all leaves of one kind and scope together that the same groups use, such as the weights of one neuron."""
    ops, groups = features.ops, folding.groups
    users: dict[int, set[int]] = {}
    for group, operands in zip(groups, features.operands, strict=True):
        for operand in operands:
            if not ops[operand] and groups[operand] != group:
                users.setdefault(operand, set()).add(group)
    by_group: dict[int, set[int]] = {}
    kinds: dict[int, tuple[Hashable, ...]] = {}
    for leaf, uses in users.items():
        by_group.setdefault(groups[leaf], set()).update(uses)
        kinds[groups[leaf]] = (features.kinds[leaf], features.scopes[leaf])
    keys: dict[tuple[Hashable, ...], int] = {}
    changed = [
        keys.setdefault(
            ("alike", "", *kinds[group], frozenset(by_group[group])) if group in kinds and key[0] != "scope" else key, len(keys)
        )
        for group, key in enumerate(folding.keys)
    ]
    return Folding(folding.plan, [changed[group] for group in groups], list(keys))


def _heads_of_sums(features: Features) -> list[int]:
    """For each Value that is an addition inside a long sum, or a product that it adds up, the last addition; else itself."""
    ops, uses, names, scopes = features.ops, features.uses, features.names, features.scopes
    heads = list(range(len(ops)))
    additions = [0] * len(ops)
    for place in range(len(ops) - 1, -1, -1):
        if ops[place] not in SUMS:
            continue
        head = heads[place]
        for operand in features.operands[place]:
            op = ops[operand]
            if (op in SUMS or op in PRODUCTS) and uses[operand] == 1 and not names[operand] and scopes[operand] == scopes[head]:
                heads[operand] = head
                additions[head] += op in SUMS
    return [head if additions[head] >= 2 else place for place, head in enumerate(heads)]


def _levels(features: Features) -> list[int]:
    """The number of operations on the longest way from a leaf to each Value."""
    levels: list[int] = []
    for operands in features.operands:
        levels.append(1 + max([levels[operand] for operand in operands], default=-1))
    return levels


def _too_many_edges(features: Features, groups: list[int], most: int) -> bool:
    pairs: set[tuple[int, int]] = set()
    for group, operands in zip(groups, features.operands, strict=True):
        for operand in operands:
            if groups[operand] != group:
                pairs.add((groups[operand], group))
        if len(pairs) > most:
            return True
    return False
