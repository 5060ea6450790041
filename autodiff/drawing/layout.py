"""How large the picture of a graph will be, before anything lays it out.

Graphviz puts each box one column after the last of its operands, leaves right before their first use, and arrows that go
past a column between its boxes. The estimate counts just that, with the size of Helvetica's letters, so that a graph is folded
alike wherever it is drawn; it is within a quarter or so of what comes out.
"""

from __future__ import annotations

from itertools import accumulate

from autodiff.drawing.boxes import Box, Edge, Span
from autodiff.graph.symbols import number_text

LETTER, PADDING = 6.2, 26.0  # points
LINE, FRAME = 18.5, 10.0
LABELLED_COLUMNS, QUIET_COLUMNS = 60.0, 50.0
BETWEEN_BOXES, LANE, LABEL = 14.4, 22.0, 17.0


def extent(boxes: list[Box], edges: list[Edge], quiet: bool) -> tuple[float, float]:
    """Width and height in points, of a graph whose edges have labels unless it is quiet.

    Boxes come in order, operands before what uses them; an edge the other way has no say in the columns.
    """
    places = {box.id: place for place, box in enumerate(boxes)}
    ends = [(places[edge.operand], places[edge.result]) for edge in edges]
    columns = _columns(len(boxes), sorted((end for end in ends if end[0] < end[1]), key=lambda end: end[1]))
    count = max(columns, default=0) + 1
    widths, heights = [0.0] * count, [0.0] * count
    for box, column in zip(boxes, columns, strict=True):
        width, height = _size(box)
        widths[column] = max(widths[column], width)
        heights[column] += height + BETWEEN_BOXES
    past, beside = [0] * (count + 1), [0] * (count + 1)  # the arrows past a column, and those right behind it
    for operand, result in ends:
        first, last = sorted((columns[operand], columns[result]))
        if first < last:
            past[first + 1] += 1
            past[last] -= 1
            beside[first] += 1
            beside[last] -= 1
    between = QUIET_COLUMNS if quiet else LABELLED_COLUMNS
    lanes = [height + LANE * arrows for height, arrows in zip(heights, accumulate(past), strict=False)]
    labels = [LABEL * arrows for arrows in accumulate(beside)] if not quiet else []
    return sum(widths) + between * (count - 1), max([*lanes, *labels])


def _columns(count: int, ends: list[tuple[int, int]]) -> list[int]:
    """The column of each box; ``ends`` are in the order of their results."""
    columns = [0] * count
    used = [count] * count
    for operand, result in ends:
        columns[result] = max(columns[result], columns[operand] + 1)
    for operand, result in ends:
        used[operand] = min(used[operand], columns[result] - 1)
    inner = {result for _, result in ends}
    return [column if place in inner or used[place] == count else used[place] for place, column in enumerate(columns)]


def _size(box: Box) -> tuple[float, float]:
    if box.kind == "constant":
        return LETTER * len(_text(box.data)) + PADDING, LINE + FRAME
    title = len(box.name) * 1.1 + 3 * bool(box.name and box.operation) + len(box.operation)
    longest = max(title, 4 + len(_text(box.data)), 4 + len(_text(box.grad)))
    return LETTER * longest + PADDING, LINE * (3 if title else 2) + FRAME


def _text(number: float | Span | None) -> str:
    if number is None:
        return "not computed"
    return number_text(number) if isinstance(number, float) else f"{number_text(number.low)} … {number_text(number.high)}"
