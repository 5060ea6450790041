"""The digits network, written as scalar code, trained on eight devices by JAX's own means.

The loss of one digit is recorded once, turned into arrays, and given to JAX, which spreads each batch over a mesh of devices
and adds up their gradients. Here the devices are eight pieces of one processor, and the weights come out as on one device.
On GPUs or a cluster nothing changes but where the devices come from: call `jax.distributed.initialize()` first on every
host, leave the flags below out, and `jax.devices()` has all devices of all hosts. Each host then gives its own digits to
`jax.make_array_from_process_local_data`.

    python examples/many_devices.py      trains twice, on one device and on eight, and compares the weights
"""

from __future__ import annotations

import os

DEVICES = 8
# Before JAX is imported. On few cores the eight wait for each other longer than the default allows.
os.environ.setdefault(
    "XLA_FLAGS",
    f"--xla_force_host_platform_device_count={DEVICES} --xla_cpu_collective_call_terminate_timeout_seconds=900",
)

from collections.abc import Sequence  # noqa: E402
from typing import Any  # noqa: E402

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from jax.sharding import Mesh, NamedSharding, PartitionSpec  # noqa: E402
from sklearn.datasets import load_digits  # noqa: E402

import autodiff as ad  # noqa: E402
from autodiff import nn  # noqa: E402

jax.config.update("jax_enable_x64", True)

BATCH, STEPS, RATE, SEED = 256, 60, 0.5, 3


def digit_loss(model: nn.MLP) -> Any:
    """The loss of one digit, compiled: scalar code."""
    return ad.compile(lambda pixels, digit: nn.cross_entropy([model(pixels)], [digit]))


def batches(pixels: np.ndarray, digits: np.ndarray, steps: int) -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(SEED)
    chosen = [generator.choice(len(pixels), BATCH, replace=False) for _ in range(steps)]
    return [(pixels[rows], digits[rows]) for rows in chosen]


def train(loss: Any, data: list[tuple[np.ndarray, np.ndarray]], devices: Sequence[Any]) -> tuple[dict[str, Any], list[float]]:
    """The weights after a step of gradient descent for each batch, and the losses."""
    mesh = Mesh(np.array(devices), ("samples",))
    spread, everywhere = NamedSharding(mesh, PartitionSpec("samples")), NamedSharding(mesh, PartitionSpec())
    gradients_of = loss.to_jax([0.0] * 64, 0)

    @jax.jit
    def step(params: dict[str, Any], pixels: Any, digits: Any) -> tuple[dict[str, Any], Any]:
        mean, gradients = gradients_of(params, pixels, digits)
        return {key: array - RATE * gradients[key] for key, array in params.items()}, mean

    params = jax.device_put(loss.params(jnp), everywhere)
    losses = []
    for pixels, digits in data:
        params, mean = step(params, jax.device_put(pixels, spread), jax.device_put(digits, spread))
        losses.append(float(mean))
    return params, losses


def main(steps: int = STEPS) -> None:
    found = load_digits()
    data = batches(found.data / 16, found.target.astype(float), steps)
    model = nn.MLP(64, [32, 10], "relu", init="he", seed=SEED)
    loss = digit_loss(model)
    devices = jax.devices()
    print(f"{len(devices)} devices: {devices[0].platform}; {len(model.parameters()):,} parameters, batches of {BATCH}")
    alone, losses = train(loss, data, devices[:1])
    together, _ = train(loss, data, devices)
    print(f"loss {losses[0]:.3f} → {losses[-1]:.3f} in {steps} steps")
    difference = max(float(jnp.max(jnp.abs(alone[key] - jax.device_get(together[key])))) for key in alone)
    print(f"weights on {len(devices)} devices and on one: they differ by at most {difference:.1e}")
    loss.load_params(together)  # back into the scalar network
    right = sum(
        max(range(10), key=[score.data for score in model(pixels)].__getitem__) == digit
        for pixels, digit in zip((found.data[:200] / 16).tolist(), found.target[:200].tolist(), strict=True)
    )
    print(f"the scalar network with these weights reads {right} of 200 digits")
    if difference > 1e-9 or not losses[-1] < losses[0]:
        raise SystemExit("The goal is the same weights to 1e-9, and a loss that falls.")


if __name__ == "__main__":
    main()
