"""MINE's objective, whose gradient uses a moving average of the denominator."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxinfo.core.numerics import Where, log_mean_exp, weighted_mean
from jaxinfo.core.types import Array, Float, Int
from jaxinfo.divergences.scores import ScoresP, ScoresQ, validate_scores

__all__ = ["MineState", "mine_init", "mine_update"]


class MineState(NamedTuple):
    """MINE's moving average of E_q[exp(T)], not corrected for its start at zero.

    Attributes:
        log_denominator: the logarithm of the average, [].
        num_batches: the number of batches averaged, [].
    """

    log_denominator: Float[Array, ""]
    num_batches: Int[Array, ""]


def mine_init(dtype: jnp.dtype | None = None) -> MineState:
    """The state of MINE's moving average before the first batch.

    Args:
        dtype: dtype of the average, which may differ from that of the scores; None for
            JAX's default float.

    Returns:
        The state, with structure and dtypes that `mine_update` preserves.
    """
    dtype = jnp.result_type(float) if dtype is None else dtype
    # The lowest finite number is the logarithm of zero, and `jax_debug_infs` allows it.
    log_zero = jnp.asarray(jnp.finfo(dtype).min, dtype)
    return MineState(log_zero, jnp.zeros((), jnp.int32))


def mine_update(
    state: MineState,
    scores_p: ScoresP,
    scores_q: ScoresQ,
    where: Where = None,
    where_p: Where = None,
    *,
    decay: float | Float[Array, ""] = 0.99,
) -> tuple[Float[Array, ""], MineState]:
    """MINE's objective in nats: the Donsker-Varadhan bound with a smoothed gradient.

    d objective = E_p[dT] - E_q[dT exp(T)] / A, where A is the moving average
    A_t = decay A_(t-1) + (1 - decay) E_q[exp(T)], divided by 1 - decay^t. For the first
    batch, A is that batch's own average.

    Source: Belghazi et al., "MINE", ICML 2018, section 3.2 (bias of the gradient); the
        bias correction of the average is Adam's (Kingma and Ba, ICLR 2015).

    Args:
        state: the moving average over the previous batches.
        scores_p: T on samples of P, [N].
        scores_q: T on samples of Q, [M].
        where: mask or weights of scores_q, [M].
        where_p: mask or weights of scores_p, [N].
        decay: in [0, 1); may be traced. At 0 the gradient is that of
            `donsker_varadhan_bound`.

    Returns:
        The objective in nats, [], and the next state.

    Raises:
        ValueError: if scores are not vectors, a mask has another shape, or a static
            decay is not in [0, 1).

    Notes:
        MINE's estimate is `donsker_varadhan_bound`; only the gradient is smoothed.
    """
    if not isinstance(decay, jax.Array) and not 0 <= decay < 1:
        raise ValueError(f"decay must lie in [0, 1), got {decay}")
    scores_p, scores_q = validate_scores(scores_p, scores_q, where, where_p)
    log_batch = log_mean_exp(scores_q, where)
    state, log_average = _moving_average(state, jax.lax.stop_gradient(log_batch), decay)
    value = weighted_mean(scores_p, where_p) - log_batch
    # The function with MINE's gradient; its own value is replaced by the bound's.
    surrogate = weighted_mean(scores_p, where_p) - jnp.exp(
        log_batch - log_average.astype(log_batch.dtype)
    )
    return surrogate + jax.lax.stop_gradient(value - surrogate), state


# Compiled as one operation: at a decay of 0 its logarithm is -inf.
@functools.partial(jax.jit, inline=True)
def _moving_average(
    state: MineState, log_batch: Array, decay: float | Array
) -> tuple[MineState, Array]:
    """The next state, and the log of its average corrected for the start at zero."""
    dtype = state.log_denominator.dtype
    decay = jax.lax.stop_gradient(jnp.asarray(decay, dtype))
    num_batches = state.num_batches + 1
    log_denominator = jnp.logaddexp(
        jnp.log(decay) + state.log_denominator,
        jnp.log1p(-decay) + log_batch.astype(dtype),
    )
    log_correction = jnp.log(-jnp.expm1(num_batches.astype(dtype) * jnp.log(decay)))
    return MineState(log_denominator, num_batches), log_denominator - log_correction
