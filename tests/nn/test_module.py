"""Module: parameters found and named by path, each once, zeroed, and their state taken and given."""

import copy
import pickle
from abc import ABC, abstractmethod
from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff import nn


class Net(nn.Module):
    def __init__(self):
        self.scale = ad.Value(2.0)
        self.blocks = {"in": nn.Layer(1, 2), "out": [nn.Neuron(2)]}
        self.pair = (nn.Perceptron(1), ad.Value(1.0))
        self.again = self.scale
        self.size = 3
        self._cache = ad.Value(9.0)


PATHS = [
    "scale",
    "blocks.in.neurons.0.w.0",
    "blocks.in.neurons.0.b",
    "blocks.in.neurons.1.w.0",
    "blocks.in.neurons.1.b",
    "blocks.out.0.w.0",
    "blocks.out.0.w.1",
    "blocks.out.0.b",
    "pair.0.w.0",
    "pair.0.b",
    "pair.1",
]


# ---- parameters and their names ---------------------------------------------------------------------------------------------


def test_parameters_have_paths_in_the_order_of_the_attributes():
    assert [path for path, _ in Net().named_parameters()] == PATHS


def test_a_path_is_the_values_name_too():
    assert [parameter.name for parameter in Net().parameters()] == PATHS


def test_a_layer_that_goes_into_a_network_has_its_parameters_renamed():
    layer = nn.Layer(1, 2)
    assert [parameter.name for parameter in layer.parameters()][-2:] == ["neurons.1.w.0", "neurons.1.b"]
    nn.Sequential(nn.Layer(1, 1), layer)
    assert [parameter.name for parameter in layer.parameters()][-2:] == ["layers.1.neurons.1.w.0", "layers.1.neurons.1.b"]


def test_a_name_given_by_hand_stays():
    perceptron = nn.Perceptron(2)
    perceptron.b.name = "bias"
    perceptron.w[0].name = "1.w.0"  # not the end of layers.0.w.0
    model = nn.Sequential(perceptron)
    assert [parameter.name for parameter in model.parameters()] == ["1.w.0", "layers.0.w.1", "bias"]


def test_the_end_of_a_path_is_a_whole_word():
    class Odd(nn.Module):
        def __init__(self):
            self.ab = ad.Value(1.0, "b")

    assert Odd().ab.name == "b"


def test_what_is_added_later_is_named_when_asked():
    net = Net()
    net.late = nn.Perceptron(1)
    assert net.late.b.name == "b"
    net.name_parameters()
    assert net.late.b.name == "late.b"


def test_a_drawn_graph_speaks_of_paths():
    model = nn.MLP(1, [2, 1], seed=0)
    source = ad.draw(model([0.5])).source
    assert "layers.0.neurons.1.w.0" in source


def test_copies_and_pickles_keep_names_and_numbers():
    model = nn.MLP(2, [3, 1], "tanh", seed=4)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.state_dict() == model.state_dict()
        assert [p.name for p in other.parameters()] == [p.name for p in model.parameters()]
        assert not set(other.parameters()) & set(model.parameters())
        assert other([0.1, 0.2]).data == model([0.1, 0.2]).data


def test_the_class_of_a_module_by_itself_is_the_scope_of_its_parameters():
    perceptron = nn.Perceptron(1)
    assert [parameter.scope for parameter in perceptron.parameters()] == ["perceptron", "perceptron"]

    class Scaled(nn.Module):
        def __init__(self):
            self.inner, self.scale = perceptron, ad.Value(2.0)

    assert [(p.name, p.scope) for p in Scaled().parameters()] == [
        ("inner.w.0", None),
        ("inner.b", None),
        ("scale", "scaled"),
    ]


def test_a_shared_parameter_is_there_once():
    net = Net()
    assert sum(parameter is net.scale for parameter in net.parameters()) == 1


def test_a_module_that_holds_itself_ends():
    net = Net()
    net.me = net
    assert len(net.parameters()) == len(PATHS)


def test_a_module_may_be_abstract_too():
    class Shape(nn.Module, ABC):
        def __init__(self):
            self.w = ad.Value(1.0)

        @abstractmethod
        def area(self): ...

    class Square(Shape):
        def area(self):
            return self.w * self.w

    with pytest.raises(TypeError, match="abstract"):
        Shape()
    assert Square().w.name == "w"


def test_parameters_may_be_overridden_as_in_scripts_for_micrograd():
    class Mine(nn.Module):
        def __init__(self):
            self.hidden = [ad.Value(1.0), ad.Value(2.0)]

        def parameters(self):
            return self.hidden[:1]

    mine = Mine()
    mine.hidden[0].grad = mine.hidden[1].grad = 1.0
    mine.zero_grad()
    assert [x.grad for x in mine.hidden] == [0.0, 1.0]


def test_zero_grad_zeroes_every_parameter():
    net = Net()
    for parameter in net.parameters():
        parameter.grad = 1.0
    net.zero_grad()
    assert [parameter.grad for parameter in net.parameters()] == [0.0] * len(PATHS)


# ---- state ------------------------------------------------------------------------------------------------------------------


def test_state_dict_is_paths_and_plain_floats():
    model = nn.Perceptron(2, seed=1)
    state = model.state_dict()
    assert list(state) == ["w.0", "w.1", "b"]
    assert [type(number) for number in state.values()] == [float] * 3
    model.b.data = 5.0
    assert state["b"] == 0.0


@given(st.lists(st.floats(), min_size=3, max_size=3))
def test_a_state_comes_back_to_the_last_bit(numbers):
    model, other = nn.Perceptron(2, seed=1), nn.Perceptron(2, seed=2)
    for parameter, number in zip(model.parameters(), numbers, strict=True):
        parameter.data = number
    other.load_state_dict(model.state_dict())
    assert list(map(repr, other.state_dict().values())) == list(map(repr, numbers))


def test_a_state_may_be_in_any_order_and_hold_any_real_number():
    np = pytest.importorskip("numpy")
    model = nn.Perceptron(2)
    model.load_state_dict(OrderedDict(b=3, **{"w.1": np.float32(0.5), "w.0": ad.Value(2.0)}))
    assert model.state_dict() == {"w.0": 2.0, "w.1": 0.5, "b": 3.0}


def test_what_is_missing_and_unexpected_is_all_named_and_nothing_changed():
    model = nn.Perceptron(3, seed=1)
    before = model.state_dict()
    with pytest.raises(ad.StateError) as caught:
        model.load_state_dict({"w.0": 1.0, "w.01": 1.0, "bias": 2.0})
    assert caught.value.missing == ["w.1", "w.2", "b"]
    assert caught.value.unexpected == ["w.01", "bias"]
    message = str(caught.value)
    assert "for Perceptron misses 'w.1', 'w.2', 'b' and has the unexpected 'w.01' (perhaps 'w.1'), 'bias'" in message
    assert model.state_dict() == before


def test_a_long_difference_is_cut_and_kept_whole_in_the_error():
    with pytest.raises(ad.StateError, match="and 74 more") as caught:
        nn.MLP(4, [10, 4]).load_state_dict({"layers": 1.0, **{f"x{i}": 0.0 for i in range(5000)}})
    assert (len(caught.value.missing), len(caught.value.unexpected)) == (94, 5001)


@pytest.mark.parametrize("wrong", ["1.0", None, [1.0], 1j, 10**400])
def test_what_is_no_number_is_named_with_its_path_and_nothing_changed(wrong):
    model = nn.Perceptron(2, seed=1)
    before = model.state_dict()
    with pytest.raises(ad.StateError, match=r"w\.1"):
        model.load_state_dict({"w.0": 7.0, "w.1": wrong, "b": 0.0})
    assert model.state_dict() == before


def test_a_state_is_a_mapping():
    with pytest.raises(ad.StateError, match="list"):
        nn.Perceptron(2).load_state_dict([1.0, 2.0, 3.0])


def test_two_parameters_at_one_path_are_refused():
    class Twice(nn.Module):
        def __init__(self):
            self.w = {1: ad.Value(1.0), "1": ad.Value(2.0)}

    with pytest.raises(ad.StateError, match=r"two parameters at 'w\.1'"):
        Twice().state_dict()
