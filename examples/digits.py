"""Handwritten digits: a softmax over ten classes, trained with cross-entropy, judged on digits that it has not seen.

The 1,797 digits of 8 × 8 pixels come with scikit-learn (E. Alpaydin and C. Kaynak, UCI 1998). Three quarters train the network
64 → 32 → 10, a quarter is held out. The trained network is saved, and loaded into a new one, which must answer the same.

    python examples/digits.py      trains, prints the accuracy, draws out/examples/digits.png
"""

from __future__ import annotations

import random
import time
from pathlib import Path

from matplotlib import style
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

import autodiff as ad
from autodiff import nn, optim

OUT = Path("out/examples")
SEED = 3
EPOCHS, BATCH, RATE = 25, 32, 0.01
GOAL = 0.93

Samples = tuple[list[list[float]], list[int]]


def split_digits(seed: int, share: float = 0.25) -> tuple[Samples, Samples]:
    """The digits to train with and those held out, shuffled: 64 pixels from 0 to 1 each, and which digit it is."""
    data = load_digits()
    samples = list(zip((data.data / 16).tolist(), data.target.tolist(), strict=True))
    random.Random(seed).shuffle(samples)
    held_out = round(share * len(samples))
    first, second = (tuple(map(list, zip(*part, strict=True))) for part in (samples[held_out:], samples[:held_out]))
    return first, second


def new_model(seed: int) -> nn.MLP:
    return nn.MLP(64, [32, 10], "relu", init="he", seed=seed)


def train(training: Samples, held_out: Samples, epochs: int = EPOCHS) -> tuple[nn.MLP, nn.TrainingLog]:
    """The network after so many passes, and the log of them."""
    model = new_model(SEED)
    steps = epochs * -(-len(training[0]) // BATCH)
    log = nn.fit(
        model,
        *training,
        loss=nn.cross_entropy,
        optimizer=optim.AdamW(model.parameters(), lr=RATE),
        schedule=optim.cosine(RATE, steps),
        epochs=epochs,
        batch_size=BATCH,
        seed=SEED,
        validation=held_out,
    )
    return model, log


def probabilities(model: nn.MLP, pixels: list[float]) -> list[float]:
    """How likely the network takes each of the ten digits to be."""
    return [p.data for p in ad.softmax(model(pixels))]


def confusion(model: nn.MLP, samples: Samples) -> list[list[int]]:
    """How often each digit (row) was answered with each (column)."""
    table = [[0] * 10 for _ in range(10)]
    for pixels, digit in zip(*samples, strict=True):
        answer = probabilities(model, pixels)
        table[digit][answer.index(max(answer))] += 1
    return table


def accuracy(table: list[list[int]]) -> float:
    return sum(table[i][i] for i in range(10)) / sum(map(sum, table))


def draw(file: Path, model: nn.MLP, log: nn.TrainingLog, held_out: Samples, table: list[list[int]]) -> None:
    """The confusions, the losses, and those held-out digits whose own probability is least."""
    style.use("tableau-colorblind10")
    figure = Figure(figsize=(12, 5), dpi=130, layout="constrained")
    left, middle, right = figure.subfigures(1, 3, width_ratios=[5, 4, 4])

    axes = left.add_subplot(title=f"Held-out digits: {accuracy(table):.1%} right", xlabel="answer", ylabel="digit")
    largest = max(map(max, table))
    axes.imshow([[count**0.5 for count in row] for row in table], cmap="Blues")  # the root, so that single errors are seen
    for i, row in enumerate(table):
        for j, count in enumerate(row):
            if count:
                axes.text(j, i, count, ha="center", va="center", fontsize=9, color="white" if count > largest / 3 else "black")
    axes.set_xticks(range(10))
    axes.set_yticks(range(10))

    axes = middle.add_subplot(title="Cross-entropy", xlabel="epoch", yscale="log")
    epochs = range(1, len(log.losses) + 1)
    axes.plot(epochs, log.losses, label="training, before each step")
    axes.plot(epochs, log.validation, "--", label="held out")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)

    right.suptitle("The nine least expected digits")
    trust = [(probabilities(model, pixels), pixels, digit) for pixels, digit in zip(*held_out, strict=True)]
    trust.sort(key=lambda entry: entry[0][entry[2]])
    for axes, (answer, pixels, digit) in zip(right.subplots(3, 3).flat, trust[:9], strict=True):
        axes.imshow([pixels[start : start + 8] for start in range(0, 64, 8)], cmap="Greys")
        axes.set_title(f"{digit}, taken for {answer.index(max(answer))} ({max(answer):.0%})", fontsize=8)
        axes.set_xticks([])
        axes.set_yticks([])
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file)


def main() -> None:
    training, held_out = split_digits(SEED)
    print(
        f"{len(training[0])} digits to train with, {len(held_out[0])} held out; autodiff runs {ad.implementation}", flush=True
    )
    start = time.perf_counter()
    model, log = train(training, held_out)
    print(f"{len(model.parameters()):,} parameters, {log.steps} steps of {BATCH} digits in {time.perf_counter() - start:.1f} s")
    print(f"loss {log.losses[0]:.3f} → {log.losses[-1]:.4f}, held out {log.validation[0]:.3f} → {log.validation[-1]:.4f}")

    OUT.mkdir(parents=True, exist_ok=True)
    model.save(OUT / "digits.json")
    loaded = new_model(seed=SEED + 1)
    loaded.load(OUT / "digits.json")
    same = all(probabilities(loaded, pixels) == probabilities(model, pixels) for pixels in held_out[0])
    print(f"saved and loaded again: the answers are {'the same to the last bit' if same else 'NOT the same'}")

    table = confusion(loaded, held_out)
    print("\nheld out, digit (row) and answer (column):\n     " + "".join(f"{answer:5}" for answer in range(10)))
    for digit, row in enumerate(table):
        print(f"{digit:5}" + "".join(f"{count or '.':>5}" for count in row))
    print(f"\nheld-out accuracy {accuracy(table):.2%}, on the training digits {accuracy(confusion(loaded, training)):.2%}")
    draw(OUT / "digits.png", loaded, log, held_out, table)
    print(f"\nWritten: {OUT / 'digits.png'} and {OUT / 'digits.json'}")
    if accuracy(table) < GOAL or not same:
        raise SystemExit(f"The goal is an accuracy of {GOAL:.0%}, and a file that holds the network.")


if __name__ == "__main__":
    main()
