"""The optimisers: torch's numbers, states that go through JSON, steps that are whole or not at all, and clipping."""

import copy
import json
import math
import pickle
import runpy
import sys
from array import array
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff import nn, optim
from autodiff.errors import NonFiniteWarning
from autodiff.optim.optimizers import differ

DATA = Path(__file__).parents[1] / "data"
REFERENCE = SimpleNamespace(**runpy.run_path(str(DATA / "make_torch_optimizers.py")))
TORCH = json.loads((DATA / "torch_optimizers.json").read_text(encoding="utf-8"))
CONFIGURATIONS = REFERENCE.CONFIGURATIONS
KINDS = [optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop]
EDGES = [0.0, -0.0, 5e-324, 1e-200, 1e160, -1e200, 1.7e308, math.inf, -math.inf, math.nan]

every_configuration = pytest.mark.parametrize("name", CONFIGURATIONS)
every_kind = pytest.mark.parametrize("kind", KINDS)


def configured(name, parameters):
    kind, arguments, _ = CONFIGURATIONS[name]
    return getattr(optim, kind)(parameters, **arguments)


def leaves(numbers=REFERENCE.START):
    return [ad.Value(x, f"p{i}") for i, x in enumerate(numbers)]


def with_gradients(gradients):
    parameters = leaves([1.0] * len(gradients))
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    return parameters


def train(optimizer, steps):
    for step in steps:
        optimizer.zero_grad()
        REFERENCE.loss(optimizer.parameters, step).backward()
        optimizer.step()


def data(optimizer):
    return [parameter.data.hex() for parameter in optimizer.parameters]


# ---- the same numbers as torch -----------------------------------------------------------------------------------------------


def assert_same_course(ours, theirs):
    assert len(ours) == len(theirs) == REFERENCE.STEPS == 50
    for step, (our_parameters, their_parameters) in enumerate(zip(ours, theirs, strict=True), start=1):
        assert our_parameters == pytest.approx(their_parameters, rel=1e-12, abs=0.0), f"step {step}"


@every_configuration
def test_fifty_steps_are_those_that_torch_made(name):
    assert_same_course(REFERENCE.train(optim, ad.Value, *CONFIGURATIONS[name]), TORCH["courses"][name])


@every_configuration
def test_fifty_steps_are_those_that_torch_makes(name):
    torch = pytest.importorskip("torch")
    theirs = REFERENCE.train(torch.optim, REFERENCE.torch_leaf, *CONFIGURATIONS[name])
    assert_same_course(REFERENCE.train(optim, ad.Value, *CONFIGURATIONS[name]), theirs)


def test_the_reference_has_gradients_of_exactly_zero():
    parameters = leaves()
    gradients = []
    for step in range(3):
        for parameter in parameters:
            parameter.grad = 0.0
        REFERENCE.loss(parameters, step).backward()
        gradients.append([parameter.grad for parameter in parameters])
    assert all(gradients[0])
    assert gradients[1][3:] == gradients[2][3:] == [0.0, 0.0, 0.0]


@every_kind
def test_defaults_are_those_of_torch_but_for_the_rate_of_sgd(kind):
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.optim, kind.__name__)([REFERENCE.torch_leaf(1.0)]).param_groups[0]
    ours = kind(leaves()).hyperparameters
    if kind is optim.SGD:
        ours["lr"] = 0.001
    assert ours == {name: theirs[name] for name in ours}


def test_sgd_follows_the_articles_weight():
    w = ad.Value(0.8)
    optimizer = optim.SGD([w], lr=0.1)
    seen = []
    for _ in range(40):
        optimizer.zero_grad()
        ((0.5 - 1.5 * w) ** 2).backward()
        optimizer.step()
        seen.append(round(w.data, 4))
    assert seen[:3] == [0.59, 0.4745, 0.411]
    assert seen[-1] == 0.3333


def test_adams_first_step_has_the_size_of_the_rate_whatever_the_gradient():
    parameters = with_gradients([1e-3, -5.0, 1e6, 0.0])
    optim.Adam(parameters, lr=0.1, eps=0.0).step()
    assert [p.data for p in parameters][:3] == pytest.approx([0.9, 1.1, 0.9])
    assert math.isnan(parameters[3].data)  # 0 / 0 without eps
    parameters = with_gradients([0.0])
    optim.Adam(parameters).step()
    assert parameters[0].data == 1.0


@every_configuration
def test_zero_rate_moves_nothing(name):
    optimizer = configured(name, leaves())
    optimizer.lr = 0.0
    before = data(optimizer)
    train(optimizer, range(5))
    assert data(optimizer) == before
    assert optimizer.steps == 5


def test_a_network_learns():
    model = nn.MLP(2, [4, 1], activation="tanh", seed=3)
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    rows = [([0, 0], 0), ([0, 1], 1), ([1, 0], 1), ([1, 1], 0)]
    schedule = optim.cosine(0.05, steps=200, warmup=10)
    for step in range(200):
        optimizer.lr = schedule(step)
        loss = nn.mse([model(xs) for xs, _ in rows], [y for _, y in rows])
        optimizer.zero_grad()
        loss.backward()
        optim.clip_grad_norm(model.parameters(), 1.0)
        optimizer.step()
    assert loss.data < 0.01


# ---- numbers at the edges ----------------------------------------------------------------------------------------------------

EVERYWHERE = """
import math, runpy, sys
import autodiff as ad
from autodiff import optim
reference = runpy.run_path(sys.argv[1])
edges = [0.0, -0.0, 5e-324, 1e-200, 1e160, -1e200, 1.7e308, math.inf, -math.inf, math.nan]
for name, (kind, arguments, later) in reference["CONFIGURATIONS"].items():
    course = reference["train"](optim, ad.Value, kind, arguments, later)
    print(name, *[f"{x:.12g}" for x in course[-1]])  # whose losses take a tanh, which rounds otherwise when compiled
    for more in ({}, {"eps": 0.0}, {"lr": 1e200}):
        if kind != "SGD" or "eps" not in more:
            parameters = [ad.Value(x) for x in edges for _ in edges]
            optimizer = getattr(optim, kind)(parameters, **{**arguments, **more})
            for step in range(4):
                for i, parameter in enumerate(parameters):
                    parameter.grad = edges[(i + step) % len(edges)]
                optimizer.step()
                print(*[parameter.data.hex() for parameter in parameters])
            print(optimizer.state_dict())
"""


def test_compiled_and_interpreted_come_to_the_same_bits_at_every_edge(run_script):
    script = str(DATA / "make_torch_optimizers.py")
    interpreted, compiled = (run_script(EVERYWHERE, script, AUTODIFF_PURE=pure) for pure in "10")
    assert len(interpreted.splitlines()) > 27 * 8
    assert interpreted == compiled


@every_configuration
@pytest.mark.filterwarnings("ignore::autodiff.errors.NonFiniteWarning")
@pytest.mark.parametrize("gradient", EDGES)
def test_a_nan_or_an_inf_is_never_hidden(name, gradient):
    parameters = with_gradients([gradient])
    optimizer = configured(name, parameters)
    optimizer.step()
    if not math.isfinite(gradient) and optimizer.lr:
        assert not math.isfinite(parameters[0].data)
    parameters[0].grad = 1.0
    was_nan = math.isnan(parameters[0].data)
    optimizer.step()
    assert math.isnan(parameters[0].data) or not was_nan


@pytest.mark.parametrize(("latest", "largest"), [("nan", 1.0), (1.0, "nan"), ("nan", "nan")])
def test_amsgrad_keeps_a_nan_as_the_largest(latest, largest):
    (parameter,) = parameters = with_gradients([1.0])
    optimizer = optim.Adam(parameters, amsgrad=True)
    optimizer.step()
    state = optimizer.state_dict()
    state["buffers"] |= {"exp_avg_sq": [latest], "max_exp_avg_sq": [largest]}
    optimizer.load_state_dict(state)
    optimizer.step()
    assert math.isnan(parameter.data)
    assert optimizer.state_dict()["buffers"]["max_exp_avg_sq"] == ["nan"]


def test_amsgrad_divides_by_the_largest_square_so_far():
    (parameter,) = parameters = with_gradients([3.0])
    optimizer = optim.Adam(parameters, lr=0.5, betas=(0.0, 0.5), amsgrad=True)
    squares = 0.0
    largest = 0.0
    expected = parameter.data
    for step, gradient in enumerate([3.0, 0.5, 0.25, 8.0, 1.0], start=1):
        parameter.grad = gradient
        optimizer.step()
        squares = 0.5 * squares + 0.5 * gradient**2
        largest = max(largest, squares)
        expected -= 0.5 * gradient / (math.sqrt(largest) / math.sqrt(1 - 0.5**step) + 1e-8)
        assert parameter.data == pytest.approx(expected, rel=1e-14)


# ---- states ------------------------------------------------------------------------------------------------------------------


@every_configuration
@pytest.mark.parametrize("step", [0, 1, 7, 30])
def test_training_goes_on_from_a_state_to_the_same_bits(name, step):
    first = configured(name, leaves())
    train(first, range(step))
    text = json.dumps(first.state_dict(), allow_nan=False)
    second = type(first)([ad.Value(parameter.data) for parameter in first.parameters])
    second.load_state_dict(json.loads(text))
    assert second.steps == step
    assert second.hyperparameters == first.hyperparameters
    train(first, range(step, step + 20))
    train(second, range(step, step + 20))
    assert data(second) == data(first)
    assert json.dumps(second.state_dict()) == json.dumps(first.state_dict())


@given(st.lists(st.floats(), min_size=3, max_size=3), st.lists(st.floats(), min_size=3, max_size=3))
def test_buffers_of_any_floats_go_through_json(mean, square):
    optimizer = optim.Adam(leaves([1.0, 2.0, 3.0]))
    buffers = {"exp_avg": mean, "exp_avg_sq": square}
    state = {**optimizer.state_dict(), "steps": 3, "buffers": buffers}
    optimizer.load_state_dict(state)
    loaded = json.loads(json.dumps(optimizer.state_dict(), allow_nan=False))
    assert {name: [float(x).hex() for x in xs] for name, xs in loaded["buffers"].items()} == {
        name: [x.hex() for x in xs] for name, xs in buffers.items()
    }
    optimizer.load_state_dict(loaded)
    assert optimizer.state_dict() == loaded


def test_a_state_is_plain_and_says_what_it_is():
    optimizer = optim.Adam(with_gradients([math.inf, 2.0]), betas=(0.5, 0.75))
    with pytest.warns(NonFiniteWarning):
        optimizer.step()
    assert optimizer.state_dict() == {
        "optimizer": "Adam",
        "parameters": 2,
        "hyperparameters": {"lr": 0.001, "betas": [0.5, 0.75], "eps": 1e-8, "weight_decay": 0.0, "amsgrad": False},
        "steps": 1,
        "buffers": {"exp_avg": ["nan", 1.0], "exp_avg_sq": ["inf", 1.0]},
    }


def test_a_state_is_a_copy():
    optimizer = optim.SGD(with_gradients([1.0]), momentum=0.5)
    optimizer.step()
    state = optimizer.state_dict()
    kept = copy.deepcopy(state)
    optimizer.step()
    assert state == kept
    optimizer.load_state_dict(state)
    optimizer.step()
    assert state == kept


BAD_STATES = {
    "no dict": (lambda s: [], "type list"),
    "a missing key": (lambda s: s.pop("steps") and s, "misses 'steps'"),
    "an unexpected key": (lambda s: {**s, "stepz": 1}, "unexpected 'stepz'"),
    "torch's": (
        lambda s: {"state": {}, "param_groups": []},
        "misses 'optimizer'.* and has the unexpected 'state'.*, 'param_groups'",
    ),
    "another class": (lambda s: {**s, "optimizer": "Adam"}, "that of 'Adam'"),
    "another number of parameters": (lambda s: {**s, "parameters": 3}, "3 parameters: this optimizer has 2"),
    "a number of parameters that is none": (lambda s: {**s, "parameters": True}, "'parameters' .* is True"),
    "half a step": (lambda s: {**s, "steps": 1.5}, "'steps' .* is 1.5"),
    "steps below zero": (lambda s: {**s, "steps": -1}, "'steps' .* is -1"),
    "more steps than a float can count": (lambda s: {**s, "steps": 2**53 + 1}, "from 0 to 2⁵³"),
    "a hyperparameter that no float can be": (lambda s: s["hyperparameters"].update(eps=10**400) or s, "int too large"),
    "no hyperparameters": (lambda s: {**s, "hyperparameters": None}, "type NoneType"),
    "a missing hyperparameter": (lambda s: s["hyperparameters"].pop("alpha") and s, "misses 'alpha'"),
    "an unexpected hyperparameter": (lambda s: s["hyperparameters"].update(beta=1) or s, "unexpected 'beta'"),
    "a hyperparameter out of range": (lambda s: s["hyperparameters"].update(lr=-1.0) or s, r"RMSprop\(lr\) is -1.0"),
    "a hyperparameter of a wrong type": (lambda s: s["hyperparameters"].update(eps="1") or s, "real number, not str"),
    "a switch that is a number": (lambda s: s["hyperparameters"].update(centered=1) or s, "True or False"),
    "no buffers": (lambda s: {**s, "buffers": []}, "type list"),
    "a missing buffer": (lambda s: s["buffers"].pop("grad_avg") and s, "misses 'grad_avg'"),
    "an unexpected buffer": (lambda s: s["hyperparameters"].update(momentum=0.0) or s, "unexpected 'momentum_buffer'"),
    "a buffer that is no list": (lambda s: s["buffers"].update(grad_avg="nan") or s, "'grad_avg' .* type str"),
    "a short buffer": (lambda s: s["buffers"].update(grad_avg=[1.0]) or s, "has 1 numbers: there are 2"),
    "a buffer with text": (lambda s: s["buffers"].update(grad_avg=[1.0, "one"]) or s, "number 1 of 'grad_avg' .* is 'one'"),
    "a buffer with None": (lambda s: s["buffers"].update(momentum_buffer=[None, 1.0]) or s, "number 0 .* is None"),
}


@pytest.mark.parametrize("case", BAD_STATES)
def test_a_bad_state_is_refused_whole(case):
    spoil, message = BAD_STATES[case]
    optimizer = optim.RMSprop(with_gradients([1.0, -2.0]), momentum=0.5, centered=True)
    optimizer.step()
    before = optimizer.state_dict()
    with pytest.raises(ad.StateError, match=message):
        optimizer.load_state_dict(spoil({**copy.deepcopy(before), "steps": 7}))
    assert optimizer.state_dict() == before


@every_configuration
def test_optimizers_are_pickled_and_copied_with_their_parameters(name):
    optimizer = configured(name, leaves())
    train(optimizer, range(3))
    twins = [copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))]
    train(optimizer, range(3, 9))
    for twin in twins:
        assert twin.parameters[0] is not optimizer.parameters[0]
        train(twin, range(3, 9))
        assert data(twin) == data(optimizer)


def test_a_copied_optimizer_trains_the_model_copied_with_it():
    model = nn.Perceptron(2, seed=1)
    new_model, optimizer = copy.deepcopy((model, optim.SGD(model.parameters())))
    assert all(x is y for x, y in zip(optimizer.parameters, new_model.parameters(), strict=True))


# ---- whole steps -------------------------------------------------------------------------------------------------------------

interpreted_only = pytest.mark.skipif(ad.implementation == "compiled", reason="no compiled loop can be stopped")


@interpreted_only
@pytest.mark.parametrize("name", ["sgd, all but nesterov", "adam, all", "adamw, all", "rmsprop, all"])
def test_a_step_interrupted_at_any_line_has_not_been_made(name):
    optimizer = configured(name, leaves([0.5, -1.5]))
    for parameter in optimizer.parameters:
        parameter.grad = 0.25
    optimizer.step()
    data_before, state_before = data(optimizer), json.dumps(optimizer.state_dict())
    for line in count():
        if step_interrupted_at(optimizer, line):
            assert data(optimizer) == data_before
            assert json.dumps(optimizer.state_dict()) == state_before
        else:
            break
    assert line > 30
    assert data(optimizer) != data_before
    assert optimizer.steps == 2


def step_interrupted_at(optimizer, line):
    """Make a step with a KeyboardInterrupt before its line of that number; whether it came to that."""
    lines = count()

    def trace(frame, event, argument):
        if not frame.f_code.co_filename.endswith("optimizers.py"):
            return None
        if event == "line" and next(lines) == line:
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        optimizer.step()
        return False
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)


@interpreted_only
@every_configuration
@pytest.mark.parametrize("slot", ["adjoint", "primal"])
def test_a_step_that_raises_has_not_been_made(name, slot):
    optimizer, twin = configured(name, leaves()), configured(name, leaves())
    train(optimizer, range(3))
    train(twin, range(3))
    number = getattr(optimizer.parameters[4], slot)
    setattr(optimizer.parameters[4], slot, "no number")
    with pytest.raises(TypeError):
        optimizer.step()
    setattr(optimizer.parameters[4], slot, number)
    assert data(optimizer) == data(twin)
    train(optimizer, range(3, 6))
    train(twin, range(3, 6))
    assert data(optimizer) == data(twin)
    assert optimizer.state_dict() == twin.state_dict()


# ---- bad input ---------------------------------------------------------------------------------------------------------------


@every_kind
def test_parameters_may_come_from_a_generator(kind):
    w = ad.Value(1.0)
    optimizer = kind((x for x in [w]), lr=1.0)
    (w * 3).backward()
    optimizer.step()
    optimizer.step()
    assert optimizer.parameters == [w]
    assert w.data < -0.5


def test_the_list_of_parameters_is_a_copy():
    optimizer = optim.Adam(leaves())
    optimizer.parameters.append(ad.Value(1.0))
    assert len(optimizer.parameters) == 6
    optimizer.step()


BAD_PARAMETERS = {
    "a number among them": (lambda: [ad.Value(1.0), 1.0], TypeError, "number 1 is float"),
    "one Value": (lambda: ad.Value(1.0), TypeError, "not one Value"),
    "a model": (lambda: nn.Perceptron(2), TypeError, r"model.parameters\(\), not one Perceptron"),
    "none": (lambda: None, TypeError, "NoneType"),
    "text": (lambda: "w", TypeError, "number 0 is str"),
    "an empty list": (lambda: [], ad.SettingError, "no parameters: there is nothing to train"),
    "one twice": (lambda: [ad.Value(2.0), *[ad.Value(1.0, "w")] * 2], ad.SettingError, "1 and 2 are one and the same, .*'w'"),
    "no leaf": (lambda: [ad.Value(1.0) * 2], ad.SettingError, "parameter 0 was computed, by mul"),
}


@every_kind
@pytest.mark.parametrize("case", BAD_PARAMETERS)
def test_bad_parameters_are_refused(kind, case):
    make, error, message = BAD_PARAMETERS[case]
    with pytest.raises(error, match=message) as caught:
        kind(make())
    assert str(caught.value).startswith(f"{kind.__name__}()")


@every_kind
@pytest.mark.parametrize("rate", [-1e-300, math.nan, math.inf, "0.1", None, 1j])
def test_a_bad_rate_is_refused(kind, rate):
    error = ad.SettingError if isinstance(rate, float) else TypeError
    with pytest.raises(error, match=rf"{kind.__name__}\(lr\)"):
        kind(leaves(), lr=rate)
    optimizer = kind(leaves(), lr=0.25)
    with pytest.raises(error, match=rf"{kind.__name__}\(lr\)"):
        optimizer.lr = rate
    assert optimizer.lr == 0.25


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (optim.SGD, {"momentum": -0.1}, r"SGD\(momentum\) is -0.1: it must be at least 0 and finite"),
        (optim.SGD, {"dampening": math.nan}, r"SGD\(dampening\) is nan: it must be finite"),
        (optim.SGD, {"weight_decay": -1}, r"SGD\(weight_decay\) is -1.0"),
        (optim.SGD, {"nesterov": True}, "needs momentum above 0 and dampening 0, not momentum=0.0"),
        (optim.SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "dampening=0.1"),
        (optim.Adam, {"betas": (1.0, 0.9)}, r"Adam\(betas\) is 1.0: it must be at least 0 and below 1"),
        (optim.Adam, {"betas": (0.9, -0.1)}, r"Adam\(betas\) is -0.1"),
        (optim.AdamW, {"betas": (0.9, math.nan)}, r"AdamW\(betas\) is nan"),
        (optim.AdamW, {"eps": -1e-8}, r"AdamW\(eps\) is -1e-08"),
        (optim.RMSprop, {"alpha": 1.0}, r"RMSprop\(alpha\) is 1.0"),
        (optim.RMSprop, {"momentum": math.inf}, r"RMSprop\(momentum\) is inf"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(kind, settings, message):
    with pytest.raises(ad.SettingError, match=message):
        kind(leaves(), **settings)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (optim.SGD, {"nesterov": 1, "momentum": 0.9}),
        (optim.SGD, {"momentum": "0.9"}),
        (optim.Adam, {"betas": 0.9}),
        (optim.Adam, {"betas": (0.9, 0.99, 0.999)}),
        (optim.Adam, {"betas": "ab"}),
        (optim.Adam, {"amsgrad": None}),
        (optim.RMSprop, {"centered": "yes"}),
    ],
)
def test_a_setting_of_a_wrong_type_is_refused(kind, settings):
    with pytest.raises(TypeError, match=kind.__name__):
        kind(leaves(), **settings)


def test_an_optimizer_shows_its_settings():
    assert repr(optim.AdamW(leaves(), lr=0.5)) == (
        "AdamW(<6 parameters>, lr=0.5, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01, amsgrad=False)"
    )


# ---- clipping ----------------------------------------------------------------------------------------------------------------


def same(x, text):
    """The same number as torch's, signs of zeros and nans included."""
    y = float(text)
    if math.isnan(x) or math.isnan(y):
        return math.isnan(x) and math.isnan(y)
    return math.isclose(x, y, rel_tol=1e-14) and math.copysign(1.0, x) == math.copysign(1.0, y)


@pytest.mark.parametrize("case", TORCH["clipping"], ids=lambda case: f"{case['gradients']} to {case['limit']}")
def test_clipping_is_torchs(case):
    gradients = REFERENCE.GRADIENTS[case["gradients"]]
    parameters = with_gradients(gradients)
    assert same(optim.clip_grad_norm(parameters, case["limit"]), case["norm"])
    assert all(map(same, [p.grad for p in parameters], case["by_norm"]))
    parameters = with_gradients(gradients)
    assert optim.clip_grad_value(parameters, case["limit"]) is None
    assert all(map(same, [p.grad for p in parameters], case["by_value"]))


def test_the_norm_of_huge_and_of_tiny_gradients_is_right():
    parameters = with_gradients([3e200, -4e200])
    assert optim.clip_grad_norm((p for p in parameters), 10.0) == pytest.approx(5e200, rel=1e-15)
    assert [p.grad for p in parameters] == pytest.approx([6.0, -8.0], rel=1e-15)
    assert optim.clip_grad_norm(with_gradients([3e-200, 4e-200]), 1.0) == pytest.approx(5e-200, rel=1e-15)


@given(st.lists(st.floats(-1e100, 1e100), min_size=1), st.floats(1e-100, 1e100))
def test_clipped_gradients_have_at_most_the_norm_wanted(gradients, limit):
    parameters = with_gradients(gradients)
    norm = optim.clip_grad_norm(parameters, limit)
    assert norm == pytest.approx(math.hypot(*gradients), rel=1e-14)
    after = [p.grad for p in parameters]
    assert math.hypot(*after) <= limit * (1 + 1e-14)
    if norm + 1e-6 <= limit:
        assert after == gradients
    optim.clip_grad_value(parameters, limit / 2)
    assert max(map(abs, [p.grad for p in parameters])) <= limit / 2


@pytest.mark.parametrize("gradient", [1.0, 1e308, math.inf, math.nan])
def test_an_infinite_limit_only_measures(gradient):
    parameters = with_gradients([gradient, 2.0])
    before = repr(parameters)
    norm = optim.clip_grad_norm(parameters, math.inf)
    assert math.isfinite(norm) == math.isfinite(gradient)
    optim.clip_grad_value(parameters, math.inf)
    assert repr(parameters) == before


@pytest.mark.parametrize("gradient", [math.inf, math.nan])
def test_a_norm_that_is_not_finite_is_an_error_if_asked(gradient):
    parameters = with_gradients([1.0, gradient, math.nan])
    before = repr(parameters)
    with pytest.raises(ad.NonFiniteError, match=r"is nan: the first that is not finite .*'p1'"):
        optim.clip_grad_norm(parameters, 1.0, error_if_nonfinite=True)
    assert repr(parameters) == before


@pytest.mark.parametrize("clip", [optim.clip_grad_norm, optim.clip_grad_value])
def test_bad_clipping_changes_nothing(clip):
    parameters = with_gradients([3.0, 4.0])
    for limit, error in [(-1.0, ad.SettingError), (math.nan, ad.SettingError), ("1", TypeError), (None, TypeError)]:
        with pytest.raises(error, match=clip.__name__):
            clip(parameters, limit)
    for others in ([*parameters, 1.0], [parameters[0], *parameters], 3.0):
        with pytest.raises((TypeError, ad.SettingError), match=clip.__name__):
            clip(others, 1.0)
    assert [p.grad for p in parameters] == [3.0, 4.0]


def test_no_gradients_have_the_norm_zero():
    assert optim.clip_grad_norm([], 1.0) == 0.0
    optim.clip_grad_value([], 1.0)


@pytest.mark.parametrize(
    ("data", "other", "different"),
    [
        (1.0, 1.0, False),
        (1.0, 2.0, True),
        (0.0, -0.0, True),
        (-0.0, -0.0, False),
        (math.nan, math.nan, False),
        (math.nan, 1.0, True),
    ],
)
def test_numbers_differ_by_their_bits(data, other, different):
    assert differ((ad.Value(3.0), ad.Value(data)), array("d", [3.0, other])) is different
