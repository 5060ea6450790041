"""Finding a renderer, and writing files whole or not at all."""

import os
import re
import stat
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from shlex import quote

import pytest
from graphviz.backend import dot_command

import autodiff as ad
from autodiff.drawing import draw, render
from autodiff.engine.value import Value
from autodiff.errors import AutodiffError, RendererNotFound, UnknownNameError

Program = Callable[[str, str], Path]

PYTHON = sys.executable
DRAWS = "import sys; sys.stdin.read(); print('<svg>drawn by', *sys.argv[1:], '</svg>')"


@pytest.fixture
def loss() -> Value:
    return Value(2.0, "x") * 3


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Makes an executable of some Python."""

    def make(path: str, code: str) -> Path:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'#!/bin/sh\nexec {quote(PYTHON)} -ES -c {quote(code)} "$0" "$@"\n')
        file.chmod(0o755)
        return file

    return make


@pytest.fixture
def no_renderer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def not_installed(_: str) -> None:
        raise metadata.PackageNotFoundError

    monkeypatch.delenv("AUTODIFF_DOT", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "environment" / "python"))
    monkeypatch.setattr(metadata, "files", not_installed)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


# ---- finding ----------------------------------------------------------------------------------------------------------------


def test_the_order_of_search(program: Program, monkeypatch: pytest.MonkeyPatch, no_renderer: None) -> None:
    with pytest.raises(RendererNotFound, match=r'pip install "autodiff-scalar\[render\]"'):
        render.find_renderer()
    anywhere = program("path/graphviz-pure", DRAWS)
    assert render.find_renderer() == str(anywhere)
    beside = program("environment/graphviz-pure", DRAWS)
    assert render.find_renderer() == str(beside)
    dot = program("path/dot", DRAWS)
    assert render.find_renderer() == str(dot)
    chosen = program("chosen", DRAWS)
    monkeypatch.setenv("AUTODIFF_DOT", str(chosen))
    assert render.find_renderer() == str(chosen)


def test_what_the_installer_recorded_is_found(
    program: Program, monkeypatch: pytest.MonkeyPatch, no_renderer: None, tmp_path: Path
) -> None:
    script = program("elsewhere/graphviz-pure", DRAWS)
    (tmp_path / "site-packages").mkdir()

    class File(metadata.PackagePath):
        def locate(self) -> Path:
            return tmp_path / "site-packages" / self

    monkeypatch.setattr(
        metadata, "files", lambda _: [File("graphviz_pure.dist-info/RECORD"), File("../elsewhere/graphviz-pure")]
    )
    assert render.find_renderer() == str(script.resolve())


def test_autodiff_dot_is_used(
    program: Program, monkeypatch: pytest.MonkeyPatch, no_renderer: None, loss: Value, out: Path
) -> None:
    chosen = program("my renderer", DRAWS)
    monkeypatch.setenv("AUTODIFF_DOT", str(chosen))
    draw(loss, out / "graph.svg")
    assert f"drawn by {chosen} -Kdot -Tsvg" in (out / "graph.svg").read_text()


def test_autodiff_dot_that_is_no_program(monkeypatch: pytest.MonkeyPatch, loss: Value, out: Path) -> None:
    monkeypatch.setenv("AUTODIFF_DOT", "/no/such/dot")
    with pytest.raises(RendererNotFound, match="AUTODIFF_DOT is '/no/such/dot'"):
        draw(loss, out / "graph.svg")


def test_no_renderer_writes_the_text_beside(no_renderer: None, loss: Value, out: Path) -> None:
    with pytest.raises(RendererNotFound) as caught:
        draw(loss, out / "graph.svg")
    assert render.REMEDY in str(caught.value)
    assert str(out / "graph.dot") in str(caught.value)
    assert names(out) == ["graph.dot"]
    assert (out / "graph.dot").read_text(encoding="utf-8") == draw(loss).source


def test_graphviz_own_methods_find_it_too(program: Program, no_renderer: None, loss: Value, out: Path) -> None:
    before = dot_command.DOT_BINARY
    with pytest.raises(RendererNotFound):
        draw(loss).pipe("svg")
    program("environment/graphviz-pure", DRAWS)
    assert b"drawn by" in draw(loss).pipe("svg")
    program("environment/graphviz-pure", "import sys; open(sys.argv[-1] + '.svg', 'w').write(open(sys.argv[-1]).read())")
    drawn = Path(draw(loss).render(out / "graph", format="svg"))
    assert (drawn.name, drawn.read_text(encoding="utf-8").strip()) == ("graph.svg", draw(loss).source.strip())
    assert before == dot_command.DOT_BINARY
    program("path/dot", "import sys; sys.stdin.read(); sys.exit(3)")
    with pytest.raises(Exception, match="exit status 3"):
        draw(loss).pipe("svg")
    assert before == dot_command.DOT_BINARY


# ---- writing ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "start"),
    [("svg", b"<?xml"), ("png", b"\x89PNG"), ("SVG", b"<?xml"), ("dot", b"digraph"), ("gv", b"digraph")],
)
def test_the_suffix_chooses_the_format(suffix: str, start: bytes, loss: Value, out: Path) -> None:
    file = out / f"graph.{suffix}"
    drawing = draw(loss, file)
    assert file.read_bytes().startswith(start)
    assert names(out) == [file.name]
    assert drawing.source.startswith("digraph")


def test_text_needs_no_renderer_and_a_path_may_be_a_string(no_renderer: None, loss: Value, out: Path) -> None:
    draw(loss, str(out / "graph.gv"))
    assert (out / "graph.gv").read_text(encoding="utf-8") == draw(loss).source


@pytest.mark.parametrize("name", ["graph.bmp", "graph", ".svg", "graph.", "svg"])
def test_an_unknown_suffix_is_refused_before_anything_else(name: str, loss: Value, out: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"\.svg, \.png, \.pdf, \.dot, \.gv, \.mmd"):
        draw(loss, out / name)
    assert not names(out)


def test_a_folder_that_is_not_there(loss: Value, out: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no folder"):
        draw(loss, out / "missing" / "graph.dot")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import sys; sys.exit('out of ideas')", "drew no SVG: out of ideas"),
        ("import sys; print('<svg>half a pic'); sys.exit(1)", "exit code 1"),
        ("import sys; sys.stdin.read()", "exit code 0"),
        ("import os; os.kill(os.getpid(), 9)", "exit code -9"),
    ],
)
def test_a_failing_renderer_leaves_the_old_picture(
    code: str, message: str, program: Program, monkeypatch: pytest.MonkeyPatch, loss: Value, out: Path
) -> None:
    monkeypatch.setenv("AUTODIFF_DOT", str(program("failing", code)))
    (out / "graph.svg").write_text("the old picture")
    with pytest.raises(render.RendererFailed, match=message) as caught:
        draw(loss, out / "graph.svg")
    assert isinstance(caught.value, AutodiffError)
    assert (out / "graph.svg").read_text() == "the old picture"
    assert names(out) == ["graph.svg"]


def test_a_renderer_that_cannot_be_run(monkeypatch: pytest.MonkeyPatch, loss: Value, out: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    monkeypatch.setenv("AUTODIFF_DOT", str(broken))
    with pytest.raises(render.RendererFailed, match="cannot be run"):
        draw(loss, out / "graph.svg")
    assert not names(out)


def test_a_format_that_the_renderer_lacks(program: Program, monkeypatch: pytest.MonkeyPatch, loss: Value, out: Path) -> None:
    without_pdf = program("without_pdf", "import sys; sys.exit('Format: \"pdf\" not recognized.')")
    monkeypatch.setenv("AUTODIFF_DOT", str(without_pdf))
    with pytest.raises(render.RendererFailed, match=r'drew no PDF: Format: "pdf" not recognized.*https://graphviz.org'):
        draw(loss, out / "graph.pdf")
    assert not names(out)


def test_a_picture_is_moved_into_place_and_a_failed_move_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, loss: Value, out: Path
) -> None:
    moves = []

    def fail(source: Path, target: Path) -> None:
        moves.append((source.parent, target, source.read_bytes()[:7]))
        raise OSError("disk full")

    (out / "graph.dot").write_text("the old picture")
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        draw(loss, out / "graph.dot")
    assert moves == [(out, out / "graph.dot", b"digraph")]
    assert names(out) == ["graph.dot"]
    assert (out / "graph.dot").read_text() == "the old picture"


def test_a_link_is_followed_and_the_file_is_like_any_other(loss: Value, out: Path) -> None:
    (out / "link.dot").symlink_to(out / "real.dot")
    draw(loss, out / "link.dot")
    assert (out / "link.dot").is_symlink()
    (out / "plain").touch()
    assert stat.S_IMODE((out / "real.dot").stat().st_mode) == stat.S_IMODE((out / "plain").stat().st_mode)


# ---- a renderer of the user's -----------------------------------------------------------------------------------------------


@pytest.fixture
def set_renderer() -> Iterator[Callable[[object], None]]:
    yield render.set_renderer  # type: ignore[misc]
    render.set_renderer(None)


@pytest.mark.parametrize("encode", [str, str.encode])
def test_a_function_draws_in_place_of_the_program(
    encode: Callable[[str], object], set_renderer: Callable[[object], None], no_renderer: None, loss: Value, out: Path
) -> None:
    seen = []

    def draws(dot: str) -> object:
        seen.append(dot)
        return encode("<svg>γ</svg>")

    set_renderer(draws)
    drawing = draw(loss, out / "graph.svg")
    assert (out / "graph.svg").read_text(encoding="utf-8") == "<svg>γ</svg>"
    assert drawing.pipe() == "<svg>γ</svg>".encode()
    assert drawing.pipe(format="svg", encoding="utf-8") == "<svg>γ</svg>"
    assert loss._repr_mimebundle_()["image/svg+xml"] == "<svg>γ</svg>"
    assert set(seen) == {drawing.source}
    with pytest.raises(RendererNotFound):  # a function draws SVG and nothing else
        draw(loss, out / "graph.png")
    with pytest.raises(RendererNotFound):
        drawing.pipe(format="png")
    set_renderer(None)
    with pytest.raises(RendererNotFound):
        draw(loss, out / "graph.svg")


def test_a_page_is_drawn_by_it_too(set_renderer: Callable[[object], None], no_renderer: None, loss: Value) -> None:
    set_renderer(
        lambda dot: '<svg xmlns="http://www.w3.org/2000/svg"><g id="graph0" class="graph"><text>by hand</text></g></svg>'
    )
    assert "by\u00a0hand" in ad.page(loss).html


@pytest.mark.parametrize(
    ("renderer", "message"),
    [
        (lambda dot: 1 / 0, "<lambda> raised ZeroDivisionError: division by zero"),
        (lambda dot: None, "returned NoneType"),
        (lambda dot: "", "returned text that is not SVG"),
        (str.upper, "str.upper returned text that is not SVG"),
    ],
)
def test_a_function_that_draws_nothing_is_an_error_and_leaves_the_old_picture(
    renderer: object, message: str, set_renderer: Callable[[object], None], loss: Value, out: Path
) -> None:
    (out / "graph.svg").write_text("the old picture")
    set_renderer(renderer)
    with pytest.raises(render.RendererFailed, match=re.escape(message)):
        draw(loss, out / "graph.svg")
    assert (out / "graph.svg").read_text() == "the old picture"
    assert message in loss._repr_mimebundle_()["text/plain"]


def test_a_renderer_must_be_callable(set_renderer: Callable[[object], None]) -> None:
    with pytest.raises(TypeError, match="str cannot be called"):
        set_renderer("dot")


def test_rings_of_clusters_are_tried_once_more(set_renderer: Callable[[object], None], loss: Value) -> None:
    def particular(dot: str) -> str:
        if "newrank=true" not in dot:
            raise RuntimeError("trouble in init_rank")
        return "<svg/>"

    set_renderer(particular)
    assert draw(loss).pipe() == b"<svg/>"


# ---- in a notebook ----------------------------------------------------------------------------------------------------------


def test_it_shows_itself_in_a_notebook(loss: Value) -> None:
    bundle = draw(loss)._repr_mimebundle_()
    assert list(bundle) == ["image/svg+xml"]
    assert "<svg" in bundle["image/svg+xml"]
    bundle = draw(loss)._repr_mimebundle_(include={"image/png", "text/plain"})
    assert list(bundle) == ["image/png"]
    assert draw(loss)._repr_mimebundle_(exclude={"image/svg+xml"}) == {}


def test_a_picture_wider_than_a_cell_scrolls_in_a_notebook(set_renderer: Callable[[object], None], loss: Value) -> None:
    svg = '<?xml version="1.0"?><svg width="{}pt" height="50pt" style="background: none">…</svg>'
    for width, hint in ((600, None), (800, False), (12345, True)):
        set_renderer(lambda dot, width=width: svg.format(width))
        html = draw(loss)._repr_mimebundle_().get("text/html")
        assert (html is None) == (hint is None)
        if html is not None:
            assert html.startswith('<div tabindex="0" style="overflow-x: auto; max-width: 100%"><svg width=')
            assert 'style="max-width: none; background: none"' in html
            assert ("12,345 × 50 points: it scrolls" in html) == hint


def test_without_a_renderer_a_notebook_shows_text(no_renderer: None, loss: Value) -> None:
    drawing = draw(loss)
    text = drawing._repr_mimebundle_()["text/plain"]
    assert render.REMEDY in text
    assert drawing.source in text


def test_a_value_shows_its_graph_in_a_notebook(loss: Value) -> None:
    bundle = loss._repr_mimebundle_()
    assert bundle["text/plain"] == repr(loss)
    assert "<svg" in bundle["image/svg+xml"]


def test_a_value_never_raises_in_a_notebook(no_renderer: None, loss: Value, monkeypatch: pytest.MonkeyPatch) -> None:
    assert render.REMEDY in loss._repr_mimebundle_()["text/plain"]
    monkeypatch.setattr("autodiff.drawing.digraph", lambda *_: 1 / 0)
    text = loss._repr_mimebundle_()["text/plain"]
    assert text.startswith(repr(loss))
    assert "ZeroDivisionError" in text
