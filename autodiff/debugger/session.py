"""The session: where one is in a history, how one moves, and what makes one stop. Every front end uses it; it prints nothing.

All that can stop a motion is known beforehand: the events of a history do not change, so each breakpoint, catchpoint and
watchpoint is a sorted list of positions. A stop at position p is about the event that has just happened, ``history[p - 1]``;
it is the same whether one comes to p forwards or backwards.
"""

from __future__ import annotations

import math
import os
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from autodiff._support.numbers import as_float
from autodiff._support.order import by_number
from autodiff.debugger.history import Event, History
from autodiff.debugger.users_frame import UsersFrame
from autodiff.debugger.words import Words
from autodiff.engine.rules import TABLE
from autodiff.engine.value import Value
from autodiff.errors import DebuggerError
from autodiff.graph.expressions import Expression
from autodiff.graph.names import printable
from autodiff.graph.scopes import scope_around, scope_contains, scope_holds
from autodiff.graph.symbols import DIGITS

CONDITION_NAMES = ("data", "grad", "local", "upstream", "contribution")
CATCHES = ("nan", "inf", "vanishing", "exploding")

Kind = Literal["breakpoint", "catch", "watch"]
Outcome = Literal["continue", "detach", "quit"]  # what the program does when a person leaves a history
Positions = Callable[[History, Words], Iterable[int]]


class NotYet(DebuggerError):
    """A number that is not known at this position."""


class OfMoment(float):
    """A number that belongs to a position, beside those of the program."""


@dataclass(eq=False)
class Stop:
    """A breakpoint, catchpoint or watchpoint. ``what`` is what was asked for; ``find`` gives its positions in a history.

    ``count`` is a condition over ``hits``, the arrivals so far and this one. One with a ``message`` says that to the session's
    ``log`` and does not stop. ``commands`` are what a terminal does here.
    """

    number: int
    kind: Kind
    what: str
    find: Positions
    condition: Expression | None = None
    temporary: bool = False
    enabled: bool = True
    ignore: int = 0
    hits: int = 0
    count: Expression | None = None
    message: str | None = None
    commands: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Arrival:
    """Where a motion ended: at a position, because of what stops there, or at an end of the history.

    ``stayed`` are the watchpoints about the event one stands on, where going back to an earlier change found none.
    """

    position: int
    hits: tuple[Stop, ...] = ()
    end: Literal["start", "end"] | None = None
    stayed: tuple[Stop, ...] = ()


class Session:
    """Moves over a history. Breakpoints and the like stay when the next history is loaded, and are looked up there anew.

    Motions return an ``Arrival``; what is not understood raises ``DebuggerError``, which says what there is, and changes
    nothing.
    """

    def __init__(self, history: History, digits: int = DIGITS):
        self.stops: list[Stop] = []
        self.displays: list[str] = []
        self._next_number = 1
        self.digits = digits
        self.log: Callable[[Stop], None] = lambda stop: None
        self.load(history)

    def load(self, history: History) -> None:
        """Begin with another history, at its start."""
        self.history, self.words = history, Words(history, self.digits)
        self.position = 0
        self._positions: dict[Stop, list[int]] = {}

    @property
    def event(self) -> Event | None:
        """The event that has just happened; None at the start."""
        return self.history[self.position - 1] if self.position else None

    # ---- motion -----------------------------------------------------------------------------------------------------------

    def step(self, count: int = 1) -> Arrival:
        """Let ``count`` events happen."""
        return self._run(min(self.position + count, len(self.history)))

    def reverse_step(self, count: int = 1) -> Arrival:
        """Take ``count`` events back."""
        return self._run(max(self.position - count, 0), forwards=False)

    def next(self) -> Arrival:
        """Let one Value have its turn: be computed, or pass its gradient on to all its operands."""
        if self.position >= len(self.history):
            return self._run(self.position)
        return self._run(self._turn(self.position).stop)

    def reverse_next(self) -> Arrival:
        """Take the turn of one Value back."""
        if not self.position:
            return self._run(0, forwards=False)
        return self._run(self._turn(self.position - 1).start, forwards=False)

    def finish(self) -> Arrival:
        """Go on to the last event of this scope, in this phase; from there to that of the scope around it."""
        history, position = self.history, self.position
        end = history.forward if position < history.forward else len(history)
        here = position - 1 if position and position != history.forward else position
        scope = history.scopes[history.acting(here)] if here < len(history) else ""
        while scope:
            inside = (n for n in range(end - 1, position - 1, -1) if scope_contains(scope, history.scopes[history.acting(n)]))
            last = next(inside, None)
            if last is not None:
                return self._run(last + 1)
            scope = scope_around(scope)
        return self._run(end)

    def continue_(self) -> Arrival:
        """Go on to what stops next, or to the end."""
        return self._run(len(self.history))

    def reverse_continue(self) -> Arrival:
        """Go back to what stops next, or to the start.

        Where nothing does, and what one stands on is itself the change that a watchpoint is about, one stays there.
        """
        here = self.position
        stayed = self.changes_here()
        arrival = self._run(0, forwards=False)
        if arrival.hits or not stayed:
            return arrival
        self.position = here
        return Arrival(here, end=self._end(), stayed=stayed)

    def can_stop(self) -> bool:
        """Whether anything is set that could stop a motion."""
        return any(stop.enabled and stop.message is None for stop in self.stops)

    def changes_here(self) -> tuple[Stop, ...]:
        """The watchpoints that are about the change one stands on."""
        return tuple(stop for stop in self.stops if stop.kind == "watch" and stop.enabled and self.is_at(stop))

    def arrived(self) -> Arrival:
        """What stops where one has just come to."""
        hits = self.hits_here()
        self.stops = [stop for stop in self.stops if not (stop.temporary and stop in hits)]
        return Arrival(self.position, hits, self._end())

    def run_through(self) -> Arrival:
        """From the start of a history, what was changed before it included, go on to what stops first."""
        arrival = self.arrived()
        return arrival if arrival.hits else self.continue_()

    def hits_here(self) -> tuple[Stop, ...]:
        """What stops at this position, as if one had just come to it."""
        return tuple(stop for stop in self.stops if stop.enabled and self._stops_here(stop))

    def until(self, where: str | None = None) -> Arrival:
        """Go on to the next event at a place; without one, to the last of those that come from the same line of the source.

        A place is what a breakpoint can be set at. Raises ``DebuggerError`` if no event there is still to come.
        """
        if where is not None:
            ahead = [position for position in self._place(where)(self.history, self.words) if position > self.position]
            if not ahead:
                raise DebuggerError(f"no event at {where!r} is still to come")
            return self._run(min(ahead))
        if self.position >= len(self.history):
            return self._run(self.position)
        line, goal = self._line(self.position), self._turn(self.position).stop
        while line is not None and goal < len(self.history) and goal != self.history.forward and self._line(goal) == line:
            goal = self._turn(goal).stop
        return self._run(goal)

    def goto(self, position: int) -> Arrival:
        """Be at a position, whatever lies between. Raises ``DebuggerError`` outside of the history."""
        if not 0 <= position <= len(self.history):
            raise DebuggerError(f"there is no position {position}; there are 0 … {len(self.history)}")
        self.position = position
        return Arrival(position, end=self._end())

    def phase(self, name: str) -> Arrival:
        """Be where the forward or the backward phase begins."""
        if name not in ("forward", "backward"):
            raise DebuggerError(f"there is no phase {name!r}; there are forward and backward")
        return self.goto(0 if name == "forward" else self.history.forward)

    def restart(self) -> Arrival:
        """Be at the start."""
        return self.goto(0)

    def _turn(self, number: int) -> range:
        """The events of one Value's turn, to which event ``number`` belongs."""
        history = self.history
        return range(number, number + 1) if number < history.forward else history.actions(history.acting(number))

    def _line(self, number: int) -> tuple[str, int] | None:
        source = self.history.nodes[self.history.acting(number)].source
        return None if source is None else (source.file, source.line)

    def _end(self) -> Literal["start", "end"] | None:
        return "end" if self.position == len(self.history) else "start" if self.position == 0 else None

    def _run(self, goal: int, forwards: bool = True) -> Arrival:
        """Move to the goal, or to the first position on the way where something stops."""
        while self.position != goal:
            self.position = self._ahead(goal) if forwards else self._behind(goal)
            arrival = self.arrived()
            if arrival.hits:
                return arrival
        return Arrival(self.position, end=self._end())

    def _ahead(self, goal: int) -> int:
        """The next position with a stop, no further than the goal."""
        for stop in self.stops:
            positions = self._positions_of(stop)
            i = bisect_right(positions, self.position)
            if stop.enabled and i < len(positions):
                goal = min(goal, positions[i])
        return goal

    def _behind(self, goal: int) -> int:
        for stop in self.stops:
            positions = self._positions_of(stop)
            i = bisect_left(positions, self.position)
            if stop.enabled and i:
                goal = max(goal, positions[i - 1])
        return goal

    def is_at(self, stop: Stop) -> bool:
        """Whether one stands where a stop is, its condition included."""
        positions = self._positions_of(stop)
        i = bisect_left(positions, self.position)
        return i < len(positions) and positions[i] == self.position and self._holds(stop)

    def _stops_here(self, stop: Stop) -> bool:
        if not self.is_at(stop):
            return False
        if stop.ignore:
            stop.ignore -= 1
            return False
        stop.hits += 1
        if stop.count is not None and not stop.count.value(lambda _: float(stop.hits)):
            return False
        if stop.message is not None:
            self.log(stop)
        return stop.message is None

    def is_here(self, stop: Stop) -> bool:
        """Whether a stop has any position in this history; else it waits for another one."""
        return any(True for _ in self._positions.get(stop) or stop.find(self.history, self.words))

    def _positions_of(self, stop: Stop) -> list[int]:
        if stop not in self._positions:
            self._positions[stop] = sorted(set(stop.find(self.history, self.words)))
        return self._positions[stop]

    def _holds(self, stop: Stop) -> bool:
        """Whether a condition is true of the event that has just happened; one about what it does not have is not."""
        if stop.condition is None:
            return True
        try:
            return bool(stop.condition.value(self.of_event if self.position else lambda name: self._given(stop, name)))
        except KeyError:
            return False

    def _given(self, stop: Stop, name: str) -> float:
        """``data`` of what a watchpoint is on, where the change was made before this pass. Raises ``KeyError`` for the rest."""
        if name != "data":
            raise KeyError(name)
        return self.history.datum(self.words.find_one(self.quantity(stop.what)[0]))

    def of_event(self, name: str) -> float:
        """A number of the event that has just happened, by its name in conditions. Raises ``KeyError`` if it has none such."""
        history, number = self.history, self.position - 1
        if name == "data":
            return history.datum(history.changed(number))
        if number < history.forward or name not in CONDITION_NAMES:
            raise KeyError(name)
        local, _, after = history.edge(number)
        if name in ("local", "grad"):
            return local if name == "local" else after
        upstream = history.upstream(history.acting(number))
        return upstream if name == "upstream" else upstream * local

    # ---- what stops -------------------------------------------------------------------------------------------------------

    def add_breakpoint(self, where: str, condition: str | None = None, temporary: bool = False) -> Stop:
        """Stop at each event at a place: ``w1``, ``op:tanh``, ``scope:layer1``, ``script.py:12``, ``12``.

        A name stands for the events that give that Value its number or add to its gradient; the others for those in which an
        operation of that kind, scope or line acts.
        """
        self._place(where)
        stop = breakpoint_at(where, condition)
        stop.temporary = temporary
        return self._add(stop)

    def add_catch(self, what: str, limit: float | None = None) -> Stop:
        """Stop where a nan or an inf is made, where a contribution vanishes below a limit, or a gradient explodes above one.

        That is the event that did it, and not those that pass it on.
        """
        return self._add(catch_of(what, limit))

    def add_watch(self, what: str, condition: str | None = None) -> Stop:
        """Stop at each event that changes ``w1.grad`` or ``w1.data``; ``w1`` alone is its gradient."""
        stop = watch_on(what, condition)
        name, quantity = self.quantity(what)
        self.words.find_one(name)
        stop.what = f"{name}.{quantity}"
        return self._add(stop)

    def stop(self, number: int) -> Stop:
        """The breakpoint, catchpoint or watchpoint of this number."""
        for stop in self.stops:
            if stop.number == number:
                return stop
        numbers = ", ".join(str(stop.number) for stop in self.stops)
        raise DebuggerError(f"there is no breakpoint {number}; there are {numbers}" if numbers else "no breakpoint is set")

    def remove(self, number: int) -> Stop:
        """Take away the one of this number."""
        stop = self.stop(number)
        self.stops.remove(stop)
        return stop

    def set_condition(self, number: int, condition: str | None) -> Stop:
        """Give one another condition, or none."""
        stop = self.stop(number)
        stop.condition = None if condition is None else Expression(condition, CONDITION_NAMES)
        return stop

    def commands(self) -> list[str]:
        """The commands that set what is set now."""
        blocks: list[list[str]] = []
        for stop in self.stops:
            word = {"breakpoint": "tbreak" if stop.temporary else "break"}.get(stop.kind, stop.kind)
            lines = [f"{word} {stop.what}" + (f" if {stop.condition}" if stop.condition else "")]
            lines += [f"ignore . {stop.ignore}"] if stop.ignore else []
            lines += [] if stop.enabled else ["disable ."]
            lines += ["commands .", *stop.commands, "end"] if stop.commands else []
            blocks += [] if lines in blocks else [lines]
        return [line for block in blocks for line in block] + [f"display {text}" for text in dict.fromkeys(self.displays)]

    def last_change(self, stop: Stop) -> int | None:
        """The last position at or before this one that a watchpoint is about; None if there is none."""
        positions = self._positions_of(stop)
        i = bisect_right(positions, self.position)
        return positions[i - 1] if i else None

    def _add(self, stop: Stop) -> Stop:
        stop.number, self._next_number = self._next_number, self._next_number + 1
        self.stops.append(stop)
        return stop

    def _place(self, where: str) -> Positions:
        """The positions at a place. Raises ``DebuggerError`` if this graph has no such place."""
        where = where.strip()
        if not where:
            raise DebuggerError("a place is missing: a name, op:NAME, scope:NAME, FILE:LINE or LINE")
        find = place(where)
        if where in self.words.places:
            return find
        if where.startswith("op:"):
            name = where.removeprefix("op:")
            self._demand(find, f"operation {name!r}", {node.op for node in self.history.nodes if node.op}, name in TABLE)
        elif where.startswith("scope:"):
            name = where.removeprefix("scope:")
            self._demand(find, f"scope {name!r}", {*filter(None, self.history.scopes)})
        elif line_in(where) is not None:
            lines = {f"{file}:{line}" for file, line in self.history.lines}
            self._demand(find, f"line {printable(where)}", lines or {"no recorded lines: use record_source()"})
        else:
            self.words.find(where)
        return find

    def _demand(self, find: Positions, what: str, there: Iterable[str], exists: bool = False) -> None:
        """Raise ``DebuggerError`` unless there is such a place in this graph."""
        if not any(True for _ in find(self.history, self.words)):
            known = sorted(map(printable, there), key=by_number)
            more = f" and {len(known) - 20} more" if len(known) > 20 else ""
            verb = "uses no" if exists else "has no"
            raise DebuggerError(f"the graph {verb} {what}; there are {', '.join(known[:20]) or 'none'}{more}")

    # ---- numbers ----------------------------------------------------------------------------------------------------------

    def quantity(self, text: str) -> tuple[str, Literal["data", "grad"]]:
        """A Value's name and which of its numbers is meant: ``w1.data`` is that, ``w1`` and ``w1.grad`` its gradient."""
        return quantity_in(text, self.words)

    def number_of(self, place: int, quantity: Literal["data", "grad"]) -> float | None:
        """A number at this position; None if it is not known yet."""
        state = self.history.state(self.position)
        return state.datum(place) if quantity == "data" else state.gradient(place)

    def evaluate(self, text: str) -> float:
        """The number of an expression over ``w1.data`` and ``w1.grad``, as they are here; ``w1`` alone is its data.

        A gradient to which nothing has been added yet is 0. Raises ``DebuggerError`` for data not computed yet.
        """
        text = text.strip()
        name, _ = self.quantity(text)
        if text in self.words.places or name in self.words.places:
            return self._lookup(text)
        return Expression(text).value(self._lookup)

    def _lookup(self, text: str) -> float:
        name, quantity = self.quantity(text)
        if name == text:
            quantity = "data"
        number = self.number_of(self.words.find_one(name), quantity)
        if number is None and quantity == "data":
            raise NotYet(f"{printable(name)} has not been computed yet at position {self.position}")
        return number or 0.0

    def look(self, text: str, frame: UsersFrame | None) -> Any:
        """What a person asks for: over the names of Values an ``OfMoment``, else Python in the user's frame.

        Where both are named, as in ``rate * w1.grad``, the user's numbers stand beside those of this moment.
        """
        text = text.strip()
        if frame is None or self.is_value(text, frame):
            return OfMoment(self.evaluate(text))
        try:
            names = Expression(text).names
        except DebuggerError:
            return frame.evaluate(text)
        if any(self.is_value(name, frame) for name in names):
            return OfMoment(Expression(text).value(lambda name: self._here(name, frame)))
        try:
            return frame.evaluate(text)
        except DebuggerError as error:
            if not str(error).startswith("NameError"):
                raise
            return self.evaluate(text)  # says which Values there are

    def is_value(self, text: str, frame: UsersFrame | None) -> bool:
        """Whether a Value is called so. That v7 is the seventh one comes after a v7 of the user's."""
        name, _ = self.quantity(text)
        if text in self.words.places or name in self.words.places:
            return True
        if frame is not None and name in {**frame.frame.f_globals, **frame.frame.f_locals}:
            return False
        return bool(self.words.behind(name))

    def _here(self, name: str, frame: UsersFrame) -> float:
        if self.is_value(name, frame):
            return self._lookup(name)
        thing = frame.evaluate(name)
        if isinstance(thing, Value) and (place := self.place(thing)) is not None:
            return self.number_of(place, "data") or 0.0
        try:
            return as_float(thing, "arithmetic over Values")
        except TypeError as error:
            raise DebuggerError(str(error)) from None

    def place(self, node: Value) -> int | None:
        """Where a Value is in this history; None if it is not there."""
        try:
            return self.history.place(node)
        except KeyError:
            return None

    def numbers_of(self, place: int, written: Callable[[float], str] | None = None) -> str:
        """``data 0.8, grad −0.4142``, as known here."""
        state, number = self.history.state(self.position), written or self.words.number
        data, grad = state.datum(place), state.gradient(place)
        so_far = "" if grad is None or state.complete(place) else " so far"
        shown = "not computed yet" if data is None else number(data)
        return f"data {shown}, grad {'not known yet' if grad is None else number(grad)}{so_far}"

    # ---- the way to the loss ----------------------------------------------------------------------------------------------

    def way(self) -> Iterator[tuple[int, int | None]]:
        """The places from the Value that the last event was about to the loss, each time over the largest contribution.

        With each comes the event in which the next one adds to its gradient; None at the end of the way.
        """
        history, number = self.history, max(self.position - 1, 0)
        place: int = history.changed(number)
        if number >= history.forward:
            yield place, number
            place = history.acting(number)
        while additions := history.additions(place):
            largest = max(additions, key=self._size)
            yield place, largest
            place = history.acting(largest)
        yield place, None

    def way_to_loss(self) -> list[int]:
        """The places on the way to the loss."""
        return [place for place, _ in self.way()]

    def _size(self, number: int) -> float:
        size = abs(self.history.edge(number)[0] * self.history.upstream(self.history.acting(number)))
        return math.inf if math.isnan(size) else size


# ---- stops that no history has been asked about yet ------------------------------------------------------------------------


def breakpoint_at(where: str, condition: str | None = None) -> Stop:
    """A breakpoint at a place, whether or not a history has it. Raises ``DebuggerError`` for a condition that is none."""
    return Stop(0, "breakpoint", where.strip(), place(where), _condition(condition))


def catch_of(what: str, limit: float | None = None) -> Stop:
    """A catchpoint. Raises ``DebuggerError`` for what cannot be caught."""
    if what not in CATCHES:
        raise DebuggerError(f"{what!r} cannot be caught; there are nan, inf, vanishing LIMIT and exploding LIMIT")
    needs_limit = what in ("vanishing", "exploding")
    if needs_limit != (limit is not None) or (limit is not None and not 0 < limit < math.inf):
        example = "1e-6" if what == "vanishing" else "1e3"
        raise DebuggerError(f"catch {what} takes a positive limit, as in catch {what} {example}" if needs_limit else
                            f"catch {what} takes no limit")  # fmt: skip
    text = what if limit is None else f"{what} {limit!r}"
    return Stop(0, "catch", text, lambda history, _: _caught(history, what, limit or 0.0))


def watch_on(what: str, condition: str | None = None) -> Stop:
    """A watchpoint on ``w1.grad`` or ``w1.data``; ``w1`` alone is its gradient."""

    def find(history: History, words: Words) -> Iterable[int]:
        name, quantity = quantity_in(what, words)
        place = _one(words, name)
        if place is None:
            return []
        if quantity == "grad":
            return [n + 1 for n in history.additions(place) if _changes(history, n)]
        node, earlier = history.nodes[place], history.earlier
        if node.op or earlier is None or node.name not in earlier:
            return [place + 1]
        before, after = earlier[node.name], history.datum(place)
        return [] if before == after or (math.isnan(before) and math.isnan(after)) else [0]  # between the pass before and this

    return Stop(0, "watch", what.strip(), find, _condition(condition))


def _condition(text: str | None) -> Expression | None:
    return None if text is None else Expression(text, CONDITION_NAMES)


def hit_count(text: str) -> Expression:
    """A condition on how often one has come to a place: ``5`` (the fifth time), ``>= 5``, ``% 5``."""
    text = text.strip()
    if text.isdecimal():
        text = f"hits == {text}"
    elif text.startswith("%"):
        text = f"hits {text} == 0"
    elif text.startswith(("<", ">", "=", "!")):
        text = f"hits {text}"
    return Expression(text, ("hits",))


def place(where: str) -> Positions:
    """The positions at a place, in whatever history: a name, ``op:NAME``, ``scope:NAME``, ``FILE:LINE``, ``LINE``."""
    where = where.strip()
    named, other = _of_name(where), None
    if where.startswith("op:"):
        op = where.removeprefix("op:")
        other = _of_acting(lambda history, place: history.nodes[place].op == op)
    elif where.startswith("scope:"):
        scope = where.removeprefix("scope:")
        other = _of_scope(scope)
    elif (found := line_in(where)) is not None:
        other = _of_line(*found)
    if other is None:
        return named
    return lambda history, words: (named if where in words.places else other)(history, words)


def line_in(where: str) -> tuple[str, int] | None:
    """The file, which may be empty, and the line of a place that is one."""
    file, colon, line = where.rpartition(":")
    return (file, int(line)) if line.isdecimal() and bool(file) == bool(colon) else None


def quantity_in(text: str, words: Words) -> tuple[str, Literal["data", "grad"]]:
    """A Value's name and which of its numbers is meant: ``w1.data`` is that, ``w1`` and ``w1.grad`` its gradient."""
    text = text.strip()
    name, dot, last = text.rpartition(".")
    if dot and last in ("data", "grad") and text not in words.places:
        return name, "data" if last == "data" else "grad"
    return text, "grad"


# ---- positions --------------------------------------------------------------------------------------------------------------


def _of_name(name: str) -> Positions:
    def find(history: History, words: Words) -> Iterable[int]:
        try:
            places = words.find(name)
        except DebuggerError:  # this graph has none of that name
            return
        for place in places:
            yield place + 1
            yield from (number + 1 for number in history.additions(place))

    return find


def _of_acting(chosen: Callable[[History, int], bool]) -> Positions:
    def find(history: History, words: Words) -> Iterable[int]:
        return _actions(history, (place for place in range(len(history.nodes)) if chosen(history, place)))

    return find


def _of_scope(scope: str) -> Positions:
    def find(history: History, words: Words) -> Iterable[int]:
        for inner, places in history.by_scope.items():
            if scope_holds(scope, inner):
                yield from _actions(history, places)

    return find


def _of_line(file: str, line: int) -> Positions:
    """The file may be given by its end, from a folder on; none is any file."""

    def find(history: History, words: Words) -> Iterable[int]:
        for (there, number), places in history.lines.items():
            if number == line and (not file or f"/{there}".endswith(f"/{file}") or _same_file(there, file)):
                yield from _actions(history, places)

    return find


def _actions(history: History, places: Iterable[int]) -> Iterator[int]:
    """The positions after the events in which Values are computed or act."""
    for place in places:
        yield place + 1
        yield from (number + 1 for number in history.actions(place))


def _same_file(one: str, other: str) -> bool:
    return os.path.isabs(other) and real_path(one) == real_path(other)


@lru_cache(maxsize=256)
def real_path(file: str) -> str:
    """The file by the one name that all its names stand for."""
    return os.path.normcase(os.path.realpath(file))


def _one(words: Words, name: str) -> int | None:
    try:
        return words.find_one(name)
    except DebuggerError:
        return None


def _changes(history: History, number: int) -> bool:
    _, before, after = history.edge(number)
    return before != after and not (math.isnan(before) and math.isnan(after))


def _caught(history: History, what: str, limit: float) -> Iterable[int]:
    """The positions right after the events that make what is to be caught."""
    if what in ("nan", "inf"):
        is_it = math.isnan if what == "nan" else math.isinf
        for place in range(len(history.nodes)):
            if is_it(history.datum(place)) and not any(is_it(history.datum(operand)) for operand in history.operands(place)):
                yield place + 1
    for number, (local, before, after, upstream) in enumerate(history.edges(), history.forward + 1):
        if what in ("nan", "inf"):
            found = is_it(after) and not is_it(before) and not is_it(upstream)
        elif what == "vanishing":
            found = abs(upstream * local) < limit <= abs(upstream)
        else:
            found = abs(after) > limit and not abs(before) > limit and not abs(upstream) > limit
        if found:
            yield number
