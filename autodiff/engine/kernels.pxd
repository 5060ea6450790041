# The C types of kernels.py, which runs without this file when it is interpreted. What is declared here may be cimported.
cimport cython
cimport libc.math as libm
from libc.math cimport INFINITY, NAN, fma

cdef extern from *:
    """
    #if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__gnu_linux__)
    /* each loop once for every breed of processor, with all that it calls in it; the loader takes the one that fits */
    #define AUTODIFF_CLONES target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")
    #define AUTODIFF_KERNEL __attribute__((AUTODIFF_CLONES, flatten)) void
    /* a sum in any order */
    #define AUTODIFF_REDUCTION __attribute__((AUTODIFF_CLONES, optimize("associative-math", "no-signed-zeros"))) void
    #else
    #define AUTODIFF_KERNEL void
    #define AUTODIFF_REDUCTION void
    #endif
    #if defined(__GNUC__)
    /* becomes part of each loop that calls it, with the function that it is given */
    #define AUTODIFF_TEMPLATE __attribute__((always_inline)) inline void
    #else
    #define AUTODIFF_TEMPLATE void
    #endif
    #if defined(_MSC_VER)
    #define AUTODIFF_VECTOR double *__restrict
    #else
    #define AUTODIFF_VECTOR double *restrict
    #endif
    #include <math.h>
    #include <string.h>
    #if defined(AUTODIFF_CLONES)
    /* The fused multiply-add of a processor that has none: the exact product and the exact sum of Dekker (1971), and their last
       roundings in one. C's own takes ten times as long. */
    __attribute__((visibility("hidden"))) double autodiff_fma(double x, double y, double z)
    {
        double product = x * y, sum = product + z, part = sum - product;
        double x_high = 134217729.0 * x, y_high = 134217729.0 * y;
        x_high -= x_high - x;
        y_high -= y_high - y;
        double x_low = x - x_high, y_low = y - y_high;
        double rest = x_high * y_high - product + x_high * y_low + x_low * y_high + x_low * y_low;
        rest += product - (sum - part) + (z - part);
        return rest == rest ? sum + rest : sum;
    }
    double fma(double x, double y, double z) __asm__("autodiff_fma");
    #endif
    /* a double as the whole number that has its bits, and back */
    static inline unsigned long long autodiff_bits(double x)
    {
        unsigned long long bits;
        memcpy(&bits, &x, 8);
        return bits;
    }
    static inline double autodiff_number(unsigned long long bits)
    {
        double x;
        memcpy(&x, &bits, 8);
        return x;
    }
    """
    unsigned long long bits_of "autodiff_bits"(double x) noexcept nogil
    double number_of "autodiff_number"(unsigned long long bits) noexcept nogil
    ctypedef void kernel "AUTODIFF_KERNEL"
    ctypedef void reduction "AUTODIFF_REDUCTION"
    ctypedef void template "AUTODIFF_TEMPLATE"
    ctypedef double* vector "AUTODIFF_VECTOR"

ctypedef double (*unary_function)(double) noexcept nogil
ctypedef double (*binary_function)(double, double) noexcept nogil

@cython.cdivision(True)
cdef inline double divide(double x, double y) noexcept nogil:
    return x / y

cdef inline unary_function unary_at(Py_ssize_t handle) noexcept nogil:
    return <unary_function>handle

cdef inline binary_function binary_at(Py_ssize_t handle) noexcept nogil:
    return <binary_function>handle

cdef double _exp(double x) noexcept nogil
cdef double _expm1(double x) noexcept nogil
cdef double _log(double x) noexcept nogil
cdef double _log1p(double x) noexcept nogil
cdef double _sin(double x) noexcept nogil
cdef double _cos(double x) noexcept nogil
cdef double _tanh(double x) noexcept nogil
cdef double _sech2(double x) noexcept nogil
cdef double _sigmoid(double x) noexcept nogil
cdef double _softplus(double x) noexcept nogil
cdef double _silu(double x) noexcept nogil
cdef double _mish(double x) noexcept nogil
cdef double _selu(double x) noexcept nogil

cdef double exp(double x) noexcept nogil
cdef double expm1(double x) noexcept nogil
cdef double log(double x) noexcept nogil
cdef double log1p(double x) noexcept nogil
cdef double sin(double x) noexcept nogil
cdef double cos(double x) noexcept nogil
cdef double tanh(double x) noexcept nogil
cdef double sech2(double x) noexcept nogil
cdef double sigmoid(double x) noexcept nogil
cdef double softplus(double x) noexcept nogil
cdef double silu(double x) noexcept nogil
cdef double mish(double x) noexcept nogil
cdef double selu(double x) noexcept nogil
cdef (double, double) tangent(double x) noexcept nogil
cdef (double, double) logistic(double x) noexcept nogil

cdef double neg(double x) noexcept nogil
cdef double identity(double x) noexcept nogil
cdef double sign(double x) noexcept nogil
cdef double step(double x) noexcept nogil
cdef double nonnegative(double x) noexcept nogil
cdef double cosquare(double x) noexcept nogil
cdef double relu(double x) noexcept nogil
cdef double softsign(double x) noexcept nogil
cdef double gelu(double x) noexcept nogil

cdef double add(double x, double y) noexcept nogil
cdef double sub(double x, double y) noexcept nogil
cdef double mul(double x, double y) noexcept nogil
cdef double div(double x, double y) noexcept nogil
cdef double pow(double x, double y) noexcept nogil
cdef double mod(double x, double y) noexcept nogil
cdef double quotient(double x, double y) noexcept nogil
cdef double power_log(double x, double y) noexcept nogil
cdef double hypot(double x, double y) noexcept nogil
cdef double power_slope(double x, double y) noexcept nogil
cdef double d_exponent(double x, double out) noexcept nogil
cdef double mul0(double x, double y) noexcept nogil
cdef double div0(double x, double y) noexcept nogil
cdef double greater(double x, double y) noexcept nogil
cdef double greater_equal(double x, double y) noexcept nogil
cdef double equal(double x, double y) noexcept nogil
cdef double compare(double x, double y) noexcept nogil
cdef double at_least(double x, double y) noexcept nogil
cdef double at_most(double x, double y) noexcept nogil
cdef double xlogy(double x, double y) noexcept nogil
cdef double xlog1py(double x, double y) noexcept nogil
cdef double elu(double x, double a) noexcept nogil
cdef double leaky_relu(double x, double a) noexcept nogil

cdef void tangents(vector out, vector slope, vector x, Py_ssize_t n) noexcept nogil
cdef void unary(unary_function f, vector out, vector x, Py_ssize_t n) noexcept nogil
cdef void binary(binary_function f, vector out, vector x, vector y, Py_ssize_t n) noexcept nogil

cdef class Kernel:
    cdef readonly str name
    cdef readonly Py_ssize_t arity, handle
