"""What people who know NumPy, SciPy and JAX write on their first day."""

import math

import numpy as np
import pytest

import autodiff as ad


def test_a_function_of_numbers_goes_over_an_array():
    x = np.array([[0.0, 1.0], [2.0, -3.0]])
    assert ad.exp(x).tolist() == [[ad.exp(float(v)) for v in row] for row in x]
    assert ad.exp(x).dtype == float
    assert ad.hypot(x, 4.0).shape == ad.elu(x).shape == (2, 2)
    assert ad.atan2(np.array([1.0, 2.0]), np.array([[1.0], [2.0], [3.0]])).shape == (3, 2)
    assert ad.exp(np.array([])).shape == (0,)
    assert ad.exp(np.float64(1.0)) == ad.exp(np.array(1.0)) == ad.exp(1.0)
    with pytest.raises(TypeError):
        ad.exp([1.0, 2.0])


def test_choices_and_limits_go_over_arrays_too():
    x = np.array([-2.0, 0.5, 3.0])
    assert ad.maximum(x, 0.0).tolist() == ad.where(x > 0, x, 0.0).tolist() == [0.0, 0.5, 3.0]
    assert ad.minimum(x, x[::-1]).tolist() == [-2.0, 0.5, -2.0]
    assert ad.clip(x, low=-1.0, high=np.array([1.0, 0.0, 9.0])).tolist() == [-1.0, 0.0, 3.0]
    assert ad.hypot(x, 2.0, 1.0).tolist() == [3.0, ad.hypot(0.5, 2.0, 1.0), ad.hypot(3.0, 2.0, 1.0)]
    assert ad.grad(lambda x: ad.clip(ad.where(x > 0, x**2, ad.maximum(x, -1.0)), -5, 5).sum())(x).tolist() == [0.0, 1.0, 0.0]
    f = ad.compile(lambda x: ad.where(x > 0, x**2, -x).sum())
    assert (f(x), f(-x)) == (11.25, 7.5)
    assert ad.maximum.__doc__.startswith("The larger of two")


def test_an_array_of_values_gives_an_array_of_values():
    x = np.array([ad.Value(0.5), 2.0], dtype=object)  # and of plain numbers
    y = ad.sqrt(x)
    y[0].backward()
    assert (x[0].grad, y[1]) == (0.5 / math.sqrt(0.5), math.sqrt(2.0))
    assert ad.grad(lambda x: ad.tanh(x).sum())(np.zeros(3)).tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("shape", [(1,), (1, 1)])
def test_one_number_in_an_array_is_one_number(shape):
    value, gradient = ad.value_and_grad(lambda x: (x.reshape(1, -1) @ x.reshape(-1, 1)).reshape(shape))(np.array([1.0, 2.0]))
    assert (value, gradient.tolist()) == (5.0, [2.0, 4.0])
    with pytest.raises(TypeError, match="must return one number, not an array of shape"):
        ad.grad(lambda x: x)(np.array([1.0, 2.0]))


@pytest.mark.parametrize("point", [2.0, np.array([1.0, 2.0]), [1.0, 2.0], {"w": 1.0}, ad.Value(1.0)])
def test_a_point_in_the_place_of_argnums(point):
    with pytest.raises(TypeError, match=r"grad\(f\) is a function of its own: grad\(f\)\(x\) is the derivative at x"):
        ad.grad(lambda x: x * x, point)


def test_float32_in_float32_out():
    x = np.array([0.5, 0.25], dtype=np.float32)
    gradient = ad.grad(lambda x: (x**2).sum())(x)
    assert (gradient.dtype, gradient.tolist()) == (np.float32, [1.0, 0.5])
    assert ad.grad(lambda x: (x**2).sum())(x.astype(float)).dtype == np.float64
    both = ad.grad(lambda p: (p["a"] * p["b"]).sum())({"a": x, "b": np.ones(2)})
    assert (both["a"].dtype, both["b"].dtype) == (np.float32, np.float64)
    assert ad.hvp(lambda x: (x**3).sum(), x, np.ones(2)).tolist() == [3.0, 1.5]
    second = ad.grad(lambda x: ad.grad(lambda x: (x**3).sum())(x).sum())(x)
    assert (second.dtype, second.tolist()) == (np.float32, [3.0, 1.5])


def test_ufuncs_over_values():
    x = np.array([ad.Value(30.0), ad.Value(-2.5)])
    for function in (np.exp2, np.fabs, np.deg2rad, np.radians, np.rad2deg, np.degrees, np.rint):
        assert [v.data for v in function(x)] == pytest.approx(list(function(np.array([30.0, -2.5]))))
    assert [v.data for v in x // 7] == [4.0, -1.0]
    assert [(q.data, r.data) for q, r in (divmod(v, 7) for v in x)] == [(4.0, 2.0), (-1.0, 4.5)]
    q, r = divmod(17, ad.Value(5.0))
    r.backward()
    assert (q.data, r.data) == (3.0, 2.0)
    assert (17 // ad.Value(5.0))._op == "//"


ROWS = {
    "exp2": 0.7 * math.log(2) * 0 + 2**0.7 * math.log(2),
    "rsqrt": -0.5 * 0.7**-1.5,
    "sinc": math.cos(math.pi * 0.7) / 0.7 - math.sin(math.pi * 0.7) / (math.pi * 0.49),
    "logit": 1 / 0.21,
    "log_sigmoid": 1 / (1 + math.exp(0.7)),
    "hard_tanh": 1.0,
    "hard_sigmoid": 1 / 6,
    "celu": 1.0,
    "erfinv": math.sqrt(math.pi) / 2 * math.exp(0.7328690779592168**2),
    "floor": 0.0,
    "ceil": 0.0,
    "round": 0.0,
}


@pytest.mark.parametrize("name", ROWS)
def test_rows_that_people_ask_for(name):
    x = ad.Value(0.7)
    getattr(ad, name)(x).backward()
    assert x.grad == pytest.approx(ROWS[name])
    assert getattr(x, name)().data == getattr(ad, name)(0.7)


def test_their_edges():
    inf, nan = math.inf, math.nan
    assert [ad.round(x) for x in (0.5, 1.5, -2.5, 2.6, inf)] == [0.0, 2.0, -2.0, 3.0, inf]
    assert math.copysign(1, ad.ceil(-0.5)) == -1
    assert (ad.sinc(0.0), ad.sinc(3.0), ad.sinc(inf)) == (1.0, 0.0, 0.0)
    assert ad.grad(ad.grad(ad.sinc))(0.0) == pytest.approx(-(math.pi**2) / 3)
    assert (ad.logit(0.0), ad.logit(1.0), ad.logit(0.5)) == (-inf, inf, 0.0)
    assert math.isnan(ad.logit(1.5))
    assert ad.log_sigmoid(-1000.0) == -1000.0
    assert (ad.logaddexp(-inf, -inf), ad.logaddexp(1000.0, 1000.0)) == (-inf, 1000.0 + math.log(2))
    assert (ad.rsqrt(0.0), ad.rsqrt(inf)) == (inf, 0.0)
    assert (ad.hard_tanh(5.0), ad.hard_sigmoid(-5.0), ad.exp2(2000.0)) == (1.0, 0.0, inf)
    assert (ad.erfinv(1.0), ad.erfinv(-1.0), ad.erfinv(0.0)) == (inf, -inf, 0.0)
    assert math.isnan(ad.erfinv(1.5))
    assert ad.grad(ad.hard_tanh)(1.0) == 0.0
    assert all(math.isnan(getattr(ad, name)(nan)) for name in ROWS)
    assert math.isnan(ad.logaddexp(nan, inf))
