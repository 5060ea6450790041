"""The terminal, driven as a person drives it: through a pipe, a file of commands and a pseudo-terminal."""

import io
import math
import os
import random
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from graphs import perceptron, random_graph

import autodiff as ad
from autodiff.debugger import terminal
from autodiff.debugger.history import steps
from autodiff.debugger.terminal import Terminal

ROOT = Path(__file__).parents[2]

SCRIPT = """\
import sys
import autodiff as ad

w1, x1 = ad.Value(-0.2, "w1"), ad.Value(2.0, "x1")
b = ad.Value(0.1, "b")
for epoch in range(2):
    with ad.scope("layer1"):
        z = w1 * x1 + b
    z.name = "z"
    loss = ad.tanh(z)
    loss.backward()
    print("epoch", epoch, w1.grad, sys.argv[1:])
"""


def transcript(loss, *commands):
    """What is printed for these commands."""
    out = io.StringIO()
    Terminal(commands, stdin=io.StringIO(), stdout=out).interact(steps(loss))
    return out.getvalue()


def debug(*arguments, typed="", **environment):
    return subprocess.run(
        [sys.executable, "-m", "autodiff", "debug", *map(str, arguments)],
        input=typed,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


@pytest.fixture
def script(tmp_path):
    def write(text=SCRIPT, name="train.py"):
        file = tmp_path / name
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return file

    return write


# ---- what a stop shows -------------------------------------------------------------------------------------------------------


def test_a_stop_shows_where_the_arithmetic_the_change_and_the_rule():
    w1, x1 = ad.Value(-0.2, "w1"), ad.Value(2.0, "x1")
    with ad.scope("perceptron"):
        z = w1 * x1
    shown = transcript(z * -0.2071, "b w1", "watch w1.grad", "c", "c")
    assert shown.endswith(
        "(ad) c\n"
        "breakpoint 1: w1\n"
        "watch 2: w1.grad\n"
        "backward 2/3   scope perceptron\n"
        "  chain  ∂loss/∂w1 += upstream × local = −0.2071 × 2 (= x1) = −0.4142\n"
        "  grad   w1.grad 0 → −0.4142, contribution 1 of 1\n"
        "  from   v2 = w1 · x1, upstream = ∂loss/∂v2\n"
        "  rule   ∂(a · b)/∂a = b\n"
        "  watch  w1.grad = −0.4142\n"
        "(ad) \n"
    )


def test_a_forward_stop_shows_the_operation_and_its_local_derivatives():
    shown = transcript(perceptron()[0], "goto 6")
    assert "forward 6/12   scope perceptron\n  value  v5 = w1 · x1 = 0.8 · 1.5 = 1.2\n" in shown
    assert "  local  ∂v5/∂w1 = x1 = 1.5\n  local  ∂v5/∂x1 = w1 = 0.8\n" in shown


@pytest.mark.parametrize("seed", range(3))
def test_every_stop_fits_eighty_columns_and_has_the_numbers_of_the_event(seed, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    loss = random_graph(seed)
    h = steps(loss)
    shown = transcript(loss, "set digits 17", *["s"] * len(h))
    assert max(map(len, shown.splitlines())) <= 80
    text = " ".join(shown.split())
    for event in h[h.forward :]:
        assert f"= {number(event.contribution)}" in text
        assert f".grad {number(event.before)} → {number(event.after)}" in text


def number(x):
    text = f"{x or 0.0:.17g}".replace("-", "−")
    if "e" in text:
        mantissa, exponent = text.split("e")
        return f"{mantissa}e{exponent.replace('+', '').replace('−0', '−').lstrip('0')}"
    return text


def test_a_hostile_name_moves_no_cursor():
    x = ad.Value(1.0, "\x1b[2Jx\r\n\u202e")
    shown = transcript(
        x * 2.0, "s", "p \\x1b[2Jx\\r\\n\\u202e", "info values", "w", "pp", "why", "b \\x1b[2Jx\\r\\n\\u202e", "l"
    )
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert "value  \\x1b[2Jx\\r\\n\\u202e = 1, a leaf" in shown
    assert "breakpoint 1" in shown


# ---- commands ----------------------------------------------------------------------------------------------------------------


def scoped():
    """A scope that is given what an operation outside has made, and whose result is used twice outside."""
    x = ad.Value(3.0, "x")
    with ad.scope("inner"):
        z = (x * 2.0 + 1.0) * (y := x * 5.0)
    with ad.scope("other"):
        given = x - 1.0
    with ad.scope("inner"):
        z = z * given
    return z * z + y


def test_a_scope_is_stepped_through_by_itself():
    out = io.StringIO()
    lines = ["goto 6", "pp v5", "l", "w", "info values", "info scopes", "s 8", "why x", "why v6", "up 9", "explain x", "blame"]
    loss = scoped()
    h = steps(loss, scope="inner")
    Terminal(lines, stdin=io.StringIO(), stdout=out).interact(h)
    shown = out.getvalue()
    assert "  value  v5 = 2, made outside of the scope\n(ad) pp v5\nv5, made outside of the scope\n" in shown
    assert "backward 7/7   scope inner\n  chain  ∂loss/∂x += upstream × local = 12600 × 2 = 25200\n" in shown
    assert "(ad) why v6\nv6.grad = 420, from outside of the scope\n" in shown
    assert "what comes from outside of the scope is in the sum, not in the list" in shown
    assert "*** this is the upper end" in shown
    loss.backward()
    assert h[-1].after == h.nodes[0].grad


def test_every_command_has_help_and_every_abbreviation_a_command():
    names = terminal.command_names()
    methods = {name.removeprefix("do_").replace("_", "-") for name in dir(Terminal) if name.startswith("do_")}
    assert set(names) == methods - {"EOF"}
    for name in names:
        assert getattr(Terminal, "do_" + name.replace("-", "_")).__doc__.startswith(name)
    assert set(terminal.ALIASES.values()) <= set(names)


@pytest.mark.parametrize(
    "short",
    [
        "s",
        "n",
        "c",
        "rs",
        "rn",
        "rc",
        "u",
        "until",
        "fin",
        "b",
        "tb",
        "cl",
        "condition",
        "ignore",
        "disable",
        "enable",
        "catch",
        "watch",
        "display",
        "p",
        "pp",
        "l",
        "w",
        "up",
        "down",
        "why",
        "blame",
        "explain",
        "graph",
        "save",
        "load",
        "info",
        "help",
        "q",
    ],
)
def test_the_names_that_a_hand_knows_are_there(short):
    assert terminal.full_name(short) in terminal.command_names()


def test_an_empty_line_repeats_and_a_beginning_is_enough():
    shown = transcript(perceptron()[0], "s", "", "", "reverse-s 2", "goto 3", "")
    assert [line for line in shown.splitlines() if line.startswith("forward")] == [
        f"forward {i}/12" for i in (0, 1, 2, 3, 1, 3, 3)
    ]


def test_going_back_from_a_watch_answers_who_last_changed_this():
    x = ad.Value(2.0, "x")
    shown = transcript(x * x + x * 3.0, "goto 9", "watch x", "rc", "rc")
    assert "watch 1: x.grad\nx.grad = 7, last changed at backward 5/5 (goto 9)\n" in shown
    stops = re.findall(r"grad   x\.grad (\S+) → (\S+), contribution (\d) of 3", shown)
    assert stops == [("5", "7", "3"), ("3", "5", "2"), ("0", "3", "1")]


def test_why_is_the_sum_of_the_contributions_so_far():
    x = ad.Value(2.0, "x")
    loss = x * x + x
    shown = transcript(loss, "why x", "phase backward", "n", "why x", "goto 7", "why x", "why loss")
    assert "x.grad is not known yet: none of 3 contributions has come" in shown
    assert "2 of 3 contributions are still to come" in shown
    last = shown[shown.rindex("x.grad = 5") :]
    assert last.count("  +=     ") == 3
    assert "loss.grad = 1, the seed\n" in last


def test_printing_and_displaying():
    loss, _ = perceptron()
    shown = transcript(
        loss, "p w1", "goto 23", "p w1", "p w1.data", "p w1.data * 10 + 1", "p a.grad", "p nothing", "p 1 +",
        "display w1.grad * 2", "rs", "display", "undisplay w1.grad * 2", "undisplay w9", "info display",
    )  # fmt: skip
    assert "w1: data not computed yet, grad not known yet" in shown
    assert "w1: data 0.8, grad −0.2661703760239106\n(ad) p w1.data\n0.8\n(ad) p w1.data * 10 + 1\n9\n" in shown
    assert re.search(r"\(ad\) p a\.grad\n−0\.75508133759629\d+\n", shown)
    assert "*** there is no Value 'nothing'; " in shown
    assert "*** '1 +' is no expression" in shown
    assert shown.count("  show   w1.grad * 2 = −0.53234\n") == 3
    assert "*** 'w9' is not displayed; displayed is nothing" in shown


def test_long_lists_are_cut_and_say_how_much_is_left_out():
    x = ad.Value(1.0, "x")
    loss = x
    for _ in range(60):
        loss = loss * x
    most = terminal.MOST_ROWS
    shown = transcript(loss, "goto 2", "w", "goto 181", "why x", "info values", "info operations", "info scopes")
    assert f"     … {60 - most} more\n   55 v56 = v55 · x: " in shown
    assert f"(goto 141)\n         … and {61 - most} more\n" in shown
    assert f"… and {61 - most} more: info values PATTERN" in shown
    assert "    60 mul\n" in shown
    assert "no Value belongs to a scope" in shown
    same = transcript(ad.sum([ad.Value(float(i), "same") for i in range(60)]), "goto 3", "p same")
    assert same.count("same@") >= most
    assert f"… and {60 - most} more\n" in same


def test_blame_of_gradients_says_where_to_go():
    x = ad.Value(0.0, "x")
    root = ad.sqrt(x)
    root.name = "root"
    shown = transcript(root * 2.0 + x, "blame gradients")
    (position,) = re.findall(r"that is root \(goto (\d+)\)", shown)
    assert "x.grad = inf" in transcript(root * 2.0 + x, f"goto {position}", "why x")


def test_comments_questions_and_what_is_told_beside_the_stops():
    shown = transcript(perceptron()[0], "# a comment", "?next", "? fly")
    assert "next" in shown
    assert "*** there is no command 'fly'" in shown
    assert "comment" not in shown.replace("# a comment", "")
    out = io.StringIO()
    debugger = Terminal([], stdin=io.StringIO(), stdout=out)
    debugger.say("said")
    assert out.getvalue() == "said\n"
    assert debugger.completedefault("w", "p w", 2, 3) == []


def test_what_is_watched_and_displayed_need_not_be_in_the_next_graph():
    out = io.StringIO()
    debugger = Terminal(["watch w1.grad", "display w1.grad * 2", "q"], stdin=io.StringIO(), stdout=out)
    debugger.interact(steps(perceptron()[0]))
    debugger.cmdqueue += ["s"]
    debugger.interact(steps(ad.Value(1.0, "x") * 2.0))
    assert "  watch  w1.grad = not in this graph\n  show   w1.grad * 2 = there is no Value 'w1'" in out.getvalue()


def test_where_up_and_down_follow_the_way_to_the_loss():
    shown = transcript(perceptron()[0], "goto 22", "w", "up", "up 2", "down", "p", "up 9", "down 9")
    assert ">   0 w1, a leaf: data 0.8, grad −0.26617\n    1 v5 = w1 · x1: " in shown
    assert "    6 loss = (a − 1)²: data 0.14254, grad 1\n" in shown
    assert re.findall(r"^> (\d) (\w+)", shown, re.M) == [("1", "v5"), ("3", "z"), ("2", "v7")]
    assert "v7: data 0.4" in shown
    assert "*** this is the upper end" in shown
    assert "*** this is the Value that the last event was about" in shown


def test_stops_are_listed_changed_and_cleared():
    shown = transcript(
        perceptron()[0], "b w1 if grad < 0", "tb op:mul", "catch vanishing 1e-3", "ignore 1 2", "disable 2 3", "condition 1",
        "info breakpoints", "cl 2", "cl w1", "b", "enable", "cl", "b", "condition 1 grad", "ignore 1", "cl x",
    )  # fmt: skip
    assert "breakpoint 1: w1, ignored 2 times more\nbreakpoint 2: op:mul, temporary, disabled\n" in shown
    assert (
        "cleared breakpoint 2: op:mul\n(ad) cl w1\ncleared breakpoint 1: w1\n(ad) b\ncatch 3: vanishing 0.001, disabled\n"
        in shown
    )
    assert "no breakpoint is set\n(ad) condition 1 grad\n*** no breakpoint is set" in shown


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("fly", "there is no command 'fly'; help lists them"),
        ("d", "'d' may be disable, display, down, detach"),
        ("goto", "goto takes a position, a whole number, not ''"),
        ("goto far", "not 'far'"),
        ("next 0", "a count is at least 1"),
        ("step -1", "a count is expected, a whole number, not '-1'"),
        ("b w1 if", "there is no Value 'w1 if'"),
        ("b w1 if grad >", "'grad >' is no expression"),
        ("b w1 if gradient > 1", "there is no 'gradient' in a condition; there are data, grad"),
        ("catch", "cannot be caught; there are nan, inf, vanishing LIMIT and exploding LIMIT"),
        ("catch vanishing x", "'x' is no number"),
        ("watch", "there is no Value ''"),
        ("info weather", "there is no info about 'weather'; there is info breakpoints, values"),
        ("set digits 0", "there are set digits 1 … 17 and set colour on|off|auto"),
        ("set speed 9", "there are set digits"),
        ("save", "save takes a file"),
        ("load", "load takes a file"),
        ("load /nowhere/at all", "No such file or directory"),
        ("save /nowhere/at all", "there is no folder '/nowhere'"),
        ("graph picture.xyz", "'picture.xyz' does not say what to write by its suffix"),
        ("help fly", "there is no command 'fly'"),
        ("phase sideways", "there is no phase 'sideways'"),
        ("info values q*", "no Value is called 'q*'"),
    ],
)
def test_bad_input_is_said_and_changes_nothing(command, message):
    out = io.StringIO()
    debugger = Terminal(["goto 5", command], stdin=io.StringIO(), stdout=out)
    debugger.interact(steps(perceptron()[0]))
    assert message in " ".join(out.getvalue().split())
    assert "*** " in out.getvalue()
    assert (debugger.session.position, debugger.session.stops) == (5, [])


WORDS = (
    "w v3 n5 v999 op:mul op: scope:layer1 scope: 12 x.py:3 w.grad v3.data if grad>0 grad 1e-3 nan inf vanishing exploding "
    "-1 0 3 999999 forward backward . * \x00 é digits off breakpoints values 1/0 ( w@v1 layer0.n3 gradients events layer1 _ ;;"
)


@pytest.mark.parametrize("seed", range(40))
def test_no_line_however_odd_ends_the_debugger_or_leaves_the_history(seed, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    rng = random.Random(seed)
    names = sorted({*terminal.command_names(), *terminal.ALIASES} - {"quit", "q", "exit", "detach", "graph", "save", "load"})
    lines = [" ".join([rng.choice(names), *rng.choices(WORDS.split(), k=rng.choice([0, 0, 1, 1, 2, 3]))]) for _ in range(60)]
    out = io.StringIO()
    debugger = Terminal([*lines, "restart", "goto 1"], stdin=io.StringIO(), stdout=out)
    h = steps(random_graph(seed, rng.choice([0, 1, 8, 20])))
    while debugger.interact(h) == "continue":  # c at the end of the pass
        pass
    assert debugger.session.position == 1
    assert not debugger.cmdqueue
    assert max(map(len, out.getvalue().splitlines())) <= 80


def test_what_is_set_can_be_saved_and_loaded(tmp_path):
    file = tmp_path / "my stops"
    loss, _ = perceptron()
    transcript(loss, "b w1 if grad < 0", "ignore 1 1", "watch w2.data", "disable 2", "display a", f"save {file}")
    assert file.read_text() == "break w1 if grad < 0\nignore . 1\nwatch w2.data\ndisable .\ndisplay a\n"
    shown = transcript(loss, "b x1", f"load {file}", "info breakpoints")
    assert shown.endswith(
        "breakpoint 1: x1\nbreakpoint 2: w1 if grad < 0, ignored 1 times more\nwatch 3: w2.data, disabled\n(ad) \n"
    )


def test_the_graph_is_drawn_into_a_file(tmp_path):
    file = tmp_path / "graph.dot"
    assert f"written: {file}" in transcript(perceptron()[0], f"graph {file}")
    assert "digraph" in file.read_text()


def test_colour_is_for_terminals_and_as_people_wish(monkeypatch):
    pytest.importorskip("termcolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" not in transcript(perceptron()[0], "s")
    assert "\x1b[" in transcript(perceptron()[0], "set colour on", "s")


def test_without_a_library_for_colour_it_is_plain(monkeypatch):
    monkeypatch.setitem(sys.modules, "termcolor", None)
    assert "\x1b[" not in transcript(perceptron()[0], "set colour on", "s")


def test_debug_takes_a_value(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    ad.debug(perceptron()[0], commands=["goto 12"])
    assert "12 Values, 23 events" in capsys.readouterr().out
    with pytest.raises(TypeError, match="not of float"):
        ad.debug(2.0)


def test_completion_knows_commands_names_operations_and_scopes():
    debugger = Terminal(["q"], stdin=io.StringIO(), stdout=io.StringIO())
    debugger.interact(steps(perceptron()[0]))
    assert debugger.completenames("re") == ["reverse-step ", "reverse-next ", "reverse-continue ", "restart "]
    assert debugger.completedefault("w", "b w", 2, 3) == ["w1", "w2"]
    assert debugger.completedefault("op:s", "b op:s", 2, 6) == ["op:sigmoid", "op:sub"]
    assert debugger.completedefault("scope", "b scope", 2, 7) == ["scope:perceptron"]


# ---- scripts, through a pipe -------------------------------------------------------------------------------------------------


def test_a_script_stops_at_each_backward_and_goes_on(script):
    run = debug(script(), "one", "two", typed="b w1\nc\nc\nc\nc\nc\nc\nc\nc\n")
    assert (run.returncode, run.stderr) == (0, "")
    assert re.findall(r"backward\(\) (\d) at train.py:11: 6 Values, 11 events", run.stdout) == ["1", "2"]
    slope = 1 - math.tanh(-0.3) ** 2
    printed = re.findall(r"epoch (\d) (\S+) \['one', 'two'\]", run.stdout)
    assert [epoch for epoch, _ in printed] == ["0", "1"]
    assert float(printed[0][1]) == pytest.approx(2 * slope)
    assert (
        "breakpoint 1: w1\n"
        "forward 1/6   train.py:4\n"
        '         w1, x1 = ad.Value(-0.2, "w1"), ad.Value(2.0, "x1")\n'
        "                  ^^^^^^^^^^^^^^^^^^^^\n"
        "  value  w1 = −0.2, a leaf\n"
    ) in run.stdout


def test_commands_come_from_the_command_line_and_from_files(script, tmp_path):
    file = tmp_path / "commands"
    file.write_text("# a comment\n\nb op:tanh\nc\n")
    run = debug("-c", "set digits 2 ;; s 2", "-x", file, script())
    assert re.findall(r"^\(ad\) (.+)", run.stdout, re.M) == ["set digits 2", "s 2", "b op:tanh", "c"]
    assert "breakpoint 1: op:tanh" in run.stdout
    assert run.returncode == 0


def test_the_end_of_the_input_ends_the_script(script):
    run = debug(script(), typed="s\n")
    assert (run.returncode, run.stderr) == (0, "")
    assert "epoch" not in run.stdout


def test_lines_are_underlined_stopped_at_and_listed(script):
    text = SCRIPT.replace("z = w1 * x1 + b", "zß = ad.tanh(  # ∂\n            w1 * x1\n        ) + (y := ad.exp(b) * b) * 2")
    run = debug(
        script(text.replace('z.name = "z"\n', "").replace("ad.tanh(z)", "ad.tanh(zß)")),
        typed="b train.py:9\nb 10\nc\nc\nl\np y\nu\nu\n",
    )
    shown = run.stdout
    assert "breakpoint 1: train.py:9\nforward 4/10   scope layer1   train.py:9\n         w1 * x1\n         ^^^^^^^\n" in shown
    assert "breakpoint 2: 10\nforward 6/10   scope layer1   train.py:10\n" in shown
    line = "         ) + (y := ad.exp(b) * b) * 2\n"
    assert line + " " * shown_column(line, "ad.exp(b)") + "^" * len("ad.exp(b)") + "\n" in shown
    assert "  10 ->         ) + (y := ad.exp(b) * b) * 2\n" in shown
    assert "there is no" not in shown.replace("there is nothing", "")
    assert "y: data not computed yet" in shown


def shown_column(line, text):
    return line.index(text)


def test_a_long_line_keeps_in_view_what_is_underlined(script):
    file = script("import autodiff as ad\nw = ad.Value(2.0)\n(" + "w + " * 60 + "ad.exp(w)).backward()\n")
    run = debug(file, typed="b op:exp\nc\n")
    lines = run.stdout.splitlines()
    marks = next(i for i, line in enumerate(lines) if set(line.strip()) == {"^"})
    assert max(map(len, lines)) <= 80
    assert lines[marks - 1][lines[marks].index("^") : len(lines[marks])] == "ad.exp(w)"


def test_detach_lets_the_script_run_on(script):
    run = debug(script(), typed="detach\n")
    assert run.stdout.count("epoch") == 2
    assert run.stdout.count("backward() ") == 1


def test_the_script_is_main_with_its_own_folder_and_arguments(script, tmp_path):
    script("answer = 42\n", "beside.py")
    file = script(
        """
        import sys, pickle, autodiff as ad, beside
        class Mine: pass
        assert __name__ == "__main__" and sys.modules["__main__"].Mine is Mine
        assert type(pickle.loads(pickle.dumps(Mine()))) is Mine
        assert sys.argv == [__file__, "-c", "--flag"], sys.argv
        ad.Value(1.0).backward()
        sys.exit(beside.answer)
        """
    )
    run = debug(file, "-c", "--flag", typed="c\nc\nc\n")
    assert (run.returncode, run.stderr) == (42, "")


def test_the_traceback_of_a_script_that_raises_is_its_own(script):
    file = script("def f():\n    return 1 / 0\n\nf()\n")
    alone = subprocess.run([sys.executable, str(file)], capture_output=True, text=True)
    run = debug(file)
    assert run.returncode == alone.returncode == 1
    assert run.stderr == alone.stderr


def test_an_error_after_a_stop_is_the_scripts_own_too(script):
    file = script('import autodiff as ad\nloss = ad.Value(1.0) * 2.0\nloss.backward()\nraise KeyError("mine")\n')
    run = debug(file, typed="c\nc\n")
    assert run.returncode == 1
    assert run.stderr.splitlines() == [
        "Traceback (most recent call last):",
        f'  File "{file}", line 4, in <module>',
        '    raise KeyError("mine")',
        "KeyError: 'mine'",
    ]


def test_a_script_that_is_no_python_is_said_as_python_says_it(script):
    run = debug(script("x = (1\n"))
    assert run.returncode == 1
    assert "SyntaxError: '(' was never closed" in run.stderr
    assert "autodiff" not in run.stderr


@pytest.mark.parametrize("text", ["", "print('hello')\n"])
def test_a_script_that_never_calls_backward_is_told_so(script, text):
    run = debug(script(text))
    assert run.returncode == 0
    assert "train.py has ended without calling backward(): there was nothing to step through" in run.stderr


def test_a_missing_script_or_file_of_commands_is_an_error_not_a_traceback(script, tmp_path):
    run = debug(tmp_path / "missing.py")
    assert (run.returncode, run.stdout) == (1, "")
    assert re.fullmatch(r"autodiff: .*No such file or directory: '.*missing.py'\n", run.stderr)
    run = debug("-x", tmp_path / "missing", script())
    assert (run.returncode, run.stdout) == (1, "")
    assert "No such file" in run.stderr
    assert debug(tmp_path).returncode == 1


def test_stepping_changes_no_gradient_of_the_script(script):
    text = SCRIPT.replace("{sys.argv[1:]}", "")
    stepped = debug(script(text), typed="goto 9\nrs\nc\nc\ngoto 3\ndetach\n")
    alone = subprocess.run(
        [sys.executable, str(script(text))], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert [line for line in stepped.stdout.splitlines() if line.startswith("epoch")] == alone.stdout.splitlines()


def test_a_backward_in_another_thread_does_not_stop(script):
    file = script(
        """
        import threading, autodiff as ad
        def work():
            (ad.Value(1.0) * 2.0).backward()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        """
    )
    assert "ended without calling backward()" in debug(file).stderr


def test_an_output_without_unicode_gets_escapes(script):
    run = debug(script(), typed="goto 7\n", PYTHONIOENCODING="ascii")
    assert run.returncode == 0
    assert "\\u2202loss" in run.stdout


# ---- through a pseudo-terminal -----------------------------------------------------------------------------------------------


@pytest.fixture
def typed(script, tmp_path):
    """A script under the debugger in a terminal of 80 columns."""
    pexpect = pytest.importorskip("pexpect")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "AUTODIFF_HISTORY": str(tmp_path / "history")}
    environment |= {"PYTHONIOENCODING": "utf-8", "HOME": str(tmp_path)}
    environment.pop("NO_COLOR", None)
    children = []

    def spawn(**more):
        command = ["-m", "autodiff", "debug", str(script())]
        child = pexpect.spawn(
            sys.executable, command, env={**environment, **more}, dimensions=(24, 80), encoding="utf-8", timeout=30
        )
        children.append(child)
        child.expect_exact("(ad) ")
        return child

    yield spawn
    for child in children:
        child.close(force=True)


def test_a_person_steps_completes_repeats_and_leaves(typed, tmp_path):
    child = typed(NO_COLOR="1")
    child.sendline("goto 7")
    child.expect_exact("(ad) ")
    assert "backward 1/5" in child.before
    assert "\x1b[" not in re.sub(r"\x1b\[\?2004[hl]", "", child.before)
    child.sendline("")
    child.expect_exact("(ad) ")
    child.sendline("rs")
    child.expect_exact("forward 6/6")
    child.send("reverse-c\t")
    child.expect_exact("reverse-continue")
    child.sendline("")
    child.expect_exact("nothing has happened yet")
    child.send("b op:ta\t\n")
    child.expect_exact("breakpoint 1: op:tanh")
    child.sendintr()
    child.expect_exact("(ad) ")
    child.sendline("q")
    child.expect(__import__("pexpect").EOF)
    child.close()
    assert child.exitstatus == 0
    assert "b op:tanh" in (tmp_path / "history").read_text()


def test_what_was_typed_into_python_stays_there(tmp_path):
    """ad.debug() at Python's own prompt: its lines go into its own file, and Python's come back."""
    pexpect = pytest.importorskip("pexpect")
    script = tmp_path / "repl.py"
    script.write_text(
        "import readline, autodiff as ad\n"
        "readline.add_history('mine = 1')\n"
        "ad.debug(ad.Value(2.0) * 3.0)\n"
        "print('kept', [readline.get_history_item(i + 1) for i in range(readline.get_current_history_length())])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb", "AUTODIFF_HISTORY": str(tmp_path / "history")}
    child = pexpect.spawn(sys.executable, [str(script)], env=environment, encoding="utf-8", timeout=30)
    child.expect_exact("(ad) ")
    child.sendline("goto 3")
    child.expect_exact("(ad) ")
    child.sendline("q")
    child.expect_exact("kept ['mine = 1']")
    child.expect(pexpect.EOF)
    child.close()
    assert (tmp_path / "history").read_text() == "goto 3\nq\n"


def test_in_a_notebook_commands_are_asked_for_by_its_own_input(monkeypatch, capsys):
    typed = iter(["s", "q"])
    monkeypatch.setattr("builtins.input", lambda prompt="": next(typed))
    ad.debug(perceptron()[0])
    assert "forward 1/12" in capsys.readouterr().out


def test_a_terminal_has_colour(typed):
    pytest.importorskip("termcolor")
    child = typed()
    child.sendline("goto 7")
    child.expect_exact("(ad) ")
    assert "\x1b[36m  chain  " in child.before or re.search(r"\x1b\[\d*m  chain", child.before)
