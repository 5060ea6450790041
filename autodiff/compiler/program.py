"""The first form of a program: scalar operations, as they were recorded, in arrays of integers."""

from __future__ import annotations

import unicodedata
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from autodiff.engine import rules

INPUT, PARAMETER, CONSTANT = "input", "parameter", "constant"


class Linear(NamedTuple):
    """A sum of signed terms and signed products, from left to right, as an operation: ±0 ± t ± a·b ….

    ``runs`` are pairs of a kind and a number: so many terms that are added (``"+"``) or subtracted (``"-"``), or so many
    products (``"+·"``, ``"-·"``); its operands are those of the runs, two for each product. ``from_zero`` says that the sum
    began with 0.0, so that it is never −0.0.
    """

    from_zero: bool
    runs: tuple[tuple[str, int], ...]

    def parts(self, operands: tuple[int, ...]) -> list[tuple[str, tuple[int, ...]]]:
        """The kind and the operands of each run."""
        found = []
        start = 0
        for kind, count in self.runs:
            end = start + count * (1 if kind in TERMS else 2)
            found.append((kind, operands[start:end]))
            start = end
        return found


TERMS = frozenset({"+", "-"})
Operation = str | Linear  # of a row of the table, a leaf (INPUT, PARAMETER, CONSTANT), or a sum of products


@dataclass(frozen=True, slots=True)
class Scalars:
    """A program of scalar operations, in arrays of integers.

    Operation ``i`` is ``codes[i]``: the code of a row of the table, or −1 − the number of one of the ``linears``. Its operands
    are ``operands[starts[i] : starts[i + 1]]``: operations that come before it, or leaves, of which leaf j is −1 − j. The
    leaves are the inputs, of which ``batched`` says whether every sample of a batch has its own, the parameters, the constants.
    ``outputs`` are the results wanted, numbered as operands are; ``names`` what some results are called.
    """

    codes: array[int]
    starts: array[int]
    operands: array[int]
    linears: list[Linear]
    constants: list[float]
    n_parameters: int
    outputs: list[int]
    batched: tuple[bool, ...]
    names: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        ops: Sequence[Operation],
        args: Sequence[tuple[Any, ...]],
        outputs: Sequence[int],
        batched: tuple[bool, ...],
        names: Mapping[int, str] | None = None,
    ) -> Scalars:
        """A program as ``ops`` and ``args`` have it."""
        n_parameters = ops.count(PARAMETER)
        first = len(batched) + n_parameters
        constants: list[float] = []
        linears: dict[Linear, int] = {}
        places: list[int] = []
        codes, starts, operands = array("i"), array("i", [0]), array("i")
        for op, given in zip(ops, args, strict=True):
            if op == CONSTANT:
                places.append(-1 - first - len(constants))
                constants.append(given[0])
            elif op in LEAVES:
                places.append(-1 - given[0] - len(batched) * (op == PARAMETER))
            else:
                places.append(len(codes))
                codes.append(-1 - linears.setdefault(op, len(linears)) if isinstance(op, Linear) else rules.TABLE[op].code)
                operands.extend([places[arg] for arg in given])
                starts.append(len(operands))
        named = {places[i]: name for i, name in (names or {}).items()}
        outputs = [places[output] for output in outputs]
        return cls(codes, starts, operands, list(linears), constants, n_parameters, outputs, batched, named)

    def __reduce__(self) -> Any:
        n = self.n_leaves  # the codes of rows are those of this process
        places = {n + place if place >= 0 else -1 - place: name for place, name in self.names.items()}
        outputs = [n + place if place >= 0 else -1 - place for place in self.outputs]
        return Scalars.of, (self.ops, self.args, outputs, self.batched, places)

    @property
    def n_fixed(self) -> int:
        """How many inputs and parameters there are; the leaves from here on are constants."""
        return len(self.batched) + self.n_parameters

    @property
    def n_leaves(self) -> int:
        """How many inputs, parameters and constants there are."""
        return self.n_fixed + len(self.constants)

    @property
    def ops(self) -> list[Operation]:
        """Every result by what makes it, the leaves first."""
        leaves: list[Operation] = [
            *[INPUT] * len(self.batched),
            *[PARAMETER] * self.n_parameters,
            *[CONSTANT] * len(self.constants),
        ]
        rows, linears = rules.BY_CODE, self.linears
        return leaves + [rows[code].name if code > 0 else linears[-1 - code] for code in self.codes]  # type: ignore[union-attr]

    @property
    def args(self) -> list[tuple[Any, ...]]:
        """What each of ``ops`` is made of: results that come before it. Of a leaf its number, or the constant itself."""
        n, operands, starts = self.n_leaves, self.operands, self.starts
        leaves: list[tuple[Any, ...]] = [(i,) for i in range(len(self.batched))] + [(i,) for i in range(self.n_parameters)]
        leaves += [(number,) for number in self.constants]
        places = [n + place if place >= 0 else -1 - place for place in operands]
        return leaves + [tuple(places[starts[i] : starts[i + 1]]) for i in range(len(self))]

    def op(self, i: int) -> Operation:
        """What operation ``i`` does."""
        code = self.codes[i]
        return self.linears[-1 - code] if code < 0 else rules.BY_CODE[code].name  # type: ignore[union-attr]

    def operands_of(self, i: int) -> array[int]:
        """What operation ``i`` is made of."""
        return self.operands[self.starts[i] : self.starts[i + 1]]

    def counts(self) -> Counter[str]:
        """How many there are of each operation, without the leaves."""
        return Counter(op if isinstance(op, str) else "linear" for op in map(self.op, range(len(self))))

    def __len__(self) -> int:
        """How many operations there are, without the leaves."""
        return len(self.codes)

    def listing(self) -> str:
        """One line for each operation."""
        return "\n".join(map(self.line, range(len(self))))

    def line(self, i: int) -> str:
        """``v7 = v3 · v5``."""
        op, words = self.op(i), [self.word(place) for place in self.operands_of(i)]
        if isinstance(op, Linear):
            return f"v{i} = {linear_text(op, words)}"
        return f"v{i} = {rules.TABLE[op].written(words)}"

    def word(self, place: int) -> str:
        """What a result is called in a line: ``v7``, ``x2`` for an input, ``p4`` for a parameter, a constant by its number."""
        if place >= 0:
            return f"v{place}"
        leaf, n = -1 - place, len(self.batched)
        if leaf >= self.n_fixed:
            return f"{self.constants[leaf - self.n_fixed]:.17g}"
        return f"x{leaf}" if leaf < n else f"p{leaf - n}"


def stem(name: str) -> str:
    """A name without what numbers it: ``h`` of ``h₃`` and ``h[i]``, ``w`` of ``layers.0.w.2``; empty if there is no such."""
    plain = unicodedata.normalize("NFKC", name)  # as Python reads it
    words = [word for word in plain.partition("[")[0].split(".") if not word.isdecimal()]
    found = words[-1].rstrip("0123456789₀₁₂₃₄₅₆₇₈₉_") if words else ""
    return found if found.isidentifier() else ""


LEAVES = frozenset({INPUT, PARAMETER, CONSTANT})


def linear_text(op: Linear, words: list[str]) -> str:
    """A sum of products in words for its operands."""
    text = ""
    start = 0
    for kind, count in op.runs:
        wide = 1 if kind in TERMS else 2
        for i in range(start, start + count * wide, wide):
            sign = (" + " if text else "") if kind[0] == "+" else " − " if text else "−"
            text += sign + " · ".join(words[i : i + wide])
        start += count * wide
    return text
