"""The commands of the terminal that are pdb's: the program's own frame, what is run at a stop, and aliases."""

from __future__ import annotations

import cmd
import linecache
import pprint
import re
from typing import Any

from autodiff.debugger.screen import Screen
from autodiff.debugger.session import Session, Stop
from autodiff.debugger.users_frame import UsersFrame, function_around
from autodiff.errors import DebuggerError
from autodiff.graph.names import printable

MOST_ALIASES = 20  # one inside the other
PROMPT, COLLECTING = "(ad) ", "(com) "


class PdbCommands(cmd.Cmd):
    """What ``Terminal`` has beside the commands that move in a history and look at it."""

    session: Session | None
    screen: Screen
    prompt = PROMPT

    def __init__(self, **streams: Any):
        super().__init__(**streams)
        self.frame: UsersFrame | None = None
        self.trace: list[UsersFrame] = []  # the frames of an exception that is looked at, the innermost last
        self.aliases: dict[str, str] = {}
        self.collecting: Stop | None = None  # the stop that commands are being given to

    @property
    def program(self) -> UsersFrame:
        """The frame of the program."""
        if self.frame is None:
            raise DebuggerError("there is no frame of a program here")
        return self.frame

    # ---- Python -----------------------------------------------------------------------------------------------------------

    def do_exec(self, argument: str) -> None:
        """exec STATEMENT, or !STATEMENT: run Python in the program's frame; the value of an expression is printed"""
        if not argument:
            raise DebuggerError("a statement is missing: !epoch = 3")
        self.program.execute(argument, self.stdout)

    def do_interact(self, argument: str) -> None:
        """interact: Python's own prompt, over a copy of the names of the program's frame; the end of the input leaves it"""
        self.program.interact(None if self.use_rawinput else self.read_line, self.stdout)

    def read_line(self, prompt: str) -> str:
        """A line of what was given instead of a terminal."""
        line = self.stdin.readline()
        if not line:
            raise EOFError
        self.screen.say(f"{prompt}{line.rstrip()}")
        return line.rstrip("\n")

    def do_args(self, argument: str) -> None:
        """args: the arguments of the function that the program stands in"""
        for name, value in self.program.arguments():
            self.screen.tell(f"{name} = {self.python_text(value)}")

    def do_longlist(self, argument: str) -> None:
        """longlist: the whole function around the line of the last event, or around the program's own line"""
        source = None if self.session is None or self.session.event is None or self.trace else self.session.event.source
        if source is not None:
            here, (_, first, lines) = source.line, function_around(source.file, source.line)
        else:
            here, (_, first, lines) = self.program.line, self.program.function()
        for number, line in enumerate(lines, first):
            mark = "->" if number == here else "  "
            self.screen.say(f"{number:4} {mark} {printable(line.rstrip().expandtabs(4))}"[: self.screen.width()])

    def python_text(self, thing: Any, pretty: bool = False) -> str:
        """An object as Python writes it."""
        try:
            return printable_lines(pprint.pformat(thing, width=self.screen.width()) if pretty else repr(thing))
        except Exception as error:  # the program's own __repr__
            raise DebuggerError(f"its repr raises {type(error).__name__}: {error}") from None

    # ---- the frames of an exception -----------------------------------------------------------------------------------------

    def show_frame(self) -> None:
        """Where one is among the frames of an exception."""
        frame = self.program
        self.screen.tell(printable(frame.where()), "> ", bold=True)
        line = linecache.getline(frame.frame.f_code.co_filename, frame.line).strip()
        if line:
            self.screen.say(f"-> {printable(line)}"[: self.screen.width()])

    def list_frames(self) -> None:
        for frame in self.trace:
            self.screen.tell(printable(frame.where()), "> " if frame is self.frame else "  ")

    def select_frame(self, count: int) -> None:
        """Be some frames further out, or in."""
        at = self.trace.index(self.program) - count
        if not 0 <= at < len(self.trace):
            raise DebuggerError("this is the outermost frame" if count > 0 else "this is the frame that raised")
        self.frame = self.trace[at]
        self.show_frame()

    # ---- what is run at a stop ---------------------------------------------------------------------------------------------

    def collect(self, stop: Stop) -> None:
        """Let the lines up to ``end`` be the commands of a stop."""
        stop.commands, self.collecting, self.prompt = [], stop, COLLECTING

    def collected(self, line: str, moves: bool) -> None:
        """One line more for the stop that commands are given to; one that moves is the last, as in pdb."""
        assert self.collecting is not None
        if line not in ("end", "EOF") and line:
            self.collecting.commands.append(line)
        if line in ("end", "EOF") or moves:
            self.collecting, self.prompt = None, PROMPT

    # ---- aliases -----------------------------------------------------------------------------------------------------------

    def do_alias(self, argument: str) -> None:
        """alias [NAME [COMMAND]]: let NAME stand for a command, in which %1, %2 … and %* are what is given to it"""
        name, _, command = argument.partition(" ")
        if name and command:
            self.aliases[name] = command.strip()
        elif name and name not in self.aliases:
            raise DebuggerError(f"{name!r} is no alias; there are {', '.join(self.aliases) or 'none'}")
        for known in [name] if name else self.aliases:
            self.screen.tell(f"{printable(known)} = {printable(self.aliases[known])}")

    def do_unalias(self, argument: str) -> None:
        """unalias NAME: let it stand for nothing any more"""
        if argument not in self.aliases:
            raise DebuggerError(f"{argument!r} is no alias; there are {', '.join(self.aliases) or 'none'}")
        del self.aliases[argument]

    def expanded(self, line: str) -> str:
        """A line with the aliases at its beginning replaced."""
        for _ in range(MOST_ALIASES):
            words = line.split()
            if not words or words[0] not in self.aliases:
                break
            given = words[1:]
            replaced = {f"%{number}": word for number, word in enumerate(given, 1)} | {"%*": " ".join(given)}
            line = re.sub(r"%(\d|\*)", lambda found, to=replaced: to.get(found[0], found[0]), self.aliases[words[0]])  # type: ignore[misc]
        return line


def printable_lines(text: str) -> str:
    """Text of several lines with nothing in it that would move a cursor."""
    return "\n".join(map(printable, text.split("\n")))
