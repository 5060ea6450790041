# The C types of optimizers.py, which runs without this file when it is interpreted.
cimport libc.math as libm
from cpython.array cimport array

from autodiff.engine.kernels cimport divide
from autodiff.engine.value cimport Value

cdef inline double *doubles(array numbers):
    return numbers.data.as_doubles
