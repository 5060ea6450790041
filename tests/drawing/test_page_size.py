"""A picture fits a page, is laid out as large as it was expected to be, and has its neurons in order."""

import random
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest

from autodiff.drawing import draw, fold, render
from autodiff.drawing.dot import digraph
from autodiff.drawing.layout import extent
from autodiff.drawing.model import graph_of
from autodiff.engine import functions
from autodiff.engine.value import Value
from autodiff.nn import MLP, Perceptron, mse

SVG = "{http://www.w3.org/2000/svg}"
WIDTH, HEIGHT = 1_600, 1_000


@pytest.fixture(autouse=True)
def graphviz_pure(monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = render.beside_python() or render.among_installed()
    if renderer is None:
        pytest.skip("graphviz-pure is not installed")
    monkeypatch.setenv("AUTODIFF_DOT", renderer)


def lecture(rows: int = 4) -> Value:
    model = MLP(3, [4, 4, 1], activation="tanh", seed=1)
    data = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
    loss = functions.sum([(model(row) - y) ** 2 for row, y in zip(data[:rows], (1.0, -1.0, -1.0, 1.0), strict=False)])
    loss.backward()
    return loss


def by_hand() -> Value:
    """The same network as people write it themselves, without modules, scopes and names."""
    rng = random.Random(1)
    sizes = ((3, 4), (4, 4), (4, 1))
    layers = [[[Value(rng.uniform(-1, 1)) for _ in range(n + 1)] for _ in range(m)] for n, m in sizes]
    loss = Value(0.0)
    for _ in range(4):
        h: list[Value] = [Value(rng.uniform(-1, 1)) for _ in range(3)]
        for layer in layers:
            h = [sum((w * x for w, x in zip(neuron, h, strict=False)), neuron[-1]).tanh() for neuron in layer]
        loss = loss + (h[0] - 1.0) ** 2
    return loss


def many() -> Value:
    rng = random.Random(2)
    nodes = [Value(rng.random(), f"x{i}") for i in range(5)]
    for _ in range(500):
        x, y = rng.choices(nodes[-8:], k=2)
        nodes.append(rng.choice([x * y, x + y, x.tanh(), x - y, x.sin()]))
    return functions.sum(nodes[-8:])


def chain() -> Value:
    x = loss = Value(0.5, "x")
    for _ in range(250):
        loss = loss.sin() * x
    return loss


def or_gate() -> Value:
    model = Perceptron(2, seed=1)
    return mse([model(row) for row in ([0, 0], [0, 1], [1, 0], [1, 1])], [0, 1, 1, 1])


def size_of(svg: str) -> tuple[float, float]:
    found = re.search(r'<svg width="([\d.]+)pt" height="([\d.]+)pt"', svg)
    assert found is not None
    return float(found[1]), float(found[2])


@pytest.mark.parametrize("make", [lecture, by_hand, many, chain, or_gate])
def test_a_picture_is_laid_out_on_about_one_page_or_where_it_must_be_four(make: Callable[[], Value]) -> None:
    loss = make()
    graph = graph_of(loss)
    width, height = size_of(draw(loss, legend=False).pipe("svg").decode())
    expected = extent(graph.boxes, graph.edges, graph.quiet)
    assert 0.75 < expected[0] / width < 1.25
    assert 0.6 < expected[1] / (height - 20 * len(graph.notes)) < 1.4
    pages = 2 if make is by_hand else 1.15
    assert width < pages * WIDTH
    assert height < pages * HEIGHT


def test_the_lectures_network_keeps_its_neurons() -> None:
    names = [(box.scope, box.name) for box in graph_of(lecture()).boxes if box.scope]
    assert names == [(f"layers.{layer}", f"neurons.{n}") for layer, count in enumerate((4, 4, 1)) for n in range(count)]


@pytest.mark.parametrize("loss", [lecture(4), lecture(1), mse([MLP(2, [12, 3, 1], seed=1)([1.0, 2.0])], [1.0])])
def test_neurons_come_in_order_from_above(loss: Value) -> None:
    svg = ET.fromstring(draw(loss).pipe("svg"))
    heights: dict[str, list[tuple[int, float]]] = {}
    clusters = {box.id: box.scope for box in graph_of(loss).boxes}
    for group in svg.iter(f"{SVG}g"):
        name = next((text.text or "" for text in group.iter(f"{SVG}text")), "")
        if "folded" in group.get("class", "") and name.startswith("neurons."):
            height = min(float(text.get("y", "")) for text in group.iter(f"{SVG}text"))
            heights.setdefault(clusters[group.get("id", "")], []).append((int(name.removeprefix("neurons.")), height))
    assert len(heights) == 3
    for found in heights.values():
        assert [y for _, y in sorted(found)] == sorted(y for _, y in found)


def test_what_is_not_alike_is_drawn_over_four_pages_rather_than_in_stretches() -> None:
    rng = random.Random(3)
    nodes = [Value(rng.random(), f"x{i}") for i in range(12)]
    for number in range(40):
        x, y = rng.choices(nodes[-12:], k=2)
        nodes.append(rng.choice([x * y, x + y, x.tanh()]))
        nodes[-1].name = f"n{number}"
    loss = functions.sum(nodes)
    graph = graph_of(loss)
    assert 1 < graph.pages(fold.PICTURE.page) <= 2
    assert all(box.count == 1 for box in graph.boxes)


def test_folded_operations_are_counted_in_words() -> None:
    titles = [box.operation for box in graph_of(by_hand()).boxes if box.kind == "folded"]
    assert {"16 × tanh", "4 differences", "4 squares", "54 leaves"} <= set(titles)
    assert not any("…" in title for title in titles)
    stretches = [box.operation for box in graph_of(chain()).boxes if box.kind == "folded"]
    assert "125 Values: 63 × sin, 62 products" in stretches


def test_the_legend_says_what_colours_mean_and_can_be_left_out() -> None:
    loss = or_gate()
    label = draw(loss).graph_attr["label"]
    assert re.findall("■</FONT> ([a-z ]+[a-z])", label) == ["parameter", "plain number", "operation", "result"]
    assert "label" not in draw(loss, legend=False).graph_attr
    assert "label" not in draw(Value(1.0)).graph_attr  # of one kind there is nothing to tell apart


@pytest.mark.parametrize("heat", [False, True])
def test_the_dark_theme_is_the_same_picture_in_other_colours(heat: bool) -> None:
    loss = or_gate() * Value(2.0, 'color="#fdf6e3"')
    loss.backward()
    light, dark = draw(loss, heat=heat), draw(loss, heat=heat, theme="dark")
    colour = re.compile(r"#[0-9a-f]{6}")
    assert colour.sub("", light.source).replace("transparent", '""') == colour.sub("", dark.source)

    def lightness(text: str) -> float:
        return sum(int(text[i : i + 2], 16) for i in (1, 3, 5)) / 765

    for drawing, darker in ((light, False), (dark, True)):
        fills = {lightness(fill) for fill in re.findall('fillcolor="(#.{6})"', drawing.source)}
        ink = lightness(drawing.node_attr["fontcolor"])
        assert (max(fills) < ink - 0.3) if darker else (min(fills) > ink + 0.3)
    assert "color=&quot;#fdf6e3&quot;" in dark.source  # a name is no colour
    assert digraph(graph_of(loss), heat=heat).source == draw(loss, heat=heat, legend=False).source


def test_zero_has_no_sign_and_labels_keep_clear_of_what_is_around_them() -> None:
    source = draw(-0.0 * Value(3.0, "x")).source
    assert "−0<" not in source
    assert 'label=" ×0 "' in source
