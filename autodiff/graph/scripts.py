"""The table for a browser: the value and the partials of each row as JavaScript, written by the rules themselves.

A ``Script`` is to a row what a ``Symbol`` is, an operand that writes down what is done to it, here one step a line. What a row
asks of ``ieee`` is a function of the same name in the page's ``ieee.js``; all else is plain arithmetic, or another row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
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
# What ieee.js has, by the names of the functions of Python in ieee.py, gamma.py and kernels.py that it stands for.
FUNCTIONS = [
    "acos", "acosh", "asin", "asinh", "at_least", "at_most", "atan", "atan2", "atanh", "cbrt", "compare", "copysign", "cos",
    "cosh", "cosquare", "div", "div0", "divide", "erf", "erfc", "erfinv", "exp", "expm1", "fabs", "floor", "greatest", "hypot",
    "least", "log", "log10", "log1p", "log2", "logsumexp", "mod", "mul0", "nonnegative", "pow", "power_log", "power_slope",
    "quotient", "relu", "sech2", "sigmoid", "sign", "sin", "sinh", "softplus", "softsign", "sqrt", "step", "take", "tan",
    "tanh", "ceil", "exp2", "logaddexp", "logit", "nearest", "sinc_order", "lgamma", "digamma", "polygamma",
]  # fmt: skip
LIBRARY = {getattr(module, name): name for module in (ieee, kernels, gamma) for name in FUNCTIONS if hasattr(module, name)}
LIBRARY[rules.TABLE["power_poly"].formula] = "power_poly"


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
            return self.step(f"ieee.{name}({', '.join(words)})")
        return self.step(f"values.{self.scripts.value(rule, len(words))}([{', '.join(words)}])")

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
    """The rows that a recording uses, as the JavaScript functions ``values`` and ``partials``, each once.

    A row goes by its name, one of any number of operands by that number too: ``dot6``. Each function is given its operands as
    one array ``x``, that of the partials the result ``out`` as well.
    """

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.partials: dict[str, str] = {}

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
        return f"(() => {{\n{''.join(tables)}return {{ values, partials }};\n}})()"


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
        words = ", ".join(map(script.lines.word, operands))
        return script.lines.step(f"ieee.refusing(ieee.{name}({words}), {words})")

    return function


_MATH = {getattr(math, name): _writing(name) for name in FUNCTIONS if hasattr(math, name) and name not in ("floor", "pow")}
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
