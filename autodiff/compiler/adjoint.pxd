# The C types of adjoint.py, which runs without this file when it is interpreted.
from autodiff.compiler.integers cimport array, filled, fresh, integers, integers_of, place, resized, room

cdef class Writer:
    cdef integers codes, starts, operands
    cdef place n, at, n_fixed
    cdef list constants
    cdef dict numbers
