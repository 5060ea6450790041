"""The table for a browser: the value and the partials of each row as JavaScript, written by the rules themselves.

A ``Script`` is to a row what a ``Symbol`` is, an operand that writes down what is done to it, here one step a line. What a row
asks of ``ieee`` is a function of the same name in ``ieee.js``, written along with it; all else is plain arithmetic, or another
row.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from importlib import resources
from types import CellType, FunctionType, SimpleNamespace
from typing import Any, NoReturn

from autodiff.engine import gamma, ieee, kernels, rules
from autodiff.engine.rules import Rule
from autodiff.graph.symbols import Symbol

# What JavaScript has an operator for, with the same bits.
OPERATORS = {
    "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "div": "{0} / {1}", "neg": "-{0}",
    "greater": "+({0} > {1})", "greater_equal": "+({0} >= {1})", "equal": "+({0} === {1})",
    "select": "{0} !== 0 ? {1} : {2}", "where": "{0}", "held": "{0}",
}  # fmt: skip


def bare(script: str) -> str:
    """JavaScript without what only its readers need: indents, and comments that begin a line or stand after two blanks."""
    return re.sub(r"^ *(//.*)?\n|^ +|  // .*", "", script, flags=re.M)


def _definitions() -> dict[str, str]:
    """What ``ieee.js`` defines, by its names, in the order of the file."""
    text = resources.files("autodiff.graph").joinpath("ieee.js").read_text(encoding="utf-8")
    starts = list(re.finditer(r"^(?:const|function) (\w+)", text, flags=re.M))
    ends = [start.start() for start in starts[1:]] + [len(text)]
    return {start[1]: bare(text[start.start() : end]) for start, end in zip(starts, ends, strict=True)}


DEFINITIONS = _definitions()
NEEDS = {name: set(re.findall(r"\w+", text)) & DEFINITIONS.keys() - {name} for name, text in DEFINITIONS.items()}
# Which of these stands for which function of ieee.py, gamma.py and kernels.py.
LIBRARY = {getattr(module, name): name for module in (ieee, kernels, gamma) for name in DEFINITIONS if hasattr(module, name)}
LIBRARY[rules.TABLE["power_poly"].formula] = "power_poly"


def library(names: Iterable[str]) -> str:
    """The definitions of ``ieee.js`` that go by these names, and those that they need."""
    needed: set[str] = set()
    waiting = set(names)
    while waiting:
        needed |= waiting
        waiting = set().union(*(NEEDS[name] for name in waiting)) - needed
    return "".join(text for name, text in DEFINITIONS.items() if name in needed)


class Unwritable(Exception):
    """A formula asks for the number itself, which is not there when it is written down."""


class Script(Symbol):
    """An operand in JavaScript: the name of a number, on which the arithmetic of a row writes further lines."""

    __slots__ = ("lines",)
    backward = None  # rules take it for what is computed, not for a text, and keep their limits

    def __init__(self, text: str, lines: _Lines):
        super().__init__(text)
        self.lines = lines

    def _record(self, rule: Rule, operands: tuple[Any, ...]) -> Script:
        return self.lines.called(rule, operands)

    def _refuse(self, *_: Any) -> NoReturn:
        raise Unwritable("it branches on its operands, or hands them to a function that only knows numbers")

    __bool__ = __float__ = __int__ = __index__ = __eq__ = __ne__ = _refuse
    __hash__ = None  # type: ignore[assignment]


class _Lines:
    """The steps of one function, each result under a name of its own; what was computed before is not computed again."""

    def __init__(self, scripts: Scripts):
        self.scripts = scripts
        self.steps: dict[str, str] = {}

    def step(self, text: str) -> Script:
        return Script(self.steps.setdefault(text, f"t{len(self.steps)}"), self)

    def called(self, rule: Rule, operands: tuple[Any, ...]) -> Script:
        words = [self.word(operand) for operand in operands]
        if rule.name in OPERATORS:
            return self.step(OPERATORS[rule.name].format(*words))
        if (name := _in_library(rule)) is not None:
            return self.asked(name, words)
        return self.step(f"values.{self.scripts.value(rule, len(words))}([{', '.join(words)}])")

    def asked(self, name: str, words: Sequence[str]) -> Script:
        self.scripts.functions.add(name)
        return self.step(f"{name}({', '.join(words)})")

    def word(self, operand: Any) -> str:
        if isinstance(operand, Script):
            return operand.text
        number = float(operand)
        text = "NaN" if math.isnan(number) else repr(number).replace("inf", "Infinity").removesuffix(".0")
        return f"({text})" if text[0] == "-" else text

    def body(self, result: str) -> str:
        steps = ", ".join(f"{name} = {text}" for text, name in self.steps.items())
        return f"{{ const {steps}; return {result}; }}" if steps else f"{{ return {result}; }}"


class Scripts:
    """The rows that a recording uses, as the JavaScript functions ``values`` and ``partials``, each once; ``functions`` are
    the names of what they ask of ``ieee.js``.

    A row goes by its name, one of any number of operands by that number too: ``dot6``. Each function is given its operands as
    one array ``x``, that of the partials the result ``out`` as well.
    """

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.partials: dict[str, str] = {}
        self.functions: set[str] = set()

    def row(self, rule: Rule, count: int) -> str:
        """Write a row whole, and return the name it goes by. Raises ``Unwritable``."""
        name = self.value(rule, count)
        if name not in self.partials:
            lines = _Lines(self)
            operands = [Script(f"x[{place}]", lines) for place in range(count)]
            found = _attempted(rule.derivatives, [*operands, Script("out", lines)])
            listed = ", ".join(map(lines.word, found))
            self.partials[name] = f"(x, out) => {lines.body(f'[{listed}]')}"
        return name

    def value(self, rule: Rule, count: int) -> str:
        """Write the value of a row, and return the name it goes by. Raises ``Unwritable``."""
        name = rule.name if rule.arity is not None else f"{rule.name}{count}"
        if name not in self.values:
            lines = _Lines(self)
            operands = [Script(f"x[{place}]", lines) for place in range(count)]
            if rule.name in OPERATORS or _in_library(rule):
                result: Any = lines.called(rule, tuple(operands))
            else:
                result = _attempted(_without_math(rule.formula), operands)
            self.values[name] = f"x => {lines.body(lines.word(result))}"
        return name

    def text(self) -> str:
        """All that was written, as one expression: ``{values, partials}``."""
        tables = [
            f"const {table} = {{\n" + "".join(f"{name}: {text},\n" for name, text in functions.items()) + "};\n"
            for table, functions in (("values", self.values), ("partials", self.partials))
        ]
        return f"(() => {{\n{library(self.functions)}{''.join(tables)}return {{ values, partials }};\n}})()"


def _in_library(rule: Rule) -> str | None:
    """The function of ``ieee`` that is the value of a row; None if it is computed from others."""
    return LIBRARY.get(rule.formula)


def _attempted(function: Callable[..., Any], operands: Sequence[Script]) -> Any:
    """What a formula, maybe a user's, makes of Scripts."""
    try:
        found = function(*operands)
        return list(found) if isinstance(found, Iterable) else found
    except Unwritable:
        raise
    except Exception as error:
        raise Unwritable(f"{type(error).__name__}: {error}") from error


# ---- the functions of math in the formulas of users -------------------------------------------------------------------------


def _writing(name: str) -> Callable[..., Any]:
    """A function of ``math`` that writes: what it refuses or cannot hold is nan, as ``operation`` has it."""
    real = getattr(math, name)

    def function(*operands: Any) -> Any:
        script = next((x for x in operands if isinstance(x, Script)), None)
        if script is None:
            return real(*operands)
        if name == "log" and len(operands) == 2:
            return function(operands[0]) / function(operands[1])
        words = [*map(script.lines.word, operands)]
        return script.lines.asked("refusing", [script.lines.asked(name, words).text, *words])

    return function


_MATH = {getattr(math, name): _writing(name) for name in DEFINITIONS if hasattr(math, name) and name not in ("floor", "pow")}
_MODULE = SimpleNamespace(**vars(math) | {function.__name__: writing for function, writing in _MATH.items()})


def _without_math(formula: Callable[..., Any]) -> Callable[..., Any]:
    """The formula with functions that write in the place of those of ``math`` that it refers to."""
    own = getattr(getattr(formula, "__self__", None), "value", formula)  # of an operation of the user's
    if not isinstance(own, FunctionType):
        return _MATH.get(own, own)

    def swapped(thing: Any) -> Any:
        return _MODULE if thing is math else _MATH.get(thing, thing) if isinstance(thing, type(math.exp)) else thing

    names = {name: swapped(own.__globals__[name]) for name in own.__code__.co_names if name in own.__globals__}
    cells = tuple([CellType(swapped(cell.cell_contents)) for cell in own.__closure__ or ()])
    made = FunctionType(own.__code__, own.__globals__ | names, own.__name__, own.__defaults__, cells)
    made.__kwdefaults__ = own.__kwdefaults__
    return made
