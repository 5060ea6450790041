"""The text of arrays against the eager engine, in every namespace that is installed: rules, edges, forms, names, files."""

import ctypes
import functools
import itertools
import keyword
import math
import random
import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff import nn
from autodiff.compiler import c, export
from autodiff.compiler.arrays import SPELLINGS
from autodiff.engine import rules
from autodiff.errors import SettingError, ShapeError, StateError, TraceError, UnknownNameError

EDGES = [-math.inf, -2.5, -1.0, -0.5, -0.0, 0.0, 0.3, 1.0, 2.0, 3.0, 1e-300, 30.0, 710.0, math.inf, math.nan]
EDGES_OF_TWO = [-math.inf, -2.0, -0.0, 0.0, 0.5, 2.0, 3.0, math.inf, math.nan]
ROWS = [rule for rule in rules.TABLE.values() if rule.name not in ("select", "taken", *rules.CONSTANT)]


@pytest.fixture(params=["numpy", "jax", "torch"])
def xp(request):
    """A namespace of the Array API standard, in double precision."""
    if request.param == "numpy":
        with np.errstate(all="ignore"):
            yield np
    elif request.param == "torch":
        pytest.importorskip("torch")
        yield pytest.importorskip("array_api_compat.torch")
    else:
        jax = pytest.importorskip("jax")
        before = jax.config.jax_enable_x64
        jax.config.update("jax_enable_x64", True)
        yield jax.numpy
        jax.config.update("jax_enable_x64", before)


def arrays(xp, *numbers):
    return [xp.asarray(np.asarray(x, dtype=float)) for x in numbers]


def module_of(f, *example):
    return export.loaded(export.module(f, example, {}, "the test")[0], f.name)


def function_of(f):
    """What ``f.source`` defines."""
    names = {}
    exec(f.source, names)
    return next(thing for key, thing in names.items() if callable(thing) and not key.startswith("__"))


def close(found, expected, tolerance=1e-12, what=""):
    np.testing.assert_allclose(
        np.asarray(found), np.asarray(expected), rtol=tolerance, atol=1e-14 if tolerance else 0.0, err_msg=what
    )


def edges(rng):
    """For each row of the table operands at every edge, pairs of edges, and the like: (points, rows, 4)."""
    pairs = list(itertools.product(EDGES_OF_TWO, repeat=2))
    table = np.array([[[rng.choice(EDGES_OF_TWO) for _ in range(4)] for _ in ROWS] for _ in pairs])
    for number, rule in enumerate(ROWS):
        if rule.arity == 2:
            table[:, number, :2] = pairs
        elif rule.arity == 1:
            table[: len(EDGES), number, 0] = EDGES
    return table


def every_row(x):
    """Each row of the table of its own operands."""
    return [rules.apply(rule, tuple(xs[: rule.arity or 4])) for rule, xs in zip(ROWS, x, strict=True)]


def eagerly(table):
    """The values of all rows at all points, and their derivatives in the form of the table."""
    values, gradients = np.empty(table.shape[:2]), np.zeros(table.shape)
    for point, row in itertools.product(range(len(table)), range(len(ROWS))):
        rule, xs = ROWS[row], table[point, row].tolist()[: ROWS[row].arity or 4]
        values[point, row], found = ad.value_and_grad(lambda v, rule=rule: rules.apply(rule, tuple(v)))(xs)
        gradients[point, row, : len(xs)] = found
    return values, gradients


def close_by_row(found, expected, tolerance=1e-12):
    for number, rule in enumerate(ROWS):
        close(np.asarray(found)[:, number], expected[:, number], tolerance, rule.name)


# ---- rules ------------------------------------------------------------------------------------------------------------------


def test_every_row_of_the_table_has_a_spelling_in_arrays_and_in_c():
    assert set(rules.TABLE) == set(SPELLINGS) == set(c.SPELLINGS)


def test_every_row_and_edge_is_as_eager(xp):
    table = edges(random.Random(5))
    values, gradients = eagerly(table)
    example = table[0].tolist()
    close_by_row(module_of(ad.compile(every_row), example).values(xp, {}, *arrays(xp, table)), values)
    f = ad.compile(lambda x: ad.sum(every_row(x)))
    f.value_and_grad(example)
    _, found = function_of(f)(xp, {}, *arrays(xp, table))
    close_by_row(np.reshape(np.asarray(found), table.shape), gradients)


def test_rows_of_plain_numbers_that_nothing_has_folded(xp):
    f = ad.compile(lambda x: every_row([[x * 0.0 + 0.5] * 4] * len(ROWS)), passes=())
    close_by_row(module_of(f, 1.0).values(xp, {}, *arrays(xp, [1.0, 2.0])), np.array([f(1.0), f(2.0)]))


@pytest.mark.parametrize("order", [None, 1, 2, 5])
@pytest.mark.parametrize("name", ["lgamma", "digamma", "sinc"])
def test_gamma_and_sinc_are_accurate_in_text(name, order):
    """Between the edges, to a few ulp of what they add up."""
    rule = rules.TABLE[name if order is None else {"sinc": "sinc_order"}.get(name, "polygamma")]
    more = () if order is None else (float(order),)
    f = ad.compile(lambda x: rules.apply(rule, (x, *more)))
    rng = random.Random(1)
    x = [rng.uniform(*between) for between in [(0.0, 3.0), (3.0, 40.0), (-30.0, 0.0)] for _ in range(200)]
    x = [point for point in x if point > 0 or abs(point - round(point)) > 0.01]
    expected = np.array([rule.value(point, *more) for point in x])
    scale = np.maximum(np.abs(expected), math.pi ** (order or 0) / (1 + (order or 0)) if name == "sinc" else 1.0)
    found = module_of(f, 0.5).values(np, {}, np.array(x))
    assert (np.abs(found - expected) <= 2e-12 * scale if order == 5 else np.abs(found - expected) <= 5e-14 * scale).all()


CONDITIONS = {
    "greater": lambda x, y: x > y, "greater or equal": lambda x, y: x >= y, "less": lambda x, y: x < y,
    "less or equal": lambda x, y: x <= y, "equal": lambda x, y: x == y, "not equal": lambda x, y: x != y,
    "both": lambda x, y: (x > 0) & (y > 0), "either": lambda x, y: (x > 0) | (y > 0),
}  # fmt: skip


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
def test_branches_select_and_mask_nothing_by_zero(xp, condition):
    f = ad.compile(lambda v: ad.where(condition(v[0], v[1]), ad.log(v[0]), v[1] * 3.0))
    batch = [list(point) for point in itertools.product(EDGES_OF_TWO, repeat=2)]
    expected = [f.value_and_grad(point) for point in batch]
    values, gradients = function_of(f)(xp, {}, *arrays(xp, batch))
    close(values, [value for value, _ in expected])
    close(gradients, [gradient for _, gradient in expected])


def test_taking_by_an_index_that_is_data(xp):
    w = [ad.Value(0.5 * i + 0.1, f"w{i}") for i in range(4)]
    f = ad.compile(lambda i, x: ad.take(w, i) * x)
    index, x = [0, 3, 2, 3], [1.0, 2.0, 3.0, 4.0]
    mean, gradients = module_of(f, 0, 1.0).loss_and_gradients(xp, f.params(xp), *arrays(xp, index, x))
    assert float(mean) == pytest.approx(f.backward(index, x), rel=1e-14)
    close(gradients["w"], [v.grad for v in w])
    assert math.isnan(float(module_of(f).values(xp, f.params(xp), *arrays(xp, [4], [1.0]))[0]))


# ---- networks and batches ---------------------------------------------------------------------------------------------------


def gradients_of(f):
    """What ``backward`` left, in the form of ``params``."""
    return {array.key: np.reshape([value.grad for value in array.values], array.shape) for array in export.arrays_of(f)}


def zeroed(f):
    for array in export.arrays_of(f):
        for value in array.values:
            value.grad = 0.0


def agrees(f, xp, *batch, tolerance=1e-12):
    """Whether the exported loss and gradients are those of ``backward``."""
    f.backward(*batch)
    zeroed(f)
    expected = f.backward(*batch)
    wanted = gradients_of(f)
    mean, gradients = module_of(f).loss_and_gradients(xp, f.params(xp), *arrays(xp, *batch))
    close(mean, expected, tolerance)
    assert list(gradients) == list(wanted) == list(f.params())
    for key in wanted:
        assert tuple(gradients[key].shape) == wanted[key].shape
        close(gradients[key], wanted[key], tolerance)


ACTIVATIONS = ["relu", "tanh", "sigmoid", "gelu", "silu", "elu"]


@pytest.mark.parametrize(("activation", "n"), [("tanh", 1), ("tanh", 100), *[(name, 7) for name in ACTIVATIONS]])
def test_a_network_in_batches(xp, activation, n):
    model = nn.MLP(3, [5, 4, 2], activation, seed=2)
    rng = np.random.default_rng(n)
    f = ad.compile(lambda x, y: nn.mse(model(x), y))
    agrees(f, xp, rng.normal(size=(n, 3)), rng.normal(size=(n, 2)))


def test_classes(xp):
    model = nn.MLP(4, [6, 3], "tanh", seed=1)
    rng = np.random.default_rng(0)
    f = ad.compile(lambda x, label: nn.cross_entropy([model(x)], [label]))
    agrees(f, xp, rng.normal(size=(7, 4)), rng.integers(0, 3, 7))


def test_no_samples_give_no_values_and_a_mean_that_is_nan():
    model = nn.MLP(3, [5, 2], "tanh", seed=2)
    f = ad.compile(lambda x, y: nn.mse(model(x), y))
    functions = module_of(f, [0.0] * 3, [0.0] * 2)
    empty = np.zeros((0, 3)), np.zeros((0, 2))
    assert functions.values(np, f.params(), *empty).shape == (0,)
    with np.errstate(invalid="ignore"):
        mean, gradients = functions.loss_and_gradients(np, f.params(), *empty)
    assert math.isnan(mean)
    assert {key: array.shape for key, array in gradients.items()} == {k: a.shape for k, a in f.params().items()}


@pytest.mark.parametrize("reduce", ["sum", None])
def test_sums_and_single_losses(xp, reduce):
    model = nn.MLP(2, [3, 1], "tanh", seed=2)
    f = ad.compile(lambda x, y: (model(x) - y) ** 2, reduce=reduce)
    agrees(f, xp, np.array([[0.1, 0.2], [0.3, -0.4], [1.0, 2.0]]), np.array([1.0, 2.0, 3.0]))


def test_other_axes_shared_arguments_and_nested_ones(xp):
    w = [ad.Value(0.5, "w0"), ad.Value(-0.25, "w1")]
    f = ad.compile(lambda x, s, d: ad.dot(w, x) * s[1] + d["a"] * d["b"][1][0] + s[0], in_axes=(1, None, 0))
    x, s = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), [0.5, 2.0]
    d = {"a": np.array([1.0, 2.0, 3.0]), "b": np.arange(12.0).reshape(3, 2, 2)}
    expected = f.backward(x, s, d)
    moved = {key: xp.asarray(array) for key, array in d.items()}
    mean, gradients = module_of(f).loss_and_gradients(xp, f.params(xp), *arrays(xp, x, s), moved)
    assert float(mean) == pytest.approx(expected, rel=1e-14)
    close(gradients["w"], [v.grad for v in w])


def test_results_of_any_form_and_functions_of_nothing(xp):
    w = ad.Value(3.0, "w")
    matrix = ad.compile(lambda x: [[x[0], x[1] * w, 1.0], [2.0, w, x[0] + x[1]]])
    batch = [[1.0, 2.0], [3.0, 4.0]]
    close(module_of(matrix, [0.0, 0.0]).values(xp, matrix.params(xp), *arrays(xp, batch)), matrix.map(np.array(batch)))
    constant = ad.compile(lambda x: [w * 2.0, 5.0])
    close(module_of(constant, 1.0).values(xp, constant.params(xp), *arrays(xp, [1.0, 2.0, 3.0])), [[6.0, 5.0]] * 3)
    alone = ad.compile(lambda: w * w)
    mean, gradients = module_of(alone).loss_and_gradients(xp, alone.params(xp))
    assert (float(mean), float(gradients["w"])) == (9.0, 6.0)


def test_a_loss_that_is_a_parameter_an_input_or_a_number():
    w = ad.Value(3.0, "w")
    for fn, expected in ((lambda x: w, (3.0, 1.0)), (lambda x: w * 0.0 + x, (1.5, 0.0)), (lambda x: x + w * x, (6.0, 1.5))):
        f = ad.compile(fn)
        mean, gradients = module_of(f, 1.0).loss_and_gradients(np, f.params(), np.array([1.0, 2.0]))
        assert (mean, gradients["w"]) == pytest.approx(expected)


OPERATIONS = ["add", "sub", "mul", "tanh", "sigmoid", "maximum", "dot", "sum", "max", "where", "logsumexp", "exp"]


@st.composite
def graphs(draw):
    """Steps of a random function: an operation, and the results that it takes."""
    steps = draw(
        st.lists(st.tuples(st.sampled_from(OPERATIONS), st.lists(st.integers(0, 40), min_size=2, max_size=6)), max_size=14)
    )
    return steps, draw(st.integers(1, 3)), draw(st.sampled_from([1, 2, 7]))


def drawn(steps, w, x):
    known = [*w, *x]
    for op, places in steps:
        xs = [known[place % len(known)] for place in places]
        if op in ("add", "sub", "mul", "maximum"):
            known.append(getattr(ad, op)(xs[0], xs[1]) * 0.5)
        elif op in ("tanh", "sigmoid"):
            known += [getattr(ad, op)(x) for x in xs]
        elif op == "exp":
            known.append(ad.exp(ad.tanh(xs[0])))
        elif op == "where":
            known.append(ad.where(xs[0] > xs[1], xs[-1], xs[0] * 2.0))
        elif op == "dot":
            known.append(ad.dot(xs[: len(xs) // 2], xs[len(xs) // 2 : 2 * (len(xs) // 2)]) * 0.25)
        else:
            known.append(getattr(ad, op)(xs) * 0.25)
    return ad.tanh(ad.sum(known))


@settings(max_examples=60)
@given(graphs())
def test_random_graphs(graph):
    steps, wide, n = graph
    w = [ad.Value(0.3 - 0.2 * i, f"w{i}") for i in range(wide + 1)]
    f = ad.compile(lambda x: drawn(steps, w, x))
    agrees(f, np, np.random.default_rng(n).normal(size=(n, wide)), tolerance=1e-11)


@settings(max_examples=15)
@given(graphs())
def test_random_graphs_in_c(tmp_path_factory, graph):
    steps, wide, _ = graph
    w = [ad.Value(0.3 - 0.2 * i, f"w{i}") for i in range(wide + 1)]
    f = ad.compile(lambda x: drawn(steps, w, x))
    x = np.random.default_rng(1).normal(size=wide)
    expected = f.backward(x[None])
    loss, gradients = in_c(f, tmp_path_factory.mktemp("c"), x)
    assert loss == pytest.approx(expected, rel=1e-13)
    close(gradients, np.concatenate([array.ravel() for array in gradients_of(f).values()]), 1e-12)


@given(st.lists(st.integers(0, 11), min_size=1, max_size=24), st.integers(1, 4), st.integers(1, 4), st.integers(1, 9))
def test_any_numbers_are_gathered_as_they_are(places, rows, columns, wide):
    """Whatever the pattern is, slices, blocks and tables give what a list of places would."""
    block = [r * wide + c for r in range(rows) for c in range(columns)]
    turned = [r * wide + c for c in range(columns) for r in range(rows)]
    xs = np.arange(96.0).reshape(2, 48)
    for wanted in (places, block, turned, places + block, block[::-1] + places):
        f = ad.compile(lambda x, wanted=wanted: [x[i] * 2.0 for i in wanted])
        found = module_of(f, [0.0] * 48).values(np, {}, xs)
        assert found.tolist() == [[2.0 * row[i] for i in wanted] for row in xs]


def test_attention_and_its_triangles(xp):
    """Queries look at the keys so far: sums of unequal lengths."""
    rng = random.Random(3)
    q, k, v = ([[ad.Value(rng.gauss(0, 1)) for _ in range(3)] for _ in range(3)] for _ in range(3))

    def loss(rows):
        keys, values, found = [], [], []
        for row in rows:
            keys.append([ad.dot(line, row) for line in k])
            values.append([ad.dot(line, row) for line in v])
            query = [ad.dot(line, row) for line in q]
            shares = ad.softmax([ad.dot(query, key) for key in keys])
            found += [ad.dot(shares, column) for column in zip(*values, strict=True)]
        return ad.tanh(ad.sum(found))

    f = ad.compile(loss)
    agrees(f, xp, np.random.default_rng(1).normal(size=(4, 5, 3)))


def table_of(rows, columns, seed):
    rng = random.Random(seed)
    return [[ad.Value(rng.uniform(-1.0, 1.0)) for _ in range(columns)] for _ in range(rows)]


TABLES = {"e": table_of(4, 3, 1), "f": table_of(4, 3, 2), "g": table_of(3, 3, 3), "k": table_of(3, 3, 4)}


def padded_with_zeros(x):
    wide = len(x[0]) + 2
    return [[0.0] * wide, *[[0.0, *row, 0.0] for row in x], [0.0] * wide]


def convolved(x):
    z = padded_with_zeros(x)
    return [
        ad.tanh(ad.sum([TABLES["k"][a][b] * z[i + a][j + b] for a in range(3) for b in range(3)]))
        for i in range(len(x))
        for j in range(len(x[0]))
    ]


def looked_up(x):
    e, f = TABLES["e"], TABLES["f"]
    rows = [e[2], f[0], e[0], x[0], f[2], [1.0, 1.0, 1.0], e[1], f[1], x[1], e[3], [1.0, 1.0, 1.0]]
    return [ad.tanh(ad.dot(row, weights)) for row in rows for weights in TABLES["g"]]


def recurrent(x):
    state = [0.0, 0.0, 0.0]
    for row in x:
        state = [
            ad.tanh(ad.dot(weights, state) + ad.dot(others, row))
            for weights, others in zip(TABLES["g"], TABLES["k"], strict=True)
        ]
    return state


FORMS = {
    "a convolution": convolved,
    "rows of tables, of data and of ones": looked_up,
    "the products of all rows": lambda x: [
        ad.dot(a, b) for rows in [[*x, [1.0] * 3, *TABLES["e"], x[0]]] for a in rows for b in rows
    ],
    "a recurrence": recurrent,
    "parameters times columns of data": lambda x: [ad.tanh(ad.dot(w, row)) for w in TABLES["e"] for row in x],
    "a linear system": lambda x: ad.solve([[*row[:2]] for row in x[:2]], x[2][:2]),
    "two sums of several shapes": lambda x: [ad.sum(row) - ad.dot(row, x[0]) * 2.0 for row in x] + [-ad.sum(x[1])],
    "a diagonal of its own": lambda x: [
        ad.sum(
            [
                ad.dot([v * v if i == j else ad.tanh(v) for j, v in enumerate(row)], x[1]) * TABLES["k"][0][i]
                for i, row in enumerate(TABLES["g"])
            ]
        )
    ],
    "one input for each": lambda x: [ad.tanh(w * v) for row in TABLES["g"] for w, v in zip(row, x[0], strict=True)],
    "a chequerboard": lambda x: [
        ad.exp(ad.tanh(a * b) if (i + j) % 2 else ad.sin(a * b)) for i, a in enumerate(x[0]) for j, b in enumerate(x[1])
    ],
}


@pytest.mark.parametrize("pad", [False, True], ids=["as it comes", "padded"])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_whatever_lies_beside_each_other_is_gathered_in_values_and_gradients(form, pad, monkeypatch):
    if pad:
        monkeypatch.setattr(export, "shorter", lambda rolled, n, pad: pad())
    f = ad.compile(lambda x: ad.sum([v * math.cos(i) for i, v in enumerate(form(x))]))
    agrees(f, np, np.random.default_rng(1).normal(size=(4, 3, 3)) + 2.0 * np.eye(3), tolerance=1e-11)


def test_no_numbers_are_an_array_of_none():
    f = ad.compile(lambda x: [[], []])
    assert module_of(f, 1.0).values(np, {}, np.zeros(5)).shape == (5, 2, 0)


def test_parameters_of_another_form_of_arguments_have_gradient_0():
    few, many = [ad.Value(2.0)], [ad.Value(3.0), ad.Value(4.0)]
    f = ad.compile(lambda xs: ad.dot(few if len(xs) == 1 else many, xs))
    f([1.0])
    agrees(f, np, [[1.0, 2.0]])
    _, gradients = module_of(f).loss_and_gradients(np, f.params(), np.array([[1.0, 2.0]]))
    assert {key: array.tolist() for key, array in gradients.items()} == {"few": [0.0], "many": [1.0, 2.0]}


# ---- padding ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def always_padded(monkeypatch):
    monkeypatch.setattr(export, "shorter", lambda rolled, n, pad: pad())


def attention(n_heads=2, size=3, seed=3):
    """The loss of one layer of causal attention, each query over the keys so far."""
    rng, wide = random.Random(seed), n_heads * size
    q, k, v, out = ([[ad.Value(rng.gauss(0, 0.5)) for _ in range(wide)] for _ in range(wide)] for _ in range(4))

    def loss(rows):
        keys, values, found = [], [], []
        for row in rows:
            query, key, value = [[ad.dot(line, row) for line in matrix] for matrix in (q, k, v)]
            keys.append(key)
            values.append(value)
            heads = []
            for at in range(0, wide, size):
                scores = [ad.dot(query[at : at + size], key[at : at + size]) / size**0.5 for key in keys]
                shares = ad.softmax(scores)
                heads += [ad.dot(shares, [value[at + j] for value in values]) for j in range(size)]
            found.append(nn.cross_entropy([ad.dot(line, heads) for line in out], 1))
        return ad.mean(found)

    return ad.compile(loss)


def lines_of_source(f, n):
    f.backward(np.random.default_rng(n).normal(size=(2, n, 6)))
    return f.source.partition("\n\n\n")[0].count("\n")


def test_attention_of_any_length_is_as_many_lines(xp):
    f = attention()
    lengths = {lines_of_source(f, n) for n in (4, 5, 9)}
    assert len(lengths) == 1
    assert max(lengths) < 90
    assert "mask = xp.arange(9)[:, None] >= xp.arange(9)\n" in f.source
    agrees(f, xp, np.random.default_rng(1).normal(size=(3, 5, 6)))


def test_what_is_padding_has_no_part_in_values_or_gradients():
    """Scores that are hidden may be so large that their exponentials are infinite, and their values nan."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    try:
        f = attention()
        rows = np.random.default_rng(2).normal(size=(2, 4, 6))
        rows[:, 3] *= 1e3  # the first queries are multiplied by it, and may not look
        expected = f.backward(rows)
        wanted = gradients_of(f)
        functions = module_of(f)
        mean, gradients = functions.loss_and_gradients(jax.numpy, f.params(jax.numpy), rows)
        theirs = jax.grad(lambda p: functions.loss(jax.numpy, p, rows))(f.params(jax.numpy))
        assert float(mean) == pytest.approx(expected, rel=1e-12)
        for key in wanted:
            scale = np.abs(wanted[key]).max()
            close(gradients[key] / scale, wanted[key] / scale, 1e-11)
            close(theirs[key] / scale, wanted[key] / scale, 1e-11)
    finally:
        jax.config.update("jax_enable_x64", False)


UNEVEN = {
    "sums": lambda w, x: [ad.sum(x[: i + 1]) for i in range(len(x))],
    "sums from behind": lambda w, x: [ad.sum([v * v for v in x[i:]]) for i in range(len(x))],
    "dots": lambda w, x: [ad.dot(w[: i + 1], x[: i + 1]) for i in range(len(x))],
    "dots of pairs": lambda w, x: [ad.dot(w[i : i + 2], x[i : i + 2]) for i in range(len(x) - 1)],
    "the largest": lambda w, x: [ad.max([w[i] * v for v in x[: i + 1]]) for i in range(len(x))],
    "the smallest": lambda w, x: [ad.min([w[i] * v for v in x[i:]]) for i in range(len(x))],
    "a table of triangles": lambda w, x: [ad.tanh(w[i] * x[j]) / ad.exp(w[j]) for i in range(len(x)) for j in range(i + 1)],
    "sums of those": lambda w, x: [ad.log(ad.sum([ad.exp(w[i] * x[j]) for j in range(i + 1)])) for i in range(len(x))],
    "powers and quotients": lambda w, x: [
        ad.sum([ad.exp(w[i] * x[j]) ** w[j] / ad.exp(x[i] * x[j]) for j in range(i + 1)]) for i in range(len(x))
    ],
    "the same twice": lambda w, x: [ad.sum([x[i], x[i], w[i], *x[:i]]) for i in range(len(x))],
    "one of each row": lambda w, x: [
        ad.log(row[3 * i % len(row)]) for i in range(len(x)) for row in [ad.softmax([w[i] * v for v in x])]
    ],
}


@pytest.mark.parametrize("n", [1, 2, 6])
@pytest.mark.parametrize("rows", UNEVEN.values(), ids=UNEVEN)
def test_uneven_sums_are_as_eager(always_padded, rows, n):
    w = [ad.Value(0.3 + 0.1 * i, f"w[{i}]") for i in range(max(n, 2))]
    f = ad.compile(lambda x: ad.sum([v * math.cos(i) for i, v in enumerate(rows(w, x))]) if n > 1 else rows(w, [x[0], x[1]])[0])
    agrees(f, np, np.random.default_rng(n).normal(size=(3, max(n, 2))))
    g = ad.compile(lambda: ad.sum(rows(w, [v * 0.5 for v in w])))
    agrees(g, np)


@settings(max_examples=60)
@given(graphs(), st.booleans())
def test_random_graphs_padded(graph, shared):
    steps, wide, n = graph
    w = [ad.Value(0.3 - 0.2 * i, f"w{i}") for i in range(wide + 1)]
    f = ad.compile(lambda x: drawn(steps, w, w if shared else x))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "shorter", lambda rolled, n, pad: pad())
        agrees(f, np, np.random.default_rng(n).normal(size=(n, wide)), tolerance=1e-11)


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_a_network_padded(always_padded, xp, activation):
    model = nn.MLP(4, [6, 3], activation, seed=1)
    rng = np.random.default_rng(0)
    f = ad.compile(lambda x, label: nn.cross_entropy([model(x)], [label]))
    agrees(f, xp, rng.normal(size=(7, 4)), rng.integers(0, 3, 7))


# ---- what it reads like -----------------------------------------------------------------------------------------------------


def test_the_source_reads_as_a_person_would_write_it():
    model = nn.MLP(2, [16, 16, 1], "relu", seed=1)
    loss = ad.compile(lambda x, y: nn.hinge([model(x)], [y]))
    loss.backward([[0.1, 0.2]], [1.0])
    source = loss.source
    assert "(xp, params, x, y):" in source
    assert 'W0 = params["layers.0.w"]' in source
    assert "v0 = x @ W0.T + b0\n" in source
    assert '"layers.1.b": xp.sum(' in source
    body = source.partition("\n\n\n")[0].splitlines()
    computing = [line for line in body if " = " in line and "params[" not in line and "asarray" not in line]
    assert len(computing) <= 20
    assert "take" not in source
    assert max(map(len, body)) <= 100


def test_named_results_keep_their_names():
    weights = [[ad.Value(0.1 * (i + j), f"w{i}{j}") for j in range(3)] for i in range(4)]

    def loss(xs):
        hiddens = []
        for row in weights:
            score = ad.dot(row, xs)
            hidden = ad.tanh(score)
            hiddens.append(hidden)
        return ad.sum(hiddens)

    f = ad.compile(loss)
    with ad.record_source():
        f([1.0, 2.0, 3.0])
    assert "score = xs @ " in f.source
    assert "hidden = xp.tanh(score)" in f.source


HOSTILE = [
    'evil"""\nimport os', "a b", "class", "xp.exp", "x", "params", "v0", "n", "dtype", "ﬁ", "fi", "\x1b[31mred", "w.0", "", "1",
    "λ", "_step", "loss", "values", "'", '"', "\\", "*/ int x; /*", "\x000\x00", "a" * 300, "1.2.3", "neurons.0",
    "neurons.0.w.0",
]  # fmt: skip


def test_hostile_and_clashing_names(tmp_path):
    weights = [ad.Value(0.1 * i, name) for i, name in enumerate([*HOSTILE, "class", "x", "w.1"])]
    rows = [[ad.Value(0.1 * i + j, f"{name}[{j}]") for j in range(2)] for i, name in enumerate([*HOSTILE, "class", "x", "w.1"])]

    def f(v0, xp, params=None):
        return ad.dot(weights, [ad.exp(v0 * row[0] - row[1] + xp) for row in rows])

    f.__name__ = "class"
    f = ad.compile(f)
    agrees(f, np, [0.1, 0.2], [0.3, 0.4])
    function_of(f)
    file = tmp_path / "hostile.py"
    f.export(file)
    exec(compile(file.read_text(encoding="utf-8"), "hostile", "exec"), {})
    loss, gradients = in_c(f, tmp_path, [0.1, 0.3])
    assert loss == pytest.approx(f(0.1, 0.3), rel=1e-13)
    assert len(gradients) == sum(array.size for array in f.params().values())


@pytest.mark.parametrize("name", ["exp", "class", "xp", "params", "<lambda>", "1", "", "a\nb", "été", "values", "_step"])
def test_a_source_calls_what_it_means_to_call(name):
    def f(x):
        return ad.relu(ad.exp(x))

    f.__name__ = name
    f = ad.compile(f)
    f.value_and_grad(1.0)
    made = function_of(f)
    assert made.__name__.isidentifier()
    assert not keyword.iskeyword(made.__name__)
    values, gradients = made(np, {}, np.array([1.0]))
    assert (values[0], gradients[0, 0]) == pytest.approx((math.e, math.e))


# ---- parameters -------------------------------------------------------------------------------------------------------------


def test_parameters_are_folded_by_path():
    model = nn.MLP(2, [16, 1], "tanh", seed=1)
    f = ad.compile(lambda x: model(x))
    f([1.0, 2.0])
    params = f.params()
    assert {key: array.shape for key, array in params.items()} == {
        "layers.0.w": (16, 2), "layers.0.b": (16,), "layers.1.w": (1, 16), "layers.1.b": (1,),
    }  # fmt: skip
    assert params["layers.0.w"][3, 1] == model.layers[0].neurons[3].w[1].data
    params["layers.0.b"][:] = np.arange(16.0)
    f.load_params(params)
    assert [neuron.b.data for neuron in model.layers[0].neurons] == [float(i) for i in range(16)]


def test_a_parameter_that_the_function_does_not_use_has_gradient_0(xp):
    model = nn.MLP(2, [3, 2], "tanh", seed=1)
    table = {"rows": [[ad.Value(0.1 * i + j) for j in range(2)] for i in range(5)]}
    f = ad.compile(lambda x: model(x)[0] * table["rows"][3][1] * table["rows"][1][0])
    f([1.0, 2.0])
    assert f.params()["table.rows"].shape == (5, 2)
    _, gradients = module_of(f).loss_and_gradients(xp, f.params(xp), *arrays(xp, [[1.0, 2.0]]))
    agrees(f, xp, [[1.0, 2.0]])
    assert not np.asarray(gradients["layers.1.w"])[1].any()
    assert np.asarray(gradients["table.rows"])[[0, 2, 4]].tolist() == [[0.0, 0.0]] * 3


def test_two_models_with_the_same_paths_and_ragged_ones():
    first, second = nn.MLP(2, [2, 1], seed=1), nn.MLP(2, [2, 1], seed=2)
    ragged = [[ad.Value(1.0)], [ad.Value(2.0), ad.Value(3.0)]]
    f = ad.compile(lambda x: first(x) + second(x) * ragged[0][0] + ragged[1][1])
    f([1.0, 2.0])
    shapes = {key: array.shape for key, array in f.params().items()}
    assert len(shapes) == 10
    assert shapes["ragged.0"] == (1,)
    assert shapes["ragged.1"] == (2,)
    assert sorted(shapes.values()).count((2, 2)) == 2
    agrees(f, np, [[1.0, 2.0]])


class Registry:
    """Holds parameters where nobody looks for them by path."""

    named, unnamed, twice = ad.Value(2.0, "scale.w"), ad.Value(3.0), ad.Value(4.0, "scale.w")


def test_parameters_that_no_variable_leads_to_go_by_their_names_or_numbers():
    f = ad.compile(lambda x: x * Registry.named + Registry.unnamed * Registry.twice)
    f(1.0)
    assert {key: float(value) for key, value in f.params().items()} == {"scale.w": 2.0, "p.1": 3.0, "scale.w_2": 4.0}
    agrees(f, np, [1.0, 2.0])


def test_parameters_in_arrays_of_objects_defaults_partials_and_lists_of_any_depth():
    row, alone = np.array([ad.Value(1.0), ad.Value(2.0)]), np.array(ad.Value(3.0))
    mixed = [ad.Value(4.0), [ad.Value(5.0), ad.Value(6.0)]]
    dotted = {"a.b": ad.Value(7.0), "a": {"b": ad.Value(8.0)}}

    def loss(scale, x, more=mixed):
        if x is None:
            return later  # which is never assigned
        return x * row[0] * row[1] + alone.item() * more[0] * more[1][0] * more[1][1] * scale + dotted["a.b"] * dotted["a"]["b"]

    if not row.size:
        later = None
    f = ad.compile(functools.partial(loss, ad.Value(9.0, "scale")))
    f(1.0)
    values = {key: array.ravel().tolist() for key, array in f.params().items()}
    assert sorted(itertools.chain(*values.values())) == [float(i) for i in range(1, 10)]
    assert values["row"] == [1.0, 2.0]
    assert (values["dotted.a.b"], values["dotted.a.b_2"]) == ([7.0], [8.0])
    agrees(f, np, [1.0, 2.0])


def test_methods_callables_partials_and_plain_objects():
    class Net:
        def __init__(self, seed):
            rng = random.Random(seed)
            self.weights = [ad.Value(rng.random()) for _ in range(3)]

        @ad.compile
        def loss(self, x):
            return ad.dot(self.weights, x) ** 2

    net = Net(1)
    net.loss.backward([[1.0, 2.0, 3.0]])
    assert {key: array.shape for key, array in net.loss.params().items()} == {"model.weights": (3,)}
    assert "(xp, params, x):" in net.loss.source
    model = nn.Perceptron(2, seed=1)
    f = ad.compile(model)
    f([1.0, 2.0])
    assert {key: array.shape for key, array in f.params().items()} == {"w": (2,), "b": ()}


def test_what_does_not_fit_changes_nothing():
    model = nn.Perceptron(2, seed=1)
    f = ad.compile(lambda x: model(x))
    with pytest.raises(TraceError, match="not been called"):
        f.params()
    with pytest.raises(TraceError, match=r"to_c\(\) the arguments of one sample"):
        f.to_c("never.c")
    f([1.0, 2.0])
    before = model.state_dict()
    with pytest.raises(StateError, match="misses 'b'"):
        f.load_params({"w": np.zeros(2)})
    with pytest.raises(ShapeError, match=r"'b' must have the shape \(\), not \(1,\)"):
        f.load_params({"w": np.zeros(2), "b": np.zeros(1)})
    with pytest.raises(TypeError, match="real numbers"):
        f.load_params({"w": np.zeros(2), "b": np.array("x")})
    assert model.state_dict() == before


def test_parameters_are_taken_from_the_arrays_of_a_device():
    class OnDevice:
        """As CuPy has it."""

        def get(self):
            return np.array([0.5, -0.5])

    model = nn.Perceptron(2, seed=1)
    f = ad.compile(lambda x: model(x))
    f([1.0, 2.0])
    f.load_params({"w": OnDevice(), "b": np.array(3)})
    assert [p.data for p in model.parameters()] == [0.5, -0.5, 3.0]


def test_a_callable_that_does_not_say_what_it_takes_has_arguments_with_numbers():
    class Silent:
        __signature__ = "none"

        def __call__(self, x, y):
            return x * y

    f = ad.compile(Silent())
    assert module_of(f, 2.0, 3.0).values(np, {}, np.array([2.0]), np.array([5.0])).tolist() == [10.0]
    assert "(xp, params, x0, x1):" in f.source


def test_an_operation_that_has_no_spelling_is_named(tmp_path, monkeypatch):
    monkeypatch.delitem(SPELLINGS, "tanh")
    f = ad.compile(lambda x: ad.tanh(x))
    with pytest.raises(UnknownNameError, match="'tanh'"):
        f.export(tmp_path / "never.py", 1.0)
    assert not list(tmp_path.iterdir())


# ---- files ------------------------------------------------------------------------------------------------------------------

WITHOUT_AUTODIFF = """
import sys
sys.modules["autodiff"] = None
sys.path.insert(0, sys.argv[1])
import numpy
import step
params = dict(numpy.load(sys.argv[1] + "/params.npz"))
x, y = numpy.load(sys.argv[1] + "/x.npy"), numpy.load(sys.argv[1] + "/y.npy")
loss, gradients = step.loss_and_gradients(numpy, params, x, y)
assert loss == step.loss(numpy, params, x, y)
numpy.savez(sys.argv[1] + "/gradients.npz", loss=loss, **gradients)
"""


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_an_exported_file_runs_where_there_is_no_autodiff(tmp_path, activation):
    model = nn.MLP(3, [4, 2], activation, seed=2)
    f = ad.compile(lambda x, y: nn.mse(model(x), y))
    f.export(tmp_path / "step.py", [0.0] * 3, [0.0] * 2)  # nothing has been recorded yet
    x, y = np.random.default_rng(0).normal(size=(7, 3)), np.random.default_rng(1).normal(size=(7, 2))
    np.savez(tmp_path / "params.npz", **f.params())
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    subprocess.run([sys.executable, "-c", WITHOUT_AUTODIFF, str(tmp_path)], check=True, cwd=tmp_path)
    found = np.load(tmp_path / "gradients.npz")
    assert found["loss"] == pytest.approx(f.backward(x, y), rel=1e-14)
    for key, gradient in gradients_of(f).items():
        close(found[key], gradient)


def test_to_jax_is_pure_and_can_be_compiled_and_differentiated():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    try:
        model = nn.MLP(3, [4, 2], "tanh", seed=2)
        f = ad.compile(lambda x, y: nn.mse(model(x), y))
        step = jax.jit(f.to_jax([0.0] * 3, [0.0] * 2))
        x, y = np.random.default_rng(0).normal(size=(7, 3)), np.random.default_rng(1).normal(size=(7, 2))
        params = f.params(jax.numpy)
        loss, gradients = step(params, x, y)
        assert float(loss) == pytest.approx(f.backward(x, y), rel=1e-14)
        for key, gradient in gradients_of(f).items():
            close(gradients[key], gradient)
        theirs = jax.grad(lambda p: module_of(f).loss(jax.numpy, p, x, y))(params)
        for key in gradients:
            close(theirs[key], gradients[key])
        moved = {key: array - 0.1 * gradients[key] for key, array in params.items()}
        f.load_params(moved)
        close(f.params()["layers.0.w"], moved["layers.0.w"], 0)
    finally:
        jax.config.update("jax_enable_x64", False)


def test_to_torch_takes_tensors():
    torch = pytest.importorskip("torch")
    pytest.importorskip("array_api_compat")
    model = nn.MLP(3, [4, 2], "relu", seed=2)
    f = ad.compile(lambda x, y: nn.mse(model(x), y))
    x, y = np.random.default_rng(0).normal(size=(7, 3)), np.random.default_rng(1).normal(size=(7, 2))
    params = f.to_torch([0.0] * 3, [0.0] * 2) and f.params(torch)
    loss, gradients = f.to_torch()(params, torch.asarray(x), torch.asarray(y))
    assert loss.item() == pytest.approx(f.backward(x, y), rel=1e-14)
    for key, gradient in gradients_of(f).items():
        close(gradients[key], gradient)
    f.load_params({key: array.requires_grad_() for key, array in params.items()})


def as_c(array):
    """A pointer to an array of doubles, which must live as long."""
    assert array.dtype == float
    assert array.flags.c_contiguous
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_double))


def c_library(f, folder, name, built=False):
    """What ``to_c`` writes, compiled."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler")
    if not built:
        f.to_c(folder / f"{name}.c")
        flags = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-pedantic", "-ffp-contract=off", "-shared", "-fPIC"]
        command = [compiler, *flags, str(folder / f"{name}.c"), "-o", str(folder / f"{name}.so"), "-lm"]
        subprocess.run(command, check=True)
    return ctypes.CDLL(str(folder / f"{name}.so"))


def in_c(f, folder, sample, name="step"):
    """Loss and gradients by a C compiler."""
    library = c_library(f, folder, name)
    params = np.concatenate([array.ravel() for array in f.params().values()] or [np.zeros(0)])
    gradients, sample = np.full(len(params), math.nan), np.array(sample, dtype=float)
    pointers = [as_c(array) for array in (params, sample, gradients)]
    one, both = getattr(library, f"{name}_loss"), getattr(library, f"{name}_loss_and_gradients")
    one.restype = both.restype = ctypes.c_double
    first = one(*pointers[:2])
    for _ in range(2):  # nothing is left of the call before
        loss = both(*pointers)
    assert loss == first or (loss != loss and first != first) or math.isclose(loss, first, rel_tol=1e-14)
    return loss, gradients


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_whatever_lies_beside_each_other_in_c(tmp_path, form):
    f = ad.compile(lambda x: ad.sum([v * math.cos(i) for i, v in enumerate(form(x))]))
    x = np.random.default_rng(1).normal(size=(3, 3)) + 2.0 * np.eye(3)
    f.backward(x[None])
    zeroed(f)
    expected = f.backward(x[None])
    loss, gradients = in_c(f, tmp_path, x)
    assert loss == pytest.approx(expected, rel=1e-12)
    close(gradients, np.concatenate([array.ravel() for array in gradients_of(f).values()] or [np.zeros(0)]), 1e-11)


def test_numbers_that_are_none_in_c(tmp_path):
    f = ad.compile(lambda x: ad.where(x[0] > 0, x[0], math.nan) + ad.where(x[1] > 0, x[1], -math.inf))
    f.value_and_grad([1.0, 1.0])
    assert in_c(f, tmp_path, [1.0, 2.0])[0] == 3.0
    assert math.isnan(in_c(f, tmp_path, [-1.0, 2.0])[0])
    assert in_c(f, tmp_path, [1.0, -2.0])[0] == -math.inf


def test_an_operation_that_has_no_spelling_in_c_is_named(tmp_path, monkeypatch):
    monkeypatch.delitem(c.SPELLINGS, "tanh")
    with pytest.raises(UnknownNameError, match="'tanh' has no spelling in C"):
        ad.compile(lambda x: ad.tanh(x)).to_c(tmp_path / "never.c", 1.0)
    assert not list(tmp_path.iterdir())


def test_a_loop_is_one_loop_in_c(tmp_path):
    """What is carried, taken anew each time and kept for the way back; a hundred steps are as long a text as a thousand."""
    a, b = ad.Value(1.1, "a"), ad.Value(0.4, "b")

    def steps(n):
        def f(inputs):
            x, y = 1.0, inputs[0] * 0.5
            for i in range(n):
                x, y = x + 0.01 * (a * x - b * x * y) + inputs[i], y + 0.01 * ad.tanh(x * y - y) * inputs[n - 1 - i]
            return x * x + y

        return ad.compile(f)

    lines = []
    for n in (100, 1000):
        f, sample = steps(n), [0.3 * math.cos(i) for i in range(n)]
        a.grad = b.grad = 0.0
        expected = f.backward([sample])
        loss, gradients = in_c(f, tmp_path, sample, f"steps_{n}")
        assert loss == pytest.approx(expected, rel=1e-14)
        close(gradients, [a.grad, b.grad])
        assert any(group.loop for group in f.program.groups)
        lines.append((tmp_path / f"steps_{n}.c").read_text().count("\n"))
    assert lines[0] == lines[1] < 210


def test_every_row_and_edge_in_c(tmp_path):
    table = edges(random.Random(5))
    values, gradients = eagerly(table)
    w = [[ad.Value(0.5) for _ in range(4)] for _ in ROWS]
    several = ad.compile(lambda: every_row(w))
    several()
    f = ad.compile(lambda: ad.sum([x for row in w for x in row]) * 0.0 + ad.sum(every_row(w)))
    f()
    assert [array.shape for array in export.arrays_of(f)] == [(len(ROWS), 4)]
    f = ad.compile(lambda: ad.sum(every_row(w)))
    f()
    in_c(f, tmp_path, [])
    library = c_library(several, tmp_path, "several")
    for point, expected, slopes in zip(table, values, gradients, strict=True):
        found = np.empty(len(ROWS))
        library.several_values(as_c(point), as_c(np.zeros(1)), as_c(found))
        close_by_row([found], expected[None], 1e-13)
        slope = np.empty(table.shape[1:])
        c_library(f, tmp_path, "step", built=True).step_loss_and_gradients(as_c(point), as_c(np.zeros(1)), as_c(slope))
        close_by_row([slope], slopes[None], 1e-13)


def test_values_in_c_when_there_are_several(tmp_path):
    w = ad.Value(3.0, "w")
    f = ad.compile(lambda x: [x[0] * w, x[1], 7.0])
    f.to_c(tmp_path / "several.c", [1.0, 2.0])
    header = (tmp_path / "several.h").read_text()
    assert "void several_values(const double *params, const double *sample, double *values);" in header
    assert "#define SEVERAL_VALUES 3" in header


@pytest.fixture(params=["its reference", "onnxruntime"])
def run_onnx(request, tmp_path):
    """Writes the model of a function and evaluates it; the example is the first sample."""
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime" if request.param == "onnxruntime" else "onnx.reference")

    def run(f, example, *batch):
        file = tmp_path / "model.onnx"
        f.to_onnx(file, *example)
        if request.param == "onnxruntime":
            session = runtime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
            names = [entry.name for entry in session.get_inputs()]
        else:
            session = runtime.ReferenceEvaluator(str(file))
            names = session.input_names
        with np.errstate(all="ignore"):
            return session.run(None, dict(zip(names, [np.asarray(x, dtype=float) for x in batch], strict=True)))[0]

    return run


def test_every_row_and_edge_in_onnx(run_onnx):
    table = edges(random.Random(5))
    close_by_row(run_onnx(ad.compile(every_row), [table[0].tolist()], table), eagerly(table)[0])


@pytest.mark.parametrize("n", [0, 1, 7, 100])
def test_a_network_in_onnx(run_onnx, n):
    model = nn.MLP(4, [6, 3], "gelu", seed=1)
    f = ad.compile(lambda x, label: nn.cross_entropy([model(x)], [label]))
    rng = np.random.default_rng(n)
    x, labels = rng.normal(size=(n, 4)), rng.integers(0, 3, n)
    close(run_onnx(f, [[0.0] * 4, 0], x, labels), f.map(x, labels) if n else [])
    scores = ad.compile(lambda x: ad.softmax(model(x)))
    found = run_onnx(scores, [[0.0] * 4], x)
    assert found.shape == (n, 3)
    if n:
        close(found, scores.map(x))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_whatever_lies_beside_each_other_in_onnx(run_onnx, form):
    f = ad.compile(form)
    xs = np.random.default_rng(1).normal(size=(4, 3, 3)) + 2.0 * np.eye(3)
    close(run_onnx(f, [xs[0].tolist()], xs), f.map(xs), 1e-11)


def test_arguments_of_any_form_in_onnx(run_onnx):
    """Dictionaries, samples along another axis, numbers that all samples share, and results taken backwards or of none."""
    f = ad.compile(lambda d, s: [d["x"][2] * s, *d["x"][::-1], d["y"], 1.0], in_axes=({"x": 1, "y": 0}, None))
    x, y = np.arange(12.0).reshape(3, 4), np.arange(4.0)
    found = run_onnx(f, [{"x": [0.0] * 3, "y": 0.0}, 0.0], x, y, 2.0)
    close(found, np.stack([2.0 * x[2], x[2], x[1], x[0], y, np.ones(4)], axis=1))
    assert run_onnx(ad.compile(lambda x: [[], []]), [1.0], np.zeros(5)).shape == (5, 2, 0)


def test_a_missing_form_in_onnx_is_named():
    pytest.importorskip("onnx")
    from autodiff.compiler.onnx import Graph, Namespace

    with pytest.raises(AttributeError, match="'bessel'"):
        Namespace(Graph()).bessel  # noqa: B018


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    f = ad.compile(lambda x: x * 2.0)
    with pytest.raises(FileNotFoundError, match="no folder"):
        f.export(tmp_path / "missing" / "step.py", 1.0)
    assert not list(tmp_path.iterdir())


# ---- training ---------------------------------------------------------------------------------------------------------------


def trained(**how):
    model = nn.MLP(2, [4, 1], "tanh", seed=1)
    rng = random.Random(1)
    xs = [[rng.uniform(-1, 1), rng.uniform(-1, 1)] for _ in range(23)]
    ys = [float(x * y > 0) for x, y in xs]
    log = nn.fit(
        model, xs, ys, epochs=4, batch_size=10, optimizer=ad.optim.Adam(model.parameters(), lr=0.05), seed=2,
        validation=(xs[:5], ys[:5]), progress=False, **how,
    )  # fmt: skip
    return model.state_dict(), log


def test_fit_with_jax_takes_the_same_steps():
    pytest.importorskip("jax")
    ours, our_log = trained(compile=True)
    theirs, their_log = trained(engine="jax")
    assert list(theirs) == list(ours)
    close(list(theirs.values()), list(ours.values()), 1e-9)
    close(their_log.losses, our_log.losses, 1e-9)
    close(their_log.validation, our_log.validation, 1e-9)
    assert their_log.steps == 12


def test_an_engine_that_does_not_exist():
    with pytest.raises(SettingError, match="not 'tpu'"):
        trained(engine="tpu")
