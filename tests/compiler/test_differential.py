"""Random programs, compiled in every way there is, against the same programs called eagerly; `make fuzz` tries many.

Values and gradients of one sample are compared to the last bit: the machine does what the engine does, in the same order. Sums
over the samples may be grouped otherwise.
"""

import math
import pickle
import struct

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import autodiff as ad

EDGES = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 1e-320, 1e308, -1e308, 1e16, 1e16 + 2, 710.0, -745.0, math.inf, -math.inf, math.nan]
OPERATIONS = {
    "+": lambda x, y, z: x + y,
    "-": lambda x, y, z: x - y,
    "*": lambda x, y, z: x * y,
    "/": lambda x, y, z: x / y,
    "n": lambda x, y, z: -x,
    "a": lambda x, y, z: abs(x),
    "2": lambda x, y, z: x**2,
    "3": lambda x, y, z: x**3,
    "sum": lambda x, y, z: ad.sum([x, y, z, y]),
    "dot": lambda x, y, z: ad.dot([x, y, z], [y, z, 0.5]),
    "chain": lambda x, y, z: x - y + z - x,
    "brackets": lambda x, y, z: (x - y) - (z - x),
    "products": lambda x, y, z: x * y - y * z + z * 0.5,
    "mean": lambda x, y, z: ad.mean([x, y, z]),
    "max": lambda x, y, z: ad.maximum(x, y),
    "min": lambda x, y, z: ad.min(x, y, z),
    "clip": lambda x, y, z: ad.clip(x, -1.0, 1.0),
    "where": lambda x, y, z: ad.where(x > y, z, x),
    "relu": lambda x, y, z: ad.relu(x),
    "sqrt": lambda x, y, z: ad.sqrt(x),
    "exp": lambda x, y, z: ad.exp(x),
    "log": lambda x, y, z: ad.log(x),
    "tanh": lambda x, y, z: ad.tanh(x),
    "sigmoid": lambda x, y, z: ad.sigmoid(x),
    "sin": lambda x, y, z: ad.sin(x),
    "gelu": lambda x, y, z: ad.where(y > 0, ad.gelu(x), z),
    "softplus": lambda x, y, z: ad.softplus(x),
    "hypot": lambda x, y, z: ad.hypot(x, y),
    "conv": lambda x, y, z: ad.sum([p * q for p, q in zip([x, y, z], [z, x, 2.0], strict=True)]),
    "take": lambda x, y, z: ad.take([x, y, z], ad.where(x > 0, 2.0, 0.0)),
}  # fmt: skip
NAMES = sorted(OPERATIONS)
EXACT = [name for name in NAMES if name != "hypot"]  # Python's own and C's may differ in the last bit
PLAIN = sorted({"+", "-", "*", "n", "2", "sum", "dot", "chain", "brackets", "products", "relu", "tanh", "sin", "where", "conv"})
BRANCHES = ["where", "gelu", "take", "+", "-", "*", "sin", "sum", "tanh", "min"]
STEP = st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
PLAN = st.lists(STEP, min_size=1, max_size=14)
NUMBER = st.one_of(st.sampled_from(EDGES), st.floats(-4, 4))


def lists(numbers, n):
    return st.lists(numbers, min_size=n, max_size=n)


def program(plan, weights, names=NAMES):
    """A function of three numbers that does what the plan says, and one result that depends on the last four steps."""

    def f(xs):
        known = [*xs, *weights, 0.5, -1.0]
        for step, *places in plan:
            x, y, z = [known[place % len(known)] for place in places]
            name = names[step % len(names)]
            x = x + xs[0] * 0.0 if isinstance(x, float) else x
            if name == "take":  # what is taken is a Value, traced or not
                y, z = [number + xs[0] * 0.0 if isinstance(number, float) else number for number in (y, z)]
            known.append(OPERATIONS[name](x, y, z))
        return known[-1] * 1.0 + known[-2]

    return f


def bits(x):
    """A number that two floats share only if they are the same; all nans are one."""
    return "nan" if x != x else struct.pack("d", x).hex()


def all_bits(tree):
    return [bits(x) for x in np.ravel(tree).tolist()]


# the operand that is not taken is used by nobody eagerly, and has its turn earlier
LATER_TAKEN = [(0, 0, 0, 0)] * 3 + [(60, 0, 0, 0), (155, 2, 1, 64140), (3477, 0, 0, 202)]
LATER_WHERE = [(0, 0, 0, 0), (103, 0, 0, 0), (0, 0, 0, 0), (1, 929988, 0, 0), (4204, 12812, 3, 0)]


@given(PLAN, lists(NUMBER, 3), lists(NUMBER, 2))
@example(LATER_TAKEN, [0.0, 0.0, 1e308], [0.0, 0.0])
@example(LATER_WHERE, [0.0, 0.0, 0.0], [-1.0, 0.0])
@pytest.mark.fuzz
def test_one_sample_is_as_eager_to_the_last_bit(plan, xs, weights):
    weights = [ad.Value(w) for w in weights]
    f = program(plan, weights, EXACT)
    value, gradient = ad.value_and_grad(f)(xs)
    compiled = ad.compile(f)
    for argument in (xs, xs, np.array(xs), np.array(xs)):
        assert bits(compiled(argument)) == bits(value)
    for argument in (xs, np.array(xs), xs, tuple(xs)):
        found = compiled.value_and_grad(argument)
        assert (bits(found[0]), all_bits(found[1])) == (bits(value), all_bits(gradient))


BRANCHED = st.lists(
    st.tuples(st.sampled_from([NAMES.index(name) for name in BRANCHES]), *[st.integers(0, 30)] * 3), min_size=1, max_size=14
)


@given(BRANCHED, lists(lists(st.floats(-2, 2), 3), 4), lists(st.floats(-2, 2), 2))
@pytest.mark.fuzz
def test_gradients_are_added_in_the_order_of_eager_whichever_way_is_taken(plan, samples, weights):
    weights = [ad.Value(w) for w in weights]
    f = program(plan, weights)
    gradient, compiled = ad.grad(f), ad.grad(f, compile=True)
    for xs in samples:
        assert all_bits(compiled(xs)) == all_bits(gradient(xs))


def test_what_a_comparison_takes_is_not_used():
    def f(x):  # in the trace y waits for the comparison
        y = ad.sin(x)
        return (y > 0.0) * x * 0.3 + ad.exp(x) + y * 0.7

    gradient, compiled = ad.grad(f), ad.grad(f, compile=True)
    for i in range(-40, 40):
        assert bits(compiled(i / 40)) == bits(gradient(i / 40))


def test_one_contribution_comes_early_one_way_and_late_the_other():
    def f(x):
        y = ad.sin(x)
        return ad.where(x > 0.5, y, x) * 0.3 + (ad.exp(x) * 0.7 + y * 0.1) + x * 0.9

    gradient, compiled = ad.grad(f), ad.grad(f, compile=True)
    for i in range(40):
        assert bits(compiled(i / 40)) == bits(gradient(i / 40))


def test_what_is_taken_passes_each_contribution_on_by_itself():
    def f(xs, i):  # eagerly take() is no operation: its users are users of the entry
        y = ad.take([xs[0], ad.sin(xs[1]), 3.0, xs[1]], i)
        return y * 0.1 + y * 0.7 + xs[0] * 0.3 + xs[1] * 0.9 + y * ad.exp(y)

    compiled = ad.value_and_grad(f, compile=True)
    for i in (0.0, 1.0, 2.0, 3.0):
        for x in (0.1, 0.3, -1.7):
            value, gradient = ad.value_and_grad(f)([x, x * x], i)
            found = compiled([x, x * x], i)
            assert (bits(found[0]), all_bits(found[1])) == (bits(value), all_bits(gradient))


@pytest.mark.parametrize("power", [lambda y: y * y, lambda y: y**2, lambda y: y**3])
def test_a_power_of_a_distance_passes_on_through_it(power):
    def f(x):
        y = abs(x)
        return power(y) * 0.7 + ad.exp(x) + y * 0.3

    gradient, compiled = ad.grad(f), ad.grad(f, compile=True)
    for i in range(-40, 41):
        assert bits(compiled(i / 40)) == bits(gradient(i / 40))


@pytest.mark.parametrize(("first", "second"), [(2, 3), (3, 2)])
def test_one_index_into_two_tables_of_different_lengths(first, second):
    def f(xs, i):
        return ad.take(list(xs[:first]), i) * ad.sin(ad.take(list(xs[-second:]), i)) + xs[1]

    compiled = ad.grad(f, compile=True)
    for i in (0.0, 1.0):
        assert all_bits(compiled([0.3, 0.7, -1.1], i)) == all_bits(ad.grad(f)([0.3, 0.7, -1.1], i))


def test_no_nan_of_what_is_not_taken_comes_through_however_many_ways_there_are():
    for n in (1, 5, 6, 7, 40):

        def f(xs):
            return ad.sum([ad.where(x > 0.0, ad.sqrt(x) * ad.log(x), ad.exp(x)) for x in xs])

        compiled = ad.grad(f, compile=True)
        for xs in ([float(i % 3) for i in range(n)], [-1.0] * n, [0.0] * n, [2.0] * n):
            assert all_bits(compiled(xs)) == all_bits(ad.grad(f)(xs))


@given(PLAN, lists(lists(NUMBER, 3), 7), lists(NUMBER, 2))
@pytest.mark.fuzz
def test_a_sample_has_the_same_bits_alone_and_in_every_batch(plan, batch, weights):
    weights = [ad.Value(w) for w in weights]
    f = program(plan, weights, EXACT)
    compiled = ad.compile(f)
    alone = [bits(compiled(xs)) for xs in batch]
    assert alone == [bits(ad.value_and_grad(f)(xs)[0]) for xs in batch]
    for n in (0, 1, 2, 7, 100):
        some = [batch[i % 7] for i in range(n)]
        assert all_bits(compiled.map(some)) == [alone[i % 7] for i in range(n)]
        assert all_bits(compiled.map(np.array(some).reshape(n, 3))) == [alone[i % 7] for i in range(n)]
    assert all_bits(ad.compile(f, in_axes=1).map(np.array(batch).T)) == alone


@given(PLAN, lists(lists(st.floats(-2, 2), 3), 2), st.sampled_from([1, 2, 7, 100]))
@pytest.mark.fuzz
def test_gradients_over_a_batch_are_those_of_its_samples(plan, rows, n):
    weights = [ad.Value(0.75), ad.Value(-1.5)]
    f = program(plan, weights, PLAIN)
    batch = [rows[i % 2] for i in range(n)]
    each = []
    for xs in rows:
        loss = f([ad.Value(x) for x in xs])
        each.append((loss.data, *ad.gradients(loss, weights)))
    expected = [math.fsum(each[i % 2][k] / n for i in range(n)) for k in range(3)]
    sizes = [max(abs(numbers[k]) for numbers in each) for k in range(3)]
    compiled = ad.compile(f, reduce="mean")
    for _ in range(2):
        loss = compiled.backward(batch)
        found = [loss, *[w.grad for w in weights]]
        for w in weights:
            w.grad = 0.0
        for ours, theirs, size in zip(found, expected, sizes, strict=True):
            assert abs(ours - theirs) <= 1e-9 * (1.0 + size) or not math.isfinite(theirs)
    assert compiled.backward(np.array(batch)) == loss


def scaled(x, w, k=1.0):
    return k * x * w + ad.tanh(w) * w - x / k


@given(NUMBER, NUMBER, st.sampled_from([1.0, -0.0, 0.0, True, 1, 2.5]), st.permutations(range(4)))
@pytest.mark.fuzz
def test_the_order_of_calls_changes_nothing(x, w, k, order):
    compiled = ad.compile(scaled, argnums=(0, 1), in_axes=(0, None))
    expected, gradient = ad.value_and_grad(scaled, (0, 1))(x, w, k=k)
    plain, plain_gradient = ad.value_and_grad(scaled, (0, 1))(x, w)
    for copied in (False, False, True):
        f = pickle.loads(pickle.dumps(compiled)) if copied else compiled
        for which in [*order, *order]:
            if which == 0:
                assert bits(f(x, w, k=k)) == bits(expected)
            elif which == 1:
                value, found = f.value_and_grad(x, w, k=k)
                assert (bits(value), all_bits(found)) == (bits(expected), all_bits(gradient))
            elif which == 2:
                value, found = f.value_and_grad(x, w)
                assert (bits(value), all_bits(found)) == (bits(plain), all_bits(plain_gradient))
            else:
                assert all_bits(f.map([x, x], w)) == [bits(plain)] * 2
