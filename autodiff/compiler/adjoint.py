"""Adjoint: the gradients of a program's first output, written after its operations, in the same arrays.

It is the sweep of ``differentiate.recorded_adjoints``, operation by operation and in its order, without a Value for each. What
an operation passes to its operands is asked of its rule once for each kind of operation, and is a template from then on: the
operations that the rule records, and for each operand which of them is its partial.
"""

from __future__ import annotations

from array import array
from typing import Any

from autodiff.compiler.program import Scalars
from autodiff.compiler.recorded import flattened
from autodiff.engine import rules
from autodiff.engine.branches import BRANCHING
from autodiff.engine.differentiate import recorded_edges
from autodiff.engine.recording import tracing
from autodiff.engine.value import Value, total

try:
    import cython
except ImportError:
    from autodiff.engine import _cython as cython

if not cython.compiled:
    from autodiff.compiler.integers import filled, fresh, integers_of, resized, room

MUL = cython.declare(cython.Py_ssize_t, rules.TABLE["mul"].code)
NEG = cython.declare(cython.Py_ssize_t, rules.TABLE["neg"].code)
SUM = cython.declare(cython.Py_ssize_t, rules.TABLE["sum"].code)
DOT = cython.declare(cython.Py_ssize_t, rules.TABLE["dot"].code)
FLAT = frozenset({rules.TABLE[name].code for name in rules.CONSTANT})  # no gradient goes through them
ASKED = frozenset({rules.TABLE[name].code for name in BRANCHING})

# What an operation of a template, or an edge, refers to: a number, and in the last bits of what.
OWN = cython.declare(cython.Py_ssize_t, 0)  # an operation of the template
ARGUMENT = cython.declare(cython.Py_ssize_t, 1)  # an operand of the node
ITSELF = cython.declare(cython.Py_ssize_t, 2)
NUMBER = cython.declare(cython.Py_ssize_t, 3)  # a leaf
BITS = cython.declare(cython.Py_ssize_t, 2)


def with_gradients(program: Scalars, nodes: list, wanted: list) -> Any:
    """The program, which is used up, and behind its outputs the derivatives of the first one by these leaves; none is −0.0.

    ``nodes`` are the Values that its operations were recorded as. None where a condition decides which operands take part: then
    ``recorded_adjoints`` knows under what condition each does.
    """
    root: place = program.outputs[0]
    order: array = turns(program, root)
    n: place = len(order)
    leaves: place = program.n_leaves
    varies: array = varying(program, wanted)
    writer: Writer = Writer(program)
    with tracing() as recorded:
        templates: Templates = Templates(program, nodes, writer, recorded)
        which: array = room(n)
        if not choose(templates, program, order, varies, which, leaves):
            return None
    most: list = [0, 0, 0]  # operations, operands, edges
    for size, count in zip(templates.sizes, counts_of(which, len(templates.made)), strict=True):
        most = [more * count + so_far for more, so_far in zip(size, most, strict=True)]
    first: array = filled(leaves + len(program), -1)
    writer.begin(program, most[0] + most[2] + n + len(wanted), most[1] + 3 * most[2] + len(wanted))
    entries: array = room(2 * most[2] + 4)
    sweep(writer, program, order, which, templates.made, varies, first, entries, root, leaves)
    found: dict = {}
    for leaf in wanted:
        if leaf not in found:
            found[leaf] = writer.gradient(first, entries, -1 - leaf)
    outputs = program.outputs + [found[leaf] for leaf in wanted]
    return writer.finished(program, outputs)


def counts_of(numbers: array, n: int) -> array:
    """How often each number below n is among these."""
    given: integers = integers_of(numbers)
    counted: array = fresh(n)
    counts: integers = integers_of(counted)
    i: place
    for i in range(len(numbers)):
        if given[i] >= 0:
            counts[given[i]] += 1
    return counted


def turns(program: Scalars, root: int) -> array:
    """The operations that ``root`` depends on in the order in which the sweep backward comes to them; see ``value.py``."""
    n: place = len(program)
    flat: array = fresh(len(rules.BY_CODE))
    for code in FLAT:
        flat[code] = 1
    passes: integers = integers_of(flat)  # eagerly they are recorded by nobody: what they compare they do not use
    codes: integers = integers_of(program.codes)
    starts: integers = integers_of(program.starts)
    operands: integers = integers_of(program.operands)
    counts: array = fresh(n)
    waiting: array = room(n + 1)
    found: array = room(n)
    uses: integers = integers_of(counts)
    stack: integers = integers_of(waiting)
    order: integers = integers_of(found)
    top: place = 0
    met: place = 0
    k: place
    node: place
    if root >= 0:
        stack[0] = root
        top = 1
    while top:
        top -= 1
        node = stack[top]
        if passes[codes[node]]:
            continue
        for k in range(starts[node], starts[node + 1]):
            if operands[k] >= 0:
                uses[operands[k]] += 1
                if uses[operands[k]] == 1:
                    stack[top] = operands[k]
                    top += 1
    if root >= 0:
        stack[0] = root
        top = 1
    while top:
        top -= 1
        node = stack[top]
        order[met] = node
        met += 1
        if passes[codes[node]]:
            continue
        for k in range(starts[node], starts[node + 1]):
            if operands[k] >= 0:
                uses[operands[k]] -= 1
                if uses[operands[k]] == 0:
                    stack[top] = operands[k]
                    top += 1
    return resized(found, met)


def varying(program: Scalars, wanted: list) -> array:
    """1 for each leaf, then for each operation, that depends on one of these leaves."""
    leaves: place = program.n_leaves
    n: place = len(program)
    flat: array = fresh(len(rules.BY_CODE))
    for code in FLAT:
        flat[code] = 1
    passes: integers = integers_of(flat)
    found: array = fresh(leaves + n)
    varies: integers = integers_of(found)
    codes: integers = integers_of(program.codes)
    starts: integers = integers_of(program.starts)
    operands: integers = integers_of(program.operands)
    i: place
    k: place
    for leaf in wanted:
        found[-1 - leaf] = 1
    for i in range(n):
        if passes[codes[i]]:
            continue
        for k in range(starts[i], starts[i + 1]):
            if varies[leaves + operands[k] if operands[k] >= 0 else -1 - operands[k]]:
                varies[leaves + i] = 1
                break
    return found


@cython.cfunc
def choose(
    templates: object, program: Scalars, turns: array, varying: array, templates_of: array, leaves: place
) -> cython.bint:
    """The template of each operation that varies, −1 for the others. False where one of them branches."""
    known: array = filled(3 * len(rules.BY_CODE), -1)  # by code, and one or two operands that are no plain numbers
    asked: array = fresh(len(rules.BY_CODE))
    for code in ASKED:
        asked[code] = 1
    branches: integers = integers_of(asked)
    quick: integers = integers_of(known)
    order: integers = integers_of(turns)
    varies: integers = integers_of(varying)
    which: integers = integers_of(templates_of)
    codes: integers = integers_of(program.codes)
    starts: integers = integers_of(program.starts)
    operands: integers = integers_of(program.operands)
    fixed: place = program.n_fixed
    plain: dict = {}  # by code and a plain number on one side
    i: place
    for i in range(len(turns)):
        node: place = order[i]
        if branches[codes[node]]:
            return False
        which[i] = -1
        if not varies[leaves + node]:
            continue
        start: place = starts[node]
        n: place = starts[node + 1] - start
        key: place = 3 * codes[node] + n
        odd: cython.bint = n > 2
        if n == 2:
            odd = operands[start] == operands[start + 1]
        if odd:
            which[i] = templates.number(node)
        elif operands[start] < -fixed or (n == 2 and operands[start + 1] < -fixed):
            # both cannot be plain numbers, or the operation would not vary
            left: cython.bint = operands[start] < -fixed
            mixed: cython.longlong = -operands[start if left else start + 1]
            mixed = mixed << 32 | key << 1 | left
            found: object = plain.get(mixed)
            if found is None:
                found = plain[mixed] = templates.number(node)
            which[i] = found
        else:
            if quick[key] < 0:
                quick[key] = templates.number(node)
            which[i] = quick[key]
    return True


class Templates:
    """What operations pass to their operands, asked of their rules once for each kind of operation."""

    def __init__(self, program: Scalars, nodes: list, writer: Writer, recorded: list):
        self.program = program
        self.nodes = nodes
        self.writer = writer
        self.recorded = recorded
        self.kinds: dict = {}
        self.made: list = []
        self.sizes: list = []  # operations, operands and edges of each

    def number(self, i: int) -> int:
        """The number of the template for operation i."""
        program = self.program
        code: place = program.codes[i]
        start: place = program.starts[i]
        end: place = program.starts[i + 1]
        operands: integers = integers_of(program.operands)
        key: Any = code << 32 | end - start
        k: place
        if end - start > 2:
            given = program.operands[start:end]
            if min(given) < -program.n_fixed or len(set(given)) < len(given):
                places = {x: k for k, x in reversed(list(enumerate(given)))}
                key = (code, tuple([x if x < -program.n_fixed else places[x] for x in given]))
        else:
            fixed: place = program.n_fixed
            plain: cython.bint = False
            for k in range(start, end):
                plain = plain or operands[k] < -fixed
            same: cython.bint = end - start == 2 and operands[start] == operands[start + 1]
            if plain:
                key = (code, *[x if x < -fixed else same for x in program.operands[start:end]])
            elif same:
                key = -key
        found = self.kinds.get(key)
        if found is None:
            found = self.kinds[key] = self.make(i)
        return found

    def make(self, i: int) -> int:
        """A new template, of what the rule records."""
        node, recorded = self.nodes[i], self.recorded
        begin = len(recorded)
        edges = recorded_edges(node, node.operands)  # to the operands themselves, as backward() passes it on
        total([node, *[partial for _, partial in edges]])  # one more operation, whose operands are the partials
        given = node.arguments
        leaves = {x: k << BITS | ARGUMENT for k, x in reversed(list(enumerate(given))) if isinstance(x, Value)}
        targets = [k << BITS | ARGUMENT for k, x in enumerate(given) if isinstance(x, Value)]
        leaves[node] = ITSELF
        codes, starts, operands, numbers, _ = flattened([*leaves], recorded[begin:])
        meanings = [*leaves.values(), *[(-1 - self.writer.constant(number)) << BITS | NUMBER for number in numbers]]
        refs = [x << BITS | OWN if x >= 0 else meanings[-1 - x] for x in operands]
        data = array("i", [len(codes) - 1, len(edges)])
        for t in range(len(codes) - 1):
            data.extend([codes[t], starts[t + 1] - starts[t], *refs[starts[t] : starts[t + 1]]])
        for target, partial in zip(targets, refs[starts[-2] + 1 :], strict=True):
            data.extend([target, partial])
        self.made.append(data)
        self.sizes.append((len(codes) - 1, starts[-2], len(edges)))
        return len(self.made) - 1


@cython.cclass
class Writer:
    """Writes operations behind those of a program."""

    def __init__(self, program: Scalars):
        self.n_fixed = program.n_fixed
        self.constants = list(program.constants)
        self.numbers = {}
        for i, number in enumerate(self.constants):
            self.numbers.setdefault(repr(number), i)

    def begin(self, program: Scalars, more: int, operands: int) -> None:
        """Go on behind the operations of a program, in its own arrays, with room for so many and their operands."""
        self.n = len(program)
        self.at = len(program.operands)
        self.codes = integers_of(resized(program.codes, self.n + more))
        self.starts = integers_of(resized(program.starts, self.n + more + 1))
        self.operands = integers_of(resized(program.operands, self.at + operands))

    def finished(self, program: Scalars, outputs: list) -> Scalars:
        """All that is written."""
        return Scalars(
            resized(program.codes, self.n),
            resized(program.starts, self.n + 1),
            resized(program.operands, self.at),
            program.linears,
            self.constants,
            program.n_parameters,
            outputs,
            program.batched,
            program.names,
        )

    def constant(self, number: float) -> int:
        """The leaf of a plain number; one for each bit pattern."""
        key = repr(number)
        found = self.numbers.get(key)
        if found is None:
            found = self.numbers[key] = len(self.constants)
            self.constants.append(number)
        return -1 - self.n_fixed - found

    def gradient(self, first: array, entries: array, slot: int) -> int:
        """The derivative by a leaf, never −0.0: as backward() adds to 0.0."""
        if first[slot] < 0:
            return self.constant(0.0)
        found: place = added(self, integers_of(first), integers_of(entries), slot)
        if is_plain(self, found):
            return self.constant(number_of(self, found) + 0.0)
        if found >= 0 and self.codes[found] in (SUM, DOT):
            return found
        put(self, found)
        return close(self, SUM)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_plain(writer: Writer, x: place) -> cython.bint:
    """Whether an operand is a plain number."""
    return x < -writer.n_fixed


@cython.cfunc
@cython.inline
def number_of(writer: Writer, x: place) -> cython.double:
    """The plain number that an operand is."""
    return writer.constants[-1 - x - writer.n_fixed]


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def put(writer: Writer, operand: place) -> cython.void:
    """One more operand of the operation that is being written."""
    writer.operands[writer.at] = operand
    writer.at += 1


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def close(writer: Writer, code: place) -> place:
    """The operation is written: its number."""
    writer.codes[writer.n] = code
    writer.n += 1
    writer.starts[writer.n] = writer.at
    return writer.n - 1


@cython.cfunc
def negative(writer: Writer, x: place) -> place:
    """−x."""
    if is_plain(writer, x):
        return writer.constant(-number_of(writer, x))
    put(writer, x)
    return close(writer, NEG)


@cython.cfunc
def multiplied(writer: Writer, upstream: place, partial: place) -> place:
    """upstream · partial; a factor ±1 is no operation."""
    number: cython.double
    if is_plain(writer, partial):
        number = number_of(writer, partial)
        if number == 1.0:
            return upstream
        if number == -1.0:
            return negative(writer, upstream)
        if is_plain(writer, upstream) and abs(number_of(writer, upstream)) != 1.0:
            return writer.constant(number_of(writer, upstream) * number)
    if is_plain(writer, upstream):
        number = number_of(writer, upstream)
        if number == 1.0:
            return partial
        if number == -1.0:
            return negative(writer, partial)
    put(writer, upstream)
    put(writer, partial)
    return close(writer, MUL)


@cython.cfunc
def added(writer: Writer, first: integers, entries: integers, slot: place) -> place:
    """The sum of the contributions to one gradient; a single one is no operation."""
    entry: place = first[slot]
    if entries[2 * entry + 1] < 0:
        return entries[2 * entry]
    while entry >= 0 and is_plain(writer, entries[2 * entry]):
        entry = entries[2 * entry + 1]
    plain: cython.bint = entry < 0
    entry = first[slot]
    if plain:
        total = 0.0
        while entry >= 0:
            total += number_of(writer, entries[2 * entry])
            entry = entries[2 * entry + 1]
        return writer.constant(total)
    while entry >= 0:
        put(writer, entries[2 * entry])
        entry = entries[2 * entry + 1]
    return close(writer, SUM)


@cython.cfunc
def sweep(
    writer: Writer,
    program: Scalars,
    turns: array,
    templates: array,
    made: list,
    varying: array,
    firsts: array,
    contributions: array,
    root: place,
    leaves: place,
) -> object:
    """From ``root`` back: each operation passes on what has been added up for it, once it is its turn.

    Contributions to a gradient are chained: ``entries`` has each with the number of the next, ``first`` and ``last`` the ends.
    """
    starts: integers = integers_of(program.starts)
    operands: integers = integers_of(program.operands)
    order: integers = integers_of(turns)
    which: integers = integers_of(templates)
    varies: integers = integers_of(varying)
    first: integers = integers_of(firsts)
    lasts: array = room(len(firsts))
    last: integers = integers_of(lasts)
    entries: integers = integers_of(contributions)
    n_entries: place = 1
    i: place
    k: place
    slot: place = leaves + root if root >= 0 else -1 - root
    first[slot] = last[slot] = 0
    entries[0] = writer.constant(1.0)
    entries[1] = -1
    for i in range(len(turns)):
        node: place = order[i]
        if which[i] < 0 or first[leaves + node] < 0:
            continue
        upstream: place = added(writer, first, entries, leaves + node)
        data: array = made[which[i]]
        template: integers = integers_of(data)
        begin: place = writer.n
        start: place = starts[node]
        at: place = 2
        for _ in range(template[0]):
            for k in range(at + 2, at + 2 + template[at + 1]):
                put(writer, meant(template[k], begin, node, operands, start))
            close(writer, template[at])
            at += 2 + template[at + 1]
        for _ in range(template[1]):
            target: place = meant(template[at], begin, node, operands, start)
            slot = leaves + target if target >= 0 else -1 - target
            if varies[slot]:
                partial: place = meant(template[at + 1], begin, node, operands, start)
                entries[2 * n_entries] = multiplied(writer, upstream, partial)
                entries[2 * n_entries + 1] = -1
                if first[slot] < 0:
                    first[slot] = n_entries
                else:
                    entries[2 * last[slot] + 1] = n_entries
                last[slot] = n_entries
                n_entries += 1
            at += 2


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def meant(ref: place, begin: place, node: place, operands: integers, start: place) -> place:
    """The operand that a reference of a template stands for."""
    kind: place = ref & 3
    if kind == ARGUMENT:
        return operands[start + (ref >> BITS)]
    if kind == OWN:
        return begin + (ref >> BITS)
    if kind == ITSELF:
        return node
    return -1 - (ref >> BITS)
