"""fit: what it trains, in which order, when it stops, and that the model is never left between two steps."""

import math
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from types import SimpleNamespace

import pytest

import autodiff as ad
from autodiff import nn, optim

LINE = [[0.0], [1.0], [2.0], [3.0], [4.0]], [1.0, 3.0, 5.0, 7.0, 9.0]  # y = 2x + 1


def line():
    return nn.Perceptron(1, "linear", seed=1)


def fit(model, xs=LINE[0], ys=LINE[1], *, lr=0.05, epochs=20, **options):
    """A quiet training with SGD, unless the options say otherwise."""
    optimizer = options.pop("optimizer", None) or optim.SGD(model.parameters(), lr=lr)
    return nn.fit(model, xs, ys, optimizer=optimizer, epochs=epochs, **{"progress": False, **options})


# ---- what it does -----------------------------------------------------------------------------------------------------------


def test_a_line_is_found():
    model = line()
    log = fit(model, epochs=500)
    assert model.w[0].data == pytest.approx(2.0, abs=1e-4)
    assert model.b.data == pytest.approx(1.0, abs=1e-4)
    assert log.losses[-1] < 1e-8 < log.losses[0]
    assert log.steps == len(log.losses) == 500


def test_it_is_the_loop_one_would_write():
    model, twin = nn.MLP(1, [3, 1], "tanh", seed=2), nn.MLP(1, [3, 1], "tanh", seed=2)
    log = fit(model, epochs=7, loss=nn.mae)
    optimizer, losses = optim.SGD(twin.parameters(), lr=0.05), []
    for _ in range(7):
        loss = nn.mae([twin(x) for x in LINE[0]], LINE[1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.data)
    assert model.state_dict() == twin.state_dict()
    assert log.losses == losses


def recorded_batches(**options):
    """The xs of every batch, by epoch."""
    seen = []

    def loss(outputs, targets):
        seen.append(targets)
        return nn.mse(outputs, targets)

    fit(line(), epochs=3, loss=loss, **options)
    return seen


def test_batches_are_in_the_order_of_the_data_without_shuffling():
    ys = LINE[1]
    assert recorded_batches(batch_size=2, shuffle=False) == [ys[:2], ys[2:4], ys[4:]] * 3
    assert recorded_batches(batch_size=99) == recorded_batches() == [ys] * 3


def test_shuffled_batches_are_drawn_anew_each_epoch_and_repeatably():
    first = recorded_batches(batch_size=2, seed=4)
    assert first == recorded_batches(batch_size=2, seed=4) == recorded_batches(batch_size=2, seed=random.Random(4))
    assert first != recorded_batches(batch_size=2, seed=5)
    epochs = [first[i] + first[i + 1] + first[i + 2] for i in (0, 3, 6)]
    assert [sorted(epoch) for epoch in epochs] == [LINE[1]] * 3
    assert epochs[0] != epochs[1]
    random.seed(9)
    by_python = recorded_batches(batch_size=2)
    random.seed(9)
    assert recorded_batches(batch_size=2) == by_python


def test_a_seed_repeats_a_training_to_the_last_bit():
    def weights():
        model = nn.MLP(1, [3, 1], "tanh", seed=1)
        return [row.tobytes() for row in fit(model, batch_size=2, seed=7).weights]

    assert weights() == weights()


def test_the_loss_of_an_epoch_is_the_mean_over_samples_of_unequal_batches():
    log = fit(line(), epochs=1, lr=0.0, batch_size=2)
    assert log.losses == pytest.approx(fit(line(), epochs=1, lr=0.0).losses, rel=1e-14)


def test_zero_epochs_and_a_zero_rate_change_nothing():
    model = line()
    before = model.state_dict()
    log = fit(model, epochs=0)
    assert (log.losses, log.steps, log.weights) == ([], 0, [])
    assert "0 epochs, 0 steps" in repr(log)
    fit(model, lr=0.0)
    assert model.state_dict() == before


def test_a_schedule_gives_the_rate_of_each_step():
    rates, model = [], line()
    optimizer = optim.SGD(model.parameters(), lr=99.0)
    step = optimizer.step

    def noting():
        rates.append(optimizer.lr)
        step()

    optimizer.step = noting
    log = fit(model, optimizer=optimizer, schedule=lambda step: 0.1 / (1 + step), epochs=2, batch_size=3)
    assert rates == [0.1, 0.05, 0.1 / 3, 0.025]
    assert log.learning_rates == [0.05, 0.025]


@pytest.mark.parametrize("rate", [math.nan, -0.1, math.inf])
def test_a_schedule_without_sense_is_refused_before_its_step(rate):
    model = line()
    before = model.state_dict()
    with pytest.raises(ad.SettingError, match="the schedule's learning rate"):
        fit(model, schedule=lambda step: rate)
    assert model.state_dict() == before


def test_a_long_gradient_is_clipped_to_its_length_and_a_short_one_left():
    def moved(clip_norm):
        model = line()
        before = list(model.state_dict().values())
        fit(model, lr=1.0, epochs=1, clip_norm=clip_norm)
        return [a - b for a, b in zip(model.state_dict().values(), before, strict=True)]

    free, clipped = moved(None), moved(0.5)
    assert math.hypot(*clipped) == pytest.approx(0.5, rel=1e-5)  # 0.5 / (norm + 1e-6) times the norm
    assert clipped[0] / clipped[1] == pytest.approx(free[0] / free[1], rel=1e-12)
    assert moved(1e6) == free


def test_a_callback_sees_the_log_after_each_epoch():
    seen = []
    log = fit(line(), epochs=3, callback=lambda log: seen.append((log, len(log.losses), log.steps)))
    assert seen == [(log, 1, 1), (log, 2, 2), (log, 3, 3)]


# ---- data -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_data_may_be_arrays_also_read_only_ones(dtype):
    np = pytest.importorskip("numpy")
    xs, ys = (np.array(data, dtype=dtype) for data in LINE)
    xs.flags.writeable = ys.flags.writeable = False
    model, twin = line(), line()
    assert fit(model, xs, ys).losses == fit(twin).losses
    assert fit(line(), xs[:, 0], ys[:, None]).losses == fit(line()).losses  # one number a sample; targets as a column


def test_classes_may_be_an_array_of_integers():
    np = pytest.importorskip("numpy")
    model = nn.Layer(2, 2, "linear", seed=0)
    xs = np.array([[0.0, 1.0], [1.0, 0.0]] * 3, dtype=np.float32)
    log = fit(model, xs, np.array([0, 1] * 3), loss=nn.cross_entropy, lr=1.0, epochs=100, validation=(xs, [0, 1] * 3))
    assert log.losses[-1] < 0.05
    assert log.validation[-1] < 0.05


def test_data_may_come_from_generators():
    assert fit(line(), (x for x in LINE[0]), iter(LINE[1])).losses == fit(line()).losses


# ---- validation and early stopping ------------------------------------------------------------------------------------------


def test_validation_is_the_loss_of_the_model_after_the_epoch():
    model, held_out = line(), ([[5.0], [6.0]], [11.0, 13.0])
    seen = []
    log = fit(
        model, validation=held_out, callback=lambda _: seen.append(nn.mse([model(x) for x in held_out[0]], held_out[1]).data)
    )
    assert log.validation == seen
    assert log.best_epoch is None


@pytest.mark.parametrize("compile", [False, True])
def test_validation_weighs_a_short_last_batch_by_its_samples(compile):
    log = fit(model := line(), lr=0.0, epochs=1, batch_size=2, validation=LINE, compile=compile)
    assert log.validation == pytest.approx([nn.mse([model(x) for x in LINE[0]], LINE[1]).data], rel=1e-14)


def test_no_graph_outlives_its_batch_and_validation_changes_no_gradient(without_collector):
    model, made, alive = line(), [], []

    def loss(outputs, targets):
        alive.append(sum(graph() is not None for graph in made))
        result = nn.mse(outputs, targets)
        made.append(weakref.ref(result))
        return result

    fit(model, loss=loss, epochs=2, batch_size=2, validation=LINE)
    assert alive == [0] * 12
    assert [graph() for graph in made] == [None] * 12
    twin = line()
    fit(twin, epochs=1)
    fit(model := line(), epochs=1, validation=LINE)
    assert [parameter.grad for parameter in model.parameters()] == [parameter.grad for parameter in twin.parameters()]


def overfitting():
    """A training whose validation loss falls, and then rises: the targets of the held-out data are met on the way."""
    return {"lr": 0.01, "epochs": 200, "validation": ([[2.0]], [3.5])}


def test_patience_stops_and_restores_the_best_epoch():
    model = line()
    log = fit(model, patience=5, **overfitting())
    assert log.stopped_early
    assert log.best_epoch == 1 + log.validation.index(min(log.validation))
    assert len(log.losses) == log.best_epoch + 5 < 200
    assert list(model.state_dict().values()) == list(log.weights[log.best_epoch - 1])
    assert nn.mse(model([2.0]), 3.5).data == min(log.validation)
    assert "stopped early" in repr(log)


def test_patience_restores_the_best_epoch_also_when_there_is_no_time_left():
    model = line()
    log = fit(model, patience=1000, **overfitting())
    assert not log.stopped_early
    assert len(log.losses) == 200
    assert nn.mse(model([2.0]), 3.5).data == min(log.validation)


def test_patience_without_validation_data_watches_the_training_data_after_each_epoch():
    model = line()
    log = fit(model, lr=0.3, epochs=50, patience=3)  # a rate that is too large: it diverges from the first step on
    assert log.stopped_early
    assert log.best_epoch == 1
    assert nn.mse([model(x) for x in LINE[0]], LINE[1]).data == pytest.approx(log.validation[0])


def test_a_validation_loss_of_nan_is_no_new_lowest():
    model = line()
    log = fit(model, validation=([[math.nan]], [1.0]), patience=2)
    assert log.stopped_early
    assert (len(log.losses), log.best_epoch) == (2, None)


# ---- what it refuses, before anything is changed ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"xs": [], "ys": []}, ad.ShapeError, "of no data"),
        ({"ys": [1.0]}, ad.ShapeError, "of 5 xs and 1 ys"),
        ({"xs": 3.0}, TypeError, "xs is float 3.0, not a sequence"),
        ({"ys": "12345"}, TypeError, "ys is str"),
        ({"epochs": -1}, ad.SettingError, r"fit\(epochs\) is -1: it must be at least 0"),
        ({"epochs": 1.5}, TypeError, r"fit\(epochs\) takes a whole number, not float 1.5"),
        ({"epochs": None}, TypeError, r"fit\(epochs\) takes a whole number"),
        ({"batch_size": 0}, ad.SettingError, r"batch_size\) is 0: it must be at least 1"),
        ({"batch_size": 2.0}, TypeError, r"batch_size\) takes a whole number"),
        ({"patience": 0}, ad.SettingError, r"patience\) is 0: it must be at least 1"),
        ({"clip_norm": -1.0}, ad.SettingError, r"clip_norm\) is -1\.0: it must be at least 0"),
        ({"clip_norm": math.nan}, ad.SettingError, r"clip_norm\) is nan"),
        ({"validation": [[1.0]]}, TypeError, "validation="),
        ({"validation": ([[1.0]], [])}, ad.ShapeError, "validation of 1 xs and 0 ys"),
        ({"validation": ([], [])}, ad.ShapeError, "validation of no data"),
        ({"seed": "x"}, TypeError, "a seed is"),
        ({"optimizer": optim.SGD}, TypeError, "is no optimizer"),
        ({"optimizer": 0.1}, TypeError, "no parameters: pass one such as"),
        (
            {"optimizer": SimpleNamespace(parameters=[], lr=0.1, step=print, zero_grad=print)},
            ad.SettingError,
            "no parameters to train",
        ),
        (
            {"optimizer": optim.SGD([ad.Value(1.0)])},
            ad.SettingError,
            "none of the optimizer's 1 parameters belongs to the model",
        ),
        ({"loss": lambda outputs, targets: 1.0}, TypeError, "returned float 1.0, not a Value"),
        ({"loss": lambda outputs, targets: outputs}, TypeError, r"<lambda>\(\) returned list"),
    ],
    ids=lambda x: str(x).partition(" at 0x")[0][:40],
)
def test_options_without_sense_are_refused_before_anything_changes(options, error, message):
    model = line()
    before = model.state_dict()
    with pytest.raises(error, match=message):
        fit(model, **{"xs": LINE[0], "ys": LINE[1], **options})
    assert model.state_dict() == before


def test_without_an_optimizer_it_says_what_to_pass():
    with pytest.raises(TypeError, match=r"optimizer=optim\.SGD\(model\.parameters\(\), lr=0\.1\)"):
        nn.fit(line(), *LINE, epochs=1)


# ---- nan and inf ------------------------------------------------------------------------------------------------------------


def test_a_nan_loss_stops_before_its_step_and_names_epoch_batch_and_operation():
    model = line()
    rows = []

    def loss(outputs, targets):
        rows.append(list(model.state_dict().values()))
        return ad.log(1.0 - targets[0] / 9.0 + 0 * outputs[0]) * nn.mse(outputs, targets)

    with pytest.raises(ad.TrainingDiverged) as caught:
        fit(model, loss=loss, batch_size=2, shuffle=False, epochs=4)
    message = str(caught.value)
    assert "the loss is -inf in epoch 1, batch 3: log of Value(0.0" in message
    assert message.endswith("The parameters are as after the last whole step, number 2")
    assert list(model.state_dict().values()) == rows[-1] != rows[0]
    assert isinstance(caught.value, ad.NonFiniteError)
    assert caught.value.log.steps == 2
    assert str(pickle.loads(pickle.dumps(caught.value))) == message


def test_a_rate_that_is_too_large_ends_in_an_error_with_the_log_so_far():
    model = line()
    with pytest.raises(ad.TrainingDiverged, match=r"the loss is (inf|nan) in epoch \d+, batch 1") as caught:
        fit(model, lr=10.0, epochs=1000)
    log = caught.value.log
    assert 10 < len(log.losses) == log.steps < 1000
    assert list(model.state_dict().values()) == list(log.weights[-1])
    assert all(map(math.isfinite, log.losses))


def test_a_nan_in_the_data_is_named():
    xs = [[0.0], [math.nan], [2.0]]
    with pytest.raises(ad.TrainingDiverged, match=r"dot of Value\(.*'w\.0'.*nan is nan"):
        fit(line(), xs, [0.0, 0.0, 0.0])


def test_a_nan_is_named_with_its_line_if_lines_are_recorded():
    def loss(outputs, targets):
        return ad.log(outputs[0] * 0.0)

    line_of_log = loss.__code__.co_firstlineno + 1
    with ad.record_source(), pytest.raises(ad.TrainingDiverged) as caught:
        fit(line(), loss=loss)
    assert f"is -inf, at {__file__}:{line_of_log}: ad.log(outputs[0] * 0.0). The parameters" in str(caught.value)


def test_a_gradient_that_is_not_finite_is_named_by_its_parameter():
    model = line()
    model.b.data = 0.0
    before = model.state_dict()
    with pytest.raises(ad.TrainingDiverged, match=r"the loss is 0 in epoch 1, batch 1, but the gradient of w\.0 is nan"):
        fit(model, [[0.0]], [0.0], loss=lambda outputs, targets: ad.sqrt(outputs[0]))
    assert model.state_dict() == before


def test_gradients_whose_sum_alone_is_too_large_are_finite():
    model = nn.Perceptron(2, "linear", seed=1)
    log = fit(model, [[1e308, 1e308]], [0.0], lr=0.0, epochs=1, loss=lambda outputs, targets: outputs[0] * 1.0)
    assert log.steps == 1


# ---- Ctrl-C -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def the_handler_comes_back():
    before = signal.getsignal(signal.SIGINT)
    yield
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_in_the_loss_leaves_the_model_as_after_the_last_whole_step():
    model, rows = line(), []

    def loss(outputs, targets):
        rows.append(list(model.state_dict().values()))
        if len(rows) == 8:
            signal.raise_signal(signal.SIGINT)
        return nn.mse(outputs, targets)

    log = fit(model, loss=loss, batch_size=2)
    assert log.interrupted
    assert (log.steps, len(log.losses)) == (7, 2)
    assert list(model.state_dict().values()) == rows[-1]
    assert repr(log).endswith("interrupted)")


class Interrupted(optim.SGD):
    """Ctrl-C is pressed in the middle of a step."""

    at = 4

    def step(self):
        self.at -= 1
        if self.at == 0:
            *first, last = self.parameters
            optim.SGD(first, lr=self.lr).step()
            signal.raise_signal(signal.SIGINT)
            optim.SGD([last], lr=self.lr).step()
        else:
            super().step()


def test_ctrl_c_in_a_step_waits_until_it_is_whole():
    model, twin = line(), line()
    log = fit(model, optimizer=Interrupted(model.parameters(), lr=0.05))
    fit(twin, epochs=4)
    assert log.interrupted
    assert log.steps == 4
    assert model.state_dict() == twin.state_dict()
    assert [p.grad for p in model.parameters()] == [p.grad for p in twin.parameters()]


def test_ctrl_c_in_validation_and_in_the_callback_end_the_training_too():
    def press(log):
        signal.raise_signal(signal.SIGINT)

    model = line()
    log = fit(model, callback=press)
    assert (log.interrupted, len(log.losses)) == (True, 1)
    assert list(model.state_dict().values()) == list(log.weights[-1])

    calls = []

    def loss(outputs, targets):
        calls.append(len(targets))
        if calls.count(1) == 2:
            signal.raise_signal(signal.SIGINT)
        return nn.mse(outputs, targets)

    log = fit(line(), loss=loss, validation=([[1.0]], [1.0]), patience=1)
    assert (log.interrupted, log.steps, len(log.losses), log.best_epoch) == (True, 2, 1, 1)


def test_a_handler_of_ones_own_is_called_after_the_step():
    seen, before = [], signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, lambda *_: seen.append("handled"))
    try:
        model = line()
        log = fit(model, optimizer=Interrupted(model.parameters(), lr=0.05), epochs=6)
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == ["handled"]
    assert (log.interrupted, log.steps) == (False, 6)


def test_training_in_another_thread_touches_no_signals():
    logs = []
    thread = threading.Thread(target=lambda: logs.append(fit(line())))
    thread.start()
    thread.join()
    assert logs[0].steps == 20


SCRIPT = """
import sys
from autodiff import nn, optim

class Slow(optim.SGD):
    def step(self):
        super().step()
        print("step", flush=True)

model = nn.MLP(2, [8, 8, 1], "tanh", seed=1)
xs = [[i / 50, 1 - i / 50] for i in range(50)]
log = nn.fit(model, xs, [x[0] for x in xs], optimizer=Slow(model.parameters(), lr=0.01), epochs=10**9, progress=False)
twin = nn.MLP(2, [8, 8, 1], "tanh", seed=1)
nn.fit(twin, xs, [x[0] for x in xs], optimizer=optim.SGD(twin.parameters(), lr=0.01), epochs=log.steps, progress=False)
print("same" if twin.state_dict() == model.state_dict() else "different", log.interrupted)
"""


@pytest.mark.skipif(sys.gettrace() is not None, reason="what a signal handler raises leaves the lock of coverage.py taken")
@pytest.mark.parametrize("steps", [1, 7, 30])
def test_a_process_that_gets_ctrl_c_ends_its_training_between_two_steps(steps):
    environment = {**os.environ, "PYTHONPATH": str(Path(ad.__file__).parents[1])}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        for _ in range(steps):
            assert process.stdout.readline() == "step\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()  # it would never end by itself
    assert process.returncode == 0, err
    assert out.splitlines()[-1] == "same True"


# ---- the log ----------------------------------------------------------------------------------------------------------------


def test_the_log_has_a_row_of_weights_for_each_epoch_under_their_paths():
    model = nn.MLP(1, [2, 1], seed=3)
    log = fit(model, epochs=3)
    assert log.names == [path for path, _ in model.named_parameters()]
    assert [len(row) for row in log.weights] == [7] * 3
    assert log.weights[0].typecode == "d"
    assert list(log.weights[-1]) == [parameter.data for parameter in model.parameters()]
    assert log.seconds == sorted(log.seconds)
    assert log.learning_rates == [0.05] * 3


def test_parameters_beyond_the_model_are_logged_by_their_names():
    model, extra, nameless = line(), ad.Value(1.0, "temperature"), ad.Value(1.0)
    log = fit(model, optimizer=optim.SGD([*model.parameters(), extra, nameless], lr=0.1), epochs=1)
    assert log.names == ["w.0", "b", "temperature", "parameter 3"]


def test_a_model_may_be_a_plain_function():
    w = ad.Value(0.0, "w")
    log = fit(lambda x: w * x[0], optimizer=optim.SGD([w], lr=0.05))
    assert log.names == ["w"]
    assert w.data > 2


def test_the_log_says_the_essential_in_a_line():
    log = fit(line(), epochs=1, validation=LINE)
    assert repr(log).startswith("TrainingLog(1 epoch, 1 step, loss ")
    assert "validation" in repr(log)


def test_a_log_is_drawn_and_written_and_shown_by_pixels_that_differ(tmp_path):
    pytest.importorskip("matplotlib")
    log = fit(nn.MLP(1, [3, 1], "tanh", seed=1), epochs=30, patience=30, validation=LINE)
    figure = log.plot(tmp_path / "log.png")
    assert (tmp_path / "log.png").read_bytes().startswith(b"\x89PNG")
    log.plot(tmp_path / "log.svg")
    assert "<svg" in (tmp_path / "log.svg").read_text(encoding="utf-8")
    assert sorted(os.listdir(tmp_path)) == ["log.png", "log.svg"]
    losses, weights = figure.axes
    assert losses.get_yscale() == "log"
    assert list(losses.lines[0].get_ydata()) == log.losses
    assert list(losses.lines[1].get_ydata()) == log.validation
    assert len(weights.lines) == 10
    assert [line.get_label() for line in weights.lines] == log.names


def test_losses_with_a_zero_or_of_one_size_are_on_a_plain_axis():
    pytest.importorskip("matplotlib")
    assert nn.TrainingLog(["w"], [1.0, 0.0], weights=[[1.0], [1.0]]).plot().axes[0].get_yscale() == "linear"
    assert nn.TrainingLog(["w"], [1.0, 0.5], weights=[[1.0], [1.0]]).plot().axes[0].get_yscale() == "linear"


def test_of_many_weights_a_hundred_are_drawn():
    pytest.importorskip("matplotlib")
    log = fit(nn.MLP(1, [50, 1], seed=1), epochs=1, lr=1e-6)
    weights = log.plot().axes[1]
    assert len(weights.lines) == 100
    assert weights.get_ylabel() == "parameters, 100 of 151"


def test_nothing_to_plot_and_nothing_to_plot_with_are_clear_errors(run_script):
    with pytest.raises(ad.ShapeError, match="no whole epoch"):
        nn.TrainingLog().plot()
    script = (
        "import importlib.util\n"
        "importlib.util.find_spec = lambda name: None\n"
        "from autodiff import nn\n"
        "try:\n    nn.TrainingLog(['w'], [1.0], weights=[[1.0]]).plot()\n"
        "except ImportError as error:\n    print(error)"
    )
    assert 'pip install "autodiff-scalar[plot]"' in run_script(script)


# ---- going on ---------------------------------------------------------------------------------------------------------------


def farthest(outputs, targets):
    return max(abs(output - target) for output, target in zip(outputs, targets, strict=True))


FARTHEST = {"farthest": farthest}


def test_a_training_that_goes_on_is_the_one_that_went_through():
    options = {"batch_size": 2, "schedule": lambda step: 0.05 / (1 + step), "metrics": FARTHEST, "validation": LINE}
    whole, half = line(), line()
    through = fit(whole, epochs=6, seed=3, **options)
    log = fit(half, epochs=2, seed=3, **options)
    log.interrupted, log.stopped_early, log.best_epoch, seen = True, True, 1, []
    seeing = lambda log: seen.append((log.interrupted, log.stopped_early, log.best_epoch, log.run))  # noqa: E731
    assert fit(half, epochs=4, seed=99, log=log, callback=seeing, **options) is log
    assert seen == [(False, False, None, None)] * 4
    assert half.state_dict() == whole.state_dict()
    assert (log.steps, len(log.losses), log.interrupted, log.stopped_early) == (18, 6, False, False)
    for name in ("losses", "validation", "metrics", "weights", "learning_rates", "shuffling"):
        assert getattr(log, name) == getattr(through, name), name
    assert log.seconds == sorted(log.seconds)


def test_patience_that_goes_on_counts_from_the_best_epoch_there_was():
    model = line()
    log = fit(model, lr=0.3, epochs=2, patience=4)  # a rate that is too large: the first epoch is the best
    assert (log.best_epoch, log.stopped_early) == (1, False)
    first = list(log.weights[0])
    fit(model, lr=0.3, epochs=9, patience=4, log=log)
    assert (log.best_epoch, log.stopped_early, len(log.losses)) == (1, True, 5)
    assert list(model.state_dict().values()) == first


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"metrics": FARTHEST}, {}),
        ({}, {"metrics": FARTHEST}),
        ({"metrics": FARTHEST}, {"metrics": {"other": farthest}}),
        ({"validation": LINE}, {}),
        ({}, {"validation": LINE}),
        ({}, {"patience": 3}),
        ({"patience": 3}, {}),
    ],
)
def test_the_log_of_a_training_with_other_options_is_refused(before, after):
    model = line()
    log = fit(model, epochs=2, **before)
    rows, state = log.to_dict(), model.state_dict()
    with pytest.raises(ad.SettingError, match="the log of another training"):
        fit(model, epochs=1, log=log, **after)
    assert (log.to_dict(), model.state_dict()) == (rows, state)


def test_the_log_of_other_parameters_is_refused_and_one_without_epochs_takes_any_validation():
    model, extra = line(), ad.Value(1.0, "extra")
    log, both = fit(model, epochs=0), [*model.parameters(), extra]
    of_both = fit(model, optimizer=optim.SGD(both, lr=0.1), epochs=0)
    for one, trained in [(log, both), (of_both, model.parameters())]:
        with pytest.raises(ad.SettingError, match="the log of another training"):
            fit(model, optimizer=optim.SGD(trained, lr=0.1), log=one)
    assert len(fit(model, epochs=1, validation=LINE, log=log).validation) == 1


def test_progress_hears_of_every_step_and_epoch_from_1_also_in_a_training_that_goes_on(monkeypatch):
    heard = []
    listener = SimpleNamespace(
        step=lambda *place: heard.append(place), epoch=lambda *what: heard.append(what), close=lambda: heard.append("closed")
    )
    monkeypatch.setattr("autodiff.nn.training.progress_to", lambda *options: heard.append(options) or listener)
    log = fit(model := line(), epochs=1, batch_size=2, validation=LINE, metrics=FARTHEST)
    fit(model, epochs=2, batch_size=2, validation=LINE, metrics=FARTHEST, log=log)
    rows = zip(log.losses, log.validation, log.metrics["farthest"], strict=True)
    said = [f"loss {loss:.4g}, validation {held_out:.4g}, farthest {far:.4g}" for loss, held_out, far in rows]
    first, second = [(1, 1), (1, 2), (1, 3)], [(2, 1), (2, 2), (2, 3)]
    assert heard[:6] == [(1, 3, False), *first, (1, said[0]), "closed"]
    assert heard[6:] == [(2, 3, False), *first, (1, said[1]), *second, (2, said[2]), "closed"]


def test_the_seconds_of_the_log_are_those_that_passed():
    started = time.perf_counter()
    log = fit(model := line(), epochs=3)
    first = list(log.seconds)
    fit(model, epochs=2, log=log)
    assert 0 < first[0] < first[1] < first[2] < log.seconds[3] < log.seconds[4] <= time.perf_counter() - started


def test_compiled_a_loss_that_is_no_mean_is_refused_however_small_it_is():
    def sum_of_squares(outputs, targets):
        return ad.sum([(output - target) ** 2 for output, target in zip(outputs, targets, strict=True)])

    model = line()
    near = [model(x).data + 1e-3 for x in LINE[0]]
    before = model.state_dict()
    with pytest.raises(ad.SettingError, match="the mean of the losses of single samples"):
        fit(model, ys=near, loss=sum_of_squares, compile=True)
    assert model.state_dict() == before


def test_a_record_that_cannot_be_written_is_said_of_the_line_that_called(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    model = line()
    options = {"epochs": 1, "progress": False, "record": folder / "a.run", "callback": lambda _: folder.rmdir()}
    with pytest.warns(RuntimeWarning, match="could not be written") as caught:
        nn.fit(model, *LINE, optimizer=optim.SGD(model.parameters(), lr=0.05), **options)
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize("held_out", [None, ([[9.0], [7.0]], [0.0, 1.0])])
def test_metrics_are_of_the_model_after_the_epoch_on_what_was_held_out_if_anything_was(held_out):
    model = line()
    log = fit(model, epochs=2, metrics=FARTHEST, validation=held_out)
    xs, ys = held_out or LINE
    assert log.metrics["farthest"][-1] == farthest([model(x).data for x in xs], ys)
