"""``why(loss, w)``: why a gradient is small, large, 0 or nan, by the few factors behind it; and what changes it, measured.

A gradient is the sum over all paths from the loss back to w of the products of the local derivatives on them. What runs over an
edge is the product of three numbers, of the paths above it, its own derivative and the paths below, so that two loops over the
graph know the share of every edge. Shares are by size, without signs, and in logarithms, for a product of a thousand factors is
often no number any more. Changes are measured by computing the recording again from other numbers, beside the Values, none of
which is touched.
"""

from __future__ import annotations

import html
import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

from autodiff.engine import rules
from autodiff.engine.decisions import Altered, computed_again
from autodiff.engine.recording import at_source, in_words
from autodiff.engine.rules import Rule
from autodiff.engine.value import Value
from autodiff.errors import NotInGraphError
from autodiff.graph.names import Calls, printable
from autodiff.graph.scopes import module_of, scopes_of
from autodiff.graph.symbols import number_text
from autodiff.graph.walk import Walk

SMALL, LARGE = 1e-3, 1e3  # of a gradient by itself
FAR = 100  # times the median of the others, or less than that part of it
MOST_CAUSES = 3
ALIKE = 8  # factors of one operation that are told in one line
MOST_CHANGES = 4
LEAST_SHARE = 0.05  # of the paths, for an edge to be a cause
CANCELLED = 0.01  # the part of all contributions that is left where they are said to cancel
MOST_REPLAYED = 50_000  # Values of a graph that is computed again some ten times
DRAWS = 3  # of other parameters
LEAST_LOG, LARGEST_LOG = math.log(5e-324), math.log(1.7976931348623157e308)

WANTED = {"0": -1, "small": -1, "large": 1}  # the sign of the logarithms of the factors that explain it

SATURATING = frozenset({"tanh", "sigmoid", "erf", "erfc", "softsign", "atan", "hard_tanh", "hard_sigmoid"})
JUMPS = frozenset({"sign", "step", "floor", "ceil", "round", "compare"})
CHOOSING = frozenset({"max", "min", "at_least", "at_most", "relu", "maxout"})
MULTIPLYING = frozenset({"mul", "dot", "prod", "mul0"})


class Cause(NamedTuple):
    """One factor behind a gradient: ``local`` = ∂node/∂operand, and ``share``, the part of all paths by size that it is on.

    The share is nan where nothing gets through at all, or something that is no number. ``text`` says it in words.
    """

    node: Value
    operand: Value
    local: float
    share: float
    text: str


class Change(NamedTuple):
    """What would change it: the loss and the gradient as they are when the recording is computed again so."""

    text: str
    loss: float
    gradient: float


class Why:
    """Why a gradient is what it is. Text in a terminal, HTML in a notebook; for programs:

    ``gradient``; ``verdict``, one of ``"0"``, ``"nan"``, ``"inf"``, ``"small"``, ``"large"`` and ``"ordinary"``; ``causes``,
    the heaviest first, each with ``node``, ``operand``, ``local`` and ``share``; ``changes``, those that change most first,
    each with ``text``, ``loss`` and ``gradient``; ``link``, the end of an address that opens a page of this loss at the first
    cause.
    """

    def __init__(self, loss: Value, variable: Value, parameters: Iterable[Value], page: str | None):
        flow = _Flow(loss, variable)
        self.loss, self.variable, self.gradient = loss, variable, flow.gradient
        self.verdict, self._measure = flow.judged()
        self._title = f"∂{printable(flow.calls.of(loss) or 'loss')}/∂{flow.name(flow.goal)} = {number_text(self.gradient)}"
        edges = flow.causes(self.verdict)
        self.causes = [Cause(flow.walk.nodes[r], flow.walk.nodes[o], p, share, text) for r, o, p, share, text, _ in edges]
        self._notes = flow.notes
        self.link = f"#step={flow.moment(edges)}"
        self._page = page
        replayed = len(flow.walk.nodes) <= MOST_REPLAYED
        self.changes = _Replays(flow, self.causes, [*parameters]).measured(self.verdict) if replayed else []
        if not replayed:
            self._notes.append(f"no change is measured in a graph of more than {MOST_REPLAYED:,} Values")

    def _lines(self) -> tuple[str, list[str]]:
        return f"{self._title}{self._measure}", [*(cause.text for cause in self.causes), *self._notes]

    def __str__(self) -> str:
        title, lines = self._lines()
        told = [title, *(f"  {line}" for line in lines)]
        if self.changes:
            told.append("measured, by computing it again:")
            width = max(len(change.text) for change in self.changes)
            told += [
                f"  {change.text:<{width}}  gradient {number_text(change.gradient)}, loss {number_text(change.loss)}"
                for change in self.changes
            ]
        return "\n".join([*told, f"in its page: {self._page or ''}{self.link}"])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        title, lines = self._lines()
        items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
        rows = "".join(
            f"<tr><th scope='row' style='text-align:left'>{html.escape(change.text)}</th>"
            f"<td>{number_text(change.gradient)}</td><td>{number_text(change.loss)}</td></tr>"
            for change in self.changes
        )
        table = (
            "<table><caption>Measured, by computing it again</caption><thead><tr><th scope='col'>change</th>"
            f"<th scope='col'>gradient</th><th scope='col'>loss</th></tr></thead><tbody>{rows}</tbody></table>"
        )
        address = html.escape(f"{self._page or ''}{self.link}")
        link = f"<a href='{address}'>the step in its page</a>" if self._page else f"in its page: <code>{address}</code>"
        return f"<p><b>{html.escape(title)}</b></p><ul>{items}</ul>{table if rows else ''}<p>{link}</p>"


def why(loss: Value, variable: Value, *, parameters: Iterable[Value] = (), page: str | None = None) -> Why:
    """Why d loss / d variable is as small, as large, 0 or nan as it is, and what would change it, measured.

    >>> print(ad.why(loss, w))
    ∂loss/∂w = 4.1e-06: small, a 2,400th of the median of the 12 other leaves
      91 % of it runs over v41 = tanh(z) in layers.1.neurons.3: tanh is saturated at 6.2, ×1.6e-05
    measured, by computing it again:
      every parameter × 0.5  gradient 0.0021, loss 0.31
    in its page: #step=57

    The share of an edge is that of all paths from the loss to the variable, each by the size of what it contributes. A
    gradient is small or large by itself (below 1e-3, above 1e3) or beside those of the other leaves (a hundredth of their
    median, a hundred times it). The changes are other numbers for the same recording, and are no advice: another initialiser
    (all ``parameters`` halved, doubled, or drawn anew with the same spread), inputs scaled, a step of descent at some rate, a
    leaky relu in the place of one that is dead, an operand moved away from where a derivative is infinite. Parameters are, if
    they are not given, the leaves that a module has named, or else all leaves with a name; inputs are the other leaves, and
    plain numbers that leaves are multiplied by. ``page`` is the file of a page of this loss, to make the link a whole one.

    Needs no ``backward()``, and changes nothing. Raises ``TypeError`` for anything but Values, and ``NotInGraphError`` for one
    that the loss was not computed from.
    """
    for thing in (loss, variable):
        if not isinstance(thing, Value):
            raise TypeError(f"why() takes two Values, a loss and what it was computed from, not {type(thing).__name__}")
    return Why(loss, variable, parameters, page)


# ---- what runs where -------------------------------------------------------------------------------------------------------

Edge = tuple[int, int, float, float, str, int]  # result, operand, derivative, share, words, number of the edge


class _Flow:
    """What runs over each edge between the loss and a Value: ``above`` and ``below`` are logarithms of sums of sizes."""

    def __init__(self, loss: Value, variable: Value):
        self.walk = walk = Walk(loss)
        place = walk.places.get(id(variable))
        self.calls = Calls(walk)
        if place is None:
            raise NotInGraphError(
                f"why() was asked for the gradient of {variable!r}, which the loss was not computed from; a Value that was "
                "made anew, by a second run of the code or a copy, is another one"
            )
        self.goal, self.notes = place, list[str]()
        self.upstreams = walk.gradients()
        self.gradient = self.upstreams[place]
        self.results = walk.results()
        self.marked = walk.depending_on([variable])
        self.sizes = [_log(partial) for partial in walk.partials]
        self.below = self._below()
        self.above = self._above()
        self.scopes = scopes_of(walk)

    def _below(self) -> list[float]:
        walk, sizes, sums = self.walk, self.sizes, [-math.inf] * len(self.walk.nodes)
        operands, starts = walk.operands, walk.starts
        sums[self.goal] = 0.0
        for place in range(len(sums)):
            if self.marked[place] and place != self.goal:
                total = -math.inf
                for edge in range(starts[place], starts[place + 1]):
                    total = _added(total, sizes[edge] + sums[operands[edge]])
                sums[place] = total
        return sums

    def _above(self) -> list[float]:
        walk, sizes, sums = self.walk, self.sizes, [-math.inf] * len(self.walk.nodes)
        operands, starts = walk.operands, walk.starts
        sums[-1] = 0.0
        for place in range(len(sums) - 1, -1, -1):
            here = sums[place]
            if here > -math.inf and self.marked[place]:
                for edge in range(starts[place], starts[place + 1]):
                    at = operands[edge]
                    if self.marked[at]:
                        sums[at] = _added(sums[at], here + sizes[edge])
        return sums

    def _heaviest_path(self) -> list[int]:
        """The edges from the loss back to the Value, each that over which most runs."""
        place, found = len(self.walk.nodes) - 1, list[int]()
        while place != self.goal:
            found.append(edge := max(self.walk.edges(place), key=self._onward))
            place = self.walk.operands[edge]
        return found

    def _onward(self, edge: int) -> float:
        return _added(-math.inf, self.sizes[edge] + self.below[self.walk.operands[edge]])

    def name(self, place: int) -> str:
        return self.calls.name(place)

    def moment(self, found: list[Edge]) -> int:
        """The position in the history at which the first cause has just acted, or the gradient is whole."""
        return max([self._position(edge[5]) for edge in found[:1]] or map(self._position, self._uses()), default=self.goal + 1)

    def _position(self, edge: int) -> int:
        """That at which an edge has: all forward events come first, then the edges from the loss back."""
        starts, place = self.walk.starts, self.results[edge]
        return len(self.walk.nodes) + (len(self.results) - starts[place + 1]) + (edge - starts[place]) + 1

    def judged(self) -> tuple[str, str]:
        """What is to be said of its size, and in what measure."""
        size = abs(self.gradient)
        if not math.isfinite(size):
            return ("nan" if math.isnan(size) else "inf"), ""
        if size == 0.0:
            return "0", ""
        others = [abs(g) for place, g in enumerate(self.upstreams) if place != self.goal and not self.walk.nodes[place].op]
        others = [g for g in others if 0 < g < math.inf]
        usual = median(others) if others else math.nan
        beside = f"the median of the {len(others)} other leaves" if len(others) > 1 else "that of the one other leaf"
        if size < SMALL or size * FAR < usual:
            times = f", a {_count(usual / size)}th of {beside}" if size * FAR < usual else ""
            return "small", f": small{times}"
        if size > LARGE or size > FAR * usual:
            times = f", {_count(size / usual)} times {beside}" if size > FAR * usual else ""
            return "large", f": large{times}"
        return "ordinary", ": neither small nor large"

    # ---- causes ------------------------------------------------------------------------------------------------------------

    def causes(self, verdict: str) -> list[Edge]:
        """The edges that explain it, the heaviest first; ``notes`` say what is no edge's doing."""
        if verdict in ("nan", "inf"):
            return self._broken(verdict)
        if self.below[-1] == -math.inf and self.goal != len(self.walk.nodes) - 1:
            return self._blocked()
        whole = self.below[-1]
        if self.gradient == 0.0 and whole < LEAST_LOG + 1:
            self.notes.append(f"the product of the local derivatives is about {_power(whole)}, and underflows to 0")
        elif whole < LARGEST_LOG and abs(self.gradient) < CANCELLED * math.exp(whole):
            self._cancelled(math.exp(whole))
        uses = len(self._uses())
        if verdict == "large" and uses > MOST_CAUSES:
            self.notes.append(f"{self.name(self.goal)} is used {uses:,} times, and each use adds to its gradient")
        return self._without_repeated(self._heaviest(verdict), WANTED.get(verdict, 0))

    def _heaviest(self, verdict: str) -> list[Edge]:
        """Of the edges that most runs over those whose own derivative is farthest from 1, on the side that is asked for."""
        walk, whole = self.walk, self.below[-1]
        sign = WANTED.get(verdict, 0)
        weighed = []
        for edge, size in enumerate(self.sizes):
            place, operand = self.results[edge], walk.operands[edge]
            through = self.above[place] + size + self.below[operand]
            if through > whole + math.log(LEAST_SHARE):
                share = min(math.exp(through - whole), 1.0)
                weight = share * (sign * size if sign else abs(size))
                if weight > (share * math.log(2) if sign else 0.0):
                    weighed.append((-weight, edge, share))
        chosen = sorted(weighed)[:MOST_CAUSES]
        return [self._edge(edge, share, f"{_percent(share)} of the sum runs over") for _, edge, share in chosen]

    def _blocked(self) -> list[Edge]:
        """The edges with derivative 0 to which something comes from both sides; if there are none, those next to the loss."""
        walk, above, below = self.walk, self.above, self.below
        zeros = [edge for edge, size in enumerate(self.sizes) if size == -math.inf and above[self.results[edge]] > -math.inf]
        zeros = [edge for edge in zeros if self.marked[walk.operands[edge]]]
        chosen = [edge for edge in zeros if below[walk.operands[edge]] > -math.inf]
        if not chosen:
            self.notes.append("on every path several derivatives are 0: those next to the loss are named")
            chosen = zeros
        chosen.sort(key=lambda edge: (-max(below[walk.operands[edge]], -1e9) - above[self.results[edge]], edge))
        if len(chosen) > MOST_CAUSES:
            kinds = Counter(walk.nodes[self.results[edge]].op for edge in chosen)
            counted = ", ".join(f"{count:,} of {op}" for op, count in kinds.items())
            self.notes.append(f"{len(chosen):,} derivatives are 0: {counted}")
        return [self._edge(edge, math.nan, "nothing gets through") for edge in chosen[:MOST_CAUSES]]

    def _broken(self, verdict: str) -> list[Edge]:
        """In backward order the first edge at which what comes to the Value is nan or infinite, and that at which it is nan."""
        walk, adjoints, found = self.walk, [0.0] * len(self.walk.nodes), list[Edge]()
        odd = next((node for node in walk.nodes if not math.isfinite(node.data)), None)
        if odd is not None:
            self.notes.append(f"{in_words(odd)}{at_source(odd)}")
        adjoints[-1] = 1.0
        for place in range(len(adjoints) - 1, -1, -1):
            for edge in walk.edges(place) if self.marked[place] else ():
                to, upstream, local = walk.operands[edge], adjoints[place], walk.partials[edge]
                if not self.marked[to]:
                    continue
                flow = upstream * local
                before, adjoints[to] = adjoints[to], adjoints[to] + flow
                if math.isnan(adjoints[to]) or (not found and math.isinf(adjoints[to])):
                    whole = not math.isnan(flow) and not (math.isinf(flow) and math.isfinite(before))
                    terms = (before, flow, "+", adjoints[to]) if whole else (upstream, local, "·", flow)
                    told = f"{number_text(terms[0])} {terms[2]} {number_text(terms[1])} = {number_text(terms[3])}"
                    found.append(self._edge(edge, math.nan, f"{told} runs over"))
                    if math.isnan(adjoints[to]) or verdict == "inf":
                        return found
        return found

    def _edge(self, edge: int, share: float, runs: str) -> Edge:
        place, operand, local = self.results[edge], self.walk.operands[edge], self.walk.partials[edge]
        node = self.walk.nodes[place]
        inside = f" in {printable(self.scopes[place])}" if self.scopes[place] else ""
        where = f"{self.name(place)} = {self.calls.operation(node)}{inside}"
        said = _said(node, self.walk.nodes[operand], self.name(operand), local)
        return place, operand, local, share, f"{runs} {where}: {said}, ×{number_text(local)}{at_source(node)}", edge

    def _cancelled(self, whole: float) -> None:
        """Contributions of both signs, of which next to nothing is left."""
        uses = [(self.upstreams[self.results[e]] * self.walk.partials[e], self.results[e]) for e in self._uses()]
        up, down = math.fsum(x for x, _ in uses if x > 0), math.fsum(x for x, _ in uses if x < 0)
        own = f"; {number_text(up)} and {number_text(down)} meet at {self.name(self.goal)}" if up and down else ""
        left = number_text(abs(self.gradient))
        self.notes.append(f"contributions of both signs cancel: of {number_text(whole)} in size {left} is left{own}")

    def _uses(self) -> list[int]:
        return [edge for edge, operand in enumerate(self.walk.operands) if operand == self.goal]

    def _without_repeated(self, found: list[Edge], sign: int) -> list[Edge]:
        """The edges, but for those that are no more than one of many alike on the heaviest path; a note has these in one."""
        sizes: dict[str, list[float]] = {}
        for edge in self._heaviest_path():
            sizes.setdefault(self.walk.nodes[self.results[edge]].op, []).append(self.sizes[edge])
        named = max((abs(self.sizes[edge]) for *_, edge in found), default=0.0)
        for op, logs in sorted(sizes.items(), key=lambda pair: -abs(math.fsum(pair[1])))[:2]:
            total = math.fsum(logs)
            if len(logs) >= ALIKE and sign * total >= 0 and abs(total) > max(math.log(10), named):
                low, high = number_text(math.exp(min(logs)), 2), number_text(math.exp(max(logs)), 2)
                each = f"each {low}" if low == high else f"between {low} and {high}"
                self.notes.append(f"on the heaviest path {len(logs):,} slopes of {op}, {each}, multiply to {_power(total)}")
                most = 2 * abs(total) / len(logs)
                found = [edge for edge in found if self.walk.nodes[edge[0]].op != op or abs(self.sizes[edge[5]]) > most]
        return found


def _log(partial: float) -> float:
    size = abs(partial)
    return math.log(size) if 0.0 < size < math.inf else -math.inf if size == 0.0 else math.inf


def _added(x: float, y: float) -> float:
    """log(eˣ + eʸ); a y that is nan, a product of 0 and inf, counts as nothing."""
    if not y > -math.inf:
        return x
    low, high = (x, y) if x < y else (y, x)
    return high if high - low > 40 or high == math.inf else high + math.log1p(math.exp(low - high))


def _said(node: Value, operand: Value, name: str, local: float) -> str:
    """What an operation does to its operand's share, in the words of the field."""
    op, x = node.op, number_text(operand.data)
    if op in JUMPS:
        return f"{op} is constant but for its jumps"
    if op == "relu" and local == 0.0:
        return f"relu is dead at {x}"
    if op in SATURATING and abs(local) < 0.25:
        return f"{op} is saturated at {x}"
    if op in ("exp", "exp2") and node.data == 0.0:
        return f"{op}({x}) has underflowed to 0"
    if op in CHOOSING and local == 0.0:
        return f"{op} took another operand than {name} = {x}"
    if op in MULTIPLYING:
        return f"{name} is multiplied by {number_text(local)}"
    if op == "div" and node.arguments[0] is operand:
        return f"{name} is divided by {number_text(1 / local) if local else 'inf'}"
    return f"the slope of {op} at {name} = {x}"


def _percent(share: float) -> str:
    return "all" if share > 0.995 else f"{share:.0%}".replace("%", " %")


def _count(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio < 1e6 else number_text(ratio, 2)


def _power(log: float) -> str:
    """A number by its logarithm, which may be too small or too large for one."""
    return number_text(math.exp(log), 2) if LEAST_LOG < log < LARGEST_LOG else f"1e{log / math.log(10):.0f}".replace("-", "−")


# ---- what would change it --------------------------------------------------------------------------------------------------


class _Replays:
    """The recording computed again with other numbers, beside the Values."""

    def __init__(self, flow: _Flow, causes: Sequence[Cause], parameters: list[Value]):
        self.flow, self.causes, self.walk = flow, causes, flow.walk
        leaves = [node for node in self.walk.nodes if not node.op]
        chosen = [x for x in parameters if id(x) in self.walk.places] or [x for x in leaves if module_of(x.name)]
        self.parameters = chosen or [x for x in leaves if flow.calls.called(x)] or leaves
        own = {id(x) for x in self.parameters}
        self.inputs = [x for x in leaves if id(x) not in own]
        self.found: list[Change] = []

    def measured(self, verdict: str) -> list[Change]:
        """What changes most in the direction that is wanted, first; what changes next to nothing not at all."""
        down = verdict in ("large", "nan", "inf")
        self._parameters(down)
        self._inputs(down)
        self._descent()
        if any(cause.node.op == "relu" and cause.local == 0.0 for cause in self.causes):
            self._try("leaky_relu in the place of relu", altered=_leaky)
        if verdict in ("nan", "inf") and self.causes:
            self._away(self.causes[0])
        before = self.flow.gradient
        changed = [c for c in self.found if not math.isclose(c.gradient, before, rel_tol=0.05) and math.isfinite(c.gradient)]
        if verdict in ("small", "large"):
            changed = [c for c in changed if (abs(c.gradient) < abs(before)) == down]
        return sorted(changed, key=lambda change: abs(change.gradient) * (1 if down else -1))[:MOST_CHANGES]

    def _parameters(self, down: bool) -> None:
        for factor in (0.5, 0.1) if down else (0.5, 2.0):
            self._try(f"every parameter × {factor:g}", {id(x): x.data * factor for x in self.parameters})
        finite = [x.data for x in self.parameters if math.isfinite(x.data)]
        spread = math.hypot(*finite) / math.sqrt(len(finite)) if finite else 0.0
        if spread:
            rng = random.Random(0)
            draws = [self._replayed({id(x): rng.gauss(0, spread) for x in self.parameters}) for _ in range(DRAWS)]
            finite_draws = sorted((pair for pair in draws if math.isfinite(pair[1])), key=lambda pair: abs(pair[1]))
            if finite_draws:
                drawn = f"parameters drawn anew, deviation {number_text(spread, 2)} (the middle one of {DRAWS})"
                self.found.append(Change(drawn, *finite_draws[len(finite_draws) // 2]))

    def _inputs(self, down: bool) -> None:
        for factor in (0.1,) if down else (0.1, 10.0):
            self._try(f"inputs × {factor:g}", {id(x): x.data * factor for x in self.inputs}, altered=_scaled(factor))

    def _descent(self) -> None:
        upstreams, places = self.flow.upstreams, self.walk.places
        steps = [(x, upstreams[places[id(x)]]) for x in self.parameters]
        if all(math.isfinite(g) for _, g in steps) and any(g for _, g in steps):
            for rate in (0.1, 0.001):
                self._try(f"after a step of descent at the rate {rate:g}", {id(x): x.data - rate * g for x, g in steps})

    def _away(self, cause: Cause) -> None:
        nudge = 1e-6

        def moved(node: Value, given: list[float]) -> tuple[Rule, list[float]]:
            if node is cause.node:
                given = [x + nudge * (y is cause.operand) for x, y in zip(given, node.arguments, strict=True)]
            return rules.TABLE[node.op], given

        self._try(f"{nudge:g} added to what {cause.node.op} is given", altered=moved)

    def _try(self, text: str, leaves: Mapping[int, float] | None = None, altered: Altered | None = None) -> None:
        self.found.append(Change(text, *self._replayed(leaves or {}, altered)))

    def _replayed(self, leaves: Mapping[int, float], altered: Altered | None = None) -> tuple[float, float]:
        """The loss, and the gradient."""
        places, numbers = self.walk.places, computed_again(self.walk.nodes, leaves, altered)
        adjoints = [0.0] * len(self.walk.nodes)
        adjoints[-1] = 1.0
        for node, _, partials in reversed(numbers):
            upstream = adjoints[places[id(node)]]
            for x, partial in zip(node.arguments, partials, strict=False):
                if isinstance(x, Value):
                    adjoints[places[id(x)]] += upstream * partial
        return numbers[-1][1] if numbers else self.walk.nodes[-1].data, adjoints[self.flow.goal]


def _leaky(node: Value, given: list[float]) -> tuple[Rule, list[float]]:
    leaky: Any = rules.TABLE["leaky_relu"]
    return (leaky, [*given, *leaky.defaults]) if node.op == "relu" else (rules.TABLE[node.op], given)


def _scaled(factor: float) -> Callable[[Value, list[float]], tuple[Rule, list[float]]]:
    """Plain numbers that a leaf is multiplied by, which are inputs, times a factor."""

    def altered(node: Value, given: list[float]) -> tuple[Rule, list[float]]:
        rule = rules.TABLE[node.op]
        if node.op in ("mul", "dot") and any(isinstance(x, Value) and not x.op for x in node.arguments):
            given = [x if isinstance(y, Value) else x * factor for x, y in zip(given, node.arguments, strict=True)]
        return rule, given

    return altered
