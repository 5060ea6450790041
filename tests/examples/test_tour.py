"""The notebook runs from top to bottom, and shows what it says: pictures, tables, lines of cells, and the user's own frames."""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TOUR = ROOT / "examples" / "tour.ipynb"
RUN = """
import sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, timeout=120).execute()
print(nbformat.writes(notebook))
"""
WAS_RUN = os.environ.get("AUTODIFF_PURE") == "1" and any((ROOT / "autodiff").rglob("*.so"))


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    if find_spec("nbclient") is None or find_spec("ipykernel") is None:
        pytest.skip("nbclient and ipykernel run notebooks")
    if WAS_RUN:
        pytest.skip("it is run once, compiled")
    folder = str(tmp_path_factory.mktemp("jupyter"))
    places = {"PYTHONPATH": str(ROOT), "IPYTHONDIR": folder, "JUPYTER_RUNTIME_DIR": folder, "JUPYTER_CONFIG_DIR": folder}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(TOUR)], capture_output=True, text=True, check=False, env=os.environ | places, cwd=folder
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [cell for cell in json.loads(done.stdout)["cells"] if cell["cell_type"] == "code"]


def shown(cells: list[dict[str, Any]], beginning: str) -> dict[str, Any]:
    """What a cell with this in its source shows, by kind; printed text under ``printed``, an error's lines under ``error``."""
    (cell,) = [cell for cell in cells if beginning in "".join(cell["source"])]
    found: dict[str, Any] = {}
    for output in cell["outputs"]:
        if output["output_type"] == "stream":
            found["printed"] = "".join(output["text"])
        elif output["output_type"] == "error":
            found["error"] = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(output["traceback"]))
        else:
            found |= {kind: "".join(data) if isinstance(data, list) else data for kind, data in output["data"].items()}
    return found


def test_outputs_are_not_stored_so_that_none_is_old() -> None:
    for cell in json.loads(TOUR.read_text())["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_nothing_is_warned_of(cells: list[dict[str, Any]]) -> None:
    assert [output for cell in cells for output in cell["outputs"] if output.get("name") == "stderr"] == []


def test_values_show_their_graph_and_a_wide_one_scrolls(cells: list[dict[str, Any]]) -> None:
    one = shown(cells, "C.backward()\nC")
    assert "<svg" in one["image/svg+xml"]
    assert "text/html" not in one
    many = shown(cells, "points[:4]]")
    assert many["text/html"].startswith('<div tabindex="0" style="overflow-x: auto')
    assert "fold=[…]" in many["text/html"]
    assert "<title>n0_0</title>" in shown(cells, "model = nn.MLP")["image/svg+xml"]


def test_lines_are_those_of_cells(cells: list[dict[str, Any]]) -> None:
    number = next(cell["execution_count"] for cell in cells if "a = i * w" in "".join(cell["source"]))
    assert shown(cells, "print(a.source)")["printed"] == f"In [{number}], line 3: i * w\n"
    assert re.search(r"at In \[\d+\], line 3: ad\.log\(z\)", shown(cells, "ad.blame")["text/plain"])


def test_steps_log_and_summary_are_tables_and_the_log_has_a_picture(cells: list[dict[str, Any]]) -> None:
    steps = shown(cells, "ad.steps(C)")["text/html"]
    assert steps.count("<tr>") == 12
    assert "a = i · w = 1.5 · 0.8 = 1.2" in steps
    assert "∂C/∂w += upstream × local = 1.4 × 1.5 (= i) = 2.1" in steps
    log = shown(cells, "nn.fit")
    assert log["text/html"].count("<tr>") == 11
    assert "application/vnd.jupyter.widget-view+json" in log or find_spec("ipywidgets") is None
    assert "image/png" in shown(cells, "log.plot()")
    assert "<td" in shown(cells, "ad.summary")["text/html"]


def test_a_mistake_shows_the_users_frames_and_the_message(cells: list[dict[str, Any]]) -> None:
    error = shown(cells, "math.exp(-x * x)\n\n\nad.grad(bell)")["error"]
    assert "DetachedError" in error
    assert "ad.exp for math.exp" in error
    assert re.findall(r"-+> (\d)", error) == ["5", "2"]
    assert not re.search(r"autodiff[/\\.](engine|_support)", error)


def test_the_numbers_are_those_of_the_article_and_the_moons_are_told_apart(cells: list[dict[str, Any]]) -> None:
    assert "w = 0.4745   C = 0.044838   dC/dw = 0.6352" in shown(cells, "w.data -= 0.1")["printed"]
    assert "100 of 100" in shown(cells, "model.predict")["printed"]
