"""A micro-framework on Values: modules with parameters, losses, and training."""

from autodiff.nn.checkpoints import load_checkpoint, save_checkpoint
from autodiff.nn.initializers import he, uniform, xavier, zeros
from autodiff.nn.layers import MLP, Activation, Layer, Linear, Neuron, Perceptron, Sequential
from autodiff.nn.log import TrainingLog
from autodiff.nn.losses import binary_cross_entropy, cross_entropy, hinge, huber, mae, mse
from autodiff.nn.metrics import accuracy
from autodiff.nn.module import Module
from autodiff.nn.own_loop import record_run
from autodiff.nn.run import Run, load_run
from autodiff.nn.training import fit

__all__ = [
    "MLP",
    "Activation",
    "Layer",
    "Linear",
    "Module",
    "Neuron",
    "Perceptron",
    "Run",
    "Sequential",
    "TrainingLog",
    "accuracy",
    "binary_cross_entropy",
    "cross_entropy",
    "fit",
    "he",
    "hinge",
    "huber",
    "load_checkpoint",
    "load_run",
    "mae",
    "mse",
    "record_run",
    "save_checkpoint",
    "uniform",
    "xavier",
    "zeros",
]
