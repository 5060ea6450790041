"""Run: a training to travel through. Each step of it can be recorded again, exactly, and asked about."""

from __future__ import annotations

import ast
import copy
import math
import operator
import warnings
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import Any, overload

from autodiff.engine.recording import at_source, first_non_finite, in_words, record_source, unwatched
from autodiff.engine.value import Value, adjoints, topological_order
from autodiff.errors import SettingError, ShapeError, StaleRecording, StateError, UnknownNameError
from autodiff.explain import blame
from autodiff.graph.expressions import Expression
from autodiff.nn import run_files
from autodiff.nn.record import OURS, Record, names_of, unlike
from autodiff.nn.run_plots import plot
from autodiff.nn.shapes import counted
from autodiff.optim.optimizers import Moment, Optimizer, measured, numbers_of, put_numbers

JUMP = 10.0  # a loss jumps when it is so many times as large as the largest of the steps before it
BEFORE = 20  # so many steps
FEWEST = 3  # and at least so many
open_runs: list[Run] = []  # of the trainings that are going on and recorded, the innermost last

NEAR, FAR = 10, 49  # steps on a page: so many at the end, and so many spread over the training
CONDITION_NAMES = ("grad", "data", "loss", "norm", "lr", "step")


@dataclass(frozen=True)
class Found:
    """The answer to a question: a step, and the parameter that the question is true of (None if it is about the step)."""

    step: int
    name: str | None


@dataclass(frozen=True)
class Blame:
    """Where a training broke: at ``step``, for the sample of that number, by the operation ``node`` of ``run.loss(step)``.

    ``sample`` is None where the run does not know samples, or where the step has a nan that no single sample has. ``what`` says
    in words what it was; ``loss`` is the recording that ``node`` belongs to.
    """

    step: int
    sample: int | None
    node: Value
    what: str
    loss: Value

    def __str__(self) -> str:
        sample = "" if self.sample is None else f", sample {self.sample}"
        return f"step {self.step}{sample}: {self.what}"


class Step:
    """One step of a run: its numbers. What was not kept is made again when it is asked for."""

    def __init__(self, run: Run, step: int):
        self._run, self.step = run, step

    def __repr__(self) -> str:
        return f"<step {self.step}: loss {self.loss:.6g}, gradient norm {self.norm:.4g}, lr {self.lr:.4g}>"

    @property
    def loss(self) -> float:
        """The loss, as it was before the step."""
        return self._run.record.row(self.step).loss

    @property
    def norm(self) -> float:
        """The Euclidean norm of the gradient, before any clipping."""
        return self._run.record.row(self.step).norm

    @property
    def lr(self) -> float:
        """The learning rate of the step."""
        return self._run.record.row(self.step).rate

    @property
    def batch(self) -> list[int] | None:
        """The indices of the samples, in their order; None if the run does not know samples."""
        return self._run.record.batch(self.step)

    @property
    def parameters(self) -> dict[str, float]:
        """The numbers in the parameters, by name, from which the step began."""
        return dict(zip(self._run.names, self._run._moment(self.step)[0], strict=True))

    @property
    def gradients(self) -> dict[str, float]:
        """The gradient of each trained parameter, by name, before any clipping."""
        record = self._run.record
        return dict(zip(record.names[: record.trained], self._run._gradients(self.step), strict=True))

    @property
    def optimizer(self) -> dict[str, Any] | None:
        """The optimiser's ``state_dict()`` from which the step began; None for an optimiser that is not one of ``optim``."""
        moment = self._run._moment(self.step)[1]
        if moment is None:
            return None
        scratch = self._run._scratch([0.0] * self._run.record.trained, moment)
        scratch.lr = self.lr
        return scratch.state_dict()


class Run(Sequence[Step]):
    """A training, step by step, counted from 0; the step that diverged is the last one. ``len(run)`` is how many there are.

    ``nn.fit(record=True)`` makes one, ``log.run``; ``record_run`` does around a loop of one's own; ``load_run`` reads one.

    ``run[step]`` has the numbers: ``loss``, ``batch``, ``parameters``, ``gradients``, ``norm``, ``lr``, ``optimizer``. They are
    those of the training to the last bit. ``run.loss(step)`` is the recording of that step again. ``losses`` and ``norms`` are
    one number a step, ``names`` those of the parameters.
    """

    def __init__(self, record: Record, source: Source | None = None):
        self.record, self._source = record, source
        self._cursor: tuple[int, array[float], Moment | None] | None = None

    def __repr__(self) -> str:
        record = self.record
        parts = [counted(len(record), "step"), counted(len(record.names), "parameter")]
        if len(record):
            parts.append(f"loss {record.row(0).loss:.4g} → {record.row(len(record) - 1).loss:.4g}")
        parts.append(f"{record.bytes / 2**20:.3g} MB")
        if record.thinned:
            parts.append(f"thinned: of the steps before {min(record.gradients)} every {record.every}th is kept")
        return f"<Run: {', '.join(parts)}>"

    # ---- numbers ----------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.record)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> list[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | list[Step]:
        """A step, from the end if ``index`` is negative. Raises ``IndexError`` beyond ``len(run)``."""
        if isinstance(index, slice):
            return [Step(self, step) for step in range(*index.indices(len(self)))]
        return Step(self, self._step(index))

    @property
    def losses(self) -> list[float]:
        """The loss of each step, as it was before the step."""
        return self.record.losses.tolist()

    @property
    def norms(self) -> list[float]:
        """The Euclidean norm of the gradient at each step, before any clipping."""
        return self.record.norms.tolist()

    @property
    def names(self) -> list[str]:
        """The names of the parameters: those that are trained, then those of the model that are not."""
        return list(self.record.names)

    def _step(self, index: Any) -> int:
        step = operator.index(index)
        if not -len(self) <= step < len(self):
            there = f"there are steps 0 … {len(self) - 1}" if len(self) else "there are no steps"
            raise IndexError(f"step {step} of a run of {counted(len(self), 'step')}: {there}")
        return step % len(self)

    def _moment(self, step: int) -> tuple[array[float], Moment | None]:
        """Parameters and optimiser's state from which a step begins: those of a snapshot, or steps of the optimiser later."""
        record, cursor = self.record, self._cursor
        base = record.base(step)
        if base is None:
            raise _not_kept(record, step)
        begin, (data, moment) = base, record.snapshots[base]
        if cursor is not None and begin <= cursor[0] <= step:
            begin, data, moment = cursor
        if begin < step:
            assert moment is not None
            scratch = self._scratch(data, moment)
            rest = data[record.trained :]
            for number in range(begin, step):
                self._make_step(number, scratch, rest)
            data, moment = numbers_of(scratch._parameters, False) + rest, scratch.moment()
        self._cursor = step, data, moment
        return data, moment

    def _scratch(self, data: Sequence[float], moment: Moment) -> Optimizer:
        """An optimiser of that class and state for Values of its own."""
        record = self.record
        assert record.optimizer is not None
        scratch = OURS[record.optimizer]([Value(x) for x in data[: record.trained]])
        scratch.resume(moment)
        return scratch

    def _make_step(self, number: int, scratch: Optimizer, rest: array[float]) -> None:
        """Have the optimiser make step ``number`` again."""
        record = self.record
        applied, row = record.applied.get(number), record.row(number)
        if applied is None:
            gradients = record.gradients.get(number)
            if gradients is None:
                gradients = self._recomputed(number, numbers_of(scratch._parameters, False) + rest)
            scale = row.scale
            applied = gradients if scale == 1.0 else array("d", [gradient * scale for gradient in gradients])
        put_numbers(scratch._parameters, applied, True)
        scratch.lr = row.rate
        scratch.step()

    def _gradients(self, step: int) -> array[float]:
        kept = self.record.gradients.get(step)
        return self._recomputed(step, self._moment(step)[0]) if kept is None else kept

    def _recomputed(self, step: int, data: array[float]) -> array[float]:
        """The gradients of a step that were not kept. Raises ``StaleRecording`` unless they are those of the training."""
        record = self.record
        if self._source is None or not record.recomputable:
            raise _not_kept(record, step)
        found = self._source.gradients(step, record.batch(step), data)
        then = array("d", record.row(step)[1:4])
        if array("d", measured(found)).tobytes() != then.tobytes():
            raise StaleRecording(
                f"the gradients of step {step} were not kept, and recomputed they are others: their norm is "
                f"{measured(found)[0]}, and was {then[0]}. The loss must depend on parameters and "
                "samples alone, and on nothing random"
            )
        return found

    # ---- recordings -------------------------------------------------------------------------------------------------------

    def loss(self, step: int) -> Value:
        """The recording of a step again, its ``backward()`` done: the same names, lines and bits, whatever the model holds now.

        Its Values are copies: nothing in the model changes. Lines are noted, as under ``record_source()``. Of a training with
        ``compile=True`` the parameters are those of the training to the last bit, loss and gradients those of Python's
        recording, which rounds otherwise than the program in their last digits. A loss that comes out otherwise, because the
        model draws random numbers or its data have changed, is said with a ``RuntimeWarning``.

        Raises ``StateError`` if the run has nothing to make a loss with: see ``attach``, and ``forward=`` of ``record_run``;
        ``IndexError`` beyond ``len(run)``; ``StaleRecording`` where the budget has dropped what is needed.
        """
        step = self._step(step)
        source = self._needed_source()
        found = source.recording(step, self.record.batch(step), self._moment(step)[0])
        then = self.record.row(step).loss
        same = math.isclose(found.data, then, rel_tol=1e-6, abs_tol=1e-9) if self.record.compiled else found.data == then
        if not same and not (math.isnan(found.data) and math.isnan(then)):
            warnings.warn(
                f"the loss of step {step} was {then!r} and is {found.data!r} recorded again: it depends on something besides "
                "parameters and samples, such as random numbers, or it is another loss",
                RuntimeWarning, stacklevel=2,
            )  # fmt: skip
        return found

    def attach(
        self,
        model: Any,
        loss: Callable[[Any, Any], Any] | None = None,
        xs: Iterable[Any] | None = None,
        ys: Iterable[Any] | None = None,
        *,
        forward: Callable[[int], Value] | None = None,
    ) -> Run:
        """Give a loaded run what ``loss(step)`` needs: the model, the loss and the samples of ``fit``; returns the run.

        For a run that ``record_run`` made, ``forward(step)`` makes the loss of a step. Nothing in the model changes.

        Raises, before anything is changed, ``StateError`` for a model with other parameters, ``ShapeError`` for another number
        of samples, ``TypeError`` for what is missing.
        """
        tracked = _tracked(model, self.record)
        if forward is not None:
            self._source = Own(tracked, self.record.trained, forward)
        else:
            if loss is None or xs is None or ys is None:
                raise TypeError("attach() takes model, loss, xs and ys, or model and forward=")
            samples = list(zip(list(xs), list(ys), strict=True))
            if self.record.samples is None:
                raise StateError("this run knows no samples: attach(model, forward=f), where f(step) makes the loss of a step")
            if len(samples) != self.record.samples:
                raise ShapeError(f"attach() of {counted(len(samples), 'sample')} to a run of {self.record.samples:,}")
            self._source = Fitted(tracked, self.record.trained, model, loss, samples, self.record.compiled)
        return self

    @property
    def can_record(self) -> bool:
        """Whether there is something to make a loss with."""
        return self._source is not None

    def _needed_source(self) -> Source:
        if self._source is None:
            what = "forward=f, where f(step) makes the loss of a step" if self.record.samples is None else "loss, xs, ys"
            raise StateError(f"this run has the numbers alone: attach(model, {what}) gives it what makes a loss")
        return self._source

    # ---- questions --------------------------------------------------------------------------------------------------------

    def first(self, question: str, *, name: str | None = None, sample: int | None = None) -> Found | None:
        """The first step of which something is true, and the first parameter of which it is; None if it never is.

        ``question`` is a condition over ``grad`` and ``data`` of each parameter, and ``loss``, ``norm`` (of the gradient),
        ``lr`` and ``step``: ``"abs(grad) > 10"``, ``"isnan(loss)"``. Gradients are those before any clipping. Or it is
        ``"changes sign"``: the step whose gradient has another sign than that before it, where 0 has none and is passed over.

        ``name`` is that of one parameter, or of the scope that they belong to, such as ``"layers.0"``; ``sample`` asks of the
        steps alone that this sample was in. Answered from what was kept; only gradients that the budget has dropped are
        recomputed. Raises ``DebuggerError`` for a question that is not understood, ``UnknownNameError`` for a name that is
        not there.
        """
        return next(self._answers(question, name, sample, range(len(self))), None)

    def last(self, question: str, *, name: str | None = None, sample: int | None = None) -> Found | None:
        """The last step of which something is true; as ``first``."""
        if question.strip() == "changes sign":
            return max(self._answers(question, name, sample, range(len(self))), key=lambda found: found.step, default=None)
        return next(self._answers(question, name, sample, range(len(self) - 1, -1, -1)), None)

    def blame(self, *, sample: int | None = None) -> Blame | None:
        """The first step with a nan, an inf or a jump in its loss, or a gradient that is not finite; None if there is none.

        A jump is a loss more than ten times as large as the largest of the twenty steps before it. ``sample`` of the answer is
        the first of the batch that has a nan or an inf, for a jump the one with the largest loss; ``node`` the operation that
        made the nan or inf, or for a jump that sample's largest output. With ``sample=`` the steps alone count that it was in.

        One step is recorded again for the answer. Raises as ``loss`` does.
        """
        steps = self._steps_with(sample, range(len(self)))
        found = next(self._broken(steps), None)
        if found is None:
            return None
        source, batch, loss = self._needed_source(), self.record.batch(found), self.loss(found)
        losses, outputs = source.by_sample(found, batch, self._moment(found)[0])
        node = first_non_finite(loss)
        if node is not None:
            culprit = next((i for i, number in enumerate(losses) if not math.isfinite(number)), None)
            what = in_words(node) + at_source(node)
        elif not math.isfinite(self.record.row(found).norm):
            reason = blame(loss, gradients=True)
            culprit, node, what = None, loss if reason.node is None else reason.node, str(reason)
        else:
            culprit = max(range(len(losses)), key=losses.__getitem__, default=None)
            node = loss if culprit is None else outputs(loss, culprit)
            what = f"the loss jumps from {self.record.row(found - 1).loss:.6g} to {loss.data:.6g}{at_source(node)}"
        return Blame(found, None if culprit is None or batch is None else batch[culprit], node, what, loss)

    def culprit(self, step: int) -> int | None:
        """The first sample in the batch of a step whose loss is nan or infinite; None if there is none, or none is known."""
        step = self._step(step)
        batch = self.record.batch(step)
        losses, _ = self._needed_source().by_sample(step, batch, self._moment(step)[0])
        return next((sample for sample, loss in zip(batch or (), losses, strict=False) if not math.isfinite(loss)), None)

    def _broken(self, steps: Iterable[int]) -> Iterator[int]:
        """Those steps with a loss or a gradient that is not finite, or a jump."""
        losses, norms = self.record.losses, self.record.norms
        for step in steps:
            before = losses[max(step - BEFORE, 0) : step]
            if not math.isfinite(losses[step]) or not math.isfinite(norms[step]):
                yield step
            elif len(before) >= FEWEST:
                most = max(before)
                if losses[step] > most + (JUMP - 1.0) * max(abs(most), most - min(before)):
                    yield step

    def _steps_with(self, sample: int | None, steps: range) -> Iterator[int]:
        """Those steps whose batch has a sample."""
        if sample is None:
            yield from steps
            return
        if self.record.samples is None:
            raise SettingError("this run does not know which samples a step had")
        if not 0 <= operator.index(sample) < self.record.samples:
            raise IndexError(f"there is no sample {sample}; there are 0 … {self.record.samples - 1}")
        yield from (step for step in steps if sample in (self.record.batch(step) or ()))

    def _places(self, name: str | None) -> list[int]:
        """The numbers of the trained parameters with this name, or in this scope."""
        names = self.record.names[: self.record.trained]
        if name is None:
            return list(range(len(names)))
        found = [i for i, known in enumerate(names) if known == name] or [
            i for i, known in enumerate(names) if known.startswith(f"{name}.")
        ]
        if not found:
            raise UnknownNameError(f"no parameter and no scope is called {name!r}; there are {', '.join(names[:20])}" + (
                f" and {len(names) - 20:,} more" if len(names) > 20 else ""))  # fmt: skip
        return found

    def _answers(self, question: str, name: str | None, sample: int | None, steps: range) -> Iterator[Found]:
        places = self._places(name)
        if question.strip() == "changes sign":
            yield from self._changes_of_sign(places, self._steps_with(sample, steps))
            return
        condition, outermost = Expression(question, CONDITION_NAMES), _asks_for_the_outermost(question)
        record = self.record
        for step in self._steps_with(sample, steps):
            row = record.row(step)
            numbers = {"loss": row.loss, "norm": row.norm, "lr": row.rate, "step": float(step)}
            if outermost and not math.isnan(row.norm):
                extremes = (row.least, row.largest)
                if not any(condition.value({"grad": extreme}.__getitem__) for extreme in extremes):
                    continue
            asked = _Asked(self, step, numbers)
            for asked.place in places:
                if condition.value(asked):
                    yield Found(step, record.names[asked.place] if asked.of_parameter else None)
                    break
                if not asked.of_parameter:
                    break

    def _changes_of_sign(self, places: list[int], steps: Iterable[int]) -> Iterator[Found]:
        signs: dict[int, bool] = {}
        for step in steps:
            gradients, found = self._gradients(step), None
            for place in places:
                if gradients[place] != 0.0 and not math.isnan(gradients[place]):
                    positive = gradients[place] > 0.0
                    if signs.get(place, positive) != positive and found is None:
                        found = place
                    signs[place] = positive
            if found is not None:
                yield Found(step, self.record.names[found])

    # ---- files and pictures -----------------------------------------------------------------------------------------------

    def save(self, file: str | PathLike[str]) -> None:
        """Write the numbers of the run to one file, whole or not at all; no code is in it. Raises ``OSError``."""
        run_files.write(file, self.record)

    def page(self, step: int | None = None, file: str | PathLike[str] | None = None) -> Any:
        """The page of one step, as ``ad.page(run.loss(step), file)``; without a step, of the training.

        That one has two sliders: over steps of the training, and inside the pass. There are up to 60 of them, from all of the
        training and each of the last ten, as far as a page holds them; a step that is recorded in another form than the last
        one, such as an epoch's short last batch, is left out.

        Raises as ``loss`` and ``ad.page`` do, and ``ShapeError`` for a run of no steps.
        """
        from autodiff.debugger.page import page, page_of_run

        if step is not None:
            return page(self.loss(step), file)
        if not len(self):
            raise ShapeError("there is nothing to show: the run has no step")
        n, near = len(self), min(NEAR, len(self))
        chosen = sorted({*range(n - near, n), *(round(i * (n - 1) / FAR) for i in range(FAR + 1))})
        return page_of_run([(step, self.loss(step)) for step in chosen], n, file)

    def plot(self, file: str | PathLike[str] | None = None) -> Any:
        """A matplotlib ``Figure`` of loss and gradient norm over the steps, written to ``file`` too, if there is one.

        Raises ``ShapeError`` for a run of no steps, ``ImportError`` without matplotlib.
        """
        return plot(self.record, next(self._broken(range(len(self))), None), file)


class _Asked:
    """What a condition asks of a step and a parameter; gradients and parameters are fetched once, and only if asked for."""

    def __init__(self, run: Run, step: int, numbers: dict[str, float]):
        self.run, self.step, self.numbers = run, step, numbers
        self.place, self.of_parameter = 0, False

    @cached_property
    def gradients(self) -> array[float]:
        return self.run._gradients(self.step)

    @cached_property
    def data(self) -> array[float]:
        return self.run._moment(self.step)[0]

    def __call__(self, name: str) -> float:
        if name in self.numbers:
            return self.numbers[name]
        self.of_parameter = True
        return (self.gradients if name == "grad" else self.data)[self.place]


def _asks_for_the_outermost(question: str) -> bool:
    """Whether a condition is one that, if it is true of any gradient, is true of the least or of the largest."""
    match ast.parse(question.strip(), mode="eval").body:
        case ast.Compare(left=left, ops=[ast.Gt() | ast.GtE() | ast.Lt() | ast.LtE() as op], comparators=[ast.Constant()]):
            text, more = ast.unparse(left), isinstance(op, (ast.Gt, ast.GtE))
            return text == "grad" or (text == "abs(grad)" and more)
    return False


def _not_kept(record: Record, step: int) -> StaleRecording:
    return StaleRecording(
        f"the parameters and gradients of step {step} were not kept: {record.budget / 2**20:g} MB hold every "
        f"{record.every}th of the older steps, and what can make the others again is missing"
    )


# ---- what makes the loss of a step ------------------------------------------------------------------------------------------


class Source:
    """Makes the loss of a step with the parameters as they were then, and leaves them as they are."""

    where: Any = None  # the user's line that called fit

    def __init__(self, tracked: tuple[Value, ...], trained: int):
        self.tracked, self.trained = tracked, tracked[:trained]

    def made(self, step: int, batch: list[int] | None) -> Value:
        """The loss, of the parameters as they stand."""
        raise NotImplementedError

    def by_sample(
        self, step: int, batch: list[int] | None, data: array[float]
    ) -> tuple[list[float], Callable[[Value, int], Value]]:
        """The loss of each sample; and what finds in the recording of all of them the Value that stands for one."""
        return [], lambda loss, place: loss

    @contextmanager
    def as_then(self, data: array[float]) -> Iterator[None]:
        """The parameters hold these numbers, and no gradient."""
        now, gradients = numbers_of(self.tracked, False), numbers_of(self.tracked, True)
        try:
            put_numbers(self.tracked, data, False)
            put_numbers(self.tracked, array("d", bytes(8 * len(data))), True)
            with unwatched():
                yield
        finally:
            put_numbers(self.tracked, now, False)
            put_numbers(self.tracked, gradients, True)

    def recording(self, step: int, batch: list[int] | None, data: array[float]) -> Value:
        """A copy of the recording, its ``backward()`` done."""
        with self.as_then(data), record_source():
            here, loss = Value(0.0).source, self.made(step, batch)
            others = tuple({node for node in topological_order(loss) if not node.op} - set(self.tracked))
            gradients = numbers_of(others, True)
            try:
                put_numbers(others, array("d", bytes(8 * len(others))), True)
                loss.backward()
                return self._as_called_then(copy.deepcopy(loss), here)
            finally:
                put_numbers(others, gradients, True)

    def _as_called_then(self, loss: Value, here: Any) -> Value:
        """What this package made for the line that asks, ``here``, it made in the training for the line that called ``fit``."""
        if self.where is not None and here is not None:
            for node in topological_order(loss):
                if node.source is not None and node.source.place == here.place:
                    node.source = self.where
        return loss

    def gradients(self, step: int, batch: list[int] | None, data: array[float]) -> array[float]:
        """The gradients of the trained parameters."""
        with self.as_then(data):
            return array("d", adjoints(self.made(step, batch), self.trained))


class Own(Source):
    """A loop of one's own: ``forward(step)`` makes the loss of a step."""

    def __init__(self, tracked: tuple[Value, ...], trained: int, forward: Callable[[int], Any]):
        super().__init__(tracked, trained)
        if not callable(forward):
            raise TypeError(
                f"forward= takes a function that makes the loss of a step, not {type(forward).__name__} {forward!r}"
            )
        self.forward = forward

    def made(self, step: int, batch: list[int] | None) -> Value:
        loss = self.forward(step)
        if not isinstance(loss, Value):
            raise TypeError(f"forward({step}) returned {type(loss).__name__} {loss!r}, not the loss as a Value")
        return loss


class Fitted(Source):
    """``fit``: a model, a loss and samples."""

    def __init__(
        self, tracked: tuple[Value, ...], trained: int, model: Any, loss: Any, samples: Sequence[Any], compiled: Any = None
    ):
        super().__init__(tracked, trained)
        self.model, self.loss, self.samples, self.compiled = model, loss, samples, compiled

    def made(self, step: int, batch: list[int] | None) -> Value:
        found: Value = self._loss(batch or ())
        return found

    def _loss(self, batch: Iterable[int]) -> Any:
        chosen = [self.samples[i] for i in batch]
        return self.loss([self.model(x) for x, _ in chosen], [y for _, y in chosen])

    def by_sample(
        self, step: int, batch: list[int] | None, data: array[float]
    ) -> tuple[list[float], Callable[[Value, int], Value]]:
        with self.as_then(data):
            losses = [float(self._loss([i]).data) for i in batch or ()]
            outputs = [self.model(self.samples[i][0]) for i in batch or ()]
        chosen = [output if isinstance(output, (list, tuple)) else [output] for output in outputs]

        def find(loss: Value, place: int) -> Value:
            number = max((abs(x.data) for x in chosen[place] if isinstance(x, Value)), default=0.0)
            same = (node for node in topological_order(loss) if node.op and abs(node.data) == number)
            return next(same, loss)

        return losses, find

    def gradients(self, step: int, batch: list[int] | None, data: array[float]) -> array[float]:
        if not self.compiled or not step:  # the first step of a compiled training is recorded
            return super().gradients(step, batch, data)
        if self.compiled is True:
            self.compiled = one_sample(self.model, self.loss)
        chosen = [self.samples[i] for i in batch or ()]
        with self.as_then(data):
            _, add_gradients = self.compiled.swept([x for x, _ in chosen], [y for _, y in chosen])
            add_gradients()
            found: array[float] = numbers_of(self.trained, True)
            return found


def one_sample(model: Callable[[Any], Any], loss: Callable[[Any, Any], Any]) -> Any:
    """The loss of one sample, compiled."""
    from autodiff.compiler import compile as compiled_form

    return compiled_form(lambda x, y: loss([model(x)], [y]))


def _tracked(model: Any, record: Record) -> tuple[Value, ...]:
    """The model's parameters in the order of a record. Raises ``StateError`` if they are others."""
    if not hasattr(model, "parameters"):
        raise TypeError(f"attach() takes a model with parameters(), not {type(model).__name__} {model!r}")
    values = list(model.parameters())
    here = dict(zip(unlike(names_of(values, model)), values, strict=True))
    missing = [name for name in record.names if name not in here]
    unexpected = [name for name in here if name not in record.names]
    if missing or unexpected:
        what = f"has no {missing[0]!r}" if missing else f"has {unexpected[0]!r}, and the run has not"
        raise StateError(
            f"the run is that of a model with {counted(len(record.names), 'parameter')}; this one, with {len(here):,}, {what}",
            missing, unexpected,
        )  # fmt: skip
    return tuple([here[name] for name in record.names])


def load_run(file: str | PathLike[str]) -> Run:
    """The run that ``run.save`` wrote: its numbers. ``run.attach(...)`` gives it what records a step again. No code is run.

    Raises ``WrongFile``, which says what is wrong, if the file is cut, changed, or of another program; ``OSError`` if it cannot
    be read.
    """
    return Run(run_files.read(file))
