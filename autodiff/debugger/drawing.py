"""The drawing on the page: the graph as SVG to be put into HTML, and which part of it stands for which Value and event."""

from __future__ import annotations

import html
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from autodiff.debugger.history import History
from autodiff.debugger.words import Words
from autodiff.drawing.boxes import Box
from autodiff.drawing.dot import digraph
from autodiff.drawing.fold import PICTURE
from autodiff.drawing.model import Fold, Graph, Painter, kinds_of
from autodiff.drawing.part import Part, complete
from autodiff.drawing.render import picture
from autodiff.engine.value import Value
from autodiff.errors import RendererFailed, RendererNotFound
from autodiff.graph.symbols import number_text

TAGS = {"svg", "g", "path", "polygon", "polyline", "ellipse", "text"}
ATTRIBUTES = {
    "id", "class", "d", "points", "cx", "cy", "rx", "ry", "x", "y", "width", "height", "viewBox", "transform", "fill", "stroke",
    "stroke-width", "stroke-dasharray", "text-anchor", "font-family", "font-size", "font-weight", "opacity",
}  # fmt: skip
LINE = "#757d89"  # of edges, said once of the group of each
USUAL_TEXT = {"font-family": "Helvetica,sans-Serif", "font-size": "12", "fill": "#1f2328"}  # said once, of the whole
EDGES = {"fill": "none", "text-anchor": "middle", "font-size": "10"}  # the page's style has it for all arrows and their texts
LONGEST_OPERATION = 30
DECIMALS = re.compile(r"\d+\.\d+")
SCROLLED = PICTURE._replace(page=None)  # the page follows the step, so that the picture may be larger than what is seen of it
WIDE = -8.888e-88  # a number that needs as much room as any
USUAL = -0.088888  # one that needs as much as most


@dataclass(frozen=True)
class Picture:
    """The SVG, the id of each Value's box there, and of each backward event's arrow; empty where it has none."""

    svg: str
    boxes: list[str]
    edges: list[str]


def drawn(history: History, words: Words, fold: Fold = "auto", parameters: Iterable[Value] = (), live: bool = False) -> Picture:
    """The graph of a history, with room for gradients that come and go, and if it is ``live`` for other numbers.

    What cannot be drawn is said in its place.
    """
    events = range(history.forward, len(history))
    try:
        graph = _graph(history, fold, parameters)
        svg = as_html(picture(digraph(_prepared(graph, history, words, live)).source, "svg").decode(), words, live)
    except (RendererNotFound, RendererFailed) as error:
        return Picture(f"<p>No drawing: {html.escape(str(error))}</p>", [""] * history.forward, [""] * len(events))
    between: dict[tuple[str, str], list[str]] = {}
    for edge in reversed(graph.edges):
        between.setdefault((edge.operand, edge.result), []).append(edge.id)
    arrows = []
    for number in events:
        ids = between.get((graph.box_of[history.changed(number)], graph.box_of[history.acting(number)]), [""])
        arrows.append(ids.pop() if len(ids) > 1 else ids[0])
    return Picture(svg, graph.box_of, arrows)


def _graph(history: History, fold: Fold, parameters: Iterable[Value]) -> Graph:
    """The graph of the whole history or of its scope, folded if it is too large."""
    full = complete(history.full)
    kinds = kinds_of(full.walk.nodes, history.full_scopes, {id(parameter) for parameter in parameters})
    if history.scope is None:
        return Painter(full, kinds, history.scopes).graph(fold, SCROLLED)
    part = Part(full.full, history.walk, [*history.origin], [])
    return Painter(part, [kinds[place] for place in history.origin], history.scopes).graph(fold, SCROLLED)


def _prepared(graph: Graph, history: History, words: Words, live: bool) -> Graph:
    """The graph with the names that the page uses, and with the widest numbers that each box will have."""
    edges = graph.edges
    if live:
        edges = [replace(edge, derivative=USUAL) if edge.derivative is not None else edge for edge in edges]
    return replace(graph, boxes=[_named(box, history, words, live) for box in graph.boxes], edges=edges)


def _named(box: Box, history: History, words: Words, live: bool) -> Box:
    if box.kind == "constant":
        return box
    if not box.id.startswith("v"):
        return replace(box, grad=WIDE)
    place = int(box.id[1:])
    operation = words.operation(place)
    gradients = [history.upstream(place), *(history.edge(number)[2] for number in history.additions(place))]
    data: Any = box.data
    if live:
        gradients.append(USUAL)
        data = _widest([history.datum(place), USUAL])
    spelled = operation if box.count == 1 and len(operation) <= LONGEST_OPERATION else box.operation
    return replace(box, name=words.name(place), operation=spelled, data=data, grad=_widest(gradients))


def _widest(numbers: Iterable[float]) -> float:
    """The number that takes most room; one that is not finite might be any."""
    widest = max(numbers, key=lambda number: len(number_text(number)))
    return widest if math.isfinite(widest) else WIDE


def as_html(svg: str, words: Words, live: bool = False) -> str:
    """SVG as a renderer writes it, with nothing left but shapes and text, and the numbers of boxes marked as such."""
    root = _stripped(ET.fromstring(svg))
    for group in root.iter("g"):
        if "node" in group.get("class", "").split():
            _mark_numbers(group)
        if "edge" in group.get("class", "").split():
            _say_once(group, live)
    root.attrib |= USUAL_TEXT | {"role": "img"}
    root.set("aria-label", f"The graph of {words.loss}: {len(words.history.nodes)} Values; the table has the same")
    return ET.tostring(root, encoding="unicode").replace(" />", "/>")


def _say_once(edge: ET.Element, live: bool) -> None:
    """What the parts of an arrow have in common becomes the group's; what all arrows have the page's style says."""
    edge.attrib |= {"fill": LINE, "stroke": LINE}
    for part in edge:
        part.text = part.text and part.text.strip()  # what keeps it clear of the line is the drawing's
        if live and (part.text or "").startswith("×"):
            part.text = "×"  # the page writes the number
        part.attrib = {key: text for key, text in part.attrib.items() if text != LINE and EDGES.get(key) != text}


def _outline(path: str) -> str:
    """Of a rounded box, whose sides the renderer writes as curves: the sides as lines. Other paths as they are."""
    first, *points = re.findall(r"[^MC ]+", path)
    if first != points[-1]:
        return path
    here, made = first, f"M{first}"
    for control, other, end in zip(*[iter(points)] * 3, strict=True):
        made += f"L{end}" if (control, other) == (here, end) else f"C{control} {other} {end}"
        here = end
    return made


def _stripped(element: ET.Element) -> ET.Element:
    """The element without namespaces, links, titles and whatever else a page has no use for."""
    given = {key: DECIMALS.sub(_tenths, text) for key, text in element.attrib.items() if key in ATTRIBUTES}
    made = ET.Element(_local(element.tag), given)
    if made.tag == "polygon":
        made.set("points", re.sub(r"^(\S+)( .*) \1$", r"\1\2", given["points"]))  # it closes by itself
    if made.tag == "path":
        made.set("d", _outline(given["d"]))
    if made.tag == "text":
        made.attrib = {key: text for key, text in given.items() if (USUAL_TEXT | {"text-anchor": "start"}).get(key) != text}
    made.text = (element.text or "").replace(" ", "\u00a0") if made.tag == "text" else None  # HTML would drop the outer ones
    waiting = list(element)
    while waiting:
        child = waiting.pop(0)
        if not isinstance(child.tag, str):
            continue
        if _local(child.tag) == "a" or child.get("id", "").startswith("a_"):  # around what has a tooltip
            waiting[:0] = list(child)
        elif _local(child.tag) in TAGS:
            made.append(_stripped(child))
    return made


def _tenths(number: re.Match[str]) -> str:
    """A tenth of a point is finer than a screen."""
    return f"{float(number[0]):.1f}".removesuffix(".0")


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _mark_numbers(group: ET.Element) -> None:
    """Of each line one text: a name and what it is; ``data`` or ``grad`` and its number, for the page to write.

    A browser's letters may be wider than the renderer's, and would run into what has a place of its own.
    """
    line: ET.Element | None = None
    for text in [*group.iter("text")]:
        label = (text.text or "").strip()
        if line is not None and text.get("y") == line.get("y"):
            kind = line[0].text if line[0].get("class") == "key" else None
            group.remove(text)
            if kind is None:
                line[0].tail = text.text
            else:
                ET.SubElement(line, "tspan", {"class": kind})
        elif label in ("data", "grad"):
            line = _begun(text, "key", label)
        elif text.attrib.pop("font-weight", None):
            line = _begun(text, "name", text.text)


def _begun(line: ET.Element, kind: str, text: str | None) -> ET.Element:
    """The line with its text in a part of its own."""
    for key in ("font-size", "fill"):  # which the page's style has for all of them
        line.attrib.pop(key, None)
    line.text = None
    ET.SubElement(line, "tspan", {"class": kind}).text = text
    return line
