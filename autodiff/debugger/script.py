"""Programs under a debugger: ``python -m autodiff debug script.py``, ``ad.debug(loss)``, ``breakpoint()``, ``ad.pm()``."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from bdb import BdbQuit
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

from autodiff._support import running, streams
from autodiff._support.frames import place_of
from autodiff._support.numbers import as_float
from autodiff.debugger.history import History
from autodiff.debugger.session import Outcome
from autodiff.debugger.terminal import Terminal, commands_in, own_commands
from autodiff.debugger.users_frame import UsersFrame, frames_of, users_frame
from autodiff.engine.recording import record_source, watching
from autodiff.engine.value import Value
from autodiff.errors import DebuggerError, GraphTooLarge


def add_to(commands: Any) -> None:
    """The command and its options."""
    command: argparse.ArgumentParser = commands.add_parser(
        "debug",
        help="run a script and step through each of its backward() calls",
        usage="python -m autodiff debug [-h] [-c COMMANDS] [-x FILE] (SCRIPT | -m MODULE) ...",
        description="Runs a script, and stops before each backward() that it calls: the forward and the backward pass are then "
        "walked through in both directions. Help lists the commands; continue at the end of a pass lets the script go on. "
        "Commands are also read from .adrc in the home and in this folder, before those given here.",
    )
    command.add_argument(
        "-c", "--command", action="append", default=[], metavar="COMMANDS", help="commands to begin with, separated by ;;"
    )
    command.add_argument("-x", action="append", default=[], type=Path, metavar="FILE", help="a file of commands to begin with")
    command.add_argument("-m", dest="module", action="store_true", help="SCRIPT is the name of a module, as python -m takes it")
    command.add_argument("script", metavar="SCRIPT", help="a Python file")
    command.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="the script's own arguments")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    commands = [*options.command, *(line for file in options.x for line in commands_in(file))]
    behind = ["--", *options.arguments] if options.arguments else []
    target = options.script if options.module else Path(options.script)
    return run(target, [*options.rest, *behind], Terminal([*own_commands(), *commands]))


class Front(Protocol):
    """Where a person sees a history and moves in it: the terminal, an editor."""

    def interact(self, history: History, introduction: str, frame: UsersFrame | None) -> Outcome:
        """Have a person step through a history, up to where the program goes on or ends."""

    def post_mortem(self, error: BaseException, frames: list[UsersFrame]) -> None:
        """Have a person look at what the program has raised; the innermost frame is the last."""

    def say(self, text: str) -> None:
        """Tell something that is no stop."""


class Quit(BaseException):
    """The person has ended the script."""


class Debugger:
    """Steps through each ``backward()`` before it happens, until the person wants no more of it."""

    def __init__(self, front: Front):
        self.front = front
        self.stops = 0
        self.wanted, self.over = True, False
        self.process = os.getpid()

    def stop(self, loss: Value, seed: Any, file: str, line: int) -> None:
        """What ``backward()`` calls first. In another thread, in a forked process, or during a stop, nothing happens."""
        in_main = threading.current_thread() is threading.main_thread() and os.getpid() == self.process
        if not self.wanted or not in_main:
            return
        self.stops += 1
        title = f"backward() {self.stops} at {place_of(file, line, brief=True)}"
        try:
            history = History(loss, as_float(seed, "backward()"))
        except GraphTooLarge as error:
            self.front.say(f"{title}: {error}")
            return
        frame = users_frame(sys._getframe(1))
        self.wanted = False
        introduction = f"{title}: {len(history.nodes):,} Values, {len(history):,} events"
        outcome = self.front.interact(history, introduction, UsersFrame(frame) if frame else None)
        self.wanted, self.over = outcome == "continue", outcome != "continue"
        if outcome == "quit":
            raise Quit

    def raised(self, error: BaseException) -> None:
        """What is done about an exception that the script does not handle."""
        if self.wanted and isinstance(error, Exception) and (frames := frames_of(error.__traceback__)):
            self.wanted = False
            self.front.post_mortem(error, frames)


def run(target: Path | str, arguments: Sequence[str], front: Front) -> int:
    """Run a script, or a module given as a string, and step through each ``backward()``; the exit status is the script's.

    What the script raises is printed as Python prints it, and can then be looked at. Raises ``OSError`` for a script that
    cannot be read.
    """
    if isinstance(target, Path):
        with open(target, "rb"):
            pass
    global _running
    debugger = _running = Debugger(front)
    try:
        with record_source(), watching(before=debugger.stop):
            _, status = running.run(target, arguments, debugger.raised)
    except Quit:
        return 0
    finally:
        _running = None
    if not debugger.stops and not status:
        streams.tell(f"autodiff: {target} has ended without calling backward(): there was nothing to step through", sys.stderr)
    return status


_running: Debugger | None = None  # that of the script that is run
_attached: ExitStack | None = None  # what debug() without a loss has opened


def debug(loss: Value | None = None, *, seed: float = 1.0, scope: str | None = None, commands: Iterable[str] = ()) -> None:
    """Step through the forward and the backward pass of ``loss`` in the terminal; ``help`` there lists the commands.

    ``seed`` and ``scope`` are those of ``steps``; ``commands`` are run first, as if typed. It ends with ``quit``, or with
    ``continue`` at the end of the backward pass. No Value is changed: gradients are those of a pass of their own. Raises what
    ``steps`` raises.

    Without a loss the program stops at the next ``backward()`` that it calls, and at those after it until ``detach``; ``quit``
    ends it by ``bdb.BdbQuit``, as in pdb. So ``PYTHONBREAKPOINT=autodiff.debug`` has ``breakpoint()`` do that.
    """
    if loss is None:
        _attach(commands)
        return
    frame = users_frame(sys._getframe(1))
    history = History(loss, seed, scope)
    Terminal([*own_commands(), *commands]).interact(history, frame=UsersFrame(frame) if frame else None)


def _attach(commands: Iterable[str]) -> None:
    """Have the calls of ``backward()`` from here on stop."""
    global _attached
    if _running is not None:  # it stops there already, if it was not told to go on for good
        _running.wanted = True
    if _running is not None or _attached is not None:
        return
    debugger = Debugger(Terminal([*own_commands(), *commands]))

    def stop(*call: Any) -> None:
        try:
            debugger.stop(*call)
        except Quit:
            raise BdbQuit from None
        finally:
            if debugger.over:
                _detach()

    _attached = ExitStack()
    _attached.enter_context(record_source())
    _attached.enter_context(watching(before=stop))


def _detach() -> None:
    global _attached
    opened, _attached = _attached, None
    if opened is not None:
        opened.close()


def pm(error: BaseException | None = None) -> None:
    """Look at what an exception has left, in the terminal: its frames, and the last loss that was computed in them.

    ``error`` is the exception; without one that which Python has printed last, or which is being handled. Raises
    ``DebuggerError`` if there is none.
    """
    if error is None:
        error = sys.exc_info()[1] or getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    if error is None:
        raise DebuggerError("there is no exception to look at: pm() is for after one, or takes it as its argument")
    frames = frames_of(error.__traceback__)
    if not frames:
        raise DebuggerError(f"{type(error).__name__} has no frame outside of autodiff to look at")
    Terminal(own_commands()).post_mortem(error, frames)
