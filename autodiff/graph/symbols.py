"""The one speller: how numbers, operations and derivatives are written, ``0.4745``, ``(a − y)²``, ``4 · σ(2 · x) · σ(−2 · x)``.

Picture, explanation, page and terminal all write so:

- A number has at most five significant digits and no more than it needs, with a real minus sign: ``1``, ``−0.036404``,
  ``6.0221e23``, ``nan``; zero is ``0``, whatever its sign. The terminal's ``print`` has all digits, and that sign; its
  ``set digits`` asks for more or fewer.
- An operation is written as its row of the table spells it, with brackets where its reading needs them; a whole exponent is
  raised, ``x²``; a number before a bracket needs no dot, ``2(a − y)``. Of many operands the first few are written.
- What Values are called is in ``names``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from autodiff.engine import rules
from autodiff.engine.rules import Rule
from autodiff.engine.value import Value

SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 9  # how strongly what is written binds; an atom never needs brackets
DIGITS = 5
MOST_SPELLED = 6  # operands of one operation that are written one by one
FEW = 3  # of more than that
ANYTHING = "…"  # what is not written

SUPERSCRIPTS = str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
LARGEST_RAISED = 999
COEFFICIENT = re.compile(r"(?<![\w.)])(\d+(?:\.\d+)?) · \((?!−\d)")


class Symbol:
    """A piece of formula: its text, and how strongly its outermost operation binds.

    Arithmetic and the functions of the table on Symbols give Symbols; a factor 1, an exponent 1 and a summand 0 are left out.
    """

    __slots__ = ("precedence", "text")

    def __init__(self, text: str, precedence: int = ATOM):
        self.text = text
        self.precedence = precedence

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Symbol({self.text!r})"

    def _record(self, rule: Rule, operands: tuple[Any, ...]) -> Symbol:
        if rule.unspelled:
            return symbol(operands[0])
        return _without_neutral(rule.name, operands) or spelled(rule, operands)

    def __add__(self, other: Any) -> Symbol:
        return self._record(rules.TABLE["add"], (self, other))

    def __radd__(self, other: Any) -> Symbol:
        return self._record(rules.TABLE["add"], (other, self))

    def __sub__(self, other: Any) -> Symbol:
        return self._record(rules.TABLE["sub"], (self, other))

    def __rsub__(self, other: Any) -> Symbol:
        return self._record(rules.TABLE["sub"], (other, self))

    def __mul__(self, other: Any) -> Symbol:
        return self._record(rules.TABLE["mul"], (self, other))

    def __rmul__(self, other: Any) -> Symbol:
        return self._record(rules.TABLE["mul"], (other, self))

    def __truediv__(self, other: Any) -> Symbol:
        return self._record(rules.TABLE["div"], (self, other))

    def __rtruediv__(self, other: Any) -> Symbol:
        return self._record(rules.TABLE["div"], (other, self))

    def __pow__(self, other: Any) -> Symbol:
        return self._record(rules.TABLE["pow"], (self, other))

    def __rpow__(self, other: Any) -> Symbol:
        return self._record(rules.TABLE["pow"], (other, self))

    def __gt__(self, other: Any) -> Symbol:
        return self._record(rules.TABLE["greater"], (self, other))

    def __ge__(self, other: Any) -> Symbol:
        return self._record(rules.TABLE["greater_equal"], (self, other))

    def __lt__(self, other: Any) -> Symbol:
        return self._record(rules.TABLE["greater"], (other, self))

    def __le__(self, other: Any) -> Symbol:
        return self._record(rules.TABLE["greater_equal"], (other, self))

    def __mod__(self, other: Any) -> Symbol:
        return self._record(rules.TABLE["mod"], (self, other))

    def __rmod__(self, other: Any) -> Symbol:
        return self._record(rules.TABLE["mod"], (other, self))

    def __neg__(self) -> Symbol:
        return self._record(rules.TABLE["neg"], (self,))

    def __pos__(self) -> Symbol:
        return self

    def __abs__(self) -> Symbol:
        return self._record(rules.TABLE["abs"], (self,))


def number_text(number: float, digits: int = DIGITS) -> str:
    """The number in at most so many significant digits, with a real minus sign: ``−0.12346``, ``6.0221e23``, ``nan``, ``0``."""
    mantissa, e, exponent = f"{number or 0.0:.{digits}g}".partition("e")
    return (f"{mantissa}e{int(exponent)}" if e else mantissa).replace("-", "−")


def exact_text(number: float) -> str:
    """The number in all the digits that tell it from every other one."""
    return repr(number).removesuffix(".0").replace("e+", "e").replace("-", "−")


def symbol(operand: Any) -> Symbol:
    """A number as a Symbol; a negative one binds like a product."""
    if isinstance(operand, Symbol):
        return operand
    text = number_text(operand)
    return Symbol(text, PRODUCT if text[0] == "−" else POWER if "e" in text else ATOM)


def spelled(rule: Rule, operands: Sequence[Any]) -> Symbol:
    """An operation over some Symbols and numbers, which may be those of ``shown_of``."""
    parts = [symbol(operand) for operand in operands]
    if rule.unspelled:
        return Symbol(f"{rule.name}({parts[0].text})")
    words = [f"({part.text})" if in_brackets(rule, place, part) else part.text for place, part in enumerate(parts)]
    exponent = operands[-1] if rule.name == "pow" else None
    if isinstance(exponent, (int, float)) and abs(exponent) <= LARGEST_RAISED and float(exponent).is_integer():
        return Symbol(words[0] + number_text(exponent).translate(SUPERSCRIPTS), POWER)
    return Symbol(rule.written(words), reading(rule.spelling).precedence)


def in_brackets(rule: Rule, place: int, part: Symbol) -> bool:
    """Whether an operand needs brackets: it binds less strongly than its place asks for, or has a sign behind an operator."""
    needed, signed = reading(rule.spelling).places.get(place, (0, False))
    return part.precedence < needed or (signed and part.text.startswith("−"))


def encloses(rule: Rule) -> bool:
    """Whether no operand ever needs brackets, as those of ``tanh({0})``."""
    return not any(needed for needed, _ in reading(rule.spelling).places.values())


class Reading(NamedTuple):
    """How strongly a spelling binds; and for each of its operands how strongly that must, and whether a sign is in the way."""

    precedence: int
    places: dict[int, tuple[int, bool]]


# How strongly an operator binds, and how strongly what stands to its left and to its right must. At equal strength the right
# operand of − and / needs brackets, and the left one of ^; those of mod, whose place among the others nobody knows, as soon as
# they are sums or products.
OPERATORS = {
    "+": (SUM, SUM, SUM), "−": (SUM, SUM, PRODUCT), "mod": (SUM, POWER, POWER), "·": (PRODUCT, PRODUCT, PRODUCT),
    "/": (PRODUCT, PRODUCT, POWER), "^": (POWER, POWER + 1, POWER), "²": (POWER, POWER + 1, ATOM),
    **dict.fromkeys(",=<>≤≥", (0, 0, 0)),
}  # fmt: skip
SIGN = (PRODUCT, 0, PRODUCT)
RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
TOKEN = re.compile(rf"\{{(\d*)[^}}]*\}}|[{RAISED}]+|mod\b|[^\W{RAISED}]+|\S")
OPENING, CLOSING, EITHER, ENCLOSED = "([⌊⌈", ")]⌋⌉", "|‖", "()"


@cache
def reading(spelling: str) -> Reading:
    """The reading of a spelling, such as ``{0} − {1}``. What stands between brackets of any kind needs none of its own."""
    places: dict[int, tuple[int, bool]] = {}
    levels: list[list[tuple[str, str | None, bool]]] = [[]]
    opened = [("", False)]
    for match in TOKEN.finditer(spelling):
        token, apart = match[0], spelling[: match.start()].endswith(" ")
        if token in OPENING or (token in EITHER and token != opened[-1][0]):
            opened.append((token, apart))
            levels.append([])
        elif (token in CLOSING or token in EITHER) and len(levels) > 1:
            _read(levels.pop(), places)
            levels[-1].append((ENCLOSED, None, opened.pop()[1]))
        else:
            levels[-1].append(("²" if token[0] in RAISED else token, match[1], apart))
    return Reading(_read(levels[0], places), places)


def _read(level: list[tuple[str, str | None, bool]], places: dict[int, tuple[int, bool]]) -> int:
    """How strongly what stands between two brackets binds. What its operands need is entered in ``places``."""
    weakest, before = ATOM, (ATOM, 0, 0)
    bound = [OPERATORS.get(token) for token, _, _ in level]
    for k, (token, place, apart) in enumerate(level):
        left, right = bound[k - 1] if k else before, bound[k + 1] if k + 1 < len(level) else before
        if token == "−" and left is not None:
            bound[k] = SIGN
        weakest = min(weakest, (bound[k] or before)[0])
        if bound[k] is None and left is None and (apart or token != ENCLOSED or level[k - 1][1]):
            weakest = min(weakest, PRODUCT)  # side by side; but a name and its brackets are one thing
        if place:
            needed, signed = places.get(int(place), (0, False))
            sides = left[2] if left else ATOM, right[1] if right else ATOM
            places[int(place)] = max(needed, *sides), signed or sides[0] > 0
    return weakest


def shown_of(rule: Rule, operands: Sequence[Any]) -> list[Any]:
    """The operands that are written out; of many a Symbol ``…`` stands for the rest, in each half of pairs."""
    if rule.arity is not None or len(operands) <= MOST_SPELLED:
        return list(operands)
    half = len(operands) // 2
    starts = (0, half) if rule.paired else (0,)
    return [operand for start in starts for operand in (*operands[start : start + FEW], Symbol(ANYTHING))]


def counted(number: int, thing: str) -> str:
    """``1 Value``, ``1,600 Values``."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


PLURALS = {
    "add": "sums", "sub": "differences", "mul": "products", "div": "quotients", "neg": "negatives", "pow": "powers",
    "mod": "remainders", "abs": "absolute values", "square": "squares", "leaf": "leaves",
}  # fmt: skip


def several(thing: str, number: int) -> str:
    """So many operations, or leaves of a kind: ``4 differences``, ``1 product``, ``16 × tanh``, ``3 parameters``."""
    if thing in rules.TABLE and thing not in PLURALS:
        return f"{number:,} × {thing}"
    plural = PLURALS.get(thing, f"{thing}s")
    return f"{number:,} {plural if number != 1 else plural[:-1] if thing in rules.TABLE else thing}"


def tidy(formula: str) -> str:
    """A number before a bracket needs no sign of multiplication: ``2(a − y)``."""
    return COEFFICIENT.sub(r"\1(", formula)


def partials_text(rule: Rule, *operands: str | Symbol | float) -> list[str]:
    """The partial derivatives of a row in symbols, ``["y", "x"]`` for a product of x and y; numbers stay numbers.

    They are as books write them. What plain numbers cannot do without an exception (``1 / 0``) raises it here too.
    """
    symbols = [Symbol(operand) if isinstance(operand, str) else operand for operand in operands]
    out = rules.apply(rule, tuple(symbols))
    return [tidy(symbol(partial).text) for partial in rule.shown(*symbols, out)]


def by_the_book(node: Value) -> bool:
    """Whether the textbook's partials are what was computed: not where operands tie, nor where they round to nothing."""
    rule = rules.TABLE[node.op]
    if rule.textbook is None:
        return True
    data = [argument.data if isinstance(argument, Value) else argument for argument in node.arguments]
    try:
        written = list(rule.textbook(*data, node.data))
    except (ArithmeticError, ValueError):
        return False
    computed = rule.partials(*data, out=node.data)
    return all(y != y or math.isclose(x, y, rel_tol=1e-6, abs_tol=1e-6) for x, y in zip(written, computed, strict=True))


def _without_neutral(name: str, operands: tuple[Any, ...]) -> Symbol | None:
    """The other operand where one is neutral (x · 1, x^1, x + 0), and 0 for 0 · x."""
    left, right = operands[0], operands[-1]
    numbers = [operand if isinstance(operand, (int, float)) else None for operand in (left, right)]
    if name in ("mul", "mul0") and 0 in numbers:
        return Symbol("0")
    if (name in ("mul", "mul0") and numbers[0] == 1) or (name == "add" and numbers[0] == 0):
        return symbol(right)
    if (name in ("mul", "mul0", "div", "pow") and numbers[1] == 1) or (name in ("add", "sub") and numbers[1] == 0):
        return symbol(left)
    return None
