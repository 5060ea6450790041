"""The site: what is made from the code has all of it; and where ``make docs`` has built it, its links, pages, playground."""

import ast
import functools
import http.server
import importlib.util
import os
import re
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import autodiff as ad
from autodiff import nn, optim
from autodiff.debugger import terminal
from autodiff.engine import rules

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
HTML = DOCS / "_build" / "html"
AXE = ROOT / "build" / "playground" / "node_modules" / "axe-core" / "axe.min.js"

built = pytest.mark.skipif(not (HTML / "index.html").exists(), reason="the site is not built: make docs")
once = pytest.mark.once


def loaded(file):
    """A script of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made():
    return loaded(DOCS / "made.py")


# ---- what is made from the code ---------------------------------------------------------------------------------------------


def test_every_public_name_is_on_one_page_of_the_reference(made):
    names = [name for page in made.names_by_page().values() for name in page]
    assert len(names) == len(set(names))
    ours = {name for module, name in names if module == "autodiff"}
    errors = made.errors_page()
    missing = [name for name in ad.__all__ if name not in ours and f"| `{name}` |" not in errors]
    assert [name for name in missing if not isinstance(getattr(ad, name), (str, type(nn)))] == ["AutodiffError"]
    for module in (nn, optim):
        assert set(module.__all__) <= {name for _, name in names}


def test_every_row_is_in_the_table_with_its_plot(made):
    table = made.rules_table()
    for name in rules.__all__:
        assert f"| `{name}` |" in table
    assert "∂/∂x = y<br>∂/∂y = x" in table
    plot = made.plot(rules.TABLE["tanh"])
    assert plot.count("<path") == 3
    assert "nan" not in plot


def test_an_operation_that_is_added_is_in_the_table(made, users_operations):
    ad.operation("twice", lambda x: 2 * x, lambda x, out: (2.0,), "twice({0})", "two of it")
    assert "| `twice` | twice(x) | ∂/∂x = 2 | two of it |" in made.rules_table()
    assert "<title>twice</title>" in made.plot(rules.TABLE["twice"])


def test_every_command_and_every_error_has_its_line(made):
    commands = made.commands_page()
    for name in terminal.command_names():
        assert re.search(rf"^\| `{re.escape('p' if name == 'print' else name)}", commands, re.M) or f"`{name}" in commands, name
    rows = [line for line in made.errors_page().splitlines() if line.startswith("| `")]
    assert len(rows) > 20
    assert all(row.split(" | ")[-1].strip(" |") for row in rows), "an error without a remedy"


def test_printed_tables_become_tables(made):
    printed = "A title\n\nwhat    ms\n----  ----\na b    1.5\n\nafter\n"
    assert made.tables(printed).split("\n") == [
        "## A title", "", "", "| what | ms |", "|:--|--:|", "| a b | 1.5 |", "", "", "after", "",
    ]  # fmt: skip
    kept = made.tables((DOCS / "benchmarks.txt").read_text(encoding="utf-8"))
    assert kept.count("|:--|") >= 10
    assert not re.search(r"^-{3,}  ", kept, re.M)


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.stem)
def test_the_code_of_a_page_is_python(page):
    for cell in re.findall(r"```\{code-cell\} python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        ast.parse(re.sub(r"^:.*\n", "", cell, flags=re.M))


@pytest.mark.parametrize("fails", [False, True])
def test_without_npm_there_is_a_site_without_a_playground(fails, tmp_path, monkeypatch, capsys):
    gather = loaded(DOCS / "playground" / "gather.py")
    if fails:  # it is there, and reaches nothing
        npm = tmp_path / "npm"
        npm.write_text("#!/bin/sh\necho no network >&2\nexit 1\n")
        npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin" if fails else str(tmp_path))
    monkeypatch.setattr(gather, "MODULES", tmp_path / "modules")
    monkeypatch.setattr(gather, "INTO", tmp_path / "into")
    (tmp_path / "into").mkdir()  # of an earlier build
    gather.main()
    assert not (tmp_path / "into").exists()
    told = capsys.readouterr().out
    assert "the site is built without the playground" in told
    assert ("no network" in told) == fails


# ---- the built site ---------------------------------------------------------------------------------------------------------


class Links(HTMLParser):
    """What a page links to and loads, and the places in it that can be linked to."""

    def __init__(self, file):
        super().__init__()
        self.links, self.loads, self.places = [], [], {""}
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.places |= {given[key] for key in ("id", "name") if given.get(key)}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        for key in ("src", "data"):
            if given.get(key) and tag in ("img", "script", "iframe", "object", "source"):
                self.loads.append(given[key])
        if tag == "link" and given.get("rel") in ("stylesheet", "icon"):
            self.loads.append(given["href"])


@built
@once
def test_every_link_leads_somewhere_and_nothing_comes_from_another_host():
    pages = {file: Links(file) for file in HTML.rglob("*.html")}
    wrong = []
    for file, page in pages.items():
        for link in page.links + page.loads:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.loads and parts.scheme != "data":
                    wrong.append((file.name, link))
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            if target.is_dir():
                target /= "index.html"
            place = unquote(parts.fragment)
            known = target in pages and "/pages/" not in target.as_posix()
            if not target.exists() or (known and place and place not in pages[target].places):
                wrong.append((file.name, link))
    assert wrong == []


@pytest.fixture(scope="module")
def site():
    """The address of the site, in a folder of a server; and what was asked of it."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            asked.append(self.path)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(HTML.parent)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/html/", asked
    server.shutdown()
    thread.join()
    server.server_close()


@built
@once
@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not there: it comes with make docs where there is npm")
@pytest.mark.parametrize(("scheme", "width"), [("light", 1400), ("dark", 390)])
def test_no_page_has_a_serious_violation(site, browser, scheme, width):
    names = ["index", "article", "playground", "sharp", "coming", "benchmarks", "reference/rules", "reference/value"]
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    found = {}
    for name in [f"{name}.html" for name in names]:
        page.goto(site[0] + name, wait_until="domcontentloaded")
        page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
        asked = "axe.run(document, {iframes: false, resultTypes: ['violations']}).then(found => found.violations.filter("
        asked += "one => ['serious', 'critical'].includes(one.impact)).map(one => [one.id, one.nodes[0].html.slice(0, 200)]))"
        violations = page.evaluate(asked)
        if violations:
            found[name] = violations
    page.close()
    assert found == {}


# ---- the playground ---------------------------------------------------------------------------------------------------------


class Playground:
    def __init__(self, page):
        self.page = page

    def state(self):
        return self.page.locator("#state").text_content()

    def wait_for(self, beginning, seconds=240):
        for _ in range(20 * seconds):
            if self.state().startswith(beginning):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{self.state()!r}; {self.page.locator('#printed').text_content()[-1000:]}")

    def start(self, code):
        self.page.get_by_role("textbox", name="Code").fill(code)
        self.page.get_by_role("button", name="Run").click()

    def run(self, code):
        self.start(code)
        self.wait_for("Done")
        return [self.page.locator(place).text_content() for place in ("#printed", "#result")]

    def headings(self):
        return self.page.locator("#shown h2").all_text_contents()


@built
@once
@pytest.mark.skipif(not (HTML / "playground").exists(), reason="the playground is not built: make docs, where there is npm")
def test_the_playground(site, browser):
    size = sum(file.stat().st_size for file in (HTML / "playground").iterdir())
    assert size <= 16e6
    url, asked = site
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    elsewhere, complaints = [], []
    context.on("request", lambda r: elsewhere.append(r.url) if not r.url.startswith((url, "blob:", "data:")) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(url + "playground.html")
    playground = Playground(page)
    playground.wait_for("Done")  # the first example runs by itself
    assert playground.headings() == ["C = 0.49: backward() in line 7"]
    assert page.locator("#result").text_content() == "2.1000000000000005"
    assert page.locator("#shown img").evaluate("image => image.naturalWidth") > 100
    live = page.frame_locator("#shown iframe")
    live.get_by_role("button", name="Descend").first.wait_for()

    # what is printed, the last expression, every line that calls backward()
    code = "import autodiff as ad\nw = ad.Value(3.0)\nfor k in range(3):\n    (w * k).backward()\n"
    code += "(w * w).backward()\nprint('γ', end='!')\nw"
    assert playground.run(code) == ["γ!", "Value(3.0, grad=9.0)"]
    first, second = playground.headings()
    assert first.endswith("= 6: backward() in line 4, called 3 times, here the last")
    assert second.endswith("= 9: backward() in line 5")

    # errors are the reader's own, and the next run is a new one
    assert playground.run("x = 1\n1 / 0")[0].startswith(
        'Traceback (most recent call last):\n  File "playground.py", line 2, in'
    )
    assert "NameError: name 'x' is not defined" in playground.run("x")[0]
    assert "SyntaxError" in playground.run("def f(:\n    pass")[0]
    assert "RecursionError" in playground.run("def f(n):\n    return f(n + 1)\nf(0)")[0]

    # a deep chain
    code = "import autodiff as ad\nv = w = ad.Value(1.0)\nfor k in range(30_000):\n    v = v * w\nv.backward()\nw.grad"
    assert playground.run(code) == ["", "30001.0"]
    assert "No page: the graph has 30,001 Values" in playground.headings()[0]

    # no other host: what the code asks for is refused by the page's policy
    code = "import js\njs.fetch('http://localhost:9/elsewhere')\nprint('asked')"
    assert playground.run(code)[0].startswith("asked\n")  # the fetch fails then or later

    # Stop, while it runs and while it is starting; then it runs again
    playground.start("while True:\n    pass")
    playground.wait_for("Running")
    page.get_by_role("button", name="Stop").click()
    playground.wait_for("Stopped")
    assert playground.run("print(6 * 7)") == ["42\n", ""]

    # the address carries the code, which is not run before the reader says so
    address = page.url
    assert "#code=" in address
    other = context.new_page()
    other.goto(address)
    linked = Playground(other)
    assert other.get_by_role("textbox", name="Code").input_value() in ("", "print(6 * 7)")
    linked.wait_for("Ready")
    assert other.get_by_role("textbox", name="Code").input_value() == "print(6 * 7)"
    assert other.locator("#printed").text_content() == ""
    context.close()
    assert elsewhere == []
    assert complaints == []
    assert {os.path.basename(urlsplit(path).path) for path in asked} >= {"pyodide.asm.wasm", "viz.js", "packages.zip"}
