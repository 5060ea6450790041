"""What is kept of a training: for each step a row of numbers, and as much of parameters and gradients as a budget allows.

A step is a function of the parameters, the optimiser's state and the gradients. So a snapshot of the first two at every 32nd
step and the gradients of each give every moment back to the last bit, by making the optimiser's steps again. Where somebody
else than the optimiser has changed something between two steps, there is a break, and another snapshot.

When the budget is full, the gradients of the older steps go, which a loss that can be recorded again gives back; then every
second snapshot.
"""

from __future__ import annotations

import warnings
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from autodiff._support.settings import within
from autodiff.engine.value import Value
from autodiff.nn.module import Module
from autodiff.nn.shapes import counted
from autodiff.optim import optimizers
from autodiff.optim.optimizers import Moment, differ, numbers_of, read_into

EVERY = 32  # steps from one snapshot to the next
RECENT = 64  # steps whose gradients stay longest
MEGABYTE = 2**20
MEGABYTES = 64.0  # that a record may take if nothing else is said
OBJECT = 150  # bytes of an array besides its numbers, and of its entry

OURS = {kind.__name__: kind for kind in (optimizers.SGD, optimizers.Adam, optimizers.AdamW, optimizers.RMSprop)}
# The loss; norm, least and largest of its gradients; learning rate; what the gradients are multiplied by before they are used;
# where in ``order`` the batch begins and ends.
COLUMNS = ("losses", "norms", "leasts", "largests", "rates", "scales", "starts", "ends")
WIDTH = len(COLUMNS)
ROW = 8 * WIDTH  # bytes


class Snapshot(NamedTuple):
    """The parameters, and the optimiser's state if it is one of ``optim``, from which a step begins."""

    data: array[float]
    moment: Moment | None


class Row(NamedTuple):
    """One step in numbers; see ``COLUMNS``."""

    loss: float
    norm: float
    least: float
    largest: float
    rate: float
    scale: float
    start: float
    end: float


class Record:
    """The rows, snapshots and gradients of a training, within ``budget`` bytes.

    ``names`` are those of the parameters, of which the first ``trained`` are trained; ``optimizer`` is the name of a class of
    ``optim``, or None for another, whose steps cannot be made again. ``samples`` is how many there are, None if that is not
    known. ``recomputable``: somebody can make the loss of a step again.
    """

    def __init__(self, names: list[str], trained: int, optimizer: str | None, samples: int | None, compiled: bool = False):
        self.names, self.trained, self.optimizer = names, trained, optimizer
        self.samples, self.compiled = samples, compiled
        self.rows = array("d")  # for each step those of COLUMNS, one after the other
        self.order = array("q")
        self.snapshots: dict[int, Snapshot] = {}
        self.gradients: dict[int, array[float]] = {}
        self.applied: dict[int, array[float]] = {}
        self.breaks: list[int] = []
        self.every = EVERY
        self.budget = float("inf")
        self.bytes = 0
        self.recomputable = False
        self.thinned = self.full = False
        self.unfinished = False  # the last step was begun and not made

    def __len__(self) -> int:
        return len(self.rows) // WIDTH

    @property
    def losses(self) -> array[float]:
        """The loss of each step."""
        return self.rows[0::WIDTH]

    @property
    def norms(self) -> array[float]:
        """The norm of the gradient at each step."""
        return self.rows[1::WIDTH]

    def row(self, step: int) -> Row:
        """The numbers of a step."""
        return Row(*self.rows[WIDTH * step : WIDTH * (step + 1)])

    def add(
        self,
        row: tuple[float, ...],
        gradients: array[float],
        applied: array[float] | None,
        snapshot: Snapshot | None,
        broken: bool,
    ) -> None:
        """Keep one step more: its row, its gradients, what the optimiser was given if that is something else than those times
        the scale, and parameters and state where they are due, or because somebody has ``broken`` in."""
        step = len(self)
        self.rows.extend(row)
        self.gradients[step] = gradients
        self.bytes += ROW + OBJECT + 8 * self.trained
        if applied is not None:
            self.applied[step] = applied
            self.bytes += size_of(applied)
        if broken:
            self.breaks.append(step)
        if snapshot is not None:
            self.snapshots[step] = snapshot
            self.bytes += size_of_snapshot(snapshot)
        if self.bytes > self.budget:
            self._thin()

    def batch(self, step: int) -> list[int] | None:
        """The numbers of the samples of a step."""
        if self.samples is None:
            return None
        start, end = self.row(step)[6:]
        return self.order[int(start) : int(end)].tolist()

    def base(self, step: int) -> int | None:
        """The snapshot from which the optimiser comes to a step; None if it was dropped."""
        kept = list(self.snapshots)
        base = kept[bisect_right(kept, step) - 1]
        broken = bisect_right(self.breaks, step)
        return None if broken and self.breaks[broken - 1] > base else base

    # ---- the budget -------------------------------------------------------------------------------------------------------

    def _thin(self) -> None:
        while self.bytes > self.budget and not self.full:
            rows = list(self.gradients)
            fewer = [step for step in self.snapshots if step % (2 * self.every)]
            if len(rows) > RECENT:
                self._forget(rows[: len(rows) // 2])
            elif fewer:
                self.every *= 2
                for step in fewer:
                    self.bytes -= size_of_snapshot(self.snapshots.pop(step))
            elif len(rows) > 1:
                self._forget(rows[: len(rows) // 2])
            else:
                self.full = True
        if self.full:
            warnings.warn(
                f"the record of a training ends with step {len(self) - 1}: a row for each step fills its "
                f"{self.budget / MEGABYTE:g} MB (record_mb=, mb=)", RuntimeWarning, stacklevel=3,
            )  # fmt: skip
        elif not self.thinned:
            fate = "recomputed when they are asked for" if self.recomputable else "not kept; their losses and norms are"
            warnings.warn(
                f"after {counted(len(self), 'step')} the record of a training has filled its {self.budget / MEGABYTE:g} MB "
                f"(record_mb=, mb=), and is thinned: of the older steps every {self.every}th is kept, those between are {fate}",
                RuntimeWarning, stacklevel=3,
            )  # fmt: skip
        self.thinned = True

    def _forget(self, steps: Iterable[int]) -> None:
        for step in steps:
            self.bytes -= size_of(self.gradients.pop(step))
            if step in self.applied:
                self.bytes -= size_of(self.applied.pop(step))


def size_of(numbers: array[float]) -> int:
    """The bytes of an array in a record."""
    return OBJECT + 8 * len(numbers)


def size_of_snapshot(snapshot: Snapshot) -> int:
    """The bytes of a snapshot in a record."""
    buffers = [] if snapshot.moment is None else snapshot.moment.buffers.values()
    return 3 * OBJECT + sum(map(size_of, [snapshot.data, *buffers]))


class Recorder:
    """Writes a record while an optimiser makes its steps: ``step`` makes each of them."""

    def __init__(self, model: Any, optimizer: Any, megabytes: Any, what: str, samples: int | None, compiled: bool = False):
        budget = within(0.0, float("inf"), megabytes, what) * MEGABYTE
        self.optimizer = optimizer
        self.trained = tuple(optimizer.parameters)
        self.tracked = tuple(dict.fromkeys([*self.trained, *(model.parameters() if hasattr(model, "parameters") else ())]))
        kind = type(optimizer)
        self.ours = OURS.get(kind.__name__) is kind and "step" not in vars(optimizer)
        names = unlike(names_of(self.tracked, model))
        self.record = Record(names, len(self.trained), kind.__name__ if self.ours else None, samples, compiled)
        self.record.budget = budget
        self._after = numbers_of(self.tracked, False)
        self._mark = optimizer.mark() if self.ours else None
        self._epoch: Sequence[int] = ()
        self._start = self._at = 0  # where in the record's order the epoch begins, and the next batch

    def epoch(self, order: Sequence[int]) -> None:
        """The batches of the steps to come are cut from these samples."""
        if order != self._epoch and not self.record.full:
            self._epoch, self._start = list(order), len(self.record.order)
            self.record.order.extend(order)
            self.record.bytes += 8 * len(order)
        self._at = self._start

    def step(
        self,
        make: Callable[[], object] | None,
        loss: float,
        gradients: array[float],
        measures: tuple[float, float, float],
        size: int = 0,
        scale: float = 1.0,
        applied: array[float] | None = None,
    ) -> None:
        """Have ``make`` make a step of ``size`` samples with ``scale`` · ``gradients``, or with ``applied``, and keep it.

        Without ``make`` the step is one that the training broke at.
        """
        record, optimizer = self.record, self.optimizer
        record.unfinished = make is None
        make = make or (lambda: None)
        if record.full:
            make()
            return
        due, ours = len(record) % record.every == 0, self.ours
        same = ours and not differ(self.tracked, self._after) and optimizer.unchanged_since(self._mark)
        snapshot = None
        if due or not same:
            snapshot = Snapshot(numbers_of(self.tracked, False), optimizer.moment() if ours else None)
        rate = float(optimizer.lr)
        make()
        read_into(self._after, self.tracked)
        self._mark = optimizer.mark() if ours else None
        start, self._at = self._at, self._at + size
        row = (loss, *measures, rate, scale, start, self._at)
        record.add(row, gradients, applied, snapshot, not same and len(record) > 0)


# ---- names ------------------------------------------------------------------------------------------------------------------


def names_of(parameters: Sequence[Value], model: Any) -> list[str]:
    """The parameters' paths in the model; for others their names, or what number they are."""
    paths = {parameter: path for path, parameter in model.named_parameters()} if isinstance(model, Module) else {}
    return [paths.get(parameter) or parameter.name or f"parameter {i}" for i, parameter in enumerate(parameters)]


def unlike(names: list[str]) -> list[str]:
    """The names, each once: the second ``w`` is ``w (2)``."""
    found: dict[str, None] = {}
    for name in names:
        number, free = 1, name
        while free in found:
            number += 1
            free = f"{name} ({number})"
        found[free] = None
    return list(found)
