"""What the terminal prints on: lines that fit, in colour where that is wanted; and what was typed there earlier."""

from __future__ import annotations

import linecache
import os
import re
import shutil
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Literal

from autodiff._support import files
from autodiff._support.streams import is_open
from autodiff.debugger.words import stretch
from autodiff.engine.sources import Source
from autodiff.graph.names import printable

MOST_TYPED = 1000  # lines that are kept
WIDEST = 120  # characters of a line, however wide the terminal is


class Screen:
    """Prints lines to a stream. ``colour`` is "on", "off", or "auto": on a terminal, unless ``NO_COLOR`` is set."""

    def __init__(self, stream: IO[str]):
        self.stream = stream
        self.colour: Literal["auto", "on", "off"] = "auto"

    def say(self, text: str) -> None:
        """A line as it is."""
        if not is_open(self.stream):
            return
        try:
            self.stream.write(f"{text}\n")
        except UnicodeEncodeError:  # a terminal that knows no ∂
            self.stream.write(text.encode("ascii", "backslashreplace").decode() + "\n")
        self.stream.flush()

    def tell(self, text: str, label: str = "", colour: str | None = None, bold: bool = False) -> None:
        """As many lines as a text needs, those after the first under the text of the first."""
        for line in self.wrapped(text, label):
            self.say(self.paint(line, colour, *["bold"] * bold) if colour or bold else line)

    def paint(self, text: str, colour: str | None, *attributes: str) -> str:
        """The text in colour, where that is wanted and possible."""
        if self.colour == "off" or (self.colour == "auto" and not (is_open(self.stream) and self.stream.isatty())):
            return text
        try:
            from termcolor import colored
        except ImportError:
            return text
        return colored(text, colour, attrs=attributes, force_color=True if self.colour == "on" else None)

    def wrapped(self, text: str, label: str = "") -> list[str]:
        """Lines that fit the terminal, those after the first under the text of the first."""
        indent = " " * len(label)
        return textwrap.wrap(
            text, self.width(), initial_indent=label, subsequent_indent=indent, break_on_hyphens=False, drop_whitespace=True
        ) or [label]

    def labelled(self, label: str, text: str) -> None:
        """A line of a stop: what it is about, and what it says."""
        alarm = re.search(r"\b(nan|inf)\b", text) is not None
        margin = f"  {label:<6} "
        for number, line in enumerate(self.wrapped(text, margin)):
            head = self.paint(margin, "cyan") if number == 0 else " " * len(margin)
            body = line[len(margin) :]
            self.say(head + (self.paint(body, "red") if alarm else body))

    def source_line(self, source: Source | None) -> None:
        """The user's line with the sub-expression underlined."""
        line = "" if source is None else linecache.getline(source.file, source.line).rstrip()
        if source is None or not line:
            return
        at, length = stretch(source)
        indent, room = len(line) - len(line.lstrip()), self.width() - 9
        text, at = line.strip(), max(at - indent, 0)
        if at + length > room:  # keep in view what is underlined
            cut = min(at, at + length - room + 1)
            text, at = "…" + text[cut:], at - cut + 1
        before, marked = printable(text[:at]), printable(text[at : at + length])
        self.say(f"         {(before + marked + printable(text[at + length :]))[:room]}")
        self.say(" " * (9 + len(before)) + self.paint("^" * max(min(len(marked), room - len(before)), 1), "yellow"))

    def width(self) -> int:
        """How many characters a line may have."""
        return min(shutil.get_terminal_size((80, 24)).columns, WIDEST)


@contextmanager
def line_history(wanted: bool) -> Iterator[None]:
    """What was typed earlier comes back with the arrow keys, from ``AUTODIFF_HISTORY`` or ``~/.autodiff_history``."""
    try:
        import readline
    except ImportError:
        wanted = False
    if not wanted:
        yield
        return
    file = os.environ.get("AUTODIFF_HISTORY") or os.path.expanduser("~/.autodiff_history")
    # names have dots and colons; and what was typed into Python itself is Python's
    breaks, others = readline.get_completer_delims(), _typed()
    readline.set_completer_delims(" \t\n")
    readline.clear_history()
    with suppress(OSError):  # none yet
        readline.read_history_file(file)
    try:
        yield
    finally:
        readline.set_completer_delims(breaks)
        mine = _typed()[-MOST_TYPED:]
        with suppress(OSError):  # a home that cannot be written is no reason to stop
            files.replace(Path(file), "".join(f"{line}\n" for line in mine).encode("utf-8", "surrogateescape"))
        readline.clear_history()
        for line in others:
            readline.add_history(line)


def _typed() -> list[str]:
    """What the line editor remembers."""
    import readline

    return [readline.get_history_item(i) for i in range(1, readline.get_current_history_length() + 1)]
