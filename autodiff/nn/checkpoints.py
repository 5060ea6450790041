"""Checkpoints: a training set aside in a file, to be gone on with."""

from __future__ import annotations

from os import PathLike
from typing import Any

from autodiff._support import states
from autodiff.errors import StateError, WrongFile
from autodiff.nn import state_files
from autodiff.nn.log import TrainingLog
from autodiff.nn.module import Module


def save_checkpoint(file: str | PathLike[str], model: Module, optimizer: Any = None, log: TrainingLog | None = None) -> None:
    """Write the model's parameters, the optimiser's state and the log into one JSON file, complete or not at all.

    Made between two epochs, as in a ``callback`` of ``nn.fit``, it has all that a training depends on: the log holds how far
    the schedule is and the state of what shuffles, so that ``nn.fit(..., log=nn.load_checkpoint(file, model, optimizer))``
    goes on to the same bits. Raises ``OSError`` if the file cannot be written.
    """
    parts = {
        "model": type(model).__name__,
        "parameters": states.plain_throughout(model.state_dict()),
        "optimizer": None if optimizer is None else states.plain_throughout(optimizer.state_dict()),
        "log": None if log is None else log.to_dict(),
    }
    state_files.write_checkpoint(file, parts)


def load_checkpoint(file: str | PathLike[str], model: Module, optimizer: Any = None) -> TrainingLog | None:
    """Take the parameters, and the state of ``optimizer`` if it is given, from ``save_checkpoint``'s file; returns the log.

    Raises ``WrongFile``, before anything is changed, for a file that is cut or of another program, and where the model or the
    optimiser is another one; ``OSError`` if the file cannot be read.
    """
    parts = state_files.read_checkpoint(file)
    before = model.state_dict()
    try:
        log = None if parts["log"] is None else TrainingLog.from_dict(parts["log"])
        if optimizer is not None and parts["optimizer"] is None:
            raise StateError("there is no optimizer in it")
        model.load_state_dict(parts["parameters"])
        if optimizer is not None:
            optimizer.load_state_dict(parts["optimizer"])
    except (StateError, TypeError, AttributeError) as error:
        model.load_state_dict(before)
        raise WrongFile(f"{file} is no checkpoint of this model and this optimizer: {error}") from error
    return log
