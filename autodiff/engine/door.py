"""The door: what happens where ``float()`` takes the number out of a Value, and with it out of the recording.

``math.exp(x)``, a store into an array of floats and ``statistics.fmean`` all call ``x.__float__()``. Where a derivative is
being taken and the number depends on its inputs, that derivative would be wrong without a word: a ``DetachedError``. Elsewhere
it is a ``DetachedWarning``, once a line, but for ``float(x)`` and ``ad.Value(x)`` written out, which is reading on purpose.

``x.__float__()`` cannot see its caller. But the frame it is called from stands at the instruction that does so, and that
instruction is a call of one of these names, or something else.
"""

from __future__ import annotations

import dis
import itertools
import sys
from types import CodeType, FrameType
from typing import Any

from autodiff._support import frames
from autodiff.engine.recording import is_strict
from autodiff.engine.sources import Source
from autodiff.engine.value import Value, set_door
from autodiff.errors import DetachedError, DetachedWarning

# The inputs of all derivatives that are being taken, in whatever thread: a number depends on them or not wherever it is read.
open_inputs: set[Value] = set()

REMEDY = (
    "Use autodiff's own functions (ad.exp for math.exp), an array that holds Values for one of floats (ad.zeros(2)), "
    "and x.data where the number alone is meant, as in math.isnan(x.data)"
)


def pass_out(value: Value) -> None:
    """Called before ``value.__float__()`` gives its number away. Raises ``DetachedError``, warns, or does nothing."""
    caller = sys._getframe(1)
    if _act(frames.nearest(caller)) == FORMATS:
        return
    frame = frames.users(caller)
    if open_inputs and depends_on_open_inputs([value]):
        raise DetachedError(
            f"{_taker(frame)} reads the number in a Value while a derivative is being taken, which would lose its part of the "
            f"derivative{frames.line_of(frame)}. {REMEDY}"
        )
    if _act(frame) == READS:
        return
    message = f"{_taker(frame)} reads the number in a Value: no gradient flows through it"
    if is_strict():
        raise DetachedError(f"{message}{frames.line_of(frame)}. {REMEDY}")
    frames.warn(f"{message}. {REMEDY}", DetachedWarning, frame)


set_door(pass_out)


def depends_on_open_inputs(values: list[Any]) -> bool:
    """Whether one of these was computed from an input of a derivative that is being taken."""
    # A walk of its own: topological_order() notes its progress in the nodes, where another thread may be at work.
    waiting = [value for value in values if isinstance(value, Value)]
    seen = set(waiting)
    while waiting:
        value = waiting.pop()
        if value in open_inputs:
            return True
        new = [operand for operand in value.operands if operand not in seen]
        seen.update(new)
        waiting += new
    return False


# ---- the instruction that a frame stands at ---------------------------------------------------------------------------------

FORMATS, READS, STORES, USES = "formats", "reads", "stores", "uses"
CALLS = frozenset({"CALL", "PRECALL", "CALL_KW", "CALL_FUNCTION_EX"})
NAMES = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FAST", "LOAD_DEREF", "LOAD_ATTR", "LOAD_METHOD"})
_known: dict[tuple[int, int], tuple[CodeType, str]] = {}  # by a code's address, which the code that is kept keeps its own


def _act(frame: FrameType) -> str:
    """What a frame is about to do with a number: show it, read it on purpose, store it, or use it otherwise."""
    key = id(frame.f_code), frame.f_lasti
    found = _known.get(key)
    if found is None:
        if len(_known) > 10_000:  # a program that compiles code without end
            _known.clear()
        found = _known[key] = frame.f_code, _act_at(frame.f_code, frame.f_lasti)
    return found[1]


def _act_at(code: CodeType, offset: int) -> str:
    found = list(dis.get_instructions(code))
    here = next((instruction for instruction in found if instruction.offset == offset), None)
    if here is None:
        return USES
    if here.opname == "BINARY_OP" and here.argrepr in ("%", "%="):  # "%.3f" % x; nothing else that % does takes the number
        return FORMATS
    if here.opname.startswith("STORE_"):
        return STORES
    names = [instruction.argval for instruction in _names_within(found, here)]
    if any(pair == ("map", "float") for pair in itertools.pairwise(names)):
        return READS
    return READS if here.opname in CALLS and not {"float", "Value"}.isdisjoint(_called(found, here)) else USES


def _names_within(found: list[dis.Instruction], here: dis.Instruction) -> list[dis.Instruction]:
    """The names in the text of an instruction."""
    return [x for x in found if x.opname in NAMES and _encloses(here, x)]


def _called(found: list[dis.Instruction], here: dis.Instruction) -> list[str]:
    """What a call calls, name by name: ``["math", "exp"]``. Its text begins where that of the call does."""
    return [x.argval for x in _names_within(found, here) if _start(x) == _start(here)]


def _start(instruction: dis.Instruction) -> tuple[int, int]:
    place = instruction.positions
    return (0, 0) if place is None else (place.lineno or 0, place.col_offset or 0)


def _encloses(outer: dis.Instruction, inner: dis.Instruction) -> bool:
    """Whether the text of one instruction lies within that of another; without columns (-X no_debug_ranges), its line."""
    a, b = outer.positions, inner.positions
    if a is None or b is None or None in (a.lineno, a.end_lineno, b.lineno, b.end_lineno):
        return False
    starts = (a.lineno, a.col_offset or 0) <= (b.lineno, b.col_offset or 0)
    return starts and (b.end_lineno, b.end_col_offset or 0) <= (a.end_lineno, a.end_col_offset or 0)


def _taker(frame: FrameType) -> str:
    """What a frame is about to do, as its text has it: ``math.exp(x)``, ``the store into z[0]``."""
    text = Source(frame.f_code, frame.f_lasti).text if frame.f_lasti >= 0 else ""
    if not text:  # there is no file to read it in
        found = list(dis.get_instructions(frame.f_code))
        here = [instruction for instruction in found if instruction.offset == frame.f_lasti]
        text = ".".join(_called(found, here[0])) if here else ""
    if not text:
        return "what stands here"
    return f"the store into `{text}`" if _act(frame) == STORES else f"`{text}`"
