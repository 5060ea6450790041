"""What books write for a derivative is, but for rounding and ties, what the table computes."""

import math
import random

import pytest

from autodiff.engine import functions, rules
from autodiff.engine.value import Value
from autodiff.explain import explain
from autodiff.graph.symbols import by_the_book, partials_text

WRITTEN = sorted(name for name, rule in rules.TABLE.items() if rule.textbook)


def operands_of(rule: rules.Rule, rng: random.Random) -> list[float]:
    if rule.name == "acosh":
        return [rng.uniform(1.1, 3)]
    bound = 0.95 if rule.name in ("asin", "acos", "atanh") else 4.0
    return [rng.uniform(-bound, bound) for _ in range(rule.arity or rng.randint(1, 5))]


@pytest.mark.parametrize("name", WRITTEN)
def test_the_textbook_form_has_the_same_numbers(name: str) -> None:
    rule, rng = rules.TABLE[name], random.Random(name)
    for _ in range(200):
        operands = operands_of(rule, rng)
        out = rule.value(*operands)
        written = [float(x) for x in rule.textbook(*operands, out)]  # type: ignore[misc]
        assert written == pytest.approx(rule.partials(*operands, out=out), rel=1e-10, abs=1e-13)


def test_the_well_known_ones_are_written_as_everybody_knows_them() -> None:
    assert {"tanh", "sigmoid", "relu", "max", "min", "at_least", "at_most"} <= set(WRITTEN)
    for name, written in {
        "tanh": "1 − tanh(x)²", "sigmoid": "σ(x) · (1 − σ(x))", "relu": "[x > 0]", "asin": "1 / √(1 − x²)",
        "atan": "1 / (1 + x²)", "softsign": "1 / (1 + |x|)²", "log": "1 / x", "at_least": "[x > y]",
    }.items():  # fmt: skip
        rule = rules.TABLE[name]
        assert partials_text(rule, *"xy"[: rule.arity])[0] == written


def test_what_is_written_never_says_another_number_than_what_was_computed() -> None:
    x, y = Value(1.0, "x"), Value(1.0, "y")
    assert not by_the_book(functions.max(x, y))  # each has half of the derivative
    assert by_the_book(functions.max(x, 2 * y))
    loss = functions.max(x, y)
    loss.backward()
    assert "≥" not in str(explain(loss, x))
    far = Value(20.0, "z")
    slope = math.fsum(far.tanh().partials)
    assert slope > 0 == 1 - far.tanh().data ** 2  # the exact form computes


def test_the_exact_form_computes_higher_derivatives_too() -> None:
    from autodiff.engine.differentiate import grad

    assert grad(grad(functions.tanh))(20.0) == pytest.approx(-2 * 4 * math.exp(-40), rel=1e-9)
