"""MINE's objective: a moving average takes the bias out of the batch's gradient."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxinfo.core.numerics import Where, log_mean_exp, weighted_mean
from jaxinfo.core.types import Array, Float, Int
from jaxinfo.divergences.scores import ScoresP, ScoresQ, admit_both

__all__ = ["MineState", "mine_init", "mine_update"]


class MineState(NamedTuple):
    """MINE's moving average of E_q[exp(T)], not yet corrected for its start at zero.

    Attributes:
        log_denominator: its logarithm, [].
        num_batches: batches averaged, [].
    """

    log_denominator: Float[Array, ""]
    num_batches: Int[Array, ""]


def mine_init(dtype: jnp.dtype | None = None) -> MineState:
    """The moving average before any batch.

    Args:
        dtype: of the average; None for JAX's default float. Scores of any dtype may
            follow.

    Returns:
        The state, whose structure and dtypes `mine_update` keeps.
    """
    dtype = jnp.result_type(float) if dtype is None else dtype
    return MineState(jnp.asarray(-jnp.inf, dtype), jnp.zeros((), jnp.int32))


def mine_update(
    state: MineState,
    scores_p: ScoresP,
    scores_q: ScoresQ,
    where: Where = None,
    where_p: Where = None,
    *,
    decay: float | Float[Array, ""] = 0.99,
) -> tuple[Float[Array, ""], MineState]:
    """MINE's objective: Donsker-Varadhan's value in nats, with the smoothed gradient.

    d objective = E_p[dT] - E_q[dT exp(T)] / A, where A is the moving average
    A_t = decay A_(t-1) + (1 - decay) E_q[exp(T)], divided by 1 - decay^t: the first
    batch is not smoothed at all.

    Source: Belghazi et al., "MINE", ICML 2018, section 3.2 (bias of the gradient); the
        correction of the start is Adam's (Kingma and Ba, ICLR 2015).

    Args:
        state: the moving average so far.
        scores_p: T on samples of P, [N].
        scores_q: T on samples of Q, [M].
        where: mask or weights of scores_q, [M].
        where_p: mask or weights of scores_p, [N].
        decay: in [0, 1); may be traced; 0 gives Donsker-Varadhan's own gradient.

    Returns:
        The objective in nats, [], and the next state.

    Raises:
        ValueError: where scores are not vectors, masks not of their shape, or a static
            decay is not in [0, 1).

    Notes:
        What MINE reports is `donsker_varadhan_bound`; only the gradient is smoothed.
    """
    if not isinstance(decay, jax.Array) and not 0 <= decay < 1:
        raise ValueError(f"decay must lie in [0, 1), got {decay}")
    scores_p, scores_q = admit_both(scores_p, scores_q, where, where_p)
    log_batch = log_mean_exp(scores_q, where)
    state, log_average = _moving_average(state, jax.lax.stop_gradient(log_batch), decay)
    value = weighted_mean(scores_p, where_p) - log_batch
    ascended = weighted_mean(scores_p, where_p) - jnp.exp(
        log_batch - log_average.astype(log_batch.dtype)
    )
    return ascended + jax.lax.stop_gradient(value - ascended), state


def _moving_average(
    state: MineState, log_batch: Array, decay: float | Array
) -> tuple[MineState, Array]:
    """The next state and the log of its average, corrected for the start at zero."""
    dtype = state.log_denominator.dtype
    decay = jax.lax.stop_gradient(jnp.asarray(decay, dtype))
    num_batches = state.num_batches + 1
    log_denominator = jnp.logaddexp(
        jnp.log(decay) + state.log_denominator,
        jnp.log1p(-decay) + log_batch.astype(dtype),
    )
    log_correction = jnp.log(-jnp.expm1(num_batches.astype(dtype) * jnp.log(decay)))
    return MineState(log_denominator, num_batches), log_denominator - log_correction
