"""The engine on each Python that this machine has: build, backward, release, and page faults.

Each gets an environment under build/pythons with the package in it. Everything is relative to the same loop on floats, in the
same process and in turns; the figures are minima of processor time.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable
from glob import glob
from pathlib import Path
from time import process_time
from typing import Any

ROOT = Path(__file__).parents[1]
VERSIONS = ["3.11", "3.12", "3.13", "3.14"]
ROUNDS = 100_000
REPEATS = 15
HEADINGS = ["Python", "float loop", "build", "× floats", "const.", "× floats", "backward", "all three", "tree, all", "faults"]


# ---- in each Python ------------------------------------------------------------------------------------------------------


def loop(body: str) -> Callable[[dict[str, Any]], None]:
    """The loop as it runs at the top level of a script."""
    code = compile(f"for _ in range({ROUNDS}):\n    {body}", "chain", "exec")
    return lambda names: exec(code, names)


def timed(work: Callable[[], object]) -> float:
    start = process_time()
    work()
    return process_time() - start


def chain(body: str, make: Callable[[float], Any]) -> list[float]:
    """Nanoseconds an operation: build, backward, release; of floats only the first says something."""
    names = {"v": make(1.0), "w": make(1.0000001)}
    run = loop(body)
    build = timed(lambda: run(names))
    backward = timed(getattr(names["v"], "backward", lambda: None))
    release = timed(lambda: names.pop("v"))
    return [1e9 * seconds / ROUNDS for seconds in (build, backward, release)]


def tree(make: Callable[[float], Any]) -> list[float]:
    """Products of leaves, added up in pairs level by level."""
    leaves = [make(0.5 + 0.001 * i) for i in range(100)] * (ROUNDS // 100)

    def build() -> Any:
        level = [a * b for a, b in zip(leaves[::2], leaves[1::2])]  # noqa: B905  strict= would cost it time
        while len(level) > 1:
            odd = level[-1:] if len(level) % 2 else []
            level = [a + b for a, b in zip(level[::2], level[1::2])] + odd  # noqa: B905
        return level.pop()

    return [1e9 * timed(lambda: build().backward()) / ROUNDS]


def page_faults() -> int:
    try:
        import resource
    except ImportError:  # Windows has none
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def measure() -> dict[str, list[float]]:
    from autodiff import Value, implementation

    works: dict[str, Callable[[], list[float]]] = {
        "floats": lambda: chain("v = v * w", float),
        "float_constants": lambda: chain("v = v * 1.0000001", float),
        "values": lambda: chain("v = v * w", Value),
        "constants": lambda: chain("v = v * 1.0000001", Value),
        "tree": lambda: tree(Value),
    }
    gc.disable()
    turns: dict[str, list[list[float]]] = {name: [] for name in works}
    faults = 0
    for turn in range(REPEATS):
        before = page_faults()
        for name, work in works.items():
            turns[name].append(work())
        faults = page_faults() - before if turn else 0
    found = {name: [min(part) for part in zip(*runs, strict=True)] for name, runs in turns.items()}
    return found | {"all": [min(map(sum, turns["values"]))], "faults": [faults], "compiled": [implementation == "compiled"]}


# ---- over them all -------------------------------------------------------------------------------------------------------


def interpreter(version: str) -> str | None:
    """A Python of that version: on the PATH, or one of pyenv's."""
    for command in (f"python{version}", *sorted(glob(str(Path.home() / f".pyenv/versions/{version}.*/bin/python")))):
        try:
            ran = subprocess.run([command, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True)
        except OSError:
            continue
        if ran.stdout.strip() == str(tuple(map(int, version.split(".")))):
            return command
    return None


def results_of(command: str, version: str) -> dict[str, list[float]]:
    """Raises ``CalledProcessError`` where the package cannot be installed."""
    folder = ROOT / "build" / "pythons" / version
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    elsewhere = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # the package installed is meant
    quietly: dict[str, Any] = {"check": True, "capture_output": True, "text": True, "env": elsewhere}
    if not python.exists():
        subprocess.run([command, "-m", "venv", str(folder)], **quietly)
    subprocess.run([str(python), "-m", "pip", "install", "-qq", "--force-reinstall", "--no-deps", str(ROOT)], **quietly)
    subprocess.run([str(python), "-m", "pip", "install", "-qq", "graphviz"], **quietly)
    found: dict[str, list[float]] = json.loads(subprocess.run([str(python), __file__, "measure"], **quietly).stdout)
    return found


def row(version: str, found: dict[str, list[float]]) -> list[str]:
    build, backward, _ = found["values"]
    (floats, *_), (float_constants, *_), (constants, *_) = found["floats"], found["float_constants"], found["constants"]
    return [
        version if found["compiled"][0] else f"{version}, interpreted",
        f"{floats:.0f}",
        f"{build:.0f}",
        f"{build / floats:.2f}",
        f"{constants:.0f}",
        f"{constants / float_constants:.2f}",
        f"{backward:.0f}",
        f"{found['all'][0]:.0f}",
        f"{found['tree'][0]:.0f}",
        f"{found['faults'][0]:.0f}",
    ]


def main() -> None:
    if sys.argv[1:] == ["measure"]:
        print(json.dumps(measure()))
        return
    from benchmarks.report import Table

    rows = []
    for version in VERSIONS:
        command = interpreter(version)
        if command is None:
            continue
        try:
            rows.append(row(version, results_of(command, version)))
        except subprocess.CalledProcessError as error:
            print(f"Python {version} is left out: {(error.stderr or '').strip().splitlines()[-1:]}")
    title = "The engine on each Python here: ns an operation, and page faults in the last turn"
    print(Table(title, HEADINGS, rows).text("--markdown" in sys.argv))


if __name__ == "__main__":
    main()
