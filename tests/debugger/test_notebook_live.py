"""``ad.live`` in a notebook: what a cell's output is sent, and what the page in it then shows."""

import sys

import pytest
from graphs import perceptron

import autodiff as ad
from autodiff import demo, nn, optim

IPython = pytest.importorskip("IPython", reason='pip install "autodiff-scalar[notebook]"')
module = sys.modules[ad.live.__module__]


class Notebook:
    """The outputs of a cell, as a front end has them: by name, each with what was last displayed under it."""

    def __init__(self, shell):
        self.shell, self.messages, self.time = shell, [], 0.0
        shell.display_pub.publish = self.publish

    def publish(self, data, metadata=None, *, transient=None, update=False, **_):
        self.messages.append((transient["display_id"], data["text/html"], update))

    def taken(self):
        taken, self.messages = self.messages, []
        return taken

    def end_of_cell(self):
        self.shell.events.trigger("post_run_cell", None)


class Shell(IPython.core.interactiveshell.InteractiveShell):
    """One that shows HTML, as a notebook's does."""


@pytest.fixture
def notebook(monkeypatch):
    Shell.clear_instance()
    made = Notebook(Shell.instance())
    monkeypatch.setattr(module.time, "monotonic", lambda: made.time)
    yield made
    Shell.clear_instance()


class Output:
    """The front end: each output in an element of its own, whose scripts run when it is displayed or updated."""

    def __init__(self, page, notebook):
        self.page, self.notebook = page, notebook
        self.frame = page.frame_locator("iframe")

    def follow(self):
        for name, text, _ in self.notebook.taken():
            self.page.evaluate(
                """([name, text]) => {
                let output = document.getElementById(name);
                if (!output) { output = document.createElement("div"); output.id = name; document.body.append(output); }
                output.innerHTML = text;
                for (const script of output.querySelectorAll("script")) {
                    const made = document.createElement("script");
                    made.textContent = script.textContent;
                    script.replaceWith(made);
                } }""",
                [name, text],
            )
        return self

    def data(self, name):
        for _ in range(200):
            inner = self.page.frames[-1]
            if len(self.page.frames) > 1 and inner.evaluate("typeof autodiff") == "object":
                self.page.wait_for_timeout(20)
                return inner.evaluate(f"autodiff.data({name!r})")
            self.page.wait_for_timeout(20)
        raise AssertionError("the frame has no page")


@pytest.fixture
def output(browser, notebook):
    page = browser.new_page()
    page.set_content("<!DOCTYPE html><title>notebook</title>")
    yield Output(page, notebook)
    page.close()


def test_the_page_follows_a_loop_and_stands_where_it_stood(notebook, output):
    loss, (w,) = demo.article()
    view = ad.live(loss, parameters=[w])
    assert output.follow().data("w") == 0.8
    slider = output.frame.get_by_role("slider", name="Position")
    assert slider.input_value() == slider.get_attribute("max")
    slider.fill("9")
    optimizer = optim.SGD([w], lr=0.1)
    for _ in range(3):
        notebook.time += 1
        w.grad = 0.0
        ad.refresh(loss)
        loss.backward()
        optimizer.step()
        ad.refresh(loss)
        view.update()
        assert len(notebook.messages) == 1
        assert len(notebook.messages[0][1]) < 1000
        assert output.follow().data("w") == w.data
        assert output.data("C") == loss.data
    assert slider.input_value() == "9"
    inner = output.page.frames[-1]
    inner.evaluate("autodiff.set('w', 3)")
    output.frame.get_by_role("button", name="As recorded").click()
    assert inner.evaluate("autodiff.data('w')") == w.data


def test_a_loss_recorded_anew_with_other_constants_is_shown(notebook, output):
    model = nn.Perceptron(2, "tanh", seed=1)
    rows = [([0.5, -1.0], 1.0), ([1.5, 0.25], -1.0)]

    def recorded(x, y):
        return nn.mse([model(x)], [y])

    view = ad.live(recorded(*rows[0]))
    output.follow().data("w.0")
    for x, y in [rows[1], rows[0]]:
        notebook.time += 1
        for p in model.parameters():
            p.data += 0.25
        loss = recorded(x, y)
        view.update(loss)
        assert [update for _, _, update in notebook.messages] == [True]
        assert output.follow().data("loss") == loss.data
        assert f"{x[0]:g}" in output.frame.locator("#values").text_content()
        inner = output.page.frames[-1]
        assert inner.evaluate("autodiff.grad('w.1')") == pytest.approx(ad.gradients(loss, model.w)[1], rel=1e-14)


def test_another_form_makes_the_page_anew(notebook, output):
    x = ad.Value(2.0, "x")
    view = ad.live(x * 3.0)
    output.follow().data("x")
    notebook.time += 1
    y = x * 3.0 + ad.tanh(x)
    y.name = "y"
    view.update(y)
    [(_, text, update)] = notebook.messages
    assert update
    assert text.startswith("<iframe")
    assert output.follow().data("y") == y.data


def test_at_most_ten_times_a_second_and_the_last_at_the_end_of_the_cell(notebook):
    loss, leaves = perceptron()
    view = ad.live(loss)
    notebook.taken()
    for i in range(1000):
        leaves["w1"].data = float(i)
        view.update()
        notebook.time += 0.001
    assert 5 <= len(notebook.taken()) <= 11
    notebook.end_of_cell()
    [(_, text, _)] = notebook.taken()
    assert "999.0" in text
    notebook.end_of_cell()
    assert notebook.messages == []
    leaves["w1"].data = -5.0
    view.update()
    view.update()
    notebook.end_of_cell()
    assert len(notebook.messages) == 1


def test_as_a_context_manager_it_follows_backward_and_fit(notebook):
    model = nn.Perceptron(2, "tanh", seed=1)
    xs, ys = [[0.5, -1.0], [1.5, 0.25], [-0.5, 2.0]], [1.0, -1.0, 1.0]
    loss = nn.mse([model(x) for x in xs[:2]], ys[:2])
    notebook.time = 5.0
    with ad.live(loss) as view:
        notebook.taken()
        nn.fit(model, xs, ys, optimizer=optim.SGD(model.parameters(), lr=0.1), epochs=2, batch_size=2, progress=False, seed=1)
        assert view is not None
    assert len(notebook.taken()) >= 1
    assert ad.Value.backward.__name__ == "backward"
    loss.backward()
    notebook.end_of_cell()
    assert notebook.messages == []
    with ad.live(loss):
        notebook.taken()
        nn.fit(model, xs, ys, epochs=2, compile=True, progress=False, optimizer=optim.SGD(model.parameters(), lr=0.1))
    assert str(model.w[0].data) in notebook.taken()[-1][1]


def test_what_a_page_cannot_compute_is_sent_whole(notebook, output, users_operations):
    crooked = ad.operation("notebook_crooked", lambda x: x * x if x > 0 else 0.0, lambda x, out: (2 * x * (x > 0),))
    x = ad.Value(0.7, "x")
    loss = crooked(x) * 2
    loss.name = "loss"
    for options in ({}, {"computes": False}):
        view = ad.live(loss, **options)
        output.page.set_content("")
        output.follow().data("x")
        notebook.time += 1
        x.data += 1
        ad.refresh(loss)
        view.update()
        assert output.follow().data("loss") == loss.data


def test_nan_and_infinities_are_sent(notebook, output):
    x = ad.Value(2.0, "x")
    loss = ad.log(x)
    view = ad.live(loss)
    output.follow().data("x")
    for number in (0.0, float("inf")):
        notebook.time += 1
        x.data = number
        view.update()
        assert output.follow().data("x") == number
    assert output.data("loss") == float("inf")


def test_it_needs_a_notebook_and_a_value(notebook, monkeypatch):
    x = ad.Value(2.0, "x")
    with pytest.raises(TypeError, match="not of float"):
        ad.live(2.0)
    view = ad.live(x * x)
    with pytest.raises(TypeError, match="takes the loss to show"):
        view.update(2.0)
    monkeypatch.setattr(IPython, "get_ipython", lambda: None)
    with pytest.raises(ad.NotebookNotFound, match="page"):
        ad.live(x * x)
    terminal = type("TerminalInteractiveShell", (), {})()
    monkeypatch.setattr(IPython, "get_ipython", lambda: terminal)
    with pytest.raises(ad.NotebookNotFound):
        ad.live(x * x)
