"""Nonlinear least squares with exact derivatives: a growth curve fitted to NIST's certified digits, and how sure it is.

The data are Rat43 of NIST's Statistical Reference Datasets: the dry weight of onions over time, a sigmoid with four parameters.
scipy's least_squares goes from a start to the minimum with our Jacobian. Newton steps with our Hessian finish, to the last
digits that the numbers hold. The same two matrices say how far each parameter can be trusted.

    python examples/curve_fit.py      prints the fit beside the certified one, draws out/examples/curve_fit.png
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from scipy.optimize import least_squares
from scipy.stats import t as student

import autodiff as ad

OUT = Path("out/examples")
DATA = Path(__file__).resolve().parents[1] / "tests" / "data" / "nist"

Model = Callable[..., Any]


def growth(x: float, b1: Any, b2: Any, b3: Any, b4: Any) -> Any:
    """The curve: from 0 up to b1, steepest where the bracket's exponent is near 0 (Ratkowsky 1983)."""
    return b1 / (1 + ad.exp(b2 - b3 * x)) ** (1 / b4)


# ---- the problem ------------------------------------------------------------------------------------------------------------


class Problem(NamedTuple):
    """One of NIST's problems: the data, two starts, and the results that are certified to 11 digits."""

    level: str
    formula: str
    xs: list[Any]
    ys: list[float]
    starts: list[list[float]]
    parameters: list[float]
    deviations: list[float]
    rss: float


def read(file: Path) -> Problem:
    """A problem from NIST's file: 60 lines of header, then the rows, y first; several x of a row make a tuple."""
    lines = file.read_text(encoding="ascii").splitlines()
    header = "\n".join(lines[:60])
    (level,) = re.findall(r"(Lower|Average|Higher) Level of Difficulty", header)
    (formula,) = re.findall(r"^ +((?:y|log\[y\]) *=.*?)\+ *e *$", header, re.DOTALL | re.MULTILINE)
    table = re.findall(r"^ *b\d+ =" + r" +([-+.\dE]+)" * 4, header, re.MULTILINE)
    first, second, parameters, deviations = ([float(entry) for entry in column] for column in zip(*table, strict=True))
    (rss,) = re.findall(r"Residual Sum of Squares: +(\S+)", header)
    rows = [[float(entry) for entry in line.split()] for line in lines[60:] if line.strip()]
    xs = [row[1] if len(row) == 2 else tuple(row[1:]) for row in rows]
    return Problem(level, formula, xs, [row[0] for row in rows], [first, second], parameters, deviations, float(rss))


def residuals(model: Model, xs: list[Any], ys: list[float]) -> Callable[[list[Any]], list[Any]]:
    """What the curve misses at each point, as a function of the parameters b."""
    return lambda b: [model(x, *b) - y for x, y in zip(xs, ys, strict=True)]


def half_rss(r: Callable[[list[Any]], list[Any]]) -> Callable[[list[Any]], Any]:
    """½ Σ r², the function that is to become smallest: its gradient is Jᵀr."""

    def objective(b: list[Any]) -> Any:
        missed = r(b)
        return 0.5 * ad.dot(missed, missed)

    return objective


# ---- the fit ----------------------------------------------------------------------------------------------------------------


def descend(r: Callable[[list[Any]], list[Any]], start: list[float], x_scale: str | float = "jac") -> list[float]:
    """The minimum by Levenberg and Marquardt's method, with the Jacobian of the residuals."""
    jacobian = ad.jacobian(r)
    found = least_squares(
        lambda b: r(b.tolist()),
        start,
        jac=lambda b: jacobian(b.tolist()),
        method="lm",
        x_scale=x_scale,
        ftol=1e-12,
        xtol=1e-12,
        gtol=1e-12,
        max_nfev=10_000,
    )
    return found.x.tolist()


def newton(objective: Callable[[list[Any]], Any], b: list[float], most: int = 20) -> tuple[list[float], list[float]]:
    """Steps −H⁻¹g from b, as long as each is ten times shorter than the last; then only rounding is left. The lengths too.

    A length is the largest change of a parameter as a share of it. H is scaled to a diagonal of ones before it is solved,
    since the parameters may differ by many powers of ten.
    """
    gradient, hessian = ad.grad(objective), ad.hessian(objective)
    lengths: list[float] = []
    for _ in range(most):
        g, h = np.array(gradient(b)), np.array(hessian(b))
        scale = 1 / np.sqrt(np.abs(np.diag(h)))
        change = -scale * np.linalg.solve(scale[:, None] * h * scale, scale * g)
        length = float(np.max(np.abs(change / b)))
        if lengths and length > lengths[-1] / 10:
            break
        b = (b + change).tolist()
        lengths.append(length)
    return b, lengths


def covariance(curvature: np.ndarray, rss: float, freedom: int) -> np.ndarray:
    """The parameters' covariance s²·M⁻¹, where s² = rss / freedom and M is JᵀJ, or the Hessian of ½ rss."""
    scale = 1 / np.sqrt(np.diag(curvature))
    inverse = np.linalg.inv(scale[:, None] * curvature * scale)
    return rss / freedom * scale[:, None] * inverse * scale


def digits(found: float, certified: float) -> float:
    """How many digits agree: −log₁₀ of the relative error. The certified numbers have 11."""
    return 11.0 if found == certified else min(11.0, -np.log10(abs(found - certified) / abs(certified)))


# ---- the example ------------------------------------------------------------------------------------------------------------


def main() -> None:
    problem = read(DATA / "Rat43.dat")
    r = residuals(growth, problem.xs, problem.ys)
    objective = half_rss(r)
    print(f"Rat43, {problem.level.lower()} level of difficulty: {' '.join(problem.formula.split())}")
    print(f"{len(problem.xs)} points, {len(problem.parameters)} parameters\n")

    first = descend(r, problem.starts[0])
    b, lengths = newton(objective, first)
    for what, found in (("start", problem.starts[0]), ("least_squares, our Jacobian", first), ("Newton, our Hessian", b)):
        print(f"{what:28}", *(f"{value:12.8g}" for value in found))
    print(f"{'certified':28}", *(f"{value:12.8g}" for value in problem.parameters))
    print("Newton's steps, relative:", ", ".join(f"{length:.0e}" for length in lengths))

    rss = 2 * objective(b)
    freedom = len(problem.xs) - len(b)
    j, h = np.array(ad.jacobian(r)(b)), np.array(ad.hessian(objective)(b))
    by_jacobian, by_hessian = covariance(j.T @ j, rss, freedom), covariance(h, rss, freedom)
    print_table(problem, b, by_jacobian, by_hessian)
    agreement = min([digits(rss, problem.rss), *map(digits, b, problem.parameters)])
    print(f"\nresidual sum of squares {rss:.11g}, certified {problem.rss:.11g}")
    print(f"digits that agree, the fewest of all: {agreement:.1f}")

    OUT.mkdir(parents=True, exist_ok=True)
    file = draw(OUT / "curve_fit.png", problem, b, by_jacobian, by_hessian, freedom)
    print(f"\nWritten: {file}")
    if agreement < 9:
        raise SystemExit("The fit does not reach nine certified digits.")


def print_table(problem: Problem, b: list[float], by_jacobian: np.ndarray, by_hessian: np.ndarray) -> None:
    """Parameters and their standard deviations beside the certified ones."""
    print("\n                                  |        standard deviation")
    print("      value         digits agree  |  certified     s²(JᵀJ)⁻¹      s²H⁻¹")
    deviations = zip(problem.deviations, np.sqrt(np.diag(by_jacobian)), np.sqrt(np.diag(by_hessian)), strict=True)
    rows = zip(b, problem.parameters, deviations, strict=True)
    for i, (value, certified, three) in enumerate(rows, start=1):
        print(f"b{i}  {value:<16.11g}{digits(value, certified):8.1f}      |", "   ".join(f"{x:11.7f}" for x in three))


def draw(file: Path, problem: Problem, b: list[float], by_jacobian: np.ndarray, by_hessian: np.ndarray, freedom: int) -> Path:
    """The curve through the points, with the band that holds it with a confidence of 95 %, from each of the two matrices."""
    style.use("tableau-colorblind10")
    xs = np.linspace(0, 16, 200)
    slopes = np.array([ad.grad(lambda b, x=x: growth(x, *b))(b) for x in xs.tolist()])  # ∂curve/∂b at each x
    curve = np.array([growth(x, *b) for x in xs.tolist()])
    factor = student.ppf(0.975, freedom)
    figure = Figure(figsize=(7, 4.5), dpi=160, layout="constrained")
    axes = figure.add_subplot()
    widths = [factor * np.sqrt(np.einsum("ni,ij,nj->n", slopes, matrix, slopes)) for matrix in (by_jacobian, by_hessian)]
    axes.fill_between(xs, curve - widths[0], curve + widths[0], alpha=0.25, label="95 % band, from the Jacobian")
    for sign, label in ((-1, None), (1, "95 % band, from the Hessian")):
        axes.plot(xs, curve + sign * widths[1], "--", color="C1", linewidth=1, label=label)
    axes.plot(xs, [growth(x, *problem.starts[0]) for x in xs.tolist()], ":", color="C2", label="start")
    axes.plot(xs, curve, color="C0", label="fit")
    axes.plot(problem.xs, problem.ys, "o", color="black", markersize=5, label="measured")
    axes.set(xlabel="growing time", ylabel="dry weight", title="Rat43: growth of onions, fitted with exact derivatives")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left")
    figure.savefig(file)
    return file


if __name__ == "__main__":
    main()
