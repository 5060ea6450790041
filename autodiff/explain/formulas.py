"""Formulas of recorded Values, as text and as LaTeX: what ``explain()`` writes down.

In a formula each Value that goes by a name is one private character, so that no name can be taken for a part of the formula,
whatever is in it; the name is put in when the formula is written out.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from autodiff.engine import rules
from autodiff.engine.value import Value
from autodiff.graph.names import Calls
from autodiff.graph.symbols import (
    ATOM,
    MOST_SPELLED,
    PRODUCT,
    SUPERSCRIPTS,
    Symbol,
    by_the_book,
    number_text,
    shown_of,
    spelled,
    symbol,
    tidy,
)
from autodiff.graph.walk import Walk

FIRST = 0xF0000  # of Unicode's private characters
PLACEHOLDER = re.compile("[\U000f0000-\U0010ffff]")
LONGEST = 28  # characters of a Value without a name that is written out where it is used
DEEPEST = 3
MOST_DEFINITIONS = 12


class Formula(NamedTuple):
    """A formula with private characters for Values, and how strongly it binds."""

    text: str
    precedence: int


class Writer:
    """Writes formulas of the Values of a walk, and knows what they are called.

    ``ends`` go by their names even if these were not given to them.
    """

    def __init__(self, walk: Walk, ends: tuple[Value, ...]):
        self.calls = Calls(walk)
        self.ends = {id(end) for end in ends}
        self.characters: dict[int, str] = {}
        self.values: list[Value] = []
        self.defined: list[tuple[str, Symbol]] | None = None

    def has_name(self, node: Value) -> bool:
        return bool(self.calls.of(node)) or id(node) in self.ends or id(node) in self.characters

    def name(self, node: Value) -> str:
        """What it is called; a Value that is not of the walk by its own name."""
        place = self.calls.walk.places.get(id(node))
        return (node.name or "x") if place is None else self.calls.name(place)

    def character(self, node: Value) -> str:
        """The character that stands for it."""
        if id(node) not in self.characters:
            self.values.append(node)
            self.characters[id(node)] = chr(FIRST + len(self.characters))
        return self.characters[id(node)]

    def name_behind(self, character: str) -> str:
        """What the Value is called that a character stands for."""
        return self.name(self.values[ord(character) - FIRST])

    def symbol(self, argument: Value | float, depth: int = DEEPEST) -> Symbol | float:
        """An operand: a number, a name, or what it was computed from if that is short."""
        if not isinstance(argument, Value):
            return argument
        if argument.op and not self.has_name(argument) and depth and len(argument.arguments) <= MOST_SPELLED:
            formula = self.formula(argument, depth - 1)
            if len(formula.text) <= LONGEST:
                return formula
        return Symbol(self.character(argument))

    def formula(self, node: Value, depth: int = DEEPEST) -> Symbol:
        """An operation on its operands."""
        if len(node.arguments) > MOST_SPELLED:
            depth = 0  # of many operands the few that are written have names
        rule = rules.TABLE[node.op]
        return spelled(rule, [x if isinstance(x, Symbol) else self.symbol(x, depth) for x in shown_of(rule, node.arguments)])

    def derivative(self, steps: list[tuple[Value, int]]) -> Formula:
        """The product of local derivatives along some steps: each an operation, and which of its operands is gone to."""
        coefficient, symbols = 1.0, []
        for node, which in steps:
            partial = self.partial(node, which)
            if isinstance(partial, Symbol):
                symbols.append(partial)
            else:
                coefficient *= partial
        if not symbols or coefficient == 0.0:
            return Formula(number_text(coefficient), ATOM if coefficient >= 0 else PRODUCT)
        if len(symbols) == 1 and abs(coefficient) == 1.0:
            text, precedence = symbols[0].text, symbols[0].precedence
            if coefficient < 0:
                text, precedence = f"−{text}" if precedence >= PRODUCT and text[0] != "−" else f"−({text})", PRODUCT
            return Formula(text, precedence)
        words = [f"({made.text})" if made.precedence < PRODUCT or made.text[0] == "−" else made.text for made in symbols]
        if abs(coefficient) != 1.0:
            words.insert(0, number_text(coefficient))
        return Formula("−" * (coefficient == -1.0) + " · ".join(words), PRODUCT)

    def partial(self, node: Value, which: int) -> Symbol | float:
        """∂node/∂operand by the table."""
        rule, arguments = rules.TABLE[node.op], node.arguments
        place = [i for i, argument in enumerate(arguments) if isinstance(argument, Value)][which]
        if len(arguments) > MOST_SPELLED and rule.name not in ("sum", "dot"):  # all others take in every operand
            return Symbol(f"∂{self.character(node)}/∂{self.symbol(arguments[place])}", PRODUCT)
        if rule.paired:  # only its partner counts
            half = len(arguments) // 2
            return self.symbol(arguments[(place + half) % len(arguments)])
        if rule.name == "sum":
            return 1.0
        out = Symbol(self.character(node)) if self.has_name(node) else self.symbol(node)
        operands = [self.symbol(argument) for argument in arguments]
        partials = rule.shown if by_the_book(node) else rule.derivatives
        partial: Any = list(partials(*operands, out))[place]
        return partial if isinstance(partial, Symbol) else float(partial)

    def definitions(self, style: Style) -> list[tuple[str, str]]:
        """What the Values in the formulas are: those without a name of their own, and the operations."""
        if self.defined is None:
            self.defined = []
            for node in self.values[:MOST_DEFINITIONS]:  # those that their formulas bring up are not defined in turn
                if node.op:
                    self.defined.append((self.characters[id(node)], self.formula(node)))
                elif not self.calls.of(node) and id(node) not in self.ends:
                    self.defined.append((self.characters[id(node)], Symbol(number_text(node.data))))
        return [(style.put(left, self), style.put(tidy(right.text), self)) for left, right in self.defined]


# ---- ways of writing --------------------------------------------------------------------------------------------------------


class Style:
    """How formulas are written for a terminal."""

    equals, dot, indent = " = ", " · ", "  "

    def put(self, formula: str, writer: Writer) -> str:
        """The formula with names in place of characters."""
        return PLACEHOLDER.sub(lambda found: self.name(writer.name_behind(found[0])), formula)

    def name(self, name: str) -> str:
        return quoted(name)

    def derivative(self, result: str, operand: str) -> str:
        return f"d{self.name(result)}/d{self.name(operand)}"

    def factor(self, formula: Formula, writer: Writer, alone: bool, first: bool) -> str:
        """One of the factors of a path, so that it can be seen where it ends."""
        text = tidy(formula.text)
        several = formula.precedence < PRODUCT or " · " in text or " / " in text
        bracketed = not alone and (several or (text[0] == "−" and not first))
        return self.put(f"({text})" if bracketed else text, writer)

    def number(self, number: float, first: bool = True) -> str:
        text = number_text(number)
        return text if first or text[0] != "−" else f"({text})"

    def product(self, factors: list[str]) -> str:
        return self.dot.join(factors)

    def line(self, *parts: str) -> str:
        return self.equals.join(parts)

    def joined(self, parts: list[str]) -> str:
        return self.equals.join(parts)

    def indented(self, text: str) -> str:
        return self.indent + text

    def words(self, words: str) -> str:
        return words

    def where(self, definitions: list[str]) -> str:
        return f"where {', '.join(definitions)}"


class Latex(Style):
    """How formulas are written for a notebook; a line has ``&`` before what is aligned."""

    dot, indent = r" \cdot ", r"&\quad "

    def put(self, formula: str, writer: Writer) -> str:
        return super().put(latex(formula), writer)

    def name(self, name: str) -> str:
        found = re.fullmatch(r"([A-Za-z])_?([0-9₀-₉]*)", name)
        if found:
            digits = found[2].translate({ord(sub): str(i) for i, sub in enumerate("₀₁₂₃₄₅₆₇₈₉")})
            return f"{found[1]}_{{{digits}}}" if digits else found[1]
        if name in GREEK:
            return f"\\{name} "
        return rf"\mathrm{{{escaped(name)}}}"

    def derivative(self, result: str, operand: str) -> str:
        return rf"\frac{{d{self.name(result)}}}{{d{self.name(operand)}}}"

    def number(self, number: float, first: bool = True) -> str:
        return latex(super().number(number, first))

    def line(self, *parts: str) -> str:
        return f"{parts[0]} &= {' = '.join(parts[1:])}"

    def words(self, words: str) -> str:
        return rf"&\text{{{escaped(words)}}}" if words.startswith("…") or "grad" in words else rf"\text{{{escaped(words)}}}"

    def indented(self, text: str) -> str:
        return text if text.startswith("&") else self.indent + text

    def where(self, definitions: list[str]) -> str:
        return r" \\ ".join(definitions)


TEXT, LATEX = Style(), Latex()
GREEK = frozenset({
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "pi", "rho",
    "sigma", "tau", "phi", "chi", "psi", "omega",
})  # fmt: skip
LOWERED = {raised: chr(digit) for digit, raised in SUPERSCRIPTS.items()}
KNOWN = frozenset(["exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "max", "min"])
SIGNS = {
    "·": r"\cdot ", "−": "-", "σ": r"\sigma ", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "‖": r"\Vert ", "…": r"\ldots ",
    "∂": r"\partial ", "∛": r"\sqrt[3]", " mod ": r" \bmod ",
}  # fmt: skip
SPECIAL = {c: f"\\{c}" for c in "{}_#$&%"} | {"\\": r"\backslash{}", "^": r"\hat{}", "~": r"\sim{}", "\n": " ", "`": "'"}


def escaped(text: str) -> str:
    """Text inside of ``\\text`` and ``\\mathrm``."""
    return "".join(SPECIAL.get(character, character) for character in text)


def latex(formula: str) -> str:
    """The text of a formula as LaTeX."""
    formula = re.sub("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda found: f"^{{{found[0].translate(LOWERED)}}}", formula)
    formula = re.sub(r"\^(−?[\d.]+(?:e−?\d+)?|\([^()]*\)|[\U000f0000-\U0010ffff])", r"^{\1}", formula)
    formula = re.sub(r"(\d)e(−?\d+)", r"\1 \\cdot 10^{\2}", formula)
    formula = re.sub(r"\b(inf)\b", r"\\infty ", formula)
    formula = re.sub(r"\b([a-z][a-z0-9]+)\(", lambda found: _function(found[1]), formula)
    formula = _roots(formula)
    for sign, command in SIGNS.items():
        formula = formula.replace(sign, command)
    return formula


def _function(name: str) -> str:
    return rf"\{name}(" if name in KNOWN else rf"\operatorname{{{name}}}("


def _roots(formula: str) -> str:
    """√(x) with the bar over x."""
    while (start := formula.rfind("√(")) >= 0:  # the last one has none inside
        depth, end = 1, start + 2
        while depth and end < len(formula):
            depth += (formula[end] == "(") - (formula[end] == ")")
            end += 1
        formula = f"{formula[:start]}\\sqrt{{{formula[start + 2 : end - 1]}}}{formula[end:]}"
    return formula


def quoted(name: str) -> str:
    """A name as part of a formula: in brackets of its own if it could be read otherwise."""
    return name if re.fullmatch(r"[\w.\[\]′@]+", name) else f"‹{' '.join(name.split())}›"


# ---- the forward expression -------------------------------------------------------------------------------------------------

LONGEST_LINE = 100


def expression(walk: Walk) -> str:
    """The last node in infix; before it, a line for each part that is used more than once or makes a line too long."""
    uses = [0] * len(walk.nodes)
    for operand in walk.operands:
        uses[operand] += 1
    calls = Calls(walk)
    last = len(walk.nodes) - 1
    symbols: dict[int, Symbol] = {}
    lines: list[str] = []
    for place, node in enumerate(walk.nodes):
        if not node.op:
            symbols[id(node)] = Symbol(quoted(calls.name(place))) if calls.of(node) else symbol(node.data)
            continue
        made = spelled(rules.TABLE[node.op], [symbols[id(x)] if isinstance(x, Value) else x for x in node.arguments])
        name = quoted(calls.name(place))
        if place == last:
            lines.append(f"{name} = {tidy(made.text)}" if calls.of(node) else tidy(made.text))
        elif uses[place] > 1 or len(made.text) > LONGEST_LINE:
            lines.append(f"{name} = {tidy(made.text)}")
            made = Symbol(name)
        symbols[id(node)] = made
    return "\n".join(lines) if lines else symbols[id(walk.nodes[-1])].text
