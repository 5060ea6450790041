# The types of scalars.py for type checkers, which see no C types.
from array import array

from autodiff.compiler.slots import Instruction

FOLDS: dict[str, str]
HANDLES: array[int]
MOST_MEMBERS: int

def steps_of(instruction: Instruction, tables: array[int]) -> list[int] | None: ...
def terms_of(op: str) -> list[int]: ...
