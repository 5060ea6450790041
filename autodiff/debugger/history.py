"""The history of a loss: its small events, forward and backward, in the engine's own order, and what is known between them.

Forward, a Value gets its number; backward, one use of an operand adds upstream · local to that operand's gradient. The events
are kept as flat arrays of numbers and become objects when they are asked for. The gradient of a Value at any moment is what
the last event before that moment left there, so every moment is as cheap as every other and nothing is ever copied or undone.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, overload

from autodiff._support.tables import table
from autodiff.engine.value import Value
from autodiff.errors import GraphTooLarge
from autodiff.graph.scopes import scope_holds, scopes_of, within
from autodiff.graph.walk import Walk

MOST_ROWS = 8  # of each pass in a notebook's table
MOST_VALUES = 5_000_000  # some 60 bytes of history each

Phase = Literal["forward", "backward"]


@dataclass(frozen=True, slots=True)
class Forward:
    """A Value gets its number: a leaf from the user, an operation from its operands."""

    phase: ClassVar[Literal["forward"]] = "forward"
    node: Value
    data: float

    @property
    def changed(self) -> Value:
        """The Value that the event tells something about."""
        return self.node

    @property
    def source(self) -> Any:
        """Where ``node`` was made; None unless that was recorded."""
        return self.node.source


@dataclass(frozen=True, slots=True)
class Backward:
    """One edge: ``node`` adds ``upstream`` · ``local`` to the gradient of an operand, which was ``before`` and is ``after``.

    ``upstream`` is the gradient of ``node``, ``local`` ∂node/∂operand; ``place`` is where the operand is in ``node.operands``.
    """

    phase: ClassVar[Literal["backward"]] = "backward"
    node: Value
    operand: Value
    place: int
    upstream: float
    local: float
    contribution: float
    before: float
    after: float

    @property
    def changed(self) -> Value:
        """The Value that the event tells something about."""
        return self.operand

    @property
    def source(self) -> Any:
        """Where ``node`` was made; None unless that was recorded."""
        return self.node.source


Event = Forward | Backward


class History(Sequence[Event]):
    """The events of one forward and one backward pass; position i is the moment when i of them have happened (0 … ``len``).

    ``steps(loss)`` makes one. Gradients are those of this pass alone: they begin at ``seed`` for the loss and at 0 for all
    else, whatever the Values hold, and end as ``backward()`` would compute them, to the last bit. Numbers are those of the
    moment when the history was made; no Value is changed, then or later.

    ``nodes`` are the Values in forward order, ``forward`` is how many forward events there are: the position at which the
    backward pass begins. ``full`` is the walk over all of the graph, ``walk`` that over ``nodes``, and ``origin`` their places
    in the former.
    """

    def __init__(self, loss: Value, seed: float = 1.0, scope: str | None = None):
        if not isinstance(loss, Value):
            raise TypeError(f"a history is that of a Value, not of {type(loss).__name__}")
        self.loss, self.seed, self.scope = loss, float(seed), scope
        self.earlier: Mapping[Any, float] | None = None  # what the leaves held in the pass before, by name, if that is known
        self.full = self.walk = Walk(loss)
        self.origin: Sequence[int] = range(len(self.full.nodes))
        if scope is not None:
            self.walk, self.origin = within(self.full, self.full_scopes, scope)
        self.nodes = self.walk.nodes
        self.refuse_too_large(MOST_VALUES, "can be stepped through")
        self.forward = len(self.nodes)
        self._data = array("d", [node.data for node in self.nodes])
        self._sweep()
        self._index()

    def _sweep(self) -> None:
        """The chain rule as ``backward()`` applies it, over plain numbers; what the events need is written down."""
        self._results, self._operands = array("i"), array("i")
        self._locals, self._befores, self._afters = array("d"), array("d"), array("d")
        self._upstreams = array("d", bytes(8 * len(self.nodes)))
        operands, partials = self.full.operands, self.full.partials
        here = array("i", [-1]) * len(self.full.nodes)
        for place, whence in enumerate(self.origin):
            here[whence] = place
        gradients = [0.0] * len(here)
        gradients[-1] = self.seed
        for place in range(len(here) - 1, -1, -1):
            upstream, shown = gradients[place], here[place]
            if shown >= 0:
                self._upstreams[shown] = upstream
            acts = shown >= 0 and self.made_here(shown)
            for edge in self.full.edges(place):
                at, local = operands[edge], partials[edge]
                before = gradients[at]
                gradients[at] = after = before + upstream * local
                if acts:
                    self._results.append(shown)
                    self._operands.append(here[at])
                    self._locals.append(local)
                    self._befores.append(before)
                    self._afters.append(after)

    def _index(self) -> None:
        """For each Value the backward events that add to its gradient, in order; and the first one that it acts in."""
        starts = array("i", bytes(4 * (len(self.nodes) + 1)))
        for operand in self._operands:
            starts[operand + 1] += 1
        for place in range(len(self.nodes)):
            starts[place + 1] += starts[place]
        self._starts, fill = starts, starts[:]
        self._touches = array("i", bytes(4 * len(self._operands)))
        self._acts = array("i", [-1]) * len(self.nodes)
        for edge, operand in enumerate(self._operands):
            self._touches[fill[operand]] = edge
            fill[operand] += 1
            if self._acts[self._results[edge]] < 0:
                self._acts[self._results[edge]] = edge

    @cached_property
    def scopes(self) -> list[str]:
        """The scope of each Value: that in which it was recorded, and the module whose parameters it uses; often empty."""
        return [self.full_scopes[place] for place in self.origin]

    @cached_property
    def full_scopes(self) -> list[str]:
        """The same for all of the graph."""
        return scopes_of(self.full)

    def refuse_too_large(self, most: int, what: str) -> None:
        """Raise ``GraphTooLarge`` if there are more Values than something can be done with; the message offers parts."""
        if len(self.nodes) > most:
            scopes = sorted({*filter(None, self.scopes)})
            listed = f"{', '.join(scopes[:10])}{', …' * (len(scopes) > 10)}"
            raise GraphTooLarge(
                f"the graph has {len(self.nodes):,} Values, and no more than {most:,} {what}; take a part of it: "
                + (f"one scope (scope={scopes[0]!r}; there are {listed})" if scopes else "a Value on the way to the loss")
                + ", or the loss of fewer samples"
            )

    # ---- as a sequence ----------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self.forward + len(self._operands)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        i = index + len(self) if index < 0 else index
        if not 0 <= i < len(self):
            raise IndexError(f"event {index} of {len(self)}")
        if i < self.forward:
            return Forward(self.nodes[i], self._data[i])
        return self._backward(i - self.forward)

    def _backward(self, edge: int) -> Backward:
        result, local = self._results[edge], self._locals[edge]
        node, operand, upstream = self.nodes[result], self.nodes[self._operands[edge]], self._upstreams[result]
        place, before, after = edge - self._acts[result], self._befores[edge], self._afters[edge]
        return Backward(node, operand, place, upstream, local, upstream * local, before, after)

    def __repr__(self) -> str:
        return f"<History: {self.forward:,} forward and {len(self) - self.forward:,} backward events>"

    def _repr_html_(self) -> str:
        from autodiff.debugger.words import Words  # which is about histories

        words = Words(self)
        half = MOST_ROWS // 2
        rows = []
        for phase, first, last in (("forward", 0, self.forward), ("backward", self.forward, len(self))):
            places = (
                range(first, last) if last - first <= MOST_ROWS else [*range(first, first + half), *range(last - half, last)]
            )
            for before, number in zip([first - 1, *places], places, strict=False):
                rows += [("…", "")] if number > before + 1 else []
                rows.append((f"{phase} {number - first + 1:,}/{last - first:,}", words.lines(number)[0][1]))
        return table(f"the steps of {words.loss}", ("event", "what happens"), rows, "ad.page(loss) walks through all of them")

    # ---- moments ----------------------------------------------------------------------------------------------------------

    def state(self, position: int) -> State:
        """What is known when ``position`` events have happened. Raises ``IndexError`` beyond 0 … ``len``."""
        if not 0 <= position <= len(self):
            raise IndexError(f"position {position} is outside of 0 … {len(self)}")
        return State(self, position)

    def phase(self, position: int) -> tuple[Phase, int, int]:
        """The phase at a position, how many of its events have happened, and how many there are.

        Where the forward events have all happened and no backward one has, that is the forward phase, complete.
        """
        if position <= self.forward:
            return "forward", position, self.forward
        return "backward", position - self.forward, len(self) - self.forward

    # ---- places -----------------------------------------------------------------------------------------------------------

    def place(self, node: Value) -> int:
        """Where a Value is in ``nodes``. Raises ``KeyError`` for one that the loss was not computed from."""
        return self.walk.places[id(node)]

    def made_here(self, place: int) -> bool:
        """Whether a Value is an operation of this history: no leaf, and not merely what an operation of its scope was given."""
        return bool(self.nodes[place].op) and (self.scope is None or scope_holds(self.scope, self.scopes[place]))

    def operands(self, place: int) -> list[int]:
        """The places of the operands of a Value, as far as they belong to the history."""
        places = (self.walk.places.get(id(operand)) for operand in self.nodes[place].operands)
        return [operand for operand in places if operand is not None]

    def additions(self, place: int) -> Sequence[int]:
        """The numbers of the events that add to the gradient of a Value, in order."""
        return [self.forward + edge for edge in self._touches[self._starts[place] : self._starts[place + 1]]]

    def actions(self, place: int) -> range:
        """The numbers of the backward events in which a Value acts: those of its operands."""
        first = self._acts[place]
        if first < 0:
            return range(0)
        return range(self.forward + first, self.forward + first + len(self.nodes[place].operands))

    def acting(self, number: int) -> int:
        """The place of the Value that event ``number`` gives its number, or that acts in it."""
        return number if number < self.forward else self._results[number - self.forward]

    def changed(self, number: int) -> int:
        """The place of the Value whose number or gradient event ``number`` sets."""
        return number if number < self.forward else self._operands[number - self.forward]

    def edge(self, number: int) -> tuple[float, float, float]:
        """Of a backward event: ``local``, ``before`` and ``after``."""
        edge = number - self.forward
        return self._locals[edge], self._befores[edge], self._afters[edge]

    def edges(self) -> Iterator[tuple[float, float, float, float]]:
        """Of each backward event, in order: ``local``, ``before``, ``after``, ``upstream``."""
        upstreams = map(self._upstreams.__getitem__, self._results)
        return zip(self._locals, self._befores, self._afters, upstreams, strict=True)

    @cached_property
    def lines(self) -> dict[tuple[str, int], list[int]]:
        """The places of the Values that each line of the source has made, by file and line."""
        made: dict[tuple[str, int], list[int]] = {}
        for place, node in enumerate(self.nodes):
            if (source := node.source) is not None:
                made.setdefault(source.place[:2], []).append(place)
        return made

    @cached_property
    def by_scope(self) -> dict[str, list[int]]:
        """The places of the Values that belong to each scope."""
        there: dict[str, list[int]] = {}
        for place, scope in enumerate(self.scopes):
            there.setdefault(scope, []).append(place)
        return there

    def datum(self, place: int) -> float:
        """The number of a Value, as it was when the history was made."""
        return self._data[place]

    def upstream(self, place: int) -> float:
        """The whole gradient of a Value, as it is when its own turn comes."""
        return self._upstreams[place]

    def last_addition(self, place: int, position: int) -> int | None:
        """The last event before a position that added to the gradient of a Value; None if none did."""
        begin, end = self._starts[place], self._starts[place + 1]
        found = bisect_left(self._touches, position - self.forward, begin, end)
        return self.forward + self._touches[found - 1] if found > begin else None


class State(Mapping[Value, float]):
    """The gradients known at one position: a mapping from Values to numbers, of those that something has been added to.

    The loss has its seed from the moment when the backward pass begins. ``state.get(w, 0.0)`` is the gradient of ``w`` so far.
    """

    __slots__ = ("history", "position")

    def __init__(self, history: History, position: int):
        self.history, self.position = history, position

    def __getitem__(self, node: Value) -> float:
        place = self.history.walk.places.get(id(node))
        gradient = None if place is None else self.gradient(place)
        if gradient is None:
            raise KeyError(node)
        return gradient

    def __iter__(self) -> Iterator[Value]:
        return (node for place, node in enumerate(self.history.nodes) if self.gradient(place) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def gradient(self, place: int) -> float | None:
        """The gradient of the Value at a place so far; None before anything was added to it."""
        history, happened = self.history, self.position - self.history.forward
        if 0 <= history._acts[place] < happened or (place == len(history.nodes) - 1 and self._has_seed()):
            return history._upstreams[place]
        last = history.last_addition(place, self.position)
        return None if last is None else history._afters[last - history.forward]

    def _has_seed(self) -> bool:
        """Whether the last Value is the loss, and its pass has begun."""
        return self.position >= self.history.forward and self.history.nodes[-1] is self.history.loss

    def datum(self, place: int) -> float | None:
        """The number of the Value at a place; None before it was computed."""
        return self.history._data[place] if place < self.position else None

    def complete(self, place: int) -> bool:
        """Whether nothing more will be added to the gradient of the Value at a place."""
        history, happened = self.history, self.position - self.history.forward
        end = history._starts[place + 1]
        return happened >= 0 if end == history._starts[place] else history._touches[end - 1] < happened


def steps(loss: Value, *, seed: float = 1.0, scope: str | None = None) -> History:
    """The history of ``loss``: every event of its forward and its backward pass, to be walked through in both directions.

    A forward event gives a Value its number; a backward event is one edge, over which upstream · local is added to one
    gradient. ``history[i]``, slices and iteration give the events, ``history.state(i)`` the gradients known when i of them
    have happened. ``seed`` is the gradient of the loss itself. With ``scope`` the events are those of the operations inside
    that scope, with the numbers they have in the whole pass. No Value is changed.

    Raises ``TypeError`` for anything but a Value, ``UnknownNameError`` for a scope that the graph does not have, and
    ``GraphTooLarge`` for more Values than can be held.
    """
    return History(loss, seed, scope)
