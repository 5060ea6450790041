"""The main job, end to end: one weight trained by hand-sized steps, then a perceptron; pictures and pages of both."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from autodiff import nn, optim
from autodiff._implementation import implementation
from autodiff._support import files
from autodiff.debugger import page
from autodiff.drawing import draw
from autodiff.engine.recording import record_source
from autodiff.engine.value import Value
from autodiff.errors import RendererFailed, RendererNotFound

INPUT, TARGET, FIRST_WEIGHT, RATE = 1.5, 0.5, 0.8, 0.1
OR = [([0.0, 0.0], 0.0), ([0.0, 1.0], 1.0), ([1.0, 0.0], 1.0), ([1.0, 1.0], 1.0)]
EPOCHS = 2000


class Step(NamedTuple):
    """One step of gradient descent on one weight, every number read off the graph."""

    w: float
    a: float
    cost: float
    dC_da: float
    da_dw: float
    dC_dw: float
    next_w: float


def main(out: Path) -> None:
    """Train, print every step, and write the pictures into ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    print(f"autodiff, {implementation} engine\n")
    steps = train_one_weight()
    print_steps(steps)
    perceptron, losses = train_perceptron()
    print_perceptron(perceptron, losses)
    written, missing = write_pictures(out, steps)
    print("\nWritten:", *(f"  {file}" for file in written), sep="\n")
    for message in missing:
        print(f"\nNot written: {message}")


# ---- one weight -------------------------------------------------------------------------------------------------------------


def one_weight(w: Value) -> tuple[Value, Value]:
    """The smallest network there is, a = i · w, and its cost C = (y − a)²."""
    a = INPUT * w
    a.name = "a"
    cost = (TARGET - a) ** 2
    cost.name = "C"
    return a, cost


def train_one_weight(rate: float = RATE, most: int = 1000) -> list[Step]:
    """Descend until a step changes the weight by less than 0.00001, or for ``most`` steps."""
    w = Value(FIRST_WEIGHT, "w")
    optimizer = optim.SGD([w], lr=rate)
    steps: list[Step] = []
    while len(steps) < most and (not steps or abs(steps[-1].next_w - steps[-1].w) > 0.00001):
        before = w.data
        a, cost = one_weight(w)
        optimizer.zero_grad()
        cost.backward()
        gradient = w.grad
        optimizer.step()
        steps.append(Step(before, a.data, cost.data, a.grad, a.partials[0], gradient, w.data))
    return steps


def print_steps(steps: list[Step]) -> None:
    """The table of the descent, in 80 columns."""
    print(f"One weight: a = i·w, C = (y − a)², i = {INPUT}, y = {TARGET}, rate r = {RATE}")
    print("dC/dw = dC/da · da/dw = 2(a − y) · i, and the next w is w − r·dC/dw\n")
    print("step       w       a         C    dC/da · da/dw =   dC/dw   w − r·dC/dw")
    for number, s in enumerate(steps):
        print(
            f"{number:4}  {s.w:.4f}  {s.a:.4f}  {s.cost:.6f}   {s.dC_da:6.4f} · {s.da_dw:5.2f} =  {s.dC_dw:6.4f}"
            f"        {s.next_w:.4f}"
        )
    print(f"\nThe weight went {FIRST_WEIGHT} → {steps[0].next_w:.4g} → {steps[1].next_w:.4g} → … → {steps[-1].next_w:.4f}")


# ---- a perceptron -----------------------------------------------------------------------------------------------------------


def untrained_perceptron() -> nn.Perceptron:
    """Two weights, a bias, a sigmoid: the same each time."""
    return nn.Perceptron(2, "sigmoid", seed=1)


def train_perceptron() -> tuple[nn.Perceptron, list[float]]:
    """Teach a perceptron the logical OR with the mean squared error; the losses too."""
    print("\nA perceptron learns OR: a = σ(w.0·x.0 + w.1·x.1 + b), MSE loss over the 4 rows", flush=True)
    perceptron = untrained_perceptron()
    inputs, targets = zip(*OR, strict=True)
    optimizer = optim.SGD(perceptron.parameters(), lr=1.0)
    log = nn.fit(perceptron, inputs, targets, loss=nn.mse, optimizer=optimizer, epochs=EPOCHS)
    return perceptron, log.losses


def print_perceptron(perceptron: nn.Perceptron, losses: list[float]) -> None:
    """What it has learnt."""
    print(f"loss {losses[0]:.4f} → {losses[-1]:.4f} in {len(losses)} epochs;", end=" ")
    print(", ".join(f"{parameter.name} = {parameter.data:.3f}" for parameter in perceptron.parameters()))
    print("  x.0  x.1    output   target")
    for inputs, target in OR:
        print(f"  {inputs[0]:3.0f}  {inputs[1]:3.0f}    {perceptron(inputs).data:6.4f}   {target:6.0f}")


# ---- pictures ---------------------------------------------------------------------------------------------------------------


def first_cost() -> tuple[Value, list[Value]]:
    """The graph of the one weight's first cost, with its gradients; and its parameters."""
    w = Value(FIRST_WEIGHT, "w")
    _, cost = one_weight(w)
    cost.backward()
    return cost, [w]


def loss_of_one_row() -> tuple[Value, list[Value]]:
    """The graph of a perceptron's loss before it has learnt: the last row of OR, inputs as Values, to be drawn."""
    inputs, target = OR[-1]
    named = [Value(x, f"x.{i}") for i, x in enumerate(inputs)]
    perceptron = untrained_perceptron()
    output = perceptron(named)
    output.name = "a"
    loss: Value = nn.mse(output, Value(target, "y"))
    loss.name = "C"
    loss.backward()
    return loss, perceptron.parameters()


def article() -> tuple[Value, list[Value]]:
    """The one weight once more, every number of it a Value with a name and a line, to be changed on a page."""
    with record_source():
        w = Value(FIRST_WEIGHT, "w")
        i = Value(INPUT, "i")
        y = Value(TARGET, "y")
        a = i * w
        C = (y - a) ** 2
    return C, [w]


def loss_of_all_rows() -> tuple[Value, list[Value]]:
    """The mean squared error of an untrained perceptron over the four rows of OR, with its lines."""
    perceptron = untrained_perceptron()
    inputs, targets = zip(*OR, strict=True)
    with record_source():
        outputs = [perceptron(row) for row in inputs]
        C = nn.mse(outputs, targets)
    for number, output in enumerate(outputs, start=1):
        output.name = f"a{number}"
    return C, perceptron.parameters()


def write_pictures(out: Path, steps: list[Step]) -> tuple[list[Path], list[str]]:
    """The pictures and the pages that could be written, and what keeps the others from it."""
    written, missing = [], []
    try:
        for name, (loss, parameters) in [("one_weight", first_cost()), ("perceptron", loss_of_one_row())]:
            for suffix in ("svg", "png"):
                file = out / f"{name}.{suffix}"
                draw(loss, file, parameters=parameters)
                written.append(file)
    except (RendererFailed, RendererNotFound) as error:
        missing.append(str(error))
    if find_spec("matplotlib") is None:
        missing.append('the plots need matplotlib: pip install "autodiff-scalar[plot]"')
    else:
        written += [plot_activation(steps, out / "activation.png"), plot_cost(steps, out / "cost.png")]
    for name, (loss, parameters) in [("article", article()), ("perceptron", loss_of_all_rows())]:
        page(loss, out / f"{name}.html", parameters=parameters)
        written.append(out / f"{name}.html")
    return written, missing


def plot_activation(steps: list[Step], file: Path) -> Path:
    """The activation as a function of the weight."""
    return plot(
        file,
        curve=lambda w: one_weight(Value(w))[0].data,
        points=[(s.w, s.a) for s in steps],
        labels=("activation a = i·w", "weight w", "activation a"),
        level=(TARGET, f"target y = {TARGET}"),
    )


def plot_cost(steps: list[Step], file: Path) -> Path:
    """The cost as a function of the weight, with the steps of the descent on it."""
    return plot(
        file,
        curve=lambda w: one_weight(Value(w))[1].data,
        points=[(s.w, s.cost) for s in steps],
        labels=("cost C = (y − a)²", "weight w", "cost C"),
        level=(0.0, None),
    )


def plot(
    file: Path,
    curve: Callable[[float], float],
    points: list[tuple[float, float]],
    labels: tuple[str, str, str],
    level: tuple[float, str | None],
) -> Path:
    """A curve over the weights from −0.2 to 0.9 with the steps of the descent on it, as a PNG of 1200 × 800 pixels."""
    from matplotlib.figure import Figure

    weights = [-0.2 + 1.1 * i / 200 for i in range(201)]
    title, x_label, y_label = labels
    figure = Figure(figsize=(6, 4), dpi=200, layout="constrained")
    axes: Any = figure.add_subplot()
    axes.plot(weights, [curve(w) for w in weights], color="#4477aa", label=title)
    axes.axhline(level[0], color="#999999", linewidth=0.8, linestyle="--", label=level[1])
    axes.plot(*zip(*points, strict=True), "o-", color="#cc6633", markersize=4, linewidth=0.8, label="steps of the descent")
    for number, point in enumerate(points[:3]):
        axes.annotate(
            f"step {number}: w = {point[0]:.4g}", point, xytext=(-8, 4), textcoords="offset points", ha="right", fontsize=8
        )
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="best")
    picture = BytesIO()
    figure.savefig(picture, format="png")
    files.replace(file, picture.getvalue())
    return file
