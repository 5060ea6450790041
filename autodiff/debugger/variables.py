"""What an editor's variables view shows of one moment: rows and what is inside of them, a page at a time."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from autodiff.debugger.session import Session
from autodiff.errors import DebuggerError
from autodiff.graph.scopes import module_of, scope_parts

MOST_ROWS = 1000  # at once; more are put into ranges, where the client does not ask for pages itself

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 200
_short.maxlist = _short.maxtuple = _short.maxdict = _short.maxset = 20


@dataclass
class Row:
    """A line of the view; ``evaluate`` is the expression that has the same value."""

    name: str
    value: str
    inside: Rows | None = None
    type: str = ""
    evaluate: str = ""


@dataclass
class Rows:
    """``total`` rows, of which ``page(start, count)`` makes some; those that are ``indexed`` may be many.

    ``watch`` gives the name to watch behind the name of a row.
    """

    total: int
    page: Callable[[int, int], list[Row]]
    indexed: bool = False
    watch: Callable[[str], str] | None = None


class Variables:
    """Numbers for what has something inside, valid up to the next motion."""

    def __init__(self) -> None:
        self.last = 0
        self.handed_out: dict[int, Rows] = {}
        self.prepared: tuple[Session, list[int], dict[str, Any]] | None = None

    def forget(self) -> None:
        """The numbers handed out so far mean nothing any more."""
        self.handed_out.clear()

    def reference(self, rows: Rows) -> int:
        """The number of these rows; 0 for none, as the protocol has it."""
        if not rows.total:
            return 0
        self.last += 1
        self.handed_out[self.last] = rows
        return self.last

    def rows(self, reference: int, start: int, count: int, kind: str | None) -> list[Row]:
        """The rows behind a number. Raises ``DebuggerError`` for a number of another stop."""
        rows = self.handed_out.get(reference)
        if rows is None:
            raise DebuggerError(f"there is nothing behind variablesReference {reference} at this stop")
        if kind is not None and rows.indexed != (kind == "indexed"):
            return []
        if not count and rows.total - start > MOST_ROWS:
            return [_range(rows, first) for first in range(start, rows.total, MOST_ROWS)]
        return rows.page(start, min(count or rows.total, max(rows.total - start, 0)))

    def watched(self, reference: int, name: str) -> str | None:
        """What to watch for a row of this name; None for one that cannot be watched."""
        rows = self.handed_out.get(reference)
        return None if rows is None or rows.watch is None else rows.watch(name)

    def prepare(self, session: Session) -> tuple[list[int], dict[str, Any]]:
        """The order of the Values, those with a name first, and the tree of the leaves that have one, by module."""
        if self.prepared is None or self.prepared[0] is not session:
            named = set(session.words.named)
            order = session.words.named + [place for place in range(len(session.history.nodes)) if place not in named]
            self.prepared = session, order, _tree(session)
        return self.prepared[1:]

    # ---- what there is to see ---------------------------------------------------------------------------------------------

    def edge(self, session: Session, place: int, number: int | None) -> Rows:
        """The event in which the next Value of the way adds to the gradient of this one; at the end of the way the Value."""
        history, words = session.history, session.words
        rows = [Row("data", _text(session, place, "data")), Row("grad", _text(session, place, "grad"))]
        if number is not None and number >= history.forward:
            local, before, after = history.edge(number)
            upstream = history.upstream(history.acting(number))
            numbers = {"upstream": upstream, "local": local, "contribution": upstream * local, "before": before, "after": after}
            rows += [Row(name, repr(x), type="float") for name, x in numbers.items()]
        rows += [Row(label or "…", text) for label, text in words.lines(place if number is None else number)]
        name = words.name(place)
        return Rows(len(rows), lambda start, count: rows[start : start + count], watch=lambda row: f"{name}.{row}")

    def values(self, session: Session, quantity: Literal["data", "grad"]) -> Rows:
        """A number of every Value, those with a name first."""
        order, _ = self.prepare(session)

        def page(start: int, count: int) -> list[Row]:
            return [self._number(session, place, quantity) for place in order[start : start + count]]

        return Rows(len(order), page, indexed=True, watch=lambda name: f"{name}.{quantity}")

    def _number(self, session: Session, place: int, quantity: Literal["data", "grad"]) -> Row:
        name = session.words.name(place)
        return Row(name, _text(session, place, quantity), type="float", evaluate=f"{name}.{quantity}")

    def parameters(self, session: Session) -> Rows:
        """The leaves that have names, by module."""
        return self._module(session, self.prepare(session)[1])

    def _module(self, session: Session, tree: Mapping[str, Any]) -> Rows:
        entries: list[tuple[str, Any]] = []
        for name, inside in tree.items():
            entries += [(name, inside)] if isinstance(inside, dict) else [(name, place) for place in inside]
        places = {name: inside for name, inside in entries if isinstance(inside, int)}

        def page(start: int, count: int) -> list[Row]:
            return [
                Row(name, f"{_leaves(inside)} parameters", self._module(session, inside))
                if isinstance(inside, dict)
                else self.value(session, inside, name)
                for name, inside in entries[start : start + count]
            ]

        def watch(name: str) -> str:
            return f"{session.words.name(places[name])}.grad" if name in places else ""

        return Rows(len(entries), page, indexed=len(entries) > MOST_ROWS, watch=watch)

    def value(self, session: Session, place: int, name: str = "") -> Row:
        """A Value with both of its numbers."""
        called = session.words.name(place)
        inside = [self._number(session, place, "data"), self._number(session, place, "grad")]
        for row, quantity in zip(inside, ("data", "grad"), strict=True):
            row.name = quantity
        operation = session.words.operation(place)
        inside += [Row("operation", operation)] if operation else []
        rows = Rows(len(inside), lambda start, count: inside[start : start + count], watch=lambda row: f"{called}.{row}")
        return Row(name or called, session.numbers_of(place), rows, "Value", called)

    def of_python(self, names: Mapping[str, Any]) -> Rows:
        """The names of a frame of the program."""
        return _python_rows(list(names.items()), str)


def _tree(session: Session) -> dict[str, Any]:
    calls, nodes = session.words.calls, session.history.nodes
    tree: dict[str, Any] = {}
    for place in session.words.named:
        if nodes[place].op:
            continue
        branch, name = tree, calls.of(nodes[place])
        module = module_of(name)
        for part in scope_parts(module):
            branch = branch.setdefault(part, {})
        branch.setdefault(name[len(module) + 1 :] if module else calls.name(place), []).append(place)
    return tree


def _range(rows: Rows, first: int) -> Row:
    count = min(MOST_ROWS, rows.total - first)
    part = Rows(count, lambda start, most: rows.page(first + start, min(most, count - start)), watch=rows.watch)
    return Row(f"[{first} … {first + count - 1}]", "", part)


def _leaves(tree: Mapping[str, Any]) -> int:
    return sum(_leaves(inside) if isinstance(inside, dict) else len(inside) for inside in tree.values())


def _text(session: Session, place: int, quantity: Literal["data", "grad"]) -> str:
    """A number to be copied, and whether it is still growing."""
    number = session.number_of(place, quantity)
    if number is None:
        return "not computed yet" if quantity == "data" else "not known yet"
    complete = quantity == "data" or session.history.state(session.position).complete(place)
    return repr(number) if complete else f"{number!r} so far"


# ---- the program's own objects ----------------------------------------------------------------------------------------------


def python_row(name: str, thing: Any, evaluate: str = "") -> Row:
    """Any object of the program, with what is inside of lists, dictionaries and objects with attributes."""
    return Row(name, _repr(thing), _inside(thing, evaluate or name), type(thing).__name__, evaluate or name)


def _repr(thing: Any) -> str:
    try:
        return _short.repr(thing)
    except Exception as error:  # the program's own __repr__
        return f"<{type(thing).__name__}; its repr raises {type(error).__name__}>"


def _inside(thing: Any, text: str) -> Rows | None:
    if isinstance(thing, list | tuple):
        return _python_rows([(f"[{i}]", each) for i, each in enumerate(thing)], lambda name: f"{text}{name}", indexed=True)
    if isinstance(thing, dict):
        return _python_rows([(f"[{_repr(key)}]", each) for key, each in thing.items()], lambda name: f"{text}{name}")
    attributes = getattr(thing, "__dict__", None)
    if isinstance(attributes, dict) and attributes and not isinstance(thing, type):
        return _python_rows(list(attributes.items()), lambda name: f"{text}.{name}")
    return None


def _python_rows(items: list[tuple[str, Any]], evaluate: Callable[[str], str], indexed: bool = False) -> Rows:
    def page(start: int, count: int) -> list[Row]:
        return [python_row(name, thing, evaluate(name)) for name, thing in items[start : start + count]]

    return Rows(len(items), page, indexed)
