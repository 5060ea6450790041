"""python -m autodiff draw: runs a script and draws what it computes."""

import re
import sys

import pytest

from autodiff.__main__ import main
from autodiff.engine.value import Value

SCRIPT = """
import sys
from autodiff import Value

w = Value(0.5)
for step in range(3):
    a = w * 2
    loss = (a - 3) ** 2
    loss.backward()
    w.data -= 0.1 * w.grad
    w.grad = 0.0
other = w.exp()
other.backward()
number = 1.0
if __name__ == "__main__":
    print("ran with", *sys.argv[1:])
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)
    return tmp_path / "train.py"


def boxes(file):
    """The names in a DOT file, with what stands behind data."""
    text = file.read_text(encoding="utf-8")
    return dict(re.findall(r"<B>(\w+)</B>.*?data</FONT> ([^<]+)<", text))


def test_the_named_value_is_drawn(script, tmp_path, capsys):
    assert main(["draw", "train.py:loss", "-o", "out.dot", "--", "one", "two"]) == 0
    assert "ran with one two" in capsys.readouterr().out
    assert set(boxes(tmp_path / "out.dot")) == {"w", "a", "v2", "loss"}


def test_without_a_name_what_it_calls_backward_on(script, tmp_path, capsys):
    assert main(["draw", str(script), "-o", "out.dot"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"out.dot: the Value of {script}:9"
    assert told[-1].startswith("out-2.dot") or told[1].startswith("out-2.dot")
    assert boxes(tmp_path / "out.dot") == {"w": "0.5", "a": "1", "v2": "−2", "loss": "4"}
    assert set(boxes(tmp_path / "out-2.dot")) == {"w", "other"}
    assert "not computed" not in (tmp_path / "out.dot").read_text(encoding="utf-8")


def test_a_later_call_and_the_options(script, tmp_path):
    assert (
        main(
            [
                "draw",
                str(script),
                "-o",
                "out.dot",
                "--call",
                "3",
                "--heat",
                "--theme",
                "dark",
                "--edges",
                "flow",
                "--depth",
                "1",
            ]
        )
        == 0
    )
    text = (tmp_path / "out.dot").read_text(encoding="utf-8")
    assert "size of the gradient" in text
    assert "#0d1117" in text
    assert "at most 1 operation from the loss" in text
    assert not (tmp_path / "out-2.dot").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.py"], "there is no script 'missing.py'"),
        (["missing.py:loss"], "there is no script 'missing.py'"),
        (["train.py:number"], "number in train.py is a float; the Values there are a, loss, other, w"),
        (["train.py:nothing"], "nothing in train.py does not exist"),
        (["train.py", "--call", "9"], "calls backward() on nothing, or not 9 times"),
        (["train.py", "-o", "out.bmp"], "does not say what to write"),
    ],
)
def test_what_cannot_be_drawn_is_said(script, tmp_path, capsys, arguments, message):
    assert main(["draw", "-o", "out.dot", *arguments]) == 1
    assert message in capsys.readouterr().err
    assert sorted(file.name for file in tmp_path.iterdir() if file.is_file()) == ["train.py"]


def test_an_error_of_the_script_is_shown_as_python_shows_it(script, tmp_path, capsys):
    script.write_text("from autodiff import Value\nx = Value(2.0)\n(x * 2).backward()\nx / 'three'\n")
    assert main(["draw", "train.py", "-o", "out.dot"]) == 1
    told = capsys.readouterr()
    assert told.err.startswith("Traceback (most recent call last):\n  File")
    assert "train.py\", line 4, in <module>\n    x / 'three'" in told.err
    assert "runpy" not in told.err
    assert set(boxes(tmp_path / "out.dot")) == {"x", "loss"}


@pytest.mark.parametrize(("code", "status"), [("3", 3), ("", 0), ("None", 0), ("'bad'", 1)])
def test_a_script_may_exit(script, capsys, code, status):
    script.write_text(f"import sys\nfrom autodiff import Value\n(Value(1.0) * 2).backward()\nsys.exit({code})\n")
    assert main(["draw", "train.py", "-o", "out.dot"]) == status


def test_nothing_of_it_stays(script):
    backward, argv, path = Value.backward, list(sys.argv), list(sys.path)
    main(["draw", "train.py", "-o", "out.dot"])
    assert (Value.backward, sys.argv, sys.path) == (backward, argv, path)
    assert (Value(1.0) * 2).source is None
