"""Simplify: small passes from scalar program to scalar program, none of which hides a nan, an inf or the sign of a zero.

``x · 0``, ``x − x`` and ``x / x`` stay, and so do the order and the brackets of sums: every result is the same to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from autodiff.compiler.program import CONSTANT, LEAVES, Linear, Operation, Scalars
from autodiff.engine import rules

Args = tuple[Any, ...]

# ---- passes that go through the operations one by one -----------------------------------------------------------------------


class _Builder:
    """The program that a pass builds."""

    def __init__(self) -> None:
        self.ops: list[Operation] = []
        self.args: list[Args] = []
        self.constants: dict[str, int] = {}

    def add(self, op: Operation, args: Args) -> int:
        self.ops.append(op)
        self.args.append(args)
        return len(self.ops) - 1

    def constant(self, number: float) -> int:
        """The place of a constant; one for each bit pattern."""
        key = repr(number)
        place = self.constants.get(key)
        if place is None:
            place = self.constants[key] = self.add(CONSTANT, (number,))
        return place

    def number(self, place: int) -> float | None:
        """The constant at a place, None if there is none."""
        return self.args[place][0] if self.ops[place] == CONSTANT else None


# What a visit returns: the place that stands for the operation, None for "as it is".
Visit = Callable[[_Builder, Any, Args], int | None]


def _visited(program: Scalars, visit: Visit) -> Scalars:
    """Each operation replaced by what ``visit`` says, or kept."""
    built = _Builder()
    ops, args = built.ops, built.args
    places: list[int] = []
    for op, old in zip(program.ops, program.args, strict=True):
        if op in LEAVES:
            place: int | None = built.constant(old[0]) if op == CONSTANT else None
            new = old
        else:
            new = tuple([places[arg] for arg in old])
            place = visit(built, op, new)
        if place is None:
            place = len(ops)
            ops.append(op)
            args.append(new)
        places.append(place)
    return program.with_operations(ops, args, places)


def fold(program: Scalars) -> Scalars:
    """Operations on constants alone are constants."""

    def visit(built: _Builder, op: Any, args: Args) -> int | None:
        ops = built.ops
        for arg in args:
            if ops[arg] != CONSTANT:
                return None
        if isinstance(op, Linear) or op == "taken":  # an index that is no place of the table is an error of the call
            return None
        numbers = [built.args[arg][0] for arg in args]
        return built.constant(rules.TABLE[op].value(*numbers))

    return _visited(program, visit)


def share(program: Scalars) -> Scalars:
    """Operations of one kind on the same operands are one operation."""
    seen: dict[Any, int] = {}

    def visit(built: _Builder, op: Any, args: Args) -> int | None:
        if op in SYMMETRIC and args[0] > args[1]:
            args = args[::-1]
        return seen.setdefault((op, args), len(built.ops)) if (op, args) in seen else _first(seen, built, op, args)

    return _visited(program, visit)


SYMMETRIC = frozenset({"add", "mul"})


def _first(seen: dict[Any, int], built: _Builder, op: Any, args: Args) -> int:
    place = seen[op, args] = built.add(op, args)
    return place


def identities(program: Scalars) -> Scalars:
    """What is exactly its operand, or a cheaper operation, for every number: x · 1, x / 1, x ^ 1, x ^ 2, −(−x), x · (−1)."""

    def visit(built: _Builder, op: Any, args: Args) -> int | None:
        rewrite = IDENTITIES.get(op)
        return None if rewrite is None else rewrite(built, *args)

    return _visited(program, visit)


def _same(built: _Builder, x: int) -> int:
    return x


def _mul(built: _Builder, x: int, y: int) -> int | None:
    for factor, other in ((built.number(x), y), (built.number(y), x)):
        if factor == 1.0:
            return other
        if factor == -1.0:
            return _neg(built, other) or built.add("neg", (other,))
    return None


def _mul0(built: _Builder, x: int, y: int) -> int | None:
    """0 · ±inf is where it differs from a product: nowhere, if one factor is finite and not 0."""
    for factor in (built.number(x), built.number(y)):
        if factor is not None and factor != 0.0 and math.isfinite(factor):
            return _mul(built, x, y) or built.add("mul", (x, y))
    return None


def _div(built: _Builder, x: int, y: int) -> int | None:
    divisor = built.number(y)
    if divisor == 1.0:
        return x
    if divisor is not None and 1e-300 < abs(divisor) < 1e300 and abs(math.frexp(divisor)[0]) == 0.5:
        return built.add("mul", (x, built.constant(1.0 / divisor)))  # a power of two: exact
    return None


def _div0(built: _Builder, x: int, y: int) -> int | None:
    divisor = built.number(y)
    if divisor is None or divisor == 0.0 or divisor != divisor:
        return None
    return _div(built, x, y) or built.add("div", (x, y))


def _neg(built: _Builder, x: int) -> int | None:
    return built.args[x][0] if built.ops[x] == "neg" else None


def _add(built: _Builder, x: int, y: int) -> int | None:
    """x + (−0.0) is x; x + 0.0 is not, if x is −0.0."""
    for term, other in ((built.number(x), y), (built.number(y), x)):
        if term == 0.0 and math.copysign(1.0, term) < 0:
            return other
    return None


def _sub(built: _Builder, x: int, y: int) -> int | None:
    term = built.number(y)
    return x if term == 0.0 and math.copysign(1.0, term) > 0 else None


def _pow(built: _Builder, x: int, y: int) -> int | None:
    exponent = built.number(y)
    if exponent == 1.0:
        return x
    if exponent == 2.0:
        return built.add("mul", (x, x))
    return built.constant(1.0) if exponent == 0.0 else None


def _select(built: _Builder, condition: int, x: int, y: int) -> int | None:
    known = built.number(condition)
    if known is not None:
        return x if known != 0.0 else y
    if x == y:
        return x
    choices = (built.number(x), built.number(y))
    return (
        condition
        if choices == (1.0, 0.0) and math.copysign(1.0, choices[1] or 0.0) > 0 and _is_truth(built, condition)
        else None
    )


def _is_truth(built: _Builder, place: int) -> bool:
    """Whether it is always 1.0 or 0.0."""
    return built.ops[place] in TRUTHS


TRUTHS = frozenset({"greater", "greater_equal", "equal"})
IDENTITIES: dict[Any, Callable[..., int | None]] = {
    "where": _same, "held": _same, "mul": _mul, "mul0": _mul0, "div": _div, "div0": _div0, "neg": _neg, "add": _add,
    "sub": _sub, "pow": _pow, "select": _select,
}  # fmt: skip

# ---- passes that look at uses -----------------------------------------------------------------------------------------------


def drop(program: Scalars) -> Scalars:
    """What no output depends on goes; inputs and parameters stay."""
    needed = bytearray(len(program.ops))
    for output in program.outputs:
        needed[output] = 1
    for i in range(len(program.ops) - 1, -1, -1):
        if needed[i] and program.ops[i] not in LEAVES:
            for arg in program.args[i]:
                needed[arg] = 1
    kept = [i for i, op in enumerate(program.ops) if needed[i] or (op in LEAVES and op != CONSTANT)]
    return _renumbered(program, kept)


def _renumbered(program: Scalars, kept: Iterable[int]) -> Scalars:
    """The operations at these places, in their order."""
    places: dict[int, int] = {}
    ops: list[Operation] = []
    args: list[Args] = []
    for i in kept:
        places[i] = len(ops)
        op, old = program.ops[i], program.args[i]
        ops.append(op)
        args.append(old if op in LEAVES else tuple([places[arg] for arg in old]))
    return program.with_operations(ops, args, places)


SUMS = frozenset({"add", "sub", "neg", "sum", "dot"})
HEADS = SUMS - {"neg"}


def sums(program: Scalars) -> Scalars:
    """Chains of + and − become one sum from left to right, and sums of products one dot.

    A sum goes on with the sum that is its left operand (or either one, of x + y), if nothing else uses that; products and
    negatives are written into it as terms. Brackets on the right, x + (y + z), stay.
    """
    absorbed, heads = _absorbed(program)
    ops, args = list(program.ops), list(program.args)
    for i, op in enumerate(program.ops):
        if absorbed[i] or op not in SUMS:
            continue
        linear, operands = _flattened(program, absorbed, heads, i)
        ops[i], args[i] = _plainer(linear, operands)
    return program.with_operations(ops, args, range(len(ops)))


def _absorbed(program: Scalars) -> tuple[bytearray, dict[int, int]]:
    """Which operations are written into the one sum that uses them; and of each sum the operand that it goes on with."""
    uses = [0] * len(program.ops)
    for output in program.outputs:
        uses[output] += 2
    ops = program.ops
    for i in range(len(ops) - 1, -1, -1):
        if uses[i] and ops[i] not in LEAVES:
            for arg in program.args[i]:
                uses[arg] += 1
    absorbed = bytearray(len(ops))
    heads: dict[int, int] = {}
    varying = program.varying()
    for i, (op, args) in enumerate(zip(ops, program.args, strict=True)):
        if op not in SUMS or op == "dot" or not args:
            continue
        # what is the same for all samples is not computed for each
        for head in args if op == "add" else args[:1] if op != "neg" else ():
            if ops[head] in HEADS and uses[head] == 1 and varying[head] == varying[i]:
                absorbed[head] = 1
                heads[i] = head
                break
        for arg in args:
            if ops[arg] in ("mul", "neg") and uses[arg] == 1 and varying[arg] == varying[i]:
                absorbed[arg] = 1
    return absorbed, heads


def _flattened(program: Scalars, absorbed: bytearray, heads: dict[int, int], root: int) -> tuple[Linear, Args]:
    """All terms of a sum, from left to right."""
    chain = [root]
    while chain[-1] in heads:
        chain.append(heads[chain[-1]])
    runs: list[list[Any]] = []
    operands: list[int] = []
    from_zero = False
    for i in reversed(chain):
        op, args = program.ops[i], program.args[i]
        head = heads.get(i)
        if op == "dot":
            half = len(args) // 2
            from_zero = True
            _extend(runs, "+·", half)
            operands.extend([arg for pair in zip(args[:half], args[half:], strict=True) for arg in pair])
            continue
        from_zero = from_zero or op == "sum"
        if op == "add" and head is None and absorbed[args[1]]:  # x + y · z and y · z + x are one form
            args = args[::-1]
        for place, arg in enumerate(args):
            if arg == head:
                continue
            negative = op == "neg" or (op == "sub" and place == 1)
            while absorbed[arg] and program.ops[arg] == "neg":
                negative = not negative
                (arg,) = program.args[arg]
            sign = "-" if negative else "+"
            if absorbed[arg]:
                _extend(runs, sign + "·", 1)
                operands.extend(program.args[arg])
            elif program.ops[arg] == CONSTANT and program.args[arg][0] == 0.0:
                # + 0.0 anywhere is as if the sum began with it, and − 0.0 changes nothing
                from_zero = from_zero or (math.copysign(1.0, program.args[arg][0]) > 0) != negative
            else:
                _extend(runs, sign, 1)
                operands.append(arg)
    return Linear(from_zero, tuple([(kind, count) for kind, count in runs])), tuple(operands)


def _extend(runs: list[list[Any]], kind: str, count: int) -> None:
    if runs and runs[-1][0] == kind:
        runs[-1][1] += count
    elif count:
        runs.append([kind, count])


def _plainer(linear: Linear, operands: Args) -> tuple[Operation, Args]:
    """A sum of one or two terms under its own name."""
    if not linear.from_zero and linear.runs in PLAIN:
        return PLAIN[linear.runs], operands
    return linear, operands


PLAIN: dict[tuple[tuple[str, int], ...], str] = {
    (("+·", 1),): "mul", (("+", 2),): "add", (("+", 1), ("-", 1)): "sub", (("-", 1),): "neg",
}  # fmt: skip

PASSES: dict[str, Callable[[Scalars], Scalars]] = {
    "identities": identities,
    "fold": fold,
    "share": share,
    "sums": sums,
    "drop": drop,
}


def simplified(program: Scalars, passes: Iterable[str] = tuple(PASSES)) -> tuple[Scalars, list[tuple[str, int]]]:
    """The program after these passes, and how many operations there were at first and after each."""
    counts = [("trace", len(program))]
    for name in passes:
        program = PASSES[name](program)
        counts.append((name, len(program)))
    return program, counts
