"""Tables as HTML, for what shows itself in a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> str:
    """A table with a title above it and a note below, all of it text; the first column is left-aligned, numbers are not."""

    def row(cells: Sequence[str], tag: str) -> str:
        aligned = ("left" if place == 0 else "right" for place in range(len(cells)))
        return "".join(
            f'<{tag} style="text-align: {side}; white-space: pre">{html.escape(cell)}</{tag}>'
            for cell, side in zip(cells, aligned, strict=True)
        )

    parts = [f"<caption style='caption-side: top; text-align: left'>{html.escape(title)}</caption>"]
    parts += [f"<thead><tr>{row(head, 'th')}</tr></thead>"] if head else []
    parts += ["<tbody>", *(f"<tr>{row(cells, 'td')}</tr>" for cells in rows), "</tbody>"]
    return f"<table>{''.join(parts)}</table>" + (f"<small>{html.escape(note)}</small>" if note else "")


def sampled(count: int, most: int) -> list[int]:
    """The places of at most so many things, from the first to the last, evenly."""
    return list(range(count)) if count <= most else [place * (count - 1) // (most - 1) for place in range(most)]
