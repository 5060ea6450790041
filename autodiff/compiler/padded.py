"""Padded: a program rolled for text, where sums of 1, 2, … n terms are one group, padded to the longest.

Operations of one kind whose operands lie in the same groups are a group. Its members are a grid: each axis is one along which
an operand moves. Where the grid has a place but the program no operation, as in the upper triangle of attention's scores, there
is a member that is *padding*: its result is 0, whatever its operands are, so that a sum which takes it is none the wiser.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, combinations, product
from math import inf, isfinite, prod
from typing import Any, NamedTuple

from autodiff.compiler.groups import Group, Groups, Index, Padding, Run, matrix_of, totals, vector_of
from autodiff.compiler.program import CONSTANT, TERMS, Linear, Scalars, stem
from autodiff.compiler.simplify import uses_of, varying

Shape = tuple[int, ...]
Place = tuple[int, ...]
Term = tuple[int, ...]

FULLEST = 0.3  # so much of a grid must be members, or they are put in a row
OF_ANY_NUMBER = {"max": -inf, "min": inf}  # rows whose operands may be lists of any length, and what adds nothing to these
# rows that are finite, with finite slopes, where an operand is 0; the others are given 1 for padding
AT_ZERO = frozenset({
    "add", "sub", "mul", "neg", "abs", "exp", "expm1", "tanh", "sigmoid", "relu", "step", "sign", "max", "min",
    "at_most", "at_least", "held", "where", "select", "compare", "nonnegative", "softplus", "softsign", "silu",
    "gelu", "mish", "elu", "selu", "sin", "cos", "atan", "erf", "greater", "greater_equal", "equal", "mul0", "sech2",
    "cosquare",
})  # fmt: skip
ZERO_AT_ZERO = frozenset({"neg", "relu", "sign", "tanh", "abs", "sin", "expm1", "erf", "held"})
JOINED = "joined"  # a row of text alone: the first operand, and the second one where that is padding
ORDER = ("+·", "+", "-·", "-")


class Failed(Exception):
    """These operations are no grid, or one that cannot be padded."""


class Grid(NamedTuple):
    """The members of a group: the ``first`` result, the shape, and which results are padding."""

    first: int
    shape: Shape
    holes: frozenset[int]

    def at(self, place: Place) -> int:
        """The result at a place. Raises ``Failed`` if there is no such place."""
        found = 0
        for here, length in zip(place, self.shape, strict=True):
            if not 0 <= here < length:
                raise Failed
            found = found * length + here
        return self.first + found

    def somewhere(self, place: Place) -> int:
        """The same for padding, which may take anything."""
        return self.at(place)


class Leaves(NamedTuple):
    """An array that is given: the results in those places that the program knows."""

    results: dict[Place, int]
    holes: frozenset[int] = frozenset()

    def at(self, place: Place) -> int:
        """The result at a place. Raises ``Failed`` if the program has none there."""
        if place not in self.results:
            raise Failed
        return self.results[place]

    def somewhere(self, place: Place) -> int:
        """The same for padding, which may take anything."""
        return self.results.get(place, next(iter(self.results.values())))


class Part(NamedTuple):
    """What all members of a group are made of: so many terms, or operands, from the same groups.

    ``kind`` is the sign, with a ``"·"`` for products, or ``"x"`` for the operands of a row.
    """

    kind: str
    terms: list[list[Term]]  # of each member


class Members(NamedTuple):
    """The places of a grid row by row: its axes, along which each member has a place, and which member is in each place."""

    shape: Shape
    axes: list[list[int]]
    places: list[Place]
    chosen: list[int | None]


def padded(program: Scalars, summed: Sequence[int], leaves: Sequence[tuple[Any, Place]]) -> Groups:
    """The program in groups with axes and padding.

    ``summed`` are those outputs, by number, that are added up over the samples; ``leaves`` are, of each input and then of each
    parameter, the array that it is in and its place there.
    """
    return _Padder(program, frozenset(summed), leaves).padded()


class _Padder:
    def __init__(self, program: Scalars, summed: frozenset[int], leaves: Sequence[tuple[Any, Place]]):
        self.program = program
        self.leaves = leaves
        self.n_leaves = n = program.n_leaves
        self.ops, self.args = program.ops, program.args
        self.varying = bytearray([*program.batched, *bytes(n - len(program.batched)), *varying(program)])
        self.names = {n + place if place >= 0 else -1 - place: name for place, name in program.names.items()}
        outputs = [n + output if output >= 0 else -1 - output for output in program.outputs]
        self.summed = [output for i, output in enumerate(outputs) if i in summed]
        self.stored = [output for i, output in enumerate(outputs) if i not in summed]
        self.result: dict[int, int] = {}  # the number of each operation among the results
        self.total: dict[int, int] = {}  # and of its sum over the samples
        self.home: dict[int, tuple[int, Place]] = {}  # the grid that it is in, and where
        self.grids: list[Grid | Leaves] = []
        self.refilled: dict[tuple[int, float], int] = {}
        self.gaps: dict[int, list[tuple[int, dict[Place, int]]]] = {}  # of a grid those made of it that have holes
        self.groups: list[Group] = []
        self.n = 0

    def padded(self) -> Groups:
        program = self.program
        n_batched, n_fixed = len(program.batched), program.n_fixed
        self.number(range(n_fixed, self.n_leaves))
        self.number(range(n_batched, n_fixed))
        self.number([i for i in range(n_batched) if not self.varying[i]])
        fused = self.fused_sums()
        shared = 0
        for varies in (0, 1):
            if varies:
                shared = self.n
                self.number([i for i in range(n_batched) if self.varying[i]])
            self.enter_leaves(varies)
            self.enter_all([i for i in range(self.n_leaves, len(self.ops)) if self.varying[i] == varies and i not in fused])
        first_total = self.n
        self.enter(sorted(fused), total=True)
        groups, numbers = totals([i for i in self.summed if i not in fused], self.varying, self.result, self.n)
        self.groups += groups
        self.total.update(numbers)
        return Groups(
            program.constants,
            program.n_parameters,
            [self.result[i] for i in range(n_batched)],
            shared,
            first_total,
            self.groups,
            [self.result[i] for i in self.stored],
            [self.total[i] for i in self.summed],
        )

    def number(self, members: Iterable[int]) -> None:
        for i in members:
            self.result[i] = self.n
            self.n += 1

    def enter_leaves(self, varies: int) -> None:
        """The arrays of inputs and parameters, and the constants in a row."""
        arrays: dict[Any, int] = {}
        n_fixed = self.program.n_fixed
        constants = [] if varies else [("constants", (i,)) for i in range(self.n_leaves - n_fixed)]
        for i, (key, place) in enumerate([*self.leaves, *constants]):
            if self.varying[i] == varies and (i < n_fixed or constants):
                if key not in arrays:
                    arrays[key] = len(self.grids)
                    self.grids.append(Leaves({}))
                self.home[i] = (arrays[key], place)
                self.grids[arrays[key]].results[place] = self.result[i]  # type: ignore[union-attr]

    def fused_sums(self) -> set[int]:
        """Outputs to be summed that are sums of products of what varies, and no more: they are never stored for a sample."""
        uses, stored, found = uses_of(self.program), set(self.stored), set()
        wanted = Counter(self.summed)
        for i in self.summed:
            op = self.ops[i]
            alone = i >= self.n_leaves and i not in stored and uses[i - self.n_leaves] == 2 * wanted[i]
            kinds = [kind for kind, _ in op.runs] if isinstance(op, Linear) else ["+·"] if op == "mul" else []
            if alone and len(kinds) == 1 and kinds[0] not in TERMS and all(self.varying[x] for x in self.args[i]):
                found.add(i)
        return found

    # ---- what belongs together ----------------------------------------------------------------------------------------------

    def enter_all(self, operations: Sequence[int]) -> None:
        """Groups of these, level by level."""
        users: dict[int, list[int]] = {}
        waits: dict[int, int] = {}
        stage = []
        for i in operations:
            ahead = {x for x in self.args[i] if x not in self.home}
            waits[i] = len(ahead)
            for x in ahead:
                users.setdefault(x, []).append(i)
            if not ahead:
                stage.append(i)
        while stage:
            later = self.enter(stage)
            following, put_off = list(later), set(later)
            for i in stage:
                for user in users.get(i, ()) if i not in put_off else ():
                    waits[user] -= 1
                    if not waits[user]:
                        following.append(user)
            stage = following

    def enter(self, stage: Sequence[int], total: bool = False) -> list[int]:
        """Groups of the operations of one level. Returns those that are put off to the next."""
        classes: dict[Any, list[int]] = {}
        made_of: dict[int, list[tuple[Any, list[Term]]]] = {}
        for i in stage:
            made_of[i] = self.parts(i)
            classes.setdefault((self.kind(i), *[key for key, _ in made_of[i]]), []).append(i)
        later = [] if total else self.put_off(classes, made_of)
        open_grids = {grid for found in self.gaps.values() for grid, _ in found}
        # what takes a grid with holes comes last: it may be one with what fills them by then
        ordered = sorted(classes.items(), key=lambda item: any(not open_grids.isdisjoint(part[1:]) for part in item[0][1:]))
        for (op, *keys), members in ordered:
            if not total and any(self.home[x][0] not in key for x, key in self.first_operands(members[0], made_of, keys)):
                later += members
                continue
            parts = [Part(key[0], [made_of[i][p][1] for i in members]) for p, key in enumerate(keys)]
            try:
                self.enter_group(op, members, parts, self.gridded(parts), total)
            except Failed:
                self.enter_rows(op, members, parts, total)
        return later

    def first_operands(self, i: int, made_of: dict[int, Any], keys: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """An operand of each kind, and the kind that it had when the operations were told apart."""
        for (_, terms), key in zip(made_of[i], keys, strict=True):
            for x in terms[0]:
                yield x, key[1:]

    def put_off(self, classes: dict[Any, list[int]], made_of: dict[int, list[tuple[Any, list[Term]]]]) -> list[int]:
        """Sums of two kinds of products of which others are the sums of one: the one is made a sum of its own, as it is there.

        So does the adjoint of a softmax of one number meet that of several, where that sum is used more than once.
        """
        later = []
        for key in [key for key in classes if len(key) > 2 and key[0] == ""]:
            inner = next((part for part in key[1:] if len(part[0]) == 2 and ("", part) in classes), None)
            if inner is None:
                continue
            for i in classes.pop(key):
                terms = dict(made_of[i])[inner]
                own = len(self.ops)
                self.ops.append(Linear(False, ((inner[0], len(terms)),)))
                self.args.append(tuple(chain.from_iterable(terms)))
                self.varying.append(self.varying[i])
                classes["", inner].append(own)
                made_of[own] = [(inner, terms)]
                others = [(part[0], some) for part, some in made_of[i] if part != inner]
                self.ops[i] = Linear(False, (*[(sign, len(some)) for sign, some in others], ("+", 1)))
                self.args[i] = (*[x for _, some in others for term in some for x in term], own)
                later.append(i)
        return later

    def enter_rows(self, op: str, members: list[int], parts: list[Part], total: bool) -> None:
        """The members in a row, those of equal lengths; each by itself if that cannot be."""
        by_length: dict[Any, list[int]] = {}
        for m in range(len(members)):
            by_length.setdefault(tuple([len(part.terms[m]) for part in parts]), []).append(m)
        for chosen in by_length.values():
            some = [Part(part.kind, [part.terms[m] for m in chosen]) for part in parts]
            row = list(range(len(chosen)))
            members_in_row = Members((len(chosen),), [row], [(m,) for m in row], list(row))
            self.enter_group(op, [members[m] for m in chosen], some, members_in_row, total, row=True)

    def kind(self, i: int) -> str:
        """The row of the table; empty for what is a sum."""
        op = self.ops[i]
        if isinstance(op, Linear) or op == "mul":
            return ""
        if op in ("add", "sub") and self.home[self.args[i][0]][0] != self.home[self.args[i][1]][0]:
            return ""
        return str(op)

    def parts(self, i: int) -> list[tuple[Any, list[Term]]]:
        """What an operation is made of, by kind and by the grids that the operands are in."""
        op, args, home = self.ops[i], self.args[i], self.home
        kind = self.kind(i)
        if kind in OF_ANY_NUMBER and len({home[x][0] for x in args}) == 1:
            return [(("x", home[args[0]][0]), [(x,) for x in args])]
        if kind:
            exponent = args[1:] if kind == "pow" and self.ops[args[1]] == CONSTANT else ()
            return [(("x", home[x][0], *exponent), [(x,)]) for x in args]
        if isinstance(op, Linear):
            runs = op.parts(args)
        else:
            runs = [("+·", args)] if op == "mul" else [("+", args[:1]), ("+" if op == "add" else "-", args[1:])]
        found: dict[Any, list[Term]] = {}
        copies: dict[Any, int] = {}
        for sign, operands in runs:
            width = 1 if sign in TERMS else 2
            for k in range(0, len(operands), width):
                term = tuple(sorted(operands[k : k + width], key=lambda x: home[x], reverse=True))  # x on the left in x @ W.T
                copies[sign, term] = copy = copies.get((sign, term), 0) + 1
                found.setdefault((sign, *[home[x][0] for x in term], copy), []).append(term)
        return sorted(found.items(), key=lambda item: (ORDER.index(item[0][0]), item[0][1:]))

    # ---- grids --------------------------------------------------------------------------------------------------------------

    def gridded(self, parts: list[Part]) -> Members:
        """The members as a grid. Raises ``Failed``."""
        n = len(parts[0].terms) if parts else 1
        columns: dict[tuple[int, ...], set[int]] = {}  # where the first terms are along an axis, and which factors move there
        for part in parts:
            for o in range(len(part.terms[0][0])):
                for places, within in self.along(part, o):
                    columns.setdefault(tuple(map(min, places)), set()).update(() if within else (o,))
        axes = _axes(list(columns))
        if prod([max(axis) + 1 for axis in axes]) > n:
            axes = next(([_ranked(column)] for column in columns if len(set(column)) == n), axes)
        counts = [max(axis) + 1 for axis in axes]
        found = list(zip(*axes, strict=True)) if axes else [()] * n
        if len(set(found)) < n or n < FULLEST * prod(counts):
            raise Failed
        if len(parts) == 1 and len(parts[0].kind) == 2:  # of products first the axes of both factors, then those of the left
            sides = [
                {o for column, some in columns.items() for o in some if _moves(column, a, found)} for a in range(len(axes))
            ]
            first = 0
            if sides.count({0}) == sides.count({1}) == 1:  # the upper triangle is turned, and the factors with it
                down, across = axes[sides.index({0})], axes[sides.index({1})]
                if down != across and all(r <= c for r, c in zip(down, across, strict=True)):
                    first = 1
                    parts[0] = Part(parts[0].kind, [[(y, x) for x, y in terms] for terms in parts[0].terms])
            ranked = sorted(range(len(axes)), key=lambda a: 0 if sides[a] == {0, 1} else 1 if sides[a] == {first} else 2)
            axes, counts = [axes[a] for a in ranked], [counts[a] for a in ranked]
            found = list(zip(*axes, strict=True)) if axes else found
        at = {place: m for m, place in enumerate(found)}
        every = list(product(*map(range, counts)))
        return Members(tuple(counts), axes, every, [at.get(place) for place in every])

    def along(self, part: Part, o: int) -> Iterator[tuple[list[list[int]], bool]]:
        """Of each axis of a factor: where the terms of each member are, and whether the longest list has all these places."""
        homes = [[self.home[term[o]][1] for term in terms] for terms in part.terms]
        for axis in range(len(homes[0][0])):
            places = [[home[axis] for home in some] for some in homes]
            longest = max([len(set(some)) for some in places])
            yield places, longest > 1 and len(set(chain.from_iterable(places))) == longest

    def taken(self, op: str, part: Part, members: Members, row: bool, is_numerator: bool) -> list[list[list[int]]]:
        """The results that a part takes in each place: for each factor a matrix, of which each place is a row."""
        if row:
            return [[[self.result[term[o]] for term in terms] for terms in part.terms] for o in range(len(part.terms[0][0]))]
        grids = [self.home[x][0] for x in part.terms[0][0]]
        bases: list[list[list[int]]] = []  # of each factor, along each of its axes: where the first term is in each place
        offsets: list[list[list[int]]] = []  # and how far the terms of each member are from there
        spans = [0]
        for o in range(len(grids)):
            bases.append([])
            for columns, within in self.along(part, o):
                if within:
                    bases[o].append([0] * len(members.places))
                    offsets.append(columns)
                else:
                    first = [min(column) for column in columns]
                    bases[o].append(_everywhere(first, members))
                    offsets.append([[x - low for x in column] for column, low in zip(columns, first, strict=True)])
            spans.append(len(offsets))
        keys = [list(zip(*[some[m] for some in offsets], strict=True)) or [()] * len(t) for m, t in enumerate(part.terms)]
        every = sorted(set(chain.from_iterable(keys)))
        if len(every) != max(map(len, keys)) or any(len(set(some)) < len(some) for some in keys):
            raise Failed
        matrices = []
        for o, grid in enumerate(grids):
            steps = [key[spans[o] : spans[o + 1]] for key in every]
            rows = zip(*bases[o], strict=True) if bases[o] else [()] * len(members.places)
            matrix = []
            for base, m in zip(rows, members.chosen, strict=True):
                at = self.grids[grid].at if m is not None else self.grids[grid].somewhere
                matrix.append([at(tuple([b + s for b, s in zip(base, step, strict=True)])) for step in steps])
            matrices.append(matrix)
        holes = [self.grids[grid].holes for grid in grids]
        if not is_numerator and op and (op in OF_ANY_NUMBER or op not in AT_ZERO):
            self.fill(grids, holes, matrices, OF_ANY_NUMBER.get(op, 1.0))
        for r, m in enumerate(members.chosen):
            if m is None or len(keys[m]) == len(every):
                continue
            known = set(keys[m])
            for t, key in enumerate(every):  # a term too many must be padding
                if key not in known and not any(matrix[r][t] in some for matrix, some in zip(matrices, holes, strict=True)):
                    raise Failed
        return matrices

    def fill(self, grids: list[int], holes: list[frozenset[int]], matrices: list[list[list[int]]], number: float) -> None:
        """Take these operands from copies of their grids with another number for padding, if they take padding."""
        for o, grid in enumerate(grids):
            if any(x in holes[o] for line in matrices[o] for x in line):
                known = self.grids[grid]
                assert isinstance(known, Grid)
                shift = self.filled(grid, number) - known.first
                holes[o] = frozenset([x + shift for x in holes[o]])
                matrices[o] = [[x + shift for x in line] for line in matrices[o]]

    def filled(self, grid: int, number: float) -> int:
        """The first result of a copy of a grid with another number for padding."""
        key = grid, number
        if key not in self.refilled:
            self.refilled[key] = first = self.n
            known = self.grids[grid]
            assert isinstance(known, Grid)
            n = prod(known.shape)
            mask = tuple([known.first + r not in known.holes for r in range(n)])
            self.n += n
            self.groups.append(
                Group("Map", "held", first, n, (Index(known.first, 1),), axes=known.shape, padding=Padding(mask, number))
            )
        return self.refilled[key]

    # ---- what a group says --------------------------------------------------------------------------------------------------

    def enter_group(
        self, op: str, members: list[int], parts: list[Part], laid: Members, total: bool, row: bool = False
    ) -> None:
        """A group of these members. Raises ``Failed`` before anything is entered."""
        taken = [self.taken(op, part, laid, row, op == "div" and not p) for p, part in enumerate(parts)]
        size = len(laid.places)
        first = self.n
        self.n += size
        holes = frozenset([first + r for r, m in enumerate(laid.chosen) if m is None])
        for r, m in enumerate(laid.chosen):
            if m is not None:
                self.result[members[m]] = first + r
                self.home[members[m]] = (len(self.grids), laid.places[r])
                if total:
                    self.total[members[m]] = first + r
        self.grids.append(Grid(first, laid.shape, holes))
        padding = Padding(tuple([m is not None for m in laid.chosen]), 0.0) if holes else None
        if padding and self.is_zero_there(op, parts, taken, laid):
            padding = padding._replace(implied=True)
        name, axes = self.name(members), laid.shape or (1,)
        if op:
            columns = [[line[k] for line in matrix] for (matrix,) in taken for k in range(len(matrix[0]))]
            operands = tuple([vector_of(column) for column in columns])
            self.groups.append(Group("Map", op, first, size, operands, name=name, axes=axes, padding=padding))
            self.join(members, parts, laid)
            return
        runs = tuple([self.run(part.kind, matrices, axes, padding) for part, matrices in zip(parts, taken, strict=True)])
        kind = "Total" if total else "Sum"
        self.groups.append(Group(kind, "", first, size, (), False, runs, name, axes=axes, padding=padding))
        if not total:
            self.join(members, parts, laid)

    def is_zero_there(self, op: str, parts: list[Part], taken: list[list[list[list[int]]]], laid: Members) -> bool:
        """Whether padding is 0 by itself: of what is 0, or a product of that with more of it or with a number."""
        if op not in ("", *ZERO_AT_ZERO):
            return False
        n_numbers = len(self.program.constants)
        numbers = self.program.constants
        for part, matrices in zip(parts, taken, strict=True):
            holes = [self.grids[self.home[x][0]].holes for x in part.terms[0][0]]
            for r, m in enumerate(laid.chosen):
                for t in range(len(matrices[0][r])) if m is None else ():
                    places = [matrix[r][t] for matrix in matrices]
                    zero = [x in some for x, some in zip(places, holes, strict=True)]
                    known = [z or (x < n_numbers and isfinite(numbers[x])) for x, z in zip(places, zero, strict=True)]
                    if not any(zero) or not all(known):
                        return False
        return True

    def join(self, members: list[int], parts: list[Part], laid: Members) -> None:
        """The group just entered fills the holes of another, member by member: both together are one grid from now on.

        So it is where one entry of many is treated in its own way, as in the slopes of a cross entropy.
        """
        own, places = len(self.grids) - 1, [self.home[i][1] for i in members]
        for part, o in [(some, o) for some in parts for o in range(len(some.terms[0][0]))]:
            if any(len(terms) > 1 for terms in part.terms):
                continue
            grid = self.home[part.terms[0][0][o]][0]
            there = [self.home[terms[0][o]][1] for terms in part.terms]
            for other, others in self.gaps.get(grid, ()):
                if not set(there) & others.keys() and self.joined(own, other, members, there, others):
                    return
            known = self.grids[grid]
            if self.grids[own].holes and isinstance(known, Grid) and known.shape == laid.shape and there == places:
                self.gaps.setdefault(grid, []).append((own, dict(zip(places, members, strict=True))))
                return

    def joined(self, own: int, other: int, members: list[int], there: list[Place], others: dict[Place, int]) -> bool:
        """Whether the members, at these places of another grid, could be put into its holes."""
        known = self.grids[other]
        assert isinstance(known, Grid)
        at = {place: m for m, place in enumerate(there)}
        places = list(product(*map(range, known.shape)))
        if len(at) + len(others) < len(places):
            return False
        axes = [list(axis) for axis in zip(*there, strict=True)]
        try:
            filling = _everywhere(
                [self.result[i] for i in members], Members(known.shape, axes, places, [at.get(place) for place in places])
            )
        except Failed:
            return False
        first = self.n
        self.n += len(places)
        mask = tuple([place in others for place in places])
        operands = (Index(known.first, 1), vector_of(filling))
        self.groups.append(
            Group("Map", JOINED, first, len(places), operands, axes=known.shape, padding=Padding(mask, 0.0, True))
        )
        self.grids.append(Grid(first, known.shape, frozenset()))
        for r, place in enumerate(places):
            i = others.get(place, members[at[place]] if place in at else None)
            if i is not None:
                self.result[i], self.home[i] = first + r, (len(self.grids) - 1, place)
        return True

    def run(self, kind: str, matrices: list[list[list[int]]], axes: Shape, padding: Padding | None) -> Run:
        """The run of a sum, as a matrix product if it is one."""
        size, depth = len(matrices[0]), len(matrices[0][0])
        for cut in range(1, len(axes)) if len(kind) == 2 and padding is None else ():
            rows, columns = prod(axes[:cut]), prod(axes[cut:])
            lefts, rights = matrices[0][::columns], matrices[1][:columns]
            if all(matrices[0][r] == lefts[r // columns] and matrices[1][r] == rights[r % columns] for r in range(size)):
                return Run("product", kind[0], 0, rows, columns, depth, (matrix_of(lefts), matrix_of(rights)))
        name = "dots" if len(kind) == 2 else "terms"
        return Run(name, kind[0], 0, size, 1, depth, tuple([matrix_of(matrix) for matrix in matrices]))

    def name(self, members: list[int]) -> str:
        """What all members are called, but for their numbers and indices."""
        found = {stem(self.names.get(i, "")) for i in members} if self.names else {""}
        return found.pop() if len(found) == 1 else ""


def _axes(columns: list[tuple[int, ...]]) -> list[list[int]]:
    """Axes along which the members of a group lie, of the columns of numbers that they have: where each is on each axis.

    A column that another one tells is no axis of its own; one that tells another is taken within that, if that is even.
    """
    axes: list[list[int]] = []
    for column in sorted(columns, key=lambda column: len(set(column))):
        ranks = list(column)
        for axis in list(axes):
            inner: dict[int, set[int]] = {}
            for a, x in zip(axis, ranks, strict=True):
                inner.setdefault(a, set()).add(x)
            lengths = [len(some) for some in inner.values()]
            if len(set(chain.from_iterable(inner.values()))) < sum(lengths):
                continue
            if len(set(lengths)) > 1:
                axes.remove(axis)
                continue
            rank = {x: r for some in inner.values() for r, x in enumerate(sorted(some))}
            ranks = [rank[x] for x in ranks]
        more = [*axes, _ranked(ranks)]
        if len(set(zip(*more, strict=True))) > (len(set(zip(*axes, strict=True))) if axes else 1):
            axes = more
    return axes


def _ranked(column: Sequence[int]) -> list[int]:
    rank = {x: r for r, x in enumerate(sorted(set(column)))}
    return [rank[x] for x in column]


def _moves(column: Sequence[int], axis: int, places: Sequence[Place]) -> bool:
    """Whether the numbers change along an axis where all else is the same."""
    seen: dict[Place, int] = {}
    pairs = zip(places, column, strict=True)
    return any(seen.setdefault(place[:axis] + place[axis + 1 :], x) != x for place, x in pairs)


def _everywhere(numbers: list[int], members: Members) -> list[int]:
    """Numbers of the members in every place of the grid, also where no member is: by the fewest axes that tell them.

    Raises ``Failed`` if none do.
    """
    if None not in members.chosen:
        return [numbers[m] for m in members.chosen if m is not None]
    for count in range(len(members.axes) + 1):
        for some in combinations(range(len(members.axes)), count):
            told: dict[Place, int] = {}
            for m, x in enumerate(numbers):
                if told.setdefault(tuple([members.axes[a][m] for a in some]), x) != x:
                    break
            else:
                keys = [tuple([place[a] for a in some]) for place in members.places]
                if all(key in told for key in keys):
                    return [told[key] for key in keys]
    raise Failed
