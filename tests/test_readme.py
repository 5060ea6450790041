"""The README's code does what it says."""

import re
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"


def test_the_code_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(code.splitlines()) <= 30
    exec(compile(code, "readme", "exec"), {})
    first, *rows, error = capsys.readouterr().out.splitlines()
    assert first.startswith("4.00007")
    assert [round(float(row.split()[-1])) for row in rows] == [0, 1, 1, 1]
    assert "log of Value(0.0, grad=0.0) is -inf" in error
    assert (tmp_path / "loss.svg").exists()
