"""Arguments as flat arrays of floats: one sample, or batches of samples along an axis of NumPy arrays, buffers or lists."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from autodiff._support.numbers import as_float
from autodiff.engine.trees import ARRAY, NUMBER, Structure, flatten, is_array, not_too_deep
from autodiff.engine.value import Value
from autodiff.errors import ShapeError

REAL = "fiub"  # NumPy's kinds of real numbers
Axis = Any  # a whole number, None, or a dict or sequence of these for the members of a dict or the arguments


@dataclass(slots=True)
class Batch:
    """Arguments taken apart. ``n`` is the number of samples, None if no argument has any.

    ``samples`` and ``others`` are what ``Machine.run`` takes: arrays of floats, Python's or NumPy's, with the number of the
    first input of each. ``samples`` are those that each sample has of its own, with how many it has there, and all share the
    others.
    """

    n: int | None = None
    samples: list[tuple[Any, int, int]] = field(default_factory=list)
    others: list[tuple[array[float], int]] = field(default_factory=list)
    batched: list[bool] = field(default_factory=list)
    of_arrays: bool = False
    structures: list[Structure] = field(default_factory=list)

    def add(self, argument: Any, axis: Axis, path: str) -> Structure:
        """One argument more, or part of one. Returns the form that a sample of it has."""
        if axis is None:
            leaves, structure = flatten(unwrapped(argument))
            self._note(array("d", floats(leaves, structure, path)), structure.size, None, path)
            return structure
        if isinstance(argument, dict):
            axes = axis if isinstance(axis, dict) else dict.fromkeys(argument, axis)
            parts = tuple([self.add(part, axes.get(key), f"{path}[{key!r}]") for key, part in argument.items()])
            return Structure(dict, tuple(argument), parts, sum(part.size for part in parts))
        if isinstance(axis, bool) or not isinstance(axis, int):
            raise TypeError(f"in_axes: a whole number or None for {path}, not {axis!r}")
        if is_array(argument):
            self.of_arrays = True
            return self._add_array(argument, axis, path)
        return self._add_sequence(argument, axis, path)

    def _add_array(self, argument: Any, axis: int, path: str) -> Structure:
        if not -argument.ndim <= axis < argument.ndim:
            raise ShapeError(f"{path}: an array of shape {argument.shape} has no axis {axis} for the samples of a batch")
        moved = plain(argument, axis)
        if moved is None:
            what = "none of them masked" if argument.dtype.kind in REAL else f"not of {argument.dtype}"
            raise TypeError(f"{path}: a batch is an array of real numbers, {what}")
        shape = moved.shape[1:]
        size = 1
        for length in shape:
            size *= length
        structure = Structure(ARRAY, shape, size=size) if shape else NUMBER
        self._note(moved.reshape(-1), size, len(moved), path)
        return structure

    def _add_sequence(self, argument: Any, axis: int, path: str) -> Structure:
        samples = _samples(argument, axis, path)
        if not samples:
            self._note(array("d"), 0, 0, path)
            return Structure(list, size=0)
        structure = flatten(samples[0])[1]
        alike = structure.kind == ARRAY and all(is_array(sample) and sample.shape == structure.keys for sample in samples)
        if alike and not any(map(_is_masked, samples)):
            import numpy

            return self._add_array(numpy.stack(samples), 0, path)
        if structure == NUMBER:
            leaves: Any = samples
        elif structure.children == (NUMBER,) * len(structure.children) and _alike(samples, structure):
            leaves = list(chain.from_iterable(samples))
        else:
            leaves = [leaf for i, sample in enumerate(samples) for leaf in structure.fit(sample, f"{path}[{i}]")]
        if not set(map(type, leaves)) <= {float, int, bool}:
            leaves = [number for i, x in enumerate(leaves) for number in floats([x], NUMBER, f"{path}[{i // structure.size}]")]
        self._note(array("d", leaves), structure.size, len(samples), path)
        return structure

    def _note(self, numbers: Any, size: int, n: int | None, path: str) -> None:
        first = len(self.batched)
        self.batched += [n is not None] * size
        if n is None:
            self.others.append((numbers, first))
            return
        if self.n is not None and n != self.n:
            raise ShapeError(
                f"{path} has {n} samples, and the arguments before it have {self.n}: there must be as many of each"
            )
        self.n = n
        self.samples.append((numbers, first, size))


def batch_of(arguments: Sequence[Any], axes: Axis, numbers: Sequence[int]) -> Batch:
    """The arguments with these numbers.

    Raises ``ShapeError`` if they are not batches of one length, ``TypeError`` if they hold anything but real numbers.
    """
    batch = Batch()
    for place, argument in zip(numbers, arguments, strict=True):
        if isinstance(axes, (tuple, list)):
            if place >= len(axes):
                raise ValueError(f"in_axes has {len(axes)} entries, and there is an argument number {place}")
            axis = axes[place]
        else:
            axis = axes
        with not_too_deep:
            batch.structures.append(batch.add(argument, axis, f"args[{place}]"))
    return batch


def plain(argument: Any, axis: int = 0) -> Any:
    """An array of real numbers as floats side by side, where C may read them, with this axis first; None for any other."""
    import numpy

    if argument.dtype.kind not in REAL or _is_masked(argument):
        return None
    argument = numpy.asarray(argument)  # a matrix of NumPy's has two axes whatever is taken of it
    return numpy.require(argument if axis == 0 else numpy.moveaxis(argument, axis, 0), float, ["C", "A"])


def _is_masked(argument: Any) -> bool:
    """Whether an array has numbers that are not to be looked at."""
    import numpy

    return type(argument) is not numpy.ndarray and bool(numpy.ma.is_masked(argument))


def floats(leaves: Sequence[Any], structure: Structure, path: str) -> list[float]:
    """Numbers as floats. Raises ``TypeError`` that names the place of what is none."""
    numbers = []
    for i, leaf in enumerate(leaves):
        if isinstance(leaf, Value):
            raise TypeError(f"{structure.paths(path)[i]}: a batch is data, and this is a Value")
        try:
            numbers.append(as_float(leaf, "it"))
        except TypeError as error:
            raise TypeError(
                f"{structure.paths(path)[i]} is no number: {error}. What is no data can be named in static="
            ) from None
    return numbers


def unwrapped(argument: Any) -> Any:
    """A buffer that is no NumPy array as nested lists; anything else as it is."""
    if isinstance(argument, (array, memoryview)):
        return memoryview(argument).tolist()
    return argument


def _samples(argument: Any, axis: int, path: str) -> list[Any]:
    """A batch as a list of samples."""
    if isinstance(argument, (array, memoryview)):
        argument = memoryview(argument).tolist()
    if isinstance(argument, (str, bytes)) or not hasattr(argument, "__len__") or not hasattr(argument, "__getitem__"):
        raise ShapeError(
            f"{path} must be a batch, an array or list with one entry for each sample, not {type(argument).__name__} "
            f"{argument!r:.60}; in_axes=None says that all samples share it"
        )
    if axis == 0:
        return list(argument)
    if axis < 0:
        raise ValueError(f"{path}: an axis below 0 needs an array, not {type(argument).__name__}")
    try:
        inner = argument
        for _ in range(axis):
            inner = inner[0]
        return [_entry(argument, axis, i) for i in range(len(inner))]
    except (TypeError, IndexError):
        raise ShapeError(f"{path}: these lists have no axis {axis} for the samples of a batch") from None


def _entry(tree: Any, axis: int, i: int) -> Any:
    return tree[i] if axis == 0 else [_entry(part, axis - 1, i) for part in tree]


def _alike(samples: list[Any], structure: Structure) -> bool:
    """Whether each is a list or tuple of as many numbers as the first."""
    if structure.kind not in (list, tuple) or not set(map(type, samples)) <= {list, tuple}:
        return False
    return set(map(len, samples)) == {structure.size}
