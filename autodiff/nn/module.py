"""Module: something with parameters, the Values that training changes; their names, their state, and its file."""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Iterator, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from autodiff._support import states
from autodiff._support.numbers import as_float
from autodiff.engine.value import Value, primal_of
from autodiff.errors import StateError, WrongFile
from autodiff.nn import state_files
from autodiff.nn.shapes import is_list


class _NamesParameters(ABCMeta):
    """Names the parameters of a module once it is complete. An ``ABCMeta``, so that a module may be abstract too."""

    if not TYPE_CHECKING:  # type checkers go by the constructors of the modules

        def __call__(cls, *args, **kwargs):
            module = super().__call__(*args, **kwargs)
            module.name_parameters()
            return module


class Module(metaclass=_NamesParameters):
    """Base class of neurons, layers and networks.

    The parameters of a module are the Values among its attributes, and those in the lists, tuples, dicts and modules there, in
    the order in which the attributes were set. An attribute whose name begins with ``_`` holds none.

    A parameter's path, such as ``layers.0.neurons.3.w.1``, is its name too. It gets it when the module has been made, and
    again when the module has become part of a larger one; a name that somebody gave it by hand stays.
    """

    def parameters(self) -> list[Value]:
        """Each parameter once, in order."""
        return [parameter for _, parameter in self.named_parameters()]

    def named_parameters(self) -> list[tuple[str, Value]]:
        """Each parameter once, in order, with its path; one that is in two places has the path of the first."""
        found: dict[Value, str] = {}
        for path, value in _values(self):
            found.setdefault(value, path)
        return [(path, value) for value, path in found.items()]

    def name_parameters(self) -> None:
        """Name each parameter by its path, unless it has a name of its own: one that is not the end of the path.

        Of a module by itself, a perceptron, the class is the scope of its parameters, so that a drawing shows where it ends; of
        one inside another the path says that. It is called when a module has been made; call it for what was added later.
        """
        for path, parameter in self.named_parameters():
            name = parameter.name
            if name != path and (name is None or path.endswith(f".{name}")):
                parameter.name = path
                in_a_part = not all(key.isdigit() for key in path.split(".")[1:])
                parameter.scope = None if in_a_part else type(self).__name__.lower()

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def predict(self, rows: Any) -> Any:
        """The outputs for each of many inputs, as plain numbers: a list, of lists where the module has several outputs.

        For the rows of a NumPy array it is an array. What is to be trained takes one input at a time: ``model(x)``.
        """
        outputs = [plain_outputs(self(row)) for row in rows]  # type: ignore[operator]
        if not hasattr(rows, "__array__"):
            return outputs
        import numpy

        return numpy.array(outputs)

    # ---- state --------------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, float]:
        """The number in each parameter, by path.

        Raises ``StateError`` if two parameters have one path (the keys ``1`` and ``"1"`` of a dict).
        """
        state: dict[str, float] = {}
        for path, parameter in self.named_parameters():
            if path in state:
                raise StateError(f"{type(self).__name__} has two parameters at {path!r}: one of them needs another key")
            state[path] = parameter.data
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take every parameter's number from ``state``, which has exactly this module's paths.

        Raises ``StateError``, before anything is changed, if a path is missing or unexpected (``error.missing`` and
        ``error.unexpected`` have them all), if what is there is not a real number, and if ``state`` is no mapping.
        """
        here = self.named_parameters()
        states.require_keys(state, [path for path, _ in here], f"the state for {type(self).__name__}")
        numbers = [_number(path, state[path]) for path, _ in here]
        for (_, parameter), number in zip(here, numbers, strict=True):
            parameter.data = number

    def save(self, file: str | PathLike[str]) -> None:
        """Write the parameters to a JSON file: readable, exact to the last bit, and complete or not at all.

        What stood in the file before stays until the new one is complete. Raises ``OSError`` if it cannot be written.
        """
        state_files.write(file, type(self).__name__, self.state_dict())

    def load(self, file: str | PathLike[str]) -> None:
        """Take the parameters from a file that ``save`` wrote for a model of the same form. No code is run.

        Raises ``WrongFile``, before anything is changed, if it is cut, of another program or for another model, and says
        where; ``OSError`` if it cannot be read.
        """
        kind, state = state_files.read(file)
        try:
            self.load_state_dict(state)
        except StateError as error:
            raise WrongFile(f"{file} holds the parameters of another model, a {kind}: {error}") from error


def plain_outputs(outputs: Any) -> Any:
    """The numbers in what a model has returned, in the same form."""
    return [plain_outputs(output) for output in outputs] if is_list(outputs) else primal_of(outputs)


# ---- finding parameters -----------------------------------------------------------------------------------------------------


def _values(module: Module) -> Iterator[tuple[str, Value]]:
    """The Values below a module with their paths, in order; one that is in two places comes twice."""
    waiting: list[tuple[str, Any]] = [("", module)]
    seen: set[int] = set()
    while waiting:
        path, thing = waiting.pop()
        if isinstance(thing, Value):
            yield path, thing
            continue
        members = _members(thing)
        if not members or id(thing) in seen:
            continue
        seen.add(id(thing))
        waiting += [(f"{path}.{key}" if path else str(key), member) for key, member in reversed(members)]


def _members(thing: Any) -> list[tuple[Any, Any]]:
    if isinstance(thing, (list, tuple)):
        return list(enumerate(thing))
    if isinstance(thing, Module):
        return [(key, member) for key, member in vars(thing).items() if not key.startswith("_")]
    if isinstance(thing, dict):
        return list(thing.items())
    return []


# ---- what does not fit ------------------------------------------------------------------------------------------------------


def _number(path: str, number: Any) -> float:
    try:
        return number.data if isinstance(number, Value) else as_float(number, path)
    except (TypeError, OverflowError) as error:
        raise StateError(f"{path} is no number that a float can hold: {error}") from error
