"""What people who know scikit-learn, Keras or torch write on their first day of training."""

import json
import math
import random
import signal

import numpy as np
import pytest

import autodiff as ad
from autodiff import nn, optim

rng = random.Random(4)
XS = [[rng.uniform(-1, 1), rng.uniform(-1, 1)] for _ in range(40)]
YS = [1 if x + y > 0 else -1 for x, y in XS]


def classifier(seed=1):
    model = nn.MLP(2, [6, 1], activation="tanh", seed=seed)
    return model, optim.Adam(model.parameters(), lr=0.05)


def test_a_loss_by_its_name():
    (first, one), (second, other) = classifier(), classifier()
    by_name = nn.fit(first, XS, YS, loss="hinge", optimizer=one, epochs=3, progress=False)
    assert by_name.losses == nn.fit(second, XS, YS, loss=nn.hinge, optimizer=other, epochs=3, progress=False).losses
    with pytest.raises(ad.UnknownNameError, match=r"no loss 'mean_squared'; there are mse, mae, .*cross_entropy"):
        nn.fit(first, XS, YS, loss="mean_squared", optimizer=one, epochs=3)
    assert first.state_dict() == second.state_dict()


def test_predict_goes_over_rows():
    model, _ = classifier()
    assert model.predict(XS[:3]) == [model(x).data for x in XS[:3]]
    found = model.predict(np.array(XS))
    assert isinstance(found, np.ndarray)
    assert (found.shape, found.dtype) == ((40,), np.float64)
    assert np.array(nn.Layer(2, 3).predict(XS)).shape == (40, 3)
    assert nn.Perceptron(1, seed=0).predict([0.5, 1.0]) == [nn.Perceptron(1, seed=0)(x).data for x in (0.5, 1.0)]
    assert model.predict([]) == []


@pytest.mark.parametrize("rows", [XS, XS[:2], np.array(XS), np.array(XS[:2])], ids=["40", "2", "array", "array of 2"])
def test_a_model_called_on_rows_says_so(rows):
    with pytest.raises(ad.ShapeError, match=r"takes one row of 2 inputs at a time and was given \d+ rows: model.predict\(X\)"):
        classifier()[0](rows)


def test_accuracy():
    assert nn.accuracy([0.2, -0.1, 3.0], [1, 1, 1]) == 1 / 3
    assert nn.accuracy([0.2, -0.1, 3.0], [1, -1, 1]) == 1.0
    assert nn.accuracy([0.9, 0.1, 0.6], [1, 0, 0]) == pytest.approx(2 / 3)
    assert nn.accuracy([2.0, -1.0], [1, 0], threshold=0) == 1.0
    assert nn.accuracy([[0.1, 2.0, 1.0], [5.0, 1.0, 1.0]], [1, 2]) == 0.5
    assert nn.accuracy(np.array([[0.1, 2.0, 1.0]]), np.array([1])) == 1.0
    assert nn.accuracy([[0.1, 2.0], [1.0, 0.0]], [[0, 1], [0, 1]]) == 0.5
    assert nn.accuracy([ad.Value(0.7)], [ad.Value(1.0)]) == 1.0
    assert nn.accuracy([[0.7], [0.2]], [[1], [1]]) == 0.5
    with pytest.raises(ad.ShapeError, match="of 2 outputs and 1 targets"):
        nn.accuracy([1.0, 2.0], [1])
    with pytest.raises(ad.ShapeError):
        nn.accuracy([], [])


def test_metrics_are_in_the_log():
    model, optimizer = classifier()
    log = nn.fit(
        model, XS[:30], YS[:30], loss="hinge", optimizer=optimizer, epochs=40, progress=False,
        validation=(XS[30:], YS[30:]), metrics=["accuracy", nn.mae],
    )  # fmt: skip
    assert log.metrics["accuracy"][-1] == nn.accuracy(model.predict(XS[30:]), YS[30:]) >= 0.9
    assert [len(found) for found in log.metrics.values()] == [40, 40]
    assert list(log.metrics) == ["accuracy", "mae"]
    assert "accuracy" in repr(log)
    twice = {"twice": lambda outputs, targets: 2.0}
    assert nn.fit(model, XS, YS, optimizer=optimizer, epochs=2, progress=False, metrics=twice).metrics == {"twice": [2.0, 2.0]}
    with pytest.raises(ad.UnknownNameError, match="no metric 'f1'; there are accuracy, mse"):
        nn.fit(model, XS, YS, optimizer=optimizer, epochs=1, metrics=["f1"])
    with pytest.raises(TypeError, match="a metric is a name or a function"):
        nn.fit(model, XS, YS, optimizer=optimizer, epochs=1, metrics=[3])


def test_a_callback_ends_the_training_by_returning_true():
    model, optimizer = classifier()
    log = nn.fit(model, XS, YS, optimizer=optimizer, epochs=50, progress=False, callback=lambda log: len(log.losses) == 3)
    assert (len(log.losses), log.stopped_early) == (3, True)


def test_a_log_goes_through_json():
    model, optimizer = classifier()
    log = nn.fit(model, XS, YS, optimizer=optimizer, epochs=4, progress=False, metrics="accuracy", patience=3)
    log.validation[0] = math.inf
    again = nn.TrainingLog.from_dict(json.loads(json.dumps(log.to_dict(), allow_nan=False)))
    assert again == log
    with pytest.raises(ad.StateError, match="misses"):
        nn.TrainingLog.from_dict({"losses": []})


def test_a_plot_shows_itself_in_a_notebook():
    model, optimizer = classifier()
    figure = nn.fit(model, XS, YS, optimizer=optimizer, epochs=2, progress=False).plot()
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_the_best_weights_after_an_interrupt():
    model, optimizer = classifier()

    def interrupt(log):
        if len(log.losses) == 5:
            for parameter in model.parameters():
                parameter.data = 100.0
        if len(log.losses) == 7:
            signal.raise_signal(signal.SIGINT)

    log = nn.fit(model, XS, YS, optimizer=optimizer, epochs=50, progress=False, patience=10, callback=interrupt)
    assert log.interrupted
    assert log.best_epoch == 1 + log.validation.index(min(log.validation)) <= 5
    assert [p.data for p in model.parameters()] == list(log.weights[log.best_epoch - 1])


@pytest.mark.parametrize("make", [optim.Adam, lambda ps, lr: optim.SGD(ps, lr=lr, momentum=0.9)], ids=["Adam", "momentum"])
def test_a_checkpoint_goes_on_to_the_same_bits(tmp_path, make):
    def train(model, optimizer, epochs):
        return nn.fit(model, XS, YS, optimizer=optimizer, epochs=epochs, batch_size=10, shuffle=False, progress=False)

    whole = classifier()[0]
    train(whole, make(whole.parameters(), lr=0.05), 6)
    half = classifier()[0]
    optimizer = make(half.parameters(), lr=0.05)
    log = train(half, optimizer, 3)
    nn.save_checkpoint(tmp_path / "run.json", half, optimizer, log)
    other = classifier(seed=9)[0]
    its = make(other.parameters(), lr=0.5)
    assert nn.load_checkpoint(tmp_path / "run.json", other, its) == log
    train(other, its, 3)
    assert other.state_dict() == whole.state_dict()


def test_a_checkpoint_without_an_optimizer_has_none_to_load(tmp_path):
    model = classifier()[0]
    nn.save_checkpoint(tmp_path / "run.json", model)
    with pytest.raises(ad.WrongFile, match="this optimizer: there is no optimizer in it"):
        nn.load_checkpoint(tmp_path / "run.json", model, optim.SGD(model.parameters()))
    assert nn.load_checkpoint(tmp_path / "run.json", model) is None


def test_a_checkpoint_goes_on_with_its_schedule_and_its_batches(tmp_path):
    """What is interrupted after three epochs of six has the bits of six in one go: shuffled, scheduled, with patience."""

    def train(model, optimizer, epochs, seed, **more):
        return nn.fit(
            model, XS[:30], YS[:30], optimizer=optimizer, epochs=epochs, batch_size=7, seed=seed, progress=False,
            schedule=optim.cosine(0.1, steps=30, warmup=4), validation=(XS[30:], YS[30:]), metrics="accuracy", **more,
        )  # fmt: skip

    whole = classifier()[0]
    at_once = train(whole, optim.Adam(whole.parameters()), 6, seed=5)
    half = classifier()[0]
    optimizer = optim.Adam(half.parameters())
    train(half, optimizer, 3, seed=5, callback=lambda log: nn.save_checkpoint(tmp_path / "run.json", half, optimizer, log))
    other = classifier(seed=9)[0]
    its = optim.Adam(other.parameters(), lr=0.5)
    log = nn.load_checkpoint(tmp_path / "run.json", other, its)
    assert train(other, its, 3, seed=99, log=log) is log
    assert other.state_dict() == whole.state_dict()
    assert its.state_dict() == {**its.state_dict(), "steps": 30}
    for name in ("losses", "validation", "weights", "learning_rates", "metrics", "steps", "shuffling"):
        assert getattr(log, name) == getattr(at_once, name), name
    assert log.seconds == sorted(log.seconds)


def test_patience_goes_on_where_it_was():
    def train(epochs, log=None):
        return nn.fit(
            model, XS, YS, optimizer=optim.SGD(model.parameters(), lr=0.0), epochs=epochs, patience=4, progress=False, log=log
        )

    model, _ = classifier()
    log = train(3)
    assert (len(log.losses), log.stopped_early, log.best_epoch) == (3, False, 1)
    assert (len(train(9, log).losses), log.stopped_early, log.best_epoch) == (5, True, 1)


def test_a_log_of_another_training_is_refused():
    model, optimizer = classifier()
    log = nn.fit(model, XS, YS, optimizer=optimizer, epochs=1, progress=False)
    before = log.to_dict()
    for more in ({"metrics": "accuracy"}, {"patience": 3}):
        with pytest.raises(ad.SettingError, match="the log of another training"):
            nn.fit(model, XS, YS, optimizer=optimizer, epochs=1, progress=False, log=log, **more)
    other = nn.MLP(2, [3, 1])
    with pytest.raises(ad.SettingError, match="the log of another training"):
        nn.fit(other, XS, YS, optimizer=optim.SGD(other.parameters()), epochs=1, progress=False, log=log)
    assert log.to_dict() == before
    with pytest.raises(ad.StateError, match="'shuffling' of a TrainingLog is no state"):
        nn.TrainingLog.from_dict({**before, "shuffling": [3, [1, 2], None]})


def test_a_checkpoint_that_does_not_fit_changes_nothing(tmp_path):
    model, optimizer = classifier()
    file = tmp_path / "run.json"
    nn.save_checkpoint(file, model, optimizer)
    other = nn.MLP(2, [3, 1], seed=2)
    mine = optim.Adam(other.parameters())
    before = other.state_dict()
    with pytest.raises(ad.WrongFile, match="no checkpoint of this model"):
        nn.load_checkpoint(file, other, mine)
    same = classifier(seed=5)[0]
    state = same.state_dict()
    with pytest.raises(ad.WrongFile, match="'Adam'"):
        nn.load_checkpoint(file, same, optim.SGD(same.parameters()))
    assert (other.state_dict(), same.state_dict()) == (before, state)
    assert nn.load_checkpoint(file, same) is None
    assert same.state_dict() == model.state_dict()
    model.save(file)
    with pytest.raises(ad.WrongFile, match="no checkpoint"):
        nn.load_checkpoint(file, same)
    file.write_text('{"format": "autodiff checkpoint", "version": 1, "parameters": {}}')
    with pytest.raises(ad.WrongFile, match="no whole checkpoint"):
        nn.load_checkpoint(file, same)


def test_layers_start_so_that_they_train():
    spread = {name: np.std([n.w[0].data for n in nn.Layer(100, 2000, name, seed=1).neurons]) for name in ("relu", "tanh")}
    assert spread["relu"] == pytest.approx(math.sqrt(2 / 100), rel=0.05)
    assert spread["tanh"] == pytest.approx(math.sqrt(2 / 2100), rel=0.05)
    assert nn.Layer(9, 1, ad.relu, seed=1).state_dict() == nn.Layer(9, 1, "relu", init="he", seed=1).state_dict()
    assert nn.Layer(9, 1, nonlin=False, seed=1).state_dict() == nn.Layer(9, 1, init="xavier", seed=1).state_dict()
    assert nn.Neuron(9, seed=1).state_dict() == nn.Neuron(9, init="uniform", seed=1).state_dict()
    assert nn.Perceptron(9, seed=1).state_dict() == nn.Perceptron(9, init="uniform", seed=1).state_dict()


def test_linear_is_a_layer_without_activation():
    linear = nn.Linear(3, 2, seed=1)
    by_hand = [sum(w.data * x for w, x in zip(n.w, [1.0, 2.0, 3.0], strict=True)) for n in linear.neurons]
    assert linear.predict([[1.0, 2.0, 3.0]])[0] == pytest.approx(by_hand)
    assert len(nn.Sequential(nn.Linear(3, 2), ad.relu, nn.Linear(2, 1)).parameters()) == 11
    assert repr(linear).startswith("Linear of [Neuron(3, 'linear')")


@pytest.mark.parametrize("name", ["learning_rate", "momentum", "params"])
def test_a_setting_that_would_be_ignored_is_refused(name):
    optimizer = optim.SGD(classifier()[0].parameters())
    with pytest.raises(AttributeError, match=f"SGD has no {name} to be written: the learning rate is lr, and lr, momentum"):
        setattr(optimizer, name, 0.5)
    optimizer.lr = 0.5
    assert optimizer.lr == 0.5


def test_a_scope_that_is_not_there_is_named():
    loss = classifier()[0](XS[0]) ** 2
    with pytest.raises(ad.UnknownNameError, match=r"no scope 'nope'; there are layers, layers\.0, .*layers\.1"):
        ad.draw(loss, fold=["nope"])
    with pytest.raises(ad.UnknownNameError, match="none in this graph"):
        ad.draw(ad.Value(1.0) * 2, fold=["nope"])
    assert ad.draw(loss, fold=["layers.0"]).source
