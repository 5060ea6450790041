"""Stepping through a forward and a backward pass: ``steps(loss)``, ``debug(loss)``, ``page(loss, "steps.html")``."""

from autodiff.debugger.history import Backward, Forward, History, State, steps
from autodiff.debugger.page import Page, page
from autodiff.debugger.session import Session
from autodiff.debugger.terminal import debug

__all__ = ["Backward", "Forward", "History", "Page", "Session", "State", "debug", "page", "steps"]
