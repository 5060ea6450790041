"""The size of gradients as colour and line width, on a logarithmic scale.

From grey over blue and violet to vermilion: told apart by people who see few colours, and on light pages as on dark ones. The
width says the same once more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

STOPS = ((0x96, 0x9F, 0xA9), (0x4A, 0x90, 0xD9), (0x9C, 0x6B, 0xC9), (0xE2, 0x5F, 0x2B))
DECADES = 6  # what is smaller than the largest by more is drawn like the smallest
THINNEST, WIDEST = 0.6, 4.5
PALE = 0.55  # of the page in the fill of a box
WHITE, BLACK = 255, 13
SAMPLES = 5


class Scale:
    """The scale that takes in all of some gradients; zeros, nan and infinities have no place on it."""

    def __init__(self, gradients: Iterable[float], dark: bool = False):
        self.page = BLACK if dark else WHITE
        sizes = [size for size in map(abs, gradients) if 0.0 < size < math.inf]
        self.high = max(sizes, default=1.0)
        smallest = min(min(sizes, default=1.0), self.high / 100)  # sizes that are nearly the same look so
        self.low = max(smallest, self.high * 10.0**-DECADES, 5e-324)

    def position(self, gradient: float) -> float:
        """From 0 for the smallest to 1 for the largest."""
        size = abs(gradient)
        if not size > self.low:
            return 0.0 if size < self.high else 1.0
        return min(math.log(size / self.low) / math.log(self.high / self.low), 1.0) if self.high > self.low else 1.0

    def colour(self, gradient: float) -> str:
        """For a line on the page."""
        return _hex(_between(self.position(gradient)))

    def fill(self, gradient: float) -> str:
        """For a box under text, dark on a light page and light on a dark one."""
        return _hex(tuple(x + (self.page - x) * PALE for x in _between(self.position(gradient))))

    def width(self, gradient: float) -> float:
        return round(THINNEST + (WIDEST - THINNEST) * self.position(gradient), 2) if gradient else THINNEST

    def samples(self) -> list[float]:
        """Sizes from the smallest to the largest, for a legend."""
        ratio = self.high / self.low
        return [self.low * ratio ** (step / (SAMPLES - 1)) for step in range(SAMPLES)]


def _between(position: float) -> tuple[float, ...]:
    place = position * (len(STOPS) - 1)
    stop = min(int(place), len(STOPS) - 2)
    return tuple(a + (b - a) * (place - stop) for a, b in zip(STOPS[stop], STOPS[stop + 1], strict=True))


def _hex(colour: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(x):02x}" for x in colour)
