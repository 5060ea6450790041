"""Scalar reverse-mode automatic differentiation that shows its work: ``import autodiff as ad``."""

# The first import decides between compiled and interpreted; names are repeated (``as``) to say that they are public.
from autodiff._implementation import implementation as implementation  # isort: split

import importlib
from typing import TYPE_CHECKING

from autodiff.engine import functions as _functions
from autodiff.engine.check import check_gradients as check_gradients
from autodiff.engine.decisions import refresh as refresh
from autodiff.engine.differentiate import grad as grad
from autodiff.engine.differentiate import gradients as gradients
from autodiff.engine.differentiate import hessian as hessian
from autodiff.engine.differentiate import hvp as hvp
from autodiff.engine.differentiate import jacobian as jacobian
from autodiff.engine.differentiate import jvp as jvp
from autodiff.engine.differentiate import value_and_grad as value_and_grad
from autodiff.engine.functions import *  # noqa: F403  one for each public row of rules.py, and those composed of rows
from autodiff.engine.operations import operation as operation
from autodiff.engine.recording import record_source as record_source
from autodiff.engine.recording import scope as scope
from autodiff.engine.recording import strict as strict
from autodiff.engine.value import Value as Value
from autodiff.engine.value import last as _last  # noqa: F401  pickles know these two by their names here
from autodiff.engine.value import thaw as _thaw  # noqa: F401
from autodiff.errors import AutodiffError as AutodiffError
from autodiff.errors import DebuggerError as DebuggerError
from autodiff.errors import DecisionWarning as DecisionWarning
from autodiff.errors import DetachedError as DetachedError
from autodiff.errors import DetachedWarning as DetachedWarning
from autodiff.errors import GradientMismatch as GradientMismatch
from autodiff.errors import GraphTooLarge as GraphTooLarge
from autodiff.errors import NonFiniteError as NonFiniteError
from autodiff.errors import NonFiniteWarning as NonFiniteWarning
from autodiff.errors import NotebookNotFound as NotebookNotFound
from autodiff.errors import NotInGraphError as NotInGraphError
from autodiff.errors import OperationError as OperationError
from autodiff.errors import RendererFailed as RendererFailed
from autodiff.errors import RendererNotFound as RendererNotFound
from autodiff.errors import SettingError as SettingError
from autodiff.errors import ShapeError as ShapeError
from autodiff.errors import SingularMatrix as SingularMatrix
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
from autodiff.explain import why as why
from autodiff.graph.summary import summary as summary

if TYPE_CHECKING:
    from autodiff import nn as nn
    from autodiff import optim as optim
    from autodiff.compiler import compile as compile
    from autodiff.debugger import History as History
    from autodiff.debugger import debug as debug
    from autodiff.debugger import live as live
    from autodiff.debugger import page as page
    from autodiff.debugger import pm as pm
    from autodiff.debugger import steps as steps
    from autodiff.drawing import draw as draw
    from autodiff.engine.arrays import array as array
    from autodiff.engine.arrays import ones as ones
    from autodiff.engine.arrays import zeros as zeros
    from autodiff.engine.linear import det as det
    from autodiff.engine.linear import solve as solve
    from autodiff.nn import load_run as load_run
    from autodiff.nn import record_run as record_run

__version__ = "0.1.0"

# What is imported when it is first used; a module's own name stands for the module itself.
_LATER = {
    "nn": "nn",
    "optim": "optim",
    "array": "engine.arrays",
    "ones": "engine.arrays",
    "zeros": "engine.arrays",
    "det": "engine.linear",
    "solve": "engine.linear",
    "compile": "compiler",
    "History": "debugger",
    "debug": "debugger",
    "live": "debugger",
    "page": "debugger",
    "pm": "debugger",
    "steps": "debugger",
    "draw": "drawing",
    "load_run": "nn",
    "record_run": "nn",
}


if not TYPE_CHECKING:  # type checkers see the names as they stand
    __all__ = [
        "AutodiffError",
        "DebuggerError",
        "DecisionWarning",
        "DetachedError",
        "DetachedWarning",
        "GradientMismatch",
        "GraphTooLarge",
        "History",
        "NonFiniteError",
        "NonFiniteWarning",
        "NotInGraphError",
        "NotebookNotFound",
        "OperationError",
        "RendererFailed",
        "RendererNotFound",
        "SettingError",
        "ShapeError",
        "SingularMatrix",
        "StaleRecording",
        "StateError",
        "TargetError",
        "TraceError",
        "TrainingDiverged",
        "UnknownNameError",
        "Value",
        "WrongFile",
        "array",
        "blame",
        "check_gradients",
        "compile",
        "debug",
        "det",
        "draw",
        "explain",
        "expression",
        "grad",
        "gradients",
        "hessian",
        "hvp",
        "implementation",
        "jacobian",
        "jvp",
        "live",
        "load_run",
        "nn",
        "ones",
        "operation",
        "optim",
        "page",
        "pm",
        "record_run",
        "record_source",
        "refresh",
        "scope",
        "solve",
        "steps",
        "strict",
        "summary",
        "value_and_grad",
        "why",
        "zeros",
        *_functions.__all__,
    ]

    def __getattr__(name):
        if name not in _LATER:
            raise AttributeError(f"module 'autodiff' has no attribute {name!r}")
        module = importlib.import_module(f"autodiff.{_LATER[name]}")
        thing = globals()[name] = module if _LATER[name] == name else getattr(module, name)
        return thing

    def __dir__():
        return __all__
