"""The losses: values, gradients, and what they refuse."""

import pytest

import autodiff as ad
from autodiff import nn


def test_mse_is_the_mean_of_the_squared_differences():
    a = [ad.Value(1.0), ad.Value(2.0), ad.Value(4.0)]
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
    ("outputs", "targets", "message"),
    [([1.0, 2.0], [1.0], "2 outputs and 1 targets"), ([], [], "no outputs"), ([1.0], [], "1 outputs and 0")],
)
def test_mse_refuses_lists_that_do_not_fit(outputs, targets, message):
    with pytest.raises(ad.ShapeError, match=message):
        nn.mse([ad.Value(x) for x in outputs], targets)
