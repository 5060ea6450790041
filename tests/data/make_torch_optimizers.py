"""Makes torch_optimizers.json beside it: what torch's optimisers, schedules and clipping do, for tests/test_optim.py.

    python tests/data/make_torch_optimizers.py        (needs torch)

Everything is deterministic and in float64. The test trains the same ``loss`` with the same configurations: the functions here
work on torch's tensors and on Values alike.
"""

from __future__ import annotations

import json
from pathlib import Path

STEPS = 50
START = [0.7, -1.3, 0.4, 1.1, -0.6, 0.25]

# the class, its arguments, and the learning rate from the 25th step on where it changes
CONFIGURATIONS = {
    "sgd": ("SGD", {"lr": 0.02}, None),
    "sgd, weight decay": ("SGD", {"lr": 0.02, "weight_decay": 0.1}, None),
    "sgd, momentum": ("SGD", {"lr": 0.01, "momentum": 0.9}, None),
    "sgd, dampening": ("SGD", {"lr": 0.02, "momentum": 0.8, "dampening": 0.3}, None),
    "sgd, nesterov": ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True}, None),
    "sgd, nesterov and decay": ("SGD", {"lr": 0.01, "momentum": 0.7, "nesterov": True, "weight_decay": 0.05}, 0.003),
    "sgd, all but nesterov": ("SGD", {"lr": 0.02, "momentum": 0.9, "dampening": -0.2, "weight_decay": 0.3}, 0.0),
    "adam": ("Adam", {}, None),
    "adam, large steps": ("Adam", {"lr": 0.05}, 0.01),
    "adam, betas": ("Adam", {"lr": 0.02, "betas": (0.6, 0.95)}, None),
    "adam, short memory": ("Adam", {"lr": 0.02, "betas": (0.3, 0.4)}, None),
    "adam, no memory of the mean": ("Adam", {"lr": 0.02, "betas": (0.0, 0.99)}, None),
    "adam, weight decay": ("Adam", {"lr": 0.03, "weight_decay": 0.2}, None),
    "adam, eps": ("Adam", {"lr": 0.03, "eps": 0.1}, None),
    "adam, amsgrad": ("Adam", {"lr": 0.03, "betas": (0.9, 0.8), "amsgrad": True}, None),
    "adam, all": ("Adam", {"lr": 0.03, "betas": (0.7, 0.6), "eps": 1e-3, "weight_decay": 0.1, "amsgrad": True}, 0.004),
    "adamw": ("AdamW", {}, None),
    "adamw, decay": ("AdamW", {"lr": 0.04, "weight_decay": 0.5}, 0.01),
    "adamw, no decay": ("AdamW", {"lr": 0.04, "weight_decay": 0.0}, None),
    "adamw, all": ("AdamW", {"lr": 0.03, "betas": (0.8, 0.7), "eps": 1e-4, "weight_decay": 0.3, "amsgrad": True}, None),
    "rmsprop": ("RMSprop", {}, None),
    "rmsprop, alpha": ("RMSprop", {"lr": 0.02, "alpha": 0.9}, 0.005),
    "rmsprop, short memory": ("RMSprop", {"lr": 0.02, "alpha": 0.4}, None),
    "rmsprop, momentum": ("RMSprop", {"lr": 0.004, "alpha": 0.9, "momentum": 0.8}, None),
    "rmsprop, centered": ("RMSprop", {"lr": 0.01, "alpha": 0.95, "centered": True}, None),
    "rmsprop, weight decay": ("RMSprop", {"lr": 0.01, "weight_decay": 0.2}, None),
    "rmsprop, all": (
        "RMSprop",
        {"lr": 0.003, "alpha": 0.8, "eps": 1e-2, "weight_decay": 0.1, "momentum": 0.6, "centered": True},
        None,
    ),
}
SCHEDULE_STEPS = 40
GRADIENTS = {
    "long": [3.0, -4.0, 12.0, 0.0, -84.0],
    "short": [0.03, -0.04, 0.0, 0.12, 0.0],
    "exactly the limit": [0.6, 0.0, -0.8, 0.0, 0.0],
    "zero": [0.0] * 5,
    "with inf": [1.0, float("inf"), -2.0, 0.0, 3.0],
    "with nan": [1.0, float("nan"), -2.0, 0.0, 3.0],
}
LIMITS = [1.0, 0.0, 5.0]


def loss(parameters, step):
    """A small model's squared error on three points; in two steps of three the relu is off, and its weights have gradient 0."""
    a, b, c, d, e, f = parameters
    total = 0.0
    for k in range(3):
        x = (1 if step % 3 == 0 else -1) * (0.6 + 0.35 * k)
        y = 0.5 * x + (0.2 if k == 1 else -0.3)
        total = total + (a * (b * x + c).tanh() + f * (d * x + e).relu() - y) ** 2
    return total


def train(optimizers, leaf, kind, arguments, later):
    """The parameters after each step."""
    parameters = [leaf(x) for x in START]
    optimizer = getattr(optimizers, kind)(parameters, **arguments)
    course = []
    for step in range(STEPS):
        if step == STEPS // 2 and later is not None:
            set_rate(optimizer, later)
        optimizer.zero_grad()
        loss(parameters, step).backward()
        optimizer.step()
        course.append([float(parameter.data) for parameter in parameters])
    return course


def set_rate(optimizer, rate):
    """Write the learning rate where each library has it."""
    if hasattr(optimizer, "param_groups"):
        optimizer.param_groups[0]["lr"] = rate
    else:
        optimizer.lr = rate


def torch_leaf(x):
    import torch

    return torch.tensor(x, dtype=torch.float64, requires_grad=True)


def schedules():
    """The learning rates of torch's schedulers, step by step, until after their end."""
    import torch

    kinds = torch.optim.lr_scheduler
    made = {
        "linear": lambda o: kinds.LinearLR(o, 1.0, 0.2, 30),
        "cosine": lambda o: kinds.CosineAnnealingLR(o, SCHEDULE_STEPS, 0.01),
        "step_decay": lambda o: kinds.StepLR(o, 7, 0.5),
    }
    rates = {}
    for name, make in made.items():
        optimizer = torch.optim.SGD([torch_leaf(0.0)], lr=0.1)
        scheduler = make(optimizer)
        rates[name] = []
        for _ in range(SCHEDULE_STEPS):
            rates[name].append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
    return rates


def clipping():
    """Norm before, gradients after clipping by norm, and by value, for each list of gradients and each limit."""
    import torch

    cases = []
    for name, gradients in GRADIENTS.items():
        for limit in LIMITS:
            norm, by_norm = clipped(torch.nn.utils.clip_grad_norm_, gradients, limit)
            _, by_value = clipped(torch.nn.utils.clip_grad_value_, gradients, limit)
            cases.append(
                {"gradients": name, "limit": limit, "norm": str(float(norm)), "by_norm": by_norm, "by_value": by_value}
            )
    return cases


def clipped(clip, gradients, limit):
    """What a clipping function of torch's returns, and the gradients after it, as text."""
    import torch

    leaves = [torch_leaf(0.0) for _ in gradients]
    for leaf, gradient in zip(leaves, gradients, strict=True):
        leaf.grad = torch.tensor(gradient, dtype=torch.float64)
    return clip(leaves, limit), [str(float(leaf.grad)) for leaf in leaves]


def main():
    import torch

    torch.set_num_threads(1)
    made = {
        "torch": torch.__version__,
        "courses": {name: train(torch.optim, torch_leaf, *setup) for name, setup in CONFIGURATIONS.items()},
        "schedules": schedules(),
        "clipping": clipping(),
    }
    path = Path(__file__).with_name("torch_optimizers.json")
    path.write_text(
        json.dumps(made, allow_nan=False).replace("], [", "],\n[").replace("}, {", "},\n{") + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
