"""Spellings: each row of the table in the terms of the Array API standard, with the values that the table has at the edges.

What the standard lacks is composed from what it has, in helpers that are written beside the functions that call them.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from autodiff.engine import gamma

SQRT_HALF = repr(0.5**0.5)
HALF_ROOT_PI = repr(math.sqrt(math.pi) / 2)


@dataclass(frozen=True)
class Spelling:
    """How an operation is written: a form with a place for each operand.

    ``literal``: whether a number may stand in the place of an array. ``along_axis``: its operands are put side by side along a
    last axis, but for the ``single`` first ones, and but for two, if there is a form for a ``pair``.
    """

    text: str
    literal: bool = False
    along_axis: bool = False
    pair: str = ""
    single: int = 0


def _numbers(numbers: Sequence[float]) -> str:
    """A tuple of numbers, over several lines if it is long."""
    lines = textwrap.wrap(", ".join(map(repr, numbers)) + ",", 100)
    return f"({lines[0]})" if len(lines) == 1 else "(\n        " + "\n        ".join(lines) + "\n    )"


def _pieces(table: Sequence[tuple[float, float, Sequence[float]]]) -> str:
    """Pieces of a polynomial, the highest power first: where each ends, its centre, its coefficients."""
    return "(" + ", ".join([f"({end!r}, {centre!r}, {_numbers(numbers[::-1])})" for end, centre, numbers in table]) + ")"


def _call(name: str) -> Spelling:
    return Spelling(f"{name}({{0}})")


def _helper(name: str, operands: int = 1, literal: bool = False) -> Spelling:
    return Spelling(f"_{name}(xp, {', '.join(f'{{{i}}}' for i in range(operands))})", literal)


SPELLINGS: dict[str, Spelling] = {
    # arithmetic
    "add": Spelling("{0} + {1}", True), "sub": Spelling("{0} - {1}", True), "mul": Spelling("{0} * {1}", True),
    "div": Spelling("{0} / {1}", True), "neg": Spelling("-{0}", True), "pow": _helper("pow", 2), "mod": _helper("mod", 2),
    "abs": _call("xp.abs"), "where": Spelling("{0}", True), "held": Spelling("{0}", True), "floor": _call("xp.floor"),
    # functions that the standard has
    **{name: _call(f"xp.{name}") for name in (
        "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh",
        "tanh", "asinh", "acosh", "atanh", "sign",
    )},
    "atan2": Spelling("xp.atan2({0}, {1})"),
    # functions that it lacks, or has otherwise
    **{name: _helper(name) for name in (
        "cbrt", "erf", "erfc", "step", "nonnegative", "sigmoid", "softplus", "softsign", "silu", "gelu", "mish", "selu",
        "sech2", "cosquare", "logit", "erfinv", "sinc", "lgamma", "digamma",
    )},
    **{name: _helper(name, 2) for name in (
        "xlogy", "xlog1py", "compare", "mul0", "div0", "quotient", "power_slope", "power_log",
    )},
    "polygamma": _helper("polygamma", 2), "sinc_order": _helper("sinc_order", 2, literal=True),
    "relu": Spelling("xp.where({0} <= 0.0, 0.0, {0})"),
    "leaky_relu": _helper("leaky_relu", 2, literal=True), "elu": _helper("elu", 2, literal=True),
    "celu": _helper("celu", 2, literal=True),
    "exp2": Spelling("xp.pow(xp.full_like({0}, 2.0), {0})"), "rsqrt": Spelling("1.0 / xp.sqrt({0})"),
    "ceil": _call("xp.ceil"), "round": _call("xp.round"), "log_sigmoid": Spelling("-_softplus(xp, -({0}))"),
    "hard_tanh": Spelling("xp.clip({0}, -1.0, 1.0)"), "hard_sigmoid": Spelling("xp.clip(({0} + 3.0) / 6.0, 0.0, 1.0)"),
    "logaddexp": Spelling("_logsumexp(xp, {0})", along_axis=True),
    # branches
    "greater": Spelling("xp.astype({0} > {1}, dtype)", True), "greater_equal": Spelling("xp.astype({0} >= {1}, dtype)", True),
    "equal": Spelling("xp.astype({0} == {1}, dtype)", True),
    "select": Spelling("_select(xp, {0}, {1}, {2})", True),
    "taken": Spelling("_take(xp, {0}, {1})", along_axis=True, single=1),
    "at_least": Spelling("xp.maximum({0}, {1})"), "at_most": Spelling("xp.minimum({0}, {1})"),
    # any number of operands
    "max": Spelling("xp.max({0}, axis=-1)", along_axis=True, pair="xp.maximum({0}, {1})"),
    "min": Spelling("xp.min({0}, axis=-1)", along_axis=True, pair="xp.minimum({0}, {1})"),
    "sum": Spelling("xp.sum({0}, axis=-1)", along_axis=True), "prod": Spelling("xp.prod({0}, axis=-1)", along_axis=True),
    "dot": Spelling("_dot(xp, {0})", along_axis=True), "norm": Spelling("_norm(xp, {0})", along_axis=True),
    "power_poly": Spelling("_power_poly(xp, {0}, {1}, {2})", along_axis=True, single=2),
    "hypot": Spelling("_norm(xp, {0})", along_axis=True),
    "logsumexp": Spelling("_logsumexp(xp, {0})", along_axis=True),
}  # fmt: skip

HELPERS: dict[str, str] = {
    "_select": '''def _select(xp, condition, x, y):
    """x where the condition is not 0, else y."""
    if isinstance(x, float) and isinstance(y, float):
        x = xp.full_like(condition, x)
    return xp.where(condition != 0.0, x, y)
''',
    "_take": '''def _take(xp, index, table):
    """The number at a place of the last axis; nan where there is no such place."""
    hit = index[..., None] == xp.arange(table.shape[-1], dtype=table.dtype)
    inside = (index >= 0.0) & (index < table.shape[-1]) & (index == xp.floor(index))
    return xp.where(inside, xp.sum(xp.where(hit, table, 0.0), axis=-1), xp.nan)
''',
    "_step": '''def _step(xp, x):
    """1 for x > 0, else 0; nan for nan."""
    return xp.where(xp.isnan(x), x, xp.astype(x > 0.0, x.dtype))
''',
    "_compare": '''def _compare(xp, x, y):
    """1 for x > y, 0 for x = y, -1 for x < y, nan where one is nan."""
    sign = xp.astype(x > y, x.dtype) - xp.astype(x < y, x.dtype)
    return xp.where(xp.isnan(x) | xp.isnan(y), xp.nan, sign)
''',
    "_nonnegative": '''def _nonnegative(xp, x):
    """x, and nan below 0."""
    return xp.where(x >= 0.0, x + 0.0, xp.nan)
''',
    "_xlogy": '''def _xlogy(xp, x, y):
    """x log(y), and 0 where x is 0."""
    return _mul0(xp, x, xp.log(y))
''',
    "_xlog1py": '''def _xlog1py(xp, x, y):
    """x log(1 + y), and 0 where x is 0."""
    return _mul0(xp, x, xp.log1p(y))
''',
    "_div0": '''def _div0(xp, x, y):
    """x / y, and 0 for 0 / 0."""
    return xp.where((x == 0.0) & (y == 0.0), 0.0, x / y)
''',
    "_pow": '''def _pow(xp, x, y):
    """x to the power y; nan for a negative x and a y that is not whole; a square is x times x."""
    return xp.where(y == 2.0, x * x, xp.pow(x, y))
''',
    "_mod": '''def _mod(xp, x, y):
    """The remainder with the sign of y."""
    whole = xp.isfinite(x) & xp.isinf(y)
    beyond = xp.where((x == 0.0) | ((x < 0.0) == (y < 0.0)), x, y)
    return xp.where(whole, beyond, xp.remainder(x, xp.where(whole, 1.0, y)))
''',
    "_power_poly": '''def _power_poly(xp, x, y, coefficients):
    """x^y times a polynomial in log(x), whose coefficients are along the last axis; its limit at 0."""
    total = coefficients[..., -1]
    for k in range(coefficients.shape[-1] - 2, -1, -1):
        total = _mul0(xp, total, xp.log(x)) + coefficients[..., k]
    return _mul0(xp, _pow(xp, x, y), total)
''',
    "_quotient": '''def _quotient(xp, x, y):
    """The whole number of y in x."""
    return xp.floor((x - _mod(xp, x, y)) / y + 0.5)
''',
    "_power_slope": '''def _power_slope(xp, x, y):
    """The derivative of the power x^y by x."""
    return xp.where(y == 0.0, 0.0, _mul0(xp, y, _pow(xp, x, y - 1.0)))
''',
    "_power_log": '''def _power_log(xp, x, y):
    """The derivative of the power x^y by y."""
    return _mul0(xp, _pow(xp, x, y), xp.log(x))
''',
    "_sech2": '''def _sech2(xp, x):
    """The derivative of tanh."""
    return 4.0 * _sigmoid(xp, 2.0 * x) * _sigmoid(xp, -2.0 * x)
''',
    "_cosquare": '''def _cosquare(xp, x):
    """1 minus the square of x."""
    return (1.0 - x) * (1.0 + x)
''',
    "_leaky_relu": '''def _leaky_relu(xp, x, slope):
    """x for x > 0, else slope times x."""
    return xp.where(x <= 0.0, 0.0, x) + slope * xp.where(x >= 0.0, 0.0, x)
''',
    "_elu": '''def _elu(xp, x, a):
    """x for x > 0, else a (exp(x) - 1)."""
    return xp.where(x <= 0.0, 0.0, x) + a * xp.expm1(xp.where(x >= 0.0, 0.0, x))
''',
    "_celu": '''def _celu(xp, x, a):
    """x for x > 0, else a (exp(x / a) - 1)."""
    return xp.where(x <= 0.0, 0.0, x) + a * xp.expm1(xp.where(x >= 0.0, 0.0, x) / a)
''',
    "_selu": '''def _selu(xp, x):
    """The self-normalising elu of Klambauer et al. 2017."""
    return 1.0507009873554805 * _elu(xp, x, 1.6732632423543772)
''',
    "_softsign": '''def _softsign(xp, x):
    """x / (1 + |x|)."""
    return xp.where(xp.isinf(x), xp.sign(x), x / (1.0 + xp.abs(x)))
''',
    "_silu": '''def _silu(xp, x):
    """x times the logistic function."""
    return _mul0(xp, _sigmoid(xp, x), x)
''',
    "_gelu": f'''def _gelu(xp, x):
    """x times the normal distribution function."""
    return _mul0(xp, 0.5 * _erfc(xp, -{SQRT_HALF} * x), x)
''',
    "_mish": '''def _mish(xp, x):
    """x tanh(softplus(x))."""
    return _mul0(xp, xp.tanh(_softplus(xp, x)), x)
''',
    "_mul0": '''def _mul0(xp, x, y):
    """x y, and 0 for 0 times infinity."""
    limit = ((x == 0.0) & xp.isinf(y)) | ((y == 0.0) & xp.isinf(x))
    return xp.where(limit, 0.0, x * y)
''',
    "_sigmoid": '''def _sigmoid(xp, x):
    """1 / (1 + exp(-x)), without overflow and without loss for large negative x."""
    e = xp.exp(-xp.abs(x))
    return xp.where(x >= 0.0, 1.0 / (1.0 + e), e / (1.0 + e))
''',
    "_softplus": '''def _softplus(xp, x):
    """log(1 + exp(x)), without overflow."""
    return xp.where(x <= 0.0, 0.0, x) + xp.log1p(xp.exp(-xp.abs(x)))
''',
    "_dot": '''def _dot(xp, x):
    """The sum of the products of the first half along the last axis with the second."""
    half = x.shape[-1] // 2
    return xp.sum(x[..., :half] * x[..., half:], axis=-1)
''',
    "_norm": '''def _norm(xp, x):
    """The root of the sum of squares along the last axis, without overflow."""
    largest = xp.max(xp.abs(x), axis=-1, keepdims=True)
    scale = xp.where((largest > 0.0) & xp.isfinite(largest), xp.clip(largest, 0.0, 2.0**1022), 1.0)  # whose inverse is normal
    root = scale[..., 0] * xp.sqrt(xp.sum((x / scale) ** 2.0, axis=-1))
    return xp.where(xp.any(xp.isinf(x), axis=-1), xp.inf, root)
''',
    "_logsumexp": '''def _logsumexp(xp, x):
    """The logarithm of the sum of the exponentials along the last axis, without overflow."""
    largest = xp.max(x, axis=-1, keepdims=True)
    shift = xp.where(xp.isinf(largest), 0.0, largest)
    total = shift[..., 0] + xp.log(xp.sum(xp.exp(x - shift), axis=-1))
    return xp.where(xp.isinf(largest[..., 0]), largest[..., 0], total)
''',
    "_logit": '''def _logit(xp, x):
    """log(x / (1 - x)), accurate where it passes through zero."""
    middle = (x >= 0.25) & (x <= 0.75)
    return xp.where(middle, 2.0 * xp.atanh(xp.where(middle, 2.0 * x - 1.0, 0.0)), xp.log(x / (1.0 - x)))
''',
    "_erfinv": f'''def _erfinv(xp, x):
    """The inverse of erf: Newton's steps from Winitzki's approximation (2008), on erfc where erf is near 1."""
    size = xp.abs(x)
    inner = xp.where(size < 1.0, size, 0.5)
    logarithm = xp.log1p(-inner) + xp.log1p(inner)
    half = {2 / (math.pi * 0.147)!r} + logarithm / 2.0
    y = xp.sqrt(-logarithm / 0.147 / (half + xp.sqrt(half * half - logarithm / 0.147)))
    for _ in range(4):
        missed = xp.where(inner < 0.5, _erf(xp, y) - inner, (1.0 - inner) - _erfc(xp, y))
        y = y - missed * {HALF_ROOT_PI} * xp.exp(y * y)
    y = xp.where(size < 1e-8, size * {HALF_ROOT_PI}, y)
    return xp.where(size < 1.0, xp.sign(x) * y, xp.where(size == 1.0, xp.sign(x) * xp.inf, xp.nan))
''',
    "_cbrt": '''def _cbrt(xp, x):
    """The cube root: a power, and a step of Newton's."""
    size = xp.abs(x)
    plain = (size > 0.0) & xp.isfinite(size)
    size = xp.where(plain, size, 1.0)
    root = xp.pow(size, xp.full_like(size, 1.0 / 3.0))
    root = root - (root - size / root / root) / 3.0
    return xp.where(plain, xp.sign(x) * root, x)
''',
    "_erf": '''def _erf(xp, x):
    """The error function (W. J. Cody 1969, rational Chebyshev approximations)."""
    y = xp.abs(x)
    inner = _erf_inner(xp, xp.where(y <= 0.46875, x, 0.0))
    return xp.where(y <= 0.46875, inner, xp.sign(x) * (1.0 - _erf_tail(xp, y)))
''',
    "_erfc": '''def _erfc(xp, x):
    """1 - erf(x), accurate for large x."""
    y = xp.abs(x)
    inner = _erf_inner(xp, xp.where(y <= 0.46875, x, 0.0))
    tail = _erf_tail(xp, y)
    return xp.where(y <= 0.46875, 1.0 - inner, xp.where(x < 0.0, 2.0 - tail, tail))
''',
    "_erf_inner": '''def _erf_inner(xp, x):
    """erf for |x| up to 0.46875."""
    above = (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3)
    below = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
    return x * _polynomial(above, x * x) / _polynomial(below, x * x)
''',
    "_erf_tail": '''def _erf_tail(xp, y):
    """erfc for y from 0.46875 on."""
    above = (
        2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2,
        8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3,
    )
    below = (
        1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
        3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3,
    )
    middle = xp.where(y <= 4.0, y, 4.0)
    near = _polynomial(above, middle) / _polynomial(below, middle)
    far = xp.where(y > 4.0, y, 4.0)
    far = xp.where(far < 30.0, far, 30.0)
    above = (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
             1.60837851487422766e-2, 6.58749161529837803e-4)
    below = (1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2,
             2.33520497626869185e-3)
    z = 1.0 / (far * far)
    beyond = (0.56418958354775628695 - z * _polynomial(above, z) / _polynomial(below, z)) / far
    size = xp.where(y < 30.0, y, 30.0)
    coarse = xp.floor(size * 16.0) / 16.0
    tail = xp.exp(-coarse * coarse) * xp.exp(-(size - coarse) * (size + coarse)) * xp.where(y <= 4.0, near, beyond)
    return xp.where(xp.isnan(y), y, tail)
''',
    "_sinc": '''def _sinc(xp, x):
    """sin(pi x) / (pi x), and 1 at 0."""
    u, sine, _ = _half_turns(xp, x)
    return xp.where(x == 0.0, 1.0, xp.where(xp.isinf(x), 0.0, sine / xp.where(x == 0.0, 1.0, u)))
''',
    "_sinc_order": f'''def _sinc_order(xp, x, n):
    """The n-th derivative of sinc: D^k (sin u / u) = (D^k sin u - k D^(k-1) (sin u / u)) / u, upwards where |u| is
    larger than k, and else downwards from where it hardly matters."""
    most = int(n) if isinstance(n, float) and 0.0 <= n <= 60.0 else 60
    n = xp.zeros_like(x) + n
    order = xp.floor(n)
    u, sine, cosine = _half_turns(xp, x)
    waves = (sine, cosine, -sine, -cosine)
    far = (xp.abs(u) >= order) & (u != 0.0)
    near, divisor = xp.where(far, 0.0, u), xp.where(far & xp.isfinite(u), u, 1.0)
    below, above = xp.zeros_like(x), sine / divisor
    for k in range(20 + 12 * most // 5, 0, -1):
        below = xp.where(order < k, (waves[k % 4] - near * below) / k, below)
    for k in range(1, most + 1):
        above = xp.where(order >= k, (waves[k % 4] - k * above) / divisor, above)
    found = xp.where(xp.isinf(x), 0.0, xp.where(far, above, below) * xp.pow(xp.full_like(x, {math.pi!r}), order))
    return xp.where((n >= 0.0) & (n <= 60.0), xp.where(xp.isnan(x), x, found), xp.nan)
''',
    "_half_turns": f'''def _half_turns(xp, x):
    """pi x, its sine and its cosine, exact where x is large."""
    turns = xp.round(xp.where(xp.isfinite(x), x, 0.0))
    sign = 1.0 - 2.0 * (turns - 2.0 * xp.floor(turns / 2.0))
    rest = {math.pi!r} * (xp.where(xp.isinf(x), 0.0, x) - turns)
    return {math.pi!r} * x, sign * xp.sin(rest), sign * xp.cos(rest)
''',
    "_lgamma": f'''def _lgamma(xp, x):
    """log |Gamma(x)|: polynomials from 0.5 to 2.5, recurrence up to {gamma.FAR}, Stirling's series, reflection."""
    size = xp.abs(x)
    far = size >= {gamma.FAR}.0
    y = xp.where(far | xp.isnan(x), 1.0, x)
    above = below = xp.ones_like(x)
    for _ in range({gamma.FAR - 2}):
        high = y >= 2.5
        y = xp.where(high, y - 1.0, y)
        above = xp.where(high, above * y, above)
    for _ in range({gamma.FAR + 1}):
        low = y < 0.5
        below = xp.where(low, below * y, below)
        y = xp.where(low, y + 1.0, y)
    found = xp.zeros_like(x)
    start = 0.0
    for end, centre, numbers in {_pieces(gamma.LOG_GAMMA)}:
        piece = _polynomial(numbers, y - centre)
        found = xp.where((y >= start) & (y < end), piece * (y - centre) if centre in (1.0, 2.0) else piece, found)
        start = end
    found = found + xp.log(above) - xp.log(xp.abs(below))
    z = xp.where(far & xp.isfinite(x), size, {gamma.FAR}.0)
    numbers = {_numbers([b / ((2 * k + 2) * (2 * k + 1)) for k, b in enumerate(gamma.BERNOULLI)][::-1])}
    series = {gamma.HALF_LOG_2PI_LESS_HALF!r} + _polynomial(numbers, 1.0 / z / z) / z
    series = (z - 0.5) * (xp.log(z) - 1.0) + series
    _, sine, _ = _half_turns(xp, x)
    turned = xp.log({math.pi!r} / (z * xp.abs(xp.where(far & (x < 0.0) & (sine != 0.0), sine, 1.0)))) - series
    found = xp.where(far, xp.where(x > 0.0, series, turned), found)
    pole = xp.isinf(x) | ((x <= 0.0) & (x == xp.round(x)))
    return xp.where(xp.isnan(x), x, xp.where(pole, xp.inf, found))
''',
    "_digamma": f'''def _digamma(xp, x):
    """The derivative of lgamma: polynomials from 1 to 8, an asymptotic series, reflection below 0."""
    plain = xp.isfinite(x) & ((x > 0.0) | (x != xp.round(x)))
    turned = plain & (x < 0.0)
    y = xp.where(plain, xp.where(turned, 1.0 - x, x), 1.0)
    small = y < 1.0
    z = xp.where(small, y + 1.0, y)
    far = z >= 8.0
    w = xp.where(far, z, 8.0)
    square = 1.0 / w / w
    series = _polynomial({_numbers([b / (2 * k + 2) for k, b in enumerate(gamma.BERNOULLI)][::-1])}, square)
    found = xp.log(w) - (0.5 / w + square * series)
    distance = xp.where(far, 1.0, z) - {gamma.ZERO!r}
    start = 1.0
    for end, centre, numbers in {_pieces(gamma.DIGAMMA[1:])}:
        slope = (z - centre) * _polynomial(numbers[:-1], z - centre)
        piece = numbers[-1] + slope
        if centre == 2.0:
            piece = numbers[-1] * distance + (slope * distance - piece * {gamma.ZERO_REST!r})
        found = xp.where((z >= start) & (z < end), piece, found)
        start = end
    found = xp.where(small, found - 1.0 / y, found)
    _, sine, cosine = _half_turns(xp, x)
    found = xp.where(turned, found - {math.pi!r} * cosine / xp.where(turned, sine, 1.0), found)
    return xp.where(plain, found, xp.where(x == 0.0, -1.0 / x, xp.where((x > 0.0) | xp.isnan(x), x, xp.nan)))
''',
    "_polygamma": f'''def _polygamma(xp, x, n):
    """The n-th derivative of digamma: of zeta functions, and below 0 of the sums to both sides of x."""
    order = xp.floor(n)
    high = (order >= 1.0) & (n <= {gamma.LARGEST_ORDER}.0)
    plain = high & xp.isfinite(x) & ((x > 0.0) | (x != xp.round(x)))
    s = xp.where(high, order + 1.0, 2.0)
    even = xp.where(s == 2.0 * xp.floor(s / 2.0), 1.0, -1.0)
    turned = plain & (x < 0.0)
    rest = xp.where(turned, x - xp.round(x), 0.5)
    right = _zeta(xp, s, xp.where(plain, xp.where(turned, 1.0 - x, x), 1.0))
    near, other = _zeta(xp, s, xp.abs(rest)), _zeta(xp, s, 1.0 - xp.abs(rest))
    left = xp.where(rest > 0.0, near + even * other, other + even * near) - even * right
    found = even * xp.where(turned, left, right)
    for k in range(2, {gamma.LARGEST_ORDER + 1}):
        found = xp.where(s > k, k * found, found)
    pole = xp.where(even > 0.0, xp.inf, xp.where(x == 0.0, -1.0 / x, xp.nan))
    pole = xp.where(xp.isinf(x), xp.where(x > 0.0, 0.0, xp.nan), xp.where(xp.isnan(x), x, pole))
    found = xp.where(plain, found, xp.where(high, pole, xp.nan))
    return xp.where(order == 0.0, _digamma(xp, x), found)
''',
    "_zeta": f'''def _zeta(xp, s, x):
    """The sum of (x + k)^-s over k = 0, 1, ..., by Euler and Maclaurin."""
    total = xp.zeros_like(x)
    for k in range(12):
        total = total + xp.pow(x + k, -s)
    end = x + 12.0
    power = xp.pow(end, -s)
    total = total + xp.pow(end, 1.0 - s) / (s - 1.0) + 0.5 * power
    factor = s * power / end
    for k, b in enumerate({_numbers([b / math.factorial(2 * k + 2) for k, b in enumerate(gamma.BERNOULLI)])}):
        total = total + b * factor
        factor = factor * (s + (2 * k + 1)) * (s + (2 * k + 2)) / (end * end)
    return total
''',
    "_polynomial": '''def _polynomial(coefficients, x):
    """By Horner's rule, the highest power first."""
    total = coefficients[0]
    for coefficient in coefficients[1:]:
        total = total * x + coefficient
    return total
''',
}


def helpers_within(names: set[str]) -> set[str]:
    """These helpers and those that they call."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [other for other in HELPERS if other != name and f"{other}(" in HELPERS[name]]
    return found
