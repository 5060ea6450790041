# The types of adjoint.py for type checkers, which see no C types.
from autodiff.compiler.program import Scalars
from autodiff.engine.value import Value

def with_gradients(program: Scalars, nodes: list[Value], wanted: list[int]) -> Scalars | None: ...
