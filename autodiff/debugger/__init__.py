"""Stepping through a forward and a backward pass: ``steps(loss)``, ``debug(loss)``, ``page(loss, "steps.html")``."""

from autodiff.debugger.history import Backward, Forward, History, State, steps
from autodiff.debugger.live import LiveView, live
from autodiff.debugger.page import Page, page
from autodiff.debugger.script import debug, pm
from autodiff.debugger.session import Session

__all__ = ["Backward", "Forward", "History", "LiveView", "Page", "Session", "State", "debug", "live", "page", "pm", "steps"]
