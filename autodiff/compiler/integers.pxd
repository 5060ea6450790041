# The C types of integers.py, which runs without this file when it is interpreted.
from cpython.array cimport array, clone, resize

ctypedef int *integers
ctypedef Py_ssize_t place

cdef inline integers integers_of(array numbers) noexcept:
    return numbers.data.as_ints

cpdef array fresh(place n)
cpdef array room(place n)
cpdef array filled(place n, place number)
cpdef array resized(array numbers, place n)
