"""A network by itself, before any data: layers as columns, weights as lines, their sign as colour and their size as width.

What is drawn is read off the names of the parameters, as modules give them: neuron ``layers.0.neurons.3`` has the weights
``w.0``, ``w.1``, ... over the outputs of the layer before, and the bias ``b``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from autodiff.drawing import dot
from autodiff.drawing.boxes import Kind
from autodiff.drawing.dot import Drawing, Theme, html, quoted
from autodiff.engine.value import Value
from autodiff.errors import ShapeError
from autodiff.graph.symbols import number_text

PARAMETER = re.compile(r"(?:(?P<neuron>.*)\.)?(?:w\.\d+|b)")
OF_A_LAYER = re.compile(r"\.?neurons\.\d+$")
MOST_UNITS = 14  # of a column; of more the first and the last are drawn
FIRST, LAST = 10, 2
POSITIVE, NEGATIVE = "#3b7dc4", "#c4484f"
WIDEST, THINNEST = 4.0, 0.3
LOOK = {"ranksep": "1.6", "nodesep": "0.12", "mclimit": "0.01", "splines": "line"}


@dataclass
class Neuron:
    """One circle: its path, its activation, its weights with their paths, and its bias."""

    path: str
    activation: str
    weights: list[tuple[str, float]] = field(default_factory=list)
    bias: float | None = None


class Model(Protocol):
    """What has parameters with paths, as modules do."""

    def parameters(self) -> list[Value]: ...

    def named_parameters(self) -> list[tuple[str, Value]]: ...


def is_network(thing: Any) -> bool:
    """Whether it has parameters with paths."""
    return callable(getattr(thing, "named_parameters", None)) and not isinstance(thing, type)


def network(model: Model, theme: Theme, legend: bool) -> Drawing:
    """The picture of a module of perceptrons, neurons and layers, one after the other. Raises ``ShapeError`` for any other."""
    layers = layers_of(model)
    before = len(next(iter(layers.values()))[0].weights)
    sizes = [abs(weight) for neurons in layers.values() for neuron in neurons for _, weight in neuron.weights]
    size = max(filter(math.isfinite, sizes), default=0.0)
    inputs = [f"x{place}" for place in range(before)]
    body = [*column(f"{before} input{'s' * (before > 1)}", inputs, inputs, "input", 0)]
    for number, (path, neurons) in enumerate(layers.items(), start=1):
        numbers = [str(place) for place in range(len(neurons))]
        body += column(title(model, path, neurons), numbers, [tooltip(neuron) for neuron in neurons], "operation", number)
        for place in shown(len(neurons)):
            body += lines(neurons[place], number, place, len(neurons), before, size)
        before = len(neurons)
    count = len(model.parameters())
    caption = [f"{type(model).__name__}: {count:,} parameter{'s' * (count > 1)}"]
    if legend and size:
        caption.append(f"weights: the wider a line, the larger, up to {number_text(size)}")
        caption.append(f'<FONT COLOR="{POSITIVE}">■</FONT> positive   <FONT COLOR="{NEGATIVE}">■</FONT> negative')
    return dot.drawing(body, dot.rows(caption), theme, LOOK)


def layers_of(model: Model) -> dict[str, list[Neuron]]:
    """The neurons of each layer, by its path; each weight one over an output of the layer before."""
    neurons: dict[str, Neuron] = {}
    for path, parameter in model.named_parameters():
        found = PARAMETER.fullmatch(path)
        if found is None:
            raise ShapeError(
                f"draw() of a model draws perceptrons, neurons and layers; {path!r} of {type(model).__name__} is no weight or "
                "bias of such. ad.summary(model) counts any model; draw(loss) draws what one computes"
            )
        prefix = found["neuron"] or ""
        neuron = neurons.setdefault(prefix, Neuron(prefix, getattr(part_of(model, prefix), "activation", "")))
        if path.endswith("b"):
            neuron.bias = parameter.data
        else:
            neuron.weights.append((path, parameter.data))
    if not neurons:
        raise ShapeError(f"{type(model).__name__} has no parameters, so there is nothing to draw")
    layers: dict[str, list[Neuron]] = {}
    for path, neuron in neurons.items():
        layers.setdefault(OF_A_LAYER.sub("", path), []).append(neuron)
    before = len(next(iter(neurons.values())).weights)
    for layer in layers.values():
        for neuron in layer:
            if len(neuron.weights) != before:
                raise ShapeError(
                    f"draw() of a model draws layers one after the other; {neuron.path} has {len(neuron.weights)} weights and "
                    f"not {before}, one for each output before it. draw(loss) draws what the model computes"
                )
        before = len(layer)
    return layers


def title(model: Model, path: str, neurons: list[Neuron]) -> str:
    """What stands above a layer: its path, how many neurons of which activation, and functions that come after it."""
    activations = " or ".join(dict.fromkeys(neuron.activation for neuron in neurons))
    text = f"{len(neurons)} × {activations}" if activations else str(len(neurons))
    return ", ".join([f"{path}: {text}" if path else text, *after(model, path)])


def tooltip(neuron: Neuron) -> str:
    bias = [] if neuron.bias is None else [f"b = {number_text(neuron.bias)}"]
    return ", ".join(filter(None, [neuron.path, neuron.activation, *bias]))


def part_of(model: Any, path: str) -> Any:
    """The module at a path; None where it is not to be found by it."""
    for key in path.split(".") if path else []:
        try:
            model = model[int(key)] if key.isdigit() else getattr(model, key)
        except (LookupError, AttributeError, TypeError):
            return None
    return model


def after(model: Any, path: str) -> Iterator[str]:
    """The functions without parameters that come after a layer of a ``Sequential``, in words."""
    name, _, number = path.rpartition(".")
    if name != "layers" or not number.isdigit():
        return
    for step in getattr(model, "layers", [])[int(number) + 1 :]:
        if is_network(step) and step.parameters():
            return
        yield repr(step) if is_network(step) else getattr(step, "__name__", repr(step))


def shown(count: int) -> list[int]:
    """Which of a column's units are drawn; of many the one after the first stands for those that are not."""
    return list(range(count)) if count <= MOST_UNITS else [*range(FIRST + 1), *range(count - LAST, count)]


def column(title: str, names: list[str], tips: list[str], kind: Kind, number: int) -> Iterator[str]:
    """The circles of one layer, the first on top, in a cluster without a border."""
    fill, border = dot.COLOURS[kind]
    yield f"\tsubgraph cluster_{number} {{\n\t\tpenwidth=0 label=<{html(title)}> labelloc=t labeljust=c\n"
    circle = f'class={kind} shape=circle fixedsize=true width=0.42 style=filled fillcolor="{fill}" color="{border}"'
    for place in reversed(shown(len(names))):
        look, name, tip = circle, names[place], quoted(tips[place])
        if stands_for_more(place, len(names)):
            look, name, tip = 'shape=plain fontcolor="#757d89"', "…", f"{len(names) - FIRST - LAST:,} more"
        yield f'\t\tn{number}_{place} [id=n{number}_{place} {look} tooltip="{tip}" label="{name}"]\n'
    yield "\t}\n"


def stands_for_more(place: int, count: int) -> bool:
    return count > MOST_UNITS and place == FIRST


def lines(neuron: Neuron, number: int, place: int, count: int, before: int, size: float) -> Iterator[str]:
    """The weights of a neuron, as lines from the column before."""
    for source in shown(before):
        path, weight = neuron.weights[source]
        if stands_for_more(place, count) or stands_for_more(source, before):
            yield f"\tn{number - 1}_{source} -> n{number}_{place} [style=invis]\n"  # so that it stays in its place
            continue
        look = f'color="{NEGATIVE if weight < 0 else POSITIVE}" penwidth={width(weight, size):.2f} arrowhead=none'
        tip = quoted(f"{path} = {number_text(weight)}")
        yield f'\tn{number - 1}_{source} -> n{number}_{place} [id="{quoted(path)}" {look} tooltip="{tip}"]\n'


def width(weight: float, size: float) -> float:
    """From a hair for 0 to the widest for the largest; nan and inf are as wide."""
    share = abs(weight) / size if size else 0.0
    return THINNEST + (WIDEST - THINNEST) * (share if share <= 1.0 else 1.0)
