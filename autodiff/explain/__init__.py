"""The chain rule in words: ``explain(loss, w)``, ``expression(loss)``, ``blame(loss)``, ``why(loss, w)``."""

from autodiff.explain.explanation import blame, explain, expression
from autodiff.explain.why import why

__all__ = ["blame", "explain", "expression", "why"]
