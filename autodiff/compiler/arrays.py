"""Arrays: a program in groups as Python in the terms of the Array API standard, the samples of a batch along the first axis.

The text needs a namespace ``xp`` and nothing else: NumPy 2, ``jax.numpy``, what ``array-api-compat`` makes of torch and CuPy.
Each group is a line. A variable has the shape that makes its operands views of others, slices, reshapes and transposes; where
numbers lie so irregularly that there is no such view they are taken by a table.
"""

from __future__ import annotations

import keyword
import operator
import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from math import gcd, isfinite, prod
from typing import Any, NamedTuple

from autodiff.compiler.groups import Group, Groups, Run
from autodiff.compiler.padded import JOINED
from autodiff.compiler.spellings import HELPERS, SPELLINGS, Spelling, helpers_within
from autodiff.errors import UnknownNameError

Shape = tuple[int, ...]
MOST_PIECES = 8  # that are put side by side; more are taken by a table
LONGEST_INLINE, LONGEST_LINE = 40, 96  # letters of what is written into the line that uses it, and of that line
AUTOMATIC = re.compile("\x00\\d+\x00")  # a variable without a name of its own, until all is written
COMPARISONS = {"greater": "{0} > {1}", "greater_equal": "{0} >= {1}", "equal": "{0} == {1}"}
BY_NUMBER = {  # rows whose second operand is one number
    "pow": "{0} ** {1}", "at_most": "xp.where({0} > {1}, {1}, {0})", "at_least": "xp.where({0} < {1}, {1}, {0})",
}  # fmt: skip
FEW = 3  # as many terms are written out; more are the sum along an axis


@dataclass(eq=False)
class Variable:
    """An array of the text. ``shape`` is without the axis of the samples, which comes first if it ``varies``."""

    text: str
    shape: Shape
    varies: bool
    boolean: bool = False

    @property
    def size(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True)
class Constant:
    """A number in the text."""

    number: float


Cell = tuple[Variable, int] | Constant  # where a result is: a variable and the place in it, counted row by row


class Text(NamedTuple):
    """An expression. ``shape``, without the samples, has a 1 where it is to be broadcast; it is empty for one number."""

    text: str
    shape: Shape
    varies: bool


@dataclass
class Argument:
    """An argument of the function: its name, and of each array in it the path, the shape in a sample, the axis of samples.

    ``axis`` is None for what all samples share.
    """

    name: str
    blocks: list[tuple[str, Shape, int | None]]


@dataclass
class ArrayOf:
    """An array of parameters: its key, its shape, and which of the program's parameters each number is (None: of none)."""

    key: str
    shape: Shape
    places: list[int | None]


@dataclass
class Written:
    """A function as text: its first line, the lines in it, and the helpers that it calls."""

    head: str
    lines: list[str]
    helpers: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        return "\n".join([self.head, *[f"    {line}" for line in self.lines]]) + "\n"


def helper_text(names: set[str]) -> str:
    """The functions that the text of some others calls, and those that these call."""
    return "\n\n".join(HELPERS[name] for name in HELPERS if name in helpers_within(names))


def written(
    groups: Groups,
    name: str,
    doc: str,
    arguments: Sequence[Argument],
    arrays: Sequence[ArrayOf],
    *,
    result: Shape | None = None,
    reduce: str | None = "mean",
    gradients: bool = False,
    wanted: Shape | None = None,
) -> Written:
    """``def name(xp, params, *arguments)``.

    It returns the values of the samples, in the shape ``result``; or, with ``gradients``, the loss and a dictionary of the
    gradients of ``arrays``; or, with ``wanted``, the values and the gradients of that shape of each sample's own inputs.
    """
    writer = _Writer(groups, arguments, arrays)
    writer.write_groups()
    if gradients:
        writer.return_gradients(reduce)
    elif wanted is not None:
        writer.return_values(groups.stored[:1], (), groups.stored[1:], wanted)
    else:
        writer.return_values(groups.stored, result if result is not None else (len(groups.stored),))
    return writer.finished(name, doc)


class Namer:
    """Hands out names that are free: no keywords, and nothing that the text uses itself."""

    def __init__(self) -> None:
        self.taken = {"xp", "params", "dtype", "n", "values", "loss", "loss_and_gradients", "gradients", *HELPERS}

    def __call__(self, wanted: str) -> str:
        plain = unicodedata.normalize("NFKC", wanted)
        plain = "".join(letter if f"a{letter}".isidentifier() else "_" for letter in plain)
        if not plain.isidentifier():
            plain = f"_{plain}"
        found, number = plain, 2
        while found in self.taken or keyword.iskeyword(found):
            found = f"{plain}_{number}"
            number += 1
        self.taken.add(found)
        return found


def short_name(key: str, shape: Shape) -> str:
    """``W0`` of layers.0.w, ``b0`` of layers.0.b, ``query`` of query: one letter is a capital if it is a matrix."""
    words = unicodedata.normalize("NFKC", key).split(".")
    stem = next((word for word in reversed(words) if not word.isdecimal()), "p")
    if len(stem) == 1 and len(shape) > 1:
        stem = stem.upper()
    return stem + "_".join(word for word in words if word.isdecimal())


class _Writer:
    def __init__(self, groups: Groups, arguments: Sequence[Argument], arrays: Sequence[ArrayOf]):
        self.groups = groups
        self.arguments = arguments
        self.arrays = arrays
        self.name = Namer()
        self.head: list[str] = []
        self.lines: list[str] = []
        self.helpers: set[str] = set()
        self.count = 0
        self.needs_n = False
        self.needs_dtype = False
        self.cells: list[Cell] = [Constant(number) for number in groups.constants]
        self.joined: dict[tuple[int, ...], tuple[Variable, dict[int, int]]] = {}
        self.summed: dict[int, Variable] = {}
        self.masks: dict[Any, str] = {}
        self.straight = False  # whether the sum that is being written has its members in the order of its axes
        self.kept: list[Variable] = []  # so that no identity is used twice
        none = Variable("", (), False)
        self.cells += [(none, 0)] * (groups.n_results - len(self.cells))
        self.used = {
            entry
            for group in groups.groups
            if group.kind != "Total"
            for index, rows, columns in group.indices()
            for entry in index.entries(rows, columns)
        }
        self.conditions = _conditions(groups)
        wanted = groups.totals_wanted[-groups.n_parameters :] if groups.totals_wanted else []
        numbers = {result: i for i, result in enumerate(wanted)}  # of the parameter whose gradient it is
        places = {p: (a, i) for a, array in enumerate(arrays) for i, p in enumerate(array.places) if p is not None}
        self.gradient_places = {result: places[p] for result, p in numbers.items() if p in places}
        self.argument_names: list[str] = []
        self.n = ""
        self.enter_arguments()
        self.like = ""
        self.fetched: dict[str, str] = {}
        self.enter_parameters()

    # ---- what comes in ------------------------------------------------------------------------------------------------------

    def enter_arguments(self) -> None:
        """The arguments that are used as arrays with the samples in front; and how many samples there are."""
        number = 0
        unused = ""  # an expression for the number of samples, if no argument that has any is used
        for argument in self.arguments:
            name = self.name(argument.name)
            self.argument_names.append(name)
            for path, shape, axis in argument.blocks:
                results = self.groups.inputs[number : number + prod(shape)]
                number += prod(shape)
                varies = axis is not None
                text = f"xp.asarray({name}{path}, dtype=dtype)"
                if not any(result in self.used for result in results) and not self.is_wanted(results):
                    unused = unused or (f"{text}.shape[{axis}]" if varies else "")
                    continue
                self.needs_dtype = True
                local = self.name(f"{argument.name}_{len(self.kept)}") if path else name
                self.head.append(f"{local} = " + (f"xp.moveaxis({text}, {axis}, 0)" if axis else text))
                if varies and not self.n:
                    self.n = f"{local}.shape[0]"
                if shape:
                    self.place(results, Variable(local, shape, varies))
                else:
                    self.place(results, Variable(f"{local}[:, None]" if varies else f"{local}[None]", (1,), varies))
        self.needs_dtype = self.needs_dtype or (bool(unused) and not self.n)
        self.n = self.n or unused

    def is_wanted(self, results: Sequence[int]) -> bool:
        wanted = {*self.groups.stored, *self.groups.totals_wanted}
        totals = {
            entry
            for group in self.groups.groups
            if group.kind == "Total"
            for index, rows, columns in group.indices()
            for entry in index.entries(rows, columns)
        }
        return any(result in wanted or result in totals for result in results)

    def enter_parameters(self) -> None:
        first = len(self.groups.constants)
        fetched = []
        for array in self.arrays:
            results = [first + place for place in array.places if place is not None]
            if not any(result in self.used for result in results) and not self.is_wanted(results):
                continue
            name = self.name(short_name(array.key, array.shape))
            self.fetched[array.key] = name
            fetched.append(f"{name} = params[{quoted(array.key)}]")
            self.like = self.like or name
            variable = Variable(name, array.shape, False) if array.shape else Variable(f"{name}[None]", (1,), False)
            self.kept.append(variable)
            for place, parameter in enumerate(array.places):
                if parameter is not None:
                    self.cells[first + parameter] = (variable, place)
        self.head = fetched + self.head

    def place(self, results: Sequence[int], variable: Variable, order: Sequence[int] | None = None) -> None:
        """The results are in a variable, in the places ``order`` or one after the other."""
        self.kept.append(variable)
        for i, result in enumerate(results):
            self.cells[result] = (variable, i if order is None else order[i])

    def finished(self, name: str, doc: str) -> Written:
        head = list(self.head)
        if self.needs_dtype:
            dtype = f"{self.like}.dtype" if self.like else "xp.float64"
            at = len(self.fetched)
            head.insert(at, f"dtype = {dtype}")
        if self.needs_n:
            head.append(f"n = {self.n}")
        self.inline()
        arguments = "".join(f", {argument}" for argument in self.argument_names)
        return Written(f"def {name}(xp, params{arguments}):", [f'"""{doc}"""', *head, *self.lines], self.helpers)

    def inline(self) -> None:
        """What is used once and short stands where it is used."""
        uses: dict[str, list[int]] = {}
        for number, line in enumerate(self.lines):
            for word in AUTOMATIC.findall(line):
                uses.setdefault(word, []).append(number)
        gone = set()
        for number, line in enumerate(self.lines):
            name, equals, text = line.partition(" = ")
            if not equals or not AUTOMATIC.fullmatch(name) or len(uses[name]) != 2:
                continue
            user = uses[name][1]
            target = self.lines[user]
            left, name_end, right = target.partition(" = ") if " = " in target else ("", "", target)
            word = text if _is_one(text) else f"({text})"
            new = right.replace(name, word)
            if new.startswith("(") and new == word and not _is_one(text):
                new = text
            if len(text) > LONGEST_INLINE or len(left + name_end + new) > LONGEST_LINE:
                continue
            self.lines[user] = left + name_end + new
            for other in AUTOMATIC.findall(text):
                uses[other] = [user if at == number else at for at in uses[other]]
            gone.add(number)
        self.lines = [line for number, line in enumerate(self.lines) if number not in gone]
        automatic = dict.fromkeys(name for line in self.lines for name in AUTOMATIC.findall(line))
        names = {name: self.name(f"v{i}") for i, name in enumerate(automatic)}
        self.lines = [AUTOMATIC.sub(lambda found: names[found[0]], line) for line in self.lines]

    # ---- groups -------------------------------------------------------------------------------------------------------------

    def write_groups(self) -> None:
        for group in self.groups.groups:
            if group.kind == "Map":
                self.write_map(group)
            elif group.kind == "Total":
                self.write_total(group)
            else:
                self.write_sum(group)

    def define(self, text: Text, shape: Shape, name: str = "", boolean: bool = False) -> Variable:
        """A new line, and its variable, which has this shape whole."""
        whole = self.whole(text, shape)
        if not name:
            name = f"\x00{self.count}\x00"
            self.count += 1
        else:
            name = self.name(name)
        variable = Variable(name, shape, text.varies, boolean)
        self.lines.append(f"{variable.text} = {whole}")
        self.kept.append(variable)
        return variable

    def write_map(self, group: Group) -> None:
        if group.op not in SPELLINGS and group.op != JOINED:
            raise UnknownNameError(
                f"the operation {group.op!r} has no spelling in the Array API standard, so that {group.name or 'this program'} "
                "cannot be written as arrays: write it with the operations of the table"
            )
        operands = [[self.cells[entry] for entry in index.entries(group.size, 1)] for index in group.operands]
        shape = group.axes or self.common_shape(operands, group.size)
        if group.op == JOINED and group.padding is not None:
            spelling = Spelling(f"xp.where({self.mask(group.padding.mask, group.axes)}, {{0}}, {{1}})")
        elif group.op in BY_NUMBER and len(set(operands[1])) == 1 and isinstance(operands[1][0], Constant):
            spelling = Spelling(
                "{0} * {0}" if operands[1][0] == Constant(2.0) and group.op == "pow" else BY_NUMBER[group.op], True
            )
        else:
            spelling = SPELLINGS[group.op]
        boolean = group.first in self.conditions
        if boolean:
            spelling = Spelling(COMPARISONS[group.op], True)
        elif group.op == "select" and all(isinstance(cell, tuple) and cell[0].boolean for cell in operands[0]):
            spelling = Spelling("xp.where({0}, {1}, {2})", any(isinstance(x, tuple) for cells in operands[1:] for x in cells))
        if spelling.along_axis and not (spelling.pair and len(operands) == 2):
            pieces = self.piece_by_piece(group.op, spelling, operands, shape)
            if pieces is not None:
                self.place(self.results(group), self.define(self.masked(pieces, group), shape, group.name))
                return
            single = operands[: spelling.single]
            matrix = [cell for row in zip(*operands[spelling.single :], strict=True) for cell in row]
            texts = [self.fitted(cells, shape) for cells in single]
            texts.append(self.fitted(matrix, (*shape, len(operands) - spelling.single), full=True, array=True))
            actual, form, literal = shape, spelling.text, False
        else:
            numbers = all(not isinstance(cell, tuple) for cells in operands for cell in cells)
            texts = [self.fitted(cells, shape, array=numbers) for cells in operands]
            actual = _broadcast([text.shape for text in texts])
            form, literal = spelling.pair or spelling.text, spelling.literal
        text = Text(self.spelled(form, texts, literal), actual, any(text.varies for text in texts))
        self.place(self.results(group), self.define(self.masked(text, group), shape, group.name, boolean))

    def masked(self, text: Text, group: Group) -> Text:
        """With the number that padding is, where the group has any."""
        if group.padding is None or group.padding.implied:
            return text
        mask, number, _ = group.padding
        self.needs_dtype = True
        word = self.as_array(text.text) if _is_literal(text.text) else text.text
        whole = f"xp.where({self.mask(mask, group.axes)}, {word}, {_literal(number)})"
        return Text(whole, _broadcast([text.shape, group.axes]), text.varies)

    def mask(self, mask: tuple[bool, ...], axes: Shape) -> str:
        """The name of an array of these truths, without the axes along which they do not change."""
        moving = [a for a in range(len(axes)) if _changes(mask, axes, a)]
        lengths = tuple([axes[a] for a in moving])
        step = {a: prod(axes[a + 1 :]) for a in moving}
        truths = tuple([mask[sum(i * step[a] for i, a in zip(place, moving, strict=True))] for place in places_of(lengths)])
        if (lengths, truths) not in self.masks:
            self.masks[lengths, truths] = name = self.name("mask")
            self.head.append(f"{name} = {_truths(truths, lengths)}")
        marks = [":" if a in moving else "None" for a in range(moving[0], len(axes))]
        name = self.masks[lengths, truths]
        return name if "None" not in marks else f"{name}[{', '.join(marks)}]"

    def piece_by_piece(self, op: str, spelling: Spelling, operands: Sequence[Sequence[Cell]], shape: Shape) -> Text | None:
        """The largest or smallest of operands that are in several variables: of each, and of these."""
        if not spelling.pair:
            return None
        stretches = _stretches(operands)
        if not 1 < len(stretches) <= FEW:
            return None
        found: Text | None = None
        for columns in stretches:
            part = operands[columns.start : columns.stop]
            if len(part) == 1:
                text = self.fitted(part[0], shape, array=True)
            else:
                matrix = self.fitted([cell for row in zip(*part, strict=True) for cell in row], (*shape, len(part)), full=True)
                text = Text(self.spelled(spelling.text, [matrix], False), shape, matrix.varies)
            if found is not None:
                varies = found.varies or text.varies
                text = Text(self.spelled(spelling.pair, [found, text], False), _broadcast([found.shape, text.shape]), varies)
            found = text
        return found

    def spelled(self, form: str, texts: Sequence[Text], literal: bool) -> str:
        if "dtype" in form:
            self.needs_dtype = True
        self.helpers |= {name for name in HELPERS if f"{name}(" in form}
        words = [text.text for text in texts]
        if not literal:
            words = [self.as_array(word) if _is_literal(word) else word for word in words]
        words = [f"({word})" if word.startswith("-") else word for word in words]
        return form.format(*words)

    def as_array(self, number: str) -> str:
        self.needs_dtype = True
        return f"xp.asarray({number}, dtype=dtype)"

    @staticmethod
    def results(group: Group) -> range:
        return range(group.first, group.first + group.size)

    def common_shape(self, operands: Sequence[Sequence[Cell]], size: int) -> Shape:
        """The shape in which the operands are views without copies, or are broadcast."""
        cuts = {1, size}
        for cells in operands:
            owner = _owner(cells)
            if owner is None:
                continue
            places = [cell[1] for cell in cells if isinstance(cell, tuple)]
            bases, dims = _factored(places)
            if len(bases) == 1 and len(dims) == 1 and dims[0] == (owner.size, 1):
                dims = _row_by_row(owner.shape)
            inner = 1
            for count, _ in reversed(dims):
                inner *= count
                cuts.add(inner)
        ordered = sorted(cuts)
        if any(b % a for a, b in pairwise(ordered)):
            return (size,)
        return tuple([b // a for a, b in pairwise(ordered)][::-1]) or (1,)

    # ---- sums ---------------------------------------------------------------------------------------------------------------

    def write_sum(self, group: Group) -> None:
        if len(group.runs) == 1 and group.runs[0].kind == "terms" and group.runs[0].depth == 1 and group.runs[0].sign == "+":
            alone = not any(result in self.used for result in self.results(group)) and not self.in_values(group)
            if alone or not group.from_zero:  # 0.0 + x is x, but for the sign of a zero
                for result, entry in zip(self.results(group), group.runs[0].operands[0].entries(group.size, 1), strict=True):
                    self.cells[result] = self.cells[entry]
                return
        self.straight = bool(group.axes)
        by_rows = group.axes and all(run.kind != "product" for run in group.runs)
        shape: Shape = group.axes if by_rows else ()
        order = list(range(group.size)) if by_rows else []
        parts: list[tuple[str, Text]] = []
        for phase in _phases(group):
            text, own, own_order = self.phase(phase, group.size, shape, order)
            if not shape:
                shape, order = own, own_order
            elif (own, own_order) != (shape, order):
                variable = self.define(text, own)
                places = _inverse(own_order)
                text = self.fitted([(variable, places[m]) for m in order], shape)
            parts.append((phase[0].sign, text))
        if not parts:
            zero = 0.0 if group.from_zero else -0.0
            text, shape, order = (
                self.fitted([Constant(zero)] * group.size, (group.size,), full=True, array=True),
                (group.size,),
                [],
            )
        else:
            text = self.masked(self.added(parts, group.from_zero), group)
        self.place(self.results(group), self.define(text, shape, group.name), _inverse(order) if order else None)

    def in_values(self, group: Group) -> bool:
        """Whether one of the results is a value of the function itself."""
        return bool(set(self.groups.stored) & set(self.results(group)))

    def added(self, parts: Sequence[tuple[str, Text]], from_zero: bool) -> Text:
        written = ""
        if all(not text.shape and not text.varies and _of_literals(text.text) for _, text in parts):
            parts = [(parts[0][0], parts[0][1]._replace(text=self.as_array(parts[0][1].text))), *parts[1:]]
        for sign, part in parts:
            word = f"({part.text})" if sign == "-" and _is_sum(part.text) else part.text
            written += f" {sign} {word}" if written else word if sign == "+" else f"-{word}"
        if from_zero and len(parts) == 1 and " @ " not in written and "sum(" not in written:
            written += " + 0.0"
        return Text(written, _broadcast([text.shape for _, text in parts]), any(text.varies for _, text in parts))

    def phase(self, runs: Sequence[Run], size: int, shape: Shape, order: Sequence[int]) -> tuple[Text, Shape, list[int]]:
        """Runs that together concern every member once: the expression, its shape, and which member is in which place."""
        first = runs[0]
        if len(runs) == 1 and first.kind == "product":
            return self.product(first, self.straight)
        members = list(order) if order else list(range(size))
        columns: list[list[list[Cell]]] = [[] for _ in first.operands]  # of each operand, a row of cells for each member
        for run in runs:
            self.extend_rows(run, columns)
        if first.kind == "terms":
            (rows,) = columns
            form = shape or self.common_shape([[row[k] for row in rows] for k in range(min(first.depth, FEW))], size)
            if first.depth <= FEW:
                texts = [self.fitted([rows[m][k] for m in members], form) for k in range(first.depth)]
                words = [text.text for text in texts]
                joined = Text(" + ".join(words), _broadcast([t.shape for t in texts]), any(t.varies for t in texts))
                return joined, form, members
            stretches = _stretches([[rows[m][k] for m in members] for k in range(first.depth)])
            texts = [
                self.total_along([rows[m][columns.start : columns.stop] for m in members], form)
                for columns in (stretches if len(stretches) <= FEW else [range(first.depth)])
            ]
            return self.added([("+", text) for text in texts], False), form, members
        left, right = columns
        form = shape or (size,)
        if first.depth == 1 and not shape:
            form = self.common_shape([[row[0] for row in left], [row[0] for row in right]], size)
        if first.depth == 1:
            texts = [self.fitted([rows[m][0] for m in members], form) for rows in (left, right)]
            return self.multiplied(texts), form, members
        if shape:
            batched = self.batched_product([left[m] for m in members], [right[m] for m in members], form)
            if batched is not None:
                return batched, form, members
        texts = [self.fitted([cell for m in members for cell in rows[m]], (*form, first.depth)) for rows in (left, right)]
        product = self.multiplied(texts)
        whole = self.whole(product, (*form, first.depth))
        return Text(f"xp.sum({whole}, axis=-1)", form, product.varies), form, members

    def batched_product(self, left: list[list[Cell]], right: list[list[Cell]], axes: Shape) -> Text | None:
        """Dots as products of matrices, one for each place on the axes along which both factors move; None if they are none."""
        sides = [(_changes(left, axes, a), _changes(right, axes, a)) for a in range(len(axes))]
        kinds = [("both" if x and y else "left" if x else "right") for x, y in sides]
        if (False, False) in sides or kinds != sorted(kinds) or not {"left", "right"} <= set(kinds):
            return None
        batch = tuple([n for n, kind in zip(axes, kinds, strict=True) if kind == "both"])
        rows = prod([n for n, kind in zip(axes, kinds, strict=True) if kind == "left"])
        columns = prod(axes) // prod(batch) // rows
        depth = len(left[0])
        blocks = range(0, prod(axes), rows * columns)
        lefts = [cell for b in blocks for m in range(b, b + rows * columns, columns) for cell in left[m]]
        rights = [right[m][k] for b in blocks for k in range(depth) for m in range(b, b + columns)]
        x, y = self.full(lefts, (*batch, rows, depth)), self.full(rights, (*batch, depth, columns))
        text = Text(f"{x.text} @ {y.text}", (*batch, rows, columns), x.varies or y.varies)
        return self.reshaped(text, text.shape, axes)

    def total_along(self, rows: Sequence[Sequence[Cell]], form: Shape) -> Text:
        """The sum of each row."""
        if len(rows[0]) == 1:
            return self.fitted([row[0] for row in rows], form)
        matrix = self.fitted(_flat(rows), (*form, len(rows[0])), full=True)
        return Text(f"xp.sum({matrix.text}, axis=-1)", form, matrix.varies)

    def multiplied(self, texts: Sequence[Text]) -> Text:
        words = [text.text for text in texts]
        return Text(" * ".join(words), _broadcast([t.shape for t in texts]), any(t.varies for t in texts))

    def extend_rows(self, run: Run, columns: list[list[list[Cell]]]) -> None:
        """The cells of each operand of each member of a run."""
        wide = run.columns if run.kind == "product" else run.rows
        matrices = [self.matrix(run.operands[0].entries(run.rows, run.depth), run.rows, run.depth, run.backwards)]
        matrices += [self.matrix(index.entries(wide, run.depth), wide, run.depth, run.backwards) for index in run.operands[1:]]
        if run.kind == "product":
            columns[0] += [row for row in matrices[0] for _ in range(run.columns)]
            columns[1] += [row for _ in range(run.rows) for row in matrices[1]]
        else:
            for found, matrix in zip(columns, matrices, strict=True):
                found += matrix

    def matrix(self, entries: Sequence[int], rows: int, columns: int, backwards: bool) -> list[list[Cell]]:
        cells = [self.cells[entry] for entry in entries]
        step = -1 if backwards else 1  # the order does not matter here
        return [cells[r * columns : (r + 1) * columns][::step] for r in range(rows)]

    def product(self, run: Run, straight: bool) -> tuple[Text, Shape, list[int]]:
        """A matrix product. Of what all samples share the transpose is on the right, as in x @ W.T, unless ``straight``."""
        rows, columns, depth = run.rows, run.columns, run.depth
        left = self.matrix(run.operands[0].entries(rows, depth), rows, depth, run.backwards)
        right = self.matrix(run.operands[1].entries(columns, depth), columns, depth, run.backwards)
        plain = list(range(rows * columns))
        if depth == 1:
            ones, others = [row[0] for row in left], [row[0] for row in right]
            if rows > 1 and columns > 1:
                pair = [self.fitted(ones, (rows, 1)), self.fitted(others, (1, columns))]
                return self.multiplied(pair), (rows, columns), plain
            flat = (rows * columns,)
            return self.multiplied([self.fitted(ones * columns, flat), self.fitted(others * rows, flat)]), flat, plain
        left_varies, right_varies = _varies(left), _varies(right)
        if columns == 1 and not left_varies:
            x, y = self.full(_flat(right), (depth,)), self.full(_flat(_turned(left)), (depth, rows))
            return Text(f"{x.text} @ {y.text}", (rows,), x.varies), (rows,), plain
        if rows == 1 and not right_varies:
            x, y = self.full(_flat(left), (depth,)), self.full(_flat(_turned(right)), (depth, columns))
            return Text(f"{x.text} @ {y.text}", (columns,), x.varies), (columns,), plain
        if rows == 1 or columns == 1:
            x, y = self.fitted(_flat(left), (rows, depth)), self.fitted(_flat(right), (columns, depth))
            whole = self.whole(self.multiplied([x, y]), (rows * columns, depth))
            return Text(f"xp.sum({whole}, axis=-1)", (rows * columns,), True), (rows * columns,), plain
        if not left_varies and not straight:
            x, y = self.full(_flat(right), (columns, depth)), self.full(_flat(_turned(left)), (depth, rows))
            order = [r * columns + c for c in range(columns) for r in range(rows)]
            return Text(f"{x.text} @ {y.text}", (columns, rows), x.varies), (columns, rows), order
        x, y = self.full(_flat(left), (rows, depth)), self.full(_flat(_turned(right)), (depth, columns))
        return Text(f"{x.text} @ {y.text}", (rows, columns), x.varies or y.varies), (rows, columns), plain

    # ---- sums over the samples ----------------------------------------------------------------------------------------------

    def write_total(self, group: Group) -> None:
        if group.axes and len(group.runs) > 1:  # each concerns every member
            parts = []
            for run in group.runs:
                variable = self.define(*self.total(run))
                parts.append((run.sign, self.fitted([(variable, i) for i in range(group.size)], (group.size,), array=True)))
            self.place(self.results(group), self.define(self.added(parts, False), (group.size,), group.name))
            return
        for run in group.runs:
            results = range(group.first + run.offset, group.first + run.offset + run.rows * run.columns)
            if run.kind == "terms" and run.depth == 1 and run.sign == "+":
                for result, entry in zip(results, run.operands[0].entries(run.rows, 1), strict=True):
                    self.cells[result] = self.total_of(self.cells[entry])
                continue
            turned = run.kind == "product" and self.is_wanted_turned(results, run)
            text, shape = self.total(run, turned)
            if run.sign == "-":
                text = text._replace(text=f"-({text.text})")
            order = [c * run.rows + r for r in range(run.rows) for c in range(run.columns)] if turned else None
            self.place(results, self.define(text, shape, group.name), order)

    def is_wanted_turned(self, results: range, run: Run) -> bool:
        """Whether an array of gradients has the results column by column."""
        at = self.gradient_places
        first, below = at.get(results[0]), at.get(results[0] + run.columns)
        return first is not None and run.rows > 1 and below == (first[0], first[1] + 1)

    def total_of(self, cell: Cell) -> Cell:
        """The sum over the samples of one result: in the sum of the variable that it is in."""
        if not self.n:
            return cell
        if not isinstance(cell, tuple):
            self.needs_n = True
            return self.define(Text(f"n * {self.as_array(f'[{_literal(cell.number)}]')}", (1,), False), (1,)), 0
        variable, place = cell
        found = self.summed.get(id(variable))
        if found is None:
            if variable.varies:
                text = Text(f"xp.sum({variable.text}, axis=0)", variable.shape, False)
            else:
                self.needs_n = True
                text = Text(f"n * {variable.text}", variable.shape, False)
            found = self.summed[id(variable)] = self.define(text, variable.shape)
        return found, place

    def total(self, run: Run, turned: bool = False) -> tuple[Text, Shape]:
        rows, columns, depth = run.rows, run.columns, run.depth
        wide = columns if run.kind == "product" else rows
        matrices = [self.matrix(run.operands[0].entries(rows, depth), rows, depth, run.backwards)]
        matrices += [self.matrix(index.entries(wide, depth), wide, depth, run.backwards) for index in run.operands[1:]]
        if turned:
            rows, columns, matrices = columns, rows, matrices[::-1]
        if run.kind == "product":
            if depth == 1:
                x, y = self.full(_flat(matrices[0]), (rows,)), self.full(_flat(matrices[1]), (columns,))
                words = [self.batched(x), self.batched(y)]
            else:
                x, y = (
                    self.full(_flat(_turned(matrices[0])), (depth, rows)),
                    self.full(_flat(_turned(matrices[1])), (depth, columns)),
                )
                words = [f"xp.reshape({self.batched(t)}, (-1, {t.shape[-1]}))" for t in (x, y)]
            return Text(f"{words[0]}.T @ {words[1]}", (rows, columns), False), (rows, columns)
        texts = [self.fitted(_flat(matrix), (rows, depth)) for matrix in matrices]
        product = self.multiplied(texts) if len(texts) > 1 else texts[0]
        whole = self.whole(product, (rows, depth))
        return Text(f"xp.sum({whole}, axis=(0, 2))", (rows,), False), (rows,)

    def batched(self, text: Text) -> str:
        """With the axis of the samples."""
        return text.text if text.varies or not self.n else self.spread(text)

    def spread(self, text: Text) -> str:
        self.needs_n = True
        return f"xp.broadcast_to({text.text}, (n, {', '.join(map(str, text.shape))}))"

    # ---- operands -----------------------------------------------------------------------------------------------------------

    def full(self, cells: Sequence[Cell], shape: Shape) -> Text:
        """These results as an array of exactly this shape."""
        return self.fitted(cells, shape, full=True, array=True)

    def whole(self, text: Text, shape: Shape) -> str:
        """The expression broadcast to this shape, if it does not have it."""
        if text.shape == shape:
            return text.text
        axes = ", ".join(map(str, shape))
        if not text.varies:
            if prod(shape) == 1:
                return f"xp.reshape({text.text}, {_tuple(shape)})"
            return f"xp.broadcast_to({text.text}, {_tuple(shape)})"
        self.needs_n = True
        return f"xp.broadcast_to({text.text}, (n, {axes}))"

    def fitted(self, cells: Sequence[Cell], shape: Shape, full: bool = False, array: bool = False) -> Text:
        """These results, row by row in this shape; broadcast to it unless it must be ``full``; a number unless an ``array``."""
        owners = {id(cell[0]) if isinstance(cell, tuple) else None: cell for cell in cells}
        if len(owners) == 1 and None in owners:
            return self.numbers([cell.number for cell in cells if not isinstance(cell, tuple)], shape, full, array)
        if len(owners) == 1:
            owner = _owner(cells)
            assert owner is not None
            found = self.of_one(owner, [cell[1] for cell in cells if isinstance(cell, tuple)], shape)
        else:
            found = self.of_several(cells, shape, [cell[0] for cell in owners.values() if isinstance(cell, tuple)])
        return found._replace(text=self.whole(found, shape), shape=shape) if full else found

    def numbers(self, numbers: Sequence[float], shape: Shape, full: bool, array: bool) -> Text:
        words = [_literal(number) for number in numbers]
        self.needs_dtype = True
        if len(set(words)) == 1:
            if array or full:
                return Text(f"xp.full({_tuple(shape)}, {words[0]}, dtype=dtype)", shape, False)
            return Text(words[0], (), False)
        text = f"xp.asarray([{', '.join(words)}], dtype=dtype)"
        return Text(text if len(shape) == 1 else f"xp.reshape({text}, {_tuple(shape)})", shape, False)

    def of_several(self, cells: Sequence[Cell], shape: Shape, owners: Sequence[Variable]) -> Text:
        """Results of several variables side by side, by rows or by columns; or a table of all these variables in a row."""
        pieces = _pieces(cells)
        if len(pieces) <= MOST_PIECES:
            varies = any(owner.varies for owner in owners)
            words = []
            for piece in pieces:
                text = self.fitted(piece, (len(piece),), full=True, array=True)
                words.append(self.spread(text) if varies and not text.varies else text.text)
            joined = f"xp.concat([{', '.join(words)}], axis=-1)"
            return Text(joined if len(shape) == 1 else f"xp.reshape({joined}, {self.axes(shape, varies)})", shape, varies)
        rows, columns = prod(shape[:-1]), shape[-1]
        if len(shape) > 1 and columns > 1:
            turned = [cells[r * columns + c] for c in range(columns) for r in range(rows)]
            if len(_pieces(turned)) <= MOST_PIECES:
                found = self.fitted(turned, (columns, rows), full=True)
                word = _transposed(found.text, found.varies)
                if len(shape) > 2:
                    word = f"xp.reshape({word}, {self.axes(shape, found.varies)})"
                return Text(word, shape, found.varies)
        blocks = self.of_blocks(cells, shape) if len(shape) == 2 else None
        if blocks is not None:
            return blocks
        joined_variable, firsts = self.in_a_row(cells, owners)
        moved = [firsts[id(cell[0])] + cell[1] if isinstance(cell, tuple) else firsts[_number_key(cell)] for cell in cells]
        return self.of_one(joined_variable, moved, shape)

    def of_blocks(self, cells: Sequence[Cell], shape: Shape) -> Text | None:
        """Rows that are whole rows of variables, or one number: taken from these one above the other. None if they are not."""
        rows, columns = shape
        firsts: dict[int, int] = {}
        parts: list[str] = []
        places: list[int] = []
        reached = 0
        for r in range(rows):
            row = cells[r * columns : (r + 1) * columns]
            owner = _owner(row)
            if owner is None:
                if len(set(row)) > 1 or not isinstance(row[0], Constant):
                    return None
                key, size, start = _number_key(row[0]), 1, 0
                part = self.fitted(row, (1, columns), full=True, array=True)
            else:
                first = row[0][1]  # type: ignore[index]
                steps = [cell[1] - first for cell in row if isinstance(cell, tuple)]
                if owner.size % columns or first % columns or steps != list(range(columns)):
                    return None
                key, size, start = id(owner), owner.size // columns, first // columns
                part = self.of_one(owner, range(owner.size), (size, columns))
            if key not in firsts:
                firsts[key] = reached
                reached += size
                parts.append(part.text if part.varies == _varies([cells]) else self.spread(part))
            places.append(firsts[key] + start)
        varies = _varies([cells])
        return Text(self.taken(f"xp.concat([{', '.join(parts)}], axis={int(varies)})", places, varies), shape, varies)

    def in_a_row(self, cells: Sequence[Cell], owners: Sequence[Variable]) -> tuple[Variable, dict[int, int]]:
        """All numbers of these variables, and the constants among the cells, as one variable; where each begins."""
        numbers = list({_number_key(cell): cell for cell in cells if not isinstance(cell, tuple)}.values())
        key = (*[id(owner) for owner in owners], *[_number_key(number) for number in numbers])
        if key not in self.joined:
            everything: list[Cell] = [(owner, i) for owner in owners for i in range(owner.size)]
            firsts: dict[int, int] = {}
            start = 0
            for owner in owners:
                firsts[id(owner)] = start
                start += owner.size
            for i, number in enumerate(numbers):
                firsts[_number_key(number)] = start + i
            everything += numbers
            varies = any(owner.varies for owner in owners)
            words = []
            for piece in [[cell for cell in everything if isinstance(cell, tuple) and cell[0] is owner] for owner in owners]:
                text = self.fitted(piece, (len(piece),), full=True)
                words.append(self.spread(text) if varies and not text.varies else text.text)
            if numbers:
                text = self.fitted(list(numbers), (len(numbers),), full=True, array=True)
                words.append(self.spread(text) if varies else text.text)
            joined = Text(f"xp.concat([{', '.join(words)}], axis=-1)", (len(everything),), varies)
            self.joined[key] = (self.define(joined, joined.shape), firsts)
        return self.joined[key]

    def of_one(self, variable: Variable, places: Sequence[int], shape: Shape) -> Text:
        """These places of a variable as a view of it, or taken by a table."""
        bases, dims = _factored(places)
        if list(places) == list(range(variable.size)):
            if shape == variable.shape:
                return Text(variable.text, shape, variable.varies)
            if len(shape) == 2 and 1 in shape and shape == variable.shape[::-1]:
                return Text(_transposed(variable.text, variable.varies), shape, variable.varies)
        if len(bases) == 1:
            refined = _refined(dims, shape)
            text = self.view(variable, bases[0], refined)
            if text is not None:
                return self.reshaped(text, tuple(count for count, _ in refined), shape)
        outer, inner = len(bases), [count for count, _ in dims]
        block = prod(inner)
        varies = variable.varies
        if len(bases) > 1 and dims and all(step == 0 for _, step in dims):
            word = self.taken(self.flat(variable), bases, varies)
            text = Text(f"{word}[{':, ' * varies}:{', None' * len(dims)}]", (outer, *[1] * len(dims)), varies)
            return self.reshaped(text, (outer, *inner), shape)
        whole_blocks = variable.size % block == 0 and all(base % block == 0 for base in bases)
        if len(bases) > 1 and block > 1 and dims == _row_by_row(tuple(inner)) and whole_blocks:
            cut = (variable.size // block, block)
            source = variable.text if variable.shape == cut else f"xp.reshape({variable.text}, {self.axes(cut, varies)})"
            word = self.taken(source, [base // block for base in bases], varies)
            return self.reshaped(Text(word, (outer, block), varies), (outer, block), shape)
        word = self.taken(self.flat(variable), places, varies)
        return self.reshaped(Text(word, (len(places),), varies), (len(places),), shape)

    def flat(self, variable: Variable) -> str:
        if len(variable.shape) == 1:
            return variable.text
        return f"xp.reshape({variable.text}, {self.axes((variable.size,), variable.varies)})"

    @staticmethod
    def taken(source: str, places: Sequence[int], varies: bool) -> str:
        return f"xp.take({source}, xp.asarray([{', '.join(map(str, places))}]), axis={int(varies)})"

    def reshaped(self, text: Text, counts: Shape, shape: Shape) -> Text:
        """An expression for an array of these counts, some of them broadcast, in this shape."""
        if counts == shape:
            return text
        if not text.shape and not text.varies:
            return text
        whole = self.whole(text, counts)
        return Text(f"xp.reshape({whole}, {self.axes(shape, text.varies)})", shape, text.varies)

    @staticmethod
    def axes(shape: Shape, varies: bool) -> str:
        return _tuple((-1, *shape) if varies else shape)

    def view(self, variable: Variable, start: int, dims: Sequence[tuple[int, int]]) -> Text | None:
        """Slices, transposes and new axes of a variable: the place start + Σ i · step for i in each count. None: no such."""
        moving = [(k, count, step) for k, (count, step) in enumerate(dims) if count > 1 and step]
        shape = tuple([count if count > 1 and step else 1 for count, step in dims])
        varies = variable.varies
        lead = [":"] if varies else []
        if not moving:
            return self.element(variable, start, len(dims))
        start += sum((count - 1) * step for _, count, step in moving if step < 0)
        falling = sorted(moving, key=lambda dim: -abs(dim[2]))
        strides = [abs(step) for _, _, step in falling]
        if any(a % b or a == b for a, b in pairwise(strides)):
            return None
        counts = [count for _, count, _ in falling]
        if len(falling) == 1 and len(variable.shape) == 1:
            text = _sliced(variable, start, counts[0], strides[0])
        else:
            cut = _cut(variable.size, start, counts, strides)
            if cut is None:
                return None
            begin, end, radix, offsets = cut
            source = variable.text
            if (begin, end) != (0, variable.size):
                source = f"{self.flat(variable)}[{':, ' * varies}{begin}:{end}]"
            if variable.shape != radix or (begin, end) != (0, variable.size):
                source = f"xp.reshape({source}, {self.axes(radix, varies)})"
            slices = [
                ":" if count == size else f"{offset}:{offset + count}"
                for offset, count, size in zip(offsets, counts, radix, strict=False)
            ]
            if len(radix) > len(counts):
                slices.append(str(offsets[-1]))
            text = source + (f"[{', '.join(lead + slices)}]" if any(cut != ":" for cut in slices) else "")
        permutation = [falling.index(dim) for dim in moving]
        if permutation != sorted(permutation):
            if not varies and permutation == [1, 0]:
                text = f"{text}.T"
            else:
                axes = [0] * varies + [axis + varies for axis in permutation]
                text = f"xp.permute_dims({text}, {_tuple(tuple(axes))})"
        flipped = [i + varies for i, (_, _, step) in enumerate(moving) if step < 0]
        if flipped:
            text = f"xp.flip({text}, axis={_tuple(tuple(flipped))})"
        if len(moving) < len(dims):
            last = moving[-1][0]
            marks = [":" if size > 1 else "None" for size in shape]
            if varies or "None" in marks[: last + 1] or last + 1 < len(marks):
                text = f"{text}[{', '.join(lead + marks)}]"
        return Text(text, shape, varies)

    @staticmethod
    def element(variable: Variable, place: int, n_axes: int) -> Text:
        """One number, to be broadcast."""
        if variable.text.endswith("[None]"):
            return Text(variable.text.removesuffix("[None]"), (), False)
        if variable.size == 1 and variable.shape == (1,) * n_axes:
            return Text(variable.text, variable.shape, variable.varies)
        places: list[str] = []
        for length in reversed(variable.shape):
            place, here = divmod(place, length)
            places.insert(0, str(here))
        if not variable.varies:
            return Text(f"{variable.text}[{', '.join(places)}]", (), False)
        base = variable.text
        if base.endswith("[:, None]"):
            base, places = base.removesuffix("[:, None]"), []
        return Text(f"{base}[{', '.join([':', *places, *['None'] * n_axes])}]", (1,) * n_axes, True)

    def number(self, cell: Cell) -> str:
        """One number that all samples share."""
        if isinstance(cell, Constant):
            return self.as_array(_literal(cell.number))
        return self.element(*cell, 0).text

    # ---- what is returned ---------------------------------------------------------------------------------------------------

    def return_values(self, results: Sequence[int], shape: Shape, more: Sequence[int] = (), more_shape: Shape = ()) -> None:
        texts = [self.output(results, shape)]
        if more or more_shape:
            texts.append(self.output(more, more_shape))
        self.lines.append(f"return {', '.join(texts)}")

    def output(self, results: Sequence[int], shape: Shape) -> str:
        """Results of each sample, in the shape that they have in a sample."""
        cells = [self.cells[result] for result in results]
        if 0 in shape:
            self.needs_n, self.needs_dtype = bool(self.n), True
            return f"xp.zeros({_tuple(shape) if not self.n else '(n, ' + ', '.join(map(str, shape)) + ')'}, dtype=dtype)"
        if not shape:
            return f"{self.batched(self.full(cells, (1,)))}[:, 0]" if self.n else self.number(cells[0])
        return self.batched(self.full(cells, shape))

    def return_gradients(self, reduce: str | None) -> None:
        wanted = self.groups.totals_wanted
        mean = ""
        if reduce == "mean" and self.n:
            self.needs_n = True
            mean = " / n"
        loss = self.output(self.groups.stored, ()) if reduce is None else self.number(self.cells[wanted[0]]) + mean
        gradients = wanted if reduce is None else wanted[1:]
        parts = []
        for array in self.arrays:
            if not any(place is not None for place in array.places):
                parts.append((array.key, f"xp.zeros_like(params[{quoted(array.key)}])"))
                continue
            cells = [Constant(0.0) if place is None else self.cells[gradients[place]] for place in array.places]
            text = self.full(cells, array.shape).text if array.shape else self.number(cells[0])
            text = f"({text}){mean}" if mean and (_is_sum(text) or text.startswith("-")) else text + mean
            parts.append((array.key, text))
        self.lines.append("gradients = {")
        self.lines += [f"    {quoted(key)}: {text}," for key, text in parts]
        self.lines.append("}")
        self.lines.append(f"return {loss}, gradients")


# ---- texts ------------------------------------------------------------------------------------------------------------------


def _transposed(text: str, varies: bool) -> str:
    return f"xp.permute_dims({text}, (0, 2, 1))" if varies else f"{text}.T"


def quoted(key: str) -> str:
    """A key as Python writes it, in double quotes if that is all the difference."""
    plain = repr(key)
    return f'"{plain[1:-1]}"' if plain[0] == "'" and '"' not in plain else plain


def _tuple(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _literal(number: float) -> str:
    if abs(number) == sys.float_info.max:
        return "xp.finfo(dtype).max" if number > 0 else "-xp.finfo(dtype).max"
    if isfinite(number):
        return repr(number)
    return "xp.nan" if number != number else "xp.inf" if number > 0 else "-xp.inf"


def _truths(truths: Sequence[bool], lengths: Shape) -> str:
    """An array of truths; a triangle by the numbers of its rows and columns."""
    if len(lengths) == 2 and lengths[0] == lengths[1]:
        for relation, holds in ((">=", operator.ge), ("<=", operator.le)):
            if list(truths) == [holds(r, c) for r, c in places_of(lengths)]:
                rows, columns = f"xp.arange({lengths[0]})[:, None]", f"xp.arange({lengths[1]})"
                return f"{rows} {relation} {columns}"
    lines = [list(truths[r : r + lengths[-1]]) for r in range(0, len(truths), lengths[-1])]
    if len(lengths) == 2 and all(line.count(False) == 1 for line in lines):
        rows = ", ".join([str(line.index(False)) for line in lines])
        return f"xp.asarray([{rows}])[:, None] != xp.arange({lengths[1]})"
    return f"xp.reshape(xp.asarray([{', '.join(map(str, truths))}]), {_tuple(lengths)})"


def _is_literal(text: str) -> bool:
    if text in ("xp.nan", "xp.inf", "-xp.inf", "xp.finfo(dtype).max", "-xp.finfo(dtype).max"):
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


def _of_literals(text: str) -> bool:
    """Whether it is made of numbers alone."""
    return all(_is_literal(word) for word in text.replace(" * ", " + ").split(" + "))


def _is_sum(text: str) -> bool:
    return " + " in text or " - " in text


def _is_one(text: str) -> bool:
    """Whether it is a call or a name, which needs no brackets."""
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if (depth == 0 and letter == " ") or (letter == "-" and not i):
            return False
    return True


def _sliced(variable: Variable, start: int, count: int, step: int) -> str:
    if (start, count, step) == (0, variable.size, 1):
        return variable.text
    end = start + (count - 1) * step + 1
    return f"{variable.text}[{':, ' * variable.varies}{start}:{end}{f':{step}' if step > 1 else ''}]"


# ---- where results lie ------------------------------------------------------------------------------------------------------


def _flat(matrix: Sequence[Sequence[Cell]]) -> list[Cell]:
    return [cell for row in matrix for cell in row]


def _turned(matrix: Sequence[Sequence[Cell]]) -> list[list[Cell]]:
    return [list(column) for column in zip(*matrix, strict=True)]


def _varies(matrix: Sequence[Sequence[Cell]]) -> bool:
    return any(isinstance(cell, tuple) and cell[0].varies for row in matrix for cell in row)


def _owner(cells: Sequence[Cell]) -> Variable | None:
    """The variable that all of them are in."""
    owner = None
    for cell in cells:
        if not isinstance(cell, tuple) or (owner is not None and cell[0] is not owner):
            return None
        owner = cell[0]
    return owner


def _number_key(cell: Constant) -> int:
    return hash(("number", repr(cell.number)))


def _pieces(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Cut where the variable changes."""
    pieces: list[list[Cell]] = []
    last: object = object()
    for cell in cells:
        owner = cell[0] if isinstance(cell, tuple) else None
        if owner is not last:
            pieces.append([])
            last = owner
        pieces[-1].append(cell)
    return pieces


def places_of(shape: Shape) -> Iterator[Shape]:
    """Every place of an array, row by row."""
    return product(*map(range, shape))


def _changes(entries: Sequence[Any], axes: Shape, axis: int) -> bool:
    """Whether entries that lie row by row change along an axis."""
    step = prod(axes[axis + 1 :])
    return any(entries[i] != entries[i - i // step % axes[axis] * step] for i in range(len(entries)))


def _stretches(columns: Sequence[Sequence[Cell]]) -> list[range]:
    """Which columns stand side by side in one variable; one stretch of all if one has cells of several."""
    owners = [{id(cell[0]) if isinstance(cell, tuple) else None for cell in column} for column in columns]
    if any(len(owner) > 1 for owner in owners):
        return [range(len(columns))]
    cuts = [0, *[k for k in range(1, len(owners)) if owners[k] != owners[k - 1]], len(owners)]
    return [range(a, b) for a, b in pairwise(cuts)]


def _conditions(groups: Groups) -> set[int]:
    """The first results of those comparisons that nothing but branches asks for."""
    makers = {r: g for g in groups.groups if g.op in COMPARISONS for r in range(g.first, g.first + g.size)}
    found = {group.first for group in makers.values()}
    wanted = {*groups.stored, *groups.totals_wanted}
    for group in groups.groups:
        for number, (index, rows, columns) in enumerate(group.indices()):
            entries = set(index.entries(rows, columns))
            if group.op != "select" or number or not entries <= makers.keys():
                wanted |= entries
    # a branch that asks for one of several groups must find all of them as they are
    return found - {makers[result].first for result in wanted if result in makers}


def _inverse(order: Sequence[int]) -> list[int]:
    places = [0] * len(order)
    for place, member in enumerate(order):
        places[member] = place
    return places


def _broadcast(shapes: Sequence[Shape]) -> Shape:
    n_axes = max(map(len, shapes), default=0)
    padded = [(1,) * (n_axes - len(shape)) + shape for shape in shapes]
    return tuple([max(lengths) for lengths in zip(*padded, strict=True)])


def _row_by_row(shape: Shape) -> list[tuple[int, int]]:
    """The counts and steps of an array that lies row by row."""
    dims: list[tuple[int, int]] = []
    step = 1
    for count in reversed(shape):
        dims.insert(0, (count, step))
        step *= count
    return dims


def _factored(places: Sequence[int]) -> tuple[list[int], list[tuple[int, int]]]:
    """Places as bases, to each of which the same counts and steps are added, from the outer to the inner.

    With one base the places are evenly spaced in each direction.
    """
    bases = list(places)
    dims: list[tuple[int, int]] = []
    while len(bases) > 1:
        step = bases[1] - bases[0]
        common = len(bases)
        for i in range(1, len(bases)):
            if bases[i] - bases[i - 1] != step:
                common = gcd(common, i)
                if common == 1:
                    return bases, dims
        dims.insert(0, (common, step))
        bases = bases[::common]
    return bases, dims


def _refined(dims: Sequence[tuple[int, int]], shape: Shape) -> list[tuple[int, int]]:
    """The same places in more directions, so that each axis of the shape is some of them; as they are if that cannot be."""
    cuts = {1}
    for lengths in ([count for count, _ in dims], shape):
        inner = 1
        for count in reversed(lengths):
            inner *= count
            cuts.add(inner)
    ordered = sorted(cuts)
    if any(b % a for a, b in pairwise(ordered)):
        return list(dims)
    found: list[tuple[int, int]] = []
    inner = 1
    rest = [(count, step) for count, step in reversed(dims)]
    for a, b in pairwise(ordered):
        count, (whole, step) = b // a, rest[0]
        found.insert(0, (count, step))
        if whole == count:
            rest.pop(0)
        else:
            rest[0] = (whole // count, step * count)
    ones = [i for i, length in enumerate(shape) if length == 1]
    if tuple(count for count, _ in found) == tuple(length for length in shape if length > 1):
        for i in ones:
            found.insert(i, (1, 0))
    return found


def _cut(size: int, start: int, counts: Sequence[int], strides: Sequence[int]) -> tuple[int, int, Shape, list[int]] | None:
    """What to cut out of a flat array, the axes to give it, and where on each axis the slice begins; None if it cannot be."""
    inner = [a // b for a, b in pairwise(strides)]
    unit = [strides[-1]] if strides[-1] > 1 else []
    if size % strides[0] == 0:
        offsets = []
        rest = start
        for stride in strides:
            here, rest = divmod(rest, stride)
            offsets.append(here)
        offsets += [rest] * len(unit)
        radix = (size // strides[0], *inner, *unit)
        if all(offset + count <= length for offset, count, length in zip(offsets, counts, radix, strict=False)):
            return 0, size, radix, offsets
    end = start + counts[0] * strides[0]
    radix = (counts[0], *inner, *unit)
    if end > size or any(count > length for count, length in zip(counts, radix, strict=False)):
        return None
    return start, end, radix, [0] * len(radix)


def _phases(group: Group) -> list[list[Run]]:
    """The runs of a sum put together so that those of each phase concern every member once."""
    phases: list[list[Run]] = []
    reached = group.size
    for run in group.runs:
        if reached >= group.size:
            phases.append([])
            reached = 0
        phases[-1].append(run)
        reached += run.rows * run.columns
    return phases
