"""``python -m autodiff debug script.py``: runs a script and stops at each of its ``backward()`` calls."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from autodiff._support import running, streams
from autodiff._support.numbers import as_float
from autodiff.debugger.history import History
from autodiff.debugger.terminal import Terminal, commands_in
from autodiff.engine.recording import record_source, watching
from autodiff.engine.value import Value
from autodiff.errors import GraphTooLarge


def add_to(commands: Any) -> None:
    """The command and its options."""
    command: argparse.ArgumentParser = commands.add_parser(
        "debug",
        help="run a script and step through each of its backward() calls",
        description="Runs a script, and stops before each backward() that it calls: the forward and the backward pass are then "
        "walked through in both directions. Help lists the commands; continue at the end of a pass lets the script go on.",
    )
    command.add_argument("-c", action="append", default=[], metavar="COMMANDS", help="commands to begin with, separated by ;;")
    command.add_argument("-x", action="append", default=[], type=Path, metavar="FILE", help="a file of commands to begin with")
    command.add_argument("script", metavar="SCRIPT", help="a Python file")
    command.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="the script's own arguments")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    commands = [*options.c, *(line for file in options.x for line in commands_in(file))]
    behind = ["--", *options.arguments] if options.arguments else []
    return run(options.script, [*options.rest, *behind], commands)


class _Quit(BaseException):
    """The person has ended the script."""


class Debugger:
    """Steps through each ``backward()`` before it happens, until the person wants no more of it."""

    def __init__(self, commands: Iterable[str]):
        self.terminal = Terminal(commands)
        self.stops = 0
        self.wanted = True

    def stop(self, loss: Value, seed: Any, file: str, line: int) -> None:
        """What ``backward()`` calls first. In another thread than the main one, or during a stop, nothing happens."""
        if not self.wanted or threading.current_thread() is not threading.main_thread():
            return
        self.stops += 1
        title = f"backward() {self.stops} at {os.path.basename(file)}:{line}"
        try:
            history = History(loss, as_float(seed, "backward()"))
        except GraphTooLarge as error:
            self.terminal.screen.say(f"{title}: {error}")
            return
        self.wanted = False
        outcome = self.terminal.interact(history, f"{title}: {len(history.nodes):,} Values, {len(history):,} events")
        self.wanted = outcome == "continue"
        if outcome == "quit":
            raise _Quit


def run(script: str, arguments: Sequence[str] = (), commands: Iterable[str] = ()) -> int:
    """Run a script as ``python script.py`` does and step through each ``backward()``; the exit status is the script's.

    ``commands`` are run at the first stop, as if typed. What the script raises is printed as Python prints it. Raises
    ``OSError`` for a script that cannot be read.
    """
    with open(script, "rb"):
        debugger = Debugger(commands)
    try:
        with record_source(), watching(before=debugger.stop):
            _, status = running.run(Path(script), arguments)
    except _Quit:
        return 0
    if not debugger.stops and not status:
        streams.tell(f"autodiff: {script} has ended without calling backward(): there was nothing to step through", sys.stderr)
    return status
