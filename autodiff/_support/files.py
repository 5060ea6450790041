"""Writing files whole or not at all: written aside, then moved into place."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all. It keeps its mode; a symbolic link is followed, not replaced.

    A file with further names (hard links) is left to these as it was, and its new content is under this name alone: it cannot
    be exchanged under all of them at once, and a copy of a folder that is made of such links is meant to stay what it is.

    Raises ``OSError``, before anything has happened, for a folder that is not there, for a file that is protected from
    writing, and for what is no file: a folder, a device, a pipe.
    """
    try:
        target = path.resolve()
    except RuntimeError as error:  # links in a ring, up to Python 3.12
        raise OSError(f"{str(path)!r} cannot be written: {error}") from error
    require_folder(target)
    mode = path.stat().st_mode if path.exists() else None
    if mode is not None and stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{str(path)!r} is a folder, not a file to write into")
    if mode is not None and not stat.S_ISREG(mode):
        raise OSError(f"{str(path)!r} is a device or a pipe, which cannot be replaced by a file")
    if mode is not None and not os.access(target, os.W_OK):
        raise PermissionError(f"{str(path)!r} must not be written to")
    temporary = target.with_name(f".autodiff-{secrets.token_hex(8)}")
    try:
        temporary.write_bytes(content)
        if mode is not None:
            temporary.chmod(stat.S_IMODE(mode))
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def require_folder(path: Path) -> None:
    """Raise ``FileNotFoundError`` if there is no folder that a file could be written into."""
    if not path.resolve().parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r} to write {path.name!r} into")
