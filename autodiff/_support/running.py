"""Running a script as ``python script.py`` would, a module as ``python -m`` would."""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autodiff._support import streams
from autodiff._support.frames import is_ours


def run(
    script: Path | str, arguments: Sequence[str], raised: Callable[[BaseException], None] | None = None
) -> tuple[dict[str, Any], int]:
    """Run a script, or a module given as a string; its global names, and its exit status.

    What it raises is printed as Python prints it, and then given to ``raised``, with the traceback of the user's own frames.
    """
    argv, path = sys.argv, list(sys.path)
    sys.argv = [str(script), *arguments]
    try:
        if isinstance(script, str):
            sys.path.insert(0, os.getcwd())
            return runpy.run_module(script, run_name="__main__", alter_sys=True), 0
        script = script.resolve()
        sys.path.insert(0, str(script.parent))
        return runpy.run_path(str(script), run_name="__main__"), 0
    except SystemExit as ended:
        if isinstance(ended.code, str):
            streams.tell(ended.code, sys.stderr)
        return {}, ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except (Exception, KeyboardInterrupt) as error:
        inside = error.__traceback__
        while inside is not None and is_ours(inside.tb_frame.f_code.co_filename):
            inside = inside.tb_next
        streams.tell("".join(traceback.format_exception(error.with_traceback(inside))).rstrip("\n"), sys.stderr)
        if raised is not None and inside is not None:
            raised(error)
        return {}, 1
    finally:
        sys.argv, sys.path[:] = argv, path


def script_and_name(text: str) -> tuple[Path, str | None]:
    """``script.py:NAME`` in its parts; there may be no name. Raises ``FileNotFoundError`` if there is no such script."""
    before, colon, name = text.rpartition(":")
    for script, wanted in ((before, name), (text, None)):
        if script and os.path.isfile(script) and (wanted is None or wanted.isidentifier()):
            return Path(script), wanted
    raise FileNotFoundError(f"there is no script {(before if colon and name.isidentifier() else text)!r} to run")
