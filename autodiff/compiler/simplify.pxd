# The C types of simplify.py, which runs without this file when it is interpreted.
from autodiff.compiler.integers cimport array, filled, fresh, integers, integers_of, place, resized, room

cdef class Draft:
    cdef readonly object program
    cdef readonly list constants, linears
    cdef dict numbers
    cdef array all_codes, all_starts, all_operands, all_places
    cdef integers codes, starts, operands, places
    cdef place n, at, n_fixed
