"""Plain: a program of scalars as a person would write it for arrays, before it is rolled for text.

The machine does not need this: there ``logsumexp`` and a branch are one instruction each, and as fast.
"""

from __future__ import annotations

import sys
from math import inf, isfinite
from typing import Any

from autodiff.compiler.program import CONSTANT, LEAVES, Linear, Scalars
from autodiff.compiler.simplify import drop, share

SUM_OF_TWO = (("+", 2),)


def plain(program: Scalars) -> Scalars:
    """The program with what is the same, but for the sign of a zero, and takes fewer passes over an array."""
    if not {"logsumexp", "select", "step"} & program.counts().keys():
        return program
    return _Plain(program).written()


class _Plain:
    def __init__(self, program: Scalars):
        self.program = program
        self.ops: list[Any] = list(program.ops)
        self.args: list[tuple[Any, ...]] = list(program.args)

    def written(self) -> Scalars:
        totals = self.totals()
        ops, args = self.ops, self.args
        relus = {args[i]: i for i, op in enumerate(ops) if op == "relu"}
        for i in range(self.program.n_leaves, len(ops)):
            if ops[i] == "compare" and isfinite(self.number(args[i][0]) or self.number(args[i][1]) or inf):
                ops.append("sub")
                args.append(args[i])
                ops[i], args[i] = "sign", (len(ops) - 1,)
            elif ops[i] == "step" and args[i] in relus:
                ops[i], args[i] = "sign", (relus[args[i]],)
            elif ops[i] == "step" and ops[args[i][0]] == "sign":
                args[i] = args[args[i][0]]
            elif ops[i] == "logsumexp" and args[i] in totals:
                shift, total = totals[args[i]]
                ops.append("log")
                args.append((total,))
                ops[i], args[i] = "add", (shift, len(ops) - 1)
            elif ops[i] == "select":
                self.branch(i)
            elif isinstance(ops[i], Linear) and ops[i].runs == SUM_OF_TWO:
                self.either(i)
        return self.sorted()

    def number(self, i: int) -> float | None:
        return self.args[i][0] if self.ops[i] == CONSTANT else None

    # ---- sums of exponentials -----------------------------------------------------------------------------------------------

    def totals(self) -> dict[tuple[int, ...], tuple[int, int]]:
        """Of operands x, …: their shift and Σ exp(x − shift), where the program has them."""
        found = {}
        for i, op in enumerate(self.ops):
            if not isinstance(op, Linear) or len(op.runs) != 1 or op.runs[0][0] != "+":
                continue
            if any(self.ops[x] != "exp" for x in self.args[i]):
                continue
            differences = [self.args[x][0] for x in self.args[i]]
            if any(self.ops[x] != "sub" for x in differences):
                continue
            shift = self.args[differences[0]][1]
            xs = tuple([self.args[x][0] for x in differences])
            if all(self.args[x][1] == shift for x in differences) and self.is_shift(shift, xs):
                found[xs] = (shift, i)
        return found

    def is_shift(self, i: int, xs: tuple[int, ...]) -> bool:
        """Whether it is the largest of these, and not infinite."""
        for op, limit in (("at_least", -sys.float_info.max), ("at_most", sys.float_info.max)):
            if self.ops[i] != op or self.number(self.args[i][1]) != limit:
                return False
            i = self.args[i][0]
        return self.ops[i] == "max" and self.args[i] == xs

    # ---- branches -----------------------------------------------------------------------------------------------------------

    def branch(self, i: int) -> None:
        """Not of a condition turns the branch; within a branch the same condition is known."""
        ops, args = self.ops, self.args
        condition, x, y = args[i]
        if ops[condition] == "select":
            inner, if_so, if_not = args[condition][0], *map(self.number, args[condition][1:])
            if if_so is not None and if_not is not None and (if_so == 0.0) != (if_not == 0.0):
                condition, x, y = (inner, x, y) if if_not == 0.0 else (inner, y, x)
        while ops[x] == "select" and args[x][0] == condition:
            x = args[x][1]
        while ops[y] == "select" and args[y][0] == condition:
            y = args[y][2]
        args[i] = (condition, x, y)

    def either(self, i: int) -> None:
        """x or 0 and 0 or y, of the same condition, are x or y together."""
        first, second = self.args[i]
        if self.ops[first] != "select" or self.ops[second] != "select" or self.args[first][0] != self.args[second][0]:
            return
        condition, *branches = self.args[first]
        for k, other in enumerate(self.args[second][1:]):
            if self.number(branches[k]) == 0.0:
                branches[k] = other
            elif self.number(other) != 0.0:
                return
        self.ops[i], self.args[i] = "select", (condition, *branches)
        self.branch(i)

    # ---- order --------------------------------------------------------------------------------------------------------------

    def sorted(self) -> Scalars:
        """The program again, each result after its operands, and without what nothing needs."""
        program, ops, args = self.program, self.ops, self.args
        n = program.n_leaves
        outputs = [n + place if place >= 0 else -1 - place for place in program.outputs]
        places = list(range(n)) + [-1] * (len(ops) - n)
        order = list(range(n))
        for output in range(n, len(program.ops)):
            waiting = [output]
            while waiting:
                i = waiting[-1]
                ahead = [] if ops[i] in LEAVES else [x for x in args[i] if places[x] < 0]
                if ahead:
                    waiting += ahead[::-1]
                    continue
                waiting.pop()
                if places[i] < 0:
                    places[i] = len(order)
                    order.append(i)
        names = {places[n + place if place >= 0 else -1 - place]: name for place, name in program.names.items()}
        moved = [args[i] if ops[i] in LEAVES else tuple([places[x] for x in args[i]]) for i in order]
        found = Scalars.of([ops[i] for i in order], moved, [places[i] for i in outputs], program.batched, names)
        return drop(share(found))
