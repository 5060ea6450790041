"""The examples reach their goals, print narrow lines and write the pictures they name; some in small settings."""

import math
import random
import re
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec

import pytest

from autodiff.engine import rules

pytest.importorskip("matplotlib")


@pytest.fixture
def run(example, tmp_path, monkeypatch, capsys):
    """Runs an example's main() in an empty folder and gives what it printed. A goal that is not met raises SystemExit."""

    def main(name):
        monkeypatch.chdir(tmp_path)
        example(name).main()
        printed = capsys.readouterr().out
        assert max(map(len, printed.splitlines())) <= 80
        pictures = re.findall(r"out/examples/\w+\.(?:png|svg|json)", printed)
        assert pictures
        assert sorted(pictures) == sorted(str(file.relative_to(tmp_path)) for file in (tmp_path / "out/examples").iterdir())
        assert min((tmp_path / picture).stat().st_size for picture in pictures) > 1000
        return printed

    return main


# ---- the article ------------------------------------------------------------------------------------------------------------


def test_the_article_goes_as_it_is_told(run):
    printed = run("backpropagation_article")
    assert "0.8 → 0.59 → 0.4745 → … → 0.3333" in printed
    assert re.findall(r"r = (\S+) .*diverges", printed) == ["0.5"]
    for row in ("x · y             ∂/∂x  y                       ∂/∂y  x", "tanh(x)           ∂/∂x  1 − tanh(x)²"):
        assert row in printed


def test_the_article_has_every_public_rule(run):
    printed = run("backpropagation_article")
    public = [rule for rule in rules.TABLE.values() if rule.doc]
    assert len(public) > 50
    for rule in public:
        operands = "xyuv" if rule.name == "dot" else "x" if rule.arity == 1 else "xy"
        assert f"\n{rule.written(operands)} " in printed


# ---- the fit ----------------------------------------------------------------------------------------------------------------


def test_the_fit_prints_the_certified_digits(run):
    pytest.importorskip("scipy")
    printed = run("curve_fit")
    assert float(re.search(r"fewest of all: (\S+)", printed)[1]) >= 9
    assert "certified                       699.64151" in printed


# ---- the moons --------------------------------------------------------------------------------------------------------------


def test_the_moons_are_told_apart(run):
    assert float(re.search(r"accuracy on the points (\S+)%", run("moons"))[1]) >= 99


def test_the_moons_are_two_half_circles_of_as_many_points(example):
    points, labels = example("moons").two_moons(100, 0.0, seed=1)
    assert sorted(labels) == [-1] * 50 + [1] * 50
    for (x, y), label in zip(points, labels, strict=True):
        centre = (0.0, 0.0) if label == 1 else (1.0, 0.5)
        assert math.dist((x, y), centre) == pytest.approx(1)
        assert (y - centre[1]) * label >= 0


# ---- the divergence ----------------------------------------------------------------------------------------------------------


def test_the_training_breaks_at_step_412_and_three_calls_say_why(run, example):
    printed = run("divergence")
    assert "step 412 of 413, sample 23: log is nan" in printed
    assert "pushed below 0 in step 411: layers.1.neurons.1.b 0.774270 → 0.753145" in printed


def test_the_step_at_which_it_breaks_does_not_hang_on_the_last_bits(example):
    """Compiled, sums are rounded otherwise."""
    assert len(example("divergence").train(compile=True)) == 413


# ---- the digits -------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(find_spec("sklearn") is None, reason="scikit-learn is not installed (extra examples)")
def test_a_short_training_reads_most_digits(example):
    digits = example("digits")
    training, held_out = digits.split_digits(seed=3)
    assert (len(training[0]), len(held_out[0])) == (1348, 449)
    model, _ = digits.train(training, held_out, epochs=2)
    table = digits.confusion(model, held_out)
    assert [sum(row) for row in table] == [held_out[1].count(digit) for digit in range(10)]
    assert digits.accuracy(table) > 0.85
    assert sum(digits.probabilities(model, held_out[0][0])) == pytest.approx(1)


# ---- the names --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def names(example):
    return example("names")


def names_are_installed():
    try:
        return bool(distribution("names"))
    except PackageNotFoundError:
        return False


@pytest.mark.skipif(not names_are_installed(), reason="names is not installed (extra examples)")
def test_the_census_names_are_split_without_overlap(names):
    every = names.census_names()
    training, held_out = names.split_names(every, seed=5)
    assert len(every) == len(training) + len(held_out) == 5163
    assert set(training) | set(held_out) == set(every)
    assert {letter for name in every for letter in name} == set("abcdefghijklmnopqrstuvwxyz")


def test_the_gpt_sees_nothing_of_what_comes_later(names):
    model = names.GPT(seed=1)
    assert len(model.parameters()) == 4192
    first, second = model([26, 0, 1, 2]), model([26, 0, 25, 9])
    assert [z.data for logits in first[:2] for z in logits] == [z.data for logits in second[:2] for z in logits]
    assert [z.data for z in first[2]] != [z.data for z in second[2]]


def test_the_attention_of_a_head_is_shared_out_among_the_symbols_so_far(names):
    _, attention = names.GPT(seed=1).with_attention([26, 3, 4])
    for position, heads in enumerate(attention):
        assert [len(shares) for shares in heads] == [position + 1] * 4
        assert [sum(share.data for share in shares) for shares in heads] == pytest.approx([1] * 4)


def test_the_gradient_of_the_gpt_is_the_slope_of_its_loss(names):
    model = names.GPT(seed=1)
    xs, ys = names.as_samples(["ada"])

    def loss():
        return names.next_symbol_loss([model(x) for x in xs], ys)

    loss().backward()
    assert loss().data == pytest.approx(math.log(27), rel=0.05)
    for parameter in random.Random(1).sample(model.parameters(), 40):
        before, slope = parameter.data, parameter.grad
        costs = []
        for change in (1e-5, -1e-5):
            parameter.data = before + change
            costs.append(loss().data)
        parameter.data = before
        assert (costs[0] - costs[1]) / 2e-5 == pytest.approx(slope, rel=1e-5, abs=1e-9)


def test_a_few_names_are_learnt_by_heart(names):
    few = ["ada", "eve", "ivo", "otto"]
    model, log, losses = names.train(few, epochs=30)
    assert log.steps == len(losses) == 30
    assert losses[0] > 3 > 2 > losses[-1]
    assert names.mean_loss(model, few) == pytest.approx(losses[-1], rel=0.1)
    assert names.invented(model, random.Random(1)).isalpha()
