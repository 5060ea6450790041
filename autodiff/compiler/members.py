"""Members: what rolling and the choice of slots do for every member of a group, over arrays of integers.

A matrix is an array with one row after the other, each of as many integers as there are columns.
"""

from __future__ import annotations

from array import array
from typing import Any

from autodiff.compiler.simplify import SYMMETRIC
from autodiff.engine import rules

try:
    import cython
except ImportError:
    from autodiff.engine import _cython as cython

if not cython.compiled:
    from autodiff.compiler.integers import filled, fresh, integers_of, resized, room

FEW = cython.declare(cython.Py_ssize_t, 48)  # as many are put in order by insertion
DIGIT = cython.declare(cython.Py_ssize_t, 11)  # bits of a key that a pass over more of them looks at
MASKED = cython.declare(cython.Py_ssize_t, 24)  # as many operands have flags that fit into a key with the code

# ---- order, and what is alike -----------------------------------------------------------------------------------------------


def rows_at(matrix: array, rows: array, columns: int = 1) -> array:
    """These rows of a matrix."""
    entries: integers = integers_of(matrix)
    at: integers = integers_of(rows)
    wide: place = columns
    found: array = room(len(rows) * wide)
    out: integers = integers_of(found)
    r: place
    k: place
    for r in range(len(rows)):
        for k in range(wide):
            out[r * wide + k] = entries[at[r] * wide + k]
    return found


def even_entries(start: int, down: int, across: int, rows: int, columns: int) -> array:
    """A matrix that begins with one number and goes on in even steps from row to row and from column to column."""
    wide: place = columns
    found: array = room(rows * wide)
    out: integers = integers_of(found)
    first: place = start
    step: place = across
    r: place
    k: place
    for r in range(rows):
        for k in range(wide):
            out[r * wide + k] = first + k * step
        first += down
    return found


def ordered(order: array, keys: array) -> array:
    """The places in ``order`` from that with the smallest of the ``keys`` to that with the largest; of equal ones as before."""
    n: place = len(order)
    old: integers = integers_of(order)
    by: integers = integers_of(keys)
    i: place
    k: place
    rising: cython.bint = True
    least: place = by[old[0]] if n else 0
    most: place = least
    for i in range(1, n):
        key: place = by[old[i]]
        rising = rising and by[old[i - 1]] <= key
        if key < least:
            least = key
        elif key > most:
            most = key
    if rising:
        return order
    if not cython.compiled:
        return array("i", sorted(order, key=keys.__getitem__))
    found: array = order[:]  # compiled only from here
    new: integers = integers_of(found)
    if n <= FEW:
        for i in range(1, n):
            x: place = new[i]
            k = i
            while k and by[new[k - 1]] > by[x]:
                new[k] = new[k - 1]
                k -= 1
            new[k] = x
        return found
    counted: array = fresh((1 << DIGIT) + 1)
    counts: integers = integers_of(counted)
    other: array = room(n)
    shift: place = 0
    while (most - least) >> shift:
        for k in range((1 << DIGIT) + 1):
            counts[k] = 0
        old = integers_of(found)
        new = integers_of(other)
        for i in range(n):
            counts[((by[old[i]] - least) >> shift & ((1 << DIGIT) - 1)) + 1] += 1
        for k in range(1 << DIGIT):
            counts[k + 1] += counts[k]
        for i in range(n):
            digit: place = (by[old[i]] - least) >> shift & ((1 << DIGIT) - 1)
            new[counts[digit]] = old[i]
            counts[digit] += 1
        found, other = other, found
        shift += DIGIT
    return found


def rows_in_order(matrix: array, rows: int, columns: int) -> array:
    """The numbers of the rows in the order of their first entries, of their second ones where these are equal, and so on."""
    order: array = even_entries(0, 1, 0, rows, 1)
    k: place
    for k in range(columns - 1, -1, -1):
        order = ordered(order, matrix[k::columns])
    return order


def numbered(matrix: array, starts: array) -> tuple:
    """Of each row the number that it has among those that differ, and of each of these the first row.

    Row r is ``matrix[starts[r] : starts[r + 1]]``.
    """
    n: place = len(starts) - 1
    begins: integers = integers_of(starts)
    entries: integers = integers_of(matrix)
    all_numbers: array = room(n)
    numbers: integers = integers_of(all_numbers)
    all_firsts: array = room(n)
    firsts: integers = integers_of(all_firsts)
    size: place = 16
    while size < 2 * n:
        size *= 2
    table: array = filled(size, -1)
    met: integers = integers_of(table)
    found: place = 0
    r: place
    k: place
    for r in range(n):
        mixed: place = 0
        for k in range(begins[r], begins[r + 1]):
            mixed = ((mixed ^ (entries[k] & 0x7FFFFFFF)) * 73244475) & 0x7FFFFFFF
            mixed = mixed ^ (mixed >> 15)
        bucket: place = mixed & (size - 1)
        while met[bucket] >= 0 and not equal_rows(entries, begins, firsts[met[bucket]], r):
            bucket = (bucket + 1) & (size - 1)
        if met[bucket] < 0:
            met[bucket] = found
            firsts[found] = r
            found += 1
        numbers[r] = met[bucket]
    return all_numbers, resized(all_firsts, found)


@cython.cfunc
@cython.inline
def equal_rows(entries: integers, starts: integers, r: place, s: place) -> cython.bint:
    """Whether two rows are the same."""
    k: place = 0
    n: place = starts[r + 1] - starts[r]
    if starts[s + 1] - starts[s] != n:
        return False
    while k < n and entries[starts[r] + k] == entries[starts[s] + k]:
        k += 1
    return k == n


def every(n: int, step: int) -> array:
    """0, ``step``, 2 · ``step``, …, n + 1 of them: where the rows of a matrix begin, and where the last one ends."""
    return even_entries(0, step, 0, n + 1, 1)


def even_steps(entries: array, rows: int, columns: int) -> Any:
    """The steps from row to row and from column to column of a matrix, if they are the same everywhere; else None."""
    wide: place = columns
    matrix: integers = integers_of(entries)
    first: place = matrix[0]
    down: place = matrix[wide] - first if rows > 1 else 0
    across: place = matrix[1] - first if wide > 1 else 0
    r: place
    k: place
    for r in range(rows):
        for k in range(wide):
            if matrix[r * wide + k] != first + r * down + k * across:
                return None
    return down, across


def split(members: array, numbers: array) -> list:
    """The members by the number of each, from 0 on; each part in the order that they have."""
    n: place = len(members)
    order: array = even_entries(0, 1, 0, n, 1)
    placed: array = ordered(order, numbers)
    by: integers = integers_of(numbers)
    at: integers = integers_of(placed)
    moved: array = rows_at(members, placed)
    found: list = []
    begin: place = 0
    i: place
    for i in range(1, n + 1):
        if i == n or by[at[i]] != by[at[begin]]:
            found.append(moved[begin:i])
            begin = i
    return found


# ---- what belongs together --------------------------------------------------------------------------------------------------


def absolute(operands: array, leaves: int) -> array:
    """These operands, with the leaves numbered from 0 on and the operations behind them."""
    given: integers = integers_of(operands)
    first: place = leaves
    found: array = room(len(operands))
    out: integers = integers_of(found)
    k: place
    for k in range(len(operands)):
        out[k] = first + given[k] if given[k] >= 0 else -1 - given[k]
    return found


def stages(program: Any, piece: Any, args: array, varying: array, stage_of: array, all_levels: array, kinds: Any) -> list:
    """The operations of a piece in three stages, each ``(level, kind, members)`` by the level: those numbered 0, 1 and 2.

    ``kinds`` is asked for the number of a kind. Of operands that may be exchanged those that vary come last.
    """
    leaves: place = program.n_leaves
    first: place = piece.start
    last: place = piece.stop
    codes: integers = integers_of(program.codes)
    starts: integers = integers_of(program.starts)
    operands: integers = integers_of(args)
    varies: integers = integers_of(varying)
    levels: integers = integers_of(all_levels)
    n_codes: place = len(rules.BY_CODE)
    quick_ones: array = filled(3 * n_codes + len(program.linears), -1)
    quick: integers = integers_of(quick_ones)
    exchanged: array = fresh(n_codes)
    for name in SYMMETRIC:
        exchanged[rules.TABLE[name].code] = 1
    symmetric: integers = integers_of(exchanged)
    all_kinds: array = room(last - first)
    kind_of: integers = integers_of(all_kinds)
    known: dict = kinds.known
    i: place
    k: place
    x: place
    for i in range(first, last):
        level: place = 0
        start: place = starts[i]
        n: place = starts[i + 1] - start
        code: place = codes[i]
        for k in range(start, start + n):
            if levels[operands[k]] > level:
                level = levels[operands[k]]
        levels[leaves + i] = level + 1
        slot: place = -1
        if not varies[leaves + i]:
            slot = 3 * n_codes - 1 - code if code < 0 else 3 * code + n if n <= 2 else -1
            if slot >= 0 and quick[slot] >= 0:
                kind_of[i - first] = quick[slot]
                continue
        elif code > 0 and symmetric[code] and varies[operands[start]] > varies[operands[start + 1]]:
            x = operands[start]
            operands[start] = operands[start + 1]
            operands[start + 1] = x
        key: object = flags_of(varies, operands, start, n, code) if varies[leaves + i] else (code, n)
        kind: object = known.get(key)
        if kind is None:
            flags = array("i", [varies[operands[k]] for k in range(start, start + n)]) if varies[leaves + i] else None
            kind = known[key] = kinds.number(program.op(i), n, flags)
        kind_of[i - first] = kind
        if slot >= 0:
            quick[slot] = kind
    return [staged(stage, first, last, leaves, stage_of, all_levels, all_kinds, len(kinds.ops)) for stage in range(3)]


@cython.cfunc
def flags_of(varies: integers, operands: integers, start: place, n: place, code: place) -> object:
    """A key for an operation and which of its operands vary."""
    k: place
    if n > MASKED:
        return code, bytes([varies[operands[k]] for k in range(start, start + n)])
    mask: cython.longlong = 1 << n
    for k in range(n):
        mask |= varies[operands[start + k]] << k
    return mask << 32 | (code & 0xFFFFFFFF)


@cython.cfunc
def staged(
    stage: place, first: place, last: place, leaves: place, stage_of: array, all_levels: array, all_kinds: array, n_kinds: place
) -> list:
    """One stage: its operations by level; of one level by kind, as they come first; of one kind as they stand."""
    stages: integers = integers_of(stage_of)
    levels: integers = integers_of(all_levels)
    kinds: integers = integers_of(all_kinds)
    among: array = room(last - first)
    chosen: integers = integers_of(among)
    n: place = 0
    i: place
    for i in range(leaves + first, leaves + last):
        if stages[i] == stage:
            chosen[n] = i
            n += 1
    members: array = ordered(resized(among, n), all_levels)
    at: integers = integers_of(members)
    numbers: array = room(n)
    number: integers = integers_of(numbers)
    latest: array = filled(n_kinds, -1)
    level_of: integers = integers_of(latest)
    current: array = fresh(n_kinds)
    group_of: integers = integers_of(current)
    found: list = []
    for i in range(n):
        kind: place = kinds[at[i] - leaves - first]
        if level_of[kind] != levels[at[i]]:
            level_of[kind] = levels[at[i]]
            group_of[kind] = len(found)
            found.append((levels[at[i]], kind))
        number[i] = group_of[kind]
    return [(*key, part) for key, part in zip(found, split(members, numbers), strict=True)]


def turn(members: array, starts: array, args: array, result: array, leaves: int) -> None:
    """The two operands of each of these, the one with the smaller result first."""
    at: integers = integers_of(members)
    begins: integers = integers_of(starts)
    operands: integers = integers_of(args)
    results: integers = integers_of(result)
    base: place = leaves
    i: place
    for i in range(len(members)):
        k: place = begins[at[i] - base]
        x: place = operands[k]
        if results[x] > results[operands[k + 1]]:
            operands[k] = operands[k + 1]
            operands[k + 1] = x


def operands_of(members: array, starts: array, args: array, numbers: array, leaves: int, offset: int, columns: int) -> array:
    """The numbers of so many operands of each of these from an ``offset`` on: a matrix with a row for each."""
    at: integers = integers_of(members)
    begins: integers = integers_of(starts)
    operands: integers = integers_of(args)
    given: integers = integers_of(numbers)
    wide: place = columns
    found: array = room(len(members) * wide)
    matrix: integers = integers_of(found)
    first: place = offset
    base: place = leaves
    i: place
    k: place
    for i in range(len(members)):
        start: place = begins[at[i] - base] + first
        for k in range(wide):
            matrix[i * wide + k] = given[operands[start + k]]
    return found


def factors_of(pairs: array) -> tuple:
    """The left and the right factors of products, which stand side by side; each pair turned so that equal rows meet."""
    n: place = len(pairs) // 2
    both: integers = integers_of(pairs)
    all_lefts: array = room(n)
    all_rights: array = room(n)
    lefts: integers = integers_of(all_lefts)
    rights: integers = integers_of(all_rights)
    k: place
    for k in range(n):
        turned: cython.bint = both[2 * k] > both[2 * k + 1]
        lefts[k] = both[2 * k + turned]
        rights[k] = both[2 * k + 1 - turned]
    return all_lefts, all_rights


def enter(members: array, numbers: array, first: int, step: int) -> None:
    """Give these the numbers from the first one on, each a ``step`` further."""
    at: integers = integers_of(members)
    out: integers = integers_of(numbers)
    number: place = first
    more: place = step
    i: place
    for i in range(len(members)):
        out[at[i]] = number
        number += more


def common(numbers: array, members: array) -> int:
    """The number that all of these have; −1 if they differ."""
    given: integers = integers_of(numbers)
    at: integers = integers_of(members)
    i: place
    for i in range(1, len(members)):
        if given[at[i]] != given[at[0]]:
            return -1
    return given[at[0]]


# ---- products of rows and columns -------------------------------------------------------------------------------------------


def products(lefts: array, rights: array, depth: int) -> Any:
    """Members cut into full products of rows and columns: in which order, and ``(rows, columns)`` of each piece.

    None if the pieces would be small, or each row meets one other.
    """
    n: place = len(lefts) // depth
    starts = every(n, depth)
    sides = [(*numbered(rows, starts), rows) for rows in (lefts, rights)]
    if len(sides[0][1]) == len(sides[1][1]) == n > 1:
        return None
    keys = [rows_at(ranks(rows, firsts, depth), numbers) for numbers, firsts, rows in sides]
    best = None
    for turned in (False, True):
        by, across = keys[turned], keys[not turned]
        order = ordered(ordered(even_entries(0, 1, 0, n, 1), across), by)
        columns = rows_at(across, order)
        begins = changes(rows_at(by, order))
        if repeats(columns, begins):
            return None
        numbers, firsts = numbered(columns, begins)
        if (len(firsts) > 1 and len(firsts) * 4 > n) or (best is not None and len(firsts) >= len(best[1])):
            continue
        best = pieces(order, begins, numbers, len(firsts), turned)
    return best


def ranks(rows: array, firsts: array, depth: int) -> array:
    """The place of each of the different rows of a matrix in their order."""
    some: array = rows_at(rows, firsts, depth)
    order: array = rows_in_order(some, len(firsts), depth)
    at: integers = integers_of(order)
    found: array = room(len(order))
    rank: integers = integers_of(found)
    i: place
    for i in range(len(order)):
        rank[at[i]] = i
    return found


def changes(numbers: array) -> array:
    """Where runs of one number begin, and where the last one ends."""
    given: integers = integers_of(numbers)
    n: place = len(numbers)
    found: array = room(n + 1)
    begins: integers = integers_of(found)
    runs: place = 0
    i: place
    for i in range(n):
        if i == 0 or given[i] != given[i - 1]:
            begins[runs] = i
            runs += 1
    begins[runs] = n
    return resized(found, runs + 1)


def repeats(columns: array, starts: array) -> bool:
    """Whether a number stands twice, one after the other, in one of the rows."""
    given: integers = integers_of(columns)
    begins: integers = integers_of(starts)
    r: place
    k: place
    for r in range(len(starts) - 1):
        for k in range(begins[r] + 1, begins[r + 1]):
            if given[k] == given[k - 1]:
                return True
    return False


def pieces(order: array, starts: array, numbers: array, n: int, turned: bool) -> tuple:
    """Rows of members that meet the same columns put together, row by row; or ``turned``, column by column."""
    begins: integers = integers_of(starts)
    given: integers = integers_of(order)
    found: array = room(len(order))
    out: integers = integers_of(found)
    shapes: list = []
    at: place = 0
    r: place
    k: place
    for rows in split(even_entries(0, 1, 0, len(numbers), 1), numbers):
        some: array = rows
        row: integers = integers_of(some)
        high: place = len(some)
        wide: place = begins[row[0] + 1] - begins[row[0]]
        for r in range(high):
            for k in range(wide):
                out[at + (k * high + r if turned else r * wide + k)] = given[begins[row[r]] + k]
        at += high * wide
        shapes.append((wide, high) if turned else (high, wide))
    return found, shapes


def is_product(lefts: array, rights: array, depth: int, start: int, rows: int, columns: int) -> bool:
    """Whether from row ``start`` on each of so many different left rows meets the same right rows, one for each column."""
    left: integers = integers_of(lefts)
    right: integers = integers_of(rights)
    deep: place = depth
    begin: place = start
    wide: place = columns
    r: place
    c: place
    k: place
    for r in range(rows):
        for c in range(wide):
            at: place = (begin + r * wide + c) * deep
            for k in range(deep):
                if left[at + k] != left[(begin + r * wide) * deep + k] or right[at + k] != right[(begin + c) * deep + k]:
                    return False
    return True


# ---- slots ------------------------------------------------------------------------------------------------------------------


def owners(firsts: array, n: int) -> array:
    """For each of n results the number of the group that makes it, −1 for a leaf; ``firsts`` are the groups' first results."""
    begins: integers = integers_of(firsts)
    found: array = filled(n, -1)
    out: integers = integers_of(found)
    group: place
    i: place
    for group in range(len(firsts)):
        last: place = begins[group + 1] if group + 1 < len(firsts) else n
        for i in range(begins[group], last):
            out[i] = group
    return found


def mark(numbers: array, entries: array, marks: array, stamp: int) -> list:
    """The numbers that these entries have, each once; ``marks`` has the stamp of the last time that each was met."""
    given: integers = integers_of(numbers)
    at: integers = integers_of(entries)
    met: integers = integers_of(marks)
    now: place = stamp
    found: list = []
    k: place
    for k in range(len(entries)):
        number: place = given[at[k]]
        if number >= 0 and met[number] != now:
            met[number] = now
            found.append(number)
    return found


def transposed(matrix: array, columns: int) -> array:
    """A matrix column by column."""
    entries: integers = integers_of(matrix)
    wide: place = columns
    high: place = len(matrix) // wide
    found: array = room(len(matrix))
    out: integers = integers_of(found)
    r: place
    k: place
    for r in range(high):
        for k in range(wide):
            out[k * high + r] = entries[r * wide + k]
    return found


def columns_of(matrix: array, columns: int, first: int) -> array:
    """The columns of a matrix from one on."""
    entries: integers = integers_of(matrix)
    wide: place = columns
    begin: place = first
    high: place = len(matrix) // wide
    found: array = room(high * (wide - begin))
    out: integers = integers_of(found)
    at: place = 0
    r: place
    k: place
    for r in range(high):
        for k in range(begin, wide):
            out[at] = entries[r * wide + k]
            at += 1
    return found


def lay(table: array, wide: int, begin: int, offset: int, columns: int, depth: int, sides: list, crossed: bool) -> None:
    """Write a run of a sum into the columns from ``begin`` on of a table with a row for each member.

    ``sides`` are its terms, or the left and right factors of its products; ``crossed``: every left row meets every right one.
    """
    out: integers = integers_of(table)
    some: array = sides[0]
    others: array = sides[len(sides) - 1]
    left: integers = integers_of(some)
    right: integers = integers_of(others)
    step: place = len(sides)
    row: place = wide
    across: place = columns
    deep: place = depth
    n: place = len(some) // deep * across if crossed else len(some) // deep
    m: place
    k: place
    for m in range(n):
        at: place = (offset + m) * row + begin
        first: place = (m // across if crossed else m) * deep
        second: place = (m % across if crossed else m) * deep
        for k in range(deep):
            out[at + k * step] = left[first + k]
            if step == 2:
                out[at + k * step + 1] = right[second + k]
