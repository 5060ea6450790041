"""For the pages' own cells: a live page of a Value, written beside the site's pages and shown in a frame."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import autodiff as ad

PAGES = Path(__file__).parent / "_made" / "extra" / "pages"


class Frame:
    """What a notebook shows: the page in a frame, and a link to it alone."""

    def __init__(self, file: str, title: str, height: int):
        self.file, self.title, self.height = file, html.escape(title), height

    def _repr_html_(self) -> str:
        return (
            f'<figure class="live"><iframe src="pages/{self.file}" title="{self.title}" loading="lazy" height="{self.height}">'
            f'</iframe><figcaption>{self.title} <a href="pages/{self.file.partition("#")[0]}">The page by itself</a>'
            "</figcaption></figure>"
        )


def live(loss: Any, name: str, title: str, *, height: int = 640, at: str = "", **options: Any) -> Frame:
    """The live page of a Value, or a page that is there, under this name.

    ``at`` is the part of its address after the ``#``; without it a Value's page opens at the end of the backward pass.
    """
    page = ad.page(loss, **options) if isinstance(loss, ad.Value) else loss
    if isinstance(loss, ad.Value):
        at = at or f"step={len(ad.steps(loss))}"
    PAGES.mkdir(parents=True, exist_ok=True)
    page.write(PAGES / f"{name}.html")
    return Frame(f"{name}.html" + (f"#{at}" if at else ""), title, height)
