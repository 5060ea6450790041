"""Learning-rate schedules: each function here returns a function of the step, counted from 0.

So a training loop reads

    schedule = optim.cosine(0.1, steps=1000, warmup=50)
    for step in range(1000):
        optimizer.lr = schedule(step)
        ...
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from autodiff._support.settings import whole, within
from autodiff.errors import SettingError

__all__ = ["Schedule", "constant", "cosine", "linear", "step_decay"]

Schedule = Callable[[float], float]


def constant(lr: float) -> Schedule:
    """The learning rate ``lr`` at every step. Raises ``SettingError`` for one that is negative or not finite."""
    rate = within(0.0, math.inf, lr, "constant(lr)")
    return lambda step: rate


def linear(lr: float, steps: int, warmup: int = 0, final: float = 0.0) -> Schedule:
    """From ``lr`` to ``final`` in a straight line: lr + (final − lr)·p, where p = (step − warmup) / (steps − warmup).

    The first ``warmup`` steps climb to it: lr·(step + 1) / warmup. From step ``steps`` on it is ``final``.
    Raises ``SettingError`` for a rate that is negative or not finite, and unless 0 ≤ warmup < steps.
    """
    return decay("linear", lambda p: 1.0 - p, lr, steps, warmup, final)


def cosine(lr: float, steps: int, warmup: int = 0, final: float = 0.0) -> Schedule:
    """From ``lr`` to ``final`` along half a cosine: final + (lr − final)·(1 + cos πp)/2, where p is as for ``linear``.

    Warm-up, end and errors are those of ``linear``. Loshchilov and Hutter 2017, "SGDR", eq. 5, without restarts.
    """
    return decay("cosine", lambda p: 0.5 + 0.5 * math.cos(math.pi * p), lr, steps, warmup, final)


def step_decay(lr: float, every: int, factor: float = 0.1) -> Schedule:
    """``lr`` times ``factor`` after each ``every`` steps: lr · factor^⌊step / every⌋.

    Raises ``SettingError`` for a rate that is negative or not finite, ``every`` below 1, and a factor outside of 0 to 1.
    """
    rate = within(0.0, math.inf, lr, "step_decay(lr)")
    period = whole(1, every, "step_decay(every)")
    ratio = within(0.0, math.inf, factor, "step_decay(factor)")
    if ratio > 1.0:
        raise SettingError(f"step_decay(factor) is {ratio!r}: it must be at most 1")
    return lambda step: rate * ratio ** math.floor(steps_taken(step) / period)


def decay(name: str, share: Callable[[float], float], lr: float, steps: int, warmup: int, final: float) -> Schedule:
    """A warm-up, then a mean of ``lr`` and ``final`` in which ``lr`` has the share that belongs to the progress made."""
    rate = within(0.0, math.inf, lr, f"{name}(lr)")
    end = within(0.0, math.inf, final, f"{name}(final)")
    last = whole(1, steps, f"{name}(steps)")
    climb = whole(0, warmup, f"{name}(warmup)")
    if climb >= last:
        raise SettingError(f"{name}(steps={last}, warmup={climb}): the warm-up must be shorter than the whole")

    def schedule(step: float) -> float:
        taken = steps_taken(step)
        if taken < climb:
            return min(rate, rate * ((taken + 1.0) / climb))
        part = share(min(1.0, (taken - climb) / (last - climb)))
        mean = part * rate + (1.0 - part) * end
        return min(max(mean, min(rate, end)), max(rate, end))  # rounding, of tiny rates above all, leads beyond neither

    return schedule


def steps_taken(step: Any) -> float:
    """The step a schedule is asked about. Raises ``SettingError`` for one that is negative or not finite."""
    return within(0.0, math.inf, step, "schedule(step)")
