"""The bench of compiled functions, at small sizes: every peer at hand computes the same, and what is told of it is true."""

import importlib.util
import subprocess
import sys
import time
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")

from benchmarks import ours, peers, problems, replay  # noqa: E402
from benchmarks.peers import OURS, PEERS, THREADED  # noqa: E402
from benchmarks.replay import Found, Measured  # noqa: E402
from benchmarks.rows import ROWS, Network, Row  # noqa: E402

SMALL = {
    "relu": Row("network", "small", network=Network((2, 16, 16, 1), "relu", 37)),
    "tanh": Row("network", "small", network=Network((2, 16, 16, 1), "tanh", 32)),
    "threads": Row("network", "small", network=Network((2, 16, 16, 1), "relu", 300), threads=2),
    "digits": Row("network", "small", network=Network((6, 5, 4), "tanh", 9, "cross-entropy")),
    "wide": Row("network", "small", network=Network((5, 7, 6, 1), "relu", 33)),
    "gpt": Row("gpt", "small"),
    "ode": Row("ode", "small", 3),
    "rosenbrock": Row("rosenbrock", "small", 5),
    "products": Row("products", "small", 64),
    "alternating": Row("alternating", "small", 64),
    "hessian": Row("hessian", "small"),
    "sparse": Row("sparse", "small", 8),
}


def at_hand(peer):
    try:
        return all(importlib.util.find_spec(name) for name in peer.needs)
    except ImportError:
        return False


@pytest.mark.parametrize("name", SMALL)
def test_every_peer_at_hand_computes_the_same(name, monkeypatch):
    monkeypatch.setattr(problems, "NAME", "b")  # two positions
    if name in ("sparse", "rosenbrock"):
        pytest.importorskip("scipy")
    answers = {}
    for key, peer in PEERS.items():
        if peer.takes(SMALL[name]) and at_hand(peer):
            try:
                run, answer = peers.prepare(peer)(SMALL[name])
            except ImportError:  # no C compiler
                continue
            run()
            answers[key] = answer(run())
    assert OURS in answers
    assert 5e-324 * float(len(answers)) > 0.0  # no peer has switched subnormal numbers off in this process
    assert len(answers) > 1 or name == "sparse"  # which takes a peer to be installed
    assert "they agree" in replay.agreement(list(answers.values())), answers


@pytest.mark.parametrize("name", ["relu", "digits", "ode", "rosenbrock", "alternating", "sparse"])
def test_the_derivatives_are_those_of_the_function(name):
    """By differences, of the function as it is written for scalars."""
    row = SMALL[name]
    if name == "sparse":
        pytest.importorskip("scipy")
    run, answer = ours.compiled(row)
    value, found = answer(run())
    if row.network is not None:
        shapes = [(n_out, n_in + 1) for n_in, n_out in zip(row.network.widths[:-1], row.network.widths[1:], strict=True)]
        start = problems.flat(problems.arrays_of(row.network))

        def f(x):
            cuts = np.cumsum([a * b for a, b in shapes])[:-1]
            layers = [part.reshape(shape) for part, shape in zip(np.split(x, cuts), shapes, strict=True)]
            points, labels = problems.samples_of(row.network)
            for i, layer in enumerate(layers):
                points = points @ layer[:, :-1].T + layer[:, -1]
                if i < len(layers) - 1:
                    points = np.tanh(points) if row.network.activation == "tanh" else np.maximum(points, 0.0)
            if row.network.loss == "hinge":
                return np.maximum(1.0 - labels * points[:, 0], 0.0).mean()
            return (np.log(np.exp(points).sum(axis=1)) - points[np.arange(len(points)), labels]).mean()

    else:
        start = problems.point(row)

        def f(x):
            if name == "sparse":
                return np.array([x[i] * x[(i + 1) % 8] + np.exp(x[(i + 2) % 8]) * x[i] for i in range(8)])
            return problems.function(row)(list(x))

    columns = []
    for i in range(len(start)):
        step = np.zeros_like(start)
        step[i] = 1e-5
        columns.append((f(start + step) - f(start - step)) / 2e-5)
    assert np.abs(np.array(columns).T.ravel() - found).max() < 1e-6 * max(1.0, np.abs(found).max())
    assert name == "sparse" or abs(value - f(start)) < 1e-12


def test_a_million_operations_that_alternate_stay_where_they_are():
    """At ½, where products and sums in turns neither vanish nor grow: else agreement would say nothing."""
    row = Row("alternating", "", 1 << 12)
    assert 0.1 < problems.function(row)(list(problems.point(row))) < 2.5


# ---- in processes of their own ----------------------------------------------------------------------------------------------


@pytest.mark.once
def test_measured_in_turns_with_a_peer_of_ones_own_and_one_that_cannot_be(tmp_path, monkeypatch):
    own = tmp_path / "own.py"
    own.write_text(
        "import numpy\n\n\n"
        "def fast(row):\n    return lambda: 0.0, lambda found: (69.0, numpy.zeros(row.size))\n\n\n"
        "def broken(row):\n    raise OSError('no licence\\nmore')\n\n\n"
        "def _helper():\n    pass\n"
    )
    monkeypatch.setenv(peers.OWN, str(own))
    monkeypatch.setattr(replay, "PEERS", {OURS: PEERS[OURS]})
    row = ROWS["rosenbrock-10"]
    found = replay.measure(row, turns=1, seconds=0.001)
    assert list(found.peers) == [OURS, "fast"]
    assert found.left_out == {"broken": "OSError: no licence"}
    assert all(one.seconds > 0.0 for one in found.peers.values())
    assert "DISAGREE" in found.agreement
    told = replay.table(row, found)
    assert "left out: broken: OSError: no licence" in told
    assert told.splitlines()[0] == row.title


@pytest.mark.once
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_patience_ends_and_what_the_peer_has_started_with_it(tmp_path, monkeypatch):
    own, note = tmp_path / "own.py", tmp_path / "pid"
    own.write_text(
        "import pathlib, subprocess\n\n\n"
        "def slow(row):\n"
        "    sleeping = subprocess.Popen(['sleep', '600'])\n"
        f"    pathlib.Path({str(note)!r}).write_text(str(sleeping.pid))\n"
        "    sleeping.wait()\n"
    )
    monkeypatch.setenv(peers.OWN, str(own))
    monkeypatch.setattr(peers, "PATIENCE", 8.0)
    with pytest.raises(ImportError, match="not ready after 8 s"):
        peers.Running("slow", ROWS["rosenbrock-10"])
    status = Path("/proc", note.read_text(), "status")
    for _ in range(100):
        if not status.exists() or "State:\tZ" in status.read_text():
            return
        time.sleep(0.1)
    raise AssertionError("what the peer had started runs on")


@pytest.mark.once
def test_ours_must_be_there(monkeypatch):
    monkeypatch.setattr(replay, "PEERS", {OURS: PEERS[OURS]})
    with pytest.raises(ImportError, match="its process ended with 1"):
        replay.measure(Row("no such kind", ""), turns=1, seconds=0.0)


@pytest.mark.once
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is what Linux tells")
@pytest.mark.parametrize("kind", ["alternating", "ode"])
def test_memory_beside_the_recording(kind):
    size = 1 << 14 if kind == "alternating" else 400
    recording, kept, most = peers.memory(Row(kind, "", size))
    assert recording > 90 * 16_000
    assert 0 < kept <= most < 2_000 * 24_000


@pytest.mark.once
def test_the_parts_are_known_by_name():
    done = subprocess.run([sys.executable, "-m", "benchmarks", "gpt-9"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "no such part: gpt-9" in done.stderr
    assert all(name in done.stderr for name in (*ROWS, "replay", "chain"))


# ---- told -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "verdict"),
    [
        ((1.0, [2.0, 3.0]), "they agree"),
        ((1.0, [2.0, 3.1]), "THEY DISAGREE"),
        ((1.1, [2.0, 3.0]), "THEY DISAGREE"),
        ((float("nan"), [2.0, 3.0]), "THEY DISAGREE"),
        ((1.0, [float("nan"), 3.0]), "THEY DISAGREE"),
    ],
)
def test_disagreement_is_told(theirs, verdict):
    same = (1.0, np.array([2.0, 3.0]))
    assert verdict in replay.agreement([same, same, (theirs[0], np.array(theirs[1]))])
    assert verdict in replay.agreement([same, (theirs[0], np.array(theirs[1])), same])


def test_goals_for_the_rows_that_were_run():
    def found(memory=None, **times):
        return Found({name: Measured(*pair) for name, pair in times.items()}, "", {}, memory)

    rows = {
        "moons-relu-100": found(**{OURS: (20e-6, 0.1), "jax.jit": (80e-6, 1.0), "C by hand": (10e-6, 0.1)}),
        "rk4-1000": found(**{OURS: (190e-6, 0.1), "C by hand": (48e-6, 0.1), "aadc": (185e-6, 0.1)}),
        "threads-tanh": found(**{OURS: (18e-3, 0.1), THREADED: (10e-3, 0.1), "jax.jit": (1e-3, 1.0)}),
        "alternating": found((100 << 20, 140 << 20, 260 << 20), **{OURS: (5e-3, 3.0)}),
        "gpt-8": found(**{OURS: (1e-4, 0.31)}),
    }
    table = {row[0]: (row[2], row[4]) for row in replay.goals(rows).rows}
    assert table == {
        "moons-relu-100: µs, × jax.jit": ("0.25", "met"),
        "moons-relu-100: µs, × C by hand": ("2.00", "NOT MET"),
        "rk4-1000: µs, × C by hand": ("3.96", "met"),
        "rk4-1000: µs, × aadc": ("1.03", "NOT MET"),
        "threads-tanh: µs, one core ÷ two threads": ("1.80", "met"),
        "alternating: CPU s to the first": ("3.00", "met"),
        "alternating: bytes an operation, kept": ("140.00", "met"),
        "alternating: bytes an operation, at the peak": ("260.00", "NOT MET"),
        "gpt-8: CPU s to the first": ("0.31", "NOT MET"),
    }
    assert not replay.goals({}).rows
