"""The loops over members that rolling rests on, against plain Python."""

import random
from array import array

import pytest

from autodiff.compiler import members
from autodiff.compiler.groups import index_of
from autodiff.compiler.program import Linear, Scalars
from autodiff.compiler.roll import roll
from autodiff.compiler.simplify import fold, simplified
from autodiff.compiler.slots import placed


def integers(numbers):
    return array("i", numbers)


@pytest.mark.parametrize("n", [0, 1, 2, 48, 49, 500])
@pytest.mark.parametrize("reach", [1, 3, 2_000, 5_000_000, (1 << 31) - 1])
def test_places_are_ordered_by_their_keys_and_equal_ones_stay_as_they_are(n, reach):
    rng = random.Random(n + reach)
    keys = integers(rng.randint(-reach // 2, reach // 2) for _ in range(n))
    order = integers(rng.sample(range(n), n))
    kept = order[:]
    assert list(members.ordered(order, keys)) == sorted(order, key=keys.__getitem__)
    assert order == kept
    assert list(members.ordered(integers(range(n)), integers(range(n)))) == list(range(n))


def test_rows_are_ordered_by_their_first_entries_then_by_the_next():
    rng = random.Random(3)
    rows = [[rng.randrange(3) for _ in range(4)] for _ in range(200)]
    found = members.rows_in_order(integers(x for row in rows for x in row), 200, 4)
    assert list(found) == sorted(range(200), key=rows.__getitem__)
    assert list(members.rows_in_order(integers([]), 3, 0)) == [0, 1, 2]


def test_rows_of_any_length_are_numbered_as_they_first_come():
    rng = random.Random(5)
    rows = [tuple(rng.randrange(-2, 2) for _ in range(rng.randrange(4))) for _ in range(300)]
    starts = [sum(map(len, rows[:r])) for r in range(301)]
    numbers, firsts = members.numbered(integers(x for row in rows for x in row), integers(starts))
    known = {row: number for number, row in enumerate(dict.fromkeys(rows))}
    assert list(numbers) == [known[row] for row in rows]
    assert list(firsts) == [rows.index(row) for row in known]


@pytest.mark.parametrize(
    ("entries", "rows", "columns", "index"),
    [
        ([7], 1, 1, (7, 0, 0)),
        ([7, 7, 7], 3, 1, (7, 0, 0)),
        ([9, 7, 5], 3, 1, (9, -2, 0)),
        ([9, 7, 5], 1, 3, (9, 0, -2)),
        ([1, 2, 5, 6, 9, 10], 3, 2, (1, 4, 1)),
    ],
)
def test_what_lies_evenly_needs_no_table(entries, rows, columns, index):
    found = index_of(integers(entries), rows, columns)
    assert found[:3] == index
    assert found.table is None
    assert list(found.entries(rows, columns)) == entries
    uneven = integers([*entries[:-1], entries[-1] + 1, *entries, 40])
    assert index_of(uneven, len(uneven)).entries(len(uneven), 1) == uneven


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize(("rows", "columns"), [(1, 6), (6, 1), (3, 4), (7, 7)])
def test_full_products_are_found_in_any_order(rows, columns, depth):
    pairs = [(r, c) for r in range(rows) for c in range(columns)]
    random.Random(rows).shuffle(pairs)
    lefts = integers(100 - r * depth + k for r, _ in pairs for k in range(depth))
    rights = integers(300 + c * depth - k for _, c in pairs for k in range(depth))
    order, shapes = members.products(lefts, rights, depth)
    assert shapes == [(rows, columns)]
    assert [pairs[m] for m in order] == [(r, c) for r in reversed(range(rows)) for c in range(columns)]
    all_rows = [members.rows_at(side, order, depth) for side in (lefts, rights)]
    assert members.is_product(*all_rows, depth, 0, rows, columns)
    all_rows[1][-1] += 1
    assert not (rows > 1 and members.is_product(*all_rows, depth, 0, rows, columns))
    assert members.products(lefts + lefts[:depth], rights + rights[:depth], depth) is None  # one of them twice


def test_a_name_stays_with_its_operation_when_constants_are_folded():
    """One that became a constant has none, and gives it to nobody."""
    ops = ["input", "input", "constant", "constant", "exp", "add", "mul", "mul"]
    args = [(0,), (1,), (1.0,), (2.0,), (2,), (4, 3), (0, 5), (6, 1)]
    once, again = [Scalars.of(ops, args, [7], (True, True), {4: "folded", 5: "too", 7: "kept"}) for _ in range(2)]
    folded = fold(once)
    assert folded.names == {folded.outputs[0]: "kept"}
    groups = roll(simplified(again)[0]).groups
    assert [group.name for group in groups] == ["", "kept"]


def test_a_sum_of_no_terms_and_one_of_many_have_their_slots():
    """A sum may be empty; more operands than flags fit into a number are told apart all the same."""
    wide = Linear(False, (("+", 30),))
    ops = [*["input"] * 31, wide, wide, Linear(True, ())]
    args = [*[(i,) for i in range(31)], tuple(range(30)), tuple(range(1, 31)), ()]
    program = Scalars.of(ops, args, [31, 32, 33], (*[True] * 30, False))
    groups = roll(program)
    assert sorted(group.size for group in groups.groups) == [1, 1, 1]  # the second sum has a term that does not vary
    assert len({*placed(groups).stored}) == 3
