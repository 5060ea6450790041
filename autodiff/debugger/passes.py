"""The passes of a program that one can go back to: those that were recorded last, and every one of a recorded training."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from typing import Any

from autodiff.debugger.history import History
from autodiff.engine.value import Value
from autodiff.errors import AutodiffError, DebuggerError
from autodiff.nn.run import Run, open_runs

BYTES = 256 * 2**20  # that the last recordings may take
OF_VALUE, OF_EVENT = 200, 40  # bytes of a Value with its history, and of a backward event


class Passes:
    """The passes by their numbers, from 0; ``at`` is the one that is looked at, ``last`` that which the program stands in.

    They are numbered as the steps of a recorded training while one goes on (``nn.fit(record=True)``, ``record_run``), else as
    the program's ``backward()`` calls.
    """

    def __init__(self, budget: int = BYTES):
        self.budget, self.bytes, self.count = budget, 0, 0
        self.kept: OrderedDict[int, History] = OrderedDict()
        self.run: Run | None = None
        self.at = self.last = -1
        self._now: tuple[list[Value], array[float]] | None = None  # what the leaves hold in the program, while they hold other

    def add(self, history: History) -> None:
        """Another pass of the program."""
        self.leave()
        self.run = open_runs[-1] if open_runs else None
        number = self.count
        if self.run is not None:
            number = len(self.run) - self.run.record.unfinished
        before = self.kept.get(number - 1) if number == self.last + 1 else None
        self.count += 1
        history.earlier = None if before is None else given(before)
        self.kept.pop(number, None)
        self.kept[number] = history
        self.at = self.last = number
        self.bytes += _size(history)
        while self.bytes > self.budget and len(self.kept) > 1:
            self.bytes -= _size(self.kept.popitem(last=False)[1])

    @property
    def first(self) -> int:
        """The number of the earliest pass that can be visited."""
        recorded = self.run is not None and self.run.can_record
        return 0 if recorded else min(self.kept, default=self.last)

    def visit(self, number: int) -> History:
        """Be in a pass: its history, with its leaves as they were then. Raises ``DebuggerError`` if it was not kept."""
        history = self.kept.get(number)
        if history is None and self.run is not None and 0 <= number < len(self.run):
            try:
                history = History(self.run.loss(number))
                history.earlier = self.run[number - 1].parameters if number else None
            except AutodiffError as error:
                raise DebuggerError(f"step {number} cannot be recorded again: {error}") from error
        if history is None:
            there = f"{self.first} … {self.last}" if self.last >= 0 else "none"
            raise DebuggerError(f"there is no pass {number} to go to; there are {there}")
        self.leave()
        if number != self.last:
            leaves = [node for node in history.nodes if not node.op]
            self._now = leaves, array("d", [leaf.data for leaf in leaves])
            for leaf in leaves:
                leaf.data = history.datum(history.place(leaf))
        self.at = number
        return history

    def culprit(self) -> int | None:
        """The sample that makes the loss of this pass nan or infinite, if that is known."""
        run = self.run
        return run.culprit(self.at) if run is not None and run.can_record and self.at < len(run) else None

    def leave(self) -> None:
        """Have the leaves hold again what they hold in the program, which is about to go on."""
        if self._now is not None:
            for leaf, number in zip(*self._now, strict=True):
                leaf.data = number
        self._now, self.at = None, self.last


def given(history: History) -> dict[Any, float]:
    """What the named leaves of a history hold, by their names."""
    leaves = ((place, node) for place, node in enumerate(history.nodes) if not node.op and node.name is not None)
    return {node.name: history.datum(place) for place, node in leaves}


def _size(history: History) -> int:
    return OF_VALUE * len(history.nodes) + OF_EVENT * len(history)
