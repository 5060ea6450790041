"""Drawing the graph of a Value: ``draw(loss)``, ``draw(loss, "graph.svg")``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import graphviz

from autodiff._support import files
from autodiff.drawing import fold as folding
from autodiff.drawing import mermaid
from autodiff.drawing.dot import COLOURS, EdgeText, Theme, digraph
from autodiff.drawing.model import Fold, check_fold, graph_of
from autodiff.drawing.network import Model, is_network, network
from autodiff.drawing.render import DIAGRAMS, path_and_format, set_renderer, write
from autodiff.engine.value import Value
from autodiff.errors import UnknownNameError

__all__ = ["draw", "set_renderer", "shown"]


def draw(
    loss: Value | Model,
    file: str | os.PathLike[str] | None = None,
    *,
    parameters: Iterable[Value] = (),
    fold: Fold = "auto",
    depth: int | None = None,
    only: Value | Iterable[Value] | None = None,
    top: int | None = None,
    edges: EdgeText = "local",
    heat: bool = False,
    theme: Theme = "light",
    legend: bool = True,
) -> graphviz.Digraph:
    """The graph of everything that ``loss`` was computed from, with data, gradients and local derivatives.

    Each Value is one box with the operation that made it; each arrow carries the local derivative ∂result/∂operand that the
    chain rule multiplies by, or with ``edges="flow"`` that times the gradient of the result: what this use contributes to the
    gradient of the operand; with ``edges=None`` nothing. A gradient that no ``backward()`` has computed is drawn as not
    computed. ``heat=True`` shows the size of gradients by colour and line width, on a logarithmic scale that a legend explains.
    The result shows itself in a notebook. With ``file`` it is written too, in the format of the suffix: .svg, .png, .pdf, .dot
    and .gv for DOT text, .mmd for Mermaid text. Leaves among ``parameters`` are drawn as such, others as inputs.
    ``theme="dark"`` is for dark pages, and ``legend=False`` leaves out what the colours of boxes mean.

    A graph of more than some 40 boxes is folded until it fits a page of about 1,600 × 1,000 points, and the picture says what
    was folded: scopes, long sums, and what is alike; where only stretches of the graph are left to fold it may be twice as
    wide and high. ``fold`` may also be the names of the scopes to fold, or None for nothing. Of a graph a part can be drawn:
    ``only`` the paths from some Values to the loss, the ``top`` strongest paths, those that contribute most to the gradients of
    their leaves, and what is at most ``depth`` operations from the loss.

    ``draw(model)`` draws a network itself, before any data: its layers as columns, each weight as a line whose colour is its
    sign and whose width its size. It takes ``file``, ``theme`` and ``legend``; the rest is for graphs.

    Raises ``TypeError`` for anything but a Value or a model, ``UnknownNameError`` for another suffix or option,
    ``NotInGraphError`` for ``only`` a Value that the loss was not computed from, ``GraphTooLarge`` for more than can be laid
    out unfolded, ``ShapeError`` for a model that is not layers of neurons one after the other, ``RendererFailed`` if the
    renderer draws nothing, and ``RendererNotFound`` if there is none here: then the DOT text is written beside ``file``.
    """
    if not isinstance(loss, Value) and not is_network(loss):
        raise TypeError(f"draw() takes a Value or a model, not {type(loss).__name__}")
    check_fold(fold)
    if edges not in ("local", "flow", None):
        raise UnknownNameError(f"edges={edges!r}: there are 'local', 'flow' and None")
    if theme not in ("light", "dark"):
        raise UnknownNameError(f"theme={theme!r}: there are 'light' and 'dark'")
    destination = None if file is None else path_and_format(file)
    as_text = destination is not None and destination[1] in DIAGRAMS
    if not isinstance(loss, Value):
        if as_text or (fold, depth, only, top, edges, heat, *parameters) != ("auto", None, None, None, "local", False):
            raise TypeError("draw(model) takes file= (no .mmd), theme= and legend=; the rest is for the graph of a Value")
        drawing = network(loss, theme, legend)
        if destination is not None:
            write(drawing.source, *destination)
        return drawing
    budget = mermaid.BUDGET if as_text else folding.PICTURE
    graph = graph_of(loss, parameters, fold=fold, budget=budget, depth=depth, only=only, top=top)
    drawing = digraph(graph, edges, heat, theme, legend)
    if destination is not None:
        if as_text:
            files.replace(destination[0], mermaid.mermaid(graph, COLOURS, edges).encode())
        else:
            write(drawing.source, *destination)
    return drawing


def shown(value: Value, include: Any = None, exclude: Any = None) -> dict[str, Any]:
    """What a notebook shows of a Value: its graph; its text where that cannot be drawn."""
    text = repr(value)
    try:
        bundle: dict[str, Any] = draw(value)._repr_mimebundle_(include, exclude)
        return {"text/plain": text} | bundle
    except Exception as error:  # whatever it is, a notebook must not show a traceback in place of a number
        return {"text/plain": f"{text}\n({type(error).__name__}: {error})"}
