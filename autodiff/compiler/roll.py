"""Roll: scalar operations of one level and kind become one vector instruction, and the matrix products among them are found.

A group of sums of products *is* a matrix product if its pairs (row of left factors, row of right factors) are every left row
with every right row. Members of a group are ordered so that what later groups take of it is a slice where it can be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from autodiff.compiler.groups import Group, Groups, Index, Run, index_of
from autodiff.compiler.program import CONSTANT, INPUT, LEAVES, PARAMETER, TERMS, Linear, Scalars, stem
from autodiff.compiler.simplify import SYMMETRIC, varying

Row = tuple[int, ...]


class _Block(NamedTuple):
    """Members that are a full product of rows and columns, row by row; or rows of one column, that are not."""

    members: list[int]
    rows: int
    columns: int


def roll(program: Scalars, summed: Sequence[int] = ()) -> Groups:
    """The program in groups. ``summed`` are those outputs, by number, that are added up over the samples instead of stored."""
    return _Roller(program, frozenset(summed)).rolled()


class _Roller:
    def __init__(self, program: Scalars, summed: frozenset[int]):
        self.ops, self.args = program.ops, program.args
        n = program.n_leaves
        self.names = {n + place if place >= 0 else -1 - place: name for place, name in program.names.items()}
        self.varying = bytearray([*program.batched, *bytes(n - len(program.batched)), *varying(program)])
        outputs = [n + output if output >= 0 else -1 - output for output in program.outputs]
        self.summed = [output for i, output in enumerate(outputs) if i in summed]
        self.stored = [output for i, output in enumerate(outputs) if i not in summed]
        self.result = [0] * len(self.ops)  # the number of each operation among the results of the groups
        self.total: dict[int, int] = {}  # and of its sum over the samples
        self.owner = [LEAF_KINDS.get(op, 0) if isinstance(op, str) else 0 for op in self.ops]  # the group of each operation
        self.n = 0
        self.groups: list[Group] = []

    def rolled(self) -> Groups:
        leaves: dict[Any, list[int]] = {(kind, varying): [] for kind in LEAF_KINDS for varying in (0, 1)}
        for i, op in enumerate(self.ops):
            if op in LEAVES:
                leaves[op, self.varying[i]].append(i)
        for kind in LEAF_KINDS:
            self.number(leaves[kind, 0])
        fused = self.fused_sums()
        stages = self.stages(fused)
        for key in sorted(stages[0], key=_level):
            self.enter(key, stages[0][key])
        shared = self.n
        self.number(leaves[INPUT, 1])
        for key in sorted(stages[1], key=_level):
            self.enter(key, stages[1][key])
        totals = self.n
        for key in sorted(stages[2], key=_level):
            self.enter(key, stages[2][key], total=True)
        self.add_totals(fused)
        return Groups(
            [self.args[i][0] for i in leaves[CONSTANT, 0]],
            len(leaves[PARAMETER, 0]),
            [self.result[i] for i, op in enumerate(self.ops) if op == INPUT],
            shared,
            totals,
            self.groups,
            [self.result[i] for i in self.stored],
            [self.total[i] for i in self.summed],
        )

    def number(self, members: list[int]) -> int:
        """The next numbers for the results of these. Returns the first."""
        first = self.n
        for i in members:
            self.result[i] = self.n
            self.n += 1
        return first

    # ---- groups -------------------------------------------------------------------------------------------------------------

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

    def stages(self, fused: set[int]) -> tuple[dict[Any, list[int]], ...]:
        """What belongs together, by level and kind: what all samples share, what each has, sums over them."""
        levels = [0] * len(self.ops)
        stages: tuple[dict[Any, list[int]], ...] = ({}, {}, {})
        for i, (op, args) in enumerate(zip(self.ops, self.args, strict=True)):
            if op in LEAVES:
                continue
            level = 0
            for arg in args:
                if levels[arg] > level:
                    level = levels[arg]
            levels[i] = level + 1
            pattern = self.pattern(i, op, args)
            key = (level, self.ops[i], pattern)
            stages[2 if i in fused else self.varying[i]].setdefault(key, []).append(i)
        return stages

    def enter(self, key: Any, members: list[int], total: bool = False) -> None:
        """A group, or several, of operations of one level and kind. Their order rests on the groups before it."""
        op = key[1]
        for part in self.parts(op, members):
            blocks = self.blocks(op, part)
            ordered = [i for block in blocks for i in block.members]
            first = self.number(ordered)
            for i in ordered:
                self.owner[i] = len(self.groups)
                if total:
                    self.total[i] = self.result[i]
            self.groups.append(self.group(op, blocks, ordered, first, total))

    def parts(self, op: Any, members: list[int]) -> list[list[int]]:
        """What takes its operands from other groups is a group of its own, unless that would be many small ones."""
        if isinstance(op, Linear) or len(members) == 1:
            return [members]
        if op in SYMMETRIC:
            result = self.result
            for i in members:
                x, y = self.args[i]
                if result[x] > result[y]:
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
        result = self.result
        left, right = [], []
        for x, y in zip(operands[::2], operands[1::2], strict=True):
            if result[x] > result[y]:
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
        result = self.result
        rows = self.longest_products(op, members)
        if rows:
            if len(members) > 1:
                found = _products(members, rows, result)
                if found is not None and not (op == "mul" and all(b.rows == 1 or b.columns == 1 for b in found)):
                    return found
            if op != "mul":
                order = sorted(range(len(members)), key=lambda m: (result[rows[m][0][0]], result[rows[m][1][0]]))
                return [_Block([members[m] for m in order], len(members), 1)]
            for i, (left, right) in zip(members, rows, strict=True):
                self.args[i] = (*left, *right)
        if len(members) > 1:
            args = self.args
            members = sorted(members, key=lambda i: [result[arg] for arg in args[i][:4]])
        return [_Block(members, len(members), 1)]

    # ---- what a group says --------------------------------------------------------------------------------------------------

    def group(self, op: Any, blocks: list[_Block], members: list[int], first: int, total: bool) -> Group:
        name = self.name(members)
        args = self.args
        if op == "mul" and (total or len(blocks) > 1 or blocks[0].columns > 1):
            op = MUL
        if not isinstance(op, Linear):
            operands = tuple([self.vector(column) for column in zip(*[args[i] for i in members], strict=True)])
            return Group("Map", op, first, len(members), operands, name=name)
        runs: list[Run] = []
        parts = [op.parts(args[i]) for i in members]
        for r, (kind, count) in enumerate(op.runs):
            rows = [part[r][1] for part in parts]
            if kind in TERMS:
                runs.append(Run("terms", kind, 0, len(members), 1, count, (self.matrix(rows),)))
            else:
                runs += self.products(blocks, rows, kind[0], count)
        return Group("Total" if total else "Sum", "", first, len(members), (), op.from_zero, tuple(runs), name)

    def products(self, blocks: list[_Block], operands: list[Row], sign: str, depth: int) -> list[Run]:
        """Products that are added or subtracted, block by block."""
        runs = []
        start = 0
        for block in blocks:
            end = start + len(block.members)
            rows = [self.pairs(row) for row in operands[start:end]]
            found = self.product(block, rows)
            if found is None:
                found = (self.matrix([left for left, _ in rows]), self.matrix([right for _, right in rows]))
                runs.append(Run("dots", sign, start, len(rows), 1, depth, found))
            else:
                runs.append(Run("product", sign, start, block.rows, block.columns, depth, found))
            start = end
        return runs

    def product(self, block: _Block, rows: list[tuple[Row, Row]]) -> tuple[Index, Index] | None:
        """The two matrices of a block, if its rows are those of a full product."""
        lefts = [rows[r * block.columns][0] for r in range(block.rows)]
        rights = [rows[c][1] for c in range(block.columns)]
        for m, (left, right) in enumerate(rows):
            if left != lefts[m // block.columns] or right != rights[m % block.columns]:
                return None
        return self.matrix(lefts), self.matrix(rights)

    def add_totals(self, fused: set[int]) -> None:
        """The sums over the samples of results that are wanted of each sample too, or are no products."""
        for varying in (0, 1):
            some = [i for i in dict.fromkeys(self.summed) if i not in fused and self.varying[i] == varying]
            if not some:
                continue
            first = self.n
            for i in some:
                self.total[i] = self.n
                self.n += 1
            run = Run("terms", "+", 0, len(some), 1, 1, (self.vector(some),))
            self.groups.append(Group("Total", "", first, len(some), (), True, (run,)))

    def name(self, members: list[int]) -> str:
        """What all members are called, but for their numbers and indices; empty if one has no name or another name."""
        names = self.names
        found = {stem(names.get(i, "")) for i in members}
        return found.pop() if len(found) == 1 else ""

    def vector(self, members: Sequence[int]) -> Index:
        """The results of these."""
        results = [self.result[i] for i in members]
        step = results[1] - results[0] if len(results) > 1 else 0
        if results == (list(range(results[0], results[0] + step * len(results), step)) if step else results[:1] * len(results)):
            return Index(results[0], step)
        return Index(results[0], 0, 0, tuple(results))

    def matrix(self, rows: Sequence[Row]) -> Index:
        """The results of these, row by row."""
        result = self.result
        return index_of([[result[i] for i in row] for row in rows])


LEAF_KINDS = {CONSTANT: -1, PARAMETER: -2, INPUT: -3}
MUL = Linear(False, (("+·", 1),))


def _level(key: Any) -> int:
    level: int = key[0]
    return level


def _products(members: list[int], rows: list[tuple[Row, Row]], result: list[int]) -> list[_Block] | None:
    """The members cut into full products of rows and columns; None if the pieces would be small."""
    lefts: dict[Row, list[tuple[Row, int]]] = {}
    rights: dict[Row, list[tuple[Row, int]]] = {}
    for i, (left, right) in zip(members, rows, strict=True):
        lefts.setdefault(left, []).append((right, i))
        rights.setdefault(right, []).append((left, i))
    best: list[_Block] | None = None
    for by, across in ((lefts, rights), (rights, lefts)):
        rank = {row: r for r, row in enumerate(sorted(across, key=lambda row: [result[x] for x in row]))}
        same: dict[Row, list[tuple[Row, list[int]]]] = {}
        for row in sorted(by, key=lambda row: [result[x] for x in row]):
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
