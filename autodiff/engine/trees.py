"""Nested arguments taken apart into their numbers and put together again: lists, tuples, dicts, NumPy arrays, in any order."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from autodiff.errors import ShapeError

LEAF, ARRAY = "leaf", "array"


@dataclass(frozen=True, slots=True)
class Structure:
    """The form of a nested argument without its numbers; equal forms are equal and hash alike.

    ``kind`` is ``LEAF``, ``ARRAY`` or the type of a container. ``keys`` are a dict's keys, or an array's shape. None is a
    container of nothing.
    """

    kind: Any
    keys: tuple[Any, ...] = ()
    children: tuple[Structure, ...] = ()
    size: int = 1
    single: bool = False  # an array of float32

    def build(self, leaves: Iterable[Any]) -> Any:
        """The nested form with these leaves in their places. Floats make an array of floats, anything else one of objects."""
        return self._build(iter(leaves), _leaf_or_array)

    def build_blocks(self, blocks: Iterable[Any]) -> Any:
        """The nested form with one thing in the place of each number or whole array."""
        return self._build(iter(blocks), lambda structure, supply: next(supply))

    def _build(self, supply: Iterator[Any], place: Callable[[Structure, Iterator[Any]], Any]) -> Any:
        if self.kind in (LEAF, ARRAY):
            return place(self, supply)
        if self.kind is type(None):
            return None
        n = len(self.children)
        if self.children == (NUMBER,) * n:  # quickly, for identity is enough
            children = list(islice(supply, n))
        else:
            children = [child._build(supply, place) for child in self.children]
        if issubclass(self.kind, dict):
            return self.kind(zip(self.keys, children, strict=True))
        return self.kind(*children) if hasattr(self.kind, "_fields") else self.kind(children)

    def blocks(self) -> Iterator[Structure]:
        """The numbers and whole arrays in it, in order."""
        if self.kind in (LEAF, ARRAY):
            yield self
        for child in self.children:
            yield from child.blocks()

    def keys_within(self) -> tuple[Any, ...]:
        """The keys of all dicts in it."""
        own = self.keys if self.kind is dict or self.kind is OrderedDict else ()
        return own + tuple([key for child in self.children if child is not NUMBER for key in child.keys_within()])

    def paths(self, name: str) -> list[str]:
        """Where each leaf is, ``x['w'][3]``, if the whole is called ``name``."""
        if self.kind == LEAF:
            return [name]
        if self.kind == ARRAY:
            return [name + _index(i, self.keys) for i in range(self.size)]
        keys = self.keys or range(len(self.children))
        return [path for key, child in zip(keys, self.children, strict=True) for path in child.paths(f"{name}[{key!r}]")]

    def fit(self, tree: Any, name: str) -> list[Any]:
        """The leaves of another nested argument of this form. Raises ``ShapeError`` that names the place where it differs.

        Lists, tuples and arrays of one length may stand for each other, and a dict's keys may come in another order.
        """
        leaves, structure = flatten(tree)
        if structure == self:
            return leaves
        if self.kind == LEAF and structure.kind == LEAF:
            return leaves
        if self.kind == ARRAY or structure.kind == ARRAY:
            return _fit_arrays(self, tree, structure, name)
        if self.kind is dict or self.kind is OrderedDict:
            if not isinstance(tree, dict) or set(tree) != set(self.keys):
                raise ShapeError(f"{name} must be a dict with the keys {list(self.keys)}, not {_described(tree, structure)}")
            members = [tree[key] for key in self.keys]
        elif structure.kind in (LEAF, type(None), dict, OrderedDict) or len(structure.children) != len(self.children):
            raise ShapeError(f"{name} must be {self.described()}, not {_described(tree, structure)}")
        else:
            members = list(tree)
        keys = self.keys or range(len(self.children))
        fitted = zip(keys, self.children, members, strict=True)
        return [leaf for key, child, member in fitted for leaf in child.fit(member, f"{name}[{key!r}]")]

    def described(self) -> str:
        """In words, for messages."""
        if self.kind == LEAF:
            return "a number"
        if self.kind == ARRAY:
            return f"an array of shape {self.keys}"
        if self.kind is type(None):
            return "None"
        return f"a {self.kind.__name__} of {len(self.children)}"


NUMBER = Structure(LEAF)


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """The leaves of a nested argument in order, and its form. What is no list, tuple, dict, array or None is a leaf.

    Raises ``ShapeError`` for what is nested hundreds deep.
    """
    leaves: list[Any] = []
    with not_too_deep:
        return leaves, _structure(tree, leaves)


class NotTooDeep:
    """Around what goes into nested arguments by recursion: a ``ShapeError`` where that has no end."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if kind is RecursionError:
            raise ShapeError(
                "an argument or result is nested too deeply, or holds itself: a list in a list, hundreds deep"
            ) from None


not_too_deep = NotTooDeep()


def is_array(x: Any) -> bool:
    """Whether x is a NumPy array, without importing NumPy: if nobody has, there are none."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(x, numpy.ndarray)


def _structure(tree: Any, leaves: list[Any]) -> Structure:
    if type(tree) is float:
        leaves.append(tree)
        return NUMBER
    if tree is None:
        return Structure(type(None), size=0)
    if isinstance(tree, dict):
        kind = OrderedDict if isinstance(tree, OrderedDict) else dict
        return _container(kind, tuple(tree), tree.values(), leaves)
    if isinstance(tree, tuple):
        return _container(type(tree) if hasattr(tree, "_fields") else tuple, (), tree, leaves)
    if isinstance(tree, list):
        return _container(list, (), tree, leaves)
    if is_array(tree):
        leaves += tree.ravel().tolist()
        return Structure(ARRAY, tree.shape, size=tree.size, single=tree.dtype.char == "f")
    leaves.append(tree)
    return NUMBER


def _container(kind: type, keys: tuple[Any, ...], members: Collection[Any], leaves: list[Any]) -> Structure:
    if set(map(type, members)) <= {float, int}:
        leaves += members
        return Structure(kind, keys, (NUMBER,) * len(members), len(members))
    before = len(leaves)
    children = tuple([_structure(member, leaves) for member in members])
    return Structure(kind, keys, children, len(leaves) - before)


def _leaf_or_array(structure: Structure, supply: Iterator[Any]) -> Any:
    if structure.kind == LEAF:
        return next(supply)
    built = array_of([next(supply) for _ in range(structure.size)], structure.keys)
    return built.astype("f") if structure.single and is_array(built) and built.dtype.char == "d" else built


def array_of(leaves: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """A NumPy array of float64 if all are floats, else an ``Array``. A Value in an array without axes comes as itself."""
    import numpy

    if all(type(leaf) is float for leaf in leaves):
        return numpy.array(leaves, dtype=float).reshape(shape)
    if not shape:
        return leaves[0]
    from autodiff.engine.arrays import filled

    return filled(leaves, shape)


def _fit_arrays(structure: Structure, tree: Any, other: Structure, name: str) -> list[Any]:
    """The leaves where one of the two forms is an array and the other may be nested lists of its shape."""
    expected, found = shape_of(structure), shape_of(other)
    if expected is None or expected != found:
        raise ShapeError(f"{name} must be {structure.described()}, not {_described(tree, other)}")
    return flatten(tree)[0]


def shape_of(structure: Structure) -> tuple[int, ...] | None:
    """The shape of an array, of nested lists that could be one, or of a number; None for what has no shape."""
    if structure.kind == LEAF:
        return ()
    if structure.kind == ARRAY:
        return structure.keys
    if structure.kind is type(None) or issubclass(structure.kind, dict):
        return None
    shapes = {shape_of(child) for child in structure.children}
    if len(shapes) > 1 or None in shapes:
        return None
    inner = shapes.pop() if shapes else ()
    return None if inner is None else (len(structure.children), *inner)


def _described(tree: Any, structure: Structure) -> str:
    return f"{type(tree).__name__} {tree!r:.60}" if structure.kind == LEAF else structure.described()


def _index(flat: int, shape: tuple[int, ...]) -> str:
    """``[1, 2]``: the place of the ``flat``-th number of an array; nothing for an array without axes."""
    places: list[str] = []
    for length in reversed(shape):
        flat, place = divmod(flat, length)
        places.insert(0, str(place))
    return f"[{', '.join(places)}]" if shape else ""
