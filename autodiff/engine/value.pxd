# The C types of value.py, which runs without this file when it is interpreted.
cimport libc.math as libm
from cpython.array cimport array, clone
from cpython.object cimport PyObject
from libc.string cimport memset

from autodiff.engine cimport kernels

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(void *)
    int PyObject_GenericSetAttr(object, object, PyObject *) except -1
    ctypedef void (*destructor)(void *) noexcept
    ctypedef void *(*allocfunc)(PyTypeObject *, Py_ssize_t)
    ctypedef void (*freefunc)(void *) noexcept
    ctypedef struct PyTypeObject:
        PyObject *tp_dict
        const char *tp_name
        allocfunc tp_alloc
        destructor tp_dealloc
        freefunc tp_free
    ctypedef struct PyObjectArenaAllocator:
        void *ctx
        void *(*alloc)(void *, size_t) noexcept
        void (*free)(void *, void *, size_t) noexcept
    void PyObject_GetArenaAllocator(PyObjectArenaAllocator *)
    void *PyType_GenericAlloc(PyTypeObject *, Py_ssize_t)
    PyObject *PyObject_Init(PyObject *, PyTypeObject *)
    void PyObject_ClearWeakRefs(PyObject *)
    PyTypeObject *Py_TYPE(void *)
    void Py_SET_REFCNT(void *, Py_ssize_t)
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
    void *PyMem_RawMalloc(size_t)
    void *PyMem_RawRealloc(void *, size_t)
    void PyMem_RawFree(void *)
    void PyMem_Free(void *)
    Py_ssize_t get_ident "(Py_ssize_t)PyThread_get_thread_ident"()

cdef extern from "<fenv.h>":
    const int FE_DIVBYZERO, FE_INVALID, FE_OVERFLOW, FE_UNDERFLOW
    int fetestexcept(int) nogil
    int feclearexcept(int) nogil

cdef extern from *:
    # a Value as C lays it out, for loops that borrow nodes and count no references
    ctypedef struct Node "struct __pyx_obj_8autodiff_6engine_5value_Value":
        double primal, adjoint
        double d_left, d_right
        Node *left
        Node *right
        unsigned int uses
        short code, kind
        void *weakrefs "__weakref__"
        void *about
    Node *NOBODY "NULL"

ctypedef Node *borrowed

cdef class Value:
    cdef double primal, adjoint
    cdef double d_left, d_right
    cdef void *left  # owned: hold() and let_go() count them
    cdef void *right
    cdef unsigned int uses
    cdef short code, kind
    cdef object __weakref__
    cdef void *about  # outside of pages alone: within them a node is shorter, and ends before this

cdef class Stack:
    cdef Node **nodes
    cdef Py_ssize_t n, room
    cdef void append(self, Node *node) noexcept
    cdef Node *pop(self) noexcept
    cdef bint make_room(self, Py_ssize_t n) noexcept

cdef inline borrowed lend(object value) noexcept:  # which is known to be one
    return <Node *><void *>value

cdef inline Value value_of(borrowed node):
    return <Value><void *>node

cdef inline borrowed hold(object x) noexcept:
    if x is None:
        return NULL
    Py_INCREF(<void *>x)
    return <Node *><void *>x

cdef inline object held(void *slot):
    return None if slot == NULL else <object>slot

cdef inline bint is_told(borrowed node) noexcept:
    return node.kind & 32

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

cdef inline Node **as_nodes(void *room) noexcept:
    return <Node **>room

cdef inline bint alone(tuple things, Py_ssize_t i) noexcept:
    return Py_REFCNT(PyTuple_GET_ITEM(<void *>things, i)) == 1

# ---- memory

cdef enum:
    PAGE = 1 << 16  # bytes; its address is a multiple of that
    BLOCK = 1 << 20
    SIZE = 80  # bytes of a node
    NODES = 818  # in a page, after its head of 64 bytes

cdef struct Page:
    Node *free  # given back since the page was last empty
    Node *fresh  # the first of those that have not been used since then
    Node *end  # NULL before the nodes are made
    Page *next  # below it in the stack of pages with room
    Py_ssize_t used, floor  # how many nodes are in use; with fewer than floor something changes
    void **abouts  # that of each node that has one; NULL until one has

cdef inline Page *page_of(borrowed node) noexcept:
    return <Page *>(<size_t>node & ~<size_t>(PAGE - 1))

cdef inline borrowed first_node(Page *page) noexcept:
    return <Node *>(<char *>page + 64)

cdef inline borrowed node_after(borrowed node) noexcept:
    return <Node *>(<char *>node + SIZE)

cdef inline Py_ssize_t place_in_page(borrowed node) noexcept:
    return (<char *>node - <char *>first_node(page_of(node))) // SIZE

cdef inline bint in_page(borrowed node) noexcept:
    return pooled and Py_TYPE(node) == type_of_values

cdef inline Page *page_in(void *block, Py_ssize_t i) noexcept:
    return <Page *>(((<size_t>block + PAGE - 1) & ~<size_t>(PAGE - 1)) + i * PAGE)

cdef inline Py_ssize_t pages_in(void *block) noexcept:
    return (<char *>block + BLOCK - <char *>page_in(block, 0)) // PAGE

cdef inline PyObject *head(borrowed node) noexcept:
    return <PyObject *>node

cdef inline borrowed as_node(void *x) noexcept:
    return <Node *>x

cdef bint pooled
cdef PyTypeObject *type_of_values
cdef PyObjectArenaAllocator system
cdef void **blocks  # in the order of their addresses
cdef Py_ssize_t n_blocks, n_pages
cdef Page nowhere  # a page without room
cdef Page *here  # the one that nodes are taken from
cdef Page *roomy

# ---- release

cdef inline void lower_flags() noexcept:
    # reading them is cheap, writing is not
    if fetestexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW | FE_UNDERFLOW):
        feclearexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW | FE_UNDERFLOW)

# operands that wait to be released
cdef void **dying
cdef Py_ssize_t n_dying, room

# where each Value of a list stands
cdef object take_places(list order, dict places)
cdef object leave_places(list order)
cdef inline Py_ssize_t place_of(borrowed node, dict places) noexcept:
    return <Py_ssize_t>node.uses - 1

cpdef bint traced()
