"""Arrays of Values and numbers under NumPy's functions: values, derivatives, forms, and what says what else to use."""

import copy
import math
import pickle
import re

import numpy as np
import pytest

import autodiff as ad
from autodiff import Value
from autodiff.engine.arrays import Array

X = np.array([[0.31, -0.52, 0.17], [0.83, 0.44, -0.96]])


def numbers(xs):
    """The data of an array, or of one number."""
    return np.vectorize(lambda x: x.data if isinstance(x, Value) else float(x), otypes=[float])(np.asarray(xs, dtype=object))


def mixed(data):
    """Every third number plain, the others Values."""
    a = ad.array(data)
    for n, place in enumerate(np.ndindex(a.shape)):
        if n % 3:
            a[place] = Value(a[place])
    return a


POSITIVE = {"log", "log2", "log10", "sqrt", "log1p", "arccosh"}
OF_ONE = str.split("""
    exp exp2 expm1 log log1p log2 log10 sqrt cbrt sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arctanh
    absolute fabs negative positive square reciprocal rint floor ceil trunc sign conjugate
    deg2rad radians rad2deg degrees sinc
    sum mean var std median prod cumsum cumprod diff ptp max min sort average trapezoid
    linalg.norm cov corrcoef
""")
FUNCTIONS = {name: getattr(np.linalg if "." in name else np, name.split(".")[-1]) for name in OF_ONE} | {
    "percentile": lambda a: np.percentile(a, [10, 40], axis=0),
    "norm(axis=)": lambda a: np.linalg.norm(a, axis=-1),
    "norm(3)": lambda a: np.linalg.norm(a, ord=3, axis=1),
    "corrcoef of one": lambda a: np.corrcoef(a[0]),
    "norm(inf)": lambda a: np.linalg.norm(a, ord=np.inf, axis=-1),
    "std(axis=, ddof=)": lambda a: np.std(a, axis=0, ddof=1),
    "var, keepdims": lambda a: a.var(keepdims=True),
    "cov of two": lambda a: np.cov(a[0], a[1], bias=True),
    "cov of columns": lambda a: np.cov(a, rowvar=False),
    "convolve": lambda a: np.convolve(a[0], [1.0, 2.0, 3.0], mode="same"),
    "einsum": lambda a: np.einsum("ij,kj->ik", a, a),
    "matmul": lambda a: a @ a.T,
    "outer": lambda a: np.outer(a, a),
    "kron": lambda a: np.kron(a, a[:, :1]),
    "vdot": lambda a: np.vdot(a, a),
    "tensordot": lambda a: np.tensordot(a, a, axes=2),
    "polyval": lambda a: np.polyval([1.0, 2.0, 3.0], a),
    "polyval of coefficients": lambda a: np.polyval(a[0], 0.7),
    "interp": lambda a: np.interp(a, [-1.0, 0.0, 0.5], [2.0, 3.0, 1.0]),
    "interp, left and right": lambda a: np.interp(a, [-0.5, 0.0, 0.5], [2.0, 3.0, 1.0], left=-1.0, right=7.0),
    "logaddexp": lambda a: np.logaddexp(a, a[::-1]),
    "logaddexp2": lambda a: np.logaddexp2(a, 0.3),
    "logaddexp.reduce": lambda a: np.logaddexp.reduce(a, axis=1),
    "floor_divide": lambda a: np.floor_divide(a, 0.3),
    "//": lambda a: a // 0.3,
    "fmod": lambda a: np.fmod(a, 0.3),
    "%": lambda a: a % -0.3,
    "divmod": lambda a: np.stack(divmod(a, 0.3)),
    "hypot": lambda a: np.hypot(a, 2.0),
    "hypot.reduce": lambda a: np.hypot.reduce(a, axis=1),
    "arctan2": lambda a: np.arctan2(a, 1.0 - a),
    "maximum": lambda a: np.maximum(a, 0.25),
    "clip": lambda a: np.clip(a, -0.5, 0.4),
    "a.clip": lambda a: a.clip(max=0.4),
    "round": lambda a: np.round(a, 1),
    "a ** 2.5": lambda a: np.abs(a) ** 2.5,
    "2 ** a": lambda a: 2**a,
    "1 / a": lambda a: 1 / a,
    "where": lambda a: np.where(a > 0, a**2, np.sin(a)),
    "max(axis=)": lambda a: a.max(axis=1),
    "apply_along_axis": lambda a: np.apply_along_axis(lambda row: np.cos(row[1]) * row, 0, a),
    "norm(1)": lambda a: np.linalg.norm(a, ord=1, axis=0, keepdims=True),
    "vectorize": lambda a: np.vectorize(lambda x: x * x, otypes=[a.dtype])(a),
    "pad": lambda a: np.pad(a, 1),
    "unwrap": np.unwrap,
    "in place": lambda a: accumulated(a),
}


def accumulated(a):
    out = np.zeros_like(a)
    out += a
    out[0] *= 2.0
    np.multiply(out, a, out=out)
    np.add.at(out, ([0, 0], [1, 1]), a[1, 0])
    return out


def whole(found):
    """What a function returned, as one array or number."""
    return np.stack(found) if isinstance(found, (tuple, list)) else found


def point_of(name):
    return np.abs(X) if name in POSITIVE else X


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("make", [mixed, ad.array, lambda x: ad.array(x) * Value(1.0)], ids=["mixed", "floats", "values"])
def test_numpys_functions_have_numpys_numbers(name, make):
    x = point_of(name)
    found, wanted = FUNCTIONS[name](make(x)), FUNCTIONS[name](x)
    for one, other in zip(found, wanted, strict=True) if isinstance(wanted, (tuple, list)) else [(found, wanted)]:
        assert np.ndim(other) == 0 or type(one) is Array
        np.testing.assert_allclose(numbers(one), other, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_and_the_derivatives_of_differences(name):
    x = point_of(name)
    weights = np.random.default_rng(2).normal(size=np.shape(whole(FUNCTIONS[name](x))))

    def f(x):
        return np.sum(whole(FUNCTIONS[name](x)) * weights)

    h = 1e-6
    wanted = np.array([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(x.size).reshape(-1, *x.shape)])
    found = ad.grad(f)(x)
    np.testing.assert_allclose(found.ravel(), wanted, rtol=1e-6, atol=1e-7)
    if name not in ("median", "percentile", "sort", "unwrap"):  # those branch
        compiled = ad.grad(f, compile=True)
        np.testing.assert_allclose(compiled(x), found, rtol=1e-12, atol=1e-14)
        other = point_of(name)[::-1, ::-1].copy()
        np.testing.assert_allclose(compiled(other), ad.grad(f)(other), rtol=1e-12, atol=1e-14)


def test_what_is_asked_of_each_number_is_a_bool():
    a = ad.array([Value(1.0), math.inf, Value(math.nan), -math.inf, Value(-math.inf)])
    for function in (np.isnan, np.isinf, np.isfinite):
        assert function(a).dtype == bool
        assert function(a).tolist() == function(numbers(a)).tolist()
    assert (a[:2] > 0).tolist() == [True, True]
    assert np.allclose(a[:1], [1.0])
    assert np.array_equal(a[:2], a[:2])


def test_plain_numbers_among_values_follow_ieee():
    a = ad.array([0.0, Value(0.0), -4.0, Value(-4.0)])
    assert str(numbers(1 / a).tolist()) == "[inf, inf, -0.25, -0.25]"
    assert str(numbers(a**0.5).tolist()) == str(numbers(np.sqrt(a)).tolist()) == "[0.0, 0.0, nan, nan]"
    assert str(numbers(np.log(a)).tolist()) == "[-inf, -inf, nan, nan]"
    assert str(numbers(a % 0).tolist()) == "[nan, nan, nan, nan]"


# ---- made, filled, taken apart ----------------------------------------------------------------------------------------------


def filling(zeros, x):
    out = zeros((2, 2))
    for i in range(2):
        for j in range(2):
            out[i, j] = x[i] * x[j]
    out[:, 0] += x
    out[1] = np.sqrt(out[1])
    return out.sum() + np.linalg.norm(out[0])


def test_code_that_fills_an_array_needs_one_word_changed():
    x = np.array([1.5, 0.5])
    value, gradient = ad.value_and_grad(lambda x: filling(ad.zeros, x))(x)
    assert value == pytest.approx(filling(np.zeros, x))
    h = 1e-6
    steps = [(filling(np.zeros, x + h * e) - filling(np.zeros, x - h * e)) / (2 * h) for e in np.eye(2)]
    np.testing.assert_allclose(gradient, steps, rtol=1e-8)
    with pytest.raises(ad.DetachedError, match=r"ad\.zeros\(2\)"):
        ad.grad(lambda x: filling(np.zeros, x))(x)


def test_what_is_made():
    assert ad.zeros(3).tolist() == [0.0, 0.0, 0.0]
    assert ad.ones((2, 1), dtype=float).tolist() == [[1.0], [1.0]]
    assert (ad.zeros(()).shape, ad.zeros((0, 3)).shape, ad.array([]).shape) == ((), (0, 3), (0,))
    x = Value(2.0)
    a = ad.array([[x, 1], (np.float32(2.5), True)])
    assert a[0, 0] is x
    assert [type(v) for v in a.ravel()[1:]] == [float, float, float]
    assert ad.array(x)[()] is x
    assert ad.array(range(3)).tolist() == [0.0, 1.0, 2.0]
    assert ad.array([np.array([x, x]), [1, 2]]).shape == (2, 2)
    assert repr(ad.zeros(2)) == "Array([0.0, 0.0], dtype=object)"
    for wrong in ([[1, 2], [3]], [1, [2]]):
        with pytest.raises(ad.ShapeError, match="rows of one length"):
            ad.array(wrong)
    for wrong in ("abc", [1j], [None], {"a": 1}):
        with pytest.raises(TypeError, match=r"array\(\) takes a real number"):
            ad.array(wrong)
    with pytest.raises(TypeError, match="not of int64"):
        ad.zeros(3, dtype=np.int64)


PARTS = {
    "slice": lambda a: a[::2],
    "fancy": lambda a: a[[0, 2]],
    "mask": lambda a: a[a > 1.0],
    "new axis": lambda a: a[:, None],
    "reshape": lambda a: a.reshape(3, 1),
    "T": lambda a: a.T,
    "copy": lambda a: a.copy(),
    "copy.copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda a: pickle.loads(pickle.dumps(a)),
    "concatenate": lambda a: np.concatenate([a, [1.0]]),
    "stack": lambda a: np.stack([np.ones(3), a]),
    "hstack": lambda a: np.hstack([a, a]),
    "split": lambda a: np.split(a, 3)[0],
    "flip": np.flip,
    "broadcast": lambda a: np.broadcast_to(a, (2, 3)),
    "where": lambda a: np.where(numbers(a) > 1, a, 0.0),
    "empty": lambda a: a[:0],
    "no axes": lambda a: a[0, ...],
}


@pytest.mark.parametrize("part", PARTS)
def test_parts_and_copies_are_of_the_same_kind(part):
    a = ad.array([Value(1.0), 2.0, Value(3.0)])
    assert type(PARTS[part](a)) is Array
    assert type(np.asarray(a)) is np.ndarray
    assert type(a[0]) is Value


def test_a_view_is_a_view_and_a_copy_is_none():
    a = ad.zeros((2, 3))
    a.T[0, 1] = Value(7.0)
    assert a[1, 0].data == 7.0
    a.reshape(-1)[0] = 1.0
    b = a.copy()
    b[...] = 0.0
    assert numbers(a).tolist() == [[1.0, 0.0, 0.0], [7.0, 0.0, 0.0]]


def test_a_deep_copy_shares_what_was_shared():
    x = Value(2.0)
    a = ad.array([x, x * 3])
    twin, y = copy.deepcopy([a, x])
    twin[1].backward()
    assert (twin[0] is y, y.grad, x.grad) == (True, 3.0, 0.0)


def test_sums_and_the_like_are_one_operation():
    a = ad.array([Value(1.0), 2.0, Value(3.0), Value(3.0)])
    assert [np.sum(a).op, np.prod(a).op, a.max().op, np.linalg.norm(a).op, np.logaddexp.reduce(a).op] == [
        "sum", "prod", "at_least", "norm", "logsumexp",
    ]  # fmt: skip
    assert a.sum(initial=1.0).data == 10.0
    assert np.sum(a, where=[True, False, True, False]).data == 4.0
    assert (ad.zeros(0).sum(), ad.zeros((2, 0)).sum(axis=1).tolist()) == (0.0, [0.0, 0.0])
    with pytest.raises(ValueError, match="nothing"):
        ad.zeros(0).max()
    square = ad.array([[Value(1.0), 2.0], [3.0, Value(4.0)]])
    assert numbers(square.sum(axis=np.int64(-1))).tolist() == [3.0, 7.0]
    assert numbers(np.linalg.norm(square, axis=(0, 1), keepdims=True)).tolist() == [[math.sqrt(30.0)]]
    with pytest.raises(np.exceptions.AxisError):
        a.sum(axis=1)
    a.max().backward()
    assert [v.grad for v in a[2:]] == [0.5, 0.5]
    into = ad.zeros(2)
    assert np.add.reduce(square, axis=0, out=into) is into
    assert numbers(into).tolist() == [4.0, 6.0]


def test_what_grad_hands_over_is_such_an_array_at_every_order():
    kinds = []

    def f(x):
        kinds.append(type(x))
        return np.std(x) if not np.isnan(x).any() else x[0]

    x = np.array([1.0, 2.0, 4.0])
    assert ad.hessian(f)(x).shape == (3, 3)
    ad.jacobian(lambda x: np.cumprod(x) + ad.zeros(3))(x)
    assert set(kinds) == {Array}


def test_masked_arrays_go_on_as_before():
    masked = np.ma.masked_array([1.0, 2.0], [False, True])
    out = masked * ad.array([Value(3.0), 4.0])
    assert out.mask.tolist() == [False, True]
    assert out[0].data == 3.0


# ---- what cannot be ---------------------------------------------------------------------------------------------------------

special = pytest.importorskip("scipy.special")
CANNOT = {
    "np.linalg.solve": (lambda a: np.linalg.solve(a, [1.0, 2.0]), r"ad\.solve\(A, b\)"),
    "np.linalg.inv": (np.linalg.inv, r"ad\.solve\(A, np\.eye"),
    "np.linalg.det": (np.linalg.det, r"ad\.det\(A\)"),
    "np.linalg.lstsq": (lambda a: np.linalg.lstsq(a, [1.0, 2.0]), r"ad\.solve\(A\.T @ A"),
    "np.linalg.eigvals": (np.linalg.eigvals, "nothing in its place"),
    "expit": (special.expit, r"ad\.sigmoid"),
    "erf": (special.erf, r"ad\.erf "),
    "gammaln": (special.gammaln, r"ad\.lgamma"),
    "psi": (special.psi, r"ad\.digamma"),
    "xlogy": (lambda a: special.xlogy(a, a), r"ad\.xlogy"),
    "a float array": (lambda a: np.zeros((2, 2)).__iadd__(a), r"ad\.zeros"),
}


@pytest.mark.parametrize("name", CANNOT)
def test_what_cannot_work_says_what_does(name):
    function, remedy = CANNOT[name]
    with pytest.raises(TypeError) as caught:
        function(ad.array([[Value(1.0), 2.0], [3.0, 4.0]]))
    (note,) = caught.value.__notes__
    assert re.search(remedy, note)


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda a: np.interp(a, [0.0, 1.0], [0.0, 1.0], period=2.0), TypeError, r"no period: reduce x by np\.mod"),
        (lambda a: np.interp(a, [0.0, 1.0], [0.0]), ad.ShapeError, "as many fp as xp.*not 1 and 2"),
        (lambda a: np.interp(a, [], []), ad.ShapeError, "at least one: not 0 and 0"),
        (lambda a: np.cov(a, aweights=[1.0, 2.0]), TypeError, "takes no weights"),
    ],
)
def test_what_is_not_offered_is_refused(function, error, message):
    with pytest.raises(error, match=message):
        function(ad.array([Value(1.0), 2.0]))


def test_autodiff_without_numpy(run_script):
    script = """
import sys
sys.modules["numpy"] = None
import autodiff as ad
print(ad.grad(lambda xs: ad.solve([[xs[0], 1.0], [0.0, 2.0]], [1.0, xs[1]])[0])([2.0, 4.0]))
try:
    ad.zeros(2)
except ImportError as error:
    print("ImportError")
"""
    assert run_script(script).split("\n")[:2] == ["[0.25, -0.25]", "ImportError"]
