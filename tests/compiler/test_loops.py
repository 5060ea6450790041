"""Loops in programs: what repeats on its own results is one body and a count, and the same to the last bit as without."""

import math
import pickle
import random
import re
from array import array

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler import loops
from autodiff.compiler.machine import Machine
from autodiff.compiler.slots import placed
from autodiff.engine import rules

STEPS = 60


def found(f):
    """How many times each loop of the last program of f is done, those in other loops behind these."""
    counts = []
    waiting = list(f.program.groups)
    while waiting:
        group = waiting.pop(0)
        if group.loop is not None:
            counts.append(group.loop.times)
            waiting += group.loop.body
    return counts


def without_loops(f, numbers):
    """What the last program of f gives for one sample when every operation is done by itself."""
    replay = f._replay()
    machine = Machine(placed(replay.groups, alone=True), replay.parameters)
    assert not any(group.loop for group in replay.groups.groups)
    out = array("d", bytes(8 * machine.n_stored))
    machine.run(1, (), [(array("d", numbers), 0)], out)
    return out.tolist()


def check(f, xs):
    """The program with loops, that without and the eager engine agree; returns how many times each loop is done."""
    compiled = ad.compile(f)
    value, gradient = compiled.value_and_grad(xs)
    assert [value, *gradient] == without_loops(compiled, xs)
    expected, partials = ad.value_and_grad(f)(xs)
    assert math.isclose(value, expected, rel_tol=1e-12)
    assert gradient == pytest.approx(partials, rel=1e-9, abs=1e-300)
    return found(compiled)


# ---- what is a loop ----------------------------------------------------------------------------------------------------------


def step(x, y):
    return 0.9 * ad.sin(x) + 0.1 * y * x


def test_steps_that_are_all_the_same_are_a_loop_forward_and_one_backward():
    def f(xs):
        x = xs[0]
        for _ in range(STEPS):
            x = step(x, xs[1])
        return x

    forward, backward = check(f, [0.3, 0.7])
    assert STEPS - 2 <= forward <= STEPS
    assert STEPS - 4 <= backward <= STEPS


@pytest.mark.parametrize("steps", [8, 9, 10, 11, 12, 13, 30, 31])
@pytest.mark.parametrize("extra", ["none", "first", "last", "both"])
def test_steps_that_differ_at_either_end_stay_outside(steps, extra):
    def f(xs):
        a, b, c = xs
        if extra in ("first", "both"):
            a = ad.exp(a) - 0.5
        for _ in range(steps):
            a, b, c = b * 0.5 + step(a, c), step(b, a) - c * 0.25, step(c, b) + a * a * 0.125 - ad.tanh(a * b)
        if extra in ("last", "both"):
            return step(a, b) * c
        return a

    counts = check(f, [0.3, 0.7, -0.2])
    assert len(counts) == 2 if steps >= 12 else len(counts) <= 2
    assert all(count <= steps for count in counts)


def test_a_step_that_differs_in_the_middle_is_between_two_loops():
    def f(xs):
        x = xs[0]
        for k in range(2 * STEPS):
            x = step(x, xs[1]) if k != STEPS + 5 else ad.exp(-x) / xs[1]
        return x

    assert len(check(f, [0.3, 0.7])) == 4


def test_a_constant_that_changes_is_taken_from_a_vector():
    def f(xs):
        x = xs[0]
        for k in range(STEPS):
            x = ad.sin(x * (1.0 + 0.01 * k)) + x * math.cos(k) * xs[1]
        return x

    assert len(check(f, [0.3, 0.7])) == 2


def test_a_changing_constant_that_comes_again_is_no_matter():
    def f(xs):
        x = xs[0]
        for k in range(STEPS):
            x = ad.sin(x * (1.0 + k % 7)) + 0.3 * x * xs[1]
        return x

    assert len(check(f, [0.3, 0.7])) == 2


def test_a_loop_in_a_loop():
    def f(xs):
        y = xs[0]
        for _ in range(16):
            z = y
            for _ in range(24):
                z = z - (z * z * z - y * xs[1]) / (3.0 * z * z + 1.0)
            y = y + 0.1 * z
        return y

    counts = check(f, [2.0, 0.9])
    assert sorted(counts)[0] >= 12
    assert len(counts) >= 4


def test_newton_iterations():
    def f(xs):
        x = xs[0]
        for _ in range(40):
            x = x - (x * x * x - xs[0]) / (3 * x * x)
        return x

    compiled = ad.compile(f)
    value, (gradient,) = compiled.value_and_grad([7.0])
    assert value == pytest.approx(7 ** (1 / 3), rel=1e-15)
    assert gradient == pytest.approx(7 ** (-2 / 3) / 3, rel=1e-12)
    assert len(check(f, [7.0])) == 2


def test_results_of_the_last_time_but_one_are_carried_too():
    def f(xs):
        history = list(xs)
        for _ in range(STEPS):
            history.append(ad.tanh(history[-1] * 0.5 + history[-2] * history[-1] - 0.25 * history[-3]) + 0.01)
        return history[-1] * history[-2]

    counts = check(f, [0.3, 0.7, -0.4])
    assert len(counts) == 2
    assert min(counts) > STEPS // 3


def runge_kutta(steps):
    def f(xs):
        a, b, c, d, u, v = xs
        h = 0.01

        def field(u, v):
            return a * u - b * u * v, d * u * v - c * v

        for _ in range(steps):
            k1, l1 = field(u, v)
            k2, l2 = field(u + h / 2 * k1, v + h / 2 * l1)
            k3, l3 = field(u + h / 2 * k2, v + h / 2 * l2)
            k4, l4 = field(u + h * k3, v + h * l3)
            u = u + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
            v = v + h / 6 * (l1 + 2 * l2 + 2 * l3 + l4)
        return u * u + v

    return f


START = [1.1, 0.4, 0.4, 0.1, 10.0, 5.0]


def test_the_program_of_runge_kutta_does_not_grow_with_its_steps():
    sizes = set()
    for steps in (40, 80, 160):
        f = ad.compile(runge_kutta(steps))
        f.value_and_grad(START)
        forward, backward = found(f)
        assert forward >= steps - 4
        assert backward >= steps - 6
        sizes.add(len(f.program.groups))
        assert sum(len(index.table or ()) for group in f.program.groups for index, _, _ in group.indices()) < 1000
    assert len(sizes) == 1
    assert check(runge_kutta(40), START)


# ---- recurrent networks ------------------------------------------------------------------------------------------------------


def network(seed, inside=5, n_in=2):
    rng = random.Random(seed)
    rows = [[ad.Value(rng.gauss(0, 0.5)) for _ in range(inside + n_in)] for _ in range(inside)]

    def f(xs):
        h = [0.0] * inside
        for x in xs:
            h = [ad.tanh(ad.dot(row, [*h, *x])) for row in rows]
        return ad.sum(h)

    return f, [w for row in rows for w in row]


def sequence(seed, length=25):
    rng = random.Random(seed)
    return [[rng.gauss(0, 1), rng.gauss(0, 1)] for _ in range(length)]


def test_a_recurrent_network_takes_its_inputs_one_after_the_other():
    f, _ = network(1)
    xs = sequence(2)
    compiled = ad.compile(f)
    value, gradient = compiled.value_and_grad(xs)
    flat = [x for row in xs for x in row]
    assert [value, *[x for row in gradient for x in row]] == without_loops(compiled, flat)
    assert len(found(compiled)) == 2
    expected, partials = ad.value_and_grad(f)(xs)
    assert value == pytest.approx(expected, rel=1e-13)
    assert np.array(gradient) == pytest.approx(np.array(partials), rel=1e-10)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_recurrent_network_over_a_batch_has_the_bits_of_its_samples(threads):
    f, weights = network(3)
    compiled = ad.compile(f, threads=threads)
    samples = np.array([sequence(seed) for seed in range(300)])
    many = compiled.map(samples)
    assert len(found(compiled)) == 1
    for i in (0, 7, 128, 299):
        assert many[i] == compiled(samples[i].tolist())
        assert many[i] == compiled.map(samples[i : i + 1])[0]
    loss = compiled.backward(samples)
    assert len(found(compiled)) == 2
    assert loss == pytest.approx(float(np.mean(many)), rel=1e-13)
    gradients = [w.grad for w in weights]
    for w in weights:
        w.grad = 0.0
    total = sum(f(sample.tolist()) for sample in samples) / 300
    total.backward()
    assert gradients == pytest.approx([w.grad for w in weights], rel=1e-9)


@pytest.mark.parametrize("n", [2, 8, 9, 30])
def test_what_is_carried_may_begin_as_parameters_and_as_results_of_a_sample(n):
    rng = np.random.default_rng(4)
    hidden, inputs, steps = 8, 3, 10

    def parameters(*shape):
        return np.array([ad.Value(x) for x in rng.normal(size=shape).flat], object).reshape(shape).tolist()

    recurrent, taking, bias = parameters(hidden, hidden), parameters(hidden, inputs), parameters(hidden)
    begin, out = parameters(hidden), parameters(hidden)

    def f(xs):
        state, outputs = begin, []
        for i in range(0, steps * inputs, inputs):
            rows = zip(recurrent, taking, bias, strict=True)
            state = [ad.tanh(ad.dot(t, xs[i : i + inputs]) + ad.dot(r, state) + b) for r, t, b in rows]
            outputs.append(ad.dot(out, state))
        return ad.sum(outputs[::-1])

    compiled = ad.compile(f, reduce="sum")
    samples = rng.normal(size=(n, steps * inputs))
    many = compiled.map(samples)
    assert found(compiled)
    assert many.tolist() == [compiled(x) for x in samples]
    compiled.backward(samples)
    gradients = [w.grad for w in begin]
    for w in begin:
        w.grad = 0.0
    for x in samples.tolist():
        f(x).backward()
    assert gradients == pytest.approx([w.grad for w in begin], rel=1e-9)


def test_a_loop_on_parameters_alone_is_done_once_for_all_samples():
    w = ad.Value(0.4)

    def f(x):
        v = w
        for _ in range(STEPS):
            v = step(v, w)
        return v * x

    compiled = ad.compile(f)
    xs = np.linspace(-1.0, 1.0, 200)
    assert np.array_equal(compiled.map(xs), [compiled(x) for x in xs.tolist()])
    (loop,) = [group for group in compiled.program.groups if group.loop]
    assert loop.first < compiled.program.shared
    compiled.backward(xs + 1.0)
    expected = w.grad
    w.grad = 0.0
    (sum(f(x) for x in (xs + 1.0).tolist()) / 200).backward()
    assert expected == pytest.approx(w.grad, rel=1e-10)


@pytest.mark.parametrize("n", [1, 2, 40])
def test_a_loop_over_samples_takes_a_parameter_at_each_turn(n):
    """All samples share what is taken, and each has its own that is carried."""
    w = [ad.Value(0.5 + 0.01 * k) for k in range(STEPS)]

    def f(x):
        for v in w:
            x = ad.tanh(x * v + 0.1)
        return x

    compiled, xs = ad.compile(f), np.random.default_rng(n).normal(size=n)
    mean = compiled.backward(xs)
    assert len(found(compiled)) == 2
    gradients = [v.grad for v in w]
    for v in w:
        v.grad = 0.0
    expected = ad.mean([f(ad.Value(x)) for x in xs.tolist()])
    expected.backward()
    assert mean == pytest.approx(expected.data, rel=1e-13)
    assert gradients == pytest.approx([v.grad for v in w], rel=1e-9, abs=1e-18)


# ---- what is none ------------------------------------------------------------------------------------------------------------


def test_what_repeats_and_carries_nothing_is_a_vector():
    f = ad.compile(lambda xs: ad.max([ad.tanh(x * x + ad.sin(x)) for x in xs]))
    f(np.linspace(0.0, 1.0, 200).tolist())
    assert found(f) == []
    best = ad.compile(lambda xs: biggest(xs))
    best(np.linspace(0.0, 1.0, 200).tolist())
    assert found(best) == []  # most of its work is independent


def biggest(xs):
    best = xs[0]
    for x in xs:
        best = ad.maximum(best, ad.tanh(x * x + ad.sin(x)) + ad.exp(x) * ad.cos(x))
    return best


def test_operations_in_no_order_are_no_loop():
    rng = random.Random(5)
    picks = [(rng.choice(["add", "mul", "sub"]), rng.random()) for _ in range(400)]

    def f(xs):
        known = list(xs)
        for op, which in picks:
            x, y = known[-1], known[int(which * len(known))]
            known.append(ad.tanh(rules.apply(rules.TABLE[op], (x, y))))
        return known[-1]

    assert check(f, [0.3, 0.7]) == []


def test_few_steps_are_no_loop():
    def f(xs):
        x = xs[0]
        for _ in range(loops.LEAST_TIMES - 1):
            for _ in range(20):
                x = ad.sin(x) * 0.5
            x = step(x, xs[1]) / (x + 2.0)
        return x

    assert all(count > loops.LEAST_TIMES for count in check(f, [0.3, 0.7]))


def test_a_row_without_a_kernel_is_not_looped_over():
    def f(xs):
        x = xs[0]
        for _ in range(STEPS):
            x = planted(0.5 * x + 0.1 * xs[1])
        return x

    planted = rules.op("planted_sine", 1, math.sin, lambda x, out: (ad.cos(x),), "planted({0})", "a row of this test")
    try:
        assert check(f, [0.3, 0.7]) in ([], check(f, [0.3, 0.7]))
        compiled = ad.compile(f)
        compiled([0.3, 0.7])
        assert found(compiled) == []
    finally:
        rules.BY_CODE.remove(rules.TABLE.pop("planted_sine"))


# ---- forms of it -------------------------------------------------------------------------------------------------------------


def test_the_source_has_every_step_and_the_listing_the_loop():
    f = ad.compile(runge_kutta(30))
    expected = f(START)
    assert "28 times" in str(f.program) or "29 times" in str(f.program)
    assert "loop" not in f.source
    assert f._replay().groups is not f._replay().program
    assert without_loops(f, START) == [expected]


def test_the_listing_of_a_loop_says_what_it_is_given_what_it_takes_and_what_it_keeps():
    def f(xs):
        x = xs[0]
        for k in range(STEPS):
            x = ad.sin(x * (1.0 + 0.01 * k)) + x * math.cos(k) * xs[1]
        return x

    compiled = ad.compile(f)
    compiled.value_and_grad([0.3, 0.7])
    listing = str(compiled.program)
    assert re.search(r"\d+ times\n +v\[\d+:\d+\] from \S+.*, then ", listing)
    assert re.search(r"\n +v\[\d+\] the next of \d+ \([+−-]\d+\)\n", listing)
    assert re.search(r"\n +v\[\d+:\d+\] keeps ", listing)


def test_a_program_with_loops_is_pickled():
    f = pickle.loads(pickle.dumps(ad.compile(pickled)))
    g = ad.compile(pickled)
    g([0.3, 0.7])
    h = pickle.loads(pickle.dumps(g))
    assert h([0.3, 0.7]) == f([0.3, 0.7]) == g([0.3, 0.7])
    assert found(h) == found(g) != []


def pickled(xs):
    x = xs[0]
    for _ in range(STEPS):
        x = step(x, xs[1])
    return x


# ---- passes ------------------------------------------------------------------------------------------------------------------


def test_long_sums_are_added_up_in_the_loops_term_by_term():
    f = ad.compile(runge_kutta(30))
    f.value_and_grad(START)
    program = f._replay().scalars
    stretches = loops.stretches(program)
    spread, periods = loops.spread(program, stretches, frozenset())
    assert periods != [stretch.period for stretch in stretches]
    longest = max(program.starts[i + 1] - program.starts[i] for i in range(len(program)))
    assert longest > 100
    assert max(spread.starts[i + 1] - spread.starts[i] for i in range(len(spread))) < longest / 3
    assert loops.spread(program, stretches, frozenset(range(len(program))))[0] is program
