"""fit: trains a model on data, step by step, so that it is never left between two steps."""

from __future__ import annotations

import math
import time
import warnings
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Protocol

from autodiff._support import files
from autodiff._support.settings import whole, within
from autodiff.engine import recording
from autodiff.engine.value import Value, adjoints, primal_of
from autodiff.errors import SettingError, ShapeError, TrainingDiverged
from autodiff.nn.initializers import Seed, random_generator, resumed, state_of
from autodiff.nn.interrupts import held_interrupts
from autodiff.nn.log import TrainingLog
from autodiff.nn.losses import Loss, loss_function, mse
from autodiff.nn.metrics import Metric, metric_functions
from autodiff.nn.module import plain_outputs
from autodiff.nn.progress import Progress, progress_to
from autodiff.nn.record import MEGABYTES, Recorder, names_of
from autodiff.nn.run import Fitted, Run, one_sample, open_runs
from autodiff.optim.clipping import clip_grad_norm, coefficient_of
from autodiff.optim.optimizers import measured, numbers_of


class Optimizer(Protocol):
    """What ``fit`` asks of an optimiser; those of ``optim`` have it."""

    @property
    def lr(self) -> float: ...
    @lr.setter
    def lr(self, rate: float, /) -> None: ...
    @property
    def parameters(self) -> Sequence[Value]: ...
    def step(self) -> None: ...
    def zero_grad(self) -> None: ...


def fit(
    model: Callable[[Any], Any],
    xs: Iterable[Any],
    ys: Iterable[Any],
    *,
    epochs: int,
    optimizer: Optimizer | None = None,
    loss: str | Loss = mse,
    batch_size: int | None = None,
    shuffle: bool = True,
    seed: Seed = None,
    validation: tuple[Any, Any] | None = None,
    patience: int | None = None,
    schedule: Callable[[int], float] | None = None,
    clip_norm: float | None = None,
    progress: bool = True,
    metrics: str | Metric | Iterable[str | Metric] | Mapping[str, Metric] | None = None,
    callback: Callable[[TrainingLog], object] | None = None,
    compile: bool = False,
    engine: str | None = None,
    record: bool | str | PathLike[str] = False,
    record_mb: float = MEGABYTES,
    log: TrainingLog | None = None,
) -> TrainingLog:
    """Train ``model`` so that ``loss(outputs, targets)`` of its outputs on ``xs`` and the targets ``ys`` becomes small.

    ``loss`` is a function, or the name of one of ``nn``'s, such as ``"mse"``. A sample x is what ``model(x)`` takes, a target
    what ``loss`` takes beside an output: numbers, lists, or the rows of arrays. Each of ``epochs`` passes goes once over all
    samples, ``batch_size`` at a time (None: all at once). Batches are drawn anew in each epoch, repeatably with a ``seed``, in
    the order of the data with ``shuffle=False``.

    ``optimizer`` is one of ``optim``, made with the parameters it is to train. ``schedule(step)`` gives the learning rate of
    each step, from 0. ``clip_norm`` is the most that ``optim.clip_grad_norm`` leaves of the gradient's length.

    ``validation=(xs, ys)`` are samples whose loss is taken after each epoch. ``patience`` ends the training after so many
    epochs in a row without a new lowest validation loss; without validation data, the training data are evaluated after each
    epoch in their place. With ``patience``, the parameters of the best epoch are restored at the end, whether or not it came
    early; the optimiser keeps its own state.

    ``progress`` shows a bar in a terminal and in a notebook (with tqdm, extra ``progress``) and about ten lines in a log file.
    ``callback(log)`` is called after each epoch, and ends the training by returning true.

    ``metrics`` are functions of outputs and targets, such as ``nn.accuracy``, or names of this package's; what they give after
    each epoch, on the validation data if there are any, is in ``log.metrics``.

    ``compile=True`` records model and loss once, for one sample, and replays that over each batch, as ``ad.compile`` does. The
    loss must then be the mean of the losses of single samples, as all losses of ``nn`` are; the first step makes sure of it.

    ``record=True`` keeps what lets every step be visited again, as ``log.run``; ``record="training.run"`` writes it to that
    file too, at the end, whatever the end is. ``record_mb`` is how many megabytes it may take: when they are full, older steps
    are thinned, and recomputed when they are asked for, which is said with a ``RuntimeWarning``.

    ``engine="jax"`` records them likewise, and takes losses and gradients from JAX in double precision (extra ``jax``), on the
    device that JAX chooses: a GPU where there is one. The optimiser stays ours. Samples must be numbers or of one shape.

    ``log`` is that of a training to go on with, such as ``nn.load_checkpoint`` returns: its entries stay, ``epochs`` more are
    added to it, the schedule goes on from its ``steps``, and the batches from its ``shuffling`` whatever the ``seed``. With the
    other arguments as they were, what comes has the bits that one training of all the epochs would have had.

    Ctrl-C is held back during a step. It ends the training: the model is as after the last whole step, with ``patience`` as
    after the best epoch, and the log so far is returned, with ``log.interrupted`` true.

    Raises ``TrainingDiverged``, which has the ``log``, if the loss or a gradient is nan or infinite; the parameters are then as
    after the last whole step. Raises, before anything is changed, ``TypeError`` or ``SettingError`` for an option without
    sense, an optimiser or a ``log`` that does not fit, ``ShapeError`` for no data or for unlike numbers of xs and ys, and
    ``OSError`` for a file to record into whose folder is not there. If it cannot be written at the end, that is a
    ``RuntimeWarning``.
    """
    for name, count, least in [("epochs", epochs, 0), ("batch_size", batch_size, 1), ("patience", patience, 1)]:
        if count is not None or name == "epochs":
            whole(least, count, f"fit({name})")
    if clip_norm is not None:
        within(0.0, math.inf, clip_norm, "fit(clip_norm)")
    if engine not in (None, "jax"):
        raise SettingError(f'fit(engine) is "jax" or None, not {engine!r}')
    loss, measures = loss_function(loss), metric_functions(metrics)
    data = _samples(xs, ys, "fit()")
    watched = data if patience is not None else None
    if validation is not None:
        watched = _samples(*_two(validation), "fit(): validation")
    size = len(data) if batch_size is None else batch_size
    fitted = fitting(optimizer, model, "fit()")
    file = _file_of(record)
    recorder = (
        None
        if record is False
        else Recorder(model, fitted, record_mb, "fit(record_mb)", len(data), compile or engine is not None)
    )
    training = _Training(model, loss, fitted, schedule, clip_norm, _replayed(model, loss, compile, engine), recorder)
    log = training.going_on(log, list(measures), watched is not None)
    done = len(log.losses)
    if recorder is not None:
        source = Fitted(recorder.tracked, len(recorder.trained), model, loss, data, training.compiled)
        with recording.record_source():
            source.where = Value(0.0).source
        recorder.record.recomputable = True
        log.run = Run(recorder.record, source)
    patient = None if patience is None else _Patience(patience, log.validation)
    generator = random_generator(seed) if log.shuffling is None else resumed(log.shuffling)
    bar = progress_to(epochs, -(-len(data) // size), progress)
    started = time.perf_counter() - (log.seconds[-1] if done else 0.0)
    stop, shuffling = False, log.shuffling
    if log.run is not None:
        open_runs.append(log.run)
    try:
        for epoch in range(done + 1, done + epochs + 1):
            order = list(range(len(data)))
            if shuffle and size < len(data):
                generator.shuffle(order)
                shuffling = state_of(generator)
            if recorder is not None:
                recorder.epoch(order)
            mean = training.epoch(epoch, [data[i] for i in order], size, bar, done)
            held_out = None if watched is None else training.evaluate(watched, size)
            measured_here = _measured(model, measures, data if watched is None else watched)
            with held_interrupts():
                training.note(mean, held_out, measured_here, time.perf_counter() - started)
                log.shuffling = shuffling
                stop = patient is not None and patient.ends_at(epoch, log.validation[-1])
            found = {"loss": mean, **({} if held_out is None else {"validation": held_out}), **measured_here}
            bar.epoch(epoch - done, ", ".join(f"{name} {number:.4g}" for name, number in found.items()))
            if callback is not None and callback(log):
                stop = True
            if stop:
                break
        with held_interrupts():
            log.stopped_early = stop
            training.restore_best(patient)
    except KeyboardInterrupt:
        log.interrupted = True
        with held_interrupts():
            training.restore_best(patient)
    finally:
        bar.close()
        if log.run is not None:
            open_runs.remove(log.run)
        if file is not None:
            _save(log.run, file)
    return log


def _replayed(model: Callable[[Any], Any], loss: Loss, compile: bool, engine: str | None) -> Any:
    """The loss of one sample for the machine or for another engine; None if it is to be recorded for each batch."""
    if engine is None:
        return one_sample(model, loss) if compile else None
    from autodiff.compiler.export import OnJax

    return OnJax(one_sample(model, loss))


@dataclass
class _Training:
    """What does not change from step to step, and the log."""

    model: Callable[[Any], Any]
    loss: Loss
    optimizer: Optimizer
    schedule: Callable[[int], float] | None
    clip_norm: float | None
    compiled: Any = None  # the loss of one sample, if it is to be replayed
    recorder: Recorder | None = None

    def __post_init__(self) -> None:
        self.parameters = tuple(self.optimizer.parameters)
        self.log = TrainingLog(names_of(self.parameters, self.model))

    def going_on(self, log: TrainingLog | None, metrics: list[str], watched: bool) -> TrainingLog:
        """The log of a training that goes on, or the new one. Raises ``SettingError`` where it is of another training."""
        if log is None:
            self.log.metrics = {name: [] for name in metrics}
            return self.log
        if log.names != self.log.names or list(log.metrics) != metrics or (log.losses and bool(log.validation) != watched):
            raise SettingError(
                "fit(log) is the log of another training: the parameters, the metrics, and whether there are validation data "
                "or patience must be as they were"
            )
        log.interrupted, log.stopped_early, log.best_epoch, log.run = False, False, None, None
        self.log = log
        return log

    def epoch(self, epoch: int, samples: list[tuple[Any, Any]], size: int, bar: Progress, done: int) -> float:
        """A step for each batch; the mean loss. ``done`` is how many epochs there were before this training."""
        mean = 0.0
        for number, batch in enumerate(_batches(samples, size), start=1):
            mean += self.step(batch, f"epoch {epoch}, batch {number}") * (len(batch) / len(samples))
            bar.step(epoch - done, number)
        return mean

    def step(self, batch: list[tuple[Any, Any]], where: str) -> float:
        """One step down the gradient of the batch's loss; the loss. All or nothing, and never half."""
        loss, add_gradients = self.replayed(batch) if self.compiled and self.log.steps else self.recorded(batch)
        if not math.isfinite(loss):
            root = _loss_of(self.model, self.loss, batch)
            if self.recorder is not None:
                gradients = array("d", adjoints(root, self.parameters))
                with held_interrupts():
                    self._broken(loss, gradients, len(batch))
            recording.announce_broken(root)
            node = recording.first_non_finite(root)
            node = root if node is None else node
            raise self._diverged(f"the loss is {loss} in {where}: {recording.in_words(node)}{recording.at_source(node)}")
        rate = self.rate()
        with held_interrupts():
            self.optimizer.zero_grad()
            add_gradients()
            gradients = numbers_of(self.parameters, True)
            measures = measured(gradients)
            if not math.isfinite(measures[0]):
                self._check_gradients(f"the loss is {loss:.6g} in {where}, but", loss, gradients, len(batch))
            scale = 1.0
            if self.clip_norm is not None:
                scale = coefficient_of(clip_grad_norm(self.parameters, self.clip_norm), self.clip_norm)
            if rate is not None:
                self.optimizer.lr = rate
            if self.recorder is None:
                self.made()
            else:
                self.recorder.step(self.made, loss, gradients, measures, len(batch), scale)
        return loss

    def _broken(self, loss: float, gradients: array[float], size: int) -> None:
        """Record a step that will not be made."""
        if self.recorder is not None:
            self.recorder.step(None, loss, gradients, measured(gradients), size)

    def made(self) -> None:
        """The optimiser's step."""
        self.optimizer.step()
        self.log.steps += 1

    def recorded(self, batch: list[tuple[Any, Any]]) -> tuple[float, Callable[[], None]]:
        """The loss of a batch, and what adds its gradients."""
        loss = _loss_of(self.model, self.loss, batch)
        if not isinstance(loss, Value):
            raise TypeError(f"{_named(self.loss)} returned {type(loss).__name__} {loss!r}, not a Value made from the outputs")
        if self.compiled:  # once, before the first step
            mean, _ = self.replayed(batch)
            if math.isfinite(loss.data) and not math.isclose(mean, loss.data, rel_tol=1e-6, abs_tol=1e-9):
                raise SettingError(
                    "fit(compile=True) or fit(engine=) needs a loss that is the mean of the losses of single samples; of the "
                    f"first batch {_named(self.loss)} gives {loss.data}, and the mean of those is {mean}: leave it out"
                )
        return loss.data, loss.backward

    def replayed(self, batch: list[tuple[Any, Any]]) -> tuple[float, Callable[[], None]]:
        """The same by the compiled program."""
        loss, add_gradients = self.compiled.swept([x for x, _ in batch], [y for _, y in batch])
        return loss, add_gradients

    def evaluate(self, samples: list[tuple[Any, Any]], size: int) -> float:
        """The mean loss over the samples."""
        if self.compiled:
            return math.fsum(self.compiled.map([x for x, _ in samples], [y for _, y in samples])) / len(samples)
        return _evaluate(self.model, self.loss, samples, size)

    def rate(self) -> float | None:
        """The learning rate of the next step; None leaves it as it is."""
        if self.schedule is None:
            return None
        return within(0.0, math.inf, self.schedule(self.log.steps), "the schedule's learning rate")

    def note(self, loss: float, held_out: float | None, measured: Mapping[str, float], seconds: float) -> None:
        """Enter an epoch into the log."""
        for name, number in measured.items():
            self.log.metrics[name].append(number)
        self.log.losses.append(loss)
        if held_out is not None:
            self.log.validation.append(held_out)
        self.log.weights.append(array("d", [parameter.data for parameter in self.parameters]))
        self.log.learning_rates.append(float(self.optimizer.lr))
        self.log.seconds.append(seconds)

    def restore_best(self, patient: _Patience | None) -> None:
        """Give the parameters the values they had after the best epoch, if anybody has waited for one."""
        if patient is None or not patient.best_epoch:
            return
        for parameter, number in zip(self.parameters, self.log.weights[patient.best_epoch - 1], strict=True):
            parameter.data = number
        self.log.best_epoch = patient.best_epoch

    def _check_gradients(self, context: str, loss: float, gradients: array[float], size: int) -> None:
        for name, gradient in zip(self.log.names, gradients, strict=True):
            if not math.isfinite(gradient):
                self._broken(loss, gradients, size)
                raise self._diverged(f"{context} the gradient of {name} is {gradient}")

    def _diverged(self, what: str) -> TrainingDiverged:
        return TrainingDiverged(f"{what}. The parameters are as after the last whole step, number {self.log.steps}", self.log)


class _Patience:
    """Waits for a new lowest loss."""

    def __init__(self, epochs: int, losses: Sequence[float]):
        self.epochs = epochs
        self.best_epoch = 0
        self.lowest = math.inf
        for epoch, loss in enumerate(losses, start=1):
            self.ends_at(epoch, loss)

    def ends_at(self, epoch: int, loss: float) -> bool:
        """Whether the loss after this epoch is the last one to wait for."""
        if loss < self.lowest:
            self.best_epoch, self.lowest = epoch, loss
        return epoch - self.best_epoch >= self.epochs


# ---- a batch ----------------------------------------------------------------------------------------------------------------


def _batches(samples: list[Any], size: int) -> Iterator[list[Any]]:
    return (samples[start : start + size] for start in range(0, len(samples), size))


def _loss_of(model: Callable[[Any], Any], loss: Loss, batch: list[tuple[Any, Any]]) -> Any:
    return loss([model(x) for x, _ in batch], [y for _, y in batch])


def _evaluate(model: Callable[[Any], Any], loss: Loss, samples: list[tuple[Any, Any]], size: int) -> float:
    """The mean loss over the samples, batch by batch, so that no graph is larger than one in training."""
    batches = _batches(samples, size)
    return math.fsum(primal_of(_loss_of(model, loss, batch)) * (len(batch) / len(samples)) for batch in batches)


def _measured(model: Callable[[Any], Any], metrics: Mapping[str, Metric], samples: list[tuple[Any, Any]]) -> dict[str, float]:
    """What the metrics say of the outputs, which are plain numbers."""
    if not metrics:
        return {}
    outputs, targets = [plain_outputs(model(x)) for x, _ in samples], [y for _, y in samples]
    return {name: primal_of(metric(outputs, targets)) for name, metric in metrics.items()}


# ---- what fit() is given ----------------------------------------------------------------------------------------------------


def _samples(xs: Iterable[Any], ys: Iterable[Any], whose: str) -> list[tuple[Any, Any]]:
    for name, data in (("xs", xs), ("ys", ys)):
        if not isinstance(data, Iterable) or isinstance(data, (str, bytes)):
            raise TypeError(f"{whose}: {name} is {type(data).__name__} {data!r}, not a sequence with one entry for each sample")
    samples, targets = list(xs), list(ys)
    if len(samples) != len(targets):
        raise ShapeError(f"{whose} of {len(samples)} xs and {len(targets)} ys: there must be as many of both")
    if not samples:
        raise ShapeError(f"{whose} of no data: there must be at least one x and one y")
    return list(zip(samples, targets, strict=True))


def _two(validation: Any) -> tuple[Any, Any]:
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise TypeError(f"fit() takes validation=(xs, ys), not {type(validation).__name__}")
    xs, ys = validation
    return xs, ys


def fitting(optimizer: Optimizer | None, model: Any, taker: str) -> Optimizer:
    """The optimiser, if it can train this model."""
    advice = "pass one such as optimizer=optim.SGD(model.parameters(), lr=0.1)"
    if optimizer is None:
        raise TypeError(f"{taker} needs an optimizer: {advice}")
    lacking = [name for name in ("parameters", "lr", "step", "zero_grad") if not hasattr(optimizer, name)]
    if lacking or isinstance(optimizer, type):
        raise TypeError(
            f"{taker}: {optimizer!r} is no optimizer, it has no {lacking[0] if lacking else 'parameters'}: {advice}"
        )
    trained = list(optimizer.parameters)
    if not trained:
        raise SettingError(f"{taker}: the optimizer has no parameters to train: {advice}")
    if hasattr(model, "parameters") and not set(model.parameters()) & set(trained):
        raise SettingError(f"{taker}: none of the optimizer's {len(trained)} parameters belongs to the model: {advice}")
    return optimizer


def _file_of(record: Any) -> Path | None:
    """Where to write the run, if it is to be written. Raises ``FileNotFoundError`` if that cannot be."""
    if isinstance(record, bool):
        return None
    if not isinstance(record, (str, PathLike)):
        raise TypeError(f"fit(record) takes True, False or a file, not {type(record).__name__} {record!r}")
    file = Path(record)
    files.require_folder(file)
    return file


def _save(run: Run, file: Path) -> None:
    """Write the run; if that fails the training is not lost with it."""
    try:
        with held_interrupts():
            run.save(file)
    except OSError as error:
        warnings.warn(f"the record of the training could not be written: {error}; log.run has it", RuntimeWarning, stacklevel=3)


def _named(function: Any) -> str:
    return f"the loss {getattr(function, '__name__', repr(function))}()"
