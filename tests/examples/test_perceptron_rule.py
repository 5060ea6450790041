"""The perceptron rule: AND and OR are learnt, XOR never is; the script prints narrow lines and draws its picture."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("example")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    script = ROOT / "examples" / "perceptron_rule.py"
    finished = subprocess.run(
        [sys.executable, script], cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=300
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout, folder


def weights_at_the_end(table):
    *_, w0, w1, b = [line for line in table.splitlines() if "(" in line and "=" not in line][-1].split()
    return float(w0), float(w1), float(b)


def test_and_and_or_are_learnt_and_xor_is_not(run):
    _, conjunction, disjunction, exclusive = run[0].split("at first; then after each mistake")
    for table, function in [(conjunction, lambda x, y: x and y), (disjunction, lambda x, y: x or y)]:
        assert "has no mistake" in table
        w0, w1, b = weights_at_the_end(table)
        for x in (0, 1):
            for y in (0, 1):
                assert (w0 * x + w1 * y + b > 0) == bool(function(x, y))
    assert "not learnt" in exclusive


def test_it_says_that_a_step_has_no_gradient(run):
    assert "dC/dw.0 = 0, dC/dw.1 = 0, dC/db = 0" in run[0]


def test_it_prints_within_eighty_columns_and_draws_its_picture(run):
    printed, folder = run
    assert max(map(len, printed.splitlines())) <= 80
    assert (folder / "out" / "examples" / "perceptron_rule.png").read_bytes().startswith(b"\x89PNG")
