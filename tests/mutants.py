"""Plants faults, one at a time, and lists those that no test sees: ``python -m tests.mutants [FILE ...] [--minutes N]``.

The faults are cosmic-ray's: another operator, another number, a negated condition, a loop that does not run, a decorator gone.
Each is made in a copy of the project under ``build/mutants``, interpreted, and tested by the file in tests/ that mirrors the
module, then by all of its folder; the first failure kills it. A fault that only a type annotation has is none. The order is
drawn from ``--seed``, so that a run cut short by ``--minutes`` has seen a sample of all files.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPY = ROOT / "build" / "mutants"
PATIENCE = 5  # times what the tests take without a fault, then they hang
COARSE = re.compile(r"_(LShift|RShift|BitOr|BitAnd|BitXor|Is|IsNot|FloorDiv|Mod|Invert|UAdd)$")


class Meaning(ast.NodeTransformer):
    """What a module does: without the types that it declares, which are text here, and what has no body but says types."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST | None:
        if ast.unparse(node.body[-1]) == "...":  # an overload, a protocol's method
            return None
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)


def meaning(text: str) -> str:
    return ast.dump(Meaning().visit(ast.parse(text)))


def faults(text: str) -> list[tuple[str, int]]:
    """Every fault of a module: its kind, and which occurrence of what it changes. Without those that hardly a line survives."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator, operator_names

    nodes = list(ast_nodes(get_ast(text)))
    found: list[tuple[str, int]] = []
    for kind in operator_names():
        operator = get_operator(kind)
        if operator.arguments() or COARSE.search(kind):  # arguments are names that one would have to give
            continue
        found += [(kind, i) for i in range(sum(1 for node in nodes for _ in operator().mutation_positions(node)))]
    return found


def with_fault(text: str, kind: str, occurrence: int) -> str | None:
    """The module with a fault; None if that changes nothing that runs."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    faulty: str | None = mutate_code(text, get_operator(kind)(), occurrence)
    try:
        return faulty if faulty and meaning(faulty) != meaning(text) else None
    except SyntaxError:
        return None


def stages(module: str) -> list[str]:
    """What is run on the faults of a module, one after the other: the file that mirrors it, and its folder."""
    folder, _, name = module.removeprefix("autodiff/").removesuffix(".py").partition("/")
    mirror = f"tests/{folder}/test_{name}.py"
    return [*[mirror] * (ROOT / mirror).exists(), f"tests/{folder}"]


def passes(tests: str, seconds: float | None) -> bool:
    """Whether tests pass in the copy in time."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider", tests]
    environment = os.environ | {"AUTODIFF_PURE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=COPY, env=environment, start_new_session=True, **quiet) as process:
        try:
            return process.wait(seconds) == 0
        except BaseException as error:  # they hang, or somebody has had enough
            os.killpg(process.pid, signal.SIGKILL)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            return False


def lives(file: Path, text: str, faulty: str, tests: str, limits: dict[str, float]) -> bool:
    """Whether tests pass with the fault in the file; they are first run without it, to see how long they take."""
    if tests not in limits:
        started = time.monotonic()
        if not passes(tests, None):
            sys.exit(f"{tests} fails without any fault, interpreted")
        limits[tests] = PATIENCE * (time.monotonic() - started)
    file.write_text(faulty, encoding="utf-8")
    alive = passes(tests, limits[tests])
    file.write_text(text, encoding="utf-8")
    return alive


def copied() -> None:
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for name in ("autodiff", "tests", "examples", "docs", "pyproject.toml", "README.md", "Makefile", "setup.py"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, COPY / name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, COPY / name)


def main() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutants"]
    parser = argparse.ArgumentParser(description="Plant faults, and list those that no test sees.")
    parser.add_argument("files", nargs="*", help="modules, such as autodiff/nn/losses.py; all that pyproject.toml names")
    parser.add_argument("--minutes", type=float, default=settings["minutes"], help="stop after so long")
    parser.add_argument("--seed", type=int, default=0, help="another seed draws another sample")
    arguments = parser.parse_args()
    every = [
        path.relative_to(ROOT).as_posix() for folder in settings["folders"] for path in sorted((ROOT / folder).glob("*.py"))
    ]
    modules = arguments.files or [module for module in every if module not in settings["exclude"]]
    copied()
    end = time.monotonic() + 60 * arguments.minutes
    texts = {module: (ROOT / module).read_text(encoding="utf-8") for module in modules}
    waiting = [(module, *fault) for module, text in texts.items() for fault in faults(text)]
    random.Random(arguments.seed).shuffle(waiting)
    print(f"{len(waiting):,} faults in {len(modules)} modules, for {arguments.minutes:g} minutes", flush=True)
    limits: dict[str, float] = {}
    planted, survivors = Counter[str](), Counter[str]()
    for module, kind, occurrence in waiting:
        if time.monotonic() > end:
            break
        faulty = with_fault(texts[module], kind, occurrence)
        if faulty is None:
            continue
        planted[module] += 1
        if all(lives(COPY / module, texts[module], faulty, tests, limits) for tests in stages(module)):
            survivors[module] += 1
            lines = difflib.unified_diff(texts[module].splitlines(), faulty.splitlines(), module, kind, n=1, lineterm="")
            print("\n".join([*lines, ""]), flush=True)
    for module, count in sorted(planted.items()):
        print(f"{module}: {count} planted, {survivors[module]} lived")
    print(f"{planted.total()} of {len(waiting):,} planted, {survivors.total()} lived")


if __name__ == "__main__":
    main()
