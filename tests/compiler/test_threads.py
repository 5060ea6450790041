"""Threads share the samples of a batch, and the order of calls, batches and forms of arrays change no bit."""

import os
import threading

import numpy as np
import pytest

import autodiff as ad
from autodiff import nn


def losses(**options):
    model = nn.MLP(3, [9, 5, 1], "tanh", seed=2)
    return model, ad.compile(lambda x, y: (model(x) - y) ** 2 + ad.relu(x[0] * y), **options)


def swept(f, model, *batch):
    for p in model.parameters():
        p.grad = 0.0
    return f.backward(*batch), [p.grad for p in model.parameters()]


@pytest.mark.parametrize("n", [0, 1, 2, 7, 100, 127, 128, 129, 500, 3001])
def test_the_number_of_threads_changes_no_bit(n):
    rng = np.random.default_rng(n)
    xs, ys = rng.normal(size=(n, 3)), rng.normal(size=n)
    model, one = losses()
    mapped = one.map(xs, ys)
    backward = swept(one, model, xs, ys) if n else None
    for threads in (2, 3, 8):
        model, several = losses(threads=threads)
        for _ in range(2):
            assert (several.map(xs, ys) == mapped).all()
            if n:
                assert swept(several, model, xs, ys) == backward


def test_a_sample_has_the_same_bits_in_every_batch_lane_and_thread():
    rng = np.random.default_rng(1)
    xs, ys = rng.normal(size=(777, 3)), rng.normal(size=777)
    _, f = losses(threads=2)
    alone = [f(x.tolist(), y) for x, y in zip(xs, ys, strict=True)]
    for begin, end in ((0, 777), (0, 130), (5, 6), (100, 777), (640, 777)):
        assert f.map(xs[begin:end], ys[begin:end]).tolist() == alone[begin:end]


def test_batches_read_from_buffers_and_others_take_turns():
    rng = np.random.default_rng(2)
    xs, ys = rng.normal(size=(40, 3)), rng.normal(size=40)
    model, f = losses()
    expected = swept(f, model, xs, ys)
    wide = np.zeros((80, 6))
    wide[::2, ::2] = xs
    for batch in (
        (xs, ys), (xs.tolist(), ys.tolist()), (xs, ys), (wide[::2, ::2], ys), (np.asfortranarray(xs), ys), (xs, ys.tolist()),
        (xs.astype(">f8"), ys), (list(xs), ys), (xs, ys),
    ):  # fmt: skip
        assert swept(f, model, *batch) == expected
    assert f.map(xs[:0], ys[:0]).shape == (0,)
    assert (f.map(xs.astype(np.float32), ys) != f.map(xs, ys)).any()
    with pytest.raises(ad.ShapeError, match="39 samples"):
        f.backward(xs, ys[:39])
    with pytest.raises(ad.ShapeError, match="takes 3 inputs"):
        f.backward(xs[:, :2], ys)
    assert f(xs[0], ys[0]) == f.map(xs, ys)[0]
    assert "gelu" not in f.source


def test_an_error_in_one_block_is_the_error_of_the_call_and_changes_nothing():
    table = [ad.Value(float(i)) for i in range(4)]
    f = ad.compile(lambda i: ad.take(table, i) ** 2, threads=2)
    indices = np.zeros(1000)
    assert f.backward(indices) == 0.0
    indices[700] = 9.0
    with pytest.raises(IndexError, match="not 9"):
        f.backward(indices)
    assert [v.grad for v in table] == [0.0] * 4


def test_several_python_threads_run_programs_that_use_several():
    xs = np.random.default_rng(3).normal(size=(1000, 3))
    _, f = losses(threads=2)
    ys = xs[:, 0].copy()
    expected = f.map(xs, ys)
    wrong = []
    threads = [
        threading.Thread(target=lambda: [wrong.append(1) for _ in range(20) if not (f.map(xs, ys) == expected).all()])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_threads_of_its_own(run_script):
    run_script(
        "import os, numpy as np, autodiff as ad\n"
        "f = ad.compile(lambda x: ad.tanh(x) * x, threads=2)\n"
        "xs = np.linspace(-1, 1, 1000)\n"
        "expected = f.map(xs)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os._exit(0 if (f.map(xs) == expected).all() else 1)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
    )


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2"])
def test_threads_are_a_number_from_one_on(threads):
    with pytest.raises(ValueError, match="threads"):
        ad.compile(lambda x: x, threads=threads)
