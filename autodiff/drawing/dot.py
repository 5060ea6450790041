"""DOT text for a graph: a box for each Value with its name, operation, data and gradient, an arrow for each use of it.

The background is transparent and the colours are made for light and dark pages alike: boxes bring their own light fill, what
stands on the page itself is mid-grey. The dark theme is the same text with other colours and a background of its own. In SVG
each box and each arrow has an id and a class, so that a page can restyle it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Literal

import graphviz

from autodiff.drawing import render
from autodiff.drawing.boxes import Box, Edge, Kind, Span
from autodiff.drawing.model import Graph, in_scopes
from autodiff.drawing.scale import Scale
from autodiff.errors import AutodiffError
from autodiff.graph.symbols import number_text

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
ROOM = {"ranksep": "0.9"}  # for what crosses
AS_GIVEN = {"mclimit": "0.01"}  # the order of boxes
UNSIZED = re.compile("fillcolor=[^ ]*|penwidth=[^ ]*")  # what a look leaves to the size of the gradient
INK = "#1f2328"  # on the light fill of a box
NODE = {"shape": "box", "fontname": "Helvetica", "fontsize": "12", "fontcolor": INK, "margin": "0.06,0.03", "height": "0"}
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
    "folded": 'shape=box3d margin="0.1,0.07" style=filled fillcolor="#eee6f7" color="#8260a8"',
}
COLOURS: dict[Kind, tuple[str, str]] = {
    kind: (re.findall(r'fillcolor="(.*?)"', look)[0], re.findall(r' color="(.*?)"', look)[0]) for kind, look in LOOK.items()
}
# What the legend calls the kinds, in this order.
WORDS: dict[Kind, str] = {
    "input": "input",
    "leaf": "leaf",
    "parameter": "parameter",
    "constant": "plain number",
    "operation": "operation",
    "folded": "several, folded",
    "loss": "result",
}
FAINT = "#57606a"
ALARM = "#c62828"  # a fill under white text
ALARM_LINE = "#dd4b4b"  # on the page
NOT_COMPUTED = f'<FONT COLOR="{FAINT}"><I>not computed</I></FONT>'
# The dark theme: what stands for each of the light colours.
DARK = {
    "#eceff3": "#2b333e", "#758195": "#8b98ab", "#dceafd": "#1b3556", "#3b7dc4": "#5b9de0", "#dbf2e1": "#1a3b27",
    "#37905b": "#53b57c", "#f3f4f6": "#22272e", "#7d838d": "#8d949e", "#fdf6e3": "#3a3120", "#a98430": "#c8a24b",
    "#fbe3e4": "#48242a", "#c4484f": "#e5727a", "#eee6f7": "#33284a", "#8260a8": "#a78bd0", FAINT: "#a5aeb8",
    INK: "#e6edf3", "#757d89": "#98a1ac",
}  # fmt: skip
NIGHT = "#0d1117"
COLOUR = re.compile(r"""(?i)(color=")(#[0-9a-f]{6})(?=")""")  # quotation marks of the user's own are entities here

CELL, WIDE = 600, 1_000  # points: of a notebook's cell, and of what somebody may want to fold

EdgeText = Literal["local", "flow"] | None
Theme = Literal["light", "dark"]


class Drawing(graphviz.Digraph):  # type: ignore[misc]  # graphviz has no types
    """A ``graphviz.Digraph`` that finds a renderer by itself, and shows text in a notebook where there is none."""

    def pipe(self, *args: Any, **kwargs: Any) -> Any:
        """As ``graphviz.Digraph.pipe``. Raises ``RendererNotFound``."""
        if kwargs.keys() <= {"format", "encoding"} and render.is_users(
            args[0] if args else kwargs.get("format") or self.format
        ):
            drawn, encoding = render.picture(self.source, "svg"), kwargs.get("encoding")
            return drawn.decode(encoding) if encoding else drawn
        with render.dot_binary(render.find_renderer()):
            return super().pipe(*args, **kwargs)

    def render(self, *args: Any, **kwargs: Any) -> Any:
        """As ``graphviz.Digraph.render``. Raises ``RendererNotFound``."""
        with render.dot_binary(render.find_renderer()):
            return super().render(*args, **kwargs)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str | bytes]:
        wanted = {"image/svg+xml", "text/html"} if include is None else set(include)
        wanted -= set(exclude or ())
        bundle: dict[str, str | bytes] = {}
        try:
            if {"image/svg+xml", "text/html"} & wanted:
                svg = render.picture(self.source, "svg").decode()
                if "image/svg+xml" in wanted:
                    bundle["image/svg+xml"] = svg
                if "text/html" in wanted and (scrolling := in_a_cell(svg)):
                    bundle["text/html"] = scrolling
            if "image/png" in wanted:
                bundle["image/png"] = render.picture(self.source, "png")
        except AutodiffError as error:
            bundle["text/plain"] = f"{error}\n\n{self.source}"
        return bundle


def in_a_cell(svg: str) -> str:
    """A picture that is wider than a notebook's cell as HTML that scrolls there, at its own size; empty for any other."""
    size = re.search(r'<svg [^>]*?width="(\d+)[\d.]*pt" height="(\d+)', svg)
    if size is None or int(size[1]) <= CELL:
        return ""
    picture = svg[size.start() :].replace('style="', 'style="max-width: none; ', 1)
    hint = (
        f"<small>{int(size[1]):,} × {int(size[2]):,} points: it scrolls. ad.draw(loss, fold=[…]) folds the scopes of these "
        "names; depth=, only= and top= draw a part.</small>"
    )
    return f'<div tabindex="0" style="overflow-x: auto; max-width: 100%">{picture}</div>{hint if int(size[1]) > WIDE else ""}'


def digraph(
    graph: Graph, edges: EdgeText = "local", heat: bool = False, theme: Theme = "light", legend: bool = False
) -> Drawing:
    """The graph as DOT, in a Digraph."""
    scale = Scale([*sizes_of(graph)], dark=theme == "dark") if heat else None
    quiet = graph.quiet
    body = [*box_lines(graph.boxes, scale), *(edge_line(edge, None if quiet else edges, scale, quiet) for edge in graph.edges)]
    wide = quiet and scale is None and any(edge.count > 1 for edge in graph.edges)
    notes = [*graph.notes, "the wider an edge, the more edges it stands for"] if wide else graph.notes
    kinds = [kind for kind in WORDS if any(box.kind == kind for box in graph.boxes)] if legend else []
    look = (ROOM if quiet else {}) | (AS_GIVEN if any(map(is_neuron, graph.boxes)) else {})
    return drawing(body, caption_of(notes, scale, kinds), theme, look)


def drawing(body: list[str], caption: str, theme: Theme, look: dict[str, str]) -> Drawing:
    """Lines of DOT in light colours as a Digraph, with a caption under it and some attributes of its own."""
    graph = GRAPH | look | ({"label": f"<{caption}>", "labelloc": "b", "labeljust": "l"} if caption else {})
    attributes = [graph, NODE, EDGE]
    if theme == "dark":
        body = [in_the_dark(line) for line in body]
        attributes = [{key: DARK.get(text, in_the_dark(text)) for key, text in each.items()} for each in attributes]
        attributes[0]["bgcolor"] = NIGHT
    graph, node, edge = attributes
    return Drawing("autodiff", format="svg", graph_attr=graph, node_attr=node, edge_attr=edge, body=body)


def in_the_dark(text: str) -> str:
    """DOT with the dark theme's colours in the place of the light ones."""
    return COLOUR.sub(lambda found: found[1] + DARK.get(found[2], found[2]), text)


# ---- the legend -------------------------------------------------------------------------------------------------------------


def sizes_of(graph: Graph) -> Iterator[float]:
    """The gradients that colours and widths stand for: those of the boxes, and what flows along the edges."""
    for box in graph.boxes:
        if isinstance(box.grad, Span):
            yield from (box.grad.low, box.grad.high)
        elif box.grad is not None:
            yield box.grad
    for edge in graph.edges:
        if edge.flow is not None:
            yield edge.flow


def caption_of(notes: list[str], scale: Scale | None, kinds: list[Kind]) -> str:
    """What the picture says about itself, and what its colours mean; empty if there is nothing to say."""
    lines = [html(note) for note in notes]
    if len(kinds) > 1:
        lines.append("   ".join(f'<FONT COLOR="{COLOURS[kind][1]}">■</FONT> {WORDS[kind]}' for kind in kinds))
    if scale is not None:
        samples = [
            f'<TD BGCOLOR="{scale.fill(size)}" COLOR="{scale.colour(size)}" BORDER="{round(scale.width(size))}">'
            f'<FONT COLOR="{INK}">{number_text(float(f"{size:.2g}"))}</FONT></TD>'
            for size in scale.samples()
        ]
        lines.append(
            f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="2"><TR><TD>size of the gradient</TD>{"".join(samples)}</TR></TABLE>'
        )
    return rows(lines)


def rows(lines: list[str]) -> str:
    """Lines of HTML-like text one below the other."""
    cells = "".join(f'<TR><TD ALIGN="LEFT">{line}</TD></TR>' for line in lines)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{cells}</TABLE>' if lines else ""


# ---- boxes ------------------------------------------------------------------------------------------------------------------


def box_lines(boxes: list[Box], scale: Scale | None) -> Iterator[str]:
    """The boxes, those of one scope in a cluster of its own, inside the cluster of the scope around it."""
    clusters = 0
    depth = 0
    for closed, opened, inside, members in in_scopes(boxes):
        yield from ("\t" * level + "}\n" for level in range(depth, depth - closed, -1))
        depth = inside
        for name, level in zip(opened, range(inside - len(opened), inside), strict=True):
            yield "\t" * (level + 1) + f"subgraph cluster_{clusters} {{\n"
            yield (
                "\t" * (level + 2)
                + f'id=s{clusters} class=scope labelloc=t labeljust=c label=<{html(name)}> tooltip="{quoted(name)}"\n'
            )
            clusters += 1
        for box in from_below(members):
            yield "\t" * (inside + 1) + box_line(box, scale)


def from_below(members: list[Box]) -> list[Box]:
    """The boxes of a cluster, so that the first comes out on top: Graphviz stacks what is side by side, neurons, upwards."""
    return [box for box in members if not is_neuron(box)] + [box for box in reversed(members) if is_neuron(box)]


def is_neuron(box: Box) -> bool:
    """Whether it is one of several parts of a module that are numbered."""
    return box.kind == "folded" and box.name.rpartition(".")[2].isdigit()


def box_line(box: Box, scale: Scale | None) -> str:
    classes = box.kind if finite(box.data) and finite(box.grad) else f"{box.kind} nonfinite"
    look = LOOK[box.kind]
    if scale is not None and box.grad is not None:
        size = box.grad.largest() if isinstance(box.grad, Span) else box.grad
        if size and math.isfinite(size):
            width = min(max(scale.width(size), 1), 3)
            look = f'{UNSIZED.sub("", look)} fillcolor="{scale.fill(size)}" penwidth={width}'
    return f'{box.id} [id={box.id} class="{classes}" {look} tooltip="{quoted(box.tooltip)}" label=<{label(box)}>]\n'


def finite(number: float | Span | None) -> bool:
    return number is None or (not number.odd if isinstance(number, Span) else math.isfinite(number))


def label(box: Box) -> str:
    """A table of lines: name and operation, data, gradient. A constant is its number alone."""
    name = f"<B>{html(box.name)}</B>" if box.name else ""
    means = ": " if box.kind == "folded" else " = "
    title = f"{name}{means}{html(box.operation)}" if name and box.operation else name or html(box.operation)
    lines = f"<TR><TD>{title}</TD></TR>" if title else ""
    lines += number_line("" if box.kind == "constant" else "data", box.data)
    if box.kind != "constant":
        lines += number_line("grad", box.grad)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">{lines}</TABLE>'


def number_line(word: str, number: float | Span | None) -> str:
    """A line of a label; nan and inf are marked, whatever else there is to look at."""
    if number is None:
        text = NOT_COMPUTED
    elif isinstance(number, Span):
        text = (
            number_text(number.low) if number.low == number.high else f"{number_text(number.low)} … {number_text(number.high)}"
        )
        if number.odd:
            return alarm(word, f"{number.odd:,} nan or inf")
    else:
        text = number_text(number)
        if not math.isfinite(number):
            return alarm(word, text)
    small = f'<FONT COLOR="{FAINT}" POINT-SIZE="10">{word}</FONT> ' if word else ""
    return f'<TR><TD ALIGN="LEFT">{small}{text}</TD></TR>'


def alarm(word: str, text: str) -> str:
    return f'<TR><TD ALIGN="LEFT" BGCOLOR="{ALARM}"><FONT COLOR="white">{word} <B>{text}</B></FONT></TD></TR>'


# ---- edges ------------------------------------------------------------------------------------------------------------------


def edge_line(edge: Edge, edges: EdgeText, scale: Scale | None, quiet: bool) -> str:
    ends = f"\t{edge.operand} -> {edge.result}"
    if edge.count == 1 and edge.derivative is None:
        return f"{ends} [id={edge.id} class=constant style=dashed]\n"
    attributes = f"id={edge.id}"
    text = "" if quiet else edge_text(edge, edges)
    if text:
        attributes += f' label=" {text} "'  # the blanks keep it clear of borders and arrowheads
    attributes += f' tooltip="{edge_tooltip(edge)}"'
    shown = [x for x in (edge.derivative, edge.flow) if x is not None]
    if not all(map(math.isfinite, shown)):
        attributes += f' class=nonfinite color="{ALARM_LINE}" fontcolor="{ALARM_LINE}"'
    elif scale is not None and edge.flow is not None:
        attributes += f' color="{scale.colour(edge.flow)}" penwidth={scale.width(edge.flow)}'
        attributes += "" if edge.flow else " style=dotted"
    elif edge.count > 1:
        attributes += f" penwidth={min(1 + math.log10(edge.count), 4):.1f}"
    return f"{ends} [{attributes}]\n"


def edge_text(edge: Edge, edges: EdgeText) -> str:
    if edge.count > 1:
        return f"{edge.count:,} edges"
    number = edge.derivative if edges == "local" else edge.flow if edges == "flow" else None
    if number is None:
        return ""
    text = number_text(number)
    return f"×{text}" if edges == "local" else text if text.startswith("−") else f"+{text}"


def edge_tooltip(edge: Edge) -> str:
    """The chain rule on one edge: local · upstream = what it contributes."""
    if edge.count > 1:
        return (
            f"{edge.count:,} edges"
            if edge.flow is None
            else f"{edge.count:,} edges; the largest contributes {number_text(edge.flow)}"
        )
    text = f"local derivative {number_text(edge.derivative or 0.0)}"
    return text if edge.flow is None else f"{text}, times the gradient above: contributes {number_text(edge.flow)}"


# ---- text -------------------------------------------------------------------------------------------------------------------

# Graphviz expands \N, \G and the like in HTML-like labels too, so a backslash is doubled.
ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\\": "\\\\", "\n": "<BR/>", "\t": "    "})
LONGEST = 1_000
# Tooltips it expands twice.
QUOTED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\\": 4 * "\\", "\n": "&#10;"})
UNDRAWABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def html(text: str) -> str:
    """The text for an HTML-like label, to be drawn as it is; what no XML may hold is drawn as a sign that stands for it."""
    return drawable(text).translate(ESCAPES)


def stand_in(character: str) -> str:
    """Unicode's picture of a control character; the replacement character for what is no character."""
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else "\ufffd"


def quoted(text: str) -> str:
    """The text for a double-quoted attribute that Graphviz expands and takes entities in, to be read as it is."""
    return drawable(text).translate(QUOTED)


def drawable(text: str) -> str:
    """The text as far as it can be drawn: Graphviz takes labels of no more than 16,384 characters, escapes included."""
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    return UNDRAWABLE.sub(lambda found: stand_in(found[0]), text.replace("\r\n", "\n"))
