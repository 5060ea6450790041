# The C types of machine.py, which runs without this file when it is interpreted.
cimport libc.math as libm
from cpython.array cimport array, clone
from libc.math cimport INFINITY

from autodiff.compiler.scalars cimport END, take_steps
from autodiff.engine.kernels cimport (
    add, at_least, binary, binary_at, binary_function, exp, hypot, kernel, log, mul, reduction, sub, tangents, unary, unary_at,
    vector,
)
from autodiff.engine.value cimport borrowed, lend, traced

ctypedef Py_ssize_t place
ctypedef long long* longs

cdef enum:
    FILL, START, GAIN, ROWS, DOTS, PRODUCT, SUMMED_TERMS, SUMMED_DOTS, SUMMED_PRODUCT
    MAP_UNARY, MAP_BINARY, MAP_FOLD, MAP_SELECT, MAP_TAKEN, MAP_LOGSUMEXP, MAP_RULE, SUMS, TANGENTS
    LOOP, TAKE, KEEP, SCALARS, MATMUL, SUMMED_MATMUL

cdef extern from *:
    """
    /* how every array of NumPy's begins */
    typedef struct {
        PyObject_HEAD
        char *data;
        int n_axes;
        Py_ssize_t *shape, *strides;
        PyObject *base, *dtype;
        int flags;
    } autodiff_array;
    """
    ctypedef struct numpy_array "autodiff_array":
        char *data
        int n_axes
        Py_ssize_t *shape
        void *dtype
        int flags

cdef class Machine:
    cdef readonly list parameters
    cdef list operations, free  # the places of those parameters that are operations; memory that no call uses
    cdef array once, each, tables, constants, input_slots, stored, summed
    cdef int *table
    cdef longs handles
    cdef Py_ssize_t uniform, varying, most_lanes, widest, deepest, threads
    cpdef array run(self, Py_ssize_t n, object samples, object others, object out)
    cpdef object work(
        self, array memory, object todo, Py_ssize_t lanes, Py_ssize_t n, object samples, object out, array parts,
    )
    cpdef tuple swept(self, Py_ssize_t n, object samples, object others, bint mean)

cdef class Gradients:
    cdef Machine machine
    cdef array sums
    cdef Py_ssize_t first
    cdef double scale
    cdef object loss

cdef class Quick:
    cpdef object take(self, tuple args)

cdef class QuickCall(Quick):
    cdef Machine machine
    cdef array kinds, spare
    cdef list shapes
    cdef Py_ssize_t result, first
    cdef object shape, array_type, dtype, empty

cdef class QuickBatch(Quick):
    cdef list shapes
    cdef object array_type, dtype, plain

cdef class QuickSweep(Quick):
    cdef Machine machine
    cdef QuickBatch batch
    cdef bint mean
    cdef object check
