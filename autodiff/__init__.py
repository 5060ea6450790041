"""Scalar reverse-mode automatic differentiation that shows its work: ``import autodiff as ad``."""

# The first import decides between compiled and interpreted; names are repeated (``as``) to say that they are public.
from autodiff._implementation import implementation as implementation  # isort: split

from typing import TYPE_CHECKING

from autodiff import functions
from autodiff import nn as nn
from autodiff import optim as optim
from autodiff.check import check_gradients as check_gradients
from autodiff.compiler import compile as compile
from autodiff.debugger import History as History
from autodiff.debugger import debug as debug
from autodiff.debugger import page as page
from autodiff.debugger import steps as steps
from autodiff.differentiate import grad as grad
from autodiff.differentiate import gradients as gradients
from autodiff.differentiate import hessian as hessian
from autodiff.differentiate import hvp as hvp
from autodiff.differentiate import jacobian as jacobian
from autodiff.differentiate import jvp as jvp
from autodiff.differentiate import value_and_grad as value_and_grad
from autodiff.drawing import draw as draw
from autodiff.errors import AutodiffError as AutodiffError
from autodiff.errors import DebuggerError as DebuggerError
from autodiff.errors import GradientMismatch as GradientMismatch
from autodiff.errors import GraphTooLarge as GraphTooLarge
from autodiff.errors import NonFiniteError as NonFiniteError
from autodiff.errors import NotInGraphError as NotInGraphError
from autodiff.errors import RendererFailed as RendererFailed
from autodiff.errors import RendererNotFound as RendererNotFound
from autodiff.errors import SettingError as SettingError
from autodiff.errors import ShapeError as ShapeError
from autodiff.errors import StaleRecording as StaleRecording
from autodiff.errors import StateError as StateError
from autodiff.errors import TargetError as TargetError
from autodiff.errors import TraceError as TraceError
from autodiff.errors import TrainingDiverged as TrainingDiverged
from autodiff.errors import UnknownNameError as UnknownNameError
from autodiff.errors import WrongFile as WrongFile
from autodiff.explain import blame as blame
from autodiff.explain import explain as explain
from autodiff.explain import expression as expression
from autodiff.functions import *  # noqa: F403  one function for each public row of rules.py, and those composed of rows
from autodiff.recording import record_source as record_source
from autodiff.recording import scope as scope
from autodiff.recording import strict as strict
from autodiff.summary import summary as summary
from autodiff.value import Value as Value

__version__ = "0.1.0"

if not TYPE_CHECKING:  # type checkers see the names as they stand
    __all__ = [
        "AutodiffError",
        "DebuggerError",
        "GradientMismatch",
        "GraphTooLarge",
        "History",
        "NonFiniteError",
        "NotInGraphError",
        "RendererFailed",
        "RendererNotFound",
        "SettingError",
        "ShapeError",
        "StaleRecording",
        "StateError",
        "TargetError",
        "TraceError",
        "TrainingDiverged",
        "UnknownNameError",
        "Value",
        "blame",
        "debug",
        "draw",
        "explain",
        "expression",
        "WrongFile",
        "check_gradients",
        "compile",
        "grad",
        "gradients",
        "hessian",
        "hvp",
        "implementation",
        "jacobian",
        "jvp",
        "nn",
        "optim",
        "page",
        "record_source",
        "scope",
        "steps",
        "strict",
        "summary",
        "value_and_grad",
        *functions.__all__,
    ]
