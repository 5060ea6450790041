"""solve and det: against NumPy, their derivatives against what they are known to be, singular and ill-shaped matrices."""

import itertools
import math

import numpy as np
import pytest

import autodiff as ad
from autodiff import Value

rng = np.random.default_rng(7)
SYSTEMS = {n: (rng.normal(size=(n, n)), rng.normal(size=n), rng.normal(size=(n, 2))) for n in range(1, 9)}
every_size = pytest.mark.parametrize("n", SYSTEMS)


def cofactors(A):
    n = len(A)
    return np.array([
        [(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(A, i, 0), j, 1)) for j in range(n)] for i in range(n)
    ])  # fmt: skip


@every_size
def test_numbers_and_forms_are_numpys(n):
    A, b, B = SYSTEMS[n]
    x, X = ad.solve(A, b), ad.solve(A, B)
    assert (x.dtype, X.shape) == (float, (n, 2))
    np.testing.assert_allclose(x, np.linalg.solve(A, b), rtol=1e-10)
    np.testing.assert_allclose(X, np.linalg.solve(A, B), rtol=1e-10)
    assert ad.solve(A.tolist(), b.tolist()) == x.tolist()
    assert ad.solve(A.tolist(), B.tolist()) == X.tolist()
    assert ad.solve(ad.array(A) * Value(1.0), b)[0].data == x[0]
    assert ad.det(A) == pytest.approx(np.linalg.det(A), rel=1e-11)
    assert type(ad.det(A.tolist())) is float


@every_size
def test_derivatives_are_those_of_the_inverse(n):
    """∂x/∂b = A⁻¹, ∂xᵢ/∂Aⱼₖ = −A⁻¹ᵢⱼ xₖ (Petersen and Pedersen, The Matrix Cookbook, 59), ∂det A = det A · A⁻ᵀ (49)."""
    A, b, _ = SYSTEMS[n]
    inverse = np.linalg.inv(A)
    of_A, of_b = ad.jacobian(ad.solve, argnums=(0, 1))(A, b)
    np.testing.assert_allclose(of_b, inverse, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(of_A, -np.einsum("ij,k->ijk", inverse, inverse @ b), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(ad.grad(ad.det)(A), np.linalg.det(A) * inverse.T, rtol=1e-9)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_second_derivatives_are_those_of_differences(n):
    A, b, _ = SYSTEMS[n]
    h = 1e-5
    for f in (ad.det, lambda A: ad.sum(ad.solve(A, b))):
        found = ad.hessian(f)(A).reshape(n * n, n, n)
        for row, e in zip(found, np.eye(n * n).reshape(-1, n, n), strict=True):
            steps = (ad.grad(f)(A + h * e) - ad.grad(f)(A - h * e)) / (2 * h)
            np.testing.assert_allclose(row, steps, rtol=1e-5, atol=1e-6 * np.abs(found).max())
    ad.check_gradients(lambda A, b: ad.sum(ad.solve(A, b)), A, b)


@every_size
def test_a_compiled_program_chooses_its_pivots_at_each_call(n):
    A, b, _ = SYSTEMS[n]
    solution, determinant = ad.compile(ad.solve), ad.compile(ad.det)
    solution(A, b), determinant(A)  # recorded here
    for rows in itertools.islice(itertools.permutations(range(n)), 7, None, 11) if n > 3 else itertools.permutations(range(n)):
        if sum(rows[i] > rows[j] for i in range(n) for j in range(i, n)) > 9:
            continue
        B = A[list(rows)] * np.linspace(1.0, 1e-3, n)[:, None]
        np.testing.assert_allclose(solution(B, b), np.linalg.solve(B, b), rtol=1e-8)
        assert determinant(B) == pytest.approx(np.linalg.det(B), rel=1e-9)
    np.testing.assert_allclose(determinant.value_and_grad(B)[1], ad.grad(ad.det)(B), rtol=1e-8, atol=1e-12)


def test_a_zero_where_the_pivot_would_be():
    assert ad.solve([[0.0, 1.0], [1.0, 0.0]], [3.0, 4.0]) == [4.0, 3.0]
    assert ad.solve([[1e-20, 1.0], [1.0, 1.0]], [1.0, 2.0]) == pytest.approx([1.0, 1.0])
    permutation = np.eye(6)[[2, 0, 1, 4, 3, 5]]
    assert ad.det(permutation) == -1.0
    np.testing.assert_allclose(ad.grad(ad.det)(permutation), cofactors(permutation), atol=1e-15)


@pytest.mark.parametrize(("n", "rank"), [(2, 1), (3, 2), (4, 1), (5, 4), (6, 5), (7, 3), (6, 0)])
def test_the_derivatives_of_a_determinant_hold_for_singular_matrices(n, rank):
    A = rng.integers(-3, 4, size=(n, rank)) @ rng.integers(-3, 4, size=(rank, n)) * 1.0
    scale = np.abs(A).max() ** (n - 1) + 1.0
    assert abs(ad.det(A)) <= 1e-13 * scale
    np.testing.assert_allclose(ad.grad(ad.det)(A), cofactors(A), atol=1e-11 * scale)
    if rank == 0:
        assert not ad.grad(ad.det)(A).any()


def test_a_column_of_zeros_among_others():
    A = np.ones((6, 6)) + np.diag(np.arange(6.0))
    A[:, 0] = 0.0
    assert ad.det(A) == 0.0
    np.testing.assert_allclose(ad.grad(ad.det)(A), cofactors(A), atol=1e-9)


def test_a_singular_system_says_so():
    for A in ([[1.0, 2.0], [2.0, 4.0]], [[0.0]], np.zeros((3, 3)), ad.zeros((2, 2))):
        with pytest.raises(ad.SingularMatrix, match="A is singular: its column"):
            ad.solve(A, [1.0] * len(A))
    assert issubclass(ad.SingularMatrix, ValueError)
    assert not np.isfinite(ad.compile(ad.solve)(np.array([[1.0, 2.0], [2.0, 4.0]]), np.ones(2))).any()


WRONG = {
    "not square": (lambda: ad.solve([[1, 2]], [1]), r"square matrix A, not one of shape \(1, 2\)"),
    "b too long": (lambda: ad.solve([[1, 2], [2, 5]], [1, 2, 3]), r"takes a b of shape \(2,\) or \(2, m\), not \(3,\)"),
    "b of three axes": (lambda: ad.solve([[1.0]], [[[1.0]]]), r"not \(1, 1, 1\)"),
    "a number": (lambda: ad.det(3.0), r"not one of shape \(\)"),
    "a vector": (lambda: ad.det([1.0, 2.0]), r"not one of shape \(2,\)"),
    "ragged": (lambda: ad.solve([[1, 2], [2]], [1, 2]), "rows of one length"),
    "a dict": (lambda: ad.solve({"a": 1}, [1]), "not a dict"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_shapes_are_named(name):
    function, message = WRONG[name]
    with pytest.raises(ad.ShapeError, match=message):
        function()


def test_nothing_and_nan():
    assert (ad.solve([], []), ad.det([]), ad.det(np.zeros((0, 0)))) == ([], 1.0, 1.0)
    assert math.isnan(ad.det([[math.nan, 1], [1, 1]]))
    assert all(map(math.isnan, ad.solve([[math.nan, 1], [1, 1]], [1, 1])))
    with pytest.raises(TypeError, match="takes a real number, not str 'a'"):
        ad.det([["a"]])
