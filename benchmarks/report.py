"""Turns the times into tables, and sets them beside the goals."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.workloads import CHAIN, OPTIMIZERS, PARAMETERS, TREE, Times

REFERENCE = 36.0  # ns for a float operation at the top level on the machine that the goals speak of
FLOATS = "plain floats"


class Table(NamedTuple):
    """Rows of text under headings."""

    title: str
    headings: list[str]
    rows: list[list[str]]

    def text(self, markdown: bool) -> str:
        widths = [max(map(len, column)) for column in zip(self.headings, *self.rows, strict=True)]
        rule = ["-" * width for width in widths]
        if markdown:
            rule = [rule[0], *(dashes[1:] + ":" for dashes in rule[1:])]
        lines = [
            [
                cell.ljust(width) if i == 0 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            for row in (self.headings, rule, *self.rows)
        ]
        edge, between = ("| ", " | ") if markdown else ("", "  ")
        body = "\n".join((edge + between.join(line) + edge[::-1]).rstrip() for line in lines)
        return f"{'### ' if markdown else ''}{self.title}\n\n{body}\n"


class Results:
    """Every repeat's times by workload and engine, and bytes a node by engine."""

    def __init__(self) -> None:
        self.times: dict[str, dict[str, list[Times]]] = {}
        self.bytes: dict[str, float | None] = {}

    def add(self, workload: str, engine: str, times: Times) -> None:
        self.times.setdefault(workload, {}).setdefault(engine, []).append(times)

    def engines(self, workload: str) -> Iterable[str]:
        return self.times.get(workload, {})

    def seconds(self, workload: str, engine: str, *parts: str) -> float | None:
        """The median over the repeats of the sum of these parts; None for what was not run."""
        repeats = self.times.get(workload, {}).get(engine)
        if not repeats or any(part not in repeats[0] for part in parts):
            return None
        if parts == ("release",) and "unreleased" in repeats[0]:
            return None  # it deletes, and the graph stays
        return median(sum(times[part] for part in parts) for times in repeats)

    def ns(self, workload: str, engine: str, *parts: str) -> float | None:
        """The same in nanoseconds an operation."""
        seconds = self.seconds(workload, engine, *parts)
        return None if seconds is None else 1e9 * seconds / (TREE if workload == "tree" else CHAIN)


def machine() -> str:
    """Processor, Python and date."""
    processor = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        processor = f"{models[0]}, {len(models)} cores" if models else processor
    return f"{processor}; {platform.python_implementation()} {platform.python_version()}; {date.today()}"


def number(x: float | None, digits: int = 0) -> str:
    return "–" if x is None else f"{x:,.{digits}f}"


def ratio(x: float | None, y: float | None) -> float | None:
    return None if x is None or y is None else x / y


STEPS = ("moons", "gpt")  # the workloads where one repeat is one step of training
STEP = ("forward", "backward", "update", "release")
CHECKS = ("value", "gradients")
CYCLE = ("build", "backward", "release")


def chain_table(results: Results, workload: str, title: str) -> Table:
    rows = []
    ours = results.ns(workload, "autodiff", *CYCLE)
    for engine in results.engines(workload):
        cycle = results.ns(workload, engine, *CYCLE)
        parts = [results.ns(workload, engine, part) for part in ("build", "build_fn", "backward", "release")]
        size = results.bytes.get(engine) if workload == "chain" else None
        rows.append([engine, *map(number, parts), number(cycle), number(size), number(ratio(cycle, ours), 1)])
    headings = ["ns an operation", "build", "in a function", "backward", "release", "all three", "bytes", "× ours"]
    return Table(title, headings, rows)


def tree_table(results: Results) -> Table:
    rows = []
    ours = results.ns("tree", "autodiff", *CYCLE)
    for engine in results.engines("tree"):
        cycle = results.ns("tree", engine, *CYCLE)
        parts = [results.ns("tree", engine, part) for part in CYCLE]
        rows.append([engine, *map(number, parts), number(cycle), number(ratio(cycle, ours), 1)])
    headings = ["ns an operation", "build", "backward", "release", "all three", "× ours"]
    return Table("A tree of a million operations over 1,000 inputs", headings, rows)


def step_table(results: Results, workload: str, title: str) -> Table:
    rows = []
    ours = results.seconds(workload, "autodiff", *STEP)
    for engine in results.engines(workload):
        whole = results.seconds(workload, engine, *STEP)
        times = [*(results.seconds(workload, engine, part) for part in STEP), whole]
        cells = [number(None if seconds is None else 1e3 * seconds, 2) for seconds in times]
        rows.append([engine, *cells, number(ratio(whole, ours), 1)])
    return Table(title, ["ms a step", *STEP, "whole step", "× ours"], rows)


def optimizer_table(results: Results) -> Table:
    rows = []
    ours = results.seconds("optimizers", "autodiff", *OPTIMIZERS)
    for engine in results.engines("optimizers"):
        cells = [number(1e6 * results.seconds("optimizers", engine, name)) for name in OPTIMIZERS]
        rows.append([engine, *cells, number(ratio(results.seconds("optimizers", engine, *OPTIMIZERS), ours), 1)])
    return Table(f"A step of an optimiser with {PARAMETERS:,} parameters", ["µs a step", *OPTIMIZERS, "× ours"], rows)


def agreement(results: Results, workload: str) -> str:
    """Whether every engine came to the same value and the same gradients in every repeat."""
    engines = [repeats for engine, repeats in results.times[workload].items() if engine != FLOATS]
    if not engines:
        return "no engine took part\n"
    checks = [check for check in CHECKS if check in engines[0][0]]
    apart = {check: [error for repeats in engines for error in errors(engines[0], repeats, check)] for check in checks}
    # each by itself, for a nan hides from max()
    agree = all(error <= 1e-9 for check in checks for error in apart[check])
    verdict = "they agree to 1e-9" if agree else "THEY DISAGREE"
    first, last = engines[0][0]["value"], engines[0][-1]["value"]
    course = f"value {first:.6g}" + (f" → {last:.6g}" if workload in STEPS else "")
    gradients = f", gradients {max(apart['gradients']):.0e}" if "gradients" in checks else ""
    return f"{course}; values at most {max(apart['value']):.0e} apart{gradients}: {verdict}\n"


def errors(first: list[Times], second: list[Times], check: str) -> list[float]:
    """How far two engines are apart in each repeat, relative to the first's where that is above one."""
    pairs = [(a[check], b[check]) for a, b in zip(first, second, strict=True)]
    return [abs(a - b) / max(1.0, abs(a)) for a, b in pairs]


def seeing_table(results: Results) -> Table:
    """Milliseconds, microseconds a node, and what source lines cost."""
    rows = []
    for engine in results.engines("seeing"):
        for name, title in (("network", "MLP(3, 8, 8, 1), 17 samples"), ("moons", "two moons")):
            nodes, own, picture = (results.seconds("seeing", engine, f"{name} {part}") for part in ("nodes", "own", "picture"))
            each = None if own is None or not nodes else 1e6 * own / nodes
            rows.append(
                [f"{engine}: {title}", number(nodes), number(own and 1e3 * own, 1), number(each, 1), number(picture, 2)]
            )
    headings = ["drawing", "nodes", "ms of ours", "µs a node", "s with SVG"]
    return Table("Looking at a graph", headings, rows)


def seeing_goals(results: Results) -> list[list[str]]:
    """The goals for drawings, for histories and for source lines."""

    def of(part: str, engine: str = "autodiff") -> float | None:
        return results.seconds("seeing", engine, part)

    rows = []
    for name, title, limit in (("network", "drawing 1,000 nodes of a network", 1.0), ("moons", "drawing the two moons", 5.0)):
        nodes, own, picture = (of(f"{name} {part}") for part in ("nodes", "own", "picture"))
        rows.append(judged(f"{title}: s", picture, picture, limit))
        each = None if own is None or nodes is None else 1e6 * own / nodes
        rows.append(judged(f"{title}, our part: µs a node", each, each, 10.0))
    seconds, size = of("history"), of("history bytes")
    rows.append(judged("history of 20,000 Values: s", seconds and 2e4 * seconds, seconds and 2e4 * seconds, 0.5))
    rows.append(judged("history of 20,000 Values: MB", size and 2e-2 * size, size and 2e-2 * size, 10.0))
    for engine in ("autodiff", "autodiff, interpreted"):
        times = ratio(of("sourced", engine), of("plain", engine))
        rows.append(judged(f"{engine}: record_source(), × the build", times, times, 2.0))
    return rows


def goals(results: Results) -> Table:
    """The goals of the project beside what was measured."""
    floats = results.ns("chain", FLOATS, "build")
    scale = ratio(REFERENCE, floats)

    def scaled(*parts: str) -> float | None:
        ns = results.ns("chain", "autodiff", *parts)
        return None if ns is None or scale is None else ns * scale

    build, build_fn = results.ns("chain", "autodiff", "build"), results.ns("chain", "autodiff", "build_fn")
    step = results.seconds("gpt", "autodiff", *STEP)
    plain = results.seconds("gpt", "plain-Python class", *STEP)
    dots = results.seconds("gpt", "autodiff, dot", *STEP)
    interpreted = results.seconds("gpt", "autodiff, interpreted", *STEP)
    steps = [results.seconds("optimizers", "autodiff", name) for name in OPTIMIZERS]
    slowest = None if None in steps else 1e6 * max(steps)
    rows = [
        judged("chain: build, × floats at the top level", build, ratio(build, floats), 2.0),
        judged(
            "chain: build, × floats in a function",
            build_fn,
            ratio(build_fn, results.ns("chain", FLOATS, "build_fn")),
            3.5,
        ),
        judged("chain: backward, ns a node, scaled", results.ns("chain", "autodiff", "backward"), scaled("backward"), 25.0),
        judged("chain: all three, ns an operation, scaled", results.ns("chain", "autodiff", *CYCLE), scaled(*CYCLE), 130.0),
        judged("chain: bytes a node", results.bytes.get("autodiff"), results.bytes.get("autodiff"), 96.0),
        judged("GPT step: plain-Python class ÷ ours, one source", step and 1e3 * step, ratio(plain, step), 20.0, at_least=True),
        judged("GPT step: plain-Python class ÷ ours with dot", dots and 1e3 * dots, ratio(plain, dots), 20.0, at_least=True),
        judged(
            "GPT step: interpreted ÷ plain-Python class",
            interpreted and 1e3 * interpreted,
            ratio(interpreted, plain),
            1.0,
        ),
        judged(f"slowest optimiser: µs a step of {PARAMETERS:,} parameters", slowest, slowest, 1000.0),
        *seeing_goals(results),
    ]
    title = f"Goals (a float operation at the top level: {number(floats, 1)} ns here; scaled is to {REFERENCE:.0f} ns)"
    return Table(title, ["goal", "measured", "figure", "limit", ""], [row for row in rows if row])


def judged(goal: str, measured: float | None, figure: float | None, limit: float, at_least: bool = False) -> list[str]:
    """A row of the table of goals; empty if it was not measured."""
    if measured is None or figure is None:
        return []
    met = figure >= limit if at_least else figure <= limit
    return [
        goal,
        number(measured, 1),
        number(figure, 2),
        f"{'≥' if at_least else '≤'} {limit:g}",
        "met" if met else "NOT MET",
    ]
