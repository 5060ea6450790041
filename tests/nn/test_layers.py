"""Perceptron, neuron, layer and MLP: what they compute, what they hold, what they refuse."""

import math
import random

import numpy as np
import pytest

import autodiff as ad
from autodiff import nn


def test_perceptron_is_weighted_sum_bias_activation():
    perceptron = nn.Perceptron(2, "sigmoid", seed=3)
    perceptron.b.data = 0.25
    x = [1.5, -2.0]
    z = perceptron.w[0].data * x[0] + perceptron.w[1].data * x[1] + 0.25
    assert perceptron(x).data == pytest.approx(1 / (1 + math.exp(-z)), rel=1e-15)


def test_perceptron_names_its_parameters():
    perceptron = nn.Perceptron(2)
    assert [parameter.name for parameter in perceptron.parameters()] == ["w.0", "w.1", "b"]


def test_gradients_of_a_perceptron_are_those_of_the_chain_rule():
    perceptron = nn.Perceptron(2, "tanh", seed=1)
    x, y = [0.3, -0.7], 0.5
    a = perceptron(x)
    nn.mse(a, y).backward()
    dz = 2 * (a.data - y) * (1 - a.data**2)
    assert [w.grad for w in perceptron.w] == pytest.approx([dz * x[0], dz * x[1]], rel=1e-12)
    assert perceptron.b.grad == pytest.approx(dz, rel=1e-12)


def test_inputs_may_be_values_and_receive_gradients():
    perceptron = nn.Perceptron(1, "linear", seed=0)
    x = ad.Value(2.0)
    perceptron([x]).backward()
    assert x.grad == perceptron.w[0].data


@pytest.mark.parametrize("make", [nn.Perceptron, nn.Neuron, lambda n: nn.Layer(n, 2), lambda n: nn.MLP(n, [2, 1])])
def test_wrong_number_of_inputs_is_refused_with_both_numbers(make):
    with pytest.raises(ad.ShapeError, match=r"takes 3 inputs and was given 2"):
        make(3)([1.0, 2.0])


def test_unknown_activation_is_refused_with_the_list():
    with pytest.raises(ad.UnknownNameError, match=r"'sigmiod'.*relu.*sigmoid.*tanh"):
        nn.Perceptron(2, "sigmiod")


def test_activation_may_be_a_function():
    perceptron = nn.Perceptron(1, lambda z: z * z, seed=2)
    assert perceptron([3.0]).data == (perceptron.w[0].data * 3.0) ** 2
    assert nn.Perceptron(1, ad.tanh)([0.0]).op == "tanh"


def test_same_seed_same_weights_and_different_seed_others():
    def weights(seed):
        return [parameter.data for parameter in nn.MLP(2, [4, 1], seed=seed).parameters()]

    assert weights(7) == weights(7) != weights(8)


def test_layers_of_one_mlp_do_not_share_their_draw():
    first, second = nn.MLP(2, [2, 2], seed=5).layers
    assert [n.w[0].data for n in first.neurons] != [n.w[0].data for n in second.neurons]


def test_without_a_seed_weights_come_from_pythons_random_as_in_micrograd():
    random.seed(1337)
    expected = [random.uniform(-1, 1) for _ in range(6)]
    random.seed(1337)
    assert [w.data for w in nn.Neuron(6).w] == expected
    random.seed(1337)
    assert [w.data for neuron in nn.Layer(2, 3, init="uniform").neurons for w in neuron.w] == expected


def test_micrograds_constructors_and_attributes():
    assert nn.Neuron(2, nonlin=False)([-50.0, -50.0]).op == "add"
    assert [len(layer.neurons) for layer in nn.MLP(2, [16, 16, 1]).layers] == [16, 16, 1]
    assert len(nn.MLP(2, [16, 16, 1]).parameters()) == 337


def test_last_layer_of_an_mlp_is_linear_and_the_others_are_not():
    model = nn.MLP(1, [2, 1], "tanh", seed=0)
    out = model([0.5])
    assert isinstance(out, ad.Value)
    assert out.op == "add"
    assert [neuron([0.5]).op for neuron in model.layers[0].neurons] == ["tanh", "tanh"]


def test_layer_of_one_gives_a_value_and_of_two_a_list():
    assert isinstance(nn.Layer(2, 1)([1.0, 2.0]), ad.Value)
    assert len(nn.Layer(2, 2)([1.0, 2.0])) == 2
    assert nn.MLP(2, [1, 1])([1.0, 2.0]).data is not None


def test_repr_says_what_it_is():
    assert repr(nn.Perceptron(2)) == "Perceptron(2, 'sigmoid')"
    assert repr(nn.MLP(1, [1])) == "MLP of [Layer of [Neuron(1, 'linear')]]"


# ---- sizes ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda n: nn.Perceptron(n),
        lambda n: nn.Neuron(n),
        lambda n: nn.Layer(n, 2),
        lambda n: nn.Layer(2, n),
        lambda n: nn.MLP(n, [2, 1]),
        lambda n: nn.MLP(2, [2, n]),
    ],
)
def test_sizes_are_whole_numbers_from_one(make):
    for size in (0, -1):
        with pytest.raises(ad.ShapeError, match=f"is {size}: it must be at least 1"):
            make(size)
    for size in (2.0, "2", None, True):
        with pytest.raises(TypeError, match="a whole number"):
            make(size)


def test_an_mlp_has_at_least_one_layer_and_takes_a_list():
    with pytest.raises(ad.ShapeError, match="at least one size"):
        nn.MLP(2, [])
    with pytest.raises(TypeError, match="a list of layer sizes, not 3"):
        nn.MLP(2, 3)


def test_sizes_may_be_numpys():
    np = pytest.importorskip("numpy")
    assert len(nn.MLP(np.int64(2), np.array([3, 1])).parameters()) == 13


# ---- inputs -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [nn.Perceptron, lambda n: nn.Layer(n, 1), lambda n: nn.MLP(n, [2, 1])])
def test_one_input_may_stand_alone(make):
    model = make(1)
    assert model(0.5).data == model([0.5]).data == model(ad.Value(0.5)).data
    with pytest.raises(ad.ShapeError, match="takes 2 inputs and was given 1"):
        make(2)(0.5)


def test_inputs_may_be_rows_of_arrays():
    np = pytest.importorskip("numpy")
    model = nn.MLP(2, [2, 1], seed=3)
    row = np.array([0.5, 0.25], dtype=np.float32)
    row.flags.writeable = False
    assert model(row).data == model([0.5, 0.25]).data
    assert nn.Perceptron(1, seed=1)(np.float32(0.5)).data == nn.Perceptron(1, seed=1)(np.array(0.5)).data


# ---- the step ---------------------------------------------------------------------------------------------------------------


def test_a_step_gives_every_weight_the_gradient_zero():
    perceptron = nn.Perceptron(2, "step", seed=1)
    nn.mse(perceptron([1.0, 1.0]), 1.0 - perceptron([1.0, 1.0]).data).backward()
    assert [parameter.grad for parameter in perceptron.parameters()] == [0.0, 0.0, 0.0]
    assert "no useful gradient" in nn.Perceptron.__doc__


# ---- Sequential -------------------------------------------------------------------------------------------------------------


def test_sequential_is_one_after_the_other():
    first, last = nn.Layer(2, 3, "linear", seed=1), nn.Layer(3, 1, "linear", seed=2)
    model = nn.Sequential(first, "tanh", last)
    assert model([0.5, -1.0]).data == last([ad.tanh(z) for z in first([0.5, -1.0])]).data
    assert model.layers == [first, ad.tanh, last]
    assert len(model.parameters()) == 13
    assert [path for path, _ in model.named_parameters()][-1] == "layers.2.neurons.0.b"


def test_an_activation_goes_over_each_number_and_another_function_gets_the_whole():
    model = nn.Sequential(ad.exp, ad.softmax, lambda xs: xs[::-1])
    assert model([0.0, 1.0]) == ad.softmax([1.0, math.exp(1.0)])[::-1]
    assert nn.Sequential("relu", ad.leaky_relu)([-1.0, 2.0]) == [0.0, 2.0]
    assert nn.Sequential("relu")(-1.0) == 0.0


def test_an_mlp_is_a_sequential_of_layers():
    model = nn.MLP(2, [3, 2], "tanh", seed=1)
    assert isinstance(model, nn.Sequential)
    same = nn.Sequential(*model.layers)
    assert [x.data for x in same([0.1, 0.2])] == [x.data for x in model([0.1, 0.2])]


def test_sequential_refuses_nothing_names_that_are_none_and_what_cannot_be_called():
    with pytest.raises(ad.ShapeError, match="of nothing"):
        nn.Sequential()
    with pytest.raises(ad.UnknownNameError, match="'tanhh'"):
        nn.Sequential("tanhh")
    with pytest.raises(TypeError, match="number 1 is 3"):
        nn.Sequential("tanh", 3)


def test_sequential_says_what_it_is():
    assert repr(nn.Sequential(nn.Perceptron(2), "tanh")) == "Sequential of [Perceptron(2, 'sigmoid'), tanh]"


# ---- functions of one number -------------------------------------------------------------------------------------------------


def halved(z):
    return z / 2.0


def test_an_activation_goes_over_each_number():
    model = nn.Sequential(nn.Layer(2, 3, "linear", seed=1), nn.Activation(halved), nn.Activation("tanh"))
    plain = nn.Layer(2, 3, "linear", seed=1)([1.0, 2.0])
    assert [z.data for z in model([1.0, 2.0])] == [ad.tanh(z / 2.0).data for z in plain]
    assert nn.Activation(halved)([[1, 2], (3,)]) == [[0.5, 1.0], [1.5]]
    assert nn.Activation(halved)(3) == 1.5
    assert nn.Activation(halved)([]) == []
    assert nn.Activation(halved)(np.array([1.0, 2.0])) == [0.5, 1.0]
    assert repr(nn.Activation(halved)) == "Activation(halved)"
    assert nn.Activation(halved).parameters() == []


def test_an_activation_may_have_parameters_of_its_own():
    class Slope(nn.Module):
        def __init__(self):
            self.slope = ad.Value(0.5)

        def __call__(self, z):
            return ad.where(z > 0, z, self.slope * z)

    model = nn.Sequential(nn.Layer(1, 2, seed=1), nn.Activation(Slope()))
    assert "layers.1.function.slope" in dict(model.named_parameters())


@pytest.mark.parametrize(
    "function",
    [
        halved,
        lambda z: -z,
        lambda z: z * 0.5,
        lambda z: z**2,
        lambda z: ad.tanh(z) * 2.0,
        lambda z: z.tanh(),
        lambda z: z > 0.0,
    ],
)
def test_a_function_of_one_number_that_is_given_a_list_speaks_of_activation(function):
    model = nn.Sequential(nn.Layer(2, 3, seed=1), function)
    with pytest.raises(
        TypeError, match=r"the whole list of 3 numbers before it, .*nn\.Activation\((halved|<lambda>)\)"
    ) as caught:
        model([1.0, 2.0])
    assert caught.value.__cause__ is not None
    fine = nn.Sequential(nn.Layer(2, 3, seed=1), nn.Activation(function))
    assert len(fine([1.0, 2.0])) == 3


def test_an_error_of_another_kind_stays_what_it_is():
    def broken(zs):
        raise TypeError("of its own")

    with pytest.raises(TypeError, match=r"^of its own$"):
        nn.Sequential(nn.Layer(2, 3), broken)([1.0, 2.0])
    with pytest.raises(ad.ShapeError, match="takes 2 inputs"):
        nn.Sequential(nn.Layer(2, 3), nn.Layer(2, 1))([1.0, 2.0])


def test_activation_takes_a_function_or_a_name():
    with pytest.raises(TypeError, match="takes a function of one number, not int 3"):
        nn.Activation(3)
    with pytest.raises(ad.UnknownNameError, match="there is no activation 'tan'"):
        nn.Activation("tan")
