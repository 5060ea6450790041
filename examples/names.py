"""A character GPT of one layer on scalars: it reads names of the US Census of 1990 and makes up new ones.

Each number in it is a Value. The network is GPT-2's in small (Radford et al. 2019): embeddings of symbol and position, then
attention with four heads over the symbols so far and a two-layer perceptron, both beside a residual stream; with RMS norms
(Zhang and Sennrich 2019) and without biases. Its 4,192 parameters guess the next letter. To guess evenly among the 27 symbols
costs log 27 = 3.296.

The names are those of the package `names` (public domain: derived from the 1990 Census). A tenth of them is held out.

    python examples/names.py      trains, prints new names, draws out/examples/names.png
"""

from __future__ import annotations

import math
import random
import time
from importlib.metadata import distribution  # `import names` would import this very file
from pathlib import Path
from typing import Any

from matplotlib import style
from matplotlib.figure import Figure

import autodiff as ad
from autodiff import nn, optim

OUT = Path("out/examples")
END = 26  # the symbol before and after a name; 0 to 25 are the letters
SYMBOLS = "abcdefghijklmnopqrstuvwxyz·"
LONGEST = 15
SEED, EPOCHS, BATCH, RATE = 5, 2, 4, 0.01
GOAL = 2.2  # of the held-out loss, in nats a symbol

Vector = list[Any]


# ---- the network ------------------------------------------------------------------------------------------------------------


class GPT(nn.Module):
    """Scores for the symbol that follows, at each position of a sequence."""

    width, heads = 16, 4

    def __init__(self, seed: int):
        rng = random.Random(seed)

        def matrix(rows: int, columns: int) -> list[Vector]:
            return [[ad.Value(rng.gauss(0.0, 0.08)) for _ in range(columns)] for _ in range(rows)]

        n = self.width
        self.symbols, self.positions = matrix(27, n), matrix(LONGEST + 1, n)
        self.query, self.key, self.value, self.project = (matrix(n, n) for _ in range(4))
        self.expand, self.contract = matrix(4 * n, n), matrix(n, 4 * n)
        self.head = matrix(27, n)

    def __call__(self, sequence: list[int]) -> list[Vector]:
        """27 logits for each of the symbols, given the ones up to it."""
        return self.with_attention(sequence)[0]

    def with_attention(self, sequence: list[int]) -> tuple[list[Vector], list[list[Vector]]]:
        """The logits, and how much each head looked at each earlier position: [position][head][earlier]."""
        keys: list[Vector] = []
        values: list[Vector] = []
        logits, attention = [], []
        for position, symbol in enumerate(sequence):
            stream = rms_norm(added(self.symbols[symbol], self.positions[position]))
            normed = rms_norm(stream)
            keys.append(linear(self.key, normed))
            values.append(linear(self.value, normed))
            found, shares = self.attend(linear(self.query, normed), keys, values)
            stream = added(stream, linear(self.project, found))
            hidden = [ad.relu(x) for x in linear(self.expand, rms_norm(stream))]
            stream = added(stream, linear(self.contract, hidden))
            logits.append(linear(self.head, stream))
            attention.append(shares)
        return logits, attention

    def attend(self, query: Vector, keys: list[Vector], values: list[Vector]) -> tuple[Vector, list[Vector]]:
        """What the heads find in the positions so far, side by side, and the share of each position in it."""
        size = self.width // self.heads
        found, shares = [], []
        for start in range(0, self.width, size):
            part = slice(start, start + size)
            shares.append(ad.softmax([ad.dot(query[part], key[part]) / size**0.5 for key in keys]))
            found += [ad.dot(shares[-1], column) for column in zip(*(value[part] for value in values), strict=True)]
        return found, shares


def linear(rows: list[Vector], xs: Vector) -> Vector:
    return [ad.dot(row, xs) for row in rows]


def added(xs: Vector, ys: Vector) -> Vector:
    return [x + y for x, y in zip(xs, ys, strict=True)]


def rms_norm(xs: Vector) -> Vector:
    """Divided by the root of the mean square."""
    scale = (ad.dot(xs, xs) / len(xs) + 1e-5) ** -0.5
    return [x * scale for x in xs]


# ---- names ------------------------------------------------------------------------------------------------------------------


def census_names() -> list[str]:
    """The first names of the census, in lower case, each once, in alphabetical order."""
    package = distribution("names")
    found = set()
    for file in ("names/dist.female.first", "names/dist.male.first"):
        for line in Path(str(package.locate_file(file))).read_text(encoding="ascii").splitlines():
            found.add(line.split()[0].lower())
    return sorted(name for name in found if name.isalpha() and len(name) <= LONGEST)


def split_names(names: list[str], seed: int) -> tuple[list[str], list[str]]:
    """Nine tenths to train with, a tenth held out, shuffled."""
    shuffled = random.Random(seed).sample(names, len(names))
    held_out = len(names) // 10
    return shuffled[held_out:], shuffled[:held_out]


def as_samples(names: list[str]) -> tuple[list[list[int]], list[list[int]]]:
    """For each name the symbols that are read, and the one that follows each of them."""
    wholes = [[END, *(ord(letter) - ord("a") for letter in name), END] for name in names]
    return [whole[:-1] for whole in wholes], [whole[1:] for whole in wholes]


def next_symbol_loss(outputs: list[list[Vector]], targets: list[list[int]]) -> Any:
    """The mean of −log p(next symbol) over all symbols of the names."""
    logits = [logit for output in outputs for logit in output]
    return nn.cross_entropy(logits, [symbol for target in targets for symbol in target])


def invented(model: GPT, rng: random.Random, temperature: float = 0.7) -> str:
    """A name letter by letter, each drawn with its probability; a lower temperature keeps to the likelier ones."""
    sequence = [END]
    while len(sequence) <= LONGEST:
        logits = model(sequence)[-1]
        chances = ad.softmax([logit.data / temperature for logit in logits])
        sequence.append(rng.choices(range(27), chances)[0])
        if sequence[-1] == END:
            break
    return "".join(SYMBOLS[symbol] for symbol in sequence[1:] if symbol != END)


# ---- the example ------------------------------------------------------------------------------------------------------------


def train(names: list[str], epochs: int = EPOCHS) -> tuple[GPT, nn.TrainingLog, list[float]]:
    """The network, the log of its epochs, and the loss of every step."""
    model = GPT(SEED)
    steps = epochs * -(-len(names) // BATCH)
    losses: list[float] = []

    def loss(outputs: list[list[Vector]], targets: list[list[int]]) -> Any:
        result = next_symbol_loss(outputs, targets)
        losses.append(result.data)
        return result

    log = nn.fit(
        model,
        *as_samples(names),
        loss=loss,
        optimizer=optim.Adam(model.parameters(), lr=RATE, betas=(0.9, 0.99)),
        schedule=optim.cosine(RATE, steps, warmup=min(50, steps // 10)),
        epochs=epochs,
        batch_size=BATCH,
        seed=SEED,
    )
    return model, log, losses


def mean_loss(model: GPT, names: list[str]) -> float:
    """In nats a symbol, over all symbols of the names."""
    xs, ys = as_samples(names)
    return next_symbol_loss([model(x) for x in xs], ys).data


def draw(file: Path, model: GPT, losses: list[float], held_out_loss: float, name: str) -> None:
    """The loss of the steps, and what each head looks at while it reads a name."""
    style.use("tableau-colorblind10")
    figure = Figure(figsize=(11, 5), dpi=130, layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[5, 6])
    axes = left.add_subplot(title="Cross-entropy, nats a symbol", xlabel="step", ylim=(1.5, 4.4))
    window = max(1, len(losses) // 40)
    means = [sum(losses[i : i + window]) / window for i in range(len(losses) - window + 1)]
    axes.plot(losses, color="C2", linewidth=0.4, label="each step")
    axes.plot(range(window // 2, window // 2 + len(means)), means, color="C0", label=f"mean of {window}")
    axes.axhline(math.log(27), color="black", linewidth=0.8, linestyle=":", label="guessing evenly, log 27")
    axes.axhline(held_out_loss, color="C1", linewidth=1.2, linestyle="--", label="held-out names, at the end")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper right")

    symbols = as_samples([name])[0][0]
    _, attention = model.with_attention(symbols)
    letters = [SYMBOLS[symbol] for symbol in symbols]
    right.suptitle(f"Attention of the four heads while reading “{name}”")
    grid = right.subplots(2, 2)
    for head, axes in enumerate(grid.flat):
        shares = [
            [*(share.data for share in shares[head]), *[0.0] * (len(symbols) - len(shares[head]))] for shares in attention
        ]
        image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(len(letters)), letters)
        axes.set_yticks(range(len(letters)), letters)
        axes.set_title(f"head {head + 1}", fontsize=10)
    grid[1, 0].set(xlabel="looks at", ylabel="having read up to")
    right.colorbar(image, ax=grid, shrink=0.7, label="share")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file)


def main() -> None:
    names = census_names()
    training, held_out = split_names(names, SEED)
    untrained = GPT(SEED)
    print(f"{len(training):,} names to train with, {len(held_out)} held out; autodiff runs {ad.implementation}")
    print(f"{len(untrained.parameters()):,} parameters; guessing evenly costs log 27 = {math.log(27):.3f}", flush=True)
    start = time.perf_counter()
    model, log, losses = train(training)
    seconds = time.perf_counter() - start
    reached = mean_loss(model, held_out)
    print(f"{log.steps} steps of {BATCH} names in {seconds:.0f} s, {1000 * seconds / log.steps:.1f} ms each")
    tenth = len(losses) // 10
    print(f"loss, mean of the first and the last tenth: {sum(losses[:tenth]) / tenth:.3f} → {sum(losses[-tenth:]) / tenth:.3f}")
    print(f"held-out names: {mean_loss(untrained, held_out):.3f} before, {reached:.3f} after")

    rng = random.Random(SEED)
    made = [invented(model, rng) for _ in range(20)]
    print("\nnew names (* is in the census):")
    for start_of_row in range(0, len(made), 5):
        print(
            "  "
            + "".join(f"{name + ('*' if name in names else ''):15}" for name in made[start_of_row : start_of_row + 5]).rstrip()
        )
    draw(OUT / "names.png", model, losses, reached, max(held_out[:20], key=len))
    print(f"\nWritten: {OUT / 'names.png'}")
    if reached > GOAL:
        raise SystemExit(f"The held-out loss is above {GOAL}.")


if __name__ == "__main__":
    main()
