"""Comparisons that Python decided while recording, and recordings that are computed again."""

import gc
import math
import warnings

import pytest

import autodiff as ad
from autodiff.engine import decisions, rules
from autodiff.engine.value import topological_order


def branching(w):
    x = w * 3.0
    y = x * 2.0 if x > 0 else -x
    return y + w


def test_what_an_if_decided_is_noted_while_lines_are_recorded():
    w = ad.Value(2.0, "w")
    with ad.record_source():
        loss = branching(w)
    (found,) = decisions.decisions_about(topological_order(loss))
    assert (found.op, found.left.data, found.right, found.outcome) == (">", 6.0, 0.0, True)
    assert found.source.text == "x > 0"
    branching(ad.Value(1.0))  # outside nothing is
    assert len(decisions.decisions_about(topological_order(loss))) == 1
    w.data = -1.0
    with pytest.warns(ad.DecisionWarning, match=r"a Value > 0 was True when the graph was recorded, at .*x > 0; now it is -3"):
        ad.refresh(loss)
    assert loss.data == -7.0


@pytest.mark.parametrize("expression", ["x > y", "x >= y", "x < y", "x <= y", "0.5 < x", "2 >= x", "x == y", "x != y"])
def test_every_comparison_is_noted_with_its_operands(expression):
    x, y = ad.Value(1.0, "x"), ad.Value(2.0, "y")
    with ad.record_source():
        outcome = eval(expression, {"x": x, "y": y})
        loss = x * y
    (found,) = decisions.decisions_about(topological_order(loss))
    assert found.outcome is outcome is found.now()
    x.data = y.data = 7.5
    assert found.now() == eval(expression, {"x": x, "y": y})


def test_the_last_of_many_decisions_at_one_place_counts_and_none_keeps_a_value_alive():
    x, losses = ad.Value(1.0), []
    with ad.record_source():
        for number in range(50):
            x.data = number - 10.0
            losses.append(x * 2.0 if x > 0 else -x)
            assert losses[-1] > -1e300
    (found,) = decisions.decisions_about([x])
    assert found.outcome
    noted = len(decisions._noted)
    assert noted >= 51
    del losses, found
    gc.collect()
    assert len(decisions._noted) <= noted - 49


def test_a_refreshed_graph_is_the_one_recorded_anew():
    def record(a, b, c):
        x, y = ad.Value(a), ad.Value(b)
        nodes = [
            ad.tanh(x) * y,
            x**y,
            2.0 / x,
            ad.dot([x, y, 1.5], [y, x, y]),
            ad.max(x, y, c),
            ad.elu(x, 0.5),
            c - x,
            -y,
            x % y,
        ]
        return ad.sum([node * node for node in nodes]), x, y

    loss, x, y = record(0.5, 1.25, 0.75)
    again, u, v = record(1.5, 0.5, 0.75)
    x.data, y.data, x.grad = 1.5, 0.5, 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ad.refresh(loss)
    assert [node.data for node in topological_order(loss)] == [node.data for node in topological_order(again)]
    assert [node.partials for node in topological_order(loss)] == [node.partials for node in topological_order(again)]
    loss.backward()
    again.backward()
    assert (x.grad, y.grad) == (u.grad, v.grad)


def test_refresh_changes_leaves_and_gradients_not_at_all_and_takes_any_numbers():
    x = ad.Value(0.0, "x")
    middle = ad.log(x)
    loss = middle * 2.0
    loss.backward()
    grad = x.grad
    middle.data = 5.0
    ad.refresh(loss)
    assert (x.data, x.grad, middle.data, loss.data) == (0.0, grad, -math.inf, -math.inf)
    x.data = math.nan
    ad.refresh(loss)
    assert math.isnan(loss.data)
    ad.refresh(x)
    with pytest.raises(TypeError, match="refresh"):
        ad.refresh(1.0)


def test_a_refresh_that_raises_leaves_every_value_as_it_was(monkeypatch):
    x = ad.Value(1.0)
    loss = ad.tanh(x * 2.0) + 1.0
    before = [(node.data, node.partials) for node in topological_order(loss)[1:]]
    x.data = 3.0

    def broken(self, *operands):
        raise MemoryError

    monkeypatch.setattr(rules.Rule, "value", broken)
    with pytest.raises(MemoryError):
        ad.refresh(loss)
    assert [(node.data, node.partials) for node in topological_order(loss)[1:]] == before


def test_a_long_chain_is_refreshed_without_recursion():
    x = ad.Value(1.0)
    y = x
    for _ in range(20_000):
        y = y + 1.0
    x.data = 5.0
    ad.refresh(y)
    assert y.data == 20_005.0
