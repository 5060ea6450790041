"""ONNX: the text of a program run with a namespace whose arrays record nodes.

Nodes are those that onnxruntime has for double precision, and that are right at nan: the others are composed.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from autodiff._support import files
from autodiff.compiler.export import loaded, module

OPSET, IR_VERSION = 18, 9  # of 2022: what any runtime of today reads
BATCH = "batch"  # the length of the axis of samples


def write(f: Any, file: Any, example: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """The model of a function's values, checked."""
    files.replace(Path(file), model(f, example, kwargs).SerializeToString())


def model(f: Any, example: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The model of a function's values, with the numbers that its parameters have now."""
    import onnx
    from onnx import TensorProto, helper

    text, recorded = module(f, example, kwargs, "to_onnx()")
    graph = Graph()
    state = f.params()
    arguments = []
    inputs = []
    batched = False
    for argument in recorded.arguments:
        parts: dict[str, Tensor] = {}
        for path, shape, axis in argument.blocks:
            lengths: list[Any] = list(shape)
            if axis is not None:
                lengths.insert(axis, BATCH)
            name = graph.free(argument.name + path)
            parts[path] = tensor = Tensor(graph, name, tuple(lengths), "float")
            inputs.append(helper.make_tensor_value_info(name, TensorProto.DOUBLE, lengths))
            if axis is not None and not batched:
                batched = True
                graph.sized = (tensor, axis)
        arguments.append(parts[""] if set(parts) == {""} else Parts(parts))
    values = loaded(text, f.name).values(Namespace(graph), Parameters(graph, state), *arguments)
    output = graph.free("values")
    graph.add("Identity", [values.name], output)
    lengths = [BATCH, *recorded.result] if batched else list(recorded.result)
    outputs = [helper.make_tensor_value_info(output, TensorProto.DOUBLE, lengths)]
    name = graph.free(f.name)
    built = helper.make_graph(graph.nodes, name, inputs, outputs, graph.initializers)
    found = helper.make_model(
        built, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="autodiff"
    )
    onnx.checker.check_model(found, full_check=True)
    return found


class Graph:
    """The nodes and constants recorded so far."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.names: set[str] = set()
        self.constants: dict[Any, str] = {}
        self.sized: tuple[Tensor, int] | None = None

    def free(self, wanted: str) -> str:
        name, number = wanted or "x", 2
        while name in self.names:
            name, number = f"{wanted}_{number}", number + 1
        self.names.add(name)
        return name

    def add(self, op: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        from onnx import helper

        name = output or self.free(f"{op}_{len(self.nodes)}")
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def constant(self, array: Any, name: str = "") -> str:
        """The name of an initializer with these numbers."""
        import numpy
        from onnx import numpy_helper

        array = numpy.asarray(array)
        key = (name, str(array.dtype), array.shape, array.tobytes())
        if key not in self.constants:
            self.constants[key] = self.free(name or f"constant_{len(self.initializers)}")
            self.initializers.append(numpy_helper.from_array(array, self.constants[key]))
        return self.constants[key]

    def integers(self, numbers: Iterable[int]) -> str:
        import numpy

        return self.constant(numpy.array(list(numbers), dtype=numpy.int64))

    def lengths(self, shape: Sequence[Any]) -> str:
        """A shape as a tensor, with the number of samples as it is at run time."""
        if BATCH not in shape:
            return self.integers(shape)
        assert self.sized is not None
        tensor, axis = self.sized
        size = self.add("Shape", [tensor.name], start=axis, end=axis + 1)
        parts = [size if length == BATCH else self.integers([length]) for length in shape]
        return self.add("Concat", parts, axis=0)


class Parameters(dict[str, Any]):
    """The parameters; an initializer for each that is asked for."""

    def __init__(self, graph: Graph, state: dict[str, Any]):
        super().__init__()
        self.graph, self.state = graph, state

    def __missing__(self, key: str) -> Tensor:
        array = self.state[key]
        self[key] = found = Tensor(self.graph, self.graph.constant(array, key), array.shape, "float")
        return found


class Parts:
    """An argument with several arrays in it, taken apart by keys and indices."""

    def __init__(self, parts: dict[str, Tensor], path: str = ""):
        self.parts, self.path = parts, path

    def __getitem__(self, key: Any) -> Any:
        path = f"{self.path}[{key!r}]"
        return self.parts[path] if path in self.parts else Parts(self.parts, path)


class Tensor:
    """An array whose operations become nodes. ``kind`` is ``"float"``, ``"bool"`` or ``"int"``."""

    def __init__(self, graph: Graph, name: str, shape: tuple[Any, ...], kind: str):
        self.graph, self.name, self.shape, self.kind = graph, name, shape, kind

    @property
    def dtype(self) -> str:
        return self.kind

    @property
    def T(self) -> Tensor:
        return Namespace(self.graph).permute_dims(self, tuple(reversed(range(len(self.shape)))))

    def node(self, op: str, *others: Any, kind: str = "", shape: tuple[Any, ...] | None = None, **attributes: Any) -> Tensor:
        """An operation of this array and others, member by member unless a shape is given."""
        tensors = [self, *[self.like(other) for other in others]]
        name = self.graph.add(op, [tensor.name for tensor in tensors], **attributes)
        return Tensor(self.graph, name, broadcast([t.shape for t in tensors]) if shape is None else shape, kind or self.kind)

    def like(self, other: Any) -> Tensor:
        import numpy

        if isinstance(other, Tensor):
            return other
        return Tensor(self.graph, self.graph.constant(numpy.array(float(other))), (), "float")

    def __add__(self, other: Any) -> Tensor:
        return self.node("Add", other)

    def __radd__(self, other: Any) -> Tensor:
        return self.like(other).node("Add", self)

    def __sub__(self, other: Any) -> Tensor:
        return self.node("Sub", other)

    def __rsub__(self, other: Any) -> Tensor:
        return self.like(other).node("Sub", self)

    def __mul__(self, other: Any) -> Tensor:
        return self.node("Mul", other)

    def __rmul__(self, other: Any) -> Tensor:
        return self.like(other).node("Mul", self)

    def __truediv__(self, other: Any) -> Tensor:
        return self.node("Div", other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return self.like(other).node("Div", self)

    def __pow__(self, other: Any) -> Tensor:
        return self.node("Pow", other)

    def __neg__(self) -> Tensor:
        return self.node("Neg")

    def __matmul__(self, other: Tensor) -> Tensor:
        x, y = self.shape, other.shape
        shape = (*y[:-2], *y[-1:]) if len(x) == 1 else (*broadcast([x[:-2], y[:-2]]), x[-2], *y[-1:])
        return self.node("MatMul", other, shape=shape)

    def __gt__(self, other: Any) -> Tensor:
        return self.node("Greater", other, kind="bool")

    def __lt__(self, other: Any) -> Tensor:
        return self.node("Less", other, kind="bool")

    # onnxruntime takes x ≥ y for not x < y, which is true for nan
    def __ge__(self, other: Any) -> Tensor:
        return cast("Tensor", (self > other).node("Or", self.node("Equal", other, kind="bool")))

    def __le__(self, other: Any) -> Tensor:
        return cast("Tensor", (self < other).node("Or", self.node("Equal", other, kind="bool")))

    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]
        if isinstance(other, Tensor) and self.kind == "bool":
            return ~self.node("Xor", other, kind="bool")
        return self.node("Equal", other, kind="bool")

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override]
        return self.node("Equal", other, kind="bool").node("Not")

    __hash__ = None  # type: ignore[assignment]

    def __and__(self, other: Tensor) -> Tensor:
        return self.node("And", other)

    def __or__(self, other: Tensor) -> Tensor:
        return self.node("Or", other)

    def __invert__(self) -> Tensor:
        return self.node("Not")

    def __getitem__(self, key: Any) -> Tensor:
        keys = list(key) if isinstance(key, tuple) else [key]
        if Ellipsis in [k for k in keys if k is Ellipsis]:
            at = next(i for i, k in enumerate(keys) if k is Ellipsis)
            given = sum(k is not None and k is not Ellipsis for k in keys)
            keys[at : at + 1] = [slice(None)] * (len(self.shape) - given)
        keys += [slice(None)] * (len(self.shape) - sum(k is not None for k in keys))
        found = self
        axis = 0
        for k in keys:
            if k is None:
                continue
            if isinstance(k, int):
                k = slice(k, k + 1 or None)
            if k != slice(None):
                found = found._sliced(axis, k)
            axis += 1
        axis = 0
        gone, new = [], []
        for k in keys:
            if isinstance(k, int):
                gone.append(axis)
            axis += k is not None
        place = 0
        for k in keys:
            if k is None:
                new.append(place)
            place += not isinstance(k, int)
        if gone:
            shape = tuple(length for i, length in enumerate(found.shape) if i not in gone)
            found = Tensor(self.graph, self.graph.add("Squeeze", [found.name, self.graph.integers(gone)]), shape, self.kind)
        if new:
            lengths = list(found.shape)
            for i in new:
                lengths.insert(i, 1)
            name = self.graph.add("Unsqueeze", [found.name, self.graph.integers(new)])
            found = Tensor(self.graph, name, tuple(lengths), self.kind)
        return found

    def _sliced(self, axis: int, k: slice) -> Tensor:
        length = self.shape[axis]
        start, stop, step = k.indices(length)
        end = stop if stop >= 0 else -length - 1  # in ONNX −1 is the last one, not that before the first
        numbers = [self.graph.integers([number]) for number in (start, end, axis, step)]
        shape = (*self.shape[:axis], len(range(start, stop, step)), *self.shape[axis + 1 :])
        return Tensor(self.graph, self.graph.add("Slice", [self.name, *numbers]), shape, self.kind)


def broadcast(shapes: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    """The common shape; the number of samples is longer than 1."""
    n = max(map(len, shapes), default=0)
    padded = [(1,) * (n - len(shape)) + tuple(shape) for shape in shapes]
    return tuple([next((length for length in lengths if length != 1), 1) for lengths in zip(*padded, strict=True)])


class Namespace:
    """What the text asks of a namespace."""

    inf, nan, float64 = math.inf, math.nan, "float"

    def __init__(self, graph: Graph):
        self.graph = graph

    def asarray(self, x: Any, dtype: Any = None) -> Tensor:
        import numpy

        if isinstance(x, Tensor):
            return x
        array = numpy.asarray(x, dtype=float if dtype else None)
        kind = "int" if array.dtype.kind == "i" else "float"
        return Tensor(self.graph, self.graph.constant(array), array.shape, kind)

    def full(self, shape: tuple[Any, ...], number: float, dtype: Any) -> Tensor:
        return self.broadcast_to(self.asarray(number, dtype=dtype), shape)

    def zeros(self, shape: tuple[Any, ...], dtype: Any) -> Tensor:
        return self.full(shape, 0.0, dtype)

    def full_like(self, x: Tensor, number: float) -> Tensor:
        return self.where(x == x, number, self.asarray(number, dtype="float"))

    @staticmethod
    def finfo(dtype: Any) -> Any:
        return sys.float_info

    def zeros_like(self, x: Tensor) -> Tensor:
        return self.full_like(x, 0.0)

    def ones_like(self, x: Tensor) -> Tensor:
        return self.full_like(x, 1.0)

    def arange(self, n: int, dtype: Any = None) -> Tensor:
        return self.asarray([float(i) for i in range(n)] if dtype else list(range(n)), dtype=dtype)

    def astype(self, x: Tensor, dtype: Any) -> Tensor:
        from onnx import TensorProto

        return x.node("Cast", kind="float", to=TensorProto.DOUBLE)

    # ---- forms --------------------------------------------------------------------------------------------------------------

    def reshape(self, x: Tensor, shape: tuple[Any, ...]) -> Tensor:
        lengths = [0 if length == BATCH else length for length in shape]  # 0 keeps what is there
        name = self.graph.add("Reshape", [x.name, self.graph.integers(lengths)])
        return Tensor(self.graph, name, tuple(BATCH if length == -1 else length for length in shape), x.kind)

    def broadcast_to(self, x: Tensor, shape: tuple[Any, ...]) -> Tensor:
        return Tensor(self.graph, self.graph.add("Expand", [x.name, self.graph.lengths(shape)]), tuple(shape), x.kind)

    def permute_dims(self, x: Tensor, axes: tuple[int, ...]) -> Tensor:
        return x.node("Transpose", shape=tuple(x.shape[axis] for axis in axes), perm=list(axes))

    def moveaxis(self, x: Tensor, source: int, target: int) -> Tensor:
        axes = [axis for axis in range(len(x.shape)) if axis != source]
        axes.insert(target, source)
        return self.permute_dims(x, tuple(axes))

    def concat(self, parts: Sequence[Tensor], axis: int) -> Tensor:
        length = sum(part.shape[axis] for part in parts)
        name = self.graph.add("Concat", [part.name for part in parts], axis=axis)
        return Tensor(self.graph, name, (*parts[0].shape[:-1], length), parts[0].kind)

    def flip(self, x: Tensor, axis: tuple[int, ...]) -> Tensor:
        for one in axis:
            x = x._sliced(one, slice(None, None, -1)) if x.shape[one] != BATCH else x
        return x

    def take(self, x: Tensor, places: Tensor, axis: int) -> Tensor:
        shape = (*x.shape[:axis], places.shape[0], *x.shape[axis + 1 :])
        return Tensor(self.graph, self.graph.add("Gather", [x.name, places.name], axis=axis), shape, x.kind)

    # ---- along an axis ------------------------------------------------------------------------------------------------------

    def sum(self, x: Tensor, axis: int, keepdims: bool = False) -> Tensor:
        return self._reduced("ReduceSum", x, axis, keepdims)

    def _reduced(self, op: str, x: Tensor, axis: int, keepdims: bool) -> Tensor:
        axis %= len(x.shape)
        shape = (*x.shape[:axis], *[1] * keepdims, *x.shape[axis + 1 :])
        name = self.graph.add(op, [x.name, self.graph.integers([axis])], keepdims=int(keepdims))
        return Tensor(self.graph, name, shape, x.kind)

    def prod(self, x: Tensor, axis: int) -> Tensor:
        return self._reduced("ReduceProd", x, axis, False)

    def any(self, x: Tensor, axis: int, keepdims: bool = False) -> Tensor:
        return self._reduced("ReduceMax", self.astype(x, "float"), axis, keepdims) > 0.0

    def max(self, x: Tensor, axis: int, keepdims: bool = False) -> Tensor:
        return self._extreme("ReduceMax", x, axis, keepdims)

    def min(self, x: Tensor, axis: int, keepdims: bool = False) -> Tensor:
        return self._extreme("ReduceMin", x, axis, keepdims)

    def _extreme(self, op: str, x: Tensor, axis: int, keepdims: bool) -> Tensor:
        """Where there is a nan: nan, which onnxruntime skips."""
        return self.where(self.any(self.isnan(x), axis, keepdims), self.nan, self._reduced(op, x, axis, keepdims))

    # ---- member by member ---------------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Callable[[Tensor], Tensor]:
        if name not in NODES:
            raise AttributeError(f"ONNX has no form for {name!r} of the Array API standard, which this function needs")
        return lambda x: x.node(NODES[name])

    def where(self, condition: Tensor, x: Any, y: Any) -> Tensor:
        return condition.node("Where", x, y, kind="float")

    def isnan(self, x: Tensor) -> Tensor:
        return x.node("IsNaN", kind="bool")

    def isinf(self, x: Tensor) -> Tensor:
        return x.node("IsInf", kind="bool")

    def isfinite(self, x: Tensor) -> Tensor:
        return ~(self.isnan(x) | self.isinf(x))

    def maximum(self, x: Tensor, y: Tensor) -> Tensor:
        return self.where(self.isnan(x), x, self.where(self.isnan(y), y, self.where(x < y, y, x)))

    def minimum(self, x: Tensor, y: Tensor) -> Tensor:
        return self.where(self.isnan(x), x, self.where(self.isnan(y), y, self.where(y < x, y, x)))

    def clip(self, x: Tensor, low: float, high: float) -> Tensor:
        return self.maximum(self.minimum(x, x.like(high)), x.like(low))

    def pow(self, x: Tensor, y: Tensor) -> Tensor:
        return x.node("Pow", y)

    def remainder(self, x: Tensor, y: Tensor) -> Tensor:
        rest = x.node("Mod", y, fmod=1)
        return self.where((rest != 0.0) & ((rest < 0.0) == (y < 0.0)), rest, self.where(rest == 0.0, 0.0, rest + y))

    def log1p(self, x: Tensor) -> Tensor:
        """Kahan's: the rounding of 1 + x is made good."""
        u = 1.0 + x
        plain = (u != 1.0) & ~self.isinf(u) & (u > 0.0)
        safe = self.where(plain, u, 2.0)
        return self.where(plain, self.log(safe) * (x / (safe - 1.0)), self.where(u == 1.0, x, self.log(u)))

    def expm1(self, x: Tensor) -> Tensor:
        """Kahan's, likewise."""
        u = self.exp(x)
        plain = (u != 1.0) & ~self.isinf(u) & (u > 0.0)
        safe = self.where(plain, u, 2.0)
        near = (safe - 1.0) * (x / self.log(safe))
        far = self.where(self.abs(x) > 1.0, u - 1.0, near)
        return self.where(u == 1.0, x, self.where(plain, far, u - 1.0))

    def log2(self, x: Tensor) -> Tensor:
        return self.log(x) / math.log(2)

    def log10(self, x: Tensor) -> Tensor:
        return self.log(x) / math.log(10)

    def tan(self, x: Tensor) -> Tensor:
        return self.sin(x) / self.cos(x)

    def sinh(self, x: Tensor) -> Tensor:
        size = self.abs(x)
        e = self.expm1(self.where(size < 20.0, size, 20.0))
        half = self.exp(0.5 * size)
        return self.sign(x) * self.where(size < 20.0, 0.5 * (e + e / (e + 1.0)), 0.5 * half * half)

    def cosh(self, x: Tensor) -> Tensor:
        half = self.exp(0.5 * self.abs(x))
        return 0.5 * half * half + 0.5 / half / half

    def asinh(self, x: Tensor) -> Tensor:
        size = self.abs(x)
        small = self.where(size < 1e150, size, 1.0)
        near = self.log1p(small + small * small / (1.0 + self.sqrt(1.0 + small * small)))
        return self.sign(x) * self.where(size < 1e150, near, self.log(size) + math.log(2))

    def acosh(self, x: Tensor) -> Tensor:
        t = self.where(x < 1e150, x - 1.0, 1.0)
        return self.where(x < 1e150, self.log1p(t + self.sqrt(t * (t + 2.0))), self.log(x) + math.log(2))

    def atanh(self, x: Tensor) -> Tensor:
        size = self.abs(x)
        return self.sign(x) * (0.5 * self.log1p(2.0 * size / (1.0 - size)))

    def asin(self, x: Tensor) -> Tensor:
        return self.atan(x / self.sqrt((1.0 - x) * (1.0 + x)))

    def acos(self, x: Tensor) -> Tensor:
        return 2.0 * self.atan(self.sqrt((1.0 - x) / (1.0 + x)))

    def atan2(self, y: Tensor, x: Tensor) -> Tensor:
        small = self.where((x == 0.0) & (y == 0.0), 0.0, self.abs(y) / self.abs(x))
        angle = self.atan(self.where(self.isinf(x) & self.isinf(y), 1.0, small))
        turned = self.where((x < 0.0) | ((x == 0.0) & (1.0 / x < 0.0)), math.pi - angle, angle)
        found = self.where((y < 0.0) | ((y == 0.0) & (1.0 / y < 0.0)), -turned, turned)
        return self.where(self.isnan(x) | self.isnan(y), self.nan, found)

    def atan(self, x: Tensor) -> Tensor:
        """Moshier's rational approximation (Cephes), in three ranges."""
        size = self.abs(x)
        large, middle = size > 2.41421356237309504880, size > 0.66
        base = self.where(large, math.pi / 2, self.where(middle, math.pi / 4, self.asarray(0.0, dtype="float")))
        t = self.where(large, -1.0 / size, self.where(middle, (size - 1.0) / (size + 1.0), size))
        t = self.where(self.isinf(size), 0.0, t)
        more = self.where(
            large, 6.123233995736766e-17, self.where(middle, 3.061616997868383e-17, self.asarray(0.0, dtype="float"))
        )
        z = t * t
        above = self.polynomial(ATAN_ABOVE, z)
        below = self.polynomial(ATAN_BELOW, z)
        found = base + (t + t * (z * above / below) + more)
        return self.where(x == 0.0, x, self.sign(x) * found)

    @staticmethod
    def polynomial(coefficients: Sequence[float], x: Tensor) -> Any:
        total: Any = coefficients[0]
        for coefficient in coefficients[1:]:
            total = total * x + coefficient
        return total


NODES = {
    "abs": "Abs", "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "sin": "Sin", "cos": "Cos", "tanh": "Tanh", "floor": "Floor",
    "sign": "Sign", "ceil": "Ceil", "round": "Round",
}  # fmt: skip
ATAN_ABOVE = (
    -8.750608600031904122785e-1, -1.615753718733365076637e1, -7.500855792314704667340e1, -1.228866684490136173410e2,
    -6.485021904942025371773e1,
)  # fmt: skip
ATAN_BELOW = (
    1.0, 2.485846490142306297962e1, 1.650270098316988542046e2, 4.328810604912902668951e2, 4.853903996359136964868e2,
    1.945506571482613964425e2,
)  # fmt: skip
