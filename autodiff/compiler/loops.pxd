# The C types of loops.py, which runs without this file when it is interpreted.
from autodiff.compiler.integers cimport array, filled, fresh, integers, integers_of, place, resized, room
