"""The losses: values and gradients against high precision, their edges, and what they refuse."""

import math
import random
from decimal import Decimal
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

import autodiff as ad
from autodiff import nn

inf = math.inf


@pytest.fixture(autouse=True)
def sixty_digits():
    with mpmath.workdps(60):
        yield


def values(numbers):
    return [ad.Value(x) for x in numbers]


def gradient(loss, leaves):
    """The loss as a number, and its gradient."""
    loss.backward()
    return loss.data, [leaf.grad for leaf in leaves]


def slope(function, point, i):
    """∂function/∂xᵢ by the central difference, with sixty digits: good to thirty."""
    h = mpf(10) ** -20 * max(1, abs(mpf(point[i])))
    above, below = ([mpf(x) + (sign * h if j == i else 0) for j, x in enumerate(point)] for sign in (1, -1))
    return (function(above) - function(below)) / (2 * h)


def assert_true(loss, truth, outputs, tolerance=1e-14):
    """Value and gradient of ``loss(values)`` are those of ``truth(mpfs)``, each to a few units in its own last place."""
    leaves = values(outputs)
    found, gradients = gradient(loss(leaves), leaves)
    assert_near(found, truth([mpf(x) for x in outputs]), tolerance)
    for i, partial in enumerate(gradients):
        assert_near(partial, slope(truth, outputs, i), tolerance)


def assert_near(found, wanted, tolerance):
    assert abs(mpf(found) - wanted) <= tolerance * abs(wanted) + mpf(10) ** -300, f"{found}, not {mp.nstr(wanted, 20)}"


def mean_of(cost, targets):
    return lambda outputs: mp.fsum(cost(mpf(y), a) for a, y in zip(outputs, targets, strict=True)) / len(targets)


# ---- against the definitions ------------------------------------------------------------------------------------------------

POINTS = [random.Random(seed).uniform(-5.0, 5.0) for seed in range(8)]
TARGETS = [random.Random(100 + seed).uniform(-5.0, 5.0) for seed in range(8)]
SIGNS = [1, -1, -1, 1, 1, -1, 1, -1]


def huber_of(delta):
    return lambda y, a: (y - a) ** 2 / 2 if abs(y - a) <= delta else delta * (abs(y - a) - delta / 2)


@pytest.mark.parametrize(
    ("loss", "cost", "targets"),
    [
        (nn.mse, lambda y, a: (y - a) ** 2, TARGETS),
        (nn.mae, lambda y, a: abs(y - a), TARGETS),
        (nn.huber, huber_of(mpf(1)), TARGETS),
        (lambda a, y: nn.huber(a, y, delta=3.5), huber_of(mpf(3.5)), TARGETS),
        (nn.hinge, lambda y, a: max(mpf(0), 1 - y * a), SIGNS),
    ],
    ids=["mse", "mae", "huber", "huber 3.5", "hinge"],
)
def test_value_and_gradient_are_those_of_the_definition(loss, cost, targets):
    assert_true(lambda outputs: loss(outputs, targets), mean_of(cost, targets), POINTS)


def cost_of_probability(y, p):
    return -(y * mp.log(p) if y else 0) - ((1 - y) * mp.log(1 - p) if y != 1 else 0)


def cost_of_logit(y, z):
    return y * mp.log1p(mp.exp(-z)) + (1 - y) * mp.log1p(mp.exp(z))


@pytest.mark.parametrize("target", [0, 1, 0.25])
@pytest.mark.parametrize("probability", [0.5, 0.1, 0.999, 1e-20, 1e-300, 1 - 1e-15])
def test_binary_cross_entropy_of_probabilities(probability, target):
    with mpmath.workdps(700):  # so that 1 − 1e-300 is not 1
        p = ad.Value(probability)
        loss, (slope_found,) = gradient(nn.binary_cross_entropy(p, target), [p])
        assert_near(loss, cost_of_probability(mpf(target), mpf(probability)), 1e-14)
        assert_near(slope_found, (mpf(probability) - target) / (mpf(probability) * (1 - mpf(probability))), 1e-14)


@pytest.mark.parametrize("target", [0, 1, 0.25])
@pytest.mark.parametrize("logit", [0.0, 0.3, -2.0, 40.0, -40.0, 300.0, -300.0, 800.0, -800.0])
def test_binary_cross_entropy_of_logits(logit, target):
    with mpmath.workdps(800):  # so that 1 + exp(−800) is not 1
        z = ad.Value(logit)
        loss, (slope_found,) = gradient(nn.binary_cross_entropy(z, target, from_logits=True), [z])
        assert_near(loss, cost_of_logit(mpf(target), mpf(logit)), 1e-14)
        assert_near(slope_found, 1 / (1 + mp.exp(-mpf(logit))) - target, 1e-14)


@pytest.mark.parametrize(
    "logits",
    [
        [0.2, -1.0, 3.0],
        [40.0, 0.0, 1.0],
        [1000.0, 0.0, -1000.0],
        [-1000.0, -1001.0, -1002.0],
        [1e5, 1e5 - 1, 0.0],
        [5.0, 5.0, 5.0],
    ],
    ids=str,
)
def test_cross_entropy_of_one_sample(logits):
    tolerance = 1e-15 + 4e-16 * max(map(abs, logits))  # what rounding the sum of the others to a float leaves of it
    with mpmath.workdps(1000):
        powers = [mp.exp(mpf(x)) for x in logits]
        for i in range(3):
            leaves = values(logits)
            loss, gradients = gradient(nn.cross_entropy(leaves, i), leaves)
            others = mp.fsum(power for j, power in enumerate(powers) if j != i)
            assert_near(loss, mp.log1p(others / powers[i]), tolerance)
            for j, found in enumerate(gradients):
                assert_near(found, (-others if j == i else powers[j]) / mp.fsum(powers), tolerance)


def test_second_derivatives_of_cross_entropy_exist_by_differences():
    h = 1e-5
    leaves = [values([0.3, -0.2 + d, 1.0]) for d in (h, -h)]
    above, below = (gradient(nn.cross_entropy(z, 0), z)[1] for z in leaves)
    p = [math.exp(x) for x in (0.3, -0.2, 1.0)]
    p = [x / sum(p) for x in p]
    assert [(a - b) / (2 * h) for a, b in zip(above, below, strict=True)] == pytest.approx(
        [-p[0] * p[1], p[1] * (1 - p[1]), -p[2] * p[1]], rel=1e-8
    )


# ---- edges ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("probability", "target", "cost", "slope_wanted"),
    [(1.0, 1, 0.0, -1.0), (0.0, 0, 0.0, 1.0), (1.0, 0, inf, inf), (0.0, 1, inf, -inf)],
)
def test_certain_answers_cost_nothing_or_everything(probability, target, cost, slope_wanted):
    p = ad.Value(probability)
    assert gradient(nn.binary_cross_entropy(p, target), [p]) == (cost, [slope_wanted])


@pytest.mark.parametrize("probability", [math.nan])
@pytest.mark.parametrize("target", [0, 1])
def test_a_probability_that_is_nan_costs_nan(probability, target):
    assert math.isnan(nn.binary_cross_entropy(ad.Value(probability), target).data)


@pytest.mark.parametrize(("logit", "target", "cost", "slope_wanted"), [(inf, 1, 0, 0), (-inf, 0, 0, 0), (inf, 0, inf, 1)])
def test_infinite_logits(logit, target, cost, slope_wanted):
    z = ad.Value(logit)
    assert gradient(nn.binary_cross_entropy(z, target, from_logits=True), [z]) == (cost, [slope_wanted])


def test_a_class_that_is_ruled_out_has_no_part_in_cross_entropy():
    z = values([1.0, -inf, 2.0])
    loss, gradients = gradient(nn.cross_entropy(z, 0), z)
    assert loss == pytest.approx(math.log(1 + math.e), rel=1e-15)
    assert gradients[1] == 0.0
    z = values([1.0, -inf])
    assert gradient(nn.cross_entropy(z, 0), z) == (0.0, [0.0, 0.0])
    assert nn.cross_entropy(values([1.0, -inf]), 1).data == inf
    for others in ([-inf], [1.0], [-inf, -inf]):
        assert nn.cross_entropy([inf, *others], 0) == ad.compile(lambda z: nn.cross_entropy(z, 0))([inf, *others]) == 0.0
    z = values([3.0])
    assert gradient(nn.cross_entropy(z, 0), z) == (0.0, [0.0])


@pytest.mark.parametrize("logits", [[-inf], [inf], [math.nan], [math.nan, -inf], [-inf, -inf], [inf, inf]])
def test_a_cost_that_is_nan_has_no_gradient_that_is_a_number(logits):
    z = values(logits)
    loss, slopes = gradient(nn.cross_entropy(z, 0), z)
    assert math.isnan(loss)
    assert math.isnan(slopes[0])
    compiled = ad.compile(lambda z: nn.cross_entropy(z, 0)).value_and_grad(logits)
    assert math.isnan(compiled[0])
    assert math.isnan(compiled[1][0])


@pytest.mark.parametrize("loss", [nn.mse, nn.mae, nn.huber, nn.hinge, lambda a, y: nn.cross_entropy([a, 0.0], 0)])
def test_nan_is_never_hidden(loss):
    assert math.isnan(loss(ad.Value(math.nan), 1).data)


def test_huber_at_its_corner_and_far_out():
    a = values([1.0, -1.0, 1e200, 0.0])
    loss, gradients = gradient(nn.huber(a, [0.0] * 4), a)
    assert loss == pytest.approx(1e200 / 4)
    assert gradients == [0.25, -0.25, 0.25, 0.0]
    assert nn.huber(ad.Value(3.0), 1.0, delta=inf).data == 2.0


def test_mae_has_the_derivative_zero_where_it_is_right():
    a = ad.Value(2.0)
    assert gradient(nn.mae(a, 2.0), [a]) == (0.0, [0.0])


# ---- what torch's documentation and papers say ------------------------------------------------------------------------------


def test_the_numbers_of_a_worked_example():
    """Three logits and their softmax, as in every course: 0.659, 0.242, 0.099 and −log 0.659 = 0.417."""
    assert nn.cross_entropy(values([2.0, 1.0, 0.1]), 0).data == pytest.approx(0.4170300162778335, rel=1e-15)
    assert nn.binary_cross_entropy(ad.Value(1.5), 1, from_logits=True).data == pytest.approx(0.2014132779827524, rel=1e-15)
    assert nn.binary_cross_entropy(values([1.5] * 3), [1.0] * 3, from_logits=True).data == pytest.approx(0.2014, abs=5e-5)


# ---- batches ----------------------------------------------------------------------------------------------------------------


def test_mse_is_the_mean_of_the_squared_differences():
    a = values([1.0, 2.0, 4.0])
    loss = nn.mse(a, [0.5, 2.0, 1.0])
    assert loss.data == (0.25 + 0.0 + 9.0) / 3
    loss.backward()
    assert [x.grad for x in a] == pytest.approx([2 * 0.5 / 3, 0.0, 2 * 3.0 / 3], rel=1e-15)


def test_mse_of_one_output_alone():
    a = ad.Value(1.2)
    loss = nn.mse(a, 0.5)
    loss.backward()
    assert (loss.data, a.grad) == pytest.approx((0.49, 1.4), rel=1e-12)


@pytest.mark.parametrize(
    "loss", [nn.mse, nn.mae, nn.huber, nn.hinge, lambda a, y: nn.binary_cross_entropy(a, y, from_logits=True)]
)
def test_a_batch_of_lists_is_the_mean_over_all_numbers(loss):
    targets = [1, 1, 1, 1] if loss is nn.hinge else [1, 0, 0.5, 1]
    outputs = values([0.1, 0.2, 0.3, 0.4])
    flat = loss(outputs, targets).data
    assert loss([outputs[:2], outputs[2:]], [targets[:2], tuple(targets[2:])]).data == flat
    assert (
        loss([[[outputs[0]], outputs[1]], outputs[2:]], [targets[:2], targets[2:]]).data == flat
    )  # one alone, or a list of one


def test_targets_may_be_arrays_and_outputs_plain_numbers():
    np = pytest.importorskip("numpy")
    outputs = [values([1.0, 2.0]), values([3.0, 4.0])]
    assert nn.mse(outputs, np.zeros((2, 2), dtype=np.float32)).data == 7.5
    assert nn.mse(np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros((2, 2))) == 7.5
    assert nn.mse(values([1.0, 3.0]), np.zeros((2, 1))).data == 5.0
    assert nn.hinge(values([0.5, -1.0]), np.array([1, -1])).data == 0.25
    assert nn.cross_entropy(outputs, np.array([1, 0])).data == pytest.approx(nn.cross_entropy([[1, 2], [3, 4]], [1, 0]))
    assert nn.cross_entropy([0.0, 0.0], np.uint8(1)) == pytest.approx(math.log(2))


@pytest.mark.parametrize("kind", [np.float32, np.float16, Decimal, Fraction, lambda x: np.array(np.float32(x))])
@pytest.mark.parametrize("loss", [nn.mse, nn.mae, nn.huber, nn.binary_cross_entropy])
def test_numbers_of_any_kind_are_floats_before_anything_is_computed(loss, kind):
    outputs, targets = [0.1, 0.7], [0.3, 0.9]
    near = [[float(kind(x)) for x in xs] for xs in (outputs, targets)]
    found = loss([kind(x) for x in outputs], [kind(x) for x in targets])
    assert (type(found), found) == (float, loss(*near))
    assert loss([ad.Value(x) for x in near[0]], [kind(x) for x in targets]).data == found
    assert type(loss([1], [1])) is float
    logits = [kind(x) for x in outputs]
    assert nn.cross_entropy(logits, 1) == nn.cross_entropy([float(x) for x in logits], 1)


def test_an_array_without_axes_is_the_value_in_it_in_a_loss():
    for loss in (lambda x: nn.mse([x], [1.0]), lambda x: nn.cross_entropy([x, 0.0], 0), lambda x: nn.hinge([x], [1])):
        assert ad.grad(lambda x, loss=loss: loss(np.array(x, dtype=object)))(0.3) == ad.grad(loss)(0.3)


def test_cross_entropy_of_a_batch_is_the_mean():
    batch = [values([1.0, 2.0]), values([0.0, -1.0]), values([3.0, 3.0])]
    each = [nn.cross_entropy(z, i).data for z, i in zip(batch, [0, 1, 1], strict=True)]
    assert nn.cross_entropy(batch, [0, 1, 1]).data == pytest.approx(sum(each) / 3, rel=1e-15)
    assert nn.cross_entropy([batch[0]], [1]).data == nn.cross_entropy(batch[0], 1).data


# ---- what is refused --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [nn.mse, nn.mae, nn.huber, nn.hinge, nn.binary_cross_entropy])
@pytest.mark.parametrize(
    ("outputs", "targets", "message"),
    [
        ([1.0, 2.0], [1.0], r"of 2 outputs and 1 targets: there must"),
        ([], [], "no outputs"),
        ([1.0], [], "1 outputs and 0"),
        ([[1.0, 2.0], [1.0, 2.0]], [[1, 1], [1]], r"of 2 outputs and 1 targets at \[1\]"),
        ([[1.0, 2.0]], [1], r"of 2 outputs and 1 targets at \[0\]"),
        ([1.0, 2.0], 1, "of 2 outputs and 1 targets"),
    ],
)
def test_shapes_that_do_not_fit_are_refused_with_both(loss, outputs, targets, message):
    with pytest.raises(ad.ShapeError, match=message):
        loss(outputs, targets)


@pytest.mark.parametrize("label", [0, 2, 0.5, math.nan])
def test_hinge_refuses_other_labels(label):
    with pytest.raises(ad.TargetError, match="the labels 1 and -1"):
        nn.hinge(ad.Value(1.0), label)


@pytest.mark.parametrize("target", [-1, 1.5, math.nan])
def test_binary_cross_entropy_refuses_other_targets(target):
    with pytest.raises(ad.TargetError, match="targets from 0 to 1"):
        nn.binary_cross_entropy(ad.Value(0.5), target)


@pytest.mark.parametrize("delta", [0, -1.0, math.nan])
def test_huber_refuses_a_delta_that_is_not_above_zero(delta):
    with pytest.raises(ad.SettingError, match="delta above 0"):
        nn.huber(ad.Value(1.0), 0.0, delta=delta)


@pytest.mark.parametrize(
    ("logits", "index", "error", "message"),
    [
        ([1.0, 2.0], 2, ad.TargetError, "the index is 2; there are 2 classes, 0 to 1"),
        ([1.0, 2.0], -1, ad.TargetError, "the index is -1"),
        ([1.0, 2.0], 1.0, TypeError, "a whole number, not float 1.0"),
        ([1.0, 2.0], True, TypeError, "a whole number, not bool True"),
        ([1.0, 2.0], "1", TypeError, "not str"),
        ([1.0, 2.0], [1], ad.ShapeError, "logits of one sample and 1 indices"),
        ([[1.0, 2.0], [1.0, 2.0]], [0, 5], ad.TargetError, "the index of sample 1 is 5"),
        ([[1.0, 2.0], [1.0, 2.0]], [0, 1.0], TypeError, "the index of sample 1 .* float"),
        ([[1.0, 2.0], [1.0, 2.0]], [0], ad.ShapeError, "2 samples and 1 indices"),
        ([[1.0, 2.0], [1.0, 2.0]], 0, ad.ShapeError, "2 samples and 1 indices"),
        ([[1.0, 2.0], []], [0, 0], ad.ShapeError, "logits of sample 1"),
        ([[1.0, 2.0], 3.0], [0, 0], ad.ShapeError, "logits of sample 1"),
        ([], 0, ad.ShapeError, "at least one number"),
        (1.0, 0, ad.ShapeError, "a list of at least one number"),
    ],
)
def test_cross_entropy_refuses_what_is_no_class(logits, index, error, message):
    with pytest.raises(error, match=message):
        nn.cross_entropy(logits, index)
