"""The README's code does what it says."""

import math
import re
import runpy
from pathlib import Path

from autodiff.engine import operations, rules

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def printed_by(block, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "readme.py"
    script.write_text(block, encoding="utf-8")
    runpy.run_path(str(script))
    return capsys.readouterr().out.splitlines()


def test_a_perceptron_in_thirty_lines(tmp_path, monkeypatch, capsys):
    assert len(BLOCKS[0].splitlines()) <= 30
    first, *rows, error = printed_by(BLOCKS[0], tmp_path, monkeypatch, capsys)
    assert first.startswith("4.00007")
    assert [round(float(row.split()[-1])) for row in rows] == [0, 1, 1, 1]
    assert "log of Value(0.0, grad=0.0) is -inf" in error
    assert (tmp_path / "loss.svg").exists()


def test_see_it(tmp_path, monkeypatch, capsys):
    text = "\n".join(printed_by(BLOCKS[1], tmp_path, monkeypatch, capsys))
    (shown,) = re.findall(r"prints, among the rest,\n\n```\n(.*?)\n```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert text.startswith(shown)
    assert "C = (y − i · w)²" in text
    assert "log of " in text
    assert (tmp_path / "C.svg").exists()


def test_derivatives_as_functions(tmp_path, monkeypatch, capsys):
    minimum, shape, third, *polar, slope = printed_by(BLOCKS[2], tmp_path, monkeypatch, capsys)
    assert minimum == "[1. 1. 1. 1. 1.]"
    assert shape.startswith("(5, 5) [")
    assert abs(float(third) + 0.5651) < 1e-3  # −2 sech⁴ + 4 tanh² sech²
    assert "'r': 0.8775" in polar[0]
    assert slope == "(6.0, 3.0)"


def test_an_operation_of_ones_own(tmp_path, monkeypatch, capsys):
    chain, *_, second, output = printed_by(BLOCKS[3], tmp_path, monkeypatch, capsys)
    assert chain.startswith("dloss/dx = tanh(x) = 0.46212")
    assert abs(float(second) - 1 / math.cosh(0.5) ** 2) < 1e-15
    assert output.startswith("Value(")
    del rules.TABLE["log_cosh"], operations._made["log_cosh"]  # other tests go through the table


def test_record_once_replay_fast(tmp_path, monkeypatch, capsys):
    mean, *program = printed_by(BLOCKS[5], tmp_path, monkeypatch, capsys)
    assert float(mean) < 0.1
    assert any(" @ " in line for line in program)


def test_training_a_network(tmp_path, monkeypatch, capsys):
    log, last = printed_by(BLOCKS[4], tmp_path, monkeypatch, capsys)
    assert log.startswith("TrainingLog(")
    assert last.startswith("['layers.0.neurons.0.w.0', 'layers.0.neurons.0.w.1', 'layers.0.neurons.0.b']")
    output, target = map(float, last.split("] ")[1].split())
    assert output * target > 0
    assert (tmp_path / "training.png").exists()
    assert (tmp_path / "model.json").exists()
