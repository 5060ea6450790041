"""THE table: one row per operation. Its name, number of operands, value on floats, partial derivatives, spelling and meaning.

A row is used by everything: the eager engine, higher derivatives, the text on an edge, the tests. To add an operation, add a row:
``ad.<name>`` and, for one operand, the method ``Value.<name>`` come by themselves.

The partials of a row are ordinary arithmetic on its operands and its result ``out``. They receive floats, Values or Symbols, so
they hold no ``if``: a branch is an operation itself (``step``, ``compare``). Floats that Python would refuse (``1 / 0``) go
through once more as IEEE numbers. Formulas are those that stay accurate: tanh′ is not 1 − out², which is 0 from x = 19.1 on;
what books write is the ``textbook`` of a row, which is shown to people and computes nothing.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, overload

from autodiff._support.numbers import as_operand, unboxed
from autodiff.engine import gamma, ieee, kernels
from autodiff.engine.kernels import SELU_ALPHA, SELU_SCALE, SQRT_HALF
from autodiff.engine.trees import array_of, is_array
from autodiff.errors import UnknownNameError

# ---- what a row is ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table. ``arity`` is None for an operation with any number of operands.

    ``parameters`` are the names of the operands, if their number is fixed; the last of them have ``defaults``. ``also`` has
    other names that are understood for them.
    """

    name: str
    code: int
    arity: int | None
    formula: Formula
    derivatives: Derivatives
    spelling: str
    doc: str
    defaults: tuple[float, ...]
    parameters: tuple[str, ...] = ()
    also: Mapping[str, str] = field(default_factory=dict)
    of_nothing: bool = False  # whether it is something without any operand
    textbook: Derivatives | None = None  # the partials as books write them, where what computes is written otherwise

    @property
    def shown(self) -> Derivatives:
        """The partials as they are written for people; the same numbers but for rounding, and for ties at a kink."""
        return self.textbook or self.derivatives

    @property
    def of_one_number(self) -> bool:
        """Whether it is a function of one number, such as an activation: other operands, if any, have defaults."""
        return bool(self.doc) and self.arity is not None and self.arity - len(self.defaults) == 1

    @property
    def signature(self) -> Signature:
        """The signature of the function that applies it."""
        return self.signature_as(*self.parameters[:1])

    def signature_as(self, *first: str) -> Signature:
        """The signature under another name for the first operand, such as ``self``."""
        if self.arity is None:
            return Signature([Parameter("operands", Parameter.VAR_POSITIONAL)])
        defaults = [*[Parameter.empty] * (self.arity - len(self.defaults)), *self.defaults]
        named = zip([*first, *self.parameters[1:]], defaults, strict=True)
        return Signature([Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=default) for name, default in named])

    def bound(self, given: tuple[Any, ...], named: Mapping[str, Any]) -> tuple[Any, ...]:
        """The operands in order, of those given by place and by name and the defaults. Raises ``TypeError``."""
        names = self.parameters
        places = dict(zip(names, given, strict=False))
        for name, operand in named.items():
            wanted = self.also.get(name, name)
            if wanted not in names or wanted in places:
                raise TypeError(f"{self}: {name!r} is " + ("given twice" if wanted in places else "no operand of it"))
            places[wanted] = operand
        if len(given) > len(names):
            raise TypeError(f"{self}: it was given {len(given)} operands")
        if self.defaults:
            places = dict(zip(names[-len(self.defaults) :], self.defaults, strict=True)) | places
        missing = [name for name in names if name not in places]
        if missing:
            raise TypeError(f"{self}: {' and '.join(missing)} must be given")
        return tuple([places[name] for name in names])

    def __str__(self) -> str:
        return f"{self.name}{self.signature}"

    @property
    def paired(self) -> bool:
        """Whether the operands are two halves that meet each other, as those of ``dot``."""
        return "{<}" in self.spelling

    @property
    def unspelled(self) -> bool:
        """Whether it passes its operand on, so that the spelling alone says nothing of it."""
        return self.spelling == "{0}"

    def written(self, words: Sequence[str]) -> str:
        """The spelling with words for the operands: ``{0}`` and ``{1}``, or ``{*}`` for all, ``{<}`` and ``{>}`` for each half."""
        if self.arity is not None:
            return self.spelling.format(*words)
        half = len(words) // 2
        places = {"{*}": words, "{<}": words[:half], "{>}": words[half:]}
        return re.sub(r"\{[*<>]\}", lambda place: ", ".join(places[place[0]]), self.spelling)

    def value(self, *operands: float) -> float:
        """The result on floats, as IEEE 754 has it: never an exception."""
        try:
            return self.formula(*operands)
        except (ZeroDivisionError, OverflowError):
            return float(self.formula(*map(ieee.Real, operands)))

    def partials(self, *operands: float, out: float) -> list[float]:
        """∂out/∂operand for each operand, on floats: never an exception."""
        try:
            return [float(partial) for partial in self.derivatives(*operands, out)]
        except (ZeroDivisionError, OverflowError):
            return [float(partial) for partial in self.derivatives(*map(ieee.Real, operands), ieee.Real(out))]


class Recorder(Protocol):
    """What is not a number but can be operated on: a Value, which records, or a Symbol, which writes down."""

    def _record(self, rule: Rule, operands: tuple[Any, ...]) -> Any: ...


V = TypeVar("V", bound=Recorder)


class Unary(Protocol):
    """An operation of one operand: a number gives a float, a Value a Value."""

    @overload
    def __call__(self, x: float) -> float: ...
    @overload
    def __call__(self, x: V) -> V: ...


class Binary(Protocol):
    """An operation of two operands, of which at least one is a Value if the result is to be one."""

    @overload
    def __call__(self, x: float, y: float) -> float: ...
    @overload
    def __call__(self, x: V, y: V | float) -> V: ...
    @overload
    def __call__(self, x: float, y: V) -> V: ...


class Angle(Protocol):
    """``Binary``, but y comes first."""

    @overload
    def __call__(self, y: float, x: float) -> float: ...
    @overload
    def __call__(self, y: V, x: V | float) -> V: ...
    @overload
    def __call__(self, y: float, x: V) -> V: ...


class WithAlpha(Protocol):
    """An operation of one operand and a parameter ``alpha``."""

    @overload
    def __call__(self, x: float, alpha: float = ...) -> float: ...
    @overload
    def __call__(self, x: V, alpha: V | float = ...) -> V: ...
    @overload
    def __call__(self, x: float, alpha: V) -> V: ...


class WithSlope(Protocol):
    """An operation of one operand and a parameter ``slope``, which torch calls ``negative_slope``."""

    @overload
    def __call__(self, x: float, slope: float = ...) -> float: ...
    @overload
    def __call__(self, x: V, slope: V | float = ...) -> V: ...
    @overload
    def __call__(self, x: float, slope: V) -> V: ...
    @overload
    def __call__(self, x: float, *, negative_slope: float) -> float: ...
    @overload
    def __call__(self, x: V, *, negative_slope: V | float) -> V: ...
    @overload
    def __call__(self, x: float, *, negative_slope: V) -> V: ...


class Variadic(Protocol):
    """An operation of any number of operands, given one by one or as one iterable."""

    @overload
    def __call__(self, *operands: float) -> float: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, operands: Iterable[float], /) -> float: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, *operands: V | float) -> V: ...
    @overload
    def __call__(self, operands: Iterable[V | float], /) -> V: ...


TABLE: dict[str, Rule] = {}
BY_CODE: list[Rule | None] = [None]  # code 0 is no operation: a leaf


Formula = Callable[..., float]
Derivatives = Callable[..., Iterable[Any]]


# fmt: off
@overload
def op(name: str, arity: Literal[1], f: Formula, df: Derivatives, spelling: str, doc: str = ..., *, textbook: Derivatives = ...) -> Unary: ...
@overload
def op(name: str, arity: Literal[2], f: Formula, df: Derivatives, spelling: str, doc: str = ..., *, textbook: Derivatives = ...) -> Binary: ...
@overload
def op(name: str, arity: Literal[2], f: Formula, df: Derivatives, spelling: str, doc: str, *, defaults: tuple[float], also: Mapping[str, str] = ...) -> Any: ...
@overload
def op(name: str, arity: None, f: Formula, df: Derivatives, spelling: str, doc: str = ..., *, of_nothing: bool = ..., textbook: Derivatives = ...) -> Variadic: ...
@overload
def op(name: str, arity: int | None, f: Formula, df: Derivatives, spelling: str, doc: str, *, defaults: tuple[float, ...], parameters: tuple[str, ...]) -> Any: ...
# fmt: on
def op(
    name: str,
    arity: int | None,
    f: Formula,
    df: Derivatives,
    spelling: str,
    doc: str = "",
    *,
    defaults: tuple[float, ...] = (),
    also: Mapping[str, str] | None = None,
    parameters: tuple[str, ...] | None = None,
    of_nothing: bool = False,
    textbook: Derivatives | None = None,
) -> Any:
    """Enter a row and return the function that applies it. A row without ``doc`` is a helper of other rows, not public.

    The operands are called as ``df`` calls them, unless ``parameters`` says otherwise.
    """
    if parameters is None:
        parameters = df.__code__.co_varnames[:arity] if arity is not None else ()
    code, also = len(BY_CODE), also or {}
    rule = Rule(name, code, arity, f, df, spelling, doc, defaults, parameters, also, of_nothing, textbook)
    BY_CODE.append(rule)
    TABLE[name] = rule
    function: Any = _unary(rule) if arity == 1 else _fixed(rule) if arity else _variadic(rule)
    function.__name__ = function.__qualname__ = name
    function.__module__ = "autodiff"
    function.__signature__ = rule.signature
    function.rule = rule
    function.__doc__ = (
        f"{rule.written(parameters if arity else ['x₁', 'x₂', '…'])}: {doc}.\n\n"
        "A number gives a float, a Value a Value"
        + (", an array an array" if arity else "")
        + "; anything else is a ``TypeError``."
    )
    return function


def rule_of(function: Any) -> Rule | None:
    """The row that a function applies; None for any other function."""
    rule = getattr(function, "rule", None)
    return rule if isinstance(rule, Rule) else None


def named(name: str) -> Rule:
    """The row of an operation that something recorded elsewhere speaks of. Raises ``UnknownNameError`` if there is none here."""
    if name not in TABLE:
        raise UnknownNameError(
            f"there is no operation {name!r} in this process: run or import the code that makes it, "
            f"ad.operation({name!r}, ...), before what was recorded with it is loaded"
        )
    return TABLE[name]


def _unary(rule: Rule) -> Callable[..., Any]:
    name, value = rule.name, rule.value

    def function(x: Any) -> Any:
        if type(x) is float:
            return value(x)
        if hasattr(x, "_record"):
            method = getattr(x, name, None)
            return apply(rule, (x,)) if method is None else method()
        return over_arrays(function, x) if has_axes(x) else apply(rule, (x,))

    return function


def _fixed(rule: Rule) -> Callable[..., Any]:
    arity = rule.arity

    def function(*operands: Any, **named: Any) -> Any:
        if len(operands) != arity or named:
            operands = rule.bound(operands, named)
        return over_arrays(function, *operands) if any(map(has_axes, operands)) else apply(rule, operands)

    return function


def has_axes(x: Any) -> bool:
    """Whether x is a NumPy array that a function of numbers goes over."""
    return not hasattr(x, "_record") and is_array(x) and x.ndim > 0


def over_arrays(function: Callable[..., Any], *operands: Any) -> Any:
    """The function number by number, as NumPy broadcasts: an array of floats, or of objects where there are Values."""
    import numpy

    shape = numpy.broadcast_shapes(*map(numpy.shape, operands))
    with numpy.errstate(all="ignore"):  # what is inf or nan is no error here
        found = numpy.frompyfunc(function, len(operands), 1)(*operands)
    return array_of(found.ravel().tolist(), shape)


def _variadic(rule: Rule) -> Callable[..., Any]:
    return lambda *operands: apply(rule, flat(operands))


def flat(operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """Operands given one by one, or as one iterable."""
    if len(operands) == 1 and isinstance(operands[0], Iterable) and unboxed(operands[0]) is operands[0]:
        return tuple(operands[0])
    return operands


def apply(rule: Rule, operands: tuple[Any, ...]) -> Any:
    """The operation on numbers: a float. With a Value or a Symbol among the operands: recorded by it.

    Raises ``TypeError`` for anything else, and ``ValueError`` for no operands at all where there must be some.
    """
    if not operands and not rule.of_nothing:
        raise ValueError(f"{rule.name}() of nothing: it needs at least one operand")
    operands = tuple([as_operand(operand, rule.name) for operand in operands])
    for operand in operands:
        if hasattr(operand, "_record"):
            return operand._record(rule, operands)
    return rule.value(*operands)


# ---- formulas that need more than a line ------------------------------------------------------------------------------------


def _others(xs: list[Any]) -> list[Any]:
    """For each x the product of all the others, without a division."""
    before, after = [1.0], [1.0]
    for x in xs[:-1]:
        before.append(before[-1] * x)
    for x in xs[:0:-1]:
        after.append(after[-1] * x)
    return [left * right for left, right in zip(before, reversed(after), strict=True)] if xs else []


def _shares(ties: list[Any]) -> list[Any]:
    """Equal shares among those that tie (1 for a tie, else 0)."""
    total = _sum(*ties)
    return [tie / total for tie in ties]


def _left_to_right(terms: Iterable[float]) -> float:
    """The plain floating-point sum, in order, as a chain of + would give it."""
    total = 0.0
    for term in terms:
        total += term
    return total


def _products(xs: tuple[float, ...]) -> Iterable[float]:
    half = len(xs) // 2
    return (x * y for x, y in zip(xs[:half], xs[half:], strict=True))


def _base_slope(x: Any, y: Any) -> Any:
    """∂(x^y)/∂x = y · x^(y − 1). For a plain exponent 0 it is the constant 0, whatever x."""
    if hasattr(y, "_record"):
        return power_slope(x, y)
    return mul0(y, pow(x, y - 1)) if y != 0 else 0.0


def _exponent_slope(x: Any, y: Any, out: Any) -> Any:
    """∂(x^y)/∂y = x^y · log(x)."""
    return out * math.log(x) if not hasattr(x, "_record") and 0 < x < math.inf else power_log(x, y)


def _power_poly(x: float, y: float, *coefficients: float) -> float:
    """x^y · Σ cₖ log(x)ᵏ, with its limit at x = 0, where a power is stronger than any logarithm."""
    total = coefficients[-1]  # without its logarithm if it is the only one, so that x may be negative
    for coefficient in reversed(coefficients[:-1]):
        total = kernels.mul0(total, ieee.log(x)) + coefficient
    return kernels.mul0(kernels.pow(x, y), total)


def _power_poly_slopes(x: Any, y: Any, cs: tuple[Any, ...]) -> Iterable[Any]:
    """Of x^y · Σ cₖ log(x)ᵏ; every derivative of a power has this form, so that limits at x = 0 are seen in one place."""
    yield power_poly(x, y - 1, *[y * c + (k + 1) * above for k, (c, above) in enumerate(zip(cs, (*cs[1:], 0.0), strict=True))])
    yield power_poly(x, y, 0.0, *cs)
    yield from (power_poly(x, y, *[0.0] * k, 1.0) for k in range(len(cs)))


def _kept(x: Any, limit: float) -> Any:
    """x itself up to ±limit, and ±limit beyond, where what it is put into does not change any more, not by a bit.

    So there is no 0 · inf among the derivatives of higher order at x = ±inf.
    """
    if not (isinstance(x, float) or hasattr(x, "backward")):  # in text it is x
        return x
    inside = (x <= limit) * (x >= -limit)
    if not isinstance(inside, int):  # in a trace it stays open
        return at_least(at_most(x, limit), -limit)
    beyond = limit if x > limit else -limit
    return x if inside or x != x else ieee.Real(beyond) if isinstance(x, ieee.Real) else beyond


def _finite(x: Any) -> Any:
    """1, and 0 for x = ±inf; a plain number, so that no gradient looks for a way through it."""
    return (x <= LARGEST) * (x >= -LARGEST) if isinstance(x, float) or hasattr(x, "backward") else 1  # in text it is 1


def _below(x: Any) -> Any:
    """min(x, 0), whose derivative at 0 is that from the left, as it is with activations that go on below 0."""
    if not (isinstance(x, float) or hasattr(x, "backward")):  # in text
        return at_most(x, 0)
    finite = at_most(x, LARGEST)
    return finite - relu(finite)


def _silu_slope(x: Any) -> Any:
    return mul0(sigmoid(x), 1 + mul0(sigmoid(-x), x))


def _gelu_slope(x: Any) -> Any:
    return 0.5 * erfc(-SQRT_HALF * x) + ONE_OVER_SQRT_2PI * mul0(exp(-0.5 * x * x), x)


def _mish_slope(x: Any) -> Any:
    return tanh(softplus(x)) + mul0(sech2(softplus(x)) * sigmoid(x), x)


def _directions(xs: tuple[Any, ...], distance: Any) -> list[Any]:
    """xᵢ / ‖x‖, the derivatives of a distance, and 0 at 0, where those of the second order have no limit and are nan."""
    if not hasattr(distance, "backward"):
        return [div0(x, distance) for x in xs]
    nothing = mul0(-0.0, sqrt(at_most(distance, LARGEST)))  # but at 0 its derivative is 0 · inf
    return [div0(x, distance) + nothing for x in xs]


def _turns(x: Any, y: Any) -> tuple[Any, Any]:
    """The derivatives of the angle of (x, y), by y and by x; 0 at the origin, and nan those of the second order there."""
    distance = _hypot(x, y)
    along_x, along_y = _directions((x, y), distance)
    return div0(along_x, distance), -div0(along_y, distance)


def _weights(xs: tuple[Any, ...]) -> list[Any]:
    """exp(xᵢ) / Σ exp(xⱼ), the derivatives of logsumexp. No gradient flows to the shift, for nothing depends on it."""
    shift = held(at_least(at_most(apply(TABLE["max"], xs), LARGEST), -LARGEST))
    powers = [exp(x - shift) for x in xs]
    total = _sum(*powers)
    return [power / total for power in powers]


LARGEST = sys.float_info.max
LN2, LN10 = math.log(2), math.log(10)
TWO_OVER_SQRT_PI, ONE_OVER_SQRT_2PI = 2 / math.sqrt(math.pi), 1 / math.sqrt(2 * math.pi)

# ---- the table --------------------------------------------------------------------------------------------------------------
# Rows refer to rows further down, or to themselves; type checkers need to hear of those first.
atan2: Angle
digamma: Unary
polygamma: Binary
cos: Unary
cosh: Unary
cosquare: Unary
equal: Binary
greater: Binary
greater_equal: Binary
exp: Unary
held: Unary
_hypot: Binary
sqrt: Unary
floor: Unary
nonnegative: Unary
sigmoid: Unary
sech2: Unary
round: Unary
sign: Unary
softplus: Unary
tanh: Unary
erfc: Unary
at_least: Binary
at_most: Binary
compare: Binary
step: Unary
abs: Unary
div0: Binary
celu: WithAlpha
elu: WithAlpha
leaky_relu: WithSlope
mul0: Binary
pow: Binary
quotient: Binary
relu: Unary
sinc_order: Binary
power_log: Binary
power_poly: Variadic
power_slope: Binary
select: Variadic
xlogy: Binary
# fmt: off

# arithmetic
add = op("add", 2, lambda x, y: x + y,  lambda x, y, out: (1, 1),             "{0} + {1}", "sum of two")
sub = op("sub", 2, lambda x, y: x - y,  lambda x, y, out: (1, -1),            "{0} − {1}", "difference")
mul = op("mul", 2, lambda x, y: x * y,  lambda x, y, out: (y, x),             "{0} · {1}", "product of two")
div = op("div", 2, kernels.div,        lambda x, y, out: (1 / y, -out / y),  "{0} / {1}", "quotient")
neg = op("neg", 1, lambda x: -x,        lambda x, out: (-1,),                 "−{0}",      "negative")
pow = op("pow", 2, kernels.pow,        lambda x, y, out: (_base_slope(x, y), _exponent_slope(x, y, out)),
         "{0}^{1}", "power; nan, never complex, for x < 0 and a y that is not whole")
mod = op("mod", 2, kernels.mod,        lambda x, y, out: (1, -held(quotient(x, y))),  "{0} mod {1}", "Python's %")
abs = op("abs", 1, ieee.fabs,           lambda x, out: (sign(x),),
         "|{0}|", "absolute value; its derivative at 0 is 0")

# exponentials and logarithms
exp   = op("exp",   1, kernels.exp,   lambda x, out: (out,),                          "exp({0})",   "exponential")
expm1 = op("expm1", 1, kernels.expm1, lambda x, out: (exp(x),),                       "expm1({0})", "exp(x) − 1, accurate near 0")
exp2  = op("exp2",  1, ieee.exp2,     lambda x, out: (LN2 * out,),                    "2^{0}",      "2 to the power x")
log   = op("log",   1, kernels.log,   lambda x, out: (1 / nonnegative(x),),
           "log({0})", "natural logarithm, x > 0; −inf at 0, nan below")
log1p = op("log1p", 1, kernels.log1p, lambda x, out: (1 / nonnegative(1 + x),),
           "log1p({0})", "log(1 + x), accurate near 0; −inf at −1, nan below")
log2  = op("log2",  1, ieee.log2,     lambda x, out: (1 / (LN2 * nonnegative(x)),),
           "log2({0})", "logarithm to base 2; −inf at 0, nan below")
log10 = op("log10", 1, ieee.log10,    lambda x, out: (1 / (LN10 * nonnegative(x)),),
           "log10({0})", "logarithm to base 10; −inf at 0, nan below")
xlogy = op("xlogy", 2, lambda x, y: mul0(x, log(y)), lambda x, y, out: (log(y), div0(x, nonnegative(y))),
           "xlogy({0}, {1})", "x · log(y), and 0 where x is 0, even for y = 0")

# roots and distances
sqrt  = op("sqrt",  1, ieee.sqrt,  lambda x, out: (0.5 / out,),
           "√({0})", "square root, x ≥ 0; its derivative at 0 is inf")
rsqrt = op("rsqrt", 1, lambda x: 1 / sqrt(x), lambda x, out: (-0.5 * out / x,),    "1 / √({0})",   "1 / √x; inf at 0, nan below")
cbrt  = op("cbrt",  1, ieee.cbrt,  lambda x, out: (pow(out, -2.0) / 3,),
           "∛({0})", "cube root; its derivative at 0 is inf")
_hypot = op("hypot", 2, ieee.hypot, lambda x, y, out: _directions((x, y), out),
           "hypot({0}, {1})", "√(x² + y²) without overflow; its derivatives at (0, 0) are 0")

# circular and hyperbolic functions
sinc_order = op("sinc_order", 2, ieee.sinc_order, lambda x, n, out: (sinc_order(x, n + 1), 0), "D^{1} sinc({0})")
sinc  = op("sinc",  1, lambda x: sinc_order(x, 0), lambda x, out: (sinc_order(x, 1),), "sinc({0})",  "sin(πx) / (πx), 1 at 0")
logaddexp = op("logaddexp", 2, ieee.logaddexp, lambda x, y, out: (sigmoid(x - y), sigmoid(y - x)),
               "log(exp({0}) + exp({1}))", "log(eˣ + eʸ) without overflow")
sin   = op("sin",   1, kernels.sin,   lambda x, out: (cos(x),),                           "sin({0})",   "sine of x in radians")
cos   = op("cos",   1, kernels.cos,   lambda x, out: (-sin(x),),                          "cos({0})",   "cosine of x in radians")
tan   = op("tan",   1, ieee.tan,   lambda x, out: (1 + out * out,),                    "tan({0})",   "tangent of x in radians")
asin  = op("asin",  1, ieee.asin,  lambda x, out: (1 / sqrt(cosquare(x)),),
           "asin({0})", "arc sine in radians, |x| ≤ 1; nan outside", textbook=lambda x, out: (1 / sqrt(1 - x**2),))
acos  = op("acos",  1, ieee.acos,  lambda x, out: (-1 / sqrt(cosquare(x)),),
           "acos({0})", "arc cosine in radians, |x| ≤ 1; nan outside", textbook=lambda x, out: (-1 / sqrt(1 - x**2),))
atan  = op("atan",  1, ieee.atan,  lambda x, out: (1 / (1 + _kept(x, 1e160) * _kept(x, 1e160)),),                  "atan({0})",  "arc tangent in radians",
           textbook=lambda x, out: (1 / (1 + x**2),))
sinh  = op("sinh",  1, ieee.sinh,  lambda x, out: (cosh(x),),                          "sinh({0})",  "hyperbolic sine")
cosh  = op("cosh",  1, ieee.cosh,  lambda x, out: (sinh(x),),                          "cosh({0})",  "hyperbolic cosine")
tanh  = op("tanh",  1, kernels.tanh,  lambda x, out: (sech2(x),),                         "tanh({0})", "hyperbolic tangent", textbook=lambda x, out: (1 - out**2,))
asinh = op("asinh", 1, ieee.asinh, lambda x, out: (_finite(x) / _hypot(_kept(x, LARGEST), 1),),                  "asinh({0})", "inverse hyperbolic sine",
           textbook=lambda x, out: (1 / sqrt(x**2 + 1),))
acosh = op("acosh", 1, ieee.acosh, lambda x, out: (_finite(x) * pow(_kept(x, LARGEST) - 1, -0.5) * pow(_kept(x, LARGEST) + 1, -0.5),),
           "acosh({0})", "inverse hyperbolic cosine, x ≥ 1; nan below", textbook=lambda x, out: (1 / sqrt(x**2 - 1),))
atanh = op("atanh", 1, ieee.atanh, lambda x, out: (1 / nonnegative(cosquare(x)),),
           "atanh({0})", "inverse hyperbolic tangent, |x| ≤ 1; nan outside", textbook=lambda x, out: (1 / (1 - x**2),))
atan2 = op("atan2", 2, ieee.atan2, lambda y, x, out: _turns(x, y),  # type: ignore[assignment]
           "atan2({0}, {1})", "angle of the point (x, y) = (second, first operand) in radians; its derivatives at (0, 0) are 0",
           textbook=lambda y, x, out: (x / (x**2 + y**2), -y / (x**2 + y**2)))

# error function
erf   = op("erf",   1, ieee.erf,   lambda x, out: (TWO_OVER_SQRT_PI * exp(-_kept(x, 30.0) * _kept(x, 30.0)),),
           "erf({0})", "error function 2/√π ∫₀ˣ exp(−t²) dt", textbook=lambda x, out: (TWO_OVER_SQRT_PI * exp(-(x**2)),))
erfc  = op("erfc",  1, ieee.erfc,  lambda x, out: (-TWO_OVER_SQRT_PI * exp(-_kept(x, 30.0) * _kept(x, 30.0)),),
           "erfc({0})", "1 − erf(x), accurate for large x", textbook=lambda x, out: (-TWO_OVER_SQRT_PI * exp(-(x**2)),))

# gamma function
lgamma   = op("lgamma",   1, gamma.lgamma,   lambda x, out: (digamma(x),),
              "log |Γ({0})|", "logarithm of the absolute value of the gamma function; inf at 0 and at negative whole numbers")
digamma  = op("digamma",  1, gamma.digamma,  lambda x, out: (polygamma(x, 1),),
              "ψ({0})", "derivative of log Γ(x); nan at negative whole numbers")
polygamma = op("polygamma", 2, gamma.polygamma, lambda x, n, out: (polygamma(x, n + 1), 0), "ψ^({1})({0})")

# branches: constant but for a jump, so their derivative is 0
sign    = op("sign",    1, kernels.sign,    lambda x, out: (0 * out,),               "sign({0})",         "−1, 0 or 1")
step    = op("step",    1, kernels.step,    lambda x, out: (0 * out,),               "step({0})",         "1 for x > 0, else 0")
compare = op("compare", 2, kernels.compare, lambda x, y, out: (0 * out, 0 * out),    "compare({0}, {1})")
floor   = op("floor",   1, ieee.floor,   lambda x, out: (0 * out,),               "⌊{0}⌋", "the largest whole number that is not above x")
ceil    = op("ceil",    1, ieee.ceil,    lambda x, out: (0 * out,),               "⌈{0}⌉", "the smallest whole number that is not below x")
round   = op("round",   1, ieee.nearest, lambda x, out: (0 * out,),
             "round({0})", "the whole number nearest to x, of two the even one")
_where   = op("where",   1, lambda x: x,  lambda x, out: (1,),                     "{0}")

# what a trace records in the place of a branch; eagerly these are decided by Python itself
greater = op("greater", 2, lambda x, y: float(x > y),  lambda x, y, out: (0 * out, 0 * out), "[{0} > {1}]")
greater_equal = op("greater_equal", 2, lambda x, y: float(x >= y), lambda x, y, out: (0 * out, 0 * out), "[{0} ≥ {1}]")
equal   = op("equal",   2, lambda x, y: float(x == y), lambda x, y, out: (0 * out, 0 * out), "[{0} = {1}]")
held    = op("held",    1, lambda x: x,  lambda x, out: (0 * out,),               "{0}")
select  = op("select",  None, lambda c, x, y: x if c != 0 else y, lambda c, x, y, out: (0, select(c, 1, 0), select(c, 0, 1)),
             "where({*})")
taken   = op("taken",   None, ieee.take, lambda i, *xs: [0, *(equal(i, place) for place in range(len(xs) - 1))], "take({*})")

# limits: an ordinary operation, but for the one point where it would give a nan that is not there
mul0        = op("mul0", 2, kernels.mul0,        lambda x, y, out: (y, x),                      "{0} · {1}")
div0        = op("div0", 2, kernels.div0,        lambda x, y, out: (1 / y, -div0(out, y)),      "{0} / {1}")
nonnegative = op("nonnegative", 1, kernels.nonnegative, lambda x, out: (1,),                       "{0}")
quotient    = op("quotient", 2, kernels.quotient, lambda x, y, out: (0, 0),                     "⌊{0} / {1}⌋")
xlog1py     = op("xlog1py", 2, lambda x, y: mul0(x, log1p(y)), lambda x, y, out: (log1p(y), div0(x, nonnegative(1 + y))), "xlog1py({0}, {1})")

# partials that stay accurate when they are differentiated themselves: no difference of what is nearly equal, no 0 · inf
sech2       = op("sech2",    1, kernels.sech2,    lambda x, out: (-2 * tanh(x) * out,),  "4 · σ(2 · {0}) · σ(−2 · {0})")
cosquare    = op("cosquare", 1, kernels.cosquare, lambda x, out: (-2 * x,),              "(1 − {0}) · (1 + {0})")
power_slope = op("power_slope", 2, kernels.power_slope, lambda x, y, out: (power_poly(x, y - 2, y * (y - 1)), power_poly(x, y - 1, 1, y)),
                 "{1} · {0}^({1} − 1)")
power_log   = op("power_log", 2, kernels.power_log, lambda x, y, out: (power_poly(x, y - 1, 1, y), power_poly(x, y, 0, 0, 1)),
                 "{0}^{1} · log({0})")
power_poly  = op("power_poly", None, _power_poly, lambda x, y, *cs: _power_poly_slopes(x, y, cs[:-1]), "power_poly({*})")

# largest and smallest: those that tie share the derivative; against a plain number a tie has derivative 0
_max      = op("max",      None, ieee.greatest, lambda *xs: _shares([1 + compare(x, xs[-1]) for x in xs[:-1]]),
              "max({*})", "largest", textbook=lambda *xs: [greater_equal(x, xs[-1]) for x in xs[:-1]])
_min      = op("min",      None, ieee.least,    lambda *xs: _shares([1 - compare(x, xs[-1]) for x in xs[:-1]]),
              "min({*})", "smallest", textbook=lambda *xs: [greater_equal(xs[-1], x) for x in xs[:-1]])
at_least = op("at_least", 2, kernels.at_least, lambda x, y, out: (step(compare(x, y)), 1 - step(compare(x, y))),  "max({0}, {1})",
              textbook=lambda x, y, out: (greater(x, y), greater_equal(y, x)))
at_most  = op("at_most",  2, kernels.at_most,  lambda x, y, out: (step(compare(y, x)), 1 - step(compare(y, x))),  "min({0}, {1})",
              textbook=lambda x, y, out: (greater(y, x), greater_equal(x, y)))

erfinv = op("erfinv", 1, ieee.erfinv, lambda x, out: (exp(out * out) / TWO_OVER_SQRT_PI,),
            "erf⁻¹({0})", "inverse of the error function; ±inf at ±1, nan beyond")

# activations
sigmoid  = op("sigmoid",  1, kernels.sigmoid,            lambda x, out: (out * sigmoid(-x),),
              "σ({0})", "logistic function 1 / (1 + exp(−x))", textbook=lambda x, out: (out * (1 - out),))
relu     = op("relu",     1, kernels.relu,               lambda x, out: (step(x),),
              "relu({0})", "max(x, 0); its derivative at 0 is 0", textbook=lambda x, out: (greater(x, 0),))
softplus = op("softplus", 1, kernels.softplus,           lambda x, out: (sigmoid(x),),
              "softplus({0})", "log(1 + exp(x)), a smooth relu")
softsign = op("softsign", 1, kernels.softsign,           lambda x, out: (1 / ((1 + abs(_kept(x, 1e160))) * (1 + abs(_kept(x, 1e160)))),),
              "softsign({0})", "x / (1 + |x|)", textbook=lambda x, out: (1 / (1 + abs(x)) ** 2,))
log_sigmoid  = op("log_sigmoid",  1, lambda x: -softplus(-x),                        lambda x, out: (sigmoid(-x),),
              "log σ({0})", "log of the logistic function, without underflow")
logit        = op("logit",        1, ieee.logit,                                     lambda x, out: (1 / nonnegative(x) + 1 / nonnegative(1 - x),),
              "logit({0})", "log(x / (1 − x)), the inverse of the logistic function; ∓inf at 0 and 1")
hard_tanh    = op("hard_tanh",    1, lambda x: at_least(at_most(x, 1.0), -1.0),      lambda x, out: (step(1 - abs(x)),),
              "hard_tanh({0})", "x between −1 and 1; its derivatives there are 0", textbook=lambda x, out: (greater(1, abs(x)),))
hard_sigmoid = op("hard_sigmoid", 1, lambda x: at_least(at_most((x + 3) / 6, 1.0), 0.0), lambda x, out: (step(3 - abs(x)) / 6,),
              "hard_sigmoid({0})", "x / 6 + ½ between 0 and 1; its derivatives there are 0", textbook=lambda x, out: (greater(3, abs(x)) / 6,))
silu     = op("silu",     1, lambda x: mul0(sigmoid(x), x), lambda x, out: (_silu_slope(_kept(x, 800.0)),),
              "silu({0})", "x · σ(x), also called swish")
gelu     = op("gelu",     1, lambda x: mul0(0.5 * erfc(-SQRT_HALF * x), x),
              lambda x, out: (_gelu_slope(_kept(x, 60.0)),),
              "gelu({0})", "x · Φ(x) with the exact normal distribution function (Hendrycks and Gimpel 2016)")
mish     = op("mish",     1, lambda x: mul0(tanh(softplus(x)), x),
              lambda x, out: (_mish_slope(_kept(x, 800.0)),),
              "mish({0})", "x · tanh(softplus(x)) (Misra 2019)")
elu      = op("elu",      2, lambda x, alpha: at_least(0.0, x) + alpha * expm1(at_most(0.0, x)),
              lambda x, alpha, out: (step(x) + (1 - step(x)) * (alpha * exp(at_most(x, 0))), expm1(_below(x))),
              "elu({0}, {1})", "x for x > 0, else alpha · (exp(x) − 1); alpha = 1 by default", defaults=(1.0,))
selu     = op("selu",     1, lambda x: SELU_SCALE * (at_least(0.0, x) + SELU_ALPHA * expm1(at_most(0.0, x))),
              lambda x, out: (SELU_SCALE * (step(x) + (1 - step(x)) * (SELU_ALPHA * exp(at_most(x, 0)))),),
              "selu({0})", "self-normalising elu (Klambauer et al. 2017); its derivative at 0 is that from the left")
celu     = op("celu",     2, lambda x, alpha: at_least(0.0, x) + alpha * expm1(at_most(0.0, x) / alpha),
              lambda x, alpha, out: (step(x) + (1 - step(x)) * exp(at_most(x, 0) / alpha),
                                     expm1(at_most(x, 0) / alpha) - mul0(exp(at_most(x, 0) / alpha), at_most(x, 0) / alpha)),
              "celu({0}, {1})", "x for x > 0, else alpha · (exp(x / alpha) − 1) (Barron 2017); alpha = 1 by default", defaults=(1.0,))
leaky_relu = op("leaky_relu", 2, lambda x, slope: at_least(0.0, x) + slope * at_most(0.0, x),
              lambda x, slope, out: (step(x) + (1 - step(x)) * slope, _below(x)),
              "leaky_relu({0}, {1})", "x for x > 0, else slope · x; slope, torch's negative_slope, = 0.01 by default", defaults=(0.01,),
              also={"negative_slope": "slope"})  # torch's name

# any number of operands: one node each
_sum       = op("sum",       None, lambda *xs: _left_to_right(xs),            lambda *xs: [1] * (len(xs) - 1),
               "sum({*})", "sum, from left to right; 0 for nothing", of_nothing=True)
prod      = op("prod",      None, lambda *xs: math.prod(xs),                 lambda *xs: _others(list(xs[:-1])),
               "prod({*})", "product, from left to right; 1 for nothing", of_nothing=True)
_dot       = op("dot",       None, lambda *xs: _left_to_right(_products(xs)), lambda *xs: xs[len(xs) // 2 : -1] + xs[: len(xs) // 2],
               "({<}) · ({>})", "sum of products", of_nothing=True)
norm      = op("norm",      None, ieee.hypot,                                lambda *xs: _directions(xs[:-1], xs[-1]),
               "‖{*}‖", "√(Σ x²) without overflow; its derivatives at 0 are 0")
logsumexp = op("logsumexp", None, ieee.logsumexp,                            lambda *xs: _weights(xs[:-1]),
               "logsumexp({*})", "log(Σ exp(x)) without overflow", textbook=lambda *xs: [exp(x - xs[-1]) for x in xs[:-1]])
# fmt: on

# No gradient flows through these: eagerly they are bools and floats.
CONSTANT = frozenset({"greater", "greater_equal", "equal", "held"})
TRACED = CONSTANT | {"select", "taken"}  # recorded by nobody but a trace

# The rows with an underscore stand behind functions of the same name in functions.py.
if not TYPE_CHECKING:  # type checkers see the names above as they stand
    __all__ = [rule.name for rule in TABLE.values() if rule.doc and rule.name in globals()]
