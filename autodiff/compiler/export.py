"""Export: a compiled function as a module of arrays, for JAX and torch, as an ONNX model, and as C."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

from autodiff._support import files
from autodiff.compiler import parameters
from autodiff.compiler.arrays import Argument, ArrayOf, Namer, Written, helper_text, places_of, quoted, written
from autodiff.compiler.groups import Groups
from autodiff.compiler.padded import padded
from autodiff.compiler.parameters import ParameterArray
from autodiff.compiler.plain import plain
from autodiff.compiler.roll import roll
from autodiff.engine.trees import Structure, shape_of
from autodiff.errors import TraceError

if TYPE_CHECKING:
    from autodiff.compiler.function import Compiled, Entry, Goal, Replay

Shape = tuple[int, ...]


class Recording(NamedTuple):
    """One form of arguments of a compiled function: what was recorded, the arguments, the parameters as arrays."""

    entry: Entry
    arguments: list[Argument]
    arrays: list[ParameterArray]

    @property
    def result(self) -> Shape:
        """The shape of a value; numbers side by side where it is no array."""
        shape = shape_of(self.entry.structure)
        return (self.entry.structure.size,) if shape is None else shape

    def places(self, replay: Replay) -> list[ArrayOf]:
        """The arrays with the numbers of the program's parameters."""
        numbers = {value: i for i, value in enumerate(replay.parameters)}
        return [ArrayOf(array.key, array.shape, [numbers.get(value) for value in array.values]) for array in self.arrays]


def recording(
    f: Compiled[..., Any], example: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None, taker: str = ""
) -> Recording:
    """The last form of arguments that was recorded, or that of the example, which is the arguments of one sample."""
    from autodiff.compiler.function import VALUE

    if example or kwargs or not f._entries:
        try:
            inspect.signature(f.fn).bind(*example, **(kwargs or {}))
        except TypeError:
            if not example and not kwargs:
                raise TraceError(
                    f"{f.name} has not been called yet: give {taker} the arguments of one sample, to record it with"
                ) from None
        except ValueError:  # a callable without a signature
            pass
        entry, _ = f._one(example, kwargs or {}, VALUE)
        key = next(key for key, known in f._entries.items() if known is entry)
    else:
        key, entry = f._last()
    return Recording(entry, _arguments(f, key), arrays_of(f))


def arrays_of(f: Compiled[..., Any]) -> list[ParameterArray]:
    """The parameters of all forms of arguments recorded so far, as arrays."""
    f._last()
    return parameters.arrays_of(f, list(dict.fromkeys(value for entry in f._entries.values() for value in entry.parameters)))


def _arguments(f: Compiled[..., Any], key: Any) -> list[Argument]:
    structure, _, _, static, _ = key
    number = len(structure.children) + len(static)
    skipped = {i for i, _ in static}
    names = _names(f, number)
    places = [i for i in range(number) if i not in skipped]
    found = []
    for place, part in zip(places, structure.children, strict=True):
        axes = f.in_axes
        axis = axes[place] if isinstance(axes, (tuple, list)) else axes
        found.append(Argument(names[place], list(_blocks(part, axis, ""))))
    return found


def _names(f: Compiled[..., Any], number: int) -> list[str]:
    """What the function calls its arguments."""
    try:
        named = [p.name for p in inspect.signature(f.fn).parameters.values() if p.kind <= p.POSITIONAL_OR_KEYWORD]
    except (TypeError, ValueError):
        named = []
    if type(f.fn).__name__ == "_Method":
        named = named[1:]
    return (named + [f"x{i}" for i in range(len(named), number)])[:number]


def _blocks(structure: Structure, axis: Any, path: str) -> Iterator[tuple[str, Shape, int | None]]:
    """The arrays in an argument: where they are in it, the shape in a sample, the axis of the samples."""
    shape = shape_of(structure)
    if shape is not None and not isinstance(axis, dict):
        yield path, shape, None if axis is None else axis % (len(shape) + 1)
        return
    keys = structure.keys or range(len(structure.children))
    for key, child in zip(keys, structure.children, strict=True):
        yield from _blocks(child, axis.get(key) if isinstance(axis, dict) else axis, f"{path}[{key!r}]")


# ---- text -------------------------------------------------------------------------------------------------------------------


def _backward(f: Compiled[..., Any]) -> Goal:
    from autodiff.compiler.function import Goal

    return Goal("backward", stored=f.reduce is None)


def text_groups(replay: Replay, arguments: Sequence[Argument], arrays: Sequence[ArrayOf]) -> Groups:
    """The program in groups as a text reads best: padded, if it is shorter then."""
    scalars = plain(replay.scalars)
    rolled = roll(scalars, replay.summed)
    leaves: list[tuple[Any, Shape]] = []
    for number, argument in enumerate(arguments):
        for path, shape, _ in argument.blocks:
            leaves += [((number, path), place) for place in places_of(shape)]
    places = {p: (array.key, place) for array in arrays for p, place in zip(array.places, places_of(array.shape), strict=True)}
    leaves += [places[p] for p in range(scalars.n_parameters)]
    return shorter(rolled, len(scalars), partial(padded, scalars, replay.summed, leaves))


def shorter(rolled: Groups, n_scalars: int, pad: Callable[[], Groups]) -> Groups:
    """One of them; what is nearly all of a kind of its own is not padded."""
    found = pad() if 2 * len(rolled.groups) < n_scalars else rolled
    return found if len(found.groups) < len(rolled.groups) else rolled


def _function(f: Compiled[..., Any], recorded: Recording, goal: Goal, name: str) -> Written:
    replay = recorded.entry.replay(goal)
    arrays = recorded.places(replay)
    groups = text_groups(replay, recorded.arguments, arrays)
    if goal.kind == "backward":
        kind = {"mean": "The mean loss", "sum": "The sum of the losses", None: "The losses"}[f.reduce]
        doc = f"{kind} of the samples, and {'its gradients' if f.reduce else 'the gradients of their sum'}."
        return written(groups, name, doc, recorded.arguments, arrays, reduce=f.reduce, gradients=True)
    if goal.kind == "gradient":
        doc = "The value of each sample, and its gradient."
        return written(groups, name, doc, recorded.arguments, arrays, result=(), wanted=(len(goal.wanted),))
    return written(groups, name, "The value of each sample.", recorded.arguments, arrays, result=recorded.result)


def source(f: Compiled[..., Any]) -> str:
    """The last program that ran, as one function and the helpers that it calls."""
    replay = f._replay()
    recorded = recording(f)
    goal = next(goal for goal, known in recorded.entry.replays.items() if known is replay)
    name = Namer()(f.name + ("" if goal.kind == "value" else "_and_gradients"))
    text = _function(f, recorded, goal, name)
    return "\n\n".join(part for part in (str(text), helper_text(text.helpers)) if part)


def module(f: Compiled[..., Any], example: tuple[Any, ...], kwargs: dict[str, Any], taker: str) -> tuple[str, Recording]:
    """A module with ``values`` and, of a function that returns one number, ``loss`` and ``loss_and_gradients``."""
    from autodiff.compiler.function import VALUE

    recorded = recording(f, example, kwargs, taker)
    values = _function(f, recorded, VALUE, "values")
    functions = [str(values)]
    helpers = set(values.helpers)
    if shape_of(recorded.entry.structure) == ():
        arguments = values.head.partition("(")[2].removesuffix("):")
        functions.append(_loss(f, recorded, arguments))
        gradients = _function(f, recorded, _backward(f), "loss_and_gradients")
        functions.append(str(gradients))
        helpers |= gradients.helpers
    shapes = [f"    {quoted(array.key)}: {array.shape}" for array in recorded.arrays]
    doc = "\n".join(
        [
            f'"""{_plain(f.name)} as arrays, in the terms of the Array API standard: written by autodiff, independent of it.',
            "",
            "xp is numpy, jax.numpy, or array_api_compat.torch and the like. The first axis of the other arguments runs over",
            "the samples of a batch. params is a dictionary of arrays of these shapes:",
            "",
            *[_plain(line) for line in shapes],
            '"""',
            "",
        ]
    )
    if helpers:
        functions.append(helper_text(helpers))
    return doc + "\n\n" + "\n\n".join(functions), recorded


def _plain(text: str) -> str:
    """Text that can stand in a docstring."""
    return text.replace("\\", "\\\\").replace('"""', "'''")


def _loss(f: Compiled[..., Any], recorded: Recording, arguments: str) -> str:
    batched = any(axis is not None for argument in recorded.arguments for _, _, axis in argument.blocks)
    call = f"values({arguments})"
    kind = {"mean": "mean of the values", "sum": "sum of the values", None: "values"}[f.reduce]
    text = f"xp.{f.reduce}({call})" if f.reduce and batched else call
    return f'def loss({arguments}):\n    """The {kind} of the samples."""\n    return {text}\n'


def write(f: Compiled[..., Any], file: Any, example: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    text, _ = module(f, example, kwargs, "export()")
    files.replace(Path(file), text.encode())


# ---- other engines ----------------------------------------------------------------------------------------------------------


def loaded(text: str, name: str) -> SimpleNamespace:
    """The functions of a module of arrays."""
    names: dict[str, Any] = {}
    exec(compile(text, f"<{name} as arrays>", "exec"), names)
    return SimpleNamespace(**{key: thing for key, thing in names.items() if not key.startswith("__")})


def to_jax(f: Compiled[..., Any], example: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[..., Any]:
    import jax.numpy

    text, _ = module(f, example, kwargs, "to_jax()")
    functions = loaded(text, f.name)
    call = getattr(functions, "loss_and_gradients", functions.values)

    def step(params: Any, *batch: Any) -> Any:
        return call(jax.numpy, params, *batch)

    step.__name__ = step.__qualname__ = f.name
    return step


def to_torch(f: Compiled[..., Any], example: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[..., Any]:
    import array_api_compat.torch
    import torch

    text, _ = module(f, example, kwargs, "to_torch()")
    functions = loaded(text, f.name)
    call = getattr(functions, "loss_and_gradients", functions.values)

    def step(params: Any, *batch: Any) -> Any:
        devices = [array.device for array in params.values()]
        if not devices or devices[0].type == "cpu":
            return call(array_api_compat.torch, params, *batch)
        with torch.device(devices[0]):  # where the text makes arrays of its own
            return call(array_api_compat.torch, params, *batch)

    step.__name__ = step.__qualname__ = f.name
    return step


class OnJax:
    """A compiled function of a sample whose losses and gradients over batches come from JAX, in double precision.

    It has the two methods of a compiled function that training asks for.
    """

    def __init__(self, f: Compiled[..., Any]):
        self.f = f
        self.functions: dict[str, Any] = {}

    def swept(self, *batch: Any) -> tuple[float, Callable[[], None]]:
        """The mean loss, and what adds its gradients to the parameters."""
        loss, gradients = self._call("loss_and_gradients", batch)
        arrays = arrays_of(self.f)
        found = [parameters.as_floats(gradients[array.key], array.shape, array.key) for array in arrays]

        def add() -> None:
            for array, numbers in zip(arrays, found, strict=True):
                for value, number in zip(array.values, numbers, strict=True):
                    value.grad += number

        return float(loss), add

    def map(self, *batch: Any) -> list[float]:
        """The loss of each sample."""
        found: list[float] = self._call("values", batch).tolist()
        return found

    def _call(self, name: str, batch: tuple[Any, ...]) -> Any:
        import jax
        import numpy

        wide: Any = jax.enable_x64 if hasattr(jax, "enable_x64") else import_module("jax.experimental").enable_x64
        if not self.functions:
            text, _ = module(self.f, tuple([samples[0] for samples in batch]), {}, "fit()")
            functions = loaded(text, self.f.name)
            for key in ("values", "loss_and_gradients"):
                self.functions[key] = jax.jit(partial(getattr(functions, key), jax.numpy))
        with wide(True):
            params = parameters.state_of(arrays_of(self.f), jax.numpy)
            return self.functions[name](params, *[numpy.asarray(samples, dtype=float) for samples in batch])
