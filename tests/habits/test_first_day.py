"""What people who know NumPy and SciPy write on their first day, as they write it, and what it prints."""

import contextlib
import io
import pickle

import numpy as np
import pytest

import autodiff as ad

special = pytest.importorskip("scipy.special")
optimize = pytest.importorskip("scipy.optimize")
stats = pytest.importorskip("scipy.stats")

SCRIPTS = {
    "statistics of an array": (
        """
def f(x):
    return np.std(x) + np.median(x) + np.percentile(x, 30) + np.cov(x, x**2)[0, 1] + np.var(x, ddof=1)

x = np.array([1.0, 3.0, 2.0, 5.0])
print(f"{f(x):.6f} {ad.value_and_grad(f)(x)[0]:.6f}", ad.grad(f)(x).round(4))
""",
        """\
26.712353 26.712353 [-5.4458  0.9589 -2.1434 14.4637]
""",
    ),
    "linear algebra that NumPy does": (
        """
def f(A):
    return np.einsum("ij,jk->", A, A) + np.kron(A, A).sum() + np.outer(A[0], A[1]).sum() + (A @ A.T).trace() + np.vdot(A, A)

A = np.array([[1.0, 2.0], [3.0, 4.0]])
print(f(A), ad.grad(f)(A).tolist(), np.linalg.norm(ad.array(A), axis=1))
""",
        """\
235.0 [[38.0, 46.0], [44.0, 52.0]] [2.23606797749979 5.0]
""",
    ),
    "signals": (
        """
def f(x):
    smooth = np.convolve(x, [0.25, 0.5, 0.25], mode="valid")
    area = np.trapezoid(np.cumsum(smooth) * np.cumprod(smooth))
    return area + np.diff(x)[0] + np.polyval(x, 0.5) + np.interp(0.3, [0, 1], x[:2])

print(ad.grad(f)(np.array([1.0, 2.0, 0.5, 1.5, 1.0])).round(5))
""",
        """\
[1.98711 8.03877 7.72217 4.50146 1.91846]
""",
    ),
    "functions of numbers": (
        """
x = ad.array([ad.Value(0.5), -2.25, ad.Value(3.0)])
for f in (np.exp2, np.fabs, np.deg2rad, np.rint, np.sinc, np.isnan, np.isfinite):
    print(f.__name__, [round(float(v.data if isinstance(v, ad.Value) else v), 6) for v in f(x)])
for y in (np.logaddexp2(x, 0.0), np.fmod(x, 2), x // 2, divmod(x, 2)[1]):
    print([round(v.data if isinstance(v, ad.Value) else v, 6) for v in y])
""",
        """\
exp2 [1.414214, 0.210224, 8.0]
fabs [0.5, 2.25, 3.0]
deg2rad [0.008727, -0.03927, 0.05236]
rint [0.0, -2.0, 3.0]
sinc [0.63662, 0.100035, -0.0]
isnan [0.0, 0.0, 0.0]
isfinite [1.0, 1.0, 1.0]
[1.271553, 0.275274, 3.169925]
[0.5, -0.25, 1.0]
[0.0, -2.0, 1.0]
[0.5, 1.75, 1.0]
""",
    ),
    "a root of an array that mixes floats and Values": (
        """
x = ad.Value(4.0)
y = np.sqrt(ad.array([x, 9.0]))
y[0].backward()
print(y, x.grad)
""",
        """\
[Value(2.0, grad=1.0) 3.0] 0.25
""",
    ),
    "hypot of three": (
        """
x, y = ad.Value(2.0), ad.Value(3.0)
r = ad.hypot(x, y, 6)
r.backward()
print(r.data, x.grad, y.grad, ad.hypot(1.0, 2.0, 2.0))
""",
        """\
7.0 0.2857142857142857 0.42857142857142855 3.0
""",
    ),
    "a solver that cannot": (
        """
A = ad.array([[ad.Value(2.0), 1.0], [1.0, 3.0]])
for f in (np.linalg.inv, np.linalg.det, lambda A: np.linalg.solve(A, [1.0, 2.0]), special.expit, special.gammaln):
    try:
        f(A)
    except TypeError as error:
        print(*error.__notes__)
""",
        """\
inv() cannot take Values: ad.solve(A, np.eye(len(A))) is the inverse, and ad.solve(A, b) what it is mostly wanted for.
det() cannot take Values: ad.det(A) is the determinant of a small matrix of Values.
solve() cannot take Values: ad.solve(A, b) solves small systems of Values.
expit() cannot take Values: ad.sigmoid does.
gammaln() cannot take Values: ad.lgamma does.
""",
    ),
    "small systems": (
        """
a = ad.Value(2.0)
x = ad.solve([[a, 1], [1, 3]], [3, 5])
x[0].backward()
print(x[0].data, x[1].data, round(a.grad, 12), ad.det([[a, 1], [1, 3]]).data)
print(ad.hessian(ad.det)([[1.0, 2.0], [3.0, 4.0]]))
try:
    ad.solve([[1.0, 2.0], [2.0, 4.0]], [1.0, 2.0])
except ad.SingularMatrix as error:
    print(error)
""",
        """\
0.8 1.4 -0.48 5.0
[[[[0.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [-1.0, 0.0]]], [[[0.0, -1.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 0.0]]]]
solve(A, b): A is singular: its column 1, from 0, depends on those before. There is no x, or more than one
""",
    ),
    "exp of an array": (
        """
print(ad.exp(np.array([[0.0, 1.0]])), ad.exp(ad.array([ad.Value(0.0), 1.0]))[0])
""",
        """\
[[1.         2.71828183]] Value(1.0, grad=0.0)
""",
    ),
    "code that fills an array": (
        """
def tridiagonal(x, zeros):
    A = zeros((3, 3))
    for i in range(3):
        A[i, i] = 2 + x[i]
        if i:
            A[i, i - 1] = A[i - 1, i] = -x[i] * x[i - 1]
    return A

x = np.array([0.5, 1.0, 1.5])
print(np.linalg.det(tridiagonal(x, np.zeros)).round(12), ad.grad(lambda x: ad.det(tridiagonal(x, ad.zeros)))(x))
try:
    ad.grad(lambda x: tridiagonal(x, np.zeros).sum())(x)
except ad.DetachedError as error:
    print("ad.zeros" in str(error))
""",
        """\
19.75 [ 4.75 -4.25 -0.25]
True
""",
    ),
    "one number in an array": (
        """
A = np.array([[2.0, 1.0], [1.0, 3.0]])
print(ad.grad(lambda x: x.T @ A @ x)(np.array([[1.0], [2.0]])).ravel())
print(ad.grad(lambda x: np.array([x[0] ** 2], dtype=object))([3.0]))
""",
        """\
[ 8. 14.]
[6.0]
""",
    ),
    "a point in the place of argnums": (
        """
try:
    ad.grad(lambda x: x * x, 3.0)
except TypeError as error:
    print(str(error).partition(". ")[2])
""",
        """\
grad(f) is a function of its own: grad(f)(x) is the derivative at x
""",
    ),
    "float32": (
        """
x = np.array([0.5, 0.25], dtype=np.float32)
print(ad.grad(lambda x: np.sum(np.sqrt(x)))(x).dtype, ad.grad(lambda x: np.sum(np.sqrt(x)))(x.astype(float)).dtype)
""",
        """\
float32 float64
""",
    ),
    "the gamma function": (
        """
def log_likelihood(p):  # of a gamma distribution
    shape, scale = p
    return sum((shape - 1) * ad.log(x) - x / scale for x in DATA) - len(DATA) * (ad.lgamma(shape) + shape * ad.log(scale))

DATA = [1.2, 0.7, 2.5, 1.9, 0.4]
fit = minimize(ad.value_and_grad(lambda p: -log_likelihood(p)), np.array([1.0, 1.0]), jac=True, bounds=[(0.01, None)] * 2)
a, loc, b = stats.gamma.fit(DATA, floc=0)
print(fit.x.round(4), round(a, 4), round(b, 4), np.linalg.eigvalsh(ad.hessian(log_likelihood)(fit.x)).round(3))
""",
        """\
[2.6653 0.5028] 2.6653 0.5028 [-54.614  -0.381]
""",
    ),
    "rows": (
        """
x = 0.7
for name in "lgamma digamma erfinv exp2 sinc logit log_sigmoid hard_tanh hard_sigmoid celu rsqrt floor ceil round".split():
    f = getattr(ad, name)
    print(name, f"{f(x):.6g} {ad.grad(f)(x):.6g} {ad.grad(ad.grad(f))(x):.6g}")
print(ad.logaddexp(1000.0, 1000.0))
""",
        """\
lgamma 0.260867 -1.22002 2.83405
digamma -1.22002 2.83405 -6.43499
erfinv 0.732869 1.51636 3.37026
exp2 1.6245 1.12602 0.780498
sinc 0.367883 -1.36524 0.269827
logit 0.847298 4.7619 9.07029
log_sigmoid -0.403186 0.331812 -0.221713
hard_tanh 0.7 1 0
hard_sigmoid 0.616667 0.166667 0
celu 0.7 1 0
rsqrt 1.19523 -0.853735 1.82943
floor 0 0 0
ceil 1 0 0
round 1 0 0
1000.6931471805599
""",
    ),
    "sparse derivatives": (
        """
J = ad.jacobian(lambda x: x[1:] * x[:-1], sparse=True)(np.arange(1.0, 6.0))
print(type(J).__name__, J.shape, J.nnz, J.toarray()[0])
""",
        """\
csr_array (4, 5) 8 [2. 1. 0. 0. 0.]
""",
    ),
    "a loop with isnan": (
        """
def safe(x):
    y = np.log(x)
    return np.where(np.isnan(y) | np.isinf(y), 0.0, y).sum()

print(safe(np.array([1.0, 2.0, 4.0])), ad.grad(safe)(np.array([1.0, 2.0, 4.0])), ad.grad(safe)(np.array([0.0, 2.0, -1.0])))
""",
        """\
2.0794415416798357 [1.   0.5  0.25] [0.  0.5 0. ]
""",
    ),
    "scipy's least squares": (
        """
t = np.linspace(0, 1, 20)
y = 2 * np.exp(-3 * t) + 0.5

def residuals(p):
    return p[0] * np.exp(-p[1] * t) + p[2] - y

print(least_squares(residuals, [1.0, 1.0, 0.0], jac=ad.jacobian(residuals)).x.round(8))
""",
        """\
[2.  3.  0.5]
""",
    ),
    "an array of Values through pickle": (
        """
w = ad.array([ad.Value(1.0, "w"), 2.0])
again = pickle.loads(pickle.dumps({"w": w, "loss": np.sum(w**2)}))
again["loss"].backward()
print(again["w"][0], type(again["w"]).__name__)
""",
        """\
Value(1.0, grad=2.0, name='w') Array
""",
    ),
    "a Newton step": (
        """
def f(x):
    return np.sum((x[1:] - x[:-1] ** 2) ** 2) + np.sum((1 - x) ** 2)

x = np.array([1.2, 0.8, 1.1])
for _ in range(6):
    x = x - ad.solve(ad.hessian(f)(x), ad.grad(f)(x))
print(x.round(12))
""",
        """\
[1. 1. 1.]
""",
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_prints(name):
    script, wanted = SCRIPTS[name]
    names = {
        "np": np, "ad": ad, "special": special, "stats": stats, "pickle": pickle,
        "minimize": optimize.minimize, "least_squares": optimize.least_squares,
    }  # fmt: skip
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(script, names)
    assert printed.getvalue() == wanted
