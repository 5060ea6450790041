"""Slots: where the machine keeps the results of each group, which it overwrites when nobody needs them any more.

The first ``uniform`` slots are the same for all samples: constants, parameters, what is computed of them alone, and sums over
the samples. The other ``varying`` slots have a lane for each sample of a block. The members of a group stand side by side.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right, insort
from dataclasses import dataclass
from typing import NamedTuple

from autodiff.compiler.groups import Group, Groups, Index, Loop, Run, index_of
from autodiff.compiler.integers import filled, fresh
from autodiff.compiler.members import columns_of, even_entries, lay, mark, owners, rows_at

FEW = 3  # as many terms are added one after the other; more are added up row by row
FOREVER = 1 << 60


class Instruction(NamedTuple):
    """One instruction of the machine: what is done, to rows × columns members, where it goes, of what.

    ``kind`` is one of ``machine.KINDS``: ``map`` applies the row ``op`` of the table; ``fill`` sets ``"+0"`` or ``"-0"`` and
    ``start`` sets a term plus that; ``gain`` adds (``"+"``) or subtracts one term, ``rows`` several, ``dots`` and ``product``
    products, as the runs of a group do; ``summed terms``, ``summed dots`` and ``summed product`` do so over the samples.
    ``loop`` does its ``body`` as many times as it has rows; in it ``take`` sets row r to the next of its r-th operand, a vector
    with an entry for each time, and ``keep`` copies its rows to where those of this time belong. ``sums`` is a whole sum, for
    one sample: ``op`` is where it begins, a sign for each term, doubled for a product, and its operands are a matrix with a row
    for each member.
    """

    kind: str
    op: str
    shape: tuple[int, int, int]
    target: int
    operands: tuple[Index, ...]  # of slots
    body: tuple[Instruction, ...] = ()


@dataclass(slots=True)
class Program:
    """What a machine runs: instructions over one array of slots."""

    constants: list[float]
    inputs: list[int]  # the slot of each input
    uniform: int
    varying: int
    once: list[Instruction]  # before the first block
    each: list[Instruction]  # for each block of samples
    stored: list[int]  # the slots whose numbers come back for each sample
    summed: list[int]  # the slots of sums over all samples
    alone: bool = False  # whether it is run for one sample at a time
    same: bool = False  # whether all samples are, so that what is summed is that of one of them


def placed(groups: Groups, alone: bool = False) -> Program:
    """The groups as the machine runs them, over the samples of a batch, or ``alone`` for one sample at a time."""
    return _Placer(groups, alone).program()


class _Placer:
    def __init__(self, groups: Groups, alone: bool):
        self.groups = groups
        self.alone = alone
        self.slot = fresh(groups.n_results)  # of each result
        firsts = [group.first for group in groups.groups]
        self.owner = owners(array("i", firsts), groups.n_results)  # the number of the group that makes each result
        self.regions = sorted({*firsts, groups.shared, groups.totals})  # whose results stand side by side
        self.once: list[Instruction] = []
        self.each: list[Instruction] = []

    def program(self) -> Program:
        groups = self.groups
        ended = self.ends()
        uniform, lanes = _Slots(), _Slots()
        leaves = len(groups.constants) + groups.n_parameters + sum(result < groups.shared for result in groups.inputs)
        self.take(0, leaves, uniform)
        same = self.all_are_same()
        n_totals = 0 if same else groups.n_results - groups.totals
        self.take(groups.totals, n_totals, uniform)  # the sums over the samples side by side
        turned = self.turned()
        split = len([group for group in groups.groups if group.first < groups.shared])
        self.place(0, split, ended, uniform)
        lanes.top = n_uniform = -(-uniform.top // 8) * 8
        self.take(groups.shared, sum(result >= groups.shared for result in groups.inputs), lanes)
        self.place(split, len(groups.groups), ended, lanes)
        if n_totals:  # from zero in each block
            self.each.append(Instruction("fill", "+0", (n_totals, 1, 1), self.slot[groups.totals], ()))
        for number, group in enumerate(groups.groups):
            if group.kind == "Total" and same:
                self.slot[group.first : group.first + group.size] = rows_at(self.slot, _terms(group))
                continue
            self.emit(turned.get(number, group), self.once if number < split else self.each)
        return Program(
            groups.constants,
            [self.slot[result] for result in groups.inputs],
            n_uniform,
            lanes.top - n_uniform,
            self.once,
            self.each,
            [self.slot[result] for result in groups.stored],
            [self.slot[result] for result in groups.totals_wanted],
            self.alone,
            same,
        )

    def all_are_same(self) -> bool:
        """Whether samples have no numbers of their own, and each sum over them is of one result."""
        groups = self.groups
        if any(result >= groups.shared for result in groups.inputs):
            return False
        totals = [group for group in groups.groups if group.kind == "Total"]
        return all(len(_terms(group)) == group.size for group in totals)

    def turned(self) -> dict[int, Group]:
        """Products over the samples whose columns are wanted one after the other, by their numbers, as the transposed ones.

        Their results stand as they are wanted then, where reading them goes from line to line of a cache.
        """
        wanted = self.groups.totals_wanted
        place = dict(zip(wanted, range(len(wanted)), strict=True))
        found = {}
        for number, group in enumerate(self.groups.groups):
            if group.kind != "Total" or len(group.runs) != 1 or group.runs[0].kind != "product":
                continue
            run = group.runs[0]
            start, rows, columns = group.first, run.rows, run.columns
            if rows * columns != group.size or place.get(start + columns, 0) != place.get(start, -2) + 1:
                continue
            run = run._replace(rows=columns, columns=rows, operands=run.operands[::-1])
            found[number] = group._replace(runs=(run,))
            first = self.slot[start]
            for row in range(rows):
                self.slot[start + row * columns : start + (row + 1) * columns] = even_entries(first + row, rows, 0, columns, 1)
        return found

    def ends(self) -> dict[int, list[int]]:
        """After each group, by its number, the groups that nobody needs any more."""
        groups = self.groups
        last: dict[int, int] = {}
        met = filled(len(groups.groups), -1)  # the number of the operand that an owner was last met in
        operands = 0
        for number, group in enumerate(groups.groups):
            for index, rows, columns in group.indices():
                entries = index.table or self.some_of(index, rows, columns)
                operands += 1
                for owner in mark(self.owner, entries, met, operands):
                    # what is the same for all samples is needed again in the next block of them
                    again = group.first >= groups.shared and groups.groups[owner].first < groups.shared
                    last[owner] = FOREVER if again else max(number, last.get(owner, 0))
        for result in groups.stored:
            last[self.owner[result]] = FOREVER
        found: dict[int, list[int]] = {}
        for number in range(len(groups.groups)):
            found.setdefault(last.get(number, number), []).append(number)
        return found

    def some_of(self, index: Index, rows: int, columns: int) -> array[int]:
        """All results of a matrix that lie evenly, or one of them if one group makes them all."""
        low, high = _span(index, rows, columns)
        return array("i", [low]) if self.owner[low] == self.owner[high] else index.entries(rows, columns)

    def take(self, first: int, n: int, slots: _Slots) -> None:
        """Slots side by side for so many results."""
        start = slots.take(n)
        self.slot[first : first + n] = even_entries(start, 1, 0, n, 1)

    def place(self, begin: int, end: int, ended: dict[int, list[int]], slots: _Slots) -> None:
        """The slots of each group; those that nobody needs any more are used again."""
        groups = self.groups.groups
        for number in range(begin, end):
            if groups[number].kind == "Total":
                continue
            self.take(groups[number].first, groups[number].size, slots)
            for old in ended.get(number, ()):
                if groups[old].kind != "Total" and old >= begin:
                    slots.give(self.slot[groups[old].first], groups[old].size)

    def emit(self, group: Group, where: list[Instruction]) -> None:
        target = self.slot[group.first]
        if group.loop is not None:
            self.emit_loop(group, group.loop, target, where)
            return
        shape = (group.size, 1, 1)
        if group.kind == "Map":
            operands = tuple([self.moved(index, group.size, 1) for index in group.operands])
            where.append(Instruction("map", group.op, shape, target, operands))
            return
        runs = list(group.runs)
        if group.kind == "Total":
            for kind, sign, offset, rows, columns, depth, indices in runs:
                moved = self.moved_all(kind, indices, rows, columns, depth)
                where.append(Instruction(f"summed {kind}", sign, (rows, columns, depth), target + offset, moved))
            return
        zero = "+0" if group.from_zero else "-0"
        if (self.alone or group.first < self.groups.shared) and _is_scattered(group):
            where.append(self.sums(group, zero, target))
            return
        if runs and runs[0].kind == "terms" and runs[0].sign == "+":
            first = runs.pop(0)
            matrix = self.moved(first.operands[0], first.rows, first.depth)
            where.append(Instruction("start", zero, shape, target, (_column(matrix, 0, first.rows, first.depth),)))
            self.emit_terms("+", matrix, range(1, first.depth), first.rows, first.depth, target, where)
        else:
            where.append(Instruction("fill", zero, shape, target, ()))
        for kind, sign, offset, rows, columns, depth, indices in runs:
            moved = self.moved_all(kind, indices, rows, columns, depth)
            if kind == "terms":
                self.emit_terms(sign, moved[0], range(depth), rows, depth, target, where)
            else:
                where.append(Instruction(kind, sign, (rows, columns, depth), target + offset, moved))

    def emit_loop(self, group: Group, loop: Loop, target: int, where: list[Instruction]) -> None:
        """What is carried is set; then the body with what it takes, what it keeps, and what it carries on."""
        body: list[Instruction] = []
        carried = (loop.n_carried, 1, 1)
        if loop.n_carried:
            where.append(Instruction("start", "-0", carried, target, (self.moved(loop.initial, loop.n_carried, 1),)))
        if loop.taken:
            first = target + loop.n_carried
            body.append(Instruction("take", "", (len(loop.taken), 1, 1), first, self.taken(loop, group.first, first)))
        for inner in loop.body:
            self.emit(inner, body)
        if loop.n_kept:
            kept = (self.moved(loop.kept, loop.n_kept, 1),)
            body.append(Instruction("keep", "", (loop.n_kept, 1, 1), target + group.size - loop.times * loop.n_kept, kept))
        if loop.n_carried:
            body.append(Instruction("start", "-0", carried, target, (self.moved(loop.following, loop.n_carried, 1),)))
        where.append(Instruction("loop", "", (loop.times, 1, 1), target, (), tuple(body)))

    def taken(self, loop: Loop, first: int, slot: int) -> tuple[Index, ...]:
        """What a loop takes each time, of which the first result and slot are given.

        For one sample those that stand side by side come one after the other, so that they are copied together.
        """
        found = [self.moved(index, loop.times, 1) for index in loop.taken]
        if not self.alone:
            return tuple(found)
        first += loop.n_carried
        order = sorted(range(len(found)), key=lambda i: (found[i].table is not None, found[i].rows, found[i].start))
        for place, i in enumerate(order):
            self.slot[first + i] = slot + place
            insort(self.regions, first + i)  # each stands by itself
        insort(self.regions, first + len(found))
        return tuple([found[i] for i in order])

    def sums(self, group: Group, zero: str, target: int) -> Instruction:
        """A whole sum as one instruction."""
        signs = ""
        wide = 0  # how many slots there are for each member
        for run in group.runs:
            if run.offset == 0:  # the runs of other members are the same
                wide += (1 if run.kind == "terms" else 2) * run.depth
        table = fresh(group.size * wide)
        begin = end = 0
        for run in group.runs:
            pairs = run.kind != "terms"
            if run.offset == 0:
                begin, end = end, end + (1 + pairs) * run.depth
                signs += f"{run.sign}·" * run.depth if pairs else run.sign * run.depth
            sides = [
                rows_at(self.slot, index.entries(rows, run.depth))
                for index, rows in zip(run.operands, (run.rows, _second(run)), strict=False)
            ]
            lay(table, wide, begin, run.offset, run.columns, run.depth, sides, run.kind == "product")
        return Instruction("sums", zero + signs, (group.size, 1, wide), target, (Index(0, 0, 0, table),))

    def emit_terms(
        self, sign: str, matrix: Index, columns: range, rows: int, depth: int, target: int, where: list[Instruction]
    ) -> None:
        """Terms that are added or subtracted: those in these columns of a matrix."""
        if len(columns) <= FEW:
            for k in columns:
                where.append(Instruction("gain", sign, (rows, 1, 1), target, (_column(matrix, k, rows, depth),)))
        elif columns.start == 0 or matrix.table is None:
            rest = matrix._replace(start=matrix.start + columns.start * matrix.columns)
            where.append(Instruction("rows", sign, (rows, 1, len(columns)), target, (rest,)))
        else:
            rest = index_of(columns_of(matrix.table, depth, columns.start), rows, len(columns))
            where.append(Instruction("rows", sign, (rows, 1, len(columns)), target, (rest,)))

    def moved_all(self, kind: str, indices: tuple[Index, ...], rows: int, columns: int, depth: int) -> tuple[Index, ...]:
        left = self.moved(indices[0], rows, depth)
        return (left, *[self.moved(index, columns if kind == "product" else rows, depth) for index in indices[1:]])

    def moved(self, index: Index, rows: int, columns: int) -> Index:
        """The slots of these results."""
        if index.table is None:
            low, high = _span(index, rows, columns)
            if bisect_right(self.regions, low) == bisect_right(self.regions, high):
                return index._replace(start=self.slot[index.start])
        return index_of(rows_at(self.slot, index.entries(rows, columns)), rows, columns)


def _span(index: Index, rows: int, columns: int) -> tuple[int, int]:
    """The smallest and the largest of results that lie evenly."""
    ends = [index.start + r * index.rows + c * index.columns for r in (0, rows - 1) for c in (0, columns - 1)]
    return min(ends), max(ends)


def _second(run: Run) -> int:
    """How many rows the second operand of a run has."""
    return run.columns if run.kind == "product" else run.rows


def _terms(group: Group) -> array[int]:
    """The terms of sums over the samples of one term each; nothing for any others."""
    run = group.runs[0]
    if len(group.runs) > 1 or (run.kind, run.sign, run.depth) != ("terms", "+", 1):
        return array("i")
    return run.operands[0].entries(run.rows, 1)


def _is_scattered(group: Group) -> bool:
    """Whether a sum is done term by term best: it is no large product, and its operands do not stand side by side."""
    terms = sum(run.rows * run.columns * run.depth for run in group.runs)
    for run in group.runs:
        if run.kind == "product" and max(run.rows, run.columns) >= 4 and run.rows * run.columns * run.depth >= 64:
            return False
    if group.size < 16:
        return 0 < terms <= MOST_SCATTERED * group.size
    even = all(index.table is None and index.rows in (0, 1) for run in group.runs for index in run.operands)
    return not even and terms <= 16 * group.size


MOST_SCATTERED = 1 << 16


def _column(matrix: Index, k: int, rows: int, columns: int) -> Index:
    """One column of a matrix of slots."""
    if matrix.table is None:
        return Index(matrix.start + k * matrix.columns, matrix.rows)
    return index_of(matrix.table[k::columns], rows)


class _Slots:
    """Hands out slots side by side, those that were given back first."""

    def __init__(self) -> None:
        self.top = 0
        self.free: dict[int, list[int]] = {}

    def take(self, n: int) -> int:
        waiting = self.free.get(n)
        if waiting:
            return waiting.pop()
        self.top += n
        return self.top - n

    def give(self, start: int, n: int) -> None:
        self.free.setdefault(n, []).append(start)
