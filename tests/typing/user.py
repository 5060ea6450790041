"""A user's file: every public name, as a type checker sees it. It is read by mypy --strict and basedpyright, and never run."""

from typing import assert_type

import autodiff as ad
from autodiff import nn, optim

x, y = ad.Value(2.0, name="x"), ad.Value(3.0)
xs = [x, y]

# arithmetic and comparisons
assert_type(2 * x + y / 3 - x**y, ad.Value)
assert_type(abs(-x) % 2, ad.Value)
assert_type(x > 0, bool)
assert_type(x.data, float)
assert_type(x.grad, float)
assert_type(x.name, str | None)
assert_type(x.operands, tuple[ad.Value, ...])
x.grad = 0
x.backward()

# functions: a number gives a float, a Value a Value
assert_type(ad.exp(1.0), float)
assert_type(ad.exp(x), ad.Value)
assert_type(x.tanh().elu(alpha=2.0).leaky_relu(negative_slope=0.1), ad.Value)
assert_type(ad.elu(x, alpha=2.0), ad.Value)
assert_type(ad.elu(1, alpha=2), float)
assert_type(ad.leaky_relu(x, slope=0.1), ad.Value)
assert_type(ad.leaky_relu(x, negative_slope=0.1), ad.Value)
assert_type(ad.celu(x, alpha=2.0), ad.Value)
assert_type(ad.atan2(y=1.0, x=2.0), float)
assert_type(ad.atan2(y, x), ad.Value)
assert_type(ad.hypot(3.0, x), ad.Value)
assert_type(ad.pow(x, 2), ad.Value)
assert_type(ad.xlogy(x, y), ad.Value)
for function in (
    ad.abs, ad.acos, ad.acosh, ad.asin, ad.asinh, ad.atan, ad.atanh, ad.cbrt, ad.cos, ad.cosh, ad.erf, ad.erfc, ad.exp,
    ad.expm1, ad.gelu, ad.log, ad.log10, ad.log1p, ad.log2, ad.mish, ad.neg, ad.relu, ad.selu, ad.sigmoid, ad.sign, ad.silu,
    ad.sin, ad.sinh, ad.softplus, ad.softsign, ad.sqrt, ad.step, ad.tan, ad.tanh, ad.exp2, ad.rsqrt, ad.sinc, ad.erfinv,
    ad.lgamma, ad.digamma, ad.logit, ad.log_sigmoid, ad.hard_tanh, ad.hard_sigmoid, ad.floor, ad.ceil, ad.round,
):  # fmt: skip
    assert_type(function(x), ad.Value)
    assert_type(function(0.5), float)
for of_two in (ad.add, ad.sub, ad.mul, ad.div, ad.mod, ad.pow, ad.hypot, ad.xlogy, ad.logaddexp):
    assert_type(of_two(x, 1.0), ad.Value)
    assert_type(of_two(2.0, 1.0), float)
assert_type(ad.hypot(x, 1.0, y), ad.Value)
assert_type(ad.hypot(1.0, 2.0, 2.0), float)
assert_type(x.lgamma() + x.digamma(), ad.Value)
assert_type(ad.det([[x, 1.0], [0.0, 2.0]]), ad.Value)
assert_type(ad.det([[1.0, 1.0], [0.0, 2.0]]), float)
assert_type(ad.solve([[x, 1.0], [0.0, 2.0]], [1.0, 2.0]), list[ad.Value])
assert_type(ad.solve([[1.0, 1.0], [0.0, 2.0]], [1.0, 2.0]), list[float])
assert_type(ad.solve([[x, 1.0], [0.0, 2.0]], [[1.0], [y]]), list[list[ad.Value]])
filled = ad.zeros((2, 2))
filled[0, 1] = x * y
ad.array([[x, 1.0], [0.0, y]])[:, 0] += ad.ones(2)
assert_type(ad.sum(xs), ad.Value)
assert_type(ad.sum([1.0, 2.0]), float)
assert_type(ad.sum(z * z for z in xs), ad.Value)
assert_type(ad.mean(xs), ad.Value)
assert_type(ad.dot(xs, [1.0, 2.0]), ad.Value)
assert_type(ad.max(xs), ad.Value)
assert_type(ad.max(x, 0.0), ad.Value)
assert_type(ad.max(1.0, 2.0), float)
assert_type(ad.min(x, y), ad.Value)
assert_type(ad.maximum(x, 0.0), ad.Value)
assert_type(ad.minimum(1.0, 2.0), float)
assert_type(ad.maxout(x, y), ad.Value)
assert_type(ad.clip(x, -1, 1), ad.Value)
assert_type(ad.where(x > 0, x, 0.0), ad.Value)
assert_type(ad.where(True, 1.0, 0.0), float)
assert_type(ad.softmax(xs), list[ad.Value])
assert_type(ad.log_softmax([1.0, 2.0]), list[float])
assert_type(ad.take([1.0, 2.0], 1), float)
assert_type(ad.take([[x], [y]], 0), list[ad.Value])
assert_type(ad.take([1.0, 2.0], x), ad.Value)
assert_type(ad.prod(xs), ad.Value)
assert_type(ad.norm(x, y), ad.Value)
assert_type(ad.logsumexp([1.0, 2.0]), float)

# an operation of one's own
log_cosh = ad.operation("log_cosh", lambda x: x, lambda x, out: (ad.tanh(x),), "log cosh({0})", doc="log of cosh")
assert_type(log_cosh(1.0), float)
assert_type(log_cosh(x), ad.Value)


# derivatives
def f(x: ad.Value) -> ad.Value:
    return ad.tanh(x) * x


def g(x: list[ad.Value], scale: float) -> ad.Value:
    return ad.sum(x) * scale


assert_type(ad.gradients(f(x), x), float)
assert_type(ad.gradients(f(x), xs), list[float])
assert_type(ad.gradients(f(x), xs, create_graph=True), list[ad.Value])
assert_type(ad.grad(f)(0.5), float)
assert_type(ad.grad(f)(x), ad.Value)
assert_type(ad.grad(ad.grad(f))(0.5), float)
assert_type(ad.grad(g)([1.0, 2.0], 3.0), list[float])
assert_type(ad.value_and_grad(f)(0.5), tuple[float, float])
assert_type(ad.value_and_grad(g, compile=True)([1.0, 2.0], 3.0), tuple[float, list[float]])
assert_type(ad.check_gradients(f, 0.5), float)
ad.jacobian(f)(0.5)
ad.hessian(f)(0.5)
ad.jvp(f, (0.5,), (1.0,))
ad.hvp(f, 0.5, 1.0)


# compiled functions
@ad.compile
def loss(x: ad.Value, y: float) -> ad.Value:
    return (x - y) ** 2


@ad.compile(argnums=1)
def area(width: float, height: float) -> float:
    return width * height


assert_type(loss(1.0, 2.0), float)
assert_type(loss.source, str)
assert_type(loss.parameters, list[ad.Value])
assert_type(area(width=1.0, height=2.0), float)
loss.backward([1.0, 2.0], [3.0, 4.0])
loss.map([1.0, 2.0], [3.0, 4.0])

# networks
model = nn.MLP(2, [8, 1], activation="tanh", init="xavier", seed=1)
assert_type(model, nn.MLP)
assert_type(model.parameters(), list[ad.Value])
perceptron = nn.Perceptron(2, activation=log_cosh)
assert_type(perceptron([1.0, 2.0]), ad.Value)
net = nn.Sequential(nn.Layer(2, 3), nn.Activation(lambda z: z * 0.5), nn.Neuron(3, nonlin=False), ad.tanh)
outputs = [perceptron([1.0, 2.0]), perceptron([0.0, 1.0])]
targets = [0, 1]
for criterion in (nn.mse, nn.mae, nn.huber, nn.hinge):
    assert_type(criterion(outputs, targets), ad.Value)
assert_type(nn.mse([1.0, 2.0], targets), float)
assert_type(nn.huber(outputs, targets, delta=2.0), ad.Value)
assert_type(nn.binary_cross_entropy(outputs, targets, from_logits=True), ad.Value)
assert_type(nn.cross_entropy(xs, 1), ad.Value)
log = nn.fit(
    model,
    [[0.0, 1.0]],
    [1.0],
    optimizer=optim.Adam(model.parameters(), lr=0.01),
    loss=nn.hinge,
    epochs=3,
    schedule=optim.cosine(0.02, steps=10),
    callback=lambda log: print(log.losses),
)
assert_type(log, nn.TrainingLog)
assert_type(optim.clip_grad_norm(model.parameters(), 1.0), float)
optim.clip_grad_value(model.parameters(), 1.0)
optimizers: list[optim.Optimizer] = [
    optim.SGD(xs, lr=0.1, momentum=0.9), optim.Adam(xs), optim.AdamW(xs), optim.RMSprop(xs)
]  # fmt: skip
schedules = [optim.constant(0.1), optim.linear(0.1, 10), optim.cosine(0.1, 10), optim.step_decay(0.1, 3)]
for start in (nn.he, nn.uniform, nn.xavier, nn.zeros):
    nn.Layer(2, 2, init=start)


class Scaled(nn.Module):
    def __init__(self, factor: float):
        self.factor = ad.Value(factor)

    def __call__(self, x: ad.Value) -> ad.Value:
        return self.factor * x


assert_type(Scaled(2.0), Scaled)
Scaled(2.0).save("scaled.json")
Scaled(1.0).load("scaled.json")

# seeing and stepping
with ad.scope("layer"), ad.record_source(), ad.strict():
    z = f(x)
ad.set_renderer(lambda dot: "<svg>" + dot + "</svg>")
ad.set_renderer(None)
ad.draw(z, "graph.svg", edges="flow", heat=True, theme="dark", legend=False)
ad.draw(nn.MLP(2, [2, 1]), "network.svg", theme="light")
assert_type(nn.Perceptron(2).activation, str)
print(ad.explain(z, x), ad.expression(z), ad.blame(z), ad.summary(z))
assert_type(ad.why(z, x, page="steps.html").gradient, float)
assert_type(ad.steps(z), ad.History)
ad.page(z, "steps.html")
ad.debug(z)
with ad.live(z, parameters=[x]) as view:
    view.update(z)
assert_type(ad.implementation, str)
for error in (
    ad.DebuggerError, ad.GradientMismatch, ad.GraphTooLarge, ad.NonFiniteError, ad.NotInGraphError, ad.NotebookNotFound,
    ad.OperationError, ad.RendererFailed, ad.RendererNotFound, ad.SettingError, ad.ShapeError, ad.SingularMatrix,
    ad.StaleRecording, ad.StateError, ad.TargetError, ad.TraceError, ad.TrainingDiverged, ad.UnknownNameError, ad.WrongFile,
    ad.DetachedError,
):  # fmt: skip
    assert issubclass(error, ad.AutodiffError)
for warning in (ad.DecisionWarning, ad.DetachedWarning, ad.NonFiniteWarning):
    assert issubclass(warning, Warning)
ad.refresh(z)
assert_type(ad.release_memory(), int)
ad.pm()

# time travel
with ad.record_run(model, optimizers[0]) as run:
    pass
assert_type(run, nn.Run)
run.save("run.ad")
assert_type(ad.load_run("run.ad")[0].loss, float)
print(nn.record_run, nn.load_run)
assert_type(nn.accuracy(outputs, targets), float)
nn.save_checkpoint("model.json", model, optimizers[0], log)
nn.fit(model, [[0.0]], [0], epochs=1, log=nn.load_checkpoint("model.json", nn.Sequential(nn.Linear(2, 1))))
