"""A training that breaks: a network that predicts its own uncertainty, until the logarithm of a negative variance is nan.

The network MLP(1, 8, 2) gives for each x the mean of y and its variance, and is trained with the likelihood of a normal
distribution, log v + (y − m)²/v. Nothing keeps v positive. Where the curve fits well v sinks towards 0, the gradient 1/v grows,
and at step 412 one of the 96 points has a variance below 0. (The remedy is ``ad.softplus`` around the variance.)

The training is recorded, so that what happened can be asked afterwards:

    python examples/divergence.py                       three questions, and a picture in out/examples/divergence.png
    python -m autodiff debug examples/divergence.py     the same in the terminal: catch nan, c, watch …, rc
"""

from __future__ import annotations

import math
import random
from pathlib import Path

import autodiff as ad
from autodiff import nn, optim

OUT = Path("out/examples")
POINTS, HIDDEN, BATCH, RATE, SEED = 96, 8, 12, 0.004, 2844


def curve(n: int, seed: int) -> tuple[list[list[float]], list[float]]:
    """n points of sin 2x with a noise that is smallest at 0."""
    rng = random.Random(seed)
    xs = [[rng.uniform(-2, 2)] for _ in range(n)]
    return xs, [math.sin(2 * x) + rng.gauss(0, 0.02 + 0.15 * abs(x)) for (x,) in xs]


def likelihood(outputs: list[list[ad.Value]], ys: list[float]) -> ad.Value:
    """The mean of −2 log p(y) for normal distributions of these means and variances, up to a constant."""
    terms = [ad.log(variance) + (y - mean) ** 2 / variance for (mean, variance), y in zip(outputs, ys, strict=True)]
    return ad.sum(terms) / len(terms)


def train(compile: bool = False) -> nn.Run:
    """The recorded training, up to the step at which it broke."""
    xs, ys = curve(POINTS, seed=1)
    model = nn.MLP(1, [HIDDEN, 2], "tanh", init="uniform", seed=SEED)
    model.layers[1].neurons[1].b.data = 1.0  # every variance begins positive
    optimizer = optim.SGD(model.parameters(), lr=RATE)
    try:
        log = nn.fit(model, xs, ys, loss=likelihood, optimizer=optimizer, epochs=80, batch_size=BATCH, seed=SEED,
                     progress=False, compile=compile, record=True)  # fmt: skip
    except ad.TrainingDiverged as error:
        log = error.log
    return log.run


def main() -> None:
    run = train()
    reason = run.blame()
    if reason is None:
        raise SystemExit("The training did not break.")
    print(f"step {reason.step} of {len(run)}, sample {reason.sample}: {reason.node.op} is {reason.node.data}")
    (variance,) = reason.node.operands
    print(f"its variance is {variance.data:.6f}, by line {variance.source.line if variance.source else '?'}")
    bias = "layers.1.neurons.1.b"  # of the variance
    pushed = run.last("grad > 2.5", name=bias)
    if pushed is not None:
        before, after = (run[step].parameters[bias] for step in (pushed.step, pushed.step + 1))
        print(f"pushed below 0 in step {pushed.step}: {bias} {before:.6f} → {after:.6f}")
    OUT.mkdir(parents=True, exist_ok=True)
    run.plot(OUT / "divergence.png")
    print(f"\nWritten: {OUT / 'divergence.png'}")


if __name__ == "__main__":
    main()
