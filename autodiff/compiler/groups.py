"""Groups: the form of a program that everything which writes programs reads, the machine, the source and other languages.

A group is a vector instruction in static single assignment. The results of a program are numbered one after the other: the
constants, the parameters, the inputs that all samples share, what is computed of these alone; from ``shared`` on the inputs of
each sample, and what is computed for each sample; from ``totals`` on the sums over the samples. A group makes ``size`` results
in a row, its members. There are these:

``Map``
    Any row of the table, member by member: member i is op(a[i], b[i], …) for the operands a, b, ….
``Sum``
    Member by member a sum from left to right, which begins with 0.0 (``from_zero``) or −0.0 (with nothing) and goes on with
    each of its ``runs``. A run of ``"terms"`` adds to member r the terms x[r, 0], x[r, 1], …; a run of ``"dots"`` adds the
    products x[r, k] · y[r, k]; a run of ``"product"`` is a matrix product, and adds to member r · columns + c the products
    x[r, k] · y[c, k]. All of them from k = 0 on; or they subtract. A run may concern only some of the members.
``Total``
    As ``Sum``, but added up over the samples of a batch besides. It has one run of depth 1 or more.
``Loop``
    A ``body`` of groups that is done so many ``times``. Its results are first its locals: those that are carried, which begin
    as ``initial`` and after each time become the results ``following`` of the body, and those that are ``taken`` anew each
    time, each from its own vector with a result for each time. Then come the results of the body, which are those of the last
    time once it is over, and in the end what is ``kept`` of each time, one time after the other.

A group of text may have ``axes``, along which its members lie row by row, and ``padding``: members that are not of the program,
whose results are one number whatever their operands are.

Which results an operand takes is said by an ``Index``. Two programs in this form differ only in what their groups say: nothing
is hidden in an order of slots, and no result is overwritten.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from autodiff.compiler.members import even_entries, even_steps


class Index(NamedTuple):
    """The results in a matrix of operands: in row r and column k number ``start + r · rows + k · columns``, or by a table.

    ``table`` lists them row by row where they do not lie so evenly. A vector is a matrix of one column.
    """

    start: int
    rows: int = 0
    columns: int = 0
    table: array[int] | None = None

    def entries(self, rows: int, columns: int) -> array[int]:
        """All of them, row by row."""
        if self.table is not None:
            return self.table
        return even_entries(self.start, self.rows, self.columns, rows, columns)


def index_of(entries: array[int], rows: int, columns: int = 1) -> Index:
    """The index of the results in a matrix, listed row by row: evenly if they lie so."""
    if not entries:
        return Index(0)
    steps = even_steps(entries, rows, columns)
    return Index(entries[0], 0, 0, entries) if steps is None else Index(entries[0], *steps)


def vector_of(results: Iterable[int]) -> Index:
    """The index of these results, one after the other."""
    found = array("i", results)
    return index_of(found, len(found))


def matrix_of(rows: Sequence[Sequence[int]]) -> Index:
    """The index of a matrix of results, row by row."""
    return index_of(array("i", chain.from_iterable(rows)), len(rows), len(rows[0]))


class Run(NamedTuple):
    """A run of a sum: ``kind`` is ``"terms"``, ``"dots"`` or ``"product"``, ``sign`` is ``"+"`` or ``"-"``.

    Its ``rows`` × ``columns`` results (one column, but for a product) go to the members from ``offset`` on; each is made of
    ``depth`` terms or products.
    """

    kind: str
    sign: str
    offset: int
    rows: int
    columns: int
    depth: int
    operands: tuple[Index, ...]

    @property
    def backwards(self) -> bool:
        """Whether the results it takes run backwards, as they do in sums of the adjoint; for text, which may turn them."""
        x = self.operands[0]
        return self.depth > 1 and (x.columns < 0 if x.table is None else x.table[self.depth - 1] < x.table[0])


class Loop(NamedTuple):
    """What a loop does, as the module says. ``n_carried`` and ``n_kept`` are how many there are."""

    times: int
    n_carried: int
    initial: Index
    following: Index
    taken: tuple[Index, ...]
    body: tuple[Group, ...]
    n_kept: int
    kept: Index

    def indices(self) -> Iterator[tuple[Index, int, int]]:
        """Every operand of the loop and of its body, with the rows and the columns that it has."""
        if self.n_carried:
            yield self.initial, self.n_carried, 1
            yield self.following, self.n_carried, 1
        for operand in self.taken:
            yield operand, self.times, 1
        for group in self.body:
            yield from group.indices()
        if self.n_kept:
            yield self.kept, self.n_kept, 1

    def text(self, first: int, size: int) -> str:
        """``100 times, …``, a line for what is carried, for what is taken, for what is kept and for each line of the body."""
        lines = [f"{self.times:,} times"]
        at = first
        if self.n_carried:
            lines.append(f"v[{at}:{at + self.n_carried}] from {_shown(self.initial)}, then {_shown(self.following)}")
            at += self.n_carried
        for number, operand in enumerate(self.taken):
            lines.append(f"v[{at + number}] the next of {_shown(operand)}")
        lines += [line for group in self.body for line in str(group).split("\n")]
        if self.n_kept:
            lines.append(f"v[{first + size - self.times * self.n_kept}:{first + size}] keeps {_shown(self.kept)}")
        return "\n    ".join(lines)


class Padding(NamedTuple):
    """Which members are of the program, and the number that the others are; whether they are that by what they are made of."""

    mask: tuple[bool, ...]
    number: float
    implied: bool = False


class Group(NamedTuple):
    """One vector instruction, as the module says. ``first`` is the number of its first result."""

    kind: str  # "Map", "Sum" or "Total"
    op: str  # the row of the table; empty for sums
    first: int
    size: int
    operands: tuple[Index, ...] = ()
    from_zero: bool = False
    runs: tuple[Run, ...] = ()
    name: str = ""  # what all members are called, but for their numbers
    loop: Loop | None = None
    axes: tuple[int, ...] = ()
    padding: Padding | None = None

    def indices(self) -> Iterator[tuple[Index, int, int]]:
        """Every operand, with the rows and the columns that it has."""
        if self.loop is not None:
            yield from self.loop.indices()
        for operand in self.operands:
            yield operand, self.size, 1
        for run in self.runs:
            yield run.operands[0], run.rows, run.depth
            for operand in run.operands[1:]:
                yield operand, run.columns if run.kind == "product" else run.rows, run.depth

    def __str__(self) -> str:
        """``v[14:30] = tanh of 14 (+1)``, a line for each run of a sum."""
        head = f"v[{self.first}:{self.first + self.size}] = "
        if self.loop is not None:
            return head + self.loop.text(self.first, self.size)
        if self.kind == "Map":
            return f"{head}{self.op} of {', '.join(map(_shown, self.operands))}"
        begin = "0" if self.from_zero else "nothing"
        lines = [f"{head}{begin}" + (", over the samples" if self.kind == "Total" else "")]
        for kind, sign, offset, rows, columns, depth, operands in self.runs:
            size = f"{rows} × {columns} × {depth}" if kind == "product" else f"{rows} × {depth}"
            lines.append(
                f"    {sign} {kind} ({size}) of {', '.join(map(_shown, operands))}" + (f", from {offset}" * (offset > 0))
            )
        return "\n".join(lines)


def totals(
    summed: Iterable[int], varying: Sequence[int], result: Sequence[int] | Mapping[int, int], first: int
) -> tuple[list[Group], dict[int, int]]:
    """Groups that add up these operations over the samples, each once, and the number of each sum, from ``first`` on."""
    groups: list[Group] = []
    numbers: dict[int, int] = {}
    for varies in (0, 1):
        some = [i for i in dict.fromkeys(summed) if varying[i] == varies]
        if some:
            at = first + len(numbers)
            run = Run("terms", "+", 0, len(some), 1, 1, (vector_of([result[i] for i in some]),))
            groups.append(Group("Total", "", at, len(some), (), True, (run,)))
            numbers.update(zip(some, range(at, at + len(some)), strict=True))
    return groups, numbers


def _shown(index: Index) -> str:
    if index.table is not None:
        return f"a table of {len(index.table)}"
    steps = [f"{step:+d}" for step in (index.rows, index.columns) if step]
    return str(index.start) + (f" ({', '.join(steps)})" if steps else "")


@dataclass(slots=True)
class Groups:
    """A whole program. The results of the constants, then of the parameters, come first; ``inputs`` are those of the inputs.

    ``stored`` are the results wanted for each sample, ``totals_wanted`` those wanted of the sums over them.
    """

    constants: list[float]
    n_parameters: int
    inputs: list[int]
    shared: int  # how many results are the same for all samples, not counting the sums over them
    totals: int  # the first result that is a sum over the samples
    groups: list[Group]
    stored: list[int]
    totals_wanted: list[int]
    counts: dict[str, int] = field(default_factory=dict)  # operations after each pass

    @property
    def n_results(self) -> int:
        """How many results there are."""
        return max(self.totals, self.groups[-1].first + self.groups[-1].size if self.groups else 0)

    def __str__(self) -> str:
        """A listing: how many operations each pass left, then every group."""
        passes = " → ".join(f"{name} {count:,}" for name, count in self.counts.items())
        lines = [f"{passes} operations → {len(self.groups):,} groups"]
        titles = {False: "once:", True: "for each sample:"}
        said = None
        for group in self.groups:
            title = titles[group.first >= self.shared]
            if title != said:
                lines.append(title)
                said = title
            lines += [f"    {line}" for line in str(group).split("\n")]
        return "\n".join(lines)
