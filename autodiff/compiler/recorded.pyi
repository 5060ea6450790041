# The types of recorded.py for type checkers, which see no C types.
from array import array
from typing import Any

from autodiff.engine.value import Value

def flattened(leaves: list[Value], nodes: list[Value]) -> tuple[array[int], array[int], array[int], list[float], list[int]]: ...
def captured(inputs: list[Value], nodes: list[Value], outputs: list[Any]) -> list[Value]: ...
