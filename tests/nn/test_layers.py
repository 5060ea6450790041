"""Perceptron, neuron, layer and MLP: what they compute, what they hold, what they refuse."""

import math
import random

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
    assert all(-1 <= weight <= 1 for weight in weights(7))


def test_layers_of_one_mlp_do_not_share_their_draw():
    first, second = nn.MLP(2, [2, 2], seed=5).layers
    assert [n.w[0].data for n in first.neurons] != [n.w[0].data for n in second.neurons]


def test_without_a_seed_weights_come_from_pythons_random_as_in_micrograd():
    random.seed(1337)
    expected = [random.uniform(-1, 1) for _ in range(6)]
    random.seed(1337)
    assert [w.data for neuron in nn.Layer(2, 3).neurons for w in neuron.w] == expected


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
