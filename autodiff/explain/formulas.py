"""Formulas of recorded Values, as text and as LaTeX: what ``explain()`` writes down.

In a formula each Value that goes by a name is one private character, so that no name can be taken for a part of the formula,
whatever is in it; the name is put in when the formula is written out.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from autodiff.engine import rules
from autodiff.engine.value import Value
from autodiff.graph.names import SUBSCRIPTS, Names
from autodiff.graph.symbols import ATOM, Symbol, number_text
from autodiff.graph.walk import Walk

FIRST = 0xF0000  # of Unicode's private characters
PLACEHOLDER = re.compile("[\U000f0000-\U0010ffff]")
LONGEST = 28  # characters of a Value without a name that is written out where it is used
DEEPEST = 3
MOST_DEFINITIONS = 12
MOST_OPERANDS = 6
PRODUCT = rules.TABLE["mul"].precedence


class Formula(NamedTuple):
    """A formula with private characters for Values, and how strongly it binds."""

    text: str
    precedence: int


class Writer:
    """Writes formulas, and knows what the Values in them are called."""

    def __init__(self, given: Names, defaults: dict[int, str]):
        self.given = given
        self.defaults = defaults  # for those without a name, by id()
        self.places: dict[int, str] = {}
        self.values: list[Value] = []
        self.names: list[str] = []
        self.taken: set[str] = set()
        self.latest: dict[str, int] = {}  # the number given last to one of that name
        self.defined: list[tuple[str, Symbol]] | None = None

    def has_name(self, node: Value) -> bool:
        return bool(self.given.of(node)) or id(node) in self.defaults or id(node) in self.places

    def name(self, node: Value) -> str:
        """What it is called: its own name, with a number if another has the same one; or a name made up."""
        return self.names[ord(self.character(node)) - FIRST]

    def character(self, node: Value) -> str:
        """The character that stands for it."""
        if id(node) not in self.places:
            wanted = self.given.of(node) or self.defaults.get(id(node)) or "v₁"
            name = wanted
            while name in self.taken:
                self.latest[wanted] = self.latest.get(wanted, 1) + 1
                name = wanted.rstrip("₀₁₂₃₄₅₆₇₈₉") + str(self.latest[wanted]).translate(SUBSCRIPTS)
            self.taken.add(name)
            self.names.append(name)
            self.values.append(node)
            self.places[id(node)] = chr(FIRST + len(self.places))
        return self.places[id(node)]

    def symbol(self, argument: Value | float, depth: int = DEEPEST) -> Symbol | float:
        """An operand: a number, a name, or what it was computed from if that is short."""
        if not isinstance(argument, Value):
            return argument
        if argument.op and not self.has_name(argument) and depth and len(argument.arguments) <= MOST_OPERANDS:
            formula = self.formula(argument, depth - 1)
            if len(formula.text) <= LONGEST:
                return formula
        return Symbol(self.character(argument))

    def formula(self, node: Value, depth: int = DEEPEST) -> Symbol:
        """An operation on its operands."""
        if len(node.arguments) > MOST_OPERANDS:
            return Symbol(f"{node.op}(…)")
        formula = rules.apply(rules.TABLE[node.op], tuple(self.symbol(argument, depth) for argument in node.arguments))
        return formula if isinstance(formula, Symbol) else Symbol(number_text(formula))

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
        words = [
            f"({symbol.text})" if symbol.precedence < PRODUCT or symbol.text[0] == "−" else symbol.text for symbol in symbols
        ]
        if abs(coefficient) != 1.0:
            words.insert(0, number_text(coefficient))
        return Formula("−" * (coefficient == -1.0) + " · ".join(words), PRODUCT)

    def partial(self, node: Value, which: int) -> Symbol | float:
        """∂node/∂operand by the table."""
        rule, arguments = rules.TABLE[node.op], node.arguments
        place = [i for i, argument in enumerate(arguments) if isinstance(argument, Value)][which]
        if len(arguments) > MOST_OPERANDS and rule.name not in ("sum", "dot"):  # all others take in every operand
            return Symbol(f"∂{self.character(node)}/∂{self.symbol(arguments[place])}", PRODUCT)
        if rule.name == "dot":  # only its partner counts
            half = len(arguments) // 2
            return self.symbol(arguments[(place + half) % len(arguments)])
        if rule.name == "sum":
            return 1.0
        out = Symbol(self.character(node)) if self.has_name(node) else self.symbol(node)
        operands = [self.symbol(argument) for argument in arguments]
        partial: Any = list(rule.derivatives(*operands, out))[place]
        return partial if isinstance(partial, Symbol) else float(partial)

    def definitions(self, style: Style) -> list[tuple[str, str]]:
        """What the Values in the formulas are: those without a name of their own, and the operations."""
        if self.defined is None:
            self.defined = []
            for node in self.values[:MOST_DEFINITIONS]:  # those that their formulas bring up are not defined in turn
                if node.op:
                    self.defined.append((self.places[id(node)], self.formula(node)))
                elif not self.given.of(node) and id(node) not in self.defaults:
                    self.defined.append((self.places[id(node)], Symbol(number_text(node.data))))
        return [(style.put(left, self), style.put(tidy(right.text), self)) for left, right in self.defined]


def tidy(formula: str) -> str:
    """A number before a bracket needs no sign of multiplication: ``2(a − y)``."""
    return re.sub(r"(?<![\w.)])(\d+(?:\.\d+)?) · \((?!−\d)", r"\1(", formula)


# ---- ways of writing --------------------------------------------------------------------------------------------------------


class Style:
    """How formulas are written for a terminal."""

    equals, dot, indent = " = ", " · ", "  "

    def put(self, formula: str, writer: Writer) -> str:
        """The formula with names in place of characters."""
        return PLACEHOLDER.sub(lambda found: self.name(writer.names[ord(found[0]) - FIRST]), formula)

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
    formula = re.sub(r"\^(−?[\d.]+(?:e−?\d+)?|[\U000f0000-\U0010ffff])", r"^{\1}", formula)
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
    return name if re.fullmatch(r"[\w.\[\]′]+", name) else f"‹{' '.join(name.split())}›"


# ---- the forward expression -------------------------------------------------------------------------------------------------

LONGEST_LINE = 100


def expression(walk: Walk) -> str:
    """The last node in infix; before it, a line for each part that is used more than once or makes a line too long."""
    uses = [0] * len(walk.nodes)
    for operand in walk.operands:
        uses[operand] += 1
    names = _Names(walk)
    symbols: dict[int, Symbol] = {}
    lines: list[str] = []
    for place, node in enumerate(walk.nodes):
        if not node.op:
            own = names.names.of(node)
            symbols[id(node)] = Symbol(names.of(node)) if own else _number(node.data)
            continue
        arguments = [symbols[id(argument)] if isinstance(argument, Value) else argument for argument in node.arguments]
        symbol = rules.apply(rules.TABLE[node.op], tuple(arguments))
        last = place == len(walk.nodes) - 1
        if not last and (uses[place] > 1 or len(symbol.text) > LONGEST_LINE):
            name = names.of(node)
            lines.append(f"{name} = {tidy(symbol.text)}")
            symbol = Symbol(name)
        elif last:
            lines.append(f"{names.of(node)} = {tidy(symbol.text)}" if names.names.of(node) else tidy(symbol.text))
        symbols[id(node)] = symbol
    return "\n".join(lines) if lines else symbols[id(walk.nodes[-1])].text


def _number(number: float) -> Symbol:
    return Symbol(number_text(number), PRODUCT if number < 0 else ATOM)


class _Names:
    """A name for each Value that needs one, no two alike."""

    def __init__(self, walk: Walk):
        self.names = Names(walk.nodes)
        self.taken = {quoted(name) for node in walk.nodes if (name := self.names.of(node))}
        self.given: dict[str, int] = {}
        self.made_up = 0

    def of(self, node: Value) -> str:
        name = self.names.of(node)
        if name:
            name = quoted(name)
            self.given[name] = self.given.get(name, 0) + 1
            return name if self.given[name] == 1 else name + str(self.given[name]).translate(SUBSCRIPTS)
        while True:
            self.made_up += 1
            name = f"t{self.made_up}"
            if name not in self.taken:
                return name
