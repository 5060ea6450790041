"""Symbol: what passes through the rules to be written down instead of computed, ``4 · σ(2 · x) · σ(−2 · x)``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autodiff.engine import rules
from autodiff.engine.rules import Rule

ATOM = 9  # the precedence of what never needs brackets


class Symbol:
    """A piece of formula: its text, and how strongly its outermost operation binds.

    Arithmetic and the functions of the table on Symbols give Symbols. Numbers are written with up to 6 significant digits;
    a factor 1, an exponent 1 and a summand 0 are left out.
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
        neutral = _without_neutral(rule.name, operands)
        if neutral is not None:
            return neutral
        parts = [_symbol(operand) for operand in operands]
        if rule.arity is None:
            return Symbol(rule.written([part.text for part in parts]), rule.precedence)
        if rule.precedence == ATOM or rule.spelling == "{0}":
            precedence = parts[0].precedence if rule.spelling == "{0}" else ATOM
            return Symbol(rule.written([part.text for part in parts]), precedence)
        return Symbol(rule.written(list(_bracketed(rule, parts))), rule.precedence)

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

    def __neg__(self) -> Symbol:
        return self._record(rules.TABLE["neg"], (self,))


def _symbol(operand: Any) -> Symbol:
    """A number as a Symbol; a negative one binds like a product."""
    if isinstance(operand, Symbol):
        return operand
    text = f"{operand:.6g}".replace("-", "−")
    return Symbol(text, rules.TABLE["neg"].precedence if operand < 0 else ATOM)


def number_text(number: float) -> str:
    """The number in at most five significant digits, with a real minus sign: ``−0.1235``, ``6.022e23``, ``nan``."""
    mantissa, e, exponent = f"{number:.5g}".partition("e")
    return (f"{mantissa}e{int(exponent)}" if e else mantissa).replace("-", "−")


def _without_neutral(name: str, operands: tuple[Any, ...]) -> Symbol | None:
    """The other operand where one is neutral (x · 1, x^1, x + 0), and 0 for 0 · x."""
    left, right = operands[0], operands[-1]
    numbers = [operand if isinstance(operand, (int, float)) else None for operand in (left, right)]
    if name in ("mul", "mul0") and 0 in numbers:
        return Symbol("0")
    if (name in ("mul", "mul0") and numbers[0] == 1) or (name == "add" and numbers[0] == 0):
        return _symbol(right)
    if (name in ("mul", "mul0", "div", "pow") and numbers[1] == 1) or (name in ("add", "sub") and numbers[1] == 0):
        return _symbol(left)
    return None


def _bracketed(rule: Rule, parts: list[Symbol]) -> Iterable[str]:
    """The operands of an infix operation, in brackets where they bind less strongly than it.

    At equal strength the right operand of − and / needs them, and the left one of ^; those of mod, whose place
    among the others nobody knows, as soon as they are sums or products.
    """
    for place, part in enumerate(parts):
        left = rule.name in ("pow", "power_slope", "power_log")
        tight = place == (0 if left else 1) and (left or rule.name in ("sub", "div", "div0"))
        least = 3 if rule.name == "mod" else rule.precedence
        needs = part.precedence < least or (tight and part.precedence == least)
        yield f"({part.text})" if needs or (place > 0 and part.text.startswith("−")) else part.text


def partials_text(rule: Rule, *operands: str | float) -> list[str]:
    """The partial derivatives of a row in symbols, ``["y", "x"]`` for a product of x and y; numbers stay numbers.

    What plain numbers cannot do without an exception (``1 / 0``) raises it here too.
    """
    symbols = [Symbol(operand) if isinstance(operand, str) else operand for operand in operands]
    out = rules.apply(rule, tuple(symbols))
    return [_symbol(partial).text for partial in rule.derivatives(*symbols, out)]
