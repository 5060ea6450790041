"""Small systems of linear equations and determinants, by arithmetic that is recorded like any other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, overload

from autodiff._support.numbers import as_operand
from autodiff.engine import functions
from autodiff.engine.functions import Number
from autodiff.engine.trees import ARRAY, array_of, flatten, shape_of
from autodiff.engine.value import Value, primal_of, traced
from autodiff.errors import ShapeError, SingularMatrix

MINORS = 4  # the largest determinant that is expanded by minors


# fmt: off
@overload
def solve(A: Sequence[Sequence[float]], b: Sequence[float]) -> list[float]: ...  # type: ignore[overload-overlap]
@overload
def solve(A: Sequence[Sequence[Number]], b: Sequence[Number]) -> list[Value]: ...
@overload
def solve(A: Sequence[Sequence[float]], b: Sequence[Sequence[float]]) -> list[list[float]]: ...  # type: ignore[overload-overlap]
@overload
def solve(A: Sequence[Sequence[Number]], b: Sequence[Sequence[Number]]) -> list[list[Value]]: ...
@overload
def solve(A: Any, b: Any) -> Any: ...
# fmt: on
def solve(A: Any, b: Any) -> Any:
    """The x with A · x = b, by Gaussian elimination with partial pivoting, for small systems: it records some n³/3 operations.

    ``A`` is n by n, nested lists or an array, of Values and numbers in any mixture; ``b`` has n numbers, or n rows of several
    right-hand sides. x has the shape of ``b``: an array if one of the two is an array, else lists; floats if there is no Value.
    It can be differentiated to any order.

    In each column the largest number in absolute value is the pivot. Under ``ad.compile`` that choice is part of the program,
    made anew at each call. ``ad.refresh`` keeps the choice that was recorded.

    Raises ``ShapeError`` if ``A`` is not square or ``b`` does not fit, and ``SingularMatrix`` where no pivot but 0 is left; a
    compiled program gives inf or nan there. Golub and Van Loan, Matrix Computations, 4th edition, algorithm 3.4.1.
    """
    rows, of_arrays = _square(A, "solve(A, b)")
    sides, shape, b_is_array = _numbers(b, "solve(A, b): b")
    n = len(rows)
    if len(shape) not in (1, 2) or shape[0] != n:
        raise ShapeError(f"solve(A, b) with an A of shape {(n, n)} takes a b of shape ({n},) or ({n}, m), not {shape}")
    width = shape[1] if len(shape) == 2 else 1
    rows = [[*row, *sides[i * width : (i + 1) * width]] for i, row in enumerate(rows)]
    for k in range(n):
        _largest_first(rows, k)
        if not traced() and primal_of(rows[k][k]) == 0.0:
            raise SingularMatrix(
                f"solve(A, b): A is singular: its column {k}, from 0, depends on those before. There is no x, or more than one"
            )
        for i in range(k + 1, n):
            rows[i] = _eliminated(rows[i], rows[k], k)
    found: list[list[Any]] = [[] for _ in range(n)]
    for i in reversed(range(n)):
        known = range(i + 1, n)
        row, pivot = rows[i], rows[i][i]
        for side in range(width):
            rest = row[n + side] - functions.dot([row[j] for j in known], [found[j][side] for j in known])
            found[i].append((rest if known else row[n + side]) / pivot)
    flat = [x for row in found for x in row]
    if of_arrays or b_is_array:
        return array_of(flat, shape)
    return found if len(shape) == 2 else flat


# fmt: off
@overload
def det(A: Sequence[Sequence[float]]) -> float: ...  # type: ignore[overload-overlap]
@overload
def det(A: Sequence[Sequence[Number]]) -> Value: ...
@overload
def det(A: Any) -> Any: ...
# fmt: on
def det(A: Any) -> Any:
    """The determinant of a small square matrix, nested lists or an array, of Values and numbers: one number, 1 for 0 by 0.

    Up to 4 by 4 it is expanded by minors, without a division, so that its derivatives, the cofactors, hold for a singular
    matrix too. From a larger one, elimination takes rows and columns away until 4 are left, or all that is left is 0. The
    pivots are chosen as in ``solve``; a compiled program gives nan for a larger matrix that is singular.

    Raises ``ShapeError`` if ``A`` is not square.
    """
    rows, _ = _square(A, "det(A)")
    factors: list[Any] = []
    while len(rows) > MINORS:
        factors.append(_pivot_taken(rows))
        if factors[-1] is None:  # all is 0, and so are the derivatives of an order less than there are rows
            factors[-1:] = [row[i] for i, row in enumerate(rows)]
            break
    else:
        factors.append(_by_minors(rows))
    return factors[0] if len(factors) == 1 else functions.prod(factors)


def _numbers(tree: Any, what: str) -> tuple[list[Any], tuple[int, ...], bool]:
    """The numbers in nested lists or an array, their shape, and whether there is an array among them."""
    leaves, structure = flatten(tree)
    shape = shape_of(structure)
    if shape is None:
        raise ShapeError(f"{what} must be rows of one length, not {structure.described()}")
    return [as_operand(x, what) for x in leaves], shape, any(block.kind == ARRAY for block in structure.blocks())


def _square(A: Any, taker: str) -> tuple[list[list[Any]], bool]:
    """The rows of a square matrix, to be changed. Raises ``ShapeError``."""
    numbers, shape, of_arrays = _numbers(A, f"{taker}: A")
    if shape == (0,):
        shape = (0, 0)
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ShapeError(f"{taker} takes a square matrix A, not one of shape {shape}")
    n = shape[0]
    return [numbers[i * n : (i + 1) * n] for i in range(n)], of_arrays


def _largest_first(rows: list[list[Any]], k: int) -> Any:
    """Put the row with the largest number of column k in the place k; −1.0 if that exchanged rows an odd number of times.

    In a trace each comparison stays open, and the rows are selected number by number.
    """
    if not traced():
        best = max(range(k, len(rows)), key=lambda i: abs(primal_of(rows[i][k])))
        rows[k], rows[best] = rows[best], rows[k]
        return 1.0 if best == k else -1.0
    sign: Any = 1.0
    for i in range(k + 1, len(rows)):
        larger = functions.abs(rows[i][k]) > functions.abs(rows[k][k])
        pairs = list(zip(rows[k][k:], rows[i][k:], strict=True))
        rows[k][k:] = [functions.where(larger, below, above) for above, below in pairs]
        rows[i][k:] = [functions.where(larger, above, below) for above, below in pairs]
        sign = functions.where(larger, -sign, sign)
    return sign


def _eliminated(row: list[Any], above: list[Any], k: int) -> list[Any]:
    """A row less that multiple of another which makes its column k 0."""
    factor = row[k] / above[k]
    return [*[0.0] * (k + 1), *[x - factor * y for x, y in zip(row[k + 1 :], above[k + 1 :], strict=True)]]


def _pivot_taken(rows: list[list[Any]]) -> Any:
    """The pivot with its sign, its row and column taken out of ``rows`` by elimination; None if all the numbers are 0."""
    sign = _largest_first(rows, 0)
    if not traced() and primal_of(rows[0][0]) == 0.0:  # no pivot in this column: in another one
        place = next((j for row in rows for j, x in enumerate(row) if primal_of(x) != 0.0), None)
        if place is None:
            return None
        for row in rows:
            row[0], row[place] = row[place], row[0]
        sign *= -1.0 if place else 1.0
        sign *= _largest_first(rows, 0)
    top = rows[0]
    rows[:] = [_eliminated(row, top, 0)[1:] for row in rows[1:]]
    return sign * top[0]


def _by_minors(rows: list[list[Any]]) -> Any:
    """The determinant without a division: each minor of the last rows is computed once, from those of one row less."""
    n = len(rows)
    minors: dict[tuple[int, ...], Any] = {(): 1.0}
    for row in reversed(rows):
        larger: dict[tuple[int, ...], Any] = {}
        size = len(next(iter(minors))) + 1
        for columns in combinations(range(n), size):
            terms = [(row[c], minors[columns[:i] + columns[i + 1 :]]) for i, c in enumerate(columns)]
            signed = [(-x if i % 2 else x, minor) for i, (x, minor) in enumerate(terms)]
            larger[columns] = signed[0][0] if size == 1 else functions.dot(*zip(*signed, strict=True))
        minors = larger
    return minors[tuple(range(n))]
