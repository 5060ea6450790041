"""The functions of Values and numbers: those composed of rows, how many nodes they record, what they refuse."""

import math
import operator
import pickle
from fractions import Fraction

import pytest

from autodiff.engine import functions as f
from autodiff.engine.differentiate import gradients as gradients_of
from autodiff.engine.recording import record_source, scope, strict
from autodiff.engine.value import Value, topological_order
from autodiff.errors import NonFiniteError, ShapeError

inf, nan = math.inf, math.nan


def values(*numbers):
    return [Value(x) for x in numbers]


def operations_in(root):
    return [node.op for node in topological_order(root) if node.op]


def gradients(out, leaves):
    out.backward()
    return [leaf.grad for leaf in leaves]


# ---- numbers and Values ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [2, True, Fraction(1, 2), 0.5])
def test_numbers_of_any_kind_give_floats(number):
    for out in (f.exp(number), f.hypot(number, 1), f.max(number, 0), f.sum([number]), f.where(True, number, 0), f.elu(number)):
        assert type(out) is float
    assert f.exp(number) == math.exp(number)


def test_one_value_among_the_operands_makes_a_value():
    x = Value(2.0)
    for out in (f.hypot(x, 1), f.hypot(1, x), f.max(1, x, 3), f.sum([1, x]), f.dot([1], [x]), f.norm(1, x), f.clip(1, 0, x)):
        assert isinstance(out, Value)


@pytest.mark.parametrize("wrong", ["1", b"1", 1j, None, [1.0], object()], ids=lambda x: type(x).__name__)
@pytest.mark.parametrize("name", ["exp", "relu", "sqrt", "sigmoid", "leaky_relu"])
def test_what_is_not_a_number_is_refused_by_name(name, wrong):
    with pytest.raises(TypeError, match=f"{name}.* takes a real number, not {type(wrong).__name__}"):
        getattr(f, name)(wrong)


@pytest.mark.parametrize("wrong", ["1", 1j, None])
@pytest.mark.parametrize("apply", [f.max, f.norm, f.hypot, f.mod, f.maximum, f.xlogy], ids=lambda apply: apply.__name__)
def test_what_is_not_a_number_is_refused_beside_a_value_too(apply, wrong):
    with pytest.raises(TypeError, match=type(wrong).__name__):
        apply(Value(1.0), wrong)
    with pytest.raises(TypeError, match=type(wrong).__name__):
        apply(wrong, Value(1.0))


def test_the_wrong_number_of_operands_is_a_type_error():
    for call in (lambda: f.exp(), lambda: f.exp(1, 2), lambda: f.hypot(Value(1.0)), lambda: f.elu(Value(1.0), 1, 2)):
        with pytest.raises(TypeError):
            call()


def test_every_public_function_has_a_docstring_and_is_listed_once():
    assert sorted(f.__all__) == sorted(set(f.__all__))
    for name in f.__all__:
        assert getattr(f, name).__doc__, name


def test_a_function_asked_for_is_there():
    asked = """exp expm1 log log1p log2 log10 sqrt cbrt sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh hypot
        erf erfc abs sign maximum minimum max min clip where xlogy sigmoid relu leaky_relu elu selu gelu silu softplus softsign
        mish maxout step sum prod mean dot norm softmax log_softmax logsumexp"""
    assert set(asked.split()) <= set(f.__all__)


# ---- sums, products, distances -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("apply", "name"),
    [
        (f.sum, "sum"),
        (f.prod, "prod"),
        (f.norm, "norm"),
        (f.logsumexp, "logsumexp"),
        (f.max, "max"),
        (lambda xs: f.dot(xs, xs), "dot"),
    ],
)
def test_an_operation_of_many_operands_is_one_node(apply, name):
    assert operations_in(apply(values(*range(1, 101)))) == [name]


def test_sum_takes_a_generator_with_numbers_among_its_values():
    x, y = values(2.0, 3.0)
    out = f.sum(z for z in (x, 10, y, x))
    assert out.data == 17.0
    assert gradients(out, [x, y]) == [2.0, 1.0]


def test_sums_go_from_left_to_right():
    terms = [1.0, 1e100, 1.0, -1e100]
    assert f.sum(terms) == f.sum(values(*terms)).data == 0.0
    assert f.dot(terms, [1.0] * 4) == f.dot(values(*terms), [1.0] * 4).data == 0.0


def test_a_generator_of_products_is_summed_as_one_dot():
    ws, xs = values(0.1, 1e16, -0.7, -1e16), [3, 1.5, 0.1, 1.5]
    out, products = f.sum(w * x for w, x in zip(ws, xs, strict=True)), [w * x for w, x in zip(ws, xs, strict=True)]
    assert operations_in(out) == ["dot"]
    assert out.arguments == (*ws, *map(float, xs))
    assert (
        out.data == f.sum(products).data == ((0.0 + products[0].data) + products[1].data + products[2].data) + products[3].data
    )
    assert gradients(out, ws) == [3.0, 1.5, 0.1, 1.5]


def test_products_of_two_values_constants_on_either_side_and_squares_become_operands():
    x, y = values(2.0, 3.0)
    out = f.sum(iter(x * y if i == 0 else 5 * x if i == 1 else x * x for i in range(3)))
    assert [out.op, out.data, out.arguments] == ["dot", 20.0, (x, 5.0, x, y, x, x)]
    assert gradients(out, [x, y]) == [3.0 + 5.0 + 4.0, 2.0]
    assert f.sum(map(operator.mul, [x], [y])).op == "dot"


def test_products_that_somebody_holds_stay():
    x, y = values(2.0, 3.0)
    products = [x * y, y * x]
    for given in (products, tuple(products), iter(products), (p for p in products)):
        assert f.sum(given).op == "sum"
    for given in ((x * y, y * x), [x * y, y * x], {x * y, y * x}):
        assert f.sum(given).op == "sum"
    held = []
    assert f.sum(held.append(p) or p for p in (x * y for _ in range(2))).operands == tuple(held)
    out = f.sum(products)
    out.backward()
    assert products[0].grad == 1.0


@pytest.mark.parametrize(
    "other",
    [lambda x: x + 1, lambda x: x, lambda x: 1.0, lambda x: x / 2, lambda x: (x * x).tanh(), lambda x: f.dot([x], [x])],
)
def test_only_products_become_operands(other):
    x = Value(2.0)
    for kinds in ("po", "op", "ppo"):
        assert f.sum(x * x if kind == "p" else other(x) for kind in kinds).op == "sum"


def test_products_with_a_name_or_an_attribute_or_in_a_scope_of_their_own_stay():
    x = Value(2.0)

    def made(change):
        for _ in range(2):
            product = x * x
            change(product)
            yield product

    assert f.sum(made(lambda p: None)).op == "dot"
    assert f.sum(made(lambda p: setattr(p, "name", "p"))).op == "sum"
    assert f.sum(made(lambda p: setattr(p, "note", "p"))).op == "sum"

    def in_scopes(names):
        for name in names:
            with scope(name):
                product = x * x
            yield product

    assert f.sum(in_scopes(["a", "b"])).op == f.sum(in_scopes(["a", "a"])).op == "sum"
    with scope("a"):
        out = f.sum(x * x for _ in range(2))
    assert (out.op, out.scope) == ("dot", "a")


def test_a_product_whose_number_was_written_counts_with_that_number():
    x = Value(2.0)

    def written():
        product = x * 3.0
        product.data = 7.0
        yield product

    assert f.sum(written()).data == 7.0


def test_a_dot_of_products_knows_its_line_and_is_checked_by_strict():
    x = Value(1e200)
    with record_source():
        out = f.sum(x * x for _ in range(1))
        assert out.op == "dot"
        assert out.source.text.startswith("f.sum(")
    with strict(), pytest.raises(NonFiniteError, match="mul"):
        f.sum(x * x for _ in range(1))


def test_a_sum_of_products_can_be_differentiated_twice_and_copied():
    x, y = values(2.0, 3.0)
    out = f.sum(a * b * c for a, b, c in [(x, x, y), (y, y, x)])
    assert operations_in(out) == ["mul", "mul", "dot"]
    (dx,) = gradients_of(out, [x], create_graph=True)
    assert [g.data for g in gradients_of(dx, [x, y], create_graph=True)] == [6.0, 10.0]
    assert pickle.loads(pickle.dumps(out)).data == out.data == 30.0


def test_sum_prod_and_dot_of_nothing():
    assert f.sum([]) == f.dot([], []) == 0.0
    assert f.prod([]) == 1.0


@pytest.mark.parametrize("name", ["max", "min", "mean", "softmax", "log_softmax", "logsumexp", "norm", "maxout"])
def test_nothing_is_refused_where_there_is_no_answer(name):
    with pytest.raises(ValueError, match=r"of nothing"):
        getattr(f, name)([])


def test_dot_is_the_sum_of_products_with_each_other_side_as_partial():
    xs, ys = values(1.0, 2.0, 3.0), values(4.0, 5.0, 6.0)
    out = f.dot(xs, ys)
    assert out.data == 32.0
    assert gradients(out, xs + ys) == [4.0, 5.0, 6.0, 1.0, 2.0, 3.0]


def test_dot_of_a_list_with_itself_and_with_numbers():
    xs = values(1.0, 2.0)
    assert gradients(f.dot(xs, xs), xs) == [2.0, 4.0]
    ws = values(1.0, 2.0)
    assert gradients(f.dot(ws, (z for z in (10, 20))), ws) == [10.0, 20.0]


@pytest.mark.parametrize(("left", "right"), [(3, 2), (2, 3), (1, 3), (0, 1)])
def test_dot_of_lists_that_do_not_fit_says_both_lengths(left, right):
    with pytest.raises(ShapeError, match=rf"{left}\b.*\b{right}\b"):
        f.dot(values(*range(left)), [1.0] * right)
    with pytest.raises(ValueError, match=rf"{left}\b.*\b{right}\b"):
        f.dot([1.0] * left, [1.0] * right)


def test_mean():
    xs = values(1.0, 2.0, 6.0)
    out = f.mean(x for x in xs)
    assert out.data == 3.0
    assert gradients(out, xs) == [1 / 3] * 3
    assert f.mean([1, 2]) == 1.5


def test_prod_of_values_and_numbers():
    x, y = values(2.0, 3.0)
    out = f.prod(x, 10, y, x)
    assert out.data == 120.0
    assert gradients(out, [x, y]) == [120.0, 40.0]


# ---- largest and smallest ----------------------------------------------------------------------------------------------------


def test_max_and_min_take_operands_or_one_iterable():
    assert f.max(1, 3, 2) == f.max([1, 3, 2]) == f.max(x for x in (1, 3, 2)) == 3.0
    assert f.min(1, 3, 2) == f.min([1, 3, 2]) == 1.0
    x, y = values(2.0, 3.0)
    assert f.max(x, y).data == f.max([x, y]).data == f.max(iter((x, y))).data == 3.0


@pytest.mark.parametrize(("apply", "sign"), [(f.max, 1), (f.min, -1), (f.maxout, 1)], ids=["max", "min", "maxout"])
def test_the_extreme_one_takes_the_whole_derivative_and_ties_share_it(apply, sign):
    def shares(*numbers):
        xs = values(*[sign * x for x in numbers])
        return gradients(apply(*xs), xs)

    assert shares(1.0, 2.0, 0.0) == [0.0, 1.0, 0.0]
    assert shares(2.0, 2.0, 0.0) == [0.5, 0.5, 0.0]
    assert shares(2.0, 2.0, 2.0, 2.0) == [0.25] * 4


@pytest.mark.parametrize(("apply", "sign"), [(f.max, 1), (f.min, -1)], ids=["max", "min"])
def test_plain_numbers_take_no_share(apply, sign):
    def shares(numbers, *xs):
        xs = values(*[sign * x for x in xs])
        out = apply(*[sign * c for c in numbers], *xs)
        return out.data * sign, gradients(out, xs)

    assert shares([0.0, 1.0], 2.0, 2.0) == (2.0, [0.5, 0.5])
    assert shares([2.0], 2.0, 2.0) == (2.0, [0.0, 0.0])
    assert shares([3.0, 1.0], 2.0) == (3.0, [0.0])
    assert shares([1.0], 2.0) == (2.0, [1.0])


def test_the_same_value_twice_in_max_gets_both_shares():
    x = Value(2.0)
    assert gradients(f.max(x, x), [x]) == [1.0]


def test_maximum_minimum_and_clip():
    x, y = values(2.0, 3.0)
    assert (f.maximum(x, y).data, f.minimum(x, y).data) == (3.0, 2.0)
    assert gradients(f.maximum(x, y), [x, y]) == [0.0, 1.0]
    assert [f.clip(z, 0, 1) for z in (-1, 0.5, 2)] == [0.0, 0.5, 1.0]
    assert [gradients(f.clip(z, 0, 1), [z]) for z in values(-1.0, 0.5, 2.0)] == [[0.0], [1.0], [0.0]]


def test_the_limits_of_clip_may_be_values():
    x, low, high = values(5.0, 0.0, 3.0)
    assert gradients(f.clip(x, low, high), [x, low, high]) == [0.0, 0.0, 1.0]


# ---- where, softmax, parameters ----------------------------------------------------------------------------------------------


def test_where_takes_one_side_and_only_its_gradient():
    x, y = values(2.0, 3.0)
    assert gradients(f.where(x < y, x * x, y), [x, y]) == [4.0, 0.0]
    assert f.where(False, 1, 2) == 2.0
    untaken = f.log(Value(-1.0))
    assert f.where(True, 1.0, untaken).data == 1.0


def test_where_beside_a_value_is_always_a_value():
    x = Value(1.0)
    assert all(isinstance(out, Value) for out in (f.where(x, 1, 2), f.where(True, 1, x), f.where(False, x, 1)))


@pytest.mark.parametrize("inputs", [(1.0, 2.0, 3.0), (1000.0, 1001.0, 999.0), (-1000.0, -1000.0, -2000.0), (0.5,)])
def test_softmax_sums_to_one_without_overflow_and_has_its_jacobian(inputs):
    shares = [math.exp(x - max(inputs)) for x in inputs]
    shares = [share / math.fsum(shares) for share in shares]
    assert f.softmax(inputs) == pytest.approx(shares, rel=1e-14)
    for i in range(len(inputs)):
        xs = values(*inputs)
        wanted = [shares[i] * ((i == j) - shares[j]) for j in range(len(inputs))]
        assert gradients(f.softmax(xs)[i], xs) == pytest.approx(wanted, rel=1e-13, abs=1e-16)


@pytest.mark.parametrize("inputs", [(1.0, 2.0, 3.0), (1000.0, 0.0, -1000.0)])
def test_log_softmax_is_finite_where_the_logarithm_of_softmax_is_not(inputs):
    largest = max(inputs)
    total = largest + math.log(math.fsum(math.exp(x - largest) for x in inputs))
    assert f.log_softmax(inputs) == pytest.approx([x - total for x in inputs], rel=1e-14)
    for i in range(len(inputs)):
        xs = values(*inputs)
        wanted = [(i == j) - math.exp(x - total) for j, x in enumerate(inputs)]
        assert gradients(f.log_softmax(xs)[i], xs) == pytest.approx(wanted, rel=1e-13, abs=1e-15)


def test_softmax_takes_a_generator_of_values_and_numbers():
    x = Value(0.0)
    first, second = f.softmax(z for z in (x, 0))
    assert first.data == second.data == 0.5


def test_parameters_of_activations_have_defaults_and_may_be_values():
    x, slope = values(-2.0, 0.5)
    assert f.leaky_relu(x).data == -0.02
    assert gradients(f.leaky_relu(x, slope), [x, slope]) == [0.5, -2.0]
    y, alpha = values(-1.0, 2.0)
    assert f.elu(-1) == math.expm1(-1)
    assert gradients(f.elu(y, alpha), [y, alpha]) == pytest.approx([2 * math.exp(-1), math.expm1(-1)], rel=1e-15)
