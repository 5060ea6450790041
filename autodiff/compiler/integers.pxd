# The C types of integers.py, which runs without this file when it is interpreted.
from cpython.array cimport array, clone, resize

cdef extern from *:
    """
    #ifdef __linux__
    #include <stdint.h>
    #include <sys/mman.h>
    #endif
    #ifdef MADV_HUGEPAGE
    /* The first touch of a small page costs more than to write it; NumPy asks for large ones too, from the same size on. */
    static inline void ask_for_large_pages(int *begin, Py_ssize_t n) {
        uintptr_t first = ((uintptr_t)begin + 4095) & ~(uintptr_t)4095;
        if (n >= 1 << 20)
            (void)madvise((void *)first, (uintptr_t)(begin + n) - first, MADV_HUGEPAGE);
    }
    #else
    #define ask_for_large_pages(begin, n) ((void)0)
    #endif
    """
    void ask_for_large_pages(int *, Py_ssize_t) noexcept

ctypedef int *integers
ctypedef Py_ssize_t place

cdef inline integers integers_of(array numbers) noexcept:
    return numbers.data.as_ints

cpdef array fresh(place n)
cpdef array room(place n)
cpdef array filled(place n, place number)
cpdef array resized(array numbers, place n)
