"""A page in Chromium, for the tests of pages: opened, moved through and read; and whatever it asks for or complains about."""

import pytest

import autodiff as ad
from autodiff.debugger.page import Page
from autodiff.drawing import render


@pytest.fixture(autouse=True)
def graphviz_pure(monkeypatch):
    """Its output is the same everywhere; a machine without it uses the renderer that it has."""
    renderer = render.beside_python() or render.among_installed()
    if renderer:
        monkeypatch.setenv("AUTODIFF_DOT", renderer)


class Browsed:
    """A page in the browser, and whatever it asks for or complains about."""

    def __init__(self, page, url):
        self.page, self.url, self.requests, self.complaints = page, url, [], []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(url)

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def click(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()

    @property
    def position(self):
        return int(self.page.get_by_role("slider", name="Position").input_value())

    def lines(self):
        """The arithmetic: label and text of each line."""
        get = "list => [...list.children].map(x => x.textContent)"
        texts = self.page.get_by_role("status").locator("dl").evaluate(get)
        return list(zip(texts[::2], texts[1::2], strict=True))

    def rows(self):
        """The table: name, operation, data, gradient; a number that can be typed over is one of them."""
        script = """rows => rows.map(row => [...row.cells].map((cell, i) => {
            const field = i === 2 && cell.querySelector("input");
            return field ? field.value.replace("-", "−") : cell.textContent.trim(); }))"""
        return self.page.locator("#values tr").evaluate_all(script)

    def go(self, position):
        """By the address, as a link does."""
        self.page.evaluate(f"location.hash = '#step={position}'")
        self.wait_for(lambda: self.position == position)

    def wait_for(self, holds):
        """Ask again and again; Playwright's own way would need an eval that the page's policy refuses."""
        for _ in range(500):
            if holds():
                return
            self.page.wait_for_timeout(20)
        raise AssertionError("it did not come about in ten seconds")


@pytest.fixture
def browse(browser, tmp_path):
    """Opens the page of a loss; at the end there was no request but for the file, and nothing in the console."""
    opened = []

    def browse(loss, fragment="", page=None, **options):
        file = tmp_path / "steps.html"
        if isinstance(loss, Page):
            loss.write(file)
        else:
            ad.page(loss, file, **(page or {}))
        context = browser.new_context(**{"viewport": {"width": 1400, "height": 900}, **options})
        opened.append((context, Browsed(context.new_page(), file.as_uri() + fragment)))
        return opened[-1][1]

    yield browse
    for context, browsed in opened:
        assert browsed.requests == [browsed.url.partition("#")[0]]
        assert browsed.complaints == []
        context.close()
