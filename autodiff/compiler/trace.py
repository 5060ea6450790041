"""Trace: a function called once on fresh Values, and what it recorded as a program of scalar operations."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from autodiff._support.frames import place_of
from autodiff._support.numbers import as_float
from autodiff.compiler.adjoint import with_gradients
from autodiff.compiler.program import Scalars
from autodiff.compiler.recorded import captured, flattened
from autodiff.compiler.simplify import drop
from autodiff.engine.differentiate import recorded_adjoints
from autodiff.engine.functions import sum as total
from autodiff.engine.recording import tracing
from autodiff.engine.trees import Structure, flatten, shape_of
from autodiff.engine.value import Value
from autodiff.errors import TraceError
from autodiff.graph.names import Names


@dataclass(frozen=True, slots=True)
class Trace:
    """What a function did: its inputs, the operations in the order of their making, what it returned.

    ``parameters`` are the Values that it used and did not make, in the order of their first use.
    """

    name: str
    inputs: list[Value]
    nodes: list[Value]
    parameters: list[Value]
    outputs: list[Any]
    structure: Structure


def trace(fn: Callable[..., Any], name: str, numbers: list[float], call: Callable[[list[Any]], tuple[Any, ...]]) -> Trace:
    """Call ``fn`` on Values. ``call`` puts these in the places of the numbers among its arguments.

    Raises ``TraceError`` where the function branches on a Value, ``TypeError`` if it returns anything but numbers.
    """
    inputs = [Value(number) for number in numbers]
    with tracing() as nodes:
        args, kwargs = call(inputs)
        try:
            result = fn(*args, **kwargs)
        except (TypeError, IndexError) as error:
            remedy = _as_index(error)
            if remedy is None:
                raise
            raise remedy from error
    outputs, structure = flatten(result)
    for i, (output, path) in enumerate(zip(outputs, structure.paths("result"), strict=True)):
        if not isinstance(output, Value):
            try:
                outputs[i] = as_float(output, path)
            except TypeError as error:
                raise TypeError(f"compile(): {name} must return numbers; {error}") from None
    return Trace(name, inputs, nodes, captured(inputs, nodes, outputs), outputs, structure)


def _as_index(error: Exception) -> TraceError | None:
    """The error of a Value that was used as an index, with the remedy; None for any other error."""
    if not re.search(r"only integers|(indices must be integers|interpreted as an integer).*Value|Value.*integer", str(error)):
        return None
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "" if place is None else f", at {place_of(place.tb_frame.f_code.co_filename, place.tb_lineno)}"
    return TraceError(
        f"a Value was used as an index{where}: {error}. In a function that is compiled an index that is data needs "
        "ad.take(table, index); one that is no data can be an argument named in static="
    )


def only_output(traced: Trace, taker: str) -> Any:
    """The one number that a function with a gradient returns. Raises ``TypeError``."""
    if shape_of(traced.structure) == ():
        return traced.outputs[0]
    raise TypeError(f"{taker}: {traced.name} must return one number, not {traced.structure.described()}")


def program_of(traced: Trace, wanted: list[Value] | None, batched: tuple[bool, ...], taker: str = "") -> Scalars:
    """The scalar program for the outputs, followed by the gradients for ``wanted`` if there are any."""
    outputs = list(traced.outputs)
    if wanted is None:
        return drop(_scalars(traced, traced.nodes, outputs, batched))
    root = only_output(traced, taker)
    if not isinstance(root, Value):
        return _scalars(traced, [], outputs + [0.0] * len(wanted), batched)
    program = _scalars(traced, traced.nodes, outputs, batched)
    numbers = {x: -1 - i for i, x in enumerate([*traced.inputs, *traced.parameters])}
    found = with_gradients(program, traced.nodes, [numbers[x] for x in wanted])
    if found is not None:
        return drop(found)
    with tracing() as adjoint:
        exact = taker != "backward()"  # there sums over samples are grouped as is quick, and so are these
        gradients = recorded_adjoints(root, wanted, frozenset(traced.parameters), exact)
        # as backward() adds to 0.0, no gradient is ever −0.0
        outputs += [_never_minus_zero(x) for x in gradients]
    return drop(_scalars(traced, traced.nodes + adjoint, outputs, batched))


def _never_minus_zero(gradient: Any) -> Any:
    if not isinstance(gradient, Value):
        return gradient + 0.0
    return gradient if gradient.op in ("sum", "dot") else total([gradient])


def _scalars(traced: Trace, nodes: list[Value], outputs: list[Any], batched: tuple[bool, ...]) -> Scalars:
    """The operations, and plain numbers among the outputs as constants."""
    leaves = [*traced.inputs, *traced.parameters]
    codes, starts, operands, constants, noted = flattened(leaves, nodes)
    wanted = {x for x in outputs if isinstance(x, Value)}
    places = {x: -1 - i for i, x in enumerate(leaves)}
    wanted -= places.keys()
    for i in range(len(nodes) - 1, -1, -1):
        if not wanted:
            break
        if nodes[i] in wanted:
            places[nodes[i]] = i
            wanted.remove(nodes[i])
    results = []
    for x in outputs:
        if not isinstance(x, Value):
            constants.append(float(x))
        results.append(places[x] if isinstance(x, Value) else -len(leaves) - len(constants))
    called = [*((x, -1 - i) for i, x in enumerate(leaves)), *((nodes[i], i) for i in noted)]
    found = Names([x for x, _ in called])
    names = {place: name for x, place in called if (name := found.of(x))}
    return Scalars(codes, starts, operands, [], constants, len(traced.parameters), results, batched, names)
