"""copy, deepcopy and pickle: at any depth, with all that a Value holds, and what is shared stays shared."""

import copy
import pickle
import sys

import pytest

from autodiff.engine import functions
from autodiff.engine.recording import scope
from autodiff.engine.value import Value, topological_order


class Weight(Value):
    """A Value with attributes of its own; here, where pickle finds it."""


def pickled(protocol):
    return lambda things: pickle.loads(pickle.dumps(things, protocol))


PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)
DEEP_COPIES = {"deepcopy": copy.deepcopy, **{f"pickle {p}": pickled(p) for p in PROTOCOLS}}
every_deep_copy = pytest.mark.parametrize("duplicate", DEEP_COPIES.values(), ids=DEEP_COPIES)
every_copy = pytest.mark.parametrize("duplicate", [copy.copy, *DEEP_COPIES.values()], ids=["copy", *DEEP_COPIES])


@pytest.fixture(autouse=True)
def the_recursion_limit_is_not_touched():
    before = sys.getrecursionlimit()
    yield
    assert sys.getrecursionlimit() == before


def network():
    """Named leaves and a loss over them with every kind of node, after one call of backward()."""
    x, w = Value(0.5, "x"), Value(-2.0, "w")
    with scope("layer"):
        hidden = functions.tanh(x * w)
        hidden.name = "h"
    loss = functions.sum([hidden, 3.0, functions.dot([hidden, w], [x, 2.0])]) - (2 / hidden) ** 2 * (hidden * hidden)
    loss = functions.max(loss, x, w) + functions.norm(loss, 1.0) + functions.elu(loss, 0.5)
    loss.backward()
    return x, w, hidden, loss


def facts(node):
    """All that can be known of a node, but for who its operands are."""
    return type(node), node.data, node.grad, node.name, node.scope, node.op, node.partials, len(node.operands)


def assert_same_graph(found, wanted):
    """Both have the same nodes in the same order, joined in the same way, and none in common."""
    found, wanted = topological_order(found), topological_order(wanted)
    found.sort(key=lambda node: node.op != "")
    twin = dict(zip(wanted, found, strict=True))
    assert [facts(twin[node]) for node in wanted] == [facts(node) for node in wanted]
    for node in wanted:
        for given, taken in zip(node.arguments, twin[node].arguments, strict=True):
            assert taken is twin[given] if isinstance(given, Value) else taken == given
    assert not set(found) & set(wanted)


@every_copy
def test_a_leaf_with_all_it_has(duplicate):
    x = Weight(2.0, "x")
    x.grad = 3.0
    x.momentum = [0.5, 0.25]
    y = duplicate(x)
    assert y is not x
    assert facts(y) == facts(x)
    assert y.momentum == [0.5, 0.25]
    y.data = y.grad = 7.0
    y.name = "y"
    assert (x.data, x.grad, x.name) == (2.0, 3.0, "x")


def test_a_copy_of_a_node_shares_its_operands():
    x, w, _, loss = network()
    twin = copy.copy(loss)
    assert facts(twin) == facts(loss)
    assert twin.operands == loss.operands
    before = x.grad
    x.grad = w.grad = 0.0
    twin.backward()
    assert x.grad == before


def test_copy_shares_the_attributes_of_a_subclass_and_deepcopy_does_not():
    x = Weight(1.0)
    x.momentum = [0.5]
    assert copy.copy(x).momentum is x.momentum
    assert copy.deepcopy(x).momentum is not x.momentum


@every_deep_copy
def test_a_graph_with_all_it_has(duplicate):
    loss = network()[-1]
    assert_same_graph(duplicate(loss), loss)


@every_deep_copy
def test_what_is_shared_stays_shared(duplicate):
    x, w, hidden, loss = network()
    for things in ([x, w, hidden, loss], [loss, hidden, w, x], [hidden, loss, x, w], [x, loss, w, hidden]):
        twins = duplicate(things)
        assert_same_graph(twins[things.index(loss)], loss)
        nodes = topological_order(twins[things.index(loss)])
        assert all(twin in nodes for twin in twins)
        assert [facts(twin) for twin in twins] == [facts(thing) for thing in things]


@every_deep_copy
def test_the_new_loss_depends_on_the_new_leaf(duplicate):
    x = Value(3.0, "x")
    new_x, new_loss = duplicate([x, x * x])
    new_loss.backward()
    assert (new_x.grad, x.grad) == (6.0, 0.0)


@every_deep_copy
def test_two_losses_over_one_node_share_it_in_any_order(duplicate):
    x = Value(2.0)
    hidden = x * x
    first, second = hidden * 3, hidden + x
    for things in ([first, second, hidden], [hidden, second, first], {"a": first, "b": [second, (hidden,)]}):
        twins = duplicate(things)
        if isinstance(twins, dict):
            twins = [twins["a"], twins["b"][0], twins["b"][1][0]]
        else:
            twins = [twins[things.index(node)] for node in (first, second, hidden)]
        assert twins[0].operands[0] is twins[1].operands[0] is twins[2]
        assert twins[1].operands[1] is twins[2].operands[0]


@every_deep_copy
def test_the_same_value_twice_in_a_list_is_one_value(duplicate):
    x = Value(2.0)
    one, other = duplicate([x, x])
    assert one is other
    h = x * 2
    one, other = duplicate([h, h])
    assert one is other


@every_copy
def test_backward_after_the_copy_gives_the_same(duplicate):
    x, w, _, loss = network()
    leaves = [node for node in topological_order(duplicate(loss)) if not node.op]
    for leaf in [x, w, *leaves]:
        leaf.grad = 0.0
    twin = duplicate(loss)
    loss.backward()
    wanted = {leaf.name: leaf.grad for leaf in (x, w)}
    x.grad = w.grad = 0.0
    twin.backward()
    assert {leaf.name: leaf.grad for leaf in topological_order(twin) if not leaf.op} == wanted


@every_copy
def test_a_copy_can_be_used_in_new_graphs_together_with_old_nodes(duplicate):
    x = Value(3.0)
    loss = x * x
    twin = duplicate(loss)
    out = twin * loss + x
    out.backward()
    twin_x = twin.operands[0]
    assert out.data == 84.0
    assert twin_x.grad + (0.0 if twin_x is x else x.grad) == 6.0 * 9 + 6.0 * 9 + 1


@every_deep_copy
def test_a_new_copy_each_time_and_nothing_remembered_between(duplicate):
    x = Value(3.0)
    loss = x * 2
    first = duplicate(loss)
    x.data = 4.0
    second = duplicate(loss)
    assert first is not second
    assert (first.operands[0].data, second.operands[0].data) == (3.0, 4.0)


@every_deep_copy
def test_leaves_of_a_subclass_keep_their_class_and_attributes_within_a_graph(duplicate):
    w = Weight(2.0, "w")
    w.momentum = [0.5]
    (twin,) = duplicate(w * 3).operands
    assert type(twin) is Weight
    assert twin.momentum == [0.5]
    assert twin.momentum is not w.momentum


@every_deep_copy
def test_edges_keep_their_bits(duplicate):
    x = Value(-0.0)
    out = duplicate(functions.sqrt(x) / functions.sum([x, float("inf")]))
    assert str(out.operands[0].operands[0].data) == "-0.0"
    assert out.operands[1].arguments[1] == float("inf")
    nan = duplicate(functions.log(Value(-1.0)))
    assert nan.data != nan.data
    assert nan.partials[0] != nan.partials[0]


@every_deep_copy
def test_a_chain_of_twenty_thousand(duplicate):
    x = y = Value(1.0)
    for i in range(20_000):
        y = functions.sum([y, 1.0]) if i % 10 == 0 else y + 1.0 if i % 2 else y * 1.0
    new_x, new_y = duplicate([x, y])
    assert new_y.data == y.data
    new_y.backward()
    assert (new_x.grad, x.grad) == (1.0, 0.0)


def test_a_chain_of_two_hundred_thousand_through_pickle():
    x = y = Value(1.0)
    for _ in range(200_000):
        y = y + 1.0
    new_x, new_y = pickle.loads(pickle.dumps([x, y]))
    new_y.backward()
    assert (new_x.grad, new_y.data) == (1.0, 200_001.0)


def test_a_wide_sum_through_pickle():
    xs = [Value(float(i)) for i in range(100_000)]
    twin = pickle.loads(pickle.dumps(functions.sum(xs)))
    twin.backward()
    assert [x.grad for x in twin.operands] == [1.0] * 100_000
    assert twin.data == sum(range(100_000))


LOAD = """
import pickle, sys
from autodiff.engine.value import Value
loss = pickle.load(open(sys.argv[1], "rb"))
loss.backward()
print([x.grad for x in loss.operands])
"""


@pytest.mark.parametrize("other", ["0", "1"], ids=["whichever is there", "interpreted"])
def test_a_pickle_is_read_by_another_process_and_the_other_implementation(tmp_path, run_script, other):
    x, y = Value(2.0), Value(3.0)
    file = tmp_path / "loss.pickle"
    file.write_bytes(pickle.dumps(functions.dot([x, y], [y, 4.0]), 2))
    script = "import autodiff._implementation\n" + LOAD
    assert run_script(script, str(file), AUTODIFF_PURE=other).strip() == "[3.0, 6.0, 6.0]"
