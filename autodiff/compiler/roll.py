"""Roll: scalar operations of one level and kind become one vector instruction, and the matrix products among them are found.

A group of sums of products *is* a matrix product if its pairs (row of left factors, row of right factors) are every left row
with every right row. Members of a group are ordered so that what later groups take of it is a slice where it can be.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from autodiff.compiler.groups import Group, Groups, Index, Loop, Run, index_of
from autodiff.compiler.loops import Stretch, between, spread, stretches, used_later
from autodiff.compiler.program import CONSTANT, INPUT, PARAMETER, TERMS, Linear, Scalars, stem
from autodiff.compiler.simplify import SYMMETRIC, uses_of, varying

Row = tuple[int, ...]


class _Block(NamedTuple):
    """Members that are a full product of rows and columns, row by row; or rows of one column, that are not."""

    members: list[int]
    rows: int
    columns: int


def roll(program: Scalars, summed: Sequence[int] = (), looped: bool = False) -> Groups:
    """The program in groups, of which some are loops if asked.

    ``summed`` are those outputs, by number, that are added up over the samples instead of stored.
    """
    found = stretches(program) if looped else []
    if found:
        program, periods = spread(program, found, frozenset([program.outputs[i] for i in summed]))
        found = stretches(program, periods)
    return _Roller(program, frozenset(summed), found).rolled()


class _Roller:
    def __init__(self, program: Scalars, summed: frozenset[int], loops: list[Stretch], first: int = 0):
        self.program = program
        self.loops = loops
        self.leaves = n = program.n_leaves
        self.pieces: list[range | Stretch] = [range(*part) for part in between(loops, len(program))]
        for number, stretch in enumerate(loops):
            self.pieces.insert(2 * number + 1, stretch)
        self.ops, self.args = self.written_out()
        self.names = {n + place if place >= 0 else -1 - place: name for place, name in program.names.items()}
        self.varying = bytearray([*program.batched, *bytes(n - len(program.batched)), *varying(program)])
        outputs = [n + output if output >= 0 else -1 - output for output in program.outputs]
        self.summed = [output for i, output in enumerate(outputs) if i in summed]
        self.stored = [output for i, output in enumerate(outputs) if i not in summed]
        self.result = [0] * len(self.varying)  # the number of each operation among the results of the groups
        self.total: dict[int, int] = {}  # and of its sum over the samples
        self.owner = [LEAF_KINDS[INPUT]] * len(program.batched) + [LEAF_KINDS[PARAMETER]] * program.n_parameters
        self.owner += [LEAF_KINDS[CONSTANT]] * len(program.constants) + [0] * len(program)  # the group of each operation
        self.levels = [0] * len(self.varying)
        self.n = first
        self.groups: list[Group] = []

    def written_out(self) -> tuple[list[Any], list[Any]]:
        """Each operation that is done by itself, and what it is made of; what loops do is nothing here."""
        if not self.loops:
            return self.program.ops, self.program.args
        n, program = self.leaves, self.program
        ops: list[Any] = [*[INPUT] * len(program.batched), *[PARAMETER] * program.n_parameters]
        ops += [*[CONSTANT] * len(program.constants), *[None] * len(program)]
        args: list[Any] = [*[()] * n, *[None] * len(program)]
        for i, number in enumerate(program.constants):
            args[program.n_fixed + i] = (number,)
        for piece in self.pieces:
            for i in piece if isinstance(piece, range) else ():
                ops[n + i] = program.op(i)
                args[n + i] = tuple([n + x if x >= 0 else -1 - x for x in program.operands_of(i)])
        return ops, args

    def rolled(self) -> Groups:
        program = self.program
        n_batched, n_fixed = len(program.batched), program.n_fixed
        self.number(range(n_fixed, self.leaves))
        self.number(range(n_batched, n_fixed))
        self.number([i for i in range(n_batched) if not self.varying[i]])
        fused = self.fused_sums()
        totals_of: dict[Any, list[int]] = {}
        stages = [piece if isinstance(piece, Stretch) else self.stages(piece, fused, totals_of) for piece in self.pieces]
        self.enter_all(stages, 0)
        shared = self.n
        self.number([i for i in range(n_batched) if self.varying[i]])
        self.enter_all(stages, 1)
        totals = self.n
        for key in sorted(totals_of, key=_level):
            self.enter(key, totals_of[key], total=True)
        self.add_totals(fused)
        return Groups(
            program.constants,
            program.n_parameters,
            self.result[:n_batched],
            shared,
            totals,
            self.groups,
            [self.result[i] for i in self.stored],
            [self.total[i] for i in self.summed],
        )

    def enter_all(self, stages: list[Any], varies: int) -> None:
        """What all samples share, or what each has: the groups of each piece of the program, and the loops between them."""
        for stage in stages:
            if not isinstance(stage, Stretch):
                for key in sorted(stage[varies], key=_level):
                    self.enter(key, stage[varies][key])
            elif self.varying[self.leaves + stage.start] == varies:
                self.enter_loop(stage)

    def number(self, members: Iterable[int]) -> int:
        """The next numbers for the results of these. Returns the first."""
        first = self.n
        for i in members:
            self.result[i] = self.n
            self.n += 1
        return first

    # ---- groups -------------------------------------------------------------------------------------------------------------

    def fused_sums(self) -> set[int]:
        """Outputs to be summed that are sums of products of what varies, and no more: they are never stored for a sample."""
        uses = uses_of(self.program)
        n, stored, found = self.leaves, {*self.stored}, set()
        wanted = Counter(self.summed)
        for i in self.summed:
            op = self.ops[i]
            alone = i >= n and i not in stored and uses[i - n] == 2 * wanted[i]
            if not self.varying[i] or not alone or not (op == "mul" or isinstance(op, Linear)):
                continue
            # of several terms the sample's own sum comes first: they may cancel
            kinds = [kind for kind, _ in op.runs] if isinstance(op, Linear) else ["+·"]
            if len(kinds) == 1 and kinds[0] not in TERMS and all(self.varying[x] for x in self.args[i]):
                found.add(i)
        return found

    def stages(self, piece: range, fused: set[int], totals: dict[Any, list[int]]) -> tuple[dict[Any, list[int]], ...]:
        """What belongs together, by level and kind: what all samples share, what each has; sums over them go to ``totals``."""
        levels = self.levels
        stages: tuple[dict[Any, list[int]], ...] = ({}, {}, totals)
        ops, varies, n = self.ops, self.varying, self.leaves
        for i in range(n + piece.start, n + piece.stop):
            args = self.args[i]
            level = 0
            for arg in args:
                if levels[arg] > level:
                    level = levels[arg]
            levels[i] = level + 1
            pattern = self.pattern(i, ops[i], args)
            key = (level, ops[i], pattern)
            stages[2 if i in fused else varies[i]].setdefault(key, []).append(i)
        return stages

    def enter_loop(self, stretch: Stretch) -> None:
        """A loop: its body in groups of its own, with locals for what it is given anew each time."""
        n, (start, period, count) = self.leaves, stretch
        varies = self.varying[n + start]
        body = _Body(self.program, stretch, self.varying)
        first = self.n
        n_carried, n_taken = len(body.carried), len(body.taken)
        later = used_later(self.program, stretch)
        following = [body.carried.get((j, times - 1), j) if times > 1 else j for j, times in body.carried]
        inner_program = body.program(later, [j for j, times in body.carried if times == 1])
        inner = _Roller(inner_program, frozenset(), stretches(inner_program), first + n_carried + n_taken)
        places = [*range(first, first + n_carried + n_taken), *[self.result[i] for i in body.same]]
        inner.result[: len(places)] = places
        for stage in [p if isinstance(p, Stretch) else inner.stages(p, set(), {}) for p in inner.pieces]:
            inner.enter_all([stage], varies)
        results = inner.result[len(places) :]
        self.n = inner.n
        kept = self.n
        self.n += count * len(later)
        begin, end = n + start, n + stretch.end
        self.result[end - period : end] = results
        for o, j in enumerate(later):
            self.result[begin + j : end : period] = range(kept + o, self.n, len(later))
        self.owner[begin:end] = [len(self.groups)] * (end - begin)
        self.groups.append(
            Group(
                "Loop",
                "",
                first,
                self.n - first,
                loop=Loop(
                    count,
                    n_carried,
                    _even([self.result[begin + j - times * period] for j, times in body.carried]),
                    _even(
                        [
                            first + place if times > 1 else results[place]
                            for (_, times), place in zip(body.carried, following, strict=True)
                        ]
                    ),
                    tuple([_even(self.results(places)) for places in body.taken.values()]),
                    tuple(inner.groups),
                    len(later),
                    _even([results[j] for j in later]),
                ),
            )
        )

    def results(self, places: Sequence[int]) -> list[int]:
        """The results at these places of the program."""
        n, result = self.leaves, self.result
        return [result[n + x if x >= 0 else -1 - x] for x in places]

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
        if op == "mul" and self.pair_up(members):
            return [_Block(self.in_order(members), len(members), 1)]
        rows = self.longest_products(op, members)
        if rows:
            if len(members) > 1:
                found = _products(members, rows, result)
                if found is not None and not (op == "mul" and all(b.rows == 1 or b.columns == 1 for b in found)):
                    return found
            if op != "mul":
                order = sorted(range(len(members)), key=lambda m: (result[rows[m][0][0]], result[rows[m][1][0]]))
                return [_Block([members[m] for m in order], len(members), 1)]
        return [_Block(self.in_order(members), len(members), 1)]

    def pair_up(self, members: list[int]) -> bool:
        """Turn the factors of products so that equal ones meet. Whether no factor meets two others, as in an outer product."""
        result, args = self.result, self.args
        for i in members:
            x, y = args[i]
            if result[x] > result[y]:
                args[i] = (y, x)
        return len({args[i][0] for i in members}) == len(members) or len({args[i][1] for i in members}) == len(members)

    def in_order(self, members: list[int]) -> list[int]:
        """The members in the order of the results that they take."""
        if len(members) < 2:
            return members
        result, args = self.result, self.args
        wide = len(args[members[0]])
        if wide == 1:
            return sorted(members, key=lambda i: result[args[i][0]])
        if wide == 2:
            return sorted(members, key=lambda i: result[args[i][0]] << 32 | result[args[i][1]])
        return sorted(members, key=lambda i: [result[arg] for arg in args[i][:4]])

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
        for varies in (0, 1):
            some = [i for i in dict.fromkeys(self.summed) if i not in fused and self.varying[i] == varies]
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
        if not names:
            return ""
        found = {stem(names.get(i, "")) for i in members}
        return found.pop() if len(found) == 1 else ""

    def vector(self, members: Sequence[int]) -> Index:
        """The results of these."""
        return _even([self.result[i] for i in members])

    def matrix(self, rows: Sequence[Row]) -> Index:
        """The results of these, row by row."""
        result = self.result
        return index_of([[result[i] for i in row] for row in rows])


class _Body:
    """The operations of a loop at its first time, and where what they take comes from.

    ``carried`` has results of the body and how many times ago they were made, ``taken`` vectors with an entry for each time,
    both with the number of their local; ``same`` the results from outside that are the same each time.
    """

    def __init__(self, program: Scalars, stretch: Stretch, varies: bytearray):
        self.whole = program
        self.stretch = stretch
        self.varies = varies
        start, period, count = stretch
        n = program.n_leaves
        self.starts = program.starts[start : start + period + 1]
        width = program.starts[start + period] - program.starts[start]
        carried: dict[tuple[int, int], int] = {}
        taken: dict[Any, Sequence[int]] = {}
        same: dict[int, int] = {}
        self.refs: list[tuple[str, Any]] = []
        for at in range(self.starts[0], self.starts[-1]):
            x, y = program.operands[at], program.operands[at + width]
            if x >= 0 and y - x == period:
                times = max(0, -((x - start) // period))
                for ago in range(1, times + 1):
                    carried[(x - start) % period, ago] = 0
                self.refs.append(("carried", ((x - start) % period, times)) if times else ("own", x - start))
                continue
            entries = program.operands[at : at + width * count : width]
            if x == y and entries.count(x) == count:
                place = n + x if x >= 0 else -1 - x
                same[place] = 0
                self.refs.append(("same", place))
            else:
                key = (x, y) if x >= 0 else entries.tobytes()
                taken.setdefault(key, entries)
                self.refs.append(("taken", key))
        order = sorted(carried, key=lambda key: (-key[1], key[0]))  # the oldest is overwritten first
        self.carried = {key: number for number, key in enumerate(order)}
        self.taken = taken
        self.same = {place: number for number, place in enumerate(same)}

    def program(self, *wanted: Sequence[int]) -> Scalars:
        """The body as a program of its own, whose inputs are the locals, then what is the same each time."""
        whole, (start, period, _) = self.whole, self.stretch
        varies = self.varies[whole.n_leaves + start]
        n_locals = len(self.carried) + len(self.taken)
        places: dict[Any, int] = {("carried", key): -1 - number for key, number in self.carried.items()}
        places |= {("taken", key): -1 - len(self.carried) - number for number, key in enumerate(self.taken)}
        places |= {("same", place): -1 - n_locals - number for place, number in self.same.items()}
        operands = array("i", [what if kind == "own" else places[kind, what] for kind, what in self.refs])
        starts = array("i", [begin - self.starts[0] for begin in self.starts])
        batched = (*[bool(varies)] * n_locals, *[bool(self.varies[place]) for place in self.same])
        outputs = [j for some in wanted for j in some]
        names = {j: name for j in range(period) if (name := whole.names.get(start + j))}
        return Scalars(whole.codes[start : start + period], starts, operands, whole.linears, [], 0, outputs, batched, names)


def _even(results: list[int]) -> Index:
    """A vector of these results, evenly if they lie so."""
    if not results:
        return Index(0)
    step = results[1] - results[0] if len(results) > 1 else 0
    if results == (list(range(results[0], results[0] + step * len(results), step)) if step else results[:1] * len(results)):
        return Index(results[0], step)
    return Index(results[0], 0, 0, tuple(results))


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
    if len(lefts) == len(rights) == len(members) > 1:  # each row meets one other
        return None
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
