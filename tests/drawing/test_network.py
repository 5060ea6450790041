"""A network drawn by itself: its layers, each weight once, with its sign and size."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

import autodiff as ad
from autodiff import nn
from autodiff.drawing import draw, render
from autodiff.drawing.network import FIRST, LAST, MOST_UNITS, WIDEST, layers_of, part_of
from autodiff.errors import ShapeError

SVG = "{http://www.w3.org/2000/svg}"
EDGE = re.compile(r'n(\d+)_(\d+) -> n\d+_(\d+) \[id="(.*?)" color="(.*?)" penwidth=(\S+) .*tooltip="(.*?)"')


def test_each_weight_is_a_line_with_its_sign_and_its_size() -> None:
    model = nn.MLP(3, [4, 4, 1], activation="tanh", seed=1)
    found = {path: (int(layer), int(source), int(place), colour, float(width))
             for layer, source, place, path, colour, width, _ in EDGE.findall(draw(model).source)}  # fmt: skip
    weights = {path: parameter.data for path, parameter in model.named_parameters() if ".w." in path}
    assert found.keys() == weights.keys()
    largest = max(map(abs, weights.values()))
    for path, weight in weights.items():
        layer, source, place, colour, width = found[path]
        assert path == f"layers.{layer}.neurons.{place}.w.{source}"
        assert colour == ("#c4484f" if weight < 0 else "#3b7dc4")
        assert width == pytest.approx(0.3 + (WIDEST - 0.3) * abs(weight) / largest, abs=0.01)


def test_titles_say_how_many_of_which_activation() -> None:
    model = nn.Sequential(nn.Layer(2, 3, "linear", seed=1), "tanh", nn.Linear(3, 2, seed=2), ad.softmax)
    assert re.findall("label=<(.*?)>", draw(model).source) [-3:] == [
        "2 inputs", "layers.0: 3 × linear, tanh", "layers.2: 2 × linear, softmax"]  # fmt: skip
    assert "layers.0: 8 × gelu" in draw(nn.MLP(2, [8, 1], activation="gelu")).source
    assert "1 × sigmoid" in draw(nn.Perceptron(4)).source
    assert "2 × tanh" in draw(nn.Layer(1, 2, "tanh")).source


def test_the_columns_are_in_order_and_a_long_one_is_cut() -> None:
    if render.beside_python() is None and render.among_installed() is None:
        pytest.skip("graphviz-pure is not installed")
    model = nn.MLP(64, [32, 10], seed=1)
    svg = ET.fromstring(draw(model).pipe("svg"))
    columns: dict[int, list[tuple[int, float]]] = {}
    for group in svg.iter(f"{SVG}g"):
        if group.get("class", "").startswith("node"):
            column, place = map(int, group.get("id", "n0_0")[1:].split("_"))
            columns.setdefault(column, []).append((place, float(group.find(f".//{SVG}text").get("y", ""))))  # type: ignore[union-attr]
    assert {column: len(found) for column, found in columns.items()} == {0: FIRST + LAST + 1, 1: FIRST + LAST + 1, 2: 10}
    assert MOST_UNITS >= FIRST + LAST + 1
    for found in columns.values():
        assert [y for _, y in sorted(found)] == sorted(y for _, y in found)
    assert "52 more" in draw(model).source
    assert "n0_10 -> n1_0 [style=invis]" in draw(model).source


def test_numbers_that_are_none_and_weights_that_are_all_zero() -> None:
    model = nn.Perceptron(3, seed=1)
    model.w[0].data, model.w[1].data = float("nan"), float("inf")
    widths = [float(found[5]) for found in EDGE.findall(draw(model).source)]
    assert widths[:2] == [WIDEST, WIDEST]
    for weight in model.w:
        weight.data = 0.0
    assert {found[5] for found in EDGE.findall(draw(model).source)} == {"0.30"}


def test_a_model_of_ones_own_is_drawn_if_it_is_made_of_layers_in_a_row() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            self.first, self.second = nn.Layer(2, 3, "tanh"), nn.Neuron(3)

    assert list(layers_of(Two())) == ["first", "second"]
    assert "first: 3 × tanh" in draw(Two()).source

    class Branches(nn.Module):
        def __init__(self) -> None:
            self.left, self.right = nn.Layer(2, 3), nn.Layer(2, 3)

    class Table(nn.Module):
        def __init__(self) -> None:
            self.embedding = [[ad.Value(0.0)]]

    with pytest.raises(ShapeError, match=r"right\.neurons\.0 has 2 weights and not 3"):
        draw(Branches())
    with pytest.raises(ShapeError, match=r"'embedding\.0\.0' of Table is no weight"):
        draw(Table())
    with pytest.raises(ShapeError, match="no parameters"):
        draw(nn.Activation("tanh"))


def test_it_is_written_in_either_theme_and_takes_no_option_of_graphs(tmp_path: Path) -> None:
    model = nn.MLP(2, [2, 1], seed=1)
    draw(model, tmp_path / "model.dot", theme="dark")
    assert "#0d1117" in (tmp_path / "model.dot").read_text()
    assert "positive" not in draw(model, legend=False).source
    for options in ({"fold": None}, {"heat": True}, {"depth": 1}, {"edges": "flow"}, {"parameters": model.parameters()}):
        with pytest.raises(TypeError, match="for the graph of a Value"):
            draw(model, **options)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="for the graph of a Value"):
        draw(model, tmp_path / "model.mmd")


def test_a_layer_that_is_not_to_be_found_by_its_path_is_drawn_without_its_activation() -> None:
    class Hidden(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Layer(2, 3, "tanh")

        def named_parameters(self) -> Any:
            return [(path.replace("layer", "elsewhere"), value) for path, value in super().named_parameters()]

    assert "label=<elsewhere: 3>" in draw(Hidden()).source
    assert part_of([nn.Neuron(2)], "1.w") is part_of(nn.Neuron(2), "w.0.x") is None
