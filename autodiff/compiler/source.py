"""Source: a vector program as the Python that a person would have written with NumPy, one line for each instruction or sum."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from autodiff.compiler.program import Instruction, Program, Vector, stem
from autodiff.engine import rules

INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}
TAKEN = {"x", "p", "v", "sums", "array", "concatenate", "zeros", "full", "outer", "where", "take", *rules.TABLE}
COMPARISONS = {"greater": ">", "greater_equal": ">=", "equal": "=="}


class _Variable(NamedTuple):
    name: str
    start: int
    size: int


def source(program: Program, name: str, parameter_names: Sequence[str | None], n_inputs_of: int) -> str:
    """``def name(x, p)``: the values, then the gradients, of the inputs ``x`` of one sample and the parameters ``p``.

    The first ``n_inputs_of`` outputs are values. Sums over the samples are those of this sample.
    """
    return _Writer(program, name, parameter_names, n_inputs_of).text()


class _Writer:
    def __init__(self, program: Program, name: str, parameter_names: Sequence[str | None], n_values: int):
        self.program = program
        self.name = re.sub(r"\W", "_", name)
        self.parameter_names = parameter_names
        self.n_values = n_values
        self.variables: dict[int, _Variable] = {}  # by slot
        self.lines: list[str] = []
        self.views: dict[tuple[Any, ...], str] = {}  # of the parameters
        self.definitions: list[str] = []
        self.pending: tuple[_Variable, list[str]] | None = None
        self.count = 0
        self.named: Counter[str] = Counter()

    def text(self) -> str:
        program = self.program
        n_constants = len(program.constants)
        self.constants = dict(enumerate(program.constants))
        if program.n_parameters:
            self.enter(_Variable("p", n_constants, program.n_parameters))
        for number, slot in enumerate(program.inputs):
            self.variables[slot] = _Variable("x", slot - number, len(program.inputs))
        sums = sorted(program.summed)
        if sums:
            self.enter(_Variable("sums", sums[0], len(sums)))
        for instruction in program.once + program.each:
            self.write(instruction)
        self.close()
        outputs = self.outputs()
        head = [f"def {self.name}(x, p):"]
        named = [(i, text) for i, text in enumerate(self.parameter_names) if text]
        if named:
            shown = ", ".join(f"p[{i}] = {text}" for i, text in named[:8])
            head.append(f"    # {shown}" + (", ..." if len(named) > 8 else ""))
        return "\n".join([*head, *[f"    {line}" for line in self.definitions + self.lines + outputs]]) + "\n"

    def outputs(self) -> list[str]:
        stored = [self.entries(self.program.stored[: self.n_values]), self.entries(self.program.stored[self.n_values :])]
        summed = self.entries(self.program.summed)
        parts = [text for text in (*stored, summed) if text]
        return [f"return {', '.join(parts)}"] if parts else ["return ()"]

    def entries(self, slots: Sequence[int]) -> str:
        return self.gathered(slots) if slots else ""

    def enter(self, variable: _Variable) -> None:
        for slot in range(variable.start, variable.start + variable.size):
            self.variables[slot] = variable

    def new(self, start: int, size: int, name: str) -> _Variable:
        """A variable of this name if it is free, of the name with a number if it is not, of a number alone without a name."""
        if not name or keyword.iskeyword(name) or name in TAKEN:
            self.count += 1
            return _Variable(f"v{self.count - 1}", start, size)
        number = self.named[name]
        self.named[name] += 1
        return _Variable(f"{name}{number}" if number else name, start, size)

    # ---- instructions -------------------------------------------------------------------------------------------------------

    def write(self, instruction: Instruction) -> None:
        kind, op, (rows, columns, _), target, operands, name = instruction
        n = rows * columns
        if kind == "map":
            self.close()
            words = [self.vector(operand, n) for operand in operands]
            variable = self.new(target, n, name)
            self.lines.append(f"{variable.name} = {self.applied(op, words)}")
            self.enter(variable)
        elif kind in ("fill", "start"):
            self.close()
            if target in self.variables and self.variables[target].name == "sums":
                self.lines.append(f"sums = zeros({n})")
                return
            first = ["0.0" if op == "+0" else "-0.0"] if kind == "fill" else []
            if kind == "start":
                first.append(self.vector(operands[0], n))
            self.pending = (self.new(target, n, name), first)
        else:
            self.add(instruction)

    def add(self, instruction: Instruction) -> None:
        kind, sign, (rows, columns, depth), target, operands, _ = instruction
        n = rows * columns
        term = self.term(kind, rows, columns, depth, operands)
        if self.pending is not None and not kind.startswith("summed"):
            variable, terms = self.pending
            if (target, n) == (variable.start, variable.size):
                negative = f"-{term}" if "+" not in term else f"-({term})"
                terms.append(term if sign == "+" else negative)
                return
        self.close()
        variable = self.variables[target]
        start = target - variable.start
        self.lines.append(f"{variable.name}[{start}:{start + n}] {sign}= {term}")

    def term(self, kind: str, rows: int, columns: int, depth: int, operands: tuple[Vector, ...]) -> str:
        kind = kind.removeprefix("summed ")
        if kind in ("gain", "terms"):
            return self.vector(operands[0], rows)
        if kind == "rows":
            return f"{self.matrix(operands[0], rows, depth)}.sum(axis=1)"
        left, right = operands
        if depth > 1 and _entry(left, 0, depth - 1, depth) < _entry(left, 0, 0, depth):
            left, right = _forwards(left, rows, depth), _forwards(right, rows if kind == "dots" else columns, depth)
        if kind == "dots":
            return f"({self.matrix(left, rows, depth)} * {self.matrix(right, rows, depth)}).sum(axis=1)"
        if depth == 1:
            x, y = self.vector(left, rows), self.vector(right, columns)
            return f"outer({x}, {y}).ravel()" if rows > 1 and columns > 1 else f"{x} * {y}"
        if columns == 1:
            return f"{self.matrix(left, rows, depth, 'W')} @ {self.row(right, depth)}"
        if rows == 1:
            return f"{self.matrix(right, columns, depth)} @ {self.row(left, depth)}"
        return f"({self.matrix(left, rows, depth, 'W')} @ {self.matrix(right, columns, depth, transposed=True)}).ravel()"

    def close(self) -> None:
        """Write the sum that has been collected."""
        if self.pending is None:
            return
        variable, terms = self.pending
        self.pending = None
        shown = terms[1:] if len(terms) > 1 and terms[0] in ("0.0", "-0.0") else terms
        text = " + ".join(shown).replace("+ -", "- ")
        if terms == ["0.0"] or terms == ["-0.0"]:
            text = f"full({variable.size}, {terms[0]})"
        self.lines.append(f"{variable.name} = {text}")
        self.enter(variable)

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

    def vector(self, v: Vector, n: int) -> str:
        if v.table is not None:
            return self.gathered(v.table[:n])
        if n == 1 or v.rows == 0:
            return self.one(v.start)
        return self.gathered([v.start + i * v.rows for i in range(n)], "b")

    def row(self, v: Vector, depth: int) -> str:
        if v.table is not None:
            return self.gathered(v.table[:depth])
        if v.columns == 0:
            return f"full({depth}, {self.one(v.start)})"
        return self.gathered([v.start + k * v.columns for k in range(depth)])

    def one(self, slot: int) -> str:
        """One number."""
        if slot in self.constants:
            return f"{self.constants[slot]!r}"
        variable = self.variables[slot]
        return (
            variable.name
            if variable.size == 1 and variable.name not in ("x", "p")
            else f"{variable.name}[{slot - variable.start}]"
        )

    def matrix(self, v: Vector, rows: int, columns: int, letter: str = "", transposed: bool = False) -> str:
        """rows × columns, or the transpose of that."""
        slots = list(v.table[: rows * columns]) if v.table is not None else [
            v.start + r * v.rows + c * v.columns for r in range(rows) for c in range(columns)
        ]  # fmt: skip
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

    def is_parameter(self, slot: int) -> bool:
        return slot in self.variables and self.variables[slot].name == "p"

    def view(self, slots: Sequence[int], form: str, letter: str) -> str:
        """A name for a part of the parameters."""
        key = (*slots, form)
        if key not in self.views:
            first = self.variables[slots[0]].start
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
        """How far the slots from here belong to one variable, or are constants."""
        variable = self.variables.get(slots[start])
        end = start + 1
        while end < len(slots) and self.variables.get(slots[end]) == variable:
            end += 1
        return end

    def piece(self, slots: Sequence[int]) -> list[_Piece]:
        """Numbers of one variable, or constants."""
        variable = self.variables.get(slots[0])
        if variable is None:
            return [_Piece(f"array([{', '.join(repr(self.constants[slot]) for slot in slots)}])")]
        places = [slot - variable.start for slot in slots]
        scalar = variable.size == 1 and variable.name not in ("x", "p")
        if scalar:
            n = len(slots)
            return [_Piece(f"full({n}, {variable.name})" if n > 1 else f"atleast_1d({variable.name})")]
        if places == list(range(variable.size)):
            return [_Piece(variable.name)]
        return _parts_of(variable, places)


def _entry(v: Vector, row: int, column: int, columns: int) -> int:
    return v.start + row * v.rows + column * v.columns if v.table is None else v.table[row * columns + column]


def _forwards(v: Vector, rows: int, columns: int) -> Vector:
    """A matrix whose columns run backwards, as sums of the adjoint do, in the other order."""
    if v.table is None:
        return v._replace(start=v.start + (columns - 1) * v.columns, columns=-v.columns)
    table = [v.table[r * columns + c] for r in range(rows) for c in reversed(range(columns))]
    return v._replace(table=tuple(table))


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
