"""The door: where float() takes the number out of a Value, and with it out of the derivative."""

import array
import asyncio
import math
import statistics
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

import autodiff as ad
from autodiff.engine import door

np = pytest.importorskip("numpy")


def store(x):
    z = np.zeros(2)
    z[0] = 2 * x
    return z.sum()


def fill(x):
    z = np.zeros(2)
    z.fill(x)
    return z.sum() * x


def put_in_an_array(x):
    numbers = array.array("d", [0.0])
    numbers[0] = x
    return numbers[0] * x


TAKERS = {
    "`math.exp(x)`": lambda x: x * math.exp(x),
    "`math.isnan(x)`": lambda x: x if math.isnan(x) else 2 * x,
    "`math.hypot(x, 2.0)`": lambda x: math.hypot(x, 2.0),
    "the store into `z[0]`": store,
    "the store into `numbers[0]`": put_in_an_array,
    "`z.fill(x)`": fill,
    '`array.array("d", [x])`': lambda x: array.array("d", [x])[0] * x,
    "`statistics.fmean([x, x])`": lambda x: x * statistics.fmean([x, x]),
    "`statistics.NormalDist(x, 1)`": lambda x: x * statistics.NormalDist(x, 1).cdf(0.0),
    "`np.array([x, x], float)`": lambda x: np.array([x, x], float).sum() * x,
    "`np.array([x, x]).astype(float)`": lambda x: np.array([x, x]).astype(float).sum() * x,
    "`np.full(3, x, float)`": lambda x: np.full(3, x, float).sum() * x,
    "`np.gradient(np.array([x, 2 * x, x * x]))`": lambda x: np.gradient(np.array([x, 2 * x, x * x]))[1] * x,
    "`np.interp(x, [0.0, 1.0], [0.0, 2.0])`": lambda x: np.interp(x, [0.0, 1.0], [0.0, 2.0]) * x,
    "`np.float64(x)`": lambda x: np.float64(x) * x,
    "`complex(x)`": lambda x: complex(x).real * x,
    "`float(x)`": lambda x: float(x) * x,
    "`ad.Value(x)`": lambda x: ad.Value(x) * x,
    "`sum(map(float, [x]))`": lambda x: sum(map(float, [x])) * x,
}
DERIVATIVES = {
    "grad": lambda f: ad.grad(f)(0.5),
    "value_and_grad": lambda f: ad.value_and_grad(f)(0.5),
    "jacobian": lambda f: ad.jacobian(lambda x: [f(x), x])(0.5),
    "hessian": lambda f: ad.hessian(f)(0.5),
    "jvp": lambda f: ad.jvp(f, (0.5,), (1.0,)),
    "hvp": lambda f: ad.hvp(f, 0.5, 1.0),
    "check_gradients": lambda f: ad.check_gradients(f, 0.5),
    "grad of grad": lambda f: ad.grad(ad.grad(f))(0.5),
    "of an outer argument": lambda f: ad.grad(lambda x: ad.grad(lambda y: y * f(x))(1.0))(0.5),
}


@pytest.mark.parametrize("taker", TAKERS)
def test_inside_a_derivative_it_is_an_error_that_names_line_taker_and_remedy(taker):
    with pytest.raises(ad.DetachedError) as raised:
        ad.grad(TAKERS[taker])(0.5)
    message = str(raised.value)
    assert message.startswith(taker + " reads the number")
    assert "test_door.py:" in message
    assert "ad.exp" in message
    assert "ad.zeros(2)" in message
    assert "x.data" in message
    assert isinstance(raised.value, TypeError)


@pytest.mark.parametrize("derivative", DERIVATIVES)
def test_every_derivative_refuses(derivative):
    with pytest.raises(ad.DetachedError, match=r"math\.exp"):
        DERIVATIVES[derivative](lambda x: x * math.exp(x))


def test_the_systems_that_strangers_write_raise_or_are_right():
    def system(x, kind):
        out = np.zeros(2, dtype=kind)
        out[0] = x[0] * x[1]
        out[1] = x[0] + 2 * x[1]
        return out

    point = np.array([2.0, 3.0])
    with pytest.raises(ad.DetachedError, match=r"the store into `out\[0\]`"):
        ad.jacobian(lambda x: system(x, float))(point)
    assert ad.jacobian(lambda x: system(x, object))(point).tolist() == [[3.0, 2.0], [1.0, 2.0]]


def test_what_reads_on_purpose_stays_free_inside():
    def f(x):
        assert (int(x), round(x), math.floor(x), math.ceil(x), math.trunc(x)) == (2, 2, 2, 3, 2)
        assert (f"{x:.2f}", "%.1f" % x, f"{x:g}", "{:e}".format(x)) == ("2.50", "2.5", "2.5", "2.500000e+00")  # noqa: UP031, UP032
        assert not math.isnan(x.data)
        assert x > 0 and x == 2.5 and x != 3 and bool(x)  # noqa: PT018
        return x * x

    assert ad.grad(f)(2.5) == 5.0


def test_a_value_that_does_not_depend_on_the_argument_loses_nothing():
    w = ad.Value(2.0)
    assert ad.grad(lambda x: x * float(w))(3.0) == 2.0
    assert ad.grad(lambda x: x * float(w * w + 1))(3.0) == 5.0
    with pytest.warns(ad.DetachedWarning, match=r"`math\.exp\(w\)`"):
        ad.grad(lambda x: x * math.exp(w))(3.0)


def test_a_function_may_train_and_compile_on_its_way():
    def f(x):
        w = ad.Value(1.0)
        for _ in range(3):
            loss = (w - 2) ** 2
            w.grad = 0.0
            loss.backward()
            w.data -= 0.1 * w.grad
            assert float(loss) >= 0
        return x * float(w)

    assert ad.grad(f)(3.0) == pytest.approx(1.488)


def test_nothing_stays_open_after_an_error_and_a_generator_goes_on_later():
    def fails(x):
        raise RuntimeError

    for _ in range(2):
        with pytest.raises(RuntimeError):
            ad.grad(fails)(1.0)
    kept = []

    def keeps(x):
        kept.append(float(y) for y in [x * 2])
        return x

    ad.grad(keeps)(1.0)
    assert list(kept[0]) == [2.0]


def test_a_thread_inside_a_derivative_is_inside_and_one_beside_it_is_not():
    found = {}

    def read(name, x):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                found[name] = float(x)
        except ad.DetachedError:
            found[name] = "refused"

    def f(x):
        for name, given in [("inside", x * 2), ("beside", ad.Value(2.0) * 3)]:
            thread = threading.Thread(target=read, args=(name, given))
            thread.start()
            thread.join()
        return x

    ad.grad(f)(1.0)
    assert found == {"inside": "refused", "beside": 6.0}


# ---- elsewhere ---------------------------------------------------------------------------------------------------------------


def warnings_of(call):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        call()
    return seen


@pytest.mark.parametrize(
    "taker", [taker for taker in TAKERS if "float(x)" not in taker and "Value" not in taker and "map" not in taker]
)
def test_elsewhere_it_is_a_warning_that_names_the_taker(taker):
    seen = warnings_of(lambda: TAKERS[taker](ad.Value(0.5)))
    assert {warning.category for warning in seen} == {ad.DetachedWarning}
    assert str(seen[0].message).startswith(taker + " reads the number")
    assert seen[0].filename == __file__


def test_it_warns_once_a_line():
    xs = [ad.Value(float(i), f"x{i}") for i in range(5)]
    seen = warnings_of(lambda: [math.exp(x) for x in xs])
    assert len(seen) == 1


def test_reading_that_is_written_out_is_silent():
    x, xs = ad.Value(2.5), [ad.Value(1.0), ad.Value(2.0)]

    def reads():
        assert float(x) == 2.5
        assert [float(y) for y in xs] == list(map(float, xs)) == [1.0, 2.0]
        assert float(
            x * 2
            if x > 0
            else x
        ) == 5.0  # fmt: skip
        assert (lambda *given: float(*given))(x) == 2.5
        assert ad.Value(x).data == 2.5
        assert float(np.array(x)) == 2.5
        for number in map(float, xs):
            assert number > 0
        assert "%.1f" % x == f"{x:.1f}" == "2.5"  # noqa: UP031
        assert x == 2.5 and x < np.array(x + 1) and int(x) == 2  # noqa: PT018

    assert warnings_of(reads) == []


def test_float_of_something_that_reads_is_not_written_out():
    x = ad.Value(1.0)
    assert len(warnings_of(lambda: float(math.exp(x)))) == 1
    assert len(warnings_of(lambda: float("1") + math.sin(x))) == 1


def test_in_strict_what_would_warn_raises():
    x = ad.Value(1.0)
    with ad.strict():
        assert float(x) == 1.0
        with pytest.raises(ad.DetachedError, match=r"`math\.exp\(x\)`.*test_door\.py:\d+: .*x\.data"):
            math.exp(x)


def test_without_a_file_to_read_the_taker_has_its_name(run_script):
    script = (
        "import math, statistics, autodiff as ad\n"
        "assert float(ad.Value(1.0)) == 1.0\n"
        "try:\n    ad.grad(lambda x: math.exp(x))(1.0)\nexcept ad.DetachedError as error:\n    print(error)"
    )
    assert run_script(script, PYTHONWARNINGS="error").startswith(("math.exp reads", "`math.exp` reads", "`math.exp(x)` reads"))
    assert run_script(script, PYTHONWARNINGS="error", PYTHONNODEBUGRANGES="1")


def test_a_taker_without_a_text_or_a_name():
    there = {}
    exec("def first(numbers):\n    for x in numbers:\n        return x", there)
    with pytest.raises(ad.DetachedError, match=r"^what stands here reads"):
        ad.grad(lambda x: there["first"](map(math.exp, [x])))(1.0)


def test_a_program_that_compiles_code_without_end_does_not_fill_the_memory(monkeypatch):
    known = dict.fromkeys(range(10_001))
    monkeypatch.setattr(door, "_known", known)
    assert len(warnings_of(lambda: math.sin(ad.Value(1.0)))) == 1
    assert len(known) == 1


def test_our_own_code_reads_on_purpose():
    """pytest makes each warning an error: training, optimisers, schedules, drawing, differences and the debugger give none."""
    model = ad.nn.MLP(1, [3, 1], seed=1)
    optimizer = ad.optim.Adam(model.parameters(), lr=0.1)
    xs, ys = [[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]
    ad.nn.fit(model, xs, ys, optimizer=optimizer, epochs=2, batch_size=2, validation=(xs, ys), patience=1, progress=False)
    ad.nn.fit(model, xs, ys, optimizer=optimizer, epochs=2, compile=True, validation=(xs, ys), progress=False)
    loss = ad.nn.mse([model(x) for x in xs], ys)
    loss.backward()
    ad.explain(loss, model.parameters()[0])
    ad.summary(loss)
    ad.steps(loss)
    ad.draw(loss, depth=3)
    ad.gradients(loss, model.parameters(), create_graph=True)
    ad.check_gradients(lambda x: ad.exp(x) * x, ad.Value(0.5))


# ---- contexts ----------------------------------------------------------------------------------------------------------------


def test_scope_and_strict_belong_to_a_task():
    found = {}

    async def task(name, strict):
        with ad.scope(name):
            await asyncio.sleep(0)
            with ad.strict() if strict else ad.scope("inner"):
                await asyncio.sleep(0)
                try:
                    found[name] = (ad.Value(1.0) / 0.0).scope
                except ad.NonFiniteError:
                    found[name] = "refused"
                await asyncio.sleep(0)
            assert (ad.Value(1.0) + 1).scope == name

    async def both():
        await asyncio.gather(task("a", True), task("b", False), task("c", True))

    with ThreadPoolExecutor() as threads:  # this one may have a loop of a browser's
        threads.submit(lambda: asyncio.run(both())).result()
    assert found == {"a": "refused", "b": "b.inner", "c": "refused"}
    assert (ad.Value(1.0) + 1).scope is None
