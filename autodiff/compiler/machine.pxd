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
    /* adds to a number that other threads add to as well, and gives what it was */
    #ifdef _MSC_VER
    #include <intrin.h>
    #define autodiff_added(number, more) _InterlockedExchangeAdd64(number, more)
    #else
    #define autodiff_added(number, more) __atomic_fetch_add(number, more, __ATOMIC_RELAXED)
    #endif
    """
    long long added "autodiff_added"(long long *, long long) nogil
    ctypedef struct numpy_array "autodiff_array":
        char *data
        int n_axes
        Py_ssize_t *shape
        void *dtype
        int flags

cdef class Machine:
    cdef readonly list parameters
    cdef list operations, free  # the places of those parameters that are operations; memory that no call uses
    cdef array once, each, tables, constants, input_slots, stored, summed, addresses
    cdef longs nodes  # of the parameters
    cdef int *table
    cdef longs handles
    cdef longs code  # of each block
    cdef bint same
    cdef Py_ssize_t end, uniform, varying, most_lanes, widest, deepest, threads, n_summed
    cdef readonly Py_ssize_t n_stored
    cdef readonly Py_ssize_t last_run  # which of the runs of all machines this one's last was
    cpdef array run(self, Py_ssize_t n, object samples, object others, object out)
    cpdef tuple swept(self, Py_ssize_t n, object samples, object others, bint mean)

cdef class Job:
    cdef Machine machine
    cdef tuple held  # that the numbers stay where they are
    cdef array sources, parts
    cdef longs source
    cdef double *sums
    cdef double *target
    cdef long long taken
    cdef Py_ssize_t n, lanes, blocks, n_sources, n_stored
    cpdef object work(self, array memory)

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
