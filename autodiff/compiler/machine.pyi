# The types of machine.py for type checkers, which see neither compiled classes nor C types.
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from autodiff.compiler.slots import Program
from autodiff.engine.value import Value

_F = TypeVar("_F", bound=Callable[..., Any])

KINDS: tuple[str, ...]

class Machine:
    parameters: list[Value]
    n_stored: int  # how many numbers come back for each sample
    last_run: int  # which of the runs of all machines this one's last was
    def __init__(self, program: Program, parameters: Iterable[Value], threads: int = 1) -> None: ...
    def run(
        self,
        n: int,
        samples: Sequence[tuple[Any, int, int]],
        others: Sequence[tuple[array[float], int]],
        out: array[float] | None,
    ) -> array[float]: ...
    def swept(
        self, n: int, samples: Sequence[tuple[Any, int, int]], others: Sequence[tuple[array[float], int]], mean: bool
    ) -> tuple[float, Gradients]: ...

class Gradients:
    def __init__(self, machine: Machine, sums: array[float], first: int, scale: float, loss: float) -> None: ...
    def __call__(self) -> None: ...

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

class QuickBatch:
    def __init__(self, shapes: Sequence[tuple[int, ...]], plain: Callable[[Any], Any]) -> None: ...
    def take(self, args: tuple[Any, ...]) -> tuple[int, list[tuple[Any, int, int]]] | None: ...

class QuickSweep:
    def __init__(self, machine: Machine, batch: QuickBatch, mean: bool, check: Callable[[], None] | None) -> None: ...
    def take(self, args: tuple[Any, ...]) -> tuple[float, Gradients] | None: ...

def quick_first(name: str) -> Callable[[_F], _F]: ...
