"""Compiled functions against the same functions called eagerly: every rule and edge, sharing, batch sizes, buffers."""

import functools
import itertools
import math
import operator
import random
from array import array

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.simplify import PASSES
from autodiff.engine import rules

EDGES = [-math.inf, -2.5, -1.0, -0.5, -0.0, 0.0, 0.3, 1.0, 2.0, 3.0, 1e-300, 710.0, math.inf, math.nan]
EDGES_OF_TWO = [-math.inf, -2.0, -0.0, 0.0, 0.5, 2.0, 3.0, math.inf, math.nan]
ROWS = [rule for rule in rules.TABLE.values() if rule.name not in ("select", "taken", *rules.CONSTANT)]


def same(a, b, tolerance=0.0):
    """Equal, nan to nan, the sign of zero included; else within a relative tolerance."""
    if a != a or b != b:
        return a != a and b != b
    if a == b:
        return a != 0.0 or math.copysign(1.0, a) == math.copysign(1.0, b)
    return math.isclose(a, b, rel_tol=tolerance) and tolerance > 0


def applied(rule, xs):
    return rules.apply(rule, tuple(xs))


def points(rule):
    if rule.arity == 1:
        return [(x,) for x in EDGES]
    if rule.arity == 2:
        return list(itertools.product(EDGES_OF_TWO, repeat=2))
    rng = random.Random(5)
    return [tuple(rng.choice(EDGES_OF_TWO) for _ in range(4)) for _ in range(60)]


@pytest.mark.parametrize("rule", ROWS, ids=lambda rule: rule.name)
def test_every_row_and_edge_is_as_eager_in_one_call_and_in_a_batch(rule):
    f = ad.compile(lambda xs: applied(rule, xs))
    expected, gradients = [], []
    for point in points(rule):
        value, gradient = ad.value_and_grad(lambda xs: applied(rule, xs))(list(point))
        expected.append(value)
        gradients.append(gradient)
        assert same(f(list(point)), value, 1e-14), (point, f(list(point)), value)
        found = f.value_and_grad(list(point))
        assert same(found[0], value, 1e-14), point
        for ours, theirs in zip(found[1], gradient, strict=True):
            assert same(ours, theirs, 1e-13), (point, found[1], gradient)
    for ours, theirs in zip(f.map(np.array(points(rule))), expected, strict=True):
        assert same(ours, theirs, 1e-14)


@pytest.mark.parametrize("rule", ROWS, ids=lambda rule: rule.name)
def test_the_gradients_of_parameters_are_as_eager(rule):
    rng = random.Random(rule.code)
    n = rule.arity or 4
    weights = [ad.Value(rng.uniform(0.1, 0.9)) for _ in range(n)]
    xs = [[rng.uniform(0.1, 0.9) for _ in range(n)] for _ in range(11)]

    def f(x):
        return applied(rule, [w * v for w, v in zip(weights, x, strict=True)]) * 3.0

    loss = ad.mean([f(x) for x in xs])
    loss.backward()
    expected = [w.grad for w in weights]
    for w in weights:
        w.grad = 0.0
    assert ad.compile(f).backward(xs) == pytest.approx(loss.data, rel=1e-13, nan_ok=True)
    assert [w.grad for w in weights] == pytest.approx(expected, rel=1e-12, abs=1e-14, nan_ok=True)


def random_function(seed):
    """A function with much sharing, and with parameters of its own."""
    rng = random.Random(seed)
    parameters = [ad.Value(rng.uniform(-1, 1)) for _ in range(4)]
    plan = [(rng.choice("+-*/dtsmwnv"), rng.random(), rng.random(), rng.random()) for _ in range(40)]

    def f(xs):
        known = [*xs, *parameters, 0.5, -1.0]

        def pick(r):
            return known[int(r * len(known))]

        for op, a, b, c in plan:
            x, y, z = pick(a), pick(b), pick(c)
            known.append(
                {
                    "+": lambda x=x, y=y: x + y,
                    "-": lambda x=x, y=y: x - y,
                    "*": lambda x=x, y=y: x * y,
                    "/": lambda x=x, y=y: x / (2.0 + y * y),
                    "d": lambda x=x, y=y, z=z: ad.dot([x, y, z], [y, z, 0.5]),
                    "t": lambda x=x: ad.tanh(x),
                    "s": lambda x=x, y=y, z=z: ad.sum([x, y, z, x]),
                    "m": lambda x=x, y=y: ad.maximum(x, y),
                    "w": lambda x=x, y=y, z=z: ad.where(x > y, ad.tanh(z), y),
                    "n": lambda x=x: -x,
                    "v": lambda x=x, y=y: ad.softmax([x, y])[0],
                }[op]()
            )
        return ad.tanh(ad.sum(known[-12:]))

    return f, parameters


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("passes", [None, *[[name for name in PASSES if name != left_out] for left_out in PASSES], []])
def test_random_graphs_are_as_eager_with_each_simplification_on_and_off(seed, passes):
    f, parameters = random_function(seed)
    rng = random.Random(seed + 1000)
    batch = [[rng.uniform(-1, 1) for _ in range(3)] for _ in range(7)]
    compiled = ad.compile(f, passes=passes)
    for xs in batch[:2]:
        value, gradient = ad.value_and_grad(f)(xs)
        assert compiled(xs) == pytest.approx(value, rel=1e-12, abs=1e-13)
        assert compiled.value_and_grad(xs)[1] == pytest.approx(gradient, rel=1e-11, abs=1e-12)
    loss = ad.mean([f(xs) for xs in batch])
    loss.backward()
    expected = [p.grad for p in parameters]
    for p in parameters:
        p.grad = 0.0
    assert compiled.backward(batch) == pytest.approx(loss.data, rel=1e-12, abs=1e-13)
    assert [p.grad for p in parameters] == pytest.approx(expected, rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("n", [1, 2, 7, 64, 100, 129, 1000])
def test_every_batch_size_is_as_eager(n):
    rng = np.random.default_rng(n)
    w = [ad.Value(x) for x in (0.3, -0.7, 0.2)]

    def f(x, y):
        return (ad.tanh(ad.dot(w, x)) - y) ** 2 + 0.01 * ad.dot(w, w)

    xs, ys = rng.normal(size=(n, 3)), rng.normal(size=n)
    losses = [f(list(map(float, x)), float(y)) for x, y in zip(xs, ys, strict=True)]
    ad.mean(losses).backward()
    expected = [v.grad for v in w]
    for v in w:
        v.grad = 0.0
    compiled = ad.compile(f)
    assert compiled.backward(xs, ys) == pytest.approx(ad.mean(losses).data, rel=1e-12)
    assert [v.grad for v in w] == pytest.approx(expected, rel=1e-11, abs=1e-13)
    assert compiled.map(xs, ys) == pytest.approx([loss.data for loss in losses], rel=1e-13)


def test_large_products_of_parameters_alone_beside_a_small_batch():
    rng = random.Random(8)
    matrix = [[ad.Value(rng.uniform(-1, 1)) for _ in range(900)] for _ in range(5)]
    vectors = [[ad.Value(rng.uniform(-1, 1)) for _ in range(900)] for _ in range(6)]

    def f(x):
        rows = [ad.tanh(ad.dot(row, reversed(vector))) for row in matrix for vector in vectors]
        return x * ad.sum(rows) + x * x

    parameters = [v for row in matrix + vectors for v in row]
    xs = [0.5, -1.5, 2.0]
    loss = ad.mean([f(x) for x in xs])
    loss.backward()
    expected = [v.grad for v in parameters]
    for v in parameters:
        v.grad = 0.0
    assert ad.compile(f).map(xs) == pytest.approx([f(x).data for x in xs], rel=1e-12)
    assert ad.compile(f).backward(xs) == pytest.approx(loss.data, rel=1e-12)
    assert [v.grad for v in parameters] == pytest.approx(expected, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("n_out", [1, 2, 3, 4, 5, 8, 9])
@pytest.mark.parametrize("n_in", [*range(1, 10), 70])
def test_the_gradient_of_a_layer_is_a_product_over_the_samples(n_in, n_out):
    """Whatever is left over when its rows and columns are taken some together; the widest ones are NumPy's."""
    rng = np.random.default_rng(n_in)
    n_out = 64 if n_in == 70 else n_out
    layer = [[ad.Value(w) for w in row] for row in rng.normal(size=(n_out, n_in + 1))]
    f = ad.compile(lambda x: ad.sum([ad.tanh(ad.dot(row[:-1], x) + row[-1]) for row in layer]), reduce="sum")
    for n in (1, 2, 7, 300):
        xs = rng.normal(size=(n, n_in))
        outputs = np.tanh(xs @ np.array([[w.data for w in row[:-1]] for row in layer]).T + [row[-1].data for row in layer])
        for w in itertools.chain(*layer):
            w.grad = 1.0  # added to
        assert f.backward(xs) == pytest.approx(outputs.sum(), rel=1e-12, abs=1e-12)
        slopes = 1.0 - outputs**2
        expected = 1.0 + np.column_stack([slopes.T @ xs, slopes.sum(axis=0)])
        np.testing.assert_allclose([[w.grad for w in row] for row in layer], expected, rtol=1e-11, atol=1e-11)


def test_an_empty_batch_maps_to_nothing_and_has_no_mean():
    f = ad.compile(lambda x, y: x[0] * y)
    assert f.map(np.empty((0, 2)), np.empty(0)).shape == (0,)
    assert f.map([], []) == []
    for xs, ys in ((np.empty((0, 2)), np.empty(0)), ([], [])):
        with pytest.raises(ad.ShapeError, match="no samples"):
            f.backward(xs, ys)
    assert ad.compile(lambda x: x * x, reduce="sum").backward([]) == 0.0


@pytest.mark.parametrize("n", [1, 5, 1000])
def test_samples_without_numbers_are_samples_all_the_same(n):
    w = [ad.Value(x) for x in (0.5, -3.0)]
    for reduce, times in (("mean", 1), ("sum", n), (None, n)):
        f = ad.compile(lambda x: w[0] * w[0] * w[1] + w[0] + len(x), reduce=reduce)
        for _ in range(2):  # the second call is a quick one
            for v in w:
                v.grad = 0.0
            loss = f.backward(np.empty((n, 0)))
            assert np.sum(loss) == pytest.approx(-0.25 * times)
            assert [v.grad for v in w] == pytest.approx([-2.0 * times, 0.25 * times])


def test_buffers_of_every_sort_give_the_same_numbers():
    w = ad.Value(0.5)
    f = ad.compile(lambda x, y: w * x[0] - x[1] * y)
    xs = np.arange(24.0).reshape(12, 2) / 7
    ys = np.arange(12.0) - 3
    expected = f.map(xs, ys)
    read_only = xs.copy()
    read_only.flags.writeable = False
    wide = np.zeros((24, 4))
    wide[::2, ::2] = xs
    for same_xs in (read_only, wide[::2, ::2], np.asfortranarray(xs)):
        assert (f.map(same_xs, ys) == expected).all()
    assert f.map(xs.astype(np.float32), ys) == pytest.approx(expected, rel=1e-6)
    assert (f.map(np.arange(24).reshape(12, 2), ys) == f.map(np.arange(24.0).reshape(12, 2), ys)).all()
    assert f.map(xs.tolist(), ys.tolist()) == expected.tolist()
    assert f.map(memoryview(xs), array("d", ys)) == expected.tolist()
    assert f.map([tuple(x) for x in xs.tolist()], ys.astype(int)) == pytest.approx(f.map(xs, ys))


@pytest.mark.filterwarnings("error")
def test_products_that_are_numpys_have_no_warnings():
    rng = np.random.default_rng(3)
    rows = [[ad.Value(w) for w in row] for row in rng.normal(size=(64, 64))]
    f = ad.compile(lambda x: ad.sum([ad.tanh(ad.dot(row, x)) for row in rows]))
    xs = rng.normal(size=(9, 64))
    xs[3, 5], xs[4, 4], xs[5] = math.inf, math.nan, 1e308
    with np.errstate(all="raise"):
        assert np.isnan(f.map(xs)).tolist() == [i == 4 for i in range(9)]
        assert math.isnan(f.backward(xs))


def test_a_nan_in_the_data_is_a_nan_in_its_sample_alone():
    f = ad.compile(lambda x: ad.relu(x[0]) * x[1])
    xs = np.array([[1.0, 2.0], [math.nan, 1.0], [3.0, 1.0]])
    assert np.isnan(f.map(xs)).tolist() == [False, True, False]


@pytest.mark.parametrize("n", [1, 30, 300])
def test_what_all_samples_share_is_there_for_every_block_of_them(n):
    """Numbers computed once, of parameters and of shared inputs: outputs themselves, needed late, or needed again and again."""
    w = ad.Value(0.7)

    def f(x, shared):
        chain = [ad.sin(w * shared[0])]
        for i in range(12):
            chain.append(ad.tanh(chain[-1] + shared[i % 2]))  # of one size: each could stand where one before it did
        own = [ad.exp(w * shared[1])]  # needed by one another, and as outputs
        for _ in range(6):
            own.append(ad.atan(own[-1]))
        early = late = ad.sin(x)
        for i in range(40):
            late = ad.cos(late * chain[0]) + ad.atan(chain[i % 13] * x)
        return [chain[0], chain[3], late, own[0], late * chain[1], own[2], early, own[6]]

    xs = [math.sin(i) for i in range(n)]
    shared = [0.3, -1.2]
    found = ad.compile(f, in_axes=(0, None)).map(xs, shared)
    assert len(found) == n
    for i in {0, n // 3, n // 2, n - 1}:
        assert found[i] == pytest.approx([float(out.data) for out in f(ad.Value(xs[i]), shared)], rel=1e-13)
    for column in (0, 1, 3, 5, 7):
        assert [row[column] for row in found] == [found[0][column]] * n

    def loss(x, shared):
        return ad.sum(f(x, shared))

    mean = ad.compile(loss, in_axes=(0, None)).backward(xs, shared)
    gradient, w.grad = w.grad, 0.0
    eager = ad.mean([loss(ad.Value(x), shared) for x in xs])
    eager.backward()
    assert (mean, gradient) == pytest.approx((eager.data, w.grad), rel=1e-11)


ZEROS_OF = {
    "dot": ad.dot,
    "a chain of sums": lambda xs, ys: functools.reduce(operator.add, [x * y for x, y in zip(xs, ys, strict=True)]),
    "sum": lambda xs, ys: ad.sum([x * y for x, y in zip(xs, ys, strict=True)]),
    "a chain of terms": lambda xs, ys: functools.reduce(operator.add, xs),
    "a chain of differences": lambda xs, ys: functools.reduce(operator.sub, [x * y for x, y in zip(xs, ys, strict=True)]),
    "less than nothing": lambda xs, ys: functools.reduce(operator.sub, [x * y for x, y in zip(xs, ys, strict=True)], -0.0),
    "differences of opposites": lambda xs, ys: -functools.reduce(operator.sub, [-x * y for x, y in zip(xs, ys, strict=True)]),
    "a negative sum": lambda xs, ys: -functools.reduce(operator.add, [x * y for x, y in zip(xs, ys, strict=True)]),
}


@pytest.mark.parametrize("form", ZEROS_OF)
@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 8, 15, 16, 17, 33, 64, 100])
@pytest.mark.parametrize("zeros", [[-0.0], [0.0], [-0.0, 0.0], [0.0, -0.0]])
def test_the_zero_of_a_sum_of_any_length_has_its_sign(form, length, zeros):
    f = ZEROS_OF[form]
    xs = (zeros * length)[:length]
    for ys in ([1.0] * length, [-1.0] * length, ([1.0, -1.0] * length)[:length]):
        expected = f([ad.Value(x) for x in xs], [ad.Value(y) for y in ys]).data
        assert expected == 0.0
        weights = [ad.Value(y) for y in ys]
        by_inputs, by_weights = ad.compile(f), ad.compile(lambda xs, weights=weights: f(xs, weights))
        rows = ad.compile(lambda xs, ys: [f(xs, ys), f(ys, xs), f(xs[::-1], ys[::-1])])
        found = [by_inputs(xs, ys), by_weights(xs), *by_inputs.map([xs] * 9, [ys] * 9), *by_weights.map([xs] * 9)]
        assert [math.copysign(1.0, zero) for zero in found] == [math.copysign(1.0, expected)] * len(found), (xs, ys)
        eager = [
            f([ad.Value(x) for x in a], [ad.Value(y) for y in b]).data for a, b in ((xs, ys), (ys, xs), (xs[::-1], ys[::-1]))
        ]
        for row in (rows(xs, ys), *rows.map([xs] * 9, [ys] * 9)):
            assert [math.copysign(1.0, zero) for zero in row] == [math.copysign(1.0, zero) for zero in eager], (xs, ys)


@pytest.mark.parametrize("depth", [2, 3, 5, 17])
@pytest.mark.parametrize("zero", [-0.0, 0.0])
def test_the_zeros_of_many_sums_of_numbers_of_their_own_have_their_signs(depth, zero):
    def f(xs, ys):
        parts = [range(i, 5 * depth, 5) for i in range(5)]
        return [functools.reduce(operator.add, [xs[i] * ys[i] for i in part]) for part in parts]

    xs, ys = [zero] * (5 * depth), [1.0 + i for i in range(5 * depth)]
    compiled = ad.compile(f)
    for row in (compiled(xs, ys), *compiled.map([xs] * 9, [ys] * 9)):
        assert [math.copysign(1.0, x) for x in row] == [math.copysign(1.0, zero)] * 5


@pytest.mark.parametrize("x", [-0.0, 0.0])
@pytest.mark.parametrize("y", [-0.0, 0.0])
@pytest.mark.parametrize("z", [-0.0, 0.0])
def test_the_sign_of_zero_is_as_eager(x, y, z):
    for f in (
        lambda v: v[0] + v[1] + v[2],
        lambda v: v[0] - (v[1] - v[2]),
        lambda v: -(v[0] + v[1]) - v[2],
        lambda v: v[0] - v[1] * v[2],
        lambda v: v[0] * v[1] + v[1] * v[2],
        lambda v: ad.dot([v[0], v[1]], [v[2], v[0]]),
        lambda v: ad.sum(v),
        lambda v: sum(v),
        lambda v: ad.dot(v, v) + v[0],
        lambda v: (v[0] - 0.0) + (-v[1]),
        lambda v: v[0] * -1.0 + v[1] * 1.0,
    ):
        for last in (lambda w: w, lambda w: 1 / w):
            g = lambda v, f=f, last=last: last(f(v))  # noqa: E731
            assert same(ad.compile(g)([x, y, z]), ad.value_and_grad(g)([x, y, z])[0])


def test_what_could_hide_a_nan_stays():
    for f in (lambda x: x * 0, lambda x: x - x, lambda x: x / x, lambda x: 0 / x, lambda x: x**0 * (x - x)):
        compiled = ad.compile(f)
        for x in (1.0, 0.0, math.inf, math.nan):
            assert same(compiled(x), ad.value_and_grad(f)(x)[0]), x


def edgy_function(seed):
    """A short function whose parameters, constants and operations meet the edges of the numbers."""
    rng = random.Random(seed)
    plan = [(rng.choice("+-*/dnswmqrcl"), rng.random(), rng.random(), rng.random()) for _ in range(12)]
    weights = [ad.Value(rng.choice([0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -3.0])) for _ in range(3)]

    def f(xs):
        known = [*xs, *weights, 1.0, -1.0, 0.0, 2.0]
        for op, *places in plan:
            x, y, z = [known[int(place * len(known))] for place in places]
            x = x if isinstance(x, ad.Value) else known[0] + x
            made = {
                "+": lambda x=x, y=y: x + y,
                "-": lambda x=x, y=y: x - y,
                "*": lambda x=x, y=y: x * y,
                "/": lambda x=x, y=y: x / y,
                "d": lambda x=x, y=y, z=z: ad.dot([x, y, z], [z, x, y]),
                "n": lambda x=x: -x,
                "s": lambda x=x, y=y, z=z: ad.sum([x, y, z]),
                "w": lambda x=x, y=y, z=z: ad.where(x > y, z, x),
                "m": lambda x=x, y=y: ad.maximum(x, y),
                "q": lambda x=x: x**2,
                "r": lambda x=x: ad.relu(x),
                "c": lambda x=x, y=y: (x - y) * 2.0,
                "l": lambda x=x: ad.sqrt(abs(x)),
            }
            known.append(made[op]())
        return known[-1] * 1.0 + known[-2]

    return f, weights


def agrees(ours, theirs):
    """nan for nan, inf for inf, a zero with its sign, else up to rounding: a sum that cancels may leave a rounding error."""
    if not math.isfinite(ours) or not math.isfinite(theirs) or ours == theirs == 0.0:
        return same(ours, theirs)
    return math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize("seed", range(0, 300, 2))
def test_nan_inf_and_signed_zeros_come_out_as_eager_gives_them(seed):
    f, weights = edgy_function(seed)
    compiled = ad.compile(f)
    rng = random.Random(seed + 10**6)
    edges = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -3.0, math.inf, -math.inf, math.nan]
    batch = [[rng.choice(edges) for _ in range(3)] for _ in range(5)]
    for xs in batch:
        value, gradient = ad.value_and_grad(f)(xs)
        found = compiled.value_and_grad(xs)
        mapped = compiled.map([[1.0, 1.0, 1.0], xs])[1]
        assert agrees(found[0], value), (xs, found[0], value)
        assert agrees(mapped, value), (xs, mapped, value)
        assert all(map(agrees, found[1], gradient)), (xs, found[1], gradient)
    ad.mean([f([ad.Value(x) for x in xs]) for xs in batch]).backward()
    expected = [w.grad for w in weights]
    for w in weights:
        w.grad = 0.0
    compiled.backward(batch)
    assert all(map(agrees, [w.grad for w in weights], expected)), (batch, [w.grad for w in weights], expected)


@pytest.mark.parametrize("n", [2, 9, 300])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 6), (2, 4), (3, 5), (4, 3), (5, 8)])
def test_gradients_of_layers_of_every_width(rows, columns, n):
    """Sums over the samples go by two rows and four columns, and what is left one by one."""
    generator = np.random.default_rng(rows * 10 + columns)
    start, xs = generator.normal(size=(rows, columns)), generator.normal(size=(n, columns))
    weights = [[ad.Value(x) for x in row] for row in start]
    ad.compile(lambda x: ad.sum(ad.tanh(ad.dot(row, x)) for row in weights)).backward(xs)
    expected = (1 - np.tanh(xs @ start.T) ** 2).T @ xs / n
    assert [[w.grad for w in row] for row in weights] == pytest.approx(expected, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("n", [1, 7, 300])
@pytest.mark.parametrize(("rows", "columns"), [(1, 6), (2, 2), (3, 3), (4, 4), (5, 3), (3, 8)])
def test_gradients_of_parameters_that_meet_one_input_each(rows, columns, n):
    """Their sums over the samples are several full products of their own, one for each input."""
    generator = np.random.default_rng(rows * 10 + columns)
    start, xs = generator.normal(size=(rows, columns)), generator.normal(size=(n, columns))
    weights = [[ad.Value(x) for x in row] for row in start]
    f = ad.compile(lambda x: ad.sum([ad.tanh(w * v) for row in weights for w, v in zip(row, x, strict=True)]))
    f.backward(xs)
    expected = ((1 - np.tanh(xs[:, None] * start) ** 2) * xs[:, None]).mean(axis=0)
    assert [[w.grad for w in row] for row in weights] == pytest.approx(expected, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("rows", [1, 3, 4, 5, 40])
def test_scattered_sums_have_the_bits_of_the_eager_ones(rows):
    """Terms and products with either sign, from places that follow no pattern: of a few rows, and of many at once."""
    generator = random.Random(rows)
    places = [generator.sample(range(30), 6) for _ in range(rows)]

    def f(xs):
        return [xs[a] * xs[b] - xs[c] + xs[d] - xs[e] * xs[f] + xs[a] for a, b, c, d, e, f in places]

    xs = [generator.uniform(-1.0, 1.0) for _ in range(30)]
    assert ad.compile(f)(xs) == [float(out.data) for out in f([ad.Value(x) for x in xs])]
    assert ad.compile(f).map([xs] * 3) == [f(xs)] * 3


@pytest.mark.parametrize("f", [lambda c, x: c * x, lambda c, x: x * c, lambda c, x: c - x, lambda c, x: x / c])
def test_one_number_for_many_members_is_as_eager(f):
    """The number shared by all or one for each, the others side by side or scattered, with lanes and without."""
    rng = random.Random(3)
    xs = [*EDGES, *[rng.gauss(0.0, 1.0) for _ in range(286)]]
    orders = [range(300), range(299, -1, -1), rng.sample(range(300), 300)]
    for c in EDGES:
        for order in orders:
            program = ad.compile(lambda c, xs, order=order: [f(c, xs[i]) for i in order] + [f(xs[i], c) for i in order])
            wanted = [f(ad.Value(c), xs[i]).data for i in order] + [f(xs[i], ad.Value(c)).data for i in order]
            assert all(map(same, program(c, xs), wanted))
    weights = [ad.Value(x) for x in xs]
    spread = ad.compile(lambda c: [f(w, c) for w in weights] + [f(c, w) for w in weights[::-1]])
    for row, c in zip(spread.map(EDGES), EDGES, strict=True):
        assert all(map(same, row, [f(x, ad.Value(c)).data for x in xs] + [f(ad.Value(c), x).data for x in xs[::-1]]))


def test_sums_of_products_with_one_number_are_as_eager():
    rng = random.Random(4)
    xs = [*EDGES, *[rng.gauss(0.0, 1.0) for _ in range(86)]]

    def f(c, xs):
        return [a + c * b - b * b for a, b in itertools.pairwise(xs)]

    program = ad.compile(f)
    for c in EDGES:
        assert all(map(same, program(c, xs), [v.data for v in f(ad.Value(c), [ad.Value(x) for x in xs])]))
