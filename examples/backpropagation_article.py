"""From a quotient of differences to a trained weight: the article 'Understanding Neural Network Backpropagation' as code.

It can be read beside the article, in the same order: the derivative as a limit, the rules of differentiation, the chain rule,
the forward propagation of a perceptron, its activations, the mean squared error, gradient descent, and the graph of it all.
Nothing here is a formula typed in a second time: derivatives come from the engine, the rules from its table.

    python examples/backpropagation_article.py      prints the tables, draws out/examples/article_*.png and .svg
"""

from __future__ import annotations

import math
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import Any

from matplotlib import style
from matplotlib.figure import Figure

import autodiff as ad
from autodiff import demo, nn
from autodiff.engine import rules
from autodiff.graph import symbols

OUT = Path("out/examples")


def main() -> None:
    style.use("tableau-colorblind10")
    OUT.mkdir(parents=True, exist_ok=True)
    files = [the_limit()]
    the_rules()
    the_chain_rule()
    forward_propagation()
    files.append(activations())
    the_cost()
    one_weight()
    files.append(learning_rates())
    files += the_graphs()
    print("\nWritten:", *(f"  {file}" for file in files), sep="\n")


def heading(text: str) -> None:
    print(f"\n{text}\n{'=' * len(text)}")


def save(figure: Figure, name: str) -> Path:
    figure.savefig(OUT / name)
    return OUT / name


# ---- 1. the derivative ------------------------------------------------------------------------------------------------------


def cube(x: Any) -> Any:
    return x**3


def the_limit() -> Path:
    """The slope of a secant goes to that of the tangent as Δx shrinks, until the difference is mostly rounding."""
    heading("1. The derivative as a limit: f(x) = x³ at x = 2")
    x, exact = 2.0, ad.grad(cube)(2.0)
    print("    Δx  (f(x+Δx) − f(x)) / Δx     error   (f(x+Δx) − f(x−Δx)) / 2Δx     error")
    widths = [10.0**-k for k in range(17)]
    errors = []
    for width in widths:
        forward = (cube(x + width) - cube(x)) / width
        central = (cube(x + width) - cube(x - width)) / (2 * width)
        errors.append((abs(forward - exact), abs(central - exact)))
        print(f"{width:6.0e}  {forward:20.14f}  {forward - exact:8.1e}   {central:24.14f}  {central - exact:8.1e}")
    print(f"the engine's dx³/dx at {x:g}: {exact}, without a limit")
    if min(errors)[0] > 1e-6:
        raise SystemExit("The quotient does not come near the derivative.")

    figure = Figure(figsize=(6.5, 4), dpi=160, layout="constrained")
    axes = figure.add_subplot(
        xscale="log", yscale="log", xlabel="Δx", ylabel="error", title="The error of a quotient of differences, f(x) = x³ at 2"
    )
    names = ("forward: ∝ Δx, then rounding ∝ 1/Δx", "central: ∝ Δx², then rounding ∝ 1/Δx")
    for name, column, marker in zip(names, zip(*errors, strict=True), "os", strict=True):
        shown = [(width, error) for width, error in zip(widths, column, strict=True) if error > 0]
        axes.plot(*zip(*shown, strict=True), f"{marker}-", label=name, markersize=4)
    axes.invert_xaxis()
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return save(figure, "article_limit.png")


def the_rules() -> None:
    """The table of operations, each derivative written down by the same function that computes it."""
    heading("2. The rules of differentiation, as the engine has them")
    for rule in rules.TABLE.values():
        if not rule.doc:  # a helper of other rules
            continue
        operands = list("xy" if rule.arity == 2 else "x" if rule.arity == 1 else "xyuv" if rule.name == "dot" else "xy")
        partials = zip(operands, symbols.partials_text(rule, *operands), strict=True)
        cells = [f"∂/∂{operand}  {partial:22}" for operand, partial in partials]
        lines = ["  ".join(cells)] if sum(map(len, cells)) < 60 else cells
        for number, line in enumerate(lines):
            start = f"{rule.written(operands) if number == 0 else '':17} "
            print(textwrap.fill(line, 79, initial_indent=start, subsequent_indent=" " * 24).rstrip())


def the_chain_rule() -> None:
    """A composition's derivative is the product of the local derivatives along it."""
    heading("3. The chain rule: y = exp(sin(x²)) at x = 0.8")
    x = ad.Value(0.8, "x")
    u = x**2
    v = ad.sin(u)
    y = ad.exp(v)
    u.name, v.name, y.name = "u", "v", "y"
    y.backward()
    product = 1.0
    print("operation     its value   local derivative   product so far   by backward()")
    for operation, below, above in (("y = exp(v)", v, y), ("v = sin(u)", u, v), ("u = x²", x, u)):
        product *= above.partials[0]
        local = f"d{above.name}/d{below.name} = {above.partials[0]:8.6f}"
        print(f"{operation:12}  {above.data:9.6f}   {local}     {product:9.6f}      dy/d{below.name} = {below.grad:8.6f}")


# ---- 2. the perceptron ------------------------------------------------------------------------------------------------------


def forward_propagation() -> None:
    """A perceptron's output in its three steps, each with its numbers."""
    heading("4. Forward propagation of a perceptron")
    perceptron = nn.Perceptron(3, "sigmoid", seed=4)
    perceptron.b.data = 0.25
    inputs = [0.5, -1.0, 2.0]
    weighted = ad.dot(perceptron.w, inputs)
    z = weighted + perceptron.b
    a = ad.sigmoid(z)
    terms = " + ".join(f"{w.data:.3f}·{x:g}" for w, x in zip(perceptron.w, inputs, strict=True))
    print(f"weighted sum   Σ w·x = {terms} = {weighted.data:.4f}")
    print(f"bias           z = Σ w·x + b = {weighted.data:.4f} + {perceptron.b.data:g} = {z.data:.4f}")
    print(f"activation     a = σ(z) = 1 / (1 + exp(−z)) = {a.data:.4f}")
    print(f"nn.Perceptron gives {perceptron(inputs).data:.4f}")


ACTIVATIONS = {
    "step": ad.step,
    "sigmoid": ad.sigmoid,
    "tanh": ad.tanh,
    "softsign": ad.softsign,
    "relu": ad.relu,
    "leaky relu, slope 0.1": lambda z: ad.leaky_relu(z, 0.1),
    "elu": ad.elu,
    "selu": ad.selu,
    "softplus": ad.softplus,
    "gelu": ad.gelu,
    "silu (swish)": ad.silu,
    "mish": ad.mish,
    "maxout of −z, z/2, z − 1": lambda z: ad.maxout(-z, z / 2, z - 1),
    "hard tanh: clip(z, −1, 1)": lambda z: ad.clip(z, -1, 1),
    "linear": lambda z: 1 * z,
}


def activations() -> Path:
    """Each activation with its derivative, which is the engine's."""
    heading("5. Activations a(z) with da/dz")
    print(f"{'':26}" + "".join(f"      z = {z:<4g}    " for z in (-1.0, 0.0, 1.0)).rstrip())
    for name, function in ACTIVATIONS.items():
        pairs = (f"{function(z):7.4f} {ad.grad(function)(z):7.4f}   " for z in (-1.0, 0.0, 1.0))
        print(f"{name:26}" + "".join(pairs).rstrip())
    figure = Figure(figsize=(11, 6.5), dpi=130, layout="constrained")
    zs = [-4 + i / 25 for i in range(201)]
    grid = figure.subplots(3, 5, sharex=True)
    for axes, (name, function) in zip(grid.flat, ACTIVATIONS.items(), strict=True):
        slope = ad.grad(function)
        axes.axhline(0, color="#bbbbbb", linewidth=0.6)
        axes.axvline(0, color="#bbbbbb", linewidth=0.6)
        axes.plot(zs, broken([function(z) for z in zs]), label="a(z)")
        axes.plot(zs, broken([slope(z) for z in zs]), "--", label="da/dz")
        axes.set_title(name, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    grid[0, 0].legend(frameon=False, fontsize=8, loc="upper left")
    figure.supxlabel("z", fontsize=10)
    return save(figure, "article_activations.png")


def broken(values: list[float]) -> list[float]:
    """The values with a gap where they jump, so that no line is drawn where there is none."""
    jumps = [abs(after - before) > 0.15 for before, after in pairwise(values)]
    return [math.nan if jump else value for value, jump in zip(values, [*jumps, False], strict=True)]


def the_cost() -> None:
    """The mean squared error over n outputs, and its derivative for each of them."""
    heading("6. The cost: mean squared error, C = (1/n) Σ (y − a)²")
    outputs = [ad.Value(a, "a") for a in (0.9, 0.2, 0.6, 0.1)]
    targets = [1.0, 0.0, 1.0, 0.0]
    cost = nn.mse(outputs, targets)
    cost.backward()
    print("   y      a    (y − a)²   dC/da = 2(a − y)/n")
    for output, y in zip(outputs, targets, strict=True):
        print(f"{y:4.0f}   {output.data:4.1f}   {(y - output.data) ** 2:9.4f}   {output.grad:18.4f}")
    print(f"n = {len(targets)}, C = {cost.data:.4f}")


# ---- 3. gradient descent ----------------------------------------------------------------------------------------------------

RATES = (0.02, 0.1, 0.2, 0.4, 0.5)


def one_weight() -> None:
    """The network with one weight; the same as the demo's."""
    heading("7. Gradient descent on one weight")
    steps = demo.train_one_weight()
    demo.print_steps(steps)
    if abs(steps[-1].next_w - demo.TARGET / demo.INPUT) > 1e-4:
        raise SystemExit("The weight does not reach y / i.")


def learning_rates() -> Path:
    """Too small a rate is slow, too large a one steps over the valley, higher each time."""
    heading("8. The learning rate")
    descents = {rate: demo.train_one_weight(rate, most=30) for rate in RATES}
    wanted = demo.TARGET / demo.INPUT
    print("step " + "".join(f"   r = {rate:<6g}" for rate in RATES).rstrip())
    for number in (0, 1, 2, 3, 4, 5, 10, 20, 29):
        cells = (f"{descent[number].w:11.4f} " if number < len(descent) else " " * 12 for descent in descents.values())
        print(f"{number:4} " + "".join(cells).rstrip())
    for rate, descent in descents.items():
        factor = (descent[1].w - wanted) / (descent[0].w - wanted)
        kind = "diverges" if abs(factor) > 1 else "overshoots" if factor < 0 else "comes nearer"
        print(f"r = {rate:<4g}  a step multiplies the distance to y/i by {factor:5.2f}: {kind}")
    if [rate for rate, descent in descents.items() if abs(descent[-1].next_w - wanted) > abs(descent[0].w - wanted)] != [0.5]:
        raise SystemExit("Another rate than 0.5 diverges.")

    figure = Figure(figsize=(10, 4), dpi=140, layout="constrained")
    valley, distance = figure.subplots(1, 2)
    ws = [-0.5 + 1.7 * i / 200 for i in range(201)]
    valley.plot(ws, [demo.one_weight(ad.Value(w))[1].data for w in ws], color="black", linestyle=":", linewidth=1, label="C(w)")
    styles = dict(zip(RATES, ("C4", "C0", "C2", "C3", "C1"), strict=True))
    for (rate, descent), marker in zip(descents.items(), "v^sDo", strict=True):
        if rate in (0.1, 0.4, 0.5):
            shown = [(s.w, s.cost) for s in descent[:5]]
            valley.plot(
                *zip(*shown, strict=True), f"{marker}-", color=styles[rate], markersize=5, linewidth=0.8, label=f"r = {rate}"
            )
        gaps = [abs(s.w - wanted) for s in descent]
        distance.plot(gaps, f"{marker}-", color=styles[rate], markersize=3.5, linewidth=0.8, label=f"r = {rate}")
    valley.set(xlabel="weight w", ylabel="cost C", title="The first steps in the valley", xlim=(-0.6, 1.3), ylim=(-0.1, 2.3))
    distance.set(xlabel="step", ylabel="|w − y/i|", yscale="log", title="Distance to the best weight", ylim=(1e-8, 1e3))
    for axes in (valley, distance):
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=9)
    return save(figure, "article_rates.png")


def the_graphs() -> list[Path]:
    """The first cost of the one weight, and a perceptron's loss, with every gradient that backpropagation found."""
    files = []
    for name, (loss, parameters) in (("one_weight", demo.first_cost()), ("perceptron", demo.loss_of_one_row())):
        for suffix in ("svg", "png"):
            files.append(OUT / f"article_{name}.{suffix}")
            ad.draw(loss, files[-1], parameters=parameters)
    return files


if __name__ == "__main__":
    main()
