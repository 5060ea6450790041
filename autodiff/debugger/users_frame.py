"""The user's own frame, where the program stands while one steps: Python evaluated and executed in it, as pdb does."""

from __future__ import annotations

import code
import ctypes
import inspect
import linecache
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from types import FrameType, TracebackType
from typing import IO, Any

from autodiff._support.frames import is_ours, place_of
from autodiff.errors import DebuggerError

FILE = "<autodiff>"


class UsersFrame:
    """A frame and the line it stands on. What the user's own code raises becomes a ``DebuggerError`` that names it."""

    def __init__(self, frame: FrameType, line: int | None = None):
        self.frame, self.line = frame, line or frame.f_lineno

    def evaluate(self, text: str) -> Any:
        """The value of an expression."""
        with _told():
            compiled = compile(text.strip(), FILE, "eval")
            # one namespace, so that what is nested in the expression sees the frame's names too
            return eval(compiled, {**self.frame.f_globals, **self.frame.f_locals})

    def execute(self, text: str, output: IO[str] | None = None) -> None:
        """Run a statement; the value of one that is an expression is printed."""
        names = self.frame.f_locals
        with _told(), redirect_stdout(output or sys.stdout), _plain_display():
            try:
                exec(compile(f"{text}\n", FILE, "single"), self.frame.f_globals, names)
            finally:
                if sys.version_info < (3, 13) and names is not self.frame.f_globals:  # since then f_locals writes through
                    ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(self.frame), ctypes.c_int(0))

    def interact(self, read: Callable[[str], str] | None, output: IO[str]) -> None:
        """Python's own prompt over a copy of the frame's names, as pdb has it; the end of the input leaves it."""
        leave = {"exit": _leave, "quit": _leave}  # those of the site module would close the input
        console = code.InteractiveConsole({**self.frame.f_globals, **self.frame.f_locals, **leave})
        console.write = output.write  # type: ignore[method-assign, assignment]
        if read is not None:
            console.raw_input = read  # type: ignore[method-assign, assignment]
        with redirect_stdout(output), _plain_display(), suppress(SystemExit):  # exit() leaves the prompt alone
            console.interact("*interactive*", exitmsg="")

    def arguments(self) -> list[tuple[str, Any]]:
        """The arguments of the function that the frame is in, with their values."""
        names, star, stars, values = inspect.getargvalues(self.frame)
        wanted = [*names, *filter(None, (star, stars))]
        return [(name, values[name]) for name in wanted if name in values]

    def function(self) -> tuple[str, int, list[str]]:
        """The file, the number of the first line and the lines of the function that the frame is in."""
        return function_around(self.frame.f_code.co_filename, self.line)

    def where(self) -> str:
        """``train.py:12 in step``."""
        return f"{place_of(self.frame.f_code.co_filename, self.line)} in {self.frame.f_code.co_name}"


def users_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost frame that is not this package's own, from one on outwards."""
    while frame is not None and is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def users_stack(frame: FrameType | None) -> Iterator[UsersFrame]:
    """The user's frames from the innermost out, up to what runs the script."""
    while frame is not None and not is_ours(frame.f_code.co_filename):
        yield UsersFrame(frame)
        frame = frame.f_back


def frames_of(traceback: TracebackType | None) -> list[UsersFrame]:
    """The frames of a traceback that are not this package's own, the outermost first."""
    found = []
    while traceback is not None:
        if not is_ours(traceback.tb_frame.f_code.co_filename):
            found.append(UsersFrame(traceback.tb_frame, traceback.tb_lineno))
        traceback = traceback.tb_next
    return found


def function_around(file: str, line: int) -> tuple[str, int, list[str]]:
    """The innermost function or class around a line, else the whole file: its file, first line and lines."""
    import ast

    lines = linecache.getlines(file)
    if not lines:
        raise DebuggerError(f"there is no source of {file!r} to be listed")
    first, last = 1, len(lines)
    try:
        tree = ast.parse("".join(lines))
    except SyntaxError:
        return file, first, lines
    for node in ast.walk(tree):  # from the outermost in
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            begin = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if begin <= line <= node.end_lineno:
                first, last = begin, node.end_lineno
    return file, first, lines[first - 1 : last]


def _leave() -> None:
    raise SystemExit


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except DebuggerError:
        raise
    except SyntaxError as error:
        raise DebuggerError(f"{type(error).__name__}: {error.msg}") from None
    except (Exception, SystemExit) as error:
        raise DebuggerError(f"{type(error).__name__}: {error}".removesuffix(": ")) from None


@contextmanager
def _plain_display() -> Iterator[None]:
    """Show values by their repr, without touching the user's ``_``."""
    before = sys.displayhook
    sys.displayhook = lambda value: None if value is None else print(repr(value))
    try:
        yield
    finally:
        sys.displayhook = before
