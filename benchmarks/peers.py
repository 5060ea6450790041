"""The peers of compiled functions, which rows each takes, and the process of its own that each runs in.

A peer that is not installed, or cannot be built, is left out. A file of one's own adds others: see ``own_peers``.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import runpy
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from time import perf_counter, process_time
from typing import Any, NamedTuple

from benchmarks.rows import Row

PATIENCE = 120.0  # seconds that a peer may take to prepare a row
OURS = "autodiff.compile"
THREADED = "autodiff.compile, 2 threads"


class Peer(NamedTuple):
    """``function`` of ``module`` prepares a row; what it ``needs`` is imported before the clock starts."""

    module: str
    function: str
    takes: Callable[[Row], bool]
    needs: tuple[str, ...] = ()
    cores: int = 1
    interpreted: bool = False


def kinds(*wanted: str, size: int = 1 << 62, samples: int = 1 << 62, inputs: int | None = None) -> Callable[[Row], bool]:
    """Rows of these kinds up to a size, and networks up to a number of samples and with so many inputs."""

    def takes(row: Row) -> bool:
        if row.kind not in wanted or row.size > size or row.threads > 1:
            return False
        return row.network is None or (row.network.samples <= samples and inputs in (None, row.network.widths[0]))

    return takes


def threaded(row: Row) -> bool:
    return row.threads > 1


SMALL = kinds("network", "gpt", "rosenbrock", samples=100, size=10)
SCALAR = kinds("network", "gpt", "ode", "rosenbrock", "products", "hessian", samples=100, inputs=2)
# LLVM takes minutes for functions as long as the others
SHORT = kinds("network", "gpt", "rosenbrock", "hessian", samples=100, size=10, inputs=2)

PEERS = {
    OURS: Peer("ours", "compiled", lambda row: True),
    THREADED: Peer("ours", "compiled_in_threads", threaded, cores=2),
    "autodiff.compile, interpreted": Peer("ours", "compiled", SMALL, interpreted=True),
    "autodiff, eager": Peer(
        "ours",
        "eager",
        lambda row: SMALL(row) or (row.kind in ("ode", "products", "hessian") and row.size != 10_000),
    ),
    "C by hand": Peer("handwritten", "c", kinds("network", "gpt", "ode", "rosenbrock", "products", "alternating")),
    "numba by hand": Peer("handwritten", "numba", kinds("network", "ode", "rosenbrock", inputs=2), needs=("numba",)),
    "numpy by hand": Peer("tensors", "numpy", kinds("network", "rosenbrock", "alternating")),
    "jax.jit": Peer("tensors", "jax", lambda row: True, needs=("jax", "jax.numpy")),
    "jax.jit, numpy in and out": Peer("tensors", "jax_with_arrays", kinds("rosenbrock"), needs=("jax", "jax.numpy")),
    "jax.jit, three entries a row": Peer("tensors", "jax_sparse", kinds("sparse"), needs=("jax", "jax.numpy")),
    "jax.jit, 2 cores": Peer("tensors", "jax", threaded, needs=("jax", "jax.numpy"), cores=2),
    "ddx-ad": Peer("graphs", "ddx", lambda row: SCALAR(row) or row.kind == "alternating", needs=("ddx",)),
    "ddx-ad, kernels": Peer("graphs", "ddx_kernels", SHORT, needs=("ddx",)),
    "casadi": Peer("graphs", "casadi", lambda row: SCALAR(row) or row.kind == "sparse", needs=("casadi",)),
    "casadi, its C": Peer(
        "graphs", "casadi_in_c", lambda row: (SCALAR(row) and row.kind != "products") or row.kind == "sparse", needs=("casadi",)
    ),
    "torch": Peer("tensors", "torch", kinds("network", "gpt"), needs=("torch",)),
    "scipy's own": Peer("tensors", "scipy", kinds("rosenbrock"), needs=("scipy.optimize",)),
}

# ---- a file of one's own ----------------------------------------------------------------------------------------------------

OWN = "AUTODIFF_BENCH_PEERS"  # in the environment: the path of a Python file


def own_peers() -> dict[str, Peer]:
    """Every function that the file of one's own defines is a peer by that name.

    It takes a ``Row`` and returns two functions, ``Prepared``; a row that it does not take raises ``ImportError``.
    """
    file = os.environ.get(OWN)
    functions = runpy.run_path(file) if file else {}
    own = [name for name, f in functions.items() if callable(f) and getattr(f, "__globals__", {}).get("__file__") == file]
    return {name: Peer(file or "", name, lambda row: True) for name in own if not name.startswith("_")}


# ---- in a process of its own ------------------------------------------------------------------------------------------------


def prepare(peer: Peer) -> Callable[[Row], Any]:
    """The peer's function, with all that it needs loaded."""
    for name in peer.needs:
        importlib.import_module(name)
    if peer.module.endswith(".py"):
        prepared: Callable[[Row], Any] = runpy.run_path(peer.module)[peer.function]
        return prepared
    prepared = getattr(importlib.import_module(f"benchmarks.{peer.module}"), peer.function)
    return prepared


def processor_seconds() -> float:
    """Those of this process, and of the compilers that it has run."""
    times = os.times()
    return process_time() + times.children_user + times.children_system


def timed(run: Callable[[], Any]) -> float:
    start = perf_counter()
    run()
    return perf_counter() - start


def samples(run: Callable[[], Any], seconds: float) -> list[float]:
    """Seconds a run, for so long; quick runs are timed some together, for the clock's sake."""
    took = timed(run)
    if took < 1e-3:  # the first run waited for what the other peers have put out of the caches
        took = min(timed(run) for _ in range(5))
    together = max(1, min(1000, int(5e-5 / took)))
    end = perf_counter() + seconds
    found = []
    while not found or perf_counter() < end:
        start = perf_counter()
        for _ in range(together):
            run()
        found.append((perf_counter() - start) / together)
    return found


def serve(connection: Connection, name: str, row: Row) -> None:
    """Sends the processor's seconds to the first result, or why there is none; then samples, or the answer, as it is asked."""
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)  # so that compilers end with it
    peer = {**PEERS, **own_peers()}[name]
    if peer.cores == 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    try:
        function = prepare(peer)
        start = processor_seconds()
        run, answer = function(row)
        run()
        connection.send(processor_seconds() - start)
    except Exception as error:
        if peer.module == "ours":
            raise
        connection.send(f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}")
        return
    while (seconds := connection.recv()) is not None:
        connection.send(samples(run, seconds) if seconds else answer(run()))


def grown(connection: Connection, row: Row, compiling: bool) -> None:
    """Sends what ``ours.growth`` finds, None where it cannot be found."""
    from benchmarks import ours

    try:
        connection.send(ours.growth(row, compiling))
    except OSError:
        connection.send(None)


# ---- asked from outside -----------------------------------------------------------------------------------------------------


class Running:
    """A peer that has prepared a row. Raises ``ImportError`` where it has not, with the reason."""

    def __init__(self, name: str, row: Row):
        peer = {**PEERS, **own_peers()}[name]
        self.connection, self.process = started(serve, name, row, cores=peer.cores, interpreted=peer.interpreted)
        self.first: float = self.received(None if peer.module == "ours" else PATIENCE)

    def received(self, patience: float | None = None) -> Any:
        try:
            if not self.connection.poll(patience):
                self.end()
                raise ImportError(f"not ready after {patience:.0f} s")
            found = self.connection.recv()
        except EOFError:
            self.process.join()
            found = f"its process ended with {self.process.exitcode}"
        if isinstance(found, str):
            raise ImportError(found)
        return found

    def samples(self, seconds: float) -> list[float]:
        self.connection.send(seconds)
        found: list[float] = self.received()
        return found

    def answer(self) -> Any:
        self.connection.send(0.0)
        return self.received()

    def end(self) -> None:
        """At once, with the compilers that it has started."""
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()

    def close(self) -> None:
        if self.process.is_alive():
            self.connection.send(None)
        self.process.join()


def started(target: Callable[..., None], *arguments: Any, cores: int = 1, interpreted: bool = False) -> Any:
    """Our end of a pipe, and the new process that has the other."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs, *arguments), daemon=True)
    with environment(cores, interpreted):
        process.start()
    theirs.close()
    return ours, process


@contextmanager
def environment(cores: int, interpreted: bool) -> Iterator[None]:
    """What a process started within finds: as many threads as cores, and autodiff in the right form."""
    before = dict(os.environ)
    os.environ |= {f"{library}_NUM_THREADS": str(cores) for library in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    os.environ["AUTODIFF_PURE"] = "1" if interpreted else "0"
    if cores == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def memory(row: Row) -> tuple[int, int, int] | None:
    """Bytes of the recording, and what compiling keeps and what it holds at the most beside it."""
    found = []
    for compiling in (False, True):
        connection, process = started(grown, row, compiling)
        found.append(connection.recv())
        process.join()
    if None in found:
        return None
    (recording, _), (kept, most) = found
    return recording, kept - recording, most - recording
