"""Symbols: every row can be written down, with the brackets that its reading needs."""

import math

import pytest

from autodiff.engine import rules
from autodiff.engine.value import Value
from autodiff.graph.symbols import Symbol, by_the_book, partials_text

a, b, c = Symbol("a"), Symbol("b"), Symbol("c")


@pytest.mark.parametrize("rule", [rule for rule in rules.TABLE.values() if rule.name != "select"], ids=lambda rule: rule.name)
def test_every_row_passes_symbols_through(rule):
    names = ["x", "y", "z", "t"][: rule.arity or 4]
    texts = partials_text(rule, *names)
    assert len(texts) == len(names)
    assert all(texts)


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (a - (b - c), "a − (b − c)"),
        (a - b - c, "a − b − c"),
        ((a + b) * c, "(a + b) · c"),
        (a * b + c, "a · b + c"),
        (a / (b * c), "a / (b · c)"),
        (a * (-b), "a · (−b)"),
        (-(a + b), "−(a + b)"),
        ((a**b) ** c, "(a^b)^c"),
        (2 - a * -3, "2 − a · (−3)"),
        (2**a, "2^a"),
        (a % 3, "a mod 3"),
        (5 % (a % b), "5 mod (a mod b)"),
        (+a, "a"),
        (1 * a, "a"),
        (a**1, "a"),
        (0 + a, "a"),
        (rules.sqrt(a + 1), "√(a + 1)"),
        (rules.tanh(2 * a), "tanh(2 · a)"),
    ],
)
def test_brackets_are_where_they_are_needed(formula, text):
    assert str(formula) == text


def test_partials_are_the_ones_of_the_textbook():
    assert partials_text(rules.TABLE["mul"], "w", "i") == ["i", "w"]
    assert partials_text(rules.TABLE["log"], "x") == ["1 / x"]
    assert partials_text(rules.TABLE["tanh"], "z") == ["1 − tanh(z)²"]


@pytest.mark.parametrize("name", ["div", "atan", "tanh", "sigmoid", "asinh", "softsign", "tan", "erf"])
def test_the_text_means_what_the_numbers_say(name):
    """The written partial, read back as Python, is the partial."""
    rule = rules.TABLE[name]
    point = {"x": 0.3, "y": 1.7}
    operands = list(point.values())[: rule.arity]
    functions = {"exp": math.exp, "tan": math.tan, "tanh": math.tanh, "sqrt": math.sqrt, "σ": lambda x: 1 / (1 + math.exp(-x))}
    expected = rule.partials(*operands, out=rule.value(*operands))
    for text, partial in zip(partials_text(rule, *list(point)[: rule.arity]), expected, strict=True):
        python = text.replace("·", "*").replace("−", "-").replace("|x|", "abs(x)").replace("²", "**2").replace("√", "sqrt")
        assert eval(python, functions | point) == pytest.approx(partial, rel=1e-4)


def test_a_symbol_prints_as_a_call():
    assert repr(a + 1) == "Symbol('a + 1')"


def test_where_the_textbook_divides_by_zero_it_is_not_by_the_book():
    assert by_the_book(Value(0.5).asin())
    assert not by_the_book(Value(1.0).asin())
