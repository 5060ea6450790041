"""Scripts in the style that people have written for micrograd and for scalar GPTs run as they stand."""

import random

from autodiff import nn
from autodiff.engine.value import Value


def test_training_as_in_micrograds_demo():
    random.seed(1337)
    points = [(random.uniform(-1, 1), random.uniform(-1, 1)) for _ in range(20)]
    labels = [1 if x * y > 0 else -1 for x, y in points]
    model = nn.MLP(2, [8, 1])

    def total_loss():
        inputs = [list(map(Value, point)) for point in points]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(labels, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        reg_loss = 1e-4 * sum(p * p for p in model.parameters())
        return data_loss + reg_loss

    seen = []
    for k in range(60):
        loss = total_loss()
        model.zero_grad()
        loss.backward()
        learning_rate = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= learning_rate * p.grad
        seen.append(loss.data)
    assert min(seen[-10:]) < 0.5 * seen[0]


def test_a_softmax_and_an_rms_norm_as_scalar_gpts_write_them():
    """The gradients of −log softmax are p − 1 for the target and p for the others."""
    logits = [Value(0.3), Value(-1.2), Value(2.0)]
    top = max(value.data for value in logits)
    exps = [(value - top).exp() for value in logits]
    total = sum(exps)
    probs = [e / total for e in exps]
    (-probs[0].log()).backward()
    for i, (logit, p) in enumerate(zip(logits, probs, strict=True)):
        assert abs(logit.grad - (p.data - (i == 0))) < 1e-15

    x = [Value(3.0), Value(4.0)]
    mean_square = sum(xi * xi for xi in x) / len(x)
    scale = (mean_square + 1e-5) ** -0.5
    y = [xi * scale for xi in x]
    assert abs(y[0].data - 3 / 12.50001**0.5) < 1e-15
