# The C types of recorded.py, which runs without this file when it is interpreted.
from autodiff.compiler.integers cimport array, integers, integers_of, place, resized, room
from autodiff.engine.value cimport (
    NOBODY, Value, borrowed, held, is_told, leave_places, lend, place_of, take_places, value_among, value_of, width,
)

cdef enum:
    LEFT = 1
    RIGHT = 2
    MANY = 4
    NUMBER = 16
