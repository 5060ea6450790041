"""check_gradients: derivatives beside five-point differences, and beside the complex step where that applies."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from autodiff.engine.differentiate import Argnums, jacobian
from autodiff.engine.trees import Structure, flatten
from autodiff.engine.value import Value, primal_of
from autodiff.errors import GradientMismatch

TOLERANCE = {"five-point differences": 1e-6, "complex step": 1e-11}  # the relative error that each method allows
ROUNDING = 1e-14  # of a result: what may be rounding error in it
STEPS = [0.1 / 4**k for k in range(9)]  # of the size of the input, and of 1
LEAST = 1e-9  # of the size of the input: with a smaller step too few digits change
NEARER = [2.0**-k for k in range(31, 40, 2)]  # beside a singularity; powers of 2, so that their own rounding is no error
TINY_STEP = 1e-150

Outputs = Callable[[Sequence[Any]], list[Any]]


class Entry(NamedTuple):
    """One derivative: where it is, what the rules gave, and what a method that knows nothing of them gave."""

    path: str
    ours: float
    reference: float
    method: str
    noise: float  # how far the reference may be off by rounding alone

    @property
    def error(self) -> float:
        """|ours − reference| / max(|ours|, |reference|), 0 where both are the same number, inf where one is not finite."""
        if self.ours == self.reference and math.isfinite(self.ours):
            return 0.0
        difference = abs(self.ours - self.reference)
        return difference / max(abs(self.ours), abs(self.reference)) if math.isfinite(difference) else math.inf


def check_gradients(f: Callable[..., Any], *args: Any, argnums: Argnums | None = None, rtol: float | None = None) -> float:
    """Compare every derivative of ``f`` at ``args`` with numerical ones; the largest relative error among them.

    The arguments that ``argnums`` names, all of them by default, and the result may be nested forms of numbers, as in
    ``jacobian``; ``check_gradients(grad(f), x)`` checks second derivatives. Each derivative is compared with five-point
    differences, f′ ≈ (f(x − 2h) − 8 f(x − h) + 8 f(x + h) − f(x + 2h)) / 12h (Abramowitz and Stegun 25.3.6), with the step,
    of many on the scale of 1 and on that of the input, at which two successive results agree best. Where ``f`` also runs on
    complex numbers and the complex step f′ ≈ Im f(x + ih) / h (Squire and Trapp 1998) confirms the differences, it is
    compared with that, far more strictly. ``rtol`` replaces the relative tolerance of both, 1e-6 and 1e-11.

    Raises ``GradientMismatch``, which names the worst entry and both numbers, also where a derivative is nan or infinite, and
    at a kink, where there is no derivative that differences could find. ``f`` must give the same result each time.
    """
    places = tuple(range(len(args))) if argnums is None else (argnums,) if isinstance(argnums, int) else tuple(argnums)
    leaves, structure = flatten(tuple([args[place] for place in places]))
    point = [primal_of(leaf) for leaf in leaves]

    def result(inputs: Sequence[Any]) -> Any:
        return f(*_replaced(args, places, structure, inputs))

    def outputs(inputs: Sequence[Any]) -> list[Any]:
        return flatten(result(inputs))[0]

    ours = jacobian(outputs)(point)
    _, output_structure = flatten(result(list(map(Value, point))))
    argument_paths = [
        path for place, form in zip(places, structure.children, strict=True) for path in form.paths(f"args[{place}]")
    ]
    output_paths = output_structure.paths("f")
    entries: list[Entry] = []
    for column, path in enumerate(argument_paths):
        references = _references(outputs, point, column)
        entries += [
            Entry(f"∂{output}/∂{path}", row[column], *reference)
            for output, row, reference in zip(output_paths, ours, references, strict=True)
        ]
    _raise_mismatch([entry for entry in entries if not _agrees(entry, rtol)], len(entries))
    return max((entry.error for entry in entries), default=0.0)


def _replaced(args: Sequence[Any], places: Sequence[int], structure: Structure, leaves: Sequence[Any]) -> list[Any]:
    """The arguments with other numbers in the places that are differentiated by."""
    replaced = list(args)
    for place, argument in zip(places, structure.build(leaves), strict=True):
        replaced[place] = argument
    return replaced


# ---- numerical derivatives --------------------------------------------------------------------------------------------------


def _references(outputs: Outputs, point: list[float], column: int) -> list[tuple[float, str, float]]:
    """The derivative of each output by one input, the method that gave it, and its possible rounding error."""
    found = [(difference, "five-point differences", noise) for difference, noise in _best_differences(outputs, point, column)]
    steps = _complex_step(outputs, point, column)
    if steps is None or len(steps) != len(found):
        return found
    # |x|, comparisons and the like go wrong on complex numbers without a word, so what the differences contradict is not used
    return [
        (step, "complex step", reference[2])
        if math.isclose(step, reference[0], rel_tol=1e-5, abs_tol=reference[2])
        else reference
        for step, reference in zip(steps, found, strict=True)
    ]


def _best_differences(outputs: Outputs, point: list[float], column: int) -> list[tuple[float, float]]:
    """Five-point differences with the step at which, for each output, two successive steps agree best; and their noise."""
    sizes = [ROUNDING * abs(output) for output in _numbers(outputs, point)]
    best, doubts = [(math.nan, math.inf)] * len(sizes), [math.inf] * len(sizes)
    before = [math.nan] * len(sizes)
    for step in [*_steps(abs(point[column])), *NEARER]:
        if step in NEARER and all(doubt <= 1e-7 for doubt in doubts):
            break
        now = _five_points(outputs, point, column, step)
        for i, (new, old) in enumerate(zip(now, before, strict=True)):
            noise = sizes[i] / step
            # with the noise, so that a step too small for anything to change does not win
            doubt = (abs(new - old) + noise) / (abs(new) + noise or 1.0)
            if math.isfinite(new) and (doubt < doubts[i] or math.isnan(best[i][0])):
                best[i], doubts[i] = (new, noise), doubt if math.isfinite(doubt) else math.inf
        if all(doubt <= 1e-11 for doubt in doubts):
            break
        before = now
    return best


def _steps(size: float) -> list[float]:
    """Steps from large to small: fractions of 1 and of the size of the input, for a function may change on either scale."""
    steps = {ratio * scale for scale in (1.0, size) for ratio in STEPS if ratio * scale >= LEAST * size}
    return sorted(steps - {0.0}, reverse=True)


def _five_points(outputs: Outputs, point: list[float], column: int, step: float) -> list[float]:
    def at(multiple: int) -> list[float]:
        shifted = point.copy()
        shifted[column] += multiple * step
        return _numbers(outputs, shifted)

    there = zip(at(-2), at(-1), at(1), at(2), strict=True)
    return [(a - 8 * b + 8 * c - d) / (12 * step) for a, b, c, d in there]


def _numbers(outputs: Outputs, point: list[float]) -> list[float]:
    """The outputs on Values: plain numbers would raise where a Value is infinite."""
    return [primal_of(output) for output in outputs(list(map(Value, point)))]


def _complex_step(outputs: Outputs, point: list[float], column: int) -> list[float] | None:
    """Im f(x + ih) / h for each output; None if ``f`` does not run on complex numbers."""
    shifted: list[complex] = [complex(x) for x in point]
    shifted[column] += complex(0.0, TINY_STEP)
    try:
        return [complex(output).imag / TINY_STEP for output in outputs(shifted)]
    except Exception:  # whatever a function that is not made for complex numbers does
        return None


# ---- verdict ----------------------------------------------------------------------------------------------------------------


def _agrees(entry: Entry, rtol: float | None) -> bool:
    if not (math.isfinite(entry.ours) and math.isfinite(entry.noise)):
        return False
    tolerance = TOLERANCE[entry.method] if rtol is None else rtol
    return entry.error <= tolerance or abs(entry.ours - entry.reference) <= entry.noise


def _raise_mismatch(wrong: list[Entry], count: int) -> None:
    """Raise ``GradientMismatch`` for the worst of the wrong entries, if there are any."""
    if not wrong:
        return
    worst = max(wrong, key=lambda entry: entry.error)
    others = f"; {len(wrong)} of {count} derivatives differ" if count > 1 else ""
    raise GradientMismatch(
        f"{worst.path} is {worst.ours!r} by the rules and {worst.reference!r} by {worst.method}: "
        f"relative error {worst.error:.2g}{others}",
        worst.path,
        worst.ours,
        worst.reference,
        worst.error,
    )
