"""Scalar reverse-mode automatic differentiation that shows its work: ``import autodiff as ad``."""

# The first import decides between compiled and interpreted; names are repeated (``as``) to say that they are public.
from autodiff._implementation import implementation as implementation  # isort: split

from typing import TYPE_CHECKING

from autodiff import functions
from autodiff import nn as nn
from autodiff import optim as optim
from autodiff.drawing import draw as draw
from autodiff.errors import AutodiffError as AutodiffError
from autodiff.errors import GraphTooLarge as GraphTooLarge
from autodiff.errors import NonFiniteError as NonFiniteError
from autodiff.errors import NotInGraphError as NotInGraphError
from autodiff.errors import RendererFailed as RendererFailed
from autodiff.errors import RendererNotFound as RendererNotFound
from autodiff.errors import ShapeError as ShapeError
from autodiff.errors import UnknownNameError as UnknownNameError
from autodiff.explain import blame as blame
from autodiff.explain import explain as explain
from autodiff.explain import expression as expression
from autodiff.functions import *  # noqa: F403  one function for each public row of rules.py, and those composed of rows
from autodiff.recording import scope as scope
from autodiff.recording import strict as strict
from autodiff.summary import summary as summary
from autodiff.value import Value as Value

__version__ = "0.1.0"

if not TYPE_CHECKING:  # type checkers see the names as they stand
    __all__ = [
        "AutodiffError",
        "GraphTooLarge",
        "NonFiniteError",
        "NotInGraphError",
        "RendererFailed",
        "RendererNotFound",
        "ShapeError",
        "UnknownNameError",
        "Value",
        "blame",
        "draw",
        "explain",
        "expression",
        "implementation",
        "nn",
        "optim",
        "scope",
        "strict",
        "summary",
        *functions.__all__,
    ]
