"""A walk over a graph that is interrupted leaves nothing in it that the next walk, of any kind, would stumble over."""

import sys

import pytest

import autodiff as ad
from autodiff import implementation
from autodiff.engine.value import topological_order

pytestmark = pytest.mark.skipif(implementation == "compiled", reason="sys.settrace sees no lines of compiled code")


class Interrupted(BaseException):
    pass


def network():
    """A loss with every kind of node, and its leaves."""
    x, w, b = leaves = [ad.Value(0.5, "x"), ad.Value(-2.0, "w"), ad.Value(0.25, "b")]
    hidden = ad.tanh(x * w) + b
    loss = ad.sum([hidden, 3.0, ad.dot([hidden, b], [x, 2.0])]) - (2.0 / hidden) * (hidden * hidden)
    return loss, leaves


WALKS = {
    "topological_order": lambda loss, leaves: topological_order(loss),
    "gradients": lambda loss, leaves: ad.gradients(loss, leaves),
    "gradients of what lies between": lambda loss, leaves: ad.gradients(loss, [*topological_order(loss), *leaves]),
    "backward": lambda loss, leaves: loss.backward(),
    "backward from another Value": lambda loss, leaves: loss.operands[0].backward(),
    "jvp": lambda loss, leaves: ad.jvp(lambda t: t * loss, (1.0,), (1.0,)),
}


def interrupted(call, after):
    """Whether a call runs into an exception that comes at the ``after``-th line inside the package."""
    lines = 0

    def trace(frame, event, argument):
        nonlocal lines
        if "engine" not in frame.f_code.co_filename:
            return None
        if event == "line":
            lines += 1
            if lines > after:
                raise Interrupted
        return trace

    outer = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except Interrupted:
        return True
    finally:
        sys.settrace(outer)
    return False


def found(loss, leaves):
    """What every walk says of a graph whose gradients are set to 0."""
    for node in leaves:
        node.grad = 0.0
    order = [node.data for node in topological_order(loss)]
    gradients = ad.gradients(loss, leaves)
    loss.backward()
    swept = [node.grad for node in topological_order(loss)]
    return order, gradients, swept


@pytest.mark.parametrize("walk", WALKS)
def test_after_an_interruption_at_any_line_every_walk_goes_as_before(walk):
    loss, leaves = network()
    expected = found(loss, leaves)
    after = 0
    while interrupted(lambda: WALKS[walk](loss, leaves), after):
        assert found(loss, leaves) == expected, f"after {after} lines"
        after += 1
    assert after > 20
