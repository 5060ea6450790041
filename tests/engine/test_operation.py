"""Rows of one's own: an operation made by ``ad.operation`` works in every view, and one that cannot is refused."""

import copy
import ctypes
import gc
import importlib
import inspect
import itertools
import math
import pickle
import pydoc
import subprocess
import sys
import threading
from types import FunctionType

import numpy as np
import pytest

import autodiff as ad
from autodiff import nn
from autodiff.engine import rules
from autodiff.engine.operations import _made

inf, nan = math.inf, math.nan
numbers = itertools.count()


def ln_cosh_of(x):
    return abs(x) + math.log1p(math.exp(-2 * abs(x))) - math.log(2)


@pytest.fixture(scope="module", autouse=True)
def operations():
    """The operations of this file, in the table while its tests run and no longer: other tests go through the table."""
    global ln_cosh, powered, fused, squares, grows, ramp
    before = set(rules.TABLE)
    ln_cosh = ad.operation("ln_cosh", ln_cosh_of, lambda x, out: (ad.tanh(x),), "log cosh({0})", doc="log of the cosine")
    powered = ad.operation("powered", lambda base, k=3.0: base**k, lambda b, k, out: (k * b ** (k - 1), out * ad.log(b)))
    fused = ad.operation("fused", lambda a, b, c: a * b + c, lambda a, b, c, out: (b, a, 1))
    squares = ad.operation("squares", lambda *xs: sum(x * x for x in xs), lambda *xs: [2 * x for x in xs[:-1]], "Σ({*})²")
    grows = ad.operation("grows", lambda x: ad.exp(x), lambda x, out: (grows(x),))
    ramp = ad.operation("ramp", lambda x: max(x, 0.0) ** 2, lambda x, out: (ad.where(x > 0, 2 * x, 0.0),))
    yield
    remove(set(rules.TABLE) - before)


def remove(names):
    methods = gc.get_referents(vars(ad.Value))[0]  # a compiled class gives none up otherwise
    for name in names:
        del rules.TABLE[name], _made[name]
        methods.pop(name, None)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(ad.Value))


@pytest.fixture
def unused():
    """A name for an operation, which the test leaves behind in no table."""
    before = set(rules.TABLE)
    yield f"of_test_{next(numbers)}"  # another one each time: compiled, the class Value keeps its method
    remove(set(rules.TABLE) - before)


def everything(x, y):
    return ln_cosh(x * y) + powered(x) + powered(y, k=2.0) * fused(x, y, 2.0) + squares(x, y, 1.0) + grows(x) * ramp(y)


def by_hand(x, y):
    squared = x * x + y * y + 1.0
    return ad.log(ad.cosh(x * y)) + x**3 + y**2 * (x * y + 2.0) + squared + ad.exp(x) * ad.relu(y) ** 2


POINT = (0.7, 1.3)


# ---- as any row --------------------------------------------------------------------------------------------------------------


def test_numbers_give_floats_and_values_values():
    assert type(ln_cosh(2)) is float
    assert type(ln_cosh(np.float32(2))) is float
    assert isinstance(ln_cosh(ad.Value(2)), ad.Value)
    assert ln_cosh(ad.Value(2)).data == ln_cosh(2) == pytest.approx(math.log(math.cosh(2)))
    assert squares([1.0, 2.0]) == squares(1.0, 2.0) == 5.0


@pytest.mark.parametrize("argnums", [0, 1])
def test_derivatives_of_orders_one_two_and_three(argnums):
    f, g = everything, by_hand
    for _ in range(3):
        f, g = ad.grad(f, argnums), ad.grad(g, argnums)
        assert f(*POINT) == pytest.approx(g(*POINT), rel=1e-12)
    ad.check_gradients(everything, *POINT)


def test_a_hessian_and_a_forward_derivative():
    hessian = ad.hessian(lambda v: everything(v[0], v[1]))(list(POINT))
    assert np.allclose(hessian, ad.hessian(lambda v: by_hand(v[0], v[1]))(list(POINT)), rtol=1e-12)
    assert hessian[0][1] == pytest.approx(hessian[1][0], rel=1e-14)
    assert ad.jvp(everything, POINT, (1.0, 2.0)) == pytest.approx(ad.jvp(by_hand, POINT, (1.0, 2.0)), rel=1e-12)


def test_compiled_it_gives_what_it_gives_eagerly():
    f = ad.compile(everything, argnums=(0, 1))
    value, gradient = f.value_and_grad(*POINT)
    assert value == pytest.approx(everything(*POINT), rel=1e-14)
    assert gradient == pytest.approx(ad.grad(by_hand, (0, 1))(*POINT), rel=1e-12)
    assert f.map([0.1, -0.2], [0.3, -0.4]) == pytest.approx([everything(0.1, 0.3), everything(-0.2, -0.4)])
    with pytest.raises(ad.UnknownNameError, match="no spelling in the Array API"):
        f.source  # noqa: B018
    again = pickle.loads(pickle.dumps(ad.compile(ln_cosh)))
    assert again(2.0) == ln_cosh(2.0)


def test_three_operands_are_held_in_order():
    a, b = ad.Value(2.0), ad.Value(5.0)
    out = fused(a, 3.0, b)
    assert out.arguments == (a, 3.0, b)
    assert out.partials == (3.0, 1.0)
    out.backward()
    assert (a.grad, b.grad) == (3.0, 1.0)


def test_it_is_drawn_explained_and_stepped_through(tmp_path):
    x, y = ad.Value(0.7, "x"), ad.Value(1.3, "y")
    loss = everything(x, y)
    loss.backward()
    assert "log cosh(" in ad.draw(ln_cosh(x)).source
    assert "tanh(x)" in str(ad.explain(ln_cosh(x), x))
    assert "where([x > 0], 2 · x, 0)" in str(ad.explain(ramp(x), x))
    assert "fused(x, y, 2)" in ad.expression(fused(x, y, 2.0)).__str__()
    history = ad.steps(loss)
    assert len(history)
    ad.page(loss, tmp_path / "steps.html")
    assert "log cosh" in (tmp_path / "steps.html").read_text()
    assert ad.blame(grows(x) * grows(ad.Value(800.0))).node.op == "grows"


def test_conditions_of_the_debugger_know_it():
    from autodiff.graph.expressions import Expression

    assert Expression("ln_cosh(2)").value({}.__getitem__) == ln_cosh(2)


def test_elementwise_over_an_array_of_objects():
    made = ad.operation("bit_count", lambda x: 2.0**x, lambda x, out: (math.log(2) * out,))
    array = np.array([ad.Value(1.0), ad.Value(3.0)])
    assert [x.data for x in np.bitwise_count(array)] == [2.0, 8.0]
    assert ad.Value(2.0).bit_count().data == made(2.0) == 4.0


def test_names_and_defaults_of_the_operands():
    assert str(inspect.signature(powered)) == "(base, k=3.0)"
    assert powered(2.0) == powered(base=2.0) == powered(2.0, k=3) == 8.0
    assert ad.Value(2.0).powered(k=2.0).data == 4.0
    for call in (
        lambda: powered(),
        lambda: powered(1.0, 2.0, 3.0),
        lambda: powered(1.0, exponent=2),
        lambda: powered(1.0, base=2),
    ):
        with pytest.raises(TypeError, match=r"powered\(base, k=3\.0\): "):
            call()
    text = pydoc.plain(pydoc.render_doc(powered))
    assert "powered(base, k=3.0)" in text
    assert "own" in text
    assert repr(ln_cosh) == "<operation ln_cosh(x)>"
    assert ln_cosh.__name__ == "ln_cosh"
    assert "log of the cosine" in ln_cosh.__doc__


def test_as_an_activation():
    model = nn.Sequential(nn.Layer(2, 3, "linear", seed=1), ln_cosh, nn.Layer(3, 1, ln_cosh, seed=2))
    assert model([1.0, 2.0]).op == "ln_cosh"
    assert nn.MLP(2, [3, 1], activation=powered)([1.0, 2.0]).op == "add"
    with pytest.raises(TypeError):
        nn.Sequential(nn.Layer(2, 3), fused)([1.0, 2.0])  # not of one number: it is given the list


# ---- copies and pickles ------------------------------------------------------------------------------------------------------


def test_copies_and_pickles():
    x = ad.Value(2.0)
    for out in (ln_cosh(x), fused(x, x, 1.0), squares(x, 2.0)):
        for twin in (pickle.loads(pickle.dumps(out)), copy.deepcopy(out)):
            assert (twin.op, twin.data, twin.partials) == (out.op, out.data, out.partials)
    assert pickle.loads(pickle.dumps(ln_cosh)) is ln_cosh
    assert copy.deepcopy(ln_cosh) is ln_cosh


def test_another_process_needs_the_operation_first(tmp_path):
    (tmp_path / "value").write_bytes(pickle.dumps(fused(ad.Value(2.0), ad.Value(3.0), 1.0)))
    (tmp_path / "function").write_bytes(pickle.dumps(fused))
    (tmp_path / "fuses.py").write_text(
        "import autodiff as ad\nfused = ad.operation('fused', lambda a, b, c: a * b + c, lambda a, b, c, out: (b, a, 1))\n"
    )
    load = "import pickle, sys; thing = pickle.load(open(sys.argv[1], 'rb')); "

    def run(text, name):
        command = [sys.executable, "-c", text, name]
        environment = {"PYTHONPATH": ":".join([str(tmp_path), *filter(None, sys.path)])}
        if ad.implementation == "python":
            environment["AUTODIFF_PURE"] = "1"
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert run("import fuses; " + load + "thing.backward(); print([x.grad for x in thing.operands])", "value").stdout == (
        "[3.0, 2.0]\n"
    )
    assert run("import fuses; " + load + "print(thing is fuses.fused)", "function").stdout == "True\n"
    for name in ("value", "function"):
        assert "there is no operation 'fused' in this process" in run("import autodiff; " + load, name).stderr


# ---- made twice --------------------------------------------------------------------------------------------------------------

CELL = """
scale = 2.0
def cell(ad, name, k={k}):
    return ad.operation(name, lambda x, k=k: x * scale {sign} k, lambda x, k, out: (scale, {sign}1.0))
made = cell(ad, name)
"""


def test_the_same_cell_again_gives_the_same_operation(unused):
    names = {"ad": ad, "name": unused}
    exec(CELL.format(k=1.0, sign="+"), names)
    first = names["made"]
    exec("\n\n" + CELL.format(k=1.0, sign="+"), names)
    assert names["made"] is first
    for changed in (CELL.format(k=2.0, sign="+"), CELL.format(k=1.0, sign="-")):
        with pytest.raises(ad.OperationError, match=f"another operation of that name, made at .*{unused}_2"):
            exec(changed, names)
    with pytest.raises(ad.OperationError, match="another"):
        exec(CELL.format(k=1.0, sign="+"), {"ad": ad, "name": unused})  # over other variables
    assert first(3.0) == 7.0


def test_a_module_that_is_reloaded(unused, tmp_path, monkeypatch):
    (tmp_path / "reloaded_operation.py").write_text(
        f"import autodiff as ad\nmade = ad.operation({unused!r}, lambda x: 2 * x, lambda x, out: (2,))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("reloaded_operation")
    made = module.made
    assert importlib.reload(module).made is made


def test_closures_over_other_things_are_other_operations(unused):
    def make(factor):
        return ad.operation(unused, lambda x: factor * x, lambda x, out: (factor,))

    factors = [[2.0], [3.0]]
    made = make(factors[0][0])
    assert make(factors[0][0]) is made
    with pytest.raises(ad.OperationError, match="another"):
        make(factors[1][0])


def test_threads_that_make_it_at_once_get_one(unused):
    def value(x):
        return x

    def partials(x, out):
        return (1,)

    made = []
    threads = [threading.Thread(target=lambda: made.append(ad.operation(unused, value, partials))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len(set(made)) == 1


# ---- what is refused ---------------------------------------------------------------------------------------------------------


def identity(x):
    return x


def one(x, out):
    return (1,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("class", identity, one), "cannot be the name of an operation"),
        (("two words", identity, one), "cannot be the name of an operation"),
        (("_hidden", identity, one), "cannot be the name of an operation"),
        (("tanh", identity, one), "my_tanh"),
        (("softmax", identity, one), "my_softmax"),
        (("grad", identity, one), "my_grad"),
        (("select", identity, one), "my_select"),
        (("fresh", identity, lambda x, out: (1, 2)), "one derivative for each operand: 1, not 2"),
        (("fresh", lambda x, y: x, one), "takes the 2 operands and then the result"),
        (("fresh", identity, lambda x, out: ad.exp(x)), "a comma where there is one operand"),
        (("fresh", identity, lambda x, out: 1.0), "a comma where there is one operand"),
        (("fresh", identity, lambda x, out: None), "not NoneType"),
        (("fresh", identity, lambda x, out: (1 if x > 0 else 0,)), "branch on an operand"),
        (("fresh", identity, lambda x, out: (max(x, 0),)), "branch on an operand"),
        (("fresh", identity, lambda x, out: (0 if x == 0 else 1,)), "equals something"),
        (("fresh", identity, lambda x, out: (x // 1,)), "as arithmetic: unsupported operand"),
        (("fresh", identity, lambda x, out: (math.exp(x),)), "read the number of an operand"),
        (("fresh", identity, lambda x: (1,)), "takes the 1 operand"),
        (("fresh", max, one), "write it as a lambda"),
        (("fresh", lambda x, *xs: x, one), "by place"),
        (("fresh", lambda x, *, k: x, one), "by place"),
        (("fresh", lambda: 1.0, lambda out: ()), "by place"),
        (("fresh", identity, one, "fresh"), r"must have \"\{0\}\""),
        (("fresh", identity, one, "fresh({1})"), "must have"),
        (("fresh", lambda *xs: 0.0, lambda *xs: xs[:-1], "fresh({0})"), r"must have \"\{\*\}\""),
    ],
)
def test_what_makes_no_operation_is_refused_and_changes_nothing(arguments, message):
    before = dict(rules.TABLE)
    with pytest.raises(ad.OperationError, match=message):
        ad.operation(*arguments)
    assert before == rules.TABLE
    assert not hasattr(ad.Value, "fresh")


def test_no_functions_and_no_numbers_are_type_errors():
    for arguments in ((3, identity, one), ("fresh", 3, one), ("fresh", identity, (1,)), ("fresh", lambda x, k="k": x, one)):
        with pytest.raises(TypeError):
            ad.operation(*arguments)


def test_partials_that_speak_of_themselves_are_looked_at_at_their_first_use(unused):
    branches = ad.operation(unused, identity, lambda x, out: (branches(x) * (1 if x > 0 else 0),))
    with pytest.raises(ad.OperationError, match="branch"):
        branches(ad.Value(1.0))


@pytest.mark.parametrize(
    ("returned", "message"),
    [(None, "NoneType"), ("1", "str"), ([1.0], "list"), (1j, "complex"), (ad.Value(1.0), "not among the operands")],
)
def test_a_value_that_is_no_number(unused, returned, message):
    made = ad.operation(unused, lambda x: returned, one)
    with pytest.raises(ad.OperationError, match=message):
        made(1.0)
    with pytest.raises(ad.OperationError, match=message):
        made(ad.Value(1.0))


def test_an_operation_within_another_that_gives_no_number_says_so_itself(unused):
    inner = ad.operation(unused + "_inner", lambda x: "1", one)
    outer = ad.operation(unused, lambda x: inner(x), one)
    with pytest.raises(ad.OperationError, match=r"_inner.*str"):
        outer(1.0)


@pytest.mark.parametrize("returned", [3, True, np.float32(3), np.float64(3), np.int64(3)])
def test_a_value_of_another_number_type_is_a_float(unused, returned):
    out = ad.operation(unused, lambda x: returned, lambda x, out: (returned,))(ad.Value(1.0))
    assert type(out.data) is float
    assert type(out.partials[0]) is float


def test_the_edges_are_ieee(unused):
    reciprocal = ad.operation(unused, lambda x: 1 / x, lambda x, out: (-1 / x**2,))
    assert reciprocal(0.0) == inf
    assert reciprocal(-0.0) == -inf
    assert reciprocal(ad.Value(0.0)).partials == (-inf,)
    cubed = ad.operation(unused + "_cubed", lambda x: x**3, lambda x, out: (3 * x**2,))
    assert cubed(-1e200) == -inf
    root = ad.operation(unused + "_root", lambda x: x**0.5, lambda x, out: (0.5 * x**-0.5,))
    assert math.isnan(root(-4.0))
    assert math.isnan(root(ad.Value(-4.0)).partials[0])
    assert root(ad.Value(0.0)).partials == (inf,)
    logarithm = ad.operation(unused + "_log", lambda x: math.log(x), lambda x, out: (1 / x,))
    assert math.isnan(logarithm(-1.0))
    assert math.isnan(ad.compile(logarithm)(-1.0))
    power = ad.operation(unused + "_power", lambda x: 2.0**x, lambda x, out: (out * math.log(2),))
    assert power(5000.0) == inf
    too_large = ad.operation(unused + "_too_large", lambda x: math.exp(x), lambda x, out: (out,))
    assert math.isnan(too_large(1000.0))  # math raises, and does not say what of
    large = ad.operation(unused + "_large", lambda x: ad.exp(x), lambda x, out: (out,))
    assert large(1000.0) == ad.compile(large)(1000.0) == inf
    with ad.strict(), pytest.raises(ad.NonFiniteError, match="_log"):
        logarithm(ad.Value(-1.0))


# ---- the names of operands ---------------------------------------------------------------------------------------------------


def test_parameters_of_rows_have_their_names():
    x = ad.Value(-1.0)
    assert ad.elu(x, alpha=2.0).data == x.elu(alpha=2.0).data == ad.elu(-1.0, 2.0) == 2 * math.expm1(-1)
    assert (
        ad.leaky_relu(x, slope=0.5).data
        == x.leaky_relu(negative_slope=0.5).data
        == ad.leaky_relu(-1, negative_slope=0.5)
        == -0.5
    )
    assert ad.atan2(x=1.0, y=2.0) == math.atan2(2.0, 1.0)
    assert ad.hypot(3.0, y=4.0) == ad.hypot(x=3.0, y=4.0) == 5.0
    assert ad.pow(x, y=2).data == 1.0
    assert str(inspect.signature(ad.elu)) == "(x, alpha=1.0)"
    assert str(inspect.signature(ad.atan2)) == "(y, x)"
    assert str(inspect.signature(ad.tanh)) == "(x)"
    assert str(inspect.signature(x.elu)) == "(alpha=1.0)"
    assert "leaky_relu(x, slope=0.01)" in pydoc.plain(pydoc.render_doc(ad.leaky_relu))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ad.elu(1.0, beta=2.0), r"elu\(x, alpha=1\.0\): 'beta' is no operand"),
        (lambda: ad.leaky_relu(1.0, 0.1, negative_slope=0.2), "'negative_slope' is given twice"),
        (lambda: ad.atan2(1.0), r"atan2\(y, x\): x must be given"),
        (lambda: ad.xlogy(1.0, 2.0, 3.0), "given 3 operands"),
        (lambda: ad.Value(1.0).elu(x=2.0), "'x' is given twice"),
    ],
)
def test_errors_speak_of_the_names(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_every_row_has_the_names_of_its_partials():
    for rule in rules.TABLE.values():
        assert len(rule.parameters) == (rule.arity or 0)
        if rule.arity and isinstance(rule.derivatives, FunctionType):
            assert rule.parameters == tuple(inspect.signature(rule.derivatives).parameters)[:-1]
