"""What the README says is so: its code, its commands, its extras, its figures."""

import math
import re
import runpy
import tomllib
from pathlib import Path

import pytest

from autodiff.engine import operations, rules

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FIRST, SEE, DERIVATIVES, COMPILE, OPERATION = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def printed_by(block, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "readme.py"
    script.write_text(block, encoding="utf-8")
    runpy.run_path(str(script))
    return capsys.readouterr().out.splitlines()


# ---- its code ---------------------------------------------------------------------------------------------------------------


def test_ten_lines(tmp_path, monkeypatch, capsys):
    assert len([line for line in FIRST.splitlines() if line]) <= 10
    explained, *_ = printed_by(FIRST, tmp_path, monkeypatch, capsys)
    assert explained == re.findall(r"# (dC/dw = .*)", FIRST)[0]
    assert "<title>Steps of C</title>" in (tmp_path / "steps.html").read_text(encoding="utf-8")


def test_see_it(tmp_path, monkeypatch, capsys):
    text = "\n".join(printed_by(SEE, tmp_path, monkeypatch, capsys))
    (shown,) = re.findall(r"prints, among the rest,\n\n```\n(.*?)\n```", README, re.DOTALL)
    assert text.startswith(shown)
    assert "readme.py:5: i * w" in text
    assert "log of " in text
    assert (tmp_path / "C.svg").exists()


def test_derivatives(tmp_path, monkeypatch, capsys):
    pytest.importorskip("scipy")
    minimum, shape, third = printed_by(DERIVATIVES, tmp_path, monkeypatch, capsys)
    assert minimum == "[1. 1. 1. 1. 1.]"
    assert shape.startswith("(5, 5) [")
    assert abs(float(third) + 0.5651) < 1e-3  # −2 sech⁴ + 4 tanh² sech²


def test_record_once_replay_fast(tmp_path, monkeypatch, capsys):
    mean, *program = printed_by(COMPILE, tmp_path, monkeypatch, capsys)
    assert float(mean) < 0.1
    assert any(" @ " in line for line in program)
    assert (tmp_path / "model.json").exists()


def test_an_operation_of_ones_own(tmp_path, monkeypatch, capsys):
    chain, *_, second = printed_by(OPERATION, tmp_path, monkeypatch, capsys)
    assert chain.startswith("dloss/dx = tanh(x) = 0.46212")
    assert abs(float(second) - 1 / math.cosh(0.5) ** 2) < 1e-15
    del rules.TABLE["log_cosh"], operations._made["log_cosh"]  # other tests go through the table


# ---- what it says -----------------------------------------------------------------------------------------------------------


def test_it_is_short():
    assert len(README.splitlines()) <= 200


def test_every_extra_is_there_and_every_command(tmp_path):
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    table = README.partition("| extra |")[2].partition("\n\n")[0]
    told = {name for row in table.splitlines()[2:] for name in re.findall(r"`([a-z]+)`", row.split("|")[1])}
    assert told == set(extras)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in re.findall(r"[`\n]make ([a-z]+)", README):
        assert re.search(rf"^{command}:", makefile, re.M), command


def test_files_and_pictures_that_it_names_are_there():
    for link in re.findall(r"\]\(([^)]+)\)", README) + re.findall(r"`((?:autodiff|docs|examples)/[\w./]+\w)`", README):
        assert (ROOT / link).exists(), link


def test_its_figures_are_those_that_make_bench_printed():
    printed = (ROOT / "docs" / "benchmarks.txt").read_text(encoding="utf-8")
    figures = README.partition("## How fast")[2].partition("\n## ")[0]
    assert re.findall(r"`make bench` on (.*?)\. All", figures) == [printed.splitlines()[0]]
    rows = [
        row.split("|")[2:4]
        for row in figures.splitlines()
        if row.startswith("| a") or row.startswith("| the") or row.startswith("| its")
    ]
    assert len(rows) == 5
    for ours, others in rows:
        for number in re.findall(r"\d[\d,]*(?:\.\d+)?(?!-dim)(?![\d,.]*\d)", f"{ours} {others}"):
            assert re.search(rf"(?<![\d,.]){re.escape(number)}(?![\d.])", printed), number
