"""What a lecture on micrograd does in its notebooks, written anew: an engine by hand, its graph, a network, its training."""

import copy
import math
import pickle
import random

import pytest
from graphviz import Digraph

from autodiff import Value, nn
from autodiff._implementation import implementation


def expression():
    a = Value(2.0, label="a")
    b = Value(-3.0, label="b")
    c = Value(10.0, label="c")
    e = a * b
    e.label = "e"
    d = e + c
    d.label = "d"
    f = Value(-2.0, label="f")
    L = d * f
    L.label = "L"
    return a, b, c, d, e, f, L


def neuron():
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    b = Value(6.8813735870195432, label="b")
    x1w1, x2w2 = x1 * w1, x2 * w2
    x1w1x2w2 = x1w1 + x2w2
    n = x1w1x2w2 + b
    return x1, x2, w1, w2, b, x1w1, x2w2, x1w1x2w2, n


def trace(root):
    nodes, edges = set(), set()

    def build(v):
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    build(root)
    return nodes, edges


def draw_dot(root):
    dot = Digraph(format="svg", graph_attr={"rankdir": "LR"})
    nodes, edges = trace(root)
    for n in nodes:
        uid = str(id(n))
        dot.node(name=uid, label=f"{{ {n.label} | data {n.data:.4f} | grad {n.grad:.4f} }}", shape="record")
        if n._op:
            dot.node(name=uid + n._op, label=n._op)
            dot.edge(uid + n._op, uid)
    for n1, n2 in edges:
        dot.edge(str(id(n1)), str(id(n2)) + n2._op)
    return dot


def test_an_expression_tells_of_its_operands():
    a, b, c, d, e, f, L = expression()
    assert (e._prev, e._op, e.label) == ({a, b}, "*", "e")
    assert (d._prev, d._op) == ({e, c}, "+")
    assert (a._prev, a._op) == (set(), "")
    assert (e + e)._prev == {e}
    assert ((L + 1).label, L.name, Value(1.0).label) == ("", "L", "")
    assert L._children == (d, f)
    assert L._local_grads == (-2.0, 4.0)


def test_operations_are_called_as_micrograd_calls_them():
    x, y = Value(2.0), Value(0.5)
    results = [x + y, x - y, x * y, x / y, x**2, x**0.5, x**y, -x, x % y, x.relu(), x.tanh(), x.exp(), x.log(), x**-1]
    assert [result._op for result in results] == [
        "+", "-", "*", "/", "**2", "**0.5", "**", "-", "%", "ReLU", "tanh", "exp", "log", "**-1",
    ]  # fmt: skip


def test_gradients_written_by_hand_and_checked_by_a_small_step():
    a, b, c, d, e, f, L = expression()
    L.grad = 1.0
    f.grad, d.grad = d.data, f.data
    c.grad = e.grad = d.grad
    a.grad, b.grad = b.data * e.grad, a.data * e.grad
    assert [v.grad for v in (a, b, c, d, e, f)] == [6.0, -4.0, -2.0, -2.0, -2.0, 4.0]
    h = 0.0001
    L2 = ((a + h) * b + c) * f
    assert f"{(L2 - L).data / h:.4f}" == "6.0000"
    for v in (a, b, c, f):
        v.data += 0.01 * v.grad
    e = a * b
    d = e + c
    L = d * f
    assert f"{L.data:.4f}" == f"{L:.4f}" == "-7.2865"


def test_one_step_of_the_chain_rule_after_the_other():
    x1, x2, w1, w2, b, x1w1, x2w2, x1w1x2w2, n = neuron()
    o = n.tanh()
    o.grad = 1.0
    o._backward()
    n._backward()
    b._backward()
    x1w1x2w2._backward()
    x2w2._backward()
    x1w1._backward()
    by_hand = [v.grad for v in (x1, x2, w1, w2, b, n, o)]
    assert [round(grad, 4) for grad in by_hand] == [-1.5, 0.5, 1.0, 0.0, 0.5, 0.5, 1.0]
    for v in (x1, x2, w1, w2, b):
        v.grad = 0.0
    o.backward()
    assert [v.grad for v in (x1, x2, w1, w2, b, n, o)] == by_hand


def test_a_value_used_twice_gets_both_steps():
    a = Value(3.0)
    b = a + a
    b.grad = 1.0
    b._backward()
    assert a.grad == 2.0


def test_a_topological_order_of_ones_own():
    x1, x2, w1, w2, *_, n = neuron()
    e = (2 * n).exp()
    o = (e - 1) / (e + 1)
    topo, visited = [], set()

    def build_topo(v):
        if v not in visited:
            visited.add(v)
            for child in v._prev:
                build_topo(child)
            topo.append(v)

    build_topo(o)
    o.grad = 1.0
    for node in reversed(topo):
        node._backward()
    assert o.data == pytest.approx(math.sqrt(0.5))
    assert [v.grad for v in (x1, x2, w1, w2)] == pytest.approx([-1.5, 0.5, 1.0, 0.0])


def test_draw_dot_draws():
    *_, L = expression()
    L.backward()
    source = draw_dot(L).source
    assert "{ a | data 2.0000 | grad 6.0000 }" in source
    assert "{ L | data -8.0000 | grad 1.0000 }" in source
    assert source.count('label="*"') + source.count('label="+"') == 3
    assert source.count("->") == 3 + 6


def test_an_mlp_on_four_rows_learns():
    random.seed(2)
    n = nn.MLP(3, [4, 4, 1], activation="tanh")
    xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
    ys = [1.0, -1.0, -1.0, 1.0]
    assert len(n.parameters()) == 41
    losses = []
    for _ in range(60):
        ypred = [n(x) for x in xs]
        loss = sum((yout - ygt) ** 2 for ygt, yout in zip(ys, ypred, strict=True))
        for p in n.parameters():
            p.grad = 0.0
        loss.backward()
        for p in n.parameters():
            p.data += -0.05 * p.grad
        losses.append(loss.data)
    assert n.layers[0].neurons[0].w[0].grad != 0.0
    assert losses[-1] < 0.05 < losses[0]
    assert [round(y.data) for y in ypred] == ys
    assert len(trace(loss)[0]) > 41


def test_a_loop_keeps_the_state_of_its_optimiser_on_the_parameters():
    model = nn.Perceptron(2, activation="tanh", seed=1)
    for p in model.parameters():
        p.m, p.v = 0.0, 0.0
    for step in range(1, 101):
        loss = (model([1.0, -1.0]) - 0.5) ** 2
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.m = 0.9 * p.m + 0.1 * p.grad
            p.v = 0.999 * p.v + 0.001 * p.grad**2
            p.data -= 0.05 * (p.m / (1 - 0.9**step)) / (math.sqrt(p.v / (1 - 0.999**step)) + 1e-8)
    assert loss.data < 1e-3


COPIES = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda x: pickle.loads(pickle.dumps(x))}


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
def test_attributes_of_the_users_own_are_copied_along(duplicate):
    x = Value(2.0, "x")
    x.momentum, x.seen = 0.5, [1, 2]
    y = duplicate(x * 3 if duplicate is not copy.copy else x)
    twin = y._children[0] if y._children else y
    assert (twin.momentum, twin.seen, twin.name) == (0.5, [1, 2], "x")
    twin.momentum = 1.0
    twin.more = 1
    assert (x.momentum, hasattr(x, "more")) == (0.5, False)


def test_attributes_of_the_users_own_come_and_go():
    x = Value(2.0)
    with pytest.raises(AttributeError, match="'Value' object has no attribute 'm'"):
        print(x.m)
    x.m = 1.0
    x.m += 1.0
    x.label = "x"
    assert (x.m, getattr(x, "v", None), x.name) == (2.0, None, "x")
    y = x * x
    y.note = "an operation takes them as well"
    assert (y.note, hasattr(x, "note")) == ("an operation takes them as well", False)
    del x.m
    assert not hasattr(x, "m")
    with pytest.raises(AttributeError):
        del x.m
    for name in ("op", "operands", "swept", "_op", "_prev"):
        with pytest.raises(AttributeError):
            setattr(x, name, 1)
    assert not hasattr(Value(1.0), "note")


def test_a_value_has_one_name():
    with pytest.raises(TypeError, match="label is another word for name"):
        Value(1.0, "a", label="b")
    x = Value(1.0, label="")
    assert (x.name, x.label) == (None, "")
    x.label = "y"
    x.label = ""
    assert x.name is None
    with pytest.raises(TypeError, match="a name is a string"):
        x.label = 3


@pytest.mark.skipif(implementation != "compiled", reason="interpreted, Values have a dictionary")
def test_a_value_takes_no_more_bytes_for_it():
    assert Value(1.0).__sizeof__() == 88  # outside of pages; 80 in one
