"""Functions recorded once and replayed over whole batches: trace, adjoint, simplify, roll, groups, slots, machine, source."""

from autodiff.compiler.function import Compiled, compile

__all__ = ["Compiled", "compile"]
