# The C types of machine.py, which runs without this file when it is interpreted.
cimport libc.math as libm
from cpython.array cimport array, clone
from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_ND, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libc.math cimport INFINITY

from autodiff.engine.kernels cimport (
    add, at_least, binary, binary_at, binary_function, exp, hypot, kernel, log, reduction, sub, tangents, unary, unary_at, vector,
)
from autodiff.engine.value cimport Value, traced

ctypedef Py_ssize_t place
ctypedef long long* longs

cdef class Machine:
    cdef readonly list parameters
    cdef array once, each, tables, constants, input_slots, stored, summed
    cdef int *table
    cdef Py_ssize_t uniform, varying, most_lanes, widest, deepest, threads
    cdef list free

cdef class QuickCall:
    cdef Machine machine
    cdef array kinds, spare
    cdef list shapes
    cdef Py_ssize_t result, first
    cdef object shape, array_type, empty
