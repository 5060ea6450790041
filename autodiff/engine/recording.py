"""What is noted while operations are recorded: the scope they belong to, and under ``strict()`` whether they are finite."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from autodiff._support import frames
from autodiff.engine.decisions import note
from autodiff.engine.sources import know_command
from autodiff.engine.value import Value, attach, set_decided, set_noting, set_observer, set_tracing, topological_order
from autodiff.errors import NonFiniteError, TraceError

Seen = Callable[[Value, str, int], None]
Before = Callable[[Value, Any, str, int], None]
Replayed = Callable[[float, list[Value]], None]


class _State(NamedTuple):
    """The blocks that are open here: in this thread, or in this task of an event loop."""

    scope: str | None = None
    strict: bool = False
    unwatched: bool = False
    trace: list[Value] | None = None  # the operations recorded so far by the function that ad.compile is tracing


_state: ContextVar[_State] = ContextVar("autodiff", default=_State())  # noqa: B039  it cannot be changed
_lock = threading.Lock()
_open_blocks = 0
_open_traces = 0
_open_sources = 0


@contextmanager
def _with(**changes: Any) -> Iterator[None]:
    """The state of this thread or task with these changes."""
    before = {key: getattr(_state.get(), key) for key in changes}
    _state.set(_state.get()._replace(**changes))
    try:
        yield
    finally:
        _state.set(_state.get()._replace(**before))  # not reset(): a generator may end in another context than it began in


@contextmanager
def _observing(**changes: Any) -> Iterator[None]:
    """Have ``_observe`` see each new operation while at least one block is open, in any thread or task.

    As long as a trace is the only block, its list takes the operations without a call.
    """
    global _open_blocks
    with _lock:
        _open_blocks += 1
        set_observer(_observe, _observe_sweep, changes.get("trace") if _open_blocks == 1 else None)
    try:
        with _with(**changes):
            yield
    finally:
        with _lock:
            _open_blocks -= 1
            if not _open_blocks:
                set_observer(None, None)


def is_strict() -> bool:
    """Whether a ``strict()`` block is open here."""
    return _state.get().strict


def _observe(node: Value) -> None:
    state = _state.get()
    if state.scope is not None:
        node.scope = state.scope
    if state.trace is not None:
        state.trace.append(node)
    elif state.strict and not math.isfinite(node.data):
        raise NonFiniteError(in_words(node) + _users_line())


def _observe_sweep(root: Value, seed: float) -> None:
    """Before a sweep under ``strict()``: the sweep done beside the nodes, up to the first edge that passes on a nan or inf."""
    if not is_strict():
        return
    adjoints = {root: seed}
    if not math.isfinite(seed):
        raise NonFiniteError(f"the gradient that backward() starts with is {seed}{_users_line()}")
    for node in reversed(topological_order(root)):
        upstream = adjoints.pop(node, 0.0)
        for operand, partial in zip(node.operands, node.partials, strict=True):
            adjoints[operand] = adjoints.get(operand, 0.0) + upstream * partial
            if not math.isfinite(adjoints[operand]):
                raise NonFiniteError(
                    f"the gradient of {operand!r} is {adjoints[operand]}, by ∂{node.op}/∂operand = {partial} times the "
                    f"{upstream} that came from above ({in_words(node)}{at_source(node)}){_users_line()}"
                )


def observe_tangents(order: list[Value], tangents: list[float]) -> None:
    """After a sweep forward: under ``strict()`` the first derivative along the tangents that is nan or infinite raises."""
    if not is_strict():
        return
    for node, tangent in zip(order, tangents, strict=True):
        if not math.isfinite(tangent):
            raise NonFiniteError(f"the derivative along the tangents is {tangent} where {in_words(node)}{_users_line()}")


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Operations recorded inside belong to the scope ``name``; scopes nest, as in ``"model.layer1"``."""
    if not isinstance(name, str) or not name:
        raise TypeError(f"scope() takes a name, a string that is not empty, not {name!r}")
    outer = _state.get().scope
    with _observing(scope=f"{outer}.{name}" if outer else name):
        yield


@contextmanager
def strict() -> Iterator[None]:
    """An operation recorded inside whose result is nan or infinite raises ``NonFiniteError``, as do a gradient and a step.

    The message names the operation, its operands and the user's line; for ``backward()`` and the derivatives the edge that
    first passes on a nan or inf, and every gradient is then as before; for an optimiser's ``step()`` the parameter, which has
    not moved. Functions of plain numbers and compiled programs record nothing and go on giving inf and nan. Where a number
    would be read out of a Value with a ``DetachedWarning``, it is a ``DetachedError`` inside. Like ``scope``, it holds for this
    thread, or this task of an event loop, alone.
    """
    with _observing(strict=True):
        yield


class _Watcher:
    """Asked by Values before they give away the number that a trace must not freeze."""

    def here(self) -> bool:
        """Whether this thread is tracing."""
        return _state.get().trace is not None

    def read(self, what: str) -> None:
        """Raises ``TraceError`` while this thread is tracing."""
        if _state.get().trace is not None:
            raise TraceError(
                f"{what} reads the number in a Value while its function is compiled, and would freeze what is another number "
                f"at each call{_users_line()}. Use ad.where(condition, x, y), ad.maximum, ad.minimum or ad.clip for a branch, "
                "ad.take(table, index) for an index, and static= for an argument that is no data"
            )

    def write(self, what: str) -> None:
        """Raises ``TraceError`` while this thread is tracing."""
        if _state.get().trace is not None:
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
    know_command()
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
def watching(seen: Seen | None = None, before: Before | None = None, replayed: Replayed | None = None) -> Iterator[None]:
    """After each ``backward()`` call ``seen`` with the Value, and the file and line of the call; before it ``before``.

    The latter is also given the seed, as it was written. ``replayed`` is called when a compiled program has added gradients,
    with its loss and the Values that they belong to.
    """
    backward = Value.backward

    def watched(self: Value, seed: Any = 1.0) -> None:
        if _state.get().unwatched:
            backward(self, seed)
            return
        file, line = _callers_line()
        if before is not None:
            before(self, seed, file, line)
        backward(self, seed)
        if seen is not None:
            seen(self, file, line)

    watched.__doc__ = backward.__doc__
    attach("backward", watched)
    watcher = before, replayed
    _watchers.append(watcher)
    try:
        yield
    finally:
        attach("backward", backward)
        _watchers.remove(watcher)


_watchers: list[tuple[Before | None, Replayed | None]] = []


def unwatched() -> AbstractContextManager[None]:
    """What this thread calls ``backward()`` on inside is nobody's business: a step that is recorded again, say."""
    return _with(unwatched=True)


def lenient() -> AbstractContextManager[None]:
    """What this thread records inside may be nan or infinite under ``strict()`` too: numbers that nobody asked for."""
    return _with(strict=False)


def announce(loss: float, parameters: list[Value]) -> None:
    """Tell whoever is watching that a compiled program has added its gradients."""
    for _, replayed in _watchers:
        if replayed is not None and not _state.get().unwatched:
            replayed(loss, parameters)


def announce_broken(loss: Value) -> None:
    """Tell whoever is watching of a loss that no ``backward()`` will be called on, because it is nan or infinite."""
    file, line = _callers_line()
    for before, _ in _watchers:
        if before is not None and not _state.get().unwatched:
            before(loss, 1.0, file, line)


def _callers_line() -> tuple[str, int]:
    """The file and line of the nearest frame outside of this package."""
    frame = frames.nearest(sys._getframe(1))
    return frame.f_code.co_filename, frame.f_lineno


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
    """Where the user's program stands, as the end of a sentence."""
    return frames.line_of(frames.users(sys._getframe()))
