"""The record of a training as one file: a line that says what it is, a line of JSON, and numbers of eight bytes each.

The JSON says what the numbers are; nothing in the file is ever run. The first line has a checksum of all that follows, so that
a file that was cut or changed is not taken for a run.
"""

from __future__ import annotations

import json
import math
import sys
import zlib
from array import array
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Any

from autodiff._support import files, states
from autodiff.engine.value import Value
from autodiff.errors import StateError, WrongFile
from autodiff.nn.record import OURS, ROW, WIDTH, Record, Snapshot, size_of, size_of_snapshot
from autodiff.optim.optimizers import Moment

FORMAT, VERSION = b"autodiff run", 1
HEAD = ("names", "trained", "optimizer", "samples", "compiled", "recomputable", "steps", "order", "every", "budget", "thinned",
        "full", "breaks", "gradients", "applied", "snapshots")  # fmt: skip
STATE = ("step", "steps", "hyperparameters", "buffers")


def write(file: str | PathLike[str], record: Record) -> None:
    """Write a record, complete or not at all."""
    head = {
        "names": record.names, "trained": record.trained, "optimizer": record.optimizer, "samples": record.samples,
        "compiled": record.compiled, "recomputable": record.recomputable, "steps": len(record), "order": len(record.order),
        "every": record.every, "budget": states.plain(record.budget), "thinned": record.thinned, "full": record.full,
        "breaks": record.breaks, "gradients": list(record.gradients), "applied": list(record.applied),
        "snapshots": [_described(step, snapshot) for step, snapshot in record.snapshots.items()],
    }  # fmt: skip
    doubles: list[array[float]] = [record.rows, *record.gradients.values(), *record.applied.values()]
    for snapshot in record.snapshots.values():
        doubles += [snapshot.data, *(snapshot.moment.buffers.values() if snapshot.moment is not None else ())]
    numbers: list[array[Any]] = [*doubles, record.order]
    text = json.dumps(head, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()
    content = b"\n".join([text, b"".join(_little(part).tobytes() for part in numbers)])
    files.replace(Path(file), b"%s %d %08x\n%s" % (FORMAT, VERSION, zlib.crc32(content), content))


def read(file: str | PathLike[str]) -> Record:
    """The record in a file. Raises ``WrongFile``, which says what is wrong with it."""
    first, _, content = Path(file).read_bytes().partition(b"\n")
    words = first.rsplit(b" ", 2)
    if len(words) != 3 or words[0] != FORMAT:
        raise WrongFile(f"{file} is no run that autodiff has saved: it does not begin with {FORMAT.decode()!r}")
    if words[1] != b"%d" % VERSION:
        shown = words[1][:20].decode("ascii", "backslashreplace")
        raise WrongFile(f"{file} has version {shown} of the format; this autodiff reads version {VERSION}")
    if words[2] != b"%08x" % zlib.crc32(content):
        raise WrongFile(f"{file} is cut short or changed: its checksum is not that of its content")
    text, _, numbers = content.partition(b"\n")
    try:
        return _read(json.loads(text), numbers)
    except (StateError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise WrongFile(f"{file}: {error}") from error


def _described(step: int, snapshot: Snapshot) -> dict[str, Any]:
    if snapshot.moment is None:
        return {"step": step, "steps": 0, "hyperparameters": {}, "buffers": []}
    steps, hyperparameters, buffers = snapshot.moment
    return {"step": step, "steps": steps, "hyperparameters": hyperparameters, "buffers": list(buffers)}


def _little(numbers: array[Any]) -> array[Any]:
    """The numbers with their bytes as the file has them."""
    if sys.byteorder == "little":
        return numbers
    numbers = numbers[:]
    numbers.byteswap()
    return numbers


# ---- reading ----------------------------------------------------------------------------------------------------------------


def _read(head: Any, content: bytes) -> Record:
    states.require_keys(head, HEAD, "its head")
    names, samples = head["names"], head["samples"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise StateError("'names' is no list of strings, each there once")
    trained, steps, n_order = (states.count(head[key], repr(key)) for key in ("trained", "steps", "order"))
    if not 0 < trained <= len(names):
        raise StateError(f"'trained' is {trained}, of {len(names)} names")
    kind = head["optimizer"]
    if kind is not None and kind not in OURS:
        raise StateError(f"'optimizer' is {kind!r}; there are {', '.join(OURS)}, and null")
    for key in ("compiled", "recomputable", "thinned", "full"):
        if not isinstance(head[key], bool):
            raise StateError(f"{key!r} is {head[key]!r}: it must be true or false")
    record = Record(names, trained, kind, None if samples is None else states.count(samples, "'samples'"), head["compiled"])
    record.recomputable, record.thinned, record.full = head["recomputable"], head["thinned"], head["full"]
    record.every = max(states.count(head["every"], "'every'"), 1)
    record.budget = states.number(head["budget"], "'budget'")
    record.breaks = _steps(head["breaks"], "breaks", steps)
    numbers = _Numbers(content)
    record.rows = numbers.take("d", WIDTH * steps)
    record.gradients = {step: numbers.take("d", trained) for step in _steps(head["gradients"], "gradients", steps)}
    record.applied = {step: numbers.take("d", trained) for step in _steps(head["applied"], "applied", steps)}
    record.snapshots = _snapshots(head["snapshots"], record, numbers, steps)
    record.order = numbers.take("q", n_order)
    numbers.end()
    _check_numbers(record)
    record.bytes = ROW * steps + 8 * n_order + sum(map(size_of, [*record.gradients.values(), *record.applied.values()]))
    record.bytes += sum(map(size_of_snapshot, record.snapshots.values()))
    return record


class _Numbers:
    """Takes numbers off the content, one array after the other."""

    def __init__(self, content: bytes):
        self.content, self.at = content, 0

    def take(self, kind: str, n: int) -> Any:
        taken = self.content[self.at : self.at + 8 * n]
        if len(taken) < 8 * n:
            raise StateError(f"it has fewer numbers than its head says: {len(self.content) // 8}")
        self.at += 8 * n
        return _little(array(kind, taken))

    def end(self) -> None:
        if self.at < len(self.content):
            raise StateError(f"it has {len(self.content) - self.at} bytes more than its head says")


def _steps(found: Any, key: str, steps: int) -> list[int]:
    """Numbers of steps, each larger than that before."""
    if not isinstance(found, list):
        raise StateError(f"{key!r} is no list of steps")
    numbers = [states.count(step, f"a step in {key!r}") for step in found]
    if any(later <= step for step, later in pairwise(numbers)) or (numbers and numbers[-1] >= steps):
        raise StateError(f"{key!r} must be steps of 0 … {steps - 1}, each later than that before")
    return numbers


def _snapshots(found: Any, record: Record, numbers: _Numbers, steps: int) -> dict[int, Snapshot]:
    """The snapshots, whose optimisers' states are those that an optimiser of that class can have."""
    if not isinstance(found, list):
        raise StateError("'snapshots' is no list")
    for described in found:
        states.require_keys(described, STATE, "an entry of 'snapshots'")
    at = _steps([described["step"] for described in found], "snapshots", steps)
    if steps and (not at or at[0] != 0):
        raise StateError("'snapshots' has none of step 0")
    snapshots = {}
    for step, described in zip(at, found, strict=True):
        data, moment = numbers.take("d", len(record.names)), None
        if record.optimizer is not None:
            optimizer = OURS[record.optimizer]([Value(0.0)] * 1, **described["hyperparameters"])
            expected = optimizer.moment()
            if described["buffers"] != list(expected.buffers):
                raise StateError(f"the buffers of step {step} are {described['buffers']!r}, not {list(expected.buffers)!r}")
            buffers = {name: numbers.take("d", record.trained) for name in expected.buffers}
            moment = Moment(states.count(described["steps"], f"'steps' of step {step}"), expected.hyperparameters, buffers)
        snapshots[step] = Snapshot(data, moment)
    return snapshots


def _check_numbers(record: Record) -> None:
    """Raise ``StateError`` for numbers that no training has."""
    for step in range(len(record)):
        row = record.row(step)
        if not (0 <= row.start <= row.end <= len(record.order) and row.start.is_integer() and row.end.is_integer()):
            raise StateError(f"the batch of step {step} is not among the samples drawn")
        if not 0.0 <= row.rate < math.inf or not 0.0 <= row.scale <= 1.0:
            raise StateError(f"the rate of step {step} is {row.rate!r}, its scale {row.scale!r}")
    most = 0 if record.samples is None else record.samples
    if any(not 0 <= sample < most for sample in record.order):
        raise StateError(f"a batch has a sample that is not one of {most:,}")
