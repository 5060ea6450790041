"""The command line: ``python -m autodiff demo``, ``python -m autodiff debug script.py``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from autodiff import demo
from autodiff.debugger import script, terminal
from autodiff.errors import AutodiffError


def main(arguments: list[str] | None = None) -> int:
    """Run the command that the arguments name; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m autodiff", description="Scalar automatic differentiation that shows its work."
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    command = commands.add_parser("demo", help="train the smallest network and a perceptron, and draw them")
    command.add_argument("--out", type=Path, default=Path("out"), metavar="DIR", help="where the pictures go (default: out)")
    command.set_defaults(run=lambda options: demo.main(options.out))
    add_debug(commands)
    options = parser.parse_args(arguments)
    try:
        return options.run(options) or 0
    except (AutodiffError, OSError) as error:
        print(f"autodiff: {error}", file=sys.stderr)
        return 1


def add_debug(commands: Any) -> None:
    """The command ``debug``."""
    command = commands.add_parser("debug", help="run a script and step through each of its backward() calls")
    command.add_argument("-c", action="append", default=[], metavar="COMMANDS", help="commands to begin with, separated by ;;")
    command.add_argument("-x", action="append", default=[], type=Path, metavar="FILE", help="a file of commands to begin with")
    command.add_argument("script", help="the script to run")
    command.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="its arguments")
    command.set_defaults(run=debug)


def debug(options: argparse.Namespace) -> int:
    """Run a script under the debugger; the exit status."""
    commands = [*options.c, *(line for file in options.x for line in terminal.commands_in(file))]
    return script.run(options.script, options.arguments, commands)


if __name__ == "__main__":
    sys.exit(main())
