"""Random programs: all eager ways to differentiate give one gradient and one symmetric Hessian, and the differences confirm it.

AUTODIFF_FUZZ=20000 runs that many (``make fuzz``); the suite runs a few hundred.
"""

import copy
import math
import os
import pickle

import numpy as np
import pytest

import autodiff as ad
from autodiff.engine.value import topological_order
from tests.fuzz.programs import agree, program, recorded, second, ways

pytestmark = pytest.mark.fuzz
COUNT = int(os.environ.get("AUTODIFF_FUZZ", "300"))
CHUNKS = 20


def reference(function, point, i):
    """∂function/∂input by differences that two step widths confirm, at values of plain size; None elsewhere.

    None, too, where numbers are rounded: steps that are narrower than the differences look like a slope.
    """
    out = function([ad.Value(x) for x in point])
    if isinstance(out, ad.Value) and any(node.op in ("floor", "ceil", "round") for node in topological_order(out)):
        return None

    def difference(h):
        moved = [[x + s * h if j == i else x for j, x in enumerate(point)] for s in (-2, -1, 1, 2)]
        a, b, c, d = (float(function([ad.Value(x) for x in xs])) for xs in moved)
        return (a - 8 * b + 8 * c - d) / (12 * h), max(abs(a), abs(b), abs(c), abs(d))

    (coarse, size), (fine, _) = difference(1e-3), difference(2.5e-4)
    trusted = (
        math.isfinite(coarse) and math.isfinite(fine) and size < 1e6 and math.isclose(coarse, fine, rel_tol=1e-7, abs_tol=1e-7)
    )
    return fine if trusted else None


def differences_of(seed):
    """What is not as it should be, in words."""
    function, point = program(seed)
    out = recorded(function, [ad.Value(x) for x in point])
    out.backward()
    nodes = topological_order(out)
    if any(1e30 < abs(node.data) < math.inf for node in nodes):
        return []  # where such numbers cancel no digit is left, in whatever order they are added
    # derivatives that cancel leave the last digit of the largest of them
    rounding = 1e-15 * max([0.0, *(abs(node.grad) for node in nodes if math.isfinite(node.grad))])
    found = dict(ways(function, point))
    wanted = found["grad"]
    wrong = [f"{way}: {gradient}, grad: {wanted}" for way, gradient in found.items() if not agree(gradient, wanted, rounding)]
    finite = all(map(math.isfinite, wanted))
    if finite:
        for i in range(len(point)):
            expected = reference(function, point, i)
            near = expected is None or math.isclose(expected, wanted[i], rel_tol=1e-4, abs_tol=1e-4)
            if not near and not at_a_kink(function, point, i, wanted[i]):
                wrong.append(f"differences by input {i}: {expected}, grad: {wanted[i]}")
    matrices = dict(second(function, point))
    hessian = [entry for row in matrices["hessian"] for entry in row]
    # entries of which all terms cancel are rounding error, in each way another one: 1 is the size of a program's numbers
    scale = max([1.0, *[abs(x) for x in hessian if math.isfinite(x)]])
    for way, matrix in matrices.items():
        entries = [entry for row in matrix for entry in row]
        transposed = [entry for row in zip(*matrix, strict=True) for entry in row]
        for what, others in (("hessian", hessian), ("transposed", transposed)):
            if not all(agree([x], [y], 0.0, 1e-7) or abs(x - y) <= 1e-9 * scale for x, y in zip(entries, others, strict=True)):
                wrong.append(f"{way}: {entries}, {what}: {others}")
    values = [ad.Value(x) for x in point]
    out = function(values)
    if isinstance(out, ad.Value):
        for how, made in (("pickle", pickle.loads(pickle.dumps([out, *values]))), ("deepcopy", copy.deepcopy([out, *values]))):
            if not same(ad.gradients(made[0], made[1:]), ad.gradients(out, values)):
                wrong.append(f"{how} changes the gradient")
    return wrong


def at_a_kink(function, point, i, slope):
    """Whether the derivatives just left and right are not the one here: there is none, and convention says what it is."""
    sides = [ad.grad(function)([x + s if j == i else x for j, x in enumerate(point)])[i] for s in (-1e-6, 1e-6)]
    return not all(math.isclose(side, slope, rel_tol=1e-3, abs_tol=1e-3) for side in sides)


def same(xs, ys):
    return all(x == y or (x != x and y != y) for x, y in zip(xs, ys, strict=True))


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_all_eager_ways_agree(chunk):
    wrong = {}
    for seed in range(chunk, COUNT, CHUNKS):
        with np.errstate(all="ignore"):
            found = differences_of(seed)
        if found:
            wrong[seed] = found
    assert not wrong, f"{len(wrong)} of {len(range(chunk, COUNT, CHUNKS))} programs: {dict(list(wrong.items())[:3])}"
