"""For the page on arrays: a program in groups as a graph, and the scalars that were recorded as points."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

import matplotlib

matplotlib.use("agg")
from matplotlib import pyplot
from matplotlib.patches import Rectangle

from autodiff.compiler import export
from autodiff.compiler.groups import Group, Groups
from autodiff.drawing.dot import LOOK, drawing, html

GREY, FAINT = "#757d89", "#9aa3ae"  # on light pages and on dark ones
COLOURS = ["#3b7dc4", "#37905b", "#a98430", "#c4484f", "#8260a8", "#2f8f9d", "#b0609a", "#6b7f2a"]


class Svg:
    """A picture that a notebook shows."""

    def __init__(self, figure: Any, words: str):
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": None, "Title": words})
        pyplot.close(figure)
        text = out.getvalue()
        self.text = text[text.index("<svg") :]

    def _repr_svg_(self) -> str:
        return self.text


def groups_of(f: Any) -> tuple[Groups, dict[int, tuple[str, str, str]]]:
    """The last program of a function as text has it, and what the results are called that it is given."""
    replay, recorded = f._replay(), export.recording(f)
    arrays = recorded.places(replay)
    groups = export.text_groups(replay, recorded.arguments, arrays)
    given = {}
    number = 0
    for argument in recorded.arguments:
        for path, shape, _ in argument.blocks:
            size = 1
            for length in shape:
                size *= length
            for result in groups.inputs[number : number + size]:
                given[result] = ("input", argument.name + path, shown(shape))
            number += size
    for array in arrays:
        for place in array.places:
            if place is not None:
                given[len(groups.constants) + place] = ("parameter", array.key, shown(array.shape))
    return groups, given


def shown(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "one number"


def title(group: Group) -> str:
    """What a group does, in a few words."""
    if group.kind == "Map":
        return {"held": "padded otherwise", "mul": "·", "div": "÷", "sub": "−", "neg": "−", "add": "+"}.get(
            group.op, group.op.replace("_", " ")
        )
    words = []
    for run in group.runs:
        if run.kind == "product" and run.depth > 1:
            words.append("matrix product")
        elif run.depth == 1:
            words.append("·" if len(run.operands) == 2 else "+" if run.sign == "+" else "−")
        else:
            words.append("products of matrices" if len(run.operands) == 2 and len(group.axes) > 2 else "Σ")
    return ", ".join(dict.fromkeys(words)) + (" over the samples" if group.kind == "Total" else "")


def size_of(group: Group) -> str:
    products = [run for run in group.runs if run.kind == "product"]
    shape = group.axes or ((products[0].rows, products[0].columns) if len(products) == 1 else (group.size,))
    lengths = [length for length in shape if length > 1] or [1]
    holes = "" if group.padding is None else f", {group.padding.mask.count(False)} padding"
    return shown(tuple(lengths)) + holes


def graph(f: Any, *, words: str = "") -> Any:
    """The groups as boxes, with how many results each has, and arrows where one takes what another made."""
    groups, given = groups_of(f)
    owner: dict[int, str] = {}
    body: list[str] = []
    leaves: dict[tuple[str, str, str], str] = {}
    for result, key in given.items():
        owner[result] = leaves.setdefault(key, f"leaf{len(leaves)}")
    arrows: Counter[tuple[str, str]] = Counter()
    used: set[str] = set()
    for number, group in enumerate(groups.groups):
        name = f"group{number}"
        if group.kind == "Total" and all(run.kind == "terms" and run.depth == 1 for run in group.runs):
            continue  # no line of its own
        if group.kind == "Sum" and [(run.kind, run.depth, run.sign) for run in group.runs] == [("terms", 1, "+")]:
            for r, x in enumerate(group.runs[0].operands[0].entries(group.size, 1)):
                owner[group.first + r] = owner[x]  # nor has this
            continue
        for r in range(group.first, group.first + group.size):
            owner[r] = name
        sources = {owner[x] for index, rows, columns in group.indices() for x in index.entries(rows, columns) if x in owner}
        for source in sources:
            arrows[source, name] += 1
        used |= sources
        kind = "loss" if group.kind == "Total" else "folded" if group.padding else "operation"
        lines = [f"<B>{html(title(group))}</B>", f'<FONT POINT-SIZE="10">{html(size_of(group))}</FONT>']
        body.append(f"\t{name} [{LOOK[kind]} label=<{'<BR/>'.join(lines)}>]\n")
    for (kind, called, shape), name in leaves.items():
        if name in used:
            label = f'<B>{html(called)}</B><BR/><FONT POINT-SIZE="10">{html(shape)}</FONT>'
            body.append(f"\t{name} [{LOOK[kind]} label=<{label}>]\n")  # type: ignore[index]
    body += [f"\t{a} -> {b}\n" for a, b in arrows]
    return drawing(body, html(words), "light", {"rankdir": "TB", "nodesep": "0.15", "ranksep": "0.25"})


def scalars(f: Any) -> Svg:
    """Left each operation of the program as a point, by its level; right the groups, each as high as it has rows."""
    groups, _ = groups_of(f)
    level: dict[int, int] = {}
    boxes = []
    for group in groups.groups:
        before = [level.get(x, 0) for index, rows, columns in group.indices() for x in index.entries(rows, columns)]
        here = 1 + max(before, default=0)
        for r in range(group.first, group.first + group.size):
            level[r] = here
        boxes.append((here, group))
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9.6, 3.6))
    at: Counter[int] = Counter()
    beside: Counter[int] = Counter()
    for here, group in boxes:
        colour = COLOURS[number_of(group) % len(COLOURS)]
        rows = [run.rows for run in group.runs if run.kind == "product"]
        high = min(group.size, rows[0] if len(rows) == 1 and rows[0] > 1 else group.size)
        wide = -(-group.size // high)
        for k in range(group.size):
            y = at[here] + k
            left.plot(here + 0.7 * (y // 32 % 12) / 12, y % 32, ".", color=colour, markersize=3)
        at[here] += group.size
        shape = Rectangle((here, beside[here]), 0.7, max(high, 2), facecolor=colour, edgecolor="none", alpha=0.85)
        right.add_patch(shape)
        if wide > 1:
            for k in range(1, min(wide, 8)):
                x = here + 0.7 * k / min(wide, 8)
                right.plot([x, x], [beside[here], beside[here] + max(high, 2)], color="white", linewidth=0.4)
        beside[here] += max(high, 2) + 2
    right.autoscale_view()
    for axes, words in ((left, f"{sum(at.values()):,} operations of scalars, by level"), (right, f"{len(boxes)} groups")):
        axes.invert_yaxis()
        axes.set_title(words, color=GREY, fontsize=10)
        axes.set_xlabel("level", color=GREY, fontsize=9)
        axes.set_yticks([])
        axes.tick_params(colors=GREY, labelsize=8)
        for side in axes.spines.values():
            side.set_visible(False)
    return Svg(figure, "Scalars and their groups")


def number_of(group: Group) -> int:
    return sum(map(ord, group.op or group.kind + "".join(run.kind for run in group.runs)))


def triangle(n: int) -> Svg:
    """The scores of attention as they are recorded, lists of 1 … n, and as one group of n × n with padding."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9.0, 3.2))
    for q in range(n):
        for k in range(n):
            if k <= q:
                left.add_patch(
                    Rectangle((k + 0.06, q + 0.06), 0.88, 0.7, facecolor=COLOURS[q % len(COLOURS)], edgecolor="none")
                )
            look: dict[str, Any] = {"facecolor": COLOURS[0], "edgecolor": "none"}
            if k > q:
                look = {"facecolor": "none", "edgecolor": FAINT, "hatch": "////", "linewidth": 0.5}
            right.add_patch(Rectangle((k, q), 0.96, 0.96, **look))
    for axes, words in (
        (left, f"before: {n} lists of 1, 2, … {n} scores"),
        (right, f"one group of {n} × {n}, padding hatched"),
    ):
        axes.set_xlim(-0.2, n + 0.2)
        axes.set_ylim(n + 0.2, -0.2)
        axes.set_aspect("equal")
        axes.set_title(words, color=GREY, fontsize=10)
        axes.set_xlabel("key", color=GREY, fontsize=9)
        axes.set_ylabel("query", color=GREY, fontsize=9)
        axes.set_xticks([])
        axes.set_yticks([])
        for side in axes.spines.values():
            side.set_visible(False)
    return Svg(figure, "Triangles become squares")
