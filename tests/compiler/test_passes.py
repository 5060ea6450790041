"""The passes of the compiler, each on small programs; rolling; the source, which runs as NumPy and gives the same numbers."""

import itertools
import math
import random

import numpy as np
import pytest

import autodiff as ad
from autodiff import nn
from autodiff.compiler.groups import Group, Index, Run
from autodiff.compiler.machine import paired
from autodiff.compiler.program import CONSTANT, Linear, Scalars
from autodiff.compiler.roll import roll
from autodiff.compiler.scalars import FOLDS
from autodiff.compiler.simplify import PASSES, drop, fold, identities, share, simplified, sums
from autodiff.compiler.slots import placed
from autodiff.compiler.trace import program_of, trace
from autodiff.engine import rules
from autodiff.engine.kernels import KERNELS


def scalars(f, n):
    """The scalar program of a function of a list of n numbers."""
    traced = trace(f, "f", [0.5 + i for i in range(n)], lambda inputs: ((inputs,), {}))
    return program_of(traced, None, (True,) * n)


def operations(program):
    return [program.op(i) for i in range(len(program))]


# ---- simplifications ---------------------------------------------------------------------------------------------------------


def test_fold_computes_what_rests_on_constants_alone_as_ieee_has_it():
    program = Scalars.of([CONSTANT, CONSTANT, "div", "neg", "exp"], [(1.0,), (0.0,), (0, 1), (2,), (3,)], [4], ())
    folded = drop(fold(program))
    assert operations(folded) == []
    assert folded.constants == [0.0]


def test_share_finds_common_subexpressions_in_either_order():
    shared = drop(share(scalars(lambda x: ad.tanh(x[0] * x[1]) + ad.tanh(x[1] * x[0]), 2)))
    assert operations(shared) == ["mul", "tanh", "add"]
    assert operations(share(scalars(lambda x: (x[0] - x[1]) * (x[1] - x[0]), 2))) == ["sub", "sub", "mul"]


@pytest.mark.parametrize("n", [0, 1, 2, 9, 10, 20, 21, 300])
def test_share_finds_each_of_few_operations_and_of_many(n):
    """Where there are few, the table that they are looked up in is small, and nearly full."""
    for seed in range(200 if n < 100 else 3):
        rng = random.Random(seed)
        leaves = [("input", (i,)) for i in range(30)]
        every = [(name, (i, j)) for name in ("mul", "sub") for i in range(30) for j in range(i)]
        many = rng.sample(every, n)
        again = many[: n // 11]
        ops, args = zip(*leaves, *many, *again, strict=True)
        program = Scalars.of(ops, args, list(range(30 + n, len(ops))), (True,) * 30)
        shared = share(program)
        assert operations(shared) == [name for name, _ in many]
        assert shared.outputs == list(range(len(again)))


def test_drop_removes_what_nothing_needs():
    program = Scalars.of(["input", "exp", "log", "neg"], [(0,), (0,), (1,), (0,)], [3], (True,))
    assert operations(drop(program)) == ["neg"]


@pytest.mark.parametrize(
    ("f", "left"),
    [
        (lambda x: x[0] * 1.0, []),
        (lambda x: -x[0].neg(), []),
        (lambda x: x[0] / 1, []),
        (lambda x: x[0] ** 1, []),
        (lambda x: x[0] ** 2, ["mul"]),
        (lambda x: x[0] * -1.0, ["neg"]),
        (lambda x: x[0] / 4.0, ["mul"]),
        (lambda x: x[0] - 0.0, []),
        (lambda x: x[0] + -0.0, []),
        (lambda x: ad.where(x[0] > 1, x[1], x[1]), []),
        (lambda x: rules.apply(rules.TABLE["select"], (x[0] * 0.0 + 1.0, x[0], x[1])), ["mul", "add", "select"]),
        (lambda x: rules.div0(x[0], 4.0), ["mul"]),
        (lambda x: rules.div0(x[0], 3.0), ["div"]),
        (lambda x: rules.div0(x[0], 0.0), ["div0"]),
        (lambda x: rules.div0(x[0], x[1]), ["div0"]),
        # each of these would hide a nan, an inf or the sign of a zero
        (lambda x: x[0] + 0.0, ["add"]),
        (lambda x: x[0] * 0.0, ["mul"]),
        (lambda x: x[0] - x[0], ["sub"]),
        (lambda x: x[0] / x[0], ["div"]),
        (lambda x: x[0] / 3.0, ["div"]),
        (lambda x: 0.0 / x[0], ["div"]),
    ],
)
def test_identities_are_those_that_hold_for_every_number(f, left):
    assert operations(drop(identities(scalars(f, 2)))) == left


def test_sums_take_in_chains_of_sums_and_products():
    flat = drop(sums(scalars(lambda x: x[0] * x[1] + x[2] - x[1] * x[2] - x[3] + x[0], 4)))
    assert operations(flat) == [Linear(False, (("+·", 1), ("+", 1), ("-·", 1), ("-", 1), ("+", 1)))]
    for f in (lambda x: ad.dot(x[:2], x[2:]) + x[0], lambda x: x[0] + ad.dot(x[:2], x[2:])):
        assert operations(drop(sums(scalars(f, 4)))) == [Linear(True, (("+·", 2), ("+", 1)))]
    assert operations(drop(sums(scalars(lambda x: x[0] * x[1] - -x[2], 3)))) == [Linear(False, (("+·", 1), ("+", 1)))]
    # what is used twice is computed once, and brackets stay
    twice = drop(sums(share(scalars(lambda x: (x[0] + x[1]) * (x[0] + x[1]) + (x[0] + x[1]), 2))))
    assert operations(twice) == ["add", Linear(False, (("+·", 1), ("+", 1)))]
    for f in (lambda x: x[0] - (x[1] + x[2]), lambda x: x[0] - (x[1] - x[2]), lambda x: (x[0] + x[1]) + (x[1] - x[2])):
        assert len(operations(drop(sums(scalars(f, 3))))) == 2


def test_a_negative_that_several_sums_use_is_subtracted_in_each():
    def f(x):
        y = -x[0]
        return [x[1] + y * x[2], x[2] * y - x[1], y + x[1] * x[2], -y * y + x[2]]

    flat = drop(sums(scalars(f, 3)))
    assert "neg" not in operations(flat)
    for numbers in ([0.0, 0.0, 0.0], [-0.0, 0.0, -0.0], [math.inf, 1.0, 2.0], [0.1, 0.2, 0.3]):
        eager, replayed = f([ad.Value(x) for x in numbers]), ad.compile(f)(numbers)
        assert [repr(x.data) for x in eager] == [repr(x) for x in replayed]


def test_a_chain_of_a_hundred_thousand_terms_is_one_sum():
    def f(x):
        total = x[0]
        for _ in range(100_000):
            total = total + x[1]
        return total

    flat = drop(sums(scalars(f, 2)))
    assert operations(flat) == [Linear(False, (("+", 100_001),))]
    assert ad.compile(f)([1.0, 0.5]) == 50_001.0


def test_counts_are_listed_before_and_after_each_pass():
    f = ad.compile(lambda x: ad.tanh(x[0] * 1.0 + x[1]))
    f([1.0, 2.0])
    assert str(f.program).startswith("trace 3 → identities 2 → fold 2 → share 2 → sums 2 → drop 2 operations")
    assert f.listing("scalar") == "v0 = x1 + x0\nv1 = tanh(v0)"
    w = ad.Value(0.5, "w")
    sums_of = ad.compile(lambda x: ad.exp(-x[0] - x[1] * x[2] + 0.25) - x[1] * w - 2.5 * x[0])
    sums_of([1.0, 2.0, 3.0])
    assert sums_of.listing("scalar") == "v0 = −x0 − x2 · x1 + 0.25\nv1 = exp(v0)\nv2 = v1 − p0 · x1 − 2.5 · x0"
    with pytest.raises(ValueError, match="listing"):
        f.listing("assembler")
    with pytest.raises(ValueError, match="no pass"):
        ad.compile(f, passes=["loops"])
    with pytest.raises(ad.TraceError, match="not been called"):
        ad.compile(lambda x: x).source  # noqa: B018


# ---- rolling -----------------------------------------------------------------------------------------------------------------


def groups(f, n):
    program, _ = simplified(scalars(f, n))
    return roll(program).groups


def test_a_layer_is_one_matrix_product():
    w = [[ad.Value(i + j) for j in range(5)] for i in range(4)]
    product, relu = groups(lambda x: [ad.relu(ad.dot(row, x)) for row in w], 5)
    assert (product.kind, product.size, product.from_zero) == ("Sum", 4, True)
    assert product.runs == (Run("product", "+", 0, 4, 1, 5, (Index(0, 5, 1), Index(20, 0, 1))),)
    assert relu == Group("Map", "relu", product.first + 4, 4, (Index(product.first, 1),))


def test_several_positions_are_a_product_of_two_matrices_and_a_triangle_is_blocks():
    w = [[ad.Value(i - j) for j in range(4)] for i in range(3)]
    (found,) = groups(lambda x: [ad.dot(row, x[4 * p : 4 * p + 4]) for p in range(6) for row in w], 24)
    assert [run[:6] for run in found.runs] == [("product", "+", 0, 3, 6, 4)]

    def triangle(x):
        return [ad.dot(x[4 * q : 4 * q + 4], x[32 + 4 * k : 36 + 4 * k]) for q in range(8) for k in range(q + 1)]

    (found,) = groups(triangle, 64)
    assert sum(run.rows * run.columns for run in found.runs) == found.size == 36
    assert {run.kind for run in found.runs} <= {"product", "dots"}


def test_the_gradient_of_the_weights_is_an_outer_product_added_up_over_the_samples():
    model = nn.MLP(3, [5, 1], seed=1)
    f = ad.compile(lambda x: model(x) ** 2)
    f.backward(np.zeros((2, 3)))
    kinds = {(run.kind, run.rows, run.columns, run.depth) for g in f.program.groups if g.kind == "Total" for run in g.runs}
    assert ("product", 3, 5, 1) in kinds


def test_a_gradient_that_is_one_contribution_is_added_up_over_the_samples_where_it_stands():
    model = nn.MLP(3, [5, 1], seed=1)
    f = ad.compile(lambda x: model(x) ** 2)
    f.backward(np.zeros((2, 3)))
    assert not [
        g for g in f.program.groups if g.kind == "Sum" and [run.kind for run in g.runs] == ["terms"] and g.runs[0].depth == 1
    ]
    b = ad.Value(0.5)
    g = ad.compile(lambda x, y: (x + b) * y)
    g.backward([1.0, 2.0], [-0.0, -0.0])
    assert math.copysign(1.0, b.grad) == 1.0  # 0 + −0
    g.backward([1.0, 2.0, 3.0], [0.5, math.inf, 1.0])
    assert b.grad == math.inf


def test_tanh_and_its_slope_are_made_at_once_whatever_else_is_made_of_the_same_numbers():
    w = [ad.Value(0.1 * i) for i in range(8)]
    f = ad.compile(lambda x: sum(ad.tanh(a * x) * ad.where(x > 0.0, ad.relu(a * x), ad.exp(a * x)) for a in w))
    f.backward(np.linspace(-1.0, 1.0, 16))
    each = paired(placed(f.program).each)
    assert [instruction.shape[0] for instruction in each if instruction.kind == "tangents"] == [8]
    assert not {"tanh", "sech2"} & {instruction.op for instruction in each if instruction.kind == "map"}


def test_slots_are_used_again():
    def f(x):
        v = x[0]
        for _ in range(1000):
            v = ad.sin(v)
        return v

    program, _ = simplified(scalars(f, 1))
    assert placed(roll(program)).varying < 6


# ---- the machine -------------------------------------------------------------------------------------------------------------


def test_what_is_folded_is_a_row_of_many_operands_and_by_a_kernel_of_two():
    for name, by in FOLDS.items():
        assert rules.TABLE[name].arity is None
        assert KERNELS[by].arity == 2


def test_a_new_row_works_compiled_without_a_change_to_the_compiler():
    square = rules.op("planted_square", 1, lambda x: x * x, lambda x, out: (2 * x,), "planted({0})", "a row of this test")
    try:
        f = ad.compile(lambda x: rules.apply(rules.TABLE["planted_square"], (x,)) + square(2 * x))
        assert f.value_and_grad(3.0) == (45.0, 30.0)
        assert f.map([1.0, 2.0]) == [5.0, 20.0]
    finally:
        rules.BY_CODE.remove(rules.TABLE.pop("planted_square"))


# ---- source ------------------------------------------------------------------------------------------------------------------


def test_every_subset_of_passes_gives_the_same_value():
    f = lambda x: ad.where(x[0] > x[1], x[0] ** 2 * 1.0 - x[1], ad.exp(x[0])) + (x[0] - x[1]) * 2.0  # noqa: E731
    expected = ad.value_and_grad(f)([0.3, 0.2])
    for n in range(len(PASSES) + 1):
        for passes in itertools.combinations(PASSES, n):
            found = ad.compile(f, passes=passes).value_and_grad([0.3, 0.2])
            assert math.isclose(found[0], expected[0], rel_tol=1e-14)
            assert found[1] == pytest.approx(expected[1], rel=1e-14)
