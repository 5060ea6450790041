"""compile: a function recorded once for each form of its arguments, and replayed."""

from __future__ import annotations

import copy
import dis
import functools
import gc
import inspect
import sys
import threading
import types
import weakref
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass, replace
from numbers import Number
from typing import Any, Generic, NamedTuple, ParamSpec, Protocol, TypeVar, overload

from autodiff.compiler.batches import Batch, batch_of, floats, plain, unwrapped
from autodiff.compiler.groups import Groups
from autodiff.compiler.machine import Gradients, Machine, QuickBatch, QuickCall, QuickSweep, quick_first
from autodiff.compiler.program import Scalars
from autodiff.compiler.roll import roll
from autodiff.compiler.simplify import PASSES, added_up, simplified
from autodiff.compiler.slots import placed
from autodiff.compiler.trace import Trace, program_of, trace
from autodiff.engine import differentiate
from autodiff.engine.trees import ARRAY, NUMBER, Structure, array_of, flatten, is_array, not_too_deep, shape_of
from autodiff.engine.value import Value, traced
from autodiff.errors import ShapeError, StaleRecording, TraceError

MOST_TRACES = 64  # forms of arguments that a function keeps programs for


class Goal(NamedTuple):
    """What a program is for.

    The values (``"value"``); the gradients of the parameters (``"backward"``), which are added up over the samples, as the
    value is unless it is to be ``stored``; or those of the ``wanted`` inputs (``"gradient"``).
    """

    kind: str
    wanted: tuple[int, ...] = ()
    stored: bool = False


@contextmanager
def without_collector() -> Iterator[None]:
    """A program in the making is millions of objects and no cycle: the cyclic collector would look at them again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Replay:
    """One program and the machines that run it, which are made when they are needed. Pickles without them."""

    def __init__(self, trace: Trace, scalars: Scalars, summed: Sequence[int], passes: Sequence[str], threads: int):
        simple, self.counts = simplified(scalars, passes)
        simple = added_up(simple, summed)
        self.scalars = simple
        self.summed = summed
        self.program = roll(simple, summed, looped=True)
        self.program.counts = dict(self.counts)
        self.parameters = trace.parameters
        self.threads = threads

    @functools.cached_property
    def groups(self) -> Groups:
        """The program without loops, for text that is written of it."""
        if not any(group.loop for group in self.program.groups):
            return self.program
        with without_collector():
            return replace(roll(self.scalars, self.summed), counts=self.program.counts)

    @functools.cached_property
    def machine(self) -> Machine:
        """What runs it over the samples of a batch."""
        with without_collector():
            return Machine(placed(self.program), self.parameters, self.threads)

    @functools.cached_property
    def alone(self) -> Machine:
        """What runs it for one sample."""
        with without_collector():
            return Machine(placed(self.program, alone=True), self.parameters)

    def last_run(self) -> int:
        """Which of the runs of all programs its last was, 0 if it has not been run in this process."""
        return max([made.last_run for name, made in list(vars(self).items()) if name in ("machine", "alone")], default=0)

    def __getstate__(self) -> dict[str, Any]:
        return {key: thing for key, thing in vars(self).items() if key not in ("machine", "alone")}


class Entry:
    """What was recorded for one form of arguments, and the programs made of it so far. Pickles without the recording."""

    def __init__(self, traced: Trace, batched: tuple[bool, ...], options: dict[str, Any], captured: Captured):
        self.trace: Trace | None = traced
        self.captured = captured
        self.parameters = traced.parameters
        self.structure = traced.structure
        self.batched = batched
        self.passes: tuple[str, ...] = options["passes"]
        self.threads: int = options["threads"]
        self.replays: dict[Goal, Replay] = {}

    def __getstate__(self) -> dict[str, Any]:
        replays = dict(sorted(self.replays.items(), key=lambda item: item[1].last_run()))
        return vars(self) | {"trace": None, "captured": NOTHING_CAPTURED, "replays": replays}

    def can(self, goal: Goal) -> bool:
        """Whether there is a program for this, or what it can be made of."""
        return self.trace is not None or goal in self.replays

    def replay(self, goal: Goal) -> Replay:
        """The program for a goal."""
        found = self.replays.get(goal)
        if found is None:
            with without_collector():
                found = self.replays[goal] = self._made(goal)
        return found

    def latest(self) -> Replay | None:
        """The program that ran last; the last of them, if none has run in this process."""
        return max(reversed(list(self.replays.values())), key=Replay.last_run, default=None)

    def last_run(self) -> int:
        """Which of the runs of all programs the last of these was."""
        latest = self.latest()
        return latest.last_run() if latest else 0

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
        return Replay(traced, scalars, summed, self.passes, self.threads)


VALUE, ADDED_UP, STORED = Goal("value"), Goal("backward"), Goal("backward", stored=True)
P = ParamSpec("P")
R = TypeVar("R")


class Captured:
    """The Values and numbers that the variables around a function had, its own and the module's, when it was recorded."""

    def __init__(self, fn: Any):
        fn = inspect.unwrap(fn)
        fn = getattr(fn, "__func__", fn)
        code, names = getattr(fn, "__code__", None), getattr(fn, "__globals__", {})
        self.cells: list[tuple[str, Any, Any]] = []
        self.names: list[tuple[str, dict[str, Any], Any]] = []
        if code is None:
            return
        for name, cell in zip(code.co_freevars, fn.__closure__ or (), strict=True):
            with suppress(ValueError):  # an empty cell
                if isinstance(cell.cell_contents, (Value, float, int)):
                    self.cells.append((name, cell, cell.cell_contents))
        used = dict.fromkeys(step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL")
        self.names = [(name, names, names[name]) for name in used if isinstance(names.get(name), (Value, float, int))]

    def __bool__(self) -> bool:
        return bool(self.cells or self.names)

    def check(self, name: str) -> None:
        """Raises ``StaleRecording`` if one of them is another Value or number now."""
        for variable, cell, then in self.cells:
            now = cell.cell_contents if cell != EMPTY_CELL else None
            if not _unchanged(now, then):
                raise StaleRecording(_rebound(name, variable, then, now))
        for variable, names, then in self.names:
            now = names.get(variable)
            if not _unchanged(now, then):
                raise StaleRecording(_rebound(name, variable, then, now))


NOTHING_CAPTURED = Captured(None)
EMPTY_CELL = types.CellType()  # that of a variable that was deleted


def _unchanged(now: Any, then: Any) -> bool:
    """Whether it is the same Value, or the same number."""
    if now is then:
        return True
    return not isinstance(now, Value) and not isinstance(then, Value) and bool(exactly(now) == exactly(then))


def _rebound(name: str, variable: str, then: Any, now: Any) -> str:
    keep = "write" if isinstance(then, Value) else f"make {variable} a Value and write"
    return (
        f"{name} was recorded when {variable} was {then!r:.60}, and it is {now!r:.60} now, which the recording does not know: "
        f"{keep} {variable}.data for another number, or pass it as an argument"
    )


def exactly(x: Any) -> Any:
    """A key that only the same thing has: of 0.0 and −0.0, or of True, 1 and 1.0, each has its own."""
    if isinstance(x, (tuple, frozenset)):
        return type(x), type(x)([exactly(part) for part in x]) if type(x) in (tuple, frozenset) else tuple(map(exactly, x))
    if isinstance(x, (bool, int, str, bytes, Value)) or x is None:
        return type(x), x
    if isinstance(x, Number):
        return type(x), repr(x)
    if is_dataclass(x) and not isinstance(x, type):
        return type(x), x, tuple([exactly(getattr(x, part.name)) for part in fields(x)])
    return type(x), x


class _Method:
    """A function of an object that it does not keep alive."""

    def __init__(self, fn: Callable[..., Any], owner: Any):
        self.fn = fn
        self.owner = owner
        functools.update_wrapper(self, fn)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.fn(self.owner(), *args, **kwargs)


class Compiled(Generic[P, R]):
    """A function that ``compile`` has taken; see there."""

    __slots__ = ("__dict__", "__weakref__", "owner")
    owner: Any  # the object whose method this is

    def __init__(self, fn: Callable[P, Any], options: dict[str, Any]):
        self.owner = None
        self.fn = fn
        self.options = options
        self.argnums: int | tuple[int, ...] = options["argnums"]
        self.in_axes = options["in_axes"]
        self.reduce: str | None = options["reduce"]
        self.static: tuple[int, ...] = options["static"]
        self.passes: tuple[str, ...] = options["passes"]
        self.name = getattr(fn, "__name__", type(fn).__name__)
        self.traces = 0
        self._forget_calls()
        self._entries: OrderedDict[Any, Entry] = OrderedDict()
        self._newest: Entry | None = None  # which is the last of them
        self._lock = threading.RLock()
        self._methods: dict[int, Compiled[Any, Any]] = {}
        functools.update_wrapper(self, fn, updated=())  # a model's attributes are not this object's

    def _forget_calls(self) -> None:
        self._quick_value: QuickCall | None = None
        self._quick_gradient: QuickCall | None = None
        self._quick_batch: tuple[Any, Entry, QuickBatch] | None = None
        self._quick_sweep: QuickSweep | None = None  # of the last program that ran
        self._quick_flat: tuple[QuickCall, Structure] | None = None

    def __get__(self, owner: Any, kind: Any = None) -> Compiled[Any, Any]:
        """As a method: a compiled function for each object, which records what it does with that one."""
        if owner is None:
            return self
        key = id(owner)
        method = self._methods.get(key)
        if method is None:
            try:
                alone = weakref.ref(owner, lambda _: self._methods.pop(key, None))
            except TypeError:
                raise TypeError(
                    f'{self.name} is compiled for each object while that lives: "__weakref__" must be one of the __slots__ of '
                    f"{type(owner).__name__}"
                ) from None
            method = self._methods.setdefault(key, Compiled(_Method(self.fn, alone), self.options))
        bound = object.__new__(Compiled)
        bound.__dict__ = method.__dict__  # all that it knows belongs to the object, which this one keeps alive
        bound.owner = owner
        return bound

    def __deepcopy__(self, memo: Any) -> Compiled[Any, Any]:
        """A function is its own copy, as Python's functions are; a callable object's copy is recorded anew."""
        fn = copy.deepcopy(self.fn, memo)
        return self if fn is self.fn and self.owner is None else Compiled(fn, self.options)

    def __reduce__(self) -> Any:
        if self.owner is not None:
            return getattr, (self.owner, self.name)
        named: Any = sys.modules.get(getattr(self.fn, "__module__", None) or "")
        for part in getattr(self.fn, "__qualname__", "").split("."):
            named = getattr(named, part, None)
        if named is self:  # a decorated function, which is found by its name like any other
            return self.fn.__qualname__
        return _thawed, (self.fn, self.options, OrderedDict(sorted(self._entries.items(), key=_last_run)), self.traces)

    # ---- calling ------------------------------------------------------------------------------------------------------------

    @quick_first("_quick_value")
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The value for one sample, in the form that the function returns."""
        if traced() or differentiate.holds_value(args):
            recorded: R = self.fn(*args, **kwargs)
            return recorded
        entry, numbers = self._one(args, kwargs, VALUE)
        machine = entry.replay(VALUE).alone
        if not kwargs and (entry.structure == NUMBER or entry.structure.kind == ARRAY):
            self._quick_value = self._quick(machine, args, entry.structure, alone=True)
        out = array("d", bytes(8 * machine.n_stored))
        machine.run(1, (), [(numbers, 0)], out)
        value: R = entry.structure.build(out.tolist())
        return value

    def flat(self, *args: Any, **kwargs: Any) -> tuple[Any, Structure]:
        """The numbers of the value for one sample as an array, and the form that the function returns."""
        if self._quick_flat is not None and not kwargs:
            quick, form = self._quick_flat
            result = quick.take(args)
            if result is not None:
                return result, form
        entry, numbers = self._one(args, kwargs, VALUE)
        machine = entry.replay(VALUE).alone
        next_one = None if kwargs else self._quick(machine, args, Structure(ARRAY, (machine.n_stored,)), alone=True)
        self._quick_flat = None if next_one is None else (next_one, entry.structure)
        out = array("d", bytes(8 * machine.n_stored))
        machine.run(1, (), [(numbers, 0)], out)
        return array_of(out.tolist(), (machine.n_stored,)), entry.structure

    @quick_first("_quick_gradient")
    def value_and_grad(self, *args: Any, **kwargs: Any) -> tuple[float, Any]:
        """The value for one sample, and the gradient for the arguments that ``argnums`` names, in their form."""
        if traced() or differentiate.holds_value(args):
            eager: tuple[float, Any] = differentiate.value_and_grad(self.fn, self.argnums)(*args, **kwargs)
            return eager
        wanted, structure = self._wanted(args)
        goal = Goal("gradient", tuple(wanted))
        entry, numbers = self._one(args, kwargs, goal)
        machine = entry.replay(goal).alone
        if not kwargs:
            self._quick_gradient = self._quick(machine, args, structure)
        out = array("d", bytes(8 * machine.n_stored))
        machine.run(1, (), [(numbers, 0)], out)
        value, *gradient = out.tolist()
        return value, structure.build(gradient)

    def _quick(self, machine: Machine, args: tuple[Any, ...], result: Structure, alone: bool = False) -> QuickCall | None:
        """What takes the next call, if its arguments have the form of these; None for forms that it does not know.

        It gives the value and a gradient of the form ``result``, or ``alone`` a value of that form.
        """
        if self.static:
            return None
        structures = [flatten(arg)[1] for arg in args]
        forms = [form for form in map(_form, structures) if form is not None]
        wanted = _form(result)
        if len(forms) < len(args) or wanted is None:
            return None
        array_type = empty = None
        if ARRAY_FORM in [kind for kind, _ in (*forms, wanted)]:
            import numpy

            array_type, empty = numpy.ndarray, numpy.empty
        return QuickCall(machine, forms, wanted, alone, array_type, empty)

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

    @quick_first("_quick_sweep")
    def swept(self, *args: Any, **kwargs: Any) -> tuple[Any, Callable[[], None]]:
        """As ``backward``, but the gradients are added by the function that comes with the loss, when it is called."""
        goal = STORED if self.reduce is None else ADDED_UP
        entry, batch = self._many(args, kwargs, "backward()", goal)
        if batch.n == 0 and self.reduce == "mean":
            raise ShapeError(f"backward() of {self.name}: the mean over no samples; there must be at least one")
        if entry is None:
            return 0.0 if self.reduce == "sum" else [], lambda: None
        n = 1 if batch.n is None else batch.n
        machine = entry.replay(goal).machine
        if self.reduce is None:
            out = array("d", bytes(8 * n))
            sums = machine.run(n, batch.samples, batch.others, out)
            losses = array_of(out.tolist(), (n,)) if batch.of_arrays else out.tolist()
            return losses, Gradients(machine, sums, 0, 1.0, sum(out))
        mean = self.reduce == "mean"
        _, known, quick = self._quick_batch or (None, None, None)  # read once: threads may call
        if quick is not None and known is entry:
            check = functools.partial(entry.captured.check, self.name) if entry.captured else None
            self._quick_sweep = QuickSweep(machine, quick, mean, check)
        return machine.swept(n, batch.samples, batch.others, mean)

    # ---- seeing -------------------------------------------------------------------------------------------------------------

    @property
    def parameters(self) -> list[Value]:
        """The Values that the function uses, as the last trace has them."""
        return list(self._last()[1].parameters)

    @property
    def program(self) -> Groups:
        """The last program that ran, in groups."""
        return self._replay().program

    @property
    def source(self) -> str:
        """The last program that ran, forward and backward, as one readable Python function of arrays, which needs no autodiff.

        It is written in the terms of the Array API standard: ``xp`` is numpy, ``jax.numpy`` or another namespace, ``params`` a
        dictionary of arrays as ``params()`` gives it, and the other arguments have the samples along their first axis.
        """
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
        from autodiff.compiler import export

        return export.source(self)

    # ---- out of one core ----------------------------------------------------------------------------------------------------

    def params(self, xp: Any = None) -> dict[str, Any]:
        """The parameters' numbers as arrays of a namespace (NumPy's if none is given) by path, neurons folded into rows.

        ``{"layers.0.w": (16, 2), "layers.0.b": (16,), …}``: all of each model that the function uses a part of, in their order.
        JAX makes them float32 unless ``jax_enable_x64`` is set.
        """
        from autodiff.compiler import export, parameters

        return parameters.state_of(export.arrays_of(self), xp)

    def load_params(self, params: Mapping[str, Any]) -> None:
        """Take the parameters' numbers from such a dictionary, of arrays of any library.

        Raises, before anything is changed, ``StateError`` for a missing or unexpected key, ``ShapeError`` for another shape.
        """
        from autodiff.compiler import export, parameters

        parameters.load_state(export.arrays_of(self), params, self.name)

    def export(self, file: Any, *example: Any, **kwargs: Any) -> None:
        """Write a Python module of arrays, which needs no autodiff: ``loss`` and ``loss_and_gradients(xp, params, *batch)``.

        ``loss_and_gradients`` gives the mean of the losses (or what ``reduce`` says) and a dictionary of its gradients;
        a parameter that the function does not use has gradient 0. ``values`` gives what the function returns for each sample,
        and stands alone if that is not one number. The form of the arguments is that of ``example``, the arguments of one
        sample, or the last one recorded. Over no samples a mean is nan, and an index that ``ad.take`` does not find gives nan.

        Raises ``UnknownNameError`` for an operation that has no spelling in arrays, ``TraceError`` where nothing is recorded
        and there is no example, ``OSError`` if the file cannot be written.
        """
        from autodiff.compiler import export

        export.write(self, file, example, kwargs)

    def to_jax(self, *example: Any, **kwargs: Any) -> Callable[..., Any]:
        """A pure function ``(params, *batch) -> (loss, gradients)`` of JAX arrays, for ``jax.jit`` and whatever JAX has.

        Of a function that does not return one number, ``(params, *batch) -> values``. ``example`` as in ``export``.
        """
        from autodiff.compiler import export

        return export.to_jax(self, example, kwargs)

    def to_torch(self, *example: Any, **kwargs: Any) -> Callable[..., Any]:
        """As ``to_jax``, of torch tensors, on the device on which the parameters are."""
        from autodiff.compiler import export

        return export.to_torch(self, example, kwargs)

    def to_onnx(self, file: Any, *example: Any, **kwargs: Any) -> None:
        """Write an ONNX model of the function's values, with the parameters' numbers in it and any number of samples.

        Its inputs are the arrays among the arguments; its output ``values`` has one row for each sample. ``example`` as in
        ``export``. Raises as ``export`` does.
        """
        from autodiff.compiler import onnx

        onnx.write(self, file, example, kwargs)

    def to_c(self, file: Any, *example: Any, **kwargs: Any) -> None:
        """Write one C file and its header, without dependencies and with static memory, for one sample.

        ``double NAME_loss(const double *params, const double *sample)`` and ``double NAME_loss_and_gradients(const double
        *params, const double *sample, double *gradients)``; NAME is that of the file, the parameters and gradients are those of
        ``params()``, one array after the other. Of a function that does not return one number,
        ``void NAME_values(const double *params, const double *sample, double *values)``. ``example`` as in ``export``.
        """
        from autodiff.compiler import c

        c.write(self, file, example, kwargs)

    def _last(self) -> tuple[Any, Entry]:
        """What was recorded for the form of arguments of the last call."""
        if not self._entries:
            raise TraceError(f"{self.name} has not been called yet, and a program is made at the first call")
        last: tuple[Any, Entry] = max(reversed(list(self._entries.items())), key=_last_run)  # the newest, if none has run
        return last

    def _replay(self) -> Replay:
        _, entry = self._last()
        return entry.latest() or entry.replay(VALUE)

    # ---- forms of arguments -------------------------------------------------------------------------------------------------

    def _one(self, args: tuple[Any, ...], kwargs: dict[str, Any], goal: Goal) -> tuple[Entry, array[float]]:
        """The entry for one sample, and its numbers."""
        self._quick_sweep = None
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
        self._quick_sweep = None
        if traced():
            raise TraceError(f"{taker} of {self.name} inside of another function that is compiled: call {self.name}() there")
        if self._quick_batch is not None and not kwargs:
            key, entry, quick = self._quick_batch
            taken = quick.take(args)
            if taken is not None and entry.can(goal):
                self._use(key, entry)
                n, samples = taken
                return entry, Batch(n, samples, of_arrays=bool(args))
        places = self._places(args)
        batch = batch_of([args[place] for place in places], self.in_axes, places)
        size = sum(structure.size for structure in batch.structures)
        structure = Structure(tuple, (), tuple(batch.structures), size)
        first = array("d", bytes(8 * size))
        for numbers, number, size in batch.samples if batch.n else ():
            first[number : number + size] = array("d", numbers[:size])
        for numbers, number in batch.others:
            first[number : number + len(numbers)] = numbers
        if batch.n == 0 and not batch.of_arrays:
            return None, batch  # a list of no samples does not say what form they have
        entry = self._entry(structure, tuple(batch.batched), args, kwargs, first, goal)
        if self.in_axes == 0 and not kwargs and not self.static and all(map(is_array, args)):
            self._quick_batch = next(reversed(self._entries)), entry, QuickBatch([arg.shape[1:] for arg in args], plain)
        return entry, batch

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
        with not_too_deep:
            static = [(i, exactly(args[i])) for i in range(len(args)) if i in self.static or i - len(args) in self.static]
            named = [(name, exactly(kwargs[name])) for name in sorted(kwargs)]
        key = (structure, exactly(structure.keys_within()), batched, tuple(static), tuple(named))
        try:
            entry = self._entries.get(key)
        except TypeError as error:
            raise TypeError(f"{self.name}: static and keyword arguments must be hashable: {error}") from None
        if entry is not None and entry.can(goal):
            self._use(key, entry)
            return entry
        places = self._places(args)

        def call(inputs: list[Any]) -> tuple[Any, ...]:
            replaced = list(args)
            for place, argument in zip(places, structure.build(inputs), strict=True):
                replaced[place] = argument
            return tuple(replaced), kwargs

        with self._lock, without_collector():
            entry = self._entries.get(key)
            if entry is None or not entry.can(goal):
                captured = Captured(self.fn)
                entry = Entry(trace(self.fn, self.name, list(numbers), call), batched, self.options, captured)
                self._entries[key] = self._newest = entry
                self._entries.move_to_end(key)  # which it has been in, if its recording was lost
                self.traces += 1
                while len(self._entries) > MOST_TRACES:
                    self._entries.popitem(last=False)
                    self._forget_calls()  # one of which may have been of this form
        return entry

    def _use(self, key: Any, entry: Entry) -> None:
        """Check that it still holds, and make it the newest."""
        entry.captured.check(self.name)
        if self._newest is not entry:
            with suppress(KeyError):  # another thread may just have dropped it
                self._entries.move_to_end(key)
                self._newest = entry


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
            static: int | Sequence[int] = ..., passes: Sequence[str] | None = ...,
            threads: int = ...) -> Compiled[..., float]: ...
@overload
def compile(fn: Callable[P, R], *, argnums: int | Sequence[int] = ..., in_axes: Any = ..., reduce: str | None = ...,
            static: int | Sequence[int] = ..., passes: Sequence[str] | None = ..., threads: int = ...) -> Compiled[P, R]: ...
@overload
def compile(fn: None = None, *, argnums: int | Sequence[int] = ..., in_axes: Any = ..., reduce: str | None = ...,
            static: int | Sequence[int] = ..., passes: Sequence[str] | None = ..., threads: int = ...) -> Compiler: ...
# fmt: on
def compile(
    fn: Callable[..., Any] | None = None,
    *,
    argnums: int | Sequence[int] = 0,
    in_axes: Any = 0,
    reduce: str | None = "mean",
    static: int | Sequence[int] = (),
    passes: Sequence[str] | None = None,
    threads: int = 1,
) -> Any:
    """``fn`` recorded once and replayed: written for one sample with scalar code, it runs over whole batches.

    The result is called as ``fn`` is. It also has ``value_and_grad(*args)``, ``map(*args)`` over a batch, ``backward(*args)``,
    which adds the gradients over a batch to the Values that ``fn`` uses, ``source``, ``listing()`` and ``program`` to look at,
    and ``traces``, the number of recordings made so far. Values that ``fn`` uses and does not get as arguments are
    parameters: their numbers are read at each call. Which Values these are, and plain numbers that ``fn`` captures, belong to
    the recording: ``w = w - 0.1 * w.grad`` makes another ``w``, which it does not know (``w.data -= 0.1 * w.grad`` is right).
    ``map`` and ``backward`` see that a variable of ``fn`` or of its module has been rebound; a quick call does not look, and
    nobody looks into lists and attributes.

    As a decorator of a method it records for each object what the method does with that one; ``argnums``, ``in_axes`` and
    ``static`` count the arguments after ``self``.

    Arguments are numbers, lists, tuples, dicts, arrays, nested, as in ``grad``. A new form of arguments is recorded anew.
    ``argnums`` says for which arguments ``value_and_grad`` gives gradients. ``in_axes`` says which axis of each argument runs
    over the samples of a batch, None for one that all samples share, as in ``jax.vmap``. ``reduce`` is what ``backward`` takes
    of the samples' losses: their ``"mean"``, their ``"sum"``, or None, which returns them all and adds the gradients of their
    sum.
    ``static`` names arguments that are no data: they are passed on as they are, must be hashable, and a new value is recorded
    anew; keyword arguments are static too. ``passes`` chooses simplifications; all if none are given. ``threads`` share the
    samples of a large batch, block by block (compiled only); their number changes no bit of any result.

    Over a batch NumPy, where it is installed, does the products of layers of 64 × 64 weights and more. The last bits of these,
    and of no other sums, may depend on the size of the batch.

    With Values among its arguments, or inside another function that is compiled, ``fn`` itself is called. A branch is
    ``ad.where(x > 0, y, z)``; conditions are joined by ``&`` and ``|``. Inputs count as Values, so that where an input ties
    with a parameter in ``ad.maximum`` they share the derivative. ``strict()`` does not look into what is replayed.

    Raises ``TraceError`` if ``fn`` reads the number in a Value, as ``if x > 0`` or ``float(x)`` do; ``TypeError`` for arguments
    or results that are no numbers; ``ValueError`` for options that do not exist; ``StaleRecording`` where a captured Value or
    number was rebound.
    """
    if fn is None:
        return lambda f: compile(
            f, argnums=argnums, in_axes=in_axes, reduce=reduce, static=static, passes=passes, threads=threads
        )
    if not callable(fn):
        raise TypeError(f"compile() takes a function, not {type(fn).__name__} {fn!r:.60}")
    if reduce not in ("mean", "sum", None):
        raise ValueError(f'reduce must be "mean", "sum" or None, not {reduce!r}')
    chosen = tuple(PASSES) if passes is None else tuple(passes)
    unknown = [name for name in chosen if name not in PASSES]
    if unknown:
        raise ValueError(f"there is no pass {unknown[0]!r}; there are {', '.join(PASSES)}")
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ValueError(f"threads is how many threads there are, 1 or more, not {threads!r}")
    options = {
        "argnums": argnums if isinstance(argnums, int) else tuple(argnums),
        "in_axes": in_axes,
        "reduce": reduce,
        "static": (static,) if isinstance(static, int) else tuple(static),
        "passes": chosen,
        "threads": threads,
    }
    return Compiled(fn, options)


def _last_run(item: tuple[Any, Entry]) -> int:
    return item[1].last_run()


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
