"""Expressions mean what Python would mean, on IEEE numbers, and nothing else is let in."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodiff.errors import DebuggerError
from autodiff.graph.expressions import Expression

NUMBERS = {"data": 2.0, "grad": -0.5, "w1.grad": 3.0}


@pytest.mark.parametrize(
    "text",
    ["1 + 2 * data", "-grad ** 2", "data > 1 > grad", "not data < 1 or grad > 0", "abs(grad) % 0.3", "max(data, grad, 1)",
     "1 < 2 < 3 != 4", "1 < 3 < 2", "3 < 2 < 4", "1 < 2 < 3 < 3", "1 < 2 != 2",
     "(data - 1) / (grad + 1)", "+data", "data == 2", "min(1, 2) <= 1"],
)  # fmt: skip
def test_it_is_worth_what_python_says(text):
    assert Expression(text, NUMBERS).value(NUMBERS.__getitem__) == float(eval(text, {}, NUMBERS))


def test_ieee_edges_and_the_functions_of_the_table():
    def value(text):
        return Expression(text, NUMBERS).value(NUMBERS.__getitem__)

    assert value("1 / 0") == math.inf
    assert math.isnan(value("(-4) ** 0.5"))
    assert value("9.0 ** 9 ** 9 ** 9") == math.inf
    assert value("isnan(nan) and isinf(-inf) and isfinite(data)") == 1.0
    assert value("tanh(w1.grad)") == math.tanh(3.0)
    assert value("dot(1, 2, 3, 4)") == 11.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an expression is missing"),
        ("grad >", "'grad >' is no expression: .*write arithmetic and comparisons over data, grad"),
        ("gradient > 1", "no 'gradient' in a condition; there are data, grad"),
        ("__import__('os').system('true')", "not allowed here"),
        ("data.__class__", "no 'data.__class__' in a condition"),
        ("().__class__", "not allowed here"),
        ("[x for x in 1]", "not allowed here"),
        ("lambda: 1", "not allowed here"),
        ("(a := 1)", "not allowed here"),
        ("data if grad else 1", "not allowed here"),
        ("data // 2", "not allowed here"),
        ("1 << 1000", "not allowed here"),
        ("'text' > 1", "not allowed here"),
        ("1j", "not allowed here"),
        ("data[0]", "not allowed here"),
        ("eval(1)", r"no function 'eval'; there are isnan, isinf, isfinite, add"),
        ("greatest(1)", "no function 'greatest'"),
        ("abs()", r"abs\(\) takes 1 and was given 0"),
        ("abs(1, 2)", r"abs\(\) takes 1 and was given 2"),
        ("max()", r"max\(\) takes at least 1"),
        ("dot(1, 2, 3)", "even number"),
        ("abs(x=1)", "no function|not allowed"),
        ("abs(*data)", "not allowed here"),
        ("1" + "0" * 190 + "0" * 8 + "+" , "no expression"),
        ("1" * 400, "at most 200 characters; this one has 400"),
        ("(" * 199, "is no expression"),
        ("data\x00", "is no expression"),
        ("data; grad", "is no expression"),
    ],
)  # fmt: skip
def test_everything_else_is_an_error_that_says_what_there_is(text, message):
    with pytest.raises(DebuggerError, match=message):
        Expression(text, NUMBERS)


@given(st.text(max_size=60))
def test_any_text_is_an_expression_or_an_error_of_ours(text):
    try:
        value = Expression(text, NUMBERS).value(NUMBERS.__getitem__)
    except DebuggerError:
        return
    assert isinstance(value, float)


@given(st.text(alphabet="()[]{}.,+-*/%<>=! data12e9'\"\n", max_size=60))
def test_any_text_of_such_signs_is_an_expression_or_an_error_of_ours(text):
    try:
        value = Expression(text).value(lambda name: 1.0)
    except DebuggerError:
        return
    assert isinstance(value, float)
