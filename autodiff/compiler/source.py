"""Source: a program in groups as the Python that a person would have written with NumPy, a line for each group."""

from __future__ import annotations

import keyword
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from autodiff.compiler.groups import Group, Groups, Index, Run
from autodiff.compiler.program import stem
from autodiff.engine import rules

INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}
TAKEN = {
    "x", "p", "v", "array", "atleast_1d", "concatenate", "zeros", "full", "outer", "where", "take", *rules.TABLE,
}  # fmt: skip
COMPARISONS = {"greater": ">", "greater_equal": ">=", "equal": "=="}


def identifier(name: str) -> str:
    """A name of a function as one that can stand after ``def``, and hides nothing that its text calls."""
    plain = re.sub(r"\W", "_", name)
    if not plain.isidentifier():
        plain = "_" + plain
    return plain + "_" if keyword.iskeyword(plain) or plain in TAKEN else plain


def quoted(name: str) -> str:
    """A name of a Value in a comment: a path as it is, anything else as a string."""
    return name if re.fullmatch(r"[\w.\[\]]{1,80}", name) else repr(name[:80])


class _Variable(NamedTuple):
    name: str
    start: int
    size: int


def source(groups: Groups, name: str, parameter_names: Sequence[str | None], n_values: int) -> str:
    """``def name(x, p)``: the values, then the gradients, of the inputs ``x`` of one sample and the parameters ``p``.

    The first ``n_values`` outputs are values. Sums over the samples are those of this sample.
    """
    return _Writer(groups, name, parameter_names, n_values).text()


class _Writer:
    def __init__(self, groups: Groups, name: str, parameter_names: Sequence[str | None], n_values: int):
        self.groups = groups
        self.name = identifier(name)
        self.parameter_names = parameter_names
        self.n_values = n_values
        self.variables: list[_Variable] = []  # one for each group, in the order of their first results
        self.firsts: list[int] = []
        self.inputs = {result: i for i, result in enumerate(groups.inputs)}
        self.x = _Variable("x", 0, len(groups.inputs))
        self.lines: list[str] = []
        self.views: dict[tuple[Any, ...], str] = {}  # of the parameters
        self.definitions: list[str] = []
        self.count = 0
        self.named: Counter[str] = Counter()

    def text(self) -> str:
        groups = self.groups
        if groups.n_parameters:
            self.enter(_Variable("p", len(groups.constants), groups.n_parameters))
        for group in groups.groups:
            self.write(group)
        outputs = self.outputs()
        head = [f"def {self.name}(x, p):"]
        named = [(i, text) for i, text in enumerate(self.parameter_names) if text]
        if named:
            shown = ", ".join(f"p[{i}] = {quoted(text)}" for i, text in named[:8])
            head.append(f"    # {shown}" + (", ..." if len(named) > 8 else ""))
        return "\n".join([*head, *[f"    {line}" for line in self.definitions + self.lines + outputs]]) + "\n"

    def outputs(self) -> list[str]:
        stored, n = self.groups.stored, self.n_values
        wanted = (stored[:n], stored[n:], self.groups.totals_wanted)
        parts = [self.gathered(results) for results in wanted if results]
        return [f"return {', '.join(parts)}"] if parts else ["return ()"]

    def enter(self, variable: _Variable) -> None:
        self.firsts.append(variable.start)
        self.variables.append(variable)

    def place(self, result: int) -> tuple[_Variable | None, int]:
        """The variable that holds a result, and where; no variable for a constant."""
        if result in self.inputs:
            return self.x, self.inputs[result]
        if result < len(self.groups.constants):
            return None, result
        variable = self.variables[bisect_right(self.firsts, result) - 1]
        return variable, result - variable.start

    def new(self, start: int, size: int, name: str) -> _Variable:
        """A variable of this name if it is free, of the name with a number if it is not, of a number alone without a name."""
        if not name or keyword.iskeyword(name) or name in TAKEN:
            self.count += 1
            return _Variable(f"v{self.count - 1}", start, size)
        number = self.named[name]
        self.named[name] += 1
        return _Variable(f"{name}{number}" if number else name, start, size)

    # ---- groups -------------------------------------------------------------------------------------------------------------

    def write(self, group: Group) -> None:
        """A group as a line, and a line more for each run that concerns only some of its members."""
        if group.kind == "Map":
            text = self.applied(group.op, [self.vector(operand, group.size) for operand in group.operands])
            self.lines.append(f"{self.named_as(group)} = {text}")
            return
        whole, partial = "", []
        for run in group.runs:
            term = self.term(run)
            if run.rows * run.columns < group.size:
                partial.append((run, term))
            elif whole:
                whole += f" {run.sign} {term}" if run.sign == "+" or not _is_sum(term) else f" - ({term})"
            else:
                whole = term if run.sign == "+" else f"-({term})" if _is_sum(term) else f"-{term}"
        zero = "0.0" if group.from_zero or group.kind == "Total" else "-0.0"
        name = self.named_as(group)
        self.lines.append(f"{name} = {whole or f'full({group.size}, {zero})'}")
        for run, term in partial:
            self.lines.append(f"{name}[{run.offset}:{run.offset + run.rows * run.columns}] {run.sign}= {term}")

    def named_as(self, group: Group) -> str:
        """The name of a new variable for a group."""
        variable = self.new(group.first, group.size, group.name)
        self.enter(variable)
        return variable.name

    def term(self, run: Run) -> str:
        kind, _, _, rows, columns, depth, operands = run
        if run.backwards:  # the order does not matter here
            wide = columns if kind == "product" else rows
            operands = (_turned(operands[0], rows, depth), *[_turned(index, wide, depth) for index in operands[1:]])
        if kind == "terms":
            if depth > FEW:
                return f"{self.matrix(operands[0], rows, depth)}.sum(axis=1)"
            return " + ".join(self.vector(_column(operands[0], k, rows, depth), rows) for k in range(depth))
        left, right = operands
        if kind == "dots":
            if depth == 1:
                return f"{self.vector(left, rows)} * {self.vector(right, rows)}"
            return f"({self.matrix(left, rows, depth)} * {self.matrix(right, rows, depth)}).sum(axis=1)"
        if depth == 1:
            x, y = self.vector(left, rows), self.vector(right, columns)
            return f"outer({x}, {y}).ravel()" if rows > 1 and columns > 1 else f"{x} * {y}"
        if columns == 1:
            return f"{self.matrix(left, rows, depth, 'W')} @ {self.row(right, depth)}"
        if rows == 1:
            return f"{self.matrix(right, columns, depth)} @ {self.row(left, depth)}"
        return f"({self.matrix(left, rows, depth, 'W')} @ {self.matrix(right, columns, depth, transposed=True)}).ravel()"

    @staticmethod
    def applied(op: str, words: list[str]) -> str:
        if op in INFIX:
            return f"{words[0]} {INFIX[op]} {words[1]}"
        if op in COMPARISONS:
            return f"where({words[0]} {COMPARISONS[op]} {words[1]}, 1.0, 0.0)"
        if op == "neg":
            return f"-{words[0]}"
        return f"{ {'select': 'where', 'taken': 'take'}.get(op, op) }({', '.join(words)})"

    # ---- operands -----------------------------------------------------------------------------------------------------------

    def vector(self, index: Index, n: int) -> str:
        if index.table is None and (n == 1 or index.rows == 0):
            return self.one(index.start)
        return self.gathered(index.entries(n, 1), "b")

    def row(self, index: Index, depth: int) -> str:
        if index.table is None and index.columns == 0:
            return f"full({depth}, {self.one(index.start)})"
        return self.gathered(index.entries(1, depth))

    def one(self, result: int) -> str:
        """One number."""
        variable, place = self.place(result)
        if variable is None:
            return f"{self.groups.constants[result]!r}"
        return variable.name if _is_number(variable) else f"{variable.name}[{place}]"

    def matrix(self, index: Index, rows: int, columns: int, letter: str = "", transposed: bool = False) -> str:
        """rows × columns, or the transpose of that."""
        slots = list(index.entries(rows, columns))
        if letter and all(self.is_parameter(slot) for slot in slots):
            turned = [slots[r * columns + c] for c in range(columns) for r in range(rows)]
            known = self.views.get((*turned, f".reshape({columns}, {rows})"))
            if known is not None:
                return known + ("" if transposed else ".T")
            return self.view(slots, f".reshape({rows}, {columns})", letter) + (".T" if transposed else "")
        if transposed:
            slots = [slots[r * columns + c] for c in range(columns) for r in range(rows)]
            rows, columns = columns, rows
        return self.pieces(slots, f".reshape({rows}, {columns})")

    def is_parameter(self, result: int) -> bool:
        return 0 <= result - len(self.groups.constants) < self.groups.n_parameters

    def view(self, slots: Sequence[int], form: str, letter: str) -> str:
        """A name for a part of the parameters."""
        key = (*slots, form)
        if key not in self.views:
            first = len(self.groups.constants)
            called = {stem(self.parameter_names[slot - first] or "") for slot in slots}
            common = called.pop() if len(called) == 1 else ""
            letter = common if common and common not in TAKEN and not keyword.iskeyword(common) else letter
            name = f"{letter}{self.named[letter]}"
            self.named[letter] += 1
            self.views[key] = name
            self.definitions.append(f"{name} = {self.pieces(slots, form)}")
        return self.views[key]

    def gathered(self, slots: Sequence[int], letter: str = "") -> str:
        """These numbers side by side."""
        if letter and len(slots) > 1 and all(self.is_parameter(slot) for slot in slots):
            return self.view(slots, "", letter)
        return self.pieces(slots)

    def pieces(self, slots: Sequence[int], form: str = "") -> str:
        """These numbers side by side, and in a form such as ``.reshape(2, 3)``."""
        parts: list[_Piece] = []
        start = 0
        while start < len(slots):
            end = self.end_of_piece(slots, start)
            parts += self.piece(slots[start:end])
            start = end
        if len(parts) == 1:
            return parts[0].text + form if parts[0].form != form else parts[0].block
        return f"concatenate([{', '.join(part.text for part in parts)}]){form}"

    def end_of_piece(self, slots: Sequence[int], start: int) -> int:
        """How far the results from here belong to one variable, or are constants."""
        variable, _ = self.place(slots[start])
        end = start + 1
        while end < len(slots) and self.place(slots[end])[0] is variable:
            end += 1
        return end

    def piece(self, slots: Sequence[int]) -> list[_Piece]:
        """Numbers of one variable, or constants."""
        variable, _ = self.place(slots[0])
        if variable is None:
            return [_Piece(f"array([{', '.join(repr(self.groups.constants[slot]) for slot in slots)}])")]
        places = [self.place(slot)[1] for slot in slots]
        if _is_number(variable):
            n = len(slots)
            return [_Piece(f"full({n}, {variable.name})" if n > 1 else f"atleast_1d({variable.name})")]
        if places == list(range(variable.size)):
            return [_Piece(variable.name)]
        return _parts_of(variable, places)


FEW = 3  # as many terms are written out; more are the sum of a matrix's rows


def _is_number(variable: _Variable) -> bool:
    """Whether a variable is one number and no array."""
    return variable.size == 1 and variable.name not in ("x", "p")


def _is_sum(term: str) -> bool:
    return " + " in term


def _column(index: Index, k: int, rows: int, columns: int) -> Index:
    entries = index.entries(rows, columns)
    return Index(0, 0, 0, tuple(entries[k::columns]))


def _turned(index: Index, rows: int, columns: int) -> Index:
    """A matrix with its columns in the other order."""
    if index.table is None:
        return index._replace(start=index.start + (columns - 1) * index.columns, columns=-index.columns)
    return index._replace(table=tuple([index.table[r * columns + c] for r in range(rows) for c in reversed(range(columns))]))


class _Piece(NamedTuple):
    """Some numbers side by side. If they are a block of rows and columns too: the block, and the form that it has."""

    text: str
    block: str = ""
    form: str = "no form"


FEWEST = 4  # numbers that are worth a slice among others that are not


def _parts_of(variable: _Variable, places: list[int]) -> list[_Piece]:
    """Places in a variable as slices and blocks, where they are so regular; the others one by one."""
    parts: list[_Piece] = []
    singles: list[int] = []
    start = 0
    while start < len(places):
        columns = _steady(places, start)
        rows = _repeated(places, start, columns)
        size = rows * columns
        block = _block(variable, places[start : start + size], rows, columns) if rows > 1 else ""
        if not block:
            size = columns
        if size < FEWEST and size < len(places):
            singles.append(places[start])
            start += 1
            continue
        parts += _singles(variable, singles)
        singles = []
        if block:
            parts.append(_Piece(f"{block}.ravel()", block, f".reshape({rows}, {columns})"))
        else:
            parts.append(_Piece(_slice(variable, places[start : start + size])))
        start += size
    return parts + _singles(variable, singles)


def _steady(places: list[int], start: int) -> int:
    """How many places from here on have the same distance, which is not 0."""
    if start + 1 == len(places) or places[start + 1] == places[start]:
        return 1
    step = places[start + 1] - places[start]
    end = start + 2
    while end < len(places) and places[end] - places[end - 1] == step:
        end += 1
    return end - start


def _repeated(places: list[int], start: int, columns: int) -> int:
    """How many rows of so many places follow each other at the same distance."""
    first = places[start : start + columns]
    after = start + columns
    if after >= len(places):
        return 1
    step = places[after] - places[start]
    rows = 1
    while places[start + rows * columns : start + (rows + 1) * columns] == [place + rows * step for place in first]:
        rows += 1
    return rows


def _slice(variable: _Variable, places: list[int]) -> str:
    step = places[1] - places[0] if len(places) > 1 else 1
    stop = places[-1] + (1 if step > 0 else -1)
    end = str(stop) if stop >= 0 else ""
    return f"{variable.name}[{places[0]}:{end}" + ("]" if step == 1 else f":{step}]")


def _block(variable: _Variable, places: list[int], rows: int, columns: int) -> str:
    """Rows and columns cut out of a wider matrix, or of a transposed one; empty if they are neither."""
    down, right = places[columns] - places[0], places[1] - places[0] if columns > 1 else 1
    for wide, long, count, breadth, turned in ((down, right, rows, columns, ""), (right, down, columns, rows, ".T")):
        end = places[0] + count * wide
        if long == 1 and wide >= breadth and end <= variable.size:
            cut = "" if wide == breadth else f"[:, :{breadth}]"
            return f"{variable.name}[{places[0]}:{end}].reshape({count}, {wide}){cut}{turned}"
    return ""


def _singles(variable: _Variable, places: list[int]) -> list[_Piece]:
    if len(places) == 1:
        return [_Piece(_slice(variable, places))]
    return [_Piece(f"{variable.name}[[{', '.join(map(str, places))}]]")] if places else []
