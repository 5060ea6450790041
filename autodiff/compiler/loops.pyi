# The types of loops.py for type checkers, which see no C types.
from typing import NamedTuple

from autodiff.compiler.program import Scalars

class Stretch(NamedTuple):
    start: int
    period: int
    count: int
    @property
    def end(self) -> int: ...

def stretches(program: Scalars) -> list[Stretch]: ...
def spread(program: Scalars, found: list[Stretch], whole: frozenset[int]) -> Scalars: ...
def used_later(program: Scalars, stretch: Stretch) -> list[int]: ...
