# The C types of value.py, which runs without this file when it is interpreted.
cimport libc.math as libm
from cpython.array cimport array, clone
from cpython.object cimport PyObject

from autodiff.engine cimport kernels

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject *)
    int PyObject_GenericSetAttr(object, object, PyObject *) except -1
    ctypedef struct PyTypeObject:
        PyObject *tp_dict
        const char *tp_name
    void PyType_Modified(PyTypeObject *)
    ctypedef struct PyFrameObject
    ctypedef struct PyCodeObject
    PyFrameObject *PyEval_GetFrame()
    PyFrameObject *PyFrame_GetBack(PyFrameObject *)
    PyCodeObject *PyFrame_GetCode(PyFrameObject *)
    int PyFrame_GetLasti(PyFrameObject *)
    void Py_DECREF(void *)
    void Py_INCREF(void *)

cdef class Value:
    cdef double primal, adjoint
    cdef double d_left, d_right
    cdef object left, right
    cdef object about
    cdef Value link
    cdef unsigned int uses
    cdef short code, kind
    cdef object __weakref__
