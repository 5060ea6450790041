"""Derivatives of functions: gradients, grad, value_and_grad, jacobian, hessian, jvp, hvp. None of them changes any Value.

A function is called once on fresh Values in the place of its arguments; what it records is swept backward or forward. On plain
numbers the sweeps are those of ``value.py``. Where the result is to be differentiated again, the same two loops walk the rules
with Values, so that derivatives of any order are graphs like any other.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar, overload

from autodiff._support.numbers import as_float
from autodiff.engine import rules
from autodiff.engine.branches import BRANCHING, TooMany, Ways
from autodiff.engine.door import depends_on_open_inputs, open_inputs
from autodiff.engine.functions import sum as total
from autodiff.engine.recording import observe_tangents
from autodiff.engine.rules import apply, equal, select
from autodiff.engine.trees import ARRAY, LEAF, Structure, array_of, flatten, is_array, shape_of
from autodiff.engine.value import Value, adjoints, primal_of, tangents, thaw, topological_order, traced
from autodiff.errors import StaleRecording

Function = Callable[..., Any]
Argnums = int | Sequence[int]
T = TypeVar("T")


class Gradient(Protocol):
    """The derivative by the first argument, in its form."""

    @overload
    def __call__(self, x: float, /, *others: Any, **named: Any) -> float: ...
    @overload
    def __call__(self, x: T, /, *others: Any, **named: Any) -> T: ...


class ValueAndGradient(Protocol):
    """The value, and the derivative by the first argument in its form; Values for Values."""

    @overload
    def __call__(self, x: float, /, *others: Any, **named: Any) -> tuple[float, float]: ...
    @overload
    def __call__(self, x: Value, /, *others: Any, **named: Any) -> tuple[Value, Value]: ...
    @overload
    def __call__(self, x: list[Value], /, *others: Any, **named: Any) -> tuple[Value, list[Value]]: ...
    @overload
    def __call__(self, x: T, /, *others: Any, **named: Any) -> tuple[float, T]: ...


# ---- what is public ---------------------------------------------------------------------------------------------------------


# fmt: off
@overload
def gradients(loss: Value, values: Value, create_graph: Literal[False] = ...) -> float: ...
@overload
def gradients(loss: Value, values: Sequence[Value], create_graph: Literal[False] = ...) -> list[float]: ...
@overload
def gradients(loss: Value, values: T, create_graph: Literal[True]) -> T: ...
@overload
def gradients(loss: Value, values: Any, create_graph: bool = ...) -> Any: ...
# fmt: on
def gradients(loss: Value, values: Any, create_graph: bool = False) -> Any:
    """∂loss/∂value for each of ``values``: one Value, or Values in lists, tuples, dicts or arrays; the same form comes back.

    Unlike ``backward()`` it changes no ``grad``. The values may be leaves or operations; one that ``loss`` does not depend on
    has gradient 0. With ``create_graph=True`` the gradients are Values again, recorded through the same rules, and can be
    differentiated in their turn, as often as one likes.

    Raises ``TypeError`` for anything but Values, and ``StaleRecording`` with ``create_graph`` if a ``data`` was written after
    operations had used it: the recording holds the old partials, and new ones cannot agree with them.
    """
    if not isinstance(loss, Value):
        raise TypeError(f"gradients() takes the gradients of a Value, not of {type(loss).__name__}")
    wanted, structure = flatten(values)
    for value, path in zip(wanted, structure.paths("values"), strict=True):
        if not isinstance(value, Value):
            raise TypeError(
                f"gradients() takes gradients with respect to Values; {path} is {type(value).__name__} {value!r:.60}"
            )
    return structure.build(_row(loss, wanted, create_graph or traced()))


@overload
def grad(f: Function, argnums: Literal[0] = ..., *, compile: bool = ...) -> Gradient: ...
@overload
def grad(f: Function, argnums: int, *, compile: bool = ...) -> Function: ...
@overload
def grad(f: Function, argnums: Sequence[int], *, compile: bool = ...) -> Callable[..., tuple[Any, ...]]: ...
def grad(f: Function, argnums: Argnums = 0, *, compile: bool = False) -> Any:
    """The gradient of ``f`` as a function: called as ``f`` is, it gives ∂f/∂argument in the form of that argument.

    Arguments are numbers, lists, tuples, dicts, NumPy arrays of any shape, nested as one likes; an array gives an array of
    float64, or of float32 if it was one, a number a float. ``argnums`` says which positional argument (the first one), or
    which several: then the result is a tuple. Other arguments are passed on as they are. ``f`` returns one number, by itself
    or in an array; one that does not depend on the argument has gradient 0.

    If there are Values among the arguments, the result consists of Values that can be differentiated further. The same holds
    inside another derivative, so ``grad(grad(f))`` is the second derivative. Values that ``f`` merely captures, such as the
    parameters of a network, make no Values: pass a ``Value`` for an argument where a gradient is to be trained on.

    With ``compile=True`` it records ``f`` once for each form of the arguments and replays that, as ``ad.compile`` does.

    Raises ``TypeError`` if ``f`` returns anything but one number, or if an argument is no number.
    """
    check_argnums(argnums, "grad")
    value_and_gradient = value_and_grad(f, argnums, compile=compile)
    return _derived(lambda *args, **kwargs: value_and_gradient(*args, **kwargs)[1], "gradient", f)


# fmt: off
@overload
def value_and_grad(f: Function, argnums: Literal[0] = ..., *, compile: bool = ...) -> ValueAndGradient: ...
@overload
def value_and_grad(f: Function, argnums: int, *, compile: bool = ...) -> Callable[..., tuple[Any, Any]]: ...
@overload
def value_and_grad(f: Function, argnums: Sequence[int], *, compile: bool = ...) -> Callable[..., tuple[Any, Any]]: ...
# fmt: on
def value_and_grad(f: Function, argnums: Argnums = 0, *, compile: bool = False) -> Any:
    """As ``grad``, but the function gives a pair: the value of ``f``, and the gradient.

    This is what ``scipy.optimize.minimize(value_and_grad(f), x0, jac=True)`` takes. With ``compile=True`` it records ``f`` once
    for each form of the arguments and replays that, as ``ad.compile`` does; the gradient is a new array at each call.
    """
    check_argnums(argnums, "value_and_grad")
    if compile:
        from autodiff.compiler import compile as compiled_form

        compiled: Function = compiled_form(f, argnums=argnums).value_and_grad
        return compiled

    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        recording = _record(f, args, kwargs, argnums, "grad()")
        output = recording.only_output()
        gradient = recording.structure.build(_row(output, recording.inputs, recording.of_values))
        return output if recording.of_values else primal_of(output), gradient

    return _derived(value_and_gradient, "value and gradient", f)


def jacobian(f: Function, argnums: Argnums = 0, *, compile: bool = False, sparse: bool = False) -> Function:
    """The Jacobian of ``f`` as a function: every ∂output/∂input, in the form of the output, each part in the form of the input.

    For an array of shape S that depends on an array of shape T it is one array of shape S + T; for a list of m numbers of a
    list of n numbers, m lists of n. Reverse mode, one sweep for each output; forward mode, one for each input, if there are
    fewer of those. Arguments, results and errors as in ``grad``, except that ``f`` may return any nested form of numbers.

    With ``sparse=True`` it is a ``scipy.sparse.csr_array`` with a row for each number of the output and a column for each
    number of the input, in their order. Its entries are those that the recording says can be other than zero, and no others
    are computed: a row costs what its output depends on. Raises ``ImportError`` without SciPy, ``TypeError`` for Values.

    With ``compile=True`` the Jacobian is recorded once for each form of the arguments and replayed, as ``ad.compile`` does.
    """
    if sparse:
        return _derived(_sparse(f, argnums, compile), "sparse Jacobian", f)

    def matrix(*args: Any, **kwargs: Any) -> Any:
        recording = _record(f, args, kwargs, argnums, "jacobian()")
        return _in_blocks(recording.rows(), recording.output_structure, recording.structure)

    return _replayed(_derived(matrix, "Jacobian", f), compile)


def hessian(f: Function, argnums: Argnums = 0, *, compile: bool = False, sparse: bool = False) -> Function:
    """The matrix of second derivatives of ``f`` as a function: the Jacobian of its gradient, with the form that has.

    For an array of shape S an array of shape S + S, for a list of n numbers n lists of n, for one number a float.
    ``compile`` and ``sparse`` as in ``jacobian``.
    """
    return _derived(jacobian(grad(f, argnums), argnums, compile=compile, sparse=sparse), "Hessian", f)


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any], *, compile: bool = False) -> tuple[Any, Any]:
    """The value of ``f`` at ``primals`` and its derivative along ``tangents``, in one sweep forward over the recording.

    ``primals`` are the arguments of ``f``, a list or tuple, and ``tangents`` has the same form. The pair that comes back has
    the form of the result of ``f``. A tangent that is exactly 0 means that its input does not vary.

    With ``compile=True`` both are replayed from the last recording of the same ``f`` with arguments of this form; a tangent is
    data there, and varies whatever it is.

    Raises ``ShapeError`` where the tangents do not have the form of the primals, and ``TypeError`` as in ``grad``.
    """
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, (list, tuple)):
            raise TypeError(f"jvp() takes its {name} as a list or tuple, one for each argument, not {type(given).__name__}")
    if compile:
        value, along = _forward(f)(tuple(primals), tuple(tangents))
        return value, along
    recording = _record(f, tuple(primals), {}, range(len(primals)), "jvp()")
    seeds = recording.structure.fit(tuple(tangents), "tangents")
    of_values = recording.of_values or holds_value(seeds)
    column = _column(recording, [_real_or_value(seed, "jvp()") for seed in seeds], of_values)
    build = recording.output_structure.build
    return build(_results(recording.outputs, of_values)), build(column)


def hvp(f: Function, x: Any, v: Any, *, compile: bool = False) -> Any:
    """The Hessian of ``f`` at ``x`` times ``v``: the gradient's derivative along ``v``, forward over reverse.

    ``v`` and the result have the form of ``x``. It costs one recorded gradient and one sweep forward, however many
    numbers there are: the Hessian itself is not computed. ``compile`` as in ``jvp``.
    """
    if compile:
        return _along_gradient(f)(x, v)
    return jvp(grad(f), (x,), (v,))[1]


# ---- replayed, and sparse ---------------------------------------------------------------------------------------------------

KEPT = 64  # functions whose compiled jvp and hvp are kept


def _replayed(function: Function, compile: bool) -> Function:
    """The function, or the same compiled."""
    if not compile:
        return function
    from autodiff.compiler import compile as compiled_form

    compiled: Function = compiled_form(function)
    return compiled


@functools.lru_cache(maxsize=KEPT)
def _forward(f: Function) -> Function:
    return _replayed(_derived(lambda primals, tangents: jvp(f, primals, tangents), "derivative along a direction", f), True)


@functools.lru_cache(maxsize=KEPT)
def _along_gradient(f: Function) -> Function:
    return _replayed(_derived(lambda x, v: hvp(f, x, v), "Hessian times a vector", f), True)


def _sparse(f: Function, argnums: Argnums, compile: bool) -> Function:
    """The Jacobian as a ``scipy.sparse.csr_array``."""
    try:
        from scipy.sparse import csr_array
    except ImportError:
        raise ImportError("sparse=True needs SciPy: pip install scipy") from None

    def entries(*args: Any, **kwargs: Any) -> dict[Any, Any]:
        """How many rows and columns, and where each entry is, as keys; the entries."""
        recording = _record(f, args, kwargs, argnums, "jacobian()")
        rows = _sparse_rows(recording)
        places = tuple([(i, j) for i, row in enumerate(rows) for j in sorted(row)])
        return {(len(rows), len(recording.inputs), places): [rows[i][j] for i, j in places]}

    def assembled(shape: Any, numbers: Any) -> Any:
        n_rows, n_columns, places = shape
        starts = [0] * (n_rows + 1)
        for i, _ in places:
            starts[i + 1] += 1
        return csr_array((numbers, [j for _, j in places], list(itertools.accumulate(starts))), shape=(n_rows, n_columns))

    if not compile:

        def matrix(*args: Any, **kwargs: Any) -> Any:
            ((shape, numbers),) = entries(*args, **kwargs).items()
            if any(isinstance(number, Value) for number in numbers):
                raise TypeError("sparse=True gives numbers, which cannot be differentiated: take the dense jacobian() there")
            return assembled(shape, array_of(numbers, (len(numbers),)))

        return matrix
    compiled: Any = _replayed(_derived(entries, "entries of the Jacobian", f), True)
    templates: dict[Any, Any] = {}

    def replayed(*args: Any, **kwargs: Any) -> Any:
        if traced() or holds_value((args, kwargs)):
            raise TypeError("sparse=True gives numbers, which cannot be differentiated: take the dense jacobian() there")
        numbers, structure = compiled.flat(*args, **kwargs)
        template = templates.get(id(structure))
        if template is None or template[0] is not structure:
            template = structure, assembled(structure.keys[0], numbers)
            templates[id(structure)] = template
        made = template[1].copy()
        made.data = numbers
        return made

    return replayed


def _sparse_rows(recording: _Recording) -> list[dict[int, Any]]:
    """For each output the entries of its row that can be other than 0, by column."""
    columns = {x: j for j, x in enumerate(recording.inputs)}
    rows: list[dict[int, Any]] = []
    for output in recording.outputs:
        met = [x for x in topological_order(output) if x in columns] if isinstance(output, Value) else []
        if recording.of_values:
            partials = recorded_adjoints(output, met) if met else []
        else:
            partials = adjoints(output, met) if met else []
        # a plain number is the 0.0 of what the output does not depend on
        kept = zip(met, partials, strict=True)
        rows.append({columns[x]: p for x, p in kept if not recording.of_values or isinstance(p, Value) or p != 0.0})
    return rows


# ---- calling the function ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Recording:
    """What a function did to fresh inputs. ``of_values``: its derivatives are to be Values, not floats."""

    inputs: list[Value]
    structure: Structure
    outputs: list[Any]
    output_structure: Structure
    of_values: bool
    what: str

    def only_output(self) -> Any:
        """The one number that a function with a gradient returns. Raises ``TypeError``."""
        shape = shape_of(self.output_structure)
        if shape == () or (self.output_structure.kind == ARRAY and len(self.outputs) == 1):
            return self.outputs[0]
        found = self.output_structure.described()
        remedy = "; for more than one, take jacobian()" if self.outputs else ""
        raise TypeError(f"{self.what} must return one number, not {found}{remedy}")

    def rows(self) -> list[list[Any]]:
        """∂output/∂input, a row for each output."""
        if len(self.outputs) <= len(self.inputs):
            return [_row(output, self.inputs, self.of_values) for output in self.outputs]
        n = len(self.inputs)
        columns = [_column(self, [float(i == j) for i in range(n)], self.of_values) for j in range(n)]
        return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in self.outputs]


def _record(f: Function, args: tuple[Any, ...], kwargs: dict[str, Any], argnums: Argnums, taker: str) -> _Recording:
    """Call ``f`` with fresh Values in the place of the numbers of the arguments that ``argnums`` names."""
    name = getattr(f, "__name__", type(f).__name__)
    places = places_of(argnums, len(args), taker, name)
    chosen = args[places] if isinstance(places, int) else tuple([args[place] for place in places])
    leaves, structure = flatten(chosen)
    inputs = _fresh(leaves, structure, taker, name, places)
    fresh = structure.build(inputs)
    replaced = list(args)
    for place, argument in [(places, fresh)] if isinstance(places, int) else zip(places, fresh, strict=True):
        replaced[place] = argument
    open_inputs.update(inputs)
    try:
        result = f(*replaced, **kwargs)
    finally:
        open_inputs.difference_update(inputs)
    outputs, output_structure = flatten(result)
    what = f"{taker}: {name}"
    for output, path in zip(outputs, output_structure.paths("result"), strict=True):
        _real_or_value(output, f"{what} must return numbers; {path}", "is")
    of_values = traced() or holds_value((args, kwargs)) or (bool(open_inputs) and depends_on_open_inputs(outputs))
    return _Recording(inputs, structure, outputs, output_structure, of_values, what)


def check_argnums(argnums: Any, taker: str) -> None:
    """Raise ``TypeError`` for what cannot be ``argnums``, such as the point at which somebody wants the derivative."""
    if not isinstance(argnums, int) and (
        not isinstance(argnums, (list, tuple)) or not all(isinstance(number, int) for number in argnums)
    ):
        raise TypeError(
            f"{taker}(): argnums is a whole number, or several of them, not {argnums!r:.60}. {taker}(f) is a function of its "
            f"own: {taker}(f)(x) is the derivative at x"
        )


def places_of(argnums: Argnums, count: int, taker: str, name: str) -> int | tuple[int, ...]:
    """``argnums`` as places from the front. Raises ``TypeError`` and ``ValueError``."""
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for number in numbers:
        if not isinstance(number, int) or isinstance(number, bool):
            raise TypeError(f"argnums is a whole number, or several of them, not {argnums!r}")
        if not -count <= number < count:
            raise TypeError(
                f"{taker}: argnums names argument {number}, and {name} was called with {count} positional arguments"
            )
    places = tuple([number % count for number in numbers])
    if len(set(places)) < len(places):
        raise ValueError(f"argnums names an argument twice: {argnums!r}")
    return places[0] if isinstance(argnums, int) else places


def _fresh(leaves: list[Any], structure: Structure, taker: str, name: str, places: int | tuple[int, ...]) -> list[Value]:
    """A new Value for each leaf. One for a Value passes that Value on, so that the result depends on it too."""
    inputs: list[Value] = []
    for number, leaf in enumerate(leaves):
        if isinstance(leaf, Value):
            inputs.append(rules._where(leaf))
            continue
        try:
            inputs.append(Value(as_float(leaf, "it")))
        except TypeError as error:
            arguments = [places] if isinstance(places, int) else places
            forms = [structure] if isinstance(places, int) else structure.children
            paths = [path for i, form in zip(arguments, forms, strict=True) for path in form.paths(f"args[{i}]")]
            raise TypeError(f"{taker}: {name} cannot be differentiated by {paths[number]}: {error}") from None
    return inputs


def _real_or_value(x: Any, taker: str, verb: str = "takes a real number, not") -> Any:
    """x as a float or a Value."""
    if isinstance(x, Value):
        return x
    try:
        return as_float(x, taker)
    except TypeError:
        raise TypeError(f"{taker} {verb} {type(x).__name__} {x!r:.60}") from None


def holds_value(tree: Any) -> bool:
    """Whether there is a Value anywhere in a nested argument, however deep; it may hold itself."""
    waiting = [tree]
    seen: set[int] = set()
    while waiting:
        thing = waiting.pop()
        if type(thing) is float:
            continue
        if isinstance(thing, Value):
            return True
        if isinstance(thing, (dict, list, tuple)):
            if id(thing) not in seen:
                seen.add(id(thing))
                waiting += thing.values() if isinstance(thing, dict) else thing
        elif is_array(thing) and thing.dtype == object and id(thing) not in seen:
            seen.add(id(thing))
            waiting += thing.ravel().tolist()
    return False


def _derived(function: Function, what: str, f: Function) -> Function:
    """``function`` under the name of ``f``."""
    functools.update_wrapper(function, f)
    function.__doc__ = f"The {what} of {getattr(f, '__name__', repr(f))}. {getattr(f, '__doc__', None) or ''}".rstrip()
    return function


# ---- sweeps -----------------------------------------------------------------------------------------------------------------


def _row(output: Any, inputs: list[Value], of_values: bool) -> list[Any]:
    """∂output/∂input for each input, by one sweep backward."""
    if not isinstance(output, Value):
        return _results([0.0] * len(inputs), of_values)
    return _results(recorded_adjoints(output, inputs), True) if of_values else adjoints(output, inputs)


def _column(recording: _Recording, seeds: list[Any], of_values: bool) -> list[Any]:
    """Σ ∂output/∂input · seed for each output, by one sweep forward."""
    order = _order_below(recording.outputs)
    if of_values:
        along: dict[Value, Any] = _recorded_tangents(order, dict(zip(recording.inputs, seeds, strict=True)))
    else:
        found = tangents(order, recording.inputs, seeds)
        observe_tangents(order, found)
        along = dict(zip(order, found, strict=True))
    return _results([along.get(output, 0.0) if isinstance(output, Value) else 0.0 for output in recording.outputs], of_values)


def _results(numbers: Iterable[Any], of_values: bool) -> list[Any]:
    """All of them as Values, or all as floats."""
    if of_values:
        return [number if isinstance(number, Value) else Value(number) for number in numbers]
    return [primal_of(number) for number in numbers]


def _order_below(outputs: Iterable[Any]) -> list[Value]:
    """The topological order of everything that the Values among ``outputs`` depend on."""
    roots = [output for output in outputs if isinstance(output, Value)]
    # their sum, made without being recorded, is above them all
    return topological_order(thaw(Value, "sum", 0.0, 0.0, False, None, roots, [1.0] * len(roots), None))[:-1]


def recorded_adjoints(root: Value, values: list[Value], ends: Collection[Value] = (), exact: bool = False) -> list[Any]:
    """As ``adjoints`` of value.py, with the partials as Values: the sweep backward is recorded itself.

    Only what lies between ``root`` and the values is walked, and nothing below ``ends``. What they do not reach has derivative
    0.0, a plain number. Where a trace branches, ``exact`` has contributions added in the order of ``backward()`` whichever way
    is taken, which costs operations; it is left out where that would be too many.
    """
    order = topological_order(root)
    varying = _varying(order, values)
    branching = any(node.op in BRANCHING for node in order)
    if branching and exact:
        nodes = [node for node in reversed(order) if node in varying]
        try:
            ways = Ways(root, lambda node: None if (distance := _distance(node, values)) is None else distance.operands)
            return _adjoints_in_each_way(ways, dict(zip(nodes, ways.orders(nodes), strict=True)), values, ends)
        except TooMany:
            pass
    found: dict[Value, Any] = {}
    contributions: dict[Value, list[Any]] = {root: [1.0]}
    conditions: dict[Value, list[Any]] = {root: [1.0]}
    for node in reversed(order):
        if node not in varying or node not in contributions:
            continue
        upstream = found[node] = _added(contributions.pop(node))
        if not node.op or node in ends:
            continue
        if branching:
            for operand, contribution, condition in _passed_under(_either(conditions.pop(node)), node, upstream, values):
                if operand in varying:
                    conditions.setdefault(operand, []).append(condition)
                    contributions.setdefault(operand, []).append(contribution)
            continue
        for operand, partial in recorded_edges(node, values):
            if operand in varying:
                contribution = _product(upstream, partial)
                if operand in contributions:
                    contributions[operand].append(contribution)
                else:
                    contributions[operand] = [contribution]
    return [found.get(value, 0.0) for value in values]


def _adjoints_in_each_way(ways: Ways, orders: dict[Value, Any], values: list[Value], ends: Collection[Value]) -> list[Any]:
    """The same where there are branches, added up in the order in which ``backward()`` would, whichever way is taken.

    In ways in which a Value takes no part its gradient is anything: nobody asks for it, and a nan stays where it is.
    """
    found: dict[Value, Any] = {}
    passing: dict[int, tuple[Any, list[Any]]] = {}  # by the id of each operation: what has been added up for it, its partials
    products: dict[Any, Any] = {(id(ways.root), -1): 1.0}
    wanted = set(values)
    for node, order in orders.items():
        among = ways.all if node in wanted else ways.where(node)
        terms = []
        for edge, some in order:
            source, k = edge
            if edge not in products:
                if source not in passing:
                    continue
                upstream, partials = passing[source]
                products[edge] = _product(upstream, partials[k])
            terms.append(ways.selected(products[edge], some, among))
        if terms:
            found[node] = _added(terms)
            if node.op and node not in ends:
                edges = [(node, 1.0)] if node.op == "select" else recorded_edges(node, values)
                passing[id(node)] = found[node], [partial for _, partial in edges]
    return [found.get(value, 0.0) for value in values]


# Otherwise gradients are added up in the order of the trace, in which every operand is used: equal to rounding. Eagerly no
# gradient comes to the operand that is not taken, not even 0 · inf = nan. So each Value has a condition under which it takes
# part in the result at all, 1.0 for always; what it passes on is selected under that condition.


def _either(conditions: list[Any]) -> Any:
    """1.0 where one of the conditions holds; the number itself where one always does, or one and its opposite are there."""
    sides: set[Any] = set()
    for condition in conditions:
        if not isinstance(condition, Value):
            return 1.0
        if condition.op == "select":
            choice: Any = condition.arguments[0]
            under = [x for x in condition.arguments[1:] if not isinstance(x, Value)]
            if sorted(under) == [0.0, 1.0]:
                operands = choice.arguments if choice.op in rules.CONSTANT else (choice,)
                asked = (choice.op, *[id(x) if isinstance(x, Value) else repr(x) for x in operands])
                sides.add((asked, under[0]))
                if (asked, 1.0 - under[0]) in sides:
                    return 1.0
    return conditions[0] if len(conditions) == 1 else apply(rules.TABLE["max"], tuple(conditions))


def _passed_under(condition: Any, node: Value, upstream: Any, values: list[Value]) -> list[tuple[Value, Any, Any]]:
    """Each Value that a node depends on, what the node passes to it, and the condition under which it does.

    What decides takes no part in the result.
    """
    if node.op in BRANCHING:
        decides, *others = node.arguments
        if node.op == "select":
            under = [select(decides, condition, 0.0), select(decides, 0.0, condition)]
        else:
            under = [select(equal(decides, float(i)), condition, 0.0) for i in range(len(others))]
        return [(x, select(c, upstream, 0.0), c) for x, c in zip(others, under, strict=True) if isinstance(x, Value)]
    products = [(x, _product(upstream, partial)) for x, partial in recorded_edges(node, values)]
    if not isinstance(condition, Value):
        return [(x, product, 1.0) for x, product in products]
    return [(x, select(condition, product, 0.0), condition) for x, product in products]


def _recorded_tangents(order: list[Value], seeds: dict[Value, Any]) -> dict[Value, Any]:
    """As ``tangents`` of value.py, with the partials as Values: the tangent of each Value that varies."""
    along = {value: seed for value, seed in seeds.items() if isinstance(seed, Value) or seed != 0.0}
    for node in order:
        if node in seeds or node.op in rules.CONSTANT or along.keys().isdisjoint(node.operands):
            continue
        if node.op in BRANCHING:
            decides, *others = node.arguments
            along[node] = apply(
                rules.TABLE[node.op], (decides, *[along.get(x, 0.0) if isinstance(x, Value) else 0.0 for x in others])
            )
            continue
        products = [_product(along[operand], partial) for operand, partial in recorded_edges(node, seeds) if operand in along]
        along[node] = _added(products) if products else 0.0
    return along


def _varying(order: list[Value], values: Iterable[Value]) -> set[Value]:
    """The Values of a topological order that depend on one of ``values``, these included."""
    varying = set(values)
    for node in order:
        if not varying.isdisjoint(node.operands) and node.op not in rules.CONSTANT:
            varying.add(node)
    return varying


def recorded_edges(node: Value, values: Collection[Value]) -> list[tuple[Value, Any]]:
    """What a node depends on, with the partials as Values.

    A power k ≥ 2 of a distance, ‖x‖ᵏ or |x|ᵏ, is smooth where the distance is not: its edges lead past it, with the partials
    k · ‖x‖ᵏ⁻² · xᵢ. Otherwise a second derivative at 0 would be 0 · inf, and that of ‖x‖² is 2.
    """
    root = _distance(node, values)
    if root is None:
        return list(zip(node.operands, _recorded_partials(node), strict=True))
    _, power = _as_power(node)
    factor = power if power == 2 else power * root ** (power - 2)
    return [(x, factor * x) for x in root.operands]


def _distance(node: Value, values: Collection[Value]) -> Value | None:
    """The distance past which the edges of a power of it lead; None for any other operation."""
    root, power = _as_power(node)
    if root is None or root.op not in ("norm", "hypot", "abs") or not power >= 2 or any(root is value for value in values):
        return None
    return root


def _as_power(node: Value) -> tuple[Value | None, float]:
    """The Value that a node is a power of, and the exponent, a plain number; None for anything else."""
    if node.op not in ("pow", "mul"):
        return None, 0.0
    left, right = node.arguments
    if node.op == "mul":
        return (left, 2.0) if isinstance(left, Value) and isinstance(right, Value) and _alike(left, right) else (None, 0.0)
    return (left, right) if isinstance(left, Value) and not isinstance(right, Value) else (None, 0.0)


def _alike(x: Value, y: Value) -> bool:
    """Whether they are the same Value, or the same operation on the same Values."""
    if x is y or not x.op or x.op != y.op:
        return x is y
    return len(x.arguments) == len(y.arguments) and all(a is b for a, b in zip(x.arguments, y.arguments, strict=True))


def _recorded_partials(node: Value) -> list[Any]:
    """The local derivatives ∂node/∂operand, as ``node.partials``, but as Values that can be differentiated."""
    rule, arguments = rules.TABLE[node.op], node.arguments
    try:
        partials = list(rule.derivatives(*arguments, node))
    except (ZeroDivisionError, OverflowError):  # of plain numbers among themselves
        constants = [x if isinstance(x, Value) else Value(x) for x in arguments]
        partials = list(rule.derivatives(*constants, node))
    operands = node.operands
    if len(operands) == len(arguments):
        recorded = partials
    else:
        recorded = [partial for argument, partial in zip(arguments, partials, strict=True) if isinstance(argument, Value)]
    if traced():
        return recorded
    for operand, new, old in zip(operands, map(primal_of, recorded), node.partials, strict=True):
        if not (new == old or (new != new and old != old) or math.isclose(new, old, rel_tol=1e-9)):
            raise StaleRecording(
                f"∂{node.op}/∂({operand!r}) was {old} when it was recorded and would be {new} now: some data was written in "
                "between; compute the loss again before taking gradients that can be differentiated"
            )
    return recorded


def _product(upstream: Any, partial: Any) -> Any:
    """upstream · partial; a factor ±1 is no operation."""
    if not isinstance(partial, Value):
        if partial == 1.0:
            return upstream
        if partial == -1.0:
            return -upstream
    if not isinstance(upstream, Value):
        if upstream == 1.0:
            return partial
        if upstream == -1.0:
            return -partial
    return upstream * partial


def _added(contributions: list[Any]) -> Any:
    """The sum of the contributions to one gradient; a single one is no operation."""
    return contributions[0] if len(contributions) == 1 else total(contributions)


# ---- forms ------------------------------------------------------------------------------------------------------------------


def _in_blocks(rows: list[list[Any]], outputs: Structure, inputs: Structure) -> Any:
    """A matrix as nested forms: in the place of each output's number or array, the inputs' form of blocks."""
    parts = []
    top = 0
    for output in outputs.blocks():
        blocks, left = [], 0
        for block in inputs.blocks():
            entries = [entry for row in rows[top : top + output.size] for entry in row[left : left + block.size]]
            scalar = output.kind == block.kind == LEAF
            blocks.append(entries[0] if scalar else array_of(entries, output.keys + block.keys))
            left += block.size
        parts.append(inputs.build_blocks(blocks))
        top += output.size
    return outputs.build_blocks(parts)
