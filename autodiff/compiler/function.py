"""compile: a function recorded once for each form of its arguments, and replayed."""

from __future__ import annotations

import functools
import gc
import math
import sys
import threading
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Generic, NamedTuple, ParamSpec, Protocol, TypeVar, overload

from autodiff.compiler.batches import Batch, batch_of, floats, unwrapped
from autodiff.compiler.machine import Machine, QuickCall, add_gradients
from autodiff.compiler.program import Program, Scalars
from autodiff.compiler.roll import roll
from autodiff.compiler.simplify import PASSES, simplified
from autodiff.compiler.source import source
from autodiff.compiler.trace import Trace, program_of, trace
from autodiff.engine import differentiate
from autodiff.engine.recording import announce
from autodiff.engine.trees import ARRAY, NUMBER, Structure, array_of, flatten, shape_of
from autodiff.engine.value import Value, traced
from autodiff.errors import ShapeError, TraceError

MOST_TRACES = 64  # forms of arguments that a function keeps programs for


class Goal(NamedTuple):
    """What a program is for.

    The values (``"value"``); the gradients of the parameters (``"backward"``), which are added up over the samples, as the
    value is unless it is to be ``stored``; or those of the ``wanted`` inputs (``"gradient"``).
    """

    kind: str
    wanted: tuple[int, ...] = ()
    stored: bool = False


class Replay:
    """One program and the machine that runs it. Pickles without the machine."""

    def __init__(self, trace: Trace, scalars: Scalars, summed: Sequence[int], passes: Sequence[str]):
        simple, self.counts = simplified(scalars, passes)
        self.scalars = simple
        self.program: Program = roll(simple, summed)
        self.program.counts = dict(self.counts)
        self.parameters = trace.parameters
        self.machine = Machine(self.program, self.parameters)

    def __getstate__(self) -> dict[str, Any]:
        return {key: thing for key, thing in vars(self).items() if key != "machine"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.machine = Machine(self.program, self.parameters)


class Entry:
    """What was recorded for one form of arguments, and the programs made of it so far. Pickles without the recording."""

    def __init__(self, traced: Trace, batched: tuple[bool, ...], passes: Sequence[str]):
        self.trace: Trace | None = traced
        self.parameters = traced.parameters
        self.structure = traced.structure
        self.batched = batched
        self.passes = passes
        self.replays: dict[Goal, Replay] = {}
        self.latest: Replay | None = None

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"trace": None}

    def can(self, goal: Goal) -> bool:
        """Whether there is a program for this, or what it can be made of."""
        return self.trace is not None or goal in self.replays

    def replay(self, goal: Goal) -> Replay:
        """The program for a goal."""
        found = self.replays.get(goal)
        if found is None:
            with _without_collector():
                found = self.replays[goal] = self._made(goal)
        self.latest = found
        return found

    def _made(self, goal: Goal) -> Replay:
        kind, wanted, stored = goal
        traced = self.trace
        assert traced is not None
        summed = range(0)
        if kind == "value":
            scalars = program_of(traced, None, self.batched)
        elif kind == "backward":
            scalars = program_of(traced, traced.parameters, self.batched, "backward()")
            summed = range(int(stored), len(scalars.outputs))
        else:
            scalars = program_of(traced, [traced.inputs[i] for i in wanted], self.batched, "value_and_grad()")
        return Replay(traced, scalars, summed, self.passes)


VALUE = Goal("value")
P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def _without_collector() -> Iterator[None]:
    """A program in the making is millions of objects and no cycle: the cyclic collector would look at them again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Compiled(Generic[P, R]):
    """A function that ``compile`` has taken; see there."""

    def __init__(self, fn: Callable[P, Any], options: dict[str, Any]):
        self.fn = fn
        self.options = options
        self.argnums: int | tuple[int, ...] = options["argnums"]
        self.in_axes = options["in_axes"]
        self.reduce: str | None = options["reduce"]
        self.static: tuple[int, ...] = options["static"]
        self.passes: tuple[str, ...] = options["passes"]
        self.name = getattr(fn, "__name__", type(fn).__name__)
        self.traces = 0
        self._quick_value: QuickCall | None = None
        self._quick_gradient: QuickCall | None = None
        self._entries: OrderedDict[Any, Entry] = OrderedDict()
        self._lock = threading.RLock()
        functools.update_wrapper(self, fn, updated=())  # a model's attributes are not this object's

    def __reduce__(self) -> Any:
        named: Any = sys.modules.get(getattr(self.fn, "__module__", None) or "")
        for part in getattr(self.fn, "__qualname__", "").split("."):
            named = getattr(named, part, None)
        if named is self:  # a decorated function, which is found by its name like any other
            return self.fn.__qualname__
        return _thawed, (self.fn, self.options, self._entries, self.traces)

    # ---- calling ------------------------------------------------------------------------------------------------------------

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The value for one sample, in the form that the function returns."""
        if self._quick_value is not None and not kwargs and not traced():
            result: R | None = self._quick_value.take(args)
            if result is not None:
                return result
        if traced() or differentiate.holds_value(args):
            recorded: R = self.fn(*args, **kwargs)
            return recorded
        entry, numbers = self._one(args, kwargs, VALUE)
        machine = entry.replay(VALUE).machine
        if entry.structure == NUMBER:
            self._quick_value = self._quick(machine, args, None)
        out = array("d", bytes(8 * machine.n_stored))
        machine.run(1, [(numbers, 0)], (), out)
        value: R = entry.structure.build(out.tolist())
        return value

    def value_and_grad(self, *args: Any, **kwargs: Any) -> tuple[float, Any]:
        """The value for one sample, and the gradient for the arguments that ``argnums`` names, in their form."""
        if self._quick_gradient is not None and not kwargs and not traced():
            result: tuple[float, Any] | None = self._quick_gradient.take(args)
            if result is not None:
                return result
        if traced() or differentiate.holds_value(args):
            eager: tuple[float, Any] = differentiate.value_and_grad(self.fn, self.argnums)(*args, **kwargs)
            return eager
        wanted, structure = self._wanted(args)
        goal = Goal("gradient", tuple(wanted))
        entry, numbers = self._one(args, kwargs, goal)
        machine = entry.replay(goal).machine
        self._quick_gradient = self._quick(machine, args, structure)
        out = array("d", bytes(8 * machine.n_stored))
        machine.run(1, [(numbers, 0)], (), out)
        value, *gradient = out.tolist()
        return value, structure.build(gradient)

    def _quick(self, machine: Machine, args: tuple[Any, ...], result: Structure | None) -> QuickCall | None:
        """What takes the next call, if its arguments have the form of these; None for forms that it does not know."""
        if self.static:
            return None
        structures = [flatten(arg)[1] for arg in args]
        forms = [form for form in map(_form, structures) if form is not None]
        wanted = None if result is None else _form(result)
        if len(forms) < len(args) or (result is not None and wanted is None):
            return None
        array_type = empty = None
        if ARRAY_FORM in [kind for kind, _ in forms]:
            import numpy

            array_type, empty = numpy.ndarray, numpy.empty
        return QuickCall(machine, forms, wanted, array_type, empty)

    def map(self, *args: Any, **kwargs: Any) -> Any:
        """The values over a batch: each argument has one more axis in front, or where ``in_axes`` says, and so has the result.

        With a NumPy array among the arguments the result is an array if it has a shape, else the form that the function
        returns with an array for each number. Otherwise it is a list with one entry for each sample.
        """
        entry, batch = self._many(args, kwargs, "map()", VALUE)
        if entry is None:
            return []
        machine = entry.replay(VALUE).machine
        n = 1 if batch.n is None else batch.n
        out = array("d", bytes(8 * machine.n_stored * n))
        machine.run(n, batch.samples, batch.others, out)
        return _results(out, n, entry.structure, batch.of_arrays)

    def backward(self, *args: Any, **kwargs: Any) -> Any:
        """Add the gradient over a batch to the ``grad`` of every Value that the function uses; the loss, a float.

        The loss is the mean over the samples, or what ``reduce`` says. Arguments as in ``map``; without any, one evaluation.
        A call that raises leaves every ``grad`` as it was.
        """
        loss, add = self.swept(*args, **kwargs)
        add()
        return loss

    def swept(self, *args: Any, **kwargs: Any) -> tuple[Any, Callable[[], None]]:
        """As ``backward``, but the gradients are added by the function that comes with the loss, when it is called."""
        stored = self.reduce is None
        goal = Goal("backward", stored=stored)
        entry, batch = self._many(args, kwargs, "backward()", goal)
        if batch.n == 0 and self.reduce == "mean":
            raise ShapeError(f"backward() of {self.name}: the mean over no samples; there must be at least one")
        if entry is None:
            return 0.0 if self.reduce == "sum" else [], lambda: None
        n = 1 if batch.n is None else batch.n
        replay = entry.replay(goal)
        out = array("d", bytes(8 * n)) if stored else None
        sums = replay.machine.run(n, batch.samples, batch.others, out)
        scale = 1.0 / n if self.reduce == "mean" else 1.0

        loss: float = math.fsum(out) if out is not None else sums[0] / n if self.reduce == "mean" else sums[0]

        def add() -> None:
            add_gradients(replay.parameters, sums, 0 if stored else 1, scale)
            announce(loss, replay.parameters)

        if out is not None:
            return array_of(out.tolist(), (n,)) if batch.of_arrays else out.tolist(), add
        return loss, add

    # ---- seeing -------------------------------------------------------------------------------------------------------------

    @property
    def parameters(self) -> list[Value]:
        """The Values that the function uses, as the last trace has them."""
        return list(self._last().parameters)

    @property
    def program(self) -> Any:
        """The last program that ran."""
        return self._replay().program

    @property
    def source(self) -> str:
        """The last program, forward and backward, as readable Python with NumPy's names, for one sample."""
        return self.listing("vector")

    def listing(self, form: str = "vector") -> str:
        """The last program as text: ``"vector"`` as ``source``, ``"scalar"`` operation by operation.

        Raises ``ValueError`` for another form.
        """
        replay = self._replay()
        if form == "scalar":
            return replay.scalars.listing()
        if form != "vector":
            raise ValueError(f'a listing is "vector" or "scalar", not {form!r}')
        names = [parameter.name for parameter in replay.parameters]
        return source(replay.program, self.name, names, self._last().structure.size)

    def _last(self) -> Entry:
        if not self._entries:
            raise TraceError(f"{self.name} has not been called yet, and a program is made at the first call")
        return next(reversed(self._entries.values()))

    def _replay(self) -> Replay:
        entry = self._last()
        return entry.latest or entry.replay(VALUE)

    # ---- forms of arguments -------------------------------------------------------------------------------------------------

    def _one(self, args: tuple[Any, ...], kwargs: dict[str, Any], goal: Goal) -> tuple[Entry, array[float]]:
        """The entry for one sample, and its numbers."""
        places = self._places(args)
        leaves, structure = flatten(tuple([args[place] for place in places]))
        if set(map(type, leaves)) <= {float, int, bool}:
            numbers = array("d", leaves)
        else:
            unwrapped_args = tuple([unwrapped(args[place]) for place in places])
            leaves, structure = flatten(unwrapped_args)
            numbers = array("d", floats(leaves, structure, "args"))
        batched = self._batched(structure, places)
        return self._entry(structure, batched, args, kwargs, numbers, goal), numbers

    def _batched(self, structure: Structure, places: list[int]) -> tuple[bool, ...]:
        """Which inputs have lanes: those of arguments that have an axis for samples."""
        axes = self.in_axes
        several = isinstance(axes, (tuple, list))
        found: list[bool] = []
        for place, part in zip(places, structure.children, strict=True):
            axis = axes if not several else axes[place] if place < len(axes) else 0
            if isinstance(axis, dict) and part.keys:
                for key, member in zip(part.keys, part.children, strict=True):
                    found += [axis.get(key) is not None] * member.size
            else:
                found += [axis is not None] * part.size
        return tuple(found)

    def _many(self, args: tuple[Any, ...], kwargs: dict[str, Any], taker: str, goal: Goal) -> tuple[Entry | None, Batch]:
        """The entry for the samples of a batch, and the batch."""
        if traced():
            raise TraceError(f"{taker} of {self.name} inside of another function that is compiled: call {self.name}() there")
        places = self._places(args)
        batch = batch_of([args[place] for place in places], self.in_axes, places)
        size = sum(structure.size for structure in batch.structures)
        structure = Structure(tuple, (), tuple(batch.structures), size)
        first = array("d", bytes(8 * size))
        for numbers, number in batch.samples:
            here = len(numbers) // batch.n if batch.n else 0
            first[number : number + here] = numbers[:here]
        for numbers, number in batch.others:
            first[number : number + len(numbers)] = numbers
        if batch.n == 0 and not batch.of_arrays:
            return None, batch  # a list of no samples does not say what form they have
        return self._entry(structure, tuple(batch.batched), args, kwargs, first, goal), batch

    def _places(self, args: tuple[Any, ...]) -> list[int]:
        """The numbers of the arguments that are data."""
        return [i for i in range(len(args)) if i not in self.static and i - len(args) not in self.static]

    def _wanted(self, args: tuple[Any, ...]) -> tuple[list[int], Structure]:
        """The numbers of the inputs that ``argnums`` names, and their form."""
        places = self._places(args)
        numbers = differentiate.places_of(self.argnums, len(args), "value_and_grad()", self.name)
        first: dict[int, tuple[int, Structure]] = {}
        count = 0
        for place in places:
            structure = flatten(unwrapped(args[place]))[1]
            first[place] = (count, structure)
            count += structure.size
        chosen = [numbers] if isinstance(numbers, int) else list(numbers)
        for number in chosen:
            if number not in first:
                raise ValueError(f"argnums names argument {number}, which static= names too")
        wanted = [start + i for start, part in (first[number] for number in chosen) for i in range(part.size)]
        if isinstance(numbers, int):
            return wanted, first[numbers][1]
        parts = tuple([first[number][1] for number in chosen])
        return wanted, Structure(tuple, (), parts, sum(part.size for part in parts))

    def _entry(
        self,
        structure: Structure,
        batched: tuple[bool, ...],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        numbers: Sequence[float],
        goal: Goal,
    ) -> Entry:
        """What was recorded for this form of arguments; recorded now, if it is new."""
        static = tuple([(i, args[i]) for i in range(len(args)) if i in self.static or i - len(args) in self.static])
        key = (structure, batched, static, tuple(sorted(kwargs.items())))
        try:
            entry = self._entries.get(key)
        except TypeError as error:
            raise TypeError(f"{self.name}: static and keyword arguments must be hashable: {error}") from None
        if entry is not None and entry.can(goal):
            with suppress(KeyError):  # another thread may just have dropped it
                self._entries.move_to_end(key)
            return entry
        places = self._places(args)

        def call(inputs: list[Any]) -> tuple[Any, ...]:
            replaced = list(args)
            for place, argument in zip(places, structure.build(inputs), strict=True):
                replaced[place] = argument
            return tuple(replaced), kwargs

        with self._lock, _without_collector():
            entry = self._entries.get(key)
            if entry is None or not entry.can(goal):
                entry = Entry(trace(self.fn, self.name, list(numbers), call), batched, self.passes)
                self._entries[key] = entry
                self.traces += 1
                while len(self._entries) > MOST_TRACES:
                    self._entries.popitem(last=False)
        return entry


class Compiler(Protocol):
    """``compile`` with its options, which takes the function."""

    @overload
    def __call__(self, fn: Callable[..., Value], /) -> Compiled[..., float]: ...
    @overload
    def __call__(self, fn: Callable[P, R], /) -> Compiled[P, R]: ...


# To type checkers a function that is said to return a Value gives floats for numbers; any other keeps its signature.
# fmt: off
@overload
def compile(fn: Callable[..., Value], *, argnums: int | Sequence[int] = ..., in_axes: Any = ..., reduce: str | None = ...,
            static: int | Sequence[int] = ..., passes: Sequence[str] | None = ...) -> Compiled[..., float]: ...
@overload
def compile(fn: Callable[P, R], *, argnums: int | Sequence[int] = ..., in_axes: Any = ..., reduce: str | None = ...,
            static: int | Sequence[int] = ..., passes: Sequence[str] | None = ...) -> Compiled[P, R]: ...
@overload
def compile(fn: None = None, *, argnums: int | Sequence[int] = ..., in_axes: Any = ..., reduce: str | None = ...,
            static: int | Sequence[int] = ..., passes: Sequence[str] | None = ...) -> Compiler: ...
# fmt: on
def compile(
    fn: Callable[..., Any] | None = None,
    *,
    argnums: int | Sequence[int] = 0,
    in_axes: Any = 0,
    reduce: str | None = "mean",
    static: int | Sequence[int] = (),
    passes: Sequence[str] | None = None,
) -> Any:
    """``fn`` recorded once and replayed: written for one sample with scalar code, it runs over whole batches.

    The result is called as ``fn`` is. It also has ``value_and_grad(*args)``, ``map(*args)`` over a batch, ``backward(*args)``,
    which adds the gradients over a batch to the Values that ``fn`` uses, ``source``, ``listing()`` and ``program`` to look at,
    and ``traces``, the number of recordings made so far. Values that ``fn`` uses and does not get as arguments are
    parameters: their numbers are read at each call.

    Arguments are numbers, lists, tuples, dicts, arrays, nested, as in ``grad``. A new form of arguments is recorded anew.
    ``argnums`` says for which arguments ``value_and_grad`` gives gradients. ``in_axes`` says which axis of each argument runs
    over the samples of a batch, None for one that all samples share, as in ``jax.vmap``. ``reduce`` is what ``backward`` takes
    of the samples' losses: their ``"mean"``, their ``"sum"``, or None, which returns them all and adds the gradients of their
    sum.
    ``static`` names arguments that are no data: they are passed on as they are, must be hashable, and a new value is recorded
    anew; keyword arguments are static too. ``passes`` chooses simplifications; all if none are given.

    With Values among its arguments, or inside another function that is compiled, ``fn`` itself is called. A branch is
    ``ad.where(x > 0, y, z)``; conditions are joined by ``&`` and ``|``. Inputs count as Values, so that where an input ties
    with a parameter in ``ad.maximum`` they share the derivative. ``strict()`` does not look into what is replayed.

    Raises ``TraceError`` if ``fn`` reads the number in a Value, as ``if x > 0`` or ``float(x)`` do; ``TypeError`` for arguments
    or results that are no numbers; ``ValueError`` for options that do not exist.
    """
    if fn is None:
        return lambda f: compile(f, argnums=argnums, in_axes=in_axes, reduce=reduce, static=static, passes=passes)
    if not callable(fn):
        raise TypeError(f"compile() takes a function, not {type(fn).__name__} {fn!r:.60}")
    if reduce not in ("mean", "sum", None):
        raise ValueError(f'reduce must be "mean", "sum" or None, not {reduce!r}')
    chosen = tuple(PASSES) if passes is None else tuple(passes)
    unknown = [name for name in chosen if name not in PASSES]
    if unknown:
        raise ValueError(f"there is no pass {unknown[0]!r}; there are {', '.join(PASSES)}")
    options = {
        "argnums": argnums if isinstance(argnums, int) else tuple(argnums),
        "in_axes": in_axes,
        "reduce": reduce,
        "static": (static,) if isinstance(static, int) else tuple(static),
        "passes": chosen,
    }
    return Compiled(fn, options)


def _thawed(
    fn: Callable[..., Any], options: dict[str, Any], entries: OrderedDict[Any, Entry], traces: int
) -> Compiled[..., Any]:
    compiled: Compiled[..., Any] = Compiled(fn, options)
    compiled._entries, compiled.traces = entries, traces
    return compiled


def _form(structure: Structure) -> tuple[int, Any] | None:
    """A form that ``QuickCall`` knows: a number, a flat list of numbers, an array."""
    if structure == NUMBER:
        return (NUMBER_FORM, None)
    if structure.kind is list and structure.children == (NUMBER,) * structure.size:
        return (NUMBERS_FORM, structure.size)
    return (ARRAY_FORM, structure.keys) if structure.kind == ARRAY and structure.keys else None


NUMBER_FORM, NUMBERS_FORM, ARRAY_FORM = range(3)  # as in machine.py


def _results(out: array[float], n: int, structure: Structure, of_arrays: bool) -> Any:
    """The numbers of all samples in the form of the result."""
    size = structure.size
    if not of_arrays:
        numbers = out.tolist()
        return [structure.build(numbers[i * size : (i + 1) * size]) for i in range(n)]
    import numpy

    table = numpy.frombuffer(out, dtype=float).reshape(n, size) if size * n else numpy.empty((n, size))
    shape = shape_of(structure)
    if shape is not None:
        return table.reshape((n, *shape)).copy()
    parts = []
    start = 0
    for block in structure.blocks():
        parts.append(table[:, start : start + block.size].reshape((n, *(block.keys if block.kind == "array" else ()))).copy())
        start += block.size
    return structure.build_blocks(parts)
