"""Expressions that a person types: arithmetic, comparisons and the functions of the table, over names that somebody looks up.

Nothing is handed to ``eval``. The text is parsed, every node of the tree is checked when it is read, and arithmetic goes
through ``rules.py``, so that ``1 / 0`` is inf here as everywhere.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterable
from typing import Any

from autodiff.engine import rules
from autodiff.errors import DebuggerError

LONGEST = 200  # characters; nested less deeply than Python's parser minds

Lookup = Callable[[str], float]

ARITHMETIC: dict[type[ast.AST], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow", ast.Mod: "mod",
}  # fmt: skip
COMPARISONS: dict[type[ast.AST], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
TESTS: dict[str, Callable[[float], bool]] = {"isnan": math.isnan, "isinf": math.isinf, "isfinite": math.isfinite}
CONSTANTS = {"nan": math.nan, "inf": math.inf, "pi": math.pi, "e": math.e}


class Expression:
    """A text that was understood; ``value(lookup)`` is its number where ``lookup`` has the number behind each name.

    Names are those of ``known`` if given, and are checked at once; a dotted name, ``w1.grad``, is one name. Raises
    ``DebuggerError`` with what is wrong and what there is.
    """

    def __init__(self, text: str, known: Iterable[str] | None = None):
        self.text = text.strip()
        self.known = None if known is None else tuple(known)
        self.names: set[str] = set()  # those that are looked up
        if not self.text:
            raise DebuggerError(f"an expression is missing; {self._help()}")
        if len(self.text) > LONGEST:
            raise DebuggerError(f"an expression has at most {LONGEST} characters; this one has {len(self.text)}")
        try:
            tree = ast.parse(self.text, mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise DebuggerError(f"{self.text!r} is no expression: {getattr(error, 'msg', error)}; {self._help()}") from None
        self._evaluate = self._read(tree.body)

    def __str__(self) -> str:
        return self.text

    def value(self, lookup: Lookup) -> float:
        """The number; 1.0 and 0.0 for what is true and false. What ``lookup`` raises comes through."""
        return float(self._evaluate(lookup))

    def _help(self) -> str:
        names = "" if self.known is None else f"over {', '.join(self.known)}, "
        return f"write arithmetic and comparisons {names}such as abs(grad) > 1 and grad < 0"

    def _read(self, node: ast.AST) -> Callable[[Lookup], Any]:
        match node:
            case ast.Constant(value=bool() | int() | float() as number):
                try:
                    return _constant(float(number))
                except OverflowError:
                    raise DebuggerError(f"{self.text!r} has a number too large for a float") from None
            case ast.Name() | ast.Attribute():
                return self._name(node)
            case ast.UnaryOp(op=ast.Not()):
                operand = self._read(node.operand)
                return lambda lookup: not operand(lookup)
            case ast.UnaryOp(op=ast.USub()):
                operand = self._read(node.operand)
                return lambda lookup: -operand(lookup)
            case ast.UnaryOp(op=ast.UAdd()):
                return self._read(node.operand)
            case ast.BinOp() if type(node.op) in ARITHMETIC:
                return _apply(rules.TABLE[ARITHMETIC[type(node.op)]], [self._read(node.left), self._read(node.right)])
            case ast.BoolOp():
                parts = [self._read(part) for part in node.values]
                combine = all if isinstance(node.op, ast.And) else any
                return lambda lookup: combine(part(lookup) for part in parts)
            case ast.Compare() if all(type(op) in COMPARISONS for op in node.ops):
                parts = [self._read(part) for part in (node.left, *node.comparators)]
                return _chain([COMPARISONS[type(op)] for op in node.ops], parts)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in TESTS or name in functions():
                return self._call(name, [self._read(argument) for argument in arguments])
            case ast.Call(func=ast.Name(id=name)):
                raise DebuggerError(f"there is no function {name!r}; there are {', '.join([*TESTS, *functions()])}")
        raise DebuggerError(f"{ast.get_source_segment(self.text, node) or self.text!r} is not allowed here; {self._help()}")

    def _name(self, node: ast.AST) -> Callable[[Lookup], Any]:
        name = ast.unparse(node)
        if not all(part.isidentifier() for part in name.split(".")):
            raise DebuggerError(f"{name!r} is not allowed here; {self._help()}")
        self.names.add(name)
        if self.known is None:
            return lambda lookup: CONSTANTS[name] if name in CONSTANTS else lookup(name)
        if name in self.known:
            return lambda lookup: lookup(name)
        if name in CONSTANTS:
            return _constant(CONSTANTS[name])
        raise DebuggerError(f"there is no {name!r} in a condition; there are {', '.join(self.known)}")

    def _call(self, name: str, arguments: list[Callable[[Lookup], Any]]) -> Callable[[Lookup], Any]:
        arity = 1 if name in TESTS else functions()[name].arity
        if (arity is None and not arguments) or (arity is not None and len(arguments) != arity):
            raise DebuggerError(f"{name}() takes {arity or 'at least 1'} and was given {len(arguments)} in {self.text!r}")
        if name in TESTS:
            test, (argument,) = TESTS[name], arguments
            return lambda lookup: test(argument(lookup))
        if name == "dot" and len(arguments) % 2:
            raise DebuggerError(f"dot() takes an even number of operands and was given {len(arguments)} in {self.text!r}")
        return _apply(functions()[name], arguments)


def functions() -> dict[str, rules.Rule]:
    """The public rows of the table, with those that the user has made."""
    return {rule.name: rule for rule in rules.TABLE.values() if rule.doc}


def _constant(number: float) -> Callable[[Lookup], Any]:
    return lambda lookup: number


def _apply(rule: rules.Rule, arguments: list[Callable[[Lookup], Any]]) -> Callable[[Lookup], Any]:
    return lambda lookup: rule.value(*[float(argument(lookup)) for argument in arguments])


def _chain(comparisons: list[Callable[[float, float], bool]], parts: list[Callable[[Lookup], Any]]) -> Callable[[Lookup], Any]:
    def evaluate(lookup: Lookup) -> bool:
        numbers = [float(part(lookup)) for part in parts]
        return all(compare(x, y) for compare, x, y in zip(comparisons, numbers, numbers[1:], strict=False))

    return evaluate
