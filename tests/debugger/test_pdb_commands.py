"""What the terminal has of pdb: Python in the program's frame, commands, aliases, modules, post-mortem, breakpoint()."""

import io
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from graphs import perceptron

import autodiff as ad
from autodiff.debugger.history import steps
from autodiff.debugger.terminal import Terminal

ROOT = Path(__file__).parents[2]

SCRIPT = """\
import autodiff as ad

def step(epoch, *more, rate=0.5, **other):
    w, x = ad.Value(epoch - 0.2, "w"), ad.Value(2.0, "x")
    loss = ad.tanh(w * x) * w
    loss.backward()
    return rate

for epoch in range(3):
    print("rate", step(epoch, "extra", name="n"))
"""


@pytest.fixture
def program(tmp_path):
    """Runs a script under the debugger in a folder and home of its own; what is printed."""

    def run(*typed, text=SCRIPT, options=(), files=None, command=("debug",), status=0, home=tmp_path, **environment):
        for name, content in {"train.py": text, **(files or {})}.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(textwrap.dedent(content), encoding="utf-8")
        arguments = [sys.executable, *(["-m", "autodiff", *command] if command else []), *options]
        done = subprocess.run(
            [*arguments, *(["train.py"] if "-m" not in options else [])],
            input="".join(f"{line}\n" for line in typed),
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "HOME": str(home), **environment},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )
        assert done.returncode == status, done.stderr
        return done.stdout + done.stderr

    return run


def said(shown, command, prompt="(ad) "):
    """What was printed after each time that a command was given."""
    return [block.partition("\n")[2].strip() for block in shown.split(prompt) if block.partition("\n")[0] == command]


def transcript(loss, *commands):
    out = io.StringIO()
    Terminal(commands, stdin=io.StringIO(), stdout=out).interact(steps(loss))
    return out.getvalue()


def test_p_means_this_moment_for_values_and_the_programs_frame_for_all_else(program):
    shown = program(
        "p epoch", "p [epoch, rate]", "p more, other", "p rate * w.data", "s", "p rate * w.data", "p w", "p -epoch - w.grad",
        "p nobody", "p 1 / epoch", "p loss is None", "p w.data == w.data", "pp {'k' * 40: 'v' * 30, 'l': 1}",
        "p [w.data for _ in more]",
    )  # fmt: skip
    assert said(shown, "p epoch") == ["0"]
    assert said(shown, "p [epoch, rate]") == ["[0, 0.5]"]
    assert said(shown, "p more, other") == ["(('extra',), {'name': 'n'})"]
    assert said(shown, "p rate * w.data") == ["*** w has not been computed yet at position 0", "−0.1"]
    assert said(shown, "p w") == ["w: data −0.2, grad not known yet"]
    assert said(shown, "p -epoch - w.grad") == ["0"] or said(shown, "p -epoch - w.grad") == ["−0"]
    assert "*** there is no Value 'nobody'; there are w, x, loss, and v0 … v4" in shown
    assert "*** ZeroDivisionError: division by zero" in shown
    assert said(shown, "p loss is None") == ["False"]
    assert said(shown, "pp {'k' * 40: 'v' * 30, 'l': 1}") == [f"{{'{'k' * 40}': '{'v' * 30}',\n 'l': 1}}"]
    assert said(shown, "p [w.data for _ in more]") == ["[-0.2]"]


ODD = """
import autodiff as ad
class Odd:
    def __repr__(self):
        return 1 / 0
odd, rate, text = Odd(), 0.5, "half"
w = ad.Value(2.0, "w")
alias = w
(w * 3.0).backward()
"""


def test_objects_that_stand_for_values_or_cannot_be_shown(program):
    shown = program(
        "p odd", "pp odd", "s", "p [w][0]", "p alias * w.data", "p text * w.data", "display [alias][0]", "display [rate]",
        "pp v1", "detach", text=ODD,
    )  # fmt: skip
    assert said(shown, "p odd") == ["*** its repr raises ZeroDivisionError: division by zero"]
    assert said(shown, "p [w][0]") == ["w: data 2, grad not known yet"]
    assert said(shown, "p alias * w.data") == ["4"]
    assert said(shown, "p text * w.data") == ["*** arithmetic over Values takes a real number, not str 'half'"]
    assert "show   [alias][0] = data 2, grad not known yet" in shown
    assert "show   [rate] = [0.5]" in shown
    assert "  line   " in shown


def test_where_the_input_ends_pythons_prompt_is_left_too(program):
    shown = program("interact", "rate + 1")
    assert ">>> rate + 1\n1.5\n" in shown


def test_code_without_a_file_has_no_function_to_be_listed(program):
    text = "import autodiff as ad\nexec('ad.Value(1.0).backward()')\n"
    assert "*** there is no source of '<string>' to be listed" in program("ll", "detach", text=text)


def test_an_exception_of_nobodys_frames_is_said():
    with pytest.raises(ad.DebuggerError, match="KeyError has no frame outside of autodiff"):
        ad.pm(KeyError("k"))


def test_a_variable_of_the_program_comes_before_a_values_number(program):
    shown = program("p v2", "p v1", text="import autodiff as ad\nv2 = 'mine'\n(ad.Value(3.0) * 2.0 * 2.0).backward()\n")
    assert said(shown, "p v2") == ["'mine'"]
    assert said(shown, "p v1") == ["v1: data not computed yet, grad not known yet"]


def test_a_statement_changes_the_programs_own_variables(program):
    shown = program(
        "!rate = epoch + 7", "!rate", "p rate", "!for i in range(2): print('seen', i)", "!1 +", "!raise KeyError('k')",
        "!raise SystemExit(4)", "!", "! print( 'spaced' )", "detach",
    )  # fmt: skip
    assert "rate 7\n" in shown
    assert said(shown, "!rate") == ["7"]
    assert "seen 0\nseen 1\n" in shown
    assert "*** SyntaxError: invalid syntax\n" in shown
    assert "*** KeyError: 'k'\n" in shown
    assert "*** SystemExit: 4\n" in shown
    assert "*** a statement is missing" in shown
    assert "\nspaced\n" in shown


def test_exit_ends_the_program(program):
    assert "rate" not in program("!exit()", "p epoch")


def test_interact_is_pythons_prompt_over_a_copy(program):
    shown = program("interact", "rate", "rate = 9", "if rate:", "    print('nine', rate)", "", "exit()", "p rate", "detach")
    assert ">>> rate\n0.5\n" in shown
    assert "\nnine 9\n" in shown
    assert said(shown, "p rate") == ["0.5"]
    assert shown.count("rate 0.5") == 3


def test_args_and_the_whole_function(program):
    shown = program("a", "ll", "s 4", "ll", "detach")
    assert said(shown, "a") == ["epoch = 0\nrate = 0.5\nmore = ('extra',)\nother = {'name': 'n'}"]
    first, second = said(shown, "ll")
    assert first.splitlines()[0] == "3    def step(epoch, *more, rate=0.5, **other):"
    assert [line for line in first.splitlines() if "->" in line] == ["   6 ->     loss.backward()"]
    assert [line for line in second.splitlines() if "->" in line] == ["   5 ->     loss = ad.tanh(w * x) * w"]
    assert len(first.splitlines()) == 5


def test_without_a_program_python_says_so():
    shown = transcript(perceptron()[0], "p epoch", "!x = 1", "a", "interact", "pp nobody")
    assert shown.count("*** there is no frame of a program here") == 3
    assert "*** there is no Value 'epoch'" in shown


def test_a_stepped_loss_knows_the_callers_frame(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("p secret\n!secret = 43\n"))
    secret = 42
    ad.debug(perceptron()[0])
    assert "(ad) p secret\n42\n" in capsys.readouterr().out
    assert secret == 43


def test_commands_are_run_at_a_stop():
    loss, _ = perceptron()
    shown = transcript(loss, "b w1", "commands", "silent", "p w1.grad", "c", "p never", "c", "p a.data")
    assert "(com) silent\n(com) p w1.grad\n(com) c\n(ad) p never\n" in shown  # what moves is the last, as in pdb
    assert shown.count("(ad) p w1.grad\n") == 2
    assert "breakpoint 1: w1\nforward" not in shown
    shown = transcript(loss, "b w1", "b a", "commands 1", "p w1.data", "", "end", "c")
    assert "breakpoint 1: w1\nforward 1/12\n" in shown
    assert said(shown, "p w1.data") == ["0.8"]
    assert "*** there is no breakpoint 9; there are 1" in transcript(loss, "b w1", "commands 9", "p w1")


def test_aliases_take_arguments():
    loss, _ = perceptron()
    shown = transcript(
        loss, "alias pg p %1.grad - %2.grad ;; p 3", "s", "alias", "pg w1 b", "alias all p %*", "all 1 + 2", "alias loop loop",
        "loop", "unalias pg", "pg w1 b", "alias nothing", "unalias nothing",
    )  # fmt: skip
    assert "(ad) alias\npg = p %1.grad - %2.grad ;; p 3\n" in shown
    assert "(ad) p w1.grad - b.grad\n0\n(ad) p 3\n3\n" in shown
    assert "(ad) p 1 + 2\n3\n" in shown
    assert shown.count("*** there is no command") == 2
    assert shown.count("*** 'nothing' is no alias; there are all, loop") == 2


def test_counts_go_from_stop_to_stop():
    x = ad.Value(2.0, "x")
    loss = x * x + x * 3.0 + x
    shown = transcript(
        loss, "b x", "c 3", "rc 2", "c 99", "clear", "s 2", "rs 2", "goto backward 2", "goto forward 1", "goto backward 99"
    )
    where = re.findall(r"^(forward|backward) (\d+)/\d+", shown, re.M)
    stops = [p for p in range(1, len(steps(loss)) + 1) if steps(loss)[p - 1].changed is x]
    forward = steps(loss).forward
    positions = [int(number) + forward * (phase == "backward") for phase, number in where]
    end = len(steps(loss))
    assert positions == [0, stops[2], stops[0], end, end, end - 2, forward + 2, 1]
    assert "*** there is no position backward 99; there are 0 … 7" in shown


def test_going_back_says_when_there_is_nothing():
    x = ad.Value(2.0, "x")
    loss = x * 3.0
    shown = transcript(loss, "goto backward 1", "watch x", "rc", "clear", "rc", "rc")
    assert shown.count("nothing before this has changed x.grad: the change is the event one stands on\n(ad)") == 1
    assert shown.count("the start: nothing has happened yet\nnothing stops on the way back\n") == 1
    assert re.findall(r"^(?:forward|backward) \d", shown, re.M) == [
        "forward 0",
        "backward 1",
        "backward 1",
        "forward 0",
        "forward 0",
    ]


def test_lists_are_in_the_order_of_numbers():
    ws = [ad.Value(float(i), f"w.{i}") for i in (10, 2, 1)]
    shown = transcript(ad.sum(ws) + 1.0, "info values w*", "display w.1.grad")
    assert re.findall(r"^w\.(\d+)", shown, re.M) == ["1", "2", "10"]


def test_what_is_displayed_is_checked_and_kept_once(tmp_path):
    loss, _ = perceptron()
    file = tmp_path / "kept"
    shown = transcript(
        loss, "display nobody", "display w1.data", "display w1.data", "display 1 +", "b w1", "b w1", "b a", "commands", "p a",
        "end", "watch w1", f"save {file}", f"load {file}", f"save {file}",
    )  # fmt: skip
    assert "*** there is no Value 'nobody'" in shown
    assert "*** '1 +' is no expression" in shown
    assert file.read_text() == "break w1\nbreak a\ncommands .\np a\nend\nwatch w1.grad\ndisplay w1.data\n"


def test_commands_come_from_adrc_in_the_home_and_in_the_folder(program, tmp_path):
    home = tmp_path / "home"
    shown = program("q", files={"home/.adrc": "set digits 3\n", ".adrc": "# mine\ns\n"}, options=["-c", "p 1"], home=home)
    assert re.findall(r"^\(ad\) (.+)", shown, re.M) == ["set digits 3", "s", "p 1", "q"]
    shown = program("q", files={".adrc": "s\n"}, home=tmp_path)
    assert re.findall(r"^\(ad\) (.+)", shown, re.M) == ["s", "q"]


def test_a_module_is_run_as_python_runs_it(program):
    files = {"tools/__init__.py": "", "tools/fit.py": "import sys\nfrom . import data\nprint(__name__, sys.argv[1:], data.x)\n"
             "import autodiff as ad\nad.Value(1.0, 'w').backward()\n", "tools/data.py": "x = 5\n"}  # fmt: skip
    shown = program("p data.x", "c", "c", options=["-c", "s", "-m", "tools.fit", "-c", "z"], files=files)
    assert "__main__ ['-c', 'z'] 5\n" in shown
    assert said(shown, "p data.x") == ["5"]
    assert "No module named nobody" in program(options=["-m", "nobody"], status=1)


def test_commands_on_the_command_line_as_pdb_has_them(program):
    shown = program(options=["-c", "c", "--command", "c ;; detach"])
    assert shown.count("rate 0.5") == 3
    assert re.findall(r"^\(ad\) (.+)", shown, re.M) == ["c", "c", "detach"]


RAISES = """
import autodiff as ad
def inner(w):
    y = w * 3.0
    raise ValueError("no good")
def outer(depth):
    w = ad.Value(2.0, "w")
    inner(w)
"""


def test_after_an_exception_the_frames_are_looked_at(program):
    text = RAISES + "ad.Value(1.0, 'u').backward()\nouter(1)\n"
    shown = program(
        "c", "c", "w", "p w", "up", "p depth", "ll", "!depth = 5", "p depth", "up 9", "down", "down", "p y.data + 1", "c",
        text=text, status=1, COLUMNS="200",
    )  # fmt: skip
    assert "ValueError: no good\nthe frames are those of the exception" in shown
    assert re.search(r"  \S*train.py:10 in <module>\n  \S*train.py:8 in outer\n> \S*train.py:5 in inner\n", shown)
    assert said(shown, "p depth") == ["1", "5"]
    assert "   8 ->     inner(w)\n" in shown
    assert "*** this is the outermost frame\n" in shown
    assert "*** this is the frame that raised\n" in shown
    assert said(shown, "p y.data + 1") == ["7.0"]
    assert shown.endswith("ValueError: no good\n")


def test_pm_finds_the_last_loss_in_the_frames(program):
    text = RAISES + "try:\n    outer(1)\nexcept ValueError as error:\n    ad.pm(error)\nprint('on')\n"
    shown = program("rs", "why w", "up", "p depth", "q", text=text, command=())
    assert "backward 0/1" in shown or "forward 2/2" in shown
    assert "w.grad" in shown
    assert said(shown, "p depth") == ["1"]
    assert shown.endswith("on\n")


def test_pm_without_values_is_pythons_alone(program):
    text = "import autodiff as ad\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    ad.pm()\n"
    shown = program("s", "p 6 * 7", "b w", "info", text=text, command=())
    assert shown.count("*** nothing was recorded that could be stepped through") == 3
    assert said(shown, "p 6 * 7") == ["42"]
    with pytest.raises(ad.DebuggerError, match="no exception to look at"):
        ad.pm()


LOOP = """
import autodiff as ad
w = ad.Value(1.0, "w")
for i in range(4):
    if i == 1:
        breakpoint()
    (w * float(i)).backward()
    print("step", i)
"""


def test_breakpoint_stops_at_the_next_backward(program):
    shown = program("p i", "c", "c", "p i", "detach", text=LOOP, command=(), PYTHONBREAKPOINT="autodiff.debug")
    assert said(shown, "p i") == ["1", "2"]
    assert shown.index("step 0") < shown.index("backward() 1 at train.py:7") < shown.index("step 1")
    assert "train.py:7\n         (w * float(i)).backward()" in program(
        "goto 3", text=LOOP, command=(), status=1, PYTHONBREAKPOINT="autodiff.debug"
    )
    assert shown.count("step") == 4


def test_breakpoint_under_the_debugger_stops_once_and_again_after_detach(program):
    shown = program("detach", "p i", "detach", text=LOOP, PYTHONBREAKPOINT="autodiff.debug")
    assert shown.count("backward() ") == 2
    assert said(shown, "p i") == ["1"]
    assert shown.count("step") == 4


def test_quitting_at_a_breakpoint_ends_the_program(program):
    shown = program("!(w * w).backward()", "q", text=LOOP, command=(), status=1, PYTHONBREAKPOINT="autodiff.debug")
    assert shown.count("step") == 1
    assert shown.rstrip().endswith("bdb.BdbQuit")
    assert "During handling" not in shown


def test_a_terminal_asks_for_commands_and_python(tmp_path):
    pexpect = pytest.importorskip("pexpect")
    file = tmp_path / "train.py"
    file.write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb", "HOME": str(tmp_path), "PYTHONIOENCODING": "utf-8"}
    child = pexpect.spawn(sys.executable, ["-m", "autodiff", "debug", str(file)], env=environment, encoding="utf-8", timeout=60)
    try:
        child.expect_exact("(ad) ")
        child.sendline("interact")
        child.expect_exact(">>> ")
        child.sendline("rate * 100")
        child.expect_exact("50.0")
        child.expect_exact(">>> ")
        child.sendeof()
        child.expect_exact("(ad) ")
        child.sendline("b w")
        child.expect_exact("(ad) ")
        child.sendline("commands")
        child.expect_exact("(com) ")
        child.sendline("p epoch + 41")
        child.expect_exact("(com) ")
        child.sendline("end")
        child.expect_exact("(ad) ")
        child.sendline("c")
        child.expect_exact("41")
        child.expect_exact("(ad) ")
        child.sendline("q")
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)
