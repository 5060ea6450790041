"""Roll: scalar operations of one level and kind become one vector instruction, and the matrix products among them are found.

A group of sums of products *is* a matrix product if its pairs (row of left factors, row of right factors) are every left row
with every right row. Members of a group are ordered so that what later groups take of it is a slice where it can be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from autodiff.compiler.program import (
    CONSTANT,
    INPUT,
    LEAVES,
    PARAMETER,
    TERMS,
    Instruction,
    Linear,
    Program,
    Scalars,
    Vector,
    stem,
)
from autodiff.compiler.simplify import SYMMETRIC

Row = tuple[int, ...]
FEW = 3  # as many terms are added one after the other; more are added up row by row
FOREVER = 1 << 60


class _Block(NamedTuple):
    """Members that are a full product of rows and columns, row by row; or rows of one column, that are not."""

    members: list[int]
    rows: int
    columns: int


class _Group(NamedTuple):
    """Operations that one vector instruction does, in their order."""

    op: Any
    varying: bool
    blocks: list[_Block]
    sums: bool  # only the sum over the samples is wanted

    @property
    def members(self) -> list[int]:
        return [i for block in self.blocks for i in block.members]


def roll(program: Scalars, summed: Sequence[int] = ()) -> Program:
    """The vector program. ``summed`` are those outputs, by number, that are added up over the samples instead of stored."""
    return _Roller(program, frozenset(summed)).rolled()


class _Roller:
    def __init__(self, program: Scalars, summed: frozenset[int]):
        self.ops, self.args = list(program.ops), list(program.args)
        self.program = program
        self.varying = program.varying()
        self.summed = [output for i, output in enumerate(program.outputs) if i in summed]
        self.stored = [output for i, output in enumerate(program.outputs) if i not in summed]
        self.position = [0] * len(self.ops)  # an order of all results in which those of a group follow one another
        self.owner = [LEAF_KINDS.get(op, 0) if isinstance(op, str) else 0 for op in self.ops]  # the group of each result
        self.slot = [0] * len(self.ops)
        self.sum_slot: dict[int, int] = {}
        self.uniform = _Slots()
        self.lanes = _Slots()
        self.once: list[Instruction] = []
        self.each: list[Instruction] = []

    def rolled(self) -> Program:
        constants, inputs = self.place_leaves()
        fused = self.fused_sums()
        groups = self.groups(fused)
        self.place(groups, fused)
        for group in groups:
            self.emit(group)
        self.emit_sums(fused)
        n_uniform = -(-self.uniform.top // 8) * 8
        for i, _ in enumerate(self.slot):  # the varying slots come after the uniform ones
            if self.varying[i]:
                self.slot[i] += n_uniform
        self.once = [_moved(instruction, n_uniform) for instruction in self.once]
        self.each = [_moved(instruction, n_uniform) for instruction in self.each]
        return Program(
            constants,
            sum(op == PARAMETER for op in self.ops),
            [self.slot[i] for i in inputs],
            self.program.batched,
            n_uniform,
            self.lanes.top,
            self.once,
            self.each,
            [self.slot[i] for i in self.stored],
            [self.sum_slot[i] for i in self.summed],
        )

    # ---- groups -------------------------------------------------------------------------------------------------------------

    def place_leaves(self) -> tuple[list[float], list[int]]:
        """Constants, parameters, inputs: their slots, in this order. Returns the constants, and the places of the inputs."""
        constants: list[float] = []
        inputs: list[int] = []
        for kind in (CONSTANT, PARAMETER, INPUT):
            for i, op in enumerate(self.ops):
                if op == kind:
                    self.slot[i] = (self.lanes if self.varying[i] else self.uniform).take(1)
                    if kind == CONSTANT:
                        constants.append(self.args[i][0])
                    elif kind == INPUT:
                        inputs.append(i)
        leaves = [i for i, op in enumerate(self.ops) if op in LEAVES]
        for i in leaves:  # all that varies comes after all that does not
            self.position[i] = self.slot[i] + 2 * len(self.ops) * self.varying[i]
        return constants, inputs

    def fused_sums(self) -> set[int]:
        """Outputs to be summed that are sums of products of what varies, and no more: they are never stored for a sample."""
        uses = Counter(arg for op, args in zip(self.ops, self.args, strict=True) if op not in LEAVES for arg in args)
        uses.update(self.stored)
        found = set()
        for i in self.summed:
            op = self.ops[i]
            if not self.varying[i] or uses[i] or not (op == "mul" or isinstance(op, Linear)):
                continue
            # of several terms the sample's own sum comes first: they may cancel
            kinds = [kind for kind, _ in op.runs] if isinstance(op, Linear) else ["+·"]
            if len(kinds) == 1 and kinds[0] not in TERMS and all(self.varying[x] for x in self.args[i]):
                found.add(i)
        return found

    def groups(self, fused: set[int]) -> list[_Group]:
        """By level and kind. The order of the members of a group rests on the groups before it."""
        levels = [0] * len(self.ops)
        members: dict[Any, list[int]] = {}
        for i, (op, args) in enumerate(zip(self.ops, self.args, strict=True)):
            if op in LEAVES:
                continue
            level = 0
            for arg in args:
                if levels[arg] > level:
                    level = levels[arg]
            levels[i] = level + 1
            pattern = self.pattern(i, op, args)
            key = (self.varying[i], level, i in fused, self.ops[i], pattern)
            members.setdefault(key, []).append(i)
        groups: list[_Group] = []
        places = [len(self.ops), 3 * len(self.ops)]
        for key in sorted(members, key=lambda key: key[:3]):
            varying, _, sums, op, _ = key
            for part in self.parts(op, members[key]):
                group = _Group(op, bool(varying), self.blocks(op, part), sums)
                for i in group.members:
                    self.position[i] = places[varying]
                    self.owner[i] = len(groups)
                    places[varying] += 1
                groups.append(group)
        return groups

    def parts(self, op: Any, members: list[int]) -> list[list[int]]:
        """What takes its operands from other groups is a group of its own, unless that would be many small ones."""
        if isinstance(op, Linear) or len(members) == 1:
            return [members]
        if op in SYMMETRIC:
            position = self.position
            for i in members:
                x, y = self.args[i]
                if position[x] > position[y]:
                    self.args[i] = (y, x)
        owner = self.owner
        by_origin: dict[Any, list[int]] = {}
        for i in members:
            by_origin.setdefault(tuple([owner[arg] for arg in self.args[i]]), []).append(i)
        return list(by_origin.values()) if len(by_origin) <= 3 or 8 * len(by_origin) <= len(members) else [members]

    def pattern(self, i: int, op: Any, args: Row) -> Any:
        """What the members of a group have in common beside the operation: how many operands, and which of them vary."""
        if not self.varying[i]:
            return len(args)
        if isinstance(op, Linear):
            return self.even_runs(i, op, args)
        if op in SYMMETRIC:
            self.args[i] = args = tuple(sorted(args, key=self.varying.__getitem__))
        return tuple([self.varying[arg] for arg in args])

    def even_runs(self, i: int, op: Linear, args: Row) -> tuple[int, ...]:
        """The runs of a sum cut so that the operands of each vary alike; how many operands of a term vary, for each run."""
        varying = self.varying
        runs: list[tuple[str, int]] = []
        kinds: list[int] = []
        for kind, operands in op.parts(args):
            alone = kind in TERMS
            begin = len(kinds)
            for x, y in zip(operands, operands, strict=True) if alone else zip(operands[::2], operands[1::2], strict=True):
                count = varying[x] if alone else varying[x] + varying[y]
                if len(kinds) > begin and kinds[-1] == count:
                    runs[-1] = (kind, runs[-1][1] + 1)
                else:
                    kinds.append(count)
                    runs.append((kind, 1))
        self.ops[i] = Linear(op.from_zero, tuple(runs))
        return tuple(kinds)

    def pairs(self, operands: Row) -> tuple[Row, Row]:
        """The left and the right factors of products, each pair turned so that equal rows meet."""
        position = self.position
        left, right = [], []
        for x, y in zip(operands[::2], operands[1::2], strict=True):
            if position[x] > position[y]:
                x, y = y, x
            left.append(x)
            right.append(y)
        return tuple(left), tuple(right)

    def longest_products(self, op: Any, members: list[int]) -> list[tuple[Row, Row]]:
        """The factors of each member's longest run of products; empty if there is none."""
        if op == "mul":
            return [self.pairs(self.args[i]) for i in members]
        runs = [count if kind not in TERMS else 0 for kind, count in op.runs] if isinstance(op, Linear) else []
        if not any(runs):
            return []
        longest = runs.index(max(runs))
        return [self.pairs(op.parts(self.args[i])[longest][1]) for i in members]

    def blocks(self, op: Any, members: list[int]) -> list[_Block]:
        """The members in their order, as full products if they are that."""
        position = self.position
        rows = self.longest_products(op, members)
        if rows:
            if len(members) > 1:
                found = _products(members, rows, position)
                if found is not None and not (op == "mul" and all(b.rows == 1 or b.columns == 1 for b in found)):
                    return found
            if op != "mul":
                order = sorted(range(len(members)), key=lambda m: (position[rows[m][0][0]], position[rows[m][1][0]]))
                return [_Block([members[m] for m in order], len(members), 1)]
            for i, (left, right) in zip(members, rows, strict=True):
                self.args[i] = (*left, *right)
        if len(members) > 1:
            args = self.args
            members = sorted(members, key=lambda i: [position[arg] for arg in args[i][:4]])
        return [_Block(members, len(members), 1)]

    # ---- slots --------------------------------------------------------------------------------------------------------------

    def place(self, groups: list[_Group], fused: set[int]) -> None:
        """The slots of each group, side by side; those that nobody needs any more are used again."""
        last: dict[int, int] = {}
        owner: dict[int, int] = {}
        sizes = [len(group.members) for group in groups]
        starts = [0] * len(groups)
        for number, group in enumerate(groups):
            for i in group.members:
                owner[i] = number
                for arg in self.args[i]:
                    if arg in owner:
                        # what is the same for all samples is needed again in the next block of them
                        last[owner[arg]] = FOREVER if group.varying and not groups[owner[arg]].varying else number
        for i in (*self.stored, *self.summed):
            if i in owner:
                last[owner[i]] = FOREVER
        for i in dict.fromkeys(self.summed):
            self.sum_slot[i] = -1
        ends: dict[int, list[int]] = {}
        for number, when in last.items():
            ends.setdefault(when, []).append(number)
        self.place_sums(groups, fused)
        for number, group in enumerate(groups):
            if group.sums:
                continue
            slots = self.lanes if group.varying else self.uniform
            starts[number] = slots.take(sizes[number])
            for offset, i in enumerate(group.members):
                self.slot[i] = starts[number] + offset
            for ended in ends.get(number, ()):
                if not groups[ended].sums:
                    (self.lanes if groups[ended].varying else self.uniform).give(starts[ended], sizes[ended])

    def place_sums(self, groups: list[_Group], fused: set[int]) -> None:
        """A slot for each sum over the samples: those of a fused group side by side, then the others."""
        for group in groups:
            if group.sums:
                start = self.uniform.take(len(group.members))
                for offset, i in enumerate(group.members):
                    self.sum_slot[i] = start + offset
        for i in self.sum_slot:
            if i not in fused:
                self.sum_slot[i] = self.uniform.take(1)

    # ---- instructions -------------------------------------------------------------------------------------------------------

    def emit(self, group: _Group) -> None:
        where = self.each if group.varying else self.once
        if group.sums:
            self.emit_fused(group)
        elif isinstance(group.op, Linear):
            self.emit_linear(group, group.op, where)
        elif group.op == "mul" and (len(group.blocks) > 1 or group.blocks[0].columns > 1):
            self.emit_linear(group, MUL, where)
        else:
            members = group.members
            columns = zip(*[self.args[i] for i in members], strict=True)
            operands = tuple([self.vector(column) for column in columns])
            shape, name = (len(members), 1, 1), self.name(members)
            where.append(Instruction("map", group.op, shape, self.target(members, group), operands, name))

    def name(self, members: list[int]) -> str:
        """What all members are called, but for their numbers and indices; empty if one has no name or another name."""
        names = self.program.names
        found = {stem(names.get(i, "")) for i in members}
        return found.pop() if len(found) == 1 else ""

    def target(self, members: list[int], group: _Group) -> int:
        return self.mark(self.slot[members[0]], group.varying)

    @staticmethod
    def mark(slot: int, varying: int | bool) -> int:
        """A varying slot, before it is known how many uniform ones there are, is written as a negative number."""
        return -1 - slot if varying else slot

    def emit_linear(self, group: _Group, op: Linear, where: list[Instruction]) -> None:
        """Where the sum begins, then its runs one after the other."""
        members = group.members
        target = self.target(members, group)
        n = len(members)
        zero = "+0" if op.from_zero else "-0"
        parts = [op.parts(self.args[i]) for i in members]
        runs: list[tuple[str, list[Row]]] = [(kind, [part[r][1] for part in parts]) for r, (kind, _) in enumerate(op.runs)]
        if runs and runs[0][0] == "+":
            first = (self.vector([terms[0] for terms in runs[0][1]]),)
            where.append(Instruction("start", zero, (n, 1, 1), target, first, self.name(members)))
            runs[0] = ("+", [terms[1:] for terms in runs[0][1]])
        else:
            where.append(Instruction("fill", zero, (n, 1, 1), target, (), self.name(members)))
        for kind, operands in runs:
            if kind in TERMS:
                self.emit_terms(operands, kind, n, target, where)
            else:
                self.emit_products(group, operands, kind[0], where, target)

    def emit_terms(self, terms: list[Row], sign: str, n: int, target: int, where: list[Instruction]) -> None:
        """Add or subtract the terms of each member."""
        if len(terms[0]) <= FEW:
            for column in zip(*terms, strict=True):
                where.append(Instruction("gain", sign, (n, 1, 1), target, (self.vector(column),)))
        else:
            where.append(Instruction("rows", sign, (n, 1, len(terms[0])), target, (self.vectors(terms),)))

    def emit_products(
        self, group: _Group, operands: list[Row], sign: str, where: list[Instruction], target: int, kind: str = ""
    ) -> None:
        """Products that are added or subtracted, block by block."""
        start = 0
        for block in group.blocks:
            end = start + len(block.members)
            rows = [self.pairs(row) for row in operands[start:end]]
            depth = len(rows[0][0])
            here = target + start if target >= 0 else target - start
            start = end
            found = self.product(block, rows)
            if found is None:
                shape = (len(rows), 1, depth)
                name = f"{kind}dots"
                found = (self.vectors([left for left, _ in rows]), self.vectors([right for _, right in rows]))
            else:
                shape, name = (block.rows, block.columns, depth), f"{kind}product"
            where.append(Instruction(name, sign, shape, here, found))

    def product(self, block: _Block, rows: list[tuple[Row, Row]]) -> tuple[Vector, Vector] | None:
        """The two matrices of a block, if its rows are those of a full product."""
        lefts = [rows[r * block.columns][0] for r in range(block.rows)]
        rights = [rows[c][1] for c in range(block.columns)]
        for m, (left, right) in enumerate(rows):
            if left != lefts[m // block.columns] or right != rights[m % block.columns]:
                return None
        return self.vectors(lefts), self.vectors(rights)

    def emit_fused(self, group: _Group) -> None:
        """Sums over the samples of products."""
        members = group.members
        sign = group.op.runs[0][0][0] if isinstance(group.op, Linear) else "+"
        operands = [self.args[i] for i in members]
        self.emit_products(group, operands, sign, self.each, self.sum_slot[members[0]], "summed ")

    def emit_sums(self, fused: set[int]) -> None:
        """The sums over the samples of what is computed for each, and zero in all of them before the first block."""
        if not self.sum_slot:
            return
        plain = [i for i in self.sum_slot if i not in fused]
        for varying in (0, 1):
            some = [i for i in plain if self.varying[i] == varying]
            for run in _runs(some, self.sum_slot):
                operand = self.vector(run)
                target = self.sum_slot[run[0]]
                self.each.append(Instruction("summed terms", "+", (len(run), 1, 1), target, (operand,)))
        slots = sorted(self.sum_slot.values())
        self.once.append(Instruction("fill", "+0", (len(slots), 1, 1), slots[0], ()))

    def vector(self, places: Sequence[int]) -> Vector:
        """Where these results are."""
        slots = [self.slot[i] for i in places]
        varying = self.varying[places[0]]
        step = slots[1] - slots[0] if len(slots) > 1 else 0
        if slots == list(range(slots[0], slots[0] + step * len(slots), step)) if step else len(set(slots)) == 1:
            return Vector(self.mark(slots[0], varying), step, 0)
        return Vector(self.mark(0, varying), 0, 0, tuple(slots))

    def vectors(self, rows: Sequence[Sequence[int]]) -> Vector:
        """Where the results of a matrix are, row by row."""
        slot = self.slot
        first = slot[rows[0][0]]
        down = slot[rows[1][0]] - first if len(rows) > 1 else 0
        across = slot[rows[0][1]] - first if len(rows[0]) > 1 else 0
        varying = self.varying[rows[0][0]]  # and so everywhere
        start = first
        for row in rows:
            expected = start
            for x in row:
                if slot[x] != expected:
                    break
                expected += across
            else:
                start += down
                continue
            break
        else:
            return Vector(self.mark(first, varying), down, across)
        return Vector(self.mark(0, varying), 0, 0, tuple([slot[x] for row in rows for x in row]))


LEAF_KINDS = {CONSTANT: -1, PARAMETER: -2, INPUT: -3}
MUL = Linear(False, (("+·", 1),))


def _moved(instruction: Instruction, n_uniform: int) -> Instruction:
    """With the slots that were marked as varying after the uniform ones."""

    def slot(marked: int) -> int:
        return marked if marked >= 0 else n_uniform - 1 - marked

    def vector(v: Vector) -> Vector:
        if v.table is None:
            return v._replace(start=slot(v.start))
        offset = slot(v.start)
        return v._replace(start=0, table=tuple([offset + x for x in v.table]))

    return instruction._replace(target=slot(instruction.target), operands=tuple([vector(v) for v in instruction.operands]))


def _runs(places: list[int], slots: dict[int, int]) -> list[list[int]]:
    """Cut where the slots do not follow one another."""
    runs: list[list[int]] = []
    for i in places:
        if runs and slots[runs[-1][-1]] + 1 == slots[i]:
            runs[-1].append(i)
        else:
            runs.append([i])
    return runs


def _products(members: list[int], rows: list[tuple[Row, Row]], position: list[int]) -> list[_Block] | None:
    """The members cut into full products of rows and columns; None if the pieces would be small."""
    lefts: dict[Row, list[tuple[Row, int]]] = {}
    rights: dict[Row, list[tuple[Row, int]]] = {}
    for i, (left, right) in zip(members, rows, strict=True):
        lefts.setdefault(left, []).append((right, i))
        rights.setdefault(right, []).append((left, i))
    best: list[_Block] | None = None
    for by, across in ((lefts, rights), (rights, lefts)):
        rank = {row: r for r, row in enumerate(sorted(across, key=lambda row: [position[x] for x in row]))}
        same: dict[Row, list[tuple[Row, list[int]]]] = {}
        for row in sorted(by, key=lambda row: [position[x] for x in row]):
            entries = sorted([(rank[other], i) for other, i in by[row]])
            columns = tuple([r for r, _ in entries])
            if len(set(columns)) < len(columns):
                return None
            same.setdefault(columns, []).append((row, [i for _, i in entries]))
        if (len(same) > 1 and len(same) * 4 > len(members)) or (best is not None and len(same) >= len(best)):
            continue
        best = []
        for columns, found in same.items():
            if by is lefts:
                best.append(_Block([i for _, line in found for i in line], len(found), len(columns)))
            else:
                best.append(_Block([line[c] for c in range(len(columns)) for _, line in found], len(columns), len(found)))
    return best


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
