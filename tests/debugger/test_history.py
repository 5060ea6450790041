"""The history is the engine's own pass, event by event, and nothing that happens later changes it."""

import math
import random
import struct
import sys

import pytest
from graphs import perceptron, random_graph

from autodiff.debugger import Backward, Forward, history
from autodiff.debugger.history import History, steps
from autodiff.engine import functions
from autodiff.engine.recording import scope
from autodiff.engine.value import Value, thaw, topological_order
from autodiff.errors import GraphTooLarge, UnknownNameError


def bits(x):
    return struct.pack("<d", x)


def all_below(root):
    """Every Value below root and every use of an operand there, found without the engine's own walk."""
    seen, waiting, uses = {}, [root], 0
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen[id(node)] = node
            uses += sum(isinstance(argument, Value) for argument in node.arguments)
            waiting += node.operands
    return list(seen.values()), uses


# ---- the events --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_there_is_an_event_for_each_value_and_each_use(seed):
    loss = random_graph(seed)
    nodes, uses = all_below(loss)
    h = steps(loss)
    forward = [event for event in h if event.phase == "forward"]
    backward = [event for event in h if event.phase == "backward"]
    assert (len(h), len(forward), len(backward)) == (len(nodes) + uses, len(nodes), uses)
    assert {id(event.node) for event in forward} == {id(node) for node in nodes}
    assert [event.phase for event in h] == ["forward"] * len(nodes) + ["backward"] * uses


@pytest.mark.parametrize("seed", range(20))
def test_the_sums_are_those_of_backward_to_the_last_bit(seed):
    loss = random_graph(seed, 60)
    h = steps(loss, seed=0.7)
    loss.backward(0.7)
    state = h.state(len(h))
    assert len(state) == len(h.nodes)
    assert all(bits(state[node]) == bits(node.grad) for node in h.nodes)


def test_the_order_is_that_of_the_engine():
    loss = random_graph(3)
    h = steps(loss)
    order = topological_order(loss)
    assert [event.node for event in h[: h.forward]] == order
    edges = [(node, operand, place) for node in reversed(order) for place, operand in enumerate(node.operands)]
    assert [(event.node, event.operand, event.place) for event in h[h.forward :]] == edges


@pytest.mark.parametrize("seed", range(5))
def test_an_event_is_upstream_times_local_added_to_what_was_there(seed):
    gradients = {}
    h = steps(random_graph(seed))
    gradients[id(h.loss)] = 1.0
    for event in h[h.forward :]:
        assert event.upstream == gradients[id(event.node)]
        assert event.local == event.node.partials[event.place]
        assert event.contribution == event.upstream * event.local
        assert event.before == gradients.get(id(event.operand), 0.0)
        assert event.after == event.before + event.contribution
        gradients[id(event.operand)] = event.after


def test_a_planted_wrong_derivative_shows_in_the_events():
    """The history reads the recording: what is wrong there is wrong here, and not mended on the way."""
    x, y = Value(2.0, "x"), Value(3.0, "y")
    fields = (x * y).__reduce__()[1][0][-1].__reduce__()[1]
    wrong = thaw(*[[10.0, 20.0] if part == [3.0, 2.0] else [x, y] if isinstance(part, list) else part for part in fields])
    loss = wrong + x
    h = steps(loss)
    assert [event.local for event in h[h.forward :]] == [1.0, 1.0, 10.0, 20.0]
    loss.backward()
    assert (h.state(len(h))[x], h.state(len(h))[y]) == (x.grad, y.grad) == (11.0, 20.0)


def test_local_derivatives_are_those_of_the_recording_whatever_happens_to_data_later():
    x = Value(3.0, "x")
    loss = x * x
    x.data = 100.0
    assert [(event.local, event.before, event.after) for event in steps(loss)[-2:]] == [(3.0, 0.0, 3.0), (3.0, 3.0, 6.0)]


def test_a_leaf_alone_has_one_event():
    x = Value(2.0)
    h = steps(x)
    assert list(h) == [Forward(x, 2.0)]
    assert dict(h.state(0)) == {}
    assert dict(h.state(1)) == {x: 1.0}


def test_building_it_changes_no_value():
    loss, leaves = perceptron()
    loss.backward()
    before = [(node.data, node.grad, node.name, node.partials) for node in topological_order(loss)]
    h = steps(loss)
    list(h), h.state(5), dict(h.state(len(h)))
    assert [(node.data, node.grad, node.name, node.partials) for node in topological_order(loss)] == before
    leaves["w1"].grad = 0.0
    loss.backward()
    assert h.state(len(h))[leaves["w1"]] == leaves["w1"].grad


def test_the_numbers_are_those_of_the_moment_it_was_made():
    loss, leaves = perceptron()
    h = steps(loss)
    leaves["w1"].data = 99.0
    loss.backward()
    assert h[0] == Forward(leaves["w1"], 0.8)
    assert dict(h.state(h.forward)) == {loss: 1.0}


def test_a_nan_and_an_infinity_are_events_like_any_other():
    x = Value(0.0, "x")
    loss = functions.log(x) * 0.0
    h = steps(loss)
    assert math.isnan(h[h.forward - 1].data)
    assert h[-1].local == math.inf
    assert math.isnan(h.state(len(h))[x])  # 0 · inf


# ---- as a sequence -----------------------------------------------------------------------------------------------------------


def test_it_is_a_sequence():
    h = steps(perceptron()[0])
    events = list(h)
    assert repr(h) == "<History: 12 forward and 11 backward events>"
    assert len(events) == len(h) == 23
    assert [h[i] for i in range(len(h))] == events
    assert h[-1] == events[-1]
    assert h[2:5] == events[2:5]
    assert h[::-4] == events[::-4]
    assert list(reversed(h)) == events[::-1]
    assert events[4] in h
    assert h.index(events[15]) == 15
    assert isinstance(h[0], Forward)
    assert isinstance(h[-1], Backward)
    for beyond in (23, -24):
        with pytest.raises(IndexError, match=rf"event {beyond} of 23"):
            h[beyond]


# ---- positions ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_the_state_at_any_position_is_what_the_events_before_it_have_left(seed):
    h = steps(random_graph(seed, 15))
    gradients = {}
    expected = [dict(gradients)]
    for i, event in enumerate(h):
        if event.phase == "backward":
            gradients[event.operand] = event.after
        elif i == h.forward - 1:
            gradients[h.loss] = 1.0
        expected.append(dict(gradients))
    positions = list(range(len(h) + 1))
    random.Random(seed).shuffle(positions)
    for position in positions:
        assert dict(h.state(position)) == expected[position]


def test_a_state_knows_what_is_computed_and_what_is_complete():
    x = Value(2.0, "x")
    square = x * x
    loss = square + x
    h = steps(loss)
    x_place, square_place = h.place(x), h.place(square)
    seen = [(s.datum(square_place), s.gradient(x_place), s.complete(x_place)) for s in map(h.state, range(len(h) + 1))]
    assert [datum for datum, _, _ in seen] == [None, None] + [4.0] * 6
    assert [gradient for _, gradient, _ in seen] == [None] * 5 + [1.0, 3.0, 5.0]
    assert [complete for _, _, complete in seen] == [False] * 7 + [True]


def test_a_state_is_a_mapping():
    loss, leaves = perceptron()
    h = steps(loss)
    state = h.state(h.forward)
    assert leaves["w1"] not in state
    assert state.get(leaves["w1"], 0.0) == 0.0
    assert state[loss] == 1.0
    with pytest.raises(KeyError):
        state[Value(1.0)]


@pytest.mark.parametrize("position", [-1, 24])
def test_there_is_no_state_outside(position):
    with pytest.raises(IndexError, match=r"outside of 0 … 23"):
        steps(perceptron()[0]).state(position)


# ---- scopes, sizes, bad input ------------------------------------------------------------------------------------------------


def test_a_scope_has_its_own_events_with_the_numbers_of_the_whole_pass():
    loss, leaves = perceptron()
    whole, part = steps(loss), steps(loss, scope="perceptron")
    inside = [event for event in whole[whole.forward :] if event.node.scope == "perceptron"]
    assert part[part.forward :] == inside
    assert len(part.nodes) == 10
    assert part.state(len(part))[leaves["w1"]] == whole.state(len(whole))[leaves["w1"]]


def test_in_a_scope_what_comes_from_outside_is_in_the_numbers():
    x = Value(3.0, "x")
    with scope("inner"):
        y = x * 2.0
        z = y + 1.0
    loss = z * y
    part = steps(loss, scope="inner")
    loss.backward()
    final = part.state(len(part))
    assert (final[y], final[x]) == (y.grad, x.grad)
    assert [event.upstream for event in part[part.forward :]] == [z.grad, y.grad]


def test_a_scope_may_be_named_without_those_around_it():
    with scope("model"), scope("layer1"):
        y = Value(1.0) * 2.0
    loss = y + 1.0
    assert len(steps(loss, scope="layer1")) == len(steps(loss, scope="model.layer1")) == 3
    with pytest.raises(UnknownNameError, match=r"scope 'layer'; the scopes are: model.layer1"):
        steps(loss, scope="layer")


def test_a_long_chain_needs_no_recursion():
    x = Value(1.0)
    y = x
    for _ in range(100_000):
        y = y + x
    h = steps(y)
    assert len(h) == 100_001 + 200_000
    assert h.state(len(h))[x] == 100_001.0


def test_a_sum_of_many_operands_is_walked_in_linear_time():
    """Looking at each event must not look at each operand: 40,000² would take hours."""
    xs = [Value(1.0) for _ in range(40_000)]
    assert sum(event.contribution for event in steps(functions.sum(xs))[40_001:]) == 40_000.0


def test_it_is_small():
    loss = random_graph(1, 10_000)
    h = steps(loss)
    arrays = sum(sys.getsizeof(x) for x in vars(h).values() if hasattr(x, "itemsize"))
    assert arrays < 40 * len(h)


def test_only_a_value_has_a_history():
    with pytest.raises(TypeError, match="not of float"):
        steps(1.0)


def test_a_graph_too_large_says_how_large_it_is(monkeypatch):
    monkeypatch.setattr(history, "MOST_VALUES", 10)
    with pytest.raises(GraphTooLarge, match=r"12 Values, and no more than 10 .*one scope \(scope='perceptron'"):
        History(perceptron()[0])
    assert len(History(perceptron()[0], scope="perceptron")) == 19
