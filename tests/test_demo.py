"""The demo: the article's numbers, the perceptron's success, and the files."""

import os
import subprocess
import sys

import pytest

from autodiff import demo
from autodiff.__main__ import main

WRITTEN = [
    "one_weight.svg",
    "one_weight.png",
    "perceptron.svg",
    "perceptron.png",
    "article.html",
    "perceptron.html",
    "activation.png",
    "cost.png",
]


def test_the_weight_goes_as_in_the_article():
    steps = demo.train_one_weight()
    assert [round(step.w, 4) for step in steps[:3]] == [0.8, 0.59, 0.4745]
    assert round(steps[-1].next_w, 4) == 0.3333
    assert demo.first_cost()[0].data == pytest.approx(0.49)


def test_every_step_is_the_chain_rule():
    for step in demo.train_one_weight():
        assert step.dC_da == pytest.approx(2 * (step.a - demo.TARGET), abs=1e-12)
        assert step.da_dw == demo.INPUT
        assert step.dC_dw == step.dC_da * step.da_dw
        assert step.next_w == step.w - demo.RATE * step.dC_dw


def test_the_perceptron_learns_or(capsys):
    perceptron, losses = demo.train_perceptron()
    assert losses[-1] < 0.01 < losses[0]
    assert [round(perceptron(inputs).data) for inputs, _ in demo.OR] == [target for _, target in demo.OR]


def test_demo_writes_its_pictures_and_says_where(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert main(["demo", "--out", str(tmp_path / "new" / "folder")]) == 0
    printed = capsys.readouterr().out
    for name in WRITTEN:
        file = tmp_path / "new" / "folder" / name
        assert file.stat().st_size > 1000
        assert str(file) in printed
    assert "0.8 → 0.59 → 0.4745 → … → 0.3333" in printed
    assert sorted(os.listdir(tmp_path / "new" / "folder")) == sorted(WRITTEN)


def test_demo_without_extras_says_what_is_missing_and_how_to_mend_it(tmp_path):
    """As after installing the sdist alone: no tqdm, no matplotlib, no renderer."""
    script = (
        "import importlib.util, sys\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name in ('tqdm', 'matplotlib') else found(name, *rest)\n"
        "from autodiff.__main__ import main\n"
        f"sys.exit(main(['demo', '--out', {str(tmp_path)!r}]))\n"
    )
    environment = {**os.environ, "PATH": str(tmp_path), "AUTODIFF_DOT": ""}
    run = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert 'pip install "autodiff-scalar[plot]"' in run.stdout
    assert 'pip install "autodiff-scalar[progress]"' in run.stderr


def test_demo_without_a_renderer_writes_what_it_can(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTODIFF_DOT", str(tmp_path / "no-such-program"))
    written, missing = demo.write_pictures(tmp_path, demo.train_one_weight())
    assert any("no-such-program" in message for message in missing)
    assert not any(file.suffix == ".svg" for file in written)


def test_a_folder_that_cannot_be_made_is_an_error_not_a_traceback(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["demo", "--out", str(tmp_path / "file" / "out")]) == 1
    assert "autodiff:" in capsys.readouterr().err
