"""NIST's 27 problems of nonlinear regression: our derivatives and scipy find at least nine of the certified digits.

The method is that of examples/curve_fit.py: Levenberg and Marquardt's with our Jacobian, Newton steps with our Hessian.
"""

import functools
import math
import random
import re

import pytest

import autodiff as ad

np = pytest.importorskip("numpy")
pytest.importorskip("matplotlib")
pytest.importorskip("scipy")


# ---- the models -------------------------------------------------------------------------------------------------------------


def saturation(x, b1, b2):
    return b1 * (1 - ad.exp(-b2 * x))


def decay_over_line(x, b1, b2, b3):
    return ad.exp(-b1 * x) / (b2 + b3 * x)


def three_decays(x, b1, b2, b3, b4, b5, b6):
    return b1 * ad.exp(-b2 * x) + b3 * ad.exp(-b4 * x) + b5 * ad.exp(-b6 * x)


def two_peaks(x, b1, b2, b3, b4, b5, b6, b7, b8):
    return b1 * ad.exp(-b2 * x) + b3 * ad.exp(-((x - b4) ** 2) / b5**2) + b6 * ad.exp(-((x - b7) ** 2) / b8**2)


def cubic_over_cubic(x, b1, b2, b3, b4, b5, b6, b7):
    return (b1 + b2 * x + b3 * x**2 + b4 * x**3) / (1 + b5 * x + b6 * x**2 + b7 * x**3)


def three_cycles(x, b1, b2, b3, b4, b5, b6, b7, b8, b9):
    year, second, third = 2 * math.pi * x / 12, 2 * math.pi * x / b4, 2 * math.pi * x / b7
    cycles = [b2 * ad.cos(year), b3 * ad.sin(year), b5 * ad.cos(second), b6 * ad.sin(second), b8 * ad.cos(third)]
    return b1 + ad.sum(cycles) + b9 * ad.sin(third)


MODELS = {
    "Bennett5": lambda x, b1, b2, b3: b1 * (b2 + x) ** (-1 / b3),
    "BoxBOD": saturation,
    "Chwirut1": decay_over_line,
    "Chwirut2": decay_over_line,
    "DanWood": lambda x, b1, b2: b1 * x**b2,
    "ENSO": three_cycles,
    "Eckerle4": lambda x, b1, b2, b3: b1 / b2 * ad.exp(-0.5 * ((x - b3) / b2) ** 2),
    "Gauss1": two_peaks,
    "Gauss2": two_peaks,
    "Gauss3": two_peaks,
    "Hahn1": cubic_over_cubic,
    "Kirby2": lambda x, b1, b2, b3, b4, b5: (b1 + b2 * x + b3 * x**2) / (1 + b4 * x + b5 * x**2),
    "Lanczos1": three_decays,
    "Lanczos2": three_decays,
    "Lanczos3": three_decays,
    "MGH09": lambda x, b1, b2, b3, b4: b1 * (x**2 + x * b2) / (x**2 + x * b3 + b4),
    "MGH10": lambda x, b1, b2, b3: b1 * ad.exp(b2 / (x + b3)),
    "MGH17": lambda x, b1, b2, b3, b4, b5: b1 + b2 * ad.exp(-x * b4) + b3 * ad.exp(-x * b5),
    "Misra1a": saturation,
    "Misra1b": lambda x, b1, b2: b1 * (1 - (1 + b2 * x / 2) ** -2),
    "Misra1c": lambda x, b1, b2: b1 * (1 - (1 + 2 * b2 * x) ** -0.5),
    "Misra1d": lambda x, b1, b2: b1 * b2 * x / (1 + b2 * x),
    "Nelson": lambda x, b1, b2, b3: b1 - b2 * x[0] * ad.exp(-b3 * x[1]),
    "Rat42": lambda x, b1, b2, b3: b1 / (1 + ad.exp(b2 - b3 * x)),
    "Rat43": None,  # the example's own
    "Roszman1": lambda x, b1, b2, b3, b4: b1 - b2 * x - ad.atan(b3 / (x - b4)) / math.pi,
    "Thurber": cubic_over_cubic,
}
# The residuals of Lanczos1 are about 1e-13, those of the rounding of y itself: the sum of their squares changes in its seventh
# digit if the true parameters are rounded to float64. It can be found to nine digits by nobody who computes in float64.
SUM_OF_SQUARES_IS_ROUNDING = {"Lanczos1"}
# From (1, 1), a step scaled by the Jacobian goes where exp(−b2·x) vanishes and with it every derivative for b2.
UNSCALED = {("BoxBOD", 1)}


@pytest.fixture(scope="module")
def curve_fit(example):
    return example("curve_fit")


def posed(curve_fit, name):
    """A problem and its model. Nelson's response is log y."""
    problem = curve_fit.read(curve_fit.DATA / f"{name}.dat")
    if problem.formula.startswith("log[y]"):
        problem = problem._replace(ys=[math.log(y) for y in problem.ys])
    return problem, MODELS[name] or curve_fit.growth


# ---- the tests --------------------------------------------------------------------------------------------------------------


def test_every_file_has_a_model_and_the_three_levels_are_there(curve_fit):
    assert sorted(MODELS) == sorted(file.stem for file in curve_fit.DATA.glob("*.dat"))
    levels = [curve_fit.read(file).level for file in curve_fit.DATA.glob("*.dat")]
    assert [levels.count(level) for level in ("Lower", "Average", "Higher")] == [8, 11, 8]


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_the_formula_of_the_file(curve_fit, name):
    """NIST's text, evaluated as it stands near the certified parameters, at every row."""
    problem, model = posed(curve_fit, name)
    text = problem.formula.split("=", 1)[1].replace("[", "(").replace("]", ")")
    formula = compile(" ".join(text.split()), name, "eval")
    rng = random.Random(name)
    b = [parameter * rng.uniform(0.9, 1.1) for parameter in problem.parameters]
    for x in problem.xs:
        names = {f"b{i}": parameter for i, parameter in enumerate(b, start=1)}
        names |= {"x1": x[0], "x2": x[1]} if isinstance(x, tuple) else {"x": x}
        functions = {"exp": math.exp, "sin": math.sin, "cos": math.cos, "arctan": math.atan, "pi": math.pi}
        assert model(x, *b) == pytest.approx(eval(formula, functions, names), rel=1e-12)
    assert set(re.findall(r"b\d", text)) == {f"b{i}" for i in range(1, len(b) + 1)}


@functools.cache
def fitted(curve_fit, name, start):
    """The problem, its residuals, and the parameters found from a start, 1 or 2."""
    problem, model = posed(curve_fit, name)
    r = curve_fit.residuals(model, problem.xs, problem.ys)
    x_scale = 1.0 if (name, start) in UNSCALED else "jac"
    b, _ = curve_fit.newton(curve_fit.half_rss(r), curve_fit.descend(r, problem.starts[start - 1], x_scale))
    return problem, r, b


@pytest.mark.parametrize("start", [2, 1])
@pytest.mark.parametrize("name", MODELS)
def test_a_fit_has_nine_of_the_certified_digits(curve_fit, name, start):
    problem, r, b = fitted(curve_fit, name, start)
    reached = list(map(curve_fit.digits, b, problem.parameters))
    rss = 2 * curve_fit.half_rss(r)(b)
    if name in SUM_OF_SQUARES_IS_ROUNDING:
        assert rss < 2 * problem.rss
    else:
        reached.append(curve_fit.digits(rss, problem.rss))
    print(f"{name}, {problem.level}, start {start}: {min(reached):.1f} digits")
    assert min(reached) >= 9


@pytest.mark.parametrize("name", sorted(set(MODELS) - SUM_OF_SQUARES_IS_ROUNDING))
def test_the_jacobian_gives_the_certified_standard_deviations(curve_fit, name):
    """They are √(s² (JᵀJ)⁻¹ᵢᵢ); forming JᵀJ squares the condition, which costs digits that the parameters do not lose."""
    problem, r, b = fitted(curve_fit, name, 2)
    j = np.array(ad.jacobian(r)(b))
    matrix = curve_fit.covariance(j.T @ j, 2 * curve_fit.half_rss(r)(b), len(problem.xs) - len(b))
    assert min(map(curve_fit.digits, np.sqrt(np.diag(matrix)), problem.deviations)) >= 6
