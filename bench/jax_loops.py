"""The plain training loop in JAX: an MLP, cross-entropy, Adam, written by hand."""

import os
from typing import Any

import torch
from torch import nn

# One thread, as everybody else has; to be said before JAX is imported.
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp

BETAS, EPSILON = (0.9, 0.999), 1e-8


class Training:
    """The weights of a torch MLP, trained by JAX and put back at the end.

    Args:
        network: Linear layers with ReLU between.
        rate: Of Adam.
    """

    def __init__(self, network: Any, rate: float) -> None:
        self.network = network
        linear = [each for each in network if isinstance(each, nn.Linear)]
        weights = [
            (jnp.asarray(each.weight.detach().T.numpy()), jnp.asarray(each.bias.detach().numpy()))
            for each in linear
        ]
        first, second = (jax.tree.map(jnp.zeros_like, weights) for _ in range(2))
        self.linear = linear
        self.state = weights, first, second, jnp.zeros(())

        def step(state: Any, batch: Any) -> Any:
            weights, first, second, count = state
            gradient = jax.grad(_loss)(weights, *batch)
            count = count + 1
            first = jax.tree.map(lambda m, g: BETAS[0] * m + (1 - BETAS[0]) * g, first, gradient)
            second = jax.tree.map(
                lambda v, g: BETAS[1] * v + (1 - BETAS[1]) * g * g, second, gradient
            )
            one, two = 1 - BETAS[0] ** count, 1 - BETAS[1] ** count

            def moved(w: Any, m: Any, v: Any) -> Any:
                return w - rate * (m / one) / (jnp.sqrt(v / two) + EPSILON)

            return (jax.tree.map(moved, weights, first, second), first, second, count), None

        def epoch(state: Any, x: Any, y: Any, rows: Any) -> Any:
            return jax.lax.scan(lambda state, row: step(state, (x[row], y[row])), state, rows)[0]

        self._step = jax.jit(lambda state, x, y: step(state, (x, y))[0], donate_argnums=0)
        self._epoch = jax.jit(epoch, donate_argnums=0)

    def step(self, x: Any, y: Any) -> None:
        """Take a step on a batch."""
        self.state = self._step(self.state, x, y)

    def epoch(self, x: Any, y: Any, rows: Any) -> None:
        """Take the steps of an epoch on the batches at these positions."""
        self.state = jax.block_until_ready(self._epoch(self.state, x, y, rows))

    def finished(self) -> Any:
        """Return the network with the trained weights."""
        with torch.no_grad():
            for ours, (weight, bias) in zip(self.linear, self.state[0], strict=True):
                ours.weight.copy_(torch.tensor(jax.device_get(weight)).T)
                ours.bias.copy_(torch.tensor(jax.device_get(bias)))
        return self.network


def _loss(weights: Any, x: Any, y: Any) -> Any:
    *hidden, last = weights
    for weight, bias in hidden:
        x = jax.nn.relu(x @ weight + bias)
    logits = jax.nn.log_softmax(x @ last[0] + last[1])
    return -jnp.take_along_axis(logits, y[:, None], axis=1).mean()
