"""``python -m autodiff draw script.py[:NAME] -o graph.svg``: runs a script and draws what it computes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from autodiff._support import running, streams
from autodiff.drawing import draw, render
from autodiff.engine.recording import record_source, watching
from autodiff.engine.value import Value
from autodiff.errors import UnknownNameError


def add_to(commands: Any) -> None:
    """The command and its options."""
    command: argparse.ArgumentParser = commands.add_parser(
        "draw",
        help="run a script and draw a Value it names, or those it calls backward() on",
        description="Runs a script, and draws the Value that it calls NAME in the end; without a name the Values that it calls "
        "backward() on, one picture for each line that does so. What follows -- are the script's own arguments. Values "
        "have the names that the script gives them.",
    )
    command.add_argument("script", metavar="SCRIPT[:NAME]", help="a Python file, and a name in it")
    command.add_argument("-o", "--out", type=Path, default=Path("graph.svg"), metavar="FILE", help="default: graph.svg")
    command.add_argument("--call", type=int, default=1, metavar="N", help="draw the N-th backward() of a line (default: 1)")
    command.add_argument(
        "--edges", choices=["local", "flow", "none"], default="local", help="what edges carry (default: local)"
    )
    command.add_argument("--heat", action="store_true", help="show the size of gradients by colour and width")
    command.add_argument("--theme", choices=["light", "dark"], default="light", help="colours (default: light)")
    command.add_argument("--top", type=int, metavar="K", help="only the K strongest paths")
    command.add_argument("--depth", type=int, metavar="N", help="only what is at most N operations from the loss")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the script and draw; the exit status is the script's, and 1 if there was nothing to draw."""
    script, name = running.script_and_name(options.script)
    render.path_and_format(options.out)  # an unknown suffix is told of before the script has run
    how = {
        "edges": None if options.edges == "none" else options.edges,
        "heat": options.heat,
        "theme": options.theme,
        "top": options.top,
        "depth": options.depth,
    }
    calls: dict[tuple[str, int], int] = {}
    files: list[Path] = []

    def seen(value: Value, file: str, line: int) -> None:
        calls[file, line] = calls.get((file, line), 0) + 1
        if name is None and calls[file, line] == options.call:
            out = options.out
            if files:
                out = out.with_stem(f"{out.stem}-{len(files) + 1}")
            files.append(out)
            draw(value, out, **how)
            streams.tell(f"{out}: the Value of {file}:{line}", sys.stdout)

    with record_source(), watching(seen):
        names, status = running.run(script, options.arguments)
    if name is not None and not status:
        draw(named(names, name, script), options.out, **how)
        streams.tell(f"{options.out}: {name} of {script}", sys.stdout)
    elif not files and not status:
        often = f", or not {options.call:,} times from one line" if options.call > 1 else ""
        raise UnknownNameError(f"{script} calls backward() on nothing{often}; {script}:NAME draws the Value it calls NAME")
    return status


def named(names: dict[str, Any], name: str, script: Path) -> Value:
    """The Value that a script calls so."""
    thing = names.get(name)
    if not isinstance(thing, Value):
        there = ", ".join(sorted(key for key, value in names.items() if isinstance(value, Value))) or "none"
        what = f"is a {type(thing).__name__}" if name in names else "does not exist"
        raise UnknownNameError(f"{name} in {script} {what}; the Values there are {there}")
    return thing
