"""Value as a number: what it is made of, its operators with numbers on either side, comparisons, names, methods."""

import math
import operator
from decimal import Decimal
from fractions import Fraction

import pytest

from autodiff.engine import functions, rules
from autodiff.engine.value import Value

BINARY = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
    "**": operator.pow,
}
every_operator = pytest.mark.parametrize("apply", BINARY.values(), ids=BINARY)

# ---- made of a number --------------------------------------------------------------------------------------------------------


class WithFloat:
    def __float__(self):
        return 2.5

    def __repr__(self):
        return "WithFloat()"


@pytest.mark.parametrize(
    ("given", "data"),
    [(2.5, 2.5), (2, 2.0), (True, 1.0), (Fraction(5, 2), 2.5), (Decimal("2.5"), 2.5), (WithFloat(), 2.5), (Value(2.5), 2.5)],
)
def test_anything_with_float_makes_a_leaf(given, data):
    x = Value(given)
    assert type(x.data) is float
    assert x.data == data
    assert (x.grad, x.name, x.op, x.operands, x.partials, x.arguments) == (0.0, None, "", (), (), ())
    assert (x.scope, x.source) == (None, None)


@pytest.mark.parametrize(
    ("given", "described"),
    [
        ("1", "str '1'"),
        (b"1", "bytes b'1'"),
        (1j, "complex 1j"),
        (None, "NoneType None"),
        ([1], r"list \[1\]"),
        ((1,), r"tuple \(1,\)"),
        ({}, "dict {}"),
    ],
)
def test_what_is_not_a_real_number_is_refused_with_what_was_given_and_what_is_taken(given, described):
    with pytest.raises(TypeError, match=rf"Value\(\) takes a real number, not {described}"):
        Value(given)


def test_a_long_thing_is_not_printed_whole_in_the_message():
    with pytest.raises(TypeError, match=r"list \[0, 1, ") as refused:
        Value(list(range(10_000)))
    assert len(str(refused.value)) < 200


def test_an_int_too_large_for_a_float_says_so_as_python_does():
    x = Value(1.0)
    for call in (lambda: Value(10**400), lambda: x + 10**400, lambda: 10**400 * x, lambda: functions.sum([x, 10**400])):
        with pytest.raises(OverflowError, match="too large"):
            call()


def test_data_and_grad_are_written_as_floats():
    x = Value(2.0)
    x.data, x.grad = 3, True
    assert (x.data, x.grad) == (3.0, 1.0)
    assert type(x.data) is type(x.grad) is float
    assert type((x * 2).data) is float


def test_data_and_grad_take_nothing_but_numbers():
    x = Value(3.0)
    x.grad = 1.0
    for wrong in ("1", None, 1j):
        with pytest.raises(TypeError):
            x.data = wrong
        with pytest.raises(TypeError):
            x.grad = wrong
    assert (x.data, x.grad) == (3.0, 1.0)


# ---- operators ---------------------------------------------------------------------------------------------------------------


@every_operator
@pytest.mark.parametrize("number", [3.0, 3, True, Fraction(3, 2), Decimal("1.5"), WithFloat()], ids=repr)
def test_operators_take_numbers_on_either_side(apply, number):
    x = Value(2.5)
    left, right = apply(x, number), apply(number, x)
    assert left.data == apply(2.5, float(number))
    assert right.data == apply(float(number), 2.5)
    assert left.arguments == (x, float(number))
    assert right.arguments == (float(number), x)
    assert left.operands == right.operands == (x,)
    assert [type(partial) for partial in left.partials + right.partials] == [float, float]


@every_operator
def test_operators_between_values(apply):
    x, y = Value(2.5), Value(1.5)
    out = apply(x, y)
    assert out.data == apply(2.5, 1.5)
    assert out.operands == out.arguments == (x, y)
    assert len(out.partials) == 2


@every_operator
@pytest.mark.parametrize("wrong", ["1", None, 1j, [1.0], object()], ids=lambda x: type(x).__name__)
def test_operators_refuse_what_is_not_a_number(apply, wrong):
    with pytest.raises(TypeError):
        apply(Value(1.0), wrong)
    if not (apply is operator.mod and wrong == "1"):  # that is the formatting of a string
        with pytest.raises(TypeError):
            apply(wrong, Value(1.0))


class Foreign:
    """Knows what to do with a Value."""

    def answer(self, other):
        return "foreign", other

    __add__ = __sub__ = __mul__ = __truediv__ = __mod__ = __pow__ = answer
    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rmod__ = __rpow__ = answer
    __lt__ = __le__ = __gt__ = __ge__ = answer


@pytest.mark.parametrize("apply", [*BINARY.values(), operator.lt, operator.le, operator.gt, operator.ge])
def test_a_foreign_type_has_its_say(apply):
    x = Value(1.0)
    assert apply(x, Foreign()) == apply(Foreign(), x) == ("foreign", x)


def test_minus_plus_and_abs():
    x = Value(-2.0)
    assert (-x).data == abs(x).data == 2.0
    assert +x is x


def test_a_square_is_one_node_with_the_exponent_as_a_constant():
    x = Value(3.0)
    y = x**2
    assert (y.op, y.data, y.operands, y.partials, y.arguments) == ("pow", 9.0, (x,), (6.0,), (x, 2.0))


def test_power_of_values_and_of_a_number():
    x, y = Value(2.0), Value(3.0)
    assert (x**y).partials == (12.0, 8.0 * math.log(2))
    assert (2**y).partials == (8.0 * math.log(2),)


def test_power_with_a_modulus_is_refused_as_for_floats():
    with pytest.raises(TypeError):
        pow(2.0, 2, 3)
    with pytest.raises(TypeError):
        pow(Value(2.0), 2, 3)
    with pytest.raises(TypeError):
        pow(2, Value(2.0), 3)
    assert Value(2.0).__rpow__(2.0, 3) is NotImplemented  # which Python asks from 3.14 on


def test_in_place_operators_bind_a_new_value():
    x = y = Value(2.0)
    y += 1
    y *= 2
    assert (x.data, y.data) == (2.0, 6.0)


def test_builtin_sum_starts_from_its_zero():
    xs = [Value(float(i)) for i in range(4)]
    out = sum(xs)
    out.backward()
    assert out.data == 6.0
    assert [x.grad for x in xs] == [1.0] * 4


# ---- compared, and as a number -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
def test_order_is_that_of_the_data(compare):
    for a in (1.0, 2.0, math.nan, -math.inf):
        for b in (1.0, 2.0, math.nan, math.inf):
            results = [compare(Value(a), Value(b)), compare(Value(a), b), compare(a, Value(b))]
            assert results == [compare(a, b)] * 3
    assert compare(Value(1.0), 2) is compare(1.0, 2)
    assert compare(Value(1.0), Fraction(1, 2)) is compare(1.0, 0.5)
    assert compare(Value(1.0), 10**400) is compare(1.0, 10**400)
    for wrong in ("1", None, [1.0]):
        with pytest.raises(TypeError):
            compare(Value(1.0), wrong)


def test_equality_is_that_of_the_numbers_and_hash_is_identity():
    x, same_number = Value(1.0), Value(1.0)
    for other in (x, same_number, 1.0, 1, True, Fraction(1), Decimal(1), Weight(1.0)):
        assert x == other
        assert other == x
        assert (x != other) is (other != x) is False
    for other in (1.5, 2, Value(2.0), 10**400, "1", None, [1.0]):
        assert x != other
        assert other != x
        assert not x == other  # noqa: SIM201  the operator itself
    assert Value(-0.0) == 0.0
    nan = Value(math.nan)
    assert nan != nan
    assert (nan == nan, nan == math.nan) == (False, False)
    assert len({x, same_number, x}) == 2
    assert {x: 1, same_number: 2}[x] == 1
    before = hash(x)
    x.data = 5.0
    assert hash(x) == before
    assert (x <= 5 and x >= 5 and x != 5) is False


def test_the_branch_at_equality_is_taken():
    def sinc(x):
        return 1.0 if x == 0 else functions.sin(x) / x

    assert sinc(Value(0.0)) == 1.0
    assert sinc(Value(0.5)).data == math.sin(0.5) / 0.5


def test_max_min_and_sorted_choose_among_the_values_themselves():
    x, y, z = Value(2.0), Value(3.0), Value(1.0)
    assert max(x, y, z) is y
    assert min([x, y, z]) is z
    assert sorted([x, y, z]) == [z, x, y]


@pytest.mark.parametrize(("data", "truth"), [(0.0, False), (-0.0, False), (1e-300, True), (-1.0, True), (math.nan, True)])
def test_truth_is_that_of_the_data(data, truth):
    assert bool(Value(data)) is truth


@pytest.mark.parametrize("convert", [int, math.floor, math.ceil, math.trunc, round])
@pytest.mark.parametrize("data", [2.5, 3.5, -2.5, 0.0, 1e300])
def test_conversions_read_the_data(convert, data):
    converted = convert(Value(data))
    assert converted == convert(data)
    assert type(converted) is type(convert(data))


@pytest.mark.parametrize("digits", [0, 1, 2, -1])
def test_round_to_digits_is_a_float(digits):
    rounded = round(Value(25.125), digits)
    assert rounded == round(25.125, digits)
    assert type(rounded) is float


def test_formats_read_the_data():
    x = Value(2.5, "x")
    assert (f"{x:.3f}", f"{x:8.1e}", "%.1f" % x, "%d" % x, "{:g}".format(x)) == ("2.500", " 2.5e+00", "2.5", "2", "2.5")  # noqa: UP031, UP032
    assert f"{x}" == str(x) == repr(x)
    with pytest.raises(ValueError, match="format"):
        f"{x:s}"


# ---- what it is called -------------------------------------------------------------------------------------------------------


class Weight(Value):
    pass


def test_repr_has_data_gradient_and_name():
    x = Value(2, "x")
    assert repr(x) == "Value(2.0, grad=0.0, name='x')"
    x.grad = 1.5
    x.name = None
    assert repr(x) == "Value(2.0, grad=1.5)"
    assert repr(Value(math.inf)) == "Value(inf, grad=0.0)"
    assert repr(Weight(1.0)) == "Weight(1.0, grad=0.0)"
    assert repr(Value(0.0, name="it's")) == """Value(0.0, grad=0.0, name="it's")"""


@pytest.mark.parametrize("name", ["w", "", 'a "b" <c> & d\n', "σ 🙂"])
def test_a_name_is_any_string(name):
    x = Value(1.0, name)
    assert x.name == name
    y = x + 1
    assert y.name is None
    y.name = name
    assert y.name == name


@pytest.mark.parametrize("name", [1, b"w", ["w"], Value(1.0)], ids=["int", "bytes", "list", "Value"])
def test_a_name_that_is_no_string_is_refused(name):
    with pytest.raises(TypeError, match=f"a name is a string or None, not {type(name).__name__}"):
        Value(1.0, name)
    x = Value(1.0, "w")
    with pytest.raises(TypeError, match="a name is a string or None"):
        x.name = name
    assert x.name == "w"


def test_a_name_is_kept_as_an_exact_string():
    class Label(str):
        __slots__ = ("owner",)

    x = Value(1.0, Label("w"))
    assert type(x.name) is str
    assert x.name == "w"


def test_renaming_leaves_scope_and_other_values_alone():
    x, y = Value(1.0, "x"), Value(1.0, "x")
    x.scope = "layer"
    x.name = "z"
    assert (x.name, x.scope, y.name, y.scope) == ("z", "layer", "x", None)


# ---- functions as methods ----------------------------------------------------------------------------------------------------

ONE_OPERAND = [rule for rule in rules.TABLE.values() if rule.doc and rule.arity == 1]
WITH_DEFAULT = [rule for rule in rules.TABLE.values() if rule.doc and rule.arity == 2 and rule.defaults]


@pytest.mark.parametrize("rule", ONE_OPERAND + WITH_DEFAULT, ids=lambda rule: rule.name)
def test_every_function_of_one_operand_is_a_method(rule):
    x = Value(0.75)
    by_method, by_function = getattr(x, rule.name)(), getattr(functions, rule.name)(x)
    assert by_method.op == by_function.op == rule.name
    assert by_method.operands == (x,)
    assert by_method.data == by_function.data or math.isnan(by_method.data)
    assert by_method.partials == by_function.partials or math.isnan(by_method.partials[0])
    assert getattr(Value, rule.name).__doc__


@pytest.mark.parametrize("rule", WITH_DEFAULT, ids=lambda rule: rule.name)
def test_a_method_takes_its_parameter(rule):
    x, parameter = Value(-0.75), Value(0.5)
    assert getattr(x, rule.name)(0.5).data == getattr(functions, rule.name)(-0.75, 0.5)
    assert getattr(x, rule.name)(parameter).operands == (x, parameter)


def test_methods_refuse_operands_they_do_not_have():
    x = Value(0.5)
    for call in (lambda: x.exp(1), lambda: x.cbrt(1), lambda: x.leaky_relu(1, 2), lambda: x.hypot(), lambda: x.hypot("1")):
        with pytest.raises(TypeError):
            call()
