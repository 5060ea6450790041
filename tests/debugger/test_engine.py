"""The page's engine without a browser: each row of the table, and whole graphs, have Python's numbers in JavaScript."""

import itertools
import json
import math
import random
import re
from importlib import resources

import mpmath
import pytest
from graphs import perceptron, random_graph

import autodiff as ad
from autodiff.debugger.history import steps
from autodiff.debugger.page import as_script_data, data_of, finite, rows_of
from autodiff.debugger.words import Words
from autodiff.engine import functions, rules
from autodiff.graph.scripts import DEFINITIONS, Scripts, library

mini_racer = pytest.importorskip("py_mini_racer", reason='pip install "autodiff-scalar[dev]"')
REVIVE = '(_, x) => x === "nan" ? NaN : x === "inf" ? Infinity : x === "-inf" ? -Infinity : x'
WRITE = '(_, x) => typeof x !== "number" || Number.isFinite(x) ? (Object.is(x, -0) ? "-0.0" : x) : String(x)'

EDGES = [0.0, 1.0, 0.5, 2.0, 3.0, 0.25, 1.5, 1e-8, 1e-300, 5e-324, 1e300, 700.0, 710.0, 1e16, math.inf, 40.0, 800.0, 19.1, 27.0]
EDGES = [*EDGES, *[-x for x in EDGES], math.nan, 0.9999999, -0.9999999, 0.84375, 0.85, 1.25, 4.0, 28.0]
EXACT = {"add", "sub", "mul", "div", "neg", "sqrt", "sum", "prod", "dot", "abs", "relu", "max", "min"}  # to the last bit
# Where 1 ulp of C's erfc or expm1, which are off by as much, is more of what is left: near the zeros of gelu′, silu′ and mish′,
# and by celu's alpha near x = 0; and a slope exp(y²).
STEEP = {"gelu", "celu", "erfinv", "silu", "mish"}
STEEP |= {"lgamma", "digamma", "polygamma"}  # near their zeros below 0
MOST_ULPS = 2
OFF = {"tanh": 4, "sech2": 4, "sigmoid": 4}  # whose slopes Python itself has to 2.5 units


def javascript(*files):
    made = mini_racer.MiniRacer()
    for file in files:
        made.eval(resources.files("autodiff.debugger").joinpath(file).read_text(encoding="utf-8"))
    return made


def asked(made, expression):
    return read(made.eval(f"JSON.stringify({expression}, {WRITE})"))


def read(text):
    def number(x):
        return float(x.replace("Infinity", "inf").replace("NaN", "nan")) if x in ("NaN", "Infinity", "-Infinity", "-0.0") else x

    def walked(x):
        return [walked(y) for y in x] if isinstance(x, list) else number(x) if isinstance(x, str) else x

    return walked(json.loads(text, parse_int=lambda digits: int(digits) if len(digits) < 16 else float(digits)))


def points(rng, count):
    """The edges and their pairs, and numbers of ordinary and of any size."""
    if count <= 2:
        yield from itertools.product(EDGES, repeat=count)
    else:
        yield from ([rng.choice(EDGES) for _ in range(count)] for _ in range(400))
    for _ in range(1500):
        yield [rng.gauss(0, 1) * 10 ** rng.uniform(-3, 2) for _ in range(count)]
    for _ in range(300):
        yield [rng.uniform(-1, 1) * 10 ** rng.uniform(-300, 300) for _ in range(count)]


def counts(rule):
    return [rule.arity] if rule.arity is not None else [3] if rule.name == "select" else [2, 4, 6]


def apart(x, y):
    """How many units in the last place of the first two numbers are apart; inf where one is not finite and the other is."""
    if x == y or (math.isnan(x) and math.isnan(y)):
        return 0.0
    return abs(x - y) / math.ulp(x) if math.isfinite(x) and math.isfinite(y) else math.inf


def truth(rule, operands):
    """Where the C library itself is off by more: glibc's cube root, by up to 3 units."""
    root = math.copysign(float(mpmath.cbrt(abs(operands[0]))), operands[0])
    return [root, *rule.partials(*operands, out=root)]


# All but the one whose terms cancel at any scale; it stands in graphs of second derivatives only.
BUILT_IN = [rule for rule in rules.TABLE.values() if rule.name != "power_poly"]


def written(rule):
    """What a JavaScript engine runs to have the row's numbers at all points, and these points."""
    rng, scripts = random.Random(rule.name), Scripts()
    rows = [(scripts.row(rule, count), [list(map(float, point)) for point in points(rng, count)]) for count in counts(rule)]
    if rule.name == "polygamma":  # what a page comes to
        rows = [(name, [[x, rng.choice((1.0, 2.0, 3.0))] for x, _ in given]) for name, given in rows]
    calls = [
        f"...JSON.parse({json.dumps(json.dumps([[finite(x) for x in point] for point in given]))}, {REVIVE})"
        f".map(x => {{ const y = rows.values.{name}(x); return [y, ...rows.partials.{name}(x, y)]; }})"
        for name, given in rows
    ]
    return f"const rows = {scripts.text()};", f"[{', '.join(calls)}]", [point for _, given in rows for point in given]


def hold_against_python(rule, given, results):
    """Every value and partial that a JavaScript engine has found."""
    for operands, found in zip(given, results, strict=True):
        value = rule.value(*operands)
        for i, (x, y) in enumerate(zip([value, *rule.partials(*operands, out=value)], found, strict=True)):
            if rule.name in EXACT:
                assert (x, math.copysign(1, x)) == (y, math.copysign(1, y)) or (x != x and y != y), (operands, i)
            elif rule.name in STEEP:
                near = apart(x, y) <= 16 * MOST_ULPS
                assert near or abs(x - y) <= 4 * MOST_ULPS * math.ulp(max(1.0, *map(abs, operands))), (operands, i, x, y)
            else:
                off = apart(x, y)
                if off > MOST_ULPS and rule.name == "cbrt" and math.isfinite(x) and math.isfinite(y):
                    off = apart(truth(rule, operands)[i], y)
                assert off <= OFF.get(rule.name, MOST_ULPS), (operands, i, x, y)


def test_a_page_has_the_functions_that_its_rows_ask_for_and_what_these_need():
    names = {"exp", "scaled", "split", "abs", "FACTORIALS", "LN2"}
    assert {name for name, text in DEFINITIONS.items() if text in library(["exp"])} == names
    assert library([]) == ""
    scripts = Scripts()
    scripts.row(rules.TABLE["erfinv"], 1)
    assert {"tail", "TAILS", "polynomial", "erf", "erfc", "sqrt", "log1p"} <= set(re.findall(r"\w+", scripts.text()))
    assert "logsumexp" not in scripts.text()
    everything = library(DEFINITIONS)
    assert asked(javascript(), f"(() => {{ {everything} return Object.is(tanh, Math.tanh); }})()") is True


@pytest.mark.parametrize("rule", BUILT_IN, ids=lambda rule: rule.name)
def test_every_row_has_pythons_numbers(rule):
    rows, results, given = written(rule)
    made = javascript()
    made.eval(rows)
    hold_against_python(rule, given, asked(made, results))


# ---- whole graphs ------------------------------------------------------------------------------------------------------------


def engine(loss):
    """The engine over a recording of the loss, and the history."""
    history = steps(loss)
    data, rows = rows_of(history)
    made = javascript("recording.js", "live.js")
    text = as_script_data(as_script_data(data_of(history, Words(history)) | data))
    made.eval(f"const d = JSON.parse({text}, {REVIVE}), r = recordingOf(d), rows = {rows}, live = liveOf(d, rows, r.sweep);")
    return made, history


def numbers(made):
    return asked(made, "[d.data, d.upstream, d.local, d.before, d.after]")


def of_python(history):
    edges = [history.edge(number) for number in range(history.forward, len(history))]
    places = range(history.forward)
    return [[history.datum(p) for p in places], [history.upstream(p) for p in places], *map(list, zip(*edges, strict=True))]


@pytest.mark.parametrize("seed", range(6))
def test_a_changed_leaf_changes_all_that_python_would(seed):
    rng = random.Random(seed)
    made, history = engine(random_graph(seed))
    leaves = asked(made, "live.leaves")
    chosen = {place: history.datum(place) + rng.uniform(-0.05, 0.05) for place in rng.sample(leaves, 2)}
    made.eval(f"live.set({json.dumps(list(chosen.items()))})")
    loss = random_graph(seed)
    again = steps(again_with(loss, chosen))
    for found, expected in zip(numbers(made), of_python(again), strict=True):
        assert found == pytest.approx(expected, rel=1e-13, abs=1e-300)
    made.eval("live.reset()")
    assert numbers(made) == of_python(history)


def again_with(loss, chosen):
    """The same graph with other numbers in some leaves, by the rules."""
    walk = steps(loss).walk
    made = []
    for place, node in enumerate(walk.nodes):
        given = [made[walk.places[id(x)]] if isinstance(x, ad.Value) else x for x in node.arguments]
        made.append(rules.apply(rules.TABLE[node.op], tuple(given)) if node.op else ad.Value(chosen.get(place, node.data)))
    return made[-1]


def test_an_unchanged_recording_is_computed_to_the_same_bits_where_no_function_is_involved():
    made, history = engine(random_graph(3, 60))
    before = numbers(made)
    made.eval("live.set([])")
    assert numbers(made) == before == of_python(history)


def test_the_articles_descent():
    w, i, y = ad.Value(0.8, "w"), 1.5, 0.5
    made, _ = engine((y - i * w) ** 2)
    seen = []
    for _ in range(3):
        gradient = asked(made, "r.gradient(0, r.LENGTH)")
        seen.append((asked(made, "d.data[0]"), gradient))
        made.eval(f"live.set([[0, d.data[0] - 0.1 * {gradient!r}]])")
    expected = []
    for _ in range(3):
        w.grad = 0.0
        ((y - i * w) ** 2).backward()
        expected.append((w.data, w.grad))
        w.data -= 0.1 * w.grad
    assert seen == [list(x) for x in expected] or seen == expected
    assert round(seen[1][0], 4) == 0.59
    assert round(seen[2][0], 4) == 0.4745


def test_a_curve_changes_nothing_and_its_slope_is_the_gradient():
    loss, leaves = perceptron()
    made, history = engine(loss)
    place = history.place(leaves["w1"])
    before = numbers(made)
    ys = asked(made, f"live.curve({place}, r.LOSS, [0.8 - 1e-6, 0.8, 0.8 + 1e-6])")
    assert numbers(made) == before
    assert ys[1] == pytest.approx(loss.data, rel=1e-15)
    slope = asked(made, f"live.slope({place}, r.LOSS)")
    gradient = history.state(len(history))[leaves["w1"]]
    assert slope in (pytest.approx(history.upstream(place), rel=1e-14), pytest.approx(gradient, rel=1e-14))
    assert (ys[2] - ys[0]) / 2e-6 == pytest.approx(slope, rel=1e-6)


def test_operations_of_users_are_written_where_they_can_be(users_operations):
    log_cosh = ad.operation(
        "page_log_cosh",
        lambda x: abs(x) + math.log1p(math.exp(-2 * abs(x))) - math.log(2),
        lambda x, out: (ad.tanh(x),),
    )
    x = ad.Value(0.7, "x")
    made, _ = engine(log_cosh(x) * x)
    made.eval("live.set([[0, -1.25]])")
    y = ad.Value(-1.25)
    expected = log_cosh(y) * y
    expected.backward()
    assert asked(made, "[d.data[r.LOSS], r.gradient(0, r.LENGTH)]") == pytest.approx([expected.data, y.grad], rel=1e-15)
    assert asked(made, "live.unwritten.length") == 0


def test_what_cannot_be_written_stays_a_recording_and_so_does_what_depends_on_it(users_operations):
    crooked = ad.operation("page_crooked", lambda x: x * x if x > 0 else 0.0, lambda x, out: (2 * x * (x > 0),))
    x, y = ad.Value(0.7, "x"), ad.Value(2.0, "y")
    u = crooked(x)
    v = y * 3.0
    loss = u * v + v
    made, history = engine(loss)
    assert json.loads(made.eval("JSON.stringify(live.unwritten)")) == ["page_crooked"]
    place = {name: history.place(value) for name, value in {"x": x, "y": y, "u": u, "v": v}.items()}
    made.eval(f"live.set([[{place['y']}, 5]])")
    assert asked(made, f"d.data[{place['v']}]") == 15.0
    assert asked(made, "live.doubtful.data.some(Boolean)") is False
    made.eval(f"live.set([[{place['x']}, -1]])")
    doubtful = asked(made, "live.doubtful.data")
    assert doubtful[place["u"]]
    assert doubtful[-1]
    assert not doubtful[place["v"]]
    assert not doubtful[place["x"]]
    assert asked(made, f"d.data[{place['u']}]") == u.data
    gradients = asked(made, "live.doubtful.gradient")
    assert all(gradients[place[name]] for name in "xvy")


def test_it_is_quick_enough_for_a_hand_that_drags():
    """No clock: a thousand Values are two loops, so their work is counted."""
    x = ad.Value(0.5, "x")
    y = x
    for _ in range(500):
        y = functions.tanh(y * 1.01)
    made, history = engine(y)
    assert history.forward == 1001
    made.eval("""let calls = 0; for (const table of [rows.values, rows.partials]) for (const [name, f] of Object.entries(table))
        table[name] = (...xs) => { calls++; return f(...xs); };""")
    made.eval("liveOf(d, rows, r.sweep).set([[0, 0.6]])")
    assert asked(made, "calls") == 2 * 1000
