"""Simplify: small passes from scalar program to scalar program, none of which hides a nan, an inf or the sign of a zero.

``x · 0``, ``x − x`` and ``x / x`` stay, and so do the order and the brackets of sums: every result is the same to the last bit.

Each is a loop over the operations in their order, which writes them again, or something simpler, into the same arrays: the
program that a pass was given is used up by it. Nothing gets longer, so that what is written never overtakes what is read.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from autodiff.compiler.program import Linear, Scalars
from autodiff.engine import rules

try:
    import cython
except ImportError:
    from autodiff.engine import _cython as cython

if not cython.compiled:
    from autodiff.compiler.integers import filled, fresh, integers_of, resized, room

GONE = cython.declare(cython.Py_ssize_t, -(1 << 31))  # the place of an operation that is not there any more
ABSORBED = cython.declare(cython.Py_ssize_t, -1)  # instead of how often it is used: an operation that is part of a sum
KEPT = cython.declare(cython.Py_ssize_t, GONE + 1)  # a rewriting has left the operation as it is, or changed it in its place

ADD = cython.declare(cython.Py_ssize_t, rules.TABLE["add"].code)
SUB = cython.declare(cython.Py_ssize_t, rules.TABLE["sub"].code)
MUL = cython.declare(cython.Py_ssize_t, rules.TABLE["mul"].code)
NEG = cython.declare(cython.Py_ssize_t, rules.TABLE["neg"].code)
SUM = cython.declare(cython.Py_ssize_t, rules.TABLE["sum"].code)
TAKEN = cython.declare(cython.Py_ssize_t, rules.TABLE["taken"].code)
DOT = cython.declare(cython.Py_ssize_t, rules.TABLE["dot"].code)
SYMMETRIC = frozenset({"add", "mul"})

# ---- drafts -----------------------------------------------------------------------------------------------------------------


@cython.cclass
class Draft:
    """The program that a pass writes over the one that it reads, or ``apart`` from it; ``places`` has the new place of each."""

    def __init__(self, program: Scalars, apart: bool = False):
        self.program = program
        self.constants = program.constants
        self.linears = program.linears
        self.numbers = {}
        self.n_fixed = program.n_fixed
        n: place = len(program)
        self.all_codes = room(n) if apart else program.codes
        self.all_starts = room(n + 1) if apart else program.starts
        self.all_operands = room(len(program.operands)) if apart else program.operands
        self.all_places = room(n)
        self.codes = integers_of(self.all_codes)
        self.starts = integers_of(self.all_starts)
        self.operands = integers_of(self.all_operands)
        self.places = integers_of(self.all_places)
        self.starts[0] = 0
        self.n = 0
        self.at = 0

    def number(self, x: int) -> Any:
        """The constant at a place, None if there is none."""
        return self.constants[-1 - x - self.n_fixed] if x < -self.n_fixed else None

    def constant(self, number: float) -> int:
        """The place of a constant; one for each bit pattern."""
        if not self.numbers:
            self.constants = list(self.constants)
            for i, known in enumerate(self.constants):
                self.numbers.setdefault(repr(known), i)
        key = repr(number)
        place = self.numbers.get(key)
        if place is None:
            place = self.numbers[key] = len(self.constants)
            self.constants.append(number)
        return -1 - self.n_fixed - place

    def replace(self, code: int, operands: tuple) -> int:
        """Another operation instead of the one that is being written, with no more operands."""
        self.codes[self.n] = code
        self.at = self.starts[self.n]
        for x in operands:
            self.operands[self.at] = x
            self.at += 1
        return KEPT

    def finished(self) -> Scalars:
        """All that is written."""
        program, places = self.program, self.all_places
        return Scalars(
            resized(self.all_codes, self.n),
            resized(self.all_starts, self.n + 1),
            resized(self.all_operands, self.at),
            self.linears,
            self.constants,
            program.n_parameters,
            [places[x] if x >= 0 else x for x in program.outputs],
            program.batched,
            {new: name for x, name in program.names.items() if (new := places[x] if x >= 0 else x) >= -self.n_fixed},
        )


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def copy(draft: Draft, code: place, operands: integers, start: place, end: place) -> cython.void:
    """Begin to write an operation, with the operands where they are now."""
    k: place
    x: place
    draft.codes[draft.n] = code
    draft.starts[draft.n] = draft.at
    for k in range(start, end):
        x = operands[k]
        draft.operands[draft.at] = draft.places[x] if x >= 0 else x
        draft.at += 1


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def close(draft: Draft, i: place, stands: place) -> cython.void:
    """Operation i is written; or it is nothing but another result, ``stands``."""
    if stands == KEPT:
        draft.places[i] = draft.n
        draft.n += 1
        draft.starts[draft.n] = draft.at
    else:
        draft.places[i] = stands
        draft.at = draft.starts[draft.n]


# ---- passes that go through the operations one by one -----------------------------------------------------------------------


def fold(program: Scalars) -> Scalars:
    """Operations on constants alone are constants."""
    draft: Draft = Draft(program)
    codes: integers = integers_of(program.codes)
    starts: integers = integers_of(program.starts)
    operands: integers = integers_of(program.operands)
    fixed: place = program.n_fixed
    n: place = len(program)
    end: place = 0
    i: place = 0
    while i < n and not is_constant(codes[i], operands, starts[i], starts[i + 1], fixed):
        i += 1
    if i == n:
        return program
    for i in range(n):
        code: place = codes[i]
        start: place = end
        end = starts[i + 1]
        copy(draft, code, operands, start, end)
        stands: place = KEPT
        if is_constant(code, draft.operands, draft.starts[draft.n], draft.at, fixed):
            numbers = [draft.number(draft.operands[k]) for k in range(draft.starts[draft.n], draft.at)]
            stands = draft.constant(rules.BY_CODE[code].value(*numbers))
        close(draft, i, stands)
    return draft.finished()


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_constant(code: place, operands: integers, start: place, end: place, fixed: place) -> cython.bint:
    """Whether an operation rests on constants alone. An index that is no place is an error of the call."""
    k: place
    for k in range(start, end):
        if operands[k] >= -fixed:
            return False
    return code > 0 and code != TAKEN


def share(program: Scalars) -> Scalars:
    """Operations of one kind on the same operands are one operation."""
    draft: Draft = Draft(program)
    codes: integers = integers_of(program.codes)
    starts: integers = integers_of(program.starts)
    operands: integers = integers_of(program.operands)
    size: place = 16
    while 2 * size < 3 * len(program):
        size *= 2
    table: array = filled(size, -1)
    met: integers = integers_of(table)
    end: place = 0
    i: place
    k: place
    for i in range(len(program)):
        code: place = codes[i]
        start: place = end
        end = starts[i + 1]
        copy(draft, code, operands, start, end)
        start = draft.starts[draft.n]
        if code in (ADD, MUL) and draft.operands[start] > draft.operands[start + 1]:
            x: place = draft.operands[start]
            draft.operands[start] = draft.operands[start + 1]
            draft.operands[start + 1] = x
        mixed: place = code & 0x7FFFFFFF
        latest: place = 0
        for k in range(start, draft.at):
            mixed = ((mixed ^ (draft.operands[k] & 0x7FFFFFFF)) * 73244475) & 0x7FFFFFFF
            mixed = mixed ^ (mixed >> 15)
            if draft.operands[k] > latest:
                latest = draft.operands[k]
        # near those that came just before, which are in the processor's cache, and anywhere only after some tries; four tries
        # go an odd number further, so that they come everywhere
        bucket: place = (2 * latest + (mixed & 1023) if latest else mixed) & (size - 1)
        tries: place = 0
        while met[bucket] >= 0 and not alike(draft, met[bucket], start):
            tries += 1
            bucket = (bucket + (1 if tries & 3 else mixed >> 10 << 1)) & (size - 1)
        stands: place = met[bucket]
        if stands < 0:
            met[bucket] = draft.n
            stands = KEPT
        close(draft, i, stands)
    return draft.finished()


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def alike(draft: Draft, i: place, start: place) -> cython.bint:
    """Whether the operation that is being written, whose operands begin at ``start``, is operation i."""
    begin: place = draft.starts[i]
    if draft.codes[i] != draft.codes[draft.n] or draft.starts[i + 1] - begin != draft.at - start:
        return False
    while start < draft.at and draft.operands[begin] == draft.operands[start]:
        begin += 1
        start += 1
    return start == draft.at


def identities(program: Scalars) -> Scalars:
    """What is exactly its operand, or a cheaper operation, for every number: x · 1, x / 1, x ^ 1, x ^ 2, −(−x), x · (−1)."""
    draft: Draft = Draft(program)
    codes: integers = integers_of(program.codes)
    starts: integers = integers_of(program.starts)
    operands: integers = integers_of(program.operands)
    units: array = array("i", [abs(number) == 1.0 for number in program.constants])
    is_unit: integers = integers_of(units)
    rewritable: array = fresh(len(rules.BY_CODE))
    for name in IDENTITIES:
        rewritable[rules.TABLE[name].code] = 1
    asks: integers = integers_of(rewritable)
    rewrites = {rules.TABLE[name].code: rewrite for name, rewrite in IDENTITIES.items()}
    fixed: place = program.n_fixed
    end: place = 0
    i: place
    k: place
    for i in range(len(program)):
        code: place = codes[i]
        start: place = end
        end = starts[i + 1]
        copy(draft, code, operands, start, end)
        stands: place = KEPT
        if code > 0 and asks[code]:
            asked: cython.bint = end - start != 2 and (code != NEG or is_negative(draft, draft.operands[draft.at - 1]))
            for k in range(draft.starts[draft.n], draft.at):
                x: place = draft.operands[k]
                if x < -fixed:
                    asked = asked or code != MUL or -1 - x - fixed >= len(units) or is_unit[-1 - x - fixed]
            if asked:
                given = tuple([draft.operands[k] for k in range(draft.starts[draft.n], draft.at)])
                found = rewrites[code](draft, *given)
                stands = KEPT if found is None else found
        close(draft, i, stands)
    return draft.finished()


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_negative(draft: Draft, x: place) -> cython.bint:
    """Whether an operand is −y."""
    return x >= 0 and draft.codes[x] == NEG


# What a rewriting returns: the place that stands for the operation, None or KEPT for the one that is written.


def _same(draft: Draft, x: int) -> int:
    return x


def _mul(draft: Draft, x: int, y: int) -> Any:
    for factor, other in ((draft.number(x), y), (draft.number(y), x)):
        if factor == 1.0:
            return other
        if factor == -1.0:
            found = _neg(draft, other)
            return draft.replace(NEG, (other,)) if found is None else found
    return None


def _mul0(draft: Draft, x: int, y: int) -> Any:
    """0 · ±inf is where it differs from a product: nowhere, if one factor is finite and not 0."""
    for factor in (draft.number(x), draft.number(y)):
        if factor is not None and factor != 0.0 and math.isfinite(factor):
            found = _mul(draft, x, y)
            return draft.replace(MUL, (x, y)) if found is None else found
    return None


def _div(draft: Draft, x: int, y: int) -> Any:
    divisor = draft.number(y)
    if divisor == 1.0:
        return x
    if divisor is not None and 1e-300 < abs(divisor) < 1e300 and abs(math.frexp(divisor)[0]) == 0.5:
        return draft.replace(MUL, (x, draft.constant(1.0 / divisor)))  # a power of two: exact
    return None


def _div0(draft: Draft, x: int, y: int) -> Any:
    divisor = draft.number(y)
    if divisor is None or divisor == 0.0 or divisor != divisor:
        return None
    found = _div(draft, x, y)
    return draft.replace(rules.TABLE["div"].code, (x, y)) if found is None else found


def _neg(draft: Draft, x: int) -> Any:
    return draft.operands[draft.starts[x]] if is_negative(draft, x) else None


def _add(draft: Draft, x: int, y: int) -> Any:
    """x + (−0.0) is x; x + 0.0 is not, if x is −0.0."""
    for term, other in ((draft.number(x), y), (draft.number(y), x)):
        if term == 0.0 and math.copysign(1.0, term) < 0:
            return other
    return None


def _sub(draft: Draft, x: int, y: int) -> Any:
    term = draft.number(y)
    return x if term == 0.0 and math.copysign(1.0, term) > 0 else None


def _pow(draft: Draft, x: int, y: int) -> Any:
    exponent = draft.number(y)
    if exponent == 1.0:
        return x
    if exponent == 2.0:
        return draft.replace(MUL, (x, x))
    return draft.constant(1.0) if exponent == 0.0 else None


def _select(draft: Draft, condition: int, x: int, y: int) -> Any:
    known = draft.number(condition)
    if known is not None:
        return x if known != 0.0 else y
    if x == y:
        return x
    one, zero = draft.number(x), draft.number(y)
    if one == 1.0 and zero == 0.0 and math.copysign(1.0, zero) > 0 and condition >= 0 and draft.codes[condition] in TRUTHS:
        return condition
    return None


TRUTHS = frozenset({rules.TABLE[name].code for name in ("greater", "greater_equal", "equal")})  # always 1.0 or 0.0
IDENTITIES: dict = {
    "where": _same, "held": _same, "mul": _mul, "mul0": _mul0, "div": _div, "div0": _div0, "neg": _neg, "add": _add,
    "sub": _sub, "pow": _pow, "select": _select,
}  # fmt: skip

# ---- passes that look at uses -----------------------------------------------------------------------------------------------


def drop(program: Scalars) -> Scalars:
    """What no output depends on goes; inputs and parameters stay."""
    draft: Draft = Draft(program)
    codes: integers = integers_of(program.codes)
    starts: integers = integers_of(program.starts)
    operands: integers = integers_of(program.operands)
    counted: array = uses_of(program)
    uses: integers = integers_of(counted)
    n: place = len(program)
    end: place = 0
    i: place = 0
    while i < n and uses[i]:
        i += 1
    if i == n:
        return without_constants(program)
    for i in range(n):
        start: place = end
        end = starts[i + 1]
        if uses[i]:
            copy(draft, codes[i], operands, start, end)
            close(draft, i, KEPT)
        else:
            draft.places[i] = GONE
    return without_constants(draft.finished())


def added_up(program: Scalars, summed: Sequence[int]) -> Scalars:
    """The program for outputs of which ``summed`` are added up over the samples: from 0, so that 0 + x is x there."""
    alone = Linear(True, (("+", 1),))
    outputs = list(program.outputs)
    for i in summed:
        if outputs[i] >= 0 and program.op(outputs[i]) == alone:
            outputs[i] = program.operands[program.starts[outputs[i]]]
    return program if outputs == program.outputs else drop(replace(program, outputs=outputs))


def without_constants(program: Scalars) -> Scalars:
    """The program without those constants that nothing takes; its operands are changed in their place."""
    fixed: place = program.n_fixed
    noted: array = filled(len(program.constants), -1)
    numbers: integers = integers_of(noted)
    operands: integers = integers_of(program.operands)
    unseen: place = len(program.constants)
    k: place
    n: place = 0
    for k in range(len(program.operands)):
        if unseen == 0:
            return program
        if operands[k] < -fixed and numbers[-1 - operands[k] - fixed] < 0:
            numbers[-1 - operands[k] - fixed] = 0
            unseen -= 1
    for output in program.outputs:
        if output < -fixed:
            noted[-1 - output - fixed] = 0
    for k in range(len(program.constants)):
        if numbers[k] == 0:
            numbers[k] = n
            n += 1
    if n == len(program.constants):
        return program
    for k in range(len(program.operands)):
        if operands[k] < -fixed:
            operands[k] = -1 - fixed - numbers[-1 - operands[k] - fixed]
    return replace(
        program,
        constants=[number for number, new in zip(program.constants, noted, strict=True) if new >= 0],
        outputs=[-1 - fixed - noted[-1 - x - fixed] if x < -fixed else x for x in program.outputs],
    )


def uses_of(program: Scalars) -> array:
    """How often each operation is used by those that an output depends on; two for being an output."""
    starts: integers = integers_of(program.starts)
    operands: integers = integers_of(program.operands)
    counted: array = fresh(len(program))
    uses: integers = integers_of(counted)
    i: place
    k: place
    for output in program.outputs:
        if output >= 0:
            counted[output] += 2
    for i in range(len(program) - 1, -1, -1):
        if uses[i]:
            for k in range(starts[i], starts[i + 1]):
                if operands[k] >= 0:
                    uses[operands[k]] += 1
    return counted


def varying(program: Scalars) -> array:
    """1 for each operation that differs between the samples of a batch."""
    starts: integers = integers_of(program.starts)
    operands: integers = integers_of(program.operands)
    leaves: array = array("i", [*program.batched, *[0] * (program.n_leaves - len(program.batched))])
    batched: integers = integers_of(leaves)
    found: array = fresh(len(program))
    varies: integers = integers_of(found)
    i: place
    k: place
    for i in range(len(program)):
        for k in range(starts[i], starts[i + 1]):
            if varies[operands[k]] if operands[k] >= 0 else batched[-1 - operands[k]]:
                varies[i] = 1
                break
    return found


PLUS = cython.declare(cython.Py_ssize_t, 0)
MINUS = cython.declare(cython.Py_ssize_t, 1)
PRODUCTS = cython.declare(cython.Py_ssize_t, 2)  # as they are added; subtracted, it is 3
KINDS = ("+", "-", "+·", "-·")


def sums(program: Scalars) -> Scalars:
    """Chains of + and − become one sum from left to right, and sums of products one dot.

    A sum goes on with the sum that is its left operand (or either one, of x + y), if nothing else uses that; products and
    negatives are written into it as terms. Brackets on the right, x + (y + z), stay.
    """
    draft: Draft = Draft(program, apart=True)  # what is written into a sum is read where it stood
    codes: integers = integers_of(program.codes)
    starts: integers = integers_of(program.starts)
    operands: integers = integers_of(program.operands)
    counted: array = uses_of(program)
    uses: integers = integers_of(counted)
    headed: array = absorb(program, counted)
    heads: integers = integers_of(headed)
    chained: array = room(len(program) + 1)
    chain: integers = integers_of(chained)
    noted: array = fresh(64)
    runs: integers = integers_of(noted)
    signs: array = array("i", [sign_of_zero(number) for number in program.constants])
    zeros: integers = integers_of(signs)
    known: dict = {linear: number for number, linear in enumerate(program.linears)}
    packed: dict = {}
    draft.linears = list(program.linears)
    fixed: place = program.n_fixed
    i: place
    j: place
    k: place
    for i in range(len(program)):
        if uses[i] <= 0:
            draft.places[i] = GONE
            continue
        if not is_sum(codes[i]):
            copy(draft, codes[i], operands, starts[i], starts[i + 1])
            close(draft, i, KEPT)
            continue
        length: place = 0
        node: place = i
        terms: place = 0
        while node >= 0:
            chain[length] = node
            length += 1
            terms += starts[node + 1] - starts[node]
            node = heads[node]
        if 2 * terms > len(noted):  # a run for each at most
            noted = room(4 * terms)
            runs = integers_of(noted)
        draft.starts[draft.n] = draft.at
        n_runs: place = 0
        from_zero: cython.bint = False
        while length:
            length -= 1
            node = chain[length]
            start: place = starts[node]
            end: place = starts[node + 1]
            if codes[node] == DOT:
                half: place = (end - start) // 2
                from_zero = True
                n_runs = extend(runs, n_runs, PRODUCTS, half)
                for k in range(half):
                    put(draft, operands[start + k])
                    put(draft, operands[start + half + k])
                continue
            from_zero = from_zero or codes[node] == SUM
            # x + y · z and y · z + x are one form
            turned: cython.bint = codes[node] == ADD and heads[node] < 0 and operands[start + 1] >= 0
            turned = turned and uses[operands[start + 1]] == ABSORBED
            for k in range(start, end):
                x: place = operands[start + end - 1 - k] if turned else operands[k]
                if x == heads[node] and x >= 0:
                    continue
                negative: cython.bint = codes[node] == NEG or (codes[node] == SUB and k > start)
                while x >= 0 and codes[x] == NEG and (uses[x] == ABSORBED or stands(operands[starts[x]], uses)):
                    negative = not negative
                    x = operands[starts[x]]
                if x >= 0 and uses[x] == ABSORBED:
                    for j in range(starts[x], starts[x + 1]):
                        y: place = operands[j]
                        while y >= 0 and codes[y] == NEG and stands(operands[starts[y]], uses):
                            negative = not negative
                            y = operands[starts[y]]
                        put(draft, y)
                    n_runs = extend(runs, n_runs, PRODUCTS + negative, 1)
                elif x < -fixed and zeros[-1 - x - fixed]:
                    # + 0.0 anywhere is as if the sum began with it, and − 0.0 changes nothing
                    from_zero = from_zero or (zeros[-1 - x - fixed] > 0) != negative
                else:
                    n_runs = extend(runs, n_runs, MINUS if negative else PLUS, 1)
                    put(draft, x)
        draft.codes[draft.n] = named(draft, from_zero, runs, n_runs, known, packed)
        close(draft, i, KEPT)
    return draft.finished()


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def stands(x: place, uses: integers) -> cython.bint:
    """Whether an operand is an operation of its own still."""
    return x < 0 or uses[x] != ABSORBED


def sign_of_zero(number: float) -> int:
    """1 for 0.0, −1 for −0.0, 0 for any other number."""
    return 0 if number != 0.0 else int(math.copysign(1.0, number))


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_sum(code: place) -> cython.bint:
    return code in (ADD, SUB, NEG, SUM, DOT)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def put(draft: Draft, x: place) -> cython.void:
    """One more operand of the sum that is being written."""
    draft.operands[draft.at] = draft.places[x] if x >= 0 else x
    draft.at += 1


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def extend(runs: integers, n_runs: place, kind: place, count: place) -> place:
    """So many terms more of a kind. Returns how many runs there are."""
    if n_runs and runs[2 * n_runs - 2] == kind:
        runs[2 * n_runs - 1] += count
        return n_runs
    if count:
        runs[2 * n_runs] = kind
        runs[2 * n_runs + 1] = count
        return n_runs + 1
    return n_runs


@cython.cfunc
def named(draft: Draft, from_zero: cython.bint, runs: integers, n_runs: place, known: dict, packed: dict) -> place:
    """The code of a sum with these runs: one or two terms under their own name."""
    r: place
    key: cython.longlong = n_runs << 1 | from_zero
    short: cython.bint = n_runs <= 4
    if not from_zero and n_runs == 1:
        if runs[0] == PRODUCTS and runs[1] == 1:
            return MUL
        if runs[0] == PLUS and runs[1] == 2:
            return ADD
        if runs[0] == MINUS and runs[1] == 1:
            return NEG
    if not from_zero and n_runs == 2 and runs[0] == PLUS and runs[2] == MINUS and runs[1] == 1 and runs[3] == 1:
        return SUB
    if short:
        for r in range(n_runs):
            short = short and runs[2 * r + 1] < 4096
            key = key << 14 | runs[2 * r] << 12 | (runs[2 * r + 1] & 4095)
        found: object = packed.get(key) if short else None
        if found is not None:
            return found
    linear = Linear(from_zero, tuple([(KINDS[runs[2 * r]], runs[2 * r + 1]) for r in range(n_runs)]))
    number = known.setdefault(linear, len(known))
    if number == len(draft.linears):
        draft.linears.append(linear)
    if short:
        packed[key] = -1 - number
    return -1 - number


def absorb(program: Scalars, counted: array) -> array:
    """Mark what is written into the one sum that uses it. Returns of each sum the operand it goes on with, or −1."""
    codes: integers = integers_of(program.codes)
    starts: integers = integers_of(program.starts)
    operands: integers = integers_of(program.operands)
    uses: integers = integers_of(counted)
    varied: array = varying(program)
    varies: integers = integers_of(varied)
    headed: array = filled(len(program), -1)
    heads: integers = integers_of(headed)
    i: place
    k: place
    x: place
    for i in range(len(program)):
        if not uses[i] or not is_sum(codes[i]) or codes[i] == DOT:
            continue
        last: place = starts[i] + 2 if codes[i] == ADD else starts[i] + 1 if codes[i] != NEG else starts[i]
        for k in range(starts[i], last if last < starts[i + 1] else starts[i + 1]):
            x = operands[k]
            # what is the same for all samples is not computed for each
            if x >= 0 and is_sum(codes[x]) and codes[x] != NEG and uses[x] == 1 and varies[x] == varies[i]:
                uses[x] = ABSORBED
                heads[i] = x
                break
        for k in range(starts[i], starts[i + 1]):
            x = operands[k]
            if x >= 0 and codes[x] in (MUL, NEG) and uses[x] == 1 and varies[x] == varies[i]:
                uses[x] = ABSORBED
    return headed


PASSES: dict = {
    "identities": identities,
    "fold": fold,
    "share": share,
    "sums": sums,
    "drop": drop,
}


def simplified(program: Scalars, passes: Any = tuple(PASSES)) -> tuple:
    """The program after these passes, and how many operations there were at first and after each."""
    counts = [("trace", len(program))]
    for name in passes:
        program = PASSES[name](program)
        counts.append((name, len(program)))
    return program, counts
