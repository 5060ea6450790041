"""Holding Ctrl-C back for as long as something must not be cut in half."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def held_interrupts() -> Iterator[None]:
    """A Ctrl-C that arrives inside is delivered when the block has ended.

    Nothing is changed outside of the main thread, where Python delivers none, and where SIGINT is not Python's to handle.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    held: list[FrameType | None] = []
    closed = False
    block = sys._getframe(2)  # this generator's, contextlib's, and then the one with the block

    def hold(number: int, frame: FrameType | None) -> None:
        # The handler of another signal may raise anywhere, even on the way to the end of the block. Then this one is still
        # there when the block is not, and puts the old one back itself.
        if not closed and _is_below(block, frame):
            held.append(frame)
        else:
            signal.signal(signal.SIGINT, before)
            before(number, frame)

    try:
        signal.signal(signal.SIGINT, hold)
        yield
    finally:
        closed = True
        signal.signal(signal.SIGINT, before)
        if held:
            before(signal.SIGINT, held[0])


def _is_below(block: FrameType, frame: FrameType | None) -> bool:
    """Whether a frame was called, directly or not, by another one, or is it."""
    while frame is not None and frame is not block:
        frame = frame.f_back
    return frame is not None
