"""Recorded: operations that Values remember, as arrays of integers."""

from __future__ import annotations

from autodiff.engine.value import Value

try:
    import cython
except ImportError:
    from autodiff.engine import _cython as cython

if not cython.compiled:
    from autodiff.compiler.integers import integers_of, resized, room
    from autodiff.engine.value import (
        LEFT,
        MANY,
        NOBODY,
        NUMBER,
        RIGHT,
        held,
        is_told,
        leave_places,
        lend,
        place_of,
        take_places,
        value_among,
        value_of,
        width,
    )


def flattened(leaves: list, nodes: list) -> tuple:
    """Operations as arrays of integers: the code of each, where its operands begin, these operands; the plain numbers; and
    which operations have a name or a source.

    Operand i ≥ 0 is node i, −1 − j leaf j; the plain numbers are leaves too, which come after the others, each once. So does
    a Value that is neither leaf nor node: it stands for the number that it holds.
    """
    first: place = len(leaves)
    n: place = len(nodes)
    all_codes: array = room(n)
    all_starts: array = room(n + 1)
    all_operands: array = room(2 * n)
    codes: integers = integers_of(all_codes)
    starts: integers = integers_of(all_starts)
    operands: integers = integers_of(all_operands)
    places: dict = {}
    numbers: dict = {}
    noted: list = []
    node: borrowed
    i: place
    k: place
    at: place = 0
    try:
        take_places(leaves, places)
        for i in range(n):
            node = lend(nodes[i])
            if is_told(node):
                noted.append(i)
            codes[i] = node.code
            starts[i] = at
            if node.kind & MANY:
                wide: place = width(node)
                if at + wide + 2 * (n - i) > len(all_operands):
                    operands = integers_of(resized(all_operands, 2 * (at + wide + n - i)))
                for k in range(wide):
                    if value_among(node, k) is not NOBODY:
                        operands[at + k] = operand_of(value_among(node, k), first, places, numbers)
                    else:
                        operands[at + k] = -1 - first - number_among(held(node.left)[k], numbers)
                at += wide
            else:
                if node.kind & LEFT:
                    operands[at] = operand_of(node.left, first, places, numbers)
                    at += 1
                elif node.kind & NUMBER:
                    operands[at] = -1 - first - number_among(node.d_left, numbers)
                    at += 1
                if node.kind & RIGHT:
                    operands[at] = operand_of(node.right, first, places, numbers)
                    at += 1
                elif node.kind & NUMBER:
                    operands[at] = -1 - first - number_among(node.d_right, numbers)
                    at += 1
            take_place(node, first + i, places)  # what takes it comes after it
        starts[n] = at
    finally:
        leave_places(leaves)
        leave_places(nodes)
    return all_codes, all_starts, resized(all_operands, at), [float(number) for number in numbers], noted


def captured(inputs: list, nodes: list, outputs: list) -> list:
    """The Values that these operations and outputs take and that are none of them, in the order of their first use."""
    places: dict = {}
    found: list = []
    node: borrowed
    i: place
    k: place
    try:
        take_places(inputs, places)
        for i in range(len(nodes)):
            node = lend(nodes[i])
            if node.kind & MANY:
                for k in range(width(node)):
                    if value_among(node, k) is not NOBODY:
                        note(value_among(node, k), found, places)
            else:
                if node.kind & LEFT:
                    note(node.left, found, places)
                if node.kind & RIGHT:
                    note(node.right, found, places)
            take_place(node, 0, places)
        for output in outputs:
            if isinstance(output, Value):
                note(lend(output), found, places)
    finally:
        leave_places(inputs)
        leave_places(nodes)
        leave_places(found)
    return found


@cython.cfunc
@cython.inline
def note(operand: borrowed, found: list, places: dict) -> object:
    """Put down a Value that stands nowhere yet."""
    if place_of(operand, places) < 0:
        found.append(value_of(operand))
        take_place(operand, 0, places)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def take_place(node: borrowed, at: place, places: dict) -> cython.void:
    """Note where a Value stands, as ``take_places`` does for many."""
    if cython.compiled:
        node.uses = at + 1
    else:
        places[id(node)] = at


@cython.cfunc
@cython.inline
def operand_of(operand: borrowed, first: place, places: dict, numbers: dict) -> place:
    """The number of an operand among the nodes, −1 − that among the leaves, of which there are ``first`` and the numbers."""
    found: place = place_of(operand, places)
    if found >= first:
        return found - first
    return -1 - found if found >= 0 else -1 - first - number_among(operand.primal, numbers)


@cython.cfunc
@cython.inline
def number_among(number: object, numbers: dict) -> place:
    """Which of the plain numbers it is; −0.0 is not 0.0."""
    x: cython.double = number
    key: object = x if x != 0.0 else repr(x)
    found: object = numbers.get(key)
    if found is None:
        found = numbers[key] = len(numbers)
    return found
