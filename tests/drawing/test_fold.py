"""Folding: the picture stays small, says what it folded, and nothing is lost or counted twice."""

import operator
import random
import re
import xml.etree.ElementTree as ET
from functools import reduce
from pathlib import Path

import pytest

from autodiff.drawing import draw, fold, mermaid, render
from autodiff.drawing.dot import COLOURS
from autodiff.drawing.model import Graph, graph_of
from autodiff.engine import functions
from autodiff.engine.recording import scope
from autodiff.engine.value import Value, topological_order
from autodiff.graph.scopes import scope_parts
from autodiff.nn import MLP, mse

ANY_SIZE = fold.PICTURE._replace(page=None)
SVG = "{http://www.w3.org/2000/svg}"


def large(seed: int, operations: int, reach: int) -> Value:
    """Operations on what there is so far, of the last ``reach``; some in scopes, some named."""
    rng = random.Random(seed)
    nodes = [Value(rng.uniform(-1, 1), name) for name in ("a", "b", None, None)]
    for number in range(operations):
        x, y, z = rng.choices(nodes[-reach:], k=3)
        with scope(f"part.{number // 200}.step.{number % 3}") if seed % 2 else scope("all"):
            made = [x + y, x * y, x - 0.5, x.tanh(), x * x, functions.sum([x, 1.0, y, z]), functions.dot([x, y], [z, 2.0])]
        nodes.append(rng.choice(made))
        if number % 97 == 0:
            nodes[-1].name = f"n{number}"
    return functions.sum(nodes)


def batch(samples: int, parameters: bool = False) -> tuple[Value, list[Value]]:
    model = MLP(2, [8, 8, 1], seed=1)
    if not parameters:
        for parameter in model.parameters():
            parameter.name = None
    rng = random.Random(1)
    outputs = [model([rng.random(), rng.random()]) for _ in range(samples)]
    loss = mse(outputs, [0.5] * samples)
    if parameters:
        return loss, model.parameters()
    for parameter in model.parameters():
        parameter.name = None
    return loss, []


def check(loss: Value, graph: Graph, budget: fold.Budget = fold.PICTURE) -> None:
    """Every Value is in one box, every edge in one edge or inside a box, and both are few."""
    order = topological_order(loss)
    ids = [box.id for box in graph.boxes]
    assert len(set(ids)) == len(ids) <= budget.boxes
    assert len({edge.id for edge in graph.edges}) == len(graph.edges) <= budget.edges
    assert sum(box.count for box in graph.boxes) == len(order)
    uses = sum(len(node.operands) for node in order)
    assert sum(edge.count for edge in graph.edges) + sum(box.inner for box in graph.boxes) == uses
    assert {end for edge in graph.edges for end in (edge.operand, edge.result)} <= set(ids)
    assert len({(edge.operand, edge.result) for edge in graph.edges}) == len(graph.edges)
    assert [box.id for box in graph.boxes if box.kind == "loss" or box.data == loss.data] != []
    (note,) = graph.notes
    assert note.startswith(f"{len(order):,} Values and {uses:,} edges, drawn in {len(graph.boxes)} boxes: ")


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("operations", "reach"), [(600, 1000), (3000, 20), (3000, 3000)])
def test_random_graphs_are_folded_and_their_counts_add_up(seed: int, operations: int, reach: int) -> None:
    loss = large(seed, operations, reach)
    check(loss, graph_of(loss))
    check(loss, graph_of(loss, budget=mermaid.BUDGET), mermaid.BUDGET)


def test_a_budget_is_what_may_just_be_drawn() -> None:
    loss, given = batch(12, parameters=True)
    graph = graph_of(loss, given, fold=None)
    plans = []
    while not any("stretches" in note for note in graph.notes):
        exact = fold.Budget(len(graph.boxes), len(graph.edges), 1)
        again = graph_of(loss, given, budget=exact)
        assert (again.boxes, again.edges, again.notes) == (graph.boxes, graph.edges, graph.notes)
        fewer_edges = graph_of(loss, given, budget=exact._replace(edges=exact.edges - 1, boxes=10_000))
        fewer_boxes = graph_of(loss, given, budget=exact._replace(boxes=exact.boxes - 1, edges=10_000))
        assert len(fewer_edges.edges) < exact.edges or any("stretches" in note for note in fewer_edges.notes)
        assert len(fewer_boxes.boxes) < exact.boxes
        plans.append(graph.notes)
        graph = fewer_boxes
    assert len(plans) > 3


@pytest.mark.parametrize(("terms", "folded"), [(2, False), (3, False), (4, True), (9, True)])
def test_a_sum_is_long_from_four_terms_on(terms: int, folded: bool) -> None:
    loss = functions.sum([reduce(operator.add, [Value(i + j) * 2.0 for j in range(terms)]).tanh() for i in range(20)])
    boxes = len(graph_of(loss, fold=None).boxes)
    graph = graph_of(loss, budget=fold.Budget(boxes - 1, 10_000, 10))
    check(loss, graph)
    sums = [box for box in graph.boxes if box.operation.startswith("sum, ")]
    assert len(sums) == (20 if folded else 0)


@pytest.mark.parametrize("parameters", [True, False])
def test_a_batch_is_folded_into_the_network(parameters: bool) -> None:
    loss, given = batch(100, parameters)
    loss.backward()
    graph = graph_of(loss, given)
    check(loss, graph)
    if parameters:
        assert [box.name for box in graph.boxes if box.scope].count("neurons.0") == 3
    else:
        relus = [box for box in graph.boxes if "relu" in box.operation]
        assert [box.count for box in relus] == [800, 800]
    grads = [node.grad for node in topological_order(loss) if not node.op]
    spans = [box.grad for box in graph.boxes if not box.inner and ("parameters" in box.operation or "leaves" in box.operation)]
    single = [box.grad for box in graph.boxes if box.kind == "parameter"]
    assert parameters or max(grads) == max([span.high for span in spans] + single)
    assert parameters or min(grads) == min([span.low for span in spans] + single)


def test_a_long_sum_is_one_box_with_the_sum_of_the_whole() -> None:
    xs = [Value(float(i), f"x{i}") for i in range(400)]
    total: object = 0
    for i, x in enumerate(xs):
        total = total + x * (i + 1.0)
    loss = total.tanh()  # type: ignore[attr-defined]
    graph = graph_of(loss, budget=ANY_SIZE)
    check(loss, graph)
    (box,) = [box for box in graph.boxes if box.kind == "folded"]
    assert (box.count, box.data) == (800, total.data)  # type: ignore[attr-defined]
    assert len(graph.boxes) == 402
    assert graph.notes[0].endswith("long sums folded")


def test_named_values_inside_a_sum_stay_visible() -> None:
    total = Value(0.0, "x")
    for i in range(600):
        total = total + i
        if i == 300:
            total.name = "half"
    graph = graph_of(total * 2)
    assert [box.name for box in graph.boxes] == ["x", "half", "v600", "loss"]


def test_scopes_are_folded_from_the_inside_out() -> None:
    x = Value(1.0, "x")
    h = x
    for layer in range(3):
        for neuron in range(40):
            with scope(f"layers.{layer}"), scope(f"neurons.{neuron}"):
                for _ in range(10):
                    h = functions.tanh(h) * x
    graph = graph_of(h * 1, budget=ANY_SIZE)
    check(h * 1, graph)
    folded = [box for box in graph.boxes if box.kind == "folded"]
    assert [(box.name, box.scope) for box in folded[:2]] == [("neurons.0", "layers.0"), ("neurons.1", "layers.0")]
    assert {box.operation for box in folded} == {"20 Values"}
    named = graph_of(h * 1, fold=["layers.1", "layers.0", "layers.2.neurons.3"])
    assert [box.count for box in named.boxes if box.kind == "folded"] == [800, 800, 20]
    assert named.notes[0].endswith("scopes folded")
    svg = ET.fromstring(draw(h * 1).pipe("svg"))
    classes = [g.get("class") for g in svg.iter(f"{SVG}g")]
    assert classes.count("node folded") == 3  # 120 neurons in a row fit no page


def test_a_small_graph_is_not_folded_and_says_nothing() -> None:
    loss = Value(0.5, "x")
    for _ in range(fold.FEW - 1):
        loss = loss.tanh()  # far wider than a page
    assert all(box.count == 1 for box in graph_of(loss).boxes)
    assert graph_of(loss).notes == []
    assert "label" not in draw(loss, legend=False).graph_attr
    assert graph_of(loss.tanh()).notes != []


def test_the_picture_says_what_was_folded() -> None:
    loss, given = batch(50, True)
    drawing = draw(loss, parameters=given)
    svg = ET.fromstring(drawing.pipe("svg"))
    words = "".join(text.text or "" for text in svg.iter(f"{SVG}text")).replace("\xa0", " ")
    assert graph_of(loss, given).notes[0] in words
    assert "50 edges" in words or "wider" in words


def test_in_a_folded_box_nan_and_inf_are_counted_and_the_largest_gradient_gives_its_colour() -> None:
    loss, given = batch(50, True)
    given[0].data = given[0].grad = float("nan")
    given[1].grad = -7.0
    drawing = draw(loss, parameters=given, heat=True).source
    assert "1 nan or inf" in drawing


@pytest.mark.parametrize(
    ("scope_name", "parts"),
    [
        ("layers.0.neurons.3", ("layers.0", "neurons.3")),
        ("model", ("model",)),
        ("0.1", ("0", "1")),
        ("a.1.2", ("a.1", "2")),
        (None, ()),
        ("x..y", ("x", "", "y")),
    ],
)
def test_a_number_belongs_to_what_it_counts(scope_name: str | None, parts: tuple[str, ...]) -> None:
    assert scope_parts(scope_name) == parts


# ---- golden pictures --------------------------------------------------------------------------------------------------------

GOLDEN = Path(__file__).parent / "golden"


def one_weight() -> str:
    w = Value(0.8, "w")
    a = 1.5 * w
    a.name = "a"
    cost = (0.5 - a) ** 2
    cost.name = "C"
    cost.backward()
    return draw(cost, parameters=[w], heat=True).source


def not_computed() -> str:
    x = Value(0.0, 'x "\\N" <&>')
    with scope("layers.0"), scope("neurons.1"):
        return draw(functions.log(x) * x + x).source


def folded() -> str:
    w, b = Value(0.5, "w"), Value(-0.25, "b")
    squares = []
    for i in range(100):
        with scope("unit"):
            a = functions.tanh(w * (i / 100) + b)
        squares.append((a - i / 50) ** 2)
    loss = functions.mean(squares)
    loss.backward()
    return draw(loss, parameters=[w, b]).source


@pytest.mark.parametrize("name", ["one_weight", "not_computed", "folded"])
def test_golden_pictures(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """To renew them after a look: delete the file, run the test, look at what it wrote."""
    renderer = render.beside_python() or render.among_installed()
    if renderer is None:
        pytest.skip("graphviz-pure is not installed")
    monkeypatch.setenv("AUTODIFF_DOT", renderer)
    picture = render.picture(globals()[name](), "svg")
    picture = re.sub(rb"<!--.*?-->|<!DOCTYPE.*?>", b"", picture, flags=re.S)  # versions
    file = GOLDEN / f"{name}.svg"
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(picture)
        pytest.fail(f"{file} was not there, and is now: look at it")
    assert picture == file.read_bytes()


# ---- Mermaid ----------------------------------------------------------------------------------------------------------------

NODE = re.compile(r'^(\w+)(\(\["|\[\["|\[/"|\("|\[")((?:[^"#]|#\d+;)*)("\]\)|"\]\]|"/\]|"\)|"\])$')
EDGE = re.compile(r'^(\w+) (?:-->|-\.->|-- "([^"#]*)" -->) (\w+)$')


def test_mermaid_has_every_box_and_edge(tmp_path: Path) -> None:
    x = Value(2.0, 'a "name" -->|<b>&#;`]\n')
    with scope('layers.0"] end'):
        y = functions.dot([x, x], [3.0, 4.0]) * x
    y.backward()
    graph = graph_of(y)
    draw(y, tmp_path / "graph.mmd")
    text = (tmp_path / "graph.mmd").read_text(encoding="utf-8")
    assert text == mermaid.mermaid(graph, COLOURS, "local")
    lines = text.splitlines()
    assert lines[0] == "flowchart LR"
    nodes = {found[1]: found[3] for line in lines if (found := NODE.match(line))}
    assert nodes.keys() == {box.id for box in graph.boxes}
    assert nodes["v0"].startswith("a #34;name#34; #45;#45;#62;#124;#60;b#62;#38;#35;#59;#96;#93;<br>data 2<br>grad 28")
    edges = [(found[1], found[3]) for line in lines if (found := EDGE.match(line))]
    assert edges == [(edge.operand, edge.result) for edge in graph.edges]
    assert lines.count("end") == sum(line.startswith("subgraph ") for line in lines) == 2
    assert 'subgraph s1["0#34;#93; end"]' in lines


def test_in_mermaid_a_name_is_never_markdown(tmp_path: Path) -> None:
    draw(Value(2.0, "__w__") * Value(3.0, "*b_1*"), tmp_path / "graph.mmd")
    text = (tmp_path / "graph.mmd").read_text(encoding="utf-8")
    assert "#95;#95;w#95;#95;<br>data 2" in text
    assert "#42;b#95;1#42;<br>data 3" in text


def test_mermaid_is_folded_to_what_viewers_take(tmp_path: Path) -> None:
    loss, given = batch(60, True)
    draw(loss, tmp_path / "graph.mmd", parameters=given)
    text = (tmp_path / "graph.mmd").read_text(encoding="utf-8")
    assert len(text) < 50_000
    assert sum(bool(EDGE.match(line)) for line in text.splitlines()) < 500
    assert "Values and" in text


def test_in_mermaid_an_edge_has_no_text_if_none_is_wanted(tmp_path: Path) -> None:
    draw(Value(2.0, "x") * 3, tmp_path / "graph.mmd", edges=None)
    assert "v0 --> v1" in (tmp_path / "graph.mmd").read_text(encoding="utf-8").splitlines()
