"""Mermaid text for a graph: Markdown viewers draw it by themselves.

They refuse more than 500 edges or 50,000 characters, so a graph for them is folded further than a picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from autodiff.drawing.boxes import Box, Edge, Kind, Span
from autodiff.drawing.fold import Budget
from autodiff.drawing.model import Graph, in_scopes
from autodiff.graph.symbols import counted, number_text

BUDGET = Budget(200, 450, 25)
MOST_CHARACTERS = 40  # of a name

SHAPES: dict[Kind, tuple[str, str]] = {
    "leaf": ('("', '")'),
    "parameter": ('("', '")'),
    "input": ('("', '")'),
    "constant": ('(["', '"])'),
    "operation": ('["', '"]'),
    "loss": ('[["', '"]]'),
    "folded": ('[/"', '"/]'),
}
NEEDS_CODE = re.compile(r"[^\w\s…·×−√∛σ∂⌊⌋‖²³⁰-⁹⁻]|_", re.ASCII)


def mermaid(graph: Graph, colours: dict[Kind, tuple[str, str]], edges: str | None) -> str:
    """The graph as a flowchart. ``colours`` are fill and border of each kind."""
    lines = ["flowchart LR", *(f"%% {encoded(note)}" for note in graph.notes), *clusters(graph.boxes)]
    lines += [edge_line(edge, edges) for edge in graph.edges]
    for kind, (fill, border) in colours.items():
        ids = [box.id for box in graph.boxes if box.kind == kind]
        if ids:
            lines += [f"classDef {kind} fill:{fill},stroke:{border},color:#1f2328", f"class {','.join(ids)} {kind}"]
    return "\n".join(lines) + "\n"


def clusters(boxes: list[Box]) -> Iterator[str]:
    """The boxes, those of one scope in a subgraph of its own."""
    number = 0
    for closed, opened, _, inside in in_scopes(boxes):
        yield from ["end"] * closed
        for name in opened:
            yield f'subgraph s{number}["{encoded(name)}"]'
            number += 1
        yield from map(box_line, inside)


def box_line(box: Box) -> str:
    before, after = SHAPES[box.kind]
    name, operation = encoded(box.name), encoded(box.operation)
    means = ": " if box.kind == "folded" else " = "
    lines = [f"{name}{means}{operation}" if name and operation else name or operation]
    lines.append(f"data {span_text(box.data)}" if box.kind != "constant" else span_text(box.data))
    if box.kind != "constant":
        lines.append("grad not computed" if box.grad is None else f"grad {span_text(box.grad)}")
    return f"{box.id}{before}{'<br>'.join(filter(None, lines))}{after}"


def span_text(value: float | Span) -> str:
    return f"{number_text(value.low)} … {number_text(value.high)}" if isinstance(value, Span) else number_text(value)


def edge_line(edge: Edge, edges: str | None) -> str:
    if edge.derivative is None and edge.count == 1:
        return f"{edge.operand} -.-> {edge.result}"
    shown = edge.flow if edges == "flow" else edge.derivative
    text = counted(edge.count, "edge") if edge.count > 1 else None if shown is None else number_text(shown)
    if edges is None or text is None:
        return f"{edge.operand} --> {edge.result}"
    return f'{edge.operand} -- "{"×" * (edges == "local" and edge.count == 1)}{text}" --> {edge.result}'


def encoded(text: str) -> str:
    """Text with everything that Mermaid or Markdown could take for their own as entity codes."""
    if len(text) > MOST_CHARACTERS:
        text = text[: MOST_CHARACTERS - 1] + "…"
    text = " ".join(text.split())
    return NEEDS_CODE.sub(lambda found: f"#{ord(found[0])};" if ord(found[0]) < 0xD800 or ord(found[0]) > 0xDFFF else "�", text)
