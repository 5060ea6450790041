"""The page, in a real browser: it shows what the history says, for every way to move, look and name."""

import html
import json
import math
import re
import subprocess
import sys

import pytest
from browsing import chromium
from graphs import perceptron, random_graph

import autodiff as ad
from autodiff import nn
from autodiff.debugger.history import steps
from autodiff.debugger.words import Words
from autodiff.drawing import model as drawing_model
from autodiff.drawing import render
from autodiff.engine import functions
from autodiff.errors import GraphTooLarge, RendererNotFound, UnknownNameError

page_module = sys.modules["autodiff.debugger.page"]

HOSTILE = [
    "</script><script>document.title='pwned'</script>",
    "<!--<script>",
    "line\u2028separator\u2029 and \u202e",
    '"><img src=x onerror="document.title=\'pwned\'">',
    "{{data}} {{policy}} ${x} `",
    "</title></style></svg>]]>&amp;",
    "__proto__",
    "\\N \\G \\",
    "\ud800",
]


# ---- what it shows -----------------------------------------------------------------------------------------------------------


def odd_graph():
    x = ad.Value(0.0, "x")
    return functions.log(x) * 0.0 + ad.Value(1e300, "big") * 1e10 + x * 1e-7


@pytest.mark.parametrize(
    "make", [lambda: perceptron()[0], odd_graph, lambda: random_graph(2, 12)], ids=["perceptron", "odd", "random"]
)
def test_at_every_position_it_says_what_the_terminal_says_and_shows_what_is_known(browse, make):
    loss = make()
    browsed = browse(loss)
    h = steps(loss)
    words = Words(h)
    assert browsed.position == 0
    for position in range(1, len(h) + 1):
        browsed.press("ArrowRight")
        assert browsed.lines() == words.lines(position - 1)
        state = h.state(position)
        expected = [
            [
                words.name(place),
                words.operation(place),
                "" if state.datum(place) is None and h.nodes[place].op else words.number(h.datum(place)),
                "" if state.gradient(place) is None else words.number(state.gradient(place)),
            ]
            for place in range(len(h.nodes))
        ]
        assert browsed.rows() == expected
        known = ["" if state.datum(place) is None else row[2] for place, row in enumerate(expected)]
        assert drawn_numbers(browsed, len(h.nodes)) == [[data, row[3]] for data, row in zip(known, expected, strict=True)]
        phase, happened, of = h.phase(position)
        assert browsed.page.locator("#where").text_content().startswith(f"{phase} {happened}/{of}")


def drawn_numbers(browsed, count):
    """Data and gradient of each box of the drawing."""
    script = """count => [...Array(count).keys()].map(place => ["data", "grad"].map(
        kind => document.querySelector(`#graph #v${place} .${kind}`).textContent.trim()))"""
    return browsed.page.evaluate(script, count)


def test_the_current_value_and_edge_are_lit(browse):
    loss, _ = perceptron()
    browsed = browse(loss)
    h = steps(loss)
    for position in range(1, len(h) + 1):
        browsed.press("ArrowRight")
        lit = browsed.page.locator("#graph g.now").evaluate_all("groups => groups.map(group => group.id).sort()")
        nodes = {f"v{h.acting(position - 1)}", f"v{h.changed(position - 1)}"}
        assert set(lit) >= nodes
        shapes = browsed.page.locator("#graph g.now > :is(path, polygon)").evaluate_all(
            "all => all.map(x => getComputedStyle(x).stroke)"
        )
        assert set(shapes) == {"rgb(11, 98, 196)"}
        assert len(shapes) >= len(lit)
        edges = [name for name in lit if name.startswith("e")]
        assert len(edges) == (position > h.forward)
        for edge in edges:
            ends = next(box for box in edges_of(loss) if box[0] == edge)
            assert {f"v{h.acting(position - 1)}", f"v{h.changed(position - 1)}"} == set(ends[1:])
    assert browsed.page.locator("#graph g.edge.done").count() == 11
    browsed.press("Home")
    assert browsed.page.locator("#graph g.now, #graph g.done").count() == 0
    assert browsed.page.locator("#graph g.node.later").count() == 12


def edges_of(loss):
    from autodiff.drawing.model import graph_of

    return [(edge.id, edge.operand, edge.result) for edge in graph_of(loss).edges]


def test_two_edges_between_the_same_values_are_lit_one_after_the_other(browse):
    x = ad.Value(3.0, "x")
    browsed = browse(x * x, "#step=3")
    first = browsed.page.locator("#graph g.edge.now").get_attribute("id")
    browsed.press("ArrowRight")
    assert browsed.page.locator("#graph g.edge.now").get_attribute("id") != first


def test_the_source_pane_marks_the_sub_expression(browse, tmp_path):
    file = tmp_path / "train.py"
    file.write_text(
        "# é\n" * 20
        + "def make():\n    w = ad.Value(2.0)  # </script>\n    z = w * 3.0 + ad.tanh(w)\n    return z\n"
        + "#\n" * 20,
        encoding="utf-8",
    )
    names = {"ad": ad}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), names)
    with ad.record_source():
        loss = names["make"]()
    browsed = browse(loss)
    marks = []
    for _ in range(len(steps(loss))):
        browsed.press("ArrowRight")
        assert browsed.page.locator("#lines .here").count() == 1
        marks.append(browsed.page.locator("#lines mark").text_content())
    forward = ["ad.Value(2.0)", "w * 3.0", "ad.tanh(w)", "w * 3.0 + ad.tanh(w)"]
    backward = ["w * 3.0 + ad.tanh(w)", "w * 3.0 + ad.tanh(w)", "ad.tanh(w)", "w * 3.0"]
    assert sorted(marks) == sorted(forward + backward)
    assert marks[:4] == forward
    shown = browsed.page.locator("#lines").text_content()
    assert "  22      w = ad.Value(2.0)  # </script>\n" in shown
    assert len(shown.splitlines()) == 8  # two lines and three around them
    assert browsed.page.get_by_role("heading", name="train.py").is_visible()
    assert [row[0] for row in browsed.rows()] == ["w", "v1", "v2", "z"]


def test_without_recorded_lines_there_is_no_source_pane(browse):
    assert not browse(perceptron()[0]).page.locator("#source").is_visible()


# ---- moving ------------------------------------------------------------------------------------------------------------------


def test_keys(browse):
    browsed = browse(perceptron()[0])
    for keys, position in [
        (["ArrowRight"], 1), (["ArrowRight"] * 3, 4), (["ArrowLeft"], 3), (["End"], 23), (["ArrowRight"], 23), (["Home"], 0),
        (["ArrowLeft"], 0),
    ]:  # fmt: skip
        browsed.press(*keys)
        assert browsed.position == position
        assert browsed.page.evaluate("location.hash") == f"#step={position}"


def test_space_plays_and_pauses(browse):
    browsed = browse(perceptron()[0])
    browsed.page.get_by_label("Speed").select_option("very fast")
    browsed.page.locator("h1").click()
    browsed.press("Space")
    assert browsed.page.get_by_role("button", name="Pause", exact=True).is_visible()
    browsed.wait_for(lambda: browsed.position > 2)
    browsed.press("Space")
    stopped = browsed.position
    browsed.page.wait_for_timeout(300)
    assert browsed.position == stopped < 23
    browsed.click("Play")
    browsed.wait_for(lambda: browsed.position == 23)
    assert browsed.page.get_by_role("button", name="Play", exact=True).is_visible()
    browsed.click("Play")  # from the end it begins anew
    browsed.wait_for(lambda: browsed.position < 23)


def test_buttons_and_slider(browse):
    browsed = browse(perceptron()[0])
    for name, position in [
        ("Next step", 1), ("Next step", 2), ("Previous step", 1), ("Last step", 23), ("Previous step", 22), ("First step", 0),
        ("Backward pass", 12),
    ]:  # fmt: skip
        browsed.click(name)
        assert browsed.position == position
    slider = browsed.page.get_by_role("slider", name="Position")
    slider.fill("17")
    assert browsed.position == 17
    slider.press("ArrowRight")
    assert browsed.position == 18
    assert slider.get_attribute("aria-valuetext") == "backward 6/11"
    browsed.click("Last step")
    assert browsed.page.get_by_role("button", name="Next step", exact=True).is_disabled()
    assert browsed.page.get_by_role("button", name="Last step", exact=True).is_disabled()


@pytest.mark.parametrize(
    ("fragment", "position"),
    [("#step=14", 14), ("#step=0", 0), ("#step=9999", 23), ("#step=-1", 0), ("#step=x", 0), ("#<script>", 0), ("#step=1e3", 0)],
)
def test_a_link_opens_at_a_position(browse, fragment, position):
    browsed = browse(perceptron()[0], fragment)
    assert browsed.position == position
    browsed.go(7)
    assert browsed.lines()[0][0] == "value"


def test_stops_are_what_play_and_the_stop_buttons_stop_at(browse):
    loss, _ = perceptron()
    browsed = browse(loss)
    page = browsed.page
    place = page.get_by_label("Value, op:NAME or scope:NAME")
    place.fill("nowhere")
    browsed.click("Stop there")
    assert page.get_by_role("alert").text_content() == "There is no nowhere: write a Value's name, op:NAME or scope:NAME."
    place.fill("a")
    place.press("Enter")
    assert page.get_by_role("alert").text_content() == ""
    session = ad.debugger.Session(steps(loss))
    session.add_breakpoint("a")
    expected = []
    while (arrival := session.continue_()).hits:
        expected.append(arrival.position)
    seen = []
    while page.get_by_role("button", name="Next stop", exact=True).is_enabled():
        browsed.click("Next stop")
        seen.append(browsed.position)
    assert seen == expected
    browsed.click("Previous stop")
    assert browsed.position == expected[-2]
    browsed.press("Home")
    page.get_by_label("Speed").select_option("very fast")
    browsed.click("Play")
    page.get_by_role("button", name="Play", exact=True).wait_for()
    assert browsed.position == expected[0]
    page.get_by_role("button", name="Remove the stop at a").click()
    assert page.get_by_role("list", name="Stops").get_by_role("listitem").count() == 0
    for where in ("op:mul", "scope:perceptron"):
        place.fill(where)
        browsed.click("Stop there")
    assert page.get_by_role("list", name="Stops").get_by_role("listitem").count() == 2


def test_a_watch_shows_its_numbers_and_finds_its_last_change(browse):
    x = ad.Value(2.0, "x")
    loss = x * x + x * 3.0
    browsed = browse(loss, "#step=9")
    page = browsed.page
    page.get_by_label("Value, op:NAME or scope:NAME").fill("x")
    browsed.click("Watch")
    item = page.get_by_role("list", name="Watches").get_by_role("listitem")
    h = steps(loss)
    seen = []
    while (last := page.get_by_role("button", name="Go to the last change of x.grad")).is_enabled():
        last.click()
        seen.append(browsed.position)
        gradient = Words(h).number(h.state(browsed.position)[x])
        assert item.locator("span").first.text_content() == f"x: data 2, gradient {gradient}"
    assert seen == [n + 1 for n in h.additions(h.place(x))][-2::-1]
    browsed.press("Home")
    assert "x: data not computed, gradient not known" in item.text_content()
    page.get_by_role("button", name="Remove the watch of x").click()
    assert item.count() == 0


def test_the_table_is_filtered_by_name(browse):
    browsed = browse(perceptron()[0])
    browsed.page.get_by_label("Show those whose name contains").fill("W")
    assert [row[0] for row in browsed.rows()] == ["w1", "w2"]
    browsed.page.get_by_label("Show those whose name contains").fill("nothing of the kind")
    assert browsed.page.locator("#more").text_content() == "no Value is called so"


# ---- for everybody -----------------------------------------------------------------------------------------------------------


def test_every_control_has_a_name_and_the_arithmetic_is_announced(browse):
    browsed = browse(perceptron()[0], "#step=14")
    page = browsed.page
    for name in ("First step", "Previous step", "Play", "Next step", "Last step", "Backward pass", "Stop there", "Watch"):
        assert page.get_by_role("button", name=name, exact=True).count() == 1
    status = page.get_by_role("status")
    assert (status.get_attribute("aria-live"), status.get_attribute("aria-atomic")) == ("polite", "true")
    assert "upstream × local" in status.text_content()
    assert page.get_by_role("img", name=re.compile("The graph of loss: 12 Values")).count() == 1
    assert page.get_by_role("heading", level=1).text_content() == page.title() == "Steps of loss"
    unnamed = """[...document.querySelectorAll("button, input, select, [tabindex]")].filter(
        x => !(x.textContent.trim() || x.ariaLabel || x.labels?.length || x.getAttribute("aria-labelledby")))"""
    assert page.evaluate(f"{unnamed}.map(x => x.outerHTML)") == []
    assert page.evaluate("document.documentElement.lang") == "en"


def test_it_can_be_used_by_keyboard_alone(browse):
    browsed = browse(perceptron()[0])
    reached, page = [], browsed.page
    for _ in range(60):
        browsed.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert style == "solid" or reached[-1] in ("", "slider")
        if reached[-1] == "on" and reached.count("on") == 1:
            browsed.press("Enter")
            browsed.press("Space")
            assert browsed.position == 2
    for control in ("play", "on", "last", "backward", "speed", "slider", "fit", "graph", "place", "filter"):
        assert control in reached


def test_light_dark_and_reduced_motion(browse):
    colours = {}
    for scheme in ("light", "dark"):
        browsed = browse(perceptron()[0], color_scheme=scheme)
        colours[scheme] = [
            browsed.page.evaluate(f"getComputedStyle(document.querySelector('{selector}')).{what}")
            for selector, what in [("body", "backgroundColor"), ("body", "color"), ("section", "backgroundColor")]
        ]
    brightness = {
        scheme: [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in found] for scheme, found in colours.items()
    }
    assert brightness["light"][0] > 700 > 200 > brightness["light"][1]
    assert brightness["dark"][0] < 150 < 600 < brightness["dark"][1]
    for reduced in ("reduce", "no-preference"):
        browsed = browse(perceptron()[0], reduced_motion=reduced)
        script = "getComputedStyle(document.querySelector('#graph g.node')).transition"
        assert ("0.15s" in browsed.page.evaluate(script)) == (reduced == "no-preference")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (320, 480), (640, 450), (1400, 900), (2200, 1200)])
def test_nothing_is_cut_off_at_any_width(browse, width, height):
    """1280 pixels at 200 % zoom are 640."""
    browsed = browse(perceptron()[0], "#step=18", viewport={"width": width, "height": height})
    assert browsed.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for name in ("Next step", "Stop there"):
        box = browsed.page.get_by_role("button", name=name, exact=True).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


def test_printed_it_has_no_controls_and_all_of_the_table(browse):
    browsed = browse(random_graph(2, 40), "#step=30")
    browsed.page.emulate_media(media="print")
    assert not browsed.page.get_by_role("button", name="Next step", exact=True).is_visible()
    assert browsed.page.locator("#values tr").last.is_visible()
    assert browsed.page.evaluate("getComputedStyle(document.getElementById('values').closest('.scroll')).maxHeight") == "none"


# ---- what users write --------------------------------------------------------------------------------------------------------


def test_hostile_names_are_shown_and_do_nothing(browse):
    xs = [ad.Value(float(i), name) for i, name in enumerate(HOSTILE, 1)]
    with ad.scope("</script><b>scope"):
        loss = functions.sum([x * 2.0 for x in xs])
    loss.name = "<i>loss</i>"
    browsed = browse(loss)
    words = Words(steps(loss))
    assert browsed.page.title() == browsed.page.get_by_role("heading", level=1).text_content() == "Steps of <i>loss</i>"
    assert [row[0] for row in browsed.rows()][: len(xs)] == [words.name(place) for place in range(len(xs))]
    assert browsed.rows()[0][0] == HOSTILE[0]
    assert browsed.rows()[2][0] == "line\\u2028separator\\u2029 and \\u202e"
    browsed.press("End")
    assert "∂<i>loss</i>/∂" in browsed.lines()[0][1]
    assert browsed.page.locator("section img, section b, section i").count() == 0
    assert browsed.page.locator("script").count() == 2
    page = browsed.page
    page.get_by_label("Value, op:NAME or scope:NAME").fill("__proto__")
    browsed.click("Watch")
    assert "__proto__: data 7," in page.get_by_role("list", name="Watches").text_content()


@pytest.mark.parametrize("text", [*HOSTILE, "\x00\x1f\x7f", "é∂😀", "&lt;"])
def test_data_in_a_script_element_reads_as_it_was_written(text):
    written = page_module.as_script_data({"x": [text, 0.1, -0.0]})
    assert written.isascii()
    assert not set("<>&") & set(written)
    assert json.loads(written) == {"x": [text, 0.1, -0.0]}


def test_the_policy_lets_nothing_run_but_the_pages_own_script(browser, tmp_path):
    file = tmp_path / "steps.html"
    ad.page(perceptron()[0], file)
    text = file.read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert text.index("Content-Security-Policy") < text.index("<title>")
    page = browser.new_page()
    finished = []
    page.on("requestfinished", lambda request: finished.append(request.url))
    page.goto(file.as_uri())
    page.evaluate(
        """() => { for (const [tag, content] of [["script", "window.ran = 1"], ["style", "body { color: rgb(1, 2, 3) }"]]) {
            const made = document.createElement(tag); made.textContent = content; document.body.append(made); }
            const image = document.createElement("img"); image.src = "http://127.0.0.1:9/x.png"; document.body.append(image);
            document.body.setAttribute("onclick", "window.ran = 2"); }"""
    )
    page.locator("h1").click()
    assert page.evaluate("window.ran") is None
    assert page.evaluate("getComputedStyle(document.body).color") != "rgb(1, 2, 3)"
    assert finished == [file.as_uri()]
    page.close()


# ---- notebooks, sizes, scopes ------------------------------------------------------------------------------------------------


def test_in_a_notebook_the_same_page_is_in_a_frame(browser, tmp_path):
    loss, _ = perceptron()
    loss.name = '"quoted" <loss>'
    shown = ad.page(loss)
    frame_html = shown._repr_html_()
    assert html.unescape(re.search(r'srcdoc="([^"]*)"', frame_html)[1]) == shown.html
    file = tmp_path / "notebook.html"
    file.write_text(f"<!DOCTYPE html><meta charset=utf-8><p>cell</p>{frame_html}", encoding="utf-8")
    page = browser.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(file.as_uri())
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="Next step", exact=True).click()
    frame.get_by_role("button", name="Next step", exact=True).press("ArrowRight")
    assert frame.get_by_role("slider", name="Position").input_value() == "2"
    frame.get_by_label("Value, op:NAME or scope:NAME").fill("w1")
    frame.get_by_label("Value, op:NAME or scope:NAME").press("Enter")
    assert frame.get_by_role("list", name="Stops").get_by_role("listitem").count() == 1
    assert complaints == []
    page.close()


def test_a_page_of_thirty_values_is_small():
    perceptron = nn.Perceptron(2, "sigmoid", seed=1)
    rows = [([0.0, 0.0], 0.0), ([0.0, 1.0], 1.0), ([1.0, 0.0], 1.0), ([1.0, 1.0], 1.0), ([0.5, 0.5], 1.0)]
    loss = nn.mse([perceptron(row) for row, _ in rows], [target for _, target in rows])
    made = ad.page(loss, parameters=perceptron.parameters())
    assert len(steps(loss).nodes) == 30
    assert len(made.html.encode()) <= 120_000
    assert repr(made) == f"<Page: Steps of loss, {len(made.html.encode()):,} bytes>"
    crowded = ad.page(random_graph(1, 25))  # twice as many edges
    assert len(crowded.html.encode()) <= 150_000


def large_graph():
    x = ad.Value(0.5, "x")
    parts = []
    for number in range(60):
        with ad.scope(f"block{number}"):
            y = x * 1.5
            for _ in range(20):
                y = functions.tanh(y + 0.1)
            parts.append(y)
    return functions.sum(parts)


def test_a_large_graph_is_folded_and_still_stepped_through(browse):
    loss = large_graph()
    browsed = browse(loss, "#step=1300")
    page = browsed.page
    assert page.locator("#graph g.node").count() <= 500 < 2462 == len(steps(loss).nodes)
    assert page.locator("#graph g.folded").count() > 10
    browsed.press("End")
    assert browsed.lines() == Words(steps(loss)).lines(len(steps(loss)) - 1)
    counts = page.locator("#graph g.folded .grad").all_text_contents()
    assert all(re.fullmatch(r"\s(\d+) of \1", text) for text in counts)
    assert page.locator("#values tr").count() == 40
    assert page.locator("#more").text_content().endswith("and 2422 more")


def test_what_to_fold_can_be_said(browse, monkeypatch):
    monkeypatch.setattr(drawing_model, "MOST_BOXES", 2_000)
    loss = large_graph()
    browsed = browse(loss, "#step=1300", page={"fold": [f"block{number}" for number in range(1, 60)]})
    assert browsed.page.locator("#graph g.folded").count() == 59
    assert 41 < browsed.page.locator("#graph g.node").count() - 59 < 50
    with pytest.raises(GraphTooLarge, match="2,462 boxes, and no more than 2,000 can be drawn unfolded"):
        ad.page(loss, fold=None)
    with pytest.raises(UnknownNameError, match="fold='all': there are 'auto', None, and a list of the names of scopes"):
        ad.page(loss, fold="all")


def test_a_scope_has_a_page_of_its_own(browse):
    loss = large_graph()
    browsed = browse(loss, "#step=60", page={"scope": "block7"})
    h = steps(loss, scope="block7")
    assert browsed.page.title() == "Steps of loss, scope block7"
    assert browsed.page.locator("#graph g.node").count() == len(h.nodes) == 42
    assert browsed.lines() == Words(h).lines(59)
    assert browsed.lines()[0][1].startswith("∂loss/∂")
    browsed.press("End")
    assert browsed.rows()[0][3] == Words(h).number(h.state(len(h))[h.nodes[0]])


def test_a_graph_too_large_for_a_page_says_how_large_and_offers_a_scope(monkeypatch, tmp_path):
    monkeypatch.setattr(page_module, "MOST_VALUES", 10)
    with pytest.raises(GraphTooLarge, match=r"12 Values, and no more than 10 .*scope='perceptron'"):
        ad.page(perceptron()[0], tmp_path / "steps.html")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UnknownNameError, match="scope 'nowhere'; the scopes are: perceptron"):
        ad.page(perceptron()[0], scope="nowhere")


def test_without_a_renderer_there_is_no_drawing_but_a_page(browse, monkeypatch):
    def none():
        raise RendererNotFound("no program on this machine draws graphs; this installs one: pip install <it>")

    monkeypatch.setattr(render, "find_renderer", none)
    browsed = browse(perceptron()[0], "#step=23")
    assert "No drawing: no program on this machine draws graphs" in browsed.page.locator("#graph").text_content()
    assert browsed.lines()[0][0] == "chain"


def test_scopes_that_depend_on_each_other_in_a_ring_are_drawn(browse):
    """Of which dot says "trouble in init_rank" when it ranks cluster by cluster."""
    browsed = browse(random_graph(1, 24))
    assert browsed.page.locator("#graph g.node").count() >= 28
    assert browsed.page.locator("#graph g.cluster").count() > 1


def test_a_page_is_written_whole_or_not_at_all(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        ad.page(perceptron()[0], tmp_path / "nowhere" / "steps.html")
    file = tmp_path / "steps.html"
    file.write_text("before")
    with pytest.raises(TypeError, match="not of float"):
        ad.page(1.0, file)
    assert file.read_text() == "before"


def test_making_a_page_changes_no_value():
    loss, leaves = perceptron()
    loss.backward()
    before = [(x.data, x.grad) for x in leaves.values()]
    ad.page(loss)
    assert [(x.data, x.grad) for x in leaves.values()] == before
    assert math.isfinite(loss.grad)


def test_the_tests_can_find_their_browser():
    """What is skipped for want of a browser is said; where there is one it starts."""
    program = chromium()
    if program is None:
        pytest.skip("no Chromium here: apt-get install chromium, or name one in AUTODIFF_CHROMIUM")
    run = subprocess.run([program, "--version"], capture_output=True, text=True)
    assert "Chrom" in run.stdout


# ---- a training --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def run():
    model = ad.nn.Perceptron(2, "tanh", seed=1)
    xs, ys = [[0.5, -1.0], [1.5, 0.25], [-0.5, 2.0], [1.0, 1.0], [0.25, 0.75]], [1.0, -1.0, 1.0, -1.0, 1.0]
    optimizer = ad.optim.Adam(model.parameters(), lr=0.1)
    return ad.nn.fit(model, xs, ys, optimizer=optimizer, epochs=8, batch_size=2, progress=False, seed=1, record=True).run


def test_the_page_of_a_training_goes_over_its_steps_and_inside_each(browse, run):
    whole = [step for step in range(len(run)) if len(run[step].batch) == len(run[-1].batch)]
    browsed = browse(run.page())
    slider = browsed.page.get_by_role("slider", name="Training step")
    assert int(slider.input_value()) == len(whole) - 1
    browsed.go(9)
    for index in (0, 5, len(whole) - 1):
        slider.focus()
        slider.fill(str(index))
        history = steps(run.loss(whole[index]))
        words, state = Words(history), history.state(9)
        assert browsed.position == 9
        assert slider.get_attribute("aria-valuetext").startswith(f"training step {whole[index]}, loss ")
        assert browsed.lines() == words.lines(8)
        assert [row[2] for row in browsed.rows()] == [
            "" if state.datum(place) is None else words.number(state.datum(place)) for place in range(len(history.nodes))
        ]
        assert browsed.page.evaluate("location.hash") == f"#run={whole[index]}&step=9"


def test_an_address_names_a_step_of_the_training_and_a_moment(browse, run):
    step = next(step for step in range(4, len(run)) if len(run[step].batch) == len(run[-1].batch))
    browsed = browse(run.page(), f"#run={step}&step=12")
    history = steps(run.loss(step))
    assert browsed.position == 12
    assert browsed.lines() == Words(history).lines(11)


def test_the_page_of_one_step_is_the_page_of_its_loss(browse, run, tmp_path):
    browsed = browse(run.page(3, tmp_path / "three.html"))
    assert browsed.page.get_by_role("slider", name="Training step").count() == 0
    assert (tmp_path / "three.html").read_text() == ad.page(run.loss(3)).html
