# The types of recorded.py for type checkers, which see no C types.
from array import array

from autodiff.engine.value import Value

def flattened(leaves: list[Value], nodes: list[Value]) -> tuple[array[int], array[int], array[int], list[float], list[int]]: ...
