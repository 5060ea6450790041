"""What a state_dict is made of."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff._support import states


@given(st.floats())
def test_every_float_goes_through_json(x):
    text = json.dumps(states.plain(x), allow_nan=False)
    assert states.number(json.loads(text), "x").hex() == x.hex()


@pytest.mark.parametrize("x", [None, True, "1.0", "Infinity", "NaN", [1.0], 1j, 10**400])
def test_what_is_no_number_is_refused(x):
    with pytest.raises(ad.StateError, match=r"entry 3 is .*: it must be a float"):
        states.number(x, "entry 3")


def test_a_whole_number_is_a_number():
    assert states.number(3, "x") == 3.0
    assert type(states.number(3, "x")) is float


def test_every_missing_and_every_unexpected_key_is_named():
    states.require_keys({"a": 1, "b": 2}, ["b", "a"], "it")
    with pytest.raises(ad.StateError, match=r"^it misses 'a', 'c' and has the unexpected 'd', 'e'$"):
        states.require_keys({"d": 0, "b": 0, "e": 0}, ["a", "b", "c"], "it")
