"""Metrics: what a person wants to know of a model's outputs, as plain numbers; nothing is trained on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from autodiff.engine.value import primal_of
from autodiff.errors import ShapeError, UnknownNameError
from autodiff.nn.losses import LOSSES
from autodiff.nn.shapes import is_list, listed

Metric = Callable[[Any, Any], Any]


def accuracy(outputs: Any, targets: Any, *, threshold: float | None = None) -> float:
    """The share of the samples that are classified rightly, from 0 to 1.

    An output is a list with a score for each class, of which the largest counts (the first of equals), and its target the
    number of the class or a list with its largest number there; or it is one number, which says yes above ``threshold``: by
    itself 0 where targets are 1 and -1, as ``hinge`` has them, and ½ where they are 1 and 0. Of logits with targets 1 and 0,
    as of ``binary_cross_entropy(from_logits=True)``, it is 0.

    Raises ``ShapeError`` for no outputs and where there are not as many targets.
    """
    found, wanted = list(listed(outputs)), list(listed(targets))
    if len(found) != len(wanted) or not found:
        raise ShapeError(
            f"accuracy() of {len(found)} outputs and {len(wanted)} targets: there must be as many, and at least one"
        )
    classes = [_class_of(target) for target in wanted]
    if threshold is None:
        threshold = 0.0 if -1 in classes else 0.5
    hits = [_class_of(a, threshold) == (y if _scores(a) else y > 0) for a, y in zip(found, classes, strict=True)]
    return sum(hits) / len(hits)


def _scores(x: Any) -> bool:
    return is_list(x) and len(x) > 1


def _class_of(x: Any, threshold: float | None = None) -> float:
    """The place of the largest of many scores; one number itself, or whether it is above a threshold."""
    numbers = [primal_of(score) for score in listed(x)]
    if len(numbers) > 1:
        return numbers.index(max(numbers))
    return numbers[0] if threshold is None else numbers[0] > threshold


METRICS: dict[str, Metric] = {"accuracy": accuracy, **LOSSES}


def metric_functions(metrics: str | Metric | Iterable[str | Metric] | Mapping[str, Metric] | None) -> dict[str, Metric]:
    """Metrics by name: of names, of functions, which have theirs, or as a dict. Raises ``UnknownNameError``, ``TypeError``."""
    if metrics is None:
        return {}
    if isinstance(metrics, Mapping):
        return dict(metrics)
    found: dict[str, Metric] = {}
    for metric in [metrics] if isinstance(metrics, str) or callable(metrics) else metrics:
        if isinstance(metric, str):
            if metric not in METRICS:
                raise UnknownNameError(f"there is no metric {metric!r}; there are {', '.join(METRICS)}, and any function")
            found[metric] = METRICS[metric]
        elif callable(metric):
            found[getattr(metric, "__name__", repr(metric))] = metric
        else:
            raise TypeError(f"a metric is a name or a function of outputs and targets, not {metric!r}")
    return found
