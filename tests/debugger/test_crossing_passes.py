"""The terminal over several backward() calls: c and rc cross them in both directions, goto run goes to one."""

import io
import re
import sys

import pytest

import autodiff as ad
from autodiff.debugger.history import steps
from autodiff.debugger.passes import Passes
from autodiff.debugger.terminal import Terminal
from autodiff.engine.recording import record_source, watching

script_module = sys.modules["autodiff.debugger.script"]

TRAINING = """
import autodiff as ad
from autodiff import optim

w, b = ad.Value(1.0, "w"), ad.Value(0.5, "b")
optimizer = optim.SGD([w], lr=0.1)
for x, y in [(1.0, 2.0), (2.0, 1.0), (0.0, 1.0), (1.0, 3.0)]:
    optimizer.zero_grad()
    loss = (w * x + b - y) ** 2
    loss.backward()
    optimizer.step()
print("w is", w.data)
"""


@pytest.fixture
def debug(tmp_path, capsys, monkeypatch):
    """Debugs a script with commands; what was printed."""

    def run(text, *commands):
        file = tmp_path / "train.py"
        file.write_text(text, encoding="utf-8")
        monkeypatch.setattr("sys.stdin", io.StringIO(""))
        script_module.run(file, [], Terminal(commands))
        return capsys.readouterr().out

    return run


def weights():
    """The numbers that w has in the passes."""
    w, held = 1.0, []
    for x, y in [(1.0, 2.0), (2.0, 1.0), (0.0, 1.0), (1.0, 3.0)]:
        held.append(w)
        w -= 0.1 * 2 * (w * x + 0.5 - y) * x
    return [*held, w]


def test_continue_runs_over_backward_calls_to_what_stops(debug):
    shown = debug(TRAINING, "b op:pow if data > 2", "c", "c", "c", "c")
    assert re.findall(r"^run (\d)   forward", shown, re.M) == ["1", "3"]
    assert shown.count("backward() ") == 3  # the first, and the two with a stop
    assert f"w is {weights()[-1]}" in shown


def test_without_anything_that_stops_each_backward_call_does(debug):
    shown = debug(TRAINING, "c", "c", "c", "c", "c", "c", "c", "c")
    assert re.findall(r"backward\(\) (\d) at train.py:10", shown) == ["1", "2", "3", "4"]
    assert "w is" in shown


def test_reverse_continue_stops_where_the_optimiser_changed_what_is_watched(debug):
    shown = debug(TRAINING, "b op:pow if data > 4", "c", "clear", "watch w.data", "rc", "rc", "rc", "rc", "c", "c", "c", "q")
    held = weights()
    changes = re.findall(r"step +w.data (\S+) → (\S+), by the optimiser's step\s+after run (\d)", shown)
    assert [int(after) for *_, after in changes] == [1, 0, 0, 1]  # back twice, and from the start forwards again
    for before, after, run in changes:
        assert float(before) == pytest.approx(held[int(run)], rel=1e-4)
        assert float(after) == pytest.approx(held[int(run) + 1], rel=1e-4)
    assert "run 2   forward 0/" in shown
    assert "nothing before this has changed w.data" in shown


def test_a_step_that_changed_nothing_is_no_stop(debug):
    """The third sample has x = 0: w stays as it is between runs 2 and 3."""
    shown = debug(TRAINING, "b op:pow if data > 4", "c", "watch w.data", "disable 1", "rc", "q")
    assert re.findall(r"after run (\d)", shown) == ["1"]


def test_conditions_on_a_watch_hold_for_what_came_out(debug):
    shown = debug(TRAINING, "watch w.data if data < 0.9", "c", "q")
    assert re.findall(r"w.data (\S+) → (\S+), by", shown) == [("1.1", "0.42")]


def test_in_an_earlier_pass_everything_is_as_it_was_and_afterwards_as_it_is(debug):
    look = ["goto run 0", "goto 11", "p w", "explain w", "!print(w.data)", "c", "c", "!print(w.data)"]
    shown = debug(TRAINING, "c", "c", "c", "c", *look, "detach")
    held = weights()
    assert "w: data 1, grad −1\n" in shown
    assert "dloss/dw = dloss/dv2 · dv2/dw = (2(w · 1 + b − 2)) · 1 = −1 · 1 = −1\n" in shown
    assert "c goes on to run 1" in shown
    assert re.findall(r"^(\d\.\d+)$", shown, re.M) == [str(held[0]), str(held[1])]
    assert f"w is {held[-1]}" in shown  # the training goes on as if nobody had looked


def test_goto_run_names_what_there_is(debug):
    shown = debug(TRAINING, "c", "c", "goto run 7", "goto run 0", "goto run", "goto run x", "q")
    assert "*** there is no pass 7 to go to; there are 0 … 1" in shown
    assert "run 0   forward 0/" in shown
    assert shown.count("*** goto run takes the number of a step") == 2


def test_the_last_recordings_are_kept_within_a_budget():
    passes = Passes(budget=4_000)
    x = ad.Value(2.0, "x")
    for k in range(20):
        passes.add(steps(x * float(k) + 1.0))
    assert passes.bytes <= 4_000
    assert 0 < passes.first < passes.last == 19
    assert passes.visit(passes.first).nodes[-1].data == 2.0 * passes.first + 1.0
    with pytest.raises(ad.DebuggerError, match=r"there is no pass 0 to go to; there are 1\d … 19"):
        passes.visit(0)


def test_leaves_hold_their_numbers_of_then_while_a_pass_is_visited():
    passes, x = Passes(), ad.Value(2.0, "x")
    for k in range(3):
        x.data = 2.0 + k
        passes.add(steps(x * x))
    x.data = 9.0
    passes.visit(0)
    assert x.data == 2.0
    passes.visit(1)
    assert x.data == 3.0
    passes.visit(2)
    assert x.data == 9.0
    passes.visit(0)
    passes.leave()
    assert x.data == 9.0


BREAKING = """
import autodiff as ad
from autodiff import nn, optim

class Log(nn.Module):
    def __init__(self):
        self.w = ad.Value(1.0)
    def __call__(self, x):
        return ad.log(self.w + x)

xs = [0.5, 0.25, -0.9, 0.5, 0.1]
model = Log()
nn.fit(model, xs, [-2.0] * 5, optimizer=optim.SGD(model.parameters(), lr=0.02), epochs=40, batch_size=2, seed=1, progress=False,
       record=True)
"""


def test_the_nan_that_ends_a_fit_is_stopped_at_and_its_sample_named(debug):
    shown = debug(BREAKING, "catch nan", "c", "blame", "watch w.data", "rc", "goto run 2", "goto run 0", "q")
    last = int(re.search(r"run (\d+)   forward", shown)[1])
    assert last > 2
    assert "the first sample of this batch with such a loss is sample 2" in shown
    assert f"after run {last - 1}" in re.sub(r"\s+", " ", shown)
    assert "run 2   forward 0/" in shown
    assert "return ad.log(self.w + x)" in shown


def test_a_step_of_a_run_that_was_not_kept_is_recorded_again():
    model = ad.nn.Perceptron(2, seed=1)
    optimizer, xs = ad.optim.Adam(model.parameters()), [[0.5, 1.0], [1.0, -1.0]]
    passes, seen = Passes(budget=1), []

    def before(loss, seed, file, line):
        passes.add(steps(loss))
        if len(seen) == 8:
            for number in (0, 3, 7):
                history = passes.visit(number)
                assert history.nodes[-1].data == seen[number]
                assert (history.earlier is None) == (number == 0)
                passes.leave()
        seen.append(loss.data)

    with record_source(), watching(before=before):
        log = ad.nn.fit(model, xs, [0.0, 1.0], optimizer=optimizer, epochs=10, progress=False, record=True)
    assert seen == log.run.losses
    assert passes.last == 9
