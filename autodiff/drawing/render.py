"""Turns DOT text into pictures: finds a program that can, runs it, and writes what it drew."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from graphviz.backend import dot_command

from autodiff._support import files
from autodiff.errors import RendererFailed, RendererNotFound, UnknownNameError

PICTURES = ("svg", "png", "pdf")
TEXTS = ("dot", "gv")
DIAGRAMS = ("mmd",)
REMEDY = 'pip install "autodiff-scalar[render]"'

Renderer = Callable[[str], str | bytes]  # DOT text to SVG
# What a browser takes where there is no Helvetica is made as narrow, so that text stays in its box.
FITTED = b'<svg style="font-size-adjust: ch-width 0.556" '

_swapping = threading.RLock()
_users: Renderer | None = None


# ---- one of the user's ------------------------------------------------------------------------------------------------------


def set_renderer(renderer: Renderer | None) -> None:
    """Have SVG drawn by a function, in place of the program ``dot``: DOT text comes in, SVG goes out as text or as bytes.

    It is for places that start no programs, a browser say, and for another Graphviz: a library's, a server's. ``draw``,
    ``page`` and notebooks use it from then on, in every thread; ``None`` goes back to the program. PNG and PDF, and the
    ``render`` method of the ``graphviz`` package, still take the program. What the function raises, and anything it returns
    that is not SVG, becomes ``RendererFailed`` where the picture is drawn.

    >>> import autodiff as ad
    >>> ad.set_renderer(lambda dot: f"<svg><title>{len(dot.splitlines())} lines of DOT</title></svg>")
    >>> ad.draw(ad.Value(2.0, "x") * 3).pipe(encoding="utf-8")
    '<svg><title>8 lines of DOT</title></svg>'
    >>> ad.set_renderer(None)

    Raises ``TypeError`` for anything that cannot be called.
    """
    global _users
    if renderer is not None and not callable(renderer):
        raise TypeError(f"set_renderer() takes a function of DOT text, or None; {type(renderer).__name__} cannot be called")
    _users = renderer


def is_users(file_format: str) -> bool:
    """Whether a function of the user's draws this format."""
    return _users is not None and file_format == "svg"


def _drawn_by_users(renderer: Renderer, source: str) -> bytes:
    name = getattr(renderer, "__qualname__", type(renderer).__name__)
    try:
        drawn = renderer(source)
    except Exception as error:
        raise RendererFailed(f"the renderer {name} raised {type(error).__name__}: {error}") from error
    if isinstance(drawn, str):
        drawn = drawn.encode()
    if not isinstance(drawn, bytes) or b"<svg" not in drawn:
        what = "text that is not SVG" if isinstance(drawn, bytes) else type(drawn).__name__
        raise RendererFailed(f"the renderer {name} returned {what}; it is to return SVG, as text or as bytes")
    return drawn


# ---- finding ----------------------------------------------------------------------------------------------------------------


def find_renderer() -> str:
    """The path of a program with the command line of Graphviz' ``dot``.

    That is what ``AUTODIFF_DOT`` names if it is set, else ``dot``, else ``graphviz-pure`` in this environment or on the PATH.
    Raises ``RendererNotFound`` if there is none.
    """
    chosen = os.environ.get("AUTODIFF_DOT")
    if chosen:
        found = shutil.which(chosen)
        if found is None:
            raise RendererNotFound(f"AUTODIFF_DOT is {chosen!r}, which is no program; correct it, or unset it and {REMEDY}")
        return found
    found = shutil.which("dot") or beside_python() or among_installed() or shutil.which("graphviz-pure")
    if found is None:
        raise RendererNotFound(f"no program on this machine draws graphs; this installs one: {REMEDY}")
    return found


def beside_python() -> str | None:
    """graphviz-pure's script in the folder of the running interpreter, where environments have theirs."""
    return shutil.which("graphviz-pure", path=os.path.dirname(sys.executable))


def among_installed() -> str | None:
    """graphviz-pure's script wherever its installer says it went: ``pip install --user`` and ``--target`` go elsewhere."""
    try:
        files = metadata.files("graphviz-pure") or []
    except metadata.PackageNotFoundError:
        return None
    scripts = (
        os.path.realpath(str(file.locate())) for file in files if file.stem == "graphviz-pure" and file.suffix in ("", ".exe")
    )
    return next(filter(shutil.which, scripts), None)


@contextmanager
def dot_binary(renderer: str) -> Iterator[None]:
    """Have the ``graphviz`` package run this renderer inside the block."""
    with _swapping:
        before = dot_command.DOT_BINARY
        dot_command.DOT_BINARY = Path(renderer)
        try:
            yield
        finally:
            dot_command.DOT_BINARY = before


# ---- drawing and writing ----------------------------------------------------------------------------------------------------


def picture(source: str, file_format: str) -> bytes:
    """The picture of DOT text. Raises ``RendererNotFound``, and ``RendererFailed`` if the renderer draws nothing."""
    if _users is not None and file_format == "svg":
        try:
            return _drawn_by_users(_users, source)
        except RendererFailed as error:
            if "init_rank" not in str(error):
                raise
            return _drawn_by_users(_users, source.replace("{", "{ newrank=true;", 1))
    renderer = find_renderer()
    command = [renderer, "-Kdot", f"-T{file_format}"]
    if file_format == "png":
        command.append("-Gdpi=144")  # sharp on today's screens
    try:
        done = subprocess.run(command, input=source.encode(), capture_output=True, check=False)
        if b"init_rank" in done.stderr:  # clusters that depend on each other in a ring: ranked all together, they are laid out
            done = subprocess.run([*command, "-Gnewrank=true"], input=source.encode(), capture_output=True, check=False)
    except OSError as error:
        raise RendererFailed(f"{renderer} cannot be run: {error}") from error
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}, without a word"
        remedy = "; PDF takes Graphviz itself, https://graphviz.org/download" if file_format == "pdf" else ""
        raise RendererFailed(f"{renderer} drew no {file_format.upper()}: {said}{remedy}")
    return done.stdout.replace(b"<svg ", FITTED, 1) if file_format == "svg" else done.stdout


def path_and_format(file: str | os.PathLike[str]) -> tuple[Path, str]:
    """Where to write, and in which format by the suffix. Raises ``UnknownNameError`` for a suffix that names none."""
    path = Path(file)
    file_format = path.suffix[1:].lower()
    if file_format not in PICTURES + TEXTS + DIAGRAMS:
        known = ", ".join("." + suffix for suffix in PICTURES + TEXTS + DIAGRAMS)
        raise UnknownNameError(f"{path.name!r} does not say what to write by its suffix; there are {known}")
    return path, file_format


def write(source: str, path: Path, file_format: str) -> None:
    """Write DOT text, or its picture, into a file. Where there is no renderer the DOT text is written beside it.

    Raises ``RendererNotFound`` and ``RendererFailed``; a file that was there before is then as it was.
    """
    if file_format in TEXTS:
        files.replace(path, source.encode())
        return
    try:
        drawn = picture(source, file_format)
    except RendererNotFound as error:
        text = path.with_suffix(".dot")
        files.replace(text, source.encode())
        raise RendererNotFound(f"{error} (the graph is in {text}, as text)") from None
    files.replace(path, drawn)
