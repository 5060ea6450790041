"""Runs workloads on engines: in this process, or in another where the engine needs one."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import seeing, workloads
from benchmarks.engines import ENGINES, OURS
from benchmarks.workloads import Times

MEMORY_CHAIN = 200_000


class Local:
    """An engine in this process, and the networks it trains from one repeat to the next."""

    def __init__(self, key: str):
        self.engine = ENGINES[key]()
        self.name = self.engine.name
        self.networks: dict[str, Any] = {}

    def run(self, workload: str) -> Times:
        """One repeat. What an engine leaves to the collector is collected when the clock has stopped."""
        if self.engine.collector:
            gc.enable()
        try:
            times = self.timed(workload)
            if self.engine.leaves_cycles:
                times["unreleased"] = 1.0  # what was deleted is still there
            return times
        finally:
            gc.disable()
            if self.engine.leaves_cycles:
                gc.collect()

    def timed(self, workload: str) -> Times:
        if workload in workloads.BODIES:
            return workloads.chain(self.engine, workloads.BODIES[workload])
        if workload == "tree":
            return workloads.tree(self.engine)
        if workload == "seeing":
            return seeing.look(self.engine)
        if workload == "optimizers":
            return workloads.optimizers(self.engine)
        if workload not in self.networks:
            self.networks[workload] = workloads.NETWORKS[workload](self.engine)
        return workloads.train_step(self.engine, self.networks[workload])

    def close(self) -> None:
        """Nothing is held."""


class Remote:
    """An engine in a process of its own: workloads go in, a line each, and times come out."""

    def __init__(self, key: str):
        self.process = subprocess.Popen(command("--serve", key), env=environment(key), stdin=-1, stdout=-1, text=True)
        self.name = json.loads(self.ask(""))

    def ask(self, line: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise ImportError("its process ended")
        return answer

    def run(self, workload: str) -> Times:
        return json.loads(self.ask(workload))

    def close(self) -> None:
        self.process.communicate()


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks", *arguments]


def environment(key: str) -> dict[str, str]:
    """That of a process for this engine: it finds these sources, and autodiff in the right form."""
    here = str(Path(__file__).parent.parent)
    paths = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), here)))
    return os.environ | {"PYTHONPATH": paths, "AUTODIFF_PURE": "1" if key == "interpreted" else "0"}


def serve(key: str) -> None:
    """The other end of ``Remote``: its name for an empty line, then the times of each workload it reads."""
    quiet_collector()
    runner = Local(key)
    for line in sys.stdin:
        print(json.dumps(runner.run(line.strip()) if line.strip() else runner.name), flush=True)


def quiet_collector() -> None:
    """Stop the cyclic collector; where an engine has it on, it need not look at what was there before."""
    gc.collect()
    gc.freeze()
    gc.disable()


def start(keys: list[str]) -> Iterator[tuple[str, Any]]:
    """Each engine's runner, or the reason why a peer has none. Ours must be there."""
    for key in keys:
        try:
            yield key, (Remote if key == "interpreted" else Local)(key)
        except ImportError as error:
            if key in OURS:
                raise
            yield key, str(error)


# ---- memory ----------------------------------------------------------------------------------------------------------


def resident_bytes() -> int:
    """What this process holds of the machine's memory, as Linux tells it."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def print_memory(key: str) -> None:
    """Bytes a node of a chain that was just built, in a process that has done nothing else."""
    gc.disable()
    engine = ENGINES[key]()
    leaves = [engine.leaf(x) for x in (1.0, 1.0000001, 0.0)]
    engine.begin([leaves])
    # a first short chain, still alive, uses up what lay ready
    kept = workloads.in_function("v = v * w", 20_000)(*leaves)
    loop = workloads.in_function("v = v * w", MEMORY_CHAIN)
    before = resident_bytes()
    result = loop(*leaves)
    print((resident_bytes() - before) / MEMORY_CHAIN)
    sys.stdout.flush()
    del kept, result


def memory(key: str) -> float | None:
    """Bytes a node, or None where that cannot be found out."""
    done = subprocess.run(command("--memory", key), env=environment(key), capture_output=True, text=True)
    return float(done.stdout) if done.returncode == 0 else None
