"""Integers side by side, as the passes of the compiler read and write them."""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from autodiff.engine import _cython as cython

if not cython.compiled:

    def integers_of(numbers):
        """The integers in an array, to be read and written by their places."""
        return numbers


KIND = cython.declare(array, array("i"))


def fresh(n: place) -> array:
    """So many zeros."""
    return filled(n, 0)


def room(n: place) -> array:
    """Room for so many; what stands there before they are written is anything."""
    if not cython.compiled:
        return array("i", [0]) * n
    found: array = clone(KIND, n, False)  # compiled only from here
    ask_for_large_pages(integers_of(found), n)
    return found


def filled(n: place, number: place) -> array:
    """So many times one number."""
    if not cython.compiled:
        return array("i", [number]) * n
    found: array = room(n)  # compiled only from here
    numbers: integers = integers_of(found)
    i: place
    for i in range(n):
        numbers[i] = number
    return found


def resized(numbers: array, n: place) -> array:
    """The same array with so many; what stands behind those that it had is anything."""
    if cython.compiled:
        resize(numbers, n)
        ask_for_large_pages(integers_of(numbers), n)
    else:
        del numbers[n:]
        numbers.extend(array("i", [0]) * (n - len(numbers)))
    return numbers
