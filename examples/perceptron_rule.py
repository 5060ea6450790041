"""The perceptron learning rule (Rosenblatt 1958): how a perceptron with a step was trained, before there were gradients.

The output is a = step(w · x + b), 1 or 0. The derivative of a step is 0 wherever it has one, so backward() gives every weight
the gradient 0 and has nothing to say about how to change it. The rule does not ask for one: after every mistake it moves the
weights towards the sample that should have given 1, or away from the one that should have given 0,

    w ← w + (y − a) · x        b ← b + (y − a)

until a whole pass over the samples has no mistake. If some line separates the two classes, that happens after finitely many
mistakes (Novikoff 1962). No line separates those of XOR: there the weights go round for ever.

    python examples/perceptron_rule.py      prints the weights at each mistake, and draws out/examples/perceptron_rule.png
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

from autodiff import nn
from autodiff._support import files

INPUTS = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)]
PROBLEMS = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "XOR": [0, 1, 1, 0]}
PASSES = 25  # after which we give up; AND and OR need 6 and 4
SHOWN = 12  # mistakes in a table
OUT = Path("out/examples/perceptron_rule.png")


class Mistake(NamedTuple):
    """A sample that was answered wrongly, and the weights after the rule was applied to it."""

    number: int  # of the pass
    x: tuple[float, float]
    y: int
    a: int
    w: tuple[float, float]
    b: float


def train(perceptron: nn.Perceptron, targets: list[int]) -> tuple[list[Mistake], bool]:
    """Apply the rule until a pass has no mistake; every mistake, and whether there was such a pass."""
    mistakes: list[Mistake] = []
    for number in range(1, PASSES + 1):
        before = len(mistakes)
        for x, y in zip(INPUTS, targets, strict=True):
            a = int(perceptron(x))
            if a == y:
                continue
            for weight, component in zip(perceptron.w, x, strict=True):
                weight.data += (y - a) * component
            perceptron.b.data += y - a
            first, second = perceptron.w
            mistakes.append(Mistake(number, x, y, a, (first.data, second.data), perceptron.b.data))
        if len(mistakes) == before:
            return mistakes, True
    return mistakes, False


def print_no_gradient() -> None:
    """What backward() has to say about a wrong answer of a perceptron with a step."""
    perceptron = nn.Perceptron(2, "step", init="zeros")
    loss = nn.mse(perceptron((1.0, 1.0)), 1.0)
    loss.backward()
    gradients = ", ".join(f"dC/d{parameter.name} = {parameter.grad:g}" for parameter in perceptron.parameters())
    print(f"A wrong answer costs C = (y − a)² = {loss.data:g}, yet {gradients}:")
    print("a step has no useful gradient. The perceptron learning rule needs none.")


def print_mistakes(name: str, mistakes: list[Mistake], learnt: bool) -> None:
    """The table of one problem, in 80 columns."""
    passes = mistakes[-1].number
    print(f"\n{name}: w = (0, 0), b = 0 at first; then after each mistake\n")
    print("pass     x       y  a  y − a     w.0   w.1     b")
    for m in mistakes[:SHOWN]:
        x = f"({m.x[0]:g}, {m.x[1]:g})"
        print(f"{m.number:4}   {x}   {m.y:3} {m.a:2}  {m.y - m.a:+5}   {m.w[0]:5g} {m.w[1]:5g} {m.b:5g}")
    if len(mistakes) > SHOWN:
        print(f" ... and {len(mistakes) - SHOWN} more")
    if learnt:
        print(f"learnt: pass {passes + 1} has no mistake, after {len(mistakes)} in the passes before")
    else:
        seen = len({(m.x, m.w, m.b) for m in mistakes})
        print(f"not learnt: {len(mistakes)} mistakes in {passes} passes, only {seen} different ones. It goes in a")
        print("circle, for no line separates the two classes")


def draw(results: dict[str, tuple[list[Mistake], bool]]) -> Path:
    """The decision line after each mistake, from faint to strong; the last one has its side of ones shaded. Of XOR, a round."""
    figure = Figure(figsize=(10.5, 4.2), dpi=150, layout="constrained")
    figure.suptitle("The line w · x + b = 0 after each mistake, the last one strong; filled points should give 1", fontsize=10)
    for axes, (name, (mistakes, learnt)) in zip(figure.subplots(1, 3), results.items(), strict=True):
        shown = mistakes if learnt else mistakes[-8:]
        for i, mistake in enumerate(shown, start=1):
            line = crossing(mistake)
            if line is not None:
                last = learnt and i == len(shown)
                axes.plot(*line, color="#4477aa", alpha=0.15 + 0.5 * i / len(shown) + 0.35 * last, linewidth=1 + 1.5 * last)
        if learnt:
            shade(axes, mistakes[-1])
        for x, y in zip(INPUTS, PROBLEMS[name], strict=True):
            axes.plot(*x, "o", markersize=11, color="#cc6633" if y else "white", markeredgecolor="#cc6633", zorder=3)
        words = f"learnt after {len(mistakes)} mistakes" if learnt else "never learnt"
        axes.set(title=f"{name}, {words}", xlim=(-0.6, 1.6), ylim=(-0.6, 1.6), xlabel="x.0", ylabel="x.1", aspect="equal")
        axes.set_xticks([0, 1])
        axes.set_yticks([0, 1])
        axes.spines[["top", "right"]].set_visible(False)
    picture = BytesIO()
    figure.savefig(picture, format="png")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    files.replace(OUT, picture.getvalue())
    return OUT


def crossing(mistake: Mistake) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Two points far out on the line w · x + b = 0, as their x.0s and x.1s; None without a line, where w = 0."""
    (u, v), b = mistake.w, mistake.b
    square = u * u + v * v
    if square == 0:
        return None
    x, y = -b * u / square, -b * v / square  # the point nearest to the origin
    return (x - 5 * v, x + 5 * v), (y + 5 * u, y - 5 * u)


def shade(axes, mistake: Mistake) -> None:
    """Colour the side on which the output is 1."""
    grid = [-0.6 + 2.2 * i / 200 for i in range(201)]
    (u, v), b = mistake.w, mistake.b
    side = [[u * x + v * y + b for x in grid] for y in grid]
    axes.contourf(grid, grid, side, levels=[0, max(map(max, side))], colors=["#cc6633"], alpha=0.12)


def main() -> None:
    print_no_gradient()
    results = {}
    for name, targets in PROBLEMS.items():
        results[name] = train(nn.Perceptron(2, "step", init="zeros"), targets)
        print_mistakes(name, *results[name])
    print(f"\nWritten: {draw(results)}")


if __name__ == "__main__":
    main()
