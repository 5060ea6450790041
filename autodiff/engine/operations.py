"""Rows of one's own: ``operation`` enters a row into the table, which then works as any other does."""

from __future__ import annotations

import functools
import inspect
import keyword
import math
import sys
import threading
from collections.abc import Callable, Iterable
from numbers import Complex, Real
from types import CodeType, FunctionType
from typing import Any, overload

from autodiff._support.frames import place_of
from autodiff._support.numbers import as_float
from autodiff.engine import functions, ieee, rules
from autodiff.engine.rules import Derivatives, Formula, Rule
from autodiff.engine.value import Value, attach, method_of
from autodiff.errors import OperationError

_lock = threading.Lock()
_made: dict[str, Operation] = {}


class Operation:
    """What ``operation`` returns: a function that applies its row, and pickles by its name.

    Numbers give a float; with a Value among the operands, the result is a Value.
    """

    rule: Rule

    def __init__(self, function: Callable[..., Any], definition: _Definition):
        functools.update_wrapper(self, function)
        self._definition = definition

    # fmt: off
    @overload
    def __call__(self, *operands: float, **named: float) -> float: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, *operands: Value | float, **named: Value | float) -> Value: ...
    @overload
    def __call__(self, operands: Iterable[float], /) -> float: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, operands: Iterable[Value | float], /) -> Value: ...
    # fmt: on
    def __call__(self, *operands: Any, **named: Any) -> Any:
        return self.__wrapped__(*operands, **named)  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return f"<operation {self.rule}>"

    def __reduce__(self) -> Any:
        return operation_named, (self.rule.name,)


def operation_named(name: str) -> Operation:
    """The operation of that name, for pickles. Raises ``UnknownNameError`` if there is none in this process."""
    rules.named(name)
    return _made[name]


def operation(
    name: str,
    value: Formula,
    partials: Derivatives,
    spelling: str | None = None,
    doc: str | None = None,
) -> Operation:
    """Make an operation of one's own, a row of the table of rules like any other::

        log_cosh = ad.operation(
            "log_cosh",
            lambda x: abs(x) + math.log1p(math.exp(-2 * abs(x))) - math.log(2),
            lambda x, out: (ad.tanh(x),),
            "log cosh({0})",
        )

    ``value`` computes the result from floats. Its parameters are those of the operation, with their names and defaults;
    ``*xs`` takes any number of operands. ``partials`` takes the same operands and then the result ``out``, and returns a tuple
    with the derivative by each operand. It is given floats, Values (for derivatives of higher order, and to compile) and
    symbols (to be written down), so it is made of arithmetic and of the functions of this package, and may use the operation
    itself. A branch is ``ad.where(x > 0, ..., ...)``, never an ``if``.

    ``spelling`` is how it is written, ``{0}`` and ``{1}`` standing for the operands and ``{*}`` for any number of them; without
    it, ``name({0}, {1})``. Operands get brackets where the reading needs them: ``(a + b)²`` for ``{0}²``. ``doc`` says in a few
    words what it is; without it, the docstring of ``value`` does.

    The operation is eager, drawn, explained, stepped through, differentiated to any order and compiled; one of one number is a
    method of Values too, and can be an activation. Where ``value`` or ``partials`` divide by 0 or overflow, the result is
    IEEE 754's; where a function of ``math`` refuses (``math.log(-1)``) or the result is complex, it is nan. ``ad.log``,
    which gives floats for floats, has its limits in their place. Pickles hold operations by name: the process that loads one
    makes the operation first.

    Making it again from the same code, as running a notebook's cell once more does, returns the operation that is there.

    Raises ``OperationError`` for a name that is none or is taken, for a number of derivatives that is not the number of
    operands, for partials that branch or read numbers, and for a spelling that does not fit; ``TypeError`` if ``value`` or
    ``partials`` is no function.
    """
    definition = _Definition(name, value, partials, spelling, doc)
    with _lock:
        there = _made.get(name)
        if there is not None and there._definition.same_as(definition):
            return there
        definition.check_name()
        definition.probe()
        made = _made[name] = Operation(definition.entered(), definition)
        if made.rule.of_one_number:  # NumPy calls the method for the elements of an array of objects
            attach(name, method_of(made.rule, name))
    return made


class _Definition:
    """What ``operation`` was given, checked."""

    def __init__(self, name: str, value: Formula, partials: Derivatives, spelling: str | None, doc: str | None):
        if not isinstance(name, str):
            raise TypeError(f"operation() takes a name, not {type(name).__name__} {name!r}")
        if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
            raise OperationError(
                f"operation(): {name!r} cannot be the name of an operation: it must be one of a Python function"
            )
        for what, function in (("value", value), ("partials", partials)):
            if not callable(function):
                raise TypeError(f"operation({name!r}): {what} is a function, not {type(function).__name__} {function!r}")
        self.name, self.value, self.partials = name, value, partials
        self.parameters, self.defaults = self._operands()
        self.arity = len(self.parameters) or None
        places = ", ".join(f"{{{i}}}" for i in range(len(self.parameters))) or "{*}"
        self.spelling = f"{name}({places})" if spelling is None else spelling
        own_doc = inspect.getdoc(value) if isinstance(value, FunctionType) else None
        self.doc = doc or (own_doc or "an operation of one's own").strip().rstrip(".")
        self.probed = False
        self._check_spelling()
        frame: Any = sys._getframe(2)
        self.place = place_of(frame.f_code.co_filename, frame.f_lineno)

    def _operands(self) -> tuple[tuple[str, ...], tuple[float, ...]]:
        """The names of the operands, and the defaults of the last of them; no names for any number of operands."""
        try:
            parameters = list(inspect.signature(self.value).parameters.values())
        except (TypeError, ValueError):
            raise OperationError(
                f"operation({self.name!r}): {self.value!r} does not say what operands it takes; "
                "write it as a lambda: lambda x: ..."
            ) from None
        kinds = {parameter.kind for parameter in parameters}
        if kinds == {inspect.Parameter.VAR_POSITIONAL}:
            return (), ()
        if not parameters or kinds - {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}:
            raise OperationError(
                f"operation({self.name!r}): value takes its operands by place: one or more parameters, or *xs alone, "
                f"not {inspect.signature(self.value)}"
            )
        given = [parameter.default for parameter in parameters if parameter.default is not inspect.Parameter.empty]
        defaults = tuple([as_float(default, f"operation({self.name!r}): a default") for default in given])
        return tuple([parameter.name for parameter in parameters]), defaults

    def _check_spelling(self) -> None:
        marks = [f"<{i}>" for i in range(len(self.parameters))]
        example = '"{*}"' if not marks else " and ".join(f'"{{{i}}}"' for i in range(len(marks)))
        try:
            written = self.spelling.format(*marks) if marks else self.spelling
            fits = all(mark in written for mark in marks or ["{*}"])
        except (IndexError, KeyError, ValueError, AttributeError):
            fits = False
        if not fits:
            raise OperationError(
                f"operation({self.name!r}): the spelling {self.spelling!r} must have {example} where the operands stand"
            )

    def check_name(self) -> None:
        """Raise ``OperationError`` for a name that something else has."""
        if self.name in _made:
            raise OperationError(
                f"operation({self.name!r}): there is another operation of that name, made at "
                f"{_made[self.name]._definition.place}. What was recorded, drawn or pickled knows an operation by its name, so "
                f"that one cannot change: take another name, such as {self.name + '_2'!r}, or start Python anew"
            )
        if self.name in rules.TABLE or self.name in vars(functions)["__all__"] or hasattr(Value, self.name):
            raise OperationError(
                f"operation({self.name!r}): autodiff has something of that name already; take another, "
                f"such as {'my_' + self.name!r}"
            )

    def entered(self) -> Callable[..., Any]:
        """The function of the new row."""
        function: Callable[..., Any] = rules.op(
            self.name,
            self.arity,
            self.result,
            self.derivatives,
            self.spelling,
            self.doc,
            defaults=self.defaults,
            parameters=self.parameters,
        )
        return function

    def same_as(self, other: _Definition) -> bool:
        """Whether both were made from the same code, and so cannot differ in what they do."""
        texts = (self.spelling, self.doc) == (other.spelling, other.doc)
        return texts and _same(self.value, other.value) and _same(self.partials, other.partials)

    # ---- the row ------------------------------------------------------------------------------------------------------------

    def result(self, *operands: float) -> float:
        """The value on floats; nan where there is no real number."""
        try:
            out = self.value(*operands)
        except OperationError:
            raise
        except ValueError:  # of the functions of math, outside of their domain
            return math.nan
        except (ZeroDivisionError, OverflowError):
            if not isinstance(operands[0], ieee.Real):
                raise  # to be computed once more, in IEEE's arithmetic
            return math.nan  # a function of math too large for a float
        if isinstance(out, complex) and not isinstance(operands[0], ieee.Real):
            out = self.value(*map(ieee.Real, operands))
        return self._number(out, "the value")

    def derivatives(self, *operands_and_out: Any) -> list[Any]:
        """The partials, as many as there are operands: of floats floats, of Values and symbols what they give."""
        if not self.probed:
            self.probe()
        found = self._partials(operands_and_out)
        if all(isinstance(x, (int, float)) for x in operands_and_out):
            if any(isinstance(partial, Complex) and not isinstance(partial, Real) for partial in found):
                found = self._partials(tuple(map(ieee.Real, operands_and_out)))
            return [self._number(partial, "a derivative") for partial in found]
        return found

    def _partials(self, operands_and_out: tuple[Any, ...]) -> list[Any]:
        found = self.partials(*operands_and_out)
        wanted = len(operands_and_out) - 1
        if isinstance(found, (str, dict)) or not isinstance(found, Iterable):
            raise OperationError(
                f"operation({self.name!r}): partials must return a tuple with one derivative for each operand, "
                f"(...,) with a comma where there is one operand, not "
                + ("a number by itself" if isinstance(found, (_Probe, int, float)) else type(found).__name__)
            )
        listed = list(found)
        if len(listed) != wanted:
            raise OperationError(
                f"operation({self.name!r}): partials must return one derivative for each operand: {wanted}, not {len(listed)}"
            )
        return listed

    def _number(self, x: Any, what: str) -> float:
        if isinstance(x, Value):
            raise OperationError(
                f"operation({self.name!r}): {what} of numbers is a Value: it was computed from a Value that is not among the "
                "operands, so that no gradient would flow to that; make it an operand"
            )
        try:
            return as_float(x, "")
        except TypeError:
            raise OperationError(f"operation({self.name!r}): {what} must be a number, not {type(x).__name__} {x!r}") from None

    def probe(self) -> None:
        """Find out whether the partials are arithmetic, and as many as the operands."""
        counts = [self.arity] if self.arity is not None else [2, 4]
        for count in counts:
            operands = tuple([_Probe(self.name) for _ in range(count)])
            try:
                self._partials((*operands, _Probe(self.name)))
            except NameError:  # it refers to itself, by a name that will be there at the first use
                return
            except TypeError as error:
                raise OperationError(
                    f"operation({self.name!r}): partials takes the {count} operands and then the result, as arithmetic: {error}"
                ) from error
        self.probed = True


class _Probe:
    """Stands for any operand of partials, and refuses what only a number could answer."""

    def __init__(self, name: str):
        self.name = name

    def _record(self, rule: Rule, operands: tuple[Any, ...]) -> _Probe:
        return self

    def _refused(self, what: str) -> OperationError:
        return OperationError(
            f"operation({self.name!r}): partials {what}, and they are given Values and symbols as well as floats: "
            "write a branch as ad.where(x > 0, ..., ...), and functions as ad.exp(x), not math.exp(x)"
        )

    def __bool__(self) -> bool:
        raise self._refused("branch on an operand")

    def __eq__(self, other: object) -> bool:
        raise self._refused("ask whether an operand equals something")

    def __float__(self) -> float:
        raise self._refused("read the number of an operand")

    __int__ = __index__ = __float__

    def _arithmetic(self, other: Any = None) -> _Probe:
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _arithmetic
    __pow__ = __rpow__ = __mod__ = __rmod__ = __lt__ = __le__ = __gt__ = __ge__ = _arithmetic
    __neg__ = __pos__ = __abs__ = _arithmetic


def _same(f: Any, g: Any) -> bool:
    """Whether two functions are made of the same code over the same variables."""
    if not isinstance(f, FunctionType) or not isinstance(g, FunctionType):
        return f is g
    cells = [[cell.cell_contents for cell in function.__closure__ or ()] for function in (f, g)]
    return (
        f.__globals__ is g.__globals__
        and repr(f.__defaults__) == repr(g.__defaults__)
        and len(cells[0]) == len(cells[1])
        and all(x is y for x, y in zip(*cells, strict=True))
        and _bare(f.__code__) == _bare(g.__code__)
    )


def _bare(code: CodeType) -> CodeType:
    """The code, wherever it stands."""
    constants = tuple([_bare(x) if isinstance(x, CodeType) else x for x in code.co_consts])
    return code.replace(co_firstlineno=1, co_linetable=b"", co_filename="", co_qualname=code.co_name, co_consts=constants)
