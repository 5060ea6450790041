"""Functions recorded once and replayed over whole batches: trace, adjoint, simplify, roll, groups, then slots and the machine, or source."""

from autodiff.compiler.function import Compiled, compile

__all__ = ["Compiled", "compile"]
