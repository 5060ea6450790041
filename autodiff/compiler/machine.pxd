# The C types of machine.py, which runs without this file when it is interpreted.
cimport libc.math as libm
from cpython.array cimport array, clone
from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_ND, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from autodiff.engine.value cimport Value

cdef extern from *:
    """
    #if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__gnu_linux__)
    /* each loop once for every breed of processor; the loader takes the one that fits */
    #define AUTODIFF_CLONES target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")
    #define AUTODIFF_KERNEL __attribute__((AUTODIFF_CLONES)) void
    /* a sum in any order */
    #define AUTODIFF_REDUCTION __attribute__((AUTODIFF_CLONES, optimize("associative-math", "no-signed-zeros"))) void
    #else
    #define AUTODIFF_KERNEL void
    #define AUTODIFF_REDUCTION void
    #endif
    #define AUTODIFF_VECTOR double *restrict
    """
    ctypedef void kernel "AUTODIFF_KERNEL"
    ctypedef void reduction "AUTODIFF_REDUCTION"
    ctypedef double* vector "AUTODIFF_VECTOR"

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
    cdef array kinds
    cdef list shapes
    cdef Py_ssize_t result, first
    cdef object shape, array_type, empty
