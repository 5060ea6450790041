"""Integers side by side, as the passes of the compiler read and write them; ``integers.pxd`` is this file for compiled ones."""

from __future__ import annotations

from array import array


def integers_of(numbers: array[int]) -> array[int]:
    """The integers in an array, to be read and written by their places."""
    return numbers


def fresh(n: int) -> array[int]:
    """So many zeros."""
    return array("i", [0]) * n


def filled(n: int, number: int) -> array[int]:
    """So many times one number."""
    return array("i", [number]) * n
