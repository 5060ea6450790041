"""The drawing on the page: the graph as SVG to be put into HTML, and which part of it stands for which Value and event."""

from __future__ import annotations

import html
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass, replace

from autodiff.debugger.history import History
from autodiff.debugger.words import Words
from autodiff.drawing.dot import digraph
from autodiff.drawing.model import Box, Graph, graph_of
from autodiff.drawing.render import picture
from autodiff.errors import GraphTooLarge, RendererFailed, RendererNotFound
from autodiff.symbols import number_text
from autodiff.value import Value

TAGS = {"svg", "g", "path", "polygon", "polyline", "ellipse", "text"}
ATTRIBUTES = {
    "id", "class", "d", "points", "cx", "cy", "rx", "ry", "x", "y", "width", "height", "viewBox", "transform", "fill", "stroke",
    "stroke-width", "stroke-dasharray", "text-anchor", "font-family", "font-size", "font-weight", "opacity",
}  # fmt: skip
LONGEST_OPERATION = 30


@dataclass(frozen=True)
class Picture:
    """The SVG, the id of each Value's box there, and of each backward event's arrow; empty where it has none."""

    svg: str
    boxes: list[str]
    edges: list[str]


def drawn(history: History, words: Words, parameters: Iterable[Value] = ()) -> Picture:
    """The graph of a history, with room for gradients that come and go. What cannot be drawn is said in its place."""
    boxes, edges = [""] * history.forward, [""] * (len(history) - history.forward)
    try:
        graph = graph_of(history.loss, parameters)
        svg = as_html(picture(digraph(_prepared(graph, history, words)).source, "svg").decode(), words)
    except (RendererNotFound, RendererFailed, GraphTooLarge) as error:
        return Picture(f"<p>No drawing: {html.escape(str(error))}</p>", boxes, edges)
    boxes = [f"v{place}" for place in range(history.forward)]
    between: dict[tuple[str, str], list[str]] = {}
    for edge in graph.edges:
        between.setdefault((edge.operand, edge.result), []).append(edge.id)
    for number in range(history.forward, len(history)):
        ids = between[boxes[history.changed(number)], boxes[history.acting(number)]]
        edges[number - history.forward] = ids.pop(0) if len(ids) > 1 else ids[0]
    return Picture(svg, boxes, edges)


def _prepared(graph: Graph, history: History, words: Words) -> Graph:
    """The graph with the names that the page uses, and with the widest gradient that each Value will have."""
    places = {f"v{place}": place for place in range(history.forward)}
    return replace(
        graph, boxes=[_named(box, places[box.id], history, words) if box.id in places else box for box in graph.boxes]
    )


def _named(box: Box, place: int, history: History, words: Words) -> Box:
    operation = words.operation(place)
    gradients = [history.upstream(place), *(history.edge(number)[2] for number in history.additions(place))]
    widest = max(gradients, key=lambda gradient: len(number_text(gradient)))
    return replace(
        box,
        name=words.name(place),
        operation=operation if len(operation) <= LONGEST_OPERATION else box.operation,
        grad=widest if abs(widest) < float("inf") else -0.88888,
    )


def as_html(svg: str, words: Words) -> str:
    """SVG as a renderer writes it, with nothing left but shapes and text, and the numbers of boxes marked as such."""
    root = _plain(ET.fromstring(svg))
    for group in root.iter("g"):
        if "node" in group.get("class", "").split():
            _mark_numbers(group)
    count = len(words.history.nodes)
    root.set("role", "img")
    root.set("aria-label", f"The graph of {words.name(count - 1)}: {count} Values; the table of values has the same")
    return ET.tostring(root, encoding="unicode")


def _plain(element: ET.Element) -> ET.Element:
    """The element without namespaces, links, titles and whatever else a page has no use for."""
    made = ET.Element(_local(element.tag), {key: text for key, text in element.attrib.items() if key in ATTRIBUTES})
    made.text = (element.text or "").replace(" ", "\u00a0") if made.tag == "text" else None  # HTML would drop the outer ones
    waiting = list(element)
    while waiting:
        child = waiting.pop(0)
        if not isinstance(child.tag, str):
            continue
        if _local(child.tag) == "a":
            waiting[:0] = list(child)
        elif _local(child.tag) in TAGS:
            made.append(_plain(child))
    return made


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _mark_numbers(group: ET.Element) -> None:
    """Give the class ``data`` or ``grad`` to the text that follows that word on its line."""
    word = None
    for text in group.iter("text"):
        label = (text.text or "").strip()
        if word is not None and text.get("y") == word[1]:
            text.set("class", word[0])
            word = None
        elif label in ("data", "grad"):
            word = (label, text.get("y"))
