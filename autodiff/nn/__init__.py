"""A micro-framework on Values: modules with parameters, and losses."""

from autodiff.nn.layers import MLP, Layer, Neuron, Perceptron
from autodiff.nn.losses import mse
from autodiff.nn.module import Module

__all__ = ["MLP", "Layer", "Module", "Neuron", "Perceptron", "mse"]
