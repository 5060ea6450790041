"""The chain rule in words: ``explain(loss, w)``, ``expression(loss)``, ``blame(loss)``, ``why(loss, w)``."""

from autodiff.explain.questions import blame, explain, expression, why

__all__ = ["blame", "explain", "expression", "why"]
