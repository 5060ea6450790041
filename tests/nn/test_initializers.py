"""Initialisers: what is drawn, from which generator, and what is refused."""

import math
import random
import statistics

import pytest

import autodiff as ad
from autodiff import nn
from autodiff.nn.initializers import state_of


def weights(model):
    return [parameter.data for name, parameter in model.named_parameters() if ".w." in f".{name}"]


def biases(model):
    return [parameter.data for name, parameter in model.named_parameters() if name.endswith("b")]


def test_zeros_are_zeros():
    assert weights(nn.MLP(2, [3, 1], init="zeros")) == [0.0] * 9


def test_that_of_a_neuron_is_micrograds():
    generator = random.Random(3)
    expected = [generator.uniform(-1, 1) for _ in range(6)]
    assert weights(nn.Neuron(6, seed=3)) == weights(nn.Layer(2, 3, init="uniform", seed=3)) == expected


def test_xavier_is_even_up_to_the_limit_of_both_sizes():
    drawn = weights(nn.Layer(100, 50, init="xavier", seed=1))
    limit = math.sqrt(6 / 150)
    assert 0.99 * limit < max(drawn) <= limit
    assert -limit <= min(drawn) < -0.99 * limit
    assert statistics.pvariance(drawn) == pytest.approx(2 / 150, rel=0.05)


def test_he_is_normal_with_the_variance_of_the_inputs():
    drawn = weights(nn.Layer(100, 50, init="he", seed=1))
    assert statistics.fmean(drawn) == pytest.approx(0.0, abs=4 * math.sqrt(0.02 / 5000))
    assert statistics.pvariance(drawn) == pytest.approx(2 / 100, rel=0.08)
    assert sum(abs(x) > 2 * math.sqrt(0.02) for x in drawn) / 5000 == pytest.approx(0.0455, abs=0.012)


def test_a_function_knows_the_sizes_of_its_layer():
    seen = []

    def init(n_in, n_out, generator):
        seen.append((n_in, n_out))
        return generator.uniform(5.0, 6.0)

    model = nn.MLP(3, [2, 1], init=init, seed=0)
    assert seen == [(3, 2)] * 6 + [(2, 1)] * 2
    assert all(5 <= x <= 6 for x in weights(model))
    nn.Perceptron(4, init=init)
    assert seen[-1] == (4, 1)


@pytest.mark.parametrize("init", ["zeros", "uniform", "xavier", "he"])
@pytest.mark.parametrize(
    "make",
    [nn.Perceptron, nn.Neuron, lambda n, **given: nn.Layer(n, 4, **given), lambda n, **given: nn.MLP(n, [4, 2], **given)],
)
def test_every_module_takes_an_initialiser_and_a_seed_and_has_biases_of_zero(init, make):
    first, second, other = (weights(make(3, init=init, seed=seed)) for seed in (5, random.Random(5), 6))
    assert first == second
    assert (first == other) == (init == "zeros")
    assert set(biases(make(3, init=init))) == {0.0}


def test_without_a_seed_python_s_random_is_drawn_from():
    for init in ("uniform", "xavier", "he"):
        random.seed(1)
        first = weights(nn.MLP(2, [2, 1], init=init))
        random.seed(1)
        assert weights(nn.MLP(2, [2, 1], init=init)) == first != weights(nn.MLP(2, [2, 1], init=init))


def test_a_seed_may_be_numpy_s_integer():
    np = pytest.importorskip("numpy")
    assert weights(nn.Perceptron(2, seed=np.int64(3))) == weights(nn.Perceptron(2, seed=3))


def test_unknown_initialiser_is_refused_with_the_list():
    with pytest.raises(ad.UnknownNameError, match=r"'glorot'.*zeros, uniform, xavier, he"):
        nn.Perceptron(2, init="glorot")


@pytest.mark.parametrize("seed", [1.5, "1", [1]])
def test_a_seed_of_another_kind_is_refused(seed):
    with pytest.raises(TypeError, match="a seed is a whole number"):
        nn.MLP(2, [1], seed=seed)


def test_a_generator_that_does_not_tell_its_state_draws_all_the_same():
    class Tosses:
        def shuffle(self, numbers):
            numbers.reverse()

    assert state_of(random.SystemRandom()) is state_of(Tosses()) is None
    assert state_of(random.Random(3)) == random.Random(3).getstate()
