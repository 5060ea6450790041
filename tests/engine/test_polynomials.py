"""Exponentials, logarithms and sines are within one unit in the last place of the truth, the slope of tanh within three."""

import math
import random
from math import inf, nan, nextafter

import mpmath
import pytest
from test_kernels import interpreted_module
from test_rules import HARD, all_same

import autodiff as ad
from autodiff._implementation import implementation
from autodiff.engine import ieee
from autodiff.engine.kernels import KERNELS

POLYNOMIALS = KERNELS if implementation == "compiled" else interpreted_module().KERNELS
POINTS = 400
TINIEST = 2.0**-1022


def spread(low, high, around=(), steps=3):
    """Numbers from low to high, of all sizes, and those next to some."""

    def points(name):
        generator = random.Random(name)
        uniform = [generator.uniform(low, high) for _ in range(POINTS)]
        small = [generator.choice((low, high)) * 10.0 ** generator.uniform(-20, 0) for _ in range(POINTS)]
        for x in around:
            for end in (-inf, inf):
                y = x
                for _ in range(steps):
                    uniform.append(y)
                    y = nextafter(y, end)
        return uniform + small

    return points


def positive(name):
    """Positive numbers of every size, subnormal ones too, and those near 1."""
    generator = random.Random(name)
    sizes = [math.ldexp(generator.uniform(1.0, 2.0), generator.randrange(-1074, 1024)) for _ in range(POINTS)]
    near = [generator.uniform(0.5, 2.0) for _ in range(POINTS)]
    edges = [0.5**0.5, 2.0**0.5, 1.0, TINIEST, 5e-324, 2.0**1023, 1.7976931348623157e308]
    return sizes + near + edges + [nextafter(x, end) for x in edges for end in (0.0, 2.0)]


HALF_STEP = math.log(2.0) / 2
QUARTERS = [k * math.pi / 2 for k in (1, 2, 3, 4, 7, 355, 25_781, 524_287)] + [
    11.0,
    22.0,
    344.0,
    51_819.0,
    573_204.0,
    823_549.0,
]
TURNS = spread(-20.0, 20.0, QUARTERS)
FAR = spread(-823_549.0, 1e300)
CASES = {
    "exp": (mpmath.exp, spread(-745.2, 709.79, (0.0, HALF_STEP, -HALF_STEP, 709.782712893384, -708.3964185322641, -745.13))),
    "expm1": (
        mpmath.expm1,
        spread(-40.0, 709.79, (HALF_STEP, -HALF_STEP, 3 * HALF_STEP, 1e-17, -50.0, 709.78271289338, 37.4)),
    ),
    "log": (mpmath.log, positive),
    "log1p": (mpmath.log1p, spread(-0.9999999999999999, 3.0, (0.5**0.5 - 1, 2**0.5 - 1, 1e-17, -0.9999999999999996, 1e300))),
    "sin": (mpmath.sin, lambda name: TURNS(name) + FAR(name)),
    "cos": (mpmath.cos, lambda name: TURNS(name) + FAR(name)),
    "tanh": (mpmath.tanh, spread(-3.0, 22.0, (HALF_STEP, HALF_STEP / 2, 19.06, 22.0, 354.0, 375.0))),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), spread(-745.2, 40.0, (HALF_STEP, -HALF_STEP, -708.4, -745.13, 36.7))),
    "sech2": (lambda x: mpmath.sech(x) ** 2, spread(-372.6, 30.0, (HALF_STEP, 354.2, 372.5, 375.0))),
}


def units_off(found, x, truth):
    """How far a result is from the truth, in units of the last place."""
    with mpmath.workprec(1300 if abs(x) > 1e15 or x == -x else 200):
        wanted = truth(mpmath.mpf(x))
        if not math.isfinite(found):
            return 0.0 if abs(wanted) > 1.797693134862315807e308 else inf
        unit = mpmath.ldexp(1, max(int(mpmath.floor(mpmath.log(abs(wanted), 2))), -1022) - 52) if wanted else mpmath.mpf(5e-324)
        return float(abs(mpmath.mpf(found) - wanted) / unit)


@pytest.mark.parametrize("name", CASES)
def test_within_one_unit_in_the_last_place(name):
    truth, points = CASES[name]
    worst = max((units_off(POLYNOMIALS[name](x), x, truth), x) for x in points(name))
    assert worst[0] <= (3.0 if name == "sech2" else 1.0)


def test_a_fault_in_the_last_digits_would_be_found():
    assert units_off(math.exp(1.5) * (1 + 2**-51), 1.5, mpmath.exp) > 1.0


def test_a_fused_multiply_add_rounds_once():
    tiny = 2.0**-30
    assert ieee.fma(1.0 + tiny, 1.0 - tiny, -1.0) == -(2.0**-60)
    assert ieee.fma(0.1, 10.0, -1.0) == 2.0**-54
    edges = [(inf, 0.0, 1.0, nan), (1e200, 1e200, -inf, -inf), (1e200, -1e200, 1.0, -inf), (1e200, 1e200, -1e300, inf)]
    edges += [
        (nan, 1.0, 1.0, nan),
        (inf, 1.0, -inf, nan),
        (0.0, -1.0, 0.0, 0.0),
        (0.0, -1.0, -0.0, -0.0),
        (2.0, 3.0, -6.0, 0.0),
    ]
    assert all_same([ieee.fma(x, y, z) for x, y, z, _ in edges], [wanted for *_, wanted in edges])


EDGES = {
    "exp": [(0.0, 1.0), (-0.0, 1.0), (inf, inf), (-inf, 0.0), (710.0, inf), (-746.0, 0.0), (1e308, inf), (-1e308, 0.0)],
    "expm1": [
        (0.0, 0.0),
        (-0.0, -0.0),
        (inf, inf),
        (-inf, -1.0),
        (5e-324, 5e-324),
        (-5e-324, -5e-324),
        (800.0, inf),
        (-1e308, -1.0),
    ],
    "log": [(1.0, 0.0), (0.0, -inf), (-0.0, -inf), (inf, inf), (-inf, nan), (-1.0, nan), (-5e-324, nan)],
    "log1p": [
        (0.0, 0.0),
        (-0.0, -0.0),
        (-1.0, -inf),
        (-2.0, nan),
        (inf, inf),
        (-inf, nan),
        (5e-324, 5e-324),
        (-5e-324, -5e-324),
    ],
    "sin": [(0.0, 0.0), (-0.0, -0.0), (inf, nan), (-inf, nan), (5e-324, 5e-324), (-TINIEST, -TINIEST)],
    "cos": [(0.0, 1.0), (-0.0, 1.0), (inf, nan), (-inf, nan), (5e-324, 1.0)],
    "tanh": [
        (0.0, 0.0),
        (-0.0, -0.0),
        (inf, 1.0),
        (-inf, -1.0),
        (1000.0, 1.0),
        (-1e308, -1.0),
        (5e-324, 5e-324),
        (-TINIEST, -TINIEST),
    ],
    "sigmoid": [(0.0, 0.5), (-0.0, 0.5), (inf, 1.0), (-inf, 0.0), (-1000.0, 0.0), (1e308, 1.0), (5e-324, 0.5)],
    "sech2": [(0.0, 1.0), (-0.0, 1.0), (inf, 0.0), (-inf, 0.0), (1000.0, 0.0), (5e-324, 1.0)],
}


@pytest.mark.parametrize("name", EDGES)
def test_edges(name):
    points = [*EDGES[name], (nan, nan)]
    assert all_same([POLYNOMIALS[name](x) for x, _ in points], [wanted for _, wanted in points])


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 9, 31, 100, 300])
def test_tanh_and_its_slope_together_have_the_bits_of_each_alone(n):
    generator = random.Random(n)
    points = [generator.choice([*HARD, generator.gauss(0.0, 2.0)]) for _ in range(n)]
    slopes = ad.compile(lambda x: ad.grad(ad.tanh)(x))
    both = ad.compile(lambda x, y: [ad.tanh(x), ad.grad(ad.tanh)(x), ad.tanh(y), ad.grad(ad.tanh)(y)], threads=2)
    values, derivatives = [KERNELS["tanh"](x) for x in points], [KERNELS["sech2"](x) for x in points]
    assert all_same(slopes.map(points), derivatives)
    backwards = points[::-1]
    found = both.map(points, backwards)
    assert all_same([row[0] for row in found], values)
    assert all_same([row[1] for row in found], derivatives)
    assert all_same([row[2] for row in found], values[::-1])
    assert all_same([row[3] for row in found], derivatives[::-1])


def test_a_number_a_value_and_a_program_have_the_same_bits():
    for name in ("exp", "expm1", "log", "log1p", "sin", "cos", "tanh", "sigmoid"):
        function = getattr(ad, name)
        program = ad.compile(function)
        for x in [*HARD, 0.3, 2.7, 1e6, 12.5]:
            wanted = [function(x)]
            assert all_same([function(ad.Value(x)).data], wanted), (name, x)
            assert all_same([program(x)], wanted), (name, x)
            assert all_same(program.map([x] * 5), wanted * 5), (name, x)
            slope = ad.grad(function)(x)
            assert all_same([program.value_and_grad(x)[1]], [slope]), (name, x)
