"""The training loop of Deep InfoMax."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_key, check_positive
from jaxinfo.core.types import Array, Float, Key, PyTree
from jaxinfo.infomax.deep_infomax import (
    DeepInfomax,
    DeepInfomaxInfo,
    DeepInfomaxState,
)
from jaxinfo.training import TrainResult, make_row_sampler, train

__all__ = ["train_deep_infomax"]


def train_deep_infomax(
    key: Key[Array, ""],
    infomax: DeepInfomax,
    images: Float[Array, "n ..."],
    *,
    num_steps: int,
    batch_size: int = 64,
    eval_every: int = 100,
    state: DeepInfomaxState | None = None,
    observe: Callable[[Array, DeepInfomaxState], PyTree] | None = None,
) -> TrainResult:
    """Trains an encoder by Deep InfoMax; may be used under `jit` and `vmap`.

    Each update draws the same random numbers whether the training runs in one call or
    in several, alone or among other seeds.

    Args:
        key: random key; pass the same one when a training is continued.
        infomax: made by `make_deep_infomax`.
        images: [N, ...], floats or unsigned bytes, in an order without information.
        num_steps: number of updates.
        batch_size: images per update, at least two.
        eval_every: number of updates averaged in one entry of the history.
        state: the state to continue from; None for a new training.
        observe: `observe(key, state) -> arrays`, called after every `eval_every`
            updates, such as a probe.

    Returns:
        A `TrainResult`: the last state, the history (a `DeepInfomaxInfo` of means), and
        the results of `observe`.

    Raises:
        ValueError: if a count is not positive, the batch is larger than the data, or
            the networks do not match the images.
    """
    check_key(0, key=key)
    check_positive(batch_size=batch_size)
    for_init, for_steps, for_observe = jax.random.split(key, 3)
    if state is None:
        state = infomax.init(for_init, images)
    if batch_size > len(images):
        raise ValueError(
            f"batch_size must be at most the {len(images)} images, got {batch_size}"
        )
    data = jnp.asarray(images)

    def step(
        key: Array, state: DeepInfomaxState, rows: Array
    ) -> tuple[DeepInfomaxState, DeepInfomaxInfo]:
        return infomax.step(key, state, data[rows])

    def observe_state(state: DeepInfomaxState) -> PyTree:
        assert observe is not None
        return observe(jax.random.fold_in(for_observe, state.step), state)

    return train(
        for_steps,
        state,
        sample_batch=make_row_sampler(len(data), batch_size),
        step=step,
        num_steps=num_steps,
        eval_every=eval_every,
        first_step=state.step,
        observe=None if observe is None else observe_state,
    )
