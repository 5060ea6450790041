"""The machine: one loop over vector instructions, each a loop over its members and over lanes, the samples of a block.

A slot that varies has as many lanes as a block has samples, side by side, so that the innermost loops go over numbers that lie
side by side too. With one sample a lane is one number, and the innermost loops go over members.

This file is plain Python, and Cython compiles it as it stands (``machine.pxd`` has its C types). A row of the table is what
its kernel is, in a typed loop; a row without one is called as it is, number by number.
"""

from __future__ import annotations

import os
import threading
from array import array
from functools import update_wrapper
from importlib.util import find_spec
from typing import Any

from autodiff.compiler.groups import Index
from autodiff.compiler.members import transposed
from autodiff.compiler.scalars import FOLDS, HANDLES, MINUS_ONE, ONE, steps_of, terms_of
from autodiff.compiler.slots import Instruction, Program
from autodiff.engine import functions, rules
from autodiff.engine.kernels import KERNELS
from autodiff.engine.recording import announce, lenient
from autodiff.engine.value import traced

try:
    import cython
except ImportError:
    from autodiff.engine import _cython as cython

if not cython.compiled:
    from math import inf as INFINITY

    from autodiff.compiler.scalars import END, take_steps
    from autodiff.engine import ieee as libm
    from autodiff.engine.kernels import add, at_least, binary, binary_at, exp, hypot, log, mul, sub, tangents, unary, unary_at
    from autodiff.engine.value import lend

# ---- loops over numbers side by side ----------------------------------------------------------------------------------------


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def shift(out: vector, x: vector, c: cython.double, n: place) -> kernel:
    """out = x + c."""
    i: place
    for i in range(n):
        out[i] = x[i] + c


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def gain_products(out: vector, x: vector, y: vector, sign: cython.double, n: place) -> kernel:
    """out += sign · x · y."""
    i: place
    if sign > 0.0:
        for i in range(n):
            out[i] += x[i] * y[i]
    else:
        for i in range(n):
            out[i] -= x[i] * y[i]


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def scale(out: vector, x: vector, a: cython.double, n: place) -> kernel:
    """out = a · x for one number a."""
    i: place
    for i in range(n):
        out[i] = a * x[i]


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def gain_scaled(out: vector, x: vector, a: cython.double, n: place) -> kernel:
    """out += a · x for one number a."""
    i: place
    for i in range(n):
        out[i] += a * x[i]


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def gain_scaled_4(
    out: vector,
    x: vector,
    y: vector,
    z: vector,
    w: vector,
    a: cython.double,
    b: cython.double,
    c: cython.double,
    d: cython.double,
    n: place,
) -> kernel:
    """out += a · x, then b · y, c · z, d · w."""
    i: place
    for i in range(n):
        out[i] = out[i] + a * x[i] + b * y[i] + c * z[i] + d * w[i]


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def gain_four_rows(  # compiled only
    first: vector,
    second: vector,
    third: vector,
    fourth: vector,
    x: vector,
    step: place,
    factors: vector,
    depth: place,
    fresh: cython.bint,
    n: place,
) -> kernel:
    """Four rows of a product of lanes: first += factors[0] · x + factors[1] · x[step] + …, from left to right, and so on.

    With ``fresh`` they begin with 0. Eight lanes at a time, which stay in registers meanwhile; ``n`` is a multiple of that.
    Compiled only.
    """
    a: cython.double[8]
    b: cython.double[8]
    c: cython.double[8]
    d: cython.double[8]
    i: place
    k: place
    lane: place
    for i in range(0, n, 8):
        for lane in range(8):
            a[lane] = 0.0 if fresh else first[i + lane]
            b[lane] = 0.0 if fresh else second[i + lane]
            c[lane] = 0.0 if fresh else third[i + lane]
            d[lane] = 0.0 if fresh else fourth[i + lane]
        for k in range(depth):
            for lane in range(8):
                a[lane] += factors[k] * x[k * step + i + lane]
                b[lane] += factors[depth + k] * x[k * step + i + lane]
                c[lane] += factors[2 * depth + k] * x[k * step + i + lane]
                d[lane] += factors[3 * depth + k] * x[k * step + i + lane]
        for lane in range(8):
            first[i + lane] = a[lane]
            second[i + lane] = b[lane]
            third[i + lane] = c[lane]
            fourth[i + lane] = d[lane]


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def choose(out: vector, x: vector, y: vector, z: vector, n: place) -> kernel:
    """out = y, or z where x is 0."""
    i: place
    for i in range(n):
        out[i] = y[i] if x[i] != 0.0 else z[i]


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def fill(out: vector, c: cython.double, n: place) -> kernel:
    """out = c."""
    i: place
    for i in range(n):
        out[i] = c


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def add_constant(out: vector, c: cython.double, n: place) -> kernel:
    """out += c."""
    i: place
    for i in range(n):
        out[i] += c


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def dot(out: vector, x: vector, y: vector, sign: cython.double, n: place) -> reduction:
    """out[0] += sign · Σ x · y, in any order."""
    i: place
    total: cython.double = 0.0
    for i in range(n):
        total += x[i] * y[i]
    out[0] += sign * total


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def sum_of(out: vector, x: vector, sign: cython.double, n: place) -> reduction:
    """out[0] += sign · Σ x, in any order."""
    i: place
    found: cython.double = 0.0
    for i in range(n):
        found += x[i]
    out[0] += sign * found


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def dots_2_by_4(  # compiled only
    out: vector, p: vector, q: vector, x: vector, y: vector, z: vector, w: vector, n: place
) -> reduction:
    """out = Σ p · x, p · y, p · z, p · w, then so for q: in any order."""
    i: place
    px: cython.double = 0.0
    py: cython.double = 0.0
    pz: cython.double = 0.0
    pw: cython.double = 0.0
    qx: cython.double = 0.0
    qy: cython.double = 0.0
    qz: cython.double = 0.0
    qw: cython.double = 0.0
    for i in range(n):
        px += p[i] * x[i]
        py += p[i] * y[i]
        pz += p[i] * z[i]
        pw += p[i] * w[i]
        qx += q[i] * x[i]
        qy += q[i] * y[i]
        qz += q[i] * z[i]
        qw += q[i] * w[i]
    out[0] = px
    out[1] = py
    out[2] = pz
    out[3] = pw
    out[4] = qx
    out[5] = qy
    out[6] = qz
    out[7] = qw


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def dots_3_by_4(  # compiled only
    out: vector, p: vector, q: vector, r: vector, x: vector, y: vector, z: vector, w: vector, n: place
) -> reduction:
    """out = Σ p · x, p · y, p · z, p · w, then so for q and r: in any order."""
    i: place
    px: cython.double = 0.0
    py: cython.double = 0.0
    pz: cython.double = 0.0
    pw: cython.double = 0.0
    qx: cython.double = 0.0
    qy: cython.double = 0.0
    qz: cython.double = 0.0
    qw: cython.double = 0.0
    rx: cython.double = 0.0
    ry: cython.double = 0.0
    rz: cython.double = 0.0
    rw: cython.double = 0.0
    for i in range(n):
        px += p[i] * x[i]
        py += p[i] * y[i]
        pz += p[i] * z[i]
        pw += p[i] * w[i]
        qx += q[i] * x[i]
        qy += q[i] * y[i]
        qz += q[i] * z[i]
        qw += q[i] * w[i]
        rx += r[i] * x[i]
        ry += r[i] * y[i]
        rz += r[i] * z[i]
        rw += r[i] * w[i]
    out[0] = px
    out[1] = py
    out[2] = pz
    out[3] = pw
    out[4] = qx
    out[5] = qy
    out[6] = qz
    out[7] = qw
    out[8] = rx
    out[9] = ry
    out[10] = rz
    out[11] = rw


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def gain_rows(
    out: vector, out_step: place, x: vector, y: vector, y_step: place, sign: cython.double, rows: place, depth: place
) -> kernel:
    """out[r] += sign · Σ x[k] · y[r, k], each from left to right, eight rows at a time."""
    k: place
    row: place = 0
    s: cython.double
    while row + 8 <= rows:
        o: place = row * out_step
        r: place = row * y_step
        a: cython.double = out[o]
        b: cython.double = out[o + out_step]
        c: cython.double = out[o + 2 * out_step]
        d: cython.double = out[o + 3 * out_step]
        e: cython.double = out[o + 4 * out_step]
        f: cython.double = out[o + 5 * out_step]
        g: cython.double = out[o + 6 * out_step]
        h: cython.double = out[o + 7 * out_step]
        for k in range(depth):
            s = sign * x[k]
            a += s * y[r + k]
            b += s * y[r + y_step + k]
            c += s * y[r + 2 * y_step + k]
            d += s * y[r + 3 * y_step + k]
            e += s * y[r + 4 * y_step + k]
            f += s * y[r + 5 * y_step + k]
            g += s * y[r + 6 * y_step + k]
            h += s * y[r + 7 * y_step + k]
        out[o] = a
        out[o + out_step] = b
        out[o + 2 * out_step] = c
        out[o + 3 * out_step] = d
        out[o + 4 * out_step] = e
        out[o + 5 * out_step] = f
        out[o + 6 * out_step] = g
        out[o + 7 * out_step] = h
        row += 8
    while row < rows:
        total: cython.double = out[row * out_step]
        for k in range(depth):
            total += sign * x[k] * y[row * y_step + k]
        out[row * out_step] = total
        row += 1


# ---- the tape ---------------------------------------------------------------------------------------------------------------

KINDS = (
    "fill", "start", "gain", "rows", "dots", "product", "summed terms", "summed dots", "summed product",
    "unary", "binary", "fold", "select", "taken", "logsumexp", "rule", "sums", "tangents", "loop", "take", "keep", "scalars",
    "matmul", "summed matmul",
)  # fmt: skip
if not cython.compiled:  # machine.pxd has them for C
    FILL, START, GAIN, ROWS, DOTS, PRODUCT, SUMMED_TERMS, SUMMED_DOTS, SUMMED_PRODUCT, *others = range(len(KINDS))
    MAP_UNARY, MAP_BINARY, MAP_FOLD, MAP_SELECT, MAP_TAKEN, MAP_LOGSUMEXP, MAP_RULE, SUMS, TANGENTS, *others = others
    LOOP, TAKE, KEEP, SCALARS, MATMUL, SUMMED_MATMUL = others
HEADER = cython.declare(cython.short, 8)  # length, kind, code, rows, columns, depth, target, number of operands
FROM_ZERO = cython.declare(cython.short, 2)  # the code of a product that is set, and not added to what is there
FIELDS = cython.declare(cython.short, 4)  # of an operand: start, step between rows, between columns, where its table is, or -1


def tape_of(instructions: list[Instruction], tables: array, laneless: bool, uniform: int | None = None) -> array:
    """Instructions as whole numbers; their tables of slots, and without lanes small ones as steps, go to the end of ``tables``.

    Where it is given how many slots are ``uniform``, NumPy does wide products. A product that begins with 0 has ``"0+"`` for
    its ``op`` here: it is set, where others are added.
    """
    tape = array("q")
    steps: list[int] = []
    summed = 0  # the end of what sums over the samples have come to so far
    for instruction in paired(instructions):
        if instruction.kind.startswith("summed"):
            rows, columns, _ = instruction.shape
            if (instruction.kind, instruction.op) == ("summed product", "+") and instruction.target >= summed:
                # the first that is added to zeros; only NumPy's product saves the addition
                instruction = instruction._replace(op="0+")
            summed = max(summed, instruction.target + rows * columns)
        more = steps_of(instruction, tables) if laneless else None
        if more is not None:
            steps += more
            continue
        tape.extend(encoded_steps(steps, tables))
        tape.extend(encoded(instruction, tables, laneless, uniform))
        steps = []
    tape.extend(encoded_steps(steps, tables))
    return tape


def encoded_steps(steps: list[int], tables: array) -> list[int]:
    """One instruction that takes these steps; none for none."""
    begin = len(tables)
    tables.extend([*steps, END, END] if steps else [])  # two: the slot is read with the code
    return [HEADER, KINDS.index("scalars"), begin, 0, 0, 0, 0, 0] if steps else []


def paired(instructions: list[Instruction]) -> list[Instruction]:
    """The instructions, with those as one that belong together: see ``_both``."""
    found: list[Instruction] = []
    for instruction in instructions:
        found += _both(found.pop(), instruction) if found else (instruction,)
    return found


def _both(first: Instruction, second: Instruction) -> tuple[Instruction, ...]:
    """The two as they are, or as one: a product that begins with 0, or tanh whose second operand is where the slope goes."""
    if (first.kind, first.op, second.kind, second.op) == ("fill", "+0", "product", "+"):
        rows, columns, _ = second.shape
        if (first.target, first.shape) == (second.target, (rows * columns, 1, 1)):
            return (second._replace(op="0+"),)
    if {first.op, second.op} != {"tanh", "sech2"} or (first.shape, first.operands) != (second.shape, second.operands):
        return first, second
    tanh, slope = (first, second) if first.op == "tanh" else (second, first)
    return (tanh._replace(kind="tangents", operands=(*tanh.operands, Index(slope.target, 1))),)


def encoded(instruction: Instruction, tables: array, laneless: bool, uniform: int | None = None) -> list[int]:
    """One instruction."""
    kind, op, (rows, columns, depth), target, operands, body = instruction
    if kind == "loop":
        inside = tape_of(list(body), tables, laneless)
        return [HEADER + len(inside), KINDS.index(kind), 0, rows, columns, depth, target, 0, *inside]
    if kind == "tangents":
        code = 0
    elif kind == "map":
        kind, code = _kernel_of(op)
    elif kind == "sums":
        code = -1 if op.startswith("-") else 1
        begin = len(tables)
        tables.extend(transposed(operands[0].table, depth))  # the first of all rows, the second of all rows, …
        signs = terms_of(op)
        return [HEADER + 1 + len(signs), KINDS.index(kind), code, rows, columns, depth, target, len(signs), begin, *signs]
    else:
        code = -1 if op.startswith("-") else FROM_ZERO if op == "0+" else 1
        if uniform is not None and is_wide(instruction, uniform):
            kind = WIDE[kind]
    fields = []
    for vector in operands:
        begin = -1
        if vector.table is not None:
            begin = len(tables)
            tables.extend(vector.table)
        fields += [vector.start, vector.rows, vector.columns, begin]
    return [HEADER + len(fields), KINDS.index(kind), code, rows, columns, depth, target, len(operands), *fields]


WIDE = {"product": "matmul", "summed product": "summed matmul"}
WIDE_ENOUGH = 64 * 64  # multiplications a sample


def is_wide(instruction: Instruction, uniform: int) -> bool:
    """Whether it is a product of a layer that NumPy does faster, whose operands and results are matrices in memory."""
    kind, _, (rows, columns, depth), _, operands, _ = instruction
    if kind not in WIDE or rows * columns * depth < WIDE_ENOUGH or any(index.table is not None for index in operands):
        return False
    left, right = operands
    if kind == "product":
        return columns == 1 and left.start < uniform <= right.start and left.columns != 0 != right.columns
    return depth == 1 and left.start >= uniform <= right.start and left.rows != 0 != right.rows


def every(instructions: Any) -> Any:
    """These instructions and those in their bodies."""
    for instruction in instructions:
        yield instruction
        yield from every(instruction.body)


def _kernel_of(op: str) -> tuple[str, int]:
    """Which kind of instruction does a row of the table, and with which kernel or row."""
    if op in FOLDS:
        return "fold", KERNELS[FOLDS[op]].handle
    if op in KERNELS:
        return ("unary" if KERNELS[op].arity == 1 else "binary"), KERNELS[op].handle
    return (op if op in KINDS else "rule"), rules.TABLE[op].code


MOST_LANES = 264
runs = cython.declare(cython.Py_ssize_t, 0)  # of all machines so far
LINE = cython.declare(cython.short, 8)  # numbers in a line of the cache
CACHE = 1 << 20  # bytes that the slots of a block of samples should not exceed


@cython.cclass
class Machine:
    """Runs one program. Threads may run it at once: each call has slots of its own."""

    def __init__(self, program: Program, parameters: Any, threads: int = 1):
        tables: array = array("i")
        self.threads = threads if cython.compiled else 1
        self.parameters = list(parameters)
        self.operations = [i for i, node in enumerate(self.parameters) if node.op]
        self.addresses = addresses_of(self.parameters)
        self.nodes = wholes_of(self.addresses) if cython.compiled else self.addresses
        self.once = tape_of(program.once, tables, True)
        self.each = tape_of(program.each, tables, program.alone, program.uniform if with_numpy(program) else None)
        self.tables = tables
        self.table = tables.data.as_ints if cython.compiled else tables
        self.handles = wholes_of(HANDLES)
        self.code, self.end = wholes_of(self.each), len(self.each)
        self.constants = array("d", program.constants)
        self.input_slots = array("q", program.inputs)
        self.stored = array("q", program.stored)
        self.summed = array("q", program.summed)
        self.n_stored, self.n_summed = len(self.stored), len(self.summed)
        self.last_run = 0
        self.same = program.same
        self.uniform = program.uniform
        self.varying = program.varying
        self.most_lanes = max(8, min(MOST_LANES, CACHE // (8 * max(program.varying, 1)) // 8 * 8))
        shapes = [i.shape for i in every(program.once + program.each) if i.kind != "loop"]
        self.widest = max([rows * columns for rows, columns, _ in shapes], default=1)
        self.deepest = max([max(rows, columns) * depth for rows, columns, depth in shapes], default=1)
        self.free = []

    @cython.ccall
    def run(self, n: place, samples: object, others: object, out: object) -> array:
        """The program on ``n`` samples. What is stored goes into ``out``, sample after sample; the sums over them come back.

        ``others`` are pairs of an array of floats and the number of its first input: those that all samples share. ``samples``
        are those that vary, sample after sample, in an array of Python's or NumPy's, with the number of inputs that each sample
        has there. The samples are cut into blocks, each of which has sums of its own, and these are added up in order:
        whichever thread has done which block.
        """
        started(self)
        lanes: place = lanes_for(n, self.most_lanes)
        memory: array = fresh_memory(self, lanes)
        slots: vector = slots_in(self, memory)
        load_values(self, slots, len(self.constants))
        for numbers, number in others:
            load(self, slots, numbers_in(numbers), number, len(numbers), 0, 1, 1)
        execute(self, wholes_of(self.once), len(self.once), memory, 1, 1)
        job: Job = Job(self, n, lanes, samples, out)
        workers: place = min(self.threads, job.blocks)
        if workers > 1:  # compiled only
            memories: list = [fresh_memory(self, lanes) for _ in range(1, workers)]
            for another in memories:
                copy(slots_in(self, another), slots, self.uniform)
            futures = [helpers().submit(job.work, another) for another in memories]
            try:
                job.work(memory)
            finally:
                futures = [future for future in futures if not future.cancel()]  # who has not begun finds nothing left to do
                for future in futures:
                    future.exception()
            for future in futures:
                future.result()
            self.free += [(lanes, another) for another in memories]
        else:
            job.work(memory)
        self.free.append((lanes, memory))
        i: place
        for i in range(1, job.blocks):
            gain_scaled(job.sums, shifted(job.sums, i * self.n_summed), 1.0, self.n_summed)
        return job.parts

    @cython.ccall
    def swept(self, n: place, samples: object, others: object, mean: cython.bint) -> tuple:
        """What ``run`` sums up first, or its mean over the samples, and what adds the gradients of that."""
        sums: array = self.run(n, samples, others, None)
        loss: cython.double = number_at(sums, 0) / n if mean else number_at(sums, 0)
        return loss, Gradients(self, sums, 1, 1.0 / n if mean else 1.0, loss)


@cython.cfunc
@cython.inline
def started(machine: Machine) -> cython.void:
    """Note which run of all this is."""
    global runs
    runs += 1
    machine.last_run = runs


@cython.final
@cython.cclass
class Job:
    """A run over the samples, which are cut into blocks. Each thread takes the next one, without the interpreter's lock."""

    def __init__(self, machine: Machine, n: place, lanes: place, samples: Any, out: Any):
        self.machine, self.n, self.lanes = machine, n, lanes
        self.blocks = (n + lanes - 1) // lanes
        self.taken = 0
        self.held = (samples, out)
        self.sources = sources_of(samples)
        self.source = wholes_of(self.sources) if cython.compiled else self.sources
        self.n_sources = len(samples)
        self.n_stored = 0 if out is None else machine.n_stored
        self.parts = unset_numbers(self.blocks * machine.n_summed) if self.blocks else new_numbers(machine.n_summed)
        self.sums = numbers_of(self.parts)
        self.target = numbers_of(self.parts if out is None else out)

    @cython.ccall
    def work(self, memory: array) -> object:
        """Blocks, as long as there are some left."""
        if self.n > 1:  # a single sample is not worth giving the lock away
            with cython.nogil:
                take_blocks(self, self.machine, memory)
        else:
            take_blocks(self, self.machine, memory)


@cython.cfunc
def sources_of(samples: object) -> object:
    """Of each array of samples where its numbers are, which input is the first, and how many there are a sample."""
    if not cython.compiled:
        return [part for numbers, number, size in samples for part in (numbers_in(numbers), number, size)]
    found: array = clone(HANDLES, 3 * len(samples), False)  # compiled only from here
    given: longs = wholes_of(found)
    i: place = 0
    for numbers, given[i + 1], given[i + 2] in samples:
        given[i] = cython.cast(cython.longlong, numbers_in(numbers))
        i += 3
    return found


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def take_blocks(job: Job, machine: Machine, memory: array) -> cython.int:
    """Blocks of a job, one after the other."""
    slots: vector = slots_in(machine, memory)
    lanes: place = job.lanes
    i: place
    block: place = next_of(job)
    while block < job.blocks:
        first: place = block * lanes
        count: place = lanes if first + lanes <= job.n else job.n - first
        for i in range(0, 3 * job.n_sources, 3):
            load(machine, slots, source_at(job, i), job.source[i + 1], job.source[i + 2], first, count, lanes)
        execute(machine, machine.code, machine.end, memory, lanes, count)
        store(machine, slots, job.target, job.n_stored, first, count, lanes)
        sums: vector = shifted(job.sums, block * machine.n_summed)
        take_numbers(sums, slots, wholes_of(machine.summed), machine.n_summed)
        if machine.same and count != 1:
            for i in range(machine.n_summed):
                sums[i] *= count
        block = next_of(job)
    return 0


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def source_at(job: Job, i: place) -> vector:
    """Where the numbers of an array of samples are."""
    return cython.cast(vector, job.source[i]) if cython.compiled else job.source[i]


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def next_of(job: Job) -> place:
    """The number of the next block, which no other thread takes."""
    if cython.compiled:
        return added(cython.address(job.taken), 1)
    job.taken += 1
    return job.taken - 1


adding = cython.declare(object, threading.RLock())  # a handler of signals may train too


@cython.cclass
class Gradients:
    """What a program has found to add to the gradients of Values, which a call does."""

    def __init__(self, machine: Machine, sums: array, first: place, scale: cython.double, loss: object):
        self.machine, self.sums, self.first, self.scale, self.loss = machine, sums, first, scale, loss

    def __call__(self) -> None:
        i: place
        node: borrowed
        machine: Machine = self.machine
        sums: vector = shifted(numbers_of(self.sums), self.first)
        scale: cython.double = self.scale
        with adding:  # interpreted, two threads would lose what the other adds
            if machine.operations:
                self.sweep_operations()  # before all others, since it may raise
            for i in range(len(machine.parameters)):
                node = node_at(machine, i)
                if not node.code:
                    node.adjoint += sums[i] * scale
        announce(self.loss, machine.parameters)

    def sweep_operations(self) -> None:
        """Those of operations are added to the leaves below them, in one sweep."""
        values: list = self.machine.parameters
        places = [i for i in self.machine.operations if lend(values[i]).code]
        if not places:  # begun anew as leaves since
            return
        found = [number_at(self.sums, self.first + i) * self.scale for i in places]
        with lenient():  # the gradients count, and not what they come to together
            together = functions.dot([values[i] for i in places], found)
        together.backward()


def with_numpy(program: Program) -> bool:
    """Whether there are products that NumPy does, and there is NumPy."""
    if program.alone or not any(is_wide(instruction, program.uniform) for instruction in program.each):
        return False
    return find_spec("numpy") is not None


pool = cython.declare(object, None)


def without_pool() -> None:
    """In a child process: the threads have stayed with its parent."""
    global pool
    pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=without_pool)


def helpers() -> Any:  # compiled only
    """The threads that help to run programs over large batches, as many as there are processors."""
    global pool
    if pool is None:
        from concurrent.futures import ThreadPoolExecutor

        pool = ThreadPoolExecutor(thread_name_prefix="autodiff")
    return pool


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def copy(out: vector, x: vector, n: place) -> kernel:
    """out = x."""
    i: place
    for i in range(n):
        out[i] = x[i]


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def take_numbers(out: vector, x: vector, wanted: longs, n: place) -> cython.void:
    """out = x at these places."""
    i: place
    for i in range(n):
        out[i] = x[wanted[i]]


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def give_numbers(out: vector, wanted: longs, x: vector, n: place) -> cython.void:  # compiled only
    """out at these places = x."""
    i: place
    for i in range(n):
        out[wanted[i]] = x[i]


@cython.cfunc
@cython.exceptval(check=False)
def lanes_for(n: place, most: place) -> place:
    """How many lanes the blocks of so many samples have, so that few lanes are left over.

    It is an odd number of times eight: numbers that lie a power of two apart share few lines of a cache.
    """
    if n <= 1:
        return 1
    fewest: place = (n + most - 1) // most
    blocks: place
    found: place = most
    least: place = 2 * n + 16 * fewest
    for blocks in range(fewest, fewest + 3):
        lanes: place = ((n + blocks - 1) // blocks + 7) // 8 * 8 | 8
        total: place = (n + lanes - 1) // lanes * lanes
        if total < least:
            found, least = lanes, total
    return found


@cython.cfunc
def fresh_memory(machine: Machine, lanes: place) -> array:
    """Slots that no other call uses, with the constants in their places."""
    try:
        size, memory = machine.free.pop()
        if size == lanes:
            return memory
    except IndexError:
        pass
    # what is computed once has one lane whatever the block has; up to 8 lanes all members of a group are copied at once
    scratch: place = 2 * machine.deepest + 3 * machine.widest + 8  # four rows of lanes at least
    if lanes > 1:
        scratch += 24 * machine.widest + 8 * lanes
    fresh: array = new_numbers(machine.uniform + machine.varying * lanes + scratch + 2 * LINE)
    slots: vector = slots_in(machine, fresh)
    i: place
    slots[ONE], slots[MINUS_ONE] = 1.0, -1.0
    for i in range(len(machine.constants)):
        slots[i] = number_at(machine.constants, i)
    return fresh


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def slots_in(machine: Machine, memory: array) -> vector:
    """The slots, of which those with lanes begin with a line of the cache: a vector that lies across two is read twice.

    There is room before them.
    """
    if not cython.compiled:
        return numbers_of(memory)
    numbers: vector = numbers_of(memory)  # compiled only from here
    return numbers + LINE + (-(cython.cast(place, numbers) // 8 + machine.uniform) & (LINE - 1))


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def load(
    machine: Machine, slots: vector, source: vector, number: place, size: place, first: place, count: place, lanes: place
) -> cython.void:
    """The inputs of ``count`` samples into their lanes; lanes that are left over get the last sample once more."""
    i: place
    lane: place
    start: place
    begin: place = 0
    while begin + 8 <= count:  # a few lanes at a time, whose numbers a cache holds
        given: vector = shifted(source, (first + begin) * size)
        for i in range(size):
            start = address(machine, whole(machine.input_slots, number + i), lanes) + begin
            for lane in range(8):
                slots[start + lane] = given[lane * size + i]
        begin += 8
    for i in range(size):
        start = address(machine, whole(machine.input_slots, number + i), lanes)
        for lane in range(begin, count):
            slots[start + lane] = source[(first + lane) * size + i]
        for lane in range(count, lanes):
            slots[start + lane] = slots[start + count - 1]


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def store(machine: Machine, slots: vector, out: vector, size: place, first: place, count: place, lanes: place) -> cython.void:
    """What is wanted of each sample, into its place in ``out``."""
    i: place
    lane: place
    for i in range(size):
        slot: place = whole(machine.stored, i)
        if slot < machine.uniform:
            for lane in range(count):
                out[(first + lane) * size + i] = slots[slot]
        else:
            start: place = address(machine, slot, lanes)
            for lane in range(count):
                out[(first + lane) * size + i] = slots[start + lane]


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def execute(machine: Machine, code: longs, end: place, memory: array, lanes: place, count: place) -> cython.int:
    """Each instruction on its members and on the lanes, of which the first ``count`` hold samples."""
    slots: vector = slots_in(machine, memory)
    at: place = run_until(machine, code, 0, end, slots, lanes, count, 0)
    while at < end:
        with cython.gil:
            if code[at + 1] in (MATMUL, SUMMED_MATMUL):
                matmul(machine, code, at, memory, lanes, count)
            else:
                map_rule(machine, code, at, slots, lanes)
        at = run_until(machine, code, at + code[at], end, slots, lanes, count, 0)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def run_until(
    machine: Machine, code: longs, at: place, end: place, slots: vector, lanes: place, count: place, turn: place
) -> place:
    """Run from one instruction on; in the body of a loop for the ``turn``-th time, where none needs Python.

    Returns where there is one that does, or the end.
    """
    i: place
    uniform: place = machine.uniform
    scratch: vector = shifted(slots, uniform + machine.varying * lanes)
    while at < end:
        kind: place = code[at + 1]
        target: place = code[at + 6]
        width: place = 1
        if target >= uniform:
            width = lanes
            target = uniform + (target - uniform) * lanes
        out: vector = shifted(slots, target)
        if kind == SCALARS:
            take_steps(machine.table, code[at + 2], slots, machine.handles, turn)
        elif kind == MAP_UNARY:
            map_unary(machine, code, at, slots, out, scratch, width, lanes)
        elif kind == MAP_BINARY:
            map_binary(machine, code, at, slots, out, scratch, width, lanes)
        elif kind == TANGENTS:
            map_tangents(machine, code, at, slots, out, scratch, width, lanes)
        elif kind == SUMS:
            sums_of_numbers(machine, code, at, slots, out)
        elif kind == PRODUCT:
            product(machine, code, at, slots, out, scratch, width, lanes)
        elif kind == SUMMED_PRODUCT:
            summed_product(machine, code, at, slots, out, scratch, lanes, count)
        elif kind == FILL:
            fill(out, -0.0 if code[at + 2] < 0 else 0.0, code[at + 3] * code[at + 4] * width)
        elif kind in (START, GAIN):
            map_terms(machine, code, at, slots, out, scratch, width, lanes)
        elif kind == DOTS:
            dots(machine, code, at, slots, out, scratch, width, lanes)
        elif kind == ROWS:
            add_rows(machine, code, at, slots, out, width, lanes)
        elif kind == SUMMED_TERMS:
            summed_terms(machine, code, at, slots, out, lanes, count)
        elif kind == SUMMED_DOTS:
            summed_dots(machine, code, at, slots, out, lanes, count)
        elif kind == MAP_FOLD:
            map_fold(machine, code, at, slots, out, scratch, width, lanes)
        elif kind == MAP_SELECT:
            map_select(machine, code, at, slots, out, scratch, width, lanes)
        elif kind == MAP_LOGSUMEXP:
            map_log_sum_exp(machine, code, at, slots, out, scratch, width, lanes)
        elif kind == TAKE:
            take_turn(machine, code, at, slots, out, width, lanes, turn)
        elif kind == KEEP:
            keep_turn(machine, code, at, slots, out, width, lanes, turn)
        elif kind == LOOP:
            for i in range(code[at + 3]):
                run_until(machine, code, at + HEADER, at + code[at], slots, lanes, count, i)
        elif kind in (MAP_RULE, MATMUL, SUMMED_MATMUL) or map_taken(machine, code, at, slots, out, width, lanes) >= 0:
            return at
        at += code[at]
    return end


# ---- operands -----------------------------------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def slot_of(machine: Machine, code: longs, field: place, row: place, column: place, columns: place) -> place:
    """The slot of one entry of an operand."""
    if code[field + 3] < 0:
        return code[field] + row * code[field + 1] + column * code[field + 2]
    return machine.table[code[field + 3] + row * columns + column]


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def lanes_of(
    machine: Machine, code: longs, field: place, row: place, column: place, columns: place, slots: vector, lanes: place
) -> vector:
    """The lanes of one entry of an operand."""
    return shifted(slots, address(machine, slot_of(machine, code, field, row, column, columns), lanes))


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def address(machine: Machine, slot: place, lanes: place) -> place:
    """Where the lanes of a slot begin."""
    return slot if slot < machine.uniform else machine.uniform + (slot - machine.uniform) * lanes


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def side_by_side(
    machine: Machine, code: longs, field: place, slots: vector, room: vector, first: place, n: place, width: place, lanes: place
) -> vector:
    """The numbers of ``n`` members side by side, ``width`` for each: where they stand, or copied into ``room``."""
    i: place
    start: place = slot_of(machine, code, field, first, 0, 1)
    uniform: cython.bint = start < machine.uniform
    if (n == 1 or (code[field + 3] < 0 and code[field + 1] == 1)) and (width == 1 or not uniform):
        return shifted(slots, address(machine, start, lanes))
    if lanes == 1 or (width == 1 and uniform):  # a slot is its own address
        if code[field + 3] >= 0:
            begin: place = code[field + 3] + first
            for i in range(n):
                room[i] = slots[machine.table[begin + i]]
        elif code[field + 1] == 0:
            fill(room, slots[start], n)
        else:
            for i in range(n):
                room[i] = slots[start + i * code[field + 1]]
        return room
    for i in range(n):
        start = slot_of(machine, code, field, first + i, 0, 1)
        if start < machine.uniform:  # what a loop carries may begin as either
            fill(shifted(room, i * width), slots[start], width)
        else:
            copy(shifted(room, i * width), shifted(slots, address(machine, start, lanes)), width)
    return room


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def together(machine: Machine, code: longs, at: place, rows: place, width: place) -> place:
    """How many members one loop can go over: all where all their operands stand side by side, or lanes are few."""
    if width <= 8:
        return rows
    i: place
    for i in range(code[at + 7]):
        field: place = at + HEADER + i * FIELDS
        if code[field + 3] >= 0 or code[field + 1] != 1 or code[field] < machine.uniform:
            return 1
    return rows


# ---- member by member ---------------------------------------------------------------------------------------------------


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def map_unary(
    machine: Machine, code: longs, at: place, slots: vector, out: vector, scratch: vector, width: place, lanes: place
) -> cython.void:
    rows: place = code[at + 3]
    n: place = together(machine, code, at, rows, width)
    first: place = 0
    while first < rows:
        x: vector = side_by_side(machine, code, at + HEADER, slots, scratch, first, n, width, lanes)
        unary(unary_at(code[at + 2]), shifted(out, first * width), x, n * width)
        first += n


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def map_tangents(
    machine: Machine, code: longs, at: place, slots: vector, out: vector, scratch: vector, width: place, lanes: place
) -> cython.void:
    rows: place = code[at + 3]
    slope: vector = shifted(slots, address(machine, code[at + HEADER + FIELDS], lanes))
    n: place = together(machine, code, at, rows, width)
    first: place = 0
    while first < rows:
        x: vector = side_by_side(machine, code, at + HEADER, slots, scratch, first, n, width, lanes)
        tangents(shifted(out, first * width), shifted(slope, first * width), x, n * width)
        first += n


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def map_binary(
    machine: Machine, code: longs, at: place, slots: vector, out: vector, scratch: vector, width: place, lanes: place
) -> cython.void:
    rows: place = code[at + 3]
    f: binary_function = binary_at(code[at + 2])
    left: place = at + HEADER
    right: place = left + FIELDS
    number: place = left if is_number(machine, code, left, width) else right
    n: place = together(machine, code, at, rows, width)
    room: vector = shifted(scratch, n * width)
    x: vector
    y: vector
    first: place = 0
    if f == mul and is_number(machine, code, number, width):
        n = rows if width == 1 else 1
        while first < rows:
            x = side_by_side(machine, code, right if number == left else left, slots, scratch, first, n, width, lanes)
            scale(shifted(out, first * width), x, slots[slot_of(machine, code, number, first, 0, 1)], n * width)
            first += n
        return
    while first < rows:
        x = side_by_side(machine, code, left, slots, scratch, first, n, width, lanes)
        y = side_by_side(machine, code, right, slots, room, first, n, width, lanes)
        binary(f, shifted(out, first * width), x, y, n * width)
        first += n


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def is_number(machine: Machine, code: longs, field: place, width: place) -> cython.bint:
    """Whether an operand is one number for all lanes of a member; without lanes, for all members."""
    return code[field] < machine.uniform if width > 1 else code[field + 3] < 0 and code[field + 1] == 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def map_terms(
    machine: Machine, code: longs, at: place, slots: vector, out: vector, scratch: vector, width: place, lanes: place
) -> cython.void:
    """out = x ± 0, or out ± x."""
    rows: place = code[at + 3]
    n: place = together(machine, code, at, rows, width)
    first: place = 0
    while first < rows:
        slot: place = slot_of(machine, code, at + HEADER, first, 0, 1)
        if code[at + 1] == GAIN and n == 1 < width and slot < machine.uniform:
            add_constant(shifted(out, first * width), code[at + 2] * slots[slot], width)
            first += 1
            continue
        x: vector = side_by_side(machine, code, at + HEADER, slots, scratch, first, n, width, lanes)
        if code[at + 1] == START:
            shift(shifted(out, first * width), x, -0.0 if code[at + 2] < 0 else 0.0, n * width)
        else:
            gain_scaled(shifted(out, first * width), x, code[at + 2], n * width)
        first += n


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def take_turn(
    machine: Machine, code: longs, at: place, slots: vector, out: vector, width: place, lanes: place, turn: place
) -> cython.void:
    """Each row is the entry of its operand for this turn of a loop."""
    row: place
    lane: place
    for row in range(code[at + 3]):
        slot: place = slot_of(machine, code, at + HEADER + row * FIELDS, turn, 0, 1)
        if slot >= machine.uniform:
            copy(shifted(out, row * width), shifted(slots, address(machine, slot, lanes)), width)
        else:
            for lane in range(width):
                out[row * width + lane] = slots[slot]


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def keep_turn(
    machine: Machine, code: longs, at: place, slots: vector, out: vector, width: place, lanes: place, turn: place
) -> cython.void:
    """The rows of the operand, to where those of this turn belong."""
    row: place
    rows: place = code[at + 3]
    for row in range(rows):
        slot: place = slot_of(machine, code, at + HEADER, row, 0, 1)
        copy(shifted(out, (turn * rows + row) * width), shifted(slots, address(machine, slot, lanes)), width)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def map_fold(
    machine: Machine, code: longs, at: place, slots: vector, out: vector, scratch: vector, width: place, lanes: place
) -> cython.void:
    """Any number of operands, from left to right, by a kernel of two; a sum and a norm begin with 0."""
    f: binary_function = binary_at(code[at + 2])
    from_zero: cython.bint = f in (add, hypot)
    rows: place = code[at + 3]
    n: place = rows if width <= 8 else 1  # members at once
    size: place = n * width
    total: vector = scratch
    before: vector = shifted(scratch, size)
    room: vector = shifted(scratch, 2 * size)
    x: vector
    first: place = 0
    i: place
    while first < rows:
        fill(total, 0.0, size)
        for i in range(code[at + 7]):
            x = side_by_side(machine, code, at + HEADER + i * FIELDS, slots, room, first, n, width, lanes)
            if i == 0 and not from_zero:
                copy(total, x, size)
            else:
                before, total = total, before
                binary(f, total, before, x, size)
        copy(shifted(out, first * width), total, size)
        first += n


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def map_taken(machine: Machine, code: longs, at: place, slots: vector, out: vector, width: place, lanes: place) -> place:
    """The entries of tables that the indices name. Returns −1, or the number of an index that is no place of its table."""
    n: place = code[at + 7] - 1
    row: place
    lane: place
    for row in range(code[at + 3]):
        for lane in range(width):
            x: cython.double = operand(machine, code, at, slots, 0, row, lane, lanes)
            if not (0.0 <= x < n and libm.floor(x) == x):
                return row * width + lane
            entry: place = 1 + cython.cast(cython.Py_ssize_t, x)
            out[row * width + lane] = operand(machine, code, at, slots, entry, row, lane, lanes)
    return -1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def map_select(
    machine: Machine, code: longs, at: place, slots: vector, out: vector, scratch: vector, width: place, lanes: place
) -> cython.void:
    """The second operand, or the third where the first is 0."""
    rows: place = code[at + 3]
    n: place = together(machine, code, at, rows, width)
    first: place = 0
    while first < rows:
        x: vector = side_by_side(machine, code, at + HEADER, slots, scratch, first, n, width, lanes)
        room: vector = shifted(scratch, n * width)
        y: vector = side_by_side(machine, code, at + HEADER + FIELDS, slots, room, first, n, width, lanes)
        room = shifted(scratch, 2 * n * width)
        z: vector = side_by_side(machine, code, at + HEADER + 2 * FIELDS, slots, room, first, n, width, lanes)
        choose(shifted(out, first * width), x, y, z, n * width)
        first += n


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def map_log_sum_exp(
    machine: Machine, code: longs, at: place, slots: vector, out: vector, scratch: vector, width: place, lanes: place
) -> cython.void:
    """log(Σ eˣ) of any number of operands, shifted by the largest."""
    if width == 1:
        log_sums_of_numbers(machine, code, at, slots, out, lanes)
        return
    largest: vector = scratch
    before: vector = shifted(scratch, width)
    room: vector = shifted(scratch, 2 * width)
    power: vector = shifted(scratch, 3 * width)
    row: place
    lane: place
    i: place
    for row in range(code[at + 3]):
        here: vector = shifted(out, row * width)
        fill(largest, -INFINITY, width)
        fill(here, 0.0, width)
        for i in range(code[at + 7]):
            before, largest = largest, before
            binary(at_least, largest, before, lanes_or_copies(machine, code, at, slots, room, i, row, width, lanes), width)
        for i in range(code[at + 7]):
            binary(sub, before, lanes_or_copies(machine, code, at, slots, room, i, row, width, lanes), largest, width)
            unary(exp, power, before, width)
            gain_scaled(here, power, 1.0, width)
        unary(log, power, here, width)
        for lane in range(width):
            infinite: cython.bint = libm.fabs(largest[lane]) == INFINITY
            here[lane] = largest[lane] if infinite else largest[lane] + power[lane]


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def log_sums_of_numbers(machine: Machine, code: longs, at: place, slots: vector, out: vector, lanes: place) -> cython.void:
    row: place
    i: place
    x: cython.double
    for row in range(code[at + 3]):
        largest: cython.double = -INFINITY
        total: cython.double = 0.0
        for i in range(code[at + 7]):
            x = operand(machine, code, at, slots, i, row, 0, lanes)
            largest = x if x > largest or x != x else largest  # once it is nan, it stays
        for i in range(code[at + 7]):
            total += exp(operand(machine, code, at, slots, i, row, 0, lanes) - largest)
        out[row] = largest if libm.fabs(largest) == INFINITY else largest + log(total)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def lanes_or_copies(
    machine: Machine, code: longs, at: place, slots: vector, room: vector, i: place, row: place, width: place, lanes: place
) -> vector:
    """The lanes of one member of operand ``i``; of what all samples share so many copies in ``room``."""
    slot: place = slot_of(machine, code, at + HEADER + i * FIELDS, row, 0, 1)
    if slot >= machine.uniform:
        return shifted(slots, address(machine, slot, lanes))
    fill(room, slots[slot], width)
    return room


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def operand(
    machine: Machine, code: longs, at: place, slots: vector, i: place, row: place, lane: place, lanes: place
) -> cython.double:
    """One number of operand ``i``."""
    slot: place = slot_of(machine, code, at + HEADER + i * FIELDS, row, 0, 1)
    return slots[slot] if slot < machine.uniform else slots[machine.uniform + (slot - machine.uniform) * lanes + lane]


@cython.cfunc
def map_rule(machine: Machine, code: longs, at: place, slots: vector, lanes: place) -> object:
    """A row of the table without a typed loop; or the error of an index that is no place of its table."""
    row: place
    lane: place
    target: place = address(machine, code[at + 6], lanes)
    width: place = 1 if code[at + 6] < machine.uniform else lanes
    if code[at + 1] == MAP_TAKEN:
        wrong: place = map_taken(machine, code, at, slots, shifted(slots, target), width, lanes)
        raise functions.no_place(code[at + 7] - 1, operand(machine, code, at, slots, 0, wrong // width, wrong % width, lanes))
    value = rules.BY_CODE[code[at + 2]].value
    for row in range(code[at + 3]):
        for lane in range(width):
            numbers: list = [operand(machine, code, at, slots, i, row, lane, lanes) for i in range(code[at + 7])]
            slots[target + row * width + lane] = value(*numbers)


# ---- sums of products ---------------------------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def sign_of(code: longs, at: place) -> cython.double:
    """Whether a product is added or subtracted."""
    return -1.0 if code[at + 2] < 0 else 1.0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def product(
    machine: Machine, code: longs, at: place, slots: vector, out: vector, scratch: vector, width: place, lanes: place
) -> cython.void:
    """A matrix product: out[r, c] ± Σ left[r, k] · right[c, k]."""
    left: place = at + HEADER
    right: place = at + HEADER + FIELDS
    shared: cython.bint = slot_of(machine, code, left, 0, 0, 1) < machine.uniform <= slot_of(machine, code, right, 0, 0, 1)
    if code[at + 2] == FROM_ZERO and (width == 1 or not shared):
        fill(out, 0.0, code[at + 3] * code[at + 4] * width)
    if width == 1:
        product_of_numbers(machine, code, at, slots, out, scratch)
    elif shared:
        product_of_lanes(machine, code, at, slots, out, scratch, width, lanes)
    else:
        dots_of_lanes(machine, code, at, slots, out, code[at + 4], width, lanes)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def product_of_lanes(
    machine: Machine, code: longs, at: place, slots: vector, out: vector, scratch: vector, width: place, lanes: place
) -> cython.void:
    """Left what all samples share, right lanes."""
    sign: cython.double = sign_of(code, at)
    fresh: cython.bint = code[at + 2] == FROM_ZERO
    columns: place = code[at + 4]
    depth: place = code[at + 5]
    left: place = at + HEADER
    right: place = at + HEADER + FIELDS
    # columns that stand side by side are so many lanes more
    wide: cython.bint = columns > 1 and code[right + 3] < 0 and code[right + 1] == 1
    row: place = 0
    column: place
    k: place
    n: place = width * columns if wide else width
    rows: place = code[at + 3]
    if cython.compiled and code[right + 3] < 0:
        while row + 4 <= rows:
            factors: vector = four_rows(machine, code, left, row, depth, sign, slots, scratch)
            for column in range(1 if wide else columns):
                gain_four_rows(
                    shifted(out, (row * columns + column) * width),
                    shifted(out, ((row + 1) * columns + column) * width),
                    shifted(out, ((row + 2) * columns + column) * width),
                    shifted(out, ((row + 3) * columns + column) * width),
                    lanes_of(machine, code, right, column, 0, depth, slots, lanes),
                    code[right + 2] * lanes,
                    factors,
                    depth,
                    fresh,
                    n,
                )
            row += 4
    if fresh:
        fill(shifted(out, row * columns * width), 0.0, (rows - row) * columns * width)
    while row < rows:
        for column in range(1 if wide else columns):
            here: vector = shifted(out, (row * columns + column) * width)
            k = 0
            while k + 4 <= depth:
                gain_scaled_4(
                    here,
                    lanes_of(machine, code, right, column, k, depth, slots, lanes),
                    lanes_of(machine, code, right, column, k + 1, depth, slots, lanes),
                    lanes_of(machine, code, right, column, k + 2, depth, slots, lanes),
                    lanes_of(machine, code, right, column, k + 3, depth, slots, lanes),
                    sign * slots[slot_of(machine, code, left, row, k, depth)],
                    sign * slots[slot_of(machine, code, left, row, k + 1, depth)],
                    sign * slots[slot_of(machine, code, left, row, k + 2, depth)],
                    sign * slots[slot_of(machine, code, left, row, k + 3, depth)],
                    n,
                )
                k += 4
            while k < depth:
                x: vector = lanes_of(machine, code, right, column, k, depth, slots, lanes)
                gain_scaled(here, x, sign * slots[slot_of(machine, code, left, row, k, depth)], n)
                k += 1
        row += 1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def dots_of_lanes(
    machine: Machine, code: longs, at: place, slots: vector, out: vector, columns: place, width: place, lanes: place
) -> cython.void:
    """Lanes times lanes, or whatever each factor is. Without columns each row has a left and a right row of its own."""
    sign: cython.double = sign_of(code, at)
    depth: place = code[at + 5]
    row: place
    column: place
    k: place
    for row in range(code[at + 3]):
        for column in range(columns if columns else 1):
            here: vector = shifted(out, (row * (columns if columns else 1) + column) * width)
            for k in range(depth):
                x: place = slot_of(machine, code, at + HEADER, row, k, depth)
                y: place = slot_of(machine, code, at + HEADER + FIELDS, column if columns else row, k, depth)
                if x < machine.uniform and y < machine.uniform:
                    add_constant(here, sign * slots[x] * slots[y], width)
                elif x < machine.uniform:
                    gain_scaled(here, shifted(slots, address(machine, y, lanes)), sign * slots[x], width)
                elif y < machine.uniform:
                    gain_scaled(here, shifted(slots, address(machine, x, lanes)), sign * slots[y], width)
                else:
                    gain_products(
                        here,
                        shifted(slots, address(machine, x, lanes)),
                        shifted(slots, address(machine, y, lanes)),
                        sign,
                        width,
                    )


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def product_of_numbers(machine: Machine, code: longs, at: place, slots: vector, out: vector, scratch: vector) -> cython.void:
    """Without lanes: the innermost loop goes over the columns where there are several, otherwise along the rows."""
    sign: cython.double = sign_of(code, at)
    rows: place = code[at + 3]
    columns: place = code[at + 4]
    depth: place = code[at + 5]
    left: place = at + HEADER
    right: place = at + HEADER + FIELDS
    turned: cython.bint = columns < rows and columns < 4  # along the longer side: the transposed product
    if turned:
        rows, columns = columns, rows
        left, right = right, left
    row: place
    column: place
    k: place
    origin: vector = slots
    x: vector
    begin: place = code[right]
    step: place = code[right + 2]
    if turned or columns < 4 or (rows == 1 and code[right + 3] < 0 and step == 1):
        step = code[right + 1]
        if code[right + 3] >= 0 or (code[right + 2] != 1 and depth > 1) or step < 0:
            origin = scratch
            begin = depth
            step = depth
            lay_out(machine, code, right, 0, columns, depth, slots, shifted(scratch, depth), depth, 1)
        for row in range(rows):
            x = row_of(machine, code, left, row, depth, slots, scratch)
            if turned:
                gain_rows(shifted(out, row), rows, x, shifted(origin, begin), step, sign, columns, depth)
            else:
                gain_rows(shifted(out, row * columns), 1, x, shifted(origin, begin), step, sign, columns, depth)
        return
    # right as depth × columns
    if code[right + 3] >= 0 or code[right + 1] != 1:
        origin = scratch
        begin = 0
        step = columns
        lay_out(machine, code, right, 0, columns, depth, slots, scratch, 1, columns)
    room: vector = shifted(scratch, columns * depth)
    wide: place = columns // 8 * 8 if cython.compiled and rows >= 4 else 0  # by rows // 4 * 4: what goes by tiles
    for row in range(0, rows - 3 if wide else 0, 4):
        gain_four_rows(
            shifted(out, row * columns),
            shifted(out, (row + 1) * columns),
            shifted(out, (row + 2) * columns),
            shifted(out, (row + 3) * columns),
            shifted(origin, begin),
            step,
            four_rows(machine, code, left, row, depth, sign, slots, room),
            depth,
            False,
            wide,
        )
    for row in range(rows):
        column = wide if row < rows // 4 * 4 else 0
        if column == columns:
            continue
        here: vector = shifted(out, row * columns + column)
        x = row_of(machine, code, left, row, depth, slots, room)
        k = 0
        while k + 4 <= depth:
            gain_scaled_4(
                here,
                shifted(origin, begin + k * step + column),
                shifted(origin, begin + (k + 1) * step + column),
                shifted(origin, begin + (k + 2) * step + column),
                shifted(origin, begin + (k + 3) * step + column),
                sign * x[k],
                sign * x[k + 1],
                sign * x[k + 2],
                sign * x[k + 3],
                columns - column,
            )
            k += 4
        while k < depth:
            gain_scaled(here, shifted(origin, begin + k * step + column), sign * x[k], columns - column)
            k += 1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def four_rows(
    machine: Machine, code: longs, field: place, row: place, depth: place, sign: cython.double, slots: vector, room: vector
) -> vector:
    """Four rows of a matrix of numbers one after the other, times ``sign``: where they stand, or copied into ``room``."""
    if sign > 0.0 and code[field + 3] < 0 and code[field + 1] == depth and code[field + 2] == 1:
        return shifted(slots, code[field] + row * depth)
    i: place
    lay_out(machine, code, field, row, 4, depth, slots, room, depth, 1)
    if sign < 0.0:
        for i in range(4 * depth):
            room[i] = -room[i]
    return room


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def row_of(machine: Machine, code: longs, field: place, row: place, depth: place, slots: vector, room: vector) -> vector:
    """A row of a matrix side by side, where it stands or copied into ``room``. Without lanes."""
    if code[field + 3] < 0 and (code[field + 2] == 1 or depth == 1):
        return shifted(slots, code[field] + row * code[field + 1])
    lay_out(machine, code, field, row, 1, depth, slots, room, depth, 1)
    return room


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def lay_out(
    machine: Machine,
    code: longs,
    field: place,
    row: place,
    rows: place,
    depth: place,
    slots: vector,
    room: vector,
    down: place,
    across: place,
) -> cython.void:
    """Rows of a matrix of numbers into ``room``, so far ``down`` from one to the next, ``across`` from entry to entry."""
    r: place
    k: place
    begin: place
    if code[field + 3] >= 0:
        begin = code[field + 3] + row * depth
        for r in range(rows):
            for k in range(depth):
                room[r * down + k * across] = slots[machine.table[begin + r * depth + k]]
        return
    begin = code[field] + row * code[field + 1]
    next_row: place = code[field + 1]
    next_entry: place = code[field + 2]
    for k in range(depth):
        for r in range(rows):
            room[r * down + k * across] = slots[begin + r * next_row + k * next_entry]


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def dots(
    machine: Machine, code: longs, at: place, slots: vector, out: vector, scratch: vector, width: place, lanes: place
) -> cython.void:
    """Each member has a left and a right row of its own."""
    if width > 1:
        dots_of_lanes(machine, code, at, slots, out, 0, width, lanes)
        return
    depth: place = code[at + 5]
    row: place = code[at + 3]
    k: place
    x: place
    y: place
    if depth == 1:
        right: vector = side_by_side(machine, code, at + HEADER + FIELDS, slots, shifted(scratch, row), 0, row, 1, lanes)
        if is_number(machine, code, at + HEADER, 1):
            gain_scaled(out, right, code[at + 2] * slots[address(machine, code[at + HEADER], lanes)], row)
        else:
            left: vector = side_by_side(machine, code, at + HEADER, slots, scratch, 0, row, 1, lanes)
            gain_products(out, left, right, code[at + 2], row)
        return
    for row in range(code[at + 3]):
        for k in range(depth):
            x = address(machine, slot_of(machine, code, at + HEADER, row, k, depth), lanes)
            y = address(machine, slot_of(machine, code, at + HEADER + FIELDS, row, k, depth), lanes)
            out[row] += code[at + 2] * slots[x] * slots[y]


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def add_rows(machine: Machine, code: longs, at: place, slots: vector, out: vector, width: place, lanes: place) -> cython.void:
    """out[r] ± Σ x[r, k]."""
    depth: place = code[at + 5]
    sign: cython.double = code[at + 2]
    row: place
    k: place
    for row in range(code[at + 3]):
        if width == 1:
            for k in range(depth):
                out[row] += sign * slots[address(machine, slot_of(machine, code, at + HEADER, row, k, depth), lanes)]
            continue
        for k in range(depth):
            slot: place = slot_of(machine, code, at + HEADER, row, k, depth)
            here: vector = shifted(out, row * width)
            if slot < machine.uniform:
                add_constant(here, sign * slots[slot], width)
            else:
                gain_scaled(here, shifted(slots, address(machine, slot, lanes)), sign, width)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def sums_of_numbers(machine: Machine, code: longs, at: place, slots: vector, out: vector) -> cython.void:
    """Whole sums without lanes: of a few rows one after the other, otherwise term by term for all of them."""
    entry: place = code[at + HEADER]
    n: place = code[at + 7]
    rows: place = code[at + 3]
    zero: cython.double = -0.0 if code[at + 2] < 0 else 0.0
    row: place
    i: place
    if rows < 4:
        for row in range(rows):
            total: cython.double = zero
            here: place = entry + row
            for i in range(at + HEADER + 1, at + HEADER + 1 + n):
                if code[i] == 0:
                    total += slots[machine.table[here]]
                elif code[i] == 1:
                    total -= slots[machine.table[here]]
                elif code[i] == 2:
                    total += slots[machine.table[here]] * slots[machine.table[here + rows]]
                else:
                    total -= slots[machine.table[here]] * slots[machine.table[here + rows]]
                here += rows if code[i] < 2 else 2 * rows
            out[row] = total
        return
    fill(out, zero, rows)
    for i in range(at + HEADER + 1, at + HEADER + 1 + n):
        second: place = entry + rows
        if code[i] == 0:
            for row in range(rows):
                out[row] += slots[machine.table[entry + row]]
        elif code[i] == 1:
            for row in range(rows):
                out[row] -= slots[machine.table[entry + row]]
        elif code[i] == 2:
            for row in range(rows):
                out[row] += slots[machine.table[entry + row]] * slots[machine.table[second + row]]
        else:
            for row in range(rows):
                out[row] -= slots[machine.table[entry + row]] * slots[machine.table[second + row]]
        entry += rows if code[i] < 2 else 2 * rows


# ---- sums over the samples ----------------------------------------------------------------------------------------------


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def summed_product(
    machine: Machine, code: longs, at: place, slots: vector, out: vector, scratch: vector, lanes: place, count: place
) -> cython.void:
    """out[r, c] ± Σ over samples and k of left[r, k] · right[c, k]."""
    rows: place = code[at + 3]
    columns: place = code[at + 4]
    depth: place = code[at + 5]
    sign: cython.double = sign_of(code, at)
    left: place = at + HEADER
    right: place = at + HEADER + FIELDS
    row: place
    column: place
    k: place
    if cython.compiled and rows * columns > 1:
        for k in range(depth):
            for column in range(0, columns, 4):  # the outer loop, so that four columns stay in the nearest cache
                row = 0
                while row < rows:
                    row += summed_tile(machine, code, at, slots, out, scratch, row, column, k, lanes, count)
        return
    for k in range(depth):
        for row in range(rows):
            for column in range(columns):
                dot(
                    shifted(out, row * columns + column),
                    lanes_of(machine, code, left, row, k, depth, slots, lanes),
                    lanes_of(machine, code, right, column, k, depth, slots, lanes),
                    sign,
                    count,
                )


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def summed_tile(  # compiled only
    machine: Machine,
    code: longs,
    at: place,
    slots: vector,
    out: vector,
    scratch: vector,
    row: place,
    column: place,
    k: place,
    lanes: place,
    count: place,
) -> place:
    """Two or three rows by four columns of such a product, as far as there are so many; how many rows."""
    rows: place = code[at + 3] - row
    columns: place = code[at + 4] - column
    depth: place = code[at + 5]
    sign: cython.double = sign_of(code, at)
    left: place = at + HEADER
    right: place = at + HEADER + FIELDS
    i: place
    j: place
    p: vector = lanes_of(machine, code, left, row, k, depth, slots, lanes)
    q: vector = lanes_of(machine, code, left, row + 1, k, depth, slots, lanes) if rows > 1 else p
    x: vector = lanes_of(machine, code, right, column, k, depth, slots, lanes)
    y: vector = lanes_of(machine, code, right, column + 1, k, depth, slots, lanes) if columns > 1 else x
    z: vector = lanes_of(machine, code, right, column + 2, k, depth, slots, lanes) if columns > 2 else x
    w: vector = lanes_of(machine, code, right, column + 3, k, depth, slots, lanes) if columns > 3 else x
    if rows == 3 or rows > 4:
        dots_3_by_4(scratch, p, q, lanes_of(machine, code, left, row + 2, k, depth, slots, lanes), x, y, z, w, count)
        rows = 3
    else:
        dots_2_by_4(scratch, p, q, x, y, z, w, count)
        rows = min(rows, 2)
    for i in range(rows):
        here: vector = shifted(out, (row + i) * code[at + 4] + column)
        if columns >= 4:  # C makes one vector of four
            for j in range(4):
                here[j] += sign * scratch[4 * i + j]
        else:
            for j in range(columns):
                here[j] += sign * scratch[4 * i + j]
    return rows


@cython.cfunc
def matmul(machine: Machine, code: longs, at: place, memory: array, lanes: place, count: place) -> object:
    """A product of a wide layer, or the sum of such over the samples, by NumPy, which calls a BLAS.

    Nowhere else may the last bits of a sum depend on the size of the batch, and on the machine. They do not depend on how many
    threads there are: the samples are cut into the same blocks.
    """
    import numpy

    slots: vector = slots_in(machine, memory)
    begin: place = slots - numbers_of(memory) if cython.compiled else 0
    target: place = address(machine, code[at + 6], lanes)
    left: place = at + HEADER
    right: place = at + HEADER + FIELDS
    rows: place = code[at + 3]
    columns: place = lanes
    x_begin: place = begin + address(machine, code[left], lanes)
    y_begin: place = begin + address(machine, code[right], lanes)
    if code[at + 1] == MATMUL:
        x = matrix(memory, x_begin, rows, code[at + 5], code[left + 1], code[left + 2])
        y = matrix(memory, y_begin, code[at + 5], lanes, code[right + 2] * lanes, 1)
        if code[right + 2] < 0:  # as a BLAS likes it
            x, y = x[:, ::-1], y[::-1]
    else:
        columns = code[at + 4]
        x = matrix(memory, x_begin, rows, count, code[left + 1] * lanes, 1)
        y = matrix(memory, y_begin, count, columns, 1, code[right + 1] * lanes)
    fresh: cython.bint = code[at + 2] == FROM_ZERO
    found: array = memory if fresh else unset_numbers(rows * columns)
    with numpy.errstate(all="ignore"):
        numpy.matmul(x, y, out=matrix(found, begin + target if fresh else 0, rows, columns, columns, 1))
    if not fresh:
        gain_scaled(shifted(slots, target), numbers_of(found), code[at + 2], rows * columns)


def matrix(numbers: array, start: int, rows: int, columns: int, down: int, across: int) -> Any:
    """These numbers as a matrix of NumPy's, whose entries lie so far apart."""
    import numpy

    return numpy.ndarray((rows, columns), float, numbers, 8 * start, (8 * down, 8 * across))


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def summed_dots(
    machine: Machine, code: longs, at: place, slots: vector, out: vector, lanes: place, count: place
) -> cython.void:
    depth: place = code[at + 5]
    sign: cython.double = code[at + 2]
    row: place
    k: place
    for row in range(code[at + 3]):
        for k in range(depth):
            x: vector = lanes_of(machine, code, at + HEADER, row, k, depth, slots, lanes)
            y: vector = lanes_of(machine, code, at + HEADER + FIELDS, row, k, depth, slots, lanes)
            dot(shifted(out, row), x, y, sign, count)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def summed_terms(
    machine: Machine, code: longs, at: place, slots: vector, out: vector, lanes: place, count: place
) -> cython.void:
    sign: cython.double = code[at + 2]
    row: place
    for row in range(code[at + 3]):
        slot: place = slot_of(machine, code, at + HEADER, row, 0, 1)
        if slot < machine.uniform:
            out[row] += sign * (slots[slot] * count)
        else:
            sum_of(shifted(out, row), shifted(slots, address(machine, slot, lanes)), sign, count)


# ---- calls like the last one ------------------------------------------------------------------------------------------------

NUMBER = cython.declare(cython.short, 0)  # a float
NUMBERS = cython.declare(cython.short, 1)  # a list of floats


def quick_first(name: str) -> Any:
    """A decorator: the method is not called where the attribute ``name`` has something quick with an answer."""

    def decorated(method: Any) -> Any:
        if not cython.compiled:
            return method

        def quickly(self: Any, *args: Any, **kwargs: Any) -> Any:
            quick: Quick = getattr(self, name)
            if quick is not None and not kwargs:
                result = quick.take(args)
                if result is not None:
                    return result
            return method(self, *args, **kwargs)

        return update_wrapper(quickly, method)

    return decorated


@cython.cclass
class Quick:
    """What answers a call like the last one."""

    @cython.ccall
    def take(self, args: tuple) -> object:
        """The answer; None if this is another call."""


@cython.final
@cython.cclass
class QuickCall(Quick):
    """A call with one sample whose arguments have the form of the last call: nothing is looked up, only checked.

    ``forms`` are a kind and a shape for each argument; ``result`` is the kind and the shape of the gradient that comes after
    the value, or ``alone`` that of the value. Compiled only; interpreted it takes no call.
    """

    def __init__(self, machine: Machine, forms: Any, result: Any, alone: bool, array_type: Any, empty: Any):
        self.machine = machine
        self.kinds = array("q", [kind for kind, _ in forms])
        self.shapes = [shape if kind == NUMBERS else array("q", shape or ()) for kind, shape in forms]
        self.result, self.shape = result
        self.first = 0 if alone else 1
        self.array_type = array_type
        self.dtype = None if empty is None else empty(0).dtype
        self.empty = empty
        self.spare = self.made = None
        self.made_shape = array("q", self.shape if isinstance(self.shape, tuple) else ())

    @cython.ccall
    def take(self, args: tuple) -> object:
        """The result, or None if the call is not of this form, or ``ad.compile`` is tracing."""
        if not cython.compiled or len(args) != len(self.kinds) or traced():
            return None
        machine: Machine = self.machine  # compiled only from here
        memory: array = self.spare
        self.spare = None  # no other thread may have it meanwhile
        if memory is None:
            memory = fresh_memory(machine, 1)
        slots: vector = slots_in(machine, memory)
        i: place
        number: place = 0
        for i in range(len(args)):
            number = load_one(self, slots, args[i], i, number)
            if number < 0:
                return None
        started(machine)
        load_values(machine, slots, len(machine.constants))
        if len(machine.once):
            execute(machine, wholes_of(machine.once), len(machine.once), memory, 1, 1)
        execute(machine, machine.code, machine.end, memory, 1, 1)
        result = result_of(self, slots)
        self.spare = memory
        return result


@cython.cfunc
def result_of(quick: QuickCall, slots: vector) -> object:  # compiled only
    machine: Machine = quick.machine
    first: place = quick.first
    n: place = machine.n_stored
    result: object
    if quick.result == NUMBER:
        result = slots[whole(machine.stored, first)]
    elif quick.result == NUMBERS:
        result = [slots[whole(machine.stored, i)] for i in range(first, n)]
    else:
        if not nobody_has(quick):
            quick.made = quick.empty(quick.shape)
        result = quick.made
        if cython.compiled:
            made: cython.pointer(numpy_array) = cython.cast(cython.pointer(numpy_array), result)
            out: vector = cython.cast(cython.pointer(cython.double), made.data)
            take_numbers(out, slots, wholes_of(machine.stored) + first, n - first)
    if first == 0:
        return result
    value: object = slots[whole(machine.stored, 0)]
    return value, result


@cython.cfunc
@cython.exceptval(check=False)
def nobody_has(quick: QuickCall) -> cython.bint:  # compiled only
    """Whether the array that was made last is as it was then, and nobody can see that its numbers become others."""
    if quick.made is None:
        return False
    made: cython.pointer(numpy_array) = cython.cast(cython.pointer(numpy_array), quick.made)
    if Py_REFCNT(made) != 1 or made.weakrefs != cython.NULL or made.flags | 2 != NEW:
        return False
    return size_of(quick.made, quick.dtype, quick.made_shape, 0) >= 0


@cython.cfunc
def load_one(quick: QuickCall, slots: vector, argument: object, which: place, number: place) -> place:  # compiled only
    """One argument into its slots. Returns the number of the next input, −1 if the argument has another form."""
    machine: Machine = quick.machine
    i: place
    kind: place = whole(quick.kinds, which)
    if kind == NUMBER:
        if not isinstance(argument, float):
            return -1
        slots[whole(machine.input_slots, number)] = argument
        return number + 1
    if kind == NUMBERS:
        if type(argument) is not list or len(argument) != quick.shapes[which]:
            return -1
        numbers: list = argument
        for i in range(len(numbers)):
            if not isinstance(numbers[i], float):
                return -1
            slots[whole(machine.input_slots, number + i)] = numbers[i]
        return number + len(numbers)
    if type(argument) is not quick.array_type:
        return -1
    if not cython.compiled:
        return -1
    size: place = size_of(argument, quick.dtype, quick.shapes[which], 0)
    if size >= 0:
        give_numbers(slots, wholes_of(machine.input_slots) + number, numbers_in(argument), size)
        return number + size
    return -1


@cython.cfunc
def size_of(argument: object, dtype: object, shape: array, first: place) -> place:  # compiled only
    """How many numbers an array has from its axis ``first`` on; −1 if its shape is another there.

    Or if they are no floats side by side, as NumPy makes them.
    """
    if not cython.compiled:
        return -1
    i: place
    size: place = 1
    axes: place = len(shape)
    found: cython.pointer(numpy_array) = cython.cast(cython.pointer(numpy_array), argument)
    fits: cython.bint = found.dtype == cython.cast(cython.p_void, dtype) and found.n_axes == first + axes
    if not fits or found.flags & SIDE_BY_SIDE != SIDE_BY_SIDE:
        return -1
    for i in range(axes):
        if found.shape[first + i] != whole(shape, i):
            return -1
        size *= found.shape[first + i]
    return size


SIDE_BY_SIDE = cython.declare(cython.Py_ssize_t, 0x101)  # in C's order, and where a processor may read them
NEW = cython.declare(cython.Py_ssize_t, 0x507)  # that, its owner, to be written, in Fortran's order


@cython.final
@cython.cclass
class QuickBatch(Quick):
    """Batches of arrays whose samples have the form of the last ones: nothing is looked up, only checked.

    ``shapes`` are those of a sample of each argument; ``plain`` makes an array of real numbers one of floats side by side.
    Compiled only; interpreted it takes no batch.
    """

    def __init__(self, shapes: Any, plain: Any):
        self.shapes = [array("q", shape) for shape in shapes]
        self.plain = plain
        if shapes:
            import numpy

            self.array_type, self.dtype = numpy.ndarray, numpy.dtype(float)

    @cython.ccall
    def take(self, args: tuple) -> object:
        """How many samples there are, and ``samples`` as ``Machine.run`` takes them; None if the batch is not of this form."""
        if not cython.compiled or len(args) != len(self.shapes):
            return None
        samples: list = []  # compiled only from here
        n: place = -1 if args else 1
        i: place
        number: place = 0
        for i in range(len(args)):
            argument: object = args[i]
            if type(argument) is not self.array_type:
                return None
            shape: array = self.shapes[i]
            size: place = size_of(argument, self.dtype, shape, 1)
            if size < 0:
                argument = self.plain(argument)
                if argument is None:
                    return None
                size = size_of(argument, self.dtype, shape, 1)
            if size <= 0:
                return None
            if cython.compiled:
                length: place = cython.cast(cython.pointer(numpy_array), argument).shape[0]
            if n < 0:
                n = length
            if n == 0 or length != n:
                return None
            samples.append((argument, number, size))
            number += size
        return n, samples


@cython.final
@cython.cclass
class QuickSweep(Quick):
    """``swept`` of batches that ``batch`` takes; ``check`` raises where the program does not hold any more."""

    def __init__(self, machine: Machine, batch: QuickBatch, mean: bool, check: object):
        self.machine, self.batch, self.mean, self.check = machine, batch, mean, check

    @cython.ccall
    def take(self, args: tuple) -> object:
        """What ``Machine.swept`` gives; None if the batch is not of this form, or ``ad.compile`` is tracing."""
        taken = None if traced() else self.batch.take(args)
        if taken is None:
            return None
        if self.check is not None:
            self.check()
        n, samples = taken
        return self.machine.swept(n, samples, (), self.mean)


# ---- memory -----------------------------------------------------------------------------------------------------------------

EMPTY = cython.declare(array, array("d"))


@cython.cfunc
def new_numbers(n: place) -> array:
    """An array of zeros."""
    if cython.compiled:
        return clone(EMPTY, n, True)
    return array("d", bytes(8 * n))


@cython.cfunc
def unset_numbers(n: place) -> array:
    """An array of whatever numbers, to be overwritten."""
    return clone(EMPTY, n, False) if cython.compiled else new_numbers(n)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def number_at(numbers: array, i: place) -> cython.double:
    if cython.compiled:
        return numbers.data.as_doubles[i]
    return numbers[i]


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def whole(numbers: array, i: place) -> place:
    if cython.compiled:
        return numbers.data.as_longlongs[i]
    return numbers[i]


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def numbers_of(numbers: array) -> vector:
    """The numbers themselves: a pointer to them, or a view that can be shifted like one."""
    if cython.compiled:
        return numbers.data.as_doubles
    return memoryview(numbers)


@cython.cfunc
@cython.exceptval(check=False)
def numbers_in(numbers: object) -> vector:
    """Those of an array, or of an array of NumPy's that has them side by side."""
    if not cython.compiled:
        return memoryview(numbers)
    if isinstance(numbers, array):  # compiled only from here
        return numbers_of(numbers)
    return cython.cast(cython.pointer(cython.double), cython.cast(cython.pointer(numpy_array), numbers).data)


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def wholes_of(numbers: array) -> longs:
    if cython.compiled:
        return numbers.data.as_longlongs
    return numbers


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def shifted(numbers: vector, by: place) -> vector:
    """From the number at this place on."""
    if cython.compiled:
        return numbers + by
    return numbers[by:]


@cython.cfunc
@cython.exceptval(check=False)
def load_values(machine: Machine, slots: vector, start: place) -> cython.void:
    """The numbers that the parameters have now."""
    i: place
    node: borrowed
    for i in range(len(machine.parameters)):
        node = node_at(machine, i)
        slots[start + i] = node.primal


@cython.cfunc
def addresses_of(values: list) -> object:
    """Where these Values are, for loops that count no references; interpreted, a Value itself."""
    if not cython.compiled:
        return values
    found: array = clone(HANDLES, len(values), False)  # compiled only from here
    i: place
    for i in range(len(values)):
        found.data.as_longlongs[i] = cython.cast(cython.longlong, lend(values[i]))
    return found


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def node_at(machine: Machine, i: place) -> borrowed:
    """A parameter."""
    return cython.cast(borrowed, machine.nodes[i]) if cython.compiled else machine.nodes[i]
