"""The chain rule in words: ``explain(loss, w)``, ``expression(loss)``, ``blame(loss)``."""

from autodiff.explain.explanation import blame, explain, expression

__all__ = ["blame", "explain", "expression"]
