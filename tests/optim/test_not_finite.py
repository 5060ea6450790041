"""Steps with gradients that are no numbers: a warning, or under strict() an error; and squares that overflow."""

import math

import pytest

import autodiff as ad
from autodiff import optim

OPTIMIZERS = [optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop]


def with_gradients(*gradients):
    parameters = [ad.Value(1.0, f"p{i}") for i in range(len(gradients))]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    return parameters


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_a_step_that_is_not_finite_warns_and_is_made(kind, wrong):
    parameters = with_gradients(0.5, wrong, 0.25)
    optimizer = kind(parameters, lr=0.1)
    with pytest.warns(ad.NonFiniteWarning, match=rf"{kind.__name__}\.step\(\).*the gradient of p1 is {wrong}") as seen:
        optimizer.step()
    assert seen[0].filename == __file__
    assert optimizer.steps == 1
    assert parameters[0].data < 1.0


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_under_strict_a_step_that_is_not_finite_is_refused(kind):
    parameters = with_gradients(0.5, math.inf, math.nan)
    optimizer = kind(parameters, lr=0.1)
    before = optimizer.state_dict()
    with (
        ad.strict(),
        pytest.raises(ad.NonFiniteError, match=r"gradient of p1 is inf \(2 of 3 are not finite\).*test_not_finite\.py:\d+"),
    ):
        optimizer.step()
    assert [p.data for p in parameters] == [1.0] * 3
    assert optimizer.state_dict() == before
    for parameter in parameters:
        parameter.grad = 1e308  # finite, and so large that their sum is not
    with ad.strict():
        optimizer.step()


@pytest.mark.parametrize("gradient", [1e150, 1e160, -1e200, 1e308])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_centred_rmsprop_with_gradients_whose_squares_overflow(gradient, momentum):
    (parameter,) = with_gradients(gradient)
    optimizer = optim.RMSprop([parameter], lr=0.1, centered=True, momentum=momentum)
    for _ in range(5):
        optimizer.step()
        assert math.isfinite(parameter.data)


@pytest.mark.parametrize("gradient", [0.1, 1.2983012037151602])  # by rounding, that of the second is −4e−16
def test_centred_rmsprop_with_a_constant_gradient_has_no_negative_variance(gradient):
    (parameter,) = with_gradients(gradient)
    optimizer = optim.RMSprop([parameter], lr=1e-9, alpha=0.5, centered=True)
    for _ in range(200):
        optimizer.step()
    assert math.isfinite(parameter.data)


def test_raw_outputs_are_told_to_be_logits():
    for outputs in (ad.Value(2.3), [0.5, -0.1], 1.5):
        targets = [1.0, 0.0] if isinstance(outputs, list) else 1.0
        with pytest.raises(ad.SettingError, match="from_logits=True"):
            ad.nn.binary_cross_entropy(outputs, targets)
    assert math.isnan(ad.nn.binary_cross_entropy(ad.Value(math.nan), 1).data)
