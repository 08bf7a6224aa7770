"""A whole training of Deep InfoMax as one pure function of a key and images."""

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
    """Trains an encoder, or trains one further: legal under `jit` and `vmap`.

    Update number i draws from the key the same numbers whether the training came there
    in one call or in several, alone or among other seeds.

    Args:
        key: random key; the same one in every call of a training.
        infomax: from `make_deep_infomax`.
        images: [N, ...], floats, or unsigned bytes, in an order without information.
        num_steps: updates.
        batch_size: images of each update, at least two.
        eval_every: updates between two entries of the history.
        state: where to go on from; None to start anew.
        observe: `observe(key, state) -> arrays` after each block, such as a probe.

    Returns:
        A `TrainResult`, whose state is the last one.

    Raises:
        ValueError: where counts do not fit each other, or the networks the images.
    """
    check_key(0, key=key)
    check_positive(batch_size=batch_size)
    for_init, for_steps, for_looks = jax.random.split(key, 3)
    if state is None:
        state = infomax.init(for_init, images)
    if batch_size > len(images):
        raise ValueError(
            f"batch_size must be at most the {len(images)} images, got {batch_size}"
        )
    rows = jnp.asarray(images)

    def step(
        key: Array, state: DeepInfomaxState, batch: Array
    ) -> tuple[DeepInfomaxState, DeepInfomaxInfo]:
        return infomax.step(key, state, rows[batch])

    def look(state: DeepInfomaxState) -> PyTree:
        assert observe is not None
        return observe(jax.random.fold_in(for_looks, state.step), state)

    return train(
        for_steps,
        state,
        sample_batch=make_row_sampler(len(rows), batch_size),
        step=step,
        num_steps=num_steps,
        eval_every=eval_every,
        first_step=state.step,
        observe=None if observe is None else look,
    )
