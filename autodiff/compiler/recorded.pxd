# The C types of recorded.py, which runs without this file when it is interpreted.
from autodiff.compiler.integers cimport array, integers, integers_of, place
from autodiff.engine.value cimport NOBODY, Value, borrowed, held, lend, value_among, value_of, width

cdef enum:
    LEFT = 1
    RIGHT = 2
    MANY = 4
