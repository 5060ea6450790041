"""Optimisers, learning-rate schedules and gradient clipping, with PyTorch's names and formulas."""

from autodiff.optim.clipping import clip_grad_norm, clip_grad_value
from autodiff.optim.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop
from autodiff.optim.schedules import constant, cosine, linear, step_decay

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Optimizer",
    "RMSprop",
    "clip_grad_norm",
    "clip_grad_value",
    "constant",
    "cosine",
    "linear",
    "step_decay",
]
