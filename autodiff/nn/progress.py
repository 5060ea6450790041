"""How a training shows its progress: a bar in a terminal or a notebook, a few lines in a log file."""

from __future__ import annotations

import sys
import time
from importlib.util import find_spec
from typing import Any, Protocol

from autodiff._support.streams import is_open, tell

LINES = 10  # in a log file, for a whole training
SILENCE = 60.0  # seconds after which there is one more

_hinted = False


class Progress(Protocol):
    """What ``fit`` reports to."""

    def step(self, epoch: int, batch: int) -> None:
        """A step is done: which batch of which epoch, both from 1."""

    def epoch(self, epoch: int, losses: str) -> None:
        """An epoch is done; its losses in words."""

    def close(self) -> None:
        """The training has ended, in whichever way."""


def progress_to(epochs: int, batches: int, wanted: bool) -> Progress:
    """The fitting way to show ``epochs`` of ``batches`` steps on stderr."""
    if not wanted or not epochs or not is_open(sys.stderr):
        return Silence()
    if find_spec("tqdm") is None:
        _hint()
        return Lines(epochs, batches)
    return Bar(epochs, batches) if _is_terminal() or _is_notebook() else Lines(epochs, batches)


def _hint() -> None:
    """Say, once, how to get the bar."""
    global _hinted
    if not _hinted:
        tell('(no progress bar: pip install "autodiff-scalar[progress]")', sys.stderr)
    _hinted = True


def _is_terminal() -> bool:
    return bool(sys.stderr.isatty())


def _is_notebook() -> bool:
    return type(sys.stderr).__module__.partition(".")[0] == "ipykernel"


class Silence:
    """Shows nothing."""

    def step(self, epoch: int, batch: int) -> None: ...

    def epoch(self, epoch: int, losses: str) -> None: ...

    def close(self) -> None: ...


class Bar:
    """A bar over all steps, with the epoch and its losses behind it (tqdm)."""

    def __init__(self, epochs: int, batches: int):
        # The widget takes ipywidgets; tqdm's own "auto" warns where they are not, and gives the plain bar too.
        if _is_notebook() and find_spec("ipywidgets") is not None:
            from tqdm.notebook import tqdm
        else:
            from tqdm import tqdm

        self.epochs = epochs
        self.bar: Any = tqdm(total=epochs * batches, desc="training", unit=" steps", dynamic_ncols=True)

    def step(self, epoch: int, batch: int) -> None:
        self.bar.update()

    def epoch(self, epoch: int, losses: str) -> None:
        self.bar.set_postfix_str(f"epoch {epoch}/{self.epochs}, {losses}", refresh=epoch == self.epochs)

    def close(self) -> None:
        self.bar.close()


class Lines:
    """A line at every tenth of the training, and one after each minute without."""

    def __init__(self, epochs: int, batches: int):
        self.epochs, self.batches = epochs, batches
        self.started = self.printed = time.monotonic()

    def step(self, epoch: int, batch: int) -> None:
        if time.monotonic() - self.printed > SILENCE:
            self._print(f"epoch {epoch}/{self.epochs}, batch {batch}/{self.batches}")

    def epoch(self, epoch: int, losses: str) -> None:
        if epoch * LINES // self.epochs > (epoch - 1) * LINES // self.epochs:
            self._print(f"epoch {epoch}/{self.epochs}: {losses}")

    def close(self) -> None: ...

    def _print(self, text: str) -> None:
        self.printed = time.monotonic()
        tell(f"{text}, {self.printed - self.started:.1f} s", sys.stderr)
