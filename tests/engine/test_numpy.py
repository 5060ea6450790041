"""NumPy's scalars as numbers, and object arrays of Values under NumPy's functions."""

import math

import pytest

from autodiff.engine import functions
from autodiff.engine.value import Value

np = pytest.importorskip("numpy")


def array(*numbers):
    return np.array([Value(x) for x in numbers], dtype=object)


def data(xs):
    return [x.data for x in xs]


SCALARS = [np.float64(2), np.float32(2), np.float16(2), np.int64(2), np.uint8(2), np.array(2.0), np.array(2)]


@pytest.mark.parametrize("number", SCALARS, ids=lambda number: type(number).__name__ + str(number.dtype))
def test_a_numpy_number_is_a_number(number):
    x = Value(3.0)
    assert type(Value(number).data) is float
    assert Value(number).data == 2.0
    for out, wanted in [
        (number * x, 6.0), (x * number, 6.0), (number + x, 5.0), (x - number, 1.0), (number - x, -1.0),
        (x / number, 1.5), (number / x, 2 / 3), (x**number, 9.0), (number**x, 8.0), (x % number, 1.0),
        (functions.hypot(x, number), math.hypot(3, 2)), (functions.sum([x, number]), 5.0), (functions.max(number, x), 3.0),
    ]:  # fmt: skip
        assert type(out) is Value
        assert type(out.data) is float
        assert out.data == wanted
    assert (number < x, x > number, number > x, x <= number) == (True, True, False, False)


def test_a_numpy_bool_is_a_number():
    assert (Value(3.0) * np.True_).data == 3.0
    assert functions.where(np.float64(1) > 0, Value(1.0), 2).data == 1.0


@pytest.mark.parametrize("wrong", [np.complex128(1j), np.complex64(1j), np.str_("1"), np.array([1.0]), np.array([[1.0]])])
def test_what_is_no_real_number_is_refused(wrong):
    with pytest.raises(TypeError, match=r"takes a real number"):
        Value(wrong)


def test_gradients_through_numpy_scalars():
    x = Value(3.0)
    (np.float64(2) * x * np.float32(0.5) + np.int32(1)).backward()
    assert x.grad == 1.0


def test_written_data_may_be_a_numpy_number():
    x = Value(1.0)
    x.data = np.float32(2.5)
    x.grad = np.float64(0.5)
    assert type(x.data) is type(x.grad) is float
    assert type((x * 2).data) is float
    x.data = 0.0
    assert (1 / x).data == math.inf


@pytest.mark.parametrize("of", [lambda a, x: a * x, lambda a, x: x * a], ids=["array * x", "x * array"])
def test_an_array_and_a_value_go_element_by_element(of):
    x = Value(3.0)
    out = of(np.array([1.0, 2.0, 4.0]), x)
    assert isinstance(out, np.ndarray)
    assert data(out) == [3.0, 6.0, 12.0]
    functions.sum(out).backward()
    assert x.grad == 7.0


@pytest.mark.parametrize(
    ("of", "wanted"),
    [
        (lambda a, x: a + x, [4.0, 5.0]),
        (lambda a, x: x - a, [2.0, 1.0]),
        (lambda a, x: a - x, [-2.0, -1.0]),
        (lambda a, x: x / a, [3.0, 1.5]),
        (lambda a, x: a / x, [1 / 3, 2 / 3]),
        (lambda a, x: x**a, [3.0, 9.0]),
        (lambda a, x: a**x, [1.0, 8.0]),
        (lambda a, x: x % a, [0.0, 1.0]),
    ],
)
def test_all_operators_with_an_array_of_floats_and_of_values(of, wanted):
    assert data(of(np.array([1.0, 2.0]), Value(3.0))) == wanted
    assert data(of(array(1.0, 2.0), Value(3.0))) == wanted
    assert data(of(array(1.0, 2.0), 3.0)) == wanted


def test_dot_sum_mean_and_matrix_product():
    xs, ys = array(1.0, 2.0), array(3.0, 4.0)
    out = np.dot(xs, ys)
    assert out.data == 11.0
    out.backward()
    assert [x.grad for x in xs] == [3.0, 4.0]
    assert np.dot(xs, [3.0, 4.0]).data == 11.0
    assert (xs @ np.array([3.0, 4.0])).data == 11.0
    assert data(np.array([[1.0, 2.0], [3.0, 4.0]]) @ xs) == [5.0, 11.0]
    assert xs.sum().data == 3.0
    assert xs.mean().data == 1.5
    assert np.prod(xs).data == 2.0


UNARY = [
    "exp",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "sqrt",
    "cbrt",
    "sin",
    "cos",
    "tan",
    "arcsin",
    "arccos",
    "arctan",
    "sinh",
    "cosh",
    "tanh",
    "arcsinh",
    "arctanh",
    "negative",
    "absolute",
]


@pytest.mark.parametrize("name", UNARY)
def test_numpys_functions_take_an_array_of_values(name):
    function = getattr(np, name)
    out = function(array(0.25, 0.75))
    assert data(out) == pytest.approx(function(np.array([0.25, 0.75])).tolist(), rel=1e-14)
    assert all(isinstance(x, Value) for x in out)
    h = 1e-6
    slopes = (function(np.array([0.25, 0.75]) + h) - function(np.array([0.25, 0.75]) - h)) / (2 * h)
    assert [sum(x.partials) for x in out] == pytest.approx(slopes.tolist(), rel=1e-8)


@pytest.mark.parametrize(("name", "point"), [("arccosh", 1.75), ("square", 3.0), ("positive", 2.0), ("reciprocal", 4.0)])
def test_more_of_numpys_functions(name, point):
    function = getattr(np, name)
    (out,) = function(array(point))
    assert out.data == pytest.approx(float(function(point)), rel=1e-15)


@pytest.mark.parametrize("name", ["arctan2", "hypot", "maximum", "minimum"])
def test_numpys_functions_of_two(name):
    function = getattr(np, name)
    out = function(array(1.0, -2.0), array(3.0, 0.5))
    assert data(out) == pytest.approx(function(np.array([1.0, -2.0]), np.array([3.0, 0.5])).tolist(), rel=1e-15)


def test_a_value_in_numpys_functions_by_itself():
    x = Value(0.5)
    for out, op in [(np.exp(x), "exp"), (np.arcsin(x), "asin"), (np.tanh(x), "tanh"), (np.float64(1) + x, "add")]:
        assert type(out) is Value
        assert out.op == op
        assert out.operands == (x,)


def test_our_functions_take_arrays_as_iterables():
    xs = array(1.0, 2.0)
    assert functions.dot(xs, np.array([3.0, 4.0])).data == 11.0
    assert functions.sum(xs).data == 3.0
    assert functions.max(xs).data == 2.0
    assert data(functions.softmax(xs))[0] == pytest.approx(1 / (1 + math.e))


def test_sorting_and_argmax_read_the_data():
    xs = array(2.0, 3.0, 1.0)
    assert np.argmax(xs) == 1
    assert data(np.sort(xs)) == [1.0, 2.0, 3.0]
