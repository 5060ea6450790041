"""The fixtures of the tests of pages."""

from browsing import browse, graphviz_pure

__all__ = ["browse", "graphviz_pure"]
