"""scope() and strict(): what is noted of operations as they are recorded, in this thread and while the block lasts."""

import inspect
import math
import threading
from contextlib import nullcontext

import pytest

from autodiff.engine import functions, value
from autodiff.engine.recording import first_non_finite, in_words, scope, strict, tracing
from autodiff.engine.value import Value
from autodiff.errors import AutodiffError, NonFiniteError


def here():
    """The number of the line that calls this."""
    return inspect.currentframe().f_back.f_lineno


def observer_now():
    observers = value.set_observer(None, None)
    value.set_observer(*observers)
    return observers


@pytest.fixture(autouse=True)
def nobody_observes_afterwards():
    assert observer_now() == (None, None, None)
    yield
    assert observer_now() == (None, None, None)


# ---- scope -------------------------------------------------------------------------------------------------------------------


def test_operations_belong_to_the_scope_they_are_recorded_in():
    x = Value(1.0)
    outside = x + 1
    with scope("model"):
        first = x * 2
        with scope("layer1"):
            inner = functions.tanh(first)
            many = functions.sum([x, inner])
        with scope("layer2"):
            other = -inner
        second = x * 3
    after = x * 4
    scopes = [node.scope for node in (outside, first, inner, many, other, second, after)]
    assert scopes == [None, "model", "model.layer1", "model.layer1", "model.layer2", "model", None]


def test_scope_and_name_go_together():
    with scope("model"):
        y = Value(1.0) * 2
    y.name = "y"
    assert (y.name, y.scope) == ("y", "model")


def test_a_scope_ends_with_an_error():
    x = Value(1.0)
    with scope("outer"):
        with pytest.raises(IndexError), scope("inner"):
            raise IndexError
        assert (x + 1).scope == "outer"
    with pytest.raises(KeyError), scope("other"):
        raise KeyError
    assert (x + 1).scope is None


def test_a_scope_can_be_opened_again_and_used_as_a_decorator():
    @scope("step")
    def double(x):
        return x * 2

    assert [double(Value(1.0)).scope for _ in range(2)] == ["step", "step"]


@pytest.mark.parametrize("name", ["", None, 1, b"layer", Value(1.0)], ids=repr)
def test_a_scope_needs_a_name(name):
    with pytest.raises(TypeError, match=r"scope\(\) takes a name"), scope(name):
        pass


# ---- strict ------------------------------------------------------------------------------------------------------------------


def test_strict_names_the_operation_its_operands_and_this_line():
    x = Value(0.0, name="x")
    line = here() + 2
    with strict(), pytest.raises(NonFiniteError) as raised:
        functions.log(x)
    message = str(raised.value)
    assert message.startswith("log of Value(0.0, grad=0.0, name='x') is -inf, ")
    assert message.endswith(f"{__file__}:{line}: functions.log(x)")


@pytest.mark.parametrize(
    ("compute", "beginning"),
    [
        (lambda x: x / 0, "div of Value(2.0, grad=0.0), 0.0 is inf"),
        (lambda x: 0 / (x * 0), "div of 0.0, Value(0.0, grad=0.0) is nan"),
        (lambda x: x.sqrt() * math.inf, "mul of Value(1.41421"),
        (lambda x: (-x) ** 0.5, "pow of Value(-2.0, grad=0.0), 0.5 is nan"),
        (lambda x: (x * 1000).exp(), "exp of Value(2000.0, grad=0.0) is inf"),
        (lambda x: x % 0, "mod of Value(2.0, grad=0.0), 0.0 is nan"),
        (lambda x: functions.asin(x), "asin of Value(2.0, grad=0.0) is nan"),
        (lambda x: functions.sum([x, math.inf]), "sum of Value(2.0, grad=0.0), inf is inf"),
        (lambda x: functions.dot([x], [math.nan]), "dot of Value(2.0, grad=0.0), nan is nan"),
        (lambda x: functions.where(True, x * math.inf, 0), "mul of Value(2.0, grad=0.0), inf is inf"),
    ],
)
def test_strict_raises_for_every_way_to_record(compute, beginning):
    with strict(), pytest.raises(NonFiniteError) as raised:
        compute(Value(2.0))
    assert str(raised.value).startswith(beginning)
    assert f"{__file__}:" in str(raised.value)


def test_a_non_finite_error_is_an_arithmetic_error_of_ours():
    with strict(), pytest.raises(ArithmeticError) as raised:
        Value(1.0) / 0
    assert isinstance(raised.value, AutodiffError)


def test_of_many_operands_the_message_shows_some():
    with strict(), pytest.raises(NonFiniteError, match=r" and 96 more is inf") as raised:
        functions.sum([Value(math.inf), *[1.0] * 99])
    assert len(str(raised.value)) < 500


def test_strict_lets_finite_results_and_infinite_leaves_pass():
    with strict():
        x = Value(math.inf)
        assert functions.tanh(x).data == 1.0
        assert (Value(2.0) * 3).data == 6.0


def test_strict_ends_with_its_block_and_with_an_error():
    with strict():
        pass
    assert (Value(1.0) / 0).data == math.inf
    with pytest.raises(NonFiniteError), strict():
        Value(1.0) / 0
    assert (Value(1.0) / 0).data == math.inf


def test_an_operation_refused_leaves_no_trace_in_later_graphs():
    x = Value(2.0)
    y = x * 3
    with strict(), pytest.raises(NonFiniteError):
        y / 0
    out = y * y
    out.backward()
    assert (x.grad, y.grad) == (36.0, 12.0)


def test_strict_and_scope_together():
    with strict(), scope("a"):
        assert (Value(1.0) + 1).scope == "a"
        with pytest.raises(NonFiniteError):
            Value(1.0) / 0
        with strict():
            pass
        with pytest.raises(NonFiniteError):
            Value(1.0) / 0
    assert (Value(1.0) / 0).scope is None


# ---- threads -----------------------------------------------------------------------------------------------------------------


def in_thread(work):
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def test_another_thread_does_not_see_this_scope_nor_strict():
    with scope("mine"), strict():
        node = in_thread(lambda: Value(1.0) / 0)
    assert node.scope is None
    assert node.data == math.inf


def test_a_sweep_in_another_thread_is_not_strict():
    x = Value(0.0)
    with strict():
        in_thread(functions.sqrt(x).backward)
    assert x.grad == math.inf


def test_a_block_goes_on_when_another_thread_leaves_its_own():
    def theirs():
        with scope("theirs"):
            return Value(1.0) + 1

    with scope("mine"):
        assert in_thread(theirs).scope == "theirs"
        assert (Value(1.0) + 1).scope == "mine"


def test_scopes_of_many_threads_at_once():
    together = threading.Barrier(4)
    wrong = []

    def work(name):
        together.wait()
        for i in range(200):
            with scope(name), scope(str(i)):
                if (Value(1.0) + i).scope != f"{name}.{i}":
                    wrong.append((name, i))

    threads = [threading.Thread(target=work, args=(f"thread{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# ---- afterwards --------------------------------------------------------------------------------------------------------------


def test_the_first_non_finite_value_is_found_in_the_recording():
    x = Value(0.0, "x")
    bad = functions.log(x)
    loss = (bad * 2 + 1) * x
    assert first_non_finite(loss) is bad
    assert in_words(bad) == "log of Value(0.0, grad=0.0, name='x') is -inf"
    assert first_non_finite(functions.exp(x) + 1) is None


def test_a_leaf_that_is_nan_is_found_before_what_was_computed_from_it():
    x = Value(math.nan, "x")
    assert first_non_finite(x * 2) is x
    assert in_words(x) == "the input Value(nan, grad=0.0, name='x') is nan"


def test_a_trace_takes_the_operations_of_its_thread_whatever_opens_meanwhile():
    def elsewhere(block):
        with block:
            x * 3.0

    def in_thread(block):
        thread = threading.Thread(target=elsewhere, args=(block,))
        thread.start()
        thread.join()

    x = Value(2.0)
    with tracing() as nodes:
        made = [x * x]
        in_thread(nullcontext())
        made.append(x + 1.0)
        with scope("inner"):
            made.append(x.exp())
            in_thread(nullcontext())
        made.append(x.tanh())
        in_thread(scope("outside"))
        with tracing() as others:
            x.sin()
        made.append(x.cos())
    assert [node.op for node in others] == ["sin"]
    assert len(nodes) == len(made)
    assert all(node is other for node, other in zip(nodes, made, strict=True))
    assert [node.scope for node in nodes] == [None, None, "inner", None, None]
