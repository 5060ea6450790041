"""Loops: stretches of operations that repeat, each time on the results of the time before.

A stretch has a period: the operation one period further is the same operation, and what it takes lies as much further for each
of its operands as it did the time before. So an operand is a result of the same time, or of one of the last few times, which
makes it carried; or always the same result; or the next one in a row of results or leaves, forwards or backwards. That is a
loop's body; where a pattern is not exact, nothing is changed. What repeats and carries nothing is no loop but a vector.
"""

from __future__ import annotations

from array import array
from typing import Any, NamedTuple

from autodiff.compiler.members import ordered
from autodiff.compiler.program import Linear, Scalars
from autodiff.compiler.simplify import KINDS, varying
from autodiff.engine import rules
from autodiff.engine.kernels import KERNELS

try:
    import cython
except ImportError:
    from autodiff.engine import _cython as cython

if not cython.compiled:
    from autodiff.compiler.integers import filled, fresh, integers_of, resized, room

PRODUCTS = cython.declare(cython.Py_ssize_t, KINDS.index("+·"))
WINDOW = cython.declare(cython.Py_ssize_t, 8)  # operations that a place is known again by
REACHES = (0, 100, 5000)
CANDIDATES = 4  # periods that are tried for each reach
LEAST_TIMES = 6  # a shorter loop is no shorter a program
LEAST_SAVED = 96  # operations
SHORT = cython.declare(cython.Py_ssize_t, 24)  # the kinds of as many terms fit into a number
FARTHEST = 4  # as many times back a result is carried


class Stretch(NamedTuple):
    """Operations from ``start`` on that are so many ``times`` the same ``period`` of them."""

    start: int
    period: int
    times: int

    @property
    def end(self) -> int:
        """The first operation behind it."""
        return self.start + self.period * self.times


def stretches(program: Scalars, known: Any = None) -> list:
    """The loops of a program in their order; of these periods, if they are known."""
    if len(program) < LEAST_SAVED:
        return []
    runs = []
    varies: array = varying(program)
    for period in periods(program) if known is None else known:
        runs += [(last - first, period, first, last) for first, last in runs_of(program, varies, period)]
    found: list = []
    for _, period, first, last in sorted(runs, key=longest):
        for other in found:
            if other.start <= first < other.end:
                first = other.end
            elif first < other.start < last:
                last = other.start
        stretch = best_cut(program, varies, first, last, period) if last - first > period else None
        if stretch is not None:
            found.append(stretch)
    return sorted(found)


def longest(run: Any) -> Any:
    """The longest first; of equally long ones those of the shortest period."""
    return -run[0], run[1]


def periods(program: Scalars) -> list:
    """How far back operations like those around a place stand: the commonest distances."""
    found: dict = {}
    for reach in REACHES:
        for distance in distances(program, reach):
            found[distance] = None
    return list(found)


def distances(program: Scalars, reach: place) -> list:
    """The same: two operations are alike that are of a kind and take results as far back, if no farther than ``reach``."""
    n: place = len(program)
    codes: integers = integers_of(program.codes)
    starts: integers = integers_of(program.starts)
    operands: integers = integers_of(program.operands)
    size: place = 1024
    while size < 2 * n:
        size *= 2
    table: array = filled(size, -1)
    seen: integers = integers_of(table)
    counted: array = fresh(n + 1)
    counts: integers = integers_of(counted)
    hashed: array = room(n)
    hashes: integers = integers_of(hashed)
    i: place
    k: place
    hash: place = 0
    power: place = 1
    for _ in range(WINDOW):
        power = power * 31 & (size - 1)
    for i in range(n):
        own: place = codes[i] * 7919 + (starts[i + 1] - starts[i]) * 104729
        if reach:
            for k in range(starts[i], starts[i + 1]):
                near: place = i - operands[k] if operands[k] >= 0 else 0
                own = (own * 31 + (near if near <= reach else 0)) & (size - 1)
        hashes[i] = own & (size - 1)
        hash = hash * 31 + hashes[i]
        if i >= WINDOW:
            hash -= power * hashes[i - WINDOW]
        hash = hash & (size - 1)
        if i >= WINDOW - 1:
            if seen[hash] >= 0:
                counts[i - seen[hash]] += 1
            seen[hash] = i
    common: list = []
    for i in range(n):
        if 64 * counts[i] > n:
            common.append((-counts[i], i))
    return [distance for _, distance in sorted(common)[:CANDIDATES]]


def runs_of(program: Scalars, varied: array, period: place) -> list:
    """From where to where every operation is that of one period before, and its operands go on evenly."""
    codes: integers = integers_of(program.codes)
    starts: integers = integers_of(program.starts)
    operands: integers = integers_of(program.operands)
    varies: integers = integers_of(varied)
    typed: array = fresh(len(rules.BY_CODE))
    for name in KERNELS.keys() & rules.TABLE.keys() | {"max", "min", "prod", "norm", "sum", "select", "logsumexp"}:
        typed[rules.TABLE[name].code] = 1
    runs_here: integers = integers_of(typed)
    found: list = []
    last: place = len(program) - 2 * period
    least: place = (LEAST_TIMES - 2) * period
    floor: place = 0
    i: place = least - 1  # a run that is long enough covers one of the places that are looked at
    while i < last:
        if is_even(codes, starts, operands, varies, runs_here, i, period):
            begin: place = i
            while begin > floor and is_even(codes, starts, operands, varies, runs_here, begin - 1, period):
                begin -= 1
            i += 1
            while i < last and is_even(codes, starts, operands, varies, runs_here, i, period):
                i += 1
            if i - begin >= least:
                found.append((begin, i + 2 * period))
            floor = i
        i += least
    return found


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_even(
    codes: integers, starts: integers, operands: integers, varies: integers, runs_here: integers, i: place, period: place
) -> cython.bint:
    """Whether an operation, and the same of the next two times, are alike and take what lies evenly."""
    j: place = i + period
    m: place = j + period
    if codes[i] != codes[j] or codes[j] != codes[m] or varies[i] != varies[j] or varies[j] != varies[m]:
        return False
    if codes[i] >= 0 and not runs_here[codes[i]]:
        return False
    wide: place = starts[i + 1] - starts[i]
    if starts[j + 1] - starts[j] != wide or starts[m + 1] - starts[m] != wide:
        return False
    k: place
    for k in range(wide):
        x: place = operands[starts[i] + k]
        y: place = operands[starts[j] + k]
        z: place = operands[starts[m] + k]
        if x < 0 or y < 0 or z < 0:
            if x >= 0 or y >= 0 or z >= 0:
                return False
        elif y - x != z - y:
            return False
    return True


def best_cut(program: Scalars, varied: array, first: place, last: place, period: place) -> Any:
    """The loop in a run that carries the least from one time to the next; None if there is none that is worth it."""
    starts: integers = integers_of(program.starts)
    operands: integers = integers_of(program.operands)
    if last - first < LEAST_TIMES * period:
        return None
    # how many results that are needed later are there before each operation of the second time
    lasts: array = fresh(2 * period)
    until: integers = integers_of(lasts)
    i: place
    k: place
    for i in range(first + period, first + 3 * period if first + 3 * period < last else last):
        for k in range(starts[i], starts[i + 1]):
            x: place = operands[k]
            if first <= x and i - x < 2 * period:
                slot: place = (x - first) % period
                if i - x > until[slot]:
                    until[slot] = i - x
    crossing: array = fresh(period + 1)
    for i in range(period):
        for k in range(i + 1, i + 1 + until[i] if until[i] < period else i + 1 + period):
            crossing[k % period] += 1
    cut: place = min(range(period), key=crossing.__getitem__)
    for _ in range(3):
        start: place = first + cut
        count: place = (last - start) // period
        if count < LEAST_TIMES or (count - 1) * period < LEAST_SAVED:
            return None
        if is_loop(program, varied, start, period, count):
            return Stretch(start, period, count)
        cut += period
    return None


def is_loop(program: Scalars, varied: array, start: place, period: place, count: place) -> cython.bint:
    """Whether all that a body takes is carried, the same, or comes in a row from outside; and whether it is worth a loop."""
    starts: integers = integers_of(program.starts)
    operands: integers = integers_of(program.operands)
    varies: integers = integers_of(varied)
    chained: array = fresh(period)  # whether an operation depends on what is carried
    depends: integers = integers_of(chained)
    taken: set = set()
    j: place
    k: place
    total: place = 0
    serial: place = 0
    for j in range(period):
        i: place = start + j
        if varies[i] != varies[start]:
            return False
        for k in range(starts[i], starts[i + 1]):
            x: place = operands[k]
            y: place = operands[k - starts[i] + starts[i + period]]
            if x < 0:
                if x != y:
                    taken.add((x, y))
                continue
            step: place = y - x
            if step == period:
                if x >= start:
                    depends[j] = depends[j] or depends[x - start]
                elif start - x > FARTHEST * period:
                    return False
                else:
                    depends[j] = 1
            elif x >= start or (step > 0 and x + (count - 1) * step >= start):
                return False
            elif step:
                taken.add((x, y))
        total += starts[i + 1] - starts[i]
        if depends[j]:
            serial += starts[i + 1] - starts[i]
    return 2 * serial >= total and 2 * len(taken) <= total


def used_later(program: Scalars, stretch: Any) -> list:
    """The operations of a body whose results of other times than the last are needed behind the loop."""
    start: place = stretch.start
    period: place = stretch.period
    end: place = stretch.end
    last: place = end - period
    operands: integers = integers_of(program.operands)
    marked: array = fresh(period)
    used: integers = integers_of(marked)
    k: place
    for k in range(program.starts[end], len(program.operands)):
        if start <= operands[k] < last:
            used[(operands[k] - start) % period] = 1
    for output in program.outputs:
        if start <= output < last:
            used[(output - start) % period] = 1
    return [j for j in range(period) if used[j]]


# ---- sums over all times ----------------------------------------------------------------------------------------------------


def spread(program: Scalars, found: list, whole: frozenset) -> tuple:
    """Long sums of what loops make, as gradients of parameters are, added up in the loops; and the periods these have then.

    A sum goes on from left to right as it did, and is the same to the last bit. The operations ``whole`` stay as they are.
    """
    codes: integers = integers_of(program.codes)
    starts: integers = integers_of(program.starts)
    least: place = LEAST_TIMES
    pieces: dict = {}
    i: place
    begin: place
    end: place
    for begin, end in between(found, len(program)):
        for i in range(begin, end):
            if codes[i] < 0 and starts[i + 1] - starts[i] >= least and i not in whole:
                parts = cut_up(program, i, found)
                if parts is not None:
                    pieces[i] = parts
    if not pieces:
        return program, [stretch.period for stretch in found]
    longer: dict = {}
    for stretch in found:
        middle = stretch.start + stretch.times // 2 * stretch.period - 1
        longer[stretch.period + sum([cuts[::3].count(middle) for _, _, cuts in pieces.values()])] = None
    return written(program, pieces), list(longer)


def between(found: list, n: int) -> list:
    """From where to where there are no loops among n operations."""
    return [*zip([0, *[stretch.end for stretch in found]], [*[stretch.start for stretch in found], n], strict=True)]


def cut_up(program: Scalars, root: int, found: list) -> Any:
    """Where a sum can be cut: of each part the operation that its terms are all there behind, its first term, the one after it.

    Before these the kind of each term, its number among ``KINDS``, and the place of its operands. None if it is not worth it.
    """
    linear = program.linears[-1 - program.codes[root]]
    before_it: array = array("i", [number for s in found if s.end <= root for number in (s.start, s.period, s.end)])
    n_loops: place = len(before_it) // 3
    if not n_loops:
        return None
    bounds: integers = integers_of(before_it)
    operands: integers = integers_of(program.operands)
    size: place = program.starts[root + 1] - program.starts[root]
    all_kinds: array = room(size)
    all_offsets: array = room(size + 1)
    kinds: integers = integers_of(all_kinds)
    offsets: integers = integers_of(all_offsets)
    all_cuts: array = room(3 * size)
    cuts: integers = integers_of(all_cuts)
    n_cuts: place = 0
    at: place = program.starts[root]
    term: place = 0
    first: place = 0
    before: place = -1
    was_inside: cython.bint = False
    k: place
    for kind, count in linear.runs:
        number: place = KINDS.index(kind)
        wide: place = 2 if number >= PRODUCTS else 1
        last: place = term + count
        while term < last:
            ready: place = operands[at]
            if wide == 2 and operands[at + 1] > ready:
                ready = operands[at + 1]
            inside: cython.bint = False
            for k in range(n_loops):
                if bounds[3 * k] <= ready < bounds[3 * k + 2]:
                    ready = bounds[3 * k] + ((ready - bounds[3 * k]) // bounds[3 * k + 1] + 1) * bounds[3 * k + 1] - 1
                    inside = True
                    break
            if ready < before:
                ready = before
            if ready < 0:
                ready = 0
            if ready != before and term and (inside or was_inside):
                cuts[3 * n_cuts] = before
                cuts[3 * n_cuts + 1] = first
                cuts[3 * n_cuts + 2] = first = term
                n_cuts += 1
            before = ready
            was_inside = inside
            kinds[term] = number
            offsets[term] = at
            term += 1
            at += wide
    offsets[term] = at
    cuts[3 * n_cuts] = before
    cuts[3 * n_cuts + 1] = first
    cuts[3 * n_cuts + 2] = term
    n_cuts += 1
    return (all_kinds, all_offsets, resized(all_cuts, 3 * n_cuts)) if n_cuts >= LEAST_TIMES else None


def code_of(known: dict, linears: list, whole: Linear, goes_on: cython.bint, all_kinds: array, begin: place, end: place) -> int:
    """The code of a part of a sum: the terms from one to another, of these kinds."""
    kinds: integers = integers_of(all_kinds)
    key: object = (goes_on, whole.from_zero, all_kinds[begin:end].tobytes()) if end - begin > SHORT else None
    k: place
    if key is None:
        packed: cython.longlong = goes_on << 1 | whole.from_zero
        for k in range(begin, end):
            packed = packed << 2 | kinds[k]
        key = packed << 5 | (end - begin)
    found: object = known.get(key)
    if found is None:
        runs = [["+", 1]] if goes_on else []
        for kind in all_kinds[begin:end]:
            if runs and runs[-1][0] == KINDS[kind]:
                runs[-1][1] += 1
            else:
                runs.append([KINDS[kind], 1])
        linears.append(Linear(whole.from_zero and not goes_on, tuple([(kind, count) for kind, count in runs])))
        found = known[key] = -len(linears)
    return found


def written(program: Scalars, pieces: dict) -> Scalars:
    """The program with each of these sums in parts, each behind the operation that its terms wait for."""
    ends: array = fresh(len(program))
    is_piece: integers = integers_of(ends)
    cuts: array = array("i")
    numbers: array = array("i")  # of the sum that each part belongs to
    for j, (root, found) in enumerate(pieces.items()):
        ends[root] = j + 1
        cuts.extend(found[2])
        numbers.extend(filled(len(found[2]) // 3, j))
    parts: integers = integers_of(cuts)
    sum_of: integers = integers_of(numbers)
    turns: array = ordered(array("i", range(len(numbers))), cuts[::3])
    order: integers = integers_of(turns)
    n_parts: place = len(turns)
    done: place = 0
    linears = list(program.linears)
    known: dict = {}
    new_codes: array = room(len(program) + n_parts)
    new_starts: array = room(len(new_codes) + 1)
    new_operands: array = room(len(program.operands) + n_parts)  # the terms of a sum are in its parts
    new_places: array = room(len(program))
    codes: integers = integers_of(new_codes)
    starts: integers = integers_of(new_starts)
    operands: integers = integers_of(new_operands)
    places: integers = integers_of(new_places)
    old_codes: integers = integers_of(program.codes)
    old_starts: integers = integers_of(program.starts)
    old: integers = integers_of(program.operands)
    sums: list = [(*found[:2], program.linears[-1 - program.codes[root]]) for root, found in pieces.items()]
    latest: array = filled(len(sums), -1)  # the part of each sum that is written last
    so_far: integers = integers_of(latest)
    n: place = 0
    at: place = 0
    i: place
    k: place
    starts[0] = 0
    for i in range(len(program)):
        if is_piece[i]:
            places[i] = so_far[is_piece[i] - 1]
        else:
            codes[n] = old_codes[i]
            for k in range(old_starts[i], old_starts[i + 1]):
                operands[at] = places[old[k]] if old[k] >= 0 else old[k]
                at += 1
            places[i] = n
            n += 1
            starts[n] = at
        while done < n_parts and parts[3 * order[done]] == i:
            number: place = sum_of[order[done]]
            begin: place = parts[3 * order[done] + 1]
            end: place = parts[3 * order[done] + 2]
            kinds, all_offsets, whole = sums[number]
            offsets: integers = integers_of(all_offsets)
            goes_on: cython.bint = so_far[number] >= 0
            if goes_on:
                operands[at] = so_far[number]
                at += 1
            for k in range(offsets[begin], offsets[end]):
                operands[at] = places[old[k]] if old[k] >= 0 else old[k]
                at += 1
            codes[n] = code_of(known, linears, whole, goes_on, kinds, begin, end)
            so_far[number] = n
            n += 1
            starts[n] = at
            done += 1
    return Scalars(
        resized(new_codes, n),
        resized(new_starts, n + 1),
        resized(new_operands, at),
        linears,
        program.constants,
        program.n_parameters,
        [new_places[x] if x >= 0 else x for x in program.outputs],
        program.batched,
        {new_places[x] if x >= 0 else x: name for x, name in program.names.items()},
    )
