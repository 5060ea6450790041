"""Chooses between the compiled and the interpreted form of the hot modules; imported before any of them.

Both forms stand beside each other and Python takes the compiled one by itself. ``AUTODIFF_PURE=1`` makes it take the source.
"""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path


class SourceFinder:
    """Finds every module of this package as Python source."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        """The spec of the ``.py`` file; None, for the ordinary finders, where there is none."""
        if not name.startswith("autodiff.") or path is None:
            return None
        file = Path(next(iter(path)), name.rpartition(".")[2] + ".py")
        return spec_from_file_location(name, file) if file.exists() else None


if os.environ.get("AUTODIFF_PURE") == "1":
    sys.meta_path.insert(0, SourceFinder)

_engine = importlib.import_module("autodiff.engine.value")
implementation = "python" if str(_engine.__file__).endswith(".py") else "compiled"

if not getattr(sys, "_is_gil_enabled", lambda: True)():
    warnings.warn(
        "autodiff does not support threads without the global interpreter lock: use Values in one thread alone, "
        "or start Python with PYTHON_GIL=1 (-X gil=1)",
        RuntimeWarning,
        stacklevel=2,
    )
