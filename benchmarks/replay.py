"""Compiled functions beside their peers: the same derivatives again and again, in turns, as medians of wall-clock time.

``python -m benchmarks.replay [ROW ...]``: all rows of ``rows.py`` if none is named, and the goals for those that were run.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from statistics import median
from time import process_time
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
from benchmarks import peers, problems
from benchmarks.peers import OURS, PEERS, THREADED, Running
from benchmarks.report import Table, judged, number, ratio
from benchmarks.rows import COMPILE_TIMES, ROWS, Row

TURNS, SECONDS = 8, 0.1  # each peer's in a row
C, JAX, NUMPY = "C by hand", "jax.jit", "numpy by hand"
NOTE = f"""\
Compiled functions beside their peers. Medians of wall-clock time, the peers taking turns, each in a process of its own on
one core where its name does not say otherwise; “CPU s to the first” is the processor's time from the function to its first
result, C compilers included, without imports. jax has its arrays placed, casadi and ddx their buffers bound; C is called
through ctypes and compiled by cc -O3 -march=native -ffast-math, the C that casadi writes by cc -O1. aadc is not among them:
its licence is not free, and forbids measuring it beside another such tool and publishing the figures. Who has leave to adds
it, or any other peer, in a file of his own that {peers.OWN} names.
"""


class Measured(NamedTuple):
    """Of one peer in one row: the median seconds a run, and the processor's seconds to the first."""

    seconds: float
    first: float


class Found(NamedTuple):
    """All of a row."""

    peers: dict[str, Measured]
    agreement: str
    left_out: dict[str, str]
    memory: tuple[int, int, int] | None = None


# ---- measured ---------------------------------------------------------------------------------------------------------------


def measure(row: Row, turns: int = TURNS, seconds: float = SECONDS) -> Found:
    running: dict[str, Running] = {}
    left_out: dict[str, str] = {}
    for name, peer in {**PEERS, **peers.own_peers()}.items():
        if peer.takes(row):
            try:
                running[name] = Running(name, row)
            except ImportError as error:
                if peer.module == "ours":
                    raise
                left_out[name] = str(error)
    times: dict[str, list[float]] = {name: [] for name in running}
    for _ in range(turns):
        for name, peer_running in running.items():
            times[name] += peer_running.samples(seconds)
    agreed = agreement([one.answer() for one in running.values()])
    for one in running.values():
        one.close()
    found = {name: Measured(median(times[name]), one.first) for name, one in running.items()}
    return Found(found, agreed, left_out, peers.memory(row) if operations(row) else None)


def agreement(answers: list[problems.Answer]) -> str:
    (value, gradients), *others = answers
    apart = 0.0
    for other, theirs in others:
        differences = np.abs(np.array(theirs) - gradients) / max(1.0, np.abs(gradients).max())
        # each by itself, for a nan hides from max()
        errors = [abs(other - value) / max(1.0, abs(value)), *differences]
        apart = max(apart, max(error if error == error else np.inf for error in errors))
    verdict = "they agree to 1e-9" if apart <= 1e-9 else "THEY DISAGREE"
    return f"value {value:.6g}; values and derivatives at most {apart:.0e} apart: {verdict}"


def operations(row: Row) -> int:
    """How many operations the function records, of rows whose memory is measured."""
    sizes = {"products": row.size - 1, "alternating": row.size - 1, "ode": 58 * row.size}
    return sizes.get(row.kind, 0) if row.size >= 10_000 else 0


# ---- told -------------------------------------------------------------------------------------------------------------------


def table(row: Row, found: Found) -> str:
    ours = found.peers[OURS].seconds
    rows = [
        [name, number(1e6 * one.seconds, 2), number(one.first, 2), number(one.seconds / ours, 2)]
        for name, one in found.peers.items()
    ]
    lines = [Table(row.title, ["µs a run", "median", "CPU s to the first", "× ours"], rows).text(False), found.agreement]
    if found.memory is not None:
        recording, kept, most = (size / operations(row) for size in found.memory)
        lines.append(f"bytes an operation: {recording:.0f} recorded; beside that {kept:.0f} compiled, {most:.0f} at the peak")
    lines += [f"left out: {name}: {reason}" for name, reason in found.left_out.items()]
    return "\n".join([*lines, ""])


def goals(found: dict[str, Found]) -> Table:
    """The goals for the rows that were run."""

    def seconds(row: str, peer: str = OURS) -> float | None:
        return found[row].peers[peer].seconds if row in found and peer in found[row].peers else None

    def beside(row: str, peer: str, limit: float) -> list[str]:
        ours = seconds(row)
        return judged(f"{row}: µs, × {peer}", ours and 1e6 * ours, ratio(ours, seconds(row, peer)), limit)

    def within(goal: str, measured: float | None, limit: float) -> list[str]:
        return judged(goal, measured, measured, limit)

    def first(row: str) -> float | None:
        return found[row].peers[OURS].first if row in found else None

    def each(row: str, part: int) -> float | None:
        memory = found[row].memory if row in found else None
        return None if memory is None else memory[part] / operations(ROWS[row])

    rows = [
        *(beside(name, JAX, 1.0) for name, row in ROWS.items() if row.threads == 1),
        beside("moons-relu-100", C, 1.2),
        beside("gpt-8", C, 1.4),
        beside("rk4-1000", C, 4.0),
        beside("rk4-1000", "aadc", 1.0),
        beside("wide", NUMPY, 1.3),
        *(
            within(f"{row}: µs", None if (ours := seconds(row)) is None else 1e6 * ours, limit)
            for row, limit in (("rosenbrock-10", 0.6), ("hessian-50", 120.0), ("sparse-1000", 100.0))
        ),
        *(
            within(f"{row}: CPU s to the first", first(row), limit)
            for row, limit in (("gpt-8", 0.3), ("rk4-10000", 0.5), ("alternating", 4.0))
        ),
        within("alternating: bytes an operation, kept", each("alternating", 1), 150.0),
        within("alternating: bytes an operation, at the peak", each("alternating", 2), 250.0),
        *(
            judged(f"{row}: µs, one core ÷ two threads", ours and 1e6 * ours, ratio(seconds(row), ours), 1.7, at_least=True)
            for row in ("threads-relu", "threads-tanh")
            for ours in [seconds(row, THREADED)]
        ),
    ]
    headings = ["goal", "measured", "figure", "limit", ""]
    return Table("Goals for compiled functions", headings, [row for row in rows if row])


def compile_times() -> str:
    """The seconds to compile a tree grow as its size does."""
    rows = []
    for n in (10_000, 30_000, 100_000, 300_000):
        leaves = [ad.Value(x) for x in problems.point(ROWS["products"])]
        drawn = problems.drawn(n)

        def loss(drawn: list[int] = drawn, leaves: list[Any] = leaves) -> Any:
            level = [ad.tanh(leaves[i] * leaves[j]) for i, j in zip(drawn[::2], drawn[1::2], strict=True)]
            while len(level) > 1:
                odd = level[-1:] if len(level) % 2 else []
                level = [a + b for a, b in zip(level[::2], level[1::2], strict=False)] + odd
            return level[0]

        compiled = ad.compile(loss)
        start = process_time()
        compiled.backward()
        seconds = process_time() - start
        nodes = next(iter(compiled.program.counts.values()))
        rows.append([f"{nodes:,} nodes", number(seconds, 2), number(1e6 * seconds / nodes, 2)])
    return Table("Compile time of a graph with its adjoint", ["size", "CPU s", "µs a node"], rows).text(False)


def parts(chosen: list[str], turns: int) -> Iterator[str]:
    """The tables of these rows, of all if none is given."""
    yield NOTE
    found: dict[str, Found] = {}
    for name in chosen or ROWS:
        if name in ROWS:
            found[name] = measure(ROWS[name], turns)
            yield table(ROWS[name], found[name])
    if not chosen or COMPILE_TIMES in chosen:
        yield compile_times()
    judgement = goals(found)
    if judgement.rows:
        yield judgement.text(False)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join([*ROWS, COMPILE_TIMES])}; all if none is given")
    parser.add_argument("--turns", type=int, default=TURNS, help=f"of each peer, {SECONDS} s each")
    chosen = parser.parse_args()
    if unknown := set(chosen.rows) - {*ROWS, COMPILE_TIMES}:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    for part in parts(chosen.rows, chosen.turns):
        print(part, flush=True)


if __name__ == "__main__":
    main()
