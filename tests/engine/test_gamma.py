"""lgamma, digamma, polygamma, and what else is held to two units in the last place: sinc, logaddexp. Their edges."""

import math
import random

import pytest
from mpmath import mp, mpf

import autodiff as ad
from autodiff.engine import gamma, ieee

inf, nan = math.inf, math.nan


def log_gamma(x):
    return mp.loggamma(x).real


def ulps(found, wanted, scale=0.0):
    return float(abs(mpf(found) - wanted) / mpf(max(math.ulp(float(wanted)), math.ulp(scale))))


def drawn(low, high, name, count=150):
    """Points from low to high, evenly, or their logarithms are if they are of very unlike size."""
    generator = random.Random(f"{name} {low} {high}")
    wide = low > 0 and high / low > 1e3
    points = [generator.uniform(*map(math.log, (low, high))) if wide else generator.uniform(low, high) for _ in range(count)]
    return [math.exp(x) for x in points] if wide else points


FUNCTIONS = {
    "lgamma": (gamma.lgamma, log_gamma),
    "digamma": (gamma.digamma, mp.digamma),
    "trigamma": (lambda x: gamma.polygamma(x, 1), lambda x: mp.psi(1, x)),
    "ψ″": (lambda x: gamma.polygamma(x, 2), lambda x: mp.psi(2, x)),
    "ψ‴": (lambda x: gamma.polygamma(x, 3), lambda x: mp.psi(3, x)),
    "sinc": (lambda x: ieee.sinc_order(x, 0), mp.sincpi),
}
ABOVE = [(1e-300, 1e-3), (1e-3, 0.6), (0.6, 1.0), (1.0, 1.5), (1.5, 2.0), (2.0, 2.5), (2.5, 8.0), (8.0, 17.0), (17.0, 1e5)]
NEAR_ZEROS = [(1 - 1e-9, 1 + 1e-9), (2 - 1e-6, 2 + 1e-6), (1.46163, 1.46164)]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("limits", [*ABOVE, *NEAR_ZEROS], ids=str)
def test_two_units_in_the_last_place(name, limits):
    """Of digamma that includes its zero, of lgamma both; of sinc all but the neighbourhood of whole numbers."""
    function, truth = FUNCTIONS[name]
    with mp.workdps(50):
        for x in drawn(*limits, name):
            if name == "sinc" and (x > 1e4 or abs(x - round(x)) < 1e-3):
                continue
            wanted = truth(mpf(x))
            if abs(wanted) < 1e308:
                assert ulps(function(x), wanted) <= 2.0, (name, x)


@pytest.mark.parametrize("name", ["lgamma", "digamma", "trigamma", "ψ″"])
def test_below_zero_units_of_the_terms(name):
    """There are zeros between all the poles below 0; beside them no more than the absolute error is small."""
    function, truth = FUNCTIONS[name]
    with mp.workdps(50):
        for x in [*drawn(-1, 0, name), *drawn(-20, -1, name, 60), *drawn(-300, -20, name, 30)]:
            distance = abs(x - round(x))
            size = {"lgamma": 4.0, "digamma": 4.0, "trigamma": 1.0, "ψ″": 4.0}[name] / distance ** {"ψ″": 3, "trigamma": 2}.get(
                name, 1
            )
            assert ulps(function(x), truth(mpf(x)), scale=size) <= 4.0, (name, x)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_derivatives_of_sinc(order):
    def truth(x):
        return mp.diff(mp.sincpi, x, order)

    with mp.workdps(60):
        for x in [*drawn(0, 3, order, 60), *drawn(-1e-3, 1e-3, order, 20)]:
            assert ulps(ieee.sinc_order(x, order), truth(mpf(x))) <= 1.0, x
        for x in drawn(3, 12, order, 40):
            assert ulps(ieee.sinc_order(x, order), truth(mpf(x)), scale=1.0) <= 3.0, x


def test_logaddexp_near_its_zeros_too():
    """log(eˣ + eʸ) is 0 along a curve, where the sum of the exponentials is 1."""
    generator = random.Random(3)
    with mp.workdps(60):
        for _ in range(1000):
            x = generator.uniform(-1, 1) * generator.choice([1.0, 3.0, 30.0, 700.0])
            y = generator.uniform(-1, 1) * generator.choice([1.0, 3.0, 30.0])
            if generator.random() < 0.5 and -40 < x < 0:
                y = math.log(-math.expm1(x)) * (1 + generator.gauss(0, 1) * 10 ** generator.uniform(-12, -1))
            wanted = mp.log(mp.exp(x) + mp.exp(y))
            for found in (ad.logaddexp(x, y), ad.logaddexp(y, x)):
                assert ulps(found, wanted) <= 2.0, (x, y)


def test_three_orders_through_the_rows():
    derivative = ad.lgamma
    with mp.workdps(50):
        for order in range(4):
            for x in drawn(0.1, 20.0, "orders", 60):
                wanted = log_gamma(mpf(x)) if order == 0 else mp.psi(order - 1, mpf(x))
                assert ulps(derivative(x), wanted) <= 2.0, (order, x)
            derivative = ad.grad(derivative)
    x = ad.Value(-2.5)
    x.lgamma().backward()
    assert x.grad == x.digamma().data == pytest.approx(1.1031566406452431)


EDGES = {
    ad.lgamma: {
        0.0: inf,
        -1.0: inf,
        -1e17: inf,
        inf: inf,
        -inf: inf,
        1.0: 0.0,
        2.0: 0.0,
        5e-324: 744.4400719213812,
        1e308: inf,
    },
    ad.digamma: {
        0.0: -inf,
        -1.0: nan,
        -7.0: nan,
        -inf: nan,
        inf: inf,
        1.0: -0.5772156649015329,
        5e-324: -inf,
        1e9: 20.72326583644641,
    },
    ad.grad(ad.digamma): {0.0: inf, -1.0: inf, inf: 0.0, -inf: nan, 1.0: math.pi**2 / 6, 1e300: 1e-300},
    ad.grad(ad.grad(ad.digamma)): {0.0: -inf, -1.0: nan, inf: 0.0, -inf: nan},
}


def test_edges():
    for function, table in EDGES.items():
        for x, wanted in table.items():
            found = function(x)
            assert found == pytest.approx(wanted, rel=1e-15, nan_ok=True), (function, x)
        assert math.isnan(function(nan))
    assert ad.digamma(-0.0) == inf
    assert gamma.polygamma(1.0, 31) != gamma.polygamma(1.0, 31)


def test_lgamma_in_c(tmp_path):
    ad.compile(lambda x: ad.lgamma(x) * 2).to_c(tmp_path / "g.c", 3.0)
    assert "lgamma(v[" in (tmp_path / "g.c").read_text()


def test_the_derivatives_are_written_as_the_field_writes_them():
    x = ad.Value(0.7, "x")
    y = ad.digamma(x) ** 2
    y.backward()
    assert "2 · ψ(x) · ψ^(1)(x)" in str(ad.explain(y, x))
    assert "ψ^{(1)}(x)" in ad.explain(y, x)._repr_latex_()
