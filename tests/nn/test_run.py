"""The record of a training: every step again to the last bit, within its budget, in a file, and questions to it."""

import json
import math
import random
import struct
import zlib
from types import SimpleNamespace

import pytest

import autodiff as ad
from autodiff import nn, optim
from autodiff.nn import run_plots
from autodiff.nn.record import Row

rng = random.Random(4)
XS = [[rng.uniform(-1, 1), rng.uniform(-1, 1)] for _ in range(22)]
YS = [1.0 if x * y > 0 else -1.0 for x, y in XS]


def bits(x):
    return struct.pack("<d", x)


def same(numbers, others):
    return list(numbers) == list(others) and [*map(bits, numbers.values())] == [*map(bits, others.values())]


def network(seed=2):
    return nn.MLP(2, [3, 1], "tanh", init="uniform", seed=seed)


class Witness:
    """Notes what an optimiser's every step begins from, by looking into its class, which stays what it is."""

    def __init__(self, monkeypatch, optimizer):
        self.parameters, self.gradients, self.states, self.rates = [], [], [], []
        kind, move = type(optimizer), type(optimizer)._move

        def noting(this, steps):
            if this is optimizer:
                self.parameters.append([p.data for p in this.parameters])
                self.gradients.append([p.grad for p in this.parameters])
                self.states.append(this.state_dict())
                self.rates.append(this.lr)
            move(this, steps)

        monkeypatch.setattr(kind, "_move", noting)


OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda p: optim.Adam(p, lr=0.02, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.02),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
}


def fitted(model, optimizer=None, **options):
    optimizer = optimizer or optim.Adam(model.parameters(), lr=0.02)
    options = {"epochs": 9, "batch_size": 5, "seed": 3, "progress": False, "record": True} | options
    return nn.fit(model, XS, YS, loss=nn.mse, optimizer=optimizer, **options)


def leaves_of(loss):
    return {node.name: node for node in ad.steps(loss).nodes if not node.op}


# ---- every step again -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("compile", [False, True], ids=["recorded", "compiled"])
def test_each_step_begins_from_the_bits_of_the_training(monkeypatch, kind, compile):
    model = network()
    optimizer = OPTIMIZERS[kind](model.parameters())
    witness = Witness(monkeypatch, optimizer)
    schedule = optim.cosine(0.05, steps=45, warmup=4)
    run = fitted(model, optimizer, compile=compile, schedule=schedule, clip_norm=0.3).run
    assert len(run) == len(witness.parameters) == 45
    for step in random.Random(1).sample(range(45), 45):  # in any order
        assert [*map(bits, run[step].parameters.values())] == [*map(bits, witness.parameters[step])]
        assert run[step].optimizer == witness.states[step]
        assert run[step].lr == witness.rates[step] == schedule(step)
        scale = min(1.0, 0.3 / (math.hypot(*run[step].gradients.values()) + 1e-6))
        assert [g * scale for g in run[step].gradients.values()] == pytest.approx(witness.gradients[step], rel=1e-12)
        assert run[step].norm == pytest.approx(math.hypot(*run[step].gradients.values()), rel=1e-12)


def test_the_batches_are_those_of_the_training_and_the_last_of_an_epoch_is_short():
    seen = []

    class Noting(nn.Perceptron):
        def __call__(self, x):
            seen.append(XS.index(x))
            return super().__call__(x)

    run = fitted(Noting(2, seed=1), epochs=3).run
    assert [len(step.batch) for step in run] == [5, 5, 5, 5, 2] * 3
    assert [i for step in run for i in step.batch] == seen
    assert sorted(i for step in run[5:10] for i in step.batch) == list(range(22))
    whole = fitted(network(), epochs=2, batch_size=None).run
    assert [step.batch for step in whole] == [list(range(22))] * 2


def test_a_recorded_training_is_the_same_training():
    plain, recorded = network(), network()
    fitted(plain, record=False, clip_norm=0.5)
    fitted(recorded, clip_norm=0.5)
    assert same(plain.state_dict(), recorded.state_dict())
    assert fitted(network(), record=False).run is None


def test_the_recording_of_a_step_is_that_of_the_training_whatever_the_model_holds_by_now():
    model, losses = network(), []

    def noting(outputs, targets):
        losses.append(nn.mse(outputs, targets))
        return losses[-1]

    with ad.record_source():
        log = nn.fit(model, XS, YS, loss=noting, optimizer=optim.Adam(model.parameters()), epochs=3, batch_size=5, seed=3,
                     progress=False, record=True)  # fmt: skip
    then = [(loss.data, [node.grad for node in ad.steps(loss).nodes if node.op]) for loss in losses]
    places = [[str(node.source) for node in ad.steps(loss).nodes if node.op] for loss in losses]
    for parameter in model.parameters():
        parameter.data, parameter.grad = 7.0, 8.0
    for step in (14, 0, 7, 7, -1):
        loss = log.run.loss(step)
        operations = [node for node in ad.steps(loss).nodes if node.op]
        assert (bits(loss.data), [node.grad for node in operations]) == (bits(then[step][0]), then[step][1])
        assert [str(node.source) for node in operations] == places[step]
        leaves = leaves_of(loss)
        for name, number in log.run[step].parameters.items():
            assert leaves[name].data == number
            assert leaves[name].grad == log.run[step].gradients[name]
    assert {(parameter.data, parameter.grad) for parameter in model.parameters()} == {(7.0, 8.0)}


def test_parameters_that_are_not_trained_are_as_they_were_too():
    model = network()
    frozen = model.layers[0].parameters()
    run = fitted(model, optim.SGD(model.layers[1].parameters(), lr=0.1)).run
    then = dict(run[3].parameters)
    assert set(then) == set(model.state_dict())
    assert set(run[3].gradients) == {name for name in then if name.startswith("layers.1.")}
    before = run.loss(3).data
    for parameter in frozen:
        parameter.data = 5.0
    assert run.loss(3).data == before == run[3].loss
    assert run[3].parameters == then


def test_values_among_the_data_keep_their_gradients():
    x = ad.Value(0.5, "x")
    x.grad = 4.0
    perceptron = nn.Perceptron(1, seed=1)
    run = nn.fit(
        perceptron, [[x]], [1.0], optimizer=optim.SGD(perceptron.parameters()), epochs=2, progress=False, record=True
    ).run
    now = x.grad
    loss = run.loss(1)
    assert x.grad == now
    assert leaves_of(loss)["x"].grad == pytest.approx(ad.gradients(loss, [leaves_of(loss)["x"]])[0])


def test_what_a_callback_changes_is_not_lost():
    model = network()
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    after = []

    def meddling(log):
        model.parameters()[0].data = round(model.parameters()[0].data, 2)
        if len(log.losses) == 4:
            optimizer.load_state_dict(optim.Adam(model.parameters(), lr=0.02).state_dict())
        after.append((model.state_dict(), optimizer.state_dict()["steps"]))

    run = fitted(model, optimizer, callback=meddling).run
    for epoch in range(8):
        assert same(run[5 * (epoch + 1)].parameters, after[epoch][0])
        assert run[5 * (epoch + 1)].optimizer["steps"] == after[epoch][1]


def test_an_optimiser_of_ones_own_has_its_parameters_at_every_step():
    class Halving:
        lr = 0.5

        def __init__(self, parameters):
            self.parameters = parameters

        def zero_grad(self):
            for parameter in self.parameters:
                parameter.grad = 0.0

        def step(self):
            before.append([parameter.data for parameter in self.parameters])
            for parameter in self.parameters:
                parameter.data -= self.lr * math.copysign(0.01, parameter.grad)

    before = []
    model = network()
    run = fitted(model, Halving(model.parameters())).run
    assert [[*step.parameters.values()] for step in run] == before
    assert run[4].optimizer is None
    assert run.loss(20).data == run[20].loss


def test_patience_restores_the_model_and_leaves_the_run():
    model = network()
    log = fitted(model, optim.SGD(model.parameters(), lr=0.9), patience=2, epochs=40, validation=(XS[:4], YS[:4]))
    assert log.stopped_early
    assert len(log.run) == log.steps
    assert log.run.loss(-1).data == log.run[-1].loss


def test_ctrl_c_in_the_middle_leaves_a_run_of_whole_steps(tmp_path):
    calls = []

    def impatient(outputs, targets):
        calls.append(1)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return nn.mse(outputs, targets)

    model = network()
    optimizer, file = optim.Adam(model.parameters()), tmp_path / "a.run"
    log = nn.fit(model, XS, YS, loss=impatient, optimizer=optimizer, epochs=5, batch_size=5, progress=False, record=file)
    assert log.interrupted
    assert len(log.run) == log.steps == 7
    assert len(ad.load_run(tmp_path / "a.run")) == 7
    assert log.run.loss(6).data == log.run[6].loss


def test_a_run_of_no_steps(tmp_path):
    run = fitted(network(), epochs=0, record=tmp_path / "none.run").run
    for empty in (run, ad.load_run(tmp_path / "none.run")):
        assert len(empty) == 0
        assert list(empty) == []
        assert "0 steps" in repr(empty)
        assert empty.first("loss > 0") is None
        assert empty.last("changes sign") is None
        assert empty.blame() is None
        with pytest.raises(IndexError, match="there are no steps"):
            empty[0]
        with pytest.raises(ad.ShapeError, match="no step"):
            empty.plot()


def test_steps_are_found_from_both_ends_and_no_others():
    run = fitted(network()).run
    assert run[-1].step == 44
    assert [step.step for step in run[40:]] == [40, 41, 42, 43, 44]
    for beyond in (45, -46):
        with pytest.raises(IndexError, match=r"there are steps 0 … 44"):
            run.loss(beyond)
    with pytest.raises(TypeError):
        run["3"]


# ---- what broke -------------------------------------------------------------------------------------------------------------


class Logarithm(nn.Module):
    def __init__(self):
        self.w = ad.Value(2.0)

    def __call__(self, x):
        return ad.log(self.w + x)


@pytest.mark.parametrize("compile", [False, True], ids=["recorded", "compiled"])
def test_the_step_that_diverged_is_the_last_one_and_blame_names_the_sample(compile, tmp_path):
    model = Logarithm()
    xs = [0.5] * 20
    xs[13] = -1.5
    with pytest.raises(ad.TrainingDiverged) as raised:
        nn.fit(model, xs, [-5.0] * 20, optimizer=optim.SGD(model.parameters(), lr=0.01), loss=nn.mse, epochs=50, batch_size=6,
               seed=1, progress=False, compile=compile, record=tmp_path / "broken.run")  # fmt: skip
    log = raised.value.log
    run = log.run
    assert len(run) == log.steps + 1
    assert math.isnan(run[-1].loss)
    assert math.isnan(run[-1].gradients["w"])
    assert model.w.data == run[-1].parameters["w"]  # as after the last whole step
    reason = run.blame()
    assert (reason.step, reason.sample, reason.node.op) == (len(run) - 1, 13, "log")
    assert reason.node in ad.steps(reason.loss).nodes
    assert reason.node.source.text == "ad.log(self.w + x)"
    assert "sample 13" in str(reason)
    assert 13 in run[-1].batch
    assert run.first("isnan(loss)").step == run.first("isnan(grad)").step == len(run) - 1
    assert run.blame(sample=2) is None or 2 in run[-1].batch
    again = ad.load_run(tmp_path / "broken.run").attach(Logarithm(), nn.mse, xs, [-5.0] * 20)
    assert (again.blame().step, again.blame().sample) == (reason.step, 13)


def test_a_gradient_that_is_not_finite_breaks_a_training_too():
    model = nn.Perceptron(1, activation=lambda x: ad.sqrt(x - x), seed=1)
    with pytest.raises(ad.TrainingDiverged, match="gradient of") as raised:
        nn.fit(model, [[1.0]], [1.0], optimizer=optim.SGD(model.parameters()), epochs=5, progress=False, record=True)
    run = raised.value.log.run
    assert len(run) == 1
    assert run[0].loss == 1.0
    assert run.blame().step == 0
    assert run.blame().node.op == "sqrt"


def test_a_jump_in_the_loss_is_blamed_on_the_sample_with_the_largest():
    xs, ys = [[x / 10] for x in range(20)], [x / 10 for x in range(20)]
    xs[7] = [400.0]
    model = nn.Perceptron(1, activation="linear", seed=1)
    model.w[0].data, model.b.data = 1e-4, 0.5
    run = nn.fit(model, xs, ys, loss=nn.mse, optimizer=optim.SGD(model.parameters(), lr=0.05), epochs=3, batch_size=1,
                 shuffle=False, progress=False, record=True, clip_norm=1.0).run  # fmt: skip
    losses = run.losses
    jump = next(k for k in range(3, 60) if losses[k] > 10 * max(losses[max(k - 20, 0) : k]))
    reason = run.blame()
    assert (reason.step, reason.sample) == (jump, run[jump].batch[0])
    assert "jumps" in reason.what


# ---- questions --------------------------------------------------------------------------------------------------------------


def test_questions_are_answered_as_by_looking_at_every_step():
    run = fitted(network(), epochs=12).run
    names = run.names
    table = [step.gradients for step in run]

    def steps_where(condition, some=names):
        return [k for k in range(len(run)) if any(condition(table[k][name]) for name in some)]

    for text, condition in [
        ("abs(grad) > 0.6", lambda g: abs(g) > 0.6),
        ("grad > 0.4", lambda g: g > 0.4),
        ("grad <= -0.5", lambda g: g <= -0.5),
        ("abs(grad) < 1e-4", lambda g: abs(g) < 1e-4),
        ("0.3 < grad and grad < 0.31", lambda g: 0.3 < g < 0.31),
    ]:
        steps = steps_where(condition)
        assert steps, text
        assert run.first(text).step == steps[0]
        assert run.last(text).step == steps[-1]
        assert condition(table[steps[0]][run.first(text).name])
        inside = [name for name in names if name.startswith("layers.1.")]
        found = steps_where(condition, inside)
        assert [run.first(text, name="layers.1")] == ([None] if not found else [run.first(text, name="layers.1")])
        if found:
            assert run.first(text, name="layers.1").step == found[0]
            assert run.first(text, name="layers.1").name in inside
    assert run.first("abs(grad) > 1e9") is None
    assert run.last("abs(grad) > 1e9") is None
    for name in names:
        signs = [math.copysign(1, row[name]) for row in table]
        changes = [k for k in range(1, len(run)) if signs[k] != signs[k - 1]]
        for found, step in ((run.first, changes[:1]), (run.last, changes[-1:])):
            answer = found("changes sign", name=name)
            assert ([] if answer is None else [answer.step]) == step
            assert answer is None or answer.name == name


def test_questions_about_the_step_and_the_parameters():
    run = fitted(network(), schedule=optim.linear(0.1, steps=45)).run
    assert run.first("lr < 0.05").step == next(k for k in range(45) if run[k].lr < 0.05)
    assert run.last("step < 7").step == 6
    assert run.first("step == 3").name is None
    grown = next(k for k in range(45) if any(abs(x) > 1.05 for x in run[k].parameters.values()))
    found = run.first("abs(data) > 1.05")
    assert found.step == grown
    assert abs(run[grown].parameters[found.name]) > 1.05
    with_sample = [k for k in range(45) if 11 in run[k].batch]
    assert run.first("step >= 0", sample=11).step == with_sample[0]
    assert run.last("norm > 0", sample=11).step == with_sample[-1]


def test_a_zero_has_no_sign():
    w = ad.Value(1.0, "w")
    slopes = [0.0, 2.0, 0.0, 3.0, 0.0, -1.0, -2.0, 5.0]
    optimizer = optim.SGD([w], lr=0.01)
    with ad.record_run(None, optimizer) as run:
        for slope in slopes:
            optimizer.zero_grad()
            (w * slope).backward()
            optimizer.step()
    assert run.first("changes sign").step == 5
    assert run.last("changes sign", name="w").step == 7


@pytest.mark.parametrize(
    ("question", "options", "error", "words"),
    [
        ("grad >", {}, ad.DebuggerError, "no expression"),
        ("gradient > 1", {}, ad.DebuggerError, "there is no 'gradient'"),
        ("__import__('os')", {}, ad.DebuggerError, "no function"),
        ("grad > 1", {"name": "layers.7"}, ad.UnknownNameError, "layers.0.neurons.0.w.0"),
        ("grad > 1", {"sample": 22}, IndexError, "0 … 21"),
    ],
)
def test_questions_without_sense_say_so(question, options, error, words):
    run = fitted(network(), epochs=1).run
    with pytest.raises(error, match=words):
        run.first(question, **options)


def test_a_loop_of_ones_own_knows_of_no_samples_and_a_step_prints_its_numbers():
    w = ad.Value(2.0, "w")
    optimizer = optim.SGD([w], lr=0.25)
    run = recorded_alone(w, optimizer)
    with pytest.raises(ad.SettingError, match="which samples a step had"):
        run.first("loss > 0", sample=0)
    with pytest.raises(ad.StateError, match=r"knows no samples: attach\(model, forward=f\)"):
        run.attach(optimizer_of(w), nn.mse, XS, YS)
    with pytest.raises(TypeError, match=r"takes a model with parameters\(\), not float 3.0"):
        run.attach(3.0, forward=lambda step: w)
    run.attach(optimizer_of(w), forward=lambda step: 3.0)
    with pytest.raises(TypeError, match=r"forward\(1\) returned float 3.0, not the loss as a Value"):
        run.loss(1)
    assert repr(run[1]) == "<step 1: loss 1, gradient norm 2, lr 0.25>"
    assert run.norms == [4.0, 2.0, 1.0]


def recorded_alone(w, optimizer):
    """Three steps down w², without ``forward``."""
    with ad.record_run(lambda: w * w, optimizer) as run:
        for _ in range(3):
            optimizer.zero_grad()
            (w * w).backward()
            optimizer.step()
    return run


def optimizer_of(w):
    return SimpleNamespace(parameters=lambda: [w])


# ---- the budget -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compile", [False, True], ids=["recorded", "compiled"])
def test_a_thinned_run_has_the_same_bits_and_says_that_it_is_thinned(compile):
    whole = fitted(network(), epochs=60, compile=compile, clip_norm=0.4).run
    with pytest.warns(RuntimeWarning, match=r"after \d+ steps the record of a training has filled its 0.06 MB"):
        thin = fitted(network(), epochs=60, compile=compile, clip_norm=0.4, record_mb=0.06).run
    assert "thinned: of the steps before" in repr(thin)
    assert thin.record.bytes <= 0.06 * 2**20 < whole.record.bytes
    assert thin.losses == whole.losses
    for step in (0, 1, 31, 33, 100, 210, 299):
        assert same(thin[step].parameters, whole[step].parameters)
        assert same(thin[step].gradients, whole[step].gradients)
        assert thin[step].optimizer == whole[step].optimizer
        assert thin.loss(step).data == whole.loss(step).data
    for question in ("abs(grad) > 0.9", "grad < -0.4"):
        assert thin.first(question) == whole.first(question)
        assert thin.last(question) == whole.last(question)


def test_recording_goes_on_in_the_smallest_room_until_rows_alone_fill_it():
    with pytest.warns(RuntimeWarning) as warned:
        run = fitted(network(), epochs=60, record_mb=0.01).run
    assert any("ends with step" in str(warning.message) for warning in warned)
    assert 50 < len(run) < 300
    assert run.record.bytes < 0.012 * 2**20
    assert run.loss(len(run) - 1).data == run[-1].loss


def test_where_nothing_can_be_recomputed_what_was_not_kept_is_an_error():
    model = network()
    optimizer = optim.Adam(model.parameters())
    with pytest.warns(RuntimeWarning, match="not kept; their losses and norms are"):
        run = recorded(model, optimizer, batch_loss(model), 300, mb=0.05)
    assert len(run) == 300
    assert len(run.losses) == 300
    assert len(run[299].parameters) == len(run[0].parameters) == len(model.parameters())
    with pytest.raises(ad.StaleRecording, match="were not kept"):
        dict(run[5].parameters)


@pytest.mark.parametrize(("option", "error"), [({"record": 3}, TypeError), ({"record_mb": -1.0}, ad.SettingError),
                                               ({"record": "nowhere/at/all.run"}, FileNotFoundError)])  # fmt: skip
def test_options_without_sense_are_refused_before_anything_changes(option, error):
    model = network()
    before = model.state_dict()
    with pytest.raises(error):
        fitted(model, **option)
    assert model.state_dict() == before


def test_a_model_that_draws_random_numbers_is_told():
    generator = random.Random(1)

    class Dropout(nn.Perceptron):
        def __call__(self, x):
            return super().__call__([xi * (generator.random() > 0.5) for xi in x])

    run = fitted(Dropout(2, seed=1)).run
    with pytest.warns(RuntimeWarning, match="random numbers"):
        run.loss(7)
    with pytest.warns(RuntimeWarning):
        thin = fitted(Dropout(2, seed=1), epochs=60, record_mb=0.05).run
    with pytest.raises(ad.StaleRecording, match="nothing random"):
        dict(thin[5].parameters)


# ---- loops of one's own -----------------------------------------------------------------------------------------------------


def own_loop(model, optimizer, forward, steps, clip=None):
    for k in range(steps):
        optimizer.zero_grad()
        forward(k).backward()
        if clip:
            optim.clip_grad_norm(model.parameters(), clip)
        optimizer.step()


def recorded(model, optimizer, loss, steps, **options):
    with ad.record_run(model, optimizer, **options) as run:
        own_loop(model, optimizer, loss, steps)
    return run


def batch_loss(model):
    def forward(k):
        chosen = range(3 * k % 20, 3 * k % 20 + 2)
        return nn.mse([model(XS[i]) for i in chosen], [YS[i] for i in chosen])

    return forward


@pytest.mark.parametrize("clip", [None, 0.2])
def test_a_loop_of_ones_own_is_recorded_with_and_without_forward(monkeypatch, clip, tmp_path):
    model = network()
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    witness = Witness(monkeypatch, optimizer)
    forward = batch_loss(model)
    with ad.record_run(model, optimizer, forward=forward) as run:
        own_loop(model, optimizer, forward, 80, clip)
    assert "step" not in vars(optimizer)
    assert "zero_grad" not in vars(optimizer)
    assert len(run) == 80
    for step in (79, 0, 40, 33):
        assert [*run[step].parameters.values()] == witness.parameters[step]
        assert run.loss(step).data == run[step].loss
        assert run[step].batch is None
        assert [leaves_of(run.loss(step))[name].grad for name in run.names] == [*run[step].gradients.values()]
    run.save(tmp_path / "own.run")
    loaded = ad.load_run(tmp_path / "own.run")
    with pytest.raises(ad.StateError, match=r"attach\(model, forward=f"):
        loaded.loss(3)
    other = network(seed=9)
    assert loaded.attach(other, forward=batch_loss(other)).loss(33).data == run[33].loss
    optimizer.step()
    assert len(run) == 80  # outside of the block nothing is recorded


def test_two_runs_nested_do_not_hear_each_other():
    models = network(1), network(2)
    optimizers = [optim.SGD(model.parameters(), lr=0.1) for model in models]
    losses = [[], []]
    with ad.record_run(models[0], optimizers[0]) as outer, ad.record_run(models[1], optimizers[1]) as inner:
        for k in range(10):
            for i in (0, 1) if k % 2 else (1, 0):
                loss = batch_loss(models[i])(k + i)
                loss.backward()
                losses[i].append(loss.data)
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad()
    assert outer.losses == losses[0]
    assert inner.losses == losses[1]


def test_the_same_training_recorded_twice():
    model = network()
    optimizer = optim.Adam(model.parameters())
    with ad.record_run(model, optimizer) as outer:
        with ad.record_run(model, optimizer) as inner:
            own_loop(model, optimizer, batch_loss(model), 4)
        own_loop(model, optimizer, batch_loss(model), 3)
    assert (len(outer), len(inner)) == (7, 4)
    assert outer.losses[:4] == inner.losses


def test_an_exception_leaves_the_step_it_came_in():
    model = network()
    optimizer = optim.Adam(model.parameters())
    forward, runs, losses = batch_loss(model), [], []

    def broken():
        with ad.record_run(model, optimizer) as run:
            runs.append(run)
            own_loop(model, optimizer, forward, 5)
            optimizer.zero_grad()
            losses.append(forward(5))
            losses[0].backward()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert len(runs[0]) == 6
    assert runs[0][5].loss == losses[0].data
    assert "step" not in vars(optimizer)


def test_gradients_gathered_over_several_backward_calls_are_one_step():
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with ad.record_run(model, optimizer) as run:
        for k in range(3):
            optimizer.zero_grad()
            for i in (0, 1):
                batch_loss(model)(2 * k + i).backward(0.5)
            gradients = [parameter.grad for parameter in model.parameters()]
            optimizer.step()
    assert len(run) == 3
    assert [*run[2].gradients.values()] == gradients


def test_a_compiled_loss_in_a_loop_of_ones_own():
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    loss = ad.compile(lambda x, y: (model(x) - y) ** 2)
    means = []
    with ad.record_run(model, optimizer) as run:
        for _ in range(4):
            optimizer.zero_grad()
            means.append(loss.backward(XS, YS))
            optimizer.step()
    assert run.losses == means


def test_a_step_without_a_backward_is_told():
    w = ad.Value(1.0, "w")
    optimizer = optim.SGD([w])
    w.grad = 2.0
    with ad.record_run(None, optimizer) as run, pytest.warns(RuntimeWarning, match="without a backward"):
        optimizer.step()
    assert math.isnan(run[0].loss)
    assert run[0].gradients == {"w": 2.0}


def test_record_run_refuses_what_does_not_fit():
    model = network()
    optimizer = optim.SGD(model.parameters())
    for given, options, error, words in [
        (None, {}, TypeError, "needs an optimizer"),
        (optimizer, {"forward": 3}, TypeError, "forward= takes a function"),
        (optimizer, {"mb": -2}, ad.SettingError, "mb"),
    ]:
        with pytest.raises(error, match=words):
            recorded(model, given, batch_loss(model), 1, **options)

    class Slotted:
        __slots__ = ("lr", "parameters", "step", "zero_grad")

    slotted = Slotted()
    slotted.lr = slotted.step = slotted.zero_grad = None
    slotted.parameters = model.parameters()
    with pytest.raises(ad.SettingError, match="cannot look on: Slotted takes no attributes"), ad.record_run(model, slotted):
        pass


# ---- files ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path):
    file = tmp_path / "training.run"
    model = network()
    return fitted(
        model, record=file, clip_norm=0.3, callback=lambda log: setattr(model.parameters()[0], "data", 0.25)
    ).run, file


def test_a_loaded_run_has_the_numbers_and_attached_the_recordings(saved):
    run, file = saved
    loaded = ad.load_run(file)
    assert repr(loaded) == repr(run)
    for step in range(len(run)):
        for what in ("loss", "norm", "lr", "batch", "optimizer", "parameters", "gradients"):
            assert getattr(loaded[step], what) == getattr(run[step], what)
    assert loaded.first("changes sign") == run.first("changes sign")
    with pytest.raises(ad.StateError, match=r"attach\(model, loss, xs, ys\)"):
        loaded.loss(3)
    model = network(seed=8)
    before = model.state_dict()
    loaded.attach(model, nn.mse, XS, YS)
    assert loaded.loss(30).data == run[30].loss
    assert model.state_dict() == before
    loaded.save(file)
    assert ad.load_run(file).losses == run.losses


def test_attaching_something_else_is_refused(saved):
    _, file = saved
    run = ad.load_run(file)
    with pytest.raises(ad.StateError, match="with 13 parameters; this one, with 17, has"):
        run.attach(nn.MLP(2, [4, 1], "tanh"), nn.mse, XS, YS)
    with pytest.raises(ad.ShapeError, match="21 samples"):
        run.attach(network(), nn.mse, XS[1:], YS[1:])
    with pytest.raises(TypeError, match="model, loss, xs and ys"):
        run.attach(network(), nn.mse)
    with pytest.raises(ad.ShapeError, match="nothing to show"):
        fitted(network(), epochs=0).run.page()
    run.attach(network(), nn.mse, [[x + 1, y] for x, y in XS], YS)
    with pytest.warns(RuntimeWarning, match="is another loss"):
        run.loss(3)


def test_a_thinned_run_is_recomputed_after_loading(tmp_path):
    with pytest.warns(RuntimeWarning):
        run = fitted(network(), epochs=60, record_mb=0.06, record=tmp_path / "thin.run").run
    loaded = ad.load_run(tmp_path / "thin.run")
    with pytest.raises(ad.StaleRecording, match="were not kept"):
        dict(loaded[17].gradients)
    model = network(seed=5)
    loaded.attach(model, nn.mse, XS, YS)
    assert same(loaded[17].parameters, run[17].parameters)


def test_a_file_that_cannot_be_written_at_the_end_does_not_lose_the_training(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    model = network()
    with pytest.warns(RuntimeWarning, match="could not be written"):
        log = fitted(model, record=folder / "a.run", epochs=1, callback=lambda log: folder.rmdir())
    assert len(log.run) == 5


def changed(content, **changes):
    """A run file whose head says something else, with the checksum that belongs to it."""
    head, numbers = content.split(b"\n", 2)[1:]
    text = json.dumps(json.loads(head) | changes).encode()
    rest = text + b"\n" + numbers
    return b"autodiff run 1 %08x\n" % zlib.crc32(rest) + rest


def test_every_cut_and_every_changed_byte_is_seen(saved):
    _, file = saved
    content = file.read_bytes()
    places = [0, 5, 14, 17, 40, len(content) // 2, len(content) - 1]
    damaged = [content[:place] for place in places] + [content + b"\0", b"", b"\n\n", content[20:]]
    damaged += [content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :] for place in places]
    for wrong in damaged:
        file.write_bytes(wrong)
        with pytest.raises(ad.WrongFile, match=r"training\.run"):
            ad.load_run(file)


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": 44}, {"steps": 10**9}, {"steps": -1}, {"steps": True}, {"steps": "45"}, {"trained": 0}, {"trained": 14},
        {"order": 3},
        {"names": ["a"] * 13}, {"names": "abc"}, {"names": [1] * 13}, {"optimizer": "os.system"}, {"optimizer": "SGD"},
        {"samples": 4}, {"samples": None}, {"compiled": 1}, {"breaks": [3, 2]}, {"breaks": [45]}, {"gradients": [0]},
        {"gradients": list(range(1, 46))}, {"snapshots": []}, {"snapshots": [{"step": 0}]}, {"snapshots": 3}, {"budget": None},
        {"every": -1}, {"more": 1}, {"breaks": "3"}, {"breaks": None},
    ],
)  # fmt: skip
def test_a_head_that_does_not_fit_its_numbers_is_refused(saved, changes):
    _, file = saved
    file.write_bytes(changed(file.read_bytes(), **changes))
    with pytest.raises(ad.WrongFile, match=r"training\.run: "):
        ad.load_run(file)


@pytest.mark.parametrize(
    ("column", "number", "message"),
    [("start", 0.5, "the batch of step 2 is"), ("end", 1e9, "the batch of step 2 is"), ("rate", -1.0, "rate of step 2 is -1.0"),
     ("scale", 2.0, "its scale 2.0")],
)  # fmt: skip
def test_numbers_that_no_training_has_are_refused(saved, column, number, message):
    run, file = saved
    place = Row._fields.index(column) + 2 * len(Row._fields)
    run.record.rows[place] = number
    run.save(file)
    with pytest.raises(ad.WrongFile, match=message):
        ad.load_run(file)


def test_the_buffers_of_a_file_are_those_of_its_optimiser(tmp_path):
    model = network()
    file = tmp_path / "adam.run"
    fitted(model, optim.Adam(model.parameters()), record=file, epochs=1)
    head = json.loads(file.read_bytes().split(b"\n", 2)[1])
    for snapshot in head["snapshots"]:
        snapshot["buffers"] = ["momentum"]
    file.write_bytes(changed(file.read_bytes(), **head))
    with pytest.raises(ad.WrongFile, match=r"the buffers of step 0 are \['momentum'\], not \['"):
        ad.load_run(file)


def test_a_loop_of_ones_own_with_a_strange_optimiser_is_saved_and_loaded(tmp_path):
    class Half:
        """Goes half of the way."""

        lr = 0.5

        def __init__(self, w):
            self.parameters = [w]

        def zero_grad(self):
            self.parameters[0].grad = 0.0

        def step(self):
            for w in self.parameters:
                w.data -= self.lr * w.grad

    w = ad.Value(2.0, "w")
    own = Half(w)
    with ad.record_run(lambda step: w * w, own) as run:
        for _ in range(3):
            own.zero_grad()
            (w * w).backward()
            own.step()
    run.save(tmp_path / "own.run")
    assert ad.load_run(tmp_path / "own.run").losses == run.losses


def test_other_files_are_no_runs(tmp_path):
    model = network()
    model.save(tmp_path / "model.json")
    with pytest.raises(ad.WrongFile, match="no run that autodiff has saved"):
        ad.load_run(tmp_path / "model.json")
    with pytest.raises(FileNotFoundError):
        ad.load_run(tmp_path / "none")
    (tmp_path / "new.run").write_bytes(b"autodiff run 2 00000000\n{}\n")
    with pytest.raises(ad.WrongFile, match="version 2"):
        ad.load_run(tmp_path / "new.run")


def test_the_plot_marks_the_step_that_broke(saved, tmp_path):
    pytest.importorskip("matplotlib")
    run, _ = saved
    figure = run.plot(tmp_path / "run.svg")
    assert [len(axes.lines[0].get_xdata()) for axes in figure.axes] == [45, 45]
    assert (tmp_path / "run.svg").read_text().startswith("<?xml")
    assert len(run.plot().axes) == len(figure.axes)


def test_a_run_without_matplotlib_says_how_to_get_it(saved, monkeypatch):
    monkeypatch.setattr(run_plots, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'pip install "autodiff-scalar\[plot\]"'):
        saved[0].plot()


def test_two_parameters_of_one_name_are_told_apart():
    first, second = ad.Value(1.0, "w"), ad.Value(2.0, "w")
    optimizer = optim.SGD([first, second], lr=0.1)
    with ad.record_run(lambda x: first * second * x, optimizer) as run:
        (first * second).backward()
        optimizer.step()
    assert run[0].parameters == {"w": 1.0, "w (2)": 2.0}
