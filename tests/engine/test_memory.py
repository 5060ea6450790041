"""Memory comes back at once, without the cyclic collector, from graphs of any depth and shape and from whatever Values hold."""

import contextlib
import gc
import random
import sys
import weakref

import pytest

from autodiff._implementation import implementation
from autodiff.engine import functions
from autodiff.engine.recording import scope
from autodiff.engine.value import Value, memory_in_use, release_memory

pytestmark = pytest.mark.usefixtures("without_collector")


class Weight(Value):
    """A Value that holds things of its own."""


# ---- shapes of graphs, each built on a leaf and n operations deep ------------------------------------------------------------


def chain(x, n):
    for _ in range(n):
        x = x * 1.0
    return x


def squares(x, n):
    for _ in range(n):
        x = x * x
    return x


def doubles(x, n):
    for _ in range(n):
        x = x + x
    return x


def diamonds(x, n):
    for _ in range(n // 3):
        x = (x + 1) * (x - 1)
    return x


def old_with_new(x, n):
    before = x
    for _ in range(n):
        before, x = x, x - before
    return x


def sums(x, n):
    for _ in range(n):
        x = functions.sum([1.0, x, 2.0])
    return x


def sums_of_the_same(x, n):
    for _ in range(n):
        x = functions.sum([x, x, x])
    return x


def dots(x, n):
    for _ in range(n):
        x = functions.dot([x, 0.5], [0.5, x])
    return x


def alternating(x, n):
    for i in range(n):
        x = functions.max(x, x - 1) if i % 3 == 0 else functions.sum([x, i]) if i % 3 == 1 else functions.tanh(x)
    return x


def over_weights(x, n):
    for i in range(n):
        w = Weight(float(i), f"w{i}")
        w.history = [i, {"i": i}]
        x = x + w
    return x


def over_weights_that_hold_the_past(x, n):
    for _ in range(n // 2):
        w = Weight(1.0)
        w.past = x
        x = w * 1.0
    return x


def named(x, n):
    for i in range(n):
        with scope("layer"):
            x = x + 1
        x.name = f"x{i}"
    return x


SHAPES = [
    chain, squares, doubles, diamonds, old_with_new, sums, sums_of_the_same, dots, alternating, over_weights,
    over_weights_that_hold_the_past, named,
]  # fmt: skip
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)


def blocks_kept(work):
    """How many Values and blocks of memory are left after ``work``, once Python's free lists of tuples and floats are full."""
    for _ in range(6):
        work()
    before = sys.getallocatedblocks() + memory_in_use()[0]
    work()
    return sys.getallocatedblocks() + memory_in_use()[0] - before


@every_shape
def test_memory_is_back_at_once(shape):
    def work():
        x = Value(0.5)
        loss = shape(x, 3000)
        loss.backward()
        del loss

    assert blocks_kept(work) < 100


@every_shape
def test_the_collector_finds_nothing(shape):
    loss = shape(Value(0.5), 3000)
    loss.backward()
    del loss
    assert gc.collect() == 0


@every_shape
def test_each_leaf_is_released_with_the_last_graph_that_uses_it(shape):
    x = Weight(0.5)
    first, second = shape(x, 300), x * 2
    released = weakref.ref(x)
    del x, first
    assert released() is not None
    del second
    assert released() is None


DEEP = """
import gc, inspect, sys
sys.path.insert(0, sys.argv[3])
from autodiff._implementation import implementation
import test_memory
gc.collect()  # what the imports left
gc.disable()
x = test_memory.Value(0.5)
loss = getattr(test_memory, sys.argv[1])(x, int(sys.argv[2]))
loss.backward()
del loss
assert gc.collect() == 0
print("released", implementation)
"""


@every_shape
def test_release_at_any_depth(shape, run_script, request):
    """In an interpreter of its own: release by recursion would end it."""
    output = run_script(DEEP, shape.__name__, "200000", str(request.path.parent))
    assert output.split() == ["released", implementation]


def test_release_from_the_leaf_side_while_the_graph_lives_on():
    x = Value(0.5)
    middle = chain(x, 1000)
    loss = chain(middle, 1000)
    del loss
    middle.backward()
    assert x.grad == 1.0


# ---- what Values hold --------------------------------------------------------------------------------------------------------


def test_attributes_of_a_subclass_are_released_with_it():
    class Thing:
        pass

    thing = Thing()
    released = weakref.ref(thing)
    w = Weight(1.0)
    w.thing = thing
    loss = chain(w, 10)
    del thing, w
    assert released() is not None
    del loss
    assert released() is None


def test_names_and_scopes_are_released():
    def work():
        nodes = []
        for i in range(2000):
            with scope(f"a scope whose name is all its own {i}"):
                nodes.append(Value(1.0, f"a name that nobody else has {i}") + 1)
            nodes[-1].name = f"and another {i}"
            nodes[-1].name = f"and yet another {i}"

    assert blocks_kept(work) < 100


def test_a_weak_reference_dies_with_its_value_and_says_so():
    told = []
    x = Value(1.0)
    hidden = x * 2
    loss = hidden * 3
    references = [weakref.ref(node, told.append) for node in (x, hidden, loss)]
    del hidden
    assert references[1]() is loss.operands[0]
    del loss
    assert [reference() for reference in references] == [x, None, None]
    assert sorted(map(id, told)) == sorted(map(id, references[1:]))


class Counted(Value):
    released = 0

    def __del__(self):
        Counted.released += 1


def test_del_of_a_subclass_is_called_once_for_each():
    Counted.released = 0
    loss = Value(0.0)
    for i in range(10_000):
        loss = loss + Counted(1.0) * i
    del loss
    assert Counted.released == 10_000


class Recomputing(Value):
    """Its ``__del__`` builds, differentiates and releases a graph while another one is being released."""

    gradients: list = []  # noqa: RUF012

    def __del__(self):
        x = Value(3.0)
        out = squares(x, 3)
        for _ in range(20):
            out = out * 1.0
        out.backward()
        Recomputing.gradients.append(x.grad)


def test_del_of_a_subclass_may_use_graphs_itself():
    def work():
        Recomputing.gradients.clear()
        loss = Value(0.0)
        for _ in range(300):
            loss = loss + Recomputing(1.0) * 1.0
        del loss
        assert Recomputing.gradients == [8 * 3.0**7] * 300

    assert blocks_kept(work) < 100


class Phoenix(Value):
    saved: list = []  # noqa: RUF012

    def __del__(self):
        Phoenix.saved.append(self)


def test_a_value_saved_by_its_del_goes_on_working():
    Phoenix.saved.clear()
    loss = chain(Phoenix(2.0), 50)
    del loss
    (x,) = Phoenix.saved
    (x * x).backward()
    assert (x.data, x.grad) == (2.0, 4.0)
    Phoenix.saved.clear()
    del x


def test_values_that_are_still_held_survive_the_graph_around_them():
    x = Value(2.0)
    kept = []
    y = x
    for i in range(1000):
        y = y * 1.0 if i % 2 else functions.sum([y, 0.0])
        if i % 100 == 0:
            kept.append(y)
    del y
    assert [node.data for node in kept] == [2.0] * 10
    kept.pop().backward()
    assert x.grad == 1.0


def test_an_error_in_the_middle_of_building_leaves_nothing_behind():
    def work():
        x = Value(1.0)
        for _ in range(1000):
            for wrong in (lambda: x + "1", lambda: functions.sum([x * 2, None]), lambda: functions.dot([x * 1], [])):
                with contextlib.suppress(TypeError, ValueError):
                    wrong()

    assert blocks_kept(work) < 100


def test_memory_after_many_steps_of_training_is_that_after_a_hundred(run_script):
    script = """
import gc, sys
from autodiff._implementation import implementation
from autodiff.engine.value import Value, memory_in_use
gc.disable()
w, b = Value(0.5, "w"), Value(0.25, "b")
def steps(n):
    for i in range(n):
        w.grad = b.grad = 0.0
        ((w * (i % 7) + b - 1.0) ** 2).backward()
        w.data -= 1e-3 * w.grad
        b.data -= 1e-3 * b.grad
def memory():
    return sys.getallocatedblocks() + memory_in_use()[0], memory_in_use()[1]
steps(100)
blocks, pages = memory()
steps(1_000_000 if implementation == "compiled" else 30_000)
more, pages_now = memory()
assert pages_now == pages and more - blocks < 100, (blocks, more, pages, pages_now)
"""
    run_script(script)


def test_a_training_loop_does_not_grow():
    weights = [Value(0.1 * i) for i in range(10)]

    def work():
        for _ in range(30):
            for w in weights:
                w.grad = 0.0
            loss = functions.sum([(functions.dot(weights, [i + j for j in range(10)]) - i) ** 2 for i in range(20)])
            loss.backward()
            for w in weights:
                w.data -= 1e-6 * w.grad

    assert blocks_kept(work) < 100


# ---- pages -------------------------------------------------------------------------------------------------------------------

compiled_only = pytest.mark.skipif(implementation != "compiled", reason="interpreted, Python keeps the memory of Values itself")


@compiled_only
def test_every_value_is_counted_until_it_is_released():
    before = memory_in_use()[0]
    x = Value(1.0)
    y = x * x + functions.sum([x, 2.0])
    assert memory_in_use()[0] == before + 4
    w = Weight(1.0)
    z = w * 1.0  # a subclass's own instances are elsewhere
    assert memory_in_use()[0] == before + 5
    del x, y, w, z
    assert memory_in_use()[0] == before


@compiled_only
def test_memory_is_used_again_in_the_order_of_its_addresses(run_script):
    script = """
from itertools import pairwise
from autodiff.engine.value import Value
first = [id(x) for x in [Value(i) for i in range(10_000)]]
again = [id(x) for x in [Value(i) for i in range(10_000)]]
assert len(set(again) - set(first)) < 700  # a page that was not filled up the first time
assert sum(a > b for a, b in pairwise(again)) <= 20  # from page to page, within none
"""
    run_script(script)  # elsewhere Values of other tests stand in some pages


@compiled_only
def test_gaps_are_filled_before_memory_grows():
    values = [Value(i) for i in range(100_000)]
    bytes_before = memory_in_use()[1]
    random.Random(5).shuffle(values)
    for _ in range(20):
        del values[50_000:]
        values += [Value(1.0) for _ in range(50_000)]
    assert memory_in_use()[1] <= bytes_before


@compiled_only
def test_release_memory_gives_back_all_that_is_not_in_use():
    x = Value(0.5)
    release_memory()
    before = memory_in_use()[1]
    loss = chain(x, 200_000)
    grown = memory_in_use()[1] - before
    del loss
    assert release_memory() >= grown - (4 << 20) > 0
    assert release_memory() == 0
    nodes, kept = memory_in_use()
    assert kept <= nodes << 20  # at most a block for each Value in use
    loss = chain(x, 1000)
    loss.backward()
    assert x.grad == 1.0


@compiled_only
def test_release_memory_with_nothing_and_with_everything_in_use(run_script):
    script = """
from autodiff.engine.value import Value, memory_in_use, release_memory
assert (memory_in_use(), release_memory()) == ((0, 0), 0)
x = Value(1.0)
for _ in range(100_000):
    x = x * 1.0
assert release_memory() == 0
kept = memory_in_use()
assert kept[0] == 100_001
x = None
assert release_memory() == kept[1] and memory_in_use() == (0, 0)
x = Value(2.0)
(x * x).backward()
assert x.grad == 4.0
"""
    run_script(script)


@compiled_only
def test_what_is_no_longer_needed_is_given_back_by_itself(run_script):
    script = """
from autodiff.engine.value import Value, memory_in_use
def chain(n):
    y = x
    for _ in range(n):
        y = y * 1.0
x = Value(0.5)
chain(300_000)
large = memory_in_use()[1]
for _ in range(2 * (2 * large // 65536 + 64)):  # two reviews
    chain(100)
assert memory_in_use()[1] < large / 4
"""
    run_script(script)


@compiled_only
def test_a_loop_keeps_what_it_needs(run_script):
    script = """
from autodiff.engine.value import Value, memory_in_use
x = Value(0.5)
sizes = set()
for i in range(60):
    loss = x
    for _ in range(20_000 if i % 3 else 40_000):
        loss = loss * 1.0
    loss.backward()
    sizes.add(memory_in_use()[1])
    del loss
    if i == 2:
        sizes.clear()
assert len(sizes) == 1, sizes
"""
    run_script(script)


@compiled_only
def test_a_training_loop_asks_the_system_for_no_memory_after_its_first_steps(run_script):
    pytest.importorskip("resource")
    script = """
import gc, resource
from autodiff.engine.value import Value
gc.disable()
def step():
    x = Value(1.0)
    level = [x * 1.0 for _ in range(20_000)]
    while len(level) > 1:
        level = [a + b for a, b in zip(level[::2], level[1::2])]
    level[0].backward()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    step()
before = faults()
for _ in range(20):
    step()
print(faults() - before)
"""
    # of the 900 pages of 4 KiB that each step goes through; some are those of the lists
    assert int(run_script(script)) < 20 * 100


@compiled_only
@pytest.mark.parametrize("environment", [{"PYTHONMALLOC": "malloc"}, {"PYTHONMALLOC": "debug"}, {"PYTHONDEVMODE": "1"}])
def test_tools_that_watch_memory_see_each_value(run_script, environment):
    script = """
import autodiff as ad
from autodiff.engine.value import Value, memory_in_use, release_memory
x = Value(1.0)
y = x
for _ in range(3000):
    y = y * x + 1.0
y.backward()
del y
z = sum([x * i for i in range(5000)], x) + ad.sum([x * i for i in range(5000)])
z.backward()
z.name = "z"
assert z.name == "z" and x.grad > 2 * 5000 * 4999 / 2
del z
assert (memory_in_use(), release_memory()) == ((0, 0), 0)
"""
    run_script(script, **environment)


def test_release_memory_may_be_called_at_any_time():
    assert release_memory() >= 0
    assert release_memory() == 0


class Releasing(Value):
    """Its ``__del__`` gives memory back while a graph is being released."""

    def __del__(self):
        release_memory()


def test_memory_is_given_back_while_a_graph_is_released():
    x = Value(0.5)
    loss = Releasing(1.0) * 1.0
    for _ in range(20):
        loss = chain(loss, 2000) * Releasing(1.0)
    del loss
    (x * x).backward()
    assert x.grad == 1.0


# ---- size --------------------------------------------------------------------------------------------------------------------


@compiled_only
@pytest.mark.parametrize("make", [lambda x: Value(1.0), lambda x: x * x, lambda x: x * 2.5, lambda x: 0.5**x, functions.tanh])
def test_a_node_takes_eighty_bytes(make):
    """And nothing beside it: a number that is an operand stands in the node."""
    x = Value(0.5)
    release_memory()
    blocks, pages = sys.getallocatedblocks(), memory_in_use()[1]
    nodes = [make(x) for _ in range(200_000)]
    assert sys.getallocatedblocks() - blocks < 100
    assert (memory_in_use()[1] - pages) / len(nodes) < 86


@compiled_only
def test_only_nodes_that_have_a_name_take_room_for_one():
    x = Value(0.5)
    nodes = [x * 2.0 for _ in range(20_000)]
    blocks = sys.getallocatedblocks()
    for node in nodes[::5000]:
        node.name = "one of few"
    assert 0 < sys.getallocatedblocks() - blocks < 20
    for i, node in enumerate(nodes):
        node.name = f"x{i}"
    assert [node.name for node in nodes] == [f"x{i}" for i in range(20_000)]
    for node in nodes[::2]:
        node.name = None
    del nodes[::3]
    more = [x * 3.0 for _ in range(20_000)]  # in the places of those that had one
    assert {node.name for node in more} == {None}
    assert all(node.name is None or node.name.startswith("x") for node in nodes)


def test_a_walk_has_room_for_all_that_waits():
    """Every operand of the last one waits, in one walk or the other; and so do Values made while tools watch memory."""
    x = Value(0.5)
    level = [functions.tanh(x * i) for i in range(30_000)]
    out = functions.sum(level)
    for _ in range(2):
        x.grad = 0.0
        out.backward()
        assert x.grad == pytest.approx(sum(node.operands[0].partials[0] * node.partials[0] for node in level))


@pytest.mark.skipif(implementation != "compiled", reason="of the compiled class")
def test_a_node_has_no_dictionary():
    assert not hasattr(Value(1.0), "__dict__")
