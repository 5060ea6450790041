"""The parameters of a model as a JSON file: readable, exact to the last bit, nothing in it is ever run."""

from __future__ import annotations

import json
import math
from collections import Counter
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn

from autodiff._support import files, states
from autodiff.errors import StateError, WrongFile

FORMAT, CHECKPOINT, VERSION = "autodiff parameters", "autodiff checkpoint", 1


def write(file: str | PathLike[str], model: str, state: dict[str, float]) -> None:
    """Write a state, complete or not at all."""
    written = {path: states.plain(number) for path, number in state.items()}
    content = {"format": FORMAT, "version": VERSION, "model": model, "parameters": written}
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    files.replace(Path(file), f"{text}\n".encode())


def read(file: str | PathLike[str]) -> tuple[str, dict[str, float]]:
    """The kind of model and the state in a file. Raises ``WrongFile``, which says where it is wrong."""
    content = _parsed(file, Path(file).read_bytes())
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise WrongFile(f'{file} is JSON, but no parameters that autodiff has saved: there is no "format": "{FORMAT}" in it')
    version = content.get("version")
    if version != VERSION:
        shown = f"{version:g}" if isinstance(version, float) else json.dumps(version)
        raise WrongFile(f"{file} has version {shown} of the format; this autodiff reads version {VERSION}")
    written = content.get("parameters")
    if not isinstance(written, dict):
        raise WrongFile(f'{file}: "parameters" is no object of paths and numbers')
    return str(content.get("model")), {path: _number(file, path, number) for path, number in written.items()}


def write_checkpoint(file: str | PathLike[str], parts: dict[str, Any]) -> None:
    """Write the parts of a checkpoint, complete or not at all."""
    text = json.dumps({"format": CHECKPOINT, "version": VERSION, **parts}, ensure_ascii=False, allow_nan=False)
    files.replace(Path(file), f"{text}\n".encode())


def read_checkpoint(file: str | PathLike[str]) -> dict[str, Any]:
    """The parts of a checkpoint. Raises ``WrongFile``, which says where it is wrong."""
    content = _parsed(file, Path(file).read_bytes(), int)
    if not isinstance(content, dict) or content.get("format") != CHECKPOINT or content.get("version") != VERSION:
        raise WrongFile(
            f'{file} is JSON, but no checkpoint that this autodiff reads: there is no "format": "{CHECKPOINT}" in it'
        )
    parameters = content.get("parameters")
    if not isinstance(parameters, dict) or "optimizer" not in content or "log" not in content:
        raise WrongFile(f"{file} is no whole checkpoint: parameters, optimizer and log belong into it")
    content["parameters"] = {path: _number(file, path, number) for path, number in parameters.items()}
    return content


def _parsed(file: str | PathLike[str], content: bytes, whole: Any = None) -> Any:
    """The JSON in a file, strictly: without repeated names, NaN, or numbers too large for a float."""

    def refuse(token: str) -> NoReturn:
        raise WrongFile(f"{file} is no strict JSON: {token} stands for a number")

    def number(text: str) -> float:
        value = float(text)
        if math.isinf(value):
            raise WrongFile(f"{file}: the number {text[:40]} is too large for a float")
        return value

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
            raise WrongFile(f"{file}: {twice!r} is there more than once")
        return found

    try:
        text = content.decode("utf-8-sig")
        return json.loads(text, parse_constant=refuse, parse_float=number, parse_int=whole or number, object_pairs_hook=once)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise WrongFile(f"{file} is not text in UTF-8, from line {line} (byte {error.start}) on") from error
    except json.JSONDecodeError as error:
        cut = " where the file ends: it seems to be cut short" if not text[error.pos :].strip() else ""
        raise WrongFile(f"{file} is no JSON at line {error.lineno}, column {error.colno}{cut}: {error.msg}") from error
    except RecursionError as error:
        raise WrongFile(f"{file} is nested too deeply to be a file of parameters") from error


def _number(file: str | PathLike[str], path: str, written: Any) -> float:
    try:
        return states.number(written, path)
    except StateError as error:
        raise WrongFile(f"{file}: {error}") from error
