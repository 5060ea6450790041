# The types of loops.py for type checkers, which see no C types.
from typing import NamedTuple

from autodiff.compiler.program import Scalars

class Stretch(NamedTuple):
    start: int
    period: int
    times: int
    @property
    def end(self) -> int: ...

def stretches(program: Scalars, known: list[int] | None = None) -> list[Stretch]: ...
def spread(program: Scalars, found: list[Stretch], whole: frozenset[int]) -> tuple[Scalars, list[int]]: ...
def used_later(program: Scalars, stretch: Stretch) -> list[int]: ...
