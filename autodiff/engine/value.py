"""The engine: a Value is a number that remembers how it was computed; ``backward()`` walks that recording with the chain rule.

Going forward, each operation makes one node that keeps its operands and the local derivatives ∂out/∂operand. Going back is one
loop over the operations, each after all its uses, that multiplies and adds. There are no closures, no cycles and no recursion.

This file is plain Python, and Cython compiles it as it stands (``value.pxd`` has its C types). The operations that networks are
made of are spelled out here with typed arithmetic; every other row of ``rules.py`` goes through ``_record``. A test holds the
two against each other, row by row and to the last bit.
"""

from __future__ import annotations

import math
import os
import sys
from array import array
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from autodiff._support.numbers import as_float, as_operand, unboxed
from autodiff.engine import rules, sources
from autodiff.errors import ShapeError

try:
    import cython
except ImportError:
    from autodiff.engine import _cython as cython

if not cython.compiled:
    from threading import get_ident

    from autodiff.engine import ieee as libm
    from autodiff.engine import kernels

    # Compiled, the loops borrow nodes, and slots own what they hold; interpreted, a node is a node.
    NOBODY = None

    def lend(value):
        """The value itself."""
        return value

    def note_leaf(leaf, before):
        """Note what a leaf is before a sweep, once."""
        if before is not None:
            leaf.uses = 1
            before.append((leaf, leaf.adjoint, leaf.kind))

    value_of = hold = held = lend
    new = object.__new__
    lower_flags = libm.lower_flags

    def references(things, i):
        """How often what stands at a place is held, as far as Python tells."""
        return sys.getrefcount(things[i])

    ONE = references((object(),), 0)  # what Python tells of a thing that is held once, which depends on its version

    def alone(things, i):
        """Whether nobody but this tuple holds what stands at a place."""
        return references(things, i) == ONE

    def place_of(node, places):
        """Where a node stands, −1 if it does not."""
        return places.get(id(node), -1)

    def is_told(node):
        """Whether it has an ``About``."""
        return node.about is not None

    def width(node):
        """How many arguments an operation of many has."""
        return len(node.left)

    def value_among(node, i):
        """The argument at a place, if it is a Value."""
        argument = node.left[i]
        return argument if isinstance(argument, Value) else NOBODY

    def partial_among(node, i):
        """The partial at a place."""
        return node.right[i]


# What ``kind`` says of a node: which of its two slots holds a Value, or that it has many operands. Then ``left`` is the tuple
# of them and ``right`` the array of their partials. Where the other operand is a plain number, it stands in the place of its
# partial. And whether backward() has been through an operation, for its gradient is no number before; compiled, whether it has
# an ``About``.
LEFT = cython.declare(cython.short, 1)
RIGHT = cython.declare(cython.short, 2)
BOTH = cython.declare(cython.short, 3)
MANY = cython.declare(cython.short, 4)
SWEPT = cython.declare(cython.short, 8)
NUMBER = cython.declare(cython.short, 16)
TOLD = cython.declare(cython.short, 32)
LEFT_AND_NUMBER = cython.declare(cython.short, LEFT | NUMBER)
NUMBER_AND_RIGHT = cython.declare(cython.short, NUMBER | RIGHT)

# the floats that have all their digits lie between these
SMALLEST = cython.declare(cython.double, sys.float_info.min)
LARGEST = cython.declare(cython.double, sys.float_info.max)

ADD = cython.declare(cython.short, rules.TABLE["add"].code)
SUB = cython.declare(cython.short, rules.TABLE["sub"].code)
MUL = cython.declare(cython.short, rules.TABLE["mul"].code)
DIV = cython.declare(cython.short, rules.TABLE["div"].code)
POW = cython.declare(cython.short, rules.TABLE["pow"].code)
NEG = cython.declare(cython.short, rules.TABLE["neg"].code)
ABS = cython.declare(cython.short, rules.TABLE["abs"].code)
EXP = cython.declare(cython.short, rules.TABLE["exp"].code)
LOG = cython.declare(cython.short, rules.TABLE["log"].code)
SQRT = cython.declare(cython.short, rules.TABLE["sqrt"].code)
SIN = cython.declare(cython.short, rules.TABLE["sin"].code)
COS = cython.declare(cython.short, rules.TABLE["cos"].code)
TANH = cython.declare(cython.short, rules.TABLE["tanh"].code)
SIGMOID = cython.declare(cython.short, rules.TABLE["sigmoid"].code)
RELU = cython.declare(cython.short, rules.TABLE["relu"].code)
SUM = cython.declare(cython.short, rules.TABLE["sum"].code)
DOT = cython.declare(cython.short, rules.TABLE["dot"].code)
HELD = cython.declare(cython.short, rules.TABLE["held"].code)

noting = cython.declare(cython.bint, False)  # whether each new Value notes where it was made, while record_source() is on
decided = cython.declare(object, None)  # called with each comparison that Python decides while record_source() is on
observer = cython.declare(object, None)  # called with each new operation while scope() or strict() is on
tape = cython.declare(list, None)  # takes them instead, those of one thread
tape_thread = cython.declare(cython.Py_ssize_t, 0)
sweep_observer = cython.declare(object, None)  # and with the Value and the seed before a sweep backward
door = cython.declare(object, None)  # called with a Value before float() takes its number
tracing = cython.declare(object, None)  # asked before a number is read out of a Value while ad.compile traces, in any thread


class About(NamedTuple):
    """What a Value is called and where it was made. Most Values have none; those of one scope share one."""

    name: str | None = None
    scope: str | None = None
    source: Any = None
    own: dict[str, Any] | None = None  # compiled, the attributes that a user has given it


NOTHING = About()


@cython.no_gc  # a recording has no cycles, and its strings can hold none
@cython.cclass
class Value:
    """A float that remembers how it was computed.

    ``Value(data, name=None)`` makes a leaf from a real number: anything with ``__float__`` but a string. Arithmetic on Values
    records further Values. ``data`` and ``grad`` are floats that may be written; ``grad`` starts at 0.0 and is filled by
    ``backward()``. ``==``, ``<`` and the like compare ``data``; hash is identity, so sets and dictionaries go by object.
    ``int()``, ``round()`` and formats read ``data``. So does ``float()``, with a ``DetachedWarning`` unless it is written out,
    and a ``DetachedError`` where a derivative is being taken that depends on it.

    It takes attributes of the user's own, such as ``p.momentum = 0.0``, and answers to micrograd's names too: ``label`` is
    ``name``, and there are ``_prev``, ``_op`` and ``_backward()``.

    Memory comes back as soon as the last reference goes, without the cyclic collector, which does not look into compiled
    Values: no attribute of a Value must refer to something that was computed from it.

    Raises ``TypeError`` for a string, a complex number, None or a list.
    """

    __slots__ = (
        "__dict__", "__weakref__",
        "about", "adjoint", "code", "d_left", "d_right", "kind", "left", "primal", "right", "uses",
    )  # fmt: skip

    def __init__(self, data: Any, name: Any = None, *, label: Any = None):
        self.primal = data if type(data) is float else as_float(data, "Value()")
        clear(self)
        if noting:
            set_about(lend(self), made_here(2))
        if label is not None:
            if name is not None:
                raise TypeError(f"Value(name={name!r}, label={label!r}): label is another word for name, one of them is enough")
            name = label or None
        self.name = name

    # ---- what it knows ------------------------------------------------------------------------------------------------------

    @property
    def data(self) -> float:
        """The number itself. Writing it changes no operation that was recorded before."""
        if tracing is not None:
            tracing.read(".data")
        return self.primal

    @data.setter
    def data(self, number: Any) -> None:
        if tracing is not None:
            tracing.write(".data")
        self.primal = number if type(number) is float else as_float(number, "data")

    @property
    def grad(self) -> float:
        """The gradient that ``backward()`` has accumulated here; for an operation, that of the last call."""
        if tracing is not None:
            tracing.read(".grad")
        return self.adjoint

    @grad.setter
    def grad(self, number: Any) -> None:
        if tracing is not None:
            tracing.write(".grad")
        self.adjoint = number if type(number) is float else as_float(number, "grad")

    @property
    def swept(self) -> bool:
        """Whether ``backward()`` has been through this operation: before, its ``grad`` says nothing. False for a leaf."""
        return (self.kind & SWEPT) != 0

    @property
    def name(self) -> Any:
        """What drawings, the debugger and messages call it; a string or None."""
        return about_of(lend(self)).name

    @name.setter
    def name(self, name: Any) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"a name is a string or None, not {type(name).__name__}")
        if name is not None or about_of(lend(self)) is not NOTHING:
            # an exact str: a subclass could refer back to this Value, a cycle nobody would collect
            set_about(lend(self), about_of(lend(self))._replace(name=None if name is None else str.__str__(name)))

    @property
    def scope(self) -> Any:
        """The names of the ``scope()`` blocks it was made in, joined by dots; None outside of any."""
        return about_of(lend(self)).scope

    @scope.setter
    def scope(self, scope: Any) -> None:
        set_about(lend(self), about_of(lend(self))._replace(scope=scope))

    @property
    def source(self) -> Any:
        """Where it was made; None unless that was recorded."""
        return about_of(lend(self)).source

    @source.setter
    def source(self, source: Any) -> None:
        set_about(lend(self), about_of(lend(self))._replace(source=source))

    @property
    def op(self) -> str:
        """The name of the operation that made it, a row of the table; empty for a leaf."""
        return rules.BY_CODE[self.code].name if self.code else ""

    @property
    def arguments(self) -> tuple:
        """Everything the operation was given, in order: Values and plain numbers; empty for a leaf."""
        if self.kind & MANY:
            return tuple([x if isinstance(x, Value) else float(x) for x in held(self.left)])
        if self.kind & NUMBER:
            return (held(self.left), self.d_right) if self.kind & LEFT else (self.d_left, held(self.right))
        return tuple([x for x in (held(self.left), held(self.right)) if x is not None])

    @property
    def operands(self) -> tuple:
        """The Values among the arguments, those that a gradient flows to, in order; a Value used twice is there twice."""
        return tuple([x for x in self.arguments if isinstance(x, Value)])

    @property
    def partials(self) -> tuple:
        """The local derivatives ∂self/∂operand, one for each of ``operands``, as they were when it was made."""
        if self.kind & MANY:
            return tuple([partial for x, partial in zip(held(self.left), held(self.right)) if isinstance(x, Value)])
        return ((self.d_left,) if self.kind & LEFT else ()) + ((self.d_right,) if self.kind & RIGHT else ())

    # micrograd's names for what is above, and microgpt's

    @property
    def label(self) -> str:
        """Its ``name``, and "" where it has none."""
        return self.name or ""

    @label.setter
    def label(self, label: Any) -> None:
        self.name = label or None

    @property
    def _op(self) -> str:
        """The operation as micrograd writes it, ``+``, ``**2``, ``ReLU``; a row that micrograd has not by its name."""
        if self.code == POW and self.kind & LEFT and self.kind & NUMBER:
            return f"**{self.d_right:g}"
        return SYMBOLS.get(self.op, self.op)

    @property
    def _prev(self) -> set:
        """The operands as a set."""
        return set(self.operands)

    @property
    def _children(self) -> tuple:
        return self.operands

    @property
    def _local_grads(self) -> tuple:
        return self.partials

    def _backward(self) -> None:
        """One step of the chain rule by hand: give on this Value's ``grad`` to the operands; nothing for a leaf.

        Called for each operation after all its uses, with ``grad`` 1.0 at the end, that is what ``backward()`` does.
        """
        if tracing is not None:
            tracing.write("_backward()")
        operand: Value
        self.kind |= SWEPT if self.code else 0
        for operand, partial in zip(self.operands, self.partials):
            operand.adjoint += self.adjoint * partial

    def __getattr__(self, name: str) -> Any:  # compiled only
        # As the two that follow: interpreted Values have a dictionary for attributes of the user's own.
        own: object = about_of(lend(self)).own
        if own is not None and name in own:
            return own[name]
        if name == "ndim" or name.startswith("__"):  # what nobody reads the message of, and NumPy's kind ask all the time
            raise AttributeError(name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    def __setattr__(self, name: str, thing: Any) -> None:  # compiled only
        own: object = about_of(lend(self)).own
        if own is not None and name in own:
            own[name] = thing
            return
        try:
            PyObject_GenericSetAttr(self, name, cython.cast(cython.pointer(PyObject), thing))
        except AttributeError:
            if hasattr(type(self), name):  # it is there, and only for reading
                raise
            set_about(lend(self), about_of(lend(self))._replace(own={**(own or {}), name: thing}))

    def __delattr__(self, name: str) -> None:  # compiled only
        own: object = about_of(lend(self)).own
        if own is not None and name in own:
            del own[name]
        else:
            PyObject_GenericSetAttr(self, name, cython.NULL)

    def __repr__(self) -> str:
        named = "" if self.name is None else f", name={self.name!r}"
        return f"{type(self).__name__}({self.primal!r}, grad={self.adjoint!r}{named})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> Any:
        """Its graph, which a notebook shows in the place of its text."""
        from autodiff.drawing import shown

        return shown(self, include, exclude)

    # ---- arithmetic ---------------------------------------------------------------------------------------------------------

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Value):
            y: Value = other
            return record(ADD, self.primal + y.primal, self, y, 1.0, 1.0, BOTH)
        number = plain(other)
        if number is None:
            return beside("add", self, other)
        c: cython.double = number
        return record(ADD, self.primal + c, self, None, 1.0, c, LEFT_AND_NUMBER)

    def __radd__(self, other: Any) -> Any:
        number = plain(other)
        if number is None:
            return beside("add", other, self)
        c: cython.double = number
        return record(ADD, c + self.primal, None, self, c, 1.0, NUMBER_AND_RIGHT)

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, Value):
            y: Value = other
            return record(SUB, self.primal - y.primal, self, y, 1.0, -1.0, BOTH)
        number = plain(other)
        if number is None:
            return beside("sub", self, other)
        c: cython.double = number
        return record(SUB, self.primal - c, self, None, 1.0, c, LEFT_AND_NUMBER)

    def __rsub__(self, other: Any) -> Any:
        number = plain(other)
        if number is None:
            return beside("sub", other, self)
        c: cython.double = number
        return record(SUB, c - self.primal, None, self, c, -1.0, NUMBER_AND_RIGHT)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Value):
            y: Value = other
            return record(MUL, self.primal * y.primal, self, y, y.primal, self.primal, BOTH)
        number = plain(other)
        if number is None:
            return beside("mul", self, other)
        c: cython.double = number
        return record(MUL, self.primal * c, self, None, c, c, LEFT_AND_NUMBER)

    def __rmul__(self, other: Any) -> Any:
        number = plain(other)
        if number is None:
            return beside("mul", other, self)
        c: cython.double = number
        return record(MUL, c * self.primal, None, self, c, c, NUMBER_AND_RIGHT)

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, Value):
            y: Value = other
            out: cython.double = kernels.divide(self.primal, y.primal)
            return record(DIV, out, self, y, kernels.divide(1.0, y.primal), kernels.divide(-out, y.primal), BOTH)
        number = plain(other)
        if number is None:
            return beside("div", self, other)
        c: cython.double = number
        return record(DIV, kernels.divide(self.primal, c), self, None, kernels.divide(1.0, c), c, LEFT_AND_NUMBER)

    def __rtruediv__(self, other: Any) -> Any:
        number = plain(other)
        if number is None:
            return beside("div", other, self)
        c: cython.double = number
        out: cython.double = kernels.divide(c, self.primal)
        return record(DIV, out, None, self, c, kernels.divide(-out, self.primal), NUMBER_AND_RIGHT)

    def __pow__(self, other: Any, modulo: Any = None) -> Any:
        if modulo is not None:
            return NotImplemented
        if isinstance(other, Value):
            y: Value = other
            out: cython.double = kernels.pow(self.primal, y.primal)
            return record(
                POW, out, self, y, kernels.power_slope(self.primal, y.primal), kernels.d_exponent(self.primal, out), BOTH
            )
        number = plain(other)
        if number is None:
            return beside("pow", self, other)
        c: cython.double = number
        x: cython.double = self.primal
        if c == 2.0:
            return record(POW, x * x, self, None, 2.0 * x, c, LEFT_AND_NUMBER)
        return record(POW, kernels.pow(x, c), self, None, kernels.power_slope(self.primal, c), c, LEFT_AND_NUMBER)

    def __rpow__(self, other: Any, modulo: Any = None) -> Any:
        if modulo is not None:
            return NotImplemented
        number = plain(other)
        if number is None:
            return beside("pow", other, self)
        c: cython.double = number
        out: cython.double = kernels.pow(c, self.primal)
        return record(POW, out, None, self, c, kernels.d_exponent(c, out), NUMBER_AND_RIGHT)

    def __mod__(self, other: Any) -> Any:
        return beside("mod", self, other)

    def __rmod__(self, other: Any) -> Any:
        return beside("mod", other, self)

    def __floordiv__(self, other: Any) -> Any:
        return beside("quotient", self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return beside("quotient", other, self)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __neg__(self) -> Any:
        return record(NEG, -self.primal, self, None, -1.0, 0.0, LEFT)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        x: cython.double = self.primal
        return record(ABS, libm.fabs(x), self, None, kernels.sign(x), 0.0, LEFT)

    # ---- functions of one operand -------------------------------------------------------------------------------------------

    def neg(self) -> Any:
        """−x."""
        return -self

    def abs(self) -> Any:
        """|x|; its derivative at 0 is 0."""
        return abs(self)

    def exp(self) -> Any:
        """eˣ."""
        out: cython.double = kernels.exp(self.primal)
        return record(EXP, out, self, None, out, 0.0, LEFT)

    def log(self) -> Any:
        """The natural logarithm; −inf at 0, nan below."""
        x: cython.double = self.primal
        return record(LOG, kernels.log(x), self, None, kernels.divide(1.0, kernels.nonnegative(x)), 0.0, LEFT)

    def sqrt(self) -> Any:
        """The square root; its derivative at 0 is inf."""
        out: cython.double = libm.sqrt(self.primal)
        return record(SQRT, out, self, None, kernels.divide(0.5, out), 0.0, LEFT)

    def sin(self) -> Any:
        """The sine of x in radians."""
        return record(SIN, kernels.sin(self.primal), self, None, kernels.cos(self.primal), 0.0, LEFT)

    def cos(self) -> Any:
        """The cosine of x in radians."""
        return record(COS, kernels.cos(self.primal), self, None, -kernels.sin(self.primal), 0.0, LEFT)

    def tanh(self) -> Any:
        """The hyperbolic tangent, with the derivative 1/cosh(x)²: one exponential for both."""
        out, slope = kernels.tangent(self.primal)
        return record(TANH, out, self, None, slope, 0.0, LEFT)

    def sigmoid(self) -> Any:
        """The logistic function σ(x) = 1/(1 + e⁻ˣ), with the derivative σ(x)·σ(−x): one exponential for both."""
        here, opposite = kernels.logistic(self.primal)
        return record(SIGMOID, here, self, None, here * opposite, 0.0, LEFT)

    def relu(self) -> Any:
        """max(x, 0); its derivative at 0 is 0."""
        return record(RELU, kernels.relu(self.primal), self, None, kernels.step(self.primal), 0.0, LEFT)

    def _record(self, rule: Any, operands: tuple) -> Any:
        """The Value of any row of the table on these operands: Values and numbers, at least one a Value."""
        if rule.code == HELD and not traced():  # no gradient flows through it, not even 0 · inf
            return self.primal
        arguments: tuple = operands_in(operands, rule.name)
        numbers: list = [number_in(x, rule.name) for x in arguments]
        out = rule.value(*numbers)
        partials: list = rule.partials(*numbers, out=out)
        lower_flags()
        if len(arguments) > 2 or rule.arity is None:
            return record_many(rule.code, out, arguments, array("d", partials))
        if rule.arity == 1:
            return record(rule.code, out, arguments[0], None, partials[0], 0.0, LEFT)
        left, right = arguments
        kind: cython.short = kind_of(left, right)
        if kind == BOTH:
            return record(rule.code, out, left, right, partials[0], partials[1], BOTH)
        if kind & LEFT:
            return record(rule.code, out, left, None, partials[0], right, kind)
        return record(rule.code, out, None, right, left, partials[1], kind)

    # ---- as a number --------------------------------------------------------------------------------------------------------

    def __float__(self) -> float:
        if tracing is not None:
            tracing.read("float()")
        if door is not None:
            door(self)
        return self.primal

    def __format__(self, spec: str) -> str:
        return format(self.primal, spec) if spec else str(self)

    def __int__(self) -> int:
        if tracing is not None:
            tracing.read("int()")
        return int(self.primal)

    def __bool__(self) -> bool:
        if tracing is not None:
            tracing.read("its truth, as in `if x:`")
        return outcome("!=", self, 0.0, self.primal != 0.0)

    def __floor__(self) -> int:
        if tracing is not None:
            tracing.read("math.floor()")
        return math.floor(self.primal)

    def __ceil__(self) -> int:
        if tracing is not None:
            tracing.read("math.ceil()")
        return math.ceil(self.primal)

    def __trunc__(self) -> int:
        if tracing is not None:
            tracing.read("math.trunc()")
        return math.trunc(self.primal)

    def __round__(self, digits: Any = None) -> Any:
        if tracing is not None:
            tracing.read("round()")
        return round(self.primal, digits)

    def __eq__(self, other: Any) -> Any:
        if tracing is not None and tracing.here():
            return condition("equal", self, other)
        number = data_of(other)
        return NotImplemented if number is None else outcome("==", self, other, self.primal == number)

    def __ne__(self, other: Any) -> Any:
        if tracing is not None and tracing.here():
            same = condition("equal", self, other)
            return same if same is NotImplemented else rules.apply(rules.TABLE["select"], (same, 0.0, 1.0))
        number = data_of(other)
        return NotImplemented if number is None else outcome("!=", self, other, self.primal != number)

    def __lt__(self, other: Any) -> Any:
        if tracing is not None and tracing.here():
            return condition("greater", other, self)
        number = data_of(other)
        return NotImplemented if number is None else outcome("<", self, other, self.primal < number)

    def __le__(self, other: Any) -> Any:
        if tracing is not None and tracing.here():
            return condition("greater_equal", other, self)
        number = data_of(other)
        return NotImplemented if number is None else outcome("<=", self, other, self.primal <= number)

    def __gt__(self, other: Any) -> Any:
        if tracing is not None and tracing.here():
            return condition("greater", self, other)
        number = data_of(other)
        return NotImplemented if number is None else outcome(">", self, other, self.primal > number)

    def __ge__(self, other: Any) -> Any:
        if tracing is not None and tracing.here():
            return condition("greater_equal", self, other)
        number = data_of(other)
        return NotImplemented if number is None else outcome(">=", self, other, self.primal >= number)

    def __and__(self, other: Any) -> Any:
        """Of conditions that a trace leaves open: whether both hold."""
        return both_or_either(self, other, False)

    def __rand__(self, other: Any) -> Any:
        return both_or_either(self, other, False)

    def __or__(self, other: Any) -> Any:
        """Of conditions that a trace leaves open: whether one holds."""
        return both_or_either(self, other, True)

    def __ror__(self, other: Any) -> Any:
        return both_or_either(self, other, True)

    def __hash__(self) -> int:
        return object.__hash__(self)

    # ---- the chain rule -----------------------------------------------------------------------------------------------------

    def backward(self, seed: Any = 1.0) -> None:
        """Add ∂self/∂leaf · seed to the ``grad`` of every leaf below, and set that of every operation between.

        Leaves accumulate over calls until they are zeroed; operations are computed afresh on each call. A call that raises or
        is interrupted leaves every gradient as it was. On a leaf it adds ``seed`` to the leaf's own gradient.

        Compiled, a call is never divided between threads. Interpreted, threads may share leaves but must not walk at the same
        time over graphs that share operations.
        """
        if tracing is not None:
            tracing.write("backward()")
        upstream: cython.double = as_float(seed, "backward()")
        if sweep_observer is not None:
            sweep_observer(self, upstream)
        if not self.code:
            self.adjoint += upstream
            return
        if cython.compiled:
            # neither allocates, raises or looks for signals
            count_uses(lend(self), None, None, True)
            sweep(lend(self), upstream)
            return
        before: list = []
        fresh: list = []
        try:
            count_uses(self, before, fresh, True)
            sweep(self, upstream)
            for value, _, _ in before:
                value.uses = 0
        except BaseException:
            for value, adjoint, kind in before:
                value.adjoint = adjoint
                value.kind = kind
                value.uses = 0
            for value in fresh:
                value.adjoint = 0.0
                value.kind &= ~SWEPT
            forget(self)
            raise

    # ---- copies -------------------------------------------------------------------------------------------------------------

    def __copy__(self) -> Any:
        return thaw(*fields(self))

    def __reduce__(self) -> Any:
        # Every node below, oldest first, so that pickle and deepcopy meet operands before what uses them and never recurse.
        return last, ([Frozen.of(node) for node in topological_order(self)],)


# ---- making a node ----------------------------------------------------------------------------------------------------------


@cython.cfunc
def record(
    code: cython.short,
    data: cython.double,
    left: object,
    right: object,
    d_left: cython.double,
    d_right: cython.double,
    kind: cython.short,
) -> Value:
    """A new operation of one or two operands."""
    if cython.compiled:
        node: borrowed = new_node()
        node.left = hold(left)
        node.right = hold(right)
    else:
        node = new(Value)
        node.left = left
        node.right = right
        node.about = None
        node.uses = 0
    node.primal = data
    node.adjoint = 0.0
    node.d_left = d_left
    node.d_right = d_right
    node.code = code
    node.kind = kind
    if not (SMALLEST <= data <= LARGEST or SMALLEST <= -data <= LARGEST) or (
        code > MUL and (kind & RIGHT or not (SMALLEST <= d_left <= LARGEST or SMALLEST <= -d_left <= LARGEST))
    ):
        settle(node)
    if noting or observer is not None:
        return announced(value_of(node))
    if cython.compiled:
        return value_of(node)
    else:
        return node


@cython.cfunc
def announced(node: Value) -> Value:
    """A new operation, after those who want to know of it have been told."""
    if noting:
        set_about(lend(node), made_here(4))
    if tape is not None and tape_thread == get_ident():
        tape.append(node)
    elif observer is not None:
        observer(node)
    return node


@cython.cfunc
@cython.exceptval(check=False)
def settle(node: borrowed) -> cython.void:
    """Lower the processor's floating-point flags if an operation may have raised one: what is inf or nan is no error here.

    NumPy reads them after each of its loops, those over objects too. Called for all but what is of plain size.
    """
    if node.primal == 0.0 and (node.code == RELU or (node.code == MUL and (node.d_left == 0.0 or node.d_right == 0.0))):
        return  # an exact zero, as there are many
    if is_normal(node.primal):
        left: cython.bint = not node.kind & LEFT or is_normal(node.d_left)
        if left and (not node.kind & RIGHT or is_normal(node.d_right)):
            return
    lower_flags()


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_normal(x: cython.double) -> cython.bint:
    """Whether a number has all its digits."""
    return SMALLEST <= x <= LARGEST or SMALLEST <= -x <= LARGEST


@cython.cfunc
def record_many(code: cython.short, data: cython.double, arguments: tuple, partials: array) -> Value:
    """A new operation of any number of operands."""
    return record(code, data, arguments, partials, 0.0, 0.0, MANY)


@cython.cfunc
@cython.inline
def kind_of(left: object, right: object) -> cython.short:
    """Which of two operands is a Value."""
    return (LEFT if isinstance(left, Value) else NUMBER) | (RIGHT if isinstance(right, Value) else NUMBER)


@cython.cfunc
@cython.inline
def clear(node: Value) -> object:
    """Make a node a leaf without a name."""
    if cython.compiled:
        let_go(node.left)
        let_go(node.right)
        forget_about(lend(node))
    else:
        node.about = None
    node.adjoint = node.d_left = node.d_right = 0.0
    node.left = node.right = NOBODY
    node.uses = node.code = node.kind = 0


@cython.cfunc
@cython.inline
def plain(x: object) -> object:
    """x if it is a plain number, an int or a float; None if it is something else's to handle."""
    if type(x) is float:
        return x
    if type(x) is int:
        return x if cython.compiled else float(x)
    if isinstance(x, Value) or unboxed(x) is not x:
        return None
    try:
        return as_float(x, "")
    except TypeError:
        return None


@cython.cfunc
@cython.inline
def data_of(x: object) -> object:
    """The number in a Value, or a plain number as it is; None for anything else."""
    if isinstance(x, Value):
        return x.data
    return x if type(x) is int else plain(x)  # an int may be too large for a float, and can be compared all the same


def primal_of(x: Any) -> float:
    """The number in a Value, read on purpose, or a plain number as a float."""
    return x.data if isinstance(x, Value) else as_float(x, "it")  # type: ignore[no-any-return]


def beside(name: str, x: Any, y: Any) -> Any:
    """An operator with what is no plain number on one side: a Value, an array without axes, a masked array.

    A Value is on the left of a reflected method where the right one is of a subclass. NumPy's own loops serve every other
    array, but not a masked one: for division and powers it asks which results are finite, and that nobody can of objects.
    """
    x, y = unboxed(x), unboxed(y)
    if (isinstance(x, Value) or plain(x) is not None) and (isinstance(y, Value) or plain(y) is not None):
        return rules.apply(rules.TABLE[name], (x, y))
    masked = sys.modules.get("numpy.ma")
    if masked is None or not (isinstance(x, masked.MaskedArray) or isinstance(y, masked.MaskedArray)):
        return NotImplemented
    import numpy

    operator = getattr(numpy, UFUNCS[name])
    masks = [masked.getmaskarray(side) for side in (x, y) if isinstance(side, numpy.ndarray)]
    mask = masks[0]
    left, right = [side if isinstance(side, Value) else masked.getdata(side).astype(object) for side in (x, y)]
    out = operator(left, right, out=numpy.zeros(mask.shape, object), where=~mask)
    return masked.array(out, mask=mask) if mask.ndim else masked.masked if mask else out.item()


UFUNCS = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "div": "true_divide",
    "pow": "power",
    "mod": "remainder",
    "quotient": "floor_divide",
}


SYMBOLS = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "div": "/",
    "pow": "**",
    "neg": "-",
    "mod": "%",
    "quotient": "//",
    "relu": "ReLU",
}


class LeavesMasked:
    """``x.__array_ufunc__``, which a masked array asks for: None, that is, Value's own operators deal with it.

    NumPy's other arrays ask the class, which has none, and go on with their own loops.
    """

    def __get__(self, instance: Any, owner: Any) -> None:
        if instance is None:
            raise AttributeError("__array_ufunc__")


def condition(name: str, x: Any, y: Any) -> Any:
    """A comparison while its function is traced: it is decided at each call, and so a Value, 1.0 or 0.0."""
    for operand in (x, y):
        if not isinstance(operand, Value) and plain(operand) is None:
            return NotImplemented
    return rules.apply(rules.TABLE[name], (x, y))


@cython.cfunc
@cython.inline
def outcome(op: object, x: Value, y: object, holds: cython.bint) -> object:
    """What Python decides about two numbers, noted if somebody wants to know."""
    if not holds and (x.primal != x.primal or is_nan(y)):
        lower_flags()  # to ask for the order of a nan raises one
    if decided is not None:
        decided(op, x, y, holds)
    return holds


@cython.cfunc
@cython.inline
def is_nan(x: object) -> cython.bint:
    """Whether a Value or a number is nan."""
    if isinstance(x, Value):
        node: Value = x
        return node.primal != node.primal
    return x != x


def set_decided(function: Any) -> None:
    """Have ``function`` called with each comparison and its outcome, None for nobody. For ``recording.py`` alone."""
    global decided
    decided = function


def rewrite(node: Value, number: Any, partials: Any) -> None:
    """Give an operation another number, and another partial for each of its arguments. For ``recording.py`` alone."""
    node.primal = number
    if node.kind & MANY:
        kept: array = held(node.right)
        kept[:] = array("d", partials)
        return
    if node.kind & LEFT:
        node.d_left = partials[0]
    if node.kind & RIGHT:
        node.d_right = partials[1]


def both_or_either(x: Value, y: Any, either: bool) -> Any:
    """``x | y`` or ``x & y`` while a function is traced; nothing that a Value has otherwise."""
    if not traced() or (not isinstance(y, Value) and plain(y) is None):
        return NotImplemented
    return rules.select(x, 1.0, y) if either else rules.select(x, y, 0.0)


def traced() -> bool:
    """Whether ``ad.compile`` is tracing in this thread."""
    return tracing is not None and tracing.here()


def set_tracing(watcher: Any) -> None:
    """Have ``watcher`` asked before numbers are read out of Values, None for nobody. For ``recording.py`` alone."""
    global tracing
    tracing = watcher


# ---- what it is called -----------------------------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
def about_of(node: borrowed) -> object:
    if cython.compiled:
        return cython.cast(object, about_slot(node)[0]) if node.kind & TOLD else NOTHING
    return NOTHING if node.about is None else node.about


@cython.cfunc
def set_about(node: borrowed, about: object) -> object:
    if not cython.compiled:
        node.about = about
        return
    forget_about(node)  # compiled only from here
    if about is not None:
        slot: cython.pointer(cython.p_void) = about_slot(node)
        slot[0] = hold(about)
        node.kind |= TOLD


@cython.cfunc
@cython.exceptval(check=False)
def forget_about(node: borrowed) -> cython.void:  # compiled only
    about: cython.p_void
    if node.kind & TOLD:
        about = about_slot(node)[0]
        node.kind &= ~TOLD
        Py_DECREF(about)


@cython.cfunc
@cython.inline
def about_slot(node: borrowed) -> cython.pointer(cython.p_void):  # compiled only
    """Where its About stands or will stand: in a table of its page, or in itself outside of pages."""
    if not in_page(node):
        return cython.address(node.about)
    page: cython.pointer(Page) = page_of(node)
    if page.abouts == cython.NULL:
        page.abouts = as_slots(PyMem_RawMalloc(NODES * cython.sizeof(cython.p_void)))
        if page.abouts == cython.NULL:
            raise MemoryError
    return page.abouts + place_in_page(node)


# ---- where it was made -----------------------------------------------------------------------------------------------------
#
# What was noted for an instruction is remembered, so that all Values made by one share it. Compiled, in a table of 1,024
# entries that are overwritten when another instruction needs them; interpreted, in a dictionary.

NOTED = cython.declare(cython.Py_ssize_t, 1024)
noted_code = cython.declare(array, array("q", bytes(8 * NOTED)))  # the address; what was noted keeps it alive
noted_offset = cython.declare(array, array("q", bytes(8 * NOTED)))
noted_about = cython.declare(list, [None] * NOTED)
noted = cython.declare(dict, {})


@cython.cfunc
def made_here(depth: cython.int) -> object:
    """The place in the nearest frame outside this package, as an ``About``; None if there is no such frame.

    Interpreted, the frames of this module that are between are counted by ``depth``.
    """
    if not cython.compiled:
        try:
            return made_in(sys._getframe(depth))
        except ValueError:  # a thread that calls Value itself
            return None
    frame: cython.pointer(PyFrameObject) = PyEval_GetFrame()  # compiled only from here
    if frame != cython.NULL:
        Py_INCREF(frame)
    found: object = None
    while frame != cython.NULL:
        code: cython.pointer(PyCodeObject) = PyFrame_GetCode(frame)
        found = noted_at(cython.cast(object, code), cython.cast(cython.Py_ssize_t, code), PyFrame_GetLasti(frame))
        Py_DECREF(code)
        outer: cython.pointer(PyFrameObject) = cython.NULL
        if found is None:
            outer = PyFrame_GetBack(frame)
        Py_DECREF(frame)
        frame = outer
    return found


@cython.cfunc
@cython.inline
def noted_at(code: object, address: cython.Py_ssize_t, offset: cython.Py_ssize_t) -> object:  # compiled only
    """What is noted for an instruction: an ``About``, or None for one of this package."""
    slot: cython.Py_ssize_t = ((address >> 4) ^ (offset * 5)) & (NOTED - 1)
    if noted_code.data.as_longlongs[slot] == address and noted_offset.data.as_longlongs[slot] == offset:
        return noted_about[slot]
    about: object = about_code(code, offset)
    noted_about[slot] = about
    noted_code.data.as_longlongs[slot] = address
    noted_offset.data.as_longlongs[slot] = offset
    return about


def made_in(frame: Any) -> Any:
    """``made_here`` interpreted, from a frame on."""
    while frame is not None:
        code = frame.f_code
        key = (id(code), frame.f_lasti)
        about = noted.get(key)
        if about is None:
            about = noted[key] = about_code(code, frame.f_lasti) or code
            if len(noted) > 100_000:  # a program that compiles code without end
                noted.clear()
        if about is not code:
            return about
        frame = frame.f_back
    return None


def about_code(code: Any, offset: int) -> Any:
    source = sources.noted(code, offset)
    return None if source is None else About(None, None, source)


def set_noting(on: bool) -> None:
    """Have each new Value note where it was made, or no longer. For ``recording.py`` alone."""
    global noting
    noting = on


def set_observer(of_operations: Any, of_sweeps: Any, operations: Any = None) -> tuple:
    """Have one function called with each new operation, one before each sweep; None for nobody. Returns what was before.

    Where there is a list of ``operations``, those of this thread go there, and nobody is called. For ``recording.py`` alone.
    """
    global observer, sweep_observer, tape, tape_thread
    before = observer, sweep_observer, tape
    observer = of_operations
    sweep_observer = of_sweeps
    tape = operations
    tape_thread = get_ident()
    return before


def set_door(function: Any) -> None:
    """Have ``function`` called with each Value that ``float()`` takes the number of. For ``door.py`` alone."""
    global door
    door = function


# ---- operations of many operands --------------------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
def number_in(x: object, taker: str) -> cython.double:
    if isinstance(x, Value):
        node: Value = x
        return node.primal
    return x if type(x) is float else as_float(x, taker)


@cython.cfunc
def operands_in(given: tuple, taker: str) -> tuple:
    """What was given as Values and plain numbers."""
    for x in given:
        if not (isinstance(x, Value) or type(x) is float):
            return tuple([as_operand(y, taker) for y in given])
    return given


@cython.cfunc
@cython.inline
def zeros(n: cython.Py_ssize_t) -> array:
    if cython.compiled:
        return clone(EMPTY, n, True)
    return array("d", bytes(8 * n))


@cython.cfunc
@cython.inline
def new_partials(n: cython.Py_ssize_t) -> array:
    if cython.compiled:
        return clone(EMPTY, n, False)
    return array("d", bytes(8 * n))


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def partial_at(partials: array, i: cython.Py_ssize_t) -> cython.double:
    if cython.compiled:
        return partials.data.as_doubles[i]
    return partials[i]


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def put(partials: array, i: cython.Py_ssize_t, partial: cython.double) -> cython.void:
    if cython.compiled:
        partials.data.as_doubles[i] = partial
    else:
        partials[i] = partial


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def add_to(numbers: array, i: cython.Py_ssize_t, x: cython.double) -> cython.void:
    if cython.compiled:
        numbers.data.as_doubles[i] += x
    else:
        numbers[i] += x


def total(xs: Any) -> Any:
    """The sum of Values and numbers, from left to right: one node. Without a Value among them, a float.

    Products that nobody else holds, as a generator makes them, become operands of one ``dot``, which is the same number.
    """
    given: tuple = tuple(xs)
    if given is not xs and are_products(given):
        out: Value = total_of_products(given)
        first: Value = given[0]
        if out.scope == first.scope:
            return out
    arguments: tuple = operands_in(given, "sum")
    found: cython.bint = False
    data: cython.double = 0.0
    i: cython.Py_ssize_t
    n: cython.Py_ssize_t = len(arguments)
    partials: array = new_partials(n)
    for i in range(n):
        found = found or isinstance(arguments[i], Value)
        data += number_in(arguments[i], "sum")
        put(partials, i, 1.0)
    return record_many(SUM, data, arguments, partials) if found else data


@cython.cfunc
def are_products(things: tuple) -> cython.bint:
    """Whether there are only products there that nobody else holds, of one scope, without names or attributes of a user's."""
    node: Value
    first: object = None
    i: cython.Py_ssize_t
    for i in range(len(things)):
        if not alone(things, i) or type(things[i]) is not Value:
            return False
        node = things[i]
        if node.code != MUL:
            return False
        about: object = about_of(lend(node))
        first = about if first is None else first
        if about.name is not None or about.scope != first.scope or about.own is not None:
            return False
        if not cython.compiled and node.__dict__:
            return False
    return len(things) > 0


@cython.cfunc
def total_of_products(products: tuple) -> Value:
    """The sum of products as one ``dot`` of their operands. It has the numbers that the products were recorded with."""
    node: Value
    data: cython.double = 0.0
    i: cython.Py_ssize_t
    n: cython.Py_ssize_t = len(products)
    arguments: list = [None] * (2 * n)
    partials: array = new_partials(2 * n)
    for i in range(n):
        node = products[i]
        data += node.primal
        arguments[i] = held(node.left) if node.kind & LEFT else node.d_left
        arguments[n + i] = held(node.right) if node.kind & RIGHT else node.d_right
        put(partials, i, node.d_left if node.kind & LEFT else 0.0)
        put(partials, n + i, node.d_right if node.kind & RIGHT else 0.0)
    return record_many(DOT, data, tuple(arguments), partials)


def dot(xs: Any, ys: Any) -> Any:
    """The sum of products Σ xᵢ · yᵢ, from left to right: one node. Without a Value among them, a float.

    Raises ``ShapeError`` if there are not as many xs as ys.
    """
    left: tuple = tuple(xs)
    arguments: tuple = operands_in(left + tuple(ys), "dot")
    found: cython.bint = False
    data: cython.double = 0.0
    x: cython.double
    y: cython.double
    i: cython.Py_ssize_t
    n: cython.Py_ssize_t = len(left)
    if len(arguments) != 2 * n:
        raise ShapeError(f"dot() of {n} and {len(arguments) - n} numbers: there must be as many of one as of the other")
    partials: array = new_partials(2 * n)
    for i in range(n):
        found = found or isinstance(arguments[i], Value) or isinstance(arguments[n + i], Value)
        x = number_in(arguments[i], "dot")
        y = number_in(arguments[n + i], "dot")
        data += x * y
        put(partials, i, y)
        put(partials, n + i, x)
    return record_many(DOT, data, arguments, partials) if found else data


# ---- order and sweep ---------------------------------------------------------------------------------------------------------
#
# The order is Kahn's: an operation's turn comes when all its uses had theirs. Of those whose turn it is, the one that became
# ready last goes first, so the walk follows one branch back as far as it can; within an expression that is the order in which
# Python evaluated it, reversed. That one is at hand, ``top``; the others wait in a stack.


@cython.final
@cython.no_gc
@cython.cclass
class Stack:
    """The operations that wait in a walk, above NOBODY. Interpreted, a list does.

    Compiled, one serves all walks, for none begins during another. It has room for every operation there is, which is made
    when these are: so no walk allocates.
    """

    @cython.cfunc
    @cython.inline
    @cython.exceptval(check=False)
    def append(self, node: borrowed) -> cython.void:  # compiled only
        self.nodes[self.n] = node
        self.n += 1

    @cython.cfunc
    @cython.inline
    @cython.exceptval(check=False)
    def pop(self) -> borrowed:  # compiled only
        self.n -= 1
        return self.nodes[self.n]

    @cython.cfunc
    @cython.exceptval(check=False)
    def make_room(self, n: cython.Py_ssize_t) -> cython.bint:  # compiled only
        """Have room for so many operations, no more; whether there was memory for that."""
        nodes: cython.pointer(borrowed) = as_nodes(PyMem_RawMalloc((n + 2) * cython.sizeof(borrowed)))
        if nodes == cython.NULL:
            return False
        PyMem_RawFree(self.nodes)
        self.nodes = nodes
        self.room = n
        return True


waiting = cython.declare(Stack, Stack())


@cython.cfunc
@cython.inline
def empty_stack() -> Stack:
    if not cython.compiled:
        return [NOBODY]
    waiting.n = 0  # compiled only from here
    waiting.append(NOBODY)
    return waiting


def topological_order(root: Value) -> list:
    """Every Value that root depends on and root itself, each once, operands first: the leaves, then the operations.

    The operations are in the order in which ``backward()`` comes to them, reversed; the leaves in the order of their use.
    """
    if not root.code:
        return [root]
    order: list = []
    leaves: list = []
    node: borrowed
    top: borrowed = lend(root)
    pending: Stack
    i: cython.Py_ssize_t
    try:
        count_uses(top, None, None, False)
        pending = empty_stack()
        while top is not NOBODY:
            node = top
            top = NOBODY
            order.append(value_of(node))
            if node.kind & LEFT:
                top = used(node.left, top, pending)
            if node.kind & RIGHT:
                top = used(node.right, top, pending)
            if node.kind & MANY:
                for i in range(width(node)):
                    top = used(value_among(node, i), top, pending)
            if top is NOBODY:
                top = pending.pop()
            add_leaves(node, leaves)
    except BaseException:
        forget(root)
        raise
    order.reverse()
    leaves.reverse()
    return [*dict.fromkeys(leaves), *order]


@cython.cfunc
def add_leaves(node: borrowed, leaves: list) -> object:
    """Add the operands that are leaves, the last one first."""
    operand: borrowed
    i: cython.Py_ssize_t
    if node.kind & MANY:
        for i in range(width(node) - 1, -1, -1):
            operand = value_among(node, i)
            if operand is not NOBODY and not operand.code:
                leaves.append(value_of(operand))
    if node.kind & RIGHT:
        operand = node.right
        if not operand.code:
            leaves.append(value_of(operand))
    if node.kind & LEFT:
        operand = node.left
        if not operand.code:
            leaves.append(value_of(operand))


@cython.cfunc
def count_uses(root: borrowed, before: list | None, fresh: list | None, zero: cython.bint) -> object:
    """Count for each operation below root its uses there, and set its gradient to 0 if asked.

    Interpreted, what a sweep changes goes into the list ``before`` if there is one, that of a leaf at its first use; operations
    that have no gradient yet go into the list ``fresh``.
    """
    node: borrowed
    operand: borrowed
    top: borrowed = root
    pending: Stack = empty_stack()
    kind: cython.short
    i: cython.Py_ssize_t
    while top is not NOBODY:
        node = top
        top = NOBODY
        kind = node.kind
        if zero:
            if not cython.compiled:
                if kind & SWEPT or node.adjoint:
                    before.append((node, node.adjoint, kind))
                else:
                    fresh.append(node)
            node.adjoint = 0.0
            node.kind = kind | SWEPT
        if kind & LEFT:
            operand = node.left
            if operand.code:
                operand.uses += 1
                if operand.uses == 1:
                    top = operand
            elif not (cython.compiled or operand.uses):
                note_leaf(operand, before)
        if kind & RIGHT:
            operand = node.right
            if operand.code:
                operand.uses += 1
                if operand.uses == 1:
                    if top is not NOBODY:
                        pending.append(top)
                    top = operand
            elif not (cython.compiled or operand.uses):
                note_leaf(operand, before)
        if kind & MANY:
            for i in range(width(node)):
                top = count_use(value_among(node, i), top, pending, before)
        if top is NOBODY:
            top = pending.pop()


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def count_use(operand: borrowed, top: borrowed, pending: Stack, before: list | None) -> borrowed:
    """One use more of an argument, if it is a Value; the first time, it is its turn. Returns whose turn it is."""
    if operand is NOBODY:
        return top
    if not operand.code:
        if not (cython.compiled or operand.uses):
            note_leaf(operand, before)
        return top
    operand.uses += 1
    if operand.uses > 1:
        return top
    if top is not NOBODY:
        pending.append(top)
    return operand


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def used(operand: borrowed, top: borrowed, pending: Stack) -> borrowed:
    """One use less of an argument, if it is a Value; after the last one it is its turn. Returns whose turn it is."""
    if operand is NOBODY or not operand.code:
        return top
    operand.uses -= 1
    if operand.uses:
        return top
    if top is not NOBODY:
        pending.append(top)
    return operand


@cython.cfunc
@cython.exceptval(check=False)
def sweep(root: borrowed, seed: cython.double) -> cython.void:
    """The chain rule: each operation in its turn adds upstream · local to the gradients of its operands."""
    node: borrowed
    operand: borrowed
    top: borrowed = root
    pending: Stack = empty_stack()
    kind: cython.short
    root.adjoint = seed
    while top is not NOBODY:
        node = top
        top = NOBODY
        kind = node.kind
        if kind & LEFT:
            operand = node.left
            operand.adjoint += node.adjoint * node.d_left
            if operand.code:
                operand.uses -= 1
                if not operand.uses:
                    top = operand
        if kind & RIGHT:
            operand = node.right
            operand.adjoint += node.adjoint * node.d_right
            if operand.code:
                operand.uses -= 1
                if not operand.uses:
                    if top is not NOBODY:
                        pending.append(top)
                    top = operand
        if kind & MANY:
            top = sweep_many(node, pending)
        if top is NOBODY:
            top = pending.pop()


@cython.cfunc
@cython.exceptval(check=False)
def sweep_many(node: borrowed, pending: Stack) -> borrowed:
    operand: borrowed
    top: borrowed = NOBODY
    i: cython.Py_ssize_t
    for i in range(width(node)):
        operand = value_among(node, i)
        if operand is not NOBODY:
            operand.adjoint += node.adjoint * partial_among(node, i)
            top = used(operand, top, pending)
    return top


def adjoints(root: Value, values: Any) -> list:
    """∂root/∂value for each of ``values``, leaves or operations, as ``backward()`` computes it.

    Every ``grad`` stays as it is; what ``root`` does not depend on has derivative 0.
    """
    wanted: list = list(values)
    if sweep_observer is not None:
        sweep_observer(root, 1.0)
    order: list = topological_order(root)
    gradients: array = zeros(len(order))
    places: dict = {}
    found: list = []
    try:
        take_places(order, places)
        sweep_back(order, places, gradients)
        for value in wanted:
            found.append(added_up(value, places, gradients))
    finally:
        leave_places(order)
    return found


def tangents(order: Any, values: Any, seeds: Any) -> list:
    """For each Value of a topological order Σ ∂itself/∂value · seed over the leaves ``values``, in one sweep forward.

    A leaf whose seed is 0 does not vary: nothing is multiplied by its 0, so that an infinite partial there does no harm. Every
    ``grad`` stays as it is.
    """
    nodes: list = list(order)
    leaves: list = list(values)
    given: array = array("d", seeds)
    found: array = zeros(len(nodes))
    varies: array = zeros(len(nodes))
    places: dict = {}
    place: cython.Py_ssize_t
    i: cython.Py_ssize_t
    try:
        take_places(nodes, places)
        for i in range(len(leaves)):
            place = place_of(lend(leaves[i]), places)
            if place >= 0:
                put(found, place, partial_at(given, i))
                put(varies, place, partial_at(given, i) != 0.0)
        sweep_forward(nodes, places, found, varies)
    finally:
        leave_places(nodes)
    return list(found)


@cython.cfunc
def take_places(order: list, places: dict) -> object:
    """Note for each Value where it stands: compiled in the Value itself, where nobody looks meanwhile."""
    node: Value
    i: cython.Py_ssize_t
    for i in range(len(order)):
        node = order[i]
        if cython.compiled:
            node.uses = i + 1
        else:
            places[id(node)] = i


@cython.cfunc
def leave_places(order: list) -> object:
    node: Value
    if cython.compiled:
        for node in order:
            node.uses = 0


@cython.cfunc
def added_up(node: Value, places: dict, numbers: array) -> cython.double:
    """What has been added up for a node; 0 for one without a place."""
    place: cython.Py_ssize_t = place_of(lend(node), places)
    return partial_at(numbers, place) if place >= 0 else 0.0


@cython.cfunc
def sweep_back(order: list, places: dict, gradients: array) -> object:
    """The chain rule, as ``sweep`` applies it."""
    node: borrowed
    upstream: cython.double
    i: cython.Py_ssize_t
    k: cython.Py_ssize_t
    put(gradients, len(order) - 1, 1.0)
    for i in range(len(order) - 1, -1, -1):
        node = lend(order[i])
        upstream = partial_at(gradients, i)
        if node.kind & LEFT:
            add_to(gradients, place_of(node.left, places), upstream * node.d_left)
        if node.kind & RIGHT:
            add_to(gradients, place_of(node.right, places), upstream * node.d_right)
        if node.kind & MANY:
            for k in range(width(node)):
                if value_among(node, k) is not NOBODY:
                    add_to(gradients, place_of(value_among(node, k), places), upstream * partial_among(node, k))


@cython.cfunc
def sweep_forward(order: list, places: dict, found: array, varies: array) -> object:
    """The chain rule forward: each operation adds up local · tangent over those operands that vary."""
    node: borrowed
    i: cython.Py_ssize_t
    k: cython.Py_ssize_t
    for i in range(len(order)):
        node = lend(order[i])
        if node.kind & LEFT:
            push(i, place_of(node.left, places), node.d_left, found, varies)
        if node.kind & RIGHT:
            push(i, place_of(node.right, places), node.d_right, found, varies)
        if node.kind & MANY:
            for k in range(width(node)):
                if value_among(node, k) is not NOBODY:
                    push(i, place_of(value_among(node, k), places), partial_among(node, k), found, varies)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def push(i: cython.Py_ssize_t, operand: cython.Py_ssize_t, partial: cython.double, found: array, varies: array) -> cython.void:
    """Give on what an operand passes to an operation."""
    if partial_at(varies, operand):
        add_to(found, i, partial_at(found, operand) * partial)
        put(varies, i, 1.0)


def forget(root: Value) -> None:
    """Clear what a walk that was interrupted has left in the nodes."""
    pending: list = [root]
    seen: set = {root}
    node: Value
    while pending:
        node = pending.pop()
        node.uses = 0
        met = [operand for operand in node.operands if operand.op and operand not in seen]
        seen.update(met)
        pending += met


# ---- memory -----------------------------------------------------------------------------------------------------------------
#
# Compiled, nodes live in pages, and pages in blocks, which come from where Python has those of its own small objects. A page
# hands out its nodes in the order of their addresses; one that was given back is handed out again before the next fresh one,
# and all are fresh again when the last was given back. So a training loop runs through the same memory in the same order.
# The pages with room are a stack. Blocks are given back when less than half of the pages has been needed for a while.
#
# A free node has reference count 0, and its left slot is the next free one of its page. What few nodes have, an About, stands
# in a table of their page, which is made for the first of them.
#
# Instances of subclasses are Python's own affair, and hold their About themselves. So is every Value under PYTHONMALLOC=malloc
# or debug, in Python's development mode and in its debug build, so that tools which watch memory see each, and in its
# free-threaded build.

SPARE = cython.declare(cython.Py_ssize_t, 32)  # pages beyond what is needed that are not worth giving back
pooled = cython.declare(cython.bint, False)
busy = cython.declare(cython.Py_ssize_t, 0)  # pages with a node in use, and the one that nodes are taken from
loose = cython.declare(cython.Py_ssize_t, 0)  # Values outside of pages, but for those of subclasses
most_busy = cython.declare(cython.Py_ssize_t, 0)  # since the last review
turns = cython.declare(cython.Py_ssize_t, 0)  # how many pages were begun or emptied since then


def release_memory() -> int:
    """Give the memory that no Value uses back to the system. Returns the number of bytes.

    The memory of released Values is kept for the next ones, so that a training loop asks the system for none after its first
    steps. Of what is kept, more than twice of what was needed lately is given back by itself while Values come and go; this
    is for a program that has done with large graphs. A Value in use keeps the megabyte around it. Interpreted, Python keeps
    that memory itself: nothing happens, and the result is 0.
    """
    return give_back(0) if cython.compiled else 0


def memory_in_use() -> tuple:
    """How many Values live in pages now, and how many bytes the blocks take."""
    nodes: cython.Py_ssize_t = 0
    i: cython.Py_ssize_t
    k: cython.Py_ssize_t
    if not cython.compiled:
        return 0, 0
    for i in range(n_blocks):  # compiled only from here
        for k in range(pages_in(blocks[i])):
            nodes += page_in(blocks[i], k).used
    return nodes, n_blocks * BLOCK


# ---- its pages, compiled only from here -------------------------------------------------------------------------------------


@cython.cfunc
def take_over_memory() -> object:
    """Have Python make and release Values by the functions below. The first Value comes after this."""
    global pooled, here, type_of_values
    pooled = (
        os.environ.get("PYTHONMALLOC", "pymalloc") in ("", "default", "pymalloc")
        and not sys.flags.dev_mode
        and not hasattr(sys, "gettotalrefcount")
        and "free-threading" not in sys.version
        and cython.sizeof(Node) - cython.sizeof(cython.p_void) <= SIZE
    )
    PyObject_GetArenaAllocator(cython.address(system))
    here = cython.address(nowhere)
    type_of_values = cython.cast(cython.pointer(PyTypeObject), Value)
    type_of_values.tp_alloc = cython.cast(allocfunc, allocate)
    type_of_values.tp_dealloc = cython.cast(destructor, release)


@cython.cfunc
@cython.inline
def new_node() -> borrowed:
    """A free node, or NULL with a ``MemoryError``. Whoever fills it makes its reference count 1."""
    page: cython.pointer(Page) = here
    node: borrowed = page.free
    if node != NOBODY:
        page.free = node.left
    elif page.fresh != page.end:
        node = page.fresh
        page.fresh = node_after(node)
    else:
        return node_elsewhere()
    page.used += 1
    return node


@cython.cfunc
def node_elsewhere() -> borrowed:
    """A free node of the next page with room, or of a new one."""
    global here, roomy, busy, most_busy
    if not pooled:
        node: borrowed = as_node(allocate(type_of_values, 0))
        Py_SET_REFCNT(node, 0)
        return node
    if roomy == cython.NULL:
        add_block()
    here.floor = here.used  # it is full: any node that comes back is news
    here = roomy
    roomy = here.next
    if here.end == cython.NULL:
        make_nodes(here)
    if not here.used:
        busy += 1
        most_busy = max(busy, most_busy)
    review()
    return new_node()


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def free_node(node: borrowed) -> cython.void:
    """Give back the memory of a node that holds nothing any more."""
    global loose
    if not in_page(node):
        loose -= Py_TYPE(node) == type_of_values
        Py_TYPE(node).tp_free(node)
        return
    page: cython.pointer(Page) = page_of(node)
    node.left = page.free
    page.free = node
    page.used -= 1
    if page.used < page.floor:
        page_changed(page)


@cython.cfunc
@cython.exceptval(check=False)
def page_changed(page: cython.pointer(Page)) -> cython.void:
    """A page that was full has room, or one has become empty."""
    global roomy, busy
    if page.used:
        page.floor = 1
        page.next = roomy
        roomy = page
        return
    page.free = NOBODY
    page.fresh = first_node(page)
    PyMem_RawFree(page.abouts)
    page.abouts = cython.NULL
    if page != here:
        busy -= 1
    review()


@cython.cfunc
@cython.exceptval(check=False)
def review() -> cython.void:
    """After so many turns that a loop has been through all pages, see whether it needed them."""
    global turns, most_busy
    turns += 1
    if turns > 2 * n_pages + 64:
        turns = 0
        if n_pages > 2 * most_busy + SPARE:
            give_back(most_busy + SPARE)
        most_busy = busy


@cython.cfunc
def add_block() -> object:
    """Ask the system for a block, whose pages go on the stack, the lowest on top."""
    global blocks, n_blocks
    i: cython.Py_ssize_t
    make_room((n_pages + BLOCK // PAGE) * NODES)
    more: cython.p_void = PyMem_RawRealloc(blocks, (n_blocks + 1) * cython.sizeof(cython.p_void))
    if more == cython.NULL:
        raise MemoryError
    blocks = as_slots(more)
    block: cython.p_void = system.alloc(system.ctx, BLOCK)
    if block == cython.NULL:
        raise MemoryError
    i = n_blocks
    while i > 0 and blocks[i - 1] > block:  # in the order of their addresses
        blocks[i] = blocks[i - 1]
        i -= 1
    blocks[i] = block
    n_blocks += 1
    for i in range(pages_in(block)):
        make_page(page_in(block, i))
    stack_pages()


@cython.cfunc
def make_room(n: cython.Py_ssize_t) -> object:
    """Have room in walks for so many Values in pages, and those outside."""
    if n + loose > waiting.room and not waiting.make_room(n + 2 * loose):
        raise MemoryError


@cython.cfunc
@cython.exceptval(check=False)
def make_page(page: cython.pointer(Page)) -> cython.void:
    """An empty page, whose nodes are made when it is begun."""
    page.free = page.fresh = page.end = NOBODY
    page.abouts = cython.NULL
    page.used = 0
    page.floor = 1


@cython.cfunc
@cython.exceptval(check=False)
def make_nodes(page: cython.pointer(Page)) -> cython.void:
    node: borrowed = first_node(page)
    _i: cython.Py_ssize_t
    page.fresh = node
    memset(node, 0, NODES * SIZE)
    for _i in range(NODES):
        PyObject_Init(head(node), type_of_values)
        Py_SET_REFCNT(node, 0)
        node = node_after(node)
    page.end = node


@cython.cfunc
@cython.exceptval(check=False)
def stack_pages() -> cython.void:
    """Stack the pages with room anew: those in use on top of the empty ones, the lowest address on top of the next."""
    global roomy, n_pages
    i: cython.Py_ssize_t
    k: cython.Py_ssize_t
    page: cython.pointer(Page)
    in_use: cython.int
    roomy = cython.NULL
    n_pages = 0
    for in_use in range(2):
        for i in range(n_blocks - 1, -1, -1):
            n_pages += pages_in(blocks[i]) * in_use
            for k in range(pages_in(blocks[i]) - 1, -1, -1):
                page = page_in(blocks[i], k)
                if page != here and page.floor == 1 and (page.used > 0) == in_use:
                    page.next = roomy
                    roomy = page


@cython.cfunc
@cython.exceptval(check=False)
def give_back(pages: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Give blocks that are not in use back to the system as long as more than so many pages are left. Returns the bytes."""
    global here, busy, n_blocks, n_pages
    i: cython.Py_ssize_t
    kept: cython.Py_ssize_t = 0
    before: cython.Py_ssize_t = n_blocks
    if not pages and here.end != cython.NULL and not here.used:
        here = cython.address(nowhere)
        busy -= 1
    for i in range(n_blocks - 1, -1, -1):
        if n_pages > pages and idle(blocks[i]):
            n_pages -= pages_in(blocks[i])
            system.free(system.ctx, blocks[i], BLOCK)
            blocks[i] = cython.NULL
    for i in range(n_blocks):
        if blocks[i] != cython.NULL:
            blocks[kept] = blocks[i]
            kept += 1
    n_blocks = kept
    stack_pages()
    if kept < before:
        waiting.make_room(n_pages * NODES + 2 * loose)
    return (before - kept) * BLOCK


@cython.cfunc
@cython.exceptval(check=False)
def idle(block: cython.p_void) -> cython.bint:
    """Whether nothing in a block is in use."""
    i: cython.Py_ssize_t
    used: cython.Py_ssize_t = 0
    for i in range(pages_in(block)):
        used += page_in(block, i).used + (page_in(block, i) == here)
    return used == 0


# ---- release ----------------------------------------------------------------------------------------------------------------

EMPTY = cython.declare(array, array("d"))
ROOM = cython.declare(cython.Py_ssize_t, 1 << 16)  # how many may wait without their room being given back afterwards
releasing = cython.declare(cython.bint, False)


# compiled only from here
@cython.cfunc
def allocate(kind: cython.pointer(PyTypeObject), items: cython.Py_ssize_t) -> cython.p_void:
    """What Python calls for the memory of a new Value, all 0 but for its head. ``record`` does without."""
    global loose
    if kind != type_of_values:
        return PyType_GenericAlloc(kind, items)
    if not pooled:
        loose += 1
        make_room(0)
        return PyType_GenericAlloc(kind, items)
    node: borrowed = new_node()
    node.primal = node.adjoint = node.d_left = node.d_right = 0.0
    node.left = node.right = NOBODY
    node.code = node.kind = 0
    Py_INCREF(node)
    return node


@cython.cfunc
@cython.exceptval(check=False)
def release(node: borrowed) -> cython.void:
    """What Python calls when nobody holds a Value any longer.

    Operands that die with it wait their turn in a stack, which the outermost call empties: no recursion. The error state is
    not saved, for nothing here touches it, and what Python code is run by the release of other things saves it for itself.
    """
    global releasing, n_dying
    x: borrowed
    give_up(node)
    if releasing:
        return
    releasing = True
    while n_dying:
        n_dying -= 1
        x = as_node(dying[n_dying])
        if Py_REFCNT(x) == 1 and Py_TYPE(x) == type_of_values:
            Py_SET_REFCNT(x, 0)
            give_up(x)
        else:
            Py_DECREF(x)
    releasing = False
    if room > ROOM:
        give_room_back()


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def give_up(node: borrowed) -> cython.void:
    """Free one node, and let go of what it held."""
    left: cython.p_void = node.left
    right: cython.p_void = node.right
    many: cython.bint = node.kind & MANY
    if node.weakrefs != cython.NULL:
        PyObject_ClearWeakRefs(head(node))
    if node.kind & TOLD:
        forget_about(node)
    free_node(node)
    if many:
        let_go(left)
        let_go(right)
        return
    # The left one is let go before the right one is looked at: they may be the same.
    if left != cython.NULL:
        put_off(left)
    if right != cython.NULL:
        put_off(right)


@cython.cfunc
@cython.exceptval(check=False)
def let_go(slot: cython.p_void) -> cython.void:
    """Give up what a slot holds. A Value that nobody else holds waits for the outermost release, alone or out of its tuple."""
    i: cython.Py_ssize_t
    if slot == cython.NULL:
        return
    if Py_REFCNT(slot) == 1 and PyTuple_CheckExact(slot):
        for i in range(PyTuple_GET_SIZE(slot)):
            argument: cython.p_void = PyTuple_GET_ITEM(slot, i)
            PyTuple_SET_ITEM(slot, i, cython.NULL)
            put_off(argument)
        Py_DECREF(slot)
    else:
        put_off(slot)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def put_off(x: cython.p_void) -> cython.void:
    """Give up one object; if it is a Value that nobody else holds, when the outermost release comes to it."""
    global dying, n_dying, room
    if Py_REFCNT(x) == 1 and is_value(x):
        if n_dying == room:
            more: cython.p_void = PyMem_Realloc(dying, (2 * room + 64) * cython.sizeof(cython.p_void))
            if more == cython.NULL:  # no memory to wait in: released at once, by recursion
                Py_DECREF(x)
                return
            dying = as_slots(more)
            room = 2 * room + 64
        dying[n_dying] = x
        n_dying += 1
    else:
        Py_DECREF(x)


@cython.cfunc
@cython.exceptval(check=False)
def give_room_back() -> cython.void:
    global dying, room
    PyMem_Free(dying)
    dying = as_slots(cython.NULL)
    room = 0


if not cython.compiled:
    waiting: list = []

    def release_operands(self: Any) -> None:
        """``__del__`` of interpreted Values under WebAssembly, whose stack is too short for what Python does by itself."""
        global releasing
        waiting.append((self.left, self.right))
        self.left = self.right = None
        if releasing:
            return
        releasing = True
        while waiting:
            waiting.pop()
        releasing = False


# ---- copies without recursion -----------------------------------------------------------------------------------------------


class Frozen:
    """A node as pickle and deepcopy see it: their memo of these keeps shared what is shared."""

    __slots__ = ("__weakref__", "node")
    alive = WeakValueDictionary()  # noqa: RUF012

    def __init__(self, node: Value):
        self.node = node

    @classmethod
    def of(cls, node: Value) -> Any:
        """The one Frozen of this node for as long as somebody's memo holds it."""
        frozen = cls.alive.get(id(node))
        if frozen is None:
            frozen = cls.alive[id(node)] = cls(node)
        return frozen

    def __reduce__(self) -> Any:
        kind, op, data, grad, swept, about, arguments, partials, state = fields(self.node)
        frozen = [Frozen.of(x) if isinstance(x, Value) else x for x in arguments]
        return thaw, (kind, op, data, grad, swept, about, frozen, partials, state)


def fields(node: Value) -> tuple:
    """Everything ``thaw`` needs to make a node like this one."""
    partials = list(held(node.right)) if node.kind & MANY else [node.d_left, node.d_right]
    name, scope, source, own = about_of(lend(node))
    about = None if name is scope is source is None else (name, scope, source)
    state = getattr(node, "__dict__", None) or own
    return type(node), node.op, node.primal, node.adjoint, node.swept, about, node.arguments, partials, state


def thaw(
    kind: Any, op: str, data: float, grad: float, swept: bool, about: Any, arguments: Any, partials: Any, state: Any
) -> Any:
    """A node from its fields; the inverse of ``fields``."""
    node: Value = kind.__new__(kind)
    clear(node)
    node.primal = data
    node.adjoint = grad
    if about is not None:
        set_about(lend(node), About(*about))
    if state and hasattr(node, "__dict__"):
        node.__dict__.update(state)
    elif state:  # compiled only
        set_about(lend(node), about_of(lend(node))._replace(own=dict(state)))
    if not op:
        return node
    rule = rules.named(op)
    node.code = rule.code
    if rule.arity is None or rule.arity > 2:
        left, right = tuple(arguments), array("d", partials)
        place = MANY
    elif rule.arity == 1:
        left, right = arguments[0], None
        node.d_left = partials[0]
        place = LEFT
    else:
        left, right = arguments
        place = kind_of(left, right)
        node.d_left = partials[0] if place & LEFT else left
        node.d_right = partials[1] if place & RIGHT else right
        left, right = left if place & LEFT else None, right if place & RIGHT else None
    node.left, node.right = hold(left), hold(right)
    node.kind |= place | (SWEPT if swept else 0)
    return node


def last(nodes: list) -> Any:
    """The node that was pickled, after all that it depends on."""
    return nodes[len(nodes) - 1]


# ---- the rest of the table as methods ---------------------------------------------------------------------------------------

NUMPY_NAMES = {
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "atan2": "arctan2",
    "hypot": "hypot",
    "abs": "fabs",
    "round": "rint",
}
DEGREE = math.pi / 180  # fmt: skip


def attach(name: str, method: Any) -> None:
    """Give the class Value one more method. A compiled class takes none from Python, only from C."""
    if cython.compiled:
        kind: cython.pointer(PyTypeObject) = cython.cast(cython.pointer(PyTypeObject), Value)
        methods: dict = cython.cast(dict, kind.tp_dict)
        methods[name] = method
        PyType_Modified(kind)
    else:
        setattr(Value, name, method)


def present(thing: Any, name: str) -> None:
    """Have a class or function of this file say that it is ``autodiff``'s, as users and pickles know it."""
    if cython.compiled and thing is Value:
        kind: cython.pointer(PyTypeObject) = cython.cast(cython.pointer(PyTypeObject), Value)
        kind.tp_name = b"autodiff.Value"
    else:
        thing.__module__, thing.__qualname__ = "autodiff", name


if cython.compiled:
    take_over_memory()
attach("__array_ufunc__", LeavesMasked())
if not cython.compiled:
    del Value.__getattr__, Value.__setattr__, Value.__delattr__
if not cython.compiled and sys.platform in ("emscripten", "wasi"):
    attach("__del__", release_operands)  # pragma: no cover  (in a browser)
present(Value, "Value")
present(thaw, "_thaw")
present(last, "_last")


def method_of(rule: Any, name: str) -> Any:
    """A row as a method: further operands follow, by place or by name, and have the row's defaults."""

    def method(self: Value, *others: Any, **named: Any) -> Any:
        return self._record(rule, rule.bound((self, *others), named))

    method.__name__ = name
    method.__qualname__ = f"Value.{name}"
    method.__signature__ = rule.signature_as("self")
    method.__doc__ = f"{rule.written(rule.parameters)}, where {rule.parameters[0]} is this Value: {rule.doc}."
    return method


def scaled_by(factor: float) -> Any:
    """A method that multiplies by a plain number."""
    return lambda self: self * factor


for _rule in rules.TABLE.values():
    if _rule.of_one_number and not hasattr(Value, _rule.name):
        attach(_rule.name, method_of(_rule, _rule.name))
    if _rule.name in NUMPY_NAMES:
        attach(NUMPY_NAMES[_rule.name], method_of(_rule, NUMPY_NAMES[_rule.name]))

for _name, _factor in {"deg2rad": DEGREE, "radians": DEGREE, "rad2deg": 1 / DEGREE, "degrees": 1 / DEGREE}.items():
    attach(_name, scaled_by(_factor))
attach("conjugate", lambda self: self)  # np.vdot asks for it
