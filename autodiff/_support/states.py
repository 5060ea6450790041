"""What a ``state_dict`` is made of: plain numbers, lists and strings that JSON carries without loss, checked when read."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from autodiff.errors import StateError

EXACT = 2**53  # up to here every whole number is a float
MOST_NAMED = 20  # keys that one message lists
MOST_COMPARED = 1000  # keys among which a similar one is looked for
NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


def plain(x: float) -> float | str:
    """x for JSON, which has no word for inf and nan: those are the strings ``"inf"``, ``"-inf"`` and ``"nan"``."""
    return x if math.isfinite(x) else repr(x)


def plain_throughout(thing: Any) -> Any:
    """What is made of numbers, strings, lists, arrays and dicts, as JSON has it."""
    if isinstance(thing, float):
        return plain(thing)
    if isinstance(thing, dict):
        return {key: plain_throughout(part) for key, part in thing.items()}
    return [plain_throughout(part) for part in thing] if isinstance(thing, (list, tuple, array)) else thing


def number(x: Any, where: str) -> float:
    """The inverse of ``plain``. Raises ``StateError``, saying ``where`` it was found, for anything else."""
    if isinstance(x, float) or (isinstance(x, int) and not isinstance(x, bool) and abs(x) <= EXACT):
        return float(x)
    if isinstance(x, str) and x in NOT_FINITE:
        return NOT_FINITE[x]
    raise StateError(f"{where} is {_short(x)}: it must be a float, 'inf', '-inf' or 'nan'")


def count(x: Any, where: str) -> int:
    """x, if it is a whole number that counts something. Raises ``StateError`` otherwise."""
    if isinstance(x, bool) or not isinstance(x, int) or not 0 <= x <= EXACT:
        raise StateError(f"{where} is {_short(x)}: it must be a whole number from 0 to 2⁵³")
    return x


def require_keys(found: Any, expected: Iterable[str], where: str) -> None:
    """Raise ``StateError``, naming what is missing and what is unexpected, unless ``found`` is a dict with just these keys."""
    if not isinstance(found, Mapping):
        raise StateError(f"{where} is of type {type(found).__name__}: it must be a dict")
    wanted = dict.fromkeys(expected)
    missing = [key for key in wanted if key not in found]
    unexpected = [key for key in found if key not in wanted]
    if missing or unexpected:
        words = [f"misses {_listed(missing)}"] if missing else []
        if unexpected:
            words.append(f"has the unexpected {_listed(unexpected, among=missing)}")
        raise StateError(f"{where} {' and '.join(words)}", missing, unexpected)


def _short(x: Any) -> str:
    """What somebody else has written, in a message of ours."""
    text = repr(x)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _listed(keys: list[str], among: Sequence[str] = ()) -> str:
    """The first keys, each with the one that it may have meant, if there is one like it."""
    words = []
    for key in keys[:MOST_NAMED]:
        similar = get_close_matches(str(key), among[:MOST_COMPARED], n=1)
        words.append(_short(key) + (f" (perhaps {_short(similar[0])})" if similar else ""))
    return ", ".join(words) + (f" and {len(keys) - MOST_NAMED} more" if len(keys) > MOST_NAMED else "")
