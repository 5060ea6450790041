"""Random programs over every public function, operator, number type and array form, and all eager ways to differentiate one.

A program is a list of steps; each takes what earlier ones made. It runs on numbers, Values and arrays alike, so that every way
can be held against every other.
"""

import math
import operator
import random
from decimal import Decimal
from fractions import Fraction

import numpy as np

import autodiff as ad
from autodiff.engine import rules

ONE = [rule.name for rule in rules.TABLE.values() if rule.doc and rule.of_one_number]
TWO = [rule.name for rule in rules.TABLE.values() if rule.doc and rule.arity == 2] + ["maximum", "minimum"]
MANY = ["sum", "prod", "mean", "norm", "logsumexp", "max", "min", "maxout"]
OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod]
NUMBERS = [
    lambda x: x, int, np.float64, np.float32, np.float16, lambda x: np.array(x), lambda x: Decimal(x), lambda x: Fraction(x),
    bool,
]  # fmt: skip
CONSTANTS = [0.0, 1.0, 2.0, -1.0, 0.5, 3.0, -2.5]
POINTS = [0.0, 1.0, -1.0, 0.5, 2.0, -2.0, 3.5, 0.1, -0.3, 7.0]


class Subclass(ad.Value):
    pass


def boxed(x):
    return np.array(x, dtype=object)


def program(seed, size=8):
    """A function of a list of inputs, its number of inputs, and a point; the same ones for the same seed."""
    dice = random.Random(seed)
    count = dice.randint(1, 3)
    point = [dice.choice(POINTS) if dice.random() < 0.4 else dice.uniform(-3.0, 3.0) for _ in range(count)]
    steps = []
    for made in range(count, count + dice.randint(1, size)):
        kind = dice.choice(
            ["one", "method", "operator", "operator", "number", "two", "many", "dot", "branch", "take", "softmax", "boxed"]
        )
        places = [dice.randrange(made) for _ in range(dice.randint(2, 4))]
        steps.append((kind, places, dice.random(), dice.choice(CONSTANTS), dice.randrange(len(NUMBERS))))
    total = dice.sample(range(count + len(steps)), dice.randint(1, min(4, count + len(steps))))

    def function(inputs):
        made = list(inputs)
        for step in steps:
            made.append(run(step, made))
        return ad.sum([made[-1], *[made[i] for i in total]])

    return function, point


def pick(names, share):
    return names[int(share * len(names))]


def run(step, made):
    kind, places, share, constant, number = step
    x, y = made[places[0]], made[places[1]]
    others = [made[i] for i in places]
    if kind == "one":
        return getattr(ad, pick(ONE, share))(x)
    if kind == "method":
        return getattr(x, pick(ONE, share))() if isinstance(x, ad.Value) else getattr(ad, pick(ONE, share))(x)
    if kind == "operator":
        return pick(OPERATORS, share)(x, y) if isinstance(x, ad.Value) or isinstance(y, ad.Value) else ad.mul(x, y)
    if kind == "number":
        given = NUMBERS[number](constant)
        operate = pick(OPERATORS, share)
        if not isinstance(x, ad.Value):
            return ad.add(x, given)
        return operate(given, x) if number % 2 else operate(x, given)
    if kind == "two":
        return getattr(ad, pick(TWO, share))(x, y)
    if kind == "many":
        return getattr(ad, pick(MANY, share))(others)
    if kind == "dot":
        return ad.dot(others, reversed(others))
    if kind == "branch":
        return ad.where(x == y, x, ad.where(x > y, y, constant)) if share < 0.5 else ad.clip(x, -abs(constant), abs(constant))
    if kind == "take":
        return ad.take([*others, constant], int(share * (len(others) + 1)))
    if kind == "softmax":
        return (ad.softmax if share < 0.5 else ad.log_softmax)([*others, constant])[0]
    return ad.mul(boxed(x), y) + constant if isinstance(x, ad.Value) else ad.mul(x, y)


def flat(x):
    return [float(y) for y in np.ravel(np.array(x, dtype=float))]


def recorded(function, values):
    """What a function makes of Values: a Value, also where it takes plain numbers out of a table and nothing else."""
    out = function(values)
    return out if isinstance(out, ad.Value) else ad.Value(out)


def ways(function, point):
    """The gradient in every eager way, by name."""
    n = len(point)
    kinds = {"Value": ad.Value, "subclass": Subclass}
    for name, kind in kinds.items():
        values = [kind(x) for x in point]
        out = recorded(function, values)
        out.backward()
        yield f"backward on {name}", [x.grad for x in values]
        yield f"gradients on {name}", ad.gradients(out, values)
    yield "create_graph", [float(g) for g in ad.gradients(out, values, create_graph=True)]
    yield "grad", ad.grad(function)(list(point))
    yield "value_and_grad", ad.value_and_grad(function)(list(point))[1]
    yield "grad on an array", flat(ad.grad(function)(np.array(point)))
    yield "jacobian", ad.jacobian(lambda x: [function(x)])(list(point))[0]
    yield "jacobian, forward", ad.jacobian(lambda x: [function(x)] * (n + 1))(list(point))[0]
    yield "jvp", [ad.jvp(function, (list(point),), ([float(i == j) for j in range(n)],))[1] for i in range(n)]


def second(function, point):
    """The Hessian in every eager way."""
    n = len(point)
    yield "hessian", ad.hessian(function)(list(point))
    yield "hvp", [ad.hvp(function, list(point), [float(i == j) for j in range(n)]) for i in range(n)]
    values = [ad.Value(x) for x in point]
    slopes = ad.gradients(recorded(function, values), values, create_graph=True)
    yield "gradients of gradients", [ad.gradients(slope, values) for slope in slopes]


def agree(xs, ys, rounding, tolerance=1e-9):
    """Equal but for the tolerance and the rounding; where one way has nan or inf, so has the other."""
    return all(
        math.isclose(x, y, rel_tol=tolerance, abs_tol=max(rounding, 1e-12)) or not (math.isfinite(x) or math.isfinite(y))
        for x, y in zip(xs, ys, strict=True)
    )
