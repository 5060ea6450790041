"""What all tests share: the implementation's name, hypothesis without a deadline, a fresh interpreter for what may crash."""

import gc
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

from autodiff._implementation import implementation
from autodiff.engine import operations, rules

hypothesis.settings.register_profile("autodiff", deadline=None)
hypothesis.settings.register_profile("fuzz", deadline=None, max_examples=5000, print_blob=True)
hypothesis.settings.load_profile("autodiff")


# What is started in the background of a script ignores Ctrl-C, and so would all that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """What a browser or another program does with our files is the same of both implementations."""
    for item in items:
        if {"browser", "chromium"} & set(item.fixturenames) or item.path.parent.name in ("typing", "drawing", "examples"):
            item.add_marker("once")


def pytest_report_header(config):
    return f"autodiff implementation: {implementation}"


@pytest.fixture
def without_collector():
    """The cyclic collector is off, and has nothing left to find."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def run_script():
    """Runs a script in a fresh interpreter with the same implementation; a crash there is one red test here."""

    def run(script, *arguments, **environment):
        root = Path(__file__).parents[1]
        path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
        finished = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            env={**os.environ, "PYTHONPATH": path, **environment},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert finished.returncode == 0, f"exit code {finished.returncode}\n{finished.stdout}{finished.stderr}"
        return finished.stdout

    return run


@pytest.fixture
def users_operations():
    """What a test makes with ``ad.operation`` leaves the table after it: other tests walk the table."""
    before = set(rules.TABLE)
    yield
    for name in set(rules.TABLE) - before:
        del rules.TABLE[name], operations._made[name]


@pytest.fixture(scope="session")
def example():
    """Imports a script of examples/ by its name, without running it."""

    def load(name):
        file = Path(__file__).parents[1] / "examples" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"example_{name}", file)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    return load


# ---- a browser, one for all --------------------------------------------------------------------------------------------------

SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium, or what AUTODIFF_CHROMIUM names."""
    chosen = os.environ.get("AUTODIFF_CHROMIUM")
    names = [chosen] if chosen else ["chromium", "chromium-browser", "google-chrome"]
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip("no Chromium here: apt-get install chromium, or name one in AUTODIFF_CHROMIUM")
    return program


@pytest.fixture(scope="session")
def browser(chromium):
    """One that runs: Playwright's synchronous interface is started once in a process."""
    playwright = pytest.importorskip("playwright.sync_api", reason='pip install "autodiff-scalar[dev]"')
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=chromium, args=SWITCHES)
        yield opened
        opened.close()
