"""DOT text for a graph: a box for each Value with its name, operation, data and gradient, an arrow for each use of it.

The background is transparent and the colours are made for light and dark pages alike: boxes bring their own light fill, what
stands on the page itself is mid-grey. In SVG each box and each arrow has an id and a class, so that a page can restyle it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import graphviz

from autodiff.drawing import render
from autodiff.drawing.model import Box, Edge, Graph, Kind, number_text
from autodiff.errors import AutodiffError

GRAPH = {
    "rankdir": "LR",
    "bgcolor": "transparent",
    "fontname": "Helvetica",
    "fontsize": "11",
    "fontcolor": "#757d89",
    "color": "#757d89",
    "style": "rounded",
    "nodesep": "0.2",
    "ranksep": "0.3",
}
NODE = {"shape": "box", "fontname": "Helvetica", "fontsize": "12", "fontcolor": "#1f2328", "margin": "0.06,0.03", "height": "0"}
EDGE = {
    "fontname": "Helvetica",
    "fontsize": "10",
    "fontcolor": "#757d89",
    "color": "#757d89",
    "arrowsize": "0.6",
}

# Shape and border tell the kinds apart without their colours.
LOOK: dict[Kind, str] = {
    "leaf": 'style="rounded,filled" fillcolor="#eceff3" color="#758195"',
    "parameter": 'style="rounded,filled" fillcolor="#dceafd" color="#3b7dc4" penwidth=2',
    "input": 'style="rounded,filled" fillcolor="#dbf2e1" color="#37905b"',
    "constant": 'style="rounded,filled,dashed" fillcolor="#f3f4f6" color="#7d838d"',
    "operation": 'style=filled fillcolor="#fdf6e3" color="#a98430"',
    "loss": 'style=filled fillcolor="#fbe3e4" color="#c4484f" peripheries=2',
}
FAINT = "#57606a"
ALARM = "#c62828"  # a fill under white text
ALARM_LINE = "#dd4b4b"  # on the page


class Drawing(graphviz.Digraph):  # type: ignore[misc]  # graphviz has no types
    """A ``graphviz.Digraph`` that finds a renderer by itself, and shows text in a notebook where there is none."""

    def pipe(self, *args: Any, **kwargs: Any) -> Any:
        """As ``graphviz.Digraph.pipe``. Raises ``RendererNotFound``."""
        with render.dot_binary(render.find_renderer()):
            return super().pipe(*args, **kwargs)

    def render(self, *args: Any, **kwargs: Any) -> Any:
        """As ``graphviz.Digraph.render``. Raises ``RendererNotFound``."""
        with render.dot_binary(render.find_renderer()):
            return super().render(*args, **kwargs)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str | bytes]:
        wanted = {"image/svg+xml"} if include is None else set(include)
        wanted -= set(exclude or ())
        bundle: dict[str, str | bytes] = {}
        try:
            if "image/svg+xml" in wanted:
                bundle["image/svg+xml"] = render.picture(self.source, "svg").decode()
            if "image/png" in wanted:
                bundle["image/png"] = render.picture(self.source, "png")
        except AutodiffError as error:
            bundle["text/plain"] = f"{error}\n\n{self.source}"
        return bundle


def digraph(graph: Graph) -> Drawing:
    """The graph as DOT, in a Digraph."""
    body = [*box_lines(graph.boxes), *map(edge_line, graph.edges)]
    return Drawing("autodiff", format="svg", graph_attr=GRAPH, node_attr=NODE, edge_attr=EDGE, body=body)


# ---- boxes ------------------------------------------------------------------------------------------------------------------


def box_lines(boxes: list[Box]) -> Iterator[str]:
    """The boxes, those of one scope in a cluster of its own, inside the cluster of the scope around it."""
    by_scope: dict[tuple[str, ...], list[Box]] = {}
    for box in boxes:
        by_scope.setdefault(tuple(box.scope.split(".")) if box.scope else (), []).append(box)
    opened: tuple[str, ...] = ()
    clusters = 0
    for scope in sorted(by_scope):  # a scope comes right before those inside it
        shared = common_length(opened, scope)
        for depth in range(len(opened), shared, -1):
            yield "\t" * depth + "}\n"
        for depth in range(shared, len(scope)):
            label = html(scope[depth])
            yield "\t" * (depth + 1) + f"subgraph cluster_{clusters} {{\n"
            yield "\t" * (depth + 2) + f"id=s{clusters} class=scope label=<{label}>\n"
            clusters += 1
        for box in by_scope[scope]:
            yield "\t" * (len(scope) + 1) + box_line(box)
        opened = scope
    for depth in range(len(opened), 0, -1):
        yield "\t" * depth + "}\n"


def common_length(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    length = 0
    while length < min(len(a), len(b)) and a[length] == b[length]:
        length += 1
    return length


def box_line(box: Box) -> str:
    numbers = [box.data] if box.grad is None else [box.data, box.grad]
    classes = box.kind if all(map(math.isfinite, numbers)) else f"{box.kind} nonfinite"
    return f'{box.id} [id={box.id} class="{classes}" {LOOK[box.kind]} label=<{label(box)}>]\n'


def label(box: Box) -> str:
    """A table of lines: name and operation, data, gradient. A constant is its number alone."""
    name = f"<B>{html(box.name)}</B>" if box.name else ""
    title = f"{name} = {html(box.operation)}" if name and box.operation else name or html(box.operation)
    lines = f"<TR><TD>{title}</TD></TR>" if title else ""
    lines += number_line("" if box.kind == "constant" else "data", box.data)
    if box.grad is not None:
        lines += number_line("grad", box.grad)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">{lines}</TABLE>'


def number_line(word: str, number: float) -> str:
    """A line of a label; nan and inf are marked, whatever else there is to look at."""
    if not math.isfinite(number):
        return (
            f'<TR><TD ALIGN="LEFT" BGCOLOR="{ALARM}"><FONT COLOR="white">{word} <B>{number_text(number)}</B></FONT></TD></TR>'
        )
    small = f'<FONT COLOR="{FAINT}" POINT-SIZE="10">{word}</FONT> ' if word else ""
    return f'<TR><TD ALIGN="LEFT">{small}{number_text(number)}</TD></TR>'


# ---- edges ------------------------------------------------------------------------------------------------------------------


def edge_line(edge: Edge) -> str:
    if edge.derivative is None:
        return f"\t{edge.operand} -> {edge.result} [id={edge.id} class=constant style=dashed]\n"
    attributes = f'id={edge.id} label="×{number_text(edge.derivative)}"'
    if not math.isfinite(edge.derivative):
        attributes += f' class=nonfinite color="{ALARM_LINE}" fontcolor="{ALARM_LINE}"'
    return f"\t{edge.operand} -> {edge.result} [{attributes}]\n"


# ---- text -------------------------------------------------------------------------------------------------------------------

# Graphviz expands \N, \G and the like in HTML-like labels too, so a backslash is doubled.
ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\\": "\\\\", "\n": "<BR/>", "\t": "    "})
UNDRAWABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def html(text: str) -> str:
    """The text for an HTML-like label, to be drawn as it is; what no XML may hold is drawn as a sign that stands for it."""
    text = UNDRAWABLE.sub(lambda found: stand_in(found[0]), text.replace("\r\n", "\n"))
    return text.translate(ESCAPES)


def stand_in(character: str) -> str:
    """Unicode's picture of a control character; the replacement character for what is no character."""
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else "\ufffd"
