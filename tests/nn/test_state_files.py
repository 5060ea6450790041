"""Saving and loading: exact, readable, whole or not at all, and clear about files that are something else."""

import json
import math
import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff import nn


@pytest.fixture
def model():
    return nn.Perceptron(2, seed=1)


@pytest.fixture
def saved(model, tmp_path):
    file = tmp_path / "model.json"
    model.save(file)
    return file


# ---- there and back ---------------------------------------------------------------------------------------------------------


def test_a_model_comes_back_and_trains_on_to_the_same_bits(tmp_path):
    first, second = nn.MLP(2, [4, 1], "tanh", seed=1), nn.MLP(2, [4, 1], "tanh", seed=2)
    first.save(tmp_path / "model.json")
    second.load(str(tmp_path / "model.json"))
    data = [[0.1, 0.2], [0.3, -0.4]], [0.5, -0.5]
    for model in (first, second):
        nn.fit(model, *data, optimizer=ad.optim.SGD(model.parameters(), lr=0.1), epochs=5, progress=False)
    assert first.state_dict() == second.state_dict()


@given(st.lists(st.floats(), min_size=3, max_size=3))
def test_every_float_comes_back_to_the_last_bit(tmp_path_factory, numbers):
    file = tmp_path_factory.mktemp("state") / "model.json"
    model, other = nn.Perceptron(2), nn.Perceptron(2)
    for parameter, number in zip(model.parameters(), numbers, strict=True):
        parameter.data = number
    model.save(file)
    other.load(file)
    for found, wanted in zip(other.parameters(), numbers, strict=True):
        assert struct.pack("d", found.data) == struct.pack("d", wanted) or (math.isnan(found.data) and math.isnan(wanted))


def test_the_file_is_readable_and_strict_json(model, tmp_path):
    model.w[0].data, model.w[1].data, model.b.data = math.nan, -math.inf, -0.0
    model.save(tmp_path / "model.json")
    text = (tmp_path / "model.json").read_text(encoding="utf-8")
    content = json.loads(text, parse_constant=pytest.fail)
    assert content == {
        "format": "autodiff parameters",
        "version": 1,
        "model": "Perceptron",
        "parameters": {"w.0": "nan", "w.1": "-inf", "b": 0.0},
    }
    assert '"b": -0.0' in text
    assert len(text.splitlines()) == 10
    model.load(tmp_path / "model.json")
    assert [repr(parameter.data) for parameter in model.parameters()] == ["nan", "-inf", "-0.0"]


def test_a_file_may_have_been_edited_by_hand(model, saved):
    content = json.loads(saved.read_text(encoding="utf-8"))
    content["parameters"] = {"b": 1, "w.1": 1e3, "w.0": 0}
    saved.write_text("\ufeff" + json.dumps(content), encoding="utf-8")
    model.load(saved)
    assert model.state_dict() == {"w.0": 0.0, "w.1": 1000.0, "b": 1.0}


def test_a_name_outside_of_ascii_comes_back(tmp_path):
    class Greek(nn.Module):
        def __init__(self):
            self.θ = ad.Value(1.5)

    Greek().save(tmp_path / "θ.json")
    other = Greek()
    other.θ.data = 0.0
    other.load(tmp_path / "θ.json")
    assert other.θ.data == 1.5


# ---- an interrupted save ----------------------------------------------------------------------------------------------------


def test_a_save_that_fails_at_the_last_moment_leaves_the_old_file_and_nothing_else(model, saved, monkeypatch):
    before = saved.read_bytes()

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", fail)
    model.b.data = 77.0
    with pytest.raises(KeyboardInterrupt):
        model.save(saved)
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == ["model.json"]


def test_a_save_into_no_folder_says_so(model, tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        model.save(tmp_path / "nowhere" / "model.json")


# ---- wrong files ------------------------------------------------------------------------------------------------------------


def refused(model, file, message):
    before = model.state_dict()
    with pytest.raises(ad.WrongFile, match=message) as caught:
        model.load(file)
    assert str(file) in str(caught.value)
    assert model.state_dict() == before


def test_a_file_cut_anywhere_is_refused_with_the_place(model, saved):
    whole = saved.read_bytes().rstrip()
    for length in range(len(whole)):
        saved.write_bytes(whole[:length])
        refused(model, saved, r"line \d+, column \d+")
    saved.write_bytes(whole[:60])
    refused(model, saved, "cut short")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"line 1, column 1 where the file ends"),
        (b"\x89PNG\r\n\x1a\n", r"UTF-8, from line 1 \(byte 0\)"),
        (b"{\n\xff", r"UTF-8, from line 2 \(byte 2\)"),
        (b"import os; os.abort()", r"no JSON at line 1, column 1"),
        (b"[1, 2]", "no parameters that autodiff has saved"),
        (b'{"w.0": 1}', "no parameters that autodiff has saved"),
        (b'{"format": "autodiff parameters"}', "version null"),
        (b'{"format": "autodiff parameters", "version": 2}', "version 2 of the format; this autodiff reads version 1"),
        (b'{"format": "autodiff parameters", "version": 1}', '"parameters" is no object'),
        (b'{"format": "autodiff parameters", "version": 1, "parameters": [1]}', '"parameters" is no object'),
        (b"[" * 100_000, "nested too deeply"),
    ],
    ids=lambda x: str(x[:30]),
)
def test_a_foreign_file_is_refused_with_what_it_is(model, tmp_path, content, message):
    (tmp_path / "foreign").write_bytes(content)
    refused(model, tmp_path / "foreign", message)


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("true", r"w\.1 is True"),
        ("null", r"w\.1 is None"),
        ('"1.5"', r"w\.1 is '1.5'"),
        ("[1]", r"w\.1 is \[1\.0\]"),
        ("NaN", "NaN stands for a number"),
        ("1e999", "1e999 is too large"),
        ("1" * 5000, "is too large"),
        ('1, "w.1": 2', r"'w\.1' is there more than once"),
    ],
    ids=lambda x: x[:12],
)
def test_a_wrong_number_is_refused_by_its_path(model, saved, number, message):
    saved.write_text(f'{{"format": "autodiff parameters", "version": 1, "parameters": {{"w.0": 9, "w.1": {number}, "b": 9}}}}')
    refused(model, saved, message)


def test_the_file_of_another_model_is_refused_with_what_differs(saved):
    refused(nn.Perceptron(3, seed=2), saved, r"of another model, a Perceptron: .* misses 'w\.2'")


def test_no_file_is_the_errors_of_python(model, tmp_path):
    with pytest.raises(FileNotFoundError):
        model.load(tmp_path / "nothing.json")
