# The C types of value.py, which runs without this file when it is interpreted.
cimport libc.math as libm
from cpython.array cimport array, clone
from cpython.object cimport PyObject

from autodiff.engine cimport kernels

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(void *)
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
    bint PyObject_TypeCheck(void *, PyTypeObject *)
    bint PyTuple_CheckExact(void *)
    Py_ssize_t PyTuple_GET_SIZE(void *)
    void *PyTuple_GET_ITEM(void *, Py_ssize_t)
    void PyTuple_SET_ITEM(void *, Py_ssize_t, void *)
    void *PyMem_Realloc(void *, size_t)
    void PyMem_Free(void *)

cdef extern from *:
    # a Value as C lays it out, for loops that borrow nodes and count no references
    ctypedef struct Node "struct __pyx_obj_8autodiff_6engine_5value_Value":
        double primal, adjoint
        double d_left, d_right
        Node *left
        Node *right
        Node *link
        unsigned int uses
        short code, kind
    Node *NOBODY "NULL"

ctypedef Node *borrowed

cdef class Value:
    cdef double primal, adjoint
    cdef double d_left, d_right
    cdef void *left  # owned: hold() and let_go() count them
    cdef void *right
    cdef object about
    cdef Node *link
    cdef unsigned int uses
    cdef short code, kind
    cdef object __weakref__

cdef inline borrowed lend(Value value) noexcept:
    return <Node *><void *>value

cdef inline Value value_of(borrowed node):
    return <Value><void *>node

cdef inline void *hold(object x) noexcept:
    if x is None:
        return NULL
    Py_INCREF(<void *>x)
    return <void *>x

cdef inline object held(void *slot):
    return None if slot == NULL else <object>slot

cdef inline Py_ssize_t width(borrowed node) noexcept:
    return PyTuple_GET_SIZE(node.left)

cdef inline borrowed value_among(borrowed node, Py_ssize_t i) noexcept:
    cdef void *x = PyTuple_GET_ITEM(node.left, i)
    return <Node *>x if PyObject_TypeCheck(x, <PyTypeObject *>Value) else NULL

cdef inline double partial_among(borrowed node, Py_ssize_t i) noexcept:
    return (<array><void *>node.right).data.as_doubles[i]

cdef inline bint is_value(void *x) noexcept:
    return PyObject_TypeCheck(x, <PyTypeObject *>Value)

cdef inline void **as_slots(void *room) noexcept:
    return <void **>room

# operands that wait to be released
cdef void **dying
cdef Py_ssize_t n_dying, room

cpdef bint traced()
