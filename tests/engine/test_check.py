"""check_gradients: right derivatives pass, planted wrong ones are caught and named."""

import math

import numpy as np
import pytest

import autodiff as ad
from autodiff import check_gradients, nn
from autodiff.engine import rules
from autodiff.engine.rules import TABLE


def off(x, error):
    """x, with a derivative that is wrong by a factor 1 + error."""
    return x + error * (x - x.data) if isinstance(x, ad.Value) else x


def test_right_gradients_pass_and_the_largest_error_comes_back():
    assert check_gradients(lambda x: x**3, 2.0) < 1e-12
    assert check_gradients(lambda x, y: ad.sin(x) * y, 0.3, 2.0) < 1e-9
    assert check_gradients(lambda d, y: [d["w"] * y[0] ** 2, y.sum()], {"w": 2.0}, np.array([1.0, 3.0])) < 1e-12
    assert check_gradients(lambda: 3.0) == 0.0
    assert check_gradients(lambda x: 3.0, 1.0) == 0.0


def test_a_network_passes_as_a_function_of_its_inputs():
    model = nn.MLP(3, [4, 2], "tanh", seed=3)
    assert check_gradients(model, [0.3, -0.2, 0.9]) < 1e-8


@pytest.mark.parametrize("error", [1.0, 0.1, 1e-4])
def test_a_planted_error_is_caught_at_first_and_second_order(error):
    right = lambda x, y: ad.sin(x) * ad.exp(y)  # noqa: E731
    wrong = lambda x, y: ad.sin(off(x, error)) * ad.exp(y)  # noqa: E731
    check_gradients(right, 0.7, -0.4)
    check_gradients(ad.grad(right), 0.7, -0.4)
    with pytest.raises(ad.GradientMismatch) as raised:
        check_gradients(wrong, 0.7, -0.4)
    assert raised.value.entry == "∂f/∂args[0]"
    assert raised.value.relative_error == pytest.approx(error / (1 + error), rel=1e-3)
    with pytest.raises(ad.GradientMismatch):
        check_gradients(ad.grad(wrong), 0.7, -0.4)


def test_where_f_runs_on_complex_numbers_an_error_of_1e_10_is_caught():
    assert check_gradients(lambda x: x * x / (1 + x), 0.3) < 1e-14
    with pytest.raises(ad.GradientMismatch, match="by complex step"):
        check_gradients(lambda x: off(x, 1e-10) ** 2, 0.3)
    check_gradients(lambda x: np.sin(x).sum() * x[0], np.array([0.4, 2.0]), rtol=1e-13)


def test_complex_numbers_are_not_believed_where_they_go_wrong():
    """|z|² of a complex step is real, as if the derivative were 0."""
    assert check_gradients(lambda x: abs(x) ** 2, 3.0) < 1e-9


def test_the_worst_entry_is_named_with_both_numbers():
    def f(params, x):
        return [params["w"][0] * x + params["w"][1], off(params["b"], 0.5) * x, off(params["b"], 0.1)]

    message = (
        r"∂f\[1\]/∂args\[0\]\['b'\] is 3\.0\d* by the rules and 2\.\d+ by .*: relative error 0\.33; 2 of 12 derivatives differ"
    )
    with pytest.raises(ad.GradientMismatch, match=message):
        check_gradients(f, {"w": (1.0, 2.0), "b": 0.5}, 2.0)


def test_argnums_leaves_the_others_out():
    def f(x, mode):
        assert mode == "mode"
        return x * x

    assert check_gradients(f, 2.0, "mode", argnums=0) < 1e-12
    with pytest.raises(ad.GradientMismatch):
        check_gradients(lambda x, y: off(x, 1.0) * y, 1.0, 2.0)
    assert check_gradients(lambda x, y: off(x, 1.0) * y, 1.0, 2.0, argnums=(1,)) < 1e-9


@pytest.mark.parametrize(("f", "x"), [(ad.sqrt, 0.0), (ad.log, -1.0), (lambda x: 1 / x, 0.0), (lambda x: x * math.nan, 1.0)])
def test_a_derivative_that_is_not_finite_is_a_mismatch(f, x):
    with pytest.raises(ad.GradientMismatch):
        check_gradients(f, x)


def test_a_kink_is_a_mismatch():
    with pytest.raises(ad.GradientMismatch, match=r"is 0\.0 by the rules and 0\.5"):
        check_gradients(ad.relu, 0.0)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("rate", [1e-3, 1.0, 1e3])
def test_functions_of_any_size_and_steepness_are_judged_alike(scale, rate):
    f = lambda x: scale * ad.sin(rate * x)  # noqa: E731
    check_gradients(f, 0.3)
    with pytest.raises(ad.GradientMismatch):
        check_gradients(lambda x: scale * ad.sin(rate * off(x, 1e-3)), 0.3)


@pytest.mark.parametrize(
    ("f", "x"),
    [(ad.log, 1e-6), (ad.sqrt, 1e-5), (lambda x: 1 / x, 1e-5), (lambda x: 1 / x, 1e-8), (ad.sin, 1e5), (ad.log, 1e-100),
     (ad.asin, 1 - 1e-8), (ad.asin, -1 + 1e-8), (ad.acos, 1 - 1e-8), (ad.atanh, 1 - 1e-8), (ad.acosh, 1 + 1e-8),
     (lambda x: x * x, 1e100),
     (ad.exp, 300.0), (lambda x: 1 / x, 1e17), (lambda x: ad.sin(1 / x), 1e-3), (ad.log, 1e8)],
)  # fmt: skip
def test_right_rules_pass_near_a_pole_and_far_out(f, x):
    check_gradients(f, x)
    with pytest.raises(ad.GradientMismatch):
        check_gradients(lambda x: f(off(x, 1e-3)), x)


def test_a_wrong_row_of_the_table_is_caught():
    wrong = rules.op(
        "wrong_square", 1, lambda x: x * x, lambda x, out: (2 * x + 1e-4,), "{0}²", "a square with a wrong partial"
    )
    del TABLE["wrong_square"]
    with pytest.raises(ad.GradientMismatch):
        check_gradients(wrong, 1.5)
