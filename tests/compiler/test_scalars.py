"""Scalar steps: what they give is what vector instructions give, to the last bit; and what takes a quick call."""

import itertools
import math
import pickle
import random
import struct
import threading
from array import array

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler import scalars
from autodiff.compiler.groups import Index
from autodiff.compiler.machine import Machine
from autodiff.compiler.slots import Instruction, Program
from autodiff.engine import rules
from autodiff.engine.kernels import KERNELS

EDGES = [-math.inf, -2.5, -1.0, -0.0, 0.0, 0.3, 1.0, 3.0, 1e-300, 710.0, math.inf, math.nan]
TERMS = ["+", "-", "+·", "-·"]


def bits(numbers):
    """What says the same of nan and nan, and not of 0.0 and −0.0."""
    return [struct.pack("d", x) if x == x else "nan" for x in numbers]


def done(instructions, numbers, n_results, most_members, monkeypatch):
    """The results, from slot ``len(numbers)`` on, of instructions for one sample."""
    monkeypatch.setattr(scalars, "MOST_MEMBERS", most_members)
    n = len(numbers)
    program = Program([], list(range(n)), 0, n + n_results, [], instructions, list(range(n, n + n_results)), [], True)
    machine = Machine(program, ())
    out = array("d", bytes(8 * n_results))
    machine.run(1, (), [(array("d", numbers), 0)], out)
    return out.tolist()


def both(instructions, numbers, n_results, monkeypatch):
    """The results by steps, which are those by vector instructions."""
    steps = done(instructions, numbers, n_results, 1000, monkeypatch)
    assert bits(steps) == bits(done(instructions, numbers, n_results, 0, monkeypatch))
    return steps


@pytest.mark.parametrize("zero", ["-0", "+0"])
@pytest.mark.parametrize("terms", [t for n in (1, 2, 3) for t in itertools.product(TERMS, repeat=n)], ids="".join)
def test_every_short_sum_at_the_edges(zero, terms, monkeypatch):
    rng = random.Random(len(terms))
    depth = sum(len(term) for term in terms)
    for _ in range(6):
        rows = [[rng.choice(EDGES) for _ in range(depth)] for _ in range(3)]
        numbers = [x for row in rows for x in row]
        table = Index(0, 0, 0, array("i", range(3 * depth)))
        sums = Instruction("sums", zero + "".join(terms), (3, 1, depth), 3 * depth, (table,))
        expected = []
        for row in rows:
            total, at = -0.0 if zero == "-0" else 0.0, 0
            for term in terms:
                x = row[at] * row[at + 1] if "·" in term else row[at]
                total = total - x if term[0] == "-" else total + x
                at += len(term)
            expected.append(total)
        assert bits(both([sums], numbers, 3, monkeypatch)) == bits(expected)


@pytest.mark.parametrize("length", [4, 5, 8, 9, 33])
def test_long_sums_of_runs_of_every_length(length, monkeypatch):
    rng = random.Random(length)
    for _ in range(20):
        terms = []
        while len(terms) < length:
            terms += [rng.choice(TERMS)] * rng.randrange(1, 6)
        depth = sum(len(term) for term in terms)
        numbers = [rng.gauss(0.0, 1.0) for _ in range(depth)]
        sums = Instruction("sums", "+0" + "".join(terms), (1, 1, depth), depth, (Index(0, 0, 0, array("i", range(depth))),))
        both([sums], numbers, 1, monkeypatch)


@pytest.mark.parametrize("name", [*KERNELS, "max", "min", "prod", "norm", "sum", "select", "logsumexp"])
def test_every_kernel_at_the_edges(name, monkeypatch):
    if name not in rules.TABLE:
        pytest.skip("no row of the table")
    arity = KERNELS[name].arity if name in KERNELS else 3
    points = list(itertools.product(EDGES[:: 1 if arity < 3 else 2], repeat=arity))
    numbers = [x for column in zip(*points, strict=True) for x in column]
    n = len(points)
    mapped = Instruction("map", name, (n, 1, 1), len(numbers), tuple([Index(i * n, 1) for i in range(arity)]))
    for point, found in zip(points, both([mapped], numbers, n, monkeypatch), strict=True):
        expected = rules.TABLE[name].value(*point)
        assert found == pytest.approx(expected, rel=1e-14, abs=1e-300, nan_ok=True), point


def test_tanh_and_its_slope_are_one_step(monkeypatch):
    n = len(EDGES)
    maps = [Instruction("map", op, (n, 1, 1), n + i * n, (Index(0, 1),)) for i, op in enumerate(("tanh", "sech2"))]
    assert bits(both(maps, EDGES, 2 * n, monkeypatch)[:n]) == bits(map(ad.tanh, EDGES))


@pytest.mark.parametrize("source", [(3, 4, 5), (4, 3, 5), (5, 3, 4), (2, 3, 4), (3, 3, 3), (0, 5, 1)])
def test_what_a_loop_carries_is_read_before_it_is_overwritten(source, monkeypatch):
    """Slots 3 … 5 are carried; so often each becomes what another was."""
    numbers = [1.0, 2.0, 4.0]
    begin = Instruction("start", "-0", (3, 1, 1), 3, (Index(0, 1),))
    move = Instruction("start", "-0", (3, 1, 1), 3, (Index(0, 0, 0, array("i", source)),))
    loop = Instruction("loop", "", (7, 1, 1), 3, (), (move,))
    expected = [*numbers, *numbers]
    for _ in range(7):
        expected[3:] = [expected[i] for i in source]
    assert both([begin, loop], numbers, 3, monkeypatch) == expected[3:]


def test_what_is_taken_and_kept_in_a_loop(monkeypatch):
    numbers = [float(i) for i in range(10)]
    taken = (Index(0, 1), Index(9, -1), Index(0, 0, 0, array("i", [5, 3, 8, 1])), Index(4, 0))
    take = Instruction("take", "", (4, 1, 1), 10, taken)
    add = Instruction("map", "sub", (4, 1, 1), 14, (Index(10, 1), Index(13, 0)))
    keep = Instruction("keep", "", (2, 1, 1), 18, (Index(14, 2),))
    loop = Instruction("loop", "", (4, 1, 1), 10, (), (take, add, keep))
    expected = [x - 4.0 for t in range(4) for x in (t, (5, 3, 8, 1)[t])]
    assert both([loop], numbers, 16, monkeypatch)[8:] == expected


# ---- whole functions ---------------------------------------------------------------------------------------------------------


def mixed(xs):
    """Steps and vectors take turns: few members, many members, a loop, a row without a kernel."""
    a, b = xs[0], xs[1]
    wide = [ad.tanh(x * a) for x in xs] + [ad.sin(x + b) for x in xs]
    for _ in range(20):
        a, b = 0.5 * b + ad.sin(a), 0.5 * a - 0.1 * b * b
    return ad.sum(wide) * a + ad.max([a, b, wide[3]]) / (1.0 + b * b) + ad.logsumexp(*wide) + ad.norm(wide[:5])


@pytest.mark.parametrize("most_members", [0, 1, 4, 1000])
def test_a_program_gives_the_same_bits_however_it_is_split(most_members, monkeypatch):
    rng = random.Random(8)
    xs = [rng.uniform(-1.0, 1.0) for _ in range(40)]
    expected = ad.compile(mixed).value_and_grad(xs)
    monkeypatch.setattr(scalars, "MOST_MEMBERS", most_members)
    found = ad.compile(mixed)
    assert found.value_and_grad(xs) == expected
    assert pickle.loads(pickle.dumps(found._entries)) is not None
    eager = ad.value_and_grad(mixed)(xs)
    assert found(xs) == pytest.approx(eager[0], rel=1e-13)
    assert expected[1] == pytest.approx(eager[1], rel=1e-10)


@pytest.mark.parametrize("n", [0, 1, 2, 7, 100])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_sample_alone_has_the_bits_that_it_has_in_a_batch(n, threads):
    rng = np.random.default_rng(n)
    f = ad.compile(mixed, threads=threads)
    batch = rng.uniform(-1.0, 1.0, (n, 40))
    assert f.map(batch).tolist() == [f(x) for x in batch]


def test_what_is_computed_once_for_a_batch_is_done_by_steps():
    a, b = ad.Value(0.7), ad.Value(-0.4)

    def f(x):
        p, q = a, b
        for _ in range(20):
            p, q = q * 0.9 + ad.sin(p), p - 0.1 * q * q
        return (x * p - q) ** 2

    compiled = ad.compile(f)
    xs = [0.5, -1.5, 2.0]
    compiled.backward(xs)
    found = a.grad, b.grad
    a.grad = b.grad = 0.0
    for x in xs:
        (f(x) / 3.0).backward()
    assert found == pytest.approx((a.grad, b.grad), rel=1e-12)


def test_an_index_that_is_no_place_is_an_error_between_steps():
    f = ad.compile(lambda x, i: ad.exp(x) + ad.take([x * 2.0, x * 3.0], i) + ad.exp(-x))
    assert f(0.0, 1) == 2.0
    with pytest.raises(IndexError):
        f(0.0, 2)
    assert f(0.0, 0) == 2.0


def test_python_threads_run_one_program():
    f = ad.value_and_grad(mixed, compile=True)
    rows = np.random.default_rng(3).uniform(-1.0, 1.0, (8, 40)).tolist()
    expected = [f(row) for row in rows]
    found = {}

    def work(k):
        found[k] = [[f(row) for row in rows] for _ in range(20)]

    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(result == expected for results in found.values() for result in results)


# ---- quick calls -------------------------------------------------------------------------------------------------------------


class Own(np.ndarray):
    pass


def test_arrays_of_every_sort_take_turns():
    f = ad.value_and_grad(lambda x: ad.sum([x[i][0] * x[i][1] ** 2 for i in range(3)]), compile=True)
    x = np.arange(6.0).reshape(3, 2)
    value, gradient = f(x)
    frozen = x.copy()
    frozen.flags.writeable = False
    odd = np.zeros(6 * 8 + 1, np.uint8)[1:].view(float).reshape(3, 2)
    odd[:] = x
    own_type = x.astype(np.dtype(float).newbyteorder("S").newbyteorder("S"))
    for other in (
        x, np.asfortranarray(x), np.repeat(x, 2, 1)[:, ::2], x[::-1][::-1], x.astype(np.float32), x.astype(int), frozen, odd,
        x.astype(">f8"), own_type, x.view(Own), x.tolist(), x,
    ):  # fmt: skip
        found, partials = f(other)
        assert found == value
        assert np.array_equal(partials, gradient)
        assert isinstance(partials, list) == isinstance(other, list)
    assert f(x)[1] is not f(x)[1]
    assert f(np.ones((3, 2)))[0] == 3.0


def test_lists_of_floats_of_every_sort():
    f = ad.compile(lambda x: x[0] * x[1])
    for xs in ([2.0, 3.0], [np.float64(2.0), 3.0], [2, 3.0], [True, 6.0], [np.float32(2.0), 3], [2.0, np.float64(3.0)]):
        assert f(xs) == 6.0
    assert f([np.float64(2.0)] * 2) == 4.0
    with pytest.raises(TypeError):
        f(["2", 3.0])
    a = ad.Value(2.0)
    assert isinstance(f([a, 3.0]), ad.Value)


# ---- wide products -----------------------------------------------------------------------------------------------------------


def wide_model():
    model = ad.nn.MLP(5, [70, 64, 2], activation="tanh", seed=4)
    return model, lambda x: ad.sum([y * y for y in model(x)])


def gradients(f, model, batch):
    for p in model.parameters():
        p.grad = 0.0
    return [f.backward(batch), *[p.grad for p in model.parameters()]]


@pytest.mark.parametrize("n", [2, 9, 140])
def test_wide_layers_are_as_without_numpy_whatever_the_threads(n, monkeypatch):
    batch = np.random.default_rng(n).normal(size=(n, 5))
    model, loss = wide_model()
    f = ad.compile(loss)
    values, found = f.map(batch), gradients(f, model, batch)
    several = ad.compile(loss, threads=3)
    assert several.map(batch).tolist() == values.tolist()
    assert gradients(several, model, batch) == found
    monkeypatch.setattr("autodiff.compiler.machine.find_spec", lambda name: None)
    without = ad.compile(loss)
    assert without.map(batch) == pytest.approx(values, rel=1e-13)
    assert gradients(without, model, batch) == pytest.approx(found, rel=1e-10, abs=1e-12)


def test_nan_and_inf_in_wide_layers_stay_in_their_samples():
    _, loss = wide_model()
    f = ad.compile(loss)
    batch = np.zeros((9, 5))
    batch[3, 0], batch[5, 2] = math.nan, math.inf
    expected = [f(x) for x in batch]
    assert f.map(batch) == pytest.approx(expected, rel=1e-13, nan_ok=True)
