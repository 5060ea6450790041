"""Roll: scalar operations of one level and kind become one vector instruction, and the matrix products among them are found.

A group of sums of products *is* a matrix product if its pairs (row of left factors, row of right factors) are every left row
with every right row. Members of a group are ordered so that what later groups take of it is a slice where it can be.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from autodiff.compiler.groups import Group, Groups, Loop, Run, index_of, totals, vector_of
from autodiff.compiler.integers import filled, fresh
from autodiff.compiler.loops import Stretch, between, spread, stretches, used_later
from autodiff.compiler.members import (
    absolute,
    common,
    enter,
    even_entries,
    even_steps,
    every,
    factors_of,
    is_product,
    numbered,
    operands_of,
    ordered,
    products,
    rows_at,
    rows_in_order,
    split,
    stages,
    turn,
)
from autodiff.compiler.program import TERMS, Linear, Operation, Scalars, stem
from autodiff.compiler.simplify import SYMMETRIC, uses_of, varying

Blocks = list[tuple[int, int]]  # rows and columns of full products, row by row; or rows of one column, that are none


def roll(program: Scalars, summed: Sequence[int] = (), looped: bool = False) -> Groups:
    """The program in groups, of which some are loops if asked.

    ``summed`` are those outputs, by number, that are added up over the samples instead of stored.
    """
    found = stretches(program) if looped else []
    if found:
        program, periods = spread(program, found, frozenset([program.outputs[i] for i in summed]))
        found = stretches(program, periods)
    return _Roller(program, frozenset(summed), found).rolled()


class _Kinds:
    """The kinds of operations: what they do, how many operands they have, and which of these vary."""

    def __init__(self) -> None:
        self.ops: list[Operation] = []
        self.known: dict[Any, int] = {}  # by the code of the operation
        self.numbers: dict[Any, int] = {}

    def number(self, op: Operation, n: int, flags: array[int] | None) -> int:
        """The number of a kind with so many operands; ``flags`` say which of them vary, None that the operation does not."""
        pattern: Any = n
        if flags is not None:
            op, pattern = _even_runs(op, flags) if isinstance(op, Linear) else (op, tuple(flags))
        found = self.numbers.setdefault((op, pattern), len(self.ops))
        if found == len(self.ops):
            self.ops.append(op)
        return found


def _even_runs(op: Linear, flags: array[int]) -> tuple[Linear, tuple[int, ...]]:
    """The runs of a sum cut so that the operands of each vary alike; how many operands of a term vary, for each run."""
    runs: list[tuple[str, int]] = []
    counts: list[int] = []
    for kind, varies in op.parts(tuple(flags)):
        begin = len(counts)
        for count in varies if kind in TERMS else map(sum, zip(varies[::2], varies[1::2], strict=True)):
            if len(counts) > begin and counts[-1] == count:
                runs[-1] = (kind, runs[-1][1] + 1)
            else:
                counts.append(count)
                runs.append((kind, 1))
    return Linear(op.from_zero, tuple(runs)), tuple(counts)


class _Roller:
    def __init__(self, program: Scalars, summed: frozenset[int], loops: list[Stretch], first: int = 0):
        self.program = program
        self.loops = loops
        self.leaves = n = program.n_leaves
        self.pieces: list[range | Stretch] = [range(*part) for part in between(loops, len(program))]
        for number, stretch in enumerate(loops):
            self.pieces.insert(2 * number + 1, stretch)
        self.args = absolute(program.operands, n)
        self.stems, self.stem_of = self.named()
        batched = program.batched
        self.varying = array("i", [*batched, *bytes(n - len(batched))]) + varying(program)
        outputs = [n + output if output >= 0 else -1 - output for output in program.outputs]
        self.summed = [output for i, output in enumerate(outputs) if i in summed]
        self.stored = [output for i, output in enumerate(outputs) if i not in summed]
        self.result = fresh(len(self.varying))  # the number of each operation among the results of the groups
        self.total: dict[int, int] = {}  # and of its sum over the samples
        # the group of each operation; leaves are told apart by their kinds
        self.owner = filled(len(batched), INPUTS) + filled(program.n_parameters, PARAMETERS)
        self.owner += filled(len(program.constants), CONSTANTS) + fresh(len(program))
        self.levels = fresh(len(self.varying))
        self.kinds = _Kinds()
        self.n = first
        self.groups: list[Group] = []

    def named(self) -> tuple[list[str], array[int] | None]:
        """What results are called but for their numbers, and which of these each is; nothing if none has a name."""
        names = self.program.names
        if not names:
            return [], None
        numbers = {"": 0}
        found = fresh(self.leaves + len(self.program))
        for x, name in names.items():
            found[self.leaves + x if x >= 0 else -1 - x] = numbers.setdefault(stem(name), len(numbers))
        return list(numbers), found

    def rolled(self) -> Groups:
        program = self.program
        n_batched, n_fixed = len(program.batched), program.n_fixed
        self.number(range(n_fixed, self.leaves))
        self.number(range(n_batched, n_fixed))
        self.number([i for i in range(n_batched) if not self.varying[i]])
        fused = self.fused_sums()
        totals_of: dict[tuple[int, int], array[int]] = {}
        staged = [piece if isinstance(piece, Stretch) else self.stages(piece, fused, totals_of) for piece in self.pieces]
        self.enter_all(staged, 0)
        shared = self.n
        self.number([i for i in range(n_batched) if self.varying[i]])
        self.enter_all(staged, 1)
        first_total = self.n
        for (_, kind), members in sorted(totals_of.items(), key=lambda item: item[0][0]):
            self.enter(kind, members, total=True)
        groups, numbers = totals([i for i in self.summed if i not in fused], self.varying, self.result, self.n)
        self.groups += groups
        self.total.update(numbers)
        return Groups(
            program.constants,
            program.n_parameters,
            list(self.result[:n_batched]),
            shared,
            first_total,
            self.groups,
            [self.result[i] for i in self.stored],
            [self.total[i] for i in self.summed],
        )

    def enter_all(self, staged: list[Any], varies: int) -> None:
        """What all samples share, or what each has: the groups of each piece of the program, and the loops between them."""
        for stage in staged:
            if not isinstance(stage, Stretch):
                for _, kind, members in stage[varies]:
                    self.enter(kind, members)
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
        program, n, stored, found = self.program, self.leaves, {*self.stored}, set()
        uses = uses_of(program) if self.summed else fresh(0)
        wanted = Counter(self.summed)
        for i in self.summed:
            alone = i >= n and i not in stored and uses[i - n] == 2 * wanted[i]
            alone = alone and not any(stretch.start <= i - n < stretch.end for stretch in self.loops)
            op = program.op(i - n) if alone and self.varying[i] else ""
            if not (op == "mul" or isinstance(op, Linear)):
                continue
            # of several terms the sample's own sum comes first: they may cancel
            kinds = [kind for kind, _ in op.runs] if isinstance(op, Linear) else ["+·"]
            operands = self.args[program.starts[i - n] : program.starts[i - n + 1]]
            if len(kinds) == 1 and kinds[0] not in TERMS and all(self.varying[x] for x in operands):
                found.add(i)
        return found

    def stages(self, piece: range, fused: set[int], totals: dict[tuple[int, int], array[int]]) -> list[Any]:
        """What belongs together, by level and kind: what all samples share, what each has; sums over them go to ``totals``."""
        stage_of = self.varying
        if fused:
            stage_of = stage_of[:]
            for i in fused:
                stage_of[i] = 2
        *found, summed = stages(self.program, piece, self.args, self.varying, stage_of, self.levels, self.kinds)
        for level, kind, members in summed:
            totals.setdefault((level, kind), array("i")).extend(members)
        return [self.in_pairs(groups) for groups in found]

    def in_pairs(self, groups: list[Any]) -> list[Any]:
        """These with the slope of tanh next to tanh, where the machine makes both at once."""
        ops = self.kinds.ops
        tanh = {level: number for number, (level, kind, _) in enumerate(groups) if ops[kind] == "tanh"}
        places = [tanh.get(level, i) if ops[kind] == "sech2" else i for i, (level, kind, _) in enumerate(groups)]
        return [groups[i] for i in sorted(range(len(groups)), key=places.__getitem__)]

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
        inner.result[: len(places)] = array("i", places)
        for stage in [p if isinstance(p, Stretch) else inner.stages(p, set(), {}) for p in inner.pieces]:
            inner.enter_all([stage], varies)
        results = inner.result[len(places) :]
        self.n = inner.n
        kept = self.n
        self.n += count * len(later)
        begin, end = n + start, n + stretch.end
        self.result[end - period : end] = results
        for o, j in enumerate(later):
            self.result[begin + j : end : period] = even_entries(kept + o, len(later), 0, count, 1)
        self.owner[begin:end] = filled(end - begin, len(self.groups))
        self.groups.append(
            Group(
                "Loop",
                "",
                first,
                self.n - first,
                loop=Loop(
                    count,
                    n_carried,
                    vector_of([self.result[begin + j - times * period] for j, times in body.carried]),
                    vector_of(
                        [
                            first + place if times > 1 else results[place]
                            for (_, times), place in zip(body.carried, following, strict=True)
                        ]
                    ),
                    tuple([index_of(self.results(places), count) for places in body.taken.values()]),
                    tuple(inner.groups),
                    len(later),
                    vector_of([results[j] for j in later]),
                ),
            )
        )

    def results(self, places: array[int]) -> array[int]:
        """The results at these places of the program."""
        return rows_at(self.result, absolute(places, self.leaves))

    def enter(self, kind: int, members: array[int], total: bool = False) -> None:
        """A group, or several, of operations of one level and kind. Their order rests on the groups before it."""
        op = self.kinds.ops[kind]
        for part in self.parts(op, members):
            members, blocks = self.blocks(op, part)
            first, self.n = self.n, self.n + len(members)
            enter(members, self.result, first, 1)
            enter(members, self.owner, len(self.groups), 0)
            if total:
                self.total.update(zip(members, range(first, self.n), strict=True))
            self.groups.append(self.group(op, blocks, members, first, total))

    def wide(self, members: array[int]) -> int:
        """How many operands each of these has."""
        i = members[0] - self.leaves
        return self.program.starts[i + 1] - self.program.starts[i]

    def operands(self, members: array[int], offset: int, columns: int, numbers: array[int] | None = None) -> array[int]:
        """A matrix of the results that so many operands of each are, from an ``offset`` on; or of other ``numbers``."""
        given = self.result if numbers is None else numbers
        return operands_of(members, self.program.starts, self.args, given, self.leaves, offset, columns)

    def turn(self, members: array[int]) -> None:
        """Each with its two operands in the order of their results."""
        turn(members, self.program.starts, self.args, self.result, self.leaves)

    def parts(self, op: Operation, members: array[int]) -> list[array[int]]:
        """What takes its operands from other groups is a group of its own, unless that would be many small ones."""
        if isinstance(op, Linear) or len(members) == 1:
            return [members]
        if op in SYMMETRIC:
            self.turn(members)
        wide = self.wide(members)
        numbers, origins = numbered(self.operands(members, 0, wide, self.owner), every(len(members), wide))
        few = len(origins) <= 3 or 8 * len(origins) <= len(members)
        return split(members, numbers) if few else [members]

    def blocks(self, op: Operation, members: array[int]) -> tuple[array[int], Blocks]:
        """The members in their order, as full products if they are that."""
        alone = [(len(members), 1)]
        if op == "mul" and self.pair_up(members):
            return self.in_order(members), alone
        runs = [("+·", 1)] if op == "mul" else op.runs if isinstance(op, Linear) else ()
        depths = [0 if kind in TERMS else count for kind, count in runs]
        if not any(depths):
            return self.in_order(members), alone
        lefts, rights = self.factors(members, runs, depths.index(max(depths)))
        if len(members) > 1:
            found = products(lefts, rights, max(depths))
            if found is not None and not (op == "mul" and all(1 in shape for shape in found[1])):
                return rows_at(members, found[0]), found[1]
        if op == "mul":
            return self.in_order(members), alone
        ranks = every(len(members) - 1, 1)
        for side in (rights, lefts):
            ranks = ordered(ranks, side[:: max(depths)])
        return rows_at(members, ranks), alone

    def pair_up(self, members: array[int]) -> bool:
        """Turn the factors of products so that equal ones meet. Whether no factor meets two others, as in an outer product."""
        self.turn(members)
        n = len(members)
        return any(len(numbered(self.operands(members, k, 1), every(n, 1))[1]) == n for k in range(2))

    def in_order(self, members: array[int]) -> array[int]:
        """The members in the order of the results that they take."""
        wide = self.wide(members)
        return rows_at(members, rows_in_order(self.operands(members, 0, min(wide, 4)), len(members), min(wide, 4)))

    # ---- what a group says --------------------------------------------------------------------------------------------------

    def group(self, op: Operation, blocks: Blocks, members: array[int], first: int, total: bool) -> Group:
        name = self.name(members)
        n = len(members)
        if op == "mul" and (total or len(blocks) > 1 or blocks[0][1] > 1):
            op = MUL
        if not isinstance(op, Linear):
            operands = tuple([index_of(self.operands(members, k, 1), n) for k in range(self.wide(members))])
            return Group("Map", op, first, n, operands, name=name)
        runs: list[Run] = []
        for r, (kind, count) in enumerate(op.runs):
            if kind in TERMS:
                matrix = self.operands(members, _offset(op.runs, r), count)
                runs.append(Run("terms", kind, 0, n, 1, count, (index_of(matrix, n, count),)))
            else:
                runs += _products(blocks, *self.factors(members, op.runs, r), kind[0], count)
        return Group("Total" if total else "Sum", "", first, n, (), op.from_zero, tuple(runs), name)

    def factors(self, members: array[int], runs: Sequence[tuple[str, int]], number: int) -> tuple[array[int], array[int]]:
        """The left and the right factors of a run of products, a row for each of the members."""
        return factors_of(self.operands(members, _offset(runs, number), 2 * runs[number][1]))

    def name(self, members: array[int]) -> str:
        """What all members are called, but for their numbers and indices; empty if one has no name or another name."""
        return "" if self.stem_of is None else self.stems[max(common(self.stem_of, members), 0)]


def _offset(runs: Sequence[tuple[str, int]], number: int) -> int:
    """Among the operands of a sum the first one of a run."""
    return sum(count * (1 if kind in TERMS else 2) for kind, count in runs[:number])


def _products(blocks: Blocks, lefts: array[int], rights: array[int], sign: str, depth: int) -> list[Run]:
    """Products that are added or subtracted, block by block."""
    runs = []
    start = 0
    for rows, columns in blocks:
        end = start + rows * columns
        if is_product(lefts, rights, depth, start, rows, columns):
            left = rows_at(lefts, even_entries(start, columns, 0, rows, 1), depth)
            right = rights[start * depth : (start + columns) * depth]
            found = (index_of(left, rows, depth), index_of(right, columns, depth))
            runs.append(Run("product", sign, start, rows, columns, depth, found))
        else:
            sides = [index_of(side[start * depth : end * depth], end - start, depth) for side in (lefts, rights)]
            runs.append(Run("dots", sign, start, end - start, 1, depth, (sides[0], sides[1])))
        start = end
    return runs


class _Body:
    """The operations of a loop at its first time, and where what they take comes from.

    ``carried`` has results of the body and how many times ago they were made, ``taken`` vectors with an entry for each time,
    both with the number of their local; ``same`` the results from outside that are the same each time.
    """

    def __init__(self, program: Scalars, stretch: Stretch, varies: array[int]):
        self.whole = program
        self.stretch = stretch
        self.varies = varies
        start, period, count = stretch
        n = program.n_leaves
        self.starts = program.starts[start : start + period + 1]
        width = program.starts[start + period] - program.starts[start]
        carried: dict[tuple[int, int], int] = {}
        taken: dict[Any, array[int]] = {}
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
            if x == y and even_steps(entries, count, 1) == (0, 0):
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


CONSTANTS, PARAMETERS, INPUTS = -1, -2, -3
MUL = Linear(False, (("+·", 1),))
