"""InfoNCE with several positives per row, from a score matrix or in blocks of rows."""

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_positive, check_rank
from jaxinfo.core.numerics import Where, log_mean_exp, weighted_mean
from jaxinfo.core.types import Array, Bool, Critic, Float, Int, PyTree
from jaxinfo.information.score_matrices import validate_matrix
from jaxinfo.information.scoring import make_blocks, pairwise_scores

__all__ = ["blocked_multi_positive_info_nce_bound", "multi_positive_info_nce_bound"]

Positives = Bool[Array, "n n"] | Int[Array, "n p"]


def multi_positive_info_nce_bound(
    scores: Float[Array, "n n"],
    positives: Positives,
    where: Where = None,
    *,
    axis: int = 1,
) -> Float[Array, ""]:
    """InfoNCE with any number of positives per row, in nats.

    mean_i [ log mean_{j in P_i} exp(s_ij) - log mean_j exp(s_ij) ]; the N candidates
    include the positives. With P_i = {i} it is `info_nce_bound`.

    Source: Wang et al., "Self-supervised heterogeneous graph neural network with
        co-contrastive learning", KDD 2021, equations 9 and 10. Their loss is
        mean_i log(N / |P_i|) minus this value, so the gradients agree.

    Args:
        scores: s[i, j] = T(x_i, y_j), [N, N].
        positives: a mask, [N, N], or the columns of each row's positives, [N, P],
            padded with -1.
        where: mask or weights of rows, [N]; a masked row is no candidate and no
            positive either.
        axis: the axis of the candidates. 1 contrasts each x with all y. 0 contrasts
            each y with all x: the value of the transposed scores, computed faster.

    Returns:
        The value in nats, at most mean_i log(N / |P_i|).

    Raises:
        ValueError: if the scores are not a square matrix, the positives do not match
            its rows, or the axis is neither 0 nor 1.

    Notes:
        A lower bound of mutual information if each row has one positive. With more, the
        log-mean over them exceeds the mean of their scores (Jensen's inequality), and
        the value may exceed the information. Rows without positives are ignored.

    Example:
        >>> own = jnp.arange(4)[:, None]
        >>> float(multi_positive_info_nce_bound(jnp.zeros((4, 4)), own))
        0.0
    """
    scores = validate_matrix(scores, where)
    positives = _validate_positives(positives, len(scores))
    if axis not in (0, 1):
        raise ValueError(f"axis must be 0 or 1, got {axis}")
    ratios, has_any = _log_ratios(scores, positives, where, axis)
    return weighted_mean(ratios, _weights(has_any, where))


def blocked_multi_positive_info_nce_bound(
    critic: Critic,
    params: PyTree,
    x: Float[Array, "n ..."],
    y: Float[Array, "n ..."],
    positives: Positives,
    where: Where = None,
    *,
    block_size: int = 512,
) -> Float[Array, ""]:
    """`multi_positive_info_nce_bound` of a critic in nats, by blocks of rows.

    Value and gradient need memory for `block_size` x N scores. The gradient recomputes
    each block.

    Source: Wang et al., KDD 2021, as `multi_positive_info_nce_bound`.

    Args:
        critic: scores pairs of rows of x and y.
        params: parameters of the critic.
        x: rows of x, [N, ...].
        y: rows of y, [N, ...].
        positives: a mask, [N, N], or the columns of each row's positives, [N, P],
            padded with -1.
        where: mask or weights of rows, [N].
        block_size: number of rows scored at once.

    Returns:
        The value in nats, equal to that of the whole matrix up to rounding.

    Raises:
        ValueError: if x, y, positives and where have different numbers of rows.
    """
    check_positive(block_size=block_size)
    x, y = jnp.asarray(x), jnp.asarray(y)
    size = len(x)
    if len(y) != size:
        raise ValueError(f"y must have the {size} rows of x, got {len(y)}")
    if where is not None and jnp.shape(where) != (size,):
        raise ValueError(
            f"where must have the shape {(size,)} of the rows of x, got "
            f"{jnp.shape(where)}"
        )
    positives = _validate_positives(positives, size)
    rows, valid = make_blocks(size, block_size)

    @jax.checkpoint
    def block(rows: Array) -> tuple[Array, Array]:
        scores = pairwise_scores(critic, params, x[rows], y)
        if where is not None:
            scores = jnp.where(jnp.asarray(where)[None] > 0, scores, 0)
        return _log_ratios(scores, positives[rows], where)

    ratios, has_any = jax.lax.map(block, jnp.asarray(rows))
    weights = _weights(has_any & valid, None if where is None else where[rows])
    return weighted_mean(ratios, weights)


def _validate_positives(positives: Positives, num_rows: int) -> Array:
    positives = jnp.asarray(positives)
    check_rank(2, positives=positives)
    is_mask = positives.dtype == bool
    if len(positives) != num_rows or (is_mask and positives.shape[1] != num_rows):
        raise ValueError(
            f"positives must be a mask of the shape {(num_rows, num_rows)} of scores, "
            f"or columns for each of its {num_rows} rows; got shape {positives.shape}"
        )
    if not is_mask and not jnp.issubdtype(positives.dtype, jnp.integer):
        raise ValueError(
            "positives must be a boolean mask or integer columns, got dtype "
            f"{positives.dtype}"
        )
    return positives


def _log_ratios(
    scores: Float[Array, "b n"], positives: Array, where: Where, axis: int = 1
) -> tuple[Float[Array, " b"], Bool[Array, " b"]]:
    """Log-mean-exp of the positives minus that of all, and whether a row has positives.

    The scores are [B, N], or [N, B] with axis 0.
    """
    weights = jnp.ones(scores.shape[axis], bool)
    candidates = None
    if where is not None:
        weights = jnp.asarray(where)
        candidates = jnp.expand_dims(weights, 1 - axis)
    if positives.dtype == bool:
        own, chosen = (
            (scores if axis else scores.T),
            jnp.where(positives, weights[None], 0),
        )
    else:
        rows = jnp.arange(len(positives))[:, None]
        own = scores[rows, positives] if axis else scores[positives, rows]
        chosen = jnp.where(positives >= 0, weights[positives], 0)
    chosen = chosen.astype(weights.dtype)
    has_any = jnp.any(chosen > 0, axis=1)
    # For a row without positives use all, so that its gradient is not NaN.
    chosen = jnp.where(has_any[:, None], chosen, jnp.ones_like(chosen))
    log_positive = log_mean_exp(own, chosen, axis=1)
    return log_positive - log_mean_exp(scores, candidates, axis=axis), has_any


def _weights(has_any: Bool[Array, "..."], where: Where) -> Array:
    if where is None:
        return has_any
    return jnp.where(has_any, jnp.asarray(where), 0)
