"""The same training in four ways: bare scan, this library, Python loop, PyTorch.

A joint critic maximizes the Donsker-Varadhan bound of a batch, with negatives from y
rolled by one. The library trains MINE, which adds the moving average of its gradient.

Each maker returns `run(seed) -> number`, which trains from scratch and blocks until the
end. All share the critic's widths, the batch size, the optimizer and the data.
"""

import importlib.util
import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxinfo import estimation, networks
from jaxinfo.divergences import donsker_varadhan_bound

__all__ = ["CONTENDERS", "Task", "make_data"]

LEARNING_RATE = 1e-3


class Task(NamedTuple):
    """Data x [N, D] and y [N, D], and the sizes of the training."""

    x: np.ndarray
    y: np.ndarray
    hidden_sizes: Sequence[int]
    num_steps: int
    batch_size: int = 256


def make_data(num_rows: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples Gaussian x and y of `size` dimensions each, with correlation 0.7."""
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, num_rows, size)).astype(np.float32)
    return x, (0.7 * x + np.sqrt(1 - 0.7**2) * noise).astype(np.float32)


def _step(task: Task):
    """Initial state and update on a random batch, with y rolled by one as negatives."""
    critic, optimizer = (
        networks.joint_critic(task.hidden_sizes),
        optax.adam(LEARNING_RATE),
    )

    def step(state, key, x, y):
        params, optimizer_state = state
        rows = jax.random.randint(key, (task.batch_size,), 0, len(x))
        x, y = x[rows], y[rows]
        rolled = jnp.roll(y, 1, axis=0)

        def loss(params):
            return -donsker_varadhan_bound(
                critic.apply(params, x, y), critic.apply(params, x, rolled)
            )

        value, gradient = jax.value_and_grad(loss)(params)
        updates, optimizer_state = optimizer.update(gradient, optimizer_state)
        return (optax.apply_updates(params, updates), optimizer_state), value

    def start(key, x, y):
        params = critic.init(key, x[:2], y[:2])
        return params, optimizer.init(params)

    return start, step


def bare_scan(task: Task) -> Callable[[int], float]:
    """The whole training as one `lax.scan`, without anything else."""
    start, step = _step(task)
    data = jnp.asarray(task.x), jnp.asarray(task.y)

    @jax.jit
    def train(key, x, y):
        keys = jax.random.split(key, task.num_steps)
        state = start(key, x, y)
        return jax.lax.scan(lambda state, key: step(state, key, x, y), state, keys)

    return lambda seed: float(train(jax.random.key(seed), *data)[1][-1])


def library(task: Task) -> Callable[[int], float]:
    """`make_run`, with validation, guard, best state, history and test report."""
    run = jax.jit(
        estimation.make_run(
            networks.joint_critic(task.hidden_sizes),
            bound="mine",
            num_steps=task.num_steps,
            batch_size=task.batch_size,
            num_negatives=1,
        )
    )
    fifth = len(task.x) // 5
    parts = [
        tuple(jnp.asarray(z[rows]) for z in (task.x, task.y))
        for rows in (
            slice(0, 3 * fifth),
            slice(3 * fifth, 4 * fifth),
            slice(4 * fifth, None),
        )
    ]
    return lambda seed: float(run(jax.random.key(seed), *parts).value)


def python_loop(task: Task) -> Callable[[int], float]:
    """One jitted step in a Python loop that reads the loss after each step."""
    start, step = _step(task)
    data = jnp.asarray(task.x), jnp.asarray(task.y)
    jitted = jax.jit(step)

    def train(seed: int) -> float:
        key, loss = jax.random.key(seed), float("nan")
        state = start(key, *data)
        for step_key in jax.random.split(key, task.num_steps):
            state, value = jitted(state, step_key, *data)
            loss = float(value)
        return loss

    return train


def pytorch_loop(task: Task) -> Callable[[int], float] | None:
    """The same training in eager PyTorch; None if PyTorch is not installed."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    torch.set_num_threads(1)
    x, y = torch.from_numpy(task.x), torch.from_numpy(task.y)
    sizes = [2 * task.x.shape[1], *task.hidden_sizes]

    def train(seed: int) -> float:
        torch.manual_seed(seed)
        layers = []
        for size_in, size_out in itertools.pairwise(sizes):
            layers += [torch.nn.Linear(size_in, size_out), torch.nn.ReLU()]
        critic = torch.nn.Sequential(*layers, torch.nn.Linear(sizes[-1], 1))
        optimizer = torch.optim.Adam(critic.parameters(), lr=LEARNING_RATE)
        value = float("nan")
        for _ in range(task.num_steps):
            rows = torch.randint(len(x), (task.batch_size,))
            rolled = y[rows].roll(1, 0)
            joint = critic(torch.cat([x[rows], y[rows]], 1))
            product = critic(torch.cat([x[rows], rolled], 1))
            loss = -(
                joint.mean() - product.logsumexp(0).squeeze() + np.log(task.batch_size)
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            value = loss.item()
        return value

    return train


CONTENDERS = {
    "bare_scan": bare_scan,
    "library": library,
    "python_loop": python_loop,
    "pytorch_loop": pytorch_loop,
}
