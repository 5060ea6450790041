"""The debug adapter in a process of its own, spoken to by a client that checks every message against the official schema."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import textwrap

import pytest
from dap_client import ROOT, connected, environment, schema_file, stdio

SCRIPT = """\
import sys
import autodiff as ad

def step(epoch, rate):
    w, x = ad.Value(-0.2 + epoch, "w"), ad.Value(2.0, "x")
    b = ad.Value(0.1, "b")
    äß = w * x + b; loss = ad.tanh(äß) * w
    loss.backward()
    print("epoch", epoch, w.grad, sys.argv[1:])

for epoch in range(3):
    step(epoch, 0.5)
"""
W = [-0.2, 0.8, 1.8]


def slope(w):
    """The gradient of tanh(2w + 0.1) · w by w."""
    t = math.tanh(2 * w + 0.1)
    return t + w * (1 - t * t) * 2


@pytest.fixture
def write(tmp_path):
    def write(text=SCRIPT, name="train.py"):
        file = tmp_path / name
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return file

    return write


@pytest.fixture
def client():
    made, process = stdio()
    yield made
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()
    assert made.faults == []


def test_the_official_schema_is_there_and_finds_what_is_wrong():
    if schema_file() is None:
        pytest.skip("debugpy, which carries the schema, is not installed")
    from dap_client import faults

    event = {"seq": 1, "type": "event", "event": "stopped", "body": {"reason": "step"}}
    assert faults(event) == []
    assert "reason" in faults({**event, "body": {}})[0]
    assert "'resaon'" in faults({**event, "body": {"reason": "step", "resaon": 1}})[0]
    assert faults({**event, "event": "stoped"}) == ["there is no StopedEvent"]
    row = {"name": "w", "value": 1.0, "variablesReference": 0}
    response = {"seq": 1, "type": "response", "request_seq": 1, "command": "variables", "success": True}
    assert "1.0 is not of type 'string'" in faults({**response, "body": {"variables": [row]}})[0]


def test_a_session_from_launch_to_the_end(client, write):
    file = write()
    capabilities, answers = client.begin(file, breakpoints=[{"line": 7}, {"line": 99}], args=["one", "2"])
    assert capabilities["supportsStepBack"]
    assert capabilities["supportsDataBreakpoints"]
    assert [stop["verified"] for stop in answers["lines"]] == [False, False]
    stopped = client.wait("stopped")
    assert (stopped["reason"], stopped["threadId"]) == ("entry", 1)
    changed = [m["body"]["breakpoint"] for m in client.messages if m.get("event") == "breakpoint"]
    assert changed == [{"id": answers["lines"][0]["id"], "verified": True}]
    frames = client.stack()
    assert [(frame["name"], frame["line"]) for frame in frames] == [("step", 8), ("<module>", 12)]
    assert frames[0]["source"] == {"name": "train.py", "path": str(file)}
    assert (frames[0]["column"], frames[0]["endColumn"]) == (5, 20)
    assert client.variables("Locals")["rate"]["value"] == "0.5"
    assert client.request("threads")["threads"][0]["name"].startswith("backward() 1 at train.py:8")

    stopped = client.move("continue")
    assert (stopped["reason"], stopped["hitBreakpointIds"]) == ("breakpoint", [answers["lines"][0]["id"]])
    way = client.stack()
    assert [frame["name"].partition(" = ")[0] for frame in way][-4:] == ["äß", "loss", "step", "<module>"][-4:] or len(way) >= 5
    line = SCRIPT.splitlines()[6]
    assert line[way[0]["column"] - 1 : way[0]["endColumn"] - 1] == "w * x"
    assert line[way[1]["column"] - 1 : way[1]["endColumn"] - 1] == "w * x + b"

    for motion, there in (("stepIn", 5), ("stepBack", 4), ("next", 5)):
        client.move(motion)
        edge = client.variables("This edge")
        assert edge["value"]["value"].startswith("v3 = w · x" if there == 4 else "äß = "), (motion, edge)
    client.request("setBreakpoints", source={"path": str(file)}, breakpoints=[])
    client.request("continue", threadId=1)
    client.wait("terminated")
    assert client.end() == 0
    printed = re.findall(r"epoch (\d) (\S+) \['one', '2'\]", client.output("stdout"))
    assert [float(grad) for _, grad in printed] == pytest.approx([slope(w) for w in W])


def test_steps_and_continue_cross_passes_in_both_directions(client, write):
    client.begin(write(), data=[{"dataId": "w.grad"}], functions=[{"name": "backward", "hitCondition": "2"}])
    client.wait("stopped")
    seen = []
    for command in ["continue"] * 5 + ["reverseContinue"] * 6:
        stopped = client.move(command)
        gradient = client.request("evaluate", expression="w.grad")["result"]
        which = client.request("threads")["threads"][0]["name"][11]
        seen.append((command[0], stopped["reason"], which, round(float(gradient), 6)))
    first = [round(math.tanh(2 * w + 0.1), 6) for w in W]
    total = [round(slope(w), 6) for w in W]
    watch = "data breakpoint"
    assert seen[:5] == [
        ("c", watch, "1", first[0]), ("c", watch, "1", total[0]), ("c", "function breakpoint", "2", 0.0),
        ("c", watch, "2", first[1]), ("c", watch, "2", total[1]),
    ]  # fmt: skip
    assert seen[5:8] == [("r", watch, "2", first[1]), ("r", watch, "1", total[0]), ("r", watch, "1", first[0])]
    assert seen[8:] == [seen[7]] * 3  # nothing before it has changed w.grad
    assert "Nothing before this has changed w.grad" in stopped["description"]
    assert client.stack()[-1]["name"].startswith("backward() 1 at train.py:8")
    client.move("stepBack")
    assert client.end() == 0


def test_steps_go_over_the_ends_of_a_pass(client, write):
    def standing():
        found = [f"{m['body']['description']}" for m in client.messages if "description" in m.get("body", {})]
        return client.request("threads")["threads"][0]["name"][11], found[-1] if found else ""

    client.begin(write())
    client.wait("stopped")
    assert client.move("stepBack")["description"].startswith("The start of backward() 1")
    while standing()[0] == "1":
        client.move("stepOut")
    assert standing()[0] == "2"
    client.move("stepBack")
    assert standing()[0] == "1"
    assert client.request("evaluate", expression="w")["result"].startswith("data −0.2, grad ")
    assert client.move("stepIn")["description"].startswith("The start of backward() 2")
    assert client.end() == 0


def test_objects_of_the_program_are_looked_into(client, write):
    client.begin(write(OBJECTS))
    client.wait("stopped")

    def inside(name):
        reference = client.variables("Locals", client.stack()[-1]["id"])[name]["variablesReference"]
        if not reference:
            return None
        return {row["name"]: row["value"] for row in client.request("variables", variablesReference=reference)["variables"]}

    rows = client.variables("Locals", client.stack()[-1]["id"])
    assert rows["odd"]["value"].startswith("<Odd instance at ")
    assert rows["named"]["value"] in ("<mine>", "<array; its repr raises AttributeError>")  # reprlib goes by names up to 3.11
    assert inside("table") == {"['a']": "1", "[2]": "[3]"}
    assert inside("odd") == {"rate": "0.5"}
    assert inside("nothing") is None
    assert client.request("evaluate", expression="odd.rate", frameId=client.stack()[-1]["id"])["result"] == "0.5"
    assert client.end() == 0


OBJECTS = """
import autodiff as ad
class Odd:
    def __init__(self):
        self.rate = 0.5
    def __repr__(self):
        return 1 / 0
class array:
    def __repr__(self):
        return "<mine>"
odd, named, table, nothing = Odd(), array(), {"a": 1, 2: [3]}, []
ad.Value(1.0, "w").backward()
"""


def test_conditions_hit_counts_and_log_points(client, write):
    file = write()
    _, answers = client.begin(
        file,
        breakpoints=[
            {"line": 7, "logMessage": "{data} of {w.data * 2}, {epoch}, {nothing} at {1 +}"},
            {"line": 6, "condition": "data >"},
            {"line": 6, "hitCondition": "soon"},
        ],
        functions=[
            {"name": "op:tanh", "condition": "data > 0.5", "hitCondition": ">= 2"},
            {"name": "op:sin"},
            {"name": "nobody"},
        ],
        stopOnEntry=False,
    )
    assert [stop["verified"] for stop in answers["lines"]] == [False] * 3
    assert "is no expression" in answers["lines"][1]["message"]
    assert "there is no 'soon'" in answers["lines"][2]["message"]
    assert [stop["verified"] for stop in answers["functions"]] == [False] * 3
    stopped = client.wait("stopped")
    assert (stopped["reason"], stopped["hitBreakpointIds"]) == ("function breakpoint", [answers["functions"][0]["id"]])
    assert client.request("evaluate", expression="epoch", frameId=1) == {
        "result": "1", "type": "int", "variablesReference": 0
    }  # fmt: skip
    logged = [line for line in client.output("console").splitlines() if " of " in line]
    assert logged[0].startswith("-0.4 of -0.4, 0, {there is no Value 'nothing'")
    sources = [m["body"] for m in client.messages if m.get("event") == "output" and m["body"]["category"] == "console"]
    assert {body["line"] for body in sources} == {7}
    assert client.end() == 0


def test_what_is_caught_and_what_is_told_about_it(client, write):
    file = write(
        """
        import autodiff as ad
        w = ad.Value(-1.0, "w")
        inner = ad.log(w)
        (inner * 2.0 + w).backward()
        big = ad.Value(1e200, "big")
        (big * big * 1e-300 * big).backward()
        tiny = ad.Value(1e-5, "tiny")
        (tiny * 1e-4 * 1e-4).backward()
        """
    )
    _, answers = client.begin(
        file, filters=["nan", "inf"], options=[
            {"filterId": "vanishing", "condition": "1e-7"}, {"filterId": "exploding", "condition": "much"},
            {"filterId": "raised"}, {"filterId": "odd"},
        ], stopOnEntry=False,
    )  # fmt: skip
    made = answers["exceptions"]["breakpoints"]
    assert [stop["verified"] for stop in made] == [True, True, True, False, True, False]
    assert made[3]["message"] == "the limit of exploding is a number, not 'much'"
    stopped = client.wait("stopped")
    assert stopped["reason"] == "exception"
    assert stopped["text"] == "inner = log(w) = log(−1) = nan"
    frame = client.stack()[0]
    assert (frame["line"], frame["column"], frame["endColumn"]) == (4, 9, 18)
    told = client.request("exceptionInfo", threadId=1)
    assert (told["exceptionId"], told["breakMode"]) == ("nan", "always")
    assert "inner = log(w)" in told["description"]
    assert "there is no" not in client.request("evaluate", expression="inner.data")["result"]
    ids = [client.request("exceptionInfo", threadId=1)["exceptionId"] for _ in iter(lambda: _next(client), None)]
    assert set(ids) >= {"inf", "vanishing 1e-07"}
    assert client.end() == 0


def _next(client):
    """Continue; where the next stop is, or None at the end of the program."""
    client.request("continue", threadId=1)
    while (message := client.events.get(timeout=60))["event"] not in ("stopped", "terminated"):
        pass
    return message.get("body") if message["event"] == "stopped" else None


def test_a_name_is_this_moment_and_anything_else_is_the_programs(client, write):
    client.begin(write())
    client.wait("stopped")

    def value(text, **more):
        return client.request("evaluate", expression=text, **more)["result"]

    assert value("w") == "data not computed yet, grad not known yet"
    assert value("[epoch, rate]") == "[0, 0.5]"
    assert value("len(sys.argv) + epoch") == "1"
    assert "not been computed yet" in client.refused("evaluate", expression="w.data * rate")
    client.move("stepIn")
    assert value("w.data * rate") == "-0.1"
    assert value("w", context="hover") == value("[w][0]") == "data −0.2, grad not known yet"
    inside = client.request("variables", variablesReference=client.request("evaluate", expression="w")["variablesReference"])
    assert [row["name"] for row in inside["variables"]] == ["data", "grad"]
    assert value("epoch = 40", context="repl") == ""
    assert value("epoch + 2", context="repl") == "42"
    assert value("!print('seen')", context="repl") == ""
    assert "seen\n" in client.output("stdout")
    assert "there is no Value 'nobody'" in client.refused("evaluate", expression="nobody")
    assert client.refused("evaluate", expression="1 / (epoch - 40)").startswith("ZeroDivisionError")
    assert client.refused("evaluate", expression="(").startswith("SyntaxError")
    assert client.refused("evaluate", expression="exit()").startswith("SystemExit")
    assert "evaluate" in client.refused("evaluate", well_formed=False)
    assert "an expression, a string" in client.refused("evaluate", well_formed=False, expression=3)
    assert "not about what is caught" in client.refused("exceptionInfo", threadId=1)
    assert "launched already" in client.refused("launch", program="train.py")
    assert client.request("loadedSources") == {"sources": []}
    assert "no frame 99" in client.refused("evaluate", expression="w", frameId=99)
    assert client.request("completions", text="1 + w", column=6)["targets"] == [{"label": "w", "length": 1, "start": 4}]
    client.request("continue", threadId=1)
    client.wait("terminated")
    assert client.end() == 0
    assert client.output("stdout").count("epoch 40 ") == 1  # what was assigned is the program's own


def test_data_breakpoints_are_offered_for_gradients_and_numbers(client, write):
    client.begin(write())
    client.wait("stopped")
    client.move("next")
    row = client.request("dataBreakpointInfo", name="w", variablesReference=client.scope("Gradients")["variablesReference"])
    assert (row["dataId"], row["accessTypes"]) == ("w.grad", ["write"])
    row = client.request("dataBreakpointInfo", name="w", variablesReference=client.scope("Data")["variablesReference"])
    assert row["dataId"] == "w.data"
    assert client.request("dataBreakpointInfo", name="loss.grad")["dataId"] == "loss.grad"
    assert client.request("dataBreakpointInfo", name="epoch")["dataId"] is None
    set_now = client.request("setDataBreakpoints", breakpoints=[{"dataId": "w.grad", "condition": "abs(grad) > 0.31"}])
    assert set_now["breakpoints"][0]["verified"]
    assert client.move("continue")["reason"] == "data breakpoint"
    assert client.variables("This edge")["contribution"]["value"].startswith(("-0.3", "-0.29"))
    targets = client.request("gotoTargets", source={"path": client.stack()[0]["source"]["path"]}, line=6)["targets"]
    assert [target["label"] for target in targets] == ["forward 5/7: b"] or targets
    client.request("goto", threadId=1, targetId=targets[0]["id"])
    assert client.wait("stopped")["reason"] == "goto"
    assert "no position" in client.refused("goto", threadId=1, targetId=10**9)
    assert client.end() == 0


def test_many_variables_come_in_pages(client, write):
    file = write(
        """
        import autodiff as ad
        from autodiff import nn
        model = nn.MLP(2, [30, 30, 1], activation="tanh", seed=1)
        nn.mse([model([0.1 * i, 0.2]) for i in range(20)], [0.0] * 20).backward()
        """
    )
    client.begin(file)
    client.wait("stopped")
    client.move("stepIn")
    scope = client.scope("Data")
    total, reference = scope["indexedVariables"], scope["variablesReference"]
    assert total > 1000
    page = client.request("variables", variablesReference=reference, start=total - 5, count=10, filter="indexed")["variables"]
    assert len(page) == 5
    assert client.request("variables", variablesReference=reference, filter="named")["variables"] == []
    ranges = client.request("variables", variablesReference=reference)["variables"]
    assert ranges[0]["name"] == "[0 … 999]"
    within = client.request("variables", variablesReference=ranges[-1]["variablesReference"])["variables"]
    assert within[-1] == page[-1]
    modules = client.variables("Parameters")
    assert modules["layers.0"]["value"] == "90 parameters"
    neurons = client.request("variables", variablesReference=modules["layers.1"]["variablesReference"])["variables"]
    assert [row["name"] for row in neurons] == [f"neurons.{i}" for i in range(30)]
    weights = client.request("variables", variablesReference=neurons[3]["variablesReference"])["variables"]
    assert [row["name"] for row in weights][:2] == ["w.0", "w.1"]
    assert weights[0]["evaluateName"] == "layers.1.neurons.3.w.0"
    watched = client.request("dataBreakpointInfo", name="w.0", variablesReference=neurons[3]["variablesReference"])
    assert watched["dataId"] == "layers.1.neurons.3.w.0.grad"
    client.move("stepIn")
    assert "behind variablesReference" in client.refused("variables", variablesReference=reference)
    assert client.end() == 0


def test_an_exception_stops_where_it_was_raised(client, write):
    file = write(
        """
        import autodiff as ad
        def f(depth):
            if not depth:
                raise KeyError("mine")
            f(depth - 1)
        ad.Value(1.0).backward()
        f(2)
        """
    )
    client.begin(file, filters=["raised"])
    client.wait("stopped")
    stopped = client.move("continue")
    assert (stopped["reason"], stopped["text"]) == ("exception", "KeyError: 'mine'")
    frames = client.stack()
    assert [(frame["name"], frame["line"]) for frame in frames] == [("f", 5), ("f", 6), ("f", 6), ("<module>", 8)]
    assert client.variables("Locals", frames[1]["id"])["depth"]["value"] == "1"
    assert client.request("evaluate", expression="depth", frameId=frames[2]["id"])["result"] == "2"
    assert client.request("evaluate", expression="depth")["result"] == "0"
    assert client.request("exceptionInfo", threadId=1)["exceptionId"] == "KeyError"
    client.request("continue", threadId=1)
    client.wait("terminated")
    assert client.end() == 1
    assert client.output("stderr").endswith("KeyError: 'mine'\n")
    assert "autodiff/" not in client.output("stderr").replace(str(ROOT), "")


def test_the_protocol_is_not_the_programs(client, write, tmp_path):
    """Input, prints, children, a closed stream and another folder and environment."""
    file = write(
        """
        import os, subprocess, sys
        try:
            input("name? ")
        except EOFError:
            print("nothing to read")
        os.write(1, b"Content-Length: 3\\r\\n\\r\\n{}\\n")
        subprocess.run([sys.executable, "-c", "print('child')"])
        print("complaint ∂", file=sys.stderr)
        print(os.getcwd(), os.environ["COLOUR"], "GONE" in os.environ, __name__)
        sys.stdout.close()
        sys.exit(3)
        """
    )
    folder = tmp_path / "folder"
    folder.mkdir()
    client.begin(file, cwd=str(folder), env={"COLOUR": "red", "GONE": None})
    client.wait("terminated")
    assert client.end() == 3
    assert client.output("stdout") == (
        f"name? nothing to read\nContent-Length: 3\r\n\r\n{{}}\nchild\n{folder} red False __main__\n"
    )
    assert client.output("stderr") == "complaint ∂\n"


def test_what_cannot_be_launched_is_said(client, write):
    client.request("initialize", adapterID="autodiff")
    assert "there is no script" in client.refused("launch", program="missing.py")
    assert "launch needs a program" in client.refused("launch")
    assert "args in launch is a list" in client.refused("launch", program=str(write()), args="one")
    assert "there is no folder" in client.refused("launch", program=str(write()), cwd="/no/such/folder")
    assert "attached" in client.refused("attach")
    assert client.end() is None


def test_a_script_without_backward_and_one_that_is_no_python(client, write):
    client.begin(write("print('hello')\n"))
    client.wait("terminated")
    assert client.end() == 0
    assert "ended without calling backward()" in client.output("stderr")
    other, process = stdio()
    other.begin(write("x = (1\n"), filters=["raised"])
    other.wait("terminated")
    assert other.end() == 1
    assert "SyntaxError: '(' was never closed" in other.output("stderr")
    process.stdout.close()
    assert other.faults == []


def test_frames_that_are_none_are_passed_over(client, write):
    for body in (b"{", b"[1, 2]", b"7", b"\xff\xfe", b"{}", b'{"type": "request", "seq": 1}', b'{"type": "event", "seq": 1}'):
        client.raw(body)
    client.writer.write(b"Content-Length: soon\r\n\r\nContent-Type: x\r\n\r\nnoise\r\n\r\n")
    client.raw(json.dumps({"type": "request", "seq": 100, "command": "threads", "arguments": [1]}).encode())
    assert client.answer(100)["message"] == "the arguments of threads are an object, not list"
    assert client.refused("jump") == "'jump' is not supported"
    assert client.refused("setBreakpoints", well_formed=False, breakpoints=[{"line": 1}]).startswith(
        "setBreakpoints was not understood"
    )
    assert "is running" in client.refused("stackTrace", threadId=1)
    assert "is running" in client.refused("next", threadId=1)
    assert "is running" in client.refused("scopes", frameId=1)
    assert "is running" in client.refused("evaluate", expression="w")
    assert "is running" in client.refused("completions", text="w", column=1)
    assert len([line for line in client.output("console").splitlines() if line.startswith("autodiff: ")]) >= 9
    client.begin(write())
    client.wait("stopped")
    assert client.end() == 0


@pytest.mark.parametrize("how", ["terminate", "disconnect", "gone", "detach"])
@pytest.mark.parametrize("where", ["stopped", "running"])
def test_leaving_ends_the_program_or_lets_it_go_on(client, write, tmp_path, how, where):
    note = tmp_path / "note"
    file = write(
        f"""
        import time, autodiff as ad
        try:
            print("begun")
            if {where == "stopped"}:
                ad.Value(2.0).backward()
            else:
                time.sleep({1 if how == "detach" else 60})
            open({str(note)!r}, "w").write("went on")
        finally:
            print("cleared up")
        """
    )
    client.begin(file)
    if where == "stopped":
        client.wait("stopped")
    else:
        while "begun" not in client.output("stdout"):
            client.wait("output")
    if how == "terminate":
        client.request("terminate")
        client.wait("terminated")
        assert "cleared up" in client.output("stdout")
        client.end()
    elif how == "gone":
        client.close()
    else:
        client.request("disconnect", terminateDebuggee=how == "disconnect")
        client.close()
    assert note.exists() == (how == "detach")


def test_backward_in_threads_and_forks_does_not_stop(client, write):
    file = write(
        """
        import os, threading, autodiff as ad
        def work():
            (ad.Value(1.0, "t") * 2.0).backward()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        if hasattr(os, "fork"):
            child = os.fork()
            if not child:
                work()
                os._exit(0)
            os.waitpid(child, 0)
        ad.Value(3.0, "m").backward()
        """
    )
    client.begin(file)
    client.wait("stopped")
    assert client.stack()[0]["line"] == 14
    assert client.end() == 0


def test_pause_stops_at_the_next_backward(client, write):
    file = write(
        """
        import time, autodiff as ad
        print("begun")
        while True:
            time.sleep(0.01)
            ad.Value(3.0, "m").backward()
        """
    )
    client.begin(file, stopOnEntry=False)
    while "begun" not in client.output("stdout"):
        client.wait("output")
    client.request("pause", threadId=1)
    assert client.wait("stopped")["reason"] == "pause"
    assert client.end() == 0


def test_breakpoint_in_the_program_stops_at_the_next_backward(client, write):
    file = write(
        """
        import autodiff as ad
        for i in range(3):
            if i == 1:
                breakpoint()
            ad.Value(3.0, "m").backward()
        """
    )
    client.begin(file, stopOnEntry=False)
    assert client.wait("stopped")["reason"] == "pause"
    assert client.request("evaluate", expression="i")["result"] == "1"
    assert client.end() == 0


def test_without_debugging_a_module_just_runs(client, tmp_path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "tool.py").write_text(
        "import sys, autodiff as ad\nad.Value(1.0).backward()\nprint(__name__, __package__, sys.argv[1:])\n"
    )
    client.request("initialize", adapterID="autodiff")
    client.request("launch", module="package.tool", cwd=str(tmp_path), args=["x"], noDebug=True)
    client.request("configurationDone")
    client.wait("terminated")
    assert client.end() == 0
    assert client.output("stdout") == "__main__ package ['x']\n"


def test_each_connection_to_a_port_is_a_session_of_its_own(write):
    command = [sys.executable, "-m", "autodiff", "dap", "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(), text=True)
    try:
        port = int(re.search(r"port (\d+)", server.stdout.readline())[1])
        first, second = connected(port), connected(port)
        for client in (first, second):
            client.begin(write(), args=["x"])
            client.wait("stopped")
        first.move("stepIn")
        assert first.stack()[0]["line"] == 5
        assert second.stack()[0]["line"] == 8
        for client in (first, second):
            client.request("continue", threadId=1)
            client.wait("terminated")
            assert client.output("stdout").count("epoch") == 3
            assert client.end() == 0
            assert client.faults == []
        server.send_signal(signal.SIGINT)
        assert server.wait(60) == 0
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


@pytest.mark.parametrize("starts_at_one", [True, False])
def test_lines_and_columns_are_counted_as_the_client_counts(client, write, starts_at_one):
    client.request("initialize", adapterID="x", linesStartAt1=starts_at_one, columnsStartAt1=starts_at_one)
    file = write('import autodiff as ad\nx = ad.Value(1.0)\n"😀"; y = ad.exp(x)\ny.backward()\n')
    client.send("launch", program=str(file))
    off = 1 - starts_at_one
    client.request("setBreakpoints", source={"path": os.path.relpath(file)}, breakpoints=[{"line": 3 - off}])
    client.request("configurationDone")
    client.wait("stopped")
    client.move("continue")
    frame = client.stack()[0]
    where = {key: frame[key] for key in ("line", "endLine", "column", "endColumn")}
    assert where == {
        "line": 3 - off,
        "endLine": 3 - off,
        "column": 11 - off,
        "endColumn": 20 - off,
    }  # 😀 is two units of UTF-16
    assert client.end() == 0
