"""The page that computes, in a real browser: what a person changes is followed by everything, with Python's numbers."""

import math
import re

import pytest
from graphs import perceptron
from test_engine import BUILT_IN, WRITE, hold_against_python, read, written

import autodiff as ad
from autodiff import demo, optim
from autodiff.debugger.history import steps
from autodiff.debugger.words import Words
from autodiff.graph.symbols import number_text


def article():
    loss, parameters = demo.article()
    return loss, {"parameters": parameters}


def descended(count, rate=0.1):
    """Python's own weights and costs, each before its step, and the last weight."""
    loss, (w,) = demo.article()
    optimizer, seen = optim.SGD([w], lr=rate), []
    for _ in range(count):
        w.grad = 0.0
        ad.refresh(loss)
        loss.backward()
        seen.append((w.data, loss.data, w.grad))
        optimizer.step()
    return seen, w.data


def spin(browsed, name):
    return browsed.page.get_by_role("spinbutton", name=name, exact=True)


def table(browsed):
    script = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    return browsed.page.get_by_role("table", name="Descent").locator("tbody tr").evaluate_all(script)


def test_every_row_has_pythons_numbers_in_the_browser(browser):
    page = browser.new_page()
    for rule in BUILT_IN:
        rows, results, given = written(rule)
        text = page.evaluate(f"(() => {{ {rows} return JSON.stringify({results}, {WRITE}); }})()")
        hold_against_python(rule, given, read(text))
    page.close()


def test_a_number_is_typed_and_everything_follows_where_the_page_stands(browse):
    loss, options = article()
    browsed = browse(loss, "#step=9", page=options)
    spin(browsed, "w").fill("0.59")
    assert browsed.position == 9
    again, (w,) = demo.article()
    w.data = 0.59
    ad.refresh(again)
    h = steps(again)
    words = Words(h)
    assert browsed.lines() == words.lines(8)
    for name in ("w", "i", "y", "a", "C"):
        assert browsed.page.evaluate(f"autodiff.data('{name}')") == h.datum(words.find_one(name))
        place = words.find_one(name)
        assert browsed.page.evaluate(f"autodiff.grad('{name}')") == h.state(len(h)).gradient(place)
    drawn = browsed.page.locator(f"#graph #v{words.find_one('a')} .data").text_content().strip()
    assert drawn == number_text(h.datum(words.find_one("a")))
    labels = browsed.page.locator("#graph g.edge text").all_text_contents()
    assert f"×{number_text(0.59)}" in labels
    browsed.click("As recorded")
    assert browsed.page.evaluate("autodiff.data('w')") == 0.8
    assert spin(browsed, "w").input_value() == "0.8"
    assert browsed.lines() == Words(steps(loss)).lines(8)


def test_arrow_keys_and_shift_and_the_slider(browse):
    loss, options = article()
    browsed = browse(loss, page=options)
    field = spin(browsed, "w")
    for key, expected in [
        ("ArrowUp", 0.81),
        ("ArrowUp", 0.82),
        ("ArrowDown", 0.81),
        ("Shift+ArrowUp", 0.811),
        ("PageDown", 0.711),
    ]:
        field.press(key)
        assert browsed.page.evaluate("autodiff.data('w')") == expected
        assert float(field.input_value()) == expected
    browsed.page.get_by_role("slider", name="Slide w").fill("1.25")
    assert browsed.page.evaluate("autodiff.data('w')") == 1.25
    assert float(field.get_attribute("aria-valuenow")) == 1.25
    field.fill("1/3")
    assert browsed.page.evaluate("autodiff.data('w')") == 1 / 3
    field.fill("nonsense")
    assert field.get_attribute("aria-invalid") == "true"
    assert browsed.page.evaluate("autodiff.data('w')") == 1 / 3
    field.fill("-inf")
    assert browsed.page.evaluate("[autodiff.data('C'), Number.isNaN(autodiff.grad('w'))]") == [math.inf, False]
    field.press("Tab")
    assert field.input_value() == "-inf"


def test_the_console(browse):
    loss, options = article()
    browsed = browse(loss, page=options)
    page = browsed.page
    h = steps(loss)
    assert page.evaluate("autodiff.names") == [Words(h).name(place) for place in range(h.forward)]
    page.evaluate("autodiff.go(9)")
    assert browsed.position == 9
    page.evaluate("autodiff.set('w', 0.123456789012345678)")
    assert page.evaluate("autodiff.data('w')") == 0.123456789012345678
    for wrong, says in [
        ("autodiff.set('a', 1)", "a is computed"),
        ("autodiff.data('q')", "there is no Value q"),
        ("autodiff.set('w', '1')", "takes a number"),
    ]:
        assert says in page.evaluate(f"(() => {{ try {{ {wrong}; }} catch (error) {{ return error.message; }} }})()")


def test_descend_is_pythons_descent_row_by_row_and_can_be_undone(browse):
    loss, options = article()
    browsed = browse(loss, page=options)
    for _ in range(3):
        browsed.click("Descend")
    seen, last = descended(3)
    assert browsed.page.evaluate("autodiff.data('w')") == last
    assert table(browsed) == [
        [str(i), *map(number_text, row), number_text(following)]
        for i, (row, following) in enumerate(zip(seen, [seen[1][0], seen[2][0], last], strict=True), 1)
    ]
    assert [row[1] for row in table(browsed)] == ["0.8", "0.59", "0.4745"]
    assert browsed.page.locator("#curve .dot").count() == 3
    browsed.page.get_by_role("button", name="To row 1").click()
    assert browsed.page.evaluate("autodiff.data('w')") == seen[1][0]
    browsed.click("Previous row")
    assert browsed.page.evaluate("autodiff.data('w')") == 0.8
    browsed.click("Play the rows")
    browsed.wait_for(lambda: browsed.page.evaluate("autodiff.data('w')") == last)
    for _ in range(10):
        if browsed.page.get_by_role("button", name="Undo", exact=True).is_enabled():
            browsed.click("Undo")
    assert browsed.page.evaluate("autodiff.data('w')") == 0.8
    assert table(browsed) == []


def test_a_rate_that_is_too_large_is_seen_and_said(browse):
    loss, options = article()
    browsed = browse(loss, page=options)
    spin(browsed, "Rate r").fill("0.9")
    for _ in range(4):
        browsed.click("Descend")
    assert "it rose, the rate is too large" in browsed.page.locator("#descent-says").text_content()
    _, last = descended(4, 0.9)
    assert browsed.page.evaluate("autodiff.data('w')") == pytest.approx(last, rel=1e-15)


def test_without_parameters_the_named_leaves_descend_and_ticks_choose(browse):
    x, y = ad.Value(1.0, "x"), ad.Value(2.0, "y")
    browsed = browse(x * y * 0.5)
    browsed.page.get_by_role("checkbox", name="Descend over y").uncheck()
    browsed.click("Descend")
    assert browsed.page.evaluate("[autodiff.data('x'), autodiff.data('y')]") == [1.0 - 0.1 * 1.0, 2.0]


def test_the_address_carries_step_numbers_and_rows(browse):
    loss, options = article()
    browsed = browse(loss, page=options)
    spin(browsed, "i").fill("2")
    browsed.click("Descend")
    browsed.click("Descend")
    browsed.press("Tab")
    browsed.page.evaluate("autodiff.go(7)")
    fragment = browsed.page.evaluate("location.hash")
    numbers, rows = browsed.page.evaluate("autodiff.names.map(autodiff.data)"), table(browsed)
    other = browse(loss, fragment, page=options)
    assert other.position == 7
    assert other.page.evaluate("autodiff.names.map(autodiff.data)") == numbers
    assert table(other) == rows
    for strange in ("#step=2&numbers=99:1,0:x,:,a&rows=~;x~y~z;1&row=9", "#step=2&numbers=0:Infinity"):
        assert browse(loss, strange, page=options).position == 2


def test_the_curve_its_tangent_and_a_secant_that_becomes_it(browse):
    loss, options = article()
    browsed = browse(loss, page=options)
    page = browsed.page
    slopes = page.locator("#slopes")
    assert slopes.text_content().startswith("Tangent ∂C/∂w = 2.1; secant ΔC/Δw = ")
    page.get_by_role("slider", name="Secant").fill("1")
    secant = float(slopes.text_content().rpartition(" = ")[2])
    assert secant == pytest.approx(2.1, abs=1e-4)
    page.get_by_role("slider", name="Secant").fill("0")
    assert "the secant has become the tangent" in slopes.text_content()
    page.get_by_role("combobox", name="Curve over").select_option("i")
    assert "∂C/∂i = 1.12" in slopes.text_content()
    page.get_by_role("combobox", name="Curve of").select_option("a")
    assert "∂a/∂i = 0.8" in slopes.text_content()
    assert "a as a function of i" in page.locator("#curve").get_attribute("aria-label")
    box = page.locator("#curve .point").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 80, box["y"])
    page.mouse.up()
    assert page.evaluate("autodiff.data('i')") > 1.6


def test_asked_it_hides_judges_and_counts(browse):
    x = ad.Value(3.0, "x")
    y = x * 2.0
    y.name = "y"
    loss = y * x
    loss.name = "L"
    browsed = browse(loss, page={"live": True})
    page = browsed.page
    page.get_by_role("button", name="Ask me", exact=True).click()
    button = page.get_by_role("button", name="Ask me", exact=True)
    assert button.get_attribute("aria-pressed") == "true"
    h = steps(loss)
    last = len(h)
    page.evaluate(f"autodiff.go({last})")
    event = h[last - 1]
    assert event.operand is x
    assert event.before != 0
    assert "= ?" in browsed.lines()[0][1]
    for answer, says in [
        (-event.contribution, "the sign is not"), (event.local, "upstream factor is missing"),
        (event.upstream, "upstream factor alone"), (event.after, "sum with what came over another path"), (1e9, "Not yet:"),
    ]:  # fmt: skip
        page.get_by_role("textbox", name="Your answer").fill(repr(answer))
        browsed.click("Check")
        assert says in page.locator("#verdict").text_content()
    page.get_by_label("Ask for").select_option("gradient")
    page.get_by_role("textbox", name="Your answer").fill(repr(event.contribution))
    browsed.click("Check")
    assert "a second path has brought" in page.locator("#verdict").text_content()
    page.get_by_role("textbox", name="Your answer").fill(f"{event.before} + {event.upstream} · {event.local}")
    browsed.click("Check")
    assert page.locator("#verdict").text_content() == "Right. 1 of 7 right."
    assert browsed.lines() == Words(h).lines(last - 1)
    button.click()
    assert not page.get_by_role("textbox", name="Your answer").is_visible()


def test_a_number_that_belongs_to_the_other_branch_is_said_and_what_depends_on_it_is_grey(browse):
    x, u = ad.Value(1.0, "x"), ad.Value(2.0, "u")
    with ad.record_source():
        v = u * u
        y = x * 2.0 if x > 0 else -x
        loss = y * v
    browsed = browse(loss, "#step=999")
    grey = "rows => rows.filter(row => row.querySelector('.doubt')).map(row => row.querySelector('th').textContent.trim())"
    rows = browsed.page.locator("#values tr")
    assert rows.evaluate_all(grey) == []
    spin(browsed, "x").fill("-1")
    assert "recorded for x > 0 (test_live.py:" in browsed.page.locator("#branch").text_content()
    data = grey.replace("row.querySelector('.doubt')", "row.cells[2].className.includes('doubt')")
    assert rows.evaluate_all(data) == ["y", "loss"]
    assert browsed.page.locator("#graph .data.doubt").count() == 2
    spin(browsed, "x").fill("5")
    assert browsed.page.locator("#branch").text_content() == ""
    assert rows.evaluate_all(grey) == []


def test_a_branch_that_chooses_between_other_things_is_seen_where_what_was_compared_is_used_elsewhere(browse):
    x, u = ad.Value(1.0, "x"), ad.Value(2.0, "u")
    with ad.record_source():
        before = x * 5.0
        a, b = u + 1.0, u * 3.0
        y = a if x > 0 else b
        loss = y * u + before
    browsed = browse(loss, "#step=999")
    spin(browsed, "x").fill("-1")
    assert "recorded for x > 0" in browsed.page.locator("#branch").text_content()
    grey = browsed.page.locator("#values tr:has(td:nth-child(3).doubt) th").all_text_contents()
    assert [text.strip() for text in grey] == ["v4", "loss"]


def test_an_operation_that_no_page_can_compute_is_named_and_keeps_its_number(browse, users_operations):
    crooked = ad.operation("live_crooked", lambda x: x * x if x > 0 else 0.0, lambda x, out: (2 * x * (x > 0),))
    x, y = ad.Value(0.7, "x"), ad.Value(2.0, "y")
    u = crooked(x)
    u.name = "u"
    browsed = browse(u * y)
    assert browsed.page.locator("#refused").text_content().startswith("live_crooked: no page can compute this")
    spin(browsed, "x").fill("-3")
    assert browsed.page.evaluate("autodiff.data('u')") == u.data
    assert browsed.page.locator("#values tr td.doubt").count() > 0


def test_boxes_and_edges_are_clicked(browse):
    loss, _ = perceptron()
    browsed = browse(loss, "#step=23")
    page = browsed.page
    h = steps(loss)
    words = Words(h)
    z = words.find_one("z")
    page.locator(f"#graph #v{z} text").first.click()
    detail = page.locator("#detail")
    assert page.get_by_role("heading", name="z", exact=True).is_visible()
    assert f"∂loss/∂z = {words.number(h.upstream(z))}" in detail.text_content()
    assert "∂(a + b)/∂a = 1" in detail.text_content()
    page.locator("#graph g.edge text").first.click()
    assert h.forward < browsed.position < 24
    page.get_by_role("button", name="Close").click()
    assert not detail.is_visible()


def test_stops_have_conditions_and_catches(browse):
    x = ad.Value(2.0, "x")
    y = ad.log(x * 0.0 + x)
    loss = y * y
    browsed = browse(loss)
    place = browsed.page.get_by_label("Value, op:NAME or scope:NAME")
    for text in ("catch inf", "x if grad > 0", "catch vanishing 1e-6"):
        place.fill(text)
        place.press("Enter")
        assert browsed.page.get_by_role("alert").text_content() == ""
    for text, says in [
        ("catch fire", "There are catch nan"),
        ("x if nonsense", "There is no nonsense"),
        ("catch exploding", "Say a limit"),
    ]:
        place.fill(text)
        place.press("Enter")
        assert says in browsed.page.get_by_role("alert").text_content()
    items = browsed.page.get_by_role("list", name="Stops").get_by_role("listitem")
    assert items.all_text_contents()[0].startswith("stop at catch inf (0)")
    spin(browsed, "x").fill("0")
    session = ad.debugger.Session(steps(again_at_zero()))
    session.add_catch("inf")
    caught = session.continue_().position
    assert not items.all_text_contents()[0].startswith("stop at catch inf (0)")
    browsed.press("Tab")
    browsed.page.evaluate("autodiff.go(0)")
    browsed.click("Next stop")
    assert browsed.position == caught


def again_at_zero():
    x = ad.Value(0.0, "x")
    y = ad.log(x * 0.0 + x)
    return y * y


def test_a_recording_has_none_of_it(browse):
    loss, options = article()
    browsed = browse(loss, "#step=9", page={**options, "live": False})
    assert browsed.page.get_by_role("button", name="Descend", exact=True).count() == 0
    assert browsed.page.get_by_role("spinbutton").count() == 0
    assert browsed.page.evaluate("autodiff.data('C')") == loss.data
    assert "is a recording" in browsed.page.evaluate(
        "(() => { try { autodiff.set('w', 1); } catch (error) { return error.message; } })()"
    )
    small, large = ad.page(loss, live=False), ad.page(loss)
    assert len(small.html) < len(large.html)
    assert "liveOf(d) {" not in small.html


def test_it_is_alive_by_itself_up_to_a_size(monkeypatch):
    import sys

    monkeypatch.setattr(sys.modules["autodiff.debugger.page"], "MOST_ALIVE", 5)
    loss, options = article()
    assert 'class="recorded"' in ad.page(loss, **options).html
    assert 'class="live"' in ad.page(loss, live=True, **options).html


def test_on_a_phone_the_picture_and_the_arithmetic_are_in_the_first_screen(browse):
    loss, options = article()
    browsed = browse(loss, "#step=9", page=options, viewport={"width": 390, "height": 844})
    for what in ("#graph svg", "#now dl"):
        box = browsed.page.locator(what).bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 844


def test_the_active_value_is_always_in_the_table(browse):
    x = ad.Value(0.5, "x")
    y = x
    for _ in range(700):
        y = y + x
    browsed = browse(y, page={"live": True})
    for position in (1, 650, 2, 701):
        browsed.page.evaluate(f"autodiff.go({position})")
        assert browsed.page.locator("#values tr.now th").text_content().strip() == browsed.page.evaluate(
            f"autodiff.names[{position - 1}]"
        )
    assert re.search(r"and \d+ more", browsed.page.locator("#more").text_content())
