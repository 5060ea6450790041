"""The optimisers."""

import pytest

import autodiff as ad
from autodiff import optim


def test_sgd_follows_the_articles_weight():
    w = ad.Value(0.8)
    optimizer = optim.SGD([w], lr=0.1)
    seen = []
    for _ in range(40):
        optimizer.zero_grad()
        ((0.5 - 1.5 * w) ** 2).backward()
        optimizer.step()
        seen.append(round(w.data, 4))
    assert seen[:3] == [0.59, 0.4745, 0.411]
    assert seen[-1] == 0.3333


def test_sgd_takes_values_alone():
    with pytest.raises(TypeError, match="float"):
        optim.SGD([1.0])


def test_zero_rate_changes_nothing():
    w = ad.Value(1.0)
    (w * w).backward()
    optim.SGD([w], lr=0.0).step()
    assert w.data == 1.0


def test_parameters_may_come_from_a_generator():
    w = ad.Value(1.0)
    optimizer = optim.SGD((x for x in [w]), lr=1.0)
    (w * 3).backward()
    optimizer.step()
    optimizer.step()
    assert w.data == -5.0
