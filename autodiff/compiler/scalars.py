"""Scalar steps: instructions with few members where there are no lanes, each number by a small step of its own.

A vector instruction takes some twenty nanoseconds before its first member, a step two or three in all. A step is its code, the
slot that it sets and the slots of its operands, one step after the other in an array of whole numbers; sums of one or two terms
have codes of their own. The machine takes steps wherever a slot is one number: in what is computed once for all samples, and in
programs for one sample.

This file is plain Python, and Cython compiles it as it stands (``scalars.pxd`` has its C types).
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from autodiff.compiler.groups import Index
from autodiff.engine.kernels import KERNELS

try:
    import cython
except ImportError:
    from autodiff.engine import _cython as cython

if not cython.compiled:
    from autodiff.engine.ieee import divide
    from autodiff.engine.kernels import binary_at, tangent, unary_at

    COPY, NEG, ADD, SUB, MUL, DIV, MUL_ADD, SUB_MUL, MUL_SUB, DOT_2, DIFFERENCE_2, *others = range(28)
    ZERO_ADD, ZERO_MUL, ZERO_MUL_ADD, ZERO_SUB_MUL, ZERO_DOT_2, ZERO_DOT_3, SUM, SIGNED_SUM, *others = others
    CALL, CALL_2, TANGENT, FOLD, SELECT, TAKE, TAKE_BY_TABLE, KEEP, END = others

HANDLES = array("q", [kernel.handle for kernel in KERNELS.values()])
NUMBERS = {name: number for number, name in enumerate(KERNELS)}
FOLDS = {"max": "at_least", "min": "at_most", "prod": "mul", "norm": "hypot", "sum": "add"}  # by which kernel of two
FROM_ZERO = {"norm", "sum"}
PLAIN = {"neg": NEG, "add": ADD, "sub": SUB, "mul": MUL, "div": DIV}
# Sums by where they begin and by their terms. One that begins with 0.0 is the rest of it plus 0.0, to the sign of a zero.
SHORT = {
    ("-0", 2): MUL, ("-0", 0, 0): ADD, ("-0", 0, 1): SUB, ("-0", 2, 0): MUL_ADD, ("-0", 0, 3): SUB_MUL,
    ("-0", 2, 1): MUL_SUB, ("-0", 2, 2): DOT_2, ("-0", 2, 3): DIFFERENCE_2, ("+0", 2): ZERO_MUL, ("+0", 0, 0): ZERO_ADD,
    ("+0", 2, 0): ZERO_MUL_ADD, ("+0", 0, 3): ZERO_SUB_MUL, ("+0", 2, 2): ZERO_DOT_2,
    ("+0", 2, 2, 2): ZERO_DOT_3,
}  # fmt: skip
ONE, MINUS_ONE = -1, -2  # the slots of two numbers that stand before all others
MOST_MEMBERS = 16  # of an instruction that is written as steps


def steps_of(instruction: Any, tables: array[int]) -> list[int] | None:
    """An instruction without lanes as steps; None for one that is done better, or can only be done, as it is."""
    kind, op, (rows, _, depth), target, operands, _ = instruction
    if kind == "take":
        return _taking(target, operands, tables)
    if kind == "keep":
        return [KEEP, target, rows, *operands[0].entries(rows, 1)]
    if rows > MOST_MEMBERS:
        return None
    if kind == "start" and op == "-0":
        slots = operands[0].entries(rows, 1)
        overwritten = any(target <= slot < target + row for row, slot in enumerate(slots))  # before it is read
        return None if overwritten else [COPY, target, rows, *slots]
    if kind not in ("map", "tangents", "sums"):
        return None
    entries = [index.entries(rows, depth if kind == "sums" else 1) for index in operands]
    terms = terms_of(op) if kind == "sums" else []
    steps: list[int] = []
    for row in range(rows):
        if kind == "sums":
            step = _sum(op[:2], terms, target + row, entries[0][row * depth : (row + 1) * depth])
        elif kind == "map":
            step = _map(op, target + row, [entry[row] for entry in entries])
        else:
            step = [TANGENT, target + row, entries[1][row], entries[0][row]]
        if not step:
            return None
        steps += step
    return steps


def terms_of(op: str) -> list[int]:
    """The terms of a whole sum: 0 for one that is added, 1 for one that is subtracted; 2 and 3 for products."""
    return [2 * (term[1:] == "·") + (term[0] == "-") for term in re.findall("[+-]·?", op[2:])]


def _taking(target: int, operands: Sequence[Index], tables: array[int]) -> list[int]:
    """The next of each operand; together where they stand side by side each time."""
    steps: list[int] = []
    rows = enumerate(operands)
    for (table, _, _), run in groupby(rows, lambda pair: (pair[1].table, pair[1].rows, pair[1].start - pair[0])):
        taken = list(run)
        row, index = taken[0]
        if table is None:
            steps += [TAKE, target + row, len(taken), index.rows, index.start]
            continue
        for row, _ in taken:
            steps += [TAKE_BY_TABLE, target + row, len(tables)]
            tables.extend(table)
    return steps


def _map(op: str, target: int, slots: Sequence[int]) -> list[int]:
    """A row of the table; empty for one that needs more than its operands."""
    if op in ("where", "held"):
        return [COPY, target, 1, *slots]
    if op in PLAIN:
        return [PLAIN[op], target, *slots]
    if op == "select":
        return [SELECT, target, *slots]
    if op in FOLDS:
        return [FOLD, target, NUMBERS[FOLDS[op]], op in FROM_ZERO, len(slots), *slots]
    if op not in KERNELS:
        return []
    return [CALL if KERNELS[op].arity == 1 else CALL_2, target, NUMBERS[op], *slots]


def _sum(zero: str, terms: list[int], target: int, slots: Sequence[int]) -> list[int]:
    if terms == [0, 2]:  # x + y · z, the same as y · z + x
        terms, slots = [2, 0], [*slots[1:], slots[0]]
    short = SHORT.get((zero, *terms))
    if short is not None:
        return [short, target, *slots]
    places = iter(slots)
    found = [(next(places), ONE if term < 2 else next(places), MINUS_ONE if term % 2 else ONE) for term in terms]
    signed = any(term % 2 for term in terms)
    factors = [factor for term in found for factor in term[: 3 if signed else 2]]
    return [SIGNED_SUM if signed else SUM, target, zero == "-0", len(factors), *factors]


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def take_steps(code: codes, at: cython.Py_ssize_t, slots: numbers, handles: addresses, turn: cython.Py_ssize_t) -> cython.void:
    """The steps from ``at`` to the next ``END``, in the body of a loop for the ``turn``-th time."""
    i: cython.Py_ssize_t
    n: cython.Py_ssize_t
    total: cython.double
    while True:  # a chain of comparisons with constants is a jump by a table in C; steps of a kind that come in rows need none
        step: cython.int = code[at]
        out: cython.Py_ssize_t = code[at + 1]
        if step == COPY:
            n = code[at + 2]
            for i in range(n):
                slots[out + i] = slots[code[at + 3 + i]]
            at += 3 + n
        elif step == NEG:
            while code[at] == NEG:
                slots[code[at + 1]] = -slots[code[at + 2]]
                at += 3
        elif step == ADD:
            while code[at] == ADD:
                slots[code[at + 1]] = slots[code[at + 2]] + slots[code[at + 3]]
                at += 4
        elif step == SUB:
            while code[at] == SUB:
                slots[code[at + 1]] = slots[code[at + 2]] - slots[code[at + 3]]
                at += 4
        elif step == MUL:
            while code[at] == MUL:
                slots[code[at + 1]] = slots[code[at + 2]] * slots[code[at + 3]]
                at += 4
        elif step == DIV:
            slots[out] = divide(slots[code[at + 2]], slots[code[at + 3]])
            at += 4
        elif step == MUL_ADD:
            while code[at] == MUL_ADD:
                slots[code[at + 1]] = slots[code[at + 2]] * slots[code[at + 3]] + slots[code[at + 4]]
                at += 5
        elif step == SUB_MUL:
            while code[at] == SUB_MUL:
                slots[code[at + 1]] = slots[code[at + 2]] - slots[code[at + 3]] * slots[code[at + 4]]
                at += 5
        elif step == MUL_SUB:
            slots[out] = slots[code[at + 2]] * slots[code[at + 3]] - slots[code[at + 4]]
            at += 5
        elif step == DOT_2:
            while code[at] == DOT_2:
                slots[code[at + 1]] = slots[code[at + 2]] * slots[code[at + 3]] + slots[code[at + 4]] * slots[code[at + 5]]
                at += 6
        elif step == DIFFERENCE_2:
            slots[out] = slots[code[at + 2]] * slots[code[at + 3]] - slots[code[at + 4]] * slots[code[at + 5]]
            at += 6
        elif step == ZERO_ADD:
            slots[out] = slots[code[at + 2]] + slots[code[at + 3]] + 0.0
            at += 4
        elif step == ZERO_MUL:
            slots[out] = slots[code[at + 2]] * slots[code[at + 3]] + 0.0
            at += 4
        elif step == ZERO_MUL_ADD:
            slots[out] = slots[code[at + 2]] * slots[code[at + 3]] + slots[code[at + 4]] + 0.0
            at += 5
        elif step == ZERO_SUB_MUL:
            slots[out] = slots[code[at + 2]] - slots[code[at + 3]] * slots[code[at + 4]] + 0.0
            at += 5
        elif step == ZERO_DOT_2:
            slots[out] = slots[code[at + 2]] * slots[code[at + 3]] + slots[code[at + 4]] * slots[code[at + 5]] + 0.0
            at += 6
        elif step == ZERO_DOT_3:
            total = slots[code[at + 2]] * slots[code[at + 3]] + slots[code[at + 4]] * slots[code[at + 5]]
            slots[out] = total + slots[code[at + 6]] * slots[code[at + 7]] + 0.0
            at += 8
        elif step == SUM:
            total = -0.0 if code[at + 2] else 0.0
            i = at + 4
            at = i + code[at + 3]
            while i < at:  # what is no product is one with 1.0
                total += slots[code[i]] * slots[code[i + 1]]
                i += 2
            slots[out] = total
        elif step == SIGNED_SUM:
            total = -0.0 if code[at + 2] else 0.0
            i = at + 4
            at = i + code[at + 3]
            while i < at:
                total += slots[code[i]] * slots[code[i + 1]] * slots[code[i + 2]]
                i += 3
            slots[out] = total
        elif step == CALL:
            slots[out] = unary_at(handles[code[at + 2]])(slots[code[at + 3]])
            at += 4
        elif step == CALL_2:
            slots[out] = binary_at(handles[code[at + 2]])(slots[code[at + 3]], slots[code[at + 4]])
            at += 5
        elif step == TANGENT:
            slots[out], slots[code[at + 2]] = tangent(slots[code[at + 3]])
            at += 4
        elif step == FOLD:
            n = at + 5 + code[at + 4]
            total = slots[code[at + 5]]
            if code[at + 3]:
                total = binary_at(handles[code[at + 2]])(0.0, total)
            for i in range(at + 6, n):
                total = binary_at(handles[code[at + 2]])(total, slots[code[i]])
            slots[out] = total
            at = n
        elif step == SELECT:
            slots[out] = slots[code[at + 3]] if slots[code[at + 2]] != 0.0 else slots[code[at + 4]]
            at += 5
        elif step == TAKE:
            n = code[at + 2]
            first: cython.Py_ssize_t = code[at + 4] + turn * code[at + 3]
            for i in range(n):
                slots[out + i] = slots[first + i]
            at += 5
        elif step == TAKE_BY_TABLE:
            slots[out] = slots[code[code[at + 2] + turn]]
            at += 3
        elif step == KEEP:
            n = code[at + 2]
            out += turn * n
            for i in range(n):
                slots[out + i] = slots[code[at + 3 + i]]
            at += 3 + n
        else:  # END
            return
