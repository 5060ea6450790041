"""Which frames are this package's own, and which are its users'."""

import os

PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep
DEMO = PACKAGE + "demo.py"


def is_ours(file: str) -> bool:
    """Whether a frame's file belongs to this package, or to Python's own import machinery, whose callers count.

    The demo is a user like any other: its pages show its lines.
    """
    return file.startswith((PACKAGE, "<frozen")) and file != DEMO
