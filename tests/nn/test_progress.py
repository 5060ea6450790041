"""Progress as people see it: a bar in a terminal, a few lines in a log file, nothing when it is not wanted."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import autodiff as ad
from autodiff.nn import progress

SCRIPT = """
import sys
{before}
from autodiff import nn, optim
model = nn.Perceptron(1, "linear", seed=1)
optimizer = optim.SGD(model.parameters(), lr=0.1)
def train(**options):
    return nn.fit(model, [[0.0], [1.0]], [1.0, 3.0], optimizer=optimizer, epochs={epochs}, **options)
{train}
"""


def command(epochs=1000, train="train()", before=""):
    return [sys.executable, "-c", SCRIPT.format(epochs=epochs, train=train, before=before)]


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(ad.__file__).parents[1]), "PYTHONIOENCODING": "utf-8"}


def into_a_pipe(**options):
    """What stands on stderr when it is a pipe."""
    run = subprocess.run(command(**options), env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert run.stdout == ""
    return run.stderr


def into_a_terminal(**options):
    """What is written to stderr when it is a terminal of 80 columns."""
    pty = pytest.importorskip("pty")
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(command(**options), env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    assert process.communicate(timeout=300)[0] == b""
    assert process.returncode == 0, written
    return written.decode()


def test_a_log_file_gets_ten_lines():
    lines = into_a_pipe().splitlines()
    assert len(lines) == 10
    assert re.fullmatch(r"epoch 100/1000: loss [\d.e-]+, \d+\.\d s", lines[0])
    assert lines[-1].startswith("epoch 1000/1000: loss")


@pytest.mark.parametrize(("epochs", "lines"), [(0, 0), (1, 1), (7, 7), (15, 10)])
def test_a_log_file_gets_no_more_lines_than_there_are_epochs(epochs, lines):
    assert len(into_a_pipe(epochs=epochs).splitlines()) == lines


def test_a_terminal_gets_nothing_for_no_epochs():
    assert into_a_terminal(epochs=0) == ""


def test_validation_is_shown_too():
    (line,) = into_a_pipe(epochs=1, train="train(validation=([[2.0]], [5.0]))").splitlines()
    assert re.fullmatch(r"epoch 1/1: loss [\d.]+, validation [\d.]+, \d+\.\d s", line)


def test_after_a_minute_of_silence_a_log_file_gets_a_line_within_the_epoch(capsys, monkeypatch):
    clock = iter([0.0, 30.0, 61.0, 61.0, 62.0, 200.0, 200.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    lines = progress.Lines(epochs=3, batches=500)
    for batch in (1, 2, 3, 4):
        lines.step(1, batch)
    assert capsys.readouterr().err.splitlines() == ["epoch 1/3, batch 2/500, 61.0 s", "epoch 1/3, batch 4/500, 200.0 s"]


@pytest.mark.parametrize("terminal", [False, True])
def test_progress_may_be_switched_off(terminal):
    assert (into_a_terminal if terminal else into_a_pipe)(train="train(progress=False)") == ""


def test_a_terminal_gets_a_bar_on_one_line():
    pytest.importorskip("tqdm")
    written = into_a_terminal()
    assert written.count("\n") == 1
    last = written.rstrip().rpartition("\r")[2]
    assert last.startswith("training: 100%")
    assert "1000/1000" in last
    assert "epoch 1000/1000" in last
    assert all(len(line) <= 80 for line in written.replace("\n", "\r").split("\r"))
    assert written.count("\r") < 200


def test_a_bar_ends_its_line_when_the_training_is_interrupted_or_fails():
    pytest.importorskip("tqdm")
    interrupted = (
        "import signal; train(callback=lambda log: signal.raise_signal(signal.SIGINT)); print('after', file=sys.stderr)"
    )
    assert into_a_terminal(train=interrupted).splitlines()[-1] == "after"
    failing = "\ntry:\n    train(schedule=lambda step: float('nan'))\nexcept ValueError:\n    print('after', file=sys.stderr)"
    assert into_a_terminal(train=failing).splitlines()[-1] == "after"


WITHOUT_TQDM = """
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "tqdm" else found(name, *rest)
"""


@pytest.mark.parametrize("terminal", [False, True])
def test_without_tqdm_it_says_once_how_to_get_it_and_prints_lines(terminal):
    written = (into_a_terminal if terminal else into_a_pipe)(epochs=10, train="train(); train()", before=WITHOUT_TQDM)
    assert written.count('pip install "autodiff-scalar[progress]"') == 1
    assert len(written.splitlines()) == 21


def test_a_process_without_stderr_is_silent():
    assert into_a_pipe(before="sys.stderr = None") == ""


@pytest.mark.parametrize("widgets", [False, True])
def test_a_notebook_gets_a_bar_without_a_warning(monkeypatch, widgets):
    """A kernel's stderr is no terminal, and shows a bar all the same: a widget, or without ipywidgets the plain one."""
    pytest.importorskip("tqdm")
    if widgets:
        pytest.importorskip("ipywidgets")
    else:
        found = progress.find_spec
        monkeypatch.setattr(progress, "find_spec", lambda name: None if name == "ipywidgets" else found(name))

    class OutStream(type(sys.stderr)):
        pass

    OutStream.__module__ = "ipykernel.iostream"
    with open(os.devnull, "wb") as nothing:
        monkeypatch.setattr(sys, "stderr", OutStream(nothing))
        bar = progress.progress_to(3, 2, True)
        assert isinstance(bar, progress.Bar)
        assert hasattr(bar.bar, "container") == widgets
        bar.step(1, 1)
        bar.epoch(1, "loss 1")
        bar.close()
