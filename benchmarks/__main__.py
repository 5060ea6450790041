"""Runs the workloads on every engine there is and prints the tables."""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import report, rows, runners, workloads
from benchmarks.engines import ENGINES

# how often each workload is repeated, and its title
REPEATS = {"chain": 9, "chain2": 5, "moons": 7, "gpt": 7, "tree": 3, "optimizers": 9, "seeing": 5}
TITLES = {
    "chain": "A chain of 100,000 operations, v = v * w",
    "chain2": "A chain of 100,000 operations, v = v * w + x",
    "moons": "A step of the two-moons MLP(2, 16, 16, 1) over 100 samples",
    "gpt": "A step of a character GPT with 4,192 parameters, one name",
}
NOTE = """\
Medians; the engines take turns. The cyclic garbage collector is off except where a row says “+ collector”; torch has
one thread. micrograd's graphs are cycles, which del does not release: its times leave the release out. “bytes” is the
growth of a fresh process's resident memory for each node of a chain."""
SLOW = {"micrograd", "micrograd-gc", "plain-gc", "torch"}  # they take gigabytes for the tree, and a minute

ELSEWHERE = ("replay", "exported", "pythons")  # modules that run in processes of their own
COMPILED = (*rows.ROWS, rows.COMPILE_TIMES)  # what replay has, one by one
WITH_OPTIMIZERS = {"autodiff", "interpreted", "plain", "tensor"}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = [*REPEATS, *ELSEWHERE, *COMPILED]
    parser.add_argument("workloads", nargs="*", metavar="PART", help=f"of {', '.join(known)}; all if none is given")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES), help="those to compare")
    parser.add_argument("--repeats", type=int, help="of every workload, in place of its own number")
    parser.add_argument("--whole-tree", action="store_true", help="run the tree on the slow engines too")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write all that is printed into a file too, once it is whole")
    parser.add_argument("--markdown", action="store_true", help="tables in Markdown")
    parser.add_argument("--serve", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--memory", choices=ENGINES, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if unknown := set(chosen.workloads) - set(known):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return chosen


def measure(chosen: argparse.Namespace) -> report.Results:
    """Every engine takes its turn within a repeat, so that a noisy moment on the machine falls on all of them."""
    results = report.Results()
    engines: dict[str, Any] = {}
    for key, runner in runners.start(chosen.engines):
        if isinstance(runner, str):
            print(f"{key} is left out: {runner}")
        else:
            engines[key] = runner
    runners.quiet_collector()
    for workload in chosen.workloads:
        for turn in range(chosen.repeats or REPEATS[workload]):
            tell(f"{workload} {turn + 1}")
            if workload in workloads.BODIES:
                results.add(workload, report.FLOATS, workloads.float_chain(workloads.BODIES[workload]))
            for key, runner in engines.items():
                if takes_part(key, workload, chosen.whole_tree):
                    results.add(workload, runner.name, runner.run(workload))
    if "chain" in results.times:
        tell("memory")
        results.bytes = {runner.name: runners.memory(key) for key, runner in engines.items() if key not in ("dot", "tensor")}
    tell("")
    for runner in engines.values():
        runner.close()
    return results


def takes_part(key: str, workload: str, whole_tree: bool) -> bool:
    if workload == "optimizers" or key == "tensor":
        return workload == "optimizers" and key in WITH_OPTIMIZERS
    if workload == "seeing":
        return key in ("autodiff", "interpreted")
    if key == "dot":
        return workload in workloads.NETWORKS
    return workload != "tree" or whole_tree or key not in SLOW


def tell(progress: str) -> None:
    """Overwrites the line that says how far it is, where somebody is looking."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{progress}", end="", file=sys.stderr, flush=True)


def show(results: report.Results, markdown: bool) -> None:
    print(f"{report.machine()}\n\n{NOTE}\n")
    for workload in results.times:
        if workload in workloads.BODIES:
            table = report.chain_table(results, workload, TITLES[workload])
        elif workload == "tree":
            table = report.tree_table(results)
        elif workload == "optimizers":
            table = report.optimizer_table(results)
        elif workload == "seeing":
            print(report.seeing_table(results).text(markdown))
            continue
        else:
            table = report.step_table(results, workload, TITLES[workload])
        print(table.text(markdown))
        print(report.agreement(results, workload))
    goals = report.goals(results)
    if goals.rows:
        print(goals.text(markdown))


def with_deep_stack(function: Callable[[], None]) -> None:
    """Some engines find their order by recursion, as deep as the chain is long."""
    ended: list[BaseException] = []

    def run() -> None:
        try:
            function()
        except BaseException as error:  # a thread would keep it, and the process end well
            ended.append(error)

    sys.setrecursionlimit(10 * workloads.CHAIN)
    threading.stack_size(1 << 30)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if ended:
        raise ended[0]


def keep(file: Path) -> None:
    """Run once more as what prints, and write it down; a run that fails leaves the file as it was."""
    arguments = [argument for argument in sys.argv[1:] if argument not in ("--keep", str(file))]
    printed = []
    with subprocess.Popen([sys.executable, "-m", "benchmarks", *arguments], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            print(line, end="", flush=True)
            printed.append(line)
    if running.returncode:
        sys.exit(running.returncode)
    file.write_text("".join(printed), encoding="utf-8")


def main() -> None:
    chosen = arguments()
    if chosen.serve:
        runners.serve(chosen.serve)
        return
    if chosen.memory:
        runners.print_memory(chosen.memory)
        return
    if chosen.keep:
        keep(chosen.keep)
        return
    asked = chosen.workloads or [*REPEATS, *ELSEWHERE]
    chosen.workloads = [part for part in asked if part in REPEATS]
    if chosen.workloads:
        show(measure(chosen), chosen.markdown)
    for module in ELSEWHERE:
        some = [part for part in asked if part in COMPILED] if module == "replay" and module not in asked else []
        if some or module in asked:
            subprocess.run([sys.executable, "-m", f"benchmarks.{module}", *some], check=True)


with_deep_stack(main)
