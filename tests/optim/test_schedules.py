"""The learning-rate schedules."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff import optim

TORCH = json.loads((Path(__file__).parents[1] / "data" / "torch_optimizers.json").read_text(encoding="utf-8"))["schedules"]


@pytest.mark.parametrize(
    ("name", "schedule"),
    [
        ("linear", optim.linear(0.1, steps=30, final=0.02)),
        ("cosine", optim.cosine(0.1, steps=40, final=0.01)),
        ("step_decay", optim.step_decay(0.1, every=7, factor=0.5)),
    ],
)
def test_rates_are_those_of_torchs_schedulers(name, schedule):
    assert len(TORCH[name]) == 40
    assert [schedule(step) for step in range(40)] == pytest.approx(TORCH[name], rel=1e-12)


def test_constant_is_constant():
    assert {optim.constant(0.3)(step) for step in (0, 1, 10**9)} == {0.3}


@pytest.mark.parametrize("make", [optim.linear, optim.cosine])
def test_a_warm_up_climbs_in_equal_steps_and_the_decay_begins_at_its_top(make):
    schedule = make(0.8, steps=12, warmup=4, final=0.1)
    assert [schedule(step) for step in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8], rel=1e-15)
    assert schedule(8) == pytest.approx(0.45)  # half way
    assert [schedule(step) for step in (12, 13, 10**12)] == [0.1, 0.1, 0.1]


@pytest.mark.parametrize("make", [optim.linear, optim.cosine])
@given(
    lr=st.floats(0.0, 1e300),
    final=st.floats(0.0, 1e300),
    steps=st.integers(1, 10**6),
    warmup=st.integers(0, 100),
)
def test_both_ends_are_exact_and_no_rate_lies_beyond_them(make, lr, final, steps, warmup):
    steps += warmup
    schedule = make(lr, steps, warmup, final)
    assert schedule(warmup) == lr
    assert schedule(steps) == schedule(steps + 1) == final
    low, high = sorted([lr, final])
    for step in (warmup, (warmup + steps) // 2, steps - 1):
        assert low * (1 - 1e-15) <= schedule(step) <= high * (1 + 1e-15)
    for step in range(min(warmup, 5)):
        assert schedule(step) == pytest.approx(lr * (step + 1) / warmup, rel=1e-15, abs=1e-300)


def test_step_decay_underflows_to_zero():
    assert optim.step_decay(0.1, every=1, factor=0.5)(10**6) == 0.0
    assert optim.step_decay(0.1, every=3, factor=0.0)(2) == 0.1
    assert optim.step_decay(0.1, every=3, factor=0.0)(3) == 0.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optim.constant(-0.1), r"constant\(lr\) is -0.1: it must be at least 0 and finite"),
        (lambda: optim.constant(math.nan), r"constant\(lr\) is nan"),
        (lambda: optim.linear(0.1, 0), r"linear\(steps\) is 0: it must be at least 1"),
        (lambda: optim.linear(0.1, 10, final=math.inf), r"linear\(final\) is inf"),
        (lambda: optim.cosine(0.1, 10, warmup=-1), r"cosine\(warmup\) is -1"),
        (lambda: optim.cosine(0.1, 10, warmup=10), r"cosine\(steps=10, warmup=10\): the warm-up must be shorter"),
        (lambda: optim.step_decay(0.1, 0), r"step_decay\(every\) is 0"),
        (lambda: optim.step_decay(0.1, 5, 1.5), r"step_decay\(factor\) is 1.5: it must be at most 1"),
        (lambda: optim.step_decay(0.1, 5, -0.5), r"step_decay\(factor\) is -0.5"),
        (lambda: optim.cosine(0.1, 10)(-1), r"schedule\(step\) is -1.0"),
        (lambda: optim.step_decay(0.1, 10)(math.nan), r"schedule\(step\) is nan"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(make, message):
    with pytest.raises(ad.SettingError, match=message):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: optim.constant("0.1"),
        lambda: optim.cosine(0.1, 10.0),
        lambda: optim.linear(0.1, True),
        lambda: optim.step_decay(0.1, None),
        lambda: optim.linear(0.1, 10)("3"),
    ],
)
def test_a_setting_of_a_wrong_type_is_refused(make):
    with pytest.raises(TypeError, match="takes a"):
        make()
