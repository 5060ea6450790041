"""The fixtures of the tests of pages."""

from browsing import browse, browser, graphviz_pure

__all__ = ["browse", "browser", "graphviz_pure"]
