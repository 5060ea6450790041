"""Arrays of Values under NumPy's functions: ``zeros``, ``ones``, ``array``, and the ndarray subclass that they make.

NumPy's own loops over objects do most of the work. What they cannot do for Values, or not for the plain numbers among them, one
table gives to the function of this package that can. This module is imported only where NumPy is.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from autodiff._support.numbers import as_operand
from autodiff.engine import functions, rules
from autodiff.engine.value import DEGREE, Value, traced
from autodiff.errors import ShapeError

Shape = int | Sequence[int]


class Array(numpy.ndarray[Any, Any]):
    """A NumPy array of Values and floats, which NumPy's functions take: made by ``ad.zeros``, ``ad.ones`` and ``ad.array``.

    It is what ``grad`` and its like hand to a function in the place of an array. Its ``dtype`` is object.
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: tuple[Any, ...] = (), **settings: Any) -> Any:
        given = [x.view(numpy.ndarray) if type(x) is Array else x for x in inputs]
        if out:
            settings["out"] = tuple([_bare(x) for x in out])
        try:
            if ufunc in OURS and any(map(_holds_objects, given)):
                found = _in_our_terms(ufunc, method, given, settings)
            else:
                found = getattr(ufunc, method)(*given, **settings)
        except TypeError as error:
            _note(error, ufunc.__name__)
            if out and "cast ufunc" in str(error):
                error.add_note("An array of floats cannot hold Values: make it with ad.zeros, ad.ones or ad.array.")
            raise
        if out:
            return out[0] if len(out) == 1 else out
        return _taken_up(found)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        ours = FUNCTIONS.get(function)
        if ours is not None:
            return _taken_up(ours(*args, **kwargs))
        try:
            return _taken_up(super().__array_function__(function, types, args, kwargs))
        except TypeError as error:
            _note(error, function.__name__)
            raise

    def round(self, decimals: Any = 0, out: Any = None) -> Any:
        """To that many decimals, as ``numpy.round``: NumPy's own knows no floats among objects."""
        return numpy.divide(numpy.rint(self * 10.0**decimals), 10.0**decimals, out=out)

    def clip(self, min: Any = None, max: Any = None, out: Any = None) -> Any:  # type: ignore[override]
        """As ``ad.clip``, so that values that are equal share the derivative as they do there."""
        above = self if min is None else numpy.maximum(self, min)
        return numpy.positive(above, out=out) if max is None else numpy.minimum(above, max, out=out)


def zeros(shape: Shape, dtype: Any = None) -> Array:
    """An array of zeros that may be filled with Values, as ``numpy.zeros`` makes one of floats.

    It is an ndarray of objects under which NumPy's functions work: ``np.sqrt``, ``np.isnan``, ``np.cov``, ``np.linalg.norm``.
    ``dtype`` is there for code written for NumPy: None, ``float`` or ``object``, which are the same here.

    Raises ``TypeError`` for another ``dtype``, and as ``numpy.zeros`` does for a shape that is none.
    """
    return _full(shape, 0.0, dtype, "zeros()")


def ones(shape: Shape, dtype: Any = None) -> Array:
    """As ``zeros``, but of ones."""
    return _full(shape, 1.0, dtype, "ones()")


def array(numbers: Any, dtype: Any = None) -> Array:
    """An array of Values and numbers from nested lists, tuples or arrays of them, as ``numpy.array`` makes one of floats.

    Numbers become floats, Values stay the same Values. ``dtype`` as for ``zeros``. Raises ``TypeError`` for what is neither,
    and ``ShapeError`` for rows of unlike lengths.
    """
    _check(dtype, "array()")
    found = numpy.array(numbers, dtype=object)
    flat = found.ravel().tolist() if found.ndim else [found.item()]
    if found.ndim and any(isinstance(x, (list, tuple, numpy.ndarray)) for x in flat):
        raise ShapeError("array() takes rows of one length: these differ, or mix numbers and lists")
    return filled([as_operand(x, "array()") for x in flat], found.shape)


def filled(leaves: Sequence[Any], shape: tuple[int, ...]) -> Array:
    """An array of that shape with these elements in its places."""
    objects = numpy.empty(len(leaves), dtype=object)
    objects[:] = leaves
    return objects.reshape(shape).view(Array)


def _full(shape: Shape, number: float, dtype: Any, taker: str) -> Array:
    _check(dtype, taker)
    return numpy.full(shape, number, dtype=object).view(Array)


def _check(dtype: Any, taker: str) -> None:
    if dtype is not None and numpy.dtype(dtype) not in (numpy.dtype(float), numpy.dtype(object)):
        raise TypeError(f"{taker} makes an array of Values and floats, not of {numpy.dtype(dtype)}")


def _bare(x: Any) -> Any:
    """The array of objects that an Array is."""
    return x.view(numpy.ndarray) if isinstance(x, Array) else x


def _holds_objects(x: Any) -> bool:
    return isinstance(x, Value) or (isinstance(x, numpy.ndarray) and x.dtype.hasobject)


def _taken_up(found: Any) -> Any:
    """What NumPy has returned, its arrays of objects as Arrays."""
    if type(found) is numpy.ndarray:
        return found.view(Array) if found.dtype.hasobject else found
    if type(found) in (tuple, list):
        return type(found)(map(_taken_up, found))
    return found


# ---- the table ---------------------------------------------------------------------------------------------------------------


def _in_our_terms(ufunc: Any, method: str, given: list[Any], settings: dict[str, Any]) -> Any:
    """What one of NumPy's functions gives for Values, and for plain numbers as IEEE 754 has it."""
    if method == "reduce" and ufunc in REDUCTIONS and settings.get("dtype") is None:
        return _reduced(REDUCTIONS[ufunc], *given, **settings)
    if ufunc in COMPARISONS and traced():  # conditions that stay open, in the place of bools
        settings["dtype"] = object
    if ufunc not in ELEMENTWISE:
        return getattr(ufunc, method)(*given, **settings)
    if ufunc in FAST:
        try:
            return getattr(ufunc, method)(*given, **settings)
        except ZeroDivisionError:  # of plain numbers
            pass
    settings.pop("dtype", None)
    settings.pop("casting", None)
    with numpy.errstate(all="ignore"):
        found = getattr(ELEMENTWISE[ufunc], method)(*given, **settings)
    return found.astype(bool) if ufunc in PREDICATES and isinstance(found, numpy.ndarray) and not traced() else found


def _reduced(
    function: Callable[..., Any], x: Any, axis: Any = 0, dtype: None = None, out: Any = (), keepdims: bool = False,
    initial: Any = numpy._NoValue, where: Any = True,
) -> Any:  # fmt: skip
    """A function of any number of numbers along some axes of an array, as one operation for each number that is left."""
    x = numpy.asarray(x, dtype=object)
    axes = range(x.ndim) if axis is None else [_from_the_front(a, x.ndim) for a in _several(axis)]
    kept = [a for a in range(x.ndim) if a not in axes]
    shape = tuple([x.shape[a] for a in kept])

    def rows(x: Any) -> Any:
        return x.transpose([*kept, *axes]).reshape(*shape, math.prod([x.shape[a] for a in axes]))

    lanes, asked = rows(x), None if where is True else rows(numpy.broadcast_to(where, x.shape))
    start = [] if initial is numpy._NoValue else [initial]
    found = numpy.empty(shape, dtype=object)
    for place in numpy.ndindex(shape):
        lane = lanes[place] if asked is None else lanes[place][asked[place]]
        found[place] = function([*start, *lane.tolist()])
    if keepdims:
        found = found.reshape([1 if a in axes else n for a, n in enumerate(x.shape)])
    for target in out:
        target[...] = found
    return found if found.ndim else found.item()


def _several(axis: Any) -> Sequence[Any]:
    """One axis, or several, as several."""
    return axis if isinstance(axis, (tuple, list)) else (axis,)


def _from_the_front(axis: int, ndim: int) -> int:
    """An axis from 0 on. Raises NumPy's ``AxisError``."""
    if not -ndim <= axis < ndim:
        raise numpy.exceptions.AxisError(axis, ndim)
    return axis % ndim


def _power(x: Any, y: Any) -> Any:
    return x**y if isinstance(x, Value) or isinstance(y, Value) else rules.pow(x, y)


def _fmod(x: Any, y: Any) -> Any:
    size = functions.abs(y)
    return functions.where(x < 0, -rules.mod(-x, size), rules.mod(x, size))


def _logaddexp2(x: Any, y: Any) -> Any:
    return functions.logaddexp(x * rules.LN2, y * rules.LN2) / rules.LN2


def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """``numpy.interp`` of Values: which piece x falls into is decided by comparisons, and each piece is a straight line."""
    if period is not None:
        raise TypeError("interp() of Values takes no period: reduce x by np.mod(x, period) first")
    xs, fs = numpy.asarray(xp).tolist(), numpy.asarray(fp).tolist()
    if not xs or len(xs) != len(fs):
        raise ShapeError(f"interp() takes as many fp as xp, and at least one: not {len(fs)} and {len(xs)}")

    def at(x: Any) -> Any:
        inner = xs[1:-1]
        piece = functions.sum([x >= knot for knot in inner]) if traced() else bisect_right(inner, x)
        x0, x1 = functions.take(xs, piece), functions.take(xs[1:] or xs, piece)
        f0, f1 = functions.take(fs, piece), functions.take(fs[1:] or fs, piece)
        inside = f0 + (x - x0) * rules.div0(f1 - f0, x1 - x0)
        below = functions.where(x < xs[0], fs[0] if left is None else left, inside)
        return functions.where(x > xs[-1], fs[-1] if right is None else right, below)

    return numpy.frompyfunc(at, 1, 1)(_bare(x))


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """``numpy.linalg.norm``; the Euclidean ones as one operation, with the derivative 0 at 0."""
    bare = numpy.asarray(x, dtype=object)
    axes = bare.ndim if axis is None else len(_several(axis))
    if ord is None or (ord == 2 and axes == 1) or (ord == "fro" and axes == 2):
        return _reduced(rules.norm, bare, axis, keepdims=keepdims)
    if axes == 1 and ord in (1, math.inf, -math.inf):
        over: Any = {1: functions.sum, math.inf: functions.max, -math.inf: functions.min}[ord]
        return _reduced(over, numpy.abs(bare), axis, keepdims=keepdims)
    return numpy.linalg.norm(bare, ord, axis, keepdims)


def _cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None, fweights: Any = None, aweights: Any = None
) -> Any:
    """``numpy.cov`` without weights."""
    if fweights is not None or aweights is not None:
        raise TypeError("cov() of Values takes no weights")
    rows = numpy.concatenate([_variables(part, rowvar) for part in (m, y) if part is not None])
    centred = rows - rows.mean(axis=1, keepdims=True)
    return (centred @ centred.T / (rows.shape[1] - (1 - bias if ddof is None else ddof))).squeeze()[()]


def _variables(m: Any, rowvar: bool) -> Any:
    rows = numpy.atleast_2d(_taken_up(numpy.asarray(m, dtype=object)))
    return rows if rowvar or rows.shape[0] == 1 else rows.T


def _corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    """``numpy.corrcoef``."""
    cov = _cov(x, y, rowvar)
    if numpy.ndim(cov) == 0:
        return cov / cov
    deviations = numpy.sqrt(numpy.diag(cov))
    return cov / deviations[:, None] / deviations


def _where(condition: Any, *both: Any) -> Any:
    """``numpy.where``, which under ``ad.compile`` leaves the condition open."""
    if both and traced():
        return numpy.frompyfunc(functions.where, 3, 1)(*map(_bare, (condition, *both)))
    return numpy.where(_bare(condition), *map(_bare, both))


def _table(rows: dict[str, Callable[..., Any]], outputs: int = 1) -> dict[Any, Any]:
    """By NumPy's function, ours over arrays; for those that this NumPy has."""
    arity = {name: getattr(numpy, name).nin for name in rows}
    return {getattr(numpy, name): numpy.frompyfunc(ours, arity[name], outputs) for name, ours in rows.items()}


# NumPy's functions of numbers that are rows under their own name, and those that are not
SAME = [
    "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sqrt", "cbrt", "sin", "cos", "tan", "sinh", "cosh", "tanh",
    "hypot", "floor", "ceil", "sign", "logaddexp", "maximum", "minimum",
]  # fmt: skip
ELEMENTWISE: dict[Any, Any] = {
    **_table({name: getattr(functions, name) for name in SAME}),
    **_table({f"arc{name}": getattr(functions, f"a{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "tan2")}),
    **_table({
        "absolute": functions.abs, "fabs": functions.abs, "rint": functions.round, "divide": rules.div, "power": _power,
        "float_power": _power, "remainder": rules.mod, "floor_divide": rules.quotient, "fmod": _fmod, "logaddexp2": _logaddexp2,
        "reciprocal": lambda x: rules.div(1.0, x), "conjugate": lambda x: x,
        "trunc": lambda x: functions.where(x < 0, functions.ceil(x), functions.floor(x)),
        "deg2rad": lambda x: x * DEGREE, "radians": lambda x: x * DEGREE,
        "rad2deg": lambda x: x * (1 / DEGREE), "degrees": lambda x: x * (1 / DEGREE),
        "isnan": lambda x: x != x, "isinf": lambda x: (x == math.inf) | (x == -math.inf),
        "isfinite": lambda x: (x < math.inf) & (x > -math.inf),
    }),
    **_table({"divmod": lambda x, y: (rules.quotient(x, y), rules.mod(x, y))}, outputs=2),
}  # fmt: skip
FAST = {numpy.divide}  # NumPy's own loop is tried before ours
PREDICATES = {numpy.isnan, numpy.isinf, numpy.isfinite}
COMPARISONS = {numpy.equal, numpy.not_equal, numpy.less, numpy.less_equal, numpy.greater, numpy.greater_equal}
REDUCTIONS: dict[Any, Callable[..., Any]] = {
    numpy.add: functions.sum, numpy.multiply: rules.prod, numpy.maximum: functions.max, numpy.minimum: functions.min,
    numpy.hypot: rules.norm, numpy.logaddexp: rules.logsumexp,
}  # fmt: skip
OURS = {*ELEMENTWISE, *COMPARISONS, *REDUCTIONS}
FUNCTIONS: dict[Any, Callable[..., Any]] = {
    numpy.sinc: lambda x: numpy.frompyfunc(functions.sinc, 1, 1)(_bare(x)),
    numpy.interp: _interp, numpy.cov: _cov, numpy.corrcoef: _corrcoef, numpy.linalg.norm: _norm, numpy.where: _where,
}  # fmt: skip

# What is done neither by NumPy nor by SciPy, and what does it here.
INSTEAD = {
    "solve": "ad.solve(A, b) solves small systems of Values",
    "inv": "ad.solve(A, np.eye(len(A))) is the inverse, and ad.solve(A, b) what it is mostly wanted for",
    "det": "ad.det(A) is the determinant of a small matrix of Values",
    "slogdet": "ad.log(abs(ad.det(A))) is its second half",
    "lstsq": "ad.solve(A.T @ A, A.T @ b) solves the normal equations",
    "pinv": "ad.solve(A.T @ A, A.T) is it for a matrix of full column rank",
    "expit": "ad.sigmoid does", "log_expit": "ad.log_sigmoid does", "psi": "ad.digamma does", "gammaln": "ad.lgamma does",
    "loggamma": "ad.lgamma does, for x > 0", "gamma": "ad.exp(ad.lgamma(x)) is it for x > 0",
    "ndtr": "ad.erfc(-x / 2**0.5) / 2 is it", "ndtri": "2**0.5 * ad.erfinv(2 * p - 1) is it",
    "xlog1py": "ad.xlogy(x, 1 + y) is it", "entr": "-ad.xlogy(x, x) is it",
    **{name: f"ad.{name} does" for name in (
        "cbrt", "digamma", "erf", "erfc", "erfinv", "exp2", "expm1", "log1p", "logit", "xlogy",
    ) if hasattr(functions, name)},
}  # fmt: skip
EIGEN = "eig eigh eigvals eigvalsh svd svdvals qr cholesky"


def _note(error: BaseException, name: str) -> None:
    """Say on an exception which of our functions does what NumPy's or SciPy's of that name cannot do."""
    if name in INSTEAD:
        error.add_note(f"{name}() cannot take Values: {INSTEAD[name]}.")
    elif name in EIGEN.split():
        error.add_note(f"{name}() cannot take Values, and autodiff has nothing in its place.")
