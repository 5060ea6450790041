"""Puts the playground's files together, for ``make docs``: Python and Graphviz as WebAssembly, this package, three small files.

Python and Graphviz come from npm. Where there is no npm, or it reaches nothing, the site is built
without a playground, and says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
INTO = HERE.parent / "_made" / "extra" / "playground"
MODULES = ROOT / "build" / "playground"
FROM_NPM = {
    "pyodide": ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"],
    "@viz-js/viz": ["dist/viz.js"],
}
OWN = ["playground.js", "worker.js", "shown.py"]


def installed() -> bool:
    """Fetch the packages, unless those of this package.json are there."""
    wanted = (HERE / "package.json").read_bytes()
    stamp = MODULES / "installed.json"
    if stamp.exists() and stamp.read_bytes() == wanted:
        return True
    npm = shutil.which("npm")
    if npm is None:
        print("npm is not here: the site is built without the playground")
        return False
    MODULES.mkdir(parents=True, exist_ok=True)
    (MODULES / "package.json").write_bytes(wanted)
    done = subprocess.run(
        [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"],
        cwd=MODULES, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        print(f"{done.stderr.strip()}\nnpm installs nothing here: the site is built without the playground")
        return False
    stamp.write_bytes(wanted)
    return True


def pack(archive: Path) -> None:
    """This package as its pure wheel, and the one package that it needs, in one archive that is unpacked in the browser."""
    for old in MODULES.glob("*.whl"):
        old.unlink()
    shutil.rmtree(ROOT / "build" / "lib", ignore_errors=True)  # of an older source
    pip = [sys.executable, "-m", "pip", "wheel", "--disable-pip-version-check", "-qq", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", MODULES, ROOT], env={**os.environ, "AUTODIFF_PURE": "1"}, check=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for wheel in MODULES.glob("*.whl"):
            with zipfile.ZipFile(wheel) as ours:
                for name in ours.namelist():
                    if not name.endswith((".pxd", ".pyi")):
                        packed.writestr(name, ours.read(name))
        for file in metadata.files("graphviz") or []:
            if file.suffix == ".py" or file.name == "METADATA":
                packed.write(file.locate(), str(file))


def main() -> None:
    """All of it, or nothing."""
    shutil.rmtree(INTO, ignore_errors=True)
    if not installed():
        return
    made = MODULES / "made"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    for package, names in FROM_NPM.items():
        for name in names:
            shutil.copy(MODULES / "node_modules" / package / name, made)
    for name in OWN:
        shutil.copy(HERE / name, made)
    pack(made / "packages.zip")
    INTO.parent.mkdir(parents=True, exist_ok=True)
    made.rename(INTO)
    size = sum(file.stat().st_size for file in INTO.iterdir())
    print(f"the playground: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
