"""Tables as HTML, for what shows itself in a notebook."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

NUMBER = re.compile(r"[-−]?(\d|nan|inf)|$")


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> str:
    """A table with a title above it and a note below, all of it text; columns of numbers are aligned to the right."""
    rows = list(rows)
    sides = [
        "right" if place and all(map(NUMBER.match, column)) else "left" for place, column in enumerate(zip(*rows, strict=True))
    ]

    def row(cells: Sequence[str], tag: str) -> str:
        return "".join(
            f'<{tag} style="text-align: {side}; white-space: pre; padding: 2px 8px">{html.escape(cell)}</{tag}>'
            for cell, side in zip(cells, sides, strict=True)
        )

    if not rows:
        return f"<div>{html.escape(title)}</div>"
    parts = [f"<div>{html.escape(title)}</div><table>"]
    parts += [f"<thead><tr>{row(head, 'th')}</tr></thead>"] if head else []
    parts += ["<tbody>", *(f"<tr>{row(cells, 'td')}</tr>" for cells in rows), "</tbody></table>"]
    return "".join(parts) + (f"<small>{html.escape(note)}</small>" if note else "")


def sampled(count: int, most: int) -> list[int]:
    """The places of at most so many things, from the first to the last, evenly."""
    return list(range(count)) if count <= most else [place * (count - 1) // (most - 1) for place in range(most)]
