"""backward(): what it adds to leaves and sets between, all or nothing, at any depth and in any order."""

import math
import random
import signal
import sys
import threading
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autodiff._implementation import implementation
from autodiff.engine import functions, value
from autodiff.engine.differentiate import grad, gradients, jvp
from autodiff.engine.recording import strict
from autodiff.engine.value import Value, topological_order
from autodiff.errors import NonFiniteError

# ---- what a call does --------------------------------------------------------------------------------------------------------


def test_diamond():
    x = Value(3.0)
    left, right = x * 2, x + 5
    out = left * right
    out.backward()
    assert (left.grad, right.grad, out.grad) == (8.0, 6.0, 1.0)
    assert x.grad == 8.0 * 2 + 6.0


def test_x_times_x_has_two_edges():
    x = Value(3.0)
    out = x * x
    assert out.operands == (x, x)
    assert out.partials == (3.0, 3.0)
    out.backward()
    assert x.grad == 6.0


def test_the_micrograd_readme_expression():
    a, b = Value(-4.0), Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    # the numbers that micrograd's readme prints
    assert round(g.data, 4) == 24.7041
    assert round(a.grad, 4) == 138.8338
    assert round(b.grad, 4) == 645.5773


def test_a_node_used_a_thousand_times_is_visited_once():
    x = Value(1.0)
    hub = x * 3
    out = functions.sum([hub * i for i in range(1000)])
    order = topological_order(out)
    assert len(order) == len(set(order)) == 1 + 1 + 1000 + 1
    out.backward()
    assert hub.grad == sum(range(1000))
    assert x.grad == 3 * sum(range(1000))


def test_a_value_a_thousand_times_among_the_operands_of_one_node():
    x = Value(2.0)
    hub = x * 1
    out = functions.dot([hub] * 500, [hub] * 500)
    assert len(topological_order(out)) == 3
    out.backward()
    assert x.grad == 2000.0


def test_doubling_sixty_times_is_sixty_visits():
    x = y = Value(1.0)
    for _ in range(60):
        y = y + y
    y.backward()
    assert x.grad == 2.0**60


def test_a_second_call_adds_one_more_gradient_to_leaves_and_computes_the_rest_afresh():
    x, w = Value(3.0), Value(-2.0)
    hidden = x * w
    out = hidden * hidden
    for calls in (1, 2, 3):
        out.backward()
        assert (x.grad, w.grad) == (24.0 * calls, -36.0 * calls)
        assert (hidden.grad, out.grad) == (-12.0, 1.0)


def test_what_was_written_into_the_gradient_of_a_node_between_is_not_counted():
    x = Value(3.0)
    hidden = x * 2
    out = hidden + 1
    hidden.grad = out.grad = 100.0
    out.backward()
    assert (x.grad, hidden.grad, out.grad) == (2.0, 1.0, 1.0)


def test_leaves_add_to_what_is_there_until_zeroed():
    x = Value(3.0)
    x.grad = 10.0
    (x * 2).backward()
    (x * x).backward()
    assert x.grad == 18.0
    x.grad = 0.0
    (x * 5).backward()
    assert x.grad == 5.0


def test_seed():
    x = Value(3.0)
    out = x * x
    out.backward(seed=-0.5)
    assert (x.grad, out.grad) == (-3.0, -0.5)
    out.backward(2)
    assert x.grad == 9.0


def test_on_a_leaf():
    x = Value(3.0)
    x.backward()
    assert x.grad == 1.0
    x.backward(0.5)
    assert x.grad == 1.5


@pytest.mark.parametrize("seed", ["1", None, 1j, [1.0]])
def test_a_wrong_seed_changes_nothing(seed):
    x = Value(3.0)
    out = x * 2
    out.backward()
    for root in (out, x):
        with pytest.raises(TypeError, match=r"backward\(\) takes a real number"):
            root.backward(seed)
    assert (x.grad, out.grad) == (2.0, 1.0)


def test_returns_nothing():
    assert (Value(1.0) * 2).backward() is None


def test_later_changes_of_data_do_not_matter():
    x, w = Value(3.0), Value(-2.0)
    hidden = x * w
    out = functions.tanh(hidden) + functions.dot([x, w], [w, hidden])
    before = Value(3.0), Value(-2.0)
    hidden2 = before[0] * before[1]
    (functions.tanh(hidden2) + functions.dot(before, [before[1], hidden2])).backward()
    x.data = w.data = hidden.data = out.data = 1e9
    out.backward()
    assert (x.grad, w.grad) == (before[0].grad, before[1].grad)


def test_from_a_node_between_only_what_is_below_it_is_touched():
    x, y = Value(3.0), Value(5.0)
    hidden = x * 2
    out = hidden * y
    out.backward()
    hidden.backward()
    assert (x.grad, y.grad) == (10.0 + 2.0, 6.0)
    assert (hidden.grad, out.grad) == (1.0, 1.0)


def test_constants_take_no_part():
    x = Value(2.0)
    out = (3 - x) * 4 / 2 + functions.sum([1, x, 2.5])
    assert set(topological_order(out)) >= {x}
    assert sum(node.op == "" for node in topological_order(out)) == 1
    out.backward()
    assert x.grad == -1.0


def test_a_nan_reaches_every_leaf_below_it_and_no_other():
    x, y = Value(-1.0), Value(2.0)
    (functions.log(x) + y * y).backward()
    assert math.isnan(x.grad)
    assert y.grad == 4.0


# ---- order -------------------------------------------------------------------------------------------------------------------


def test_the_topological_order_of_ordinary_code_is_leaves_and_then_operations_as_they_were_recorded():
    x, y = Value(1.0), Value(2.0)
    a = x * y
    b = a + x
    c = functions.sum([y, b, a])
    d = a * c
    assert {*topological_order(d)[:2]} == {x, y}
    assert topological_order(d)[2:] == [a, b, c, d]
    assert topological_order(x) == [x]


def test_operands_come_before_what_uses_them_in_any_graph():
    generator = random.Random(1)
    nodes = [Value(1.0) for _ in range(5)]
    for _ in range(2000):
        chosen = generator.choices(nodes[-50:] + nodes[:5], k=3)
        nodes.append(functions.sum(chosen) if generator.random() < 0.3 else chosen[0] - chosen[1])
    order = topological_order(functions.sum(nodes))
    place = {node: i for i, node in enumerate(order)}
    assert len(place) == len(order)
    assert all(place[operand] < place[node] for node in order for operand in node.operands)


@pytest.mark.parametrize("between", [0, 10, 100_000])
def test_old_nodes_used_again_in_new_graphs(between):
    x = Value(2.0)
    old = [x * 3]
    old.append(old[0] * old[0])
    for i in range(between):
        Value(1.0) + i
    recent = x + 1
    out = recent * old[1] + old[0] * recent
    order = topological_order(out)
    assert order[0] is x
    assert [order.index(node) for node in (*old, out)] == sorted(order.index(node) for node in (*old, out))
    for calls in (1, 2):
        out.backward()
        # out = (x + 1)(9x² + 3x)
        assert x.grad == calls * (27 * 4 + 24 * 2 + 3)
    assert (old[0].grad, old[1].grad) == (3.0 * 12 + 3, 3.0)


def test_graphs_that_share_nodes_do_not_disturb_each_other():
    x = Value(2.0)
    shared = x * x
    first, second = shared * 3, shared * 5
    second.backward()
    first.backward()
    assert x.grad == 20.0 + 12.0
    assert (shared.grad, first.grad, second.grad) == (3.0, 1.0, 1.0)


def test_operands_of_very_different_age_in_any_position():
    x = Value(1.0)
    old = x * 2
    for _ in range(1000):
        x * 1
    middle = x * 3
    for _ in range(1000):
        x * 1
    young = middle * old
    for operands in ([old, middle, young], [young, middle, old], [middle, young, old, middle]):
        x.grad = 0.0
        functions.sum(operands).backward()
        assert x.grad == 12.0 + sum({old: 2.0, middle: 3.0, young: 0.0}[node] for node in operands)


class Tagged(Value):
    """A Value that holds things of its own, and is told apart from others by its class."""


def test_graphs_of_old_nodes_a_hundred_thousand_times():
    """Each operation takes nodes of any age, most of which die at some time; now and then one goes back over what is left."""
    generator = random.Random(7)
    x = Tagged(0.5)
    x.note = ["kept"]
    pool = [(x, 1.0)] * 40  # a node, and the tangent along x that was carried forward with it

    def combined():
        (a, da), (b, db), (c, dc) = (pool[generator.randrange(40)] for _ in range(3))
        kind = generator.randrange(7)
        if kind == 0:
            return (a + b) * 0.5, (da + db) * 0.5
        if kind == 1:
            return a - b * 0.5, da - db * 0.5
        if kind == 2:
            return functions.tanh(a * b), (da * b.data + a.data * db) / math.cosh(a.data * b.data) ** 2
        if kind == 3:
            return functions.sum([a, 1.0, a, b, c]) / 4, (2 * da + db + dc) / 4
        if kind == 4:
            return functions.dot([a, 0.25, b], [0.5, c, 0.25]), 0.5 * da + 0.25 * dc + 0.25 * db
        if kind == 5:
            leaf = Tagged(generator.uniform(-1, 1))
            leaf.node = a  # which dies no earlier
            return leaf * b, leaf.data * db
        return x * 1.0, 1.0

    for i in range(100_000):
        out, tangent = combined() if i % 3 else (x * 0.5, 0.5)
        pool[generator.randrange(40)] = out, tangent
        if i % 40 == 0:
            x.grad = 0.0
            out.backward()
            assert math.isclose(x.grad, tangent, rel_tol=1e-9, abs_tol=1e-9), i
        elif i % 1000 == 1:
            before = x.grad
            assert math.isclose(value.adjoints(out, [x])[0], tangent, rel_tol=1e-9, abs_tol=1e-9), i
            assert x.grad == before
    assert x.note == ["kept"]


# ---- all or nothing ----------------------------------------------------------------------------------------------------------


class Interrupted(BaseException):
    pass


def network(anew=False):
    """A graph with every kind of node, all of whose gradients are something from before unless it is to be new."""
    x, w = Value(0.5), Value(-2.0)
    old = w * 2
    for _ in range(100):
        Value(0.0) + 1
    hidden = functions.tanh(x * w) + 1
    out = functions.sum([hidden, 3.0, functions.dot([hidden, old], [x, 2.0])]) - (2 / hidden) * (hidden * hidden)
    nodes = topological_order(out)
    for i, node in enumerate(nodes):
        node.grad = 0.0 if anew else 100.0 + i
    return out, nodes


def interrupted_after(lines, work):
    """In which function ``work`` was interrupted, after so many lines of the engine; None if it came to its end."""
    place = None

    def trace(frame, event, _):
        nonlocal lines, place
        if frame.f_code.co_filename != value.__file__:
            return None
        if event == "line":
            lines -= 1
            if lines < 0:
                place = frame.f_code.co_name
                sys.settrace(None)
                raise Interrupted
        return trace

    outer = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except Interrupted:
        pass
    finally:
        sys.settrace(outer)
    return place


interpreted_alone = pytest.mark.skipif(implementation == "compiled", reason="sys.settrace sees no lines of compiled code")


@interpreted_alone
@pytest.mark.parametrize("anew", [False, True], ids=["with gradients from before", "new"])
def test_an_interruption_at_any_line_leaves_every_gradient_as_it_was(anew):
    def state():
        return [(node.grad, node.swept) for node in nodes]

    out, nodes = network(anew)
    out.backward()
    new_gradients = [node.grad for node in nodes]
    interrupted_in = []
    while True:
        out, nodes = network(anew)
        before = state()
        place = interrupted_after(len(interrupted_in), out.backward)
        if place is not None:
            assert state() == before, f"after {len(interrupted_in)} lines, in {place}"
            out.backward()
        assert [node.grad for node in nodes] == new_gradients, f"after {len(interrupted_in)} lines, in {place}"
        if place is None:
            break
        interrupted_in.append(place)
    assert len(interrupted_in) > 100
    assert {"backward", "sweep", "sweep_many"} <= set(interrupted_in)


@interpreted_alone
@pytest.mark.parametrize("sweep", ["sweep_back", "sweep_forward"])
def test_an_interruption_of_a_tape_at_any_line_leaves_every_gradient_and_the_graph_as_they_were(sweep):
    out, nodes = network()
    order = topological_order(out)

    def work():
        if sweep == "sweep_back":
            return value.adjoints(out, nodes)
        return value.tangents(order, nodes[:2], [1.0, -2.0])

    before, wanted, interrupted_in = [node.grad for node in nodes], work(), []
    while (place := interrupted_after(len(interrupted_in), work)) is not None:
        assert [node.grad for node in nodes] == before, f"after {len(interrupted_in)} lines, in {place}"
        assert work() == wanted, f"after {len(interrupted_in)} lines, in {place}"
        interrupted_in.append(place)
    assert len(interrupted_in) > 100
    assert {sweep, "take_places"} <= set(interrupted_in)
    again, copies = network()
    again.backward()
    out.backward()
    assert [node.grad for node in nodes] == [node.grad for node in copies]


@pytest.mark.skipif(implementation == "compiled", reason="compiled, a sweep neither raises nor looks for signals")
@pytest.mark.parametrize("anew", [False, True], ids=["with gradients from before", "new"])
@pytest.mark.parametrize("part", ["count_uses", "sweep_many", "add_leaves"])
def test_a_walk_that_raises_leaves_the_graph_as_it_was(monkeypatch, part, anew):
    """Where nothing but the engine's own code is traced, as by a profiler or a debugger of the user's."""
    out, nodes = network(anew)
    before = [(node.grad, node.swept) for node in nodes]
    real = getattr(value, part)

    def failing(*arguments):
        real(*arguments)
        raise Interrupted

    monkeypatch.setattr(value, part, failing)
    with pytest.raises(Interrupted):
        topological_order(out) if part == "add_leaves" else out.backward()
    monkeypatch.undo()
    assert [(node.grad, node.swept) for node in nodes] == before
    assert topological_order(out) == nodes
    again, copies = network(anew)
    again.backward()
    out.backward()
    assert [node.grad for node in nodes] == [node.grad for node in copies]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs signal.setitimer")
@pytest.mark.skipif(sys.gettrace() is not None, reason="what a signal handler raises leaves the lock of coverage.py taken")
@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals come to the main thread")
def test_an_alarm_in_the_middle_leaves_all_gradients_from_before_or_all_the_new_ones(without_collector):
    # Python swallows an alarm that comes while hypothesis's callback of the collector is running.
    x = Value(1.0)
    y = x * 1.0
    hidden = y
    for _ in range(50_000):
        y = y + hidden
    started = time.perf_counter()
    y.backward()
    duration = time.perf_counter() - started
    nodes = [x, hidden, *topological_order(y)[1000::5000]]
    full = [node.grad for node in nodes]
    full[0] = 0.0

    def interrupt(signal_number, frame):
        raise Interrupted

    handler = signal.signal(signal.SIGALRM, interrupt)
    interruptions = 0
    try:
        for part in (0.05, 0.3, 0.5, 0.7, 0.9):
            x.grad = 0.0
            for node in nodes[1:]:
                node.grad = -1.0
            before = [node.grad for node in nodes]
            try:
                signal.setitimer(signal.ITIMER_REAL, part * duration)
                y.backward()
                for _ in range(10_000):  # short ones: the alarm may come to another thread, and waits for this one to wake
                    time.sleep(0.001)
            except Interrupted:
                interruptions += 1
            after = [node.grad for node in nodes]
            assert after in (before, [50_001.0, *full[1:]])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
    assert interruptions == 5


def test_strict_refuses_a_gradient_and_changes_none():
    x = Value(0.0, "x")
    y = x * x
    out = functions.sqrt(y)
    x.grad = 7.0
    with (
        strict(),
        pytest.raises(NonFiniteError, match=r"the gradient of Value\(0\.0.*is inf, by ∂sqrt/∂operand = inf.*out\.back"),
    ):
        out.backward()
    assert (x.grad, y.grad, out.grad, out.swept) == (7.0, 0.0, 0.0, False)
    with strict(), pytest.raises(NonFiniteError, match="starts with is nan"):
        out.backward(math.nan)
    with strict(), pytest.raises(NonFiniteError, match=r"is inf, by ∂sqrt"):
        grad(lambda x: functions.sqrt(x * x))(0.0)
    with strict(), pytest.raises(NonFiniteError):
        gradients(out, [x])
    with strict(), pytest.raises(NonFiniteError, match=r"along the tangents is nan where sqrt"):
        jvp(lambda x: functions.sqrt(x * x), (0.0,), (1.0,))
    with strict():
        (x * 2 + 1).backward()
        assert jvp(lambda x: x * x, (3.0,), (1.0,)) == (9.0, 6.0)
    assert x.grad == 9.0


def test_threads_with_graphs_of_their_own_do_not_disturb_each_other():
    """Recording and going back in several threads at once gives each the gradients it would have alone."""

    def gradient():
        x = Value(1.001)
        y = hidden = x * 1.0
        for i in range(300):
            y = y * hidden - functions.tanh(y) if i % 3 else functions.sum([y, hidden, y]) * 0.25
            for _ in range(20):
                y + 1  # elsewhere: the operations of this graph lie far apart
        y.backward()
        return x.grad

    alone = gradient()
    found = []

    def work():
        found.extend(gradient() for _ in range(10))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert len(found) == 40
    assert set(found) == {alone}


# ---- random graphs with sharing, against derivatives carried forward ---------------------------------------------------------


class Dual:
    """A number with its tangents, one for each leaf, and the sum of the magnitudes that went into each tangent."""

    def __init__(self, primal, tangents, magnitudes=None):
        self.primal = primal
        self.tangents = tangents
        self.magnitudes = [abs(t) for t in tangents] if magnitudes is None else magnitudes


def chain(primal, *terms):
    """primal, with the tangents Σ slope · operand's; terms are pairs of a slope and an operand."""
    leaves = range(len(terms[0][1].tangents))
    tangents = [sum(slope * operand.tangents[i] for slope, operand in terms) for i in leaves]
    magnitudes = [sum(abs(slope) * operand.magnitudes[i] for slope, operand in terms) for i in leaves]
    return Dual(primal, tangents, magnitudes)


# name: (on Values, on Duals); with whole numbers all of these are exact
EXACT = {
    "add": (lambda a, b, c: a + b, lambda a, b, c: chain(a.primal + b.primal, (1, a), (1, b))),
    "sub": (lambda a, b, c: a - b, lambda a, b, c: chain(a.primal - b.primal, (1, a), (-1, b))),
    "mul": (lambda a, b, c: a * b, lambda a, b, c: chain(a.primal * b.primal, (b.primal, a), (a.primal, b))),
    "neg": (lambda a, b, c: -a, lambda a, b, c: chain(-a.primal, (-1, a))),
    "add number": (lambda a, b, c: 3 + a, lambda a, b, c: chain(3 + a.primal, (1, a))),
    "number minus": (lambda a, b, c: 2 - a, lambda a, b, c: chain(2 - a.primal, (-1, a))),
    "times number": (lambda a, b, c: a * -2, lambda a, b, c: chain(a.primal * -2, (-2, a))),
    "square": (lambda a, b, c: a**2, lambda a, b, c: chain(a.primal**2, (2 * a.primal, a))),
    "relu": (lambda a, b, c: a.relu(), lambda a, b, c: chain(max(a.primal, 0), (int(a.primal > 0), a))),
    "sum": (
        lambda a, b, c: functions.sum([a, 1, b, c, a]),
        lambda a, b, c: chain(2 * a.primal + 1 + b.primal + c.primal, (2, a), (1, b), (1, c)),
    ),
    "dot": (
        lambda a, b, c: functions.dot([a, b, 4], [b, c, a]),
        lambda a, b, c: chain(
            a.primal * b.primal + b.primal * c.primal + 4 * a.primal,
            (b.primal + 4, a),
            (a.primal + c.primal, b),
            (b.primal, c),
        ),
    ),
    "where": (
        lambda a, b, c: functions.where(a > b, a, c),
        lambda a, b, c: chain(a.primal, (1, a)) if a.primal > b.primal else chain(c.primal, (1, c)),
    ),
}
SMOOTH = {
    "halfway": (lambda a, b, c: (a + b) / 2, lambda a, b, c: chain((a.primal + b.primal) / 2, (0.5, a), (0.5, b))),
    "mul": EXACT["mul"],
    "sin": (lambda a, b, c: a.sin(), lambda a, b, c: chain(math.sin(a.primal), (math.cos(a.primal), a))),
    "tanh": (lambda a, b, c: a.tanh(), lambda a, b, c: chain(math.tanh(a.primal), (1 / math.cosh(a.primal) ** 2, a))),
    "sigmoid": (
        lambda a, b, c: functions.sigmoid(a),
        lambda a, b, c: chain(1 / (1 + math.exp(-a.primal)), (0.25 / math.cosh(a.primal / 2) ** 2, a)),
    ),
    "exp": (lambda a, b, c: (a - 1).exp(), lambda a, b, c: chain(math.exp(a.primal - 1), (math.exp(a.primal - 1), a))),
    "divide": (
        lambda a, b, c: a / (b + 2),
        lambda a, b, c: chain(a.primal / (b.primal + 2), (1 / (b.primal + 2), a), (-a.primal / (b.primal + 2) ** 2, b)),
    ),
    "root": (
        lambda a, b, c: (a + 2) ** 0.5 / 2,
        lambda a, b, c: chain(math.sqrt(a.primal + 2) / 2, (0.25 / math.sqrt(a.primal + 2), a)),
    ),
}


def graphs(operations):
    """A recipe: for each operation its name and how far back its three operands lie."""
    back = st.integers(0, 12)
    return st.lists(st.tuples(st.sampled_from(sorted(operations)), back, back, back), min_size=1, max_size=40)


def build(recipe, operations, leaves, side):
    nodes = list(leaves)
    for name, *backs in recipe:
        nodes.append(operations[name][side](*[nodes[-1 - back % len(nodes)] for back in backs]))
    return nodes[-1]


def leaves_and_duals(numbers):
    unit = [[int(i == j) for j in range(len(numbers))] for i in range(len(numbers))]
    return [Value(x) for x in numbers], [Dual(x, unit[i]) for i, x in enumerate(numbers)]


@given(graphs(EXACT), st.lists(st.integers(-3, 3), min_size=3, max_size=3))
def test_random_graphs_of_whole_numbers_have_exactly_the_tangents_carried_forward(recipe, numbers):
    leaves, duals = leaves_and_duals(numbers)
    wanted = build(recipe, EXACT, duals, 1)
    assume(max(wanted.magnitudes, default=0) < 2**53 and abs(wanted.primal) < 2**53)
    out = build(recipe, EXACT, leaves, 0)
    assume(out.op)
    out.backward()
    assert out.data == wanted.primal
    assert [leaf.grad for leaf in leaves] == wanted.tangents


@given(graphs(SMOOTH), st.lists(st.floats(-1, 1, width=16), min_size=3, max_size=3))
def test_random_smooth_graphs_have_the_tangents_carried_forward(recipe, numbers):
    leaves, duals = leaves_and_duals(numbers)
    wanted = build(recipe, SMOOTH, duals, 1)
    out = build(recipe, SMOOTH, leaves, 0)
    for _ in range(2):
        for leaf in leaves:
            leaf.grad = 0.0
        out.backward()
        assert math.isclose(out.data, wanted.primal, rel_tol=1e-12, abs_tol=1e-12)
        for leaf, tangent, magnitude in zip(leaves, wanted.tangents, wanted.magnitudes, strict=True):
            assert abs(leaf.grad - tangent) <= 1e-11 * max(magnitude, 1e-3)


# ---- depth and width ---------------------------------------------------------------------------------------------------------


def test_a_chain_of_a_million_operations():
    x = y = Value(1.0)
    for _ in range(1_000_000):
        y = y + 1.0
    assert y.data == 1_000_001.0
    y.backward()
    assert x.grad == 1.0
    y.backward()
    assert x.grad == 2.0
    del y


def test_a_sum_of_a_hundred_thousand_values():
    xs = [Value(1.0) for _ in range(100_000)]
    out = functions.sum(xs)
    assert out.data == 100_000.0
    out.backward()
    assert all(x.grad == 1.0 for x in xs)


def test_a_dot_of_a_hundred_thousand_pairs():
    xs, ys = [Value(2.0) for _ in range(100_000)], [Value(3.0) for _ in range(100_000)]
    functions.dot(xs, ys).backward()
    assert all(x.grad == 3.0 for x in xs)
    assert all(y.grad == 2.0 for y in ys)
