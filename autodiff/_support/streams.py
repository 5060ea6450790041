"""Standard streams as a program finds them: there, closed, absent, or of an encoding that lacks most characters."""

from __future__ import annotations

from contextlib import suppress
from typing import Any


def is_open(stream: Any) -> bool:
    """Whether a stream is there and not closed; started with ``<&-`` or ``>&-`` a program has None in its place."""
    return stream is not None and not getattr(stream, "closed", False)


def tell(text: str, stream: Any) -> None:
    """Write a line where it can be written; elsewhere nobody reads it."""
    if is_open(stream):
        with suppress(OSError, ValueError):
            print(text, file=stream, flush=True)


def write_what_can_be_written(stream: Any) -> None:
    """Have a stream write ``\\u2202`` in the place of a character that its encoding lacks, instead of raising."""
    if is_open(stream) and hasattr(stream, "reconfigure"):
        with suppress(OSError, ValueError):
            stream.reconfigure(errors="backslashreplace")
