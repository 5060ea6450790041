"""What is drawn is the graph: every Value, operation, number and local derivative of it, once, whatever the names."""

import copy
import math
import pickle
import random
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import graphviz
import pytest

from autodiff.drawing import draw, model, render
from autodiff.drawing.boxes import Box
from autodiff.drawing.model import Graph, graph_of
from autodiff.drawing.scale import Scale
from autodiff.engine import functions
from autodiff.engine.recording import scope
from autodiff.engine.value import Value, topological_order
from autodiff.errors import GraphTooLarge, NotInGraphError
from autodiff.graph.symbols import number_text

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def graphviz_pure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its output is the same everywhere; a machine without it uses the renderer that it has."""
    renderer = render.beside_python() or render.among_installed()
    if renderer:
        monkeypatch.setenv("AUTODIFF_DOT", renderer)


def perceptron() -> tuple[dict[str, Value], Value]:
    leaves = {name: Value(x, name) for name, x in {"w1": 0.8, "x1": 1.5, "w2": -0.4, "x2": 2, "b": 0.1, "y": 1}.items()}
    w1, x1, w2, x2, b, y = leaves.values()
    a = functions.sigmoid(w1 * x1 + w2 * x2 + b)
    a.name = "a"
    cost = (y - a) ** 2
    cost.name = "C"
    cost.backward()
    return leaves, cost


def random_graph(seed: int, operations: int) -> Value:
    """Operations of one, two and many operands on what there is so far, with sharing, with numbers, with names."""
    rng = random.Random(seed)
    nodes = [Value(rng.uniform(-2, 2), name) for name in ("a", "b", None)]
    for number in range(operations):
        x, y, z = rng.choices(nodes, k=3)
        c = rng.uniform(-2, 2)
        kinds = [x + y, x * y, x - c, c / x, x**2, functions.tanh(x), x * x, functions.sum([x, c, y, z]), functions.max(x, c)]
        node = rng.choice(kinds)
        node.name = rng.choice([None, f"n{number}"])
        nodes.append(node)
    loss = functions.sum(nodes)
    loss.backward()
    return loss


def svg_of(loss: Value, **options: object) -> ET.Element:
    return ET.fromstring(draw(loss, **options).pipe("svg"))


def groups(svg: ET.Element, kind: str) -> dict[str, ET.Element]:
    """The elements of one kind (node, edge, cluster) by their ids, which must differ."""
    found = [g for g in svg.iter(f"{SVG}g") if kind in g.get("class", "").split()]
    by_id = {g.get("id", ""): g for g in found}
    assert len(by_id) == len(found)
    return by_id


def texts(element: ET.Element) -> list[str]:
    """Its lines: what stands at one height is one line."""
    lines: dict[str, str] = {}
    for text in element.iter(f"{SVG}text"):
        height = text.get("y", "")
        lines[height] = lines.get(height, "") + (text.text or "")
    return [line.replace("\xa0", " ").strip() for line in lines.values()]


def boxes_by_title(graph: Graph) -> dict[str, Box]:
    return {box.name or box.operation: box for box in graph.boxes}


# ---- the model --------------------------------------------------------------------------------------------------------------


NAMED = [
    ("v6", "w1 · x1"), ("v7", "w2 · x2"), ("v8", "w1 · x1 + w2 · x2"), ("v9", "v8 + b"), ("a", "σ(v9)"), ("v11", "y − a"),
    ("C", "(y − a)²"),
]  # fmt: skip


def test_perceptron_model() -> None:
    leaves, cost = perceptron()
    graph = graph_of(cost)
    boxes = boxes_by_title(graph)
    assert [(box.name, box.operation) for box in graph.boxes if box.operation] == NAMED
    for name, leaf in leaves.items():
        assert (boxes[name].kind, boxes[name].data, boxes[name].grad) == ("leaf", leaf.data, leaf.grad)
    assert (boxes["C"].kind, boxes["C"].data, boxes["C"].grad) == ("loss", cost.data, 1.0)
    derivatives = {(e.operand, e.result): e.derivative for e in graph.edges}
    assert derivatives[boxes["w1"].id, boxes["v6"].id] == 1.5
    assert derivatives[boxes["v11"].id, boxes["C"].id] == cost.partials[0]


def test_leaves_come_in_the_order_of_their_use() -> None:
    _, cost = perceptron()
    assert [box.name for box in graph_of(cost).boxes if box.kind == "leaf"] == ["w1", "x1", "w2", "x2", "b", "y"]


def test_a_value_used_twice_has_two_edges() -> None:
    x = Value(3.0, "x")
    assert [(e.operand, e.result, e.derivative) for e in graph_of(x * x).edges] == [("v0", "v1", 3.0)] * 2
    assert [(e.operand, e.result, e.derivative) for e in graph_of(x**2).edges] == [("v0", "v1", 6.0)]


def test_a_leaf_alone_is_a_picture() -> None:
    graph = graph_of(Value(2.0, "x"))
    assert [(box.kind, box.name) for box in graph.boxes] == [("leaf", "x")]
    assert not graph.edges


def test_parameters_are_those_named_or_in_a_scope_and_the_other_leaves_inputs() -> None:
    leaves, cost = perceptron()
    boxes = boxes_by_title(graph_of(cost, parameters=[leaves["w1"], leaves["b"]]))
    assert {name: boxes[name].kind for name in leaves} == {
        "w1": "parameter", "b": "parameter", "w2": "input", "x1": "input", "x2": "input", "y": "input",
    }  # fmt: skip
    leaves["w2"].scope = "layer"
    boxes = boxes_by_title(graph_of(cost))
    assert [name for name in leaves if boxes[name].kind == "parameter"] == ["w2"]


def test_numbers_are_written_into_small_operations_and_are_boxes_of_large_ones() -> None:
    w, v = Value(0.5, "w"), Value(0.25, "v")
    graph = graph_of(2 * w)
    assert [box.operation for box in graph.boxes] == ["", "2 · w"]
    graph = graph_of(functions.dot([w, v], [2.0, 3.0]))
    constants = [box for box in graph.boxes if box.kind == "constant"]
    assert [(box.data, box.grad) for box in constants] == [(2.0, None), (3.0, None)]
    assert [(e.operand, e.derivative) for e in graph.edges] == [
        ("v0", 2.0), ("v1", 3.0), (constants[0].id, None), (constants[1].id, None),
    ]  # fmt: skip


x, y, long = Value(2.0, "x"), Value(3.0, "y"), Value(1.0, "a name that is long")


@pytest.mark.parametrize(
    ("node", "spelling"),
    [
        (x + y, "x + y"),
        (x - (y + 1), "x − (y + 1)"),
        ((x - y) - 1, "x − y − 1"),
        (x * (y + 1), "x · (y + 1)"),
        (x / (y / 2), "x / (y / 2)"),
        (-(x + y), "−(x + y)"),
        ((x**y) ** 2, "(x^y)²"),
        ((-x) ** 2, "(−x)²"),
        (x**-1, "x⁻¹"),
        (x**0.5, "x^0.5"),
        ((-2) ** x, "(−2)^x"),
        (x - -3, "x − (−3)"),
        (abs(x - y), "|x − y|"),
        (functions.tanh(x + y), "tanh(x + y)"),
        (functions.relu(x) * 2, "relu(x) · 2"),
        (long * 2, "a name that is long · 2"),
        (Value(1.0, "name that is even longer") + x, "name that is even l… + x"),
        (functions.where(True, x, y), "where(x)"),
        (functions.sum([x, y, 3.0]), "sum(x, y, 3)"),
        (functions.sum([x] * 6), "sum(x, x, x, x, x, x)"),
        (functions.sum([x] * 7), "sum(x, x, x, …)"),
        (functions.dot([x] * 4, [y] * 4), "(x, x, x, …) · (y, y, y, …)"),
        (functions.dot([x], [y]) ** 2, "((x) · (y))²"),
        (functions.tanh(x + y + x) * 2, "v4 · 2"),
        (Value(1.0, "{0}{*}") + Value(1.0, "{1}"), "{0}{*} + {1}"),
    ],
)
def test_operations_are_spelled_as_in_the_table(node: Value, spelling: str) -> None:
    assert graph_of(node).boxes[-1].operation == spelling


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.1 + 0.2, "0.3"),
        (1.0, "1"),
        (-0.123456789, "−0.12346"),
        (6.02214e23, "6.0221e23"),
        (-1e-7, "−1e−7"),
        (123456.0, "1.2346e5"),
        (0.0, "0"),
        (-0.0, "0"),
        (math.nan, "nan"),
        (-math.inf, "−inf"),
    ],
)
def test_numbers_have_at_most_five_digits(number: float, text: str) -> None:
    assert number_text(number) == text


def test_drawing_changes_nothing() -> None:
    _, cost = perceptron()
    before = [(node.data, node.grad, node.name) for node in topological_order(cost)]
    draw(cost)
    assert [(node.data, node.grad, node.name) for node in topological_order(cost)] == before


# ---- the picture ------------------------------------------------------------------------------------------------------------


def test_perceptron_svg() -> None:
    leaves, cost = perceptron()
    graph = graph_of(cost, [leaves["w1"]])
    svg = svg_of(cost, parameters=[leaves["w1"]])
    nodes, edges = groups(svg, "node"), groups(svg, "edge")
    assert nodes.keys() == {box.id for box in graph.boxes}
    assert edges.keys() == {edge.id for edge in graph.edges}
    for box in graph.boxes:
        assert nodes[box.id].get("class") == f"node {box.kind}"
        assert texts(nodes[box.id])[-2:] == [f"data {number_text(box.data)}", f"grad {number_text(box.grad or 0.0)}"]
    for edge in graph.edges:
        assert edges[edge.id].findtext(f"{SVG}title") == f"{edge.operand}->{edge.result}"
        assert texts(edges[edge.id]) == [f"×{number_text(edge.derivative or 0.0)}"]
    assert texts(nodes[graph.boxes[-1].id])[0] == "C = (y − a)²"


def test_it_is_transparent_left_to_right_and_in_one_font() -> None:
    _, cost = perceptron()
    drawing = draw(cost)
    assert isinstance(drawing, graphviz.Digraph)
    assert drawing.graph_attr["rankdir"] == "LR"
    assert drawing.graph_attr["bgcolor"] == "transparent"
    svg = ET.fromstring(drawing.pipe("svg"))
    assert {text.get("font-family") for text in svg.iter(f"{SVG}text")} == {"Helvetica,sans-Serif"}
    background = svg.find(f"{SVG}g/{SVG}polygon")
    assert background is None or background.get("fill") in ("none", "transparent")


def test_kinds_look_different() -> None:
    leaves, cost = perceptron()
    loss = functions.sum([cost, 1.0]) * 2
    named = svg_of(loss, parameters=[leaves["w1"]])
    looks = {}
    for svg in (named, svg_of(loss)):
        for group in groups(svg, "node").values():
            shape = next(iter(group.iter(f"{SVG}path")), None)
            shape = next(group.iter(f"{SVG}polygon")) if shape is None else shape
            looks[group.get("class")] = (shape.get("fill"), shape.get("stroke"), shape.get("stroke-dasharray"))
    assert looks.keys() == {f"node {kind}" for kind in ("leaf", "parameter", "input", "constant", "operation", "loss")}
    assert len(set(looks.values())) == 6


@pytest.mark.parametrize("seed", range(20))
def test_random_graphs_are_drawn_node_by_node_and_edge_by_edge(seed: int) -> None:
    loss = random_graph(seed, 30)
    order = topological_order(loss)
    many = [node for node in order if node.op in ("sum", "max")]
    numbers = sum(len(node.arguments) - len(node.operands) for node in many)
    graph = graph_of(loss)
    assert len(graph.boxes) == len(order) + numbers
    assert len(graph.edges) == sum(len(node.operands) for node in order) + numbers
    values = [box for box in graph.boxes if box.kind != "constant"]

    def named(place: int) -> str:
        return "loss" if order[place] is loss else f"v{place}"

    expected = [(node.name or named(place), node.data, node.grad) for place, node in enumerate(order)]
    assert sorted((box.name, box.data, box.grad) for box in values) == sorted(expected)
    # the chain rule on the picture's own numbers gives the gradients on it
    flow = {box.id: 0.0 for box in graph.boxes} | {graph.boxes[-1].id: 1.0}
    for edge in reversed(graph.edges):
        flow[edge.operand] += flow[edge.result] * (edge.derivative or 0.0)
    assert all(math.isclose(flow[box.id], box.grad or 0.0, rel_tol=1e-9, abs_tol=1e-9) for box in values)
    source = draw(loss).source
    assert sorted(re.findall(r"^\t(\w+) \[id", source, re.M)) == sorted(box.id for box in graph.boxes)
    assert re.findall(r"^\t(\w+) -> (\w+) \[", source, re.M) == [(e.operand, e.result) for e in graph.edges]
    svg = ET.fromstring(draw(loss).pipe("svg"))
    assert groups(svg, "node").keys() == {box.id for box in graph.boxes}
    assert groups(svg, "edge").keys() == {edge.id for edge in graph.edges}


HOSTILE = [
    'say "hi"', "'", "<b>&amp; &lt;</b>", "&eacute;", "&#65;", "<", ">", "<>", "&", "-->", "]]>", "<!--",
    "a\\N\\G\\L\\l\\n\\\\", "end\\", "\\", '\\"', "emoji 😀 日本語 עברית", "{a|b}", "x->y;", "%s {0} {*}", "x" * 500, "a  b",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_drawn_as_they_are(name: str) -> None:
    loss = Value(1.0, name) * Value(2.0, "x")
    loss.name = name
    with scope(name.replace(".", " ")):
        loss = loss + 1
    svg = svg_of(loss)
    nodes = groups(svg, "node")
    assert len(nodes) == 4
    assert texts(nodes["v0"])[0] == name
    assert texts(nodes["v2"])[0].startswith(f"{name} = ")
    (cluster,) = groups(svg, "cluster").values()
    assert texts(cluster)[0] == name
    assert not list(svg.iter(f"{SVG}b"))


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("two\nlines", ["two", "lines"]),
        ("two\r\nlines", ["two", "lines"]),
        ("\x00\x1b\x7f", ["␀␛␡"]),
        ("\ud800\ufffe", ["��"]),
        ("a\tb", ["a    b"]),
    ],
)
def test_what_a_line_of_svg_cannot_hold(name: str, lines: list[str]) -> None:
    assert texts(groups(svg_of(Value(1.0, name)), "node")["v0"])[:-2] == lines


@pytest.mark.parametrize("name", ["", " ", "\n", "\n\n", "\t", "\u200b", "y" * 50_000, "é" * 20_000])
def test_odd_names_do_no_harm(name: str) -> None:
    node = groups(svg_of(Value(1.0, name)), "node")["v0"]
    assert texts(node)[-2:] == ["data 1", "grad not computed"]


def test_names_beyond_all_measure_are_cut() -> None:
    name = "&" * 50_000
    with scope(name):
        source = draw(Value(1.0, name) * 2).source
    assert source.count("&amp;") < 10_000
    assert max(map(len, source.splitlines())) < 16_384


def test_nan_and_inf_are_marked() -> None:
    x = Value(0.0, "x")
    loss = functions.log(x) - functions.log(x)
    loss.backward()
    svg = svg_of(loss)
    marked = {key for key, group in groups(svg, "node").items() if "nonfinite" in group.get("class", "").split()}
    assert marked == {"v0", "v1", "v2", "v3"}
    assert texts(groups(svg, "node")["v3"])[-2:] == ["data nan", "grad 1"]
    assert texts(groups(svg, "node")["v1"])[-2] == "data −inf"
    assert [edge.get("class") for edge in groups(svg, "edge").values()] == ["edge nonfinite"] * 2 + ["edge"] * 2
    assert texts(groups(svg, "edge")["e0"]) == ["×inf"]


def test_scopes_are_clusters_inside_clusters() -> None:
    x = Value(1.0, "x")
    with scope("model"):
        with scope("layer1"):
            h = x * 2
        with scope("layer2"), scope("neuron"):
            o = functions.sum([h, 1.0])
    with scope("layer1"):
        loss = o + h
    svg = svg_of(loss)
    clusters = groups(svg, "cluster")
    assert sorted(texts(cluster)[0] for cluster in clusters.values()) == ["layer1", "layer1", "layer2", "model", "neuron"]
    assert all("scope" in cluster.get("class", "") for cluster in clusters.values())
    source = draw(loss).source
    assert source.count("{") == source.count("}")
    depth, depths = 0, {}
    for line in source.splitlines():
        depth += line.count("{") - line.count("}")
        if box := re.match(r"\t+(\w+) \[id=", line):
            depths[box[1]] = depth
    assert depths == {"v0": 1, "v1": 3, "v2_1": 4, "v2": 4, "v3": 2}


# ---- too much, and not a graph ----------------------------------------------------------------------------------------------


def test_a_deep_chain_is_folded_and_unfolded_refused(tmp_path: Path) -> None:
    x = Value(1.0)
    for _ in range(200_000):
        x = x * 1.0
    graph = graph_of(x)
    assert sum(box.count for box in graph.boxes) == 200_001
    assert len(graph.boxes) <= 500
    with pytest.raises(GraphTooLarge, match=r"200,001 boxes.* 3,000 "):
        draw(x, tmp_path / "graph.svg", fold=None)
    assert not list(tmp_path.iterdir())


def test_wide_operations_are_folded_and_unfolded_refused() -> None:
    x = Value(1.0, "x")
    wide = functions.sum([x] * 100_000)
    assert [edge.count for edge in graph_of(wide).edges] == [100_000]
    with pytest.raises(GraphTooLarge, match=r"100,000 edges.* 8,000 "):
        draw(wide, fold=None)
    assert len(graph_of(functions.sum([x] + [1.0] * 100_000)).boxes) == 2
    with pytest.raises(GraphTooLarge, match=r"100,002 boxes.* 3,000 "):
        draw(functions.sum([x] + [1.0] * 100_000), fold=None)


def test_the_largest_graph_that_is_taken_unfolded() -> None:
    x = Value(1.0)
    for _ in range(model.MOST_BOXES - 1):
        x = x + 1.0
    assert draw(x, fold=None).source.count("id=v") == model.MOST_BOXES
    with pytest.raises(GraphTooLarge, match="3,001 boxes"):
        draw(x + 1, fold=None)


# ---- gradients --------------------------------------------------------------------------------------------------------------


def grads(loss: Value) -> dict[str, object]:
    return {title: box.grad for title, box in boxes_by_title(graph_of(loss)).items()}


def test_a_gradient_is_not_computed_before_backward_and_a_number_after() -> None:
    x, y = Value(2.0, "x"), Value(3.0, "y")
    loss = (x * 0) * y
    loss.name = "loss"
    assert grads(loss) == {"x": None, "y": None, "v2": None, "loss": None}
    assert texts(groups(svg_of(loss), "node")["v0"])[-1] == "grad not computed"
    loss.backward()
    assert grads(loss) == {"x": 0.0, "y": 0.0, "v2": 3.0, "loss": 1.0}
    assert texts(groups(svg_of(loss), "node")["v0"])[-1] == "grad 0"


def test_a_number_that_somebody_put_into_a_leaf_is_drawn_before_backward() -> None:
    x, y = Value(2.0, "x"), Value(3.0, "y")
    (x * 5).backward()
    y.grad = -1.0
    again = x * y
    again.name = "again"
    assert grads(again) == {"x": 5.0, "y": -1.0, "again": None}


def test_only_what_backward_went_through_is_computed() -> None:
    x = Value(2.0, "x")
    inner = x * 0
    inner.name = "inner"
    outer = inner + 1
    outer.name = "outer"
    inner.backward()
    assert grads(outer) == {"x": 0.0, "inner": 1.0, "outer": None}


def test_a_copy_knows_what_was_computed() -> None:
    loss = Value(2.0, "x") * 0
    loss.name = "loss"
    assert grads(copy.deepcopy(loss)) == {"x": None, "loss": None}
    loss.backward()
    assert grads(pickle.loads(pickle.dumps(loss))) == {"x": 0.0, "loss": 1.0}


def test_an_edge_carries_the_flow_that_adds_up_to_the_gradient() -> None:
    leaves, cost = perceptron()
    graph = graph_of(cost * cost.tanh() + leaves["b"])
    assert all(edge.flow is None for edge in graph.edges if edge.result == graph.boxes[-1].id)
    loss = cost * cost.tanh() + leaves["b"]
    for leaf in leaves.values():
        leaf.grad = 0.0
    loss.backward()
    graph = graph_of(loss)
    for box in graph.boxes[:-1]:
        flows = [edge.flow for edge in graph.edges if edge.operand == box.id]
        assert math.isclose(sum(flows), box.grad, rel_tol=1e-12)
    drawn = groups(svg_of(loss, edges="flow"), "edge")
    for edge in graph.edges:
        assert texts(drawn[edge.id]) == [("" if edge.flow < 0 else "+") + number_text(edge.flow)]
    assert not any(texts(edge) for edge in groups(svg_of(loss, edges=None), "edge").values())


def test_a_tooltip_has_the_whole_sum_and_says_what_else_a_leaf_holds() -> None:
    x = Value(3.0, "x")
    loss = x * 2 + x.tanh()
    loss.backward()
    tooltip = boxes_by_title(graph_of(loss))["x"].tooltip
    assert tooltip.splitlines() == ["x is 3", "grad 2 · 1 + 0.0098660 · 1 = 2.0099".replace("0.0098660", "0.009866")]
    loss.backward()
    assert boxes_by_title(graph_of(loss))["x"].tooltip.endswith("= 2.0099; it holds 4.0197")
    assert "not computed" in boxes_by_title(graph_of(x * 2))["loss"].tooltip


@pytest.mark.parametrize("name", ['say "hi"', "a\\N\\G", "&amp; <b>", "end\\", "two\nlines"])
def test_hostile_names_in_tooltips(name: str) -> None:
    node = groups(svg_of(Value(1.0, name)), "node")["v0"]
    titles = [a.get("{http://www.w3.org/1999/xlink}title") for a in node.iter(f"{SVG}a")]
    assert [title.replace("&#10;", "\n").splitlines() for title in titles] == [[*f"{name} is 1".splitlines(), NOT_YET]]


NOT_YET = "gradient not computed: no backward() went through it"


def test_heat_shows_size_by_colour_and_width_and_has_a_legend() -> None:
    x = Value(1.0, "x")
    loss = functions.sum([x * 1e-3, x * 1.0, x * 0.0])
    loss.backward()
    svg = svg_of(loss, heat=True)
    lines = [next(edge.iter(f"{SVG}path")) for edge in groups(svg, "edge").values()]
    widths = [float(line.get("stroke-width", "1")) for line in lines]
    assert widths[0] < widths[1] == max(widths)
    assert widths[2] == min(widths)
    assert lines[0].get("stroke") != lines[1].get("stroke")
    assert any("size of the gradient" in text for text in texts(svg))
    assert not any("size of the gradient" in text for text in texts(svg_of(loss)))
    assert groups(svg, "node").keys() == groups(svg_of(loss), "node").keys()


@pytest.mark.parametrize("gradients", [[], [0.0], [math.nan, math.inf], [1.0], [5e-324, 1e308], [1e-300, -2.0, 0.0]])
def test_the_scale_takes_any_gradients(gradients: list[float]) -> None:
    scale = Scale(gradients)
    for gradient in [*gradients, *scale.samples()]:
        if not math.isnan(gradient):
            assert 0.0 <= scale.position(gradient) <= 1.0
            assert re.fullmatch("#[0-9a-f]{6}", scale.colour(gradient))
            assert re.fullmatch("#[0-9a-f]{6}", scale.fill(gradient))
    positions = [scale.position(size) for size in scale.samples()]
    assert positions == sorted(positions)


# ---- a part of the graph ----------------------------------------------------------------------------------------------------


def test_only_draws_the_paths_from_some_values() -> None:
    leaves, cost = perceptron()
    graph = graph_of(cost, only=[leaves["w2"]])
    assert [box.name for box in graph.boxes] == ["w2", "v7", "v8", "v9", "a", "v11", "C"]
    assert graph.notes == ["only the paths from w2: 6 Values not drawn"]
    assert draw(cost, only=leaves["w2"]).source == draw(cost, only=[leaves["w2"]]).source
    with pytest.raises(NotInGraphError, match=r"Value\(1.0"):
        draw(cost, only=Value(1.0))


def test_top_draws_the_strongest_paths() -> None:
    x, y = Value(1.0, "x"), Value(1.0, "y")
    loss = functions.sum([x * 3, y * -5, x * 4, y * 0.5])
    for top, operations in ((1, ["y · (−5)"]), (2, ["x · 4", "y · (−5)"]), (3, ["x · 3", "x · 4", "y · (−5)"])):
        graph = graph_of(loss, top=top)
        assert sorted(box.operation for box in graph.boxes if box.kind == "operation") == operations
    assert [box.operation for box in graph_of(loss, top=1, only=x).boxes if box.kind == "operation"] == ["x · 4"]
    assert len(graph_of(loss, top=100).boxes) == 7


def test_depth_draws_what_is_near_the_loss() -> None:
    _, cost = perceptron()
    assert [box.name for box in graph_of(cost, depth=2).boxes] == ["y", "a", "v11", "C"]
    assert len(graph_of(cost, depth=100).boxes) == 13
    assert [box.name for box in graph_of(cost, depth=0).boxes] == ["C"]


@pytest.mark.parametrize("options", [{"top": 0}, {"depth": -1}, {"fold": "everything"}, {"edges": "grad"}, {"theme": "night"}])
def test_options_that_mean_nothing_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        draw(Value(1.0) * 2, **options)


@pytest.mark.parametrize("thing", [1.0, None, "loss", [Value(1.0)], Value])
def test_anything_but_a_value_is_refused(thing: object) -> None:
    with pytest.raises(TypeError, match=f"a Value or a model, not {type(thing).__name__}"):
        draw(thing)  # type: ignore[arg-type]
