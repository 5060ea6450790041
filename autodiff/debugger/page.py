"""The page: a history as one self-contained HTML file, to be walked through in any browser, offline, or in a notebook.

``page.html`` is the page without its content: scripts, text, drawing and data go into its ``{{places}}``. ``recording.js`` is
what it knows and says, ``live.js`` what it computes, by the rows as ``scripts`` writes them, ``touch.js`` what a hand can
change. What comes from the user is escaped for the place that it goes to, and the page's own policy lets nothing run or load
but its one script and one style.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import linecache
import math
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from autodiff._support import files
from autodiff._support.frames import cell_of, place_of
from autodiff.debugger.drawing import Picture, drawn
from autodiff.debugger.history import History
from autodiff.debugger.words import GIVEN, LINES, MOST_LOCALS, Words, rule_of, stretch
from autodiff.drawing.model import Fold, check_fold
from autodiff.engine import rules
from autodiff.engine.decisions import decisions_about
from autodiff.engine.sources import Source, branch_begins
from autodiff.engine.value import Value
from autodiff.errors import GraphTooLarge
from autodiff.graph.names import printable
from autodiff.graph.scripts import Scripts, Unwritable, bare
from autodiff.graph.walk import has_more_than

MOST_VALUES = 20_000  # what a browser moves through without a pause
MOST_ALIVE = 3_000  # that it computes by itself unless it is told to
MOST_OF_RUN = 6_000_000  # characters of a page that go to the steps of a training
CONTEXT = 3  # lines of source around those that are used
HEIGHT = 760  # pixels of the frame in a notebook
OPPOSITE = {"<": "≥", "<=": ">", ">": "≤", ">=": "<", "==": "≠", "!=": "="}  # what held where the comparison did not


@dataclass(frozen=True)
class Page:
    """A page of steps: ``html`` is all of it. A notebook shows it in a frame; ``write(file)`` makes it a file."""

    html: str
    title: str

    def write(self, file: str | os.PathLike[str]) -> None:
        """Write the page, whole or not at all."""
        files.replace(Path(file), self.html.encode())

    def __repr__(self) -> str:
        return f"<Page: {self.title}, {len(self.html.encode()):,} bytes>"

    def _repr_html_(self) -> str:
        return self.frame()

    def frame(self, name: str = "") -> str:
        """The page in a frame that carries it along, so that it survives being saved and converted."""
        return (
            f'<iframe title="{html.escape(self.title)}" name="{name}" sandbox="allow-scripts allow-forms" width="100%" '
            f'height="{HEIGHT}" frameborder="0" srcdoc="{html.escape(self.html)}"></iframe>'
        )


def page(
    loss: Value,
    file: str | os.PathLike[str] | None = None,
    *,
    seed: float = 1.0,
    scope: str | None = None,
    fold: Fold = "auto",
    parameters: Iterable[Value] = (),
    live: bool | None = None,
) -> Page:
    """The forward and the backward pass of ``loss`` as one HTML file that needs nothing else: ``page(loss, "steps.html")``.

    It shows the graph, in which the step's Value and edge are lit and gradients fill in, the chain rule's arithmetic, the
    source where that was recorded, all values and gradients, stops and watches, and a slider over the steps;
    ``steps.html#step=14`` opens at position 14. In a notebook ``page(loss)`` shows it in place. A graph of more than
    some 500 boxes is folded, as ``fold`` says; ``scope`` takes the operations of one scope. Leaves among ``parameters`` are
    drawn as such. Where nothing draws graphs the page has none, and says what mends that. No Value is changed.

    Up to 3,000 Values the page computes: each leaf's number can be typed or dragged, and everything follows at once, by the
    rules of the table written in JavaScript; a Value is seen as a curve over a leaf, with the tangent whose slope is the
    gradient; "Descend" takes steps of gradient descent over the leaves that are ticked, at first ``parameters``, or without
    any all leaves with a name. ``live=True`` asks for that at any size, ``live=False`` for a recording alone; so is the page of
    a ``scope``, whose gradients come from outside of it. An operation of one's own that cannot be written in JavaScript keeps
    its number, and comparisons that Python decided under ``record_source()`` are watched: what is no longer sure is grey.

    Raises ``TypeError`` for anything but a Value, ``UnknownNameError`` for a scope that is not there, ``GraphTooLarge`` for
    more Values than a browser moves through or more boxes than can be laid out unfolded, and ``OSError`` for a file that
    cannot be written.
    """
    made = page_and_data(loss, seed, scope, fold, tuple(parameters), live)[0]
    if file is not None:
        made.write(file)
    return made


def page_and_data(
    loss: Value,
    seed: float = 1.0,
    scope: str | None = None,
    fold: Fold = "auto",
    parameters: tuple[Value, ...] = (),
    live: bool | None = None,
    begin: bool = True,
) -> tuple[Page, dict[str, Any]]:
    """The page, and what it holds; it opens where the passes begin, or else where they are over."""
    check_fold(fold)
    most = 10 * MOST_VALUES
    if scope is None and isinstance(loss, Value) and has_more_than(most, loss):  # without a walk over all of it
        raise GraphTooLarge(
            f"the graph has more than {most:,} Values, and no more than {MOST_VALUES:,} go onto one page; take one scope "
            "(scope=), a Value on the way to the loss, or the loss of fewer samples"
        )
    history = History(loss, seed, scope)
    history.refuse_too_large(MOST_VALUES, "go onto one page; ad.debug(loss) steps through them in the terminal")
    words = Words(history)
    title = f"Steps of {words.loss}" + (f", scope {printable(scope)}" if scope else "")
    computes = scope is None and (len(history.nodes) <= MOST_ALIVE if live is None else live)
    picture = drawn(history, words, fold, parameters, computes)
    data, rows = content_of(history, words, computes, parameters)
    opened = data if begin else data | {"at": len(history)}
    return Page(_filled(title, history, picture, opened, rows), title), data


def page_of_run(recordings: Iterable[tuple[int, Value]], total: int, file: str | os.PathLike[str] | None = None) -> Page:
    """A page with one slider more, over the steps of a training: ``recordings`` are numbers of steps and their losses.

    The last of them is drawn; those of another form (an epoch's short last batch) are left out, and what is more than a page
    holds. Raises as ``page`` does.
    """
    kept = list(recordings)
    number, loss = kept[-1]
    history = History(loss)
    history.refuse_too_large(MOST_VALUES, "go onto one page; run.page(step) of fewer samples, or ad.debug(run.loss(step))")
    words = Words(history)
    computes = len(history.nodes) <= MOST_ALIVE
    (data, rows), room = content_of(history, words, computes), MOST_OF_RUN
    found: list[tuple[int, float, dict[str, Any]]] = []
    for step, other in reversed(kept):
        there = data if step == number else of_same_form(other, data, computes)
        if there is None:
            continue
        room -= len(json.dumps(there))
        if room < 0 and found:
            break
        found.append((step, other.data, there))
    changing = [key for key in data if any(there[key] != data[key] for _, _, there in found)]
    run = [
        {"step": step, "loss": finite(number), "changes": {key: there[key] for key in changing}}
        for step, number, there in reversed(found)
    ]
    title = f"Steps of a training: {len(run)} of {total:,}"
    picture = drawn(history, words, "auto", (), computes)
    made = Page(_filled(title, history, picture, data | {"run": run}, rows), title)
    if file is not None:
        made.write(file)
    return made


def of_same_form(
    loss: Value, data: dict[str, Any], computes: bool, seed: float = 1.0, parameters: Iterable[Value] = ()
) -> dict[str, Any] | None:
    """What a page holds of a loss, if it is recorded as that with ``data`` is: by the same operations of the same Values."""
    history = History(loss, seed)
    there, _ = content_of(history, Words(history), computes, parameters)
    return there if all(there[key] == data[key] for key in ("names", "given", "ops", "scopes", "result", "operand")) else None


def content_of(history: History, words: Words, computes: bool, parameters: Iterable[Value] = ()) -> tuple[dict[str, Any], str]:
    """What a page holds of a history but for the drawing, and if it computes its rows as JavaScript."""
    data, rows = data_of(history, words), ""
    if computes:
        computed, rows = rows_of(history)
        data |= computed | {"decisions": _decisions(history, words), "ticked": _ticked(history, words, parameters)}
    return data, rows


def _filled(title: str, history: History, picture: Picture, data: dict[str, Any], rows: str) -> str:
    edges = len(history) - history.forward
    why_not = ""
    if not rows and history.scope is not None:
        why_not = "; a recording, for gradients come from outside of the scope: the page of the whole loss computes"
    elif not rows and history.forward > MOST_ALIVE:
        why_not = f"; a recording, for there are more than {MOST_ALIVE:,}: live=True has it compute"
    template = _template(bool(rows), 'class="node folded' in picture.svg).replace(
        "{{rules}}", f"const rules = {rows};" if rows else ""
    )
    content = {
        "policy": _policy(template),
        "title": html.escape(title),
        "summary": html.escape(f"{history.forward:,} Values get their number, then {edges:,} edges add to gradients{why_not}"),
        "graph": picture.svg,
        "data": as_script_data(data | {"boxes": picture.boxes, "edges": picture.edges}),
        "live": "live" if rows else "recorded",
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda place: content[place[1]], template)


@cache
def _template(live: bool, folded: bool) -> str:
    """The page without its content; the engine and what changes numbers, and what opens boxes, if it has a use for them."""

    def part(name: str) -> str:
        return bare(resources.files("autodiff.debugger").joinpath(name).read_text(encoding="utf-8"))

    parts = {
        "recording": part("recording.js"),
        "engine": "{{rules}}\n" + part("live.js") if live else "{{rules}}",
        "folded": part("folded.js") if folded else "",
        "touch": part("touch.js") if live else "",
        "touching": part("touch.html") if live else "",
    }
    page = re.sub(r"\{\{(recording|engine|folded|touch|touching)\}\}", lambda place: parts[place[1]], part("page.html"))
    return re.sub(r"<style>.*?</style>", lambda style: re.sub(r"\s*([{};,])\s*", r"\1", style[0]), page, flags=re.DOTALL)


def _policy(template: str) -> str:
    """Nothing may be loaded, and nothing run but the page's own script and style, which their hashes name."""
    hashes = {
        tag: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for tag, text in re.findall(r"<(script|style)>(.*?)</\1>", template, re.DOTALL)
    }
    return (
        f"default-src 'none'; script-src 'sha256-{hashes['script']}'; style-src 'sha256-{hashes['style']}'; "
        "base-uri 'none'; form-action 'none'"
    )


def as_script_data(thing: Any) -> str:
    """JSON in plain ASCII that can end no script element and begin no comment, whatever the strings in it say."""
    text = json.dumps(thing, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


# ---- data -------------------------------------------------------------------------------------------------------------------


def data_of(history: History, words: Words) -> dict[str, Any]:
    """What the page's script moves over: for each Value what it is called and made by, for each edge its numbers."""
    nodes, places = history.nodes, range(len(history.nodes))
    texts = _Texts()
    symbols, rule_texts = [], []
    for place in reversed(places):
        node = nodes[place]
        if not history.actions(place):
            continue
        for argument, x in enumerate(node.arguments):
            if isinstance(x, Value):
                symbols.append(texts.index(words.local(node, argument)))
                rule_texts.append(texts.index(rule_of(node, argument)))
    events = range(history.forward, len(history))
    files_used, sources = _sources(history)
    sums: dict[str, Any] = {"seed": finite(history.seed)}
    if history.scope is not None:
        sums = {
            "upstream": [finite(history.upstream(place)) for place in places],
            "before": [finite(history.edge(number)[1]) for number in events],
            "after": [finite(history.edge(number)[2]) for number in events],
        }
    return sums | {
        "names": [words.name(place) for place in places],
        "given": [printable(words.calls.of(node)) for node in nodes],
        "ops": [node.op for node in nodes],
        "scopes": [printable(scope) for scope in history.scopes],
        "made": [words.operation(place) for place in places],
        "numbers": [words.numbers_template(place) for place in places],
        "data": [finite(history.datum(place)) for place in places],
        "lines": LINES,
        "whence": GIVEN,
        "locals": MOST_LOCALS,
        "digits": words.digits,
        "loss": words.loss,
        "seeded": nodes[-1] is history.loss,
        "result": [history.acting(number) for number in events],
        "operand": [history.changed(number) for number in events],
        "local": [finite(history.edge(number)[0]) for number in events],
        "symbol": symbols,
        "rule": rule_texts,
        "texts": texts.all,
        "sources": sources,
        "files": files_used,
    }


def rows_of(history: History) -> tuple[dict[str, Any], str]:
    """What a page that computes has beyond a recording: for each Value what computes it; and those rows as JavaScript.

    An operation that cannot be written in JavaScript has no row: it stays as it was recorded, and the page says so.
    """
    scripts, refused = Scripts(), {}
    kinds, arguments = [], []
    for node in history.nodes:
        kind, given = "", node.arguments
        if node.op and node.op not in refused:
            try:
                kind = scripts.row(rules.TABLE[node.op], len(given))
            except Unwritable as reason:
                refused[node.op] = str(reason)
        kinds.append(kind)
        arguments.append([history.place(x) if isinstance(x, Value) else [finite(x)] for x in given])
    return {"kinds": kinds, "arguments": arguments, "refused": refused, "decisions": []}, scripts.text()


def _decisions(history: History, words: Words) -> list[dict[str, Any]]:
    """The comparisons that were decided while the graph was recorded; ``after`` are the Values that may depend on the outcome.

    These are the Values computed from what was compared; where the branch speaks of other things, all but those that were there
    already.
    """
    found = []
    places = history.walk.places
    for decision in decisions_about(history.nodes):
        sides = [decision.left, decision.right]
        values = [x for x in sides if isinstance(x, Value) and id(x) in places]
        marked = history.walk.depending_on(values)
        compared = {places[id(x)] for x in values}
        after = [place for place, mark in enumerate(marked) if mark and place not in compared]
        begins = branch_begins(decision.source, decision.outcome) if decision.source else None
        if begins is not None or not after:
            there = _there_before(history, compared, decision.source, begins or 0)
            after = [place for place, node in enumerate(history.nodes) if node.op and not there[place]]
        left, right = (
            places[id(x)] if any(x is y for y in values) else [finite(x.data if isinstance(x, Value) else x)] for x in sides
        )
        names = [words.name(x) if isinstance(x, int) else words.number(float(x[0])) for x in (left, right)]
        op = decision.op if decision.outcome else OPPOSITE[decision.op]
        where = place_of(decision.source.file, decision.source.line, brief=True) if decision.source else ""
        found.append({
            "op": decision.op, "left": left, "right": right, "outcome": decision.outcome, "after": after,
            "text": f"{names[0]} {op} {names[1]}", "where": where,
        })  # fmt: skip
    return found


def _there_before(history: History, compared: set[int], source: Source | None, line: int) -> bytearray:
    """For each Value 1 if it was there for certain: what was compared, or an earlier line of that code, has made use of it."""
    there = bytearray(len(history.nodes))
    code = source.code if source is not None else None
    for place in range(len(there) - 1, -1, -1):
        own = history.nodes[place].source
        if place in compared or (own is not None and code is not None and own.code is code and own.line < line):
            there[place] = 1
        if there[place]:
            for operand in history.operands(place):
                there[operand] = 1
    return there


def _ticked(history: History, words: Words, parameters: Iterable[Value]) -> list[int]:
    """The leaves that a descent changes at first: the parameters, or without any those that have a name."""
    given = [history.walk.places[id(x)] for x in parameters if id(x) in history.walk.places]
    return sorted(given) or [place for place, node in enumerate(history.nodes) if not node.op and words.calls.called(node)]


class _Texts:
    """Texts that are said once and referred to by number."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self.indices: dict[str, int] = {}

    def index(self, text: str) -> int:
        if text not in self.indices:
            self.indices[text] = len(self.all)
            self.all.append(text)
        return self.indices[text]


def finite(x: float) -> float | str:
    """The number; JSON has no nan and no infinities, so these are strings."""
    return x if math.isfinite(x) else "nan" if math.isnan(x) else "inf" if x > 0 else "-inf"


def _sources(history: History) -> tuple[list[dict[str, Any]], list[list[int] | None]]:
    """The lines of source that made the Values, with some around them; and for each Value file, line, column, length."""
    sources = [node.source for node in history.nodes]
    used: dict[str, set[int]] = {}
    for source in sources:
        if source is not None:
            used.setdefault(source.file, set()).add(source.line)
    found: list[dict[str, Any]] = []
    numbers: dict[str, int] = {}
    for file, lines in used.items():
        text = linecache.getlines(file)
        near = {n for line in lines for n in range(line - CONTEXT, line + CONTEXT + 1) if 0 < n <= len(text)}
        if near:
            numbers[file] = len(found)
            name = cell_of(file) or os.path.basename(file)
            found.append({"name": name, "lines": [[n, text[n - 1].rstrip("\r\n")] for n in sorted(near)]})
    places = [
        [numbers[source.file], source.line, *stretch(source)] if source is not None and source.file in numbers else None
        for source in sources
    ]
    return found, places
