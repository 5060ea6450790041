"""What it takes to look at a graph: our own part, the whole picture, a history to step through, and source lines."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress
from time import perf_counter, process_time
from typing import Any

from benchmarks.engines import Engine
from benchmarks.workloads import CHAIN, Moons, Times, in_function

SAMPLES = 17  # of a network of some 1,000 nodes
STEPPED = 390  # samples of the same network: some 20,000 nodes


def network(samples: int) -> Any:
    """The loss of an MLP(3, 8, 8, 1) after backward()."""
    from autodiff import nn

    model = nn.MLP(3, [8, 8, 1], seed=1)
    loss = nn.mse([model([0.1 * i, 0.5, -0.1 * i]) for i in range(samples)], [0.0] * samples)
    loss.backward()
    return loss


def moons(engine: Engine) -> Any:
    network = Moons(engine)
    loss = network.loss()
    loss.backward()
    return loss


def history(steps: Any, loss: Any) -> Times:
    """Seconds and bytes of the history of a loss, for each Value of its graph."""
    start = perf_counter()
    nodes = len(steps(loss).nodes)
    seconds = perf_counter() - start
    tracemalloc.start()
    held = steps(loss)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del held
    return {"history": seconds / nodes, "history bytes": size / nodes}


def look(engine: Engine) -> Times:
    """Draw a network and the two moons, as text and as SVG; make a history; record a chain with and without source lines."""
    import autodiff as ad

    times: Times = {}
    for name, loss in (("network", network(SAMPLES)), ("moons", moons(engine))):
        start, busy = perf_counter(), process_time()
        drawing = ad.draw(loss)
        times[f"{name} own"] = process_time() - busy  # all of it is computing, whatever else the machine does
        with suppress(ad.errors.RendererNotFound):  # the part is left out where no program draws
            drawing.pipe("svg")
            times[f"{name} picture"] = perf_counter() - start
        graph = ad.summary(loss)
        times[f"{name} nodes"] = float(sum(graph.operations.values()) + graph.leaves)
    times |= history(ad.steps, network(STEPPED))
    leaves = [engine.leaf(x) for x in (1.0, 1.0000001, 1e-7)]
    loop = in_function("v = v * w", CHAIN)
    start = perf_counter()
    loop(*leaves)
    times["plain"] = perf_counter() - start
    with ad.record_source():
        start = perf_counter()
        loop(*leaves)
        times["sourced"] = perf_counter() - start
    return times
