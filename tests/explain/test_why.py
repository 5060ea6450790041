"""``why``: the factors behind a gradient are those that all paths give, the changes what recording again gives."""

import math
import random

import pytest

import autodiff as ad
from autodiff import nn
from autodiff.debugger.history import steps
from autodiff.engine import rules


def by_all_paths(loss, variable):
    """Of each edge the part of Σ |contribution| that is on paths over it, all paths gone through one by one."""
    found = []
    waiting = [(loss, (), 1.0)]
    while waiting:
        node, edges, product = waiting.pop()
        if node is variable:
            found.append((edges, abs(product)))
        for i, (operand, partial) in enumerate(zip(node.operands, node.partials, strict=True)):
            waiting.append((operand, (*edges, (id(node), i)), product * partial))
    total = math.fsum(size for _, size in found)
    shares = {}
    for edges, size in found:
        for edge in edges:
            shares[edge] = shares.get(edge, 0.0) + size / total
    return shares


@pytest.mark.parametrize("seed", range(1, 9))
def test_shares_are_those_of_all_paths(seed):
    rng = random.Random(seed)
    x = ad.Value(0.7, "x")
    nodes = [x, ad.Value(-1.3, "y"), ad.Value(0.2, "z")]
    for _ in range(14):
        a, b = rng.choice(nodes[-5:]), rng.choice(nodes)
        nodes.append(rng.choice([lambda a, b: a * b + 0.3, lambda a, b: ad.tanh(a * 3 - b), lambda a, b: a - b * 5])(a, b))
    loss = ad.sum(nodes)
    shares, why = by_all_paths(loss, x), ad.why(loss, x)
    assert why.gradient == ad.gradients(loss, [x])[0]
    assert why.causes
    for cause in why.causes:
        pairs = zip(cause.node.operands, cause.node.partials, strict=True)
        i = next(i for i, (y, p) in enumerate(pairs) if y is cause.operand and p == cause.local)
        assert cause.share == pytest.approx(shares[id(cause.node), i], rel=1e-9)


def mlp(activation, scale, seed=3):
    model = nn.MLP(2, [4, 4, 1], activation=activation, seed=seed)
    for p in model.parameters():
        p.data *= scale
    rows = [([2.0, -1.0], 1.0), ([1.0, 3.0], -1.0)]
    return model, lambda: nn.mse([model(x) for x, _ in rows], [y for _, y in rows])


def test_a_saturated_tanh_is_named_with_its_module_and_smaller_weights_are_seen_to_help():
    model, run = mlp("tanh", 4.0)
    weight = model.layers[0].neurons[0].w[0]
    why = ad.why(run(), weight)
    saturated = [cause for cause in why.causes if "tanh is saturated at" in cause.text]
    assert saturated
    assert all(" in layers." in cause.text and abs(cause.local) < 0.25 for cause in saturated)
    halved = next(change for change in why.changes if change.text == "every parameter × 0.5")
    for p in model.parameters():
        p.data *= 0.5
    loss = run()
    assert (halved.loss, halved.gradient) == (loss.data, ad.gradients(loss, [weight])[0])
    assert abs(halved.gradient) > abs(why.gradient)


def test_a_descent_and_scaled_inputs_are_what_recording_again_gives():
    inputs = [ad.Value(0.5, "a"), ad.Value(-2.0, "b")]
    model = nn.MLP(2, [3, 1], activation="tanh", seed=2)
    weight = model.layers[0].neurons[1].w[1]
    loss = model(inputs) ** 2 * 100
    changes = {change.text: change for change in ad.why(loss, weight).changes}
    gradients = ad.gradients(loss, model.parameters())
    before = [p.data for p in model.parameters()]
    for rate in (0.1, 0.001):
        if (change := changes.get(f"after a step of descent at the rate {rate:g}")) is not None:
            for p, w, g in zip(model.parameters(), before, gradients, strict=True):
                p.data = w - rate * g
            again = model(inputs) ** 2 * 100
            assert (change.loss, change.gradient) == (again.data, ad.gradients(again, [weight])[0])
            break
    else:
        raise AssertionError("no step of descent was measured")
    for p, w in zip(model.parameters(), before, strict=True):
        p.data = w
    scaled = ad.why(loss, weight).changes
    for change in scaled:
        if change.text.startswith("inputs ×"):
            factor = float(change.text.split()[2])
            again = model([ad.Value(x.data * factor) for x in inputs]) ** 2 * 100
            assert change.gradient == ad.gradients(again, [weight])[0]


def test_a_dead_relu_and_what_a_leaky_one_would_give():
    model = nn.MLP(2, [3, 1], activation="relu", seed=1)
    for p in model.parameters():
        p.data = -abs(p.data)
    loss = nn.mse([model([1.0, 2.0])], [1.0])
    why = ad.why(loss, model.layers[0].neurons[0].w[0])
    assert (why.gradient, why.verdict) == (0.0, "0")
    assert [cause.node.op for cause in why.causes] == ["relu"]
    assert "relu is dead at −" in why.causes[0].text
    assert any(change.text == "leaky_relu in the place of relu" and change.gradient != 0 for change in why.changes)


@pytest.mark.parametrize(
    ("make", "at", "verdict", "says"),
    [
        (lambda x: ad.exp(x) * 5, -800.0, "0", "exp(−800) has underflowed to 0"),
        (lambda x: ad.sqrt(x * x) * 1.0, 0.0, "nan", "inf · 0 = nan runs over v1 = x · x"),
        (lambda x: ad.log(x) * 2, -1.0, "nan", "the slope of log at x = −1, ×nan"),
        (lambda x: ad.sqrt(x), 0.0, "inf", "1 · inf = inf runs over loss = √(x)"),
        (lambda x: x * 1e300 * 1e300, 0.5, "inf", "= inf runs over"),
        (lambda x: ad.sqrt(x) - ad.sqrt(x), 0.0, "nan", "−inf + inf = nan runs over"),
        (lambda x: ad.step(x) * x.sign(), 3.0, "0", "step is constant but for its jumps"),
        (lambda x: ad.maximum(x, 5.0) * 2, 3.0, "0", "took another operand than x = 3"),
        (lambda x: x * 0.0 + 1, 3.0, "0", "x is multiplied by 0"),
        (lambda x: x * 2.0 - x * 2.0, 3.0, "0", "of 4 in size 0 is left; 2 and −2 meet at x"),
        (lambda x: x * 2.0 - x * 1.9999, 3.0, "small", "of 3.9999 in size 0.0001 is left"),
        (lambda x: x / 1e-9, 3.0, "large", "x is divided by 1e−9"),
        (lambda x: x * 1e-9, 3.0, "small", "x is multiplied by 1e−9"),
        (lambda x: ad.sigmoid(x) * 1e-3, 9.0, "small", "sigmoid is saturated at 9"),
        (lambda x: x * 1.0, 3.0, "ordinary", "neither small nor large"),
        (lambda x: ad.relu(ad.relu(x)) * 0.0, -1.0, "0", "on every path several derivatives are 0: those next to the loss"),
        (lambda x: ad.sum([ad.relu(x) * 1.0 for _ in range(9)]), -1.0, "0", "9 derivatives are 0: 9 of relu"),
        (lambda x: ad.sum([x] * 4000), 3.0, "large", "x is used 4,000 times"),
    ],
)
def test_what_is_said(make, at, verdict, says):
    x = ad.Value(at, "x")
    why = ad.why(make(x), x)
    assert (why.verdict, x.grad) == (verdict, 0.0)
    assert says in str(why)


@pytest.mark.parametrize("factor", [0.5, 9.0])
def test_a_long_product_is_one_line_and_has_a_size_even_where_it_is_no_number(factor):
    x = ad.Value(0.5, "x")
    y = x
    for _ in range(3000):
        y = ad.tanh(y) * factor
    why = ad.why(y, x)
    if factor < 1:
        assert why.gradient == 0.0
        assert "underflows to 0" in str(why)
        assert "3,000 slopes of mul, each 0.5, multiply to 1e−903" in str(why)
    else:
        assert "3,000 slopes of tanh" in str(why)


def test_the_link_is_the_moment_when_the_cause_acts():
    x, y = ad.Value(0.5, "x"), ad.Value(3.0, "y")
    hidden = ad.tanh(x * 8 + y)
    loss = (hidden * 1e-3 + y) * 0.1 + x * 1e-9
    why = ad.why(loss, x)
    event = steps(loss)[int(why.link.removeprefix("#step=")) - 1]
    assert event.node is why.causes[0].node
    assert event.operand is why.causes[0].operand
    assert "steps.html#step=" in str(ad.why(loss, x, page="steps.html"))


def test_nothing_is_changed():
    model, run = mlp("tanh", 4.0)
    loss = run()
    loss.backward()
    values = [*model.parameters(), loss]
    before = [(x.data, x.grad, x.partials) for x in values]
    ad.why(loss, model.parameters()[0])
    assert [(x.data, x.grad, x.partials) for x in values] == before


def test_in_a_notebook_it_is_html_and_names_do_nothing():
    x = ad.Value(2.0, "<b>x</b>")
    shown = ad.why(x * 1e-9, x, page="a'><script>.html")._repr_html_()
    assert "<b>x" not in shown
    assert "<script>" not in shown
    assert "&lt;b&gt;x&lt;/b&gt;" in shown
    assert "href='a&#x27;&gt;&lt;script&gt;.html#step=" in shown
    assert "<a " not in ad.why(x * 1e-9, x)._repr_html_()


def test_what_it_refuses():
    x = ad.Value(2.0, "x")
    loss = x * 3.0
    with pytest.raises(ad.NotInGraphError, match="which the loss was not computed from"):
        ad.why(loss, ad.Value(2.0, "x"))
    with pytest.raises(ad.NotInGraphError):
        ad.why(x, loss)
    for wrong in (1.0, None, "w", [x]):
        with pytest.raises(TypeError, match="takes two Values"):
            ad.why(loss, wrong)
        with pytest.raises(TypeError, match="takes two Values"):
            ad.why(wrong, x)


def test_the_loss_itself_a_leaf_alone_and_an_operation_of_ones_own(users_operations):
    x = ad.Value(2.0, "x")
    assert ad.why(x, x).gradient == 1.0
    loss = x * x
    assert ad.why(loss, loss).verdict == "ordinary"
    flat = ad.operation("why_flat", lambda x: x * 0.0, lambda x, out: (0.0 * x,))
    why = ad.why(flat(x) + 1, x)
    assert "why_flat" in why.causes[0].text
    assert rules.TABLE["why_flat"].name == "why_flat"


def test_a_hundred_thousand_in_a_row():
    x = ad.Value(0.5, "x")
    y = x
    for _ in range(100_000):
        y = y * 1.0001
    why = ad.why(y, x)
    assert why.verdict == "large"
    assert "100,000 slopes of mul, each 1, multiply to" in str(why)
    assert "no change is measured in a graph of more than" in str(why)
