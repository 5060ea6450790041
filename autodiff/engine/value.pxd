# The C types of value.py, which runs without this file when it is interpreted.
cimport libc.math as libm
from cpython.array cimport array, clone
from cpython.object cimport PyObject

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject *)
    ctypedef struct PyTypeObject:
        PyObject *tp_dict
        const char *tp_name
    void PyType_Modified(PyTypeObject *)
    PyObject *PyEval_GetFrame()
    PyObject *PyFrame_GetBack(PyObject *)
    object PyFrame_GetCode(PyObject *)
    int PyFrame_GetLasti(PyObject *)
    void Py_DECREF(PyObject *)
    void Py_INCREF(PyObject *)

cdef class Value:
    cdef double primal, adjoint
    cdef double d_left, d_right
    cdef object left, right
    cdef object about
    cdef Value link
    cdef unsigned int uses
    cdef short code, kind
    cdef object __weakref__
