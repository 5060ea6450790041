"""Which frames are this package's own, which are a library's, and which is its users'."""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
import warnings
from functools import cache
from types import FrameType
from typing import Any

PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep
DEMO = PACKAGE + "demo.py"


def is_ours(file: str) -> bool:
    """Whether a frame's file belongs to this package, or to Python's own import machinery, whose callers count.

    The demo is a user like any other: its pages show its lines.
    """
    return file.startswith((PACKAGE, "<frozen")) and file != DEMO


@cache
def is_library(file: str) -> bool:
    """Whether a frame's file belongs to this package, to Python's library, or to what is installed beside it."""
    return is_ours(file) or file.startswith(_libraries())


@cache
def _libraries() -> tuple[str, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
    return tuple({os.path.join(os.path.abspath(path), "") for name in names if (path := sysconfig.get_path(name))})


def nearest(frame: FrameType) -> FrameType:
    """The nearest frame outside of this package, from ``frame`` on."""
    while is_ours(frame.f_code.co_filename) and frame.f_back is not None:
        frame = frame.f_back
    return frame


def users(frame: FrameType) -> FrameType:
    """The nearest frame outside of every library: the user's line. In a program that is installed, the nearest one."""
    outer: FrameType | None = frame
    while outer is not None and is_library(outer.f_code.co_filename):
        outer = outer.f_back
    return nearest(frame) if outer is None else outer


def variables(frame: FrameType) -> dict[str, Any]:
    """The variables at the user's line, local ones first; where only libraries are at work, those of the main module.

    A function's parameters are not among them: what they hold has its name elsewhere, if it has one.
    """
    outer: FrameType | None = frame
    while outer is not None and is_library(outer.f_code.co_filename):
        outer = outer.f_back
    if outer is None:
        return {**vars(sys.modules["__main__"])}
    code = outer.f_code
    parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    own = {name: thing for name, thing in outer.f_locals.items() if name not in parameters}
    return {**own, **outer.f_globals, **own}


def warn(message: str, category: type[Warning], frame: FrameType) -> None:
    """Warn at the line where a frame stands, once for each line unless a filter says otherwise.

    ``warnings.warn`` counts frames, and compiled functions have none.
    """
    names = frame.f_globals
    registry = names.setdefault("__warningregistry__", {})
    warnings.warn_explicit(message, category, frame.f_code.co_filename, frame.f_lineno, names.get("__name__"), registry)


def line_of(frame: FrameType) -> str:
    """Where a frame stands, as the end of a sentence."""
    file, line = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(file, line).strip()
    return f", at {place_of(file, line)}" + (f": {text}" if text else "")


def place_of(file: str, line: int, brief: bool = False) -> str:
    """How a line is spoken of: ``folder/train.py:12``, in brief ``train.py:12``, and in a notebook ``In [16], line 2``."""
    cell = cell_of(file)
    return f"{cell}, line {line}" if cell else f"{os.path.basename(file) if brief else file}:{line}"


def cell_of(file: str) -> str | None:
    """What IPython calls the cell whose code has this for its file; None for any other file."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    name = getattr(getattr(shell, "compile", None), "format_code_name", lambda _: None)(file)
    return name[1].replace("In[", "In [") if name else None
