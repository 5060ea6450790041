"""Derivatives that are replayed, and sparse ones: against the dense eager ones, to the last bit."""

import math

import numpy as np
import pytest

import autodiff as ad

scipy_sparse = pytest.importorskip("scipy.sparse")


def rosenbrock(x):
    return ad.sum([100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(len(x) - 1)])


def neighbours(x):
    return np.array([x[i] * x[(i + 1) % len(x)] - ad.sin(x[i - 1]) for i in range(len(x))])


def branching(x):
    return [ad.where(x[0] > 0.5, x[1] ** 2, ad.log(x[2])), x[1] * 1.0, x[0] * x[2], x[2] * 0.0, 3.0]


@pytest.mark.parametrize("ways", [{"compile": True}, {"sparse": True}, {"compile": True, "sparse": True}])
def test_hessians_and_jacobians_of_arrays_are_as_eager(ways):
    for x in (np.linspace(0.5, 1.5, 9), np.linspace(-1.0, 0.3, 9), np.linspace(0.0, 1.0, 4)):
        for derivative, f in ((ad.hessian, rosenbrock), (ad.jacobian, neighbours)):
            expected = derivative(f)(x)
            replayed = derivative(f, **ways)
            for point in (x, x + 1.0, x):
                found = replayed(point)
                assert found.shape == expected.shape
                dense = found.toarray() if "sparse" in ways else found
                assert (dense == derivative(f)(point)).all()
    assert "compile" not in ways or "sparse" in ways or replayed.traces == 1


def test_the_pattern_is_what_can_be_other_than_zero():
    for compile in (False, True):
        found = ad.jacobian(branching, sparse=True, compile=compile)([1.0, 2.0, 3.0])
        assert isinstance(found, scipy_sparse.csr_array)
        assert found.toarray().tolist() == np.array(ad.jacobian(branching)([1.0, 2.0, 3.0])).tolist()
        assert found.nnz == 5  # compiled either branch can be taken, and x · 0 is known to have no slope
        tridiagonal = ad.hessian(rosenbrock, sparse=True, compile=compile)(np.ones(20))
        assert tridiagonal.nnz == 20 + 2 * 19
    compiled = ad.jacobian(branching, sparse=True, compile=True)
    assert compiled([0.2, 2.0, 3.0]).toarray().tolist() == np.array(ad.jacobian(branching)([0.2, 2.0, 3.0])).tolist()


def test_every_result_is_new_and_every_form_has_its_own_pattern():
    jacobian = ad.jacobian(neighbours, sparse=True, compile=True)
    first = jacobian(np.ones(5))
    kept = first.toarray()
    first.data[:] = 0.0
    second = jacobian(np.ones(5))
    assert (second.toarray() == kept).all()
    assert jacobian(np.ones(6)).shape == (6, 6)
    assert jacobian(np.ones(5)).shape == (5, 5)
    assert ad.jacobian(lambda x: [], sparse=True)([1.0, 2.0]).shape == (0, 2)
    assert ad.jacobian(lambda x: 2.0 * x, sparse=True)(3.0).toarray().tolist() == [[2.0]]


def test_forms_arguments_and_nested_inputs():
    def f(p, x):
        return {"a": p["w"][0] * x, "b": [p["w"][1] ** 2, x]}

    p = {"w": (2.0, 3.0)}
    assert ad.jacobian(f, compile=True)(p, 5.0) == ad.jacobian(f)(p, 5.0)
    assert ad.jacobian(f, (0, 1), compile=True)(p, 5.0) == ad.jacobian(f, (0, 1))(p, 5.0)
    for compile in (False, True):
        sparse = ad.jacobian(f, (0, 1), sparse=True, compile=compile)(p, 5.0)
        assert sparse.toarray().tolist() == [[5.0, 0.0, 2.0], [0.0, 6.0, 0.0], [0.0, 0.0, 1.0]]
    assert ad.hessian(lambda x: x**4, compile=True)(2.0) == 48.0
    assert ad.grad(rosenbrock, compile=True)([1.0, 2.0, 3.0]) == ad.grad(rosenbrock)([1.0, 2.0, 3.0])


def test_directional_derivatives_are_recorded_once():
    calls = []

    def f(x):
        calls.append(1)
        return rosenbrock(x)

    x, v = np.linspace(0.5, 1.5, 7), np.linspace(1.0, 2.0, 7)
    value, along = ad.jvp(rosenbrock, (x,), (v,))
    for _ in range(3):
        assert ad.jvp(f, (x,), (v,), compile=True) == (value, along)
        assert (ad.hvp(f, x, v, compile=True) == ad.hvp(rosenbrock, x, v)).all()
    assert len(calls) == 2
    with pytest.raises(ad.ShapeError):
        ad.jvp(f, (x,), (v[:3],), compile=True)


def test_parameters_are_read_live_in_sparse_jacobians_too():
    w = ad.Value(2.0)
    jacobian = ad.jacobian(lambda x: [w * x[0], x[1] ** 2], sparse=True, compile=True)
    assert jacobian([1.0, 3.0]).toarray().tolist() == [[2.0, 0.0], [0.0, 6.0]]
    w.data = 5.0
    assert jacobian([1.0, 3.0]).toarray().tolist() == [[5.0, 0.0], [0.0, 6.0]]


def test_a_sparse_jacobian_has_no_derivative():
    for compile in (False, True):
        with pytest.raises(TypeError, match="dense jacobian"):
            ad.jacobian(neighbours, sparse=True, compile=compile)([ad.Value(1.0), 2.0, 3.0])
    assert math.isclose(ad.grad(lambda t: ad.sum(neighbours([t, t, t]).tolist()))(0.5), 3 * (1.0 - math.cos(0.5)))
