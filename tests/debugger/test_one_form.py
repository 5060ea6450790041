"""One loss has one name and one form of numbers in the picture, the explanation, the page's data and the terminal."""

import io
import json
import re

import pytest
from graphs import perceptron

import autodiff as ad
from autodiff.debugger.history import steps
from autodiff.debugger.terminal import Terminal
from autodiff.drawing.model import graph_of
from autodiff.engine import functions
from autodiff.graph.symbols import number_text


def one_weight():
    i, w, y = ad.Value(1.5, "i"), ad.Value(0.8, "w"), ad.Value(0.5, "y")
    a = i * w
    a.name = "a"
    cost = (a - y) ** 2
    cost.name = "C"
    return cost, w


def unnamed():
    w = ad.Value(-1 / 3)
    return (w * 3.0 - 2.0) ** 2 + functions.exp(w) / 1e5 + 2.0 * (w + 1.0), w


def chain():
    x = ad.Value(1.0, "x")
    y = x
    for _ in range(6):
        y = functions.tanh(y * 1.5 + 0.125)
    return y, x


def many():
    xs = [ad.Value(0.1 * n, f"x{n}") for n in range(8)]
    return functions.sum(xs) * functions.dot(xs[:4], xs[4:]) ** 3, xs[1]


def taken():
    """Names that others have, and that are made up for those without one."""
    w, loss, v3 = ad.Value(2.0, "w"), ad.Value(3.0, "loss"), ad.Value(4.0, "v3")
    return (w * loss + v3) * ad.Value(5.0, "b"), w


def one_neuron():
    loss, leaves = perceptron()
    return loss, leaves["w1"]


LOSSES = [one_weight, one_neuron, unnamed, chain, many, taken]


def page_data(loss):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', ad.page(loss).html)
    return json.loads(found[1])


@pytest.mark.parametrize("make", LOSSES)
def test_every_view_has_the_same_texts(make):
    loss, variable = make()
    loss.backward()
    history = steps(loss)
    titles = {box.id: (box.name, box.operation) for box in graph_of(loss).boxes if box.kind != "constant"}
    drawn = [titles[f"v{place}"] for place in range(history.forward)]
    data = page_data(loss)
    assert drawn == [*zip(data["names"], data["made"], strict=True)]
    out = io.StringIO()
    terminal = Terminal(["s"] * history.forward, stdin=io.StringIO(), stdout=out)
    terminal.screen.width = lambda: 10_000
    terminal.interact(history)
    for node, (name, operation) in zip(history.nodes, drawn, strict=True):
        text = number_text(node.data)
        said = re.search(rf"^  value  {re.escape(name)} = (.*)$", out.getvalue(), re.M)[1]
        assert said.startswith(f"{operation} = ") or not operation
        assert said.endswith(f"= {text}") if operation else said == f"{text}, a leaf"
    # the explanation: the names of both ends, the same total, no other loss
    explanation = str(ad.explain(loss, variable))
    names = dict(zip(map(id, history.nodes), data["names"], strict=True))
    assert explanation.startswith(f"d{names[id(loss)]}/d{names[id(variable)]} = ")
    assert f"{names[id(variable)]}.grad is {number_text(variable.grad)}: they agree" in explanation
    assert (
        explanation.splitlines()[0].endswith(number_text(variable.grad)) or f" = {number_text(variable.grad)}\n" in explanation
    )
    for definition in re.findall(r"(?:where |, )(\w+) = ", explanation):
        assert definition in data["names"]
    everything = explanation + out.getvalue() + ad.draw(loss).source
    assert not re.search(r"(?<![\d.])\d+\.0(?!\d)", everything.partition("digraph")[0])  # 1, not 1.0
    assert "^2" not in everything


def test_the_article_reads_the_same_everywhere():
    cost, w = one_weight()
    cost.backward()
    data = page_data(cost)
    assert (data["names"][-1], data["made"][-1]) == ("C", "(a − y)²")
    assert str(ad.explain(cost, w)).splitlines()[1] == "where C = (a − y)², a = i · w"
    assert ad.expression(cost) == "C = (i · w − y)²"
    assert [(box.name, box.operation) for box in graph_of(cost).boxes][-1] == ("C", "(a − y)²")
    out = io.StringIO()
    Terminal(["goto 7", "goto 11"], stdin=io.StringIO(), stdout=out).interact(steps(cost))
    assert "chain  ∂C/∂v4 += upstream × local = 1 × 1.4 (= 2(a − y)) = 1.4\n" in out.getvalue()
    assert "chain  ∂C/∂w += upstream × local = 1.4 × 1.5 (= i) = 2.1\n" in out.getvalue()


def test_the_terminal_prints_all_digits():
    x = ad.Value(1 / 3, "x")
    out = io.StringIO()
    Terminal(["goto 3", "p x", "p x.data", "p -x.data * 0", "info values"], stdin=io.StringIO(), stdout=out).interact(
        steps(x * 3.0)
    )
    assert "x: data 0.3333333333333333, grad 3\n(ad) p x.data\n0.3333333333333333\n(ad) p -x.data * 0\n−0\n" in out.getvalue()
    assert re.search(r"^x +data 0\.33333, grad 3$", out.getvalue(), re.M)


def test_a_graph_is_walked_once(monkeypatch):
    """draw() and page() put the graph in order once and pass that walk on, also for one scope."""
    from autodiff.graph import walk

    counted = []
    ordered = walk.topological_order
    monkeypatch.setattr(walk, "topological_order", lambda root: counted.append(root) or ordered(root))
    loss, _ = perceptron()
    for view in (ad.draw, ad.page, lambda loss: ad.page(loss, scope="perceptron"), lambda loss: ad.draw(loss, top=2)):
        counted.clear()
        view(loss)
        assert counted == [loss]
