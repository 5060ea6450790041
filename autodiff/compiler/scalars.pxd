# The C types of scalars.py, which runs without this file when it is interpreted.
from autodiff.engine.kernels cimport binary_at, divide, tangent, unary_at

ctypedef int* codes
ctypedef double* numbers
ctypedef long long* addresses

cdef enum:
    COPY, NEG, ADD, SUB, MUL, DIV, MUL_ADD, SUB_MUL, MUL_SUB, DOT_2, DIFFERENCE_2
    ZERO_ADD, ZERO_MUL, ZERO_MUL_ADD, ZERO_SUB_MUL, ZERO_DOT_2, ZERO_DOT_3, SUM, SIGNED_SUM, CALL, CALL_2, TANGENT
    FOLD, SELECT, TAKE, TAKE_BY_TABLE, KEEP, END

cdef void take_steps(
    codes code, Py_ssize_t at, numbers slots, addresses handles, Py_ssize_t turn
) noexcept nogil
