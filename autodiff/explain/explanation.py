"""The chain rule in words: ``explain(loss, w)``, the forward expression, and who is to blame for a nan or an inf."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from autodiff.engine.recording import at_source, first_non_finite, in_words
from autodiff.engine.value import Value
from autodiff.explain import formulas
from autodiff.explain.formulas import Formula, Writer
from autodiff.graph import paths
from autodiff.graph.paths import Path
from autodiff.graph.symbols import number_text
from autodiff.graph.walk import Walk

MOST_FACTORS = 8  # of one path that are written out
MOST_INLINE = 3  # operations without a name that one factor takes in
AGREES = 1e-9


class Factor(NamedTuple):
    """One factor of a path: the derivative of one Value by another, in symbols and as a number."""

    result: Value
    operand: Value
    formula: Formula
    number: float


class Explanation:
    """The derivation of d loss / d variable. Text in a terminal, LaTeX in a notebook; for programs:

    ``paths``: the strongest paths from the loss back to the variable, each with its ``nodes`` and its ``contribution``;
    ``count``: how many paths there are altogether; ``rest``: what those not among ``paths`` contribute together; ``total``:
    the derivative.
    """

    def __init__(self, loss: Value, variable: Value, max_paths: int):
        walk = Walk(loss)
        place = walk.places.get(id(variable))
        self.loss, self.variable = loss, variable
        self.count = paths.count(walk, variable)
        self.paths: list[Path] = paths.strongest(walk, max_paths, [variable]) if self.count else []
        self.total = 0.0 if place is None else walk.gradients()[place]
        self.rest = 0.0 if self.count == len(self.paths) else self.total - math.fsum(path.contribution for path in self.paths)
        self.writer = Writer(walk, (loss, variable))
        self.factors = [self._factors(walk, path) for path in self.paths]

    def _factors(self, walk: Walk, path: Path) -> list[Factor | int]:
        """The factors of a path; a number stands for so many of them that are not written out."""
        stops = [0]
        for place in range(1, len(path.nodes)):
            last = place == len(path.nodes) - 1
            if last or place - stops[-1] >= MOST_INLINE or self.writer.has_name(path.nodes[place]):
                stops.append(place)
        pairs = list(itertools.pairwise(stops))
        skipped = len(pairs) - MOST_FACTORS
        factors: list[Factor | int] = []
        for number, (start, end) in enumerate(pairs):
            if skipped > 1 and MOST_FACTORS // 2 <= number < MOST_FACTORS // 2 + skipped:
                if number == MOST_FACTORS // 2:
                    factors.append(skipped)
                continue
            steps = [(path.nodes[i], path.edges[i] - walk.starts[walk.places[id(path.nodes[i])]]) for i in range(start, end)]
            value = math.prod(walk.partials[edge] for edge in path.edges[start:end])
            factors.append(Factor(path.nodes[start], path.nodes[end], self.writer.derivative(steps), value))
        return factors

    # ---- in words -----------------------------------------------------------------------------------------------------------

    def __str__(self) -> str:
        return "\n".join(self._lines(formulas.TEXT))

    __repr__ = __str__

    def _repr_latex_(self) -> str:
        *lines, check = self._lines(formulas.LATEX)
        rows = r" \\ ".join(lines)
        return rf"$$\begin{{aligned}} {rows} \\ {check} \end{{aligned}}$$"

    def _lines(self, style: formulas.Style) -> list[str]:
        derivative = style.derivative(self.writer.name(self.loss), self.writer.name(self.variable))
        if not self.count:
            return [style.line(derivative, "0"), style.words("the loss does not depend on it")]
        products = [self._product(factors, path, style) for factors, path in zip(self.factors, self.paths, strict=True)]
        if self.count == 1:
            lines = [style.line(derivative, *products[0])]
        else:
            lines = [style.line(derivative, style.words(f"the sum over {_count(self.count)} paths"))]
            lines += [style.indented(style.joined(product)) for product in products]
            if self.count > len(self.paths):
                more = f"… and {_count(self.count - len(self.paths))} paths more, together {number_text(self.rest)}"
                lines.append(style.indented(style.words(more)))
            lines.append(style.line(derivative, *self._sum(style)))
        definitions = [style.line(left, right) for left, right in self.writer.definitions(style)]
        if definitions:
            lines.append(style.where(definitions))
        return [*lines, style.words(self._check())]

    def _product(self, factors: list[Factor | int], path: Path, style: formulas.Style) -> list[str]:
        """``dC/da · da/dw``, ``2(a − y) · i``, ``1.4 · 1.5``, ``2.1``: what is equal, each only if it says something new."""
        if not factors:
            return ["1"]  # the loss by itself
        names: list[str] = []
        symbols: list[str] = []
        numbers: list[str] = []
        for factor in factors:
            if isinstance(factor, int):
                for parts in (names, symbols, numbers):
                    parts.append(style.words(f"({factor:,} factors more)"))
                continue
            names.append(style.derivative(self.writer.name(factor.result), self.writer.name(factor.operand)))
            symbols.append(style.factor(factor.formula, self.writer, len(factors) == 1, not symbols))
            numbers.append(style.number(factor.number, first=not numbers))
        chain = [style.product(parts) for parts in (names, symbols, numbers)]
        if self.count == 1 and len(names) == 1:
            del chain[0]  # it stands on the left already
        return list(dict.fromkeys([*chain, style.number(path.contribution)]))

    def _sum(self, style: formulas.Style) -> list[str]:
        numbers = [path.contribution for path in self.paths]
        if self.count > len(self.paths):
            numbers.append(self.rest)
        terms = [style.number(number, first=place == 0) for place, number in enumerate(numbers)]
        return [" + ".join(terms), style.number(self.total)]

    def _check(self) -> str:
        """What the derivation says beside what the Value holds."""
        grad, name = self.variable.grad, self.writer.name(self.variable)
        if math.isclose(grad, self.total, rel_tol=AGREES, abs_tol=1e-300) or (math.isnan(grad) and math.isnan(self.total)):
            return f"{name}.grad is {number_text(grad)}: they agree"
        if grad == 0.0:
            return f"{name}.grad is 0: backward() was not called, or the gradient was set to zero since"
        return f"{name}.grad is {number_text(grad)}: it holds more than this loss, or was computed from other numbers"


def _count(number: int) -> str:
    """1,214; from 10¹⁵ on as a power of ten, for there may be 2 to the power of a million."""
    if number < 10**15:
        return f"{number:,}"
    return f"about 10^{math.floor(number.bit_length() * math.log10(2)):,}"


# ---- nan and inf ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Blame:
    """Who made the first nan or inf: ``node``, and for gradients the ``operand`` it went to; None if nobody did."""

    node: Value | None
    operand: Value | None
    message: str

    def __bool__(self) -> bool:
        return self.node is not None

    def __str__(self) -> str:
        return self.message

    __repr__ = __str__


def blamed(loss: Value, gradients: bool) -> Blame:
    """What ``blame`` returns."""
    if gradients:
        return _blame_gradients(Walk(loss))
    node = first_non_finite(loss)
    if node is None:
        return Blame(None, None, "nothing to blame: every Value that it was computed from is finite")
    return Blame(node, None, in_words(node) + at_source(node))


def _blame_gradients(walk: Walk) -> Blame:
    adjoints = [0.0] * len(walk.nodes)
    adjoints[-1] = 1.0
    for place in range(len(adjoints) - 1, -1, -1):
        upstream, node = adjoints[place], walk.nodes[place]
        for edge in walk.edges(place):
            to, partial = walk.operands[edge], walk.partials[edge]
            flow = upstream * partial
            operand = walk.nodes[to]
            if not math.isfinite(flow):
                told = (
                    f"backward through {_of(node)}: the local derivative {partial!r} by {operand!r}, "
                    f"times the gradient {upstream!r}, is {flow!r}"
                )
                return Blame(node, operand, told + at_source(node))
            if not math.isfinite(adjoints[to] + flow):
                told = f"the gradients of {operand!r} add up to {adjoints[to] + flow!r}"
                return Blame(node, operand, told + at_source(node))
            adjoints[to] += flow
    return Blame(None, None, "nothing to blame: every gradient is finite")


def _of(node: Value) -> str:
    given: Iterable[str] = map(repr, node.arguments[:4])
    return f"{node.op} of {', '.join(given)}{' and more' if len(node.arguments) > 4 else ''} = {node.data!r}"
