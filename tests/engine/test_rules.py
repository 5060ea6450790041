"""Every row of the table: its value and partials against mpmath, its edges, and the engine's fast paths against the row."""

import dataclasses
import itertools
import math
import operator
import random
import struct
from collections.abc import Callable
from typing import NamedTuple

import pytest
from mpmath import mp, mpc, mpf

from autodiff.engine import functions, rules
from autodiff.engine.differentiate import grad, gradients, hessian, hvp
from autodiff.engine.rules import TABLE
from autodiff.engine.value import Value

inf, nan = math.inf, math.nan
PUBLIC = [rule for rule in TABLE.values() if rule.doc]
ROWS = [rule for rule in TABLE.values() if rule.name not in rules.TRACED]  # those have their tests in tests/compiler
every_row = pytest.mark.parametrize("rule", ROWS, ids=lambda rule: rule.name)

# ---- the truth, in mpmath's arithmetic with sixty digits --------------------------------------------------------------------


@pytest.fixture(autouse=True)
def sixty_digits():
    with mp.workdps(60):
        yield


class Truth(NamedTuple):
    """What a row should be: a function in mpmath, where to sample each operand, and whether it takes complex numbers."""

    function: Callable
    ranges: tuple
    analytic: bool = True
    scale: float = 0.0  # errors are relative to the result, or to this where the result passes through zero


def real_sign(x):
    return mp.sign(mp.re(x))


def cube_root(x):
    return real_sign(x) * mp.cbrt(x * real_sign(x))


def angle(y, x):
    return 2 * mp.atan(y / (x + mp.sqrt(x * x + y * y)))


def normal_distribution(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def log_sum_exp(*xs):
    return mp.log(mp.fsum(mp.exp(x) for x in xs))


def elu(x, a):
    return x if mp.re(x) > 0 else a * mp.expm1(x)


def selu(x):  # Klambauer et al. 2017, appendix 1
    scale, alpha = mpf("1.0507009873554804934193349852946"), mpf("1.6732632423543772848170429916717")
    return scale * elu(x, alpha)


def sum_of_products(*xs):
    half = len(xs) // 2
    return mp.fsum(x * y for x, y in zip(xs[:half], xs[half:], strict=True))


def inverse_error_function(x):
    y = mp.erfinv(mp.re(x))
    for _ in range(6 if mp.im(x) else 0):  # mpmath's takes no complex numbers
        y -= (mp.erf(y) - x) * mp.sqrt(mp.pi) / 2 * mp.exp(y * y)
    return y


def sinc_order(x, n):  # written out for n = 2, where it is tested
    u = mp.pi * x
    return mp.pi**2 * (-mp.sin(u) / u - 2 * mp.cos(u) / u**2 + 2 * mp.sin(u) / u**3)


def log_gamma(x):
    return mp.loggamma(x)


def order_of_digamma(x, n):  # written out for n = 2, where it is tested
    return mp.psi(2, x)


ANY, POSITIVE, ANGLE, UNIT = (-30.0, 30.0), (1e-100, 1e100), (-10.0, 10.0), (-0.999, 0.999)

TRUTHS = {
    "add": Truth(lambda x, y: x + y, (ANY, ANY), scale=1.0),
    "sub": Truth(lambda x, y: x - y, (ANY, ANY), scale=1.0),
    "mul": Truth(lambda x, y: x * y, (ANY, ANY)),
    "div": Truth(lambda x, y: x / y, (ANY, ANY)),
    "neg": Truth(lambda x: -x, (ANY,)),
    "pow": Truth(lambda x, y: x**y, ((0.01, 30.0), (-6.0, 6.0))),
    "mod": Truth(lambda x, y: x - y * mp.floor(x / y), ((-30.0, 30.0), (0.1, 9.0)), analytic=False, scale=1.0),
    "abs": Truth(lambda x: abs(x), (ANY,), analytic=False),
    "exp": Truth(mp.exp, ((-700.0, 700.0),)),
    "expm1": Truth(mp.expm1, ((-30.0, 300.0),)),
    "exp2": Truth(lambda x: mpf(2) ** x, ((-1000.0, 1000.0),)),
    "rsqrt": Truth(lambda x: 1 / mp.sqrt(x), ((1e-50, 1e50),)),
    "sinc": Truth(mp.sincpi, (ANGLE,), scale=1.0),
    "sinc_order": Truth(sinc_order, (ANGLE, (2.0, 2.0)), scale=1.0),
    "logaddexp": Truth(log_sum_exp, (ANY, ANY), scale=1.0),
    "log": Truth(mp.log, (POSITIVE,)),
    "log1p": Truth(mp.log1p, ((-0.99, 30.0),)),
    "log2": Truth(lambda x: mp.log(x) / mp.log(2), (POSITIVE,)),
    "log10": Truth(lambda x: mp.log(x) / mp.log(10), (POSITIVE,)),
    "xlogy": Truth(lambda x, y: x * mp.log(y), (ANY, POSITIVE)),
    "sqrt": Truth(mp.sqrt, (POSITIVE,)),
    "cbrt": Truth(cube_root, (ANY,)),
    "hypot": Truth(lambda x, y: mp.sqrt(x * x + y * y), (ANY, ANY)),
    "sin": Truth(mp.sin, (ANGLE,), scale=1.0),
    "cos": Truth(mp.cos, (ANGLE,), scale=1.0),
    "tan": Truth(mp.tan, (ANGLE,), scale=1.0),
    "asin": Truth(mp.asin, (UNIT,)),
    "acos": Truth(mp.acos, (UNIT,)),
    "atan": Truth(mp.atan, (ANY,)),
    "sinh": Truth(mp.sinh, (ANY,)),
    "cosh": Truth(mp.cosh, (ANY,)),
    "tanh": Truth(mp.tanh, (ANY,)),
    "asinh": Truth(mp.asinh, (ANY,)),
    "acosh": Truth(mp.acosh, ((1.001, 1000.0),)),
    "atanh": Truth(mp.atanh, (UNIT,)),
    "atan2": Truth(angle, (ANY, ANY)),
    "erf": Truth(mp.erf, ((-6.0, 6.0),)),
    "erfc": Truth(mp.erfc, ((-6.0, 12.0),)),
    "erfinv": Truth(inverse_error_function, ((-0.99999, 0.99999),)),
    "lgamma": Truth(log_gamma, ((0.01, 30.0),)),
    "digamma": Truth(mp.digamma, ((0.01, 30.0),)),
    "polygamma": Truth(order_of_digamma, ((0.01, 30.0), (2.0, 2.0)), scale=1e-20),
    "sign": Truth(real_sign, (ANY,), analytic=False),
    "step": Truth(lambda x: mpf(x > 0), (ANY,), analytic=False),
    "compare": Truth(lambda x, y: mp.sign(x - y), (ANY, ANY), analytic=False),
    "ceil": Truth(mp.ceil, (ANY,), analytic=False),
    "round": Truth(mp.nint, (ANY,), analytic=False),
    "floor": Truth(mp.floor, (ANY,), analytic=False),
    "where": Truth(lambda x: x, (ANY,)),
    "mul0": Truth(lambda x, y: x * y, (ANY, ANY)),
    "div0": Truth(lambda x, y: x / y, (ANY, ANY)),
    "quotient": Truth(lambda x, y: mp.floor(x / y), ((-30.0, 30.0), (0.1, 9.0)), analytic=False),
    "sech2": Truth(lambda x: mp.sech(x) ** 2, ((-300.0, 300.0),)),
    "cosquare": Truth(lambda x: 1 - x * x, (UNIT,)),
    "power_slope": Truth(lambda x, y: y * x ** (y - 1), ((0.01, 30.0), (-6.0, 6.0))),
    "power_log": Truth(lambda x, y: x**y * mp.log(x), ((0.01, 30.0), (-6.0, 6.0)), scale=1e-3),
    "power_poly": Truth(
        lambda x, y, *cs: x**y * mp.fsum(c * mp.log(x) ** k for k, c in enumerate(cs)),
        ((1.5, 30.0), (-6.0, 6.0), (0.1, 9.0), (0.1, 9.0), (0.1, 9.0)),
    ),
    "xlog1py": Truth(lambda x, y: x * mp.log1p(y), (ANY, (-0.99, 30.0))),
    "nonnegative": Truth(lambda x: x, ((0.01, 30.0),)),
    "max": Truth(lambda *xs: max(xs), (ANY,) * 4, analytic=False),
    "min": Truth(lambda *xs: min(xs), (ANY,) * 4, analytic=False),
    "at_least": Truth(lambda x, y: max(x, y), (ANY, ANY), analytic=False),
    "at_most": Truth(lambda x, y: min(x, y), (ANY, ANY), analytic=False),
    "sigmoid": Truth(lambda x: 1 / (1 + mp.exp(-x)), ((-60.0, 60.0),)),
    "relu": Truth(lambda x: max(x, mpf(0)), (ANY,), analytic=False),
    "softplus": Truth(lambda x: mp.log1p(mp.exp(x)), ((-700.0, 700.0),)),
    "softsign": Truth(lambda x: x / (1 + abs(x)), (ANY,), analytic=False),
    "log_sigmoid": Truth(lambda x: -mp.log1p(mp.exp(-x)), ((-700.0, 700.0),)),
    "logit": Truth(lambda x: mp.log(x / (1 - x)), ((1e-3, 0.999),)),
    "hard_tanh": Truth(lambda x: max(mpf(-1), min(mpf(1), x)), ((-3.0, 3.0),), analytic=False),
    "hard_sigmoid": Truth(lambda x: max(mpf(0), min(mpf(1), x / 6 + mpf(1) / 2)), ((-6.0, 6.0),), analytic=False),
    "celu": Truth(lambda x, a: x if mp.re(x) > 0 else a * mp.expm1(x / a), ((-5.0, 5.0), (0.5, 3.0)), scale=0.1),
    "silu": Truth(lambda x: x / (1 + mp.exp(-x)), (ANY,), scale=1e-3),
    "gelu": Truth(lambda x: x * normal_distribution(x), ((-10.0, 10.0),), scale=1e-3),
    "mish": Truth(lambda x: x * mp.tanh(mp.log1p(mp.exp(x))), (ANY,), scale=1e-3),
    "elu": Truth(elu, (ANY, (0.1, 3.0))),
    "selu": Truth(selu, (ANY,)),
    "leaky_relu": Truth(lambda x, a: x if x > 0 else a * x, (ANY, (0.01, 0.9)), analytic=False),
    "sum": Truth(lambda *xs: mp.fsum(xs), (ANY,) * 5, scale=10.0),
    "prod": Truth(lambda *xs: mp.fprod(xs), (ANY,) * 5),
    "dot": Truth(sum_of_products, (ANY,) * 6, scale=100.0),
    "norm": Truth(lambda *xs: mp.sqrt(mp.fsum(x * x for x in xs)), (ANY,) * 5),
    "logsumexp": Truth(log_sum_exp, (ANY,) * 5, scale=1.0),
}


def sample(low, high, generator):
    if low > 0 and high / low > 1e6:
        return math.exp(generator.uniform(math.log(low), math.log(high)))
    return generator.uniform(low, high)


def points_of(rule, count=60):
    """Operands all over the domain of a row, the same ones each time."""
    generator = random.Random(rule.name)
    return [tuple(sample(*limits, generator) for limits in TRUTHS[rule.name].ranges) for _ in range(count)]


def assert_close(found, wanted, scale, tolerance, where):
    assert abs(mpf(found) - wanted) <= tolerance * max(abs(wanted), mpf(scale)), f"{where}: {found}, not {mp.nstr(wanted, 20)}"


# ---- value and partials against the truth -----------------------------------------------------------------------------------


def five_point(function, point, slot):
    """∂function/∂operand by the difference of fourth order, with sixty digits: good to forty."""

    def moved(steps):
        return function(*[x + steps * h if i == slot else x for i, x in enumerate(point)])

    h = abs(point[slot]) * mpf(10) ** -10
    return (moved(-2) - 8 * moved(-1) + 8 * moved(1) - moved(2)) / (12 * h)


def complex_step(function, point, slot):
    """∂function/∂operand by a step along the imaginary axis, which subtracts nothing."""
    h = abs(point[slot]) * mpf(10) ** -25
    return mp.im(function(*[mpc(x, h) if i == slot else x for i, x in enumerate(point)])) / h


def check_partials(rule, derivative, tolerance=1e-13):
    """The partials of a row, at all its points and in every slot, are those that ``derivative`` finds in the truth."""
    truth = TRUTHS[rule.name]
    for point in points_of(rule):
        partials = rule.partials(*point, out=rule.value(*point))
        assert len(partials) == len(point)
        for slot, partial in enumerate(partials):
            wanted = derivative(truth.function, [mpf(x) for x in point], slot)
            assert_close(partial, wanted, truth.scale, tolerance, f"∂{rule.name}{point}, operand {slot}")


def test_every_row_has_a_truth_to_be_held_against():
    assert set(TRUTHS) == {rule.name for rule in ROWS}


@every_row
def test_value_is_that_of_mpmath(rule):
    truth = TRUTHS[rule.name]
    for point in points_of(rule, count=200):
        found = rule.value(*point)
        assert type(found) is float
        assert_close(found, truth.function(*[mpf(x) for x in point]), truth.scale, 1e-13, f"{rule.name}{point}")


@every_row
def test_partials_are_the_five_point_difference(rule):
    check_partials(rule, five_point)


@pytest.mark.parametrize("name", [name for name, truth in TRUTHS.items() if truth.analytic])
def test_partials_are_the_complex_step(name):
    check_partials(TABLE[name], complex_step)


@every_row
@pytest.mark.parametrize("derivative", [five_point, complex_step])
def test_a_planted_wrong_partial_is_caught_in_every_slot(rule, derivative):
    if derivative is complex_step and not TRUTHS[rule.name].analytic:
        pytest.skip("not analytic")
    for wrong_slot in range(len(TRUTHS[rule.name].ranges)):

        def wrong(*operands_and_out, slot=wrong_slot):
            partials = list(rule.derivatives(*operands_and_out))
            partials[slot] += 1e-11 * (1 + abs(partials[slot]))
            return partials

        with pytest.raises(AssertionError, match=f"operand {wrong_slot}: "):
            check_partials(dataclasses.replace(rule, derivatives=wrong), derivative)


@every_row
def test_partials_of_values_are_values_with_the_right_derivatives_themselves(rule):
    truth = TRUTHS[rule.name]
    for point in points_of(rule, count=8):
        for slot in range(len(point)):
            values = [Value(x) for x in point]
            partial = list(rule.derivatives(*values, rules.apply(rule, tuple(values))))[slot]
            if isinstance(partial, Value):
                partial.backward()

            def first(*xs, slot=slot):
                return five_point(truth.function, xs, slot)

            for other, x in enumerate(values):
                wanted = five_point(first, [mpf(x) for x in point], other)
                where = f"∂²{rule.name}{point}, operands {slot} and {other}"
                assert_close(x.grad, wanted, max(truth.scale, abs(float(partial)) * 1e-2, 1e-25), 1e-11, where)


# ---- one row, every use ------------------------------------------------------------------------------------------------------


def same(x, y):
    """The same float, to the last bit and with the sign of zero; any nan is any other."""
    return (x != x and y != y) or struct.pack("d", x) == struct.pack("d", y)


def all_same(xs, ys):
    return len(xs) == len(ys) and all(map(same, xs, ys))


TINY, HUGE, DENORMAL = 2.3e-308, 1.7e308, 5e-324
HARD = [0.0, 1.0, 2.0, 3.0, 0.5, 0.1, 19.0, 40.0, 710.0, 1000.0, 1e16, 1e-9, TINY, DENORMAL, HUGE, inf]
HARD += [-x for x in HARD] + [nan]


def hard_points(arity):
    """Every combination of the numbers that are hard."""
    return list(itertools.product(HARD, repeat=arity))


def hard_points_of(rule):
    """Hard operands for any row: all combinations of one or two, and some of five."""
    if rule.arity is not None:
        return hard_points(rule.arity)
    generator = random.Random(rule.name)
    width = 6 if rule.name == "dot" else 5
    return [tuple(generator.choices(HARD, k=width)) for _ in range(500)]


def assert_recorded(node, rule, arguments):
    """A node holds what the row says of its arguments, to the last bit."""
    numbers = [float(x) for x in arguments]
    out = rule.value(*numbers)
    partials = rule.partials(*numbers, out=out)
    assert node.op == rule.name
    assert same(node.data, out), (rule.name, numbers, node.data, out)
    of_values = [partial for x, partial in zip(arguments, partials, strict=True) if isinstance(x, Value)]
    assert all_same(node.partials, of_values), (rule.name, numbers, node.partials, of_values)
    assert [id(x) for x in node.operands] == [id(x) for x in arguments if isinstance(x, Value)]
    for taken, given in zip(node.arguments, arguments, strict=True):
        assert taken is given or (not isinstance(given, Value) and same(taken, given))


OPERATORS = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "pow": operator.pow,
    "mod": operator.mod,
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_have_the_bits_of_the_table(name):
    apply, rule = OPERATORS[name], TABLE[name]
    for a, b in hard_points(2) + points_of(rule):
        for arguments in ((Value(a), Value(b)), (Value(a), b), (a, Value(b))):
            assert_recorded(apply(*arguments), rule, arguments)
        x = Value(a)
        assert_recorded(apply(x, x), rule, (x, x))


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_with_an_int_have_the_bits_of_the_table(name):
    for a, n in itertools.product(HARD, [0, 1, 2, 3, -1, -2, 10**17 + 1]):
        for arguments in ((Value(a), n), (n, Value(a))):
            assert_recorded(OPERATORS[name](*arguments), TABLE[name], arguments)


@pytest.mark.parametrize("rule", [rule for rule in PUBLIC if rule.arity == 1], ids=lambda rule: rule.name)
def test_methods_and_functions_have_the_bits_of_the_table(rule):
    for (a,) in hard_points(1) + points_of(rule):
        x = Value(a)
        assert_recorded(getattr(x, rule.name)(), rule, (x,))
        assert_recorded(getattr(functions, rule.name)(x), rule, (x,))


def test_minus_and_abs_are_their_rows():
    for a in HARD:
        x = Value(a)
        assert_recorded(-x, TABLE["neg"], (x,))
        assert_recorded(abs(x), TABLE["abs"], (x,))


def test_sum_and_dot_have_the_bits_of_the_table():
    for point in hard_points_of(TABLE["dot"]) + points_of(TABLE["dot"]):
        values = [Value(x) for x in point]
        mixed = [x if i % 2 else x.data for i, x in enumerate(values)]
        for arguments in (values, mixed):
            assert_recorded(functions.sum(arguments), TABLE["sum"], arguments)
            assert_recorded(functions.dot(arguments[:3], arguments[3:]), TABLE["dot"], arguments)
        assert same(functions.sum(point), TABLE["sum"].value(*point))
        assert same(functions.dot(point[:3], point[3:]), TABLE["dot"].value(*point))


@every_row
def test_no_operand_raises_and_all_come_out_as_floats(rule):
    for point in hard_points_of(rule):
        out = rule.value(*point)
        partials = rule.partials(*point, out=out)
        assert type(out) is float, point
        assert [type(partial) for partial in partials] == [float] * len(point), point


@every_row
def test_a_nan_is_never_hidden_from_the_value(rule):
    for slot in range(len(TRUTHS[rule.name].ranges)):
        for point in points_of(rule, count=10):
            operands = [nan if i == slot else x for i, x in enumerate(point)]
            assert math.isnan(rule.value(*operands)), operands


@every_row
def test_partials_are_the_same_on_floats_and_on_values(rule):
    for point in points_of(rule) + hard_points_of(rule):
        out = rule.value(*point)
        values = [Value(x) for x in point]
        through_values = list(rule.derivatives(*values, Value(out)))
        assert all(isinstance(partial, (Value, float, int)) for partial in through_values)
        on_floats = rule.partials(*point, out=out)
        assert all_same([float(partial) for partial in through_values], on_floats), (point, through_values, on_floats)


@every_row
def test_partials_of_floats_are_plain_numbers(rule):
    for point in points_of(rule):
        assert all(type(partial) in (float, int) for partial in rule.derivatives(*point, rule.value(*point)))


@every_row
def test_each_slot_takes_a_constant_or_a_variable_and_its_gradient_is_its_partial(rule):
    width = len(TRUTHS[rule.name].ranges)
    for point in points_of(rule, count=10):
        partials = rule.partials(*point, out=rule.value(*point))
        for variable in itertools.product([False, True], repeat=width):
            if not any(variable):
                continue
            arguments = [Value(x) if varies else x for x, varies in zip(point, variable, strict=True)]
            node = rules.apply(rule, tuple(arguments))
            assert_recorded(node, rule, arguments)
            node.backward()
            assert all(x.grad == p for x, p in zip(arguments, partials, strict=True) if isinstance(x, Value))


@pytest.mark.parametrize("rule", [rule for rule in ROWS if rule.arity != 1], ids=lambda rule: rule.name)
def test_the_same_value_in_two_slots_gets_both_partials(rule):
    for point in points_of(rule, count=10):
        x = Value(abs(point[0]))  # which every second operand can be as well
        arguments = [x, x, *[Value(abs(y)) for y in point[2:]]]
        node = rules.apply(rule, tuple(arguments))
        assert_recorded(node, rule, arguments)
        node.backward()
        assert x.grad == node.partials[0] + node.partials[1]


# ---- the design's table of edges ---------------------------------------------------------------------------------------------

f = functions


class Edge(NamedTuple):
    text: str
    function: Callable
    operands: tuple
    value: float
    partials: tuple


DESIGN = [
    Edge("relu(0)", f.relu, (0.0,), 0.0, (0.0,)),
    Edge("relu(nan)", f.relu, (nan,), nan, (nan,)),
    Edge("abs(0)", f.abs, (0.0,), 0.0, (0.0,)),
    Edge("max(1, 1)", f.max, (1.0, 1.0), 1.0, (0.5, 0.5)),
    Edge("max(x, 1) at 1", lambda x: f.max(x, 1), (1.0,), 1.0, (0.0,)),
    Edge("max(1, x) at 1", lambda x: f.max(1, x), (1.0,), 1.0, (0.0,)),
    Edge("sqrt(0)", f.sqrt, (0.0,), 0.0, (inf,)),
    Edge("log(-1)", f.log, (-1.0,), nan, (nan,)),
    Edge("hypot(0, 0)", f.hypot, (0.0, 0.0), 0.0, (0.0, 0.0)),
    Edge("atan2(0, 0)", f.atan2, (0.0, 0.0), 0.0, (0.0, 0.0)),
    Edge("where(x > 0, log x, 0) at 0", lambda x: f.where(x > 0, f.log(x), 0), (0.0,), 0.0, (0.0,)),
    Edge("(-4) ** 0.5", lambda x: f.pow(x, 0.5), (-4.0,), nan, (nan,)),
    Edge("(-2) ** y at 3", f.pow, (-2.0, 3.0), -8.0, (12.0, nan)),
    Edge("0 ** 0", lambda x: f.pow(x, 0), (0.0,), 1.0, (0.0,)),
    Edge("0 ** 0.5", lambda x: f.pow(x, 0.5), (0.0,), 0.0, (inf,)),
    Edge("1 / 0", f.div, (1.0, 0.0), inf, (inf, -inf)),
    Edge("sigmoid(-800)", f.sigmoid, (-800.0,), 0.0, (0.0,)),
    Edge("sigmoid(40)", f.sigmoid, (40.0,), 1.0, (4.248354255291589e-18,)),
    Edge("xlogy(0, 0)", f.xlogy, (0.0, 0.0), 0.0, (-inf, 0.0)),
    Edge("tanh(1000)", f.tanh, (1000.0,), 1.0, (0.0,)),
    Edge("tanh(-1000)", f.tanh, (-1000.0,), -1.0, (0.0,)),
]
FURTHER = [
    Edge("exp(710)", f.exp, (710.0,), inf, (inf,)),
    Edge("log(0)", f.log, (0.0,), -inf, (inf,)),
    Edge("log(-0)", f.log, (-0.0,), -inf, (inf,)),
    Edge("log2(0)", f.log2, (0.0,), -inf, (inf,)),
    Edge("log10(0)", f.log10, (0.0,), -inf, (inf,)),
    Edge("log1p(-1)", f.log1p, (-1.0,), -inf, (inf,)),
    Edge("log1p(-2)", f.log1p, (-2.0,), nan, (nan,)),
    Edge("sqrt(-1)", f.sqrt, (-1.0,), nan, (nan,)),
    Edge("cbrt(0)", f.cbrt, (0.0,), 0.0, (inf,)),
    Edge("cbrt(-8)", f.cbrt, (-8.0,), -2.0, (1 / 12,)),
    Edge("cbrt(inf)", f.cbrt, (inf,), inf, (0.0,)),
    Edge("cbrt(-inf)", f.cbrt, (-inf,), -inf, (0.0,)),
    Edge("logit(0)", f.logit, (0.0,), -inf, (inf,)),
    Edge("logit(1)", f.logit, (1.0,), inf, (inf,)),
    Edge("asin(1)", f.asin, (1.0,), math.pi / 2, (inf,)),
    Edge("asin(-1)", f.asin, (-1.0,), -math.pi / 2, (inf,)),
    Edge("asin(2)", f.asin, (2.0,), nan, (nan,)),
    Edge("acos(1)", f.acos, (1.0,), 0.0, (-inf,)),
    Edge("acos(-2)", f.acos, (-2.0,), nan, (nan,)),
    Edge("acosh(1)", f.acosh, (1.0,), 0.0, (inf,)),
    Edge("acosh(0)", f.acosh, (0.0,), nan, (nan,)),
    Edge("acosh(-2)", f.acosh, (-2.0,), nan, (nan,)),
    Edge("acosh(inf)", f.acosh, (inf,), inf, (0.0,)),
    Edge("asinh(inf)", f.asinh, (inf,), inf, (0.0,)),
    Edge("asinh(-inf)", f.asinh, (-inf,), -inf, (0.0,)),
    Edge("atanh(1)", f.atanh, (1.0,), inf, (inf,)),
    Edge("atanh(-1)", f.atanh, (-1.0,), -inf, (inf,)),
    Edge("atanh(2)", f.atanh, (2.0,), nan, (nan,)),
    Edge("-1 / 0", f.div, (-1.0, 0.0), -inf, (inf, inf)),
    Edge("0 / 0", f.div, (0.0, 0.0), nan, (inf, nan)),
    Edge("0 ** -1", lambda x: f.pow(x, -1), (0.0,), inf, (-inf,)),
    Edge("0 ** 1", lambda x: f.pow(x, 1), (0.0,), 0.0, (1.0,)),
    Edge("0 ** y at 2", lambda y: f.pow(0, y), (2.0,), 0.0, (0.0,)),
    Edge("x % 0", f.mod, (1.0, 0.0), nan, (1.0, nan)),
    Edge("0 * inf", f.mul, (0.0, inf), nan, (inf, 0.0)),
    Edge("abs(-0)", f.abs, (-0.0,), 0.0, (0.0,)),
    Edge("abs(nan)", f.abs, (nan,), nan, (nan,)),
    Edge("sign(0)", f.sign, (0.0,), 0.0, (0.0,)),
    Edge("step(0)", f.step, (0.0,), 0.0, (0.0,)),
    Edge("step(nan)", f.step, (nan,), nan, (nan,)),
    Edge("relu(-0)", f.relu, (-0.0,), 0.0, (0.0,)),
    Edge("relu(inf)", f.relu, (inf,), inf, (1.0,)),
    Edge("leaky_relu(0)", f.leaky_relu, (0.0,), 0.0, (0.01,)),
    Edge("elu(0)", f.elu, (0.0,), 0.0, (1.0,)),
    Edge("elu(-inf)", f.elu, (-inf,), -1.0, (0.0,)),
    Edge("elu(1000)", f.elu, (1000.0,), 1000.0, (1.0,)),
    Edge("silu(-inf)", lambda x: f.silu(x) + 0.0, (-inf,), 0.0, (0.0,)),
    Edge("silu(-1000)", lambda x: f.silu(x) + 0.0, (-1000.0,), 0.0, (0.0,)),
    Edge("gelu(-inf)", lambda x: f.gelu(x) + 0.0, (-inf,), 0.0, (0.0,)),
    Edge("gelu(inf)", f.gelu, (inf,), inf, (1.0,)),
    Edge("mish(-inf)", lambda x: f.mish(x) + 0.0, (-inf,), 0.0, (0.0,)),
    Edge("mish(inf)", f.mish, (inf,), inf, (1.0,)),
    Edge("softplus(1000)", f.softplus, (1000.0,), 1000.0, (1.0,)),
    Edge("softplus(-1000)", f.softplus, (-1000.0,), 0.0, (0.0,)),
    Edge("softsign(inf)", f.softsign, (inf,), 1.0, (0.0,)),
    Edge("sigmoid(nan)", f.sigmoid, (nan,), nan, (nan,)),
    Edge("min(1, 1)", f.min, (1.0, 1.0), 1.0, (0.5, 0.5)),
    Edge("min(x, 1) at 1", lambda x: f.min(x, 1), (1.0,), 1.0, (0.0,)),
    Edge("max of three, two tie", f.max, (2.0, 1.0, 2.0), 2.0, (0.5, 0.0, 0.5)),
    Edge("max(nan, 1)", f.max, (nan, 1.0), nan, (nan, nan)),
    Edge("max(inf, inf)", f.max, (inf, inf), inf, (0.5, 0.5)),
    Edge("max(x, 1) at nan", lambda x: f.max(x, 1), (nan,), nan, (nan,)),
    Edge("max(x, nan)", lambda x: f.max(x, nan), (1.0,), nan, (nan,)),
    Edge("norm(0, 0)", f.norm, (0.0, 0.0), 0.0, (0.0, 0.0)),
    Edge("prod(0, 2, 3)", f.prod, (0.0, 2.0, 3.0), 0.0, (6.0, 0.0, 0.0)),
    Edge("prod(0, 0, 3)", f.prod, (0.0, 0.0, 3.0), 0.0, (0.0, 0.0, 0.0)),
    Edge("logsumexp(1000, 1000)", f.logsumexp, (1000.0, 1000.0), 1000.0 + math.log(2), (0.5, 0.5)),
    Edge("logsumexp(-inf, 0)", f.logsumexp, (-inf, 0.0), 0.0, (0.0, 1.0)),
    Edge("hypot(1e200, 1e200)", f.hypot, (1e200, 0.0), 1e200, (1.0, 0.0)),
    Edge("atan2(0, -1)", f.atan2, (0.0, -1.0), math.pi, (-1.0, 0.0)),
    Edge("clip(x, 0, 1) at 0", lambda x: f.clip(x, 0, 1), (0.0,), 0.0, (0.0,)),
    Edge("clip(x, 0, 1) at nan", lambda x: f.clip(x, 0, 1), (nan,), nan, (nan,)),
]
# The columns of order two and three: ∂² is every second derivative, row by row; ∂³ the third one along each operand alone.
HIGHER = {
    "relu(0)": ([0.0], [0.0]),
    "relu(nan)": ([nan], [nan]),
    "abs(0)": ([0.0], [0.0]),
    "max(1, 1)": ([0.0] * 4, [0.0] * 2),
    "max(x, 1) at 1": ([0.0], [0.0]),
    "sqrt(0)": ([-inf], [inf]),
    "log(-1)": ([nan], [nan]),
    "log(0)": ([-inf], [inf]),
    "hypot(0, 0)": ([nan] * 4, [nan] * 2),
    "norm(0, 0)": ([nan] * 4, [nan] * 2),
    "atan2(0, 0)": ([nan] * 4, [nan] * 2),
    "where(x > 0, log x, 0) at 0": ([0.0], [0.0]),
    "(-4) ** 0.5": ([nan], [nan]),
    "(-2) ** y at 3": ([-12.0, nan, nan, nan], [6.0, nan]),
    "0 ** 0": ([0.0], [0.0]),
    "0 ** 0.5": ([-inf], [inf]),
    "0 ** 1": ([0.0], [0.0]),
    "0 ** -1": ([inf], [-inf]),
    "0 ** y at 2": ([0.0], [0.0]),
    "1 / 0": ([0.0, -inf, -inf, inf], [0.0, -inf]),
    "sigmoid(-800)": ([0.0], [0.0]),
    "sigmoid(40)": ([-4.248354255291589e-18], [4.248354255291589e-18]),
    "xlogy(0, 0)": ([0.0, inf, inf, 0.0], [0.0, nan]),
    "tanh(1000)": ([0.0], [0.0]),
    "tanh(-1000)": ([0.0], [0.0]),
    "asin(1)": ([inf], [inf]),
    "asin(-1)": ([-inf], [inf]),
    "acos(1)": ([-inf], [-inf]),
    "acosh(1)": ([-inf], [inf]),
    "gelu(inf)": ([0.0], [0.0]),
    "gelu(-inf)": ([0.0], [0.0]),
    "silu(-inf)": ([0.0], [0.0]),
    "mish(inf)": ([0.0], [0.0]),
    "mish(-inf)": ([0.0], [0.0]),
    "softsign(inf)": ([0.0], [0.0]),
    "elu(-inf)": ([0.0], [0.0]),
    "cbrt(inf)": ([0.0], [0.0]),
    "cbrt(-inf)": ([0.0], [0.0]),
    "logit(0)": ([-inf], [inf]),
    "logit(1)": ([inf], [inf]),
    "x % 0": ([0.0] * 4, [0.0] * 2),
    "prod(0, 0, 3)": ([0.0, 3.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0], [0.0] * 3),
    "logsumexp(-inf, 0)": ([0.0] * 4, [0.0] * 2),
    # of functions that are composed, and of rows at infinity
    "1 + 2x + 3x² at 0": ([6.0], [0.0]),
    "x ** y at (0, 2)": ([2.0, 0.0, 0.0, 0.0], [0.0, 0.0]),
    "x ** y at (0, 3)": ([0.0] * 4, [6.0, 0.0]),
    "x ** y at (0, 1)": ([0.0, -inf, -inf, 0.0], [0.0, 0.0]),
    "x ** y at (0, 0.5)": ([-inf, -inf, -inf, 0.0], [inf, 0.0]),
    "norm(x, y) ** 2 at 0": ([2.0, 0.0, 0.0, 2.0], [0.0, 0.0]),
    "hypot(x, y) ** 2 at 0": ([2.0, 0.0, 0.0, 2.0], [0.0, 0.0]),
    "norm(x, y) · norm(x, y) at 0": ([2.0, 0.0, 0.0, 2.0], [0.0, 0.0]),
    "norm(x, y) ** 3 at 0": ([0.0] * 4, [nan, nan]),
    "abs(x) ** 2 at 0": ([2.0], [0.0]),
    "abs(x) · abs(x) at 0": ([2.0], [0.0]),
    "norm(x, y) · norm(x, y), each by itself": ([2.0, 0.0, 0.0, 2.0], [0.0, 0.0]),
    "where(x > 5, x, abs(x) ** 2) at 0": ([2.0], [0.0]),
    "elu(x, alpha) at 0": ([0.0, 1.0, 1.0, 0.0], [0.0, 0.0]),
    "leaky_relu(x, slope) at 0": ([0.0, 1.0, 1.0, 0.0], [0.0, 0.0]),
    "leaky_relu(-inf, slope)": ([0.0, 1.0, 1.0, 0.0], [0.0, 0.0]),
    "leaky_relu(inf, slope)": ([0.0] * 4, [0.0, 0.0]),
    "celu(x, alpha) at 0": ([0.0] * 4, [0.0, 0.0]),
    **{f"{name}({x})": ([0.0], [0.0]) for name in ("erf", "erfc", "atan", "asinh", "silu", "gelu", "mish", "softsign", "tanh",
                                                  "sigmoid", "softplus") for x in (inf, -inf)},
}  # fmt: skip
COMPOSED = {
    "1 + 2x + 3x² at 0": (lambda x: 1 * x**0 + 2 * x**1 + 3 * x**2, (0.0,)),
    "x ** y at (0, 2)": (f.pow, (0.0, 2.0)),
    "x ** y at (0, 3)": (f.pow, (0.0, 3.0)),
    "x ** y at (0, 1)": (f.pow, (0.0, 1.0)),
    "x ** y at (0, 0.5)": (f.pow, (0.0, 0.5)),
    "norm(x, y) ** 2 at 0": (lambda x, y: f.norm(x, y) ** 2, (0.0, 0.0)),
    "hypot(x, y) ** 2 at 0": (lambda x, y: f.hypot(x, y) ** 2, (0.0, 0.0)),
    "norm(x, y) · norm(x, y) at 0": (lambda x, y: (n := f.norm(x, y)) * n, (0.0, 0.0)),
    "norm(x, y) ** 3 at 0": (lambda x, y: f.norm(x, y) ** 3, (0.0, 0.0)),
    "abs(x) ** 2 at 0": (lambda x: abs(x) ** 2, (0.0,)),
    "abs(x) · abs(x) at 0": (lambda x: abs(x) * abs(x), (0.0,)),
    "norm(x, y) · norm(x, y), each by itself": (lambda x, y: f.norm(x, y) * f.norm(x, y), (0.0, 0.0)),
    "elu(x, alpha) at 0": (f.elu, (0.0, 2.0)),
    "leaky_relu(x, slope) at 0": (f.leaky_relu, (0.0, 0.1)),
    "leaky_relu(-inf, slope)": (f.leaky_relu, (-inf, 0.1)),
    "leaky_relu(inf, slope)": (f.leaky_relu, (inf, 0.1)),
    "celu(x, alpha) at 0": (f.celu, (0.0, 2.0)),
    "where(x > 5, x, abs(x) ** 2) at 0": (lambda x: f.where(x > 5, x, abs(x) ** 2), (0.0,)),
    **{f"{name}({x})": (getattr(f, name), (x,)) for name in ("erf", "erfc", "atan", "asinh", "silu", "gelu", "mish", "softsign",
                                                            "tanh", "sigmoid", "softplus") for x in (inf, -inf)},
}  # fmt: skip
EDGES = {edge.text: (edge.function, edge.operands) for edge in DESIGN + FURTHER} | COMPOSED


@pytest.mark.parametrize("text", HIGHER)
def test_derivatives_of_order_two_and_three_at_the_edges(text):
    function, point = EDGES[text]
    second, third = HIGHER[text]
    found = hessian(lambda xs: function(*xs))(list(point))
    assert all(map(near, [entry for row in found for entry in row], second)), found
    assert all(near(found[i][j], found[j][i]) for i in range(len(point)) for j in range(i))
    by_hvp = [hvp(lambda xs: function(*xs), list(point), [float(i == j) for j in range(len(point))]) for i in range(len(point))]
    assert all(map(near, [entry for row in by_hvp for entry in row], second)), by_hvp
    replayed = hessian(lambda xs: function(*xs), compile=True)(list(point))
    assert all(map(near, [entry for row in replayed for entry in row], second)), replayed
    for i, wanted in enumerate(third):

        def along(x, i=i):
            return function(*point[:i], x, *point[i + 1 :])

        assert near(grad(grad(grad(along)))(point[i]), wanted), i
    values = [Value(x) for x in point]
    first = gradients(function(*values), values, create_graph=True)
    assert all(map(near, [entry for slope in first for entry in gradients(slope, values)], second))


@pytest.mark.parametrize(
    ("name", "factor"), [("asin", 1.0), ("acos", -1.0), ("atan", -2.0), ("tanh", -2.0), ("atanh", 2.0), ("sin", -1.0)]
)
@pytest.mark.parametrize("x", [5.55e-17, 1e-9, 1e-100, -1e-300])
def test_second_derivatives_near_0_keep_their_relative_accuracy(name, factor, x):
    assert grad(grad(getattr(functions, name)))(x) == pytest.approx(factor * x, rel=1e-14, abs=0.0)


@pytest.mark.parametrize("k", range(6))
def test_every_derivative_of_a_whole_power_at_0(k):
    for order in range(1, k + 4):
        derivative = lambda x: x**k  # noqa: E731
        for _ in range(order):
            derivative = grad(derivative)
        assert derivative(0.0) == (math.factorial(k) if order == k else 0.0), order


@pytest.mark.parametrize(("x", "y"), [(1.0, 0.1), (0.3, 0.1), (-1.0, 0.1), (7.5, 2.0), (-7.5, 2.0), (7.5, -2.0), (1e300, 3.0)])
def test_the_derivative_of_mod_counts_whole_multiples(x, y):
    whole = (mpf(x) - mpf(x % y)) / mpf(y)
    assert grad(lambda y: x % y)(y) == -float(mp.nint(whole))


every_edge = pytest.mark.parametrize("edge", DESIGN + FURTHER, ids=lambda edge: edge.text)


def near(found, wanted):
    """Equal, or within the last few bits where the result is an ordinary number; −0 is 0 here."""
    return found == wanted or (found != found and wanted != wanted) or math.isclose(found, wanted, rel_tol=1e-13)


@every_edge
def test_edge_on_values(edge):
    values = [Value(x) for x in edge.operands]
    out = edge.function(*values)
    out.backward()
    assert isinstance(out, Value)
    assert near(out.data, edge.value), out
    assert all(map(near, [x.grad for x in values], edge.partials)), values


@every_edge
def test_edge_on_plain_numbers(edge):
    out = edge.function(*edge.operands)
    assert type(out) is float
    assert near(out, edge.value), out


@pytest.mark.parametrize("rule", PUBLIC, ids=lambda rule: rule.name)
def test_a_number_and_a_value_have_the_same_result(rule):
    function = getattr(functions, rule.name)
    pairwise = rule.name == "dot"
    for point in hard_points_of(rule) + points_of(rule):
        values = [Value(x) for x in point]
        of_numbers = function(point[:3], point[3:]) if pairwise else function(point) if rule.arity is None else function(*point)
        of_values = (
            function(values[:3], values[3:]) if pairwise else function(values) if rule.arity is None else function(*values)
        )
        assert type(of_numbers) is float
        assert isinstance(of_values, Value)
        assert same(of_numbers, of_values.data), point


def test_where_records_the_operand_taken_and_nothing_else():
    x, y = Value(2.0), Value(3.0)
    taken = functions.where(x > y, x, y)
    assert taken.operands == (y,)
    assert taken.partials == (1.0,)


def test_x_times_zero_is_recorded_and_hides_no_infinity():
    x = Value(inf)
    out = x * 0
    assert out.operands == (x,)
    assert math.isnan(out.data)


def test_every_public_row_is_a_function_with_a_docstring():
    for rule in PUBLIC:
        assert rule.name in functions.__all__
        assert getattr(functions, rule.name).__doc__, rule.name


# ---- what only a trace records: eagerly Python decides ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "decides"), [("greater", operator.gt), ("greater_equal", operator.ge), ("equal", operator.eq)]
)
def test_a_comparison_is_1_or_0_as_python_has_it_and_passes_nothing_on(name, decides):
    for x, y in hard_points(2):
        out = TABLE[name].value(x, y)
        assert same(out, float(decides(x, y))), (x, y)
        assert TABLE[name].partials(x, y, out=out) == [0.0, 0.0]


@pytest.mark.parametrize("decides", HARD)
def test_a_selection_is_where_and_passes_everything_to_the_one_that_was_selected(decides):
    first, second = (1.0, 0.0) if bool(decides) else (0.0, 1.0)
    out = TABLE["select"].value(decides, 3.0, 4.0)
    assert out == functions.where(decides, 3.0, 4.0)
    assert TABLE["select"].partials(decides, 3.0, 4.0, out=out) == [0.0, first, second]


def test_what_is_taken_from_a_table_gets_everything_and_beyond_it_there_is_nothing():
    rule, entries = TABLE["taken"], (5.0, 6.0, 7.0)
    for i, entry in enumerate(entries):
        assert rule.value(float(i), *entries) == entry
        assert rule.partials(float(i), *entries, out=entry) == [0.0, *[float(i == place) for place in range(3)]]
    for nowhere in (-1.0, 3.0, 0.5, nan, inf):
        assert math.isnan(rule.value(nowhere, *entries)), nowhere


def test_what_is_held_is_a_number_that_nothing_depends_on():
    for x in HARD:
        assert same(TABLE["held"].value(x), x)
    assert TABLE["held"].partials(3.0, out=3.0) == [0.0]
