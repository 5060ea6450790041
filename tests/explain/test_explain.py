"""The chain rule in words: right in every number, readable for few paths, counted for many."""

import itertools
import math
import random
import re

import pytest

from autodiff.engine import functions, rules
from autodiff.engine.recording import strict
from autodiff.engine.value import Value, topological_order
from autodiff.explain import blame, explain, expression
from autodiff.graph.names import printable
from autodiff.graph.paths import count, strongest
from autodiff.graph.symbols import partials_text
from autodiff.graph.walk import Walk


def article():
    """C = (a − y)², a = i · w."""
    i, w, y = Value(1.5, "i"), Value(0.8, "w"), Value(0.5, "y")
    a = i * w
    a.name = "a"
    cost = (a - y) ** 2
    cost.name = "C"
    return cost, w


def random_graph(seed, operations):
    rng = random.Random(seed)
    nodes = [Value(rng.uniform(-2, 2), name) for name in ("x", "b", None)]
    for number in range(operations):
        x, y, z = rng.choices(nodes, k=3)
        made = [
            x + y,
            x * y,
            x - 1.5,
            2 / (y * y + 1),
            x**2,
            x.tanh(),
            x * x,
            functions.sum([x, 1.0, y, z]),
            functions.max(x, y),
        ]
        nodes.append(rng.choice(made))
        nodes[-1].name = rng.choice([None, f"n{number}", "same"])
    return functions.sum(nodes[3:]), nodes[0]


def every_path(walk, start):
    """The contributions of all paths, found one by one."""
    found, waiting = [], [(len(walk.nodes) - 1, 1.0)]
    while waiting:
        place, product = waiting.pop()
        if walk.nodes[place] is start:
            found.append(product)
        waiting += [(walk.operands[edge], product * walk.partials[edge]) for edge in walk.edges(place)]
    return found


# ---- the derivation ----------------------------------------------------------------------------------------------------------


def test_the_derivation_of_the_article():
    cost, w = article()
    cost.backward()
    assert str(explain(cost, w)).splitlines() == [
        "dC/dw = dC/da · da/dw = 2(a − y) · i = 1.4 · 1.5 = 2.1",
        "where C = (a − y)², a = i · w",
        "w.grad is 2.1: they agree",
    ]
    assert repr(explain(cost, w)) == str(explain(cost, w))


def test_for_programs_it_has_paths_and_the_total():
    cost, w = article()
    explanation = explain(cost, w)
    (path,) = explanation.paths
    assert [node.name for node in path.nodes] == ["C", None, "a", "w"]
    assert path.contribution == explanation.total == pytest.approx(2.1, rel=1e-15)
    assert (explanation.count, explanation.rest) == (1, 0.0)
    assert w.grad == 0.0


def test_in_a_notebook_it_is_latex():
    cost, w = article()
    cost.backward()
    latex = explain(cost, w)._repr_latex_()
    assert latex.startswith(r"$$\begin{aligned} \frac{dC}{dw} &= \frac{dC}{da} \cdot \frac{da}{dw} = 2(a - y) \cdot i = 1.4 ")
    assert latex.endswith(r"&\text{w.grad is 2.1: they agree} \end{aligned}$$")
    assert latex.count("{") == latex.count("}")


@pytest.mark.parametrize(
    ("function", "latex"),
    [
        (lambda x: functions.sqrt(functions.sqrt(x) + 1.0), r"\sqrt{\sqrt{\theta } + 1}"),
        (functions.sin, r"\cos(\theta )"),
        (functions.erf, r"\operatorname{erf}(\theta )"),
    ],
)
def test_functions_and_greek_letters_in_latex(function, latex):
    x = Value(0.7, "theta")
    found = explain(function(x), x)._repr_latex_()
    assert latex in found
    assert "√" not in found


@pytest.mark.parametrize(
    "rule", [rules.TABLE[name] for name in rules.__all__ if rules.TABLE[name].arity == 1], ids=lambda rule: rule.name
)
def test_formulas_are_those_of_the_table(rule):
    x = Value(1.7 if rule.name == "acosh" else 0.7, "x")  # where it is a number
    y = x._record(rule, (x,))
    y.name = "y"
    line = str(explain(y, x)).splitlines()[0]
    text = partials_text(rule, "x")[0]
    if str(rule.written(["x"])) in text and rule.name not in ("sinc", "digamma"):  # the result itself goes by its name
        text = text.replace(rule.written(["x"]), "y")
    text = re.sub(r"(?<![\w.)])(\d+(?:\.\d+)?) · \((?!−\d)", r"\1(", text)
    assert line.split(" = ")[1] == text or rule.spelling == "{0}"


def test_several_paths_are_summed_and_many_counted():
    x = Value(2.0, "x")
    loss = x * x + 3 * x
    loss.backward()
    lines = str(explain(loss, x)).splitlines()
    assert lines[0] == "dloss/dx = the sum over 3 paths"
    assert lines[-1] == "x.grad is 7: they agree"
    assert "dloss/dx = 3 + 2 + 2 = 7" in lines
    few = explain(loss, x, max_paths=1)
    assert "  … and 2 paths more, together 4" in str(few).splitlines()
    assert (few.count, few.rest, few.total) == (3, 4.0, 7.0)


def test_two_to_the_power_of_forty_paths_are_counted():
    x = Value(1.0, "x")
    y = x
    for _ in range(40):
        y = y * 0.5 + y * 0.25
    explanation = explain(y, x)
    assert explanation.count == 2**40
    assert "the sum over 1,099,511,627,776 paths" in str(explanation)
    assert explanation.total == pytest.approx(0.75**40, rel=1e-14)
    assert [path.contribution for path in explanation.paths] == [0.5**40, *[0.5**39 * 0.25] * 5]


def test_a_deep_graph_is_no_matter():
    x = Value(1.0, "x")
    y = x
    for _ in range(20_000):
        y = y + y
    text = str(explain(y, x))
    assert "the sum over about 10^6,020 paths" in text
    assert len(text) < 10_000
    y = x
    for _ in range(50_000):
        y = -y
    assert explain(y, x).total == 1.0
    assert "factors more" in str(explain(y, x))


@pytest.mark.parametrize("seed", range(40))
def test_the_paths_sum_up_to_the_gradient(seed):
    loss, x = random_graph(seed, 14)
    loss.backward()
    explanation = explain(loss, x, max_paths=10**6)
    contributions = [path.contribution for path in explanation.paths]
    assert len(contributions) == explanation.count
    assert math.fsum(contributions) == pytest.approx(x.grad, rel=1e-12, abs=1e-12)
    assert explanation.total == pytest.approx(x.grad, rel=1e-12, abs=1e-12)
    for path in explanation.paths:
        assert (path.nodes[0], path.nodes[-1]) == (loss, x) if path.edges else (loss is x)
        steps = itertools.pairwise(path.nodes)
        assert all(below in above.operands for above, below in steps)
    few = explain(loss, x, max_paths=3)
    assert math.fsum([*(path.contribution for path in few.paths), few.rest]) == pytest.approx(x.grad, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("most", [1, 4, 1000])
def test_the_strongest_paths_are_those_found_by_trying_all(seed, most):
    loss, x = random_graph(seed, 9)
    walk = Walk(loss)
    everything = sorted(map(abs, every_path(walk, x)), reverse=True)
    assert count(walk, x) == len(everything)
    found = [abs(path.contribution) for path in strongest(walk, most, [x])]
    assert found == pytest.approx(everything[:most], rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("most", [1, 2, 3, 17, 199, 200, 201])
def test_as_many_paths_are_found_as_are_asked_for_where_far_more_begin(most):
    x = Value(1.0, "x")
    loss = functions.sum([x * float(i) for i in range(100)] + [(x * float(i)) * 1.0 for i in range(100, 200)])
    found = strongest(Walk(loss), most, [x])
    assert [path.contribution for path in found] == [float(i) for i in range(199, -1, -1)][:most]


def test_of_a_nan_and_a_zero_the_nan_is_stronger():
    x = Value(0.0, "x")
    loss = functions.sum([x * 5, x * 0, functions.sqrt(x) * 0])
    first, second, third = strongest(Walk(loss), 3, [x])
    assert math.isnan(first.contribution)
    assert (second.contribution, third.contribution) == (5.0, 0.0)


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda cost, w: None, "w.grad is 0: backward() was not called"),
        (lambda cost, w: cost.backward(), "w.grad is 2.1: they agree"),
        (lambda cost, w: (cost.backward(), cost.backward()), "w.grad is 4.2: it holds more than this loss"),
    ],
)
def test_the_last_line_compares_with_the_gradient(prepare, words):
    cost, w = article()
    prepare(cost, w)
    assert str(explain(cost, w)).splitlines()[-1].startswith(words)


def test_a_variable_that_the_loss_does_not_depend_on():
    explanation = explain(article()[0], Value(1.0, "other"))
    assert (explanation.total, explanation.count, explanation.paths) == (0.0, 0, [])
    assert str(explanation).splitlines() == ["dC/dother = 0", "the loss does not depend on it"]


def test_the_loss_by_itself_and_an_operation_between():
    cost, _ = article()
    assert explain(cost, cost).total == 1.0
    assert str(explain(cost, cost)).startswith("dC/dC = 1")
    a = cost.operands[0].operands[0]
    assert str(explain(cost, a)).startswith("dC/da = 2(a − y) = 1.4\n")


@pytest.mark.parametrize("name", ["a + b", "·", "−", "d/dx", "\\frac{", "$", "{0}", "x\ny", "\U000f0000", "^_~%&#"])
def test_names_stay_names(name):
    x = Value(3.0, name)
    explanation = explain(x * x * 2, x)
    assert "dloss/d‹" in str(explanation)
    assert str(explanation).splitlines()[-1].startswith(f"{printable(name)}.grad")
    latex = explanation._repr_latex_()
    bare = re.sub(r"\\[{}]", "", latex)
    assert bare.count("{") == bare.count("}")
    assert not re.search(r"(?<!\\)(?<!^)(?<!\$)\$(?!\$|$)", latex)


def test_equal_names_are_told_apart():
    first, second = Value(2.0, "w"), Value(3.0, "w")
    text = str(explain(first * second, second))
    assert text.startswith("dloss/dw@v1 = w@v0 = 2\n")


@pytest.mark.parametrize("bad", [(1.0, Value(1.0)), (Value(1.0), "w"), (None, None)])
def test_anything_but_values_is_refused(bad):
    with pytest.raises(TypeError, match=r"explain\(\) takes two Values"):
        explain(*bad)
    with pytest.raises(ValueError, match="max_paths=0"):
        explain(Value(1.0), Value(1.0), max_paths=0)


# ---- the forward expression --------------------------------------------------------------------------------------------------


def test_the_forward_expression_is_infix():
    cost, _ = article()
    assert expression(cost) == "C = (i · w − y)²"
    x = Value(2.0, "x")
    assert expression(-(x + 1) * functions.tanh(x / 2)) == "−(x + 1) · tanh(x / 2)"
    assert expression(x) == "x"
    assert expression(Value(-2.0)) == "−2"


def test_what_is_used_twice_is_named_and_computed_once():
    x = Value(2.0, "x")
    z = functions.exp(x)
    assert expression(z * z + z) == "v1 = exp(x)\nv1 · v1 + v1"
    z.name = "z"
    v3 = Value(1.0, "v3")
    shared = z + v3
    assert expression(shared * shared * z) == "z = exp(x)\n@v3 = z + v3\n@v3 · @v3 · z"


@pytest.mark.parametrize("seed", range(30))
def test_the_expression_read_back_is_the_value(seed):
    """Python computes the same number from the text, line by line."""
    rng = random.Random(seed)
    nodes = [Value(rng.uniform(0.5, 2), name) for name in "xyz"]
    for _ in range(25):
        a, b = rng.choices(nodes[-8:], k=2)
        nodes.append(rng.choice([a + b, a - b, a * b, -a, a / (b * b + 1), a - 0.25, 0.5 - a, a.tanh(), (a.tanh() + 2) ** 2]))
    names = {"tanh": math.tanh, **{node.name: node.data for node in nodes[:3]}}
    *lines, last = expression(nodes[-1]).replace("·", "*").replace("−", "-").replace("²", "**2").splitlines()
    for line in lines:
        exec(line, names)
    assert eval(last, names) == pytest.approx(nodes[-1].data, rel=1e-4, abs=1e-9)


def test_a_deep_expression_is_cut_into_lines():
    x = Value(1.0, "x")
    y = x
    for _ in range(100_000):
        y = functions.tanh(y)
    lines = expression(y).splitlines()
    assert max(map(len, lines)) < 150
    assert len(lines) < 20_000


# ---- nan and inf -------------------------------------------------------------------------------------------------------------


def test_blame_names_the_first_operation_that_was_not_finite():
    x = Value(0.0, "x")
    bad = functions.log(x)
    found = blame((bad * 2 + 1) * x)
    assert found.node is bad
    assert found
    assert str(found) == repr(found) == "log of Value(0.0, grad=0.0, name='x') is -inf"


def test_blame_says_so_when_there_is_nobody_to_blame():
    x = Value(1.0)
    for found in (blame(x * 2), blame(x * 2, gradients=True)):
        assert found.node is None
        assert not found
        assert str(found).startswith("nothing to blame")


def test_blame_of_gradients_names_the_edge():
    x, y = Value(0.0, "x"), Value(2.0, "y")
    root = functions.sqrt(x)
    loss = root * y + 1
    found = blame(loss, gradients=True)
    assert (found.node, found.operand) == (root, x)
    assert "local derivative inf" in str(found)
    assert "times the gradient 2.0, is inf" in str(found)
    assert not blame(loss)
    assert (x.grad, root.grad) == (0.0, 0.0)


def test_blame_of_gradients_that_overflow_together_or_on_the_way():
    x = Value(1.0, "x")
    large = x * 1e308
    found = blame(functions.sum([large, large]), gradients=True)
    assert (found.node, found.operand) == (large, x) or "add up" in str(found)
    third = functions.sum([x * 1.7e308, x * 1.7e308])
    assert "add up to inf" in str(blame(third, gradients=True))
    product = (x * 1e200) * 1e200
    found = blame(product * 1e-300, gradients=True)
    assert found.node is None
    found = blame((x * 1e-300 * 1e200) * 1e200 * 1e200, gradients=True)
    assert found.operand is not None
    zero = functions.sqrt(Value(0.0, "z")) * 0.0
    assert "nan" in str(blame(zero, gradients=True))


@pytest.mark.parametrize("seed", range(20))
def test_blame_finds_exactly_what_backward_would_show(seed):
    rng = random.Random(seed)
    nodes = [Value(rng.choice([0.0, 1.0, 1e200, -3.0])) for _ in range(3)]
    for _ in range(12):
        a, b = rng.choices(nodes, k=2)
        nodes.append(rng.choice([a * b, a + b, functions.sqrt(a), a / b, functions.log(b), a * 1e160]))
    loss = functions.sum(nodes)
    loss.backward()
    order = topological_order(loss)
    assert bool(blame(loss)) == any(not math.isfinite(node.data) for node in order)
    assert bool(blame(loss, gradients=True)) == any(not math.isfinite(node.grad) for node in order)
    node = blame(loss).node
    if node is not None and node.op:
        assert all(math.isfinite(operand.data) for operand in node.operands)
        with strict(), pytest.raises(ArithmeticError):
            functions.sum([node, 0.0])


def test_blame_takes_a_value():
    for function in (blame, expression):
        with pytest.raises(TypeError, match="takes a Value, not float"):
            function(1.0)
