# The C types of optim.py, which runs without this file when it is interpreted.
cimport cython
cimport libc.math as libm
from cpython.array cimport array

from autodiff.engine.value cimport Value

cdef inline double *doubles(array numbers):
    return numbers.data.as_doubles

@cython.cdivision(True)
cdef inline double divide(double x, double y) noexcept:
    return x / y
