"""What is noted while operations are recorded: the scope they belong to, and under ``strict()`` whether they are finite."""

from __future__ import annotations

import linecache
import math
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from autodiff._support.frames import PACKAGE, is_ours
from autodiff.engine.decisions import note
from autodiff.engine.value import Value, attach, set_decided, set_noting, set_observer, set_tracing, topological_order
from autodiff.errors import NonFiniteError, TraceError

Seen = Callable[[Value, str, int], None]
Before = Callable[[Value, Any, str, int], None]


class _State(threading.local):
    """The blocks that are open in this thread."""

    scope: str | None = None
    strict: bool = False
    trace: list[Value] | None = None  # the operations recorded so far by the function that ad.compile is tracing


_state = _State()
_lock = threading.Lock()
_open_blocks = 0
_open_traces = 0
_open_sources = 0


@contextmanager
def _observing(**changes: Any) -> Iterator[None]:
    """Have ``_observe`` see each new operation while at least one block is open, in any thread."""
    global _open_blocks
    before = {key: getattr(_state, key) for key in changes}
    with _lock:
        _open_blocks += 1
        set_observer(_observe)
    vars(_state).update(changes)
    try:
        yield
    finally:
        vars(_state).update(before)
        with _lock:
            _open_blocks -= 1
            if not _open_blocks:
                set_observer(None)


def _observe(node: Value) -> None:
    if _state.scope is not None:
        node.scope = _state.scope
    if _state.trace is not None:
        _state.trace.append(node)
    elif _state.strict and not math.isfinite(node.data):
        raise NonFiniteError(in_words(node) + _users_line())


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Operations recorded inside belong to the scope ``name``; scopes nest, as in ``"model.layer1"``."""
    if not isinstance(name, str) or not name:
        raise TypeError(f"scope() takes a name, a string that is not empty, not {name!r}")
    with _observing(scope=f"{_state.scope}.{name}" if _state.scope else name):
        yield


@contextmanager
def strict() -> Iterator[None]:
    """An operation recorded inside whose result is nan or infinite raises ``NonFiniteError``.

    The message names the operation, its operands and the user's line. Functions of plain numbers record nothing and go on
    giving inf and nan.
    """
    with _observing(strict=True):
        yield


class _Watcher:
    """Asked by Values before they give away the number that a trace must not freeze."""

    def here(self) -> bool:
        """Whether this thread is tracing."""
        return _state.trace is not None

    def read(self, what: str) -> None:
        """Raises ``TraceError`` while this thread is tracing."""
        if _state.trace is not None:
            raise TraceError(
                f"{what} reads the number in a Value while its function is compiled, and would freeze what is another number "
                f"at each call{_users_line()}. Use ad.where(condition, x, y), ad.maximum, ad.minimum or ad.clip for a branch, "
                "ad.take(table, index) for an index, and static= for an argument that is no data"
            )

    def write(self, what: str) -> None:
        """Raises ``TraceError`` while this thread is tracing."""
        if _state.trace is not None:
            raise TraceError(
                f"{what} changes Values while a function is compiled, which would happen once and never again{_users_line()}. "
                "Do so outside of the function"
            )


@contextmanager
def tracing() -> Iterator[list[Value]]:
    """The operations that this thread records inside, in order. Reading a number out of a Value is a ``TraceError`` there."""
    global _open_traces
    nodes: list[Value] = []
    with _lock:
        _open_traces += 1
        set_tracing(_Watcher())
    try:
        with _observing(trace=nodes):
            yield nodes
    finally:
        with _lock:
            _open_traces -= 1
            if not _open_traces:
                set_tracing(None)


@contextmanager
def record_source() -> Iterator[None]:
    """Each Value made inside, in whatever thread, remembers where: ``source`` has ``file``, ``line``, ``column`` and ``text``.

    A comparison that Python decides, ``if x > 0:``, is noted too: a page and ``refresh`` say when it no longer holds. What
    an expression was assigned to is then its name in drawings and explanations: ``z = w * x + b`` draws "z". Only a code
    object and the offset of an instruction are kept; the rest is found out when it is asked for.
    """
    global _open_sources
    with _lock:
        _open_sources += 1
        set_noting(True)
        set_decided(note)
    try:
        yield
    finally:
        with _lock:
            _open_sources -= 1
            if not _open_sources:
                set_noting(False)
                set_decided(None)


@contextmanager
def watching(seen: Seen | None = None, before: Before | None = None) -> Iterator[None]:
    """After each ``backward()`` call ``seen`` with the Value, and the file and line of the call; before it ``before``.

    The latter is also given the seed, as it was written.
    """
    backward = Value.backward

    def watched(self: Value, seed: Any = 1.0) -> None:
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
            frame = frame.f_back
        file, line = frame.f_code.co_filename, frame.f_lineno
        if before is not None:
            before(self, seed, file, line)
        backward(self, seed)
        if seen is not None:
            seen(self, file, line)

    watched.__doc__ = backward.__doc__
    attach("backward", watched)
    try:
        yield
    finally:
        attach("backward", backward)


def first_non_finite(root: Value) -> Value | None:
    """The first Value in forward order, of all that ``root`` was computed from, that is nan or infinite; None if none is."""
    return next((node for node in topological_order(root) if not math.isfinite(node.data)), None)


def in_words(node: Value) -> str:
    """What made a Value, of what, and what came out: ``log of Value(0.0, grad=0.0) is -inf``; a leaf by itself."""
    if not node.op:
        return f"the input {node!r} is {node.data}"
    given = ", ".join(repr(x) for x in node.arguments[:4])
    more = f" and {len(node.arguments) - 4} more" if len(node.arguments) > 4 else ""
    return f"{node.op} of {given}{more} is {node.data}"


def at_source(node: Value) -> str:
    """Where a Value was made, as the end of a sentence; nothing if that was not recorded."""
    return "" if node.source is None else f", at {node.source}"


def _users_line() -> str:
    """Where the nearest frame outside this package stands, as the end of a sentence."""
    frame = sys._getframe()
    while frame.f_back is not None and _is_passed_over(frame.f_code.co_filename):
        frame = frame.f_back
    file, line = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(file, line).strip()
    return f", at {file}:{line}" + (f": {text}" if text else "")


def _is_passed_over(file: str) -> bool:
    return is_ours(file) or file == contextmanager.__code__.co_filename
