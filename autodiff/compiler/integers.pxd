# What integers.py is to the compiled passes: C's own arrays.
from cpython.array cimport array, clone

ctypedef int *integers
ctypedef Py_ssize_t place

cdef inline integers integers_of(array numbers) noexcept:
    return numbers.data.as_ints
