"""The kernels: what a row of the table does to numbers, typed, once for the engine and for the compiled programs alike.

A kernel has the name of its row. Where the row's own formula is no more than the kernel, the row refers to it; where the row
spells its formula out in other rows, a test holds the two against each other to the last bit. A row without a kernel works
all the same, number by number.

This file is plain Python, and Cython compiles it as it stands (``kernels.pxd`` has its C types). Compiled, ``exp`` and seven
more are the polynomials below, within one unit in the last place; interpreted, where these would take a hundred times as long,
they are those of ``ieee.py``, as the other functions of ``math.h`` always are. The loops at the end stand in this file because
only here can the C compiler make a kernel part of them.
"""

from __future__ import annotations

import math

try:
    import cython
except ImportError:
    from autodiff.engine import _cython as cython

if not cython.compiled:
    from math import inf as INFINITY
    from math import nan as NAN

    from autodiff.engine import ieee as libm
    from autodiff.engine.ieee import bits_of, divide, fma, number_of

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. 2017, appendix 1
SQRT_HALF = math.sqrt(0.5)
# the same as C holds them
c_selu_scale = cython.declare(cython.double, SELU_SCALE)
c_selu_alpha = cython.declare(cython.double, SELU_ALPHA)
c_sqrt_half = cython.declare(cython.double, SQRT_HALF)

# ---- elementary functions ----------------------------------------------------------------------------------------------------
#
# A number is brought into a small interval, where a polynomial (minimax, by Remez's algorithm) has the function, and what
# rounding has taken from a sum is carried along as a second number, its tail. There are no tables and no branches, only
# selections, so that the C compiler makes the loops at the end of this file wide. Every operation rounds as IEEE 754 has it,
# and a fused multiply-add once: the bits are the same whatever the lane, and on every processor that has such an instruction.
# 6755399441055744 is 1.5 · 2^52: added to a number, it leaves the nearest whole number in the last bits.
#
# A name that begins with an underscore is the function as loops and other kernels have it, part of themselves. Without, it is
# the function for a single number, which calls what is compiled for every breed of processor.


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def nearest(x: cython.double) -> cython.double:
    """The whole number nearest to x, for |x| < 2^51."""
    return (x + 6755399441055744.0) - 6755399441055744.0


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def power_of_two(k: cython.double) -> cython.double:
    """2^k for a whole number from −1022 to 1023."""
    return number_of((bits_of(k + 6755399441055744.0) + 1023) << 52)


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def raised_power(k: cython.double) -> cython.double:
    """2^(k + 100) for a whole number from −1122 to 923.

    What is multiplied by it and then by 7.888609052210118e-31, which is 2^−100, is rounded once.
    """
    return number_of((bits_of(k + 6755399441055744.0) + 1123) << 52)


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def scaled(x: cython.double, k: cython.double) -> cython.double:
    """x · 2^k, rounded once, for k from −2044 to 2046."""
    half: cython.double = nearest(0.5 * k)
    return x * power_of_two(half) * power_of_two(k - half)


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def quotient_of(
    x: cython.double, x_tail: cython.double, y: cython.double, y_tail: cython.double, inverse: cython.double
) -> cython.double:
    """(x + x_tail) / (y + y_tail), where ``inverse`` is 1 / y: one step of Newton's with an exact remainder."""
    q: cython.double = x * inverse
    return fma(fma(-q, y, x) + fma(-q, y_tail, x_tail), inverse, q)


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def reduced(x: cython.double) -> tuple[cython.double, cython.double, cython.double]:
    """k, r and a rest, so that exp(x) = 2^k · (1 + r + ½ r² + rest), |r| ≤ ½ log 2 and k is a whole number."""
    k: cython.double = nearest(x * 1.4426950408889634)
    above: cython.double = fma(-k, 0.6931471805592082, x)  # 40 digits of log 2: exact
    r: cython.double = fma(-k, 7.371002565167799e-13, above)
    z: cython.double = r * r
    even: cython.double = fma(z, fma(z, 2.091427500786778e-09, 2.755727624072339e-07), 2.480158732136744e-05)
    even = fma(z, fma(z, even, 0.0013888888888886016), 0.041666666666666664)
    odd: cython.double = fma(z, fma(z, 2.5043240555895804e-08, 2.7557416275802265e-06), 0.0001984126974190822)
    odd = fma(z, fma(z, odd, 0.008333333333361108), 0.16666666666666666)
    return k, r, fma(fma(-k, 7.371002565167799e-13, above - r), 1.0 + r, z * fma(r, odd, z * even))


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def logarithm(k: cython.double, f: cython.double, tail: cython.double) -> cython.double:
    """log(2^k · (1 + f)) + tail, for 1 + f between √½ and √2.

    With s = f / (2 + f) it is 2 artanh(s) = f − f²/2 + s · (f²/2 + a series in s²).
    """
    s: cython.double = f / (2.0 + f)
    z: cython.double = s * s
    series: cython.double = fma(z, fma(z, 0.1473619202040646, 0.15320351235067356), 0.18183302767874954)
    series = fma(z, fma(z, series, 0.2222220396548983), 0.2857142868541009)
    series = z * fma(z, fma(z, series, 0.39999999999697305), 0.6666666666666686)
    half_square: cython.double = 0.5 * f * f
    rest: cython.double = fma(0.5 * f, f, -half_square)
    whole: cython.double = k * 0.6931471805592082
    first: cython.double = whole + f
    first_tail: cython.double = (whole - first) + f
    total: cython.double = first - half_square
    total_tail: cython.double = (first - total) - half_square
    small: cython.double = fma(s, half_square + series, -rest)
    return total + (total_tail + (first_tail + (small + fma(k, 7.371002565167799e-13, tail))))


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def taken_apart(x: cython.double) -> tuple[cython.double, cython.double]:
    """k and m, so that x = 2^k · m and m is between √½ and √2; for x > 0 that is not subnormal."""
    one: cython.ulonglong = 0x3FF0000000000000
    root: cython.ulonglong = 0x3FE6A09E667F3BCD  # √½
    fraction: cython.ulonglong = 0x000FFFFFFFFFFFFF
    whole: cython.ulonglong = 0x4330000000000000  # 2^52
    bits: cython.ulonglong = bits_of(x) + (one - root)  # from √½ on the exponent is that of what lies above
    return number_of((bits >> 52) | whole) - 4503599627371519.0, number_of((bits & fraction) + root)


def _exp(x):
    """eˣ."""
    k, r, tail = reduced(x)
    tail = fma(0.5 * r, r, tail)
    above: cython.double = 1.0 + r
    found: cython.double = scaled(above + (1.0 - above + r + tail), k)
    return INFINITY if x > 710.0 else 0.0 if x < -746.0 else found


def _expm1(x):
    """eˣ − 1, accurate near 0."""
    k, r, rest = reduced(x)
    half_square: cython.double = 0.5 * r * r
    rest += fma(0.5 * r, r, -half_square)
    scale: cython.double = power_of_two(k - 1.0)  # half of it, since 2^1024 is no number
    less: cython.double = scale - 0.5
    part: cython.double = less - scale
    less_tail: cython.double = (scale - (less - part)) + (-0.5 - part)
    total: cython.double = fma(scale, r, less)
    part = total - less
    total_tail: cython.double = (less - (total - part)) + fma(scale, r, -part)
    rest = fma(scale, rest, less_tail + total_tail)
    found: cython.double = 2.0 * (total + fma(scale, half_square, rest))
    found = x if libm.fabs(x) < 1e-17 else found
    return INFINITY if x > 710.0 else -1.0 if x < -50.0 else found


def _log(x):
    """The natural logarithm; −inf at 0, nan below."""
    subnormal: cython.bint = x < 2.2250738585072014e-308
    k, m = taken_apart(x * 18014398509481984.0 if subnormal else x)
    found: cython.double = logarithm(k - 54.0 if subnormal else k, m - 1.0, 0.0)
    return (found if x < INFINITY else x) if x > 0.0 else -INFINITY if x == 0.0 else NAN


def _log1p(x):
    """log(1 + x), accurate near 0; −inf at −1, nan below."""
    above: cython.double = 1.0 + x
    part: cython.double = above - 1.0
    tail: cython.double = (1.0 - (above - part)) + (x - part)
    k, m = taken_apart(above)
    tail = tail * power_of_two(-1000.0 if k > 1000.0 else -k) / m
    found: cython.double = logarithm(k, x if k == 0.0 else m - 1.0, 0.0 if k == 0.0 else tail)
    found = x if libm.fabs(x) < 1e-17 else found
    return (found if x < INFINITY else x) if x > -1.0 else -INFINITY if x == -1.0 else NAN


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def doubled(x: cython.double) -> cython.double:
    """−2|x|, and −750 beyond it, where tanh is 1 and its slope 0."""
    return -750.0 if libm.fabs(x) > 375.0 else -2.0 * libm.fabs(x)


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def less_one(
    k: cython.double, r: cython.double, rest: cython.double
) -> tuple[cython.double, cython.double, cython.double, cython.double]:
    """From what ``reduced`` makes of x ≤ 0: eˣ − 1 and its tail, eˣ / 2^k, and 2^(k + 100)."""
    tail: cython.double = fma(0.5 * r, r, rest)
    raised: cython.double = raised_power(k)
    scale: cython.double = raised * 7.888609052210118e-31
    less: cython.double = scale - 1.0
    total: cython.double = fma(scale, r, less)
    rest = fma(scale, tail, (scale - (less + 1.0)) + fma(scale, r, less - total))
    t: cython.double = total + rest
    above: cython.double = 1.0 + r
    return t, (total - t) + rest, above + (1.0 - above + r + tail), raised


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def tangent_of(
    x: cython.double, t: cython.double, t_tail: cython.double, power: cython.double, raised: cython.double
) -> tuple[cython.double, cython.double]:
    """tanh(x) and its derivative, from what ``less_one`` makes of −2|x|.

    With E = exp(−2|x|) and t = E − 1 they are T = −t / (2 + t), and E (1 + T)².
    """
    two: cython.double = 2.0 + t
    found: cython.double = libm.fabs(quotient_of(t, t_tail, two, (2.0 - two) + t + t_tail, 1.0 / two))
    both: cython.double = 1.0 + found
    part: cython.double = power * both
    slope: cython.double = fma(2.0 * part, (1.0 - both) + found, part * both) * raised * 7.888609052210118e-31
    return libm.copysign(found, x), slope


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def _tangent(x: cython.double) -> tuple[cython.double, cython.double]:
    """tanh(x) and its derivative, from one exponential."""
    k, r, rest = reduced(doubled(x))
    t, t_tail, power, raised = less_one(k, r, rest)
    return tangent_of(x, t, t_tail, power, raised)


def _tanh(x):
    """The hyperbolic tangent."""
    return _tangent(x)[0]


def _sech2(x):
    """tanh′(x) = 1 / cosh(x)²: without overflow."""
    return _tangent(x)[1]


def _sigmoid(x):
    """1 / (1 + e⁻ˣ): with E = exp(−|x|) it is 1 / (1 + E), or E / (1 + E) for x < 0."""
    k, r, tail = reduced(-libm.fabs(x))
    tail = fma(0.5 * r, r, tail)
    raised: cython.double = raised_power(k)
    scale: cython.double = raised * 7.888609052210118e-31
    above: cython.double = 1.0 + r
    rest: cython.double = 1.0 - above + r + tail
    power: cython.double = above + rest
    power_tail: cython.double = (above - power) + rest
    below: cython.double = fma(scale, power, 1.0)
    below_tail: cython.double = fma(scale, power_tail, fma(scale, power, 1.0 - below))
    power = 1.0 if x >= 0.0 else power
    power_tail = 0.0 if x >= 0.0 else power_tail
    part: cython.double = quotient_of(power, power_tail, below, below_tail, 1.0 / below)
    part = part if x >= 0.0 else part * raised * 7.888609052210118e-31
    return 1.0 if x > 746.0 else 0.0 if x < -746.0 else part


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def wave(x: cython.double, quarters: cython.ulonglong) -> cython.double:
    """sin(x + quarters · π/2), for |x| ≤ 823,549, where there are fewer than 2^20 quarters of a turn."""
    k: cython.double = nearest(x * 0.6366197723675814)
    # π/2 in four parts of 33 digits and less, the first two of which are subtracted exactly
    near: cython.double = fma(-k, 1.5707963267341256, x)
    step: cython.double = k * 6.077100506303966e-11
    second: cython.double = near - step
    part: cython.double = second - near
    rest: cython.double = (near - (second - part)) - (step + part)
    step = k * 2.0222662487111665e-21
    third: cython.double = second - step
    part = third - second
    rest += (second - (third - part)) - (step + part)
    rest = fma(-k, 8.4784276603689e-32, rest)
    y: cython.double = third + rest
    tail: cython.double = (third - y) + rest
    z: cython.double = y * y
    cube: cython.double = z * y
    series: cython.double = fma(z, fma(z, 1.589981284309288e-10, -2.5050815756152093e-08), 2.7557314107185977e-06)
    series = fma(z, fma(z, series, -0.00019841269831194), 0.008333333333324502)
    sine: cython.double = y - fma(cube, 0.16666666666666644, fma(z, fma(-cube, series, 0.5 * tail), -tail))
    series = fma(z, fma(z, -1.137020745715539e-11, 2.0875936461529502e-09), -2.755731599493096e-07)
    series = fma(z, fma(z, series, 2.480158729544344e-05), -0.001388888888888412)
    series = z * fma(z, series, 0.04166666666666666)
    half: cython.double = 0.5 * z
    cosine: cython.double = 1.0 - half
    cosine = cosine + ((1.0 - cosine - half) + fma(z, series, -y * tail))
    quarter: cython.ulonglong = bits_of(k + 6755399441055744.0) + quarters
    return number_of(bits_of(sine if quarter & 1 == 0 else cosine) ^ ((quarter & 2) << 62))


def _sin(x):
    """sin(x) for |x| ≤ 823,549; the loops have C's own for larger x."""
    return x if libm.fabs(x) < 1e-8 else wave(x, 0)


def _cos(x):
    """cos(x) for |x| ≤ 823,549."""
    return wave(x, 1)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def put_single(f: unary_function, out: vector, x: cython.double) -> kernel:  # compiled only
    """out[0] = f(x) for one of these functions."""
    if f == exp:
        out[0] = _exp(x)
    elif f == log:
        out[0] = _log(x)
    elif f == tanh:
        out[0] = _tanh(x)
    elif f == sin:
        out[0] = _sin(x)
    elif f == cos:
        out[0] = _cos(x)
    elif f == sigmoid:
        out[0] = _sigmoid(x)
    elif f == log1p:
        out[0] = _log1p(x)
    elif f == expm1:
        out[0] = _expm1(x)
    elif f == sech2:
        out[0] = _sech2(x)
    elif f == softplus:
        out[0] = _softplus(x)
    elif f == silu:
        out[0] = _silu(x)
    elif f == mish:
        out[0] = _mish(x)
    elif f == selu:
        out[0] = _selu(x)


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def single(f: unary_function, x: cython.double) -> cython.double:  # compiled only
    """f(x) as the loops have it: in the fused multiply-adds of this processor."""
    out: cython.double
    put_single(f, cython.address(out), x)
    return out


def exp(x):
    """eˣ."""
    return single(exp, x) if cython.compiled else _exp(x)


def expm1(x):
    """eˣ − 1, accurate near 0."""
    return single(expm1, x) if cython.compiled else _expm1(x)


def log(x):
    """The natural logarithm; −inf at 0, nan below."""
    return single(log, x) if cython.compiled else _log(x)


def log1p(x):
    """log(1 + x), accurate near 0; −inf at −1, nan below."""
    return single(log1p, x) if cython.compiled else _log1p(x)


def tanh(x):
    """The hyperbolic tangent."""
    return single(tanh, x) if cython.compiled else _tanh(x)


def sech2(x):
    """tanh′(x) = 1 / cosh(x)²: without overflow."""
    return single(sech2, x) if cython.compiled else _sech2(x)


def sigmoid(x):
    """1 / (1 + e⁻ˣ)."""
    return single(sigmoid, x) if cython.compiled else _sigmoid(x)


def sin(x):
    """The sine of x in radians; C's own for large x."""
    if libm.fabs(x) > 823549.0:
        return libm.sin(x)
    return single(sin, x) if cython.compiled else _sin(x)


def cos(x):
    """The cosine of x in radians; C's own for large x."""
    if libm.fabs(x) > 823549.0:
        return libm.cos(x)
    return single(cos, x) if cython.compiled else _cos(x)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def put_tangent(out: vector, slope: vector, x: cython.double) -> kernel:  # compiled only
    """out[0] = tanh(x) and slope[0] = tanh′(x)."""
    out[0], slope[0] = _tangent(x)


def tangent(x):  # compiled only
    """tanh(x) and its derivative, from one exponential."""
    out: cython.double
    slope: cython.double
    put_tangent(cython.address(out), cython.address(slope), x)
    return out, slope


def logistic(x):
    """σ(x) and σ(−x), without overflow and without loss for large negative x."""
    return sigmoid(x), sigmoid(-x)


if not cython.compiled and __name__ == "autodiff.engine.kernels":  # under another name tests load the polynomials
    from autodiff.engine.ieee import cos, exp, expm1, log, log1p, sin, tanh

    _exp, _expm1, _log, _log1p, _sin, _cos, _tanh = exp, expm1, log, log1p, sin, cos, tanh

    def logistic(x):
        """σ(x) and σ(−x), from one exponential, without overflow and without loss for large negative x."""
        e = exp(-abs(x))
        large, small = 1.0 / (1.0 + e), e / (1.0 + e)
        return (large, small) if x >= 0.0 else (small, large)

    def sigmoid(x):
        """1 / (1 + e⁻ˣ)."""
        return logistic(x)[0]

    def sech2(x):
        """tanh′(x) = 1 / cosh(x)², as 4·σ(2x)·σ(−2x): without overflow."""
        here, opposite = logistic(2.0 * x)
        return 4.0 * here * opposite

    def tangent(x):
        """tanh(x) and tanh′(x)."""
        return tanh(x), sech2(x)

    _sigmoid, _sech2 = sigmoid, sech2


# ---- of one number -----------------------------------------------------------------------------------------------------------


def neg(x):
    """−x."""
    return -x


def identity(x):
    """x itself: what is left of ``where`` and ``held`` when they are computed."""
    return x


def sign(x):
    """1, 0 or −1; nan for nan."""
    return 1.0 if x > 0.0 else -1.0 if x < 0.0 else x + 0.0


def step(x):
    """1 for x > 0, else 0; nan for nan."""
    return 1.0 if x > 0.0 else 0.0 if x <= 0.0 else x


def nonnegative(x):
    """x itself, −0 as 0, and nan below 0."""
    return x + 0.0 if x >= 0.0 else NAN


def cosquare(x):
    """1 − x², accurate near ±1."""
    return (1.0 - x) * (1.0 + x)


def relu(x):
    """max(x, 0)."""
    return 0.0 if x <= 0.0 else x


def _softplus(x):
    """log(1 + eˣ), without overflow."""
    return at_least(x, 0.0) + _log1p(_exp(-libm.fabs(x)))


def softplus(x):
    """log(1 + eˣ), without overflow."""
    return single(softplus, x) if cython.compiled else _softplus(x)


def softsign(x):
    """x / (1 + |x|), and its limit ±1 at ±inf."""
    return libm.copysign(1.0, x) if libm.fabs(x) == INFINITY else x / (1.0 + libm.fabs(x))


def _silu(x):
    """x · σ(x)."""
    return mul0(_sigmoid(x), x)


def silu(x):
    """x · σ(x)."""
    return single(silu, x) if cython.compiled else _silu(x)


def gelu(x):
    """x · Φ(x) with the normal distribution function."""
    return mul0(0.5 * libm.erfc(-c_sqrt_half * x), x)


def _mish(x):
    """x · tanh(softplus(x))."""
    return mul0(_tanh(_softplus(x)), x)


def mish(x):
    """x · tanh(softplus(x))."""
    return single(mish, x) if cython.compiled else _mish(x)


def _selu(x):
    """The self-normalising elu."""
    return c_selu_scale * (at_least(0.0, x) + c_selu_alpha * _expm1(at_most(0.0, x)))


def selu(x):
    """The self-normalising elu."""
    return single(selu, x) if cython.compiled else _selu(x)


# ---- of two ------------------------------------------------------------------------------------------------------------------


def add(x, y):
    """x + y."""
    return x + y


def sub(x, y):
    """x − y."""
    return x - y


def mul(x, y):
    """x · y."""
    return x * y


def div(x, y):
    """x / y."""
    return divide(x, y)


def pow(x, y):
    """x to the power y; nan, never complex, for a negative x and a y that is not whole. A square is x · x."""
    return x * x if y == 2.0 else libm.pow(x, y)


def power_slope(x, y):
    """∂(x^y)/∂x = y · x^(y − 1), and 0 for y = 0."""
    return 0.0 if y == 0.0 else mul0(y, pow(x, y - 1.0))


def d_exponent(x, out):
    """∂(x^y)/∂y = x^y · log(x)."""
    return mul0(out, log(x))


def power_log(x, y):
    """∂(x^y)/∂y from x and y."""
    return d_exponent(x, pow(x, y))


def hypot(x, y):
    """√(x² + y²) without overflow."""
    return libm.hypot(x, y)


def mod(x, y):
    """Python's x % y, with the sign of y; nan for y = 0 and for an infinite x."""
    rest = libm.fmod(x, y)
    if rest == 0.0:
        return libm.copysign(rest, y)
    return rest + y if (rest < 0.0) != (y < 0.0) else rest


def quotient(x, y):
    """⌊x / y⌋ as ``mod`` has it: the whole number of y in x − x % y, which x / y rounded may miss by one."""
    return libm.floor(divide(x - mod(x, y), y) + 0.5)


def mul0(x, y):
    """x · y, and 0 for 0 · ±inf: the limit where x vanishes faster than y grows."""
    product = x * y
    return product if product == product else 0.0 if (x == 0.0) & (y == y) | (y == 0.0) & (x == x) else NAN


def div0(x, y):
    """x / y, and 0 for 0 / 0: the limit where x vanishes faster than y."""
    return 0.0 if x == 0.0 and y == 0.0 else divide(x, y)


def greater(x, y):
    """Whether x > y, as 1 or 0."""
    return 1.0 if x > y else 0.0


def greater_equal(x, y):
    """Whether x ≥ y, as 1 or 0."""
    return 1.0 if x >= y else 0.0


def equal(x, y):
    """Whether x = y, as 1 or 0."""
    return 1.0 if x == y else 0.0


def compare(x, y):
    """1 for x > y, 0 for x = y, −1 for x < y, nan where one is nan."""
    return 1.0 if x > y else -1.0 if x < y else 0.0 if x == y else NAN


def at_least(x, y):
    """The larger, the first one of equals, and nan where one is nan."""
    return NAN if x != x or y != y else y if y > x else x


def at_most(x, y):
    """The smaller, the first one of equals, and nan where one is nan."""
    return NAN if x != x or y != y else y if y < x else x


def xlogy(x, y):
    """x · log(y), and 0 where x is 0."""
    return mul0(x, log(y))


def xlog1py(x, y):
    """x · log(1 + y), and 0 where x is 0."""
    return mul0(x, log1p(y))


def elu(x, a):
    """x for x > 0, else a · (exp(x) − 1)."""
    return at_least(0.0, x) + a * expm1(at_most(0.0, x))


def leaky_relu(x, a):
    """x for x > 0, else a · x."""
    return at_least(0.0, x) + a * at_most(0.0, x)


# ---- by name -----------------------------------------------------------------------------------------------------------------


@cython.cclass
class Kernel:
    """A kernel as Python calls it. ``handle`` is the number by which a program speaks of it: compiled, its address."""

    __slots__ = ("arity", "handle", "name")

    def __init__(self, name, arity, handle):
        self.name = name
        self.arity = arity
        self.handle = handle

    def __call__(self, x, *others):
        if len(others) != self.arity - 1:
            raise TypeError(f"{self.name} takes {self.arity} numbers, not {1 + len(others)}")
        if self.arity == 1:
            one: unary_function = unary_at(self.handle)
            return one(x)
        two: binary_function = binary_at(self.handle)
        return two(x, others[0])


KERNELS = {}  # by the name of the row
FUNCTIONS = []  # interpreted, what the handles stand for


def enter(name, arity, handle):
    """Have a kernel in the list and, compiled, in this module as Python sees it."""
    KERNELS[name] = Kernel(name, arity, handle)
    if cython.compiled:
        globals()[name] = KERNELS[name]


@cython.cfunc
def unary_kernel(name: str, function: unary_function) -> object:
    """Enter a kernel of one number under the name of its row."""
    enter(name, 1, cython.cast(cython.Py_ssize_t, function) if cython.compiled else remembered(function))


@cython.cfunc
def binary_kernel(name: str, function: binary_function) -> object:
    """Enter a kernel of two numbers."""
    enter(name, 2, cython.cast(cython.Py_ssize_t, function) if cython.compiled else remembered(function))


if not cython.compiled:

    def remembered(function):
        """The number for a function."""
        FUNCTIONS.append(function)
        return len(FUNCTIONS) - 1

    def unary_at(handle):
        """The function that a number stands for."""
        return FUNCTIONS[handle]

    binary_at = unary_at


unary_kernel("neg", neg)
unary_kernel("abs", libm.fabs)
unary_kernel("exp", exp)
unary_kernel("expm1", expm1)
unary_kernel("log", log)
unary_kernel("log1p", log1p)
unary_kernel("log2", libm.log2)
unary_kernel("log10", libm.log10)
unary_kernel("sqrt", libm.sqrt)
unary_kernel("cbrt", libm.cbrt)
unary_kernel("sin", sin)
unary_kernel("cos", cos)
unary_kernel("tan", libm.tan)
unary_kernel("asin", libm.asin)
unary_kernel("acos", libm.acos)
unary_kernel("atan", libm.atan)
unary_kernel("sinh", libm.sinh)
unary_kernel("cosh", libm.cosh)
unary_kernel("tanh", tanh)
unary_kernel("asinh", libm.asinh)
unary_kernel("acosh", libm.acosh)
unary_kernel("atanh", libm.atanh)
unary_kernel("erf", libm.erf)
unary_kernel("erfc", libm.erfc)
unary_kernel("floor", libm.floor)
unary_kernel("sign", sign)
unary_kernel("step", step)
unary_kernel("nonnegative", nonnegative)
unary_kernel("where", identity)
unary_kernel("held", identity)
unary_kernel("sigmoid", sigmoid)
unary_kernel("sech2", sech2)
unary_kernel("cosquare", cosquare)
unary_kernel("relu", relu)
unary_kernel("softplus", softplus)
unary_kernel("softsign", softsign)
unary_kernel("silu", silu)
unary_kernel("gelu", gelu)
unary_kernel("mish", mish)
unary_kernel("selu", selu)

binary_kernel("add", add)
binary_kernel("sub", sub)
binary_kernel("mul", mul)
binary_kernel("div", div)
binary_kernel("pow", pow)
binary_kernel("mod", mod)
binary_kernel("quotient", quotient)
binary_kernel("power_slope", power_slope)
binary_kernel("power_log", power_log)
binary_kernel("atan2", libm.atan2)
binary_kernel("hypot", hypot)
binary_kernel("greater", greater)
binary_kernel("greater_equal", greater_equal)
binary_kernel("equal", equal)
binary_kernel("compare", compare)
binary_kernel("mul0", mul0)
binary_kernel("div0", div0)
binary_kernel("at_least", at_least)
binary_kernel("at_most", at_most)
binary_kernel("xlogy", xlogy)
binary_kernel("xlog1py", xlog1py)
binary_kernel("elu", elu)
binary_kernel("leaky_relu", leaky_relu)

# ---- loops over numbers side by side -----------------------------------------------------------------------------------------
#
# A kernel that is named in a loop becomes part of it: so those are named that the C compiler can make wide, or that would cost
# less than their call. All others are called through their pointer, which is what a call of C's exp is as well.


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def over(f: unary_function, out: vector, x: vector, n: cython.Py_ssize_t) -> template:
    i: cython.Py_ssize_t
    for i in range(n):
        out[i] = f(x[i])


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def over_pairs(f: binary_function, out: vector, x: vector, y: vector, n: cython.Py_ssize_t) -> template:
    i: cython.Py_ssize_t
    for i in range(n):
        out[i] = f(x[i], y[i])


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def unary_loop(f: unary_function, out: vector, x: vector, n: cython.Py_ssize_t) -> kernel:
    i: cython.Py_ssize_t
    if f == neg:
        over(neg, out, x, n)
    elif f == libm.fabs:
        over(libm.fabs, out, x, n)
    elif f == libm.sqrt:
        over(libm.sqrt, out, x, n)
    elif f == libm.floor:
        over(libm.floor, out, x, n)
    elif f == exp:
        over(_exp, out, x, n)
    elif f == expm1:
        over(_expm1, out, x, n)
    elif f == log:
        over(_log, out, x, n)
    elif f == log1p:
        over(_log1p, out, x, n)
    elif cython.compiled and f == sin:
        over(_sin, out, x, n)
        for i in range(n):
            if libm.fabs(x[i]) > 823549.0:
                out[i] = libm.sin(x[i])
    elif cython.compiled and f == cos:
        over(_cos, out, x, n)
        for i in range(n):
            if libm.fabs(x[i]) > 823549.0:
                out[i] = libm.cos(x[i])
    elif f == tanh:
        over(_tanh, out, x, n)
    elif f == sech2:
        over(_sech2, out, x, n)
    elif f == sign:
        over(sign, out, x, n)
    elif f == step:
        over(step, out, x, n)
    elif f == nonnegative:
        over(nonnegative, out, x, n)
    elif f == identity:
        over(identity, out, x, n)
    elif f == relu:
        over(relu, out, x, n)
    elif f == softsign:
        over(softsign, out, x, n)
    elif f == sigmoid:
        over(_sigmoid, out, x, n)
    elif f == silu:
        over(_silu, out, x, n)
    elif f == softplus:
        over(_softplus, out, x, n)
    elif f == mish:
        over(_mish, out, x, n)
    elif f == selu:
        over(_selu, out, x, n)
    else:
        over(f, out, x, n)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def binary_loop(f: binary_function, out: vector, x: vector, y: vector, n: cython.Py_ssize_t) -> kernel:
    if f == add:
        over_pairs(add, out, x, y, n)
    elif f == sub:
        over_pairs(sub, out, x, y, n)
    elif f == mul:
        over_pairs(mul, out, x, y, n)
    elif f == div:
        over_pairs(div, out, x, y, n)
    elif f == pow:
        over_pairs(pow, out, x, y, n)
    elif f == greater:
        over_pairs(greater, out, x, y, n)
    elif f == greater_equal:
        over_pairs(greater_equal, out, x, y, n)
    elif f == equal:
        over_pairs(equal, out, x, y, n)
    elif f == compare:
        over_pairs(compare, out, x, y, n)
    elif f == mul0:
        over_pairs(mul0, out, x, y, n)
    elif f == div0:
        over_pairs(div0, out, x, y, n)
    elif f == at_least:
        over_pairs(at_least, out, x, y, n)
    elif f == at_most:
        over_pairs(at_most, out, x, y, n)
    elif f == leaky_relu:
        over_pairs(leaky_relu, out, x, y, n)
    else:
        over_pairs(f, out, x, y, n)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def tangent_loop(out: vector, slope: vector, x: vector, n: cython.Py_ssize_t) -> kernel:  # compiled only
    """In three loops: a processor looks some hundred operations ahead, which are more numbers the fewer each takes."""
    k: cython.double[64]
    r: cython.double[64]
    rest: cython.double[64]
    power: cython.double[64]
    first: cython.Py_ssize_t
    i: cython.Py_ssize_t
    for first in range(0, n, 64):
        m: cython.Py_ssize_t = min(64, n - first)
        for i in range(m):
            k[i], r[i], rest[i] = reduced(doubled(x[first + i]))
        for i in range(m):
            r[i], rest[i], power[i], k[i] = less_one(k[i], r[i], rest[i])
        for i in range(m):
            out[first + i], slope[first + i] = tangent_of(x[first + i], r[i], rest[i], power[i], k[i])


def tangents(out, slope, x, n):
    """out = tanh(x) and slope = tanh′(x), from one exponential."""
    i: cython.Py_ssize_t
    if cython.compiled:
        tangent_loop(out, slope, x, n)
    else:
        for i in range(n):
            out[i], slope[i] = tangent(x[i])


def unary(f, out, x, n):
    """out = f(x), number by number."""
    unary_loop(f, out, x, n)


def binary(f, out, x, y, n):
    """out = f(x, y)."""
    binary_loop(f, out, x, y, n)
