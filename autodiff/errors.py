"""The exceptions of autodiff.

AutodiffError
├── NonFiniteError     (ArithmeticError)   an operation under ``strict()`` made a nan or an inf
├── ShapeError         (ValueError)        a number of inputs, outputs or targets that does not fit
├── UnknownNameError   (ValueError)        an activation, loss or option that does not exist
├── GraphTooLarge      (ValueError)        a graph with more nodes than can be drawn
├── NotInGraphError    (ValueError)        a Value that the loss was not computed from
├── RendererFailed     (RuntimeError)      the program that was to draw a picture did not
└── RendererNotFound   (RuntimeError)      nothing on this machine turns DOT text into a picture

Each is also the built-in exception in brackets, so code that catches that one goes on working.
"""


class AutodiffError(Exception):
    """Anything that autodiff itself raises, but for a plain ``TypeError``."""


class NonFiniteError(AutodiffError, ArithmeticError):
    """An operation recorded under ``strict()`` had a nan or an infinite result."""


class ShapeError(AutodiffError, ValueError):
    """The number of inputs, outputs or targets is not the number expected; the message has both."""


class UnknownNameError(AutodiffError, ValueError):
    """There is nothing by that name; the message lists what there is."""


class GraphTooLarge(AutodiffError, ValueError):
    """The graph has more nodes than can be laid out; the message has both numbers."""


class NotInGraphError(AutodiffError, ValueError):
    """The Value is not among those that the loss was computed from."""


class RendererFailed(AutodiffError, RuntimeError):
    """A program was found and did not draw the picture; the message has what it said."""


class RendererNotFound(AutodiffError, RuntimeError):
    """No program that turns DOT text into a picture was found; the message has the command that mends it."""
