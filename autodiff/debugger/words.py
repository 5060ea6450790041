"""What the debugger calls each Value of a history, and how it writes numbers, operations and rules."""

from __future__ import annotations

import difflib
import linecache
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from typing import Any

from autodiff.debugger.history import History
from autodiff.engine import rules
from autodiff.engine.sources import Source
from autodiff.engine.value import Value
from autodiff.errors import DebuggerError
from autodiff.graph.names import Names
from autodiff.graph.symbols import ATOM, partials_text

LETTERS = ("a", "b", "c", "d")
LONGEST_LOCAL = 32  # characters of a local derivative in symbols, beside its number
LONGEST_NAME = 60
MOST_LOCALS = 4  # local derivatives of one operation that are written out
MOST_SPELLED = 6  # operands of one operation that are written out
SHOWN_NAMES = 20


class Words:
    """Names for the Values of a history, and the Values behind names.

    A Value is called by its name where that is the only one, else by scope and name, else by name and place: ``w1``,
    ``layer1.w1``, ``w1@v7``. One without a name is called by its place, ``v7``; a loss without one is called ``loss``.
    """

    def __init__(self, history: History, digits: int = 4):
        self.history, self.digits = history, digits
        self.names = Names(history.nodes)
        self.places: dict[str, list[int]] = {}  # behind each name, with and without the scope
        for place, node in enumerate(history.nodes):
            name = self.names.of(node) or ("loss" if node is history.loss else None)
            for key in _keys(name, node.scope):
                self.places.setdefault(key, []).append(place)

    # ---- names ------------------------------------------------------------------------------------------------------------

    def name(self, place: int) -> str:
        """What to call a Value, fit to be printed: without control characters and not too long."""
        node = self.history.nodes[place]
        name = self.names.of(node) or ("loss" if node is self.history.loss and self.places["loss"] == [place] else None)
        if not name:
            return f"v{place}"
        own = next((key for key in _keys(name, node.scope) if len(self.places[key]) == 1), None)
        shown = printable(own or name)
        shown = shown if len(shown) <= LONGEST_NAME else shown[: LONGEST_NAME - 1] + "…"
        return shown if own else f"{shown}@v{place}"

    @cached_property
    def loss(self) -> str:
        """What to call the loss, which need not be among the Values of a scope."""
        history = self.history
        if history.nodes[-1] is history.loss:
            return self.name(len(history.nodes) - 1)
        return printable(self.names.of(history.loss) or "loss")

    def find(self, text: str) -> list[int]:
        """The places of the Values that a person may mean. Raises ``DebuggerError``, which says what there is."""
        if text in self.places:
            return self.places[text]
        number = text.rpartition("@")[2].removeprefix("v")
        if text.endswith(f"v{number}") and number.isdecimal() and int(number) < len(self.history.nodes):
            place = int(number)
            if text in (f"v{place}", self.name(place)):
                return [place]
        found = [place for key, places in self.places.items() if text in (printable(key), plain(key)) for place in places]
        if found:
            return found
        raise DebuggerError(f"there is no Value {text!r}; {self._known(text)}")

    def find_one(self, text: str) -> int:
        """The place of the one Value that a person means. Raises ``DebuggerError`` if there are several, or none."""
        places = self.find(text)
        if len(places) > 1:
            choices = ", ".join(self.name(place) for place in places[:SHOWN_NAMES])
            raise DebuggerError(f"{len(places)} Values are called {text!r}; say which one: {choices}")
        return places[0]

    def known(self) -> list[str]:
        """The names of the Values that have one, in forward order."""
        return [
            self.name(place)
            for place, node in enumerate(self.history.nodes)
            if self.names.of(node) or (node is self.history.loss and len(self.places.get("loss", ())) == 1)
        ]

    def _known(self, text: str) -> str:
        names = self.known()
        close = difflib.get_close_matches(text, names[:1000], 3)
        if close:
            return f"close to it: {', '.join(close)}"
        more = f" and {len(names) - SHOWN_NAMES:,} more" if len(names) > SHOWN_NAMES else ""
        listed = f"{', '.join(names[:SHOWN_NAMES])}{more}, and " if names else ""
        return f"there are {listed}v0 … v{len(self.history.nodes) - 1}"

    # ---- numbers, operations, rules ---------------------------------------------------------------------------------------

    def number(self, number: float) -> str:
        """The number in as many significant digits as are set, with a real minus sign: ``−0.4142``, ``2.0``, ``6.02e23``."""
        mantissa, e, exponent = f"{number:.{self.digits}g}".partition("e")
        if e:
            return f"{mantissa}e{int(exponent)}".replace("-", "−")
        return (mantissa if not mantissa.lstrip("-").isdigit() else f"{mantissa}.0").replace("-", "−")

    def argument(self, argument: Value | float) -> str:
        """An argument of an operation as it is called; a plain number as people write it, ``2`` for 2.0."""
        if isinstance(argument, Value):
            return self.name(self.history.place(argument))
        return self.number(argument).removesuffix(".0")

    def operation(self, place: int) -> str:
        """The operation that made a Value over the names of its operands, ``w1 · x1``; empty for a leaf."""
        made = self.history.made_here(place)
        return self._spelled(place, [self.argument(x) for x in _shown(self.history.nodes[place])]) if made else ""

    def title(self, place: int) -> str:
        """``z = v7 + b``; for what was not made here its name and why."""
        operation = self.operation(place)
        return f"{self.name(place)} = {operation}" if operation else f"{self.name(place)}, {self.given(place)}"

    def given(self, place: int) -> str:
        """What a Value is that was not made here."""
        return "made outside of the scope" if self.history.nodes[place].op else "a leaf"

    def operation_in_numbers(self, place: int) -> str:
        """The operation that made a Value over its operands' numbers, ``0.8 · 1.5``; empty for a leaf."""
        history, node = self.history, self.history.nodes[place]
        words: list[str] = []
        if not history.made_here(place):
            return ""
        for x in _shown(node):
            word = self.number(history.datum(history.place(x))) if isinstance(x, Value) else self.argument(x)
            words.append(f"({word})" if word.startswith("−") and rules.TABLE[node.op].precedence < ATOM else word)
        return self._spelled(place, words)

    def _spelled(self, place: int, words: list[str]) -> str:
        node = self.history.nodes[place]
        rule = rules.TABLE[node.op]
        if rule.spelling == "{0}":  # passes its operand on, so that the spelling alone says nothing
            return f"{rule.name}({words[0]})"
        if len(words) < len(node.arguments):
            half = len(words) // 2
            words = [*words[:half], "…", *words[half:], "…"] if "{<}" in rule.spelling else [*words, "…"]
        return rule.written(words)

    def local(self, node: Value, argument: int) -> str:
        """The derivative of an operation by one of its arguments in the names of these; empty if it is but a number."""
        operands, index = representative(node, argument)
        text = _partial(rules.TABLE[node.op], [self.argument(x) if isinstance(x, Value) else x for x in operands], index)
        return text if len(text) <= LONGEST_LOCAL and any(map(str.isalpha, text.replace("e", ""))) else ""

    # ---- events -----------------------------------------------------------------------------------------------------------

    def lines(self, number: int) -> list[tuple[str, str]]:
        """What event ``number`` does, in numbers and in symbols: what each line is about, and what it says."""
        return self._forward(number) if number < self.history.forward else self._backward(number)

    def _forward(self, place: int) -> list[tuple[str, str]]:
        name, operation, node = self.name(place), self.operation(place), self.history.nodes[place]
        data = self.number(self.history.datum(place))
        if not operation:
            return [("value", f"{name} = {data}, {self.given(place)}")]
        lines = [("value", f"{name} = {operation} = {self.operation_in_numbers(place)} = {data}")]
        given = [(argument, x) for argument, x in enumerate(node.arguments) if isinstance(x, Value)]
        for (argument, x), local in zip(given[:MOST_LOCALS], node.partials, strict=False):
            symbols = self.local(node, argument)
            text = f"{symbols} = {self.number(local)}" if symbols else self.number(local)
            lines.append(("local", f"∂{name}/∂{self.argument(x)} = {text}"))
        return [*lines, ("", f"and {len(given) - MOST_LOCALS} more")] if len(given) > MOST_LOCALS else lines

    def _backward(self, number: int) -> list[tuple[str, str]]:
        history, acting = self.history, self.history.acting(number)
        node, argument = history.nodes[acting], argument_of(history, number)
        name, by, loss = self.name(history.changed(number)), self.name(acting), self.loss
        local, before, after = history.edge(number)
        upstream, symbols = history.upstream(acting), self.local(node, argument)
        factor = self.number(local) + (f" (= {symbols})" if symbols else "")
        product = f"{self.number(upstream)} × {factor} = {self.number(upstream * local)}"
        which, of = self.contribution(number)
        return [
            ("chain", f"∂{loss}/∂{name} += upstream × local = {product}"),
            ("grad", f"{name}.grad {self.number(before)} → {self.number(after)}, contribution {which} of {of}"),
            ("from", f"{by} = {self.operation(acting)}, upstream = ∂{loss}/∂{by}"),
            ("rule", rule_of(node, argument)),
        ]

    def contribution(self, number: int) -> tuple[int, int]:
        """Which of the additions to its operand's gradient a backward event is, from 1, and how many there are."""
        additions = self.history.additions(self.history.changed(number))
        return additions.index(number) + 1, len(additions)


def rule_of(node: Value, argument: int) -> str:
    """The rule for the derivative of an operation by one of its arguments, ``∂(a · b)/∂a = b``."""
    rule, operands = rules.TABLE[node.op], len(node.arguments)
    if rule.arity is not None:
        return _rule_text(node.op, rule.arity, argument)
    if "{<}" in rule.spelling:
        return _rule_text(node.op, 4, 0 if argument < operands // 2 else 2)
    return _rule_text(node.op, min(2, operands), 0)


@cache
def _rule_text(op: str, operands: int, index: int) -> str:
    rule = rules.TABLE[op]
    letters = list(LETTERS[:operands])
    written = f"{op}({letters[0]})" if rule.spelling == "{0}" else rule.written(letters)
    written = written if rule.precedence == ATOM and "{<}" not in rule.spelling else f"({written})"
    return f"∂{written}/∂{letters[index]} = {partials_text(rule, *letters)[index]}"


def argument_of(history: History, number: int) -> int:
    """The place among the arguments of the operation that the operand of a backward event has."""
    acting = history.acting(number)
    wanted = number - history.actions(acting).start
    values = (place for place, argument in enumerate(history.nodes[acting].arguments) if isinstance(argument, Value))
    return next(place for i, place in enumerate(values) if i == wanted)


def representative(node: Value, argument: int) -> tuple[Sequence[Any], int]:
    """Operands that show the derivative by one of them, and its index: all of a few, else what that one meets."""
    arguments, rule = node.arguments, rules.TABLE[node.op]
    if "{<}" in rule.spelling:
        half = len(arguments) // 2
        place = argument % half
        return [arguments[place], arguments[half + place]], argument // half
    if rule.arity is not None or len(arguments) <= 3:
        return arguments, argument
    return [arguments[argument], "…"], 0


def _partial(rule: rules.Rule, operands: list[str | float], index: int) -> str:
    try:
        return partials_text(rule, *operands)[index]
    except (ArithmeticError, ValueError):
        return partials_text(rule, *[str(operand) for operand in operands])[index]


def _shown(node: Value) -> Sequence[Value | float]:
    """The arguments of an operation, a few of each half if there are many."""
    arguments = node.arguments
    if len(arguments) <= MOST_SPELLED:
        return arguments
    if "{<}" not in rules.TABLE[node.op].spelling:
        return arguments[: MOST_SPELLED // 2]
    half = len(arguments) // 2
    return [*arguments[: MOST_SPELLED // 2], *arguments[half : half + MOST_SPELLED // 2]]


def _keys(name: str | None, scope: str | None) -> Iterator[str]:
    if name:
        yield name
        if scope:
            yield f"{scope}.{name}"


def stretch(source: Source) -> tuple[int, int]:
    """Where in its first line a recorded expression begins, from 0, and how many characters of that line it takes."""
    line, place, start = linecache.getline(source.file, source.line).rstrip("\r\n"), source.place, source.column - 1
    whole = place.end_line > place.line
    end = len(line) if whole else len(line.encode()[: place.end_column].decode(errors="replace"))
    return start, max(end - start, 0)


def plain(name: str) -> str:
    """The name as a keyboard has it, ``z1`` for z₁."""
    return unicodedata.normalize("NFKC", name)


def printable(text: str) -> str:
    """The text with whatever would move a cursor, change a colour or hide itself written as an escape."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )
