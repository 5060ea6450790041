"""The command line: ``python -m autodiff demo``, ``draw script.py``, ``debug script.py`` and ``dap``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from autodiff import demo
from autodiff._support import streams
from autodiff.debugger.dap import add_to as add_dap_to
from autodiff.debugger.script import add_to as add_debug_to
from autodiff.drawing.command import add_to as add_draw_to
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
    add_draw_to(commands)
    add_debug_to(commands)
    add_dap_to(commands)
    given = sys.argv[1:] if arguments is None else arguments
    end = given.index("--") if "--" in given else len(given)
    options = parser.parse_args(given[:end])
    options.arguments = given[end + 1 :]
    for stream in (sys.stdout, sys.stderr):
        streams.write_what_can_be_written(stream)
    try:
        return options.run(options) or 0
    except (AutodiffError, OSError) as error:
        streams.tell(f"autodiff: {error}", sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
