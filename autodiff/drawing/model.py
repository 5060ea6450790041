"""What there is to draw: the boxes and edges of the graph below a Value, as plain data that knows nothing of DOT.

One box is one Value with the operation that made it, or a number of Values folded together; one edge is one use of an operand,
so x · x has two, or a bundle of them. A plain number is written into an operation of one or two operands (``w · 1.5``, ``x²``),
and is a box of its own in an operation of many.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from autodiff.drawing import fold as folding
from autodiff.drawing.boxes import Box, Edge, Kind, Span
from autodiff.drawing.layout import extent
from autodiff.drawing.part import Part, complete
from autodiff.engine import rules
from autodiff.engine.value import Value
from autodiff.errors import GraphTooLarge, UnknownNameError
from autodiff.graph.scopes import scope_parts, scopes_of
from autodiff.graph.symbols import counted, several
from autodiff.graph.walk import Walk

Fold = Literal["auto"] | Iterable[str] | None

MOST_BOXES = 3_000
MOST_EDGES = 8_000
MOST_LISTED = 20
MOST_COUNTED = 2  # operations that a folded box of several lists
FEWEST_LABELS, MOST_LABELS = 12, 150  # of folded edges, whose tooltips have them too


@dataclass(frozen=True, slots=True)
class Graph:
    """Boxes, operands before what uses them, the edges between them, and what the picture must say about itself.

    ``box_of`` is the id of the box that each Value is in, in forward order.
    """

    boxes: list[Box]
    edges: list[Edge]
    notes: list[str] = field(default_factory=list)
    box_of: list[str] = field(default_factory=list)

    @property
    def quiet(self) -> bool:
        """Whether the edges of a folded graph are so many that their labels would tear the picture apart."""
        dense = len(self.edges) > min(MOST_LABELS, max(FEWEST_LABELS, 1.5 * len(self.boxes)))
        return dense and any(box.count > 1 for box in self.boxes)

    def pages(self, page: tuple[int, int] | None) -> float:
        """How many pages of this size it is wide or high, as far as can be known before it is laid out."""
        if page is None:
            return 0.0
        width, height = extent(self.boxes, self.edges, self.quiet)
        return max(width / page[0], height / page[1])


def graph_of(
    loss: Value,
    parameters: Iterable[Value] = (),
    *,
    fold: Fold = "auto",
    budget: folding.Budget = folding.PICTURE,
    depth: int | None = None,
    only: Value | Iterable[Value] | None = None,
    top: int | None = None,
) -> Graph:
    """The graph of everything that ``loss`` depends on, or a part of it, as ``draw()`` has it."""
    part = complete(Walk(loss))
    scopes = scopes_of(part.walk)
    kinds = kinds_of(part.walk.nodes, scopes, {id(parameter) for parameter in parameters})
    check_scopes(fold, set(scopes))
    part = part.selected(depth, only, top)
    painter = Painter(part, [kinds[place] for place in part.origin], [scopes[place] for place in part.origin])
    return painter.graph(fold, budget)


def check_fold(fold: Fold) -> None:
    """Raise ``UnknownNameError`` for a word that is no way to fold."""
    if isinstance(fold, str) and fold != "auto":
        raise UnknownNameError(f"fold={fold!r}: there are 'auto', None, and a list of the names of scopes")


def check_scopes(fold: Fold, scopes: Iterable[str]) -> None:
    """Raise ``UnknownNameError``, which lists the scopes of a graph, for the name of one that it has not."""
    if fold is None or isinstance(fold, str):
        return
    there = sorted(
        {".".join(parts[: n + 1]) for scope in scopes if (parts := scope.split(".")) for n in range(len(parts))} - {""}
    )
    for name in fold:
        if name not in there:
            listed = ", ".join(there[:MOST_LISTED]) + (
                f" and {len(there) - MOST_LISTED} more" if len(there) > MOST_LISTED else ""
            )
            raise UnknownNameError(f"fold: there is no scope {name!r}; there are {listed or 'none in this graph'}")


def kinds_of(nodes: list[Value], scopes: list[str], parameters: set[int]) -> list[Kind]:
    """The kind of each Value; the last is the loss.

    A leaf is a parameter if it is among ``parameters`` or belongs to a scope, as those of a module do. Where there are
    parameters the other leaves are inputs.
    """
    kinds: list[Kind] = [
        "operation" if node.op else "parameter" if scope or id(node) in parameters else "leaf"
        for node, scope in zip(nodes, scopes, strict=True)
    ]
    if "parameter" in kinds:
        kinds = ["input" if kind == "leaf" else kind for kind in kinds]
    if nodes[-1].op:
        kinds[-1] = "loss"
    return kinds


class Painter:
    """Makes boxes and edges of a part of a graph."""

    def __init__(self, part: Part, kinds: list[Kind], scopes: list[str]):
        self.part, self.walk, self.kinds, self.scopes = part, part.walk, kinds, scopes
        self.names = part.full.names
        self.blank()

    def blank(self) -> None:
        """Begin anew."""
        self.boxes: list[Box] = []
        self.edges: list[Edge] = []
        self.box_of: list[str] = []

    def graph(self, fold: Fold, budget: folding.Budget) -> Graph:
        """Everything in its own box if nothing is to be folded, or nothing need be."""
        if fold == "auto":
            return self.automatic(budget)
        if fold is None:
            refuse_too_large(*self.sizes())
            return self.one_by_one()
        graph = self.folded(folding.by_name(folding.Features(self.walk, list(self.kinds), self.scopes), fold))
        refuse_too_large(len(graph.boxes), len(graph.edges))
        return graph

    def automatic(self, budget: folding.Budget) -> Graph:
        """The mildest way to draw it that fits a page, or rather than folding what is not alike, one that fits four."""
        boxes, edges = self.sizes()
        spare = None
        if boxes <= budget.boxes and edges <= budget.edges:
            graph = spare = self.one_by_one()
            if boxes <= folding.FEW or graph.pages(budget.page) <= 1:
                return graph
        for folded in folding.automatic(folding.Features(self.walk, list(self.kinds), self.scopes), budget):
            if spare is not None and spare.pages(budget.page) > 2:
                spare = None
            if spare is not None and folded.plan.coarse:
                return spare
            graph = self.folded(folded)
            if graph.pages(budget.page) <= 1:
                break
            if not folded.plan.coarse:
                spare = spare or graph
        return graph

    def one_by_one(self) -> Graph:
        self.blank()
        self.draw_one_by_one()
        return Graph(self.boxes, self.edges, self.part.notes, self.box_of)

    def folded(self, how: folding.Folding) -> Graph:
        self.blank()
        self.draw_folded(how)
        return Graph(self.boxes, self.edges, [*self.part.notes, *self.about_folding(how.plan)], self.box_of)

    def sizes(self) -> tuple[int, int]:
        """The numbers of boxes and edges if nothing is folded."""
        numbers = sum(len(node.arguments) - len(node.operands) for node in self.walk.nodes if self.shows_numbers(node))
        return len(self.walk.nodes) + numbers, len(self.walk.operands) + numbers

    def shows_numbers(self, node: Value) -> bool:
        """Whether the plain numbers among its arguments are boxes of their own."""
        return self.part.complete and bool(node.op) and rules.TABLE[node.op].arity is None

    def about_folding(self, plan: folding.Plan) -> list[str]:
        values, edges = counted(len(self.walk.nodes), "Value"), counted(len(self.walk.operands), "edge")
        folded = plan.words()
        shown = f"{values} and {edges}, drawn in {counted(len(self.boxes), 'box').replace('boxs', 'boxes')}"
        return [f"{shown}: {folded} folded" if folded else f"{shown}: parallel edges bundled, plain numbers left out"]

    # ---- one by one -----------------------------------------------------------------------------------------------------

    def draw_one_by_one(self) -> None:
        """A box for each Value and each plain number that has one, an edge for each use."""
        self.part.find_uses(range(len(self.walk.nodes)))
        self.box_of = [f"v{place}" for place in range(len(self.walk.nodes))]
        for place, node in enumerate(self.walk.nodes):
            given = iter(self.walk.edges(place))
            if self.shows_numbers(node):
                for position, argument in enumerate(node.arguments):
                    if isinstance(argument, Value):
                        self.add_edge(next(given), place)
                    else:
                        self.add_number(f"v{place}_{position}", argument, place)
            for edge in given:
                self.add_edge(edge, place)
            self.add_box(place)

    def add_box(self, place: int, inner: int = 0, count: int = 1) -> None:
        node = self.walk.nodes[place]
        grad = self.part.grads[place]
        operation = self.names.operation(node) if count == 1 else f"sum, {counted(count, 'Value')}"
        tooltip = self.part.tooltip(place)
        name, scope, kind = self.names.name(self.part.origin[place]), self.scopes[place], self.kinds[place]
        if count > 1 and kind == "operation":
            kind = "folded"
        self.boxes.append(Box(f"v{place}", kind, name, operation, node.data, grad, scope, tooltip, count, inner))

    def add_number(self, name: str, number: float, user: int) -> None:
        self.boxes.append(Box(name, "constant", "", "", number, None, self.scopes[user]))
        self.edges.append(Edge(f"e{len(self.edges)}", name, f"v{user}", None))

    def add_edge(self, edge: int, result: int) -> None:
        operand, partial = self.walk.operands[edge], self.walk.partials[edge]
        flow = self.part.flow(edge, result)
        self.edges.append(Edge(f"e{len(self.edges)}", f"v{operand}", f"v{result}", partial, flow))

    # ---- folded -------------------------------------------------------------------------------------------------------------

    def draw_folded(self, folded: folding.Folding) -> None:
        """A box for each group, and one edge for all those between two of them."""
        members: list[list[int]] = [[] for _ in folded.keys]
        for place, group in enumerate(folded.groups):
            members[group].append(place)
        alone = [len(places) == 1 and key[0] != "scope" for places, key in zip(members, folded.keys, strict=True)]
        ids = [
            f"v{places[-1]}" if key[0] == "sum" or single else f"f{group}"
            for group, (places, key, single) in enumerate(zip(members, folded.keys, alone, strict=True))
        ]
        self.box_of = [ids[group] for group in folded.groups]
        inner = self.add_bundles(folded.groups, ids)
        own = [places[-1] for places, key, single in zip(members, folded.keys, alone, strict=True) if single or key[0] == "sum"]
        self.part.find_uses(own)
        for group, (places, key) in enumerate(zip(members, folded.keys, strict=True)):
            if alone[group]:
                self.add_box(places[0])
            elif key[0] == "sum":
                self.add_box(places[-1], inner[group], len(places))
            else:
                self.add_group(ids[group], key, places, inner[group])

    def add_bundles(self, groups: list[int], ids: list[str]) -> list[int]:
        """The edges between groups; returns how many are inside of each."""
        inner = [0] * len(ids)
        bundles: dict[tuple[int, int], list[int]] = {}
        operands = self.walk.operands
        results = self.walk.results()
        for edge, result in enumerate(results):
            key = (groups[operands[edge]], groups[result])
            if key[0] == key[1]:
                inner[key[0]] += 1
            else:
                bundles.setdefault(key, []).append(edge)
        for (operand, group), edges in bundles.items():
            flows = [flow for edge in edges if (flow := self.part.flow(edge, results[edge])) is not None]
            flow = max(flows, key=lambda x: math.inf if math.isnan(x) else abs(x), default=None)
            derivative = self.walk.partials[edges[0]] if len(edges) == 1 else None
            self.edges.append(Edge(f"e{len(self.edges)}", ids[operand], ids[group], derivative, flow, len(edges)))
        return inner

    def add_group(self, name: str, key: tuple[Hashable, ...], places: list[int], inner: int) -> None:
        nodes = [self.walk.nodes[place] for place in places]
        grads = [self.part.grads[place] for place in places]
        known = [grad for grad in grads if grad is not None]
        title, operation, scope = self.title_of(key, nodes, places)
        ops = Counter(node.op or self.kinds[place] for node, place in zip(nodes, places, strict=True))
        tooltip = ", ".join(f"{number:,} {op}" for op, number in ops.most_common())
        if len(known) < len(grads):
            tooltip += f"\ngradient not computed in {len(grads) - len(known):,}"
        data, grad = span([node.data for node in nodes]), span(known) if known else None
        self.boxes.append(Box(name, "folded", title, operation, data, grad, scope, tooltip, len(nodes), inner))

    def title_of(self, key: tuple[Hashable, ...], nodes: list[Value], places: list[int]) -> tuple[str, str, str]:
        """Name, operation and scope of a folded box."""
        how_many = counted(len(nodes), "Value")
        if key[0] == "scope":
            parts = key[1]
            assert isinstance(parts, tuple)
            return parts[-1], how_many, ".".join(parts[:-1])
        scopes = {self.scopes[place] for place in places}
        scope = scopes.pop() if len(scopes) == 1 else ""
        if key[0] == "alike" and key[1] == "long sum":
            return "", f"long sums, {how_many}", scope
        ops = {node.op for node in nodes}
        if len(ops) > 1:
            most = Counter(node.op or "leaf" for node in nodes).most_common(MOST_COUNTED + 1)
            listed = [several(op, number) for op, number in most[:MOST_COUNTED]] + ["…"] * (len(most) > MOST_COUNTED)
            return "", f"{how_many}: {', '.join(listed)}", scope
        op = ops.pop()
        names = list(dict.fromkeys(self.names.of(node) for node in nodes))
        name = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}" if all(names) and not op else ""
        if op == "pow" and all(type(node.arguments[1]) is float and node.arguments[1] == 2.0 for node in nodes):
            op = "square"
        return name, several(op or self.kinds[places[0]], len(nodes)), scope


def in_scopes(boxes: list[Box]) -> Iterator[tuple[int, tuple[str, ...], int, list[Box]]]:
    """The boxes scope by scope, those of one inside the one around it.

    Each time: how many scopes end first, the names of those that begin, how many are then open, and the boxes inside.
    """
    by_scope: dict[tuple[str, ...], list[Box]] = {}
    for box in boxes:
        by_scope.setdefault(scope_parts(box.scope), []).append(box)
    opened: tuple[str, ...] = ()
    for scope in sorted(by_scope):  # a scope comes right before those inside it
        shared = 0
        while shared < min(len(opened), len(scope)) and opened[shared] == scope[shared]:
            shared += 1
        yield len(opened) - shared, scope[shared:], len(scope), by_scope[scope]
        opened = scope
    yield len(opened), (), 0, []


def span(numbers: list[float]) -> Span:
    finite = [x for x in numbers if math.isfinite(x)]
    return Span(min(finite, default=math.nan), max(finite, default=math.nan), len(numbers) - len(finite))


def refuse_too_large(boxes: int, edges: int) -> None:
    """Raise ``GraphTooLarge`` if the graph has more boxes or edges than can be laid out and read."""
    for number, most, things in ((boxes, MOST_BOXES, "boxes"), (edges, MOST_EDGES, "edges")):
        if number > most:
            raise GraphTooLarge(
                f"the graph has {number:,} {things}, and no more than {most:,} can be drawn unfolded; leave fold at 'auto', "
                "or draw a part of it: only=, top=, depth="
            )
