"""The kernels: each is its row of the table to the last bit, compiled, interpreted, by itself and in the machine's loops.

Compiled, eight functions and what is made of them are polynomials; interpreted, they are those of ``math``, but the source of
the polynomials can be run as well, and gives the bits of the compiled ones.
"""

import dataclasses
import importlib.util
import math
from pathlib import Path

import pytest
from test_rules import HARD, all_same, hard_points, points_of

import autodiff as ad
from autodiff._implementation import implementation
from autodiff.engine import rules
from autodiff.engine.kernels import KERNELS

every_kernel = pytest.mark.parametrize("name", KERNELS)
# Python's hypot is not C's: it rounds once where C's may be one bit off.
NOT_C = {"hypot"} if implementation == "compiled" else set()


def points_for(name):
    """Hard operands for a kernel, and operands all over the domain of its row."""
    rule = rules.TABLE[name]
    return hard_points(rule.arity) + (points_of(rule) if name not in rules.TRACED else [])


def assert_is_its_row(kernel, rule):
    """The kernel gives what the row says."""
    points = points_for(rule.name)
    found, wanted = [kernel(*point) for point in points], [rule.formula(*point) for point in points]
    if rule.name in NOT_C:
        assert all(map(close, found, wanted))
        return
    assert [type(x) for x in found] == [float] * len(points)
    differing = [each for each in zip(points, found, wanted, strict=True) if not all_same(each[1:2], each[2:])]
    assert differing == []


def close(x, y):
    return x == y or (x != x and y != y) or abs(x - y) <= math.ulp(y)


def near(x, y):
    """Whether two results are the same but for some roundings."""
    return x == y or (x != x and y != y) or abs(x - y) <= 6 * math.ulp(y)


def interpreted_module():
    """The source, polynomials among it, whatever is compiled."""
    source = Path(rules.__file__).with_name("kernels.py")
    spec = importlib.util.spec_from_file_location("interpreted_kernels", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_kernel_has_a_row_that_takes_as_many_numbers():
    assert {name: kernel.arity for name, kernel in KERNELS.items()} == {name: rules.TABLE[name].arity for name in KERNELS}


@every_kernel
def test_a_kernel_is_its_row(name):
    assert_is_its_row(KERNELS[name], rules.TABLE[name])


@every_kernel
def test_a_kernel_takes_as_many_numbers_as_its_row(name):
    kernel = KERNELS[name]
    with pytest.raises(TypeError, match=f"{name} takes {kernel.arity} numbers, not {kernel.arity + 1}"):
        kernel(*[0.5] * (kernel.arity + 1))
    if kernel.arity == 2:
        with pytest.raises(TypeError, match="takes 2 numbers, not 1"):
            kernel(0.5)


@every_kernel
def test_the_source_is_the_row_as_well(name):
    kernel = interpreted_module().KERNELS[name]
    found, wanted = [kernel(*p) for p in points_for(name)], [KERNELS[name](*p) for p in points_for(name)]
    if implementation == "compiled" and name not in NOT_C:
        assert all_same(found, wanted)
    else:  # the polynomials beside the functions of math
        assert all(map(near, found, wanted))


def test_both_sides_of_the_logistic_function_are_the_sigmoids():
    module = interpreted_module()
    for x in (-800.0, -3.0, 0.0, 0.1, 40.0):
        assert module.logistic(x) == (module.sigmoid(x), module.sigmoid(-x))


def test_a_kernel_that_is_not_its_row_is_found():
    for name in ("gelu", "leaky_relu", "sigmoid"):
        wrong = dataclasses.replace(rules.TABLE[name], formula=lambda *xs, f=rules.TABLE[name].formula: f(*xs) * (1 + 2**-52))
        with pytest.raises(AssertionError):
            assert_is_its_row(KERNELS[name], wrong)


@every_kernel
def test_the_machine_has_the_bits_of_the_kernel(name):
    """Over more lanes than a register is wide, and one number at a time."""
    rule, kernel = rules.TABLE[name], KERNELS[name]
    points = points_for(name)
    program = ad.compile(lambda *xs: rules.apply(rule, xs))
    columns = [list(column) for column in zip(*points, strict=True)]
    wanted = [kernel(*point) for point in points]
    assert all_same(program.map(*columns), wanted)
    assert all_same([program(*point) for point in points[:7]], wanted[:7])


@pytest.mark.parametrize("name", ["max", "min", "sum", "prod", "norm"])
@pytest.mark.parametrize("width", [1, 2, 5])
def test_the_machine_folds_as_the_row_does(name, width):
    rule = rules.TABLE[name]
    points = [tuple(HARD[(7 * i + 3 * k) % len(HARD)] for k in range(width)) for i in range(3 * len(HARD))]
    program = ad.compile(lambda *xs: rules.apply(rule, xs))
    columns = [list(column) for column in zip(*points, strict=True)]
    wanted = [rule.value(*point) for point in points]
    assert all(map(close if name == "norm" else lambda x, y: all_same([x], [y]), program.map(*columns), wanted))
