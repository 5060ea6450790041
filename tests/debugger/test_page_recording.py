"""The page's recording, in a JavaScript engine without a browser: it knows and says what Python does, at every position."""

import json
import math
import random
import struct
from importlib import resources

import pytest
from graphs import perceptron, random_graph

import autodiff as ad
from autodiff.debugger.history import steps
from autodiff.debugger.page import as_script_data, data_of
from autodiff.debugger.words import Words
from autodiff.engine import functions
from autodiff.graph.symbols import number_text

mini_racer = pytest.importorskip("py_mini_racer", reason='pip install "autodiff-scalar[dev]"')
REVIVED = '(_, x) => x === "nan" ? NaN : x === "inf" ? Infinity : x === "-inf" ? -Infinity : x'


def engine(loss, **options):
    """A JavaScript engine that holds the recording of a loss."""
    history = steps(loss, **options)
    made = mini_racer.MiniRacer()
    made.eval(resources.files("autodiff.debugger").joinpath("recording.js").read_text(encoding="utf-8"))
    made.eval(
        f"const r = recordingOf(JSON.parse({as_script_data(as_script_data(data_of(history, Words(history))))}, {REVIVED}))"
    )
    return made, history


def asked(made, expression):
    return json.loads(made.eval(f"JSON.stringify({expression})"))


def odd_graph():
    """Numbers that are not finite, of both signs, large and small; a dot, a long sum, names in brackets."""
    x, y = ad.Value(0.0, "h[i]"), ad.Value(-2.5, "{name}")
    many = functions.dot([x, y, 2.0], [y, y, x]) + functions.sum([x, y] * 5)
    return functions.log(x) * 0.0 + ad.Value(1e300, "big") * 1e10 + y**2 * 1e-7 + many * -1e-9 + y**x


@pytest.mark.parametrize(
    "make", [lambda: perceptron()[0], odd_graph, *[lambda seed=seed: random_graph(seed) for seed in range(4)]]
)
def test_at_every_position_it_says_and_knows_what_python_does(make):
    loss = make()
    made, history = engine(loss)
    words = Words(history)
    assert asked(made, "[...Array(r.LENGTH).keys()].map(at => r.lines(at + 1))") == [
        [list(line) for line in words.lines(number)] for number in range(len(history))
    ]
    shown = asked(
        made, "[...Array(r.LENGTH + 1).keys()].map(at => [...Array(r.N).keys()].map(p => r.number(r.gradient(p, at))))"
    )
    for position, gradients in enumerate(shown):
        known = [history.state(position).gradient(place) for place in range(history.forward)]
        assert gradients == ["" if gradient is None else words.number(gradient) for gradient in known]


def test_of_a_scope_it_says_what_python_does():
    made, history = engine(random_graph(5), scope="layer1")
    words = Words(history)
    expected = [[list(line) for line in words.lines(number)] for number in range(len(history))]
    assert asked(made, "[...Array(r.LENGTH).keys()].map(at => r.lines(at + 1))") == expected
    assert any("made outside of the scope" in line[1] for lines in expected for line in lines)


def test_where_a_stop_is():
    loss, _ = perceptron()
    made, history = engine(loss)
    session = ad.debugger.Session(history)
    for where in ("a", "op:mul", "scope:perceptron", "v3"):
        stop = session.add_breakpoint(where)
        assert asked(made, f"r.find({json.dumps(where)})") == sorted(set(stop.find(history, session.words)))
    assert asked(made, 'r.find("nowhere")') == []


def test_numbers_are_pythons():
    rng = random.Random(1)
    numbers = [0.0, -0.0, 1.0, 123455.0, 123445.0, 100005.0, 1.03125, -1.03125, 1.5e-5, 99999.5, 0.00012345, 9.99995e-5, 5e-324]
    numbers += [1.7976931348623157e308, 0.1 + 0.2, 12345.5, 12344.5, 2.0**-24, 2.0**-20, 999995.0, 999985.0]
    numbers += [rng.uniform(-10, 10) * 10.0 ** rng.randint(-12, 12) for _ in range(3000)]
    numbers += [rng.randint(10**5, 10**7) / 2 ** rng.randint(0, 6) for _ in range(3000)]
    bits = (struct.unpack("d", rng.randbytes(8))[0] for _ in range(3000))
    numbers += [x for x in bits if math.isfinite(x)]
    made, _ = engine(ad.Value(1.0))
    assert asked(made, f"{json.dumps(numbers)}.map(r.number)") == [number_text(x) for x in numbers]
    assert asked(made, "[NaN, Infinity, -Infinity, undefined].map(r.number)") == ["nan", "inf", "−inf", ""]
