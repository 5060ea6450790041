"""The first form of a program: scalar operations, as they were recorded."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    """A program of scalar operations: operation ``i`` is ``ops[i]`` of the results ``args[i]``, which come before it.

    The args of a leaf are its number among the inputs or the parameters, or the constant itself. ``outputs`` are the results
    wanted; ``batched`` says of each input whether every sample of a batch has its own; ``names`` what some results are called.
    """

    ops: list[Operation]
    args: list[tuple[Any, ...]]
    outputs: list[int]
    batched: tuple[bool, ...]
    names: dict[int, str] = field(default_factory=dict)

    def with_operations(
        self, ops: list[Operation], args: list[tuple[Any, ...]], places: Sequence[int] | Mapping[int, int]
    ) -> Scalars:
        """Another program for the same inputs; ``places`` says where each result of this one is in it."""
        kept = places if isinstance(places, Mapping) else range(len(places))
        names = {places[i]: name for i, name in self.names.items() if i in kept}
        return replace(self, ops=ops, args=args, outputs=[places[output] for output in self.outputs], names=names)

    def varying(self) -> bytearray:
        """1 for each result that differs between the samples of a batch."""
        found = bytearray(len(self.ops))
        for i, (op, args) in enumerate(zip(self.ops, self.args, strict=True)):
            if op == INPUT:
                found[i] = self.batched[args[0]]
            elif op not in LEAVES:
                for arg in args:
                    if found[arg]:
                        found[i] = 1
                        break
        return found

    def counts(self) -> Counter[str]:
        """How many there are of each operation, without the leaves."""
        names = (op if isinstance(op, str) else "linear" for op in self.ops)
        return Counter(name for name in names if name not in LEAVES)

    def __len__(self) -> int:
        """How many operations there are, without the leaves."""
        return sum(op not in LEAVES for op in self.ops)

    def listing(self) -> str:
        """One line for each operation."""
        return "\n".join(self.line(i) for i in range(len(self.ops)) if self.ops[i] not in LEAVES)

    def line(self, i: int) -> str:
        """``v7 = v3 · v5``."""
        op, words = self.ops[i], [self.word(arg) for arg in self.args[i]] if self.ops[i] not in LEAVES else []
        if isinstance(op, Linear):
            return f"v{i} = {linear_text(op, words)}"
        return f"v{i} = {rules.TABLE[op].written(words)}"

    def word(self, i: int) -> str:
        """What a result is called in a line: ``v7``, ``x2`` for an input, ``p4`` for a parameter, a constant by its number."""
        op = self.ops[i]
        if op == CONSTANT:
            return f"{self.args[i][0]:.17g}"
        return f"{'x' if op == INPUT else 'p'}{self.args[i][0]}" if op in LEAVES else f"v{i}"


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
