"""record_run: records a training whose loop is the user's own, by looking on while it calls backward() and step()."""

from __future__ import annotations

import warnings
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from autodiff.engine.recording import watching
from autodiff.engine.value import Value, topological_order
from autodiff.errors import SettingError
from autodiff.nn.record import MEGABYTES, Recorder
from autodiff.nn.run import Own, Run, open_runs
from autodiff.nn.training import fitting
from autodiff.optim.optimizers import measured, numbers_of


@contextmanager
def record_run(
    model: Any, optimizer: Any, *, forward: Callable[[int], Value] | None = None, mb: float = MEGABYTES
) -> Iterator[Run]:
    """Record each step that ``optimizer`` makes inside the block: ``with ad.record_run(model, optimizer) as run:``.

    A step is a call of ``optimizer.step()``; its loss is what ``backward()`` was called on since the step before, or since
    ``optimizer.zero_grad()``, the sum of several. A ``backward()`` without a step after it, because the loop ended there or
    raised, is the last step of the run. Losses of other models are told apart by whether they depend on these parameters.

    ``forward(step)`` makes the loss of a step, counted from 0: with it ``run.loss(step)`` records that step again. Without it
    the run has the numbers alone. ``mb`` is how many megabytes the record may take: when it is full the older steps are
    thinned, which is said with a ``RuntimeWarning``; the losses and norms of every step stay.

    The run knows no samples: ``batch`` is None. Raises ``TypeError`` or ``SettingError``, before anything is recorded, for an
    optimiser that does not fit or an ``mb`` that is not positive.
    """
    fitting(optimizer, model, "record_run()")
    recorder = Recorder(model, optimizer, mb, "record_run(mb)", None)
    source = None if forward is None else Own(recorder.tracked, len(recorder.trained), forward)
    recorder.record.recomputable = source is not None
    watch = _Watch(recorder)
    with _replaced(optimizer, "step", watch.step), _replaced(optimizer, "zero_grad", watch.zero_grad):  # noqa: SIM117
        with watching(seen=watch.after, before=watch.before, replayed=watch.replayed):
            run = Run(recorder.record, source)
            open_runs.append(run)
            try:
                yield run
            finally:
                open_runs.remove(run)
                watch.end()


class _Watch:
    """What has happened since the last step."""

    def __init__(self, recorder: Recorder):
        self.recorder = recorder
        self.losses: list[float] = []
        self.seed = 1.0
        self.before_it = self.gradients = array("d")

    def before(self, loss: Value, seed: Any, file: str, line: int) -> None:
        self.seed, self.before_it = float(seed), numbers_of(self.recorder.trained, True)

    def after(self, loss: Value, file: str, line: int) -> None:
        gradients = numbers_of(self.recorder.trained, True)
        unchanged = gradients.tobytes() == self.before_it.tobytes()
        if not unchanged or not set(self.recorder.trained).isdisjoint(topological_order(loss)):
            self.losses.append(self.seed * loss.data)
            self.gradients = gradients

    def replayed(self, loss: float, parameters: list[Value]) -> None:
        if not set(self.recorder.trained).isdisjoint(parameters):
            self.losses.append(loss)
            self.gradients = numbers_of(self.recorder.trained, True)

    def zero_grad(self, zero_grad: Callable[[], None]) -> None:
        zero_grad()
        self.losses = []

    def step(self, step: Callable[[], None]) -> None:
        recorder, applied = self.recorder, numbers_of(self.recorder.trained, True)
        if not self.losses:
            warnings.warn(
                f"step {len(recorder.record)} of a recorded training comes without a backward() since the step before: "
                "its loss is recorded as nan", RuntimeWarning, stacklevel=3,
            )  # fmt: skip
            self.losses, self.gradients = [float("nan")], applied
        same = applied.tobytes() == self.gradients.tobytes()
        recorder.step(step, sum(self.losses), self.gradients, measured(self.gradients), applied=None if same else applied)
        self.losses = []

    def end(self) -> None:
        """The block ends, perhaps between a backward() and its step."""
        if self.losses:
            self.recorder.step(None, sum(self.losses), self.gradients, measured(self.gradients))


@contextmanager
def _replaced(thing: Any, name: str, wrapper: Callable[[Callable[[], None]], None]) -> Iterator[None]:
    """While the block lasts, ``thing.name()`` is ``wrapper`` of what it was."""
    if not hasattr(thing, "__dict__"):
        raise SettingError(f"record_run() cannot look on: {type(thing).__name__} takes no attributes")
    inner, own = getattr(thing, name), vars(thing).get(name)
    setattr(thing, name, lambda: wrapper(inner))
    try:
        yield
    finally:
        if own is None:
            delattr(thing, name)
        else:
            setattr(thing, name, own)
