"""Symbols: every row can be written down, with the brackets that its reading needs."""

import dataclasses
import math
import re

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


# ---- every spelling within every other --------------------------------------------------------------------------------------

POINT = {"a": 1.3, "b": 2.1, "c": 0.7}
PARTS = [
    lambda x, y: x,
    lambda x, y: 3,
    lambda x, y: -3,
    lambda x, y: -x,
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: x / y,
    lambda x, y: x**2,
    lambda x, y: x**y,
    lambda x, y: x % y,
    lambda x, y: abs(x),
    lambda x, y: rules.rsqrt(x),
    lambda x, y: rules.exp2(x),
    lambda x, y: rules.log_sigmoid(x),
]
AROUND = [
    lambda s, z: s,
    lambda s, z: -s,
    lambda s, z: s + z,
    lambda s, z: z + s,
    lambda s, z: s - z,
    lambda s, z: z - s,
    lambda s, z: s * z,
    lambda s, z: z * s,
    lambda s, z: s / z,
    lambda s, z: z / s,
    lambda s, z: s**2,
    lambda s, z: s**z,
    lambda s, z: z**s,
    lambda s, z: s % z,
    lambda s, z: z % s,
    lambda s, z: rules.exp2(s),
]
SPELLED_OUT = (
    "add", "sub", "mul", "div", "neg", "pow", "mod", "exp2", "rsqrt", "mul0", "div0", "sech2", "cosquare", "power_slope",
    "power_log", "quotient", "log_sigmoid", "floor", "at_least", "greater",
)  # fmt: skip


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


NAMES = {"sqrt": math.sqrt, "log": math.log, "floor": math.floor, "max": max, "sigmoid": sigmoid} | POINT
LOWERED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
NAMES["log_sigmoid"] = lambda x: math.log(sigmoid(x))
PYTHON = {
    "·": "*", "−": "-", "^": "**", " mod ": " % ", "√": "sqrt", "log σ": "log_sigmoid", "σ": "sigmoid", "⌊": "floor(",
    "⌋": ")", "[": "(", "]": ")",
}  # fmt: skip


def read_back(text):
    for written, python in PYTHON.items():
        text = text.replace(written, python)
    text = re.sub("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda power: f"**({power[0].translate(LOWERED)})", text)
    return re.sub(r"\|([^|]*)\|", r"abs(\1)", text)


@pytest.mark.parametrize("name", SPELLED_OUT)
def test_what_is_written_is_read_as_what_is_meant_within_anything_and_around_anything(name):
    rule = rules.TABLE[name]
    first, *others = PARTS
    pairs = [(first, second) for second in PARTS] + [(left, lambda x, y: y) for left in others]
    for parts in pairs if rule.arity == 2 else [(part,) for part in PARTS]:
        inner = [part(a, b) for part in parts]
        for around in AROUND if any(isinstance(part, Symbol) for part in inner) else ():
            text = str(around(rules.apply(rule, tuple(inner)), c))
            numbers = tuple(float(part(POINT["a"], POINT["b"])) for part in parts)
            try:
                wanted = around(rules.apply(rule, numbers), POINT["c"])
                read = eval(read_back(text), NAMES)
            except (ArithmeticError, ValueError, TypeError):  # the root of a negative number, or a division by 0
                continue
            if not isinstance(wanted, complex) and math.isfinite(wanted):
                assert read == pytest.approx(wanted, rel=1e-9, abs=1e-9), text


@pytest.mark.parametrize(
    ("spelling", "text"),
    [
        ("{0}²", "c / ((a + b)² + 1)²"),
        ("√{0}", "c / (√(a + b) + 1)²"),
        ("log cosh {0}", "c / (log cosh (a + b) + 1)²"),
        ("|{0}|", "c / (|a + b| + 1)²"),
        ("{0} ⊕ 1", "c / ((a + b) ⊕ 1 + 1)²"),
    ],
)
def test_a_spelling_of_ones_own_gets_its_brackets_too(spelling, text):
    own = dataclasses.replace(rules.TABLE["tanh"], spelling=spelling)
    assert str(c / (rules.apply(own, (a + b,)) + 1) ** 2) == text


def test_a_name_and_what_it_is_applied_to_are_bracketed_before_they_are_raised():
    written = [str(f(a) ** 2) for f in (rules.lgamma, rules.log_sigmoid, rules.erfinv, rules.tanh, rules.abs)]
    assert written == ["(log |Γ(a)|)²", "(log σ(a))²", "(erf⁻¹(a))²", "tanh(a)²", "|a|²"]
    assert str(-rules.neg(a)) == "−(−a)"
    assert str(rules._dot(a, b, c, a) / b) == "(a, b) · (c, a) / b"
