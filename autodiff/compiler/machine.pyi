# The types of machine.py for type checkers, which see neither compiled classes nor C types.
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

from autodiff.compiler.slots import Program
from autodiff.engine.value import Value

KINDS: tuple[str, ...]

class Machine:
    parameters: list[Value]
    def __init__(self, program: Program, parameters: Iterable[Value], threads: int = 1) -> None: ...
    @property
    def n_stored(self) -> int: ...
    def run(
        self,
        n: int,
        samples: Sequence[tuple[array[float], int]],
        others: Sequence[tuple[array[float], int]],
        out: array[float] | None,
    ) -> array[float]: ...

class QuickCall:
    def __init__(
        self,
        machine: Machine,
        forms: Sequence[tuple[int, Any]],
        result: tuple[int, Any],
        alone: bool,
        array_type: Any,
        empty: Any,
    ) -> None: ...
    def take(self, args: tuple[Any, ...]) -> Any: ...

def add_gradients(values: list[Value], gradients: array[float], first: int, scale: float) -> None: ...
