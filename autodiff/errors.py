"""The exceptions of autodiff.

AutodiffError
├── DetachedError      (TypeError)         the number of a Value was read where a derivative is being taken
├── GradientMismatch   (AssertionError)    a gradient that differences or the complex step do not confirm
├── NonFiniteError     (ArithmeticError)   an operation under ``strict()`` made a nan or an inf
│   └── TrainingDiverged                   the loss or a gradient in ``nn.fit`` is nan or infinite
├── ShapeError         (ValueError)        a number of inputs, outputs or targets that does not fit
├── SingularMatrix     (ValueError)        a system of equations without one solution
├── StaleRecording     (RuntimeError)      a ``data`` was written after operations had used it
├── TraceError         (TypeError)         a compiled function branches on a number that is different on each call
├── UnknownNameError   (ValueError)        an activation, loss or option that does not exist
├── DebuggerError      (ValueError)        a command, place or condition that the debugger does not understand
├── OperationError     (ValueError)        an operation of one's own whose name, partials or spelling cannot be
├── SettingError       (ValueError)        a learning rate, a parameter list or another setting nothing can be trained with
├── StateError         (ValueError)        a state_dict that does not fit what it is loaded into
├── TargetError        (ValueError)        a label, a class or another target that a loss has no meaning for
├── WrongFile          (ValueError)        a file to be loaded that is cut, of another program, or for another model
├── GraphTooLarge      (ValueError)        a graph with more nodes than can be drawn or stepped through
├── NotebookNotFound   (RuntimeError)      what changes the output of a notebook's cell was called outside of one
├── NotInGraphError    (ValueError)        a Value that the loss was not computed from
├── RendererFailed     (RuntimeError)      the program that was to draw a picture did not
└── RendererNotFound   (RuntimeError)      nothing on this machine turns DOT text into a picture

Each is also the built-in exception in brackets, so code that catches that one goes on working.

Two warnings: DetachedWarning (UserWarning), the number of a Value was read, elsewhere; NonFiniteWarning (RuntimeWarning), an
optimiser's step with a gradient that is nan or infinite.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class AutodiffError(Exception):
    """Anything that autodiff itself raises, but for a plain ``TypeError``."""


class DetachedError(AutodiffError, TypeError):
    """The number of a Value was read, by ``math.exp(x)`` or a store into an array of floats, and a derivative would be wrong.

    The message has the user's line, what took the number, and what to do.
    """


class DetachedWarning(UserWarning):
    """The number of a Value was read by something other than ``float(x)`` and ``x.data``: no gradient flows through it."""


class NonFiniteWarning(RuntimeWarning):
    """An optimiser made a step with a gradient that is nan or infinite; under ``strict()`` it is a ``NonFiniteError``."""


class GradientMismatch(AutodiffError, AssertionError):
    """A gradient differs from what differences or the complex step give; the message names the worst entry.

    ``entry`` is its place, ``ours`` and ``reference`` the two numbers, ``relative_error`` how far they are apart.
    """

    def __init__(self, message: str, entry: str, ours: float, reference: float, relative_error: float):
        super().__init__(message)
        self.entry, self.ours, self.reference, self.relative_error = entry, ours, reference, relative_error


class NonFiniteError(AutodiffError, ArithmeticError):
    """An operation recorded under ``strict()`` had a nan or an infinite result."""


class TrainingDiverged(NonFiniteError):
    """The loss or a gradient became nan or infinite; the message says where, and the model is as before that step.

    ``log`` is the ``TrainingLog`` up to there.
    """

    def __init__(self, message: str, log: Any = None):
        super().__init__(message)
        self.log = log


class ShapeError(AutodiffError, ValueError):
    """The number of inputs, outputs or targets is not the number expected; the message has both."""


class SingularMatrix(AutodiffError, ValueError):
    """The matrix of ``ad.solve`` has no inverse: there is no solution, or more than one."""


class StaleRecording(AutodiffError, RuntimeError):
    """The recording was asked for something that needs its operands as they were, and one of them has other data now."""


class TraceError(AutodiffError, TypeError):
    """A function that is being compiled reads the number in a Value, which would be frozen; the message has the line."""


class UnknownNameError(AutodiffError, ValueError):
    """There is nothing by that name; the message lists what there is."""


class DebuggerError(AutodiffError, ValueError):
    """A command, place or condition that the debugger does not understand; the message says what there is."""


class OperationError(AutodiffError, ValueError):
    """What ``operation`` was given makes no row of the table; the message says why, and what would."""


class SettingError(AutodiffError, ValueError):
    """A setting is outside of its range, or the parameters are none or hold one twice; the message says which."""


class StateError(AutodiffError, ValueError):
    """A ``state_dict`` is not one of this thing; the message says where it differs. Nothing was changed.

    For a module ``missing`` and ``unexpected`` are the lists of keys.
    """

    def __init__(self, message: str, missing: Iterable[str] = (), unexpected: Iterable[str] = ()):
        super().__init__(message)
        self.missing = list(missing)
        self.unexpected = list(unexpected)


class TargetError(AutodiffError, ValueError):
    """A target is of the right kind and has no meaning for this loss; the message has what would have."""


class WrongFile(AutodiffError, ValueError):
    """A file is not what is to be loaded; the message says which file and where in it."""


class GraphTooLarge(AutodiffError, ValueError):
    """The graph has more nodes than can be laid out or stepped through; the message has both numbers."""


class NotebookNotFound(AutodiffError, RuntimeError):
    """What shows itself in the output of a notebook's cell was called where there is none; the message has what there is."""


class NotInGraphError(AutodiffError, ValueError):
    """The Value is not among those that the loss was computed from."""


class RendererFailed(AutodiffError, RuntimeError):
    """A program was found and did not draw the picture; the message has what it said."""


class RendererNotFound(AutodiffError, RuntimeError):
    """No program that turns DOT text into a picture was found; the message has the command that mends it."""


class DecisionWarning(UserWarning):
    """A comparison that Python decided while a graph was recorded would be decided otherwise for the numbers of now."""
