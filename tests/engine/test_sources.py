"""Where Values were made, and what they are called there."""

import _thread
import copy
import pickle
import sys
import threading
import time

import pytest

from autodiff import nn
from autodiff._implementation import implementation
from autodiff.drawing.model import graph_of
from autodiff.engine import decisions, functions, sources, value
from autodiff.engine.recording import record_source, scope, strict
from autodiff.engine.value import Value, topological_order
from autodiff.explain import blame, explain, expression
from autodiff.graph.names import Names


def names(loss):
    found = Names(topological_order(loss))
    return [found.of(node) for node in topological_order(loss)]


def line():
    return sys._getframe(1).f_lineno


# ---- where ------------------------------------------------------------------------------------------------------------------


def test_a_value_remembers_the_sub_expression_that_made_it():
    with record_source():
        x = Value(2.0)
        here = line() + 1
        y = functions.tanh(x * 3 + 1) - x / (2.0 - x.exp())
    assert (x.source.file, x.source.line, x.source.column, x.source.text) == (__file__, here - 2, 13, "Value(2.0)")
    texts = {node.op: node.source.text for node in topological_order(y) if node.op not in ("", "sub")}
    assert texts == {
        "mul": "x * 3",
        "add": "x * 3 + 1",
        "tanh": "functions.tanh(x * 3 + 1)",
        "exp": "x.exp()",
        "div": "x / (2.0 - x.exp())",
    }
    assert y.source.text == "functions.tanh(x * 3 + 1) - x / (2.0 - x.exp())"
    assert [node.source.line for node in topological_order(y)] == [here - 2, *[here] * 7]
    assert str(y.source) == f"{__file__}:{here}: {y.source.text}"


def test_an_expression_over_several_lines_is_one_text():
    with record_source():
        x = Value(2.0)
        y = (
            x
            * 3.0
        )  # fmt: skip
    assert y.source.text == "x * 3.0"
    assert y.source.line == x.source.line + 2


def test_columns_count_characters():
    with record_source():
        é, x = Value(1.0), Value(2.0); y = é * x  # noqa: E702  # fmt: skip
    assert y.source.text == "é * x"
    assert y.source.column == 1 + (8 + len("é, x = Value(1.0), Value(2.0); y = "))


def of_any_kind(x):
    yield x + 1, "x + 1"
    yield 1 - x, "1 - x"
    yield -x, "-x"
    yield x**2, "x**2"
    yield x % 2, "x % 2"
    yield abs(x), "abs(x)"
    yield x.tanh(), "x.tanh()"
    yield functions.erf(x), "functions.erf(x)"
    yield functions.sum([x, 1.0]), "functions.sum([x, 1.0])"
    yield functions.dot([x], [2.0]), "functions.dot([x], [2.0])"
    yield functions.mean([x, x]), "functions.mean([x, x])"
    yield sum([x, x]), "sum([x, x])"
    yield functions.elu(x), "functions.elu(x)"
    yield nn.mse(x, 0.0), "nn.mse(x, 0.0)"


def test_every_way_to_record_is_noted_at_the_users_line():
    with record_source():
        for made, text in of_any_kind(Value(0.5)):
            assert (made.source.file, made.source.text) == (__file__, text)


def test_a_module_s_values_are_made_at_the_line_that_calls_it():
    model = nn.MLP(2, [2, 1], seed=1)
    with record_source():
        a = model([1.0, 2.0])
    made = [node for node in topological_order(a) if node.op]
    assert {node.source.text for node in made} == {"model([1.0, 2.0])"}
    assert [name for name in names(a) if name and "." not in name] == ["a"]


@pytest.mark.parametrize("taken", [True, False])
def test_what_either_branch_of_a_conditional_makes_has_the_name_it_is_assigned_to(taken):
    with record_source():
        x = Value(2.0)
        z = x * 3 if taken else x / 3
        pair = (z + 1, z + 2) if taken else [z + 3, z + 4]
        a, b = (x + 1, x + 2) if taken else (x + 3, x + 4)
        chosen = x if taken is None else -x if taken else abs(x)
    found = Names([z, *pair, a, b, chosen])
    assert [found.of(node) for node in (z, *pair, a, b, chosen)] == ["z", "pair[0]", "pair[1]", "a", "b", "chosen"]


def test_without_the_block_nothing_is_noted():
    x = Value(1.0)
    with record_source():
        with record_source():
            y = x * 2
        z = y * 2
    after = z * 2
    assert [node.source is None for node in (x, y, z, after)] == [True, False, False, True]
    with pytest.raises(KeyError), record_source():
        raise KeyError
    assert (x * 2).source is None


def test_it_goes_with_names_scopes_and_strict():
    with record_source(), strict(), scope("layer"):
        x = Value(1.0, "called")
        y = x * 2
    assert (x.name, x.source.text) == ("called", 'Value(1.0, "called")')
    assert (y.scope, y.source.text) == ("layer", "x * 2")
    y.name = "why"
    assert (y.scope, y.source.text, y.name) == ("layer", "x * 2", "why")


def test_copies_and_pickles_know_it_too():
    with record_source():
        y = Value(2.0) * 3
    for other in (copy.copy(y), copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        assert (other.source.file, other.source.line, other.source.text) == (y.source.file, y.source.line, "Value(2.0) * 3")


def test_code_without_a_file_has_a_line_and_no_text():
    names_there = {"x": Value(2.0)}
    with record_source():
        exec("\ny = x * 2", names_there)
    assert (names_there["y"].source.file, names_there["y"].source.line, names_there["y"].source.text) == ("<string>", 2, "")
    assert names(names_there["y"]) == ["", ""]
    assert "<string>:2" in str(names_there["y"].source)


def test_many_instructions_do_not_confuse_the_table():
    """More of them than it has entries, twice over, and from code that is gone."""
    source = "\n".join(f"    y{i} = x * {i}.0" for i in range(3000))
    for _ in range(2):
        there = {"x": Value(2.0)}
        code = compile("if True:\n" + source, "generated", "exec")
        with record_source():
            exec(code, there)
        assert [there[f"y{i}"].source.line for i in range(3000)] == list(range(2, 3002))


@pytest.mark.skipif(implementation == "compiled", reason="compiled, the table has a fixed size")
def test_a_program_that_compiles_code_without_end_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(value, "noted", dict.fromkeys(range(100_000)))
    with record_source():
        y = Value(1.0) + 2.0
    assert len(value.noted) < 10
    assert y.source.text == "Value(1.0) + 2.0"


def test_what_no_code_of_the_users_made_is_made_nowhere():
    neuron = nn.Neuron.__new__(nn.Neuron)
    with record_source():
        _thread.start_new_thread(nn.Neuron.__init__, (neuron, 2))
        for _ in range(10_000):
            if hasattr(neuron, "w") and hasattr(neuron, "b"):
                break
            time.sleep(0.001)
    assert [parameter.source for parameter in neuron.parameters()] == [None] * 3


def test_what_a_thread_makes_without_a_frame_is_made_nowhere():
    made = []
    with record_source():
        _thread.start_new_thread(made.extend, (map(Value, [1.0, 2.0]),))
        for _ in range(10_000):
            if len(made) == 2:
                break
            time.sleep(0.001)
    assert [(x.data, x.source) for x in made] == [(1.0, None), (2.0, None)]


def test_a_source_prints_as_a_call():
    with record_source():
        y = Value(1.0) + 2.0
    assert repr(y.source) == f"Source({__file__!r}, line={y.source.line}, column=13, text='Value(1.0) + 2.0')"


def test_a_file_that_is_no_longer_python_names_nothing(tmp_path):
    file = tmp_path / "changed.py"
    file.write_text("y = x * 2\n")
    there = {"x": Value(1.0)}
    with record_source():
        exec(compile(file.read_text(), str(file), "exec"), there)
    file.write_text("y = = 2\n")
    assert sources.assigned(there["y"].source) is None


def test_threads_note_their_own_lines():
    found = {}

    def work(key, make):
        found[key] = {make(Value(1.0)).source.text for _ in range(300)}

    with record_source():
        makers = {"a": lambda x: x + 1.0, "b": lambda x: x * 2.0}
        threads = [threading.Thread(target=work, args=pair) for pair in makers.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {"a": {"x + 1.0"}, "b": {"x * 2.0"}}


def test_nothing_is_kept_but_the_code_and_the_offset(without_collector):
    """Values made inside are released as any others."""
    import weakref

    with record_source():
        x = Value(1.0)
        y = x * 2
    gone = weakref.ref(x), weakref.ref(y)
    del x, y
    assert [reference() for reference in gone] == [None, None]


# ---- names ------------------------------------------------------------------------------------------------------------------


def test_names_come_from_assignments():
    with record_source():
        w, x = Value(2.0), Value(3.0)
        b: Value = Value(1.0)
        z = w * x + b
        a = functions.sigmoid(z)
        loss = (1.0 - a) ** 2
        loss += z
    assert names(loss) == ["w", "x", "b", "", "z", "a", "", "loss₁", "loss₂"]
    boxes = {box.name: box.operation for box in graph_of(a).boxes}
    assert boxes == {"w": "", "x": "", "b": "", "v3": "w · x", "z": "w · x + b", "a": "σ(z)"}
    assert str(explain(a, w)).startswith("da/dw = da/dz · dz/dw = ")
    assert expression(a) == "a = σ(w · x + b)"


def test_a_name_given_by_hand_wins():
    with record_source():
        z = Value(1.0, "mine")
    assert names(z) == ["mine"]


def test_loops_comprehensions_and_indices():
    with record_source():
        ws = [Value(float(i)) for i in range(3)]
        pair = [Value(1.0), Value(2.0)]
        h = {}
        for i in range(2):
            h[i] = ws[i] * pair[i]
        v = h[0]
        for _ in range(3):
            v = v * h[1]
        if (n := v + 1) and True:
            pass
    assert names(n) == ["ws[…]", "pair[0]", "ws[…]", "pair[1]", "h[i]", "h[i]", "v₁", "v₂", "v₃", "n"]


def test_of_a_call_only_the_last_value_has_the_name():
    with record_source():
        x, y = Value(1.0), Value(2.0)
        m = functions.mean([x, y])
        t = functions.tanh(m)
        for _ in range(2):
            t = functions.tanh(t)
        s = sum([x, y, t])
    assert sorted(names(s)) == sorted(["x", "y", "", "m", "t₁", "t₂", "t₃", "", "", "s"])
    assert names(s)[-1] == "s"
    assert names(m)[-2:] == ["", "m"]


def test_blame_tells_the_line():
    with record_source():
        x = Value(0.0)
        here = line() + 1
        y = functions.log(x) * 2
    assert str(blame(y)).endswith(f", at {__file__}:{here}: functions.log(x)")
    assert str(blame(y, gradients=True)).endswith(f", at {__file__}:{here}: functions.log(x)")
    assert f"{__file__}:{here}: functions.log(x)" in graph_of(y).boxes[1].tooltip


def test_noting_is_off_again():
    assert (Value(1.0) * 2).source is None
    value.set_noting(False)


def test_a_cell_that_was_run_without_its_indentation_has_the_text_of_its_file(tmp_path):
    """marimo keeps each cell as a function in the notebook's file, and runs what is inside of it."""
    file = tmp_path / "notebook.py"
    file.write_text("@app.cell\ndef _(w):\n    i = 2.0\n    total = i * w\n    return (total,)\n")
    names = {"w": Value(3.0)}
    with record_source():
        exec(compile("\n\ni = 2.0\ntotal = i * w\n", str(file), "exec"), names)
    assert names["total"].source.text == "i * w"
    assert (names["total"].source.line, names["total"].source.column) == (4, 13)
    assert Names([names["total"]]).of(names["total"]) == "total"


# ---- branches ---------------------------------------------------------------------------------------------------------------

BRANCHES = """\
y = a if x > 0 else b
y = x if x > 0 else b
y = b if x > 0 else x
y = -x if not (x > 0 or b > 9) else x
y = a if a > 0 and x > 0 else x
for i in range(1):
    y = a
    if x > 0:
        y = b
    else:
        y = x
if x > 0:
    y = x * 2
else:
    y = b
if x > 0:
    pass
def f(x):
    return a if x > 0 else x
f(x)
x > 0
assert x > 0
y = max(a, b) if b > 100 else [a if x > 0 else b]
"""


def test_where_a_branch_begins_that_gives_what_was_not_compared(tmp_path):
    file = tmp_path / "branches.py"
    file.write_text(BRANCHES)
    x, a, b = Value(1.0, "x"), Value(2.0, "a"), Value(3.0, "b")
    with record_source():
        exec(compile(BRANCHES, str(file), "exec"), {"x": x, "a": a, "b": b})
    noted = [d for d in decisions.decisions_about([x]) if d.source.text == "x > 0"]
    found = {d.source.line: sources.branch_begins(d.source, d.outcome) for d in noted}
    assert found == {1: 1, 2: None, 3: 3, 4: None, 5: 5, 8: 6, 12: None, 16: 16, 19: 19, 21: None, 22: None, 23: 23}
    other = {d.source.line: sources.branch_begins(d.source, not d.outcome) for d in noted}
    assert (other[2], other[3], other[8], other[12]) == (2, None, None, 12)
    file.unlink()
    sources.linecache.clearcache()
    assert sources.branch_begins(noted[0].source, True) is None
