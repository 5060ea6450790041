"""Parameters: the Values that a function uses as arrays named by their paths, such as ``layers.0.w`` of shape (16, 2)."""

from __future__ import annotations

import dis
import functools
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from autodiff._support import states
from autodiff.engine.value import Value
from autodiff.errors import ShapeError

Path = tuple[str, ...]


@dataclass(frozen=True)
class ParameterArray:
    """Values as one array: its key, its shape, and they themselves row by row."""

    key: str
    shape: tuple[int, ...]
    values: list[Value]


def arrays_of(fn: Callable[..., Any], used: Sequence[Value]) -> list[ParameterArray]:
    """The Values that ``fn`` uses, and those beside them: all of a model, of a list or a dict of which it uses one.

    A Value's path is the one that ``named_parameters()`` of its model gives it, or the name of the variable and the keys and
    indices from there; of a Value by itself its own name, or else that of the variable. Indices at the end, and those of
    neurons, are the axes of an array where they are a full grid.
    """
    return _folded(_paths(fn, used))


def state_of(arrays: Sequence[ParameterArray], xp: Any) -> dict[str, Any]:
    """The numbers that the Values have now, as arrays of float64 of a namespace (JAX makes float32 of them unless told)."""
    import numpy

    numbers = {
        array.key: numpy.array([value.data for value in array.values], dtype=float).reshape(array.shape) for array in arrays
    }
    return numbers if xp is None or xp is numpy else {key: xp.asarray(number) for key, number in numbers.items()}


def load_state(arrays: Sequence[ParameterArray], state: Mapping[str, Any], whose: str) -> None:
    """Take the numbers from such a dictionary. Raises ``StateError`` and ``ShapeError`` before anything is changed."""
    states.require_keys(state, [array.key for array in arrays], f"load_params() of {whose}")
    numbers = [as_floats(state[array.key], array.shape, f"load_params(): {array.key!r}") for array in arrays]
    for array, found in zip(arrays, numbers, strict=True):
        for value, number in zip(array.values, found, strict=True):
            value.data = number


def as_floats(array: Any, shape: tuple[int, ...], what: str) -> list[float]:
    """The numbers of an array of any library, row by row. Raises ``ShapeError``."""
    import numpy

    if hasattr(array, "detach"):  # a tensor of torch, which may be on a GPU and part of a graph
        array = array.detach().cpu()
    elif hasattr(array, "get") and not isinstance(array, dict):  # of CuPy
        array = array.get()
    found = numpy.asarray(array)
    if found.dtype.kind not in "fiub":
        raise TypeError(f"{what} must be an array of real numbers, not of {found.dtype}")
    if found.shape != shape:
        raise ShapeError(f"{what} must have the shape {shape}, not {found.shape}")
    floats: list[float] = found.astype(float).ravel().tolist()
    return floats


# ---- paths ------------------------------------------------------------------------------------------------------------------


def _paths(fn: Callable[..., Any], used: Sequence[Value]) -> list[tuple[Path, Value]]:
    """Each Value once with its path; no two have the same."""
    wanted = set(used)
    found: dict[Value, Path] = {}
    taken: set[Path] = set()
    for variable, thing in _captured(fn):
        below = list(_values(thing))
        if not any(value in wanted for _, value in below):
            continue
        inside = hasattr(thing, "named_parameters")
        paths = [(path if inside and path else (variable, *path), value) for path, value in below]
        if any(path in taken for path, value in paths if value not in found):  # another model with the same paths
            paths = [((variable, *path), value) for path, value in below]
        for path, value in paths:
            if value not in found:
                if isinstance(thing, Value) and value.name:
                    path = tuple(value.name.split("."))
                found[value] = path = _free(path, taken)
                taken.add(path)
    for i, value in enumerate(used):
        if value not in found:
            path = tuple(value.name.split(".")) if value.name else ("p", str(i))
            found[value] = path = _free(path, taken)
            taken.add(path)
    return [(path, value) for value, path in found.items()]


def _free(path: Path, taken: set[Path]) -> Path:
    """The path, or one with a number at its last word."""
    free, number = path, 2
    while free in taken:
        free = (*path[:-1], f"{path[-1]}_{number}")
        number += 1
    return free


def _captured(fn: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """What the variables of a function, and of the functions that it calls, hold, with the variables' names."""
    waiting: list[tuple[str, Any]] = [("model", fn)]
    seen: set[int] = set()
    while waiting:
        name, thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, (ModuleType, type, BuiltinFunctionType)):
            continue
        seen.add(id(thing))
        if isinstance(thing, functools.partial):
            waiting += [(name, thing.func), *[(name, x) for x in thing.args], *thing.keywords.items()]
        elif isinstance(thing, MethodType):
            waiting += [(name, thing.__func__), (name, thing.__self__)]
        elif isinstance(thing, FunctionType):
            waiting += reversed(_variables(thing))
        elif hasattr(thing, "__wrapped__"):  # what a decorator made of a function, or of a method of an object
            owner = getattr(thing, "owner", None)
            waiting += [(name, thing.__wrapped__), (name, owner() if isinstance(owner, weakref.ref) else owner)]
        else:
            yield name, thing


def _variables(fn: FunctionType) -> list[tuple[str, Any]]:
    """The variables around a function that it uses, its defaults too."""
    found: list[tuple[str, Any]] = []
    for name, cell in zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True):
        try:
            found.append((name, cell.cell_contents))
        except ValueError:  # not yet assigned
            continue
    codes: list[CodeType] = [fn.__code__]
    for inner in codes:
        codes += [constant for constant in inner.co_consts if isinstance(constant, CodeType)]
        names = dict.fromkeys(
            step.argval for step in dis.get_instructions(inner) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")
        )
        found += [(name, fn.__globals__[name]) for name in names if name in fn.__globals__]
    found += [("p", default) for default in (*(fn.__defaults__ or ()), *(fn.__kwdefaults__ or {}).values())]
    return found


def _values(thing: Any) -> Iterator[tuple[Path, Value]]:
    """The Values in it with their paths from there, in order."""
    waiting: list[tuple[Path, Any]] = [((), thing)]
    seen: set[int] = set()
    while waiting:
        path, here = waiting.pop()
        if isinstance(here, Value):
            yield path, here
            continue
        if id(here) in seen:
            continue
        seen.add(id(here))
        waiting += [((*path, str(key)), member) for key, member in reversed(_members(here))]


def _members(thing: Any) -> list[tuple[Any, Any]]:
    if hasattr(thing, "named_parameters") and not isinstance(thing, type):
        return [(name, value) for name, value in thing.named_parameters() if isinstance(value, Value)]
    if isinstance(thing, dict):
        return list(thing.items())
    if isinstance(thing, (list, tuple)):
        return [] if set(map(type, thing)) <= PLAIN else list(enumerate(thing))
    if getattr(getattr(thing, "dtype", None), "kind", "") == "O":  # an array of Values
        return list(enumerate(thing)) if thing.shape else [("", thing.item())]
    if isinstance(thing, (ModuleType, type, FunctionType, MethodType, *PLAIN)) or callable(getattr(thing, "dtype", None)):
        return []
    return list(getattr(thing, "__dict__", {}).items())


PLAIN = {float, int, bool, str, bytes, complex, type(None)}

# ---- folding ----------------------------------------------------------------------------------------------------------------


def _folded(paths: Sequence[tuple[Path, Value]]) -> list[ParameterArray]:
    """Paths that differ in indices alone as arrays, where the indices are a full grid; fewer axes where they are not."""
    rest = [(tuple(word for part in path for word in part.split(".")), value) for path, value in paths]
    order = {value: i for i, (_, value) in enumerate(rest)}
    found: list[ParameterArray] = []
    keys: set[str] = set()
    for most in range(max([len(path) for path, _ in rest], default=0), -1, -1):
        by_key: dict[Path, list[tuple[tuple[int, ...], Value]]] = {}
        for path, value in rest:
            key, index = _key_and_index(path, most)
            by_key.setdefault(key, []).append((index, value))
        rest = []
        for key, members in by_key.items():
            shape = _grid([index for index, _ in members])
            name = ".".join(key)
            if shape is None or (len(members[0][0]) < most and most > 0) or name in keys:
                rest += [(path, value) for path, value in _unfolded(paths, {value for _, value in members})]
                continue
            keys.add(name)
            found.append(ParameterArray(name, shape, [value for _, value in sorted(members, key=lambda member: member[0])]))
    for path, value in rest:  # two that differ in nothing but dots
        name, number = ".".join(path), 2
        while name in keys:
            name, number = f"{'.'.join(path)}_{number}", number + 1
        keys.add(name)
        found.append(ParameterArray(name, (), [value]))
    return sorted(found, key=lambda array: min(order[value] for value in array.values))


def _unfolded(paths: Sequence[tuple[Path, Value]], values: set[Value]) -> list[tuple[Path, Value]]:
    return [(tuple(word for part in path for word in part.split(".")), value) for path, value in paths if value in values]


def _key_and_index(path: Path, most: int) -> tuple[Path, tuple[int, ...]]:
    """A path without the last indices, of which there are at most so many, and these: 3 and 1 of layers.0.neurons.3.w.1."""
    words = list(path)
    index: list[int] = []
    end = len(words)
    while end > 1 and words[end - 1].isdecimal() and len(index) < most:
        end -= 1
        index.insert(0, int(words[end]))
    kept = words[:end]
    for i in range(len(kept) - 2, -1, -1):
        if kept[i] == "neurons" and kept[i + 1].isdecimal() and len(index) < most:
            index.insert(0, int(kept[i + 1]))
            del kept[i : i + 2]
    return tuple(kept), tuple(index)


def _grid(indices: Sequence[tuple[int, ...]]) -> tuple[int, ...] | None:
    """The shape of the array that has exactly these indices."""
    if len({len(index) for index in indices}) > 1:
        return None
    shape = tuple([max(axis) + 1 for axis in zip(*indices, strict=True)])
    if prod(shape) != len(indices) or set(indices) != set(product(*map(range, shape))):
        return None
    return shape
