"""Two moons: a network of 337 parameters learns a boundary that no straight line could be, with the max-margin loss.

Two half circles reach into each other. MLP(2, 16, 16, 1) gives each point a score; the hinge loss asks for a score of at least
1 on the one moon and at most −1 on the other. The picture shows the score everywhere: the boundary is where it is 0.

    python examples/moons.py      trains, prints its loss and time, and draws out/examples/moons.png
"""

from __future__ import annotations

import math
import random
import time
from pathlib import Path

from matplotlib import style
from matplotlib.figure import Figure

import autodiff as ad
from autodiff import nn, optim

OUT = Path("out/examples")
POINTS, NOISE, SEED = 200, 0.1, 2
EPOCHS, BATCH, RATE = 60, 20, 0.02
GOAL = 0.99


def two_moons(n: int, noise: float, seed: int) -> tuple[list[list[float]], list[int]]:
    """n points on two half circles of radius 1, moved by normal noise; the labels are 1 on the upper one, −1 on the lower."""
    rng = random.Random(seed)
    points, labels = [], []
    for i in range(n):
        angle = math.pi * rng.random()
        upper = i % 2 == 0
        x, y = (math.cos(angle), math.sin(angle)) if upper else (1 - math.cos(angle), 0.5 - math.sin(angle))
        points.append([x + rng.gauss(0, noise), y + rng.gauss(0, noise)])
        labels.append(1 if upper else -1)
    return points, labels


def accuracy(model: nn.Module, points: list[list[float]], labels: list[int]) -> float:
    """The share of points with the score on their side of 0."""
    return sum(model(point).data * label > 0 for point, label in zip(points, labels, strict=True)) / len(points)


def train(epochs: int = EPOCHS) -> tuple[nn.MLP, nn.TrainingLog, list[list[float]], list[int]]:
    """The network trained on its points, the log of it, and the points with their labels."""
    points, labels = two_moons(POINTS, NOISE, SEED)
    model = nn.MLP(2, [16, 16, 1], "relu", init="he", seed=SEED)
    steps = epochs * -(-POINTS // BATCH)
    log = nn.fit(
        model,
        points,
        labels,
        loss=nn.hinge,
        optimizer=optim.Adam(model.parameters(), lr=RATE),
        schedule=optim.cosine(RATE, steps),
        epochs=epochs,
        batch_size=BATCH,
        seed=SEED,
    )
    return model, log, points, labels


def draw(file: Path, model: nn.Module, log: nn.TrainingLog, points: list[list[float]], labels: list[int]) -> None:
    """The score in colours with the boundary and the margins, and the loss over the epochs."""
    style.use("tableau-colorblind10")
    xs = [-1.6 + 4.2 * i / 100 for i in range(101)]
    ys = [-1.1 + 2.7 * i / 75 for i in range(76)]
    scores = [[max(-3.0, min(3.0, model([x, y]).data)) for x in xs] for y in ys]
    figure = Figure(figsize=(10, 4.2), dpi=140, layout="constrained")
    plane, losses = figure.subplots(1, 2, width_ratios=[3, 2])
    extent = (xs[0], xs[-1], ys[0], ys[-1])
    filled = plane.imshow(scores, extent=extent, origin="lower", cmap="PuOr_r", alpha=0.75, interpolation="bilinear")
    widths, dashes = [0.8, 1.8, 0.8], ["--", "-", "--"]
    plane.contour(xs, ys, scores, levels=[-1, 0, 1], colors="black", linestyles=dashes, linewidths=widths)
    for label, colour, marker in ((1, "#c85200", "o"), (-1, "#5b3c88", "s")):
        chosen = [point for point, y in zip(points, labels, strict=True) if y == label]
        name = f"label {label:+d}".replace("-", "−")
        plane.plot(*zip(*chosen, strict=True), marker, color=colour, markeredgecolor="white", markersize=5, label=name)
    figure.colorbar(filled, ax=plane, label="score", ticks=range(-3, 4), shrink=0.8)
    plane.set(title="Score of MLP(2, 16, 16, 1), boundary at 0, margins at ±1", xlabel="x", ylabel="y")
    plane.legend(loc="upper left", fontsize=8)
    losses.plot(range(1, len(log.losses) + 1), log.losses)
    losses.set(title="Max-margin loss", xlabel="epoch", yscale="log")
    losses.spines[["top", "right"]].set_visible(False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file)


def main() -> None:
    print(f"Two moons, {POINTS} points; autodiff runs {ad.implementation}", flush=True)
    start = time.perf_counter()
    model, log, points, labels = train()
    seconds = time.perf_counter() - start
    reached = accuracy(model, points, labels)
    print(f"{len(model.parameters())} parameters, {log.steps} steps of {BATCH} points in {seconds:.2f} s")
    print(f"loss {log.losses[0]:.4f} → {log.losses[-1]:.6f}, accuracy on the points {reached:.1%}")
    draw(OUT / "moons.png", model, log, points, labels)
    print(f"\nWritten: {OUT / 'moons.png'}")
    if reached < GOAL:
        raise SystemExit(f"The accuracy is below {GOAL:.0%}.")


if __name__ == "__main__":
    main()
