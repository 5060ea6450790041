"""The picture of a run: loss and gradient norm over the steps."""

from __future__ import annotations

import math
from importlib.util import find_spec
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any

from autodiff._support import files
from autodiff.errors import ShapeError
from autodiff.nn.log import COLOURS, DECADE
from autodiff.nn.record import Record


def plot(record: Record, broken: int | None, file: str | PathLike[str] | None) -> Any:
    """A ``Figure`` of losses and gradient norms, with the step marked at which the training broke."""
    if not len(record):
        raise ShapeError("there is nothing to plot: the run has no step")
    if find_spec("matplotlib") is None:
        raise ImportError('plot() needs matplotlib: pip install "autodiff-scalar[plot]"')
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), dpi=150, layout="constrained")
    for axes, numbers, label in zip(
        figure.subplots(1, 2), (record.losses, record.norms), ("loss", "norm of the gradient"), strict=True
    ):
        axes.plot(range(len(record)), numbers, color=COLOURS[0], linewidth=1.0, marker="o" if len(record) == 1 else "")
        finite = [number for number in numbers if math.isfinite(number)]
        if finite and min(finite) > 0 and max(finite) > DECADE * min(finite):
            axes.set_yscale("log")
        if broken is not None:
            axes.axvline(broken, color=COLOURS[1], linewidth=0.8, linestyle="--", label=f"breaks at step {broken}")
            axes.legend(edgecolor="none")
        axes.set(xlabel="step", ylabel=label)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
    if file is not None:
        picture = BytesIO()
        figure.savefig(picture, format=Path(file).suffix[1:] or "png")
        files.replace(Path(file), picture.getvalue())
    return figure
