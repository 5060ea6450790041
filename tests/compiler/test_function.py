"""The interface of ad.compile: calls, batches, gradients, forms of arguments, what must not be frozen, threads, pickles."""

import copy
import gc
import math
import pickle
import sys
import threading
import weakref
from array import array
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.optimize

import autodiff as ad
from autodiff import nn
from autodiff.compiler.function import MOST_TRACES
from autodiff.engine.value import set_observer


def quadratic(x, y):
    return (x[0] * y - x[1]) ** 2


WEIGHT = ad.Value(0.7, "weight")


def weighted(x):
    return ad.tanh(WEIGHT * x) + WEIGHT * x


def rosenbrock(x):
    return sum(100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(len(x) - 1))


# ---- calls -------------------------------------------------------------------------------------------------------------------


def test_a_call_gives_a_float_and_is_recorded_once():
    calls = []

    @ad.compile
    def f(x, y):
        calls.append(1)
        return quadratic(x, y)

    assert f([2.0, 1.0], 3.0) == 25.0
    assert f([2, 1.0], 4) == 49.0
    assert f([2.0, 1.0], 5.0) == 81.0
    assert len(calls) == f.traces == 1


def test_a_new_structure_is_recorded_anew_and_the_cache_is_bounded():
    f = ad.compile(lambda xs: ad.sum(xs))
    for n in range(1, MOST_TRACES + 3):
        assert f([1.0] * n) == n
    assert f.traces == MOST_TRACES + 2
    assert f([1.0] * 3) == 3.0  # the one that was used longest ago, and stays now
    assert f([1.0] * (MOST_TRACES + 2)) == MOST_TRACES + 2
    assert f.traces == MOST_TRACES + 2
    assert f([1.0]) == 1.0
    assert f.traces == MOST_TRACES + 3
    assert f([1.0] * 3) == 3.0
    assert f.traces == MOST_TRACES + 3


def test_a_program_that_was_forgotten_is_not_run_again():
    f = ad.compile(lambda xs: WEIGHT * ad.sum(list(xs)))
    batch, xs = np.ones((2, 2)), [1.0, 2.0, 3.0]
    for _ in range(2):
        f.backward(batch)
        f.value_and_grad(xs)
        f(xs)
    for n in range(4, MOST_TRACES + 5):
        f.map([[1.0] * n])
    traces = f.traces
    f.backward(batch)
    assert f.traces == traces + 1
    f(xs)
    f.value_and_grad(xs)
    assert f.traces == traces + 2
    assert next(reversed(f._entries))[0].size == 3


def test_results_and_gradients_have_the_forms_of_eager_ones():
    def f(p, x):
        return {"a": [p["w"][0] * x, p["b"] + x], "b": x * x}

    compiled = ad.compile(f)
    assert compiled({"w": [2.0, 3.0], "b": 1.0}, 4.0) == {"a": [8.0, 5.0], "b": 16.0}
    loss = lambda p, x: (p["w"][0] * x + p["b"] * p["w"][1]) ** 2  # noqa: E731
    args = ({"w": (2.0, 3.0), "b": 1.0}, 4.0)
    for argnums in (0, 1, (0, 1), -1):
        assert ad.compile(loss, argnums=argnums).value_and_grad(*args) == ad.value_and_grad(loss, argnums)(*args)


def test_arrays_give_arrays_and_a_new_one_each_time():
    f = ad.value_and_grad(rosenbrock, compile=True)
    x = np.linspace(0.5, 1.5, 10)
    value, gradient = f(x)
    again = f(x)
    assert again[1] is not gradient
    expected = ad.value_and_grad(rosenbrock)(x)
    for found in ((value, gradient), again, f(x[::-1][::-1])):
        assert found[0] == pytest.approx(expected[0], rel=1e-13)
        assert found[1] == pytest.approx(expected[1], rel=1e-12)
        assert found[1].dtype == float
        assert found[1].shape == (10,)
    for other in (x.astype(np.float32), np.arange(10), x[::2].repeat(2)[::1], np.asfortranarray(x)):
        assert f(other)[1] == pytest.approx(ad.value_and_grad(rosenbrock)(other)[1], rel=1e-11)
    table = np.arange(6.0).reshape(2, 3)
    g = ad.value_and_grad(lambda t: (t * t).sum(), compile=True)
    for _ in range(2):
        assert (g(table)[1] == 2 * table).all()
        assert (g(table.T.copy().T)[1] == 2 * table).all()


def test_a_result_is_written_over_when_nobody_can_see_it():
    f = ad.value_and_grad(lambda x: ad.sum([v * v for v in x]), compile=True)
    x = np.arange(5.0)
    f(x)
    held, other = f(x)[1], f(x + 1.0)[1]
    assert held.tolist() == (2 * x).tolist()
    assert other.tolist() == (2 * x + 2).tolist()
    for seen in (lambda found: found[1:], memoryview, lambda found: found.reshape(5, 1), lambda found: found.T, iter):
        found = f(x)[1]
        view = seen(found)
        del found
        f(x + 1.0)
        assert np.ravel(list(view)).tolist() in ((2 * x).tolist(), (2 * x)[1:].tolist())
    found = f(x)[1]
    gone = weakref.ref(found)
    del found
    f(x)
    assert gone() is None
    for change in (lambda found: found.resize((1, 5), refcheck=False), lambda found: found.setflags(write=False)):
        found = f(x)[1]
        change(found)
        del found
        assert f(x)[1].tolist() == (2 * x).tolist()
        assert f(x)[1].flags.writeable
    assert f(f(x)[1])[1].tolist() == (4 * x).tolist()  # what it is given is seen


def test_scipy_minimises_with_it():
    found = scipy.optimize.minimize(ad.value_and_grad(rosenbrock, compile=True), np.zeros(6), jac=True, method="BFGS")
    assert found.x == pytest.approx(np.ones(6), abs=1e-5)


def test_quick_calls_see_every_change_of_form():
    f = ad.compile(lambda x, y: x[0] * y)
    assert f([2.0, 1.0], 3.0) == 6.0
    assert f([2.0, 1.0], 3) == 6.0
    assert f((2.0, 1.0), 3.0) == 6.0
    assert f([2.0], 3.0) == 6.0
    assert f([2.0, 1.0], np.float64(3.0)) == 6.0
    assert f(np.array([2.0, 1.0]), 3.0) == 6.0
    assert f(np.array([2.0, 1.0]), True) == 2.0
    assert isinstance(f([ad.Value(2.0), 1.0], 3.0), ad.Value)
    with pytest.raises(TypeError):
        f(["2", 1.0], 3.0)
    with pytest.raises(TypeError):
        f([2.0, 1.0])


def test_the_source_is_that_of_the_program_that_ran_last(tmp_path):
    """However quick the call was, and whichever form of arguments it had; an export is no run."""
    w = ad.Value(0.5)
    f = ad.compile(lambda xs: ad.sum(xs) * w)
    two, three = [1.0, 2.0], np.array([1.0, 2.0, 3.0])
    calls = [(f, two), (f.value_and_grad, two), (f, three), (f.backward, np.ones((4, 3))), (f.map, np.ones((4, 2)))]
    sources = []
    for call, xs in calls:
        call(xs)
        sources.append(f.source)
    assert len(set(sources)) == 4
    assert sources[0] == sources[4]
    assert "and_gradients" in sources[3]
    for i in (0, 1, 0, 3, 1, 1, 2, 4, 3, 0):
        calls[i][0](calls[i][1])
        f.export(tmp_path / "exported.py")
        assert f.source == sources[i]


def squares(x):
    return ad.sum([part * part for part in x]) if hasattr(x, "__len__") else x * x


def test_a_pickle_knows_which_program_ran_last_and_a_call_that_fails_runs_none():
    f = ad.compile(squares)
    two, three = [1.0, 2.0], np.array([1.0, 2.0, 3.0])
    calls = [(f, two), (f.value_and_grad, three), (f.map, np.ones((4, 3))), (f, 5.0), (f.value_and_grad, two)]
    listings = []
    for call, xs in calls:
        call(xs)
        listings.append(f.listing("scalar"))
    assert len(set(listings)) >= 4
    for i in (0, 1, 0, 2, 3, 4, 2, 0, 4, 3):
        calls[i][0](calls[i][1])
        for bad in ("bad", [1.0, "bad"]):
            with pytest.raises(TypeError):
                f(bad)
        assert f.listing("scalar") == listings[i]
        thawed = pickle.loads(pickle.dumps(f))
        again = pickle.loads(pickle.dumps(thawed))
        assert thawed.listing("scalar") == again.listing("scalar") == listings[i]


def test_a_list_result_a_constant_result_and_no_arguments():
    w = ad.Value(3.0)
    assert ad.compile(lambda x: [x, 2.0, w])(1.0) == [1.0, 2.0, 3.0]
    assert ad.compile(lambda x: 5)(1.0) == 5.0
    assert ad.compile(lambda x: 5).value_and_grad(1.0) == (5.0, 0.0)
    f = ad.compile(lambda: w * w)
    assert f() == 9.0
    assert f.backward() == 9.0
    assert w.grad == 6.0


# ---- parameters --------------------------------------------------------------------------------------------------------------


def test_parameters_are_read_live_and_their_gradients_accumulate():
    w = ad.Value(2.0)
    f = ad.compile(lambda x: w * x)
    assert f(3.0) == 6.0
    w.data = 5.0
    assert f(3.0) == 15.0
    f.backward([1.0, 3.0])
    f.backward([1.0, 3.0])
    assert w.grad == 4.0


def test_two_functions_share_parameters():
    w = ad.Value(2.0)
    f, g = ad.compile(lambda x: w * x), ad.compile(lambda x: w * w * x)
    f.backward([1.0])
    g.backward([1.0])
    assert w.grad == 5.0
    w.data = 3.0
    assert (f(1.0), g(1.0)) == (3.0, 9.0)


def test_an_operation_that_is_captured_passes_its_gradient_on():
    w = ad.Value(2.0)
    square = w * w
    f = ad.compile(lambda x: square * x)
    f.backward([3.0])
    assert w.grad == 12.0
    assert f.value_and_grad(3.0) == (12.0, 4.0)


def test_reduce_is_the_mean_the_sum_or_nothing():
    w = ad.Value(2.0)
    xs = [1.0, 2.0, 6.0]
    for reduce, value, gradient in (("mean", 6.0, 3.0), ("sum", 18.0, 9.0), (None, [2.0, 4.0, 12.0], 9.0)):
        w.grad = 0.0
        assert ad.compile(lambda x: w * x, reduce=reduce).backward(xs) == value
        assert w.grad == gradient
    found = ad.compile(lambda x: w * x, reduce=None).backward(np.array(xs))
    assert isinstance(found, np.ndarray)
    with pytest.raises(ValueError, match="reduce"):
        ad.compile(quadratic, reduce="max")


def test_in_axes_say_which_arguments_carry_the_batch():
    f = ad.compile(lambda x, scale, p: x[0] * scale + p["b"] * x[1], in_axes=(1, None, {"b": 0, "c": None}))
    xs = np.arange(6.0).reshape(2, 3)
    b = np.array([1.0, 2.0, 3.0])
    expected = xs[0] * 10.0 + b * xs[1]
    assert (f.map(xs, 10.0, {"b": b, "c": [1.0]}) == expected).all()
    assert f.map(xs.tolist(), 10.0, {"b": b.tolist(), "c": [1.0]}) == expected.tolist()
    assert ad.compile(lambda x, y: x * y, in_axes=None).map(2.0, 3.0) == [6.0]


def test_predictions_over_a_batch_have_the_form_of_the_result():
    f = ad.compile(lambda x: [x[0] + x[1], x[0] * x[1]])
    xs = np.arange(8.0).reshape(4, 2)
    assert (f.map(xs) == np.stack([xs[:, 0] + xs[:, 1], xs[:, 0] * xs[:, 1]], axis=1)).all()
    assert f.map(xs.tolist())[1] == [5.0, 6.0]
    g = ad.compile(lambda x: {"sum": x[0] + x[1], "both": (x[0], x[1], x[0])})
    assert (g.map(xs)["sum"] == xs.sum(axis=1)).all()
    assert (g.map(xs)["both"][1] == xs[:, 1]).all()


def test_what_has_no_gradient_says_so():
    f = ad.compile(lambda x: [x, x])
    with pytest.raises(TypeError, match="one number"):
        f.backward([1.0])
    with pytest.raises(TypeError, match="one number"):
        f.value_and_grad(1.0)


@pytest.mark.parametrize(
    ("xs", "ys", "message"),
    [
        (np.zeros((3, 2)), np.zeros(4), "4 samples.*3"),
        (np.zeros((3, 2)), 1.0, "must be a batch"),
        ([[1.0, 2.0], [1.0]], [1.0, 2.0], r"args\[0\]\[1\]"),
        (np.array(1.0), np.zeros(3), "no axis"),
    ],
)
def test_batches_that_do_not_fit_are_named(xs, ys, message):
    with pytest.raises(ad.ShapeError, match=message):
        ad.compile(quadratic).backward(xs, ys)


@pytest.mark.parametrize(
    ("axes", "args", "error", "message"),
    [
        ("0", ([1.0],), TypeError, r"in_axes: a whole number or None for args\[0\], not '0'"),
        (True, ([1.0],), TypeError, "not True"),
        ((0,), ([1.0], [1.0]), ValueError, "in_axes has 1 entries, and there is an argument number 1"),
        (-1, ([[1.0], [2.0]],), ValueError, "an axis below 0 needs an array, not list"),
        (1, ([1.0, 2.0],), ad.ShapeError, "these lists have no axis 1"),
    ],
)
def test_axes_that_do_not_fit_are_named(axes, args, error, message):
    with pytest.raises(error, match=message):
        ad.compile(lambda *xs: ad.sum(xs[0]) if isinstance(xs[0], list) else xs[0] * 1.0, in_axes=axes).map(*args)


def test_buffers_are_data():
    f = ad.compile(lambda x: ad.dot(x, [1.0, 10.0]))
    assert f(array("d", [1.0, 2.0])) == f(memoryview(array("f", [1.0, 2.0]))) == 21.0
    assert list(ad.compile(lambda x: x * 2.0).map(array("i", [1, 2]))) == [2.0, 4.0]


def test_axes_of_a_dictionary_are_of_its_parts():
    w = ad.Value(2.0, "w")
    f = ad.compile(lambda d: d["x"] * w + d["y"], in_axes=({"x": 0, "y": None},))
    assert list(f.map({"x": [1.0, 2.0], "y": 10.0})) == [12.0, 14.0]
    assert f({"x": 3.0, "y": 10.0}) == 16.0


def test_a_static_argument_has_no_gradient():
    f = ad.compile(lambda x, n: x**n, static=1, argnums=1)
    with pytest.raises(ValueError, match="argnums names argument 1, which static= names too"):
        f.value_and_grad(2.0, 3)


def test_what_is_no_data_is_named():
    f = ad.compile(quadratic)
    with pytest.raises(TypeError, match="static"):
        f([1.0, "a"], 2.0)
    with pytest.raises(TypeError, match="real numbers"):
        f.map(np.zeros((3, 2), dtype=complex), np.zeros(3))
    with pytest.raises(TypeError, match="Value"):
        f.map([[ad.Value(1.0), 2.0]], [1.0])
    with pytest.raises(TypeError, match="must return numbers"):
        ad.compile(lambda x: "a")(1.0)
    with pytest.raises(TypeError, match="takes a function"):
        ad.compile(3)


# ---- nothing is frozen -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda x, w: x if x > 0 else -x,
        lambda x, w: x if w > 0 else -x,
        lambda x, w: x if w * 2 > 0 else -x,
        lambda x, w: float(x) * x,
        lambda x, w: int(x) * x,
        lambda x, w: x.data * x,
        lambda x, w: w.data * x,
        lambda x, w: max(x, 0.0),
        lambda x, w: [1.0, 2.0][x],
        lambda x, w: x * range(3)[x],
        lambda x, w: x * round(x),
        lambda x, w: x * math.floor(x),
        lambda x, w: x * math.ceil(x),
        lambda x, w: x * math.trunc(x),
        lambda x, w: x * math.exp(w),
        lambda x, w: x and w,
        lambda x, w: ad.Value(x),
        lambda x, w: x * w.grad,
        lambda x, w: np.array([1.0, 2.0])[x] * x,
        lambda x, w: (x * w).backward(),
        lambda x, w: (x * w)._backward(),
    ],
)
def test_reading_a_number_while_tracing_raises_with_the_line_and_leaves_nothing_behind(f):
    w = ad.Value(0.5)
    compiled = ad.compile(lambda x: f(x, w))
    with pytest.raises(ad.TraceError, match=r"test_function\.py:\d+"):
        compiled(1.0)
    assert compiled.traces == 0
    assert w.grad == 0.0
    assert float(w) == 0.5  # and nobody traces any more
    assert (w > 0) is True
    assert ad.compile(lambda x: x * w)(2.0) == 1.0


def test_the_remedies_are_named():
    with pytest.raises(ad.TraceError, match=r"ad\.where.*ad\.maximum.*static="):
        ad.compile(lambda x: x if x > 0 else -x)(1.0)
    with pytest.raises(ad.TraceError, match=r"ad\.take"):
        ad.compile(lambda x: [1.0, 2.0][x])(1.0)


@pytest.mark.parametrize("what", ["data", "grad"])
def test_writing_while_tracing_raises(what):
    w = ad.Value(1.0)

    def f(x):
        setattr(w, what, 2.0)
        return w * x

    with pytest.raises(ad.TraceError, match="changes"):
        ad.compile(f)(1.0)
    assert (w.data, w.grad) == (1.0, 0.0)


def test_what_is_no_number_equals_none_while_tracing():
    assert ad.compile(lambda x: x * 2.0 if x == "a" else x * 3.0)(1.0) == 3.0
    assert ad.compile(lambda x: x * 2.0 if x != "a" else x * 3.0)(1.0) == 2.0


def test_static_arguments_are_passed_on_and_recorded_anew():
    def power(x, n, name=None):
        out = 1.0
        for _ in range(n):
            out = out * x
        return out if name != "minus" else -out

    f = ad.compile(power, static=1)
    assert f(2.0, 3) == 8.0
    assert f(2.0, 4) == 16.0
    assert f(3.0, 3) == 27.0
    assert f(3.0, 3, name="minus") == -27.0
    assert f.traces == 3
    assert f.value_and_grad(3.0, 2) == (9.0, 6.0)
    assert f.map([1.0, 2.0], 2) == [1.0, 4.0]
    with pytest.raises(TypeError, match="hashable"):
        f(1.0, [3])


def test_other_threads_read_numbers_while_one_traces():
    w = ad.Value(2.0)
    inside, done = threading.Event(), threading.Event()
    read = []

    def f(x):
        inside.set()
        assert done.wait(20)
        return w * x

    thread = threading.Thread(target=lambda: ad.compile(f)(1.0))
    thread.start()
    assert inside.wait(20)
    read.append((float(w), w.data, w > 1, bool(w)))
    done.set()
    thread.join()
    assert read == [(2.0, 2.0, True, True)]


# ---- branches ----------------------------------------------------------------------------------------------------------------


BRANCHES = [
    lambda x: ad.where(x > 0, ad.log(x), 0.0),
    lambda x: ad.where(x > 0, ad.sqrt(x) * ad.log(x), x * x) * 3.0,
    lambda x: ad.where(x >= 1, ad.where(x > 2, ad.log(x - 2), 1 / (x - 1)), ad.exp(x)),
    lambda x: ad.where(x < 0, 1 / x, x) + ad.where(x <= 0, x, ad.log(x)),
    lambda x: ad.where(x > 0, x, ad.sqrt(x)) + ad.sqrt(ad.where(x > 0, x, 1.0)),
    lambda x: ad.where(1 > x, x * x, 2 * x),  # noqa: SIM300
    lambda x: ad.where(x, 1 / x, 7.0),
    lambda x: ad.where(x > 0, 2.0, 3.0) * x,
    lambda x: ad.softmax([x, 2 * x, 1.0])[1] + ad.log_softmax([x, 0.0])[0],
    lambda x: ad.clip(x, -1, 1) * ad.maximum(x, 0.5),
    lambda x: ad.where((x > 0) & (x < 2), ad.log(x), 1.0) + ad.where((x < -1) | (x > 2), x, 2 * x),
    lambda x: ad.where(True & (x > 0), x, -x) + ad.where(False | (x > 1), x, 0.0),
]


@pytest.mark.parametrize("f", BRANCHES)
def test_branches_select_and_never_multiply_by_a_mask_of_zeros(f):
    compiled = ad.compile(f)
    for x in (-2.0, -0.0, 0.0, 0.3, 0.5, 1.0, 1.5, 2.0, 2.5, math.inf, -math.inf, math.nan):
        expected = ad.value_and_grad(f)(x)
        found = compiled.value_and_grad(x)
        assert found == pytest.approx(expected, rel=1e-12, nan_ok=True), x


def test_an_index_that_is_data_is_taken_from_a_table():
    table = [[ad.Value(i + 10 * j) for i in range(3)] for j in range(5)]

    def f(token, x):
        row = ad.take(table, token)
        return ad.dot(row, [x, 1.0, 2.0]) * ad.take([1.0, 2.0, 3.0, 4.0, 5.0], token)

    tokens, xs = [0, 4, 2, 2], [1.0, 2.0, 3.0, 4.0]
    loss = ad.mean([f(t, x) for t, x in zip(tokens, xs, strict=True)])
    loss.backward()
    expected = [[v.grad for v in row] for row in table]
    for row in table:
        for v in row:
            v.grad = 0.0
    compiled = ad.compile(f)
    assert compiled.backward(tokens, xs) == pytest.approx(loss.data)
    assert [[v.grad for v in row] for row in table] == expected
    before = [[v.grad for v in row] for row in table]
    for index in (-1, 5, 1.5, math.nan, math.inf, 7):
        for call in (
            lambda i: ad.take(table, i),
            lambda i: compiled(i, 1.0),
            lambda i: compiled.map([1, i], [1.0, 2.0]),
            lambda i: compiled.backward([1, i], [1.0, 2.0]),
        ):
            with pytest.raises(IndexError, match="from a table of 5"):
                call(index)
    assert [[v.grad for v in row] for row in table] == before
    assert compiled.map([1], [2.0]) == [f(1, 2.0).data]
    with pytest.raises(ad.ShapeError):
        ad.compile(lambda i: ad.take([[1.0], [1.0, 2.0]], i)[0])(1.0)


def test_an_entry_that_is_not_taken_gets_no_nan():
    w = ad.Value(0.0)
    f = ad.compile(lambda i: ad.take([ad.log(w), w * 2.0], i))
    f.backward([1.0])
    assert w.grad == 2.0


# ---- derivatives of and in compiled functions ------------------------------------------------------------------------------


def test_hessians_of_compiled_functions():
    def f(x):
        return ad.exp(x[0] * x[1]) + ad.tanh(x[1]) * x[0] ** 3 + ad.where(x[0] > 0, x[0] ** 2 * x[1], 0.0)

    x = [0.3, -0.7]
    expected = ad.hessian(f)(x)
    assert ad.hessian(ad.compile(f))(x) == expected
    compiled = ad.compile(ad.hessian(f))
    for point in (x, [0.1, 0.2], [-0.4, 2.0]):
        assert np.array(compiled(point)) == pytest.approx(np.array(ad.hessian(f)(point)), rel=1e-12)
    assert compiled.traces == 1
    assert ad.compile(ad.grad(ad.grad(lambda x: x**4)))(2.0) == 48.0
    assert ad.compile(lambda x: ad.hvp(f, x, [1.0, 2.0]))(x) == pytest.approx(ad.hvp(f, x, [1.0, 2.0]), rel=1e-12)
    w = ad.Value(2.0)
    assert ad.compile(lambda x: ad.gradients(w**3 * x, w))(5.0) == 60.0


def test_inside_another_compiled_function_it_is_written_out():
    w = ad.Value(2.0)
    inner = ad.compile(lambda x: w * x)
    outer = ad.compile(lambda x: inner(x) + inner(1.0))
    assert outer(3.0) == 8.0
    w.data = 3.0
    assert outer(3.0) == 12.0
    slope = ad.compile(lambda x: inner.value_and_grad(x)[1] * x)
    assert slope(5.0) == 15.0
    assert inner.value_and_grad(ad.Value(5.0))[0].data == 15.0
    with pytest.raises(ad.TraceError, match=r"map\(\) of .* inside of another function that is compiled"):
        ad.compile(lambda x: inner.map([x]))(1.0)


@dataclass(frozen=True)
class Setting:
    power: float


def test_a_static_dataclass_is_told_apart_by_the_bits_of_its_parts():
    f = ad.compile(lambda x, s: x * 1.0 if math.copysign(1.0, s.power) > 0 else -x, static=1)
    assert [f(2.0, Setting(0.0)), f(2.0, Setting(-0.0)), f(2.0, Setting(0.0)), f.traces] == [2.0, -2.0, 2.0, 2]


@ad.compile
def decorated(x):
    return x * WEIGHT


def test_a_decorated_function_is_pickled_by_its_name():
    assert pickle.loads(pickle.dumps(decorated)) is decorated


# ---- threads, copies, pickles ------------------------------------------------------------------------------------------------


def test_threads_call_one_program():
    model = nn.MLP(2, [8, 1], seed=3)
    f = ad.compile(lambda x, y: (model(x) - y) ** 2)
    rng = np.random.default_rng(1)
    batches = [(rng.normal(size=(n, 2)), rng.normal(size=n)) for n in (1, 5, 64, 130, 300)]
    expected = [f.map(*batch) for batch in batches]
    wrong = []

    def work(offset):
        for i in range(60):
            k = (i + offset) % len(batches)
            if not (f.map(*batches[k]) == expected[k]).all() or f([1.0, 2.0], 3.0) != f([1.0, 2.0], 3.0):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert f.traces == 2


def test_compiled_functions_and_programs_pickle():
    f = ad.compile(weighted)
    f.backward([0.3, 0.4])
    f(0.5)
    again = pickle.loads(pickle.dumps(f))
    assert again(0.5) == f(0.5)
    assert again.map([0.1, 0.2]) == f.map([0.1, 0.2])
    assert again.traces == 1
    together = pickle.loads(pickle.dumps((again, WEIGHT)))
    assert together[0].backward([1.0]) == pytest.approx(f.map([1.0])[0])
    program = pickle.loads(pickle.dumps(f.program))
    assert str(program) == str(f.program)
    assert copy.deepcopy(f)(0.5) == f(0.5)


def test_a_model_can_be_compiled_as_it_is():
    model = nn.MLP(2, [3, 2], "tanh", seed=5)
    f = ad.compile(model)
    xs = np.random.default_rng(0).normal(size=(9, 2))
    assert f.map(xs) == pytest.approx(np.array([[a.data for a in model(x.tolist())] for x in xs]))
    assert not hasattr(f, "layers")


def test_values_have_no_bit_operations_of_their_own():
    with pytest.raises(TypeError):
        ad.Value(1.0) & ad.Value(1.0)
    with pytest.raises(TypeError):
        ad.Value(1.0) | 1


def test_it_keeps_name_and_docstring():
    def f(x):
        """Words."""
        return x

    assert ad.compile(f).__name__ == "f"
    assert ad.compile(f).__doc__ == "Words."
    assert ad.compile(reduce="sum")(f).reduce == "sum"


# ---- training ----------------------------------------------------------------------------------------------------------------


def moons(n, seed):
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, math.pi, n)
    label = rng.integers(0, 2, n)
    xs = np.where(
        label[:, None] == 1, np.stack([np.cos(angle), np.sin(angle)], 1), np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], 1)
    )
    return xs, label


@pytest.mark.parametrize(
    ("loss", "targets", "outputs"),
    [
        (nn.mse, lambda y: y.astype(float), 1),
        (nn.mae, lambda y: y.astype(float), 1),
        (nn.huber, lambda y: y.astype(float), 1),
        (nn.hinge, lambda y: 2.0 * y - 1, 1),
        (lambda a, y: nn.binary_cross_entropy(a, y, from_logits=True), lambda y: y.astype(float), 1),
        (nn.cross_entropy, lambda y: y, 2),
    ],
)
def test_training_compiled_takes_the_same_steps(loss, targets, outputs):
    xs, label = moons(40, 1)
    ys = targets(label).tolist()
    logs, weights = [], []
    for compile in (False, True):
        model = nn.MLP(2, [6, outputs], "tanh", seed=4)
        optimizer = ad.optim.SGD(model.parameters(), lr=0.1)
        logs.append(
            nn.fit(model, xs.tolist(), ys, epochs=5, batch_size=16, loss=loss, optimizer=optimizer, seed=3, progress=False,
                   validation=(xs.tolist(), ys), compile=compile)
        )  # fmt: skip
        weights.append([p.data for p in model.parameters()])
    assert logs[1].losses == pytest.approx(logs[0].losses, rel=1e-10)
    assert logs[1].validation == pytest.approx(logs[0].validation, rel=1e-10)
    assert weights[1] == pytest.approx(weights[0], rel=1e-9)


def test_a_loss_that_is_no_mean_over_samples_is_refused_before_the_first_step():
    model = nn.MLP(2, [1], seed=4)
    before = [p.data for p in model.parameters()]
    with pytest.raises(ad.SettingError, match="mean of the losses"):
        nn.fit(
            model, [[1.0, 2.0], [2.0, 0.5]], [1.0, 0.0], epochs=1, loss=lambda a, y: ad.dot(a, a) * a[0], progress=False,
            optimizer=ad.optim.SGD(model.parameters(), lr=0.1), compile=True,
        )  # fmt: skip
    assert [p.data for p in model.parameters()] == before


def test_a_nan_in_compiled_training_leaves_the_last_whole_step():
    model = nn.MLP(1, [1], seed=4)
    with pytest.raises(ad.TrainingDiverged, match="the loss is nan"):
        nn.fit(
            model, [[1.0], [2.0], [math.nan]], [1.0, 0.0, 1.0], epochs=1, batch_size=1, shuffle=False, progress=False,
            optimizer=ad.optim.SGD(model.parameters(), lr=0.1), compile=True,
        )  # fmt: skip
    assert all(math.isfinite(p.data) and math.isfinite(p.grad) for p in model.parameters())


def test_a_batch_may_be_a_list_of_arrays_and_of_numpys_numbers():
    f = ad.compile(lambda x, y: (x[0] * x[1] - y) ** 2)
    xs, ys = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([1.0, 2.0, 3.0])
    expected = [(a * b - y) ** 2 for (a, b), y in zip(xs.tolist(), ys.tolist(), strict=True)]
    for rows in (xs, list(xs), list(xs.astype(np.float32)), xs.tolist(), [tuple(row) for row in xs.tolist()]):
        assert list(f.map(rows, ys)) == expected
        assert list(f.map(rows, list(ys))) == expected
    with pytest.raises(ad.ShapeError, match=r"args\[0\]\[1\] must be an array of shape \(2,\)"):
        f.map([np.ones(2), np.ones(3)], [1.0, 2.0])


def test_an_array_may_lie_in_memory_as_it_likes():
    """Also after a call whose arrays lay side by side, where the quick way takes over."""
    w = ad.Value(0.5)
    xs, ys = np.random.default_rng(0).normal(size=(12, 3)), np.arange(12)

    def taken(f, x):
        w.grad = 0.0
        return f.backward(x, ys), w.grad

    f = ad.compile(lambda x, y: (w * ad.sum(x) - y) ** 2)
    wanted = taken(f, xs)
    shifted = np.frombuffer(b"-" + xs.tobytes(), dtype=float, offset=1).reshape(xs.shape)
    assert not shifted.flags.aligned
    for other in (shifted, np.asfortranarray(xs), xs.astype(">f8"), np.repeat(xs, 2, axis=0)[::2], xs[::-1].copy()[::-1]):
        assert taken(f, other) == taken(ad.compile(f.fn), other) == wanted


def test_a_batch_unlike_the_last_one_is_taken_as_what_it_is():
    w = ad.Value(0.5)
    xs, ys = np.arange(24.0).reshape(12, 2), np.arange(12.0)

    def taken(f, *batch):
        w.grad = 0.0
        return f.backward(*batch), w.grad

    f = ad.compile(lambda x, y: w * np.sum(x) * np.sum(y) + w)
    for batch in (
        (xs, ys), (xs.astype(np.float32), ys), (xs.astype(int), ys.astype(bool)), (xs[:5], ys[:5]), (xs[:1], ys[:1]),
        (xs.tolist(), ys), (xs.view(np.recarray), ys), (np.ones((12, 3)), ys), (np.ones((12, 2, 2)), ys), (ys, ys),
        (xs.reshape(24), np.arange(24.0)), (xs, ys[:, None]), (xs, np.arange(24.0).reshape(12, 2).T[0]), (xs.T, xs[:2]),
        (np.ones((12, 0)), ys),
    ):  # fmt: skip
        wanted = taken(ad.compile(f.fn), *batch)
        assert taken(f, *batch) == taken(f, *batch) == wanted, batch
        f.backward(xs, ys)
    w.grad = 3.0
    for batch, error in (
        ((xs.astype(complex), ys), TypeError), ((xs, ys.astype(object)), TypeError), ((xs, ys.astype("U4")), TypeError),
        ((xs, ys[:11]), ad.ShapeError), ((xs[:0], ys[:0]), ad.ShapeError), ((xs, ys, ys), TypeError), ((xs,), TypeError),
        ((xs, 1.0), ad.ShapeError), ((xs, np.array(1.0)), ad.ShapeError),
    ):  # fmt: skip
        with pytest.raises(error):
            f.backward(*batch)
    assert w.grad == 3.0


@pytest.mark.parametrize(("reduce", "loss"), [("sum", 0.0), (None, [])])
def test_no_samples_add_nothing(reduce, loss):
    w = ad.Value(0.5)
    f = ad.compile(lambda x: w * x, reduce=reduce)
    none = np.zeros(0)
    for _ in range(2):
        w.grad = 3.0
        assert list(np.ravel(f.backward(none))) == list(np.ravel(loss))
        assert f.backward([]) == loss
        assert w.grad == 3.0
        f.backward(np.ones(2))


def test_numbers_that_are_masked_are_refused_and_a_matrix_is_two_axes():
    w = ad.Value(0.5)
    f = ad.compile(lambda x: w * np.sum(x))
    xs = np.arange(6.0).reshape(3, 2)
    matrix = xs.view(np.matrix)  # whose own constructor warns
    hidden = np.ma.masked_array(xs, mask=xs == 3.0)
    for _ in range(2):
        assert f.backward(matrix) == f.backward(np.ma.masked_array(xs)) == f.backward(xs) == 2.5
        assert f.map(matrix).tolist() == [0.5, 2.5, 4.5]
        assert f.map(list(hidden[::2])) == [0.5, 4.5]
    w.grad = 1.0
    for batch in (hidden, list(hidden)):
        with pytest.raises(TypeError, match=r"none of them masked|args\[0\]\[1\]"):
            f.backward(batch)
    assert w.grad == 1.0


def test_fit_replays_data_in_numpys_arrays():
    xs = np.random.default_rng(0).normal(size=(20, 2))
    ys = np.sign(xs[:, 0])
    states = []
    for compiled in (False, True):
        model = nn.MLP(2, [4, 1], "tanh", seed=1)
        optimizer = ad.optim.Adam(model.parameters(), lr=0.02)
        nn.fit(
            model, xs, ys, loss=nn.hinge, optimizer=optimizer, epochs=5, batch_size=6, seed=1, compile=compiled, progress=False
        )
        states.append(list(model.state_dict().values()))
    assert states[0] == pytest.approx(states[1], rel=1e-12)


# ---- one step beside -------------------------------------------------------------------------------------------------------


def test_an_argument_that_all_samples_share_counts_in_plain_calls_too():
    f = ad.compile(lambda x, w: x * w + w * w, in_axes=(0, None), argnums=(0, 1))
    for _ in range(2):
        assert f(2.0, 3.0) == 15.0
        assert f.value_and_grad(2.0, 3.0) == (15.0, (3.0, 8.0))
    assert f.map([2.0, 1.0], 3.0) == [15.0, 12.0]
    assert f.map([2.0, 1.0], -1.0) == [-1.0, 0.0]


def test_a_call_with_a_keyword_leaves_the_next_one_alone():
    f = ad.value_and_grad(lambda x, k=1.0: k * x * x, compile=True)
    assert [f(2.0, k=3.0), f(2.0), f(2.0), f(2.0, k=3.0)] == [(12.0, 12.0), (4.0, 4.0), (4.0, 4.0), (12.0, 12.0)]


def test_static_arguments_are_told_apart_exactly():
    f = ad.compile(lambda x, k: x / k, static=1)
    assert (f(1.0, 0.0), f(1.0, -0.0), f(1.0, 0.0)) == (math.inf, -math.inf, math.inf)
    g = ad.compile(lambda x, k: x * {bool: 1.0, int: 2.0, float: 3.0, np.float64: 4.0}[type(k)], static=1)
    assert [g(1.0, k) for k in (True, 1, 1.0, np.float64(1.0), 1, True)] == [1.0, 2.0, 3.0, 4.0, 2.0, 1.0]
    h = ad.compile(lambda x, k: x / k[0], static=1)
    assert (h(1.0, (0.0,)), h(1.0, (-0.0,))) == (math.inf, -math.inf)
    keyed = ad.compile(lambda d: dict(d))
    assert [type(key) for d in ({1: 2.0}, {True: 2.0}, {1.0: 2.0}) for key in keyed(d)] == [int, bool, float]
    assert math.isnan(ad.compile(lambda x, k: x * k, static=1)(1.0, math.nan))


BACKWARDS = [
    lambda x: [0.5 * x[4 + i] + 0.7 * x[i] for i in range(4)],
    lambda x: [x[4 + i] * x[3 - i] + x[i] * x[7 - i] for i in range(4)],
    lambda x: [ad.dot([0.5, -1.0, 2.0], x[i : i + 3][::-1]) for i in range(6)],
    lambda x: [ad.where(x[i] > 0.2, ad.gelu(x[7 - i]), x[i] * x[7 - i]) for i in range(8)],
    lambda x: [ad.sum(x[i::-1]) for i in range(8)],
    lambda x: [ad.dot(x[i::-1], x[7 - i :]) for i in range(8)],
    lambda x: [ad.dot(x[:4][::-1], x[i : i + 4]) for i in range(5)],
]


@pytest.mark.parametrize("f", BACKWARDS)
def test_operands_may_run_backwards(f):
    w = [ad.Value(0.5 - 0.3 * i) for i in range(8)]
    g = lambda x: ad.sum([a * a for a in f([p * q for p, q in zip(w, x, strict=True)])])  # noqa: E731
    xs = [[math.sin(3 * i + j) for j in range(8)] for i in range(9)]
    assert ad.compile(f).map(xs) == [[v.data for v in f([ad.Value(x) for x in row])] for row in xs]
    compiled = ad.compile(g)
    assert [compiled.value_and_grad(row) for row in xs] == [ad.value_and_grad(g)(row) for row in xs]
    loss = ad.mean([g([ad.Value(x) for x in row]) for row in xs])
    loss.backward()
    expected = [v.grad for v in w]
    for v in w:
        v.grad = 0.0
    assert compiled.backward(xs) == pytest.approx(loss.data, rel=1e-14)
    assert [v.grad for v in w] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("f", "xs", "expected"),
    [
        (lambda v: (v[0] - v[1]) + (v[2] - v[3]), [1e16 + 2, 1e16, 1.5, 0.5], 3.0),
        (lambda v: (v[0] - v[1]) + v[0], [1e308, 1e308], 1e308),
        (lambda v: (v[0] - 2451545.0) + v[1], [2451545.5, 1e-12], 0.5 + 1e-12),
        (lambda v: v[0] - ((v[0] + v[1]) - v[1]), [1e16 + 2, 1.0], 1e16 + 2 - (1e16 + 2 + 1.0 - 1.0)),
        (lambda v: ad.sum(v), [1e16, 1.0, -1e16, 1.0], 1.0),
        (lambda v: v[0] * v[1] - v[2] * v[3], [1 + 2**-30, 1 - 2**-30, 1.0, 1.0], 0.0),
        (lambda v: ad.sqrt(v[0] * v[0] - v[1] * v[2]), [0.1, 0.1 * 0.1, 1.0], 0.0),
    ],
)
def test_sums_keep_their_order_and_their_brackets(f, xs, expected):
    compiled = ad.compile(f)
    assert compiled(xs) == compiled.value_and_grad(xs)[0] == expected == f([ad.Value(x) for x in xs]).data
    for n in (1, 2, 7, 100):
        assert compiled.map([xs] * n) == [expected] * n
        compiled.backward([xs] * n)
    assert ad.compile(f, reduce=None).backward([xs] * 3) == [expected] * 3


def test_a_mean_over_samples_adds_what_each_sample_has():
    w = ad.Value(1.0)
    f = ad.compile(lambda x: (w * x[0] - x[1]) + (x[2] - x[3]))
    assert f.backward([[1e16 + 2, 1e16, 0.5, 0.5]] * 3) == 2.0


class Scaled:
    def __init__(self, w):
        self.w = ad.Value(w)

    @ad.compile
    def scaled(self, x):
        """w · x."""
        return self.w * x

    @ad.compile(argnums=1, in_axes=(0, None))
    def plus(self, x, y):
        return self.w * x + y * y


def test_a_method_belongs_to_its_object():
    a, b = Scaled(2.0), Scaled(3.0)
    assert [a.scaled(2.0), b.scaled(2.0), a.scaled(3.0), Scaled(5.0).scaled(1.0)] == [4.0, 6.0, 6.0, 5.0]
    assert a.scaled.traces == 1
    assert a.scaled.backward([1.0, 2.0]) == 3.0
    assert (a.w.grad, b.w.grad) == (1.5, 0.0)
    assert a.plus.value_and_grad(1.0, 3.0) == (11.0, 6.0)
    assert a.plus.map([1.0, 2.0], 3.0) == [11.0, 13.0]
    other = copy.deepcopy(a)
    other.w.data = 7.0
    assert (other.scaled(1.0), a.scaled(1.0)) == (7.0, 2.0)
    assert pickle.loads(pickle.dumps(b.scaled))(2.0) == 6.0
    assert Scaled.scaled.__doc__ == "w · x."
    alone = b.scaled
    del b
    assert alone(1.0) == 3.0


def test_a_method_does_not_keep_its_object(without_collector):
    a = Scaled(2.0)
    a.scaled(1.0)
    seen = weakref.ref(a)
    del a
    assert seen() is None


def test_a_copy_of_a_compiled_function_is_as_one_of_a_function_and_a_copy_of_a_model_is_whole():
    w = ad.Value(2.0)
    f = ad.compile(lambda x: w * x)
    f(1.0)
    again = copy.deepcopy(f)
    w.data = 5.0
    assert (again(1.0), again.map([1.0, 2.0])) == (5.0, [5.0, 10.0])
    model = nn.MLP(2, [3, 1], seed=1)
    g = ad.compile(model)
    g([1.0, 2.0])
    other = copy.deepcopy(g)
    before = other([1.0, 2.0])
    for p in model.parameters():
        p.data = 0.0
    assert other([1.0, 2.0]) == before == other.map([[1.0, 2.0]])[0]
    assert g([1.0, 2.0]) == 0.0


REBOUND, FACTOR = ad.Value(2.0), 3.0


def test_a_captured_variable_that_is_rebound_is_seen(monkeypatch):
    f = ad.compile(lambda x: REBOUND * x * FACTOR)
    assert f.map([1.0]) == [6.0]
    monkeypatch.setitem(globals(), "FACTOR", 3.0)
    assert f.map([2.0]) == [12.0]
    monkeypatch.setitem(globals(), "FACTOR", 4.0)
    with pytest.raises(ad.StaleRecording, match=r"FACTOR was 3\.0.* 4\.0 now"):
        f.map([1.0])
    w = ad.Value(1.0)
    g = ad.compile(lambda x: w * x)
    g.backward([1.0])
    w = w - 0.1
    with pytest.raises(ad.StaleRecording, match="when w was"):
        g.backward([1.0])


def test_repeated_sweeps_see_what_changes_between_them(monkeypatch):
    f = ad.compile(lambda x, power=2: REBOUND * x**power * FACTOR)
    xs = np.array([1.0, 2.0])
    REBOUND.grad = 0.0
    assert [f.backward(xs) for _ in range(3)] == [15.0] * 3
    swept = f.program
    assert f.map(xs).tolist() == [6.0, 24.0]
    assert f.program is not swept
    assert [f.backward(xs) for _ in range(2)] == [15.0] * 2
    assert f.program is swept
    assert f.backward(xs, power=1) == 9.0
    assert f.backward(xs) == 15.0
    assert REBOUND.grad == 6 * 7.5 + 4.5
    with pytest.raises(ad.TraceError, match="inside of another"):
        ad.compile(lambda x: f.backward(xs) * x)(1.0)
    monkeypatch.setitem(globals(), "FACTOR", 4.0)
    with pytest.raises(ad.StaleRecording, match="FACTOR was"):
        f.backward(xs)
    assert REBOUND.grad == 6 * 7.5 + 4.5


def test_operations_among_the_parameters_are_swept_together():
    a, b, c = ad.Value(2.0), ad.Value(3.0), ad.Value(0.0)

    def loss(product, x):
        return product * x + product * a * 0.5 + ad.tanh(0.1 * product) * x + a

    product = a * b
    used = [product, product * a, ad.tanh(0.1 * product)]
    f = ad.compile(lambda x: used[0] * x + used[1] * 0.5 + used[2] * x + a)
    xs = np.array([1.0, 5.0])
    wanted = ad.gradients(sum(loss(a * b, x) for x in xs.tolist()) / 2, [a, b])
    for times in (1, 2, 3):
        f.backward(xs)
        assert [a.grad, b.grad] == pytest.approx([times * g for g in wanted], rel=1e-14)
    root = ad.sqrt(c)
    g = ad.compile(lambda x: used[0] * x + root * x + a)
    a.grad = b.grad = 0.0
    for _ in range(2):
        with ad.strict(), pytest.raises(ad.NonFiniteError):
            g.backward(xs)
        assert (a.grad, b.grad, c.grad) == (0.0, 0.0, 0.0)
    assert g.backward(xs) == 20.0
    assert (a.grad, b.grad, c.grad) == (10.0, 6.0, math.inf)
    c.data = 1e200
    large, c.grad = 1e100 * c, 0.0
    with ad.strict():  # 1e300 times 1e20 is infinite, and no gradient
        ad.compile(lambda x: large * x).backward(np.array([1e20]))
    assert c.grad == pytest.approx(1e120, rel=1e-14)


def test_a_shallow_copy_keeps_an_order_of_its_own():
    f = ad.compile(lambda x: WEIGHT * sum(x))
    f.backward(np.ones((2, 2)))
    g = copy.copy(f)
    g.backward(np.ones((2, 3)))
    f.backward(np.ones((2, 2)))
    source = f.source
    g.backward(np.ones((2, 5)))
    f.backward(np.ones((2, 2)))
    assert f.source == source
    assert (f.traces, g.traces) == (1, 3)


def test_a_sweep_that_interrupts_another_does_not_wait_for_it():
    """As that of a signal's handler may, or of a finalizer."""
    w = ad.Value(1.0)
    product = w * w
    f = ad.compile(lambda x: product * x)
    f.backward(np.ones(2))
    w.grad, seen = 0.0, []

    def interrupting(*_):
        if len(seen) < 2:
            seen.append(f)
            f.backward(np.ones(2))

    before = set_observer(None, interrupting)
    try:
        thread = threading.Thread(target=f.backward, args=(np.ones(2),), daemon=True)
        thread.start()
        thread.join(30.0)
    finally:
        set_observer(*before)
    assert not thread.is_alive()
    assert w.grad == 6.0


def test_a_function_of_nothing_is_called_again_and_again():
    w = ad.Value(3.0)
    f = ad.compile(lambda: [w, w * w])
    assert f.map() == f.map() == [[3.0, 9.0]]
    for reduce, loss in (("mean", 9.0), ("sum", 9.0), (None, [9.0])):
        w.data, w.grad = 3.0, 0.0
        g = ad.compile(lambda: w * w, reduce=reduce)
        assert g.backward() == g.backward() == loss
        assert w.grad == 12.0
        w.data = 1.0
        g.backward()
        assert w.grad == 14.0


@pytest.mark.parametrize("batch", [[1.0], np.array([1.0])])
def test_eight_threads_add_every_gradient(batch):
    w = ad.Value(1.0)
    f = ad.compile(lambda x: w * x)
    f.backward(batch)
    w.grad = 0.0
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=lambda: [f.backward(batch) for _ in range(300)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(switch)
    assert w.grad == 2400.0


def test_a_method_of_an_object_without_weak_references_says_what_is_missing():
    class Narrow:
        __slots__ = ("w",)

        @ad.compile
        def loss(self, x):
            return self.w * x

    with pytest.raises(TypeError, match=r"__weakref__.* Narrow"):
        Narrow().loss  # noqa: B018


def test_a_recording_goes_with_its_function(without_collector):
    w = ad.Value(1.0)
    f = ad.compile(lambda x: ad.tanh(w * x[0] + x[1]) - w)
    f([1.0, 2.0])
    for batch in ([[1.0, 2.0]], np.ones((3, 2)), np.ones((3, 2))):
        f.backward(batch)
    f.value_and_grad([1.0, 2.0])
    f.backward(np.ones((3, 2)))
    entries = [weakref.ref(entry) for entry in f._entries.values()]
    del f
    assert [entry() for entry in entries] == [None] * len(entries)
    assert gc.collect() == 0


@pytest.mark.parametrize("index", [0, 1])
def test_logits_that_are_ruled_out_cost_nothing_and_hide_nothing(index):
    for logits in ([-math.inf, 3.0], [1.0, 3.0], [900.0, -900.0], [math.nan, 1.0], [2.0, math.inf]):
        f = lambda z: nn.cross_entropy(z, index)  # noqa: E731
        value, gradient = ad.value_and_grad(f)(logits)
        for found in (ad.compile(f).value_and_grad(logits), ad.value_and_grad(f, compile=True)(np.array(logits))):
            assert found[0] == pytest.approx(value, rel=1e-15, nan_ok=True)
            assert list(found[1]) == pytest.approx(gradient, rel=1e-14, nan_ok=True)
        chosen = ad.compile(nn.cross_entropy)
        assert chosen(logits, index) == pytest.approx(value, rel=1e-15, nan_ok=True)
        found = chosen.value_and_grad(logits, index)
        assert found[1] == pytest.approx(gradient, rel=1e-14, nan_ok=True)


def test_what_takes_part_whatever_the_index_is_has_no_condition():
    model = nn.MLP(4, [6, 3], "relu", seed=1)
    f = ad.compile(lambda x, y: nn.cross_entropy(model(x), y))
    xs, ys = np.random.default_rng(1).normal(size=(11, 4)), [i % 3 for i in range(11)]
    loss = ad.mean([nn.cross_entropy(model(x.tolist()), y) for x, y in zip(xs, ys, strict=True)])
    loss.backward()
    expected = [p.grad for p in model.parameters()]
    model.zero_grad()
    assert f.backward(xs, ys) == pytest.approx(loss.data, rel=1e-14)
    assert [p.grad for p in model.parameters()] == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert sum(group.size for group in f.program.groups if group.op == "select") <= 6 * 3


class Named(ad.Value):
    """A parameter of a class of one's own."""


@pytest.mark.parametrize("number", [0.0, -0.0, 2.0])
def test_parameters_of_a_subclass_are_parameters_whatever_their_number(number):
    w = Named(number)
    f = ad.compile(lambda x: x * w + w)
    f.backward([3.0])
    assert (f(3.0), w.grad, len(f.parameters)) == (4.0 * number, 4.0, 1)
    w.data = 5.0
    assert f(3.0) == 20.0


def test_a_value_that_is_rebound_to_one_of_the_same_number_is_seen():
    w = ad.Value(1.0)
    f = ad.compile(lambda x: w * x)
    f.backward([1.0])
    w = ad.Value(1.0)
    with pytest.raises(ad.StaleRecording):
        f.backward([1.0])


@pytest.mark.parametrize("part", [lambda x: x, lambda x: ad.where(x > 0.15, x * x, x), lambda x: ad.take([x, x * 2], 1)])
def test_a_captured_operation_passes_its_gradient_on_once(part):
    w = ad.Value(0.7)
    doubled = w * 2

    def f(x):
        return w * x[0] + part(doubled) * x[1] + part(doubled)

    ad.compile(f).backward([[0.3, 0.7], [0.1, 0.2]])
    found = w.grad
    w.grad = 0.0
    ((f([0.3, 0.7]) + f([0.1, 0.2])) / 2).backward()
    assert found == pytest.approx(w.grad, rel=1e-15)
