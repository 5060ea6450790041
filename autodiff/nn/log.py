"""TrainingLog: what happened in a training, and its picture."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib.util import find_spec
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any

from autodiff._support import files, states
from autodiff._support.tables import sampled, table
from autodiff.errors import ShapeError, StateError
from autodiff.nn.shapes import counted

MOST_DRAWN = 100  # weights in one picture
MOST_ROWS = 10  # epochs in a notebook's table
MOST_NAMED = 10  # weights with a legend
COLOURS = ["#4477aa", "#cc6633", "#228833", "#aa3377", "#66ccee", "#ccbb44", "#ee6677", "#999933", "#882255", "#777777"]
DECADE = 10.0  # losses that span more are drawn on a logarithmic axis


@dataclass(repr=False)
class TrainingLog:
    """What ``nn.fit`` has done.

    There is one entry for each whole epoch in ``losses``, the mean of the batches' losses, each as it was before its step;
    ``validation``, the loss on the validation data after the epoch (on the training data where only ``patience`` asked for
    one, else empty); ``weights``, the values of all parameters after the epoch in the order of ``names``; ``learning_rates``,
    that of the epoch's last step; ``seconds`` since the start; and ``metrics``, a list for each that ``fit(metrics=)`` asked
    for, taken on the validation data if there are any, else on the training data. ``steps`` counts whole steps, also of an
    unfinished epoch.

    ``interrupted``: Ctrl-C ended the training. ``stopped_early``: patience or the callback did. ``best_epoch``, counted from 1,
    is the one whose weights ``patience`` has restored at the end; else None. ``shuffling`` is the state of the generator of
    batches after the last whole epoch, as ``random.Random`` has it: ``fit(log=)`` goes on from there and from ``steps``.
    ``run`` is the ``Run`` of ``fit(record=True)``; else None.
    """

    names: list[str] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    weights: list[array[float]] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    steps: int = 0
    interrupted: bool = False
    stopped_early: bool = False
    best_epoch: int | None = None
    metrics: dict[str, list[float]] = field(default_factory=dict)
    shuffling: Any = None
    run: Any = None

    def to_dict(self) -> dict[str, Any]:
        """All of it but ``run`` as strings, lists, dicts and plain numbers, which JSON carries to the last bit.

        A nan or inf, for which JSON has no word, is the string ``"nan"``, ``"inf"`` or ``"-inf"``.
        """
        return {entry.name: states.plain_throughout(getattr(self, entry.name)) for entry in fields(self) if entry.name != "run"}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> TrainingLog:
        """The log that ``to_dict`` was called on. Raises ``StateError`` for anything else."""
        states.require_keys(state, [entry.name for entry in fields(cls) if entry.name != "run"], "the dict of a TrainingLog")
        log = cls(names=[str(name) for name in state["names"]])
        for name in ("losses", "validation", "learning_rates", "seconds"):
            setattr(log, name, _numbers(state[name], name))
        log.weights = [array("d", _numbers(row, "weights")) for row in state["weights"]]
        log.metrics = {name: _numbers(found, name) for name, found in state["metrics"].items()}
        log.steps = states.count(state["steps"], "'steps' of a TrainingLog")
        log.interrupted, log.stopped_early = bool(state["interrupted"]), bool(state["stopped_early"])
        log.best_epoch = None if state["best_epoch"] is None else states.count(state["best_epoch"], "'best_epoch'")
        log.shuffling = _shuffling(state["shuffling"])
        return log

    def __repr__(self) -> str:
        done = f"{counted(len(self.losses), 'epoch')}, {counted(self.steps, 'step')}"
        parts = [done]
        for name, losses in [("loss", self.losses), ("validation", self.validation)]:
            if losses:
                parts.append(f"{name} {losses[0]:.4g} → {losses[-1]:.4g}")
        for name, found in self.metrics.items():
            if found:
                parts.append(f"{name} {found[0]:.4g} → {found[-1]:.4g}")
        if self.best_epoch is not None:
            parts.append(f"best epoch {self.best_epoch}")
        if self.seconds:
            parts.append(f"{self.seconds[-1]:.3g} s")
        parts += ["stopped early"] * self.stopped_early + ["interrupted"] * self.interrupted
        return f"TrainingLog({', '.join(parts)})"

    def _repr_html_(self) -> str:
        columns = {"loss": self.losses, "validation": self.validation, **self.metrics, "learning rate": self.learning_rates}
        columns = {name: numbers for name, numbers in (columns | {"seconds": self.seconds}).items() if numbers}
        shown = sampled(len(self.losses), MOST_ROWS)
        rows = [
            (f"{place + 1:,}", *(f"{numbers[place]:.4g}" if place < len(numbers) else "" for numbers in columns.values()))
            for place in shown
        ]
        return table(repr(self), ("epoch", *columns), rows, "log.plot() draws it")

    def plot(self, file: str | PathLike[str] | None = None) -> Any:
        """A matplotlib ``Figure`` of the losses and of the weights over the epochs; written to ``file`` too, if there is one.

        The file's suffix says which kind (``.png``, ``.svg``, ``.pdf``). The losses are on a logarithmic axis where they span
        more than a factor of ten. Of more than a hundred weights a hundred are drawn. Raises ``ShapeError`` if there is no
        whole epoch, ``ImportError`` without matplotlib.
        """
        if not self.losses:
            raise ShapeError("there is nothing to plot: the training has no whole epoch")
        if find_spec("matplotlib") is None:
            raise ImportError('plot() needs matplotlib: pip install "autodiff-scalar[plot]"')
        from matplotlib.figure import Figure

        class Picture(Figure):  # a notebook shows a plain Figure only where pyplot has been imported
            def _repr_png_(self) -> bytes:
                picture = BytesIO()
                self.savefig(picture, format="png")
                return picture.getvalue()

        figure = Picture(figsize=(9, 4), dpi=150, layout="constrained")
        losses, weights = figure.subplots(1, 2)
        self._plot_losses(losses)
        self._plot_weights(weights)
        for axes in (losses, weights):
            axes.set_xlabel("epoch")
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.spines[["top", "right"]].set_visible(False)
        if file is not None:
            picture = BytesIO()
            figure.savefig(picture, format=Path(file).suffix[1:] or "png")
            files.replace(Path(file), picture.getvalue())
        return figure

    def _plot_losses(self, axes: Any) -> None:
        for label, losses, colour in zip(("training", "validation"), (self.losses, self.validation), COLOURS, strict=False):
            if losses:
                axes.plot(self._epochs(), losses, label=label, color=colour, linewidth=1.2, marker=self._marker())
        if self.best_epoch is not None:
            axes.axvline(
                self.best_epoch, color="#999999", linewidth=0.8, linestyle="--", label=f"best: epoch {self.best_epoch}"
            )
        if len(axes.lines) > 1:
            axes.legend(edgecolor="none")
        drawn = [loss for loss in [*self.losses, *self.validation] if math.isfinite(loss)]
        if drawn and min(drawn) > 0 and max(drawn) > DECADE * min(drawn):
            axes.set_yscale("log")
        axes.set_ylabel("loss")

    def _plot_weights(self, axes: Any) -> None:
        n = len(self.names)
        columns = range(n) if n <= MOST_DRAWN else [i * n // MOST_DRAWN for i in range(MOST_DRAWN)]
        few = n <= MOST_NAMED
        for i in columns:
            label, colour, alpha = (self.names[i], COLOURS[i], 1.0) if few else (None, COLOURS[0], 0.35)
            values = [row[i] for row in self.weights]
            axes.plot(self._epochs(), values, label=label, color=colour, alpha=alpha, linewidth=1.2, marker=self._marker())
        if few:
            axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, frameon=False)
        axes.set_ylabel("parameters" if len(columns) == n else f"parameters, {len(columns)} of {n:,}")

    def _marker(self) -> str:
        return "o" if len(self.losses) == 1 else ""  # a line of one point is invisible

    def _epochs(self) -> range:
        return range(1, len(self.losses) + 1)


def _shuffling(found: Any) -> Any:
    """The state of a ``random.Random`` as it was before JSON made lists of its tuples."""
    if found is None:
        return None
    try:
        version, words, gauss = found
        state = (version, tuple(words), gauss)
        random.Random().setstate(state)
    except (TypeError, ValueError, OverflowError) as error:
        raise StateError(f"'shuffling' of a TrainingLog is no state of random.Random: {error}") from None
    return state


def _numbers(found: Any, where: str) -> list[float]:
    return [states.number(x, f"a number of {where!r} of a TrainingLog") for x in found]
