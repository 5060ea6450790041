"""Where in the user's program a Value was made, and what it is called there: found out when somebody asks.

While a recording is made only a code object and the offset of an instruction are kept. From them come, later, the file, the
line, the column, the text of the sub-expression, and the name that it was assigned to.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple

from autodiff._support.frames import is_ours


class Place(NamedTuple):
    """A stretch of a file, as Python's syntax trees count: lines from 1, columns in bytes of UTF-8 from 0."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


class Source:
    """The expression that made a Value: ``file``, ``line``, ``column`` (both from 1) and ``text``, the expression itself."""

    __slots__ = ("code", "found", "offset")

    def __init__(self, code: CodeType | None, offset: int):
        self.code, self.offset = code, offset
        self.found: tuple[Place, str] | None = None

    @property
    def place(self) -> Place:
        """The stretch of the file."""
        return self._resolved()[0]

    @property
    def file(self) -> str:
        return self.place.file

    @property
    def line(self) -> int:
        return self.place.line

    @property
    def column(self) -> int:
        before = linecache.getline(self.file, self.line).encode()[: self.place.column]
        return len(before.decode(errors="replace")) + 1

    @property
    def text(self) -> str:
        return self._resolved()[1]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.text else f"{self.file}:{self.line}"

    def __repr__(self) -> str:
        return f"Source({self.file!r}, line={self.line}, column={self.column}, text={self.text!r})"

    def __reduce__(self) -> Any:
        return resolved, self._resolved()  # a code object can be neither pickled nor copied

    def _resolved(self) -> tuple[Place, str]:
        if self.found is None:
            assert self.code is not None
            # Each instruction's place is given once for every unit of code, those of the inline cache behind it included, so
            # it does not matter which of them an offset points to.
            line, end_line, column, end_column = _positions(self.code)[self.offset // 2]
            file = self.code.co_filename
            if line is None or end_line is None or column is None or end_column is None:  # -X no_debug_ranges
                line = line or self.code.co_firstlineno
                text = linecache.getline(file, line).strip()
                self.found = Place(file, line, 0, line, 0), text
            else:
                place = Place(file, line, column, end_line, end_column)
                self.found = place, _text(place)
        return self.found


_latest: tuple[CodeType | None, list[Any]] = (None, [])  # positions: questions come for many instructions of one code


def _positions(code: CodeType) -> list[Any]:
    global _latest
    latest = _latest
    if latest[0] is not code:
        latest = _latest = code, list(code.co_positions())
    return latest[1]


def resolved(place: Any, text: str) -> Source:
    """A source that is known already."""
    source = Source(None, 0)
    source.found = Place(*place), text
    return source


def noted(code: CodeType, offset: int) -> Source | None:
    """The source at an instruction; None if it belongs to this package, whose callers count."""
    return None if is_ours(code.co_filename) else Source(code, offset)


def _text(place: Place) -> str:
    lines = [linecache.getline(place.file, number).encode() for number in range(place.line, place.end_line + 1)]
    if not lines or not all(lines):
        return ""
    lines[-1] = lines[-1][: place.end_column]
    lines[0] = lines[0][place.column :]
    return " ".join(line.decode(errors="replace").strip() for line in lines)


# ---- names ------------------------------------------------------------------------------------------------------------------


class Assigned(NamedTuple):
    """What an expression is assigned to: ``z``, ``h[i]``, ``ws[…]``; and if it is a call, the name of what is called."""

    name: str
    called: str | None


def assigned(source: Source) -> Assigned | None:
    """The assignment whose whole right side made the Value; None if it was only a part of one, or none at all."""
    place = source.place
    return _assignments(place.file, *_version(place.file)).get(tuple(place[1:]))


def _version(file: str) -> tuple[Any, ...]:
    """What is another when the file has changed."""
    return len(linecache.getlines(file)), linecache.cache.get(file, ())[:2]


@lru_cache(maxsize=8)
def _tree(file: str, *_version: Any) -> ast.Module | None:
    try:
        return ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return None


@lru_cache(maxsize=64)
def _assignments(file: str, *version: Any) -> dict[tuple[int, ...], Assigned]:
    """All assignments in a file, by the place of their right sides."""
    tree = _tree(file, *version)
    if tree is None:
        return {}
    found: dict[tuple[int, ...], Assigned] = {}
    for node in ast.walk(tree):
        for value, name in _named(node):
            called = ast.unparse(value.func).rpartition(".")[2] if isinstance(value, ast.Call) else None
            found[_place(value)] = Assigned(name, called)
    return found


def _place(node: ast.AST) -> tuple[int, ...]:
    return tuple(getattr(node, key) for key in ("lineno", "col_offset", "end_lineno", "end_col_offset"))


def _named(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """The expressions that a statement names, with their names."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _pairs(target, node.value)
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
        yield from _pairs(node.target, node.value)
    elif isinstance(node, ast.AugAssign):
        yield node, ast.unparse(node.target)  # the instruction stands for the whole statement


def _pairs(target: ast.AST, value: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(value, ast.IfExp):
        yield from _pairs(target, value.body)
        yield from _pairs(target, value.orelse)
    elif isinstance(target, ast.Tuple | ast.List):
        if isinstance(value, ast.Tuple | ast.List) and len(target.elts) == len(value.elts):
            for part, given in zip(target.elts, value.elts, strict=True):
                yield from _pairs(part, given)
        elif isinstance(value, ast.GeneratorExp | ast.ListComp):
            yield value.elt, " or ".join(map(ast.unparse, target.elts))
    elif isinstance(value, ast.Tuple | ast.List):
        for index, given in enumerate(value.elts):
            yield given, f"{ast.unparse(target)}[{index}]"
    elif isinstance(value, ast.ListComp | ast.GeneratorExp):
        yield value.elt, f"{ast.unparse(target)}[…]"
    elif isinstance(target, ast.Name | ast.Attribute | ast.Subscript):
        yield value, ast.unparse(target)


# ---- branches ---------------------------------------------------------------------------------------------------------------


def branch_begins(source: Source, outcome: bool) -> int | None:
    """For a comparison that chooses among things not computed from its operands, the line at which these may come into play.

    ``y = a if x > 0 else b``: whatever comes after it in the same code may have used the y. None where the branch that was
    taken speaks of what was compared, ``x if x > 0 else -x``, for then what depends on that tells; and where nothing branches.
    """
    place = source.place
    tree = _tree(place.file, *_version(place.file))
    around = _around(tree, place) if tree is not None else []
    if not around or not isinstance(around[-1], ast.Compare):
        return None
    names = {node.id for node in ast.walk(around[-1]) if isinstance(node, ast.Name)}
    for branch, inside in zip(around[-2::-1], around[::-1], strict=False):
        if isinstance(branch, ast.If | ast.IfExp):
            if inside is not branch.test:
                return None
            decides = [outcome] if inside is around[-1] else [True, False]
            parts = [part for taken in decides for part in _taken(branch, taken)]
            if all(part is not None and names & {n.id for n in ast.walk(part) if isinstance(n, ast.Name)} for part in parts):
                return None
            return _first_line(around, branch)
        if isinstance(branch, ast.stmt):
            return None
    return None


def _around(tree: ast.AST, place: Place) -> list[ast.AST]:
    """The nodes around a stretch of the file, the module first; the last is the stretch itself."""
    wanted, around = tuple(place[1:]), [tree]
    while _place(around[-1]) != wanted if hasattr(around[-1], "lineno") else True:
        inner = [
            node
            for node in ast.iter_child_nodes(around[-1])
            if hasattr(node, "lineno") and _place(node)[:2] <= wanted[:2] and wanted[2:] <= _place(node)[2:]
        ]
        if not inner:
            return []
        around.append(inner[0])
    return around


def _taken(branch: ast.If | ast.IfExp, outcome: bool) -> list[ast.AST | None]:
    """What stands in the branch for an outcome; None for nothing."""
    part: Any = branch.body if outcome else branch.orelse
    return [part] if isinstance(part, ast.AST) else [*part] or [None]


def _first_line(around: list[ast.AST], branch: ast.AST) -> int:
    """The first line of the statement that branches, or of the outermost loop around it in the same function."""
    inner: list[Any] = around[: around.index(branch) + 1]
    inside = max((i for i, node in enumerate(inner) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)), default=-1)
    loops = [node.lineno for node in inner[inside + 1 :] if isinstance(node, ast.For | ast.AsyncFor | ast.While)]
    return int(min([*loops, [node for node in inner if isinstance(node, ast.stmt)][-1].lineno]))
