"""Nested arguments: taken apart, put together, described, and fitted to one another."""

from collections import OrderedDict, namedtuple

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autodiff.engine.trees import ARRAY, LEAF, Structure, flatten, shape_of
from autodiff.engine.value import Value
from autodiff.errors import ShapeError

Point = namedtuple("Point", "x y")

numbers = st.floats(allow_nan=False) | st.integers(-9, 9)
trees = st.recursive(
    numbers | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3).map(OrderedDict)
        | st.tuples(inner, inner).map(lambda pair: Point(*pair))
    ),
    max_leaves=12,
)


@given(trees)
@example([1.0, 2, [3.0]])
def test_what_is_taken_apart_is_put_together_again(tree):
    leaves, structure = flatten(tree)
    assert all(isinstance(leaf, (float, int)) for leaf in leaves)
    again = structure.build(leaves)
    assert again == tree
    assert type(again) is type(tree)
    assert structure.size == len(leaves) == len(structure.paths("x"))
    assert flatten(again)[1] == structure
    assert hash(flatten(again)[1]) == hash(structure)
    assert structure.fit(tree, "x") == leaves


@given(trees)
def test_a_path_leads_to_its_leaf(tree):
    leaves, structure = flatten(tree)
    for leaf, path in zip(leaves, structure.paths("x"), strict=True):
        assert eval(path, {"x": tree}) == leaf


def test_arrays_are_taken_apart_too_and_come_back_as_they_were():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    leaves, structure = flatten({"a": array})
    assert leaves == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert structure.paths("x")[4] == "x['a'][1, 1]"
    again = structure.build(leaves)["a"]
    assert again.dtype == np.float32
    assert np.array_equal(again, array)
    of_values = structure.build(map(Value, leaves))["a"]
    assert of_values.dtype == object
    assert of_values[1, 2].data == 5.0


def test_an_array_without_axes_is_a_value_if_it_holds_one():
    leaves, structure = flatten(np.array(2.0))
    assert structure.build(leaves).shape == ()
    value = Value(1.0)
    assert structure.build([value]) is value
    assert structure.paths("x") == ["x"]


def test_forms_are_equal_only_if_everything_about_them_is():
    alike = [[1.0], (1.0,), {"a": 1.0}, {"b": 1.0}, np.ones(1), np.ones((1, 1)), 1.0, None, [[1.0]], []]
    structures = [flatten(tree)[1] for tree in alike]
    assert len(set(structures)) == len(alike)
    assert flatten(np.ones(2))[1] == Structure(ARRAY, (2,), size=2) != flatten(np.ones(2, "f"))[1]


@pytest.mark.parametrize(
    ("like", "tree", "leaves"),
    [
        ([1, 2], (3, 4), [3, 4]),
        (np.ones((2, 2)), [[1, 2], [3, 4]], [1, 2, 3, 4]),
        ([[1, 2], [3, 4]], np.array([[5.0, 6.0], [7.0, 8.0]]), [5, 6, 7, 8]),
        ({"a": 1, "b": 2}, {"b": 3, "a": 4}, [4, 3]),
        (np.array(1.0), 5.0, [5.0]),
        (np.ones((2, 1, 2)), [[[1, 2]], [[3, 4]]], [1, 2, 3, 4]),
        (OrderedDict(a=1, b=2), {"b": 3, "a": 4}, [4, 3]),
        (None, None, []),
    ],
)
def test_forms_that_may_stand_for_each_other_fit(like, tree, leaves):
    assert flatten(like)[1].fit(tree, "x") == leaves


@pytest.mark.parametrize(
    ("like", "tree", "message"),
    [
        ([1, [2, 3]], [1, [2]], r"x\[1\] must be a list of 2, not a list of 1"),
        ({"a": [1]}, {"a": 1}, r"x\['a'\] must be a list of 1, not int 1"),
        ({"a": 1}, {"b": 1}, r"x must be a dict with the keys \['a'\], not a dict of 1"),
        (1.0, {"b": 1}, r"x must be a number, not a dict of 1"),
        (np.ones(2), np.ones(3), r"an array of shape \(2,\), not an array of shape \(3,\)"),
        (np.ones(2), [1, [2]], r"an array of shape \(2,\), not a list of 2"),
        (np.ones((2, 1)), [[1], [2, 3]], r"an array of shape \(2, 1\), not a list of 2"),
        (np.ones((2, 2)), [[1, 2], [3, 4], [5, 6]], r"an array of shape \(2, 2\), not a list of 3"),
        (np.ones((1, 1)), [{"a": 1}], r"an array of shape \(1, 1\), not a list of 1"),
        ([1, 2], (1, 2, 3), "a list of 2, not a tuple of 3"),
        ([1, 2], {"a": 1, "b": 2}, "a list of 2, not a dict of 2"),
        ([1, 2], OrderedDict(a=1, b=2), "a list of 2, not a OrderedDict of 2"),
        ([1, 2], None, "a list of 2, not None"),
        (np.ones(1), {"a": 1}, "not a dict of 1"),
    ],
)
def test_forms_that_do_not_fit_are_refused_with_the_place(like, tree, message):
    with pytest.raises(ShapeError, match=message):
        flatten(like)[1].fit(tree, "x")


@pytest.mark.parametrize("shape", [(0,), (3,), (2, 3), (2, 3, 4)])
def test_a_path_leads_to_its_number_of_an_array(shape):
    array = np.arange(np.prod(shape), dtype=float).reshape(shape)
    leaves, structure = flatten(array)
    assert [eval(path, {"x": array}) for path in structure.paths("x")] == leaves


@pytest.mark.parametrize("dtype", ["e", "d", "g", "b", "l", "Q", "?"])
def test_an_array_of_any_other_kind_than_float32_comes_back_as_float64(dtype):
    leaves, structure = flatten(np.ones(2, dtype))
    assert structure.build(map(float, leaves)).dtype == np.float64


def test_the_numbers_and_whole_arrays_in_a_form_are_its_blocks():
    structure = flatten({"a": [1.0, np.ones((2, 3))], "b": (None, 2)})[1]
    assert [(block.kind, block.keys, block.size) for block in structure.blocks()] == [
        (LEAF, (), 1),
        (ARRAY, (2, 3), 6),
        (LEAF, (), 1),
    ]
    assert [child.size for child in structure.children] == [7, 1]
    assert structure.build_blocks("xyz") == {"a": ["x", "y"], "b": (None, "z")}


def test_the_keys_in_a_form_are_those_of_its_dicts_and_not_the_shape_of_an_array():
    tree = [{"a": 1.0, 2: {"b": np.ones((3, 4))}}, OrderedDict(c=Point({"d": 1}, 2.0)), [5.0]]
    assert flatten(tree)[1].keys_within() == ("a", 2, "b", "c", "d")


@pytest.mark.parametrize(
    ("tree", "shape"),
    [
        (1.0, ()),
        (np.ones((2, 0)), (2, 0)),
        ([[1, 2, 3], (4, 5, 6)], (2, 3)),
        ([np.ones(3), [1, 2, 3]], (2, 3)),
        ([], (0,)),
        ([[], []], (2, 0)),
        ([[1], [2, 3]], None),
        ([[1, 2], 3], None),
        ([1, None], None),
        ([None], None),
        ([{"a": 1}], None),
        ({"a": 1}, None),
        (OrderedDict(a=1), None),
    ],
)
def test_only_what_could_be_an_array_has_a_shape(tree, shape):
    assert shape_of(flatten(tree)[1]) == shape


def test_a_form_is_never_changed():
    with pytest.raises(AttributeError):
        flatten([1.0])[1].size = 2
