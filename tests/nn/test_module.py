"""Module: parameters found by path, each once, and zeroed."""

import autodiff as ad
from autodiff import nn


class Net(nn.Module):
    def __init__(self):
        self.scale = ad.Value(2.0)
        self.blocks = {"in": nn.Layer(1, 2), "out": [nn.Neuron(2)]}
        self.again = self.scale
        self.size = 3
        self._cache = ad.Value(9.0)


def test_parameters_have_paths_in_the_order_of_the_attributes():
    assert [path for path, _ in Net().named_parameters()] == [
        "scale",
        "blocks.in.neurons.0.w.0",
        "blocks.in.neurons.0.b",
        "blocks.in.neurons.1.w.0",
        "blocks.in.neurons.1.b",
        "blocks.out.0.w.0",
        "blocks.out.0.w.1",
        "blocks.out.0.b",
    ]


def test_a_shared_parameter_is_there_once():
    net = Net()
    assert sum(parameter is net.scale for parameter in net.parameters()) == 1


def test_a_module_that_holds_itself_ends():
    net = Net()
    net.me = net
    assert len(net.parameters()) == 8


def test_zero_grad_zeroes_every_parameter():
    net = Net()
    for parameter in net.parameters():
        parameter.grad = 1.0
    net.zero_grad()
    assert [parameter.grad for parameter in net.parameters()] == [0.0] * 8
