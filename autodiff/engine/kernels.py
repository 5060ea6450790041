"""The kernels: what a row of the table does to numbers, typed, once for the engine and for the compiled programs alike.

A kernel has the name of its row. Where the row's own formula is no more than the kernel, the row refers to it; where the row
spells its formula out in other rows, a test holds the two against each other to the last bit. A row without a kernel works
all the same, number by number.

This file is plain Python, and Cython compiles it as it stands (``kernels.pxd`` has its C types). Compiled, ``exp`` and the like
are C's own; interpreted, they are those of ``ieee.py``. The loops at the end stand in this file because only here can the C
compiler make a kernel part of them.
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
    from autodiff.engine.ieee import divide

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. 2017, appendix 1
SQRT_HALF = math.sqrt(0.5)
# the same as C holds them
c_selu_scale = cython.declare(cython.double, SELU_SCALE)
c_selu_alpha = cython.declare(cython.double, SELU_ALPHA)
c_sqrt_half = cython.declare(cython.double, SQRT_HALF)

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


def logistic(x):
    """σ(x) and σ(−x), from one exponential, without overflow and without loss for large negative x."""
    e = libm.exp(-libm.fabs(x))
    large = 1.0 / (1.0 + e)
    small = e / (1.0 + e)
    return (large, small) if x >= 0.0 else (small, large)


def sigmoid(x):
    """1 / (1 + e⁻ˣ)."""
    return logistic(x)[0]


def sech2(x):
    """tanh′(x) = 1 / cosh(x)², as 4·σ(2x)·σ(−2x): without overflow."""
    here, opposite = logistic(2.0 * x)
    return 4.0 * here * opposite


def cosquare(x):
    """1 − x², accurate near ±1."""
    return (1.0 - x) * (1.0 + x)


def relu(x):
    """max(x, 0)."""
    return 0.0 if x <= 0.0 else x


def softplus(x):
    """log(1 + eˣ), without overflow."""
    return at_least(x, 0.0) + libm.log1p(libm.exp(-libm.fabs(x)))


def softsign(x):
    """x / (1 + |x|), and its limit ±1 at ±inf."""
    return libm.copysign(1.0, x) if libm.fabs(x) == INFINITY else x / (1.0 + libm.fabs(x))


def silu(x):
    """x · σ(x)."""
    return mul0(sigmoid(x), x)


def gelu(x):
    """x · Φ(x) with the normal distribution function."""
    return mul0(0.5 * libm.erfc(-c_sqrt_half * x), x)


def mish(x):
    """x · tanh(softplus(x))."""
    return mul0(libm.tanh(softplus(x)), x)


def selu(x):
    """The self-normalising elu."""
    return c_selu_scale * (at_least(0.0, x) + c_selu_alpha * libm.expm1(at_most(0.0, x)))


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
    return mul0(out, libm.log(x))


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
    return 0.0 if product != product and x == x and y == y and (x == 0.0 or y == 0.0) else product


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
    return mul0(x, libm.log(y))


def xlog1py(x, y):
    """x · log(1 + y), and 0 where x is 0."""
    return mul0(x, libm.log1p(y))


def elu(x, a):
    """x for x > 0, else a · (exp(x) − 1)."""
    return at_least(0.0, x) + a * libm.expm1(at_most(0.0, x))


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
unary_kernel("exp", libm.exp)
unary_kernel("expm1", libm.expm1)
unary_kernel("log", libm.log)
unary_kernel("log1p", libm.log1p)
unary_kernel("log2", libm.log2)
unary_kernel("log10", libm.log10)
unary_kernel("sqrt", libm.sqrt)
unary_kernel("cbrt", libm.cbrt)
unary_kernel("sin", libm.sin)
unary_kernel("cos", libm.cos)
unary_kernel("tan", libm.tan)
unary_kernel("asin", libm.asin)
unary_kernel("acos", libm.acos)
unary_kernel("atan", libm.atan)
unary_kernel("sinh", libm.sinh)
unary_kernel("cosh", libm.cosh)
unary_kernel("tanh", libm.tanh)
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
    if f == neg:
        over(neg, out, x, n)
    elif f == libm.fabs:
        over(libm.fabs, out, x, n)
    elif f == libm.sqrt:
        over(libm.sqrt, out, x, n)
    elif f == libm.floor:
        over(libm.floor, out, x, n)
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
        over(sigmoid, out, x, n)
    elif f == silu:
        over(silu, out, x, n)
    elif f == softplus:
        over(softplus, out, x, n)
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


def unary(f, out, x, n):
    """out = f(x), number by number."""
    unary_loop(f, out, x, n)


def binary(f, out, x, y, n):
    """out = f(x, y)."""
    binary_loop(f, out, x, y, n)
