"""What the debugger says: the names of the Values of a history, and the lines about each of its events.

The lines are written once, as templates of which the page has a copy: ``LINES`` for each kind of event, and for each operation
its own in numbers, ``{0} · {(1}``. Python fills them here, the page in ``recording.js``.
"""

from __future__ import annotations

import difflib
import linecache
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from itertools import islice
from typing import Any

from autodiff.debugger.history import History
from autodiff.engine import rules
from autodiff.engine.sources import Source
from autodiff.engine.value import Value
from autodiff.errors import DebuggerError
from autodiff.graph.names import Calls, printable
from autodiff.graph.symbols import (
    ANYTHING,
    ATOM,
    DIGITS,
    PRODUCT,
    Symbol,
    by_the_book,
    in_brackets,
    number_text,
    partials_text,
    shown_of,
    spelled,
    tidy,
)

LETTERS = ("a", "b", "c", "d")
LONGEST_LOCAL = 32  # characters of a local derivative in symbols, beside its number
MOST_LOCALS = 4  # local derivatives of one operation that are written out
SHOWN_NAMES = 20
MOST_COMPARED = 300  # names among which a similar one is looked for

# What is said about an event: label and text of each line. ``[…]`` is left out where a place in it has nothing to say.
LINES: dict[str, list[tuple[str, str]]] = {
    "start": [("start", "Nothing has happened yet: no Value has its number, no gradient is known.")],
    "given": [("value", "{name} = {data}, {given}")],
    "made": [("value", "{name} = {operation} = {numbers} = {data}")],
    "local": [("local", "∂{name}/∂{operand} = [{symbols} = ]{local}")],
    "more": [("", "and {more} more")],
    "added": [
        ("chain", "∂{loss}/∂{name} += upstream × local = {upstream} × {local}[ (= {symbols})] = {contribution}"),
        ("grad", "{name}.grad {before} → {after}, contribution {which} of {of}"),
        ("from", "{by} = {operation}, upstream = ∂{loss}/∂{by}"),
        ("rule", "{rule}"),
    ],
}
GIVEN = ("a leaf", "made outside of the scope")


def filled(kind: str, says: Mapping[str, str]) -> list[tuple[str, str]]:
    """The lines about an event of some kind; ``says`` is what the places of the templates say."""

    def fill(template: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda place: says[place[1]], template)

    def optional(part: re.Match[str]) -> str:
        return part[1] if all(says[name] for name in re.findall(r"\{(\w+)\}", part[1])) else ""

    return [(label, fill(re.sub(r"\[(.*?)\]", optional, text))) for label, text in LINES[kind]]


class Words:
    """Names for the Values of a history, as ``Calls`` has them, the Values behind names, and what is said about events."""

    def __init__(self, history: History, digits: int = DIGITS):
        self.history, self.digits = history, digits
        self.calls = Calls(history.walk, history.loss)
        self.places = self.calls.places

    # ---- names ------------------------------------------------------------------------------------------------------------

    def name(self, place: int) -> str:
        """What to call a Value, fit to be printed."""
        return self.calls.name(place)

    @cached_property
    def loss(self) -> str:
        """What to call the loss, which need not be among the Values of a scope."""
        history = self.history
        if history.nodes[-1] is history.loss:
            return self.name(len(history.nodes) - 1)
        return printable(self.calls.of(history.loss) or "loss")

    def find(self, text: str) -> list[int]:
        """The places of the Values that a person may mean. Raises ``DebuggerError``, which says what there is."""
        if found := self.behind(text):
            return found
        raise DebuggerError(f"there is no Value {text!r}; {self._known(text)}")

    def behind(self, text: str) -> list[int]:
        """The same; none if there are none."""
        if text in self.places:
            return self.places[text]
        number = text.rpartition("@")[2].removeprefix("v")
        if text.endswith(f"v{number}") and number.isdecimal() and int(number) < len(self.history.nodes):
            place = int(number)
            if text in (f"v{place}", self.name(place)):
                return [place]
        return self.others.get(text, [])

    @cached_property
    def others(self) -> dict[str, list[int]]:
        """The places behind the names as they are printed and as they are typed, where those are others."""
        found: dict[str, list[int]] = {}
        for key, places in self.places.items():
            if not (key.isascii() and key.isprintable()):
                for text in {printable(key), typed(key)} - {key}:
                    found.setdefault(text, []).extend(places)
        return found

    def find_one(self, text: str) -> int:
        """The place of the one Value that a person means. Raises ``DebuggerError`` if there are several, or none."""
        places = self.find(text)
        if len(places) > 1:
            choices = ", ".join(self.name(place) for place in places[:SHOWN_NAMES])
            raise DebuggerError(f"{len(places)} Values are called {text!r}; say which one: {choices}")
        return places[0]

    def known(self, beginning: str = "") -> Iterator[str]:
        """The names that begin so of the Values that have one, in forward order."""
        begun = {place for key, places in self.places.items() if key.startswith(beginning) for place in places}
        named = filter(begun.__contains__, self.named) if beginning else self.named
        return (name for name in map(self.name, named) if name.startswith(beginning))

    @cached_property
    def named(self) -> list[int]:
        """The places of the Values that have a name."""
        return [place for place, node in enumerate(self.history.nodes) if self.calls.called(node)]

    def _known(self, text: str) -> str:
        names = [*islice(self.known(), MOST_COMPARED)]
        close = difflib.get_close_matches(text, names, 3)
        if close:
            return f"close to it: {', '.join(close)}"
        more = f" and {len(self.named) - SHOWN_NAMES:,} more" if len(self.named) > SHOWN_NAMES else ""
        listed = f"{', '.join(names[:SHOWN_NAMES])}{more}, and " if names else ""
        return f"there are {listed}v0 … v{len(self.history.nodes) - 1}"

    # ---- numbers, operations, rules ---------------------------------------------------------------------------------------

    def number(self, number: float) -> str:
        """The number in as many significant digits as are set."""
        return number_text(number, self.digits)

    def argument(self, argument: Value | float) -> str:
        """An argument of an operation as it is called."""
        return self.name(self.history.place(argument)) if isinstance(argument, Value) else self.number(argument)

    def operation(self, place: int) -> str:
        """The operation that made a Value over the names of its operands, ``w1 · x1``; empty for what was not made here."""
        return self.calls.operation(self.history.nodes[place]) if self.history.made_here(place) else ""

    def title(self, place: int) -> str:
        """``z = v7 + b``; for what was not made here its name and why."""
        operation = self.operation(place)
        return f"{self.name(place)} = {operation}" if operation else f"{self.name(place)}, {self.given(place)}"

    def given(self, place: int) -> str:
        """What a Value is that was not made here."""
        return GIVEN[bool(self.history.nodes[place].op)]

    def numbers_template(self, place: int) -> str:
        """The operation that made a Value over its operands' numbers: ``{0} · {(1}``, each a place in the history.

        After ``{(`` a number with a sign goes into brackets. Empty for what was not made here.
        """
        node = self.history.nodes[place]
        if not self.history.made_here(place):
            return ""
        rule, signed = rules.TABLE[node.op], Symbol("−1", PRODUCT)
        parts = [
            Symbol("{" + "(" * in_brackets(rule, number, signed) + f"{self.history.place(x)}}}") if isinstance(x, Value) else x
            for number, x in enumerate(shown_of(rule, node.arguments))
        ]
        return tidy(spelled(rule, parts).text)

    def operation_in_numbers(self, place: int) -> str:
        """The operation that made a Value over its operands' numbers, ``0.8 · 1.5``; empty for what was not made here."""

        def put(found: re.Match[str]) -> str:
            text = self.number(self.history.datum(int(found[2])))
            return f"({text})" if found[1] and text.startswith("−") else text

        return re.sub(r"\{(\(?)(\d+)\}", put, self.numbers_template(place))

    def local(self, node: Value, argument: int) -> str:
        """The derivative of an operation by one of its arguments in the names of these; empty if it is but a number."""
        if not by_the_book(node):
            return ""
        operands, index = representative(node, argument)
        text = _partial(rules.TABLE[node.op], [x if isinstance(x, str) else self.calls.word(x) for x in operands], index)
        return text if len(text) <= LONGEST_LOCAL and any(map(str.isalpha, text.replace("e", ""))) else ""

    # ---- events -----------------------------------------------------------------------------------------------------------

    def lines(self, number: int) -> list[tuple[str, str]]:
        """What event ``number`` does, in numbers and in symbols: what each line is about, and what it says."""
        return self._forward(number) if number < self.history.forward else self._backward(number)

    def _forward(self, place: int) -> list[tuple[str, str]]:
        name, node = self.name(place), self.history.nodes[place]
        says = {"name": name, "data": self.number(self.history.datum(place)), "given": self.given(place)}
        if not self.history.made_here(place):
            return filled("given", says)
        says |= {"operation": self.operation(place), "numbers": self.operation_in_numbers(place)}
        lines = filled("made", says)
        operands = [(argument, x) for argument, x in enumerate(node.arguments) if isinstance(x, Value)]
        for (argument, x), local in zip(operands[:MOST_LOCALS], node.partials, strict=False):
            says = {
                "name": name,
                "operand": self.argument(x),
                "symbols": self.local(node, argument),
                "local": self.number(local),
            }
            lines += filled("local", says)
        more = len(operands) - MOST_LOCALS
        return lines + filled("more", {"more": str(more)}) if more > 0 else lines

    def _backward(self, number: int) -> list[tuple[str, str]]:
        history, acting = self.history, self.history.acting(number)
        node, argument, upstream = history.nodes[acting], argument_of(history, number), history.upstream(acting)
        local, before, after = history.edge(number)
        which, of = self.contribution(number)
        numbers = {"upstream": upstream, "local": local, "contribution": upstream * local, "before": before, "after": after}
        return filled("added", {key: self.number(x) for key, x in numbers.items()} | {
            "loss": self.loss, "name": self.name(history.changed(number)), "symbols": self.local(node, argument),
            "which": str(which), "of": str(of), "by": self.name(acting), "operation": self.operation(acting),
            "rule": rule_of(node, argument),
        })  # fmt: skip

    def contribution(self, number: int) -> tuple[int, int]:
        """Which of the additions to its operand's gradient a backward event is, from 1, and how many there are."""
        additions = self.history.additions(self.history.changed(number))
        return additions.index(number) + 1, len(additions)


def rule_of(node: Value, argument: int) -> str:
    """The rule for the derivative of an operation by one of its arguments, ``∂(a · b)/∂a = b``."""
    rule, operands = rules.TABLE[node.op], len(node.arguments)
    if rule.arity is not None:
        return _rule_text(node.op, rule.arity, argument)
    if rule.paired:
        return _rule_text(node.op, 4, 0 if argument < operands // 2 else 2)
    return _rule_text(node.op, min(2, operands), 0)


@cache
def _rule_text(op: str, operands: int, index: int) -> str:
    rule, letters = rules.TABLE[op], LETTERS[:operands]
    written = spelled(rule, [*map(Symbol, letters)])
    text = written.text if written.precedence == ATOM else f"({written.text})"
    partial = partials_text(rule, *letters)[index]
    meaning = ": 1 where that holds, else 0" if partial.startswith("[") else ""
    return f"∂{text}/∂{letters[index]} = {partial}{meaning}"


def argument_of(history: History, number: int) -> int:
    """The place among the arguments of the operation that the operand of a backward event has."""
    acting = history.acting(number)
    wanted = number - history.actions(acting).start
    values = (place for place, argument in enumerate(history.nodes[acting].arguments) if isinstance(argument, Value))
    return next(place for i, place in enumerate(values) if i == wanted)


def representative(node: Value, argument: int) -> tuple[Sequence[Any], int]:
    """Operands that show the derivative by one of them, and its index: all of a few, else what that one meets."""
    arguments, rule = node.arguments, rules.TABLE[node.op]
    if rule.paired:
        half = len(arguments) // 2
        place = argument % half
        return [arguments[place], arguments[half + place]], argument // half
    if rule.arity is not None or len(arguments) <= 3:
        return arguments, argument
    return [arguments[argument], ANYTHING], 0


def _partial(rule: rules.Rule, operands: list[str | Symbol | float], index: int) -> str:
    try:
        return partials_text(rule, *operands)[index]
    except (ArithmeticError, ValueError):
        return partials_text(rule, *[str(operand) for operand in operands])[index]


def stretch(source: Source) -> tuple[int, int]:
    """Where in its first line a recorded expression begins, from 0, and how many characters of that line it takes."""
    line, place, start = linecache.getline(source.file, source.line).rstrip("\r\n"), source.place, source.column - 1
    end = len(line) if place.end_line > place.line else len(line.encode()[: place.end_column].decode(errors="replace"))
    return start, max(end - start, 0)


def typed(name: str) -> str:
    """The name as a keyboard has it, ``z1`` for z₁."""
    return unicodedata.normalize("NFKC", name)
