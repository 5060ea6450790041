"""Writing files whole or not at all: written aside, then moved into place."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    target = path.resolve()  # a link is followed, not replaced
    require_folder(path)
    temporary = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def require_folder(path: Path) -> None:
    """Raise ``FileNotFoundError`` if there is no folder that a file could be written into."""
    if not path.resolve().parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r} to write {path.name!r} into")
