"""gradients, grad, value_and_grad, jacobian, hessian, jvp, hvp: against mpmath, each other, and what they refuse."""

import itertools
import math
import random
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from mpmath import mp, mpf
from scipy.optimize import minimize, rosen, rosen_der, rosen_hess
from test_rules import TRUTHS, points_of

import autodiff as ad
from autodiff import nn
from autodiff.engine.rules import TABLE, apply
from autodiff.engine.value import adjoints, tangents, topological_order

# ---- every rule, to the third order ------------------------------------------------------------------------------------------

CONSTANT = {"sign", "step", "compare", "floor"}  # but for a jump
# how far a rounding error of 1 in the last place of an operand may move a third derivative, where that is more than elsewhere
SENSITIVE = {"asin", "acos", "atanh", "acosh"}


def derivative_of(name, slots):
    """The function that is differentiated by its operands in ``slots``, one after the other."""
    function = lambda *xs: apply(TABLE[name], xs)  # noqa: E731
    for slot in slots:
        function = ad.grad(function, argnums=slot)
    return function


def slot_sequences(count):
    """Which operands to differentiate by: all third derivatives of the first three operands, up to their order."""
    return list(itertools.combinations_with_replacement(range(min(count, 3)), 3))


def mixed_derivative(function, point, slots):
    """∂ⁿfunction/∂operands by mpmath's differences, as a function of the operands in units of themselves."""
    scaled = lambda *ts: function(*[mpf(x) * t for x, t in zip(point, ts, strict=True)])  # noqa: E731
    orders = tuple(slots.count(i) for i in range(len(point)))
    return mp.diff(scaled, (mpf(1),) * len(point), orders) / mp.fprod([mpf(point[slot]) for slot in slots])


@pytest.mark.parametrize("name", [name for name in TRUTHS if name not in CONSTANT])
def test_third_derivatives_of_every_rule_are_those_of_mpmath(name):
    truth, count = TRUTHS[name], len(TRUTHS[name].ranges)
    with mp.workdps(60):
        for point in points_of(TABLE[name], count=6):
            for slots in slot_sequences(count):
                found = derivative_of(name, slots)(*point)
                wanted = mixed_derivative(truth.function, point, slots)
                # what a third derivative is made of: terms of this size, which may cancel
                size = abs(truth.function(*map(mpf, point))) / mp.fprod([min(abs(mpf(point[slot])), 1) for slot in slots])
                tolerance = 1e-10 if name in SENSITIVE else 1e-12
                assert abs(found - wanted) <= tolerance * abs(wanted) + 1e-13 * size, (name, point, slots, found, wanted)


@pytest.mark.parametrize("name", sorted(CONSTANT))
def test_what_only_jumps_has_derivative_zero_at_every_order(name):
    count = len(TRUTHS[name].ranges)
    for slots in slot_sequences(count):
        for order in (1, 2, 3):
            assert derivative_of(name, slots[:order])(*points_of(TABLE[name], count=1)[0]) == 0.0


def test_tanh_keeps_its_second_derivative_where_the_textbook_formula_has_lost_it():
    with mp.workdps(60):
        for x in (19.5, -25.0, 300.0):
            wanted = -2 * mp.tanh(mpf(x)) * mp.sech(mpf(x)) ** 2
            assert abs(ad.grad(ad.grad(ad.tanh))(x) - wanted) <= 1e-12 * abs(wanted)


def test_the_fifth_derivative_of_a_power_and_the_tenth_of_an_exponential():
    fifth, tenth = (lambda x: x**7), ad.exp
    for _ in range(5):
        fifth = ad.grad(fifth)
    for _ in range(10):
        tenth = ad.grad(tenth)
    assert fifth(2.0) == 7 * 6 * 5 * 4 * 3 * 2.0**2
    assert tenth(1.0) == math.e


# ---- random graphs with sharing ----------------------------------------------------------------------------------------------

UNARY = [ad.sin, ad.tanh, ad.softplus, ad.exp, ad.relu, abs, ad.sqrt, ad.log]
BINARY = [lambda x, y: x * y, lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x / (2 + y * y), ad.hypot, ad.max]


def random_function(seed, size=12):
    """A function of three numbers, a graph in which anything may be used again."""

    def function(x, y, z):
        rng = random.Random(seed)
        made = [x, y, z]
        for _ in range(size):
            if rng.random() < 0.4:
                made.append(rng.choice(UNARY)(1.5 + 0.3 * ad.tanh(rng.choice(made))))
            else:
                made.append(rng.choice(BINARY)(rng.choice(made), rng.choice(made[-4:])))
        return made[-1] + 0.1 * made[-2] * made[-3]

    return function


@given(st.integers(0, 10_000))
def test_all_ways_to_the_same_derivatives_agree_on_random_graphs(seed):
    f, point = random_function(seed), (0.7, -0.4, 1.1)
    gradient = ad.grad(f, argnums=(0, 1, 2))(*point)
    leaves = [ad.Value(x) for x in point]
    out = f(*leaves)
    out.backward()
    assert list(gradient) == [leaf.grad for leaf in leaves]  # to the last bit
    for i in range(3):
        direction = [float(i == j) for j in range(3)]
        value, slope = ad.jvp(f, point, direction)
        assert value == out.data
        assert slope == pytest.approx(gradient[i], rel=1e-12, abs=1e-13)


@given(st.integers(0, 10_000))
def test_second_derivatives_are_symmetric_and_hvp_is_a_column(seed):
    f = random_function(seed)
    of_list, point = (lambda x: f(*x)), [0.7, -0.4, 1.1]
    matrix = np.array(ad.hessian(of_list)(point))
    assume(np.isfinite(matrix).all())  # hypot has no second derivative at (0, 0)
    scale = 1 + np.abs(matrix).max()
    assert np.allclose(matrix, matrix.T, rtol=1e-12, atol=1e-13 * scale)
    for i in range(3):
        column = ad.hvp(of_list, point, [float(i == j) for j in range(3)])
        assert np.allclose(column, matrix[:, i], rtol=1e-12, atol=1e-12 * scale)


@pytest.mark.parametrize(
    ("f", "point"),
    [
        (lambda v: v[0] % ad.atanh(v[1]), [2.0, 3.5]),
        (lambda v: ad.log(v[1]) % v[0], [2.0, -3.5]),
        (lambda v: (v[0] % v[1]) / 0.0, [-2.0, 0.5]),
        (lambda v: v[0] * v[1] % (v[0] / 0.0), [3.0, 2.0]),
    ],
)
def test_how_often_a_divisor_fits_passes_nothing_on_where_other_things_are_infinite(f, point):
    """One half of the Hessian was nan there and the other 0: 0 · nan in one order of the sweeps alone."""
    found = ad.hessian(f)(point)
    for other in (list(map(list, zip(*found, strict=True))), ad.hessian(f, compile=True)(point),
                  [ad.hvp(f, point, [1.0, 0.0]), ad.hvp(f, point, [0.0, 1.0])]):  # fmt: skip
        assert str(other) == str(found)


@given(st.integers(0, 10_000))
def test_hessians_are_those_of_mpmath(seed):
    """f is built once on Values and once on mpmath's numbers."""

    def on(number, sin, exp, sqrt):
        rng = random.Random(seed)
        a, b = rng.uniform(-1, 1), rng.uniform(0.5, 2)
        return lambda x, y: sin(a * x * y) * exp(-b * x * x) + sqrt(b + y * y) / (1 + x * x) + x * y**3

    ours = ad.hessian(lambda v: on(float, ad.sin, ad.exp, ad.sqrt)(*v))([0.3, -0.8])
    with mp.workdps(50):
        truth = on(mpf, mp.sin, mp.exp, mp.sqrt)
        for i, j in itertools.product((0, 1), repeat=2):
            wanted = mixed_derivative(truth, (0.3, -0.8), (i, j))
            assert abs(ours[i][j] - wanted) <= 1e-13 * (1 + abs(wanted))


# ---- gradients() -------------------------------------------------------------------------------------------------------------


def test_gradients_are_those_of_backward_and_change_nothing():
    w, x = ad.Value(0.8, "w"), ad.Value(1.5, "x")
    z = w * x
    loss = (z - 0.5) ** 2 + z * w
    loss.backward()
    w.grad, before = 7.0, [(value, value.grad) for value in topological_order(loss)]
    assert ad.gradients(loss, [w, x, z, loss])[1:] == [x.grad, z.grad, 1.0]
    assert ad.gradients(loss, w) == pytest.approx(2 * (0.8 * 1.5 - 0.5) * 1.5 + 2 * 0.8 * 1.5, rel=1e-14)
    assert [(value, value.grad) for value in topological_order(loss)] == [(v, 7.0 if v is w else g) for v, g in before]


def test_gradients_of_one_value_of_a_dict_and_of_what_is_not_in_the_graph():
    x, y, elsewhere = ad.Value(2.0), ad.Value(3.0), ad.Value(1.0)
    elsewhere.grad = 5.0
    assert ad.gradients(x * y, x) == 3.0
    assert ad.gradients(x * y, {"y": y, "other": (elsewhere,)}) == {"y": 2.0, "other": (0.0,)}
    assert elsewhere.grad == 5.0
    assert ad.gradients(x, [x, y]) == [1.0, 0.0]
    assert ad.gradients(x * y, []) == []


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_value_asked_for_twice_and_used_twice(create_graph):
    x = ad.Value(3.0)
    assert list(map(float, ad.gradients(x * x * x, [x, x], create_graph))) == [27.0, 27.0]


def test_create_graph_gives_values_that_can_be_differentiated_further():
    x, y = ad.Value(2.0), ad.Value(5.0)
    dx, dy = ad.gradients(x**3 * y, [x, y], create_graph=True)
    assert (dx.data, dy.data) == (60.0, 8.0)
    assert ad.gradients(dx, [x, y]) == [60.0, 12.0]
    (dx * dx + dy).backward()
    assert x.grad == 2 * 60.0 * 60.0 + 12.0
    assert ad.gradients(2 * x, x, create_graph=True).data == 2.0  # a constant, and a Value all the same


def test_a_data_written_after_its_use_is_noticed_instead_of_giving_a_wrong_second_derivative():
    x, y = ad.Value(2.0, "x"), ad.Value(3.0)
    product = x * y
    x.data = 10.0
    assert ad.gradients(product, y) == 2.0  # as recorded
    with pytest.raises(ad.StaleRecording, match=r"mul.*was 2\.0.*would be 10\.0.*compute the loss again"):
        ad.gradients(product, y, create_graph=True)


@pytest.mark.parametrize(
    "derivative", [ad.grad, ad.value_and_grad, ad.jacobian, ad.hessian, lambda f: lambda x: ad.jvp(f, (x,), (1.0,))]
)
def test_a_function_that_raised_is_no_longer_being_differentiated(derivative):
    inputs = []

    def broken(x):
        inputs.append(x)
        raise KeyError

    with pytest.raises(KeyError):
        derivative(broken)(2.0)
    (x,) = inputs
    slope = ad.grad(lambda y: x * y)(3.0)
    assert type(slope) is float
    assert slope == 2.0


@pytest.mark.parametrize("change", [1e-7, 1e-8, 2e-9, -2e-9])
def test_a_small_change_of_data_is_refused_too(change):
    x, y = ad.Value(2.0), ad.Value(3.0)
    product = x * y
    x.data *= 1 + change
    with pytest.raises(ad.StaleRecording):
        ad.gradients(product, y, create_graph=True)


def test_a_rule_that_rounds_otherwise_than_the_recording_is_not_taken_for_a_change():
    x, y = ad.Value(2.0), ad.Value(3.0)
    product = x * y
    x.data = math.nextafter(2.0, 3.0)
    assert ad.gradients(product, y, create_graph=True).data == pytest.approx(2.0, rel=1e-15)


def test_create_graph_at_the_edges_is_what_backward_gives():
    for f, point in [
        (ad.sqrt, 0.0), (abs, 0.0), (ad.relu, 0.0), (ad.log, 0.0), (lambda x: x**0.5, 0.0), (lambda x: x / 0.0, 1.0),
        (lambda x: 0.0 / x, 0.0), (lambda x: x**0.0, 0.0), (lambda x: x * math.inf, 0.0), (ad.log, -1.0), (ad.cbrt, 0.0),
        (lambda x: ad.xlogy(x, 0.0), 0.0), (lambda x: ad.max(x, 0.0), 0.0), (ad.exp, 1000.0), (lambda x: 2.0**x, 5000.0),
    ]:  # fmt: skip
        x = ad.Value(point)
        out = f(x)
        (first,) = ad.gradients(out, [x])
        again = ad.gradients(out, x, create_graph=True).data
        assert first == again or (first != first and again != again), (f, point, first, again)


@pytest.mark.parametrize(
    ("loss", "values", "message"),
    [
        (1.0, [], "of a Value, not of float"),
        (ad.Value(1.0), [2.0], r"values\[0\] is float 2.0"),
        (ad.Value(1.0), {"w": "x"}, r"values\['w'\] is str 'x'"),
    ],
)
def test_gradients_refuses_what_is_no_value(loss, values, message):
    with pytest.raises(TypeError, match=message):
        ad.gradients(loss, values)


def test_a_deep_chain_is_differentiated_twice_and_forward():
    def f(x):
        v = x
        for _ in range(20_000):
            v = v * 0.99999 + 1e-6 * x
        return v * v

    second = ad.hessian(f)(1.0)
    slope = ad.jvp(f, (1.0,), (1.0,))[1]
    first = ad.grad(f)(1.0)
    assert slope == pytest.approx(first, rel=1e-9)
    assert second == pytest.approx(first, rel=1e-9)  # f is x² up to a factor, and x is 1


# ---- forms of arguments ------------------------------------------------------------------------------------------------------


class Pair(NamedTuple):
    left: float
    right: list


def test_the_gradient_has_the_form_of_the_argument():
    x = {"a": 2.0, "b": [1.0, (3.0, None)], "c": np.array([[1.0, 2.0], [3.0, 4.0]]), "d": Pair(1, [2])}

    def f(x):
        return x["a"] * x["b"][1][0] + (x["c"] ** 2).sum() + x["d"].left * x["d"].right[0] + 0 * x["b"][0]

    found = ad.grad(f)(x)
    assert found["a"] == 3.0
    assert found["b"] == [0.0, (2.0, None)]
    assert found["c"].dtype == np.float64
    assert found["c"].tolist() == [[2.0, 4.0], [6.0, 8.0]]
    assert found["d"] == Pair(2.0, [1.0])
    assert list(found) == list(x)
    ordered = ad.grad(lambda x: x["z"] * x["a"])(OrderedDict(z=1.0, a=2.0))
    assert ordered == OrderedDict(z=2.0, a=1.0)
    assert type(ordered) is OrderedDict


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 1, 2)])
def test_arrays_of_any_shape(shape):
    x = np.random.default_rng(1).normal(size=shape)
    gradient = ad.grad(lambda x: np.sum(np.sin(x) * 2))(x)
    assert gradient.shape == shape
    assert gradient.dtype == np.float64
    assert np.allclose(gradient, 2 * np.cos(x), rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, bool, object])
def test_arrays_of_any_real_kind_give_float64(dtype):
    assert ad.grad(lambda x: (x * x).sum())(np.array([1, 0], dtype=dtype)).tolist() == [2.0, 0.0]
    x = np.array([1.0, 2.0])
    x.flags.writeable = False
    assert ad.grad(lambda x: (x * x).sum())(x[::-1]).tolist() == [4.0, 2.0]


def test_arguments_that_are_not_differentiated_are_passed_as_they_are():
    seen = []

    def f(x, mode, *, scale):
        seen.append((mode, scale))
        return x * scale

    mode = object()
    assert ad.grad(f)(2.0, mode, scale=3) == 3.0
    assert seen == [(mode, 3)]


def test_argnums_as_in_jax():
    def f(x, y, z):
        return x * y**2 + z

    assert ad.grad(f)(2.0, 3.0, 0.0) == 9.0
    assert ad.grad(f, argnums=1)(2.0, 3.0, 0.0) == 12.0
    assert ad.grad(f, argnums=-1)(2.0, 3.0, 0.0) == 1.0
    assert ad.grad(f, argnums=(1, 0))(2.0, 3.0, 0.0) == (12.0, 9.0)
    assert ad.grad(f, argnums=[0])(2.0, 3.0, 0.0) == (9.0,)
    assert ad.value_and_grad(f, (0, 2))(2.0, 3.0, 1.0) == (19.0, (9.0, 1.0))
    assert ad.hessian(f, argnums=(0, 1))(2.0, 3.0, 0.0) == ((0.0, 6.0), (6.0, 4.0))


def test_whole_numbers_are_numbers():
    assert ad.grad(lambda x: x**2)(3) == 6.0
    assert ad.grad(lambda x: x[0] * x[1])([True, 4]) == [4.0, 1.0]


def test_a_function_that_returns_a_plain_number_has_gradient_zero():
    assert ad.value_and_grad(lambda x: 3)([1.0, 2.0]) == (3.0, [0.0, 0.0])
    assert ad.hessian(lambda x: 3.0)(1.0) == 0.0
    assert ad.jacobian(lambda x: [1, x])(2.0) == [0.0, 1.0]
    assert ad.jvp(lambda x: 3, (1.0,), (1.0,)) == (3.0, 0.0)


def test_a_function_that_returns_its_argument_or_another_value():
    other = ad.Value(4.0)
    other.grad = 2.0
    assert ad.value_and_grad(lambda x: x)(3.0) == (3.0, 1.0)
    assert ad.value_and_grad(lambda x: other)(3.0) == (4.0, 0.0)
    assert other.grad == 2.0


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ("word", "f must return numbers; result is str 'word'"),
        (None, "f must return one number, not None"),
        ([1.0, 2.0], "f must return one number, not a list of 2; for more than one, take jacobian"),
        (np.ones(3), r"not an array of shape \(3,\); for more"),
        (1j, "result is complex"),
        ([1.0, "x"], r"result\[1\] is str 'x'"),
    ],
)
def test_a_function_that_returns_anything_else_is_refused(result, message):
    def f(x):
        return result

    with pytest.raises(TypeError, match=message):
        ad.grad(f)(1.0)


@pytest.mark.parametrize(
    ("arguments", "argnums", "message"),
    [
        (["a"], 0, r"f cannot be differentiated by args\[0\]: it takes a real number, not str 'a'"),
        ([1.0, {"w": [1.0, "b"]}], 1, r"by args\[1\]\['w'\]\[1\]: it takes a real number, not str 'b'"),
        ([np.array([1j])], 0, r"by args\[0\]\[0\]: it takes a real number, not complex"),
        ([1.0], 1, "argnums names argument 1, and f was called with 1 positional"),
        ([], 0, "argnums names argument 0, and f was called with 0 positional"),
        ([1.0], "0", "argnums is a whole number"),
        ([1.0], True, "argnums is a whole number"),
    ],
)
def test_arguments_that_cannot_be_differentiated_by_are_named(arguments, argnums, message):
    def f(*args):
        return 1.0

    with pytest.raises(TypeError, match=message):
        ad.grad(f, argnums)(*arguments)


def test_an_argument_named_twice_is_refused():
    with pytest.raises(ValueError, match="twice"):
        ad.grad(lambda x, y: x, argnums=(0, -2))(1.0, 2.0)


def test_derivatives_carry_the_name_of_their_function():
    def wave(x):
        """A wave."""
        return ad.sin(x)

    assert ad.grad(wave).__name__ == "wave"
    assert ad.grad(wave).__doc__ == "The gradient of wave. A wave."
    assert ad.grad(nn.Perceptron(1, seed=1))([1.0])  # a callable without a name


# ---- Jacobians ---------------------------------------------------------------------------------------------------------------


def test_a_jacobian_of_arrays_is_an_array_of_both_shapes():
    a = np.random.default_rng(2).normal(size=(4, 3))
    assert np.array_equal(ad.jacobian(lambda x: a @ x)(np.ones(3)), a)  # forward: fewer inputs
    assert np.array_equal(ad.jacobian(lambda x: a.T @ x)(np.ones(4)), a.T)  # backward: fewer outputs
    assert ad.jacobian(lambda x: np.outer(x, x))(np.ones(2)).shape == (2, 2, 2)


def test_a_jacobian_of_nested_forms_has_the_outputs_outside_and_the_inputs_inside():
    found = ad.jacobian(lambda d: {"sum": d["x"] + d["y"].sum(), "both": [d["x"] * d["y"], 1.0]})(
        {"x": 2.0, "y": np.array([3.0, 4.0])}
    )
    assert found["sum"]["x"] == 1.0
    assert found["sum"]["y"].tolist() == [1.0, 1.0]
    assert found["both"][0]["x"].tolist() == [3.0, 4.0]
    assert found["both"][0]["y"].tolist() == [[2.0, 0.0], [0.0, 2.0]]
    assert found["both"][1]["x"] == 0.0
    assert ad.jacobian(lambda x: [])(1.0) == []
    assert ad.jacobian(lambda x: [1.0, 2.0])([]) == [[], []]


def test_forward_and_backward_give_the_same_jacobian():
    def f(x):
        return [ad.sin(x[0]) * x[1], x[0] / x[1], ad.hypot(x[0], x[1])]

    point = [0.7, 1.3]
    forward = ad.jacobian(f)(point)
    rows = [ad.grad(lambda x, i=i: f(x)[i])(point) for i in range(3)]
    assert np.allclose(forward, rows, rtol=1e-15)


def test_an_infinite_partial_harms_only_what_varies_through_it():
    """In y = 0 the root is vertical; x has nothing to do with that, forward or backward."""
    f = lambda x, y: [x + ad.sqrt(y), 2 * x, 3 * x]  # noqa: E731
    assert ad.jacobian(f, argnums=(0, 1))(1.0, 0.0)[0] == (1.0, math.inf)
    assert ad.jvp(f, (1.0, 0.0), (1.0, 0.0))[1] == [1.0, 2.0, 3.0]


def test_jvp_in_nested_forms_and_its_refusals():
    value, slope = ad.jvp(lambda x, y: {"p": x[0] * y, "q": [x[1]]}, ([1.0, 2.0], 3.0), ([1.0, 0.5], 2.0))
    assert value == {"p": 3.0, "q": [2.0]}
    assert slope == {"p": 5.0, "q": [0.5]}
    array = ad.jvp(lambda x: x * x, (np.array([1.0, 2.0]),), ([1.0, 1.0],))[1]
    assert array.tolist() == [2.0, 4.0]
    assert ad.jvp(lambda d: d["a"] * d["b"], ({"a": 2.0, "b": 3.0},), ({"b": 1.0, "a": 0.0},))[1] == 2.0
    with pytest.raises(ad.ShapeError, match=r"tangents\[0\] must be a list of 2, not a list of 1"):
        ad.jvp(lambda x: x[0], ([1.0, 2.0],), ([1.0],))
    with pytest.raises(ad.ShapeError, match=r"tangents must be a tuple of 1, not a tuple of 2"):
        ad.jvp(lambda x: x, (1.0,), (1.0, 2.0))
    with pytest.raises(ad.ShapeError, match=r"tangents\[0\] must be an array of shape \(2,\), not an array of shape \(3,\)"):
        ad.jvp(lambda x: x, (np.ones(2),), (np.ones(3),))
    with pytest.raises(ad.ShapeError, match=r"tangents\[0\] must be a dict with the keys \['a'\]"):
        ad.jvp(lambda x: x["a"], ({"a": 1.0},), ({"b": 1.0},))
    with pytest.raises(TypeError, match="takes its primals as a list or tuple"):
        ad.jvp(lambda x: x, 1.0, 1.0)


# ---- derivatives of derivatives ----------------------------------------------------------------------------------------------


def test_an_inner_derivative_does_not_mistake_the_outer_variable_for_its_own():
    assert ad.grad(lambda x: x * ad.grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert ad.grad(lambda x: x * ad.grad(lambda y: x * y)(2.0))(3.0) == 6.0
    assert ad.grad(lambda x: ad.grad(lambda y: x * y * y)(x))(3.0) == 12.0  # d/dx 2x·x
    assert ad.jvp(lambda x: ad.jvp(lambda y: x * y, (1.0,), (1.0,))[1], (5.0,), (1.0,)) == (5.0, 1.0)
    assert ad.grad(lambda x: ad.jvp(lambda y: x * y**3, (x,), (1.0,))[1])(2.0) == 3 * 3 * 2.0**2


def test_the_hessian_of_a_gradients_norm():
    def f(x):
        return x[0] ** 3 + x[0] * x[1]

    def steepness(x):
        return ad.norm(ad.grad(f)(x))

    found = np.array(ad.hessian(steepness)([1.0, 2.0]))
    with mp.workdps(40):
        truth = lambda x, y: mp.sqrt((3 * x * x + y) ** 2 + x * x)  # noqa: E731
        wanted = [[mp.diff(truth, (1, 2), (2, 0)), mp.diff(truth, (1, 2), (1, 1))],
                  [mp.diff(truth, (1, 2), (1, 1)), mp.diff(truth, (1, 2), (0, 2))]]  # fmt: skip
    assert np.allclose(found, np.array(wanted, dtype=float), rtol=1e-13)


def test_a_network_is_trained_on_the_slope_of_its_output():
    """The gradient of (du/dx − 1)² reaches the parameters, for the argument is a Value."""
    u = nn.MLP(1, [3, 1], "tanh", seed=4)
    slope = ad.grad(lambda x: u([x]))(ad.Value(0.3))
    loss = (slope - 1) ** 2
    loss.backward()
    w = u.layers[0].neurons[0].w[0]

    def loss_at(data):
        before, w.data = w.data, data
        try:
            return (ad.grad(lambda x: u([x]))(0.3) - 1) ** 2
        finally:
            w.data = before

    h = 1e-4
    difference = (loss_at(w.data + h) - loss_at(w.data - h)) / (2 * h)
    assert w.grad == pytest.approx(difference, rel=1e-6)


def test_values_among_the_arguments_give_values_and_numbers_give_floats():
    x = ad.Value(3.0)
    value, slope = ad.value_and_grad(lambda x: x * x)(x)
    assert ad.gradients(slope, x) == 2.0
    assert value.data == 9.0
    assert type(ad.grad(lambda x: x * x)(3.0)) is float
    captured = ad.Value(2.0)
    assert type(ad.grad(lambda x: x * captured)(3.0)) is float
    matrix = ad.jacobian(lambda x: x * x)(np.array([x, 1.0], dtype=object))
    assert isinstance(matrix[0, 0], ad.Value)
    assert matrix[0, 0].data == 6.0
    along = ad.jvp(lambda y: x * y, (1.0,), (x,))[1]
    assert ad.gradients(along, x) == 6.0


def test_derivatives_taken_inside_scope_and_strict_are_recorded_there():
    with ad.strict(), pytest.raises(ad.NonFiniteError):
        ad.grad(ad.grad(ad.log))(0.0)


def test_a_function_that_raises_leaves_nothing_behind():
    def broken(x):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        ad.grad(broken)(1.0)
    captured = ad.Value(2.0)
    assert type(ad.grad(lambda x: x * captured)(3.0)) is float  # nothing is still open


# ---- with scipy --------------------------------------------------------------------------------------------------------------


def test_scipy_minimises_with_our_gradient_and_hessian():
    def f(x):
        return sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    start = np.array([1.3, 0.7, 0.8, 1.9, 1.2])
    assert np.allclose(ad.value_and_grad(f)(start)[0], rosen(start), rtol=1e-14)
    assert np.allclose(ad.grad(f)(start), rosen_der(start), rtol=1e-12, atol=1e-11)
    assert np.allclose(ad.hessian(f)(start), rosen_hess(start), rtol=1e-13, atol=1e-11)
    v = np.arange(5.0)
    assert np.allclose(ad.hvp(f, start, v), rosen_hess(start) @ v, rtol=1e-13)
    assert np.allclose(minimize(ad.value_and_grad(f), start, jac=True, method="BFGS").x, 1.0, rtol=1e-5)
    with_hessian = minimize(f, start, jac=ad.grad(f), hess=ad.hessian(f), method="trust-exact")
    assert np.allclose(with_hessian.x, 1.0, rtol=1e-5)
    with_products = minimize(f, start, jac=ad.grad(f), hessp=lambda x, p: ad.hvp(f, x, p), method="trust-ncg", tol=1e-9)
    assert np.allclose(with_products.x, 1.0, rtol=1e-6)


# ---- the sweeps of value.py --------------------------------------------------------------------------------------------------


def test_sweeps_leave_every_gradient_and_the_next_backward_as_they_were():
    x, y = ad.Value(2.0), ad.Value(3.0)
    out = ad.sum([x * y, x, y * y]) * x
    x.grad, y.grad = 1.5, -2.5
    order = topological_order(out)
    grads = [value.grad for value in order]
    expected = adjoints(out, [x, y])
    assert tangents(order, [x, y], [1.0, 0.0])[-1] == expected[0]
    assert tangents(order, [x, y], [0.0, 1.0])[-1] == expected[1]
    assert [value.grad for value in order] == grads
    out.backward()
    assert [x.grad - 1.5, y.grad + 2.5] == expected


def test_seeds_that_are_no_numbers_leave_everything_as_it_was():
    x = ad.Value(2.0)
    x.grad = 4.0
    out = x * x
    with pytest.raises(TypeError):
        tangents([x, out], [x], ["a"])
    assert (x.grad, out.grad) == (4.0, 0.0)
    assert tangents([x, out], [x], [1.0]) == [1.0, 4.0]


def test_a_direction_may_point_downwards_among_values_too():
    x = ad.Value(3.0)
    value, along = ad.jvp(lambda x, y: x * x * y, (x, 1.0), (0.0, -2.0))
    assert (value.data, along.data) == (9.0, -18.0)
    assert ad.gradients(along, x) == -12.0
    assert ad.hvp(lambda x: x**3, 2.0, -1.0) == -12.0
    assert ad.grad(lambda x: ad.hvp(lambda y: y**4, x, -1.0))(2.0) == -48.0


def test_what_is_used_under_two_conditions_gets_no_nan_where_neither_holds():
    def f(x, c):
        v = ad.log(x)
        return ad.where(c > 0, ad.where(c > 1, v, 1.0), 2.0) + ad.where(c > 1, v, 3.0)

    slope = ad.jacobian(f, compile=True)
    assert [slope(0.0, -1.0), slope(0.0, 0.5), slope(2.0, 2.0)] == [0.0, 0.0, 1.0]


def test_what_is_used_whichever_way_is_taken_is_passed_on_without_a_condition():
    slope = ad.jacobian(lambda x, c: ad.where(c > 0, 2 * (v := ad.log(x)), 3 * v), compile=True)
    assert [slope(2.0, 1.0), slope(2.0, -1.0), slope(0.0, 1.0)] == [1.0, 1.5, math.inf]
    assert "max" not in slope.source
