"""Lines as they are spoken of, variables at the user's line, and tracebacks without this package's frames."""

import subprocess
import sys
import traceback
from types import SimpleNamespace

import pytest

import autodiff as ad
from autodiff._support.frames import cell_of, place_of, variables
from autodiff.errors import users_part
from autodiff.graph.names import Calls
from autodiff.graph.walk import Walk


def test_a_line_of_a_cell_is_spoken_of_as_ipython_does(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"/tmp/ipykernel_7/12.py": ("Cell", "In[16]")}
    shell = SimpleNamespace(compile=SimpleNamespace(format_code_name=names.get))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert place_of("/tmp/ipykernel_7/12.py", 2) == place_of("/tmp/ipykernel_7/12.py", 2, brief=True) == "In [16], line 2"
    assert place_of("/a/train.py", 3) == "/a/train.py:3"
    assert place_of("/a/train.py", 3, brief=True) == "train.py:3"
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert cell_of("/tmp/ipykernel_7/12.py") is None
    monkeypatch.setitem(sys.modules, "IPython", None)
    assert cell_of("/tmp/ipykernel_7/12.py") is None


def test_a_traceback_keeps_the_users_frames() -> None:
    import math

    def bell(x: ad.Value) -> float:
        return math.exp(x)

    with pytest.raises(ad.DetachedError) as raised:
        ad.grad(bell)(0.5)
    inside = raised.value.__traceback__
    names = [frame.name for frame in traceback.extract_tb(users_part(inside))]
    assert names == ["test_a_traceback_keeps_the_users_frames", "bell"]
    assert len(traceback.extract_tb(inside)) > 2 or ad.implementation == "compiled"
    assert users_part(None) is None


def test_a_notebook_shows_the_users_frames_alone(run_script) -> None:
    pytest.importorskip("IPython")
    script = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="nocolor" if hasattr(InteractiveShell, "theme_name") else "NoColor")
shell.run_cell("import math, autodiff as ad")
shell.run_cell("def bell(x):\\n    return math.exp(x)")
shell.run_cell("ad.grad(bell)(0.5)")
"""
    shown = run_script(script)
    assert "DetachedError" in shown
    assert "return math.exp(x)" in shown
    assert "differentiate.py" not in shown


def test_what_a_function_returned_is_called_as_the_variable_that_holds_it() -> None:
    def forward(w: ad.Value) -> ad.Value:
        h = w * 1.5
        return ad.tanh(h) * 2

    with ad.record_source():
        w = ad.Value(0.8)
        a = forward(w)
        loss = (a - 0.5) ** 2
    names = Calls(Walk(loss))
    assert [names.of(node) for node in Walk(loss).nodes] == ["w", "h", "", "a", "", "loss"]
    _hidden = forward(w)
    with ad.record_source():
        assert Calls(Walk(forward(w) * 1)).of(_hidden) == ""
    assert "a" in variables(sys._getframe())

    def seen_by_a_helper(value: ad.Value) -> list[str]:
        return list(variables(sys._getframe()))

    assert "value" not in seen_by_a_helper(a)
    without = forward(ad.Value(1.0))  # what was not recorded with its source has no name
    assert Calls(Walk(without)).of(without) == ""


PROGRAM = """
import autodiff as ad
def forward(w):
    h = w * 1.5
    return h * h
with ad.record_source():
    w = ad.Value(0.8)
    a = forward(w)
    C = (a - 0.5) ** 2
C.backward()
print(ad.explain(C, w))
print(a.operands[0].source)
"""


def test_under_python_c_things_have_the_names_that_they_have_in_a_file() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert "where C = (a − 0.5)², a = h · h, h = w · 1.5" in done.stdout
    assert "<string>:4: w * 1.5" in done.stdout


def test_what_fit_makes_is_not_called_by_the_assignment_of_its_log() -> None:
    from autodiff import nn, optim
    from autodiff.engine.recording import watching

    model = nn.Perceptron(1, seed=1)
    seen: list[list[str]] = []

    def look(loss: ad.Value, file: str, line: int) -> None:
        names = Calls(Walk(loss))
        seen.append([names.called(node) for node in Walk(loss).nodes])

    def distance(outputs: list[ad.Value], targets: list[float]) -> ad.Value:
        error = outputs[0] - targets[0]
        return error * error

    with ad.record_source(), watching(look):
        log = nn.fit(
            model, [[1.0]], [1.0], loss=distance, optimizer=optim.SGD(model.parameters()), epochs=1, progress=False
        )  # fmt: skip
    assert log.steps == 1
    assert "error" in seen[0]
    assert "log" not in seen[0]
