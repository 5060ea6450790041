"""Runs a script under the debugger, which stops at each of its ``backward()`` calls; the script's errors stay its own."""

from __future__ import annotations

import io
import os
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, ModuleType

from autodiff.debugger.history import History
from autodiff.debugger.terminal import Terminal
from autodiff.errors import AutodiffError
from autodiff.value import Value, set_stopper


class _Quit(BaseException):
    """The person has ended the script."""


def run(script: str, arguments: Sequence[str] = (), commands: Iterable[str] = ()) -> int:
    """Run a script as ``python script.py`` does, and step through each ``backward()`` before it happens; the exit status.

    ``commands`` are run at the first stop, as if typed. Where the script raises, its own traceback is printed. Raises
    ``OSError`` for a script that cannot be read.
    """
    code = _compiled(script)
    if code is None:
        return 1
    terminal, stops = Terminal(commands), 0

    def stop(loss: Value, seed: float) -> None:
        nonlocal stops
        if threading.current_thread() is not threading.main_thread():
            return
        stops += 1
        where = _calling_line()
        try:
            history = History(loss, seed)
        except AutodiffError as error:
            terminal.say(f"backward() {stops}{where}: {error}")
            return
        size = f"{len(history.nodes):,} Values, {len(history):,} events"
        before = set_stopper(None)  # what the person calls from here does not stop again
        outcome = terminal.interact(history, f"backward() {stops}{where}: {size}")
        if outcome == "quit":
            raise _Quit
        set_stopper(before if outcome == "continue" else None)

    with _as_main(script, arguments) as module:
        before = set_stopper(stop)
        try:
            exec(code, vars(module))
            status = 0
        except _Quit:
            status = 0
        except SystemExit as leaving:
            status = _status(leaving)
        except BaseException as error:
            _print_traceback(error, script)
            status = 1
        finally:
            set_stopper(before)
    if not stops and not status:
        print(f"autodiff: {script} has ended without calling backward(): there was nothing to step through", file=sys.stderr)
    return status


def _compiled(script: str) -> CodeType | None:
    """The code of a script; None where it is no Python, which has then been said as Python says it."""
    with io.open_code(script) as file:
        source = file.read()
    try:
        return compile(source, script, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        traceback.print_exception(type(error), error, None)
        return None


@contextmanager
def _as_main(script: str, arguments: Sequence[str]) -> Iterator[ModuleType]:
    """A fresh ``__main__`` for the script, with its arguments and its folder first on the path."""
    module = ModuleType("__main__")
    vars(module).update(__file__=script, __builtins__=__builtins__)
    before = sys.argv, sys.path[:], sys.modules["__main__"]
    sys.argv = [script, *arguments]
    # ``python -m`` put the folder one is in first; a script has its own
    sys.path[:1] = [str(Path(script).resolve().parent)]
    sys.modules["__main__"] = module
    try:
        yield module
    finally:
        sys.argv, sys.path[:], sys.modules["__main__"] = before


def _calling_line() -> str:
    """Where the user's code called ``backward()``: the nearest frame outside of this package."""
    package = os.path.dirname(os.path.dirname(__file__)) + os.sep
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(package):
        frame = frame.f_back
    return f" at {os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"


def _status(leaving: SystemExit) -> int:
    """The exit status that Python would make of ``sys.exit(...)``."""
    if leaving.code is None:
        return 0
    if isinstance(leaving.code, int):
        return leaving.code
    print(leaving.code, file=sys.stderr)
    return 1


def _print_traceback(error: BaseException, script: str) -> None:
    """The traceback as the script alone would have had it: without the frames that ran it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != script:
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace or error.__traceback__)
