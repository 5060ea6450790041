"""A session moves over a history both ways and stops where it was told to, and nowhere else."""

import math
import random

import pytest
from graphs import perceptron, random_graph

from autodiff.debugger.history import steps
from autodiff.debugger.session import Session, hit_count
from autodiff.engine import functions
from autodiff.engine.recording import record_source, scope
from autodiff.engine.value import Value
from autodiff.errors import DebuggerError


def session_of(loss):
    return Session(steps(loss))


def stops_of(session, motion="continue_"):
    """Every position at which one comes to a stop, from here to the end of the history."""
    found = []
    while (arrival := getattr(session, motion)()).hits:
        found.append(arrival.position)
    assert session.position in (0, len(session.history))
    return found


def positions(session, wanted):
    """The positions right after the events that are wanted, by looking at each."""
    return [i + 1 for i, event in enumerate(session.history) if wanted(event)]


# ---- motion ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_every_reverse_motion_undoes_its_forward_one(seed):
    """Random walks over turns and stops: to and fro ends where it began, whatever lies between."""
    rng = random.Random(seed)
    session = session_of(random_graph(seed))
    boundaries = sorted({0, len(session.history)} | {e.start for e in turns(session)} | {e.stop for e in turns(session)})
    plain = session_of(session.history.loss)
    session.add_breakpoint("w")
    session.add_breakpoint("op:mul")
    stopping = [0, *[p for p in stops_of(session) if p < len(session.history)]]
    for _ in range(200):
        plain.goto(rng.randrange(len(plain.history)))
        here = plain.position
        plain.step()
        assert plain.position == here + 1
        assert plain.reverse_step().position == here

        plain.goto(rng.choice(boundaries[:-1]))
        here = plain.position
        assert plain.next().position > here
        assert plain.reverse_next().position == here

        session.goto(rng.choice(stopping))
        here = session.position
        assert session.continue_().position > here
        assert session.reverse_continue().position == here

        count = rng.randrange(1, 9)
        plain.goto(rng.randrange(len(plain.history) - 8))
        here = plain.position
        assert plain.step(count).position == here + count
        assert plain.reverse_step(count).position == here


def turns(session):
    return [session._turn(number) for number in range(len(session.history))]


def test_next_is_one_value_with_all_its_operands():
    x = Value(2.0, "x")
    loss = functions.sum([x, x * 3.0, x])
    session = session_of(loss)
    seen = []
    while session.position < len(session.history):
        seen.append(session.next().position)
    assert seen == [1, 2, 3, 6, 7]
    back = []
    while session.position:
        back.append(session.reverse_next().position)
    assert back == [6, 3, 2, 1, 0]
    session.goto(4)
    assert session.next().position == 6
    session.goto(4)
    assert session.reverse_next().position == 3


def test_running_off_either_end_stops_there_and_says_so():
    session = session_of(perceptron()[0])
    assert session.reverse_step().end == session.reverse_next().end == session.reverse_continue().end == "start"
    assert session.step(1000).end == "end"
    assert session.position == 23
    assert [motion().end for motion in (session.step, session.next, session.continue_, session.finish, session.until)] == [
        "end"
    ] * 5
    assert session.position == 23


def test_goto_phase_and_restart():
    session = session_of(perceptron()[0])
    assert session.goto(14).position == 14
    assert session.phase("backward").position == 12
    assert session.phase("forward").position == 0
    session.goto(9)
    assert session.restart().position == 0
    for position in (-1, 24):
        with pytest.raises(DebuggerError, match=rf"no position {position}; there are 0 … 23"):
            session.goto(position)
    with pytest.raises(DebuggerError, match="no phase 'sideways'; there are forward and backward"):
        session.phase("sideways")


def test_finish_goes_to_the_end_of_the_scope_then_of_the_one_around_it():
    x = Value(1.0, "x")
    with scope("model"):
        a = x * 2.0
        with scope("layer1"):
            b = a * 3.0
            c = b * 4.0
        d = c + a
    loss = d * 5.0
    session = session_of(loss)
    session.goto(session.history.place(b) + 1)
    at = [session.history.place(node) + 1 for node in (c, d)]
    assert [session.finish().position for _ in range(3)] == [*at, session.history.forward]
    session.step()  # loss → d, in no scope: to the end of the phase
    assert session.finish().position == len(session.history)


def test_until_goes_to_a_place_that_is_still_to_come():
    session = session_of(perceptron()[0])
    assert session.until("z").position == session.history.place(session.history.nodes[8]) + 1
    assert session.history.nodes[8].name == "z"
    assert session.until("op:sigmoid").position == 10
    session.until("z")
    assert session.event.operand.name == "z"
    with pytest.raises(DebuggerError, match="no event at 'z' is still to come"):
        session.until("z")
    assert session.event.operand.name == "z"


def test_until_without_a_place_or_lines_is_next():
    session, other = session_of(perceptron()[0]), session_of(perceptron()[0])
    while session.position < len(session.history):
        assert session.until().position == other.next().position


# ---- breakpoints -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_a_breakpoint_stops_at_each_event_there_forwards_and_backwards(seed):
    session = session_of(random_graph(seed))
    wanted = {
        "w": lambda event: event.changed.name == "w",
        "op:mul": lambda event: event.node.op == "mul",
        "scope:layer1": lambda event: event.node.scope == "layer1",
        "v5": lambda event: event.changed is session.history.nodes[5],
    }
    for where, of_event in wanted.items():
        stop = session.add_breakpoint(where)
        session.restart()
        expected = positions(session, of_event)
        assert stops_of(session) == expected
        assert stop.hits == len(expected) > 0
        backwards = [p for p in expected if p < session.position]
        assert stops_of(session, "reverse_continue") == backwards[::-1]
        session.remove(stop.number)


def test_a_condition_is_about_the_event():
    session = session_of(random_graph(4))
    cases = {
        "local < 0": lambda e: e.phase == "backward" and e.local < 0,
        "data > 0.5": lambda e: (e.data if e.phase == "forward" else e.operand.data) > 0.5,
        "abs(grad) > 1 and not upstream < 0": lambda e: e.phase == "backward" and abs(e.after) > 1 and not e.upstream < 0,
        "contribution == upstream * local": lambda e: e.phase == "backward",
    }
    for condition, holds in cases.items():
        stop = session.add_breakpoint("w", condition)
        session.restart()
        expected = positions(session, lambda e: e.changed.name == "w" and holds(e))  # noqa: B023
        assert stops_of(session) == expected != []
        session.remove(stop.number)


def test_temporary_ignored_and_disabled_breakpoints():
    x = Value(2.0, "x")
    session = session_of(functions.sum([x] * 6))
    every = [1, 3, 4, 5, 6, 7, 8]
    stop = session.add_breakpoint("x", temporary=True)
    assert stops_of(session) == every[:1]
    assert session.stops == []
    stop = session.add_breakpoint("x")
    stop.ignore = 3
    session.restart()
    assert stops_of(session) == every[3:]
    assert (stop.ignore, stop.hits) == (0, 4)
    stop.enabled = False
    session.restart()
    assert stops_of(session) == []
    session.set_condition(stop.number, "grad >= 4")
    stop.enabled = True
    session.restart()
    assert stops_of(session) == [6, 7, 8]


def test_a_motion_stops_at_a_breakpoint_on_its_way():
    x = Value(2.0, "x")
    session = session_of(functions.sum([x, x * 3.0, x]))
    session.add_breakpoint("x")
    session.goto(3)
    assert session.next().position == 4
    assert session.next().position == 6
    session.goto(1)
    assert session.finish().position == 3
    assert session.finish().position == 4


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("lss", r"no Value 'lss'; close to it: loss"),
        ("op:tanh", r"uses no operation 'tanh'; there are add, mul, pow, sigmoid, sub"),
        ("op:foo", r"has no operation 'foo'; there are add"),
        ("scope:layer", r"has no scope 'layer'; there are perceptron"),
        ("train.py:12", r"has no line train.py:12; there are no recorded lines: use record_source\(\)"),
        ("12", "has no line 12"),
        ("v12", r"no Value 'v12'"),
        ("", "a place is missing"),
        ("\x1b[31mx", r"no Value '\\x1b\[31mx'"),
    ],
)
def test_an_unknown_place_is_an_error_that_says_what_there_is(where, message):
    session = session_of(perceptron()[0])
    with pytest.raises(DebuggerError, match=message):
        session.add_breakpoint(where)
    assert session.stops == []


def test_a_name_that_two_values_have_stands_for_both_and_each_has_one_of_its_own():
    with scope("layer1"):
        first = Value(1.0, "w") * 2.0
        first.name = "w"
    loss = first * Value(3.0, "w")
    session = session_of(loss)
    names = [session.words.name(place) for place in range(4)]
    assert names == ["w@v0", "w@v1", "layer1.w", "loss"]
    assert [session.words.find(name) for name in names] == [[0], [1], [2], [3]]
    assert session.words.find("w") == [0, 1, 2]
    with pytest.raises(DebuggerError, match=r"3 Values are called 'w'; say which one: w@v0, w@v1, layer1\.w"):
        session.add_watch("w")


def test_breakpoints_stay_for_the_next_history_and_are_looked_up_anew():
    session = session_of(perceptron()[0])
    session.add_breakpoint("b")
    session.add_watch("w1.grad")
    session.continue_()
    x = Value(1.0, "w1")
    session.load(steps(x * 2.0))
    assert session.position == 0
    assert stops_of(session) == [3]  # the watch; there is no b
    session.load(steps(perceptron()[0]))
    assert stops_of(session) == positions(
        session, lambda e: e.changed.name == "b" or (e.phase == "backward" and e.changed.name == "w1")
    )


# ---- watch and catch ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_a_watch_stops_at_each_change_and_going_back_finds_the_last_one(seed):
    session = session_of(random_graph(seed))
    place = max(range(len(session.history.nodes)), key=lambda place: len(session.history.additions(place)))
    node = session.history.nodes[place]
    name = session.words.name(place)
    session.goto(len(session.history))
    stop = session.add_watch(f"{name}.grad")
    changes = positions(session, lambda e: e.phase == "backward" and e.changed is node and e.before != e.after)
    assert len(changes) > 1
    assert session.last_change(stop) == changes[-1]
    if changes[-1] == session.position:
        changes.pop()
    assert [session.reverse_continue().position for _ in changes] == changes[::-1]
    stayed = session.reverse_continue()
    assert (stayed.position, stayed.hits, stayed.stayed) == (changes[0], (), (stop,))
    assert session.position == changes[0]
    data = session.add_watch(f"{name}.data")
    session.remove(stop.number)
    assert session.reverse_continue().position == place + 1
    assert session.reverse_continue().stayed == (data,)
    session.restart()
    data.hits = 0
    assert stops_of(session) == [place + 1]
    assert data.hits == 1


def test_a_contribution_of_nothing_changes_nothing():
    x = Value(-1.0, "x")
    session = session_of(functions.relu(x) + x)
    session.add_watch("x")
    assert len(stops_of(session)) == 1


def test_catch_stops_where_a_nan_is_made_not_where_it_is_passed_on():
    x = Value(0.0, "x")
    bad = functions.log(x) * 0.0
    loss = bad * 2.0 + 1.0
    session = session_of(loss)
    session.add_catch("nan")
    made = [session.history.place(bad) + 1]
    backward = positions(session, lambda e: e.phase == "backward" and math.isnan(e.after) and not math.isnan(e.upstream))
    assert stops_of(session) == made + backward
    assert len(backward) == 1  # log: 0 · inf


def test_catch_inf():
    x = Value(0.0, "x")
    loss = functions.log(x) + 1.0
    session = session_of(loss)
    session.add_catch("inf")
    assert stops_of(session) == [2, 5]  # log 0 = −inf, and 1 / 0 coming back


def test_catch_vanishing_and_exploding():
    x = Value(1.0, "x")
    loss = ((x * 1e-4) * 1e-4) * 1e10
    session = session_of(loss)
    vanishing, exploding = session.add_catch("vanishing", 1000.0), session.add_catch("exploding", 1e9)
    assert stops_of(session) == [5, 7]
    assert (vanishing.hits, exploding.hits) == (1, 1)


def test_catch_vanishing_and_exploding_stop_where_the_limit_is_crossed_and_not_behind_it():
    x = Value(1.0, "x")
    session = session_of(x * 0.5 * 0.5 * 0.25)  # coming back: 0.25, 0.125, 0.0625
    session.add_catch("vanishing", 0.25)
    assert stops_of(session) == [6]
    session = session_of(x * 0.25)
    session.add_catch("vanishing", 1.0)
    assert stops_of(session) == [3]
    session = session_of(x * -2.0 * 2.0 * 2.0)  # coming back: 2, 4, −8
    session.add_catch("exploding", 2.0)
    assert stops_of(session) == [6]
    y = x * 3.0
    session = session_of(functions.sum([y, y, y, y]) * 2.0)  # y's gradient: 2, 4, 6, 8; then x's: 24
    session.add_catch("exploding", 3.0)
    assert stops_of(session) == [7]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fire", None), "'fire' cannot be caught; there are nan, inf, vanishing LIMIT and exploding LIMIT"),
        (("vanishing", None), "takes a positive limit, as in catch vanishing 1e-6"),
        (("exploding", -1.0), "takes a positive limit, as in catch exploding 1e3"),
        (("exploding", math.nan), "takes a positive limit"),
        (("nan", 3.0), "takes no limit"),
    ],
)
def test_what_cannot_be_caught_is_said(arguments, message):
    session = session_of(perceptron()[0])
    with pytest.raises(DebuggerError, match=message):
        session.add_catch(*arguments)
    assert session.stops == []


# ---- numbers -----------------------------------------------------------------------------------------------------------------


def test_expressions_are_about_this_position():
    session = session_of(perceptron()[0])
    with pytest.raises(DebuggerError, match="w1 has not been computed yet at position 0"):
        session.evaluate("w1.data")
    session.goto(12)
    assert session.evaluate("w1 + 1") == 1.8
    assert session.evaluate("w1.grad") == 0.0
    session.goto(23)
    grads = session.history.state(23)
    w1 = session.history.nodes[0]
    assert session.evaluate("w1.data - 0.1 * w1.grad") == 0.8 - 0.1 * grads[w1]
    assert session.evaluate("v0.grad") == grads[w1]


def test_a_name_that_is_no_identifier_is_found_all_the_same():
    x = Value(2.0, "x[0]")
    session = session_of(x * Value(3.0, "my weight"))
    session.goto(5)
    assert session.evaluate("x[0].grad") == 3.0
    assert session.evaluate("my weight") == 3.0
    assert session.add_watch("x[0].grad").what == "x[0].grad"


def test_the_way_to_the_loss_follows_the_largest_contributions():
    x = Value(2.0, "x")
    small, large = x * 0.5, x * 7.0
    loss = small + large
    session = session_of(loss)
    session.goto(1)
    assert [session.history.nodes[place] for place in session.way_to_loss()] == [x, large, loss]
    session.goto(len(session.history))
    by = session.event.node
    assert [session.history.nodes[place] for place in session.way_to_loss()] == [x, by, loss]


def test_the_commands_set_up_the_same_again():
    session = session_of(perceptron()[0])
    session.add_breakpoint("w1", "grad > 1").ignore = 2
    session.add_breakpoint("op:mul", temporary=True).enabled = False
    session.add_catch("vanishing", 1e-6)
    session.add_watch("w2.data")
    session.displays.append("w1 * 2")
    assert session.commands() == [
        "break w1 if grad > 1",
        "ignore . 2",
        "tbreak op:mul",
        "disable .",
        "catch vanishing 1e-06",
        "watch w2.data",
        "display w1 * 2",
    ]


# ---- lines -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def lined(tmp_path):
    """A session over two lines of a file: two operations on the first, three on the second."""
    file = tmp_path / "net.py"
    file.write_text("y = x * 2.0 + 1.0\nz = (y * y).tanh() - y\n", encoding="utf-8")
    names = {"x": Value(0.5, "x")}
    with record_source():
        exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), names)
    return session_of(names["z"])


def lines_of(session):
    return [None if event.source is None else event.source.line for event in session.history]


def test_a_line_is_a_place_in_both_phases(lined):
    lines = lines_of(lined)
    assert lines[:6] == [None, 1, 1, 2, 2, 2]
    for where, line in (("net.py:1", 1), ("2", 2)):
        stop = lined.add_breakpoint(where)
        lined.restart()
        assert stops_of(lined) == [i + 1 for i, at in enumerate(lines) if at == line]
        lined.remove(stop.number)
    with pytest.raises(DebuggerError, match=r"has no line net.py:7; there are .*net.py:1, .*net.py:2"):
        lined.add_breakpoint("net.py:7")
    with pytest.raises(DebuggerError, match=r"has no line et.py:1"):
        lined.add_breakpoint("et.py:1")


def test_until_without_a_place_goes_to_the_end_of_the_line(lined):
    lines = lines_of(lined)
    ends = [
        i + 1 for i in range(len(lines)) if i + 1 == len(lines) or lines[i + 1] != lines[i] or i + 1 == lined.history.forward
    ]
    seen = []
    while lined.position < len(lined.history):
        seen.append(lined.until().position)
    assert seen == ends


def test_names_come_from_the_assignments(lined):
    assert [*lined.words.known()] == ["x", "y", "z"]
    assert lined.add_watch("y").what == "y.grad"
    assert len(stops_of(lined)) == 3


@pytest.mark.parametrize(
    ("text", "stops"), [("3", [3]), (">= 5", [5, 6]), ("% 2", [2, 4, 6]), ("== 1", [1]), ("hits < 2", [1]), ("< 2", [1])]
)
def test_hit_counts(text, stops):
    condition = hit_count(text)
    assert [n for n in range(1, 7) if condition.value({"hits": float(n)}.__getitem__)] == stops
