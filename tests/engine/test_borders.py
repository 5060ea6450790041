"""Where Values meet what is beside them: subclasses, arrays without axes, masked arrays, other numbers, equality in arrays."""

import copy
import importlib
import math
import operator
import pickle
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

import autodiff as ad
from autodiff.debugger.session import Session
from autodiff.engine import recording
from autodiff.engine.value import Value

np = pytest.importorskip("numpy")


class P(Value):
    pass


class Doubling(Value):
    """A subclass with an operator of its own."""

    def __rmul__(self, other):
        return Value.__mul__(self, other) * 2


OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod]


def gradients_of(out, *values):
    return ad.gradients(out, list(values))


@pytest.mark.parametrize("operate", OPERATORS)
@pytest.mark.parametrize("kinds", [(Value, P), (P, Value), (P, P)])
def test_a_subclass_on_either_side_keeps_both_gradients(operate, kinds):
    x, y = kinds[0](3.5), kinds[1](2.0)
    plain = [Value(3.5), Value(2.0)]
    wanted = gradients_of(operate(*plain), *plain)
    out = operate(x, y)
    assert out.operands == (x, y)
    assert out.operands[0] is x
    assert gradients_of(out, x, y) == wanted


def test_an_operator_of_a_subclass_is_its_own():
    x, y = Value(3.0), Doubling(2.0)
    out = x * y
    assert out.data == 12.0
    assert gradients_of(out, x, y) == [4.0, 6.0]


# ---- arrays without axes -------------------------------------------------------------------------------------------------


def boxed(x):
    return np.array(x, dtype=object)


@pytest.mark.parametrize("operate", OPERATORS)
@pytest.mark.parametrize(
    "of", [lambda f, x, y: f(x, boxed(y)), lambda f, x, y: f(boxed(x), y), lambda f, x, y: f(boxed(x), boxed(y))]
)
def test_an_array_without_axes_is_the_value_in_it(operate, of):
    x, y = Value(3.5), Value(2.0)
    out = of(operate, x, y)
    assert isinstance(out, Value)
    assert gradients_of(out, x, y) == gradients_of(operate(x, y), x, y)
    assert of(operate, Value(3.5), 2.0).data == of(operate, 3.5, Value(2.0)).data == out.data


@pytest.mark.parametrize(
    "of",
    [
        ad.sin, ad.tanh, ad.log1p, lambda x: ad.max(x, 0.5), lambda x: ad.max([x, 0.5]), lambda x: ad.min(x, 9.0), ad.max,
        lambda x: ad.hypot(x, 2.0), lambda x: ad.hypot(2.0, x), lambda x: ad.dot([x, 2.0], [3.0, x]), lambda x: ad.sum([x, x]),
        lambda x: ad.mean([x, 1.0]), lambda x: ad.clip(x, 0.0, 9.0), lambda x: ad.where(True, x, 0.0),
        lambda x: ad.norm(x, 2.0),
        lambda x: ad.softmax([x, 1.0])[0], lambda x: ad.log_softmax([x, 1.0])[0], lambda x: ad.logsumexp([x, 1.0]),
        lambda x: ad.take([x, 1.0], 0), lambda x: ad.take([[x, 1.0], [2.0, 3.0]], 0)[0], lambda x: ad.atan2(x, 1.0),
        lambda x: Value(0.5).hypot(x), lambda x: np.polyval([1.0, 2.0, 3.0], x), lambda x: ad.prod([x, x]),
    ],
)  # fmt: skip
def test_functions_take_an_array_without_axes(of):
    x = Value(0.75)
    out = of(boxed(x))
    assert out.data == of(x).data
    assert gradients_of(out, x) == gradients_of(of(x), x) != [0.0]


def test_polyval_and_horner_have_the_right_derivative():
    assert ad.grad(lambda x: np.polyval([1.0, 2.0, 3.0], x))(0.5) == 3.0
    assert ad.hessian(lambda x: np.polyval([1.0, 2.0, 3.0], x))(0.5) == 2.0


# ---- masked arrays -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operate", OPERATORS)
def test_masked_arrays_on_either_side(operate):
    x = Value(3.0)
    numbers = np.ma.array([2.0, 0.0, 4.0], mask=[False, True, False])
    for out, wanted in [
        (operate(x, numbers), [operate(3.0, 2.0), operate(3.0, 4.0)]),
        (operate(numbers, x), [operate(2.0, 3.0), operate(4.0, 3.0)]),
    ]:
        assert isinstance(out, np.ma.MaskedArray)
        assert out.mask.tolist() == [False, True, False]
        assert [y.data for y in out.compressed()] == pytest.approx(wanted)
        assert all(isinstance(y, Value) for y in out.compressed())
    with ad.strict():
        operate(numbers, Value(2.5))  # nothing is computed of what is masked


@pytest.mark.parametrize("operate", OPERATORS)
def test_a_masked_array_without_axes_is_a_number(operate):
    x = Value(3.0)
    if operate is not operator.mod:  # which NumPy does not leave to the other side, and fails itself
        assert operate(np.ma.array(2.0), x).data == operate(2.0, x).data
        assert operate(np.ma.array(2.0, mask=True), x) is np.ma.masked
    assert operate(x, np.ma.array(2.0)).data == operate(x, 2.0).data
    assert operate(x, np.ma.array(2.0, mask=True)) is np.ma.masked
    assert operate(x, np.ma.masked) is np.ma.masked


def test_what_is_masked_is_no_number():
    for masked in (np.ma.masked, np.ma.array(2.0, mask=True), np.ma.array([2.0, 3.0], mask=[True, False])[0]):
        for take in (Value, ad.exp, lambda x: ad.sum([Value(1.0), x]), lambda x: ad.where(True, x, 0.0)):
            with pytest.raises(TypeError, match="takes a real number"):
                take(masked)


def test_an_array_that_is_changed_in_place_stays_the_same_array():
    x = Value(2.0)
    xs = np.array([Value(1.0), Value(3.0)], dtype=object)
    alias = xs
    xs *= x
    assert alias is xs
    assert [y.data for y in alias] == [2.0, 6.0]


def test_nan_and_zero_are_found_in_arrays():
    xs = np.array([Value(0.0), Value(2.0), Value(math.nan)], dtype=object)
    assert (xs == 0).tolist() == [True, False, False]
    assert (xs != 0).tolist() == [False, True, True]
    assert [y.data for y in xs[:2][xs[:2] != 0]] == [2.0]
    assert np.nanmean(xs).data == 1.0
    assert np.where(xs == 0, 5.0, xs)[0] == 5.0


@pytest.mark.parametrize("how", ["raise", "ignore"])
def test_numpys_error_state_changes_nothing(how):
    with np.errstate(all=how):
        assert (np.float64(1.0) / Value(0.0)).data == math.inf
        assert ad.exp(np.float64(1000.0)) == math.inf
        assert ad.compile(lambda x: 1 / x).map(np.array([0.0, 1.0])).tolist() == [math.inf, 1.0]


def objects(*numbers):
    return np.array([Value(x) for x in numbers], dtype=object)


# What raises each of the processor's flags on the way to a result, in NumPy's loops over objects.
FLAGGED = {
    "overflow": lambda: np.exp(objects(800.0)),
    "underflow": lambda: np.exp(objects(-800.0)),
    "product": lambda: objects(1e300, 1e-300) * objects(1e300, 1e-300),
    "number": lambda: 1e300 * objects(-1e300, 1e-300, 0.0),
    "quotient": lambda: objects(1.0, 0.0) / objects(0.0, 0.0),
    "large divisor": lambda: 1e-10 / objects(1e308) + objects(1e307) / objects(1.5e308),
    "pole": lambda: np.log(objects(0.0, -1.0)),
    "roots": lambda: np.sqrt(objects(-1.0, 0.0)),
    "powers": lambda: objects(0.0, 1e-300, 1e300) ** -2.0,
    "saturated": lambda: [np.tanh(objects(400.0)), ad.sigmoid(objects(-800.0)), ad.gelu(objects(40.0))],
    "sum": lambda: [np.sum(objects(1e308, 1e308)), np.dot(objects(1e308), objects(10.0)), np.mean(objects(1e308, 1e308))],
    "no difference": lambda: objects(math.inf) - objects(math.inf),
    "order": lambda: [objects(math.nan) < objects(1.0), objects(math.nan) <= 1.0, np.maximum(objects(1.0), objects(math.nan))],
    "remainder": lambda: [objects(1.0) % objects(0.0), objects(1.0) // objects(0.0)],
    "gradient": lambda: ad.grad(lambda x: (np.exp(x) * 1e300).sum())(np.array([700.0, 800.0])),
    "floats": lambda: ad.exp(np.array([800.0, -800.0])),
    "a function of one's own": lambda: np.frompyfunc(lambda x: ad.exp(x) * x, 1, 1)(objects(800.0, -800.0)),
}


@pytest.mark.parametrize("compute", FLAGGED.values(), ids=list(FLAGGED))
def test_numpys_error_state_changes_no_loop_over_values(compute):
    def numbers():
        return [str(x.data if isinstance(x, Value) else x) for x in np.ravel(np.array(compute(), dtype=object))]

    with np.errstate(all="ignore"):
        wanted = numbers()
    with np.errstate(all="raise"):
        assert numbers() == wanted
        with pytest.raises(FloatingPointError):  # of NumPy's own numbers
            np.exp(np.array([800.0]))


# ---- everything becomes a float ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [np.float32(0.3), Decimal("0.3"), Fraction(3, 10), np.float16(0.3), True, 2, np.array(0.3)])
def test_every_number_becomes_a_float_once(number):
    v = Value(0.7)
    assert [x.data for x in ad.softmax([number, v])] == [x.data for x in ad.softmax([float(number), v])]
    assert [x.data for x in ad.log_softmax([number, v])] == [x.data for x in ad.log_softmax([float(number), v])]
    for found in (*ad.softmax([number, 0.7]), *ad.log_softmax([number, 0.7]), ad.take([number, 1], 0),
                  *ad.take([[number, 1]], 0),
                  ad.sum([number]), ad.max(number, 0), ad.min([number, 9]), ad.mean([number]), ad.where(True, number, 1),
                  ad.clip(number, 0, 9), ad.hypot(number, 1), ad.exp(number), ad.norm(number, 1), ad.prod([number]),
                  ad.dot([number], [1]), ad.logsumexp([number, 1])):  # fmt: skip
        assert type(found) is float


def test_a_number_that_changes_later_changes_no_recording():
    number = np.array(2.0)
    x = Value(3.0)
    out = ad.sum([x * number, number])
    number[()] = 100.0
    assert [y for y in out.arguments if not isinstance(y, Value)] == [2.0]
    assert out.operands[0].arguments == (x, 2.0)


# ---- equality -------------------------------------------------------------------------------------------------------------


def a_days_work(model, folder):
    """What a user does with a small network, on Values of equal numbers."""
    xs, ys = [[1.0, 1.0]] * 3, [1.0] * 3
    optimizer = ad.optim.Adam(model.parameters(), lr=0.0)
    ad.nn.fit(model, xs, ys, optimizer=optimizer, epochs=2, progress=False)
    ad.nn.fit(model, xs, ys, optimizer=optimizer, epochs=2, compile=True, validation=(xs, ys), progress=False)
    model.save(folder / "model.json")
    model.load(folder / "model.json")
    x = Value(1.0, "x")
    with ad.scope("loss"):
        loss = ad.nn.mse([model([x, Value(1.0)])], [Value(1.0)]) + ad.max(x, Value(1.0)) + ad.prod([x, x])
    loss.backward()
    x, loss = copy.deepcopy(pickle.loads(pickle.dumps([x, loss])))
    ad.gradients(loss, [x, x], create_graph=True)
    ad.hessian(lambda v: ad.norm(v) * ad.norm(v) + ad.logsumexp(v) + model(v))([1.0, 1.0])
    ad.jvp(model, ([1.0, 1.0],), ([1.0, 1.0],))
    ad.check_gradients(lambda v: ad.softmax(v)[0] * v[1], [1.0, 1.0])
    compiled = ad.compile(lambda v: ad.nn.cross_entropy([model(v), v[0], ad.where(v[0] > v[1], v[0], 1.0)], 0))
    for take in (compiled, compiled.value_and_grad, copy.deepcopy(compiled)):
        take([1.0, 1.0])
    for take in (compiled.map, compiled.backward):
        take(xs)
    assert compiled.source
    for look in (ad.expression, ad.summary, ad.blame, lambda loss: str(ad.explain(loss, x))):
        look(loss)
    ad.draw(loss, folder / "loss.dot")
    ad.page(loss, folder / "loss.html")
    session = Session(ad.steps(loss))
    session.add_watch("x")
    session.add_breakpoint("x")
    while session.position < len(session.history):
        session.step()


def test_nothing_of_ours_asks_whether_values_are_equal(tmp_path, monkeypatch):
    """Where a Value is looked for, it is that Value and not one of the same number: no == or != and no `in` of a list."""
    asked, ours = [], Path(ad.__file__).parent

    def note(op, x, y, outcome):
        frame = sys._getframe(1)
        while Path(frame.f_code.co_filename).name == "value.py":
            if frame.f_code.co_name == "__bool__":  # `if x:` asks whether x != 0
                return
            frame = frame.f_back
        if op in ("==", "!=") and Path(frame.f_code.co_filename).is_relative_to(ours):
            asked.append(f"{op} at {frame.f_code.co_filename}:{frame.f_lineno}")

    monkeypatch.setattr(recording, "note", note)
    model = ad.nn.MLP(2, [2, 1], seed=1)
    for parameter in model.parameters():
        parameter.data = 1.0
    with ad.record_source():
        a_days_work(model, tmp_path)
    assert asked == []


# ---- equality where it stays open ----------------------------------------------------------------------------------------


def test_traced_an_equality_is_a_condition_that_stays_open():
    f = ad.compile(lambda x: ad.where(x == 0, 1.0, ad.where(x != 2, 3 * x, 5.0)))
    assert [f(x) for x in (0.0, 1.0, 2.0)] == [1.0, 3.0, 5.0]
    assert f.map([0.0, 1.0, 2.0, math.nan])[:3] == [1.0, 3.0, 5.0]
    assert math.isnan(f(math.nan))
    for branch in (lambda x: x if x == 0 else 2 * x, lambda x: x if x != 0 else 2 * x):
        with pytest.raises(ad.TraceError, match="truth"):
            ad.compile(branch)(1.0)


def test_logits_that_are_far_out_and_masked():
    assert ad.grad(lambda x: ad.logsumexp([x, x]))(1e17) == ad.grad(lambda x: ad.logsumexp([x, x]))(1e10) == 1.0
    assert ad.log_softmax([1e15, 1e15]) == pytest.approx([-math.log(2)] * 2, rel=1e-15)
    assert ad.nn.cross_entropy([1e17] * 3, 1) == pytest.approx(math.log(3), rel=1e-15)

    def cost(z, w):
        return ad.nn.cross_entropy([z * 1.0, w], 1)

    for z, w in [(-math.inf, 3.0), (1e15, 1e15), (2.0, -1.0), (3.0, -math.inf)]:
        eager = ad.value_and_grad(cost, argnums=(0, 1))(z, w)
        compiled = ad.compile(cost, argnums=(0, 1)).value_and_grad(z, w)
        assert eager[0] == pytest.approx(compiled[0], nan_ok=True)
        assert list(eager[1]) == pytest.approx(list(compiled[1]), nan_ok=True)
    assert ad.nn.cross_entropy([-math.inf, 3.0], 1) == 0.0
    for logits in (ad.softmax, ad.log_softmax, lambda z: [ad.nn.cross_entropy(z, 0)]):
        z = [Value(-math.inf), Value(-math.inf)]
        out = logits(z)[0]
        assert math.isnan(out.data)
        assert all(math.isnan(g) for g in gradients_of(out, *z))


def test_remainders_and_products_are_told_apart_in_text():
    x, y, z = Value(7.0, "x"), Value(5.0, "y"), Value(3.0, "z")
    texts = [str(ad.expression(e)) for e in (x * (y % z), (x * y) % z, (x + y) % z, x + y % z, x % (y * z), (x % y) * z)]
    assert len(set(texts)) == len(texts)


# ---- forms ---------------------------------------------------------------------------------------------------------------


def nested(depth, around=lambda x: [x]):
    tree = [1.0]
    for _ in range(depth):
        tree = around(tree)
    return tree


def constant(*args, **kwargs):
    return 1.0


def ring():
    held = [1.0]
    held.append(held)
    return held


DEEP_CALLS = {
    "grad": lambda tree: ad.grad(constant)(tree),
    "hessian": lambda tree: ad.hessian(constant)(tree),
    "jvp": lambda tree: ad.jvp(constant, (tree,), (tree,)),
    "result": lambda tree: ad.jacobian(lambda x: tree)(1.0),
    "compile": lambda tree: ad.compile(constant)(tree),
    "value_and_grad": lambda tree: ad.value_and_grad(constant, compile=True)(tree),
    "jvp compiled": lambda tree: ad.jvp(constant, (tree,), (tree,), compile=True),
    "map": lambda tree: ad.compile(constant).map({"a": tree}) if isinstance(tree, dict) else ad.compile(constant)(tree),
    "static": lambda tree: ad.compile(constant, static=(0,))((tree,)) if isinstance(tree, tuple) else ad.grad(constant)(tree),
    "loss": lambda tree: ad.nn.mse(tree, tree),
}


@pytest.mark.parametrize("call", DEEP_CALLS.values(), ids=list(DEEP_CALLS))
def test_arguments_that_are_nested_too_deeply_are_refused(call):
    trees = [nested(100_000), ring()]
    trees += [nested(100_000, lambda x: {"a": x}), nested(100_000, lambda x: (x,))] if call is not DEEP_CALLS["loss"] else []
    for tree in trees:
        with pytest.raises(ad.ShapeError, match="nested too deeply"):
            call(tree)


def test_what_is_no_data_may_hold_itself_and_be_as_deep_as_it_likes():
    for other in (ring(), nested(100_000)):
        assert ad.grad(lambda x, other: x * x)(3.0, other) == 6.0
    with pytest.raises(TypeError, match="nested too deeply"):
        ad.sum(nested(100_000))


def test_a_page_of_very_many_values_is_refused_without_a_walk_over_all(monkeypatch):
    page_module = importlib.import_module("autodiff.debugger.page")
    monkeypatch.setattr(page_module, "MOST_VALUES", 100)
    monkeypatch.setattr(page_module, "History", None)  # which walks over all
    y = Value(1.0)
    for _ in range(2_000):
        y = y * 1.001
    with pytest.raises(ad.GraphTooLarge, match="more than 1,000 Values, and no more than 100"):
        ad.page(y)


def test_under_webassembly_a_chain_is_released_without_recursion(run_script):
    """There Python's own stack is too short for its own way; elsewhere nothing of it is there."""
    script = """
import sys, weakref
from autodiff.engine import value
from autodiff.engine.value import Value
assert not hasattr(Value, "__del__")
deepest = 0
def release(self):
    global deepest
    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    deepest = max(deepest, depth)
    value.release_operands(self)
Value.__del__ = release
x = y = Value(1.0)
for i in range(50_000):
    y = y * 1.0001 if i % 2 else y + x
alive = weakref.ref(y)
del y
assert alive() is None and deepest < 10, deepest
z = x * 2
assert z.data == 2.0
"""
    run_script(script, AUTODIFF_PURE="1")
