"""Stands in for the ``cython`` module where Cython is not installed, so that the compiled files also run as plain Python.

Only the names that those files use; the idea is fontTools' (``fontTools/misc/cython.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

compiled = False

double = float
short = Py_ssize_t = int
bint = bool
void = None


def declare(kind: object, value: Any = None) -> Any:
    """The value alone: plain Python needs no C type."""
    return value


def cast(kind: Callable[[Any], Any], value: Any) -> Any:
    """The value as another type."""
    return kind(value)


def cclass(decorated: Any) -> Any:
    """The class or function as it is."""
    return decorated


ccall = cfunc = final = inline = no_gc = cclass


class _Lock:
    """Whatever holds or releases the interpreter's lock: a decorator, or a block."""

    def __call__(self, decorated: Any) -> Any:
        return decorated

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass


nogil = gil = _Lock()


def exceptval(check: bool = True) -> Callable[[Any], Any]:
    """A decorator that does nothing."""
    return cclass


def annotation_typing(take: bool) -> Callable[[Any], Any]:
    """A decorator that does nothing."""
    return cclass
