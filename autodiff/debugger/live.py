"""A page in a notebook that stays in step with Python while a loop trains: ``ad.live(loss)``."""

from __future__ import annotations

import secrets
import sys
import time
from types import TracebackType
from typing import Any

from autodiff.debugger.page import Page, as_script_data, finite, of_same_form, page_and_data
from autodiff.drawing.model import Fold
from autodiff.engine.recording import watching
from autodiff.engine.value import Value, topological_order
from autodiff.errors import NotebookNotFound

PAUSE = 0.1  # seconds between two updates, at the least
SHARE = 10  # and so many times what the last one took, so that the loop has nine tenths of the time
NUMBERS = {"data", "local"}  # what a page that computes finds out by itself


class LiveView:
    """A page of a loss in the output of a notebook's cell; ``live(loss)`` makes one.

    ``update(loss)`` shows what the loss is now, at most ten times a second, and at the end of the cell the last of them.
    As a context manager it follows by itself each ``backward()`` of a loss of the same form inside, that of ``nn.fit`` too.
    """

    def __init__(self, loss: Value, shell: Any, options: dict[str, Any]):
        self._loss, self._shell, self._options = loss, shell, options
        self._name = f"autodiff-{secrets.token_hex(8)}"
        self._again, self._hooked = 0.0, False
        self._waiting: tuple[Value, bool] | None = None  # what to show, and whether in any form
        self._watching: Any = None
        self._show(first=True)

    def update(self, loss: Value | None = None) -> None:
        """Show ``loss`` as it is now: the one that is shown, its leaves with other numbers, or another recording.

        One that is recorded as that was, by the same operations of the same Values, changes its numbers where the page stands;
        any other makes the page anew. Within a tenth of a second of the last one the call only remembers what to show.
        Raises as ``page`` does.
        """
        if loss is not None and not isinstance(loss, Value):
            raise TypeError(f"update() takes the loss to show, a Value, not {type(loss).__name__}")
        self._told(loss or self._loss, True)

    def flush(self) -> None:
        """Show at once what the last ``update`` was given."""
        if self._waiting is None:
            return
        (loss, anyway), self._waiting = self._waiting, None
        begun = time.monotonic()
        message = self._message(loss)
        if message is None and not anyway:
            message = self._message(self._loss)  # of another form, such as a short last batch: what is shown, as it is now
        if message is None:
            self._loss = loss
            self._show(first=False)
        else:
            self._display(self._channel, _sending(self._name, message), update=True)
        ended = time.monotonic()
        self._again = ended + max(PAUSE, SHARE * (ended - begun))

    def _told(self, loss: Value, anyway: bool) -> None:
        self._waiting = loss, anyway
        if time.monotonic() >= self._again:
            self.flush()
        elif not self._hooked:
            self._shell.events.register("post_run_cell", self._at_the_end)
            self._hooked = True

    def _at_the_end(self, *_: Any) -> None:
        self._shell.events.unregister("post_run_cell", self._at_the_end)
        self._hooked = False
        self.flush()

    def __enter__(self) -> LiveView:
        self._watching = watching(
            seen=lambda loss, _file, _line: self._told(loss, False),
            replayed=lambda _loss, _parameters: self._told(self._loss, False),
        )
        self._watching.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._watching.__exit__(None, None, None)
        self.flush()

    @property
    def _channel(self) -> str:
        return f"{self._name}-numbers"

    def _show(self, first: bool) -> None:
        """The page, whole."""
        made, self._data = page_and_data(self._loss, begin=False, **self._options)
        self._form = _form(topological_order(self._loss))
        self._display(self._name, made.frame(self._name), not first, made)
        if first:
            self._display(self._channel, "", update=False)

    def _message(self, loss: Value) -> dict[str, Any] | None:
        """What there is to tell the page; None for a loss of another form, which it cannot show."""
        order = topological_order(loss)
        form, computes = _form(order), "kinds" in self._data
        if form[:2] != self._form[:2]:
            return None
        self._loss = loss
        numbers = [finite(node.data) for node in order if not node.op]
        if form == self._form and computes and not self._data["refused"]:
            return {"changes": {}, "numbers": numbers}
        there = of_same_form(loss, self._data, computes, self._options["seed"], self._options["parameters"])
        if there is None:
            return None
        changes = {key: there[key] for key in there if there[key] != self._data[key]}
        self._data, self._form = there, form
        if not computes or there["refused"]:
            return {"changes": changes}
        return {"changes": {key: changes[key] for key in changes.keys() - NUMBERS}, "numbers": numbers}

    def _display(self, name: str, text: str, update: bool, page: Page | None = None) -> None:
        data = {"text/html": text, "text/plain": repr(page) if page is not None else ""}
        self._shell.display_pub.publish(data=data, transient={"display_id": name}, update=update)


def live(
    loss: Value, *, seed: float = 1.0, fold: Fold = "auto", parameters: Any = (), computes: bool | None = None
) -> LiveView:
    """The page of a loss in a notebook, in step with Python while a loop trains.

    In a loop of one's own::

        view = ad.live(loss)                # in a cell: the page, at the end of its backward pass
        for _ in range(100):
            optimizer.zero_grad()
            ad.refresh(loss)                # or record it anew
            loss.backward()
            optimizer.step()
            view.update(loss)

    ``with ad.live(loss): nn.fit(...)`` needs no ``update``: each ``backward()`` of a loss of the same form is followed. The
    page is changed at most ten times a second and never for more than a tenth of the loop's time, and is up to date when the
    cell ends. It is sent numbers and stands where the reader has left it; the options are those of ``page``, ``computes`` its
    ``live``. The cell's output carries the last state with it into the saved notebook.

    Raises ``NotebookNotFound`` outside of a notebook, and as ``page`` does.
    """
    shell = _notebook()
    if shell is None:
        raise NotebookNotFound(
            "live() changes a page in the output of a notebook's cell, and this program runs in none; "
            'ad.page(loss, "steps.html") writes the page as it is, and ad.record_run() one of a whole training'
        )
    options = {"seed": seed, "fold": fold, "parameters": tuple(parameters), "live": computes}
    return LiveView(loss, shell, options)


def _notebook() -> Any:
    """IPython's shell, if it shows HTML; in a terminal it does not."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return None if shell is None or type(shell).__name__ == "TerminalInteractiveShell" else shell


def _form(order: list[Value]) -> tuple[list[str], list[Any], list[float]]:
    """What two recordings have in common when they differ in the numbers of leaves alone: operations, operands, constants."""
    places = {id(node): place for place, node in enumerate(order)}
    operands: list[Any] = []
    constants: list[float] = []
    for node in order:
        if node.op:
            operands.append([places[id(x)] if isinstance(x, Value) else -1 for x in node.arguments])
            constants += [x for x in node.arguments if not isinstance(x, Value)]
    return [node.op for node in order], operands, constants


def _sending(name: str, message: dict[str, Any]) -> str:
    """A script that hands the frame of this name a message, now and whenever it is loaded anew: when a notebook is opened."""
    text = as_script_data(as_script_data(message))
    return (
        f'<script>(() => {{ const frame = document.getElementsByName("{name}")[0]; if (!frame) return; '
        f'const send = () => frame.contentWindow.postMessage({{ autodiff: {text} }}, "*"); frame.onload = send; send(); }})();'
        "</script>"
    )
