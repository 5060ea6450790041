"""Drawing the graph of a Value: ``draw(loss)``, ``draw(loss, "graph.svg")``."""

from __future__ import annotations

import os
from collections.abc import Iterable

import graphviz

from autodiff.drawing.dot import digraph
from autodiff.drawing.model import graph_of
from autodiff.drawing.render import path_and_format, write
from autodiff.value import Value

__all__ = ["draw"]


def draw(loss: Value, file: str | os.PathLike[str] | None = None, *, parameters: Iterable[Value] = ()) -> graphviz.Digraph:
    """The graph of everything that ``loss`` was computed from, with data, gradients and local derivatives.

    Each Value is one box with the operation that made it; each arrow carries the local derivative ∂result/∂operand that the
    chain rule multiplies by. The result shows itself in a notebook. With ``file`` it is written too, in the format of the
    suffix: .svg, .png, .pdf, or .dot and .gv for DOT text. Leaves among ``parameters`` are drawn as such, others as inputs.

    Raises ``TypeError`` for anything but a Value, ``UnknownNameError`` for another suffix, ``GraphTooLarge`` for more than can
    be laid out, ``RendererFailed`` if the renderer draws nothing, and ``RendererNotFound`` if there is none here: then the
    DOT text is written beside ``file``.
    """
    if not isinstance(loss, Value):
        raise TypeError(f"draw() takes a Value, not {type(loss).__name__}")
    destination = None if file is None else path_and_format(file)
    drawing = digraph(graph_of(loss, parameters))
    if destination is not None:
        write(drawing.source, *destination)
    return drawing
